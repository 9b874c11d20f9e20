# SPDX-License-Identifier: Apache-2.0
"""Write a document: its definition in one language, filled with a node's facts.

Pure: facts in, a sheet out. The definitions are data that ship with the program.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from fedsafe_node.audit.compliance.conditions import holds
from fedsafe_node.audit.compliance.facts import Facts
from fedsafe_node.audit.compliance.model import (
    Block,
    Definition,
    Language,
    Line,
    Part,
    Point,
    Points,
    Prose,
    Section,
    Sheet,
    SheetKind,
    Table,
)
from fedsafe_node.audit.compliance.policy_in_words import say, tell_policy
from fedsafe_node.audit.compliance.tables import TABLES
from fedsafe_node.audit.compliance.values import VALUES
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text

WITH_POLICY: Final = frozenset({SheetKind.ART30, SheetKind.DPIA})
"""Documents behind which the whole policy follows, line by line."""

_NOTICE: Final = Phrase(
    "Generated on {day} at {time} from the configuration of the node {node}, "
    "version {version}, policy {policy} (SHA-256 {digest}). An engineering reading of "
    "the law and an aid, not legal advice. What the node does not know is called open, "
    "and is to be filled in by hand."
).both()


def write_sheet(kind: SheetKind, language: Language, facts: Facts) -> Sheet:
    """Write one of the documents in one language."""
    definition = definition_of(kind)
    values = {name: value(facts, language) for name, value in VALUES.items()}
    at = facts.at.astimezone(UTC)
    notice = say(_NOTICE, language).format(
        **values,
        day=at.date().isoformat(),
        time=_time(facts.at),
        digest=facts.policy.digest,
    )
    sections = _sections(definition, language, facts, values)
    annex = tell_policy(facts.policy, language) if kind in WITH_POLICY else ()
    return Sheet(
        sheet=kind,
        language=language,
        title=say(definition.title, language).format(**values),
        node=facts.node,
        policy=facts.policy.reference,
        policy_sha256=facts.policy.digest,
        generated_at=at.isoformat(timespec="seconds"),
        notice=notice,
        sections=(*sections, *annex),
    )


def _time(moment: datetime) -> str:
    """Say a time in UTC, and beside it in the zone that it comes in."""
    at = moment.astimezone(UTC)
    if not moment.utcoffset():
        return f"{at:%H:%M} UTC"
    form = "%H:%M %Z" if at.date() == moment.date() else "%Y-%m-%d %H:%M %Z"
    return f"{at:%H:%M} UTC ({moment.strftime(form)})"


@cache
def definition_of(kind: SheetKind) -> Definition:
    """Read the definition of a document."""
    folder = files("fedsafe_node.audit.compliance").joinpath("data")
    name = f"{kind.value.replace('-', '_')}.toml"
    return msgspec.convert(
        tomllib.loads(folder.joinpath(name).read_text("utf-8")), Definition
    )


def _sections(
    definition: Definition,
    language: Language,
    facts: Facts,
    values: Mapping[str, str],
) -> Iterator[Section]:
    writer = _Writer(definition.names, language, facts, values)
    for chapter in definition.chapters:
        if holds(chapter.when, facts):
            yield Section(
                title=say(chapter.title, language),
                blocks=tuple(
                    writer.block(part)
                    for part in chapter.parts
                    if holds(part.when, facts)
                ),
            )


class _Writer:
    """Writes the parts of one document."""

    def __init__(
        self,
        names: Mapping[str, Text],
        language: Language,
        facts: Facts,
        values: Mapping[str, str],
    ) -> None:
        self._names = names
        self._language = language
        self._facts = facts
        self._values = values

    def block(self, part: Part) -> Block:
        """Write a part."""
        if part.text is not None:
            return Prose(self._filled(part.text))
        if part.table is not None:
            return TABLES[part.table](self._facts, self._language)
        if part.lines:
            return self._table(part.lines)
        return Points(tuple(self._filled(each) for each in self._held(part.points)))

    def _table(self, lines: tuple[Line, ...]) -> Table:
        language = self._language
        return Table(
            headings=(
                say(Phrase.within("writer", "item").both(), language),
                say(Phrase("content").both(), language),
            ),
            rows=tuple(
                (say(self._names[line.name], language), self._filled(line))
                for line in lines
                if holds(line.when, self._facts)
            ),
        )

    def _held(self, points: tuple[Point, ...]) -> Iterator[Point]:
        return (point for point in points if holds(point.when, self._facts))

    def _filled(self, text: Text | Point | Line) -> str:
        chosen = text.de if self._language is Language.DE else text.en
        return chosen.format(**self._values)
