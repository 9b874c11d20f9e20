# SPDX-License-Identifier: Apache-2.0
"""What somebody took out before a recall may have been handed over."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.outbox import Other
from tests.support.package_desk import KNOWN
from tests.support.taken_cases import Hands, case, post

from fedsafe_node.acts.cases import ApproveCase, AssessCase
from fedsafe_node.acts.dispatches import (
    NoteHanded,
)
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.parcels import Handed, Parcel
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.channels import MailChannel
from fedsafe_policies.escalation.dispatches import DispatchState
from fedsafe_policies.escalation.partners import Way
from fedsafe_policies.escalation.vocabulary import PartnerClass
from fedsafe_policies.vocabulary import Role

__all__ = ["ada", "ben", "case", "desk", "post", "tables", "team"]

HOUR: Final = 3_600
LKA: Final = MailChannel(address="intake@lka.example")


@pytest.fixture
async def eve(desk: Any) -> Principal:  # noqa: ANN401
    found: Principal = await desk.hire("eve", Role.ESCALATION_OFFICER)
    return found


async def test_a_package_that_was_taken_is_corrected_and_said_to_be_unclear(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    found = await post.recall(case, eve)
    (stopped,) = [each for each in found if each.recalls is None]
    (correction,) = [each for each in found if each.recalls]

    assert (stopped.dispatch, stopped.state) == (sent, DispatchState.STOPPED)
    assert stopped.unclear
    assert [(each.by, each.kept_back_at) for each in stopped.takings] == [("ada", None)]
    assert (correction.recalls, correction.state) == (sent, DispatchState.BY_HAND)
    assert (stopped.recalled, stopped.delivered_at) == (True, None)
    assert not correction.recalled
    assert await post.kinds(case, eve) == [
        ("hand_over", []),
        ("say_what_came", ["ada"]),
    ]


async def test_what_had_arrived_is_there_and_recalled(
    post: Hands, ada: Principal, case: str
) -> None:
    (sent,) = (await post.dispatches.list(case, ada)).dispatches
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    await post.recall(case, ada)
    found = (await post.dispatches.list(case, ada)).dispatches
    (there,) = [each for each in found if each.recalls is None]

    assert not sent.recalled
    assert (there.state, there.recalled) == (DispatchState.DELIVERED, True)
    assert there.delivered_at is not None


async def test_what_nobody_took_is_stopped_and_needs_no_correction(
    post: Hands, ada: Principal, case: str
) -> None:
    (stopped,) = await post.recall(case, ada)

    assert (stopped.state, stopped.unclear) == (DispatchState.STOPPED, False)
    assert await post.tasks(case, ada) == []


async def test_a_second_recall_makes_no_second_correction(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    await post.take(case, ada)
    first = await post.recall(case, ada)
    again = await post.recall(case, eve)

    assert [each.key for each in again] == [each.key for each in first]


async def test_delivered_as_it_turns_out_it_has_the_correction_that_was_made(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.recall(case, eve)
    before = await post.correction(case, eve)
    done = await post.notes.hand(case, sent, post.handed(), ada)
    await post.recall(case, eve)

    assert done.dispatch_state is DispatchState.STOPPED
    assert (done.recall_again, done.correction) == (False, DispatchState.BY_HAND)
    assert await post.correction(case, eve) == before
    assert await post.kinds(case, eve) == [("hand_over", [])]


async def test_acknowledged_as_it_turns_out_it_was_handed_over(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    await post.notes.acknowledge(case, sent, post.acknowledged(), ada)

    assert await post.kinds(case, ada) == [("hand_over", [])]


async def test_never_handed_over_its_correction_is_withdrawn(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    done = await post.keep_back(case, sent, ada)
    correction = await post.correction(case, ada)
    events = [event for event, _, _ in await post.desk.team.events()]
    again = await post.recall(case, ada)

    assert (done.held_by, done.correction) == ([], DispatchState.STOPPED)
    assert (correction.state, correction.due_at) == (DispatchState.STOPPED, None)
    assert await post.tasks(case, ada) == []
    assert "dispatch.withdrawn" in events
    assert {each.state for each in again} == {DispatchState.STOPPED}


async def test_who_has_handed_a_package_over_has_it_in_hand_no_more(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    missed = post.handed(way=Way.PHONE, outcome="unreachable", reference=None)
    first = await post.notes.hand(case, sent, missed, ada)
    done = await post.notes.hand(case, sent, post.handed(), ada)

    assert (first.held_by, done.held_by) == (["ada"], [])


async def test_each_of_two_says_what_came_of_the_package_in_their_hands(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.take(case, eve)
    await post.recall(case, ada)
    first = await post.keep_back(case, sent, ada)
    between = await post.correction(case, ada)
    second = await post.keep_back(case, sent, ada, taken_by="eve")
    after = await post.correction(case, ada)

    assert (first.held_by, second.held_by) == (["eve"], [])
    assert (between.state, after.state) == (
        DispatchState.BY_HAND,
        DispatchState.STOPPED,
    )


async def test_nobody_keeps_back_what_they_never_took_or_twice(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    other = await refused(post.keep_back(case, sent, eve))
    await post.keep_back(case, sent, ada)
    twice = await refused(post.keep_back(case, sent, ada))

    assert "eve has no package" in str(other)
    assert "ada" in str(other)
    assert "nor has anybody else" in str(twice)


async def test_kept_back_before_a_recall_it_was_never_there(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    kept = await post.keep_back(case, sent, ada)
    (stopped,) = await post.recall(case, ada)

    assert kept.dispatch_state is DispatchState.BY_HAND
    assert (stopped.state, stopped.unclear) == (DispatchState.STOPPED, False)


async def test_taken_again_after_it_was_kept_back_it_counts_again(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.keep_back(case, sent, ada)
    await post.take(case, ada)
    await post.take(case, ada)
    found = await post.recall(case, ada)

    (taken,) = [each for each in found if each.recalls is None]
    assert [each.kept_back_at is None for each in taken.takings] == [False, True]
    assert taken.unclear


async def test_what_came_of_the_first_taking_says_nothing_of_a_later_one(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    between = post.desk.team.now + HOUR
    post.desk.team.pass_time(2 * HOUR)
    await post.take(case, ada)
    of_first = NoteHanded(at=between, outcome="kept_back", taken_by="ada")
    error = await refused(post.notes.hand(case, sent, of_first, eve))
    found = await post.recall(case, eve)
    both = await post.keep_back(case, sent, ada)

    assert error.code == "bad_span"
    assert any(each.recalls for each in found)
    assert both.held_by == []


async def test_a_withdrawn_correction_goes_out_if_it_was_there_after_all(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    before = await post.correction(case, ada)
    await post.keep_back(case, sent, ada)
    done = await post.notes.hand(case, sent, post.handed(), ada)
    after = await post.correction(case, ada)

    assert done.correction is DispatchState.BY_HAND
    assert after == before


async def test_a_correction_that_is_there_is_not_withdrawn(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben, channels=(LKA,))
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    mail = Other()
    await post.outbox(mail).run()
    done = await post.keep_back(case, sent, ada)

    assert len(mail.took) == 1
    assert done.correction is DispatchState.DELIVERED
    assert await post.kinds(case, ada) == [("see_through", [])]


async def test_a_withdrawn_correction_is_mailed_once_the_package_is_there(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben, channels=(LKA,))
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    await post.keep_back(case, sent, ada)
    mail = Other()
    outbox = post.outbox(mail)
    await outbox.run()
    silent = len(mail.took)
    await post.notes.hand(case, sent, post.handed(), ada)
    await outbox.run()

    assert (silent, len(mail.took)) == (0, 1)
    assert (await post.correction(case, ada)).state is DispatchState.DELIVERED


async def test_a_recalled_case_is_changed_before_it_is_approved_and_sent_anew(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.recall(case, ada)
    sent = await refused(post.send(case, ada))
    approve = ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,))
    approved = await refused(post.desk.cases.approve(case, approve, ada))

    for error in (sent, approved):
        assert "change it" in str(error)
        assert "`fedsafe case assess`" in str(error)


async def test_no_case_is_closed_while_a_recalled_package_is_in_somebody_s_hands(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    await post.answer(case, ada)
    first = await refused(post.desk.cases.close(case, ada))
    correction = await post.correction(case, ada)
    await post.notes.hand(case, correction.dispatch, post.handed(), ada)
    error = await refused(post.desk.cases.close(case, ada))
    await post.keep_back(case, sent, ada)
    await post.desk.cases.close(case, ada)

    assert error.code == "package_in_hand"
    assert "taken by ada" in str(first)
    assert "taken by ada" in str(error)
    assert await post.desk.state(case) == "closed"


async def test_a_case_that_is_over_owes_nothing_and_nobody_is_called_for_nothing(
    post: Hands, ada: Principal, case: str
) -> None:
    before = await post.desk.cases.show(case, ada)
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    recalled = await post.desk.cases.show(case, ada)
    await post.keep_back(case, sent, ada)
    withdrawn = await post.correction(case, ada)
    await post.answer(case, ada)
    await post.desk.cases.close(case, ada)
    closed = await post.desk.cases.show(case, ada)

    assert [each.milestone for each in before.terms] == ["dispatch", "acknowledgement"]
    assert (recalled.terms, closed.terms) == ([], [])
    assert (withdrawn.state, withdrawn.reach) == (DispatchState.STOPPED, None)


async def test_a_package_kept_back_before_it_was_taken_is_refused(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    note = NoteHanded(at=post.desk.team.now - 301, outcome="kept_back")
    error = await refused(post.notes.hand(case, sent, note, ada))
    little = NoteHanded(at=post.desk.team.now - 300, outcome="kept_back")
    await post.notes.hand(case, sent, little, ada)
    shown = await post.only(case, ada)

    assert (error.code, error.pointer) == ("bad_span", "/at")
    (taking,) = shown.takings
    assert taking.kept_back_at == taking.at


async def test_a_case_that_waits_for_its_receipt_says_so_when_it_is_to_be_closed(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    case = await post.desk.open(ada)
    await post.desk.cases.assess(case, AssessCase(elements=KNOWN), ada)
    await post.answer(case, ada)
    asked = ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,))
    await post.desk.approve(await post.desk.cases.approve(case, asked, ada), ben)
    sent = (await post.send(case, ada)).dispatches[0].dispatch
    await post.notes.hand(case, sent, post.handed(), ada)
    error = await refused(post.desk.cases.close(case, ada))
    await post.notes.acknowledge(case, sent, post.acknowledged(), ada)
    await post.desk.cases.close(case, ada)

    assert "`fedsafe case acknowledged`" in str(error)


async def test_what_is_there_despite_a_recall_asks_for_another(
    post: Hands, ada: Principal, case: str
) -> None:
    (stopped,) = await post.recall(case, ada)
    done = await post.notes.hand(case, stopped.dispatch, post.handed(), ada)
    await post.answer(case, ada)
    error = await refused(post.desk.cases.close(case, ada))
    kinds = await post.kinds(case, ada)
    await post.recall(case, ada)
    open_ = await refused(post.desk.cases.close(case, ada))

    assert (done.recall_again, done.correction) == (True, None)
    assert (done.dispatch_state, done.recalled) == (DispatchState.STOPPED, True)
    assert done.delivered_at is not None
    assert "a correction is under way to " in str(open_)
    assert "or recall" not in str(open_)
    assert kinds == [("recall_again", [])]
    assert "nothing corrects" in str(error)
    assert await post.kinds(case, ada) == [("hand_over", [])]


async def test_a_way_that_failed_leaves_the_package_in_hand(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    failed = post.handed(outcome="unreachable", reference=None)
    await post.notes.hand(case, sent, failed, ada)
    found = await post.recall(case, ada)

    assert len(found) == 2
    assert (await post.correction(case, ada)).recalls == sent


async def test_without_a_way_only_what_was_kept_back_is_noted(
    post: Hands, ada: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    error = await refused(post.notes.hand(case, sent, post.handed(way=None), ada))

    assert error.code == "way_missing"


async def test_a_withdrawn_correction_goes_to_no_other_entry(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben, channels=(LKA,))
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    sent = await post.take(case, ada)
    await post.change(ada, channels=(MailChannel(address="else@where.example"),))
    await post.recall(case, ada)
    before = await post.correction(case, ada)
    await post.keep_back(case, sent, ada)
    await post.notes.hand(case, sent, post.handed(), ada)
    mail = Other()
    await post.outbox(mail).run()

    assert mail.took == []
    assert await post.correction(case, ada) == before
    assert before.state is DispatchState.BY_HAND


@dataclass
class Meanwhile:
    """A carrier during whose first work something else happens; it then fails."""

    act: Callable[[], Awaitable[object]]
    fault: Fault
    took: list[str] = field(default_factory=list)

    async def carry(self, parcel: Parcel, channel: object) -> Handed:
        del channel
        self.took.append(parcel.dispatch)
        if len(self.took) == 1:
            await self.act()
            raise SendingError(self.fault, "no")
        return Handed("250 taken", "m-1")


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.REFUSED, DispatchState.STOPPED),
        (Fault.IN_DOUBT, DispatchState.DELIVERED),
    ],
)
async def test_a_package_recalled_under_way_is_corrected_only_if_it_may_be_there(
    post: Hands, ada: Principal, ben: Principal, fault: Fault, state: DispatchState
) -> None:
    await post.enter(ada, ben, channels=(LKA,))
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    carrier = Meanwhile(lambda: post.recall(case, ada), fault)
    outbox = post.outbox(carrier)
    await outbox.run()
    await outbox.run()

    assert (await post.correction(case, ada)).state is state
    assert await post.kinds(case, ada) == (
        [] if state is DispatchState.STOPPED else [("see_through", [])]
    )


async def test_what_was_handed_over_is_not_kept_back_after_all(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.take(case, eve)
    await post.recall(case, ada)
    await post.notes.hand(case, sent, post.handed(), ada)
    first = await refused(post.keep_back(case, sent, ada))
    await post.keep_back(case, sent, eve)
    last = await refused(post.keep_back(case, sent, ada))
    correction = await post.correction(case, ada)

    assert "delivered already" in str(first)
    assert "delivered already" in str(last)
    assert correction.state is not DispatchState.STOPPED


async def test_the_last_package_in_hand_is_that_which_was_handed_over(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.notes.hand(case, sent, post.handed(), eve)
    error = await refused(post.keep_back(case, sent, ada))

    assert "delivered already" in str(error)


async def test_a_copy_is_kept_back_of_what_came_another_way(
    post: Hands, ada: Principal, eve: Principal, case: str
) -> None:
    sent = await post.take(case, ada)
    await post.notes.acknowledge(case, sent, post.acknowledged(), eve)
    receipt = await post.keep_back(case, sent, ada)

    assert receipt.dispatch_state is DispatchState.ACKNOWLEDGED
