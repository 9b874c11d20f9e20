# SPDX-License-Identifier: Apache-2.0
from typing import Any

import msgspec
import pytest
from tests.support.store_rows import BKA, CASE, SENT, STEP

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.casework_rows import (
    MENDABLE,
    AttemptRow,
    DispatchRow,
    SendingRow,
    TakingRow,
)
from fedsafe_node.store.protocol import Store

FIRST = AttemptRow(dispatch_id=SENT.id, number=1, way="mail", began_at=101)


@pytest.fixture
async def sent(store: Store) -> Store:
    await store.write(lambda tx: tx.put_case(CASE))
    await store.write(lambda tx: tx.put_partner(BKA))
    await store.write(lambda tx: tx.add_dispatch(SENT))
    return store


async def test_a_dispatch_is_kept_and_there_is_one_of_each_key(sent: Store) -> None:
    again = msgspec.structs.replace(SENT, id="0e" * 16)
    for row in (SENT, again):
        with pytest.raises(ConflictError):
            await sent.write(lambda tx, row=row: tx.add_dispatch(row))  # type: ignore[misc]

    assert await sent.read(lambda reader: reader.dispatch(SENT.id)) == SENT
    assert await sent.read(lambda reader: reader.dispatches(CASE.id)) == [SENT]
    assert await sent.read(lambda reader: reader.dispatches("0b" * 16)) == []


async def test_a_dispatch_is_found_by_the_token_of_a_reply(sent: Store) -> None:
    found = [
        await sent.read(lambda reader, token=token: reader.dispatch_replied_to(token))  # type: ignore[misc]
        for token in (SENT.reply_token, SENT.reply_token[1:], "")
    ]

    assert found == [SENT, None, None]


async def test_no_two_dispatches_have_one_token(sent: Store) -> None:
    other = msgspec.structs.replace(SENT, id="0e" * 16, key="0e" * 32)

    with pytest.raises(ConflictError):
        await sent.write(lambda tx: tx.add_dispatch(other))


async def test_a_dispatch_moves_and_never_changes_its_partner(sent: Store) -> None:
    moved = msgspec.structs.replace(
        SENT,
        state="by_hand",
        channel=1,
        tries=2,
        due_at=None,
        sealed=None,
        signature=None,
    )
    other = msgspec.structs.replace(moved, partner="zac", key="0e" * 32)
    await sent.write(lambda tx: tx.move_dispatch(other))
    unknown = msgspec.structs.replace(moved, id="0e" * 16)
    with pytest.raises(ConflictError):
        await sent.write(lambda tx: tx.move_dispatch(unknown))

    assert await sent.read(lambda reader: reader.dispatch(SENT.id)) == moved
    assert await sent.read(lambda reader: reader.dispatches_by_hand()) == 1


@pytest.mark.parametrize("state", ["queued", "by_hand", "delivered", "stopped"])
async def test_a_correction_is_kept_of_an_erased_case_until_it_has_arrived(
    sent: Store, state: str
) -> None:
    correction = msgspec.structs.replace(
        SENT,
        id="0e" * 16,
        key="0e" * 32,
        reply_token="u" * 24,
        recalls=SENT.id,
        state=state,
        due_at=SENT.due_at if state == "queued" else None,
        delivered_at=200 if state == "delivered" else None,
    )
    await sent.write(lambda tx: tx.add_dispatch(correction))
    erased = msgspec.structs.replace(STEP, step="erased", state="closed")
    await sent.write(lambda tx: tx.add_case_step(erased))
    left = await sent.read(lambda reader: reader.dispatches_left())
    over = [correction.id] if state in {"delivered", "stopped"} else []

    assert left == sorted([SENT.id, *over])


@pytest.mark.parametrize(("now", "due"), [(99, []), (100, [SENT])])
async def test_what_is_due_is_found(
    sent: Store, now: int, due: list[DispatchRow]
) -> None:
    assert await sent.read(lambda reader: reader.dispatches_due(now)) == due


async def test_an_attempt_begins_and_ends_once(sent: Store) -> None:
    await sent.write(lambda tx: tx.add_attempt(FIRST))
    cut_off = await sent.read(lambda reader: reader.attempts_cut_off())
    ended = msgspec.structs.replace(
        FIRST, ended_at=102, outcome="delivered", proof="250", message="m-1"
    )
    await sent.write(lambda tx: tx.end_attempt(ended))
    late = msgspec.structs.replace(ended, outcome="in_doubt")
    with pytest.raises(ConflictError):
        await sent.write(lambda tx: tx.end_attempt(late))
    with pytest.raises(ConflictError):
        await sent.write(lambda tx: tx.add_attempt(FIRST))

    assert cut_off == [FIRST]
    assert await sent.read(lambda reader: reader.attempts(SENT.id)) == [ended]
    assert await sent.read(lambda reader: reader.attempts_cut_off()) == []


async def test_of_a_dispatch_that_is_erased_its_course_stays(sent: Store) -> None:
    called = msgspec.structs.replace(
        SENT, id="0e" * 16, key="0e" * 32, reply_token="u" * 24, called="call-7"
    )
    first, other = (
        msgspec.structs.replace(
            FIRST, dispatch_id=each.id, ended_at=102, outcome="delivered", proof="250"
        )
        for each in (called, SENT)
    )
    await sent.write(lambda tx: tx.add_dispatch(called))
    for each in (first, other):
        await sent.write(lambda tx, each=each: tx.add_attempt(each))  # type: ignore[misc]
    kept = await sent.read(lambda reader: reader.dispatches_left())
    erased = msgspec.structs.replace(STEP, step="erased", state="closed")
    await sent.write(lambda tx: tx.add_case_step(erased))
    before = await sent.read(lambda reader: reader.dispatches_left())
    await sent.write(lambda tx: tx.erase_dispatch(called.id))
    after = await sent.read(lambda reader: reader.dispatches_left())
    rows = await sent.read(lambda reader: reader.dispatches(CASE.id))
    attempts = await sent.read(lambda reader: reader.attempts(called.id))

    bare = msgspec.structs.replace(called, called=None, sealed=None, signature=None)
    assert (kept, before, after) == ([], [SENT.id, called.id], [SENT.id])
    assert rows == [SENT, bare]
    assert attempts == [msgspec.structs.replace(first, proof=None)]
    assert await sent.read(lambda reader: reader.attempts(SENT.id)) == [other]


async def test_which_channels_people_can_mend_goes_with_the_dispatch(
    sent: Store,
) -> None:
    bare = msgspec.structs.replace(
        SENT, id="0e" * 16, key="0e" * 32, sealed=None, signature=None
    )
    bare = msgspec.structs.replace(bare, reply_token="u" * 24)
    await sent.write(lambda tx: tx.add_dispatch(bare))
    erased = msgspec.structs.replace(STEP, step="erased", state="closed")
    await sent.write(lambda tx: tx.add_case_step(erased))
    before = await sent.read(lambda reader: reader.dispatches_left())
    for each in (SENT, bare):
        key = MENDABLE + each.id
        await sent.write(lambda tx, key=key: tx.set_meta(key, b"0,1"))  # type: ignore[misc]
    left = await sent.read(lambda reader: reader.dispatches_left())
    await sent.write(lambda tx: tx.erase_dispatch(bare.id))
    kept = [
        await sent.read(lambda reader, key=key: reader.meta(key))  # type: ignore[misc]
        for key in (MENDABLE + SENT.id, MENDABLE + bare.id)
    ]

    assert (before, left) == ([SENT.id], [SENT.id, bare.id])
    assert kept == [b"0,1", None]
    assert await sent.read(lambda reader: reader.dispatches_left()) == [SENT.id]


async def test_the_last_switch_of_sending_counts(store: Store) -> None:
    assert await store.read(lambda reader: reader.sending()) is None
    for sends in (False, True, False):
        row = SendingRow(sends, 100, "ada")
        await store.write(lambda tx, row=row: tx.add_sending(row))  # type: ignore[misc]

    assert await store.read(lambda reader: reader.sending()) == SendingRow(
        sends=False, at=100, by="ada"
    )


@pytest.mark.parametrize(
    ("kept_back", "delivered_at", "count"),
    [((), None, 1), ((1,), None, 1), ((1, 2), None, 0), ((), 106, 0)],
)
async def test_packages_in_hand_are_counted_once_until_all_say_what_came(
    sent: Store, kept_back: tuple[int, ...], delivered_at: int | None, count: int
) -> None:
    assert await sent.read(lambda reader: reader.dispatches_in_hand()) == 0
    for number, by in ((1, "ada"), (2, "eve")):
        row = TakingRow(dispatch_id=SENT.id, number=number, by=by, at=103)
        await sent.write(lambda tx, row=row: tx.add_taking(row))  # type: ignore[misc]
        if number in kept_back:
            back = msgspec.structs.replace(row, kept_back_at=105, kept_back_by=by)
            await sent.write(lambda tx, back=back: tx.end_taking(back))  # type: ignore[misc]
    moved = msgspec.structs.replace(
        SENT, state="by_hand", due_at=None, delivered_at=delivered_at
    )
    await sent.write(lambda tx: tx.move_dispatch(moved))

    assert await sent.read(lambda reader: reader.dispatches_in_hand()) == count


@pytest.mark.parametrize(
    ("changes", "is_there"),
    [
        ({}, True),
        ({"state": "by_hand", "due_at": None}, True),
        ({"state": "delivered", "due_at": None}, False),
        ({"state": "stopped", "due_at": None}, False),
        ({"sealed": None, "signature": None}, False),
        ({"recalls": SENT.id}, False),
    ],
)
async def test_what_waits_sealed_may_be_taken(
    sent: Store, changes: dict[str, Any], *, is_there: bool
) -> None:
    over = msgspec.structs.replace(SENT, state="stopped", due_at=None)
    await sent.write(lambda tx: tx.move_dispatch(over))
    names = {"id": "0e" * 16, "key": "0e" * 32, "reply_token": "u" * 24}
    other = msgspec.structs.replace(SENT, **(names | changes))
    await sent.write(lambda tx: tx.add_dispatch(other))
    found = await sent.read(lambda reader: reader.dispatches_to_take())

    assert found == ([other.id] if is_there else [])


async def test_who_took_a_package_has_it_until_it_was_kept_back(sent: Store) -> None:
    first = TakingRow(dispatch_id=SENT.id, number=1, by="ada", at=103)
    second = msgspec.structs.replace(first, number=2, by="eve", at=104)
    for row in (first, second):
        await sent.write(lambda tx, row=row: tx.add_taking(row))  # type: ignore[misc]
    kept = msgspec.structs.replace(first, kept_back_at=105, kept_back_by="eve")
    await sent.write(lambda tx: tx.end_taking(kept))
    for act in (lambda tx: tx.end_taking(kept), lambda tx: tx.add_taking(second)):
        with pytest.raises(ConflictError):
            await sent.write(act)

    assert await sent.read(lambda reader: reader.takings(SENT.id)) == [kept, second]
    assert await sent.read(lambda reader: reader.takings("0e" * 16)) == []


async def test_closed_cases_are_found_by_what_waits_or_was_stopped(
    sent: Store,
) -> None:
    found = []
    for state, case_state in [
        ("by_hand", "acknowledged"),
        ("by_hand", "closed"),
        ("delivered", "closed"),
        ("stopped", "closed"),
    ]:
        moved = msgspec.structs.replace(SENT, state=state, due_at=None)
        case = await sent.read(lambda reader: reader.case(CASE.id))
        assert case is not None
        following = msgspec.structs.replace(
            case, state=case_state, revision=case.revision + 1
        )
        await sent.write(lambda tx, row=moved: tx.move_dispatch(row))  # type: ignore[misc]
        await sent.write(lambda tx, row=following: tx.put_case(row))  # type: ignore[misc]
        rows = await sent.read(lambda reader: reader.closed_cases_sent())
        found.append([row.id for row in rows])

    assert found == [[], [CASE.id], [], [CASE.id]]
