# SPDX-License-Identifier: Apache-2.0
"""Every act that takes two people, tried by one of them through the API."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace
from tests.node.api.casework import THREAT
from tests.node.review.conftest import about, listed, match
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet, found, make
from tests.support.gates import COMPLETE
from tests.support.house import House, house
from tests.support.maximal import MAXIMAL
from tests.support.vouched_requests import decide

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.requests import RightsRequestAnswer
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.pseudonyms import quarter_of
from fedsafe_node.people.credentials import People
from fedsafe_node.review.floods import judge_floods
from fedsafe_node.review.task_start import open_review
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.vocabulary import Act, Role, Scope

__all__ = ["house"]

Ask = Callable[[House, str], Awaitable[dict[str, Any]]]
Said = tuple[int, Any]


async def _role(house: House, who: str) -> dict[str, Any]:
    answer = await house.ask_for(who, "ben", "analyst")
    return dict(answer["act"])


async def _gate(house: House, who: str) -> dict[str, Any]:
    record = msgspec.to_builtins(COMPLETE)
    answer = await house.done("POST", "/v1/gate", record, who)
    return await _found(house, who, answer["act"])


async def _policy(house: House, who: str) -> dict[str, Any]:
    place = house.fleet.place("a.demo")
    text = shipped_text("germany").replace(b'name = "germany"', b'name = "ours"')
    (place.directory / "ours.toml").write_bytes(text)
    written = place.config.read_text()
    place.config.write_text(written.replace('"germany"', '"ours.toml"'))
    return dict(await house.done("POST", "/v1/policy/propose", None, who))


async def _federation(fleet: Fleet) -> None:
    others = ("b.demo", "c.demo")
    await make(fleet.root, *others, policy="germany", staff=())
    await fleet.start(*others)
    await found(fleet, "a.demo", *others)


async def _charter(house: House, who: str) -> dict[str, Any]:
    await _federation(house.fleet)
    body = {"change": "terms", "appeal": "b.demo"}
    return dict(await house.done("POST", "/v1/federation/proposals", body, who))


async def _quarantine(house: House, who: str) -> dict[str, Any]:
    await _federation(house.fleet)
    path, body = "/v1/federation/quarantines", {"member": "b.demo", "after": 0}
    await house.done("POST", path, body, who)
    return dict(await house.done("POST", f"{path}/b.demo/end", None, who))


async def _flood(house: House, who: str) -> dict[str, Any]:
    node, now = house.fleet["a.demo"], house.fleet.clock.now()
    found = [match(1)]

    async def act(tx: Transaction) -> str | None:
        flood = None
        await tx.add_signal(listed(found[0]))
        for number in range(11):
            name = f"acc-{number}"
            judged = await judge_floods(
                node.reviews,
                tx,
                name,
                found,
                now,
                about=about(*found),
                by="local",
                service="local",
            )
            flood = judged.flood
        return flood

    path = f"/v1/floods/{await node.base.store.write(act)}/bound"
    body = {"bound": 20, "reason": "ticket-7"}
    return dict(await house.done("POST", path, body, who))


async def _reshare(house: House, who: str) -> dict[str, Any]:
    await _federation(house.fleet)
    return dict(await house.done("POST", "/v1/federation/reshare", {}, who))


async def _export(house: House, who: str) -> dict[str, Any]:
    return dict(await house.done("POST", "/v1/audit/export", {"first": 0}, who))


async def _ban(house: House, who: str) -> dict[str, Any]:
    node, now = house.fleet["a.demo"], house.fleet.clock.now()
    found = [match(1)]
    opened = await node.base.store.write(
        lambda tx: open_review(
            node.reviews, tx, None, found, now, by="local", service="local"
        )
    )
    path = f"/v1/tasks/{opened.task}"
    why = {"step": "exception", "exception": "no_way_to_reach", "reference": "note-1"}
    await house.done("POST", f"{path}/hearing", why, who)
    await house.done("GET", path, None, who)
    house.fleet.clock.advance(timedelta(seconds=10))  # sooner it is asked once more
    wanted = {"outcome": "confirm", "level": "L6", "evidence": "case-7"} | {
        "rule": "house-1",
        "phenomenon": "grooming",
        "source": "notice",
        "surface": "public_content",
        "grade": "confirmed_conduct",
    }
    answer = await house.done("POST", f"{path}/outcome", wanted, who)
    return dict(answer["act"])


async def _look(house: House, act: dict[str, Any], who: str) -> None:
    """Look at the task that an act decides, as its second person has to."""
    if act["kind"] == Act.PERMANENT_BAN:
        await house.done("GET", f"/v1/tasks/{act['content']['task']}", None, who)


async def _erasure(house: House, who: str) -> dict[str, Any]:
    body = {"subject_ref": "account-17", "reason": "ticket:17"}
    return dict(await house.done("POST", "/v1/audit/erase", body, who))


async def _checked(
    house: House, who: str, about: dict[str, str]
) -> RightsRequestAnswer:
    body = {"kind": "erasure", "about": about, "control": "identity_document"} | {
        "checked": {"seen_on": "2026-11-20", "reference": "minute-7"}
    }
    opened = await house.done("POST", "/v1/rights", body, who)
    return msgspec.convert(opened, RightsRequestAnswer)


async def _check(house: House, who: str) -> dict[str, Any]:
    about = {"kind": "email", "value": "nobody@mail.example"}
    checked = (await _checked(house, who, about)).checked
    acts = (await house.done("GET", "/v1/acts", None, who))["acts"]
    assert checked is not None
    (act,) = [each for each in acts if each["act"] == checked.act]
    return dict(act)


async def _grant(house: House, who: str) -> dict[str, Any]:
    about = {"kind": "email", "value": "listed@mail.example"}
    signals = house.fleet["a.demo"].services.signals
    await signals.add(request_for(about["value"], scope=Scope.SELF), ANNA)
    opened = await _checked(house, who, about)
    await decide(house.fleet, "a.demo", opened, Principal("dora", Role.DPO))
    path = f"/v1/rights/{opened.request}/grant"
    return dict(await house.done("POST", path, {"reason": "ticket:17"}, who))


async def _reveal(house: House, who: str) -> dict[str, Any]:
    base = house.fleet["a.demo"].base
    shown = base.pseudonyms.of("rita", quarter_of(base.clock.now()))
    body = {"pseudonym": shown, "reason": "ticket:17"}
    return dict(await house.done("POST", "/v1/audit/reveal", body, who))


async def _silence(house: House, who: str) -> dict[str, Any]:
    base = house.fleet["a.demo"].base
    pack = PackRow(
        entry=await base.store.read(lambda reader: reader.log_size(base.trail.log)),
        first=0,
        last=0,
        events=None,
        recipient="police.example",
        asked_by="staff-2026q4-a",
        approved_by="staff-2026q4-b",
        at=house.now,
        purpose="audit_review",
        basis="gdpr_5_2",
    )
    await base.store.write(lambda tx: tx.add_pack(pack, []))
    until = (base.clock.now() + timedelta(days=9)).date().isoformat()
    body = {"reason": "bdsg_29_1", "note": "ticket:17", "until": until}
    path = f"/v1/audit/packs/{pack.entry}/withhold"
    return dict(await house.done("POST", path, body, who))


async def _breach(house: House, who: str) -> dict[str, Any]:
    body: dict[str, Any] = {"aware_at": house.now, "kinds": ["integrity"]}
    opened = await house.done("POST", "/v1/breaches", body, who)
    path = f"/v1/breaches/{opened['breach']}"
    body = {"categories": ["tokens"], "groups": ["users"], "risk": "unlikely"}
    body |= {"persons": 1, "records": 1, "consequences": [], "measures": []}
    await house.done("POST", f"{path}/assess", body, who)
    body = {"silence": "unlikely_risk"}
    answer = await house.done("POST", f"{path}/close", body, who)
    return await _found(house, who, answer["act"])


async def _dispatch(house: House, who: str) -> dict[str, Any]:
    known = json.loads(encode(replace(MAXIMAL, case=UNSET)))
    body: dict[str, Any] = {"urgency": "u2", "known_at": house.now, "threat": THREAT}
    body |= {"sources": ["user_report"], "phenomenon": "grooming"}
    opened = await house.done("POST", "/v1/cases", body, who)
    path = f"/v1/cases/{opened['case']}"
    await house.done("POST", f"{path}/assess", {"elements": known}, who)
    body = {"partners": ["law_enforcement"]}
    answer = await house.done("POST", f"{path}/approve", body, who)
    return await _found(house, who, answer["act"])


async def _found(house: House, who: str, act_id: str) -> dict[str, Any]:
    listed = await house.done("GET", "/v1/acts", None, who)
    (act,) = [each for each in listed["acts"] if each["act"] == act_id]
    return dict(act)


ACTS: Final[dict[Act, tuple[str, str, Ask]]] = {
    Act.ROLE_GRANT: ("olaf", "rita", _role),
    Act.POLICY_CHANGE: ("olaf", "rita", _policy),
    Act.CHARTER_CHANGE: ("olaf", "rita", _charter),
    Act.QUARANTINE_END: ("olaf", "rita", _quarantine),
    Act.KEY_ROTATION: ("olaf", "rita", _reshare),
    Act.GATE_OPENING: ("rita", "dora", _gate),
    Act.EXPORT_WITH_OPENINGS: ("dora", "rita", _export),
    Act.BREACH_SILENCE: ("olaf", "dora", _breach),
    Act.SUBJECT_ERASURE: ("dora", "rita", _erasure),
    Act.REQUEST_GRANT: ("dora", "rita", _grant),
    Act.IDENTITY_CHECK: ("dora", "rita", _check),
    Act.PSEUDONYM_REVEAL: ("dora", "rita", _reveal),
    Act.RECIPIENT_SILENCE: ("dora", "rita", _silence),
    Act.PERMANENT_BAN: ("anna", "rita", _ban),
    Act.FLOOD_BOUND: ("rita", "dora", _flood),
    Act.DISPATCH: ("ella", "rita", _dispatch),
}
"""Whose approval carries the act out: who asks, who approves, and how it is asked."""
DRAFTS: Final = {Act.ACTOR_SIGNAL, Act.OWN_BAN, Act.MEDIA_SIGNAL}
"""What waits as a draft; tests/node/signals/test_waiting.py has all of them."""
BETWEEN: Final = {Act.APPEAL_RULING}
"""What takes three members; tests/node/rights/test_appeals.py has it."""
NOT_YET: Final = frozenset(Act) - ACTS.keys() - DRAFTS - BETWEEN
"""What no node can do yet, alone or together."""


@pytest.fixture
async def office(house: House) -> dict[str, str]:
    """Seat olaf, rita and dora; return a session of each."""
    olaf = await house.found()
    for name in ("rita", "dora", "ben", "anna", "ella"):
        await house.hire(olaf, name)
    await house.ask_for(olaf, "rita", "reviewer")
    act = (await house.ask_for(olaf, "dora", "dpo"))["act"]
    rita = await house.log_in("rita")
    assert (await house.approve(act, rita))[0] == 200
    act = (await house.ask_for(olaf, "anna", "analyst"))["act"]
    assert (await house.approve(act, rita))[0] == 200
    act = (await house.ask_for(olaf, "ella", "escalation_officer"))["act"]
    assert (await house.approve(act, rita))[0] == 200
    named = {name: await house.log_in(name) for name in ("dora", "anna", "ella")}
    return {"olaf": olaf, "rita": rita, **named}


async def test_the_table_names_every_act_that_a_node_does(house: House) -> None:
    effects = house.fleet["a.demo"].services.staff.approvals.effects

    assert set(effects) == set(ACTS) | BETWEEN
    assert set(Act) == ACTS.keys() | DRAFTS | BETWEEN | NOT_YET


@pytest.mark.parametrize("kind", sorted(NOT_YET))
async def test_nobody_asks_for_what_nothing_would_carry_out(
    house: House, kind: Act
) -> None:
    approvals = house.fleet["a.demo"].services.staff.approvals
    olaf = Principal("olaf", Role.OPERATOR)

    with pytest.raises(WrongStateError, match=f"this node can't do {kind} yet"):
        await approvals.ask(kind, b"{}", olaf)

    assert (await approvals.pending()).acts == []


async def _alone(house: House, name: str) -> list[str]:
    """Give one person all they can come by without another person."""
    base = house.fleet["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    roles = (Role.REVIEWER, Role.DPO, Role.OPERATOR)
    return [
        await house.log_in(name),  # another session
        await people.add("shop", Role.SERVICE, by="setup"),
        *[
            await people.add(f"key-{role}", role, by="setup", person=name)
            for role in roles
        ],
        await people.add("zoe", Role.REVIEWER, by="setup"),  # a key of somebody else
    ]


@pytest.mark.parametrize("kind", list(ACTS))
async def test_nobody_carries_an_act_out_alone(
    house: House, office: dict[str, str], kind: Act
) -> None:
    first, second, ask = ACTS[kind]
    act = await ask(house, office[first])
    tokens = [office[first], *await _alone(house, first)]
    sequence = [await house.approve(act, token) for token in tokens]
    race = await asyncio.gather(*(house.approve(act, t) for t in tokens * 2))
    listed = await house.done("GET", "/v1/acts", None, office[first])

    assert act["kind"] == kind
    assert {status for status, _ in [*sequence, *race]} <= {400, 403}
    assert act["act"] in {each["act"] for each in listed["acts"]}
    house.fleet.clock.advance(timedelta(seconds=1))
    other = await house.log_in(second)
    await _look(house, act, other)
    status, done = await house.approve(act, other)
    assert (status, done["state"]) == (200, "done")


@pytest.mark.parametrize("kind", list(ACTS))
async def test_of_two_approvals_at_once_one_carries_it_out(
    house: House, office: dict[str, str], kind: Act
) -> None:
    first, second, ask = ACTS[kind]
    act = await ask(house, office[first])
    sessions = [await house.log_in(second) for _ in range(2)]
    await _look(house, act, sessions[0])
    race = await asyncio.gather(*(house.approve(act, t) for t in sessions * 2))

    assert sorted(status for status, _ in race) == [200, 409, 409, 409]


BAN: Final = {
    "about": {"kind": "email", "value": "anna@example.de"},
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "tos-4.2",
    "scope": "self",
    "removed_on": "2026-11-20",
}


async def test_nobody_sets_an_own_ban_alone_where_it_takes_two(
    house: House, office: dict[str, str]
) -> None:
    text = shipped_text("germany").replace(b'"dispatch", ', b'"dispatch", "own_ban", ')
    house.fleet["a.demo"].base.situation.policy = load_policy(text)
    rita = office["rita"]
    draft = await house.done("POST", "/v1/signals", BAN, rita)
    body = {"signals": [draft["signal"]]}
    tokens = [rita, *(await _alone(house, "rita"))[:-1]]
    approved = [
        await house.call("POST", "/v1/signals/approve", body, token=token)
        for token in tokens
    ]
    status, answer = await house.call("POST", "/v1/signals", BAN, token=tokens[2])

    assert draft["state"] == "draft"
    assert {status for status, _ in approved} == {403}
    assert (status, answer["code"]) == (403, "role")
