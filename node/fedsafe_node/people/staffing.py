# SPDX-License-Identifier: Apache-2.0
"""Whether the people that are there suffice for what the policy switches on.

Only roles that somebody may act in now count: a lapsed training leaves a gap.
"""

import asyncio

from fedsafe_node.people.messages import SeatHolder, StaffingAnswer
from fedsafe_node.people.office import Office
from fedsafe_node.people.rules import roles_of
from fedsafe_node.store.people_rows import PersonState
from fedsafe_node.store.protocol import Reader
from fedsafe_policies.staffing import gaps


class Staffing:
    """Checks the people against the policy."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def check(self) -> StaffingAnswer:
        """Say who may act in which role now, and what is missing or clashes."""
        office = self._office
        moment = office.clock.now()

        async def query(reader: Reader) -> list[SeatHolder]:
            return [
                SeatHolder(
                    name=person.name,
                    external=person.external,
                    roles=sorted(await roles_of(reader, person, office.judge, moment)),
                )
                for person in await reader.persons()
                if person.state is PersonState.ACTIVE
            ]

        people = await office.store.scan(query)
        policy = office.judge.policy
        held = {one.name: frozenset(one.roles) for one in people}
        found = await asyncio.to_thread(gaps, held, policy)  # it asks the engine a lot
        return StaffingAnswer(
            policy=policy.reference,
            suffices=not found,
            gaps=list(found),
            people=people,
        )
