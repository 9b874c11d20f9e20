# SPDX-License-Identifier: Apache-2.0
"""Requests as they come in: attested by a back-end, or checked by two officers."""

import json

from msgspec.structs import replace
from tests.support.fleet import Fleet

from fedsafe_node.acts.requests import (
    Attestation,
    IdentityCheck,
    NewRightsRequest,
    RightsRequestAnswer,
    Verified,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights.requests import Requests
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Role

SECOND = Person("zoe", Role.REVIEWER)
"""Who stands by what any other officer has checked."""


class Vouched(Requests):
    """A node's requests, opened with what shows whose the identifier is.

    A service attests a mailed code of today; an officer has seen a document today,
    and another decides at once.
    """

    def __init__(self, fleet: Fleet, name: str) -> None:
        real = fleet[name].services.requests
        assert isinstance(real, Requests)
        vars(self).update(vars(real))
        self._fleet, self._name = fleet, name

    async def open(
        self, request: NewRightsRequest, who: Principal
    ) -> RightsRequestAnswer:
        """Open a request, and have it decided on if it is an officer's."""
        now = self._fleet.clock.now()
        if who.role is Role.SERVICE:
            said = Attestation(
                verified=Verified.MAILED_CODE,
                verified_on=now.date(),
                logged_in_at=int(now.timestamp()),
            )
            return await super().open(replace(request, attested=said), who)
        seen = IdentityCheck(seen_on=now.date(), reference="minute-7")
        checked = replace(request, checked=seen, control="identity_document")
        opened = await super().open(checked, who)
        await decide(self._fleet, self._name, opened, who)
        shown = await self.show(opened.request, who)
        return replace(shown, collect=opened.collect)


async def decide(
    fleet: Fleet, name: str, opened: RightsRequestAnswer, who: Principal
) -> None:
    """Stand by an officer's check as another one, without accounts."""
    assert opened.checked is not None
    node, act_id = fleet[name], opened.checked.act
    effect = node.services.staff.approvals.effects[Act.IDENTITY_CHECK]
    store, first = node.base.store, Person(who.name, who.role)
    act = await store.read(lambda reader: reader.act(act_id))
    assert act is not None
    assert act.content is not None
    content = json.dumps(json.loads(act.content)).encode()
    learn = await store.write(lambda tx: effect.carry_out(tx, content, first, SECOND))
    if learn is not None:
        learn()
