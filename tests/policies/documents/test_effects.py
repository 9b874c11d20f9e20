# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.stricter_policies import LOOSE, TEXT, TIGHTER

from fedsafe_policies.documents.effects import effects
from fedsafe_policies.documents.phenomena import ladder
from fedsafe_policies.documents.policy import load_policy, shipped, shipped_text
from fedsafe_policies.documents.strictness import loosened
from fedsafe_policies.vocabulary import Level

EDITS = [row[:3] for row in TIGHTER]


@pytest.mark.parametrize(("key", "old", "new"), EDITS, ids=[row[0] for row in EDITS])
def test_every_change_has_an_effect_in_two_languages(
    key: str, old: str, new: str
) -> None:
    strict = load_policy(TEXT.replace(old, new, 1).encode())
    there, back = effects(LOOSE, strict), effects(strict, LOOSE)

    assert there
    assert back
    assert all(item.text.de != item.text.en for item in (*there, *back))
    neutral = {
        "jurisdictions.allowed",
        "retention.bucket",
        "rulebook.rules[0].level",
        "rulebook.rules[0].id",
    }
    if key not in neutral:
        assert "looser" not in {item.direction for item in there}
        assert "stricter" not in {item.direction for item in back}


@given(st.sampled_from(["strict", "germany", "synthetic"]))
def test_a_policy_has_no_effect_beside_itself(name: str) -> None:
    assert effects(shipped(name), shipped(name)) == ()
    assert loosened(shipped(name), shipped(name)) == []


def test_a_new_rule_is_told_with_its_consequence() -> None:
    told = [
        item.text
        for name in ("strict", "synthetic")
        for item in effects(shipped(name), shipped("germany"))
    ]

    assert any(
        text.en.startswith("rule house-1 (new, L6 Permanent ban)") for text in told
    )
    assert any("dürfen nun auch gehen an" in text.de for text in told)


def test_the_ladder_has_a_name_for_every_level() -> None:
    assert list(ladder()) == list(Level)
    assert ladder()[Level.L6].de == "Dauerhafte Sperre"


@pytest.mark.parametrize(
    ("key", "old", "new", "ways"),
    [
        (
            "training.analyst",
            'valid = "12 months"',
            'valid = "6 months"',
            ("stricter", "looser"),
        ),
        (
            "training.analyst",
            '["basic", "trauma_informed"]',
            '["basic"]',
            ("looser", "stricter"),
        ),
        (
            "ageing.phone",
            'phone = "6 months"',
            'phone = "2 months"',
            ("stricter", "looser"),
        ),
    ],
)
def test_what_is_compared_as_a_whole_is_told_which_way_it_goes(
    key: str, old: str, new: str, ways: tuple[str, str]
) -> None:
    text = shipped_text("germany").decode()
    head, table, rest = text.partition(f"[{key.partition('.')[0]}")
    assert old in rest
    changed = load_policy((head + table + rest.replace(old, new, 1)).encode())
    germany = shipped("germany")
    there = {item.key: item.direction for item in effects(germany, changed)}
    back = {item.key: item.direction for item in effects(changed, germany)}

    assert (there[key], back[key]) == ways
