# SPDX-License-Identifier: Apache-2.0
"""The case plane stands apart from the signal plane: routes, schemas, imports."""

import ast
from pathlib import Path
from typing import Any, Final

from fedsafe_node.api.cases import CASE_ROUTES
from fedsafe_node.api.dispatches import DISPATCH_ROUTES
from fedsafe_node.api.openapi import build
from fedsafe_node.api.partners import PARTNER_ROUTES
from fedsafe_node.api.routes import ROUTES
from fedsafe_policies.vocabulary import Role

PLANE: Final = (*CASE_ROUTES, *DISPATCH_ROUTES, *PARTNER_ROUTES)
NODE: Final = Path(__file__).parents[4] / "node/fedsafe_node"
OF_SIGNALS: Final = {
    *("token", "opening", "salt", "signal", "signal_id", "origin", "origins"),
    *("grade", "subject_ref", "recommendation", "not_covered"),
}


def test_every_route_of_cases_is_apart_and_all_of_them_are_named() -> None:
    heads = ("/v1/cases", "/v1/partners", "/v1/packs", "/v1/replies")
    paths = {route.path for route in ROUTES if route.path.startswith(heads)}

    assert paths == {route.path for route in PLANE}
    assert "/v1/partners/{partner}/verify" in paths


def test_no_machine_operator_or_auditor_has_a_way_to_a_case() -> None:
    outside = {Role.SERVICE, Role.OPERATOR, Role.AUDITOR}

    assert [route.name for route in PLANE if route.roles & outside] == []


def test_no_field_of_a_signal_is_in_what_cases_take_and_say() -> None:
    document = build()
    names: set[str] = set()
    for route in PLANE:
        _collect(document["paths"][route.path][route.method.lower()], document, names)

    assert "suspects" in names
    assert names & OF_SIGNALS == set()


def _collect(part: Any, document: Any, names: set[str]) -> None:  # noqa: ANN401
    """Collect all fields that a part can hold, in whatever it refers to."""
    waiting, seen = [part], set()
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting += found
        elif isinstance(found, dict):
            names.update(found.get("properties", {}))
            waiting += found.values()
            name = str(found.get("$ref", "")).rpartition("/")[2]
            if name and name != "Problem" and name not in seen:
                seen.add(name)
                waiting.append(document["components"]["schemas"].get(name))


def test_cases_import_no_signals_and_no_signals_import_cases() -> None:
    plane = {"lookup", "signals", "members", "review", "notices"}

    assert "casework" in _imported("api")  # the look finds what there is
    assert _imported("casework") & plane == set()
    for room in sorted(plane):
        assert _imported(room) - {room, "acts", "ground"} != set(), room
        assert "casework" not in _imported(room), room


def _imported(room: str) -> set[str]:
    """Name the rooms of the node that a room's modules import."""
    found: set[str] = set()
    for path in (NODE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                head, _, rest = node.module.partition(".")
                if head == "fedsafe_node":
                    found.add(rest.partition(".")[0])
    return found
