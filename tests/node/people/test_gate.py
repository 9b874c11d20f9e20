# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from fedsafe_federation.wireformat import encode
from fedsafe_node.clock import Clock
from fedsafe_node.config import Config, Listen
from fedsafe_node.errors import ConflictError
from fedsafe_node.evaluators import OwnList
from fedsafe_node.idempotency import StoredAnswers, recognise
from fedsafe_node.keys import MediaKeys, OwnKeys
from fedsafe_node.loading import load_gate
from fedsafe_node.log.audit import AuditTrail, Event, decode_audit_record
from fedsafe_node.people.gate import Gates
from fedsafe_node.principal import Principal
from fedsafe_node.provisions import Provisions
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_policies.gate import Approval, Consultation, LegalGate
from fedsafe_policies.policy import shipped
from fedsafe_policies.vocabulary import Role

NODE = "chat.example.de"
REVIEWER = Principal("ben", Role.REVIEWER)
COMPLETE = LegalGate(
    legal_basis="gdpr-6-1-f:file-2026-17",
    balancing_test="https://intranet.example/fedsafe/balancing",
    dpia="https://intranet.example/fedsafe/dpia",
    consultation=Consultation.NOT_REQUIRED,
    consultation_reference="note-2026-18",
    arrangement="joint-controllers/3",
    dpo_approval=Approval(person="C. Weber", on=date(2026, 11, 2)),
    management_approval=Approval(person="D. Kaya", on=date(2026, 11, 3)),
    valid_until=date(2027, 11, 3),
)


@pytest.fixture
def situation() -> Situation:
    config = Config(
        format=1,
        name=NODE,
        url="https://fedsafe.chat.example.de",
        jurisdiction="DE",
        contact="abuse@chat.example.de",
        policy="strict",
        listen=Listen(host="127.0.0.1", port=8470),
        custody_key="custody.pub",
    )
    own = OwnKeys(bytes(32), MediaKeys(bytes(32), bytes(32)))
    made = Situation(config, Provisions(shipped("strict")), OwnList(NODE, own))
    made.record_register(2_000_000_000)
    return made


@pytest.fixture
def gates(situation: Situation, store: Store, clock: Clock) -> Gates:
    return Gates(situation, store, AuditTrail(NODE), clock)


async def test_without_a_record_everything_is_missing(gates: Gates) -> None:
    answer = await gates.show()

    assert not answer.open
    assert "dpia" in answer.missing


async def test_a_complete_record_opens_the_gate(
    gates: Gates, situation: Situation, store: Store
) -> None:
    answer = await gates.record(COMPLETE, REVIEWER)

    assert answer.open
    assert answer.missing == []
    assert situation.gate == COMPLETE
    assert await load_gate(store) == COMPLETE


async def test_an_incomplete_record_is_kept_and_keeps_the_gate_closed(
    gates: Gates, store: Store
) -> None:
    answer = await gates.record(LegalGate(dpia="file-12"), REVIEWER)

    assert not answer.open
    assert "dpia" not in answer.missing
    assert await load_gate(store) == LegalGate(dpia="file-12")


async def test_a_record_without_a_register_keeps_the_gate_closed(
    gates: Gates, situation: Situation
) -> None:
    situation.record_register(0)
    answer = await gates.record(COMPLETE, REVIEWER)

    assert (answer.open, answer.missing) == (False, ["register"])

    situation.record_register(2_000_000_000)

    assert (await gates.show()).open


async def test_the_gate_closes_when_the_record_runs_out(
    gates: Gates, advance: Callable[[timedelta], None]
) -> None:
    await gates.record(COMPLETE, REVIEWER)
    advance(timedelta(days=400))

    assert not (await gates.show()).open


async def test_every_record_is_an_audit_event(gates: Gates, store: Store) -> None:
    await gates.record(LegalGate(), REVIEWER)
    await gates.record(COMPLETE, REVIEWER)
    log = AuditTrail(NODE).log
    records = await store.read(lambda reader: reader.records(log, 0, 10))
    events = [decode_audit_record(record) for record in records]

    assert [event.event for event in events] == [Event.GATE_RECORDED] * 2
    assert [event.outcome for event in events] == ["incomplete", "complete"]


async def test_a_record_and_its_answer_are_one_act(
    gates: Gates, situation: Situation, store: Store, clock: Clock
) -> None:
    key = "0f9b7c1e-6a3d-4c55-9f00-1f2e3d4c5b6a"
    once = recognise(key, REVIEWER, route="POST /v1/gate", body=b"{}", status=200)
    answer = await gates.record(COMPLETE, REVIEWER, once=once)
    kept = await StoredAnswers(store, clock).find(once.key)
    with pytest.raises(ConflictError):
        await gates.record(LegalGate(), REVIEWER, once=once)

    assert kept is not None
    assert kept.body == encode(answer)
    assert await load_gate(store) == situation.gate == COMPLETE
