# SPDX-License-Identifier: Apache-2.0
"""All forms of a case: which class of partner has which, and in which media type.

`render` is the one way from a package to bytes. It refuses media bytes whatever the
form, and writes a form for the classes that it is meant for and for no other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from fedsafe_node.casework.rendering.document import Document, plain
from fedsafe_node.casework.rendering.html import html
from fedsafe_node.casework.rendering.pack import Quarter, quarter_pack
from fedsafe_node.casework.rendering.pdf import pdf
from fedsafe_node.casework.rendering.sheets import (
    Context,
    hand_over,
    letter,
    notice,
    portal_sheet,
    vignette,
    welfare_letter,
)
from fedsafe_node.casework.rendering.transparency import dsa_row
from fedsafe_node.casework.rendering.xarf import xarf
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import (
    CasePackage,
    Elements,
    encode_package,
    refuse_media,
)
from fedsafe_policies.escalation.vocabulary import (
    Classification,
    Form,
    Language,
    PartnerClass,
    Written,
)
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(frozen=True, slots=True)
class Rendering:
    """A named document."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a form asks for that a package does not say."""

    sources: frozenset[CaseSource] = field(default_factory=frozenset)
    classification: Classification | None = None
    automated_detection: bool | None = None


Writer = Callable[[CasePackage, Context], Document]

_POLICE: Final = frozenset(
    {PartnerClass.POLICE_EMERGENCY, PartnerClass.LAW_ENFORCEMENT}
)
_DOCUMENTS: Final[Mapping[tuple[Form, PartnerClass], Writer]] = MappingProxyType(
    {
        (Form.PORTAL_SHEET, PartnerClass.LAW_ENFORCEMENT): portal_sheet,
        (Form.LETTER, PartnerClass.POLICE_EMERGENCY): letter,
        (Form.LETTER, PartnerClass.LAW_ENFORCEMENT): letter,
        (Form.LETTER, PartnerClass.YOUTH_WELFARE): welfare_letter,
        (Form.NOTICE, PartnerClass.HOTLINE): notice,
        (Form.HAND_OVER, PartnerClass.COUNSELLING): hand_over,
        (Form.VIGNETTE, PartnerClass.WORKING_GROUP): vignette,
    }
)
_READ: Final = (Form.LETTER, Form.NOTICE, Form.HAND_OVER, Form.VIGNETTE)
_REPORTED_TO: Final = _POLICE | {PartnerClass.HOTLINE}
_MEDIA_TYPES: Final[Mapping[Written, tuple[str, str]]] = MappingProxyType(
    {
        Written.HTML: ("html", "text/html"),
        Written.PDF: ("pdf", "application/pdf"),
        Written.TEXT: ("txt", "text/plain"),
    }
)


def forms_of(partner: PartnerClass) -> frozenset[Form]:
    """Return the forms that a class of partner has."""
    if partner in {PartnerClass.PEER, PartnerClass.BZKJ}:
        return frozenset()
    forms = {form for form, class_ in _DOCUMENTS if class_ is partner}
    if partner is not PartnerClass.WORKING_GROUP:
        forms.add(Form.PACKAGE)
    if partner in _REPORTED_TO:
        forms.add(Form.XARF)
    return frozenset(forms)


def paper_of(partner: PartnerClass) -> Form | None:
    """Return the form that people at a partner of this class read, if it has one."""
    return next((form for form in _READ if form in forms_of(partner)), None)


def render(
    package: CasePackage,
    form: Form,
    context: Context,
    *,
    written: Written = Written.HTML,
    told: Told | None = None,
) -> Rendering:
    """Write a package in a form.

    Raises:
        RenderingError: the class has no such form, or it lacks something.
        CasePackageError: media bytes were found.
    """
    partner, told = package.partner_class, told or Told()
    if form not in forms_of(partner):
        forms = ", ".join(sorted(forms_of(partner))) or "none of a single case"
        raise RenderingError(
            "no_form",
            Phrase("{partner} has these forms: {forms}").filled(
                partner=partner, forms=forms
            ),
        )
    name = f"{form}-{package.package_id}"
    match form:
        case Form.PACKAGE:
            content = encode_package(package)
            return Rendering(f"{name}.json", "application/json", content)
        case Form.XARF:
            content = xarf(package, told.sources, told.classification)
            return Rendering(f"{name}.json", "application/json", content)
        case _:
            document = _DOCUMENTS[form, partner](package, context)
            return _written(document, written, name, package.made_at)


def render_row(
    known: Elements, told: Told, puid: UUID, language: Language
) -> Rendering:
    """Write the row for the DSA Transparency Database, which is no partner.

    Raises:
        RenderingError: it lacks something, or would hold an identifier.
    """
    content = dsa_row(
        known,
        told.sources,
        language,
        puid=puid.hex,
        automated_detection=told.automated_detection,
    )
    return Rendering(f"dsa-row-{puid.hex}.json", "application/json", content)


def render_pack(  # noqa: PLR0913 - what a pack is made of
    cases: Iterable[Elements],
    quarter: Quarter,
    matrix: Matrix,
    language: Language,
    *,
    written: Written,
    made_at: datetime,
) -> Rendering:
    """Write the quarterly pack for the BzKJ.

    Raises:
        CasePackageError: media bytes were found.
        RenderingError: the library for PDF is not installed.
    """
    document = quarter_pack(cases, quarter, matrix, language)
    return _written(document, written, f"bzkj-{quarter}", made_at)


def _written(
    document: Document, written: Written, name: str, made_at: datetime
) -> Rendering:
    ending, media_type = _MEDIA_TYPES[written]
    if written is Written.PDF:  # its texts are searched in the document
        content = pdf(document, made_at)
    else:
        content = (html if written is Written.HTML else plain)(document)
        refuse_media(content.decode())
    return Rendering(f"{name}.{ending}", media_type, content)
