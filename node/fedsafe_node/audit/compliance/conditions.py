# SPDX-License-Identifier: Apache-2.0
"""What a definition can ask of a node by name: each holds or not, today."""

from collections.abc import Callable, Mapping
from typing import Final

from fedsafe_node.audit.compliance.facts import Facts, Option
from fedsafe_policies.documents.document import GateMode
from fedsafe_policies.rules.gate import Consultation
from fedsafe_policies.vocabulary import Act, Plane, Surface


def holds(name: str | None, facts: Facts) -> bool:
    """Tell whether a condition holds; `!name` is its opposite, None always holds."""
    if name is None:
        return True
    found = CONDITIONS[name.removeprefix("!")](facts)
    return found is not name.startswith("!")


def _shares(plane: Plane) -> Callable[[Facts], bool]:
    return lambda facts: plane in facts.policy.document.share.planes


def _switched(option: Option) -> Callable[[Facts], bool]:
    return lambda facts: option in facts.options


def _two_people(act: Act) -> Callable[[Facts], bool]:
    return lambda facts: act in facts.policy.document.four_eyes.acts


def _private_messages(facts: Facts) -> bool:
    share, now = facts.policy.document.share, int(facts.at.timestamp())
    surface = Surface.NI_ICS_PRIVATE
    return surface in share.surfaces and facts.calendar.opens(surface, now)


def _newer_policy(facts: Facts) -> bool:
    recorded = facts.gate.recorded_on
    return recorded is not None and facts.policy.document.dated > recorded


def _outside_the_eea(facts: Facts) -> bool:
    policy = facts.policy
    transfers = policy.document.jurisdictions.transfers
    others = facts.federation.others if facts.federation else ()
    return bool(transfers) or any(
        member.jurisdiction not in policy.jurisdictions for member in others
    )


CONDITIONS: Final[Mapping[str, Callable[[Facts], bool]]] = {
    "shares_persons": _shares(Plane.ACTOR),
    "shares_media": _shares(Plane.MEDIA),
    "demonstration": (
        lambda facts: facts.policy.document.gate.mode is GateMode.SYNTHETIC
    ),
    "private_messages": _private_messages,
    "beyond_the_eea": _outside_the_eea,
    "federated": lambda facts: facts.federation is not None,
    "gate_open": lambda facts: facts.gate.is_open,
    "policy_newer_than_gate": _newer_policy,
    "consultation_not_required": (
        lambda facts: facts.gate.record.consultation is Consultation.NOT_REQUIRED
    ),
    "register_met": lambda facts: facts.register.is_met,
    "staffed": lambda facts: facts.gaps == 0,
    "single_sign_on": _switched(Option.SINGLE_SIGN_ON),
    "own_calendar": _switched(Option.OWN_CALENDAR),
    "own_lists": _switched(Option.OWN_LISTS),
    "open_founding": _switched(Option.OPEN_FOUNDING),
    "beyond_loopback": _switched(Option.BEYOND_LOOPBACK),
    "public_form": _switched(Option.PUBLIC_FORM),
    "mail_codes": _switched(Option.MAIL_CODES),
    "phone_codes": _switched(Option.PHONE_CODES),
    "two_for_own_bans": _two_people(Act.OWN_BAN),
    "two_for_roles": _two_people(Act.ROLE_GRANT),
}
