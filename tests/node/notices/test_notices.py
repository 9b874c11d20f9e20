# SPDX-License-Identifier: Apache-2.0
"""What a listed person is told, when, and what keeps it back: on a real node."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.fleet_stores import FLEET_STORES
from tests.support.told_persons import (
    ADA,
    DORA,
    SHOP,
    VALUE,
    A,
    draft,
    node,
    open_case,
    publish,
    secret_order,
    sign,
    sign_all,
    tend,
    told,
)

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    Kind,
    RevokeRequest,
)
from fedsafe_node.acts.cases import AssessCase, NewHold
from fedsafe_node.acts.disputes import NewDisputeRequest
from fedsafe_node.acts.notices import (
    NoticeKind,
    NoticeState,
    SignOffRequest,
    Standing,
    TextName,
    WithholdRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.log.openings import period_of
from fedsafe_node.notices.texts import texts
from fedsafe_policies.escalation.package import Elements, Suspect, Victim
from fedsafe_policies.escalation.vocabulary import Element
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import (
    Contention,
    Detection,
    Provenance,
    Role,
    Scope,
    Source,
    Withholding,
)

__all__ = ["node"]

NEVER = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
UNTIL = date(2026, 12, 20)
WITHHOLD = WithholdRequest(reason=Withholding.BDSG_29_1, note="file-9", until=UNTIL)


async def revoke(fleet: Fleet, signal: str) -> None:
    request = RevokeRequest(reason=Reason.MISTAKE)
    await fleet[A].services.signals.revoke(signal, request, RITA)


async def states(fleet: Fleet) -> list[tuple[str | None, NoticeKind, NoticeState]]:
    answer = await fleet[A].services.notices.show(DORA)
    return [(each.signal, each.notice, each.state) for each in answer.notices]


@pytest.mark.promise("LR-16")
async def test_a_publication_announces_reasons_and_notice_to_the_person(
    node: Fleet,
) -> None:
    await sign_all(node)
    signal = await publish(node)
    (event,) = await told(node)

    assert event.subject_ref == "user-1"
    assert event.receipt_due is not None
    assert event.content["signal"] == signal
    said = {name: str(text) for name, text in event.content.items()}
    assert "20.11.2026" in said["statement_of_reasons_de"]
    assert "2026-11-20" in said["statement_of_reasons_en"]
    assert "b.demo, c.demo" in said["data_protection_notice_de"]
    assert "b.demo, c.demo" in said["statement_of_reasons_de"]
    letters = " ".join(said.values())
    assert ".." not in letters
    assert "safety@a.demo" in said["data_protection_notice_en"]
    assert "Cybergrooming" in said["statement_of_reasons_de"]
    assert VALUE not in str(event)
    assert await states(node) == [
        (signal, NoticeKind.PUBLICATION, NoticeState.ANNOUNCED)
    ]


async def test_a_letter_is_for_a_minor_where_somebody_has_said_so(
    node: Fleet,
) -> None:
    await sign_all(node)
    signal = await publish(node)
    other = await publish(node, "other@mail.example", "user-2")
    said = NewDisputeRequest(signal=signal, contention=Contention.MINOR)
    await node[A].services.disputes.open(said, DORA)
    for each in (signal, other):
        await revoke(node, each)
    await tend(node)
    events = await told(node)
    readers = {
        (each.subject_ref, str(each.content["notice"])): each.content["reader"]
        for each in events
    }

    assert readers == {
        ("user-1", "publication"): "unknown",
        ("user-2", "publication"): "unknown",
        ("user-1", "end"): "minor",
        ("user-2", "end"): "unknown",
    }
    for event in events:
        plain = [name for name in event.content if "_minor_" in name]
        assert len(plain) in {2, 4}
        for name in plain:
            assert "110" in str(event.content[name])


async def test_a_notice_names_only_whom_the_signal_is_for(node: Fleet) -> None:
    await sign_all(node)
    request = request_for(VALUE, scope=Scope.FEDERATION, nodes=["c.demo"])
    signal = (await node[A].services.signals.add(request, ANNA)).signal
    await node[A].services.signals.approve([signal], RITA)
    (event,) = await told(node)

    assert "b.demo" not in str(event.content["data_protection_notice_de"])
    assert "c.demo" in str(event.content["data_protection_notice_de"])


@pytest.mark.parametrize(
    ("provenance", "source"),
    [
        (Provenance.OWN_FINDING, "our own service"),
        (Provenance.RELAYED, "another provider or body has told us"),
        (Provenance.IMPORTED_LIST, "a list that we have taken over"),
    ],
)
async def test_a_notice_names_where_the_finding_comes_from(
    node: Fleet, provenance: Provenance, source: str
) -> None:
    await sign_all(node)
    request = request_for(VALUE, scope=Scope.FEDERATION, provenance=provenance)
    signal = (await node[A].services.signals.add(request, ANNA)).signal
    await node[A].services.signals.approve([signal], RITA)
    (event,) = await told(node)

    assert source in str(event.content["data_protection_notice_en"])
    answer = await node.look_up(A, VALUE)
    if provenance is Provenance.IMPORTED_LIST:  # that is on trial
        assert (answer.matches, bool(answer.on_trial)) == ([], True)
    else:
        assert answer.matches[0].provenance is provenance


async def test_a_notice_names_the_legal_basis_on_record(node: Fleet) -> None:
    await sign_all(node)
    node[A].base.situation.record_gate(LegalGate(legal_basis="file-2026-17"))
    await publish(node)
    (event,) = await told(node)

    assert "file-2026-17" in str(event.content["data_protection_notice_de"])
    assert "file-2026-17" in str(event.content["data_protection_notice_en"])


@pytest.mark.promise("LR-43")
async def test_a_publication_says_what_led_to_it_and_who_found_it(node: Fleet) -> None:
    await sign_all(node)
    request = request_for(
        VALUE,
        scope=Scope.FEDERATION,
        source=Source.TRUSTED_FLAGGER,
        detection=Detection.PROGRAM,
    )
    signal = (await node[A].services.signals.add(request, ANNA)).signal
    await node[A].services.signals.approve([signal], RITA)
    (event,) = await told(node)
    german = str(event.content["statement_of_reasons_de"])
    english = str(event.content["statement_of_reasons_en"])

    assert "vertrauenswürdigen Hinweisgebers (Art. 22 DSA)" in german
    assert "durch ein Programm (automatisiertes Mittel)" in german
    assert "by a program (automated means)" in english
    assert "wherever our service is offered" in english


@pytest.mark.promise("LR-25", "LR-31")
async def test_a_notice_names_data_protection_officer_and_arrangement(
    node: Fleet,
) -> None:
    await sign_all(node)
    situation = node[A].base.situation
    situation.record_gate(LegalGate(arrangement="jca-2026-03"))
    await publish(node)
    situation.config = replace(situation.config, dpo_contact="dpo@a.demo")
    await publish(node, "other@mail.example")
    without, named = (
        str(event.content["data_protection_notice_en"]) for event in await told(node)
    )

    assert "safety@a.demo, for the attention of the data protection officer" in without
    assert "officer is reached here: dpo@a.demo." in named
    assert "The essence of the arrangement (our file number: jca-2026-03)" in named


async def test_what_the_person_could_not_be_told_of_is_not_drafted(
    node: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = node[A].services.signals
    drafted = request_for(VALUE, scope=Scope.FEDERATION, source=None)
    earlier = (await signals.add(drafted, ANNA)).signal
    monkeypatch.setattr(type(node[A].base.situation), "synthetic", False)
    await sign_all(node)
    for name in ("source", "detection"):
        unstated: dict[str, Any] = {name: None}
        request = request_for(VALUE, scope=Scope.FEDERATION, **unstated)
        with pytest.raises(BadRequestError) as refused:
            await signals.add(request, ANNA)
        assert (refused.value.code, refused.value.pointer) == ("unstated", f"/{name}")

    with pytest.raises(WrongStateError) as stale:
        await signals.approve([earlier], RITA)
    assert stale.value.code == "stale_draft"
    await signals.add(request_for("ban@mail.example", source=None), ANNA)


async def test_own_bans_and_files_owe_nobody_a_notice(node: Fleet) -> None:
    await sign_all(node)
    signals = node[A].services.signals
    await signals.add(request_for("ban@mail.example", subject_ref="user-2"), ANNA)
    file = await signals.add(
        request_for("ab" * 32, kind=Kind.SHA256, scope=Scope.FEDERATION), ANNA
    )
    await signals.approve([file.signal], RITA)

    assert await told(node) == []
    assert await states(node) == []


async def test_while_a_text_is_a_draft_the_notice_waits_and_status_says_so(
    node: Fleet,
) -> None:
    signal = await publish(node)
    await tend(node)
    status = await node[A].services.node.status()
    (shown,) = (await node[A].services.notices.show(DORA)).notices

    assert status.notices_waiting == 1
    assert await told(node) == []
    assert set(shown.unsigned) == {
        TextName.STATEMENT_OF_REASONS,
        TextName.DATA_PROTECTION_NOTICE,
    }

    await sign_all(node)
    await tend(node)
    await tend(node)

    assert [event.content["signal"] for event in await told(node)] == [signal]
    assert (await node[A].services.node.status()).notices_waiting == 0


async def test_a_sign_off_ends(node: Fleet) -> None:
    await sign_all(node, date(2026, 11, 25))
    signal = await draft(node)
    node.clock.advance(timedelta(hours=12))
    await node[A].services.signals.approve([signal], RITA)
    answer = await node[A].services.notices.texts()

    assert {text.standing for text in answer.texts} == {Standing.EXPIRED}
    assert answer.waiting == 1
    assert await told(node) == []


async def test_the_status_names_what_nobody_has_signed_off(node: Fleet) -> None:
    services = node[A].services
    before = await services.node.status()
    await sign(node, TextName.RIGHTS_FORM)
    after = await services.node.status()

    assert before.texts_unsigned == [name.value for name in TextName]
    assert "rights_form" not in after.texts_unsigned
    assert len(after.texts_unsigned) == len(TextName) - 1


async def test_exactly_the_words_that_were_read_are_signed_off(node: Fleet) -> None:
    notices = node[A].services.notices
    name = TextName.END_OF_SIGNAL
    other = SignOffRequest(digest="00" * 32, valid_until=UNTIL)
    with pytest.raises(WrongStateError) as changed:
        await notices.sign_off(name, other, DORA)
    assert changed.value.code == "text_changed"
    for day in (date(2026, 11, 24), date(2028, 1, 1)):
        request = SignOffRequest(digest=texts()[name].digest, valid_until=day)
        with pytest.raises(BadRequestError):
            await notices.sign_off(name, request, DORA)

    good = SignOffRequest(digest=texts()[name].digest, valid_until=UNTIL)
    answer = await notices.sign_off(name, good, DORA)
    shown = {text.name: text for text in answer.texts}

    assert shown[name].standing is Standing.SIGNED
    assert (shown[name].signed_by, shown[name].role) == ("dora", Role.DPO)
    assert shown[TextName.STATEMENT_OF_REASONS].standing is Standing.DRAFT


@pytest.mark.promise("LR-16")
async def test_a_notice_held_back_goes_out_by_itself_on_its_day(node: Fleet) -> None:
    await sign_all(node)
    signal = await draft(node)
    await node[A].services.notices.withhold(signal, WITHHOLD, DORA)
    await node[A].services.signals.approve([signal], RITA)
    await tend(node)
    (shown,) = (await node[A].services.notices.show(DORA)).notices

    assert await told(node) == []
    assert (shown.withheld_by, shown.reason) == ("dora", Withholding.BDSG_29_1)
    assert shown.unsigned == ()
    assert (await node[A].services.node.status()).notices_waiting == 0
    assert (await node[A].services.notices.texts()).waiting == 0

    node.clock.advance(timedelta(days=25, hours=11, minutes=59))
    await tend(node)
    assert await told(node) == []

    node.clock.advance(timedelta(minutes=1))
    await tend(node)
    assert len(await told(node)) == 1
    assert len(await node.audit(A, "notice.released")) == 1


@pytest.mark.promise("LR-41")
@pytest.mark.parametrize("why", ["order", "hold", "accounts", "learnt"])
async def test_nobody_is_told_while_an_order_or_a_hold_forbids_it(
    node: Fleet, why: str
) -> None:
    await sign_all(node)
    base, services = node[A].base, node[A].services
    now = int(base.clock.now().timestamp())
    until = now + 20 * 86_400
    known = Elements(suspects=(Suspect(account_id="user-1"),))
    case = None if why == "accounts" else await open_case(node)
    hold = NewHold(authority="sta-7", basis="stpo-95a", until=until)
    assessing = AssessCase(elements=known, hold=hold if why == "hold" else None)
    if case is not None and why != "learnt":
        await services.cases.assess(case, assessing, ADA)
    if why != "hold":
        accounts = {"accounts": ("user-1",), "learnt": ("user-3",)}
        order = secret_order(now, until, case)
        order = replace(order, accounts=accounts.get(why, ()))
        await services.orders.add(order, ADA)
    if case is not None and why == "learnt":
        await services.cases.assess(case, assessing, ADA)
    await publish(node)
    await publish(node, "other@mail.example", "user-2")
    await tend(node)
    meanwhile = {each.subject_ref for each in await told(node)}
    node.clock.advance(timedelta(days=20, seconds=-1))
    await tend(node)
    before = {each.subject_ref for each in await told(node)}
    node.clock.advance(timedelta(seconds=1))
    await tend(node)

    assert meanwhile == before == {"user-2"}
    assert {each.subject_ref for each in await told(node)} == {"user-1", "user-2"}
    logged = str(await node.audit(A, "notice.announced"))
    assert (case or "Parquet") not in logged


@pytest.mark.parametrize("why", ["order", "hold"])
async def test_whom_a_case_names_no_more_is_told_when_what_stood_has_ended(
    node: Fleet, why: str
) -> None:
    await sign_all(node)
    services, case = node[A].services, await open_case(node)
    now = int(node[A].base.clock.now().timestamp())
    order = secret_order(now + 1, now + 20 * 86_400, case)
    hold = NewHold(authority="sta-7", basis="stpo-95a", until=now + 20 * 86_400)
    named = Elements(
        suspects=(Suspect(account_id="user-1"), Suspect(account_id="user-2"))
    )
    await services.cases.assess(case, AssessCase(elements=named), ADA)
    other = Elements(suspects=(Suspect(account_id="user-1"),))
    await services.cases.assess(case, AssessCase(elements=other), ADA)
    node.clock.advance(timedelta(seconds=1))
    if why == "order":
        await services.orders.add(order, ADA)
    else:
        await services.cases.assess(case, AssessCase(hold=hold), ADA)
    node.clock.advance(timedelta(seconds=1))
    await services.cases.assess(case, AssessCase(remove=(Element.SUSPECTS,)), ADA)
    await publish(node)
    await publish(node, "other@mail.example", "user-2")
    await tend(node)
    meanwhile = {each.subject_ref for each in await told(node)}
    node.clock.advance(timedelta(days=20))
    await tend(node)

    assert meanwhile == {"user-2"}
    assert {each.subject_ref for each in await told(node)} == {"user-1", "user-2"}


async def test_a_secret_order_is_refused_while_its_case_names_nobody(
    node: Fleet,
) -> None:
    services, case = node[A].services, await open_case(node)
    now = int(node[A].base.clock.now().timestamp())
    order = secret_order(now, now + 86_400, case)
    with pytest.raises(BadRequestError, match="names no account") as caught:
        await services.orders.add(order, ADA)
    await services.orders.add(replace(order, secret_until=None), ADA)
    await services.orders.add(replace(order, accounts=("user-1",)), ADA)
    known = Elements(victims=(Victim(account_id="user-1"),))
    await services.cases.assess(case, AssessCase(elements=known), ADA)
    await services.orders.add(order, ADA)

    assert caught.value.pointer == "/accounts"
    assert len(await node.audit(A, "order.added")) == 3


async def test_nobody_is_told_while_a_case_cannot_be_read(
    node: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    await sign_all(node)
    await open_case(node)
    behind = FLEET_STORES.behind(node.place(A))
    await asyncio.to_thread(behind.change, "UPDATE cases SET revision = revision + 1")
    await publish(node)
    await tend(node)
    meanwhile = await told(node)
    await asyncio.to_thread(behind.change, "UPDATE cases SET revision = revision - 1")
    await tend(node)

    assert meanwhile == []
    assert len(await told(node)) == 1
    said = [line.message for line in caplog.records]
    assert said.count("damaged, so all notices wait") == 1


async def test_a_notice_is_held_back_for_a_listed_reason_and_once(
    node: Fleet,
) -> None:
    notices = node[A].services.notices
    signal = await draft(node)
    late = WithholdRequest(
        reason=Withholding.BDSG_29_1, note="file-9", until=date(2026, 12, 25)
    )
    with pytest.raises(DeniedError):
        await notices.withhold(signal, late, DORA)
    with pytest.raises(DeniedError):
        await notices.withhold(signal, WITHHOLD, ANNA)
    with pytest.raises(NotFoundError):
        await notices.withhold(NEVER, WITHHOLD, DORA)

    await notices.withhold(signal, WITHHOLD, DORA)
    with pytest.raises(WrongStateError) as again:
        await notices.withhold(signal, WITHHOLD, DORA)

    assert again.value.code == "already_withheld"
    assert len(await node.audit(A, "notice.withheld")) == 1


async def test_what_has_gone_out_is_not_held_back(node: Fleet) -> None:
    await sign_all(node)
    signal = await publish(node)
    with pytest.raises(WrongStateError) as late:
        await node[A].services.notices.withhold(signal, WITHHOLD, DORA)

    assert late.value.code == "already_told"


async def test_the_end_of_a_signal_is_told_to_the_person(node: Fleet) -> None:
    await sign_all(node)
    signal = await publish(node)
    await node.level(A, ("b.demo", "c.demo"))
    await revoke(node, signal)
    await tend(node)
    await tend(node)
    first, end = await told(node)

    assert (first.content["notice"], end.content["notice"]) == ("publication", "end")
    assert end.subject_ref == "user-1"
    assert "24.11.2026" in str(end.content["end_of_signal_de"])
    assert "b.demo, c.demo" in str(end.content["end_of_signal_en"])


async def test_the_end_is_never_told_before_the_publication(node: Fleet) -> None:
    signal = await draft(node)
    await node[A].services.notices.withhold(signal, WITHHOLD, DORA)
    await node[A].services.signals.approve([signal], RITA)
    await revoke(node, signal)
    await sign_all(node)
    await tend(node)
    assert await told(node) == []

    node.clock.advance(timedelta(days=26))
    await tend(node)
    await tend(node)
    kinds = [event.content["notice"] for event in await told(node)]

    assert kinds == ["publication", "end"]


async def test_the_end_waits_for_a_publication_that_waits(node: Fleet) -> None:
    await sign(node, TextName.END_OF_SIGNAL)
    await revoke(node, await publish(node))
    await tend(node)
    assert await told(node) == []

    await sign_all(node)
    await tend(node)
    kinds = [event.content["notice"] for event in await told(node)]

    assert kinds == ["publication", "end"]


async def test_receipt_and_time_erase_the_reference(node: Fleet) -> None:
    await sign_all(node)
    signal = await publish(node)
    (event,) = await told(node)
    await node[A].services.events.receipt(event.number, SHOP)
    await tend(node)
    assert await states(node) == []
    assert len(await node.audit(A, "notice.delivered")) == 1

    node.clock.advance(timedelta(days=31))
    await tend(node)
    store = node[A].base.store
    signal_id = bytes.fromhex(signal.replace("-", ""))
    row = await store.read(lambda r: r.notice(signal_id, NoticeKind.PUBLICATION))

    assert row is not None
    assert (row.state, row.sealed) == (NoticeState.DELIVERED, None)
    assert len(await node.audit(A, "notice.erased")) == 1

    await revoke(node, signal)
    await tend(node)
    (end,) = await told(node)
    assert (end.content["signal"], end.subject_ref) == (signal, None)


async def test_what_is_erased_while_it_waits_waits_no_longer(node: Fleet) -> None:
    signal = await publish(node)
    store = node[A].base.store
    signal_id, kind = bytes.fromhex(signal.replace("-", "")), NoticeKind.PUBLICATION
    await store.write(lambda tx: tx.erase_notice((signal_id, kind, 1)))
    await sign_all(node)
    await revoke(node, signal)
    await tend(node)
    row = await store.read(lambda r: r.notice(signal_id, kind))

    assert row is not None
    assert row.state is NoticeState.ERASED
    assert (await node[A].services.notices.texts()).waiting == 0
    assert await told(node) == []  # nobody is told of the end of what they never knew


async def test_a_notice_whose_key_is_destroyed_waits_no_longer(node: Fleet) -> None:
    signal = await publish(node)
    periods, period = node[A].base.periods, period_of(node.clock.now())
    node.clock.advance(timedelta(days=31))  # else the node makes another for it
    present = period_of(node.clock.now())
    await asyncio.to_thread(periods.destroy, period, present=present)
    await tend(node)
    signal_id, kind = bytes.fromhex(signal.replace("-", "")), NoticeKind.PUBLICATION
    row = await node[A].base.store.read(lambda r: r.notice(signal_id, kind))

    assert row is not None
    assert row.state is NoticeState.ERASED


async def test_nothing_is_published_while_its_person_could_not_be_told(
    node: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = await draft(node)
    monkeypatch.setattr(type(node[A].base.situation), "synthetic", False)
    await sign(node, TextName.STATEMENT_OF_REASONS)
    await sign(node, TextName.DATA_PROTECTION_NOTICE)
    signals = node[A].services.signals
    with pytest.raises(WrongStateError) as refused:
        await signals.approve([signal], RITA)

    assert refused.value.code == "texts_unsigned"
    assert "end_of_signal" in str(refused.value)
    assert (await signals.show(signal, RITA)).state == "draft"
    await sign(node, TextName.END_OF_SIGNAL)
    assert (await signals.approve([signal], RITA)).approved == [signal]


async def test_publication_and_notice_are_one_act(node: Fleet) -> None:
    await sign_all(node)
    signal = await draft(node)

    class BrokenError(Exception):
        pass

    async def fail(*_: object, **__: object) -> None:
        raise BrokenError

    node[A].notices.queue = fail  # type: ignore[method-assign]
    with pytest.raises(BrokenError):
        await node[A].services.signals.approve([signal], RITA)
    shown = await node[A].services.signals.show(signal, RITA)

    assert shown.state == "draft"
    assert await told(node) == []


async def test_no_reference_lies_in_a_file_in_plain_text(node: Fleet) -> None:
    await publish(node, ref="user-4711")
    place = node[A].base.place.directory
    files = await asyncio.to_thread(
        lambda: b"".join(p.read_bytes() for p in place.rglob("*") if p.is_file())
    )

    assert b"user-4711" not in files
