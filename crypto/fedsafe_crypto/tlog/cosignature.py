# SPDX-License-Identifier: Apache-2.0
r"""C2SP cosignatures (c2sp.org/tlog-cosignature): a witness's word for a checkpoint.

A witness says that at a time the largest tree that it had seen of a log was this one.
The Ed25519 kind (0x04) is the one that other programs know today; it does not bind
the witness's name, so a witness has one key and one name.

    line = cosign(text, "b.example/witness", key, at=1_795_000_000)
    seen = verify_cosignatures(add_lines(note, line), [witness])
"""

from collections.abc import Iterable, Mapping
from typing import Final

from fedsafe_crypto.errors import MalformedNoteError, SignatureError
from fedsafe_crypto.primitives.identity import (
    SIGNATURE_BYTES,
    SigningKey,
    verify_exactly,
)
from fedsafe_crypto.tlog.note import (
    COSIGNER,
    NoteSignature,
    VerifierKey,
    signature_line,
    split_note,
)

_TIME_BYTES: Final = 8
_LATEST: Final = 2**63 - 1


def _message(at: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosign(text: str, name: str, key: SigningKey, *, at: int) -> str:
    """Cosign a checkpoint's text; give the line to add to its note.

    *at* is in seconds. Whoever calls has verified the log's signature and that the
    tree extends the last one that was cosigned.

    Raises:
        MalformedKeyError: the name is not acceptable.
    """
    verifier = VerifierKey.of(name, key.public, COSIGNER)
    signature = key.sign_exactly(_message(at, text))
    return signature_line(verifier, at.to_bytes(_TIME_BYTES) + signature)


def add_lines(note: bytes, lines: str) -> bytes:
    """Add signature lines to a note.

    Raises:
        MalformedNoteError: what comes out is no note.
    """
    try:
        whole = note + lines.encode()
    except UnicodeEncodeError:
        raise MalformedNoteError("a line is not UTF-8") from None
    split_note(whole)
    return whole


def verify_cosignatures(
    note: bytes, witnesses: Iterable[VerifierKey]
) -> Mapping[VerifierKey, int]:
    """Give those of the witnesses that cosigned a note, and when they say they did.

    Raises:
        MalformedNoteError: it is no signed note.
        SignatureError: a signature of one of them is bad.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in witnesses}
    found: dict[VerifierKey, int] = {}
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            found[key] = _verify(key, text, signature)
    return found


def take_cosignature(note: bytes, lines: str, witness: VerifierKey) -> tuple[str, int]:
    """Find a witness's cosignature of a note among lines that it answered with.

    Gives the line and the witness's time; lines of others are left aside.

    Raises:
        MalformedNoteError: they are no signature lines.
        SignatureError: there is none, or a bad one.
    """
    text, signatures = split_note(add_lines(note, lines))
    for signature in signatures:
        if (signature.name, signature.key_id) == (witness.name, witness.key_id):
            at = _verify(witness, text, signature)
            return signature_line(witness, signature.signature), at
    raise SignatureError("the witness has cosigned nothing")


def _verify(key: VerifierKey, text: str, signature: NoteSignature) -> int:
    time, rest = signature.signature[:_TIME_BYTES], signature.signature[_TIME_BYTES:]
    at = int.from_bytes(time)
    if key.kind != COSIGNER or len(rest) != SIGNATURE_BYTES or at > _LATEST:
        raise SignatureError("no cosignature")
    verify_exactly(key.public, _message(at, text), rest)
    return at
