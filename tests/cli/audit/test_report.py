# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit report`: what it asks, writes and ends with.

That the sentences are true of a real log is for tests/node/audit.
"""

import stat
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import fedsafe_cli.audit.report_texts as texts
from fedsafe_cli.audit.report import as_text
from fedsafe_node.audit.account_view import ACCESSES
from fedsafe_node.log.retention_grounds import Basis
from fedsafe_node.words import codes
from fedsafe_policies.vocabulary import Purpose

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

TARGET: Final = "POST /v1/audit/report"
NAMED: Final = ("audit", "report", "--account", "account-17", "--since", "2026-11-01")
LOOK: Final[dict[str, Any]] = {
    "index": 7,
    "event": "lookup",
    "at": "2026-11-24T12:00:00.000+00:00",
    "outcome": "review",
    "purpose": "recheck",
    "basis": "gdpr_6_1_f",
    "rule": "P8",
    "policy": "germany@1a2b3c4d",
    "actor": "staff-2026q4-mfzwizltmvxgk4tfon2gc",
    "access": True,
    "person": True,
    "erased": [],
}
REPORT: Final[dict[str, Any]] = {
    "node": "a.demo",
    "service": "shop",
    "subject_ref": "account-17",
    "after": 1_793_491_200,
    "before": 1_796_083_200,
    "made_at": 1_796_083_200,
    "made_by": "staff-2026q4-deovewfqbbvkb4mmclq34",
    "purpose": "audit_review",
    "entry": 9,
    "end": 9,
    "entries": [LOOK],
    "more": False,
    "nameless": [],
    "log": {"log": "a.demo/audit", "size": 9, "ok": True, "minimum": 0},
    "gaps": {"missing": 0, "gaps": [], "erased": {}, "minimum": 0, "lost": []},
    "cosigned": None,
}


def test_the_account_and_the_span_are_in_the_body(ask: "Run", node: "FakeNode") -> None:
    node.always(TARGET, REPORT)
    more = ("--service", "shop", "--until", "2026-12-01", "--purpose", "supervision")
    outcome = ask(*NAMED, *more, "--json")

    assert (outcome.status, outcome.document["entries"][0]["index"]) == (0, 7)
    asked = {"subject_ref": "shop/account-17", "after": 1_793_491_200}
    asked |= {"before": 1_796_083_200, "purpose": "supervision"}
    assert node.asked == [(TARGET, asked)]
    twice = ask("audit", "report", "--account", "a/b", "--service", "c", *NAMED[-2:])
    assert twice.status == 2
    assert "name the service in --account or in --service" in twice.err


def test_the_head_says_whose_report_it_is(ask: "Run", node: "FakeNode") -> None:
    node.always(TARGET, REPORT)
    german = ask(*NAMED, "--lang", "de").out

    for said in ("a.demo", "shop/account-17", REPORT["made_by"], "2026-12-01 00:00:00"):
        assert said in german
    assert german.startswith("Bericht: wer sich das Konto shop/account-17 angesehen")


def test_a_page_is_written_for_its_owner_and_over_nothing(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.always(TARGET, REPORT)
    file = tmp_path / "report.html"
    first, again = (ask(*NAMED, "--html", str(file)) for _ in range(2))

    assert (first.status, again.status) == (0, 5)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"@page" in file.read_bytes()
    assert "exists already" in again.err
    assert len(node.asked) == 1


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        (
            {
                "log": {
                    "log": "a.demo/audit",
                    "ok": False,
                    "damage": "tampered",
                    "why": "the entry is missing",
                    "first_bad_index": 3,
                }
            },
            20,
            "Das Protokoll stimmt nicht: der Eintrag fehlt bei Eintrag 3.",
        ),
        (
            {"gaps": REPORT["gaps"] | {"missing": 2}},
            21,
            "2 Einträge fehlen.",
        ),
        (
            {"gaps": REPORT["gaps"] | {"lost": [{"first": 4, "last": 4, "at": 0}]}},
            21,
            "1 Eintrag fehlt.",
        ),
        (
            {
                "gaps": REPORT["gaps"]
                | {
                    "gaps": [
                        {
                            "kind": "unwritable",
                            "reason": "full",
                            "since": 1_793_491_300,
                            "until": 1_793_491_400,
                        },
                        {
                            "kind": "unwritable",
                            "reason": "busy",
                            "since": 60,
                            "until": 90,
                        },
                    ]
                }
            },
            0,
            "Lücken im Zeitraum: nichts zu schreiben, Datenträger voll, 2026-11-01",
        ),
        (
            {"gaps": REPORT["gaps"] | {"minimum": 4, "erased": {"retention": 3}}},
            0,
            "Frist abgelaufen 3.",
        ),
        ({"more": True}, 0, "es gibt mehr: einen kürzeren Zeitraum nehmen."),
        ({"entries": []}, 0, "nennt kein Eintrag jemanden, der es sich angesehen hat"),
    ],
)
def test_what_it_cannot_say_is_said(
    ask: "Run", node: "FakeNode", changed: dict[str, Any], status: int, said: str
) -> None:
    node.always(TARGET, REPORT | changed)
    outcome = ask(*NAMED, "--lang", "de")

    assert outcome.status == status
    assert said in " ".join(outcome.out.split())


def test_pseudonyms_of_two_quarters_may_be_one_person() -> None:
    older = LOOK | {"index": 2, "actor": "staff-2026q3-deovewfqbbvkb4mmclq34"}
    report = REPORT | {"entries": [older, LOOK]}

    assert "one person may be there" in " ".join(as_text(report, language="en").split())
    assert "one person may" not in as_text(REPORT, language="en")


def test_every_time_of_the_json_form_is_written_in_one_way(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(TARGET, REPORT)
    told = ask(*NAMED, "--json").document

    assert told["after"] == "2026-11-01T00:00:00Z"
    assert told["before"] == told["made_at"] == "2026-12-01T00:00:00Z"
    assert told["entries"][0]["at"].endswith("Z")


ABOUT_ACCOUNTS: Final = {
    *("lookup", "audit.read", "task.read", "signal.read", "notice.read"),
    *("own_ban.recorded", "signal.drafted", "audit.held", "audit.erased"),
    *("records.written", "rights.answered", "notice.erased"),
    "signal.account_revoked",
}
"""Classes of events that name an account, beside those of a review's course."""


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_sentence_has_the_code_of_an_event(*, language: str) -> None:
    looks = [LOOK | {"event": each} for each in sorted(ABOUT_ACCOUNTS)]
    said = " ".join(as_text(REPORT | {"entries": looks}, language=language).split())

    assert texts.DID.keys() >= ABOUT_ACCOUNTS
    for event in ABOUT_ACCOUNTS - {"lookup"}:
        assert event not in said
    newer = as_text(REPORT | {"entries": [LOOK | {"event": "x.y"}]}, language=language)
    assert "x.y" in newer  # of a newer node: better a code than nothing


def test_every_look_purpose_and_basis_has_words() -> None:
    assert texts.DID.keys() >= {"lookup", "audit.read", "task.read"}
    assert {"audit.read", "task.read"} <= set(ACCESSES)
    assert texts.PURPOSES.keys() == {each.value for each in Purpose}
    assert codes.BASES.keys() == {each.value for each in Basis}


def test_both_languages_have_the_same_places() -> None:
    tables = (texts.HEAD, texts.WHO, texts.DID, texts.GROUNDS, texts.WHY)
    for text in chain.from_iterable(each.values() for each in tables):
        assert text.said("de").count("{") == text.said("en").count("{"), text
