# SPDX-License-Identifier: Apache-2.0
"""A provider's staff with reviews, and short ways through them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from tests.node.people.conftest import Team
from tests.support.insistence import insisting

from fedsafe_federation.identifiers import canonicalise
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Match
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.reviews import (
    HearingAnswer,
    HearingRequest,
    OutcomeAnswer,
    OutcomeRequest,
    TaskAnswer,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.desk import NoticeDesk
from fedsafe_node.notices.provider_events.announcer import Announcement, Announcer
from fedsafe_node.people.approvals import Approvals, Effect
from fedsafe_node.review.clock import tend_reviews
from fedsafe_node.review.decision import ConfirmEffect
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.flood_rulings import FloodBoundEffect
from fedsafe_node.review.floods import About
from fedsafe_node.review.service import ReviewService
from fedsafe_node.review.task_start import Opened, open_review
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import NewSignal, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.rules.hearings import HearingStep
from fedsafe_policies.vocabulary import (
    Act,
    Grade,
    IdentifierKind,
    Level,
    Outcome,
    Phenomenon,
    Plane,
    Provenance,
    Role,
    Source,
    Surface,
)

TUESDAY: Final = date(2026, 11, 24)
BOT: Final = "local"
FOUND: Final[dict[str, object]] = {
    "rule": "house-1",
    "phenomenon": Phenomenon.GROOMING,
    "surface": Surface.PUBLIC_CONTENT,
    "grade": Grade.CONFIRMED_CONDUCT,
    "source": Source.NOTICE,
}
"""What whoever limits or confirms states for the person to be told."""


def match(number: int, origin: str = "b.demo", *, own: bool = False) -> Match:
    return Match(
        question=number,
        signal=f"01a20e5e-7e0b-7dca-b773-{number:012x}",
        origin=origin,
        own=own,
        plane=Plane.ACTOR,
        kind=Kind.EMAIL,
        phenomenon=Phenomenon.GROOMING,
        surface=Surface.PUBLIC_CONTENT,
        grade=Grade.CONFIRMED_CONDUCT,
        provenance=Provenance.OWN_FINDING,
        rule="tos-4.2",
        removed_on="2026-11-20",
        published_on="2026-11-23",
        match_until="2027-11-18",
        contact="trust@b.demo",
    )


def about(*found: Match) -> About:
    """Say what matches are about: a person for each question."""
    addresses = {each.question: f"person{each.question}@mail.example" for each in found}
    return About(
        {
            place: Person(canonicalise(IdentifierKind.EMAIL, value))
            for place, value in addresses.items()
        }
    )


def listed(found: Match) -> NewSignal:
    """Give the row that such a match comes from."""
    signal_id = UUID(found.signal).bytes
    return NewSignal(
        signal_id=signal_id,
        origin="own:a.demo" if found.own else found.origin,
        plane="actor",
        scope="federation",
        epoch=1,
        generation=1,
        media_kind=None,
        token=signal_id,
        match_until=1 << 40,
        erase_after=1 << 40,
        status=SignalStatus.ACTIVE,
        own=found.own,
        log=f"{found.origin}/feed",
        index=signal_id[-1],
        group="signal",
    )


class Ward:
    """Reviews as their service sees them; `anna` analyses, `rita` and `rolf` review."""

    def __init__(self, team: Team, periods: PeriodKeys) -> None:
        self.team = team
        announcer = Announcer(periods, team.clock)
        self.notices = NoticeDesk(
            team.situation, team.office.trail, team.clock, periods, announcer
        )
        self.desk = ReviewDesk(
            situation=team.situation,
            store=team.store,
            trail=team.office.trail,
            clock=team.clock,
            periods=periods,
            announcer=announcer,
            notices=self.notices,
        )
        effects: dict[Act, Effect] = {
            Act.PERMANENT_BAN: ConfirmEffect(self.desk),
            Act.FLOOD_BOUND: FloodBoundEffect(self.desk),
        }
        self.approvals = Approvals(team.office, effects)
        self.hasty = ReviewService(self.desk, self.approvals)
        self.tasks = insisting(self.hasty)
        self.people: dict[str, Principal] = {}

    def at(self, moment: datetime) -> None:
        self.team.clock.moment = moment

    async def come(self, name: str, role: Role | None = None) -> Principal:
        """Log somebody in, with a second factor that is fresh."""
        self.people[name] = await self.team.principal(name, role)
        return self.people[name]

    async def open(
        self,
        *matches: Match,
        subject: str | None = "account-1",
        service: str = "shop",
    ) -> Opened:
        async def act(tx: Transaction) -> Opened:
            opened = await open_review(
                self.desk,
                tx,
                subject,
                matches,
                self.desk.clock.now(),
                by=BOT,
                service=service,
            )
            await tx.append_many(self.desk.trail.log, list(opened.events))
            return opened

        return await self.desk.store.write(act)

    async def list_signal(self, found: Match) -> None:
        await self.desk.store.write(lambda tx: tx.add_signal(listed(found)))

    async def stop_signal(self, found: Match, status: SignalStatus) -> None:
        """Stop a signal past every desk, as any way to stop one does."""
        row = listed(found)
        await self.desk.store.write(
            lambda tx: tx.set_signal_status(row.origin, row.signal_id, status)
        )

    async def decide(
        self,
        task: str,
        outcome: Outcome,
        who: str = "anna",
        *,
        days: int | None = None,
        **more: object,
    ) -> OutcomeAnswer:
        until = None
        if outcome in {Outcome.FEATURE_LIMIT, Outcome.CONFIRM}:
            more = FOUND | more
        if days is not None:
            until = self.desk.clock.now().date() + timedelta(days=days)
        request = OutcomeRequest(outcome=outcome, until=until, **more)  # type: ignore[arg-type]
        return await self.tasks.decide(task, request, self.people[who])

    async def confirm(
        self, task: str, level: Level, who: str = "anna", evidence: str = "case-7"
    ) -> OutcomeAnswer:
        """Confirm; who takes an account away has looked at the task as it is."""
        if level >= Level.L5:
            await self.show(task, who)
        return await self.decide(
            task, Outcome.CONFIRM, who, level=level, evidence=evidence
        )

    async def hear(self, task: str, step: HearingStep, **more: object) -> HearingAnswer:
        request = HearingRequest(step=step, reference="minute-3", **more)  # type: ignore[arg-type]
        return await self.tasks.hear(task, request, self.people["anna"])

    async def approve(self, act: ActAnswer | None, who: Principal) -> ActAnswer:
        """Approve a confirmation after a look at its task."""
        assert act is not None
        if who.role is not Role.SERVICE and act.content is not None:
            await self.tasks.show(str(act.content["task"]), who)
        return await self.approve_unseen(act, who)

    async def approve_unseen(self, act: ActAnswer, who: Principal) -> ActAnswer:
        return await self.approvals.approve(act.act, bytes.fromhex(act.digest), who)

    async def show(self, task: str, who: str = "anna") -> TaskAnswer:
        return await self.tasks.show(task, self.people[who])

    async def tend(self) -> int:
        return await tend_reviews(self.desk)

    async def told(self, event: str) -> list[tuple[str, str]]:
        """Return outcome and openings of the audit log's events of a class."""
        events = await self.team.events()
        return [(outcome, text) for name, outcome, text in events if name == event]

    async def announced(self) -> list[Announcement]:
        rows = await self.desk.store.read(lambda r: r.provider_events(0, 99))
        found = [self.desk.announcer.read(row) for row in rows]
        return [each for each in found if each is not None]


@pytest.fixture
async def ward(store: Store, keys: PeriodKeys) -> AsyncIterator[Ward]:
    await asyncio.to_thread(shipped_calendar)
    team = Team(store)
    await team.hire("anna", Role.ANALYST)
    await team.hire("rita", Role.REVIEWER)
    await team.hire("rolf", Role.REVIEWER)
    ward = Ward(team, keys)
    for name in ("anna", "rita", "rolf"):
        await ward.come(name)
    yield ward
    await asyncio.to_thread(team.passwords.close)
