# SPDX-License-Identifier: Apache-2.0
"""Let a federation speak a made-up German, and name what no catalogue has said.

    .venv/bin/python -m tests.campaigns.pseudo [--alone] [--all]

Raises three members (--alone: one) whose catalogue says each entry in brackets, plays
the acts of a provider's day (`tests.fence.script`), and asks by every command that
reads, as several people, and for one of each thing that was made. Each command is also
asked for its help, and called wrongly in two ways. Prints each line in
which words stand beside the brackets that are no name and no code that one types
(`tests.support.pseudo`), and ends with status 1 if there is one. --all prints all
that was said. English is asked for too, and may not have a bracket.

`tests/cli/test_pseudo.py` is the smaller part, of nodes that stand still.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from msgspec import json
from tests.catalogue import commands as every_command
from tests.fence.replay import Plain, play_step
from tests.fence.script import Step, acts, asking
from tests.fence.stage import HERE, NAMES, PEOPLE, Stage, raised
from tests.support.federation import until
from tests.support.maximal import MAXIMAL
from tests.support.pseudo import (
    OPEN,
    Said,
    commands_of,
    leftovers,
    pseudo_tree,
    typed_words,
    words_in,
    words_of_data,
)

from fedsafe_cli.main import fedsafe
from fedsafe_node.api.codes import Code
from fedsafe_node.log.audit import Event
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.vocabulary import Act

SHOWS: Final = (
    "signal show {own}",
    "signal recipients {draft}",
    "task show {task}",
    "case show {case}",
    "case dispatches {case}",
    "order show {order}",
    "breach show {breach}",
    "do-not-share show common_names",
    "audit show 3",
    "audit verify",
    "audit report --account account-7 --since 2026-01-01",
    "policy explain --event 20",
    "lookup --kind email mia@example.de",
    "lookup --kind email nobody@example.de",
    "notice texts",
)
_POLICIES: Final = HERE / "policies/fedsafe_policies/data"
_POLICY: Final = frozenset(
    line.strip()
    for path in _POLICIES.rglob("*.toml")
    for line in path.read_text("utf-8").splitlines()
    if line.strip()
)
DATA: Final = HERE / "node/fedsafe_node/notices/data"
ASK: Final = ("anna", "ben", "dora", "ada", "audit")
_NAMES: Final = (
    typed_words()
    | words_of_data("do_not_share", "harmless_media", "help_directory", "partners")
    | words_of_data("notices", folder=DATA)
    | words_of_data("register", "renderings", "urgency", "orders", "phenomena")
    | words_of_data("minimisation", "playbooks", "ladder")
    | words_in(json.encode(MAXIMAL).decode())
    | {each.value for each in (*Event, *Code, *Refusal, *Act)}
    | {"restrictions", "restricted", "pruned", "index", "detail"}
    | {*PEOPLE, "local", "hand", "setup", "operator", "database", "seal", "synthetic"}
    | {"N", "strict", "Dauerdienst"}  # typed: a number, a policy; of a partner
    | {"libsodium", "dccd", "fedsafe", "dpo_contact", "notices"}
)
"""Of persons, documents and tables, and codes that one types."""
_RECORD: Final = re.compile(r"\{\".*\}")
"""What the log holds, as it is signed."""
_EXAMPLE: Final = re.compile(r"^ {4,8}\S.*$", re.MULTILINE)
_WRONG: Final = (["--help"], ["--nowhere"], [""] * 9)


def play(stage: Stage, steps: Iterator[Step]) -> dict[str, str]:
    """Do the acts of a day; return the names of what they have made."""
    plain = Plain(stage.root)
    for number, step in enumerate(each for each in steps if each.method):
        play_step(stage, step, plain, number)
        if step.settles:
            until(stage.is_level, "the exchange of feeds")
    return plain.kept


def lines(kept: dict[str, str]) -> Iterator[list[str]]:
    """Give the commands that are asked, as far as what they name was made."""
    yield from (list(path) for path in asking(fedsafe))
    for show in SHOWS:
        try:
            yield show.format_map(kept).split()
        except KeyError as missing:
            print(f"not made: {missing}, so not asked: {show}")


def _without_quotes(said: Said) -> Said:
    """Leave out what is shown as it was written: records, and lines of a policy."""
    lines = _RECORD.sub("", said.out).splitlines()
    kept = [each for each in lines if each.strip() not in _POLICY]
    return replace(said, out="\n".join(kept))


def _without_examples(said: Said) -> Said:
    """Leave out of a help what one types: the examples are indented by four."""
    return replace(said, out=_EXAMPLE.sub("", said.out))


def main() -> int:
    """Play, ask, and name what is left."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    begin, asked, answered, bad = time.monotonic(), 0, 0, 0
    names = NAMES[:1] if given.alone else NAMES
    with tempfile.TemporaryDirectory(prefix="fs-") as folder:
        tree = pseudo_tree(Path(folder) / "tree")
        with (
            raised(Path(folder) / "d", (tree,), names) as stage,
            commands_of(tree, Path(folder)) as commands,
        ):
            kept = play(stage, acts())
            print(f"played in {time.monotonic() - begin:.0f} s", flush=True)
            for line in lines(kept):
                for person in ASK:
                    key = stage.credential(NAMES[0], person)
                    who = ["--config", str(stage.place(NAMES[0]))]
                    who += ["--credential", str(key)]
                    said = commands.run(*line, "--lang", "de", *who)
                    english = commands.run(*line, "--lang", "en", *who)
                    asked, answered = asked + 1, answered + (said.status == 0)
                    left = leftovers(_without_quotes(said), _NAMES)
                    if OPEN in english.out + english.err:
                        left += "brackets in English"
                    bad += bool(left)
                    if left or given.all:
                        print(f"{' '.join(line)} ({person}, {said.status}):\n{left}")
                    if given.all:
                        print(said.out + said.err)
                    if said.status == 0 and not given.all:
                        break
            for command, context in every_command():
                path = context.command_path.split()[1:]
                for wrong in _WRONG:
                    said = commands.run(*path, *wrong, "--lang", "de")
                    asked += 1
                    left = leftovers(_without_examples(said), _NAMES)
                    bad += bool(left)
                    if left or given.all:
                        print(f"{command.name}: {said.line} ({said.status}):\n{left}")
    print(f"{asked} commands, {answered} answered, {bad} with words of no catalogue")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
