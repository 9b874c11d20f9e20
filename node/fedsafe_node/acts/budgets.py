# SPDX-License-Identifier: Apache-2.0
"""What the API says of budgets."""

import msgspec


class BudgetShown(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """What a holder has spent for a purpose within the last hour, and may still.

    Of evaluations it is the UTC day: `evaluate.lookup` and the like is what a member
    may have this node evaluate, leased in advance, and `ask.lookup` what this node has
    asked of a member, of which `left` is not known here.
    `shut_until` (UTC) is set while a pattern, `code`, has shut this way. The purpose
    of publications is `publish`; of another member's feed no sum is kept, so `spent`
    and `left` are missing.
    """

    holder: str
    purpose: str
    spent: int | None = None
    left: int | None = None
    code: str | None = None
    shut_until: str | None = None


class BudgetsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All budgets that were used within the last hour, by holder and purpose."""

    budgets: list[BudgetShown]
