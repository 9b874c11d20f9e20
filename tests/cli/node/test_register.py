# SPDX-License-Identifier: Apache-2.0
import json
import socket
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ENTRY = {
    "entry": "0" * 32,
    "status": "met",
    "expires_on": "2027-11-01",
    "evidence": "doc-7",
    "reason": None,
    "entered_by": "anna",
    "entered_at": "2026-11-24T12:00:00+00:00",
    "reviewed_by": None,
    "reviewed_at": None,
}


def item(name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "item": name,
        "title": {"de": "Die Leitung steht dazu", "en": "The management says so"},
        "source": "part V",
        "mandatory": True,
        "may_not_apply": False,
        "missing": True,
        "counts": None,
        "waits": None,
    } | more


LACKING = {
    "met": False,
    "met_until": None,
    "missing": ["S-V-1"],
    "items": [
        item("S-V-1", waits=ENTRY),
        item("S-I-1", counts=ENTRY | {"reviewed_by": "ben"}, missing=False),
    ],
}
MET = LACKING | {"met": True, "met_until": "2027-11-01T00:00:00+00:00", "missing": []}


def posted(node: "FakeNode") -> list[Any]:
    return [body for target, body in node.asked if target.startswith("POST")]


def test_the_register_is_shown_as_a_table(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/register", LACKING)
    shown = ask("register", "show")
    german = ask("register", "show", "--lang", "de")
    as_json = ask("register", "show", "--json")

    assert shown.status == 0
    assert "The management says so" in shown.out
    assert "ben" in shown.out
    assert "Missing: S-V-1" in shown.out
    assert "Die Leitung steht dazu" in german.out
    assert "erfüllt" in german.out
    assert as_json.document == with_moments(LACKING)


@pytest.mark.parametrize(("answer", "status"), [(LACKING, 1), (MET, 0)])
def test_a_check_fails_while_something_is_missing(
    ask: "Run", node: "FakeNode", answer: dict[str, Any], status: int
) -> None:
    node.always("GET /v1/register", answer)
    shown = ask("register", "check")
    as_json = ask("register", "check", "--json")

    assert (shown.status, as_json.status) == (status, status)
    assert ("S-V-1" in shown.out) is (status == 1)
    assert as_json.document["missing"] == answer["missing"]


def test_an_entry_travels_without_what_was_not_said(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/register/S-V-1", LACKING)
    done = ask(
        *("register", "set", "S-V-1", "--status", "met"),
        *("--evidence", "doc-7", "--expires", "2027-11-01"),
    )

    assert done.status == 0
    assert posted(node) == [
        {"status": "met", "evidence": "doc-7", "expires_on": "2027-11-01"}
    ]


def test_a_review_confirms_the_entry_that_waits(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/register", LACKING)
    node.always("POST /v1/register/S-V-1/review", MET)
    node.always("POST /v1/register/S-I-1/review", MET)
    done = ask("register", "review", "S-V-1")
    nothing = ask("register", "review", "S-I-1")
    unknown = ask("register", "review", "S-VI-9")
    named = ask("register", "review", "S-I-1", "--entry", "1" * 32)

    assert (done.status, named.status) == (0, 0)
    assert (nothing.status, unknown.status) == (5, 5)
    assert "waits for a second person" in nothing.err
    assert posted(node) == [{"entry": "0" * 32}, {"entry": "1" * 32}]


def test_a_name_that_is_no_item_reaches_no_node(ask: "Run", node: "FakeNode") -> None:
    refused = ask("register", "review", "../gate", "--entry", "1" * 32)

    assert refused.status == 5
    assert posted(node) == []


def test_the_public_part_is_printed_as_it_is(ask: "Run", node: "FakeNode") -> None:
    public = {"node": "a.demo", "met": False, "met_until": None, "items": []}
    node.always("GET /v1/register/public", public)

    assert json.loads(ask("register", "export").out) == public


def answering(reply: object) -> str:
    """Answer one request on loopback; return the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    port, body = listener.getsockname()[1], json.dumps(reply).encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}"
    )

    def answer() -> None:
        with listener, listener.accept()[0] as line:
            line.recv(65_536)
            line.sendall(head.encode() + b"\r\n\r\n" + body)

    Thread(target=answer, daemon=True).start()
    return f"http://127.0.0.1:{port}"


PUBLIC: dict[str, Any] = {
    "node": "b.demo",
    "met": False,
    "met_until": None,
    "items": [
        {
            "item": "S-V-1",
            "title": {"de": "Die Leitung steht dazu", "en": "The management says so"},
            "mandatory": True,
            "status": "met",
            "evidence": "https://b.example/schutz",
            "reviewed_by_role": "dpo",
            "reviewed_on": "2026-11-20",
            "expires_on": "2027-11-01",
        },
        {
            "item": "S-I-3",
            "title": {"de": "Für Minderjährige", "en": "For minors"},
            "mandatory": False,
            "status": None,
        },
    ],
}


@pytest.mark.parametrize("language", ["de", "en"])
def test_another_members_public_part_is_shown(
    ask: "Run", node: "FakeNode", language: str
) -> None:
    peer = {"name": "b.demo", "url": answering(PUBLIC)}
    node.always("GET /v1/status", {"peers": [peer]})
    shown = ask("register", "show", "--of", "b.demo", "--lang", language)

    assert shown.status == 0
    for told in ("S-V-1", "2027-11-01", "https://b.example/schutz"):
        assert told in shown.out
    other = language == "en"
    assert ("The register of b.demo is not met." in shown.out) is other
    assert ("Das Register von b.demo ist nicht erfüllt." in shown.out) is not other


def test_who_is_no_member_or_answers_as_another_shows_nothing(
    ask: "Run", node: "FakeNode"
) -> None:
    peer = {"name": "c.demo", "url": answering(PUBLIC)}
    node.always("GET /v1/status", {"peers": [peer]})
    stranger = ask("register", "show", "--of", "x.demo")
    wrong = ask("register", "show", "--of", "c.demo")

    assert (stranger.status, stranger.out) == (5, "")
    assert "members: c.demo" in stranger.err
    assert wrong.status not in {0, 5}
    assert "another node" in wrong.err


@pytest.mark.parametrize(
    "answer",
    [
        [],
        PUBLIC | {"items": [{}]},
        PUBLIC | {"items": [PUBLIC["items"][0] | {"status": "splendid"}]},
        PUBLIC | {"items": [PUBLIC["items"][0] | {"title": "x"}]},
    ],
)
def test_a_member_that_answers_nonsense_is_called_broken(
    ask: "Run", node: "FakeNode", answer: object
) -> None:
    peer = {"name": "b.demo", "url": answering(answer)}
    node.always("GET /v1/status", {"peers": [peer]})
    shown = ask("register", "show", "--of", "b.demo")
    stranger = ask("register", "show", "--of", "\x1b[2Jx")

    assert "what answers for b.demo is malformed" in shown.err
    assert shown.status == 1
    assert "\x1b" not in stranger.err
