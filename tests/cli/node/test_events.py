# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run


MARK = "0f" * 8


def event(number: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "number": number,
        "kind": "task.due",
        "at": "2026-11-24T12:00:00+00:00",
        "subject_ref": "user-4711",
        "content": {"task": "t-1"},
    } | more


def part(*events: dict[str, Any], after: int = 0) -> dict[str, Any]:
    return {
        "events": list(events),
        "next": f"{events[-1]['number'] if events else after}-{MARK}",
        "more": False,
    }


def test_events_are_listed_with_the_place_to_go_on(
    ask: "Run", node: "FakeNode"
) -> None:
    due = event(43, kind="notice.due", receipt_due="2026-11-27T12:00:00+00:00")
    node.always("GET /v1/events?after=41&limit=100", part(event(42), due))
    shown = ask("events", "list", "--after", "41")
    as_json = ask("events", "list", "--after", "41", "--json")

    assert shown.status == 0
    assert "task=t-1" in shown.out
    assert "2026-11-27" in shown.out
    assert f"--after 43-{MARK}" in shown.err
    assert json.loads(as_json.out)["next"] == f"43-{MARK}"


def test_a_letter_to_a_person_fills_no_cell(ask: "Run", node: "FakeNode") -> None:
    letter = "Sehr geehrte Damen und Herren, " * 20
    said: dict[str, object] = {"why": "publication", "signal": "s-1", "text": letter}
    said |= {"until": 1_795_000_000}
    due = event(43, kind="notice.due", content=said)
    node.always("GET /v1/events?after=0&limit=100", part(due))
    shown = ask("events", "list").out

    assert "Damen" not in shown
    assert "why=publication signal=s-1 until=2026-11-18 11:06:40 UTC" in shown
    assert "(text: --json)" in shown
    assert "Damen" in ask("events", "list", "--json").out


def test_following_goes_on_from_where_the_answer_ended(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/events?after=0&wait=0", part(event(1), event(2)))
    node.always(f"GET /v1/events?after=2-{MARK}&wait=0", part(event(3, reminds=1)))
    node.always(f"GET /v1/events?after=3-{MARK}&wait=0", part(after=3))
    followed = ask("events", "follow", "--for", "0", "--json")
    shown = ask("events", "follow", "--for", "0", "--after", f"2-{MARK}")

    lines = [json.loads(line) for line in followed.out.splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert "reminds=1" in shown.out
    assert f"--after 3-{MARK}" in shown.err
    assert ask("events", "list", "--after", "2&x").status == 2


def test_a_receipt_is_told(ask: "Run", node: "FakeNode") -> None:
    node.always(
        "POST /v1/events/42/receipt",
        {"number": 42, "receipted_at": "2026-11-24T12:00:00", "receipted_by": "shop"},
    )
    told = ask("events", "receipt", "42")
    german = ask("events", "receipt", "42", "--lang", "de")

    assert told.status == 0
    assert "by shop" in told.out
    assert "quittiert" in german.out


def test_what_takes_no_receipt_is_refused(ask: "Run", node: "FakeNode") -> None:
    problem = {
        "code": "no_receipt",
        "detail": "a receipt is not possible for this kind of event",
    }
    node.always("POST /v1/events/42/receipt", problem, 409)
    refused = ask("events", "receipt", "42")

    assert refused.status != 0
    assert "a receipt is not possible for this kind" in refused.err
