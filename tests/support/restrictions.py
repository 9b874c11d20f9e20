# SPDX-License-Identifier: Apache-2.0
"""Restrictions of a signal, and their trail."""

from tests.support.members import signal_id

from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import NewSignal

A, B = "a.example", "b.example"
TRAIL = AuditTrail("c.example")


async def hold(
    store: Store, *numbers: int, origin: str = A, token: bytes | None = None
) -> None:
    signals = [
        NewSignal(
            signal_id=signal_id(number),
            origin=origin,
            plane="actor",
            scope="federation",
            epoch=1,
            generation=1,
            token=number.to_bytes(16) if token is None else token,
            match_until=2_000_000_000,
            erase_after=2_000_000_000,
            log=f"{origin}/feed",
            index=number,
            group="signal",
        )
        for number in numbers
    ]
    await store.write(lambda tx: tx.add_signals(signals))


async def events(store: Store) -> int:
    return await store.read(lambda r: r.log_size(TRAIL.log))
