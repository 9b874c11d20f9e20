# SPDX-License-Identifier: Apache-2.0
"""What a lookup showed of a matching signal, sealed for the review.

Sealed signal by signal under the month's period key, bound to its place, so that a
signal that is stopped takes its own content with it and nothing else. Never a value
that somebody asked about: a match holds none.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.lookup import Match
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.store.review_rows import TaskSignalRow

_DOMAIN: Final = "fedsafe/v1/task"


def seal_match(
    task: str, list_: str, match: Match, periods: PeriodKeys, moment: datetime
) -> TaskSignalRow:
    """Seal a match into the row of its task; *list_* names where its signal is."""
    signal_id, period = UUID(match.signal).bytes, period_of(moment)
    place = _place(task, list_, signal_id, period)
    return TaskSignalRow(
        task=task,
        origin=list_,
        signal_id=signal_id,
        added_at=int(moment.timestamp()),
        period=period,
        sealed=periods.seal(period, encode(replace(match, question=0)), place),
    )


def open_match(row: TaskSignalRow, periods: PeriodKeys) -> Match | None:
    """Open what a task holds of a signal; None if it is gone, or its period's key.

    Raises:
        StoreFailedError: it is not what was sealed.
    """
    if row.sealed is None:
        return None
    place = _place(row.task, row.origin, row.signal_id, row.period)
    try:
        payload = periods.unseal(row.period, row.sealed, place)
        return None if payload is None else decode(payload, Match)
    except (CryptoError, MalformedError):
        raise StoreFailedError(
            f"what task {row.task} holds of a signal does not open"
        ) from None


def _place(task: str, list_: str, signal_id: bytes, period: str) -> bytes:
    return (
        lp_text(_DOMAIN) + lp_text(task) + lp_text(list_) + signal_id + lp_text(period)
    )
