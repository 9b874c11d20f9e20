# SPDX-License-Identifier: Apache-2.0
"""Which entries of the audit log name an account."""

from collections.abc import Collection
from typing import Final

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wireformat import decode
from fedsafe_node.log.audit import SUBJECT
from fedsafe_node.store.protocol import LogName, Reader
from fedsafe_node.store.rows import KeptOpening

_PAGE: Final = 2_000


class _Subject(msgspec.Struct, frozen=True):
    ref: str


def subject_of(kept: KeptOpening) -> str | None:
    """Return the account that an opening names; None if it is erased or names none."""
    if kept.group != SUBJECT or kept.opening is None:
        return None
    try:
        return decode(kept.opening.payload, _Subject).ref
    except MalformedError:
        return None


async def entries_naming(
    reader: Reader,
    log: LogName,
    subjects: Collection[str],
    *,
    since: int = 0,
    end: int | None = None,
) -> list[int]:
    """Return the entries from `since` to below `end` that name one of the accounts.

    Raises:
        CorruptLogError: what is stored is not what was sealed.
    """
    size = await reader.log_size(log) if end is None else end
    found: list[int] = []
    for start in range(since, size if subjects else 0, _PAGE):
        count = min(_PAGE, size - start)
        page = await reader.openings(log, start, count, group=SUBJECT)
        found += [kept.index for kept in page if subject_of(kept) in subjects]
    return found
