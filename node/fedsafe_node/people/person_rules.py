# SPDX-License-Identifier: Apache-2.0
"""What a person may do at this moment: the state of the account, roles, training.

The decisions are the policy's (P19); here the rows become what it asks for. A grant
or a training that is over counts no more, to the second.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final, Protocol

from fedsafe_node.store.people_rows import GrantRow, PersonRow, PersonState, TrainingRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.rules.access import ExportRequest
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.notices import WithholdingRequest
from fedsafe_policies.rules.reviews import ReviewRequest
from fedsafe_policies.rules.roles import RoleRequest, TrainingRecord
from fedsafe_policies.vocabulary import Module, Role

FIRST: Final = "setup"
"""Who granted the role of a first administrator."""


class Judge(Protocol):
    """Decides by the node's policy; `Situation` does."""

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        ...

    @property
    def synthetic(self) -> bool:
        """Whether this is a demonstration, under a policy for those."""
        ...

    def decide(
        self,
        request: RoleRequest
        | ActRequest
        | ExportRequest
        | ReviewRequest
        | WithholdingRequest,
        now: datetime,
    ) -> Decision:
        """Decide on a request."""
        ...


def is_in_force(grant: GrantRow, now: int) -> bool:
    """Whether a grant has begun and is not over."""
    return grant.since <= now and (grant.until is None or now < grant.until)


def records_of(trainings: Sequence[TrainingRow], now: int) -> frozenset[TrainingRecord]:
    """Return what somebody is trained in, as the policy reads it."""
    return frozenset(
        TrainingRecord(Module(training.kind), day_of(training.since))
        for training in trainings
        if training.since <= now < training.until
    )


async def is_trained(reader: Reader, name: str, module: Module, now: int) -> bool:
    """Whether somebody's training in a module counts now."""
    person = await reader.person_named(name)
    rows = () if person is None else await reader.trainings_of(person.id)
    return any(record.module is module for record in records_of(rows, now))


def day_of(moment: int) -> date:
    """Return the day, in UTC, of seconds since 1970."""
    return datetime.fromtimestamp(moment, UTC).date()


async def role_request(
    reader: Reader, person: PersonRow, role: Role, until: int | None, now: int
) -> RoleRequest:
    """Say what speaks for somebody's holding a role until a moment."""
    held = {
        Role(grant.role)
        for grant in await reader.grants_of(person.id)
        if is_in_force(grant, now)
    }
    return RoleRequest(
        person=person.name,
        role=role,
        held=frozenset(held - {role}),
        trained=records_of(await reader.trainings_of(person.id), now),
        external=person.external,
        until=None if until is None else day_of(until),
    )


async def roles_of(
    reader: Reader, person: PersonRow, judge: Judge, moment: datetime
) -> set[Role]:
    """Return the roles that a person may act in now."""
    if person.state is not PersonState.ACTIVE:
        return set()
    now, roles = int(moment.timestamp()), set[Role]()
    for grant in await reader.grants_of(person.id):
        if is_in_force(grant, now):
            role = Role(grant.role)
            request = await role_request(reader, person, role, grant.until, now)
            if judge.decide(request, moment).allowed:
                roles.add(role)
    return roles


async def may_act(
    reader: Reader, name: str, role: Role, judge: Judge, moment: datetime
) -> bool:
    """Whether somebody may act in a role now: by account, and by nothing else."""
    person = await reader.person_named(name)
    if person is None:
        return False
    return role in await roles_of(reader, person, judge, moment)
