# SPDX-License-Identifier: Apache-2.0
"""What no move, no new name and no new file may change, written down once.

    .venv/bin/python -m tests.fence.frozen --write

writes the frozen copies under `tests/fence/frozen/` anew. While the rooms are built
anew nobody does: what differs from a copy is a mistake. After that, a change that is
meant (a new field, a new event) writes them in the commit that makes it, and the
difference shows what operators, members and other programs will see.

| file | what |
|---|---|
| `names.json` | names that are stored, or that operators search for (`names`) |
| `samples.json` | each document that is exchanged or kept, encoded (`samples`) |
| `help.txt` | the help of every command |
| `digests.json` | digests of pages that other tests compare, of the schemas, and of |
|                | texts that people sign off: a change makes drafts of them again |
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import click
from tests.fence import names, samples

from fedsafe_cli.main import fedsafe
from fedsafe_node.notices.texts import texts
from fedsafe_node.rights.signed_texts import rights_texts
from fedsafe_node.store.postgresql.ddl import Translator
from fedsafe_node.store.postgresql.functions import FUNCTIONS
from fedsafe_node.store.schema import MIGRATIONS

FOLDER: Final = Path(__file__).parent / "frozen"
_ROOT: Final = Path(__file__).parents[2]
_PAGES: Final = (
    "docs/reference/openapi.json",
    "docs/reference/case-package.schema.json",
    "docs/reference/events.md",
    "tests/node/store/schema.sql",
    "tests/cli/transcripts/*",
    "tests/crypto/vectors/*.json",
    "tests/federation/vectors/*.json",
    "federation/fedsafe_federation/data/corpus/*.json",
)
"""They may lie elsewhere one day: what counts is each page's name."""


def _json(value: object) -> str:
    return json.dumps(value, indent=0, sort_keys=True, ensure_ascii=False) + "\n"


def digests() -> dict[str, str]:
    """Digest the pages, and the schemas of both stores as they are migrated."""
    found = {
        path.name: sha256(path.read_bytes()).hexdigest()
        for pattern in _PAGES
        for path in _ROOT.glob(pattern)
    }
    translator = Translator()
    there = [
        statement
        for name, statements in MIGRATIONS
        for statement in translator.migration(name, statements)
    ]
    found["postgresql schema"] = _digest([*there, *FUNCTIONS])
    found["sqlite migrations"] = _digest(
        [each for name, statements in MIGRATIONS for each in (name, *statements)]
    )
    for name, text in {**texts(), **rights_texts()}.items():
        found[f"text {name.value}"] = text.digest
    return found


def _digest(statements: list[str]) -> str:
    text = "\n".join(" ".join(each.split()) for each in statements)
    return sha256(text.encode()).hexdigest()


def helps(
    command: click.Command = fedsafe, above: click.Context | None = None
) -> Iterator[str]:
    """Write the help of a command and of all below it.

    Only in a process of its own: a command keeps how its help was first asked for.
    """
    name = "fedsafe" if above is None else command.name
    context = click.Context(
        command,
        info_name=name,
        parent=above,
        terminal_width=80,
        max_content_width=80,
        help_option_names=fedsafe.context_settings["help_option_names"],
    )
    yield f"$ {context.command_path} --help\n{command.get_help(context)}\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from helps(found, context)


COPIES: Final[dict[str, Callable[[], str]]] = {
    "names.json": lambda: _json(names.collect()),
    "samples.json": lambda: _json(samples.collect()),
    "help.txt": lambda: (
        subprocess.run(
            [sys.executable, "-P", "-m", "tests.fence.frozen", "--helps"],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ).stdout
    ),
    "digests.json": lambda: _json(digests()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the copies anew")
    what.add_argument("--helps", action="store_true", help="print what help.txt holds")
    if parser.parse_args().helps:
        sys.stdout.write("\n".join(helps()))
        return
    FOLDER.mkdir(exist_ok=True)
    for name, write in COPIES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
