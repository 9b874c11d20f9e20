# SPDX-License-Identifier: Apache-2.0
"""The first administrator: an operator's account with a one-time code.

Made with the node, or later while the node is stopped, as long as nobody holds an
operator's role who could add accounts. The code is good once and for three days.
"""

from msgspec.structs import replace

from fedsafe_node.clock import Clock
from fedsafe_node.errors import WrongStateError
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.people.accounts import invite
from fedsafe_node.people.messages import NewAccountRequest, SetUpCodeAnswer
from fedsafe_node.people.names import check_name, check_person_name
from fedsafe_node.people.rules import is_in_force
from fedsafe_node.store.people_rows import GrantRow, PersonState
from fedsafe_node.store.protocol import Reader, Store, Transaction
from fedsafe_policies.vocabulary import Role


async def add_first(
    store: Store, trail: AuditTrail, clock: Clock, name: str
) -> SetUpCodeAnswer:
    """Add an operator's account, or give one that waits a new code.

    Raises:
        BadRequestError: the name does not fit.
        ConflictError: a service has the name, or it looks like somebody else's.
        WrongStateError: somebody is an operator already, or the account is set up.
    """
    check_name(name)
    moment = clock.now()
    now = int(moment.timestamp())
    row, answer = invite(NewAccountRequest(name=name, display=name), now)
    entry = trail.entry(
        Event.ACCOUNT_ADDED, at=moment, actor="setup", detail=_detail(name)
    )

    async def act(tx: Transaction) -> None:
        await check_person_name(tx, name)
        if await _has_operator(tx, now):
            raise WrongStateError(
                "wrong_state", "somebody is an operator; they add accounts"
            )
        known = await tx.person_named(name)
        if known is None:
            await tx.add_person(row)
        elif known.state is not PersonState.INVITED:
            raise WrongStateError("wrong_state", "this account is set up")
        else:
            await tx.set_person(
                replace(known, code_hash=row.code_hash, code_until=row.code_until)
            )
        await tx.put_grant(
            GrantRow(
                person=row.id if known is None else known.id,
                role=Role.OPERATOR.value,
                since=now,
                until=None,
                granted_by="setup",
            )
        )
        await tx.append(trail.log, entry.record, entry.openings)

    await store.write(act)
    return answer


def _detail(name: str) -> Detail:
    return {"name": name, "role": Role.OPERATOR.value, "external": False}


async def _has_operator(reader: Reader, now: int) -> bool:
    for person in await reader.persons():
        if person.state is PersonState.ACTIVE:
            grants = await reader.grants_of(person.id)
            if any(g.role == Role.OPERATOR and is_in_force(g, now) for g in grants):
                return True
    return False
