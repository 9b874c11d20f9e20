# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document says what is served, and its committed copy is current."""

import json
from pathlib import Path

import pytest

from fedsafe_node.acts.bodies import Problem
from fedsafe_node.api.openapi import build, document
from fedsafe_node.api.routes import ROUTES

DOCS = Path(__file__).parents[3] / "docs" / "reference"


def test_the_committed_document_is_current() -> None:
    assert (DOCS / "openapi.json").read_bytes() == document()


def test_every_route_is_documented_once() -> None:
    paths = build()["paths"]
    documented = {
        (operation["operationId"], method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
    }

    assert documented == {(route.name, route.method, route.path) for route in ROUTES}


def test_every_reference_leads_somewhere() -> None:
    text = document().decode()
    schemas = json.loads(text)["components"]["schemas"]
    references = {
        part.split('"', 1)[0] for part in text.split('"#/components/schemas/')[1:]
    }

    assert references <= set(schemas)
    assert "LookupRequest" in references


def test_every_type_is_closed() -> None:
    objects = [
        schema
        for schema in build()["components"]["schemas"].values()
        if schema.get("type") == "object"
    ]

    assert objects
    assert all(schema["additionalProperties"] is False for schema in objects)


def test_every_route_is_in_the_reference() -> None:
    text = (DOCS / "api.md").read_text()
    missing = [r.path for r in ROUTES if f"`{r.method} {r.path}`" not in text]

    assert missing == []


def test_no_schema_is_named_after_a_module() -> None:
    names = build()["components"]["schemas"]

    assert names
    assert [name for name in names if not name.isidentifier()] == []


def test_two_types_of_one_name_are_told_apart_before_anything_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Problem, "__schema_name__", "QuestionKind", raising=False)

    with pytest.raises(ValueError, match="QuestionKind"):
        build()
