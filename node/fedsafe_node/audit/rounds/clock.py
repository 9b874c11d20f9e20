# SPDX-License-Identifier: Apache-2.0
"""When the next review round is due: a month after the last signature.

Before the first one the month runs from the oldest entry that the log still has, which
in a young node is its founding: nobody escapes the first round by never opening it.
"""

from datetime import datetime
from typing import Final

from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.store.reader import Reader

EVERY: Final = 31 * 24 * 60 * 60
"""How long after a signature the next one is due, in seconds."""


async def due_at(reader: Reader, log: str) -> int | None:
    """Return by which second the next signature is due; None while the log is empty.

    Raises:
        CorruptLogError: the oldest entry is no audit event.
    """
    signed = [row.recorded_at for row in await reader.rounds() if row.step == "signed"]
    if signed:
        return max(signed) + EVERY
    minimum = await reader.minimum(log)
    oldest = await read_log_events(reader, log, minimum, 1)
    if not oldest:
        return None
    return int(datetime.fromisoformat(oldest[0].at).timestamp()) + EVERY


async def count_rounds(reader: Reader, log: str, now: int) -> tuple[int, int]:
    """Count the rounds that are open, and those that are overdue: one, or none.

    Where the log is too damaged to say since when it runs, one is overdue: the status
    tells of a damaged node, too.
    """
    rows = await reader.rounds()
    steps = {(row.round, row.step) for row in rows}
    is_open = sum(
        (row.round, "signed") not in steps for row in rows if row.step == "opened"
    )
    try:
        due = await due_at(reader, log)
    except CorruptLogError:
        return is_open, 1
    return is_open, int(due is not None and due <= now)
