# SPDX-License-Identifier: Apache-2.0
"""A mail that comes back brings attention, and nothing that a forger could want."""

from typing import Final

import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.outbox import ERROR, HOOK, MAIL, Mail, Other, mail, outcomes
from tests.support.replies import TOKEN, token_of
from tests.support.replies import mail as letter

from fedsafe_node.acts.dispatches import ReceiveReply, ReplyReceipt
from fedsafe_node.api.census import is_audited
from fedsafe_node.casework.dispatch.bounces import MOST_BOUNCES
from fedsafe_node.casework.dispatch.fallback import take_next_channel
from fedsafe_node.casework.dispatch.replies import read_reply
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.parcels import Handed, Parcel
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import begin
from fedsafe_policies.escalation.channels import Channel, MailChannel
from fedsafe_policies.escalation.clocks import Milestone
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome
from fedsafe_policies.escalation.states import CaseState

__all__ = ["ada", "ben", "desk", "mail", "tables", "team"]

REPORT: Final = 'Content-Type: multipart/report; report-type="delivery-status"; x=y'
READ: Final = "Content-Type: multipart/report; report-type=disposition-notification"


async def sent(mail: Mail, ada: Principal, ben: Principal, *channels: Channel) -> str:
    case = await mail.queued(ada, ben, *channels)
    await mail.outbox.run()
    return case


async def bounce(
    mail: Mail, case: str, ada: Principal, number: int = 1
) -> ReplyReceipt:
    token = await token_of(mail.post, case, ada)
    head = letter(f"To: cases+{token}@chat.example", REPORT, number=number)
    asking = begin()
    answer = await mail.post.notes.receive(ReceiveReply(head), ada)
    assert is_audited("receiveReply", asking)
    assert answer.bounced
    return answer


@pytest.mark.parametrize(
    "lines",
    [
        (REPORT, "Auto-Submitted: auto-replied", "Return-Path: <>"),
        ("From: Mail Delivery System <MAILER-DAEMON@office.example>",),
        ("X-Failed-Recipients: intake@office.example", "Auto-Submitted: auto-replied"),
    ],
)
def test_a_report_that_nothing_was_delivered_is_one(lines: tuple[str, ...]) -> None:
    assert read_reply(letter(f"To: cases+{TOKEN}@chat.example", *lines)).bounced


@pytest.mark.parametrize(
    "lines",
    [
        (READ, "From: MAILER-DAEMON@office.example"),
        ("Content-Type: multipart/report; report-type=feedback-report",),
        ("Auto-Submitted: auto-replied", "Return-Path: <>"),
    ],
)
def test_what_else_a_machine_writes_is_none(lines: tuple[str, ...]) -> None:
    with pytest.raises(BadRequestError) as found:
        read_reply(letter(f"To: cases+{TOKEN}@chat.example", *lines))

    assert found.value.code == "automatic_reply"


async def test_what_came_back_goes_by_the_next_channel_under_its_key(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await sent(mail, ada, ben, MAIL, HOOK)
    answer = await bounce(mail, case, ada)
    desk = mail.post.desk
    owed = {term.milestone for term in (await desk.cases.list(ada)).cases[0].owed}
    await mail.pass_and_run(1)
    found = await mail.post.only(case, ada)
    (first, _), (second, channel) = mail.other.took

    assert (answer.noted, answer.dispatch_state) == (True, DispatchState.QUEUED)
    assert answer.state is CaseState.DISPATCHING
    assert Milestone.DISPATCH in owed
    assert await desk.state(case) == CaseState.DELIVERED
    assert (first, channel) == (second, HOOK)
    assert outcomes(found) == [
        ("mail", Outcome.DELIVERED),
        ("mail", Outcome.BOUNCED),
        ("webhook", Outcome.DELIVERED),
    ]
    assert found.state is DispatchState.DELIVERED
    assert (found.acknowledged_at, found.receipts) == (None, [])


async def test_what_came_back_and_has_no_other_channel_waits_for_a_person(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await sent(mail, ada, ben, MAIL)
    answer = await bounce(mail, case, ada)
    found = await mail.post.only(case, ada)
    handed = await mail.post.notes.hand(case, found.dispatch, mail.post.handed(), ada)

    assert answer.dispatch_state is DispatchState.BY_HAND
    assert answer.state is CaseState.FALLBACK
    assert found.delivered_at is None
    assert handed.state is CaseState.DELIVERED


async def test_what_comes_back_while_it_goes_once_more_was_not_delivered(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {"WebhookChannel": SendingError(Fault.REFUSED, "404")}
    case = await sent(mail, ada, ben, MAIL, HOOK)
    store, now = mail.post.desk.store, mail.post.desk.team.now
    await store.write(lambda tx: take_next_channel(tx, case, now))
    await bounce(mail, case, ada)
    await mail.pass_and_run(1)
    found = await mail.post.only(case, ada)

    assert (found.state, found.delivered_at) == (DispatchState.BY_HAND, None)
    assert await mail.post.desk.state(case) == CaseState.FALLBACK


async def test_a_bounce_changes_nothing_that_is_acknowledged_or_came_another_way(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {"MailChannel": SendingError(Fault.IN_DOUBT, "lost")}
    case = await mail.queued(ada, ben)
    for _ in range(9):
        await mail.pass_and_run(3_600)
    before = await mail.post.only(case, ada)
    other_way = await bounce(mail, case, ada)
    after = await mail.post.only(case, ada)
    await mail.post.notes.acknowledge(
        case, after.dispatch, mail.post.acknowledged(), ada
    )
    late = await bounce(mail, case, ada, number=2)

    assert outcomes(before)[-1] == ("webhook", Outcome.DELIVERED)
    assert (other_way.noted, after.state) == (True, before.state)
    assert after.delivered_at == before.delivered_at
    assert (late.noted, late.state) == (False, CaseState.ACKNOWLEDGED)


async def test_a_few_bounces_are_noted_each_once_and_no_more(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await sent(mail, ada, ben, MAIL, HOOK)
    noted = [
        (await bounce(mail, case, ada, number=number)).noted
        for number in (1, 1, *range(2, MOST_BOUNCES + 3))
    ]
    found = await mail.post.only(case, ada)

    assert noted.count(True) == MOST_BOUNCES
    assert noted[:2] == [True, False]
    assert found.state is DispatchState.QUEUED


async def test_who_got_a_package_gets_its_correction_whatever_came_back(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await sent(mail, ada, ben, MAIL)
    await bounce(mail, case, ada)
    answer = await mail.recalls.recall(case, ERROR, ada)

    assert [bool(each.recalls) for each in answer.dispatches].count(True) == 1


async def test_of_what_never_left_by_mail_nothing_comes_back(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    token = await token_of(mail.post, case, ada)
    head = letter(f"To: cases+{token}@chat.example", REPORT)
    error = await refused(mail.post.notes.receive(ReceiveReply(head), ada))

    assert error.code == "nothing_arrived"


async def test_what_was_recalled_goes_out_no_more_because_a_mail_came_back(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await sent(mail, ada, ben, MAIL, HOOK)
    dispatch = (await mail.post.only(case, ada)).dispatch
    token = await token_of(mail.post, case, ada)
    await mail.recalls.recall(case, ERROR, ada)
    await mail.outbox.run()
    head = letter(f"To: cases+{token}@chat.example", REPORT)
    answer = await mail.post.notes.receive(ReceiveReply(head), ada)
    await mail.pass_and_run(60)
    old, correction = [parcel.dispatch for parcel, _ in mail.other.took]

    assert (answer.noted, answer.dispatch_state) == (True, DispatchState.DELIVERED)
    assert (old, len(mail.other.took)) == (dispatch, 2)
    assert correction != dispatch


async def test_forged_ones_leave_room_for_the_true_one_of_the_next_mail(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    second = MailChannel(address="second@office.example")
    case = await sent(mail, ada, ben, MAIL, second)
    for number in range(MOST_BOUNCES + 1):
        await bounce(mail, case, ada, number=number)
    await mail.pass_and_run(60)
    answer = await bounce(mail, case, ada, number=17)

    assert (answer.noted, answer.dispatch_state) == (True, DispatchState.BY_HAND)


async def test_a_mail_that_comes_back_before_its_attempt_has_ended_is_not_delivered(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)

    class Returning(Other):
        async def carry(self, parcel: Parcel, channel: Channel) -> Handed:
            await bounce(mail, case, ada)
            return await super().carry(parcel, channel)

    mail.other = Returning()
    mail.outbox = mail.started()
    await mail.outbox.run()
    found = await mail.post.only(case, ada)

    assert outcomes(found) == [("mail", Outcome.DELIVERED), ("mail", Outcome.BOUNCED)]
    assert (found.state, found.delivered_at) == (DispatchState.QUEUED, None)
