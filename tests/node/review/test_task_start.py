# SPDX-License-Identifier: Apache-2.0
import re

from msgspec.structs import replace
from tests.node.review.conftest import Ward, match

from fedsafe_node.acts.lookup import Match
from fedsafe_node.acts.reviews import TasksQuery
from fedsafe_node.ground.subject_refs import join
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.rules.reviews import review_ends
from fedsafe_policies.vocabulary import Outcome


def shown_as(found: Match) -> Match:
    return replace(found, question=0)


async def test_a_match_opens_one_task_of_its_account(ward: Ward) -> None:
    first = await ward.open(match(1), match(2, "c.demo"))
    again = await ward.open(match(2, "c.demo"), match(1))
    other = await ward.open(match(1), subject="account-2")

    assert (first.task, first.subject) == (again.task, "account-1")
    assert other.task != first.task
    assert again.events == ()
    shown = await ward.show(first.task)
    assert shown.subject_ref == "account-1"
    assert shown.ends_at == review_ends(shown.opened_at, ward.desk.situation.policy)
    assert [(each.origin, each.match) for each in shown.signals] == [
        ("b.demo", shown_as(match(1))),
        ("c.demo", shown_as(match(2, "c.demo"))),
    ]


async def test_two_services_that_call_accounts_alike_share_no_review(
    ward: Ward,
) -> None:
    shop = await ward.open(match(1), subject=join("shop", "account-1"))
    forum = await ward.open(match(1), subject=join("forum", "account-1"))
    nobody = [await ward.open(match(1), subject=None, service=at) for at in ("a", "b")]

    assert len({opened.task for opened in (shop, forum, *nobody)}) == 4
    tasks = [await ward.show(opened.task) for opened in (shop, forum)]
    assert [task.service for task in tasks] == ["shop", "forum"]
    assert {task.subject_ref for task in tasks} == {"account-1"}
    await ward.decide(shop.task, Outcome.DISMISS)
    (said,) = await ward.announced()
    assert (said.kind, said.subject_ref) == ("task.decided", "shop/account-1")
    assert (await ward.show(forum.task)).state == "open"


async def test_what_matches_later_joins_the_task_under_its_first_clock(
    ward: Ward,
) -> None:
    first = await ward.open(match(1))
    before = await ward.show(first.task)
    ward.team.pass_time(3_600)
    grown = await ward.open(match(1), match(2))

    assert grown.task == first.task
    after = await ward.show(first.task)
    assert (after.opened_at, after.ends_at) == (before.opened_at, before.ends_at)
    assert after.revision == before.revision + 1
    assert len(after.signals) == 2
    (told,) = await ward.told("task.grown")
    assert match(2).signal in told[1]
    assert match(1).signal not in told[1]


async def test_accounts_without_a_name_share_one_task_for_the_same_signals(
    ward: Ward,
) -> None:
    found = [await ward.open(match(1), match(2), subject=None) for _ in range(2)]
    other = await ward.open(match(1), subject=None)

    assert found[0].task == found[1].task != other.task
    assert (len(found[0].events), len(found[1].events)) == (1, 0)
    for opened in (found[0], other):
        assert re.fullmatch("unnamed-[0-9a-f]{32}/shop", opened.subject)
        shown = await ward.show(opened.task)
        assert (shown.service, f"{shown.subject_ref}/shop") == ("shop", opened.subject)


async def test_a_watch_of_nobody_in_particular_hides_no_new_match(ward: Ward) -> None:
    first = await ward.open(match(1), subject=None)
    await ward.decide(first.task, Outcome.WATCH, days=9)
    again = await ward.open(match(1), subject=None)

    assert again.task != first.task
    assert len(again.events) == 1


async def test_what_waits_is_reached_behind_any_flood(ward: Ward) -> None:
    await ward.open(match(9), subject=None)
    for number in range(25):
        await ward.open(match(1), subject=f"flood-{number:02}")
    ward.team.pass_time(3_600)
    real = await ward.open(match(7), subject="account-real")
    both = await ward.open(match(1), match(8), subject="account-both")

    seen: list[str | None] = []
    query, alike = TasksQuery(limit=5), dict[str | None, int]()
    while True:
        page = await ward.tasks.list(query, ward.people["anna"])
        seen += [one.subject_ref for one in page.tasks]
        alike |= {one.subject_ref: one.alike for one in page.tasks}
        if page.next is None:
            break
        query = TasksQuery(limit=5, after=page.next)

    # What hangs on a signal that few wait on comes first, what nobody named last.
    assert set(seen[:2]) == {"account-real", "account-both"}
    assert {real.subject, both.subject} == set(seen[:2])
    assert str(seen[-1]).startswith("unnamed-")
    assert len(seen) == len(set(seen)) == 28
    assert (alike["account-real"], alike["account-both"]) == (1, 1)
    assert alike["flood-00"] == 26


async def test_the_opening_is_told_with_rule_account_and_signals(ward: Ward) -> None:
    opened = await ward.open(match(1))

    ((outcome, text),) = await ward.told("task.opened")
    assert outcome == "ok"
    assert opened.task in text
    assert "account-1" in text
    assert match(1).signal in text


async def test_what_a_task_holds_lies_sealed(ward: Ward) -> None:
    opened = await ward.open(match(1))

    (row,) = await ward.desk.store.read(lambda r: r.task_signals(opened.task))
    assert row.sealed is not None
    assert b"grooming" not in row.sealed
    assert b"trust@" not in row.sealed


async def test_an_own_ban_is_found_by_the_list_that_it_is_on(ward: Ward) -> None:
    own = match(3, "a.demo", own=True)
    await ward.list_signal(own)
    opened = await ward.open(own)
    await ward.stop_signal(own, SignalStatus.ERASED)

    (signal,) = (await ward.show(opened.task)).signals
    assert (signal.origin, signal.effect, signal.match) == ("a.demo", "erased", None)
