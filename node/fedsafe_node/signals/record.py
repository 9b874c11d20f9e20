# SPDX-License-Identifier: Apache-2.0
"""Make planned signals, and keep them in one act.

The costly part (evaluation, sealing, commitments) is done before the act and away
from the event loop; the act itself only inserts. An own ban's opening lies in the
audit log beside the event that records it; a published signal's in the feed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from math import ceil
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.errors import QuorumError
from fedsafe_federation.evaluation.metering import PUBLISHING
from fedsafe_federation.feed.records import encode_record, signal_record
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.errors import (
    KeyFileError,
    StoreFailedError,
    UnavailableError,
    words_of,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.keys.evaluators import Output
from fedsafe_node.keys.lookup_items import Asked, Person
from fedsafe_node.log.audit import Event, grounds_of
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.lookup.index.lists import Hint
from fedsafe_node.rules.audience import audience_digest
from fedsafe_node.signals.creation import (
    Made,
    Wording,
    draw,
    make_actor_signal,
    make_media_signal,
)
from fedsafe_node.signals.decision_snapshot import Present
from fedsafe_node.signals.desk import CHUNK, Desk
from fedsafe_node.signals.drafts import DraftFacts, draft_row
from fedsafe_node.signals.inventory_facts import drafted, facts_of, listed, open_facts
from fedsafe_node.signals.plan import Address, DraftPlan, OwnPlan, Plan
from fedsafe_node.signals.taken_off import find_taken, mark_of
from fedsafe_node.store.imports_rows import ListedToken, Standing, TakenOff
from fedsafe_node.store.inventory_rows import NewInventoryRow
from fedsafe_node.store.oversight_rows import ValidationRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftRow, LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.people import Person as Author
from fedsafe_policies.vocabulary import Scope

RETRY_AFTER_MS: Final = 2_000
_ONE_SECONDS: Final = 5.0
_MANY_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The draft row and the custody, if any, of a signal that waits."""

    row: DraftRow
    custody: bytes | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signal whose rows and log entry are ready.

    `made` is what matches from now on: of a draft, its own ban, if it has one.
    `drafted` enters what waits, or what an own ban is about, into the inventory; the
    own ban that matches while a draft waits is no line of its own there. `listed` is
    where it stands, whoever lists the same again; a draft's own ban has none, since it
    goes with its draft. `entry` carries the opening of `made` into the feed if it is
    `published`, else the audit log.
    """

    signal_id: bytes
    made: Made | None
    entry: LogEntry
    published: bool = False
    waiting: Waiting | None = None
    drafted: NewInventoryRow | None = None
    address: Address = field(default_factory=Address)
    listed: ListedToken | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept: hints of what matches now, and for each what stood there before.

    What stood before stays as it is, and nothing is kept beside it; nor of what had
    been `taken` off.
    """

    hints: Sequence[Hint]
    before: Sequence[Standing | None]
    taken: Sequence[TakenOff | None]


class Recorder:
    """Prepares and keeps the signals of one request."""

    def __init__(self, desk: Desk, present: Present, who: Principal) -> None:
        self._desk = desk
        self._present = present
        self._who = who

    async def prepare(self, plans: Sequence[Plan]) -> list[Prepared]:
        """Evaluate and seal what was planned.

        Raises:
            UnavailableError: fewer than t members answered in time.
            StoreFailedError: the key of a new month can't be written.
        """
        outputs = await self._evaluate(plans)
        alone = len(plans) == 1
        prepared: list[Prepared] = []
        for start in range(0, len(plans), CHUNK):
            chunk = plans[start : start + CHUNK]
            make = partial(self._prepare, chunk, outputs, alone=alone)
            # Never on the event loop: the first seal of a month writes a key file.
            try:
                prepared += await self._desk.offload(make)
            except KeyFileError as error:
                raise StoreFailedError("no key of the month") from error
        return prepared

    async def keep(
        self,
        tx: Transaction,
        prepared: Sequence[Prepared],
        *,
        anew: Callable[[TakenOff], bool] | None = None,
    ) -> Kept:
        """Keep within an act what is not listed before.

        What a person has taken off is kept only where it is to be listed *anew*. Of
        rows that are one signal the one with the latest removal is kept.
        """
        listed = [item.listed for item in prepared if item.listed is not None]
        taken = await find_taken(tx, listed, self._present.at)
        if anew is not None:
            back = {each.mark for each in taken if each is not None and anew(each)}
            await tx.clear_taken_off(back)
            taken = [None if e is None or e.mark in back else e for e in taken]
        free = [at for at, off in enumerate(taken) if off is None]
        free.sort(key=lambda at: latest_first(listed[at]))
        rows = [listed[at] for at in free]
        stands = await tx.take_listed(rows, self._present.at)
        stands = await date_standing(tx, self._desk.periods, rows, stands)
        found = dict(zip(free, stands, strict=True))
        before = [found.get(at) for at in range(len(listed))]
        new = [
            item
            for item, old, off in zip(prepared, before, taken, strict=True)
            if old is None and off is None
        ]
        hints, _ = await append_signals(tx, self._desk.trail.log, new)
        waiting = [item.drafted for item in new if item.waiting is not None]
        await tx.add_inventory([each for each in waiting if each is not None])
        for item in new:
            if item.waiting is not None:
                await tx.add_draft(item.waiting.row)
                if item.waiting.custody is not None:
                    await tx.add_custody(item.signal_id, item.waiting.custody)
            if item.address.nodes is not None:
                await tx.add_audience(item.signal_id, item.address.nodes)
        return Kept(hints, before, taken)

    async def own_listed(self, plans: Sequence[Plan]) -> list[ListedToken]:
        """Say where own bans would stand, without keeping anything."""
        bans = [plan for plan in plans if isinstance(plan, OwnPlan)]
        found: list[ListedToken] = []
        for start in range(0, len(bans), CHUNK):
            chunk = bans[start : start + CHUNK]
            make = partial(self._prepare, chunk, {}, alone=False)
            prepared = await self._desk.offload(make)
            found += [each.listed for each in prepared if each.listed is not None]
        return found

    async def _evaluate(self, plans: Sequence[Plan]) -> dict[int, Output]:
        drafts, persons = list[DraftPlan](), list[Person]()
        for plan in plans:
            if not isinstance(plan, DraftPlan) or not isinstance(plan.asked, Person):
                continue
            if plan.wording.listing.scope is not Scope.SELF:
                drafts.append(plan)
                persons.append(plan.asked)
        shared = self._present.shared
        if not drafts or shared is None:
            return {}
        within, budget = _ONE_SECONDS, PUBLISHING
        if len(drafts) > 1:
            within = _MANY_SECONDS
            budget = shared.many(self._present.now, PUBLISHING)
        try:
            outputs = await shared.newest(persons, budget, within=within)
        except QuorumError as error:
            wait = error.retry_after
            later = RETRY_AFTER_MS if wait is None else ceil(wait * 1_000)
            raise UnavailableError(
                "deferred", words_of(error), retry_after_ms=later
            ) from None
        return {id(plan): y for plan, y in zip(drafts, outputs, strict=True)}

    def _prepare(
        self, plans: Sequence[Plan], outputs: dict[int, Output], *, alone: bool
    ) -> list[Prepared]:
        prepared: list[Prepared] = []
        for plan in plans:
            if isinstance(plan, OwnPlan):
                prepared.append(self._own_ban(plan, alone=alone))
            else:
                output = outputs.get(id(plan))
                prepared.append(self._draft(plan, output, alone=alone))
        return prepared

    def _make(self, wording: Wording, asked: Asked, output: Output | None) -> Made:
        """Make a signal; without the members' output, one under the own key."""
        fresh = draw(self._present.now, self._desk.randomness)
        if not isinstance(asked, Person):
            return make_media_signal(wording, asked, fresh)
        output = self._present.own.output(asked) if output is None else output
        return make_actor_signal(wording, asked, output, fresh)

    def _own_ban(self, plan: OwnPlan, *, alone: bool) -> Prepared:
        made = self._make(plan.own, plan.asked, None)
        entry = self._event(
            Event.OWN_BAN,
            made,
            made.signal_id,
            plan.decision if alone else None,
            plan.address,
        )
        return Prepared(
            made.signal_id,
            made,
            entry,
            drafted=self._entered(made, plan.own, plan),
            listed=self._listed_token(made, plan.own, plan.address),
        )

    def _entered(self, made: Made, wording: Wording, plan: Plan) -> NewInventoryRow:
        about = plan.address
        name = None if about.list is None else about.list.name
        facts = facts_of(wording.facts, about.subject_ref, name)
        return drafted(made, facts, self._desk.periods, self._present.now)

    def _draft(
        self, plan: DraftPlan, output: Output | None, *, alone: bool
    ) -> Prepared:
        own = None if plan.own is None else self._make(plan.own, plan.asked, None)
        made = self._make(plan.wording, plan.asked, output)
        row = draft_row(
            made,
            own=None if own is None else own.signal_id,
            facts=self._facts(plan),
            periods=self._desk.periods,
            own_list=self._desk.situation.own,
            now=self._present.now,
        )
        custody = None
        if isinstance(plan.asked, Person) and output is not None:
            custody = self._desk.custody.seal(made.signal_id, plan.asked.canonical)
        entry = self._event(
            Event.DRAFT,
            own,
            made.signal_id,
            plan.decision if alone else None,
            plan.address,
        )
        return Prepared(
            made.signal_id,
            own,
            entry,
            waiting=Waiting(row, custody),
            drafted=self._entered(made, plan.wording, plan),
            address=plan.address,
            listed=self._listed_token(made, plan.wording, plan.address, own),
        )

    def _listed_token(
        self, made: Made, wording: Wording, address: Address, own: Made | None = None
    ) -> ListedToken:
        facts = wording.facts
        said = encode(
            [facts.phenomenon, facts.surface, facts.grade, facts.rule, facts.since]
        )
        is_file = made.media_kind is not None
        return ListedToken(
            origin=made.origin,
            token=made.token,
            audience=audience_digest(address.nodes),
            signal_id=made.signal_id,
            generation=made.header.generation if is_file else 0,
            said=self._present.own.mark(f"said\n{said.decode()}"),
            until=made.header.match_until,
            since=facts.since,
            marks=tuple(
                mark_of(self._present.own, each.token)
                for each in (made, own)
                if each is not None
            ),
        )

    def _facts(self, plan: DraftPlan) -> DraftFacts:
        facts = plan.wording.facts
        return DraftFacts(
            kind=facts.kind,
            phenomenon=facts.phenomenon,
            surface=facts.surface,
            grade=facts.grade,
            provenance=plan.wording.provenance,
            rule=facts.rule,
            since=facts.since,
            contact=plan.wording.contact,
            author=self._who.name,
            role=self._who.role,
            subject_ref=plan.address.subject_ref,
            minor=facts.suspected_minor,
            findings=sorted(facts.findings),
            legal_review=facts.legal_review,
            compared=dict(plan.compared),
            source=plan.address.source,
            detection=plan.address.detection,
            renews=plan.address.renews,
            list=plan.address.list,
        )

    def _event(
        self,
        event: Event,
        own: Made | None,
        signal_id: bytes,
        decision: Decision | None,
        address: Address,
    ) -> LogEntry:
        # One of many says who did it; the rest is in the event of the import.
        detail = None
        if decision is not None:
            detail = {"signal": signal_name(signal_id), **grounds_of(decision)}
        return self._desk.trail.entry(
            event,
            at=self._present.now,
            actor=self._who.name,
            subject=address.subject_ref,
            detail=detail,
            extra=[] if own is None else [own.opening],
        )


def latest_first(row: ListedToken) -> int:
    """Order rows so that of those that are one signal the latest removal comes first.

    Of one day the first row counts; the order is kept.
    """
    return -(row.since or date.min).toordinal()


async def date_standing(
    reader: Reader,
    periods: PeriodKeys,
    rows: Sequence[ListedToken],
    stands: Sequence[Standing | None],
) -> list[Standing | None]:
    """Say of what stands since when, where its removal is before that of the row."""
    named = {each.signal_id for each in stands if each is not None and each.differs}
    known = await reader.inventory_named(sorted(named)) if named else []
    facts = {row.signal_id: open_facts(row, periods) for row in known}
    return [
        each
        if each is None
        or (said := facts.get(each.signal_id)) is None
        or row.since is None
        or said.since >= row.since
        else replace(each, since=said.since)
        for row, each in zip(rows, stands, strict=True)
    ]


def feed_entry(feed: str, made: Made) -> LogEntry:
    """Make the record by which a signal is published, with its opening."""
    opening = made.opening
    record = signal_record(
        feed, made.signal_id, salt=opening.salt, payload=opening.payload
    )
    return LogEntry(record=encode_record(record), openings=(opening,))


async def note_published(
    tx: Transaction, prepared: Sequence[Prepared], author: Author, at: int
) -> None:
    """Keep who published signals about files: they are reviewed by another person."""
    rows = [
        ValidationRow(item.signal_id, author.name, author.role.value, at, at)
        for item in prepared
        if item.made is not None and item.made.media_kind is not None
    ]
    if rows:
        await tx.add_validations(rows)


async def append_signals(
    tx: Transaction, log: str, prepared: Sequence[Prepared]
) -> tuple[list[Hint], range]:
    """Append entries and add the rows that point to them."""
    if not prepared:
        return [], range(0)
    indices = await tx.append_many(log, [item.entry for item in prepared])
    placed = [
        (item.made, index)
        for item, index in zip(prepared, indices, strict=True)
        if item.made is not None
    ]
    signals = [made.at(log, index) for made, index in placed]
    rows = await tx.add_signals(signals)
    entered = [item for item in prepared if item.made is not None]
    await tx.add_inventory(
        [
            listed(signal, item.drafted)
            for signal, item in zip(signals, entered, strict=True)
            if item.waiting is None
        ]
    )
    hints = [
        Hint(row, made.token, made.pdq)
        for row, (made, _) in zip(rows, placed, strict=True)
    ]
    return hints, indices
