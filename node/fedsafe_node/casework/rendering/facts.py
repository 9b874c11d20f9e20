# SPDX-License-Identifier: Apache-2.0
"""The elements of a package as named values in one language.

Each element of a case has one function here that writes it out whole; a test walks
all of them. Moments are written in UTC as authorities compare them.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET

from fedsafe_node.casework.rendering.document import Fact, Facts
from fedsafe_node.casework.rendering.texts import in_language, name_of, say
from fedsafe_policies.escalation.manifest import Attachment
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import (
    CaseIdentity,
    CasePackage,
    Consent,
    Contact,
    Excerpt,
    LegalBasis,
    Location,
    Locator,
    MeasureTaken,
    MediaHash,
    NetworkTrace,
    Preservation,
    Region,
    ReplyAddress,
    Reporter,
    Sender,
    Suspect,
    Suspicion,
    Threat,
    Victim,
    Vignette,
)
from fedsafe_policies.escalation.vocabulary import AgeBand, Element, Language
from fedsafe_policies.vocabulary import Phenomenon

Lines = Iterator[str]
Writer = Callable[[Any, Language], Lines]


def facts_of(
    package: CasePackage,
    elements: tuple[Element, ...],
    matrix: Matrix,
    language: Language,
) -> Facts:
    """Write out those of `elements` that are there, or are said not to be."""
    found = (fact_of(package, each, matrix, language) for each in elements)
    return Facts(tuple(fact for fact in found if fact is not None))


def fact_of(
    package: CasePackage, element: Element, matrix: Matrix, language: Language
) -> Fact | None:
    """Write out one element; None where the package is silent about it."""
    name = in_language(matrix.element_name(element), language)
    value = getattr(package.elements, element)
    if value is not UNSET:
        return Fact(name, lines_of(element, value, language))
    if element in package.unavailable:
        why = name_of(package.unavailable[element], language)
        return Fact(name, (say("unavailable", language, why=why),))
    return None


def lines_of(
    element: Element,
    value: Any,  # noqa: ANN401 - what that element holds
    language: Language,
) -> tuple[str, ...]:
    """Write out the value of one element."""
    return tuple(_WRITERS[element](value, language)) or (say("none", language),)


def moment(at: datetime, language: Language) -> str:
    """Write a moment in UTC, to the second."""
    pattern = (
        "%d.%m.%Y %H:%M:%S UTC" if language is Language.DE else "%Y-%m-%d %H:%M:%S UTC"
    )
    return at.strftime(pattern)


def day(on: date, language: Language) -> str:
    """Write a day."""
    return on.strftime("%d.%m.%Y" if language is Language.DE else "%Y-%m-%d")


def _case(value: CaseIdentity, language: Language) -> Lines:
    yield value.case_ref
    yield name_of(value.urgency, language)
    yield say("known_at", language, at=moment(value.known_at, language))
    if value.prior_refs:
        yield say("prior_refs", language, refs=", ".join(value.prior_refs))


def _sender(value: Sender, language: Language) -> Lines:
    yield f"{value.provider} ({value.country})"
    yield say("node", language, node=value.node)


def _contact(value: Contact, _: Language) -> Lines:
    yield f"{value.function}, {value.phone}"


def _reply(value: ReplyAddress, _: Language) -> Lines:
    yield f"{value.address} ({', '.join(value.languages)})"


def _phenomenon(value: Phenomenon, language: Language) -> Lines:
    yield name_of(value, language)


def _threat(value: Threat, language: Language) -> Lines:
    yield name_of(value.danger, language)
    yield value.reason


def _suspects(value: tuple[Suspect, ...], language: Language) -> Lines:
    for each in value:
        told = {"name": each.name, "email": each.email, "phone": each.phone}
        known = [
            say(f"suspect_{key}", language, value=text)
            for key, text in told.items()
            if text is not UNSET
        ]
        yield "; ".join([say("account", language, value=each.account_id), *known])


def _network(value: tuple[NetworkTrace, ...], language: Language) -> Lines:
    for each in value:
        port = (
            say("no_port", language)
            if each.source_port == "not_available"
            else str(each.source_port)
        )
        proxy = "proxy_possible" if each.possible_proxy else "proxy_unlikely"
        yield say(
            "trace",
            language,
            ip=each.ip,
            port=port,
            at=moment(each.at, language),
            event=name_of(each.event, language),
            proxy=say(proxy, language),
        )


def _content(value: tuple[Excerpt, ...], language: Language) -> Lines:
    for each in value:
        when = "" if each.at is UNSET else f"{moment(each.at, language)}: "
        yield f"{when}{say('quoted', language, text=each.text)}"


def _locators(value: tuple[Locator, ...], language: Language) -> Lines:
    for each in value:
        if each.url is not UNSET:
            yield each.url
        if each.content_id is not UNSET:
            yield say("content_id", language, value=each.content_id)


def _media_hashes(value: tuple[MediaHash, ...], language: Language) -> Lines:
    for each in value:
        yield f"SHA-256 {each.sha256}"
        if each.blake3 is not UNSET:
            yield f"BLAKE3 {each.blake3}"
        if each.pdq is not UNSET:
            yield f"PDQ {each.pdq}"
        if each.object_id is not UNSET:
            yield say("object", language, value=each.object_id)
        if each.media_type is not UNSET:
            yield each.media_type


def _victims(value: tuple[Victim, ...], language: Language) -> Lines:
    for each in value:
        parts = [say("account", language, value=each.account_id)]
        if each.contact is not UNSET:
            parts.append(say("reached_at", language, value=each.contact))
        yield "; ".join(parts)


def _victim_ages(value: tuple[AgeBand, ...], language: Language) -> Lines:
    yield ", ".join(name_of(each, language) for each in value)


def _reporter(value: Reporter, language: Language) -> Lines:
    if value.name is not UNSET:
        yield value.name
    if value.contact is not UNSET:
        yield say("reached_at", language, value=value.contact)
    yield say("is_affected" if value.is_affected else "not_affected", language)


def _location(value: Location, language: Language) -> Lines:
    yield value.place
    yield say("because", language, why=value.because)


def _region(value: Region, _: Language) -> Lines:
    yield value.country if value.land is UNSET else f"{value.country}, {value.land}"


def _suspicion(value: Suspicion, language: Language) -> Lines:
    yield "; ".join(value.sections)
    if value.opinion is not UNSET:
        yield say("opinion", language, value=value.opinion)


def _measures(value: tuple[MeasureTaken, ...], language: Language) -> Lines:
    for each in value:
        yield f"{name_of(each.step, language)}, {moment(each.taken_at, language)}"


def _feature(value: str, _: Language) -> Lines:
    yield value


def _legal_basis(value: LegalBasis, _: Language) -> Lines:
    yield "; ".join(value.basis)


def _attachments(value: tuple[Attachment, ...], language: Language) -> Lines:
    for each in value:
        yield say(
            "attachment",
            language,
            object=each.object_id,
            type=each.media_type,
            size=str(each.size),
            at=moment(each.captured_at, language),
            clock=name_of(each.clock, language),
            by=each.captured_by,
            place=each.held_at,
            hold=each.hold_id,
        )
        yield f"SHA-256 {each.sha256}"
        yield f"BLAKE3 {each.blake3}"


def _preservation(value: Preservation, language: Language) -> Lines:
    until = day(value.until, language)
    yield say("hold", language, day=until, hold=value.hold_id)


def _consent(value: Consent, language: Language) -> Lines:
    yield say(
        "consent",
        language,
        giver=name_of(value.giver, language),
        at=moment(value.given_at, language),
        record=value.record,
    )


def _summary(value: str, _: Language) -> Lines:
    yield value


def _vignette(value: Vignette, language: Language) -> Lines:
    yield value.text
    for step in value.steps:
        yield name_of(step, language)
    if value.question is not UNSET:
        yield value.question


_WRITERS: Final[Mapping[Element, Writer]] = MappingProxyType(
    {
        Element.CASE: _case,
        Element.SENDER: _sender,
        Element.CONTACT: _contact,
        Element.REPLY: _reply,
        Element.PHENOMENON: _phenomenon,
        Element.THREAT: _threat,
        Element.SUSPECTS: _suspects,
        Element.NETWORK: _network,
        Element.CONTENT: _content,
        Element.LOCATORS: _locators,
        Element.MEDIA_HASHES: _media_hashes,
        Element.VICTIMS: _victims,
        Element.VICTIM_AGES: _victim_ages,
        Element.REPORTER: _reporter,
        Element.LOCATION: _location,
        Element.REGION: _region,
        Element.SUSPICION: _suspicion,
        Element.MEASURES: _measures,
        Element.FEATURE: _feature,
        Element.LEGAL_BASIS: _legal_basis,
        Element.ATTACHMENTS: _attachments,
        Element.PRESERVATION: _preservation,
        Element.CONSENT: _consent,
        Element.SUMMARY: _summary,
        Element.VIGNETTE: _vignette,
    }
)
