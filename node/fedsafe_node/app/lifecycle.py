# SPDX-License-Identifier: Apache-2.0
"""Put a node together out of its parts, and take it apart again.

The order of the start matters: keys, store (refused if it lies behind the rollback
guard), membership, indexes, then listeners, then replication and jobs. The stop
goes the other way, so nothing is under way when the store closes.

Of several processes one leads: only during its term does it replicate and run the jobs.
A process that is alone leads from its start to its end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Final, Self

import aiohttp

from fedsafe_crypto.oprf.threshold import KeyShare, Pins
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import PeerError
from fedsafe_federation.evaluation.member_choice import Silences
from fedsafe_federation.evaluation.quorum import Holder, Quorum
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.exchange.transfer import member_session
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.api.forwarded import Proxies
from fedsafe_node.api.server import (
    ApiServer,
    AppServer,
    lookup_connections,
    make_lookup_app,
)
from fedsafe_node.app.cache_refresh import Refreshing
from fedsafe_node.app.container import Base, open_base
from fedsafe_node.app.leader import lead
from fedsafe_node.app.leader_state import Present
from fedsafe_node.app.parts import make_parts
from fedsafe_node.app.schedule import Duties
from fedsafe_node.app.scheduler import Jobs
from fedsafe_node.app.services import make_outbox, make_services
from fedsafe_node.app.worker import Worker
from fedsafe_node.app.worker_loop import Attending, own_jobs
from fedsafe_node.audit.gaps import ALONE
from fedsafe_node.audit.nightly_check import check_nightly
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import LeftError, NodeError, StoreError
from fedsafe_node.ground.job import Job
from fedsafe_node.ground.networks import member_networks, permitted_sockets
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import LOGGER, Metrics, fields
from fedsafe_node.keys.charter_chain import CHARTER_DOCUMENT, read_older
from fedsafe_node.keys.evaluators import SharedLists
from fedsafe_node.keys.membership import Membership
from fedsafe_node.log.audit import Event
from fedsafe_node.lookup.index.bootstrap import follow_removals
from fedsafe_node.lookup.index.picture_keeper import PictureKeeper
from fedsafe_node.members.ceremonies.installation import take_up_membership
from fedsafe_node.members.charter.policy_agreement import (
    agree_on_policy,
    note_rest,
    take_up_keys,
)
from fedsafe_node.notices.provider_events.upkeep import EventUpkeep
from fedsafe_node.people.identity_web import provider_session
from fedsafe_node.rules.policy_context import rule_on_reading
from fedsafe_node.signals.epoch_destroy import Shredding
from fedsafe_node.signals.feed_gaps import read_gaps
from fedsafe_node.store.change_counter import Follower
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Matter, Role

if TYPE_CHECKING:
    from fedsafe_node.desk.site import Site

_LOG = logging.getLogger(f"{LOGGER}.node")
_NIGHTLY: Final = timedelta(days=1)


class RunningNode:
    """A node that answers.

    Owned by the loop that started it; `_parts` takes the node apart in the right
    order, and `is_last` says whether the node stops with this process.
    """

    def __init__(
        self,
        base: Base,
        members: aiohttp.ClientSession,
        provider: aiohttp.ClientSession,
    ) -> None:
        self.base = base
        self._parts = AsyncExitStack()
        made = make_parts(base, members, provider, self._changed)
        self.client, self.intake = made.client, made.intake
        self.replicating, self.feed = made.replicating, made.feed
        self.attesting, self.peering = made.attesting, made.peering
        self.reviews, self.notices = made.reviews, made.notices
        self.witnesses, self.keeper = made.witnesses, made.keeper
        self.forks = made.forks
        self.inquiries, self.sightings = made.inquiries, made.sightings
        self.desk, self._foundings = made.desk, made.foundings
        self.services = make_services(made)
        proxies = Proxies(base.config.listen)
        self.server = ApiServer(self.services, metrics=Metrics(), proxies=proxies)
        self.desk_port: int | None = None
        self._present = Present(base.situation, base.store)
        self._silences = Silences(token_bytes)
        self._leading: Jobs | None = None
        self.is_last = base.worker is None
        self.pictures = self._picture_keeper()
        self._made = made
        self.shredding = Shredding(
            made.desk,
            base.place,
            made.keeper.destroying,
            forget=made.ballot.forget_over,
        )

    @classmethod
    async def start(
        cls, place: Place, config: Config, clock: Clock, worker: Worker | None = None
    ) -> Self:
        """Start a node, or one *worker* of it.

        Raises:
            NodeError: a part cannot start; those that had started are stopped.
        """
        async with AsyncExitStack() as parts:
            base = await open_base(place, config, clock, parts, worker)
            sockets = permitted_sockets(member_networks(config.name, config.peering))
            members = await parts.enter_async_context(await member_session(sockets))
            provider = await parts.enter_async_context(provider_session())
            node = cls(base, members, provider)
            parts.push_async_callback(node._keep_last_checkpoint)
            parts.push_async_callback(node._note_stop)
            parts.push_async_callback(node._audit_last_evaluations)
            parts.push_async_callback(node._sum_up_last_refusals)
            parts.push_async_callback(node.replicating.stop)
            parts.push_async_callback(node.attesting.stop)
            parts.push_async_callback(node._made.spreading.stop)
            parts.push_async_callback(node.witnesses.cosigning.stop)
            parts.push_async_callback(node.witnesses.feed.stop)
            parts.push_async_callback(node.forks.stop)
            parts.push_async_callback(node._settle)
            await node._listen(parts)
            node._parts = parts.pop_all()
        return node

    async def stop(self) -> None:
        """Answer nothing new, finish what is under way, close the store."""
        await self._parts.aclose()
        _LOG.info("stopped", extra=fields(node=self.base.config.name))

    async def tick(self) -> None:
        """Run the jobs that are due now, if this process leads."""
        if self._leading is not None:
            await self._leading.tick()

    async def _listen(self, parts: AsyncExitStack) -> None:
        base = self.base
        membership = await self._read_membership()
        if membership is not None:
            await self._take_up_keys(membership)
            await self._witnessed(membership)
        worker, situation = base.worker, base.situation
        run = worker.run if worker is not None else ALONE
        await self.keeper.gaps.begin(situation.policy.reference, run)
        await self.feed.checkpoint()
        if membership is not None:
            await self._agree_on_policy(membership)
            self._join(membership)
            if membership.charter.is_short:
                _LOG.warning("nothing published", extra=fields(reason="few holders"))
            await self._foundings.clean()
            await self._load_lacking()
            await self.attesting.load(membership)
        if worker is not None and worker.link is not None:
            parts.callback(worker.link.close)
        await self.pictures.begin()
        listen = base.config.listen
        if worker is None:
            await self.server.start(
                host=listen.host, port=listen.port, socket_path=base.place.socket
            )
        else:
            await self.server.serve(worker.sockets)
        parts.push_async_callback(self.server.stop)
        await self._open_lookups(parts)
        await self._open_desk(parts)
        parts.callback(base.announcer.bell.close)
        loading = asyncio.create_task(self.pictures.load())
        parts.push_async_callback(_cancel, loading)
        await self._lead(parts)
        node, policy = base.config.name, situation.policy
        shown = fields(node=node, policy=policy.name, digest=policy.digest)
        _LOG.info("ready", extra=shown)

    async def _open_lookups(self, parts: AsyncExitStack) -> None:
        worker, settings = self.base.worker, self.base.config.lookup.socket
        if settings is None:
            return
        server = AppServer(make_lookup_app(self.server.border), lookup_connections())
        if worker is None:
            path = Path(settings.path)
            await server.start(socket_path=path, group=settings.group)
        else:
            await server.serve(worker.lookup_sockets)
        parts.push_async_callback(server.stop)

    async def _open_desk(self, parts: AsyncExitStack) -> None:
        base, worker = self.base, self.base.worker
        settings, oidc = base.config.desk, base.config.oidc
        if settings is None:
            return

        def make() -> "Site":
            from fedsafe_node.desk.site import Site  # noqa: PLC0415 - slow to load

            return Site(
                self.server.border,
                base.clock,
                origin=settings.origin,
                zone=base.config.deadlines.time_zone,
                policy=lambda: base.situation.policy.reference,
                reads=self._may_read,
                proxies=Proxies(settings.listen),
                barriers=settings.accessibility or base.config.contact,
                vault=base.office.vault,
                provider=oidc.called if oidc is not None else None,
            )

        site = await asyncio.to_thread(make)
        server = AppServer(site.make_app())
        if worker is None:
            listen = settings.listen
            await server.start(host=listen.host, port=listen.port)
            self.desk_port = server.port
        else:
            await server.serve(worker.desk_sockets)
        parts.push_async_callback(server.stop)

    def _may_read(self, role: Role, matter: Matter) -> bool:
        base = self.base
        who, now = Principal("", role), base.clock.now()
        return rule_on_reading(base.situation, who, matter, None, now).allowed

    def _picture_keeper(self) -> PictureKeeper:
        base, worker = self.base, self.base.worker
        keeper = PictureKeeper(
            base.lists, base.store, base.situation, base.place.index, base.outside
        )
        if worker is not None and worker.link is not None:
            keeper.link, keeper.is_first = worker.link, worker.is_first
            keeper.leads = self._leads
        return keeper

    async def _read_membership(self) -> Membership | None:
        base = self.base
        document = await base.store.read(lambda r: r.document(CHARTER_DOCUMENT))
        if document is None:
            return None
        older = await base.store.read(read_older)
        name, now = base.config.name, int(base.clock.now().timestamp())
        try:
            return await base.workers(
                lambda: take_up_membership(base.place, name, document, older, now=now)
            )
        except LeftError as error:
            _LOG.warning("no member", extra=fields(reason=str(error)))
            return None

    async def _lead(self, parts: AsyncExitStack) -> None:
        base, jobs = self.base, self._jobs()
        worker, follower = base.worker, base.follower
        if follower is None:
            await self._begin_term(jobs)
            parts.push_async_callback(self._end_term)
            return
        own, led = own_jobs(jobs)
        refreshing = Refreshing(self._made, self._present, leads=self._leads)
        for topic, step in refreshing.steps().items():
            follower.take_up(topic, step)
        await follower.fresh()  # what has changed since it was read
        attending = Attending(base.clock, self._steps(follower), own)
        parts.push_async_callback(_cancel, asyncio.create_task(attending.run()))
        if worker is None:
            await self._begin_term(led)
            parts.push_async_callback(self._end_term)
            return
        leading = lead(
            worker.leadership,
            begin=lambda: self._begin_term(led),
            end=self._end_term,
            number=worker.number,
        )
        parts.push_async_callback(_cancel, asyncio.create_task(leading))

    def _leads(self) -> bool:
        return self._leading is not None

    async def _begin_term(self, jobs: Mapping[str, Job]) -> None:
        base = self.base
        self.intake.forget()
        await base.following.fresh()
        self._leading = Jobs(base.store, base.clock, jobs, base.following)
        if base.situation.shared is not None:
            await self._take_part(base.situation.shared.membership)
        self._made.spreading.start()
        await self._leading.start()

    async def _end_term(self) -> None:
        leading, self._leading = self._leading, None
        if leading is not None:
            await leading.stop()
        await self._made.spreading.stop()
        await self.replicating.rest()
        await self.attesting.stop()
        await self.witnesses.cosigning.stop()
        await self.witnesses.feed.stop()

    def _steps(self, follower: Follower) -> Mapping[str, Callable[[], Awaitable[None]]]:
        base = self.base

        async def follow_keys() -> None:
            for step in (base.periods.follow, base.pseudonyms.follow):
                await base.workers(step)
            await base.workers(base.guard.follow)

        async def follow_removals_() -> None:
            await follow_removals(base.lists, base.store)

        async def tell() -> None:
            if self._leads():
                await self._present.tell()

        return {
            "following": follower.fresh,
            "keys": follow_keys,
            "removals": follow_removals_,
            "present": tell,
        }

    def _jobs(self) -> Mapping[str, Job]:
        base = self.base
        upkeep = EventUpkeep(base.store, base.trail, base.clock, base.announcer)
        duties = Duties(
            self.desk,
            self.peering,
            self.feed,
            base.lists,
            upkeep,
            base.announcer,
            self.witnesses,
            base.office,
            pictures=self.pictures,
            joining=self._made.joining,
            tending=self._made.tending,
            ballot=self._made.ballot,
            shredding=self.shredding,
            partings=self._made.partings,
            inquiries=self.inquiries,
            sightings=self.sightings,
            forwarding=self._made.forwarding,
            outbox=make_outbox(base),
        )
        return {
            **duties.jobs(),
            **self.keeper.jobs(),
            **self._made.refusals.jobs(),
            "audit-nightly": Job(self._check_nightly, _NIGHTLY),
        }

    async def _check_nightly(self) -> None:
        await check_nightly(self.base.office, self.services.audits.check_own)

    async def _witnessed(self, membership: Membership) -> None:
        # Before anything is written: whoever was put back must not go on.
        await self.base.workers(lambda: self.witnesses.join(membership))
        await self.witnesses.cosigning.check()

    async def _note_stop(self) -> None:
        try:
            await self.keeper.gaps.end(is_last=self.is_last)
        except StoreError:
            # The next start finds no end, and says so.
            _LOG.exception("stop not audited", extra=fields(reason="store"))

    async def _audit_last_evaluations(self) -> None:
        try:
            await self.peering.audit_evaluations(ends=True)
        except StoreError:
            _LOG.exception("evaluations not audited", extra=fields(reason="store"))

    async def _sum_up_last_refusals(self) -> None:
        try:
            await self._made.refusals.sum_up(ends=True)
        except StoreError:
            _LOG.exception("refusals not summed up", extra=fields(reason="store"))

    async def _keep_last_checkpoint(self) -> None:
        # Whatever changes while the node is down is not what it left.
        async def nothing(_tx: Transaction) -> None:
            """Seal how far the guard has come by now."""

        try:
            await self.feed.checkpoint()
            await self.base.store.write(nothing)
        except NodeError as error:
            reason = type(error).__name__
            _LOG.exception("last checkpoint not kept", extra=fields(reason=reason))

    async def _settle(self) -> None:
        if self.base.situation.shared is not None:
            await self.base.situation.shared.settle()

    def _join(self, membership: Membership) -> None:
        self.replicating.join(membership)
        quorums = {
            epoch: self._quorum(membership, pins, membership.shares.get(epoch))
            for epoch, pins in membership.pins.items()
        }
        former = {
            epoch: self._quorum(membership, each.pins, each.share)
            for (epoch, _), each in sorted(membership.former.items())
        }
        shared = SharedLists(membership, quorums, former, now=self.base.clock.now)
        self.base.situation.join(shared)

    async def _take_up_keys(self, membership: Membership) -> None:
        base = self.base
        await take_up_keys(base.keys, membership, base.place, base.workers)

    async def _agree_on_policy(self, membership: Membership) -> None:
        base = self.base
        await agree_on_policy(
            base.situation,
            membership,
            place=base.place,
            keys=base.keys,
            offload=base.workers,
        )

    async def _changed(self, membership: Membership | None) -> None:
        """Take part as the charter says by now; None: in nothing any more."""
        await self._settle()
        if self._leads():
            await self.replicating.rest()
            await self.attesting.stop()
            await self.witnesses.feed.stop()
        if membership is None:
            self.replicating.leave()
            self.base.situation.leave()
            return
        try:
            await self._take_up_keys(membership)
        except NodeError as error:
            # It rests until then; the next start says which file it is, and stops.
            _LOG.exception("keys not read", extra=fields(reason=type(error).__name__))
        await self._agree_on_policy(membership)
        self._join(membership)
        await self._load_lacking()
        try:
            await self.base.workers(lambda: self.witnesses.join(membership))
        except NodeError as error:
            # The charter is kept already; the next start says it and stops.
            reason = type(error).__name__
            _LOG.exception("witnesses not known", extra=fields(reason=reason))
        self.witnesses.cosigning.refused = False
        self.witnesses.cosigning.check_soon()
        if self._leads():
            await self._take_part(membership)

    async def _take_part(self, membership: Membership) -> None:
        if self.base.situation.rests is not None:
            base = self.base
            await note_rest(base.store, base.trail, base.clock, membership)
            return
        self.attesting.start(membership)
        self.replicating.start(membership, self.witnesses.own)
        self.witnesses.feed.start()

    async def _load_lacking(self) -> None:
        situation = self.base.situation
        await self.forks.load()
        for name in situation.others():
            gaps = await self.base.store.read(
                lambda reader, name=name: read_gaps(reader, name)  # type: ignore[misc]
            )
            gaps.mark(situation.coverage, name)

    def _quorum(
        self, membership: Membership, pins: Pins, share: KeyShare | None
    ) -> Quorum:
        base = self.base
        return Quorum(
            membership.charter,
            pins,
            Holder(name=membership.me.name, share=share, key=base.keys.statement),
            ask=self._ask,
            report=self._report,
            ledger=self.peering.ledger,
            silences=self._silences,
            offload=base.workers,
            now=base.clock.now,
            token_bytes=token_bytes,
        )

    async def _ask(self, member: Member, request: Signed) -> Signed:
        if self.base.situation.rests is not None:
            raise PeerError(member.name, "this node exchanges nothing now")
        return await self.client.evaluate(member, request)

    async def _report(
        self, peer: str, why: str, request: Signed, answer: Signed
    ) -> None:
        base = self.base
        _LOG.warning("wrong answer", extra=fields(peer=peer, reason="proof"))
        entry = base.trail.entry(
            Event.PEER_LIED,
            at=base.clock.now(),
            outcome="wrong_answer",
            detail={
                "peer": peer,
                "why": why,
                "request": digest(request).hex(),
                "answer": digest(answer).hex(),
            },
        )

        async def act(tx: Transaction) -> None:
            await tx.append(base.trail.log, entry.record, entry.openings)

        await base.store.write(act)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
