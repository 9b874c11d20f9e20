# SPDX-License-Identifier: Apache-2.0
"""Which signals a case mentions, and which of them no longer stand.

A case never rests on a signal alone, but what came out of one may be in it. When its
origin revokes it, or a ruling against it ends it, whoever got the case was told
something wrong: the case says so until it is recalled. It is read off the statements
each time, so that nothing about a case stands beside signals.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.vocabulary import Effect

_ENDED: Final = frozenset({Effect.REVOKED.value, Effect.ERASED.value})


async def fallen(reader: Reader, mentions: Iterable[str]) -> list[str]:
    """Name the signals among these that were revoked, or erased for whom they meant."""
    return [each for each in mentions if await _is_fallen(reader, each)]


async def _is_fallen(reader: Reader, mention: str) -> bool:
    origin, _, name = mention.rpartition("/")
    signal_id = UUID(name).bytes
    row = await reader.signal(origin, signal_id)
    if row is not None and row.status is SignalStatus.REVOKED:
        return True
    named = await reader.restrictions_on(origin, signal_id)
    return any(each.effect in _ENDED for each in named)
