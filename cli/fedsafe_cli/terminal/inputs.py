# SPDX-License-Identifier: Apache-2.0
"""From arguments and lines to questions, each checked for its form.

A line that is too long, not UTF-8 or out of form becomes a `Fault` at its
position and nothing else is lost; memory holds one bounded line at a time. Of an
account's values those that cannot be read are left out and named, and the others are
asked about. What
a value means is the node's business: here only its form is looked at, so that one
bad line does not make the node refuse a whole batch.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from fedsafe_cli.terminal.errors import (
    BadInputError,
)
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind

STDIN: Final = "-"
KINDS: Final = tuple(kind.name.lower() for kind in (*IdentifierKind, *MediaKind))
LONGEST_VALUE: Final = 4_096
LONGEST_LINE: Final = 4 * LONGEST_VALUE
LONGEST_RECORD: Final = 16 * LONGEST_LINE
MOST_QUESTIONS: Final = 16
OUT_OF_FORM: Final = Phrase(
    "the subject_ref is out of form: letters, digits and . _ : -, 128 at most, such as "
    "acc-4711 or shop/acc-4711"
)
SUBJECT_REF: Final = re.compile(
    r"^(?:[a-z][a-z0-9._-]{0,31}/)?[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
)
REGION: Final = re.compile(r"^[A-Z]{2}$")
NAMESPACE: Final = re.compile(r"^[a-z0-9][a-z0-9.-]{0,62}$")
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_DOTTED: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ ,].*)?")
_OF_VALUE: Final = frozenset(
    {"empty", "encoding", "kind_twice", "not_bare", "nul", "too_long"}
)
"""Faults of what somebody typed; any other is the program's, or the operator's."""
_ANY_LETTERS: Final = frozenset({"username", "device", "payment"})
"""Kinds whose values may well begin with the word and a colon."""
_PART: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"

Question = dict[str, str]
"""A question as the API writes it: kind, value and perhaps region, namespace."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an input could not be asked about; never what it was.

    `field` is the field of the record that is at fault, where there is one, and `kind`
    that of the value. `known` are the words that it might be.
    """

    code: str
    detail: str | Phrase
    field: str | None = None
    kind: str | None = None
    known: tuple[str, ...] = ()

    def said(self, language: str) -> str:
        """Say why in a language, or in English where nobody has put it in that."""
        words = self.detail
        return words.said(language) if isinstance(words, Phrase) else words

    def document(self) -> dict[str, object]:
        """Say it as programs read it."""
        place = {} if self.field is None else {"field": self.field}
        known = {"known": list(self.known)} if self.known else {}
        return {"code": self.code, **place, "detail": str(self.detail), **known}


def field_of(pointer: str | None, *, lone: bool = False) -> str | None:
    """Name the field of a record that a pointer into a request leads to.

    A record of many (`/signals/4`, `/lookups/4`) is named by its line already. What
    a signal is `about` stands beside its other fields, and a *lone* question is the
    record itself.
    """
    steps = (pointer or "").split("/")[1:]
    if steps[:1] in (["signals"], ["lookups"]):
        del steps[:2]
    if steps[:1] == ["about"]:
        del steps[:1]
    if lone and steps[:2] == ["questions", "0"]:
        del steps[:2]
    return "/".join(steps) or None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A question that is not asked, by its `place` among those of its account."""

    place: int
    fault: Fault
    kind: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """The questions about one account; those that cannot be read stand apart."""

    questions: tuple[Question, ...]
    subject_ref: str | None = None
    unreadable: tuple[Unreadable, ...] = ()

    def __repr__(self) -> str:
        """Show how many questions, never their values."""
        return f"Account({len(self.questions)} questions)"

    @property
    def lone(self) -> bool:
        """Whether there is only one question."""
        return len(self.questions) + len(self.unreadable) == 1

    def places(self) -> list[int]:
        """Give the place of each question among all that the account came with."""
        count = len(self.questions) + len(self.unreadable)
        left_out = {each.place for each in self.unreadable}
        return [place for place in range(count) if place not in left_out]

    def body(self) -> dict[str, object]:
        """Return the account as the API's `Subject`."""
        body: dict[str, object] = {"questions": list(self.questions)}
        if self.subject_ref is not None:
            body["subject_ref"] = self.subject_ref
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the options say of every value."""

    kind: str | None = None
    region: str | None = None
    namespace: str | None = None


class FormError(ValueError):
    """A value is out of form; carries the fault."""

    def __init__(
        self,
        code: str,
        detail: str | Phrase,
        field: str | None = None,
        kind: str | None = None,
        *,
        known: tuple[str, ...] = (),
    ) -> None:
        super().__init__(str(detail))
        self.fault = Fault(code, detail, field, kind, known)


def read_lines(stream: BinaryIO, most: int = LONGEST_LINE) -> Iterator[bytes | Fault]:
    """Yield each line without its end; a line that is too long as a fault."""
    first = True
    while line := stream.readline(most + 2):
        if first:
            line = line.removeprefix(_BOM)
            first = False
        whole = line.endswith(b"\n")
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        if len(line) > most:
            if not whole:
                _skip_line(stream)
            yield Fault(
                "too_long",
                Phrase("the line is longer than {most} bytes").filled(most=most),
            )
        else:
            yield line


def _skip_line(stream: BinaryIO) -> None:
    while part := stream.readline(_PART):
        if part.endswith(b"\n"):
            return


def from_lines(
    lines: Iterable[bytes | Fault], hints: Hints
) -> Iterator[Account | Fault]:
    """Turn each line into an account with one question."""
    for line in lines:
        if isinstance(line, Fault):
            yield line
            continue
        try:
            yield Account((question(decode(line), hints),))
        except FormError as error:
            yield error.fault


def from_arguments(
    arguments: Iterable[str], hints: Hints, subject_ref: str | None
) -> Iterator[Account | Fault]:
    """Turn arguments into accounts; with a `subject_ref` they all are one account's."""
    found: list[Account | Fault] = []
    for argument in arguments:
        try:
            found.append(Account((question(_whole(argument), hints),)))
        except FormError as error:
            found.append(error.fault)
    if subject_ref is None:
        yield from found
        return
    yield together(found, hints, subject_ref)


def together(
    items: Iterable[Account | Fault], hints: Hints, subject_ref: str | None
) -> Account | Fault:
    """Make one account of all values; what one of them is hides none of the others."""
    found = [
        Unreadable(place, item, item.kind or hints.kind)
        if isinstance(item, Fault)
        else item.questions[0]
        for place, item in enumerate(items)
    ]
    return one_account(found, subject_ref)


def one_account(
    found: Iterable["Question | Unreadable"], subject_ref: str | None
) -> Account | Fault:
    """Return the account, or what is wrong with it as a whole."""
    items = list(found)
    unreadable = tuple(item for item in items if isinstance(item, Unreadable))
    questions = [item for item in items if not isinstance(item, Unreadable)]
    for item in unreadable:
        if not questions or item.fault.code not in _OF_VALUE:
            return item.fault
    if not 1 <= len(items) <= MOST_QUESTIONS:
        return Fault(
            "questions",
            Phrase("an account takes 1 to {most} questions").filled(
                most=MOST_QUESTIONS
            ),
            "questions",
        )
    if subject_ref is not None and SUBJECT_REF.fullmatch(subject_ref) is None:
        return Fault("subject_ref", OUT_OF_FORM, "subject_ref")
    return Account(tuple(questions), subject_ref, unreadable)


def from_records(
    lines: Iterable[bytes | Fault], hints: Hints
) -> Iterator[Account | Fault]:
    """Turn NDJSON into accounts.

    A record is a question (`kind`, `value`, …) or holds `questions`; either may
    hold a `subject_ref`.
    """
    for line in lines:
        if isinstance(line, Fault):
            yield line
            continue
        try:
            yield _account(record(line), hints)
        except FormError as error:
            yield error.fault


def record(line: bytes) -> dict[str, object]:
    """Decode one NDJSON line.

    Raises:
        FormError: it is no UTF-8, no JSON or no object.
    """
    try:
        document = json.loads(decode(line))
    except (ValueError, RecursionError) as error:
        if isinstance(error, FormError):
            raise
        raise FormError("not_json", Phrase("the line is no JSON")) from None
    if not isinstance(document, dict):
        raise FormError("not_json", Phrase("the line is no JSON object"))
    return document


def _account(document: dict[str, object], hints: Hints) -> Account | Fault:
    reference = document.pop("subject_ref", None)
    if reference is not None and not isinstance(reference, str):
        raise FormError("subject_ref", OUT_OF_FORM, "subject_ref")
    nested = document.pop("questions", None)
    if nested is None:
        return one_account([as_question(document, hints)], reference)
    if document:
        raise FormError(
            "unknown_field", Phrase("beside questions only subject_ref may stand")
        )
    if not isinstance(nested, list):
        raise FormError("questions", Phrase("questions is no list"), "questions")
    found = [_entry(place, entry, hints) for place, entry in enumerate(nested)]
    return one_account(found, reference)


def _entry(place: int, document: object, hints: Hints) -> "Question | Unreadable":
    try:
        return as_question(document, hints)
    except FormError as error:
        return Unreadable(place, error.fault, error.fault.kind)


def as_question(document: object, hints: Hints) -> Question:
    """Check a question that came as JSON.

    Raises:
        FormError: it is out of form.
    """
    if not isinstance(document, dict):
        raise FormError("question", Phrase("a question is an object"))
    if not document.keys() <= {"kind", "value", "region", "namespace"}:
        raise FormError(
            "unknown_field", Phrase("a question has kind, value, region, namespace")
        )
    texts = {name: entry for name, entry in document.items() if entry is not None}
    if not all(isinstance(entry, str) for entry in texts.values()):
        raise FormError("question", Phrase("the fields of a question are texts"))
    kind = texts.get("kind", hints.kind)
    return _checked(
        kind,
        texts.get("value", ""),
        texts.get("region", hints.region),
        texts.get("namespace", hints.namespace),
    )


def question(text: str, hints: Hints) -> Question:
    """Read a value of the given kind, or `KIND:VALUE` where none is given.

    Raises:
        FormError: it is out of form.
    """
    if hints.kind is not None:
        return _checked(hints.kind, text, hints.region, hints.namespace)
    kind, colon, value = text.partition(":")
    if not colon:
        raise FormError("kind", Phrase("want KIND:VALUE, or --kind KIND"))
    return _checked(kind.lower(), value, hints.region, hints.namespace)


def _checked(
    kind: str | None, value: str, region: str | None, namespace: str | None
) -> Question:
    if kind is None or kind not in KINDS:
        raise FormError(
            "kind",
            Phrase("the kind is none of {kinds}").filled(kinds=", ".join(KINDS)),
            "kind",
        )
    try:
        _check_value(kind, value)
    except FormError as error:
        fault = error.fault
        raise FormError(fault.code, fault.detail, fault.field, kind) from None
    found: Question = {"kind": kind, "value": value}
    if region is not None and kind == "phone":
        if REGION.fullmatch(region) is None:
            raise FormError(
                "region", Phrase("a region is two capital letters"), "region"
            )
        found["region"] = region
    if namespace is not None and kind in {"username", "device"}:
        if NAMESPACE.fullmatch(namespace) is None:
            raise FormError(
                "namespace", Phrase("the namespace is out of form"), "namespace"
            )
        found["namespace"] = namespace
    return found


def _check_value(kind: str, value: str) -> None:
    if not value.strip():
        raise FormError("empty", Phrase("there is no value"), "value")
    if len(value) > LONGEST_VALUE:
        detail = Phrase("a value has at most {most} characters").filled(
            most=LONGEST_VALUE
        )
        raise FormError("too_long", detail, "value")
    _whole(value)
    _bare(kind, value.strip())


def _bare(kind: str, value: str) -> None:
    """Spare people the riddle of what a node finds wrong with these."""
    if kind not in _ANY_LETTERS and value.lower().startswith(f"{kind}:"):
        detail = Phrase(
            "the kind stands before the value, and is given already; leave it out"
        )
        raise FormError("kind_twice", detail, "value")
    if kind == "email" and "<" in value and value.endswith(">"):
        detail = Phrase("give the bare address, without name and angle brackets")
        raise FormError("not_bare", detail, "value")


def decode(line: bytes) -> str:
    """Decode a line.

    Raises:
        FormError: it is not UTF-8, or holds a NUL.
    """
    try:
        return _whole(line.decode())
    except UnicodeDecodeError:
        raise FormError("encoding", Phrase("the line is not UTF-8")) from None


def _whole(text: str) -> str:
    if "\0" in text:
        raise FormError("nul", Phrase("a NUL byte is in it"))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormError("encoding", Phrase("it is not UTF-8")) from None
    return text


def read_day(text: str) -> str | None:
    """Read a day in one of the forms known, a time behind it left out."""
    if found := _ISO.fullmatch(text):
        year, month, day = found.groups()
    elif found := _DOTTED.fullmatch(text):
        day, month, year = found.groups()
    else:
        return None
    return f"{year}-{int(month):02}-{int(day):02}"


@contextmanager
def opened(path: str | None) -> Iterator[BinaryIO]:
    """Open a file of input, or standard input where none is named.

    Raises:
        BadInputError: it cannot be opened.
    """
    if path is None or path == STDIN:
        if sys.stdin is None or sys.stdin.closed:
            raise BadInputError(Phrase("standard input is closed"))
        if sys.stdin.isatty():
            sys.stderr.write("one value a line, Ctrl-D ends:\n")
        yield sys.stdin.buffer
        return
    try:
        stream = open(path, "rb")  # noqa: SIM115, PTH123 (closed below; pathlib is slow)
    except OSError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(path), why=reason_of(error))
        ) from None
    with stream:
        yield stream
