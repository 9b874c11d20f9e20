# SPDX-License-Identifier: Apache-2.0
"""What an order says, and how it is sealed: to its place and revision."""

from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.errors import CorruptRowError, WrongStateError
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.casework_rows import OrderRow
from fedsafe_node.store.rows import Row
from fedsafe_policies.escalation.orders import OrderGround
from fedsafe_policies.ground.catalogue import Phrase

_CONTENT: Final = "fedsafe/order/v1"


class OrderFile(Row, frozen=True, kw_only=True):
    """What an order says, why it was not fulfilled, and what moved its deadline.

    `accounts` are those that are told nothing while it is secret, beside its case's.
    """

    authority: str
    reference: str
    basis: str
    scope: str
    language: str
    oral: bool
    secret_until: int | None
    grounds: tuple[OrderGround, ...] = ()
    answer_reference: str | None = None
    move_reference: str | None = None
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderVault:
    """Seals and opens what orders say."""

    periods: PeriodKeys

    def seal(self, period: str, order: str, revision: int, file: OrderFile) -> bytes:
        """Seal what an order says for one of its revisions."""
        return self.periods.seal(period, encode(file), _place(order, revision))

    def open(self, row: OrderRow) -> OrderFile:
        """Open what an order says.

        Raises:
            WrongStateError: the key of its period is destroyed.
            CorruptRowError: it is not what was sealed for this order and revision.
        """
        content = None
        if row.sealed is not None:
            try:
                place = _place(row.id, row.revision)
                content = self.periods.unseal(row.period, row.sealed, place)
            except OpenError:
                raise CorruptRowError(
                    "orders", None, row.id, Phrase("it does not open")
                ) from None
        if content is None:
            raise WrongStateError("wiped", Phrase("what this order said is erased"))
        return decode(content, OrderFile)


def _place(order: str, revision: int) -> bytes:
    return lp_text(_CONTENT) + lp_text(order) + lp_text(str(revision))
