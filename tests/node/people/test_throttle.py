# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.ground.errors import TooManyTriesError
from fedsafe_node.people.throttle import FORGOTTEN, Counter, count_tries, wait_after
from fedsafe_node.store.protocol import Store

COUNTER = Counter("k")


@given(st.integers(0, 10**6), st.integers(0, 50), st.integers(1, 10**5))
def test_waits_never_shrink_and_are_bounded(
    failures: int, free: int, longest: int
) -> None:
    counter = Counter("k", free=free, longest=longest)
    wait, next_wait = (wait_after(n, counter) for n in (failures, failures + 1))

    assert 0 <= wait <= next_wait <= longest
    assert (wait == 0) == (failures < free)


async def test_the_first_tries_are_free_and_waits_double(store: Store) -> None:
    now = 1_000
    waits: list[int] = []
    for _ in range(8):
        for _ in range(3 if not waits else 1):
            await count_tries(store, [COUNTER], now)
        with pytest.raises(TooManyTriesError) as caught:
            await count_tries(store, [COUNTER], now)
        waits.append(caught.value.retry_after_ms // 1_000)
        now += waits[-1]

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128]


async def test_a_hundred_at_once_are_counted_one_by_one(store: Store) -> None:
    tries = [count_tries(store, [COUNTER], 1_000) for _ in range(100)]
    results = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(result is None for result in results) == 3
    assert sum(isinstance(r, TooManyTriesError) for r in results) == 97


async def test_one_name_that_must_wait_leaves_the_other_uncounted(
    store: Store,
) -> None:
    other = Counter("o")
    for _ in range(3):
        await count_tries(store, [COUNTER], 1_000)
    with pytest.raises(TooManyTriesError):
        await count_tries(store, [other, COUNTER], 1_000)

    assert await store.read(lambda r: r.throttle("o")) is None


async def test_a_quiet_day_forgets(store: Store) -> None:
    for _ in range(3):
        await count_tries(store, [COUNTER], 1_000)
    later = 1_000 + FORGOTTEN + 1
    for _ in range(3):
        await count_tries(store, [COUNTER], later)
    kept = await store.read(lambda r: r.throttle("k"))

    assert kept is not None
    assert kept.failures == 3
