# SPDX-License-Identifier: Apache-2.0
"""The catalogues of languages: what they lack, what they have too much, new texts.

Phrases are found in the code as GNU gettext finds them, by the functions that take
them (`Phrase("…")`, `Phrase.within("context", "…")`).

    python -m tests.catalogue          say what each catalogue lacks; 1 if one does
    python -m tests.catalogue --write  take over new phrases, empty; drop those that are
                                       gone; compile
"""

import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

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
_WIDTH: Final = 88


def template(folders: Sequence[Path] = CODE) -> Catalog:
    """Collect the phrases of the code, each with the files that have it."""
    found = Catalog(charset="utf-8")
    for folder in folders:
        texts = extract_from_dir(
            folder, [("**.py", "python")], keywords=_KEYWORDS, strip_comment_tags=True
        )
        for name, _, message, _, context in texts:
            place = (folder / name).relative_to(ROOT).as_posix()
            found.add(message, locations=[(place, 0)], context=context)
    return found


def read(path: Path) -> Catalog:
    """Read a catalogue; its language is the name of its file."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem, domain="fedsafe", abort_invalid=True)


def compiled(catalogue: Catalog) -> bytes:
    """Compile a catalogue."""
    made = BytesIO()
    write_mo(made, catalogue)
    return made.getvalue()


def faults(path: Path, code: Catalog) -> Iterator[str]:
    """Name each entry that a catalogue lacks, or has and nobody says any more."""
    known = {key(each): each for each in read(path) if each.id}
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
    if path.with_suffix(".mo").read_bytes() != compiled(read(path)):
        yield f"{path.stem}.mo is not compiled from {path.name}"


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
