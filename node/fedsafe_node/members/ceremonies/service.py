# SPDX-License-Identifier: Apache-2.0
"""This node's part in ceremonies on a version of the charter.

The process that leads carries messages with each other member (`exchange`, at the
rounds of `members.charter.charter_gossip`), makes its steps (`advance`), proposes what
is due and lets go of old shares (`resharing_job`, a job). Other processes take messages
in and give them out. Every state is a file and every message a row before anybody hears
of it, so a node that dies goes on where it was.

What a ceremony ended with is voted on as any other version; the node signs it without
asking its people, who have agreed to take part or did not have to.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.renewal import Step
from fedsafe_federation.errors import CeremonyError, FederationError
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.ceremony_files import RENEWAL, StateFiles, locked
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.members.ceremonies.kinds import Opened, ResharingKind
from fedsafe_node.members.ceremonies.record import (
    Attempt,
    Kept,
    Scene,
    gone_from,
    keep,
    opened_of,
    read_scene,
    taken,
)
from fedsafe_node.members.ceremonies.votes import Votes, names_of
from fedsafe_node.members.charter.ballot import Ballot
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

_Seen = tuple[int, bool, frozenset[str]]
"""How many messages, whether it was late, and who had failed other attempts."""
_SHORTEST: Final = 3600
"""With fewer seconds left when it comes, none is joined: all would seem silent."""
_LOG = logging.getLogger(f"{LOGGER}.renewing")


class Ceremonies:
    """Takes part in ceremonies.

    Steps are made one after the other, under `_stepping` and, among the processes of
    the node, a lock on the key directory. Owned by the event loop: `_made`, at what
    each attempt was last looked at.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        place: Place,
        situation: Situation,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        ballot: Ballot,
        kinds: Mapping[str, ResharingKind],
        *,
        offload: Workers,
        faults: Faults = NO_FAULTS,
    ) -> None:
        self._place = place
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock
        self._offload = offload
        self._votes = Votes(situation, store, ballot, kinds)
        self.kinds = kinds
        self._faults = faults
        self._stepping = asyncio.Lock()
        self._made: dict[str, _Seen] = {}
        self.wake: Callable[[], None] = lambda: None

    async def present(self) -> Scene | None:
        """Read how things stand where this node takes part now; None elsewhere."""
        scene = await self._store.scan(read_scene)
        shared = self._situation.shared
        if scene is None or shared is None or not shared.membership.me.active:
            return None
        is_here = shared.membership.version.digest == scene.version.digest
        return scene if is_here else None

    async def take(
        self, statements: Sequence[Signed], *, ack: tuple[str, int] | None = None
    ) -> bool:
        """Take in what a member has brought, and which version it holds.

        Returns:
            Whether anything was said that is new.
        """
        node, now = self._situation.node, self.now()

        def merged(scene: Scene) -> Kept:
            kept = taken(
                scene.kept, scene.version, self.kinds, statements, node=node, now=now
            )
            if ack is not None and kept.acks.get(ack[0], 0) < ack[1]:
                kept = replace(kept, acks={**kept.acks, ack[0]: ack[1]})
            return kept

        before = await self._store.read(read_scene)
        if before is None or merged(before) == before.kept:
            return False

        async def act(tx: Transaction) -> bool:
            scene = await read_scene(tx)
            if scene is None:
                return False
            after = merged(scene)
            if after != scene.kept:
                await keep(tx, after)
            return after.attempts != scene.kept.attempts

        return await self._store.write(act)

    async def advance(self) -> None:
        """Make all steps that can be made."""
        if not await self._has_steps():
            return
        async with self.alone():
            scene = await self.present()
            if scene is None:
                return
            for attempt in scene.kept.attempts:
                await self._look_at(attempt.run)
            scene = await self.present()
            if scene is not None:
                await self._votes.run(scene)

    async def _has_steps(self) -> bool:
        scene = await self._store.read(read_scene)
        if scene is None:
            return False
        willing = names_of(scene.version.charter.willing())
        return bool(scene.kept.attempts) or self._situation.node not in willing

    def now(self) -> int:
        """Return the present in whole seconds."""
        return int(self._clock.now().timestamp())

    def is_late(self, scene: Scene, attempt: Attempt) -> bool:
        """Whether the deadline of an attempt has passed."""
        return self.now() > opened_of(scene.version, self.kinds, attempt).deadline

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one of the node that makes a step."""
        async with self._stepping:
            place = self._place
            lock = await self._offload(lambda: locked(place))
            try:
                yield
            finally:
                os.close(lock)

    async def _look_at(self, run: str) -> None:
        scene = await self.present()
        attempt = scene.kept.find(run) if scene is not None else None
        if scene is None or attempt is None:
            return
        opened = opened_of(scene.version, self.kinds, attempt)
        if not self.agrees(scene, opened) or opened.deadline < attempt.at + _SHORTEST:
            return
        now = self.now()
        gone = gone_from(scene.kept, scene.version, self.kinds, opened)
        gone -= set(attempt.gone)
        seen: _Seen = len(attempt.messages), now > opened.deadline, gone
        if self._made.get(run) == seen:
            return
        try:
            done = await self._offload(
                lambda: self._step(scene.version, attempt, opened, gone)
            )
        except (FederationError, NodeError) as error:
            facts = fields(run=run, reason=type(error).__name__)
            _LOG.info("no part in a ceremony", extra=facts)
            self._made[run] = seen
            return
        is_new = await self._store.write(
            lambda tx: self._keep_step(tx, run, opened, done)
        )
        if is_new:
            self.wake()
        else:
            self._made[run] = seen

    def _step(
        self,
        version: Version,
        attempt: Attempt,
        opened: Opened,
        gone: frozenset[str],
    ) -> "Step | _Failed":
        states = StateFiles(
            self._place,
            attempt.proposal,
            kind=RENEWAL,
            failure=CeremonyError,
            faults=self._faults,
        )
        kind = self.kinds[attempt.proposal.type]
        side, now = kind.side(version, opened, states, gone=gone), self.now()
        try:
            return side.step(attempt.messages, now=now)
        except CeremonyError as error:
            found = side.gone(attempt.messages, now=now)
            return _Failed(str(error), found | error.guilty)

    async def _keep_step(
        self, tx: Transaction, run: str, opened: Opened, done: "Step | _Failed"
    ) -> bool:
        scene = await read_scene(tx)
        attempt = scene.kept.find(run) if scene is not None else None
        if scene is None or attempt is None:
            return False
        kept = scene.kept
        if isinstance(done, _Failed):
            return await self._keep_failure(tx, kept, attempt, opened, done)
        new = [each for each in done.owed if each not in attempt.messages]
        agreed = b"" if done.renewed is None else done.renewed.payload
        if not new and attempt.joined and attempt.agreed == agreed:
            return False
        if not attempt.joined:
            await self.note(tx, Event.RESHARING, _told(opened))
        messages = [*attempt.messages, *new]
        after = replace(attempt, messages=messages, joined=True, agreed=agreed)
        await keep(tx, kept.put(after))
        return True

    async def _keep_failure(
        self,
        tx: Transaction,
        kept: Kept,
        attempt: Attempt,
        opened: Opened,
        failed: "_Failed",
    ) -> bool:
        gone = sorted({*attempt.gone, *failed.gone})
        if attempt.over and gone == attempt.gone:
            return False
        now = self.now()
        judged = {**kept.judged, **dict.fromkeys(gone, now)}
        after = replace(attempt, over=attempt.over or now, gone=gone)
        await keep(tx, replace(kept.put(after), judged=judged))
        detail = {**_told(opened), "gone": ", ".join(gone)}
        await self.note(tx, Event.RESHARING_FAILED, detail, outcome="failed")
        _LOG.warning("a ceremony failed", extra=fields(reason=failed.why))
        return False

    def agrees(self, scene: Scene, opened: Opened) -> bool:
        """Whether this node takes part without asking its people."""
        kind = self.kinds[opened.proposal.type]
        try:
            return kind.agrees(scene.chain, opened, scene.kept.wish)
        except FederationError:
            return False

    async def note(
        self, tx: Transaction, event: Event, detail: Detail, *, outcome: str = "ok"
    ) -> None:
        """Write an audit event in the act that it tells of."""
        trail = self._trail
        entry = trail.entry(event, at=self._clock.now(), outcome=outcome, detail=detail)
        await tx.append(trail.log, entry.record, entry.openings)


@dataclass(frozen=True, slots=True)
class _Failed:
    why: str
    gone: frozenset[str]


def _told(opened: Opened) -> Detail:
    epoch, generation = opened.target
    return {
        "epoch": epoch,
        "generation": generation,
        "threshold": opened.threshold,
        "attempt": opened.attempt,
        "by": opened.proposal.signer,
    }
