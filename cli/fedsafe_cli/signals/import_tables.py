# SPDX-License-Identifier: Apache-2.0
"""CSV: from the rows of a table to the records of an import.

Which column is which field, `--map FIELD=COLUMN` says; a header of our own field names,
or of the usual words for them, needs none. Each identifier of a row is a signal of its
own; a row without one, as of a deleted account, names nobody and is counted. Nothing
here says what stands in a cell: names of columns are shown, and only where they look
like a header.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader, BytesIO, TextIOWrapper
from typing import Any, BinaryIO, Final
from unicodedata import normalize

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.help_texts import misused
from fedsafe_cli.terminal.inputs import KINDS, Fault, read_day
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase, joined

FIELDS: Final = (
    *KINDS,
    *("kind", "value", "region", "namespace", "phenomenon", "surface", "grade"),
    *("rule", "removed_on", "scope", "provenance", "source", "detection"),
    *("findings", "legal_review", "minor", "subject_ref"),
)
_SEVERAL: Final = Phrase("several columns of the table may be {}: {}")
_WHICH: Final = Phrase(
    "say which column is which: --map email='E-Mail' --map removed_on='…'"
)
_ITS_COLUMNS: Final = Phrase("its columns: {}")
_NO_HEADER: Final = Phrase(
    "a table begins with a header, and its first line looks like none"
)
_NONE_SO: Final = Phrase("the table has no column of the name that {} gives: {}")
_SEVERAL_SO: Final = Phrase(
    "the table has several columns of the name that {} gives: {}"
)
ENCODINGS: Final = ("utf-8", "cp1252")
SEPARATORS: Final = ",;\t"
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("mail", "emailaddress", "mailaddress", "emailadresse", "mailadresse"),
    "phone": ("telefon", "telephone", "telefonnummer", "phonenumber", "mobile"),
    "username": ("user", "nick", "nickname", "benutzername", "benutzer", "login"),
    "ip": ("ipaddress", "ipadresse"),
    "region": ("country", "land", "countrycode"),
    "removed_on": ("bannedon", "banned", "bannedat", "gesperrtam", "gesperrt"),
    "minor": ("minderjährig", "minderjaehrig"),
}
_CODED: Final = (
    *("phenomenon", "surface", "grade"),
    *("provenance", "source", "detection"),
)
_USUAL: Final = frozenset(
    {"id", "userid", "nr", "name", "date", "datum", "reason", "grund", "status"}
    | {"created", "createdat", "joined", "registriert", "bemerkung", "comment"}
)
"""Names of columns that tell a header, though they are no fields of ours."""
_YES: Final = frozenset({"1", "true", "yes", "y", "ja", "j", "wahr", "x"})
_NO: Final = frozenset({"", "0", "false", "no", "n", "nein", "falsch"})
_LISTED: Final = re.compile(r"[\s,;|]+")
_LOOKS_LIKE_A_NAME: Final = re.compile(r"[^\W\d_][\w .()/-]{0,39}")
_MOST_DIGITS: Final = 3
_FIRST_BYTES: Final = 64 * 1024
_PART: Final = 1 << 20
_LONGEST_CELL: Final = 16 * 1024
_MOST_LINES: Final = 100
"""So many lines a row may take, by line breaks within quotation marks."""
_MOST_HELD: Final = 256 << 20
_MANY_SEPARATORS: Final = 3
"""More semicolons or tabs than a sentence has."""
_SAID_SEPARATOR: Final = re.compile(rb'"?sep=([,;\t])"?', re.IGNORECASE)
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """What one identifier of a row says, or why it says nothing.

    `found` is a record, a fault, or nothing where the row names nobody, or is not
    *chosen*; `column` is the column that the identifier stands in.
    """

    number: int
    found: dict[str, object] | Fault | None
    column: str | None = None
    chosen: bool = True

    def __repr__(self) -> str:
        """Show the line, never a value."""
        return f"Row({self.number})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the options say of a table: columns, encoding, rows to take, and words.

    `where` has the values by column of which a row has one; `words` by column and the
    provider's word what it is called here.
    """

    columns: Mapping[str, str]
    encoding: str | None
    where: Mapping[str, Sequence[str]]
    words: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is read: its separator, its encoding, and its columns by field."""

    separator: str
    encoding: str
    columns: Mapping[str, int]
    header: Sequence[str]
    where: Mapping[int, frozenset[str]]
    words: Mapping[int, Mapping[str, str]]
    behind: int = 1
    """Behind so many lines the rows begin."""

    @property
    def left_out(self) -> Sequence[str]:
        """The columns that nobody asked for."""
        used = {*self.columns.values(), *self.where}
        return [
            name for at, name in enumerate(self.header[: self.width]) if at not in used
        ]

    def tell_left_out(self) -> str:
        """Name these columns, if the header is one."""
        names = self.left_out
        if not names or not _is_header(self.header[: self.width]):
            return "" if not names else "…"
        return ", ".join(map(printable, names))

    def chooses(self, cells: Sequence[str]) -> bool:
        """Whether a row is one of those to take."""
        return all(_folded(cells[at]) in values for at, values in self.where.items())

    @property
    def width(self) -> int:
        """How many cells a row has; separators at the end of the header are none."""
        named = [at for at, name in enumerate(self.header) if name]
        return named[-1] + 1 if named else 0

    def told(self) -> str:
        """Say which column is which field, if the header is one."""
        pairs = (
            f"{field} = {printable(self.header[place])}"
            for field, place in self.columns.items()
        )
        return ", ".join(pairs)


def read_map(texts: Iterable[str]) -> dict[str, str]:
    """Read ``FIELD=COLUMN`` of options.

    Raises:
        UsageError: one has another form, or a field that there is not.
    """
    found: dict[str, str] = {}
    for text in texts:
        field, equals, column = text.partition("=")
        field = field.strip().lower().replace("-", "_")
        if not equals or not column.strip():
            raise misused(Phrase("want --map FIELD=COLUMN, such as email=E-Mail"))
        if field not in FIELDS:
            raise misused(
                Phrase("--map knows no such field; it is one of {fields}").filled(
                    fields=", ".join(FIELDS)
                )
            )
        if field in found:
            raise misused(Phrase("--map names {field} twice").filled(field=field))
        found[field] = column.strip()
    return found


def read_where(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read ``COLUMN=VALUE`` of options; several values of a column are alternatives.

    Raises:
        UsageError: one has another form.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        column, equals, value = text.partition("=")
        if not equals or not column.strip():
            raise misused(Phrase("want --where COLUMN=VALUE, such as Grund=Grooming"))
        found.setdefault(column.strip(), []).append(_folded(value))
    return found


def read_words(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read ``COLUMN:WORD=OURS`` of options.

    Raises:
        UsageError: one has another form, or a word is translated twice.
    """
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        left, _, ours = text.rpartition("=")
        column, _, word = (part.strip() for part in left.partition(":"))
        if not column or not word or not ours.strip():
            raise misused(
                Phrase(
                    "want --word COLUMN:WORD=OURS, such as 'Grund:Anbahnung=grooming'"
                )
            )
        known = found.setdefault(column, {})
        if known.setdefault(_folded(word), ours.strip()) != ours.strip():
            raise misused(Phrase("--word translates a word twice"))
    return found


def first_line(stream: BinaryIO) -> bytes:
    """Look at the first line of a stream that can be peeked into, and read nothing.

    A line that only says the separator (`sep=;`) is passed over.
    """
    return _first_lines(stream)[0]


def _first_lines(stream: BinaryIO) -> tuple[bytes, str | None]:
    """Look at the header, and at the separator that a line before it says."""
    peek: Any = getattr(stream, "peek", None)
    start: bytes = peek(_FIRST_BYTES) if peek is not None else b""
    if start.startswith(_WIDE):
        # The wide bytes of a header whose end is not seen yet are cut off.
        start = start.decode("utf-16", "ignore").encode()
    lines = [
        line.rstrip(b"\r")
        for line in start.removeprefix(codecs.BOM_UTF8).split(b"\n", 2)
    ]
    if len(lines) > 1 and (said := _SAID_SEPARATOR.fullmatch(lines[0])) is not None:
        return lines[1], said[1].decode()
    return lines[0], None


def cells_of(line: bytes) -> list[str]:
    """Cut a first line into the cells that its separator gives."""
    text = line.decode("utf-8", "replace")
    return next(csv.reader([text], delimiter=_separator(text)), [])


def fits(line: bytes) -> bool:
    """Whether a first line is a header by which identifiers are found without help."""
    cells = cells_of(line)
    known = _known(cells)
    return len(cells) > 1 and len(known) > 1 and _names_somebody(known)


def looks_like_a_header(line: bytes) -> bool:
    """Whether a first line may be a table's header: names in several columns."""
    return _is_header(cells_of(line))


def open_table(stream: BinaryIO, reading: Reading) -> Table:
    """Say how a table is to be read, by its first line.

    Raises:
        BadInputError: it has no header, or not that column, or names nobody.
    """
    line, said = _first_lines(stream)
    encoding = reading.encoding or "utf-8"
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        raise _not_utf8(1) from None
    if not text.strip():
        raise BadInputError(
            Phrase("the input is empty"), Phrase("give a header and a row each")
        )
    separator = said or _separator(text)
    header = [cell.strip() for cell in next(csv.reader([text], delimiter=separator))]
    columns = _known(header)
    _check_names(header, columns, reading)
    for field, name in reading.columns.items():
        columns = {each: at for each, at in columns.items() if each != field}
        columns[field] = _place(header, name, "--map")
    if not _names_somebody(columns):
        raise BadInputError(
            Phrase("no column of the table is known as an identifier"), way_out(line)
        )
    where: dict[int, frozenset[str]] = {}
    for name, values in reading.where.items():
        place = _place(header, name, "--where")
        where[place] = where.get(place, frozenset()).union(values)
    words: dict[int, dict[str, str]] = {}
    for name, each in reading.words.items():
        words.setdefault(_place(header, name, "--word"), {}).update(each)
    if not words.keys() <= set(columns.values()):
        raise BadInputError(
            Phrase("--word translates a column that no field is read from"),
            Phrase("say which field it is, such as --map phenomenon=COLUMN"),
        )
    behind = 1 if said is None else 2
    return Table(separator, encoding, columns, header, where, words, behind)


def _check_names(
    header: Sequence[str], known: Mapping[str, int], reading: Reading
) -> None:
    """Find two columns of one name, of which a field would be read.

    Raises:
        BadInputError: there are two, and no option says which one is meant.
    """
    if not _is_header([name for name in header if name]):
        return
    for field in FIELDS:
        found = [name for name in header if _means(name, field)]
        if field in {*known, *reading.columns} or len(found) <= 1:
            continue
        names = ", ".join(map(printable, found))
        raise BadInputError(
            _SEVERAL.filled(field, names),
            Phrase(
                "say which one: --map {}=COLUMN; of one name, rename one first"
            ).filled(field),
        )


def way_out(line: bytes) -> Phrase:
    """Say how a table is imported whose columns have names of their own."""
    cells = cells_of(line)
    names = ", ".join(printable(cell.strip()) for cell in cells)
    if _is_header(cells):
        return joined("; ", [_WHICH, _ITS_COLUMNS.filled(names)])
    return joined("; ", [_WHICH, _NO_HEADER])


def is_wide(stream: BinaryIO) -> bool:
    """Whether a stream that can be peeked into is UTF-16, by its byte order mark."""
    peek: Any = getattr(stream, "peek", None)
    return peek is not None and peek(2).startswith(_WIDE)


def hold(stream: BinaryIO) -> BinaryIO:
    """Read what comes through a pipe, so that it is checked before a row is sent.

    What is UTF-16 becomes UTF-8.

    Raises:
        BadInputError: it is larger than a table may be that is held in memory.
    """
    held = stream.read(_MOST_HELD + 1)
    if len(held) > _MOST_HELD:
        raise BadInputError(
            Phrase(
                "a table through a pipe, or in UTF-16, has at most {mib} MiB"
            ).filled(mib=_MOST_HELD >> 20),
            Phrase("give it as a file in UTF-8"),
        )
    if held.startswith(_WIDE):
        try:
            held = held.decode("utf-16").encode()
        except UnicodeError:
            raise BadInputError(
                Phrase("the table is UTF-16, and damaged"),
                Phrase("save it as CSV UTF-8"),
            ) from None
    return BufferedReader(BytesIO(held), _FIRST_BYTES)


def check_quotes(stream: BinaryIO, table: Table) -> None:
    """Find before anything is sent that a quotation mark has taken in rows.

    A cell in quotation marks may have line breaks. It has too many, or rows in it,
    where one mark was left open: then nobody knows which rows are lost.

    Raises:
        BadInputError: so it is.
    """
    csv.field_size_limit(_LONGEST_CELL)
    text = TextIOWrapper(stream, table.encoding, "surrogateescape", newline="")
    ended = False

    def lines() -> Iterator[str]:
        nonlocal ended
        for line in text:  # noqa: UP028 - whoever yields from a stream closes it
            yield line
        ended = True

    reader = csv.reader(lines(), delimiter=table.separator, strict=True)
    before = 0
    try:
        while True:
            cells: list[str] | None = []
            broken = False
            try:
                cells = next(reader, None)
            except csv.Error:
                broken = True
            if cells is None:
                return
            last = reader.line_num
            several = last > before + 1
            if (broken and (ended or several)) or (
                several
                and (before < table.behind or _holds_rows(cells, last - before, table))
            ):
                raise _swallowed(before + 1, last)
            before = last
    finally:
        text.detach()
        stream.seek(0)


def _holds_rows(cells: Iterable[str], lines: int, table: Table) -> bool:
    """Whether a row of several lines has what looks like other rows in a cell."""
    if lines > _MOST_LINES:
        return True
    return any(
        _is_row(part, place, table)
        for place, cell in enumerate(cells)
        for part in cell.splitlines()
        if "\n" in cell or "\r" in cell
    )


def _is_row(part: str, place: int, table: Table) -> bool:
    """Whether a line within a cell has as many separators as a row up to that cell.

    There the next mark stands that closes one left open. In a sentence a blank follows
    each separator.
    """
    least = min(max(place, 1), table.width - 1)
    found = part.count(table.separator)
    if found < least:
        return False
    spoken = part.count(f"{table.separator} ") == found > 0
    return not spoken or (table.separator != "," and least >= _MANY_SEPARATORS)


def _swallowed(first: int, last: int) -> BadInputError:
    return BadInputError(
        Phrase(
            "a quotation mark in line {first} of the table is left open, and takes in "
            "what follows, up to line {last}"
        ).filled(first=first, last=last),
        Phrase(
            "close it, or take it out, and look at these lines; nothing was imported"
        ),
    )


def check_encoding(stream: BinaryIO, encoding: str | None) -> None:
    """Find before anything is sent that a table is encoded in another way.

    For a file that can be read twice.

    Raises:
        BadInputError: it is not UTF-8, and was not said to be anything else; or it is,
            and was.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, plain = 1, True
    try:
        while part := stream.read(_PART):
            plain = plain and part.isascii()
            decoder.decode(part)
            line += part.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        if encoding in {None, "utf-8"}:
            line += error.object[: error.start].count(b"\n")
            raise _not_utf8(line) from None
    else:
        if encoding == "cp1252" and not plain:
            raise BadInputError(
                Phrase("the table is UTF-8"),
                Phrase("leave --encoding out"),
            )
    finally:
        stream.seek(0)


def read_rows(stream: BinaryIO, table: Table) -> Iterator[Row]:
    """Read the rows behind the header."""
    csv.field_size_limit(_LONGEST_CELL)
    text = TextIOWrapper(stream, table.encoding, "surrogateescape", newline="")
    try:
        reader = csv.reader(text, delimiter=table.separator, strict=True)
        for _ in range(table.behind):
            next(reader, None)
        before = reader.line_num
        while True:
            number = before + 1
            try:
                cells = next(reader, None)
            except csv.Error:
                before = reader.line_num
                said = Phrase(
                    "the line is no CSV: a quotation mark within a cell is "
                    "doubled, and a cell has at most {most} "
                    "characters"
                ).filled(most=_LONGEST_CELL)
                yield Row(number, Fault("bad_row", said))
                continue
            before = reader.line_num
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield from _rows(number, cells, table)
    finally:
        # Whoever stops reading may have closed the file already.
        with suppress(ValueError):
            text.detach()


def _rows(number: int, cells: list[str], table: Table) -> Iterator[Row]:
    # A separator at the end of a line makes no cell of its own.
    if len(cells) < table.width or any(cell.strip() for cell in cells[table.width :]):
        told = (
            Phrase(
                "the line has {cells} cells, the header {width}: a row that was cut "
                "off may name somebody else, so complete it, with a separator for each "
                "empty cell"
            )
            if len(cells) < table.width
            else Phrase(
                "the line has {cells} cells, the header {width}: a cell with a "
                "separator in it stands in quotation marks"
            )
        )
        said = told.filled(cells=len(cells), width=table.width)
        yield Row(number, Fault("bad_row", said))
        return
    if not table.chooses(cells):
        yield Row(number, None, chosen=False)
        return
    given = {
        field: table.words.get(place, {}).get(
            _folded(cells[place]), cells[place].strip()
        )
        for field, place in table.columns.items()
        if cells[place].strip()
    }
    try:
        "".join(given.values()).encode()
    except UnicodeEncodeError:
        yield Row(
            number,
            Fault(
                "encoding",
                Phrase("the line is not {encoding}").filled(
                    encoding=table.encoding.upper()
                ),
            ),
        )
        return
    values = {kind: given.pop(kind) for kind in KINDS if kind in given}
    about: list[tuple[str, dict[str, object]]] = [
        (kind, {"kind": kind, "value": value}) for kind, value in values.items()
    ]
    kind = given.pop("kind", None)
    if "value" in given:
        said_kind = {} if kind is None else {"kind": kind}
        about.insert(0, ("value", {"value": given.pop("value"), **said_kind}))
    if not about:
        yield Row(number, None)
        return
    said_of = _said(given)
    for field, question in about:
        column = table.header[table.columns[field]]
        found = said_of if isinstance(said_of, Fault) else said_of | question
        yield Row(number, found, column)


def _said(given: Mapping[str, str]) -> dict[str, object] | Fault:
    """Turn the cells beside the identifiers into fields of a record."""
    said: dict[str, object] = dict(given)
    if "removed_on" in given:
        day = read_day(given["removed_on"])
        if day is None:
            known = ("2026-11-24", "24.11.2026")
            text = Phrase("the day has another form than those known")
            return Fault("bad_date", text, "removed_on", known=known)
        said["removed_on"] = day
    said |= {name: given[name].lower() for name in _CODED if name in given}
    if "region" in given:
        said["region"] = given["region"].upper()
    if "findings" in given:
        said["findings"] = [word for word in _LISTED.split(given["findings"]) if word]
    if "minor" in given:
        word = given["minor"].casefold()
        if word not in _YES | _NO:
            text = Phrase("it says neither yes nor no")
            return Fault("unknown_word", text, "minor", known=("yes", "no"))
        said["minor"] = word in _YES
    return said


def _separator(text: str) -> str:
    bare = re.sub(r'"[^"]*"', "", text)
    return max(SEPARATORS, key=bare.count)


def _folded(text: str) -> str:
    """Make what is compared with a cell alike in case and blanks around."""
    return normalize("NFC", text).strip().casefold()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _known(header: Sequence[str]) -> dict[str, int]:
    """Find fields by the names of columns; one that two columns may be is none."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        for field in FIELDS:
            if _means(name, field):
                places.setdefault(field, []).append(place)
    return {field: found[0] for field, found in places.items() if len(found) == 1}


def _means(name: str, field: str) -> bool:
    return _plain(name) in {_plain(field), *_WORDS.get(field, ())}


def _names_somebody(columns: Mapping[str, int]) -> bool:
    return "value" in columns or any(kind in columns for kind in KINDS)


def _place(header: Sequence[str], name: str, option: str) -> int:
    found = [place for place, each in enumerate(header) if each == name]
    if not found:
        wanted = name.casefold()
        found = [at for at, each in enumerate(header) if each.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    how = _SEVERAL_SO if found else _NONE_SO
    shown = ", ".join(map(printable, header)) if _is_header(header) else "-"
    raise BadInputError(how.filled(option, printable(name)), _ITS_COLUMNS.filled(shown))


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first line may be shown: names of columns, of which one is usual.

    A first line of values is none, though they look like words.
    """
    usual = any(_plain(cell) in _USUAL for cell in cells) or bool(_known(cells))
    return len(cells) > 1 and usual and all(map(_is_name, cells))


def _is_name(cell: str) -> bool:
    digits = sum(letter.isdigit() for letter in cell)
    name = cell.strip()
    return digits <= _MOST_DIGITS and _LOOKS_LIKE_A_NAME.fullmatch(name) is not None


def _not_utf8(line: int) -> BadInputError:
    return BadInputError(
        Phrase("line {} of the table is not UTF-8").filled(line),
        Phrase(
            "of a table from Windows say --encoding cp1252, or save it as CSV UTF-8"
        ),
    )
