# SPDX-License-Identifier: Apache-2.0
"""Whatever is written: a canonical form that stays, or a refusal that is silent."""

import traceback
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis.strategies import (
    SearchStrategy,
    characters,
    from_regex,
    lists,
    none,
    one_of,
    sampled_from,
    text,
)

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers import Canonical, canonicalise
from fedsafe_federation.identifiers.corpus import Case, load_corpus
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import IdentifierKind

KINDS = pytest.mark.parametrize("kind", IdentifierKind, ids=lambda kind: kind.name)
PIECES = {
    IdentifierKind.EMAIL: ["@", ".", "+", '"', "\\", "gmail.com", "xn--", "\u00df"],
    IdentifierKind.PHONE: ["+", "49", "0", "(0)", "52", "1", "39", "151", "8"],
    IdentifierKind.USERNAME: ["discord", ":", "@", "\u0130", "\u05d0", "\u03a3"],
    IdentifierKind.DEVICE: ["idfa", ":", "-", "0", "f" * 31, "urn:uuid:", "{", "}"],
    IdentifierKind.PAYMENT: ["DE", "89", "0" * 16, "IBAN", "GB", "-", "4111"],
    IdentifierKind.IP: ["::", ":", ".", "/64", "[", "]", "%", "2a02", "ffff", "255"],
    IdentifierKind.URL: ["https://", "@", ":", "/", "%", "2e", "..", "?", "#", "xn--"],
}


def written(kind: IdentifierKind) -> SearchStrategy[str]:
    any_character = characters(exclude_categories=[])
    pieces = lists(one_of(sampled_from(PIECES[kind]), any_character, text(max_size=3)))
    return one_of(text(any_character), pieces.map("".join), sampled_from(raws(kind)))


def raws(kind: IdentifierKind) -> list[str]:
    return [case.raw for case in load_corpus(kind).cases]


REGIONS = one_of(none(), sampled_from(["DE", "AT", "US", "MX", "IT", "RU", "zz"]))
NAMESPACES = one_of(none(), sampled_from(["discord", "idfa", "a.de", "x"]), text())
ANY_KIND = sampled_from(IdentifierKind).flatmap(
    lambda kind: written(kind).map(lambda raw: (kind, raw))
)


@given(ANY_KIND, REGIONS, NAMESPACES)
def test_junk_raises_nothing_but_its_own_error(
    asked: tuple[IdentifierKind, str], region: str | None, namespace: str | None
) -> None:
    kind, raw = asked
    with suppress(IdentifierError):
        value = canonicalise(kind, raw, region=region, namespace=namespace).value
        value.encode()


@given(ANY_KIND, REGIONS, sampled_from([None, "discord", "idfa", "matrix"]))
def test_canonical_form_is_its_own(
    asked: tuple[IdentifierKind, str], region: str | None, namespace: str | None
) -> None:
    kind, raw = asked
    try:
        first = canonicalise(kind, raw, region=region, namespace=namespace)
    except IdentifierError:
        return

    assert canonicalise(kind, first.value) == first
    assert canonicalise(kind, first.value, region=region, namespace=namespace) == first


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, id=f"{kind.name}-{case.note}")
        for kind in IdentifierKind
        for case in load_corpus(kind).cases
        if case.canonical is not None
    ],
)
def test_published_form_is_its_own(kind: IdentifierKind, case: Case) -> None:
    assert canonicalise(kind, case.canonical or "").value == case.canonical


@given(from_regex(r"\+[1-9][0-9]{4,16}", fullmatch=True))
def test_phone_numbers_settle(raw: str) -> None:
    with suppress(IdentifierError):
        first = canonicalise(IdentifierKind.PHONE, raw)

        assert canonicalise(IdentifierKind.PHONE, first.value) == first


@KINDS
def test_half_a_surrogate_pair_is_refused(kind: IdentifierKind) -> None:
    with pytest.raises(IdentifierError) as refusal:
        canonicalise(kind, "a\ud800", namespace="x")

    assert refusal.value.code == IdentifierFault.LONE_SURROGATE


@KINDS
def test_a_refusal_never_holds_the_value(kind: IdentifierKind) -> None:
    for case in load_corpus(kind).cases:
        try:
            canonicalise(kind, case.raw, region=case.region, namespace=case.namespace)
        except IdentifierError as error:
            told = "".join(traceback.format_exception(error, limit=0))
            told += repr(error) + (error.phrase or Phrase("")).said("de")
            if len(case.raw.strip()) > 3 and case.raw != "IBAN":
                assert case.raw.strip() not in told


def test_a_canonical_identifier_does_not_show_its_value() -> None:
    canonical = canonicalise(IdentifierKind.EMAIL, "anna@example.de")

    assert canonical == Canonical(IdentifierKind.EMAIL, "email/1", "anna@example.de")
    assert repr(canonical) == str(canonical) == f"{canonical}" == "Canonical(email/1)"


@pytest.mark.parametrize("fault", IdentifierFault)
def test_every_refusal_has_words_in_two_languages(fault: IdentifierFault) -> None:
    error = IdentifierError(IdentifierKind.IP, fault)

    assert error.message
    assert error.phrase is not None
    assert error.phrase.said("de") not in ("", error.message)
    assert str(error) == f"ip: {error.message}"
