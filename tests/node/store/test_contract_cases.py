# SPDX-License-Identifier: Apache-2.0
import sqlite3

import msgspec
import pytest
from tests.support.store_rows import CASE, STEP

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.casework_rows import CaseAlarmRow, CaseRow
from fedsafe_node.store.protocol import Store

ALARM = CaseAlarmRow(
    case_id=CASE.id,
    urgency="u1",
    milestone="dispatch",
    since=100,
    stage="overdue",
    number=1,
    at=500,
    due_at=400,
    fallback=None,
    told_at=510,
)


def changed(row: CaseRow = CASE, **facts: object) -> CaseRow:
    return msgspec.structs.replace(row, **facts)


async def test_a_case_is_kept_and_its_next_revision_takes_its_place(
    store: Store,
) -> None:
    assert await store.read(lambda reader: reader.case(CASE.id)) is None
    await store.write(lambda tx: tx.put_case(CASE))
    following = changed(
        state="approved", urgency="u2", minors=False, revision=2, sealed=b"other"
    )
    await store.write(lambda tx: tx.put_case(following))

    assert await store.read(lambda reader: reader.case(CASE.id)) == following


@pytest.mark.parametrize("revision", [1, 3])
async def test_no_revision_is_lost_or_left_out(store: Store, revision: int) -> None:
    await store.write(lambda tx: tx.put_case(CASE))
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.put_case(changed(revision=revision)))

    assert await store.read(lambda reader: reader.case(CASE.id)) == CASE


async def test_who_opened_a_case_and_when_is_never_changed(store: Store) -> None:
    await store.write(lambda tx: tx.put_case(CASE))
    other = changed(revision=2, opened_by="eve", opened_at=1)
    await store.write(lambda tx: tx.put_case(other))

    kept = await store.read(lambda reader: reader.case(CASE.id))
    assert kept == changed(revision=2)


async def test_open_cases_are_listed_by_age_without_the_closed(store: Store) -> None:
    rows = [
        changed(id="01" * 16, known_at=300),
        changed(id="02" * 16, known_at=200, state="dispatching"),
        changed(id="03" * 16, state="closed"),
        CASE,
    ]
    for row in rows:
        await store.write(lambda tx, row=row: tx.put_case(row))  # type: ignore[misc]

    found = await store.scan(lambda reader: reader.open_cases())
    assert found == [rows[3], rows[1], rows[0]]


async def test_cases_of_a_time_are_listed_with_the_closed(store: Store) -> None:
    rows = [
        changed(id="01" * 16, known_at=300),
        changed(id="02" * 16, known_at=200, state="closed"),
        changed(id="03" * 16, known_at=199),
        changed(id="04" * 16, known_at=301),
    ]
    for row in rows:
        await store.write(lambda tx, row=row: tx.put_case(row))  # type: ignore[misc]

    found = await store.scan(lambda reader: reader.cases_known(200, 301))
    assert found == [rows[1], rows[0]]


async def test_what_is_closed_for_long_is_listed_until_it_is_erased(
    store: Store,
) -> None:
    names = {"01": 100, "02": 199, "03": 200, "04": 100}
    rows = [changed(id=name * 16, state="closed") for name in names]
    for row in [*rows, CASE]:
        await store.write(lambda tx, row=row: tx.put_case(row))  # type: ignore[misc]
    ends = [(name, "closed", at) for name, at in names.items()] + [
        ("04", "erased", 150)
    ]
    for name, step, at in ends:
        taken = msgspec.structs.replace(STEP, case_id=name * 16, step=step, at=at)
        await store.write(lambda tx, taken=taken: tx.add_case_step(taken))  # type: ignore[misc]

    found = await store.scan(lambda reader: reader.cases_to_erase(200))
    assert found == rows[:2]


async def test_steps_are_kept_in_order_and_go_with_their_case(store: Store) -> None:
    later = msgspec.structs.replace(STEP, step="assessed", revision=2)
    await store.write(lambda tx: tx.put_case(CASE))
    await store.write(lambda tx: tx.add_case_step(STEP))
    await store.write(lambda tx: tx.add_case_step(later))
    with pytest.raises((ConflictError, sqlite3.IntegrityError)):
        await store.write(
            lambda tx: tx.add_case_step(
                msgspec.structs.replace(STEP, case_id="ff" * 16)
            )
        )

    assert await store.read(lambda reader: reader.case_steps(CASE.id)) == [STEP, later]


async def test_what_people_were_told_is_kept_once_and_goes_with_open_cases(
    store: Store,
) -> None:
    first = msgspec.structs.replace(ALARM, number=0, at=400, fallback="phone")
    closed = changed(id="03" * 16, state="closed")
    over = msgspec.structs.replace(ALARM, case_id=closed.id)
    for row in (CASE, closed):
        await store.write(lambda tx, row=row: tx.put_case(row))  # type: ignore[misc]
    for alarm in (ALARM, first, over):
        await store.write(lambda tx, alarm=alarm: tx.add_case_alarm(alarm))  # type: ignore[misc]
    again = msgspec.structs.replace(ALARM, told_at=999)
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_case_alarm(again))

    assert await store.read(lambda r: r.case_alarms(CASE.id)) == [first, ALARM]
    opened = await store.read(lambda r: r.alarms_of_open_cases())
    assert sorted(each.number for each in opened) == [0, 1]


async def test_steps_of_all_open_cases_are_read_at_once(store: Store) -> None:
    closed = changed(id="03" * 16, state="closed")
    for row in (CASE, closed):
        await store.write(lambda tx, row=row: tx.put_case(row))  # type: ignore[misc]
        step = msgspec.structs.replace(STEP, case_id=row.id)
        await store.write(lambda tx, step=step: tx.add_case_step(step))  # type: ignore[misc]

    assert await store.read(lambda r: r.steps_of_open_cases()) == [STEP]


async def test_the_key_of_a_period_is_needed_while_a_case_is_sealed(
    store: Store,
) -> None:
    await store.write(lambda tx: tx.put_case(CASE))
    sealed = await store.scan(lambda reader: reader.sealed_periods())
    gone = changed(revision=2, key=None, sealed=None)
    await store.write(lambda tx: tx.put_case(gone))

    assert sealed == {"2026-11": 1}
    assert await store.scan(lambda reader: reader.sealed_periods()) == {}


def test_a_row_shows_nothing_that_is_sealed() -> None:
    assert "sealed=<6 bytes>" in repr(CASE)
