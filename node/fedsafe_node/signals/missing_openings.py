# SPDX-License-Identifier: Apache-2.0
"""What of a feed came without its opening, and may be asked for again.

An origin gives openings of actor signals to whom its gate and theirs are open for;
a relock erases those that are here. In both cases the records stay, and the place
from which on something is lacking is kept. Once nothing stands against it the feed
is read again from there; what has come meanwhile is not counted as complete. An
origin may also say itself that it gives more *again*: whoever comes to be in a group
gets what the group was given before. What was denied until then lacked nothing. And
what another member carried came bare: it is read again from its origin. So is what came
before the version of the charter that brings its keys, once that version is here; and
what was left out as harmless, once the list that held it is another: two people who
put a file on a list and take it off again have hidden nothing for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.lookup.index.lists import Hint
from fedsafe_node.signals.arrival import Arrival
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.do_not_share import DoNotShareLists


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a feed that one batch covers, and the size of our copy before."""

    start: int
    stop: int
    size: int


async def read_lacking(reader: Reader, origin: str) -> int | None:
    """Read from which index on openings of a feed are lacking; None if none are."""
    value = await reader.meta(_key(origin))
    return int(value) if value else None


async def note_lacking(tx: Transaction, origin: str, index: int | None) -> None:
    """Keep from which index on openings are lacking."""
    value = b"" if index is None else str(index).encode()
    await tx.set_meta(_key(origin), value)


def still_lacking(
    before: int | None, span: Span, arrivals: Sequence[Arrival]
) -> int | None:
    """Tell from where on openings are lacking after a batch."""
    bare = min((item.index for item in arrivals if item.lacks), default=None)
    if before is None or before < span.start:
        return bare if before is None else before
    if bare is not None:
        return bare
    return span.stop if span.stop < span.size else None


async def grant(
    tx: Transaction, origin: str, arrivals: Sequence[Arrival]
) -> list[Hint]:
    """Bring back what a relock took, out of records that are here already."""
    by_id = {
        arrival.signal.signal_id: arrival
        for arrival in arrivals
        if arrival.signal is not None
    }
    allowed = await tx.relocked(origin, list(by_id))
    hints: list[Hint] = []
    for row in await tx.signals_named(origin, sorted(allowed)):
        arrival = by_id[row.signal_id]
        signal = arrival.signal
        if signal is None or row.index != arrival.index:
            continue
        for opening in arrival.openings:
            await tx.grant_opening(feed_name(origin), arrival.index, opening)
        new = await tx.revive_signal(origin, row.signal_id, signal.token)
        hints.append(Hint(new, signal.token))
    return hints


async def read_again(reader: Reader, origin: str) -> int | None:
    """Read from which index on an origin wants its feed read again; None if not."""
    value = await reader.meta(f"again/{origin}")
    return int(value) if value else None


async def note_again(tx: Transaction, origin: str, index: int | None) -> None:
    """Keep from which index on the feed is to be read again."""
    value = b"" if index is None else str(index).encode()
    await tx.set_meta(f"again/{origin}", value)


def still_again(before: int | None, said: int | None, span: Span) -> int | None:
    """Tell from where on the feed is to be read again after a batch."""
    left = before
    if before is not None and span.start <= before:
        left = span.stop if span.stop < span.size else None
    wanted = [each for each in (left, said) if each is not None and each < span.size]
    return min(wanted, default=None)


def with_bare(before: int | None, arrivals: Sequence[Arrival]) -> int | None:
    """Tell from where on a feed is to be read again after records came carried."""
    bare = (arrival.index for arrival in arrivals if arrival.lacks)
    return min((each for each in (before, *bare) if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Ahead:
    """From which index on a feed has what a later *version* of the charter opens."""

    index: int
    version: int


async def read_ahead(reader: Reader, origin: str) -> Ahead | None:
    """Read from where on a feed needs a later version of the charter, if it does."""
    value = await reader.meta(f"ahead/{origin}")
    if not value:
        return None
    index, version = map(int, value.split(b":"))
    return Ahead(index, version)


async def note_ahead(tx: Transaction, origin: str, ahead: Ahead | None) -> None:
    """Keep from where on a feed needs a later version of the charter."""
    value = b"" if ahead is None else f"{ahead.index}:{ahead.version}".encode()
    await tx.set_meta(f"ahead/{origin}", value)


def caught_up(again: int | None, ahead: Ahead | None, version: int) -> int | None:
    """Tell from where on to read again, if a later version has come since."""
    if ahead is None or ahead.version >= version:
        return again
    return earlier(again, ahead.index)


def earlier(one: int | None, other: int | None) -> int | None:
    """Tell which of two places comes first, if there is one."""
    return min((each for each in (one, other) if each is not None), default=None)


def still_ahead(
    before: Ahead | None, arrivals: Sequence[Arrival], version: int
) -> Ahead | None:
    """Tell what needs a later version than this one after a batch."""
    early = [arrival.index for arrival in arrivals if arrival.early]
    if before is not None and before.version >= version:
        early.append(before.index)
    return Ahead(min(early), version) if early else None


class LeftOut(Row, frozen=True, kw_only=True):
    """From which index on a feed has files that were left out as harmless.

    `lists` digests each do-not-share list that held one, by name.
    """

    index: int
    lists: dict[str, str]

    def is_changed(self, lists: DoNotShareLists) -> bool:
        """Whether one of those lists holds something else by now, or is gone."""
        return any(
            each != lists.digest_of(name) for name, each in sorted(self.lists.items())
        )


async def read_left_out(reader: Reader, origin: str) -> LeftOut | None:
    """Read from where on files of a feed were left out; None if none were."""
    value = await reader.meta(f"left-out/{origin}")
    return decode(value, LeftOut) if value else None


async def note_left_out(tx: Transaction, origin: str, left: LeftOut | None) -> None:
    """Keep from where on files of a feed were left out."""
    await tx.set_meta(f"left-out/{origin}", b"" if left is None else encode(left))


def still_left_out(
    before: LeftOut | None, arrivals: Sequence[Arrival], lists: DoNotShareLists
) -> LeftOut | None:
    """Tell what is left out after a batch; of changed lists all is read again."""
    refused = {
        item.index: item.harmless.about
        for item in arrivals
        if item.harmless is not None
    }
    names, index = set(refused.values()), min(refused, default=None)
    if before is not None and not before.is_changed(lists):
        names |= set(before.lists)
        index = before.index if index is None else min(before.index, index)
    if index is None:
        return None
    held = {name: lists.digest_of(name) for name in sorted(names)}
    return LeftOut(index=index, lists=held)


def _key(origin: str) -> str:
    return f"lacking/{origin}"
