# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.ground.errors import KeyFileError, NotFoundError, WrongStateError
from fedsafe_node.log.pseudonyms import PSEUDONYM, Pseudonyms, quarter_of

AUTUMN = datetime(2026, 11, 24, tzinfo=UTC)
WINTER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def pseudonyms(tmp_path: Path) -> Pseudonyms:
    made = Pseudonyms(tmp_path / "pseudonyms")
    made.learn("anna", "ben")
    return made


@given(month=st.integers(1, 12), year=st.integers(2020, 9999))
def test_every_month_is_in_one_quarter_of_its_year(month: int, year: int) -> None:
    quarter = quarter_of(datetime(year, month, 1, tzinfo=UTC))

    assert quarter == f"{year}q{[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][month - 1]}"


def test_a_person_has_one_pseudonym_a_quarter(pseudonyms: Pseudonyms) -> None:
    first = pseudonyms.shown("anna", AUTUMN)

    assert PSEUDONYM.fullmatch(first)
    assert first == pseudonyms.shown("anna", AUTUMN)
    assert first != pseudonyms.shown("ben", AUTUMN)
    assert first.rpartition("-")[2] not in pseudonyms.shown("anna", WINTER)


def test_only_people_have_pseudonyms(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.shown("bot", AUTUMN) == "bot"
    assert pseudonyms.shown("chat.example.de", AUTUMN) == "chat.example.de"
    assert pseudonyms.quarters() == []


def test_no_name_that_a_person_may_have_looks_like_a_pseudonym(
    pseudonyms: Pseudonyms,
) -> None:
    assert len(pseudonyms.shown("anna", AUTUMN)) > 32


def test_pseudonyms_last_over_a_restart(pseudonyms: Pseudonyms, tmp_path: Path) -> None:
    first = pseudonyms.shown("anna", AUTUMN)
    anew = Pseudonyms(tmp_path / "pseudonyms")
    anew.learn("anna")

    assert anew.shown("anna", AUTUMN) == first
    assert anew.name_behind(first) == "anna"


def test_two_processes_give_one_pseudonym(
    pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    other = Pseudonyms(tmp_path / "pseudonyms", tidy=False)
    other.learn("anna")

    shown = pseudonyms.shown("anna", AUTUMN)

    assert other.shown("anna", AUTUMN) == shown
    third = Pseudonyms(tmp_path / "pseudonyms", tidy=False)
    third.learn("anna")
    assert third.name_behind(shown) == "anna"


def test_what_another_process_made_or_destroyed_is_followed(
    pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    other = Pseudonyms(tmp_path / "pseudonyms", tidy=False)
    other.learn("anna")
    old = pseudonyms.shown("anna", AUTUMN)
    new = pseudonyms.shown("anna", WINTER)
    other.follow()
    assert other.name_behind(old) == "anna"

    pseudonyms.destroy("2026q4", present="2027q1")
    other.follow()

    assert other.name_behind(new) == "anna"
    with pytest.raises(WrongStateError, match="2026q4"):
        other.name_behind(old)


def test_another_process_keeps_its_draft(tmp_path: Path) -> None:
    draft = tmp_path / ".2026q4.key.0a0b"
    draft.write_bytes(b"being written")

    Pseudonyms(tmp_path, tidy=False)

    assert draft.exists()


def test_another_node_gives_other_pseudonyms(
    pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    other = Pseudonyms(tmp_path / "other")
    other.learn("anna")
    given_here = pseudonyms.shown("anna", AUTUMN)
    other.shown("anna", AUTUMN)

    with pytest.raises(NotFoundError):
        other.name_behind(given_here)


def test_a_destroyed_key_makes_pseudonyms_final(
    pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    old = pseudonyms.shown("anna", AUTUMN)
    new = pseudonyms.shown("anna", WINTER)

    assert pseudonyms.destroy("2026q4", present="2027q1")
    assert not pseudonyms.destroy("2026q4", present="2027q1")
    assert not (tmp_path / "pseudonyms" / "2026q4.key").exists()
    assert pseudonyms.name_behind(new) == "anna"
    with pytest.raises(WrongStateError, match="2026q4") as caught:
        pseudonyms.name_behind(old)
    assert caught.value.code == "pseudonym_final"


def test_the_present_quarter_keeps_its_key(pseudonyms: Pseudonyms) -> None:
    shown = pseudonyms.shown("anna", AUTUMN)

    with pytest.raises(KeyFileError):
        pseudonyms.destroy("2026q4", present="2026q4")
    assert pseudonyms.name_behind(shown) == "anna"


@pytest.mark.parametrize("word", ["anna", "staff-2026q4-a", "staff-2026q5-" + "a" * 21])
def test_what_is_no_pseudonym_has_no_name(pseudonyms: Pseudonyms, word: str) -> None:
    with pytest.raises(NotFoundError):
        pseudonyms.name_behind(word)


def test_a_loose_or_short_key_is_refused(
    pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    pseudonyms.shown("anna", AUTUMN)
    key = tmp_path / "pseudonyms" / "2026q4.key"
    key.chmod(0o644)
    with pytest.raises(KeyFileError):
        Pseudonyms(tmp_path / "pseudonyms")
    key.chmod(0o600)
    key.write_bytes(b"short")

    with pytest.raises(KeyFileError, match="want 32"):
        Pseudonyms(tmp_path / "pseudonyms")


def test_a_name_or_key_is_never_shown_by_repr(pseudonyms: Pseudonyms) -> None:
    pseudonyms.shown("anna", AUTUMN)

    assert repr(pseudonyms) == "Pseudonyms(2026q4)"
