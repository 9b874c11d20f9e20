# SPDX-License-Identifier: Apache-2.0
"""What the node tells its operator: log lines and counts, and nothing secret.

A log line is one JSON object. It holds only keys of `FIELDS`, and of those only
values of the declared kind: numbers, or short words without the letters that
identifiers need (`@`, `+`, spaces, slashes of a query). What another library
wants to say is reduced to its fixed template, an exception to its class and the
places it went through; the text of an exception may quote what it choked on.

Metrics are counts and durations by route, never by who asked or what for.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns
from types import TracebackType
from typing import Final, TextIO

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

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
    it: all fields are fixed, and all values are the node's own words and numbers.
    """

    __slots__ = ("_day", "_second", "_write")

    def __init__(self, stream: TextIO | None = None) -> None:
        self._write = (stream or sys.stderr).write
        self._second = -1
        self._day = ""

    def answered(  # noqa: PLR0913 - the fields of a line
        self,
        request: str,
        trace: str,
        route: str,
        method: str,
        status: int,
        seconds: float,
    ) -> None:
        """Write the line of one request; if there is no room, only it is lost."""
        second, rest = divmod(time_ns(), 1_000_000_000)
        if second != self._second:
            moment = datetime.fromtimestamp(second, tz=UTC)
            self._second, self._day = second, moment.strftime("%Y-%m-%dT%H:%M:%S")
        with suppress(OSError):
            self._write(
                f'{{"at":"{self._day}.{rest // 1_000_000:03d}Z","level":"info",'
                f'"logger":"{LOGGER}.api","event":"answered","request":"{request}",'
                f'"trace":"{trace}",'
                f'"route":"{route}","method":"{method}","status":{status},'
                f'"ms":{seconds * 1000:.3f}}}\n'
            )


class Metrics:
    """The node's counts, and the page that Prometheus reads.

    `registry` is open to other parts of the node for counters of their own.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "fedsafe_requests",
            "Answered requests by route and status",
            ("route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "fedsafe_request_seconds",
            "Time from head to answer by route",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
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
        seconds: Histogram | None = None
        known: dict[int, Counter] = {}

        def count(status: int, duration: float) -> None:
            nonlocal seconds
            child = known.get(status)
            if child is None:
                child = known[status] = self._requests.labels(route, str(status))
            child.inc()
            if seconds is None:
                seconds = self._seconds.labels(route)
            seconds.observe(duration)

        return count

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
