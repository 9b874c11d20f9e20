# SPDX-License-Identifier: Apache-2.0
"""The parts of a node that stand below its services, made and not started.

A part is given what it needs when it is made; nothing here runs.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp

from fedsafe_federation.charter.resharing import PROPOSAL
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.exchange.handshake import Speaks, parse_speaks
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_node.api.refusal_events import Refusals
from fedsafe_node.app.container import Base
from fedsafe_node.audit.account_hands import register_hands
from fedsafe_node.audit.keeper import Keeper
from fedsafe_node.audit.pruning import Sizes
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.cases.silence import Silence
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.members.attestations import Attesting
from fedsafe_node.members.ceremonies.exchange import Carrying
from fedsafe_node.members.ceremonies.kinds import ResharingKind
from fedsafe_node.members.ceremonies.resharing_job import Tending
from fedsafe_node.members.ceremonies.service import Ceremonies
from fedsafe_node.members.charter.admission import Admitting
from fedsafe_node.members.charter.ballot import Ballot, Changed
from fedsafe_node.members.charter.charter_gossip import Spreading
from fedsafe_node.members.charter.departures import Wishes
from fedsafe_node.members.charter.invitations import Inviting
from fedsafe_node.members.charter.join import Joining
from fedsafe_node.members.forks import Forks
from fedsafe_node.members.founding_ceremony import FoundingService
from fedsafe_node.members.peering.cosigning import Cosigning
from fedsafe_node.members.peering.feed_copies import CopyServer
from fedsafe_node.members.peering.feed_server import FeedServer
from fedsafe_node.members.peering.former_members import Partings
from fedsafe_node.members.peering.receipts import Receipting, Signer
from fedsafe_node.members.peering.service import PeeringService
from fedsafe_node.members.peering.sightings import SightingsExchange
from fedsafe_node.members.peering.tallies import Tallying
from fedsafe_node.members.witnesses import Witnesses
from fedsafe_node.notices.desk import NoticeDesk
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.inquiry_exchange import InquiryOutbox
from fedsafe_node.rights.dispute_relay import DisputeForwarding
from fedsafe_node.rights.own_listings import OpenErasures
from fedsafe_node.rights.signed_texts import rights_texts
from fedsafe_node.rules.appeal_ways import spoken
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.double_disputes import DoubleBook
from fedsafe_node.signals.intake import Intake
from fedsafe_node.signals.replicator import Announcing, Replicating

_LOG = logging.getLogger(f"{LOGGER}.node")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services of a node are made of."""

    base: Base
    provider: aiohttp.ClientSession
    client: PeerClient
    reviews: ReviewDesk
    notices: NoticeDesk
    signer: Signer
    partings: Partings
    intake: Intake
    replicating: Replicating
    feed: FeedServer
    attesting: Attesting
    peering: PeeringService
    inquiries: InquiryOutbox
    sightings: SightingsExchange
    forwarding: DisputeForwarding
    witnesses: Witnesses
    forks: Forks
    foundings: FoundingService
    ballot: Ballot
    spreading: Spreading
    admitting: Admitting
    inviting: Inviting
    wishes: Wishes
    joining: Joining
    ceremonies: Ceremonies
    carrying: Carrying
    tending: Tending
    desk: Desk
    keeper: Keeper
    refusals: Refusals


def make_parts(
    base: Base,
    members: aiohttp.ClientSession,
    provider: aiohttp.ClientSession,
    changed: Changed,
) -> Parts:
    """Make all parts; *changed* hears of each version of the charter."""
    client = PeerClient(
        members, name=base.config.name, key=base.keys.transport, now=base.clock.now
    )
    notices = NoticeDesk(
        base.situation,
        base.trail,
        base.clock,
        base.periods,
        base.announcer,
        rights_texts(),
        Silence(CaseVault(base.periods), OrderVault(base.periods), base.clock).covers,
        base.help,
    )
    reviews = ReviewDesk(
        situation=base.situation,
        store=base.store,
        trail=base.trail,
        clock=base.clock,
        periods=base.periods,
        announcer=base.announcer,
        notices=notices,
    )
    forks = Forks(
        base.situation, base.store, base.trail, base.clock, client, DoubleBook()
    )
    signer = Signer(
        base.situation, base.store, base.keys.statement, base.trail, base.clock
    )
    receipting = Receipting(signer, client)
    intake = _intake(base, reviews, forks, receipting)
    replicating = Replicating(
        client,
        intake,
        base.clock,
        receipting,
        offload=base.workers,
        poll=base.config.sync.poll,
    )
    feed = _feed(base)
    attesting = _attesting(base, client, replicating)
    witnesses = _witnesses(base, client, feed, replicating, forks)
    ballot = _ballot(base, changed)
    foundings = _foundings(base, changed)
    wishes = Wishes(base.office, base.situation, client, base.keys.statement)
    spreading = Spreading(
        base.situation, ballot, client, wishes, poll=base.config.sync.poll
    )
    ballot.spread = _spreader(base, spreading)
    ceremonies = _ceremonies(base, ballot)
    keeper = _keeper(base, feed, witnesses.cosigning)
    desk = _desk(
        base, reviews, notices, Announcing(base.follower, replicating, witnesses)
    )
    register_hands(keeper.erasers, desk, base.announcer)
    carrying = _carrying(base, ceremonies, ballot, client)
    ceremonies.wake = ballot.spread
    spreading.also, spreading.after = carrying.swap, ceremonies.advance
    client.speaks, client.heard = _hand(base), _ear(base, ballot)
    client.features = lambda peer: base.situation.features.get(peer, frozenset())
    return Parts(
        base=base,
        provider=provider,
        client=client,
        reviews=reviews,
        notices=notices,
        signer=signer,
        partings=Partings(signer, client),
        intake=intake,
        replicating=replicating,
        feed=feed,
        attesting=attesting,
        peering=_peering(base, client, feed, attesting, replicating, witnesses),
        inquiries=InquiryOutbox(reviews, client, base.keys.statement, client.features),
        sightings=_sightings(base, client),
        forwarding=DisputeForwarding(
            base.situation, base.store, base.clock, client, intake
        ),
        witnesses=witnesses,
        foundings=foundings,
        ballot=ballot,
        spreading=spreading,
        admitting=Admitting(base.office, base.situation, ballot),
        inviting=Inviting(base.office, base.situation),
        wishes=wishes,
        joining=_joining(base, ballot, client, foundings),
        ceremonies=ceremonies,
        carrying=carrying,
        tending=_tending(base, ceremonies, ballot, keeper),
        forks=forks,
        desk=desk,
        keeper=keeper,
        refusals=Refusals(base.store, base.trail, base.clock),
    )


def _intake(
    base: Base, reviews: ReviewDesk, forks: Forks, receipting: Receipting
) -> Intake:
    return Intake(
        base.situation,
        base.store,
        base.lists,
        base.trail,
        base.clock,
        reviews=reviews,
        offload=base.workers,
        forks=forks,
        erased=receipting.wake,
    )


def _feed(base: Base) -> FeedServer:
    return FeedServer(
        base.config.name,
        base.store,
        base.guard,
        base.keys.feed,
        base.trail,
        base.clock,
        offload=base.workers,
    )


def _attesting(base: Base, client: PeerClient, replicating: Replicating) -> Attesting:
    return Attesting(
        base.situation,
        base.store,
        base.keys.statement,
        client,
        base.trail,
        base.clock,
        poll=base.config.sync.poll,
        opened=_waker(base, replicating),
    )


def _peering(  # noqa: PLR0913 - everything it needs is an argument
    base: Base,
    client: PeerClient,
    feed: FeedServer,
    attesting: Attesting,
    replicating: Replicating,
    witnesses: Witnesses,
) -> PeeringService:
    tallying = Tallying(
        base.situation,
        base.store,
        client,
        base.keys.statement,
        base.trail,
        base.clock,
    )
    return PeeringService(
        base.situation,
        base.store,
        feed,
        CopyServer(base.situation, base.store, base.trail, base.clock),
        base.keys.statement,
        base.trail,
        base.clock,
        attesting=attesting,
        tallying=tallying,
        seen=base.seen,
        offload=base.workers,
        wake=_waker(base, replicating),
        stir=witnesses.feed.stir,
        heard=replicating.heard,
        monotonic=asyncio.get_running_loop().time,
    )


def _sightings(base: Base, client: PeerClient) -> SightingsExchange:
    return SightingsExchange(
        base.situation,
        base.store,
        client,
        base.keys.statement,
        base.trail,
        base.clock,
    )


def _waker(base: Base, replicating: Replicating) -> Callable[[str], None]:
    def wake(origin: str) -> None:
        replicating.wake(origin)
        if base.follower is not None and not replicating.replicates:
            base.follower.poke()

    return wake


def _hand(base: Base) -> Callable[[], str | None]:
    def speaks() -> str | None:
        shared = base.situation.shared
        if shared is None:
            return None
        return Speaks.of(shared.membership.charter, *spoken(base.config)).header()

    return speaks


def _ear(base: Base, ballot: Ballot) -> Callable[[str, str], None]:
    def heard(peer: str, text: str) -> None:
        """Keep what a member can do; catch up once it holds a newer version."""
        shared = base.situation.shared
        try:
            said = parse_speaks(text)
        except MalformedError:
            _LOG.info("no handshake", extra=fields(peer=peer, reason="malformed"))
            return
        base.situation.features[peer] = said.features
        if shared is not None and said.charter > shared.membership.charter.version:
            ballot.spread()

    return heard


def _spreader(base: Base, spreading: Spreading) -> Callable[[], None]:
    def spread() -> None:
        if spreading.spreads:
            spreading.wake()
        elif base.follower is not None:
            base.follower.poke()

    return spread


def _witnesses(
    base: Base,
    client: PeerClient,
    feed: FeedServer,
    replicating: Replicating,
    forks: Forks,
) -> Witnesses:
    return Witnesses.make(
        base.place,
        base.situation,
        base.store,
        base.trail,
        base.clock,
        keys=base.keys,
        guard=base.guard,
        offload=base.workers,
        client=client,
        feed=feed,
        tell=replicating.announce,
        forks=forks,
    )


def _ballot(base: Base, changed: Changed) -> Ballot:
    return Ballot(
        base.place,
        base.situation,
        base.store,
        base.trail,
        base.clock,
        base.keys.statement,
        offload=base.workers,
        changed=changed,
    )


def _kinds(base: Base) -> Mapping[str, ResharingKind]:
    return {PROPOSAL: ResharingKind(base.situation, base.keys.statement)}


def _ceremonies(base: Base, ballot: Ballot) -> Ceremonies:
    return Ceremonies(
        base.place,
        base.situation,
        base.store,
        base.trail,
        base.clock,
        ballot,
        _kinds(base),
        offload=base.workers,
    )


def _carrying(
    base: Base, ceremonies: Ceremonies, ballot: Ballot, client: PeerClient
) -> Carrying:
    return Carrying(
        base.place,
        base.situation,
        base.store,
        ceremonies,
        ballot,
        client,
        keys=base.keys,
        offload=base.workers,
    )


def _tending(
    base: Base, ceremonies: Ceremonies, ballot: Ballot, keeper: Keeper
) -> Tending:
    return Tending(
        base.place,
        base.situation,
        base.store,
        ceremonies,
        ballot,
        keeper.destroying,
        keys=base.keys,
        offload=base.workers,
    )


def _joining(
    base: Base, ballot: Ballot, client: PeerClient, foundings: FoundingService
) -> Joining:
    return Joining(
        base.office,
        base.situation,
        ballot,
        client,
        base.place,
        key=base.keys.statement,
        sealing=base.keys.sealing,
        card=foundings.card,
        offload=base.workers,
    )


def _foundings(base: Base, changed: Changed) -> FoundingService:
    return FoundingService(
        base.place,
        base.situation,
        base.keys,
        base.office,
        offload=base.workers,
        joined=changed,
        following=base.following,
    )


def _desk(
    base: Base, reviews: ReviewDesk, notices: NoticeDesk, announcing: Announcing
) -> Desk:
    return Desk(
        situation=base.situation,
        store=base.store,
        lists=base.lists,
        trail=base.trail,
        clock=base.clock,
        periods=base.periods,
        custody=base.custody,
        statement_key=base.keys.statement,
        reviews=reviews,
        notices=notices,
        offload=base.workers,
        announce=announcing.restricted,
        published=announcing.published,
        shield=OpenErasures(base.periods),
    )


def _keeper(base: Base, feed: FeedServer, cosigning: Cosigning) -> Keeper:
    async def seen() -> Sizes | None:
        if base.situation.shared is None or not cosigning.needed:
            kept = base.guard.sizes.get(base.trail.anchor, 0)
            return Sizes(audit=(await feed.keep_audit()).size, anchor=kept)
        if cosigning.alarm is not None or cosigning.refused:
            return None
        proof = await cosigning.proof()
        return Sizes(proof.size, proof.index) if proof is not None else None

    return Keeper(
        base.office,
        lambda: base.situation.provisions.audit,
        keys=base.place.keys,
        periods=base.periods,
        pseudonyms=base.pseudonyms,
        seen=seen,
        offload=base.workers,
    )
