# SPDX-License-Identifier: Apache-2.0
"""What the audit log has lost, as its own entries say: each restore signs for it."""

from datetime import datetime
from typing import Final

from fedsafe_node.acts.audit import LostEntries
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.ground.errors import CorruptLogError, StoreFailedError
from fedsafe_node.log.audit import Event
from fedsafe_node.store.disk_errors import BY_WRONG_CELLS
from fedsafe_node.store.keeping_rows import RESTORED
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName

_PAGE: Final = 500
_MARK: Final = f'"{Event.RESTORED.value}"'.encode()


async def lost_entries(reader: Reader, log: LogName) -> list[LostEntries]:
    """Tell which entries restores have declared lost; of damage others tell."""
    try:
        if not any(gap.reason == RESTORED for gap in await reader.gaps()):
            return []
        return await _read(reader, log)
    except (CorruptLogError, StoreFailedError, *BY_WRONG_CELLS):
        return []


async def _read(reader: Reader, log: LogName) -> list[LostEntries]:
    found: list[LostEntries] = []
    for start in range(await reader.minimum(log), await reader.log_size(log), _PAGE):
        records = await reader.records(log, start, _PAGE)
        for index, record in enumerate(records, start=start):
            if _MARK in record:
                found += await _lost_by(reader, log, index)
    return found


async def _lost_by(reader: Reader, log: LogName, index: int) -> list[LostEntries]:
    [event] = await read_log_events(reader, log, index, 1)
    detail = event.detail or {}
    first, lost = detail.get("first"), detail.get("lost")
    if event.event != Event.RESTORED or not isinstance(first, int):
        return []
    if not isinstance(lost, int) or lost <= 0:
        return []  # nothing was, or nobody knew how much
    at = int(datetime.fromisoformat(event.at).timestamp())
    return [LostEntries(first, first + lost - 1, at, index)]
