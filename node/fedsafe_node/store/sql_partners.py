# SPDX-License-Identifier: Apache-2.0
"""The table of partners in SQL, in two halves."""

from typing import Any, Final

import msgspec

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.casework_rows import PartnerRow
from fedsafe_node.store.sql import Connection

_PARTNER: Final = ", ".join(PartnerRow.__struct_fields__)


class SqlPartnersReader:
    """Reads partners."""

    _connection: Connection

    async def partner(self, partner_id: str) -> PartnerRow | None:
        """Return a partner."""
        row = self._connection.execute(
            f"SELECT {_PARTNER} FROM partners WHERE id = ?",  # noqa: S608 - our own columns
            (partner_id,),
        ).fetchone()
        return None if row is None else _partner_row(row)

    async def partners(self) -> list[PartnerRow]:
        """Return all partners by name."""
        found = self._connection.execute(
            f"SELECT {_PARTNER} FROM partners ORDER BY id"  # noqa: S608 - our own columns
        )
        return [_partner_row(row) for row in found]


class SqlPartnersWriter:
    """Keeps partners."""

    _connection: Connection

    async def put_partner(self, row: PartnerRow) -> None:
        """Keep a partner; its next revision takes the place of the one before.

        Raises:
            ConflictError: it is not the next revision.
        """
        values = [
            int(value) if isinstance(value, bool) else value
            for value in msgspec.structs.astuple(row)
        ]
        kept = self._connection.execute(
            f"INSERT INTO partners ({_PARTNER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
            "ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, "
            "test = excluded.test, entered_at = excluded.entered_at, "
            "entered_by = excluded.entered_by, verified_at = excluded.verified_at, "
            "verified_until = excluded.verified_until, "
            "verified_by = excluded.verified_by, record = excluded.record "
            "WHERE partners.revision = excluded.revision - 1",
            values,
        )
        if kept.rowcount != 1:
            raise ConflictError("the partner has changed meanwhile")


def _partner_row(row: Any) -> PartnerRow:  # noqa: ANN401 - a row of either database
    found: dict[str, Any] = dict(zip(PartnerRow.__struct_fields__, row, strict=True))
    found["test"] = bool(found["test"])
    return PartnerRow(**found)
