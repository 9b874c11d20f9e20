# SPDX-License-Identifier: Apache-2.0
"""What `audit verify` has found is said in German, and no text of that is stale."""

import re
from pathlib import Path

import pytest

from fedsafe_cli.doctor.damage_texts import FINDINGS, finding

NODE = Path(__file__).parents[3] / "node/fedsafe_node"
NAME = re.compile(r"\{[^}]*\}")


@pytest.fixture(scope="module")
def source() -> str:
    text = "\n".join(path.read_text() for path in NODE.rglob("*.py"))
    text = re.sub(r'"\s*\n\s*f?"', "", text)
    return NAME.sub("{}", text)


@pytest.mark.parametrize("english", [each.english for each in FINDINGS])
def test_the_node_still_says_so(english: str, source: str) -> None:
    assert NAME.sub("{}", english) in source


@pytest.mark.parametrize(
    ("english", "german"), [(each.english, each.said("de")) for each in FINDINGS]
)
def test_both_languages_name_the_same(english: str, german: str) -> None:
    assert sorted(NAME.findall(english)) == sorted(NAME.findall(german))
    assert finding(english, language="de") == german
    assert finding(english, language="en") == english


def test_numbers_and_names_are_the_nodes() -> None:
    told = [
        finding(why, language="de")
        for why in (
            "entries are missing that the guard had",
            "the entries are not those that the checkpoint that b.x signed had",
            "its token is not that of its opening",
            "entry 7 of a.demo/audit has no opening",
            "the opening of 'actor' does not fit the record",
        )
    ]

    assert told == [
        "es fehlen Einträge, die die Rücksetz-Sicherung (guard) hatte",
        "die Einträge sind nicht die, die der Prüfpunkt, den b.x signiert hat, hatte",
        "seine Kennung (token) ist nicht die seiner Öffnung",
        "Eintrag 7 von a.demo/audit hat keine Öffnung",
        "die Öffnung 'actor' passt nicht zum Datensatz",
    ]


def test_what_is_newer_than_the_table_is_shown_as_the_node_says_it() -> None:
    assert finding("the moon is gone", language="de") == "the moon is gone"
