# SPDX-License-Identifier: Apache-2.0
"""The rows about budgets: what was spent, what is shut, how far feeds were."""

from fedsafe_node.store.rows import Row


class SpentRow(Row, frozen=True):
    """What a holder spent for a purpose in the slot that begins at `slot`.

    `identifiers` and `accounts` count distinct ones within the slot.
    """

    holder: str
    purpose: str
    slot: int
    spent: int
    identifiers: int = 0
    accounts: int = 0


class CircuitRow(Row, frozen=True):
    """What a pattern has shut, from `broken_at` until before `until`."""

    holder: str
    purpose: str
    code: str
    broken_at: int
    until: int


class MarkRow(Row, frozen=True):
    """How many records the whole copy of an origin's feed had at a moment."""

    origin: str
    at: int
    size: int
