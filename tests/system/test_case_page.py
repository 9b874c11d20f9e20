# SPDX-License-Identifier: Apache-2.0
"""The page that leads from a finding to a partner does so, word for word."""

import json
import re

import msgspec
import pytest
from tests.support.case_page import SHOWN, TEXT, Desks, blocks, desks, filled_in

from fedsafe_cli.cases.skeleton import skeleton, without_comments
from fedsafe_policies.escalation.matrix import Handling, shipped_matrix
from fedsafe_policies.escalation.package import Elements, present
from fedsafe_policies.escalation.vocabulary import Element, PartnerClass

__all__ = ["desks"]

pytestmark = pytest.mark.timeout(300)


def test_the_page_leads_from_a_finding_to_a_partner(desks: Desks) -> None:
    told = ""
    for who, text, status in blocks():
        done = desks.type(who, text)
        said = done.stdout + done.stderr
        assert done.returncode == status, f"{who}: {text}\n{said}"
        told += said
        for word, (command, shape) in SHOWN.items():
            if f"fedsafe {command}" in text and word not in desks.shown:
                assert shape.search(said), said
                desks.shown[word] = shape.findall(said)[-1]
        if "case template" in text:
            refused = desks.type(
                "Ella", "fedsafe case assess CASE --elements known.json"
            )
            assert refused.returncode == 2
            assert "suspects[0].account_id is empty" in refused.stderr
            (desks.home / "known.json").write_text(json.dumps(filled_in()))

    assert desks.shown.keys() == SHOWN.keys()
    package = json.loads((desks.home / "opened" / "package.json").read_text())
    wanted = filled_in() | {"attachments": ..., "case": ..., "phenomenon": ...}
    assert package["elements"].keys() == wanted.keys() | {"threat", "victim_ages"}
    assert package["elements"]["threat"]["reason"].startswith("The meeting is agreed")


def test_what_is_filled_in_is_the_template_without_what_is_lacking() -> None:
    lacking = set(re.findall(r"--unavailable (\w+)=does_not_apply", blocks_text()))
    text = skeleton(PartnerClass.LAW_ENFORCEMENT, shipped_matrix(), {}, "en")
    wanted = json.loads(without_comments(text.encode()))

    assert filled_in().keys() == wanted.keys() - lacking
    known = msgspec.json.decode(json.dumps(filled_in()), type=Elements)
    assert present(known) == {Element(name) for name in filled_in()}


def blocks_text() -> str:
    return "\n".join(text for _, text, _ in blocks())


@pytest.mark.parametrize("partner", sorted(PartnerClass))
def test_what_the_page_says_of_a_class_is_what_the_matrix_says(
    partner: PartnerClass,
) -> None:
    row = re.search(
        rf"^\| `{partner}` \|[^|]*\|([^|]*)\|([^|]*)\|$", TEXT, re.MULTILINE
    )
    cells = shipped_matrix().row(partner)
    if partner in {PartnerClass.BZKJ, PartnerClass.PEER}:
        assert row is None
        return
    assert row is not None
    must, may = (set(re.findall(r"\w+", cell)) for cell in row.groups())

    named = {
        handling: {
            element.value
            for element, cell in cells.items()
            if cell.handling is handling and element is not Element.CASE
        }
        for handling in Handling
    }
    assert must == named[Handling.REQUIRED] | named[Handling.HASH_ONLY]
    assert may == named[Handling.CONDITIONAL]
