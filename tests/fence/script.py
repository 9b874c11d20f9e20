# SPDX-License-Identifier: Apache-2.0
"""The requests and commands that are replayed.

First the acts of a provider's day, each with what later ones need of its answer; then,
over every route, what is refused: to everybody in turn a body that fits its type and
names nothing that there is, one that lacks all, and one that is no JSON; then every
command that asks for nothing, in both languages. Bodies come from the routes' types,
once, and go to both sides as the same bytes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import click
import msgspec
from msgspec import inspect as known
from tests.fence.samples import value_of
from tests.fence.stage import PEOPLE
from tests.support.maximal import MAXIMAL

from fedsafe_cli.main import fedsafe
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.audit.compliance.model import SheetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, or one command if it has `arguments`.

    `{name}` stands for what an earlier step kept: `keep` names places of its answer,
    as `tasks.0.task`, or `tasks.subject_ref=x.task` where chance decides the order.
    """

    method: str = ""
    target: str = ""
    body: Any = None
    by: str | None = None
    at: str = "a.demo"
    key: str | None = None
    keep: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    typed: str = ""
    settles: bool = False
    """All members have each other's feeds before the next step."""

    @property
    def name(self) -> str:
        """Say what it is."""
        if self.arguments:
            return f"{self.at} {self.by or 'local'}: {' '.join(self.arguments)}"
        return f"{self.at} {self.by or 'local'}: {self.method} {self.target}"


def load(text: str) -> list[Step]:
    """Read a recorded script, a step a line."""
    return [msgspec.json.decode(line, type=Step) for line in text.splitlines()]


def dump(steps: list[Step]) -> str:
    """Write a script, a step a line."""
    return "".join(f"{json.dumps(asdict(each))}\n" for each in steps)


def get(target: str, by: str | None = "anna", **more: Any) -> Step:  # noqa: ANN401
    """Ask for something."""
    return Step(method="GET", target=target, by=by, **more)


def post(target: str, body: Any = None, by: str | None = "anna", **more: Any) -> Step:  # noqa: ANN401
    """Do something."""
    return Step(method="POST", target=target, body=body, by=by, **more)


_BAN: Final = {
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "provenance": "own_finding",
    "rule": "tos-4.2",
    "findings": ["adult"],
    "removed_on": "{today}",
}
_KNOWN: Final = msgspec.to_builtins(
    msgspec.structs.replace(MAXIMAL, case=msgspec.UNSET)
)
_SHEETS: Final = sorted(each.value for each in SheetKind)


def _ban(value: str, scope: str = "federation", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return _BAN | {"scope": scope, "about": _about(value)} | more


def _about(value: str, kind: str = "email") -> dict[str, str]:
    return {"kind": kind, "value": value}


def _question(value: str, kind: str = "email", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    asked = {"questions": [_about(value, kind)], "purpose": "signup_check"}
    return asked | {"subject_ref": "account-7"} | more


def _partner(key: str = "") -> dict[str, Any]:
    entry = {
        "name": "Erfundene Stelle",
        "partner_class": "law_enforcement",
        "country": "DE",
        "test": False,
        "function": "Dauerdienst",
        "phone": "+49 30 0000001",
        "ways": ["portal", "phone"],
    }
    return {
        "partner": "hand",
        "revision": 0,
        "entry": entry | ({"key": key} if key else {}),
    }


def acts() -> Iterator[Step]:
    """Give the acts of a provider's day."""
    yield from _signals()
    yield from _reviews()
    yield from _casework()
    yield from _rights()
    yield from _oversight()


def _signals() -> Iterator[Step]:
    own = _ban("own@example.de", "self")
    yield post("/v1/signals", own, keep={"own": "signal"}, key="k" * 22)
    yield post("/v1/signals", own, key="k" * 22)
    yield post("/v1/signals", _ban("other@example.de", "self"), key="k" * 22)
    yield post("/v1/signals", _ban("mia@example.de"), keep={"draft": "signal"})
    yield post("/v1/signals", _ban("no address"))
    yield post("/v1/signals", _ban("mia@example.de", findings=[]))
    both = {"signals": ["{draft}", "{own}"]}
    yield post("/v1/signals/approve", {"signals": ["{draft}"]})
    yield post("/v1/signals/approve", both, by="ben", settles=True)
    yield post("/v1/signals/approve", {"signals": ["{draft}"]}, by="ben")
    many = [_ban(f"m{n}@example.de") for n in range(3)] + [_ban("bad")]
    yield post("/v1/signals/import", {"signals": many}, keep={"first": "signals.0"})
    yield get("/v1/signals")
    for each in ("{draft}", "{own}", "{first}"):
        yield get(f"/v1/signals/{each}")
        yield get(f"/v1/signals/{each}/recipients", by="ben")
    yield post("/v1/signals/{first}/revoke", {"reason": "mistake"})
    for at in ("a.demo", "b.demo"):
        for value in ("mia@example.de", "own@example.de", "nobody@example.de", "junk"):
            yield post("/v1/lookup", _question(value), by=None, at=at)
    yield post("/v1/lookup", _question("+49 170 1234567", "phone"), by="shop")
    for_nothing = _question("mia@example.de", purpose="supervision")
    yield post("/v1/lookup", for_nothing, by="shop")
    asked = [
        {"questions": [_about(value)], "subject_ref": f"account-{number}"}
        for number, value in enumerate(("mia@example.de", "bad", "u@example.de"))
    ]
    batch = {"lookups": asked, "purpose": "recheck"}
    yield post("/v1/lookup/batch", batch, by=None, at="b.demo")
    for each in ("sample", "due", "ending"):
        yield get(f"/v1/signals/{each}", by="ben")


def _reviews() -> Iterator[Step]:
    task = "/v1/tasks/{task}"

    def at_b(target: str, body: Any = None) -> Step:  # noqa: ANN401 - JSON
        return post(target, body, at="b.demo")

    own = {"task": "tasks.subject_ref=account-7.task"}
    yield get("/v1/tasks", keep=own, at="b.demo")
    yield get(task, at="b.demo")
    heard = {"step": "invited", "reference": "h-1", "answer_until": "{next_week}"}
    yield at_b(f"{task}/hearing", heard)
    yield at_b(f"{task}/hearing", {"step": "heard", "reference": "h-2"})
    yield at_b(f"{task}/outcome", {"outcome": "confirm"})
    watch = {"outcome": "watch", "reason": "R1", "until": "{next_week}"}
    yield at_b(f"{task}/outcome", watch)
    yield at_b(f"{task}/outcome", watch | {"again": True})
    dismiss = {"outcome": "dismiss", "reason": "R2", "again": True}
    yield at_b(f"{task}/outcome", dismiss)
    yield at_b(f"{task}/outcome", dismiss)
    yield get(task, at="b.demo")
    lists = ("floods", "trials", "inquiries", "sent-inquiries", "listing-inquiries")
    for each in lists:
        yield get(f"/v1/{each}", by="ben", at="b.demo")


def _casework() -> Iterator[Step]:
    yield from _case()
    yield from _partner_steps()
    yield from _sent()
    yield from _orders()


def _case() -> Iterator[Step]:
    case = {
        "urgency": "u0",
        "known_at": "{now}",
        "threat": _KNOWN["threat"],
        "sources": ["user_report"],
        "phenomenon": "grooming",
        "ages": ["10_13"],
    }
    yield post("/v1/cases", case, by="ada", keep={"case": "case"})
    yield post("/v1/cases", case, by="audit")
    yield post("/v1/cases/{case}/assess", {"elements": _KNOWN}, by="ada")
    yield post("/v1/cases/{case}/assess", {"elements": {}}, by="ada")
    call = {"number": "+493012345", "at": "{now}", "officer": "a", "said": ["who"]}
    yield post("/v1/cases/{case}/calls", call, by="ada")
    yield get("/v1/cases/{case}", by="ada")
    yield get("/v1/cases", by="lea")
    for form in ("letter", "portal-sheet", "package", "xarf"):
        for more in ("language=de", "language=en", "written=text"):
            target = f"/v1/cases/{{case}}/rendering?form={form}&{more}"
            yield get(f"{target}&partner=law_enforcement", by="ada")
    yield get("/v1/packs/2026-q4?written=text&language=en", by="dora")


def _partner_steps() -> Iterator[Step]:
    yield post("/v1/partners", _partner(), by="ada")
    yield post("/v1/partners", _partner(), by="ada")
    yield post("/v1/partners", _partner("junk"), by="ben")
    verify = {"revision": 1, "reference": "call-1"}
    yield post("/v1/partners/hand/verify", verify | {"fingerprint": "0" * 64}, by="ben")
    yield post("/v1/partners/hand/verify", verify, by="ben")
    yield post("/v1/partners/hand/test", by="ada")
    yield get("/v1/partners", by="ada")


def _sent() -> Iterator[Step]:
    approve = {"partners": ["law_enforcement"]}
    yield post("/v1/cases/{case}/approve", approve, by="ada")
    yield post("/v1/cases/{case}/approve", approve, by="ben")
    sent = "/v1/cases/{case}/dispatches"
    yield post(sent, {"partners": ["hand"]}, by="ada")
    yield get(sent, by="ada", keep={"dispatch": "dispatches.0.dispatch"})
    yield get(f"{sent}/{{dispatch}}/package", by="ada")
    handed = {"at": "{now}", "way": "portal", "reference": "ref-1"}
    yield post(f"{sent}/{{dispatch}}/handed", handed, by="ada")
    receipt = {"at": "{now}", "reference": "Az-7"}
    yield post(f"{sent}/{{dispatch}}/acknowledged", receipt, by="ada")
    asked = {"step": "needs_info", "at": "{now}", "reference": "Az-7"}
    yield post("/v1/cases/{case}/inquiries", asked, by="ada")
    yield post("/v1/cases/{case}/recall", {"reason": "wrong_facts"}, by="ada")
    yield post("/v1/cases/{case}/close", by="ada")
    yield get("/v1/cases/{case}", by="ada")
    yield get("/v1/sending", by="ada")


def _orders() -> Iterator[Step]:
    order = {
        "kind": "bzkj_request",
        "received_at": "{now}",
        "authority": "Bundeszentrale",
        "reference": "Gz-1",
        "basis": "§ 24b JuSchG",
        "scope": "Wartezeit",
        "due_at": "{later}",
    }
    yield post("/v1/orders", order, by="ada", keep={"order": "order"})
    yield post("/v1/orders", order | {"kind": "letter"}, by="ada")
    yield post("/v1/orders/{order}/note", {"step": "acknowledged"}, by="ada")
    yield post("/v1/orders/{order}/note", {"step": "acknowledged"}, by="ada")
    answer = {"outcome": "answered", "reference": "Brief-9"}
    yield post("/v1/orders/{order}/answer", answer, by="ada")
    yield post("/v1/orders/{order}/answer", answer, by="lea")
    yield get("/v1/orders/{order}", by="lea")
    yield get("/v1/orders", by="dora")


def _rights() -> Iterator[Step]:
    request = {
        "about": _about("mia@example.de"),
        "control": "account_login",
        "language": "de",
        "attested": {"verified": "mailed_code", "verified_on": "{today}"},
    }
    for kind in ("access", "erasure", "objection"):
        one = f"/v1/rights/{{{kind}}}"
        yield post(
            "/v1/rights", request | {"kind": kind}, by="ben", keep={kind: "request"}
        )
        yield get(one, by="ben")
        yield post(f"{one}/check", by="ben")
        yield post(f"{one}/answer", by="ben")
        yield post(f"{one}/grant", {"reason": "g-1"}, by="dora")
        yield post(f"{one}/extend", {"reason": "e-1"}, by="ben")
        closed = {"outcome": "answered", "reason": "c-1"}
        yield post(f"{one}/close", closed, by="ben")
    yield get("/v1/rights", by="dora")
    dispute = {"signal": "{draft}", "contention": "wrong_person"}
    proven = dispute | {"control": "officer"}
    yield post("/v1/disputes", dispute, by="ben")
    yield post(
        "/v1/disputes", proven, by="ben", keep={"dispute": "dispute"}, settles=True
    )
    yield post("/v1/disputes", proven, by="ben")
    yield get("/v1/disputes", by="ben")
    yield get("/v1/disputes/{dispute}", by="ben")
    yield post("/v1/lookup", _question("mia@example.de"), by=None, at="b.demo")
    ruling = {"stands": True, "reason": "r-1"}
    yield post("/v1/disputes/{dispute}/ruling", ruling, by="ben")
    yield post("/v1/disputes/{dispute}/ruling", ruling, by="lea", settles=True)
    yield post("/v1/disputes/{dispute}/appeal", {"reason": "a-1"}, by="ben")
    withheld = {"reason": "bdsg_29_1", "note": "n", "until": "{next_week}"}
    yield post("/v1/notices/{draft}/withhold", withheld, by="lea")
    yield get("/v1/signals/{draft}")
    yield get("/v1/notices", by="ben")
    yield get("/v1/notices/texts", by="ben")
    yield get("/v1/events", by=None)


def _oversight() -> Iterator[Step]:
    yield from _breach()
    opening = {"legal_basis": "x", "balancing_test": "x", "valid_until": "{next_week}"}
    yield post("/v1/gate", opening, by="dora")
    yield post("/v1/gate", opening, by="ben")
    met = {"status": "met", "expires_on": "{next_week}", "evidence": "e"}
    for item in ("S-V-1", "S-1"):
        yield post(f"/v1/register/{item}", met, by="olaf")
    for sheet in _SHEETS:
        yield get(f"/v1/records/{sheet}?language=de", by="dora")
    yield post("/v1/audit/verify", by="audit")
    yield post("/v1/audit/export", {"first": 0, "last": 5}, by="audit")
    hold = {"reason": "h", "until": "{later}", "first": 0, "last": 4}
    yield post("/v1/audit/holds", hold, by="dora", keep={"hold": "hold"})
    yield post("/v1/audit/holds/{hold}/lift", by="dora")
    yield get("/v1/audit/holds", by="dora")
    erase = {"subject_ref": "account-7", "reason": "r"}
    yield post("/v1/audit/erase", erase, by="dora", keep={"act": "act"})
    reader = {"name": "ria", "display": "Ria", "role": "reviewer"}
    yield post("/v1/accounts", reader, by="olaf")
    yield get("/v1/acts", by="ben")
    yield post("/v1/acts/{act}/approve", {"digest": "0" * 64}, by="ben")
    yield post("/v1/acts/{act}/withdraw", by="ben")
    yield post("/v1/acts/{act}/withdraw", by="dora")
    yield post("/v1/audit/subject", {"subject_ref": "account-7"}, by="audit")
    yield get("/v1/audit/search?events=own_ban.recorded,lookup", by="audit")
    for index in (3, 3_000_000):
        yield get(f"/v1/audit/entries/{index}", by="audit")
    yield post("/v1/signals/{own}/revoke", {"reason": "mistake"}, by="ben")
    yield post("/v1/signals/{draft}/revoke", {"reason": "no_reason"}, by="ben")
    revoked = {"reason": "mistake"}
    yield post("/v1/signals/{draft}/revoke", revoked, by="ben", settles=True)
    yield post("/v1/lookup", _question("mia@example.de"), by=None, at="b.demo")


def _breach() -> Iterator[Step]:
    breach = {"aware_at": "{now}", "kinds": ["confidentiality"], "cause": "attack"}
    one = "/v1/breaches/{breach}"
    yield post("/v1/breaches", breach, by="dora", keep={"breach": "breach"})
    yield get(one, by="dora")
    assessed = {
        "categories": ["tokens"],
        "groups": ["banned_persons"],
        "persons": 3,
        "records": 4,
        "consequences": ["wrong_suspicion"],
        "measures": ["credentials_revoked"],
        "risk": "unlikely",
    }
    yield post(f"{one}/assess", assessed, by="dora")
    told = {"to": "authority", "at": "{now}", "reference": "b-1"}
    yield post(f"{one}/notify", told, by="dora")
    yield post(f"{one}/close", {"silence": "unlikely_risk"}, by="dora")
    yield get("/v1/breaches", by="dora")


_ABSENT: Final = {"number": "1000000"}
"""Where the shortest value that fits may be there, as jobs count up."""


def refusals() -> Iterator[Step]:
    """Give what is refused, over every route, and all that anybody may read."""
    for route in ROUTES:
        target = route.path
        for name in re.findall(r"{(\w+)}", route.path):
            info = known.type_info(route.path_types[name])
            value = _ABSENT.get(name) or str(value_of(info))
            target = target.replace(f"{{{name}}}", value)
        bodies: list[Any] = [None]
        if route.body is bytes:
            bodies = [b"x".decode()]
        elif route.body is not None:
            bodies = [value_of(known.type_info(route.body)), {}, "[" * 3]
        for body in bodies:
            everybody = (None, "-", *PEOPLE) if body is bodies[0] else ("ben", "olaf")
            for person in everybody:
                yield Step(method=route.method, target=target, body=body, by=person)
    for target in ("/", "/v1", "/v1/nothing", "/v1/lookup?x=1", "/v1/tasks?limit=0"):
        yield get(target)
        yield post(target)


def commands() -> Iterator[Step]:
    """Give the commands that ask for nothing, and commands that are told nonsense."""
    for path in asking(fedsafe):
        for language in ("en", "de"):
            yield Step(arguments=(*path, "--lang", language), by="ben")
        yield Step(arguments=(*path, "--json"), by="olaf")
    for arguments in (
        ("lookup", "--kind", "email", "-"),
        ("lookup", "--kind", "email", "--json", "-"),
        ("signal", "show", "nothing"),
        ("task", "show", "0"),
        ("lookup", "--kind", "shoe", "x"),
        ("nothing",),
    ):
        yield Step(arguments=arguments, typed="mia@example.de\nnobody@example.de\n")


_READS: Final = {
    "list",
    "show",
    "status",
    "texts",
    "check",
    "history",
    "search",
    "gaps",
}


def asking(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from asking(command, (*path, name))
        elif command is None or name not in _READS or path[:1] == ("demo",):
            continue
        elif not any(each.required for each in command.params):
            yield (*path, name)


def script() -> list[Step]:
    """Give all of it."""
    return [*acts(), *refusals(), *commands()]
