# SPDX-License-Identifier: Apache-2.0
"""Tell where the node's own signals stand, and nothing that a match would show."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import SignalAnswer, SignalState
from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.ground.subject_refs import account_of
from fedsafe_node.log.audit import ACTOR, Event, grounds_of
from fedsafe_node.members.peering.receipts import read_erasure
from fedsafe_node.rules.audience import group_in, members_in
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.drafts import DraftFacts, open_draft
from fedsafe_node.signals.inventory_facts import InventoryFacts, kind_of, open_facts
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftRow, DraftState, SignalRow, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Matter, Plane, Purpose, Scope

MAX_DRAFTS: Final = 10_000


class _Actor(msgspec.Struct, frozen=True):
    name: str


async def show_signal(
    desk: Desk, name: str, who: Principal, purpose: Purpose | None
) -> SignalAnswer:
    """Tell where a signal of this node stands.

    Raises:
        DeniedError: this role may not, or not for that purpose.
        NotFoundError: this node has no such signal.
    """
    decision = await admit(desk, who, Matter.SIGNALS, purpose, "signal.show")
    signal_id = read_signal_id(name)
    now = desk.clock.now()
    accounts = rule_on_reading(desk.situation, who, Matter.DRAFTS, purpose, now).allowed

    async def act(tx: Transaction) -> Changed[SignalAnswer]:
        answer = await describe(tx, signal_id, desk)
        facts = await _about(tx, signal_id, desk)
        subject = None
        if facts is not None:
            subject = facts.subject_ref if accounts else None
            service, reference = account_of(subject)
            answer = replace(
                answer,
                kind=kind_of(facts.kind, answer.plane),
                phenomenon=facts.phenomenon,
                rule=facts.rule,
                service=service,
                subject_ref=reference,
            )
        entry = desk.trail.entry(
            Event.SIGNAL_READ,
            at=now,
            actor=who.name,
            subject=subject,
            detail={"signal": name, **grounds_of(decision)},
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return Changed(answer)

    return await desk.commit(act)


async def _about(reader: Reader, signal_id: bytes, desk: Desk) -> InventoryFacts | None:
    rows = await reader.inventory_named([signal_id])
    return open_facts(rows[0], desk.periods) if rows else None


async def describe_draft(
    reader: Reader, row: DraftRow, state: SignalState, desk: Desk
) -> SignalAnswer:
    """Describe a draft; while it waits, with what its author answers for."""
    names = await reader.audience(row.signal_id)
    facts = _facts(row, desk) if state is SignalState.DRAFT else None
    return SignalAnswer(
        signal=signal_name(row.signal_id),
        state=state,
        scope=Scope(row.scope),
        plane=Plane(row.plane),
        origin=desk.situation.node,
        author=row.author,
        approver=row.decided_by if row.state is DraftState.PUBLISHED else None,
        nodes=nodes_in(names, desk.situation),
        group=group_in(names),
        provenance=facts.provenance if facts is not None else None,
        findings=facts.findings if facts is not None else None,
        legal_review=facts.legal_review if facts is not None else None,
    )


def _facts(row: DraftRow, desk: Desk) -> DraftFacts | None:
    try:
        return open_draft(row, desk.periods).facts
    except WrongStateError:
        return None  # it can only be withdrawn any more


async def describe_row(
    reader: Reader, row: SignalRow, state: SignalState, desk: Desk
) -> SignalAnswer:
    """Describe a signal that has a row, with the people behind it."""
    names = await reader.audience(row.signal_id)
    draft = await reader.draft(row.signal_id)
    author = draft.author if draft is not None else None
    if row.own and draft is None:
        author = await actor_of(reader, row)
    until = datetime.fromtimestamp(row.match_until, tz=UTC).date()
    return SignalAnswer(
        signal=signal_name(row.signal_id),
        state=state,
        scope=Scope(row.scope),
        plane=Plane(row.plane),
        origin=desk.situation.node,
        author=author,
        approver=draft.decided_by if draft is not None else None,
        feed_index=None if row.own else row.index,
        match_until=until.isoformat(),
        nodes=nodes_in(names, desk.situation),
        group=group_in(names),
    )


def nodes_in(names: frozenset[str] | None, situation: Situation) -> list[str] | None:
    """List the members that a signal is meant for now; None means all."""
    members = members_in(names, situation.policy)
    return None if members is None else sorted(members)


async def describe(reader: Reader, signal_id: bytes, desk: Desk) -> SignalAnswer:
    """Describe a signal of this node, or a draft.

    Raises:
        NotFoundError: this node has no such signal.
    """
    situation = desk.situation
    for origin in (situation.own.name, situation.node):
        row = await reader.signal(origin, signal_id)
        if row is not None:
            answer = await describe_row(reader, row, _state(row), desk)
            if row.own:
                return answer
            runs = await reader.handed(row.index, MAX_RECORDS)
            notice = await reader.notice(signal_id, NoticeKind.PUBLICATION)
            return replace(
                answer,
                erasure=await read_erasure(reader, row),
                recipients=sorted({run.recipient for run in runs}),
                end_is_told=notice is not None
                and notice.state is not NoticeState.ERASED,
            )
    draft = await reader.draft(signal_id)
    if draft is None:
        raise NotFoundError(Phrase("no such signal"))
    waiting = draft.state is DraftState.PENDING
    state = SignalState.DRAFT if waiting else SignalState.WITHDRAWN
    return await describe_draft(reader, draft, state, desk)


async def actor_of(reader: Reader, row: SignalRow) -> str | None:
    """Name who recorded an own ban, people by their pseudonym; None if it is erased."""
    kept = await reader.opening(row.log, row.index, ACTOR)
    if kept is None:
        return None
    try:
        return decode(kept.payload, _Actor).name
    except MalformedError:
        return None


def _state(row: SignalRow) -> SignalState:
    if row.status is SignalStatus.ACTIVE:
        return SignalState.OWN if row.own else SignalState.PUBLISHED
    return SignalState(row.status.value)


async def admit(
    desk: Desk, who: Principal, matter: Matter, purpose: Purpose | None, act: str
) -> Decision:
    """Admit somebody to read a matter for a purpose.

    Raises:
        DeniedError: this role may not, or not for that purpose.
    """
    now = desk.clock.now()
    decision = rule_on_reading(desk.situation, who, matter, purpose, now)
    if not decision.allowed:
        await desk.refuse(decision, who, act)
    return decision
