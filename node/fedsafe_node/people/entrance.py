# SPDX-License-Identifier: Apache-2.0
"""Who a bearer token stands for: a session's person, or a credential's holder.

`fs1_…` is a credential, `fs2_…` a session. A credential of a person is that person,
whatever it is called; once the person has an account, it is good only while the
account is active and the role is granted and trained for. Without one the person is
bare, and does little (`api.auth.check_bounds`).
"""

from collections.abc import Collection
from dataclasses import replace

from fedsafe_node.ground.errors import ForbiddenError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.credentials import SESSION_PREFIX, hash_token
from fedsafe_node.people.names import holder_of
from fedsafe_node.people.office import Office
from fedsafe_node.people.person_rules import may_act, roles_of
from fedsafe_node.people.sessions import Sessions
from fedsafe_node.store.people_rows import TermsRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import CredentialRow
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose, Role


class Entrance:
    """Recognises tokens (`api.services.People`)."""

    def __init__(self, office: Office, sessions: Sessions) -> None:
        self._office = office
        self._sessions = sessions

    @property
    def demonstration(self) -> bool:
        """Whether invented people act here, who need no account."""
        return self._office.judge.synthetic

    async def authenticate(self, token: str) -> Principal:
        """Find who a token stands for.

        Its hash is the key of the row, so what is compared byte by byte is a hash
        that an attacker cannot steer.

        Raises:
            ForbiddenError: unknown, ended or expired; or the role has lapsed.
        """
        who = await self._recognise(token)
        if who.role is not Role.SERVICE:
            self._office.trail.know_people(who.name)
        return who

    async def nearest(
        self, who: Principal, roles: Collection[Role]
    ) -> Collection[Role]:
        """Choose of the roles that would do those that are nearest to who asks.

        These are roles that they hold and do not act in; else those that the policy
        lets one person hold beside theirs; else all. Nobody else's roles are looked at.
        """
        if not who.is_person:
            return roles
        judge, moment = self._office.judge, self._office.clock.now()

        async def query(reader: Reader) -> set[Role]:
            person = await reader.person_named(who.name)
            if person is None:
                return set()
            return await roles_of(reader, person, judge, moment)

        held = await self._office.store.read(query)
        if able := held & set(roles):
            return able
        apart, theirs = judge.policy.apart, held | {who.role}
        beside = {
            role
            for role in set(roles) - {Role.SERVICE}
            if not any((role, each) in apart for each in theirs)
        }
        return beside or roles

    async def _recognise(self, token: str) -> Principal:
        if token.startswith(SESSION_PREFIX):
            return await self._sessions.recognise(token)
        credential_id, office = hash_token(token).hex(), self._office
        now, known = office.now(), office.known
        found = known.find(credential_id, now=now)
        if found is not None:
            return found
        turn = known.turn

        async def query(reader: Reader) -> tuple[Principal, int | None]:
            row = await reader.credential(credential_id)
            if row is None or (row.expires_at is not None and row.expires_at <= now):
                raise ForbiddenError(
                    Phrase("the credential is unknown or expired"), authenticated=False
                )
            who = _principal(row, await reader.terms_of(credential_id))
            return await self._standing(reader, who), row.expires_at

        who, until = await office.store.read(query)
        if who.role is Role.SERVICE:
            known.keep(credential_id, who, until, turn=turn, now=now)
        return who

    async def _standing(self, reader: Reader, who: Principal) -> Principal:
        if who.role is Role.SERVICE:
            return who
        if await reader.person_named(who.name) is None:
            return replace(who, bare=True)
        judge, moment = self._office.judge, self._office.clock.now()
        if not await may_act(reader, who.name, who.role, judge, moment):
            raise ForbiddenError(
                Phrase("the account is not active, or the role has lapsed"),
                authenticated=True,
            )
        return who


def _principal(row: CredentialRow, terms: TermsRow | None) -> Principal:
    role = Role(row.role)
    if terms is None or terms.scope is None:
        return Principal(holder_of(row, terms), role)
    purposes = frozenset(Purpose(purpose) for purpose in terms.purposes.split())
    return Principal(terms.holder, role, scope=terms.scope, purposes=purposes)
