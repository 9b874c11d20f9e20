# SPDX-License-Identifier: Apache-2.0
"""What was sealed of a case goes with the case, even if nobody has acknowledged it."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ANSWERS, ada, ben, desk, holding, refused, tables
from tests.support.case_time import DAY, YEAR, nothing_waits
from tests.support.outbox import ERROR, MAIL, Mail, mail
from tests.support.package_desk import ADDRESS, Post
from tests.support.sent_cases import post

from fedsafe_node.acts.cases import NoteCall
from fedsafe_node.acts.dispatches import RecallCase
from fedsafe_node.casework.cases.erasure import CaseEraser, erase_cases
from fedsafe_node.casework.dispatch.handover import SealedPackages
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.casework_rows import AttemptRow, DispatchRow
from fedsafe_policies.escalation.channels import Channel
from fedsafe_policies.escalation.dispatches import (
    DispatchState,
    Outcome,
    RecallReason,
)
from fedsafe_policies.escalation.matrix import shipped_matrix

__all__ = ["ada", "ben", "desk", "mail", "post", "tables", "team"]

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
    recalls = Recalls(desk.keeper, shipped_matrix, lambda: post.signer, ADDRESS)
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


async def recalled_late(
    mail: Mail, ada: Principal, ben: Principal, *channels: Channel
) -> tuple[str, str]:
    """Recall a case that is erased, and let the erasure run again."""
    post, desk = mail.post, mail.post.desk
    await post.enter(ada, ben, channels=channels)
    case = await post.approved(ada, ben)
    call = NoteCall(number="110", at=desk.team.now, officer="Leitstelle Nord")
    await desk.cases.call(case, call, ada)
    await desk.cases.assess(case, ANSWERS, ada)
    await post.approve_anew(case, ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    await mail.outbox.run()
    if not channels:
        await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    await post.notes.acknowledge(case, sent.dispatch, post.acknowledged(), ada)
    await desk.cases.close(case, ada)
    desk.team.pass_time(4_000 * DAY)
    await erase(post)
    (correction,) = (await mail.recalls.recall(case, ERROR, ada)).dispatches
    await erase(post)
    return case, correction.dispatch


async def erase(post: Post) -> None:
    await erase_cases(CaseEraser(post.desk.keeper, YEAR, nothing_waits))


async def kept(post: Post, dispatch: str) -> DispatchRow:
    row = await post.desk.store.read(lambda reader: reader.dispatch(dispatch))
    assert row is not None
    return row


async def test_a_correction_of_an_erased_case_leaves_and_its_words_go_after(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    _, correction = await recalled_late(mail, ada, ben, MAIL)
    await mail.outbox.run()
    parcel, _ = mail.other.took[-1]
    before = await kept(mail.post, correction)
    await erase(mail.post)
    after = await kept(mail.post, correction)

    assert (len(mail.other.took), parcel.dispatch) == (2, correction)
    assert before.state == after.state == DispatchState.DELIVERED
    assert (before.sealed, after.sealed) == (parcel.data, None)


@pytest.mark.parametrize("is_said", [True, False])
async def test_a_correction_of_an_erased_case_is_finished_by_a_person(
    mail: Mail, ada: Principal, ben: Principal, *, is_said: bool
) -> None:
    case, correction = await recalled_late(mail, ada, ben)
    post, store = mail.post, mail.post.desk.store
    packages = SealedPackages(post.desk.keeper, lambda: post.signer)
    taken = await packages.take(case, correction, ada)
    if is_said:  # an attempt may have brought it there
        await said(post, correction)
        done = await post.notes.acknowledge(case, correction, post.acknowledged(), ada)
    else:
        done = await post.notes.hand(case, correction, post.handed(), ada)
    await erase(post)
    row = await store.read(lambda reader: reader.case(case))
    assert row is not None
    file = post.desk.keeper.vault.open(row)

    wanted = DispatchState.ACKNOWLEDGED if is_said else DispatchState.DELIVERED
    assert taken.content
    assert done.dispatch_state is wanted
    assert (await kept(post, correction)).sealed is None
    assert await store.read(lambda reader: reader.dispatches_by_hand()) == 0
    assert file.receipts == ()


async def test_a_correction_that_is_under_way_outlives_the_erasure_of_its_case(
    mail: Mail, ada: Principal, ben: Principal
) -> None:
    case, correction = await closed(mail.post, ada, ben)
    store = mail.post.desk.store
    back = msgspec.structs.replace(
        await kept(mail.post, correction), state="by_hand", delivered_at=None
    )
    await store.write(lambda tx: tx.move_dispatch(back))
    mail.post.desk.team.pass_time(4_000 * DAY)
    await erase(mail.post)
    row = await store.read(lambda reader: reader.case(case))

    assert row is not None
    assert mail.post.desk.keeper.vault.open(row).erased_at is not None
    assert await kept(mail.post, correction) == back
