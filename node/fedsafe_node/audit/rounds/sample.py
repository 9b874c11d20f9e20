# SPDX-License-Identifier: Apache-2.0
"""What a round reviews: a sample that nobody can steer, all alarms, all refusals.

The opening fixes how far the log goes, and the seed; entries are ranked by
HMAC-SHA-256(seed, index), so whoever has the opening can draw the sample again.
"""

import hmac
from dataclasses import dataclass
from typing import Final

from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.audit.rounds.kinds import KINDS, SAMPLED, TAKEN, Kind, classes_of
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.event_index import MOST_OPENED, Looked, candidates, runs
from fedsafe_node.log.pseudonyms import PSEUDONYM
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row

MOST_TRIED: Final = 20_000
"""Entries of a kind that are opened for a sample, at most: services act as well."""
_AT_ONCE: Final = 500
MOST_TAKEN: Final = 5_000
"""Alarms and refusals that one round takes: the next round begins with what is more."""


class Opened(Row, frozen=True, kw_only=True):
    """How a round was opened; `root` and `seed` are hexadecimal.

    One that is `cut` ends before the log did, since it would have taken too many.
    """

    v: int
    since: int
    size: int
    root: str
    seed: str
    sample: int
    cut: bool = False


class Drawn(Row, frozen=True, kw_only=True):
    """Which entries the sample has, and how many others there are or were passed.

    `of` counts by kind the entries that the round has, services' acts among them, and
    of more than `MOST_OPENED` also what the index has not taken in yet. The sample is
    drawn from `MOST_TRIED` of them at most.
    """

    v: int
    reads: list[int]
    decisions: list[int]
    exports: list[int]
    alarms: int
    refusals: int
    own: int
    unattributable: int
    of: dict[str, int] = {}  # noqa: RUF012 - msgspec copies it

    @property
    def chosen(self) -> frozenset[int]:
        """All entries of the sample."""
        return frozenset((*self.reads, *self.decisions, *self.exports))


@dataclass(frozen=True, slots=True)
class People:
    """Says whose acts entries are, and never makes a key to say so."""

    trail: AuditTrail

    def behind(self, actor: str | None) -> str | None:
        """Name who acted; None if nobody can any more.

        A service or the node itself, which is no person, has an empty name.
        """
        pseudonyms = self.trail.pseudonyms
        if actor is None or pseudonyms is None:
            return actor
        if not PSEUDONYM.fullmatch(actor):
            return ""
        try:
            return pseudonyms.name_behind(actor)
        except (NotFoundError, WrongStateError):
            return None


def kind_of(event: AuditEvent) -> Kind:
    """Say what an event is to a round."""
    return KINDS[Event(event.event)]


def rank(seed: bytes, index: int) -> bytes:
    """Return the place of an entry in the draw."""
    return hmac.digest(seed, index.to_bytes(8), "sha256")


async def draw(
    reader: Reader, log: str, opened: Opened, people: People, opener: str
) -> Drawn:
    """Draw the sample of a round, without the opener's own acts.

    Raises:
        CorruptLogError: an entry is no audit event.
        CorruptRowError: the index is not as it was written.
    """
    seed, chosen, passed = bytes.fromhex(opened.seed), dict[Kind, list[int]](), [0, 0]
    of: dict[str, int] = {}
    for kind in SAMPLED:
        found = chosen[kind] = list[int]()
        meant = await _meant(reader, log, opened, frozenset({kind}), 0)
        if len(meant) <= MOST_OPENED:  # what the index lacks may be of another kind
            meant = await _of_kind(reader, log, meant, kind)
        meant.sort(key=lambda index: rank(seed, index))
        of[kind.value] = len(meant)
        for index in meant[:MOST_TRIED]:
            if len(found) == opened.sample:
                break
            [event] = await read_log_events(reader, log, index, 1)
            if kind_of(event) is not kind:
                continue
            name = people.behind(event.actor)
            if name is None:
                passed[1] += 1
            elif name == opener:
                passed[0] += 1
            elif name:
                found.append(index)
    taken = [kind_of(event) for event in await _taken(reader, log, opened)]
    return Drawn(
        v=1,
        reads=sorted(chosen[Kind.READ]),
        decisions=sorted(chosen[Kind.DECISION]),
        exports=sorted(chosen[Kind.EXPORT]),
        alarms=taken.count(Kind.ALARM),
        refusals=taken.count(Kind.REFUSAL),
        own=passed[0],
        unattributable=passed[1],
        of=of,
    )


async def end_of(reader: Reader, log: str, opened: Opened) -> int | None:
    """Return where a round ends that would take too many alarms and refusals.

    Raises:
        CorruptLogError: an entry is no audit event.
        CorruptRowError: the index is not as it was written.
    """
    taken = await _taken(reader, log, opened, limit=MOST_TAKEN + 1)
    return taken[-1].index if len(taken) > MOST_TAKEN else None


async def entries_of(  # noqa: PLR0913 - which part of which round
    reader: Reader,
    log: str,
    opened: Opened,
    drawn: Drawn,
    *,
    since: int = 0,
    limit: int | None = None,
) -> list[AuditEvent]:
    """Read what a round reviews from an entry on, in the order of the log.

    Raises:
        CorruptLogError: an entry is no audit event.
        CorruptRowError: the index is not as it was written.
    """
    meant = await _meant(reader, log, opened, frozenset(TAKEN), since)
    minimum = max(since, await reader.minimum(log))
    wanted = {index for index in drawn.chosen if index >= minimum}
    found: list[AuditEvent] = []
    for run in runs(sorted({*meant, *wanted})):
        for at in range(run.start, run.stop, _AT_ONCE):
            count = min(_AT_ONCE, run.stop - at)
            for event in await read_log_events(reader, log, at, count):
                if event.index in wanted or kind_of(event) in TAKEN:
                    found.append(event)
                if limit is not None and len(found) >= limit:
                    return found
    return found


async def _taken(
    reader: Reader, log: str, opened: Opened, *, limit: int | None = None
) -> list[AuditEvent]:
    nothing = Drawn(
        v=1,
        reads=[],
        decisions=[],
        exports=[],
        alarms=0,
        refusals=0,
        own=0,
        unattributable=0,
    )
    return await entries_of(reader, log, opened, nothing, limit=limit)


async def _of_kind(
    reader: Reader, log: str, entries: list[int], kind: Kind
) -> list[int]:
    found: list[int] = []
    for run in runs(entries):
        for at in range(run.start, run.stop, _AT_ONCE):
            count = min(_AT_ONCE, run.stop - at)
            events = await read_log_events(reader, log, at, count)
            found += [event.index for event in events if kind_of(event) is kind]
    return found


async def _meant(
    reader: Reader, log: str, opened: Opened, kinds: frozenset[Kind], since: int
) -> list[int]:
    first = max(opened.since, since, await reader.minimum(log))
    looked, span = Looked(events=classes_of(*kinds)), (first, opened.size)
    found: list[int] = []
    async for entries in candidates(reader, log, looked, span):
        found += entries
    return found
