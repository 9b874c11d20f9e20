# SPDX-License-Identifier: Apache-2.0
"""Sign a restriction in this node's name, and say it in the own feed.

A restriction is numbered, kept and repeated in the feed in one act: the number is how
peers ask for what they lack, the repetition makes an omission visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.records import RestrictionRecord, encode_record
from fedsafe_federation.feed.restrictions import (
    Reason,
    Restriction,
    Terms,
    sign_restriction,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.rows import RestrictionRow, sequence_key
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Effect


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement of this node, and the size of the own feed behind it."""

    statement: Signed
    restriction: Restriction
    feed: int


async def state(  # noqa: PLR0913 - what a restriction says
    desk: Desk,
    tx: Transaction,
    signal_ids: Sequence[bytes],
    effect: Effect,
    reason: Reason,
    *,
    origin: str | None = None,
    terms: Terms | None = None,
) -> Stated:
    """Say that signals are restricted; of another *origin*, that one is disputed.

    A dispute is not kept here: what it weighs is decided by who takes it.

    Raises:
        WrongStateError: this node has no federation.
    """
    node, shared = desk.situation.node, desk.situation.shared
    if shared is None:
        raise WrongStateError(
            "no_federation", Phrase("this node does not belong to a federation")
        )
    key = sequence_key(node)
    sequence = int(await tx.meta(key) or 0) + 1
    restriction = Restriction(
        v=1,
        origin=origin or node,
        author=node,
        sequence=sequence,
        effect=effect,
        reason=reason,
        at=int(desk.clock.now().timestamp()),
        signals=list(signal_ids),
        terms=terms,
    )
    federation = shared.membership.charter.federation
    statement = sign_restriction(
        restriction, key=desk.statement_key, federation=federation
    )
    if effect is not Effect.DISPUTED:
        row = RestrictionRow(
            digest=digest(statement),
            origin=node,
            author=node,
            sequence=sequence,
            effect=effect.value,
            statement=encode(statement),
        )
        await tx.add_restriction(row, restriction.signals)
    await tx.set_meta(key, str(sequence).encode())
    record = encode_record(RestrictionRecord(statement))
    return Stated(statement, restriction, await tx.append(desk.feed, record) + 1)
