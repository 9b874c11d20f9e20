# SPDX-License-Identifier: Apache-2.0
"""Moves a case by what has become of its dispatches, within an act."""

from collections.abc import Iterable

from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import CaseKeeper, Change
from fedsafe_node.store.casework_rows import CaseRow, CaseStepRow, DispatchRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.dispatches import DispatchState, case_steps
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.rules.people import Person


def change_to(row: CaseRow, file: CaseFile, state: CaseState, step: str) -> Change:
    """Make the change that a step of a dispatch is."""
    return Change(
        step=step,
        state=state,
        urgency=Urgency(row.urgency),
        known_at=row.known_at,
        file=file,
    )


def approved_revision(steps: Iterable[CaseStepRow]) -> int | None:
    """Return which revision of a case was approved last."""
    found = [step.revision for step in steps if step.step == "approved"]
    return max(found, default=None)


async def live_dispatches(reader: Reader, case_id: str) -> list[DispatchRow]:
    """Return the dispatches of the revision that was approved last."""
    revision = approved_revision(await reader.case_steps(case_id))
    return [
        each
        for each in await reader.dispatches(case_id)
        if each.recalls is None and each.revision == revision
    ]


async def go_through(  # noqa: PLR0913 - a case, and what it goes through
    keeper: CaseKeeper,
    tx: Transaction,
    row: CaseRow,
    file: CaseFile,
    states: Iterable[CaseState],
    who: Person,
) -> CaseRow:
    """Take a case through states, each a step of its own."""
    for state in states:
        change = change_to(row, file, state, state.value)
        row = await keeper.keep(tx, row, row.id, change, who)
    return row


async def settle(
    keeper: CaseKeeper, tx: Transaction, row: CaseRow, file: CaseFile, who: Person
) -> CaseRow:
    """Bring a case to where its dispatches are."""
    live = await live_dispatches(tx, row.id)
    states = [_state_of(each) for each in live]
    fell_back = any(
        each.state == DispatchState.BY_HAND.value and each.channel > 0 for each in live
    )
    steps = case_steps(CaseState(row.state), states, fell_back=fell_back)
    return await go_through(keeper, tx, row, file, steps, who)


def _state_of(row: DispatchRow) -> DispatchState:
    """Return where a dispatch is; what goes out once more has been delivered."""
    state = DispatchState(row.state)
    is_again = state is DispatchState.QUEUED and row.delivered_at is not None
    return DispatchState.DELIVERED if is_again else state
