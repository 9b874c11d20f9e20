# SPDX-License-Identifier: Apache-2.0
"""What a store promises about partners; part of what it does about cases."""

from typing import Protocol

from fedsafe_node.store.partners_rows import PartnerRow


class PartnersReader(Protocol):
    """Reads partners."""

    async def partner(self, partner_id: str) -> PartnerRow | None:
        """Return a partner."""
        ...

    async def partners(self) -> list[PartnerRow]:
        """Return all partners by name."""
        ...


class PartnersWriter(Protocol):
    """Keeps partners."""

    async def put_partner(self, row: PartnerRow) -> None:
        """Keep a partner; its next revision takes the place of the one before.

        Raises:
            ConflictError: it is not the next revision.
        """
        ...
