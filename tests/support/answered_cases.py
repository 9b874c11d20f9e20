# SPDX-License-Identifier: Apache-2.0
"""Cases that went out and are answered."""

from typing import Any

import msgspec
import pytest
from tests.support.case_team import BKA
from tests.support.package_desk import KNOWN
from tests.support.taken_cases import Hands

from fedsafe_node.acts.cases import AssessCase
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.vocabulary import Condition


@pytest.fixture
def post(desk: Any) -> Hands:  # noqa: ANN401
    return Hands(desk)


@pytest.fixture
async def case(post: Hands, ada: Principal, ben: Principal) -> str:
    """Return a case that was sent and acknowledged, and has answered nothing."""
    desk = post.desk
    await post.enter(ada, ben)
    await post.enter(ada, ben, "lka")
    case: str = await desk.open(ada)
    known = msgspec.structs.replace(KNOWN, feature=msgspec.UNSET)
    asked = AssessCase(elements=known, conditions=(Condition.NECESSITY,))
    await desk.cases.assess(case, asked, ada)
    await desk.approve(await desk.cases.approve(case, BKA, ada), ben)
    await post.send(case, ada)
    sent = await post.take(case, ada)
    await post.notes.hand(case, sent, post.handed(), ada)
    await post.notes.acknowledge(case, sent, post.acknowledged(), ada)
    return case
