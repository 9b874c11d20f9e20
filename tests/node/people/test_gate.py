# SPDX-License-Identifier: Apache-2.0
import asyncio
import dataclasses
from datetime import date

import pytest
from msgspec.structs import replace
from tests.node.people.conftest import Team
from tests.support.gates import COMPLETE

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import GateAnswer
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    DeniedError,
    ForbiddenError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.lookup.index.bootstrap import load_gate
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.gate import GateOpening, Gates
from fedsafe_node.rules.idempotency import StoredAnswers, recognise
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.rules.gate import Approval, LegalGate
from fedsafe_policies.vocabulary import Act, Role


@pytest.fixture
def situation(team: Team) -> Situation:
    """The node of the team, with a register that is met."""
    team.situation.record_register(2_000_000_000)
    team.situation.policy = shipped("strict")
    config = team.situation.config
    team.situation.config = replace(config, url="https://chat.example.de")
    return team.situation


@pytest.fixture
def gates(situation: Situation, team: Team) -> Gates:
    effect = GateOpening(team.office, situation)
    team.approvals = Approvals(team.office, {Act.GATE_OPENING: effect})
    return Gates(situation, team.office, team.approvals)


@pytest.fixture
async def ben(team: Team) -> Principal:
    """Dora is there as data protection officer as well."""
    await team.hire("dora", Role.DPO)
    await team.hire("ben", Role.REVIEWER)
    return await team.principal("ben")


async def open_gate(team: Team, gates: Gates, who: Principal) -> GateAnswer:
    """Let `who` record a complete gate, and dora stand by it."""
    asked = await gates.record(COMPLETE, who)
    assert asked.act is not None
    await approve(team, asked.act, await team.principal("dora"))
    return await gates.show()


async def approve(team: Team, act_id: str, who: Principal) -> None:
    (act,) = (await team.approvals.pending()).acts
    await team.approvals.approve(act_id, bytes.fromhex(act.digest), who)


async def test_without_a_record_everything_is_missing(gates: Gates) -> None:
    answer = await gates.show()

    assert not answer.open
    assert "dpia" in answer.missing


@pytest.mark.promise("LR-01")
async def test_two_people_open_the_gate(
    gates: Gates, situation: Situation, team: Team, ben: Principal
) -> None:
    asked = await gates.record(COMPLETE, ben)
    before = (situation.gate, await load_gate(team.store))
    assert asked.act is not None
    await approve(team, asked.act, await team.principal("dora"))
    answer = await gates.show()

    assert not asked.open
    assert before == (None, None)
    assert answer.open
    assert answer.missing == []
    assert situation.gate == COMPLETE
    assert await load_gate(team.store) == COMPLETE


async def test_a_record_waits_once_and_a_new_one_takes_its_place(
    gates: Gates, situation: Situation, team: Team, ben: Principal
) -> None:
    first = await gates.record(COMPLETE, ben)
    with pytest.raises(WrongStateError) as again:
        await gates.record(COMPLETE, await team.principal("dora"))
    other = replace(COMPLETE, dpia="dpia-2")
    second = await gates.record(other, ben)
    assert second.act is not None
    (waiting,) = (await team.approvals.pending()).acts
    await approve(team, second.act, await team.principal("dora"))

    assert again.value.code == "already_asked"
    assert "ben has asked for it" in again.value.detail
    assert waiting.act == second.act != first.act
    assert situation.gate == other


async def test_nobody_opens_the_gate_alone(
    gates: Gates, situation: Situation, team: Team, ben: Principal
) -> None:
    asked = await gates.record(COMPLETE, ben)
    assert asked.act is not None
    await team.hire("ida", Role.ANALYST)
    await team.hire("leo", Role.LEGAL_ADVISER)
    for who in (
        ben,
        await team.principal("ben"),  # another session
        dataclasses.replace(ben, role=Role.OPERATOR),
        await team.principal("ida"),
        await team.principal("leo"),  # somebody else, but no data protection officer
        Principal("bot", Role.SERVICE),
        Principal("dora", Role.DPO),  # a bare credential proves no second factor
    ):
        with pytest.raises((DeniedError, ForbiddenError)):
            await approve(team, asked.act, who)

    assert situation.gate is None
    assert await load_gate(team.store) is None


async def test_of_two_approvals_at_once_one_opens_the_gate(
    gates: Gates, team: Team, ben: Principal
) -> None:
    asked = await gates.record(COMPLETE, ben)
    assert asked.act is not None
    both = [await team.principal("dora") for _ in range(2)]
    done = await asyncio.gather(
        *(approve(team, asked.act, who) for who in both), return_exceptions=True
    )

    assert sum(result is None for result in done) == 1
    told = [event for event, _, _ in await team.events()]
    assert told.count("gate.recorded") == 1


@pytest.mark.usefixtures("ben")
async def test_an_officer_may_ask_and_a_lawyer_stand_by(
    gates: Gates, situation: Situation, team: Team
) -> None:
    await team.hire("leo", Role.LEGAL_ADVISER)
    asked = await gates.record(COMPLETE, await team.principal("dora"))
    assert asked.act is not None
    await approve(team, asked.act, await team.principal("leo"))

    assert situation.gate == COMPLETE


@pytest.mark.parametrize("name", ["dora", "Dora", " DORA "])
async def test_a_record_names_its_officer_as_the_account_does(
    gates: Gates, situation: Situation, team: Team, ben: Principal, name: str
) -> None:
    approval = Approval(person=name, on=date(2026, 11, 2))
    asked = await gates.record(replace(COMPLETE, dpo_approval=approval), ben)
    assert asked.act is not None
    await approve(team, asked.act, await team.principal("dora"))

    assert situation.gate is not None


@pytest.mark.parametrize("name", ["C. Weber", "ben", "dana"])
async def test_a_record_names_no_officer_who_is_none(
    gates: Gates, team: Team, ben: Principal, name: str
) -> None:
    await team.hire("dana")
    gate = replace(COMPLETE, dpo_approval=Approval(name, date(2026, 11, 2)))
    with pytest.raises(BadRequestError) as refused:
        await gates.record(gate, ben)

    assert (refused.value.code, refused.value.pointer) == (
        "bad_officer",
        "/dpo_approval/person",
    )
    assert name not in str(refused.value)
    assert (await team.approvals.pending()).acts == []


async def test_an_officer_stands_by_no_word_of_another(
    gates: Gates, situation: Situation, team: Team, ben: Principal
) -> None:
    await team.hire("dana", Role.DPO)
    asked = await gates.record(COMPLETE, ben)
    assert asked.act is not None
    with pytest.raises(WrongStateError) as refused:
        await approve(team, asked.act, await team.principal("dana"))
    with pytest.raises(BadRequestError):
        await gates.record(COMPLETE, await team.principal("dana"))

    assert refused.value.code == "other_officer"
    assert situation.gate is None
    await approve(team, asked.act, await team.principal("dora"))
    assert situation.gate == COMPLETE


@pytest.mark.parametrize("role", [None, Role.ANALYST, Role.LEGAL_ADVISER])
async def test_without_a_second_person_nothing_waits(
    gates: Gates, team: Team, role: Role | None
) -> None:
    await team.hire("ben", Role.REVIEWER)
    if role is not None:
        await team.hire("ida", role)
    with pytest.raises(WrongStateError) as refused:
        await gates.record(COMPLETE, await team.principal("ben"))

    assert refused.value.code == "no_second_person"
    assert (await team.approvals.pending()).acts == []


async def test_one_person_shuts_the_gate(
    gates: Gates, situation: Situation, team: Team, ben: Principal
) -> None:
    assert (await open_gate(team, gates, ben)).open
    answer = await gates.record(LegalGate(dpia="file-12"), ben)

    assert not answer.open
    assert answer.act is None
    assert "dpia" not in answer.missing
    assert situation.gate == await load_gate(team.store) == LegalGate(dpia="file-12")


async def test_what_was_asked_before_it_was_shut_opens_no_gate(
    gates: Gates, situation: Situation, team: Team, ben: Principal
) -> None:
    asked = await gates.record(COMPLETE, ben)
    assert asked.act is not None
    dora = await team.principal("dora")
    await gates.record(LegalGate(dpia="withdrawn"), dora)
    with pytest.raises(WrongStateError) as refused:
        await approve(team, asked.act, dora)

    assert refused.value.code == "act_changed"
    assert situation.gate == LegalGate(dpia="withdrawn")
    assert not (await gates.show()).open


async def test_a_record_without_a_register_keeps_the_gate_closed(
    gates: Gates, situation: Situation, team: Team, ben: Principal
) -> None:
    situation.record_register(0)
    answer = await open_gate(team, gates, ben)

    assert (answer.open, answer.missing) == (False, ["register"])

    situation.record_register(2_000_000_000)

    assert (await gates.show()).open


async def test_the_gate_closes_when_the_record_runs_out(
    gates: Gates, team: Team, ben: Principal
) -> None:
    assert (await open_gate(team, gates, ben)).open
    team.pass_time(400 * 86_400)

    assert not (await gates.show()).open


async def test_every_record_is_an_audit_event_that_names_both(
    gates: Gates, team: Team, ben: Principal
) -> None:
    await gates.record(LegalGate(), ben)
    await open_gate(team, gates, ben)

    told = [each for each in await team.events() if each[0] == "gate.recorded"]
    assert [outcome for _, outcome, _ in told] == ["incomplete", "complete"]
    assert '"second":null' in told[0][2]
    assert '"second":"dora"' in told[1][2]


@pytest.mark.parametrize("record", [COMPLETE, LegalGate()])
async def test_a_record_and_its_answer_are_one_act(
    gates: Gates, team: Team, ben: Principal, keys: PeriodKeys, record: LegalGate
) -> None:
    key = "0f9b7c1e-6a3d-4c55-9f00-1f2e3d4c5b6a"
    once = recognise(key, ben, route="POST /v1/gate", body=b"{}", status=200)
    answer = await gates.record(record, ben, once=once)
    kept = await StoredAnswers(team.store, team.clock, keys).find(once.key)
    waits, gate = await team.approvals.pending(), await load_gate(team.store)
    with pytest.raises(ConflictError):
        await gates.record(LegalGate(dpia="file-12"), ben, once=once)
    with pytest.raises(ConflictError):
        await gates.record(COMPLETE, ben, once=once)

    assert kept is not None
    assert kept.body == encode(answer)
    assert await team.approvals.pending() == waits
    assert await load_gate(team.store) == gate
