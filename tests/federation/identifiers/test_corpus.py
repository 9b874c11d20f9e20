# SPDX-License-Identifier: Apache-2.0
"""Every published case, and the digests that all Python versions must share."""

from hashlib import sha256
from json import loads
from pathlib import Path

import pytest

from fedsafe_federation.errors import IdentifierFault
from fedsafe_federation.identifiers import CANONICALISERS
from fedsafe_federation.identifiers.corpus import (
    Case,
    corpus_digest,
    corpus_digests,
    load_corpus,
    outcome,
)
from fedsafe_policies.vocabulary import IdentifierKind

DIGESTS: dict[str, str] = loads(
    (Path(__file__).parent / "corpus_digests.json").read_text()
)
KINDS = pytest.mark.parametrize("kind", IdentifierKind, ids=lambda kind: kind.name)
CASES = [
    pytest.param(kind, case, id=f"{kind.name}-{case.note}")
    for kind in IdentifierKind
    for case in load_corpus(kind).cases
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_case_is_answered_as_published(kind: IdentifierKind, case: Case) -> None:
    assert outcome(kind, case) == (case.refused or case.canonical)


@KINDS
def test_corpus_has_enough_cases_of_both_sorts(kind: IdentifierKind) -> None:
    cases = load_corpus(kind).cases
    refused = [case for case in cases if case.refused is not None]

    assert len(cases) >= 40
    assert 15 <= len(refused) <= len(cases) - 15
    assert all((case.refused is None) != (case.canonical is None) for case in cases)
    assert len({case.note for case in cases}) == len(cases)


@KINDS
def test_corpus_belongs_to_the_canonicaliser_in_force(kind: IdentifierKind) -> None:
    assert load_corpus(kind).canonicaliser == CANONICALISERS[kind]


@KINDS
def test_digest_is_the_same_under_every_python(kind: IdentifierKind) -> None:
    assert corpus_digest(kind) == DIGESTS[CANONICALISERS[kind]]


@KINDS
def test_digest_covers_question_and_answer(kind: IdentifierKind) -> None:
    def framed(text: str) -> bytes:
        return len(text.encode()).to_bytes(2, "big") + text.encode()

    corpus = load_corpus(kind)
    parts = [b"fedsafe/v1/corpus\n", framed(corpus.canonicaliser)]
    for case in corpus.cases:
        parts += map(framed, (case.raw, case.region or "", case.namespace or ""))
        parts.append(b"\x00" if case.refused is None else b"\x01")
        parts.append(framed(case.refused or case.canonical or ""))

    assert corpus_digest(kind) == sha256(b"".join(parts)).hexdigest()


def test_every_refusal_has_a_case() -> None:
    seen = {case.refused for kind in IdentifierKind for case in load_corpus(kind).cases}

    # JSON cannot carry half a surrogate pair; test_refusals.py asks for that one.
    assert set(IdentifierFault) - seen == {IdentifierFault.LONE_SURROGATE}


def test_a_node_says_what_all_its_canonicalisers_answer() -> None:
    said = {rules: digest.hex() for rules, digest in corpus_digests().items()}

    assert said == {rules: DIGESTS[rules] for rules in CANONICALISERS.values()}
