# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING, Any

from fedsafe_cli.rights.notice import NAMES, REASONS
from fedsafe_cli.terminal.moments import with_moments
from fedsafe_node.acts.notices import TextName
from fedsafe_policies.vocabulary import Withholding

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
TASK = "0a" * 16
DIGEST = "ab" * 32


def text(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "name": "end_of_signal",
        "title": {"de": "Das Signal ist beendet", "en": "The signal has ended"},
        "body": {"de": "Am {ended_on} …", "en": "On {ended_on} …"},
        "digest": DIGEST,
        "standing": "draft",
    } | more


TEXTS = {"texts": [text()], "waiting": 2}
SIGNED = {
    "texts": [text(standing="signed", signed_by="dora", valid_until="2027-11-01")],
    "waiting": 0,
}


def test_the_command_knows_the_texts_and_reasons_of_the_node() -> None:
    assert list(NAMES) == [name.value for name in TextName]
    assert list(REASONS) == [reason.value for reason in Withholding]


def test_texts_are_listed_with_what_waits(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/notices/texts", TEXTS)
    shown = ask("notice", "texts")
    german = ask("notice", "texts", "--lang", "de")

    assert "2 notices wait." in shown.out
    assert "Entwurf" in german.out
    assert "Das Signal ist beendet" in german.out


def test_whoever_signs_off_is_told_what_letters_say_in_general_words_only(
    ask: "Run", node: "FakeNode"
) -> None:
    lacking = {"lacking": ["provider.legal_name", "provider.authority"]}
    node.always("GET /v1/notices/texts", TEXTS | lacking)
    node.always("POST /v1/notices/texts/end_of_signal/sign-off", SIGNED | lacking)
    listed = ask("notice", "texts")
    signed = ask("notice", "sign-off", "end_of_signal", "--until", "2027-11-01")
    german = ask("notice", "texts", "--lang", "de")

    for shown in (listed, signed, german):
        assert "provider.legal_name, provider.authority" in shown.out
    assert "in general words" in signed.out
    assert "nur allgemein" in german.out


def test_a_text_is_shown_with_its_digest(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/notices/texts", TEXTS)
    shown = ask("notice", "show", "end_of_signal")

    assert "On {ended_on} …" in shown.out
    assert DIGEST in shown.out


def test_what_minors_read_is_shown_with_the_text(ask: "Run", node: "FakeNode") -> None:
    plain = {"minor": {"de": "Hallo, …", "en": "Hello, …"}}
    node.always("GET /v1/notices/texts", TEXTS | {"texts": [text(**plain)]})
    shown = ask("notice", "show", "end_of_signal", "--lang", "de")
    printed = ask("notice", "print")

    assert "Am {ended_on} …" in shown.out
    assert "Für Kinder und Jugendliche" in shown.out
    assert "Hallo, …" in shown.out
    assert "## For children and young people\n\nHello, …" in printed.out


def test_what_was_shown_is_signed_off(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/notices/texts", TEXTS)
    node.always("POST /v1/notices/texts/end_of_signal/sign-off", SIGNED)
    done = ask("notice", "sign-off", "end_of_signal", "--until", "2027-11-01")
    (_, body) = node.asked[-1]

    assert body == {"digest": DIGEST, "valid_until": "2027-11-01"}
    assert "dora" in done.out
    assert "wait" not in done.out


def test_all_texts_are_signed_off_by_the_printed_document(
    ask: "Run", node: "FakeNode"
) -> None:
    other = text(name="rights_form", digest="cd" * 32)
    node.always("GET /v1/notices/texts", {"texts": [text(), other], "waiting": 0})
    for name in ("end_of_signal", "rights_form"):
        node.always(f"POST /v1/notices/texts/{name}/sign-off", SIGNED)
    printed = ask("notice", "print")
    digest = printed.out.splitlines()[-1].removeprefix("SHA-256 ")
    call = ("notice", "sign-off", "--all", "--until", "2027-11-01")
    wrong = ask(*call, "--digest", "00" * 32)
    unread = ask(*call)
    both = ask(*call, "end_of_signal", "--digest", digest)
    assert [wrong.status, unread.status, both.status] == [5, 2, 2]
    assert not [path for path, _ in node.asked if path.startswith("POST")]
    done = ask(*call, "--digest", digest)

    assert "On {ended_on} …" in printed.out
    assert "Am {ended_on} …" in printed.out
    assert done.status == 0
    assert [body for path, body in node.asked if path.startswith("POST")] == [
        {"digest": DIGEST, "valid_until": "2027-11-01"},
        {"digest": "cd" * 32, "valid_until": "2027-11-01"},
    ]


def test_a_notice_is_held_back(ask: "Run", node: "FakeNode") -> None:
    answer = {
        "signal": ID,
        "reason": "bdsg_29_1",
        "note": "file-9",
        "by": "dora",
        "until": "2026-12-20T00:00:00+00:00",
    }
    node.always(f"POST /v1/notices/{ID}/withhold", answer)
    arguments = ("--reason", "bdsg_29_1", "--note", "file-9", "--until", "2026-12-20")
    done = ask("notice", "withhold", ID, *arguments)
    wrong = ask("notice", "withhold", "nonsense", *arguments)

    assert "until 2026-12-20" in done.out
    assert wrong.status == 5


def test_a_statement_about_a_review_is_held_back(ask: "Run", node: "FakeNode") -> None:
    answer = {
        "task": TASK,
        "reason": "bdsg_29_1",
        "note": "file-9",
        "by": "dora",
        "until": "2026-12-20T00:00:00+00:00",
    }
    node.always(f"POST /v1/notices/{TASK}/withhold", answer)
    arguments = ("--reason", "bdsg_29_1", "--note", "file-9", "--until", "2026-12-20")
    done = ask("notice", "withhold", TASK, *arguments)

    assert f"The notice about {TASK} is held back until 2026-12-20" in done.out


def test_open_notices_say_what_they_wait_for(ask: "Run", node: "FakeNode") -> None:
    waiting = {
        "signal": ID,
        "notice": "publication",
        "state": "waiting",
        "queued_at": "2026-11-24T12:00:00+00:00",
        "unsigned": ["statement_of_reasons"],
    }
    node.always("GET /v1/notices", {"notices": [waiting]})
    shown = ask("notice", "list")
    as_json = ask("notice", "list", "--json")

    assert "statement_of_reasons" in shown.out
    assert json.loads(as_json.out)["notices"] == with_moments([waiting])
