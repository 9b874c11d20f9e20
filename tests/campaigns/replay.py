# SPDX-License-Identifier: Apache-2.0
"""Play the same requests and commands on old and new code, and compare all of it.

    .venv/bin/python -m tests.campaigns.replay --old REVISION [--new REVISION]

Without --new the new code is what lies here, committed or not. Each side raises three
members of its own, as processes of its own code, plays the script (`tests.fence.script`
or a --script that --record wrote) and stops; then answers, errors, headers, outputs of
commands, audit records with their details, and rows of all tables are compared. Prints
first what it does not compare, then a line for every difference; ends with status 1 if
there is one. --keep DIR leaves both records there, as JSON.

--known FILE names what is known to differ, and why (`tests/replayed.toml`): what it
does not name is printed and counts; the rest is counted by its reason.

--reworded FILE lists sentences that are said otherwise since then
(`tests/reworded.json`): on the new side each is taken as it was said before.

--alone plays on one node that belongs to no federation, which is quicker.
--mixed plays a third time, on a federation whose first member runs the old code and
whose others run the new: members that are neighbours must not notice.

Each run proves the tool as well: it changes a status, a code, a detail of an event, the
order of two events and a row in a copy of the record, each of which must be seen.
"""

import argparse
import re
import secrets
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
from tests.fence.replay import (
    NOT_COMPARED,
    Record,
    blind_to,
    differences,
    play,
    said_as_before,
)
from tests.fence.script import Step, dump, load, script
from tests.fence.stage import HERE, NAMES, raised, worktree

_REST: Final = 65.0
"""Seconds in which each job of a minute has come, whenever the script ended."""


_CODES: Final = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.*) \|$", re.MULTILINE)
"""A row of the table of codes that were another one before: code, before, routes."""
_RECODED: Final = re.compile(
    r"\.steps\.\d+ \[\S+ \S+ (\w+) (\S+)\]\.body\.(?:code|type): "
    r'was "(?:urn:fedsafe:problem:)?(\w+)", is "(?:urn:fedsafe:problem:)?(\w+)"'
)


def sorted_out(
    found: Iterable[str], known: Path, table: str
) -> tuple[list[str], Counter[str]]:
    """Tell differences that nobody has explained from those that are known, by why.

    Args:
        found: differences, a line each, as `differences` says them.
        known: a file as `tests/replayed.toml`.
        table: the page with the table of codes that were another one before.
    """
    rules = [
        (re.compile(each["lines"]), each["why"])
        for each in tomllib.loads(known.read_text("utf-8"))["known"]
    ]
    codes = {
        (before, code): [_route(each) for each in re.findall(r"`(\S+ \S+)`", routes)]
        for code, before, routes in _CODES.findall(table)
    }
    unknown, counts = list[str](), Counter[str]()
    for line in found:
        why = next((why for lines, why in rules if lines.fullmatch(line)), None)
        recoded = _RECODED.fullmatch(line)
        if why is None and recoded is not None:
            method, target, before, code = recoded.groups()
            routes = codes.get((before, code), [])
            if any(each.fullmatch(f"{method} {target}") for each in routes):
                why = "a row of the table of codes"
        if why is None:
            unknown.append(line)
        else:
            counts[why] += 1
    return unknown, counts


def _route(template: str) -> re.Pattern[str]:
    """Make a pattern of the targets of a route."""
    parts = re.split(r"\{\w+\}", template)
    return re.compile(r"[^/?]+".join(map(re.escape, parts)) + r"(?:\?.*)?")


def run(steps: Sequence[Step], trees: Sequence[Path], names: Sequence[str]) -> Record:
    """Play a script on members of these names, who run the trees' code in turn."""
    with (
        tempfile.TemporaryDirectory(prefix="fs-") as folder,
        raised(Path(folder) / "d", trees, names) as stage,
    ):
        return play(stage, steps, rest=_REST)


def _timed(
    name: str, steps: Sequence[Step], trees: Sequence[Path], names: Sequence[str]
) -> Record:
    begin = time.monotonic()
    record = run(steps, trees, names)
    print(f"{name}: played in {time.monotonic() - begin:.0f} s", flush=True)
    return record


def _pairs(file: Path | None) -> list[tuple[str, str]]:
    if file is None:
        return []
    return msgspec.json.decode(file.read_bytes(), type=list[tuple[str, str]])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--old", required=True, metavar="REVISION")
    parser.add_argument("--new", metavar="REVISION")
    parser.add_argument("--script", type=Path, metavar="FILE")
    parser.add_argument("--record", type=Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--mixed", action="store_true")
    parser.add_argument("--known", type=Path, metavar="FILE")
    parser.add_argument("--reworded", type=Path, metavar="FILE")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    given = parser.parse_args()
    names = NAMES[:1] if given.alone else NAMES
    steps = load(given.script.read_text("utf-8")) if given.script else script()
    if given.record:
        given.record.write_text(dump(steps), encoding="utf-8")
    print(f"seed {given.seed}, {len(steps)} steps")
    for what, why in NOT_COMPARED.items():
        print(f"not compared: {what}: {why}", flush=True)
    with ExitStack() as stack:
        old = stack.enter_context(worktree(given.old))
        new = stack.enter_context(worktree(given.new)) if given.new else HERE
        sides: dict[str, tuple[Path, ...]] = {"old": (old,), "new": (new,)}
        if given.mixed and not given.alone:
            sides["mixed"] = (old, new, new)
        records = {
            name: _timed(name, steps, trees, names) for name, trees in sides.items()
        }
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
        for name, record in records.items():
            text = msgspec.json.format(msgspec.json.encode(record), indent=1)
            (given.keep / f"{name}.json").write_bytes(text)
    was = records.pop("old")
    pairs = _pairs(given.reworded)
    records = {name: said_as_before(each, pairs) for name, each in records.items()}
    found = [
        f"{name}: {each}" if len(records) > 1 else each
        for name, record in records.items()
        for each in differences(was, record)
    ]
    if given.known:
        page = (HERE / "docs/reference/api.md").read_text("utf-8")
        found, known = sorted_out(found, given.known, page)
        for why, count in known.most_common():
            print(f"known, {count} times: {why}")
    for each in found:
        print(each)
    blind = [f"blind to: {each}" for each in blind_to(was, given.seed)]
    for each in blind:
        print(each)
    statuses = [each["status"] for each in was.steps]
    print(
        f"{len(steps)} steps, {len(set(statuses))} statuses, {len(found)} differences"
    )
    sys.exit(1 if found or blind else 0)


if __name__ == "__main__":
    main()
