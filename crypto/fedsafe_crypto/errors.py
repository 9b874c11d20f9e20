# SPDX-License-Identifier: Apache-2.0
"""Every error that this room raises.

No message holds a secret, an identifier or key material: they name what was
refused, its length or its place.

CryptoError
├── LibraryMissingError          no libsodium with ristretto255 was found
├── WrongLengthError             a value of another length than its format says
├── MalformedInputError          a value that its frame cannot hold
├── MalformedElementError        no canonical group element, or the identity
├── MalformedScalarError         no canonical scalar, or zero
├── MalformedKeyError            no usable public or private key
├── MalformedNoteError           no C2SP signed note
├── MalformedCheckpointError     no C2SP tlog checkpoint
├── ProofError                   a proof of equal discrete logarithms fails
├── LiarError                    the node that a failed proof convicts
├── GenerationMismatchError      epoch or generation differ: ask again, blame nobody
├── SharesError                  shares, pins or a threshold that do not fit together
├── DkgError                     a key generation message or state out of order
│   └── DkgAbortError            the run ends, with who is at fault
├── OpenError                    a sealed value does not open
├── SignatureError               a signature does not verify
├── CommitmentError              an opening does not fit its commitment
├── InclusionError               a record is not in the tree
└── ConsistencyError             one tree does not extend another
"""

from collections.abc import Iterable
from dataclasses import dataclass


class CryptoError(Exception):
    """The root of this room's errors."""


class LibraryMissingError(CryptoError):
    """No libsodium with ristretto255 could be loaded."""


class WrongLengthError(CryptoError):
    """A value has another length than its format says."""

    def __init__(self, what: str, got: int, want: int) -> None:
        super().__init__(f"{what}: {got} bytes, {want} wanted")
        self.what = what
        self.got = got
        self.want = want


class MalformedInputError(CryptoError):
    """A text or a number that its frame cannot hold."""


class MalformedElementError(CryptoError):
    """Bytes that encode no group element, or encode the identity."""


class MalformedScalarError(CryptoError):
    """Bytes that encode no reduced scalar, or encode zero."""


class MalformedKeyError(CryptoError):
    """Bytes that are no usable key."""


class MalformedNoteError(CryptoError):
    """Text that is no C2SP signed note."""


class MalformedCheckpointError(CryptoError):
    """Text that is no C2SP tlog checkpoint."""


class ProofError(CryptoError):
    """A proof of equal discrete logarithms does not verify."""


class LiarError(CryptoError):
    """A node's answer does not fit its public share: the node is named.

    Attributes:
        index: The share index of that node.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"the answer of share {index} does not fit its public share")
        self.index = index


class GenerationMismatchError(CryptoError):
    """Values of two key generations met: retry with the other's pins."""


class SharesError(CryptoError):
    """Shares, pins, indices or a threshold do not fit together."""


class DkgError(CryptoError):
    """A message or a state of the key generation is out of order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Who is at fault in a run of the key generation, and why.

    Attributes:
        about: Whose message it is about.
        reason: What is wrong with that message, or is said to be.
        guilty: Who is at fault: that sender, or who complained of it falsely.
        by: Who complained, if anybody did.
        cites: Digest of what nobody showed yet; showing it, signed, lifts the finding.
    """

    about: int
    reason: str
    guilty: int
    by: int | None = None
    cites: bytes = b""

    def __str__(self) -> str:
        """Say it in one clause."""
        if self.by is None:
            return f"{self.about}: {self.reason}"
        said = f"{self.by} complains of {self.about}: {self.reason}"
        return f"{said} ({self.guilty} is at fault)"


class DkgAbortError(DkgError):
    """The key generation ends here.

    Attributes:
        findings: Who is at fault and why.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        named = "; ".join(str(finding) for finding in self.findings)
        super().__init__(f"key generation aborted: {named}")


class OpenError(CryptoError):
    """A sealed value does not open under this key and context."""


class SignatureError(CryptoError):
    """A signature does not verify."""


class CommitmentError(CryptoError):
    """An opening does not fit its commitment."""


class InclusionError(CryptoError):
    """An inclusion proof does not verify."""


class ConsistencyError(CryptoError):
    """A consistency proof does not verify."""
