# SPDX-License-Identifier: Apache-2.0
"""Measure a decision: microseconds for each type of request.

`decide()` under the full `germany` policy with a complete legal gate, on requests
that are allowed, so that every rule of their type is asked; beside them, in turn, a
request that the first rule refuses, and a call of a function that does nothing.

    python benchmarks/decide.py [--decisions 2000] [--rounds 9]
"""

import sys
from functools import partial
from pathlib import Path

from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.engine import RULINGS, Request, decide
from fedsafe_policies.rules.lookups import LookupRequest
from fedsafe_policies.vocabulary import Plane, Purpose, Role
from measuring import Row, interleave, once, parser, report

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.support.policy_requests import ALLOWED, GERMANY, NOW, SITE

REQUESTS: tuple[Request, ...] = tuple(
    {type(request): request for request in reversed(ALLOWED)}.values()
)
"""The first of each type that the tests of the rules ask for, too."""
REFUSED = LookupRequest(Role.OPERATOR, Purpose.OPERATIONS, Plane.ACTOR)
EMPTY = "a call"


def repeat(times: int, request: Request) -> None:
    calendar = shipped_calendar()
    for _ in range(times):
        decide(request, GERMANY, calendar, NOW, SITE)


def call(times: int) -> None:
    def nothing(*_given: object) -> None:
        return

    for _ in range(times):
        nothing(None, GERMANY, None, NOW, SITE)


def check() -> None:
    """Stop unless each type of request is measured, and allowed."""
    calendar = shipped_calendar()
    denied = [
        request
        for request in REQUESTS
        if not decide(request, GERMANY, calendar, NOW, SITE).allowed
    ]
    missing = set(RULINGS) - {type(request) for request in REQUESTS}
    if denied or missing:
        raise SystemExit(f"not measured as meant: {denied} {missing}")


def main() -> None:
    options = parser(__doc__, rounds=9)
    options.add_argument("--decisions", type=int, default=2_000)
    chosen = options.parse_args()
    check()
    works = {
        type(request).__name__: once(
            partial(repeat, chosen.decisions, request), chosen.decisions
        )
        for request in REQUESTS
    }
    refused = partial(repeat, chosen.decisions, REFUSED)
    works["LookupRequest, refused"] = once(refused, chosen.decisions)
    works[EMPTY] = once(partial(call, chosen.decisions), chosen.decisions)
    figures = interleave(works, chosen.rounds)
    table: list[Row] = [
        {
            "request": name,
            "µs a decision": round(took.wall * 1e6, 2),
            "CPU µs": round(took.cpu * 1e6, 2),
            "ratio to a call": round(took.times(figures[EMPTY]), 1),
        }
        for name, took in figures.items()
    ]
    slowest = max(table, key=lambda row: float(row["µs a decision"]))
    report(
        table,
        chosen,
        policy=GERMANY.reference,
        decisions=chosen.decisions,
        slowest=slowest["request"],
    )


if __name__ == "__main__":
    main()
