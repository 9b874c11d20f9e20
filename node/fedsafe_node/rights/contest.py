# SPDX-License-Identifier: Apache-2.0
"""Contest a signal in this node's name: state it, weigh it, keep it, tell it.

An own ban rests in the same way, and is ruled on in the same way; but it is shared with
nobody, so nothing is stated. Its disputes are of the own list, with a budget of theirs.
"""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.feed.restrictions import Reason, Terms
from fedsafe_node.ground.errors import NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.dispute_check import own_digest
from fedsafe_node.signals.dispute_intake import (
    Facts,
    Taken,
    keep_dispute,
    take_dispute,
    weigh,
    weight_of,
)
from fedsafe_node.signals.statement import state
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import SignalRow, SignalStatus, sequence_key
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.disputes import ruling_ends
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Contention, Control, Effect

CONTESTABLE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})
_STATED: Final = {Control.PHONE_CODE: Control.MAILED_CODE}
"""Members of an older release refuse a statement with a word that they do not know: to
them either is a code that was sent to the identifier."""


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
            row.origin if row.own else desk.situation.node,
            claim.contention.value,
            claim.control.value,
        ),
        judge=lambda asked: desk.situation.decide(asked, now),
        charged=int(now.timestamp()),
        officer=officer,
    )


async def contest(
    desk: Desk, tx: Transaction, row: SignalRow, claim: Claim, decision: Decision
) -> tuple[DisputeRow, int | None]:
    """Dispute a signal as *decision* weighs it; give the dispute and the feed's size.

    Raises:
        WrongStateError: this node has no federation, and the signal is no own ban.
    """
    feed = None
    if row.own:
        taken = await _keep_unstated(desk, tx, row, claim, decision)
    else:
        taken, feed = await _state(desk, tx, row, claim, decision)
    await _write(desk, tx, row, claim, taken.weight, decision)
    kept = await tx.dispute(taken.digest)
    if kept is None:
        raise NotFoundError(Phrase("no such dispute"))
    return kept, feed


async def _state(
    desk: Desk, tx: Transaction, row: SignalRow, claim: Claim, decision: Decision
) -> tuple[Taken, int]:
    at = int(desk.clock.now().timestamp())
    due = ruling_ends(at, desk.situation.policy)
    stated = await state(
        desk,
        tx,
        [row.signal_id],
        Effect.DISPUTED,
        Reason.REQUEST_OF_THE_PERSON,
        origin=row.origin,
        terms=Terms(claim.contention, _STATED.get(claim.control, claim.control), due),
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
    return taken, stated.feed


async def _keep_unstated(
    desk: Desk, tx: Transaction, row: SignalRow, claim: Claim, decision: Decision
) -> Taken:
    at, key = int(desk.clock.now().timestamp()), sequence_key(row.origin)
    sequence = int(await tx.meta(key) or 0) + 1
    said = DisputeRow(
        digest=b"",
        origin=row.origin,
        signal_id=row.signal_id,
        author=row.origin,
        sequence=sequence,
        contention=claim.contention.value,
        control=claim.control.value,
        weight=weight_of(decision),
        received_at=at,
        charged_at=at,
        due_at=ruling_ends(at, desk.situation.policy),
        opened_by=claim.who.name,
    )
    await tx.set_meta(key, str(sequence).encode())
    return await keep_dispute(tx, replace(said, digest=own_digest(said)))


async def _write(  # noqa: PLR0913 - what the event tells
    desk: Desk,
    tx: Transaction,
    row: SignalRow,
    claim: Claim,
    weight: Weight,
    decision: Decision,
) -> None:
    detail: Detail = {
        "signal": signal_name(row.signal_id),
        "origin": desk.reviews.origin_of(row.origin),
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
