# SPDX-License-Identifier: Apache-2.0
"""Packages and contexts of the invented case, as the tests of renderings have them."""

from typing import Final

from msgspec import UNSET, structs
from tests.support.maximal import AT, MAXIMAL, PACKAGE_ID

from fedsafe_node.casework.rendering.sheets import Context
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import CasePackage, Elements
from fedsafe_policies.escalation.projection import (
    Circumstances,
    make_package,
    project,
)
from fedsafe_policies.escalation.vocabulary import (
    Condition,
    Element,
    Form,
    Language,
    Mark,
    PartnerClass,
)

ALL: Final = Circumstances(granted=frozenset(Condition), consented=frozenset(Element))
assert MAXIMAL.consent is not UNSET
WHOLE: Final = structs.replace(
    MAXIMAL, consent=structs.replace(MAXIMAL.consent, covers=tuple(Element))
)
"""The maximal case, with consent to everything."""

PAPERS: Final = (
    (Form.PORTAL_SHEET, PartnerClass.LAW_ENFORCEMENT),
    (Form.LETTER, PartnerClass.POLICE_EMERGENCY),
    (Form.LETTER, PartnerClass.LAW_ENFORCEMENT),
    (Form.LETTER, PartnerClass.YOUTH_WELFARE),
    (Form.NOTICE, PartnerClass.HOTLINE),
    (Form.HAND_OVER, PartnerClass.COUNSELLING),
    (Form.VIGNETTE, PartnerClass.WORKING_GROUP),
)
"""All forms for people, each for each class that has it."""


def packed(
    partner: PartnerClass,
    known: Elements = WHOLE,
    circumstances: Circumstances = ALL,
    *,
    test: bool = False,
) -> CasePackage:
    """Return what a class receives of a case."""
    found = project(known, {}, partner, shipped_matrix(), circumstances)
    return make_package(found, package_id=PACKAGE_ID, made_at=AT, test=test)


def context(
    language: Language = Language.DE,
    mark: Mark | None = None,
    known: Elements = WHOLE,
) -> Context:
    """Return the context of a rendering."""
    return Context(matrix=shipped_matrix(), language=language, mark=mark, known=known)
