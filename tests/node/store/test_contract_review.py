# SPDX-License-Identifier: Apache-2.0
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace
from tests.support.store_rows import listed

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import (
    FIRST_PLACE,
    LookRow,
    TaskAnswerRow,
    TaskDecisionRow,
    TaskHearingRow,
    TaskInquiryRow,
    TaskRow,
    TaskSignalRow,
    TaskState,
)
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction


def task(number: int, subject: str = "account-1", ends_at: int = 500) -> TaskRow:
    return TaskRow(
        id=f"{number:032x}",
        subject=subject,
        state=TaskState.OPEN,
        opened_at=100 + number,
        ends_at=ends_at,
        remind_at=ends_at - 50,
    )


def signal(number: int, task: int = 1) -> TaskSignalRow:
    return TaskSignalRow(
        task=f"{task:032x}",
        origin="b.demo",
        signal_id=bytes([number]) * 16,
        added_at=100 + number,
        period="2026-11",
        sealed=b"sealed",
    )


def decision(by: str, task: int = 1, outcome: str = "confirm") -> TaskDecisionRow:
    return TaskDecisionRow(
        task=f"{task:032x}",
        outcome=outcome,
        decided_by=by,
        decided_at=200,
        dwell=30,
        level="L4",
        evidence="case-7",
    )


async def add(store: Store, *tasks: TaskRow) -> None:
    async def act(tx: Transaction) -> None:
        for each in tasks:
            await tx.add_task(each)

    await store.write(act)


async def test_an_account_has_one_open_task(store: Store) -> None:
    await add(store, task(1), task(2, "account-2"))

    with pytest.raises(ConflictError):
        await add(store, task(3))

    watched = replace(task(1), state=TaskState.WATCHED)
    await store.write(lambda tx: tx.put_task(watched))
    await add(store, task(3))

    assert await store.read(lambda r: r.live_tasks("account-1")) == [watched, task(3)]
    assert await store.read(lambda r: r.task(task(2).id)) == task(2, "account-2")
    assert await store.read(lambda r: r.live_tasks("account-9")) == []
    decided = replace(watched, state=TaskState.DECIDED)
    await store.write(lambda tx: tx.put_task(decided))
    assert await store.read(lambda r: r.live_tasks("account-1")) == [task(3)]
    assert await store.read(lambda r: r.tasks_about("account-1")) == [decided, task(3)]
    await store.write(lambda tx: tx.put_task(watched))
    (kept,) = await store.read(lambda r: r.tasks_in(TaskState.WATCHED, 9))
    assert kept.task == watched


async def test_a_task_that_is_not_there_is_not_kept(store: Store) -> None:
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.put_task(task(1)))


async def test_what_ends_first_is_at_hand_first(store: Store) -> None:
    await add(store, task(1, ends_at=900), task(2, "account-2"), task(3, "account-3"))
    decided = replace(task(3, "account-3"), state=TaskState.DECIDED)
    await store.write(lambda tx: tx.put_task(decided))

    def ids(tasks: list[TaskRow]) -> list[int]:
        return [int(each.id, 16) for each in tasks]

    async def at_hand(limit: int) -> list[int]:
        rows = await store.read(lambda r: r.tasks_at_hand(limit))
        return ids([row.task for row in rows])

    assert await at_hand(9) == [2, 1]
    assert await at_hand(1) == [2]

    flagged = replace(decided, flagged_at=150)
    await store.write(lambda tx: tx.put_task(flagged))

    assert await at_hand(9) == [2, 3, 1]
    assert await store.read(lambda r: r.tasks_waiting()) == 3
    assert ids(await store.read(lambda r: r.ended_tasks(499, 9))) == []
    assert ids(await store.read(lambda r: r.ended_tasks(500, 9))) == [2, 3]
    assert ids(await store.read(lambda r: r.tasks_to_remind_of(450, 9))) == [2, 3]


async def test_the_hand_is_read_from_place_to_place(store: Store) -> None:
    await add(
        store,
        task(1, "unnamed-1", ends_at=100),
        task(2, "unnamed", ends_at=300),
        task(3, "account-3", ends_at=300),
        task(4, "account-4", ends_at=200),
        task(5, "account-5", ends_at=400),
    )
    rows = [signal(7, 2), signal(7, 3), signal(7, 4), signal(8, 4), signal(8, 1)]
    await store.write(lambda tx: tx.put_task_signals(rows))

    found: list[tuple[int, int]] = []
    after = FIRST_PLACE
    while page := await store.read(
        lambda r, after=after: r.tasks_at_hand(1, after=after, crowd=2)  # type: ignore[misc]
    ):
        (row,) = page
        found.append((int(row.task.id, 16), row.alike))
        after = row.place

    # 2 and 3 hang on nothing but the crowded signal; nobody named 1
    assert found == [(4, 2), (5, 1), (2, 3), (3, 3), (1, 2)]


async def test_the_tasks_of_a_state_are_read_from_place_to_place(store: Store) -> None:
    await add(store, *[task(number, f"account-{number}") for number in (1, 2, 3)])

    found: list[int] = []
    after = FIRST_PLACE
    while page := await store.read(
        lambda r, after=after: r.tasks_in(TaskState.OPEN, 2, after=after)  # type: ignore[misc]
    ):
        found += [int(row.task.id, 16) for row in page]
        after = page[-1].place

    assert found == [3, 2, 1]


async def test_whatever_stops_a_signal_marks_the_tasks_that_hang_on_it(
    store: Store,
) -> None:
    await add(store, task(1), task(2, "account-2"))
    rows = [signal(1), signal(2), signal(1, task=2)]

    async def keep(tx: Transaction) -> None:
        for number in (1, 2):
            await tx.add_signal(listed(number))
        await tx.put_task_signals(rows)

    async def stop(status: SignalStatus) -> list[TaskSignalRow]:
        name = bytes([1]) * 16
        await store.write(lambda tx: tx.set_signal_status("b.demo", name, status))
        return await store.read(lambda r: r.untold_stops(9))

    await store.write(keep)
    assert await store.read(lambda r: r.untold_stops(9)) == []

    disputed = await stop(SignalStatus.DISPUTED)
    assert disputed == [
        replace(row, effect="disputed") for row in (signal(1), signal(1, task=2))
    ]
    assert await stop(SignalStatus.ACTIVE) == []

    revoked = await stop(SignalStatus.REVOKED)
    assert revoked == [
        replace(row, effect="revoked", sealed=None)
        for row in (signal(1), signal(1, task=2))
    ]
    kept = await store.read(lambda r: r.task(task(1).id))
    assert kept == replace(task(1), revision=2)

    told = [replace(row, effect_at=300) for row in revoked]
    await store.write(lambda tx: tx.put_task_signals(told))
    assert await stop(SignalStatus.ERASED) == []  # once is enough
    assert await store.read(lambda r: r.task_signals(task(1).id)) == [
        replace(told[0], effect="erased"),
        signal(2),
    ]


async def test_a_task_hangs_on_a_signal_no_more(store: Store) -> None:
    await add(store, task(1), task(2, "account-2"))
    rows = [signal(1), signal(2), signal(1, task=2)]
    await store.write(lambda tx: tx.put_task_signals(rows))
    name = bytes([1]) * 16

    assert await store.read(lambda r: r.tasks_on("b.demo", name)) == [rows[0], rows[2]]
    assert await store.read(lambda r: r.tasks_on("c.demo", name)) == []

    await store.write(lambda tx: tx.drop_task_signal(task(1).id, "b.demo", name))

    assert await store.read(lambda r: r.tasks_on("b.demo", name)) == [rows[2]]
    assert await store.read(lambda r: r.task_signals(task(1).id)) == [signal(2)]


async def test_decisions_are_counted_by_person(store: Store) -> None:
    await add(store, task(1), task(2, "account-2"))
    made = [
        decision("anna"),
        decision("rita", 2),
        decision("anna", 2, "inquire"),
        decision("anna", 2, "dismiss"),
    ]

    async def act(tx: Transaction) -> None:
        for each in made:
            await tx.add_task_decision(each)

    await store.write(act)

    assert await store.read(lambda r: r.decisions_by("anna", 9)) == [made[3], made[0]]
    assert await store.read(lambda r: r.newest_decisions(2)) == [made[3], made[1]]
    assert await store.read(lambda r: r.deciders()) == ["anna", "rita"]
    assert await store.read(lambda r: r.task_decisions(task(2).id)) == made[1:]


async def test_nobody_is_the_second_of_themself(store: Store) -> None:
    await add(store, task(1))

    with pytest.raises(ConflictError):
        await store.write(
            lambda tx: tx.add_task_decision(replace(decision("anna"), second="anna"))
        )


async def test_who_is_the_second_has_decided_too(store: Store) -> None:
    await add(store, task(1))
    made = replace(decision("anna"), second="rita", second_dwell=3)
    await store.write(lambda tx: tx.add_task_decision(made))

    assert await store.read(lambda r: r.decisions_seconded("rita", 9)) == [made]
    assert await store.read(lambda r: r.decisions_by("rita", 9)) == []
    assert await store.read(lambda r: r.deciders()) == ["anna", "rita"]


async def test_only_the_first_look_at_a_revision_counts(store: Store) -> None:
    await add(store, task(1))
    id_ = task(1).id

    async def look(at: int) -> int | None:
        await store.write(lambda tx: tx.add_task_view(id_, "anna", at))
        return await store.read(lambda r: r.task_viewed(id_, "anna"))

    assert await store.read(lambda r: r.task_viewed(id_, "anna")) is None
    assert (await look(110), await look(120)) == (110, 110)

    await store.write(lambda tx: tx.add_task_decision(decision("rita")))

    assert await look(130) == 130

    grown = replace(task(1), revision=1)
    await store.write(lambda tx: tx.put_task(grown))

    assert await store.read(lambda r: r.task_viewed(id_, "anna")) is None
    assert (await look(140), await look(150)) == (140, 140)


async def test_an_inquiry_waits_until_it_is_answered_once(store: Store) -> None:
    inquiry = TaskInquiryRow(
        task=task(1).id,
        origin="b.demo",
        signal_id=bytes(16),
        questions="stands",
        asked_by="anna",
        asked_at=1,
    )

    async def act(tx: Transaction) -> list[int]:
        await tx.add_task(task(1))
        return [await tx.add_task_inquiry(inquiry) for _ in range(3)]

    numbers = await store.write(act)
    answer = TaskAnswerRow(
        inquiry=numbers[1],
        task=task(1).id,
        replies="stands=no",
        reference="mail-7",
        answered_by="anna",
        answered_at=2,
    )
    await store.write(lambda tx: tx.add_task_answer(answer))
    waiting = await store.read(lambda r: r.unanswered_inquiries(9))
    first = await store.read(lambda r: r.unanswered_inquiries(1))

    assert [row.number for row in waiting] == [numbers[0], numbers[2]]
    assert first == waiting[:1]
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_task_answer(answer))


async def test_an_erased_task_keeps_its_decisions_and_nothing_else(
    store: Store,
) -> None:
    id_ = task(1).id
    step = TaskHearingRow(
        task=id_, step="invited", reference="l-1", recorded_by="anna", recorded_at=1
    )
    inquiry = TaskInquiryRow(
        task=id_,
        origin="b.demo",
        signal_id=bytes(16),
        questions="stands",
        asked_by="anna",
        asked_at=1,
    )
    answer = TaskAnswerRow(
        inquiry=1,
        task=id_,
        replies="stands=yes",
        reference="mail-7",
        answered_by="anna",
        answered_at=2,
    )

    async def act(tx: Transaction) -> None:
        await tx.add_task(task(1))
        await tx.put_task_signals([signal(1)])
        await tx.add_task_decision(decision("anna"))
        await tx.add_task_hearing(step)
        assert await tx.add_task_inquiry(inquiry) == 1
        await tx.add_task_answer(answer)
        await tx.add_task_view(id_, "anna", 1)

    await store.write(act)
    assert await store.read(lambda r: r.task_hearings(id_)) == [step]
    asked = [replace(inquiry, number=1)]
    assert await store.read(lambda r: r.task_inquiries(id_)) == asked
    assert await store.read(lambda r: r.task_answers(id_)) == [answer]

    await store.write(lambda tx: tx.erase_task(id_, TaskState.LAPSED))

    kept = await store.read(lambda r: r.task(id_))
    assert kept is not None
    assert (kept.subject, kept.state, kept.remind_at) == (None, TaskState.LAPSED, None)
    readings: list[Callable[[Reader], Awaitable[object]]] = [
        lambda r: r.task_signals(id_),
        lambda r: r.task_hearings(id_),
        lambda r: r.task_inquiries(id_),
        lambda r: r.task_answers(id_),
    ]
    assert [await store.read(query) for query in readings] == [[], [], [], []]
    assert await store.read(lambda r: r.task_viewed(id_, "anna")) is None
    assert await store.read(lambda r: r.task_decisions(id_)) == [decision("anna")]
    with pytest.raises(ConflictError):  # erased is erased
        await store.write(lambda tx: tx.put_task(task(1)))


async def test_old_decisions_go_with_the_erased_tasks_they_were_of(
    store: Store,
) -> None:
    await add(store, task(1), task(2, "account-2"))

    async def act(tx: Transaction) -> None:
        for number in (1, 2):
            await tx.add_task_decision(decision("anna", number))
        await tx.erase_task(task(1).id, TaskState.DECIDED)

    await store.write(act)

    assert await store.write(lambda tx: tx.forget_decisions(200, 9)) == 0
    assert await store.write(lambda tx: tx.forget_decisions(501, 9)) == 2
    assert await store.read(lambda r: r.task(task(1).id)) is None
    assert await store.read(lambda r: r.task(task(2).id)) is not None
    assert await store.read(lambda r: r.deciders()) == []


async def test_the_first_look_counts_and_the_last_words(store: Store) -> None:
    async def look() -> LookRow | None:
        return await store.read(lambda r: r.look("flood:1", "rita"))

    await store.write(lambda tx: tx.ask_again("flood:1", "rita", bytes(32), 90))
    asked = LookRow(matter="flood:1", person="rita", at=90, words=bytes(32))
    assert await look() == asked
    await store.write(lambda tx: tx.add_look("flood:1", "rita", 100))
    await store.write(lambda tx: tx.add_look("flood:1", "rita", 110))
    assert await look() == replace(asked, at=100, seen_at=100)
    await store.write(lambda tx: tx.ask_again("flood:1", "rita", b"b" * 32, 120))
    last = replace(asked, at=120, seen_at=100, words=b"b" * 32)
    assert await look() == last
    await store.write(lambda tx: tx.add_look("flood:1", "anna", 100))
    await store.write(lambda tx: tx.forget_looks(120))
    assert await look() == last
    assert await store.read(lambda r: r.look("flood:1", "anna")) is None
    await store.write(lambda tx: tx.drop_look("flood:1", "rita"))
    assert await look() is None
