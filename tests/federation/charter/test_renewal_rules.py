# SPDX-License-Identifier: Apache-2.0
"""A key is shared anew when it has to be, and by those who can tell."""

import msgspec
import pytest
from tests.support.members import NAMES
from tests.support.renewals import Federation, founded, renewing

from fedsafe_federation.charter.charter import Charter, MemberRole, MemberState
from fedsafe_federation.charter.renewal_rules import (
    MONTH,
    Need,
    convenors,
    departed,
    fitting,
    is_exposed,
    is_lower,
    made_at,
    need_of,
    renewal_in,
)
from fedsafe_federation.wire.wireformat import decode

A, B, C, D, E = NAMES


def charters(federation: Federation) -> list[Charter]:
    return [decode(each.payload, Charter) for each in federation.documents]


def need(federation: Federation, now: int | None = None) -> Need | None:
    chain = charters(federation)
    entry = chain[-1].epochs[0]
    made = made_at(chain, entry)
    return need_of(chain[-1], entry, made, made if now is None else made + now)


def first_in_line(federation: Federation) -> list[str]:
    charter, found = federation.version.charter, need(federation)
    assert found is not None
    return [each.name for each in convenors(charter, charter.epochs[0], found)]


def test_whoever_lacks_a_share_asks_for_it() -> None:
    assert need(founded().joined(D, E)) is Need.LACKING
    assert first_in_line(founded().joined(D, E)) == [D, E]


def test_those_who_stay_share_anew_what_somebody_left_with() -> None:
    assert need(founded().left(B)) is Need.DEPARTED
    assert first_in_line(founded().left(B)) == [A, C]
    assert need(founded().joined(D).left(B)) is Need.DEPARTED


def test_a_month_is_as_long_as_shares_last() -> None:
    assert need(founded()) is None
    assert need(founded(), MONTH - 1) is None
    assert need(founded(), MONTH) is Need.MONTHLY


@pytest.mark.parametrize("change", ["suspended", "no holder any more"])
def test_who_holds_and_should_not_counts_as_gone(change: str) -> None:
    before = founded().version.charter.members[2]
    after = (
        msgspec.structs.replace(before, state=MemberState.SUSPENDED)
        if change == "suspended"
        else msgspec.structs.replace(before, roles=(MemberRole.LISTER,))
    )
    members = [*founded().version.charter.members[:2], after]

    assert need(founded().changed(members=members, quorum=2)) is Need.DEPARTED


def test_the_threshold_stays_or_is_more_than_half() -> None:
    def fits(federation: Federation) -> int:
        charter = federation.version.charter
        return fitting(charter, charter.epochs[0])

    assert fits(founded()) == 2
    assert fits(founded(5, 4)) == 4
    assert fits(founded().joined(D)) == 3
    assert fits(founded().joined(D, E)) == 3
    assert fits(founded(5, 3).left(B)) == 3
    assert fits(founded(5, 4).left(B)) == 3  # all four would have to help
    assert fits(founded(5, 2).left(B)) == 3


def test_a_lower_threshold_is_for_people_to_agree_on() -> None:
    def lowers(federation: Federation) -> bool:
        charter = federation.version.charter
        return is_lower(charter, charter.epochs[0])

    assert lowers(founded(5, 4).left(B))
    assert lowers(founded(4, 3).left(B))
    assert not lowers(founded(5, 3).left(B))
    assert not lowers(founded().left(B))
    assert not lowers(founded().joined(D))


def test_shares_that_left_add_up_in_each_generation() -> None:
    five = founded().joined(D, E)
    grown = renewing(five, 3).finish().agreed()
    left = grown.left(D).left(E)

    counts = [(e.generation, e.count, e.is_close) for e in departed(charters(left))]
    assert counts == [(1, 0, False), (2, 2, True)]
    assert [e.is_close for e in departed(charters(grown.left(D)))] == [False, False]
    assert [e.count for e in departed(charters(founded().left(B)))] == [1]
    assert is_exposed(charters(left))
    assert not is_exposed(charters(grown.left(D)))


def test_a_version_that_only_renews_is_told_from_others() -> None:
    five = founded().joined(D, E)
    grown = renewing(five, 3).finish().agreed()
    before, after = five.version.charter, grown.version.charter

    assert renewal_in(before, after) == after.epochs[0]
    assert renewal_in(before, msgspec.structs.replace(after, quorum=5)) is None
    assert renewal_in(before, grown.left(D).version.charter) is None
    assert renewal_in(after, after) is None
