# SPDX-License-Identifier: Apache-2.0
"""One change to a node's directory, and whether its node finds it.

A change is *void*, and need not be found, if it changes nothing that is ever read:
every row of every table, the schema, and every key and guard file are what they were,
and SQLite finds its file whole. It is *outside* what a node can find by itself if
database and guard are both put back to one older moment, keys being the same: only
who keeps the guard, or a checkpoint, elsewhere can tell (threat model).
"""

import asyncio
import gc
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

from tests.campaigns.filing import (
    POLICY_CHANGES,
    append,
    cut,
    flip_one,
    log_of,
    remove,
    wanted_of_file,
)
from tests.support.change_reports import (
    ANYTHING,
    Change,
    Judgement,
    Told,
    Wanted,
    told_by_answer,
    told_in,
    wanted_of,
)
from tests.support.directory_rows import (
    DATABASE,
    Directory,
    Row,
    Rows,
    bytes_of,
    contents_of,
    is_whole,
    keys_of,
    tables_of,
    tables_or_none,
    tampering,
    write_rows,
)
from tests.support.full_directory import NODE, open_node

from fedsafe_node.acts.audit import VerifyAnswer
from fedsafe_node.app.container import Base
from fedsafe_node.audit.service import AuditService
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.operations.offline_inspect import verify_node

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


class Mutations:
    """Draws changes and judges them; the same seed draws the same changes.

    Each has its own generator, so that one can be drawn without those before it. Keys
    and salts differ from one built directory to the next, and so do the cells.
    """

    def __init__(self, earlier: Path, now: Path, work: Path, seed: int) -> None:
        self._seed = seed
        self._random = _drawing(seed, 0)
        work.mkdir(mode=0o700)
        self._now = Directory(now, work)
        self._earlier = Directory(earlier, work)
        self._detail = ""
        self._tables = sorted(self._now.tables)
        numbers: dict[int, str] = dict(self._now.tables["logs"])
        self._logs = [numbers.get(at, "") for at in range(max(numbers) + 1)]
        database, files = self._change_table, self._change_file
        kinds: list[tuple[int, Callable[[], Change]]] = [
            (12, lambda: database(self._flip, "a cell of {} flipped")),
            (4, lambda: database(self._delete, "a row of {} deleted")),
            (3, lambda: database(self._swap, "two rows of {} swapped")),
            (2, lambda: database(self._double, "a row of {} added")),
            (2, lambda: database(self._empty, "{} emptied")),
            (3, lambda: database(self._reinsert, "an older row put into {}")),
            (3, lambda: database(self._roll_back, "{} put back")),
            (2, self._roll_back_with_seal),
            (1, self._change_schema),
            (5, lambda: files(flip_one, "a byte of {} flipped")),
            (2, lambda: files(cut, "{} cut")),
            (1, lambda: files(append, "a byte added to {}")),
            (2, lambda: files(remove, "{} deleted")),
            (1, self._swap_files),
            (1, self._change_policy),
        ]
        # Nobody puts another file in the place of one that is open.
        whole: list[tuple[int, Callable[[], Change]]] = [
            (1, self._roll_back_database),
            (2, self._flip_byte),
            (1, self._roll_back_guard),
        ]
        self._kinds = {True: kinds, False: kinds + whole}
        gc.freeze()  # what is here stays, and need not be looked through each time

    async def judge(self, number: int) -> Judgement:
        """Draw the change of that number and judge it."""
        self._random = _drawing(self._seed, number)
        # A connection that a refused start has left behind would share its view of the
        # write-ahead log with the next, from which that file was taken away.
        gc.collect()
        await asyncio.to_thread(self._now.restore)
        running = self._random.random() < 0.3
        (kind,) = self._random.choices(
            [each for _, each in self._kinds[running]],
            [weight for weight, _ in self._kinds[running]],
        )
        place = Place(self._now.path)
        if running:
            change, outcome, said = await self._under(place, kind)
        else:
            change = await asyncio.to_thread(kind)
            left = await asyncio.to_thread(contents_of, self._now.path)
            outcome, said = await self._find(place, change)
            # A start puts the policy that it decides by back in its place.
            left |= await asyncio.to_thread(contents_of, self._now.path, "policies")
            if outcome == "unseen" and await asyncio.to_thread(self._was_void, left):
                outcome = "void"
        if outcome == "unseen" and change.what == _OUTSIDE:
            outcome = "outside"
        return Judgement(number, change, running, outcome, said)

    def _was_void(self, left: Mapping[Path, bytes]) -> bool:
        """Bring back what the change had left, before a start, and look at it."""
        for file in self._now.path.rglob("*"):
            if file.is_file():
                file.unlink()
        for name, content in left.items():
            (self._now.path / name).touch(mode=0o600)
            (self._now.path / name).write_bytes(content)
        return self._now.is_void()

    async def _under(
        self, place: Place, kind: Callable[[], Change]
    ) -> tuple[Change, str, str]:
        async with AsyncExitStack() as parts:
            base = await open_node(place, parts)
            before = await asyncio.to_thread(tables_of, place.database)
            change = await asyncio.to_thread(kind)
            after = await asyncio.to_thread(tables_or_none, place.database)
            files = self._now.names("keys", "guard", "policies")
            same_files = all(
                bytes_of(place.directory / name) == self._now.content(name)
                for name in files
            )
            try:
                answer = await _verify(base)
            except NodeError as error:
                return change, *_judge(change, told_in(str(error), self._logs))
            except Exception as error:  # noqa: BLE001 - it is what is looked for
                return change, "crash", repr(error)
            if answer.ok:
                void = same_files and before == after
                return change, "void" if void else "unseen", "all is well"
            return change, *_judge(change, told_by_answer(answer, self._logs))

    async def _find(self, place: Place, change: Change) -> tuple[str, str]:
        try:
            try:
                async with AsyncExitStack() as parts:
                    base = await open_node(place, parts)
                    answer = await _verify(base)
            except NodeError as error:
                # It names what it came upon first; `audit verify` says where it lies.
                told = told_in(f"{type(error).__name__}: {error}", self._logs)
                config = await asyncio.to_thread(load_config, place)
                told += told_by_answer(await verify_node(place, config), self._logs)
                return _judge(change, told)
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            return "crash", repr(error)
        if answer.ok:
            return "unseen", "all is well"
        return _judge(change, told_by_answer(answer, self._logs))

    # --- tables -----------------------------------------------------------------

    def _change_table(
        self, alter: Callable[[str, Rows], Rows | None], what: str
    ) -> Change:
        while True:
            name = self._random.choice(self._tables)
            rows = list(self._now.tables[name])
            self._detail = ""
            altered = alter(name, rows)
            if altered is None:
                continue
            try:
                with tampering(self._now.path / DATABASE) as connection:
                    write_rows(connection, name, altered)
            except sqlite3.IntegrityError:
                continue  # a key that is there twice
            except sqlite3.OperationalError as error:
                if "locked" in str(error) or "I/O" in str(error):
                    raise
                continue
            keys = keys_of(self._now.path / DATABASE, name)
            wanted = wanted_of(name, keys, self._now.tables[name], altered, self._logs)
            return Change(what.format(name) + self._detail, wanted)

    def _flip(self, name: str, rows: Rows) -> Rows | None:
        if not rows:
            return None
        at = self._random.randrange(len(rows))
        row = list(rows[at])
        cell = self._random.randrange(len(row))
        before, row[cell] = row[cell], self._other(row[cell])
        self._detail = f" (cell {cell} of {name}: {before!r:.40} to {row[cell]!r:.40})"
        return [*rows[:at], tuple(row), *rows[at + 1 :]]

    def _other(self, value: Any) -> Any:  # noqa: ANN401 - a cell
        match value:
            case None:
                return self._random.choice([1, "x", b"x"])
            case int():
                return value ^ 1 << self._random.randrange(20)
            case bytes():
                if not value:
                    return b"\0"
                at = self._random.randrange(len(value))
                bit = 1 << self._random.randrange(8)
                return value[:at] + bytes([value[at] ^ bit]) + value[at + 1 :]
            case _:
                text = str(value) or "x"
                at = self._random.randrange(len(text))
                others = _LETTERS.replace(text[at], "")
                return text[:at] + self._random.choice(others) + text[at + 1 :]

    def _delete(self, name: str, rows: Rows) -> Rows | None:
        del name
        if not rows:
            return None
        at = self._random.randrange(len(rows))
        return rows[:at] + rows[at + 1 :]

    def _swap(self, name: str, rows: Rows) -> Rows | None:
        if len(rows) < 2:
            return None
        keys = keys_of(self._now.path / DATABASE, name)
        one, two = self._random.sample(range(len(rows)), 2)
        first, second = rows[one], rows[two]
        cells = [at for at in range(len(first)) if at not in keys]
        swapped = list(rows)
        for at in cells:
            swapped[one] = _with(swapped[one], at, second[at])
            swapped[two] = _with(swapped[two], at, first[at])
        return swapped

    def _double(self, name: str, rows: Rows) -> Rows | None:
        if not rows:
            return None
        keys = keys_of(self._now.path / DATABASE, name)
        row = self._random.choice(rows)
        at = self._random.choice(sorted(keys) or list(range(len(row))))
        return [*rows, _with(row, at, self._other(row[at]))]

    def _empty(self, name: str, rows: Rows) -> Rows | None:
        del name
        return [] if rows else None

    def _reinsert(self, name: str, rows: Rows) -> Rows | None:
        keys = keys_of(self._now.path / DATABASE, name)
        older = [row for row in self._earlier.tables.get(name, []) if row not in rows]
        if not older or not keys:
            return None
        row = self._random.choice(older)
        key = [row[at] for at in keys]
        return [*(r for r in rows if [r[at] for at in keys] != key), row]

    def _roll_back(self, name: str, rows: Rows) -> Rows | None:
        older = self._earlier.tables.get(name)
        return older if older is not None and older != rows else None

    def _roll_back_with_seal(self) -> Change:
        while True:
            name = self._random.choice(self._tables)
            older = self._earlier.tables.get(name)
            if older is None or older == self._now.tables[name] or name == "seal":
                continue
            seal = self._earlier.tables["seal"]
            if self._random.random() < 0.5:
                mine = f"table:{name}"
                parts = dict(self._now.tables["seal"]) | {
                    part: body for part, body in seal if part == mine
                }
                seal = sorted(parts.items())
            with tampering(self._now.path / DATABASE) as connection:
                write_rows(connection, name, older)
                write_rows(connection, "seal", seal)
            ways = ("seal", "logs", f"{NODE}/")
            return Change(f"{name} and the seal put back", Wanted(ways=ways))

    def _roll_back_database(self) -> Change:
        keys = keys_of(self._now.path / DATABASE, "entries")
        tables = self._now.tables["entries"], self._earlier.tables["entries"]
        wanted = wanted_of("entries", keys, *tables, self._logs)
        return self._put_back([Path(DATABASE)], "the database put back", wanted)

    def _roll_back_guard(self) -> Change:
        # On a busy machine the first anchor is cosigned after the earlier copy.
        there = set(self._earlier.names("guard"))
        guard = [name for name in self._now.names("guard") if name in there]
        if self._random.random() < 0.5:
            wanted = Wanted(ways=("guard", "seal", f"{NODE}/", "logs"))
            return self._put_back([Path(DATABASE), *guard], _OUTSIDE, wanted)
        wanted = Wanted(("guard",), tuple(log_of(name) for name in guard))
        return self._put_back(guard, "the guard put back", wanted)

    def _put_back(self, names: Sequence[Path], what: str, wanted: Wanted) -> Change:
        for name in names:
            (self._now.path / name).write_bytes(self._earlier.content(name))
        return Change(what, wanted)

    def _change_schema(self) -> Change:
        with tampering(self._now.path / DATABASE, keep=False) as connection:
            triggers = [sql for sql in self._now.schema if "CREATE TRIGGER" in str(sql)]
            lost = self._random.choice(triggers)
            for trigger in triggers:
                if trigger != lost:
                    connection.execute(trigger[-1])
        wanted = Wanted(("schema", f"{lost[0]} {lost[1]}"))
        return Change(f"{lost[0]} {lost[1]} dropped", wanted)

    def _flip_byte(self) -> Change:
        path = self._now.path / DATABASE
        data = bytearray(path.read_bytes())
        at = self._random.randrange(len(data))
        data[at] ^= 1 << self._random.randrange(8)
        path.write_bytes(data)
        return Change(f"byte {at} of the database flipped", self._wanted_now())

    def _wanted_now(self) -> Wanted:
        """Tell by what can still be read of the tables; a page can hold anything."""
        after = tables_or_none(self._now.path / DATABASE)
        before = self._now.tables
        if after is None or set(after) != set(before):
            return ANYTHING
        changed = [name for name in before if before[name] != after[name]]
        if len(changed) != 1 or not is_whole(self._now.path / DATABASE):
            return ANYTHING
        (name,) = changed
        keys = keys_of(self._now.path / DATABASE, name)
        return wanted_of(name, keys, before[name], after[name], self._logs)

    # --- files ------------------------------------------------------------------

    def _change_file(self, alter: Callable[[Path, Random], None], what: str) -> Change:
        name = self._random.choice(self._now.names("keys", "guard"))
        alter(self._now.path / name, self._random)
        return Change(what.format(name), wanted_of_file(name))

    def _change_policy(self) -> Change:
        # One that was deleted, and is not decided by, anybody can put back by its name.
        alter, what = self._random.choice(POLICY_CHANGES)
        name = self._random.choice(self._now.names("policies"))
        alter(self._now.path / name, self._random)
        return Change(f"{what} {name}", Wanted(("policies", name.name)))

    def _swap_files(self) -> Change:
        one, two = self._random.sample(self._now.names("keys"), 2)
        (self._now.path / one).write_bytes(self._now.content(two))
        (self._now.path / two).write_bytes(self._now.content(one))
        return Change(f"{one} and {two} swapped", Wanted(ways=(one.name, two.name)))


_OUTSIDE: Final = "the database and the guard put back"


def _drawing(seed: int, number: int) -> Random:
    return Random(f"{seed}/{number}")  # noqa: S311 - no secret hangs on it


def _with(row: Row, at: int, value: Any) -> Row:  # noqa: ANN401 - a cell
    return (*row[:at], value, *row[at + 1 :])


async def _verify(base: Base) -> VerifyAnswer:
    audits = AuditService(
        base.situation,
        base.store,
        base.lists,
        base.trail,
        base.clock,
        guard=base.guard,
        policies=base.place.policies,
    )
    return await audits.verify(LOCAL)


def _judge(change: Change, told: Told) -> tuple[str, str]:
    is_met = change.wanted.is_met(told)
    said = told.text if is_met else f"{told.text} (wanted {change.wanted})"
    return "found" if is_met else "unnamed", said
