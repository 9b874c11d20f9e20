# SPDX-License-Identifier: Apache-2.0
"""What the dispatch commands show of an invented dispatch."""

from typing import Any, Final

CASE: Final = "0a" * 16
SENT: Final = "0d" * 16
DISPATCH: Final[dict[str, Any]] = {
    "dispatch": SENT,
    "key": SENT * 2,
    "partner": "bka",
    "partner_class": "law_enforcement",
    "test": False,
    "revision": 3,
    "recalls": None,
    "package": "p-1",
    "sealing": "hpke",
    "state": "by_hand",
    "made_at": 1_795_512_600,
    "made_by": "ella",
    "due_at": None,
    "delivered_at": None,
    "acknowledged_at": None,
    "ways": ["portal", "phone"],
    "attempts": [
        {
            "number": 1,
            "way": "mail",
            "began_at": 1_795_512_600,
            "ended_at": 1_795_512_601,
            "outcome": "in_doubt",
            "proof": None,
            "message": None,
        }
    ],
    "receipts": [],
    "takings": [],
    "unclear": False,
    "reach": None,
}
REACH: Final[dict[str, Any]] = {
    "name": "BKA",
    "hours": "0-24",
    "standing": "unverified",
    "chain": [
        {"function": "KDD", "phone": "+49 30 0000001"},
        {"function": "Land", "phone": None},
    ],
}
TAKING: Final[dict[str, Any]] = {
    "by": "ella",
    "at": 1_795_512_600,
    "kept_back_at": None,
    "kept_back_by": None,
}
LIST: Final[dict[str, Any]] = {
    "case": CASE,
    "state": "fallback",
    "sending": False,
    "dispatches": [DISPATCH],
}
PLAN: Final[dict[str, Any]] = {
    "partner": "bka",
    "partner_class": "law_enforcement",
    "test": False,
    "sealing": "hpke",
    "ways": ["mail", "portal"],
    "paths": ["suspects[].account_id"],
    "unavailable": ["network"],
    "warnings": [{"code": "partner_expired", "de": "anrufen", "en": "call"}],
}
