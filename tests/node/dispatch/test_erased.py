# SPDX-License-Identifier: Apache-2.0
"""What was sealed of a case goes with the case, even if nobody has acknowledged it."""

from tests.node.cases.test_cases import ANSWERS, ada, ben, desk, tables
from tests.node.cases.test_erasing import DAY, YEAR, nothing_waits
from tests.node.dispatch.desk import Post
from tests.node.dispatch.test_sending import post
from tests.node.people.conftest import team

from fedsafe_node.cases.erasing import CaseEraser, erase_cases
from fedsafe_node.cases.messages import NoteCall
from fedsafe_node.dispatch.messages import RecallCase
from fedsafe_node.dispatch.recalling import Recalls
from fedsafe_node.principal import Principal
from fedsafe_policies.escalation.dispatching import RecallReason
from fedsafe_policies.escalation.matrix import shipped_matrix

__all__ = ["ada", "ben", "desk", "post", "tables", "team"]


async def test_no_sealed_package_outlives_its_case(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    case, desk = await post.approved(ada, ben), post.desk
    (sent,) = (await post.send(case, ada)).dispatches
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    recalls = Recalls(desk.keeper, shipped_matrix, lambda: post.signer)
    await recalls.recall(case, RecallCase(reason=RecallReason.SENT_IN_ERROR), ada)
    call = NoteCall(number="110", at=desk.team.now, officer="Leitstelle Nord")
    await desk.cases.call(case, call, ada)
    await desk.cases.assess(case, ANSWERS, ada)
    await desk.cases.close(case, ada)
    before = await desk.store.read(lambda reader: reader.dispatches(case))
    desk.team.pass_time(4_000 * DAY)
    erased = await erase_cases(CaseEraser(desk.keeper, YEAR, nothing_waits))
    after = await desk.store.read(lambda reader: reader.dispatches(case))

    assert erased == 1
    assert any(each.sealed is not None for each in before)
    assert [each.sealed for each in after] == [None] * len(before)
