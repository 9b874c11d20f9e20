# SPDX-License-Identifier: Apache-2.0
"""Who does not say that it has erased raises an alarm, then gets nothing new (P11)."""

import asyncio
import json
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import RITA
from tests.support.fleet import FEDERATION, Fleet, Written, eventually
from tests.support.origin import WHO

from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_federation.feed.receipts import Receipt, open_receipt, sign_receipt
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.ground.errors import BadRequestError, NodeError
from fedsafe_node.keys.own_keys import load_keys
from fedsafe_node.log.audit import Event
from fedsafe_node.members.peering.disclosure import Hander
from fedsafe_node.members.peering.overdue_erasures import Debts
from fedsafe_node.store.peering_rows import HandedRow
from fedsafe_policies.vocabulary import ErasureMethod

HOUR = timedelta(hours=1)
METHOD = ErasureMethod.OVERWRITTEN


def debts_of(fleet: Fleet) -> Debts:
    base = fleet["a.demo"].base
    return Debts(base.situation, base.store, base.trail, base.clock)


async def outcomes(fleet: Fleet) -> list[tuple[str, bool]]:
    told = await fleet.audit("a.demo", Event.ERASURE_OWED.value)
    return [(each.record.outcome, '"b.demo"' in each.text) for each in told]


async def receipted(fleet: Fleet, member: str) -> None:
    """Wait until a member has signed that it has erased what a restricted."""

    async def has_signed() -> bool:
        found = await fleet["a.demo"].base.store.read(lambda r: r.receipted())
        return member in found

    await eventually(has_signed)


async def receipt_of(
    fleet: Fleet, member: str, through: int = 1, **said: object
) -> Signed:
    """Sign a receipt as a member would, whether it runs or not."""
    at = int(fleet.clock.now().timestamp())
    stated = Receipt(
        v=1,
        member=member,
        origin="a.demo",
        through=through,
        at=at,
        method=METHOD,
        residual_until=at + 36 * 86_400,
    )
    keys = await asyncio.to_thread(load_keys, fleet.place(member))
    said_now = replace(stated, **said)
    return sign_receipt(said_now, key=keys.statement, federation=FEDERATION)


async def give(fleet: Fleet, receipt: Signed) -> None:
    await fleet["a.demo"].services.receipts.take(receipt)


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


@pytest.fixture
async def owing(trio: Fleet) -> Fleet:
    """A federation in which b has received what is revoked while b is away."""
    first = await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)  # takes no attestation
    await trio.stop("b.demo")
    await trio.revoke(first, by=["c.demo"])
    await receipted(trio, "c.demo")
    return trio


@pytest.mark.promise("LR-19")
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
    assert "no receipt since" in checks["erasures at b.demo"]
    assert still == 1
    assert await outcomes(owing) == [("late", True), ("stopped", True)]
    assert await opened(owing, "b.demo") == 0
    assert await opened(owing, "c.demo") == 1


async def test_what_was_raised_is_not_raised_again_after_a_restart(
    owing: Fleet,
) -> None:
    owing.clock.advance(30 * HOUR)
    await debts_of(owing).run()
    await debts_of(owing).run()

    assert await outcomes(owing) == [("late", True)]


async def test_a_late_receipt_ends_the_alarm_once_and_the_next_debt_raises_anew(
    owing: Fleet,
) -> None:
    owing.clock.advance(80 * HOUR)
    await debts_of(owing).run()
    await give(owing, await receipt_of(owing, "b.demo"))
    await debts_of(owing).run()
    await debts_of(owing).run()
    settled = await owing.audit("a.demo", Event.ERASURE_SETTLED.value)

    assert ['"b.demo"' in each.text for each in settled] == [True]
    assert await outcomes(owing) == [("stopped", True)]
    assert await opened(owing, "b.demo") == 1


@pytest.mark.promise("LR-19")
async def test_a_receipt_that_does_not_fit_pays_nothing(owing: Fleet) -> None:
    of_c = await receipt_of(owing, "c.demo")
    bad: list[tuple[Signed, type[Exception]]] = [
        (await receipt_of(owing, "b.demo", through=2), BadRequestError),
        (await receipt_of(owing, "b.demo", origin="c.demo"), UntrustedError),
        (replace(of_c, signer="b.demo"), UntrustedError),
    ]
    for receipt, error in bad:
        with pytest.raises(error):
            await give(owing, receipt)
    debts = debts_of(owing)
    await debts.run()
    taken = await owing.audit("a.demo", Event.RECEIPT_TAKEN.value)

    assert list(debts.situation.debts) == ["b.demo"]
    assert ['"c.demo"' in each.text for each in taken] == [True]


async def test_the_ledger_shows_by_which_method_and_until_when(owing: Fleet) -> None:
    node = owing["a.demo"]
    (first, *_) = await owing.audit("a.demo", Event.REVOKED.value)
    signal = json.loads(first.openings["detail"])["signal"]
    before = await node.services.signals.show(signal, RITA)
    await give(owing, await receipt_of(owing, "b.demo"))
    await give(owing, await receipt_of(owing, "b.demo"))  # a repeat
    answer = await node.services.recipients.show(signal, RITA)
    shared = node.base.situation.shared
    assert shared is not None
    after = await node.services.signals.show(signal, RITA)
    receipts = {each.recipient: each.receipt for each in answer.recipients}
    taken = await owing.audit("a.demo", Event.RECEIPT_TAKEN.value)
    leaves = owing["c.demo"].base.store.leaves_residues()
    true = ErasureMethod.DELETED if leaves else ErasureMethod.OVERWRITTEN

    assert before.erasure is not None
    assert (before.erasure.recipients, before.erasure.receipts) == (2, 1)
    assert after.erasure is not None
    assert after.erasure.receipts == 2
    for member, receipt in receipts.items():
        assert receipt is not None
        assert receipt.method is (true if member == "c.demo" else METHOD)
        assert receipt.residual_until == after.erasure.residual_until
        open_receipt(
            receipt.statement,
            me="a.demo",
            charter=shared.membership.charter,
            now=owing.clock.now(),
        )
    assert len(taken) == 2


async def test_a_receipt_comes_when_the_member_is_back_and_the_origin_was_away(
    owing: Fleet,
) -> None:
    await owing.stop("a.demo")
    await owing.start("b.demo")
    await owing.start("a.demo")
    await receipted(owing, "b.demo")

    async def given() -> list[Written]:
        return await owing.audit("b.demo", Event.RECEIPT_GIVEN.value)

    assert len(await eventually(given)) == 1


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
    only_applied = dict(owing["a.demo"].base.situation.debts)
    await give(owing, await receipt_of(owing, "b.demo"))
    await debts.run()

    assert list(owed) == list(only_applied) == ["b.demo"]
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
    request = FeedRequest("a.demo", 0, 0, 0, 10)
    batch = decode_batch(
        "a.demo", (await node.feed.batch(request, "b.demo", hander)).data
    )

    assert [line.opening for line in batch.records if line.opening] == []
    assert len(batch.restrictions) == 1
    assert await trio.audit("a.demo", Event.FEED_SERVED.value) == served


async def test_who_gets_something_late_owes_what_was_said_of_it_before(
    trio: Fleet,
) -> None:
    await trio.stop("b.demo")
    first = await trio.publish(WHO, by=["c.demo"])
    await trio.revoke(first, by=["c.demo"])
    await receipted(trio, "c.demo")
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
    await receipted(trio, "c.demo")
    trio.clock.advance(80 * HOUR)
    await debts_of(trio).run()

    assert trio["a.demo"].base.situation.debts == {}
    assert await outcomes(trio) == []
