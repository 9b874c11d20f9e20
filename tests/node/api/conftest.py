# SPDX-License-Identifier: Apache-2.0
"""A node's services kept in memory, and the API in front of them.

They are small but whole: signals are added, approved and revoked, answers are kept
together with their act. The end-to-end tests run on the real services.
"""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import (
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    UnixConnector,
)
from tests.node.api.appeals import FakeAppeals
from tests.node.api.casework import (
    FakeCases,
    FakeDispatches,
    FakePartners,
    FakeRenderings,
)
from tests.node.api.disputes import FakeDisputes
from tests.node.api.governing import FakeCarrying, FakeCharters, FakeRotations
from tests.node.api.inquiries import FakeForwarding, FakeInquiries, FakePeerStatements
from tests.node.api.keeping import fake_keeping
from tests.node.api.orders import FakeOrders
from tests.node.api.oversight import (
    FakeBreaches,
    FakeBudgets,
    FakeImports,
    FakeLists,
    FakeRounds,
    FakeValidations,
)
from tests.node.api.reviews import fake_floods, fake_tasks, fake_trials
from tests.node.api.rights import FakeProofs, FakeRequests
from tests.node.api.staff import ACT, fake_staff
from tests.support.help_desk import help_desk

from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_federation.feed.forks import ForkEvidence
from fedsafe_federation.wire.bulk import MAGIC
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.audit import (
    AuditEntry,
    AuditEvents,
    AuditStanding,
    FoundEvents,
    LogCheck,
    VerifyAnswer,
)
from fedsafe_node.acts.backup import BackupNote, BackupNoted
from fedsafe_node.acts.bodies import (
    ApproveAnswer,
    ConfirmRequest,
    FoundingAnswer,
    FoundingsAnswer,
    GateAnswer,
    ImportAnswer,
    ImportRequest,
    ItemProblem,
    NewSignalRequest,
    Poke,
    ProposalRequest,
    RevokeRequest,
    SignalAnswer,
    SignalState,
    StatusAnswer,
    WithdrawRequest,
)
from fedsafe_node.acts.forks import ForksAnswer, ForkTaken, LiftRequest
from fedsafe_node.acts.lookup import (
    BatchAnswer,
    BatchRequest,
    LookupAnswer,
    LookupRequest,
    Result,
)
from fedsafe_node.acts.match import ColumnAnswer, MatchAnswer, MatchRequest
from fedsafe_node.acts.notices import (
    NoticesAnswer,
    SignOffRequest,
    TextsAnswer,
    WithheldAnswer,
    WithholdRequest,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.provider_events import (
    EventReceipt,
    FollowQuery,
    ProviderEvents,
)
from fedsafe_node.acts.recipients import RecipientsAnswer, SightingsAnswer
from fedsafe_node.acts.register import (
    EntryRequest,
    PublicRegister,
    RegisterAnswer,
)
from fedsafe_node.acts.signal_reviews import (
    HoldersAnswer,
    RevokeAccountRequest,
    RevokedAccount,
    SignalsAnswer,
    SignalsQuery,
)
from fedsafe_node.api.auth import PERSONS
from fedsafe_node.api.endpoint import LANES
from fedsafe_node.api.refusal_events import Refused
from fedsafe_node.api.route import Lane, Route
from fedsafe_node.api.server import ApiServer
from fedsafe_node.api.services import Services
from fedsafe_node.audit.compliance.model import Language, Sheet, SheetAnswer, SheetKind
from fedsafe_node.audit.event_search import Stretch, Wanted
from fedsafe_node.audit.tile_export import OwnLog
from fedsafe_node.ground.errors import ForbiddenError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import account_of
from fedsafe_node.ground.telemetry import LOGGER, AccessLog, Metrics, SafeFormatter
from fedsafe_node.ground.trace import current, nothing_happened
from fedsafe_node.log.audit import Event
from fedsafe_node.log.span import ExportRequest
from fedsafe_node.members.peering.witnessing import WitnessAnswer
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.store.rows import IdempotencyRow
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import Act, Plane, Purpose, Role, Scope

NAME = "chat.example.de"
TOKENS = {role: f"fs1_{role.value:-<43}" for role in Role}
SERVICE_TOKEN = TOKENS[Role.SERVICE]
STAFF_TOKEN = TOKENS[Role.REVIEWER]
OPERATOR_TOKEN = TOKENS[Role.OPERATOR]
NAMES = {Role.SERVICE: "shop-backend", Role.REVIEWER: "r.meyer"}
SIGNED = Signed(type="card", signer=NAME, payload=b"{}", signature=bytes(64))
MEMBER = {"Signature": "sig=:good:"}
PEERS = {"sig=:good:": "games.example.fr"}


@dataclass
class Memory:
    """What the fakes share; `failure` is raised by whatever is called next."""

    signals: dict[str, SignalAnswer] = field(default_factory=dict)
    rows: dict[str, IdempotencyRow] = field(default_factory=dict)
    failure: Exception | None = None
    hold: asyncio.Event | None = None
    calls: list[Any] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def called(self, call: object) -> None:
        asking = current()
        if asking is not None:  # a service writes its events; here all of them
            asking.events.update(event.value for event in Event)
        self.calls.append(call)
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.failure is not None:
            raise self.failure

    def keep(
        self,
        once: Once | None,
        answer: SignalAnswer | ImportAnswer | GateAnswer | RegisterAnswer | MatchAnswer,
    ) -> None:
        if once is not None:
            self.rows[once.key] = once.row(answer, now=0)

    periods = None

    async def find(self, key: str) -> IdempotencyRow | None:
        return self.rows.get(key)


@dataclass
class FakeLookups:
    memory: Memory

    async def lookup(self, request: LookupRequest, who: Principal) -> LookupAnswer:
        await self.memory.called((request, who))
        service, reference = account_of(request.subject_ref)
        return LookupAnswer(
            result=Result.NONE,
            matches=[],
            not_covered=[],
            service=service,
            subject_ref=reference,
        )

    async def batch(self, request: BatchRequest, who: Principal) -> BatchAnswer:
        await self.memory.called((request, who))
        return BatchAnswer(answers=[None for _ in request.lookups], problems=[])

    async def match(
        self, request: MatchRequest, who: Principal, *, once: Once | None = None
    ) -> MatchAnswer:
        await self.memory.called((request, who))
        nothing = [ColumnAnswer(questions=1, review=0, at=[], answers=[])]
        answer = MatchAnswer(rest=Result.NONE, columns=nothing, not_covered=[])
        self.memory.keep(once, answer)
        return answer


@dataclass
class FakeSignals:
    memory: Memory

    @property
    def imports(self) -> FakeImports:
        return FakeImports(self.memory)

    @property
    def lists(self) -> FakeLists:
        return FakeLists(self.memory)

    def _new(self, request: NewSignalRequest, who: Principal) -> SignalAnswer:
        number = len(self.memory.signals)
        answer = SignalAnswer(
            signal=f"00000000-0000-7000-8000-{number:012x}",
            state=SignalState.OWN if request.scope is Scope.SELF else SignalState.DRAFT,
            scope=request.scope,
            plane=Plane.ACTOR,
            origin=NAME,
            author=who.name,
        )
        self.memory.signals[answer.signal] = answer
        return answer

    async def add(
        self, request: NewSignalRequest, who: Principal, *, once: Once | None = None
    ) -> SignalAnswer:
        await self.memory.called((request, who))
        answer = self._new(request, who)
        self.memory.keep(once, answer)
        return answer

    async def add_many(
        self, request: ImportRequest, who: Principal, *, once: Once | None = None
    ) -> ImportAnswer:
        await self.memory.called((request, who))
        answer = ImportAnswer(
            signals=[self._new(signal, who).signal for signal in request.signals],
            problems=[],
            state=SignalState.OWN,
        )
        self.memory.keep(once, answer)
        return answer

    async def approve(
        self, signals: Sequence[str], who: Principal, *, once: Once | None = None
    ) -> ApproveAnswer:
        del once
        await self.memory.called((signals, who))
        known = [signal for signal in signals if signal in self.memory.signals]
        problems = [
            ItemProblem(position=position, code="not_found", detail="no such signal")
            for position, signal in enumerate(signals)
            if signal not in self.memory.signals
        ]
        return ApproveAnswer(approved=known, problems=problems)

    async def revoke(
        self,
        signal: str,
        request: RevokeRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> SignalAnswer:
        del once
        await self.memory.called((signal, request, who))
        return self._known(signal)

    async def revoke_account(
        self,
        request: RevokeAccountRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RevokedAccount:
        del once
        await self.memory.called((request, who))
        return RevokedAccount(
            signals=[],
            withdrawn=0,
            erased=0,
            revoked=0,
            inquired=[],
            end_is_told=False,
            unknown=0,
            dry_run=request.dry_run,
        )

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> SignalAnswer:
        await self.memory.called((signal, who, purpose))
        return self._known(signal)

    async def listed(self, query: SignalsQuery, who: Principal) -> SignalsAnswer:
        await self.memory.called((query, who))
        return SignalsAnswer(signals=[])

    async def holders(
        self, who: Principal, purpose: Purpose | None = None
    ) -> HoldersAnswer:
        await self.memory.called((who, purpose))
        return HoldersAnswer(published=0, holders=[])

    def _known(self, signal: str) -> SignalAnswer:
        if signal not in self.memory.signals:
            raise NotFoundError("signal")
        return self.memory.signals[signal]


@dataclass
class FakeRefusals:
    memory: Memory

    async def note(self, refused: Refused) -> None:
        self.memory.refused.append(refused)


class FakePeople:
    demonstration = True

    async def authenticate(self, token: str) -> Principal:
        for role, known in TOKENS.items():
            if token == known:
                return Principal(NAMES.get(role, role.value), role)
        raise ForbiddenError("unknown credential", authenticated=False)

    async def nearest(
        self, _who: Principal, roles: Collection[Role]
    ) -> Collection[Role]:
        return roles


@dataclass
class FakeGates:
    memory: Memory

    async def show(self) -> GateAnswer:
        await self.memory.called("gate")
        return GateAnswer(
            open=False, rule="P1", policy="strict", missing=["dpia"], valid_until=None
        )

    async def record(
        self, gate: LegalGate, who: Principal, *, once: Once | None = None
    ) -> GateAnswer:
        await self.memory.called((gate, who))
        answer = await self.show()
        self.memory.keep(once, answer)
        return answer


REGISTER = RegisterAnswer(met=False, met_until=None, missing=["S-V-1"], items=[])


@dataclass
class FakeRegisters:
    memory: Memory

    async def show(self) -> RegisterAnswer:
        await self.memory.called("register")
        return REGISTER

    async def public(self) -> PublicRegister:
        await self.memory.called("register")
        return PublicRegister(node=NAME, met=False, met_until=None, items=[])

    async def enter(
        self,
        item: str,
        request: EntryRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RegisterAnswer:
        await self.memory.called((item, request, who))
        self.memory.keep(once, REGISTER)
        return REGISTER

    async def review(
        self, item: str, entry: str, who: Principal, *, once: Once | None = None
    ) -> RegisterAnswer:
        await self.memory.called((item, entry, who))
        self.memory.keep(once, REGISTER)
        return REGISTER


@dataclass
class FakeInspections:
    memory: Memory

    async def standing(self) -> AuditStanding:
        await self.memory.called("standing")
        return AuditStanding(
            log="",
            size=0,
            root="",
            missing=0,
            kept_size=0,
            kept_at=None,
            key="",
            fingerprint="",
        )

    async def entry(
        self, index: int, who: Principal, purpose: Purpose | None, *, proof: bool
    ) -> AuditEntry:
        await self.memory.called((index, who, purpose, proof))
        return AuditEntry(
            index=index, record="", leaf="", openings={}, erased={}, withheld=[]
        )


@dataclass
class FakeEvidence:
    memory: Memory

    async def ask(self, request: ExportRequest, who: Principal) -> ActAnswer:
        await self.memory.called((request, who))
        return ACT

    async def export(
        self,
        request: ExportRequest,
        who: Principal,
        *,
        act: str | None = None,
        anchors: int | None = None,
    ) -> AsyncIterator[bytes]:
        await self.memory.called((request, who, act, anchors))
        return _pieces()


@dataclass
class FakeTiling:
    memory: Memory

    async def export(self, log: OwnLog, who: Principal) -> AsyncIterator[bytes]:
        await self.memory.called((log, who))
        return _pieces()


@dataclass
class FakeWitness:
    memory: Memory

    async def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        await self.memory.called(body)
        return WitnessAnswer(200, b"a line") if body else WitnessAnswer(400, b"empty")

    async def checkpoint(self, origin_hash: str) -> bytes:
        await self.memory.called(origin_hash)
        return b"a note"


@dataclass
class FakeForks:
    memory: Memory

    async def take(self, evidence: ForkEvidence, *, by: str) -> ForkTaken:
        await self.memory.called((evidence, by))
        return ForkTaken("a/feed", "a", "0" * 64, new=True, suspended=True)

    async def kept(self) -> ForksAnswer:
        await self.memory.called(None)
        return ForksAnswer([], [])

    async def lift(self, request: LiftRequest, who: Principal) -> ForksAnswer:
        await self.memory.called((request, who))
        return ForksAnswer([], [])


async def _pieces() -> AsyncIterator[bytes]:
    yield b"PK"
    yield b"..."


@dataclass
class FakeAudits:
    memory: Memory

    async def verify(self, who: Principal) -> VerifyAnswer:
        await self.memory.called(who)
        check = LogCheck(
            log=f"{NAME}/feed", size=0, root="", openings=0, erased=0, ok=True
        )
        return VerifyAnswer(ok=True, logs=[check])

    async def events(
        self, since: int, limit: int, who: Principal, purpose: Purpose | None = None
    ) -> AuditEvents:
        await self.memory.called((since, limit, who, purpose))
        return AuditEvents(events=[], next=since)

    async def search(
        self,
        wanted: Wanted,
        stretch: Stretch,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        subject_ref: str | None = None,
    ) -> FoundEvents:
        asked = () if subject_ref is None else (subject_ref,)
        said = stretch.since, stretch.limit
        await self.memory.called((wanted, *said, who, purpose, *asked))
        place = stretch.since
        return FoundEvents(events=[], next=place, more=False, complete_to=place)


@dataclass
class FakePeering:
    memory: Memory

    def speaks(self) -> str | None:
        return None

    def shake(self, said: str | None) -> None:
        assert said is None

    async def feed(self, request: FeedRequest, peer: str) -> bytes:
        await self.memory.called((request, peer))
        return MAGIC if request.bulk else b"{}\n"

    async def poked(self, poke: Poke, peer: str) -> None:
        await self.memory.called((poke, peer))

    async def evaluate(self, request: Signed) -> Signed:
        await self.memory.called(request)
        return SIGNED

    async def tally(self, day: int, peer: str) -> Signed:
        await self.memory.called((day, peer))
        return SIGNED

    async def attestation(self) -> Signed:
        await self.memory.called("attestation")
        return SIGNED

    def hosts(self) -> frozenset[str]:
        return frozenset({NAME})

    def authenticate(
        self, *, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> str:
        self.memory.calls.append((method, target, body))
        peer = PEERS.get(headers.get("signature", ""))
        if peer is None:
            raise UntrustedError("request", "no valid member signature")
        return peer


@dataclass
class FakeReceipts:
    memory: Memory

    async def take(self, statement: Signed) -> None:
        await self.memory.called(statement)


FOUNDING = FoundingAnswer(
    proposal="0" * 64,
    state="waiting",
    expires=1_800_000_000,
    tries_left=5,
    federation="kids.example",
    by=NAME,
    threshold=2,
    quorum=2,
    fewest=None,
    since=1_790_000_000,
    until=1_800_000_000,
    policy="strict",
    policy_sha256="0" * 64,
    arrangement_sha256="0" * 64,
    members=[],
)


@dataclass
class FakeFoundings:
    memory: Memory
    document: bytes | None = None

    async def card(self) -> Signed:
        return SIGNED

    async def propose(self, request: ProposalRequest) -> Signed:
        assert request.federation
        nothing_happened()
        return SIGNED

    async def shown(self) -> FoundingsAnswer:
        return FoundingsAnswer(foundings=[FOUNDING])

    async def review(self, proposal: Signed) -> FoundingAnswer:
        await self.memory.called(proposal)
        nothing_happened()
        return FOUNDING

    async def confirm(self, request: ConfirmRequest, who: Principal) -> FoundingAnswer:
        await self.memory.called((request.proposal, request.groups, who.name))
        return FOUNDING

    async def withdraw(
        self, request: WithdrawRequest, who: Principal
    ) -> FoundingAnswer:
        await self.memory.called((request.proposal, who.name))
        return FOUNDING

    async def step(
        self, messages: Sequence[Signed], *, local: bool
    ) -> Sequence[Signed]:
        await self.memory.called((messages, local))
        if not messages:
            raise WrongStateError("wrong_state", "this node takes part in no founding")
        return [SIGNED]

    async def charter(self) -> bytes | None:
        return self.document


@dataclass
class FakeSightings:
    memory: Memory

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> SightingsAnswer:
        await self.memory.called((who.name, purpose))
        return SightingsAnswer(fewest=10, sightings=[], told=[])


@dataclass
class FakeNotices:
    memory: Memory

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> NoticesAnswer:
        await self.memory.called((who.name, purpose))
        return NoticesAnswer(notices=[])

    async def texts(self) -> TextsAnswer:
        return TextsAnswer(texts=[], waiting=0)

    async def sign_off(
        self, name: str, request: SignOffRequest, who: Principal
    ) -> TextsAnswer:
        await self.memory.called((name, request.digest, who.name))
        return TextsAnswer(texts=[], waiting=0)

    async def withhold(
        self, about: str, request: WithholdRequest, who: Principal
    ) -> WithheldAnswer:
        await self.memory.called((about, request, who.name))
        return WithheldAnswer(
            signal=about if "-" in about else None,
            task=None if "-" in about else about,
            reason=request.reason,
            note=request.note,
            by=who.name,
            until="2026-12-20T00:00:00+00:00",
        )


@dataclass
class FakeRecipients:
    memory: Memory

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> RecipientsAnswer:
        await self.memory.called((signal, who.name, purpose))
        return RecipientsAnswer(signal=signal, nodes=None, recipients=[], packs=[])


@dataclass
class FakeEvents:
    memory: Memory

    async def read(self, query: FollowQuery, who: Principal) -> ProviderEvents:
        await self.memory.called((query.after, query.limit, who.name))
        return ProviderEvents(events=[], next=query.after, more=False)

    async def receipt(self, number: int, who: Principal) -> EventReceipt:
        await self.memory.called((number, who.name))
        return EventReceipt(
            number=number,
            receipted_at="2026-11-24T12:00:00+00:00",
            receipted_by=who.name,
        )


@dataclass
class FakeSheets:
    memory: Memory

    async def write(
        self,
        kind: SheetKind,
        language: Language,
        who: Principal,
        purpose: Purpose | None = None,
    ) -> SheetAnswer:
        await self.memory.called((kind, language, who, purpose))
        sheet = Sheet(
            sheet=kind,
            language=language,
            title="t",
            node=NAME,
            policy="strict@00000000",
            policy_sha256="0" * 64,
            generated_at="2026-11-24T12:00:00+00:00",
            notice="n",
            sections=(),
        )
        return SheetAnswer(document=sheet, markdown="# t")


@dataclass
class FakeBackups:
    memory: Memory

    async def note(self, request: BackupNote, who: Principal) -> BackupNoted:
        await self.memory.called((request, who))
        return BackupNoted(digest=request.digest, index=7)


@dataclass
class FakePolicies:
    memory: Memory

    async def propose(self, who: Principal) -> ActAnswer:
        del who
        await self.memory.called("policies.propose")
        return ActAnswer(
            act="0" * 32,
            kind=Act.POLICY_CHANGE,
            digest="0" * 64,
            content={},
            asked_by="olga",
            asked_role=Role.OPERATOR,
            asked_at=0,
            expires_at=1,
            state="pending",
        )


@dataclass
class FakeNode:
    memory: Memory

    async def status(self) -> StatusAnswer:
        await self.memory.called("status")
        return StatusAnswer(
            node=NAME,
            version="0.1.0",
            policy="synthetic",
            federation=None,
            threshold=None,
            members=1,
            epoch=None,
            peers=[],
            signals=7,
            own_bans=3,
            drafts=0,
            feed_size=0,
            audit_size=11,
            sodium="test",
            url="http://127.0.0.1:1",
            requests_waiting=2,
            longest_wait_s=610,
        )

    async def checks(self) -> dict[str, str]:
        return {
            str(part): str(found) for part, found in (await self.verdicts()).items()
        }

    async def verdicts(self) -> dict[Phrase, Phrase]:
        await self.memory.called("verdicts")
        return {Phrase("store"): Phrase("ok")}


def authorised(route: Route) -> dict[str, str]:
    """Give the headers of somebody whom a route takes: a person, if it can be."""
    if not route.roles:
        return MEMBER
    role = next(role for role in Role if role in route.roles & PERSONS)
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def make_services(memory: Memory) -> Services:
    return Services(
        name=NAME,
        lookups=FakeLookups(memory),  # type: ignore[arg-type]
        tasks=fake_tasks(memory),
        floods=fake_floods(memory),
        trials=fake_trials(memory),
        signals=FakeSignals(memory),  # type: ignore[arg-type]
        people=FakePeople(),  # type: ignore[arg-type]
        staff=fake_staff(memory),
        gates=FakeGates(memory),  # type: ignore[arg-type]
        policies=FakePolicies(memory),  # type: ignore[arg-type]
        keeping=fake_keeping(memory),  # type: ignore[arg-type]
        breaches=FakeBreaches(memory),  # type: ignore[arg-type]
        rounds=FakeRounds(memory),  # type: ignore[arg-type]
        cases=FakeCases(memory),  # type: ignore[arg-type]
        orders=FakeOrders(memory),  # type: ignore[arg-type]
        case_renderings=FakeRenderings(memory),  # type: ignore[arg-type]
        partners=FakePartners(memory),  # type: ignore[arg-type]
        dispatches=FakeDispatches(memory),  # type: ignore[arg-type]
        recalls=FakeDispatches(memory),  # type: ignore[arg-type]
        sending=FakeDispatches(memory),  # type: ignore[arg-type]
        dispatch_notes=FakeDispatches(memory),  # type: ignore[arg-type]
        packages=FakeDispatches(memory),  # type: ignore[arg-type]
        budgets=FakeBudgets(memory),  # type: ignore[arg-type]
        validations=FakeValidations(memory),  # type: ignore[arg-type]
        registers=FakeRegisters(memory),  # type: ignore[arg-type]
        audits=FakeAudits(memory),  # type: ignore[arg-type]
        evidence=FakeEvidence(memory),  # type: ignore[arg-type]
        tiling=FakeTiling(memory),  # type: ignore[arg-type]
        inspections=FakeInspections(memory),  # type: ignore[arg-type]
        peering=FakePeering(memory),  # type: ignore[arg-type]
        receipts=FakeReceipts(memory),  # type: ignore[arg-type]
        witness=FakeWitness(memory),  # type: ignore[arg-type]
        forks=FakeForks(memory),  # type: ignore[arg-type]
        foundings=FakeFoundings(memory),  # type: ignore[arg-type]
        charters=FakeCharters(memory),  # type: ignore[arg-type]
        admitting=FakeCharters(memory),  # type: ignore[arg-type]
        inviting=FakeCharters(memory),  # type: ignore[arg-type]
        wishes=FakeCharters(memory),  # type: ignore[arg-type]
        governance=FakeCharters(memory),  # type: ignore[arg-type]
        joining=FakeCharters(memory),  # type: ignore[arg-type]
        quarantines=FakeCharters(memory),  # type: ignore[arg-type]
        carrying=FakeCarrying(memory),  # type: ignore[arg-type]
        rotations=FakeRotations(memory),  # type: ignore[arg-type]
        events=FakeEvents(memory),  # type: ignore[arg-type]
        recipients=FakeRecipients(memory),  # type: ignore[arg-type]
        notices=FakeNotices(memory),  # type: ignore[arg-type]
        sightings=FakeSightings(memory),  # type: ignore[arg-type]
        sheets=FakeSheets(memory),  # type: ignore[arg-type]
        help=help_desk(),
        backups=FakeBackups(memory),  # type: ignore[arg-type]
        disputes=FakeDisputes(memory),  # type: ignore[arg-type]
        appeals=FakeAppeals(memory),  # type: ignore[arg-type]
        inquiries=FakeInquiries(memory),  # type: ignore[arg-type]
        inquiry_taker=FakePeerStatements(memory),  # type: ignore[arg-type]
        sightings_exchange=FakePeerStatements(memory),  # type: ignore[arg-type]
        forwarding=FakeForwarding(memory),  # type: ignore[arg-type]
        requests=FakeRequests(memory),  # type: ignore[arg-type]
        proofs=FakeProofs(memory),  # type: ignore[arg-type]
        node=FakeNode(memory),
        refusals=FakeRefusals(memory),  # type: ignore[arg-type]
        answers=memory,  # type: ignore[arg-type]
    )


@dataclass
class Api:
    """A running API: `http` speaks TCP, `local` the Unix socket."""

    memory: Memory
    services: Services
    server: ApiServer
    metrics: Metrics
    http: ClientSession
    local: ClientSession
    socket_path: Path
    log: io.StringIO

    async def raw(self, data: bytes) -> bytes:
        """Send bytes as they are; return all that comes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(data)
        answer = await reader.read(65_536)
        writer.close()
        return answer


@pytest.fixture
def lanes() -> Mapping[Lane, int]:
    return LANES


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter())
    logger, root = logging.getLogger(LOGGER), logging.getLogger()
    root.addHandler(handler)
    former = logger.level
    logger.setLevel(logging.INFO)
    yield stream
    logger.setLevel(former)
    root.removeHandler(handler)


async def read_whole(
    request: ClientRequest, handler: ClientHandlerType
) -> ClientResponse:
    """Read every answer, so that no test leaves one on its connection."""
    response = await handler(request)
    await response.read()
    return response


@pytest.fixture
async def api(
    tmp_path: Path, lanes: Mapping[Lane, int], log: io.StringIO
) -> AsyncIterator[Api]:
    memory, metrics = Memory(), Metrics()
    services = make_services(memory)
    server = ApiServer(services, metrics=metrics, access=AccessLog(log), lanes=lanes)
    path = tmp_path / "node.sock"
    await server.start(host="127.0.0.1", socket_path=path)
    base = f"http://127.0.0.1:{server.port}"
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    line, whole = UnixConnector(str(path)), (read_whole,)
    async with (
        ClientSession(base, headers=headers, middlewares=whole) as http,
        ClientSession("http://node", connector=line, middlewares=whole) as local,
    ):
        yield Api(memory, services, server, metrics, http, local, path, log)
    await server.stop()
