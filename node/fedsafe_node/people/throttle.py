# SPDX-License-Identifier: Apache-2.0
"""Slows down whoever guesses: per account and place, per place, and per account.

A try is counted *before* it is checked, so a hundred at once are still counted one
by one. After a few free ones each failure doubles the wait: up to a quarter of an hour
for an account from one place, and a minute for a place, since many may come from
one. An account from all places together has many free tries and short waits, for
whoever guesses must not keep its person out. The node's own user is a place that
nobody else adds to. A success clears the account's counters, a day without failures
clears everything. Names that nobody has are counted like those that somebody has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_node.ground.errors import TooManyTriesError
from fedsafe_node.people.vault import Vault
from fedsafe_node.store.people_rows import ThrottleRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction

FORGOTTEN: Final = 24 * 60 * 60
_DOUBLINGS: Final = 10  # 2**10 s is longer than the longest wait


@dataclass(frozen=True, slots=True)
class Counter:
    """A blinded name under which failures are counted, and how many are free.

    No wait is longer than `longest` seconds. A `budget` is not slowed down: once its
    free ones are used it waits that long at once.
    """

    key: str
    free: int = 3
    longest: int = 15 * 60
    budget: bool = False


def login_counters(vault: Vault, name: str, source: str) -> Sequence[Counter]:
    """Name the counters of a login from a place, "" for this machine.

    The first is the account's from that place; the last, if there are more, the
    place's own.
    """
    here = Counter(vault.blind("account_from", f"{name}\n{source}"))
    if not source:
        return (here,)
    everywhere = Counter(vault.blind("account", name), free=1_000, longest=5)
    return here, everywhere, place_counter(vault, source)


def place_counter(vault: Vault, source: str) -> Counter:
    """Name the counter of all tries from a place."""
    return Counter(vault.blind("source", source), free=20, longest=60)


def wait_after(failures: int, counter: Counter) -> int:
    """Return the seconds to wait after so many failures in a row."""
    over = failures - counter.free
    if counter.budget:
        return 0 if over < 0 else counter.longest
    return 0 if over < 0 else min(2 ** min(over, _DOUBLINGS), counter.longest)


async def count_tries(store: Store, counters: Sequence[Counter], now: int) -> None:
    """Count a try under several names in one act, before it is checked.

    Raises:
        TooManyTriesError: a wait is not over yet; nothing is counted.
    """

    async def act(tx: Transaction) -> None:
        await tx.forget_throttles(now - FORGOTTEN)
        for counter in counters:
            await _count(tx, counter, now)

    await store.write(act, vital=True)


async def uncount_tries(store: Store, counters: Sequence[Counter], now: int) -> None:
    """Take back a try that was counted within budgets and came to nothing."""

    async def act(tx: Transaction) -> None:
        await take_back(tx, counters, now)

    await store.write(act)


async def take_back(tx: Transaction, counters: Sequence[Counter], now: int) -> None:
    """Take a try back within the act that it led to."""
    for counter in counters:
        row = await tx.throttle(counter.key)
        if row is not None and row.failures:
            fewer = replace(row, failures=row.failures - 1, until=now)
            await tx.put_throttle(fewer)


async def wait_for(reader: Reader, counters: Sequence[Counter], now: int) -> int:
    """Say in how many seconds a try under several names would be counted; 0 for now."""
    rows = [await reader.throttle(counter.key) for counter in counters]
    return max((row.until - now for row in rows if row is not None), default=0)


async def _count(tx: Transaction, counter: Counter, now: int) -> None:
    row = await tx.throttle(counter.key)
    if row is not None and now < row.until:
        raise TooManyTriesError((row.until - now) * 1_000)
    known = row.failures if row is not None and now - row.seen_at < FORGOTTEN else 0
    failures = known + 1
    await tx.put_throttle(
        ThrottleRow(
            key=counter.key,
            failures=failures,
            until=now + wait_after(failures, counter),
            seen_at=now,
        )
    )
