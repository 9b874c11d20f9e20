# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal import`: many signals at once, with a dry run and a rejects file.

A line is a value (with `--kind`), an NDJSON record, or a row of a CSV table; options
fill in what a record leaves out. Bad lines are named by number in the rejects file,
never repeated; all others are recorded. What is listed already is recorded no second
time, and what was broken off goes on where it was.
"""

import json
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from io import BufferedReader
from itertools import islice
from typing import Any, BinaryIO, Final, TextIO

import click

from fedsafe_cli.signals.import_tables import (
    ENCODINGS,
    Reading,
    Row,
    Table,
    check_encoding,
    check_quotes,
    first_line,
    fits,
    hold,
    is_wide,
    looks_like_a_header,
    open_table,
    read_map,
    read_rows,
    read_where,
    read_words,
    way_out,
)
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.errors import (
    BadInputError,
    BrokenAnswerError,
    CliError,
    NodeUnreachableError,
    RefusedError,
    complaint,
)
from fedsafe_cli.terminal.exit_codes import ExitStatus, worst
from fedsafe_cli.terminal.findings import (
    finding,
    finding_options,
    in_group,
    problem_status,
)
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.inputs import (
    LONGEST_RECORD,
    OUT_OF_FORM,
    SUBJECT_REF,
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
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.progress import Advance, reading
from fedsafe_cli.terminal.settings import FILE, Settings, printable
from fedsafe_cli.terminal.texts import words
from fedsafe_node.words.codes import REASONS, label
from fedsafe_policies.ground.catalogue import Phrase, received
from fedsafe_policies.ground.system_reasons import reason_of
from fedsafe_policies.vocabulary import (
    Detection,
    Finding,
    Grade,
    Phenomenon,
    Provenance,
    Scope,
    Source,
    Surface,
)

PIECE: Final = 2_000
_TIMEOUT: Final = 300.0
_CONFLICT: Final = 409
_ABOUT: Final = ("kind", "value", "region", "namespace")
_SHOWN: Final = 10
_NEEDED: Final = ("phenomenon", "surface", "grade", "rule")
_FIELDS: Final = (
    *_ABOUT,
    *("about", *_NEEDED, "removed_on", "scope", "provenance", "source", "detection"),
    *("findings", "legal_review", "minor", "nodes", "group", "subject_ref", "renews"),
)
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "phenomenon": tuple(Phenomenon),
    "surface": tuple(Surface),
    "grade": tuple(Grade),
    "provenance": tuple(Provenance),
    "source": tuple(Source),
    "detection": tuple(Detection),
    "findings": tuple(Finding),
}
_PART: Final = 1 << 20
_DIGEST_BYTES: Final = 32
_MANY_ROWS: Final = 5
"""On so many rows an identifier is perhaps a placeholder."""
_COMES_BACK: Final = frozenset({"mistake"})
_KNOWN: Final = Phrase("known")
_UNITS: Final = {
    "day": Phrase("day"),
    "days": Phrase("days"),
    "month": Phrase("month"),
    "months": Phrase("months"),
}
_WORDS_OF_IT: Final = Phrase("its words: {}")
_ASKED_ANEW: Final = Phrase("List them again?")
_NOT_ANEW: Final = Phrase(
    "not confirmed: nobody was listed again (without a terminal: --yes)"
)
_WITHOUT: Final = Phrase("without a terminal: --yes")

Signal = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a line was not taken; `number` counts from 1."""

    number: int
    fault: Fault
    status: ExitStatus
    column: str | None = None

    def document(self) -> dict[str, object]:
        """Say it as programs read it; the value is never in it."""
        column = {} if self.column is None else {"column": self.column}
        return {"line": self.number, **column, **self.fault.document()}


@dataclass(slots=True)
class _Item:
    """A signal of a line, why it is none, or nothing where the line names nobody.

    `left_out` is the option that leaves it out; `fate` why nothing new was recorded.
    """

    number: int
    found: Signal | Fault | None
    column: str | None = None
    left_out: str | None = None
    fate: str | None = None


@dataclass(frozen=True, slots=True)
class _Repeated:
    """Lines on which one identifier stands; which it is, nobody is told."""

    kind: str
    column: str | None
    lines: Sequence[int]


class _Seen:
    """Which identifiers stood on which lines so far, by hashes of this process."""

    def __init__(self) -> None:
        self._lines: dict[int, int | list[int]] = {}
        self._places: dict[int, tuple[str, str | None]] = {}
        self._added: set[int] = set()

    def meet(self, item: _Item, signal: Signal) -> bool:
        """Note a signal; tell whether an earlier line has added its identifier."""
        about = signal["about"]
        who = (
            *(about["kind"], about["value"].strip().casefold()),
            *(about.get("region"), about.get("namespace")),
        )
        key = hash(who)
        known = self._lines.get(key)
        if known is None:
            self._lines[key] = item.number
        elif isinstance(known, int):
            self._lines[key] = [known, item.number]
        else:
            known.append(item.number)
            self._places[key] = about["kind"], item.column
        key = hash((who, signal.get("scope"), signal.get("group")))
        added = key in self._added
        if item.fate is None:
            self._added.add(key)
        return added

    def repeated(self) -> list[_Repeated]:
        """Find what stands on many lines, most first."""
        found: list[_Repeated] = []
        for key, (kind, column) in self._places.items():
            known = self._lines[key]
            lines = [] if isinstance(known, int) else sorted(set(known))
            if len(lines) >= _MANY_ROWS:
                found.append(_Repeated(kind, column, lines))
        return sorted(found, key=lambda each: -len(each.lines))


@dataclass(slots=True)
class _Over:
    """Lines of a kind whose time is over."""

    term: str
    first: str
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Later:
    """A line whose removal is later than that of the signal that stands."""

    number: int
    signal: str
    listed: str
    removed_on: str

    def document(self) -> dict[str, object]:
        """Say it as programs read it."""
        return {
            "line": self.number,
            "signal": self.signal,
            "listed": self.listed,
            "removed_on": self.removed_on,
        }


@dataclass(slots=True)
class _Report:
    """What became of all lines so far; `ids` has an entry for each signal.

    `held` are those who had been taken off: their place among the ids, and why.
    """

    lines: int = 0
    nameless: list[int] = field(default_factory=list)
    left_out: dict[str, list[int]] = field(default_factory=dict)
    ids: list[str | None] = field(default_factory=list)
    bad: list[Reject] = field(default_factory=list)
    already: list[tuple[int, str | None]] = field(default_factory=list)
    twice: list[tuple[int, str | None]] = field(default_factory=list)
    repeated: Sequence[_Repeated] = ()
    added_lines: set[int] = field(default_factory=set)
    differing: set[int] = field(default_factory=set)
    over: dict[str, _Over] = field(default_factory=dict)
    later: list[_Later] = field(default_factory=list)
    taken_off: dict[str, list[int]] = field(default_factory=dict)
    held: list[tuple[int, _Item, str]] = field(default_factory=list)
    run: str | None = None

    @property
    def over_count(self) -> int:
        return sum(len(each.lines) for each in self.over.values())

    @property
    def taken_off_count(self) -> int:
        return sum(map(len, self.taken_off.values()))

    @property
    def added(self) -> int:
        gone = len(self.bad) + len(self.already) + len(self.twice)
        gone += self.over_count + self.taken_off_count
        return len(self.ids) - gone

    def take_off(self, other: "_Report") -> None:
        """Count whom another report has found to be taken off before."""
        for reason, lines in other.taken_off.items():
            self.taken_off.setdefault(reason, []).extend(lines)

    def document(self, *, dry_run: bool) -> dict[str, object]:
        """Say it as programs read it."""
        return {
            "dry_run": dry_run,
            "import": self.run,
            "signals": self.ids,
            "already": [
                {"line": number, "signal": signal, "differs": number in self.differing}
                for number, signal in self.already
            ],
            "twice": [
                {"line": number, "signal": signal, "differs": number in self.differing}
                for number, signal in self.twice
            ],
            "repeated": [
                {"kind": each.kind, "column": each.column, "lines": each.lines}
                for each in self.repeated
            ],
            "later": [each.document() for each in self.later],
            "over": [
                {
                    "kind": kind,
                    "term": each.term,
                    "first": each.first,
                    "lines": each.lines,
                }
                for kind, each in self.over.items()
            ],
            "taken_off": [
                {"reason": reason, "lines": lines}
                for reason, lines in self.taken_off.items()
            ],
            "nameless": self.nameless,
            "left_out": self.left_out,
            "problems": [reject.document() for reject in self.bad],
        }


@click.command("import", cls=SpokenCommand)
@click.argument("file", default="-", metavar="[-|FILE]")
@finding_options(required=False)
@click.option("--ndjson", is_flag=True, help="Read JSON objects, one per line.")
@click.option("--csv", "as_table", is_flag=True, help="Read a CSV table with a header.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Read a field from a column of the table, such as email=E-Mail.",
)
@click.option(
    "--encoding",
    type=click.Choice(ENCODINGS),
    metavar="NAME",
    help="Encoding of the table: utf-8, or cp1252 for one from Windows.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Import only rows with this value; repeat for other values or columns.",
)
@click.option(
    "--word",
    "own_words",
    multiple=True,
    metavar="COLUMN:WORD=OURS",
    help="Translate a word of a column, such as 'Grund:Anbahnung=grooming'.",
)
@click.option(
    "--except",
    "excepted",
    metavar="FILE",
    help="File of values to skip, such as placeholders, one per line.",
)
@click.option(
    "--anew", is_flag=True, help="List people again who were taken off as a mistake."
)
@click.option("--yes", is_flag=True, help="Do not ask before listing people again.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option(
    "--rejects",
    metavar="FILE",
    help="Write an NDJSON line for each bad line to this file.",
)
@click.option(
    "--list",
    "list_name",
    metavar="NAME",
    help="Name of a list of files; it is approved as a whole.",
)
@click.option("--list-source", metavar="REF", help="Where the list comes from.")
@click.option("--list-signature", metavar="REF", help="How the list was signed.")
@shared_options
@click.pass_context
def import_signals(
    context: click.Context,
    /,
    file: str,
    *,
    anew: bool,
    dry_run: bool,
    rejects: str | None,
    **given: Any,  # noqa: ANN401 (texts, or many of them)
) -> ExitStatus:
    """Import many own bans, or propose many signals.

    A line is a value (with --kind), a JSON object (with --ndjson), or a row of a CSV
    table with a header (--map names its columns). A record has kind, value, region,
    namespace, phenomenon, surface, grade, rule, removed_on, scope, provenance, source,
    detection, findings (a list), legal_review and subject_ref (your reference to the
    account: letters, digits and ._:-). An option sets a field that a record lacks. For
    your own findings set --provenance own_finding: only these corroborate signals of
    others.

    A row that was imported before gives the same signal and is reported as already
    listed. People who were taken off the list are skipped. --anew lists those again who
    were taken off with the reason `mistake`; it says how many and asks first. After a
    ruling, an appeal or an erasure only `signal add` lists somebody again, one at a
    time. For tables, --where selects rows, --word translates the words of a column, and
    --except skips values such as placeholders. If an import breaks off, run the same
    command again. `fedsafe import undo` undoes an import.

    With --list and --list-source, files for the federation wait as one list. A second
    person examines and approves it as a whole (`fedsafe signal lists`).

    \b
    Examples:
      fedsafe signal import --dry-run --ndjson bans.ndjson
      fedsafe signal import --map email=E-Mail --map removed_on='Gesperrt am' \\
        --phenomenon grooming --surface public_content \\
        --grade confirmed_conduct --rule tos-4.2 --provenance own_finding \\
        --rejects rejects.ndjson bans.csv
      fedsafe signal import --dry-run --where Grund=Grooming --where Grund=Erpressung \\
        --map phenomenon=Grund --word Grund:Erpressung=sextortion \\
        --surface public_content --grade confirmed_conduct --rule tos-4.2 \\
        --except placeholders.txt bans.csv
      fedsafe signal import --kind email --phenomenon grooming \\
        --surface public_content --grade confirmed_conduct --rule tos-4.2 \\
        --removed-on 2026-11-24 --provenance own_finding addresses.txt
    """  # noqa: D301
    settings = settings_of(context)
    client = settings.client()
    form = _form(given)
    excepted = _excepted(given.pop("excepted"))
    listed = _list(given)
    asks = not given.pop("yes") and not dry_run
    _check_asking(file, asks=anew and asks)
    hints = Hints(
        kind=given["kind"], region=given["region"], namespace=given["namespace"]
    )
    report = _Report()
    failure: CliError | None = None
    with (
        _opened(file) as opened,
        _rejects(rejects) as sink,
        reading(opened, ends=True) as advance,
    ):
        common = finding(given)
        said = json.dumps(
            [common, listed | {"anew": anew}, str(hints), str(form), sorted(excepted)],
            sort_keys=True,
        )
        digest = _digest(opened, said, file)
        stream = _checked(opened, form, file)
        source = _Source(hints, common, excepted, _own_addresses(settings))
        items = _items(stream, source, form, file, language=settings.language)
        run = None if dry_run else _Run(client, digest, language=settings.language)
        try:
            said_of_all = {"dry_run": dry_run} | listed
            _send_all(client, items, advance, said_of_all, run, report)
            if anew and _is_confirmed(report, settings, asks=asks):
                _list_anew(client, said_of_all, run, report)
            if run is not None:
                run.finish(report)
        except CliError as error:
            failure = error  # what was recorded before it is told first
        if sink is not None:
            sink.writelines(json.dumps(r.document()) + "\n" for r in report.bad)
    if not report.lines and failure is None:
        raise BadInputError(
            Phrase("the input is empty"), Phrase("give one signal a line")
        )
    _tell(report, settings, failure, dry_run=dry_run)
    if not dry_run and report.added:
        note_unnamed(client, language=settings.language)
    if failure is not None:
        if isinstance(failure, NodeUnreachableError) and digest is not None:
            note(f"fedsafe: {words('goes_on', language=settings.language)}")
        failure.told = settings.json
        raise failure
    return worst(reject.status for reject in report.bad)


def note_unnamed(client: Client, *, language: str) -> None:
    """Say that what was recorded without a credential names nobody."""
    if client.token is None:
        note(f"fedsafe: {words('unnamed', language=language)}")


def _list(given: dict[str, Any]) -> Signal:
    """Take out of the options what list all of it belongs to, if it is one."""
    name, source, signature = (
        given.pop(option) for option in ("list_name", "list_source", "list_signature")
    )
    if name is None:
        if source is not None or signature is not None:
            raise misused(Phrase("--list-source and --list-signature go with --list"))
        return {}
    if source is None:
        raise misused(Phrase("--list takes --list-source: where the list is from"))
    said = {"name": name, "source": source}
    return {"list": said if signature is None else said | {"signature": signature}}


@dataclass(frozen=True, slots=True)
class _Form:
    """How the input is to be read."""

    ndjson: bool
    table: bool
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Source:
    """What is said of all lines, and which values are left out."""

    hints: Hints
    common: Signal
    excepted: frozenset[str]
    own: frozenset[str]

    def leaves_out(self, value: object) -> str | None:
        """Say what leaves a value out: --except, or that it is this node's own."""
        if not isinstance(value, str):
            return None
        folded = value.strip().casefold()
        if folded in self.excepted:
            return "except"
        return "own" if folded in self.own else None


def _own_addresses(chosen: Settings) -> frozenset[str]:
    """Read where this node itself is written to, if its settings can be read here."""
    if chosen.address() is not None:
        return frozenset()
    try:
        with open(os.path.join(chosen.directory(), FILE), "rb") as stream:  # noqa: PTH118, PTH123
            settings = tomllib.load(stream)
    except (OSError, ValueError):
        return frozenset()
    told = (settings.get(name) for name in ("contact", "dpo_contact"))
    return frozenset(each.casefold() for each in told if isinstance(each, str))


def _form(given: dict[str, Any]) -> _Form:
    ndjson, table = given.pop("ndjson"), given.pop("as_table")
    reading_ = Reading(
        columns=read_map(given.pop("columns")),
        encoding=given.pop("encoding"),
        where=read_where(given.pop("where")),
        words=read_words(given.pop("own_words")),
    )
    table = table or reading_ != Reading({}, None, {}, {})
    if ndjson and table:
        raise misused(
            Phrase(
                "--csv, --map, --where, --word and --encoding do not go with --ndjson"
            )
        )
    return _Form(ndjson, table, reading_)


def _excepted(path: str | None) -> frozenset[str]:
    """Read the values to leave out, in a file so that no argument has them."""
    if path is None:
        return frozenset()
    if path == "-":
        raise misused(Phrase("--except takes a file"))
    with _opened(path) as stream:
        try:
            lines = stream.read().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise BadInputError(
                Phrase("{file}: it is not UTF-8").filled(file=printable(path))
            ) from None
    return frozenset(line.strip().casefold() for line in lines if line.strip())


def _digest(stream: BinaryIO, said: str, path: str) -> str | None:
    """Digest a file and how it is read, so that the same is known again.

    The node keeps a keyed digest of it. What comes through a pipe is read once.
    """
    if path == "-" or not stream.seekable():
        return None
    found = sha256(said.encode() + b"\n")
    while part := stream.read(_PART):
        found.update(part)
    stream.seek(0)
    return found.hexdigest()


def _checked(stream: BinaryIO, form: _Form, path: str) -> BinaryIO:
    """Check a table as a whole, before any row of it is sent; give what to read."""
    if not _is_table(stream, form, path):
        return stream
    if path == "-" or not stream.seekable() or is_wide(stream):
        stream = hold(stream)
    check_encoding(stream, form.reading.encoding)
    table = open_table(stream, form.reading)
    _check_translations(table)
    check_quotes(stream, table)
    return stream


def _check_translations(table: Table) -> None:
    """Find a word before it makes each of its rows be refused.

    Raises:
        BadInputError: --word gives one that is none of the field's.
    """
    for name, place in table.columns.items():
        known = _WORDS.get(name, () if place in table.words else None)
        ours = set(table.words.get(place, {}).values())
        if known is not None and not ours <= set(known):
            raise BadInputError(
                Phrase("--word gives {name} a word that it does not have").filled(
                    name=name
                ),
                _WORDS_OF_IT.filled(", ".join(known) or "-"),
            )


def _is_table(stream: BinaryIO, form: _Form, path: str) -> bool:
    if form.ndjson or form.table:
        return form.table
    named = path.lower().endswith((".csv", ".tsv"))
    return named or fits(first_line(stream))


def _items(
    stream: BinaryIO, source: _Source, form: _Form, path: str, *, language: str
) -> Iterator[_Item]:
    """Read signals in the form that was said, or that shows.

    Raises:
        BadInputError: the form was not said, and another one shows.
    """
    if _is_table(stream, form, path):
        table = open_table(stream, form.reading)
        told = words("columns", language=language, told=table.told())
        if table.left_out:
            left_out, count = table.tell_left_out(), len(table.left_out)
            told += "; " + words(
                "columns_left_out", language=language, count=count, told=left_out
            )
        note(f"fedsafe: {told}")
        return _from_rows(read_rows(stream, table), source)
    if not form.ndjson:
        _check_lines(first_line(stream), source.hints)
    lines = read_lines(stream, LONGEST_RECORD)
    return _from_lines(lines, source, ndjson=form.ndjson)


def _check_lines(line_: bytes, hints: Hints) -> None:
    """Stop before each line of another form is refused by itself."""
    if line_.startswith(b"{") and line_.endswith(b"}"):
        raise BadInputError(
            Phrase("the lines are JSON objects"), Phrase("say --ndjson")
        )
    if hints.kind is None and looks_like_a_header(line_):
        raise BadInputError(
            Phrase("the input looks like a table (CSV)"), way_out(line_)
        )


def _from_rows(rows: Iterable[Row], source: _Source) -> Iterator[_Item]:
    for row in rows:
        found: Signal | Fault | None
        if not row.chosen:
            yield _Item(row.number, None, left_out="where")
            continue
        if isinstance(row.found, dict):
            if (why := source.leaves_out(row.found["value"])) is not None:
                yield _Item(row.number, None, left_out=why)
                continue
            found = _signal(row.found, source)
        else:
            found = row.found
        yield _Item(row.number, found, row.column)


def _from_lines(
    lines: Iterable[bytes | Fault], source: _Source, *, ndjson: bool
) -> Iterator[_Item]:
    for number, text in enumerate(lines, start=1):
        if isinstance(text, Fault):
            yield _Item(number, text)
            continue
        try:
            found: dict[str, object] = {}
            if ndjson:
                found = record(text)
                about = found.get("about", found)
                value = about.get("value") if isinstance(about, dict) else None
            else:
                value = decode(text)
            if (why := source.leaves_out(value)) is not None:
                yield _Item(number, None, left_out=why)
            elif ndjson:
                yield _Item(number, _signal(found, source))
            else:
                plain = question(str(value), source.hints)
                _check_phone(plain)
                _check_words(source.common)
                yield _Item(number, in_group(source.common) | {"about": plain})
        except FormError as error:
            yield _Item(number, error.fault)


def _signal(found: dict[str, object], source: _Source) -> Signal | Fault:
    try:
        signal = _record(found, source.hints, source.common)
        _check_words(signal)
        _check_phone(signal["about"])
    except FormError as error:
        return error.fault
    return signal


def _check_phone(about: Mapping[str, str]) -> None:
    """Find a number that names somebody else, should it have lost its +.

    Raises:
        FormError: so it may be.
    """
    if about["kind"] != "phone":
        return
    from fedsafe_federation.identifiers.phone import (  # noqa: PLC0415 (slow to load)
        may_be_international,
    )

    if may_be_international(about["value"], about.get("region")):
        said = Phrase(
            "it may begin with the code of a country: write + before it, or 0 "
            "if it is a number of that region"
        )
        raise FormError("phone_ambiguous", said, "value", "phone")


def _check_words(signal: Mapping[str, Any]) -> None:
    """Find a word that is none of ours before it makes the node refuse all lines.

    Raises:
        FormError: a field has such a word, or is missing.
    """
    for name in _NEEDED:
        if signal.get(name) in {None, ""}:
            option = f"--{name.replace('_', '-')}"
            raise FormError(
                "missing",
                Phrase("state it, or give {option}").filled(option=option),
                name,
            )
    reference = signal.get("subject_ref")
    if isinstance(reference, str) and SUBJECT_REF.fullmatch(reference) is None:
        raise FormError("subject_ref", OUT_OF_FORM, "subject_ref")
    for name, known in _WORDS.items():
        value = signal.get(name)
        given = value if name == "findings" else [value]
        if value is None or not isinstance(given, list):
            continue
        if any(isinstance(each, str) and each not in known for each in given):
            said = Phrase("that is none of its words")
            raise FormError("unknown_word", said, name, known=known)
    scope = signal.get("scope")
    if isinstance(scope, str) and scope not in set(Scope):
        raise FormError(
            "unknown_word",
            Phrase("that is none of its words"),
            "scope",
            known=(*Scope, "group:NAME"),
        )


def _record(found: dict[str, object], hints: Hints, common: Signal) -> Signal:
    if not found.keys() <= set(_FIELDS):
        raise FormError(
            "unknown_field", Phrase("a record has other fields"), known=_FIELDS
        )
    about = {name: found.pop(name) for name in _ABOUT if name in found}
    nested = found.pop("about", None)
    if nested is not None and about:
        raise FormError(
            "unknown_field", Phrase("beside about no kind or value may stand")
        )
    return in_group(common | found) | {"about": as_question(nested or about, hints)}


class _Run:
    """The import that all rows belong to, once it is begun."""

    def __init__(self, client: Client, digest: str | None, *, language: str) -> None:
        self._client = client
        self._digest = digest
        self._language = language
        self._begun: Mapping[str, Any] | None = None

    def begin(self) -> Mapping[str, Any]:
        """Begin it; a node of the version before knows of none."""
        if self._begun is not None:
            return self._begun
        # A drawn digest is nobody's file, but a repeated request is known by it.
        body = {"digest": self._digest or os.urandom(_DIGEST_BYTES).hex()}
        begun: Mapping[str, Any] = {}
        try:
            begun = self._client.change("/v1/imports", body, keyed=False)
        except RefusedError as error:
            if error.code != "not_found":
                raise
        self._begun = begun
        if begun.get("resumed"):
            note(f"fedsafe: {words('resumed', language=self._language)}")
        return begun

    def key(self, first: int, last: int, count: int) -> str | None:
        """Name a piece, so that it is answered again where it was kept."""
        key = self.begin().get("key")
        if key is None or self._digest is None:
            return None
        return sha256(f"{key}/{first}/{last}/{count}".encode()).hexdigest()

    def finish(self, report: _Report) -> None:
        """Say what came of all rows."""
        run = None if self._begun is None else self._begun.get("run")
        if run is None:
            return
        report.run = run
        counts = {
            "lines": report.lines,
            "listed": len(report.already) + len(report.twice),
            "refused": len(report.bad),
            "over": report.over_count,
        }
        if report.taken_off:
            counts["taken_off"] = report.taken_off_count
        target = f"/v1/imports/{run}/finish"
        self._client.change(target, counts, keyed=False)


def _send_all(  # noqa: PLR0913 - what is sent, and where it is told
    client: Client,
    items: Iterable[_Item],
    advance: Advance | None,
    common: Signal,
    run: _Run | None,
    report: _Report,
) -> None:
    source = iter(items)
    seen = _Seen()
    last = 0
    while piece := list(islice(source, PIECE)):
        good = [item for item in piece if isinstance(item.found, dict)]
        part = _Report()
        if good:
            if run is not None and (name := run.begin().get("run")) is not None:
                common = common | {"run": name}
            part = _post(client, good, common, run)
        ids = iter(part.ids)
        off = {id(item): why for _, item, why in part.held}
        for item in piece:
            report.lines += item.number != last
            last = item.number
            if isinstance(item.found, dict):
                if (why := off.get(id(item))) is not None:
                    report.held.append((len(report.ids), item, why))
                _sort(report, item, next(ids), seen, common)
            elif isinstance(item.found, Fault):
                report.ids.append(None)
                bad = Reject(item.number, item.found, ExitStatus.BAD_INPUT, item.column)
                part.bad.append(bad)
            elif item.left_out is not None:
                report.left_out.setdefault(item.left_out, []).append(item.number)
            else:
                report.nameless.append(item.number)
        _add(report, part)
        if advance is not None:
            advance(len(piece))
    report.repeated = seen.repeated()


def _sort(
    report: _Report, item: _Item, signal: str | None, seen: _Seen, common: Signal
) -> None:
    """Count a signal that the node has answered to."""
    report.ids.append(signal)
    met = isinstance(item.found, dict) and seen.meet(item, common | item.found)
    # A dry run knows of no row that stood in a request before.
    again = item.fate == "already" or (item.fate is None and common.get("dry_run"))
    if met and again:
        report.twice.append((item.number, signal))
    elif item.fate == "already":
        report.already.append((item.number, signal))
    elif item.fate is None:
        report.added_lines.add(item.number)


def _add(report: _Report, part: _Report) -> None:
    """Count in what became of a part of the lines, but for the ids."""
    report.bad += sorted(part.bad, key=lambda reject: reject.number)
    report.differing |= part.differing
    report.later += part.later
    for kind, each in part.over.items():
        known = report.over.setdefault(kind, _Over(each.term, each.first))
        known.lines += each.lines
    report.take_off(part)


def _check_asking(path: str, *, asks: bool) -> None:
    """Refuse before anything is sent where nobody could be asked."""
    if asks and path == "-":
        raise BadInputError(Phrase("who reads the rows cannot be asked"), _WITHOUT)


def _is_confirmed(report: _Report, settings: Settings, *, asks: bool) -> bool:
    """Say who was taken off as a mistake, and ask whether they are listed again."""
    lines = [item.number for _, item, why in report.held if why in _COMES_BACK]
    if not lines or not asks:
        return bool(lines)
    values = {"number": len(lines), "lines": _spans(lines)}
    note(words("anew_told", language=settings.language, **values))
    try:
        confirm(_ASKED_ANEW, settings, without=_WITHOUT)
    except BadInputError:
        note(f"fedsafe: {_NOT_ANEW.said(settings.language)}")
        return False
    return True


def _list_anew(
    client: Client, common: Signal, run: _Run | None, report: _Report
) -> None:
    """Send those again who were taken off as a mistake, to be listed."""
    back = [each for each in report.held if each[2] in _COMES_BACK]
    report.held = [each for each in report.held if each[2] not in _COMES_BACK]
    for reason in _COMES_BACK:
        report.taken_off.pop(reason, None)
    common = common | {"anew": True}
    if run is not None and back and (name := run.begin().get("run")) is not None:
        common = common | {"run": name}
    for start in range(0, len(back), PIECE):
        piece = back[start : start + PIECE]
        for _, item, _ in piece:
            item.fate = None
        part = _post(client, [item for _, item, _ in piece], common, run)
        for (place, item, _), signal in zip(piece, part.ids, strict=True):
            report.ids[place] = signal
            if item.fate is None:
                report.added_lines.add(item.number)
            elif item.fate == "already":
                report.already.append((item.number, signal))
        _add(report, part)


def _post(
    client: Client, good: Sequence[_Item], common: Signal, run: _Run | None
) -> _Report:
    body = common | {"signals": [item.found for item in good]}
    first, last = good[0].number, good[-1].number
    key = None if run is None else run.key(first, last, len(good))
    target = "/v1/signals/import"
    try:
        try:
            answer = client.change(target, body, timeout=_TIMEOUT, key=key)
        except RefusedError as error:
            if error.code != "idempotency_mismatch":
                raise
            # This program reads the lines in another way than the one before it.
            answer = client.change(target, body, timeout=_TIMEOUT)
    except RefusedError as error:
        # Of many parts of a piece none may do what the node refuses of the piece.
        if error.status is not ExitStatus.BAD_INPUT or error.http_status == _CONFLICT:
            raise
        if len(good) == 1:
            fault = Fault(error.code, error.words, field_of(error.pointer))
            (item,) = good
            bad = Reject(item.number, fault, error.status, item.column)
            item.fate = "refused"
            return _Report(ids=[None], bad=[bad])
        # One record out of form makes the node refuse all: find it in halves.
        middle = len(good) // 2
        one = _post(client, good[:middle], common, run)
        other = _post(client, good[middle:], common, run)
        for kind, each in other.over.items():
            one.over.setdefault(kind, _Over(each.term, each.first)).lines += each.lines
        one.ids += other.ids
        one.bad += other.bad
        one.differing |= other.differing
        one.later += other.later
        one.held += other.held
        one.take_off(other)
        return one
    try:
        return _read(good, answer)
    except (TypeError, KeyError, ValueError, IndexError):
        raise BrokenAnswerError(
            Phrase("the node's import answer is malformed")
        ) from None


def _read(good: Sequence[_Item], answer: dict[str, Any]) -> _Report:
    ids = answer["signals"]
    if len(ids) != len(good):
        raise ValueError
    report = _Report(ids=list(ids))
    report.bad = [_reject(good, problem) for problem in answer["problems"]]
    report.differing = {good[at].number for at in answer.get("differing") or ()}
    for at in answer.get("already") or ():
        good[at].fate = "already"
    for each in answer.get("over") or ():
        lines = _gone(good, each["positions"])
        report.over[each["kind"]] = _Over(each["term"], each["first"], lines)
    for each in answer.get("taken_off") or ():
        lines = _gone(good, each["positions"])
        report.taken_off[each["reason"]] = lines
        report.held += [(at, good[at], each["reason"]) for at in each["positions"]]
    for each in answer.get("later") or ():
        at = each["position"]
        days = str(each["listed"]), str(each["removed_on"])
        report.later.append(_Later(good[at].number, str(ids[at]), *days))
    return report


def _gone(good: Sequence[_Item], positions: Iterable[int]) -> list[int]:
    """Note of items that nothing was recorded; return their lines."""
    for at in positions:
        good[at].fate = "gone"
    return [good[at].number for at in positions]


def _reject(good: Sequence[_Item], problem: dict[str, Any]) -> Reject:
    code = str(problem["code"])
    item = good[problem["position"]]
    item.fate = "refused"
    told = received(problem, str(problem["detail"]))
    fault = Fault(code, told, field_of(problem.get("pointer")))
    return Reject(item.number, fault, problem_status(code), item.column)


def _tell(
    report: _Report, settings: Settings, failure: CliError | None, *, dry_run: bool
) -> None:
    if settings.json:
        told = report.document(dry_run=dry_run)
        document(told if failure is None else told | failure.document())
        return
    language = settings.language
    _tell_bad(report.bad, language=language)
    if report.lines != len(report.ids):
        count, lines = len(report.ids), report.lines
        line(words("read", language=language, count=count, lines=lines))
    key = "would" if dry_run else "recorded"
    counts = {
        key: (report.added, len(report.added_lines)),
        "refused": _counted([reject.number for reject in report.bad]),
        "listed_before": _counted([number for number, _ in report.already]),
        "twice": _counted([number for number, _ in report.twice]),
        "over_rows": _counted([n for each in report.over.values() for n in each.lines]),
        "taken_off_before": _counted(
            [n for lines in report.taken_off.values() for n in lines]
        ),
        "nameless": _counted(report.nameless),
        "left_out_where": _counted(report.left_out.get("where", ())),
        "left_out_except": _counted(report.left_out.get("except", ())),
        "left_out_own": _counted(report.left_out.get("own", ())),
    }
    always = {key, "refused"}
    texts = [
        _count_text(name, *numbers, language=language)
        for name, numbers in counts.items()
        if numbers[0] or name in always
    ]
    summary = ", ".join(texts)
    if dry_run:
        summary += f"; {words('nothing_written', language=language)}"
    line(summary)
    _tell_lines(report, language=language)
    if report.run is not None and report.added:
        line(words("undo_by", language=language, run=report.run))


def _tell_lines(report: _Report, *, language: str) -> None:
    """Name the lines of which nothing was recorded, and why."""
    for name, met in (("already_lines", report.already), ("twice_lines", report.twice)):
        if met:
            numbers = _spans([number for number, _ in met])
            line(words(name, language=language, lines=numbers))
    if report.differing:
        numbers = _spans([*report.differing])
        line(words("differing_lines", language=language, lines=numbers))
    _tell_later(report, language=language)
    for kind, each in sorted(report.over.items()):
        values = {"count": len(each.lines), "kind": kind}
        term = _term(each.term, language)
        line(
            words("over_kind", language=language, **values, term=term, first=each.first)
        )
    _tell_taken_off(report, language=language)
    for found in report.repeated[:_SHOWN]:
        count, kind = len(found.lines), found.column or found.kind
        lines = _spans(found.lines)
        line(
            words("placeholder", language=language, count=count, kind=kind, lines=lines)
        )


def _count_text(name: str, count: int, lines: int, *, language: str) -> str:
    text = words(name, language=language, count=count)
    if count == lines:
        return text
    return text + words("of_lines", language=language, count=lines)


def _counted(numbers: Sequence[int]) -> tuple[int, int]:
    """Count identifiers, and the lines that they stand on."""
    return len(numbers), len(set(numbers))


def _tell_bad(bad: Sequence[Reject], *, language: str) -> None:
    """Say of the first lines what is wrong, once where it is all of a line."""
    columns: dict[tuple[int, Fault], list[str]] = {}
    for reject in bad:
        found = columns.setdefault((reject.number, reject.fault), [])
        if reject.column is not None:
            found.append(printable(reject.column))
    for (number, fault), names in list(columns.items())[:_SHOWN]:
        where = words("line", language=language, number=number)
        where += f" ({', '.join(names)})" if names else ""
        said = f"{where}: {_said(fault, language=language)}"
        note(complaint(said, language=language))
    if len(columns) > _SHOWN:
        _tell_sums(bad, language=language)


def _said(fault: Fault, *, language: str) -> str:
    """Say as people read it what is wrong: which field, why, and what it might be."""
    place = f"{fault.field}: " if fault.field else ""
    detail = fault.said(language)
    if fault.known:
        detail += f"; {_KNOWN.said(language)}: {', '.join(fault.known)}"
    return f"{place}{detail} ({fault.code})"


def _tell_later(report: _Report, *, language: str) -> None:
    for row in report.later[:_SHOWN]:
        told = {"listed": row.listed, "removed_on": row.removed_on}
        told |= {"number": str(row.number), "signal": row.signal}
        line(words("later_line", language=language, **told))
    if len(report.later) > _SHOWN:
        more = len(report.later) - _SHOWN
        line(words("later_more", language=language, count=more))


def _tell_taken_off(report: _Report, *, language: str) -> None:
    for reason, numbers in sorted(report.taken_off.items()):
        why = label(REASONS, reason, language=language)
        lines = _spans(numbers)
        line(words("taken_off_lines", language=language, reason=why, lines=lines))
    if report.taken_off.keys() - _COMES_BACK:
        line(words("taken_off_for_good", language=language))
    if report.taken_off.keys() & _COMES_BACK:
        line(words("taken_off_anew", language=language))


def _tell_sums(bad: Sequence[Reject], *, language: str) -> None:
    """Say how many lines have which fault, and in which field."""
    sums: dict[tuple[str, str], list[int]] = {}
    for each in bad:
        place = each.fault.field or "-", each.fault.code
        sums.setdefault(place, []).append(each.number)
    most = sorted(sums.items(), key=lambda pair: -len(pair[1]))
    for (name, code), numbers in most[:_SHOWN]:
        count, lines = _counted(numbers)
        values = {"count": lines, "field": name, "code": code, "identifiers": count}
        key = "fault_sum" if count == lines else "fault_sum_identifiers"
        note(words(key, language=language, **values))


def _term(span: str, language: str) -> str:
    """Say how long a policy lists something, such as `6 months`."""
    count, _, unit = span.partition(" ")
    return f"{count} {_UNITS[unit].said(language)}" if unit in _UNITS else span


def _spans(numbers: Sequence[int]) -> str:
    """Write numbers as spans; of many the first ones."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    told = [f"{a}" if a == b else f"{a}-{b}" for a, b in spans[:_SHOWN]]
    return ", ".join(told) + (", …" if len(spans) > _SHOWN else "")


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        stream: Any = sys.stdin.buffer
        yield stream if hasattr(stream, "peek") else BufferedReader(stream)
        return
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 (pathlib is slow to load)
            yield stream
    except OSError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(path), why=reason_of(error))
        ) from None


@contextmanager
def _rejects(path: str | None) -> Iterator[TextIO | None]:
    """Write the rejects file whole, or leave the one that is there."""
    if path is None:
        yield None
        return
    special = os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113
    written = path if special else f"{path}.part"
    try:
        sink = open(written, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    except OSError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(path), why=reason_of(error))
        ) from None
    try:
        with sink:
            yield sink
            sink.flush()
            if not special:
                os.fsync(sink.fileno())
        if not special:
            os.replace(written, path)  # noqa: PTH105
    except BaseException:
        if not special:
            with suppress(OSError):
                os.unlink(written)  # noqa: PTH108
        raise
