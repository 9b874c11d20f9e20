# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal import --list`, `lists`, `examine` and `approve-list`."""

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from fedsafe_cli.terminal.exit_codes import ExitStatus

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID: Final = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
NAME: Final = "hotline-2026-11"
DIGEST: Final = "0c" * 32
FILE: Final = "a5" * 32
IMPORT: Final = (
    *("signal", "import", "--kind", "sha256", "--phenomenon", "abuse_depiction"),
    *("--surface", "public_content", "--grade", "confirmed_media", "--rule", "r1"),
    *("--scope", "federation"),
)
WAITING: Final[dict[str, Any]] = {
    "name": NAME,
    "count": 2,
    "authors": ["anna"],
    "sources": ["hotline.example/2026-11"],
    "signatures": ["pgp:8a1f"],
}
SAID_OF: Final[dict[str, Any]] = {
    "provenance": "imported_list",
    "phenomenon": "abuse_depiction",
    "surface": "public_content",
    "grade": "confirmed_media",
    "scope": "federation",
    "rule": "r1",
    "match_until": "2027-11-30",
    "source": "hotline.example/2026-11",
    "signature": None,
}
EXAMINED: Final[dict[str, Any]] = {
    "waiting": WAITING,
    "digest": DIGEST,
    "approve_until": 1_796_000_000,
    "facts": [
        SAID_OF | {"count": 1, "nodes": ["b.demo"], "phenomenon": "grooming"},
        SAID_OF | {"count": 1, "nodes": None, "signature": "pgp:8a1f"},
    ],
    "kinds": {"sha256": 2},
    "overlap": [{"origin": "b.demo", "count": 1}],
    "rehearsed": 1,
    "hits": [0],
    "seed": "1d" * 32,
    "drawn": [{"signal": ID, "kind": "sha256", "digest": FILE}],
}
EXAMINE: Final = f"POST /v1/lists/{NAME}/examine"
APPROVE: Final = f"POST /v1/lists/{NAME}/approve"


@pytest.mark.parametrize("signature", [None, "pgp:8a1f"])
def test_an_import_says_which_list_it_is(
    ask: "Run", node: "FakeNode", signature: str | None
) -> None:
    answer = {"signals": [ID], "problems": [], "state": "draft"}
    node.always("POST /v1/signals/import", answer)
    more = () if signature is None else ("--list-signature", signature)
    said = ("--list", NAME, "--list-source", "hotline.example/2026-11")
    done = ask(*IMPORT, *said, *more, stdin=f"{FILE}\n".encode())
    (_, body) = node.asked[-1]
    expected = {"name": NAME, "source": "hotline.example/2026-11"}

    assert done.status == 0
    assert body["list"] == (
        expected if signature is None else expected | {"signature": signature}
    )


@pytest.mark.parametrize("given", [("--list", NAME), ("--list-source", "x")])
def test_a_list_has_a_name_and_a_source(
    ask: "Run", node: "FakeNode", given: tuple[str, ...]
) -> None:
    done = ask(*IMPORT, *given, stdin=f"{FILE}\n".encode())

    assert done.status is ExitStatus.USAGE
    assert node.asked == []


def test_lists_that_wait_are_listed(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/lists", {"lists": [WAITING]})
    shown = ask("signal", "lists")
    node.always("GET /v1/lists", {"lists": []})
    nothing = ask("signal", "lists", "--lang", "de")

    assert NAME in shown.out
    assert "hotline.example/2026-11" in shown.out
    assert "keine Liste" in nothing.out


def test_a_list_is_examined_on_what_hash_prints(ask: "Run", node: "FakeNode") -> None:
    node.always(EXAMINE, EXAMINED)
    stdin = f"sha256:{FILE}  upload.jpg\n".encode()
    shown = ask("signal", "examine", NAME, "-", stdin=stdin)
    (_, body) = node.asked[-1]
    told = json.loads(ask("signal", "examine", NAME, "--json").out)

    assert body == {"rehearsal": [{"kind": "sha256", "value": FILE}]}
    for word in ("b.demo: 1", "pgp:8a1f", DIGEST, f"sha256:{FILE}", "1d" * 32):
        assert word in shown.out
    assert "would hit lines 1" in shown.err
    assert f"approve-list {NAME} {DIGEST}" in shown.err
    assert told == EXAMINED | {"approve_until": "2026-11-30T00:53:20Z"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("imported list", "Grooming", "b.demo", "all members", "matches until")),
        ("de", ("aus einer Liste", "bestimmt für", "alle Mitglieder", "trifft bis")),
    ],
)
def test_the_second_person_reads_what_is_said_of_the_files(
    ask: "Run", node: "FakeNode", language: str, words: tuple[str, ...]
) -> None:
    node.always(EXAMINE, EXAMINED)
    shown = ask("signal", "examine", NAME, "--lang", language)

    for word in (*words, "r1", "hotline.example/2026-11", "2027-11-30", "2026-11-"):
        assert word in shown.out


def test_a_rehearsal_that_is_no_digest_asks_nothing(
    ask: "Run", node: "FakeNode"
) -> None:
    bad = ask("signal", "examine", NAME, "-", stdin=b"upload.jpg\n")
    many = b"sha256:ab\n" * 5_001
    long = ask("signal", "examine", NAME, "-", stdin=many)

    other = ask("signal", "approve-list", "../acts", DIGEST)

    assert other.status is ExitStatus.BAD_INPUT
    assert (bad.status, long.status) == (ExitStatus.BAD_INPUT, ExitStatus.BAD_INPUT)
    assert "line 1" in bad.err
    assert "5000" in long.err
    assert node.asked == []


def test_a_list_is_approved_by_its_digest(ask: "Run", node: "FakeNode") -> None:
    answer: dict[str, Any] = {
        "digest": DIGEST,
        "approved": 2,
        "refused": 0,
        "problems": [],
    }
    node.always(APPROVE, answer)
    done = ask("signal", "approve-list", NAME, DIGEST)
    problem = {"signal": ID, "detail": "This file is evidence of nothing"}
    node.always(APPROVE, answer | {"refused": 1, "problems": [problem]})
    partly = ask("signal", "approve-list", NAME, DIGEST, "--lang", "de")

    assert node.asked[0] == (APPROVE, {"digest": DIGEST})
    assert (done.status, partly.status) == (0, ExitStatus.DENIED)
    assert "published: 2, refused: 0" in done.out
    assert "veröffentlicht: 2, abgelehnt: 1" in partly.out
    assert ID in partly.err
