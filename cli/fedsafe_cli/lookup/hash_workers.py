# SPDX-License-Identifier: Apache-2.0
"""Hashing many files on all cores, in order, in memory that does not grow.

Decoding pictures of unknown hands is what may go wrong, so it is done in processes of
their own, be it one picture: one that dies takes its picture with it, which is named,
and nothing else. They end when this process does, however that ends.

A picture has so many seconds of a processor, and the kernel ends what takes more: no
decoder could be asked to. Seconds of a clock would refuse pictures on a busy machine.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from queue import Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, TypeVar

from fedsafe_cli.lookup.file_digests import (
    FileDigests,
    FileRef,
    PictureError,
    digest_file,
)
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
_PICTURE_DIED: Final = Fault("decoder_died", Phrase("decoding it ended its process"))
SLOW: Final = "picture_too_slow"
"""The fault of a picture whose decoder took longer than it may."""
_GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may take: bytes, and seconds of a processor for a picture.

    The largest pictures that are decoded took up to 6.5 seconds of a common one.
    """

    gib: int = 16
    seconds: int = 20

    @property
    def most_bytes(self) -> int:
        """The largest file that is read."""
        return self.gib * _GIB

    def slow(self) -> Fault:
        """Say that a picture took longer."""
        detail = Phrase(
            "decoding it takes more than {seconds} seconds of a processor; name it "
            "alone, with a larger --max-time"
        )
        return Fault(SLOW, detail.filled(seconds=self.seconds))


DEFAULT: Final = Limits()


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def digest_all(
    refs: Iterable[FileRef], jobs: int, limits: Limits = DEFAULT
) -> Generator[FileDigests, None, None]:
    """Hash files in order, on so many cores.

    Files are hashed ahead while the caller does something else with what it has.
    """
    source = iter(refs)
    first = list(islice(source, FEW + 1))
    if len(first) > FEW:
        yield from _ahead(
            lambda: _on_cores(chain(first, source), jobs, limits), _WINDOW * jobs
        )
        return
    for place, ref in enumerate(first):
        try:
            found = digest_file(ref, most_bytes=limits.most_bytes, decode=False)
        except PictureError:
            left = first[place:]
            few = min(jobs, -(-len(left) // _ASSIGNED))
            yield from _on_cores(iter(left), few, limits)
            return
        yield found


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


def _on_cores(
    refs: Iterator[FileRef], jobs: int, limits: Limits
) -> Generator[FileDigests, None, None]:
    from multiprocessing.connection import wait  # noqa: PLC0415 (slow to load)

    workers = [_Worker(limits) for _ in range(jobs)]
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
                taken = busy[line].take()  # type: ignore[index]
                if taken is not None:
                    number, found = taken
                    done[number] = found
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that hashes files one after the other, and is replaced if it dies."""

    line: "Connection"
    _process: "BaseProcess"

    def __init__(self, limits: Limits) -> None:
        self.files: deque[tuple[int, FileRef]] = deque()
        self._limits = limits
        self._of_bytes: FileDigests | None = None
        """What is known of the picture that it decodes."""
        self._start()

    def give(self, number: int, ref: FileRef) -> None:
        """Have a file hashed."""
        self.files.append((number, ref))
        self._send(ref)

    def take(self) -> tuple[int, FileDigests] | None:
        """Take the answer about the oldest file; None where it is yet to come."""
        try:
            found, is_whole = self.line.recv()
        except (EOFError, OSError):
            self.end()
            found = self._left()
            is_whole = True
            self._start()
            for _, waiting in list(self.files)[1:]:
                self._send(waiting)
        if not is_whole:
            self._of_bytes = found
            return None
        self._of_bytes = None
        number, _ = self.files.popleft()
        return number, found

    def _left(self) -> FileDigests:
        """Say of the file whose process has ended what is known."""
        _, ref = self.files[0]
        if self._of_bytes is None:
            return FileDigests(ref, fault=_DIED)
        is_slow = self._process.exitcode == -signal.SIGPROF
        fault = self._limits.slow() if is_slow else _PICTURE_DIED
        return replace(self._of_bytes, picture=fault)

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
        self._process = context.Process(
            target=_work, args=(other, self._limits), daemon=True
        )
        self._process.start()
        other.close()


def _work(line: "Connection", limits: Limits) -> None:
    import resource  # noqa: PLC0415 (only a worker needs it)

    from fedsafe_node.ground.process_memory import forbid_dumps  # noqa: PLC0415

    forbid_dumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends it
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # whoever started this may ignore it

    def before_decoding(found: FileDigests) -> None:
        line.send((found, False))
        signal.setitimer(signal.ITIMER_PROF, limits.seconds)

    while True:
        try:
            ref = line.recv()
        except (EOFError, OSError):
            return
        try:
            found = digest_file(
                ref, most_bytes=limits.most_bytes, before_decoding=before_decoding
            )
        except MemoryError:
            found = FileDigests(
                ref, fault=Fault("too_large", Phrase("it needs more memory"))
            )
        signal.setitimer(signal.ITIMER_PROF, 0)
        try:
            line.send((found, True))
        except OSError:
            return  # the command was killed
