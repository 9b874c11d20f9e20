# SPDX-License-Identifier: Apache-2.0
"""What a case must hold for a class of partner, as a file to fill in."""

import itertools
import json
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from tests.support.fleet import config_of
from tests.support.maximal import MAXIMAL
from tests.support.shown_cases import CASE, RECEIPT

from fedsafe_cli.cases.skeleton import skeleton, without_comments
from fedsafe_cli.cases.skeleton_texts import HINTS
from fedsafe_node.ground.carrier_settings import MailSending, Sending
from fedsafe_node.ground.config import render_config
from fedsafe_policies.errors import NothingForPartnerError
from fedsafe_policies.escalation.matrix import Handling, shipped_matrix
from fedsafe_policies.escalation.package import Elements, present
from fedsafe_policies.escalation.projection import Circumstances, project
from fedsafe_policies.escalation.vocabulary import Condition, Element, PartnerClass

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

KNOWN: Final[dict[str, Any]] = json.loads(msgspec.json.encode(MAXIMAL))
NOBODY: Final = {PartnerClass.BZKJ, PartnerClass.PEER}
CLASSES: Final = sorted(set(PartnerClass) - NOBODY)
LATER: Final = {"case", "attachments"}
OPENED: Final = {"phenomenon", "threat", "victim_ages"}
HIDDEN: Final = re.compile(r"^(\s*)// (?=\s*(?://\s*)*[\"}\]])", re.MULTILINE)


def tree_of(text: str) -> dict[str, Any]:
    found = json.loads(without_comments(text.encode()))
    assert isinstance(found, dict)
    return found


def whole(text: str) -> dict[str, Any]:
    """Take away the signs before all that is needed only sometimes."""
    while (shown := HIDDEN.sub(r"\1", text)) != text:
        text = shown
    return tree_of(text)


def filled(empty: Any, known: Any) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(empty, dict):
        return {name: filled(each, known[name]) for name, each in empty.items()}
    if isinstance(empty, list) and empty and isinstance(empty[0], dict):
        return [filled(empty[0], known[0])]
    return known


def gone(partner: PartnerClass) -> set[str]:
    row = shipped_matrix().row(partner)
    counted = {Handling.NEVER, Handling.AGGREGATE}
    return {each.value for each, cell in row.items() if cell.handling not in counted}


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("partner", CLASSES)
def test_all_that_a_class_may_receive_is_there_and_fits_filled_in(
    partner: PartnerClass, language: str
) -> None:
    text = skeleton(partner, shipped_matrix(), {}, language)
    found = whole(text)

    assert found.keys() == gone(partner) - LATER
    complete = filled(found, KNOWN)
    fields = {name: each for name, each in KNOWN.items() if name in found}
    assert complete == fields
    assert present(msgspec.json.decode(json.dumps(complete), type=Elements)) == {
        Element(name) for name in found
    }


@pytest.mark.parametrize("partner", CLASSES)
def test_what_has_to_be_filled_in_is_what_the_class_must_receive(
    partner: PartnerClass,
) -> None:
    text = skeleton(partner, shipped_matrix(), {}, "en")
    found = filled(tree_of(text), KNOWN)
    known = msgspec.json.decode(json.dumps(found), type=Elements)
    later = {name: getattr(MAXIMAL, name) for name in LATER | OPENED}
    granted = Circumstances(granted=frozenset({Condition.TRANSFER_BASIS}))
    projected = project(
        msgspec.structs.replace(known, **later),
        {},
        partner,
        shipped_matrix(),
        granted,
    )

    assert projected.missing == frozenset()
    assert present(known) <= present(projected.elements)


@pytest.mark.parametrize("partner", sorted(NOBODY))
def test_nobody_fills_in_a_case_for_who_receives_none(
    run: "Run", tmp_path: Path, partner: PartnerClass
) -> None:
    outcome = run(
        *("case", "template", "--for", partner.value, "--output", str(tmp_path / "x"))
    )

    with pytest.raises(NothingForPartnerError):
        skeleton(partner, shipped_matrix(), {}, "de")
    assert outcome.status == 5
    assert "receives no single case" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_every_field_says_what_belongs_into_it_in_both_languages() -> None:
    german, english = (
        {
            line.split('"')[1]
            for partner in CLASSES
            for before, line in _fields(
                skeleton(partner, shipped_matrix(), {}, language)
            )
            if not before.lstrip(" /")
        }
        for language in ("de", "en")
    )

    assert (german, english) == (set(), set())
    assert all(each.said("de") != each.said("en") for each in HINTS.values())


def _fields(text: str) -> list[tuple[str, str]]:
    """Give each line with a value, and the comment before it."""
    lines = [line.strip() for line in text.splitlines()]
    value = re.compile(r'(?:// )*"[a-z_0-9]+": (?:""|null|\[""\])')
    comment = re.compile(r"(?:// )+[^\"{}\s].*")
    return [
        (before if comment.fullmatch(before) else "", line)
        for before, line in itertools.pairwise(lines)
        if value.match(line)
    ]


def test_sender_and_reply_are_the_nodes_own(run: "Run", short_path: Path) -> None:
    config = config_of("a.demo", 8470)
    mail = MailSending(host="mail.a.demo", sender="cases@a.demo")
    told = []
    for each in (config, msgspec.structs.replace(config, sending=Sending(mail=mail))):
        (short_path / "node.toml").write_text(render_config(each))
        outcome = run(
            *("case", "template", "--for", "hotline", "--output", "-"),
            *("--config", str(short_path)),
        )
        assert outcome.status == 0, outcome.err
        told.append(tree_of(outcome.out))

    assert told[0]["sender"] == {
        "provider": "a.demo",
        "node": "a.demo",
        "country": "DE",
    }
    assert told[0]["reply"] == {"address": config.contact, "languages": ["de", "en"]}
    assert told[1]["reply"]["address"] == "cases@a.demo"


def test_without_a_node_they_are_empty_and_that_is_said(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    given = ("case", "template", "--for", "hotline", "--output")
    english, german = run(*given, "-"), run(*given, "-", "--lang", "de")
    named = run(*given, "-", "--config", str(tmp_path / "nowhere"))

    assert tree_of(english.out)["sender"] == {"provider": "", "node": "", "country": ""}
    assert "sender and reply are empty" in english.err
    assert "sender und reply sind leer" in german.err
    assert "Erforderlich." in german.out
    assert named.status == 2


def test_a_matrix_of_the_providers_own_asks_for_less(
    run: "Run", short_path: Path
) -> None:
    shipped = Path("policies/fedsafe_policies/data/minimisation.toml").read_text()
    own = shipped.replace('name = "germany"', 'name = "ours"')
    for cell in ('measures = "required"\n', 'locators = "required"\n'):
        own = own.replace(cell, "")
    config = msgspec.structs.replace(
        config_of("a.demo", 8470), minimisation="ours.toml"
    )
    (short_path / "node.toml").write_text(render_config(config))
    given = ("case", "template", "--for", "hotline", "--config", str(short_path))
    (short_path / "ours.toml").write_text(own)
    fitting = run(*given, "--output", "-")
    (short_path / "ours.toml").write_text(
        own.replace("[partners.peer]", '[partners.peer.cells]\ncase = "required"\n')
    )
    unfit = run(*given, "--output", "-")

    assert "ours@" in fitting.out
    assert not {"measures", "locators"} & tree_of(fitting.out).keys()
    assert unfit.status == 2
    assert "ours.toml" in unfit.err


def test_a_template_is_a_new_file_of_its_own_that_is_taken_filled_in_only(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(f"POST /v1/cases/{CASE}/assess", RECEIPT)
    file = tmp_path / "known.json"
    made = ask("case", "template", "--for", "law_enforcement", "--output", str(file))
    again = ask("case", "template", "--for", "law_enforcement", "--output", str(file))
    text = file.read_text()
    empty = ask("case", "assess", CASE, "--elements", str(file))
    file.write_text(text.replace('"account_id": ""', '"account_id": "user-99"'))
    half = ask("case", "assess", CASE, "--elements", str(file))
    complete = filled(tree_of(text), KNOWN)
    file.write_text(f"// of ours\n{json.dumps(complete, indent=1)}\n  // the end\n")
    whole_one = ask("case", "assess", CASE, "--elements", str(file))

    assert made.status == 0, made.err
    assert f"--elements {file}" in made.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (again.status, "exists already" in again.err) == (5, True)
    assert (empty.status, half.status) == (2, 2)
    assert "suspects[0].account_id is empty" in empty.err
    assert "network[0].ip is empty" in half.err
    assert whole_one.status == 0, whole_one.err
    assert node.asked == [(f"POST /v1/cases/{CASE}/assess", {"elements": complete})]


def test_a_field_that_nobody_knows_is_not_named_though_it_is_empty(
    ask: "Run", node: "FakeNode"
) -> None:
    outcome = ask(
        *("case", "assess", CASE, "--elements", "-"),
        stdin=b'{"contact": {"kim@mail.example": ""}}',
    )

    assert outcome.status == 2
    assert "a field is empty" in outcome.err
    assert "kim" not in outcome.err
    assert node.asked == []
