# SPDX-License-Identifier: Apache-2.0
"""`fedsafe do-not-share`: what is never a signal (P17), and how to add to it.

Works on files, without a node's answer: the lists that are shipped, and the file that
`do_not_share` of node.toml names. What is written counts only once two people have
approved it (`fedsafe policy propose`).
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from fedsafe_cli.terminal.errors import (
    BadInputError,
    NodeUnreachableError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.inputs import Fault, read_lines
from fedsafe_cli.terminal.labels import field, headings, say, value_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

if TYPE_CHECKING:
    from fedsafe_policies.documents.do_not_share import DoNotShareLists, ListFile

MAX_BYTES: Final = 16 << 20
PICTURES: Final = "_pdq"
"""What the name of a list of pictures ends with, beside the list of their files."""

_FILE: Final = "do-not-share.toml"
_PICTURE: Final = "pdq:"
_TURNED: Final = "pdq_turned:"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,26}")
_file_option = click.option(
    "--file",
    "file",
    metavar="FILE",
    help="File of your own lists; default: the one that node.toml names.",
)


@click.group("do-not-share", cls=SpokenGroup)
def do_not_share() -> None:
    """Show and extend the lists of what is never a signal and never matches.

    They hold identifiers of many people, trivial files, plain pictures and icons: the
    shipped lists, and your own.

    \b
    Examples:
      fedsafe do-not-share list
      fedsafe do-not-share show trivial_files
      fedsafe hash icon.png | fedsafe do-not-share add our_icons --source "our pages" -
    """  # noqa: D301


@do_not_share.command("list")
@_file_option
@shared_options
@click.pass_context
def list_lists(context: click.Context, /, file: str | None) -> ExitStatus:
    """List the lists: what they hold, their date and source.

    \b
    Example:
      fedsafe do-not-share list
    """  # noqa: D301
    settings = settings_of(context)
    lists = _lists(_path(settings, file))
    rows = [_about(name, each, lists) for name, each in sorted(lists.lists.items())]
    if settings.json:
        document({"lists": rows})
        return OK
    names = ("name", "kind", "entries", "dated", "own")
    shown = [[row[name] for name in names[:-1]] + [row["own"] and "*"] for row in rows]
    table(headings(settings, *names), [[cell or "" for cell in row] for row in shown])
    return OK


@do_not_share.command("show")
@click.argument("name")
@_file_option
@shared_options
@click.pass_context
def show(context: click.Context, /, name: str, file: str | None) -> ExitStatus:
    """Show a list: its source, licence and entries.

    \b
    Example:
      fedsafe do-not-share show trivial_files
    """  # noqa: D301
    settings = settings_of(context)
    lists = _lists(_path(settings, file))
    found = lists.lists.get(name)
    if found is None:
        raise BadInputError(
            Phrase("there is no list {name}").filled(name=printable(name)),
            Phrase("lists are {names}").filled(names=", ".join(sorted(lists.lists))),
        )
    told, entries = _about(name, found, lists), sorted(found.entries)
    if settings.json:
        document(told | {"entries": entries})
        return OK
    shown = {key: value for key, value in told.items() if value is not False}
    rows = [(key, value_of(key, value, settings)) for key, value in shown.items()]
    pairs([(field(key, settings), value) for key, value in rows], indent="")
    for entry in entries:
        line(entry)
    return OK


@do_not_share.command("add")
@click.argument("name")
@click.argument("entries", default="-", metavar="[-|FILE]")
@click.option(
    "--source", required=True, metavar="TEXT", help="Where the files come from."
)
@click.option("--licence", metavar="TEXT", help="Licence under which you have them.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@_file_option
@shared_options
@click.pass_context
def add(  # noqa: PLR0913
    context: click.Context,
    /,
    name: str,
    *,
    entries: str,
    source: str,
    licence: str | None,
    dry_run: bool,
    file: str | None,
) -> ExitStatus:
    """Add files to a list of your own, by their digests.

    Reads lines of `fedsafe hash`: KIND:DIGEST, and anything after a space. Digests of
    bytes go to the list NAME, those of pictures (pdq) to NAME_pdq. Nothing counts until
    another person has approved it: run `fedsafe policy propose` next.

    \b
    Examples:
      fedsafe hash icon.png | fedsafe do-not-share add our_icons --source "our pages" -
      fedsafe do-not-share add --dry-run our_icons --source "our pages" digests.txt
    """  # noqa: D301
    settings = settings_of(context)
    if _NAME.fullmatch(name) is None:
        raise BadInputError(
            Phrase("the name of a list has lower-case letters, digits, - and _"),
            Phrase("such as our_icons; 27 letters at most"),
        )
    path = _path(settings, file) or _default(settings)
    before = _own_text(path)
    files, pictures = _read_entries(entries)
    text, added = before or _head(), 0
    for list_name, kind, match, wanted in (
        (name, "file", "digest", files),
        (f"{name}{PICTURES}", "pdq", "near", pictures),
    ):
        new = wanted - _held(text, list_name)
        if new:
            text = _with(text, list_name, (kind, match, source, licence), new)
            added += len(new)
    return _changed(context, path, text, (name, added), dry_run=dry_run, said=_ADDED)


@do_not_share.command("remove")
@click.argument("name")
@click.argument("entries", default="-", metavar="[-|FILE]")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@_file_option
@shared_options
@click.pass_context
def remove(
    context: click.Context,
    /,
    name: str,
    *,
    entries: str,
    dry_run: bool,
    file: str | None,
) -> ExitStatus:
    """Remove files from a list of your own, by their digests.

    Reads the same lines as `add`; lines that are on neither NAME nor NAME_pdq are
    ignored. Nothing counts until another person has approved it: run `fedsafe policy
    propose` next. Then signals that members sent about these files are read again.

    \b
    Examples:
      fedsafe hash icon.png | fedsafe do-not-share remove our_icons -
      fedsafe do-not-share remove --dry-run our_icons digests.txt
    """  # noqa: D301
    settings = settings_of(context)
    path = _path(settings, file) or _default(settings)
    text, removed = _own_text(path) or "", 0
    names = (name, f"{name}{PICTURES}")
    if not any(_section(text, each) for each in names):
        raise BadInputError(
            Phrase("there is no list {name} of your own").filled(name=printable(name)),
            Phrase("`fedsafe do-not-share list` marks yours with *"),
        )
    for list_name, wanted in zip(names, _read_entries(entries), strict=True):
        gone = wanted & _held(text, list_name)
        if gone:
            text = _without(text, list_name, gone)
            removed += len(gone)
    return _changed(
        context, path, text, (name, removed), dry_run=dry_run, said=_REMOVED
    )


class _Said(NamedTuple):
    """How a change of a file is told."""

    key: str
    done: str
    tried: str


_ADDED: Final = _Said(
    "added",
    "{count} entries added to {file}",
    "{count} entries would be added to {file}",
)
_REMOVED: Final = _Said(
    "removed",
    "{count} entries taken out of {file}",
    "{count} entries would be taken out of {file}",
)


def _changed(  # noqa: PLR0913
    context: click.Context,
    path: Path,
    text: str,
    change: tuple[str, int],
    *,
    dry_run: bool,
    said: _Said,
) -> ExitStatus:
    """Check and write the new text of a file, and tell what changed."""
    settings = settings_of(context)
    (name, count), lists = change, _load(path, text)
    if count and not dry_run:
        _write(path, text)
    found = [
        _about(each, lists.lists[each], lists)
        for each in (name, f"{name}{PICTURES}")
        if each in lists.lists
    ]
    report = {"file": str(path), said.key: count, "dry_run": dry_run, "lists": found}
    if settings.json:
        document(report)
        return OK
    told = said.tried if dry_run else said.done
    line(say(told, settings, count=count, file=printable(str(path))))
    if not dry_run:
        in_directory = _path(settings, None) in (path, None)
        note(
            say(
                'nothing counts yet: see that node.toml has `do_not_share = "{file}"`, '
                "then `fedsafe policy propose`",
                settings,
                file=printable(path.name if in_directory else str(path)),
            )
        )
    return OK


def _about(name: str, found: "ListFile", lists: "DoNotShareLists") -> dict[str, Any]:
    return {
        "name": name,
        "kind": found.kind,
        "match": found.match.value,
        "version": found.version,
        "dated": found.dated.isoformat() if found.dated else None,
        "source": found.source,
        "licence": found.licence,
        "digest": found.digest,
        "own": name in lists.own,
        "entries": len(found.entries),
    }


def _path(settings: Settings, file: str | None) -> Path | None:
    """Give the file of one's own lists; None if there is none."""
    if file is not None:
        return Path(file)
    try:
        directory = settings.directory()
    except NodeUnreachableError:
        return None
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    place = Place(Path(directory))
    try:
        named = load_config(place).do_not_share
    except ConfigError as error:
        raise BadInputError(str(error)) from None
    return None if named is None else place.directory / named


def _default(settings: Settings) -> Path:
    return Path(settings.directory()) / _FILE


def _lists(path: Path | None) -> "DoNotShareLists":
    from fedsafe_policies.documents.do_not_share import shipped_lists  # noqa: PLC0415 (slow)

    if path is None:
        return shipped_lists()
    return _load(path, read_small(str(path), MAX_BYTES).decode("utf-8", "replace"))


def _load(path: Path, text: str) -> "DoNotShareLists":
    from fedsafe_policies.documents.do_not_share import load_lists, shipped_lists  # noqa: PLC0415
    from fedsafe_policies.errors import PolicyFileError  # noqa: PLC0415

    try:
        return load_lists(text.encode(), shipped_lists())
    except PolicyFileError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(str(path)), why=error)
        ) from None


def _own_text(path: Path) -> str | None:
    """Read a file of lists that can be loaded; None if there is none yet."""
    if not path.exists():
        return None
    text = read_small(str(path), MAX_BYTES).decode("utf-8", "replace")
    _load(path, text)
    return text


def _read_entries(source: str) -> tuple[set[str], set[str]]:
    """Read digests of files and of pictures; all of them, or none."""
    lines: Iterable[bytes | Fault] = read_lines(sys.stdin.buffer)
    if source != "-":
        lines = read_small(source, MAX_BYTES).splitlines()
    files: set[str] = set()
    pictures: set[str] = set()
    for number, raw in enumerate(lines, start=1):
        if isinstance(raw, Fault):
            raise BadInputError(
                Phrase("line {number}: {why}").filled(number=number, why=raw.detail)
            )
        entry = raw.decode("utf-8", "replace").partition(" ")[0].strip().lower()
        if not entry or entry.startswith(_TURNED):  # a list has pictures as they lie
            continue
        if re.fullmatch(r"(sha256|sha1|md5|blake3|pdq):[0-9a-f]{32,64}", entry) is None:
            raise BadInputError(
                Phrase("line {number}: no digest").filled(number=number),
                Phrase("lines are what `fedsafe hash` prints"),
            )
        if entry.startswith(_PICTURE):
            pictures.add(entry.removeprefix(_PICTURE))
        else:
            files.add(entry)
    if not files and not pictures:
        raise BadInputError(
            Phrase("the input is empty"), Phrase("give one digest a line")
        )
    return files, pictures


def _section(text: str, name: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 (slow to load)

    return dict(tomllib.loads(text).get("lists", {}).get(name, {}))


def _held(text: str, name: str) -> frozenset[str]:
    return frozenset(_section(text, name).get("entries", ()))


def _check_source(
    name: str, section: dict[str, Any], source: str, licence: str | None
) -> None:
    """Refuse entries of another source, which the list would not tell."""
    if (section.get("source"), section.get("licence")) != (source, licence):
        raise BadInputError(
            Phrase("the list {name} has another source or licence").filled(name=name),
            Phrase("give these entries a list of their own: take another name"),
        )


def _head() -> str:
    return (
        "# Lists of our own of what is never a signal (rule P17).\n\n"
        f"format = 1\ndated = {_today()}\n"
    )


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def _with(
    text: str, name: str, about: tuple[str, str, str, str | None], new: set[str]
) -> str:
    """Add entries to a list as text, which keeps what people wrote beside it."""
    kind, match, source, licence = about
    rows = "".join(f'  "{entry}",\n' for entry in sorted(new))
    here = _place(text, name)
    if here is None:
        legal = "" if licence is None else f"licence = {_quoted(licence)}\n"
        return (
            f"{text.rstrip()}\n\n[lists.{name}]\n"
            f'kind = "{kind}"\nmatch = "{match}"\nversion = 1\n'
            f"source = {_quoted(source)}\n{legal}dated = {_today()}\n"
            f"entries = [\n{rows}]\n"
        )
    _check_source(name, _section(text, name), source, licence)
    body = text[here]
    opening = re.search(r"^entries *= *\[[ \t]*\n?", body, re.MULTILINE)
    if opening is None:
        raise _unchangeable(name)
    body = f"{body[: opening.end()].rstrip()}\n{rows}{body[opening.end() :]}"
    return _renewed(text, name, body, _held(text, name) | new)


def _without(text: str, name: str, gone: set[str]) -> str:
    """Take entries out of a list as text, which keeps what people wrote beside it."""
    here = _place(text, name)
    if here is None:
        raise _unchangeable(name)
    one = rf'(?P<quote>["\'])(?:{"|".join(sorted(gone))})(?P=quote)[ \t]*,?'
    body = re.sub(rf"^[ \t]*{one}[ \t]*\n", "", text[here], flags=re.MULTILINE)
    body = re.sub(one, "", body)
    return _renewed(text, name, body, _held(text, name) - gone)


def _place(text: str, name: str) -> slice | None:
    """Find what a list has behind its head, up to the next head."""
    head = re.search(rf"^\[lists\.{re.escape(name)}\][ \t]*$", text, re.MULTILINE)
    if head is None:
        return None
    following = re.compile(r"^\[", re.MULTILINE).search(text, head.end())
    return slice(head.end(), following.start() if following else len(text))


def _renewed(text: str, name: str, body: str, wanted: AbstractSet[str]) -> str:
    """Put a list's new text, with the next version and today's date, into the file."""
    here = _place(text, name)
    version = re.search(r"^version *= *(\d+)", body, re.MULTILINE)
    if here is None or version is None:
        raise _unchangeable(name)
    later = f"version = {int(version.group(1)) + 1}"
    body = body.replace(version.group(0), later, 1)
    body = re.sub(r"^dated *=.*$", f"dated = {_today()}", body, flags=re.MULTILINE)
    whole = text[: here.start] + body + text[here.stop :]
    if _held(whole, name) != wanted:
        raise _unchangeable(name)
    return whole


def _unchangeable(name: str) -> BadInputError:
    return BadInputError(
        Phrase(
            "the list {name} is not written so that its entries can be changed here"
        ).filled(name=name),
        Phrase("edit the file, or take another name"),
    )


def _quoted(text: str) -> str:
    """Write a basic string of TOML."""
    if not text.isprintable() or not text:
        raise BadInputError(
            Phrase("want a text on one line after --source and --licence")
        )
    return json.dumps(text, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    """Put the new text in the place of the old one, whole or not at all."""
    from fedsafe_node.ground.key_files import sync_directory, write_durably  # noqa: PLC0415

    draft = path.with_name(f"{path.name}.{token_hex(4)}.draft")
    try:
        write_durably(draft, text.encode())
        os.replace(draft, path)  # noqa: PTH105
        sync_directory(path.parent)
    except OSError as error:
        why = reason_of(error, Phrase("cannot be written"))
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(str(path)), why=why)
        ) from None
