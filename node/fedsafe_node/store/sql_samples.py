# SPDX-License-Identifier: Apache-2.0
"""The tables of samples of own signals: a reading and a writing half."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from fedsafe_node.acts.signal_reviews import SampleFinding
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.inventory_rows import SampledRow, SampleRow
from fedsafe_node.store.sql import Connection, IntegrityError

_SAMPLE: Final = "SELECT began_at, seed, published, drawn FROM samples "
_COLUMNS: Final = ", ".join(f"d.{name}" for name in SampledRow.__struct_fields__)
_DRAWN: Final = f"SELECT {_COLUMNS} FROM sampled_signals d "  # noqa: S608 - our own
_LIVE: Final = (
    "JOIN signals s ON s.signal_id = d.signal_id AND s.origin = ? "
    "AND s.status IN ('active', 'disputed') "
)


def _sampled(row: Any) -> SampledRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(SampledRow.__struct_fields__, row, strict=True))
    named["signal_id"] = bytes(named["signal_id"])
    if named["finding"] is not None:
        named["finding"] = SampleFinding(named["finding"])
    return SampledRow(**named)


class SqlSamplesReader:
    """Reads samples."""

    _connection: Connection

    async def last_sample(self) -> SampleRow | None:
        """Return the newest sample."""
        row = self._connection.execute(
            _SAMPLE + "ORDER BY began_at DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        began_at, seed, published, drawn = row
        return SampleRow(
            began_at=began_at, seed=bytes(seed), published=published, drawn=drawn
        )

    async def first_published(self) -> int | None:
        """Return when the first signal was drafted that was published later."""
        (at,) = self._connection.execute(
            "SELECT min(created_at) FROM drafts WHERE state = 'published'"
        ).fetchone()
        return None if at is None else int(at)

    async def published(self, origin: str, after: bytes, limit: int) -> list[bytes]:
        """Return live signals of an origin that two people published, by their id."""
        rows = self._connection.execute(
            "SELECT s.signal_id FROM signals s JOIN drafts d "
            "ON d.signal_id = s.signal_id AND d.state = 'published' "
            "WHERE s.origin = ? AND s.status IN ('active', 'disputed') "
            "AND s.signal_id > ? ORDER BY s.signal_id LIMIT ?",
            (origin, after, limit),
        )
        return [bytes(signal_id) for (signal_id,) in rows]

    async def sampled(
        self, origin: str, limit: int, *, found: bool
    ) -> list[SampledRow]:
        """Return what was drawn: live and not looked at, or with a finding."""
        if found:
            sql = _DRAWN + "WHERE d.finding IS NOT NULL ORDER BY d.found_at DESC, "
            rows = self._connection.execute(sql + "d.signal_id LIMIT ?", (limit,))
        else:
            sql = _DRAWN + _LIVE + "WHERE d.finding IS NULL ORDER BY d.due_at, "
            rows = self._connection.execute(
                sql + "d.signal_id LIMIT ?", (origin, limit)
            )
        return [_sampled(row) for row in rows]

    async def sampled_signal(self, signal_id: bytes) -> SampledRow | None:
        """Return the newest time that a signal was drawn."""
        sql = _DRAWN + "WHERE d.signal_id = ? ORDER BY d.began_at DESC LIMIT 1"
        row = self._connection.execute(sql, (signal_id,)).fetchone()
        return None if row is None else _sampled(row)

    async def sampled_by(self, signal_id: bytes) -> list[str]:
        """Return who has looked at a signal because it was drawn."""
        rows = self._connection.execute(
            "SELECT found_by FROM sampled_signals "
            "WHERE signal_id = ? AND found_by IS NOT NULL ORDER BY began_at",
            (signal_id,),
        )
        return [str(name) for (name,) in rows]

    async def samples_overdue(self, origin: str, now: int) -> int:
        """Count live signals that were drawn and that nobody looked at in time."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM sampled_signals d "  # noqa: S608 - our own
            f"{_LIVE} WHERE d.finding IS NULL AND d.due_at <= ?",
            (origin, now),
        ).fetchone()
        return int(count)


class SqlSamplesWriter:
    """Keeps samples."""

    _connection: Connection

    async def add_sample(self, sample: SampleRow, drawn: Sequence[SampledRow]) -> None:
        """Keep a sample with what was drawn.

        Raises:
            ConflictError: one began at that moment.
        """
        try:
            self._connection.execute(
                "INSERT INTO samples (began_at, seed, published, drawn) "
                "VALUES (?, ?, ?, ?)",
                msgspec.structs.astuple(sample),
            )
            self._connection.executemany(
                "INSERT INTO sampled_signals (began_at, signal_id, due_at) "
                "VALUES (?, ?, ?)",
                [(row.began_at, row.signal_id, row.due_at) for row in drawn],
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def put_sampled(self, row: SampledRow) -> None:
        """Keep what somebody found.

        Raises:
            ConflictError: somebody has found something before.
        """
        finding = None if row.finding is None else row.finding.value
        try:
            self._connection.execute(
                "UPDATE sampled_signals SET finding = ?, found_by = ?, found_at = ?, "
                "reason = ? WHERE began_at = ? AND signal_id = ?",
                (
                    *(finding, row.found_by, row.found_at, row.reason),
                    *(row.began_at, row.signal_id),
                ),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None
