# SPDX-License-Identifier: Apache-2.0
"""Bound what a server can say on a line before anybody reads it.

aiohttp parses all that has come at once, and keeps each head until it is asked for: so
interim answers without end, or answers that nobody asked for, hold up the event loop
and fill the memory. Here a line is parsed a step at a time, and hung up on

* at the first byte that nobody has asked for, also while it waits for the next request;
* at the `MOST_INTERIM` + 1st interim answer (RFC 9110 15.2) of one request;
* when more than `MOST_FRAMING`, and one byte in `_BODY` of the answer's body, came
  around it: heads, chunk extensions (RFC 9112 7.1.1), empty lines, chunks like crumbs.

While the reader is behind, nothing more is parsed. Who waits for the answer is given
`ExcessError`. aiohttp has no public way to this: `guard` sets what makes its lines, and
a test fails when that has another name.
"""

import asyncio
from functools import partial
from typing import Any, Final, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

MOST_INTERIM: Final = 8
MOST_FRAMING: Final = 64 * 1024
_BODY: Final = 32  # chunks of 256 bytes need less, and take a microsecond each
_STEP: Final = 4_096
"""So many bytes are parsed at once: heads in them take a few milliseconds at most."""
_SWITCHING: Final = 101  # ends HTTP: nothing follows that is an answer


class ExcessError(aiohttp.ClientPayloadError):
    """A server says more than its answer."""


class Line(ResponseHandler):
    """A connection to a server that may say no more than was asked.

    State, owned by the event loop: `_is_due` says that the head of an answer is to
    come, `_interim` counts those before it. Since the request `_size` bytes were
    parsed; what is `_held` is to be. `_excess` says what was too much, if any.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._is_due = False
        self._interim = 0
        self._size = 0
        self._held = bytearray()
        self._excess = ""

    def set_response_params(self, **given: Any) -> None:  # noqa: ANN401 - aiohttp's
        """Begin to wait for an answer."""
        self._is_due, self._interim, self._size = True, 0, 0
        super().set_response_params(**given)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and what was held; without *data* the reader goes on."""
        can_parse = not self._reading_paused and self._exception is None
        if can_parse and not self._held and 0 < len(data) <= _STEP:
            self._parse(data)  # as nearly always
            return
        self._held += data
        if not data:
            self._parse(data)
        while self._held and not self._reading_paused and self._exception is None:
            self._parse(self._step())
        if self._exception is not None:
            self._held.clear()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Parse what was held, which nobody asks for any more, and end."""
        while self._held and self._exception is None:
            self._parse(self._step())
        super().connection_lost(exc)

    def feed_data(
        self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0
    ) -> None:
        """Take a head that was parsed, if it is one of the answer."""
        if not self._is_due:
            self._excess = "more than one answer"
        elif is_interim(data[0].code):
            self._interim += 1
            if self._interim > MOST_INTERIM:
                self._excess = "too many interim answers"
        else:
            self._is_due = False
        if not self._excess:
            super().feed_data(data, size)

    def _step(self) -> bytes:
        step = bytes(self._held[:_STEP])
        del self._held[:_STEP]
        return step

    def _parse(self, step: bytes) -> None:
        if step and self._is_over:
            self._excess = "more than the answer"
        else:
            self._size += len(step)
            super().data_received(step)
            body = 0 if self._payload is None else self._payload.total_bytes
            around = self._size - body
            if around > MOST_FRAMING + body // _BODY and not self._excess:
                self._excess = "too much around the answer"
        if self._excess:
            self._hang_up()

    @property
    def _is_over(self) -> bool:
        """Whether all that was asked for has come."""
        read = self._payload
        return not self._is_due and (read is None or read.is_eof())

    def _hang_up(self) -> None:
        error, read = ExcessError(self._excess), self._payload
        self._held.clear()
        if read is not None and not read.is_eof():
            read.set_exception(error)
        self._payload = None  # what is told of it now is told
        self.set_exception(error)
        if self.transport is not None:
            self.transport.abort()


def is_interim(status: int) -> bool:
    """Whether an answer of this status is none yet (RFC 9110 15.2)."""
    return status // 100 == 1 and status != _SWITCHING


def guard(connector: aiohttp.TCPConnector) -> aiohttp.TCPConnector:
    """Bound what servers say on the lines of a connector, and return it."""
    make = partial(Line, loop=asyncio.get_running_loop())
    # The type of a partial is invariant.
    as_made = cast("partial[ResponseHandler]", make)
    connector._factory = as_made  # noqa: SLF001 - as said above
    return connector
