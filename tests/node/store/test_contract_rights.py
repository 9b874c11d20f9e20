# SPDX-License-Identifier: Apache-2.0
"""What every store promises about disputes, rulings and requests of persons."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.older_stores import open_database
from tests.support.store_rows import OTHER, SIGNAL, A, B, a_dispute

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rights_rows import (
    AppealRow,
    AppealRulingRow,
    DisputeRow,
    RequestRow,
    RequestState,
    RulingRow,
    WaitingRow,
    Weight,
)
from fedsafe_node.store.rows import NewSignal, SignalStatus
from fedsafe_node.store.schema import migrate
from fedsafe_node.store.transaction import Transaction


def a_ruling(dispute: DisputeRow, **more: object) -> RulingRow:
    row = RulingRow(
        dispute=dispute.digest,
        origin=dispute.origin,
        signal_id=dispute.signal_id,
        outcome="restored",
        at=7,
    )
    return replace(row, **more)


def a_request(number: int, **more: object) -> RequestRow:
    row = RequestRow(
        id=f"{number:032x}",
        kind="access",
        way="officer",
        control="account_login",
        language="de",
        opened_at=number,
        opened_by="lea",
        due_at=100 - number,
        period="2026-11",
        sealed=b"sealed",
    )
    return replace(row, **more)


async def keep(store: Store, *rows: DisputeRow | RulingRow) -> None:
    for row in rows:
        if isinstance(row, DisputeRow):
            await store.write(lambda tx, row=row: tx.add_dispute(row))  # type: ignore[misc]
        else:
            await store.write(lambda tx, row=row: tx.add_ruling(row))  # type: ignore[misc]


def an_appeal(number: int, **more: object) -> AppealRow:
    row = AppealRow(
        digest=bytes([number]) * 32,
        origin=A,
        signal_id=SIGNAL,
        dispute=bytes([9]) * 32,
        disputed_by=B,
        author=B,
        at=number,
        received_at=number,
        due_at=1_000 - number,
        statement=b"said",
        opened_by="lea",
    )
    return replace(row, **more)


async def test_an_appeal_waits_until_its_first_ruling(store: Store) -> None:
    first, second = an_appeal(1), an_appeal(2, signal_id=OTHER, reason="ticket-1")
    ruling = AppealRulingRow(
        appeal=first.digest,
        digest=bytes([5]) * 32,
        author="c.demo",
        outcome="ended",
        at=70,
        charged_at=80,
        statement=b"ruled",
        place=4,
        first="lena",
        second="rudi",
        reason="ruling-3",
    )
    for row in (first, second):
        assert await store.write(lambda tx, row=row: tx.add_appeal(row))  # type: ignore[misc]
    assert not await store.write(lambda tx: tx.add_appeal(first))
    waiting = await store.read(lambda r: r.appeals(10, ruled=False))
    behind = await store.read(lambda r: r.appeals(10, second, ruled=False))
    by_author = first.author
    assert await store.read(lambda r: r.appeals_waiting(by_author)) == 2
    assert await store.write(lambda tx: tx.add_appeal_ruling(ruling))
    assert await store.read(lambda r: r.appeals_waiting(by_author)) == 1
    assert await store.read(lambda r: r.appeals_waiting("z.demo")) == 0
    other = replace(ruling, digest=bytes([6]) * 32, outcome="stands")
    assert not await store.write(lambda tx: tx.add_appeal_ruling(other))

    assert (waiting, behind) == ([second, first], [first])
    assert await store.read(lambda r: r.appeal(first.digest)) == first
    assert await store.read(lambda r: r.appeals(10, ruled=True)) == [first]
    assert await store.read(lambda r: r.appeals(10, ruled=False)) == [second]
    assert await store.read(lambda r: r.appeals_on(A, OTHER)) == [second]
    assert await store.read(lambda r: r.appeal_ruling(first.digest)) == ruling
    assert await store.read(lambda r: r.appeal_ruling(second.digest)) is None
    mine = await store.read(lambda r: r.appeal_rulings_from("c.demo", 4, 9))
    assert mine == [ruling]
    assert await store.read(lambda r: r.appeal_rulings_from("c.demo", 5, 9)) == []
    assert await store.read(lambda r: r.appeal_rulings_since("c.demo", 80)) == 1
    assert await store.read(lambda r: r.appeal_rulings_since("c.demo", 81)) == 0
    assert await store.read(lambda r: r.last_appeal_charged("c.demo")) == 80
    assert await store.read(lambda r: r.last_appeal_charged(A)) == 0


async def test_a_dispute_is_kept_once_and_by_its_number(store: Store) -> None:
    first = a_dispute(1)
    await keep(store, first)

    assert await store.read(lambda r: r.dispute(first.digest)) == first
    assert await store.read(lambda r: r.disputes_numbered(B, 1)) == [first]
    assert await store.read(lambda r: r.disputes_numbered(A, 1)) == []
    with pytest.raises(ConflictError):
        await keep(store, first)
    twice = replace(first, digest=bytes(32), received_at=first.received_at + 1)
    await keep(store, twice)
    assert await store.read(lambda r: r.disputes_numbered(B, 1)) == [first, twice]


async def test_what_rests_others_signals_is_found_by_its_record_and_its_time(
    store: Store,
) -> None:
    await here(store, SIGNAL, OTHER)
    hidden = a_dispute(1, recorded=False)
    shown = a_dispute(2, signal_id=OTHER)
    flood = a_dispute(3, recorded=False, weight=Weight.FLOOD)
    ruled = a_dispute(4, recorded=False)
    await keep(store, hidden, shown, flood, ruled, a_ruling(ruled))
    at = hidden.received_at

    async def unrecorded(besides: str = B, before: int = at) -> list[DisputeRow]:
        return await store.read(lambda r: r.disputes_unrecorded(besides, before, 9))

    async def overdue(besides: str = B, last: int = 2_000) -> list[DisputeRow]:
        return await store.read(lambda r: r.disputes_overdue(besides, 0, last, 9))

    assert await unrecorded() == [hidden]
    assert await unrecorded(A) == await unrecorded(before=at - 1) == []
    assert [row.sequence for row in await overdue()] == [1, 2]
    assert await overdue(A) == await overdue(last=hidden.due_at - 1) == []
    await store.write(lambda tx: tx.set_let_go(hidden.digest, 77))
    await store.write(lambda tx: tx.set_reminded(shown.digest, 78))
    gone = replace(hidden, let_go_at=77)
    assert await unrecorded() == await overdue() == []
    assert await store.read(lambda r: r.disputes_let_go(B)) == [gone]
    assert await store.read(lambda r: r.resting(A, [SIGNAL, OTHER])) == {OTHER}
    # Its clock revokes nothing that does not rest.
    due = await store.read(lambda r: r.disputes_due(A, 2_000, 9))
    assert [row.sequence for row in due] == [1, 2]
    await store.write(lambda tx: tx.set_reminded(hidden.digest, 1 << 40))
    due = await store.read(lambda r: r.disputes_due(A, 2_000, 9))
    assert [row.sequence for row in due] == [2]
    await store.write(lambda tx: tx.set_recorded(hidden.digest))
    await store.write(lambda tx: tx.set_let_go(hidden.digest, None))
    assert await store.read(lambda r: r.resting(A, [SIGNAL])) == {SIGNAL}
    kept = await store.read(lambda r: r.dispute(hidden.digest))
    assert kept == replace(hidden, recorded=True, reminded_at=1 << 40)


async def test_what_rests_has_no_ruling_of_its_own_origin_and_signal(
    store: Store,
) -> None:
    first = a_dispute(1)
    repeat = a_dispute(2, signal_id=OTHER, weight=Weight.REPEAT)
    await keep(store, first, repeat)

    async def resting() -> set[bytes]:
        return await store.read(lambda r: r.resting(A, [SIGNAL, OTHER]))

    assert await resting() == {SIGNAL}
    await keep(store, a_ruling(first, origin=B), a_ruling(first, signal_id=OTHER))
    assert await resting() == {SIGNAL}
    assert await store.read(lambda r: r.ruling(first)) is None
    await keep(store, a_ruling(first))
    assert await resting() == set()
    assert await store.read(lambda r: r.ruling(first)) == a_ruling(first)
    assert not await store.write(lambda tx: tx.add_ruling(a_ruling(first, at=8)))


async def test_what_is_due_is_neither_ruled_nor_a_flood(store: Store) -> None:
    await here(store, SIGNAL, OTHER)
    first, second = a_dispute(1), a_dispute(2, signal_id=OTHER)
    flood = a_dispute(3, weight=Weight.FLOOD, signal_id=OTHER)
    await keep(store, first, second, flood, a_ruling(first))
    await store.write(lambda tx: tx.set_reminded(second.digest, 9))

    due = await store.read(lambda r: r.disputes_due(A, 2_000, 10))
    assert due == [replace(second, reminded_at=9)]
    assert await store.read(lambda r: r.disputes_due(A, 1_001, 10)) == []
    assert await store.read(lambda r: r.disputes_due(B, 2_000, 10)) == []
    assert await store.read(lambda r: r.open_disputes()) == 2
    assert await store.read(lambda r: r.floods_since(0)) == {B: 1}
    for attested, count in ((False, 1), (True, 0)):
        assert count == await store.read(
            lambda r, attested=attested: r.suspensions_since(B, 2, attested=attested)  # type: ignore[misc]
        )
    ruled = await store.read(lambda r: r.disputes(10, ruled=True))
    assert ruled == [first]


async def test_the_list_goes_on_behind_a_dispute(store: Store) -> None:
    names = [bytes([number]) * 16 for number in range(1, 8)]
    await here(store, *names)
    rows = [
        a_dispute(
            number,
            signal_id=name,
            weight=Weight.REPEAT if number % 2 else Weight.SUSPENDS,
            due_at=1_000 - number // 3,
        )
        for number, name in enumerate(names, start=1)
    ]
    await keep(store, *rows)
    found: list[DisputeRow] = []

    async def behind() -> list[DisputeRow]:
        last = found[-1] if found else None
        return await store.read(lambda r: r.disputes_here(2, last, ruled=False))

    while page := await behind():
        found += page

    assert [row.sequence for row in found] == [6, 4, 2, 7, 3, 5, 1]
    await store.write(
        lambda tx: tx.set_signal_status(A, names[6], SignalStatus.REVOKED)
    )
    assert await store.read(lambda r: r.open_disputes()) == 6  # a repeat about it


async def test_only_what_was_beyond_the_budget_is_weighed_again(store: Store) -> None:
    flood = a_dispute(1, weight=Weight.FLOOD)
    await here(store, SIGNAL)
    await keep(store, flood, a_dispute(2))

    async def weigh(row: DisputeRow, due: int = 10) -> None:
        digest, weight = row.digest, Weight.SUSPENDS
        await store.write(
            lambda tx: tx.weigh_dispute(digest, weight, charged_at=9, due_at=due)
        )

    assert await store.read(lambda r: r.authors_beyond()) == [B]
    assert await beyond(store, attested=False) == [flood]
    await weigh(flood)
    assert await store.read(lambda r: r.authors_beyond()) == []
    assert await store.read(lambda r: r.last_charged(B)) == 9
    with pytest.raises(ConflictError):
        await weigh(flood, due=11)


async def test_what_one_listing_has_cost_is_shared(store: Store) -> None:
    await here(store, SIGNAL, OTHER)
    first = a_dispute(1, charged_at=5)
    more = a_dispute(2, signal_id=OTHER, charged_at=5, weight=Weight.FLOOD)
    await keep(store, first, more)

    async def charged(
        signal: bytes, since: int = 5, said: str = "minor", by: str = "officer"
    ) -> bool:
        return await store.read(
            lambda r: r.is_charged(B, A, signal, since, contention=said, control=by)
        )

    assert await charged(OTHER)  # it has the same token
    assert not await charged(SIGNAL)  # of the same signal each fact costs
    assert not await charged(OTHER, since=6)
    assert not await charged(OTHER, said="wrong_person")
    assert not await charged(OTHER, by="mailed_code")
    assert not await charged(bytes(16))
    await store.write(
        lambda tx: tx.weigh_dispute(
            more.digest, Weight.SUSPENDS, charged_at=5, due_at=10, shared=True
        )
    )
    assert await store.read(lambda r: r.suspensions_since(B, 0, attested=False)) == 1
    kept = await store.read(lambda r: r.dispute(more.digest))
    assert kept is not None
    assert kept.shared


async def beyond(store: Store, *, attested: bool) -> list[DisputeRow]:
    return await store.read(lambda r: r.disputes_beyond(B, 9, attested=attested))


async def test_what_is_attested_counts_apart_and_is_due_until_somebody_was_told(
    store: Store,
) -> None:
    await here(store, SIGNAL, OTHER)
    said = {"control": "account_login"}
    rests = a_dispute(1, **said)
    flood = a_dispute(2, signal_id=OTHER, weight=Weight.FLOOD, **said)
    await keep(store, rests, flood, a_dispute(3, control="mailed_code"))

    for attested, count in ((True, 1), (False, 1)):
        assert count == await store.read(
            lambda r, attested=attested: r.suspensions_since(B, 0, attested=attested)  # type: ignore[misc]
        )
    assert await beyond(store, attested=True) == [flood]
    assert await beyond(store, attested=False) == []
    for at, due in ((0, [1, 3]), (1_000, [1, 3]), (1_001, [3])):
        await store.write(lambda tx, at=at: tx.set_reminded(rests.digest, at))  # type: ignore[misc]
        rows = await store.read(lambda r: r.disputes_due(A, 2_000, 10))
        assert [row.sequence for row in rows] == due


async def here(store: Store, *names: bytes) -> None:
    """Keep signals of `A` under these ids."""
    signals = [
        NewSignal(
            signal_id=name,
            origin=A,
            plane="actor",
            scope="federation",
            epoch=1,
            generation=1,
            token=bytes(16),
            match_until=2_000_000_000,
            erase_after=2_000_000_000,
            log="feed",
            index=number,
            group="signal",
        )
        for number, name in enumerate(names)
    ]
    await store.write(lambda tx: tx.add_signals(signals))


async def test_a_request_is_kept_and_ends_once(store: Store) -> None:
    proof = b"p" * 32
    rows = [a_request(1, proof=proof), a_request(2)]
    for row in rows:
        await store.write(lambda tx, row=row: tx.add_request(row))  # type: ignore[misc]
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_request(a_request(3, proof=proof)))

    # What is due first stands in front.
    opened = RequestState.OPEN
    assert await store.read(lambda r: r.requests(opened, 9)) == rows[::-1]
    assert await store.read(lambda r: r.requests(opened, 1)) == rows[1:]
    assert await store.read(lambda r: r.requests(opened, 9, rows[1])) == rows[:1]
    due = rows[1].due_at
    assert await store.read(lambda r: r.requests_due(due, 9)) == rows[1:]
    assert await store.read(lambda r: r.requests_due(due - 1, 9)) == []
    closed = replace(rows[0], state=RequestState.CLOSED, ended_at=5)
    await store.write(lambda tx: tx.put_request(closed))
    assert await store.read(lambda r: r.requests(RequestState.CLOSED, 9)) == [closed]
    assert await store.read(lambda r: r.requests(opened, 9)) == rows[1:]
    assert await store.read(lambda r: r.requests_ended(4, 9)) == []
    assert await store.read(lambda r: r.requests_ended(5, 9)) == [closed]
    wiped = replace(closed, sealed=None)
    await store.write(lambda tx: tx.put_request(wiped))
    assert await store.read(lambda r: r.requests_ended(5, 9)) == []
    for changed in (
        replace(wiped, state=RequestState.OPEN),
        replace(wiped, sealed=b"again"),
        replace(wiped, kind="erasure"),
        replace(wiped, opened_by="max"),
    ):
        with pytest.raises(ConflictError):
            await store.write(lambda tx, row=changed: tx.put_request(row))  # type: ignore[misc]


def what_waits(number: int, **more: object) -> WaitingRow:
    row = WaitingRow(
        request=f"{number:032x}",
        domain="d",
        place="p",
        turn=number,
        since=number,
        again_at=10,
        period="2026-11",
        sealed=b"sealed",
    )
    return replace(row, **more)


async def test_what_waits_has_a_turn_and_goes_when_its_request_is_closed(
    store: Store,
) -> None:
    assert await store.read(lambda r: r.next_turn("d", "p")) == 1
    rows = [
        what_waits(1, turn=4),
        what_waits(2, turn=5),
        what_waits(3, turn=4, domain="e", place="q", again_at=11),
        what_waits(4, turn=0, domain="", place=""),
    ]
    for row in rows:
        await store.write(lambda tx, row=row: tx.add_waiting(row))  # type: ignore[misc]

    assert await store.read(lambda r: r.next_turn("d", "p")) == 6
    assert await store.read(lambda r: r.next_turn("d", "q")) == 4
    assert await store.read(lambda r: r.waiting_due(10, 9)) == [
        rows[3],
        rows[0],
        rows[1],
    ]
    assert await store.read(lambda r: r.waiting_due(11, 2)) == [rows[3], rows[0]]
    assert await store.read(lambda r: r.waiting_oldest()) == rows[0]
    assert await store.read(lambda r: r.count_waiting()) == 4
    assert await store.read(lambda r: r.count_waiting(2)) == 2

    async def put_off(tx: Transaction) -> None:
        await tx.put_off_waiting(12)
        await tx.put_off_waiting(20, domain="d")
        await tx.put_off_waiting(15, place="p")
        await tx.set_waiting_again(rows[1].request, 5)

    await store.write(put_off)
    due = await store.read(lambda r: r.waiting_due(99, 9))
    assert [(row.request, row.again_at) for row in due] == [
        (rows[3].request, 10),
        (rows[0].request, 20),
        (rows[2].request, 12),
        (rows[1].request, 5),
    ]
    await store.write(lambda tx: tx.put_off_waiting(30, vouched=True))
    assert await store.read(lambda r: r.waiting_due(29, 9)) == []

    request = a_request(1)
    closed = replace(request, state=RequestState.CLOSED, ended_at=5)
    await store.write(lambda tx: tx.add_request(request))
    await store.write(lambda tx: tx.put_request(replace(request, due_at=5)))
    assert await store.read(lambda r: r.waiting(request.id)) is not None
    await store.write(lambda tx: tx.put_request(closed))
    assert await store.read(lambda r: r.waiting(request.id)) is None
    await store.write(lambda tx: tx.end_waiting(rows[1].request))
    assert await store.read(lambda r: r.count_waiting()) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM disputes",
        "UPDATE disputes SET weight = 'repeat'",
        "UPDATE disputes SET due_at = 5",
        "UPDATE disputes SET recorded = 0",
        "DELETE FROM rulings",
        "UPDATE rulings SET outcome = 'restored'",
        "DELETE FROM requests",
        "UPDATE requests SET state = 'open'",
    ],
)
def test_history_cannot_be_changed_with_sql(tmp_path: Path, statement: str) -> None:
    database = open_database(tmp_path / "node.db")
    migrate(database)
    database.execute(
        "INSERT INTO disputes VALUES (zeroblob(32), 'a', zeroblob(16), 'b', 1, "
        "'minor', 'officer', 'suspends', 1, 1, 2, NULL, NULL, 1, NULL, 0)"
    )
    database.execute(
        "INSERT INTO rulings VALUES (zeroblob(32), 'a', zeroblob(16), 'revoked', 1, "
        "NULL, NULL)"
    )
    database.execute(
        "INSERT INTO requests VALUES ('r', 'access', 'form', 'mailed_code', 'de', 1, "
        "'form', NULL, NULL, 2, NULL, NULL, 'closed', NULL, NULL, 3, 'lea', '2026-11', "
        "NULL)"
    )

    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|closed"):
        database.execute(statement)
