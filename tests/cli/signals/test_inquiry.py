# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING, Any

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

SIGNAL = "01936e0c-0000-7000-8000-000000000000"
OPEN: dict[str, Any] = {
    "signal": SIGNAL,
    "own": False,
    "reason": "listing_wrong",
    "state": "open",
    "members": [
        {"member": "b.demo", "day": "2026-11-24"},
        {"member": "c.demo", "day": "2026-11-25"},
    ],
    "opened_at": "2026-11-24T12:00:00+00:00",
    "ruled_at": None,
    "ruled_by": None,
    "reference": None,
}
KEPT = OPEN | {
    "state": "kept",
    "ruled_at": "2026-11-26T12:00:00+00:00",
    "ruled_by": "ruth",
    "reference": "review-7",
}


def test_inquiries_are_listed_with_who_asks(ask: "Run", node: "FakeNode") -> None:
    target = "GET /v1/listing-inquiries"
    node.always(f"{target}?state=open", {"inquiries": [OPEN | {"own": True}]})
    node.always(f"{target}?state=kept", {"inquiries": []})
    node.always(f"{target}/{SIGNAL}", KEPT)
    shown = ask("inquiry", "list")
    german = ask("inquiry", "list", "--lang", "de")
    one = ask("inquiry", "show", SIGNAL)
    as_json = ask("inquiry", "show", SIGNAL, "--json")
    none = ask("inquiry", "list", "--state", "kept")

    for word in (SIGNAL, "own ban", "b.demo 2026-11-24, c.demo", "waits for review"):
        assert word in shown.out
    for word in ("eigene Sperre", "wartet auf Prüfung", "Mitglieder"):
        assert word in german.out
    assert "reviewed, kept" in one.out
    assert json.loads(as_json.out) == with_moments(KEPT)
    assert none.out == "There are none.\n"


def test_a_signal_is_kept_or_revoked_with_a_reason(
    ask: "Run", node: "FakeNode"
) -> None:
    target = f"POST /v1/listing-inquiries/{SIGNAL}/ruling"
    node.always(target, KEPT)
    kept = ask("inquiry", "decide", SIGNAL, "--keep", "--reason", "review-7")
    german = ask(
        *("inquiry", "decide", SIGNAL, "--revoke", "--reason", "r-8", "--lang", "de")
    )
    undecided = ask("inquiry", "decide", SIGNAL, "--reason", "review-7")
    unnamed = ask("inquiry", "decide", "../acts", "--keep", "--reason", "review-7")

    assert (kept.status, german.status) == (0, 0)
    assert "The members that asked are told" in kept.err
    assert "ist beendet" in german.err
    assert "--keep or --revoke" in undecided.err
    assert undecided.status == unnamed.status == 5
    assert [body for _, body in node.asked] == [
        {"ruling": "kept", "reason": "review-7"},
        {"ruling": "revoked", "reason": "r-8"},
    ]


def test_what_this_node_asks_is_listed_with_its_outcome(
    ask: "Run", node: "FakeNode"
) -> None:
    inquiry = {
        "signal": SIGNAL,
        "origin": "a.demo",
        "state": "waiting",
        "day": "2026-11-24",
        "changed_at": "2026-11-24T12:00:00+00:00",
    }
    lost = inquiry | {"state": "lost"}
    node.always("GET /v1/sent-inquiries", {"inquiries": [inquiry, lost]})
    shown, german = ask("inquiry", "sent"), ask("inquiry", "sent", "--lang", "de")
    as_json = ask("inquiry", "sent", "--json")

    for word in (SIGNAL, "a.demo", "not delivered yet", "origin gone"):
        assert word in shown.out
    assert "noch nicht zugestellt" in german.out
    assert len(json.loads(as_json.out)["inquiries"]) == 2
