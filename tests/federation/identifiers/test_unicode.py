# SPDX-License-Identifier: Apache-2.0
"""Unicode 14.0 under every Python: the gate and what passes it."""

import sys
import unicodedata
from hashlib import sha256
from json import loads
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import text

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.unicode import (
    admit,
    fold,
    is_assigned,
    unassigned_ranges,
)
from fedsafe_federation.identifiers.username import canonical_username
from fedsafe_policies.vocabulary import IdentifierKind

DIGESTS: dict[str, str] = loads(
    (Path(__file__).parent / "corpus_digests.json").read_text()
)
CHARACTERS = [chr(point) for point in range(sys.maxunicode + 1)]


def test_table_is_that_of_unicode_14() -> None:
    ours = {
        point for first, last in unassigned_ranges() for point in range(first, last + 1)
    }

    unassigned = {
        ord(character)
        for character in CHARACTERS
        if unicodedata.category(character) == "Cn"
    }
    if unicodedata.unidata_version == "14.0.0":  # Python 3.11
        assert ours == unassigned
    else:  # later versions only assign more
        assert unassigned < ours


def test_ranges_are_sorted_and_apart() -> None:
    edges = [edge for pair in unassigned_ranges() for edge in pair]

    assert edges == sorted(edges)
    assert all(
        last + 1 < first
        for (_, last), (first, _) in zip(
            unassigned_ranges(), unassigned_ranges()[1:], strict=False
        )
    )


# Nabla and its kind, in mathematical styles: no user name and no domain has them.
STYLED = "\U0001d6c1\U0001d6fb\U0001d735\U0001d76f\U0001d7a9"
CHANGED = f"{STYLED}\U0001171e"  # bidirectional class and category, in Unicode 16.0


@pytest.mark.parametrize("character", CHANGED)
def test_what_later_versions_changed_is_in_no_name(character: str) -> None:
    with pytest.raises(IdentifierError):
        canonical_username(f"{character}name", "xbox")
    with pytest.raises(IdentifierError):
        canonical_username(f"\u05d0{character}\u05d0", "xbox")


def test_a_mark_that_later_versions_changed_is_refused_everywhere() -> None:
    for kind in IdentifierKind:
        with pytest.raises(IdentifierError) as found:
            admit(kind, "a\U0001171e@mail.example")
        assert found.value.code is IdentifierFault.UNASSIGNED_CHARACTER


def test_what_passes_has_the_same_properties_under_every_python() -> None:
    digest = sha256()
    for character in filter(is_assigned, CHARACTERS):
        if unicodedata.category(character) == "Cs" or character in CHANGED:
            continue
        facts = (
            unicodedata.normalize("NFKC", character),
            unicodedata.normalize("NFC", character),
            character.casefold(),
            character.lower(),
            unicodedata.category(character),
            unicodedata.bidirectional(character),
            str(unicodedata.combining(character)),
            str(unicodedata.decimal(character, None)),
        )
        digest.update("\0".join(facts).encode())

    assert digest.hexdigest() == DIGESTS["unicode/14.0"]


def test_folding_one_character_twice_changes_nothing() -> None:
    folded = [fold(character) for character in filter(is_assigned, CHARACTERS)]

    assert [fold(one) for one in folded] == folded


@given(text())
def test_folding_twice_changes_nothing(written: str) -> None:
    assert fold(fold(written)) == fold(written)


@given(text())
def test_gate_only_strips(written: str) -> None:
    try:
        admitted = admit(IdentifierKind.USERNAME, written)
    except IdentifierError:
        return

    assert admitted == written.strip()
    assert all(map(is_assigned, admitted))


@pytest.mark.parametrize(
    ("character", "fault"),
    [
        ("\x00", IdentifierFault.CONTROL_CHARACTER),
        ("\x85", IdentifierFault.CONTROL_CHARACTER),
        ("\u2029", IdentifierFault.CONTROL_CHARACTER),
        ("\ud800", IdentifierFault.LONE_SURROGATE),
        ("\u200b", IdentifierFault.INVISIBLE_CHARACTER),
        ("\u202e", IdentifierFault.INVISIBLE_CHARACTER),
        ("\u034f", IdentifierFault.INVISIBLE_CHARACTER),
        ("\ufeff", IdentifierFault.INVISIBLE_CHARACTER),
        ("\U000e0100", IdentifierFault.INVISIBLE_CHARACTER),
        ("\u0cf3", IdentifierFault.UNASSIGNED_CHARACTER),
        ("\uffff", IdentifierFault.UNASSIGNED_CHARACTER),
        ("\U0010ffff", IdentifierFault.UNASSIGNED_CHARACTER),
    ],
    ids=lambda value: (
        value.name if isinstance(value, IdentifierFault) else ascii(value)
    ),
)
def test_gate_refuses(character: str, fault: IdentifierFault) -> None:
    with pytest.raises(IdentifierError) as refusal:
        admit(IdentifierKind.EMAIL, f"an{character}na@example.de")

    assert refusal.value.code == fault


@pytest.mark.parametrize("raw", ["a" * 4096, "\u00e4" * 2048])
def test_4096_bytes_pass(raw: str) -> None:
    assert admit(IdentifierKind.URL, raw) == raw


@pytest.mark.parametrize("raw", ["a" * 4097, "\u00e4" * 2049, " " * 10_000_000])
def test_more_bytes_do_not(raw: str) -> None:
    with pytest.raises(IdentifierError) as refusal:
        admit(IdentifierKind.URL, raw)

    assert refusal.value.code == IdentifierFault.TOO_LONG
