# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA
from tests.support.changed_rows import CHANGE_NEWEST, DROP_NEWEST, NEWEST, run_sql
from tests.support.databases import Behind
from tests.support.fleet import Fleet
from tests.support.fleet_stores import FLEET_STORES, innermost

from fedsafe_node.acts.audit import VerifyAnswer
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.audit.event_search import Stretch, Wanted
from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.errors import (
    BadRequestError,
    CorruptLogError,
    DeniedError,
    RolledBackError,
    StoreFailedError,
)
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_node.log.audit import decode_audit_record
from fedsafe_node.log.event_index import take_in
from fedsafe_node.operations.offline_inspect import verify_node
from fedsafe_policies.vocabulary import PersonReason, Purpose, Role

WHO = "somebody@mail.example"


async def test_all_logs_of_a_node_verify(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)
    await trio.revoke(signal, by=["b.demo"])
    answer = await trio["b.demo"].services.audits.verify(ANNA)
    logs = {check.log: check for check in answer.logs}

    assert answer.ok
    assert set(logs) - {"b.demo/anchor"} == {"a.demo/feed", "b.demo/audit"}
    assert (logs["a.demo/feed"].size, logs["a.demo/feed"].erased) == (3, 1)
    *_, event = await trio.audit("b.demo", "audit.verified")  # the night's before it
    assert event.record.outcome == "ok"
    pseudonyms = trio["b.demo"].base.trail.pseudonyms
    assert pseudonyms is not None
    shown = json.loads(event.openings["actor"])["name"]
    assert pseudonyms.name_behind(shown) == "anna"


async def test_the_own_feed_verifies_as_well(trio: Fleet) -> None:
    await trio.publish(WHO)
    answer = await trio["a.demo"].services.audits.verify(BOT)
    logs = {check.log for check in answer.logs} - {"a.demo/anchor"}

    assert logs == {"a.demo/feed", "a.demo/audit"}
    assert answer.ok


async def test_events_are_read_in_order_and_by_page(trio: Fleet) -> None:
    await trio.look_up("b.demo", WHO)
    audits = trio["b.demo"].services.audits
    first = await audits.events(0, 2, RITA)
    rest = await audits.events(first.next, 1_000, RITA)
    indices = [event.index for event in (*first.events, *rest.events)]

    assert first.events[0].event == "node.created"
    assert first.events[0].actor == "setup"
    assert indices == list(range(rest.next))
    assert rest.events[-1].event == "audit.read"
    last, policy = rest.events[-1], trio["b.demo"].base.situation.policy
    assert last.detail == {"since": 0, "events": 2, "about": "rights_of_the_person"}
    assert (last.purpose, last.basis) == ("rights_of_the_person", "gdpr_5_2")
    assert (last.rule, last.code, last.policy) == ("P8", "purpose", policy.reference)
    assert last.policy_hash == policy.digest


@pytest.mark.parametrize("purpose", [None, Purpose.OPERATIONS, Purpose.RECHECK])
async def test_on_the_socket_as_well_one_says_what_for(
    alone: Fleet, purpose: Purpose | None
) -> None:
    audits = alone["a.demo"].services.audits
    with pytest.raises(BadRequestError) as caught:
        await audits.events(0, 10, LOCAL, purpose)
    await audits.events(0, 10, LOCAL, Purpose.SUPERVISION)
    (event,) = await alone.audit("a.demo", "audit.read")

    assert (caught.value.code, caught.value.pointer) == ("purpose_missing", "/purpose")
    assert (event.record.purpose, event.record.rule) == ("supervision", None)
    assert b'"local"' in event.openings["actor"]


@pytest.mark.parametrize(
    ("who", "purpose"),
    [
        (Principal("dora", Role.DPO), None),
        (Principal("dora", Role.DPO), Purpose.SUPERVISION),
        (Principal("audra", Role.AUDITOR), None),
        (BOT, Purpose.AUDIT_REVIEW),
    ],
)
async def test_the_log_is_read_for_a_purpose_of_ones_role(
    alone: Fleet, who: Principal, purpose: Purpose | None
) -> None:
    audits = alone["a.demo"].services.audits

    assert (await audits.events(0, 10, who, purpose)).next > 0
    assert await alone.audit("a.demo", "refused") == []


@pytest.mark.promise("LR-05", "LR-10")
@pytest.mark.parametrize(
    ("who", "purpose"),
    [
        (RITA, Purpose.MODERATION_REVIEW),
        (ANNA, None),
        (Principal("bot", Role.SERVICE), None),
        (Principal("shop", Role.SERVICE), Purpose.AUDIT_REVIEW),
    ],
)
async def test_the_log_is_not_read_for_another_purpose(
    alone: Fleet, who: Principal, purpose: Purpose | None
) -> None:
    with pytest.raises(DeniedError) as denied:
        await alone["a.demo"].services.audits.events(0, 10, who, purpose)

    assert denied.value.decision.rule == "P8"
    (event,) = await alone.audit("a.demo", "refused")
    assert b'"act":"audit.read"' in event.openings["detail"]
    assert await alone.audit("a.demo", "audit.read") == []


async def test_a_page_behind_the_end_is_empty(trio: Fleet) -> None:
    beyond = await trio["b.demo"].services.audits.events(9_999, 10, RITA)

    assert (beyond.events, beyond.next) == ([], 9_999)


async def test_a_match_names_its_account_until_that_is_erased(trio: Fleet) -> None:
    await trio.publish(WHO)
    await trio.look_up("b.demo", WHO)
    base, audits = trio["b.demo"].base, trio["b.demo"].services.audits
    events = (await audits.events(0, 1_000, RITA)).events
    (asked,) = [event for event in events if event.event == "lookup"]
    log = base.trail.log
    await base.store.write(
        lambda tx: tx.erase_opening(log, asked.index, "subject", at=77)
    )
    (erased,) = (await audits.events(asked.index, 1, RITA)).events

    assert asked.subject_ref == "account-1"
    assert WHO not in str(events)
    assert erased == msgspec.structs.replace(asked, service=None, subject_ref=None)


def tamper(behind: Behind, log: str, change: str) -> None:
    """Change the disk behind the node's back, triggers or not."""
    of_log = f"log = (SELECT id FROM logs WHERE origin = '{log}')"  # noqa: S608
    assert behind.change(f"UPDATE {change} WHERE {of_log} AND idx = 0") > 0


def behind_of(fleet: Fleet, name: str = "b.demo") -> Behind:
    return FLEET_STORES.behind(fleet.place(name))


SPACE = "entries SET record = CAST(record || x'20' AS BLOB)"
JUNK = "entries SET record = x'00'"


@pytest.mark.promise("LR-13")
@pytest.mark.parametrize(
    ("log", "change", "place"),
    [
        ("a.demo/feed", SPACE, 0),
        ("a.demo/feed", JUNK, 0),
        ("b.demo/audit", JUNK, 0),
    ],
)
async def test_a_changed_record_is_found_and_its_place_named(
    trio: Fleet, log: str, change: str, place: int
) -> None:
    await trio.publish(WHO)
    await trio.stop("b.demo")
    await asyncio.to_thread(without_guard, trio, log, change)
    await trio.start("b.demo")
    answer = await trio["b.demo"].services.audits.verify(BOT)
    (bad,) = [check for check in answer.logs if not check.ok]

    assert not answer.ok
    assert (bad.log, bad.first_bad_index, bad.damage) == (log, place, "tampered")
    assert bad.why
    assert await last_outcome(trio) == "tampered"


def without_guard(fleet: Fleet, log: str, change: str) -> None:
    """Tamper as somebody who removes the guard's file and the seal with its key."""
    place = fleet.place("b.demo")
    for path in (*place.guard.glob("*audit*"), place.keys / "seal.key"):
        path.unlink()
    behind = behind_of(fleet)
    behind.change("DELETE FROM seal")
    tamper(behind, log, change)


@pytest.mark.parametrize("change", [SPACE, JUNK])
async def test_a_node_whose_audit_log_was_changed_does_not_start(
    trio: Fleet, change: str
) -> None:
    await trio["b.demo"].feed.checkpoint()
    await trio.stop("b.demo")
    await asyncio.to_thread(tamper, behind_of(trio), "b.demo/audit", change)

    with pytest.raises(RolledBackError, match=r"b\.demo/audit"):
        await trio.start("b.demo")


async def test_a_change_under_a_running_node_is_found(trio: Fleet) -> None:
    await trio["b.demo"].feed.checkpoint()
    await asyncio.to_thread(tamper, behind_of(trio), "b.demo/audit", SPACE)
    answer = await trio["b.demo"].services.audits.verify(BOT)

    assert [check.log for check in answer.logs if not check.ok] == ["b.demo/audit"]


@pytest.mark.embedded
async def test_a_peer_that_no_type_takes_is_a_finding(alone: Fleet) -> None:
    def harm() -> None:
        with closing(sqlite3.connect(alone.place("a.demo").database)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(
                "INSERT INTO peers "
                "SELECT origin, 0, zeroblob(32), '', 0, 'odd' FROM logs"
            )
            connection.commit()

    await asyncio.to_thread(harm)
    answer = await alone["a.demo"].services.audits.verify(BOT)

    assert "a.demo/audit" in [check.log for check in answer.logs if not check.ok]
    assert "peers" in [check.table for check in answer.tables if not check.ok]


@pytest.mark.parametrize("error", [TypeError, ValueError, OverflowError])
async def test_a_cell_that_no_type_takes_crashes_nothing(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    store = alone["a.demo"].base.store

    async def refuse(_query: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(innermost(store), "scan", refuse)
        answer = await alone["a.demo"].services.audits.verify(BOT)

    assert {log.damage for log in answer.logs} == {"tampered"}
    assert {table.damage for table in answer.tables} == {"tampered"}


ADD_ENTRY = f"""
    INSERT INTO entries SELECT log, idx + 1, record FROM entries
    WHERE log = 1 AND idx = {NEWEST}
"""  # noqa: S608


@pytest.mark.parametrize(
    ("sql", "beyond", "why"),
    [
        (CHANGE_NEWEST, 0, "does not fit the record"),
        (
            CHANGE_NEWEST.replace("x'00'", "CAST(record || x'20' AS BLOB)"),
            0,
            "not those that the running node had",
        ),
        (DROP_NEWEST, 0, "entries are missing that the running node had"),
        (ADD_ENTRY, 1, "the node did not write this entry"),
        (ADD_ENTRY.replace("+ 1", "+ 9"), 1, "entries that nobody knows of"),
    ],
    ids=["junk", "space", "gone", "added", "added far"],
)
async def test_the_newest_entry_is_covered_at_once(
    trio: Fleet, sql: str, beyond: int, why: str
) -> None:
    await trio.look_up("b.demo", WHO)
    newest = await asyncio.to_thread(run_sql, behind_of(trio), sql)
    answer = await trio["b.demo"].services.audits.verify(BOT)
    (bad,) = [check for check in answer.logs if not check.ok]

    assert (bad.log, bad.first_bad_index) == ("b.demo/audit", newest + beyond)
    assert why in str(bad.why)
    assert bad.damage == ("incomplete" if sql == DROP_NEWEST else "tampered")


async def test_a_feed_whose_end_was_moved_is_named_where_it_ended(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)
    await trio.stop("b.demo")
    move = """
        UPDATE entries SET idx = 17 WHERE idx = 1
        AND log = (SELECT id FROM logs WHERE origin = 'a.demo/feed')
    """

    assert await asyncio.to_thread(behind_of(trio).change, move) == 1
    place = trio.place("b.demo")
    config = await asyncio.to_thread(load_config, place)
    stopped = await verify_node(place, config)
    (bad,) = [check for check in stopped.logs if not check.ok]
    assert (bad.log, bad.first_bad_index) == ("a.demo/feed", 1)
    try:
        await trio.start("b.demo")
    except StoreFailedError as error:  # a server's logs are held against their roots
        assert "a.demo/feed" in str(error)  # noqa: PT017 - one of two
        return
    started = await trio["b.demo"].services.audits.verify(BOT)

    (bad,) = [check for check in started.logs if not check.ok]
    assert (bad.log, bad.first_bad_index) == ("a.demo/feed", 1)


@pytest.mark.parametrize("record", ["record || x'20'", "x'00'"])
@pytest.mark.parametrize("index", [0, 1, 2])
async def test_a_change_in_a_short_feed_is_told_with_entries_that_hold_it(
    trio: Fleet, index: int, record: str
) -> None:
    for mark in ("ab", "cd", "ef"):
        await trio.publish(mark * 32, Kind.SHA256)
    await trio.stop("b.demo")
    await trio.start("b.demo")
    change = f"""
        UPDATE entries SET record = CAST({record} AS BLOB) WHERE idx = {index}
        AND log = (SELECT id FROM logs WHERE origin = 'a.demo/feed')
    """  # noqa: S608

    assert await asyncio.to_thread(behind_of(trio).change, change) == 1
    answer = await trio["b.demo"].services.audits.verify(BOT)
    (bad,) = [check for check in answer.logs if not check.ok]

    assert (bad.log, bad.damage) == ("a.demo/feed", "tampered")
    assert bad.first_bad_index is not None
    assert index in range(bad.first_bad_index, 1 + (bad.last_bad_index or index))


async def test_a_database_that_cannot_be_read_is_no_tampering(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = alone["a.demo"].base.store

    async def refuse(_query: object) -> None:
        raise StoreFailedError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(innermost(store), "scan", refuse)
        answer = await alone["a.demo"].services.audits.verify(BOT)

    assert {log.damage for log in answer.logs} == {"unreadable"}
    assert {table.damage for table in answer.tables} == {"unreadable"}
    (event,) = await alone.audit("a.demo", "audit.verified")
    assert event.record.outcome == "unreadable"


async def test_entries_that_are_written_meanwhile_are_no_damage(trio: Fleet) -> None:
    audits = trio["b.demo"].services.audits
    answers = await asyncio.gather(
        *(audits.verify(BOT) for _ in range(5)),
        *(audits.events(0, 1, BOT, Purpose.SUPERVISION) for _ in range(40)),
        *(audits.verify(BOT) for _ in range(5)),
    )

    verified = [answer for answer in answers if isinstance(answer, VerifyAnswer)]

    assert len(verified) == 10
    assert [log for each in verified for log in each.logs if not log.ok] == []
    assert [table for each in verified for table in each.tables if not table.ok] == []
    assert all(each.ok for each in verified)


@pytest.mark.parametrize("running", [True, False], ids=["running", "down"])
@pytest.mark.parametrize("sql", [CHANGE_NEWEST, DROP_NEWEST], ids=["changed", "gone"])
async def test_what_was_changed_is_not_started_again(
    alone: Fleet, sql: str, *, running: bool
) -> None:
    behind = behind_of(alone, "a.demo")
    if running:
        await asyncio.to_thread(run_sql, behind, sql)
    await alone.stop("a.demo")
    if not running:
        await asyncio.to_thread(run_sql, behind, sql)

    with pytest.raises((RolledBackError, CorruptLogError), match=r"a\.demo/audit"):
        await alone.start("a.demo")


async def test_a_node_that_nobody_touched_starts_again(alone: Fleet) -> None:
    for _ in range(2):
        await alone.stop("a.demo")
        await alone.start("a.demo")

    assert (await alone["a.demo"].services.audits.verify(BOT)).ok


async def last_outcome(fleet: Fleet) -> str:
    base = fleet["b.demo"].base
    size = await base.store.read(lambda reader: reader.log_size(base.trail.log))
    record = await base.store.read(lambda r: r.record(base.trail.log, size - 1))
    assert record is not None
    return decode_audit_record(record).outcome


async def test_a_page_with_a_damaged_event_is_not_shown(trio: Fleet) -> None:
    await trio.stop("b.demo")
    await asyncio.to_thread(without_guard, trio, "b.demo/audit", JUNK)
    await trio.start("b.demo")

    with pytest.raises(CorruptLogError) as caught:
        await trio["b.demo"].services.audits.events(0, 10, RITA)

    assert caught.value.index == 0


async def found(fleet: Fleet, since: int = 0, limit: int = 100, **wanted: Any) -> Any:  # noqa: ANN401 - an answer
    audits = fleet["a.demo"].services.audits
    purpose = Purpose.AUDIT_REVIEW
    return await audits.search(
        Wanted(**wanted), Stretch(since, limit=limit), BOT, purpose
    )


async def test_the_newest_come_first_page_by_page_and_none_is_left_out(
    alone: Fleet,
) -> None:
    node = alone["a.demo"]
    for _ in range(3):
        await node.services.audits.events(0, 1, BOT, Purpose.AUDIT_REVIEW)
    await take_in(node.base.store, node.base.trail.log)
    wanted = Wanted(events="audit.read")
    size = (await found(alone, events="audit.read")).complete_to
    shown, until, more = list[int](), size, True
    while more:
        stretch = Stretch(until=until, newest=True, limit=2)
        page = await node.services.audits.search(
            wanted, stretch, BOT, Purpose.AUDIT_REVIEW
        )
        assert page.complete_to >= size
        assert len(page.events) <= 2
        shown += [event.index for event in page.events]
        until, more = page.next, page.more
    in_order = await found(alone, events="audit.read")

    assert len(shown) >= 3
    assert shown[::-1] == [e.index for e in in_order.events if e.index < size]


async def test_events_are_found_by_class_outcome_actor_and_time(alone: Fleet) -> None:
    audits = alone["a.demo"].services.audits
    before = int(alone.clock.now().timestamp())
    alone.clock.advance(timedelta(minutes=1))
    await audits.verify(ANNA)
    await audits.verify(BOT)
    verified = await found(alone, events="audit.verified,lookup")
    pseudonym = verified.events[0].actor
    by_anna = await found(
        alone,
        events="audit.verified",
        actor=pseudonym,
        person_reason=PersonReason.INCIDENT,
    )
    by_name = await found(alone, actor="anna")
    early = await found(alone, before=before + 60)
    late = await found(alone, after=before + 60, events="audit.verified,node.created")

    assert [event.event for event in verified.events] == ["audit.verified"] * 2
    assert [event.actor for event in verified.events] == [pseudonym, "local"]
    assert [event.actor for event in by_anna.events] == [pseudonym]
    assert by_name.events == []
    assert (await found(alone, outcome="tampered")).events == []
    assert early.events[0].event == "node.created"
    assert not {"audit.verified"} & {event.event for event in early.events}
    assert [event.event for event in late.events] == ["audit.verified"] * 2


async def test_a_search_for_one_persons_acts_says_why(alone: Fleet) -> None:
    audits = alone["a.demo"].services.audits
    await audits.verify(ANNA)
    (verified,) = (await found(alone, events="audit.verified")).events
    with pytest.raises(BadRequestError) as refused:
        await found(alone, actor=verified.actor)
    why = PersonReason.COMPLAINT
    answer = await found(alone, actor=verified.actor, person_reason=why)
    of_machines = await found(alone, actor="local")
    reads = (await found(alone, events="audit.read")).events
    details = [each.detail or {} for each in reads]

    assert (refused.value.code, refused.value.pointer) == (
        "reason_missing",
        "/person_reason",
    )
    assert len(answer.events) == 1
    assert of_machines.events
    named = [(each.get("pseudonym"), each.get("person_reason")) for each in details]
    assert named == [(None, None), (verified.actor, "complaint"), (None, None)]


async def test_a_search_goes_on_where_it_stopped(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    audits = alone["a.demo"].services.audits
    for _ in range(3):
        await audits.verify(BOT)
    monkeypatch.setattr("fedsafe_node.audit.service.MOST_LOOKED_AT", 2)
    places, since, more = list[int](), 0, True
    while more and since < 50:
        answer = await found(alone, since, events="audit.verified")
        places += [event.index for event in answer.events]
        assert since < answer.next <= since + 2
        since, more = answer.next, answer.more
    whole = await found(alone, limit=2, events="audit.verified")

    assert len(places) == 3
    assert whole.next == places[0] + 1 or whole.more


async def test_a_search_for_no_class_is_refused(alone: Fleet) -> None:
    with pytest.raises(BadRequestError) as caught:
        await found(alone, events="no.such")

    assert caught.value.code == "bad_event"
