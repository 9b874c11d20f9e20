# SPDX-License-Identifier: Apache-2.0
"""What `doctor` says is said in German, and no text of that is stale."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedsafe_cli.doctor.doctor import owed
from fedsafe_cli.doctor.node_texts import CHECKS, NODE_SAID
from fedsafe_cli.doctor.texts import checked, said, told
from fedsafe_node.acts.notices import TextName
from fedsafe_node.operations.offline_inspect import STORE
from fedsafe_node.words.codes import CODES
from fedsafe_policies.ground.catalogue import Phrase

ROOT = Path(__file__).parents[3]
ROOM = ROOT / "cli/fedsafe_cli"
NODE = ROOT / "node/fedsafe_node"
NAME = re.compile(r"\{[a-z]+\}")
NAMES = {"found", "way_out", "told", "theirs", "grant", "revoke", "prepare", "why"}
FOUND = {"Finding", "named.finding"}
KNOWN = {NAME.sub("{}", english) for english in map(str, NODE_SAID)}
# A version, a path, a command, or what others say.
BARE = re.compile(r"[\W_]*|[a-z_/.-]+\.(md|toml)|chmod go= \{\}|\{\}(,? ?\(?\{\}\)?)*")


def spoken() -> Iterator[str]:
    """Give every text of a finding that stands in the source."""
    for path in (ROOM / "doctor").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in FOUND:
                yield from texts_in(node.args[1:])
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in NAMES:
                yield from texts_in([node.value])


def told_by_the_node() -> Iterator[str]:
    """Give every verdict of a check that a node makes of itself."""
    for node in ast.walk(ast.parse((NODE / "app/overview.py").read_text())):
        if isinstance(node, ast.Assign) and "checks[" in ast.unparse(node.targets[0]):
            yield from texts_in([node.value])
        if isinstance(node, ast.Return) and node.value is not None:
            yield from texts_in([node.value])
    for node in ast.walk(ast.parse((NODE / "rules/policy_context.py").read_text())):
        if isinstance(node, ast.FunctionDef) and node.name == "why_not_covered":
            told = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
            yield from texts_in([each.value for each in told if each.value is not None])
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from texts_in([node.value])


def checks() -> Iterator[str]:
    """Give the name of everything that is checked."""
    for path in (ROOM / "doctor").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding":
                yield from texts_in(node.args[:1])
    for node in ast.walk(ast.parse((NODE / "app/overview.py").read_text())):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "checks":
            yield from (f"node: {each}" for each in texts_in([node.slice]))


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


def test_every_text_of_a_finding_is_a_phrase() -> None:
    assert [text for text in spoken() if not BARE.fullmatch(text)] == []


@pytest.mark.parametrize(
    "english", sorted({text for text in told_by_the_node() if not BARE.fullmatch(text)})
)
def test_every_verdict_of_a_node_has_its_german(english: str) -> None:
    shape = re.compile(re.escape(english).replace(r"\{\}", ".*"))

    assert any(map(shape.fullmatch, KNOWN)), english


@pytest.mark.parametrize("english", sorted(set(checks()) - {"node: {}"}))
def test_everything_that_is_checked_has_its_german(english: str) -> None:
    shape = re.compile(re.escape(english).replace(r"\{\}", ".*"))

    known = [NAME.sub("{}", name.english) for name in CHECKS]
    assert any(map(shape.fullmatch, known)) or "." in english


@pytest.mark.parametrize(
    ("english", "german"),
    [(each.english, each.said("de")) for each in (*NODE_SAID, *CHECKS)],
)
def test_both_languages_name_the_same(english: str, german: str) -> None:
    assert sorted(NAME.findall(english)) == sorted(NAME.findall(german))
    assert said(english, language="en") == english


def test_what_a_stopped_node_left_is_named_in_german() -> None:
    parts = (STORE, "seal", "log chat.example.de/audit", "signals")
    named = [checked(part, language="de") for part in parts]
    protocol = "Protokoll chat.example.de/audit"

    assert named == ["Speicher", "Siegel des Speichers", protocol, "signals"]
    assert [checked(part, language="en") for part in parts] == list(parts)


def test_what_stands_in_a_text_is_said_too() -> None:
    rests = "this node rests: it lacks the policy of the federation"
    away = Phrase("{why}, last seen {when}")
    texts = [
        said(text, language="de")
        for text in (
            "full since 2026-11-18T11:06:40+00:00; it cannot be read",
            f"exchanges nothing: {rests}",
            away.filled(why=told("stale"), when="2026-11-18T11:06:40.125Z"),
        )
    ]

    assert texts == [
        "Datenträger voll seit 2026-11-18 11:06:40 UTC; nicht lesbar",
        f"tauscht nichts aus: {Phrase(rests).said('de')}",
        "veraltet, zuletzt gesehen: 2026-11-18 11:06:40 UTC",
    ]
    assert said("seen 2026-11-18T11:06:40+00:00", language="en") == (
        "seen 2026-11-18 11:06:40 UTC"
    )


def test_what_was_checked_is_named() -> None:
    names = ("node: feed of b.demo", "peer b.demo", "sending.mail.ca", "a.demo/audit")

    assert [checked(name, language="de") for name in names] == [
        "Knoten: Feed von b.demo",
        "Mitglied b.demo",
        "sending.mail.ca",
        "a.demo/audit",
    ]
    assert checked("clock", language="en") == "clock"


def test_texts_that_wait_for_a_sign_off_are_named_in_words() -> None:
    status = {"texts_unsigned": ["code_letter", "newer_text"]}

    (found,) = owed(status)

    assert said(found.found, language="en") == (
        "nobody has signed off letter with a code, newer_text"
    )
    assert said(found.found, language="de") == (
        "niemand hat freigegeben: Brief mit Code, newer_text"
    )
    assert {each.value for each in TextName} <= CODES.keys()


def test_numbers_and_names_stay() -> None:
    reserve = Phrase("{free} MiB free, {size} MiB in reserve")
    keys = Phrase("{count} key files are open to others")
    texts = [
        said(text, language="de")
        for text in (
            reserve.filled(free=512, size=64),
            "the entry is missing",
            keys.filled(count=127),
            "3.11.7",
        )
    ]

    assert texts == [
        "512 MiB frei, 64 MiB Reserve",
        "der Eintrag fehlt",
        "127 Schlüsseldateien stehen anderen offen",
        "3.11.7",
    ]
