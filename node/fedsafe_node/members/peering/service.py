# SPDX-License-Identifier: Apache-2.0
"""Answer members: feed, pokes, evaluations (`api.services.Peering`).

Evaluations are charged to each member's budget (`rules.budgets.evaluations`) and
audited as sums by a job: an event each would put an fsync into every lookup of every
member, and the signed statements are the evidence. A node never learns what it
evaluates.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Final
from urllib.parse import urlsplit

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.errors import (
    UNKNOWN_EPOCH,
    ArrangementError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.evaluation.metering import Budget
from fedsafe_federation.evaluation.statements import (
    EvaluationRequest,
    answer_request,
    open_request,
    split_elements,
)
from fedsafe_federation.exchange.handshake import Speaks, agree, parse_speaks
from fedsafe_federation.exchange.signed_requests import Request, verify_request
from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_federation.wire.pace import Offload
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import Poke
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    StoreError,
    StoreFailedError,
    WrongStateError,
)
from fedsafe_node.ground.trace import recognised
from fedsafe_node.keys.evaluators import SharedLists
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.members.attestations import Attesting
from fedsafe_node.members.peering.disclosure import Hander
from fedsafe_node.members.peering.evaluation_places import Places, Share
from fedsafe_node.members.peering.feed_copies import CopyServer
from fedsafe_node.members.peering.feed_server import FeedServer
from fedsafe_node.members.peering.tallies import Tallying
from fedsafe_node.rules.appeal_ways import spoken
from fedsafe_node.rules.budgets.circuits import Circuits
from fedsafe_node.rules.budgets.evaluations import EvaluationBudgets, charges_with
from fedsafe_node.rules.budgets.feeds import FeedBudgets, Served
from fedsafe_node.rules.budgets.own_questions import AskedLedger
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import deny
from fedsafe_policies.rules.legal_gate import GateRequest
from fedsafe_policies.vocabulary import EvaluationPurpose, Plane

_OFFLOAD_ELEMENTS: Final = 4
_PORTS: Final = {"https": 443, "http": 80}
OVER_FOR_ALL: Final = 300
"""So many seconds later an epoch is over at every member, whose clocks differ."""


class PeeringService:
    """The node's answers to members.

    State, owned by the event loop: `_evaluated` counts the elements per member and
    purpose since the last audit event.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        feed: FeedServer,
        copies: CopyServer,
        statement_key: SigningKey,
        trail: AuditTrail,
        clock: Clock,
        *,
        attesting: Attesting,
        tallying: Tallying,
        seen: SeenNonces,
        offload: Offload,
        wake: Callable[[str], None],
        stir: Callable[[str], None],
        heard: Callable[[str], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._situation = situation
        self._store = store
        self._feed = feed
        self._copies = copies
        self._key = statement_key
        self._trail = trail
        self._clock = clock
        self._attesting = attesting
        self.tallying = tallying
        self._offload = offload
        self._wake = wake
        self._stir = stir
        self._heard = heard
        self._seen = seen
        self._evaluated: Counter[tuple[str, EvaluationPurpose]] = Counter()
        self.budgets = EvaluationBudgets(
            situation, store, trail, clock, charges_with(seen)
        )
        self._places = Places()
        self.ledger = AskedLedger(store, clock)
        circuits = Circuits(store, trail, clock)
        self._feeds = FeedBudgets(situation, circuits, monotonic)

    def speaks(self) -> str | None:
        """Say what this node speaks, and which charter it holds, if any."""
        shared = self._situation.shared
        if shared is None:
            return None
        own = spoken(self._situation.config)
        return Speaks.of(shared.membership.charter, *own).header()

    def shake(self, said: str | None) -> None:
        """Judge what an asking node says of itself, if it says anything.

        One that says nothing speaks version 1, and is judged by what it asks.

        Raises:
            ArrangementError: no protocol version, or no arrangement, in common.
            MalformedError: it does not fit.
        """
        if self._situation.rests is not None:
            raise ArrangementError(
                "other_policy",
                Phrase("this node has no policy that goes with the members'"),
            )
        shared = self._situation.shared
        if said is not None and shared is not None:
            agree(Speaks.of(shared.membership.charter), parse_speaks(said))

    def hosts(self) -> Collection[str]:
        """Give the names by which members reach this node, as Host headers say them."""
        return frozenset(chain.from_iterable(map(_hosts_of, self._urls())))

    def _urls(self) -> tuple[str, ...]:
        # A changed address stands in `node.toml` or in the charter first.
        shared = self._situation.shared
        own = (self._situation.config.url,)
        return own if shared is None else (*own, shared.membership.me.url)

    def authenticate(
        self, *, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> str:
        """Check a member's RFC 9421 signature and name the member.

        *target* is what was routed; the authority is this node's own.

        Raises:
            UntrustedError: no valid signature of a member.
            StaleStatementError: replayed, or too old.
            WrongStateError: this node has no federation.
        """
        *others, last = dict.fromkeys(self._urls())
        for url in others:
            with suppress(UntrustedError):
                return self._verify(Request(method, url + target, headers), body)
        return self._verify(Request(method, last + target, headers), body)

    def _verify(self, request: Request, body: bytes) -> str:
        return verify_request(
            request,
            body=body,
            me=self._situation.node,
            charter=self._shared().membership.charter,
            seen=self._seen,
            now=self._clock.now(),
        )

    async def feed(self, request: FeedRequest, peer: str) -> bytes:
        """Give a batch of the own feed to a member, or of the copy of another's.

        Policy decides on every opening: see `disclosure`.

        Raises:
            OverBudgetError: the member reads faster than anybody needs to.
        """
        self._stir(peer)
        self._heard(peer)
        await self._feeds.admit(peer)
        served = await self._batch(request, peer)
        self._feeds.charge(peer, request, served)
        return served.data

    async def _batch(self, request: FeedRequest, peer: str) -> Served:
        if request.origin != self._situation.node:
            return await self._copies.batch(request, peer)
        now = self._clock.now()
        if not self._situation.attested(peer, now):
            self._attesting.wake(peer)
        hander = Hander(self._situation, peer, now)
        return await self._feed.batch(request, peer, hander)

    async def attestation(self) -> Signed:
        """Give the attestation of the own gate and register.

        Raises:
            WrongStateError: this node has no federation.
        """
        return await self._attesting.own()

    async def tally(self, day: int, peer: str) -> Signed:
        """Give what was counted with a member on a day.

        Raises:
            WrongStateError: the day is not over yet.
            NotFoundError: it was too long ago.
        """
        return await self.tallying.own(day, peer)

    async def poked(self, poke: Poke, peer: str) -> None:
        """Wake the replication of the member's feed.

        Raises:
            BadRequestError: the member speaks for another.
        """
        if poke.origin != peer:
            raise BadRequestError(
                "not_yours", Phrase("a member pokes for its own feed")
            )
        self._wake(peer)

    async def evaluate(self, request: Signed) -> Signed:
        """Evaluate blinded elements for a member.

        Raises:
            UntrustedError: not from a member, or for another node.
            StaleStatementError: replayed, too old, or of another generation.
            DeniedError: the actor plane is closed at this node, or at the member, or
                the member's budget is spent.
            WrongStateError: of another epoch, or a backfill without a grant in force.
            CryptoError: an element is no element of the group.
            StoreFailedError: the store takes no writes.
            CrowdedError: the member has its share of evaluations under way.
        """
        if self._store.trouble() is not None:
            # It is only counted here: what cannot be written later is not answered.
            raise StoreFailedError("evaluations cannot be written down")
        membership = self._shared().membership
        now = self._clock.now()
        opened = open_request(
            request,
            me=self._situation.node,
            charter=membership.charter,
            seen=self._seen,
            now=now,
        )
        recognised("member", opened.sender)
        async with self._places.hold(opened.sender) as share:
            return await self._evaluate(request, opened, share)

    async def _evaluate(
        self, request: Signed, opened: EvaluationRequest, share: Share
    ) -> Signed:
        membership, now = self._shared().membership, self._clock.now()
        self._admit(opened, now)
        if opened.epoch > membership.epoch.epoch:
            raise WrongStateError(
                UNKNOWN_EPOCH, Phrase("that key epoch is not known here yet")
            )
        over = membership.charter.epoch_over(opened.epoch)
        if int(now.timestamp()) >= over + OVER_FOR_ALL:
            raise WrongStateError("epoch_over", Phrase("that key epoch is over"))
        held = membership.served(opened.epoch, opened.generation)
        if held is None and opened.epoch not in membership.shares:
            raise WrongStateError("wrong_generation", Phrase("no such epoch here"))
        if held is None:
            raise StaleStatementError(opened.sender, "another key generation")
        elements = split_elements(opened.elements, opened.count)
        budget = Budget(opened.purpose, opened.grant)
        await self.budgets.admit(opened.sender, budget, elements)
        self._evaluated[opened.sender, opened.purpose] += opened.count

        def answer() -> Signed:
            return answer_request(
                request,
                opened,
                share=held.share,
                pins=held.pins,
                key=self._key,
                federation=membership.charter.federation,
            )

        if opened.count <= _OFFLOAD_ELEMENTS:
            return answer()
        async with share.on_threads:
            return await self._offload(answer)

    async def audit_evaluations(self, *, ends: bool = False) -> None:
        """Write the sums of what was evaluated since the last call; settle leases.

        With *ends* this process evaluates no more, and gives back what it holds.

        Raises:
            StoreError: they are not kept, and are counted on.
        """
        await self.budgets.settle(whole=ends)
        await self.ledger.settle(whole=ends)
        counted, self._evaluated = self._evaluated, Counter()
        if not counted:
            return
        entries = [
            self._trail.entry(
                Event.EVALUATED,
                at=self._clock.now(),
                detail={"peer": peer, "kind": purpose, "elements": elements},
            )
            for (peer, purpose), elements in sorted(counted.items())
        ]

        async def act(tx: Transaction) -> None:
            await tx.append_many(self._trail.log, entries)

        try:
            await self._store.write(act)
        except StoreError:
            self._evaluated += counted
            raise

    def _admit(self, request: EvaluationRequest, now: datetime) -> None:
        # Whoever is listed has a right to know it, whatever gate is closed.
        if request.purpose is EvaluationPurpose.RIGHTS:
            return
        situation, sender = self._situation, request.sender
        if not situation.keeps(sender, Plane.ACTOR):  # a custodian guesses nothing
            raise DeniedError(deny(Refusal.ROLE, situation.policy.reference))
        decision = situation.decide(GateRequest(Plane.ACTOR), now)
        if not decision.allowed:
            raise DeniedError(decision)
        if not situation.attested(sender, now):
            self._attesting.wake(sender)
            raise DeniedError(deny(Refusal.LEGAL_GATE, situation.policy.reference))

    def _shared(self) -> SharedLists:
        shared = self._situation.shared
        if shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return shared


def _hosts_of(url: str) -> Iterator[str]:
    """Give a URL's host and port, and without the port that goes without saying."""
    parts = urlsplit(url)
    name = (parts.hostname or "").removesuffix(".")
    name = f"[{name}]" if ":" in name else name
    usual = _PORTS[parts.scheme]
    port = parts.port or usual
    yield f"{name}:{port}"
    if port == usual:
        yield name
