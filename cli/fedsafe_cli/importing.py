# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal import`: many signals at once, with a dry run and a rejects file.

A line is a value (with `--kind`) or an NDJSON record; options fill in what a record
leaves out. Bad lines are named by number in the rejects file, never repeated; all
others are recorded.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Final, TextIO

import click

from fedsafe_cli.client import Client
from fedsafe_cli.errors import BadInputError, BrokenAnswerError, CliError, RefusedError
from fedsafe_cli.exit_codes import ExitStatus, worst
from fedsafe_cli.findings import finding, finding_options, in_group, problem_status
from fedsafe_cli.inputs import (
    LONGEST_RECORD,
    Fault,
    FormError,
    Hints,
    as_question,
    decode,
    field_of,
    question,
    read_lines,
    record,
)
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, line, note
from fedsafe_cli.progress import Advance, reading
from fedsafe_cli.settings import Settings, printable
from fedsafe_cli.texts import words

PIECE: Final = 2_000
_TIMEOUT: Final = 300.0
_ABOUT: Final = ("kind", "value", "region", "namespace")
_SHOWN: Final = 10

Signal = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a line was not taken; `number` counts from 1."""

    number: int
    fault: Fault
    status: ExitStatus

    def __str__(self) -> str:
        """Say it as people read it: where, which field, why."""
        fault = self.fault
        field = f"{fault.field}: " if fault.field else ""
        return f"line {self.number}: {field}{fault.detail} ({fault.code})"

    def document(self) -> dict[str, object]:
        """Say it as programs read it; the value is never in it."""
        return {"line": self.number, **self.fault.document()}


@click.command("import")
@click.argument("file", default="-", metavar="[-|FILE]")
@finding_options(required=False)
@click.option("--ndjson", is_flag=True, help="Lines are JSON objects.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--rejects", metavar="FILE", help="Write an NDJSON line per bad line.")
@click.option("--list", "list_name", metavar="NAME", help="A list of files: one act.")
@click.option("--list-source", metavar="REF", help="Where that list is from.")
@click.option("--list-signature", metavar="REF", help="How it was signed.")
@shared_options
@click.pass_context
def import_signals(
    context: click.Context,
    /,
    file: str,
    *,
    ndjson: bool,
    dry_run: bool,
    rejects: str | None,
    **given: Any,  # noqa: ANN401 (texts, or many of them)
) -> ExitStatus:
    """Record many own bans, or propose many signals.

    A record is a JSON object with kind, value, phenomenon, surface, grade, rule,
    removed_on, scope, provenance, source, detection, findings (a list),
    legal_review; an option stands in for a field that is missing. What you found
    yourself needs --provenance own_finding: only that corroborates what others say.

    With --list and --list-source, files for the federation wait as one list, which a
    second person examines and approves as a whole (`fedsafe signal lists`).

    \b
    Examples:
      fedsafe signal import --dry-run --ndjson bans.ndjson
      fedsafe signal import --kind email --phenomenon grooming \\
        --surface public_content --grade confirmed_conduct --rule tos-4.2 \\
        --removed-on 2026-11-24 --provenance own_finding \\
        --rejects rejects.ndjson addresses.txt
    """  # noqa: D301
    settings = settings_of(context)
    client = settings.client()
    listed = _list(given)
    hints = Hints(
        kind=given["kind"], region=given["region"], namespace=given["namespace"]
    )
    ids: list[str | None] = []
    bad: list[Reject] = []
    failure: CliError | None = None
    with _opened(file) as stream, _rejects(rejects) as sink, reading(stream) as advance:
        lines = read_lines(stream, LONGEST_RECORD)
        items = _signals(lines, hints, finding(given), ndjson=ndjson)
        common = {"dry_run": dry_run} | listed
        try:
            for part_ids, part_bad in _send(client, items, advance, common):
                ids += part_ids
                bad += part_bad
                if sink is not None:
                    sink.writelines(json.dumps(r.document()) + "\n" for r in part_bad)
        except CliError as error:
            failure = error  # what was recorded before it is told first
    if not ids and failure is None:
        raise BadInputError("the input is empty", "give one signal a line")
    _report(ids, bad, settings, failure, dry_run=dry_run)
    if not dry_run and len(ids) > len(bad):
        note_unnamed(client, german=settings.german)
    if failure is not None:
        failure.told = settings.json
        raise failure
    return worst(reject.status for reject in bad)


def note_unnamed(client: Client, *, german: bool) -> None:
    """Say that what was recorded without a credential names nobody."""
    if client.token is None:
        note(f"fedsafe: {words('unnamed', german=german)}")


def _list(given: dict[str, Any]) -> Signal:
    """Take out of the options what list all of it belongs to, if it is one."""
    name, source, signature = (
        given.pop(option) for option in ("list_name", "list_source", "list_signature")
    )
    if name is None:
        if source is not None or signature is not None:
            raise click.UsageError("--list-source and --list-signature go with --list")
        return {}
    if source is None:
        raise click.UsageError("--list takes --list-source: where the list is from")
    said = {"name": name, "source": source}
    return {"list": said if signature is None else said | {"signature": signature}}


def _report(
    ids: list[str | None],
    bad: list[Reject],
    settings: Settings,
    failure: CliError | None,
    *,
    dry_run: bool,
) -> None:
    if settings.json:
        problems = [reject.document() for reject in bad]
        report = {"dry_run": dry_run, "signals": ids, "problems": problems}
        document(report if failure is None else report | failure.document())
    else:
        for reject in bad[:_SHOWN]:
            note(f"fedsafe: error: {reject}")
        key = "would" if dry_run else "recorded"
        counts = {"count": len(ids) - len(bad), "bad": len(bad)}
        line(words(key, german=settings.german, **counts))


def _signals(
    lines: Iterable[bytes | Fault],
    hints: Hints,
    common: Signal,
    *,
    ndjson: bool,
) -> Iterator[Signal | Fault]:
    for text in lines:
        if isinstance(text, Fault):
            yield text
            continue
        try:
            if ndjson:
                yield _record(record(text), hints, common)
            else:
                yield in_group(common) | {"about": question(decode(text), hints)}
        except FormError as error:
            yield error.fault


def _record(found: dict[str, object], hints: Hints, common: Signal) -> Signal:
    about = {name: found.pop(name) for name in _ABOUT if name in found}
    nested = found.pop("about", None)
    if nested is not None and about:
        raise FormError("unknown_field", "beside about no kind or value may stand")
    return in_group(common | found) | {"about": as_question(nested or about, hints)}


def _send(
    client: Client,
    items: Iterable[Signal | Fault],
    advance: Advance | None,
    common: Signal,
) -> Iterator[tuple[list[str | None], list[Reject]]]:
    source = enumerate(items, start=1)
    while piece := list(islice(source, PIECE)):
        bad = [
            Reject(number, item, ExitStatus.BAD_INPUT)
            for number, item in piece
            if isinstance(item, Fault)
        ]
        good = [(number, item) for number, item in piece if isinstance(item, dict)]
        ids: dict[int, str | None] = dict.fromkeys(number for number, _ in piece)
        if good:
            found, refused = _post(client, good, common)
            ids |= found
            bad = sorted(bad + refused, key=lambda reject: reject.number)
        yield list(ids.values()), bad
        if advance is not None:
            advance(len(piece))


def _post(
    client: Client, good: list[tuple[int, Signal]], common: Signal
) -> tuple[dict[int, str | None], list[Reject]]:
    body = common | {"signals": [signal for _, signal in good]}
    try:
        answer = client.change("/v1/signals/import", body, timeout=_TIMEOUT)
    except RefusedError as error:
        if error.status is not ExitStatus.BAD_INPUT:
            raise
        if len(good) == 1:
            fault = Fault(error.code, error.detail, field_of(error.pointer))
            return {}, [Reject(good[0][0], fault, error.status)]
        # One record out of form makes the node refuse all: find it in halves.
        middle = len(good) // 2
        ids, bad = _post(client, good[:middle], common)
        more_ids, more_bad = _post(client, good[middle:], common)
        return ids | more_ids, bad + more_bad
    try:
        ids = {
            number: found
            for (number, _), found in zip(good, answer["signals"], strict=True)
        }
        bad = [_reject(good, problem) for problem in answer["problems"]]
    except (TypeError, KeyError, ValueError, IndexError):
        raise BrokenAnswerError("the node's import answer is malformed") from None
    return ids, bad


def _reject(good: list[tuple[int, Signal]], problem: dict[str, Any]) -> Reject:
    code = str(problem["code"])
    number = good[problem["position"]][0]
    fault = Fault(code, str(problem["detail"]), field_of(problem.get("pointer")))
    return Reject(number, fault, problem_status(code))


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 (pathlib is slow to load)
            yield stream
    except OSError as error:
        raise BadInputError(f"{printable(path)}: {error.strerror}") from None


@contextmanager
def _rejects(path: str | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        sink = open(path, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    except OSError as error:
        raise BadInputError(f"{printable(path)}: {error.strerror}") from None
    with sink:
        yield sink
