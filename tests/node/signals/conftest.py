# SPDX-License-Identifier: Apache-2.0
"""A node of a federation of three, in process: real store, keys and evaluations."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any, Protocol, TypeVar

import pytest
from msgspec.structs import replace

from fedsafe_crypto.oprf.shares import split
from fedsafe_crypto.oprf.threshold import Generation, KeyShare
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.primitives.ristretto import multiply_base, random_scalar
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.attestation import Attestation, sign_attestation
from fedsafe_federation.charter.card import MemberKeys
from fedsafe_federation.charter.charter import (
    Charter,
    Epoch,
    Member,
    Pin,
    PolicyReference,
)
from fedsafe_federation.errors import PeerError
from fedsafe_federation.evaluation.member_choice import Silences
from fedsafe_federation.evaluation.metering import Budget
from fedsafe_federation.evaluation.quorum import Holder, Quorum
from fedsafe_federation.evaluation.statements import answer_request, open_request
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import (
    Kind,
    NewSignalRequest,
    Question,
)
from fedsafe_node.acts.lookup import (
    LookupAnswer,
    LookupRequest,
)
from fedsafe_node.acts.signal_reviews import ListedState, SignalsQuery
from fedsafe_node.ground.config import Config, Listen
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.evaluators import OwnList, SharedLists
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.log.audit import AuditRecord, AuditTrail, Event, decode_audit_record
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.lookup.index.tokens import TokenIndex
from fedsafe_node.lookup.service import LookupService
from fedsafe_node.notices.desk import NoticeDesk
from fedsafe_node.notices.provider_events.announcer import Announcer
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.rules.policy_bundle import Provisions
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.custody import Custody
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.publication import SignalService
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import SignalRow
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.vocabulary import (
    Detection,
    Finding,
    Grade,
    Phenomenon,
    Purpose,
    Role,
    Scope,
    Source,
    Surface,
)

T = TypeVar("T")
NAMES = ("a.demo", "b.demo", "c.demo")
FILES = {Kind.SHA256, Kind.SHA1, Kind.MD5, Kind.BLAKE3, Kind.PDQ}
ENDS = datetime(2027, 3, 1, tzinfo=UTC)

ANNA = Principal("anna", Role.ANALYST)
RITA = Principal("rita", Role.REVIEWER)
BOT = Principal("local", Role.SERVICE)
DRAFTS = SignalsQuery(state=ListedState.DRAFT, limit=1_000)


class Clocked(Protocol):
    moment: datetime

    def now(self) -> datetime: ...

    def advance(self, step: timedelta) -> None: ...


async def in_thread(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


class Unmetered:
    """A ledger of members that have no budgets."""

    async def asks(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        """Count nothing."""

    def answered(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        """Count nothing."""

    def refused(self, peer: str, budget: Budget, seconds: float | None) -> None:
        raise AssertionError(peer, budget, seconds)

    def wait(self, peer: str, budget: Budget) -> float:
        del peer, budget
        return 0.0


async def _blame(peer: str, why: str, request: Signed, answer: Signed) -> None:
    raise AssertionError(f"{peer} answered {answer} to {request}: {why}")


class Federation:
    """Three members, a key in shares of 2 of 3, and peers that can be down."""

    def __init__(self, clock: Clocked) -> None:
        self.clock = clock
        self.signing = {name: SigningKey.generate() for name in NAMES}
        secret = random_scalar()
        self.shares = split(secret, 2, 3)
        self.charter = self._charter(multiply_base(secret))
        self.media = MediaKeys(token_bytes(32), token_bytes(32))
        self.down: set[str] = set()
        self.asked = 0
        self._seen = SeenNonces(began=clock.now() - timedelta(hours=1))

    def _charter(self, public: bytes) -> Charter:
        document = PolicyReference("demo", hashlib.sha256(b"demo").digest())
        members = [
            Member(
                index=index,
                name=name,
                url=f"http://127.0.0.1:{8400 + index}",
                jurisdiction="DE",
                keys=MemberKeys(
                    feed=SigningKey.generate().public,
                    audit=SigningKey.generate().public,
                    statement=self.signing[name].public,
                    transport=SigningKey.generate().public,
                    witness=SigningKey.generate().public,
                    sealing=RecipientKey.generate().public,
                ),
            )
            for index, name in enumerate(NAMES, start=1)
        ]
        epoch = Epoch(
            epoch=1,
            generation=1,
            threshold=2,
            public=public,
            pins=[Pin(i, multiply_base(self.shares[i])) for i in (1, 2, 3)],
            transcript=bytes(32),
            starts=0,
            ends=int(ENDS.timestamp()),
        )
        return Charter(
            v=1,
            version=1,
            federation="demo#1",
            created=0,
            members=members,
            next_index=len(members) + 1,
            quorum=len(members) // 2 + 1,
            policy=document,
            arrangement=document,
            witness_quorum="none",
            epochs=[epoch],
        )

    def attest(self, situation: Situation, name: str) -> None:
        """Let a member attest an open gate to a node under test."""
        at = int(self.clock.now().timestamp())
        said = Attestation(
            v=1,
            node=name,
            sequence=at,
            at=at,
            valid_until=at + 86_400,
            gate_until=at + 86_400,
            register_until=at + 86_400,
            policy="synthetic@00000000",
            synthetic=True,
        )
        statement = sign_attestation(
            said, key=self.signing[name], federation=self.charter.federation
        )
        situation.attestations.keep(said, statement)

    def next_generation(self) -> None:
        """Share the key and the media group key anew, as when a member left."""
        (epoch,) = self.charter.epochs
        later = replace(epoch, generation=epoch.generation + 1)
        self.charter = replace(self.charter, epochs=[later])

    def share(self, index: int) -> KeyShare:
        return KeyShare(
            generation=Generation(1, self.charter.epochs[0].generation),
            index=index,
            threshold=2,
            secret=self.shares[index],
        )

    def lists_of(self, name: str) -> SharedLists:
        me = self.charter.member(name)
        pins = self.charter.pins()
        membership = Membership(
            Version(self.charter, bytes(32)),
            me,
            pins,
            {1: self.share(me.index)},
            {(1, n + 1): self.media for n in range(self.charter.epochs[0].generation)},
        )
        quorum = Quorum(
            self.charter,
            pins[1],
            Holder(name, self.share(me.index), self.signing[name]),
            ask=self.ask,
            report=_blame,
            ledger=Unmetered(),
            silences=Silences(bytes),
            offload=in_thread,
            now=self.clock.now,
            token_bytes=token_bytes,
        )
        return SharedLists(membership, {1: quorum}, now=self.clock.now)

    async def ask(self, member: Member, request: Signed) -> Signed:
        if member.name in self.down:
            raise PeerError(member.name, "is down")
        opened = open_request(
            request,
            me=member.name,
            charter=self.charter,
            seen=self._seen,
            now=self.clock.now(),
        )
        self.asked += opened.count
        return answer_request(
            request,
            opened,
            share=self.share(member.index),
            pins=self.charter.pins()[1],
            key=self.signing[member.name],
            federation=self.charter.federation,
        )


@dataclass
class Node:
    """A node under test and what its tests ask of it."""

    desk: Desk
    signals: SignalService
    lookups: LookupService
    federation: Federation
    custody_key: RecipientKey
    announced: list[int] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.desk.store

    async def publish(
        self, value: str, kind: Kind = Kind.SHA256, *, by: Principal = ANNA
    ) -> str:
        """Publish a signal as two people do: *by*, and a reviewer."""
        request = request_for(value, kind=kind, scope=Scope.FEDERATION)
        signal = (await self.signals.add(request, by)).signal
        assert (await self.signals.approve([signal], RITA)).approved == [signal]
        return signal

    async def look_up(self, value: str, kind: Kind = Kind.EMAIL) -> LookupAnswer:
        now = self.desk.clock.now()
        for name in NAMES[1:]:
            self.desk.situation.coverage.saw(name, now)
            self.federation.attest(self.desk.situation, name)
        questions = [Question(kind=kind, value=value)]
        file = kind in FILES
        request = LookupRequest(
            questions=questions,
            purpose=Purpose.MEDIA_MATCHING if file else Purpose.SIGNUP_CHECK,
            surface=Surface.PUBLIC_CONTENT if file else None,
            deadline_ms=10_000,
        )
        return await self.lookups.lookup(request, BOT)

    async def newest(self) -> AuditRecord:
        """Return the newest event."""
        log = self.desk.trail.log
        size = await self.store.read(lambda reader: reader.log_size(log))
        (record,) = await self.store.read(
            lambda reader: reader.records(log, size - 1, 1)
        )
        return decode_audit_record(record)

    async def events(self) -> list[tuple[Event, str]]:
        """Return the events but for those of looking up."""
        log = self.desk.trail.log
        records = await self.store.scan(lambda r: r.records(log, 0, 10_000))
        decoded = [decode_audit_record(record) for record in records]
        return [
            (record.event, record.outcome)
            for record in decoded
            if record.event not in {Event.LOOKUP, Event.TASK_OPENED}
        ]

    async def feed(self) -> list[bytes]:
        return await self.store.scan(lambda r: r.records(self.desk.feed, 0, 10_000))

    async def rows(self) -> Sequence[SignalRow]:
        return await self.store.scan(lambda r: r.signals_after(0, 100_000))


NodeMaker = Callable[..., Node]


@pytest.fixture
def federation(clock: Clocked) -> Federation:
    return Federation(clock)


@pytest.fixture
def lists(tmp_path: Path) -> Lists:
    return Lists(TokenIndex.open(tmp_path / "index", covered=0))


@pytest.fixture
def make_node(
    lists: Lists,
    store: Store,
    clock: Clocked,
    keys: PeriodKeys,
    federation: Federation,
) -> NodeMaker:
    def make(
        *, joined: bool = True, policy: str = "synthetic", name: str = "a.demo"
    ) -> Node:
        config = Config(
            format=1,
            name=name,
            url="http://127.0.0.1:8401",
            jurisdiction="DE",
            contact="safety@a.demo",
            policy=policy,
            listen=Listen("127.0.0.1", 8401),
            custody_key="custody.pub",
        )
        media = MediaKeys(token_bytes(32), token_bytes(32))
        own = OwnList(name, OwnKeys(random_scalar(), media))
        situation = Situation(config, Provisions(shipped(policy)), own)
        if joined:
            situation.join(federation.lists_of(name))
        trail = AuditTrail(name)
        custody_key = RecipientKey.generate()
        announced: list[int] = []
        announcer = Announcer(keys, clock)
        notices = NoticeDesk(situation, trail, clock, keys, announcer)
        reviews = ReviewDesk(situation, store, trail, clock, keys, announcer, notices)
        desk = Desk(
            situation=situation,
            store=store,
            lists=lists,
            trail=trail,
            clock=clock,
            periods=keys,
            custody=Custody(name, custody_key.public),
            statement_key=federation.signing[name],
            reviews=reviews,
            notices=notices,
            offload=in_thread,
            announce=announced.append,
            published=announced.append,
        )
        return Node(
            desk=desk,
            signals=SignalService(desk),
            lookups=LookupService(
                situation,
                store,
                lists,
                trail,
                clock,
                reviews=reviews,
                offload=in_thread,
            ),
            federation=federation,
            custody_key=custody_key,
            announced=announced,
        )

    return make


@pytest.fixture
def node(make_node: NodeMaker) -> Node:
    return make_node()


def request_for(
    value: str = "person@mail.example",
    *,
    kind: Kind = Kind.EMAIL,
    scope: Scope = Scope.SELF,
    **fields: Any,  # noqa: ANN401 - whatever a test wants otherwise
) -> NewSignalRequest:
    media = kind in FILES
    wanted: dict[str, Any] = {
        "phenomenon": Phenomenon.ABUSE_DEPICTION if media else Phenomenon.GROOMING,
        "surface": Surface.PUBLIC_CONTENT,
        "grade": Grade.CONFIRMED_MEDIA if media else Grade.CONFIRMED_CONDUCT,
        "rule": "rule-7",
        "removed_on": None if media else "2026-11-20",
        "source": None if media else Source.NOTICE,
        "detection": None if media else Detection.PEOPLE,
        "findings": [] if media else [Finding.ADULT],
        **fields,
    }
    return NewSignalRequest(
        about=Question(kind=kind, value=value),
        scope=scope,
        **wanted,
    )
