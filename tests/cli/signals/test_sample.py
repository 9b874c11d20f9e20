# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal sample` and `look`: the yearly sample of the own signals."""

from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

SIGNAL = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
DRAWN: dict[str, Any] = {
    "signal": SIGNAL,
    "drawn_at": 1_795_521_600,
    "due_at": 1_798_113_600,
    "overdue": True,
    "is_yours": True,
    "finding": None,
    "found_by": None,
    "found_at": None,
    "reason": None,
}
FOUND = DRAWN | {
    "overdue": False,
    "is_yours": False,
    "finding": "wrong",
    "found_by": "ruth",
    "found_at": 1_795_521_700,
    "reason": "note-8",
}


def test_the_sample_is_listed_in_both_languages(ask: "Run", node: "FakeNode") -> None:
    listed = {"signals": [DRAWN, DRAWN | {"is_yours": False, "overdue": False}]}
    node.always("GET /v1/signals/sample?state=waiting", listed)
    node.always("GET /v1/signals/sample?state=found", {"signals": [FOUND]})
    shown = ask("signal", "sample")
    german = ask("signal", "sample", "--lang", "de")
    found = ask("signal", "sample", "--state", "found")

    assert shown.status == 0
    for word in (SIGNAL, "overdue", "you can", "somebody else", "2026-12-24"):
        assert word in shown.out
    for word in ("überfällig", "Sie können", "jemand anderes"):
        assert word in german.out
    for word in ("was wrong; revoked", "ruth", "note-8"):
        assert word in found.out
    assert ask("signal", "sample", "--json").document == with_moments(listed)
    node.always("GET /v1/signals/sample?state=waiting", {"signals": []})
    assert "nothing is drawn" in ask("signal", "sample").out


def test_a_finding_travels_with_its_reason(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/signals/{SIGNAL}/sample", FOUND)
    said = ask("signal", "look", SIGNAL, "wrong", "--reason", "note-8")
    german = ask(
        *("signal", "look", SIGNAL, "wrong", "--reason", "note-8", "--lang", "de")
    )
    call = ("signal", "look", SIGNAL, "wrong", "--reason", "note-8", "--json")

    assert (said.status, said.out) == (0, "was wrong; revoked\n")
    assert "widerrufen" in german.out
    assert node.asked[0][1] == {"finding": "wrong", "reason": "note-8"}
    assert ask(*call).document == with_moments(FOUND)


@pytest.mark.parametrize("name", ["7", "../drafts"])
def test_a_name_that_is_no_signal_reaches_no_node(
    ask: "Run", node: "FakeNode", name: str
) -> None:
    assert ask("signal", "look", name, "stands", "--reason", "n-1").status == 5
    assert node.asked == []
