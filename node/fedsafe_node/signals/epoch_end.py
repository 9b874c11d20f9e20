# SPDX-License-Identifier: Apache-2.0
"""What this node has published and ends with its key epoch, though it need not.

Tokens die with their epoch. What is still wanted then is looked at again by people
and published anew, of a person out of custody: the node hands out what is sealed
there, and whoever has the custody key opens it elsewhere.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from fedsafe_node.acts.signal_reviews import EndingAnswer, EndingSignal
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Plane

MOST: Final = 500
ERASURE_OPEN: Final = WrongStateError(
    "erasure_open",
    Phrase("the person's request for erasure is open; close or grant it first"),
)
_NOT_IN_FORCE: Final = WrongStateError(
    "stale_draft",
    Phrase(
        "the signal that this one is to follow is not in force: it has ended, or rests"
    ),
)
_PAGE: Final = 10_000


async def read_ending(reader: Reader, situation: Situation, now: int) -> EndingAnswer:
    """Find the signals that the end of an epoch would cut short."""
    node, over = situation.node, _ending(situation, now)
    if over is None:
        return EndingAnswer(node, None, [])
    epoch, ends = over
    found: list[EndingSignal] = []
    last = 0
    while page := await reader.signals_after(last, _PAGE):
        last = page[-1].row
        for row in page:
            if row.origin != node or row.epoch != epoch or not _is_cut(row, ends):
                continue
            sealed = await reader.custody(row.signal_id)
            if sealed is None and row.plane == Plane.ACTOR:
                continue  # it is published anew already
            if len(found) == MOST:
                return EndingAnswer(node, _day(ends), found, more=True)
            found.append(EndingSignal(signal_name(row.signal_id), epoch, sealed))
    return EndingAnswer(node, _day(ends), found)


async def unfit_to_follow(
    reader: Reader, name: str | None, desk: Desk, shielded: Collection[bytes]
) -> WrongStateError | None:
    """Say why a signal cannot follow the named one of an older epoch, if it cannot."""
    if name is None:
        return None
    row = await reader.signal(desk.situation.node, read_signal_id(name))
    if row is None or row.status is not SignalStatus.ACTIVE:
        return _NOT_IN_FORCE
    return ERASURE_OPEN if row.token in shielded else None


def _ending(situation: Situation, now: int) -> tuple[int, int] | None:
    """Name the epoch that has ended and is not over yet, and when it will be."""
    if situation.shared is None:
        return None
    charter = situation.shared.membership.charter
    for entry in charter.live(now):
        if now >= charter.epoch_ends(entry.epoch):
            return entry.epoch, charter.epoch_over(entry.epoch)
    return None


def _is_cut(row: SignalRow, ends: int) -> bool:
    return not row.own and row.status is SignalStatus.ACTIVE and row.match_until >= ends


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
