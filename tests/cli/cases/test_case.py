# SPDX-License-Identifier: Apache-2.0
"""Cases from the command line."""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from tests.support.shown_cases import CASE, LISTED, RECEIPT, SHOWN

from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_node.acts.bodies import made_of
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run


def test_a_case_is_opened_with_its_reason_from_standard_input(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/cases", RECEIPT, 201)
    outcome = ask(
        *("case", "open", "--urgency", "u1", "--danger", "yes"),
        *("--source", "user_report", "--phenomenon", "grooming", "--age", "10_13"),
        *("--known", "2026-11-24T09:30Z", "--evidence", "vault-7"),
        stdin=b"ein Treffen ist verabredet\n",
    )

    assert outcome.status == 0
    assert node.asked == [
        (
            "POST /v1/cases",
            {
                "urgency": "u1",
                "known_at": 1_795_512_600,
                "threat": {"danger": "yes", "reason": "ein Treffen ist verabredet"},
                "sources": ["user_report"],
                "ages": ["10_13"],
                "evidence": ["vault-7"],
                "phenomenon": "grooming",
            },
        )
    ]


@pytest.mark.parametrize(
    ("language", "call"), [("de", "Rufen Sie"), ("en", "Call 110")]
)
def test_110_is_shown_before_anything_is_asked(
    ask: "Run", node: "FakeNode", language: str, call: str
) -> None:
    urgent = ("case", "open", "--urgency", "u0", "--danger", "yes")
    silent = ask(*urgent, "--source", "user_report", "--lang", language, stdin=b"")
    first = silent.err.splitlines()[0]

    assert call in first
    assert "110" in first
    assert silent.status == 2
    assert node.asked == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("open", "--urgency", "u0"),
        ("open", "--urgency=u0", "--danger", "maybe"),
        ("open", "--no-such-option", "--urgency", "u0"),
        ("assess", "--urgency", "u0"),
    ],
)
def test_110_is_shown_whatever_else_is_lacking(
    ask: "Run", arguments: tuple[str, ...]
) -> None:
    german = ask("case", *arguments, "--lang", "de", stdin=b"")
    english = ask("case", *arguments, stdin=b"")

    assert german.status == english.status == 2
    assert "Rufen Sie jetzt die 110 an" in german.err.splitlines()[0]
    assert "Call 110 now" in english.err.splitlines()[0]


def test_an_exercise_calls_nobody(ask: "Run") -> None:
    exercise = ("case", "open", "--test", "--urgency", "u0", "--no-such-option")
    german = ask(*exercise, "--lang", "de", stdin=b"").err.splitlines()
    english = ask(*exercise, stdin=b"").err.splitlines()

    assert "Rufen Sie niemanden an" in german[0]
    assert "Call nobody" in english[0]
    assert "110" in english[1]


def test_other_urgencies_show_no_110(ask: "Run") -> None:
    shown = ask("case", "open", "--test", "--urgency", "u1", stdin=b"").err
    assert "110" not in shown
    assert "in earnest" not in shown


def test_a_case_without_a_reason_or_source_is_not_sent(
    ask: "Run", node: "FakeNode"
) -> None:
    bare = ("case", "open", "--urgency", "u2", "--danger", "no")

    assert ask(*bare, stdin=b"because").status == 2
    assert ask(*bare, "--source", "user_report", stdin=b" \n").status == 2
    assert node.asked == []


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "offene Fragen beantworten"), ("en", "answer the open questions")],
)
def test_the_queue_says_what_an_acknowledged_case_still_owes(
    ask: "Run", node: "FakeNode", language: str, words: str
) -> None:
    sent = LISTED | {"state": "acknowledged", "next": ["answer"], "owed": []}
    node.always("GET /v1/cases", {"cases": [sent]})

    assert words in ask("case", "list", "--lang", language).out


@pytest.mark.parametrize(
    ("language", "word"), [("de", "ÜBUNG: "), ("en", "EXERCISE: ")]
)
def test_the_queue_says_what_is_an_exercise(
    ask: "Run", node: "FakeNode", language: str, word: str
) -> None:
    other = "0e" * 16
    exercise = LISTED | {"case": other, "test": True}
    node.always("GET /v1/cases", {"cases": [LISTED, exercise]})
    said = ask("case", "list", "--lang", language).out.splitlines()

    assert [word in row for row in said if CASE in row] == [False]
    assert [word in row for row in said if other in row] == [True]
    as_json = ask("case", "list", "--json").document
    assert [each["test"] for each in as_json["cases"]] == [False, True]


def test_the_queue_is_a_table_in_both_languages(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/cases", {"cases": [LISTED]})

    assert "wartet auf die Rechtsberatung" in ask("case", "list", "--lang", "de").out
    assert "waits for the legal adviser" in ask("case", "list").out
    german = ask("case", "list", "--lang", "de").out
    assert "rechtlich einschätzen; Fehlendes eintragen" in german
    assert "give the legal opinion; enter what is lacking" in ask("case", "list").out
    assert ask("case", "list", "--json").document["cases"][0]["case"] == CASE
    node.always("GET /v1/cases", {"cases": []})
    assert "no case is open" in ask("case", "list").out


@pytest.mark.parametrize(
    ("minors", "known", "words"),
    [
        (True, True, ("ja", "yes")),
        (False, True, ("nein", "no")),
        (True, False, ("unbekannt", "unknown")),
    ],
)
def test_an_age_that_nobody_knows_is_shown_as_unknown(
    ask: "Run",
    node: "FakeNode",
    minors: bool,  # noqa: FBT001
    known: bool,  # noqa: FBT001
    words: tuple[str, str],
) -> None:
    listed = LISTED | {"minors": minors, "ages_known": known}
    node.always("GET /v1/cases", {"cases": [listed]})
    german, english = ask("case", "list", "--lang", "de"), ask("case", "list")

    assert f" {words[0]} " in german.out.splitlines()[-1]
    assert f" {words[1]} " in english.out.splitlines()[-1]


def test_a_case_is_shown_with_its_checklist_and_what_it_lacks(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"GET /v1/cases/{CASE}", SHOWN)
    english, german = (
        ask("case", "show", CASE),
        ask("case", "show", CASE, "--lang", "de"),
    )

    for text in ("[x] ask_danger: Assess", "lacks", "zac-nrw", "second person"):
        assert text in english.out
    for text in ("Prüfen", "fehlt", "freigegeben", "Missbrauchte Funktion"):
        assert text in german.out
    assert ask("case", "show", CASE, "--json").document["revision"] == 3


@pytest.mark.parametrize(
    ("state", "english", "german"),
    [
        ("needs_info", "needs more information (needs_info)", "Rückfrage (needs_info)"),
        ("draft", "draft", "Entwurf (draft)"),
        ("newer", "newer", "newer"),
    ],
)
def test_a_state_has_its_code_beside_the_words(
    ask: "Run", node: "FakeNode", state: str, english: str, german: str
) -> None:
    node.always(f"GET /v1/cases/{CASE}", SHOWN | {"state": state})
    node.always(f"POST /v1/cases/{CASE}/close", RECEIPT | {"state": state})
    for command in (("show", CASE), ("close", CASE)):
        told = ask("case", *command).out.splitlines()
        auf_deutsch = ask("case", *command, "--lang", "de").out.splitlines()

        assert any(each.endswith(f"  {english}") for each in told)
        assert any(each.endswith(f"  {german}") for each in auf_deutsch)


def test_an_approval_that_waits_names_who_may_give_it_and_how(
    ask: "Run", node: "FakeNode"
) -> None:
    waiting = {
        "act": "0c" * 16,
        "partners": ["law_enforcement"],
        "asked_by": "ella",
        "asked_at": 1_795_512_600,
        "expires_at": 1_795_527_000,
        "roles": ["reviewer"],
    }
    drafted = SHOWN | {"state": "draft", "release": None, "approval": waiting}
    drafted |= {"holds": []}
    node.always(f"GET /v1/cases/{CASE}", drafted)
    english = ask("case", "show", CASE).out
    german = ask("case", "show", CASE, "--lang", "de").out

    for told, words in (
        (english, ("was asked for by ella, and waits until 2026-11-24", "(reviewer)")),
        (german, ("hat ella beantragt; sie wartet bis 2026-11-24", "zweite Person (")),
        (english, ("draft; approval waits\n", "\n\nthe approval for ")),
        (german, ("Entwurf (draft); Freigabe wartet\n", "\n\ndie Freigabe für ")),
    ):
        assert f": fedsafe act approve {'0c' * 16}\n" in told
        assert all(word in told for word in words), told


def test_a_second_look_is_asked_for_with_its_command(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"GET /v1/cases/{CASE}", SHOWN)
    told = ask("case", "show", CASE).out

    assert "a second person, other than ella, looks at the case by" in told
    assert f"fedsafe case approve {CASE} --partner police_emergency\n" in told


def test_a_correction_that_waits_is_told_from_a_package(
    ask: "Run", node: "FakeNode"
) -> None:
    task = {"kind": "hand_over", "partner": "bka", "recalls": None}
    tasks = [task, task | {"recalls": "0d" * 16}]
    node.always(f"GET /v1/cases/{CASE}", SHOWN | {"tasks": tasks})
    english = ask("case", "show", CASE).out
    german = ask("case", "show", CASE, "--lang", "de").out

    assert "a package for bka waits for you" in english
    assert "a CORRECTION for bka waits for you" in english
    assert "eine BERICHTIGUNG für bka wartet auf Sie" in german


def test_a_question_that_was_noted_before_is_said_to_be(
    ask: "Run", node: "FakeNode"
) -> None:
    known = RECEIPT | {"state": "needs_info", "noted": False}
    node.always(f"POST /v1/cases/{CASE}/inquiries", known)
    asked = ("case", "asked", CASE, "--reference", "AZ-17")
    english, german = ask(*asked), ask(*asked, "--lang", "de")
    node.always(f"POST /v1/cases/{CASE}/inquiries", known | {"noted": True})
    first = ask(*asked)

    assert (english.status, german.status) == (0, 0)
    assert "the question AZ-17 was noted before: nothing was added" in english.out
    assert "die Rückfrage AZ-17 war schon eingetragen" in german.out
    assert "before" not in first.out


def test_a_release_of_before_a_recall_is_said_to_count_no_more(
    ask: "Run", node: "FakeNode"
) -> None:
    released = {**SHOWN["release"], "second": "ben", "second_by": None}
    recalled = SHOWN | {"state": "recalled", "release": released}
    node.always(f"GET /v1/cases/{CASE}", recalled)
    english, german = (
        ask("case", "show", CASE).out,
        ask("case", "show", CASE, "--lang", "de").out,
    )

    assert "approved before the recall for" in english
    assert "vor dem Rückruf freigegeben für" in german


@pytest.mark.parametrize(
    ("states", "counts"),
    [
        (("approved", "recalled", "closed"), False),
        (("approved", "recalled", "draft", "approved", "closed"), True),
    ],
)
def test_a_release_of_a_closed_case_counts_unless_it_was_recalled(
    ask: "Run", node: "FakeNode", states: tuple[str, ...], *, counts: bool
) -> None:
    released = {**SHOWN["release"], "second": "ben", "second_by": None}
    steps = [{"step": state, "state": state} for state in states]
    closed = SHOWN | {"state": "closed", "release": released, "steps": steps}
    node.always(f"GET /v1/cases/{CASE}", closed)
    english, german = (
        ask("case", "show", CASE).out,
        ask("case", "show", CASE, "--lang", "de").out,
    )

    assert ("that counts no more" in english) is not counts
    assert ("das gilt nicht mehr" in german) is not counts


@pytest.mark.parametrize(
    ("command", "step"), [("asked", "needs_info"), ("supplemented", "supplemented")]
)
def test_that_a_partner_asks_and_is_answered_is_noted(
    ask: "Run", node: "FakeNode", command: str, step: str
) -> None:
    target = f"POST /v1/cases/{CASE}/inquiries"
    node.always(target, RECEIPT | {"state": step})
    at = ("--reference", "AZ-17", "--at", "2026-11-24T09:30Z")
    outcome = ask("case", command, CASE, *at)

    assert outcome.status == 0
    body = {"step": step, "at": 1_795_512_600, "reference": "AZ-17"}
    assert node.asked == [(target, body)]
    inquiry = {"step": step, "at": 1_795_512_600, "reference": "AZ-17", "by": "ada"}
    node.always(f"GET /v1/cases/{CASE}", SHOWN | {"inquiries": [inquiry]})
    for language in ("en", "de"):
        told = ask("case", "show", CASE, "--lang", language).out
        assert "2026-11-24 09:30:00 UTC" in told
        assert "AZ-17" in told


def test_a_question_that_was_answered_is_one_of_before(
    ask: "Run", node: "FakeNode"
) -> None:
    known = [
        ("needs_info", "AZ-17"),
        ("needs_info", "AZ-18"),
        ("supplemented", "AZ-17"),
    ]
    inquiries = [
        {"step": step, "at": 1_795_512_600, "reference": reference, "by": "ada"}
        for step, reference in known
    ]
    node.always(f"GET /v1/cases/{CASE}", SHOWN | {"inquiries": inquiries})
    english = ask("case", "show", CASE).out.splitlines()
    german = ask("case", "show", CASE, "--lang", "de").out.splitlines()

    for told, words in (
        (english, ("asked for more", "asks for more", "answered")),
        (german, ("hat nachgefragt", "fragt nach", "beantwortet")),
    ):
        last = told[-3:]
        assert all(word in text for word, text in zip(words, last, strict=True))


def test_what_is_known_goes_as_it_is_given(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(f"POST /v1/cases/{CASE}/assess", RECEIPT)
    known = tmp_path / "known.json"
    known.write_text('{"feature": "direct_messages"}')
    outcome = ask(
        *("case", "assess", CASE, "--elements", str(known), "--level", "L6"),
        *("--help-offered", "offered", "--unavailable", "network=not_recorded"),
        *("--done", "ask_danger", "--condition", "necessity"),
        *("--hold-authority", "zac", "--hold-basis", "order-1"),
        *("--hold-until", "2026-12-01"),
    )

    assert outcome.status == 0
    assert node.asked[0][1] == {
        "elements": {"feature": "direct_messages"},
        "level": "L6",
        "help": "offered",
        "unavailable": {"network": "not_recorded"},
        "done": ["ask_danger"],
        "conditions": ["necessity"],
        "hold": {"authority": "zac", "basis": "order-1", "until": 1_796_083_200},
    }


def test_phenomenon_and_age_may_follow_later_and_ticks_be_taken_back(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"POST /v1/cases/{CASE}/assess", RECEIPT)
    outcome = ask(
        *("case", "assess", CASE, "--phenomenon", "grooming", "--age", "10_13"),
        *("--undone", "ask_danger", "--lapsed", "necessity", "--elements", "-"),
        stdin=b'{"feature": "direct_messages"}',
    )

    assert outcome.status == 0
    assert node.asked[0][1] == {
        "elements": {
            "feature": "direct_messages",
            "phenomenon": "grooming",
            "victim_ages": ["10_13"],
        },
        "undone": ["ask_danger"],
        "lapsed": ["necessity"],
    }


@pytest.mark.parametrize(
    ("arguments", "elements", "told"),
    [
        (("--unavailable", "phenomenon=unknown"), "", "phenomenon may not be called"),
        (("--unavailable", "moon=unknown"), "", "moon is no element"),
        (("--unavailable", "network=because"), "", "why network is lacking"),
        (("--elements", "-"), '{"moon": 1}', "moon is no element"),
        (("--elements", "-"), '{"kim@mail.example": 1}', "field 1 is no element"),
        (
            ("--elements", "-"),
            '{"network": [{"port": 1}]}',
            "network[0] has no field port",
        ),
        (("--elements", "-"), "[]", "want a JSON object"),
        (
            ("--elements", "-", "--phenomenon", "grooming"),
            '{"phenomenon": "sextortion"}',
            "give one of them",
        ),
    ],
)
def test_what_is_not_known_is_named(
    ask: "Run",
    node: "FakeNode",
    arguments: tuple[str, ...],
    elements: str,
    told: str,
) -> None:
    outcome = ask("case", "assess", CASE, *arguments, stdin=elements.encode())

    assert outcome.status == 2
    assert told in " ".join(outcome.err.split())
    assert "kim@mail" not in outcome.err
    assert node.asked == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--unavailable", "network"),
        ("--unavailable", "moon=unknown"),
        ("--hold-authority", "zac"),
        ("--level", "L9"),
    ],
)
def test_what_does_not_fit_is_not_sent(
    ask: "Run", node: "FakeNode", arguments: tuple[str, ...]
) -> None:
    assert ask("case", "assess", CASE, *arguments).status == 2
    assert node.asked == []


def test_a_file_is_attached_by_its_digests_and_stays_here(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(f"POST /v1/cases/{CASE}/attach", RECEIPT)
    file = tmp_path / "chat.txt"
    file.write_bytes(b"harmless")
    outcome = ask(
        *("case", "attach", CASE, str(file), "--object", "chat-7"),
        *("--held-at", "vault-2", "--hold", "hold-8", "--by", "staff-1"),
        *("--captured", "2026-11-24T09:30Z", "--clock", "ntp"),
    )
    ((_, body),) = node.asked
    (attachment,) = body["attachments"]

    assert outcome.status == 0
    assert attachment["sha256"] == sha256(b"harmless").hexdigest()
    assert len(attachment["blake3"]) == 64
    assert (attachment["size"], attachment["media_type"]) == (8, "text/plain")
    assert attachment["captured_at"] == "2026-11-24T09:30:00Z"
    assert "harmless" not in str(node.asked)


def test_what_waits_for_a_second_person_says_so(ask: "Run", node: "FakeNode") -> None:
    waiting = RECEIPT | {"act": "0" * 32}
    node.always(f"POST /v1/cases/{CASE}/approve", waiting)
    outcome = ask("case", "approve", CASE, "--partner", "law_enforcement")

    assert outcome.status == ExitStatus.WAITING
    assert f"fedsafe act approve {'0' * 32}" in outcome.err
    assert node.asked[0][1] == {"partners": ["law_enforcement"]}


POLICE: Final = "Strafverfolgung (BKA, ZIT, ZAC, LKA)"
ACT: Final = "0c" * 16
WAITS: Final = Phrase(
    "an approval of this case for {partner_classes} waits already, asked for by {by}: "
    "act {act}"
).filled(partner_classes="law_enforcement, hotline", by="ella", act=ACT)
APPROVED: Final = Phrase(
    "this case is approved already, for {partner_classes}; for others change it "
    "(`fedsafe case assess`), and let it be approved anew for all of them at once"
).filled(partner_classes="law_enforcement")
LEFT: Final = Phrase(
    "this case is approved already, for {partner_classes}; for others open a case of "
    "its own (`fedsafe case open`); or recall this one (`fedsafe case recall`), change "
    "it, and let it be approved anew for all of them at once"
).filled(partner_classes="law_enforcement")


def sent(code: str, refusal: Phrase) -> dict[str, object]:
    """Give a problem as the node sends it."""
    made = msgspec.to_builtins(made_of(refusal))
    return {"code": code, "detail": str(refusal), **made}


@pytest.mark.parametrize(
    ("code", "detail", "english", "german"),
    [
        (
            "approval_waits",
            WAITS,
            (
                str(WAITS),
                f"`fedsafe act approve {'0c' * 16}`",
                "--partner may be repeated",
            ),
            (
                f"Freigabe dieses Falls für {POLICE}; ",
                f"wartet schon, beantragt von ella: Vorgang {'0c' * 16}",
                f"`fedsafe act withdraw {'0c' * 16}`",
                "--partner ist mehrfach möglich",
            ),
        ),
        (
            "already_approved",
            APPROVED,
            (str(APPROVED),),
            (f"für {POLICE}; für andere ändern",),
        ),
        (
            "already_approved",
            LEFT,
            (str(LEFT),),
            (f"für {POLICE}; für andere einen eigenen Fall eröffnen",),
        ),
    ],
)
def test_a_further_class_is_refused_with_a_way_out(  # noqa: PLR0913
    ask: "Run",
    node: "FakeNode",
    code: str,
    detail: Phrase,
    english: tuple[str, ...],
    german: tuple[str, ...],
) -> None:
    node.always(f"POST /v1/cases/{CASE}/approve", sent(code, detail), 409)
    command = ("case", "approve", CASE, "--partner", "hotline")
    told, auf_deutsch = ask(*command).err, ask(*command, "--lang", "de").err

    assert all(each in told for each in english), told
    assert all(each in auf_deutsch for each in german), auf_deutsch


def test_a_case_whose_approval_waits_is_not_sent_and_names_it(
    ask: "Run", node: "FakeNode"
) -> None:
    waits = Phrase(
        "a case that is {case_state} does not go out: an approval of it waits for a "
        "second person: `fedsafe act approve {act}`"
    ).filled(case_state="draft", act=ACT)
    refusal = sent("not_approved", waits)
    node.always(f"POST /v1/cases/{CASE}/dispatches", refusal, 409)
    command = ("case", "send", CASE, "--to", "bka")
    english, german = ask(*command).err, ask(*command, "--lang", "de").err

    assert str(waits) in english
    assert "Entwurf (draft) ist, geht nicht hinaus: Seine Freigabe wartet auf" in german
    assert f"zweite Person: `fedsafe act approve {'0c' * 16}`" in german


def test_an_approval_that_the_case_has_overtaken_says_what_to_do(
    ask: "Run", node: "FakeNode"
) -> None:
    act = "0c" * 16
    changed = {"code": "case_changed", "detail": "the case has changed meanwhile"}
    other = {"code": "act_changed", "detail": "the breach has changed meanwhile"}
    command = ("act", "approve", act, "--digest", "cd" * 32)
    node.always(f"POST /v1/acts/{act}/approve", changed, 409)
    english, german = ask(*command).err, ask(*command, "--lang", "de").err
    node.always(f"POST /v1/acts/{act}/approve", other, 409)

    assert "`fedsafe case show CASE`" in english
    assert "`fedsafe case approve CASE --partner CLASS`" in english
    assert "`fedsafe case show FALL`" in german
    assert "`fedsafe case approve FALL --partner KLASSE`" in german
    assert "then have it approved anew" in english
    assert "dann neu freigeben lassen" in german
    assert "fedsafe case" not in ask(*command).err


def test_a_case_is_closed(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/cases/{CASE}/close", RECEIPT | {"state": "closed"})

    assert "closed" in ask("case", "close", CASE).out
    assert ask("case", "close", "7").status == 2


PAPER: Final = {
    "name": "letter-1.html",
    "media_type": "text/html",
    "mark": "draft",
    "sha256": sha256(b"paper").hexdigest(),
    "content": "cGFwZXI=",
}
RENDER: Final = ("case", "render", CASE, "--for", "law_enforcement", "--as", "letter")


def _rendering(node: "FakeNode", language: str, answer: dict[str, Any]) -> None:
    asked = f"form=letter&partner=law_enforcement&language={language}"
    node.always(f"GET /v1/cases/{CASE}/rendering?{asked}", answer)


@pytest.mark.parametrize(
    ("language", "words"), [("de", "ein Entwurf"), ("en", "a draft")]
)
def test_a_case_is_written_into_a_private_file(
    ask: "Run", node: "FakeNode", tmp_path: Path, language: str, words: str
) -> None:
    _rendering(node, language, PAPER)
    file = tmp_path / "letter.html"
    outcome = ask(*RENDER, "--output", str(file), "--lang", language)

    assert outcome.status == 0
    assert file.read_bytes() == b"paper"
    assert file.stat().st_mode & 0o777 == 0o600
    assert words in outcome.err
    assert PAPER["sha256"] in outcome.err


def test_a_paper_goes_to_standard_output_and_over_no_file(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    _rendering(node, "en", PAPER)
    file = tmp_path / "there"
    file.write_text("mine")

    assert ask(*RENDER, "--output", "-").out == "paper"
    assert ask(*RENDER, "--output", str(file)).status == ExitStatus.BAD_INPUT
    assert file.read_text() == "mine"
    assert len(node.asked) == 1


@pytest.mark.parametrize("broken", [{"content": "cGFw"}, {"content": "?"}])
def test_a_paper_that_is_not_what_the_node_says_is_not_written(
    ask: "Run", node: "FakeNode", tmp_path: Path, broken: dict[str, str]
) -> None:
    _rendering(node, "en", PAPER | broken)
    file = tmp_path / "letter.html"

    assert ask(*RENDER, "--output", str(file)).status != 0
    assert not file.exists()


def test_a_form_that_nobody_knows_is_not_asked_for(
    ask: "Run", node: "FakeNode"
) -> None:
    outcome = ask("case", "render", CASE, "--as", "novel", "--output", "-")

    assert outcome.status == 2
    assert "portal-sheet" in outcome.err
    assert node.asked == []


def test_the_script_needs_no_node_and_comes_in_both_languages(
    ask: "Run", node: "FakeNode"
) -> None:
    german, english = ask("case", "call", "--lang", "de"), ask("case", "call")

    assert german.out.startswith("1. Rufen Sie jetzt die 110 an")
    assert english.out.startswith("1. Call 110 now")
    assert len(english.out.splitlines()) == 3
    assert "110" in ask("case", "call", "--json").document["script"][0]["de"]
    assert node.asked == []


def test_a_call_is_noted_with_who_answered_from_standard_input(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"POST /v1/cases/{CASE}/calls", RECEIPT)
    outcome = ask(
        *("case", "call", CASE, "--at", "2026-11-24T09:30Z", "--reference", "4711"),
        *("--said", "place", "--said", "who", "--ordered", "send_package"),
        stdin="Leitstelle Süd\n".encode(),
    )

    assert outcome.status == 0
    assert node.asked[-1] == (
        f"POST /v1/cases/{CASE}/calls",
        {
            "number": "110",
            "at": 1_795_512_600,
            "said": ["place", "who"],
            "ordered": ["send_package"],
            "officer": "Leitstelle Süd",
            "reference": "4711",
        },
    )


def test_a_call_that_nobody_answered_is_noted_without_a_question(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"POST /v1/cases/{CASE}/calls", RECEIPT)
    at = ("--at", "2026-11-24T09:30Z")
    outcome = ask("case", "call", CASE, *at, "--no-answer", stdin=b"Leitstelle\n")

    assert outcome.status == 0
    assert node.asked[-1] == (
        f"POST /v1/cases/{CASE}/calls",
        {
            "number": "110",
            "at": 1_795_512_600,
            "said": [],
            "ordered": [],
            "answered": False,
        },
    )


def test_calls_are_shown_with_the_case(ask: "Run", node: "FakeNode") -> None:
    made = {
        "number": "110",
        "at": 1_795_512_600,
        "officer": "Leitstelle",
        "reference": "4711",
        "said": ["place"],
        "ordered": ["preserve"],
        "by": "ella",
    }
    tried = made | {"officer": None, "answered": False}
    node.always(f"GET /v1/cases/{CASE}", SHOWN | {"calls": [made, tried]})
    german, english = (
        ask("case", "show", CASE, "--lang", "de").out,
        ask("case", "show", CASE).out,
    )

    for word in ("110", "Leitstelle", "4711", "ella"):
        assert word in german
        assert word in english
    assert "Beweismittel sichern" in german
    assert "preserve evidence" in english
    assert german.count("niemand hat abgenommen") == 1
    assert english.count("nobody answered") == 1


def test_a_pack_is_written_into_a_private_file(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always("GET /v1/packs/2026-Q4?written=pdf&language=de", PAPER)
    file = tmp_path / "bzkj.pdf"
    options = ("--written", "pdf", "--language", "de", "--output", str(file))
    outcome = ask("case", "pack", "2026-Q4", *options)

    assert outcome.status == 0
    assert file.read_bytes() == b"paper"
    assert ask("case", "pack", "2026", "--output", "-").status == 2


@pytest.mark.parametrize(("quarter", "warns"), [("2020-Q4", False), ("2099-Q4", True)])
def test_a_pack_of_a_quarter_that_has_not_ended_is_warned_of(
    ask: "Run", node: "FakeNode", tmp_path: Path, quarter: str, *, warns: bool
) -> None:
    node.always(f"GET /v1/packs/{quarter}?language=en", PAPER)
    file = str(tmp_path / "bzkj.html")
    outcome = ask("case", "pack", quarter, "--output", file, "--lang", "en")

    assert outcome.status == 0
    assert ("has not ended yet" in outcome.err) is warns


def test_a_close_names_the_approvals_that_it_ends(ask: "Run", node: "FakeNode") -> None:
    closed = RECEIPT | {"state": "closed", "ended": ["0c" * 16]}
    node.always(f"POST /v1/cases/{CASE}/close", closed)
    done = ask("case", "close", CASE)
    german = ask("case", "close", CASE, "--lang", "de")

    assert f"the approval {'0c' * 16} that waited is withdrawn" in done.out
    assert f"die wartende Freigabe {'0c' * 16} ist damit zurückgezogen" in german.out


def test_what_each_class_of_partner_lacks_is_said(ask: "Run", node: "FakeNode") -> None:
    node.always(f"GET /v1/cases/{CASE}", SHOWN)
    done, german = (
        ask("case", "show", CASE),
        ask("case", "show", CASE, "--lang", "de"),
    )
    as_json = ask("case", "show", CASE, "--json").document

    assert (
        "record first: a basis for the transfer to the third country is recorded; "
        "URL or content id; Measures taken\n"
    ) in done.out
    assert "still lacking for NCMEC" in done.out
    assert "es fehlt noch für NCMEC" in german.out
    assert ": zuerst festhalten: " in german.out
    assert "; URL oder Kennung des Inhalts; Getroffene Maßnahmen\n" in german.out
    assert "nothing else is lacking for: Hotline" in done.out
    assert "sonst fehlt nichts für: " in german.out
    assert as_json["lacking"][0]["needs"] == ["transfer_basis"]
