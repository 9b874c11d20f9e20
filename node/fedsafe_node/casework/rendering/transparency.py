# SPDX-License-Identifier: Apache-2.0
"""One row for the DSA Transparency Database (Art. 24 (5)), without personal data.

Field names and values are those of the database's API as of June 2026 (statement of
reasons, one object). Nothing of a person enters: codes, dates and fixed sentences,
and whatever people wrote is searched for identifiers first. No decision is ever said
to be automated, since a person takes each.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import UNSET

from fedsafe_node.casework.rendering.identifiers import find_identifier
from fedsafe_node.casework.rendering.texts import name_of, say
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.package import Elements, refuse_media
from fedsafe_policies.escalation.vocabulary import Language, Step
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Phenomenon

_MINORS: Final = "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"
_PRODUCTS: Final = "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS"
_KEYWORDS: Final[Mapping[Phenomenon, str]] = MappingProxyType(
    {
        Phenomenon.GROOMING: "KEYWORD_GROOMING_SEXUAL_ENTICEMENT_MINORS",
        Phenomenon.ABUSE_DEPICTION: "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL",
        Phenomenon.SEX_DOLL_ORDER: "KEYWORD_PROHIBITED_PRODUCTS",
    }
)
_ACCOUNT: Final[Mapping[Step, str]] = MappingProxyType(
    {
        Step.L4: "DECISION_ACCOUNT_SUSPENDED",
        Step.L5: "DECISION_ACCOUNT_TERMINATED",
        Step.L6: "DECISION_ACCOUNT_TERMINATED",
    }
)
_CONTENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "image": "CONTENT_TYPE_IMAGE",
        "video": "CONTENT_TYPE_VIDEO",
        "audio": "CONTENT_TYPE_AUDIO",
        "text": "CONTENT_TYPE_TEXT",
    }
)


def dsa_row(
    known: Elements,
    sources: frozenset[CaseSource],
    language: Language,
    *,
    puid: str,
    automated_detection: bool | None,
) -> bytes:
    """Write the row as JSON; `puid` names the statement and nobody, and stays.

    Raises:
        RenderingError: nothing was decided that the database takes, nobody says how
            the content was found or when it was posted, or something in it looks
            like an identifier.
    """
    if automated_detection is None:
        raise RenderingError(
            "lacking",
            Phrase("a row asks whether the content was found by automated means"),
        )
    if known.phenomenon is UNSET or known.measures is UNSET:
        raise RenderingError(
            "lacking", Phrase("a row asks for phenomenon and measures")
        )
    decided = _decisions(known)
    if not decided:
        raise RenderingError(
            "lacking", Phrase("no measure is one that the database takes (L2 to L6)")
        )
    day = _day(known)
    phenomenon = known.phenomenon
    product = phenomenon is Phenomenon.SEX_DOLL_ORDER
    row: dict[str, Any] = {
        **decided,
        **_ground(known, language),
        "content_type": _types(known),
        "content_date": day,
        "application_date": _first_day(known),
        "category": _PRODUCTS if product else _MINORS,
        "category_specification": [_KEYWORDS.get(phenomenon, "KEYWORD_OTHER")],
        "territorial_scope": [],
        "decision_facts": say(
            "dsa_facts", language, phenomenon=name_of(phenomenon, language)
        ),
        "source_type": _source(sources),
        "automated_detection": "Yes" if automated_detection else "No",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "puid": puid,
    }
    if phenomenon not in _KEYWORDS:
        row["category_specification_other"] = name_of(phenomenon, language)
    written = {name: value for name, value in row.items() if value != []}
    _refuse_identifiers(written, known)
    refuse_media(written)
    return msgspec.json.format(msgspec.json.encode(written), indent=2) + b"\n"


def _decisions(known: Elements) -> dict[str, Any]:
    steps = {} if known.measures is UNSET else {each.step for each in known.measures}
    decided: dict[str, Any] = {}
    if Step.L2 in steps:
        decided["decision_visibility"] = ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    if Step.L3 in steps:
        decided["decision_provision"] = "DECISION_PROVISION_PARTIAL_SUSPENSION"
    hardest = max((step for step in steps if step in _ACCOUNT), default=None)
    if hardest is not None:
        decided["decision_account"] = _ACCOUNT[hardest]
    return decided


def _ground(known: Elements, language: Language) -> dict[str, str]:
    """Name the sections that a person suspects, else the provider's own terms."""
    if known.suspicion is not UNSET:
        return {
            "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
            "illegal_content_legal_ground": "; ".join(known.suspicion.sections)[:500],
            "illegal_content_explanation": say("dsa_illegal", language),
        }
    return {
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": say("dsa_terms", language),
        "incompatible_content_explanation": say("dsa_incompatible", language),
    }


def _types(known: Elements) -> list[str]:
    kinds: set[str] = set()
    if known.attachments is not UNSET:
        kinds |= {each.media_type for each in known.attachments}
    if known.media_hashes is not UNSET:
        hashes = known.media_hashes
        kinds |= {each.media_type for each in hashes if each.media_type is not UNSET}
    found = {_CONTENT_TYPES.get(kind.partition("/")[0]) for kind in kinds} - {None}
    if known.content is not UNSET or not found:
        found.add("CONTENT_TYPE_TEXT")
    return sorted(filter(None, found))


def _day(known: Elements) -> str:
    """Return when the content was posted, as far as the case says."""
    moments = []
    if known.content is not UNSET:
        moments += [each.at for each in known.content if each.at is not UNSET]
    if known.network is not UNSET:
        moments += [each.at for each in known.network]
    if not moments:
        raise RenderingError(
            "lacking",
            Phrase(
                "a row asks for the date of the content: give an excerpt or a network "
                "trace its moment"
            ),
        )
    return f"{min(moments):%Y-%m-%d}"


def _first_day(known: Elements) -> str:
    taken = () if known.measures is UNSET else known.measures
    return f"{min(each.taken_at for each in taken):%Y-%m-%d}"


def _source(sources: frozenset[CaseSource]) -> str:
    if CaseSource.TRUSTED_FLAGGER in sources:
        return "SOURCE_TRUSTED_FLAGGER"
    if CaseSource.USER_REPORT in sources:
        return "SOURCE_ARTICLE_16"
    if sources & {CaseSource.AUTHORITY, CaseSource.FOREIGN_SIGNAL}:
        return "SOURCE_TYPE_OTHER_NOTIFICATION"
    return "SOURCE_VOLUNTARY"


def _refuse_identifiers(row: Mapping[str, Any], known: Elements) -> None:
    dates = {"puid", "content_date", "application_date"}
    texts = [
        value
        for name, value in row.items()
        if isinstance(value, str) and name not in dates
    ]
    kind = find_identifier([text for text in texts if not text.isupper()], known)
    if kind is not None:
        raise RenderingError(
            "identifier_refused",
            Phrase(
                "the row would hold what looks like an identifier ({kind}); it is "
                "found among the sections of the suspicion"
            ).filled(kind=kind),
        )
