# SPDX-License-Identifier: Apache-2.0
"""The documents for people: which parts each has, in which order.

A layout lists elements; what a package does not hold does not appear. A test compares
every layout with the minimisation matrix, so that nothing a partner receives is lost
between the package and the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from msgspec import UNSET, structs

from fedsafe_node.casework.rendering.document import (
    Blanks,
    Block,
    Document,
    Fact,
    Facts,
    Paragraph,
    Section,
    check,
    texts_of,
)
from fedsafe_node.casework.rendering.facts import facts_of
from fedsafe_node.casework.rendering.identifiers import find_identifier
from fedsafe_node.casework.rendering.texts import in_language, name_of, say
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import CasePackage, Elements
from fedsafe_policies.escalation.vocabulary import Element, Language, Mark
from fedsafe_policies.ground.catalogue import Phrase

Parts = tuple[tuple[str, tuple[Element, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a document needs beside the package: `missing` is what a draft lacks."""

    matrix: Matrix
    language: Language
    mark: Mark | None = None
    missing: frozenset[Element] = frozenset()
    known: Elements | None = None

    def say(self, key: str) -> str:
        """Return a text in the language of the document."""
        return say(key, self.language)


SENDER: Final = (
    Element.SENDER,
    Element.CONTACT,
    Element.REPLY,
    Element.CASE,
    Element.LEGAL_BASIS,
)
SUSPECTS: Final = (Element.SUSPECTS, Element.NETWORK)
AFFECTED: Final = (Element.VICTIM_AGES, Element.VICTIMS, Element.REPORTER)
PLACE: Final = (Element.LOCATION, Element.REGION)
CONTENT: Final = (
    Element.CONTENT,
    Element.LOCATORS,
    Element.MEDIA_HASHES,
    Element.FEATURE,
)
MEASURES: Final = (Element.MEASURES, Element.ATTACHMENTS, Element.PRESERVATION)
FACTS: Final = (
    Element.PHENOMENON,
    Element.THREAT,
    Element.SUMMARY,
    Element.SUSPICION,
)

PORTAL: Final[Parts] = (
    ("part_sender", SENDER),
    ("part_place", PLACE),
    ("part_suspects", SUSPECTS),
    ("part_affected", AFFECTED),
    ("part_content", CONTENT),
    ("part_measures", MEASURES),
    ("part_consent", (Element.CONSENT,)),
)
LETTER: Final[Parts] = (
    ("part_sender", SENDER),
    ("part_threat", FACTS),
    ("part_place", PLACE),
    ("part_suspects", SUSPECTS),
    ("part_affected", AFFECTED),
    ("part_content", CONTENT),
    ("part_measures", MEASURES),
    ("part_consent", (Element.CONSENT,)),
)
NOTICE: Final[Parts] = (
    ("part_sender", SENDER),
    ("part_content", (Element.PHENOMENON, Element.LOCATORS, Element.MEDIA_HASHES)),
    ("part_measures", (Element.MEASURES,)),
)
HAND_OVER: Final[Parts] = (
    ("part_sender", SENDER),
    ("part_threat", (Element.PHENOMENON,)),
    ("part_consent", (Element.CONSENT,)),
    ("part_affected", (*AFFECTED, Element.REGION)),
    ("part_measures", (Element.MEASURES,)),
)
VIGNETTE: Final = (Element.PHENOMENON, Element.VICTIM_AGES, Element.FEATURE)

_CONSENTED: Final = frozenset(
    {Element.VICTIMS, Element.VICTIM_AGES, Element.REGION, Element.MEASURES}
)
"""What a hand-over holds only as far as the consent in the package covers it."""

_MARKS: Final[Mapping[Mark | None, tuple[str, ...]]] = MappingProxyType(
    {
        None: (),
        Mark.TEST: ("test_note",),
        Mark.DRAFT: ("draft_note",),
    }
)


def portal_sheet(package: CasePackage, context: Context) -> Document:
    """Write the sheet from which a person fills in the portal of the police."""
    closing = Blanks(
        (
            context.say("portal_reference"),
            context.say("portal_submitted"),
            context.say("portal_by"),
        )
    )
    return _document(
        package,
        context,
        "portal_title",
        ("portal_lead", "suspicion_note", "no_media_note"),
        (
            Section(context.say("portal_first"), (_asked_first(package, context),)),
            *_parts(package, PORTAL, context),
            Section(context.say("portal_after"), (closing,)),
        ),
    )


def letter(package: CasePackage, context: Context) -> Document:
    """Write a letter to the police or a prosecutor."""
    emergency = ("letter_emergency",) if _is_emergency(package) else ()
    lead = ("letter_greeting", "letter_lead", *emergency)
    notes = ("suspicion_note", "no_media_note")
    return _letter(package, context, "letter_title", (*lead, *notes))


def welfare_letter(package: CasePackage, context: Context) -> Document:
    """Write a letter to a youth-welfare office."""
    lead = ("letter_greeting", "welfare_lead", "suspicion_note")
    return _letter(package, context, "welfare_title", lead)


def notice(package: CasePackage, context: Context) -> Document:
    """Write a notice to a hotline: places and digests, nobody."""
    parts = _parts(package, NOTICE, context)
    lead = ("notice_lead", "suspicion_note", "no_media_note")
    return _document(package, context, "notice_title", lead, parts)


def hand_over(package: CasePackage, context: Context) -> Document:
    """Write a hand-over to counselling; without recorded consent it names nobody."""
    consent = package.elements.consent
    covered = frozenset() if consent is UNSET else frozenset(consent.covers)
    hidden = _CONSENTED - covered
    if consent is UNSET:
        hidden |= {Element.REPORTER}
    gone = {element.value: UNSET for element in hidden}
    said = structs.replace(
        package, elements=structs.replace(package.elements, **gone), unavailable={}
    )
    lead = ("handover_empty",) if consent is UNSET else ("handover_lead",)
    return _document(
        said,
        context,
        "handover_title",
        (*lead, "handover_revoke"),
        _parts(said, HAND_OVER, context),
    )


def vignette(package: CasePackage, context: Context) -> Document:
    """Write a vignette for the working group.

    Raises:
        RenderingError: something in it looks like an identifier; the kind is named.
    """
    told = package.elements.vignette
    if told is UNSET:
        raise RenderingError("no_vignette", Phrase("the case has no vignette yet"))
    language, story = context.language, context.say("vignette_story")
    blocks: list[Block] = [facts_of(package, VIGNETTE, context.matrix, language)]
    sections = [Section(context.say("part_threat"), tuple(blocks))]
    sections.append(Section(story, (Paragraph(told.text),)))
    if told.steps:
        steps = tuple(name_of(step, language) for step in told.steps)
        facts = Facts((Fact(context.say("vignette_steps"), steps),))
        sections.append(Section(context.say("vignette_steps"), (facts,)))
    if told.question is not UNSET:
        question = (Paragraph(told.question),)
        sections.append(Section(context.say("vignette_question"), question))
    lead = ("vignette_lead",)
    document = _document(package, context, "vignette_title", lead, tuple(sections))
    kind = find_identifier(texts_of(document), context.known)
    if kind is not None:
        raise RenderingError(
            "identifier_refused",
            Phrase(
                "the vignette holds what looks like an identifier ({kind}); say it "
                "without"
            ).filled(kind=kind),
        )
    return document


def _letter(
    package: CasePackage, context: Context, title: str, lead: tuple[str, ...]
) -> Document:
    parts = _parts(package, LETTER, context)
    regards = [Paragraph(context.say("letter_closing"))]
    regards.append(Paragraph(context.say("letter_regards")))
    sender = package.elements.sender
    if sender is not UNSET:
        regards.append(Paragraph(sender.provider))
    ending = Section("", tuple(regards))
    return _document(package, context, title, lead, (*parts, ending))


def _document(
    package: CasePackage,
    context: Context,
    title: str,
    lead: tuple[str, ...],
    sections: tuple[Section, ...],
) -> Document:
    sender = package.elements.sender
    mark = Mark.TEST if package.test else context.mark
    banner = "" if mark is None else context.say(f"mark_{mark}")
    return check(
        Document(
            language=context.language,
            title=context.say(title),
            author="" if sender is UNSET else sender.provider,
            banner=banner,
            lead=tuple(context.say(key) for key in (*_MARKS[mark], *lead)),
            sections=(*sections, *_missing(context)),
        )
    )


def _parts(package: CasePackage, parts: Parts, context: Context) -> tuple[Section, ...]:
    found = (
        (key, facts_of(package, elements, context.matrix, context.language))
        for key, elements in parts
    )
    return tuple(
        Section(context.say(key), (facts,)) for key, facts in found if facts.facts
    )


def _asked_first(package: CasePackage, context: Context) -> Facts:
    """Write the two fields of the portal that are known for certain."""
    elements, language = package.elements, context.language
    facts: list[Fact] = []
    if elements.threat is not UNSET:
        danger = name_of(elements.threat.danger, language)
        facts.append(Fact(context.say("portal_danger"), (danger,)))
        facts.append(Fact(context.say("portal_reason"), (elements.threat.reason,)))
    if elements.phenomenon is not UNSET:
        name = name_of(elements.phenomenon, language)
        crime = say("portal_other", language, phenomenon=name)
        facts.append(Fact(context.say("portal_crime"), (crime,)))
    suspicion = (Element.SUSPICION, Element.SUMMARY)
    rest = facts_of(package, suspicion, context.matrix, language)
    return Facts((*facts, *rest.facts))


def _missing(context: Context) -> tuple[Section, ...]:
    if not context.missing or context.mark is None:
        return ()
    names = tuple(
        in_language(context.matrix.element_name(element), context.language)
        for element in Element
        if element in context.missing
    )
    note = Paragraph(context.say("missing_note"))
    heading = context.say("missing")
    return (Section(heading, (note, Facts((Fact(context.say("lacking"), names),)))),)


def _is_emergency(package: CasePackage) -> bool:
    case = package.elements.case
    return case is not UNSET and case.urgency.value == "u0"
