# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal list` and `revoke`: what is listed, and what its end does."""

import csv
import io
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.terminal.ids import checked_id, shortened

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
OTHER = "01a20e5e-7e0b-7dca-b773-0d06d4879061"
AT = 1_795_521_600
OWN: dict[str, Any] = {
    "signal": ID,
    "state": "own",
    "scope": "self",
    "plane": "actor",
    "listed_at": AT,
    "kind": "email",
    "phenomenon": "violent_fantasy_chat",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "tos-4.2",
    "match_until": "2027-11-18",
    "ends": "2027-11-18",
    "disputed": False,
    "recipients": None,
    "author": None,
}
PUBLISHED = OWN | {
    "signal": OTHER,
    "state": "disputed",
    "scope": "federation",
    "phenomenon": "avatar_acts",
    "recipients": 2,
    "disputed": True,
    "author": "anna",
    "approver": "rita",
    "service": "shop",
    "subject_ref": "7",
    "list_name": "forum-2016",
}
DRAFT = OWN | {
    "state": "draft",
    "scope": "federation",
    "ends": None,
    "author": "anna",
    "nodes": ["b.demo", "c.demo"],
    "provenance": "own_finding",
    "findings": ["targeted", "repeated"],
    "legal_review": "review-4",
}
LIST = "GET /v1/signals?limit=100"


def answer(*signals: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"signals": list(signals), "after": None, "unknown": 0} | more


@pytest.mark.parametrize("columns", [80, 100, 132])
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_table_stays_within_the_terminal_and_draws_nothing(
    ask: "Run",
    node: "FakeNode",
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
    language: str,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    owed = PUBLISHED | {"state": "revoked", "owed": [f"node{n}.demo" for n in range(9)]}
    node.always(LIST, answer(OWN, PUBLISHED, DRAFT, owed))
    out = ask("signal", "list", "--lang", language).out

    assert max(map(len, out.splitlines())) <= columns
    for letter in out:
        assert "BOX DRAWINGS" not in unicodedata.name(letter, "")
    assert (ID in out) is (columns > 80)
    for word in ("tos-4.2", "shop/7", "forum-2016", "b.demo, c.demo", "review-4"):
        assert word in " ".join(out.split())
    assert "node8.demo" in out


def test_an_id_that_a_table_shortens_is_taken_by_every_command(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(LIST, answer(OWN))
    node.always(f"GET /v1/signals/{ID}", OWN | {"origin": "a.demo"})
    out = ask("signal", "list").out
    (short,) = [word for word in out.split() if len(word) == 26]

    assert short == shortened(ID)
    assert ID in ask("signal", "show", short).out
    for bad in (short[:-1], f"8{short[1:]}", short.replace(short[-1], "u")):
        assert ask("signal", "show", bad).status == 5


@pytest.mark.parametrize("signal", [ID, OTHER, "ffffffff-ffff-7fff-bfff-ffffffffffff"])
def test_a_shortened_id_holds_all_of_it(signal: str) -> None:
    assert len(shortened(signal)) == 26
    assert checked_id(shortened(signal)) == checked_id(signal) == signal


def test_every_filter_reaches_the_node(ask: "Run", node: "FakeNode") -> None:
    query = (
        "state=all&kind=email&phenomenon=grooming&since=2026-11-01&before=2026-12-01"
        "&ends_before=2027-01-01&disputed=true&owed=true&recipient=b.demo"
        "&accounts=true&sort=ends"
    )
    node.always(f"GET /v1/signals?{query}&limit=7&after=9.{ID}", answer())
    said = (
        *("--state", "all", "--kind", "email", "--phenomenon", "grooming"),
        *("--since", "2026-11-01", "--before", "2026-12-01"),
        *("--ends-before", "1.1.2027", "--disputed", "--owed"),
        *("--recipient", "b.demo", "--accounts", "--sort", "ends"),
        *("--after", f"9.{shortened(ID)}", "--limit", "7"),
    )

    assert (found := ask("signal", "list", *said)).status == 0, found.err
    assert found.out == "no signals\n"


@pytest.mark.parametrize(
    "said",
    [
        ("--since", "yesterday"),
        ("--ends-before", "2026-02-30"),
        ("--state", "gone"),
        ("--limit", "0"),
        ("--csv", "--ids"),
        ("--csv", "--json"),
    ],
)
def test_what_no_list_takes_reaches_no_node(
    ask: "Run", node: "FakeNode", said: tuple[str, ...]
) -> None:
    assert ask("signal", "list", *said).status == 2
    assert node.asked == []


def test_pages_are_read_until_enough_is_there(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/signals?limit=3", answer(OWN, after=ID, unknown=1))
    node.always(f"GET /v1/signals?limit=2&after={ID}", answer(after=ID))
    found = [OWN, PUBLISHED]
    node.answers[f"GET /v1/signals?limit=2&after={ID}"] = lambda _: (
        200,
        answer(*found, after=OTHER),
    )
    shown = ask("signal", "list", "--limit", "3", "--ids")
    german = ask("signal", "list", "--limit", "3", "--lang", "de")

    assert shown.out.split() == [ID, ID, OTHER]
    assert f"there are more: --after {OTHER}, or --all" in shown.err
    assert "1 passed over" in shown.err
    assert "es gibt weitere" in german.err
    assert "1 übergangen" in german.err


def test_all_of_them_are_read_to_the_end(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/signals?limit=1000", answer(OWN, after=ID))
    node.always(f"GET /v1/signals?limit=1000&after={ID}", answer(PUBLISHED))
    listed = ask("signal", "list", "--all", "--json").document

    assert [each["signal"] for each in listed["signals"]] == [ID, OTHER]
    assert (listed["after"], listed["unknown"]) == (None, 0)


def test_csv_has_codes_and_no_formula(ask: "Run", node: "FakeNode") -> None:
    risky = PUBLISHED | {"service": None, "subject_ref": "=cmd()", "owed": ["b.demo"]}
    node.always(LIST, answer(OWN, risky, DRAFT))
    out = ask("signal", "list", "--csv").out
    own, published, draft = csv.DictReader(io.StringIO(out, newline=""))

    assert own["signal"] == ID
    assert (own["state"], own["disputed"], own["recipients"]) == ("own", "no", "")
    assert published["account"] == "'=cmd()"
    assert (published["owed"], published["recipients"]) == ("b.demo", "2")
    assert (draft["nodes"], draft["findings"]) == ("b.demo c.demo", "targeted repeated")
    assert own["listed_at"].endswith("Z")


def test_a_review_lets_a_signal_live_on(ask: "Run", node: "FakeNode") -> None:
    kept = {"signal": ID, "review_by": "2027-11-24"}
    node.always(f"POST /v1/signals/{ID}/keep", kept)
    assert "2027-11-24" in ask("signal", "keep", ID).out
    assert "gilt weiter" in ask("signal", "keep", ID, "--lang", "de").out


def test_who_has_what_is_counted_by_member(ask: "Run", node: "FakeNode") -> None:
    holder = {"recipient": "b.demo", "living": 41, "ended": 3, "owed": 2}
    node.always("GET /v1/recipients", {"published": 44, "holders": [holder]})
    shown = ask("signal", "recipients").out.splitlines()
    german = ask("signal", "recipients", "--lang", "de").out

    assert shown[1].split() == ["b.demo", "41", "3", "2"]
    assert "Quittungen fehlen" in german
    node.always("GET /v1/recipients", {"published": 5, "holders": []})
    assert "published: 5" in ask("signal", "recipients").out


SHOWN = PUBLISHED | {
    "origin": "a.demo",
    "state": "published",
    "recipients": ["b.demo", "c.demo"],
    "end_is_told": True,
}
REVOKE = ("signal", "revoke", "--reason", "mistake")


def revoked(node: "FakeNode", *shown: dict[str, Any]) -> None:
    for each in shown:
        path = f"/v1/signals/{each['signal']}"
        node.always(f"GET {path}", each)
        node.always(f"POST {path}/revoke", each | {"state": "revoked"})


def posts(node: "FakeNode") -> list[str]:
    return [target for target, _ in node.asked if target.startswith("POST")]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            (
                *("received by: b.demo, c.demo", "matches at no member any more"),
                *("is told that it has ended", "cannot be taken back"),
                *("Sexual acts with avatars", "shop/7", "rule tos-4.2", "[y/N]"),
            ),
        ),
        (
            "de",
            (
                *("erhalten von: b.demo, c.demo", "trifft bei keinem Mitglied mehr"),
                *("erfährt, dass es geendet hat", "nicht zurücknehmen"),
                *("Sexuelle Handlungen", "shop/7", "Regel tos-4.2", "[j/N]"),
            ),
        ),
    ],
)
def test_a_revocation_says_what_it_does_and_asks(
    ask: "Run", node: "FakeNode", language: str, said: tuple[str, ...]
) -> None:
    revoked(node, SHOWN)
    no = ask(*REVOKE, OTHER, "--lang", language, stdin=b"n\n")
    assert no.status == 5
    assert posts(node) == []
    yes = ask(*REVOKE, OTHER, "--lang", language, stdin=b"j\n")
    assert (yes.status, len(posts(node))) == (0, 1)
    for each in said:
        assert each in yes.err


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (OWN, "It was never published."),
        (DRAFT, "The draft is withdrawn."),
        (SHOWN | {"recipients": []}, "nobody has received it yet"),
        (SHOWN | {"end_is_told": False}, "The person is told nothing"),
    ],
)
def test_each_kind_of_signal_ends_in_its_own_words(
    ask: "Run", node: "FakeNode", shown: dict[str, Any], said: str
) -> None:
    revoked(node, shown)
    assert said in ask(*REVOKE, shown["signal"], stdin=b"y\n").err
    assert len(posts(node)) == 1


def test_without_a_terminal_nothing_is_revoked_unless_yes_is_said(
    ask: "Run", node: "FakeNode"
) -> None:
    revoked(node, SHOWN)
    outcome = ask(*REVOKE, OTHER)
    assert outcome.status == 5
    assert "--yes" in outcome.err
    piped = ask(*REVOKE, "-", stdin=f"{OTHER}\n".encode())
    assert piped.status == 5
    assert posts(node) == []
    assert ask(*REVOKE, "-", "--yes", stdin=f"{OTHER}\n\n".encode()).status == 0
    assert node.asked[-1][1] == {"reason": "mistake"}


def test_several_signals_end_and_what_ended_before_is_no_error(
    ask: "Run", node: "FakeNode"
) -> None:
    revoked(node, OWN, SHOWN)
    gone = {"code": "already_revoked", "detail": "it is stopped"}
    node.always(f"POST /v1/signals/{OTHER}/revoke", gone, 409)
    outcome = ask(*REVOKE, ID, OTHER, shortened(ID), "--yes")
    listed = ask(*REVOKE, ID, OTHER, "--yes", "--json").document

    assert outcome.status == 0
    assert outcome.out.splitlines() == [f"{ID}: revoked", f"{OTHER}: has ended already"]
    assert [each["signal"] for each in listed["signals"]] == [ID]
    assert (listed["already"], listed["problems"]) == ([OTHER], [])


def test_a_refusal_of_one_does_not_keep_the_others(
    ask: "Run", node: "FakeNode"
) -> None:
    revoked(node, OWN, SHOWN)
    denied = {"code": "not_found", "detail": "no such signal"}
    node.always(f"POST /v1/signals/{ID}/revoke", denied, 404)
    outcome = ask(*REVOKE, ID, OTHER, "--yes")

    assert outcome.status == 5
    assert f"{ID}: no such signal" in outcome.err
    assert outcome.out == f"{OTHER}: revoked\n"


def test_what_has_ended_asks_nobody(ask: "Run", node: "FakeNode") -> None:
    revoked(node, SHOWN | {"state": "revoked"})
    outcome = ask(*REVOKE, OTHER)
    assert outcome.status == 0
    assert "has ended already" in outcome.err
    assert posts(node) == []


ACCOUNT = ("signal", "revoke", "--account", "acc-4711", "--reason", "mistake")
ROUTE = "POST /v1/signals/revoke"
ENDS: dict[str, Any] = {
    "signals": [OWN, PUBLISHED, DRAFT],
    "withdrawn": 1,
    "erased": 1,
    "revoked": 1,
    "inquired": [OTHER],
    "end_is_told": True,
    "unknown": 0,
    "dry_run": False,
}


def of_account(node: "FakeNode", **more: object) -> list[dict[str, Any]]:
    """Let the node know an account; what it is asked comes here."""
    asked: list[dict[str, Any]] = []

    def answering(body: dict[str, Any]) -> tuple[int, Any]:
        asked.append(body)
        ended = [each | {"state": "erased"} for each in ({**ENDS, **more})["signals"]]
        dry = body.get("dry_run", False)
        told = {**ENDS, **more, "dry_run": dry}
        return 200, told if dry else told | {"signals": ended}

    node.on(ROUTE, answering)
    return asked


@pytest.mark.parametrize(
    ("language", "said", "sum_"),
    [
        (
            "en",
            (
                *(ID, OTHER, "e-mail address", "ends on 2027-11-18"),
                *("The draft is withdrawn.", "is erased and matches here no more"),
                *("members that received it: 2", "disputed", "asked for a review"),
                *("is told what has ended", "cannot be taken back"),
                "End these 3, for good? [y/N]",
            ),
            "ended: 3 (drafts withdrawn: 1, own bans erased: 1, revoked: 1)",
        ),
        (
            "de",
            (
                *(ID, OTHER, "E-Mail-Adresse", "endet am 2027-11-18"),
                *("Der Entwurf wird zurückgezogen.", "eigene Sperre wird gelöscht"),
                *("erhalten von 2 Mitgliedern", "bestritten", "um Prüfung gebeten"),
                *("erfährt, was geendet hat", "nicht zurücknehmen"),
                "Diese 3 beenden, für immer? [j/N]",
            ),
            (
                "beendet: 3 (Entwürfe zurückgezogen: 1, eigene Sperren gelöscht: 1, "
                "widerrufen: 1)"
            ),
        ),
    ],
)
def test_the_end_of_an_account_is_shown_before_it_is_asked_for(
    ask: "Run", node: "FakeNode", language: str, said: tuple[str, ...], sum_: str
) -> None:
    asked = of_account(node)
    no = ask(*ACCOUNT, "--lang", language, stdin=b"n\n")
    named = {"subject_ref": "acc-4711", "reason": "mistake"}
    assert (no.status, asked) == (5, [named | {"dry_run": True}])
    for each in said:
        assert each in no.err
    yes = ask(*ACCOUNT, "--lang", language, stdin=b"j\n")
    assert (yes.status, asked[2:]) == (0, [named])
    assert yes.out.splitlines()[-1] == sum_


def test_an_account_ends_without_a_question_if_yes_is_said(
    ask: "Run", node: "FakeNode"
) -> None:
    asked = of_account(node)
    assert ask(*ACCOUNT).status == 5
    told = ask(*ACCOUNT, "--service", "shop", "--yes", "--json")
    assert asked[-1] == {"subject_ref": "shop/acc-4711", "reason": "mistake"}
    assert told.document["revoked"] == 1
    assert [each["state"] for each in told.document["signals"]] == ["erased"] * 3


def test_an_account_of_which_nothing_stands_is_no_error(
    ask: "Run", node: "FakeNode"
) -> None:
    none = {"signals": [], "withdrawn": 0, "erased": 0, "revoked": 0}
    asked = of_account(node, **none)
    for more in ((), ("--yes",)):
        outcome = ask(*ACCOUNT, *more)
        assert outcome.status == 0
        assert outcome.out == "Nothing is listed about this account.\n"
    assert [each.get("dry_run", False) for each in asked] == [True, False]
    german = ask(*ACCOUNT, "--lang", "de").out
    assert german == "Zu diesem Konto ist nichts gelistet.\n"
    of_account(node, **none, unknown=3)
    unread = ask(*ACCOUNT, "--yes")
    assert "3 own signals passed over" in unread.err
    assert unread.out == ""


def test_signals_or_an_account_are_named(ask: "Run", node: "FakeNode") -> None:
    asked = of_account(node)
    for wrong in (
        REVOKE,
        (*ACCOUNT, ID),
        (*REVOKE, ID, "--service", "shop"),
        ("signal", "revoke", "--account", "acc-4711"),
        (*ACCOUNT[:3], "shop/acc-4711", "--service", "shop", *ACCOUNT[4:]),
    ):
        assert ask(*wrong, "--yes").status == 2, wrong
    assert asked == []
