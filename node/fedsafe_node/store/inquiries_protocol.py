# SPDX-License-Identifier: Apache-2.0
"""What a store promises about inquiries. Part of `Reader` and `Transaction`."""

from typing import Protocol

from fedsafe_federation.inquiries import InquiryState
from fedsafe_node.store.inquiries_rows import (
    InquirerRow,
    InquiryRow,
    SentInquiryRow,
    ToldRow,
)


class InquiriesReader(Protocol):
    """Reads inquiries, and sums of how reviews ended."""

    async def sent_inquiry(
        self, origin: str, signal_id: bytes
    ) -> SentInquiryRow | None:
        """Return the inquiry of this node about a signal."""
        ...

    async def sent_inquiries(self, limit: int) -> list[SentInquiryRow]:
        """Return the inquiries of this node, the newest first."""
        ...

    async def inquiries_due(self, now: int, limit: int) -> list[SentInquiryRow]:
        """Return the inquiries to bring, or to ask after, at `now`."""
        ...

    async def inquiry(self, signal_id: bytes) -> InquiryRow | None:
        """Return what is to be reviewed of a signal of this node."""
        ...

    async def inquiries(self, state: InquiryState, limit: int) -> list[InquiryRow]:
        """Return inquiries in a state; those of the most members first, then by age."""
        ...

    async def inquirers(self, signal_id: bytes) -> list[InquirerRow]:
        """Return which members have asked for a signal's review, by name."""
        ...

    async def count_inquired(self, member: str, since: int) -> int:
        """Count about how many signals a member has inquired since a moment."""
        ...

    async def sighting_counts(self, origin: str) -> dict[tuple[str, str], int]:
        """Return by kind and ending what an origin is told; in whole steps, or 0."""
        ...

    async def told_sightings(self) -> list[ToldRow]:
        """Return what members have told last, by name."""
        ...


class InquiriesWriter(Protocol):
    """Keeps inquiries, and counts how reviews ended."""

    async def put_sent_inquiry(self, row: SentInquiryRow) -> None:
        """Keep an inquiry of this node, or where it stands."""
        ...

    async def put_inquiry(self, row: InquiryRow) -> None:
        """Keep what is to be reviewed of a signal, or how that came out."""
        ...

    async def put_inquirer(self, row: InquirerRow) -> None:
        """Keep that a member has asked for a signal's review, or asks anew."""
        ...

    async def end_inquiries(self, now: int, limit: int) -> list[bytes]:
        """End the open inquiries whose signal matches no more; return the signals."""
        ...

    async def forget_inquiries(self, before: int) -> int:
        """Drop what was ruled on, or has ended, before a moment; count it."""
        ...

    async def count_sighting(self, origin: str, kind: str, ending: str) -> None:
        """Count that a review of an origin's signal has ended so."""
        ...

    async def tell_sightings(self, step: int) -> None:
        """Bring what is told up to the counts, in whole steps."""
        ...

    async def put_told(self, row: ToldRow) -> None:
        """Keep what a member tells; what it told before goes."""
        ...
