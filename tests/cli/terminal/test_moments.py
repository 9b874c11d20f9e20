# SPDX-License-Identifier: Apache-2.0
"""Moments have one form for programs and one for people, whatever the node sent."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.terminal.moments import in_moments, readable, with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

API = Path(__file__).parents[3] / "docs/reference/openapi.json"
TIME_LIKE = re.compile(r"(^|_)(at|until|since|due|expires|ends|by|when|time)$")
SECONDS, WRITTEN, SHOWN = (
    1_795_000_000,
    "2026-11-18T11:06:40Z",
    "2026-11-18 11:06:40 UTC",
)


def integers(schema: Any) -> Iterator[str]:  # noqa: ANN401 (JSON)
    """Give the names of all properties that may be a number."""
    if isinstance(schema, dict):
        for name, kind in schema.get("properties", {}).items():
            if '"integer"' in json.dumps(kind):
                yield name
        for part in schema.values():
            yield from integers(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from integers(part)


def test_no_time_of_the_api_reaches_a_program_as_a_number() -> None:
    names = set(integers(json.loads(API.read_text())))
    times = {name for name in names if TIME_LIKE.search(name)}

    assert {"ends_at", "kept_at", "fresh_until", "until"} <= times
    told = with_moments({"parts": [dict.fromkeys(times, SECONDS)]})
    assert told == {"parts": [dict.fromkeys(times, WRITTEN)]}


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", SHOWN),
        ("Europe/Berlin", f"{SHOWN} (12:06 CET)"),
        ("Asia/Tokyo", f"{SHOWN} (20:06 JST)"),
        ("Pacific/Auckland", f"{SHOWN} (2026-11-19 00:06 NZDT)"),
    ],
)
def test_people_read_a_moment_in_their_own_zone_as_well(
    monkeypatch: pytest.MonkeyPatch, zone: str, shown: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert readable("at", SECONDS) == shown
        assert in_moments(f"it waits until {WRITTEN}") == f"it waits until {shown}"
        assert with_moments({"at": SECONDS}) == {"at": WRITTEN}
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_no_moment_stays_as_it_is() -> None:
    given = {"since": 17, "size": SECONDS, "ok": True, "until": None, "at": "x"}

    assert with_moments(given) == given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2026-11-18T11:06:40+00:00", WRITTEN),
        ("2026-11-18T12:06:40+01:00", WRITTEN),
        ("2026-11-18T11:06:40.125+00:00", "2026-11-18T11:06:40.125Z"),
        (WRITTEN, WRITTEN),
        ("2026-11-18", "2026-11-18"),
        ("2026-11-18T11:06:40", "2026-11-18T11:06:40"),
    ],
)
def test_programs_read_one_form_of_what_the_node_has_written(
    given: str, told: str
) -> None:
    assert with_moments({"made_at": given, "text": given}) == {
        "made_at": told,
        "text": given,
    }


def test_a_moment_in_a_sentence_has_the_form_for_people() -> None:
    sentence = "away since 2026-11-18T11:06:40+00:00, until 2026-11-18T12:06+01:00"

    assert in_moments(sentence) == f"away since {SHOWN}, until 2026-11-18 11:06:00 UTC"
    assert (
        in_moments("from 2026-11-18 to entry 2026") == "from 2026-11-18 to entry 2026"
    )


def test_no_other_module_writes_a_time_of_its_own() -> None:
    rooms = ("cli/fedsafe_cli", "federation/fedsafe_federation")
    paths = [path for room in rooms for path in (API.parents[2] / room).rglob("*.py")]
    odd = [
        path.name
        for path in paths
        if re.search(r"%H|isoformat\(timespec|\bctime\(", path.read_text())
    ]

    assert sorted(odd) == ["diff.py", "moments.py"]


@pytest.mark.parametrize(
    "given", [SECONDS, WRITTEN, "2026-11-18T12:06:40+01:00", "2026-11-18T11:06:40.125Z"]
)
def test_people_read_one_form(given: object) -> None:
    assert readable("ends_at", given) == SHOWN
    assert readable("until", "2026-11-18") == "2026-11-18"
    assert readable("reference", "2026-T17") == "2026-T17"


def test_what_a_command_prints_has_that_form(ask: "Run", node: "FakeNode") -> None:
    hold: dict[str, object] = {"hold": "0" * 32, "reason": "order:17"}
    hold |= {"placed_by": "dora"}
    hold |= {"subject_ref": "account-7", "until": SECONDS, "placed_at": SECONDS}
    node.always("GET /v1/audit/holds", {"holds": [hold]})

    (told,) = ask("audit", "hold", "list", "--json").document["holds"]
    assert (told["until"], told["placed_at"]) == (WRITTEN, WRITTEN)
    assert SHOWN in ask("audit", "hold", "list").out
