# SPDX-License-Identifier: Apache-2.0
"""A member's feed reaches others through a third, while that member is away."""

import pytest
from tests.support.fleet import Fleet, eventually
from tests.support.members import fetched

from fedsafe_federation.errors import PeerRefusedError
from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_node.acts.lookup import Result

WHO = "somebody@mail.example"


@pytest.fixture
async def behind(trio: Fleet) -> tuple[Fleet, str]:
    """Give c.demo that has missed a signal of a.demo, which is gone since."""
    await trio.stop("c.demo")
    signal = await trio.publish(WHO, by=("b.demo",))
    await trio.stop("a.demo")
    await trio.start("c.demo")
    return trio, signal


async def size_at(fleet: Fleet, name: str) -> int:
    return await fleet[name].base.store.read(lambda r: r.log_size("a.demo/feed"))


async def test_records_come_through_a_third_member_and_openings_do_not(
    behind: tuple[Fleet, str],
) -> None:
    fleet, _ = behind
    await fleet.reached("a.demo", await size_at(fleet, "b.demo"), ["c.demo"])

    answer = await fleet.look_up("c.demo", WHO)

    assert answer.result is Result.INCOMPLETE
    assert "a.demo" in answer.not_covered
    (event,) = await fleet.audit("c.demo", "feed.applied")
    assert b'"carried":true' in event.openings["detail"]


async def test_the_origin_gives_the_openings_once_it_is_back(
    behind: tuple[Fleet, str],
) -> None:
    fleet, signal = behind
    await fleet.reached("a.demo", await size_at(fleet, "b.demo"), ["c.demo"])
    await fleet.start("a.demo")

    async def matches() -> bool:
        answer = await fleet.look_up("c.demo", WHO)
        return [match.signal for match in answer.matches] == [signal]

    await eventually(matches)
    recipients = await fleet["a.demo"].base.store.scan(
        lambda reader: reader.handed_after(0)
    )

    assert set(recipients) == {"b.demo", "c.demo"}


async def test_a_revocation_comes_through_a_third_member(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    before = await trio.look_up("c.demo", WHO)
    await trio.stop("c.demo")
    await trio.revoke(signal, by=("b.demo",))
    await trio.stop("a.demo")
    await trio.start("c.demo")

    async def is_corrected() -> bool:
        return bool(await trio.audit("c.demo", "signal.restricted"))

    await eventually(is_corrected)
    after = await trio.look_up("c.demo", WHO)

    assert before.matches
    assert not after.matches


async def test_a_copy_holds_no_opening(behind: tuple[Fleet, str]) -> None:
    fleet, _ = behind
    client = fleet["c.demo"].client
    charter = fleet["c.demo"].base.situation.shared
    assert charter is not None
    courier = charter.membership.charter.member("b.demo")

    data = await fetched(client, courier, FeedRequest("a.demo", 0, 0, 0))
    batch = decode_batch("a.demo", data)

    assert batch.records
    assert all(line.opening is None and not line.erased for line in batch.records)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (FeedRequest("stranger.demo", 0, 0, 0), "not_found"),
        (FeedRequest("a.demo", 9_999, 0, 0), "bad_position"),
        (FeedRequest("a.demo", 0, 9_999, 0), "bad_position"),
    ],
    ids=["stranger", "since", "known"],
)
async def test_what_a_member_does_not_hold_it_refuses(
    trio: Fleet, request_: FeedRequest, code: str
) -> None:
    await trio.publish(WHO)
    shared = trio["c.demo"].base.situation.shared
    assert shared is not None
    courier = shared.membership.charter.member("b.demo")

    with pytest.raises(PeerRefusedError) as raised:
        await fetched(trio["c.demo"].client, courier, request_)

    assert raised.value.code == code
