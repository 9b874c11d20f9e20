# SPDX-License-Identifier: Apache-2.0
"""Hand tables of pictures from one process of a node to the others.

The parent keeps what was shared last, so that a process that starts later attaches to
it, also where the one that filled it is gone. It never looks into it: what is handed on
are descriptors of memory that has no name (`pdq_memory`), over a pair of sockets with
each process. One message is `[row up to which it goes, rows of each table]` with a
descriptor for each table.

A process says first that it is there, and nothing is handed to it before: until it has
made itself undumpable, others of its user could take the socket and what waits in it.
What it gets goes to no program that it starts.
"""

import asyncio
import logging
import os
import socket
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from fedsafe_node.ground.errors import PictureIndexError
from fedsafe_node.ground.telemetry import LOGGER, fields

if TYPE_CHECKING:  # numpy, which a node that knows no picture does without
    from fedsafe_node.lookup.index.pdq_tables import Tables

_HERE: Final = b"\xc0"
_MOST_TABLES: Final = 64
_MOST_BYTES: Final = 4_096
_ROOM: Final = socket.CMSG_SPACE(_MOST_TABLES * array("i").itemsize)
_LOG: Final = logging.getLogger(f"{LOGGER}.pictures")


class _Shared(msgspec.Struct, frozen=True, array_like=True):
    through: int
    counts: list[int]


class MemoryLink:
    """One process's end (`lookup.index.picture_keeper.Link`)."""

    def __init__(self, end: socket.socket) -> None:
        """Take over the socket that the parent has given, in an undumpable process.

        What others have shared is asked for here: it is there long before a node that
        starts has come to `follow`, and if not, it reads pictures from the store.
        """
        end.settimeout(0)
        with suppress(OSError):  # the parent is gone, which `_hear` finds out
            end.send(_HERE)
        self._end: Final = end
        self._adopt: Callable[[Sequence[Tables], int], None] | None = None

    def follow(self, adopt: "Callable[[Sequence[Tables], int], None]") -> None:
        """Give what others share, by now and later, with the row it goes up to."""
        self._adopt = adopt
        asyncio.get_running_loop().add_reader(self._end, self._hear)
        self._hear()

    def share(self, tables: "Sequence[Tables]", through: int) -> None:
        """Give tables to the others."""
        descriptors = [each.memory.descriptor for each in tables]
        content = msgspec.msgpack.encode(
            _Shared(through, [len(each.ids) for each in tables])
        )
        whole = [each for each in descriptors if each is not None]
        if len(whole) != len(tables) or len(whole) > _MOST_TABLES:
            return
        try:
            socket.send_fds(self._end, [content], whole)
        except OSError as error:  # they go on with what they have
            reason = error.strerror or "unknown"
            _LOG.warning("pictures not shared", extra=fields(reason=reason))

    def close(self) -> None:
        """Hear nothing more."""
        asyncio.get_running_loop().remove_reader(self._end)
        self._end.close()

    def _hear(self) -> None:
        while (heard := _receive(self._end)) is not None:
            content, descriptors = heard
            if not content:  # the parent is gone
                asyncio.get_running_loop().remove_reader(self._end)
                return
            try:
                tables, through = _attached(content, descriptors)
            except PictureIndexError as error:
                _LOG.warning("pictures not taken", extra=fields(reason=error.reason))
            else:
                if self._adopt is not None:
                    self._adopt(tables, through)


class MemoryHub:
    """The parent's end of all processes.

    Owned by the event loop: its ends by number, those whose process is there, and what
    was shared last.
    """

    def __init__(self) -> None:
        self._ends: dict[int, socket.socket] = {}
        self._there: set[int] = set()
        self._content = b""
        self._kept: list[int] = []

    def open(self, number: int) -> socket.socket:
        """Make a pair for a process, and give its end."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        self._drop(number)
        self._ends[number] = ours
        asyncio.get_running_loop().add_reader(ours, self._hear, number)
        return theirs

    def close(self) -> None:
        """Let go of everything."""
        for number in tuple(self._ends):
            self._drop(number)
        self._keep(b"", [])

    def _hear(self, number: int) -> None:
        end = self._ends[number]
        while (heard := _receive(end)) is not None:
            content, descriptors = heard
            if not content:
                self._drop(number)
                return
            if content == _HERE:
                self._there.add(number)
                if self._kept:
                    self._send(end)
                continue
            self._keep(content, descriptors)
            for other in self._there - {number}:
                self._send(self._ends[other])

    def _send(self, end: socket.socket) -> None:
        with suppress(OSError):  # it is gone, or goes on with what it has
            socket.send_fds(end, [self._content], self._kept)

    def _keep(self, content: bytes, descriptors: list[int]) -> None:
        for each in self._kept:
            os.close(each)
        self._content, self._kept = content, descriptors

    def _drop(self, number: int) -> None:
        self._there.discard(number)
        end = self._ends.pop(number, None)
        if end is not None:
            asyncio.get_running_loop().remove_reader(end)
            end.close()


def _receive(end: socket.socket) -> tuple[bytes, list[int]] | None:
    """Take one message; None if there is none yet, nothing if there will be none."""
    try:
        # `recv_fds` of Python 3.11 leaves the flag out.
        content, beside, _, _ = end.recvmsg(_MOST_BYTES, _ROOM, socket.MSG_CMSG_CLOEXEC)
    except BlockingIOError:
        return None
    except OSError:
        return b"", []
    descriptors = array("i")
    for level, type_, data in beside:
        if (level, type_) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return content, [*descriptors]


def _attached(content: bytes, descriptors: list[int]) -> "tuple[list[Tables], int]":
    """Attach to what another process has shared.

    Raises:
        PictureIndexError: it does not fit; every descriptor is closed.
    """
    from fedsafe_node.lookup.index.pdq_memory import Memory  # noqa: PLC0415
    from fedsafe_node.lookup.index.pdq_tables import Layout, Tables  # noqa: PLC0415

    shared = msgspec.msgpack.decode(content, type=_Shared)
    left = [*descriptors]
    try:
        if len(left) != len(shared.counts):
            raise PictureIndexError("descriptors are missing")
        tables: list[Tables] = []
        for count in shared.counts:
            memory = Memory.attach(left.pop(0), Layout.of(count).size)
            tables.append(Tables.attach(count, memory))
    finally:
        for each in left:
            os.close(each)
    return tables, shared.through
