# SPDX-License-Identifier: Apache-2.0
import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from fedsafe_node.signals.shielded_intake import Finishing

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Slow:
    """A shelf that has two steps, and waits between them."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.done: list[str] = []

    async def apply(self, origin: str, batch: Any, **_: object) -> None:  # noqa: ANN401
        assert batch is None
        self.begun.set()
        await self.go_on.wait()
        if origin == "bad.demo":
            raise ValueError(origin)
        self.done.append(origin)


async def test_what_was_begun_is_finished_though_nobody_waits_any_more() -> None:
    slow = Slow()
    shelf = Finishing(slow)  # type: ignore[arg-type]
    asking = asyncio.create_task(shelf.apply("a.demo", None, at=NOW))  # type: ignore[arg-type]
    await slow.begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    settling = asyncio.create_task(shelf.settle())
    await asyncio.sleep(0)
    early = settling.done(), list(slow.done)
    slow.go_on.set()
    await settling

    assert early == (False, [])
    assert slow.done == ["a.demo"]


async def test_whoever_waits_hears_of_what_went_wrong() -> None:
    slow = Slow()
    slow.go_on.set()

    with pytest.raises(ValueError, match="bad"):
        await Finishing(slow).apply("bad.demo", None, at=NOW)  # type: ignore[arg-type]
