# SPDX-License-Identifier: Apache-2.0
"""The outbox: each package arrives under one key, whatever dies on the way."""

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.outbox import ERROR, HOOK, MAIL, Mail, Other, mail, outcomes
from tests.support.package_desk import KEY
from tests.support.partner_entries import SERVER

from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_node.acts.dispatches import RecallCase, SwitchSending
from fedsafe_node.acts.partners import VerifyPartner
from fedsafe_node.api.census import is_audited
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.parcels import Handed, Parcel
from fedsafe_node.ground.errors import CorruptRowError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import begin
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.escalation.channels import Channel, MailChannel
from fedsafe_policies.escalation.dispatches import (
    MOST_TRIES,
    DispatchState,
    Outcome,
    RecallReason,
)
from fedsafe_policies.escalation.partners import Way
from fedsafe_policies.escalation.states import CaseState

__all__ = ["ada", "ben", "desk", "mail", "tables", "team"]


class Killed(BaseException):
    """The node has died."""


class Dying(Faults):
    """Kills the node when it comes to a point for the first time."""

    def __init__(self, at: FaultPoint) -> None:
        self.at: FaultPoint | None = at

    def reach(self, point: FaultPoint) -> None:
        if point is self.at:
            self.at = None
            raise Killed


async def test_what_is_queued_is_brought_once_and_its_proof_kept(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    await mail.outbox.run()
    found = await mail.post.only(case, ada)
    ((parcel, channel),) = mail.other.took
    (attempt,) = found.attempts

    assert (parcel.dispatch, channel) == (found.dispatch, MAIL)
    assert (await mail.post.opened(found.dispatch)).statement.dispatch == found.key
    assert found.key.startswith(parcel.dispatch)
    assert found.state is DispatchState.DELIVERED
    assert (attempt.proof, attempt.message) == ("250 taken", "m-1")
    assert await mail.post.desk.state(case) == CaseState.DELIVERED


async def test_a_failure_is_tried_again_then_the_next_channel_then_people(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {
        "MailChannel": SendingError(Fault.UNREACHABLE, "no answer"),
        "WebhookChannel": SendingError(Fault.REFUSED, "404"),
    }
    case = await mail.queued(ada, ben)
    for _ in range(MOST_TRIES + 3):
        await mail.pass_and_run(3_600)
    found = await mail.post.only(case, ada)
    told = await mail.post.desk.cases.show(case, ada)

    tried = [("mail", Outcome.UNREACHABLE)] * MOST_TRIES
    assert outcomes(found) == [*tried, ("webhook", Outcome.REFUSED)]
    assert (found.state, found.ways) == (
        DispatchState.BY_HAND,
        [Way.PORTAL, Way.PHONE],
    )
    assert [each.step for each in told.steps[-2:]] == ["failed", "fallback"]
    assert [each.dispatch for each in told.tasks] == [found.dispatch]
    handed = await mail.post.notes.hand(case, found.dispatch, mail.post.handed(), ada)
    assert handed.state is CaseState.DELIVERED


async def test_a_package_that_breaks_the_carrier_holds_up_no_other(
    mail: Mail, ada: Principal, ben: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await mail.queued(ada, ben)
    second = await mail.post.approved(ada, ben)
    await mail.post.send(second, ada)
    broken, carry = (await mail.post.only(first, ada)).dispatch, mail.other.carry

    async def breaking(parcel: Parcel, channel: Channel) -> Handed:
        if parcel.dispatch == broken:
            raise OSError
        return await carry(parcel, channel)

    monkeypatch.setattr(mail.other, "carry", breaking)
    with pytest.raises(OSError):  # noqa: PT011 - the job is told, and runs again
        await mail.outbox.run()
    found = [await mail.post.only(case, ada) for case in (first, second)]

    assert [each.state for each in found] == [
        DispatchState.QUEUED,
        DispatchState.DELIVERED,
    ]


async def test_a_pause_lies_between_two_attempts(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {"MailChannel": SendingError(Fault.UNREACHABLE, "away")}
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    await mail.pass_and_run(9)
    early = await mail.post.only(case, ada)
    await mail.pass_and_run(1)
    later = await mail.post.only(case, ada)

    assert (len(early.attempts), len(later.attempts)) == (1, 2)


@pytest.mark.parametrize(
    "point", [FaultPoint.DISPATCH_BEFORE_CARRY, FaultPoint.DISPATCH_AFTER_CARRY]
)
async def test_a_node_that_dies_while_it_sends_sends_again_under_the_same_key(
    mail: Mail, ada: Principal, ben: Principal, point: FaultPoint
) -> None:
    case = await mail.queued(ada, ben)
    with pytest.raises(Killed):
        await mail.started(Dying(point)).run()
    cut_off = await mail.post.only(case, ada)
    for _ in range(3):
        await mail.pass_and_run(60)
    found = await mail.post.only(case, ada)

    assert outcomes(cut_off) == [("mail", None)]
    assert outcomes(found) == [
        ("mail", Outcome.IN_DOUBT),
        ("mail", Outcome.DELIVERED),
    ]
    assert {each.dispatch for each, _ in mail.other.took} == {found.dispatch}
    assert {channel for _, channel in mail.other.took} == {MAIL}


async def test_nothing_goes_to_an_entry_that_has_changed(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    other = MailChannel(address="someone@else.example")
    await mail.post.change(ada, channels=(other,))
    await mail.outbox.run()
    found = await mail.post.only(case, ada)

    assert mail.other.took == []
    assert [each.outcome for each in found.attempts] == [Outcome.PARTNER_CHANGED]
    assert found.state is DispatchState.BY_HAND


async def test_what_a_person_handed_over_is_not_sent_any_more(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    (found,) = (await mail.post.dispatches.list(case, ada)).dispatches
    await mail.post.notes.hand(case, found.dispatch, mail.post.handed(), ada)
    await mail.pass_and_run(60)

    assert mail.other.took == []


async def test_nothing_leaves_while_sending_is_off(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    off = await mail.switch.switch(SwitchSending(sends=False), ada)
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    waiting = await mail.post.only(case, ada)
    await mail.switch.switch(SwitchSending(sends=True), ben)
    await mail.outbox.run()
    events = [event for event, _, _ in await mail.post.desk.team.events()]

    assert (off.sends, off.by) == (False, "ada")
    assert (waiting.attempts, waiting.state) == ([], DispatchState.QUEUED)
    assert len(mail.other.took) == 1
    assert events.count("sending.switched") == 2


async def test_whoever_asks_again_is_answered_with_its_event_or_without_need(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    await mail.recalls.recall(case, ERROR, ada)
    again = {
        "recallCase": mail.recalls.recall(case, ERROR, ada),
        "switchSending": mail.switch.switch(SwitchSending(sends=True), ada),
    }
    for route, asked in again.items():
        asking = begin()
        await asked

        assert is_audited(route, asking), route


async def test_every_attempt_is_an_event(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {"MailChannel": SendingError(Fault.UNTRUSTED, "certificate")}
    await mail.queued(ada, ben)
    for _ in range(2):
        await mail.outbox.run()
    told = [
        (event, outcome)
        for event, outcome, _ in await mail.post.desk.team.events()
        if event in {"dispatch.begun", "dispatch.ended"}
    ]

    assert told == [
        ("dispatch.begun", "ok"),
        ("dispatch.ended", "untrusted"),
        ("dispatch.begun", "ok"),
        ("dispatch.ended", "delivered"),
    ]


async def test_a_recall_corrects_whoever_got_it_once(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    answer = await mail.recalls.recall(case, ERROR, ada)
    again = await mail.recalls.recall(case, ERROR, ada)
    (made,) = answer.dispatches
    opened = await mail.post.opened(made.dispatch)
    await mail.outbox.run()
    sent = mail.other.took

    assert answer.dispatches == again.dispatches
    assert (answer.state, len(sent)) == (CaseState.RECALLED, 2)
    assert [each.name for each in opened.documents] == [
        "package.json",
        "correction.json",
        "correction.txt",
    ]
    first = mail.other.took[0][0].dispatch
    assert made.recalls == first
    assert first.encode() in opened.documents[1].content
    assert opened.statement.dispatch == made.key


async def test_a_recall_corrects_what_may_have_arrived_and_stops_what_waits(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {"MailChannel": SendingError(Fault.IN_DOUBT, "lost")}
    case = await mail.queued(ada, ben, MAIL)
    await mail.outbox.run()
    answer = await mail.recalls.recall(case, ERROR, ada)
    stopped, correction = sorted(answer.dispatches, key=lambda each: bool(each.recalls))

    assert stopped.state is DispatchState.STOPPED
    assert (correction.recalls, correction.state) == (
        stopped.dispatch,
        DispatchState.QUEUED,
    )


async def test_what_lacked_a_setting_goes_once_the_case_is_sent_again(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {
        "MailChannel": SendingError(Fault.REFUSED, "550"),
        "WebhookChannel": SendingError(Fault.MISCONFIGURED, "no key"),
    }
    case = await mail.queued(ada, ben)
    await mail.pass_and_run(60)
    await mail.pass_and_run(60)
    waiting = await mail.post.only(case, ada)
    mail.other.failing = {}
    asking = begin()
    sent = await mail.post.send(case, ada)
    assert is_audited("sendCase", asking)
    await mail.pass_and_run(60)
    again = await mail.post.send(case, ada)
    (found,) = again.dispatches

    assert waiting.state is DispatchState.BY_HAND
    assert (sent.state, sent.dispatches[0].state) == (
        CaseState.DISPATCHING,
        DispatchState.QUEUED,
    )
    assert outcomes(found) == [
        ("mail", Outcome.REFUSED),
        ("webhook", Outcome.MISCONFIGURED),
        ("webhook", Outcome.DELIVERED),
    ]
    assert (found.dispatch, again.state) == (waiting.dispatch, CaseState.DELIVERED)


async def test_a_correction_that_lacked_a_setting_goes_once_it_is_recalled_again(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben, MAIL)
    await mail.outbox.run()
    await mail.recalls.recall(case, ERROR, ada)
    mail.other.failing = {"MailChannel": SendingError(Fault.MISCONFIGURED, "no ca")}
    await mail.outbox.run()
    early = await mail.recalls.recall(case, ERROR, ada)
    mail.other.failing = {}
    await mail.outbox.run()
    late = await mail.recalls.recall(case, ERROR, ada)
    sent = [parcel.dispatch for parcel, _ in mail.other.took]

    assert [each.state for each in early.dispatches] == [DispatchState.QUEUED]
    assert [each.state for each in late.dispatches] == [DispatchState.DELIVERED]
    assert sent[1:] == [late.dispatches[0].dispatch]


async def test_a_server_whose_host_key_nobody_compared_gets_nothing_of_the_queue(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    post, store = mail.post, mail.post.desk.store
    await post.enter(ada, None, channels=(SERVER, HOOK))
    await verify(mail, ben, 1)
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    await store.write(lambda tx: tx.set_meta("host-keys/bka", b""))  # as before
    await mail.outbox.run()
    await mail.pass_and_run(60)
    found = await post.only(case, ada)

    assert outcomes(found) == [
        ("sftp", Outcome.UNTRUSTED),
        ("webhook", Outcome.DELIVERED),
    ]
    assert [channel for _, channel in mail.other.took] == [HOOK]


async def verify(mail: Mail, ben: Principal, revision: int) -> None:
    """Verify a partner with a server over SFTP, and compare its host key."""
    call = VerifyPartner(
        revision=revision,
        reference="call-1",
        fingerprint=key_fingerprint(KEY.public),
        host_keys=(SERVER.fingerprint,),
    )
    await mail.post.partners.verify("bka", call, ben)


async def test_what_nobody_could_trust_goes_once_the_partner_is_verified_anew(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    post, store = mail.post, mail.post.desk.store
    await post.enter(ada, None, channels=(SERVER,))
    await verify(mail, ben, 1)
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    await store.write(lambda tx: tx.set_meta("host-keys/bka", b""))  # as before
    await mail.outbox.run()
    early = await refused(post.send(case, ada))
    await verify(mail, ben, 2)
    (queued,) = (await post.send(case, ada)).dispatches
    await mail.outbox.run()
    found = await post.only(case, ada)

    assert early.code == "partner_unverified"
    assert queued.state is DispatchState.QUEUED
    assert outcomes(found) == [
        ("sftp", Outcome.UNTRUSTED),
        ("sftp", Outcome.DELIVERED),
    ]


async def test_a_correction_nobody_could_trust_goes_once_it_is_recalled_again(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    post, store = mail.post, mail.post.desk.store
    await post.enter(ada, None, channels=(SERVER,))
    await verify(mail, ben, 1)
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    await mail.outbox.run()
    await mail.recalls.recall(case, ERROR, ada)
    await store.write(lambda tx: tx.set_meta("host-keys/bka", b""))  # as before
    await mail.outbox.run()
    early = await mail.recalls.recall(case, ERROR, ada)
    await verify(mail, ben, 2)
    late = await mail.recalls.recall(case, ERROR, ada)
    states = [answer.dispatches[0].state for answer in (early, late)]

    assert states == [DispatchState.BY_HAND, DispatchState.QUEUED]


@pytest.mark.parametrize("lacking", [0, 1])
async def test_of_two_channels_of_one_kind_the_one_that_was_mended_is_taken(
    mail: Mail, ada: Principal, ben: Principal, lacking: int
) -> None:
    class Picky(Other):
        async def carry(self, parcel: Parcel, channel: Channel) -> Handed:
            if error := fails.get(channel):
                raise error
            return await super().carry(parcel, channel)

    both = (MAIL, MailChannel(address="other@lka.example"))
    fails: dict[Channel, SendingError] = dict.fromkeys(
        both, SendingError(Fault.REFUSED, "550")
    )
    fails[both[lacking]] = SendingError(Fault.MISCONFIGURED, "it refuses the login")
    mail.other = Picky()
    mail.outbox = mail.started()
    case = await mail.queued(ada, ben, *both)
    await mail.outbox.run()
    await mail.pass_and_run(60)
    waiting = await mail.post.only(case, ada)
    fails.clear()
    await mail.post.send(case, ada)
    await mail.pass_and_run(60)

    assert waiting.state is DispatchState.BY_HAND
    assert [channel for _, channel in mail.other.took] == [both[lacking]]


async def test_what_is_for_another_entry_by_now_is_not_sent_again(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {
        "MailChannel": SendingError(Fault.MISCONFIGURED, "no password"),
    }
    case = await mail.queued(ada, ben, MAIL)
    await mail.outbox.run()
    await mail.post.change(ada, channels=(MAIL, HOOK))
    sent = await mail.post.send(case, ada)

    assert sent.dispatches[0].state is DispatchState.BY_HAND


async def test_what_may_have_arrived_is_acknowledged_and_what_waits_is_not(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    mail.other.failing = {"MailChannel": SendingError(Fault.IN_DOUBT, "lost")}
    post = mail.post
    case = await mail.queued(ada, ben, MAIL)
    sent, said = await post.only(case, ada), post.acknowledged()
    early = await refused(post.notes.acknowledge(case, sent.dispatch, said, ada))
    await mail.outbox.run()
    done = await post.notes.acknowledge(case, sent.dispatch, said, ada)

    assert early.code == "nothing_arrived"
    assert done.state is CaseState.ACKNOWLEDGED


async def test_what_never_left_is_stopped_and_corrects_nobody(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    (stopped,) = (await mail.recalls.recall(case, ERROR, ada)).dispatches
    await mail.outbox.run()

    assert (stopped.state, stopped.recalls) == (DispatchState.STOPPED, None)
    assert mail.other.took == []


async def test_a_case_of_which_nothing_was_sent_is_not_recalled(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    await mail.post.enter(ada, ben)
    case = await mail.post.approved(ada, ben)
    error = await refused(mail.recalls.recall(case, ERROR, ada))

    assert error.code == "nothing_sent"


async def test_a_recalled_case_is_put_right_and_goes_out_under_another_key(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    await mail.recalls.recall(case, ERROR, ada)
    await mail.post.approve_anew(case, ada, ben)
    answer = await mail.post.send(case, ada)
    await mail.outbox.run()

    assert answer.state is CaseState.DISPATCHING
    assert len({parcel.dispatch for parcel, _ in mail.other.took}) == 3


async def test_a_consent_that_is_revoked_recalls_and_is_gone_from_the_case(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    keeper = mail.post.desk.keeper
    revoked = RecallCase(reason=RecallReason.CONSENT_REVOKED)
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    await mail.recalls.recall(case, ERROR, ada)
    _, before = await keeper.office.store.read(lambda r: keeper.read(r, case))
    for _ in range(2):
        await mail.recalls.recall(case, revoked, ada)
    row, after = await keeper.office.store.read(lambda r: keeper.read(r, case))

    assert before.elements.consent is not msgspec.UNSET
    assert after.elements.consent is msgspec.UNSET
    assert row.state == CaseState.RECALLED.value
    assert await steps_of(mail, case) == ["recalled", "recalled"]


async def test_a_consent_revoked_after_a_new_approval_asks_for_another_one(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    keeper = mail.post.desk.keeper
    revoked = RecallCase(reason=RecallReason.CONSENT_REVOKED)
    case = await mail.queued(ada, ben)
    await mail.outbox.run()
    await mail.recalls.recall(case, ERROR, ada)
    await mail.post.approve_anew(case, ada, ben)
    await mail.recalls.recall(case, revoked, ada)
    row, file = await keeper.office.store.read(lambda r: keeper.read(r, case))

    assert (row.state, file.release) == (CaseState.DRAFT.value, None)


async def steps_of(mail: Mail, case: str) -> list[str]:
    store = mail.post.desk.keeper.office.store
    steps = await store.read(lambda reader: reader.case_steps(case))
    return [each.step for each in steps if each.step == CaseState.RECALLED.value]


async def test_what_was_handed_over_before_a_recall_is_noted_after_it_and_corrected(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    post = mail.post
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    (stopped,) = (await mail.recalls.recall(case, ERROR, ada)).dispatches
    noted = await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    answer = await mail.recalls.recall(case, ERROR, ada)
    first, correction = sorted(answer.dispatches, key=lambda each: bool(each.recalls))

    assert (stopped.state, noted.dispatch_state) == (DispatchState.STOPPED,) * 2
    assert (first.recalls, correction.recalls) == (None, sent.dispatch)


@pytest.mark.parametrize(("early", "is_taken"), [(301, False), (300, True)])
async def test_nothing_comes_of_a_dispatch_before_it_is_made(
    mail: Mail, ada: Principal, ben: Principal, early: int, *, is_taken: bool
) -> None:
    post = mail.post
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    at = sent.made_at - early
    handed = post.handed(at=at)
    tried = post.handed(at=at, outcome="unreachable")
    said = msgspec.structs.replace(post.acknowledged(), at=at)
    if is_taken:
        for note in (tried, handed):
            await post.notes.hand(case, sent.dispatch, note, ada)
        await post.notes.acknowledge(case, sent.dispatch, said, ada)
    else:
        for note in (tried, handed):
            error = await refused(post.notes.hand(case, sent.dispatch, note, ada))
            assert (error.code, error.pointer) == ("bad_span", "/at")
        await post.notes.hand(case, sent.dispatch, post.handed(), ada)
        error = await refused(post.notes.acknowledge(case, sent.dispatch, said, ada))
        assert (error.code, error.pointer) == ("bad_span", "/at")
    shown = await post.only(case, ada)

    began = [attempt.began_at for attempt in shown.attempts]
    assert began == [sent.made_at] * (2 if is_taken else 1)
    assert shown.delivered_at == sent.made_at
    assert shown.acknowledged_at == (sent.made_at if is_taken else None)


async def test_what_was_stopped_is_handed_over_and_acknowledged_once(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    post = mail.post
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    await mail.recalls.recall(case, ERROR, ada)
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    handed = await refused(post.notes.hand(case, sent.dispatch, post.handed(), ada))
    said = post.acknowledged()
    await post.notes.acknowledge(case, sent.dispatch, said, ada)
    again = await refused(post.notes.acknowledge(case, sent.dispatch, said, ada))

    assert "delivered already" in str(handed)
    assert "acknowledged already" in str(again)


async def test_a_correction_of_a_real_case_is_no_test_whatever_the_entry_is_now(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    post = mail.post
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    await post.change(ada, test=True)
    (correction,) = (await mail.recalls.recall(case, ERROR, ada)).dispatches
    opened = await post.opened(correction.dispatch)

    assert not opened.package.test
    assert correction.state is DispatchState.BY_HAND


async def test_a_case_that_cannot_be_read_holds_up_no_other(
    mail: Mail, ada: Principal, ben: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await mail.queued(ada, ben)
    second = await mail.post.approved(ada, ben)
    await mail.post.send(second, ada)
    keeper = mail.post.desk.keeper
    read = CaseKeeper.read

    async def damaged(
        self: CaseKeeper, reader: Reader, case_id: str
    ) -> tuple[CaseRow, CaseFile]:
        if case_id == first:
            raise CorruptRowError("cases", None, first, "changed")
        return await read(self, reader, case_id)

    monkeypatch.setattr(CaseKeeper, "read", damaged)
    await mail.outbox.run()
    rows = await keeper.office.store.read(lambda reader: reader.dispatches(second))

    assert [row.state for row in rows] == [DispatchState.DELIVERED.value]
    assert len(mail.other.took) == 2
