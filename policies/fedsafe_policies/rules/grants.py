# SPDX-License-Identifier: Apache-2.0
"""What a grant rests on: its rule, and a sentence a person can be shown.

The sentences hold no facts of the case. They are an engineering reading of the
law, not legal advice.
"""

from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Grant, Rule, Text

ALLOWED: Final[dict[Grant, tuple[Rule, Text]]] = {
    Grant.GATE_OPEN: (
        Rule.LEGAL_GATE,
        Phrase("The legal gate is complete and in force.").both(),
    ),
    Grant.SYNTHETIC: (
        Rule.LEGAL_GATE,
        Phrase("Demonstration with invented data, on this machine only.").both(),
    ),
    Grant.OWN_BAN: (
        Rule.SCOPE,
        Phrase("The provider's own ban; it is not shared.").both(),
    ),
    Grant.MEDIA: (
        Rule.SCOPE,
        Phrase("Media signals are admitted by this policy.").both(),
    ),
    Grant.PURPOSE: (
        Rule.PURPOSE,
        Phrase("The stated purpose is admitted for this role.").both(),
    ),
    Grant.KEPT: (
        Rule.RETENTION,
        Phrase(
            "The signal may stand: it is in its first term, or was reviewed "
            "again in time."
        ).both(),
    ),
    Grant.DISPUTE_OPEN: (
        Rule.DISPUTE,
        Phrase("The dispute is taken up; a person reviews it.").both(),
    ),
    Grant.RULING: (
        Rule.DISPUTE,
        Phrase(
            "A person who had no part in it before has ruled on the dispute."
        ).both(),
    ),
    Grant.ERASURE: (
        Rule.ERASURE,
        Phrase(
            "The data are erased everywhere, and every recipient gives a receipt."
        ).both(),
    ),
    Grant.RECEIPTS_IN_TIME: (
        Rule.ERASURE,
        Phrase("The recipient is not behind with an erasure receipt.").both(),
    ),
    Grant.OPENING: (
        Rule.SCOPE,
        Phrase(
            "The recipient belongs to the circle that the signal is meant for."
        ).both(),
    ),
    Grant.TRANSFER: (
        Rule.JURISDICTION,
        Phrase(
            "The recipient is in an admitted jurisdiction, or the transfer has a "
            "recorded basis."
        ).both(),
    ),
    Grant.REVIEWED: (
        Rule.HUMAN_DECISION,
        Phrase("A person has decided and recorded why.").both(),
    ),
    Grant.WITHHELD: (
        Rule.TRANSPARENCY,
        Phrase("The notice is withheld for a time, for a listed reason.").both(),
    ),
    Grant.WITHIN_BUDGET: (
        Rule.BUDGET,
        Phrase("The number is within the budget.").both(),
    ),
    Grant.ROLE_GRANTED: (
        Rule.TRAINING,
        Phrase("The training is valid, and the person's roles go together.").both(),
    ),
    Grant.FEW_MATCHES: (
        Rule.MATCH_FLOOD,
        Phrase("The signal has matched few accounts or files within a day.").both(),
    ),
    Grant.FLOOD_RULED: (
        Rule.MATCH_FLOOD,
        Phrase("A person has ruled on the signal that matched so many.").both(),
    ),
    Grant.SAMPLED: (
        Rule.TRIAL,
        Phrase(
            "The match is in the sample of a signal on trial; it is reviewed, and has "
            "no effect on the account."
        ).both(),
    ),
    Grant.TRIAL_RULED: (
        Rule.TRIAL,
        Phrase("A person has decided on the trial and recorded why.").both(),
    ),
    Grant.CORROBORATED: (
        Rule.CORROBORATION,
        Phrase("Enough independent providers have found it themselves.").both(),
    ),
    Grant.TWO_PEOPLE: (
        Rule.FOUR_EYES,
        Phrase("Two distinct people with the roles it takes answer for it.").both(),
    ),
    Grant.OWN_CASE: (
        Rule.HUMAN_DECISION,
        Phrase("The case rests on a finding of the provider's own.").both(),
    ),
}
