# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

APPEAL, DISPUTE, RULING = "9c" * 32, "6d" * 32, "3f" * 32
OPEN: dict[str, Any] = {
    "appeal": APPEAL,
    "signal": "01936e0c-0000-7000-8000-000000000000",
    "origin": "a.demo",
    "dispute": DISPUTE,
    "disputed_by": "b.demo",
    "author": "b.demo",
    "heard_by": "c.demo",
    "ours": True,
    "state": "open",
    "received_at": "2026-11-24T12:00:00+00:00",
    "due_at": "2026-12-09T00:00:00+00:00",
    "opened_by": "lea",
    "reason": "ticket-12",
    "ruling": None,
    "ruled_by": None,
    "ruled_at": None,
    "first": None,
    "second": None,
    "ruling_reason": None,
    "set_aside": False,
}
RULED = OPEN | {"state": "ended", "ruled_by": "c.demo", "ruling": RULING}
ACT = {"act": "0" * 32, "kind": "appeal_ruling", "state": "pending"}


def test_an_appeal_is_filed_and_shown(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/disputes/{DISPUTE}/appeal", OPEN)
    node.always(f"GET /v1/appeals/{APPEAL}", RULED | {"set_aside": True})
    filed = ask("appeal", "file", DISPUTE, "--reason", "ticket-12")
    as_json = ask("appeal", "file", DISPUTE, "--reason", "ticket-12", "--json")
    german = ask("appeal", "show", APPEAL, "--lang", "de")

    for word in (APPEAL, "c.demo (this node)", "open", "2026-12-09"):
        assert word in filed.out
    assert json.loads(as_json.out) == with_moments(OPEN)
    for word in ("Signal beendet, ohne Wirkung", RULING, "dieser Knoten"):
        assert word in german.out


def test_appeals_are_listed_to_the_end(ask: "Run", node: "FakeNode") -> None:
    target = "GET /v1/appeals?state=open"
    node.always(target, {"appeals": [OPEN], "next": APPEAL})
    other = OPEN | {"appeal": "8b" * 32, "heard_by": None, "ours": False}
    node.always(f"{target}&after={APPEAL}", {"appeals": [other], "next": None})
    node.always("GET /v1/appeals?state=ruled", {"appeals": [], "next": None})
    shown, none = ask("appeal", "list"), ask("appeal", "list", "--ruled")

    assert APPEAL in shown.out
    assert "nobody" in shown.out
    assert none.out == "There are none.\n"


def test_a_ruling_waits_for_a_second_person(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/appeals/{APPEAL}/ruling", ACT)
    ends = ask("appeal", "rule", APPEAL, "--end", "--reason", "ruling-3")
    ask("appeal", "rule", APPEAL, "--stand", "--reason", "ruling-4", "--json")
    neither = ask("appeal", "rule", APPEAL, "--reason", "ruling-5")

    assert f"fedsafe act approve {'0' * 32}" in ends.out
    assert [body for _, body in node.asked] == [
        {"ends": True, "reason": "ruling-3"},
        {"ends": False, "reason": "ruling-4"},
    ]
    assert neither.status == ExitStatus.BAD_INPUT
    assert "say --end or --stand" in neither.err


@pytest.mark.parametrize("command", ["file", "rule", "show"])
def test_a_name_is_sixty_four_digits(ask: "Run", command: str) -> None:
    more = [] if command == "show" else ["--reason", "ticket-1"]
    more += ["--end"] if command == "rule" else []
    refused = ask("appeal", command, "../x", *more)

    assert refused.status == ExitStatus.BAD_INPUT
    assert "64 hexadecimal digits" in refused.err
