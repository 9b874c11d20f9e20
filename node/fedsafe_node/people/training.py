# SPDX-License-Identifier: Apache-2.0
"""Training records: what lets somebody act in a role, and when it ends (P19).

A record names the module, the organisation that trained, and the seconds between
which it counts. Nobody records their own, but for the first administrator of a new
node, whom nobody else could record it for.
"""

from secrets import token_hex
from typing import Final

from fedsafe_node.acts.people import (
    FirstTraining,
    TrainingRequest,
    TrainingsAnswer,
    TrainingShown,
)
from fedsafe_node.ground.errors import BadRequestError, ForbiddenError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.people.person_rules import FIRST, is_in_force, role_request, roles_of
from fedsafe_node.people.role_grants import GRANTERS
from fedsafe_node.store.people_rows import PersonRow, TrainingRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.vocabulary import Module, Role

LONGEST: Final = 366 * 24 * 60 * 60
_ID_BYTES: Final = 16


class Training:
    """Records and shows trainings."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def add(self, request: TrainingRequest, who: Principal) -> TrainingShown:
        """Record a training of another person.

        Raises:
            NotFoundError: nobody has that name.
            ForbiddenError: it is one's own.
            BadRequestError: it ends before it begins, begins later than now, or
                counts longer than a year.
        """
        office, now = self._office, self._office.now()
        if request.name.casefold() == who.name.casefold():
            raise ForbiddenError(
                Phrase("another person records one's training"), authenticated=True
            )
        if request.since > now:
            raise BadRequestError(
                "bad_training", Phrase("a training lies in the past"), pointer="/since"
            )
        if not request.since < request.until <= request.since + LONGEST:
            raise BadRequestError(
                "bad_training",
                Phrase("a training counts for a year at most"),
                pointer="/until",
            )

        async def act(tx: Transaction) -> TrainingRow:
            person = await tx.person_named(request.name)
            if person is None:
                raise NotFoundError(Phrase("no such account"))
            row = _row(person, request, by=who.name)
            await _record(office, tx, person, row)
            return row

        row = await office.store.write(act)
        return _shown(request.name, row, now)

    async def show(self) -> TrainingsAnswer:
        """Show all training records, by person and end."""
        now = self._office.now()

        async def query(reader: Reader) -> list[TrainingShown]:
            return [
                _shown(person.name, row, now)
                for person in await reader.persons()
                for row in await reader.trainings_of(person.id)
            ]

        return TrainingsAnswer(trainings=await self._office.store.scan(query))


async def first_training(
    office: Office, tx: Transaction, person: PersonRow, training: FirstTraining | None
) -> None:
    """Take the first administrator's own word for what operators are trained in.

    Raises:
        ForbiddenError: somebody may act already, and can record it.
        BadRequestError: it is missing though nobody could record it later, counts
            for longer than a year, or is over.
    """
    if training is None:
        if await _is_needed(office, tx, person):
            raise BadRequestError(
                "bad_training",
                Phrase(
                    "nobody is there to record your training: say who trained "
                    "you, and until when that counts; your code is still good"
                ),
                pointer="/training",
            )
        return
    if await _can_anybody_record(office, tx):
        raise ForbiddenError(
            Phrase("another person records one's training"), authenticated=True
        )
    now = office.now()
    if not now < training.until <= now + LONGEST:
        raise BadRequestError(
            "bad_training",
            Phrase("a training counts for a year at most"),
            pointer="/training/until",
        )
    wanted = office.judge.policy.document.training.get(Role.OPERATOR)
    for module in sorted(wanted.modules if wanted else ()):
        request = TrainingRequest(
            name=person.name,
            module=module,
            organisation=training.organisation,
            since=now,
            until=training.until,
        )
        await _record(office, tx, person, _row(person, request, by=person.name))


async def _can_anybody_record(office: Office, reader: Reader) -> bool:
    now = office.clock.now()
    for other in await reader.persons():
        if GRANTERS & await roles_of(reader, other, office.judge, now):
            return True
    return False


async def _is_needed(office: Office, reader: Reader, person: PersonRow) -> bool:
    """Whether a first administrator would be shut out for want of training."""
    moment, now = office.clock.now(), office.now()
    grants = await reader.grants_of(person.id)
    if not any(
        grant.granted_by == FIRST and is_in_force(grant, now) for grant in grants
    ):
        return False
    request = await role_request(reader, person, Role.OPERATOR, None, now)
    if office.judge.decide(request, moment).code != Refusal.TRAINING:
        return False
    return not await _can_anybody_record(office, reader)


def _row(person: PersonRow, request: TrainingRequest, *, by: str) -> TrainingRow:
    return TrainingRow(
        id=token_hex(_ID_BYTES),
        person=person.id,
        kind=request.module.value,
        organisation=request.organisation,
        since=request.since,
        until=request.until,
        recorded_by=by,
    )


async def _record(
    office: Office, tx: Transaction, person: PersonRow, row: TrainingRow
) -> None:
    await tx.add_training(row)
    detail: Detail = {"name": person.name, "module": row.kind, "until": row.until}
    await office.note(tx, Event.TRAINING_RECORDED, row.recorded_by, detail)


def _shown(name: str, row: TrainingRow, now: int) -> TrainingShown:
    return TrainingShown(
        name=name,
        module=Module(row.kind),
        organisation=row.organisation,
        since=row.since,
        until=row.until,
        recorded_by=row.recorded_by,
        valid=row.since <= now < row.until,
    )
