# SPDX-License-Identifier: Apache-2.0
"""A backfill: what a quorum of members lets one of them ask for beside its budgets."""

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import BOT
from tests.support.council import agree, at_version, present, propose
from tests.support.fleet import NAMES, Fleet

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import MOST_BACKFILL, Backfill, check_charter
from fedsafe_federation.charter.diff import differences
from fedsafe_federation.errors import AmendmentError, MalformedError
from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import LookupRequest, Result
from fedsafe_node.store.peering_rows import Side
from fedsafe_policies.vocabulary import Purpose

DAY = 24 * 60 * 60


async def recheck(fleet: Fleet, name: str, value: str) -> Result:
    request = LookupRequest(
        questions=[Question(kind=Kind.EMAIL, value=value)],
        purpose=Purpose.RECHECK,
        subject_ref="account-1",
        deadline_ms=10_000,
    )
    return (await fleet[name].services.lookups.lookup(request, BOT)).result


async def asked(fleet: Fleet, name: str) -> set[str]:
    """Name the budgets that a node has asked others against."""
    rows = await fleet[name].base.store.scan(lambda r: r.all_leased(0, 1 << 40))
    return {row.purpose for row in rows if row.side is Side.ASKED}


async def test_what_a_quorum_has_signed_is_spent_by_rechecks_until_it_ends(
    trio: Fleet,
) -> None:
    await recheck(trio, "a.demo", "one@mail.example")
    before = await asked(trio, "a.demo")
    proposal = await propose(
        trio, "a.demo", ChangeKind.BACKFILL, "a.demo", elements=5, seconds=DAY
    )
    await recheck(trio, "a.demo", "two@mail.example")
    proposed = await asked(trio, "a.demo")
    await agree(trio, proposal, "b.demo")
    await at_version(trio, 2, *NAMES)
    results = [
        await recheck(trio, "a.demo", f"p{number}@mail.example") for number in range(12)
    ]
    during = await asked(trio, "a.demo")
    await trio.look_up("a.demo", "three@mail.example")

    assert before == proposed == {"lookup"}
    assert len(during) == 2
    assert results.count(Result.DEFERRED) == 2  # five at each of the two others
    found = await trio["b.demo"].services.governance.history()
    assert found.versions[-1].changes[0].en.startswith("a.demo may have 5 identifiers")


async def test_a_backfill_is_one_at_a_time_and_not_for_long(trio: Fleet) -> None:
    version, now = (await present(trio, "a.demo")).version, 1_900_000_000
    wanted = Change(
        kind=ChangeKind.BACKFILL, member="a.demo", elements=5, seconds=MOST_BACKFILL
    )
    once = amended(version, wanted, now=now)
    check_charter(once)
    version = Version(once, bytes(32))
    later = amended(
        version, Change(kind=ChangeKind.TERMS, appeal="b.demo"), now=now + MOST_BACKFILL
    )
    for change in (wanted, replace(wanted, member="b.demo", seconds=MOST_BACKFILL + 1)):
        with pytest.raises(AmendmentError):
            amended(version, change, now=now + 1)

    assert once.backfill("a.demo", now) is not None
    assert once.backfill("b.demo", now) is None
    assert once.backfill("a.demo", now + MOST_BACKFILL) is None
    assert later.backfills == []
    assert [each.key for each in differences(version.charter, later)] == ["appeal"]


@pytest.mark.parametrize(
    "backfills",
    [
        [Backfill("x.demo", 5, 0, 9)],
        [Backfill("a.demo", 5, 9, 9)],
        [Backfill("a.demo", 5, 0, MOST_BACKFILL + 1)],
        [Backfill("b.demo", 5, 0, 9), Backfill("a.demo", 5, 0, 9)],
        [Backfill("a.demo", 5, 0, 9), Backfill("a.demo", 6, 0, 9)],
    ],
)
async def test_a_charter_with_an_odd_backfill_is_refused(
    trio: Fleet, backfills: list[Backfill]
) -> None:
    charter = (await present(trio, "a.demo")).version.charter
    with pytest.raises(MalformedError):
        check_charter(replace(charter, backfills=backfills))
