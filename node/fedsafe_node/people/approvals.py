# SPDX-License-Identifier: Apache-2.0
"""Acts that take two persons (P6): asked for by one, approved by another, done once.

What is asked for is kept as exact bytes with their digest. Whoever approves names
that digest, so they approve what they were shown and nothing else; their session
has proved its second factor within minutes. The state, the effect and the audit
event share one transaction: of two approvals at once one does the act and the other
finds it done. Persons are compared, never credentials or sessions.

Who may be the first and the second is the policy's decision. Each kind of act brings
its own `Effect`, which puts the question to the policy and carries the act out.

```python
act = await approvals.ask(Act.ROLE_GRANT, content, who)
...
await approvals.approve(act.act, bytes.fromhex(act.digest), other)
```
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Final, Protocol

import msgspec

from fedsafe_node.acts.people import (
    ActAnswer,
    ActRefusal,
    ActRefusalReason,
    ActsAnswer,
    RefuseActRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    ForbiddenError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import Event
from fedsafe_node.people.names import holds_credential
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import (
    CASE_CLOSED,
    LISTED,
    REFUSED_FOR,
    decided,
    same_waiting,
    sweep_acts,
    told_of,
)
from fedsafe_node.people.person_rules import may_act, roles_of
from fedsafe_node.people.sessions import is_proved
from fedsafe_node.store.people_rows import ActRefusalRow, ActRow, ActState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.rules.access import ExportRequest
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.four_eyes import ActRequest, seconds_of
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.reviews import ReviewRequest
from fedsafe_policies.rules.roles import RoleRequest
from fedsafe_policies.vocabulary import Act, Role

LIFETIME: Final = 3 * 24 * 60 * 60
_ID_BYTES: Final = 16
_DOMAIN: Final = b"fedsafe/v1/act\n"
Learn = Callable[[], Awaitable[None] | None]
_OVERTAKEN: Final = frozenset(
    {"act_changed", "already_closed", CASE_CLOSED, "not_pending", "task_changed"}
)
"""What is refused for ever: what the act was asked for is not there any more."""


class Effect(Protocol):
    """What an act of one kind does, once it is approved."""

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest | RoleRequest | ExportRequest | ReviewRequest:
        """Put the act to the policy, with both persons."""
        ...

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Learn | None:
        """Do it, within the transaction that decides it; what it raises undoes all.

        Returns:
            What memory has to learn of it, called once it is durable.
        """
        ...


Keep = Callable[[Transaction, ActAnswer], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Done:
    row: ActRow
    learn: Learn | None


def digest_of(kind: str, content: bytes) -> bytes:
    """Name the exact content of an act of some kind."""
    return hashlib.sha256(_DOMAIN + kind.encode() + b"\n" + content).digest()


class Approvals:
    """Keeps acts that wait, and carries them out for a second person."""

    def __init__(self, office: Office, effects: Mapping[Act, Effect]) -> None:
        self._office = office
        self.effects = effects

    async def ask(
        self,
        kind: Act,
        content: bytes,
        who: Principal,
        *,
        keep: Keep | None = None,
        single: bool = False,
    ) -> ActAnswer:
        """Ask for an act; nothing happens until another person approves it.

        `keep` keeps what belongs to the asking, in the same transaction. With `single`
        whoever asks again for what still waits is given that, and asks for nothing.

        Raises:
            ForbiddenError: a service asks.
            WrongStateError: this node can't do such an act.
        """
        _check_person(who)
        self._effect_of(kind)
        office, now = self._office, self._office.now()
        row = ActRow(
            id=token_hex(_ID_BYTES),
            kind=kind.value,
            digest=digest_of(kind.value, content),
            content=content,
            asked_by=who.name,
            asked_role=who.role.value,
            asked_at=now,
            expires_at=now + LIFETIME,
        )

        async def act(tx: Transaction) -> ActRow:
            await sweep_acts(office, tx)
            before = await same_waiting(tx, row) if single else None
            if before is not None:
                nothing_happened()
                return before
            await tx.add_act(row)
            await office.note(tx, Event.ACT_ASKED, who.name, told_of(row))
            if keep is not None:
                await keep(tx, shown(row, now))
            return row

        return shown(await office.store.write(act), now)

    async def check_second(self, reader: Reader, kind: Act, who: Principal) -> None:
        """Refuse to ask for what nobody here could approve.

        Raises:
            WrongStateError: nobody else has an account with a role that may.
        """
        if not await has_second(self._office, reader, kind, who):
            roles = ", ".join(sorted(seconds_of(kind, who.role)))
            raise WrongStateError(
                "no_second_person",
                Phrase(
                    "nobody else here could stand by this: it takes another "
                    "person's account with a role of: {roles}"
                ).filled(roles=roles),
            )

    async def approve(self, act_id: str, digest: bytes, who: Principal) -> ActAnswer:
        """Carry an act out as its second person.

        Raises:
            NotFoundError: there is no such act.
            WrongStateError: it is decided or has expired, what it was about is over,
                it is another content, or who asked may not act in that role any more;
                or something has overtaken it, and it waits no more.
            ForbiddenError: a service, or no session whose second factor is fresh;
                or the session has ended, or the role lapsed, in the meantime.
            DeniedError: the policy refuses, the same person for a start.
        """
        _check_person(who)
        office, now = self._office, self._office.now()
        is_asked_for = False

        async def act(tx: Transaction) -> _Done:
            nonlocal is_asked_for
            row = await tx.act(act_id)
            if row is None:
                raise NotFoundError(Phrase("no such act"))
            if row.content is None:
                raise await decided(tx, row)
            content = _check(row, row.content, digest, who, now)
            await self._check_persons(tx, row, who)
            is_asked_for = True
            return await self._carry_out(tx, row, content, who)

        async def run() -> ActRow:
            done = await office.store.write(act)
            learning = done.learn() if done.learn is not None else None
            if learning is not None:
                await learning
            return done.row

        try:
            # Memory learns of what is durable even if the caller goes away meanwhile.
            row = await asyncio.shield(asyncio.create_task(run()))
        except DeniedError as error:
            await office.refused(error.decision, who.name, "act.approve")
            raise
        except WrongStateError as error:
            if is_asked_for and error.code in _OVERTAKEN:
                await office.store.write(lambda tx: self._let_go(tx, act_id, who.name))
            raise
        return shown(row, now, ActState.DONE)

    async def _let_go(self, tx: Transaction, act_id: str, by: str) -> None:
        """Withdraw an act that something has overtaken, if it waits."""
        row, now = await tx.act(act_id), self._office.now()
        state = ActState.WITHDRAWN
        if row is not None and await tx.decide_act(act_id, state, by=by, at=now):
            await self._office.note(
                tx, Event.ACT_WITHDRAWN, by, told_of(row), outcome="overtaken"
            )

    async def _carry_out(
        self, tx: Transaction, row: ActRow, content: bytes, who: Principal
    ) -> _Done:
        office, second = self._office, Person(who.name, who.role)
        first = Person(row.asked_by, Role(row.asked_role))
        decision = await self._decide(tx, row, content, who)
        if not decision.allowed:
            raise DeniedError(decision)
        await tx.decide_act(row.id, ActState.DONE, by=who.name, at=office.now())
        effect = self._effect_of(Act(row.kind))
        learn = await effect.carry_out(tx, content, first, second)
        await office.note(tx, Event.ACT_APPROVED, who.name, told_of(row))
        return _Done(row, learn)

    async def _decide(
        self, tx: Transaction, row: ActRow, content: bytes, who: Principal
    ) -> Decision:
        """Ask the policy, with who asked and who would be the second."""
        office, second = self._office, Person(who.name, who.role)
        first = Person(row.asked_by, Role(row.asked_role))
        effect = self._effect_of(Act(row.kind))
        now = office.clock.now()
        request = await effect.request(tx, content, first, second)
        decision = office.judge.decide(request, now)
        if decision.code == Refusal.ROLE:  # say which roles may
            others = [Person(f"not {first.name}", role) for role in sorted(Role)]
            may = [
                other.role
                for other in others
                if office.judge.decide(replace(request, second=other), now).allowed
            ]
            decision = replace(decision, about=", ".join(may))
        return decision

    def _effect_of(self, kind: Act) -> Effect:
        effect = self.effects.get(kind)
        if effect is None:
            # Nobody approves what nothing would carry out.
            raise WrongStateError(
                "not_supported",
                Phrase("this node can't do {kind} yet").filled(kind=kind),
            )
        return effect

    async def _check_persons(
        self, tx: Transaction, row: ActRow, who: Principal
    ) -> None:
        """Refuse whom a lock, a reset or the end of a role has overtaken."""
        asked_role = Role(row.asked_role)
        if not await may_stand_by(self._office, tx, row.asked_by, asked_role):
            raise WrongStateError(
                "not_pending",
                Phrase("whoever asked for this may not act in that role now"),
            )
        await self._check_second(tx, who)

    async def _check_second(self, tx: Transaction, who: Principal) -> None:
        """Refuse a second person whom a lock, a log-out or an end has overtaken."""
        judge, moment = self._office.judge, self._office.clock.now()
        if await tx.person_named(who.name) is None:
            return  # a credential alone is never fresh: `_check_fresh` has refused it
        session = await tx.session(who.session) if who.session is not None else None
        if (
            session is None
            or not is_proved(session, self._office.now(), invented=judge.synthetic)
            or not await may_act(tx, who.name, who.role, judge, moment)
        ):
            raise ForbiddenError(
                Phrase("the session has ended, or the role has lapsed"),
                authenticated=True,
            )

    async def withdraw(self, act_id: str, who: Principal) -> ActAnswer:
        """Take an act back, as the person who has asked for it.

        Raises:
            ForbiddenError: a service, or another person: they refuse it and say why.
            NotFoundError: there is no such act.
            WrongStateError: it is decided.
        """
        _check_person(who)
        office, now = self._office, self._office.now()

        async def act(tx: Transaction) -> ActRow:
            row = await tx.act(act_id)
            if row is None:
                raise NotFoundError(Phrase("no such act"))
            if row.state is not ActState.PENDING:
                raise await decided(tx, row)
            _check_asker(row, who)
            await tx.decide_act(act_id, ActState.WITHDRAWN, by=who.name, at=now)
            await office.note(tx, Event.ACT_WITHDRAWN, who.name, told_of(row))
            return row

        return shown(await office.store.write(act), now, ActState.WITHDRAWN)

    async def refuse(
        self, act_id: str, request: RefuseActRequest, who: Principal
    ) -> ActAnswer:
        """Refuse an act as somebody who could have approved it, and say why.

        It is closed for good. Who refuses again for the same reason is told so again.

        Raises:
            BadRequestError: the reference is more than a label.
            DeniedError: the policy lets nobody in that role approve it, or they asked.
            ForbiddenError: a service, or no session whose second factor is fresh;
                or the session has ended, or the role lapsed, in the meantime.
            NotFoundError: there is no such act.
            WrongStateError: it is decided or has expired.
        """
        _check_person(who)
        if request.reference is not None and not is_reference(request.reference):
            raise BadRequestError(
                "bad_reason",
                Phrase("a reference refers, such as minutes-7; it tells nothing"),
                pointer="/reference",
            )
        office, now = self._office, self._office.now()

        async def act(tx: Transaction) -> tuple[ActRow, ActRefusalRow]:
            row = await tx.act(act_id)
            if row is None:
                raise NotFoundError(Phrase("no such act"))
            refusal = ActRefusalRow(
                act=row.id,
                reason=request.reason.value,
                reference=request.reference,
                at=now,
            )
            if row.content is None:
                before = await tx.act_refusal(act_id)
                if before is None or not _is_again(row, before, refusal, who):
                    raise await decided(tx, row)
                nothing_happened()
                return row, before
            _check_waits(row, now)
            _check_fresh(who)
            await self._check_could_approve(tx, row, row.content, who)
            await self._check_second(tx, who)
            await tx.decide_act(act_id, ActState.WITHDRAWN, by=who.name, at=now)
            await tx.add_act_refusal(refusal)
            detail = {
                **told_of(row),
                "reason": refusal.reason,
                "reference": refusal.reference,
            }
            await office.note(tx, Event.ACT_REFUSED, who.name, detail)
            return row, refusal

        try:
            row, refusal = await office.store.write(act)
        except DeniedError as error:
            await office.refused(error.decision, who.name, "act.refuse")
            raise
        over = msgspec.structs.replace(row, decided_by=who.name, content=None)
        return self._refused(over, refusal)

    async def _check_could_approve(
        self, tx: Transaction, row: ActRow, content: bytes, who: Principal
    ) -> None:
        """Refuse whom the policy would not let approve it, by person or by role.

        What else is in the way of an approval is in the way of no refusal.
        """
        first, second = (
            Person(row.asked_by, Role(row.asked_role)),
            Person(who.name, who.role),
        )
        decision = await self._decide(tx, row, content, who)
        could = decision.allowed or (
            decision.code not in {Refusal.ROLE, Refusal.FOUR_EYES}
            and second.identity != first.identity
            and who.role in seconds_of(Act(row.kind), first.role)
        )
        if not could:
            raise DeniedError(decision)

    async def refused(self, who: Principal) -> ActsAnswer:
        """List what was refused lately of what somebody asked for, or by them."""
        since = self._office.now() - REFUSED_FOR
        found = await self._office.store.read(
            lambda reader: reader.refused_acts(who.name, since, LISTED)
        )
        return ActsAnswer([self._refused(row, why) for row, why in found])

    def _refused(self, row: ActRow, refusal: ActRefusalRow) -> ActAnswer:
        """Show a refused act; who refused it stands under the pseudonym of then."""
        at = datetime.fromtimestamp(refusal.at, UTC)
        answer = shown(row, refusal.at, ActState.WITHDRAWN)
        return msgspec.structs.replace(
            answer,
            state="refused",
            refusal=ActRefusal(
                by=self._office.trail.shown(row.decided_by or "", at),
                at=refusal.at,
                reason=ActRefusalReason(refusal.reason),
                reference=refusal.reference,
            ),
        )

    async def pending(self, after: str | None = None) -> ActsAnswer:
        """List the acts that wait, oldest first, or those after one of them.

        Raises:
            NotFoundError: there is no such act.
        """
        now = self._office.now()

        async def query(reader: Reader) -> list[ActRow]:
            last = None if after is None else await reader.act(after)
            if after is not None and last is None:
                raise NotFoundError(Phrase("no such act"))
            return await reader.acts(ActState.PENDING, LISTED, last)

        rows = await self._office.store.read(query)
        following = rows[-1].id if len(rows) == LISTED else None
        return ActsAnswer(acts=[shown(row, now) for row in rows], next=following)


async def has_second(
    office: Office, reader: Reader, kind: Act, first: Principal
) -> bool:
    """Whether anybody here, other than who asks, could approve an act of that kind."""
    identity, moment = Person(first.name, first.role).identity, office.clock.now()
    for person in await reader.persons():
        roles = await roles_of(reader, person, office.judge, moment)
        if any(
            Person(person.name, role).identity != identity
            for role in roles & seconds_of(kind, first.role)
        ):
            return True
    return False


async def may_stand_by(office: Office, reader: Reader, name: str, role: Role) -> bool:
    """Whether who has asked may still act so: by account.

    In a demonstration a credential will do.
    """
    if await reader.person_named(name) is not None:
        return await may_act(reader, name, role, office.judge, office.clock.now())
    if not office.judge.synthetic:
        return False
    return await holds_credential(reader, name, role, office.now())


def shown(row: ActRow, now: int, state: ActState | None = None) -> ActAnswer:
    """Show an act to those who may decide on it."""
    state = state or row.state
    is_over = state is ActState.PENDING and row.expires_at <= now
    return ActAnswer(
        act=row.id,
        kind=Act(row.kind),
        digest=row.digest.hex(),
        content=None if row.content is None else json.loads(row.content),
        asked_by=row.asked_by,
        asked_role=Role(row.asked_role),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        state="expired" if is_over else state.value,
    )


def _is_again(
    row: ActRow, before: ActRefusalRow, now: ActRefusalRow, who: Principal
) -> bool:
    return row.decided_by == who.name and (before.reason, before.reference) == (
        now.reason,
        now.reference,
    )


def _check_waits(row: ActRow, now: int) -> None:
    if row.expires_at <= now:
        raise WrongStateError("act_expired", Phrase("this act has expired; ask anew"))


def _check(
    row: ActRow, content: bytes, digest: bytes, who: Principal, now: int
) -> bytes:
    _check_waits(row, now)
    if digest != row.digest or digest != digest_of(row.kind, content):
        raise WrongStateError("act_changed", Phrase("that is not what was asked for"))
    _check_fresh(who)
    return content


def _check_fresh(who: Principal) -> None:
    if not who.fresh:
        raise ForbiddenError(
            Phrase(
                "decide in a session whose second factor was proved within five minutes"
            ),
            authenticated=True,
        )


def _check_asker(row: ActRow, who: Principal) -> None:
    """Refuse who has not asked for it: nobody stops an act without saying why."""
    if row.asked_by != who.name:
        raise ForbiddenError(
            Phrase(
                "{asked_by} has asked for this, and nobody else takes it back: whoever "
                "could approve it may refuse it, with a reason"
            ).filled(asked_by=row.asked_by),
            authenticated=True,
        )


def _check_person(who: Principal) -> None:
    if who.role is Role.SERVICE:
        raise ForbiddenError(Phrase("this takes a person"), authenticated=True)
