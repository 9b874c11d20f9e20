# SPDX-License-Identifier: Apache-2.0
"""`fedsafe hash` and `fedsafe match`: files, read here and never sent.

Only digests leave this machine. All digests of a file are one lookup, so a file
has one verdict, whichever of them a signal holds.
"""

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import click

from fedsafe_cli.lookup.answer_file import AnswerFile
from fedsafe_cli.lookup.file_digests import PLAIN, FileDigests, FileRef
from fedsafe_cli.lookup.file_sources import DIGITS, TURNED, Listed, digests_in, files_of
from fedsafe_cli.lookup.hash_workers import (
    DEFAULT,
    SLOW,
    Limits,
    cores,
    digest_all,
)
from fedsafe_cli.lookup.lookup_client import (
    Answer,
    Outcome,
    Refusal,
    Terms,
    ask_all,
    unanswered,
)
from fedsafe_cli.lookup.match_client import MOST, ask_digests
from fedsafe_cli.lookup.verdicts import Form, entry, show
from fedsafe_cli.terminal.errors import BadInputError, CliError, complaint
from fedsafe_cli.terminal.exit_codes import ExitStatus, worst
from fedsafe_cli.terminal.findings import one_of, surface_option
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.inputs import OUT_OF_FORM, SUBJECT_REF, Account, Fault, opened
from fedsafe_cli.terminal.labels import grouped
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.progress import CopyingBar, wanted
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_cli.terminal.texts import words
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose

TOGETHER: Final = 250
"""So many files are one batch: what a run that is killed may have asked in vain."""

LONGEST: Final = 5.0
"""After so many seconds what is hashed is asked about, though it is less than that."""

_ENDED: Final = Fault("ended", Phrase("the run has ended"))
_FINAL: Final = (ExitStatus.BAD_INPUT,)
"""Refusals that are the input's own, and stay."""
T = TypeVar("T", bound=FileRef | Listed)


@dataclass(frozen=True, slots=True)
class _Input:
    """An input, what people call it, and what is asked about it."""

    named: dict[str, object]
    shown: str
    asked: Account | Fault
    picture: Fault | None = None


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--jobs",
            type=click.IntRange(1, 256),
            help="Number of processes; default: number of cores.",
        ),
        click.option(
            "--max-size",
            type=click.IntRange(1, 1 << 30),
            default=DEFAULT.gib,
            metavar="GIB",
            help="Pass over larger files; default: 16 GiB.",
        ),
        click.option(
            "--max-time",
            type=click.IntRange(1, 86_400),
            default=DEFAULT.seconds,
            metavar="SECONDS",
            help="Processor time for one picture; default: 20 seconds.",
        ),
        click.option("--resume", is_flag=True, help="Continue the file of --output."),
        click.option(
            "--output", metavar="FILE", help="Write the lines to a new file, mode 0600."
        ),
        click.option("--ndjson", is_flag=True, help="Print a JSON object per line."),
    ):
        command = option(command)
    return command


@click.command("hash", cls=SpokenCommand)
@click.argument("files", nargs=-1, required=True, metavar="FILE|DIR…")
@_run_options
@shared_options
@click.pass_context
def hash_files(  # noqa: PLR0913 (one parameter an option)
    context: click.Context,
    /,
    files: tuple[str, ...],
    *,
    ndjson: bool,
    output: str | None,
    resume: bool,
    jobs: int | None,
    max_size: int,
    max_time: int,
) -> ExitStatus:
    """Print the digests of files and folders.

    Computes SHA-256, SHA-1, MD5 and BLAKE3 of the bytes, and PDQ of what a picture
    shows. Files are read as a stream on this machine and sent nowhere. Links in a
    folder are reported and not followed. Unreadable files are reported, and pictures
    without PDQ (broken, of an unknown format, or nearly empty); the exit status is
    then 5.

    \b
    Examples:
      fedsafe hash upload.jpg
      fedsafe hash --json *.jpg
      fedsafe hash --ndjson uploads/ > digests.ndjson
      fedsafe hash --output digests.ndjson uploads/
      fedsafe hash --output digests.ndjson --resume uploads/
    """  # noqa: D301
    settings = settings_of(context)
    tally = _Tally(settings)
    kept: list[dict[str, object]] = []
    with ExitStack() as stack:
        lines = stack.enter_context(
            _lines(output, None, resume=resume, language=settings.language)
        )
        progress = stack.enter_context(_progress(output, files, lines))
        for told in _before(lines):
            tally.count(_status_of(told), blind=_is_blind(told))
        refs = _left(files_of(files), lines)
        for found in digest_all(refs, jobs or cores(), Limits(max_size, max_time)):
            told = _told(found)
            tally.count(_status_of(told), blind=found.picture is not None)
            if lines is not None:
                lines.write(told)
                if lines.count % TOGETHER == 0:
                    lines.keep()
            elif ndjson:
                document(told, compact=True)
            elif settings.json:
                kept.append(told)
            else:
                _print_digests(found, settings)
            progress.advance(1)
    if settings.json and lines is None and not ndjson:
        document({"files": kept})
    if lines is not None or _are_many(files):
        tally.show("hashed")
    return tally.worst


def _told(found: FileDigests) -> dict[str, Any]:
    told = found.ref.named()
    if found.fault is not None:
        return told | {"problem": found.fault.document()}
    told |= {"size": found.size, **found.digests}
    if found.quality is not None:
        told["pdq_quality"] = found.quality
    if found.turned is not None:
        told[TURNED] = found.turned
    if found.picture is not None:
        told["picture_unread"] = found.picture.document()
    return told


def _status_of(told: dict[str, Any]) -> ExitStatus:
    """Say what an entry of `fedsafe hash` means for the exit status."""
    is_bad = "problem" in told or _is_blind(told)
    return ExitStatus.BAD_INPUT if is_bad else ExitStatus.NO_SIGNAL


def _print_digests(found: FileDigests, settings: Settings) -> None:
    name = printable(found.ref.path)
    if found.fault is not None:
        said = f"{name}: {found.fault.said(settings.language)}"
        note(complaint(said, language=settings.language))
        return
    for kind, digest in found.digests.items():
        line(f"{kind}:{digest}  {name}")
    if found.turned is not None:
        line(f"{TURNED}:{found.turned}  {name}")
    _note_picture(name, found.picture, settings)


def _note_picture(name: str, picture: Fault | None, settings: Settings) -> None:
    if picture is not None:
        text = "picture_plain" if picture.code == PLAIN else "picture_unread"
        has_way_out = picture.code in (PLAIN, SLOW)
        why = picture.said(settings.language) if has_way_out else picture.code
        said = words(text, language=settings.language, why=why)
        note(complaint(f"{name}: {said}", language=settings.language))


@click.command("match", cls=SpokenCommand)
@click.argument("files", nargs=-1, metavar="[FILE|DIR…]")
@click.option(
    "--list",
    "listing",
    metavar="FILE",
    help="Read digests from a list; - is standard input.",
)
@click.option(
    "--kind",
    type=click.Choice(tuple(DIGITS)),
    metavar="KIND",
    help=one_of("Kind of bare digests in the list", DIGITS),
)
@click.option(
    "--subject-ref",
    metavar="[SERVICE/]REF",
    help="Your handle for the account whose files they are.",
)
@_run_options
@surface_option(required=True)
@shared_options
@click.pass_context
def match_files(  # noqa: PLR0913 (one parameter an option)
    context: click.Context,
    /,
    files: tuple[str, ...],
    *,
    listing: str | None,
    kind: str | None,
    subject_ref: str | None,
    ndjson: bool,
    output: str | None,
    resume: bool,
    jobs: int | None,
    max_size: int,
    max_time: int,
    surface: str,
) -> ExitStatus:
    """Look up whether files are known abuse media.

    Takes files, folders, or a list of digests.

    A file matches by any of its digests. An altered, rotated or mirrored picture
    matches by PDQ up to a distance of 31 bits. A match is a reason to review, never a
    verdict.

    --subject-ref names the account that the files belong to. A match counts once a
    day for each account; without one, once for each file (with a credential: each
    time). A signal with too many matches becomes a flood.

    Say where the files are met: private messages may be matched only while the legal
    calendar has a legal basis for it; otherwise the node refuses.

    A list is output of `fedsafe hash` (NDJSON or text), of sha256sum, sha1sum or
    md5sum, bare digests, or CSV whose header names the kinds. --resume continues an
    interrupted run with --output and asks nothing twice.

    \b
    Examples:
      fedsafe match --surface public_content upload.jpg
      fedsafe match --surface hosted_private --json uploads/*
      fedsafe match --surface hosted_private --output answers.ndjson uploads/
      fedsafe match --surface hosted_private --output answers.ndjson --resume uploads/
      sha256sum uploads/* | fedsafe match --surface hosted_private --list - --ndjson

    Exit statuses are those of `fedsafe lookup`; 5 also if only the bytes of a picture
    were compared: it is broken, of an unknown format, or nearly empty.
    """  # noqa: D301
    _check_sources(files, listing, kind)
    if subject_ref is not None and not SUBJECT_REF.fullmatch(subject_ref):
        raise BadInputError(OUT_OF_FORM)
    settings = settings_of(context)
    client = settings.client()
    terms = Terms(purpose=Purpose.MEDIA_MATCHING.value, surface=surface)
    form = Form(
        json=settings.json and not ndjson, ndjson=ndjson, language=settings.language
    )
    run = _Run(form, _Tally(settings))
    asked: dict[str, object] = {
        "node": printable(client.place),
        "purpose": terms.purpose,
        "surface": surface,
        "list": None if listing is None else printable(listing),
        "kind": kind,
        "subject_ref": subject_ref,
    }
    with ExitStack() as stack:
        lines = stack.enter_context(
            _lines(output, asked, resume=resume, language=settings.language)
        )
        progress = stack.enter_context(_progress(output, files, lines))
        for told in _before(lines):
            run.tally.count(_status_before(told), blind=_is_blind(told))
        if listing is None:
            refs = map(run.still, _left(files_of(files), lines))
            own = client.token is None
            inputs: Iterator[_Input] = (
                _file(each, subject_ref, own=own)
                for each in digest_all(
                    refs, jobs or cores(), Limits(max_size, max_time)
                )
            )
        else:
            stream = stack.enter_context(opened(listing))
            inputs = map(_listed, _left(digests_in(stream, kind, subject_ref), lines))
        waiting: deque[_Input] = deque()
        due = time.monotonic() + LONGEST

        def taken() -> Iterator[Account | Fault]:
            for each in inputs:
                waiting.append(each)
                progress.read()
                yield each.asked

        def advance(count: int) -> None:
            if lines is not None:  # before the next are asked
                lines.keep()
            nonlocal due
            progress.advance(count)
            due = time.monotonic() + LONGEST

        together = TOGETHER if listing is None else MOST
        outcomes = ask_all(
            client,
            taken(),
            terms,
            advance=advance,
            together=together,
            many=ask_digests,
            enough=(lambda: time.monotonic() > due) if listing is None else None,
        )
        run.show(run.with_inputs(outcomes, waiting, inputs), lines)
    if lines is not None or listing is not None or _are_many(files):
        run.tally.show("matched")
    if run.error is not None:
        run.error.told = lines is None and (form.json or form.ndjson)
        raise run.error
    return run.tally.worst


def _check_sources(
    files: tuple[str, ...], listing: str | None, kind: str | None
) -> None:
    if bool(files) == (listing is not None):
        raise misused(Phrase("give files and folders, or --list, not both"))
    if kind is not None and listing is None:
        raise misused(Phrase("--kind is about bare digests of a --list"))


def _file(found: FileDigests, subject_ref: str | None, *, own: bool) -> _Input:
    """Ask about a file, as of an account or as one of its *own*.

    A match counts once for each account and day (P21). Of a file that nobody says
    whose it is the node would count every question; people name none unasked, since
    each account that they name is an event of its own.
    """
    if subject_ref is None and own and found.mark is not None:
        subject_ref = f"file-{found.mark}"
    asked: Account | Fault = Account(found.questions(), subject_ref)
    if found.fault is not None:
        asked = found.fault
    elif found.size == 0:
        asked = Fault("empty", Phrase("the file is empty"))
    ref = found.ref
    return _Input(ref.named(), printable(ref.path), asked, found.picture)


def _listed(each: Listed) -> _Input:
    beside = f" ({printable(each.name)})" if each.name else ""
    return _Input(each.named(), f"{each.line}{beside}", each.asked, each.picture)


@dataclass(slots=True)
class _Run:
    """How outcomes are shown, and what they come to."""

    form: Form
    tally: "_Tally"
    error: CliError | None = None

    def still(self, ref: FileRef) -> FileRef:
        """Hash no file any more once the run has ended."""
        return ref if self.error is None else replace(ref, fault=_ENDED)

    def with_inputs(
        self,
        outcomes: Iterator[Outcome],
        waiting: "deque[_Input]",
        rest: Iterable[_Input],
    ) -> Iterator[tuple[_Input, Outcome]]:
        """Give each outcome its input; those that are left say that they have none."""
        try:
            for outcome in outcomes:
                each = waiting.popleft()
                if isinstance(outcome, Answer) and each.picture is not None:
                    unread = {"picture_unread": each.picture.document()}
                    yield each, Answer(outcome.body | unread)
                else:
                    yield each, outcome
        except CliError as error:
            self.error = error  # a node that vanishes takes no answer with it
            for each in rest:
                yield each, unanswered(Account(()), error)

    def show(
        self, outcomes: Iterator[tuple[_Input, Outcome]], lines: AnswerFile | None
    ) -> None:
        """Print outcomes as they come, or write those that are answers."""
        if lines is not None:
            self._write(outcomes, lines)
            return
        kept: list[dict[str, Any]] = []
        for position, (each, outcome) in enumerate(outcomes):
            self._count(outcome)
            if self.form.ndjson:
                document(entry(position, outcome) | each.named, compact=True)
            elif self.form.json:
                kept.append(entry(position, outcome) | each.named)
            else:
                show(each.shown, outcome, self.form)
                _note_picture(each.shown, each.picture, self.tally.settings)
        if self.form.json:
            status = self.tally.worst if self.error is None else self.error.status
            document({"exit_status": int(status), "answers": kept})

    def _count(self, outcome: Outcome) -> None:
        is_blind = isinstance(outcome, Answer) and _is_blind(outcome.body)
        self.tally.count(outcome.status, blind=is_blind)

    def _write(
        self, outcomes: Iterator[tuple[_Input, Outcome]], lines: AnswerFile
    ) -> None:
        for each, outcome in outcomes:
            if self.error is not None:
                return
            if outcome.status is ExitStatus.DEFERRED:
                said = words("ask_again", language=self.form.language)
                self.error = _UnfinishedError(outcome.status, said)
            elif isinstance(outcome, Refusal) and outcome.status not in _FINAL:
                self.error = _UnfinishedError(
                    outcome.status, outcome.fault.said(self.form.language)
                )
            else:
                self._count(outcome)
                lines.write(entry(lines.count, outcome) | each.named)


class _UnfinishedError(CliError):
    """The node answers no more for now; what it has answered is written."""

    code = "unfinished"

    def __init__(self, status: ExitStatus, why: str) -> None:
        super().__init__(why, Phrase("repeat the command with --resume"))
        self.status = status


def _is_blind(told: dict[str, Any]) -> bool:
    return "picture_unread" in told


def _status_before(told: dict[str, Any]) -> ExitStatus:
    return ExitStatus.BAD_INPUT if "problem" in told else Answer(told).status


class _Tally:
    """How many inputs came to what."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._counts: Counter[ExitStatus] = Counter()
        self._blind: Counter[ExitStatus] = Counter()

    def count(self, status: ExitStatus, *, blind: bool = False) -> None:
        """Count one; a *blind* one is a picture, and its bytes alone were compared."""
        self._counts[status] += 1
        if blind:
            self._blind[status] += 1

    @property
    def worst(self) -> ExitStatus:
        """The status of the most serious."""
        return worst(self._counts)

    def show(self, what: str) -> None:
        """Sum up what was done, beside the results."""
        counts = self._counts
        review = counts[ExitStatus.MATCH] + counts[ExitStatus.FLOOD]
        said = {
            "total": counts.total(),
            "review": review,
            "bad": counts[ExitStatus.BAD_INPUT] - self._blind[ExitStatus.BAD_INPUT],
            "blind": self._blind.total(),
            "open": counts.total()
            - review
            - counts[ExitStatus.BAD_INPUT]
            - counts[ExitStatus.NO_SIGNAL],
        }
        shown = {name: grouped(count, self.settings) for name, count in said.items()}
        language = self.settings.language
        blind = words("blind", language=language, **shown) if said["blind"] else ""
        note(words(what, language=language, **shown) + blind)


def _are_many(paths: Iterable[str]) -> bool:
    return any("\0" not in path and os.path.isdir(path) for path in paths)  # noqa: PTH112


def _before(lines: AnswerFile | None) -> Iterator[dict[str, Any]]:
    return iter(()) if lines is None else lines.answers()


def _left(inputs: Iterable[T], lines: AnswerFile | None) -> Iterator[T]:
    """Leave out what has its answer already, and the file of answers itself."""
    for each in inputs:
        if lines is not None:
            is_own = isinstance(each, FileRef) and lines.is_at(each.path)
            if is_own or lines.has(each.named()):
                continue
        yield each


@contextmanager
def _lines(
    output: str | None,
    asked: dict[str, object] | None,
    *,
    resume: bool,
    language: str,
) -> Iterator[AnswerFile | None]:
    if output is None:
        if resume:
            raise misused(Phrase("--resume goes on with the file of --output"))
        yield None
        return
    with AnswerFile.opened(output, asked, resume=resume) as lines:
        try:
            yield lines
        except KeyboardInterrupt:
            lines.keep()
            note(words("interrupted", language=language, count=lines.count))
            raise
        lines.keep()


class _Progress:
    """Shows how many are done, where results do not go to the same terminal."""

    def __init__(self, bar: CopyingBar | None) -> None:
        self._bar = bar
        self._read = self._done = 0

    def read(self) -> None:
        """Show that one more is hashed, long before the first are answered."""
        self._read += 1
        if self._bar is not None:
            self._bar.advance(f"{self._read:,} > {self._done:,}", 0)

    def advance(self, count: int) -> None:
        """Show that so many more are done."""
        self._done += count
        if self._bar is not None:
            read = f"{self._read:,} > " if self._read else ""
            self._bar.advance(f"{read}{self._done:,}", count)


@contextmanager
def _progress(
    output: str | None, files: Iterable[str], lines: AnswerFile | None
) -> Iterator[_Progress]:
    if not sys.stderr.isatty() or (output is None and not wanted()):
        yield _Progress(None)
        return
    bar = CopyingBar(time.monotonic)
    total = sum(1 for _ in files_of(files))
    if lines is not None:
        total = max(total - lines.count, 0)
    bar.begin("", total or None)
    try:
        yield _Progress(bar)
    finally:
        bar.stop()
