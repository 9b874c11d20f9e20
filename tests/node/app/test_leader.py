# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import logging

import pytest
from tests.support.workers import Turns

from fedsafe_node.app.leader import lead
from fedsafe_node.ground.telemetry import LOGGER, SafeFormatter


class Node:
    """Notes when its terms begin and end."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.terms: list[str] = []
        self.changed = asyncio.Event()

    async def begin(self) -> None:
        self.note("begins")
        if self.failures:
            self.failures -= 1
            raise RuntimeError("cannot begin")

    async def end(self) -> None:
        self.note("ends")

    def note(self, what: str) -> None:
        self.terms.append(what)
        self.changed.set()

    async def reaches(self, *terms: str) -> None:
        async with asyncio.timeout(10):
            while self.terms != list(terms):
                await self.changed.wait()
                self.changed.clear()


def leading(turns: Turns, node: Node) -> asyncio.Task[None]:
    term = lead(turns, begin=node.begin, end=node.end, pause=0)  # type: ignore[arg-type]
    return asyncio.create_task(term)


async def cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_term_lasts_from_the_win_to_the_loss() -> None:
    turns, node = Turns(), Node()
    task = leading(turns, node)

    turns.win()
    await node.reaches("begins")
    turns.lose()
    await node.reaches("begins", "ends")
    turns.win()
    await node.reaches("begins", "ends", "begins")

    await cancel(task)


async def test_a_term_that_cannot_begin_is_given_up_and_tried_again() -> None:
    turns, node = Turns(), Node(failures=1)
    turns.win()
    task = leading(turns, node)

    await node.reaches("begins", "ends", "begins")

    await cancel(task)
    assert turns.given_up == 2


async def test_whoever_is_told_to_stop_ends_its_term() -> None:
    turns, node = Turns(), Node()
    turns.win()
    task = leading(turns, node)
    await node.reaches("begins")

    await cancel(task)

    assert node.terms == ["begins", "ends"]
    assert turns.given_up == 1


async def test_a_term_is_logged_from_its_begin_to_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    turns, node = Turns(), Node()
    task = asyncio.create_task(
        lead(turns, begin=node.begin, end=node.end, number=3, pause=0)  # type: ignore[arg-type]
    )

    turns.win()
    await node.reaches("begins")
    turns.lose()
    await node.reaches("begins", "ends")
    turns.win()
    await node.reaches("begins", "ends", "begins")
    await cancel(task)

    told = [SafeFormatter().format(record) for record in caplog.records]
    lines = [json.loads(line) for line in told]
    assert [(line["event"], line["index"], line["reason"]) for line in lines] == [
        ("leads", 3, "won"),
        ("leads no more", 3, "lost"),
        ("leads", 3, "won"),
        ("leads no more", 3, "stopped"),
    ]
