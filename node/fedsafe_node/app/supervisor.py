# SPDX-License-Identifier: Apache-2.0
"""Run a node as several processes: start them, see that they live, end them in order.

The parent holds the addresses and the lock of the node's directory; it opens no store
and reads no key. The processes share the Unix sockets that it has bound, and listen on
the port each by itself, so that the system deals connections out evenly, and none to
one that is dead. The first starts alone, since it makes what is made once: if it cannot
start, the node doesn't. Then all others start at once. One that ends, or cannot start
behind the first, is started anew, after a pause that grows while it keeps ending. At
the end one is left until all others have ended, and writes down that the node stops.

A process loads nothing from where the node is started, and heeds PYTHONPATH just if
its parent does. It learns what it is from its arguments, tells on a pipe that it
answers, and ends when its standard input does: so none outlives the parent for long.
Each has the lock too, so that no other parent begins while one of them is still at its
work.
"""

import asyncio
import logging
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from fedsafe_node.api.ports import bind_group_socket, bind_socket, claim_port
from fedsafe_node.app.memory_link import MemoryHub
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import ConfigError, WorkerFailedError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_policies.ground.catalogue import Phrase

READY: Final = "ready"
"""What a process tells once it answers; of one that cannot start the rest says why."""
LAST: Final = b"L"
"""What a process is told with which the node stops."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEADY: Final = 60.0  # seconds after which a process that ends was no bad start
_GRACE: Final = 60.0  # seconds until one that was told to end is killed
_MODULE: Final = "fedsafe_node.app.worker_process"
_LOG = logging.getLogger(f"{LOGGER}.supervising")


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    ready: asyncio.Task[str]
    since: float

    @property
    def answers(self) -> bool:
        """Whether it has begun to answer, and has not ended."""
        ready = self.ready
        has_begun = ready.done() and not ready.cancelled() and not ready.exception()
        return has_begun and self.process.returncode is None


class Supervisor:
    """Runs the processes of one node.

    Owned by the event loop: the processes by number, what is bound, the Unix sockets
    apart by the option that hands them on, whether it was told that all are ready, and
    the memory that they share.
    """

    def __init__(self, place: Place, config: Config, count: int, *, lock: int) -> None:
        """Say how many processes have the *lock*; nothing is started yet.

        Raises:
            ConfigError: the store is in the directory, where one process has it.
        """
        if config.store is None:
            raise ConfigError(
                place.config,
                Phrase(
                    "several workers share a store on a PostgreSQL server: name "
                    "it as [store] url, or run one worker"
                ),
            )
        self._place = place
        self._config = config
        self._count = count
        self._lock = lock
        self._was_complete = False
        self._run = token_hex(8)
        self._bound: list[socket.socket] = []
        self._unix: dict[str, socket.socket] = {}
        self._memory = MemoryHub()
        self._children: dict[int, _Child] = {}
        self._watching: list[asyncio.Task[None]] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Run the node until it is told to stop.

        Raises:
            ConfigError: an address is taken, or cannot be listened on.
            WorkerFailedError: the first process cannot start, or none can be made.
        """
        try:
            await self._bind()
            await self._spawn(0, is_first=True)
            if await _is_ready(self._children[0].ready, stop):
                await self._start_others()
                await stop.wait()
        finally:
            await self._end()

    async def _bind(self) -> None:
        listen = self._config.listen
        self._bound += await claim_port(listen.host, listen.port)
        if (desk := self._config.desk) is not None:
            self._bound += await claim_port(desk.listen.host, desk.listen.port)
        self._unix["--listens"] = await asyncio.to_thread(
            bind_socket, self._place.socket
        )
        if (lookups := self._config.lookup.socket) is not None:
            self._unix["--lookups"] = await asyncio.to_thread(
                bind_group_socket, Path(lookups.path), lookups.group
            )

    async def _start_others(self) -> None:
        self._watching.append(asyncio.create_task(self._watch(0)))
        for number in range(1, self._count):
            await self._spawn(number)
            self._watching.append(asyncio.create_task(self._watch(number)))

    def _note_ready(self) -> None:
        children = self._children.values()
        is_complete = len(children) == self._count and all(c.answers for c in children)
        if is_complete and not self._was_complete:
            shown = fields(node=self._config.name, count=self._count)
            _LOG.info("all workers ready", extra=shown)
            self._was_complete = True

    async def _spawn(self, number: int, *, is_first: bool = False) -> None:
        told, tells = os.pipe()
        unix = {option: sock.fileno() for option, sock in self._unix.items()}
        memory = self._memory.open(number)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I" if sys.flags.isolated else "-P",
                "-m",
                _MODULE,
                str(self._place.directory.absolute()),
                f"--number={number}",
                f"--run={self._run}",
                f"--tells={tells}",
                *(f"{option}={file}" for option, file in unix.items()),
                f"--memory={memory.fileno()}",
                *(("--first",) if is_first else ()),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(*unix.values(), tells, memory.fileno(), self._lock),
                start_new_session=True,
            )
        except OSError as error:
            os.close(told)
            raise WorkerFailedError(number, error.strerror or "no process") from None
        finally:
            os.close(tells)
            memory.close()
        ready = asyncio.create_task(_hear(number, told))
        now = asyncio.get_running_loop().time()
        self._children[number] = _Child(process, ready, now)
        ready.add_done_callback(lambda _: self._note_ready())

    async def _watch(self, number: int) -> None:
        pause = _FIRST_PAUSE
        while True:
            child = self._children[number]
            status = await child.process.wait()
            await asyncio.gather(child.ready, return_exceptions=True)
            lived = asyncio.get_running_loop().time() - child.since
            pause = _FIRST_PAUSE if lived > _STEADY else pause
            shown = fields(index=number, status=status)
            _LOG.error("a worker ended; it is started anew", extra=shown)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            with suppress(WorkerFailedError):
                await self._spawn(number)

    async def _end(self) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        children = list(self._children.values())
        last = next((each for each in children if each.answers), None)
        await asyncio.gather(*(_end(each) for each in children if each is not last))
        if last is not None:
            await _end(last, is_last=True)
        self._memory.close()
        for sock in self._bound:
            sock.close()
        for sock in self._unix.values():
            path = Path(sock.getsockname())
            sock.close()
            await asyncio.to_thread(path.unlink, missing_ok=True)


async def _is_ready(started: asyncio.Task[str], stop: asyncio.Event) -> bool:
    """Wait until a process answers; False if the node was told to stop before.

    Raises:
        WorkerFailedError: it cannot start.
    """
    stopping = asyncio.create_task(stop.wait())
    waiting: set[asyncio.Future[Any]] = {stopping, started}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            started.result()
        return not stop.is_set()
    finally:
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


async def _hear(number: int, told: int) -> str:
    """Wait until a process says that it answers.

    Raises:
        WorkerFailedError: it has ended, or says why it cannot start.
    """
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(told, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        said = (await reader.read()).decode("utf-8", "replace")
    finally:
        transport.close()
    word, _, why = said.partition("\n")
    if word != READY:
        raise WorkerFailedError(number, why or "it ended without a word")
    return word


async def _end(child: _Child, *, is_last: bool = False) -> None:
    has_begun = child.answers
    child.ready.cancel()
    await asyncio.gather(child.ready, return_exceptions=True)
    if child.process.stdin is not None:
        if is_last:
            child.process.stdin.write(LAST)
        child.process.stdin.close()
    if not has_begun:  # it need not finish its start
        with suppress(ProcessLookupError):
            child.process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await child.process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.process.kill()
        await child.process.wait()
