# SPDX-License-Identifier: Apache-2.0
"""The node at a glance: status and health (`api.services.Node`)."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from fedsafe_crypto.primitives.sodium import describe
from fedsafe_federation.feed.appeals import hearer
from fedsafe_federation.feed.verification import feed_name
from fedsafe_node.acts.bodies import PeerStatus, StatusAnswer
from fedsafe_node.acts.notices import TextName
from fedsafe_node.audit.breaches.clock import count_breaches
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
from fedsafe_node.store.rows import Counts, PeerRow
from fedsafe_policies.rules.erasures import ErasureDebtRequest

VERSION: Final = version("fedsafe")
MAX_WAITING: Final = 500
"""So many reviews are more than people can get through: somebody floods the queue."""
_DAY: Final = 24 * 60 * 60
_WEEK: Final = 7 * _DAY


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the store holds at one moment; `breaches` are those open and overdue.

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
    cases: Overdue
    orders: int
    requests: tuple[int, int]
    waiting: tuple[int, int]
    sends: bool
    by_hand: int
    in_hand: int
    texts: list[TextName]
    departed: list[str]
    resharings: list[str]


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
) -> dict[str, str]:
    """Say what in the store waits for too long."""
    checks: dict[str, str] = {}
    if left := await unfinished_effects(reader):
        named = ", ".join(effect.target for effect in left)
        checks["keys to destroy"] = f"unfinished: {named}"
    if (fork := await forked(reader)) is not None:
        number, blamed = fork
        names = ", ".join(sorted(blamed.signed_both | blamed.broke_promise))
        checks["charter"] = (
            f"two valid versions {number}, made so by {names}: the "
            "members are split; agree by telephone with the others who is expelled"
        )
    waiting = await reader.tasks_waiting()
    if waiting > MAX_WAITING:
        checks["reviews"] = f"{waiting} wait for a person"
    if floods := await reader.floods_waiting():
        checks["floods"] = f"{floods} wait for a ruling"
    if probations := await reader.probations():
        checks["probation"] = f"{probations} run; see `fedsafe trial list`"
    if late := await reader.samples_overdue(situation.node, now):
        checks["sample"] = f"{late} signals are overdue; see `fedsafe signal sample`"
    if urgent := (await _cases(reader, situation, cases, now)).urgent:
        checks["cases"] = f"{urgent} about life or safety are overdue"
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
        return StatusAnswer(
            node=situation.node,
            version=VERSION,
            policy=situation.policy.reference,
            not_approved=await self._waits(),
            rests=situation.rests,
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
            store=self._trouble(),
            receipts_overdue=found.receipts,
            notices_waiting=found.notices,
            texts_unsigned=[name.value for name in found.texts],
            keys_departed=found.departed,
            resharings_overdue=found.resharings,
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
        """Say for each part whether it is `ok`, or what is wrong with it.

        The store is `full`, `busy` or `failed`, and since when; the disk is `short`
        of room, or `full`. Of a store that cannot be read, what waits in it is not
        told.
        """
        checks = {"store": await self._check_store()}
        checks["disk"] = _told(await self._store.room())
        try:
            at = int(self._clock.now().timestamp())
            checks |= await self._store.scan(
                lambda reader: _check_rows(reader, self._situation, self._cases, at)
            )
        except StoreError:
            was = checks["store"]
            checks["store"] = f"{'failing' if was == 'ok' else was}; it cannot be read"
        if self._situation.rests is not None:
            checks["policy"] = f"exchanges nothing: {self._situation.rests}"
        now = self._clock.now()
        for member in self._not_covered(now):
            checks[f"feed of {member}"] = self._why(member, now)
        for member, told in sorted(self._situation.debts.items()):
            decision = self._situation.decide(ErasureDebtRequest(told=told), now)
            if is_late(decision):
                stops = "" if decision.allowed else "; it gets no new openings"
                checks[f"erasures at {member}"] = (
                    f"no receipt since {self._owes_since(member)}{stops}"
                )
        return {**checks, **self._check_witnesses(now)}

    def _check_witnesses(self, now: datetime) -> dict[str, str]:
        checks: dict[str, str] = {}
        for origin, since in sorted(self._situation.coverage.waiting.items()):
            if now - since > LATE:
                when = since.isoformat(timespec="seconds")
                checks[f"additions of {origin}"] = f"wait for witnesses since {when}"
        away = self._cosigning.stale_since()
        if self._cosigning.alarm is not None:
            checks["witnesses"] = "they have seen more than this node has"
        elif self._cosigning.refused:
            checks["witnesses"] = "they refuse this node: is its clock right?"
        elif away is not None:
            checks["witnesses"] = f"away since {away.isoformat(timespec='seconds')}"
        for log in sorted(self._forks.forked):
            twice = log.endswith(DISPUTES)
            why = "has signed two with one number" if twice else "has shown two trees"
            checks[f"log {log}"] = why
        return checks

    async def _check_store(self) -> str:
        async def nothing(_: Reader) -> None:
            return None

        try:
            await self._store.write(nothing)
        except StoreError:
            return "failing" if self._store.trouble() is None else self._trouble()
        return self._trouble()

    def _trouble(self) -> str:
        # An empty act says nothing: it succeeds on a full disk. The jobs' own writes
        # find out within a minute that the disk takes them again.
        trouble = self._store.trouble()
        if trouble is None:
            return "ok"
        since = datetime.fromtimestamp(trouble.since, tz=UTC)
        return f"{trouble.kind.value} since {since.isoformat(timespec='seconds')}"

    def _not_covered(self, now: datetime) -> list[str]:
        situation = self._situation
        return situation.not_covered(now, actor=situation.opens(now))

    def _why(self, member: str, now: datetime) -> str:
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
                    uncovered=self._why(member.name, now)
                    if member.name in lacking
                    else None,
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


def _told(room: Room | None) -> str:
    state = disk_state(room)
    if room is None or state == "ok":
        return "ok"
    what = "free" if room.held else "free, and the reserve is given up"
    return f"{state}: {room.free >> 20} MiB {what}; make room"
