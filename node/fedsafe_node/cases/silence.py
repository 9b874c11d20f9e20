# SPDX-License-Identifier: Apache-2.0
"""About whom nobody is told anything now: holds of cases, and orders that are secret.

A notice to an account that such a case names would tip it off, whatever the notice is
about. So it waits, and goes out by itself once nothing stands against it. The room of
notices learns yes or no, and nothing of cases.
"""

import logging
from dataclasses import dataclass
from typing import Final

from fedsafe_node.cases.content import CaseVault, accounts_of
from fedsafe_node.clock import Clock
from fedsafe_node.errors import CorruptRowError, WrongStateError
from fedsafe_node.orders.content import OrderVault
from fedsafe_node.orders.secrecy import secret_now
from fedsafe_node.store.cases_rows import CaseRow
from fedsafe_node.store.protocol import Reader
from fedsafe_node.telemetry import LOGGER, fields

_NEVER: Final = 0
_LOG: Final = logging.getLogger(f"{LOGGER}.silence")


@dataclass(frozen=True, slots=True)
class _Named:
    revision: int
    accounts: frozenset[str]
    held_until: int


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
        secret = set[str]()
        for row in await reader.orders():
            order = secret_now(row, self._orders, now)
            if order is not None and subject in order.accounts:
                return True
            if order is not None and row.case_id is not None:
                secret.add(row.case_id)
        rows = [*await reader.open_cases(), *await reader.cases_to_erase(now + 1)]
        found = {row.id: self._read(row) for row in rows}
        self._named = found
        return any(
            subject in each.accounts and (now < each.held_until or case in secret)
            for case, each in found.items()
        )

    def _read(self, row: CaseRow) -> _Named:
        known = self._named.get(row.id)
        if known is not None and known.revision == row.revision:
            return known
        try:
            file = self._cases.open(row)
        except WrongStateError:
            # Its key is destroyed, as is whatever it asked for.
            return _Named(row.revision, frozenset(), _NEVER)
        until = max((hold.until for hold in file.holds), default=_NEVER)
        return _Named(row.revision, accounts_of(file), until)
