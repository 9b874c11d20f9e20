# SPDX-License-Identifier: Apache-2.0
"""Who reaches what keeps the audit log, over HTTP, and what an operator finds by it."""

from collections.abc import Mapping
from typing import Final

import pytest
from aiohttp import ClientSession, UnixConnector
from tests.support.fleet import Fleet

from fedsafe_node.api.auth import PERSONS
from fedsafe_node.api.keeping import KEEPING_ROUTES
from fedsafe_node.people.credentials import People
from fedsafe_policies.vocabulary import Role

LOCAL: Final = "local"
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
WHY: Final = {"reason": "ticket:17"}
PSEUDONYM: Final = "staff-2026q4-" + "a" * 21
MAY: Final[Mapping[str, set[str]]] = {
    "auditSubject": {Role.REVIEWER, Role.DPO},
    "auditReport": {Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "auditAccess": {Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "auditGaps": {LOCAL, *PERSONS},
    "askErasure": {Role.DPO},
    "askReveal": {Role.DPO, Role.AUDITOR},
    "reveal": {Role.DPO, Role.AUDITOR},
    "withholdPack": {Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO},
    "addHold": {Role.DPO},
    "listHolds": {Role.DPO, Role.AUDITOR},
    "liftHold": {Role.DPO},
}
BODIES: Final[Mapping[str, object]] = {
    "auditSubject": {"subject_ref": "account-17"},
    "auditReport": {"subject_ref": "account-17", "after": 0},
    "askErasure": WHY | {"subject_ref": "account-17"},
    "askReveal": WHY | {"pseudonym": PSEUDONYM},
    "reveal": WHY | {"pseudonym": PSEUDONYM, "act": "0" * 32},
    "withholdPack": {"reason": "bdsg_29_1", "note": "t-1", "until": "2026-12-01"},
    "addHold": WHY | {"subject_ref": "account-17", "until": 4_000_000_000},
}


def test_every_route_says_whose_credential_it_takes() -> None:
    assert set(MAY) == {route.name for route in KEEPING_ROUTES}


async def test_a_role_reaches_what_it_may_and_nothing_else(alone: Fleet) -> None:
    base = alone["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    passed: dict[str, set[str]] = {route.name: set() for route in KEEPING_ROUTES}
    for caller in (LOCAL, *Role):
        if caller == LOCAL:
            line = UnixConnector(str(base.place.socket))
            session = ClientSession("http://node", connector=line)
        else:
            name = caller.replace("_", "-")
            token = await people.add(name, Role(caller), by="setup")
            headers = {"Authorization": f"Bearer {token}"}
            session = ClientSession(base.config.url, headers=headers)
        async with session:
            for route in KEEPING_ROUTES:
                path = route.path.replace("{hold}", "0" * 32).replace("{entry}", "7")
                sent = BODIES.get(route.name)
                async with session.request(route.method, path, json=sent) as answer:
                    if answer.status not in {401, 403}:
                        passed[route.name].add(caller)

    assert passed == MAY


@pytest.mark.parametrize("given", [f"00-{TRACE}-b7ad6b7169203331-01", "nonsense", ""])
async def test_the_trace_leads_from_a_problem_to_its_event(
    alone: Fleet, given: str
) -> None:
    base = alone["a.demo"].base
    token = await People(base.store, base.trail, base.clock).add(
        "audra", Role.AUDITOR, by="setup"
    )
    headers = {"Authorization": f"Bearer {token}"} | (
        {"traceparent": given} if given else {}
    )
    async with (
        ClientSession(base.config.url, headers=headers) as session,
        session.post("/v1/audit/subject", json=BODIES["auditSubject"]) as answer,
    ):
        problem = await answer.json(content_type=None)
    (event,) = await alone.audit("a.demo", "refused")

    assert (problem["status"], problem["rule"]) == (403, "P8")
    assert (problem["trace"] == TRACE) is given.startswith("00-")
    assert f'"trace":"{problem["trace"]}"' in event.text
    assert problem["trace"].encode() not in str(event.record).encode()
