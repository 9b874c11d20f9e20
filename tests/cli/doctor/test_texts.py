# SPDX-License-Identifier: Apache-2.0
"""What `doctor` says is said in the reader's language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fedsafe_cli.doctor.doctor import owed
from fedsafe_cli.doctor.texts import log_named, said, sentences, told
from fedsafe_node.acts.bodies import sentence_of
from fedsafe_node.acts.notices import TextName
from fedsafe_node.rules.policy_context import RESTS
from fedsafe_node.words.codes import CODES
from fedsafe_policies.ground.catalogue import Phrase

ROOT = Path(__file__).parents[3]
ROOM = ROOT / "cli/fedsafe_cli"
NAMES = {"found", "way_out", "told", "theirs", "grant", "revoke", "prepare", "why"}
FOUND = {"Finding", "named.finding"}
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


def made(phrase: Phrase) -> object:
    """Return how a sentence was made, as it comes from a node."""
    return msgspec.to_builtins(sentence_of(phrase))


def test_what_a_node_says_is_said_as_it_was_made() -> None:
    full = Phrase("full since {when}").filled(when="2026-11-18T11:06:40+00:00")
    unread = Phrase("{why}; it cannot be read").filled(why=full)
    rests = Phrase("exchanges nothing: {why}").filled(why=RESTS)
    texts = [told(str(each), made(each)) for each in (unread, rests)]

    assert [said(each, language="de") for each in texts] == [
        "Datenträger voll seit 2026-11-18 11:06:40 UTC; nicht lesbar",
        f"tauscht nichts aus: {RESTS.said('de')}",
    ]
    assert said(texts[0], language="en") == (
        "full since 2026-11-18 11:06:40 UTC; it cannot be read"
    )


def test_what_an_older_node_says_stays_english() -> None:
    assert said(told("full since noon", None), language="de") == "full since noon"


def test_a_field_of_the_state_has_one_sentence_or_several() -> None:
    gone = Phrase("failing")
    status = {"store": "failing", "store_made": made(gone), "keys_departed": ["x", "y"]}

    assert [each.said("de") for each in sentences(status, "store")] == [gone.said("de")]
    assert [each.said("de") for each in sentences(status, "keys_departed")] == [
        "x",
        "y",
    ]
    assert sentences(status, "rests") == []


def test_the_audit_log_has_a_name_of_its_own() -> None:
    names = [log_named(f"a.demo/{log}").said("de") for log in ("audit", "feed")]

    assert names == ["Protokoll a.demo/audit", "Log a.demo/feed"]
    assert str(log_named("a.demo/audit")) == "log a.demo/audit"


def test_why_a_member_is_not_covered_is_said_with_when() -> None:
    away = Phrase("{why}, last seen {when}")
    text = away.filled(why=Phrase("stale"), when="2026-11-18T11:06:40.125Z")

    assert said(text, language="de") == (
        "veraltet, zuletzt gesehen: 2026-11-18 11:06:40 UTC"
    )


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
