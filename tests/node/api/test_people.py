# SPDX-License-Identifier: Apache-2.0
"""People through the API of a real node: nobody acts alone, nobody untrained acts."""

import asyncio
import base64
from datetime import timedelta

import pytest
from tests.node.api.requests import BODIES, concrete
from tests.support.house import HALF_A_YEAR, OFFICE, PASSWORD, House, house

from fedsafe_node.api.auth import Auth
from fedsafe_node.log.audit import Event
from fedsafe_node.log.pseudonyms import quarter_of
from fedsafe_node.people.credentials import People
from fedsafe_policies.vocabulary import Role

__all__ = ["house"]


async def test_three_people_run_the_policy_and_the_check_says_how(
    house: House,
) -> None:
    olaf = await house.found()
    first = await house.done("GET", "/v1/staffing", None, olaf)
    assert not first["suffices"]
    assert {"seat:dpo", "seat:reviewer", "four_eyes"} <= set(first["gaps"])
    for name in ("rita", "dora"):
        await house.hire(olaf, name)
    granted = await house.ask_for(olaf, "rita", "reviewer")
    assert granted["granted"]
    rita = await house.log_in("rita")
    await house.train(rita, "olaf")
    wanted = [
        ("dora", "dpo"),
        ("dora", "youth_protection_officer"),
        ("dora", "legal_adviser"),
        ("rita", "escalation_officer"),
        ("olaf", "analyst"),
    ]
    for name, role in wanted:
        by = rita if name == "olaf" else olaf
        asked = await house.ask_for(by, name, role)
        assert not asked["granted"]
        approver, hat = ("rita", "reviewer") if name == "dora" else ("dora", "dpo")
        second = await house.log_in(approver, hat)
        status, answer = await house.approve(asked["act"], second)
        assert status == 200, answer

    last = await house.done("GET", "/v1/staffing", None, olaf)

    assert (last["suffices"], last["gaps"]) == (True, [])
    assert len(last["people"]) == 3
    together = {"name": "dora", "role": "operator"}
    status, answer = await house.call("POST", "/v1/roles", together, token=olaf)
    assert (status, answer["code"]) == (403, "roles_apart")


@pytest.mark.promise("TM-14")
async def test_nobody_acts_alone(house: House) -> None:
    olaf = await house.found()
    for name in ("rita", "dora", "ben"):
        await house.hire(olaf, name)
    await house.ask_for(olaf, "rita", "reviewer")
    rita = await house.log_in("rita")
    act = (await house.ask_for(olaf, "ben", "analyst"))["act"]
    other = await house.log_in("olaf")  # a second session of the same person
    base = house.fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    service = await people.add("shop", Role.SERVICE, by="setup")
    credential = await people.add("zoe", Role.REVIEWER, by="setup")

    refusals = [
        (await house.approve(act, token))[0]
        for token in (olaf, other, service, credential)
    ]
    assert refusals == [403] * 4
    assert (await house.call("POST", f"/v1/acts/{act['act']}/approve"))[0] in {401, 415}
    house.fleet.clock.advance(timedelta(minutes=5))
    status, answer = await house.approve(act, rita)
    assert (status, answer["code"]) == (403, "step_up")
    await house.done("POST", "/v1/session/step-up", {"code": house.code("rita")}, rita)
    again = await house.log_in("rita")
    race = await asyncio.gather(*(house.approve(act, t) for t in (rita, again) * 3))

    assert sorted(status for status, _ in race) == [200] + [409] * 5
    granted = await house.fleet.audit("a.demo", Event.ROLE_GRANTED.value)
    base = house.fleet["a.demo"].base
    ben = base.pseudonyms.of("ben", quarter_of(base.clock.now()))
    assert sum(ben in event.text for event in granted) == 1
    assert not any('"ben"' in event.text for event in granted)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/signals/approve",
            {"signals": ["00000000-0000-7000-8000-000000000000"]},
        ),
        (f"/v1/cases/{'00' * 16}/approve", {"partners": ["law_enforcement"]}),
    ],
)
async def test_what_leaves_wants_a_fresh_proof_as_well(
    house: House, path: str, body: dict[str, list[str]]
) -> None:
    olaf = await house.found()
    await house.hire(olaf, "rita")
    await house.ask_for(olaf, "rita", "reviewer")
    rita = await house.log_in("rita")
    assert (await house.call("POST", path, body, token=rita))[0] == 404
    house.fleet.clock.advance(timedelta(minutes=5))

    status, answer = await house.call("POST", path, body, token=rita)
    assert (status, answer["code"]) == (403, "step_up")


async def test_a_lapsed_training_shuts_everything_in_its_second(house: House) -> None:
    olaf = await house.found()
    ends = house.now - 30 + HALF_A_YEAR
    house.fleet.clock.advance(timedelta(seconds=ends - house.now - 60))
    olaf = await house.log_in("olaf")
    for seconds, expected in ((ends - 1 - house.now, 200), (1, 403)):
        house.fleet.clock.advance(timedelta(seconds=seconds))
        status, _ = await house.call("GET", "/v1/accounts", token=olaf)
        assert status == expected

    body = {"name": "olaf", "password": PASSWORD, "code": house.code("olaf")}
    assert (await house.call("POST", "/v1/session", body))[0] == 403


async def test_a_lookup_credential_looks_up_for_its_purposes_only(
    house: House,
) -> None:
    olaf = await house.found()
    until = house.now + HALF_A_YEAR
    body = {
        "name": "shop",
        "scope": "lookup",
        "purposes": ["signup_check"],
        "until": until,
    }
    shop = (await house.done("POST", "/v1/credentials", body, olaf))["token"]
    question = {"kind": "email", "value": "anna@example.de"}
    ask = {"questions": [question], "purpose": "signup_check"}

    assert (await house.call("POST", "/v1/lookup", ask, token=shop))[0] == 200
    ask["purpose"] = "recheck"
    status, answer = await house.call("POST", "/v1/lookup", ask, token=shop)
    assert (status, answer["code"]) == (403, "purpose")
    refused = await house.fleet.audit("a.demo", Event.REFUSED.value)
    assert len(refused) == 1
    signal = {
        "about": question,
        "phenomenon": "grooming",
        "surface": "public_content",
        "grade": "confirmed_conduct",
        "rule": "tos-4.2",
        "removed_on": "2026-11-20",
    }
    status, answer = await house.call("POST", "/v1/signals", signal, token=shop)
    assert (status, answer["code"]) == (403, "forbidden")
    publishing = {"name": "bans", "scope": "publish", "until": until}
    bans = (await house.done("POST", "/v1/credentials", publishing, olaf))["token"]
    assert (await house.call("POST", "/v1/lookup", ask, token=bans))[0] == 403
    status, answer = await house.call("POST", "/v1/signals", signal, token=bans)
    assert (status, answer["code"]) == (403, "named_person")  # its scope lets it ask

    turned = await house.done(
        "POST", "/v1/credentials/shop/rotate", {"until": until, "overlap": 60}, olaf
    )
    ask["purpose"] = "signup_check"
    both = [shop, turned["token"]]
    states = [await house.call("POST", "/v1/lookup", ask, token=t) for t in both]
    assert [status for status, _ in states] == [200, 200]
    house.fleet.clock.advance(timedelta(seconds=60))
    states = [await house.call("POST", "/v1/lookup", ask, token=t) for t in both]
    assert [status for status, _ in states] == [401, 200]
    path = f"/v1/credentials/{turned['name']}/revoke"
    await house.done("POST", path, None, olaf)
    assert (await house.call("POST", "/v1/lookup", ask, token=both[1]))[0] == 401
    listed = await house.done("GET", "/v1/credentials", None, olaf)
    assert [(c["name"], c["expired"]) for c in listed["credentials"]] == [
        ("bans", False),
        ("shop", True),
    ]
    assert not any(token in str(listed) for token in both)


async def test_a_refusal_names_the_role_that_is_nearest_to_who_asks(
    house: House,
) -> None:
    olaf = await house.found()
    for name in ("rita", "dora"):
        await house.hire(olaf, name)
    await house.ask_for(olaf, "rita", "reviewer")
    for role in ("dpo", "legal_adviser"):
        asked = await house.ask_for(olaf, "dora", role)
        await house.approve(asked["act"], await house.log_in("rita"))
    base = house.fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    asking = {
        "a reviewer": await people.add("x-analyst", Role.ANALYST, by="setup"),
        "a dpo": await house.log_in("dora", "legal_adviser"),
        "a reviewer or an auditor or a dpo": await people.add(
            "shop", Role.SERVICE, by="setup"
        ),
    }

    for missing, token in asking.items():
        status, answer = await house.call("GET", "/v1/audit/search", token=token)
        assert (status, answer["code"]) == (403, "forbidden")
        assert answer["detail"] == (
            f"this takes the credential of {missing}, or the node's Unix socket"
        )
        named = missing.removeprefix("a ").split(" or a")
        assert answer["about"] == ", ".join(
            role for role in Role if any(role in each for each in named)
        )


async def test_every_role_reaches_what_the_table_says(house: House) -> None:
    olaf = await house.found()
    base = house.fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    for role in Role:
        token = await people.add(f"x-{role.value.replace('_', '-')}", role, by="setup")
        for route in OFFICE:
            if route.auth is not Auth.CREDENTIAL:
                continue
            path = concrete(route).replace("anna", "nobody")
            status, answer = await house.call(
                route.method, path, BODIES.get(route.name), token=token
            )
            is_bare = answer.get("code") == "account_needed"
            denied = status == 403 and "this takes" in answer["detail"] and not is_bare
            detail = answer.get("detail", "")
            # A session of one's own, or a service credential of just that scope.
            is_special = "session" in detail or "a credential for" in detail
            assert denied != (role in route.roles) or is_special, route.name
    assert (await house.call("GET", "/v1/session", token=olaf))[1] == {
        "name": "olaf",
        "role": "operator",
        "session": True,
        "fresh": True,
    }


async def test_logins_leave_no_secret_behind(house: House) -> None:
    olaf = await house.found()
    wrong = {"name": "olaf", "password": "geheimes passwort", "code": "000000"}
    status, answer = await house.call("POST", "/v1/session", wrong)
    assert (status, answer["code"]) == (401, "unauthenticated")
    events = await house.fleet.audit("a.demo")
    log = "".join(event.text for event in events)
    place = house.fleet.place("a.demo")
    files = [path for path in place.directory.rglob("*") if path.is_file()]
    disk = await asyncio.to_thread(lambda: b"".join(p.read_bytes() for p in files))

    for secret in (olaf, PASSWORD, wrong["password"], house.secrets["olaf"]):
        assert secret not in log
        assert secret.encode() not in disk
    assert base64.b32decode(house.secrets["olaf"]) not in disk
    await house.done("POST", "/v1/session/end", None, olaf)
    assert (await house.call("GET", "/v1/accounts", token=olaf))[0] == 401


async def test_guesses_over_the_network_are_told_to_wait(house: House) -> None:
    await house.found()
    wrong = {"name": "nobody", "password": PASSWORD, "code": "000000"}
    answers = [await house.call("POST", "/v1/session", wrong) for _ in range(4)]

    assert [status for status, _ in answers] == [401, 401, 401, 429]
    assert answers[-1][1]["retry_after_ms"] == 1_000
