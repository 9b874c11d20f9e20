# SPDX-License-Identifier: Apache-2.0
"""Whatever a crash leaves of a node's keys, it finds those that the charter names."""

from pathlib import Path

import pytest

from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import KeyFileError
from fedsafe_node.ground.key_files import destroy_secret
from fedsafe_node.keys.identity import (
    find_identity,
    load_identity,
    make_identity,
    next_identity,
    passed_over,
    read_identities,
)
from fedsafe_node.keys.own_keys import FIRST_SET, HeldKeys, create_keys, load_keys


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    create_keys(made)
    return made


def test_new_keys_are_others_and_are_found_by_their_public_half(place: Place) -> None:
    first, made = load_keys(place), make_identity(place, after=3, now=10)
    found = find_identity(place, made.keys.public())

    assert found is not None
    assert (found.after, found.made, found.files) == (3, 10, made.files)
    assert found.keys.statement.to_bytes() == made.keys.statement.to_bytes()
    mine, theirs = first.public(), made.keys.public()
    assert not set(mine.signing()) & set(theirs.signing())
    assert mine.sealing != theirs.sealing
    assert made.keys.own == first.own
    assert load_identity(place).public() == mine
    assert load_identity(place, theirs).public() == theirs


def test_who_asks_again_gets_the_same_keys_unless_a_thief_may_have_them(
    place: Place,
) -> None:
    made = next_identity(place, after=1, since=0, now=10)

    assert next_identity(place, after=1, since=9, now=20).files == made.files
    assert next_identity(place, after=1, since=10, now=20).files != made.files
    assert next_identity(place, after=2, since=0, now=20).files != made.files


def test_only_what_no_version_can_bring_up_is_passed_over(place: Place) -> None:
    first = load_keys(place).public()
    old, new = (make_identity(place, after=each, now=each) for each in (1, 2))
    elsewhere = Place(place.directory / "other")
    create_keys(elsewhere)
    stranger = make_identity(elsewhere, after=1, now=0)

    assert passed_over(place, first, 1) == []
    assert passed_over(place, first, 2) == list(old.files)
    gone = {*FIRST_SET, *old.files}
    assert set(passed_over(place, new.keys.public(), 3)) == gone
    assert passed_over(place, stranger.keys.public(), 3) == []


def test_what_is_left_of_keys_that_were_given_up_is_no_set(place: Place) -> None:
    made = make_identity(place, after=1, now=1)
    destroy_secret(place.keys / "audit.key")

    assert [each.files for each in read_identities(place)] == [made.files]
    assert load_identity(place).public() == made.keys.public()
    left = set(FIRST_SET) - {"audit"}
    assert set(passed_over(place, made.keys.public(), 2)) == left


def test_a_file_that_holds_no_keys_is_named(place: Place) -> None:
    path = place.keys / "identity-0123456789abcdef.key"
    path.write_bytes(b"{}")
    path.chmod(0o600)

    with pytest.raises(KeyFileError, match="identity-0123456789abcdef"):
        read_identities(place)


def test_parts_that_hold_a_key_sign_with_the_present_one(place: Place) -> None:
    keys: HeldKeys = load_keys(place).held()
    part, opener = keys.statement, keys.sealing
    other = make_identity(place, after=1, now=1).keys
    before = keys.public()
    keys.turn_to(other)

    assert part.public == other.statement.public
    assert part.sign_exactly(b"x") == other.statement.sign_exactly(b"x")
    assert part.to_bytes() == other.statement.to_bytes()
    assert opener.public == other.sealing.public
    assert keys.public() == other.public() != before
    assert part.to_bytes().hex() not in repr(keys)
