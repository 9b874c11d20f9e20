# SPDX-License-Identifier: Apache-2.0
"""The inventory: which signals are this node's own, how they stand, until when.

A question goes by an index of the own signals (`store/inventory_schema.py`), is
answered page by page, and is an event with counts. What a row is about is opened one by
one: to filter by it takes a walk over the rows that are left, 20,000 a request at most.
Accounts are shown only if that is asked for; each is then an event that names it, so
that "who looked at this account" finds every list that showed it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from heapq import heappop, heappush
from typing import Final

from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_node.acts.bodies import Kind, SignalState
from fedsafe_node.acts.signal_reviews import (
    HoldersAnswer,
    HolderShown,
    ListedSignal,
    ListedState,
    SignalsAnswer,
    SignalsQuery,
)
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.ground.subject_refs import account_of, is_about
from fedsafe_node.log.audit import Event, grounds_of
from fedsafe_node.rules.audience import group_in
from fedsafe_node.signals.desk import Changed, Desk, has_accounts
from fedsafe_node.signals.drafts import DraftFacts, open_draft
from fedsafe_node.signals.inventory_facts import InventoryFacts, kind_of, open_facts
from fedsafe_node.signals.view import admit, nodes_in
from fedsafe_node.store.inventory_rows import (
    HIGHEST,
    LIVING,
    LOWEST,
    InventoryRow,
    InventoryState,
)
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import Span
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Matter, Plane, Purpose, Scope

MOST_ACCOUNTS: Final = 100
_MOST: Final = 20_000  # rows that a request looks at
_PAGE: Final = 500
_LARGEST: Final = 1_000  # that a query takes
_LONGEST_MONTH: Final = 31
_DAY: Final = 24 * 60 * 60
_LAST_SECOND: Final = _DAY - 1
_NEVER: Final = 1 << 40
_ALL: Final = tuple(InventoryState)
_STATES: Final[Mapping[ListedState, Sequence[InventoryState]]] = {
    ListedState.LIVING: LIVING,
    ListedState.ENDED: [state for state in _ALL if state not in LIVING],
    ListedState.ALL: _ALL,
    ListedState.OWN: [InventoryState.ACTIVE],
    ListedState.PUBLISHED: [InventoryState.ACTIVE],
}
_WHOSE: Final = {ListedState.OWN: (True,), ListedState.PUBLISHED: (False,)}
Place = tuple[int, bytes]
"""Where a row stands in a list: its end (0 if that is not the order), and its id."""
Rows = AsyncIterator[tuple[Place, InventoryRow]]


async def list_signals(
    desk: Desk, query: SignalsQuery, who: Principal
) -> SignalsAnswer:
    """List the node's own signals.

    Raises:
        DeniedError: this role may not, or not for that purpose.
        BadRequestError: there is no such day.
    """
    for name in ("since", "before", "ends_before"):
        _check_day(getattr(query, name), name)
    alone = await _is_alone(desk, query, who)
    matter = Matter.SIGNALS if alone else Matter.DRAFTS
    decision = await admit(desk, who, matter, query.purpose, "signal.list")
    if query.owed or query.recipient is not None:
        await admit(desk, who, Matter.LEDGER, query.purpose, "signal.list")
    search = _Search(desk, query, bans_only=alone)
    answer = await desk.store.scan(search.run)
    detail = {
        "signals": len(answer.signals),
        "drafts": sum(each.state is SignalState.DRAFT for each in answer.signals),
        "accounts": len(search.accounts),
    }
    entries = [desk.event(Event.SIGNAL_READ, who, detail, decision=decision)]
    entries += [
        _seen(desk, who, decision, signal=signal, subject=subject)
        for signal, subject in search.accounts.items()
    ]

    async def act(tx: Transaction) -> Changed[SignalsAnswer]:
        await tx.append_many(desk.trail.log, entries)
        return Changed(answer)

    return await desk.commit(act)


async def list_holders(
    desk: Desk, who: Principal, purpose: Purpose | None
) -> HoldersAnswer:
    """Count by member which of this node's signals it has received.

    Raises:
        DeniedError: this role may not, or not for that purpose.
    """
    decision = await admit(desk, who, Matter.LEDGER, purpose, "signal.holders")
    answer = await desk.store.scan(partial(_holders, desk=desk))
    detail = {"recipients": len(answer.holders), "signals": answer.published}
    entry = desk.event(Event.RECIPIENTS_READ, who, detail, decision=decision)

    async def act(tx: Transaction) -> Changed[HoldersAnswer]:
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return Changed(answer)

    return await desk.commit(act)


async def find_about(
    desk: Desk, subject: str, most: int
) -> tuple[list[ListedSignal], int]:
    """Find what lives of an account, and how many signals nobody can read any more.

    Walks over all that lives, and stops once it has found more than *most*.
    """
    found: list[ListedSignal] = []
    unknown, after = 0, None
    while len(found) <= most:
        query = SignalsQuery(sort="oldest", after=after, limit=_LARGEST)
        page = await desk.store.scan(_Search(desk, query, subject=subject).run)
        found += page.signals
        unknown, after = unknown + page.unknown, page.after
        if after is None:
            break
    return found, unknown


def _check_day(day: str | None, name: str) -> None:
    try:
        if day is not None and _midnight(day) >= 0:
            return
    except ValueError:
        pass
    if day is not None:
        why = Phrase("there is no such day since 1970")
        raise BadRequestError("invalid_query", why, pointer=f"/{name}")


async def _is_alone(desk: Desk, query: SignalsQuery, who: Principal) -> bool:
    """Tell whether a machine may list own bans: on a first evening there is nobody."""
    if who.is_person or query.state in {ListedState.DRAFT, ListedState.PUBLISHED}:
        return False
    return not await desk.store.read(has_accounts)


def _seen(
    desk: Desk, who: Principal, decision: Decision, *, signal: str, subject: str
) -> LogEntry:
    return desk.trail.entry(
        Event.SIGNAL_READ,
        at=desk.clock.now(),
        actor=who.name,
        subject=subject,
        detail={"signal": signal, **grounds_of(decision)},
    )


class Ledger:
    """Who has received which entries of the own feed, as runs without overlaps."""

    def __init__(self, runs: Collection[tuple[str, int, int]]) -> None:
        held: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for recipient, first, last in sorted(runs):
            mine = held[recipient]
            if mine and first <= mine[-1][1] + 1:
                mine[-1] = (mine[-1][0], max(last, mine[-1][1]))
            else:
                mine.append((first, last))
        self._held = dict(held)

    @property
    def recipients(self) -> list[str]:
        """Who has received anything."""
        return list(self._held)

    def has(self, recipient: str, index: int) -> bool:
        """Tell whether a member has received an entry."""
        mine = self._held.get(recipient, [])
        at = bisect_right(mine, (index, _NEVER)) - 1
        return at >= 0 and index <= mine[at][1]

    def holders(self, index: int) -> list[str]:
        """Name who has received an entry."""
        return [name for name in self._held if self.has(name, index)]


async def _whole_ledger(reader: Reader) -> Ledger:
    return Ledger(await reader.handed_runs(0, _NEVER, MAX_RECORDS))


@dataclass(slots=True)
class _Debts:
    """Which signals have ended by which statement, and what of it has a receipt."""

    ledger: Ledger
    ended: Mapping[bytes, int]
    receipted: Mapping[str, int]

    @classmethod
    async def read(cls, reader: Reader, node: str) -> "_Debts":
        ledger, receipted = await _whole_ledger(reader), await reader.receipted()
        # What all have a receipt for is owed by nobody.
        since = min((receipted.get(each, 0) for each in ledger.recipients), default=0)
        return cls(ledger, await reader.ended_after(node, since), receipted)

    def owed(self, row: InventoryRow) -> list[str]:
        """Name who has received a signal, and gave no receipt for its erasure."""
        by = self.ended.get(row.signal_id)
        if by is None or row.index is None or row.own:
            return []
        return sorted(
            name
            for name in self.ledger.holders(row.index)
            if self.receipted.get(name, 0) < by
        )


async def _holders(reader: Reader, *, desk: Desk) -> HoldersAnswer:
    debts = await _Debts.read(reader, desk.situation.node)
    living, ended, owed = (defaultdict[str, int](int) for _ in range(3))
    published = 0
    for state in _ALL:
        async for _, row in _by_id(reader, state, own=False, newest=False):
            if row.index is None:
                continue
            published += 1
            counts = living if state in LIVING else ended
            for name in debts.ledger.holders(row.index):
                counts[name] += 1
            for name in debts.owed(row):
                owed[name] += 1
    return HoldersAnswer(
        published=published,
        holders=[
            HolderShown(
                recipient=name, living=living[name], ended=ended[name], owed=owed[name]
            )
            for name in sorted(living.keys() | ended.keys())
        ],
    )


async def _by_id(  # noqa: PLR0913 - a range has so many sides
    reader: Reader,
    state: InventoryState,
    *,
    own: bool,
    newest: bool,
    above: bytes = LOWEST,
    below: bytes = HIGHEST,
    size: int = _PAGE,
) -> Rows:
    """Walk over own bans, or others, of a state in the order of their ids."""
    while page := await reader.inventory(
        state, size, own=own, above=above, below=below, newest=newest
    ):
        for row in page:
            yield (0, row.signal_id), row
        if len(page) < size:
            return
        last = page[-1].signal_id
        above, below = (above, last) if newest else (last, below)


async def _merged(sources: Sequence[Rows], *, newest: bool) -> Rows:
    """Walk over sources, each in order, as over one."""

    def key(place: Place) -> tuple[int, int]:
        at = int.from_bytes(place[1])
        return place[0], -at if newest else at

    heads: list[tuple[tuple[int, int], int, tuple[Place, InventoryRow]]] = []

    async def advance(number: int) -> None:
        head = await anext(sources[number], None)
        if head is not None:
            heappush(heads, (key(head[0]), number, head))

    for number in range(len(sources)):
        await advance(number)
    while heads:
        _, number, head = heappop(heads)
        yield head
        await advance(number)


class _Search:
    """Finds one page; `accounts` has the subjects that it shows, by signal."""

    def __init__(
        self,
        desk: Desk,
        query: SignalsQuery,
        *,
        bans_only: bool = False,
        subject: str | None = None,
    ) -> None:
        self._desk = desk
        self._subject = subject
        self._query = query
        self._situation = desk.situation
        self.accounts: dict[str, str] = {}
        self._unknown = 0
        self._debts: _Debts | None = None
        self._ledger: Ledger | None = None
        self._contested: Collection[bytes] = ()
        usual = ListedState.ENDED if query.owed else ListedState.LIVING
        state = query.state or usual
        self._states = _STATES.get(state) or [InventoryState(state.value)]
        self._whose = _WHOSE.get(state, (True, False))
        if bans_only:
            drafted = {InventoryState.DRAFT, InventoryState.WITHDRAWN}
            self._states = [each for each in self._states if each not in drafted]
            self._whose = (True,)
        sort = query.sort or ("ends" if query.ends_before else None)
        self._by_end = sort == "ends"
        self._newest = sort == "newest" or (
            sort is None and state is not ListedState.DRAFT
        )
        self._before = _NEVER
        if query.ends_before is not None:
            self._before = _midnight(query.ends_before)
        self._after = _read_cursor(query.after)
        self._limit = query.limit
        if query.accounts:
            self._limit = min(query.limit, MOST_ACCOUNTS)

    async def run(self, reader: Reader) -> SignalsAnswer:
        """Find the page on one snapshot."""
        query = self._query
        if query.owed:
            self._debts = await _Debts.read(reader, self._situation.node)
            self._ledger = self._debts.ledger
        elif query.recipient is not None:
            self._ledger = await _whole_ledger(reader)
        lists = (self._situation.own.name, self._situation.node)
        self._contested = frozenset(await reader.contested_inventory(lists))
        found: list[tuple[InventoryRow, InventoryFacts | None]] = []
        last: Place | None = None
        looked = 0
        async for place, row in self._source(reader):
            if len(found) == self._limit or looked == _MOST:
                return await self._answer(reader, found, last)
            looked, last = looked + 1, place
            if not self._fits(row):
                continue
            facts = await self._facts(reader, row)
            if self._is_about(row, facts):
                found.append((row, facts))
        return await self._answer(reader, found, None)

    def _source(self, reader: Reader) -> Rows:
        if self._by_end:
            sources = [self._ending(reader), self._unreviewed(reader)]
            return _merged(sources, newest=False)
        above, below = self._bounds()
        if self._query.disputed or self._debts is not None:
            ids = self._contested if self._debts is None else self._debts.ended
            within = sorted(each for each in ids if above < each < below)
            return _named(reader, within[:: -1 if self._newest else 1])
        size = min(self._limit + 1, _PAGE)
        narrow = (self._query.kind, self._query.phenomenon, self._query.recipient)
        if any((*narrow, self._subject)):
            size = _PAGE
        sources = [
            _by_id(
                reader,
                state,
                own=own,
                newest=self._newest,
                above=above,
                below=below,
                size=size,
            )
            for state in self._states
            for own in self._whose
        ]
        return _merged(sources, newest=self._newest)

    def _bounds(self) -> tuple[bytes, bytes]:
        query = self._query
        above = LOWEST if query.since is None else _id_at(query.since)
        below = HIGHEST if query.before is None else _id_at(query.before)
        if self._after is not None and not self._by_end:
            at = self._after[1]
            return (above, min(below, at)) if self._newest else (max(above, at), below)
        return above, below

    async def _ending(self, reader: Reader) -> Rows:
        """Walk over what ends with its term, first what ends first."""
        after = self._after or (0, LOWEST)
        place = after
        while page := await reader.inventory_ending(place, self._before, _PAGE):
            for row in page:
                until = row.match_until or 0
                place = (until, row.signal_id)
                if self._end_of(row) == until:  # else its review comes first
                    yield place, row

    async def _unreviewed(self, reader: Reader) -> Rows:
        """Walk over what ends before its term, unless somebody reviews it in time."""
        after = self._after or (0, LOWEST)
        term = self._term
        longest = term.months * _LONGEST_MONTH + term.days + 1
        place = (after[0] - longest * _DAY, LOWEST)
        until = self._before - term.fewest_days * _DAY
        last_day: list[tuple[Place, InventoryRow]] = []
        while page := await reader.inventory_reviewed(place, until, _PAGE):
            for row in page:
                place = (row.reviewed_at or 0, row.signal_id)
                end = self._end_of(row)
                found = ((end, row.signal_id), row)
                if end == row.match_until or end >= self._before or found[0] <= after:
                    continue
                if last_day and end > last_day[0][0][0]:
                    for each in sorted(last_day, key=lambda item: item[0]):
                        yield each
                    last_day.clear()
                if end % _DAY == _LAST_SECOND:
                    last_day.append(found)
                else:
                    yield found
        for each in sorted(last_day, key=lambda item: item[0]):
            yield each

    @property
    def _term(self) -> Span:
        return self._situation.policy.document.retention.revalidate

    def _review_by(self, row: InventoryRow) -> int | None:
        """Return when a row's review is due: later for whatever was reviewed later.

        At the same time of that day; where a shorter month has cut off days, they all
        end with the last second of its last day.
        """
        if row.reviewed_at is None:
            return None
        reviewed = datetime.fromtimestamp(row.reviewed_at, UTC).date()
        due = self._term.after(reviewed)
        is_cut = self._term.months and due.day != reviewed.day
        return _seconds(due) + (_LAST_SECOND if is_cut else row.reviewed_at % _DAY)

    def _end_of(self, row: InventoryRow) -> int:
        ends = (row.match_until, self._review_by(row))
        return min((each for each in ends if each is not None), default=_NEVER)

    def _fits(self, row: InventoryRow) -> bool:
        """Tell whether a row is asked for, as far as it says so unopened."""
        query = self._query
        if row.state not in self._states or row.own not in self._whose:
            return False
        if self._by_end:
            above, below = self._bounds()
            if not above < row.signal_id < below:
                return False
        if query.disputed and row.signal_id not in self._contested:
            return False
        if self._debts is not None and not self._debts.owed(row):
            return False
        if query.recipient is not None and self._ledger is not None:
            at = None if row.own else row.index
            return at is not None and self._ledger.has(query.recipient, at)
        return True

    def _is_about(self, row: InventoryRow, facts: InventoryFacts | None) -> bool:
        query = self._query
        if self._subject is not None:
            self._unknown += facts is None
            return facts is not None and is_about(facts.subject_ref, self._subject)
        if query.kind is None and query.phenomenon is None:
            return True
        kind = _kind(row, facts)
        if facts is None and (kind is None or query.phenomenon is not None):
            self._unknown += 1
            return False
        if query.kind is not None and kind != query.kind:
            return False
        wanted = query.phenomenon
        return wanted is None or (facts is not None and facts.phenomenon == wanted)

    async def _facts(self, reader: Reader, row: InventoryRow) -> InventoryFacts | None:
        facts = open_facts(row, self._desk.periods)
        if facts is None and row.state is InventoryState.DRAFT:
            stated = await self._stated(reader, row)
            return None if stated is None else _of_draft(stated)
        return facts

    async def _stated(self, reader: Reader, row: InventoryRow) -> DraftFacts | None:
        """Read what a draft's author answers for; None if it opens no more."""
        draft = await reader.draft(row.signal_id)
        if draft is None:
            return None
        try:
            return open_draft(draft, self._desk.periods).facts
        except WrongStateError:
            return None

    async def _answer(
        self,
        reader: Reader,
        found: Sequence[tuple[InventoryRow, InventoryFacts | None]],
        last: Place | None,
    ) -> SignalsAnswer:
        """Show what was found; *last* is where the walk stopped before its end."""
        ledger = self._ledger
        if ledger is None:
            ledger = await _ledger_of(reader, [row for row, _ in found])
        signals = [
            await self._shown(reader, row, facts, ledger) for row, facts in found
        ]
        after = None if last is None else _cursor(last, by_end=self._by_end)
        return SignalsAnswer(signals=signals, after=after, unknown=self._unknown)

    async def _shown(
        self,
        reader: Reader,
        row: InventoryRow,
        facts: InventoryFacts | None,
        ledger: Ledger,
    ) -> ListedSignal:
        name = signal_name(row.signal_id)
        names = await reader.audience(row.signal_id)
        waits = row.state is InventoryState.DRAFT
        stated = await self._stated(reader, row) if waits else None
        subject = facts.subject_ref if facts and self._query.accounts else None
        if subject is not None:
            self.accounts[name] = subject
        service, reference = account_of(subject)
        lives = row.state in LIVING
        review = self._review_by(row) if lives else None
        end = self._end_of(row)
        is_published = not row.own and row.index is not None
        return ListedSignal(
            signal=name,
            state=_state(row),
            scope=Scope(row.scope),
            plane=Plane(row.plane),
            listed_at=int.from_bytes(row.signal_id[:6]) // 1_000,
            kind=_kind(row, facts),
            phenomenon=facts.phenomenon if facts else None,
            surface=facts.surface if facts else None,
            grade=facts.grade if facts else None,
            rule=facts.rule if facts else None,
            list_name=facts.list if facts else None,
            service=service,
            subject_ref=reference,
            match_until=_day(row.match_until) if lives else None,
            review_by=_day(review),
            ends=_day(end) if lives and end != _NEVER else None,
            disputed=row.signal_id in self._contested,
            recipients=len(ledger.holders(row.index or 0)) if is_published else None,
            owed=None if self._debts is None else self._debts.owed(row),
            author=row.author,
            approver=row.approver,
            nodes=nodes_in(names, self._situation),
            group=group_in(names),
            provenance=stated.provenance if stated else None,
            findings=stated.findings if stated else None,
            legal_review=stated.legal_review if stated else None,
        )


async def _named(reader: Reader, ids: Sequence[bytes]) -> Rows:
    """Walk over the signals of these ids, in their order."""
    for start in range(0, len(ids), _PAGE):
        part = ids[start : start + _PAGE]
        rows = {row.signal_id: row for row in await reader.inventory_named(part)}
        for each in part:
            if each in rows:
                yield (0, each), rows[each]


async def _ledger_of(reader: Reader, rows: Sequence[InventoryRow]) -> Ledger:
    """Read who has received any of these signals; near entries at once."""
    places = sorted(row.index for row in rows if row.index is not None and not row.own)
    runs: list[tuple[str, int, int]] = []
    first = 0
    for at, index in enumerate(places):
        is_last = at + 1 == len(places)
        if is_last or places[at + 1] - index > MAX_RECORDS:
            runs += await reader.handed_runs(places[first], index, MAX_RECORDS)
            first = at + 1
    return Ledger(runs)


def _of_draft(stated: DraftFacts) -> InventoryFacts:
    return InventoryFacts(
        kind=stated.kind,
        phenomenon=stated.phenomenon,
        surface=stated.surface,
        grade=stated.grade,
        rule=stated.rule,
        since=stated.since,
        subject_ref=stated.subject_ref,
        list=None if stated.list is None else stated.list.name,
    )


def _state(row: InventoryRow) -> SignalState:
    if row.state is InventoryState.ACTIVE:
        return SignalState.OWN if row.own else SignalState.PUBLISHED
    return SignalState(row.state.value)


def _kind(row: InventoryRow, facts: InventoryFacts | None) -> Kind | None:
    number = row.media_kind if facts is None else facts.kind
    return None if number is None else kind_of(number, row.plane)


def _cursor(place: Place, *, by_end: bool) -> str:
    name = signal_name(place[1])
    return f"{place[0]}.{name}" if by_end else name


def _read_cursor(written: str | None) -> Place | None:
    if written is None:
        return None
    end, _, name = written.rpartition(".")
    return int(end or 0), read_signal_id(name)


def _id_at(day: str) -> bytes:
    """Return what ids begin with of what was recorded on a day or later."""
    return (_midnight(day) * 1_000).to_bytes(6)


def _midnight(day: str) -> int:
    return _seconds(date.fromisoformat(day))


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def _day(moment: int | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
