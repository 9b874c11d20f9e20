# SPDX-License-Identifier: Apache-2.0
"""The replay tool sees what changed, and only that."""

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns.replay import sorted_out
from tests.fence.replay import (
    CHANGES,
    Plain,
    Record,
    blind_to,
    differences,
    find,
    said_as_before,
)
from tests.fence.script import acts, dump, load, refusals
from tests.fence.stage import Answer

from fedsafe_node.api.routes import ROUTES
from fedsafe_node.ground.clock import SystemClock

REFUSED = {"type": "urn:x", "code": "wrong_state", "detail": "that was noted before"}
RECORD = Record(
    steps=[
        {"step": "ada: POST /v1/orders", "status": 201, "body": {"order": "<order>"}},
        {"step": "ada: POST /v1/orders/x/note", "status": 409, "body": REFUSED},
    ],
    events={
        "a.demo": [
            {"event": "order.entered", "outcome": "ok", "detail": {"kind": "letter"}},
            {"event": "order.noted", "outcome": "ok", "detail": {"step": "noted"}},
        ]
    },
    others={"a.demo": ["node.started ok []"]},
    rows={"a.demo": {"orders": [['{"kind": "letter"}', 1]], "acts": []}},
)


def test_the_same_twice_is_no_difference() -> None:
    assert differences(RECORD, copy.deepcopy(RECORD)) == []


@pytest.mark.parametrize("seed", range(5))
def test_each_change_is_seen(seed: int) -> None:
    assert CHANGES == ("status", "code", "detail", "order", "row")
    assert blind_to(RECORD, seed) == []


def test_a_tool_that_is_blind_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fence.replay.differences", lambda _old, _new: [])

    assert len(blind_to(RECORD, 0)) == len(CHANGES)


def test_a_step_fewer_and_another_event_are_seen() -> None:
    fewer, other = copy.deepcopy(RECORD), copy.deepcopy(RECORD)
    fewer.steps.pop()
    other.others["a.demo"].append("node.stopped ok []")

    assert differences(RECORD, fewer)
    assert differences(RECORD, other)


def test_an_event_more_is_named_with_the_request_that_caused_it() -> None:
    more = copy.deepcopy(RECORD)
    (name, events), *_ = ((n, each) for n, each in more.events.items() if each)
    events.insert(0, {"event": "lookup", "trace": "step 0", "outcome": "none"})
    (line,) = differences(RECORD, more)

    assert line.startswith(f".events.{name} [{RECORD.steps[0]['step']}].lookup: is {{")


def _answer(document: Any) -> Answer:  # noqa: ANN401 - JSON
    headers = {"content-type": "application/json"}
    return Answer(200, headers, json.dumps(document).encode())


def _plain(document: Any) -> Any:  # noqa: ANN401
    return Plain(Path("/fs-x/d")).body(_answer(document))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"signal": "01a20e5e-7e0b-7dca-b773-0d06d4879060"}, {"signal": "0" * 32}),
        ({"salt": "q" * 10 + "A1" * 10}, {"salt": "Zz9" * 12}),
        (
            {"log": "/fs-x/d/a.demo", "waited_ms": 3},
            {"log": "/fs-x/d/a.demo", "waited_ms": 9},
        ),
        (
            {"imports": [{"author": "anna"}, {"author": "ben"}]},
            {"imports": [{"author": "ben"}, {"author": "anna"}]},
        ),
    ],
)
def test_what_is_random_or_measured_is_left_out(one: Any, other: Any) -> None:  # noqa: ANN401
    assert _plain(one) == _plain(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"code": "wrong_state"}, {"code": "wrong_role"}),
        ({"detail": "at most 3"}, {"detail": "at most 4"}),
        ({"revision": 1}, {"revision": 2}),
        ({"at": None}, {"at": "2026-11-30T12:00:00Z"}),
        ({"a": 1}, {"a": 1, "b": None}),
        ({"policy": "synthetic@44115fab"}, {"policy": "synthetic@44115fac"}),
        ({"refused": 1}, {"refused": 2}),
        ({"maximum": 1_000_000_000}, {"maximum": 1_000_000_001}),
        ({"at": "2026-01-05T10:20:00Z"}, {"at": "2026-01-05T10:25:00Z"}),
        ({"signals": [{"plane": "a"}]}, {"signals": [{"plane": "b"}]}),
    ],
)
def test_what_is_said_is_not(one: Any, other: Any) -> None:  # noqa: ANN401
    assert _plain(one) != _plain(other)


def test_the_end_of_a_day_is_the_same_however_late_it_is() -> None:
    moment = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    end = {"ends_at": (moment + timedelta(hours=80)).isoformat()}
    shown = _plain(end)["ends_at"]

    assert shown == f"<{moment + timedelta(hours=80):%Y-%m-%d %H:%M}>"


def test_a_step_keeps_what_it_names_wherever_it_stands() -> None:
    tasks = {"tasks": [{"of": "x", "task": 1}, {"of": "y", "task": 2}]}

    assert find(tasks, "tasks.0.task") == 1
    assert find(tasks, "tasks.of=y.task") == 2
    assert find(tasks, "tasks.of=z.task") is None


def test_a_script_that_was_recorded_is_read_as_it_was() -> None:
    text = dump([*acts()])

    assert dump(load(text)) == text


def test_only_what_nobody_explained_is_left(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(
        "[[known]]\nlines = '.*\\.body\\.params: was null, is .*'\nwhy = 'new'\n"
    )
    table = "| `no_partner` | `not_found` | `GET /v1/x`, `POST /v1/partners/{p}/test` |"
    step = ".steps.7 [a.demo ben: POST /v1/partners/aa/test].body"
    other = step.replace("aa/test", "aa/bb/test")
    urn = "urn:fedsafe:problem"
    types = f'was "{urn}:not_found", is "{urn}:no_partner"'
    left, counts = sorted_out(
        [
            f"{step}.params: was null, is {{}}",
            f'{step}.code: was "not_found", is "no_partner"',
            f"{step}.type: {types}",
            f'{step}.code: was "not_found", is "no_desk"',
            f'{other}.code: was "not_found", is "no_partner"',
            f"{step}.status: was 404, is 409",
        ],
        known,
        table,
    )

    assert counts == {"new": 1, "a row of the table of codes": 2}
    assert [each.rpartition(": ")[0][-5:] for each in left] == [".code"] * 2 + ["tatus"]


def test_a_reworded_sentence_is_no_difference_but_another_value_is() -> None:
    pairs = [
        ("{count} of {name} ask", "{name} has {count} questions"),
        ("no file {}", "the file {} is missing"),
    ]
    was = Record(steps=[{"out": ["fedsafe: error: 3 of a ask (b)", "no file x: y"]}])
    now = ["fedsafe: error: a has 3 questions (b)", "the file x is missing: y"]

    same = said_as_before(Record(steps=[{"out": now}]), pairs)
    other = said_as_before(Record(steps=[{"out": [now[0], "the file z is"]}]), pairs)

    assert differences(was, same) == []
    assert len(differences(was, other)) == 1


def test_every_route_is_played() -> None:
    played = {(step.method, step.target) for step in refusals()}

    assert len(played) >= len(ROUTES)
