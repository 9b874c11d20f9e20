# SPDX-License-Identifier: Apache-2.0
"""Dispatches as those who work on cases see them."""

from collections.abc import Iterable
from typing import Final

from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.cases import Reach
from fedsafe_node.acts.dispatches import (
    AttemptShown,
    DispatchesAnswer,
    DispatchShown,
    ReceiptKind,
    ReceiptShown,
    ReceiptWay,
    TakingShown,
)
from fedsafe_node.casework.cases.content import CaseFile, KeptReceipt
from fedsafe_node.casework.cases.packages import held, is_recalled, is_unclear, reach_of
from fedsafe_node.store.casework_rows import AttemptRow, CaseRow, DispatchRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome
from fedsafe_policies.escalation.partners import Partner, Way
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import PartnerClass

_FOR_PEOPLE: Final = frozenset(
    {DispatchState.BY_HAND.value, DispatchState.STOPPED.value}
)


async def sends(reader: Reader) -> bool:
    """Tell whether anything leaves at all."""
    last = await reader.sending()
    return last is None or last.sends


async def show_dispatches(
    reader: Reader, row: CaseRow, file: CaseFile, now: int
) -> DispatchesAnswer:
    """Show all dispatches of a case, with every attempt."""
    found = await reader.dispatches(row.id)
    return DispatchesAnswer(
        case=row.id,
        state=CaseState(row.state),
        sending=await sends(reader),
        dispatches=[await show_dispatch(reader, each, file, now) for each in found],
    )


async def show_dispatch(
    reader: Reader, row: DispatchRow, file: CaseFile, now: int
) -> DispatchShown:
    """Show one dispatch, and whom to call if a person has to see it through."""
    partner, takings = await reader.partner(row.partner), await reader.takings(row.id)
    ways: tuple[Way, ...] = ()
    if partner is not None and row.state == DispatchState.BY_HAND.value:
        ways = decode(partner.record, Partner).ways or tuple(Way)
    return DispatchShown(
        dispatch=row.id,
        key=row.key,
        partner=row.partner,
        partner_class=PartnerClass(row.partner_class),
        test=row.test,
        revision=row.revision,
        recalls=row.recalls,
        package=row.package_id,
        sealing=row.sealing,
        state=DispatchState(row.state),
        made_at=row.made_at,
        made_by=row.made_by,
        due_at=row.due_at,
        delivered_at=row.delivered_at,
        acknowledged_at=row.acknowledged_at,
        recalled=row.recalls is None and await is_recalled(reader, row),
        ways=list(ways),
        attempts=_attempts(await reader.attempts(row.id)),
        receipts=_receipts(each for each in file.receipts if each.dispatch == row.id),
        takings=[
            TakingShown(
                by=each.by,
                at=each.at,
                kept_back_at=each.kept_back_at,
                kept_back_by=each.kept_back_by,
            )
            for each in takings
        ],
        unclear=is_unclear(row, held(takings)),
        reach=await _reach(reader, row, now),
    )


async def _reach(reader: Reader, row: DispatchRow, now: int) -> Reach | None:
    """Say whom to call about what waits for a person, was stopped, or corrects.

    About a correction that was withdrawn nobody is called.
    """
    is_stopped = row.state == DispatchState.STOPPED.value
    asks = row.state in _FOR_PEOPLE if row.recalls is None else not is_stopped
    if not asks or row.acknowledged_at is not None:
        return None
    return await reach_of(reader, row.partner, now)


def _attempts(rows: Iterable[AttemptRow]) -> list[AttemptShown]:
    return [
        AttemptShown(
            number=each.number,
            way=each.way,
            began_at=each.began_at,
            ended_at=each.ended_at,
            outcome=None if each.outcome is None else Outcome(each.outcome),
            proof=each.proof,
            message=each.message,
        )
        for each in rows
    ]


def _receipts(kept: Iterable[KeptReceipt]) -> list[ReceiptShown]:
    return [
        ReceiptShown(
            kind=ReceiptKind(each.kind),
            way=None if each.way is None else ReceiptWay(each.way),
            reference=each.reference,
            at=each.at,
            by=each.by,
            signed_by=each.signed_by,
        )
        for each in kept
    ]
