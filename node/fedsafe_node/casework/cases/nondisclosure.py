# SPDX-License-Identifier: Apache-2.0
"""What binds the accounts of a case to silence, and whom a change drops from it.

Holds and secret orders that overlap or follow without a gap are one: an authority that
extends its time lets nobody go whom the case named meanwhile. An order counts from the
moment that it came in, even if it is entered later.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

from msgspec.structs import replace

from fedsafe_node.casework.cases.content import CaseFile, accounts_of
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.casework.orders.secrecy import begin_of, secrecy_of
from fedsafe_node.ground.errors import CorruptRowError
from fedsafe_node.store.reader import Reader
from fedsafe_policies.ground.span import SECONDS_A_DAY

Span = tuple[int, float]
_LATE: Final = 30 * SECONDS_A_DAY
"""How late an order may be entered, and still bind whom its case had dropped since."""


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Join spans that overlap or touch; what is over counts for what it led to."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            first, before = found.pop()
            found.append((first, max(until, before)))
        else:
            found.append((since, until))
    return tuple(found)


def holds_of(file: CaseFile) -> tuple[Span, ...]:
    """Return from when until when the holds of a case stand, or stood."""
    return tuple((hold.since, hold.until) for hold in file.holds)


@dataclass(frozen=True, slots=True)
class Stood:
    """Beside its file: a case's newest step, and what bound or binds it to secrecy."""

    newest: int
    secret: tuple[Span, ...]


async def stood(reader: Reader, vault: OrderVault, case_id: str) -> Stood:
    """Return what stood for a case; an order that is damaged may bind for ever."""
    spans = list[Span]()
    for row in await reader.orders():
        if row.case_id != case_id:
            continue
        try:
            found = secrecy_of(row, vault)
        except CorruptRowError:
            spans.append((begin_of(row), inf))
        else:
            spans += [] if found is None else [(found.since, found.until)]
    steps = await reader.case_steps(case_id)
    return Stood(max((step.at for step in steps), default=0), tuple(spans))


def dropping(before: CaseFile, after: CaseFile, known: Stood, now: int) -> CaseFile:
    """Remember whom a change drops, and forget whom nothing can silence any more.

    A clock that stepped back lets nobody have been dropped before what came before.
    """
    spans = joined((*holds_of(after), *known.secret))
    begun = (since for since, _ in spans)
    at = max(now, known.newest, *before.named.values(), *begun)
    dropped = dict.fromkeys(accounts_of(before) - accounts_of(after), at)
    named = {
        account: moment
        for account, moment in (before.named | dropped).items()
        if _bound_until(spans, moment) > now - _LATE
    }
    return replace(after, named=named)


def _bound_until(spans: tuple[Span, ...], dropped: int) -> float:
    return max((dropped, *(until for since, until in spans if since <= dropped)))
