# SPDX-License-Identifier: Apache-2.0
"""Callers who write for as long as a campaign runs, and what they were promised.

`Workload` is what a campaign needs to know of the thing under test. A write carries a
key; without an acknowledgement it is sent again under the same key, as clients do.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, Self

_BREATH: Final = 0.1


class NotAcknowledgedError(Exception):
    """A write got no answer, or was told to come again: nobody knows if it happened."""


class Writer(Protocol):
    """One caller with connections of its own."""

    def write(self, key: str) -> str:
        """Write under a key, once however often it is sent; return what it became.

        Raises:
            NotAcknowledgedError: send it again.
        """
        ...

    def close(self) -> None:
        """End the connections."""
        ...


class Workload(Protocol):
    """What is written to, and how to see what it kept."""

    def prepare(self) -> None:
        """Make ready for writers."""
        ...

    def writer(self) -> Writer:
        """Give one more caller."""
        ...

    def kept(self, keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Read what there is under each key: nothing, one write or more."""
        ...

    def faults(self) -> list[str]:
        """Say what else that was promised does not hold."""
        ...


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One write that was said to be done."""

    key: str
    became: str
    sent: float
    at: float


class Callers:
    """Several threads that write until they are told to stop."""

    def __init__(self, workload: Workload, *, number: int, pause: float) -> None:
        self._workload = workload
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(number)
        ]
        # Appended to by all threads, which a list allows; read as a copy.
        self._acknowledged: list[Acknowledgement] = []
        self._refusals: Counter[str] = Counter()
        self._failures: list[BaseException] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    @property
    def acknowledged(self) -> list[Acknowledgement]:
        """Return all acknowledgements so far."""
        if self._failures:
            raise self._failures[0]
        return list(self._acknowledged)

    @property
    def refusals(self) -> Counter[str]:
        """Return how often a write was not acknowledged, by the reason given."""
        return Counter(self._refusals)

    def resumed(self, since: float) -> bool:
        """Tell whether a write that was sent after a moment is acknowledged."""
        return any(one.sent > since for one in self.acknowledged[-1000:])

    def gap(self, since: float, until: float) -> float:
        """Return the longest time without an acknowledgement."""
        moments = [one.at for one in self.acknowledged if since <= one.at <= until]
        return max(b - a for a, b in pairwise(sorted([since, *moments])))

    def _work(self) -> None:
        writer = self._workload.writer()
        try:
            while not self._stop.wait(self._pause):
                self._write(writer, secrets.token_hex(16))
        except BaseException as failure:  # noqa: BLE001 - told to the main thread
            self._failures.append(failure)
        finally:
            writer.close()

    def _write(self, writer: Writer, key: str) -> None:
        while not self._stop.is_set():
            sent = time.monotonic()
            try:
                became = writer.write(key)
            except NotAcknowledgedError as refusal:
                self._refusals[str(refusal)] += 1
                self._stop.wait(_BREATH)
            else:
                at = time.monotonic()
                self._acknowledged.append(Acknowledgement(key, became, sent, at))
                return


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the acknowledged writes."""

    acknowledged: int
    lost: int
    twice: int
    changed: int
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Tell whether all promises were kept."""
        return not (self.lost or self.twice or self.changed or self.faults)


def judged(workload: Workload, acknowledged: Sequence[Acknowledgement]) -> Verdict:
    """Compare what was acknowledged with what is there now."""
    kept = workload.kept([one.key for one in acknowledged])
    return Verdict(
        acknowledged=len(acknowledged),
        lost=sum(not kept.get(one.key) for one in acknowledged),
        twice=sum(len(found) > 1 for found in kept.values()),
        changed=sum(
            one.became not in (kept.get(one.key) or [one.became])
            for one in acknowledged
        ),
        faults=tuple(workload.faults()),
    )
