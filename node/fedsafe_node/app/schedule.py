# SPDX-License-Identifier: Apache-2.0
"""The node's recurring duties, as jobs."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from fedsafe_federation.evaluation.metering import HOUR, HOURS
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.audit.breaches.clock import remind_of_breaches
from fedsafe_node.casework.cases.clock import CaseClock, tend_cases
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.cases.erasure import CaseEraser, erase_cases
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.dispatch.fallback import take_next_channel
from fedsafe_node.casework.dispatch.outbox import Outbox
from fedsafe_node.casework.orders.clock import OrderClock, tend_orders
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.casework.orders.secrecy import asks_for_case
from fedsafe_node.ground.job import Job, Lane
from fedsafe_node.log.event_index import take_in
from fedsafe_node.lookup.index.bootstrap import merge_tokens
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.lookup.index.picture_keeper import PictureKeeper
from fedsafe_node.members.ceremonies.resharing_job import Tending
from fedsafe_node.members.charter.ballot import Ballot
from fedsafe_node.members.charter.join import Joining
from fedsafe_node.members.peering.feed_server import FeedServer
from fedsafe_node.members.peering.former_members import Partings
from fedsafe_node.members.peering.overdue_erasures import Debts
from fedsafe_node.members.peering.repeats import Repeats
from fedsafe_node.members.peering.service import PeeringService
from fedsafe_node.members.peering.sightings import SightingsExchange
from fedsafe_node.members.witnesses import Witnesses
from fedsafe_node.notices.provider_events.announcer import (
    Announcement,
    Announcer,
    Content,
)
from fedsafe_node.notices.provider_events.upkeep import EventUpkeep
from fedsafe_node.notices.upkeep import NoticeUpkeep
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import sweep_acts
from fedsafe_node.review.clock import tend_reviews
from fedsafe_node.review.flood_clock import tend_floods
from fedsafe_node.review.inquiry_exchange import InquiryOutbox
from fedsafe_node.review.trial_service import tend_trials
from fedsafe_node.rights.appeals import file_for_persons
from fedsafe_node.rights.dispute_relay import DisputeForwarding
from fedsafe_node.rights.erasure import purge_erased
from fedsafe_node.rights.retries import alarm_waiting, look_up_again
from fedsafe_node.rights.rulings import end_disputes
from fedsafe_node.rights.shares import Shares
from fedsafe_node.rights.unrecorded_disputes import alarm_overdue, let_go_unrecorded
from fedsafe_node.rights.upkeep import tend_requests
from fedsafe_node.rules.budgets.meter import DAY, SLOT
from fedsafe_node.signals.departure import erase_departed
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.dispute_budget import weigh_again
from fedsafe_node.signals.epoch_destroy import Shredding
from fedsafe_node.signals.expiry import expire_signals
from fedsafe_node.signals.late_appeals import take_overlooked
from fedsafe_node.signals.own_reviews import end_unreviewed
from fedsafe_node.signals.relock import relock
from fedsafe_node.signals.samples import draw_sample
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction

_MINUTE: Final = timedelta(minutes=1)
_JOINING: Final = timedelta(seconds=3)
_PARTING: Final = timedelta(seconds=5)
_RELOCK: Final = timedelta(seconds=20)
_INDEXING: Final = timedelta(seconds=30)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_KEPT_DAYS: Final = 31  # as long as a backfill may take, and more


class Duties:
    """Cases, disputes, expiry, sums of evaluations, checkpoints, merges, clean-up."""

    def __init__(  # noqa: PLR0913 - every duty has its part
        self,
        desk: Desk,
        peering: PeeringService,
        feed: FeedServer,
        lists: Lists,
        events: EventUpkeep,
        announcer: Announcer,
        witnesses: Witnesses,
        office: Office,
        *,
        pictures: PictureKeeper,
        joining: Joining,
        tending: Tending,
        ballot: Ballot,
        shredding: Shredding,
        partings: Partings,
        outbox: Outbox,
        inquiries: InquiryOutbox,
        sightings: SightingsExchange,
        forwarding: DisputeForwarding,
    ) -> None:
        self._forwarding = forwarding
        self._inquiries = inquiries
        self._sightings = sightings
        self._outbox = outbox
        self._tending = tending
        self._partings = partings
        self._joining = joining
        self._ballot = ballot
        self._shredding = shredding
        self._desk = desk
        self._peering = peering
        self._feed = feed
        self._lists = lists
        self._pictures = pictures
        self._events = events
        self._announcer = announcer
        self._witnesses = witnesses
        self._office = office
        self._debts = Debts(desk.situation, desk.store, desk.trail, desk.clock)
        self._repeats = Repeats(desk.store, desk.trail, desk.clock)

    def jobs(self) -> Mapping[str, Job]:
        """Name the duties and how often they are due."""
        return {
            "acts": Job(self._sweep_acts, _HOUR),
            "breaches": Job(self._remind_of_breaches, _MINUTE),
            "budgets": Job(self._forget_spent, _HOUR),
            "case-erasure": Job(self._erase_cases, _HOUR),
            "cases": Job(self._tend_cases, _RELOCK),
            "checkpoint": Job(self._feed.checkpoint, _MINUTE),
            "comparing": Job(self._witnesses.comparing.run, _HOUR, lane=Lane.MEMBERS),
            "cosigning": Job(self._witnesses.cosigning.run, _MINUTE, lane=Lane.MEMBERS),
            "disputes": Job(self._end_disputes, _MINUTE),
            "disputes-forwarded": Job(self._forwarding.run, _MINUTE, lane=Lane.MEMBERS),
            "evaluations": Job(self._peering.audit_evaluations, _MINUTE, is_own=True),
            "departures": Job(self._erase_departed, _PARTING),
            "debts": Job(self._debts.run, _MINUTE),
            "events": Job(self._events.run, _MINUTE),
            "joining": Job(self._joining.tend, _JOINING, lane=Lane.MEMBERS),
            "event-index": Job(self._index_events, _INDEXING),
            "expiry": Job(self._expire, _MINUTE),
            "idempotency": Job(self._forget_answers, _HOUR),
            "index": Job(self._merge_index, _MINUTE),
            "index-removals": Job(self._purge_index, _DAY),
            "inquiries": Job(self._inquiries.run, _PARTING, lane=Lane.MEMBERS),
            "inquiry-items": Job(self._inquiries.tend, _MINUTE),
            "notices": Job(self._tend_notices, _MINUTE),
            "pictures": Job(self._merge_pictures, _MINUTE, is_own=True),
            "orders": Job(self._tend_orders, _MINUTE),
            "outbox": Job(self._outbox.run, _PARTING, lane=Lane.PARTNERS),
            "partings": Job(self._partings.run, _PARTING, lane=Lane.MEMBERS),
            "repeats": Job(self._repeats.run, _MINUTE),
            "requests": Job(self._tend_requests, _MINUTE),
            "retries": Job(self._look_up_again, _MINUTE, lane=Lane.MEMBERS),
            "relock": Job(self._relock, _RELOCK),
            "resharing": Job(self._tending.run, _MINUTE),
            "keys": Job(self._ballot.forget_over, _MINUTE, is_own=True),
            "sightings": Job(self._sightings.run, _HOUR, lane=Lane.MEMBERS),
            "shredding": Job(self._shredding.run, _HOUR),
            "residues": Job(self._scrub, _MINUTE),
            "reviews": Job(self._tend_reviews, _MINUTE),
            "tallies": Job(self._peering.tallying.run, _HOUR, lane=Lane.MEMBERS),
            "waiting": Job(self._watch_additions, _MINUTE),
        }

    async def _sweep_acts(self) -> None:
        office = self._office
        if await office.store.write(lambda tx: sweep_acts(office, tx)):
            await office.store.scrub()

    async def _index_events(self) -> None:
        await take_in(self._office.store, self._office.trail.log)

    async def _watch_additions(self) -> None:
        self._witnesses.feed.grew()
        await self._witnesses.waiting.run()

    async def _expire(self) -> None:
        await end_unreviewed(self._desk)
        await expire_signals(self._desk)

    async def _tend_reviews(self) -> None:
        reviews = self._desk.reviews
        ended = await tend_reviews(reviews) + await tend_floods(reviews)
        if ended + await tend_trials(reviews):
            await self._desk.store.scrub()
        await draw_sample(self._desk)

    async def _end_disputes(self) -> None:
        await weigh_again(self._desk)
        await end_disputes(self._desk, self._announcer)
        await let_go_unrecorded(self._desk)
        await alarm_overdue(self._desk)
        await take_overlooked(self._desk)
        await file_for_persons(self._desk)

    async def _tend_requests(self) -> None:
        await tend_requests(self._desk, self._announcer)

    async def _look_up_again(self) -> None:
        desk, vault = self._desk, self._office.vault
        shares = Shares(desk.situation, desk.store, vault, desk.clock)
        await look_up_again(desk, shares)
        await alarm_waiting(desk, vault, self._announcer)

    async def _tend_notices(self) -> None:
        await NoticeUpkeep(self._desk.store, self._desk.notices).run()

    async def _relock(self) -> None:
        await relock(self._desk)

    async def _erase_departed(self) -> None:
        if await erase_departed(self._desk):
            await self._desk.store.scrub()

    async def _merge_index(self) -> None:
        if self._lists.tokens.wants_merge:
            await merge_tokens(self._lists.tokens, self._desk.store)

    async def _merge_pictures(self) -> None:
        await self._pictures.merge()

    async def _purge_index(self) -> None:
        await purge_erased(self._desk)
        # A removed token is found no more, but lies in its segment until a merge; so
        # does a picture in its tables.
        if self._lists.tokens.removed:
            await merge_tokens(self._lists.tokens, self._desk.store, full=True)
        await self._pictures.merge(purge=True)

    async def _scrub(self) -> None:
        # What a reader hindered, expired or came from a member as a restriction.
        await self._desk.store.scrub()

    async def _remind_of_breaches(self) -> None:
        has_members = bool(self._desk.situation.others())
        await remind_of_breaches(self._desk, self._announcer, has_members=has_members)

    async def _tend_cases(self) -> None:
        calendar = self._desk.situation.config.deadlines.calendar
        vault, tell = CaseVault(self._announcer.periods), self._tell_of_case
        clock = CaseClock(self._office, vault, tell, calendar, take_next_channel)
        await tend_cases(clock)

    async def _erase_cases(self) -> None:
        vault, periods = OrderVault(self._announcer.periods), self._announcer.periods
        office = self._office

        async def waits(reader: Reader, case_id: str) -> bool:
            return await asks_for_case(reader, vault, case_id, office.now())

        keeper = CaseKeeper(office, CaseVault(periods))
        kept = self._desk.situation.policy.document.retention.cases
        await erase_cases(CaseEraser(keeper, kept, waits))

    async def _tend_orders(self) -> None:
        calendar = self._desk.situation.config.deadlines.calendar
        vault = OrderVault(self._announcer.periods)
        clock = OrderClock(self._office, vault, self._tell_of_order, calendar)
        await tend_orders(clock)

    async def _tell_of_order(self, tx: Transaction, content: Content) -> None:
        announcement = Announcement(EventKind.ORDER_DUE, content=content)
        await self._announcer.announce(tx, announcement)

    async def _tell_of_case(self, tx: Transaction, content: Content) -> None:
        # Cases and events know nothing of each other.
        announcement = Announcement(EventKind.CASE_DUE, content=content)
        await self._announcer.announce(tx, announcement)

    async def _forget_spent(self) -> None:
        before = int(self._desk.clock.now().timestamp()) - DAY - SLOT
        await self._desk.store.write(lambda tx: _forget_spent(tx, before))

    async def _forget_answers(self) -> None:
        now = int(self._desk.clock.now().timestamp())
        await self._desk.store.write(lambda tx: tx.forget_idempotent_answers(now))
        await self._desk.store.write(lambda tx: tx.forget_taken_off(now))


async def _forget_spent(tx: Transaction, before: int) -> None:
    await tx.forget_spent(before)
    await tx.forget_leased(before // HOUR - _KEPT_DAYS * HOURS)
    await tx.forget_tallies(before // DAY - _KEPT_DAYS)
