# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.support.gates import MET, NODE, situation

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.register import EntryRequest, RegisterItem
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, decode_audit_record
from fedsafe_node.people.register import Registers
from fedsafe_node.people.register_entries import read_register_end
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_policies.documents.register import Status, catalogue
from fedsafe_policies.vocabulary import Role

__all__ = ["situation"]

ANNA = Principal("anna", Role.ANALYST)
BEN = Principal("ben", Role.REVIEWER)
MANDATORY = [item.id for item in catalogue().values() if item.mandatory]
ENDS = int(datetime(2027, 11, 1, tzinfo=UTC).timestamp())


@pytest.fixture
def registers(situation: Situation, store: Store, clock: Clock) -> Registers:
    return Registers(situation, store, AuditTrail(NODE), clock)


async def item_of(registers: Registers, item: str = "S-V-1") -> RegisterItem:
    answer = await registers.show()
    return next(each for each in answer.items if each.item == item)


async def waiting(registers: Registers, item: str = "S-V-1") -> str:
    waits = (await item_of(registers, item)).waits
    assert waits is not None
    return waits.entry


async def fill(registers: Registers) -> None:
    for item in MANDATORY:
        await registers.enter(item, MET, ANNA)
        await registers.review(item, await waiting(registers, item), BEN)


async def events(store: Store) -> list[tuple[str, str]]:
    log = AuditTrail(NODE).log
    records = await store.read(lambda reader: reader.records(log, 0, 100))
    decoded = [decode_audit_record(record) for record in records]
    return [(each.event.value, each.outcome) for each in decoded]


async def test_an_empty_register_lacks_all_that_is_mandatory(
    registers: Registers,
) -> None:
    answer = await registers.show()

    assert not answer.met
    assert answer.missing == MANDATORY
    assert len(answer.items) == len(catalogue())


async def test_a_full_register_is_met_until_it_expires(
    registers: Registers,
    situation: Situation,
    store: Store,
    advance: Callable[[timedelta], None],
) -> None:
    await fill(registers)
    answer = await registers.show()

    assert (answer.met, answer.missing) == (True, [])
    assert situation.register_until == ENDS
    assert await read_register_end(store) == ENDS

    advance(timedelta(days=400))

    assert (await registers.show()).missing == MANDATORY


async def test_nobody_confirms_an_own_entry(
    registers: Registers, situation: Situation, store: Store
) -> None:
    await registers.enter("S-V-1", MET, BEN)
    with pytest.raises(DeniedError) as refused:
        await registers.review("S-V-1", await waiting(registers), BEN)

    assert refused.value.decision.rule == "P6"
    assert situation.register_until == 0
    assert (await item_of(registers)).counts is None
    assert await events(store) == [
        ("register.entered", "met"),
        ("refused", refused.value.decision.code),
    ]


async def test_an_entry_is_confirmed_once_even_in_a_race(registers: Registers) -> None:
    await registers.enter("S-V-1", MET, ANNA)
    entry = await waiting(registers)
    answers = await asyncio.gather(
        *(registers.review("S-V-1", entry, BEN) for _ in range(3)),
        return_exceptions=True,
    )

    assert sum(isinstance(each, WrongStateError) for each in answers) == 2


async def test_only_what_was_looked_at_is_confirmed(registers: Registers) -> None:
    await registers.enter("S-V-1", MET, ANNA)
    before = await waiting(registers)
    await registers.enter("S-V-1", MET, ANNA)

    for item, entry in (("S-V-1", before), ("S-I-1", before), ("S-I-1", "0" * 32)):
        with pytest.raises(WrongStateError):
            await registers.review(item, entry, BEN)


async def test_a_renewal_waits_without_a_gap_and_a_withdrawal_does_not(
    registers: Registers, situation: Situation
) -> None:
    await fill(registers)
    await registers.enter("S-V-1", MET, ANNA)
    waits = await item_of(registers)

    assert waits.counts is not None
    assert waits.waits is not None
    assert situation.register_until == ENDS

    planned = EntryRequest(status=Status.PLANNED, expires_on=date(2027, 1, 1))
    answer = await registers.enter("S-V-1", planned, ANNA)

    assert answer.missing == ["S-V-1"]
    assert situation.register_until == 0


@pytest.mark.parametrize(
    ("request_", "code", "pointer"),
    [
        (
            EntryRequest(status=Status.MET, expires_on=date(2027, 1, 1)),
            "evidence_missing",
            "/evidence",
        ),
        (
            EntryRequest(
                status=Status.MET, expires_on=date(2027, 1, 1), evidence="a b"
            ),
            "bad_evidence",
            "/evidence",
        ),
        (
            EntryRequest(status=Status.PLANNED, expires_on=date(2028, 1, 1)),
            "expires_too_late",
            "/expires_on",
        ),
    ],
)
async def test_an_entry_that_does_not_fit_names_its_field(
    registers: Registers, request_: EntryRequest, code: str, pointer: str, store: Store
) -> None:
    with pytest.raises(BadRequestError) as refused:
        await registers.enter("S-V-1", request_, ANNA)

    assert (refused.value.code, refused.value.pointer) == (code, pointer)
    assert await events(store) == []


async def test_an_entry_that_expired_meanwhile_is_not_confirmed(
    registers: Registers, advance: Callable[[timedelta], None]
) -> None:
    await registers.enter("S-V-1", MET, ANNA)
    entry = await waiting(registers)
    advance(timedelta(days=400))

    with pytest.raises(BadRequestError, match="expired"):
        await registers.review("S-V-1", entry, BEN)


async def test_an_unknown_item_is_not_found(registers: Registers) -> None:
    with pytest.raises(NotFoundError):
        await registers.enter("S-VI-9", MET, ANNA)
    with pytest.raises(NotFoundError):
        await registers.review("S-VI-9", "0" * 32, BEN)


async def test_the_public_part_names_roles_and_no_person_or_document(
    registers: Registers,
) -> None:
    await fill(registers)
    public = MET.__class__(
        status=Status.MET,
        evidence="https://chat.example.de/schutz",
        expires_on=date(2027, 11, 1),
    )
    await registers.enter("S-0-1", public, ANNA)
    await registers.review("S-0-1", await waiting(registers, "S-0-1"), BEN)
    told = encode(await registers.public()).decode()

    assert '"reviewed_by_role":"reviewer"' in told
    assert "https://chat.example.de/schutz" in told
    assert not [word for word in ("anna", "ben", "doc-7") if f'"{word}"' in told]


async def test_every_entry_and_review_is_an_audit_event(
    registers: Registers, store: Store
) -> None:
    await registers.enter("S-V-1", MET, ANNA)
    await registers.review("S-V-1", await waiting(registers), BEN)

    assert await events(store) == [
        ("register.entered", "met"),
        ("register.reviewed", "met"),
    ]
