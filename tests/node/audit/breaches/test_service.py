# SPDX-License-Identifier: Apache-2.0
"""The register of breaches: its clock, its closed lists, and who closes one."""

import asyncio
import sqlite3
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.people.conftest import Team, team

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.breaches import (
    AssessBreach,
    BreachAnswer,
    Category,
    Cause,
    CloseBreach,
    Consequence,
    Group,
    Kind,
    Measure,
    Notified,
    NotifyBreach,
    OpenBreach,
    Risk,
    Silence,
)
from fedsafe_node.audit.breaches.clock import count_breaches, remind_of_breaches
from fedsafe_node.audit.breaches.entries import (
    AHEAD,
    HOUR,
    WITHIN,
    Breach,
    Notes,
    fits,
    read_breach,
    written,
)
from fedsafe_node.audit.breaches.service import Breaches, BreachSilence
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    ForbiddenError,
    NodeError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.provider_events.announcer import Announcer
from fedsafe_node.people.approvals import Approvals
from fedsafe_policies.vocabulary import Act, Role

__all__ = ["team"]

NOTE = "somebody copied the backup disk"


class Register:
    """The register of a team, and short ways through it."""

    def __init__(self, team: Team, keys: PeriodKeys) -> None:
        self.team = team
        notes = Notes(keys)
        self.approvals = Approvals(
            team.office, {Act.BREACH_SILENCE: BreachSilence(team.office, notes)}
        )
        self.others: list[str] = []
        self.breaches = Breaches(
            team.office, self.approvals, notes, has_others=lambda: bool(self.others)
        )
        self.announcer = Announcer(keys, team.clock)
        self.store = team.store
        self.trail = team.office.trail
        self.clock = team.clock

    async def open(self, who: Principal, *, ago: int = 0, **more: Any) -> BreachAnswer:  # noqa: ANN401
        request = OpenBreach(
            aware_at=self.team.now - ago, kinds=[Kind.CONFIDENTIALITY], **more
        )
        return await self.breaches.open(request, who)

    async def assess(self, breach: str, who: Principal, risk: Risk) -> BreachAnswer:
        request = AssessBreach(
            categories=[Category.TOKENS, Category.TOKENS],
            groups=[Group.BANNED_PERSONS],
            persons=40,
            records=41,
            consequences=[Consequence.EXPOSURE],
            measures=[Measure.HOLE_CLOSED],
            risk=risk,
        )
        return await self.breaches.assess(breach, request, who)

    async def notify(
        self, breach: str, who: Principal, to: Notified, late: str | None = None
    ) -> BreachAnswer:
        request = NotifyBreach(
            to=to, at=self.team.now, reference="file-2026-31", late=late
        )
        return await self.breaches.notify(breach, request, who)

    async def close(
        self, breach: str, who: Principal, silence: Silence | None = None
    ) -> BreachAnswer:
        return await self.breaches.close(breach, CloseBreach(silence), who)

    async def approve(self, act: str, who: Principal) -> None:
        (found,) = (await self.approvals.pending()).acts
        await self.approvals.approve(act, bytes.fromhex(found.digest), who)

    async def remind(self, *, has_members: bool = False) -> int:
        return await remind_of_breaches(
            self,  # type: ignore[arg-type]
            self.announcer,
            has_members=has_members,
        )


@pytest.fixture
def register(team: Team, keys: PeriodKeys) -> Register:
    return Register(team, keys)


@pytest.fixture
async def olaf(team: Team) -> Principal:
    await team.hire("dora", Role.DPO)
    await team.hire("olaf", Role.OPERATOR)
    return await team.principal("olaf")


async def refused(work: Awaitable[object]) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


async def test_a_breach_is_opened_assessed_notified_and_closed(
    register: Register, olaf: Principal
) -> None:
    opened = await register.open(olaf, ago=HOUR, cause=Cause.ATTACK, note=NOTE)
    breach = opened.breach
    await register.assess(breach, olaf, Risk.RISK)
    await register.notify(breach, olaf, Notified.AUTHORITY)
    closed = await register.close(breach, olaf)
    shown = await register.breaches.show(breach, olaf)
    listed = await register.breaches.list(olaf)

    assert (opened.state, opened.overdue) == ("open", False)
    assert closed.state == "closed"
    assert shown.notes == [NOTE]
    assert (shown.categories, shown.persons) == ([Category.TOKENS], 40)
    assert shown.notifications[0].reference == "file-2026-31"
    assert [(each.breach, each.notes) for each in listed.breaches] == [(breach, [])]
    told = [event for event, _, _ in await register.team.events()]
    assert [event for event in told if event.startswith("breach")] == [
        *("breach.opened", "breach.assessed", "breach.notified", "breach.closed"),
        *("breach.read", "breach.read"),
    ]


@pytest.mark.promise("LR-29")
async def test_the_clock_reminds_a_day_before_at_the_end_and_every_day_after(
    register: Register, olaf: Principal
) -> None:
    breach = (await register.open(olaf)).breach
    began, reminded = register.team.now, list[int]()
    for _ in range(2 * (WITHIN + 2 * AHEAD) // HOUR):
        if await register.remind():
            reminded.append(register.team.now - began)
        register.team.pass_time(HOUR / 2)
    late = (await register.breaches.show(breach, olaf)).overdue
    counted = await register.store.read(lambda r: count_breaches(r, register.team.now))
    await register.notify(breach, olaf, Notified.AUTHORITY, late="note-7")
    register.team.pass_time(10 * AHEAD)

    assert reminded == [WITHIN - AHEAD, WITHIN, WITHIN + AHEAD]
    assert late
    assert counted == (1, 1)
    assert await register.remind() == 0
    announced = await register.store.read(lambda r: r.provider_events(0, 99))
    assert [each.kind for each in announced] == ["breach.due"] * 3
    told = [each for each in await register.team.events() if each[0] == "breach.due"]
    assert [outcome for _, outcome, _ in told] == ["near", "overdue", "overdue"]


@pytest.mark.promise("LR-29")
async def test_the_other_members_are_told_within_24_hours(
    register: Register, olaf: Principal
) -> None:
    opened = await register.open(olaf)
    began, reminded = register.team.now, list[int]()
    for _ in range(96):
        if await register.remind(has_members=True):
            reminded.append(register.team.now - began)
        register.team.pass_time(HOUR / 2)
    await register.notify(opened.breach, olaf, Notified.MEMBERS)
    register.team.pass_time(AHEAD - HOUR)
    rows = await register.store.read(lambda r: r.provider_events(0, 99))
    told = [register.announcer.read(row) for row in rows]

    assert reminded == [18 * HOUR, 24 * HOUR]
    assert [each.content["to"] for each in told if each is not None] == ["members"] * 2
    assert [each.content["overdue"] for each in told if each] == [False, True]
    assert opened.members_due_at == written(began + 24 * HOUR)
    assert await register.remind(has_members=True) == 1  # the authority is left
    assert await register.remind(has_members=True) == 0


@pytest.mark.parametrize(
    ("risk", "told", "silence"),
    [
        (Risk.UNLIKELY, (), Silence.UNLIKELY_RISK),
        (Risk.HIGH, (Notified.AUTHORITY,), Silence.PROTECTED),
    ],
)
async def test_without_notification_it_takes_a_reason_and_two_people(
    register: Register,
    olaf: Principal,
    *,
    risk: Risk,
    told: tuple[Notified, ...],
    silence: Silence,
) -> None:
    breach = (await register.open(olaf)).breach
    await register.assess(breach, olaf, risk)
    for whom in told:
        await register.notify(breach, olaf, whom)
    plain = await refused(register.close(breach, olaf))
    asked = await register.close(breach, olaf, silence)
    assert asked.act is not None
    again = await register.team.principal("olaf")
    for who in (olaf, again, Principal("bot", Role.SERVICE)):
        with pytest.raises((DeniedError, ForbiddenError)):
            await register.approve(asked.act, who)
    before = await register.breaches.show(breach, olaf)
    await register.approve(asked.act, await register.team.principal("dora"))
    after = await register.breaches.show(breach, olaf)

    assert isinstance(plain, BadRequestError)
    assert (asked.state, before.state, after.state) == ("open", "open", "closed")
    assert after.silence is silence


@pytest.mark.parametrize(
    ("lower", "silence", "unfit"),
    [
        (Risk.RISK, Silence.AVERTED, Silence.UNLIKELY_RISK),
        (Risk.UNLIKELY, Silence.UNLIKELY_RISK, None),
    ],
)
async def test_who_finds_a_lower_risk_does_not_close_alone(
    register: Register,
    olaf: Principal,
    *,
    lower: Risk,
    silence: Silence,
    unfit: Silence | None,
) -> None:
    breach = (await register.open(olaf)).breach
    await register.assess(breach, olaf, Risk.HIGH)
    await register.notify(breach, olaf, Notified.AUTHORITY)
    await register.assess(breach, olaf, Risk.RISK)
    await register.assess(breach, olaf, lower)
    for reason in {None, unfit}:
        error = await refused(register.close(breach, olaf, reason))
        assert isinstance(error, BadRequestError)
    asked = await register.close(breach, olaf, silence)
    assert asked.act is not None
    assert asked.state == "open"
    await register.approve(asked.act, await register.team.principal("dora"))

    assert (await register.breaches.show(breach, olaf)).state == "closed"


async def test_what_became_known_meanwhile_undoes_the_asking(
    register: Register, olaf: Principal
) -> None:
    breach = (await register.open(olaf)).breach
    await register.assess(breach, olaf, Risk.UNLIKELY)
    asked = await register.close(breach, olaf, Silence.UNLIKELY_RISK)
    assert asked.act is not None
    register.team.pass_time(WITHIN)
    await register.remind()  # the clock alone changes nothing
    await register.assess(breach, olaf, Risk.HIGH)
    error = await refused(
        register.approve(asked.act, await register.team.principal("dora"))
    )

    assert isinstance(error, WrongStateError)
    assert (await register.breaches.show(breach, olaf)).state == "open"


async def test_without_a_second_person_nothing_waits(
    register: Register, team: Team
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    olaf = await team.principal("olaf")
    breach = (await register.open(olaf)).breach
    early = await refused(register.close(breach, olaf, Silence.UNLIKELY_RISK))
    await register.assess(breach, olaf, Risk.UNLIKELY)
    alone = await refused(register.close(breach, olaf, Silence.UNLIKELY_RISK))

    assert isinstance(early, WrongStateError)
    assert early.code == "not_assessed"
    assert isinstance(alone, WrongStateError)
    assert alone.code == "no_second_person"
    assert (await register.approvals.pending()).acts == []


async def test_what_does_not_fit_is_refused_with_its_field(
    register: Register, olaf: Principal
) -> None:
    breach = (await register.open(olaf)).breach
    future = await refused(register.open(olaf, ago=-60))
    register.team.pass_time(WITHIN + 1)
    late = await refused(register.notify(breach, olaf, Notified.AUTHORITY))
    early = NotifyBreach(to=Notified.PERSONS, at=1, reference="file-1")
    before = await refused(register.breaches.notify(breach, early, olaf))
    unknown = await refused(register.breaches.show("0" * 32, olaf))

    pointers = [getattr(error, "pointer", None) for error in (future, late, before)]
    assert pointers == ["/aware_at", "/late", "/at"]
    assert isinstance(unknown, NotFoundError)


async def test_a_breach_is_not_closed_before_the_other_members_know(
    register: Register, olaf: Principal
) -> None:
    register.others.append("b.demo")
    breach = (await register.open(olaf)).breach
    await register.assess(breach, olaf, Risk.RISK)
    await register.notify(breach, olaf, Notified.AUTHORITY)
    early = await refused(register.close(breach, olaf))
    await register.notify(breach, olaf, Notified.MEMBERS)
    closed = await register.close(breach, olaf)

    assert isinstance(early, WrongStateError)
    assert early.code == "members_not_told"
    assert closed.state == "closed"


async def test_a_higher_risk_found_while_it_is_closed_keeps_it_open(
    register: Register, olaf: Principal
) -> None:
    breach = (await register.open(olaf)).breach
    await register.assess(breach, olaf, Risk.HIGH)
    await register.notify(breach, olaf, Notified.AUTHORITY)
    (*_, row) = await register.store.read(lambda tx: tx.breach_entries(breach))

    with pytest.raises(BadRequestError, match="persons"):
        register.breaches._closed(read_breach(row))  # noqa: SLF001 - within its act


async def test_what_is_closed_stays_as_it_is(
    register: Register, olaf: Principal
) -> None:
    breach = (await register.open(olaf)).breach
    await register.assess(breach, olaf, Risk.RISK)
    await register.notify(breach, olaf, Notified.AUTHORITY)
    await register.close(breach, olaf)
    for work in (
        register.close(breach, olaf),
        register.assess(breach, olaf, Risk.HIGH),
        register.notify(breach, olaf, Notified.PERSONS),
    ):
        error = await refused(work)
        assert isinstance(error, WrongStateError)


@pytest.mark.embedded
async def test_a_note_lies_sealed_and_goes_with_its_month(
    register: Register, olaf: Principal, keys: PeriodKeys, tmp_path: Path
) -> None:
    breach = (await register.open(olaf, note=NOTE)).breach
    with sqlite3.connect(tmp_path / "node.db") as database:
        rows = database.execute("SELECT * FROM breach_entries").fetchall()
        with pytest.raises(sqlite3.IntegrityError):
            database.execute("UPDATE breach_entries SET recorded_by = 'x'")
        with pytest.raises(sqlite3.IntegrityError):
            database.execute("DELETE FROM breach_entries")
    database.close()
    await asyncio.to_thread(keys.destroy, "2026-11", present="2026-12")

    assert NOTE not in str(rows)
    assert (await register.breaches.show(breach, olaf)).notes == []


@pytest.mark.promise("LR-29")
@given(
    told=st.lists(st.sampled_from(Notified), max_size=3),
    risk=st.sampled_from(Risk),
    silence=st.none() | st.sampled_from(Silence),
    was_high=st.booleans(),
)
def test_nobody_who_must_be_told_is_passed_over_without_a_reason_that_fits(
    told: list[Notified], risk: Risk, silence: Silence | None, *, was_high: bool
) -> None:
    breach = Breach(
        v=1,
        aware_at=0,
        kinds=[Kind.INTEGRITY],
        cause=Cause.UNKNOWN,
        opened_by="olaf",
        risk=risk,
        was_high=was_high,
        notifications=[NotifyBreach(to=to, at=1, reference="r") for to in told],
    )
    if fits(breach, silence):
        if Notified.AUTHORITY not in told:
            assert (risk, silence) == (Risk.UNLIKELY, Silence.UNLIKELY_RISK)
        elif Notified.PERSONS not in told and (was_high or risk is Risk.HIGH):
            assert silence is not None
            assert (silence is Silence.UNLIKELY_RISK) <= (risk is Risk.UNLIKELY)
        else:
            assert silence is None
    assert NOTE not in encode(breach).decode()
