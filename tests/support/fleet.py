# SPDX-License-Identifier: Apache-2.0
"""Real nodes on loopback in one process: stores, sockets, signatures, one clock.

A fleet is founded once a session and copied for each test, so its keys and ports
are always the same. Its clock stands until a test moves it.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import aiohttp
from aiohttp.web_app import _cached_build_middleware
from tests.node.signals.conftest import ANNA, BOT, FILES, RITA, request_for
from tests.support.fleet_stores import FLEET_STORES

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_federation.charter.card import fingerprint
from fedsafe_federation.exchange.peer import send_founding
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import (
    ConfirmRequest,
    Kind,
    ProposalRequest,
    Question,
    RevokeRequest,
    SignalAnswer,
)
from fedsafe_node.acts.lookup import LookupAnswer, LookupRequest
from fedsafe_node.acts.notices import SignOffRequest
from fedsafe_node.app.init import create_node
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.config import (
    Config,
    Disk,
    Founding,
    Listen,
    Place,
    Sync,
    load_config,
)
from fedsafe_node.ground.errors import UnavailableError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditRecord, decode_audit_record
from fedsafe_node.notices.texts import texts
from fedsafe_node.people.gate import GateOpening, Opening
from fedsafe_node.people.policy_changes import Change, PolicyChange
from fedsafe_node.rules.policy_bundle import read_provisions
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Purpose, Role, Scope, Surface

T = TypeVar("T")
FEDERATION = "demo#1"
NAMES = ("a.demo", "b.demo", "c.demo")
STAFF = (("anna", Role.ANALYST), ("rita", Role.REVIEWER))
BEGAN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OPERATOR = Principal("olaf", Role.OPERATOR)
PATIENCE = 10.0
_PACE = 0.005


class StandingClock:
    """A clock that moves only when it is told to."""

    def __init__(self, moment: datetime = BEGAN) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, step: timedelta) -> None:
        self.moment += step


async def eventually(
    condition: Callable[[], Awaitable[T | None]], patience: float = PATIENCE
) -> T:
    """Wait until a condition gives something true, and return it."""
    async with asyncio.timeout(patience):
        while not (found := await condition()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_PACE)
    return found


async def _nothing(tx: Transaction) -> None:
    """Come after the acts that were handed in before."""


def config_of(
    name: str,
    port: int,
    *,
    open_: bool = True,
    policy: str = "synthetic",
    reserve_mib: int = 1,
) -> Config:
    return Config(
        format=1,
        name=name,
        url=f"http://127.0.0.1:{port}",
        jurisdiction="DE",
        contact=f"safety@{name}",
        policy=policy,
        listen=Listen("127.0.0.1", port),
        custody_key="custody.pub",
        sync=Sync(poll=1.0),
        founding=Founding(open=open_),
        disk=Disk(reserve_mib=reserve_mib),
    )


@dataclass(frozen=True, slots=True)
class Written:
    """An audit event: its leaf, and what its openings say."""

    record: AuditRecord
    openings: dict[str, bytes]

    @property
    def text(self) -> str:
        return "".join(payload.decode() for payload in self.openings.values())


@dataclass
class Fleet:
    """The nodes of one directory; a node that is stopped can be started again."""

    root: Path
    clock: StandingClock = field(default_factory=StandingClock)
    running: dict[str, RunningNode] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        return Place(self.root / name)

    async def start(self, *names: str) -> None:
        for name in names:
            place = self.place(name)
            config = await asyncio.to_thread(load_config, place)
            self.running[name] = await RunningNode.start(place, config, self.clock)
            await self.running[name].pictures.loaded.wait()

    async def stop(self, *names: str) -> None:
        for name in names:
            await self.running.pop(name).stop()

    async def close(self) -> None:
        await self.stop(*self.running)
        for _ in range(3):  # connections that were closed just now end on the loop
            await asyncio.sleep(0)
        # It holds the last 1,024 handlers that were asked, and each all of its node.
        _cached_build_middleware.cache_clear()

    def __getitem__(self, name: str) -> RunningNode:
        return self.running[name]

    async def attested(self, *names: str) -> None:
        """Wait until all that run know of each other's open gates, and of *names*'s."""
        wanted = {*self.running, *names}

        async def all_attested() -> bool:
            now = self.clock.now()
            return all(
                node.base.situation.attested(other, now)
                for name, node in self.running.items()
                for other in wanted - {name}
            )

        await eventually(all_attested)

    async def covered(self) -> None:
        """Wait until every running node has heard of all others that run."""

        async def all_covered() -> bool:
            now = self.clock.now()
            return not any(
                set(self.running)
                & set(node.base.situation.not_covered(now, actor=True))
                for node in self.running.values()
            )

        await eventually(all_covered)

    async def publish(
        self,
        value: str,
        kind: Kind = Kind.EMAIL,
        *,
        at: str = "a.demo",
        by: Sequence[str] = ("b.demo", "c.demo"),
    ) -> str:
        """Publish a signal at a node and wait until it has reached others."""
        signals = self[at].services.signals
        request = request_for(value, kind=kind, scope=Scope.FEDERATION)

        async def added() -> SignalAnswer | None:
            try:
                return await signals.add(request, ANNA)
            except UnavailableError:
                return None  # a member was slow to evaluate: safe to ask again

        draft = await eventually(added)
        if not self[at].base.situation.synthetic:
            await self.sign_texts(at)
        answer = await signals.approve([draft.signal], RITA)
        assert answer.approved == [draft.signal]
        await self.level(at, by)
        return draft.signal

    async def sign_texts(self, name: str) -> None:
        """Sign off whatever a listed person is told."""
        until = self.clock.now().date() + timedelta(days=300)
        for text in texts().values():
            request = SignOffRequest(digest=text.digest, valid_until=until)
            await self[name].services.notices.sign_off(text.name.value, request, RITA)

    async def open_gate(self, name: str, gate: LegalGate) -> None:
        """Record a gate as two people do, without their accounts."""
        base = self[name].base
        effect = GateOpening(base.office, base.situation)
        people = Person("rita", Role.REVIEWER), Person("dora", Role.DPO)
        newest = await base.store.read(lambda reader: reader.newest_gate())
        after = newest.id if newest is not None else None
        content = encode(Opening(gate=gate, after=after))
        learn = await base.store.write(
            lambda tx: effect.carry_out(tx, content, *people)
        )
        learn()

    async def decide_by_named(self, name: str) -> None:
        """Approve what node.toml names as two people do, without their accounts."""
        base = self[name].base
        situation, place = base.situation, base.place
        config = await asyncio.to_thread(load_config, place)
        named = await asyncio.to_thread(read_provisions, place, config)
        before = situation.provisions.digests
        assert named.digests is not None
        assert before is not None
        change = Change(
            before=before,
            after=named.digests,
            policy=named.policy.reference,
            instead_of=situation.policy.reference,
            effects=[],
        )
        effect = PolicyChange(base.office, situation, place)
        people = Person("olaf", Role.OPERATOR), Person("rita", Role.REVIEWER)
        learn = await base.store.write(
            lambda tx: effect.carry_out(tx, encode(change), *people)
        )
        learn()

    async def revoke(
        self, signal: str, *, at: str = "a.demo", by: Sequence[str] = ()
    ) -> None:
        request = RevokeRequest(reason=Reason.MISTAKE)
        await self[at].services.signals.revoke(signal, request, RITA)
        await self.level(at, by)

    async def forget_listed(self, name: str) -> None:
        """Let a node list again whom it has listed, as an origin that keeps no such."""

        def forget() -> None:
            with closing(sqlite3.connect(self.place(name).database)) as connection:
                assert connection.execute("DELETE FROM listed_tokens").rowcount > 0
                connection.commit()

        await asyncio.to_thread(forget)

    async def level(
        self, origin: str, others: Sequence[str], patience: float = PATIENCE
    ) -> None:
        """Wait until others hold all of an origin's feed."""
        size = await self[origin].base.store.read(
            lambda reader: reader.log_size(f"{origin}/feed")
        )
        await self.reached(origin, size, others, patience)

    async def reached(
        self,
        origin: str,
        size: int,
        others: Sequence[str],
        patience: float = PATIENCE,
    ) -> None:
        """Wait until others hold so much of an origin's feed."""

        async def is_level() -> bool:
            cursors = [await self.cursor(name, origin) for name in others]
            return all(cursor == size for cursor in cursors)

        await eventually(is_level, patience)
        for name in others:  # what was applied is in its index as well by then
            await self[name].base.store.write(_nothing)

    async def witnessed(self, name: str) -> None:
        """Have a node's checkpoint cosigned, once nobody is left who did not answer.

        A node that starts before the others asks them again only after a pause.
        """
        cosigning = self[name].witnesses.cosigning

        async def is_answered() -> bool:
            await cosigning.settle()
            await cosigning.run()
            await cosigning.settle()
            others = [other for other in self.running if other != name]
            return not any(cosigning.failures(other) for other in others)

        await eventually(is_answered)

    async def cursor(self, name: str, origin: str) -> int:
        row = await self[name].base.store.read(lambda reader: reader.peer(origin))
        return row.cursor if row is not None else 0

    async def look_up(
        self,
        name: str,
        value: str,
        kind: Kind = Kind.EMAIL,
        *,
        deadline_ms: int = 10_000,
    ) -> LookupAnswer:
        file = kind in FILES
        request = LookupRequest(
            questions=[Question(kind=kind, value=value)],
            purpose=Purpose.MEDIA_MATCHING if file else Purpose.SIGNUP_CHECK,
            surface=Surface.PUBLIC_CONTENT if file else None,
            subject_ref="account-1",
            deadline_ms=deadline_ms,
        )
        await self[name].base.following.fresh()  # as every route does first
        return await self[name].services.lookups.lookup(request, BOT)

    async def audit(self, name: str, event: str | None = None) -> list[Written]:
        """Read a node's audit log, past every service."""
        log = self[name].base.trail.log

        async def query(reader: Reader) -> list[Written]:
            records = await reader.records(log, 0, 10_000)
            kept = await reader.openings(log, 0, 10_000)
            return [
                Written(
                    decode_audit_record(record),
                    {
                        item.group: item.opening.payload
                        for item in kept
                        if item.index == index and item.opening is not None
                    },
                )
                for index, record in enumerate(records)
            ]

        written = await self[name].base.store.scan(query)
        return [each for each in written if event in (None, each.record.event.value)]


async def found(fleet: Fleet, *names: str) -> None:
    """Found a federation of running nodes over HTTP."""
    first = fleet[names[0]].services.foundings
    cards = [await fleet[name].services.foundings.card() for name in names]
    seen = [await first.propose(ProposalRequest(federation=FEDERATION, cards=cards))]
    for name in names:
        await confirm(fleet, name, seen[0])
    async with aiohttp.ClientSession() as session:
        while not all(fleet[name].base.situation.shared for name in names):
            before = len(seen)
            for name in names:
                await _step(session, fleet[name], seen)
                await fleet[name].base.following.fresh()  # another process may have it
            assert len(seen) > before or all(
                fleet[name].base.situation.shared for name in names
            )


async def confirm(fleet: Fleet, name: str, proposal: Signed) -> None:
    """Confirm a founding: each other node shows its own fingerprint, as on a call."""
    foundings = fleet[name].services.foundings
    seen = await foundings.review(proposal)
    groups: dict[str, list[str]] = {}
    for each in seen.members:
        if each.asked:
            own = await fleet[each.name].services.foundings.card()
            shown = fingerprint(own).split()
            groups[each.name] = [shown[at - 1] for at in each.asked]
    request = ConfirmRequest(proposal=seen.proposal, groups=groups)
    await foundings.confirm(request, OPERATOR)


async def _step(
    session: aiohttp.ClientSession, node: RunningNode, seen: list[Signed]
) -> None:
    owed = await send_founding(session, node.base.config.url, seen)
    seen += [message for message in owed if message not in seen]


async def make(
    root: Path,
    *names: str,
    policy: str = "synthetic",
    staff: Sequence[tuple[str, Role]] = STAFF,
    reserve_mib: int = 1,
    demonstration: bool = False,
) -> Fleet:
    """Make nodes that belong to no federation yet."""
    for name, port in zip(names, free_ports(len(names)), strict=True):
        config = config_of(name, port, policy=policy, reserve_mib=reserve_mib)
        await create_node(
            Place(root / name),
            await asyncio.to_thread(FLEET_STORES.placed, config),
            custody_private=root / "custody" / f"{name}.key",
            staff=staff,
            clock=StandingClock(),
            demonstration=demonstration,
        )
    return Fleet(root)


async def make_founded(
    root: Path,
    *,
    staff: Sequence[tuple[str, Role]] = STAFF,
    demonstration: bool = False,
) -> None:
    fleet = await make(root, *NAMES, staff=staff, demonstration=demonstration)
    try:
        await fleet.start(*NAMES)
        await found(fleet, *NAMES)
        await fleet.attested()
    finally:
        await fleet.close()


def copy_of(source: Path, target: Path) -> Fleet:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.sock"))
    FLEET_STORES.copy(target)
    return Fleet(target)
