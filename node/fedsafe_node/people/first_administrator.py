# SPDX-License-Identifier: Apache-2.0
"""The first administrator: an operator's account with a one-time code.

Made with the node, or later while the node is stopped, as long as there are not two
people who could add and approve accounts: so a lost code, or a colleague who left,
locks nobody out. The code is good once and for three days.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.people import NewAccountRequest, SetUpCodeAnswer
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.people.accounts import invite
from fedsafe_node.people.names import check_name, check_person_name
from fedsafe_node.people.person_rules import FIRST, is_in_force
from fedsafe_node.people.role_grants import GRANTERS
from fedsafe_node.store.people_rows import GrantRow, PersonState
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

_ENOUGH: Final = 2


async def add_first(
    store: Store, trail: AuditTrail, clock: Clock, name: str
) -> SetUpCodeAnswer:
    """Add an operator's account, or give one that waits a new code.

    Raises:
        BadRequestError: the name does not fit.
        ConflictError: a service has the name, or it looks like somebody else's.
        WrongStateError: two people can grant roles, or the account is set up.
    """
    check_name(name)
    moment = clock.now()
    now = int(moment.timestamp())
    row, answer = invite(NewAccountRequest(name=name, display=name), now)
    trail.know_people(name)
    entry = trail.entry(
        Event.ACCOUNT_ADDED, at=moment, actor=FIRST, detail=_detail(name)
    )

    async def act(tx: Transaction) -> None:
        await check_person_name(tx, name)
        if await _count_granters(tx, now) >= _ENOUGH:
            raise WrongStateError(
                "enough_administrators",
                Phrase("two people can add and approve accounts; ask them"),
            )
        await _forget_waiting(tx, name)
        known = await tx.person_named(name)
        if known is None:
            await tx.add_person(row)
        elif known.state is not PersonState.INVITED:
            raise WrongStateError(
                "already_set_up",
                Phrase("{name} is set up already; give a name of somebody new").filled(
                    name=name
                ),
            )
        else:
            await tx.set_person(
                replace(known, code_hash=row.code_hash, code_until=row.code_until)
            )
        await tx.add_grant(
            GrantRow(
                person=row.id if known is None else known.id,
                role=Role.OPERATOR.value,
                since=now,
                until=None,
                granted_by=FIRST,
            )
        )
        await tx.append(trail.log, entry.record, entry.openings)

    await store.write(act)
    return answer


def _detail(name: str) -> Detail:
    return {"name": name, "role": Role.OPERATOR.value, "external": False}


async def _count_granters(reader: Reader, now: int) -> int:
    """Count who can grant roles; without a valid training nobody can."""
    count = 0
    for person in await reader.persons():
        if person.state is PersonState.ACTIVE:
            roles = {
                Role(grant.role)
                for grant in await reader.grants_of(person.id)
                if is_in_force(grant, now)
            }
            trainings = await reader.trainings_of(person.id)
            trained = any(one.since <= now < one.until for one in trainings)
            count += trained and not roles.isdisjoint(GRANTERS)
    return count


async def _forget_waiting(tx: Transaction, but: str) -> None:
    """Undo the grants of first administrators who never set their account up.

    Their codes go too: one that still opened an account would leave it without a role.
    """
    for person in await tx.persons():
        if person.name == but or person.state is not PersonState.INVITED:
            continue
        for grant in await tx.grants_of(person.id):
            is_open = grant.granted_by == FIRST and grant.until is None
            if is_open and grant.number is not None:
                await tx.end_grant(grant.number, grant.since)
                await tx.set_person(replace(person, code_hash=None, code_until=None))
