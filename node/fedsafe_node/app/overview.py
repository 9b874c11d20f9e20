# SPDX-License-Identifier: Apache-2.0
"""The node at a glance: status and health (`api.services.Node`)."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

import msgspec

from fedsafe_crypto.primitives.sodium import describe
from fedsafe_federation.feed.appeals import hearer
from fedsafe_federation.feed.verification import feed_name
from fedsafe_node.acts.bodies import (
    PeerStatus,
    Sentence,
    StatusAnswer,
    sentence_of,
)
from fedsafe_node.acts.notices import TextName
from fedsafe_node.audit.breaches.clock import count_breaches
from fedsafe_node.audit.rounds.clock import count_rounds
from fedsafe_node.casework.cases.clock import Overdue, count_overdue
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.dispatch.view import sends
from fedsafe_node.casework.orders.clock import count_orders
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import StoreError
from fedsafe_node.ground.process_memory import memory_state
from fedsafe_node.keys.charter_chain import forked
from fedsafe_node.keys.membership import Membership
from fedsafe_node.log.audit import audit_log_name
from fedsafe_node.log.key_destruction import unfinished_effects
from fedsafe_node.members.ceremonies.record import read_scene
from fedsafe_node.members.ceremonies.resharing_requests import overdue, warnings
from fedsafe_node.members.forks import Forks
from fedsafe_node.members.peering.cosigning import Cosigning
from fedsafe_node.members.peering.overdue_erasures import is_late
from fedsafe_node.members.peering.witness_delay import LATE
from fedsafe_node.notices.desk import NoticeDesk
from fedsafe_node.review.reviewer_stats import rubber_stamps
from fedsafe_node.rights.request_state import count_late, count_waiting
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.double_disputes import DISPUTES
from fedsafe_node.store.keeping_rows import Room
from fedsafe_node.store.peering_rows import TallyRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Counts, PeerRow, Trouble
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.erasures import ErasureDebtRequest

VERSION: Final = version("fedsafe")
MAX_WAITING: Final = 500
"""So many reviews are more than people can get through: somebody floods the queue."""
_DAY: Final = 24 * 60 * 60
_WEEK: Final = 7 * _DAY
_OK: Final = Phrase("ok")
_FAILING: Final = Phrase("failing")
_SINCE: Final = {
    Trouble.FULL: Phrase("full since {when}"),
    Trouble.BUSY: Phrase("busy since {when}"),
    Trouble.FAILED: Phrase("failed since {when}"),
}
_SHORT: Final = Phrase("short: {free} MiB free; make room")
_FULL: Final = Phrase("full: {free} MiB free, and the reserve is given up; make room")
_LATE: Final = Phrase("no receipt since {when}")
_LATE_AND_CUT_OFF: Final = Phrase("no receipt since {when}; it gets no new openings")
_TWO_TREES: Final = Phrase("has shown two trees")
_TWICE: Final = Phrase("has signed two with one number")


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the store holds; `breaches` and `rounds` are those open and overdue.

    `requests` are those overdue, and those whose identity check is forgotten; `waiting`
    are those that wait to be looked up, and for how many seconds the oldest does.
    """

    counts: Counts
    peers: list[PeerRow]
    feed: int
    audit: int
    receipts: int
    notices: int
    tasks: int
    match_floods: int
    stamps: int
    disputes: int
    floods: dict[str, int]
    circuits: int
    differing: dict[str, int]
    keys: int
    breaches: tuple[int, int]
    rounds: tuple[int, int]
    cases: Overdue
    orders: int
    requests: tuple[int, int]
    waiting: tuple[int, int]
    sends: bool
    by_hand: int
    in_hand: int
    texts: list[TextName]
    departed: list[Phrase]
    resharings: list[Phrase]


async def _count(
    reader: Reader,
    situation: Situation,
    notices: NoticeDesk,
    cases: CaseVault,
    now: int,
) -> _Counted:
    review = situation.policy.document.review
    scene = await read_scene(reader)
    return _Counted(
        counts=await reader.counts(),
        peers=await reader.peers(),
        feed=await reader.log_size(feed_name(situation.node)),
        audit=await reader.log_size(audit_log_name(situation.node)),
        receipts=await reader.receipts_overdue(now),
        notices=await reader.notices_waiting(now),
        tasks=await reader.tasks_waiting(),
        match_floods=await reader.floods_waiting(),
        stamps=len(await rubber_stamps(reader, review)),
        disputes=await reader.open_disputes(),
        floods=_by_member(await reader.floods_since(now - _WEEK), situation),
        circuits=len(await reader.circuits(now)),
        differing=_differing(await reader.tallies((now - _WEEK) // _DAY)),
        keys=len(await unfinished_effects(reader)),
        breaches=await count_breaches(reader, now),
        rounds=await count_rounds(reader, audit_log_name(situation.node), now),
        orders=await count_orders(reader, now),
        requests=await count_late(reader, notices.periods, now),
        waiting=await count_waiting(reader, now),
        sends=await sends(reader),
        by_hand=await reader.dispatches_by_hand(),
        in_hand=await reader.dispatches_in_hand(),
        cases=await _cases(reader, situation, cases, now),
        texts=await notices.drafts(reader),
        departed=[] if scene is None else warnings(scene),
        resharings=[] if scene is None else overdue(scene, now),
    )


async def _cases(
    reader: Reader, situation: Situation, vault: CaseVault, now: int
) -> Overdue:
    return await count_overdue(reader, vault, situation.config.deadlines.calendar, now)


async def _check_rows(
    reader: Reader, situation: Situation, cases: CaseVault, now: int
) -> dict[Phrase, Phrase]:
    """Say what in the store waits for too long."""
    checks: dict[Phrase, Phrase] = {}
    if left := await unfinished_effects(reader):
        named = ", ".join(effect.target for effect in left)
        checks[Phrase("keys to destroy")] = Phrase("unfinished: {named}").filled(
            named=named
        )
    if (fork := await forked(reader)) is not None:
        number, blamed = fork
        names = ", ".join(sorted(blamed.signed_both | blamed.broke_promise))
        checks[Phrase("charter")] = Phrase(
            "two valid versions {number}, made so by {names}: the members are split; "
            "agree by telephone with the others who is expelled"
        ).filled(number=number, names=names)
    waiting = await reader.tasks_waiting()
    if waiting > MAX_WAITING:
        checks[Phrase("reviews")] = Phrase("{waiting} wait for a person").filled(
            waiting=waiting
        )
    if floods := await reader.floods_waiting():
        checks[Phrase("floods")] = Phrase("{floods} wait for a ruling").filled(
            floods=floods
        )
    if probations := await reader.probations():
        checks[Phrase("probation")] = Phrase(
            "{probations} run; see `fedsafe trial list`"
        ).filled(probations=probations)
    if late := await reader.samples_overdue(situation.node, now):
        checks[Phrase("sample")] = Phrase(
            "{late} signals are overdue; see `fedsafe signal sample`"
        ).filled(late=late)
    if urgent := (await _cases(reader, situation, cases, now)).urgent:
        checks[Phrase("cases")] = Phrase(
            "{urgent} about life or safety are overdue"
        ).filled(urgent=urgent)
    return checks


def _by_member(floods: dict[str, int], situation: Situation) -> dict[str, int]:
    """Count disputes of own bans with those that this node has stated."""
    own = floods.pop(situation.own.name, 0)
    if own:
        floods[situation.node] = floods.get(situation.node, 0) + own
    return floods


def _differing(rows: Iterable[TallyRow]) -> dict[str, int]:
    """Add up by member how many evaluations do not fit together."""
    found = Counter[str]()
    for row in rows:
        found[row.author] += row.differs
    return dict(+found)


class Overview:
    """Tells the state of a node."""

    def __init__(  # noqa: PLR0913 - the parts whose state it tells
        self,
        situation: Situation,
        store: Store,
        clock: Clock,
        cosigning: Cosigning,
        forks: Forks,
        waits: Callable[[], Awaitable[list[str]]],
        notices: NoticeDesk,
        cases: CaseVault,
    ) -> None:
        self._situation = situation
        self._store = store
        self._clock = clock
        self._cosigning = cosigning
        self._forks = forks
        self._waits = waits
        self._notices = notices
        self._cases = cases

    async def status(self) -> StatusAnswer:
        """Tell the node's state at a glance."""
        situation = self._situation
        now = int(self._clock.now().timestamp())
        found = await self._store.scan(
            lambda reader: _count(reader, situation, self._notices, self._cases, now)
        )
        membership = situation.shared.membership if situation.shared else None
        library = describe()
        breaches, late = found.breaches
        room = await self._store.room()
        trouble = self._trouble()
        return StatusAnswer(
            node=situation.node,
            version=VERSION,
            policy=situation.policy.reference,
            not_approved=await self._waits(),
            rests=_english(situation.rests),
            rests_made=_made(situation.rests),
            federation=membership.charter.federation if membership else None,
            threshold=membership.epoch.threshold if membership else None,
            members=len(membership.charter.members) if membership else 1,
            epoch=membership.epoch.epoch if membership else None,
            peers=self._peers({row.origin: row for row in found.peers}),
            signals=found.counts.signals,
            own_bans=found.counts.own,
            drafts=found.counts.drafts,
            feed_size=found.feed,
            audit_size=found.audit,
            sodium=f"libsodium {library.version} ({library.source})",
            url=situation.config.url,
            store=str(trouble),
            store_made=_made(None if trouble == _OK else trouble),
            receipts_overdue=found.receipts,
            notices_waiting=found.notices,
            texts_unsigned=[name.value for name in found.texts],
            keys_departed=list(map(str, found.departed)),
            keys_departed_made=_all_made(found.departed),
            resharings_overdue=list(map(str, found.resharings)),
            resharings_overdue_made=_all_made(found.resharings),
            keys_uncommitted=[] if membership is None else membership.uncommitted(now),
            tasks_waiting=found.tasks,
            floods_waiting=found.match_floods,
            review_alarms=found.stamps,
            disputes_open=found.disputes,
            disputes_beyond_budget=found.floods,
            circuits_broken=found.circuits,
            evaluations_differing=found.differing,
            keys_unfinished=found.keys,
            breaches_open=breaches,
            breaches_overdue=late,
            rounds_open=found.rounds[0],
            rounds_overdue=found.rounds[1],
            cases_open=found.cases.open,
            cases_overdue=found.cases.late,
            orders_overdue=found.orders,
            requests_overdue=found.requests[0],
            requests_waiting=found.waiting[0],
            longest_wait_s=found.waiting[1],
            checks_forgotten=found.requests[1],
            sending_off=not found.sends,
            packages_by_hand=found.by_hand,
            packages_in_hand=found.in_hand,
            disk=disk_state(room),
            disk_free_mib=None if room is None else room.free >> 20,
            reserve_mib=_reserve_mib(room),
            epoch_ends=_epoch_ends(membership),
            ending_over=_ending_over(membership, now),
            holders=None if membership is None else _holders(membership),
            shares_missing=0 if membership is None else _missing(membership),
            too_few_holders=membership is not None and membership.charter.is_short,
            appeals_unheard=membership is not None
            and hearer(membership.charter, {situation.node}) is None,
            memory=memory_state().value,
        )

    async def checks(self) -> dict[str, str]:
        """Say what `verdicts` does, in English."""
        found = await self.verdicts()
        return {str(part): str(verdict) for part, verdict in found.items()}

    async def verdicts(self) -> dict[Phrase, Phrase]:
        """Say for each part whether it is `ok`, or what is wrong with it.

        The store is `full`, `busy` or `failed`, and since when; the disk is `short`
        of room, or `full`. Of a store that cannot be read, what waits in it is not
        told.
        """
        store = Phrase("store")
        checks = {store: await self._check_store()}
        checks[Phrase("disk")] = _told(await self._store.room())
        try:
            at = int(self._clock.now().timestamp())
            checks |= await self._store.scan(
                lambda reader: _check_rows(reader, self._situation, self._cases, at)
            )
        except StoreError:
            was = checks[store]
            was = _FAILING if was == _OK else was
            checks[store] = Phrase("{why}; it cannot be read").filled(why=was)
        if self._situation.rests is not None:
            rests = self._situation.rests
            checks[Phrase("policy")] = Phrase("exchanges nothing: {why}").filled(
                why=rests
            )
        now = self._clock.now()
        for member in self._not_covered(now):
            part = Phrase("feed of {member}").filled(member=member)
            checks[part] = self._why(member, now)
        for member, told in sorted(self._situation.debts.items()):
            decision = self._situation.decide(ErasureDebtRequest(told=told), now)
            if is_late(decision):
                late = _LATE if decision.allowed else _LATE_AND_CUT_OFF
                since = self._owes_since(member)
                part = Phrase("erasures at {member}").filled(member=member)
                checks[part] = late.filled(when=since)
        return {**checks, **self._check_witnesses(now)}

    def _check_witnesses(self, now: datetime) -> dict[Phrase, Phrase]:
        checks: dict[Phrase, Phrase] = {}
        for origin, since in sorted(self._situation.coverage.waiting.items()):
            if now - since > LATE:
                when = since.isoformat(timespec="seconds")
                part = Phrase("additions of {member}").filled(member=origin)
                waits = Phrase("wait for witnesses since {when}")
                checks[part] = waits.filled(when=when)
        away, witnesses = self._cosigning.stale_since(), Phrase("witnesses")
        if self._cosigning.alarm is not None:
            checks[witnesses] = Phrase("they have seen more than this node has")
        elif self._cosigning.refused:
            checks[witnesses] = Phrase("they refuse this node: is its clock right?")
        elif away is not None:
            when = away.isoformat(timespec="seconds")
            checks[witnesses] = Phrase("away since {when}").filled(when=when)
        for log in sorted(self._forks.forked):
            twice = log.endswith(DISPUTES)
            why = _TWICE if twice else _TWO_TREES
            checks[Phrase("log {log}").filled(log=log)] = why
        return checks

    async def _check_store(self) -> Phrase:
        async def nothing(_: Reader) -> None:
            return None

        try:
            await self._store.write(nothing)
        except StoreError:
            return _FAILING if self._store.trouble() is None else self._trouble()
        return self._trouble()

    def _trouble(self) -> Phrase:
        # An empty act says nothing: it succeeds on a full disk. The jobs' own writes
        # find out within a minute that the disk takes them again.
        trouble = self._store.trouble()
        if trouble is None:
            return _OK
        since = datetime.fromtimestamp(trouble.since, tz=UTC)
        return _SINCE[trouble.kind].filled(when=since.isoformat(timespec="seconds"))

    def _not_covered(self, now: datetime) -> list[str]:
        situation = self._situation
        return situation.not_covered(now, actor=situation.opens(now))

    def _why(self, member: str, now: datetime) -> Phrase:
        situation = self._situation
        return situation.why_not_covered(member, now, actor=situation.opens(now))

    def _owes_since(self, member: str) -> str | None:
        told = self._situation.debts.get(member)
        if told is None:
            return None
        return datetime.fromtimestamp(told, tz=UTC).isoformat(timespec="seconds")

    def _peers(self, rows: dict[str, PeerRow]) -> list[PeerStatus]:
        shared, coverage = self._situation.shared, self._situation.coverage
        if shared is None:
            return []
        now = self._clock.now()
        lacking = self._not_covered(now)
        statuses: list[PeerStatus] = []
        for member in shared.membership.others:
            row = rows.get(member.name)
            why = self._why(member.name, now) if member.name in lacking else None
            seen = coverage.last(member.name)
            if seen is None and row is not None and row.synced_at:
                seen = datetime.fromtimestamp(row.synced_at, tz=UTC)
            statuses.append(
                PeerStatus(
                    name=member.name,
                    url=member.url,
                    cursor=row.cursor if row is not None else 0,
                    synced_at=seen.isoformat(timespec="seconds") if seen else None,
                    covered=member.name not in lacking,
                    uncovered=_english(why),
                    uncovered_made=_made(why),
                    suspended=member.name in coverage.suspended,
                    owes_since=self._owes_since(member.name),
                )
            )
        return statuses


def _epoch_ends(membership: Membership | None) -> str | None:
    return _day(membership.epoch.ends) if membership is not None else None


def _ending_over(membership: Membership | None, now: int) -> str | None:
    """Say when the epoch before the newest one is over, while it still lives."""
    if membership is None:
        return None
    charter = membership.charter
    old = [each for each in charter.live(now) if each is not charter.newest]
    return _day(charter.epoch_over(old[0].epoch)) if old else None


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).date().isoformat()


def disk_state(room: Room | None) -> str:
    """Say `ok`, `short` while room should be made, `full` without the reserve."""
    if room is None or not room.is_short:
        return "ok"
    return "short" if room.held else "full"


def _holders(membership: Membership) -> int:
    pins = membership.pins.get(membership.epoch.epoch)
    return len(pins.members) if pins is not None else 0


def _missing(membership: Membership) -> int:
    """Count the live epochs of which this node was to hold a share, and has none."""
    me, shares = membership.me.index, membership.shares
    return sum(
        me in pins.members and epoch not in shares
        for epoch, pins in membership.pins.items()
    )


def _reserve_mib(room: Room | None) -> int | None:
    if room is None:
        return None
    return room.size >> 20 if room.held else 0


def _told(room: Room | None) -> Phrase:
    if room is None or disk_state(room) == "ok":
        return _OK
    found = _SHORT if room.held else _FULL
    return found.filled(free=room.free >> 20)


def _english(said: Phrase | None) -> str | None:
    return None if said is None else str(said)


def _made(said: Phrase | None) -> Sentence | msgspec.UnsetType:
    """Tell how a sentence was made, for readers of other languages."""
    return sentence_of(said) or msgspec.UNSET


def _all_made(said: Iterable[Phrase]) -> list[Sentence] | msgspec.UnsetType:
    """Tell it of several, in their order; of all, or of none."""
    made = [sentence_of(each) for each in said]
    return [each for each in made if each is not None] or msgspec.UNSET
