# SPDX-License-Identifier: Apache-2.0
"""Cases that went out, and what a person does next."""

from typing import Any

import pytest
from tests.support.package_desk import Post
from tests.support.taken_cases import Hands

from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.next_steps import NextStep


@pytest.fixture
def post(desk: Any) -> Post:  # noqa: ANN401
    return Post(desk)


async def following(post: Hands, case: str, who: Principal) -> list[NextStep]:
    found = (await post.desk.cases.list(who)).cases
    steps = [each.next for each in found if each.case == case]
    return steps[0] if steps else []
