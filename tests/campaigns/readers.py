# SPDX-License-Identifier: Apache-2.0
"""Draw sixty texts for somebody who has never read them, with where each is read.

    .venv/bin/python -m tests.campaigns.readers --seed N [--lang en|de]

The same seed draws the same entries in both languages, as many of each kind: helps of
commands, errors and results of commands and nodes, letters and answers to persons, and
pages (the public form and the desk). The reader says of each number whether it was
understood at the first reading; at least 57 of 60 should be. Places in braces stand for
values.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from textwrap import indent
from typing import Final

from babel.messages.catalog import Message
from tests.catalogue import helps, key, read

from fedsafe_policies.ground.catalogue import FOLDER

EACH: Final = 15
"""How many are drawn of each kind."""
_WORDS: Final = 5
"""What has fewer is a label: it is understood by what stands beside it, or not."""
_PAGES: Final = (
    "node/fedsafe_node/desk/",
    "node/fedsafe_node/rights/page_texts",
    "node/fedsafe_node/rights/progress",
)
_LETTERS: Final = ("node/fedsafe_node/rights/", "node/fedsafe_node/notices/")
_READ: Final = {
    "help": "in the help of a command",
    "error": "after a command or a request: what is wrong, the way out, or the result",
    "letter": "in a letter, message or answer to a person",
    "page": "on a page: the public form, or the desk of the staff",
}


def kind_of(entry: Message, said_in_helps: frozenset[str]) -> str | None:
    """Say where an entry is read; None if it is no sentence."""
    if len(str(entry.id).split()) < _WORDS:
        return None
    places = [place for place, _ in entry.locations]
    if any(place.startswith(_PAGES) for place in places):
        return "page"
    if any(place.startswith(_LETTERS) for place in places):
        return "letter"
    return "help" if str(entry.id) in said_in_helps else "error"


def drawn(seed: int) -> list[tuple[str, Message]]:
    """Draw entries of each kind, and mix them."""
    said_in_helps = frozenset(text for text, _, _ in helps())
    kinds = defaultdict[str, list[Message]](list)
    for entry in read(Path(FOLDER) / "de.po"):
        kind = kind_of(entry, said_in_helps) if entry.id else None
        if kind is not None:
            kinds[kind].append(entry)
    random = Random(seed)  # noqa: S311
    found = [
        (kind, entry)
        for kind in _READ
        for entry in random.sample(sorted(kinds[kind], key=key), EACH)
    ]
    random.shuffle(found)
    return found


def main() -> None:
    """Print the texts, numbered."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--lang", choices=("en", "de"), default="en")
    given = parser.parse_args()
    for number, (kind, entry) in enumerate(drawn(given.seed), start=1):
        said = entry.string if given.lang == "de" else entry.id
        context = f" ({entry.context})" if entry.context else ""
        print(f"{number}. {_READ[kind]}{context}: {entry.locations[0][0]}")
        print(indent(str(said).strip(), "    "), end="\n\n")


if __name__ == "__main__":
    main()
