# SPDX-License-Identifier: Apache-2.0
"""Cases beside a policy: what it must decide, as a person would say it.

`germany.cases.toml` lies beside `germany.toml`. A case names a request, its facts,
a day, and what must come out; unless it says otherwise the legal gate is complete.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

import msgspec

from fedsafe_policies.checks.written_requests import read_request
from fedsafe_policies.documents.legal_calendar import Calendar
from fedsafe_policies.documents.policy import SHIPPED, Policy
from fedsafe_policies.documents.toml_file import read_document
from fedsafe_policies.engine import decide
from fedsafe_policies.errors import PolicyFileError, UnknownPolicyError
from fedsafe_policies.ground.reasons import Rule
from fedsafe_policies.ground.span import SECONDS_A_DAY, day_number
from fedsafe_policies.rules.decision import Decision, Verdict
from fedsafe_policies.rules.gate import Approval, Consultation, LegalGate, Site

NOON: Final = SECONDS_A_DAY // 2
_YEAR: Final = timedelta(days=365)


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One case; `at` is a day, and the hour is noon UTC."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    request: str
    facts: dict[str, Any] = {}
    at: date
    gate: bool = True
    demo: bool = False
    expect: Verdict
    rule: Rule | None = None
    code: str | None = None


class CasesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The TOML of cases."""

    format: Literal[1]
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """A case and what came out."""

    case: Case
    decision: Decision

    @property
    def holds(self) -> bool:
        """Whether it came out as expected."""
        case, decision = self.case, self.decision
        return (
            case.expect is decision.effect
            and case.rule in {None, decision.rule}
            and case.code in {None, decision.code}
        )


def load_cases(text: bytes) -> tuple[Case, ...]:
    """Read cases.

    Raises:
        PolicyFileError: they are malformed, or a request in them is.
    """
    file, _ = read_document(text, CasesFile)
    for number, case in enumerate(file.cases, start=1):
        try:
            read_request(case.request, case.facts)
        except PolicyFileError as error:
            key = f"case {number} ({case.name}): {error.key}"
            raise PolicyFileError(error.told, key=key) from None
    return file.cases


@cache
def shipped_cases(name: str) -> tuple[Case, ...]:
    """Return the cases that come with a shipped policy.

    Raises:
        UnknownPolicyError: none of that name is shipped.
    """
    if name not in SHIPPED:
        raise UnknownPolicyError(name, SHIPPED)
    folder = files("fedsafe_policies").joinpath("data")
    return load_cases(folder.joinpath(f"{name}.cases.toml").read_bytes())


def try_case(case: Case, policy: Policy, calendar: Calendar) -> Tried:
    """Decide a case."""
    request = read_request(case.request, case.facts)
    now = day_number(case.at) * SECONDS_A_DAY + NOON
    site = make_site(case.at, gate=case.gate, demo=case.demo)
    return Tried(case, decide(request, policy, calendar, now, site))


def make_site(at: date, *, gate: bool, demo: bool) -> Site:
    """Make an invented site, with a gate that is complete on the day or absent."""
    if demo:
        return Site(("a.demo", "b.demo"), ("http://127.0.0.1:8470",))
    record = LegalGate(
        legal_basis="case:basis",
        balancing_test="case:balancing",
        dpia="case:dpia",
        consultation=Consultation.NOT_REQUIRED,
        consultation_reference="case:consultation",
        arrangement="case:arrangement",
        dpo_approval=Approval("dpo", at),
        management_approval=Approval("management", at),
        valid_until=at + _YEAR,
    )
    return Site(
        ("a.example",),
        ("https://a.example",),
        record if gate else None,
        register_until=day_number(at + _YEAR) * SECONDS_A_DAY if gate else 0,
    )
