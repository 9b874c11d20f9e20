# SPDX-License-Identifier: Apache-2.0
"""The values that a definition names in braces, each in words of one language.

What a provider entered is written so that it is text and nothing else. What is not
recorded is said to be so, with the command that records it.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from fedsafe_node.audit.compliance.facts import Facts
from fedsafe_node.audit.compliance.model import Language, plain
from fedsafe_node.audit.compliance.policy_in_words import say, value_of
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.documents.strictness import leaf
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.gate import Approval, Consultation
from fedsafe_policies.rules.reviews import decision_ends
from fedsafe_policies.vocabulary import Plane, Role

Value = Callable[[Facts, Language], str]

_NOBODY: Final = Phrase("nobody").both()
_NONE: Final = Phrase("none").both()
_CONSULTED: Final[Mapping[Consultation, Text]] = {
    Consultation.DONE: Phrase.within("values", "done").both(),
    Consultation.NOT_REQUIRED: Phrase("not required").both(),
}


def not_recorded(command: str, language: Language) -> str:
    """Say that a fact is missing, and which command records it."""
    absent = Phrase("not recorded yet").both()
    return f"{say(absent, language)} (`{command}`)"


def day(value: date | None, language: Language) -> str:
    """Write a day, or that there is none."""
    return value.isoformat() if value is not None else say(_NONE, language)


def names_of_members(facts: Facts, language: Language) -> str:
    """Name the other members, each with its jurisdiction."""
    others = facts.federation.others if facts.federation else ()
    named = [f"{plain(one.name)} ({one.jurisdiction})" for one in others]
    return ", ".join(named) or say(_NOBODY, language)


def _leaf(key: str) -> Value:
    return lambda facts, language: value_of(leaf(facts.policy.document, key), language)


def _gate_reference(name: str) -> Value:
    def value(facts: Facts, language: Language) -> str:
        found = getattr(facts.gate.record, name)
        return plain(found) if found else not_recorded("fedsafe gate record", language)

    return value


def _approval(name: str) -> Value:
    def value(facts: Facts, language: Language) -> str:
        found = getattr(facts.gate.record, name)
        if not isinstance(found, Approval):
            return not_recorded("fedsafe gate record", language)
        return f"{plain(found.person)}, {found.on.isoformat()}"

    return value


def _consultation(facts: Facts, language: Language) -> str:
    found = facts.gate.record.consultation
    if found is None:
        return not_recorded("fedsafe gate record", language)
    return say(_CONSULTED[found], language)


def _valid_until(facts: Facts, language: Language) -> str:
    found = facts.gate.record.valid_until
    if found is None:
        return not_recorded("fedsafe gate record", language)
    return found.isoformat()


def _log_records(facts: Facts, language: Language) -> str:
    days = facts.kept.records
    if days == 0:
        return say(Phrase("stays for good").both(), language)
    return say(Phrase("goes after {days} days").filled(days=days).both(), language)


def _phenomena(plane: Plane) -> Value:
    def value(facts: Facts, language: Language) -> str:
        switched = facts.policy.document.phenomena
        names = [
            say(phenomena()[code].name, language)
            for code, planes in switched.items()
            if plane in planes
        ]
        return ", ".join(sorted(names)) or say(_NONE, language)

    return value


def _ageing(facts: Facts, language: Language) -> str:
    spans = facts.policy.document.ageing
    told = [
        f"{value_of(kind, language)}: {value_of(span, language)}"
        for kind, span in sorted(spans.items())
    ]
    return "; ".join(told) or say(_NONE, language)


def _transfers(facts: Facts, language: Language) -> str:
    found = facts.policy.document.jurisdictions.transfers
    told = [f"{code} ({plain(basis)})" for code, basis in sorted(found.items())]
    return ", ".join(told) or say(_NONE, language)


def _of_federation(name: str) -> Value:
    def value(facts: Facts, language: Language) -> str:
        if facts.federation is None:
            return not_recorded("fedsafe federation found run", language)
        found = getattr(facts.federation, name)
        return plain(found.isoformat() if isinstance(found, date) else str(found))

    return value


def _members(facts: Facts, _language: Language) -> str:
    return str(len(facts.federation.others) + 1 if facts.federation else 1)


def _dpo(facts: Facts, language: Language) -> str:
    seat = next((one for one in facts.seats if one.role is Role.DPO), None)
    if seat is None or not seat.people:
        return not_recorded("fedsafe account roles NAME --grant dpo", language)
    if seat.external:
        return say(Phrase("filled, from outside").both(), language)
    return say(Phrase("filled, within the firm").both(), language)


def _dpo_contact(facts: Facts, language: Language) -> str:
    contact = facts.dpo_contact
    if contact is None:
        return not_recorded("dpo_contact in node.toml", language)
    return plain(contact)


def _register_until(facts: Facts, language: Language) -> str:
    return day(facts.register.until, language)


def _register_missing(facts: Facts, language: Language) -> str:
    return ", ".join(facts.register.missing) or say(_NONE, language)


def _gate_missing(facts: Facts, language: Language) -> str:
    told = [f"`{name}`" for name in facts.gate.missing]
    return ", ".join(told) or say(_NONE, language)


_KEYS: Final = (
    *("share.identifiers", "share.media", "share.surfaces", "share.grades"),
    *("scopes.circles", "retention.actor", "retention.renewed", "retention.media"),
    *("retention.revalidate", "retention.bucket", "retention.after_match"),
    *("review.working_days", "review.longest", "review.watch", "review.feature_limit"),
    *("review.second_person_from", "review.hearing_from", "review.alarm_tasks"),
    *("review.alarm_percent", "review.alarm_seconds"),
    "review.ask_again_seconds",
    *("disputes.suspend_minutes", "disputes.ruling_working_days"),
    *("disputes.suspensions_a_day", "disputes.attested_a_day"),
    *("erasure.alarm_hours", "erasure.stop_hours"),
    *("notices.reasons", "notices.longest", "four_eyes.acts"),
    *("jurisdictions.allowed", "do_not_share.lists", "do_not_share.shortest"),
    *("budgets.publications_an_hour", "budgets.publications_a_day"),
    *("budgets.identifiers_an_account", "staffing.external", "corroboration.origins"),
)

VALUES: Final[Mapping[str, Value]] = {
    **{key.replace(".", "_"): _leaf(key) for key in _KEYS},
    **{
        name: _gate_reference(name)
        for name in (
            *("legal_basis", "balancing_test", "dpia"),
            *("consultation_reference", "arrangement"),
        )
    },
    "node": lambda facts, _: plain(facts.node),
    "contact": lambda facts, _: plain(facts.contact),
    "jurisdiction": lambda facts, _: facts.jurisdiction,
    "version": lambda facts, _: plain(facts.version),
    "policy": lambda facts, _: f"`{facts.policy.reference}`",
    "policy_title": lambda facts, language: plain(
        say(facts.policy.document.title, language)
    ),
    "policy_dated": lambda facts, _: facts.policy.document.dated.isoformat(),
    "calendar_dated": lambda facts, _: facts.calendar.dated.isoformat(),
    "ageing": _ageing,
    "transfers": _transfers,
    "phenomena_of_persons": _phenomena(Plane.ACTOR),
    "phenomena_of_media": _phenomena(Plane.MEDIA),
    "recipients": names_of_members,
    "federation": _of_federation("name"),
    "founded": _of_federation("created"),
    "threshold": _of_federation("threshold"),
    "epoch_ends": _of_federation("epoch_ends"),
    "charter_policy": _of_federation("policy"),
    "charter_arrangement": _of_federation("arrangement"),
    "members": _members,
    "dpo": _dpo,
    "dpo_contact": _dpo_contact,
    "dpo_approval": _approval("dpo_approval"),
    "management_approval": _approval("management_approval"),
    "consultation": _consultation,
    "valid_until": _valid_until,
    "gate_recorded": lambda facts, language: day(facts.gate.recorded_on, language),
    "gate_missing": _gate_missing,
    "register_until": _register_until,
    "register_missing": _register_missing,
    "gaps": lambda facts, _: str(facts.gaps),
    "log_actor": lambda facts, _: str(facts.kept.actor),
    "log_subject": lambda facts, _: str(facts.kept.subject),
    "log_detail": lambda facts, _: str(facts.kept.detail),
    "log_records": _log_records,
    "announced": lambda facts, _: str(facts.kept.announced),
    "unreceipted": lambda facts, _: str(facts.kept.unreceipted),
    "found": lambda facts, _: str(facts.kept.found),
    "complaint": lambda _, __: str(decision_ends(0) // SECONDS_A_DAY),
}
"""Every name that a definition may put in braces."""
