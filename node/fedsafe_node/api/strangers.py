# SPDX-License-Identifier: Apache-2.0
"""Keeps one from taking what all need: strangers, and whoever is known too.

Whether somebody is a stranger shows only with the request, and often only behind its
signature. So three things are bounded for all who are not known. Each is shared out by
*prefix* (/24 of IPv4, /48 of IPv6), since a stranger has many addresses of one prefix
more easily than many prefixes:

* **Turns**: how many of their requests begin in a second, and how many bytes they
  bring. A route that is open to all takes a turn before its body is read. Elsewhere
  whoever turns out to be nobody waits for one before the refusal leaves. So the loop
  never has more than a few of their requests beside those of members.
* **Lines**: connections that have brought no credential and no member's signature. When
  there are too many, the one that has been quiet for longest goes, of the prefix that
  has most. So whoever comes is heard, and what hangs open is given up.
* **Room** for bodies that are still arriving: likewise.

Lines of those who are known are bounded as well, shared out by who asks: where there
are too many, one of whoever has most goes, one that asks nothing just now first.

Behind a proxy that is listed (`forwarded`) turns go by the prefixes of its clients;
lines and their bytes are the proxy's own. Behind another all have one prefix: there the
bounds hold for all strangers together.
"""

import asyncio
import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Final, Protocol

from fedsafe_node.api.codes import Code
from fedsafe_node.api.problems import RefusedError
from fedsafe_node.ground.trace import Asker

TURNS_PER_SECOND: Final = 200.0
TURNS_AT_ONCE: Final = 16.0
TURN_BYTES: Final = 64 * 1024
PATIENCE_SECONDS: Final = 5.0
EXCESS_PER_SECOND: Final = 100.0  # refusals of members that ask beyond their share
PROBES_PER_SECOND: Final = 50.0  # of the node's health, which monitors ask
MOST_LINES: Final = 512  # of strangers
_STRANGERS_PART: Final = 4  # of all lines at most one in so many is a stranger's
_SILENT_PART: Final = 8  # and one in so many is kept for those who have just come
ENTRIES_PER_SECOND: Final = 100.0
CLAIMS_PER_SECOND: Final = 1_000.0  # new lines, of services that keep none open too
CLAIMS_AT_ONCE: Final = 64.0
ENTRY_SECONDS: Final = 30.0
"""So long a line waits: whoever is hung up on comes again, and costs more than that."""
_LINE, _WORDS = 512, 3  # of a request line
_LAG_TIMES: Final = 3  # so many times as long as the loop was late, strangers wait
_LEAST_PAUSE: Final = 0.002
IN_ORDER_SECONDS: Final = 4.0  # well before somebody gives up
_NEWEST_FIRST: Final = 0.0  # a member that just came has a lookup's time only
_V4_BITS: Final = 24
_V6_BITS: Final = 48


def prefix_of(address: str | None) -> str:
    """Truncate an address to the network that its user can be taken to share."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, ipaddress.IPv4Address):
        return str(ipaddress.IPv4Network((int(found), _V4_BITS), strict=False))
    return str(ipaddress.IPv6Network((int(found), _V6_BITS), strict=False))


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    until: float
    cost: float
    begin: Callable[[], None]
    give_up: Callable[[], None]


class Turns:
    """Lets strangers begin one after the other, each prefix in turn.

    Of one prefix the oldest comes first, as long as all of them can be served within
    *in_order* seconds. Where they are more the newest does: else each would be served
    just as it gives up. When the loop is late, all wait longer.

    Owned by the event loop: `_left`, the turns that may be taken at once, as of `_at`;
    `_waiting`, by prefix in the order in which they are served; `_timer`.
    """

    def __init__(
        self,
        rate: float = TURNS_PER_SECOND,
        at_once: float = TURNS_AT_ONCE,
        patience: float = PATIENCE_SECONDS,
        in_order: float = IN_ORDER_SECONDS,
    ) -> None:
        self._rate = rate
        self._most = at_once
        self._patience = patience
        self._servable = rate * in_order
        self._left = at_once
        self._at = 0.0
        self._waiting: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def are_used_up(self) -> bool:
        """Whether whoever comes now has to wait."""
        self._refill(asyncio.get_running_loop().time())
        return bool(self._waiting) or self._left < 1

    async def take(self, prefix: str) -> None:
        """Wait for a turn.

        Raises:
            RefusedError: it has waited for too long.
        """
        turn = asyncio.get_running_loop().create_future()

        def end(error: Exception | None = None) -> None:
            if turn.done():
                return
            if error is None:
                turn.set_result(None)
            else:
                turn.set_exception(error)

        self.ask(prefix, end, lambda: end(RefusedError(Code.BUSY)))
        await turn

    def ask(
        self,
        prefix: str,
        begin: Callable[[], None],
        give_up: Callable[[], None],
        *,
        size: int = 0,
    ) -> None:
        """Call *begin* when it is a prefix's turn, or *give_up* if it takes too long.

        If nobody waits, *begin* is called at once. Whoever brings *size* bytes uses
        more than one turn up.
        """
        loop = asyncio.get_running_loop()
        now, cost = loop.time(), 1 + size / TURN_BYTES
        if not self.are_used_up():
            self._left -= cost
            begin()
            return
        waiter = _Waiter(now + self._patience, cost, begin, give_up)
        self._waiting.setdefault(prefix, deque()).append(waiter)
        if self._timer is None:
            self._plan(loop)

    def charge(self) -> None:
        """Use a turn up for what could not be made to wait."""
        self._refill(asyncio.get_running_loop().time())
        self._left -= 1

    def close(self) -> None:
        """Let nobody wait any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, OrderedDict()
        for waiter in chain.from_iterable(waiting.values()):
            waiter.give_up()

    def _refill(self, now: float) -> None:
        gained = (now - self._at) * self._rate
        self._left, self._at = min(self._most, self._left + gained), now

    def _are_servable(self) -> bool:
        """Whether all of the next prefix are served soon enough."""
        waiters = next(iter(self._waiting.values()))
        return len(waiters) * len(self._waiting) <= self._servable

    def _plan(self, loop: asyncio.AbstractEventLoop, late: float = 0.0) -> None:
        owed = max(0.0, 1 - self._left) / self._rate
        pause = max(_LEAST_PAUSE, owed, _LAG_TIMES * late)
        when = loop.time() + min(pause, self._patience)
        self._timer = loop.call_at(when, self._serve, when)

    def _serve(self, when: float) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._refill(now)
        self._timer = None
        for prefix, waiters in list(self._waiting.items()):
            while waiters and waiters[0].until <= now:
                waiters.popleft().give_up()
            if not waiters:
                del self._waiting[prefix]
        while self._waiting and self._left >= 1:
            are_servable = self._are_servable()
            prefix, waiters = self._waiting.popitem(last=False)
            waiter = waiters.popleft() if are_servable else waiters.pop()
            if waiters:
                self._waiting[prefix] = waiters  # behind all others
            self._left -= waiter.cost
            waiter.begin()
        if self._waiting and self._timer is None:
            self._plan(loop, now - when)


class Line(Protocol):
    """A connection that can be given up; of the node's own user it has no prefix."""

    prefix: str

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way, or its answer."""
        ...

    def give_up(self) -> None:
        """Hang up at once."""
        ...


class Lines:
    """Connections of which there are to be no more than *most*, shared out.

    Owned by the event loop: whose share each line is in, and the lines of each share,
    the one that was quiet for longest first. Where *idle_first*, a line of which a
    request is under way is given up only where all of its share are so.
    """

    def __init__(self, most: int, *, idle_first: bool = False) -> None:
        self._most = most
        self._idle_first = idle_first
        self._share: dict[Line, Hashable] = {}
        self._of: dict[Hashable, OrderedDict[Line, None]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._share)

    @property
    def is_full(self) -> bool:
        """Whether another one is one too many."""
        return len(self) >= self._most

    def add(self, line: Line, share: Hashable) -> None:
        """Keep one in a share; where that is one too many, another one is given up."""
        if self._share.get(line) == share:
            self.answered(line)
            return
        self.remove(line)
        self._share[line] = share
        self._of.setdefault(share, OrderedDict())[line] = None
        if len(self) > self._most:
            self.give_one_up()

    def give_one_up(self) -> bool:
        """Hang up on the one that can be spared, if there is any."""
        if not self._of:
            return False
        lines = max(self._of.values(), key=len)
        line = next(iter(lines))
        if self._idle_first:
            line = next((each for each in lines if not each.is_busy), line)
        self.remove(line)
        line.give_up()
        return True

    def answered(self, line: Line) -> None:
        """Know that a line was of use just now."""
        if line in self._share:
            self._of[self._share[line]].move_to_end(line)

    def remove(self, line: Line) -> None:
        """Forget a line, if it is one of them: it has ended, or is another's now."""
        if line not in self._share:
            return
        share = self._share.pop(line)
        del self._of[share][line]
        if not self._of[share]:
            del self._of[share]

    def close(self) -> None:
        """Hang up on all."""
        while self.give_one_up():
            pass


class Doorway:
    """Where connections over TCP wait until they say something, or for their turn.

    One that says nothing costs little, and not for long. As long as strangers are few
    whoever speaks is served at once. Where they crowd it takes a turn, and the line of
    another stranger is given up for it. Who asks for what is not open to all waits in a
    wider queue of its own, so that a crowd at the open routes keeps no new line of a
    member or a service out. Those who are known have the rest of all lines, less a part
    for those who have just come: so who is known can always come, and is then one more
    to share.
    Owned by the event loop, with all in it.
    """

    def __init__(self, most: int, turns: Turns, open_: Collection[bytes]) -> None:
        """Serve *most* lines; *open_* are what all may ask, as `METHOD /path`."""
        self._most = most
        self._open = frozenset(open_)
        self._entries = Turns(ENTRIES_PER_SECOND, patience=ENTRY_SECONDS)
        self._claims = Turns(
            CLAIMS_PER_SECOND, CLAIMS_AT_ONCE, ENTRY_SECONDS, _NEWEST_FIRST
        )
        # Each new line ends another one then, which is to have lived for a second.
        self._contested = Turns(patience=ENTRY_SECONDS, in_order=_NEWEST_FIRST)
        self.turns = turns
        strangers = max(1, min(MOST_LINES, most // _STRANGERS_PART))
        silent = max(1, most // _SILENT_PART)
        self.lines = Lines(strangers)
        self.holders = Lines(max(1, most - strangers - silent), idle_first=True)
        self.waiting = Lines(most)

    def arrive(self, line: Line, others: int) -> None:
        """Keep a line that has just come, beside so many *others* that are served."""
        self.waiting.add(line, line.prefix)
        if len(self.waiting) + others > self._most:
            spare = self.lines if len(self.waiting) == 1 else self.waiting
            _ = spare.give_one_up() or self.waiting.give_one_up()

    def enter(self, line: Line, said: bytes, begin: Callable[[], None]) -> None:
        """Call *begin* when a line that has *said* something may be served."""
        if self._is_claim(said):
            queue = self._contested if self.lines.is_full else self._claims
            queue.ask(line.prefix, begin, line.give_up)
        elif self.lines.is_full or self.turns.are_used_up():
            self._entries.ask(line.prefix, begin, line.give_up)
        else:
            begin()

    def serve(self, line: Line) -> None:
        """Count a line as a stranger's: nobody is known at its other end."""
        self.holders.remove(line)
        self.lines.add(line, line.prefix)

    def hold(self, line: Line, asker: Asker) -> None:
        """Count a line as one of whoever is known at its other end."""
        self.lines.remove(line)
        self.holders.add(line, asker)

    def answered(self, line: Line) -> None:
        """Know that a line was of use just now."""
        self.lines.answered(line)
        self.holders.answered(line)

    def lose(self, line: Line) -> None:
        """Forget a line that has ended."""
        self.lines.remove(line)
        self.holders.remove(line)

    def _is_claim(self, said: bytes) -> bool:
        """Whether a request is for whoever is known, as far as its first line says."""
        words = said[:_LINE].partition(b"\r\n")[0].split(b" ")
        if len(words) != _WORDS or not words[1].startswith(b"/v1/"):
            return False
        return b" ".join((words[0], words[1].partition(b"?")[0])) not in self._open

    def close(self) -> None:
        """Let nobody wait any more."""
        for queue in (self.turns, self._entries, self._claims, self._contested):
            queue.close()
        self.waiting.close()


@dataclass(slots=True, eq=False)
class _Body:
    prefix: str
    give_up: Callable[[], None]
    taken: int = 0
    is_over: bool = False


class Room:
    """Bounds the bytes of all bodies that are arriving from askers not yet known.

    Owned by the event loop: `_left`, and the bodies in the order in which they began.
    A body that came whole takes no room. Where there is none left, the oldest body of
    the prefix that has most gives way: one that hangs keeps no member out.
    """

    __slots__ = ("_bodies", "_left")

    def __init__(self, size: int) -> None:
        self._left = size
        self._bodies: dict[_Body, None] = {}

    @contextmanager
    def hold(
        self, prefix: str, give_up: Callable[[], None]
    ) -> Iterator[Callable[[int], None]]:
        """Give the function that takes room; all of it is free again at the end.

        That function raises `RefusedError` where this body is the one that gives way.
        If it is so later, *give_up* is called.
        """
        body = _Body(prefix, give_up)
        self._bodies[body] = None

        def take(size: int) -> None:
            while size > self._left and not body.is_over:
                self._free(body)
            if body.is_over:
                raise RefusedError(Code.BUSY)
            self._left -= size
            body.taken += size

        try:
            yield take
        finally:
            self._left += body.taken
            self._bodies.pop(body, None)

    def _free(self, asker: _Body) -> None:
        sums: dict[str, int] = {}
        for each in self._bodies:
            sums[each.prefix] = sums.get(each.prefix, 0) + each.taken
        prefix = max(sums, key=sums.__getitem__)
        body = next((e for e in self._bodies if e.prefix == prefix and e.taken), asker)
        self._bodies.pop(body)
        self._left, body.taken, body.is_over = self._left + body.taken, 0, True
        if body is not asker:
            body.give_up()
