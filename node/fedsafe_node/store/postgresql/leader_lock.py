# SPDX-License-Identifier: Apache-2.0
"""Which worker leads: the one whose session holds an advisory lock on the server.

The lock lives on a connection of its own, which does nothing else and goes to the
server itself: behind a pool that lends sessions out for one transaction a lock is held
by nobody. The server lets go of it when the session ends, so a worker that was killed
leads no more at once. One that is cut off cannot be told: it asks every `BEAT` whether
it holds the lock, and leads no more if it gets no answer within `PATIENCE`. Whoever
wins waits as long before it begins, so that two never lead at a time.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.connection import ENCODING

LEADING: Final = 0x666564_0003  # the advisory lock of whoever leads
BEAT: Final = 1.0
"""Seconds between two looks, and between two tries to win."""
PATIENCE: Final = 2.0
"""Seconds that an answer may take."""
SETTLE: Final = BEAT + 2 * PATIENCE
"""Seconds after which a leader that was cut off leads no more."""
_PARAMETERS: Final[dict[str, Any]] = {
    "application_name": "fedsafe leading",
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}
_TRY: Final = "SELECT pg_try_advisory_lock(%s), pg_backend_pid()"
_HOLDS: Final = """
SELECT pg_backend_pid() = %s AND NOT pg_is_in_recovery() AND EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) + objid::bigint = %s
)
"""
_LOG = logging.getLogger(f"{LOGGER}.leading")

_Connection = psycopg.AsyncConnection[Any]


class AdvisoryLeadership:
    """Leads while its session holds the lock (`app.leader.lead`).

    Owned by the event loop: the connection, the session that has won, whether nobody
    can have led before: then the first win needs no wait; and whether the server gave
    no answer, which is logged once.
    """

    def __init__(
        self,
        server: Server,
        *,
        is_first: bool = False,
        beat: float = BEAT,
        patience: float = PATIENCE,
        settle: float = SETTLE,
    ) -> None:
        """Say where the server is; it is asked when leadership is sought."""
        self._server = server
        self._beat = beat
        self._patience = patience
        self._settle = settle
        self._is_first = is_first
        self._connection: _Connection | None = None
        self._session = 0
        self._is_away = False

    async def won(self) -> None:
        """Wait until this worker leads, and no other one does that was cut off."""
        while not await self._tried():  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(self._beat)

    async def lost(self) -> None:
        """Wait until it leads no more, or cannot know that it does."""
        while await self._holds():  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(self._beat)

    async def give_up(self) -> None:
        """Lead no more; the end of the session is the end of the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                await connection.close()

    async def _tried(self) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                if self._connection is None:
                    self._connection = await self._connect()
                cursor = await self._connection.execute(_TRY, (LEADING,))
                has_won, self._session = await cursor.fetchone() or (False, 0)
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._unknown(error)
            return False
        self._known()
        is_first, self._is_first = self._is_first, False
        if has_won and not is_first:
            await asyncio.sleep(self._settle)
        return bool(has_won) and await self._holds()

    async def _holds(self) -> bool:
        if self._connection is None:
            return False
        try:
            async with asyncio.timeout(self._patience):
                cursor = await self._connection.execute(
                    _HOLDS, (self._session, LEADING)
                )
                (holds,) = await cursor.fetchone() or (False,)
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._unknown(error)
            return False
        self._known()
        if not holds:
            _LOG.error("the lock is not held", extra=fields(reason="session"))
            await self.give_up()
        return bool(holds)

    async def _unknown(self, error: Exception) -> None:
        if not self._is_away:
            shown = fields(reason=type(error).__name__)
            _LOG.warning("the server does not say who leads", extra=shown)
        self._is_away = True
        await self.give_up()

    def _known(self) -> None:
        if self._is_away:
            _LOG.info("the server says again who leads")
        self._is_away = False

    async def _connect(self) -> _Connection:
        given = {**_PARAMETERS, **conninfo_to_dict(self._server.url)}
        given["client_encoding"] = ENCODING
        if self._server.password is not None:
            given["password"] = self._server.password
        return await psycopg.AsyncConnection.connect(
            make_conninfo("", **given), autocommit=True
        )
