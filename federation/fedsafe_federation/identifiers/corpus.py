# SPDX-License-Identifier: Apache-2.0
"""The published corpus of written and canonical identifiers, and its digest.

`data/corpus/<kind>.json` says for each case what the canonicaliser must answer.
The digest is taken over what it answers *here*, so two nodes whose libraries or
phone metadata have drifted apart see it before they exchange a token.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.json import decode

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.registry import CANONICALISERS, canonicalise
from fedsafe_policies.vocabulary import IdentifierKind

_FOLDER: Final = Path(__file__).parent.parent / "data" / "corpus"
_CONTEXT: Final = b"fedsafe/v1/corpus\n"


class Case(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One written identifier, and its canonical value or the refusal."""

    note: str
    raw: str
    region: str | None = None
    namespace: str | None = None
    canonical: str | None = None
    refused: IdentifierFault | None = None


class Corpus(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All cases of one canonicaliser."""

    canonicaliser: str
    cases: tuple[Case, ...]


def load_corpus(kind: IdentifierKind) -> Corpus:
    """Read the corpus that this release publishes for a kind."""
    return decode((_FOLDER / f"{kind.name.lower()}.json").read_bytes(), type=Corpus)


def outcome(kind: IdentifierKind, case: Case) -> str | IdentifierFault:
    """Return what the canonicaliser answers to a case on this machine."""
    try:
        return canonicalise(
            kind, case.raw, region=case.region, namespace=case.namespace
        ).value
    except IdentifierError as error:
        return error.code


def corpus_digest(kind: IdentifierKind) -> str:
    """Return the SHA-256, in hexadecimal, of all answers to a kind's corpus."""
    digest = sha256(_CONTEXT + _framed(CANONICALISERS[kind]))
    for case in load_corpus(kind).cases:
        answer = outcome(kind, case)
        verdict = b"\x01" if isinstance(answer, IdentifierFault) else b"\x00"
        for text in (case.raw, case.region or "", case.namespace or ""):
            digest.update(_framed(text))
        digest.update(verdict + _framed(answer))
    return digest.hexdigest()


@cache
def corpus_digests() -> Mapping[str, bytes]:
    """Return the digests of all corpora by canonicaliser, such as `phone/1`.

    The first call runs all corpora, about a tenth of a second.
    """
    return {
        CANONICALISERS[kind]: bytes.fromhex(corpus_digest(kind))
        for kind in IdentifierKind
    }


def _framed(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data
