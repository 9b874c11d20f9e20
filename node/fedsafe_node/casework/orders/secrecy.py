# SPDX-License-Identifier: Apache-2.0
"""What an order that came in still asks of the case that it names.

While it waits for its answer, and while the user must not be told of it, what it is
about stays, and nobody is told. An order that nobody can open any more asks nothing
beyond its answer: its words are gone.
"""

from dataclasses import dataclass

from fedsafe_node.acts.orders import AddOrder
from fedsafe_node.casework.cases.content import CaseVault, accounts_of
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.ground.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.store.casework_rows import OrderRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(frozen=True, slots=True)
class Secrecy:
    """From when until when an order binds to secrecy, and about whom beside its case's.

    It does so from the moment that it came in, even if it is entered later.
    """

    since: int
    until: int
    accounts: tuple[str, ...]


async def asks_for_case(
    reader: Reader, vault: OrderVault, case_id: str, now: int
) -> bool:
    """Tell whether an order about a case waits, or binds to secrecy now."""
    rows = [row for row in await reader.orders() if row.case_id == case_id]
    return any(row.answered_at is None or is_secret(row, vault, now) for row in rows)


def is_secret(row: OrderRow, vault: OrderVault, now: int) -> bool:
    """Tell whether the user must not be told of an order now."""
    found = secrecy_of(row, vault)
    return found is not None and now < found.until


def secrecy_of(row: OrderRow, vault: OrderVault) -> Secrecy | None:
    """Return from when until when the user must not be told of an order; None if never.

    Raises:
        CorruptRowError: it is not what was sealed for this order.
    """
    try:
        file = vault.open(row)
    except WrongStateError:
        return None
    if file.secret_until is None:
        return None
    return Secrecy(begin_of(row), file.secret_until, file.accounts)


def begin_of(row: OrderRow) -> int:
    """Return when an order began: as it came in, or was entered by an earlier clock."""
    return min(row.received_at, row.entered_at)


async def check_case(reader: Reader, cases: CaseVault, request: AddOrder) -> None:
    """Check the case of a new order; where that is to say whom nobody tells, it must.

    What the case learns later counts from then on (`casework.cases.silence`).

    Raises:
        NotFoundError: there is no such case.
        BadRequestError: the order is secret, and neither it nor its case names anybody.
    """
    if request.case is None:
        return
    row = await reader.case(request.case)
    if row is None:
        raise NotFoundError(Phrase("no such case"))
    if request.secret_until is None or request.accounts:
        return
    try:
        named = accounts_of(cases.open(row))
    except WrongStateError:  # whom it named is erased
        named = frozenset()
    if not named:
        raise BadRequestError(
            "bad_request",
            Phrase(
                "the case names no account, so nothing would be held back from "
                "anybody: give the accounts with the order, or name them in the "
                "case first"
            ),
            pointer="/accounts",
        )
