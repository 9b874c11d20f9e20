# SPDX-License-Identifier: Apache-2.0
"""What a store promises about the notices to persons.

Part of `Reader` and `Transaction`.
"""

from typing import Protocol

from fedsafe_node.notices.messages import NoticeKind, NoticeState
from fedsafe_node.store.notices_rows import (
    NoticeKey,
    NoticeRow,
    SignOffRow,
    WithholdingRow,
)


class NoticesReader(Protocol):
    """Reads what persons are told."""

    async def notice(
        self, about: bytes, kind: NoticeKind, nth: int = 1
    ) -> NoticeRow | None:
        """Return a notice about a signal or a review."""
        ...

    async def notices_about(self, about: bytes, kind: NoticeKind) -> int:
        """Count the notices of a kind about a signal or a review."""
        ...

    async def notices(self, state: NoticeState, limit: int) -> list[NoticeRow]:
        """Return notices of a state, oldest first; of delivered ones those not erased.

        A notice that is erased has no facts any more.
        """
        ...

    async def notices_waiting(self, now: int) -> int:
        """Count the notices that wait, those left out that somebody holds back."""
        ...

    async def ended_unannounced(self, origin: str, limit: int) -> list[bytes]:
        """Return an origin's stopped signals whose persons know of them, not of that.

        Those with a notice of publication, not erased untold, and none of the end; of
        what was erased on request only those whose notice still says to whom it goes.
        """
        ...

    async def withholding(self, about: bytes) -> WithholdingRow | None:
        """Return what holds back the notices about something, or did."""
        ...

    async def sign_offs(self) -> list[SignOffRow]:
        """Return all sign-offs, oldest first."""
        ...


class NoticesWriter(Protocol):
    """Keeps what persons are told."""

    async def add_notice(self, notice: NoticeRow) -> None:
        """Queue a notice.

        Raises:
            ConflictError: there is one with that kind and number.
        """
        ...

    async def set_notice(
        self, key: NoticeKey, state: NoticeState, event: int | None = None
    ) -> None:
        """Set how far a notice is; an event's number once it is announced."""
        ...

    async def erase_notice(self, key: NoticeKey) -> None:
        """Erase the facts of a notice; one that was not delivered ends with them."""
        ...

    async def add_withholding(self, row: WithholdingRow) -> None:
        """Hold back the notices about a signal or a review.

        Raises:
            ConflictError: it was held back before.
        """
        ...

    async def add_sign_off(self, row: SignOffRow) -> None:
        """Keep who has signed off a text."""
        ...
