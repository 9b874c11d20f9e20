# SPDX-License-Identifier: Apache-2.0
"""Results speak German too: no label, code or sentence is left in English alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import fedsafe_cli
from fedsafe_cli.terminal import labels
from fedsafe_cli.terminal.labels import SAID, grouped
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.acts.bodies import PeerStatus, StatusAnswer
from fedsafe_node.acts.notices import TextName
from fedsafe_node.rules.policy_bundle import Digests
from fedsafe_node.words.codes import CODES
from fedsafe_node.words.fields import FIELDS

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

SOURCES = sorted(Path(fedsafe_cli.__file__).parent.rglob("*.py"))
SCRIPTED = ("fleet", "progress", "stage", "story", "thief")
"""What shows a federation to developers; `./run` speaks both by texts of its own."""
SAME = frozenset({"Name", "Person", "Version", "libsodium", "Code", "Token", "Risiko"})
SAYING = frozenset({"say", "headings"})
PRINTING = frozenset({"line", "table"})
FOUNDING = frozenset({"federation.py"})
"""What it prints while a federation is founded is for operators, as hints are."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for source in SOURCES:
        if not source.name.startswith(SCRIPTED):
            yield source.name, ast.parse(source.read_text(encoding="utf-8"))


def calls(tree: ast.AST, names: frozenset[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in names
        ):
            yield node


def texts(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def said_in(tree: ast.Module) -> Iterator[str]:
    """Give what is said: literals, and what the names in their place stand for."""
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef):
            continue
        named: set[str] = set()
        for call in calls(scope, SAYING):
            for each in call.args:
                if isinstance(each, ast.Constant):
                    yield from texts(each)
                named |= {
                    part.id for part in ast.walk(each) if isinstance(part, ast.Name)
                }
        for node in [*ast.walk(scope), *tree.body]:
            targets, value = _assigned(node)
            if targets & named and isinstance(value, ast.Constant | ast.Tuple):
                yield from texts(value)


def _assigned(node: ast.AST) -> tuple[set[str], ast.expr | None]:
    if isinstance(node, ast.Assign):
        targets = {each.id for each in node.targets if isinstance(each, ast.Name)}
        return targets, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}, node.value
    return set(), None


def test_what_is_said_has_german() -> None:
    said = {
        text
        for name, tree in modules()
        if name != "task.py"  # whose words stand in task_texts.py
        for text in said_in(tree)
        if text
    }

    assert len(said) > 60
    assert sorted(said - SAID.keys()) == []


def test_no_sentence_is_printed_past_the_texts() -> None:
    bare = [
        f"{name}:{call.lineno}"
        for name, tree in modules()
        for call in calls(tree, PRINTING)
        if name not in FOUNDING and call.args and _has_words(call.args[0])
    ]

    assert bare == []


def _has_words(printed: ast.expr) -> bool:
    """Whether it is a literal text, or headings, of words and not of commands."""
    if isinstance(printed, ast.JoinedStr | ast.Tuple):
        parts = list(
            printed.values if isinstance(printed, ast.JoinedStr) else printed.elts
        )
    else:
        parts = [printed]
    words = [
        each.value
        for each in parts
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return any(
        re.search(r"[a-z]{3}", word) and "fedsafe " not in word for word in words
    )


def test_german_differs_from_english_and_takes_the_same_values() -> None:
    for english, text in SAID.items():
        german = text.said("de")
        assert german not in {"", english} or german in SAME, english
        places = re.findall(r"{\w+}", english)
        assert sorted(re.findall(r"{\w+}", german)) == sorted(places), english
    for text in CODES.values():
        assert text.said("de") != text.english or text.english in SAME
    assert all(FIELDS.values())
    assert labels.__doc__


STATUS: Final[dict[str, Any]] = dict.fromkeys(StatusAnswer.__struct_fields__, 0) | {
    "node": "a.demo",
    "policy": "strict@1",
    "store": "full since 2026-11-18T11:06:40+00:00",
    "texts_unsigned": [each.value for each in TextName],
    "keys_departed": [
        "2 members that left hold shares of generation 1.1, and 3 make the key"
    ],
    "resharings_overdue": [
        "generation 1.1 was to be shared anew by 2026-12-18; missing: b.demo, c.demo"
    ],
    "keys_uncommitted": ["1.1"],
    "not_approved": list(Digests.__struct_fields__),
    "rests": "this node rests: it lacks the policy of the federation",
    "disk": "short",
    "memory": "swappable",
    "sending_off": True,
    "peers": [dict.fromkeys(PeerStatus.__struct_fields__, True)],
    "store_made": {
        "template": "full since {when}",
        "params": {"when": "2026-11-18T11:06:40+00:00"},
    },
    "keys_departed_made": [
        {
            "template": "{count} members that left hold shares of generation "
            "{generation}, and {threshold} make the key",
            "params": {"count": 2, "generation": "1.1", "threshold": 3},
        }
    ],
    "resharings_overdue_made": [
        {
            "template": "generation {generation} was to be shared anew by {day}; "
            "missing: {names}",
            "params": {
                "generation": "1.1",
                "day": "2026-12-18",
                "names": "b.demo, c.demo",
            },
        }
    ],
    "rests_made": {
        "template": "this node rests: it lacks the policy of the federation"
    },
}


def test_every_field_of_the_status_has_a_name_in_both_languages() -> None:
    fields = (*StatusAnswer.__struct_fields__, *PeerStatus.__struct_fields__)
    known = FIELDS.keys() | SAID.keys() | {"peers", "uncovered"}
    shown = [each for each in fields if not each.endswith("_made")]

    assert [each for each in shown if each not in known] == []
    assert [
        each for each in FIELDS.values() if "_" in each.english + each.said("de")
    ] == []


def test_the_status_shows_no_key_and_no_code(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/status", STATUS)
    english = ask("node", "status")
    german = ask("node", "status", "--lang", "de")

    told = english.out + german.out
    assert english.status == german.status == 0, english.err
    assert re.findall(r"\b[a-z]+_[a-z_]+\b", told) == []
    assert "T11:06" not in told
    words = [set(re.findall(r"[^\W\d]{4,}", each.out)) for each in (english, german)]
    same = {"libsodium", "Version", "demo", "strict", "version", "signals"}
    assert words[0] & words[1] - same == set()
    assert ask("node", "status", "--json").document == STATUS


def test_thousands_are_apart_as_in_the_readers_language() -> None:
    german, english = (Settings(lang=each) for each in ("de", "en"))

    assert grouped(724_904, german) == "724.904"
    assert grouped(724_904, english) == "724,904"


def test_a_whole_command_speaks_german(ask: "Run", node: "FakeNode") -> None:
    role = {"role": "dpo", "since": 1, "until": 1_795_000_000, "lapsed": False}
    account = {"name": "zoe", "display": "Zoe", "external": True, "state": "locked"}
    node.always("GET /v1/accounts", {"accounts": [account | {"roles": [role]}]})
    told = ask("account", "list", "--lang", "de").out

    assert told.split()[:5] == ["Name", "Person", "Sitz", "Stand", "Rollen"]
    assert "extern" in told
    assert "gesperrt" in told
    assert "dpo bis 2026-11-18 11:06:40 UTC" in told
