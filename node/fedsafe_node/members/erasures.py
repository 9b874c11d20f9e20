# SPDX-License-Identifier: Apache-2.0
"""How far a signal that has ended is erased at those who received it."""

from datetime import UTC, datetime

from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_node.acts.bodies import ErasureShown
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalRow
from fedsafe_policies.vocabulary import Effect


async def read_erasure(reader: Reader, row: SignalRow) -> ErasureShown | None:
    """Read who has signed that a signal of the own feed is erased.

    None while nothing has ended it, or only its time.
    """
    ended = await ended_by(reader, row.origin, row.signal_id)
    if ended is None:
        return None
    recipients = {run.recipient for run in await reader.handed(row.index, MAX_RECORDS)}
    receipts = await reader.receipts_for(ended)
    given = [each for each in receipts if each.member in recipients]
    last = max((each.residual_until for each in given), default=None)
    until = None if last is None else datetime.fromtimestamp(last, UTC)
    return ErasureShown(
        recipients=len(recipients),
        receipts=len(given),
        residual_until=None if until is None else until.isoformat(timespec="seconds"),
    )


async def ended_by(reader: Reader, node: str, signal_id: bytes) -> int | None:
    """Return the number of this node's own statement that has stopped a signal."""
    return max(
        (
            row.sequence
            for row in await reader.restrictions_on(node, signal_id)
            if row.author == node and row.effect != Effect.DISPUTED
        ),
        default=None,
    )
