# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

from fedsafe_policies.ground.reasons import Rule
from fedsafe_policies.rules.grants import ALLOWED
from fedsafe_policies.rules.refusals import REFUSED

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/policy-rules.md"
ROW = re.compile(r"\| (P\d+) \| [^|]+ \| `([a-z_]+/[a-z_]+\.py)` \|(.*)\|")


def test_the_table_holds_every_rule_with_its_module_and_three_tests() -> None:
    rows = ROW.findall(PAGE.read_text())
    files = (ROOT / "tests/policies").rglob("test_*.py")
    tests = "\n".join(path.read_text() for path in files)
    defined = set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))
    policies = ROOT / "policies/fedsafe_policies"

    assert [rule for rule, _, _ in rows] == [f"P{number}" for number in range(1, 23)]
    for rule, module, cells in rows:
        named = re.findall(r"`(test_\w+)`", cells)
        assert (policies / module).exists(), rule
        assert len(named) == 3, rule
        assert set(named) <= defined, rule


def test_every_rule_has_a_reason_to_refuse_and_is_known() -> None:
    refusing = {rule for rule, _ in REFUSED.values()}
    granting = {rule for rule, _ in ALLOWED.values()}

    assert {f"P{number}" for number in range(1, 23)} <= set(Rule)
    assert set(Rule) == refusing
    assert granting < refusing
