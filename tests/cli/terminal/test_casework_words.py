# SPDX-License-Identifier: Apache-2.0
"""What is said of cases and partners in German has no English in it."""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from tests.support.maximal import MAXIMAL
from tests.support.shown_cases import CASE, LISTED
from tests.support.shown_cases import SHOWN as SHOWN_CASE
from tests.support.shown_dispatches import DISPATCH, PLAN, REACH, TAKING
from tests.support.shown_dispatches import LIST as DISPATCHES
from tests.support.shown_partners import CHANNELS, ENTRY, LIST, OFFICE, SHOWN

from fedsafe_node.acts.cases import WorkKind
from fedsafe_node.words.casework import (
    absence_word,
    class_word,
    condition_word,
    element_lines,
    element_word,
    level_word,
)
from fedsafe_policies.escalation.calls import Ordered, Said
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.clocks import Milestone
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome
from fedsafe_policies.escalation.next_steps import NextStep
from fedsafe_policies.escalation.partners import Way
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.urgency import Fallback
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    AgeBand,
    Clock,
    Condition,
    ConsentGiver,
    Danger,
    Element,
    NetworkEvent,
    PartnerClass,
)
from fedsafe_policies.vocabulary import Level, Phenomenon, Role

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

REFERENCE: Final = re.compile(
    r"\b[a-z]+-\d+\b|\S+\.(?:example|demo)\S*|SHA256:\S+|--(?:way|partner) \w+"
)
"""Addresses, references, keys; and in commands ways and classes of partner."""
WORD: Final = re.compile(r"[^\W\d]{4,}(?:_[^\W\d]+)*")
NAMES: Final = {
    *("fedsafe", "case", "dispatches", "handed", "recall", "reference"),
    *("take", "output", "reason", "outcome", "kept_back", "taken", "approve"),
    # with those before, words of commands
    *("Chat", "GmbH", "Proxy", "Login", "Portal", "Partner", "Name", "Test", "Status"),
    *("OpenPGP", "HPKE", "SFTP", "Webhook", "NCMEC", "CyberTipline", "INHOPE", "BzKJ"),
    *("BLAKE", "StGB", "SHA256", "X.509", "ella", "bernd", "sftp", "Grooming"),
    *("FedSafe", "MIME", "Land"),
    "ask_danger",  # the name of a step, as --done takes it
    *CaseState,  # beside their words, as programs and papers have them
}
"""What is the same in both languages: names, commands, and a few words."""


def _words(text: str) -> set[str]:
    return set(WORD.findall(REFERENCE.sub("", text)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


CODES: Final[tuple[type[StrEnum], ...]] = (
    *(Absence, AgeBand, Clock, Condition, ConsentGiver, Danger),
    *(Element, NetworkEvent, PartnerClass, Phenomenon),
)
ELEMENTS: Final[dict[str, Any]] = json.loads(msgspec.json.encode(MAXIMAL))
SAID_OF_THE_CASE: Final = {
    found for text in _texts(ELEMENTS) for found in _words(text)
} - {each.value for kind in CODES for each in kind}
"""Words of the case itself: nobody translates what a person has entered."""


OWED: Final[dict[str, Any]] = {
    "due_at": 1_795_527_000,
    "met_at": None,
    "overdue": True,
}


def _known() -> dict[str, Any]:
    return SHOWN_CASE | {
        "inquiries": [
            {"step": step, "at": 1_795_527_000, "reference": "az-1", "by": "ella"}
            for step in ("needs_info", "supplemented")
        ],
        "sources": list(CaseSource),
        "elements": ELEMENTS,
        "hidden": list(Element),
        "unavailable": {
            element.value: why.value
            for element, why in zip(Element, [*Absence] * 7, strict=False)
        },
        "conditions": list(Condition),
        "help": "nobody_known",
        "level": "L6",
        "evidence_decision": "preserved",
        "opinion": "opinion-3",
        "checklist": [
            SHOWN_CASE["checklist"][0] | {"role": role.value} for role in Role
        ],
        "release": SHOWN_CASE["release"]
        | {"partners": list(PartnerClass), "second": "bernd"},
        "approval": {
            "act": "0c" * 16,
            "partners": list(PartnerClass),
            "asked_by": "ella",
            "asked_at": 1_795_512_600,
            "expires_at": 1_795_527_000,
            "roles": list(Role),
        },
        "unanswered": [
            *("phenomenon", "feature", "help", "threat", "opinion", "level"),
            *("evidence", "second_look", "inquiry"),
        ],
        "calls": [
            {
                "number": "110",
                "at": 1_795_512_600,
                "officer": None,
                "reference": "2026/4711",
                "said": list(Said),
                "ordered": list(Ordered),
                "by": "ella",
            }
        ],
        "test": True,
        "lacking": [
            {
                "partner": class_.value,
                "needs": list(Condition),
                "lacks": [{"element": each.value} for each in Element],
            }
            for class_ in PartnerClass
        ]
        + [{"partner": each.value, "needs": [], "lacks": []} for each in PartnerClass],
        "tasks": [
            {
                "kind": kind.value,
                "dispatch": "0d" * 16,
                "partner": "bka",
                "since": 1,
                "recalls": recalls,
                "taken_by": ["ella"],
                "reach": REACH,
            }
            for kind in WorkKind
            for recalls in (None, "0e" * 16)
        ],
        "fallen": ["a.demo/1"],
        "terms": [OWED | {"milestone": each.value} for each in Milestone],
        "alarms": [
            {"fallback": each.value, "told_at": 1_795_512_600} for each in Fallback
        ],
    }


def _queue() -> dict[str, Any]:
    every = {"next": [step.value for step in NextStep]}
    return {"cases": [LISTED | every | {"state": state.value} for state in CaseState]}


def _dispatches() -> dict[str, Any]:
    attempts = [
        DISPATCH["attempts"][0] | {"outcome": outcome.value, "way": "mail"}
        for outcome in Outcome
    ]
    receipts = [
        {
            "kind": kind,
            "way": way.value,
            "at": 1_795_512_600,
            "reference": "4711",
            "by": "ella",
            "signed_by": None,
        }
        for kind in ("handed", "acknowledged")
        for way in Way
    ]
    each = DISPATCH | {
        "attempts": attempts,
        "receipts": receipts,
        "ways": list(Way),
        "due_at": 1_795_512_600,
        "recalls": "0e" * 16,
    }
    kept = TAKING | {"kept_back_at": 1_795_512_600, "kept_back_by": "ella"}
    expired = REACH | {"standing": "expired"}
    taken = {"takings": [TAKING, kept], "unclear": True, "reach": expired}
    found = [each | taken | {"state": state.value} for state in DispatchState]
    back = each | {"recalls": None, "recalled": True, "delivered_at": 1}
    found += [back, back | {"acknowledged_at": 1}]
    return DISPATCHES | {"dispatches": found}


def _plans() -> dict[str, Any]:
    plans = [
        PLAN
        | {
            "partner_class": class_.value,
            "sealing": sealing,
            "ways": ["mail", "sftp", "webhook", *Way, "registry"],
            "paths": [],
            "unavailable": list(Element),
        }
        for class_, sealing in zip(
            PartnerClass, ["hpke", "smime", "openpgp", "none"] * 3, strict=False
        )
    ]
    return {"case": CASE, "dry_run": True, "plans": plans}


def _partners() -> dict[str, Any]:
    entries = [
        SHOWN
        | {
            "entry": ENTRY
            | {
                "partner_class": class_.value,
                "ways": list(Way),
                "channels": CHANNELS,
            },
            "standing": standing,
            "unusable": {
                "certificate": "the certificate expired 2026-11-01",
                "openpgp": "the OpenPGP certificate is revoked",
                "key": "nothing can be sealed to that public key",
            },
            "unusable_made": {
                "certificate": {
                    "template": "the certificate expired {on}",
                    "params": {"on": "2026-11-01"},
                },
                "openpgp": {"template": "the OpenPGP certificate is revoked"},
                "key": {"template": "nothing can be sealed to that public key"},
            },
        }
        for class_, standing in zip(
            PartnerClass, ["verified", "unverified", "expired"] * 3, strict=True
        )
    ]
    offices = [
        OFFICE | {"partner_class": each.value, "template": True}
        for each in PartnerClass
    ]
    return LIST | {"partners": entries, "landscape": offices}


ASKED: Final = (
    ("GET /v1/cases", _queue(), ("case", "list")),
    (f"GET /v1/cases/{CASE}", _known(), ("case", "show", CASE)),
    (f"GET /v1/cases/{CASE}/dispatches", _dispatches(), ("case", "dispatches", CASE)),
    ("GET /v1/partners", _partners(), ("partner", "list")),
)


def _common(english: str, german: str) -> set[str]:
    return _words(english) & _words(german)


@pytest.mark.parametrize(("target", "answer", "command"), ASKED)
def test_no_english_is_left_in_what_is_told_in_german(
    ask: "Run",
    node: "FakeNode",
    target: str,
    answer: dict[str, Any],
    command: tuple[str, ...],
) -> None:
    node.always(target, answer)
    english, german = ask(*command), ask(*command, "--lang", "de")

    assert (english.status, german.status) == (0, 0)
    left = _common(english.out + english.err, german.out + german.err)
    assert left - NAMES - SAID_OF_THE_CASE == set()


def test_no_english_is_left_in_a_dry_run(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/cases/{CASE}/dispatches", _plans())
    command = ("case", "send", CASE, "--to", "bka", "--dry-run")
    english, german = ask(*command), ask(*command, "--lang", "de")

    assert (english.status, german.status) == (0, 0)
    left = _common(english.out, german.out)
    assert left - NAMES == set()


@pytest.mark.parametrize(
    ("say", "codes"),
    [
        (class_word, PartnerClass),
        (element_word, Element),
        (condition_word, Condition),
        (absence_word, Absence),
        (level_word, Level),
    ],
)
def test_every_code_has_words_and_a_newer_one_stays(
    say: Any,  # noqa: ANN401 - one of the functions above
    codes: type[StrEnum],
) -> None:
    assert all(say(code.value, "de") != code.value for code in codes)
    assert say("newer_code", "de") == say("newer_code", "en") == "newer_code"


def test_an_element_of_a_newer_form_is_shown_as_it_came() -> None:
    assert list(element_lines("threat", {"newer": "ü"}, "de")) == ['{"newer": "ü"}']
    assert list(element_lines("newer", 1, "en")) == ["1"]


def test_lines_of_others_are_set_in_like_no_line_of_ours() -> None:
    said = [{"text": "a\nfreigegeben für alle\u2028b"}]

    assert list(element_lines("content", said, "de")) == [
        "„a",
        "   freigegeben für alle",
        "   b“",
    ]


@pytest.mark.parametrize("language", ["de", "en"])
def test_all_moments_and_days_on_a_screen_have_one_form(language: str) -> None:
    lines = [
        line
        for name, value in ELEMENTS.items()
        for line in element_lines(name, value, language)
    ]

    assert not [line for line in lines if re.search(r"\d\.\d\d\.\d{4}", line)]
    assert sum("2026-11-20 18:30:00 UTC" in line for line in lines) >= 5


def test_what_a_consent_covers_is_said() -> None:
    lines = list(element_lines("consent", ELEMENTS["consent"], "de"))

    assert lines[-1].startswith("umfasst: Konto und Erreichbarkeit")
