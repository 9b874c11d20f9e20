# SPDX-License-Identifier: Apache-2.0
"""Put a node together out of its parts, and take it apart again.

The order of the start matters: keys, store (refused if it lies behind the rollback
guard), membership, indexes, then listeners, then replication and jobs. The stop
goes the other way, so nothing is under way when the store closes.
"""

import logging
from contextlib import AsyncExitStack
from secrets import token_bytes
from typing import Final, Self

import aiohttp

from fedsafe_federation.evaluation import digest
from fedsafe_federation.quorum import Holder, Quorum
from fedsafe_federation.signed import Signed
from fedsafe_node.api.server import ApiServer
from fedsafe_node.base import Base, open_base
from fedsafe_node.clock import Clock
from fedsafe_node.config import Config, Place
from fedsafe_node.duties import Duties
from fedsafe_node.errors import NodeError, StoreError
from fedsafe_node.evaluators import SharedLists
from fedsafe_node.jobs import Jobs
from fedsafe_node.loading import load_pictures
from fedsafe_node.log.audit import Event
from fedsafe_node.membership import CHARTER_DOCUMENT, Membership, load_membership
from fedsafe_node.parts import make_parts
from fedsafe_node.provider_events.upkeep import EventUpkeep
from fedsafe_node.provisions import check_federation_policy
from fedsafe_node.signals.granting import read_lacking
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.telemetry import LOGGER, Metrics, fields
from fedsafe_node.wiring import make_services

_LOG = logging.getLogger(f"{LOGGER}.node")
_CONNECTIONS: Final = 256
_CONNECTIONS_TO_ONE: Final = 32  # a member that answers slowly holds up no other


class RunningNode:
    """A node that answers.

    Owned by the loop that started it; `_parts` takes the node apart in the right
    order.
    """

    def __init__(self, base: Base, session: aiohttp.ClientSession) -> None:
        self.base = base
        self._parts = AsyncExitStack()
        made = make_parts(base, session, self._joined)
        self.client, self.intake = made.client, made.intake
        self.replicating, self.feed = made.replicating, made.feed
        self.attesting, self.peering = made.attesting, made.peering
        self.reviews, self.notices = made.reviews, made.notices
        self.witnesses, self.keeper = made.witnesses, made.keeper
        self.desk, self._foundings = made.desk, made.foundings
        self.services = make_services(made)
        self.server = ApiServer(self.services, metrics=Metrics())

    @classmethod
    async def start(cls, place: Place, config: Config, clock: Clock) -> Self:
        """Start a node.

        Raises:
            NodeError: a part cannot start; those that had started are stopped.
        """
        async with AsyncExitStack() as parts:
            base = await open_base(place, config, clock, parts)
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_CONNECTIONS, limit_per_host=_CONNECTIONS_TO_ONE
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
            await parts.enter_async_context(session)
            node = cls(base, session)
            parts.push_async_callback(node._keep_last_checkpoint)
            parts.push_async_callback(node._note_stop)
            parts.push_async_callback(node._audit_last_evaluations)
            parts.push_async_callback(node.replicating.stop)
            parts.push_async_callback(node.attesting.stop)
            parts.push_async_callback(node.witnesses.cosigning.stop)
            parts.push_async_callback(node._settle)
            await node._listen(parts)
            node._parts = parts.pop_all()
        return node

    async def stop(self) -> None:
        """Answer nothing new, finish what is under way, close the store."""
        await self._parts.aclose()
        _LOG.info("stopped", extra=fields(node=self.base.config.name))

    async def _listen(self, parts: AsyncExitStack) -> None:
        base = self.base
        document = await base.store.read(lambda r: r.document(CHARTER_DOCUMENT))
        membership = None
        if document is not None:
            name = base.config.name
            membership = await base.workers(
                lambda: load_membership(base.place, name, document)
            )
            await self._witnessed(membership)
        await self.keeper.gaps.begin(base.situation.policy.reference)
        await self.feed.checkpoint()
        if membership is not None:
            reference = membership.charter.policy
            own = base.situation.provisions
            base.situation.agreed = await base.workers(
                lambda: check_federation_policy(base.place, own, reference)
            )
            self._join(membership)
            await self._foundings.clean()
            await self._load_lacking()
            await self.attesting.load(membership)
        await load_pictures(base.lists, base.store, base.situation)
        await self.server.start(
            host=base.config.listen.host,
            port=base.config.listen.port,
            socket_path=base.place.socket,
        )
        parts.push_async_callback(self.server.stop)
        parts.callback(base.announcer.bell.close)
        if base.situation.shared is not None:
            self._take_part(base.situation.shared.membership)
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
        )
        due = {**duties.jobs(), **self.keeper.jobs()}
        jobs = Jobs(base.store, base.clock, due)
        await jobs.start()
        parts.push_async_callback(jobs.stop)
        node, policy = base.config.name, base.situation.policy
        shown = fields(node=node, policy=policy.name, digest=policy.digest)
        _LOG.info("ready", extra=shown)

    async def _witnessed(self, membership: Membership) -> None:
        # Before anything is written: whoever was put back must not go on.
        await self.base.workers(lambda: self.witnesses.join(membership))
        await self.witnesses.cosigning.check()

    async def _note_stop(self) -> None:
        try:
            await self.keeper.gaps.end()
        except StoreError:
            # The next start finds no end, and says so.
            _LOG.exception("stop not audited", extra=fields(reason="store"))

    async def _audit_last_evaluations(self) -> None:
        try:
            await self.peering.audit_evaluations()
        except StoreError:
            _LOG.exception("evaluations not audited", extra=fields(reason="store"))

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
        self.base.situation.join(SharedLists(membership, self._quorums(membership)))

    async def _joined(self, membership: Membership) -> None:
        self._join(membership)
        try:
            await self._witnessed(membership)
        except NodeError as error:
            # The charter is kept already; the next start says it and stops.
            reason = type(error).__name__
            _LOG.exception("witnesses not known", extra=fields(reason=reason))
        self.witnesses.cosigning.refused = False  # those that have yet to join may
        self._take_part(membership)

    def _take_part(self, membership: Membership) -> None:
        self.attesting.start(membership)
        self.replicating.start(membership)

    async def _load_lacking(self) -> None:
        situation = self.base.situation
        for name in situation.others():
            lacking = await self.base.store.read(
                lambda reader, name=name: read_lacking(reader, name)  # type: ignore[misc]
            )
            if lacking is not None:
                situation.coverage.lacking.add(name)

    def _quorums(self, membership: Membership) -> dict[int, Quorum]:
        base = self.base
        return {
            epoch: Quorum(
                membership.charter,
                pins,
                Holder(
                    name=membership.me.name,
                    share=membership.shares[epoch],
                    key=base.keys.statement,
                ),
                ask=self.client.evaluate,
                report=self._report,
                offload=base.workers,
                now=base.clock.now,
                token_bytes=token_bytes,
            )
            for epoch, pins in membership.pins.items()
        }

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
