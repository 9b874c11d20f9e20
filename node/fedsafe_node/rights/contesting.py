# SPDX-License-Identifier: Apache-2.0
"""Contest a signal in this node's name: state it, weigh it, keep it, tell it."""

from dataclasses import dataclass
from typing import Final

from fedsafe_federation.restrictions import Reason, Terms
from fedsafe_node.errors import NotFoundError
from fedsafe_node.log.audit import Event
from fedsafe_node.principal import Principal
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.disputing import Facts, take_dispute, weigh
from fedsafe_node.signals.naming import signal_name
from fedsafe_node.signals.stating import state
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_policies.decision import Decision, Obligation
from fedsafe_policies.disputes import ruling_ends
from fedsafe_policies.people import Person
from fedsafe_policies.vocabulary import Contention, Control, Effect

CONTESTABLE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


@dataclass(frozen=True, slots=True)
class Claim:
    """What is contested, how control was shown, and who said so."""

    contention: Contention
    control: Control
    who: Principal


async def weigh_claim(
    desk: Desk, tx: Transaction, row: SignalRow, claim: Claim, officer: Person | None
) -> Decision:
    """Put a dispute of this node to its policy: an officer's, or one with proof."""
    now = desk.clock.now()
    return await weigh(
        tx,
        Facts(
            row.origin,
            row.signal_id,
            desk.situation.node,
            claim.contention.value,
            claim.control.value,
        ),
        judge=lambda asked: desk.situation.decide(asked, now),
        charged=int(now.timestamp()),
        officer=officer,
    )


async def contest(
    desk: Desk, tx: Transaction, row: SignalRow, claim: Claim, decision: Decision
) -> tuple[DisputeRow, int]:
    """Dispute a signal as *decision* weighs it; give the dispute and the feed's size.

    Raises:
        WrongStateError: this node has no federation.
    """
    at = int(desk.clock.now().timestamp())
    due = ruling_ends(at, desk.situation.policy)
    stated = await state(
        desk,
        tx,
        row.signal_id,
        Effect.DISPUTED,
        Reason.REQUEST_OF_THE_PERSON,
        origin=row.origin,
        terms=Terms(claim.contention, claim.control, due),
    )
    taken = await take_dispute(
        tx,
        stated.statement,
        stated.restriction,
        decision,
        at=at,
        charged=at,
        due_at=due,
        opened_by=claim.who.name,
    )
    await _write(desk, tx, row, claim, taken.weight, decision)
    kept = await tx.dispute(taken.digest)
    if kept is None:
        raise NotFoundError("dispute")
    return kept, stated.feed


async def _write(  # noqa: PLR0913 - what the event tells
    desk: Desk,
    tx: Transaction,
    row: SignalRow,
    claim: Claim,
    weight: Weight,
    decision: Decision,
) -> None:
    detail = {
        "signal": signal_name(row.signal_id),
        "origin": row.origin,
        "contention": claim.contention.value,
        "control": claim.control.value,
        "weight": weight.value,
    }
    alarm = Obligation.ALARM in decision.obligations
    entry = desk.event(
        Event.DISPUTED,
        claim.who,
        detail,
        outcome="alarm" if alarm else "ok",
        decision=decision,
    )
    await tx.append(desk.trail.log, entry.record, entry.openings)
