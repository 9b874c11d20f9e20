# SPDX-License-Identifier: Apache-2.0
"""Which request, or which job, is under way: what its audit events and log lines share.

A request may bring a W3C `traceparent`; its trace id is taken over, so that the
provider finds in our log what its own tracing names. Anything else gets a new one, and
so does the refusal of whoever has proved to be nobody.
The id is in the answer of a problem, in the log line and in the opening of the audit
event, never in a record of the log: whoever holds the provider's traces could tell
by it whom a record is about.
"""

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

_TRACE_BYTES: Final = 16
_DRAWN: Final = 256
"""So many trace ids are drawn at once: they are random, and no secrets."""
_PARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget: how much it holds, is left, and in how many seconds there is more.

    It has the name and the length in seconds of the time that it is for.
    """

    quota: int
    left: int
    seconds: int
    name: str = "hour"
    window: int = 3_600


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, once that is proved: a `service`, a `person` or a `member`, by name."""

    kind: str
    name: str


@dataclass(slots=True)
class Asking:
    """One request or job: its trace, the member that asks, the events that it made.

    `asker` is None as long as nobody has proved to be anybody.
    `is_idle` is whether somebody has said that nothing happened, `limits` the budgets
    that it was counted against. Owned by whoever began it; acts of the store add to
    `events` on their thread, one after the other.
    """

    trace: str
    peer: str | None = None
    events: set[str] = field(default_factory=set)
    limits: tuple["Limit", ...] = ()
    is_idle: bool = False
    asker: Asker | None = None


_ASKING: Final[ContextVar[Asking | None]] = ContextVar("asking", default=None)


def begin(traceparent: str | None = None) -> Asking:
    """Begin a request or a job: all that follows in this context belongs to it."""
    asking = Asking(trace_of(traceparent))
    _ASKING.set(asking)
    return asking


def current() -> Asking | None:
    """Return what is under way; None outside of any request and job."""
    return _ASKING.get()


def recognised(kind: str, name: str) -> None:
    """Say who is behind the request under way, once that is proved."""
    asking = current()
    if asking is not None:
        asking.asker = _asker(kind, name)


@lru_cache(maxsize=256)  # so that a line knows by identity who asks again
def _asker(kind: str, name: str) -> Asker:
    return Asker(kind, name)


def nothing_happened() -> None:
    """Say that the request under way has done and told nothing that is an event."""
    asking = current()
    if asking is not None:
        asking.is_idle = True


def counted(event: str) -> None:
    """Say that the request under way is counted in what becomes such an event."""
    asking = current()
    if asking is not None:
        asking.events.add(event)


def limits(*stands: Limit) -> None:
    """Say how the budgets stand that the request under way was counted against."""
    asking = current()
    if asking is not None:
        asking.limits = tuple(map(_none_below_zero, stands))


def _none_below_zero(limit: Limit) -> Limit:
    if limit.left >= 0 and limit.seconds >= 0:
        return limit
    return replace(limit, left=max(0, limit.left), seconds=max(0, limit.seconds))


def counted_with(other: Asking) -> None:
    """Say that the request under way was counted together with others, by *other*."""
    asking = current()
    if asking is not None:
        asking.events |= other.events


def trace_of(traceparent: str | None = None) -> str:
    """Return the trace id of a `traceparent`, or a new one if there is none.

    A later version may have more behind the flags, version 00 has not.
    """
    found = _PARENT.fullmatch(traceparent) if traceparent else None
    if found is None or (found[2] and traceparent and traceparent.startswith("00-")):
        return _new()
    return found[1]


def _new() -> str:
    while True:
        try:
            return _NEW.pop()
        except IndexError:
            text, size = os.urandom(_TRACE_BYTES * _DRAWN).hex(), 2 * _TRACE_BYTES
            _NEW.extend(text[at : at + size] for at in range(0, len(text), size))


_NEW: Final[list[str]] = []
