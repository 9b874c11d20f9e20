# SPDX-License-Identifier: Apache-2.0
"""Play a script on a revision's code, and write down what can be compared.

Everything random or measured is replaced by what it is: an identifier, salt, digest or
ciphertext by `<id>` (with the name it was kept under, if it was), a moment by how far
it lies from now, a path, a port and a duration by their kind. What is left must be
equal on both sides to the letter: statuses, codes, texts, details, who and why.
"""

import dataclasses
import io
import json
import re
import sqlite3
import time
import zipfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from functools import cache
from http import HTTPStatus
from itertools import count, takewhile
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

import msgspec
from tests.fence.script import Step
from tests.fence.stage import Answer, Stage
from tests.support.federation import until

from fedsafe_node.ground.clock import SystemClock

HEADERS: Final = (
    "allow",
    "cache-control",
    "content-disposition",
    "content-security-policy",
    "content-type",
    "location",
    "retry-after",
    "www-authenticate",
    "x-content-type-options",
)
COUNTED_NOT: Final = frozenset(
    {"answers", "coverage", "due", "effects", "entries", "erasure_receipts"}
    | {
        "leaf_tiles",
        "leased",
        "logs",
        "meta",
        "openings",
        "peers",
        "recipients",
        "seal",
        "spent",
    }
    | {"throttles", "tile_roots", "told_sightings"}
    | {"turns", "witnessed"}
)
"""Tables whose rows jobs, members and the clock bring: compared by their columns."""
LOGS: Final = re.compile(
    r"/v1/audit/(?:events|search|status|access|subject|verify|gaps|export|tiles)"
    r"|/v1/(?:budgets|events|notices)$|^(?:audit|budget|events|notice) "
)
"""What shows the log, or what jobs make: of a 200, the status alone is compared."""
THROTTLED: Final = re.compile(r"^/v1/session$")
"""Refused the sooner, the more often it was tried: not compared."""
MEASURED: Final = re.compile(
    r"(?:^|_)(?:ms|seconds|uptime|size|cursor|lag|free|mib|used|next|index|entry"
    r"|openings|end|idx|notices|events|logs|last)$"
)
BY_JOBS: Final = frozenset({"owes_since"})
LISTED_BY_JOBS: Final = frozenset({"told"})
"""The sightings that members told, once an hour."""
BOUNDS: Final = frozenset({"maximum", "minimum"})
"""Of a schema; one is a number that would be a moment."""
BY_CHANCE: Final = frozenset({"repeat"})
"""Details that tell whether a member was told the same twice."""
BY_CLOCK: Final = frozenset({"evaluation.served", "sightings.taken"})
"""Events of what others ask, whom they choose, and of a job that comes once an hour."""
UNORDERED: Final = frozenset(
    {"acts", "breaches", "cases", "dispatches", "disputes", "drafts", "holds"}
    | {"imports", "notices", "orders", "requests", "signals", "tasks"}
)
"""Lists in which chance decides between what began in the same second."""
LISTED: Final = re.compile(r" list(?: |$)")
"""Commands that print such lists: their lines are compared in any order."""
NOT_COMPARED: Final = {
    "identifiers, salts, digests, keys, signatures, tokens": "random: <id>",
    "sealed and binary contents": "random: <n bytes> where the length is steady",
    "moments": "compared to the hour, as days and hours from now; as they are if they "
    "were given or end a day (hours away, and long past on a full five minutes or to "
    "come on a full hour)",
    "durations and shares of time": "measured: <number>",
    "ports and paths": "<port>, <root>",
    "order of what began in the same second": f"in {', '.join(sorted(UNORDERED))}, "
    "and of the lines of commands that list",
    "metrics": "only which there are, not their values",
    "events that no request of the script caused": "which there are with which details,"
    f" not how often, nor these details: {', '.join(sorted(BY_CHANCE))}; nothing of "
    f"{', '.join(sorted(BY_CLOCK))}",
    "rows of bookkeeping": f"their columns: {', '.join(sorted(COUNTED_NOT))}",
    "log, budgets, notices and the provider's events as they are shown": "only the "
    "status: jobs add to them; audit events and rows are read",
    "how often one may try to log in": "the clock decides: /v1/session",
    "progress of other members": "cursors, sizes of feeds, what they cosigned and "
    "when, how many entries one erasure receipt is for, which sightings they told",
}
"""What a difference can hide in; printed with every campaign."""
_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}"
    r"|\b[0-9a-f]{4}(?: [0-9a-f]{4}){3,}|\b[0-9a-f]{8}-[0-9a-f]{1,6}\b"
    r"|\bcase-[0-9a-f]{12}\b|\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}\b"
)
_SECONDS: Final = re.compile(r"(?<![\w.])1[789]\d{8}(?![\w.])")
_STAFF: Final = re.compile(r"\bstaff-20\d\dq\d-[a-z2-7]{16,}")
_WORD: Final = re.compile(r"[A-Za-z0-9+/_-]{20,}=*")
_MOMENT: Final = re.compile(
    r"\b20\d\d-\d\d-\d\d"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?UTC|Z|[+-]\d\d:\d\d)?)?"
)
_GERMAN: Final = re.compile(r"\b(\d\d)\.(\d\d)\.(20\d\d)((?: \d\d:\d\d(?::\d\d)?)?)\b")
_PORT: Final = re.compile(r"127\.0\.0\.1:\d{4,5}\b")
_CLOCK: Final = re.compile(r"\b\d\d:\d\d UTC")
_NUMBER: Final = re.compile(r"(?<![\w.])\d+[.,]\d+(?= ?(?:s|ms|%|MiB|GiB|KiB)\b)")
_GROWS: Final = re.compile(
    r"(\(MiB\)|audit log|Audit-Protokoll|entries|Einträge)(\s+)\d+(?: (to|bis) \d+)?\b"
)
_CAPITALS: Final = 6
_DAY: Final = 86_400
_LONG: Final = timedelta(hours=2)
_ROUND: Final = 300
_HOUR: Final = 3_600
_MOST: Final = 2**31 - 1
_LINE: Final = 400
_AROUND: Final = 40
_PAGE: Final = 100
_TRACE: Final = "fed5afe0fed5afe0"
"""What the trace id of every step begins with; its number follows."""


@dataclass(slots=True)
class Record:
    """What came of a script on one side."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of each member, those that the script's requests caused, in order."""
    others: dict[str, list[str]] = field(default_factory=dict)
    """Of each member, which other events there are."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)


class Plain:
    """Replaces what is random or measured, on one side."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._now = SystemClock().now()
        self._people: dict[str, int] = {}
        self.kept: dict[str, str] = {}
        """What steps kept, by its name."""

    def value(self, value: Any, name: str = "") -> Any:  # noqa: ANN401, PLR0911 - JSON
        """Replace it in a document; *name* is that of the field around."""
        if isinstance(value, dict):
            if "media_type" in value and isinstance(value.get("content"), str):
                value = value | {"content": _decoded(value["content"])}
            return {self.text(k): self.value(v, k) for k, v in value.items()}
        if isinstance(value, list) and name not in LISTED_BY_JOBS:
            shown = [self.value(each, name) for each in value]
            return sorted(shown, key=json.dumps) if name in UNORDERED else shown
        if name in BY_JOBS or isinstance(value, list):
            return "<by a job>"
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bool) or value is None or value == _MOST or name in BOUNDS:
            return value
        if isinstance(value, float) or MEASURED.search(name):
            return "<number>"
        if isinstance(value, int) and abs(value - self._now.timestamp()) < 9e8:
            return self._moment(datetime.fromtimestamp(value, UTC), value % _DAY == 0)
        return value

    def text(self, text: str) -> str:
        """Replace it in a text."""
        text = text.replace(self._root, "<root>")
        for name, value in self.kept.items():
            text = text.replace(value, f"<{name}>")
        text = _GERMAN.sub(r"\3-\2-\1\4", text)
        text = _MOMENT.sub(self._found, text)
        text = _SECONDS.sub(lambda found: str(self.value(int(found[0]))), text)
        text = _CLOCK.sub("<hour>", text)
        text = _STAFF.sub(self._person, text)
        text = _ID.sub("<id>", text)
        text = _WORD.sub(_random, text)
        text = _PORT.sub("<port>", text)
        text = _GROWS.sub(r"\1\2<number>", text)
        return _NUMBER.sub("<number>", text)

    def _person(self, match: re.Match[str]) -> str:
        number = self._people.setdefault(match[0], len(self._people) + 1)
        return f"<person {number}>"

    def _found(self, match: re.Match[str]) -> str:
        text = match[0].removesuffix(" UTC").replace("Z", "+00:00")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return match[0]
        return self._moment(
            moment.replace(tzinfo=moment.tzinfo or UTC), len(text) == 10
        )

    def _moment(self, moment: datetime, is_day: bool) -> str:  # noqa: FBT001
        if is_day:
            return f"<day {(moment.date() - self._now.date()).days:+}>"
        past, second = moment < self._now, int(moment.timestamp())
        if abs(moment - self._now) > _LONG and not second % (_ROUND if past else _HOUR):
            return f"<{moment:%Y-%m-%d %H:%M}>"
        hours = (moment - self._now + timedelta(minutes=30)) // timedelta(hours=1)
        return f"<hour {hours:+}>"

    def body(self, answer: Answer) -> Any:  # noqa: ANN401
        """Replace it in a body, whatever its kind."""
        kind = answer.headers.get("content-type", "")
        if "json" in kind and answer.document is not None:
            return self.value(answer.document)
        if "zip" in kind:
            with zipfile.ZipFile(io.BytesIO(answer.raw)) as pack:
                return Counter(self.text(name) for name in pack.namelist())
        try:
            text = answer.raw.decode()
        except UnicodeDecodeError:
            return "<bytes>"
        lines = self.text(text).splitlines()
        if kind.startswith("text/plain") and any(e.startswith("# HELP") for e in lines):
            return sorted(
                {re.split(r"[ {]", each)[0] for each in lines if each[0] != "#"}
            )
        return lines


def _random(match: re.Match[str]) -> str:
    """Tell base64 from a word: it has digits and capitals, or many capitals."""
    word = match[0]
    capitals = sum(each.isupper() for each in word)
    digits = any(each in "0123456789+/_" for each in word)
    return "<id>" if (digits and capitals) or capitals >= _CAPITALS else word


def _decoded(content: str) -> Any:  # noqa: ANN401
    """Give the lines of a document that came as base64."""
    try:
        return b64decode(content, validate=True).decode().splitlines()
    except ValueError:
        return "<bytes>"


def play(stage: Stage, steps: Sequence[Step], *, rest: float = 0) -> Record:
    """Play a script on a federation that runs; it is stopped afterwards.

    It rests first, this long (seconds), for what jobs still have to do.
    """
    plain, record = Plain(stage.root), Record()
    for number, step in enumerate(steps):
        record.steps.append(play_step(stage, step, plain, number))
        if step.settles:
            until(stage.is_level, "the exchange of feeds")
    time.sleep(rest)
    for name in stage.names:
        record.events[name], record.others[name] = _events(stage, name, plain)
    stage.stop()
    for name in stage.names:
        record.rows[name] = dict(_rows(stage.place(name) / "store.db", plain))
    return record


def play_step(stage: Stage, step: Step, plain: Plain, number: int) -> dict[str, Any]:
    """Play one step, and keep of its answer what later ones name."""
    at = step.at if step.at in stage.names else stage.names[0]
    step = dataclasses.replace(_filled(step, plain.kept), at=at)
    shown: dict[str, Any] = {"step": plain.text(step.name)}
    if step.arguments:
        done = stage.run(step.at, step.by, *step.arguments, typed=step.typed.encode())
        shown |= {"status": done.returncode}
        if not done.returncode and LOGS.search(" ".join(step.arguments)):
            return shown
        for name, output in (("out", done.stdout), ("err", done.stderr)):
            printed = _printed(output.decode(), plain)
            in_any_order = isinstance(printed, list) and LISTED.search(step.name)
            shown[name] = sorted(printed, key=str) if in_any_order else printed
        return shown
    body = step.body.encode() if isinstance(step.body, str) else step.body
    answer = stage.ask(
        step.method,
        step.target,
        body,
        at=step.at,
        by=step.by,
        key=step.key,
        trace=f"{_TRACE}{number:016x}",
    )
    for name, place in step.keep.items():
        found = find(answer.document, place)
        if found is not None:
            plain.kept[name] = str(found)
    if THROTTLED.search(step.target):
        return shown | {"status": 0}
    shown["status"] = answer.status
    shown["headers"] = {
        name: plain.text(answer.headers[name])
        for name in HEADERS
        if name in answer.headers
    }
    if answer.status != HTTPStatus.OK or not LOGS.search(step.target):
        shown["body"] = plain.body(answer)
    return shown


def _printed(text: str, plain: Plain) -> Any:  # noqa: ANN401
    try:
        return plain.value(json.loads(text))
    except ValueError:
        return [re.sub(r"\s+", " ", line) for line in plain.text(text).splitlines()]


def _filled(step: Step, kept: Mapping[str, str]) -> Step:
    moment = SystemClock().now()
    now = int(moment.timestamp())
    known = {
        "now": now - 60,
        "later": now + 30 * _DAY,
        "today": moment.date().isoformat(),
        "next_week": (moment.date() + timedelta(days=7)).isoformat(),
        **kept,
    }

    def fill(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {key: fill(each) for key, each in value.items()}
        if isinstance(value, list):
            return [fill(each) for each in value]
        if isinstance(value, str):
            if value[1:-1] in known and value == f"{{{value[1:-1]}}}":
                return known[value[1:-1]]
            for name, each in known.items():
                value = value.replace(f"{{{name}}}", str(each))
        return value

    return dataclasses.replace(step, target=fill(step.target), body=fill(step.body))


def find(document: Any, place: str) -> Any:  # noqa: ANN401
    """Find what stands at a place of a document; null if nothing does."""
    for part in place.split("."):
        name, _, wanted = part.partition("=")
        try:
            if wanted:
                document = next(each for each in document if each[name] == wanted)
            else:
                document = document[int(part) if part.isdigit() else part]
        except (KeyError, IndexError, StopIteration, TypeError):
            return None
    return document


def _events(
    stage: Stage, name: str, plain: Plain
) -> tuple[list[dict[str, Any]], list[str]]:
    """Read a member's audit log; every event says which step has caused it.

    Reading is an event too, so the end is where a page is not full.
    """
    own, others, at = [], set[str](), 0
    while True:
        target = f"/v1/audit/events?since={at}&limit={_PAGE}"
        answer = stage.ask("GET", target, at=name, by="audit")
        assert answer.status == 200, answer.raw
        for event in answer.document["events"]:
            trace = str(event.get("trace"))
            if trace.startswith(_TRACE) and not event.get("peer"):
                step = int(trace.removeprefix(_TRACE), 16)
                own.append(plain.value(event) | {"trace": f"step {step}"})
            elif event["event"] not in BY_CLOCK:
                keys = sorted({*(event.get("detail") or ())} - BY_CHANCE)
                others.add(f"{event['event']} {event['outcome']} {keys}")
        at = answer.document["next"]
        if len(answer.document["events"]) < _PAGE:
            return own, sorted(others)


def _rows(database: Path, plain: Plain) -> Iterator[tuple[str, Any]]:
    """Give each table's rows, sorted, without what is random."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite_%' ORDER BY name"
        ).fetchall()
        for (table,) in names:
            found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608
            if table in COUNTED_NOT:
                yield table, [column for column, *_ in found.description]
                continue
            shown = Counter(
                json.dumps({key: _cell(row[key], key, plain) for key in row.keys()})  # noqa: SIM118
                for row in found.fetchall()
            )
            yield table, sorted(shown.items())


def _cell(value: Any, key: str, plain: Plain) -> Any:  # noqa: ANN401
    if isinstance(value, bytes):
        return "<bytes>"
    return plain.value(value, key)


def differences(old: Record, new: Record) -> list[str]:
    """Say all that differs, a line each."""
    was, now = msgspec.to_builtins(old), msgspec.to_builtins(new)
    found: list[str] = []
    for name in sorted({*was["events"]} & {*now["events"]}):
        if len(was["events"][name]) != len(now["events"][name]):
            sides = was["events"].pop(name), now["events"].pop(name)
            found += _lone_events(name, *sides, [each["step"] for each in was["steps"]])
    _compare(was, now, "", found)
    return found


def _lone_events(
    name: str,
    old: list[dict[str, Any]],
    new: list[dict[str, Any]],
    steps: Sequence[str],
) -> Iterator[str]:
    """Name each event that only one side has, and the request that caused it."""
    sides = [[json.dumps(each, sort_keys=True) for each in side] for side in (old, new)]
    matcher = SequenceMatcher(None, sides[0], sides[1], autojunk=False)
    for what, begin, end, first, last in matcher.get_opcodes():
        if what != "equal":
            lone = [(each, "was") for each in old[begin:end]]
            for event, word in [*lone, *((each, "is") for each in new[first:last])]:
                number = str(event.get("trace")).removeprefix("step ")
                cause = steps[int(number)] if number.isdigit() else ""
                told = json.dumps(event, ensure_ascii=False, sort_keys=True)[:_LINE]
                yield f".events.{name} [{cause}].{event['event']}: {word} {told}"


def _compare(old: Any, new: Any, place: str, found: list[str]) -> None:  # noqa: ANN401
    if isinstance(old, dict) and isinstance(new, dict):
        where = (
            f"{place} [{old['step']}]" if {"step", "status"} <= old.keys() else place
        )
        for key in sorted({*old, *new}):
            _compare(old.get(key), new.get(key), f"{where}.{key}", found)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            _compare(one, other, f"{place}.{index}", found)
    elif old != new:
        found.append(f"{place}: was {_short(old, new)}, is {_short(new, old)}")


def _short(value: Any, other: Any) -> str:  # noqa: ANN401
    """Leave out of lists and texts what both have, and show no more than a line."""
    if isinstance(value, list) and isinstance(other, list):
        lone = [each for each in value if each not in other]
        value = lone or f"{len(value)} in another order"
    text, there = (json.dumps(each, ensure_ascii=False) for each in (value, other))
    pairs = zip(text, there, strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)) - _AROUND
    text = f"…{text[same:]}" if same > 0 else text
    return text if len(text) < _LINE else f"{text[:_LINE]}…"


def said_as_before(record: Record, reworded: Sequence[tuple[str, str]]) -> Record:
    """Say each sentence of a record as it was said before it was reworded.

    Args:
        record: what came of a script on the new side.
        reworded: sentences as they were and as they are, with values in braces.
    """
    before = [_rewording(was, now) for was, now in reworded]
    before.sort(key=lambda each: -len(each[0]))

    @cache
    def said(text: str) -> str:
        for piece, now, was in before:
            if piece in text:
                text = now.sub(was, text)
        return text

    def walk(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, str):
            return said(value) if " " in value else value
        if isinstance(value, list):
            return [walk(each) for each in value]
        if isinstance(value, dict):
            return {key: walk(each) for key, each in value.items()}
        return value

    return msgspec.convert(walk(msgspec.to_builtins(record)), Record)


def _rewording(was: str, now: str) -> tuple[str, re.Pattern[str], Callable[..., str]]:
    """Return a piece that the new sentence has, its pattern, and what makes the old."""
    pieces, pattern, known = _VALUE.split(_named(now)), "", set[str]()
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            pattern += re.escape(piece)
        else:
            pattern += f"(?P={piece})" if piece in known else f"(?P<{piece}>.*?)"
            known.add(piece)
    if not pieces[0]:  # what stands before it ends with a colon
        pattern = r"(?:^|(?<=: ))" + pattern.replace(".*?", "(?:(?!: ).)*?", 1)
    if not pieces[-1]:
        pattern += "$"
    old = _named(was)
    return (
        max(pieces[::2], key=len),
        re.compile(pattern, re.MULTILINE),
        lambda found: _VALUE.sub(lambda place: found.groupdict()[place[1]], old),
    )


def _named(sentence: str) -> str:
    """Name the values of a sentence that have no name, by their order."""
    numbers = count()
    return _NAMELESS.sub(lambda _: f"{{value{next(numbers)}}}", sentence)


_NAMELESS: Final = re.compile(r"\{\}")
_VALUE: Final = re.compile(r"\{(\w+)\}")
CHANGES: Final = ("status", "code", "detail", "order", "row")


def changed(record: Record, what: str, choice: Random) -> tuple[Record, str]:
    """Change one thing in a copy of a record; say where."""
    copy = msgspec.convert(msgspec.to_builtins(record), Record)
    if what in {"status", "code"}:
        steps = [
            number
            for number, each in enumerate(copy.steps)
            if what == "status" or "code" in _document(each)
        ]
        number = choice.choice(steps)
        step = copy.steps[number]
        if what == "status":
            step["status"] += 1
        else:
            step["body"]["code"] += "x"
        return copy, f".steps.{number}"
    if what == "row":
        name = choice.choice([name for name, tables in copy.rows.items() if tables])
        tables = copy.rows[name]
        table = choice.choice([each for each in tables if tables[each]])
        tables[table] = tables[table][1:]
        return copy, f".rows.{name}.{table}"
    name = choice.choice([name for name, events in copy.events.items() if events[1:]])
    events = copy.events[name]
    if what == "detail":
        at = choice.choice([n for n, each in enumerate(events) if each.get("detail")])
        key = choice.choice(sorted(events[at]["detail"]))
        events[at]["detail"][key] = "changed"
        return copy, f".events.{name}.{at}.detail"
    at = choice.choice(
        [n for n in range(len(events) - 1) if events[n] != events[n + 1]]
    )
    events[at], events[at + 1] = events[at + 1], events[at]
    return copy, f".events.{name}.{at}"


def _document(step: Mapping[str, Any]) -> Mapping[str, Any]:
    body = step.get("body")
    return body if isinstance(body, dict) else {}


def blind_to(record: Record, seed: int) -> list[str]:
    """Change one thing of each kind at a time; say what of it was not seen."""
    choice, unseen = Random(seed), list[str]()  # noqa: S311 - what to change
    for what in CHANGES:
        other, place = changed(record, what, choice)
        if not any(each.startswith(place) for each in differences(record, other)):
            unseen.append(f"{what} at {place}")
    return unseen
