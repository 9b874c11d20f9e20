# SPDX-License-Identifier: Apache-2.0
"""What a grant rests on: its rule, and a sentence a person can be shown.

The sentences hold no facts of the case. They are an engineering reading of the
law, not legal advice.
"""

from typing import Final

from fedsafe_policies.ground.reasons import Grant, Rule, Text

ALLOWED: Final[dict[Grant, tuple[Rule, Text]]] = {
    Grant.GATE_OPEN: (
        Rule.LEGAL_GATE,
        Text(
            "Die rechtliche Freigabe liegt vollständig vor und ist gültig.",
            "The legal gate is complete and in force.",
        ),
    ),
    Grant.SYNTHETIC: (
        Rule.LEGAL_GATE,
        Text(
            "Vorführung mit erfundenen Daten, nur auf diesem Rechner.",
            "Demonstration with invented data, on this machine only.",
        ),
    ),
    Grant.OWN_BAN: (
        Rule.SCOPE,
        Text(
            "Eigene Sperre des Anbieters; sie wird nicht geteilt.",
            "The provider's own ban; it is not shared.",
        ),
    ),
    Grant.MEDIA: (
        Rule.SCOPE,
        Text(
            "Mediensignale sind nach dieser Richtlinie zugelassen.",
            "Media signals are admitted by this policy.",
        ),
    ),
    Grant.PURPOSE: (
        Rule.PURPOSE,
        Text(
            "Der genannte Zweck ist für diese Rolle zugelassen.",
            "The stated purpose is admitted for this role.",
        ),
    ),
    Grant.KEPT: (
        Rule.RETENTION,
        Text(
            "Das Signal darf weiter gelten; es wurde rechtzeitig neu geprüft "
            "oder ist noch in der ersten Frist.",
            "The signal may stand: it is in its first term, or was reviewed "
            "again in time.",
        ),
    ),
    Grant.DISPUTE_OPEN: (
        Rule.DISPUTE,
        Text(
            "Der Einwand ist angenommen; eine Person prüft ihn.",
            "The dispute is taken up; a person reviews it.",
        ),
    ),
    Grant.RULING: (
        Rule.DISPUTE,
        Text(
            "Über den Einwand hat eine Person entschieden, die vorher nicht "
            "beteiligt war.",
            "A person who had no part in it before has ruled on the dispute.",
        ),
    ),
    Grant.ERASURE: (
        Rule.ERASURE,
        Text(
            "Die Angaben werden überall gelöscht; jeder Empfänger quittiert.",
            "The data are erased everywhere, and every recipient gives a receipt.",
        ),
    ),
    Grant.RECEIPTS_IN_TIME: (
        Rule.ERASURE,
        Text(
            "Der Empfänger ist mit keiner Löschquittung im Rückstand.",
            "The recipient is not behind with an erasure receipt.",
        ),
    ),
    Grant.OPENING: (
        Rule.SCOPE,
        Text(
            "Der Empfänger gehört zu dem Kreis, für den das Signal bestimmt ist.",
            "The recipient belongs to the circle that the signal is meant for.",
        ),
    ),
    Grant.TRANSFER: (
        Rule.JURISDICTION,
        Text(
            "Der Empfänger liegt im zugelassenen Rechtsraum, oder die "
            "Übermittlung hat eine dokumentierte Grundlage.",
            "The recipient is in an admitted jurisdiction, or the transfer has a "
            "recorded basis.",
        ),
    ),
    Grant.REVIEWED: (
        Rule.HUMAN_DECISION,
        Text(
            "Eine Person hat entschieden und ihre Gründe festgehalten.",
            "A person has decided and recorded why.",
        ),
    ),
    Grant.WITHHELD: (
        Rule.TRANSPARENCY,
        Text(
            "Die Benachrichtigung wird befristet und mit gelistetem Grund "
            "zurückgehalten.",
            "The notice is withheld for a time, for a listed reason.",
        ),
    ),
    Grant.WITHIN_BUDGET: (
        Rule.BUDGET,
        Text(
            "Die Menge liegt im vereinbarten Rahmen.",
            "The number is within the budget.",
        ),
    ),
    Grant.ROLE_GRANTED: (
        Rule.TRAINING,
        Text(
            "Die Schulung gilt, und die Rollen der Person vertragen sich.",
            "The training is valid, and the person's roles go together.",
        ),
    ),
    Grant.FEW_MATCHES: (
        Rule.MATCH_FLOOD,
        Text(
            "Das Signal hat heute erst wenige Konten oder Dateien getroffen.",
            "The signal has matched few accounts or files within a day.",
        ),
    ),
    Grant.FLOOD_RULED: (
        Rule.MATCH_FLOOD,
        Text(
            "Eine Person hat über das Signal entschieden, das so viele getroffen hat.",
            "A person has ruled on the signal that matched so many.",
        ),
    ),
    Grant.SAMPLED: (
        Rule.TRIAL,
        Text(
            "Der Treffer ist in der Stichprobe eines Signals auf Probe: Er wird "
            "geprüft und wirkt nicht auf das Konto.",
            "The match is in the sample of a signal on trial; it is reviewed, and has "
            "no effect on the account.",
        ),
    ),
    Grant.TRIAL_RULED: (
        Rule.TRIAL,
        Text(
            "Eine Person hat über die Probe entschieden und den Grund festgehalten.",
            "A person has decided on the trial and recorded why.",
        ),
    ),
    Grant.CORROBORATED: (
        Rule.CORROBORATION,
        Text(
            "Genug unabhängige Anbieter haben es selbst festgestellt.",
            "Enough independent providers have found it themselves.",
        ),
    ),
    Grant.TWO_PEOPLE: (
        Rule.FOUR_EYES,
        Text(
            "Zwei verschiedene Personen mit den nötigen Rollen stehen dafür ein.",
            "Two distinct people with the roles it takes answer for it.",
        ),
    ),
    Grant.OWN_CASE: (
        Rule.HUMAN_DECISION,
        Text(
            "Der Fall beruht auf einem eigenen Befund des Anbieters.",
            "The case rests on a finding of the provider's own.",
        ),
    ),
}
