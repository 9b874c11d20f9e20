# SPDX-License-Identifier: Apache-2.0
"""Names, documents, helps and schemas are what they were when they were frozen."""

import ast
import difflib
import json
import sys
from types import ModuleType

import msgspec
import pytest
from tests.fence import names
from tests.fence.frozen import COPIES, FOLDER
from tests.fence.samples import sample_of

WAY_OUT = "if this is meant: python -m tests.fence.frozen --write"


@pytest.mark.parametrize("name", COPIES)
def test_what_is_frozen_is_as_it_was(name: str) -> None:
    was, now = (FOLDER / name).read_text(encoding="utf-8"), COPIES[name]()
    difference = "\n".join(
        difflib.unified_diff(was.splitlines(), now.splitlines(), "was", "is", n=1)
    )

    assert not difference, f"{difference}\n{WAY_OUT}"


@pytest.mark.parametrize(
    ("kind", "some"),
    [
        ("jobs", {"outbox", "checkpoint", "refusals"}),
        ("meta", {"partings", "restrictions/{}", "list-seen/{}/{}", "people/held"}),
        ("documents", {"charter", "charter/{}", "attestation/{}", "ceremonies"}),
        ("loggers", {"fedsafe.node", "fedsafe.replication"}),
        ("details", {"trials", "seed_digest"}),
        ("log fields", {"reason", "peer"}),
        ("errors", {"MalformedError", "CliError"}),
    ],
)
def test_names_of_each_kind_are_found(kind: str, some: set[str]) -> None:
    frozen = json.loads((FOLDER / "names.json").read_text(encoding="utf-8"))

    assert some <= set(frozen[kind])


def _found(source: str) -> dict[str, list[str]]:
    module = ModuleType("rooms_of_another_name")
    exec(source, vars(module))  # noqa: S102 - the source stands in this file
    sys.modules[module.__name__] = module
    found: dict[str, set[str]] = {kind: set() for kind in names.KINDS}
    for scope, node in names.scopes(ast.parse(source)):
        names.note(found, module, scope, node)
    return {kind: sorted(each) for kind, each in found.items() if each}


READING = """
KEY = "kept/{member}"
def key_of(member): return f"told/{member}"
async def act(tx, log, Event, member):
    key = KEY.format(member=member)
    await tx.set_meta(key, b"")
    await tx.document("papers")
    detail = {"why": 1}
    log.note(Event, detail={"who": 2} | detail)
JOBS = lambda Job: {"sweep": Job(act, 1)}
"""


def test_names_are_read_out_of_what_uses_them() -> None:
    assert _found(READING) == {
        "jobs": ["sweep"],
        "meta": ["kept/{}"],
        "documents": ["papers"],
        "details": ["who", "why"],
    }


class _Was(msgspec.Struct, forbid_unknown_fields=True):
    __schema_name__ = "Paper"

    first: int
    second: str


class _Turned(msgspec.Struct, forbid_unknown_fields=True):
    __schema_name__ = "Paper"

    second: str
    first: int


class _Same(msgspec.Struct, forbid_unknown_fields=True):
    __schema_name__ = "Paper"

    first: int
    second: str


class _Open(msgspec.Struct):
    __schema_name__ = "Paper"

    first: int
    second: str


def test_a_class_may_take_another_name_and_none_of_its_fields_another_place() -> None:
    was = sample_of(_Was)

    assert sample_of(_Same) == was
    assert sample_of(_Turned) != was
    assert sample_of(_Open) != was
