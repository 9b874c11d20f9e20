# SPDX-License-Identifier: Apache-2.0
"""Check that what was pruned is what an event of the audit log says.

The hashes that stay are checked with the log itself. Here: nobody but the node's own
retention has let entries go, and no more of them than it says.
"""

from typing import Final

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import CorruptRowError, UnknownEntryError
from fedsafe_node.log.audit import DETAIL, Event, decode_audit_record
from fedsafe_node.log.proofs import log_root
from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_policies.ground.catalogue import Phrase

PRUNED: Final = "pruned"


async def check_pruned(reader: Reader, audit: LogName) -> int:
    """Check each row; return how many.

    Raises:
        CorruptRowError: names the log at fault.
    """
    rows = await reader.pruned()
    for row in rows:
        try:
            root = await log_root(reader, row.log, row.size)
        except UnknownEntryError:
            raise _bad(row, Phrase("more was pruned than the log has")) from None
        if root != row.root:
            raise _bad(row, Phrase("the root is not that of the hashes that stayed"))
        await _check_event(reader, audit, row)
    return len(rows)


async def _check_event(reader: Reader, audit: LogName, row: PrunedRow) -> None:
    record = await reader.record(audit, row.event)
    try:
        event = decode_audit_record(record or b"").event
    except MalformedError:
        event = None
    if event is not Event.AUDIT_PRUNED:
        raise _bad(
            row,
            Phrase("entry {index} of {log} does not say so").filled(
                index=row.event, log=audit
            ),
        )
    opening = await reader.opening(audit, row.event, DETAIL)
    if opening is None:
        return  # the key of its month is destroyed; the seal still covers the row
    try:
        said = decode(opening.payload, dict[str, str | int | bool | None])
    except MalformedError:
        said = {}
    if (said.get("log"), said.get("size"), said.get("root")) != (
        row.log,
        row.size,
        row.root.hex(),
    ):
        raise _bad(
            row,
            Phrase("entry {index} of {log} says something else").filled(
                index=row.event, log=audit
            ),
        )


def _bad(row: PrunedRow, reason: Phrase) -> CorruptRowError:
    return CorruptRowError(PRUNED, None, row.log, reason)
