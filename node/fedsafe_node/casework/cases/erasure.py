# SPDX-License-Identifier: Apache-2.0
"""Erase what is known of cases that are closed for as long as the policy keeps them.

A job of the node's clockwork. The content is written anew under a key of its own that
is made for it, with nothing but the codes that the quarterly pack counts; the old key
goes with the old content, in one act with the step and the event that tell of it; so
does what dispatches and their attempts say of words that others wrote. Those that an
older release left, or that an attempt brought which ended after, go with the next run;
a correction that is under way goes once it has arrived, for its partner works with a
package that no longer counts.
Steps and attempts stay: they prove that somebody worked on the case, and say nothing of
what it was about.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import CaseKeeper, Change
from fedsafe_node.casework.cases.timeline import CLOSED, ERASED
from fedsafe_node.ground.errors import CorruptRowError, WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.closure import countable, erased_from, preserved_until
from fedsafe_policies.escalation.dispatches import UNDER_WAY, DispatchState
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.span import SECONDS_A_DAY, Span
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

_BY: Final = Person(Actor.ERASURE.value, Role.SERVICE)
_BATCH: Final = 50
_LOG: Final = logging.getLogger(f"{LOGGER}.erasing")
Waits = Callable[[Reader, str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class CaseEraser:
    """What the erasure works with.

    `kept` is the policy's `retention.cases`; `waits` tells whether something outside
    the case, such as an order, still asks for it.
    """

    keeper: CaseKeeper
    kept: Span
    waits: Waits


async def erase_cases(eraser: CaseEraser) -> int:
    """Erase what is due, and let nothing of it lie in a file; return how many.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    store = eraser.keeper.office.store
    due = await store.scan(lambda reader: _due(eraser, reader))
    left = await store.scan(lambda reader: reader.dispatches_left())
    for start in range(0, len(left), _BATCH):
        sent = left[start : start + _BATCH]
        await store.write(lambda tx, sent=sent: _erase_words(tx, sent))  # type: ignore[misc]
    for start in range(0, len(due), _BATCH):
        cases = due[start : start + _BATCH]
        await store.write(lambda tx, cases=cases: _erase(eraser, tx, cases))  # type: ignore[misc]
    if due or left:
        await store.scrub()
    return len(due)


async def _due(eraser: CaseEraser, reader: Reader) -> list[str]:
    now = eraser.keeper.office.now()
    before = now - eraser.kept.fewest_days * SECONDS_A_DAY
    rows = await reader.cases_to_erase(before)
    return [row.id for row in rows if await _is_due(eraser, reader, row, now)]


async def _is_due(eraser: CaseEraser, reader: Reader, row: CaseRow, now: int) -> bool:
    try:
        file = eraser.keeper.vault.open(row)
    except WrongStateError:
        return False  # the key of its period is destroyed, and all with it
    except CorruptRowError as error:
        # Whether somebody holds it nobody can read: it stays, and holds up no other.
        _LOG.error("not erased, for it is damaged", extra=fields(reason=error.name))
        return False
    steps = await reader.case_steps(row.id)
    closed_at = min(step.at for step in steps if step.step == CLOSED)
    holds = [hold.until for hold in file.holds]
    end = erased_from(closed_at, eraser.kept, holds, preserved_until(file.elements))
    return end <= now and not await eraser.waits(reader, row.id)


async def _erase_words(tx: Transaction, dispatches: list[str]) -> None:
    left = frozenset(await tx.dispatches_left())  # a mail of one may have come back
    for each in dispatches:
        if each in left:
            await tx.erase_dispatch(each)


async def _erase(eraser: CaseEraser, tx: Transaction, cases: list[str]) -> None:
    keeper = eraser.keeper
    for case_id in cases:
        row, file = await keeper.read(tx, case_id)
        if not await _is_due(eraser, tx, row, keeper.office.now()):
            continue
        change = Change(
            step=ERASED,
            state=CaseState.CLOSED,
            urgency=Urgency(row.urgency),
            known_at=row.known_at,
            file=_rest(file, keeper.office.now()),
        )
        # Without the old key the rest is sealed under one that nothing older opens.
        bare = replace(row, key=None, sealed=None)
        await keeper.keep(tx, bare, case_id, change, _BY)
        for sent in await tx.dispatches(case_id):
            under_way = DispatchState(sent.state) in UNDER_WAY
            if under_way and sent.recalls is not None:
                continue
            state = DispatchState.STOPPED.value if under_way else sent.state
            await tx.move_dispatch(replace(sent, state=state, due_at=None))
            await tx.erase_dispatch(sent.id)


def _rest(file: CaseFile, now: int) -> CaseFile:
    return CaseFile(
        sources=frozenset(),
        evidence=(),
        elements=countable(file.known),
        erased_at=now,
        test=file.test,
    )
