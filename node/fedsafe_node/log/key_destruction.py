# SPDX-License-Identifier: Apache-2.0
"""Destroy keys outside the database: said before, done, said after.

No transaction takes a file back. So the intent is durable first, with its event, then
the key is destroyed, then the end is noted. A node that died in between finds the
intent without an end: `fedsafe audit gaps`, `doctor` and the node's state show it, and
the next run goes on with it, since to destroy a key twice does no harm.
"""

from contextlib import suppress
from pathlib import Path

from fedsafe_federation.wire.pace import Offload
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.ground.key_files import destroy_secret
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.log.pseudonyms import Pseudonyms, quarter_of
from fedsafe_node.store.keeping_rows import EffectKind, EffectRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction


async def unfinished_effects(reader: Reader) -> list[EffectRow]:
    """Return the destructions of which nobody knows yet whether they happened."""
    return [effect for effect in await reader.effects() if effect.ended_at is None]


class Destroying:
    """Destroys the keys of past periods, quarters and epochs."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        *,
        keys: Path,
        periods: PeriodKeys,
        pseudonyms: Pseudonyms,
        offload: Offload,
    ) -> None:
        self._keys = keys
        self._store = store
        self._trail = trail
        self._clock = clock
        self._periods = periods
        self._pseudonyms = pseudonyms
        self._offload = offload

    async def resume(self) -> int:
        """Go on with what a run before left; returns how many.

        Raises:
            StoreError: an end cannot be noted; the intent stays.
        """
        left = await self._store.read(unfinished_effects)
        for effect in left:
            await self._carry_out(effect.kind, effect.target)
        return len(left)

    async def destroy(self, kind: EffectKind, target: str) -> None:
        """Destroy a key for good; again, if it came back with an old copy.

        Raises:
            KeyFileError: its time is not over.
            StoreError: it cannot be noted; without an intent nothing was destroyed.
        """

        async def intend(tx: Transaction) -> None:
            await tx.begin_effect(kind, target, at=self._now())
            await self._note(tx, kind, target, "intent")

        with suppress(ConflictError):
            await self._store.write(intend)
        await self._carry_out(kind, target)

    async def _carry_out(self, kind: EffectKind, target: str) -> None:
        now = self._clock.now()
        if kind is EffectKind.EPOCH_KEY:
            await self._offload(lambda: destroy_secret(self._keys / f"{target}.key"))
        elif kind is EffectKind.PERIOD_KEY:
            present = period_of(now)
            await self._offload(lambda: self._periods.destroy(target, present=present))
        else:
            quarter = quarter_of(now)
            await self._offload(
                lambda: self._pseudonyms.destroy(target, present=quarter)
            )

        async def finish(tx: Transaction) -> None:
            await tx.end_effect(kind, target, at=self._now())
            await self._note(tx, kind, target, "ok")

        await self._store.write(finish)

    async def _note(
        self, tx: Transaction, kind: EffectKind, target: str, outcome: str
    ) -> None:
        entry = self._trail.entry(
            Event.KEY_DESTROYED,
            at=self._clock.now(),
            outcome=outcome,
            detail={"key": kind.value, "target": target},
        )
        await tx.append(self._trail.log, entry.record, entry.openings)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
