# SPDX-License-Identifier: Apache-2.0
"""A way for every kind, over HTTP: accounts that are attested, and two officers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from aiohttp import ClientSession
from argon2.profiles import CHEAPEST
from msgspec.structs import replace
from tests.support.fleet import NAMES, Fleet, eventually
from tests.support.house import House
from tests.support.rights_requests import SHOP, asked
from tests.support.vouched_requests import Vouched

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.requests import RequestKind
from fedsafe_node.people.passwords import Passwords
from fedsafe_node.rights.rulings import end_disputes
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Role

DAY: Final = 24 * 60 * 60
USER: Final = "chat.example:lurker-of-tests"
PHONE_ID: Final = "chat.example:6f1c2c1e-8f4a-4a0e-9f3b-3a8f0f7c1d2e"
IBAN: Final = "DE89370400440532013000"
MAIL: Final = "no-account@mail.example"
LISTED: Final = {
    USER: Kind.USERNAME,
    PHONE_ID: Kind.DEVICE,
    IBAN: Kind.PAYMENT,
    MAIL: Kind.EMAIL,
}
ON: Final = "2026-11-20"


@pytest.fixture
async def staffed(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Give three nodes, of which a.demo has accounts and a namespace of its own."""
    monkeypatch.setattr(
        "fedsafe_node.app.container.Passwords", lambda: Passwords(CHEAPEST)
    )
    path = fleet.place("a.demo").config
    text = path.read_text().replace("namespaces = []", 'namespaces = ["chat.example"]')
    path.write_text(text)
    await fleet.start(*NAMES)
    await fleet.covered()
    async with ClientSession(fleet["a.demo"].base.config.url) as http:
        yield House(fleet, http)


async def officers(house: House, olaf: str) -> tuple[str, str]:
    """Hire two officers, `dora` and `rita`; return their sessions' tokens."""
    node, tokens = house.fleet["a.demo"], list[str]()
    grants = node.services.staff.approvals.effects[Act.ROLE_GRANT]
    people = Person("olaf", Role.OPERATOR), Person("setup", Role.REVIEWER)
    for name, role in (("dora", "dpo"), ("rita", "reviewer")):
        await house.hire(olaf, name)
        asked = await house.ask_for(olaf, name, role)
        if not asked["granted"]:  # an account that is there before would approve it
            content = json.dumps(asked["act"]["content"]).encode()
            await node.base.store.write(
                lambda tx, content=content: grants.carry_out(tx, content, *people)  # type: ignore[misc]
            )
        tokens.append(await house.log_in(name))
    dora, rita = tokens
    return dora, rita


async def desk(house: House, olaf: str) -> str:
    """Add a credential of the back-end, good for requests of persons."""
    body = {"name": "shop", "scope": "rights", "until": house.now + 30 * DAY}
    return str((await house.done("POST", "/v1/credentials", body, olaf))["token"])


def attested(house: House, value: str, how: str, *, ago: int = 0) -> dict[str, Any]:
    said = {"verified": how, "verified_on": ON, "logged_in_at": house.now - ago}
    return {
        "kind": "dispute",
        "about": {"kind": LISTED[value].value, "value": value},
        "control": "account_login",
        "attested": said,
    }


async def matching(fleet: Fleet, value: str) -> list[str]:
    kind = LISTED[value]
    return [n for n in NAMES if (await fleet.look_up(n, value, kind)).matches]


async def rests_everywhere(fleet: Fleet, value: str) -> bool:
    return await matching(fleet, value) == []


async def test_people_of_every_kind_are_unmatched_everywhere_by_their_proof(
    staffed: House, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = staffed.fleet
    for value, kind in LISTED.items():
        await fleet.publish(value, kind, at="b.demo", by=("a.demo", "c.demo"))
        assert await matching(fleet, value) == list(NAMES)
    olaf = await staffed.found()
    dora, rita = await officers(staffed, olaf)
    shop = await desk(staffed, olaf)

    began = time.monotonic()
    for value, how in (
        (USER, "own_namespace"),
        (PHONE_ID, "own_namespace"),
        (IBAN, "transfer"),
    ):
        body = attested(staffed, value, how, ago=300)
        opened = await staffed.done("POST", "/v1/rights", body, shop)
        assert opened["signals"] is None
        await eventually(lambda value=value: rests_everywhere(fleet, value))  # type: ignore[misc]

    check = {"seen_on": ON, "reference": "minute-7"}
    body = {
        "kind": "objection",
        "about": {"kind": "email", "value": MAIL},
        "control": "identity_document",
        "checked": check,
    }
    opened = await staffed.done("POST", "/v1/rights", body, dora)
    request, act = opened["request"], opened["checked"]["act"]
    assert (opened["signals"], opened["checked"]["second"]) == (None, None)
    assert await matching(fleet, MAIL) == list(NAMES)
    for token in (dora, rita):
        shown = await staffed.done("GET", f"/v1/rights/{request}", None, token)
        assert (shown["signals"], shown["disputes"]) == (None, None)
        path = f"/v1/rights/{request}/answer"
        status, refused = await staffed.call("POST", path, token=token)
        assert (status, refused["code"]) == (409, "not_decided")
    path = f"/v1/rights/{request}/check"  # once that waits no more
    assert (await staffed.call("POST", path, token=dora))[0] == 409
    withdraw = f"/v1/acts/{act}/withdraw"
    status, refused = await staffed.call("POST", withdraw, token=rita)
    assert (status, "dora has asked for this" in refused["detail"]) == (403, True)
    await staffed.done("POST", withdraw, None, dora)
    assert (await staffed.call("POST", path, token=rita))[0] == 403
    act = (await staffed.done("POST", path, None, dora))["checked"]["act"]
    acts = (await staffed.done("GET", "/v1/acts", None, rita))["acts"]
    (waiting,) = [each for each in acts if each["act"] == act]
    assert waiting["content"] == {
        "request": request,
        "asks": "objection",
        "control": "identity_document",
        "seen_on": ON,
        "reason": "minute-7",
    }
    assert (await staffed.approve(waiting, dora))[0] == 403
    assert await matching(fleet, MAIL) == list(NAMES)
    assert (await staffed.approve(waiting, rita))[0] == 200
    await eventually(lambda: rests_everywhere(fleet, MAIL))
    assert time.monotonic() - began < 300

    told = await staffed.done("POST", f"/v1/rights/{request}/answer", None, rita)
    assert len(told["signals"]) == len(told["disputes"]) == 1
    assert told["checked"]["second"] == "rita"
    collect = {"request": request, "code": opened["collect"]}
    status, collected = await staffed.call("POST", "/v1/rights/collect", collect)
    assert status == 200
    assert told["signals"][0]["signal"] in collected["text"]
    assert await _places_of(fleet, caplog.text, LISTED) == []


async def _places_of(fleet: Fleet, log: str, values: Any) -> list[str]:  # noqa: ANN401 - texts
    """Name where an identifier rests at the node that was told of it."""
    wanted = [value.rpartition(":")[2].encode() for value in values]

    def search() -> list[str]:
        files = [f for f in fleet.place("a.demo").directory.rglob("*") if f.is_file()]
        texts = {f.name: f.read_bytes() for f in files} | {"log": log.encode()}
        return [name for name, text in texts.items() if any(w in text for w in wanted)]

    return await asyncio.to_thread(search)


async def test_what_is_not_verified_reads_nothing_and_rests_nothing(
    staffed: House,
) -> None:
    fleet = staffed.fleet
    for value, kind in LISTED.items():
        await fleet.publish(value, kind, at="b.demo", by=("a.demo", "c.demo"))
    olaf = await staffed.found()
    dora, _ = await officers(staffed, olaf)
    shop = await desk(staffed, olaf)
    typed = attested(staffed, IBAN, "transfer")
    now = staffed.now

    def but(**more: object) -> dict[str, Any]:
        return typed | {"attested": typed["attested"] | more}

    unattested = {name: said for name, said in typed.items() if name != "attested"}
    check = {"seen_on": ON, "reference": "minute-7"}
    other = attested(staffed, USER, "own_namespace")
    other["about"] = other["about"] | {"value": "discord:lurker-of-tests"}
    about_ip = attested(staffed, MAIL, "mailed_code")
    about_ip["about"] = {"kind": "ip", "value": "9.9.9.9"}
    for token, body, code in (
        (shop, unattested, "not_attested"),
        (shop, typed | {"control": "identity_document"}, "not_attested"),
        (shop, typed | {"checked": check}, "not_attested"),
        (shop, but(verified="own_namespace"), "bad_verification"),
        (shop, but(verified="mailed_code"), "bad_verification"),
        (shop, but(logged_in_at=now - 301), "stale_login"),
        (shop, but(logged_in_at=now + 60), "stale_login"),
        (shop, but(verified_on="2026-11-26"), "bad_date"),
        (shop, but(verified_on="2024-11-20"), "bad_verification"),
        (shop, other, "other_namespace"),
        (shop, about_ip, "not_attestable"),
        (dora, typed, "not_checked"),
        (dora, unattested | {"control": "identity_document"}, "not_checked"),
        (
            dora,
            unattested
            | {"control": "identity_document"}
            | {"checked": check | {"seen_on": "2026-11-26"}},
            "bad_date",
        ),
    ):
        for wish in ("access", "dispute"):
            asked = body | {"kind": wish}
            answer = await staffed.call("POST", "/v1/rights", asked, token=token)
            status, problem = answer
            assert (status, problem["code"]) == (422, code), problem
            assert IBAN not in str(problem)
    assert await fleet.audit("a.demo", "rights.opened") == []
    assert await matching(fleet, IBAN) == list(NAMES)


@pytest.mark.promise("TM-11")
async def test_members_that_lie_rest_no_more_than_their_small_budgets(
    trio: Fleet,
) -> None:
    liars, budget = ("a.demo", "c.demo"), 2
    for name in NAMES:  # a liar keeps to no budget of its own
        situation = trio[name].base.situation
        most = 1_000 if name in liars else budget
        document = situation.policy.document
        disputes = replace(document.disputes, attested_a_day=most)
        changed = replace(document, disputes=disputes)
        situation.policy = Policy(changed, situation.policy.digest)
    people = [f"person{number}@mail.example" for number in range(8)]
    for person in people:
        await trio.publish(person, at="b.demo", by=liars)
    for number, person in enumerate(people):
        said = asked(RequestKind.DISPUTE, person)
        await Vouched(trio, liars[number % 2]).open(said, SHOP)
    for liar in liars:
        await trio.level(liar, ["b.demo"])

    looks = [await trio.look_up("b.demo", person) for person in people]
    assert len([each for each in looks if not each.matches]) == budget * len(liars)
    status = await trio["b.demo"].services.node.status()
    assert status.disputes_beyond_budget == dict.fromkeys(liars, 2)
    trio.clock.advance(timedelta(days=40))  # and nobody has ruled
    node = trio["b.demo"]
    assert (await end_disputes(node.desk, node.base.announcer)).lapsed == 0
    rows = await node.base.store.read(lambda reader: reader.signals_after(0, 100))
    assert SignalStatus.REVOKED not in {row.status for row in rows}
