# SPDX-License-Identifier: Apache-2.0
"""What people do with cases and letters over HTTP, one act after the other."""

import secrets
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

import msgspec
from tests.support.case_receivers import Taken
from tests.support.maximal import MAXIMAL

from fedsafe_node.ground.clock import SystemClock

DANGER: Final = "u0"
HELP: Final = "uh"
KNOWN: Final = msgspec.to_builtins(msgspec.structs.replace(MAXIMAL, case=msgspec.UNSET))
TO: Final[Mapping[str, tuple[str, ...]]] = {
    DANGER: ("lka", "jugendamt", "police", "chain", "hand"),
    HELP: ("help",),
}
_CLASSES: Final[Mapping[str, tuple[str, ...]]] = {
    DANGER: ("law_enforcement", "police_emergency", "youth_welfare"),
    HELP: ("counselling",),
}
_REASON: Final[Mapping[str, str]] = {DANGER: "wrong_facts", HELP: "consent_revoked"}
_LETTERS: Final = ("bzkj_hearing", "bzkj_advice", "bzkj_request", "bzkj_order")
_STEPS: Final[Mapping[str, str]] = {"assess": "assessed", "approve": "approved"}
_NOTED: Final[Mapping[str, str]] = {
    "hand": "handed",
    "take": "taken",
    "keep back": "kept_back",
    "bounce": "bounced",
}
_DAY: Final = 86_400


@dataclass(slots=True)
class Case:
    """A case, as far as the node has acknowledged what was done with it."""

    urgency: str
    id: str = ""
    steps: Counter[str] = field(default_factory=Counter)
    sent: dict[str, str] = field(default_factory=dict)
    """The dispatch to each partner."""
    arrived: list[str] = field(default_factory=list)
    answered: dict[str, str] = field(default_factory=dict)
    """By which way each dispatch was acknowledged."""
    handed: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    """The dispatches that somebody took out, also if they kept them back since."""
    kept_back: set[str] = field(default_factory=set)
    made_at: dict[str, int] = field(default_factory=dict)
    """When each dispatch was made, by the node's clock, which runs ahead of ours."""
    bounced: set[str] = field(default_factory=set)
    """The dispatches of which a mail came back."""
    is_over: bool = False
    is_fresh: bool = True

    @property
    def in_hand(self) -> set[str]:
        """The dispatches that somebody took out, with no word what came of them."""
        return self.taken - self.handed - self.kept_back

    @property
    def is_recalled(self) -> bool:
        """Whether it was recalled."""
        return self.steps["recalled"] > 0


@dataclass(slots=True)
class Letter:
    """A letter of an authority, as far as the node has acknowledged it."""

    body: dict[str, Any]
    id: str = ""
    revision: int = 1
    done: list[str] = field(default_factory=list)
    due_at: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it was answered."""
        return "answer" in self.done

    @classmethod
    def any(cls, random: Random) -> "Letter":
        """Return a letter that nobody has entered yet."""
        now = _now()
        return cls(
            {
                "kind": random.choice(_LETTERS),
                "received_at": now - 60,
                "authority": "Bundeszentrale",
                "reference": f"Gz-{random.getrandbits(60)}",
                "basis": "§ 24b JuSchG",
                "scope": f"Wartezeit {random.getrandbits(60)}",
                "due_at": now + random.randrange(20, 40) * _DAY,
            }
        )


@dataclass(slots=True)
class Act:
    """A write under way, or done; `key` makes its repetition harmless."""

    kind: str
    on: Case | Letter
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    person: str = "ada"
    about: str = ""
    """The dispatch that it is about."""
    mail: bytes = field(default=b"", repr=False)
    key: str | None = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def is_new(self) -> bool:
        """Whether it makes what it is about."""
        return self.kind in {"open", "enter"}

    def take(self, answer: Any) -> None:  # noqa: ANN401 - as it came
        """Learn of an acknowledgement; a reply that came by the command has none."""
        if isinstance(self.on, Letter):
            _learn_letter(self, self.on, answer)
        else:
            _learn_case(self, self.on, answer)


def opening(urgency: str) -> Act:
    """Open a case."""
    body = {
        "urgency": urgency,
        "known_at": _now() - 60,
        "threat": KNOWN["threat"],
        "sources": ["user_report"],
        "phenomenon": "grooming",
        "ages": ["10_13"],
    }
    return Act("open", Case(urgency), "/v1/cases", body)


def entering(letter: Letter) -> Act:
    """Enter a letter that came in."""
    return Act("enter", letter, "/v1/orders", letter.body)


def next_of_letter(letter: Letter, random: Random) -> Act:
    """Acknowledge, move or answer a letter."""
    path = f"/v1/orders/{letter.id}"
    if "acknowledged" not in letter.done:
        return Act("note", letter, f"{path}/note", {"step": "acknowledged"})
    if "moved" not in letter.done and random.random() < 0.5:
        moved = {
            "step": "moved",
            "due_at": letter.due_at + 7 * _DAY,
            "reference": "Anruf-7",
        }
        return Act("note", letter, f"{path}/note", moved)
    body = {"outcome": "answered", "reference": "Brief-9"}
    return Act("answer", letter, f"{path}/answer", body, person="lea")


def next_of_case(case: Case, taken: Mapping[str, Taken], random: Random) -> Act | None:
    """Choose what to do next with a case; nothing, until a parcel of it arrives."""
    path = f"/v1/cases/{case.id}"
    if not case.steps["assessed"]:
        return Act("assess", case, f"{path}/assess", {"elements": KNOWN})
    if not case.steps["approved"]:
        body = {"partners": list(_CLASSES[case.urgency])}
        return Act("approve", case, f"{path}/approve", body, key=None)
    if not case.sent:
        to = TO[case.urgency]
        chosen = sorted(random.sample(to, random.randint(1, len(to))))
        return Act("send", case, f"{path}/dispatches", {"partners": chosen}, key=None)
    return _next_of_sent(case, taken, random)


def _next_of_sent(case: Case, taken: Mapping[str, Taken], random: Random) -> Act | None:
    path, choices = f"/v1/cases/{case.id}", list(_said_of_taken(case))
    if case.is_recalled:
        return random.choice(choices) if choices else None
    if case.in_hand and random.random() < 0.3:
        return Act("recall", case, f"{path}/recall", {"reason": _REASON[case.urgency]})
    choices += _answers(case, taken)
    if choices and random.random() < 0.8:
        return random.choice(choices)
    if random.random() < 0.04 or (choices and random.random() < 0.4):
        reason = {"reason": _REASON[case.urgency]}
        return Act("recall", case, f"{path}/recall", reason)
    return None


def _answers(case: Case, taken: Mapping[str, Taken]) -> "list[Act]":
    found = []
    for partner, dispatch in case.sent.items():
        path = f"/v1/cases/{case.id}/dispatches/{dispatch}"
        parcel = taken.get(dispatch)
        if dispatch in case.answered:
            continue
        if partner == "hand" and dispatch not in case.handed | case.taken:
            take = Act("take", case, f"{path}/package", about=dispatch, key=None)
            found += [take, take, _handed(case, dispatch)]
        elif dispatch in case.in_hand:
            continue
        elif dispatch in case.kept_back - case.handed:
            found.append(_handed(case, dispatch))
        elif parcel is not None and parcel.way == "mail":
            found.append(_reply(case, parcel))
            if dispatch not in case.bounced:
                found.append(_bounce(case, parcel))
        elif parcel is not None or partner == "hand":
            body = {"at": case.made_at[dispatch], "reference": "AZ-1"}
            found.append(
                Act("acknowledge", case, f"{path}/acknowledged", body, about=dispatch)
            )
    return found


def _said_of_taken(case: Case) -> Iterator[Act]:
    """Say what came of what somebody took out: also after a recall."""
    for dispatch in sorted(case.in_hand):
        path = f"/v1/cases/{case.id}/dispatches/{dispatch}/handed"
        body = {"outcome": "kept_back", "at": 0}  # when, is known as it is noted
        yield _handed(case, dispatch)
        yield Act("keep back", case, path, body, about=dispatch)


def _handed(case: Case, dispatch: str) -> Act:
    path = f"/v1/cases/{case.id}/dispatches/{dispatch}/handed"
    at = case.made_at[dispatch]
    body = {"way": "portal", "at": at, "reference": "BKA-1"}
    return Act("hand", case, path, body, about=dispatch)


def _reply(case: Case, parcel: Taken) -> Act:
    return _mail("reply", case, parcel, f"Subject: AW: FedSafe {parcel.token}\r\n")


def _bounce(case: Case, parcel: Taken) -> Act:
    report = (
        f"To: cases+{parcel.token}@chat.example\r\n"
        "Content-Type: multipart/report; report-type=delivery-status\r\n"
    )
    return _mail("bounce", case, parcel, report)


def _mail(kind: str, case: Case, parcel: Taken, lines: str) -> Act:
    known = f"Message-ID: <{secrets.token_hex(8)}@office.example>\r\n"
    head = f"{known}{lines}".encode()
    return Act(
        kind,
        case,
        "/v1/replies",
        {"headers": b64encode(head).decode()},
        about=parcel.dispatch,
        mail=head + b"\r\nDanke.\r\n",
        key=None,
    )


def _learn_letter(act: Act, letter: Letter, answer: Any) -> None:  # noqa: ANN401
    if act.is_new:
        letter.id, letter.due_at = answer["order"], answer["due_at"]
        return
    letter.revision += 1
    assert answer["revision"] == letter.revision, answer
    letter.due_at = answer["due_at"]
    letter.done.append(act.body.get("step", act.kind))


def _learn_case(act: Act, case: Case, answer: Any) -> None:  # noqa: ANN401
    case.is_fresh = True
    match act.kind:
        case "open":
            case.id = answer["case"]
            case.steps["opened"] += 1
        case "assess" | "approve":
            case.steps[_STEPS[act.kind]] += 1
        case "send":
            case.sent = {
                each["partner"]: each["dispatch"] for each in answer["dispatches"]
            }
            case.made_at = {
                each["dispatch"]: each["made_at"] for each in answer["dispatches"]
            }
            assert sorted(case.sent) == act.body["partners"], answer
        case "hand" | "take" | "keep back" | "bounce":
            assert act.kind != "bounce" or answer is None or answer["bounced"], answer
            getattr(case, _NOTED[act.kind]).add(act.about)
        case "reply":
            case.answered[act.about] = "mail"
        case "acknowledge":
            case.answered[act.about] = ""
        case _:
            assert answer["state"] == "recalled", answer
            case.steps["recalled"] += 1
    if case.is_recalled:
        case.is_over = not case.in_hand
    elif case.sent and set(case.sent.values()) <= set(case.answered):
        case.is_over = True


def _now() -> int:
    return int(SystemClock().now().timestamp())
