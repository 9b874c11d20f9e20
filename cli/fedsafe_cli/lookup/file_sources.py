# SPDX-License-Identifier: Apache-2.0
"""What a run is about: files, folders, and lists of digests that others made."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import BinaryIO, Final

from fedsafe_cli.lookup.file_digests import (
    FOLDER,
    FileRef,
    Within,
    fault_of,
    identity_of,
    open_below,
)
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.inputs import (
    LONGEST_RECORD,
    OUT_OF_FORM,
    SUBJECT_REF,
    Account,
    Fault,
    FormError,
    decode,
    read_lines,
    record,
)
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import MediaKind

DIGITS: Final = {
    **{kind.name.lower(): 64 for kind in MediaKind},
    "sha1": 40,
    "md5": 32,
}
TURNED: Final = "pdq_turned"
_BY_LENGTH: Final = {40: "sha1", 32: "md5"}
_TURNED_DIGITS: Final = 512
_SUMS: Final = re.compile(r"\\?([0-9A-Fa-f]+)(?:[ \t]+\*?(.*))?")
_TAGGED: Final = re.compile(r"\\?([A-Za-z0-9-]+) \((.*)\) = ([0-9A-Fa-f]+)")
_NAMES: Final = frozenset({"file", "name", "path", "filename"})
_SEPARATORS: Final = (",", ";", "\t")


def files_of(paths: Iterable[str]) -> Iterator[FileRef]:
    """Yield files, and those in folders and their folders, as they are found.

    Links in a folder are named and not followed, and so are pipes and devices; nor is
    a link that takes the place of a folder meanwhile. One folder is read at a time, and
    its files are not held.
    """
    for path in paths:
        if "\0" not in path and os.path.isdir(path):  # noqa: PTH112 (pathlib is slow)
            yield from _in_folders(path)
        else:
            yield FileRef(path)


def _in_folders(top: str) -> Iterator[FileRef]:
    try:
        descriptor = os.open(top, FOLDER)
    except OSError as error:
        yield FileRef(top, fault=fault_of(error, found=False))
        return
    try:
        yield from _below(top, descriptor)
    finally:
        os.close(descriptor)


def _below(top: str, descriptor: int) -> Iterator[FileRef]:
    identity, waiting = identity_of(descriptor), list[tuple[str, ...]]([()])
    while waiting:
        folder = waiting.pop()
        try:
            opened = open_below(descriptor, (*folder, "."), FOLDER)
        except OSError as error:
            path = os.path.join(top, *folder)  # noqa: PTH118 (pathlib is slow)
            yield FileRef(path, fault=fault_of(error, found=True))
            continue
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    names = (*folder, entry.name)
                    path = os.path.join(top, *names)  # noqa: PTH118
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(names)
                    elif entry.is_file(follow_symlinks=False):
                        yield FileRef(path, Within(top, identity, names))
                    else:
                        is_link, link = entry.is_symlink(), Phrase("is a link")
                        other = Phrase("is no regular file")
                        fault = Fault("no_file", link if is_link else other)
                        yield FileRef(path, fault=fault)
        except OSError as error:
            path = os.path.join(top, *folder)  # noqa: PTH118
            yield FileRef(path, fault=fault_of(error, found=True))
        finally:
            os.close(opened)


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of a list, its file's name if it has one, and what it asks or lacks."""

    line: int
    asked: Account | Fault
    name: str | None = None
    picture: Fault | None = None
    """Why its picture has no PDQ, as `fedsafe hash` said."""

    def named(self) -> dict[str, object]:
        """Name it as programs read it; `input` tells its question from others."""
        beside = {} if self.name is None else {"name": self.name}
        return {"line": self.line, **beside, "input": self._input()}

    def _input(self) -> str:
        asked = self.asked
        said = asked.body() if isinstance(asked, Account) else asked.code
        text = json.dumps(said, sort_keys=True).encode()
        return blake2b(text, digest_size=8).hexdigest()


def digests_in(
    stream: BinaryIO, kind: str | None, subject_ref: str | None = None
) -> Iterator[Listed]:
    """Read a list of digests, whatever form it has, a line at a time.

    NDJSON and text as `fedsafe hash` prints them, what `sha256sum`, `sha1sum` and
    `md5sum` print, plain or tagged, bare digests, and CSV whose head names the kinds.
    A bare digest is of *kind*, or of that which its length tells. 64 digits beside a
    file's name are SHA-256, as `sha256sum` prints them; bare ones tell no kind. A line
    that names no account is about *subject_ref*. What `fedsafe hash` says of a file on
    several lines of text is one input, named by the first of them.

    Raises:
        BadInputError: a head of CSV names no kind of digest, or a list begins with a
            digest that may be of several kinds.
    """
    waiting: tuple[int, _Line] | None = None
    for number, found in _lines_in(stream, kind):
        if waiting is not None and isinstance(found, _Line):
            together = _joined(waiting[1], found)
            if together is not None:
                waiting = waiting[0], together
                continue
        if waiting is not None:
            yield _listed(*waiting, subject_ref)
            waiting = None
        if isinstance(found, Fault):
            yield Listed(number, found)
        elif found.of_file:
            waiting = number, found
        else:
            yield _listed(number, found, subject_ref)
    if waiting is not None:
        yield _listed(*waiting, subject_ref)


def _listed(number: int, found: "_Line", subject_ref: str | None) -> Listed:
    values = found.digests
    if TURNED in values:  # the digest as it lies is one of the eight
        values = {**values, "pdq": values[TURNED]}
        del values[TURNED]
    questions = tuple({"kind": kind, "value": each} for kind, each in values.items())
    asked = Account(questions, found.subject_ref or subject_ref)
    return Listed(number, asked, found.name, found.picture)


def _joined(first: "_Line", other: "_Line") -> "_Line | None":
    """Join two lines about one file; None if they are about two."""
    if not (first.of_file and other.of_file and first.name == other.name):
        return None
    if first.digests.keys() & other.digests.keys():
        return None
    return replace(first, digests=first.digests | other.digests)


def _lines_in(
    stream: BinaryIO, kind: str | None
) -> Iterator[tuple[int, "_Line | Fault"]]:
    head: list[str] | None = None
    separator = ","
    first = True
    for number, line in enumerate(read_lines(stream, LONGEST_RECORD), start=1):
        if isinstance(line, Fault):
            yield number, line
            continue
        try:
            text = decode(line).strip()
            if not text or text.startswith("#"):
                continue
            if first:
                first = False
                head, separator = _head(text)
                if head is not None:
                    continue
                if kind is None and _is_of_many_kinds(text):
                    raise BadInputError(_MANY_KINDS, _SAY_KIND)
            if head is not None:
                found = _row(text, head, separator)
            else:
                found = _digests(line, text, kind)
            _check(found.digests)
            yield number, found
        except FormError as error:
            yield number, error.fault


@dataclass(frozen=True, slots=True)
class _Line:
    """What a line says: digests by kind, and perhaps whose they are."""

    name: str | None
    digests: dict[str, str]
    picture: Fault | None = None
    subject_ref: str | None = None
    of_file: bool = False
    """Whether it is text of `fedsafe hash`, which has a line for each digest."""


def _head(text: str) -> tuple[list[str] | None, str]:
    """Read the head of CSV, if that is what the first line is.

    A line with a digest never is one, whatever the file beside it is called.
    """
    if text.startswith("{") or _begins_with_digest(text):
        return None, ","
    separator = max(_SEPARATORS, key=text.count)
    names = [cell.strip().strip('"').lower() for cell in text.split(separator)]
    if any(name in DIGITS or name == "kind" for name in names):
        return names, separator
    if separator == "," and len(names) > 1:
        known = ", ".join(DIGITS)
        raise BadInputError(
            Phrase("the head of the list names no kind of digest"),
            Phrase(
                "name its columns: {known}, or kind and value; beside them file"
            ).filled(known=known),
        )
    return None, ","


def _begins_with_digest(text: str) -> bool:
    if found := _TAGGED.fullmatch(text):
        return found[1].replace("-", "").lower() in DIGITS
    if found := _SUMS.fullmatch(text):
        return len(found[1]) in DIGITS.values()
    word, colon, rest = text.partition(":")
    digest = rest.partition(" ")[0]
    return bool(colon) and word.lower() in {*DIGITS, TURNED} and _is_digits(digest)


def _is_digits(text: str) -> bool:
    return bool(text) and set(text) <= _HEXADECIMAL


def _row(text: str, head: list[str], separator: str) -> _Line:
    import csv  # noqa: PLC0415 (only such a list needs it)

    try:
        (cells,) = csv.reader([text], delimiter=separator)
    except (csv.Error, ValueError):
        raise FormError("not_csv", Phrase("the line is no row of CSV")) from None
    if len(cells) != len(head):
        raise FormError(
            "not_csv",
            Phrase("{cells} cells below a head of {head}").filled(
                cells=len(cells), head=len(head)
            ),
        )
    row = {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
    return _of_texts(row)


def _of_record(row: Mapping[str, object]) -> _Line:
    texts = {key: value for key, value in row.items() if isinstance(value, str)}
    unread = row.get("picture_unread")
    code = unread.get("code") if isinstance(unread, dict) else None
    detail = unread.get("detail") if isinstance(unread, dict) else None
    picture = None
    if isinstance(code, str) and isinstance(detail, str):
        picture = Fault(printable(code), printable(detail))
    return _of_texts(texts, picture)


def _of_texts(row: Mapping[str, str], picture: Fault | None = None) -> _Line:
    name = next((row[key] for key in _NAMES if row.get(key)), None)
    digests = {kind: row[kind] for kind in DIGITS if row.get(kind)}
    if row.get("kind"):
        digests[row["kind"].lower()] = row.get("value") or row.get("digest") or ""
    if row.get(TURNED):
        digests.pop("pdq", None)
        digests[TURNED] = row[TURNED]
    reference = row.get("subject_ref") or None
    if reference is not None and not SUBJECT_REF.fullmatch(reference):
        raise FormError("subject_ref", OUT_OF_FORM, "subject_ref")
    return _Line(name, digests, picture, reference)


def _digests(line: bytes, text: str, kind: str | None) -> _Line:
    if text.startswith("{"):
        return _of_record(record(line))
    if found := _TAGGED.fullmatch(text):
        named, name, digest = found.groups()
        return _Line(name, {named.replace("-", "").lower(): digest})
    word, colon, rest = text.partition(":")
    if colon and word.lower() in {*DIGITS, TURNED}:
        digest, _, name = rest.partition(" ")
        named = name.strip() or None
        return _Line(named, {word.lower(): digest}, of_file=named is not None)
    found = _SUMS.fullmatch(text)
    if found is None:
        raise FormError("no_digest", Phrase("the line is no digest that is known here"))
    digest, name = found.groups()
    of = kind or _BY_LENGTH.get(len(digest))
    if of is None and len(digest) == DIGITS["sha256"]:
        if not name:
            raise FormError("no_kind", _MANY_KINDS, "kind")
        of = "sha256"  # as sha256sum prints it
    if of is None:
        raise FormError(
            "no_digest", Phrase("no kind of digest has this length; say --kind")
        )
    return _Line(name or None, {of: digest})


def _is_of_many_kinds(text: str) -> bool:
    return len(text) == DIGITS["sha256"] and set(text) <= _HEXADECIMAL


_MANY_KINDS: Final = Phrase("64 hexadecimal digits alone may be SHA-256, BLAKE3 or PDQ")
_SAY_KIND: Final = Phrase("say which by --kind, or write KIND:DIGEST")


def _check(digests: Mapping[str, str]) -> None:
    if not digests:
        raise FormError("no_digest", Phrase("the line has no digest"))
    for kind, digest in digests.items():
        if kind not in DIGITS and kind != TURNED:
            raise FormError(
                "kind",
                Phrase("the kind is none of {kinds}").filled(kinds=", ".join(DIGITS)),
                "kind",
            )
        digits = DIGITS.get(kind, _TURNED_DIGITS)
        lengths = {digits, _TURNED_DIGITS if kind == "pdq" else digits}
        if len(digest) not in lengths or not set(digest) <= _HEXADECIMAL:
            detail = Phrase("a {kind} digest is {digits} hexadecimal digits").filled(
                kind=kind, digits=digits
            )
            raise FormError("bad_digest", detail, kind)


_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")
