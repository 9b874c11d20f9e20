# SPDX-License-Identifier: Apache-2.0
"""Whether the people that are there suffice for what the policy switches on.

Only roles that somebody may act in now count: a lapsed training leaves a gap. So does
an imminent danger that no escalation officer is trained to act in alone.
"""

import asyncio

from fedsafe_node.acts.people import SeatHolder, StaffingAnswer
from fedsafe_node.people.office import Office
from fedsafe_node.people.person_rules import is_trained, roles_of
from fedsafe_node.store.people_rows import PersonState
from fedsafe_node.store.reader import Reader
from fedsafe_policies.checks.staff_levels import gaps
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.vocabulary import Role


class Staffing:
    """Checks the people against the policy."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def check(self) -> StaffingAnswer:
        """Say who may act in which role now, and what is missing or clashes."""
        office = self._office
        moment = office.clock.now()

        async def query(reader: Reader) -> tuple[list[SeatHolder], bool]:
            people = [
                SeatHolder(
                    name=person.name,
                    external=person.external,
                    roles=sorted(await roles_of(reader, person, office.judge, moment)),
                )
                for person in await reader.persons()
                if person.state is PersonState.ACTIVE
            ]
            return people, await self._is_anybody_trained(reader, people)

        people, trained = await office.store.scan(query)
        policy = office.judge.policy
        held = {one.name: frozenset(one.roles) for one in people}
        found = await asyncio.to_thread(gaps, held, policy)  # it asks the engine a lot
        if not trained:
            found += (f"alone:{Urgency.U0}",)
        return StaffingAnswer(
            policy=policy.reference,
            suffices=not found,
            gaps=list(found),
            people=people,
        )

    async def _is_anybody_trained(
        self, reader: Reader, people: list[SeatHolder]
    ) -> bool:
        """Tell whether an escalation officer may let a case of U0 go alone.

        Where there is no officer at all, the seat is what is missing.
        """
        wanted, judge = urgencies()[Urgency.U0].training, self._office.judge
        officers = [one for one in people if Role.ESCALATION_OFFICER in one.roles]
        if wanted is None or judge.synthetic or not officers:
            return True
        for one in officers:
            if await is_trained(reader, one.name, wanted, self._office.now()):
                return True
        return False
