# SPDX-License-Identifier: Apache-2.0
"""What a refusal rests on: its rule, and a sentence a person can be shown.

The sentences hold no facts of the case. They are an engineering reading of the
law, not legal advice.
"""

from typing import Final

from fedsafe_policies.ground.reasons import Refusal, Rule, Text

REFUSED: Final[dict[Refusal, tuple[Rule, Text]]] = {
    Refusal.NOT_ALLOWED: (
        Rule.DEFAULT,
        Text(
            "Die Richtlinie erlaubt das nicht; ohne Erlaubnis gilt: nein.",
            "The policy does not allow it, and what is not allowed is refused.",
        ),
    ),
    Refusal.LEGAL_GATE: (
        Rule.LEGAL_GATE,
        Text(
            "Die rechtliche Freigabe fehlt, ist unvollständig oder abgelaufen.",
            "The legal gate is missing, incomplete or expired.",
        ),
    ),
    Refusal.SYNTHETIC_ONLY: (
        Rule.LEGAL_GATE,
        Text(
            "Die Richtlinie „synthetic“ gilt nur auf Loopback-Adressen und für "
            "Knoten, deren Name auf .demo endet.",
            "The synthetic policy holds only on loopback addresses and for nodes "
            "whose name ends in .demo.",
        ),
    ),
    Refusal.FREE_TEXT: (
        Rule.NO_ACCUSATION,
        Text(
            "Ein Feld enthält Freitext oder einen Vorwurf statt eines Verweises.",
            "A field holds free text or an accusation where a reference belongs.",
        ),
    ),
    Refusal.CONTRADICTION: (
        Rule.NO_ACCUSATION,
        Text(
            "Die Angaben des Signals widersprechen einander.",
            "The signal contradicts itself.",
        ),
    ),
    Refusal.SURFACE: (
        Rule.SURFACE,
        Text(
            "Für diesen Fundort ist keine Rechtsgrundlage in Kraft.",
            "No legal basis is in force for this surface.",
        ),
    ),
    Refusal.SURFACE_MISSING: (
        Rule.SURFACE,
        Text(
            "Zu diesem Zweck gehört die Angabe, an welchem Fundort gesucht wird.",
            "This purpose needs the surface on which the account or file is met.",
        ),
    ),
    Refusal.HELP_INSTEAD: (
        Rule.MINORS,
        Text(
            "Die Person ist vermutlich minderjährig: kein Signal, sondern Hilfe.",
            "The person may be a minor: help, not a signal.",
        ),
    ),
    Refusal.SINGLE_REPORT: (
        Rule.EVIDENCE_GRADE,
        Text(
            "Eine einzelne Meldung verlässt den Knoten nie.",
            "A single report never leaves the node.",
        ),
    ),
    Refusal.FOUR_EYES: (
        Rule.FOUR_EYES,
        Text(
            "Das braucht zwei verschiedene Personen; prüfen muss eine andere "
            "Person als die, die verfasst hat.",
            "This takes two distinct people; the reviewer is not the author.",
        ),
    ),
    Refusal.ROLE: (
        Rule.FOUR_EYES,
        Text(
            "Diese Rolle darf das nicht.",
            "This role may not do that.",
        ),
    ),
    Refusal.PHENOMENON_OFF: (
        Rule.PHENOMENON,
        Text(
            "Diese Erscheinungsform ist für diese Art von Signal abgeschaltet.",
            "This phenomenon is switched off for this kind of signal.",
        ),
    ),
    Refusal.FINDING_MISSING: (
        Rule.PHENOMENON,
        Text(
            "Eine Feststellung fehlt, die diese Erscheinungsform verlangt.",
            "A finding is missing that this phenomenon demands.",
        ),
    ),
    Refusal.LEGAL_REVIEW: (
        Rule.PHENOMENON,
        Text(
            "Diese Erscheinungsform, oder eine unklare Gefahr in einem Fall, verlangt "
            "vorher eine rechtliche Prüfung.",
            "This phenomenon, or an unclear threat in a case, demands a legal review "
            "first.",
        ),
    ),
    Refusal.PURPOSE: (
        Rule.PURPOSE,
        Text(
            "Der genannte Zweck ist für diese Rolle oder Frage nicht zugelassen.",
            "The stated purpose is not admitted for this role or question.",
        ),
    ),
    Refusal.RETENTION: (
        Rule.RETENTION,
        Text(
            "Die Frist dieses Signals ist abgelaufen oder überschreitet das Erlaubte.",
            "The signal's time is over, or longer than allowed.",
        ),
    ),
    Refusal.SCOPE: (
        Rule.SCOPE,
        Text(
            "Das Signal ist für diesen Kreis nicht bestimmt.",
            "The signal is not meant for this circle.",
        ),
    ),
    Refusal.RULEBOOK: (
        Rule.NO_ACCUSATION,
        Text(
            "Das Signal nennt keine Regel, die es im Regelwerk für diese "
            "Erscheinungsform und Maßnahme gibt.",
            "The signal cites no rule that the rulebook holds for this "
            "phenomenon and consequence.",
        ),
    ),
    Refusal.REVIEW_DUE: (
        Rule.RETENTION,
        Text(
            "Die erneute Prüfung ist fällig; ohne sie endet das Signal.",
            "The signal is due to be reviewed again, and ends without it.",
        ),
    ),
    Refusal.LAPSED: (
        Rule.RETENTION,
        Text(
            "Die Frist für die Entscheidung ist abgelaufen.",
            "The time for the decision is over.",
        ),
    ),
    Refusal.DISPUTED: (
        Rule.DISPUTE,
        Text(
            "Das Signal ist bestritten und ruht, bis eine Person entschieden hat.",
            "The signal is disputed and rests until a person has ruled.",
        ),
    ),
    Refusal.CONTROL_UNPROVED: (
        Rule.DISPUTE,
        Text(
            "Es fehlt der Nachweis, dass die Person über die Kennung verfügt.",
            "Proof that the person controls the identifier is missing.",
        ),
    ),
    Refusal.NOT_INDEPENDENT: (
        Rule.DISPUTE,
        Text(
            "Wer vorher entschieden hat, darf über den Einwand nicht entscheiden.",
            "Whoever decided before may not rule on the dispute.",
        ),
    ),
    Refusal.NAMED_PERSON: (
        Rule.FOUR_EYES,
        Text(
            "Eine Sperre trägt ein Mensch ein, und er nimmt sie zurück: Dieser Knoten "
            "kennt seine Leute, also nennt sie, wer es war.",
            "A person records a ban, and takes it back: this node knows its people, so "
            "the ban names who it was.",
        ),
    ),
    Refusal.RULING_LATE: (
        Rule.DISPUTE,
        Text(
            "Über den Einwand wird nur in seiner Frist entschieden; nach ihr wird "
            "das Signal widerrufen.",
            "The dispute is ruled on in its time only; after it the signal is revoked.",
        ),
    ),
    Refusal.RECEIPT_MISSING: (
        Rule.ERASURE,
        Text(
            "Eine Löschquittung fehlt zu lange; bis dahin gibt es keine neuen "
            "Öffnungen.",
            "An erasure receipt has been missing too long; until it comes there "
            "are no new openings.",
        ),
    ),
    Refusal.LEDGER_INCOMPLETE: (
        Rule.LEDGER,
        Text(
            "Ohne Zweck und Rechtsgrundlage im Empfängerverzeichnis geht nichts "
            "hinaus.",
            "Nothing leaves without its purpose and legal basis in the recipient "
            "ledger.",
        ),
    ),
    Refusal.EVIDENCE_MISSING: (
        Rule.HUMAN_DECISION,
        Text(
            "Eine eigene Feststellung oder Begründung fehlt.",
            "A finding or reason of one's own is missing.",
        ),
    ),
    Refusal.HEARING_MISSING: (
        Rule.HUMAN_DECISION,
        Text(
            "Die Person wurde nicht angehört, und eine Ausnahme ist nicht "
            "festgehalten.",
            "The person has not been heard, and no exception is recorded.",
        ),
    ),
    Refusal.UNTIL_TOO_LONG: (
        Rule.HUMAN_DECISION,
        Text(
            "Die Maßnahme braucht ein Enddatum innerhalb der erlaubten Frist.",
            "The measure needs an end date within the time allowed.",
        ),
    ),
    Refusal.LEVEL: (
        Rule.HUMAN_DECISION,
        Text(
            "Diese Maßnahme passt nicht zu diesem Ergebnis.",
            "This consequence does not go with this outcome.",
        ),
    ),
    Refusal.RULE_UNFIT: (
        Rule.HUMAN_DECISION,
        Text(
            "Keine genannte Regel des Regelwerks trägt diese Maßnahme bei dieser "
            "Erscheinungsform; der Person wird ihr Wortlaut mitgeteilt.",
            "No rule of the rulebook was named that carries this measure for this "
            "phenomenon; the person is told its text.",
        ),
    ),
    Refusal.GATE_UNATTESTED: (
        Rule.LEGAL_GATE,
        Text(
            "Der Empfänger hat keine gültige Freigabe nachgewiesen.",
            "The recipient has no valid attestation of its legal gate.",
        ),
    ),
    Refusal.JURISDICTION: (
        Rule.JURISDICTION,
        Text(
            "Für diesen Rechtsraum ist keine Grundlage der Übermittlung hinterlegt.",
            "No transfer basis is recorded for this jurisdiction.",
        ),
    ),
    Refusal.WITHHOLDING: (
        Rule.TRANSPARENCY,
        Text(
            "Zurückhalten braucht einen gelisteten Grund, einen Vermerk und eine "
            "Frist.",
            "Withholding takes a listed reason, a note and an end date in time.",
        ),
    ),
    Refusal.DO_NOT_SHARE: (
        Rule.DO_NOT_SHARE,
        Text(
            "Diese Kennung gehört vielen oder niemandem; sie taugt nicht als Signal.",
            "This identifier is many people's or nobody's; it is no signal.",
        ),
    ),
    Refusal.HARMLESS_MEDIA: (
        Rule.DO_NOT_SHARE,
        Text(
            "Diese Datei belegt nichts: Sie ist leer oder trivial, ein einfarbiges "
            "oder gemustertes Bild, ein Systembild, oder kein Bild hat diesen Hash.",
            "This file is evidence of nothing: it is empty or trivial, a blank or "
            "patterned picture, a system icon, or no picture has that hash.",
        ),
    ),
    Refusal.LISTS_CHANGED: (
        Rule.DO_NOT_SHARE,
        Text(
            "Eine Liste geteilter Kennungen ist seit dem Entwurf eine andere; ihn "
            "zurückziehen und neu verfassen.",
            "A list of shared identifiers has changed since the draft; withdraw it "
            "and draft anew.",
        ),
    ),
    Refusal.BUDGET: (
        Rule.BUDGET,
        Text(
            "Das Kontingent ist aufgebraucht.",
            "The budget is spent.",
        ),
    ),
    Refusal.ENUMERATION: (
        Rule.BUDGET,
        Text(
            "Zu viele verschiedene Kennungen für zu wenige Konten: Das sieht "
            "nach Ausprobieren aus.",
            "Too many identifiers for too few accounts: this looks like trying "
            "them out.",
        ),
    ),
    Refusal.MASS_LISTING: (
        Rule.BUDGET,
        Text(
            "Zu viele Signale in kurzer Zeit.",
            "Too many signals in a short time.",
        ),
    ),
    Refusal.TRAINING: (
        Rule.TRAINING,
        Text(
            "Ein gültiger Schulungsnachweis für diese Rolle oder Handlung fehlt.",
            "A valid training record for this role or act is missing.",
        ),
    ),
    Refusal.ROLES_APART: (
        Rule.TRAINING,
        Text(
            "Diese Rollen darf eine Person nicht zugleich haben.",
            "One person may not hold these roles together.",
        ),
    ),
    Refusal.EXTERNAL_SEAT: (
        Rule.TRAINING,
        Text(
            "Diese Rolle ist für Externe nicht oder nicht so lange vorgesehen.",
            "This role is not for outsiders, or not for so long.",
        ),
    ),
    Refusal.UNCORROBORATED: (
        Rule.CORROBORATION,
        Text(
            "Zu wenige unabhängige Anbieter haben es selbst festgestellt.",
            "Too few independent providers have found it themselves.",
        ),
    ),
    Refusal.FLOOD: (
        Rule.MATCH_FLOOD,
        Text(
            "Das Signal hat an einem Tag so viele Konten oder Dateien getroffen, dass "
            "es allein niemanden mehr einschränkt, bis eine Person entschieden hat.",
            "The signal has matched so many accounts or files within a day that it "
            "restricts nobody further by itself until a person has ruled.",
        ),
    ),
    Refusal.ON_TRIAL: (
        Rule.TRIAL,
        Text(
            "Das Signal ist auf Probe: Es wirkt auf kein Konto, und dieser Treffer "
            "gehört nicht zur Stichprobe.",
            "The signal is on trial: it has no effect on an account, and this match is "
            "not in the sample.",
        ),
    ),
    Refusal.TRIAL_PROLONGED: (
        Rule.TRIAL,
        Text(
            "Die Probe wurde schon einmal verlängert.",
            "The trial was prolonged before; once is the most.",
        ),
    ),
    Refusal.TRIAL_RUNS: (
        Rule.TRIAL,
        Text(
            "Die Probe läuft noch; beenden kann sie erst danach eine Person.",
            "The trial still runs; a person ends it only after its time.",
        ),
    ),
    Refusal.FOREIGN_SIGNAL_ONLY: (
        Rule.HUMAN_DECISION,
        Text(
            "Ein Fall beruht auf einem eigenen Befund; das Signal eines anderen "
            "Anbieters allein genügt nie.",
            "A case rests on the provider's own finding; another provider's signal "
            "alone is never enough.",
        ),
    ),
}
