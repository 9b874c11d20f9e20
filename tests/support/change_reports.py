# SPDX-License-Identifier: Apache-2.0
"""What has to be said of a change to a node's directory, and what was said.

A change to a log has to be told with the log and a span of entries that holds one of
those that were changed. A change to another table is told with the table and, if the
seal can know it, the row: a row that changed, was added, or stands under another key.
Of a row that is gone the seal knows that one is, and of two that changed their cells
that there are several: it holds sums, and no copy.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.support.directory_rows import Row, Rows

from fedsafe_node.acts.audit import VerifyAnswer

OF_LOGS: Final = frozenset({"logs", "entries", "openings", "tile_roots"})
WRONG: Final = frozenset({"unseen", "unnamed", "crash"})
_ENDLESS: Final = 1 << 62
_SHOWN: Final = 40
_ENTRY: Final = re.compile(
    r"(?:log )?(?P<log>[\w.-]+/\w+)[: ]+(?:is )?damaged "
    r"(?:at entry (?P<at>\d+)|somewhere in the entries (?P<first>\d+) to (?P<last>\d+))"
)
_SHORT: Final = re.compile(r"log (\S+) has only (\d+) entries\b.*? checkpoint of (\d+)")
_POINTED: Final = re.compile(r"entry (\d+) of ([\w.-]+/\w+)")
_ERASED: Final = re.compile(r"openings\W.*?(\d+), (\d+), \w+")
_PRUNED: Final = re.compile(r"([\w.-]+/\w+), entry (\d+)")
_STRAY: Final = re.compile(r"log (\d+): there is no such log")
_TILE: Final = re.compile(r"([\w.-]+/\w+), level (\d+), tile (-?\d+)")


@dataclass(frozen=True, slots=True)
class Span:
    """Entries of a log, from the first to the last."""

    log: str
    first: int
    last: int

    def meets(self, other: "Span") -> bool:
        """Whether both have an entry."""
        apart = self.last < other.first or other.last < self.first
        return self.log == other.log and not apart


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be said: all *words*, one of *ways*, and a span that meets one."""

    words: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()

    def is_met(self, told: "Told") -> bool:
        """Whether something has said it."""
        return (
            all(word in told.text for word in self.words)
            and (not self.ways or any(way in told.text for way in self.ways))
            and (
                not self.spans
                or any(one.meets(other) for one in self.spans for other in told.spans)
            )
        )


ANYTHING: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Told:
    """What a start or a verification said."""

    text: str = ""
    spans: tuple[Span, ...] = ()

    def __add__(self, other: "Told") -> "Told":
        """Take both together."""
        text = "; ".join(part for part in (self.text, other.text) if part)
        return Told(text, (*self.spans, *other.spans))


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed, and what has to be said of it."""

    what: str
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a change: found, void, outside, unseen, unnamed or a crash."""

    number: int
    change: Change
    running: bool
    outcome: str
    said: str

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has to look at it."""
        return self.outcome in WRONG

    def __str__(self) -> str:
        """Say all in a line."""
        when = "under the open node" if self.running else "before the start"
        return f"{self.number} {self.outcome}: {self.change.what} {when}: {self.said}"


def told_in(text: str, logs: Sequence[str]) -> Told:
    """Read the entries that a text names; *logs* are the names by their numbers."""
    spans = [
        Span(found["log"], int(found["at"] or found["first"]), _last(found))
        for found in _ENTRY.finditer(text)
    ]
    spans += [
        Span(log, int(found), int(wanted) - 1)
        for log, found, wanted in _SHORT.findall(text)
    ]
    spans += [Span(log, int(at), int(at)) for at, log in _POINTED.findall(text)]
    spans += [Span(log, int(at), int(at)) for log, at in _PRUNED.findall(text)]
    spans += [
        Span(logs[int(number)], int(at), int(at))
        for number, at in _ERASED.findall(text)
        if int(number) < len(logs)
    ]
    for number in map(int, _STRAY.findall(text)):
        # The row with its name may be what is gone.
        names = {f"log {number}", *logs[number : number + 1]}
        spans += [Span(name, 0, _ENDLESS) for name in sorted(names)]
    spans += [tile(log, int(up), int(at)) for log, up, at in _TILE.findall(text)]
    return Told(text, tuple(spans))


def _last(found: re.Match[str]) -> int:
    return int(found["at"] or found["last"])


def told_by_answer(answer: VerifyAnswer, logs: Sequence[str]) -> Told:
    """Read what `audit verify` answers."""
    spans = [
        Span(
            each.log, each.first_bad_index, each.last_bad_index or each.first_bad_index
        )
        for each in answer.logs
        if each.first_bad_index is not None
    ]
    lines = [f"{each.log} {each.why}" for each in answer.logs if not each.ok]
    lines += [
        f"{each.table} {each.first_bad}: {each.why}"
        for each in answer.tables
        if not each.ok
    ]
    told = [told_in(line, logs) for line in lines]
    return Told("; ".join(lines), (*spans, *(s for each in told for s in each.spans)))


def tile(log: str, level: int, index: int) -> Span:
    """Give the entries below a tile's root."""
    height = 8 * max(0, min(level, 7))
    return Span(log, index << height, (index + 1 << height) - 1)


def wanted_of(
    name: str, keys: set[int], before: Rows, after: Rows, logs: Sequence[str]
) -> Wanted:
    """Tell what has to be said once a table's rows have changed."""
    changed = [*_without(before, after), *_without(after, before)]
    if name in OF_LOGS:
        return Wanted(spans=tuple(_span(name, row, logs) for row in changed))
    if name == "seal":
        return Wanted(words=("seal",))
    return Wanted((name, *_of_rows(sorted(keys), before, after)))


def _without(rows: Rows, others: Rows) -> Rows:
    known = set(others)
    return [row for row in rows if row not in known]


def _span(name: str, row: Row, logs: Sequence[str]) -> Span:
    if name == "logs":
        return Span(row[1], 0, _ENDLESS)
    log = (0 <= row[0] < len(logs) and logs[row[0]]) or f"log {row[0]}"
    return (
        tile(log, row[1], row[2]) if name == "tile_roots" else Span(log, row[1], row[1])
    )


def _of_rows(keys: list[int], before: Rows, after: Rows) -> tuple[str, ...]:
    gone, came = _without(before, after), _without(after, before)
    counts = f"{len(before)} rows were sealed, and {len(after)} are here"
    if len(gone) <= 1 and len(came) == 1:
        return (_name(keys, came[0]),)
    return (counts,) if len(gone) != len(came) else ("several rows",)


def _name(keys: list[int], row: Row) -> str:
    at = keys or list(range(len(row)))
    return ", ".join(_shown(row[cell]) for cell in at)


def _shown(value: Any) -> str:  # noqa: ANN401 - a cell
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
