# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace
from tests.support.store_rows import listed

from fedsafe_node.acts.signal_reviews import ImportState
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.imports_rows import ImportPart, ImportRow, ListedToken, TakenOff
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import DraftRow, DraftState, SignalStatus
from fedsafe_node.store.transaction import Transaction

US = "a.demo"
NOW = 1_000
RUN = ImportRow(id=bytes(16), author="anna", began_at=5, mark=bytes([7]) * 16)


def named(number: int) -> bytes:
    return bytes([number]) * 16


def listed_token(token: int, signal: int, *, origin: str = US) -> ListedToken:
    return ListedToken(
        origin=origin, token=named(token), audience="", signal_id=named(signal)
    )


async def stand(store: Store, number: int) -> ListedToken:
    """Keep a signal of this node that lives."""
    row = replace(listed(number), origin=US, token=named(number), match_until=2_000)
    await store.write(lambda tx: tx.add_signal(row))
    return listed_token(number, number)


async def take(store: Store, *rows: ListedToken) -> list[bytes | None]:
    found = await store.write(lambda tx: tx.take_listed(rows, NOW))
    return [None if each is None else each.signal_id for each in found]


async def standing(
    store: Store, *rows: ListedToken, now: int = NOW
) -> list[bytes | None]:
    found = await store.read(lambda r: r.standing(rows, now))
    return [None if each is None else each.signal_id for each in found]


async def test_a_token_has_one_signal_that_lives_for_each_origin_and_audience(
    store: Store,
) -> None:
    one = await stand(store, 1)
    assert await take(store, one, listed_token(1, 2)) == [None, named(1)]

    meant = replace(one, audience="0a" * 32, signal_id=named(3))
    other = listed_token(1, 4, origin="own:a.demo")
    assert await take(store, listed_token(1, 5), meant, other) == [named(1), None, None]
    assert await standing(store, one, meant) == [
        named(1),
        None,  # nothing of that id lives
    ]


@pytest.mark.parametrize(
    "status", [SignalStatus.REVOKED, SignalStatus.EXPIRED, SignalStatus.ERASED]
)
async def test_what_has_ended_makes_room(store: Store, status: SignalStatus) -> None:
    one = await stand(store, 1)
    await take(store, one)
    await store.write(lambda tx: tx.set_signal_status(US, named(1), status))

    assert await take(store, listed_token(1, 2)) == [None]


async def test_what_rests_stands_and_what_is_over_does_not(store: Store) -> None:
    one = await stand(store, 1)
    await take(store, one)
    await store.write(
        lambda tx: tx.set_signal_status(US, named(1), SignalStatus.DISPUTED)
    )

    assert await standing(store, one) == [named(1)]
    assert await standing(store, one, now=2_000) == [None]


async def test_a_member_that_ends_a_signal_of_our_id_ends_none_of_ours(
    store: Store,
) -> None:
    one = await stand(store, 1)
    await take(store, one)
    theirs = replace(listed(1), origin="b.demo", token=named(9), match_until=2_000)
    await store.write(lambda tx: tx.add_signal(theirs))
    await store.write(
        lambda tx: tx.set_signal_status("b.demo", named(1), SignalStatus.ERASED)
    )

    assert await standing(store, one) == [named(1)]


async def test_a_draft_stands_until_it_is_withdrawn(store: Store) -> None:
    draft = DraftRow(named(1), "anna", 10, "2026-11", b"sealed")
    one = listed_token(1, 1)
    await store.write(lambda tx: tx.add_draft(draft))
    assert await take(store, one) == [None]
    assert await take(store, listed_token(1, 2)) == [named(1)]

    await store.write(
        lambda tx: tx.decide_draft(named(1), DraftState.WITHDRAWN, by="anna", at=11)
    )
    assert await take(store, listed_token(1, 2)) == [None]


async def test_a_draft_under_older_keys_makes_room_and_a_signal_does_not(
    store: Store,
) -> None:
    draft = DraftRow(named(1), "anna", 10, "2026-11", b"sealed")
    await store.write(lambda tx: tx.add_draft(draft))
    await take(store, replace(listed_token(1, 1), generation=1))
    await take(store, await stand(store, 2))
    later = replace(listed_token(1, 3), generation=2)
    published = replace(listed_token(2, 4), generation=2)

    assert await take(store, later, published) == [None, named(2)]


async def test_what_says_something_else_is_told_where_that_is_known(
    store: Store,
) -> None:
    draft = DraftRow(named(1), "anna", 10, "2026-11", b"sealed")
    await store.write(lambda tx: tx.add_draft(draft))
    one = replace(listed_token(1, 1), said=named(5))
    rows = [one, replace(one, said=named(6)), replace(one, said=None)]
    await store.write(lambda tx: tx.take_listed(rows[:1], NOW))
    found = await store.read(lambda r: r.standing(rows, NOW))

    assert [each and each.differs for each in found] == [False, True, False]


async def test_tokens_of_a_signal_are_told_while_they_are_kept(store: Store) -> None:
    one = replace(await stand(store, 1), until=2_000)
    await take(store, one)
    draft = replace(listed_token(2, 9), origin="b.demo", until=7)
    await take(store, draft)
    theirs = replace(listed(1), origin="b.demo", token=named(8), match_until=2_000)
    await store.write(lambda tx: tx.add_signal(theirs))

    async def told(signal: int, *origins: str) -> dict[bytes, int]:
        return await store.read(lambda r: r.tokens_of(named(signal), origins))

    assert await told(1, US, "own:a.demo") == {named(1): 2_000}
    assert await told(9, "b.demo") == {named(2): 7}
    assert await told(9, US) == {}
    await store.write(
        lambda tx: tx.set_signal_status(US, named(1), SignalStatus.ERASED)
    )
    assert await told(1, US, "own:a.demo") == {}


async def test_who_was_taken_off_is_known_until_it_is_cleared_or_over(
    store: Store,
) -> None:
    rows = [
        TakenOff(mark=named(n), reason="mistake", at=n, until=10 * n) for n in (1, 2, 3)
    ]
    marks = [row.mark for row in rows] + [named(4)]
    await store.write(lambda tx: tx.add_taken_off(rows))
    later = replace(rows[1], reason="superseded", at=9)
    await store.write(lambda tx: tx.add_taken_off([later]))

    async def known(now: int) -> list[TakenOff]:
        found = await store.read(lambda r: r.taken_off(marks, now))
        return [found[mark] for mark in marks if mark in found]

    assert await known(9) == [rows[0], later, rows[2]]
    assert await known(10) == [later, rows[2]]
    await store.write(lambda tx: tx.clear_taken_off([named(3), named(4)]))
    await store.write(lambda tx: tx.forget_taken_off(10))
    assert await known(0) == [later]


async def test_imports_are_listed_newest_first_in_pages(store: Store) -> None:
    runs = [replace(RUN, id=named(n), began_at=n // 2, mark=None) for n in range(1, 6)]
    for row in runs:
        await store.write(lambda tx, row=row: tx.add_import(row))  # type: ignore[misc]
    first = await store.read(lambda r: r.imports(2, before=None))
    rest = await store.read(lambda r: r.imports(9, before=first[-1].id))

    assert [*first, *rest] == runs[::-1]
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_import(runs[0]))


async def test_an_import_is_known_by_its_mark_while_it_is_open(store: Store) -> None:
    await store.write(lambda tx: tx.add_import(RUN))
    assert await store.read(lambda r: r.open_import(bytes([7]) * 16)) == RUN
    done = replace(RUN, state=ImportState.DONE, ended_at=9, lines=3, added=2, listed=1)
    await store.write(lambda tx: tx.put_import(done))

    assert await store.read(lambda r: r.open_import(bytes([7]) * 16)) is None
    assert await store.read(lambda r: r.import_run(RUN.id)) == done


async def test_what_signals_are_to_an_import_is_counted(store: Store) -> None:
    again = replace(RUN, id=named(2))

    async def act(tx: Transaction) -> None:
        await tx.add_import(RUN)
        await tx.add_import(again)
        await tx.add_import_signals(RUN.id, ImportPart.ADDED, [named(1), named(2)])
        await tx.add_import_signals(RUN.id, ImportPart.MET, [named(2), named(3)])
        await tx.add_import_signals(again.id, ImportPart.MET, [named(1)])

    await store.write(act)
    met = await store.read(lambda r: r.import_signals(RUN.id, ImportPart.MET, b"", 9))
    assert met == [named(3)]
    assert await store.read(lambda r: r.met_again(RUN.id)) == 1

    await store.write(lambda tx: tx.stop_import_signals(RUN.id, [named(1)]))
    added = ImportPart.ADDED
    left = await store.read(lambda r: r.import_signals(RUN.id, added, b"", 9))
    assert left == [named(2)]
    assert await store.read(lambda r: r.import_signals(RUN.id, added, left[0], 9)) == []
    assert await store.read(lambda r: r.met_again(RUN.id)) == 1
