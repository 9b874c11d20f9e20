# SPDX-License-Identifier: Apache-2.0
import io
from datetime import timedelta

import msgspec
import pytest
from aiohttp import ClientSession
from tests.node.audit.conftest import AUDRA, DORA, RUTH, export, key_of
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.fleet_stores import FLEET_STORES
from tests.support.keeping import (
    ACCOUNT,
    OTHER,
    approve,
    erase,
    hold_of,
    keeping,
    meet,
    run_retention,
)

from fedsafe_node.acts.audit_upkeep import (
    EraseRequest,
    GapsAnswer,
    RevealRequest,
    SubjectRequest,
)
from fedsafe_node.audit.account_view import ACCESSES
from fedsafe_node.evidence.verify import verify_pack
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.rights.erasers import Erasure
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_node.store.sqlite.residues import can_clear_here
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose, Scope

DAY = timedelta(days=1)
CLEARS = can_clear_here()


async def told_of(fleet: Fleet, subject: str) -> list[str]:
    answer = await keeping(fleet).telling.subject(
        SubjectRequest(subject_ref=subject), DORA
    )
    return [event.event for event in answer.events]


# --- one account ---------------------------------------------------------------------


async def test_all_events_of_an_account_are_told_and_the_telling_is_one(
    kept_alone: Fleet,
) -> None:
    await meet(kept_alone, ACCOUNT, OTHER, ACCOUNT)

    assert await told_of(kept_alone, ACCOUNT) == ["lookup", "lookup"]
    assert await told_of(kept_alone, ACCOUNT) == ["lookup", "lookup", "audit.read"]
    assert await told_of(kept_alone, "account-9") == []
    reads = await kept_alone.audit("a.demo", "audit.read")
    assert {each.record.purpose for each in reads} == {Purpose.RIGHTS_OF_THE_PERSON}


async def test_what_was_listed_of_an_account_is_told(trio: Fleet) -> None:
    signals = trio["a.demo"].services.signals
    shared = request_for(scope=Scope.FEDERATION, subject_ref=ACCOUNT)
    draft = await signals.add(shared, ANNA)
    own = request_for("other@mail.example", subject_ref=OTHER)
    await signals.add(own, ANNA)
    await signals.approve([draft.signal], RITA)

    told = await told_of(trio, ACCOUNT)
    assert set(told) >= {"signal.drafted", "notice.queued"}
    assert await told_of(trio, OTHER) == ["own_ban.recorded"]


async def test_a_listed_account_is_erased_from_the_log_that_still_adds_up(
    kept_alone: Fleet,
) -> None:
    own = request_for(subject_ref=ACCOUNT)
    await kept_alone["a.demo"].services.signals.add(own, ANNA)
    await erase(kept_alone, ACCOUNT)

    assert "own_ban.recorded" not in await told_of(kept_alone, ACCOUNT)
    answer = await kept_alone["a.demo"].services.audits.verify(BOT)
    assert answer.ok, answer


async def test_an_account_is_told_of_for_the_rights_of_a_person_only(
    kept_alone: Fleet,
) -> None:
    await meet(kept_alone, ACCOUNT)
    request = SubjectRequest(subject_ref=ACCOUNT)

    with pytest.raises(DeniedError):
        await keeping(kept_alone).telling.subject(request, AUDRA)


async def test_who_read_what_is_told_under_pseudonyms(kept_alone: Fleet) -> None:
    await kept_alone["a.demo"].services.audits.events(0, 5, RUTH)
    answer = await keeping(kept_alone).telling.access(0, 100, AUDRA, None)

    assert [event.event for event in answer.events] == ["audit.read"]
    assert {"audit.read", "audit.exported", "signal.read"} <= set(ACCESSES)
    assert "lookup" not in ACCESSES


# --- erasure -------------------------------------------------------------------------


async def test_an_account_is_erased_by_two_and_all_proofs_hold(
    kept_alone: Fleet,
) -> None:
    await meet(kept_alone, ACCOUNT, OTHER)
    await erase(kept_alone, ACCOUNT)
    (event,) = await kept_alone.audit("a.demo", "audit.erased")
    matches = await kept_alone.audit("a.demo", "lookup")
    verified = await kept_alone["a.demo"].services.audits.verify(DORA)
    report = verify_pack(io.BytesIO(await export(kept_alone)), key_of(kept_alone))

    assert await told_of(kept_alone, ACCOUNT) == []
    assert await told_of(kept_alone, OTHER) == ["lookup"]
    assert [sorted(each.openings) for each in matches] == [
        ["actor"],
        ["actor", "detail", "subject"],
    ]
    assert matches[0].record.outcome == "review"
    assert event.record.outcome == "subject"
    assert '"openings":2' in event.text
    assert ACCOUNT not in event.text
    assert verified.ok
    assert report.counts["erased"] == 2
    gaps = await keeping(kept_alone).telling.gaps()
    assert gaps.erased["subject"] == 2
    leaves = FLEET_STORES.on_server or not CLEARS
    assert gaps.residues == (("2026-11",) if leaves else ())


async def test_every_part_erases_or_none(kept_alone: Fleet) -> None:
    await meet(kept_alone, ACCOUNT)
    erasers = kept_alone["a.demo"].keeper.erasers
    seen: list[str] = []

    async def fails(tx: Transaction, erasure: Erasure) -> int:
        del tx
        seen.append(erasure.subject)
        raise WrongStateError("wrong_state", "no")

    erasers.register("zzz", fails)
    with pytest.raises(WrongStateError):
        await erase(kept_alone, ACCOUNT)

    assert seen == [f"local/{ACCOUNT}"]
    assert await told_of(kept_alone, ACCOUNT) == ["lookup"]
    with pytest.raises(ValueError, match="zzz"):
        erasers.register("zzz", fails)


async def test_nobody_erases_alone_or_without_a_reason(kept_alone: Fleet) -> None:
    await meet(kept_alone, ACCOUNT)
    request = EraseRequest(subject_ref=ACCOUNT, reason="because he said so")
    with pytest.raises(BadRequestError):
        await keeping(kept_alone).erasure.ask(request, DORA)
    asked = await keeping(kept_alone).erasure.ask(
        EraseRequest(subject_ref=ACCOUNT, reason="ticket:17"), DORA
    )

    with pytest.raises(DeniedError):
        await kept_alone["a.demo"].services.staff.approvals.approve(
            asked.act, bytes.fromhex(asked.digest), DORA
        )
    assert await told_of(kept_alone, ACCOUNT) == ["lookup"]


# --- holds ---------------------------------------------------------------------------


async def test_a_held_account_is_not_erased_until_the_hold_is_lifted(
    kept_alone: Fleet,
) -> None:
    await meet(kept_alone, ACCOUNT)
    holding = keeping(kept_alone).holding
    asked = await keeping(kept_alone).erasure.ask(
        EraseRequest(subject_ref=ACCOUNT, reason="ticket:17"), DORA
    )
    placed = await holding.add(hold_of(kept_alone, subject_ref=ACCOUNT), DORA)
    approvals = kept_alone["a.demo"].services.staff.approvals
    for act in (
        erase(kept_alone, ACCOUNT),
        approvals.approve(asked.act, bytes.fromhex(asked.digest), RUTH),
    ):
        with pytest.raises(WrongStateError) as caught:
            await act
        assert caught.value.code == "held"

    assert [hold.hold for hold in (await holding.shown(DORA)).holds] == [placed.hold]
    await holding.lift(placed.hold, DORA)
    await erase(kept_alone, ACCOUNT)
    assert await told_of(kept_alone, ACCOUNT) == []
    with pytest.raises(NotFoundError):
        await holding.lift(placed.hold, DORA)


async def test_a_hold_keeps_no_strangers_network_beyond_a_week(
    kept_alone: Fleet,
) -> None:
    base = kept_alone["a.demo"].base
    async with ClientSession() as http, http.get(f"{base.config.url}/v1/status"):
        pass
    (entry,) = await kept_alone.audit("a.demo", "door.refused")
    last = len(await kept_alone.audit("a.demo")) - 1
    held = hold_of(kept_alone, 800, first=0, last=last)
    await keeping(kept_alone).holding.add(held, DORA)
    kept_alone.clock.advance(6 * DAY + timedelta(hours=1))
    await run_retention(kept_alone)
    (after,) = await kept_alone.audit("a.demo", "door.refused")

    assert "source" in entry.openings
    assert "source" not in after.openings
    assert "detail" in after.openings


async def test_what_is_held_outlives_retention(kept_alone: Fleet) -> None:
    await meet(kept_alone, ACCOUNT, OTHER)
    await keeping(kept_alone).holding.add(
        hold_of(kept_alone, 800, subject_ref=ACCOUNT), DORA
    )
    await keeping(kept_alone).holding.add(
        hold_of(kept_alone, 800, first=0, last=0), DORA
    )
    kept_alone.clock.advance(400 * DAY)
    await run_retention(kept_alone)
    events = await kept_alone.audit("a.demo")

    assert await told_of(kept_alone, ACCOUNT) == ["lookup", "audit.held"]
    assert await told_of(kept_alone, OTHER) == []
    assert "actor" in events[0].openings
    assert kept_alone["a.demo"].base.periods.periods()[0] == "2026-11"
    kept_alone.clock.advance(500 * DAY)
    await run_retention(kept_alone)
    assert await told_of(kept_alone, ACCOUNT) == []
    assert (await keeping(kept_alone).holding.shown(DORA)).holds == []


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"subject_ref": ACCOUNT, "first": 0, "last": 1},
        {"first": 2, "last": 1},
        {"first": 2},
        {"subject_ref": ACCOUNT, "days": -1},
        {"subject_ref": ACCOUNT, "reason": "he is a bad man"},
    ],
)
async def test_a_hold_that_holds_nothing_is_refused(
    kept_alone: Fleet, what: dict[str, str | int]
) -> None:
    reason = {"reason": what["reason"]} if "reason" in what else {}
    days = int(what.get("days", 90))
    named = {key: what[key] for key in what if key not in {"days", "reason"}}
    request = msgspec.structs.replace(hold_of(kept_alone, days, **named), **reason)

    with pytest.raises(BadRequestError):
        await keeping(kept_alone).holding.add(request, DORA)


# --- retention -----------------------------------------------------------------------


async def test_old_openings_go_by_group_and_the_records_stay(kept_alone: Fleet) -> None:
    await meet(kept_alone, ACCOUNT)
    size = len(await kept_alone.audit("a.demo"))
    kept_alone.clock.advance(366 * DAY)
    await run_retention(kept_alone)
    await run_retention(kept_alone)
    events = await kept_alone.audit("a.demo")
    match = next(each for each in events if each.record.event == "lookup")
    gaps = await keeping(kept_alone).telling.gaps()

    assert set(match.openings) == {"detail"}
    assert len(events) > size
    erased = await kept_alone.audit("a.demo", "audit.erased")
    assert {each.record.outcome for each in erased} == {"retention"}
    assert gaps.erased["retention"] > 1
    assert (await kept_alone["a.demo"].services.audits.verify(DORA)).ok


async def test_keys_go_when_nothing_needs_them(kept_alone: Fleet) -> None:
    await kept_alone["a.demo"].services.audits.events(0, 1, RUTH)
    base = kept_alone["a.demo"].base
    pseudonyms = base.trail.pseudonyms
    assert pseudonyms is not None
    first = pseudonyms.of("ruth", "2026q4")
    kept_alone.clock.advance(1_200 * DAY)
    await run_retention(kept_alone)
    gaps = await keeping(kept_alone).telling.gaps()

    assert "2026-11" not in base.periods.periods()
    assert [(key.key, key.target) for key in gaps.keys] == [
        ("period_key", "2026-11"),
        ("quarter_key", "2026q4"),
    ]
    assert all(key.ended_at is not None for key in gaps.keys)
    with pytest.raises(WrongStateError):
        pseudonyms.name_behind(first)
    outcomes = [
        each.record.outcome
        for each in await kept_alone.audit("a.demo", "audit.key_destroyed")
    ]
    assert outcomes == ["intent", "ok", "intent", "ok"]
    assert (await kept_alone["a.demo"].services.audits.verify(DORA)).ok


async def test_a_dangling_intent_is_visible_work_and_resumed(kept_alone: Fleet) -> None:
    base = kept_alone["a.demo"].base
    kept_alone.clock.advance(40 * DAY)
    await base.store.write(
        lambda tx: tx.begin_effect(EffectKind.PERIOD_KEY, "2026-11", at=1)
    )
    before = await keeping(kept_alone).telling.gaps()

    assert [(key.target, key.ended_at) for key in before.keys] == [("2026-11", None)]
    assert "2026-11" in base.periods.periods()
    node = kept_alone["a.demo"].services.node
    assert (await node.status()).keys_unfinished == 1
    assert (await node.checks())["keys to destroy"] == "unfinished: 2026-11"
    await run_retention(kept_alone)
    assert "keys to destroy" not in await node.checks()
    after = await keeping(kept_alone).telling.gaps()
    assert after.keys[0].ended_at is not None
    assert "2026-11" not in base.periods.periods()


# --- gaps ----------------------------------------------------------------------------


async def gaps_of(fleet: Fleet) -> GapsAnswer:
    return await keeping(fleet).telling.gaps()


async def test_a_clean_end_leaves_no_gap(kept_alone: Fleet) -> None:
    await kept_alone.stop("a.demo")
    await kept_alone.start("a.demo")
    events = [each.record.event.value for each in await kept_alone.audit("a.demo")]

    assert (await gaps_of(kept_alone)).gaps == []
    assert events.count("node.stopped") == 1
    assert events.count("node.started") == 2


async def test_an_end_without_a_word_is_a_gap(kept_alone: Fleet) -> None:
    await kept_alone["a.demo"].base.store.close()  # nothing can be said in it any more
    await kept_alone.stop("a.demo")
    kept_alone.clock.advance(DAY)
    await kept_alone.start("a.demo")
    answer = await gaps_of(kept_alone)
    (event,) = await kept_alone.audit("a.demo", "audit.gap")
    (gap,) = answer.gaps

    assert (gap.kind, (gap.until or 0) - gap.since) == ("unclean_end", 86_400)
    assert '"gap":"unclean_end"' in event.text


# --- pseudonyms ----------------------------------------------------------------------


async def test_a_pseudonym_is_revealed_by_two(kept_alone: Fleet) -> None:
    pseudonyms = kept_alone["a.demo"].base.trail.pseudonyms
    assert pseudonyms is not None
    pseudonyms.learn("ruth")
    shown = pseudonyms.shown("ruth", kept_alone.clock.now())
    request = RevealRequest(pseudonym=shown, reason="ticket:17")
    reveals = keeping(kept_alone).reveals
    act = await approve(kept_alone, reveals.ask(request, DORA))
    answer = await reveals.reveal(request, act, DORA)
    (event,) = await kept_alone.audit("a.demo", "audit.revealed")

    assert answer.name == "ruth"
    assert shown in event.text
    assert '"ruth"' not in event.text
    for who, other, asked in (
        (AUDRA, request, act),
        (DORA, RevealRequest(pseudonym=shown, reason="ticket:18"), act),
        (DORA, request, "0" * 32),
    ):
        with pytest.raises(WrongStateError):
            await reveals.reveal(other, asked, who)
    kept_alone.clock.advance(2 * DAY)
    with pytest.raises(WrongStateError):
        await reveals.reveal(request, act, DORA)


async def test_what_is_no_pseudonym_is_not_asked_for(kept_alone: Fleet) -> None:
    reveals = keeping(kept_alone).reveals
    for word, error in (
        ("ruth", BadRequestError),
        ("staff-2026q4-" + "a" * 21, (NotFoundError, WrongStateError)),
    ):
        with pytest.raises(error):
            await reveals.ask(RevealRequest(pseudonym=word, reason="ticket:1"), DORA)
