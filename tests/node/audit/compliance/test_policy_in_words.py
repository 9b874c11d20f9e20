# SPDX-License-Identifier: Apache-2.0
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import cast

import msgspec
import pytest
from tests.node.audit.compliance.nodes import FEDERATED, text_of

from fedsafe_node.audit.compliance.model import Language, Table
from fedsafe_node.audit.compliance.model import SheetKind as Kind
from fedsafe_node.audit.compliance.policy_in_words import HEAD, tell_policy
from fedsafe_policies.documents.document import Document
from fedsafe_policies.documents.policy import Policy, shipped
from fedsafe_policies.ground.span import Span

EXEMPT = {"format": "how the file is written, not what it says"}
"""Keys of a policy that no document names, and why."""


def _keys(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        key = f"{prefix}{field.name}"
        is_section = isinstance(field.type, type) and issubclass(
            field.type, msgspec.Struct
        )
        if is_section and not key.startswith("title"):
            yield from _keys(field.type, f"{key}.")
        else:
            yield key


KEYS = [key for key in _keys(Document) if key not in EXEMPT]


def _rows(policy: Policy, language: Language, key: str) -> list[tuple[str, ...]]:
    return [
        row
        for section in tell_policy(policy, language)
        for block in section.blocks
        if isinstance(block, Table)
        for row in block.rows
        if row[0] == f"`{key}`" or row[0].startswith(f"`{key}.")
    ]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", ["strict", "germany", "synthetic"])
def test_every_key_of_a_policy_is_told(name: str, language: Language) -> None:
    silent = [
        key
        for key in KEYS
        if key not in HEAD and not _rows(shipped(name), language, key)
    ]

    assert silent == [], "say in compliance/data/policy.toml what these mean"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", ["strict", "germany", "synthetic"])
def test_no_word_is_said_twice_in_a_row(name: str, language: Language) -> None:
    policy = shipped(name)
    told = [
        cell for key in KEYS for row in _rows(policy, language, key) for cell in row
    ]

    assert [cell for cell in told if re.search(r"\b([^\W\d]+) \1\b", cell)] == []


def test_the_head_names_the_policy() -> None:
    document = FEDERATED.policy.document
    text = text_of(Kind.ART30, FEDERATED)

    assert set(HEAD) - set(KEYS) == set(EXEMPT)
    assert FEDERATED.policy.reference in text
    assert FEDERATED.policy.digest in text
    assert document.title.en in text
    assert document.dated.isoformat() in text


def _other(value: object) -> object:
    """Return another value of the same type."""
    if isinstance(value, Mapping):
        first = next(iter(value), None)
        return {"x": "y"} if first is None else {**value, first: frozenset()}
    if isinstance(value, Enum):
        return next(one for one in type(value) if one is not value)
    if isinstance(value, frozenset):
        return value ^ {min(value, key=str, default="x")}
    if isinstance(value, Span):
        return Span.parse("17 days")
    return value[1:] if isinstance(value, tuple) else cast("int", value) + 1


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", [key for key in KEYS if key not in HEAD])
def test_a_changed_value_changes_its_row(key: str, language: Language) -> None:
    policy = shipped("germany")
    section, _, name = key.partition(".")
    inner = getattr(policy.document, section)
    if name:
        other = _other(getattr(inner, name))
        changed = msgspec.structs.replace(inner, **{name: other})
    else:
        changed = _other(inner)
    document = msgspec.structs.replace(policy.document, **{section: changed})

    before = _rows(policy, language, key)
    after = _rows(_Unchecked(document), language, key)

    assert before != after


class _Unchecked(Policy):
    """A policy of a document that no file would load."""

    def __init__(self, document: Document) -> None:
        object.__setattr__(self, "document", document)
