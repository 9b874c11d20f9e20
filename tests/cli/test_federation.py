# SPDX-License-Identifier: Apache-2.0
import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.errors import BrokenAnswerError
from fedsafe_cli.federation import fingerprint

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

CHARTER = "GET /v1/charter"
CARD = "GET /v1/card"


def signed(contents: object, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    payload = base64.b64encode(json.dumps(contents).encode()).decode()
    found = {"type": "member.card", "signer": "a.demo", "signature": ""}
    return found | {"payload": payload} | changes


A = signed({"name": "a.demo", "url": "https://a.demo", "jurisdiction": "DE"})
B = signed({"name": "b.demo"}, signer="b.demo")
PROPOSAL = signed({}, type="founding.proposal")
TERMS = {
    "federation": "kids.example",
    "epochs": [{"epoch": 1, "threshold": 2}],
    "policy": {"name": "strict"},
    "members": [
        {"index": 1, "name": "a.demo", "url": "https://a.demo", "jurisdiction": "DE"}
    ],
}


def test_a_card_is_shown_with_its_fingerprint_and_written(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(CARD, A)
    shown = ask("federation", "card")
    as_json = ask("federation", "card", "--json", "--out", str(tmp_path))

    assert shown.status == 0
    assert fingerprint(A) in shown.out
    assert as_json.document == A
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text()) == A


def test_a_fingerprint_depends_on_every_byte() -> None:
    assert fingerprint(A) != fingerprint(B)
    assert len(fingerprint(A).split()) == 8
    with pytest.raises(BrokenAnswerError):
        fingerprint({"payload": "!"})


def test_a_folder_that_is_gone_takes_no_card(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(CARD, A)

    assert ask("federation", "card", "--out", str(tmp_path / "gone")).status == 5


def test_a_card_whose_signer_fits_no_file_name_is_bad_input(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    long = "a." + "b" * 190
    node.always(CARD, A | {"signer": long, "type": long})

    outcome = ask("federation", "card", "--out", str(tmp_path))
    assert outcome.status == 5
    assert "File name too long" in outcome.err


def test_a_charter_is_shown_with_its_members(ask: "Run", node: "FakeNode") -> None:
    document = {"signatures": [signed(TERMS)]}
    node.always(CHARTER, document)
    shown = ask("federation", "show")

    assert shown.status == 0
    assert "2 of 1" in shown.out
    assert "kids.example" in shown.out
    assert ask("federation", "show", "--json").document == document


def test_a_node_without_a_federation_says_so(ask: "Run", node: "FakeNode") -> None:
    node.always(CHARTER, {"code": "not_found", "detail": "none"}, 404)
    outcome = ask("federation", "show")

    assert outcome.status == 5
    assert "belongs to no federation" in outcome.err


def test_a_charter_that_is_refused_otherwise_is_that_refusal(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(CHARTER, {"code": "busy", "detail": "later"}, 503)

    assert ask("federation", "show").status == 11


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"signatures": []},
        {"signatures": [{"payload": "!"}]},
        {"signatures": [{"payload": base64.b64encode(b"{").decode()}]},
        {"signatures": [signed([])]},
    ],
)
def test_what_is_no_charter_is_an_error(
    ask: "Run", node: "FakeNode", document: object
) -> None:
    node.always(CHARTER, document)
    outcome = ask("federation", "show")

    assert outcome.status == 1
    assert "unexpected" not in outcome.err


def test_a_proposal_needs_cards_and_a_step_a_proposal(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    found = ("federation", "found")
    propose = (*found, "propose", "--federation", "k.example", str(tmp_path))
    no_cards = ask(*propose)
    no_proposal = ask(*found, "step", str(tmp_path))

    assert (no_cards.status, no_proposal.status) == (5, 5)
    assert "no cards lie" in no_cards.err
    assert "no proposal lies" in no_proposal.err
    assert node.asked == []


def test_terms_travel_with_the_cards(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.json").write_text(json.dumps(A))
    terms = tmp_path / "terms.txt"
    terms.write_text("joint")
    node.always("POST /v1/founding/proposal", PROPOSAL)
    propose = ("federation", "found", "propose", "--federation", "k.example")
    done = ask(
        *(*propose, "--threshold", "2", "--arrangement", str(terms), str(shared))
    )
    again = ask(*propose, "--json", str(shared))
    bad = ask(*propose, "--arrangement", str(tmp_path), str(shared))

    assert node.asked[0][1] == {
        "federation": "k.example",
        "cards": [A],
        "threshold": 2,
        "arrangement": "joint",
    }
    assert f"a.demo: {fingerprint(A)}" in done.out
    assert "written: founding.proposal-a.demo.json" in done.out
    assert again.document == {"written": [], "founded": False}
    assert bad.status == 5


def test_a_step_says_whether_it_is_founded(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PROPOSAL))
    node.always("POST /v1/founding", [])
    waiting = ask("federation", "found", "step", str(tmp_path))
    node.always(CHARTER, {"signatures": []})
    founded = ask("federation", "found", "step", str(tmp_path))

    assert "the others are to step next" in waiting.out
    assert "the federation is founded" in founded.out


def test_an_answer_to_a_step_that_is_no_list_is_an_error(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PROPOSAL))
    node.always("POST /v1/founding", {})

    assert ask("federation", "found", "step", str(tmp_path)).status == 1


@pytest.fixture
def found_run(node: "FakeNode", remote_node: "tuple[FakeNode, str]") -> tuple[str, ...]:
    """The command that founds a federation of two fakes."""
    other, url = remote_node
    for each, card in ((node, A), (other, B)):
        each.always(CARD, card)
        each.always("POST /v1/founding", [])
    node.always("POST /v1/founding/proposal", PROPOSAL)
    return ("federation", "found", "run", "--federation", "k.example", "--member", url)


def test_fingerprints_are_to_be_compared_first(
    ask: "Run", node: "FakeNode", found_run: tuple[str, ...]
) -> None:
    outcome = ask(*found_run, stdin=b"n\n")

    assert outcome.status == 5
    assert f"b.demo: {fingerprint(B)}" in outcome.err
    assert [target for target, _ in node.asked] == [CARD]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_founding_ends_when_all_have_the_charter(
    ask: "Run",
    node: "FakeNode",
    remote_node: "tuple[FakeNode, str]",
    found_run: tuple[str, ...],
    flags: tuple[str, ...],
) -> None:
    for each in (node, remote_node[0]):
        each.always(CHARTER, {})
    outcome = ask(*found_run, "--yes", *flags)

    assert outcome.status == 0
    if flags:
        assert outcome.document["members"] == ["a.demo", "b.demo"]
    else:
        assert "founded: k.example with a.demo, b.demo" in outcome.out


def test_a_founding_that_stands_still_names_who_waits(
    ask: "Run", node: "FakeNode", found_run: tuple[str, ...]
) -> None:
    node.always(CHARTER, {})
    outcome = ask(*found_run, stdin=b"y\n")

    assert outcome.status == 1
    assert "stands still at b.demo" in outcome.err
    assert "a.demo," not in outcome.err


def test_a_founding_that_never_ends_is_given_up(
    ask: "Run",
    remote_node: "tuple[FakeNode, str]",
    found_run: tuple[str, ...],
) -> None:
    rounds: list[int] = []

    def talk(_body: object) -> tuple[int, Any]:
        rounds.append(1)
        return 200, [B | {"signature": str(len(rounds))}]

    remote_node[0].on("POST /v1/founding", talk)
    outcome = ask(*found_run, "--yes")

    assert outcome.status == 1
    assert "stands still" in outcome.err
    assert len(rounds) == 10


def test_who_takes_part_in_no_founding_is_named_with_the_way_out(
    ask: "Run",
    remote_node: "tuple[FakeNode, str]",
    found_run: tuple[str, ...],
) -> None:
    remote_node[0].on(
        "POST /v1/founding",
        lambda _body: (403, {"code": "forbidden", "detail": "no founding here"}),
    )
    outcome = ask(*found_run, "--yes")

    assert outcome.status == 3
    assert "b.demo: no founding here" in outcome.err
    assert "open = true under [founding]" in outcome.err
    assert "--credential" not in outcome.err
