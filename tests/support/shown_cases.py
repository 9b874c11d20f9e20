# SPDX-License-Identifier: Apache-2.0
"""What the case commands show of an invented case."""

from typing import Any, Final

CASE: Final = "0a" * 16
RECEIPT: Final = {"case": CASE, "state": "draft", "revision": 2, "act": None}
LISTED: Final = {
    "case": CASE,
    "state": "legal_review",
    "urgency": "u1",
    "minors": True,
    "ages_known": True,
    "known_at": 1_795_512_600,
    "dispatch_by": 1_795_527_000,
    "owed": [
        {
            "milestone": "dispatch",
            "due_at": 1_795_527_000,
            "met_at": None,
            "overdue": True,
        }
    ],
    "next": ["give_opinion", "fill_in"],
    "opened_by": "ella",
    "recall_due": False,
    "test": False,
}
SHOWN: Final[dict[str, Any]] = {
    "case": CASE,
    "state": "approved",
    "revision": 3,
    "urgency": "u0",
    "known_at": 1_795_512_600,
    "opened_at": 1_795_512_600,
    "opened_by": "ella",
    "sources": ["user_report"],
    "evidence": ["vault-7"],
    "elements": {"feature": "direct_messages"},
    "hidden": ["suspects"],
    "unavailable": {"network": "not_recorded"},
    "conditions": [],
    "checklist": [
        {
            "step": "ask_danger",
            "role": "analyst",
            "de": "Prüfen",
            "en": "Assess",
            "due_at": 1,
            "done": True,
        }
    ],
    "feature": "direct_messages",
    "help": None,
    "level": None,
    "evidence_decision": None,
    "opinion": None,
    "needs_opinion": False,
    "holds": [
        {"authority": "zac-nrw", "basis": "order-1", "since": 1, "until": 1_795_527_000}
    ],
    "release": {
        "partners": ["police_emergency"],
        "first": "ella",
        "at": 1_795_512_600,
        "second": None,
        "second_by": 1_795_555_800,
    },
    "unanswered": ["help", "level"],
    "gaps": [
        {"code": "no_contact", "element": "contact", "de": "fehlt", "en": "lacks"}
    ],
    "lacking": [
        {
            "partner": "ncmec",
            "needs": ["transfer_basis"],
            "lacks": [
                {"code": "missing", "element": "locators", "de": "x", "en": "x"},
                {"code": "missing", "element": "measures", "de": "x", "en": "x"},
            ],
        },
        {"partner": "hotline", "needs": [], "lacks": []},
    ],
    "steps": [],
    "calls": [],
    "test": False,
    "tasks": [],
    "mentions": [],
    "fallen": [],
    "terms": [],
    "alarms": [],
}
