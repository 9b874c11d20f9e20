# SPDX-License-Identifier: Apache-2.0
"""Packs with openings in the recipient ledger, and what a person is told of them."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.node.audit.conftest import DORA, RUTH, approved, export
from tests.support.fleet import Fleet
from tests.support.packs import (
    ACCOUNT,
    COURT,
    end_of,
    entered,
    handed,
    looked_up,
    matched,
)
from tests.support.rights_requests import SHOP, asked, requests_of

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
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import DETAIL, SUBJECT
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_policies.vocabulary import Purpose


async def shown(fleet: Fleet, signal: str) -> list[PackShown]:
    return (await fleet["a.demo"].services.recipients.show(signal, DORA)).packs


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
    kept_alone: Fleet,
) -> None:
    signal = await matched(kept_alone)
    end = await end_of(kept_alone)
    await handed(kept_alone, recipient=COURT)
    (pack,) = await shown(kept_alone, signal)
    events = await kept_alone.audit("a.demo")

    assert events[pack.entry].record.event == "audit.exported"
    assert f'"recipient":"{COURT}"' in events[pack.entry].text
    assert (pack.recipient, pack.first, pack.last) == (COURT, 0, end - 1)
    assert (pack.purpose, pack.basis) == (Purpose.AUDIT_REVIEW, "gdpr_5_2")
    people = (pack.asked_by, pack.approved_by)
    assert all(name.startswith("staff-2026q4-") for name in people)
    assert all(f'"{name}"' in events[pack.entry].text for name in people)


async def test_a_reviewer_takes_a_pack_out_for_the_rights_of_a_person(
    kept_alone: Fleet,
) -> None:
    signal = await matched(kept_alone)
    await handed(kept_alone, who=RUTH)
    (pack,) = await shown(kept_alone, signal)
    (event,) = await kept_alone.audit("a.demo", "audit.exported")

    assert (pack.purpose, pack.basis) == (Purpose.RIGHTS_OF_THE_PERSON, "gdpr_12")
    assert (event.record.purpose, event.record.basis) == (pack.purpose, pack.basis)
    assert pack.recipient == "a.demo"


async def test_a_pack_that_tells_nothing_of_a_signal_is_not_listed_with_it(
    kept_alone: Fleet,
) -> None:
    before = await end_of(kept_alone)
    signal = await matched(kept_alone)
    await export(kept_alone)
    assert await entered(kept_alone) == []
    await handed(kept_alone, last=before - 1)
    await handed(kept_alone, events="node.started,audit.read")
    assert await shown(kept_alone, signal) == []
    await erase(kept_alone, DETAIL, SIGNAL_GROUP)
    await handed(kept_alone)

    assert await shown(kept_alone, signal) == []
    assert len(await entered(kept_alone)) == 3


async def test_a_signal_is_told_by_its_opening_when_the_detail_is_gone(
    kept_alone: Fleet,
) -> None:
    signal = await matched(kept_alone)
    await erase(kept_alone, DETAIL)
    await handed(kept_alone, events="own_ban.recorded")

    assert len(await shown(kept_alone, signal)) == 1


async def test_a_pack_tells_of_signals_that_others_have_reported(
    kept_alone: Fleet,
) -> None:
    signal = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
    with pytest.raises(NotFoundError):
        await shown(kept_alone, signal)
    await looked_up(kept_alone, detail={"signals": f"x {signal}"})
    await handed(kept_alone)

    assert len(await shown(kept_alone, signal)) == 1


async def test_nothing_leaves_without_its_line_in_the_ledger(kept_alone: Fleet) -> None:
    signal = await matched(kept_alone)
    last = await end_of(kept_alone) - 1
    act = await approved(kept_alone, first=0, last=last)
    taken = replace(ROW, entry=await end_of(kept_alone))
    signal_id = read_signal_id(signal)
    await kept_alone["a.demo"].base.store.write(
        lambda tx: tx.add_pack(taken, [signal_id])
    )

    with pytest.raises(ConflictError):
        await export(kept_alone, act=act, first=0, last=last)
    assert await kept_alone.audit("a.demo", "audit.exported") == []


async def test_a_pack_of_too_many_signals_is_refused_before_it_is_noted(
    kept_alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await matched(kept_alone)
    monkeypatch.setattr(packs, "MAX_SIGNALS", 0)
    with pytest.raises(BadRequestError) as caught:
        await handed(kept_alone)

    assert caught.value.code == "pack_too_large"
    assert await kept_alone.audit("a.demo", "audit.exported") == []


async def test_an_approval_is_for_one_recipient(kept_alone: Fleet) -> None:
    act = await approved(kept_alone, first=0, last=1, recipient=COURT)
    others: list[dict[str, Any]] = [{}, {"recipient": "police.example"}]
    for other in others:
        with pytest.raises(WrongStateError) as caught:
            await export(kept_alone, act=act, first=0, last=1, **other)
        assert caught.value.code == "act_changed"

    assert await entered(kept_alone) == []


@pytest.mark.parametrize(
    ("language", "head", "line"),
    [
        (
            Language.DE,
            (
                "Einträge zu Ihrem Konto sind in Auszügen aus unserem Protokoll "
                "enthalten:\n"
            ),
            (
                "Auszug aus unserem Protokoll, "
                f"erstellt für {COURT} am 24.11.2026; Zweck: "
            ),
        ),
        (
            Language.EN,
            "Extracts of our log contain entries about your account:\n",
            f"in an extract of our log, made for {COURT} on 2026-11-24; purpose: ",
        ),
    ],
)
async def test_a_person_is_told_of_packs_with_their_signals_and_their_account(
    kept_alone: Fleet, language: Language, head: str, line: str
) -> None:
    await matched(kept_alone)
    await handed(kept_alone, recipient=COURT)
    text = await told(kept_alone, language)
    signals, _, account = text.partition(head)

    assert signals.count(line) == account.count(line) == 1
    assert not any(name in text for name in ("audra", "dora", "staff-"))
    assert "only this provider uses the signal" not in text


async def test_a_pack_with_an_account_is_no_nothing_until_it_is_erased(
    kept_alone: Fleet,
) -> None:
    await looked_up(kept_alone, subject=ACCOUNT)
    await handed(kept_alone, events="lookup")
    await handed(kept_alone, events="audit.read")
    text = await told(kept_alone, Language.EN)

    assert text.count("in an extract of our log, made for a.demo") == 1
    await erase(kept_alone, SUBJECT)
    with pytest.raises(WrongStateError):  # it is answered by itself
        await told(kept_alone, Language.EN)


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
