# SPDX-License-Identifier: Apache-2.0
"""Show disputes as people and programs see them."""

from datetime import UTC, datetime
from typing import Literal, cast

from fedsafe_node.rights.dispute_messages import DisputeAnswer
from fedsafe_node.signals.naming import signal_name
from fedsafe_node.store.protocol import Reader
from fedsafe_node.store.rights_rows import DisputeRow, RulingRow
from fedsafe_policies.vocabulary import Contention, Control

State = Literal["open", "restored", "revoked", "lapsed"]


async def describe_dispute(
    reader: Reader, row: DisputeRow, *, node: str
) -> DisputeAnswer:
    """Describe a dispute with its ruling, as *node* sees it."""
    ruling = await reader.ruling(row)
    return DisputeAnswer(
        dispute=row.digest.hex(),
        signal=signal_name(row.signal_id),
        origin=row.origin,
        author=row.author,
        contention=Contention(row.contention),
        control=Control(row.control),
        weight=row.weight.value,
        state=_state(ruling),
        ours=row.origin == node,
        received_at=moment(row.received_at),
        due_at=moment(row.due_at),
        opened_by=row.opened_by,
        ruled_by=ruling.ruled_by if ruling is not None else None,
        ruled_at=moment(ruling.at) if ruling is not None else None,
        reason=ruling.reason if ruling is not None else None,
    )


def moment(seconds: int) -> str:
    """Write a moment, of UTC seconds, as the API does."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")


def _state(ruling: RulingRow | None) -> State:
    return "open" if ruling is None else cast("State", ruling.outcome)
