# SPDX-License-Identifier: Apache-2.0
"""Take appeals and the rulings on them in, whoever's they are (protocol 3.6).

A ruling that ends a signal acts as its origin's revocation does: the opening is erased,
and one that comes before its signal is remembered. One by which it stands lifts the
dispute that it names. The first ruling on an appeal counts, within its author's budget
of the day, and not if the author has disputed the signal itself. No ruling touches a
signal that was revoked, has expired or was erased.

A day is the statement's own, at most a week past and never before a day that the author
has used, so a node that hears a backlog takes no honest author for a flood. What finds
that day's budget spent counts against the present one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.feed.appeals import (
    RULINGS_A_DAY,
    UNNUMBERED,
    AppealRuling,
    Heard,
    Ruled,
    hearer,
)
from fedsafe_federation.feed.rulings import Outcome, Ruling
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.signals.dispute_intake import take_ruling
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import AppealRow, AppealRulingRow
from fedsafe_node.store.rows import RestrictionRow, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Effect

_DAY: Final = 24 * 60 * 60
DATED_BACK: Final = 7 * _DAY
"""So many seconds before it comes a ruling on an appeal may count at most."""
APPEALS_A_DAY: Final = RULINGS_A_DAY
"""So many appeals of one author wait side by side; more could not be ruled on a day."""
_STOPPED: Final = frozenset({SignalStatus.REVOKED, SignalStatus.ERASED})


@dataclass(frozen=True, slots=True)
class Hearing:
    """When a ruling was taken, and what only its own node knows of it.

    `due` is until when the appeal is to be ruled on, if it is new; `place` is where the
    ruling stands in the own feed, the rest who ruled and the reference to why.
    """

    at: int
    due: int
    place: int | None = None
    first: str | None = None
    second: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The rows that match no more, and whether the ruling was new and counted."""

    removed: Sequence[int] = ()
    counted: bool = False


async def take_appeal(  # noqa: PLR0913 - a statement, and what is known of it
    tx: Transaction,
    statement: Signed,
    heard: Heard,
    *,
    at: int,
    due: int,
    opened_by: str | None = None,
    reason: str | None = None,
) -> bool:
    """Keep an appeal; of one author about one dispute the first is enough.

    So it is about one signal while nobody has ruled. For each `APPEALS_A_DAY` of an
    author that wait, another one is due a day later: it comes behind those of others.
    """
    for row in await tx.appeals_on(heard.origin, heard.signal):
        if row.author != heard.author:
            continue
        if row.dispute == heard.dispute or await tx.appeal_ruling(row.digest) is None:
            return False
    waiting = await tx.appeals_waiting(heard.author)
    due += waiting // APPEALS_A_DAY * _DAY
    return await tx.add_appeal(
        _row(statement, heard, at, due, opened_by=opened_by, reason=reason)
    )


async def may_count(reader: Reader, ruled: Ruled, *, at: int) -> bool:
    """Whether the budget of the day has room for a ruling."""
    charged = await _charged(reader, ruled, at)
    return await _has_room(reader, ruled.author, charged)


async def disputers(reader: Reader, origin: str, signal_id: bytes) -> set[str]:
    """Name who has disputed a signal, by any dispute that is known here."""
    return {row.author for row in await reader.disputes_on(origin, signal_id)}


async def hearer_of(
    reader: Reader, charter: Charter, parties: set[str], origin: str, signal_id: bytes
) -> str | None:
    """Name who hears an appeal about a signal: nobody who has disputed it as well.

    Every member comes to the same answer once it has the same disputes.
    """
    others = await disputers(reader, origin, signal_id)
    return hearer(charter, parties | others)


async def has_disputed(reader: Reader, member: str, heard: Heard) -> bool:
    """Whether a member has disputed the signal itself, by any dispute."""
    return member in await disputers(reader, heard.origin, heard.signal)


async def end_on_appeal(
    tx: Transaction, statement: Signed, ruled: Ruled, hearing: Hearing, *, own: bool
) -> Ending:
    """End a signal by a ruling that is within its budget; *own* is one of this node."""
    if not await _keep(tx, statement, ruled, hearing):
        return Ending()
    heard = ruled.heard
    kept = RestrictionRow(
        digest=ruled.digest,
        origin=heard.origin,
        author=ruled.author,
        sequence=UNNUMBERED,
        effect=Effect.REVOKED.value,
        statement=encode(statement),
    )
    await tx.add_restriction(kept, [heard.signal])
    row = await tx.signal(heard.origin, heard.signal)
    if row is None or row.status in _STOPPED:
        return Ending(counted=True)
    await tx.set_signal_status(row.origin, row.signal_id, SignalStatus.REVOKED)
    await tx.erase_opening(row.log, row.index, row.group, at=hearing.at)
    if own:
        await tx.remove_custody(row.signal_id)
        await tx.remove_validation(row.signal_id)
    return Ending((row.row,), counted=True)


async def stand_on_appeal(
    tx: Transaction, statement: Signed, ruled: Ruled, hearing: Hearing
) -> bool:
    """Lift the dispute that a ruling names; tell whether its signal matches again."""
    if not await _keep(tx, statement, ruled, hearing):
        return False
    heard = ruled.heard
    lifting = Ruling(
        v=1,
        origin=heard.origin,
        signal=heard.signal,
        disputes=[heard.dispute],
        outcome=Outcome.RESTORED,
        at=ruled.at,
    )
    return await take_ruling(tx, lifting, at=hearing.at)


async def _keep(
    tx: Transaction, statement: Signed, ruled: Ruled, hearing: Hearing
) -> bool:
    heard = ruled.heard
    if await tx.appeal_ruling(heard.digest) is not None:
        return False
    if await has_disputed(tx, ruled.author, heard):
        return False
    appeal = decode(statement.payload, AppealRuling).appeal
    await tx.add_appeal(_row(appeal, heard, hearing.at, hearing.due))
    return await tx.add_appeal_ruling(
        AppealRulingRow(
            appeal=heard.digest,
            digest=ruled.digest,
            author=ruled.author,
            outcome=ruled.outcome.value,
            at=ruled.at,
            charged_at=await _charged(tx, ruled, hearing.at),
            statement=encode(statement),
            place=hearing.place,
            first=hearing.first,
            second=hearing.second,
            reason=hearing.reason,
        )
    )


def _row(  # noqa: PLR0913 - a statement, and what is known of it
    statement: Signed,
    heard: Heard,
    at: int,
    due: int,
    *,
    opened_by: str | None = None,
    reason: str | None = None,
) -> AppealRow:
    return AppealRow(
        digest=heard.digest,
        origin=heard.origin,
        signal_id=heard.signal,
        dispute=heard.dispute,
        disputed_by=heard.disputed_by,
        author=heard.author,
        at=heard.at,
        received_at=at,
        due_at=due,
        statement=encode(statement),
        opened_by=opened_by,
        reason=reason,
    )


async def _charged(reader: Reader, ruled: Ruled, at: int) -> int:
    last = await reader.last_appeal_charged(ruled.author)
    said = min(at, max(ruled.at, at - DATED_BACK, last))
    return said if await _has_room(reader, ruled.author, said) else at


async def _has_room(reader: Reader, author: str, moment: int) -> bool:
    day = moment - moment % _DAY
    return await reader.appeal_rulings_since(author, day) < RULINGS_A_DAY
