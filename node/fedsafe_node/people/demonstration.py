# SPDX-License-Identifier: Apache-2.0
"""The links by which anybody looks at a demonstration, in each role once.

A demonstration is marked in its store by the act that begins its log, and never
afterwards: the mark lies under the store's seal, and no node whose log has begun takes
it. Where it lacks, or the policy is not one for demonstrations, there are no links.

A link is known to this process alone, as a hash, and is gone with it. Whoever sends it
is the invented person whose role it is for; it is good once. Nobody has the password or
the authenticator of such a person, so a session that begins so counts as proved anew
as long as it lives.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.people import (
    LinkRequest,
    LinksAnswer,
    LinkShown,
    NewAccountRequest,
    RoleRequest,
    SessionAnswer,
)
from fedsafe_node.ground.errors import ForbiddenError, NodeError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.accounts import invite
from fedsafe_node.people.names import check_person_name
from fedsafe_node.people.office import Office
from fedsafe_node.people.person_rules import FIRST, roles_of
from fedsafe_node.people.role_grants import give
from fedsafe_node.people.sessions import LINK, Sessions
from fedsafe_node.store.people_rows import PersonState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

PLACE: Final = "/desk/demonstration"
_MARK: Final = "demonstration"
_YES: Final = b"yes"
_NONE: Final = Phrase("this node is no demonstration")
_USED: Final = Phrase(
    "this link was used, or the demonstration has started anew since; "
    "`fedsafe demo links` makes new ones"
)


async def mark_demonstration(tx: Transaction, log: str) -> None:
    """Mark the store of a new node, in the act that begins its *log*.

    Raises:
        ForbiddenError: the log has begun.
    """
    if await tx.log_size(log):
        raise ForbiddenError(
            Phrase("a node that was made is never made a demonstration"),
            authenticated=True,
        )
    await tx.set_meta(_MARK, _YES)


async def is_marked(reader: Reader) -> bool:
    """Whether the store is a demonstration's."""
    return await reader.meta(_MARK) == _YES


@dataclass(frozen=True, slots=True)
class _Seat:
    person: str
    role: Role


class Demonstration:
    """Makes links and takes them. Owned by the event loop: the links that are good."""

    def __init__(self, office: Office, sessions: Sessions, origin: str | None) -> None:
        self._office = office
        self._sessions = sessions
        self._origin = origin
        self._seats: dict[bytes, _Seat] = {}

    async def hire(self, request: NewAccountRequest, role: RoleRequest) -> None:
        """Give an invented person an account and a role; nobody logs in but by a link.

        Raises:
            ForbiddenError: this is no demonstration.
        """
        await self._check(authenticated=True)
        office = self._office
        invited, _ = invite(request, office.now())
        row = replace(
            invited, state=PersonState.ACTIVE, code_hash=None, code_until=None
        )
        office.trail.know_people(row.name)

        async def act(tx: Transaction) -> None:
            await check_person_name(tx, row.name)
            await tx.add_person(row)
            detail: Detail = {"name": row.name, "external": row.external}
            await office.note(tx, Event.ACCOUNT_ADDED, FIRST, detail)
            await give(office, tx, role, by=FIRST)

        await office.store.write(act)

    async def make_links(self, who: Principal) -> LinksAnswer:
        """Make one link for each role that an invented person has; older ones end.

        Raises:
            ForbiddenError: this is no demonstration.
            WrongStateError: it has no desk that they could lead to.
        """
        await self._check(authenticated=True)
        if self._origin is None:
            raise WrongStateError(
                "no_desk", Phrase("links take a desk: node.toml names no desk.origin")
            )
        office, moment = self._office, self._office.clock.now()

        async def query(reader: Reader) -> dict[Role, tuple[str, str]]:
            found: dict[Role, tuple[str, str]] = {}
            for person in await reader.persons():
                if person.state is PersonState.ACTIVE:
                    for role in await roles_of(reader, person, office.judge, moment):
                        found.setdefault(role, (person.id, person.name))
            return found

        found = await office.store.read(query)
        detail = {"roles": " ".join(role.value for role in Role if role in found)}
        await office.store.write(
            lambda tx: office.note(tx, Event.DEMONSTRATION_LINKED, who.name, detail)
        )
        seats, links = dict[bytes, _Seat](), list[LinkShown]()
        for role in (each for each in Role if each in found):
            person, name = found[role]
            link = token_urlsafe(32)
            seats[_digest(link)] = _Seat(person, role)
            url = f"{self._origin}{PLACE}/{role.value}/{link}"
            links.append(LinkShown(role=role, name=name, url=url))
        self._seats = seats
        return LinksAnswer(links)

    async def enter(self, request: LinkRequest) -> SessionAnswer:
        """Begin a session of the person whom a link is for, and use the link up.

        Raises:
            ForbiddenError: this is no demonstration, or the link is not good.
        """
        await self._check(authenticated=False)
        digest, found = _digest(request.link), None
        for known in self._seats:  # all of them: how long it takes tells nothing
            if hmac.compare_digest(known, digest):
                found = known
        if found is None or self._seats[found].role is not request.role:
            raise ForbiddenError(_USED, authenticated=False)
        seat = self._seats.pop(found)  # before anything is waited for

        async def act(tx: Transaction) -> SessionAnswer:
            person = await tx.person(seat.person)
            if person is None or person.state is not PersonState.ACTIVE:
                raise ForbiddenError(_USED, authenticated=False)
            return await self._sessions.open(
                tx, person, seat.role, fresh=True, way=LINK
            )

        try:
            return await self._office.store.write(act)
        except NodeError:
            self._seats[found] = seat  # nobody has come in by it
            raise

    async def _check(self, *, authenticated: bool) -> None:
        is_one = await self._office.store.read(is_marked)
        if not is_one or not self._office.judge.synthetic:
            raise ForbiddenError(_NONE, authenticated=authenticated)


def _digest(link: str) -> bytes:
    return sha256(link.encode()).digest()
