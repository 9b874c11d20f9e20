# SPDX-License-Identifier: Apache-2.0
"""What the node tells its operator: log lines and counts, and nothing secret.

A log line is one JSON object. It holds only keys of `FIELDS`, and of those only
values of the declared kind: numbers, or short words without the letters that
identifiers need (`@`, `+`, spaces, slashes of a query). What another library
wants to say is reduced to its fixed template, an exception to its class and the
places it went through; the text of an exception may quote what it choked on.

Metrics are counts and durations by route, never by who asked or what for.
"""

import asyncio
import logging
import re
import sys
import traceback
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from time import time_ns
from types import TracebackType
from typing import Final, TextIO

import msgspec
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

LOGGER: Final = "fedsafe"
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_WORD = re.compile(r"[A-Za-z0-9_./:{}<>-]{1,128}")
_KEY = "fedsafe"
FIELDS: Final[Mapping[str, type]] = {
    "request": str,
    "trace": str,
    "route": str,
    "method": str,
    "status": int,
    "ms": float,
    "code": str,
    "node": str,
    "origin": str,
    "peer": str,
    "job": str,
    "listener": str,
    "count": int,
    "size": int,
    "index": int,
    "since": int,
    "version": str,
    "reason": str,
    "policy": str,
    "digest": str,
}
_ENCODER = msgspec.json.Encoder()
_VALUES: Final = re.compile(r"%(\(\w+\))?[-#0 +]*[\d*]*(\.[\d*]+)?[a-zA-Z%]")
# Where nobody has set up a log, a line is not to go to standard error unformatted.
logging.getLogger(LOGGER).addHandler(logging.NullHandler())
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


def fields(**values: str | float) -> dict[str, object]:
    """Give the fields of a line, as `extra=fields(job="sync", count=3)`."""
    return {_KEY: values}


class SafeFormatter(logging.Formatter):
    """Writes JSON lines that hold nothing but known fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        moment = datetime.fromtimestamp(record.created, tz=UTC)
        line: dict[str, object] = {
            "at": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1_000:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if event := _template(record):
            line["event"] = event
        for name, value in getattr(record, _KEY, {}).items():
            if (known := _known(name, value)) is not None:
                line[name] = known
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["frames"] = _frames(record.exc_info[2])
        return _ENCODER.encode(line).decode()


def _template(record: logging.LogRecord) -> str | None:
    """Keep a text that was written in source code, not one that was built.

    What another library would put into its own is left out.
    """
    own = record.name.split(".", 1)[0] == LOGGER
    if not isinstance(record.msg, str) or not (own or record.args):
        return None
    return record.msg if own else _VALUES.sub("…", record.msg)


def _known(name: str, value: object) -> object:
    kind = FIELDS.get(name)
    if kind is str:
        return value if isinstance(value, str) and _WORD.fullmatch(value) else None
    if kind is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def _frames(trace: TracebackType | None) -> list[str]:
    return [
        f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}"
        for frame in traceback.extract_tb(trace)[-12:]
    ]


def configure_logging(
    *, level: int = logging.INFO, stream: TextIO | None = None
) -> logging.Handler:
    """Send all loggers through `SafeFormatter`; returns the handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(SafeFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger(LOGGER).setLevel(level)
    return handler


class AccessLog:
    """Writes one line for each answered request, as `SafeFormatter` would.

    Logging's own machinery costs as much as a third of a lookup. This needs none of
    it: all fields are fixed, and all values are the node's own words and numbers. What
    is answered in one turn of the event loop is written together at its end.
    """

    __slots__ = ("_day", "_lines", "_second", "_write")

    def __init__(self, stream: TextIO | None = None) -> None:
        self._write = (stream or sys.stderr).write
        self._second = -1
        self._day = ""
        self._lines: list[str] = []

    def answered(  # noqa: PLR0913 - the fields of a line
        self,
        request: str,
        trace: str,
        route: str,
        method: str,
        status: int,
        seconds: float,
    ) -> None:
        """Write the line of one request; if there is no room, only lines are lost."""
        second, rest = divmod(time_ns(), 1_000_000_000)
        if second != self._second:
            moment = datetime.fromtimestamp(second, tz=UTC)
            self._second, self._day = second, moment.strftime("%Y-%m-%dT%H:%M:%S")
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(
            f'{{"at":"{self._day}.{rest // 1_000_000:03d}Z","level":"info",'
            f'"logger":"{LOGGER}.api","event":"answered","request":"{request}",'
            f'"trace":"{trace}",'
            f'"route":"{route}","method":"{method}","status":{status},'
            f'"ms":{seconds * 1000:.3f}}}\n'
        )

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        with suppress(OSError):
            self._write("".join(lines))


@dataclass(slots=True)
class _Answered:
    """What one route has answered since *since*: by status, by seconds, all seconds."""

    since: float
    statuses: dict[int, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(_SECONDS) + 1))
    seconds: float = 0.0

    def count(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buckets[bisect_left(_SECONDS, seconds)] += 1
        self.seconds += seconds


class _Requests(Collector):
    """Counts answers in as few steps as can be; what is put together waits for a page.

    The library's own counters lock and look for their bucket at each answer, which
    takes as long as a tenth of all else that is done for a single question.
    """

    def __init__(self) -> None:
        self._routes: dict[str, _Answered] = {}

    def counter(self, route: str) -> Callable[[int, float], None]:
        """Give the function that counts the answers of one route."""

        def count(status: int, seconds: float) -> None:
            answered = self._routes.get(route)
            if answered is None:
                answered = self._routes[route] = _Answered(time_ns() / 1e9)
            answered.count(status, seconds)

        return count

    def collect(self) -> Iterator[Metric]:
        """Say what was answered, for a page."""
        requests = CounterMetricFamily(
            "fedsafe_requests",
            "Answered requests by route and status",
            labels=("route", "status"),
        )
        took = HistogramMetricFamily(
            "fedsafe_request_seconds",
            "Time from head to answer by route",
            labels=("route",),
        )
        bounds = [*map(str, map(float, _SECONDS)), "+Inf"]
        for route, answered in sorted(self._routes.items()):
            for status, count in sorted(answered.statuses.items()):
                names = (route, str(status))
                requests.add_metric(names, count, created=answered.since)
            sums = zip(bounds, accumulate(answered.buckets), strict=True)
            took.add_metric((route,), [*sums], answered.seconds)
            created, labels = f"{took.name}_created", {"route": route}
            took.add_sample(created, labels, answered.since)
        yield requests
        yield took


class Metrics:
    """The node's counts, and the page that Prometheus reads.

    `registry` is open to other parts of the node for counters of their own.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = _Requests()
        self.registry.register(self._requests)
        self._in_flight = Gauge(
            "fedsafe_requests_in_flight",
            "Requests under way by lane",
            ("lane",),
            registry=self.registry,
        )
        self._node = Gauge(
            "fedsafe_node_entries",
            "What the node holds",
            ("what",),
            registry=self.registry,
        )
        self._longest_wait = Gauge(
            "fedsafe_rights_longest_wait_seconds",
            "For how long the oldest request of a person waits to be looked up",
            registry=self.registry,
        )
        self._failing = Gauge(
            "fedsafe_store_failing",
            "1 while the store does not take writes",
            registry=self.registry,
        )
        self._room = Gauge(
            "fedsafe_disk_bytes",
            "Room on the node's disk: free, and held in reserve",
            ("what",),
            registry=self.registry,
        )

    def counter(self, route: str) -> Callable[[int, float], None]:
        """Give the function that counts the answers of one route.

        Of a route that nobody has asked nothing is held, and nothing is on the page.
        """
        return self._requests.counter(route)

    def watch_lane(self, lane: str, in_flight: Callable[[], float]) -> None:
        """Read a lane's load whenever the page is asked for."""
        self._in_flight.labels(lane).set_function(in_flight)

    def set_entries(self, counts: Mapping[str, int]) -> None:
        """Set how much the node holds."""
        for what, count in counts.items():
            self._node.labels(what).set(count)

    def set_longest_wait(self, seconds: int) -> None:
        """Set for how long the oldest request waits to be looked up; 0 if none does."""
        self._longest_wait.set(seconds)

    def set_failing(self, *, failing: bool) -> None:
        """Set whether the store does not take writes."""
        self._failing.set(failing)

    def set_room(self, *, free: int, reserve: int) -> None:
        """Set how many bytes are free, and how many the reserve holds."""
        self._room.labels("free").set(free)
        self._room.labels("reserve").set(reserve)

    def page(self) -> bytes:
        """Write everything in Prometheus's text format."""
        return generate_latest(self.registry)
