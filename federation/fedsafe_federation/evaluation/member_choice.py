# SPDX-License-Identifier: Apache-2.0
"""Whom to ask in one lookup, when to ask one more, and whom to avoid.

A member is *silent* once it has been asked and has not answered within its patience:
150 ms, more for a batch, less where the deadline is near. Silence costs one lookup that
wait and no answer: the place is filled by the next member at once, and whoever answers
first counts (a *hedge*). Each silent place is filled so once; a `Round` decides it.

A silent member is *avoided*: others are asked first, for a span that doubles with each
silence in a row, up to two minutes, and that an answer in time halves. Behind it one
lookup asks it anew, and until that one knows no other does. So a member that has come
back is asked within two minutes, however long it was silent. Avoided is not shut out:
without enough others it is asked all the same, last.

A hedge costs elements of the budget at who is silent, if they come through. So hedges
have an allowance, a tenth of all that is asked; without it the place is filled later,
when half of the time is over, lest the allowance defer a lookup that others can answer.

Pure: moments are seconds of one monotonic clock, and come in. What keeps them is owned
by the event loop. Members learn nothing of it but that they are asked or not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

PATIENCE: Final = 0.15
AN_ELEMENT: Final = 0.002
"""So much more patience an element takes: honest members work that long on a batch."""
FIRST_SPAN: Final = 5.0
LONGEST_SPAN: Final = 120.0
JITTER: Final = 0.25
"""Spans are shorter by up to this share, so that nodes do not come back all at once."""
HEDGED: Final = 0.1
MOST_HEDGED: Final = 256.0
_LEAST_PATIENCE: Final = 0.02
_HELD_UP: Final = 0.05


def patience_of(elements: int, left: float) -> float:
    """Say in how many seconds a member has to answer, of those that are left."""
    most = PATIENCE + elements * AN_ELEMENT
    return min(most, max(_LEAST_PATIENCE, left / 4), left / 2)


@dataclass(frozen=True, slots=True)
class Silence:
    """How often a member was silent in a row, and how that stands.

    `since` is the last silence or answer; who was asked before it tells nothing new.
    Others are asked first until `until`; None: it has answered since.
    """

    times: int
    since: float
    until: float | None

    def avoided(self, now: float) -> bool:
        """Whether others are asked first."""
        return self.until is not None and now < self.until

    def doubtful(self, now: float) -> bool:
        """Whether its span is over and nobody knows yet."""
        return self.until is not None and now >= self.until


def lengthen(
    before: Silence | None, *, asked: float, now: float, jitter: float
) -> Silence:
    """Count a silence of who was asked at a moment; *jitter* is of [0, 1)."""
    if before is not None and asked < before.since:
        return before
    times = 1 if before is None else before.times + 1
    span = min(LONGEST_SPAN, FIRST_SPAN * 2.0 ** min(times - 1, 16))
    return Silence(times, now, now + span * (1 - JITTER * jitter))


def shorten(before: Silence, *, now: float) -> Silence | None:
    """Count an answer in time; None when nothing is held against the member."""
    times = before.times // 2
    return Silence(times, now, None) if times else None


class Allowance:
    """What hedges may cost: a share of the elements that are asked for."""

    def __init__(self) -> None:
        self._left = MOST_HEDGED

    def earn(self, elements: int) -> None:
        """Add the share of what is asked for."""
        self._left = min(MOST_HEDGED, self._left + HEDGED * elements)

    def spend(self, elements: int) -> bool:
        """Take a hedge's elements, if any are left; a batch may take it below none."""
        if self._left <= 0:
            return False
        self._left -= elements
        return True


class Silences:
    """What is known of each member's silence, for all keys of a federation.

    *draw* gives so many random bytes.
    """

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        self._draw = draw
        self._known: dict[str, Silence] = {}
        self.allowance = Allowance()

    def rank(self, member: str, now: float) -> tuple[int, float]:
        """Say how late a member is asked: the avoided last, the longest silent last."""
        known = self._known.get(member)
        if known is None or not known.avoided(now):
            return 0, 0.0
        return known.times, known.until or 0.0

    def asked(self, member: str, now: float, patience: float) -> None:
        """Know who is asked; a doubtful member by nobody else until that is over."""
        known = self._known.get(member)
        if known is not None and known.doubtful(now):
            self._known[member] = replace(known, until=now + 2 * patience)

    def fell_silent(self, member: str, *, asked: float, now: float) -> bool:
        """Know that a member which was asked at a moment has not answered in time.

        Say whether that is news: it had answered all before.
        """
        before, jitter = self._known.get(member), self._draw(1)[0] / 256
        self._known[member] = lengthen(before, asked=asked, now=now, jitter=jitter)
        return before is None

    def answered(self, member: str, now: float) -> bool:
        """Know that a member has answered in time; say whether it is silent no more."""
        known = self._known.pop(member, None)
        left = None if known is None else shorten(known, now=now)
        if left is not None:
            self._known[member] = left
        return known is not None and left is None


@dataclass(slots=True)
class _Asked:
    """A member that is asked: since when, and whether its place was filled anew."""

    since: float
    sent: bool = False
    heard: bool = False
    silent: bool = False
    relieved: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done: whom to ask, and when to look again."""

    ask: Sequence[str]
    wake: float | None


@dataclass(slots=True)
class Round:
    """Who is asked for one evaluation of so many elements.

    `needed` answers are still to come, `waiting` are asked in that order. At `half`
    the places of the silent are filled without any allowance.
    """

    needed: int
    waiting: list[str]
    elements: int
    patience: float
    half: float
    _running: dict[str, _Asked] = field(default_factory=dict)
    _wake: float | None = None

    @property
    def goes_on(self) -> bool:
        """Whether answers are needed, and may come."""
        return self.needed > 0 and bool(self.waiting or self._running)

    @property
    def is_stuck(self) -> bool:
        """Whether nobody is left to ask, and all who were are silent."""
        asked = self._running.values()
        return not self.waiting and all(each.silent for each in asked)

    def step(self, now: float, allowance: Allowance) -> Step:
        """Fill free places, and those of the silent."""
        holding = sum(not each.relieved for each in self._running.values())
        ask = self._take(self.needed - holding)
        allowance.earn(self.elements * len(ask))
        for each in list(self._mute()):
            if self.waiting and (now >= self.half or allowance.spend(self.elements)):
                each.relieved = True
                ask += self._take(1)
        self._running |= {name: _Asked(now) for name in ask}
        self._wake = self._next()
        return Step(ask, self._wake)

    def overdue(self, now: float) -> list[str]:
        """Give who is silent since the last look; to be asked before each step."""
        self._excuse(now)
        found: list[str] = []
        for name, each in self._running.items():
            if each.heard or each.silent or now < each.since + self.patience:
                continue
            if each.sent:
                each.silent = True
                found.append(name)
            else:
                each.since = now
        return found

    def since(self, member: str) -> float:
        """Say since when a member is asked."""
        return self._running[member].since

    def sent(self, member: str, now: float) -> None:
        """Know that a request is on its way; before, this node itself was slow."""
        asked = self._running[member]
        asked.since, asked.sent = now, True

    def heard(self, member: str) -> bool:
        """Know that an answer is here, to be checked; say whether it came in time."""
        asked = self._running[member]
        asked.heard = True
        return not asked.silent

    def ended(self, member: str, *, answered: bool) -> None:
        """Know that a member is asked no more: it has answered rightly, or failed."""
        del self._running[member]
        self.needed -= answered

    def _take(self, count: int) -> list[str]:
        taken = self.waiting[: max(0, count)]
        del self.waiting[: len(taken)]
        return taken

    def _mute(self) -> list[_Asked]:
        """Give who holds a place and is silent."""
        asked = self._running.values()
        return [e for e in asked if e.silent and not e.relieved and not e.heard]

    def _excuse(self, now: float) -> None:
        """Let answers be read that lay here while this node was held up itself."""
        if self._wake is None or now >= self.half or now - self._wake <= _HELD_UP:
            return
        for each in self._running.values():
            each.since = max(each.since, now - self.patience + _HELD_UP)

    def _next(self) -> float | None:
        moments = [
            each.since + self.patience
            for each in self._running.values()
            if not (each.heard or each.silent)
        ]
        if self.waiting and self._mute():
            moments.append(self.half)
        return min(moments, default=None)
