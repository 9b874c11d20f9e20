# SPDX-License-Identifier: Apache-2.0
"""Packs with openings in the recipient ledger, and what a person is told of them."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.node.evidence.conftest import AUDRA, DORA, RUTH, approved, export
from tests.node.fleet import Fleet
from tests.node.rights.test_requests import SHOP, WHO, asked, requests_of
from tests.node.signals.conftest import ANNA, request_for

from fedsafe_federation.feed.signals import SIGNAL_GROUP
from fedsafe_node.acts.recipients import PackShown
from fedsafe_node.acts.requests import Language
from fedsafe_node.audit.packs import signal_refs as packs
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import DETAIL, SUBJECT, Event
from fedsafe_node.store.recipients_rows import PackRow
from fedsafe_policies.vocabulary import Purpose, Scope

ACCOUNT = "account-1"  # whom `Fleet.look_up` asks for
COURT = "Amtsgericht Köln"


async def end_of(fleet: Fleet) -> int:
    base = fleet["a.demo"].base
    return await base.store.read(lambda reader: reader.log_size(base.trail.log))


async def matched(fleet: Fleet) -> str:
    """Let an account match an own ban; return the ban."""
    ban = await fleet["a.demo"].services.signals.add(
        request_for(WHO, scope=Scope.SELF), ANNA
    )
    await fleet.look_up("a.demo", WHO)
    return ban.signal


async def looked_up(fleet: Fleet, **fields: Any) -> None:  # noqa: ANN401 (of an event)
    """Let somebody look up, as far as the audit log is concerned."""
    base = fleet["a.demo"].base
    entry = base.trail.entry(Event.LOOKUP, at=base.clock.now(), **fields)
    await base.store.write(
        lambda tx: tx.append(base.trail.log, entry.record, entry.openings)
    )


async def handed(
    fleet: Fleet,
    *,
    first: int = 0,
    last: int | None = None,
    who: Principal = AUDRA,
    **span: Any,  # noqa: ANN401 (fields of a request)
) -> bytes:
    """Let two people take a pack with openings out."""
    last = await end_of(fleet) - 1 if last is None else last
    act = await approved(fleet, who=who, first=first, last=last, **span)
    return await export(fleet, who, act=act, first=first, last=last, **span)


async def shown(fleet: Fleet, signal: str) -> list[PackShown]:
    return (await fleet["a.demo"].services.recipients.show(signal, DORA)).packs


async def entered(fleet: Fleet) -> list[PackRow]:
    return await fleet["a.demo"].base.store.read(lambda reader: reader.packs())


async def erase(fleet: Fleet, *groups: str) -> None:
    """Erase openings of the whole audit log."""
    base, size = fleet["a.demo"].base, await end_of(fleet)
    for index in range(size):
        for group in groups:
            await base.store.write(
                lambda tx, at=index, of=group: tx.erase_opening(  # type: ignore[misc]
                    base.trail.log, at, of, at=77
                )
            )


async def told(fleet: Fleet, language: Language) -> str:
    request = replace(asked(language=language), subject_ref=ACCOUNT)
    requests = requests_of(fleet, "a.demo")
    opened = await requests.open(request, SHOP)
    assert opened.state == "open"
    answered = await requests.answer(opened.request, DORA)
    assert answered.answer is not None
    return answered.answer


async def test_a_pack_with_openings_stands_beside_the_members_that_have_a_signal(
    alone: Fleet,
) -> None:
    signal = await matched(alone)
    end = await end_of(alone)
    await handed(alone, recipient=COURT)
    (pack,) = await shown(alone, signal)
    events = await alone.audit("a.demo")

    assert events[pack.entry].record.event == "audit.exported"
    assert f'"recipient":"{COURT}"' in events[pack.entry].text
    assert (pack.recipient, pack.first, pack.last) == (COURT, 0, end - 1)
    assert (pack.purpose, pack.basis) == (Purpose.AUDIT_REVIEW, "gdpr_5_2")
    people = (pack.asked_by, pack.approved_by)
    assert all(name.startswith("staff-2026q4-") for name in people)
    assert all(f'"{name}"' in events[pack.entry].text for name in people)


async def test_a_reviewer_takes_a_pack_out_for_the_rights_of_a_person(
    alone: Fleet,
) -> None:
    signal = await matched(alone)
    await handed(alone, who=RUTH)
    (pack,) = await shown(alone, signal)
    (event,) = await alone.audit("a.demo", "audit.exported")

    assert (pack.purpose, pack.basis) == (Purpose.RIGHTS_OF_THE_PERSON, "gdpr_12")
    assert (event.record.purpose, event.record.basis) == (pack.purpose, pack.basis)
    assert pack.recipient == "a.demo"


async def test_a_pack_that_tells_nothing_of_a_signal_is_not_listed_with_it(
    alone: Fleet,
) -> None:
    before = await end_of(alone)
    signal = await matched(alone)
    await export(alone)
    assert await entered(alone) == []
    await handed(alone, last=before - 1)
    await handed(alone, events="node.started,audit.read")
    assert await shown(alone, signal) == []
    await erase(alone, DETAIL, SIGNAL_GROUP)
    await handed(alone)

    assert await shown(alone, signal) == []
    assert len(await entered(alone)) == 3


async def test_a_signal_is_told_by_its_opening_when_the_detail_is_gone(
    alone: Fleet,
) -> None:
    signal = await matched(alone)
    await erase(alone, DETAIL)
    await handed(alone, events="own_ban.recorded")

    assert len(await shown(alone, signal)) == 1


async def test_a_pack_tells_of_signals_that_others_have_reported(alone: Fleet) -> None:
    signal = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
    with pytest.raises(NotFoundError):
        await shown(alone, signal)
    await looked_up(alone, detail={"signals": f"x {signal}"})
    await handed(alone)

    assert len(await shown(alone, signal)) == 1


async def test_nothing_leaves_without_its_line_in_the_ledger(alone: Fleet) -> None:
    signal = await matched(alone)
    last = await end_of(alone) - 1
    act = await approved(alone, first=0, last=last)
    taken = replace(ROW, entry=await end_of(alone))
    signal_id = read_signal_id(signal)
    await alone["a.demo"].base.store.write(lambda tx: tx.add_pack(taken, [signal_id]))

    with pytest.raises(ConflictError):
        await export(alone, act=act, first=0, last=last)
    assert await alone.audit("a.demo", "audit.exported") == []


async def test_a_pack_of_too_many_signals_is_refused_before_it_is_noted(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await matched(alone)
    monkeypatch.setattr(packs, "MAX_SIGNALS", 0)
    with pytest.raises(BadRequestError) as caught:
        await handed(alone)

    assert caught.value.code == "pack_too_large"
    assert await alone.audit("a.demo", "audit.exported") == []


async def test_an_approval_is_for_one_recipient(alone: Fleet) -> None:
    act = await approved(alone, first=0, last=1, recipient=COURT)
    others: list[dict[str, Any]] = [{}, {"recipient": "police.example"}]
    for other in others:
        with pytest.raises(WrongStateError) as caught:
            await export(alone, act=act, first=0, last=1, **other)
        assert caught.value.code == "act_changed"

    assert await entered(alone) == []


@pytest.mark.parametrize(
    ("language", "head", "line"),
    [
        (
            Language.DE,
            "Einträge zu Ihrem Konto stehen:\n",
            f"Auszug aus unserem Protokoll, gemacht für {COURT} am 24.11.2026; Zweck: ",
        ),
        (
            Language.EN,
            "Entries about your account are:\n",
            f"in an extract of our log, made for {COURT} on 2026-11-24; purpose: ",
        ),
    ],
)
async def test_a_person_is_told_of_packs_with_their_signals_and_their_account(
    alone: Fleet, language: Language, head: str, line: str
) -> None:
    await matched(alone)
    await handed(alone, recipient=COURT)
    text = await told(alone, language)
    signals, _, account = text.partition(head)

    assert signals.count(line) == account.count(line) == 1
    assert not any(name in text for name in ("audra", "dora", "staff-"))
    assert "only this provider uses it" not in text


async def test_a_pack_with_an_account_is_no_nothing_until_it_is_erased(
    alone: Fleet,
) -> None:
    await looked_up(alone, subject=ACCOUNT)
    await handed(alone, events="lookup")
    await handed(alone, events="audit.read")
    text = await told(alone, Language.EN)

    assert text.count("in an extract of our log, made for a.demo") == 1
    await erase(alone, SUBJECT)
    with pytest.raises(WrongStateError):  # it is answered by itself
        await told(alone, Language.EN)


ROW = PackRow(
    entry=1,
    first=0,
    last=0,
    events=None,
    recipient="a.demo",
    asked_by="staff-2026q4-a",
    approved_by="staff-2026q4-b",
    at=100,
    purpose="audit_review",
    basis="gdpr_5_2",
)
