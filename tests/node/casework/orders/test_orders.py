# SPDX-License-Identifier: Apache-2.0
"""The register of orders: who enters and answers them, by when, and who is told."""

from datetime import datetime
from importlib.resources import files
from typing import Any, Final

import pytest
from tests.node.people.conftest import Team, team
from tests.support.case_team import refused

from fedsafe_node.acts.orders import AddOrder, AnswerOrder, NoteOrder, OrderStep
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.orders.clock import OrderClock, count_orders, tend_orders
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.casework.orders.service import Orders
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.laender import Calendar, laender
from fedsafe_policies.escalation.orders import (
    OrderGround,
    OrderKind,
    OrderOutcome,
    answer_by,
    load_orders,
    orders,
)
from fedsafe_policies.vocabulary import Role

__all__ = ["team"]

HOUR, DAY = 3_600, 86_400
REFUSED: Final = AnswerOrder(
    outcome=OrderOutcome.REFUSED, grounds=(OrderGround.NO_LEGAL_BASIS,)
)
DONE: Final = AnswerOrder(outcome=OrderOutcome.FULFILLED, reference="letter-8")


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    for table in (laender, orders):
        table()  # as a node reads them, off the loop


class Register:
    """The orders of a team, and what was told of them."""

    def __init__(self, team: Team, keys: PeriodKeys) -> None:
        self.team = team
        vault = OrderVault(keys)
        self.orders = Orders(team.situation, team.office, vault, CaseVault(keys))
        self.told: list[Detail] = []
        self.clock = OrderClock(team.office, vault, self._tell, Calendar())

    async def _tell(self, _tx: Transaction, content: Detail) -> None:
        self.told.append(content)

    async def hire(self, name: str, role: Role) -> Principal:
        await self.team.hire(name, role)
        return await self.team.principal(name)

    def order(self, **facts: Any) -> AddOrder:  # noqa: ANN401
        known: dict[str, Any] = {
            "kind": OrderKind.EPOC,
            "received_at": self.team.now,
            "authority": "Parquet de Paris",
            "reference": "4711",
            "basis": "Art. 5",
            "scope": "Konto kim77",
            "language": "fr",
        }
        return AddOrder(**(known | facts))


@pytest.fixture
def register(team: Team, keys: PeriodKeys) -> Register:
    return Register(team, keys)


@pytest.fixture
async def ella(register: Register) -> Principal:
    return await register.hire("ella", Role.ESCALATION_OFFICER)


@pytest.fixture
async def jura(register: Register) -> Principal:
    return await register.hire("jura", Role.LEGAL_ADVISER)


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


@pytest.mark.promise("LR-41")
@pytest.mark.parametrize(
    ("kind", "emergency", "end"),
    [
        ("dsa_9", False, "2026-10-25T21:00+01:00"),
        ("dsa_10", False, "2026-10-29T00:00+01:00"),
        ("tdddg_22", False, "2026-10-29T00:00+01:00"),
        ("tdddg_22", True, "2026-10-25T05:00+01:00"),
        ("epoc", False, "2026-11-03T22:00+01:00"),
        ("epoc", True, "2026-10-25T05:00+01:00"),
        ("epoc_pr", False, "2026-10-25T05:00+01:00"),
    ],
)
def test_each_kind_has_its_deadline_over_the_change_of_the_clock(
    kind: str,
    emergency: bool,  # noqa: FBT001
    end: str,
) -> None:
    received = seconds("2026-10-24T22:00+02:00")
    due = answer_by(OrderKind(kind), received, Calendar(), emergency=emergency)

    assert due == seconds(end)
    sooner, later = received + 60, seconds(end) + 60
    named = [
        answer_by(OrderKind(kind), received, Calendar(), emergency=emergency, named=at)
        for at in (sooner, later)
    ]
    assert named == [sooner, due]


def test_a_table_that_lacks_a_kind_is_refused() -> None:
    with pytest.raises(PolicyFileError, match="lacks bzkj_advice"):
        load_orders(b"format = 1\n[orders]\n")


@pytest.mark.parametrize(
    ("line", "other", "key"),
    [
        ("by_letter = true", "", "orders.bzkj_hearing.deadline"),
        ("fixed = false\nby_letter", "fixed = true\nby_letter", "by_letter"),
    ],
)
def test_a_kind_either_has_its_time_or_leaves_it_to_the_letter(
    line: str, other: str, key: str
) -> None:
    shipped = files("fedsafe_policies").joinpath("data/orders.toml").read_text("utf-8")
    with pytest.raises(PolicyFileError) as caught:
        load_orders(shipped.replace(line, other).encode())

    assert key in str(caught.value)


@pytest.mark.promise("LR-40")
async def test_an_order_is_entered_acknowledged_and_answered_by_another(
    register: Register, ella: Principal, jura: Principal
) -> None:
    service = register.orders
    added = await service.add(register.order(), ella)
    await service.note(added.order, NoteOrder(step=OrderStep.ACKNOWLEDGED), ella)
    again = await refused(
        service.note(added.order, NoteOrder(step=OrderStep.ACKNOWLEDGED), ella)
    )
    alone = await refused(service.answer(added.order, DONE, ella))
    await service.answer(added.order, REFUSED, jura)
    twice = await refused(service.answer(added.order, DONE, jura))
    shown = await service.show(added.order, jura)

    assert isinstance(again, WrongStateError)
    assert isinstance(alone, DeniedError)
    assert alone.decision.code == "role"
    assert twice.code == "already_answered"
    assert (shown.order.outcome, shown.grounds) == ("refused", ["no_legal_basis"])
    assert (shown.entered_by, shown.answered_by) == ("ella", "jura")
    assert (shown.scope, shown.source) == (
        "Konto kim77",
        "Art. 10 Regulation (EU) 2023/1543",
    )
    events = [each for each in await register.team.events() if "order." in each[0]]
    assert [kind for kind, _, _ in events] == [
        *("order.added", "order.noted", "order.answered", "order.read"),
    ]
    assert "kim77" not in str(events)
    row = await register.team.store.read(lambda r: r.order(added.order))
    assert row is not None
    assert row.sealed is not None
    assert b"kim77" not in row.sealed


async def test_the_first_order_of_a_month_makes_its_key_off_the_loop(
    register: Register, ella: Principal
) -> None:
    register.team.pass_time(40 * DAY)
    added = await register.orders.add(register.order(), ella)
    shown = await register.orders.show(added.order, ella)

    assert shown.scope == "Konto kim77"


async def test_the_legal_adviser_does_not_answer_what_they_entered(
    register: Register, jura: Principal
) -> None:
    added = await register.orders.add(register.order(), jura)
    error = await refused(register.orders.answer(added.order, DONE, jura))

    assert error.decision.code == "four_eyes"


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"received_at": 1 << 40}, "/received_at"),
        ({"due_at": 1}, "/due_at"),
        ({"secret_until": 1}, "/secret_until"),
        ({"secret_until": 1 << 40}, "/accounts"),
        ({"kind": OrderKind.DSA_9, "emergency": True}, "/emergency"),
        ({"emergency": True, "oral": True}, "/oral"),
        ({"kind": OrderKind.TDDDG_22, "oral": True}, "/oral"),
        ({"kind": OrderKind.BZKJ_REQUEST}, "/due_at"),
        ({"kind": OrderKind.BZKJ_ORDER, "emergency": True}, "/emergency"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(
    register: Register, ella: Principal, facts: dict[str, Any], pointer: str
) -> None:
    error = await refused(register.orders.add(register.order(**facts), ella))

    assert error.pointer == pointer


async def test_grounds_go_with_a_refusal_and_a_case_must_be_there(
    register: Register, ella: Principal, jura: Principal
) -> None:
    added = await register.orders.add(register.order(), ella)
    bare = AnswerOrder(outcome=OrderOutcome.PARTLY)
    needless = AnswerOrder(
        outcome=OrderOutcome.FULFILLED, grounds=(OrderGround.UNCLEAR,)
    )
    for answer in (bare, needless):
        error = await refused(register.orders.answer(added.order, answer, jura))
        assert (error.code, error.pointer) == ("not_for_outcome", "/grounds")
    lost = await refused(register.orders.add(register.order(case="0f" * 16), ella))

    assert isinstance(lost, NotFoundError)


@pytest.mark.promise("LR-41")
async def test_an_emergency_is_told_of_at_half_time_when_it_is_over_and_daily(
    register: Register, ella: Principal, jura: Principal
) -> None:
    start = register.team.now
    added = await register.orders.add(register.order(emergency=True), ella)
    rang = list[int]()
    for half_hour in range(3 * 48):
        if await tend_orders(register.clock):
            rang.append(register.team.now - start)
        assert await tend_orders(register.clock) == 0
        if half_hour == 20:
            register.team.pass_time(-3 * HOUR)
            assert await tend_orders(register.clock) == 0
            register.team.pass_time(3 * HOUR)
        register.team.pass_time(HOUR / 2)
    late = await register.team.store.read(
        lambda reader: count_orders(reader, register.team.now)
    )
    await register.orders.answer(added.order, DONE, jura)

    assert rang == [4 * HOUR, 8 * HOUR, 8 * HOUR + DAY, 8 * HOUR + 2 * DAY]
    assert [each["overdue"] for each in register.told] == [False, True, True, True]
    assert (added.due_at, late) == (start + 8 * HOUR, 1)
    register.team.pass_time(9 * DAY)
    assert await tend_orders(register.clock) == 0
    shown = await register.orders.show(added.order, ella)
    assert shown.scope == "Konto kim77"


@pytest.mark.promise("LR-40")
async def test_an_order_by_word_of_mouth_is_reminded_of_until_it_is_confirmed(
    register: Register, ella: Principal, jura: Principal
) -> None:
    oral = register.order(kind=OrderKind.TDDDG_22, emergency=True, oral=True)
    added = await register.orders.add(oral, ella)
    await register.orders.answer(added.order, DONE, jura)
    register.team.pass_time(7 * DAY)
    first, again = await tend_orders(register.clock), await tend_orders(register.clock)
    (listed,) = (await register.orders.list(ella)).orders
    confirmed = NoteOrder(step=OrderStep.CONFIRMED)
    await register.orders.note(added.order, confirmed, ella)
    register.team.pass_time(7 * DAY)

    assert (first, again, listed.unconfirmed) == (1, 0, True)
    assert register.told[-1]["milestone"] == "confirmation"
    assert await tend_orders(register.clock) == 0


def letter(register: Register, due_at: int) -> AddOrder:
    return register.order(
        kind=OrderKind.BZKJ_REQUEST, authority="BzKJ", language="de", due_at=due_at
    )


@pytest.mark.promise("LR-53")
async def test_a_letter_of_the_bzkj_is_told_of_by_the_deadline_that_it_sets(
    register: Register, ella: Principal, jura: Principal
) -> None:
    friday, monday = "2026-11-06T12:00+01:00", seconds("2026-12-07T12:00+01:00")
    half, before = "2026-11-22T00:00+01:00", "2026-12-04T09:00+01:00"
    register.team.pass_time(seconds(friday) - register.team.now)
    added = await register.orders.add(letter(register, monday), ella)
    rang = list[int]()
    for moment in (seconds(half), seconds(before), monday, monday + DAY):
        for second in (moment - 1, moment):
            register.team.pass_time(second - register.team.now)
            rang.append(await tend_orders(register.clock))
    answered = AnswerOrder(outcome=OrderOutcome.ANSWERED, reference="letter-8")
    await register.orders.answer(added.order, answered, jura)
    shown = await register.orders.show(added.order, ella)

    assert (added.due_at, rang) == (monday, [0, 1] * 4)
    assert (shown.by_letter, shown.fixed, shown.source) == (
        *(True, False),
        "§ 24b JuSchG",
    )
    assert (shown.order.outcome, shown.answer_reference) == ("answered", "letter-8")
    assert (shown.answered_by, shown.order.answered_at) == ("jura", register.team.now)


async def test_a_letters_deadline_is_moved_under_a_reference_until_it_is_answered(
    register: Register, ella: Principal, jura: Principal
) -> None:
    due = register.team.now + DAY
    added = await register.orders.add(letter(register, due), ella)
    register.team.pass_time(2 * DAY)
    moved = NoteOrder(step=OrderStep.MOVED, due_at=due + 9 * DAY, reference="letter-9")
    late = await register.team.store.read(lambda r: count_orders(r, register.team.now))
    await register.orders.note(added.order, moved, ella)
    now = register.team.now
    afterwards = await register.team.store.read(lambda r: count_orders(r, now))
    shown = await register.orders.show(added.order, ella)
    await register.orders.answer(added.order, REFUSED, jura)
    over = await refused(register.orders.note(added.order, moved, ella))

    assert (late, afterwards) == (1, 0)
    assert (shown.order.due_at, shown.move_reference) == (due + 9 * DAY, "letter-9")
    assert over.code == "already_answered"
    steps = [each for each in await register.team.events() if "order." in each[0]]
    for (_, _, told), deadline in zip(steps, (due, due + 9 * DAY), strict=False):
        assert str(deadline) in told


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"step": OrderStep.MOVED, "reference": "letter-9"}, "/due_at"),
        ({"step": OrderStep.MOVED, "due_at": 9_999_999_999}, "/reference"),
        ({"step": OrderStep.ACKNOWLEDGED, "due_at": 9_999_999_999}, "/due_at"),
        ({"step": OrderStep.MOVED, "due_at": 1, "reference": "letter-9"}, "/due_at"),
    ],
)
async def test_a_move_names_its_new_deadline_and_what_moved_it(
    register: Register, ella: Principal, facts: dict[str, Any], pointer: str
) -> None:
    due = register.team.now + DAY
    added = await register.orders.add(letter(register, due), ella)
    error = await refused(register.orders.note(added.order, NoteOrder(**facts), ella))

    assert error.pointer == pointer
    shown = await register.orders.show(added.order, ella)
    assert shown.order.due_at == due


async def test_only_a_letter_is_just_answered_or_moved(
    register: Register, ella: Principal, jura: Principal
) -> None:
    added = await register.orders.add(register.order(), ella)
    answered = AnswerOrder(outcome=OrderOutcome.ANSWERED)
    moved = NoteOrder(step=OrderStep.MOVED, due_at=9_999_999_999, reference="letter-9")
    unfit = await refused(register.orders.answer(added.order, answered, jura))
    fixed = await refused(register.orders.note(added.order, moved, ella))

    assert (unfit.code, unfit.pointer) == ("not_for_outcome", "/outcome")
    assert isinstance(fixed, WrongStateError)
