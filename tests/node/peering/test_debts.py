# SPDX-License-Identifier: Apache-2.0
"""Who does not say that it has erased raises an alarm, then gets nothing new (P11)."""

from datetime import timedelta

import pytest
from tests.node.fleet import Fleet, eventually
from tests.node.origin import WHO

from fedsafe_crypto.checkpoint import Checkpoint
from fedsafe_federation.feed import FeedRequest, decode_batch
from fedsafe_node.errors import NodeError
from fedsafe_node.log.audit import Event
from fedsafe_node.messages import Kind
from fedsafe_node.peering.debts import Debts
from fedsafe_node.peering.handing import Hander
from fedsafe_node.store.recipients_rows import HandedRow

HOUR = timedelta(hours=1)


def debts_of(fleet: Fleet) -> Debts:
    base = fleet["a.demo"].base
    return Debts(base.situation, base.store, base.trail, base.clock)


async def outcomes(fleet: Fleet) -> list[tuple[str, bool]]:
    told = await fleet.audit("a.demo", Event.ERASURE_OWED.value)
    return [(each.record.outcome, '"b.demo"' in each.text) for each in told]


async def heard(fleet: Fleet, member: str) -> None:
    """Wait until a member has said that it has applied what a restricted."""

    async def has_said() -> bool:
        rows = await fleet["a.demo"].base.store.read(lambda reader: reader.heard())
        return member in {row.recipient for row in rows}

    await eventually(has_said)


async def opened(fleet: Fleet, member: str) -> int:
    """Count the openings of the feed that a member would get now."""
    node = fleet["a.demo"]
    records = await node.base.store.read(
        lambda reader: node.feed._records(reader, 0, 99)  # noqa: SLF001
    )
    hander = Hander(node.base.situation, member, fleet.clock.now())
    return sum(
        line.opening is not None for line in hander.hand_over(records, {}).records
    )


pytestmark = pytest.mark.usefixtures("standing_jobs")


@pytest.fixture
async def owing(trio: Fleet) -> Fleet:
    """A federation in which b has received what is revoked while b is away."""
    first = await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)  # takes no attestation
    await trio.stop("b.demo")
    await trio.revoke(first, by=["c.demo"])
    await heard(trio, "c.demo")
    return trio


async def test_a_debt_alarms_after_a_day_and_stops_openings_after_three(
    owing: Fleet,
) -> None:
    debts = debts_of(owing)
    await debts.run()
    early = await outcomes(owing)
    owing.clock.advance(24 * HOUR)
    await debts.run()
    day = await outcomes(owing)
    checks = await owing["a.demo"].services.node.checks()
    owing.clock.advance(47 * HOUR)
    await debts.run()
    still = await opened(owing, "b.demo")
    owing.clock.advance(1 * HOUR)
    await debts.run()
    await debts.run()  # once is enough

    assert early == []
    assert day == [("late", True)]
    assert "not confirmed since" in checks["erasures at b.demo"]
    assert still == 1
    assert await outcomes(owing) == [("late", True), ("stopped", True)]
    assert await opened(owing, "b.demo") == 0
    assert await opened(owing, "c.demo") == 1


async def test_who_has_caught_up_owes_nothing(owing: Fleet) -> None:
    owing.clock.advance(80 * HOUR)
    debts = debts_of(owing)
    await debts.run()
    owed = dict(owing["a.demo"].base.situation.debts)
    await owing["a.demo"].feed.batch(
        FeedRequest(origin="a.demo", since=0, known=0, restrictions=1),
        "b.demo",
        Hander(owing["a.demo"].base.situation, "b.demo", owing.clock.now()),
    )
    await debts.run()

    assert list(owed) == ["b.demo"]
    assert owing["a.demo"].base.situation.debts == {}
    assert await opened(owing, "b.demo") == 1


async def test_a_number_that_no_statement_has_pays_no_debt(owing: Fleet) -> None:
    debts = debts_of(owing)
    situation = owing["a.demo"].base.situation
    for sequence in (0, 2, 1 << 40):
        try:
            await owing["a.demo"].feed.batch(
                FeedRequest(origin="a.demo", since=0, known=0, restrictions=sequence),
                "b.demo",
                Hander(situation, "b.demo", owing.clock.now()),
            )
        except NodeError:
            continue
    await debts.run()

    assert list(situation.debts) == ["b.demo"]


async def test_what_ends_while_a_batch_is_made_does_not_leave(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trio.stop("b.demo")
    first = await trio.publish(WHO, by=["c.demo"])
    node = trio["a.demo"]
    sign = node.feed._note  # noqa: SLF001 - between the snapshot and the ledger

    async def sign_late(checkpoint: Checkpoint, known: int) -> str:
        monkeypatch.undo()
        await trio.revoke(first, by=["c.demo"])
        return await sign(checkpoint, known)

    monkeypatch.setattr(node.feed, "_note", sign_late)
    served = await trio.audit("a.demo", Event.FEED_SERVED.value)
    hander = Hander(node.base.situation, "b.demo", trio.clock.now())
    data = await node.feed.batch(FeedRequest("a.demo", 0, 0, 0, 10), "b.demo", hander)
    batch = decode_batch("a.demo", data)

    assert [line.opening for line in batch.records if line.opening] == []
    assert len(batch.restrictions) == 1
    assert await trio.audit("a.demo", Event.FEED_SERVED.value) == served


async def test_who_gets_something_late_owes_what_was_said_of_it_before(
    trio: Fleet,
) -> None:
    await trio.stop("b.demo")
    first = await trio.publish(WHO, by=["c.demo"])
    await trio.revoke(first, by=["c.demo"])
    await heard(trio, "c.demo")
    debts = debts_of(trio)
    await debts.run()
    before = dict(trio["a.demo"].base.situation.debts)
    run = HandedRow(
        recipient="b.demo", first=0, last=0, at=1, purpose="moderation_review", basis=""
    )
    await trio["a.demo"].base.store.write(lambda tx: tx.add_handed([run]))
    await debts.run()

    assert before == {}
    assert list(trio["a.demo"].base.situation.debts) == ["b.demo"]


async def test_who_has_received_nothing_owes_nothing(trio: Fleet) -> None:
    await trio.stop("b.demo")
    first = await trio.publish(WHO, by=["c.demo"])
    await trio.revoke(first, by=["c.demo"])
    await heard(trio, "c.demo")
    trio.clock.advance(80 * HOUR)
    await debts_of(trio).run()

    assert trio["a.demo"].base.situation.debts == {}
    assert await outcomes(trio) == []
