# SPDX-License-Identifier: Apache-2.0
"""Shred a key epoch that is over: keys, tokens, openings, custody, drafts.

A job of the node's clockwork, also of one that has left. Keys go first, each by an
effect that is durable before and after; what is left without them matches nothing and
opens nowhere. Every step may be done again: a node that died in between goes on, and
one whose database was put back from a backup shreds it anew. The statement in the audit
log comes last, once nothing is left.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.keys.ceremony_files import locked
from fedsafe_node.keys.charter_chain import read_chain
from fedsafe_node.keys.own_keys import epoch_key_files
from fedsafe_node.log.audit import Event
from fedsafe_node.log.key_destruction import Destroying
from fedsafe_node.lookup.index.bootstrap import merge_tokens
from fedsafe_node.members.ceremonies.installation import destroy_states_of
from fedsafe_node.members.peering.service import OVER_FOR_ALL
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.signals.stop import withdraw_draft
from fedsafe_node.signals.view import MAX_DRAFTS
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftRow, DraftState, Row, SignalRow, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Scope

BATCH: Final = 500
_DOCUMENT: Final = "shredded"
_ACTOR: Final = Actor.EXPIRY.value


class Shredded(Row, frozen=True):
    """An epoch of which nothing is left here, and since when."""

    epoch: int
    at: int


class _Kept(Row, frozen=True):
    epochs: list[Shredded]


async def read_shredded(reader: Reader) -> list[Shredded]:
    """Read which epochs were shredded here."""
    kept = await reader.document(_DOCUMENT)
    return [] if kept is None else decode(kept, _Kept).epochs


class Shredding:
    """Shreds the epochs that are over at every member.

    *forget* lets go of their keys in this process's memory.
    """

    def __init__(
        self,
        desk: Desk,
        place: Place,
        destroying: Destroying,
        *,
        forget: Callable[[], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._place = place
        self._destroying = destroying
        self._forget = forget

    async def run(self) -> None:
        """Shred what is over and not shredded yet.

        Raises:
            StoreError: something is not durable; the next run goes on.
        """
        over = await self._desk.store.read(self._over)
        if not over:
            return
        files = await self._desk.offload(lambda: epoch_key_files(self._place))
        done = {each.epoch for each in await self._desk.store.read(read_shredded)}
        for epoch in over:
            keys = [Path(name).stem for name, of in files.items() if of == epoch]
            if epoch in done and not keys:
                continue
            await self._forget()
            await self._destroying.resume()
            await self._desk.offload(lambda epoch=epoch: self._forget_states(epoch))  # type: ignore[misc]
            for key in keys:
                await self._destroying.destroy(EffectKind.EPOCH_KEY, key)
            await self._erase(epoch)
            await self._state(epoch)

    def _forget_states(self, epoch: int) -> None:
        lock = locked(self._place)  # no step of a ceremony comes in between
        try:
            destroy_states_of(self._place, epoch)
        finally:
            os.close(lock)

    async def _over(self, reader: Reader) -> list[int]:
        """Name the epochs that are over, by the last version that lists each."""
        now, ends = self._now(), dict[int, int]()
        for document in await read_chain(reader):
            charter = decode(document.payload, Charter)
            for entry in charter.epochs:
                ends[entry.epoch] = charter.epoch_over(entry.epoch)
        return [
            each for each, over in sorted(ends.items()) if now >= over + OVER_FOR_ALL
        ]

    async def _erase(self, epoch: int) -> None:
        desk = self._desk
        last = 0
        while page := await desk.store.read(
            lambda reader, last=last: reader.signals_after(last, BATCH)  # type: ignore[misc]
        ):
            last = page[-1].row
            rows = [row for row in page if _is_left(row, epoch)]
            if rows:
                await desk.commit(_Signals(desk, epoch, rows).run)
        drafts = await desk.store.scan(lambda reader: self._drafts(reader, epoch))
        for start in range(0, len(drafts), BATCH):
            await desk.commit(_Drafts(desk, epoch, drafts[start : start + BATCH]).run)
        # Removed tokens are found no more, but lie in the index's files until a merge.
        await merge_tokens(desk.lists.tokens, desk.store, full=True)
        await desk.store.scrub()

    async def _drafts(self, reader: Reader, epoch: int) -> list[DraftRow]:
        found: list[DraftRow] = []
        for row in await reader.drafts(DraftState.PENDING, MAX_DRAFTS):
            try:
                header = open_draft(row, self._desk.periods).header()
            except WrongStateError:
                continue  # nobody opens it any more: it ends with its term
            if header.scope is not Scope.SELF and header.epoch == epoch:
                found.append(row)
        return found

    async def _state(self, epoch: int) -> None:
        desk = self._desk

        async def act(tx: Transaction) -> None:
            others = [e for e in await read_shredded(tx) if e.epoch != epoch]
            kept = [*others, Shredded(epoch=epoch, at=self._now())]
            await tx.put_document(_DOCUMENT, encode(_Kept(epochs=kept)))
            keys = [
                effect
                for effect in await tx.effects()
                if effect.kind is EffectKind.EPOCH_KEY
                and effect.target.startswith((f"share-{epoch}-", f"media-{epoch}-"))
            ]
            entry = desk.trail.entry(
                Event.EPOCH_SHREDDED,
                at=desk.clock.now(),
                actor=_ACTOR,
                detail={"epoch": epoch, "keys": len(keys)},
            )
            await tx.append(desk.trail.log, entry.record, entry.openings)

        await desk.store.write(act)

    def _now(self) -> int:
        return int(self._desk.clock.now().timestamp())


def _is_left(row: SignalRow, epoch: int) -> bool:
    return not row.own and row.epoch == epoch and row.status is not SignalStatus.ERASED


@dataclass(frozen=True, slots=True)
class _Signals:
    desk: Desk
    epoch: int
    rows: Sequence[SignalRow]

    async def run(self, tx: Transaction) -> Changed[None]:
        desk = self.desk
        now = desk.clock.now()
        there = await tx.signals_at([row.row for row in self.rows])
        rows = [row for row in there if _is_left(row, self.epoch)]
        for row in rows:
            at = int(now.timestamp())
            await tx.erase_opening(row.log, row.index, row.group, at=at)
            await tx.set_signal_status(row.origin, row.signal_id, SignalStatus.ERASED)
            if row.origin == desk.situation.node:
                await tx.remove_custody(row.signal_id)
                await tx.remove_validation(row.signal_id)
        entry = desk.trail.entry(
            Event.EPOCH_ERASED,
            at=now,
            actor=_ACTOR,
            detail={"epoch": self.epoch, "erased": len(rows), "bans": 0, "drafts": 0},
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return Changed(None, removed=[row.row for row in rows])


@dataclass(frozen=True, slots=True)
class _Drafts:
    desk: Desk
    epoch: int
    drafts: Sequence[DraftRow]

    async def run(self, tx: Transaction) -> Changed[None]:
        desk, removed = self.desk, list[int]()
        for draft in self.drafts:
            removed += await withdraw_draft(desk, tx, draft, by=_ACTOR)
        entry = desk.trail.entry(
            Event.EPOCH_ERASED,
            at=desk.clock.now(),
            actor=_ACTOR,
            detail={
                "epoch": self.epoch,
                "erased": 0,
                "bans": len(removed),
                "drafts": len(self.drafts),
            },
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return Changed(None, removed=removed)
