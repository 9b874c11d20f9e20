# SPDX-License-Identifier: Apache-2.0
"""What was sealed of a case goes with the case, even if nobody has acknowledged it."""

import asyncio
from pathlib import Path
from typing import Final

import pytest
from tests.node.cases.test_cases import (
    ANSWERS,
    ada,
    ben,
    desk,
    holding,
    refused,
    tables,
)
from tests.node.cases.test_erasing import DAY, YEAR, nothing_waits
from tests.node.dispatch.desk import Post
from tests.node.dispatch.test_sending import post
from tests.node.people.conftest import team

from fedsafe_node.cases.erasing import CaseEraser, erase_cases
from fedsafe_node.cases.messages import NoteCall
from fedsafe_node.dispatch.messages import RecallCase
from fedsafe_node.dispatch.recalling import Recalls
from fedsafe_node.principal import Principal
from fedsafe_node.store.dispatches_rows import AttemptRow
from fedsafe_policies.escalation.dispatching import Outcome, RecallReason
from fedsafe_policies.escalation.matrix import shipped_matrix

__all__ = ["ada", "ben", "desk", "post", "tables", "team"]

WORDS: Final = ("Vermerk-Leitstelle-7", "queued-as-4F1C77", "m-1-of-the-office")


async def said(post: Post, dispatch: str, number: int = 1) -> None:
    """Let an attempt end with words of the other side."""
    now = post.desk.team.now
    attempt = AttemptRow(
        dispatch_id=dispatch,
        number=number,
        way="mail",
        began_at=now,
        ended_at=now,
        outcome=Outcome.IN_DOUBT.value,
        proof=WORDS[1],
        message=WORDS[2],
    )
    await post.desk.store.write(lambda tx: tx.add_attempt(attempt))


async def closed(post: Post, ada: Principal, ben: Principal) -> tuple[str, str]:
    """Close a case whose package and correction nobody has acknowledged."""
    await post.enter(ada, ben)
    case, desk = await post.approved(ada, ben), post.desk
    (sent,) = (await post.send(case, ada, called=WORDS[0])).dispatches
    await said(post, sent.dispatch)
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    recalls = Recalls(desk.keeper, shipped_matrix, lambda: post.signer)
    asked = RecallCase(reason=RecallReason.SENT_IN_ERROR)
    (correction,) = (await recalls.recall(case, asked, ada)).dispatches
    call = NoteCall(number="110", at=desk.team.now, officer="Leitstelle Nord")
    await desk.cases.call(case, call, ada)
    await desk.cases.assess(case, ANSWERS, ada)
    early = await refused(desk.cases.close(case, ada))
    assert "bka" in str(early)  # the correction has yet to leave
    await post.notes.hand(case, correction.dispatch, post.handed(), ada)
    await desk.cases.close(case, ada)
    return case, correction.dispatch


async def test_no_sealed_package_outlives_its_case_and_no_receipt_comes_after(
    post: Post, ada: Principal, ben: Principal
) -> None:
    case, correction = await closed(post, ada, ben)
    store = post.desk.store
    before = await store.read(lambda reader: reader.dispatches(case))
    post.desk.team.pass_time(4_000 * DAY)
    eraser = CaseEraser(post.desk.keeper, YEAR, nothing_waits)
    erased = await erase_cases(eraser)
    after = await store.read(lambda reader: reader.dispatches(case))
    late = post.notes.acknowledge(case, correction, post.acknowledged(), ada)
    error = await refused(late)

    assert erased == 1
    assert sorted(each.sealed is None for each in before) == [False, True]
    assert [each.sealed for each in after] == [None, None]
    assert error.code == "wiped"


@pytest.mark.embedded
async def test_no_word_of_a_server_or_of_a_call_outlives_its_case_in_any_file(
    post: Post, ada: Principal, ben: Principal, tmp_path: Path
) -> None:
    case, _ = await closed(post, ada, ben)
    before = [
        await asyncio.to_thread(holding, tmp_path, word.encode()) for word in WORDS
    ]
    post.desk.team.pass_time(4_000 * DAY)
    await erase_cases(CaseEraser(post.desk.keeper, YEAR, nothing_waits))
    after = [
        await asyncio.to_thread(holding, tmp_path, word.encode()) for word in WORDS
    ]
    left = (await post.dispatches.list(case, ada)).dispatches
    ways = sorted([attempt.way for attempt in each.attempts] for each in left)

    assert all(before)
    assert after == [[], [], []]
    assert ways == [["mail", "portal"], ["portal"]]


@pytest.mark.embedded
async def test_words_that_stayed_with_an_erased_case_go_with_the_next_run(
    post: Post, ada: Principal, ben: Principal, tmp_path: Path
) -> None:
    case, correction = await closed(post, ada, ben)
    post.desk.team.pass_time(4_000 * DAY)
    eraser, store = CaseEraser(post.desk.keeper, YEAR, nothing_waits), post.desk.store
    await erase_cases(eraser)
    await said(post, correction, number=2)
    (row,) = [
        each
        for each in await store.read(lambda reader: reader.dispatches(case))
        if each.id == correction
    ]
    found = [await store.read(lambda reader: reader.dispatches_left())]
    for _ in range(2):
        await erase_cases(eraser)
        found.append(await store.read(lambda reader: reader.dispatches_left()))
    after = [
        await asyncio.to_thread(holding, tmp_path, word.encode()) for word in WORDS
    ]

    assert found == [[correction], [], []]
    assert after == [[], [], []]
    assert row in await store.read(lambda reader: reader.dispatches(case))


async def test_the_words_of_a_case_that_is_not_erased_stay(
    post: Post, ada: Principal, ben: Principal
) -> None:
    case, _ = await closed(post, ada, ben)
    eraser, store = CaseEraser(post.desk.keeper, YEAR, nothing_waits), post.desk.store
    await erase_cases(eraser)
    shown = (await post.dispatches.list(case, ada)).dispatches

    assert await store.read(lambda reader: reader.dispatches_left()) == []
    assert WORDS[1] in {a.proof for each in shown for a in each.attempts}
