# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import world

from fedsafe_federation.errors import ArrangementError, MalformedError
from fedsafe_federation.exchange.handshake import Speaks, agree, parse_speaks

OWN = Speaks.of(world().charter)
HASH = OWN.arrangement


def test_what_is_said_is_heard() -> None:
    assert parse_speaks(OWN.header()) == OWN
    assert agree(OWN, OWN).protocol == 1


def test_words_that_are_not_known_are_left_aside() -> None:
    text = OWN.header() + ",new-feature; colour=green; nothing"
    heard = parse_speaks(text)

    assert heard.features == OWN.features | {"new-feature"}
    assert agree(OWN, heard).features == OWN.features


@pytest.mark.parametrize(
    ("own", "theirs", "chosen"),
    [({1}, {1, 2}, 1), ({2, 3}, {1, 2}, 2), ({1, 2}, {1, 2}, 2)],
)
def test_neighbours_speak_the_highest_version_of_both(
    own: set[int], theirs: set[int], chosen: int
) -> None:
    one = Speaks(frozenset(own), frozenset({"a", "b"}), 1, HASH)
    other = Speaks(frozenset(theirs), frozenset({"b", "c"}), 2, HASH)

    assert agree(one, other) == agree(other, one)
    assert agree(one, other).protocol == chosen
    assert agree(one, other).features == {"b"}


@pytest.mark.promise("LR-25")
def test_without_a_common_version_or_arrangement_nothing_passes() -> None:
    newer = Speaks(frozenset({3}), OWN.features, 1, HASH)
    others = Speaks(OWN.protocols, OWN.features, 7, bytes(32))

    with pytest.raises(ArrangementError) as version:
        agree(OWN, newer)
    with pytest.raises(ArrangementError, match=r"version 1 .* one 7") as arrangement:
        agree(OWN, others)
    assert version.value.code == "other_protocol"
    assert arrangement.value.code == "other_arrangement"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1; charter=1",
        f"v=0; charter=1; arrangement={HASH.hex()}",
        f"v=1; charter=x; arrangement={HASH.hex()}",
        f"v=1; charter=1; arrangement={HASH.hex()[1:]}",
        f"v=1; charter=1; arrangement={HASH.hex()}; features=A",
        "v=" + "1" * 1_000,
    ],
)
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_speaks(text)


@given(text=st.text(max_size=200))
def test_junk_raises_its_own_error_only(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_speaks(text)
