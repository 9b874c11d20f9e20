# SPDX-License-Identifier: Apache-2.0
"""The legal-gate record (rule P1): kept for good, and the newest one counts.

A record that is complete would open the gate, so it takes two persons (P6): one asks,
and it counts once another has approved it. One that lacks something closes the gate
or leaves it closed; that takes one person, and holds at once, and nothing that was
asked before it opens the gate afterwards. So a record can be
entered step by step, and anybody who may record can shut the gate. Every record is an
audit event in the same act.

The data protection officer's approval is no text that somebody types: one of the two
persons is that officer, and the record names them as their account does.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, time
from functools import partial
from hashlib import sha256
from secrets import token_hex
from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import GateAnswer
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import let_one_wait
from fedsafe_node.people.person_rules import roles_of
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import GateRow, Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.engine import decide
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.gate import LegalGate, missing, plain
from fedsafe_policies.rules.legal_gate import GateRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Plane, Role

_KIND: Final = Act.GATE_OPENING


class Opening(Row, frozen=True, kw_only=True):
    """What a second person stands by: this record, after the one that holds now."""

    gate: LegalGate
    after: str | None


class GateOpening:
    """The effect of an approved record (`approvals.Effect`)."""

    def __init__(self, office: Office, situation: Situation) -> None:
        self._office = office
        self._situation = situation

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the record to the policy, with both persons.

        Raises:
            WrongStateError: it names another data protection officer than takes part.
        """
        gate = decode(content, Opening).gate
        officers = await _officers(self._office, reader, gate)
        taking_part = {one.name for one in (first, second) if one.role is Role.DPO}
        if taking_part and not taking_part & officers:
            raise WrongStateError(
                "other_officer",
                Phrase(
                    "the record names another data protection officer than takes "
                    "part: ask again with a record whose dpo_approval names them "
                    "as their account does"
                ),
            )
        return ActRequest(_KIND, first, second, "legal-gate-record")

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], None]:
        """Keep the record; what is returned lets it count.

        Raises:
            WrongStateError: another was entered meanwhile, such as to shut the gate.
        """
        opening = decode(content, Opening)
        if await _newest(tx) != opening.after:
            raise WrongStateError(
                "act_changed",
                Phrase("another gate record was entered meanwhile: ask again"),
            )
        gate = opening.gate
        await _keep(
            self._office,
            tx,
            gate,
            lacking=missing(gate, self._office.now(), self._situation.arrangement),
            by=first.name,
            second=second.name,
        )
        return partial(self._situation.record_gate, gate)


class Gates:
    """Enters and shows the legal-gate record."""

    def __init__(
        self, situation: Situation, office: Office, approvals: Approvals
    ) -> None:
        self._situation = situation
        self._office = office
        self._approvals = approvals

    async def show(self) -> GateAnswer:
        """Tell whether the actor plane is open, and what keeps it closed."""
        return self._answer(self._situation.gate or LegalGate())

    async def record(
        self, gate: LegalGate, who: Principal, *, once: Once | None = None
    ) -> GateAnswer:
        """Enter a record; one that is complete waits for a second person.

        Raises:
            BadRequestError: it names as data protection officer nobody who is, or
                somebody else than asks as such.
            WrongStateError: nobody else here could be the second person; or the same
                waits for one already.
        """
        if missing(gate, self._office.now(), self._situation.arrangement):
            return await self._close(gate, who, once)
        await self._check_second(who)
        await self._check_officer(gate, who)
        shown = await self.show()
        after = await self._office.store.read(_newest)
        content = encode(Opening(gate=gate, after=after))

        async def keep(tx: Transaction, act: ActAnswer) -> None:
            await self._keep_answer(tx, once, _waiting(shown, act))
            await let_one_wait(self._office, tx, act, is_same=content.__eq__)

        return _waiting(
            shown, await self._approvals.ask(_KIND, content, who, keep=keep)
        )

    async def _close(
        self, gate: LegalGate, who: Principal, once: Once | None
    ) -> GateAnswer:
        answer = self._answer(gate)
        lacking = missing(gate, self._office.now(), self._situation.arrangement)

        async def act(tx: Transaction) -> None:
            await _keep(self._office, tx, gate, lacking=lacking, by=who.name)
            await self._keep_answer(tx, once, answer)

        await self._office.store.write(act)
        self._situation.record_gate(gate)
        return answer

    async def _check_second(self, who: Principal) -> None:
        await self._office.store.scan(
            lambda reader: self._approvals.check_second(reader, _KIND, who)
        )

    async def _check_officer(self, gate: LegalGate, who: Principal) -> None:
        office = self._office
        officers = await office.store.read(lambda tx: _officers(office, tx, gate))
        if not officers or (who.role is Role.DPO and who.name not in officers):
            raise BadRequestError(
                "bad_officer",
                Phrase(
                    "dpo_approval names a data protection officer who has an "
                    "account with the role dpo, by the account's name or as it is "
                    "displayed; an officer who asks names themself"
                ),
                pointer="/dpo_approval/person",
            )

    async def _keep_answer(
        self, tx: Transaction, once: Once | None, answer: GateAnswer
    ) -> None:
        if once is not None:
            now = self._office.now()
            await tx.add_idempotent_answer(once.row(answer, now=now))

    def _answer(self, gate: LegalGate) -> GateAnswer:
        situation, now = self._situation, self._office.now()
        site = replace(situation.site, gate=gate)
        request = GateRequest(Plane.ACTOR)
        decision = decide(request, situation.policy, situation.calendar, now, site)
        return GateAnswer(
            open=decision.allowed,
            rule=decision.rule.value,
            policy=decision.policy,
            missing=[*missing(gate, now, site.arrangement), *self._register(now)],
            valid_until=gate.valid_until.isoformat() if gate.valid_until else None,
            arrangement=site.arrangement or None,
        )

    def _register(self, now: int) -> list[str]:
        met = self._situation.synthetic or now < self._situation.register_until
        return [] if met else ["register"]


async def _officers(office: Office, reader: Reader, gate: LegalGate) -> set[str]:
    """Give the accounts of data protection officers whom a record may mean."""
    found, moment = set[str](), office.clock.now()
    if gate.dpo_approval is None:
        return found
    meant = plain(gate.dpo_approval.person)
    for person in await reader.persons():
        if meant in {plain(person.name), plain(person.display)} and (
            Role.DPO in await roles_of(reader, person, office.judge, moment)
        ):
            found.add(person.name)
    return found


async def _newest(reader: Reader) -> str | None:
    row = await reader.newest_gate()
    return row.id if row is not None else None


def _waiting(shown: GateAnswer, act: ActAnswer) -> GateAnswer:
    return msgspec.structs.replace(shown, act=act.act)


async def _keep(  # noqa: PLR0913 - a record and what it is kept with
    office: Office,
    tx: Transaction,
    gate: LegalGate,
    *,
    lacking: Collection[str],
    by: str,
    second: str | None = None,
) -> None:
    now = office.now()
    row = GateRow(
        id=token_hex(16),
        record=encode(gate),
        valid_until=_end(gate),
        recorded_at=now,
        recorded_by=by,
    )
    await tx.add_gate(row)
    await office.note(
        tx,
        Event.GATE_RECORDED,
        by,
        {
            "record": row.id,
            "missing": len(lacking),
            "digest": sha256(row.record).hexdigest(),
            "second": second,
        },
        outcome="incomplete" if lacking else "complete",
    )


def _end(gate: LegalGate) -> int:
    if gate.valid_until is None:
        return 0
    return int(datetime.combine(gate.valid_until, time(), UTC).timestamp())
