# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.federation.ceremony import fingerprint
from fedsafe_cli.terminal.errors import BrokenAnswerError

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
    waits(node)
    propose = ("federation", "found", "propose", "--federation", "k.example")
    german = ask(*propose, str(shared), "--lang", "de")
    (shared / "founding.proposal-a.demo.json").unlink()
    done = ask(
        *(*propose, "--threshold", "2", "--arrangement", str(terms), str(shared))
    )
    again = ask(*propose, "--json", str(shared))
    bad = ask(*propose, "--arrangement", str(tmp_path), str(shared))

    assert "geschrieben: founding.proposal-a.demo.json" in german.out
    assert node.asked[3][1] == {
        "federation": "k.example",
        "cards": [A],
        "threshold": 2,
        "arrangement": "joint",
    }
    assert fingerprint(A)[:4] not in done.out + done.err
    assert "written: founding.proposal-a.demo.json" in done.out
    assert again.document == {"written": [], "founded": False}
    assert bad.status == 5


def test_a_step_says_whether_it_is_founded(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PROPOSAL))
    node.always("POST /v1/founding", [])
    waiting = ask("federation", "found", "step", str(tmp_path))
    node.always(CARD, A)
    node.always("POST /v1/founding", {"code": "founding_waits", "detail": "no"}, 409)
    early = ask("federation", "found", "step", str(tmp_path))
    as_json = ask("federation", "found", "step", "--json", str(tmp_path))
    node.always("POST /v1/founding", [])
    german = ask("federation", "found", "step", str(tmp_path), "--lang", "de")
    node.always(CHARTER, {"signatures": []})
    founded = ask("federation", "found", "step", str(tmp_path))
    done = ask("federation", "found", "step", str(tmp_path), "--lang", "de")

    assert "the others are to step next" in waiting.out
    assert "the federation is founded" in founded.out
    assert german.out.startswith("nichts Neues: als Nächstes machen die anderen")
    assert done.out.startswith("die Föderation ist gegründet;")
    assert (early.status, as_json.status) == (13, 13)
    assert "a.demo: the operator has yet to confirm" in early.err
    assert f"fedsafe federation found confirm {tmp_path}" in early.err
    assert as_json.document == {"written": [], "founded": False}


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
    waits(node)
    return ("federation", "found", "run", "--federation", "k.example", "--member", url)


def test_who_has_yet_to_confirm_is_named_and_shown_no_fingerprint(
    ask: "Run",
    remote_node: "tuple[FakeNode, str]",
    found_run: tuple[str, ...],
) -> None:
    waits = {"code": "founding_waits", "detail": "no"}
    remote_node[0].always("POST /v1/founding", waits, 409)
    outcome = ask(*found_run)
    as_json = ask(*found_run, "--json")
    german = ask(*found_run, "--lang", "de")

    assert (outcome.status, as_json.status, german.status) == (13, 13, 13)
    assert "b.demo: the operator has yet to confirm" in outcome.err
    assert "b.demo: die Bestätigung des Betreibers steht noch aus" in german.err
    assert as_json.document["waiting"] == ["b.demo"]
    shown = outcome.out + outcome.err
    assert not any(group in shown for group in fingerprint(B).split())


def test_nothing_stands_for_the_groups(ask: "Run", found_run: tuple[str, ...]) -> None:
    assert ask(*found_run, "--yes").status == 2
    assert ask("federation", "found", "confirm", "--yes").status == 2


FOUNDING = {
    "proposal": "5b" * 32,
    "state": "waiting",
    "expires": 1_800_000_000,
    "tries_left": 5,
    "federation": "kids.example",
    "by": "a.demo",
    "threshold": 2,
    "quorum": 2,
    "fewest": None,
    "since": 1_790_000_000,
    "until": 1_821_000_000,
    "policy": "strict",
    "policy_sha256": "ab" * 32,
    "arrangement_sha256": hashlib.sha256(b"").hexdigest(),
    "members": [
        {
            "name": f"{name}.demo",
            "url": f"https://{name}.demo",
            "jurisdiction": "DE",
            "fingerprint": "1111 ···· 3333 ···· 5555 6666 7777 8888",
            "asked": [2, 4],
            "inside": False,
        }
        for name in "abc"
    ],
}


MEMBERS: list[dict[str, Any]] = FOUNDING["members"]  # type: ignore[assignment]


def waits(node: "FakeNode", *foundings: dict[str, Any]) -> None:
    node.always("GET /v1/founding/proposals", {"foundings": list(foundings)})
    for act in ("confirm", "withdraw"):
        node.always(f"POST /v1/founding/{act}", FOUNDING | {"state": f"{act}ed"})


def test_a_proposal_is_shown_with_all_that_is_agreed_on(
    ask: "Run", node: "FakeNode"
) -> None:
    waits(node, FOUNDING)
    shown = ask("federation", "found", "review")
    german = ask("federation", "found", "review", "--lang", "de")
    as_json = ask("federation", "found", "review", "--json")
    waits(node)
    none = ask("federation", "found", "review")

    for each in ("5b" * 32, "kids.example", "2 of 3", "strict " + "ab" * 32, "none"):
        assert each in shown.out
    assert "2026-09-21" in shown.out
    assert "1111 ···· 3333 ····" in shown.out
    assert "Vereinbarung" in german.out
    assert as_json.document["foundings"][0]["members"] == FOUNDING["members"]
    assert none.out == "nothing\n"


def test_two_groups_of_each_other_member_are_asked_for(
    ask: "Run", node: "FakeNode"
) -> None:
    own = {**FOUNDING["members"][0], "asked": []}  # type: ignore[index]
    members = [own, *FOUNDING["members"][1:]]  # type: ignore[index]
    waits(node, FOUNDING | {"members": members})
    typed = b"2222\n2222 4444\nab12 cd34\n"
    done = ask("federation", "found", "confirm", stdin=typed)
    target, body = node.asked[-1]

    assert done.status == 0
    assert target == "POST /v1/founding/confirm"
    assert body == {
        "proposal": "5b" * 32,
        "groups": {"b.demo": ["2222", "4444"], "c.demo": ["ab12", "cd34"]},
    }
    assert "b.demo, groups 2 and 4, as they are read out" in done.err
    assert "please type two groups of four" in done.err
    assert "····" not in done.out + done.err


def test_who_types_no_groups_confirms_nothing(ask: "Run", node: "FakeNode") -> None:
    waits(node, FOUNDING)
    outcome = ask("federation", "found", "confirm", stdin=b"1111 2222\n")

    assert outcome.status == 5
    assert "nobody has typed the groups" in outcome.err
    assert all(target.startswith("GET") for target, _ in node.asked)


def test_one_of_several_proposals_is_named(ask: "Run", node: "FakeNode") -> None:
    other = FOUNDING | {"proposal": "7c" * 32}
    waits(node, FOUNDING, other)
    withdraw = ("federation", "found", "withdraw")
    which = ask(*withdraw)
    done = ask(*withdraw, "--proposal", "7c7c")
    none = ask(*withdraw, "--proposal", "00")
    waits(node, FOUNDING, other | {"state": "refused"})
    left = ask(*withdraw)

    assert (which.status, done.status, none.status, left.status) == (5, 0, 5, 0)
    assert "name one with --proposal" in which.err
    assert node.asked[-2][1] == {"proposal": "5b" * 32}


def test_a_review_says_what_follows(ask: "Run", node: "FakeNode") -> None:
    members = [each | {"inside": each["name"] == "c.demo"} for each in MEMBERS]
    waits(node, FOUNDING | {"fewest": 3, "tries_left": 2, "members": members})
    shown = ask("federation", "found", "review")
    german = ask("federation", "found", "review", "--lang", "de")
    waits(node, FOUNDING | {"state": "dealt"})
    dealt = ask("federation", "found", "review")

    assert "tries left   2\n" in shown.out
    assert "changes by   2 of 3\n" in shown.out
    assert "down to 3: 2 make a token then too, and 2 change the charter" in shown.out
    inner = [each for each in shown.out.splitlines() if "inner network" in each]
    assert len(inner) == 1
    assert inner[0].startswith("c.demo: https://c.demo leads into an inner network")
    assert "Versuche übrig" in german.out
    assert "führt in ein inneres Netz" in german.out
    assert "share made, cannot be taken back\n" in dealt.out
    assert "tries left" not in dealt.out


def test_who_types_wrong_groups_is_told_how_often_he_may(
    ask: "Run", node: "FakeNode"
) -> None:
    template = (
        "what was typed for {name} is not in the fingerprint of its card in this "
        "proposal: the card may have been swapped; tries left: {count}"
    )
    params = {"name": "b.demo", "count": 4}
    said = template.format(**params)
    waits(node, FOUNDING | {"members": MEMBERS[:1]})
    problem: dict[str, object] = {"code": "wrong_groups", "detail": said}
    problem |= {"template": template, "params": params}
    node.always("POST /v1/founding/confirm", problem, 422)
    confirm = ("federation", "found", "confirm")
    english = ask(*confirm, stdin=b"2222 4444\n")
    german = ask(*confirm, "--lang", "de", stdin=b"2222 4444\n")
    spent = {"code": "founding_spent", "detail": "wrong groups were typed 5 times"}
    node.always("POST /v1/founding/confirm", spent, 409)
    over = ask(*confirm, stdin=b"2222 4444\n")

    assert (english.status, german.status, over.status) == (5, 5, 5)
    assert said in english.err
    assert "für b.demo eingegeben" in german.err
    assert "Versuche übrig: 4" in german.err
    assert "propose --anew` in a new folder" in over.err


def test_who_withdraws_is_told_what_that_means(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PROPOSAL))
    node.always("POST /v1/founding/review", FOUNDING)
    waits(node, FOUNDING | {"proposal": "7c" * 32, "state": "dealt"})
    node.always("POST /v1/founding/withdraw", FOUNDING | {"state": "refused"})
    withdraw = ("federation", "found", "withdraw")
    by_files = ask(*withdraw, str(tmp_path))
    german = ask(*withdraw, str(tmp_path), "--lang", "de")
    as_json = ask(*withdraw, str(tmp_path), "--json")
    node.always("POST /v1/founding/withdraw", FOUNDING | {"state": "dealt"})
    made = ask(*withdraw, str(tmp_path))
    over = "the founding is over: this node is a member, and can only leave"
    problem = {"code": "founding_over", "detail": over}
    node.always("POST /v1/founding/withdraw", problem, 409)
    member = ask(*withdraw, str(tmp_path))

    assert "tell the convenor: no file in the folder says so" in by_files.err
    assert f"take part again: fedsafe federation found confirm {tmp_path}" in (
        by_files.err
    )
    assert "goes on, for this node has made its share: a.demo, b.demo" in by_files.err
    assert "der einladenden Stelle Bescheid geben" in german.err
    assert as_json.err == ""
    assert "consent to fewer members has ended" in made.err
    assert "tell the convenor" not in made.err
    assert "fedsafe federation leave" in member.err


def proposed(*names: str, threshold: int, created: int = 7) -> dict[str, Any]:
    cards = [A | {"signer": f"{name}.demo"} for name in names]
    terms = {"federation": "kids.example", "threshold": threshold, "created": created}
    return signed(terms | {"cards": cards}, type="founding.proposal")


def test_a_step_names_whom_it_waits_for(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    mine = signed({}, type="founding.announce")
    (tmp_path / "p.json").write_text(json.dumps(proposed(*"abc", threshold=2)))
    (tmp_path / "b.json").write_text(json.dumps(mine | {"signer": "b.demo"}))
    node.always("POST /v1/founding", [mine])
    first = ask("federation", "found", "step", str(tmp_path))
    node.always("POST /v1/founding", [])
    again = ask("federation", "found", "step", str(tmp_path), "--lang", "de")

    assert "written: founding.announce-a.demo.json\n" in first.out
    assert first.out.endswith("to step next: c.demo\n")
    assert again.out == (
        "nichts Neues: als Nächstes machen die anderen ihren Schritt\n"
        "der nächste Schritt ist bei: c.demo\n"
    )


def test_who_proposes_is_told_who_confirms_anew(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(A))
    propose = ("federation", "found", "propose", "--federation", "kids.example")

    def said(threshold: int, created: int, *flags: str) -> str:
        proposal = proposed(*"ab", threshold=threshold, created=created)
        node.always("POST /v1/founding/proposal", proposal)
        folder = tmp_path / f"{threshold}-{created}{len(flags)}"
        folder.mkdir()
        (folder / "a.json").write_text(json.dumps(A))
        outcome = ask(*propose, *flags, str(folder))
        assert outcome.status == 0
        return outcome.err

    waits(node)
    assert said(2, 7) == ""
    waits(node, FOUNDING | {"since": 8, "threshold": 2})
    assert "need not do so again" in said(2, 8)
    anew = said(2, 9, "--anew")
    assert node.asked[-1][1]["anew"] is True
    assert anew == "all confirm anew, also who has confirmed before\n"
    other = said(1, 8, "--lang", "de")
    assert "die Schwelle ist jetzt 1 von 2, vorher war sie 2 von 3" in other
    assert "alle bestätigen neu" in other


def test_a_folder_holds_one_proposal(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(A))
    empty = ask("federation", "found", "review", str(tmp_path))
    (tmp_path / "p.json").write_text(json.dumps(PROPOSAL))
    node.always("POST /v1/founding/review", FOUNDING)
    shown = ask("federation", "found", "review", str(tmp_path))

    assert (empty.status, shown.status) == (5, 0)
    assert "exactly one proposal" in empty.err
    assert node.asked == [("POST /v1/founding/review", PROPOSAL)]


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
    outcome = ask(*found_run, *flags)

    assert outcome.status == 0
    if flags:
        assert outcome.document["members"] == ["a.demo", "b.demo"]
    else:
        assert "founded: k.example with a.demo, b.demo" in outcome.out


def test_a_founding_that_stands_still_names_who_waits(
    ask: "Run", node: "FakeNode", found_run: tuple[str, ...]
) -> None:
    node.always(CHARTER, {})
    outcome = ask(*found_run)

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
    outcome = ask(*found_run)

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
    outcome = ask(*found_run)

    assert outcome.status == 3
    assert "b.demo: no founding here" in outcome.err
    assert "open = true under [founding]" in outcome.err
    assert "--credential" not in outcome.err
