# SPDX-License-Identifier: Apache-2.0
import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.ground.trace import begin, current, trace_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
NEW = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize(
    "parent",
    [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-x"],
)
def test_the_trace_that_a_request_brings_is_taken_over(parent: str) -> None:
    assert trace_of(parent) == TRACE


@pytest.mark.parametrize(
    "parent",
    [
        None,
        "",
        TRACE,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[:-1]}-{SPAN}-01",
    ],
)
def test_anything_else_gets_a_new_trace(parent: str | None) -> None:
    found = trace_of(parent)

    assert NEW.fullmatch(found)
    assert found != TRACE
    assert found != trace_of(parent)


@given(st.text())
def test_a_trace_is_always_32_hex_digits(text: str) -> None:
    assert NEW.fullmatch(trace_of(text))


async def test_requests_at_once_keep_their_traces_apart() -> None:
    async def one() -> bool:
        mine = begin()
        await asyncio.sleep(0)
        return current() is mine

    assert current() is None
    assert all(await asyncio.gather(one(), one(), one()))
    assert current() is None
