# SPDX-License-Identifier: Apache-2.0
"""Logging in: a password, a second factor, a token that soon ends.

A session belongs to one person and one of their roles. Its token is shown once and
kept as a hash; it ends after half an hour without a request, after twelve hours in
any case, and when the account is locked or the role lapses. An approval wants more:
a second factor proved within minutes (`step_up`).

Whatever is wrong with a login, the answer is the same, after the same work: one
argon2id hash, one comparison of a code and one commit, for a name that nobody has
as well.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.people import (
    EndedAnswer,
    LoginRequest,
    RoleChangeRequest,
    SessionAnswer,
    SessionsAnswer,
    SessionsEndedAnswer,
    SessionShown,
    StepUpAnswer,
    StepUpRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ForbiddenError,
    KeyFileError,
    NotFoundError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.credentials import hash_code, hash_token, new_session_token
from fedsafe_node.people.office import Office
from fedsafe_node.people.passwords import normal_form
from fedsafe_node.people.person_rules import roles_of
from fedsafe_node.people.throttle import (
    Counter,
    count_tries,
    login_counters,
    take_back,
)
from fedsafe_node.people.totp import DIGITS, accepted_step, new_secret, step_of
from fedsafe_node.store.people_rows import PersonRow, PersonState, SessionRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

IDLE: Final = 30 * 60
LONGEST: Final = 12 * 60 * 60
FRESH: Final = 5 * 60
LINK: Final = "link"
"""The way of a session that began by a link of a demonstration."""
_TOUCH: Final = 60  # a session's last request is kept to the minute
_NAMED: Final = 16  # digits of a session's hash that name it to its person
_SLACK: Final = 60  # a clock that is set right may go back by so much
_ENDED: Final = Phrase("the session has ended")
_WRONG: Final = Phrase("name, password or code is wrong")
_NO_STEP: Final = Phrase(
    "give the six digits of the authenticator: a recovery code only logs in; if the "
    "authenticator is lost, have an operator reset the account"
)


class Sessions:
    """Begins, recognises, strengthens and ends sessions."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._decoy = new_secret()

    # --- beginning ----------------------------------------------------------------

    async def begin(self, request: LoginRequest, source: str) -> SessionAnswer:
        """Log somebody in with password and code, from a place, "" for this machine.

        Raises:
            TooManyTriesError: too many have failed before; wait.
            ForbiddenError: something is wrong, and it isn't said what.
            BadRequestError: the login is right, but the role must be chosen.
        """
        office = self._office
        counters = login_counters(office.vault, request.name, source)
        await count_tries(office.store, counters, office.now())
        person = await office.store.read(lambda r: r.person_named(request.name))
        is_active = person is not None and person.state is PersonState.ACTIVE
        encoded = person.password if person is not None and is_active else None
        try:
            password = normal_form(request.password)
        except BadRequestError:
            password = ""
        right = await office.passwords.verify(encoded, password)
        answer = await self._enter(request, person if right else None, counters)
        if answer is None:
            await self._refuse(person, counters[0])
            raise ForbiddenError(_WRONG, authenticated=False)
        if person is not None and office.passwords.is_outdated(person.password or ""):
            await self._rehash(person, password)
        return answer

    async def _enter(
        self,
        request: LoginRequest,
        person: PersonRow | None,
        counters: Sequence[Counter],
    ) -> SessionAnswer | None:
        async def act(tx: Transaction) -> SessionAnswer | None:
            found = await tx.person(person.id) if person is not None else None
            unchanged = found is not None and found.password == (
                person.password if person is not None else None
            )
            fresh = await self._prove(tx, found if unchanged else None, request.code)
            if found is None or fresh is None:
                return None
            for counter in counters[:2]:
                await tx.remove_throttle(counter.key)
            # Many come from one place: who is let in slows down nobody beside them.
            await take_back(tx, counters[2:], self._office.now())
            return await self.open(tx, found, request.role, fresh=fresh, way="password")

        return await self._office.store.write(act)

    async def _prove(
        self, tx: Transaction, person: PersonRow | None, code: str
    ) -> bool | None:
        """Use a second factor up; None if it is none, False for a recovery code."""
        office = self._office
        text = code.replace(" ", "")
        step_now = step_of(office.clock.now())
        if person is None or person.totp is None:
            accepted_step(self._decoy, text, step_now, last=step_now + 1)
            return None
        secret, last = self._opened(person), person.totp_step
        step = accepted_step(secret or self._decoy, text, step_now, last=last)
        if secret is not None and step is not None:
            await tx.set_person(replace(person, totp_step=step))
            return True
        is_recovery = len(text) != DIGITS and await tx.spend_recovery_code(
            person.id, hash_code(code)
        )
        if secret is None and not is_recovery:
            event, outcome = Event.SESSION_REFUSED, "unreadable_authenticator"
            await office.note(tx, event, person.name, {}, outcome=outcome)
        return False if is_recovery else None

    def _opened(self, person: PersonRow) -> bytes | None:
        """Open an authenticator's secret; None if it is sealed under another key."""
        try:
            return self._office.vault.open(person.id, person.totp or b"")
        except KeyFileError:
            return None

    async def open(
        self,
        tx: Transaction,
        person: PersonRow,
        wanted: Role | None,
        *,
        fresh: bool,
        way: str,
    ) -> SessionAnswer:
        """Open a session for somebody who is known, within an act.

        Raises:
            ForbiddenError: the person has no such role now, or none at all.
            BadRequestError: several roles, and none was chosen.
        """
        office, now = self._office, self._office.now()
        roles = await roles_of(tx, person, office.judge, office.clock.now())
        role = _chosen(roles, wanted)
        await tx.forget_sessions(seen=now - IDLE, began=now - LONGEST)
        token = new_session_token()
        row = SessionRow(
            id=hash_token(token).hex(),
            person=person.id,
            role=role.value,
            began_at=now,
            seen_at=now,
            stepped_up_at=now if fresh else None,
            way=way,
        )
        await tx.put_session(row)
        await office.note(
            tx,
            Event.SESSION_BEGAN,
            person.name,
            {"role": role.value, "way": way, "second_factor": fresh},
        )
        return SessionAnswer(
            token=token,
            name=person.name,
            role=role,
            ends_at=now + LONGEST,
            recovery_codes_left=await tx.recovery_codes_left(person.id),
        )

    async def _refuse(self, person: PersonRow | None, counter: Counter) -> None:
        office = self._office

        async def act(tx: Transaction) -> None:
            # One commit for every name: only those that somebody has are events.
            row = await tx.throttle(counter.key)
            if row is not None:
                await tx.put_throttle(row)
            if person is not None:
                failures = row.failures if row is not None else 0
                detail = {"failures": failures}
                await office.note(
                    tx,
                    Event.SESSION_REFUSED,
                    person.name,
                    detail,
                    outcome="wrong_login",
                )

        await office.store.write(act)

    async def _rehash(self, person: PersonRow, password: str) -> None:
        encoded = await self._office.passwords.hash(password)

        async def act(tx: Transaction) -> None:
            found = await tx.person(person.id)
            if found is not None and found.password == person.password:
                await tx.set_person(replace(found, password=encoded))

        # It leaves no event, and the session is there already.
        await self._office.store.write(act, vital=True)

    # --- during -------------------------------------------------------------------

    async def recognise(self, token: str, *, idle: bool = False) -> Principal:
        """Find who a session's token belongs to, and what they may be now.

        What nobody asked for by hand is *idle*: it does not put the session's end off.

        Raises:
            ForbiddenError: no such session, or it has ended; or the role has lapsed.
        """
        office, now = self._office, self._office.now()
        session_id = hash_token(token).hex()

        async def query(
            reader: Reader,
        ) -> tuple[SessionRow, PersonRow, set[Role]] | None:
            row = await reader.session(session_id)
            person = await reader.person(row.person) if row is not None else None
            if row is None or person is None:
                return None
            roles = await roles_of(reader, person, office.judge, office.clock.now())
            return row, person, roles

        found = await office.store.read(query)
        if found is not None and not _lives(found[0], now):
            # Gone for good: no clock that is set back revives it.
            await office.store.write(
                lambda tx: tx.remove_session(session_id), vital=True
            )
            found = None
        if found is None:
            raise ForbiddenError(_ENDED, authenticated=False)
        row, person, roles = found
        if Role(row.role) not in roles:
            raise ForbiddenError(
                Phrase(
                    "the role has lapsed: it is not granted any more, or its "
                    "training has expired"
                ),
                authenticated=True,
            )
        if not idle and now - row.seen_at >= _TOUCH:
            await self._touch(session_id, now)
        fresh = is_proved(row, now, invented=office.judge.synthetic)
        return Principal(person.name, Role(row.role), session_id, fresh)

    async def _touch(self, session_id: str, now: int) -> None:
        async def act(tx: Transaction) -> None:
            row = await tx.session(session_id)
            if row is not None:
                await tx.put_session(replace(row, seen_at=now))

        await self._office.store.write(act, vital=True)

    async def step_up(self, request: StepUpRequest, who: Principal) -> StepUpAnswer:
        """Prove the second factor anew; approvals are possible for some minutes.

        Raises:
            TooManyTriesError: too many codes were wrong; wait.
            ForbiddenError: the code is wrong, or one for recovery, or it is no session.
        """
        office, now, code = self._office, self._office.now(), request.code
        session_id = session_of(who)
        counter = Counter(office.vault.blind("step_up", who.name))
        await count_tries(office.store, [counter], now)

        async def act(tx: Transaction) -> StepUpAnswer | None:
            row = await tx.session(session_id)
            person = await tx.person(row.person) if row is not None else None
            if person is None or len(code.replace(" ", "")) != DIGITS:
                return None
            if not await self._prove(tx, person, code):
                return None
            await tx.remove_throttle(counter.key)
            return await self.strengthen(tx, who, way="code")

        answer = await office.store.write(act)
        if answer is None:
            is_short = len(code.replace(" ", "")) == DIGITS
            why = Phrase("the code is wrong or was used") if is_short else _NO_STEP
            raise ForbiddenError(why, authenticated=True)
        return answer

    async def strengthen(
        self, tx: Transaction, who: Principal, *, way: str
    ) -> StepUpAnswer:
        """Keep, within an act, that a second factor was proved in a session.

        Raises:
            ForbiddenError: the session has ended.
        """
        office, now = self._office, self._office.now()
        row = await tx.session(session_of(who))
        if row is None or not _lives(row, now):
            raise ForbiddenError(_ENDED, authenticated=False)
        await tx.put_session(replace(row, stepped_up_at=now, seen_at=now))
        detail = {"role": row.role, "way": way}
        await office.note(tx, Event.STEPPED_UP, who.name, detail)
        return StepUpAnswer(now + FRESH)

    async def change_role(
        self, request: RoleChangeRequest, who: Principal
    ) -> SessionAnswer:
        """Go on in another role of one's own, under a new token; the old one ends.

        What was proved in the session still counts, and it ends when it would have.

        Raises:
            ForbiddenError: it is no session, or the role is not the person's now.
        """
        return await self._go_on(who, request.role)

    async def renew(self, who: Principal) -> SessionAnswer:
        """Go on under a new token; the old one ends at once.

        Whoever keeps the token where others may have put it there asks for this once
        somebody has proved more than before.

        Raises:
            ForbiddenError: it is no session, or it has ended.
        """
        return await self._go_on(who, None)

    async def _go_on(self, who: Principal, wanted: Role | None) -> SessionAnswer:
        office, session_id, token = self._office, session_of(who), new_session_token()

        async def act(tx: Transaction) -> SessionAnswer:
            row = await tx.session(session_id)
            person = await tx.person(row.person) if row is not None else None
            if row is None or person is None or not _lives(row, office.now()):
                raise ForbiddenError(_ENDED, authenticated=False)
            roles = await roles_of(tx, person, office.judge, office.clock.now())
            role = _chosen(roles, wanted or who.role)
            await tx.remove_session(session_id)
            new = replace(row, id=hash_token(token).hex(), role=role.value)
            await tx.put_session(replace(new, seen_at=office.now()))
            if wanted is not None:
                detail = {"role": role.value, "before": row.role}
                await office.note(tx, Event.SESSION_ROLE, who.name, detail)
            return SessionAnswer(
                token=token,
                name=person.name,
                role=role,
                ends_at=row.began_at + LONGEST,
                recovery_codes_left=await tx.recovery_codes_left(person.id),
            )

        return await office.store.write(act, vital=wanted is None)

    # --- ending -------------------------------------------------------------------

    async def show(self, who: Principal) -> SessionsAnswer:
        """Show whoever asks their sessions, newest first."""
        now = self._office.now()

        rows = await self._office.store.read(lambda reader: _own(reader, who))
        shown = [_shown(row, now, who) for row in rows if _lives(row, now)]
        return SessionsAnswer(shown)

    async def end_named(self, name: str, who: Principal) -> SessionsEndedAnswer:
        """End one of one's own sessions, by the name under which it is shown.

        Raises:
            NotFoundError: there is no such session, or it is another person's.
        """
        office = self._office

        async def act(tx: Transaction) -> None:
            for row in await _own(tx, who):
                if row.id.startswith(name):
                    await tx.remove_session(row.id)
                    detail: Detail = {"role": row.role, "sessions": 1}
                    return await office.note(tx, Event.SESSION_ENDED, who.name, detail)
            raise NotFoundError(Phrase("you have no such session"))

        await office.store.write(act)
        return SessionsEndedAnswer(who.name, 1)

    async def end_others(self, who: Principal) -> SessionsEndedAnswer:
        """End all of one's own sessions but the one that asks."""
        office = self._office

        async def act(tx: Transaction) -> int:
            others = [row for row in await _own(tx, who) if row.id != who.session]
            for row in others:
                await tx.remove_session(row.id)
            if not others:
                nothing_happened()
                return 0
            detail: Detail = {"role": who.role.value, "sessions": len(others)}
            await office.note(tx, Event.SESSION_ENDED, who.name, detail)
            return len(others)

        return SessionsEndedAnswer(who.name, await office.store.write(act))

    async def end_all_of(self, name: str, who: Principal) -> SessionsEndedAnswer:
        """End all sessions of somebody, as one who may lock the account.

        Raises:
            NotFoundError: nobody has that name.
        """
        office = self._office

        async def act(tx: Transaction) -> int:
            person = await tx.person_named(name)
            if person is None:
                raise NotFoundError(Phrase("no such account"))
            ended = await tx.remove_sessions_of(person.id)
            if not ended:
                nothing_happened()
                return 0
            detail: Detail = {"name": name, "sessions": ended}
            await office.note(tx, Event.ACCOUNT_LOGGED_OUT, who.name, detail)
            return ended

        return SessionsEndedAnswer(name, await office.store.write(act))

    async def end(self, who: Principal) -> EndedAnswer:
        """End a session.

        Raises:
            ForbiddenError: it is none, but a credential.
        """
        office, session_id = self._office, who.session
        if session_id is None:
            raise ForbiddenError(
                Phrase("a credential is no session"), authenticated=True
            )

        async def act(tx: Transaction) -> None:
            if not await tx.remove_session(session_id):
                return nothing_happened()
            detail = {"role": who.role.value}
            return await office.note(tx, Event.SESSION_ENDED, who.name, detail)

        await office.store.write(act)
        return EndedAnswer(who.name)


def _lives(row: SessionRow, now: int) -> bool:
    """Whether a session has not ended; one from the future has, for a clock was set."""
    return (
        -_SLACK <= now - row.seen_at < IDLE and -_SLACK <= now - row.began_at < LONGEST
    )


def is_fresh(row: SessionRow, now: int) -> bool:
    """Whether a session lives and has proved its second factor within minutes."""
    proved = row.stepped_up_at
    return _lives(row, now) and proved is not None and 0 <= now - proved < FRESH


def is_proved(row: SessionRow, now: int, *, invented: bool) -> bool:
    """Whether a session may do what takes a fresh proof.

    *Invented* people who came by a link have no second factor that anybody could prove.
    """
    by_link = invented and row.way == LINK and _lives(row, now)
    return by_link or is_fresh(row, now)


def session_of(who: Principal) -> str:
    """Return the session that somebody acts in.

    Raises:
        ForbiddenError: it is a credential, and no session.
    """
    if who.session is None:
        raise ForbiddenError(Phrase("this is no session"), authenticated=True)
    return who.session


async def _own(reader: Reader, who: Principal) -> list[SessionRow]:
    person = await reader.person_named(who.name)
    return [] if person is None else await reader.sessions_of(person.id)


def _shown(row: SessionRow, now: int, who: Principal) -> SessionShown:
    proved, ends_at = row.stepped_up_at, row.began_at + LONGEST
    fresh = is_fresh(row, now)
    return SessionShown(
        session=row.id[:_NAMED],
        role=Role(row.role),
        way=row.way,
        began_at=row.began_at,
        seen_at=row.seen_at,
        idle_until=min(row.seen_at + IDLE, ends_at),
        ends_at=ends_at,
        fresh_until=(proved or 0) + FRESH if fresh else None,
        current=row.id == who.session,
    )


def _chosen(roles: set[Role], wanted: Role | None) -> Role:
    if wanted is not None:
        if wanted not in roles:
            raise ForbiddenError(
                Phrase("that role is not granted, or its training has expired"),
                authenticated=True,
            )
        return wanted
    if not roles:
        raise ForbiddenError(
            Phrase("no role is granted, or its training has expired"),
            authenticated=True,
        )
    if len(roles) > 1:
        names = ", ".join(sorted(role.value for role in roles))
        raise BadRequestError(
            "choose_role",
            Phrase("choose a role: {names}").filled(names=names),
            pointer="/role",
        )
    return next(iter(roles))
