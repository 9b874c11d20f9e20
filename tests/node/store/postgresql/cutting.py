# SPDX-License-Identifier: Apache-2.0
"""A wire to a server that breaks at a commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

# A statement of the extended protocol: Parse, without a name.
_COMMIT: Final = b"\0COMMIT\0"
_CHUNK: Final = 1 << 16


class Cut(Enum):
    """What the server has when the wire breaks."""

    NOTHING = auto()
    HALF = auto()
    ALL = auto()


class Wire:
    """Carries what is said to a server's Unix socket; breaks when it is told to."""

    def __init__(self, url: str, directory: Path) -> None:
        where = parse_qs(urlsplit(url).query)
        name = f".s.PGSQL.{where['port'][0]}"
        self._server = Path(where["host"][0]) / name
        self._socket = directory / name
        self.url = url.replace(
            quote(where["host"][0], safe=""), quote(str(directory), safe="")
        )
        self.cut: Cut | None = None
        self.is_open = True
        self.cuts = 0
        self._ends: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Wire"]:
        """Listen; whoever still speaks at the end is cut off."""
        listening = await asyncio.start_unix_server(self._carry, self._socket)
        try:
            yield self
        finally:
            listening.close()
            for end in self._ends:
                end.close()
            await asyncio.gather(*self._tasks)

    async def _carry(
        self, client: asyncio.StreamReader, answer: asyncio.StreamWriter
    ) -> None:
        self._tasks.append(asyncio.current_task())  # type: ignore[arg-type]
        self._ends.append(answer)
        if not self.is_open:
            await _close(answer)
            return
        server, question = await asyncio.open_unix_connection(self._server)
        self._ends.append(question)
        back = asyncio.create_task(_pass_on(server, answer))
        with suppress(ConnectionError):
            while chunk := await client.read(_CHUNK):
                if self.cut is not None and _COMMIT in chunk:
                    back.cancel()  # no answer comes through from now on
                    chunk = self._cut_off(chunk)
                question.write(chunk)
                await question.drain()
                if back.cancelling():
                    break
        back.cancel()
        for end in (answer, question):
            await _close(end)

    def _cut_off(self, chunk: bytes) -> bytes:
        kind, self.cut = self.cut, None
        self.cuts += 1
        if kind is Cut.ALL:
            return chunk
        return chunk[: chunk.index(_COMMIT) + 4] if kind is Cut.HALF else b""


async def _close(end: asyncio.StreamWriter) -> None:
    end.close()
    with suppress(ConnectionError):
        await end.wait_closed()


async def _pass_on(server: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.CancelledError):
        while chunk := await server.read(_CHUNK):
            answer.write(chunk)
            await answer.drain()
        await _close(answer)
