# SPDX-License-Identifier: Apache-2.0
"""What nobody acknowledges goes out once more, to the same partner and as the same."""

from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, tables
from tests.support.outbox import ERROR, HOOK, MAIL, Mail, mail, outcomes

from fedsafe_node.acts.cases import AssessCase
from fedsafe_node.casework.dispatch.fallback import take_next_channel
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.channels import MailChannel
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome
from fedsafe_policies.escalation.states import CaseState

__all__ = ["ada", "ben", "desk", "mail", "tables", "team"]


async def unanswered(mail: Mail, ada: Principal, ben: Principal) -> str:
    """Deliver by mail what nobody acknowledges; the next channel is due now."""
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    store, now = mail.post.desk.store, mail.post.desk.team.now
    counts = [
        await store.write(lambda tx: take_next_channel(tx, case, now)) for _ in range(2)
    ]
    assert counts == [1, 0]
    return case


async def test_what_nobody_acknowledges_goes_by_the_next_channel_under_its_key(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await unanswered(mail, ada, ben)
    waiting = await mail.post.only(case, ada)
    await mail.pass_and_run(60)
    store = mail.post.desk.store
    again = await store.write(lambda tx: take_next_channel(tx, case, 1))
    found = await mail.post.only(case, ada)
    (first, by_mail), (second, by_hook) = mail.other.took

    assert (by_mail, by_hook, again) == (MAIL, HOOK, 0)
    assert first == second
    assert (waiting.state, found.state) == (
        DispatchState.QUEUED,
        DispatchState.DELIVERED,
    )
    assert found.delivered_at == waiting.delivered_at
    assert await mail.post.desk.state(case) == CaseState.DELIVERED


async def test_what_was_delivered_stays_so_whatever_the_next_channel_says(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {"WebhookChannel": SendingError(Fault.REFUSED, "404")}
    case = await unanswered(mail, ada, ben)
    await mail.pass_and_run(60)
    found = await mail.post.only(case, ada)

    assert outcomes(found) == [
        ("mail", Outcome.DELIVERED),
        ("webhook", Outcome.REFUSED),
    ]
    assert found.state is DispatchState.DELIVERED
    assert await mail.post.desk.state(case) == CaseState.DELIVERED


async def test_nothing_goes_once_more_to_an_entry_that_has_changed(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    other = MailChannel(address="someone@else.example")
    await mail.post.change(ada, channels=(MAIL, other))
    store = mail.post.desk.store

    assert await store.write(lambda tx: take_next_channel(tx, case, 1)) == 0


async def test_a_case_is_delivered_while_a_package_goes_once_more(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    post = mail.post
    await post.enter(ada, ben, channels=(MAIL, HOOK))
    await post.enter(ada, ben, "zac")
    case = await post.approved(ada, ben)
    await post.send(case, ada, "bka", "zac")
    await mail.outbox.run()
    before = await post.desk.state(case)
    await post.desk.store.write(lambda tx: take_next_channel(tx, case, 1))
    (by_hand,) = [
        each
        for each in (await post.dispatches.list(case, ada)).dispatches
        if each.state is DispatchState.BY_HAND
    ]
    handed = await post.notes.hand(case, by_hand.dispatch, post.handed(), ada)

    assert before == CaseState.DISPATCHING
    assert handed.state is CaseState.DELIVERED


async def test_what_was_recalled_goes_out_no_more_when_the_clock_comes(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    await mail.recalls.recall(case, ERROR, ada)
    await mail.outbox.run()
    await mail.post.desk.cases.assess(case, AssessCase(feature="chat"), ada)
    before = len(mail.other.took)
    now = mail.post.desk.team.now
    count = await mail.post.desk.store.write(
        lambda tx: take_next_channel(tx, case, now)
    )
    await mail.pass_and_run(60)

    assert (count, before, len(mail.other.took)) == (0, 2, 2)
