# SPDX-License-Identifier: Apache-2.0
"""Hashing many files on all cores, in order, in memory that does not grow.

Decoding pictures of unknown hands is what may go wrong, so it is done in processes of
their own: one that dies takes its file with it, which is named, and no other. They end
when this process does, however that ends.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from queue import Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from fedsafe_cli.lookup.file_digests import FileDigests, FileRef, digest_file
from fedsafe_cli.terminal.inputs import Fault
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

T = TypeVar("T")

FEW: Final = 8
"""So many files are hashed sooner here than processes start."""
_ASSIGNED: Final = 4  # files of a worker, so that it never waits for the next
_WINDOW: Final = 64  # files for each worker that wait for one that takes long
_MOST_MEMORY: Final = 4 << 30
_DIED: Final = Fault(
    "decoder_died", Phrase("hashing it ended its process: not compared")
)


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def digest_all(
    refs: Iterable[FileRef], jobs: int
) -> Generator[FileDigests, None, None]:
    """Hash files in order, on so many cores.

    Files are hashed ahead while the caller does something else with what it has.
    """
    source = iter(refs)
    first = list(islice(source, FEW + 1))
    if len(first) <= FEW:
        yield from map(digest_file, first)
        return

    def rest() -> Iterator[FileRef]:
        yield from first
        yield from source

    yield from _ahead(lambda: _on_cores(rest(), jobs), _WINDOW * jobs)


def _ahead(begin: Callable[[], Generator[T, None, None]], most: int) -> Iterator[T]:
    """Take from an iterator in a thread, at most so many items ahead."""
    queue: Queue[tuple[T] | BaseException | None] = Queue(most)
    left = Event()

    def run() -> None:
        source = begin()
        try:
            for item in source:
                queue.put((item,))
                if left.is_set():
                    return
            queue.put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised at the other end
            queue.put(error)
        finally:
            source.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0]
    finally:
        left.set()
        while thread.is_alive():
            while not queue.empty():
                queue.get()
            thread.join(0.01)


def _on_cores(refs: Iterator[FileRef], jobs: int) -> Generator[FileDigests, None, None]:
    from multiprocessing.connection import wait  # noqa: PLC0415 (slow to load)

    workers = [_Worker() for _ in range(jobs)]
    done: dict[int, FileDigests] = {}
    given = told = 0
    try:
        while True:
            for worker in sorted(workers, key=lambda each: len(each.files)):
                while len(worker.files) < _ASSIGNED and given - told < _WINDOW * jobs:
                    ref = next(refs, None)
                    if ref is None:
                        break
                    worker.give(given, ref)
                    given += 1
            while told in done:
                yield done.pop(told)
                told += 1
            busy = {each.line: each for each in workers if each.files}
            if not busy:
                return
            for line in wait(list(busy)):
                number, found = busy[line].take()  # type: ignore[index]
                done[number] = found
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that hashes files one after the other, and is replaced if it dies."""

    line: "Connection"
    _process: "BaseProcess"

    def __init__(self) -> None:
        self.files: deque[tuple[int, FileRef]] = deque()
        self._start()

    def give(self, number: int, ref: FileRef) -> None:
        """Have a file hashed."""
        self.files.append((number, ref))
        self._send(ref)

    def take(self) -> tuple[int, FileDigests]:
        """Take the answer about the oldest file."""
        number, ref = self.files.popleft()
        try:
            return number, self.line.recv()
        except (EOFError, OSError):
            self.end()
            self._start()
            for _, waiting in self.files:
                self._send(waiting)
            return number, FileDigests(ref, fault=_DIED)

    def end(self) -> None:
        """End the process, whatever it does."""
        self.line.close()
        self._process.kill()
        self._process.join()

    def _send(self, ref: FileRef) -> None:
        with suppress(OSError):  # it has died: taking its answers tells
            self.line.send(ref)

    def _start(self) -> None:
        from multiprocessing import get_context  # noqa: PLC0415 (slow to load)

        # A new interpreter: it has no thread, no lock and no key of this process.
        context = get_context("spawn")
        self.line, other = context.Pipe()  # pyright: ignore[reportAttributeAccessIssue] - of Windows
        self._process = context.Process(target=_work, args=(other,), daemon=True)
        self._process.start()
        other.close()


def _work(line: "Connection") -> None:
    import resource  # noqa: PLC0415 (only a worker needs it)
    import signal  # noqa: PLC0415

    from fedsafe_node.ground.process_memory import forbid_dumps  # noqa: PLC0415

    forbid_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends it
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    while True:
        try:
            ref = line.recv()
        except (EOFError, OSError):
            return
        try:
            found = digest_file(ref)
        except MemoryError:
            found = FileDigests(
                ref, fault=Fault("too_large", Phrase("it needs more memory"))
            )
        try:
            line.send(found)
        except OSError:
            return  # the command was killed
