# SPDX-License-Identifier: Apache-2.0
import re
from collections.abc import Iterator
from dataclasses import replace
from string import Formatter

import click
import pytest
from tests.node.audit.compliance.nodes import ALONE, FEDERATED, text_of

from fedsafe_cli.main import fedsafe
from fedsafe_node.audit.compliance.conditions import CONDITIONS
from fedsafe_node.audit.compliance.model import (
    Definition,
    Language,
    Line,
    Part,
    Point,
)
from fedsafe_node.audit.compliance.model import (
    SheetKind as Kind,
)
from fedsafe_node.audit.compliance.tables import TABLES
from fedsafe_node.audit.compliance.values import VALUES
from fedsafe_node.audit.compliance.writer import definition_of
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.ground.reasons import Text

EVERY = [(kind, language) for kind in Kind for language in Language]
COMMAND = re.compile(r"`fedsafe ([a-z][^`]*)`")


def _parts(definition: Definition) -> Iterator[Part]:
    for chapter in definition.chapters:
        yield from chapter.parts


def _texts(definition: Definition) -> Iterator[Text | Point | Line]:
    yield definition.title
    yield from definition.names.values()
    yield from (chapter.title for chapter in definition.chapters)
    for part in _parts(definition):
        if part.text is not None:
            yield part.text
        yield from part.points
        yield from part.lines


def _named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _conditions(definition: Definition) -> Iterator[str]:
    found: list[str | None] = []
    for chapter in definition.chapters:
        found.append(chapter.when)
        for part in chapter.parts:
            found.append(part.when)
            found += [point.when for point in part.points]
            found += [line.when for line in part.lines]
    return (name.removeprefix("!") for name in found if name is not None)


@pytest.mark.parametrize("kind", Kind)
def test_both_languages_are_complete_and_say_the_same(kind: Kind) -> None:
    for text in _texts(definition_of(kind)):
        assert text.de.strip(), text
        assert text.en.strip(), text
        assert _named(text.de) == _named(text.en), text.en


def test_what_definitions_name_is_there_and_what_is_there_is_named() -> None:
    definitions = [definition_of(kind) for kind in Kind]
    values = {
        name
        for definition in definitions
        for text in _texts(definition)
        for name in _named(text.en)
    }
    notice = {"node", "version", "policy"}
    tables = {
        part.table
        for definition in definitions
        for part in _parts(definition)
        if part.table is not None
    }

    assert values | notice == set(VALUES)
    assert {name for each in definitions for name in _conditions(each)} == set(
        CONDITIONS
    )
    assert tables == set(TABLES)


@pytest.mark.parametrize("kind", Kind)
def test_a_part_is_one_thing_and_its_lines_have_names(kind: Kind) -> None:
    definition = definition_of(kind)
    used = {line.name for part in _parts(definition) for line in part.lines}

    for part in _parts(definition):
        given = (part.text, part.table, part.points or None, part.lines or None)
        assert sum(each is not None for each in given) == 1
    assert used == set(definition.names)


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_every_command_that_a_document_names_is_there(
    kind: Kind, language: Language
) -> None:
    for facts in (ALONE, FEDERATED, replace(ALONE, policy=shipped("germany"))):
        for named in COMMAND.findall(text_of(kind, facts, language)):
            command: click.Command = fedsafe
            for word in named.split():
                if not isinstance(command, click.Group):
                    break
                found = command.get_command(click.Context(command), word)
                assert found is not None, named
                command = found
            assert not isinstance(command, click.Group), named


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", ["strict", "germany", "synthetic"])
def test_german_names_what_has_a_name(kind: Kind, name: str) -> None:
    facts = replace(FEDERATED, policy=shipped(name))
    text = text_of(kind, facts, Language.DE)
    bare = re.sub(r"`[^`]*`", "", text)

    assert re.findall(r"\b[a-z]+_[a-z_0-9]+\b", bare) == []
