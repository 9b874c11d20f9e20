# SPDX-License-Identifier: Apache-2.0
"""The values of a policy in words, German and English.

English keeps the codes as a policy writes them; German names what has a name.
"""

from functools import cache
from typing import Final

from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.ground.catalogue import Phrase, joined
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import Span

_UNITS: Final = {
    "day": Phrase("day"),
    "days": Phrase("days"),
    "month": Phrase("month"),
    "months": Phrase("months"),
}
_WORDS: Final = {
    each.english: each
    for each in (
        Phrase.within("value", "actor"),
        Phrase.within("value", "media"),
        Phrase.within("value", "federation"),
        Phrase.within("value", "group"),
        Phrase.within("value", "nodes"),
        Phrase.within("value", "email"),
        Phrase.within("value", "phone"),
        Phrase.within("value", "username"),
        Phrase.within("value", "device"),
        Phrase.within("value", "payment"),
        Phrase.within("value", "ip"),
        Phrase.within("value", "url"),
        Phrase.within("value", "confirmed_media"),
        Phrase.within("value", "confirmed_conduct"),
        Phrase.within("value", "single_report"),
        Phrase.within("value", "public_content"),
        Phrase.within("value", "hosted_private"),
        Phrase.within("value", "ni_ics_private"),
        Phrase.within("value", "registration"),
        Phrase.within("value", "shop"),
        Phrase.within("value", "signup_check"),
        Phrase.within("value", "recheck"),
        Phrase.within("value", "moderation_review"),
        Phrase.within("value", "media_matching"),
        Phrase.within("value", "escalation"),
        Phrase.within("value", "rights_of_the_person"),
        Phrase.within("value", "audit_review"),
        Phrase.within("value", "supervision"),
        Phrase.within("value", "operations"),
        Phrase.within("value", "lookup"),
        Phrase.within("value", "publishing"),
        Phrase.within("value", "rights"),
        Phrase.within("value", "backfill"),
        Phrase.within("value", "service"),
        Phrase.within("value", "analyst"),
        Phrase.within("value", "reviewer"),
        Phrase.within("value", "operator"),
        Phrase.within("value", "auditor"),
        Phrase.within("value", "escalation_officer"),
        Phrase.within("value", "legal_adviser"),
        Phrase.within("value", "youth_protection_officer"),
        Phrase.within("value", "dpo"),
        Phrase.within("value", "actor_signal"),
        Phrase.within("value", "permanent_ban"),
        Phrase.within("value", "dispatch"),
        Phrase.within("value", "policy_change"),
        Phrase.within("value", "charter_change"),
        Phrase.within("value", "key_rotation"),
        Phrase.within("value", "export_with_openings"),
        Phrase.within("value", "pseudonym_reveal"),
        Phrase.within("value", "gate_opening"),
        Phrase.within("value", "breach_silence"),
        Phrase.within("value", "subject_erasure"),
        Phrase.within("value", "request_grant"),
        Phrase.within("value", "recipient_silence"),
        Phrase.within("value", "quarantine_end"),
        Phrase.within("value", "flood_bound"),
        Phrase.within("value", "appeal_ruling"),
        Phrase.within("value", "identity_check"),
        Phrase.within("value", "own_ban"),
        Phrase.within("value", "media_signal"),
        Phrase.within("value", "role_grant"),
        Phrase.within("value", "basic"),
        Phrase.within("value", "advanced"),
        Phrase.within("value", "legal"),
        Phrase.within("value", "trauma_informed"),
        Phrase.within("value", "child_contact"),
        Phrase.within("value", "emergency"),
        Phrase.within("value", "bdsg_29_1"),
        Phrase.within("value", "bdsg_32_1_5"),
        Phrase.within("value", "bdsg_33_1_2a"),
        Phrase.within("value", "bdsg_33_1_2b"),
        Phrase.within("value", "role_addresses"),
        Phrase.within("value", "disposable_domains"),
        Phrase.within("value", "carrier_ranges"),
        Phrase.within("value", "special_ranges"),
        Phrase.within("value", "common_names"),
        Phrase.within("value", "EEA"),
        Phrase.within("value", "record"),
        Phrase.within("value", "synthetic"),
        Phrase.within("value", "listed"),
        Phrase.within("value", "any"),
    )
}
"""Codes, which are English as they are."""


def said(value: object) -> Text:
    """Say a value: a span, a code, a set of codes, or a number."""
    if isinstance(value, frozenset):
        texts = [said(item) for item in sorted(value, key=str)]
        return joined(", ", texts).both()
    if isinstance(value, Span):
        return _span(value)
    code = str(value)
    if (name := _names().get(code)) is not None:
        return Text(name, code)
    return _WORDS[code].both() if code in _WORDS else Text(code, code)


@cache
def _names() -> dict[str, str]:
    return {key.value: row.name.de for key, row in phenomena().items()}


def _span(span: Span) -> Text:
    count, _, unit = str(span).partition(" ")
    return joined(" ", [count, _UNITS[unit]]).both()
