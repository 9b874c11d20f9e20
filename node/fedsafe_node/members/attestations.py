# SPDX-License-Identifier: Apache-2.0
"""Attest the own gate and register, and know what the other members attest.

The own attestation is signed anew when somebody asks for it and it no longer says
how things stand, or half its life is over. Those of the others are fetched at start,
at every poll, and when a member turns up that has none; each is kept in the store
before it counts, so that no restart brings an older one back. A member that cannot
be reached keeps the one that it has until that ends. Whoever signs more than anybody
needs to is taken at its word less often; that its gate has shut always counts.

Owned by the event loop: one task for each member, `_own`, `_turns`, what each member
may still have kept, and `_signing`, held while the own one is renewed.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.attestation import (
    LIFE,
    Attestation,
    open_attestation,
    sign_attestation,
)
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.errors import FederationError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.wire.pace import Bucket
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import StoreError, WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.keys.membership import Membership
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.members.peering.repeats import end_grant
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

FIRST_BACKOFF: Final = 0.05
TAKEN_AT_ONCE: Final = 20
TAKEN_WINDOW: Final = 100 * 60.0
"""So many attestations of a member are taken at once, and again in so many seconds.

Each is an event, and one that opens its gate ends what it was granted
(`peering.repeats`).
"""
_LOG = logging.getLogger(f"{LOGGER}.attesting")


class Attesting:
    """Signs the own attestation and follows those of the other members."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        key: SigningKey,
        client: PeerClient,
        trail: AuditTrail,
        clock: Clock,
        *,
        poll: float,
        opened: Callable[[str], None],
    ) -> None:
        self._situation = situation
        self._store = store
        self._key = key
        self._client = client
        self._trail = trail
        self._clock = clock
        self._poll = poll
        self._opened = opened
        self._own: tuple[Attestation, Signed] | None = None
        self._signing = asyncio.Lock()
        self._wakes: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: dict[str, Bucket] = {}

    async def load(self, membership: Membership) -> None:
        """Let the attestations that are kept count."""
        for member in membership.charter.members:
            await self._load(member.name, membership.charter)

    def start(self, membership: Membership) -> None:
        """Follow all other members from now on."""
        for member in membership.others:
            self._wakes[member.name] = asyncio.Event()
            task = asyncio.create_task(self._follow(member, membership.charter))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End all tasks and wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._wakes.clear()

    def wake_all(self) -> None:
        """Ask all other members at once."""
        for event in self._wakes.values():
            event.set()

    def wake(self, member: str) -> None:
        """Ask *member* at once: it wants something that its attestation must open."""
        event = self._wakes.get(member)
        if event is not None:
            event.set()

    async def own(self) -> Signed:
        """Give the own attestation, renewed if it has to be.

        Raises:
            WrongStateError: this node has no federation.
            StoreError: the new one could not be kept.
        """
        charter = self._charter()
        async with self._signing:
            known = encode(self._own[1]) if self._own is not None else None
            while True:
                now = self._clock.now()
                own = self._own
                if own is not None and self._holds(*own, charter, now):
                    return own[1]
                renewed = self._renewed(now)
                statement = sign_attestation(
                    renewed, key=self._key, federation=charter.federation
                )
                found = await self._keep_own(renewed, statement, now, known)
                if found is None:
                    self._own = (renewed, statement)
                    return statement
                known = found
                self._take(self._situation.node, found, charter)

    def _renewed(self, now: datetime) -> Attestation:
        before = self._own[0].sequence if self._own is not None else 0
        at = int(now.timestamp())
        # By the clock, so that a node that lost its last ones is believed again.
        return self._say(at, max(before + 1, at))

    def _holds(
        self, said: Attestation, signed: Signed, charter: Charter, now: datetime
    ) -> bool:
        try:
            open_attestation(signed, charter, now=now)
        except FederationError:  # with keys that the node had before
            return False
        age = int(now.timestamp()) - said.at
        young = 0 <= age < LIFE.total_seconds() / 2
        return young and said == self._say(said.at, said.sequence)

    def _say(self, at: int, sequence: int) -> Attestation:
        situation, until = self._situation, at + int(LIFE.total_seconds())
        gate_until = register_until = 0
        if situation.opens(self._clock.now()):
            gate_until = register_until = until
            gate = situation.gate
            if not situation.synthetic and gate is not None and gate.valid_until:
                end = datetime.combine(gate.valid_until, time(), UTC)
                gate_until = int(end.timestamp())
                register_until = situation.register_until
        return Attestation(
            v=1,
            node=situation.node,
            sequence=sequence,
            at=at,
            valid_until=until,
            gate_until=gate_until,
            register_until=register_until,
            policy=situation.policy.reference,
            synthetic=situation.synthetic,
        )

    async def _follow(self, member: Member, charter: Charter) -> None:
        wake, failures = self._wakes[member.name], 0
        while True:
            wake.clear()
            try:
                await self._fetch(member, charter)
                failures = 0
            except (FederationError, StoreError) as error:
                failures += 1
                reason = type(error).__name__
                facts = fields(peer=member.name, reason=reason)
                _LOG.info("no attestation", extra=facts)
            pause = self._poll
            if failures:
                pause = min(pause, FIRST_BACKOFF * (1 << min(failures - 1, 16)))
            try:
                async with asyncio.timeout(pause):
                    await wake.wait()
            except TimeoutError:
                continue
            # Whoever wakes us again and again is not asked without a pause.
            await asyncio.sleep(min(FIRST_BACKOFF, self._poll))

    async def _fetch(self, member: Member, charter: Charter) -> None:
        statement = await self._client.attestation(member)
        situation, now = self._situation, self._clock.now()
        known = situation.attestations
        if statement.signer != member.name:
            return
        attestation = known.judge(statement, charter, now=now)
        if attestation is None:
            return
        before = situation.attested(member.name, now)
        shuts = before and attestation.until <= now.timestamp()
        if not (shuts or self._has_turn(member.name, now.timestamp())):
            return  # the one that is here lasts till then
        anew = not before or _is_of_another_gate(known.newest(member.name), attestation)
        await self._keep(attestation, statement, now, anew=anew)
        known.keep(attestation, statement)
        if not before and situation.attested(member.name, now):
            self._opened(member.name)

    def _has_turn(self, member: str, now: float) -> bool:
        """Take a turn of a member to have an attestation kept, if it has one left."""
        full = Bucket(TAKEN_AT_ONCE, TAKEN_WINDOW, now, TAKEN_AT_ONCE)
        turns = self._turns.setdefault(member, full)
        turns.fill(now)
        if turns.left < 1:
            return False
        turns.left -= 1
        return True

    async def _keep(
        self, said: Attestation, statement: Signed, now: datetime, *, anew: bool
    ) -> None:
        """Keep a member's; *anew* its gate opens, after it may have erased all."""
        entry = self._entry(Event.ATTESTATION_TAKEN, said, now)

        async def act(tx: Transaction) -> None:
            if anew:
                await end_grant(tx, said.node)
            await tx.put_document(_document(said.node), encode(statement))
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)

    async def _keep_own(
        self, said: Attestation, statement: Signed, now: datetime, known: bytes | None
    ) -> bytes | None:
        """Keep the own attestation, or give the one that another process has kept.

        Two that say different things under one number would show two nodes.
        """
        entry = self._entry(Event.ATTESTED, said, now)

        async def act(tx: Transaction) -> bytes | None:
            kept = await tx.document(_document(said.node))
            if kept != known:
                return kept
            await tx.put_document(_document(said.node), encode(statement))
            await tx.append(self._trail.log, entry.record, entry.openings)
            return None

        return await self._store.write(act)

    def _entry(self, event: Event, said: Attestation, now: datetime) -> LogEntry:
        return self._trail.entry(
            event,
            at=now,
            outcome="open" if said.until > now.timestamp() else "closed",
            detail={
                "node": said.node,
                "sequence": said.sequence,
                "until": said.until,
                "stated_policy": said.policy,
            },
        )

    async def _load(self, name: str, charter: Charter) -> None:
        document = await self._store.read(lambda r: r.document(_document(name)))
        if document is not None:
            self._take(name, document, charter)

    def _take(self, name: str, document: bytes, charter: Charter) -> None:
        try:
            statement = decode(document, Signed)
            said = open_attestation(statement, charter, now=self._clock.now())
        except FederationError as error:
            # Of another federation, or of a clock that was ahead: asked for anew.
            reason = type(error).__name__
            _LOG.info("attestation dropped", extra=fields(peer=name, reason=reason))
            return
        if name == self._situation.node:
            self._own = (said, statement)
        else:
            self._situation.attestations.keep(said, statement)

    def _charter(self) -> Charter:
        shared = self._situation.shared
        if shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return shared.membership.charter


def _is_of_another_gate(before: Attestation | None, said: Attestation) -> bool:
    """Whether a member has recorded its gate anew: it may have shut unseen between.

    Of a demonstration, whose gate lasts as long as its attestation, nothing tells.
    """
    if before is None or said.synthetic:
        return before is None
    return said.gate_until != before.gate_until


def _document(name: str) -> str:
    return f"attestation/{name}"
