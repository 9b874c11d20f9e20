# SPDX-License-Identifier: Apache-2.0
from tests.node.fleet import Fleet
from tests.node.signals.conftest import ANNA, BOT

from fedsafe_node.messages import Kind

WHO = "somebody@mail.example"


async def test_all_logs_of_a_node_verify(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)
    await trio.revoke(signal, by=["b.demo"])
    answer = await trio["b.demo"].services.audits.verify(ANNA)
    logs = {check.log: check for check in answer.logs}

    assert answer.ok
    assert set(logs) == {"a.demo/feed", "b.demo/audit"}
    assert (logs["a.demo/feed"].size, logs["a.demo/feed"].erased) == (3, 1)
    (event,) = await trio.audit("b.demo", "audit.verified")
    assert event.record.outcome == "ok"
    assert b"anna" in event.openings["actor"]


async def test_the_own_feed_verifies_as_well(trio: Fleet) -> None:
    await trio.publish(WHO)
    answer = await trio["a.demo"].services.audits.verify(BOT)

    assert {check.log for check in answer.logs} == {"a.demo/feed", "a.demo/audit"}
    assert answer.ok


async def test_events_are_read_in_order_and_by_page(trio: Fleet) -> None:
    await trio.look_up("b.demo", WHO)
    audits = trio["b.demo"].services.audits
    first = await audits.events(0, 2, ANNA)
    rest = await audits.events(first.next, 1_000, ANNA)
    indices = [event.index for event in (*first.events, *rest.events)]

    assert first.events[0].event == "node.created"
    assert first.events[0].actor == "setup"
    assert indices == list(range(rest.next))
    assert rest.events[-1].event == "audit.read"
    assert rest.events[-1].detail == {"since": 0, "events": 2}


async def test_a_page_behind_the_end_is_empty_and_no_subject_is_shown(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio.look_up("b.demo", WHO)
    audits = trio["b.demo"].services.audits
    beyond = await audits.events(9_999, 10, ANNA)
    events = (await audits.events(0, 1_000, ANNA)).events

    assert (beyond.events, beyond.next) == ([], 9_999)
    assert any(event.event == "lookup" for event in events)
    assert "account-1" not in str(events)
    assert WHO not in str(events)
