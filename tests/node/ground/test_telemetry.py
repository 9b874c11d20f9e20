# SPDX-License-Identifier: Apache-2.0
"""Log lines hold known fields and nothing else, whoever writes them."""

import asyncio
import errno
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.ground.telemetry import (
    FIELDS,
    LOGGER,
    AccessLog,
    Metrics,
    SafeFormatter,
    configure_logging,
    fields,
)

SECRET = "anna.geheim@example.de"


def written(
    name: str,
    message: str,
    *args: object,
    extra: dict[str, object] | None = None,
    error: Exception | None = None,
) -> dict[str, object]:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger(name).makeRecord(
        name, logging.INFO, "a.py", 1, message, args, info, extra=extra
    )
    line: dict[str, object] = json.loads(SafeFormatter().format(record))
    return line


def test_known_fields_are_written() -> None:
    extra = fields(route="/v1/signals/{id}", status=200, ms=1.5)
    line = written("fedsafe.api", "answered", extra=extra)

    assert line.pop("at")
    assert line == {
        "level": "info",
        "logger": "fedsafe.api",
        "event": "answered",
        "route": "/v1/signals/{id}",
        "status": 200,
        "ms": 1.5,
    }


@pytest.mark.parametrize(
    "values",
    [
        {"value": SECRET},
        {"route": SECRET},
        {"origin": "+491701234567"},
        {"peer": "a b"},
        {"reason": "x" * 129},
        {"status": SECRET},
        {"count": True},
        {"node": b"bytes"},
    ],
)
def test_what_does_not_fit_is_left_out(values: dict[str, Any]) -> None:
    line = written("fedsafe.api", "answered", extra=fields(**values))

    assert set(line) == {"at", "level", "logger", "event"}


@given(name=st.sampled_from(sorted(FIELDS)), value=st.text() | st.binary())
def test_no_text_with_an_at_sign_passes(name: str, value: str | bytes) -> None:
    at = value + "@" if isinstance(value, str) else value
    line = written("fedsafe.api", "x", extra={"fedsafe": {name: at}})

    assert name not in line


def test_an_exception_is_only_its_class_and_places() -> None:
    with pytest.raises(KeyError) as caught:
        _ = dict[str, str]()[SECRET]
    line = written("fedsafe.api", "failed", error=caught.value)

    assert line["error"] == "KeyError"
    assert "geheim" not in json.dumps(line)
    assert line["frames"]


def test_another_library_is_reduced_to_its_template() -> None:
    assert written("aiohttp.server", "Error from %s", SECRET)["event"] == (
        "Error from …"
    )
    assert written("psycopg", "%(what)r ignored: %-5.2f", {"what": SECRET})[
        "event"
    ] == ("… ignored: …")
    assert "event" not in written("asyncio", f"Task failed: {SECRET}")


async def test_an_access_line_is_like_any_other() -> None:
    stream = io.StringIO()
    AccessLog(stream).answered("ab-1", "0af7", "/v1/signals/{id}", "GET", 200, 0.0015)
    await asyncio.sleep(0)
    line = json.loads(stream.getvalue())
    extra = fields(
        request="ab-1",
        trace="0af7",
        route="/v1/signals/{id}",
        method="GET",
        status=200,
        ms=1.5,
    )
    like = written("fedsafe.api", "answered", extra=extra)

    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    assert all(form.fullmatch(str(each.pop("at"))) for each in (line, like))
    assert line == like


async def test_access_lines_of_one_turn_are_written_together_and_in_order() -> None:
    written: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str, /) -> int:
            written.append(text)
            return len(text)

    access = AccessLog(Stream())
    for turn in ("1", "2"):
        for number in range(3):
            access.answered(f"{turn}-{number}", "0af7", "/v1/x", "GET", 200, 0.001)
        await asyncio.sleep(0)
    lines = [[json.loads(line) for line in text.splitlines()] for text in written]

    assert [[line["request"] for line in turn] for turn in lines] == [
        ["1-0", "1-1", "1-2"],
        ["2-0", "2-1", "2-2"],
    ]


async def test_access_lines_that_find_no_room_are_lost_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried = 0

    class Full(io.StringIO):
        def write(self, _: str, /) -> int:
            nonlocal tried
            tried += 1
            raise OSError(errno.ENOSPC, "No space left on device")

    access = AccessLog(Full())
    for number in range(3):
        access.answered(f"ab-{number}", "0af7", "/v1/signals", "POST", 201, 0.0015)
        await asyncio.sleep(0)

    assert tried == 3
    assert caplog.records == []  # the loop would log what is raised in its turn


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    own = logging.getLogger(LOGGER).level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger(LOGGER).setLevel(own)


def test_all_loggers_go_through_the_formatter(root_logger: logging.Logger) -> None:
    stream = io.StringIO()
    handler = configure_logging(stream=stream)
    logging.getLogger("fedsafe.jobs").info("done", extra=fields(job="sync"))
    logging.getLogger("elsewhere").warning(SECRET)

    assert root_logger.handlers == [handler]
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["job"]) == ("done", "sync")
    assert "geheim" not in json.dumps(second)


def test_metrics_are_counted() -> None:
    metrics = Metrics()
    count = metrics.counter("lookup")
    for status in (200, 200, 503):
        count(status, 0.002)
    metrics.watch_lane("lookups", lambda: 3)
    metrics.set_failing(failing=True)
    page = metrics.page().decode()

    assert 'fedsafe_requests_total{route="lookup",status="200"} 2.0' in page
    assert 'fedsafe_requests_total{route="lookup",status="503"} 1.0' in page
    assert 'fedsafe_request_seconds_count{route="lookup"} 3.0' in page
    assert 'fedsafe_request_seconds_bucket{le="0.001",route="lookup"} 0.0' in page
    assert 'fedsafe_request_seconds_bucket{le="0.0025",route="lookup"} 3.0' in page
    assert 'fedsafe_request_seconds_bucket{le="10.0",route="lookup"} 3.0' in page
    assert 'fedsafe_request_seconds_bucket{le="+Inf",route="lookup"} 3.0' in page
    assert 'fedsafe_request_seconds_created{route="lookup"} ' in page
    assert 'fedsafe_requests_in_flight{lane="lookups"} 3.0' in page
    assert "fedsafe_store_failing 1.0" in page
