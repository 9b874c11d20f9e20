# SPDX-License-Identifier: Apache-2.0
"""What waited in a backup may be with its partner by now: a recall corrects it."""

import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, tables
from tests.support.taken_cases import Hands, case, post

from fedsafe_node.ground.principal import Principal
from fedsafe_node.operations.restore.journey import count_as_taken
from fedsafe_policies.escalation.dispatches import DispatchState

__all__ = ["ada", "ben", "case", "desk", "post", "tables", "team"]

_S = DispatchState


@pytest.mark.parametrize("kept_back", [False, True])
async def test_what_may_have_been_taken_since_the_backup_is_corrected_by_a_recall(
    post: Hands, ada: Principal, case: str, *, kept_back: bool
) -> None:
    store, now = post.desk.store, post.desk.team.now
    sent = (await post.only(case, ada)).dispatch
    for _ in range(2):  # the second one has nothing more to say
        await store.write(lambda tx: count_as_taken(tx, now - 60))
    found = await post.recall(case, ada)
    (stopped,) = [each for each in found if each.recalls is None]
    asked = await post.kinds(case, ada)
    if kept_back:
        await post.keep_back(case, sent, ada, "unknown")
    correction = await post.correction(case, ada)

    assert [(each.by, each.at) for each in stopped.takings] == [("unknown", now - 60)]
    assert asked == [("hand_over", []), ("say_what_came", ["unknown"])]
    assert correction.state is (_S.STOPPED if kept_back else _S.BY_HAND)
