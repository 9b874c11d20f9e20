# SPDX-License-Identifier: Apache-2.0
"""What happens in the thirty days: invented people, through the API, day by day.

Each step is an act of a person or a service. What nobody has decided at the end is what
a visitor finds waiting at the desk.
"""

from collections.abc import Sequence
from typing import Any, Final

from fedsafe_cli.demo.history import Days
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_cli.demo.story_acts import approve, propose
from fedsafe_policies.vocabulary import (
    Finding,
    Grade,
    Phenomenon,
    Provenance,
    Purpose,
    Role,
    Scope,
    Surface,
)

_DOMAIN: Final = "vorfuehrung.example"
_HOUR: Final = 60 * 60
_DAY: Final = 24 * _HOUR
_DEADLINE_MS: Final = 10_000
_OWN: Final = (
    ("mia.muster", "konto-1041"),
    ("jan.beispiel", "konto-1187"),
    ("kim.probe", "konto-2203"),
    ("alex.test", "konto-2710"),
    ("noa.beispiel", "konto-3001"),
)
_OF_B: Final = (
    "ole.irgendwer",
    "pia.niemand",
    "rio.erfunden",
    "sam.gedacht",
    "tom.neu",
)
_OF_C: Final = ("uwe.beispiel", "vera.muster")
_FOUND: Final[dict[str, Any]] = {
    "evidence": "ticket-88",
    "rule": "tos-4.2",
    "phenomenon": Phenomenon.GROOMING.value,
    "surface": Surface.PUBLIC_CONTENT.value,
    "grade": Grade.CONFIRMED_CONDUCT.value,
    "source": "own_initiative",
}
"""What a reviewer found here: a signal of somebody else is no finding."""


def play(days: Days) -> None:
    """Let the days pass."""
    _beginning(days)
    own = _bans(days)
    _reviews(days)
    _rights(days)
    _cases(days)
    _last_days(days, own)


def _beginning(days: Days) -> None:
    """People have their accounts; a service gets a credential."""
    days.hire()
    days.later()
    olaf = days.person(Role.OPERATOR)
    olaf.change(
        "/v1/credentials",
        {
            "name": "anmeldung",
            "scope": "lookup",
            "purposes": [Purpose.SIGNUP_CHECK.value],
            "until": days.now + 180 * _DAY,
        },
    )
    for name, module in (("anna", "basic"), ("ben", "basic"), ("ben", "legal")):
        olaf.change(
            "/v1/training",
            {
                "name": name,
                "module": module,
                "organisation": "Fachberatungsstelle",
                "since": days.now - 30 * _DAY,
                "until": days.now + 300 * _DAY,
            },
        )


def _ban(name: str, removed: str, **more: object) -> dict[str, Any]:
    return {
        "about": {"kind": "email", "value": f"{name}@{_DOMAIN}"},
        "phenomenon": Phenomenon.GROOMING.value,
        "surface": Surface.PUBLIC_CONTENT.value,
        "grade": Grade.CONFIRMED_CONDUCT.value,
        "provenance": Provenance.OWN_FINDING.value,
        "findings": [Finding.ADULT.value],
        "scope": Scope.FEDERATION.value,
        "rule": "tos-4.2",
        "removed_on": removed,
        **more,
    }


def _publish(node: DemoNode, names: Sequence[str], removed: str) -> list[str]:
    drafts = propose(node.client("anna"), [_ban(name, removed) for name in names])
    approve(node.client("ben"), drafts)
    return drafts


def _bans(days: Days) -> list[str]:
    """Each provider bans some people and tells the others; gives the own ones."""
    days.begin(1)
    days.levelled()
    removed = days.date()
    anna = days.person(Role.ANALYST)
    own = propose(
        anna, [_ban(name, removed, subject_ref=account) for name, account in _OWN]
    )
    days.later()
    approve(days.person(Role.REVIEWER), own)
    _publish(days.b, _OF_B, removed)
    _publish(days.c, _OF_C, removed)
    return own


def _sign_ups(days: Days, *matches: tuple[str, str]) -> None:
    """Let some people sign up whom nobody knows, and some who are listed."""
    days.levelled()
    day = days.now // _DAY % 1_000
    nobody = [(f"gast{day}-{each}", f"konto-{day}{each}") for each in range(3)]
    for name, account in (*nobody, *matches):
        body = {
            "questions": [{"kind": "email", "value": f"{name}@{_DOMAIN}"}],
            "purpose": Purpose.SIGNUP_CHECK.value,
            "subject_ref": account,
            "deadline_ms": _DEADLINE_MS,
        }
        days.a.client().post("/v1/lookup", body)
        days.later()


def _decide(
    days: Days, account: str, outcome: str, *, signal: bool = False, **more: object
) -> None:
    """Open the review of an account, think, and decide on it."""
    ben = days.person(Role.REVIEWER)
    listed = ben.get("/v1/tasks")["tasks"]
    (found,) = (each["task"] for each in listed if each["subject_ref"] == account)
    task = ben.get(f"/v1/tasks/{found}")
    days.later()
    body = {"outcome": outcome, "revision": task["revision"], **more}
    if signal:
        body["signal"] = task["signals"][0]["signal"]
    ben.change(f"/v1/tasks/{found}/outcome", body)


def _reviews(days: Days) -> None:
    """Matches are reviewed in each of the ways that there are."""
    days.begin(2)
    _sign_ups(days, (_OF_B[0], "konto-5001"))
    days.begin(3)
    _decide(days, "konto-5001", "dismiss", reason="vermerk-1")
    days.begin(5)
    _sign_ups(days, (_OF_B[1], "konto-5002"), (_OF_C[0], "konto-5003"))
    days.begin(6)
    until = days.date(14)
    _decide(days, "konto-5003", "watch", reason="vermerk-2", until=until)
    _decide(days, "konto-5002", "confirm", level="L3", **_FOUND)


def _request(days: Days, kind: str, name: str, **more: object) -> str:
    """Enter what a person asks for, who has shown who they are."""
    body = {
        "kind": kind,
        "about": {"kind": "email", "value": f"{name}@{_DOMAIN}"},
        "control": "identity_document",
        "checked": {"seen_on": days.date(), "reference": "vermerk-7"},
        "language": "de",
        **more,
    }
    asked = days.person(Role.DPO).change("/v1/rights", body)
    days.later()
    return str(asked["request"])


def _approve_waiting(days: Days, role: Role) -> None:
    """Approve, as somebody else, what waits for a second person."""
    second = days.person(role)
    for each in second.get("/v1/acts")["acts"]:
        target = f"/v1/acts/{each['act']}/approve"
        second.change(target, {"digest": each["digest"]})
    days.later()


def _rights(days: Days) -> None:
    """A person is answered, a letter goes astray, an authority wants a hold."""
    days.begin(8)
    asked = _request(days, "access", _OWN[0][0])
    _approve_waiting(days, Role.LEGAL_ADVISER)
    days.begin(10)
    dora = days.person(Role.DPO)
    dora.change(f"/v1/rights/{asked}/answer", None)
    days.later()
    closed = {"outcome": "answered", "reason": "brief-3"}
    dora.change(f"/v1/rights/{asked}/close", closed)
    dora.change(
        "/v1/breaches",
        {
            "aware_at": days.now - 3 * _HOUR,
            "kinds": ["confidentiality"],
            "cause": "misdelivery",
            "note": "Ein Brief ging an eine falsche Anschrift und kam zurück.",
        },
    )
    dora.change(
        "/v1/audit/holds",
        {
            "reason": "order:12-2026",
            "until": days.now + 90 * _DAY,
            "subject_ref": "konto-5002",
        },
    )
    days.begin(11)
    _request(days, "dispute", _OWN[1][0], contention="conduct_denied")
    _approve_waiting(days, Role.LEGAL_ADVISER)


def _cases(days: Days) -> None:
    """An origin is asked about its signal; a case of the provider's own begins."""
    days.begin(17)
    _sign_ups(days, (_OF_B[2], "konto-5004"))
    days.begin(18)
    questions = ["found_by_a_person", "identifier_confirmed"]
    doubt: dict[str, Any] = {"reason": "vermerk-4", "questions": questions}
    _decide(days, "konto-5004", "inquire", signal=True, **doubt)
    erik = days.person(Role.ESCALATION_OFFICER)
    opened = erik.change(
        "/v1/cases",
        {
            "urgency": "u1",
            "phenomenon": Phenomenon.GROOMING.value,
            "known_at": days.now - _HOUR,
            "sources": ["own_review"],
            "ages": ["10_13"],
            "threat": {
                "danger": "unclear",
                "reason": "Ein Treffen wurde vorgeschlagen.",
            },
        },
    )
    erik.get(f"/v1/cases/{opened['case']}")


def _last_days(days: Days, own: Sequence[str]) -> None:
    """What nobody has done with yet: reviews, requests, a breach, acts that wait."""
    days.begin(23)
    days.person(Role.REVIEWER).change(
        f"/v1/signals/{own[4]}/revoke", {"reason": "mistake"}
    )
    asked = _request(days, "erasure", _OWN[2][0], contention="wrong_person")
    _approve_waiting(days, Role.LEGAL_ADVISER)
    days.begin(28)
    _sign_ups(days, (_OF_B[3], "konto-5005"))
    dora = days.person(Role.DPO)
    dora.change(f"/v1/rights/{asked}/grant", {"reason": "brief-4"})
    days.begin(29)
    _sign_ups(days, (_OF_B[4], "konto-5006"), (_OF_C[1], "konto-5007"))
    _decide(days, "konto-5005", "confirm", level="L5", **_FOUND)
    draft = _ban("lea.muster", days.date(), subject_ref="konto-6001")
    propose(days.person(Role.ANALYST), [draft])
    days.begin(29, 14, whole=True)
    _request(days, "access", _OWN[3][0])
    dora = days.person(Role.DPO)
    dora.change(
        "/v1/breaches",
        {
            "aware_at": days.now - 20 * _HOUR,
            "kinds": ["confidentiality"],
            "cause": "software",
        },
    )
    dora.change("/v1/audit/export", {"first": 0, "last": 40})
    olaf = days.person(Role.OPERATOR)
    olaf.change("/v1/roles", {"name": "ben", "role": Role.ESCALATION_OFFICER.value})
    days.begin(30, whole=True)
    days.levelled()
