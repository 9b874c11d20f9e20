# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

OWN = """format = 1
dated = 2026-11-27
[verified.hilfe_telefon]
phone = 2026-11-20
"""
BLAME = """
[reply.{block}]
de = "Warum hast du das getan?"
en = "Why did you do that?"
"""
BLOCKS = (
    *("thanks", "not_your_fault", "feelings", "what_now"),
    *("evidence", "offers", "next"),
)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "help.toml"
    file.write_text(OWN)
    return file


def test_a_list_hides_numbers_that_nobody_verified(run: "Run", own: Path) -> None:
    shipped = run("help-directory", "list", "--lang", "de", "--urgent")
    verified = run("help-directory", "list", str(own), "--lang", "de")

    assert "Telefon 110" in shipped.out
    assert "0800 22 55 530" not in shipped.out
    assert "Hilfe-Telefon Sexueller Missbrauch" not in shipped.out  # it has no page
    assert "krisenchat" in shipped.out
    assert verified.status == 0


def test_a_list_is_json_as_well(run: "Run") -> None:
    offers = run("help-directory", "list", "--urgent", "--json").document["offers"]

    assert offers[0]["channels"] == [{"way": "phone", "address": "110"}]


def test_check_lists_what_is_missing_and_what_to_look_up(run: "Run") -> None:
    told = run("help-directory", "check")
    document = run("help-directory", "check", "--json").document

    assert told.status == 0
    assert "worried about own behaviour" in told.out
    assert {"offer": "hilfe_telefon", "way": "phone", "as_of": "2024-05"} in (
        document["stale"]
    )
    assert document["harm"] == []


def test_check_names_harmful_advice_with_its_block(run: "Run", own: Path) -> None:
    own.write_text(OWN + "".join(BLAME.format(block=block) for block in BLOCKS))
    told = run("help-directory", "check", str(own))

    assert told.status == 5
    assert "thanks (de): The sentence blames the affected person." in told.out


def test_a_misfit_is_named_with_key_and_line(run: "Run", own: Path) -> None:
    own.write_text(OWN.replace("hilfe_telefon", "nobody"))
    told = run("help-directory", "check", str(own))

    assert told.status == 5
    assert "line 3: verified.nobody: no such offer" in told.err


def test_the_reply_is_printed_as_a_draft_with_its_digest(run: "Run") -> None:
    told = run("help-directory", "reply", "--lang", "de")
    digest = run("help-directory", "reply", "--json").document["digest"]

    assert told.out.startswith("Entwurf: ")
    assert "Du bist nicht schuld" in told.out
    assert told.out.endswith(f"SHA-256 {digest}\n")


def test_the_reply_says_who_has_approved_it(run: "Run", own: Path) -> None:
    words = run("help-directory", "reply", "--json").document
    blocks = "".join(
        f"[reply.{name}]\nde = '''{text['de']}'''\nen = '''{text['en']}'''\n"
        for name, text in words["blocks"].items()
    )
    own.write_text(
        f"{OWN}{blocks}[reply.approved]\nperson = 'Rosa Beispiel'\n"
        f"organisation = 'Beratungsstelle Musterstadt'\non = 2026-11-27\n"
        f"digest = '{words['digest']}'\n"
    )
    told = run("help-directory", "reply", str(own))

    assert told.status == 0
    assert words["digest"] in told.out
