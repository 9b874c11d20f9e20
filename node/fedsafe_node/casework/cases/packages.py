# SPDX-License-Identifier: Apache-2.0
"""Where a case's packages may be, and what of them a person has still to do.

What somebody took out counts as possibly handed over until they say that they kept it
back. So a recall is not seen through before each such package has an answer, and each
correction has arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.cases import Reach, Reached, WorkKind
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.store.casework_rows import DispatchRow, TakingRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.escalation.dispatches import (
    ARRIVED,
    MAY_HAVE_ARRIVED,
    UNDER_WAY,
    DispatchState,
    Outcome,
    correction_key,
)
from fedsafe_policies.escalation.partners import Partner, standing_of
from fedsafe_policies.ground.catalogue import Phrase

_S = DispatchState


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing to do, about which dispatch, and who holds its package."""

    kind: WorkKind
    row: DispatchRow
    taken_by: tuple[str, ...] = ()
    reach: Reach | None = None


async def may_be_there(reader: Reader, row: DispatchRow) -> bool:
    """Tell whether a dispatch has arrived, or somebody may have brought it there."""
    if _S(row.state) in ARRIVED or row.delivered_at is not None:
        return True
    attempts = await reader.attempts(row.id)
    if any(
        each.outcome is None or Outcome(each.outcome) in MAY_HAVE_ARRIVED
        for each in attempts
    ):
        return True
    return bool(held(await reader.takings(row.id)))


def held(takings: Iterable[TakingRow]) -> tuple[str, ...]:
    """Name who has taken a package out, and has not said that it was kept back."""
    return tuple(sorted({each.by for each in takings if each.kept_back_at is None}))


async def correction_of(reader: Reader, row: DispatchRow) -> DispatchRow | None:
    """Return the correction of a dispatch, if there is one."""
    return await reader.dispatch(correction_key(row.id)[: len(row.id)])


async def is_recalled(reader: Reader, row: DispatchRow) -> bool:
    """Tell whether a dispatch was taken back: by then it goes to nobody any more."""
    if row.state == _S.STOPPED.value:
        return True
    return await correction_of(reader, row) is not None


async def work_of(reader: Reader, case_id: str, now: int) -> tuple[Work, ...]:
    """Name what a person has to do about a case's packages, the oldest first."""
    found: list[Work] = []
    for row in await reader.dispatches(case_id):
        takers = held(await reader.takings(row.id))
        kind = await _kind_of(reader, row, takers)
        if kind is not None:
            reach = await reach_of(reader, row.partner, now)
            found.append(Work(kind=kind, row=row, taken_by=takers, reach=reach))
    return tuple(found)


async def check_brought(reader: Reader, case_id: str, now: int) -> None:
    """Refuse to close a case of which a package or a correction has yet to leave.

    Nor is one closed of which somebody has a recalled package in hand, or of which a
    package that is there has no correction.

    Raises:
        WrongStateError: that is so; to whom it goes is said.
    """
    for work in await work_of(reader, case_id, now):
        if work.kind is WorkKind.SAY_WHAT_CAME:
            raise WrongStateError(
                "package_in_hand",
                Phrase(
                    "the recalled package for {partner} was taken by {others}: "
                    "note what came of it, also that it was kept back (`fedsafe "
                    "case handed`)"
                ).filled(partner=work.row.partner, others=", ".join(work.taken_by)),
            )
        if work.kind is WorkKind.RECALL_AGAIN:
            raise WrongStateError(
                "not_corrected",
                Phrase(
                    "{partner} has a recalled package that nothing corrects: "
                    "recall the case again (`fedsafe case recall`)"
                ).filled(partner=work.row.partner),
            )
    for each in await reader.dispatches(case_id):
        if _S(each.state) not in UNDER_WAY:
            continue
        told = Phrase(
            "a package is under way to {partner}: bring it there, or recall the case "
            "(`fedsafe case dispatches`)"
        )
        if each.recalls is not None:
            told = Phrase(
                "a correction is under way to {partner}: bring it there (`fedsafe case "
                "dispatches`)"
            )
        raise WrongStateError("package_under_way", told.filled(partner=each.partner))


async def reach_of(reader: Reader, partner: str, now: int) -> Reach | None:
    """Say whom of a partner to call, by its entry as it is now."""
    row = await reader.partner(partner)
    if row is None:
        return None
    entry = decode(row.record, Partner)
    first = Reached(function=entry.function, phone=entry.phone)
    others = (Reached(function=each.function, phone=each.phone) for each in entry.chain)
    return Reach(
        name=entry.name,
        hours=entry.hours,
        standing=standing_of(row.verified_until, now),
        chain=[first, *others],
    )


async def needs_recall(reader: Reader, row: DispatchRow) -> bool:
    """Tell whether a dispatch that was stopped is there, and nothing corrects it."""
    if row.recalls is not None or row.state != _S.STOPPED.value:
        return False
    is_there = await may_be_there(reader, row)
    return is_there and await correction_of(reader, row) is None


def is_unclear(row: DispatchRow, takers: tuple[str, ...]) -> bool:
    """Tell whether nobody knows if a recalled package was handed over."""
    is_stopped = row.recalls is None and row.state == _S.STOPPED.value
    return is_stopped and row.delivered_at is None and bool(takers)


async def _kind_of(
    reader: Reader, row: DispatchRow, takers: tuple[str, ...]
) -> WorkKind | None:
    state = _S(row.state)
    if state is _S.BY_HAND:
        return WorkKind.HAND_OVER
    if row.recalls is not None:
        is_open = state in {_S.QUEUED, _S.DELIVERED}
        return WorkKind.SEE_THROUGH if is_open else None
    if is_unclear(row, takers):
        return WorkKind.SAY_WHAT_CAME
    return WorkKind.RECALL_AGAIN if await needs_recall(reader, row) else None
