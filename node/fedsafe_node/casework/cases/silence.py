# SPDX-License-Identifier: Apache-2.0
"""About whom nobody is told anything now: holds of cases, and orders that are secret.

A notice to an account that such a case names would tip it off, whatever the notice is
about. So it waits, and goes out by itself once nothing stands against it. An account
that a case drops stays silenced by what stood when it was named, and by what extends
that: a case that is put right tells nobody before the authority's time is over. The
room of notices learns yes or no, and nothing of cases.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass
from math import inf
from typing import Final

from fedsafe_node.casework.cases.content import CaseVault, accounts_of
from fedsafe_node.casework.cases.nondisclosure import Span, holds_of, joined
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.casework.orders.secrecy import secrecy_of
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import CorruptRowError, WrongStateError
from fedsafe_node.ground.subject_refs import is_about
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.reader import Reader

_STILL: Final = inf
_WHENEVER: Final = 1 << 62
"""A clock that stepped back hides no case that is closed."""
_LOG: Final = logging.getLogger(f"{LOGGER}.silence")


@dataclass(frozen=True, slots=True)
class _Named:
    """What is read of a case; `last` says when each account was named last."""

    revision: int
    last: dict[str, float]
    holds: tuple[Span, ...] = ()

    def covers(self, subject: str, secret: tuple[Span, ...], now: int) -> bool:
        """Tell whether an account is silenced by a hold, or by these secret orders."""
        last = max(
            (at for account, at in self.last.items() if is_about(account, subject)),
            default=None,
        )
        if last is None:
            return False
        stood = joined((*self.holds, *secret))
        return any(since <= last and now < until for since, until in stood)


class Silence:
    """Tells whether an account is one of those.

    Owned by the event loop: what was read of each case, up to its next revision, for
    a case is opened once and asked about often; which cases and orders turned out to
    be damaged, each of which is logged once.
    """

    def __init__(self, cases: CaseVault, orders: OrderVault, clock: Clock) -> None:
        self._cases = cases
        self._orders = orders
        self._clock = clock
        self._named: dict[str, _Named] = {}
        self._damaged: set[str] = set()

    async def covers(self, reader: Reader, subject: str) -> bool:
        """Tell whether nobody is told anything about an account now.

        Whom a case or an order names that is not what was sealed nobody knows, so
        until that is put right nobody is told.
        """
        try:
            covers = await self._covers(reader, subject)
        except CorruptRowError as error:
            if error.name not in self._damaged:
                self._damaged.add(error.name)
                damaged = fields(reason=f"{error.table}/{error.name}")
                _LOG.error("damaged, so all notices wait", extra=damaged)
            return True
        self._damaged.clear()
        return covers

    async def _covers(self, reader: Reader, subject: str) -> bool:
        now = int(self._clock.now().timestamp())
        secret = defaultdict[str, tuple[Span, ...]](tuple)
        for row in await reader.orders():
            order = secrecy_of(row, self._orders)
            if order is None:
                continue
            named = any(is_about(account, subject) for account in order.accounts)
            if now < order.until and named:
                return True
            if row.case_id is not None:
                secret[row.case_id] += ((order.since, order.until),)
        rows = [*await reader.open_cases(), *await reader.cases_to_erase(_WHENEVER)]
        found = {row.id: self._read(row) for row in rows}
        self._named = found
        return any(
            each.covers(subject, secret[case], now) for case, each in found.items()
        )

    def _read(self, row: CaseRow) -> _Named:
        known = self._named.get(row.id)
        if known is not None and known.revision == row.revision:
            return known
        try:
            file = self._cases.open(row)
        except WrongStateError:
            # Its key is destroyed, as is whatever it asked for.
            return _Named(row.revision, {})
        last = {**file.named, **dict.fromkeys(accounts_of(file), _STILL)}
        return _Named(row.revision, last, holds_of(file))
