# SPDX-License-Identifier: Apache-2.0
"""Dispatches from the command line."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests.support.shown_dispatches import (
    CASE,
    DISPATCH,
    LIST,
    PLAN,
    REACH,
    SENT,
    TAKING,
)

from fedsafe_cli.cases.carrier_texts import in_words
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_node.casework import dispatch, transports

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

PATH: Final = f"/v1/cases/{CASE}/dispatches"


def test_a_dry_run_says_what_would_go_and_that_nothing_did(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(
        f"POST {PATH}", LIST | {"dry_run": True, "plans": [PLAN], "dispatches": []}
    )
    done = ask("case", "send", CASE, "--to", "bka", "--dry-run")
    german = ask("case", "send", CASE, "--to", "bka", "--dry-run", "--lang", "de")

    assert node.asked[0] == (f"POST {PATH}", {"partners": ["bka"], "dry_run": True})
    assert "   Suspected accounts\n      suspects[].account_id\n" in done.out
    assert "   Verdächtige Konten\n      suspects[].account_id\n" in german.out
    assert "dry run: nothing was sent" in done.out
    assert "bka: call" in done.err
    assert "Probe: Nichts wurde gesendet" in german.out


def test_what_waits_for_a_person_is_named_with_the_next_command(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"GET {PATH}", LIST)
    done = ask("case", "dispatches", CASE)
    german = ask("case", "dispatches", CASE, "--lang", "de")

    assert "WAITS FOR YOU" in done.out
    assert f"   then: fedsafe case handed {CASE} {SENT} --way portal" in done.out
    assert f"as a file: fedsafe case take {CASE} {SENT} --output FILE" in done.out
    assert f"danach: fedsafe case handed {CASE} {SENT} --way portal" in german.out
    assert f"als Datei: fedsafe case take {CASE} {SENT} --output DATEI" in german.out
    assert "in doubt" in done.out
    assert "SENDING IS OFF" in done.err
    assert "WARTET AUF SIE" in german.out


@pytest.mark.parametrize(
    ("lang", "says"), [("en", "no key, on paper"), ("de", "ohne Schlüssel, als Papier")]
)
def test_what_is_sealed_to_no_key_goes_on_paper(
    ask: "Run", node: "FakeNode", lang: str, says: str
) -> None:
    node.always(f"GET {PATH}", LIST | {"dispatches": [DISPATCH | {"sealing": "none"}]})
    done = ask("case", "dispatches", CASE, "--lang", lang)

    assert f"{says}: fedsafe case render {CASE} --for law_enforcement" in done.out
    assert "case take" not in done.out


def test_receipts_are_noted(ask: "Run", node: "FakeNode") -> None:
    answer = {
        "case": CASE,
        "state": "delivered",
        "dispatch": SENT,
        "dispatch_state": "delivered",
    }
    node.always(f"POST {PATH}/{SENT}/handed", answer)
    node.always(f"POST {PATH}/{SENT}/acknowledged", answer)
    at = ("--at", "2026-11-24T09:30Z", "--reference", "BKA-1")
    handed = ask("case", "handed", CASE, SENT, "--way", "portal", *at)
    done = ask("case", "acknowledged", CASE, SENT, *at)

    moment = 1_795_512_600
    assert [body for _, body in node.asked] == [
        {
            "way": "portal",
            "at": moment,
            "outcome": "delivered",
            "reference": "BKA-1",
        },
        {"at": moment, "reference": "BKA-1"},
    ]
    assert (handed.status, done.status) == (0, 0)


def test_what_was_taken_and_recalled_asks_what_came_of_it(
    ask: "Run", node: "FakeNode"
) -> None:
    kept = TAKING | {"by": "finn", "kept_back_at": 1_795_512_660, "kept_back_by": "uwe"}
    unclear = DISPATCH | {
        "state": "stopped",
        "ways": [],
        "takings": [TAKING, kept],
        "unclear": True,
    }
    correction = DISPATCH | {"recalls": SENT, "state": "stopped", "ways": []}
    correction |= {"reach": REACH}
    answer = LIST | {"dispatches": [unclear, correction]}
    node.always(f"POST /v1/cases/{CASE}/recall", answer)
    done = ask("case", "recall", CASE, "--reason", "wrong_facts")
    german = ask("case", "recall", CASE, "--reason", "wrong_facts", "--lang", "de")

    command = f"fedsafe case handed {CASE} {SENT}"
    assert "RECALLED, AND PERHAPS HANDED OVER ALL THE SAME (taken by ella)" in done.out
    assert f"   yes: {command} --way portal --reference" in done.out
    assert f"{command} --outcome kept_back --taken-by ella\n" in done.out
    assert "--taken-by finn" not in done.out
    assert "taken by finn, kept back, as uwe says" in done.out
    assert "   call: BKA, KDD: +49 30 0000001 (0-24)\n" in done.out
    assert "   call: BKA, Land: no number entered\n" in done.out
    assert "nobody has verified this entry" in done.out
    assert "   anrufen: BKA, KDD: +49 30 0000001 (0-24)\n" in german.out
    assert "diesen Eintrag hat niemand geprüft" in german.out
    assert "bka: withdrawn: the package that it corrects was never" in done.out
    assert "VIELLEICHT DOCH ÜBERGEBEN (entnommen von ella)" in german.out
    assert "zurückgezogen" in german.out


def test_what_was_kept_back_is_noted_without_a_way(
    ask: "Run", node: "FakeNode"
) -> None:
    answer = {
        "case": CASE,
        "state": "recalled",
        "dispatch": SENT,
        "dispatch_state": "stopped",
        "recall_again": False,
        "held_by": ["finn"],
        "correction": "queued",
    }
    node.always(f"POST {PATH}/{SENT}/handed", answer)
    at = ("--at", "2026-11-24T09:30Z")
    kept = ("--outcome", "kept_back", "--taken-by", "ella")
    done = ask("case", "handed", CASE, SENT, *kept, *at)
    german = ask("case", "handed", CASE, SENT, *kept, *at, "--lang", "de")

    assert node.asked[0][1] == {
        "at": 1_795_512_600,
        "outcome": "kept_back",
        "taken_by": "ella",
    }
    assert done.out.startswith("noted: kept back, never handed over\n")
    assert german.out.startswith("eingetragen: zurückbehalten, nie übergeben\n")
    assert "a package is still in the hands of: finn\n" in done.out
    assert "correction: queued\n" in done.out
    assert "ein Paket liegt noch bei: finn\n" in german.out


def test_a_dispatch_is_named_as_the_partner_is_shown_it(
    ask: "Run", node: "FakeNode"
) -> None:
    answer = {"case": CASE, "dispatch": SENT, "dispatch_state": "acknowledged"}
    node.always(f"POST {PATH}/{SENT}/acknowledged", answer)
    node.always(f"GET {PATH}", LIST)
    command = ("case", "acknowledged", CASE)
    more = ("--reference", "BKA-1")
    done = ask(*command, SENT + "0d" * 16, *more)
    wrong = [ask(*command, SENT + end, *more) for end in ("0d", "0d" * 17, "x" * 32)]

    assert (done.status, len(node.asked)) == (0, 2)
    assert [each.status for each in wrong] == [2] * 3


@pytest.mark.parametrize(
    "command",
    [
        ("handed", "--way", "portal"),
        ("acknowledged", "--reference", "BKA-1"),
        ("take", "--output", "-"),
    ],
)
def test_of_a_dispatch_every_digit_that_was_typed_counts(
    ask: "Run", node: "FakeNode", command: tuple[str, ...]
) -> None:
    node.always(f"GET {PATH}", LIST)
    name, *more = command
    done = ask("case", name, CASE, SENT + "0e" * 16, *more)

    assert done.status == ExitStatus.BAD_INPUT
    assert "no dispatch of this case has these 64 digits" in done.err
    assert len(node.asked) == 1  # nothing was noted


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"delivered_at": 1}, ("arrived, and recalled", "angekommen und zurück")),
        (
            {"delivered_at": 1, "acknowledged_at": 2},
            ("acknowledged, and recalled", "bestätigt und zurückgerufen"),
        ),
        ({}, ("stopped", "angehalten")),
    ],
)
@pytest.mark.parametrize("state", ["stopped", "delivered"])
def test_what_had_arrived_is_said_to_be_there_and_recalled(
    ask: "Run",
    node: "FakeNode",
    state: str,
    facts: dict[str, int],
    words: tuple[str, str],
) -> None:
    if state == "delivered" and not facts:
        return
    sent = DISPATCH | {"state": state, "recalled": True, "ways": []} | facts
    correction = DISPATCH | {"dispatch": "0e" * 16, "recalls": SENT, "ways": []}
    node.always(f"GET {PATH}", LIST | {"dispatches": [sent, correction]})
    done = ask("case", "dispatches", CASE)
    german = ask("case", "dispatches", CASE, "--lang", "de")

    assert f"{SENT} to bka: {words[0]}\n" in done.out
    assert f"{SENT} an bka: {words[1]}" in german.out
    assert f"correction {'0e' * 16} to bka: WAITS FOR YOU\n" in done.out
    assert f"Berichtigung {'0e' * 16} an bka: WARTET AUF SIE\n" in german.out


def test_what_is_noted_of_a_recalled_package_says_that_it_is_there(
    ask: "Run", node: "FakeNode"
) -> None:
    answer = {
        "case": CASE,
        "state": "recalled",
        "dispatch": SENT,
        "dispatch_state": "stopped",
        "recalled": True,
        "delivered_at": 1,
        "acknowledged_at": None,
    }
    node.always(f"POST {PATH}/{SENT}/handed", answer)
    by = ("--way", "portal", "--reference", "BKA-1")
    done = ask("case", "handed", CASE, SENT, *by)

    assert f"{SENT}: arrived, and recalled\n" in done.out


def test_what_is_there_despite_a_recall_is_said_at_once(
    ask: "Run", node: "FakeNode"
) -> None:
    answer = {
        "case": CASE,
        "state": "recalled",
        "dispatch": SENT,
        "dispatch_state": "stopped",
        "recall_again": True,
        "held_by": [],
        "correction": None,
    }
    node.always(f"POST {PATH}/{SENT}/handed", answer)
    way = ("--way", "portal", "--reference", "BKA-1")
    done = ask("case", "handed", CASE, SENT, *way)
    german = ask("case", "handed", CASE, SENT, *way, "--lang", "de")

    assert f"UNCORRECTED: fedsafe case recall {CASE}" in done.out
    assert f"NICHTS BERICHTIGT ES: fedsafe case recall {CASE}" in german.out


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--way", "portal", "--outcome", "kept_back"),
        ("--way", "portal", "--taken-by", "ella"),
    ],
)
def test_a_way_is_asked_of_all_but_what_was_kept_back(
    ask: "Run", node: "FakeNode", given: tuple[str, ...]
) -> None:
    assert ask("case", "handed", CASE, SENT, *given).status == 2
    assert node.asked == []


REPLY: Final = (
    b"From cases Sat Nov 28 01:00:00 2026\r\nMessage-ID: <1@a.example>\r\n"
    b"Subject: FedSafe Reply-token_0123456789\r\n"
)


@pytest.mark.parametrize(
    ("noted", "key", "english", "german"),
    [
        (True, None, "not prove who wrote", "Wer geschrieben hat, ist damit nicht"),
        (True, "0f" * 20, f"signed with the key {'0f' * 20}", "unterschrieben mit dem"),
        (False, None, "acknowledged before", "war schon bestätigt"),
    ],
)
def test_of_a_reply_only_the_header_is_handed_on(  # noqa: PLR0913 - each word of it
    ask: "Run",
    node: "FakeNode",
    *,
    noted: bool,
    key: str | None,
    english: str,
    german: str,
) -> None:
    answer = {
        "case": CASE,
        "state": "acknowledged",
        "dispatch": SENT,
        "dispatch_state": "acknowledged",
        "noted": noted,
        "signed_by": key,
    }
    node.always("POST /v1/replies", answer)
    typed = REPLY + b"\r\nWhat the partner writes\r\n"
    done = ask("case", "receive", "-", stdin=typed)
    told = ask("case", "receive", "-", "--lang", "de", stdin=typed)

    assert node.asked[0][1] == {"headers": b64encode(REPLY).decode()}
    assert english in done.out
    assert german in told.out
    assert CASE in done.out
    assert "Reply-token" not in done.out + done.err
    assert ask("case", "receive", "-", "--json", stdin=typed).document == answer


@pytest.mark.parametrize(
    ("more", "body"),
    [
        (
            b"Content-Type: multipart/signed; protocol=Application/PGP-Signature\r\n",
            b"",
        ),
        (b"", b"> quoted\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n"),
    ],
)
def test_what_openpgp_has_signed_is_handed_on_whole(
    ask: "Run", node: "FakeNode", more: bytes, body: bytes
) -> None:
    node.always("POST /v1/replies", {"noted": False, "dispatch": SENT, "case": CASE})
    done = ask("case", "receive", "-", stdin=REPLY + more + b"\r\n" + body)
    long = ask("case", "receive", "-", stdin=REPLY + more + b"\r\n" + body * 9_999)

    assert done.status == 0
    assert node.asked[0][1] == {
        "headers": b64encode(REPLY + more).decode(),
        "body": b64encode(body).decode(),
    }
    assert (long.status if body else 5) == 5


@pytest.mark.parametrize(
    ("noted", "english", "german"),
    [
        (True, "a mail came back", "eine E-Mail kam zurück"),
        (False, "nothing was changed", "nichts wurde geändert"),
    ],
)
def test_of_a_mail_that_came_back_it_is_told_what_follows(
    ask: "Run", node: "FakeNode", *, noted: bool, english: str, german: str
) -> None:
    answer = {
        "case": CASE,
        "state": "fallback",
        "dispatch": SENT,
        "dispatch_state": "by_hand",
        "noted": noted,
        "signed_by": None,
        "bounced": True,
    }
    node.always("POST /v1/replies", answer)
    done = ask("case", "receive", "-", stdin=REPLY)
    told = ask("case", "receive", "-", "--lang", "de", stdin=REPLY)

    assert english in done.out
    assert german in told.out
    assert ("WAITS FOR YOU" in done.out) is noted


@pytest.mark.parametrize("typed", [b"", b"\r\nno header", b"x: " + b"y" * 65_536])
def test_what_is_no_message_is_handed_to_nobody(
    ask: "Run", node: "FakeNode", typed: bytes
) -> None:
    done = ask("case", "receive", "-", stdin=typed)

    assert done.status == 5
    assert "header" in done.err
    assert node.asked == []


def package_of(data: bytes) -> dict[str, str]:
    return {
        "name": f"fedsafe-{SENT}.fedsafe",
        "media_type": "application/octet-stream",
        "sha256": sha256(data).hexdigest(),
        "content": b64encode(data).decode(),
    }


def test_a_sealed_package_goes_into_a_new_file(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    data, file = b"sealed", tmp_path / "bka.fedsafe"
    answer = package_of(data)
    node.always(f"GET /v1/cases/{CASE}/dispatches/{SENT}/package", answer)
    done = ask("case", "take", CASE, SENT, "--output", str(file))
    again = ask("case", "take", CASE, SENT, "--output", str(file))

    assert done.status == 0
    assert f"then note it with: fedsafe case handed {CASE} {SENT}" in done.err
    assert "name a new file" in again.err
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (data, 0o600)
    assert answer["sha256"] in done.err
    assert (again.status, len(node.asked)) == (5, 1)


def test_a_programme_is_told_where_a_sealed_package_lies(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    data, file = b"sealed", tmp_path / "bka.fedsafe"
    answer = package_of(data)
    node.always(f"GET {PATH}/{SENT}/package", answer)
    done = ask("case", "take", CASE, SENT, "--output", str(file), "--json")
    del answer["content"]

    assert done.document == answer | {"file": str(file)}
    assert "case handed" not in done.err


@pytest.mark.parametrize("name", ["", "../x", "0A" * 16])
def test_a_dispatch_is_named_by_its_digits(ask: "Run", name: str) -> None:
    done = ask("case", "acknowledged", CASE, name, "--reference", "AZ-1")

    assert done.status == 2


def test_a_recall_says_why_and_shows_the_corrections(
    ask: "Run", node: "FakeNode"
) -> None:
    correction = DISPATCH | {"recalls": "0e" * 16, "state": "queued", "ways": []}
    answer = LIST | {"state": "recalled", "dispatches": [correction]}
    node.always(f"POST /v1/cases/{CASE}/recall", answer)
    done = ask("case", "recall", CASE, "--reason", "wrong_facts")
    german = ask("case", "recall", CASE, "--reason", "wrong_facts", "--lang", "de")

    assert node.asked[0][1] == {"reason": "wrong_facts"}
    assert f"corrects {'0e' * 16}" in done.out
    assert f"berichtigt {'0e' * 16}" in german.out


def test_sending_is_switched_and_told(ask: "Run", node: "FakeNode") -> None:
    off = {"sends": False, "at": 1_795_512_600, "by": "olaf", "by_hand": 2}
    node.always("POST /v1/sending", off)
    node.always("GET /v1/sending", off | {"sends": True})
    done = ask("case", "sending", "off")
    told = ask("case", "sending", "--lang", "de")

    assert node.asked[0] == ("POST /v1/sending", {"sends": False})
    assert "SENDING IS OFF" in done.out
    assert "by olaf" in done.out
    assert "der Versand läuft" in told.out
    assert "Pakete, die auf eine Person warten: 2" in told.out


def test_what_the_node_says_of_an_attempt_is_german_too(
    ask: "Run", node: "FakeNode"
) -> None:
    said = ("node.toml has no section sending.sftp", "550 no such user")
    attempts = [
        DISPATCH["attempts"][0] | {"outcome": "misconfigured", "proof": proof}
        for proof in said
    ]
    node.always(
        f"GET {PATH}", LIST | {"dispatches": [DISPATCH | {"attempts": attempts}]}
    )
    german = ask("case", "dispatches", CASE, "--lang", "de").out
    english = ask("case", "dispatches", CASE).out

    assert (
        "falsch eingerichtet (in node.toml fehlt der Abschnitt sending.sftp)" in german
    )
    assert all(f"({proof})" in english for proof in said)
    assert "(550 no such user)" in german


def test_every_word_of_the_carriers_has_a_german_one() -> None:
    folder = Path(transports.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    found = set(re.findall(r'SendingError\(\s*[^,()"]+,\s*"([^"]+)"', text))
    outbox = Path(dispatch.__file__).parent / "outbox.py"
    own = re.findall(r'proof="([^"]+)"', outbox.read_text(encoding="utf-8"))
    found |= set(own)

    assert len(own) > 0
    assert len(found) > 5
    assert [
        each for each in sorted(found) if in_words(each, language="de") == each
    ] == []
