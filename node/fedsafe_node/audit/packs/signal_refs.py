# SPDX-License-Identifier: Apache-2.0
"""Of which signals a pack with openings tells, for the recipient ledger (P12).

They are found before anything leaves, in a walk of its own.
Openings may be erased between that and the writing of the pack, but none is added, so
the ledger never says too little.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import SIGNAL_GROUP
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.log.audit import DETAIL
from fedsafe_node.log.mentions import class_of
from fedsafe_node.log.span import Part
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_policies.ground.catalogue import Phrase

MAX_SIGNALS: Final = 100_000  # they are written in one commit
_PAGE: Final = 2_000


class _Named(msgspec.Struct, frozen=True):
    """What a detail says of signals: an id, several with blanks between, or a count."""

    signal: str | int | bool | None = None
    signals: str | int | bool | None = None


async def signals_told(store: Store, log: LogName, part: Part) -> set[bytes]:
    """Return the ids of the signals that the openings of a part tell of.

    Raises:
        BadRequestError: they are more than one line of the ledger takes.
        CorruptLogError: what is stored is not what was sealed.
    """
    placed = await store.scan(
        lambda reader: reader.signals_placed(log, part.start, part.end - 1)
    )
    found: set[bytes] = set()
    for start in range(part.start, part.end, _PAGE):
        found |= await store.scan(
            partial(_told_by_page, log=log, part=part, start=start, placed=placed)
        )
        if len(found) > MAX_SIGNALS:
            detail = Phrase(
                "it tells of over {most} signals; choose a shorter part"
            ).filled(most=MAX_SIGNALS)
            raise BadRequestError("pack_too_large", detail)
    return found


async def _told_by_page(
    reader: Reader,
    log: LogName,
    part: Part,
    start: int,
    placed: dict[int, bytes],
) -> set[bytes]:
    count = min(_PAGE, part.end - start)
    left_out: set[int] = set()
    if part.events is not None:
        records = enumerate(await reader.records(log, start, count), start=start)
        left_out = {
            index
            for index, record in records
            if class_of(log, index, record) not in part.events
        }
    found: set[bytes] = set()
    for kept in await reader.openings(log, start, count, group=DETAIL):
        if kept.opening is not None and kept.index not in left_out:
            found.update(_ids(kept.opening.payload))
    # An opening of a signal says no id, and may outlive the detail beside it.
    for kept in await reader.openings(log, start, count, group=SIGNAL_GROUP):
        is_told = kept.opening is not None and kept.index not in left_out
        if is_told and kept.index in placed:
            found.add(placed[kept.index])
    return found


def _ids(detail: bytes) -> Iterator[bytes]:
    try:
        named = decode(detail, _Named)
    except MalformedError:
        return  # it has another form, in which no event names a signal
    for text in (named.signal, named.signals):
        for name in text.split() if isinstance(text, str) else ():
            try:
                yield UUID(name).bytes
            except ValueError:
                continue
