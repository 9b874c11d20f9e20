# SPDX-License-Identifier: Apache-2.0
"""What restricts overtakes additions, however many wait."""

from tests.support.fleet import FEDERATION, Fleet, eventually

from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.batch import (
    MAX_RESTRICTIONS,
    Batch,
    FeedRequest,
    decode_batch,
)
from fedsafe_federation.feed.restrictions import Reason, Restriction, sign_restriction
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import RestrictionRow, SignalStatus, sequence_key
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Effect

ORIGIN = "a.demo"
ADDITIONS = 60


async def restrict(fleet: Fleet, first: bytes, count: int) -> None:
    """State so many revocations at once, the last one of a signal that is there."""
    names = [number.to_bytes(16) for number in range(1, count)]
    node = fleet[ORIGIN]
    at = int(fleet.clock.now().timestamp())
    rows: list[RestrictionRow] = []
    for sequence, name in enumerate([*names, first], start=1):
        said = Restriction(
            v=1,
            origin=ORIGIN,
            author=ORIGIN,
            sequence=sequence,
            effect=Effect.REVOKED,
            reason=Reason.MISTAKE,
            at=at,
            signals=[name],
        )
        statement = sign_restriction(
            said, key=node.base.keys.statement, federation=FEDERATION
        )
        rows.append(
            RestrictionRow(
                digest=digest(statement),
                origin=ORIGIN,
                author=ORIGIN,
                sequence=sequence,
                effect=said.effect.value,
                statement=encode(statement),
            )
        )

    async def act(tx: Transaction) -> None:
        for row in rows:
            await tx.add_restriction(row, ())
        await tx.set_meta(sequence_key(ORIGIN), b"%d" % count)

    await node.base.store.write(act)


async def test_where_more_restrictions_wait_than_a_batch_holds_additions_wait(
    trio: Fleet,
) -> None:
    for number in range(3):
        await trio.publish(f"{number:064x}", Kind.SHA256)
    await trio.stop("b.demo", "c.demo")
    await restrict(trio, bytes(16), MAX_RESTRICTIONS + 1)
    peering = trio[ORIGIN].services.peering

    async def batch(since: int, known: int, restrictions: int) -> Batch:
        request = FeedRequest(ORIGIN, since, known, restrictions)
        return decode_batch(ORIGIN, await peering.feed(request, "c.demo"))

    first = await batch(0, 0, 0)
    second = await batch(1, 3, MAX_RESTRICTIONS)

    assert (len(first.restrictions), len(first.records)) == (MAX_RESTRICTIONS, 1)
    assert (len(second.restrictions), len(second.records)) == (1, 2)


async def test_the_last_of_many_revocations_stops_its_signal_before_additions_come(
    trio: Fleet,
) -> None:
    signal = await trio.publish("ab" * 32, Kind.SHA256)
    (first,) = await trio[ORIGIN].base.store.read(_signals)
    await trio.stop("b.demo")
    for number in range(ADDITIONS):
        await trio.publish(f"{number:064x}", Kind.SHA256, by=())
    await restrict(trio, first, 2 * MAX_RESTRICTIONS + 1)
    await trio.start("b.demo")
    store = trio["b.demo"].base.store

    async def stopped() -> tuple[int] | None:
        async def query(reader: Reader) -> tuple[int] | None:
            row = await reader.signal(ORIGIN, first)
            peer = await reader.peer(ORIGIN)
            is_stopped = row is not None and row.status is SignalStatus.REVOKED
            return (peer.cursor,) if is_stopped and peer is not None else None

        return await store.read(query)

    (cursor,) = await eventually(stopped)
    await trio.level(ORIGIN, ["b.demo"])

    assert signal
    assert cursor <= 3  # one record came with each full batch


async def _signals(reader: Reader) -> list[bytes]:
    return [row.signal_id for row in await reader.signals_after(0, 10)]
