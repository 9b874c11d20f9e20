# SPDX-License-Identifier: Apache-2.0
"""Keep evidence that a member has forked a log, act on it, and hand it on.

Evidence convicts by itself, so it does not matter who brings it: a batch of the feed
that was refused, a witness, another member, or a person with a file. The first of a log
is kept, within the act that suspends the matching of that member's signals if it is of
its feed, and goes to all other members, at once and every hour. More of the same log
changes nothing.

A person may lift it, when the members have settled what happened. That contradiction is
then excused, by its digest; another one of the same log convicts anew.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Final, Protocol

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.tree import EMPTY_ROOT
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.errors import FederationError, MalformedError, UnknownLogError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.feed.forks import (
    Fork,
    ForkEvidence,
    culprit,
    fork_of,
    open_fork,
)
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.feed.witnessing import anchor_name, keys_in, open_log
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.forks import (
    ForksAnswer,
    ForkTaken,
    KeptDouble,
    KeptFork,
    LiftRequest,
)
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import BadRequestError, NotFoundError, words_of
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.anchor import read_life
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.proofs import log_root, prove_consistency
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import PeerRow, PeerState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.references import is_reference

_KEPT: Final = "fork/"
_EXCUSED: Final = "excused/"
_LOG: Final = logging.getLogger(f"{LOGGER}.forks")


class Doubles(Protocol):
    """What is held against members that signed two disputes with one number."""

    async def kept(self, reader: Reader, author: str) -> KeptDouble | None:
        """Return what is held against a member."""
        ...

    async def excuse(self, tx: Transaction, log: str, name: str) -> bool:
        """Lift what a digest names; False if that is not held against anybody."""
        ...


@dataclass(frozen=True, slots=True)
class Proven:
    """Evidence that was checked against the charter."""

    evidence: ForkEvidence
    fork: Fork
    member: Member

    @property
    def is_feed(self) -> bool:
        """Whether signals come from that log."""
        return self.fork.log == feed_name(self.member.name)


class Forks:
    """The node's evidence of forks.

    State: `_sending` are the messages under way, `_unsent` is what was found and has
    not gone to others yet, `forked` the logs that have shown two trees.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        client: PeerClient,
        doubles: Doubles,
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock
        self._client = client
        self._doubles = doubles
        self._sending: set[asyncio.Task[None]] = set()
        self._unsent: list[Proven] = []
        self.forked: set[str] = set()

    async def take(self, evidence: ForkEvidence, *, by: str) -> ForkTaken:
        """Check evidence that somebody brought, and act on it.

        Raises:
            BadRequestError: it proves nothing, or of no log of another member.
            StoreError: nothing was kept.
        """
        try:
            proven = self._prove(evidence)
        except (MalformedError, UnknownLogError) as error:
            is_unknown = isinstance(error, UnknownLogError)
            why = error.why if is_unknown else words_of(error)
            raise BadRequestError("no_fork", why) from None
        is_new = await self._store.write(lambda tx: self._act(tx, proven, by))
        self.spread()
        if not is_new:
            nothing_happened()
        return ForkTaken(
            log=proven.fork.log,
            origin=proven.member.name,
            digest=proven.fork.digest,
            new=is_new,
            suspended=proven.member.name in self._situation.coverage.suspended,
        )

    async def enter(self, tx: Transaction, evidence: ForkEvidence, by: str) -> bool:
        """Act on what this node has found, within the act that found it.

        Whoever does so calls `spread` when the act is durable. False if it was known,
        or was excused.
        """
        try:
            proven = self._prove(evidence)
        except (MalformedError, UnknownLogError):
            return False
        return await self._act(tx, proven, by)

    async def load(self) -> None:
        """Know which logs were forked, from the store."""
        kept = await self.kept()
        self.forked |= {each.log for each in kept.forks}
        self.forked |= {each.log for each in kept.doubles}

    async def kept(self) -> ForksAnswer:
        """List the evidence that is kept and was not lifted."""

        async def query(reader: Reader) -> ForksAnswer:
            found: list[KeptFork] = []
            for log, origin in await self._logs(reader):
                data = await reader.meta(_KEPT + log)
                if data:
                    evidence = decode(data, ForkEvidence)
                    digest = open_fork(evidence).digest
                    found.append(KeptFork(log, origin, digest, evidence))
            twice = [
                await self._doubles.kept(reader, name)
                for name in self._situation.others()
            ]
            return ForksAnswer(found, [each for each in twice if each is not None])

        return await self._store.read(query)

    async def lift(self, request: LiftRequest, who: Principal) -> ForksAnswer:
        """Excuse one contradiction; the member's signals match, its disputes rest.

        Raises:
            BadRequestError: the reference tells something, or refers to nothing.
            NotFoundError: it is not kept here.
        """
        origin = request.log.partition("/")[0]
        is_fork = (request.log, origin) in await self._store.read(self._logs)
        if not is_reference(request.reference):
            detail = Phrase("a reference refers, such as minutes-7; it tells nothing")
            raise BadRequestError("bad_reason", detail, pointer="/reference")
        entry = self._trail.entry(
            Event.ORIGIN_RESUMED,
            at=self._clock.now(),
            actor=who.name,
            detail={
                "origin": origin,
                "log": request.log,
                "digest": request.digest,
                "reference": request.reference,
            },
        )

        async def act(tx: Transaction) -> None:
            if not is_fork:
                if not await self._doubles.excuse(tx, request.log, request.digest):
                    raise NotFoundError(Phrase("no such evidence of such a log"))
                await tx.append(self._trail.log, entry.record, entry.openings)
                return
            kept = await tx.meta(_KEPT + request.log)
            found = open_fork(decode(kept, ForkEvidence)).digest if kept else ""
            if found != request.digest:
                raise NotFoundError(Phrase("no such evidence with that digest"))
            excused = [*await _excused(tx, request.log), request.digest]
            await tx.set_meta(_EXCUSED + request.log, encode(excused))
            await tx.set_meta(_KEPT + request.log, b"")
            if request.log == feed_name(origin) and await tx.peer(origin) is not None:
                await tx.set_peer_state(origin, PeerState.ACTIVE)
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)
        self.forked.discard(request.log)
        if request.log == feed_name(origin):
            self._situation.coverage.suspended.discard(origin)
        return await self.kept()

    async def compare_copy(self, member: Member, note: bytes, *, by: str) -> None:
        """Compare a checkpoint of a member's feed with this node's copy of that feed.

        Raises:
            CryptoError: the member has not signed it, so it says nothing.
            StoreError: what it proves was not kept.
        """
        log = feed_name(member.name)
        keys = keys_in(member, log, Trust.KEPT)
        key, there = open_log(note, keys)

        async def query(reader: Reader) -> ForkEvidence | None:
            row = await reader.peer(member.name)
            if row is None or not row.checkpoint:
                return None
            try:
                other, own = open_log(row.checkpoint.encode(), keys)
            except CryptoError:
                return None  # of a key that was stolen since
            old, new = there.size, own.size
            if not 0 < old <= new or await reader.log_size(log) != new:
                return None
            root = await log_root(reader, log, old)
            if root == there.root:
                return None
            proof: list[bytes] = []
            if old < new:
                shown = await prove_consistency(reader, log, old, new)
                proof = shown if old & (old - 1) else [root, *shown]
            return fork_of(key, note.decode(), row.checkpoint, proof, other=other)

        evidence = await self._store.read(query)
        if evidence is not None:
            await self.take(evidence, by=by)

    async def send_again(self) -> None:
        """Hand on all that is kept, to those that may not have it."""
        for each in (await self.kept()).forks:
            await self._send(each.evidence, each.origin)

    def spread(self) -> None:
        """Hand new evidence on to all members but the one that it is about."""
        while self._unsent:
            proven = self._unsent.pop()
            _own(self._sending, self._send(proven.evidence, proven.member.name))

    async def settle(self) -> None:
        """Wait until all is handed on."""
        await asyncio.gather(*list(self._sending), return_exceptions=True)

    async def stop(self) -> None:
        """Hand nothing on any more."""
        for task in list(self._sending):
            task.cancel()
        await self.settle()

    def _prove(self, evidence: ForkEvidence) -> Proven:
        fork = open_fork(evidence)
        shared = self._situation.shared
        if shared is None:
            raise UnknownLogError(fork.log)
        member = culprit(fork, shared.membership.charter)
        if member.name == self._situation.node:
            raise UnknownLogError(fork.log)
        return Proven(evidence, fork, member)

    async def _act(self, tx: Transaction, proven: Proven, by: str) -> bool:
        log, origin = proven.fork.log, proven.member.name
        if await tx.meta(_KEPT + log):
            return False
        if proven.fork.digest in await _excused(tx, log):
            return False
        self.forked.add(log)
        await tx.set_meta(_KEPT + log, encode(proven.evidence))
        small, large = proven.fork.trees
        event = Event.ORIGIN_SUSPENDED if proven.is_feed else Event.FORK_PROVEN
        entry = self._trail.entry(
            event,
            at=self._clock.now(),
            outcome="equivocation",
            detail={
                "origin": origin,
                "why": "it signed two trees that contradict each other",
                "log": log,
                "sizes": f"{small.size}, {large.size}",
                "digest": proven.fork.digest,
                "by": by,
                "first": proven.evidence.first,
                "second": proven.evidence.second,
            },
        )
        if proven.is_feed:
            self._situation.coverage.suspended.add(origin)
            await _suspend(tx, origin, int(self._clock.now().timestamp()))
        await tx.append(self._trail.log, entry.record, entry.openings)
        self._unsent.append(proven)
        _LOG.error("a log was forked", extra=fields(peer=origin, reason=by))
        return True

    async def _send(self, evidence: ForkEvidence, about: str) -> None:
        shared = self._situation.shared
        for member in shared.membership.others if shared is not None else ():
            if member.name == about:
                continue
            try:
                await self._client.tell_fork(member, evidence)
            except FederationError as error:
                facts = fields(peer=member.name, reason=type(error).__name__)
                _LOG.info("evidence not handed on", extra=facts)

    async def _logs(self, reader: Reader) -> list[tuple[str, str]]:
        """Name the logs of other members that are witnessed here, with their origin."""
        found: list[tuple[str, str]] = []
        for member in self._situation.others():
            lives = range(await read_life(reader, member) + 1)
            anchors = [anchor_name(member, life) for life in lives]
            found += [(log, member) for log in (feed_name(member), *anchors)]
        return found


async def _suspend(tx: Transaction, origin: str, at: int) -> None:
    if await tx.set_peer_state(origin, PeerState.SUSPENDED):
        return
    state = PeerState.SUSPENDED  # before anything of its feed has come
    await tx.put_peer(PeerRow(origin, 0, EMPTY_ROOT, "", at, state))


async def _excused(reader: Reader, log: str) -> list[str]:
    data = await reader.meta(_EXCUSED + log)
    return decode(data, list[str]) if data else []


def _own(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
