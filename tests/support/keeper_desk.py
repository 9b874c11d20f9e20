# SPDX-License-Identifier: Apache-2.0
"""What people decide about others, one audited act after the other, until a kill.

Accounts that match, disputes, requests of persons, breaches, roles, the legal gate,
imports and receipts. Each act says what it did once the node has acknowledged it;
`check_desk` holds the node that was started anew to it: what was decided stays
decided, and what was begun is still work that somebody sees.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from secrets import token_hex

from msgspec.structs import replace
from tests.node.audit.conftest import DORA, RUTH, STAFF
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import Fleet, make_founded
from tests.support.gates import COMPLETE
from tests.support.insistence import insisting

from fedsafe_node.acts.bodies import (
    ImportRequest,
    Question,
)
from fedsafe_node.acts.bodies import Kind as Identifier
from fedsafe_node.acts.breaches import (
    AssessBreach,
    Category,
    Group,
    Kind,
    OpenBreach,
    Risk,
)
from fedsafe_node.acts.disputes import NewDisputeRequest, RulingRequest
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.acts.people import (
    ActAnswer,
    NewAccountRequest,
    RoleRequest,
    SetUpRequest,
    TrainingRequest,
)
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.requests import (
    Attestation,
    Language,
    NewRightsRequest,
    RequestKind,
    Verified,
)
from fedsafe_node.acts.reviews import OutcomeRequest
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.pseudonyms import quarter_of
from fedsafe_node.notices.provider_events.announcer import Announcement
from fedsafe_policies.rules.gate import Approval
from fedsafe_policies.vocabulary import (
    Contention,
    Module,
    Outcome,
    Purpose,
    Role,
    Scope,
)

OLGA = Principal("olga", Role.OPERATOR, fresh=True)
NODE = "a.demo"
PAULA = Principal("paula", Role.DPO, fresh=True)
LEA = Principal("lea", Role.LEGAL_ADVISER, fresh=True)
SHOP = Principal("shop", Role.SERVICE, scope="rights")
FOLLOWER = Principal("shop", Role.SERVICE, scope="events", purposes=frozenset())
Said = tuple[str, str]
Act = Callable[[], Awaitable[Said]]

EVENTS = {
    "task.opened": ("met", "task"),
    "task.decided": ("decided", "task"),
    "rights.disputed": ("disputed", "signal"),
    "rights.ruled": ("ruled", "signal"),
    "rights.opened": ("requested", "request"),
    "rights.answered": ("answered", "request"),
    "role.granted": ("granted", "name"),
    "gate.recorded": ("gated", "record"),
    "events.receipted": ("receipted", "number"),
}
_ENDS = {
    "met": "decided",
    "disputed": "ruled",
    "requested": "answered",
    "asked": "withdrawn",
}
_LOOKED_AT = 10
_PASSWORD = "korrekt pferd batterie"


class DeskWork:
    """Does what a desk does; what it has begun it ends later."""

    def __init__(self, node: RunningNode, random: Random) -> None:
        self._node = node
        self._services = node.services
        self._random = random
        self._open: dict[str, list[str]] = defaultdict(list)
        self._disputes: dict[str, str] = {}
        self.acts: list[Act] = [
            self._import,
            self._meet,
            self._decide,
            self._dispute,
            self._rule,
            self._ask,
            self._answer,
            self._breach,
            self._grant,
            self._open_gate,
            self._receipt,
        ]

    async def _import(self) -> Said:
        people = [f"{token_hex(8)}@mail.example" for _ in range(3)]
        rows = [request_for(each, scope=Scope.SELF) for each in people]
        answer = await self._services.signals.add_many(
            ImportRequest(signals=rows), ANNA
        )
        return "imported", " ".join(str(each) for each in answer.signals)

    async def _meet(self) -> Said:
        value = f"{token_hex(8)}@mail.example"
        await self._services.signals.add(request_for(value, scope=Scope.SELF), ANNA)
        request = LookupRequest(
            questions=[Question(kind=Identifier.EMAIL, value=value)],
            purpose=Purpose.SIGNUP_CHECK,
            subject_ref=token_hex(8),
        )
        task = (await self._services.lookups.lookup(request, BOT)).task
        return self._begun("met", str(task))

    async def _decide(self) -> Said:
        if not self._open["met"]:
            return await self._meet()
        task = self._open["met"].pop()
        await insisting(self._services.tasks).decide(
            task, OutcomeRequest(outcome=Outcome.DISMISS), RUTH
        )
        return "decided", task

    async def _dispute(self) -> Said:
        file = request_for(
            token_hex(32), kind=Identifier.SHA256, scope=Scope.FEDERATION
        )
        signal = (await self._services.signals.add(file, ANNA)).signal
        await self._services.signals.approve([signal], RITA)
        request = NewDisputeRequest(signal=signal, contention=Contention.WRONG_PERSON)
        opened = await self._services.disputes.open(request, LEA)
        self._disputes[signal] = opened.dispute
        return self._begun("disputed", signal)

    async def _rule(self) -> Said:
        if not self._open["disputed"]:
            return await self._dispute()
        signal = self._open["disputed"].pop()
        ruling = RulingRequest(stands=self._random.random() < 0.5, reason="ruling-7")
        await self._services.disputes.rule(self._disputes[signal], ruling, RUTH)
        return "ruled", signal

    async def _ask(self) -> Said:
        about = Question(kind=Identifier.EMAIL, value=f"{token_hex(8)}@mail.example")
        request = NewRightsRequest(
            kind=RequestKind.ACCESS,
            about=about,
            control="account_login",
            language=Language.DE,
            subject_ref=token_hex(8),
            attested=Attestation(
                verified=Verified.MAILED_CODE,
                verified_on=self._node.base.clock.now().date(),
                logged_in_at=int(self._node.base.clock.now().timestamp()),
            ),
        )
        opened = await self._services.requests.open(request, SHOP)
        return self._begun("requested", opened.request)

    async def _answer(self) -> Said:
        if not self._open["requested"]:
            return await self._ask()
        request = self._open["requested"].pop()
        await self._services.requests.answer(request, DORA)
        return "answered", request

    async def _breach(self) -> Said:
        now = int(self._node.base.clock.now().timestamp())
        opened = OpenBreach(aware_at=now, kinds=[Kind.CONFIDENTIALITY])
        breach = (await self._services.breaches.open(opened, DORA)).breach
        risk = self._random.choice([Risk.UNLIKELY, Risk.HIGH])
        known = AssessBreach(
            categories=[Category.TOKENS],
            groups=[Group.BANNED_PERSONS],
            persons=40,
            records=41,
            consequences=[],
            measures=[],
            risk=risk,
        )
        await self._services.breaches.assess(breach, known, DORA)
        return "assessed", f"{breach} {risk.value}"

    async def _grant(self) -> Said:
        name, base = f"p{token_hex(6)}", self._node.base
        await hire(self._node, name, Role.ANALYST)
        return "granted", base.pseudonyms.of(name, quarter_of(base.clock.now()))

    async def _open_gate(self) -> Said:
        until = date(2027, 6, 1) + timedelta(days=self._random.randrange(90))
        officer = Approval(person=PAULA.name, on=date(2026, 11, 2))
        gate = replace(COMPLETE, valid_until=until, dpo_approval=officer)
        asked = await self._services.gates.record(gate, PAULA)
        pending = (await self._services.staff.approvals.pending()).acts
        (act,) = [each for each in pending if each.act == asked.act]
        await approve(self._node, act, RUTH)
        newest = await self._node.base.store.read(lambda reader: reader.newest_gate())
        assert newest is not None
        return "gated", newest.id

    async def _receipt(self) -> Said:
        base = self._node.base
        said = Announcement(EventKind.NOTICE_DUE, token_hex(8), {"notice": "n-1"})
        number = await base.store.write(lambda tx: base.announcer.announce(tx, said))
        await self._services.events.receipt(number, FOLLOWER)
        return "receipted", str(number)

    def _begun(self, kind: str, name: str) -> Said:
        self._open[kind].append(name)
        return kind, name


async def approve(node: RunningNode, act: ActAnswer | None, who: Principal) -> None:
    assert act is not None
    digest = bytes.fromhex(act.digest)
    await node.services.staff.approvals.approve(act.act, digest, who)


async def hire(node: RunningNode, name: str, role: Role) -> str:
    """Give somebody an account, a training and, by two people, a role."""
    staff = node.services.staff
    added = await staff.accounts.add(NewAccountRequest(name=name, display=name), OLGA)
    now = int(node.base.clock.now().timestamp())
    training = TrainingRequest(
        name=name,
        module=Module.BASIC,
        organisation="Fachberatungsstelle",
        since=now,
        until=now + 10_000_000,
    )
    await staff.training.add(training, OLGA)
    asked = await staff.granting.grant(RoleRequest(name=name, role=role), OLGA)
    await approve(node, asked.act, RUTH)
    return added.code


async def prepare(root: Path) -> None:
    """Found a federation, of which one node runs, with two who can open its gate."""
    people = (("olga", Role.OPERATOR), ("anna", Role.ANALYST))
    await make_founded(root, staff=(*STAFF, *people))
    fleet = Fleet(root)
    await fleet.start(NODE)
    for name, role in ((PAULA.name, PAULA.role), ("petra", Role.REVIEWER)):
        code = await hire(fleet[NODE], name, role)
        request = SetUpRequest(name=name, code=code, password=_PASSWORD)
        await fleet[NODE].services.staff.accounts.set_up(request, "")
    await fleet.close()


async def check_desk(
    node: RunningNode, said: Sequence[Said], told: Counter[Said]
) -> None:
    """Hold a node to what its desk has acknowledged.

    Raises:
        AssertionError: something is lost, or is nobody's work any more.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for kind, name in said:
        names[kind].append(name)
    for begun, ended in _ENDS.items():
        waiting = [name for name in names[begun] if not told[ended, name]]
        for name in waiting[-_LOOKED_AT:]:
            assert await _is_work(node, begun, name), f"{begun} {name} is nobody's work"
        for name in names[ended][-_LOOKED_AT:]:
            assert not await _is_work(node, begun, name), f"{ended} {name} is undone"
    for signals in names["imported"][-_LOOKED_AT:]:
        for signal in signals.split():
            found = await node.services.signals.show(signal, RUTH)
            assert found.state.value == "own", f"{signal} of an import is lost"
    for both in names["assessed"][-_LOOKED_AT:]:
        breach, _, risk = both.partition(" ")
        shown = await node.services.breaches.show(breach, DORA)
        assert shown.risk == risk, f"breach {breach} lost its assessment"
    newest = await node.base.store.read(lambda reader: reader.newest_gate())
    if names["gated"]:
        assert newest is not None, "the gate is lost"
        assert told["gated", newest.id] == 1, "the gate is none that was told"


async def _is_work(node: RunningNode, begun: str, name: str) -> bool:
    services = node.services
    match begun:
        case "met":
            return (await services.tasks.show(name, RUTH)).state == "open"
        case "disputed":
            listed = await services.disputes.list(RUTH)
            return name in {each.signal for each in listed.disputes}
        case "asked":
            page, acts = await services.staff.approvals.pending(), set[str]()
            while page.next is not None:
                acts |= {each.act for each in page.acts}
                page = await services.staff.approvals.pending(page.next)
            return name in acts | {each.act for each in page.acts}
        case _:
            found = await services.requests.show(name, DORA)
            return found.state == "open"
