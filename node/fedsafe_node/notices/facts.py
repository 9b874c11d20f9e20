# SPDX-License-Identifier: Apache-2.0
"""The facts of a notice: what is kept of them, and how they are put into words.

What is kept is sealed under a period key and holds what the author stated and the
provider's own name for the account, never an identifier.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.framing import lp_text
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wireformat import decode, encode
from fedsafe_node.errors import StoreFailedError
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.texts import words
from fedsafe_node.situation import Situation
from fedsafe_node.store.notices_rows import NoticeKind, NoticeRow
from fedsafe_node.store.rows import Row
from fedsafe_policies.phenomena import phenomena
from fedsafe_policies.reasons import Text
from fedsafe_policies.vocabulary import Grade, Phenomenon, Provenance, Surface

_DOMAIN: Final = "fedsafe/v1/notice"


class Finding(Row, frozen=True, kw_only=True):
    """What was found and how long it is shared."""

    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    provenance: Provenance
    rule: str
    removed_on: date
    match_until: date


class Facts(Row, frozen=True, kw_only=True):
    """What a notice says; of a publication with the `finding`, of an end with its day.

    `recipients` are the members that a signal is meant for, or at its end those
    that have received it.
    """

    subject_ref: str | None
    published_on: date
    recipients: list[str]
    finding: Finding | None = None
    ended_on: date | None = None


def seal_facts(
    facts: Facts, keys: PeriodKeys, period: str, signal_id: bytes, kind: NoticeKind
) -> bytes:
    """Seal the facts of a notice for its place."""
    return keys.seal(period, encode(facts), _place(signal_id, kind, period))


def open_facts(row: NoticeRow, keys: PeriodKeys) -> Facts | None:
    """Open the facts of a notice; None if they or their period's key are erased.

    Raises:
        StoreFailedError: they are not what was sealed.
    """
    if row.sealed is None:
        return None
    place = _place(row.signal_id, row.kind, row.period)
    try:
        payload = keys.unseal(row.period, row.sealed, place)
        return None if payload is None else decode(payload, Facts)
    except (CryptoError, MalformedError):
        raise StoreFailedError("a notice does not open") from None


def in_words(facts: Facts, situation: Situation) -> Mapping[str, Text]:
    """Say the facts as the texts name them, in both languages."""
    fixed, config = words().fixed, situation.config
    names = ", ".join(facts.recipients)
    said = {
        "provider": _same(config.name),
        "contact": _same(config.contact),
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
    return {
        "removed_on": _day(finding.removed_on),
        "match_until": _day(finding.match_until),
        "rule": rule_in_words(finding.rule, situation),
        "phenomenon": phenomena()[finding.phenomenon].name,
        "surface": words().surface[finding.surface],
        "grade": words().grade[finding.grade],
        "provenance": words().provenance[finding.provenance],
        "basis": basis_in_words(situation),
    }


def basis_in_words(situation: Situation) -> Text:
    """Name the document of the legal basis on which this provider takes part."""
    gate = situation.site.gate
    basis = gate.legal_basis if gate is not None else None
    return words().fixed["no_basis"] if basis is None else _same(basis)


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


def _place(signal_id: bytes, kind: NoticeKind, period: str) -> bytes:
    return lp_text(_DOMAIN) + signal_id + lp_text(kind.value) + lp_text(period)
