# SPDX-License-Identifier: Apache-2.0
"""P21: a signal that matches too many restricts nobody further by itself.

In the act that writes the lookup's event each match is counted: by a keyed mark of the
origin and what it lists, and by one of the account or file, within a day. What names no
account counts each time. So all signals of an origin about the same have one bound, at
once or one after the other, in whatever key epoch; the same listed by another origin
has its own. A picture (PDQ) is the same as those within the match radius of which the
file in question lies. A file that an origin lists by several digests begins one flood.

Beyond the bound a *flood* begins: one alarm, and one place that keeps the references of
all further matches until a person rules. It goes on until then, over the end of the
day as well. Who is under review already is nobody further, and is asked as ever.

What rests by a ruling matches nothing here until another ruling, though its origin
lists it again; a year after its last signal has ended that is forgotten.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_bytes, token_hex
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.media.pdq import PDQ_BYTES, THRESHOLD
from fedsafe_node.acts.floods import FloodState
from fedsafe_node.acts.lookup import Match, MatchReason
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.keys.evaluators import MARK_BYTES
from fedsafe_node.keys.lookup_items import Asked, File
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.log.openings import period_of
from fedsafe_node.notices.provider_events.announcer import Announcement, Content
from fedsafe_node.review.contents import open_match, seal_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.task_start import named_account, reminder_before
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import FloodRow, PictureRow, TaskSignalRow
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.floods import FloodRequest
from fedsafe_policies.rules.reviews import review_ends
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane

MOST_KEPT: Final = 100_000
"""So many references a flood keeps; further ones are answered alike, and counted."""
MOST_PICTURES: Final = 1_000
"""With so many pictures of its origin that count a match is compared."""
_ID_BYTES: Final = 16
_PICTURE: Final = "fedsafe/v1/flood picture"
_Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class About:
    """What matches are about: the questions by their place, and the PDQ values.

    `pictures` has the value of each signal that is one, by its list and id.
    """

    asked: Mapping[int, Asked]
    pictures: Mapping[_Key, bytes] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Judged:
    """The matches of one account as they count, and the events that the act owes.

    `matches` are those of the answer, in their order; those in `restricting` have no
    reason not to. `rested` counts those that a ruling keeps back. `flood` keeps the
    reference of those in a flood, and `task` is the review of those that were in one.
    """

    subject: str
    matches: list[Match] = field(default_factory=list)
    restricting: list[Match] = field(default_factory=list)
    rested: int = 0
    flood: str | None = None
    task: str | None = None
    events: list[LogEntry] = field(default_factory=list)


async def judge_floods(  # noqa: PLR0913 - the act, and what it is about
    desk: ReviewDesk,
    tx: Transaction,
    subject: str | None,
    matches: Sequence[Match],
    moment: datetime,
    *,
    about: About,
    by: str,
    service: str,
    pictures: "FloodPictures | None" = None,
) -> Judged:
    """Say which matches of an account restrict it, and keep the others' reference.

    *pictures* are what the act knows of them already.
    """
    found: dict[_Key, list[Match]] = defaultdict(list)
    for match in matches:
        list_ = desk.list_of(match.origin, own=match.own)
        found[list_, UUID(match.signal).bytes].append(match)
    judged = Judged(named_account(subject, found, service=service))
    held = {} if subject is None else await _held(desk, tx, subject)
    pictures = pictures or FloodPictures(desk, tx)
    judge = _Judge(desk, tx, subject, judged, moment, by, pictures)
    reasons = {
        key: await judge.of(key, await _listing(desk, pictures, key, each, about), held)
        for key, each in found.items()
    }
    for match in matches:
        list_ = desk.list_of(match.origin, own=match.own)
        reason = reasons[list_, UUID(match.signal).bytes]
        if isinstance(reason, _Rests):
            judged.rested += 1
            continue
        said = replace(match, reason=reason)
        judged.matches.append(said)
        if reason is None:
            judged.restricting.append(said)
    return judged


async def _held(
    desk: ReviewDesk, tx: Transaction, subject: str
) -> "Mapping[_Key, _Held]":
    """Give the signals that the account is reviewed for, and how they count there."""
    held: dict[_Key, _Held] = {}
    for task in await tx.live_tasks(subject):
        for row in await tx.task_signals(task.id):
            if row.effect is None:
                match = open_match(row, desk.periods)
                reason = None if match is None else match.reason
                if reason is not MatchReason.TRIAL:  # that has restricted nobody
                    held[row.origin, row.signal_id] = _Held(task.id, reason)
    return held


@dataclass(frozen=True, slots=True)
class _Held:
    """A review holds the signal; with the reason that it had in a flood."""

    task: str
    reason: MatchReason | None


class _Rests:
    """A ruling keeps the match back."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a match is about: its own mark, and those of pictures that are the same.

    `former` is what counted before there were marks: the signal's list and id.
    """

    match: Match
    origin: str
    own: bytes
    others: Sequence[bytes]
    former: _Key
    picture: bytes | None = field(default=None, repr=False)

    @property
    def marks(self) -> Sequence[bytes]:
        """Give all the marks under which the match counts."""
        return (self.own, *self.others)

    @property
    def counted(self) -> Mapping[str, Sequence[bytes]]:
        """Give all under which it may have been counted, by origin."""
        list_, signal_id = self.former
        if list_ == self.origin:
            return {list_: [*self.marks, signal_id]}
        return {self.origin: self.marks, list_: [signal_id]}


async def _listing(
    desk: ReviewDesk,
    pictures: "FloodPictures",
    key: _Key,
    found: Sequence[Match],
    about: About,
) -> _Listing:
    match, own_list = found[0], desk.situation.own
    picture = about.pictures.get(key)
    if picture is None:
        mark = own_list.mark_listing(match.origin, about.asked[match.question])
        return _Listing(match, match.origin, mark, (), key)
    mark = own_list.mark_listing(match.origin, File(MediaKind.PDQ, picture))
    asked = [about.asked[each.question] for each in found]
    files = frozenset(each.digest for each in asked if isinstance(each, File))
    near = await pictures.near(match.origin, files)
    others = [each for each in near if each != mark]
    return _Listing(match, match.origin, mark, others, key, picture)


class FloodPictures:
    """The pictures that origins list and that count, as one act sees them.

    Each is opened once, however many matches are compared with it.
    """

    def __init__(self, desk: ReviewDesk, tx: Transaction) -> None:
        self._desk = desk
        self._tx = tx
        self._known: dict[str, dict[bytes, int]] = {}
        self._near: dict[tuple[str, frozenset[bytes]], list[bytes]] = {}

    async def near(self, origin: str, files: frozenset[bytes]) -> Sequence[bytes]:
        """Give the marks of an origin's pictures within the radius of any of these."""
        key = origin, files
        found = self._near.get(key)
        if found is None:
            values = [int.from_bytes(each) for each in files]
            found = self._near[key] = [
                about
                for about, picture in (await self._of(origin)).items()
                if any((picture ^ each).bit_count() <= THRESHOLD for each in values)
            ]
        return found

    async def put(self, row: PictureRow, picture: bytes) -> None:
        """Keep a picture from now on."""
        await self._tx.put_flood_picture(row)
        known = await self._of(row.origin)
        if row.about not in known:
            known[row.about] = int.from_bytes(picture)
            self._near.clear()

    async def _of(self, origin: str) -> dict[bytes, int]:
        known = self._known.get(origin)
        if known is None:
            known = self._known[origin] = {}
            for row in await self._tx.flood_pictures(origin, MOST_PICTURES):
                picture, is_former = _open_picture(self._desk, row)
                if picture is None:
                    continue
                known[row.about] = int.from_bytes(picture)
                if is_former:
                    sealed = _sealed(self._desk, row, picture)
                    await self._tx.put_flood_picture(replace(row, sealed=sealed))
        return known


def _seal_picture(
    desk: ReviewDesk, listing: _Listing, picture: bytes, moment: datetime
) -> PictureRow:
    row = PictureRow(
        origin=listing.origin,
        about=listing.own,
        at=int(moment.timestamp()),
        period=period_of(moment),
        sealed=b"",
    )
    return replace(row, sealed=_sealed(desk, row, picture))


def _sealed(desk: ReviewDesk, row: PictureRow, picture: bytes) -> bytes:
    place = _place(row.origin, row.about, row.period)
    within = desk.situation.own.seal_picture(picture, place)
    return desk.periods.seal(row.period, within, place)


def _open_picture(desk: ReviewDesk, row: PictureRow) -> tuple[bytes | None, bool]:
    """Open a picture; tell as well whether the month's key alone has sealed it.

    So were all before they were sealed under the own keys within.
    """
    place = _place(row.origin, row.about, row.period)
    try:
        kept = desk.periods.unseal(row.period, row.sealed, place)
        if kept is None or len(kept) == PDQ_BYTES:
            return kept, kept is not None
        return desk.situation.own.open_picture(kept, place), False
    except CryptoError:
        raise StoreFailedError("a picture of a flood does not open") from None


def _place(origin: str, about: bytes, period: str) -> bytes:
    return lp_text(_PICTURE) + lp_text(origin) + about + lp_text(period)


@dataclass(frozen=True, slots=True)
class _Judge:
    desk: ReviewDesk
    tx: Transaction
    subject: str | None
    judged: Judged
    moment: datetime
    by: str
    pictures: FloodPictures
    met: dict[str, FloodRow] = field(default_factory=dict)
    """By origin, the flood of a file that was met first: its digests have no other."""

    @property
    def now(self) -> int:
        return int(self.moment.timestamp())

    async def of(
        self, key: _Key, listing: _Listing, held: Mapping[_Key, _Held]
    ) -> MatchReason | _Rests | None:
        """Say why a match does not restrict; None if it does."""
        # A flood from before there were marks has the signal's id for one.
        alive = await self.tx.floods_alive([*listing.marks, key[1]])
        rested = [each for each in alive if each.state is FloodState.RESTED]
        if rested:
            await self._follow(rested[0], key, listing)
            return _Rests()
        if key in held:
            if held[key].reason is not None:
                self.judged.task = held[key].task
            return held[key].reason
        if alive:
            flood = await self._follow(alive[0], key, listing)
        else:
            beyond = await self._decide(listing)
            if beyond is None:
                return None
            is_file = listing.match.plane is Plane.MEDIA
            met = self.met.get(listing.origin) if is_file else None
            flood = met or await self._begin(key, listing, *beyond)
        if listing.match.plane is Plane.MEDIA:
            self.met.setdefault(listing.origin, flood)
        await self._keep(flood)
        return MatchReason.FLOOD

    async def _decide(self, listing: _Listing) -> tuple[bytes, Decision] | None:
        """Count the match; say beyond whose bound it is if it restricts nobody."""
        tx, since = self.tx, self.now - SECONDS_A_DAY
        mark = token_bytes(MARK_BYTES)
        if self.subject is not None:
            mark = self.desk.situation.own.mark(self.subject)
            for origin, abouts in listing.counted.items():
                if await tx.has_restricted(origin, abouts, mark, since):
                    return None
        for about, count, bound in await self._counts(listing, since):
            request = FloodRequest(kind_of(listing.match), count, bound)
            decision = self.desk.situation.decide(request, self.moment)
            if not decision.allowed:
                begun = about if about in listing.marks else listing.own
                return begun, decision
        for about in listing.marks:
            await tx.add_restricted(listing.origin, about, mark, self.now)
        if listing.picture is not None:
            row = _seal_picture(self.desk, listing, listing.picture, self.moment)
            await self.pictures.put(row, listing.picture)
        return None

    async def _counts(
        self, listing: _Listing, since: int
    ) -> list[tuple[bytes, int, int | None]]:
        """Give all that counts, how many each has restricted, and raised bounds."""
        found: list[tuple[bytes, int, int | None]] = []
        for origin, abouts in listing.counted.items():
            counts = await self.tx.restricted(origin, abouts, since)
            raised = await self.tx.raised_bounds(origin, abouts, self.now)
            found += [(each, counts.get(each, 0), raised.get(each)) for each in abouts]
        return found

    async def _follow(self, flood: FloodRow, key: _Key, listing: _Listing) -> FloodRow:
        """Let a flood show the newest signal of those that belong to it."""
        list_, signal_id = key
        if flood.sealed is not None and signal_id <= flood.signal_id:
            return flood
        said = replace(listing.match, reason=MatchReason.FLOOD)
        sealed = seal_match(flood.id, list_, said, self.desk.periods, self.moment)
        newer = replace(
            flood,
            origin=list_,
            signal_id=signal_id,
            period=sealed.period,
            sealed=sealed.sealed,
        )
        await self.tx.put_flood(newer)
        return newer

    async def _begin(
        self, key: _Key, listing: _Listing, about: bytes, decision: Decision
    ) -> FloodRow:
        desk, name = self.desk, token_hex(_ID_BYTES)
        list_, signal_id = key
        said = replace(listing.match, reason=MatchReason.FLOOD)
        sealed = seal_match(name, list_, said, desk.periods, self.moment)
        ends = review_ends(self.now, desk.situation.policy)
        flood = FloodRow(
            id=name,
            origin=list_,
            signal_id=signal_id,
            about=about,
            state=FloodState.WAITING,
            bound=int(decision.about),
            opened_at=self.now,
            ends_at=ends,
            remind_at=reminder_before(ends, self.now),
            period=sealed.period,
            sealed=sealed.sealed,
        )
        await self.tx.add_flood(flood)
        detail: Detail = {"bound": flood.bound, "ends_at": ends, **grounds_of(decision)}
        entry = flood_event(
            desk, Event.FLOOD_BEGAN, flood, detail, by=self.by, outcome="alarm"
        )
        self.judged.events.append(entry)
        content: Content = {"why": "began", "bound": flood.bound, "ends_at": ends}
        await announce_flood(desk, self.tx, EventKind.FLOOD_DUE, flood, content)
        return flood

    async def _keep(self, flood: FloodRow) -> None:
        self.judged.flood = flood.id
        subject = self.judged.subject
        if await self.tx.in_flood(flood.id, subject):
            return
        kept = await self.tx.flood(flood.id) or flood
        if kept.kept < MOST_KEPT:
            await self.tx.add_flood_subject(flood.id, subject, self.now)
        else:
            await self.tx.put_flood(replace(kept, beyond=kept.beyond + 1))


def kind_of(match: Match) -> IdentifierKind | MediaKind:
    """Give the kind of a match as policies know it."""
    kinds = IdentifierKind if match.plane is Plane.ACTOR else MediaKind
    return kinds[match.kind.name]


def flood_match(desk: ReviewDesk, flood: FloodRow) -> Match | None:
    """Open what a flood shows of its signal; None once that is gone."""
    row = TaskSignalRow(
        task=flood.id,
        origin=flood.origin,
        signal_id=flood.signal_id,
        added_at=flood.opened_at,
        period=flood.period,
        sealed=flood.sealed,
    )
    return open_match(row, desk.periods)


def flood_event(  # noqa: PLR0913 - the groups of an event
    desk: ReviewDesk,
    event: Event,
    flood: FloodRow,
    detail: Detail,
    *,
    by: str,
    outcome: str = "ok",
) -> LogEntry:
    """Build an audit event about a flood."""
    return desk.trail.entry(
        event,
        at=desk.clock.now(),
        outcome=outcome,
        actor=by,
        detail={**_named(desk, flood), **detail},
    )


async def announce_flood(
    desk: ReviewDesk, tx: Transaction, kind: EventKind, flood: FloodRow, said: Content
) -> None:
    """Tell the provider's back-end of a flood, within an act."""
    announcement = Announcement(kind, content={**_named(desk, flood), **said})
    await desk.announcer.announce(tx, announcement)


def _named(desk: ReviewDesk, flood: FloodRow) -> dict[str, str]:
    return {
        "flood": flood.id,
        "signal": str(UUID(bytes=flood.signal_id)),
        "origin": desk.origin_of(flood.origin),
    }


async def succeed_flood(
    desk: ReviewDesk, tx: Transaction, ban: bytes, signal: bytes
) -> None:
    """Let the flood of an own ban be that of the signal that follows it."""
    node, own_list = desk.situation.node, desk.situation.own.name
    flood = await tx.flood_alive(own_list, ban)
    if flood is None:
        return
    moved = replace(flood, origin=node, signal_id=signal)
    match = flood_match(desk, flood)
    if match is not None:
        shown = replace(match, signal=str(UUID(bytes=signal)), origin=node, own=False)
        sealed = seal_match(flood.id, node, shown, desk.periods, desk.clock.now())
        moved = replace(moved, period=sealed.period, sealed=sealed.sealed)
    await tx.put_flood(moved)


async def is_flood_held(reader: Reader, flood: FloodRow, now: int) -> bool:
    """Tell whether a hold keeps an account that a flood refers to."""
    for hold in await reader.holds():
        if hold.subject is None or hold.until <= now:
            continue
        if await reader.in_flood(flood.id, hold.subject):
            return True
    return False
