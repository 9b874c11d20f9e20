# SPDX-License-Identifier: Apache-2.0
"""The clocks of cases in time-lapse: thirty days over both changes of the clock."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import pytest
from tests.node.conftest import OpenStore
from tests.node.people.conftest import Team, team
from tests.support.case_team import Desk, ada, ben, desk, refused, tables
from tests.support.case_time import Clockwork, moment

from fedsafe_node.acts.cases import ApproveCase, NoteCall
from fedsafe_node.casework.cases.clock import count_overdue
from fedsafe_node.casework.cases.keeper import EVENTS, Change
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.calls import Ordered, Said
from fedsafe_policies.escalation.clocks import Course, alarms
from fedsafe_policies.escalation.laender import Calendar, Land
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import PartnerClass, Urgency
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

__all__ = ["ada", "ben", "desk", "tables", "team"]

HOUR, DAY = 3_600, 86_400
POLICE: Final = ApproveCase(partners=(PartnerClass.POLICE_EMERGENCY,))


@pytest.fixture
def clocks(desk: Desk, keys: PeriodKeys) -> Clockwork:
    return Clockwork(desk, keys)


async def step(desk: Desk, case: str, name: str, state: CaseState) -> None:
    """Take a step that a transport will take."""

    async def act(tx: Transaction) -> None:
        row, file = await desk.keeper.read(tx, case)
        change = Change(
            step=name,
            state=state,
            urgency=Urgency(row.urgency),
            known_at=row.known_at,
            file=file,
        )
        person = Person("ada", Role.ESCALATION_OFFICER)
        await desk.keeper.keep(tx, row, case, change, person)

    await desk.store.write(act)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("packaged", "dispatching", "delivered", "acknowledged"):
        if name not in EVENTS:
            monkeypatch.setitem(EVENTS, name, Event.CASE_APPROVED)


@pytest.mark.parametrize(
    ("begins", "land"),
    [
        ("2026-10-23T22:10+02:00", Land.BE),
        ("2027-03-26T22:10+01:00", Land.BY),
    ],
)
async def test_thirty_days_tell_everything_once_and_at_its_moment(
    open_node_store: OpenStore, keys: PeriodKeys, begins: str, land: Land
) -> None:
    start = moment(begins)
    desk = Desk(Team(await open_node_store()), keys)
    desk.team.clock.moment = datetime.fromtimestamp(start, UTC)
    ada = await desk.hire("ada", Role.ESCALATION_OFFICER)
    known = {
        urgency: await desk.open(ada, urgency=urgency, known_at=start)
        for urgency in (Urgency.U0, Urgency.U1, Urgency.U2, Urgency.UH)
    }
    clocks = Clockwork(desk, keys, land)
    half_hours = range(start, start + 30 * DAY, HOUR // 2)
    expected = sorted(
        {
            alarm.at
            for urgency in known
            for now in (start + 150, *half_hours)
            for alarm in alarms(
                Course(urgency=urgency, known_at=start), Calendar(land), now
            )
        }
        | {start + 15 * 60}  # between two half hours
    )

    rang = list[int]()
    for number, at in enumerate(expected):
        assert await clocks.tend(at - 1) == 0, datetime.fromtimestamp(at, UTC)
        if await clocks.tend(at):
            rang.append(at)
        if number == len(expected) // 2:
            desk = Desk(Team(await open_node_store()), keys)
            clocks = Clockwork(desk, keys, land)
            assert await clocks.tend(at) == 0

    assert rang == expected


async def test_imminent_danger_goes_down_its_chain_once(
    desk: Desk, ada: Principal, clocks: Clockwork
) -> None:
    start = desk.team.now
    case = await desk.open(ada, urgency=Urgency.U0, known_at=start)
    for minutes in range(91):
        await clocks.tend(start + minutes * 60)
    told = await clocks.told()

    assert told == [
        ("call", "near", None),
        ("call", "overdue", None),
        ("dispatch", "near", None),
        ("acknowledgement", "near", None),
        ("dispatch", "overdue", None),
        ("acknowledgement", "fallback", "next_contact"),
        ("acknowledgement", "fallback", "management"),
        ("acknowledgement", "overdue", None),
    ]
    shown = await desk.cases.show(case, ada)
    ways = [alarm.fallback for alarm in shown.alarms if alarm.fallback]
    assert ways == ["next_contact", "management"]
    events = [each for each in await desk.team.events() if each[0] == "case.due"]
    assert [outcome for _, outcome, _ in events] == [stage for _, stage, _ in told]
    assert "Treffen" not in str(events)


async def test_who_was_away_is_told_once_and_nobody_twice_by_a_clock_set_back(
    desk: Desk, ada: Principal, clocks: Clockwork
) -> None:
    start = desk.team.now
    await desk.open(ada, urgency=Urgency.U1, known_at=start)
    assert await clocks.tend(start + 7 * DAY) == 4
    for back in (6 * DAY, 5 * HOUR, 2 * HOUR):
        assert await clocks.tend(start + back) == 0
    assert await clocks.tend(start + 7 * DAY) == 0
    assert await clocks.tend(start + 8 * DAY) == 2

    assert (await clocks.told())[:4] == [
        ("acknowledgement", "fallback", "second_channel"),
        ("acknowledgement", "fallback", "phone"),
        ("dispatch", "overdue", None),
        ("acknowledgement", "overdue", None),
    ]


async def test_two_processes_at_once_tell_once(
    desk: Desk, ada: Principal, keys: PeriodKeys
) -> None:
    start = desk.team.now
    await desk.open(ada, urgency=Urgency.U1, known_at=start)
    one, other = Clockwork(desk, keys), Clockwork(desk, keys)
    desk.team.pass_time(3 * HOUR)
    counts = [await one.tend(), await other.tend()]

    assert counts == [1, 0]
    assert await one.told() == [("dispatch", "near", None)]


@pytest.mark.usefixtures("sent")
async def test_what_has_arrived_and_what_is_acknowledged_is_owed_no_more(
    desk: Desk, ada: Principal, ben: Principal, clocks: Clockwork
) -> None:
    start = desk.team.now
    case = await desk.full(ada, urgency=Urgency.U1, known_at=start)
    asked = await desk.cases.approve(
        case, ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,)), ada
    )
    await desk.approve(asked, ben)
    (listed,) = (await desk.cases.list(ada)).cases
    assert [term.milestone for term in listed.owed] == ["dispatch", "acknowledgement"]
    await step(desk, case, "packaged", CaseState.PACKAGED)
    await step(desk, case, "dispatching", CaseState.DISPATCHING)
    await clocks.tend(start + 2 * HOUR)
    assert await clocks.told() == [("dispatch", "near", None)]

    await step(desk, case, "delivered", CaseState.DELIVERED)
    await clocks.tend(start + 11 * HOUR)
    assert len(await clocks.told()) == 1
    await clocks.tend(start + 12 * HOUR)
    assert (await clocks.told())[1:] == [("acknowledgement", "near", None)]
    await step(desk, case, "acknowledged", CaseState.ACKNOWLEDGED)
    await clocks.tend(start + 30 * DAY)

    assert len(await clocks.told()) == 2
    terms = (await desk.cases.show(case, ada)).terms
    assert all(term.met_at is not None and not term.overdue for term in terms)


@pytest.mark.usefixtures("sent")
async def test_the_second_look_is_taken_after_the_dispatch_and_before_the_end(
    desk: Desk, ada: Principal, ben: Principal, clocks: Clockwork
) -> None:
    start = desk.team.now
    case = await desk.full(ada, urgency=Urgency.U0, known_at=start)
    await desk.cases.approve(case, POLICE, ada)
    released = desk.team.now
    for name, state in (
        ("packaged", CaseState.PACKAGED),
        ("dispatching", CaseState.DISPATCHING),
        ("delivered", CaseState.DELIVERED),
        ("acknowledged", CaseState.ACKNOWLEDGED),
    ):
        await step(desk, case, name, state)
    await clocks.tend(released + 12 * HOUR)
    assert ("second_look", "overdue", None) in await clocks.told()
    shown = await desk.cases.show(case, ada)
    assert "second_look" in shown.unanswered
    unseen = await refused(desk.cases.close(case, ada))
    alone = await refused(desk.cases.approve(case, POLICE, ada))
    looked = await desk.cases.approve(case, POLICE, ben)

    assert isinstance(unseen, WrongStateError)
    assert "second_look" in str(unseen)
    assert alone.decision.code == "four_eyes"
    assert looked.state is CaseState.ACKNOWLEDGED
    after = await desk.cases.show(case, ada)
    assert "second_look" not in after.unanswered
    assert after.release is not None
    assert after.release.second == "ben"


async def test_a_case_that_is_made_more_urgent_is_told_of_anew(
    desk: Desk, ada: Principal, clocks: Clockwork
) -> None:
    start = desk.team.now
    await desk.open(ada, urgency=Urgency.UH, known_at=start)
    await clocks.tend(start + 12 * HOUR)
    case = (await desk.cases.list(ada)).cases[0].case
    row = await desk.store.read(lambda reader: reader.case(case))
    assert row is not None
    urgent = msgspec.structs.replace(row, urgency="u0", revision=row.revision + 1)
    await desk.store.write(lambda tx: tx.put_case(urgent))
    count = await clocks.tend()

    assert await clocks.told() != [("dispatch", "near", None)]
    assert count == 5


async def test_overdue_cases_are_counted_and_a_closed_one_is_silent(
    desk: Desk, ada: Principal, clocks: Clockwork
) -> None:
    start = desk.team.now
    await desk.open(ada, urgency=Urgency.U2, known_at=start)
    urgent = await desk.open(ada, urgency=Urgency.U1, known_at=start)

    async def counted() -> tuple[int, int, int]:
        now, calendar = desk.team.now, Calendar()
        found = await desk.store.read(
            lambda r: count_overdue(r, desk.vault, calendar, now)
        )
        return found.open, found.late, found.urgent

    before = await counted()
    desk.team.clock.advance(timedelta(hours=4))
    late = await counted()
    row = await desk.store.read(lambda reader: reader.case(urgent))
    assert row is not None
    closed = msgspec.structs.replace(row, state="closed", revision=row.revision + 1)
    await desk.store.write(lambda tx: tx.put_case(closed))
    await clocks.tend()

    assert (before, late) == ((2, 0, 0), (2, 1, 1))
    assert await counted() == (1, 0, 0)
    assert await clocks.told() == []


async def test_an_exercise_runs_by_the_clock_and_alarms_nobody(
    desk: Desk, ada: Principal, clocks: Clockwork
) -> None:
    start, calendar = desk.team.now, Calendar()
    case = await desk.open(ada, urgency=Urgency.U0, known_at=start, test=True)
    unread = await desk.open(ada, urgency=Urgency.U2, known_at=start, test=True)
    await clocks.tend(start + HOUR)

    async def late(at: int) -> tuple[int, int, int]:
        found = await desk.store.read(
            lambda r: count_overdue(r, desk.vault, calendar, at)
        )
        return found.open, found.late, found.urgent

    shown = await desk.cases.show(case, ada)
    assert await late(start + 90 * DAY) == (2, 0, 0)
    assert await clocks.told() == []
    assert any(term.overdue for term in shown.terms)
    assert shown.alarms != []

    row = await desk.store.read(lambda reader: reader.case(unread))
    assert row is not None
    damaged = msgspec.structs.replace(row, sealed=b"?", revision=row.revision + 1)
    await desk.store.write(lambda tx: tx.put_case(damaged))
    assert await late(start + 90 * DAY) == (2, 1, 0)  # it may be about somebody


async def test_a_call_is_kept_sealed_and_ends_the_reminder_to_call(
    desk: Desk, ada: Principal, ben: Principal, clocks: Clockwork
) -> None:
    start = desk.team.now
    case = await desk.full(ada, urgency=Urgency.U0, known_at=start)
    await desk.cases.approve(case, POLICE, ada)
    request = NoteCall(
        number="110",
        at=start,
        officer="Leitstelle Nord",
        reference="2026/4711",
        said=(Said.PLACE, Said.WHO),
        ordered=(Ordered.SEND_PACKAGE,),
    )
    receipt = await desk.cases.call(case, request, ben)
    await clocks.tend(start + 600)
    shown = await desk.cases.show(case, ada)

    assert receipt.state is CaseState.APPROVED
    (call,) = shown.calls
    assert (call.number, call.officer, call.by) == ("110", "Leitstelle Nord", "ben")
    assert (call.said, call.ordered) == (["place", "who"], ["send_package"])
    assert shown.release is not None
    assert shown.steps[-1].step == "called"
    assert await clocks.told() == []
    assert "Leitstelle" not in str(await desk.team.events())
    row = await desk.store.read(lambda reader: reader.case(case))
    assert row is not None
    assert row.sealed is not None
    assert b"Leitstelle" not in row.sealed


async def test_a_call_that_nobody_answers_is_kept_and_owed_still(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    start = desk.team.now
    case = await desk.full(ada, urgency=Urgency.U0, known_at=start)
    await desk.cases.approve(case, POLICE, ada)
    tried = NoteCall(number="110", at=start, reference="online-7", answered=False)
    await desk.cases.call(case, tried, ben)
    shown = await desk.cases.show(case, ada)
    owed = {each.milestone for each in shown.terms if each.met_at is None}
    named = NoteCall(number="110", at=start, officer="Nord", answered=False)
    spoken = NoteCall(number="110", at=start, said=(Said.WHO,), answered=False)
    errors = [await refused(desk.cases.call(case, x, ben)) for x in (named, spoken)]
    await desk.cases.call(case, NoteCall(number="110", at=start), ben)
    later = await desk.cases.show(case, ada)

    (call,) = shown.calls
    assert (call.answered, call.reference, call.by) == (False, "online-7", "ben")
    assert shown.steps[-1].step == "not_reached"
    assert "call" in owed
    assert [(e.code, e.pointer) for e in errors] == [("invalid_body", "/answered")] * 2
    assert [each.answered for each in later.calls] == [False, True]
    assert "call" not in {x.milestone for x in later.terms if x.met_at is None}


async def test_a_call_in_the_future_or_of_a_closed_case_is_refused(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada, urgency=Urgency.U0)
    later = NoteCall(number="110", at=desk.team.now + 60)
    future = await refused(desk.cases.call(case, later, ada))
    row = await desk.store.read(lambda reader: reader.case(case))
    assert row is not None
    await step(desk, case, "closed", CaseState.CLOSED)
    over = await refused(
        desk.cases.call(case, NoteCall(number="110", at=desk.team.now), ada)
    )

    assert (future.code, future.pointer) == ("bad_span", "/at")
    assert isinstance(over, WrongStateError)


async def test_a_call_may_come_before_the_case_but_not_days_before(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada, urgency=Urgency.U0)
    known = desk.team.now - 60
    early = NoteCall(number="110", at=known - 2 * 86_400)
    error = await refused(desk.cases.call(case, early, ada))
    await desk.cases.call(case, NoteCall(number="110", at=known - 3_600), ada)

    assert (error.code, error.pointer) == ("bad_span", "/at")
    assert [call.at for call in (await desk.cases.show(case, ada)).calls] == [
        known - 3_600
    ]
