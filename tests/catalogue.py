# SPDX-License-Identifier: Apache-2.0
"""The catalogues of languages: what they lack, what they have too much, new texts.

Phrases are found in the code as GNU gettext finds them, by the functions that take
them (`Phrase("…")`, `Phrase.within("context", "…")`), and in the desk's templates
(`t("…")`). The helps of commands are found
by a walk over all commands, and what click itself says in its code.

    python -m tests.catalogue          say what each catalogue lacks; 1 if one does
    python -m tests.catalogue --write  take over new phrases, empty; drop those that are
                                       gone; compile
"""

import re
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from struct import pack
from types import MappingProxyType
from typing import Final

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from fedsafe_cli.main import fedsafe
from fedsafe_cli.terminal.help_texts import (
    CLICK,
    METAVAR,
    option_entry,
    retold,
    value_names,
)
from fedsafe_policies.ground.catalogue import FOLDER

ROOT: Final = Path(__file__).parent.parent
CODE: Final = tuple(
    ROOT / folder
    for folder in (
        "policies/fedsafe_policies",
        "federation/fedsafe_federation",
        "node/fedsafe_node",
        "cli/fedsafe_cli",
    )
)
_KEYWORDS: Final = {"Phrase": None, "within": ((1, "c"), 2)}
_CLICKS: Final = ("core", "decorators", "exceptions", "formatting", "parser", "types")
"""Modules of click that say something to who calls a command."""
_CLICK_NAMES: Final = (
    *("required", "argument", "option", "parameter"),
    *("integer", "integer range", "float", "float range"),
)
"""Words of click that its code does not mark."""
_WIDTH: Final = 88
_TYPED: Final = re.compile(r"`([^`]+)`")
_SIGNED: Final = (
    "Signed off as a whole: after any change in it each node shows it as a draft until "
    "its people have signed it off again."
)
_READERS: Final = {
    "node/fedsafe_node/rights/page_texts.py": (
        f"On the public form, for whoever asks about themselves. {_SIGNED}"
    ),
    "node/fedsafe_node/rights/letters.py": (
        f"In the letter or short message with a code to a person. {_SIGNED}"
    ),
    "node/fedsafe_node/rights/answer.py": (
        f"In the answer to a person (GDPR Art. 15). {_SIGNED}"
    ),
    "node/fedsafe_node/rights/review_report.py": (
        f"In the answer to a person (GDPR Art. 15), of their account. {_SIGNED}"
    ),
    "node/fedsafe_node/rights/outcomes.py": (
        "To a person whose request has ended or takes longer (GDPR Art. 12 (3) and "
        f"(4)). {_SIGNED}"
    ),
    "node/fedsafe_node/rights/progress.py": (
        "On the public form, for whoever comes back: how it stands with what they have "
        f"contested. {_SIGNED}"
    ),
    "node/fedsafe_node/rights/remedies.py": (
        "To a person on the form, in the answer and at the end: how it stands with an "
        f"appeal. {_SIGNED}"
    ),
    "node/fedsafe_node/rights/signed_texts.py": (
        "Names of the texts that are signed off, and the mark that people read above "
        "one that is not."
    ),
    "node/fedsafe_node/notices/help_offers.py": (
        "In notices and answers to persons: whom they can talk to."
    ),
    "node/fedsafe_node/casework/dispatch/correction.py": (
        "To police, a hotline or counselling that has a package: first in German, then "
        "in English."
    ),
    "node/fedsafe_node/audit/compliance": (
        "In papers for data-protection officers and authorities."
    ),
    "policies/fedsafe_policies/documents": (
        "What a policy does: for data-protection officers, and for who signs one."
    ),
    "policies/fedsafe_policies/rules": (
        "Why the policy allows or refuses: for staff, and in papers for officers."
    ),
    "policies/fedsafe_policies/escalation": (
        "About cases: for staff, and for police, hotlines and counselling."
    ),
    "federation/fedsafe_federation/charter": (
        "What a new version of the charter changes: for who signs it."
    ),
}
"""Who reads what a file or folder says and what that binds: a note to translators."""
_CONTEXTS: Final = {
    "under 18": (
        "For children and young people: du, short sentences, everyday words, no "
        "accusation."
    ),
}


def template(folders: Sequence[Path] = CODE) -> Catalog:
    """Collect the phrases of the code, each with the files that have it."""
    found = Catalog(charset="utf-8")
    for path in sorted(each for folder in folders for each in folder.rglob("*.py")):
        if b"Phrase" not in path.read_bytes():
            continue
        place = _place(path)
        for _, message, _, context in extract_from_file("python", path, _KEYWORDS):
            notes = [_CONTEXTS.get(context or ""), *_notes(place)]
            found.add(
                message,
                locations=[(place, 0)],
                context=context,
                auto_comments=[note for note in notes if note is not None],
            )
    for path in sorted(each for folder in folders for each in folder.rglob("*.html")):
        with path.open("rb") as file:
            for _, _, said, _ in babel_extract(file, ["t"], [], {}):
                text = said[0] if isinstance(said, tuple) else said
                found.add(str(text), locations=[(_place(path), 0)])
    if tuple(folders) == CODE:
        for text, context, place in {*helps(), *clicks()}:
            found.add(text, locations=[(place, 0)], context=context or None)
    return found


def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(
    group: click.Group = fedsafe, above: click.Context | None = None
) -> Iterator[tuple[click.Command, click.Context]]:
    """Walk over a group and all commands below it."""
    context = click.Context(group, info_name=group.name, parent=above)
    yield group, context
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, context)
        else:
            yield command, click.Context(command, info_name=name, parent=context)


def helps() -> Iterator[tuple[str, str, str]]:
    """Find what helps say: entry, context, and the file that has it."""
    for command, context in commands():
        place = _place_of(command)
        found: list[tuple[str, str]] = []

        def say(text: str, found: list[tuple[str, str]] = found) -> str:
            found.append((text, ""))
            return text

        def name(word: str, found: list[tuple[str, str]] = found) -> str:
            found.append((word, METAVAR))
            return word

        retold(command.help or "", say, str)
        for piece in command.collect_usage_pieces(context):
            value_names(piece, name)
        for option in command.params:
            if isinstance(option, click.Option):
                say(option_entry(option.help or ""))
                value_names(option.make_metavar(context), name)
        yield from ((text, kind, place) for text, kind in found if text)


def clicks() -> Iterator[tuple[str, str, str]]:
    """Find what click says of the use of a command."""
    folder = Path(str(click.__file__)).parent
    keywords = {"_": None, "ngettext": (1, 2)}
    for name in _CLICKS:
        for _, message, _, _ in extract_from_file(
            "python", folder / f"{name}.py", keywords
        ):
            for text in (message,) if isinstance(message, str) else message:
                yield text, CLICK, f"click/{name}.py"
    yield from ((text, CLICK, "click/core.py") for text in _CLICK_NAMES)


def _place_of(command: click.Command) -> str:
    module = getattr(command.callback, "__module__", "fedsafe_cli.main")
    return f"cli/{module.replace('.', '/')}.py"


def _notes(place: str) -> Iterator[str]:
    for part in (place, *(each.as_posix() for each in Path(place).parents)):
        if part in _READERS:
            yield _READERS[part]


def read(path: Path) -> Catalog:
    """Read a catalogue; its language is the name of its file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem, domain="fedsafe", abort_invalid=True)


def compiled(catalogue: Catalog) -> bytes:
    """Compile a catalogue, its English sorted by bytes as a lookup needs it.

    In the format of GNU gettext's manual, "The Format of GNU MO Files". Babel's own
    `write_mo` leaves the context out when it sorts.
    """
    entries = {b"": _header(catalogue).encode()}
    for each in catalogue:
        if each.id and each.string:
            context, english = key(each)
            name = f"{context}\x04{english}" if context else english
            entries[name.encode()] = str(each.string).encode()
    in_order = sorted(entries.items())
    texts = [text for side in zip(*in_order, strict=True) for text in side]
    start, table = 28 + 16 * len(entries), b""
    for text in texts:
        table += pack("<2I", len(text), start)
        start += len(text) + 1
    second = 28 + 8 * len(entries)
    head = pack("<7I", 0x950412DE, 0, len(entries), 28, second, 0, start)
    return head + table + b"".join(text + b"\0" for text in texts)


def _header(catalogue: Catalog) -> str:
    wanted = {"Language", "Content-Type", "Plural-Forms"}
    told = (f"{k}: {v}\n" for k, v in catalogue.mime_headers if k in wanted)
    return "".join(told)


def faults(path: Path, code: Catalog) -> Iterator[str]:
    """Name each entry that a catalogue lacks, or has and nobody says any more."""
    said = read(path)
    known = {key(each): each for each in said if each.id}
    values = {
        english: str(each.string)
        for (context, english), each in known.items()
        if context == METAVAR
    }
    wanted = {key(each): each for each in code if each.id}
    for name in sorted(wanted.keys() - known.keys()):
        yield f"{path.name} lacks: {_shown(name)}"
    for name in sorted(known.keys() - wanted.keys()):
        yield f"{path.name} has what nobody says: {_shown(name)}"
    for name in sorted(known.keys() & wanted.keys()):
        each = known[name]
        if not each.string or each.fuzzy:
            yield f"{path.name} does not say: {_shown(name)}"
        elif _places(str(each.string)) != _places(str(each.id)):
            yield f"{path.name} has other places in braces: {_shown(name)}"
        elif _commands(str(each.string), set(values.values())) != _commands(
            str(each.id), set(values), values
        ):
            yield f"{path.name} has other commands in backticks: {_shown(name)}"
        if _told(each) != _told(wanted[name]):
            yield f"{path.name} has other notes to translators: {_shown(name)}"
    if path.with_suffix(".mo").read_bytes() != compiled(said):
        yield f"{path.stem}.mo is not compiled from {path.name}"


def _commands(
    text: str, names: Container[str], said: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Return what a reader is told to type, by which two languages are compared.

    A word in capitals stands for a value: it is taken as the other language *said* it
    in the helps of commands, and one that no help has is as good as any other.
    """
    return sorted(
        " ".join(
            said.get(word, word) if word in names or not word.isupper() else "VALUE"
            for word in found.split()
        )
        for found in _TYPED.findall(text)
    )


def write(path: Path, code: Catalog) -> None:
    """Take over new phrases, drop what is gone, and compile."""
    catalogue = read(path)
    for each in list(catalogue):
        if each.id and code.get(each.id, each.context) is None:
            catalogue.delete(each.id, each.context)
    for each in code:
        if each.id:
            known = catalogue.get(each.id, each.context)
            said = "" if known is None else known.string
            catalogue.delete(each.id, each.context)
            comments = () if known is None else known.user_comments
            catalogue.add(
                each.id,
                said,
                locations=each.locations,
                context=each.context,
                auto_comments=each.auto_comments,
                user_comments=comments,
            )
    with path.open("wb") as file:
        write_po(file, catalogue, width=_WIDTH, sort_output=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(read(path)))


def key(message: object) -> tuple[str, str]:
    """Name an entry: by its context and its English."""
    return getattr(message, "context", None) or "", str(getattr(message, "id", ""))


def _places(text: str) -> set[str]:
    from string import Formatter  # noqa: PLC0415

    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _told(message: Message) -> str:
    return " ".join(message.auto_comments)


def _shown(name: tuple[str, str]) -> str:
    context, english = name
    return f"[{context}] {english}" if context else english


def main(arguments: Sequence[str]) -> int:
    """Say what the catalogues lack, or write them."""
    code = template()
    found = 0
    for path in sorted(Path(FOLDER).glob("*.po")):
        if "--write" in arguments:
            write(path, code)
        for fault in faults(path, code):
            found = 1
            print(fault)  # noqa: T201 - a command
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
