# SPDX-License-Identifier: Apache-2.0
"""Brings a backup back into the living federation: `fedsafe restore`.

The store is brought up to what has left the node while it lies under another name, and
nothing is signed or sent meanwhile. So whatever ends it, the same call begins anew. In
the end the mark says which past is now the node's, the store gets its name, the guard
is put back to it, and the mark is lifted: a call that was killed in between does the
rest. No node starts beside the mark.

* The own feed comes back from the other members; one that has seen more than anybody
  holds stops it.
* What the audit log has lost is an entry of it, and a gap.
* No package leaves before a person lets it: one that was queued in the backup may have
  been recalled since. Each that waited counts as taken by somebody unknown, so that a
  recall corrects it.
* The anchor is begun anew under another name: nobody has what the old one held.
* Keys that are gone stay gone, and with them what was sealed under them.
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from fedsafe_crypto.tlog.tree import Frontier
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.exchange.transfer import member_session
from fedsafe_federation.feed.verification import Known, feed_name
from fedsafe_federation.feed.witnessing import anchor_name
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.casework.cases.packages import held
from fedsafe_node.casework.dispatch.view import sends
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.ground.key_files import make_private_directory, sync_directory
from fedsafe_node.ground.networks import member_networks, permitted_sockets
from fedsafe_node.keys.charter_chain import (
    CHARTER_DOCUMENT,
    keep_next,
    open_chain,
    read_chain,
    read_older,
    read_version,
)
from fedsafe_node.keys.evaluators import OwnList, SharedLists
from fedsafe_node.keys.identity import load_identity
from fedsafe_node.keys.membership import Membership, load_membership
from fedsafe_node.keys.own_keys import NodeKeys
from fedsafe_node.log.anchor import keep_life, read_life
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.guard import Kept, put_back
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.proofs import log_frontier, log_root
from fedsafe_node.operations.backup.errors import BackupRefusedError, PastLostError
from fedsafe_node.operations.restore.feed_adoption import Adopted, Adopting
from fedsafe_node.operations.restore.key_check import DESTROYED, RestoredFiles
from fedsafe_node.operations.restore.mark import Mark, lift_mark, put_mark
from fedsafe_node.operations.restore.member_survey import (
    Heard,
    Members,
    check_reach,
    newer_versions,
)
from fedsafe_node.operations.restore.placement import (
    DRAFT,
    Placed,
    Request,
    check_said,
    place_backup,
)
from fedsafe_node.operations.stopped_node import alone_in, open_trail
from fedsafe_node.rules.policy_bundle import (
    Provisions,
    approved_digests,
    kept_provisions,
    read_provisions,
)
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.address import store_at
from fedsafe_node.store.casework_rows import UNKNOWN, SendingRow, TakingRow
from fedsafe_node.store.keeping_rows import RESTORED, GapKind, GapRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import sequence_key
from fedsafe_node.store.sealed_files import key_names, key_of_seal
from fedsafe_node.store.sealed_parts import Seal, read_seal
from fedsafe_node.store.sqlite.connection import SqliteConnection
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a restore has done; of the audit log `lost` entries from `first` are gone.

    `was_there`: an earlier call had done all but its last steps.
    """

    node: str
    backup: str
    feed: int = 0
    first: int = 0
    lost: int = 0
    anchor: str = ""
    adopted: Adopted = field(default_factory=Adopted)
    asked: Sequence[str] = ()
    absent: Sequence[str] = ()
    gone: Sequence[str] = ()
    was_there: bool = False


class Watcher:
    """Is told how far it has come; here nobody looks."""

    def read(self, count: int) -> None:
        """Be told that more bytes of the backup were checked."""

    def records(self, count: int) -> None:
        """Be told that more records of the own feed were read from a member."""


async def restore_node(
    place: Place,
    request: Request,
    clock: Clock,
    *,
    watcher: Watcher | None = None,
    faults: Faults = NO_FAULTS,
) -> Outcome:
    """Bring a backup back into a directory without a store.

    Raises:
        StoreBusyError: the node runs, or is restored already.
        MembersAwayError: a member does not answer that a person has to leave out.
        PastLostError: somebody has seen more of the feed than anybody holds.
        BackupBrokenError: the backup is not as it was made.
        BackupRefusedError: it is not brought back like this.
        FederationError: what a member gives does not verify.
        NodeError: a file does not fit, or the disk refuses.
    """
    check_said(request)
    watcher = watcher or Watcher()
    await asyncio.to_thread(make_private_directory, place.directory)
    with alone_in(place):
        placed = await asyncio.to_thread(
            place_backup, place, request, watcher.read, faults
        )
        return await _restore_placed(
            place, placed, request, clock, watcher=watcher, faults=faults
        )


async def _restore_placed(  # noqa: PLR0913 - everything it needs is an argument
    place: Place,
    placed: Placed,
    request: Request,
    clock: Clock,
    *,
    watcher: Watcher,
    faults: Faults = NO_FAULTS,
) -> Outcome:
    mark, outcome = placed.mark, Outcome(placed.config.name, placed.mark.backup)
    if mark.ready is None:
        outcome, ready = await _bring_up(
            place, placed, request, clock, watcher=watcher, faults=faults
        )
        mark = msgspec.structs.replace(mark, ready=ready)
        await asyncio.to_thread(put_mark, place, mark)
        faults.reach(FaultPoint.RESTORE_AFTER_READY)
    else:
        outcome = Outcome(placed.config.name, mark.backup, was_there=True)
    await asyncio.to_thread(_finish, place, mark, faults)
    return outcome


def _finish(place: Place, mark: Mark, faults: Faults) -> None:
    """Let the store have its name, and the guard hold its past."""
    draft = place.directory / DRAFT
    if not place.database.exists():
        draft.rename(place.database)
        sync_directory(place.directory)
    faults.reach(FaultPoint.RESTORE_AFTER_RENAME)
    put_back(place.guard, mark.ready or ())
    faults.reach(FaultPoint.RESTORE_AFTER_GUARD)
    draft.with_name(f"{DRAFT}.lock").unlink(missing_ok=True)
    lift_mark(place)


async def _bring_up(  # noqa: PLR0913 - everything it needs is an argument
    place: Place,
    placed: Placed,
    request: Request,
    clock: Clock,
    *,
    watcher: Watcher,
    faults: Faults,
) -> tuple[Outcome, list[Kept]]:
    draft, config = place.directory / DRAFT, placed.config
    seal = await asyncio.to_thread(_seal_of, place, draft)
    periods = await asyncio.to_thread(PeriodKeys, place.periods)
    store = await open_store(
        store_at(draft, None),
        keys=periods,
        clock=clock,
        node=config.name,
        around=await asyncio.to_thread(
            RestoredFiles, place, seal.main.guards, seal.files
        ),
    )
    try:
        me = await _member(store, config.name)
        public = None if me is None else me.keys
        keys = await asyncio.to_thread(lambda: load_identity(place, public))
        parts = _Parts(place, placed, request, clock, store, keys, periods)
        return await _Restoring(parts, sorted(seal.files), watcher, faults).run()
    finally:
        await store.close()


async def _member(store: Store, name: str) -> Member | None:
    """Give the own entry of the charter in the backup, if it has one."""
    version = await store.read(read_version)
    members = [] if version is None else version.charter.members
    return next((each for each in members if each.name == name), None)


def _seal_of(place: Place, draft: Path) -> Seal:
    key = key_of_seal(place)
    with closing(SqliteConnection.to_read(draft)) as connection:
        seal = read_seal(connection, key) if key is not None else None
    if seal is None:
        raise BackupRefusedError(Phrase("the store in the backup has no seal"))
    return seal


@dataclass(frozen=True, slots=True)
class _Parts:
    place: Place
    placed: Placed
    request: Request
    clock: Clock
    store: Store
    keys: NodeKeys
    periods: PeriodKeys

    @property
    def node(self) -> str:
        return self.placed.config.name

    @property
    def kept(self) -> dict[str, Kept]:
        return self.placed.mark.kept


class _Restoring:
    """One restore, of a store that is open under its other name."""

    def __init__(
        self, parts: _Parts, sealed: Sequence[str], watcher: Watcher, faults: Faults
    ) -> None:
        self._parts = parts
        self._sealed = sealed
        self._watcher = watcher
        self._faults = faults
        self._feed = feed_name(parts.node)

    async def run(self) -> tuple[Outcome, list[Kept]]:
        parts, store = self._parts, self._parts.store
        trail = await open_trail(parts.place, parts.node, store)
        life = await store.read(lambda r: read_life(r, parts.node))
        config = parts.placed.config
        sockets = permitted_sockets(member_networks(config.name, config.peering))
        async with await member_session(sockets) as session:
            membership = await self._membership(self._client(session))
            heard, adopted = Heard(()), Adopted()
            if membership is not None:
                await self._turn_to(membership)
                client = self._client(session)
                members = Members(
                    membership.me, membership.charter, client, membership.others
                )
                heard = await members.hear(life, parts.request.absent)
                adopted = await self._adopt(members, heard, membership, trail)
            else:
                self._check_alone(await self._size())
        life = max(life, heard.life) + 1
        return await self._note(trail, heard, adopted, life)

    def _client(self, session: aiohttp.ClientSession) -> PeerClient:
        parts = self._parts
        return PeerClient(
            session, name=parts.node, key=parts.keys.transport, now=parts.clock.now
        )

    async def _turn_to(self, membership: Membership) -> None:
        """Sign with the keys under which the members know this node by now."""
        place, public = self._parts.place, membership.me.keys
        keys = await asyncio.to_thread(lambda: load_identity(place, public))
        self._parts = replace(self._parts, keys=keys)

    async def _size(self) -> int:
        return await self._parts.store.read(lambda r: r.log_size(self._feed))

    def _check_alone(self, here: int) -> None:
        kept = self._parts.kept.get(self._feed)
        size = kept.size if kept is not None else 0
        check_reach(Heard(()), here, size, give_up=self._parts.request.give_up)

    async def _membership(self, client: PeerClient) -> Membership | None:
        """Belong as the newest version of the charter says that anybody shows."""
        store, name = self._parts.store, self._parts.node
        chain = await store.read(read_chain)
        if not chain:
            return None
        charter = decode(chain[-1].payload, Charter)
        others = [each for each in charter.members if each.name != name]
        for version in await newer_versions(client, others, charter.version):
            open_chain([*chain, version])
            chain.append(version)
            await store.write(lambda tx, version=version: keep_next(tx, version))  # type: ignore[misc]
        document = await store.read(lambda r: r.document(CHARTER_DOCUMENT))
        older = await store.read(read_older)
        place, now = self._parts.place, int(self._parts.clock.now().timestamp())
        return await asyncio.to_thread(
            lambda: load_membership(place, name, document or b"", older, now=now)
        )

    async def _adopt(
        self,
        members: Members,
        heard: Heard,
        membership: Membership,
        trail: AuditTrail,
    ) -> Adopted:
        parts, start = self._parts, await self._size()
        kept = parts.kept.get(self._feed)
        left = kept.size if kept is not None else 0
        check_reach(heard, start, left, give_up=parts.request.give_up)
        adopting = Adopting(
            parts.store,
            await self._situation(membership),
            trail,
            parts.periods,
            parts.clock.now(),
            start,
            parts.request.by,
        )
        longest = heard.longest
        if longest is not None and longest.copy > start:
            frontier = await parts.store.read(
                lambda r: log_frontier(r, self._feed, start)
            )
            await self._walk(members, adopting, longest.member, Known(frontier))
        for said in heard.said:
            if said.copy:
                await self._walk(members, adopting, said.member, Known(Frontier()))
        await self._check_one_past(heard)
        others = [each.name for each in membership.others]
        return await adopting.finish(others)

    async def _walk(
        self, members: Members, adopting: Adopting, member: Member, known: Known
    ) -> None:
        node = self._parts.node
        sequence = int(
            await self._parts.store.read(lambda r: r.meta(sequence_key(node))) or 0
        )
        async for batch in members.walk(member, known, sequence):
            await adopting.take(batch, member)
            self._watcher.records(len(batch.records))
            self._faults.reach(FaultPoint.RESTORE_AFTER_BATCH)

    async def _check_one_past(self, heard: Heard) -> None:
        """Check that whatever anybody has seen is the past that is here now."""
        kept = self._parts.kept.get(self._feed)
        size = await self._size()
        seen = [(each.size, each.root) for said in heard.said for each in said.seen]
        if kept is not None and kept.size <= size:
            seen.append((kept.size, bytes.fromhex(kept.root)))
        for each, root in set(seen):
            here = await self._parts.store.scan(
                lambda r, each=each: log_root(r, self._feed, each)  # type: ignore[misc]
            )
            if here != root:
                raise PastLostError(None, each, size)

    async def _situation(self, membership: Membership) -> Situation:
        parts = self._parts
        approved = await parts.store.read(approved_digests)
        place, config = parts.place, parts.placed.config

        def read() -> Provisions:
            if approved is None:
                return read_provisions(place, config)
            return kept_provisions(place, approved)

        provisions = await asyncio.to_thread(read)
        own = OwnList(parts.node, parts.keys.own)
        situation = Situation(parts.placed.config, provisions, own)
        situation.join(SharedLists(membership, {}, now=parts.clock.now))
        return situation

    async def _note(
        self, trail: AuditTrail, heard: Heard, adopted: Adopted, life: int
    ) -> tuple[Outcome, list[Kept]]:
        """Say in the audit log what it has lost, and what came back."""
        parts, now = self._parts, self._parts.clock.now()
        mark, before = parts.placed.mark, parts.kept.get(trail.log)
        first = parts.placed.manifest.logs.get(trail.log, 0)
        lost = max(0, before.size - first) if before is not None else 0
        asked = [said.member.name for said in heard.said]
        here = await asyncio.to_thread(lambda: set(key_names(parts.place.keys)))
        gone = [name for name in self._sealed if name not in here]
        detail: Detail = {
            "backup": mark.backup,
            "made_at": parts.placed.manifest.at,
            "reason": mark.reason,
            "first": first,
            "lost": lost,
            "root": before.root if before is not None and lost else None,
            "anchor": life,
            "asked": ", ".join(asked),
            "absent": ", ".join(heard.away),
            "gave_up": parts.request.give_up,
            **asdict(adopted),
        }
        entry = trail.entry(Event.RESTORED, at=now, actor=mark.by, detail=detail)

        async def act(tx: Transaction) -> list[Kept]:
            await self._put_in_order(tx, gone, now)
            await keep_life(tx, parts.node, life)
            await tx.append(trail.log, entry.record, entry.openings)
            await hold_back(tx, trail, mark.by, now)
            await count_as_taken(tx, self._since(now))
            return await _own_logs(tx, parts.node)

        ready = await parts.store.write(act, vital=True, alone=True)
        self._faults.reach(FaultPoint.RESTORE_AFTER_NOTE)
        outcome = Outcome(
            node=parts.node,
            backup=mark.backup,
            feed=await self._size(),
            first=first,
            lost=lost,
            anchor=anchor_name(parts.node, life),
            adopted=adopted,
            asked=asked,
            absent=heard.away,
            gone=gone,
        )
        return outcome, ready

    def _since(self, now: datetime) -> int:
        """Return the second in UTC from which on nothing here is known."""
        made = datetime.fromisoformat(self._parts.placed.manifest.at)
        return int(min(made.timestamp(), now.timestamp()))

    async def _put_in_order(
        self, tx: Transaction, gone: Sequence[str], now: datetime
    ) -> None:
        """End what was under way when the backup was made; destroyed keys stay so."""
        at = int(now.timestamp())
        for person in await tx.persons():
            await tx.remove_sessions_of(person.id)
        known = {(each.kind, each.target) for each in await tx.effects()}
        for name in gone:
            directory, _, file = name.rpartition("/")
            kind = DESTROYED.get(f"{directory}/")
            target = file.removesuffix(".key")
            if kind is not None and (kind, target) not in known:
                await tx.begin_effect(kind, target, at=at)
                await tx.end_effect(kind, target, at=at)
        await tx.set_meta(_RUNNING, b"")
        kind_of_gap = GapKind.UNCLEAN_END
        await tx.add_gap(
            GapRow(kind=kind_of_gap, reason=RESTORED, since=self._since(now), until=at)
        )


async def _own_logs(tx: Transaction, node: str) -> list[Kept]:
    names = [log for log in await tx.logs() if log.startswith(f"{node}/")]
    tails = [(log, await tx.tail(log)) for log in names]
    return [Kept(log, tail.size, tail.root.hex()) for log, tail in tails]


# What becomes of the packages that waited in a backup which is brought back.
#
# What happened to them since nobody knows here: one may have been recalled, may have
# left by itself, or may have been taken out by somebody.

_ALL: Final = (1 << 63) - 1
"""Whenever it is due."""


async def hold_back(tx: Transaction, trail: AuditTrail, by: str, now: datetime) -> None:
    """Let no package leave before a person has looked."""
    waits = await tx.dispatches_due(_ALL) or await tx.dispatches_by_hand()
    if not waits or not await sends(tx):
        return
    await tx.add_sending(SendingRow(False, int(now.timestamp()), by))  # noqa: FBT003
    detail: Detail = {"sends": False, "reason": RESTORED}
    entry = trail.entry(Event.SENDING_SWITCHED, at=now, actor=by, detail=detail)
    await tx.append(trail.log, entry.record, entry.openings)


async def count_as_taken(tx: Transaction, since: int) -> None:
    """Let each sealed package that waited be in somebody's hands.

    So a recall corrects it, and asks what came of it.

    *since* is when the backup was made: what came of it is noted of a later moment.
    """
    for each in await tx.dispatches_to_take():
        known = await tx.takings(each)
        if UNKNOWN in held(known):  # migration 0026 has said so
            continue
        row = TakingRow(dispatch_id=each, number=len(known) + 1, by=UNKNOWN, at=since)
        await tx.add_taking(row)
