# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.federation.charter_texts import CONSEQUENCES
from fedsafe_cli.federation.federation import COMMANDS
from fedsafe_federation.charter.invitation import Invitation

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

STATUS = "GET /v1/federation"
RESHARE = "POST /v1/federation/reshare"
PROPOSE = "POST /v1/federation/proposals"
DIGEST = "24c0" + "5" * 60
PROPOSAL: dict[str, Any] = {
    "proposal": DIGEST,
    "by": "a.demo",
    "at": 1_700_000_000,
    "changes": [{"de": "c.demo ruht", "en": "c.demo is suspended"}],
    "signed": ["a.demo"],
    "refused": ["b.demo"],
    "missing": ["d.demo"],
    "quorum": 2,
    "count": 1,
    "quorum_after": 3,
    "count_after": 1,
    "dead": False,
}
FOUND: dict[str, Any] = {
    "federation": "kids.example",
    "standing": "active",
    "version": 4,
    "charter": DIGEST,
    "fingerprint": "24c0 5555",
    "quorum": 2,
    "appeal": None,
    "policy": "strict@00000000",
    "arrangement": "arrangement@00000000",
    "members": [
        {
            "index": 7,
            "name": "c.demo",
            "url": "https://c.demo",
            "jurisdiction": "DE",
            "state": "suspended",
            "roles": ["holder"],
            "holder": True,
        }
    ],
    "proposals": [PROPOSAL],
    "joining": [],
    "invitations": [],
    "leaving": ["c.demo"],
    "quarantines": [],
    "forked": None,
    "keys": [
        {
            "epoch": 1,
            "generation": 2,
            "threshold": 3,
            "holders": ["a.demo", "b.demo"],
            "need": "lacking",
            "departed": 1,
            "departed_threshold": 2,
            "warns": True,
        }
    ],
    "attempts": [
        {
            "attempt": 2,
            "by": "b.demo",
            "epoch": 1,
            "generation": 3,
            "threshold": 3,
            "deadline": 1_700_000_000,
            "left_out": ["e.demo"],
            "said": ["a.demo"],
            "state": "waits",
            "gone": [],
        }
    ],
}
ASKED: dict[str, Any] = {
    "act": "0" * 32,
    "kind": "charter_change",
    "digest": "1" * 64,
    "content": {
        "refuse": False,
        "charter": DIGEST,
        "version": 5,
        "payload": "c2VjcmV0",
        "changes": [{"key": "suspended", "de": "c.demo ruht", "en": "c.demo rests"}],
    },
    "asked_by": "olaf",
    "asked_at": 1_700_000_000,
    "expires_at": 1_700_000_000,
    "state": "pending",
}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                *("suspended", "must sign", "1 of 2", "1 of 3", "refused by"),
                *(DIGEST[:16], "wants to leave"),
            ),
        ),
        ("en", ("a member lacks a share", "waits for two people here", "e.demo")),
        ("de", ("ausgesetzt", "muss unterschreiben", "abgelehnt von", "c.demo ruht")),
        ("de", ("einem Mitglied fehlt ein Anteil", "wartet hier auf zwei Personen")),
    ],
)
def test_status_shows_the_charter_and_who_has_signed_what(
    ask: "Run", node: "FakeNode", language: str, words: tuple[str, ...]
) -> None:
    node.always(STATUS, FOUND)
    shown = ask("federation", "status", "--lang", language)

    assert shown.status == 0
    assert [each for each in words if each not in shown.out] == []
    assert ask("federation", "status", "--json").document["version"] == 4


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("suspend", "c.demo"), {"change": "suspend", "member": "c.demo"}),
        (("reinstate", "c.demo"), {"change": "reinstate", "member": "c.demo"}),
        (("expel", "c.demo"), {"change": "expel", "member": "c.demo"}),
        (("leave",), {"change": "leave"}),
        (
            ("set-roles", "c.demo", "--role", "holder", "--role", "media"),
            {"change": "roles", "member": "c.demo", "roles": ["holder", "media"]},
        ),
        (("rotate-keys",), {"change": "keys"}),
        (
            ("rotate-keys", "--stolen-since", "2027-11-03T09:30Z"),
            {"change": "keys", "stolen_since": 1_825_234_200},
        ),
        (
            ("former-keys", "c.demo", "--stolen-since", "2027-11-03T09:30Z"),
            {
                "change": "stolen",
                "member": "c.demo",
                "stolen_since": 1_825_234_200,
                "former": 1,
            },
        ),
        (
            ("former-keys", "c.demo", "--number", "2", "--sound"),
            {"change": "sound", "member": "c.demo", "former": 2},
        ),
        (("set-policy", "--policy"), {"change": "terms", "policy": True}),
        (
            ("set-policy", "--quorum", "3", "--appeal", ""),
            {"change": "terms", "quorum": 3, "appeal": ""},
        ),
    ],
)
def test_a_change_is_told_then_asked_for_and_waits(
    ask: "Run", node: "FakeNode", words: tuple[str, ...], body: dict[str, Any]
) -> None:
    node.always(PROPOSE, ASKED)
    done = ask("federation", *words, "--yes", "--lang", "en")

    assert done.status == 13
    assert node.asked == [(PROPOSE, body)]
    told = CONSEQUENCES[body["change"]][0].english.format(member="c.demo")
    assert told in done.err
    assert "fedsafe act approve" in done.err
    assert "sign this version" in done.out
    assert "c.demo rests" in done.out
    assert "c2VjcmV0" not in done.out


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("reshare",), {}),
        (("reshare", "--threshold", "3"), {"threshold": 3}),
        (("rotate",), {"opens": True}),
        (("rotate", "--threshold", "3"), {"threshold": 3, "opens": True}),
    ],
)
def test_a_resharing_is_told_then_asked_for_and_waits(
    ask: "Run", node: "FakeNode", words: tuple[str, ...], body: dict[str, Any]
) -> None:
    said = {"key": "epochs", "de": "neue Anteile", "en": "new shares: 3 of 5"}
    content = {"epoch": 1, "generation": 1, "threshold": 3, "changes": [said]}
    node.always(RESHARE, {**ASKED, "kind": "key_rotation", "content": content})
    done = ask("federation", *words, "--yes", "--lang", "en")

    assert done.status == 13
    assert node.asked == [(RESHARE, body)]
    assert CONSEQUENCES[words[0]][0].english in done.err
    assert "new shares: 3 of 5" in done.out
    assert ask("federation", words[0]).status == 5


@pytest.mark.parametrize("words", [(), ("--sound", "--stolen-since", "2027-11-03")])
def test_former_keys_are_called_one_thing(
    ask: "Run", node: "FakeNode", words: tuple[str, ...]
) -> None:
    outcome = ask("federation", "former-keys", "c.demo", *words, "--yes")

    assert outcome.status == 5
    assert "--sound" in outcome.err
    assert node.asked == []


def test_nothing_is_asked_for_without_a_yes(ask: "Run", node: "FakeNode") -> None:
    node.always(PROPOSE, ASKED)
    node.always(STATUS, FOUND)
    outcome = ask("federation", "expel", "c.demo")

    assert outcome.status == 5
    assert "--yes" in outcome.err
    assert [target for target, _ in node.asked] == [STATUS]


def test_where_there_is_no_federation_nobody_is_asked_whether_to_go_on(
    ask: "Run", node: "FakeNode"
) -> None:
    problem = {
        "code": "no_federation",
        "detail": "this node does not belong to a federation",
    }
    node.always(STATUS, problem, 409)
    outcome = ask("federation", "rotate-keys")

    assert "no_federation" in outcome.err
    assert "--yes" not in outcome.err
    assert CONSEQUENCES["keys"][0].english not in outcome.err


@pytest.mark.parametrize(("verb", "path"), [("approve", "sign"), ("refuse", "refuse")])
def test_a_vote_names_a_proposal_by_its_beginning(
    ask: "Run", node: "FakeNode", verb: str, path: str
) -> None:
    node.always(STATUS, FOUND)
    target = f"POST /v1/federation/proposals/{DIGEST}/{path}"
    node.always(target, ASKED)
    done = ask("federation", verb, "24C0", "--yes", "--lang", "en")
    unknown = ask("federation", verb, "99", "--yes")

    assert done.status == 13
    assert (target, None) in node.asked
    assert "c.demo is suspended" in done.out
    assert unknown.status == 5
    assert "federation status" in unknown.err


INVITATION = Invitation(
    "kids.example", ("https://a.demo",), bytes(32), 1_800_000_000, b"0123456789abcdef"
).text()
INVITE = "POST /v1/federation/invitations"
JOIN = "POST /v1/federation/join"
JOINED = {
    "federation": "kids.example",
    "version": 1,
    "charter": DIGEST,
    "fingerprint": "77aa 0000",
    "members": ["a.demo", "b.demo"],
    "policy": "strict",
    "joined": False,
}


def test_an_invitation_is_printed_once_or_written_for_its_owner(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    made = {"invitation": INVITATION, "expires": 1, "fingerprint": "24c0 5555"}
    node.always(INVITE, made)
    printed = ask("federation", "invite")
    file = tmp_path / "invitation.txt"
    written = ask("federation", "invite", "--hours", "24", "--out", str(file))
    again = ask("federation", "invite", "--out", str(file))

    assert printed.out == f"{INVITATION}\n"
    assert "24c0 5555" in printed.err
    assert INVITATION not in written.out + written.err
    assert file.read_text() == f"{INVITATION}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert again.status == 5
    assert (INVITE, {"hours": 24}) in node.asked


def test_joining_shows_what_it_names_and_waits(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(JOIN, JOINED)
    file = tmp_path / "invitation.txt"
    file.write_text(INVITATION.lower())
    doubtful = ask("federation", "join", str(file))
    waiting = ask("federation", "join", str(file), "--yes", "--lang", "en")
    node.always(JOIN, JOINED | {"joined": True})
    joined = ask("federation", "join", str(file), "--yes", "--json")

    assert doubtful.status == 5
    assert (waiting.status, joined.status) == (13, 0)
    assert "kids.example" in waiting.out
    assert "0000 0000" in waiting.out
    assert "77aa 0000" in waiting.out
    assert "yet to sign" in waiting.err
    assert node.asked[0] == (JOIN, {"invitation": INVITATION.lower()})


def test_an_invitation_is_taken_back_by_its_name_or_who_came(
    ask: "Run", node: "FakeNode"
) -> None:
    out = {
        "invitation": "0a" * 8,
        "expires": 1,
        "fingerprint": "24c0",
        "name": "d.demo",
    }
    target = f"{INVITE}/{'0a' * 8}/withdraw"
    node.always(STATUS, FOUND | {"invitations": [out]})
    node.always(target, [])
    shown = ask("federation", "status", "--lang", "de")
    outcomes = [
        ask("federation", "withdraw", name, "--yes").status
        for name in ("d.demo", "0a" * 8, "zora@post.example")
    ]

    assert outcomes == [0, 0, 5]
    assert node.asked.count((target, None)) == 2
    assert "Einladung" in shown.out
    assert "kam damit" in shown.out


def test_what_is_no_invitation_is_bad_input(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "invitation.txt"
    file.write_text(INVITATION[:-1])
    outcome = ask("federation", "join", str(file), "--yes")

    assert outcome.status == 5
    assert "FSI1" in outcome.err
    assert INVITATION[10:40] not in outcome.err
    assert node.asked == []


def test_whoever_was_invited_is_let_in_by_name(ask: "Run", node: "FakeNode") -> None:
    came = {"name": "d.demo", "url": "https://d", "fingerprint": "ab12 0000", "at": 1}
    node.always(STATUS, FOUND | {"joining": [came]})
    node.always(PROPOSE, ASKED)
    done = ask("federation", "approve", "d.demo", "--yes")
    stranger = ask("federation", "approve", "e.demo", "--yes")

    assert done.status == 13
    assert "ab12 0000" in done.err
    assert (PROPOSE, {"change": "join", "member": "d.demo"}) in node.asked
    ask("federation", "approve", "d.demo", "--role", "holder", "--yes")
    custodian = {"change": "join", "member": "d.demo", "roles": ["holder"]}
    assert (PROPOSE, custodian) in node.asked
    made = ask("federation", "approve", "24c0", "--role", "holder", "--yes")
    assert made.status == 5
    assert stranger.status == 5
    assert "ab12 0000" in ask("federation", "status").out


@pytest.mark.parametrize(
    "words",
    [
        ("suspend",),
        ("reinstate",),
        ("expel",),
        ("approve",),
        ("refuse",),
        ("backfill", "--elements", "1", "--days", "1", "--member"),
        ("quarantine", "--undo"),
    ],
)
@pytest.mark.parametrize("typed", ["zora@post.example", "0151 765432", "192.0.2.77"])
def test_an_identifier_typed_for_a_name_is_not_said_back(
    ask: "Run", node: "FakeNode", words: tuple[str, ...], typed: str
) -> None:
    node.always(STATUS, FOUND)
    outcome = ask("federation", *words, typed, "--yes")

    assert outcome.status == 5
    assert typed not in outcome.out + outcome.err
    assert PROPOSE not in [target for target, _ in node.asked]


def test_terms_name_at_least_one(ask: "Run", node: "FakeNode") -> None:
    outcome = ask("federation", "set-policy", "--yes")

    assert outcome.status == 5
    assert "--quorum" in outcome.err
    assert node.asked == []


def test_a_backfill_is_asked_for_with_elements_and_days(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(PROPOSE, ASKED)
    size = ("--elements", "40000", "--days")
    done = ask("federation", "backfill", *size, "7", "--yes")
    too_long = ask("federation", "backfill", *size, "15", "--yes")

    assert done.status == 13
    assert "try out" in done.err
    assert node.asked == [
        (PROPOSE, {"change": "backfill", "elements": 40_000, "days": 7})
    ]
    assert too_long.status == 2


def test_history_shows_what_each_version_changed(ask: "Run", node: "FakeNode") -> None:
    version = {
        "version": 2,
        "charter": DIGEST,
        "created": 1_700_000_000,
        "signed": ["a.demo", "b.demo"],
        "changes": [{"de": "Quorum 3", "en": "quorum 3"}],
    }
    first = version | {"version": 1, "changes": []}
    found = {"federation": "kids.example", "versions": [first, version]}
    node.always("GET /v1/federation/history", found)
    shown = ask("federation", "history", "--lang", "de")

    assert shown.status == 0
    assert "Quorum 3" in shown.out
    assert "a.demo, b.demo" in shown.out


SET_ASIDE: dict[str, Any] = {
    "member": "c.demo",
    "after": 1_700_000_000,
    "first": 12,
    "records": 3,
    "whole": True,
    "by": "olaf",
    "at": 1_700_000_100,
}
QUARANTINE = "POST /v1/federation/quarantines"


def test_a_quarantine_says_what_it_does_and_what_it_took(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(QUARANTINE, SET_ASIDE)
    words = ("quarantine", "c.demo", "--after", "2023-11-14T23:13:20+01:00")
    silent = ask("federation", *words)
    done = ask("federation", *words, "--yes", "--lang", "de")

    assert silent.status == 5
    assert done.status == 0
    assert node.asked == [(QUARANTINE, {"member": "c.demo", "after": 1_700_000_000})]
    assert "trifft hier nicht mehr zu" in done.err
    assert "ab Eintrag" in done.out
    assert "wie weit zurück" in done.out


def test_undoing_a_quarantine_waits_for_a_second_person(
    ask: "Run", node: "FakeNode"
) -> None:
    target = f"{QUARANTINE}/c.demo/end"
    content = {"member": "c.demo", "since": 1_700_000_000, "first": 12}
    node.always(target, ASKED | {"kind": "quarantine_end", "content": content})
    done = ask("federation", "quarantine", "c.demo", "--undo", "--yes", "--lang", "en")

    assert done.status == 13
    assert node.asked == [(target, None)]
    assert "matches again" in done.err
    assert "2023-11-14 22:13:20 UTC" in done.out


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--yes",), 5),
        (("--undo", "--after", "2027-11-03", "--yes"), 5),
        (("--after", "2027-11-03T09:30", "--yes"), 2),
        (("--after", "yesterday", "--yes"), 2),
    ],
)
def test_a_quarantine_takes_one_moment_with_its_zone(
    ask: "Run", node: "FakeNode", words: tuple[str, ...], status: int
) -> None:
    assert ask("federation", "quarantine", "c.demo", *words).status == status
    assert node.asked == []


def test_status_alarms_of_a_fork_and_shows_what_is_set_aside(
    ask: "Run", node: "FakeNode"
) -> None:
    forked = {"version": 3, "signed_both": ["b.demo"], "broke_promise": ["d.demo"]}
    node.always(STATUS, FOUND | {"quarantines": [SET_ASIDE], "forked": forked})
    shown = ask("federation", "status", "--lang", "en")

    assert "two versions 3 are valid, by b.demo, d.demo" in shown.out
    assert "in quarantine" in shown.out


def test_every_consequence_is_told_in_both_languages() -> None:
    assert len(COMMANDS) == 19
    for texts in CONSEQUENCES.values():
        assert all(each.said("de") != each.said("en") for each in texts)
