# SPDX-License-Identifier: Apache-2.0
"""What Schemathesis makes out of the OpenAPI document, sent to a running API.

Seed and budget are fixed: every run sends the same requests, a campaign sends more
(tests/campaigns/properties.py). The checks are named here one by one, so that a new
version neither adds nor drops one unseen.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import uvloop
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.pytest.lazy import get_all_tests
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.node.api.conftest import MEMBER, Memory, authorised, make_services

from fedsafe_node.api.openapi import build
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.api.server import ApiServer
from fedsafe_node.ground.telemetry import Metrics

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = int(os.environ.get("FEDSAFE_EXAMPLES", "8"))
WHOLE = "FEDSAFE_EXAMPLES" in os.environ
HEADERS = {(route.method, route.path): MEMBER | authorised(route) for route in ROUTES}
Case = schemathesis.Case[Any]
REFUSED = [
    *map(str, (400, 401, 403, 404, 405, 406, 409, 413, 415, 417, 422, 428, 429)),
    "5xx",
]
"""How what does not fit may be refused: what is too long may be too large first."""
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
        "phases": {"coverage": {"enabled": WHOLE}},  # hundreds of requests a route
    }
)
SCHEMA = schemathesis.openapi.from_dict(build(), config=CONFIG)


def headers(case: Case) -> dict[str, str]:
    return HEADERS.get((case.method, case.path), MEMBER)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Serve the API on a loop of its own, as production does on uvloop."""
    ready, done = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        server = ApiServer(make_services(Memory()), metrics=Metrics())
        await server.start(host="127.0.0.1")
        ports.append(server.port or 0)
        ready.set()
        await asyncio.to_thread(done.wait)
        await server.stop()

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{ports[0]}"
    done.set()
    thread.join()


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def is_as_documented(case: Case, base_url: str) -> None:
    if (
        [] in (case.query or {}).values()
    ):  # which sends nothing, and so violates nothing
        return
    case.call_and_validate(base_url=base_url, headers=headers(case), checks=CHECKS)


@pytest.mark.parametrize(
    ("method", "path"),
    [pytest.param(method, path, id=f"{method} {path}") for method, path in HEADERS],
)
@pytest.mark.timeout(300)
def test_every_answer_is_as_documented(method: str, path: str, base_url: str) -> None:
    # Schemathesis's own decorator plans the requests of every route in each process
    # that collects the tests, which takes it as long as a good part of sending them.
    schema = SCHEMA.include(method=method, path=path)
    (found,) = get_all_tests(
        schema=schema, test_func=is_as_documented, settings=None, given_kwargs={}
    )
    assert isinstance(found, Ok)
    _, send = found.ok()

    send(base_url=base_url)


def test_an_undocumented_status_would_be_found(base_url: str) -> None:
    document = build()
    del document["paths"]["/v1/status"]["get"]["responses"]["401"]
    case = schemathesis.openapi.from_dict(document)["/v1/status"]["GET"].Case()

    with pytest.raises(FailureGroup, match="Undocumented status code"):
        case.call_and_validate(base_url=base_url, checks=CHECKS)


def test_a_wrong_schema_would_be_found(base_url: str) -> None:
    document = build()
    document["components"]["schemas"]["StatusAnswer"]["required"].append("more")
    case = schemathesis.openapi.from_dict(document)["/v1/status"]["GET"].Case()

    with pytest.raises(FailureGroup, match="Response violates schema"):
        case.call_and_validate(base_url=base_url, headers=headers(case), checks=CHECKS)
