# SPDX-License-Identifier: Apache-2.0
"""Strangers share turns, lines and room by prefix, and no place with members."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from functools import partial

import pytest

from fedsafe_node.api.auth import Auth
from fedsafe_node.api.problems import RefusedError
from fedsafe_node.api.route import OPEN_LANES, Lane
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.api.server import OPEN
from fedsafe_node.api.strangers import (
    TURN_BYTES,
    Doorway,
    Lines,
    Room,
    Turns,
    prefix_of,
)

A, B = "192.0.2.0/24", "2001:db8::/48"


@dataclass(eq=False)
class FakeLine:
    prefix: str
    is_over: bool = False
    is_busy: bool = False

    def give_up(self) -> None:
        self.is_over = True


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.77", A),
        ("::ffff:192.0.2.77", A),
        ("2001:db8:0:9::7", B),
        ("::1", "::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", "unknown"),
        (None, "unknown"),
        ("@", "unknown"),
    ],
)
def test_an_address_is_truncated(address: str | None, prefix: str) -> None:
    assert prefix_of(address) == prefix


def test_what_is_open_to_all_shares_no_place_with_anything_else() -> None:
    lanes: defaultdict[Lane, set[bool]] = defaultdict(set)
    for route in ROUTES:
        is_open = route.auth in {Auth.OPEN, Auth.STATEMENT}
        lanes[route.lane].add(is_open)
    evaluations = {route.name for route in ROUTES if route.lane is Lane.EVALUATIONS}

    assert all(len(kinds) == 1 for kinds in lanes.values())
    assert {lane for lane, kinds in lanes.items() if kinds == {True}} == {
        *OPEN_LANES,
        Lane.EVALUATIONS,
    }
    assert evaluations == {"evaluate"}  # its signature comes before all waiting


class TestTurns:
    async def test_prefixes_take_turns_and_of_one_the_oldest_is_first(self) -> None:
        turns, begun = Turns(rate=1_000.0, at_once=1.0), list[str]()

        def begin(name: str) -> None:
            begun.append(name)
            if len(begun) == len(names):
                ended.set()

        names, ended = ("a0", "a1", "b1", "a2", "a3", "b2"), asyncio.Event()
        for name in names:
            prefix = A if name.startswith("a") else B
            turns.ask(prefix, partial(begin, name), pytest.fail)
        assert begun == ["a0"]
        await ended.wait()

        assert begun == ["a0", "a1", "b1", "a2", "b2", "a3"]

    async def test_of_more_than_can_be_served_the_newest_is_first(self) -> None:
        turns, begun = Turns(rate=1_000.0, at_once=1.0, in_order=0.8), list[int]()
        first = asyncio.Event()

        def begin(number: int) -> None:
            begun.append(number)
            first.set()

        await turns.take(A)
        for number in range(1_000):
            turns.ask(A, partial(begin, number), lambda: None)
        await first.wait()
        turns.close()

        assert begun[0] == 999

    async def test_whoever_waits_too_long_is_refused(self) -> None:
        turns = Turns(rate=0.001, at_once=1.0, patience=0.01)
        await turns.take(A)

        with pytest.raises(RefusedError):
            await turns.take(B)

    async def test_bytes_use_turns_up(self) -> None:
        turns, begun = Turns(rate=0.001, at_once=4.0), list[int]()
        turns.ask(A, partial(begun.append, 1), pytest.fail)
        assert not turns.are_used_up()
        turns.ask(A, partial(begun.append, 2), pytest.fail, size=2 * TURN_BYTES)
        assert turns.are_used_up()
        turns.ask(A, partial(begun.append, 3), partial(begun.append, 0))
        turns.close()

        assert begun == [1, 2, 0]

    async def test_what_cannot_wait_is_charged(self) -> None:
        turns = Turns(rate=0.001, at_once=1.0)
        turns.charge()

        assert turns.are_used_up()


class TestLines:
    def test_the_quietest_of_the_prefix_that_has_most_is_given_up(self) -> None:
        lines = Lines(3)
        alone, quiet, busy, new = (FakeLine(each) for each in (B, A, A, A))
        for line in (alone, busy, quiet):
            lines.add(line, line.prefix)
        lines.answered(busy)
        lines.add(new, A)

        assert [each.is_over for each in (alone, quiet, busy, new)] == [
            False,
            True,
            False,
            False,
        ]
        assert len(lines) == 3

    def test_who_is_known_is_given_up_no_more(self) -> None:
        lines, known = Lines(1), FakeLine(A)
        lines.add(known, A)
        lines.remove(known)
        lines.add(FakeLine(A), A)

        assert not known.is_over
        assert lines.is_full


class TestDoorway:
    async def test_who_says_nothing_makes_room_first(self) -> None:
        doorway = Doorway(4, Turns(), OPEN)
        served, silent, new = (FakeLine(A) for _ in "abc")
        doorway.serve(served)
        doorway.arrive(silent, 3)
        doorway.arrive(new, 3)

        assert (served.is_over, silent.is_over, new.is_over) == (False, True, False)

    async def test_where_all_speak_one_that_is_served_does(self) -> None:
        doorway = Doorway(4, Turns(), OPEN)
        served, new = FakeLine(A), FakeLine(A)
        doorway.serve(served)
        doorway.arrive(new, 4)

        assert (served.is_over, new.is_over) == (True, False)

    async def test_where_all_are_known_there_is_none(self) -> None:
        doorway, new = Doorway(4, Turns(), OPEN), FakeLine(A)
        doorway.arrive(new, 4)

        assert new.is_over

    @pytest.mark.parametrize(
        ("said", "is_served"),
        [
            (b"POST /v1/evaluate HTTP/1.1\r\n", True),
            (b"GET /v1/health HTTP/1.1\r\n", True),
            (b"GET /v1/card HTTP/1.1\r\n", False),
            (b"GET /v1/card?a=b HTTP/1.1\r\n", False),
            (b"GET /rights HTTP/1.1\r\n", False),
            (b"POST /v1/evaluate", False),
            (b"\x16\x03", False),
        ],
    )
    async def test_a_crowd_at_the_open_routes_keeps_no_member_and_no_monitor_out(
        self, said: bytes, *, is_served: bool
    ) -> None:
        doorway, begun = Doorway(4, Turns(), OPEN), list[FakeLine]()
        for _ in range(40):
            each = FakeLine(A)
            doorway.arrive(each, 0)
            doorway.enter(each, b"GET /v1/card HTTP/1.1", partial(begun.append, each))
            doorway.serve(each)
        new = FakeLine(A)
        doorway.enter(new, said, partial(begun.append, new))
        doorway.close()

        assert (new in begun) is is_served

    async def test_behind_a_crowd_that_claims_to_be_known_the_newest_is_first(
        self,
    ) -> None:
        doorway, begun = Doorway(4, Turns(), OPEN), list[FakeLine]()
        doorway.serve(FakeLine(A))
        is_served = asyncio.Event()
        said = b"POST /v1/evaluate HTTP/1.1\r\n"
        for _ in range(100):
            each = FakeLine(A)
            doorway.enter(each, said, partial(begun.append, each))
        new = FakeLine(A)
        doorway.enter(new, said, is_served.set)
        await is_served.wait()
        served = len(begun)
        doorway.close()

        assert served < 30


class TestRoom:
    def test_the_oldest_body_of_the_prefix_that_has_most_gives_way(self) -> None:
        room, over = Room(100), list[str]()
        with (
            room.hold(B, partial(over.append, "alone")) as alone,
            room.hold(A, partial(over.append, "old")) as old,
            room.hold(A, partial(over.append, "new")) as new,
        ):
            alone(40)
            old(30)
            new(30)
            new(20)
            assert over == ["old"]
            with pytest.raises(RefusedError):
                old(1)

        assert not over[1:]

    def test_what_is_too_large_for_all_of_it_is_refused(self) -> None:
        room, over = Room(100), list[str]()
        with room.hold(A, partial(over.append, "itself")) as take:
            take(60)
            with pytest.raises(RefusedError):
                take(60)
        with room.hold(A, partial(over.append, "next")) as take:
            take(100)

        assert over == []
