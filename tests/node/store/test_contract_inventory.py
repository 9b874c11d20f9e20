# SPDX-License-Identifier: Apache-2.0
"""A node finds its own signals by their own indexes, however many others there are."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.node.conftest import OpenStore
from tests.support.databases import Behind, BehindFile, ClosedBehind
from tests.support.older_stores import migrate_until, open_database
from tests.support.store_rows import a_dispute, listed, run

from fedsafe_node.store.inventory_rows import (
    HIGHEST,
    LIVING,
    LOWEST,
    InventoryRow,
    InventoryState,
    NewInventoryRow,
)
from fedsafe_node.store.oversight_rows import ValidationRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rights_rows import RulingRow
from fedsafe_node.store.rows import (
    DraftRow,
    DraftState,
    NewSignal,
    RestrictionRow,
    SignalStatus,
)
from fedsafe_node.store.schema import migrate
from fedsafe_node.store.sql_inventory import (
    CONTESTED,
    ENDED,
    ENDING,
    NEWEST_FIRST,
    OLDEST_FIRST,
    REVIEWED,
    RUNS,
)
from fedsafe_node.store.transaction import Transaction

US, OWN, THEM = "a.demo", "own:a.demo", "b.demo"
OURS: Final = 5_000
THEIRS: Final = 2 * OURS
PART: Final = 2_500
PAGE: Final = 50
SEALED: Final = b"sealed"


def name(number: int) -> bytes:
    return number.to_bytes(16)


def ours(number: int, until: int = 1_000, *, own: bool = False) -> NewSignal:
    return replace(
        listed(1),
        signal_id=name(number),
        origin=OWN if own else US,
        log=f"{US}/audit" if own else f"{US}/feed",
        index=number,
        own=own,
        scope="self" if own else "federation",
        match_until=until,
    )


def entry(signal: NewSignal) -> NewInventoryRow:
    return NewInventoryRow(
        signal_id=signal.signal_id,
        own=signal.own,
        state=InventoryState.ACTIVE,
        origin=signal.origin,
        match_until=signal.match_until,
        period="2026-11",
        sealed=SEALED,
    )


def draft(number: int) -> tuple[DraftRow, NewInventoryRow]:
    return (
        DraftRow(name(number), "anna", number, "2026-11", b"draft"),
        NewInventoryRow(
            signal_id=name(number),
            own=False,
            state=InventoryState.DRAFT,
            period="2026-11",
            sealed=SEALED,
        ),
    )


async def enter(store: Store, *signals: NewSignal) -> None:
    async def act(tx: Transaction) -> None:
        await tx.add_signals(signals)
        await tx.add_inventory([entry(each) for each in signals])

    await store.write(act)


async def one(store: Store, number: int) -> InventoryRow:
    (found,) = await store.read(lambda r: r.inventory_named([name(number)]))
    return found


async def found(  # noqa: PLR0913 - as the store takes it
    store: Store,
    state: InventoryState = InventoryState.ACTIVE,
    limit: int = PAGE,
    *,
    own: bool = False,
    above: bytes = LOWEST,
    below: bytes = HIGHEST,
    newest: bool = False,
) -> list[int]:
    rows = await store.read(
        lambda r: r.inventory(
            state, limit, own=own, above=above, below=below, newest=newest
        )
    )
    return [int.from_bytes(row.signal_id) for row in rows]


async def test_an_entry_follows_what_becomes_of_its_draft(store: Store) -> None:
    waiting, entered = draft(1)
    signal = ours(1)

    async def drafted(tx: Transaction) -> None:
        await tx.add_draft(waiting)
        await tx.add_inventory([entered])

    async def published(tx: Transaction) -> None:
        await tx.decide_draft(name(1), DraftState.PUBLISHED, by="rita", at=9)
        await tx.add_signal(signal)
        await tx.add_inventory([replace(entry(signal), period=None, sealed=None)])

    await store.write(drafted)
    before = await one(store, 1)
    assert (before.state, before.author, before.approver) == (
        InventoryState.DRAFT,
        "anna",
        None,
    )
    assert (before.plane, before.scope) == ("actor", "federation")
    await store.write(published)
    after = await one(store, 1)
    assert (after.state, after.approver, after.match_until, after.index) == (
        InventoryState.ACTIVE,
        "rita",
        1_000,
        1,
    )
    assert (after.period, after.sealed) == ("2026-11", SEALED)


async def test_an_entry_follows_how_its_signal_stands_and_says_no_more_at_its_end(
    store: Store,
) -> None:
    await enter(store, ours(1), ours(2, own=True))
    resting = SignalStatus.DISPUTED
    await store.write(lambda tx: tx.set_signal_status(US, name(1), resting))
    assert await found(store, InventoryState.DISPUTED) == [1]
    assert (await one(store, 1)).sealed == SEALED
    await store.write(lambda tx: tx.wake_signal(US, name(1)))
    assert await found(store) == [1]
    for number, origin, status in (
        (1, US, SignalStatus.REVOKED),
        (2, OWN, SignalStatus.ERASED),
    ):
        await store.write(
            lambda tx, origin=origin, number=number, status=status: (  # type: ignore[misc]
                tx.set_signal_status(origin, name(number), status)
            )
        )
        row = await one(store, number)
        assert (row.state.value, row.sealed) == (status.value, None)


async def test_a_withdrawn_draft_says_no_more(store: Store) -> None:
    waiting, entered = draft(1)

    async def drafted(tx: Transaction) -> None:
        await tx.add_draft(waiting)
        await tx.add_inventory([entered])

    await store.write(drafted)
    await store.write(
        lambda tx: tx.decide_draft(name(1), DraftState.WITHDRAWN, by="rita", at=9)
    )
    row = await one(store, 1)
    assert (row.state, row.sealed, row.approver) == (
        InventoryState.WITHDRAWN,
        None,
        None,
    )


async def test_another_members_signal_of_the_same_id_changes_no_entry(
    store: Store,
) -> None:
    await enter(store, ours(1))
    theirs = replace(listed(1), signal_id=name(1), origin=THEM)
    await store.write(lambda tx: tx.add_signal(theirs))
    for status in (SignalStatus.DISPUTED, SignalStatus.REVOKED):
        await store.write(
            lambda tx, status=status: tx.set_signal_status(THEM, name(1), status)  # type: ignore[misc]
        )
    assert (await one(store, 1)).state is InventoryState.ACTIVE
    assert await found(store) == [1]


async def test_pages_go_by_the_order_in_which_signals_were_made(store: Store) -> None:
    await enter(store, *(ours(number) for number in range(1, 8)), ours(9, own=True))

    assert await found(store, limit=3) == [1, 2, 3]
    assert await found(store, limit=3, above=name(3)) == [4, 5, 6]
    assert await found(store, limit=3, newest=True) == [7, 6, 5]
    assert await found(store, limit=3, newest=True, below=name(5)) == [4, 3, 2]
    assert await found(store, above=name(2), below=name(5)) == [3, 4]
    assert await found(store, own=True) == [9]
    assert await found(store, InventoryState.DRAFT) == []


async def test_what_ends_first_comes_first(store: Store) -> None:
    await enter(store, ours(1, 300), ours(2, 100), ours(3, 100), ours(4, 900))
    gone = SignalStatus.REVOKED
    await store.write(lambda tx: tx.set_signal_status(US, name(4), gone))

    async def ending(after: tuple[int, bytes], before: int) -> list[int]:
        rows = await store.read(lambda r: r.inventory_ending(after, before, 9))
        return [int.from_bytes(row.signal_id) for row in rows]

    assert await ending((0, LOWEST), 1_000) == [2, 3, 1]
    assert await ending((100, name(2)), 1_000) == [3, 1]
    assert await ending((0, LOWEST), 300) == [2, 3]


async def test_what_was_reviewed_longest_ago_comes_first(store: Store) -> None:
    await enter(store, *(ours(number) for number in (1, 2, 3)))
    rows = [
        ValidationRow(name(number), "anna", "analyst", 5, at)
        for number, at in ((1, 30), (2, 10), (3, 20))
    ]
    await store.write(lambda tx: tx.add_validations(rows))
    gone = SignalStatus.EXPIRED
    await store.write(lambda tx: tx.set_signal_status(US, name(3), gone))

    reviewed = await store.read(lambda r: r.inventory_reviewed((0, LOWEST), 30, 9))
    assert [(row.signal_id, row.reviewed_at) for row in reviewed] == [
        (name(2), 10),
        (name(1), 30),
    ]
    later = await store.read(lambda r: r.inventory_reviewed((10, name(2)), 29, 9))
    assert later == []


async def test_what_is_contested_is_ours_lives_and_has_no_ruling(store: Store) -> None:
    await enter(store, *(ours(number) for number in (1, 2, 3)), ours(4, own=True))
    contested = [
        replace(
            a_dispute(number),
            digest=bytes([number]) * 32,
            sequence=number,
            origin=origin,
            signal_id=name(number),
        )
        for number, origin in ((1, US), (2, US), (3, THEM), (4, OWN))
    ]
    ruling = RulingRow(
        dispute=contested[1].digest,
        origin=US,
        signal_id=name(2),
        outcome="restored",
        at=9,
    )

    async def act(tx: Transaction) -> None:
        for each in contested:
            await tx.add_dispute(each)
        await tx.add_ruling(ruling)

    await store.write(act)
    waiting = await store.read(lambda r: r.contested_inventory([OWN, US]))
    assert waiting == [name(1), name(4)]


def ending(number: int, sequence: int, *, by: str = US, of: str = US) -> RestrictionRow:
    return RestrictionRow(
        digest=bytes([number]) * 32,
        origin=of,
        author=by,
        sequence=sequence,
        effect="revoked",
        statement=b"signed",
    )


async def test_what_a_node_has_ended_itself_is_known_by_its_statement(
    store: Store,
) -> None:
    rests = replace(ending(4, 7), effect="disputed")

    async def act(tx: Transaction) -> None:
        await tx.add_restriction(ending(1, 5), [name(1), name(2)])
        await tx.add_restriction(ending(2, 6), [name(2)])
        await tx.add_restriction(ending(3, 9, by=THEM), [name(3)])
        await tx.add_restriction(rests, [name(4)])

    await store.write(act)
    assert await store.read(lambda r: r.ended_after(US, 0)) == {name(1): 5, name(2): 6}
    assert await store.read(lambda r: r.ended_after(US, 5)) == {name(2): 6}


async def test_runs_of_the_ledger_are_found_by_the_entries_that_they_hold(
    store: Store,
) -> None:
    await store.write(lambda tx: tx.add_handed([run(0, 9), run(5, 7, "c.demo")]))

    assert await store.read(lambda r: r.handed_runs(8, 9, 10)) == [("b.demo", 0, 9)]
    both = await store.read(lambda r: r.handed_runs(6, 6, 10))
    assert sorted(both) == [("b.demo", 0, 9), ("c.demo", 5, 7)]


def _literal(value: object) -> str:
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _with(sql: str, values: Sequence[object]) -> str:
    parts = sql.split("?")
    said = map(_literal, values)
    return "".join(part + next(said, "") for part in parts)


def _rows_of(plan: dict[str, Any]) -> int:
    """Add up the rows that a plan has looked at, those that a filter left out too."""
    removed = sum(
        value for key, value in plan.items() if key.startswith("Rows Removed")
    )
    own = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return int(own) + sum(map(_rows_of, plan.get("Plans", ())))


def _looked_at(behind: Behind, sql: str, values: Sequence[object]) -> tuple[int, str]:
    """Say at how many rows a statement looks, at most, and by which plan."""
    statement = _with(sql, values)
    if not isinstance(behind, BehindFile):
        ((explained,),) = behind.find(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        return _rows_of(explained[0]["Plan"]), str(explained)
    path = behind.url.removeprefix("sqlite://")
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with closing(sqlite3.connect(path, factory=ClosedBehind)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        connection.set_progress_handler(step, 100)
        connection.execute(statement).fetchall()
    # A row costs some dozen steps of its machine, with what lies beside it.
    return steps * 100 // 10, "; ".join(row[3] for row in plan)


async def fill(store: Store) -> None:
    """Make 5,000 own signals among twice as many of others, in a few acts."""
    signals = [
        ours(number, 1_000 + number % 1_000, own=number % 5 == 0)
        for number in range(OURS)
    ]
    theirs = [
        replace(
            listed(1),
            signal_id=name(OURS + number),
            match_until=1_000 + number % 1_000,
            index=number,
        )
        for number in range(THEIRS)
    ]
    validations = [
        ValidationRow(name(number), "anna", "analyst", 5, 10 + number)
        for number in range(1, OURS, 5)
    ]
    disputes = [
        replace(
            a_dispute(1),
            digest=number.to_bytes(32),
            sequence=number,
            origin=US if number < 100 else THEM,
            signal_id=name(number * 5 + 1),
        )
        for number in range(1, 400)
    ]

    for start in range(0, OURS + THEIRS, PART):
        part = [*signals, *theirs][start : start + PART]
        mine = [entry(each) for each in part if each.origin != THEM]
        await store.write(lambda tx, part=part: tx.add_signals(part))  # type: ignore[misc]
        await store.write(lambda tx, mine=mine: tx.add_inventory(mine))  # type: ignore[misc]

    async def rest(tx: Transaction) -> None:
        await tx.add_validations(validations)
        for each in disputes:
            await tx.add_dispute(each)
        await tx.add_handed([run(at, at + 9) for at in range(0, OURS, 10)])
        for number in range(200):
            statement = replace(ending(1, number), digest=number.to_bytes(32))
            await tx.add_restriction(statement, [name(number)])
            theirs_ended = replace(
                ending(1, number, by=THEM, of=THEM), digest=(999 + number).to_bytes(32)
            )
            await tx.add_restriction(theirs_ended, [name(number)])

    await store.write(rest)


async def test_no_question_about_own_signals_looks_at_those_of_others(
    open_node_store: OpenStore, behind: Behind
) -> None:
    store = await open_node_store()
    await fill(store)
    await store.close()
    behind.change("ANALYZE")
    published = (0, "active", LOWEST, HIGHEST, PAGE)
    questions = {
        "newest": (NEWEST_FIRST, published, PAGE),
        "oldest": (OLDEST_FIRST, published, PAGE),
        "own bans": (NEWEST_FIRST, (1, *published[1:]), PAGE),
        "drafts": (OLDEST_FIRST, (0, "draft", LOWEST, HIGHEST, PAGE), 0),
        "ending": (ENDING, (1_010, 0, LOWEST, PAGE), PAGE),
        "reviewed": (REVIEWED, (500, 0, LOWEST, PAGE), PAGE),
        "contested": (CONTESTED.format("?,?"), (OWN, US), 99),
        "who has one": (RUNS, (OURS - 20, OURS - 10, OURS - 10), 1),
        "ended lately": (ENDED, (US, 189), 10),
    }
    for question, (sql, values, rows) in questions.items():
        looked, plan = _looked_at(behind, sql, values)
        # A server may find walking the own ones cheaper, they are so few.
        own = 0 if isinstance(behind, BehindFile) else 2 * OURS
        assert looked <= 12 * rows + 100 + own, (question, looked, plan)
        if isinstance(behind, BehindFile):
            assert "SCAN" not in plan, (question, plan)


@pytest.mark.embedded
def test_signals_of_an_older_node_are_in_the_inventory_without_what_they_are_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = open_database(":memory:")
    migrate_until("0038_inventory", connection, monkeypatch)
    signal = (
        "INSERT INTO signals VALUES ({0}, {1}, '{2}', 'actor', 'all', 1, 1, NULL, "
        "zeroblob(16), 7, 7, 'active', {3}, '{2}/feed', {0}, 'signal')"
    )
    same, another, ban = (f"x'{name(number).hex()}'" for number in (1, 2, 3))
    waits, gone = (f"x'{name(number).hex()}'" for number in (4, 5))
    for row, (signal_id, origin, own) in enumerate(
        [(same, US, 0), (same, THEM, 0), (another, THEM, 0), (ban, OWN, 1)], start=1
    ):
        connection.execute(signal.format(row, signal_id, origin, own))
    connection.execute("INSERT INTO logs (id, origin) VALUES (1, 'a.demo/audit')")
    connection.execute(
        "INSERT INTO drafts VALUES "  # noqa: S608 - our own words
        f"({same}, 'anna', 1, '2026-11', NULL, 'published', 'rita', 2, 'actor', 'x'), "
        f"({waits}, 'anna', 1, '2026-11', x'00', 'pending', NULL, NULL, 'actor', "
        "'self'), "
        f"({gone}, 'anna', 1, '2026-11', NULL, 'withdrawn', 'rita', 2, 'actor', 'x')"
    )
    migrate(connection)

    rows = connection.execute(
        "SELECT signal_id, own, origin, state, match_until, sealed FROM inventory "
        "ORDER BY signal_id"
    ).fetchall()
    assert rows == [
        (name(1), 0, US, "active", 7, None),
        (name(3), 1, OWN, "active", 7, None),
        (name(4), 1, None, "draft", None, None),
        (name(5), 0, None, "withdrawn", None, None),
    ]


def test_what_lives_is_a_draft_or_may_match_again() -> None:
    ended = set(InventoryState) - set(LIVING)
    assert {state.value for state in ended} == {
        "withdrawn",
        "revoked",
        "expired",
        "erased",
    }
