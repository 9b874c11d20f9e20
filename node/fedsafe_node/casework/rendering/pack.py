# SPDX-License-Identifier: Apache-2.0
"""The quarterly pack for the BzKJ: which features are misused, and what is done.

Counted over the cases that became known in a quarter, from codes only. A number of
fewer cases than the matrix asks for is never given, nor one from which such a number
could be reckoned back: of a feature with twelve cases, eleven bans would tell of one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET

from fedsafe_node.casework.rendering.document import (
    Blanks,
    Block,
    Chart,
    Document,
    Fact,
    Facts,
    Paragraph,
    Section,
    check,
)
from fedsafe_node.casework.rendering.texts import in_language, name_of, say
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.projection import aggregate
from fedsafe_policies.escalation.vocabulary import (
    AgeBand,
    Element,
    Language,
    PartnerClass,
    Step,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Phenomenon

Counts = Mapping[str, int]
_QUARTER: Final = re.compile(r"(20[0-9]{2})-Q([1-4])")


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of a year in UTC."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Quarter":
        """Read a quarter, such as ``2026-Q4``.

        Raises:
            RenderingError: it is none.
        """
        found = _QUARTER.fullmatch(text)
        if found is None:
            raise RenderingError("no_quarter", Phrase("want a quarter such as 2026-Q4"))
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"{self.year}-Q{self.number}"

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, 3 * self.number - 2, 1, tzinfo=UTC)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        after = self.number % 4 + 1
        year = self.year + (self.number == 4)  # noqa: PLR2004 - the last quarter
        return Quarter(year, after).begins


def quarter_pack(
    cases: Iterable[Elements],
    quarter: Quarter,
    matrix: Matrix,
    language: Language,
) -> Document:
    """Write the pack from the cases of a quarter.

    Raises:
        CasePackageError: media bytes were found in it.
    """
    known = tuple(cases)
    fewest = matrix.document.fewest
    counted = aggregate(known, PartnerClass.BZKJ, matrix)
    sections = [_office(known, language)]
    for element in (
        Element.FEATURE,
        Element.PHENOMENON,
        Element.MEASURES,
        Element.VICTIM_AGES,
    ):
        title = in_language(matrix.element_name(element), language)
        counts = counted.get(element, {})
        sections.append(_section(title, counts, element, language, fewest))
    sections += _effects(known, counted.get(Element.FEATURE, {}), fewest, language)
    names = ("pack_youth", "pack_dpo", "pack_date")
    released = Blanks(tuple(say(key, language) for key in names))
    sections.append(Section(say("pack_release", language), (released,)))
    lead = ("pack_lead", "pack_fewest")
    return check(
        Document(
            language=language,
            title=say("pack_title", language, quarter=str(quarter)),
            author=_provider(known),
            banner="",
            lead=tuple(
                say(key, language, fewest=str(fewest), quarter=str(quarter))
                for key in lead
            ),
            sections=tuple(sections),
        )
    )


def measures_against(
    cases: Iterable[Elements], feature: str, fewest: int
) -> Mapping[str, int]:
    """Count what was done in the cases of one feature.

    A number is given only if it, and what it leaves of the feature's cases, are both
    of at least `fewest` cases, or it is all of them.
    """
    own = [known for known in cases if known.feature == feature]
    steps: Counter[str] = Counter()
    for known in own:
        taken = () if known.measures is UNSET else known.measures
        steps.update({each.step.value for each in taken})
    whole = len(own)
    return {
        step: n
        for step, n in sorted(steps.items())
        if n >= fewest and (n == whole or whole - n >= fewest)
    }


def _effects(
    cases: tuple[Elements, ...], features: Counts, fewest: int, language: Language
) -> list[Section]:
    """Say, feature by feature, what was done about its misuse."""
    heading = say("pack_against", language)
    found: list[Section] = []
    for feature in features:
        steps = measures_against(cases, feature, fewest)
        if steps:
            title = say("pack_against_feature", language, feature=feature)
            chart = _chart(title, steps, Element.MEASURES, language)
            found.append(Section(title, (chart,)))
    return found or [Section(heading, (_too_few(fewest, language),))]


def _section(
    title: str, counts: Counts, element: Element, language: Language, fewest: int
) -> Section:
    if not counts:
        return Section(title, (_too_few(fewest, language),))
    return Section(title, (_chart(title, counts, element, language),))


def _chart(title: str, counts: Counts, element: Element, language: Language) -> Chart:
    by_number = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    bars = tuple((_name(element, code, language), n) for code, n in by_number)
    told = "; ".join(f"{name}: {n}" for name, n in bars)
    return Chart(
        title=title,
        description=say("pack_chart", language, title=title, told=told),
        head=(title, say("pack_cases", language)),
        bars=bars,
    )


def _name(element: Element, code: str, language: Language) -> str:
    match element:
        case Element.PHENOMENON:
            return name_of(Phenomenon(code), language)
        case Element.MEASURES:
            return name_of(Step(code), language)
        case Element.VICTIM_AGES:
            return name_of(AgeBand(code), language)
        case _:
            return code


def _office(cases: tuple[Elements, ...], language: Language) -> Section:
    """Say who sends and who answers, as the newest case has it."""
    facts: list[Fact] = []
    sender = next((c.sender for c in reversed(cases) if c.sender is not UNSET), None)
    reply = next((c.reply for c in reversed(cases) if c.reply is not UNSET), None)
    if sender is not None:
        name = f"{sender.provider} ({sender.country})"
        facts.append(Fact(say("pack_sender", language), (name,)))
    if reply is not None:
        facts.append(Fact(say("pack_reply", language), (reply.address,)))
    blocks: tuple[Block, ...] = (Facts(tuple(facts)),) if facts else ()
    return Section(say("part_sender", language), blocks or (_nobody(language),))


def _provider(cases: tuple[Elements, ...]) -> str:
    return next((c.sender.provider for c in cases if c.sender is not UNSET), "")


def _nobody(language: Language) -> Paragraph:
    return Paragraph(say("none", language))


def _too_few(fewest: int, language: Language) -> Paragraph:
    return Paragraph(say("pack_too_few", language, fewest=str(fewest)))
