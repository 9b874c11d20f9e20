# SPDX-License-Identifier: Apache-2.0
"""What an answer says of lists and members that are not there."""

from datetime import timedelta
from importlib.resources import files

import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet, eventually
from tests.support.origin import WHO

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_node.lookup.service import RETRY_AFTER_MS
from fedsafe_policies.documents.policy import load_policy, shipped


@pytest.mark.promise("RM-04")
async def test_a_stale_feed_makes_the_answer_incomplete(trio: Fleet) -> None:
    await trio.stop("c.demo")
    trio.clock.advance(timedelta(seconds=61))
    trio["b.demo"].replicating.wake("a.demo")

    async def fresh() -> bool:
        answer = await trio.look_up("b.demo", WHO)
        return answer.not_covered == ["c.demo"]

    await eventually(fresh)
    answer = await trio.look_up("b.demo", WHO)

    assert answer.result is Result.INCOMPLETE
    assert answer.retry_after_ms is None


async def test_a_node_back_after_a_week_answers_nothing_that_was_revoked_meanwhile(
    trio: Fleet,
) -> None:
    revoked, kept = "ab" * 32, "cd" * 32
    person = await trio.publish(WHO)
    signal = await trio.publish(revoked, Kind.SHA256)
    await trio.publish(kept, Kind.SHA256)
    await trio.stop("b.demo")
    await trio.revoke(person, by=["c.demo"])
    await trio.revoke(signal, by=["c.demo"])
    await trio.stop("a.demo", "c.demo")
    trio.clock.advance(timedelta(days=7))
    await trio.start("b.demo")
    alone = [
        await trio.look_up("b.demo", each, Kind.SHA256) for each in (revoked, kept)
    ]
    await trio.start("c.demo")

    async def courier_came() -> bool:
        return len(await trio.audit("b.demo", "signal.restricted")) > 0

    await eventually(courier_came)
    carried = [
        await trio.look_up("b.demo", each, Kind.SHA256) for each in (revoked, kept)
    ]
    await trio.start("a.demo")
    await trio.covered()
    back = await trio.look_up("b.demo", kept, Kind.SHA256)
    whole = await trio.look_up("b.demo", revoked, Kind.SHA256)
    somebody = await trio.look_up("b.demo", WHO)

    for answer in alone:
        assert answer.result is Result.INCOMPLETE
        assert answer.not_covered == ["a.demo", "c.demo"]
    for answer in carried:  # the courier's word for how fresh it is counts for nothing
        assert (answer.matches, answer.not_covered) == ([], ["a.demo"])
    assert back.matches
    assert whole.result is Result.NONE
    assert somebody.result is Result.NONE


async def test_a_copy_of_which_nobody_was_heard_for_a_day_matches_no_more(
    trio: Fleet,
) -> None:
    await trio.publish("ab" * 32, Kind.SHA256)
    await trio.stop("a.demo", "c.demo")
    trio.clock.advance(timedelta(hours=23))
    day = await trio.look_up("b.demo", "ab" * 32, Kind.SHA256)
    trio.clock.advance(timedelta(hours=2))
    later = await trio.look_up("b.demo", "ab" * 32, Kind.SHA256)

    assert (day.result, day.not_covered) == (Result.REVIEW, ["a.demo", "c.demo"])
    assert later.result is Result.INCOMPLETE


async def test_without_a_quorum_the_answer_is_deferred_until_it_is_back(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio.stop("a.demo", "c.demo")
    deferred = await trio.look_up("b.demo", WHO, deadline_ms=500)
    await trio.start("c.demo")

    async def found() -> bool:
        trio.clock.advance(timedelta(seconds=6))  # peers that failed rest for 5 s
        answer = await trio.look_up("b.demo", WHO)
        return answer.result is Result.REVIEW

    assert deferred.result is Result.DEFERRED
    assert deferred.retry_after_ms == RETRY_AFTER_MS
    assert deferred.matches == []
    assert await eventually(found)


async def test_an_own_ban_is_found_without_any_peer(trio: Fleet) -> None:
    await trio["b.demo"].services.signals.add(request_for(WHO), ANNA)
    await trio.stop("a.demo", "c.demo")
    answer = await trio.look_up("b.demo", WHO, deadline_ms=500)

    assert answer.result is Result.REVIEW
    assert [match.own for match in answer.matches] == [True]
    assert answer.retry_after_ms == RETRY_AFTER_MS


async def test_a_suspended_origin_never_matches_and_is_not_covered(trio: Fleet) -> None:
    await trio.publish(WHO)
    trio["b.demo"].base.situation.coverage.suspended.add("a.demo")
    answer = await trio.look_up("b.demo", WHO)

    assert answer.result is Result.INCOMPLETE
    assert answer.not_covered == ["a.demo"]
    assert not answer.gate_closed


async def test_a_plane_that_policy_does_not_share_has_no_lists_to_cover(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    trio["b.demo"].base.situation.policy = shipped("strict")
    answer = await trio.look_up("b.demo", WHO)

    assert answer.matches == []
    assert answer.result is Result.NONE
    assert answer.not_covered == []


async def test_behind_a_closed_gate_only_the_own_list_is_asked(trio: Fleet) -> None:
    await trio.publish(WHO)
    text = files("fedsafe_policies").joinpath("data/synthetic.toml").read_bytes()
    gated = load_policy(text.replace(b'mode = "synthetic"', b'mode = "record"'))
    trio["b.demo"].base.situation.policy = gated
    answer = await trio.look_up("b.demo", WHO)

    assert answer.matches == []
    assert answer.result is Result.INCOMPLETE
    assert answer.not_covered == ["a.demo", "c.demo"]
    assert answer.gate_closed
