# SPDX-License-Identifier: Apache-2.0
"""The facts of a notice in words, as its texts name them, in both languages."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from fedsafe_federation.feed.appeals import hearer
from fedsafe_node.notices.facts import AnyFacts, Facts, Finding, Reviewed
from fedsafe_node.notices.help_offers import in_words as offers_in_words
from fedsafe_node.notices.texts import words
from fedsafe_node.rules.appeal_ways import form_of, provable_kinds
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.documents.phenomena import ladder, phenomena
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import today
from fedsafe_policies.help.choice import Seeker, choose
from fedsafe_policies.help.offers import Age, Audience, Directory, Sort, Tongue
from fedsafe_policies.vocabulary import Level

_ONCE: Final = frozenset({Level.L0, Level.L1, Level.L2})
"""What happens once and restricts nothing afterwards."""


def in_words(facts: AnyFacts, situation: Situation) -> Mapping[str, Text]:
    """Say the facts as the texts name them, in both languages."""
    said = dict(house_in_words(situation))
    if isinstance(facts, Reviewed):
        return said | _reviewed(facts, situation)
    return said | _shared(facts, situation)


def house_in_words(situation: Situation) -> Mapping[str, Text]:
    """Say who the provider is, and the ways to object to what it has decided.

    What node.toml leaves out is said in general words, and never left empty; the form
    is named only where it takes requests, and for what it takes.
    """
    config, fixed = situation.config, words().fixed
    provider, form, kinds = config.provider, form_of(config), provable_kinds(config)
    reach = "reach" if len(kinds) > 1 else f"reach_{''.join(kinds)}"
    named = [each for each in (provider.legal_name, provider.address) if each]
    return {
        "provider": _same(config.name),
        "controller": _same(", ".join([*named, config.name])),
        "contact": _same(config.contact),
        "dpo": _dpo(situation),
        "reach": _same(config.contact)
        if form is None
        else _filled(fixed[reach], form=_same(form), contact=_same(config.contact)),
        "complaints": _same(provider.complaints or config.contact),
        "authority": _named("authority", provider.authority),
        "authority_minor": _named("authority_minor", provider.authority),
        "bodies": _named("bodies", provider.out_of_court),
        "contest": _contest("contest", "code", situation),
        "contest_minor": _contest("contest_minor", "code_minor", situation),
    }


def _contest(name: str, code: str, situation: Situation) -> Text:
    """Say how a signal of this provider is contested, and who hears an appeal."""
    config, fixed, shared = situation.config, words().fixed, situation.shared
    form, kinds = form_of(config), provable_kinds(config)
    if form is None:
        said = _filled(fixed[f"{name}_alone"], contact=_same(config.contact))
    else:
        to = fixed[f"{code}_{''.join(kinds)}"]
        said = _filled(fixed[name], form=_same(form), code=to)
    charter = None if shared is None else shared.membership.charter
    hears = None if charter is None else hearer(charter, {situation.node})
    if hears is None:
        return said
    more = _filled(fixed[f"{name}_appeal"], hearer=_same(hears))
    return Text(said.de + more.de, said.en + more.en)


def help_in_words(directory: Directory, now: datetime) -> Text:
    """Name whom a child or young person can turn to; the emergency number at least.

    Out of the help directory, each offer with its source there, and only what somebody
    has verified: the others by their page. Where none speaks English, the German ones
    are named as such: a number for emergencies alone is nobody to talk to.
    """
    day = today(int(now.timestamp()))

    def offers(sort: Sort, tongue: Tongue, said: Tongue) -> list[str]:
        seeker = Seeker(Audience.AFFECTED, tongue, Age.MINOR)
        found = [
            each for each in choose(directory, seeker, day) if each.offer.sort is sort
        ]
        return offers_in_words(tuple(found), said).splitlines()

    german = offers(Sort.HELP, Tongue.DE, Tongue.DE)
    english = offers(Sort.HELP, Tongue.EN, Tongue.EN) or [
        f"{line} (in German)" for line in offers(Sort.HELP, Tongue.DE, Tongue.EN)
    ]
    last = [offers(Sort.EMERGENCY, each, each) for each in (Tongue.DE, Tongue.EN)]
    return Text("\n".join([*german, *last[0]]), "\n".join([*english, *last[1]]))


def _shared(facts: Facts, situation: Situation) -> dict[str, Text]:
    fixed = words().fixed
    names = ", ".join(facts.recipients)
    said = {
        "published_on": _day(facts.published_on),
        "recipients": _same(names) if names else fixed["nobody"],
        "transfers": _transfers(facts.recipients, situation),
    }
    if facts.ended_on is not None:
        said["ended_on"] = _day(facts.ended_on)
    if facts.finding is not None:
        said |= _found(facts.finding, situation)
    return said


def _found(finding: Finding, situation: Situation) -> dict[str, Text]:
    said, source, detection = words(), finding.source, finding.detection
    unstated = said.fixed["unstated"]  # as the author of a demonstration may leave it
    return {
        **_finding(finding, situation),
        "removed_on": _day(finding.removed_on),
        "match_until": _day(finding.match_until),
        "provenance": said.provenance[finding.provenance],
        "basis": basis_in_words(situation),
        "arrangement": _arrangement(situation),
        "source": unstated if source is None else said.source[source],
        "detection": unstated if detection is None else said.detection[detection],
    }


def _reviewed(facts: Reviewed, situation: Situation) -> dict[str, Text]:
    said, fixed = words(), words().fixed
    return {
        **_finding(facts, situation),
        "decided_on": _day(facts.decided_on),
        "measure": _filled(
            fixed["measure"],
            name=ladder()[facts.level],
            level=_same(facts.level.value),
        ),
        "duration": _duration(facts),
        "source": said.source[facts.source],
        "trigger": said.trigger[facts.trigger],
        "deciders": fixed["two_people" if facts.two else "one_person"],
        "hearing": said.hearing[facts.hearing],
    }


def _duration(facts: Reviewed) -> Text:
    fixed = words().fixed
    if facts.until is not None:
        return _filled(fixed["until"], day=_day(facts.until))
    return fixed["once" if facts.level in _ONCE else "no_end"]


def _finding(found: Finding | Reviewed, situation: Situation) -> dict[str, Text]:
    return {
        "rule": rule_in_words(found.rule, situation),
        "phenomenon": phenomena()[found.phenomenon].name,
        "surface": words().surface[found.surface],
        "grade": words().grade[found.grade],
    }


def demonstration_mark(situation: Situation) -> Text | None:
    """Say that all is invented, where this is a demonstration; nobody else does."""
    return words().demonstration.mark if situation.synthetic else None


def basis_in_words(situation: Situation) -> Text:
    """Name the legal basis, and this provider's document of it if one is recorded.

    Whoever only keeps own bans has no gate record, and a basis all the same.
    """
    gate = situation.site.gate
    return _named("basis", gate.legal_basis if gate is not None else None)


def rule_in_words(rule: str, situation: Situation) -> Text:
    """Name a rule of this provider, with its text if the policy has it."""
    fixed = words().fixed
    for entry in situation.policy.document.rulebook.rules:
        if entry.id == rule:
            written, text = fixed["rule"], entry.text
            # The letter ends the sentence that names the rule.
            return Text(
                written.de.format(id=rule, text=text.de.rstrip(".")),
                written.en.format(id=rule, text=text.en.rstrip(".")),
            )
    alone = fixed["rule_alone"]
    return Text(alone.de.format(id=rule), alone.en.format(id=rule))


def _transfers(recipients: Sequence[str], situation: Situation) -> Text:
    shared, policy = situation.shared, situation.policy
    others = shared.membership.others if shared is not None else []
    bases = policy.document.jurisdictions.transfers
    found = sorted(
        f"{member.name} ({member.jurisdiction}, {bases[member.jurisdiction]})"
        for member in others
        if member.name in recipients and member.jurisdiction in bases
    )
    return _same(", ".join(found)) if found else words().fixed["no_transfers"]


def _same(word: str) -> Text:
    return Text(word, word)


def _day(day: date) -> Text:
    return Text(day.strftime("%d.%m.%Y"), day.isoformat())


def _dpo(situation: Situation) -> Text:
    config = situation.config
    if config.dpo_contact is not None:
        return _same(config.dpo_contact)
    return _filled(words().fixed["dpo"], contact=_same(config.contact))


def _arrangement(situation: Situation) -> Text:
    gate = situation.site.gate
    return _named("arrangement", gate.arrangement if gate is not None else None)


def _named(name: str, value: str | None) -> Text:
    fixed = words().fixed
    if value is None:
        return fixed[f"{name}_alone"]
    return _filled(fixed[name], named=_same(value))


def _filled(text: Text, **facts: Text) -> Text:
    return Text(
        text.de.format(**{name: fact.de for name, fact in facts.items()}),
        text.en.format(**{name: fact.en for name, fact in facts.items()}),
    )
