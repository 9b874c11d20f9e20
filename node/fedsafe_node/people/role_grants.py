# SPDX-License-Identifier: Apache-2.0
"""Giving and taking roles.

A grant takes two people as soon as anybody else has ever had a role that approves
grants, by account or by a bare credential, whatever the policy says: somebody who
granted roles alone could make themself the second person of everything else. Only the
first administrator of a new node grants alone, until then; locking, resetting or
revoking all others brings that time not back.
The policy decides who may have which role, with
which others, trained in what, granted by whom; it is asked when a grant is asked
for, and again when it takes effect. Taking a role away takes one person.
"""

from dataclasses import replace
from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.people import ActAnswer, RoleAnswer, RoleRequest
from fedsafe_node.ground.errors import BadRequestError, DeniedError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.names import holders
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import let_one_wait, withdraw_acts_of
from fedsafe_node.people.person_rules import is_in_force, role_request
from fedsafe_node.store.people_rows import GrantRow, PersonRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.roles import RoleRequest as RoleFacts
from fedsafe_policies.vocabulary import Act, Role

_BACKDATED: Final = 24 * 60 * 60
GRANTERS: Final = frozenset({Role.OPERATOR, Role.REVIEWER, Role.DPO})


class RoleGrant:
    """The effect of an approved grant (`approvals.Effect`)."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> RoleFacts:
        """Put the grant to the policy, with both persons.

        Raises:
            NotFoundError: nobody has that name.
            BadRequestError: the role is the second person's own.
        """
        request = decode(content, RoleRequest)
        if Person(request.name, request.role).identity == second.identity:
            raise BadRequestError(
                "own_role", Phrase("nobody approves a role of their own")
            )
        facts = await _facts(self._office, reader, request)
        return replace(facts, granted_by=first, second=second)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Grant the role."""
        request = decode(content, RoleRequest)
        await give(self._office, tx, request, by=f"{first.name}, {second.name}")


class Granting:
    """Gives and takes roles."""

    def __init__(self, office: Office, approvals: Approvals) -> None:
        self._office = office
        self._approvals = approvals

    async def grant(self, request: RoleRequest, who: Principal) -> RoleAnswer:
        """Grant a role, or ask for it where a second person has to approve.

        Raises:
            NotFoundError: nobody has that name.
            DeniedError: the policy refuses.
            BadRequestError: a machine's role, one's own, or a span that is none.
            WrongStateError: the same waits for a second person already.
        """
        office = self._office
        request = _whole(request, office.now())
        if Person(request.name, request.role).identity == _identity(who):
            raise BadRequestError(
                "own_role", Phrase("nobody grants a role to themself")
            )

        async def act(tx: Transaction) -> bool:
            facts = await _facts(office, tx, request)
            await _check_present(office, tx, request)
            decision = office.judge.decide(facts, office.clock.now())
            if not decision.allowed:
                raise DeniedError(decision)
            if await _had_others(tx, who):
                return False
            await give(office, tx, request, by=who.name)
            return True

        try:
            is_granted = await office.store.write(act)
        except DeniedError as error:
            await office.refused(error.decision, who.name, "role.grant")
            raise
        asked = None
        if not is_granted:
            asked = await self._ask(request, who)
        return RoleAnswer(
            name=request.name, role=request.role, granted=is_granted, act=asked
        )

    async def _ask(self, request: RoleRequest, who: Principal) -> ActAnswer:
        """Ask a second person, once for a person, role and end."""

        def is_alike(content: bytes) -> bool:
            other = decode(content, RoleRequest)
            return (other.name, other.role) == (request.name, request.role)

        async def keep(tx: Transaction, asked: ActAnswer) -> None:
            await let_one_wait(
                self._office,
                tx,
                asked,
                is_alike=is_alike,
                # It begins when it was asked for, unless somebody says when.
                is_same=lambda content: (
                    decode(content, RoleRequest).until == request.until
                ),
            )

        content = encode(request)
        return await self._approvals.ask(Act.ROLE_GRANT, content, who, keep=keep)

    async def end(self, request: RoleRequest, who: Principal) -> RoleAnswer:
        """Take a role away at once.

        Raises:
            NotFoundError: nobody has that name, or they have no such role.
        """
        office, now = self._office, self._office.now()

        async def act(tx: Transaction) -> None:
            person = await _known(tx, request.name)
            for grant in await tx.grants_of(person.id):
                if (
                    grant.role == request.role.value
                    and grant.number is not None
                    and (grant.until is None or now < grant.until)
                ):
                    await tx.end_grant(grant.number, now)
                    detail = {"name": request.name, "role": grant.role}
                    await office.note(tx, Event.ROLE_ENDED, who.name, detail)
                    await withdraw_acts_of(
                        office, tx, request.name, request.role, by=who.name
                    )
                    return
            raise NotFoundError(Phrase("no such role"))

        await office.store.write(act)
        return RoleAnswer(name=request.name, role=request.role, granted=False)


async def _had_others(reader: Reader, who: Principal) -> bool:
    """Whether somebody else has, or once had, a role that approves grants.

    Who has but a credential counts as well: that they cannot approve yet makes
    nobody their own second person.
    """
    if await holders(reader, GRANTERS) - {who.name}:
        return True
    for person in await reader.persons():
        if person.name != who.name and any(
            Role(grant.role) in GRANTERS and grant.until != grant.since
            for grant in await reader.grants_of(person.id)
        ):
            return True
    return False


async def _facts(office: Office, reader: Reader, request: RoleRequest) -> RoleFacts:
    person = await _known(reader, request.name)
    return await role_request(reader, person, request.role, request.until, office.now())


async def give(
    office: Office, tx: Transaction, request: RoleRequest, *, by: str
) -> None:
    """Grant a role within an act; the policy was asked before.

    Raises:
        NotFoundError: nobody has that name.
        BadRequestError: it begins later, while the person has the role now.
    """
    person = await _known(tx, request.name)
    await _check_present(office, tx, request)
    since = office.now() if request.since is None else request.since
    await tx.add_grant(
        GrantRow(
            person=person.id,
            role=request.role.value,
            since=since,
            until=request.until,
            granted_by=by,
        )
    )
    detail: Detail = {
        "name": person.name,
        "role": request.role.value,
        "since": since,
        "until": request.until,
    }
    await office.note(tx, Event.ROLE_GRANTED, by, detail)


async def _check_present(office: Office, reader: Reader, request: RoleRequest) -> None:
    """Refuse a grant that would put off a role that the person has now.

    A person has one grant of a role at a time: the old one ends as the new one begins.
    """
    now = office.now()
    if request.since is None or request.since <= now:
        return
    person = await _known(reader, request.name)
    for grant in await reader.grants_of(person.id):
        if grant.role == request.role.value and is_in_force(grant, now):
            raise BadRequestError(
                "bad_span",
                Phrase("they have this role now: a renewal begins now as well"),
                pointer="/since",
            )


def _whole(request: RoleRequest, now: int) -> RoleRequest:
    if request.role is Role.SERVICE:
        raise BadRequestError(
            "bad_role",
            Phrase("a service is no person; give it a credential"),
            pointer="/role",
        )
    since = now if request.since is None else request.since
    if since < now - _BACKDATED:
        raise BadRequestError(
            "bad_span",
            Phrase("a role begins a day ago at the earliest"),
            pointer="/since",
        )
    if request.until is not None and request.until <= max(since, now):
        raise BadRequestError(
            "bad_span",
            Phrase("a role ends after it begins, and after now"),
            pointer="/until",
        )
    return msgspec.structs.replace(request, since=since)


def _identity(who: Principal) -> str:
    return Person(who.name, who.role).identity


async def _known(reader: Reader, name: str) -> PersonRow:
    person = await reader.person_named(name)
    if person is None:
        raise NotFoundError(Phrase("no such account"))
    return person
