# SPDX-License-Identifier: Apache-2.0
import json
import logging

import pytest
from tests.support.fleet import StandingClock

from fedsafe_node.app.worker_loop import Attending
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.ground.telemetry import LOGGER, SafeFormatter


class Server:
    """Is away while it has an error to give."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    async def look(self) -> None:
        if self.error is not None:
            raise self.error


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    server = Server()
    attending = Attending(StandingClock(), {"following": server.look}, {})
    away, other = StoreFailedError("it is away"), ValueError()

    for error in (None, away, away, away, other, other, None, None, away):
        server.error = error
        await attending.look()

    lines = [json.loads(SafeFormatter().format(each)) for each in caplog.records]
    assert [(line["event"], line["job"], line.get("error")) for line in lines] == [
        ("step failed", "following", "StoreFailedError"),
        ("step failed", "following", "ValueError"),
        ("step works again", "following", None),
        ("step failed", "following", "StoreFailedError"),
    ]
