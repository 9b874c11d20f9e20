# SPDX-License-Identifier: Apache-2.0
"""What `doctor` says is said in German, and no text of that is stale."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedsafe_cli.doctor_texts import SAID, said

ROOM = Path(__file__).parents[2] / "cli/fedsafe_cli"
NAME = re.compile(r"\{[a-z]+\}")
NAMES = {"found", "way_out", "told", "theirs", "grant", "revoke", "prepare", "why"}
FOUND = {"Finding", "named.finding"}
KNOWN = {NAME.sub("{}", english) for english in SAID}
# A version, a path, a command, or what others say.
BARE = re.compile(r"[\W_]*|[a-z_/.-]+\.(md|toml)|chmod go= \{\}|\{\}(,? ?\(?\{\}\)?)*")


def spoken() -> Iterator[str]:
    """Give every text of a finding that stands in the source."""
    for name in ("doctor.py", "doctor_sending.py", "doctor_server.py"):
        for node in ast.walk(ast.parse((ROOM / name).read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in FOUND:
                yield from texts_in(node.args[1:])
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in NAMES:
                yield from texts_in([node.value])


def texts_in(values: list[ast.expr]) -> Iterator[str]:
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
        if isinstance(value, ast.JoinedStr):
            parts = [
                str(part.value) if isinstance(part, ast.Constant) else "{}"
                for part in value.values
            ]
            yield "".join(parts)


@pytest.mark.parametrize(
    "english", sorted({text for text in spoken() if not BARE.fullmatch(text)})
)
def test_every_text_of_a_finding_has_its_german(english: str) -> None:
    pattern = re.compile(re.escape(english).replace(r"\{\}", ".*"))

    assert any(map(pattern.fullmatch, KNOWN))


@pytest.mark.parametrize(("english", "german"), SAID.items())
def test_both_languages_name_the_same(english: str, german: str) -> None:
    assert sorted(NAME.findall(english)) == sorted(NAME.findall(german))
    assert said(english, german=False) == english


def test_numbers_and_names_stay() -> None:
    told = [
        said(text, german=True)
        for text in (
            "512 MiB free, 64 MiB in reserve",
            "its gate is shut, last seen never",
            "the entry is missing",
            "127 key files are open to others",
            "3.11.7",
        )
    ]

    assert told == [
        "512 MiB frei, 64 MiB Reserve",
        "seine rechtliche Freigabe ist zu, zuletzt gesehen: nie",
        "der Eintrag fehlt",
        "127 Schlüsseldateien stehen anderen offen",
        "3.11.7",
    ]
