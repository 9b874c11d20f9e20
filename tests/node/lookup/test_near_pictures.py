# SPDX-License-Identifier: Apache-2.0
"""Pictures with many listed ones near them: bounded work, and nothing in silence."""

import asyncio
import json
from collections import Counter

import pytest
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.support.fleet import Fleet
from tests.support.lookup_questions import PICTURE

from fedsafe_node.acts.bodies import ImportRequest, Kind, Question
from fedsafe_node.acts.lookup import (
    LookupAnswer,
    LookupRequest,
    MatchReason,
    Result,
)
from fedsafe_node.acts.match import DigestColumn, DigestKind, MatchAnswer, MatchRequest
from fedsafe_node.lookup import matching, service
from fedsafe_node.lookup.index import lists, pdq
from fedsafe_node.lookup.index.pdq import PdqIndex
from fedsafe_node.lookup.index.pdq_tables import Asked
from fedsafe_node.lookup.service import FEW_HITS
from fedsafe_node.review.floods import FloodPictures
from fedsafe_node.store.review_rows import PictureRow
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose, Scope, Surface


def near(distance: int, *, skip: int = 0) -> bytes:
    """Give the picture with so many of its bits changed."""
    return (int.from_bytes(PICTURE) ^ ((1 << distance) - 1) << skip).to_bytes(32)


async def list_own(fleet: Fleet, *pictures: bytes) -> list[str]:
    requests = [
        request_for(each.hex(), kind=Kind.PDQ, scope=Scope.SELF) for each in pictures
    ]
    listed = await fleet["a.demo"].services.signals.add_many(
        ImportRequest(signals=requests), ANNA
    )
    return [each for each in listed.signals if each is not None]


async def match(
    fleet: Fleet, *digests: bytes, orientations: int = 1, **more: object
) -> MatchAnswer:
    column = DigestColumn(
        kind=DigestKind.PDQ,
        digests=b"".join(digests),
        orientations=orientations,
        **more,  # type: ignore[arg-type]
    )
    body = MatchRequest(columns=[column], surface=Surface.PUBLIC_CONTENT)
    return await fleet["a.demo"].services.lookups.match(body, BOT)


async def look_up(fleet: Fleet, digest: bytes) -> LookupAnswer:
    request = LookupRequest(
        questions=[Question(kind=Kind.PDQ, value=digest.hex())],
        purpose=Purpose.MEDIA_MATCHING,
        surface=Surface.PUBLIC_CONTENT,
        subject_ref="u-1",
    )
    return await fleet["a.demo"].services.lookups.lookup(request, BOT)


async def detail_of(fleet: Fleet) -> dict[str, object]:
    *_, last = [
        each
        for each in await fleet.audit("a.demo", "lookup")
        if b"signals" in each.openings["detail"]
    ]
    return dict(json.loads(last.openings["detail"]))


async def test_the_nearest_of_a_list_count_and_the_others_are_told(
    alone: Fleet,
) -> None:
    signals = await list_own(alone, *map(near, range(20)))

    (answer,) = (await match(alone, PICTURE)).columns[0].answers
    single = await look_up(alone, PICTURE)

    first = signals[: matching.TOGETHER]
    assert [each.signal for each in answer.matches] == first
    assert [each.signal for each in single.matches] == first
    assert [answer.further, single.further] == [20 - matching.TOGETHER] * 2
    assert (await detail_of(alone))["further"] == 20 - matching.TOGETHER


async def test_signals_that_do_not_count_hide_none_behind_them(alone: Fleet) -> None:
    await list_own(alone, *map(near, range(25)))
    own = alone["a.demo"].base.situation.own.name
    signals = await list_own(alone, near(30))

    async def end(tx: Transaction) -> None:
        for row in await tx.signals_at(range(1, 26)):  # an index may lag behind
            await tx.set_signal_status(own, row.signal_id, SignalStatus.REVOKED)

    await alone["a.demo"].base.store.write(end)
    answer = await look_up(alone, PICTURE)

    assert [each.signal for each in answer.matches] == signals
    assert answer.further is None


async def test_what_was_not_looked_at_is_never_said_to_be_nothing(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_NEAR", 2)
    await list_own(alone, *map(near, range(5)))
    own = alone["a.demo"].base.situation.own.name

    async def end(tx: Transaction) -> None:
        for row in await tx.signals_at([1, 2]):
            await tx.set_signal_status(own, row.signal_id, SignalStatus.REVOKED)

    await alone["a.demo"].base.store.write(end)
    single = await look_up(alone, PICTURE)
    column = (await match(alone, PICTURE, near(200, skip=7))).columns[0]

    assert (single.result, single.further, single.matches) == (
        Result.INCOMPLETE,
        3,
        [],
    )
    assert (column.review, column.at) == (0, [0])
    assert [each.result for each in column.answers] == [Result.INCOMPLETE]


async def test_many_crowded_questions_share_what_is_looked_at(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LEAST_NEAR", 2)
    monkeypatch.setattr(lists, "MOST_NEAR_IN_ALL", 12)
    await list_own(alone, *map(near, range(8)))

    found = alone["a.demo"].base.lists.similar([PICTURE] * 3, 31)

    assert [(len(each.rows), each.more) for each in found] == [(4, 4)] * 3


def test_equal_digests_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    index, asked = PdqIndex(), list[int]()
    index.add([1, 2, 3], [near(0), near(1), near(9)])
    search = pdq._search  # noqa: SLF001

    def counted(view: object, some: Asked, *rest: int) -> object:
        asked.append(len(some.columns))
        return search(view, some, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(pdq, "_search", counted)
    found = index.search_nearest([near(0)] * 500 + [near(2)] + [bytes(32)], 31, 2)

    assert sum(asked) == 3
    assert found.matches[0] == [(1, 0), (2, 1)]
    assert found.matches[499] == found.matches[0]
    assert found.matches[500] == [(2, 1), (1, 2)]
    assert found.matches[501] == []
    assert found.more == [1] * 501 + [0]


async def test_a_file_of_which_no_account_is_named_counts_each_time(
    alone: Fleet,
) -> None:
    # It may be as many accounts': counted once, a picture that is listed wrongly and
    # that many people post would restrict each of them.
    await list_own(alone, PICTURE)
    column = (await match(alone, *[near(1)] * 60)).columns[0]

    reasons = [each.reason for each in column.answers]
    bound = reasons.index(MatchReason.FLOOD)
    assert reasons == [None] * bound + [MatchReason.FLOOD] * (60 - bound)


async def test_of_eight_orientations_each_row_is_told_once_and_by_the_nearest(
    alone: Fleet,
) -> None:
    signals = await list_own(alone, near(4))
    other = (int.from_bytes(PICTURE) ^ (1 << 256) - 1).to_bytes(32)

    asked = [near(9), near(2), near(6), *[other] * 5]
    (answer,) = (await match(alone, *asked, orientations=8)).columns[0].answers

    assert [each.signal for each in answer.matches] == signals
    assert [each.orientation for each in answer.matches] == ["rotated_90"]
    assert [each.distance for each in answer.matches] == [2]


async def test_others_have_a_turn_between_the_hits_of_a_body(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HOLD_SECONDS", -1.0)
    await list_own(alone, PICTURE)
    store = alone["a.demo"].base.store
    asked, order, under_way = FEW_HITS + 2, list[str](), Counter[str]()
    write = store.write

    async def counted(act: object, **more: object) -> object:
        order.append("act")
        under_way["now"] += 1
        under_way["most"] = max(under_way["most"], under_way["now"])
        try:
            return await write(act, **more)  # type: ignore[arg-type]
        finally:
            under_way["now"] -= 1

    monkeypatch.setattr(store, "write", counted)

    async def other() -> None:
        async def nothing(_: Transaction) -> None: ...

        while "end" not in order:
            await write(nothing)
            order.append("other")

    beside = asyncio.create_task(other())
    refs = [f"u-{number}" for number in range(asked)]
    both = asyncio.gather(
        match(alone, *[near(1)] * asked, subject_refs=refs),
        match(alone, *[near(2)] * asked, subject_refs=refs),
    )
    answers = await both
    order.append("end")
    await beside

    assert [each.columns[0].review for each in answers] == [asked] * 2
    assert order.count("act") == 2 * asked
    assert under_way["most"] == 1, "acts of two bodies may share a commit"
    between = "".join("a" if each == "act" else "o" for each in order).split("o")
    assert max(map(len, between)) <= 2


async def test_a_picture_that_is_put_is_near_from_then_on(alone: Fleet) -> None:
    desk, files = alone["a.demo"].reviews, frozenset([near(3)])
    row = PictureRow(origin="o", about=b"m" * 16, at=1, period="2026-01", sealed=b"-")

    async def act(tx: Transaction) -> list[list[bytes]]:
        pictures = FloodPictures(desk, tx)
        found = [[*await pictures.near("o", files)]]
        await pictures.put(row, PICTURE)
        return [*found, [*await pictures.near("o", files)]]

    assert await desk.store.write(act) == [[], [row.about]]


async def test_as_many_floods_begin_by_pictures_opened_once_as_one_by_one(
    alone: Fleet,
) -> None:
    pictures = [near(number, skip=40) for number in range(12)]
    await list_own(alone, *pictures)
    refs = [f"u-{number}" for number in range(60)]

    column = (await match(alone, *[PICTURE] * 60, subject_refs=refs)).columns[0]

    reasons = [answer.reason for answer in column.answers]
    bound = reasons.index(MatchReason.FLOOD)
    assert reasons == [None] * bound + [MatchReason.FLOOD] * (60 - bound)
    assert len({answer.flood for answer in column.answers[bound:]}) == 1
