# SPDX-License-Identifier: Apache-2.0
"""Accounts of people: one person, one account, one name that nobody else ever gets.

An operator adds an account, which has no role yet, and hands the person a code. The
person sets it up: password, authenticator, recovery codes. Nobody else ever knows
them. A reset takes the person's roles away with the rest, so whoever resets an
account to take it over holds an account that may do nothing.

The first administrator gets the code that `fedsafe node init` printed.
"""

import base64
from secrets import token_hex
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.people import (
    AccountAnswer,
    AccountsAnswer,
    AccountShown,
    EnrolmentAnswer,
    NewAccountRequest,
    RoleShown,
    SetUpCodeAnswer,
    SetUpRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.credentials import RECOVERY_CODES, hash_code, new_code
from fedsafe_node.people.names import check_person_name, is_reserved
from fedsafe_node.people.office import Office
from fedsafe_node.people.passwords import check_password
from fedsafe_node.people.pending_acts import withdraw_acts_of
from fedsafe_node.people.person_rules import roles_of
from fedsafe_node.people.throttle import count_tries, place_counter
from fedsafe_node.people.totp import enrolment_uri, new_secret
from fedsafe_node.people.training import first_training
from fedsafe_node.store.people_rows import GrantRow, PersonRow, PersonState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

CODE_SECONDS: Final = 72 * 60 * 60
_ID_BYTES: Final = 16


def invite(request: NewAccountRequest, now: int) -> tuple[PersonRow, SetUpCodeAnswer]:
    """Make the row of a new account, and the code for its person."""
    code, until = new_code(), now + CODE_SECONDS
    row = PersonRow(
        id=token_hex(_ID_BYTES),
        name=request.name,
        display=request.display,
        external=request.external,
        state=PersonState.INVITED,
        created_at=now,
        code_hash=hash_code(code),
        code_until=until,
    )
    return row, SetUpCodeAnswer(name=row.name, code=code, until=until)


class Accounts:
    """Adds, sets up, shows, locks and resets accounts."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def add(self, request: NewAccountRequest, who: Principal) -> SetUpCodeAnswer:
        """Add an account that has no role, with a code for its person.

        Raises:
            BadRequestError: the name stands for the node itself.
            WrongStateError: somebody has, or had, that name.
        """
        if is_reserved(request.name):
            raise BadRequestError(
                "bad_name", Phrase("that name is taken"), pointer="/name"
            )
        office = self._office
        row, answer = invite(request, office.now())
        office.trail.know_people(row.name)

        async def act(tx: Transaction) -> None:
            await check_person_name(tx, row.name)
            await tx.add_person(row)
            detail: Detail = {"name": row.name, "external": row.external}
            await office.note(tx, Event.ACCOUNT_ADDED, who.name, detail)

        try:
            await office.store.write(act)
        except ConflictError:
            raise WrongStateError(
                "name_taken",
                Phrase("somebody has, or had, that name, or one that looks like it"),
            ) from None
        return answer

    async def set_up(self, request: SetUpRequest, source: str) -> EnrolmentAnswer:
        """Set an account up as its own person, with the code that was handed over.

        Raises:
            TooManyTriesError: too many tries from this place; wait.
            ForbiddenError: name or code is wrong, used or expired.
            BadRequestError: the password breaks a rule; the code is still good.
        """
        office = self._office
        if source:  # a code has 80 bits: per name there is nothing to slow down
            place = place_counter(office.vault, source)
            await count_tries(office.store, [place], office.now())
        person = await office.store.read(lambda r: r.person_named(request.name))
        if person is None or not self._opens(person, request.code):
            raise ForbiddenError(
                Phrase("name or code is wrong, used or expired"), authenticated=False
            )
        password = check_password(request.password, person.name, person.display)
        encoded = await office.passwords.hash(password)
        secret, codes = new_secret(), [new_code() for _ in range(RECOVERY_CODES)]

        async def act(tx: Transaction) -> None:
            found = await tx.person(person.id)
            if found is None or not self._opens(found, request.code):
                raise ForbiddenError(
                    Phrase("name or code is wrong, used or expired"),
                    authenticated=False,
                )
            await first_training(office, tx, found, request.training)
            await tx.set_person(
                replace(
                    found,
                    state=PersonState.ACTIVE,
                    password=encoded,
                    totp=office.vault.seal(found.id, secret),
                    totp_step=0,
                    code_hash=None,
                    code_until=None,
                )
            )
            await tx.set_recovery_codes(found.id, [hash_code(code) for code in codes])
            await office.note(
                tx, Event.ACCOUNT_SET_UP, found.name, {"name": found.name}
            )

        await office.store.write(act)
        return self._enrolment(person.name, secret, codes)

    def _opens(self, person: PersonRow, code: str) -> bool:
        return (
            person.state is PersonState.INVITED
            and person.code_hash == hash_code(code)
            and person.code_until is not None
            and self._office.now() < person.code_until
        )

    def _enrolment(self, name: str, secret: bytes, codes: list[str]) -> EnrolmentAnswer:
        return EnrolmentAnswer(
            name=name,
            secret=base64.b32encode(secret).decode(),
            uri=enrolment_uri(secret, name=name, node=self._office.node),
            recovery_codes=codes,
        )

    async def renew_authenticator(self, who: Principal) -> EnrolmentAnswer:
        """Give somebody a new authenticator and recovery codes; the old ones end.

        Raises:
            ForbiddenError: not in a session whose second factor is fresh.
        """
        if not who.fresh:
            raise ForbiddenError(
                Phrase("prove the old authenticator within five minutes before"),
                authenticated=True,
            )
        office, session = self._office, who.session
        secret, codes = new_secret(), [new_code() for _ in range(RECOVERY_CODES)]

        async def act(tx: Transaction) -> None:
            person = await _known(tx, who.name)
            sealed = office.vault.seal(person.id, secret)
            await tx.set_person(replace(person, totp=sealed, totp_step=0))
            await tx.set_recovery_codes(person.id, [hash_code(code) for code in codes])
            kept = await tx.session(session) if session is not None else None
            await tx.remove_sessions_of(person.id)
            if kept is not None:
                await tx.put_session(replace(kept, stepped_up_at=None))
            detail = {"name": person.name}
            await office.note(tx, Event.AUTHENTICATOR_RENEWED, who.name, detail)

        await office.store.write(act)
        return self._enrolment(who.name, secret, codes)

    async def lock(self, name: str, who: Principal) -> AccountAnswer:
        """Lock an account; end its sessions and withdraw its acts at once.

        Raises:
            NotFoundError: nobody has that name.
        """
        office = self._office

        async def act(tx: Transaction) -> None:
            person = await _known(tx, name)
            await tx.set_person(
                replace(
                    person, state=PersonState.LOCKED, code_hash=None, code_until=None
                )
            )
            ended = await tx.remove_sessions_of(person.id)
            await withdraw_acts_of(office, tx, name, None, by=who.name)
            detail: Detail = {"name": name, "sessions": ended}
            await office.note(tx, Event.ACCOUNT_LOCKED, who.name, detail)

        await office.store.write(act)
        return AccountAnswer(name=name, state=PersonState.LOCKED.value)

    async def reset(self, name: str, who: Principal) -> SetUpCodeAnswer:
        """Let a person set up anew: secrets, sessions and roles end.

        Raises:
            NotFoundError: nobody has that name.
        """
        office, code, now = self._office, new_code(), self._office.now()

        async def act(tx: Transaction) -> None:
            person = await _known(tx, name)
            await tx.set_person(
                replace(
                    person,
                    state=PersonState.INVITED,
                    password=None,
                    totp=None,
                    totp_step=0,
                    code_hash=hash_code(code),
                    code_until=now + CODE_SECONDS,
                )
            )
            await tx.set_recovery_codes(person.id, [])
            await tx.remove_identities_of(person.id)
            await tx.remove_passkeys_of(person.id)
            await tx.remove_sessions_of(person.id)
            for grant in await tx.grants_of(person.id):
                if grant.number is not None:
                    await tx.end_grant(grant.number, now)
            await withdraw_acts_of(office, tx, name, None, by=who.name)
            await office.note(tx, Event.ACCOUNT_RESET, who.name, {"name": name})

        await office.store.write(act)
        return SetUpCodeAnswer(name=name, code=code, until=now + CODE_SECONDS)

    async def show(self) -> AccountsAnswer:
        """Show all accounts by name."""
        office, now = self._office, self._office.now()

        async def query(reader: Reader) -> list[AccountShown]:
            shown = []
            for person in await reader.persons():
                live = await roles_of(reader, person, office.judge, office.clock.now())
                grants = await reader.grants_of(person.id)
                shown.append(_shown(person, grants, live, now))
            return shown

        return AccountsAnswer(accounts=await office.store.scan(query))


def _shown(
    person: PersonRow, grants: list[GrantRow], live: set[Role], now: int
) -> AccountShown:
    return AccountShown(
        name=person.name,
        display=person.display,
        external=person.external,
        state=person.state.value,
        roles=[
            RoleShown(
                role=Role(grant.role),
                since=grant.since,
                until=grant.until,
                lapsed=grant.since <= now and Role(grant.role) not in live,
            )
            for grant in grants
            if grant.until is None or now < grant.until
        ],
        ended=[
            RoleShown(
                role=Role(grant.role),
                since=grant.since,
                until=grant.until,
                lapsed=False,
            )
            for grant in grants
            if grant.until is not None and grant.since < grant.until <= now
        ],
    )


async def _known(reader: Reader, name: str) -> PersonRow:
    person = await reader.person_named(name)
    if person is None:
        raise NotFoundError(Phrase("no such account"))
    return person
