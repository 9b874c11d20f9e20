# SPDX-License-Identifier: Apache-2.0
"""What a person's credential is good for without an account: little, and not for ever.

Without an account nobody knows of a training or a second factor (P19).
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from aiohttp import ClientSession, UnixConnector
from tests.node.api.requests import BODIES, concrete
from tests.node.signals.conftest import ANNA, request_for
from tests.support.house import House, house

from fedsafe_node.api.auth import Auth
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.log.pseudonyms import quarter_of
from fedsafe_node.people.credentials import GOOD_FOR, People
from fedsafe_policies.documents.policy import load_policy, shipped, shipped_text
from fedsafe_policies.vocabulary import Role, Scope

__all__ = ["house"]

BAN: Final[dict[str, Any]] = {
    "about": {"kind": "email", "value": "anna@example.de"},
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "tos-4.2",
    "scope": "self",
    "removed_on": "2026-11-20",
}
ASK: Final[dict[str, Any]] = {
    "questions": [BAN["about"]],
    "purpose": "moderation_review",
    "subject_ref": "account-17",
    "surface": "public_content",
}
PICTURE: Final[dict[str, Any]] = BAN | {
    "about": {"kind": "sha256", "value": "ab" * 32},
    "phenomenon": "abuse_depiction",
    "grade": "confirmed_media",
    "scope": "federation",
}
DOES: Final = {
    *("lookup", "lookupBatch", "addSignal", "importSignals", "revokeSignal"),
    *("match", "revokeAccount"),
    *("beginImport", "finishImport", "undoImport"),
    *("auditVerify", "auditSubject", "auditReport", "searchAccount"),
    *("stepUp", "logOut"),
}
"""What a bare credential does, beside reading; `stepUp` and `logOut` want a session."""
TAKES_OUT: Final = {"exportAudit", "exportTiles"}


async def bare(house: House, role: Role, name: str = "anna") -> str:
    base = house.fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    return await people.add(name, role, by="setup")


async def test_a_bare_credential_reads_and_does_little(house: House) -> None:
    does: set[str] = set()
    reads: set[str] = set()
    for role in Role:
        if role is Role.SERVICE:
            continue
        token = await bare(house, role, role.value.replace("_", "-"))
        for route in ROUTES:
            if route.auth not in {Auth.CREDENTIAL, Auth.HOUSE}:
                continue
            if role not in route.roles:
                continue
            path = concrete(route)
            body = BODIES.get(route.name)
            headers = {"Authorization": f"Bearer {token}"}
            async with house.http.request(
                route.method, path, json=body, headers=headers
            ) as response:
                told = b"account_needed" in await response.read()
                passed = response.status != 403 or not told  # the log tells it too
            if passed and route.method != "GET":
                does.add(route.name)
            if not passed and route.method == "GET":
                reads.add(route.name)

    assert does == DOES
    assert reads == TAKES_OUT


@pytest.mark.parametrize("policy", ["strict", "germany"])
async def test_a_bare_credential_records_and_takes_back_own_bans(
    house: House, policy: str
) -> None:
    house.fleet["a.demo"].base.situation.policy = shipped(policy)
    anna = await bare(house, Role.ANALYST)
    added = await house.done("POST", "/v1/signals", BAN, anna)
    found = await house.done("POST", "/v1/lookup", ASK, anna)
    many = await house.done("POST", "/v1/signals/import", {"signals": [BAN]}, anna)
    path = f"/v1/signals/{added['signal']}/revoke"
    gone = await house.done("POST", path, {"reason": "mistake"}, anna)

    await house.done("POST", "/v1/signals", BAN | {"subject_ref": "account-17"}, anna)
    account = {"subject_ref": "account-17", "reason": "mistake"}
    all_ = await house.done("POST", "/v1/signals/revoke", account, anna)
    none = await house.done("POST", "/v1/signals/revoke", account, anna)

    assert added["state"] == "own"
    assert found["result"] == "review"
    assert many["problems"] == []
    assert gone["state"] == "erased"
    assert [each["state"] for each in all_["signals"]] == ["erased"]
    assert none["signals"] == []


@pytest.mark.parametrize("policy", ["strict", "germany", "two"])
async def test_a_bare_credential_writes_nothing_that_leaves_or_takes_two(
    house: House, policy: str
) -> None:
    situation = house.fleet["a.demo"].base.situation
    two = shipped_text("germany").replace(b'"dispatch", ', b'"dispatch", "own_ban", ')
    situation.policy = load_policy(two) if policy == "two" else shipped(policy)
    anna = await bare(house, Role.ANALYST)
    wanted = BAN if policy == "two" else PICTURE
    single = await house.call("POST", "/v1/signals", wanted, token=anna)
    body = {"signals": [wanted]}
    many = await house.call("POST", "/v1/signals/import", body, token=anna)
    state = await house.fleet["a.demo"].services.node.status()

    assert [(status, told["code"]) for status, told in (single, many)] == [
        (403, "account_needed"),
        (403, "account_needed"),
    ]
    assert (state.signals, state.own_bans, state.drafts) == (0, 0, 0)


async def test_a_bare_credential_stops_no_signal_of_others(house: House) -> None:
    signals = house.fleet["a.demo"].services.signals
    house.fleet["a.demo"].base.situation.policy = load_policy(
        shipped_text("germany").replace(b'"dispatch", ', b'"dispatch", "own_ban", ')
    )
    draft = await signals.add(request_for("x@example.de", scope=Scope.SELF), ANNA)
    rita = await bare(house, Role.REVIEWER, "rita")
    path = f"/v1/signals/{draft.signal}/revoke"
    status, answer = await house.call("POST", path, {"reason": "mistake"}, token=rita)

    assert (status, answer["code"]) == (403, "account_needed")
    assert "account" in answer["detail"]


async def test_whoever_has_an_account_needs_a_session_where_proof_is_asked(
    house: House,
) -> None:
    olaf = await house.found()
    await house.hire(olaf, "rita")
    await house.ask_for(olaf, "rita", "reviewer")
    base = house.fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    key = await people.add("key-1", Role.REVIEWER, by="setup", person="rita")
    body = {"signals": ["00000000-0000-7000-8000-000000000000"]}
    path = "/v1/signals/approve"
    by_key = await house.call("POST", path, body, token=key)
    by_session = await house.call("POST", path, body, token=await house.log_in("rita"))

    assert (by_key[0], by_key[1]["code"]) == (403, "step_up")
    assert by_session[0] == 404


async def test_a_persons_credential_ends_by_itself(house: House) -> None:
    anna = await bare(house, Role.ANALYST)
    shop = await bare(house, Role.SERVICE, "shop")
    statuses = []
    for seconds in (GOOD_FOR - 1, 1):
        house.fleet.clock.advance(timedelta(seconds=seconds))
        answer = await house.call("POST", "/v1/lookup", ASK, token=anna)
        statuses.append(answer[0])
    asked = ASK | {"purpose": "signup_check"}
    machine = await house.call("POST", "/v1/lookup", asked, token=shop)

    assert statuses == [200, 401]
    assert machine[0] == 200


@pytest.fixture
async def socket(house: House) -> AsyncIterator[ClientSession]:
    path = str(house.fleet.place("a.demo").socket)
    async with ClientSession("http://node", connector=UnixConnector(path)) as session:
        yield session


async def said(session: ClientSession, path: str, body: object) -> tuple[int, Any]:
    async with session.post(path, json=body) as response:
        return response.status, await response.json()


MANY: Final[dict[str, Any]] = {"signals": [BAN, BAN]}


async def test_without_accounts_the_socket_records_own_bans(
    socket: ClientSession,
) -> None:
    status, ban = await said(socket, "/v1/signals", BAN)
    path = f"/v1/signals/{ban['signal']}/revoke"
    gone, _ = await said(socket, path, {"reason": "mistake"})

    assert (status, ban["author"], gone) == (201, "local", 200)


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (Role.ANALYST, "named_person"),
        (Role.REVIEWER, "named_person"),
        (Role.DPO, "named_person"),
        (Role.AUDITOR, None),  # such as Prometheus: it ends nothing itself
        (Role.SERVICE, None),
    ],
)
async def test_where_staff_has_credentials_the_socket_alone_ends_nothing(
    house: House, socket: ClientSession, role: Role, code: str | None
) -> None:
    _, ban = await said(socket, "/v1/signals", BAN)
    token = await bare(house, role)
    other = BAN | {"about": BAN["about"] | {"value": "other@mail.example"}}
    _, many = await said(socket, "/v1/signals/import", {"signals": [other]})
    mistake = {"reason": "mistake"}
    undo = f"/v1/imports/{many['run']}/undo"
    answers = [
        await said(socket, f"/v1/signals/{ban['signal']}/revoke", mistake),
        await said(socket, undo, mistake),
    ]
    state = await house.fleet["a.demo"].services.node.status()

    assert [told.get("code") for _, told in answers] == [code, code]
    assert state.own_bans == (0 if code is None else 2)
    if code is not None:
        undone = await house.call("POST", undo, mistake, token=token)
        again = await said(socket, undo, mistake)
        assert (undone[0], undone[1]["withdrawn"]) == (200, 1)
        # Nothing is left to be ended, so nobody is refused: it is undone.
        assert (again[0], again[1]["state"], again[1]["withdrawn"]) == (
            200,
            "undone",
            0,
        )


async def test_with_accounts_an_own_ban_names_who_made_it(
    house: House, socket: ClientSession
) -> None:
    _, before = await said(socket, "/v1/signals", BAN)
    rita = await _reviewer(house)
    shop = await bare(house, Role.SERVICE, "shop")
    refused = [
        await said(socket, "/v1/signals", BAN),
        await said(socket, "/v1/signals/import", MANY),
        await said(socket, "/v1/signals/import", MANY | {"dry_run": True}),
        await said(
            socket, f"/v1/signals/{before['signal']}/revoke", {"reason": "mistake"}
        ),
        await house.call("POST", "/v1/signals", BAN, token=shop),
    ]
    asked = await said(socket, "/v1/lookup", ASK | {"purpose": "signup_check"})
    other = BAN | {"about": BAN["about"] | {"value": "other@mail.example"}}
    status, ban = await house.call("POST", "/v1/signals", other, token=rita)

    for answer in refused:
        assert (answer[0], answer[1]["code"]) == (403, "named_person")
        assert answer[1]["rule"] == "P6"
    assert (asked[0], asked[1]["result"]) == (200, "review")  # it still looks up
    assert (status, ban["author"]) == (201, "rita")


async def test_the_audit_log_names_who_made_an_own_ban_by_pseudonym(
    house: House, socket: ClientSession
) -> None:
    rita, base = await _reviewer(house), house.fleet["a.demo"].base
    await house.done("POST", "/v1/signals", BAN, rita)
    await said(socket, "/v1/signals", BAN)
    (event,) = await house.fleet.audit("a.demo", "own_ban.recorded")
    (denied,) = await house.fleet.audit("a.demo", "refused")
    shown = base.pseudonyms.of("rita", quarter_of(base.clock.now()))

    assert json.loads(event.openings["actor"])["name"] == shown
    assert "rita" not in event.text
    assert denied.record.outcome == "named_person"


async def _reviewer(house: House) -> str:
    """Give a session of rita, a reviewer with an account."""
    olaf = await house.found()
    await house.hire(olaf, "rita")
    await house.ask_for(olaf, "rita", "reviewer")
    return await house.log_in("rita")
