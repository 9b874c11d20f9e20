# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.tightening import LOOSE, TEXT, TIGHTER

from fedsafe_policies.effects import effects
from fedsafe_policies.ladder import ladder
from fedsafe_policies.policy import load_policy, shipped
from fedsafe_policies.strictness import loosened
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
