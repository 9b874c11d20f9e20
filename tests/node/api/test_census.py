# SPDX-License-Identifier: Apache-2.0
"""Nothing happens without an event: routes, duties and classes, against one table."""

import re
from itertools import chain
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector
from tests.node.crash.read_only import BAN, LOOKUP
from tests.support.fleet import Fleet

import fedsafe_node
from fedsafe_node.api.census import (
    INNER_EVENTS,
    JOB_EVENTS,
    ROUTE_EVENTS,
    SILENT,
    SOMETIMES,
    is_audited,
)
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.app.worker_loop import own_jobs
from fedsafe_node.ground.trace import Asking
from fedsafe_node.log.audit import Event

SOURCES = Path(fedsafe_node.__file__).parent


def test_every_route_has_its_events_or_a_reason_for_none() -> None:
    names = {route.name for route in ROUTES}

    assert set(ROUTE_EVENTS) | set(SILENT) == names
    assert set(ROUTE_EVENTS) & set(SILENT) == set()
    assert set(SOMETIMES) <= set(ROUTE_EVENTS)
    assert all(ROUTE_EVENTS.values())
    assert all(len(reason) > 20 for reason in (*SILENT.values(), *SOMETIMES.values()))


def test_every_class_of_events_is_left_by_something() -> None:
    tables = (ROUTE_EVENTS, JOB_EVENTS, INNER_EVENTS)
    named = set(chain.from_iterable(chain(*(table.values() for table in tables))))

    assert set(Event) - named == set()


def test_every_class_of_events_is_written_somewhere() -> None:
    census, model = SOURCES / "api" / "census.py", SOURCES / "log" / "audit.py"
    text = (
        "".join(
            path.read_text()
            for path in sorted(SOURCES.rglob("*.py"))
            if path not in {census, model}
        )
        + model.read_text().partition("class AuditRecord")[2]
    )
    written = set(re.findall(r"\bEvent\.([A-Z_]+)\b", text))

    assert {event.name for event in Event} - written == set()


async def test_every_duty_of_a_node_has_its_events(alone: Fleet) -> None:
    node = alone["a.demo"]
    of_each_process, of_one = own_jobs(node._jobs())  # noqa: SLF001

    assert of_each_process.keys() | of_one.keys() == set(JOB_EVENTS)


@pytest.mark.parametrize("name", sorted(ROUTE_EVENTS))
def test_an_answer_owes_one_of_its_routes_events(name: str) -> None:
    owed = ROUTE_EVENTS[name]

    assert all(is_audited(name, Asking("", events={event.value})) for event in owed)
    assert not is_audited(name, Asking("", events={"node.started"}))


@pytest.mark.parametrize("name", sorted(ROUTE_EVENTS))
def test_only_some_routes_may_say_that_nothing_happened(name: str) -> None:
    asking = Asking("", events={"node.started"}, is_idle=True)

    assert is_audited(name, asking) is (name in SOMETIMES)


def test_a_route_that_nobody_has_counted_answers_nothing() -> None:
    assert not is_audited("new", Asking("", is_idle=True))


BATCH = {"lookups": [{"questions": LOOKUP["questions"]}]}
FORGETFUL = (
    ("GET", "/v1/audit/events?purpose=audit_review", None, "audits", "events"),
    ("POST", "/v1/signals/import", {"signals": [BAN]}, "signals", "add_many"),
    ("GET", "/v1/events?after=0", None, "events", "read"),
    ("POST", "/v1/lookup/batch", BATCH, "lookups", "batch"),
)


@pytest.mark.parametrize(
    ("method", "path", "body", "service", "forgetful"),
    FORGETFUL,
    ids=[row[-1] for row in FORGETFUL],
)
async def test_an_answer_whose_event_was_forgotten_does_not_leave(  # noqa: PLR0913
    alone: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    body: object,
    service: str,
    forgetful: str,
) -> None:
    node = alone["a.demo"]

    async def forget(*_: object, **__: object) -> object:
        return {}

    monkeypatch.setattr(type(getattr(node.services, service)), forgetful, forget)
    line = UnixConnector(str(node.base.place.socket))
    async with (
        ClientSession("http://node", connector=line) as session,
        session.request(method, path, json=body) as answer,
    ):
        problem = await answer.json(content_type=None)

    assert (answer.status, problem["code"]) == (500, "internal")
