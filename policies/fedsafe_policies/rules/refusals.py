# SPDX-License-Identifier: Apache-2.0
"""What a refusal rests on: its rule, and a sentence a person can be shown.

The sentences hold no facts of the case. They are an engineering reading of the
law, not legal advice.
"""

from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal, Rule, Text

REFUSED: Final[dict[Refusal, tuple[Rule, Text]]] = {
    Refusal.NOT_ALLOWED: (
        Rule.DEFAULT,
        Phrase(
            "The policy does not allow it, and what is not allowed is refused."
        ).both(),
    ),
    Refusal.LEGAL_GATE: (
        Rule.LEGAL_GATE,
        Phrase("The legal gate is missing, incomplete or expired.").both(),
    ),
    Refusal.SYNTHETIC_ONLY: (
        Rule.LEGAL_GATE,
        Phrase(
            "The synthetic policy holds only on loopback addresses and for nodes "
            "whose name ends in .demo."
        ).both(),
    ),
    Refusal.FREE_TEXT: (
        Rule.NO_ACCUSATION,
        Phrase(
            "A field holds free text or an accusation where a reference belongs."
        ).both(),
    ),
    Refusal.CONTRADICTION: (
        Rule.NO_ACCUSATION,
        Phrase("The signal contradicts itself.").both(),
    ),
    Refusal.SURFACE: (
        Rule.SURFACE,
        Phrase("No legal basis is in force for this surface.").both(),
    ),
    Refusal.SURFACE_MISSING: (
        Rule.SURFACE,
        Phrase(
            "This purpose needs the surface on which the account or file is met."
        ).both(),
    ),
    Refusal.HELP_INSTEAD: (
        Rule.MINORS,
        Phrase("The person may be a minor: help, not a signal.").both(),
    ),
    Refusal.SINGLE_REPORT: (
        Rule.EVIDENCE_GRADE,
        Phrase("A single report never leaves the node.").both(),
    ),
    Refusal.FOUR_EYES: (
        Rule.FOUR_EYES,
        Phrase(
            "This takes two distinct people; the reviewer is not the author."
        ).both(),
    ),
    Refusal.ROLE: (
        Rule.FOUR_EYES,
        Phrase("This role may not do that.").both(),
    ),
    Refusal.PHENOMENON_OFF: (
        Rule.PHENOMENON,
        Phrase("This phenomenon is switched off for this kind of signal.").both(),
    ),
    Refusal.FINDING_MISSING: (
        Rule.PHENOMENON,
        Phrase("A finding is missing that this phenomenon demands.").both(),
    ),
    Refusal.LEGAL_REVIEW: (
        Rule.PHENOMENON,
        Phrase(
            "This phenomenon, or an unclear threat in a case, demands a legal review "
            "first."
        ).both(),
    ),
    Refusal.PURPOSE: (
        Rule.PURPOSE,
        Phrase("The stated purpose is not admitted for this role or question.").both(),
    ),
    Refusal.RETENTION: (
        Rule.RETENTION,
        Phrase("The signal's time is over, or longer than allowed.").both(),
    ),
    Refusal.SCOPE: (
        Rule.SCOPE,
        Phrase("The signal is not meant for this circle.").both(),
    ),
    Refusal.RULEBOOK: (
        Rule.NO_ACCUSATION,
        Phrase(
            "The signal cites no rule that the rulebook holds for this "
            "phenomenon and consequence."
        ).both(),
    ),
    Refusal.REVIEW_DUE: (
        Rule.RETENTION,
        Phrase("The signal is due to be reviewed again, and ends without it.").both(),
    ),
    Refusal.LAPSED: (
        Rule.RETENTION,
        Phrase("The time for the decision is over.").both(),
    ),
    Refusal.DISPUTED: (
        Rule.DISPUTE,
        Phrase("The signal is disputed and rests until a person has ruled.").both(),
    ),
    Refusal.CONTROL_UNPROVED: (
        Rule.DISPUTE,
        Phrase("Proof that the person controls the identifier is missing.").both(),
    ),
    Refusal.NOT_INDEPENDENT: (
        Rule.DISPUTE,
        Phrase("Whoever decided before may not rule on the dispute.").both(),
    ),
    Refusal.NAMED_PERSON: (
        Rule.FOUR_EYES,
        Phrase(
            "A person records a ban, and takes it back: this node knows its people, so "
            "the ban names who it was."
        ).both(),
    ),
    Refusal.RULING_LATE: (
        Rule.DISPUTE,
        Phrase(
            "The dispute is ruled on in its time only; after it the signal is revoked."
        ).both(),
    ),
    Refusal.RECEIPT_MISSING: (
        Rule.ERASURE,
        Phrase(
            "An erasure receipt has been missing too long; until it comes there "
            "are no new openings."
        ).both(),
    ),
    Refusal.LEDGER_INCOMPLETE: (
        Rule.LEDGER,
        Phrase(
            "Nothing leaves without its purpose and legal basis in the recipient "
            "ledger."
        ).both(),
    ),
    Refusal.EVIDENCE_MISSING: (
        Rule.HUMAN_DECISION,
        Phrase("A finding or reason of one's own is missing.").both(),
    ),
    Refusal.HEARING_MISSING: (
        Rule.HUMAN_DECISION,
        Phrase("The person has not been heard, and no exception is recorded.").both(),
    ),
    Refusal.UNTIL_TOO_LONG: (
        Rule.HUMAN_DECISION,
        Phrase("The measure needs an end date within the time allowed.").both(),
    ),
    Refusal.LEVEL: (
        Rule.HUMAN_DECISION,
        Phrase("This consequence does not go with this outcome.").both(),
    ),
    Refusal.RULE_UNFIT: (
        Rule.HUMAN_DECISION,
        Phrase(
            "No rule of the rulebook was named that carries this measure for this "
            "phenomenon; the person is told its text."
        ).both(),
    ),
    Refusal.GATE_UNATTESTED: (
        Rule.LEGAL_GATE,
        Phrase("The recipient has no valid attestation of its legal gate.").both(),
    ),
    Refusal.JURISDICTION: (
        Rule.JURISDICTION,
        Phrase("No transfer basis is recorded for this jurisdiction.").both(),
    ),
    Refusal.WITHHOLDING: (
        Rule.TRANSPARENCY,
        Phrase(
            "Withholding takes a listed reason, a note and an end date in time."
        ).both(),
    ),
    Refusal.DO_NOT_SHARE: (
        Rule.DO_NOT_SHARE,
        Phrase("This identifier is many people's or nobody's; it is no signal.").both(),
    ),
    Refusal.HARMLESS_MEDIA: (
        Rule.DO_NOT_SHARE,
        Phrase(
            "This file is evidence of nothing: it is empty or trivial, a blank or "
            "patterned picture, a system icon, or no picture has that hash."
        ).both(),
    ),
    Refusal.LISTS_CHANGED: (
        Rule.DO_NOT_SHARE,
        Phrase(
            "A list of shared identifiers has changed since the draft; withdraw it "
            "and draft anew."
        ).both(),
    ),
    Refusal.BUDGET: (
        Rule.BUDGET,
        Phrase("The budget is spent.").both(),
    ),
    Refusal.ENUMERATION: (
        Rule.BUDGET,
        Phrase(
            "Too many identifiers for too few accounts: this looks like trying "
            "them out."
        ).both(),
    ),
    Refusal.MASS_LISTING: (
        Rule.BUDGET,
        Phrase("Too many signals in a short time.").both(),
    ),
    Refusal.TRAINING: (
        Rule.TRAINING,
        Phrase("A valid training record for this role or act is missing.").both(),
    ),
    Refusal.ROLES_APART: (
        Rule.TRAINING,
        Phrase("One person may not hold these roles together.").both(),
    ),
    Refusal.EXTERNAL_SEAT: (
        Rule.TRAINING,
        Phrase("This role is not for outsiders, or not for so long.").both(),
    ),
    Refusal.UNCORROBORATED: (
        Rule.CORROBORATION,
        Phrase("Too few independent providers have found it themselves.").both(),
    ),
    Refusal.FLOOD: (
        Rule.MATCH_FLOOD,
        Phrase(
            "The signal has matched so many accounts or files within a day that it "
            "restricts nobody further by itself until a person has ruled."
        ).both(),
    ),
    Refusal.ON_TRIAL: (
        Rule.TRIAL,
        Phrase(
            "The signal is on trial: it has no effect on an account, and this match is "
            "not in the sample."
        ).both(),
    ),
    Refusal.TRIAL_PROLONGED: (
        Rule.TRIAL,
        Phrase("The trial was prolonged before; once is the most.").both(),
    ),
    Refusal.TRIAL_RUNS: (
        Rule.TRIAL,
        Phrase("The trial still runs; a person ends it only after its time.").both(),
    ),
    Refusal.FOREIGN_SIGNAL_ONLY: (
        Rule.HUMAN_DECISION,
        Phrase(
            "A case rests on the provider's own finding; another provider's signal "
            "alone is never enough."
        ).both(),
    ),
}
