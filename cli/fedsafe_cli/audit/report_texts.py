# SPDX-License-Identifier: Apache-2.0
"""The sentences of `fedsafe audit report`, in German and in English."""

from collections.abc import Mapping
from typing import Final

Words = Mapping[str, tuple[str, str]]
Pair = tuple[str, str]

TITLE: Final[Pair] = (
    "Bericht: wer sich das Konto {account} angesehen hat",
    "Report: who looked at the account {account}",
)
RUNNING: Final[Pair] = (
    "{node} · Konto {account} · {since} bis {until} · von {by}, {at}",
    "{node} · account {account} · {since} to {until} · by {by}, {at}",
)
HEAD: Final[Words] = {
    "node": ("Knoten", "node"),
    "account": ("Konto", "account"),
    "span": ("Zeitraum", "span"),
    "by": ("erstellt von", "made by"),
    "at": ("erstellt am", "made at"),
    "purpose": ("Zweck des Lesens", "read for"),
    "entry": ("dieses Lesens Eintrag", "entry of this reading"),
}
SPAN: Final[Pair] = (
    "{since} bis {until}, das Ende ausgenommen",
    "{since} to {until}, the end excluded",
)
HEADINGS: Final[Words] = {
    "short": ("In Kürze", "In short"),
    "looks": ("Wer es sich angesehen hat", "Who looked at it"),
    "acts": ("Was sonst zu dem Konto geschah", "What else was done about it"),
    "erased": ("Was gelöscht ist", "What is erased"),
    "whole": ("Wie vollständig das ist", "How complete this is"),
}
ENTRY: Final[Pair] = ("Eintrag {index}, {at}", "entry {index}, {at}")

# --- in short --------------------------------------------------------------------

LOOKS: Final[Pair] = (
    "{looks} angesehen, von {people} und {services}, zu {purposes}.",
    "Looked at {looks}, by {people} and {services}, for {purposes}.",
)
NO_LOOKS: Final[Pair] = (
    "In diesem Zeitraum nennt kein Eintrag jemanden, der es sich angesehen hat.",
    "No entry of this span names anybody who looked at it.",
)
Count = tuple[Pair, Pair]
TIMES: Final[Count] = (("1 Mal", "once"), ("{n} Mal", "{n} times"))
PEOPLE: Final[Count] = (("1 Person", "1 person"), ("{n} Personen", "{n} people"))
SERVICES: Final[Count] = (("1 Dienst", "1 service"), ("{n} Diensten", "{n} services"))
PURPOSE_COUNT: Final[Count] = (
    ("1 Zweck", "1 purpose"),
    ("{n} Zwecken", "{n} purposes"),
)
UNNAMED: Final[Count] = (
    (
        "Bei 1 davon ist gelöscht, wer es war.",
        "Of 1 of them the name of who looked is erased.",
    ),
    (
        "Bei {n} davon ist gelöscht, wer es war.",
        "Of {n} of them the names of who looked are erased.",
    ),
)
QUARTERS: Final[Pair] = (
    "Pseudonyme wechseln mit dem Quartal: dieselbe Person kann unter mehreren stehen.",
    "Pseudonyms change each quarter: one person may be there under several.",
)
NOT_NAMED: Final[Pair] = (
    "Abfragen von Diensten ohne Treffer nennen kein Konto und stehen nicht hier.",
    "Lookups by services that found nothing name no account and are not here.",
)
MORE: Final[Pair] = (
    (
        "Das sind die ersten {count} Einträge, es gibt mehr: einen kürzeren Zeitraum "
        "nehmen."
    ),
    "These are the first {count} entries, there are more: take a shorter span.",
)

# --- a sentence for each entry ----------------------------------------------------

WHO: Final[Words] = {
    "person": ("{name} (eine Person)", "{name} (a person)"),
    "service": ("Der Dienst {name}", "The service {name}"),
    "local": (
        "Der Dienst am Socket des Knotens (local)",
        "The service at the node's socket (local)",
    ),
    "node": ("Der Knoten selbst", "The node itself"),
    "erased": (
        "Jemand (Name {erased})",
        "Somebody (name {erased})",
    ),
}
DID: Final[Words] = {
    "lookup": ("hat es abgefragt", "looked it up"),
    "audit.read": ("hat das Protokoll zu ihm gelesen", "read the log about it"),
    "report": ("hat einen solchen Bericht gemacht", "made such a report"),
    "search": ("hat das Protokoll danach durchsucht", "searched the log for it"),
    "task.read": ("hat seine Prüfung gelesen", "read its review"),
    "own_ban.recorded": ("hat seine Sperre eingetragen", "recorded its ban"),
    "signal.drafted": (
        "hat ein Signal dazu entworfen",
        "drafted a signal about it",
    ),
    "signal.account_revoked": (
        "hat beendet, was zu ihm gelistet war",
        "ended what was listed about it",
    ),
    "audit.held": ("hat es festgehalten", "placed a hold on it"),
    "task.opened": ("hat eine Prüfung begonnen", "opened a review"),
    "task.grown": (
        "hat einen weiteren Treffer zur Prüfung gelegt",
        "added another match to the review",
    ),
    "task.decided": ("hat die Prüfung entschieden", "decided the review"),
    "task.hearing": ("hat zur Anhörung eingetragen", "recorded the hearing"),
    "task.answered": (
        "hat eine Antwort zur Prüfung eingetragen",
        "recorded an answer for the review",
    ),
    "task.reopened": ("hat die Prüfung wieder geöffnet", "opened the review again"),
    "task.due": ("hat an die Prüfung erinnert", "reminded of the review"),
    "task.lapsed": ("hat die Prüfung verfallen lassen", "let the review lapse"),
    "task.found_wrong": (
        "hat einen Fehler in der Prüfung festgestellt",
        "found the review wrong",
    ),
    "task.alarm": ("hat wegen der Prüfung gewarnt", "raised an alarm on the review"),
    "decision.hurried": (
        "wurde gefragt, ob so schnell entschieden sein soll",
        "was asked whether to decide so fast",
    ),
    "notice.queued": (
        "hat eine Mitteilung an die Person vorgesehen",
        "queued a notice to the person",
    ),
    "notice.withheld": (
        "hat eine Mitteilung an die Person zurückgehalten",
        "withheld a notice to the person",
    ),
    "notice.released": (
        "hat eine Mitteilung an die Person freigegeben",
        "released a notice to the person",
    ),
    "notice.announced": (
        "hat eine Mitteilung an die Person angekündigt",
        "announced a notice to the person",
    ),
    "notice.delivered": (
        "hat eine Mitteilung an die Person zugestellt",
        "delivered a notice to the person",
    ),
    "notice.erased": (
        "hat eine Mitteilung an die Person gelöscht",
        "erased a notice to the person",
    ),
    "notice.read": (
        "hat eine Mitteilung an die Person gelesen",
        "read a notice to the person",
    ),
    "signal.read": (
        "hat ein Signal mit dem Namen des Kontos gelesen",
        "read a signal with the name of the account",
    ),
    "audit.erased": (
        "hat Angaben zu ihm im Protokoll gelöscht",
        "erased particulars of it in the log",
    ),
    "records.written": (
        "hat ein Blatt mit seinen Daten ausgegeben",
        "wrote a sheet with its data",
    ),
    "rights.answered": (
        "hat ein Ersuchen der Person beantwortet",
        "answered a request of the person",
    ),
}
OTHER: Final[Pair] = (
    "hat etwas anderes dazu eingetragen (Klasse {event})",
    "recorded something else about it (class {event})",
)
GROUNDS: Final[Words] = {
    "purpose": ("Zweck: {purpose}", "purpose: {purpose}"),
    "basis": ("Rechtsgrundlage: {basis}", "legal basis: {basis}"),
    "rule": ("nach Regel {rule} der Richtlinie {policy}", "rule {rule} of {policy}"),
    "rule_alone": ("nach Regel {rule}", "rule {rule}"),
    "no_rule": ("keine Regel hatte zu entscheiden", "no rule had to decide"),
    "outcome": ("Ergebnis: {outcome}", "what came of it: {outcome}"),
    "signals": ("Signale: {signals}", "signals: {signals}"),
    "detail": ("Einzelheiten {erased}", "details {erased}"),
}
BASES: Final[Words] = {
    "gdpr_5_2": (
        "Art. 5 Abs. 2 DSGVO, Rechenschaft",
        "Art. 5 (2) GDPR, accountability",
    ),
    "gdpr_6_1_c": (
        "Art. 6 Abs. 1 Buchst. c DSGVO, rechtliche Pflicht",
        "Art. 6 (1) (c) GDPR, legal obligation",
    ),
    "gdpr_6_1_f": (
        "Art. 6 Abs. 1 Buchst. f DSGVO, berechtigte Interessen",
        "Art. 6 (1) (f) GDPR, legitimate interests",
    ),
    "gdpr_12": (
        "Art. 12 DSGVO, Rechte der Person",
        "Art. 12 GDPR, rights of the person",
    ),
    "gdpr_32": ("Art. 32 DSGVO, Sicherheit", "Art. 32 GDPR, security"),
}
PURPOSES: Final[Mapping[str, str]] = {
    "signup_check": "check at sign-up",
    "recheck": "another check",
    "moderation_review": "review by people",
    "media_matching": "matching of media",
    "escalation": "passing on to authorities and counselling",
    "rights_of_the_person": "rights of the person",
    "audit_review": "review of the log",
    "supervision": "supervision",
    "operations": "operations",
}
"""In English; for German `fedsafe_policies.documents.value_words` has them."""
OUTCOMES: Final[Words] = {
    "ok": ("wie verlangt getan", "done as asked"),
    "none": ("kein Treffer", "no match"),
    "review": ("ein Treffer, den Menschen prüfen", "a match, for people to review"),
    "incomplete": ("nicht alle Listen gefragt", "not all lists were asked"),
    "deferred": ("aufgeschoben", "deferred"),
    "placed": ("es bleibt erhalten", "it is kept"),
    "reminder": ("erinnert", "reminded"),
    "asked": ("gefragt", "asked"),
    "said_again": ("noch einmal bestätigt", "said once more"),
    "overtaken": ("überholt", "overtaken"),
    "alarm": ("gewarnt", "an alarm"),
}

# --- what is erased ---------------------------------------------------------------

ERASED: Final[Pair] = ("am {at} gelöscht: {why}", "erased on {at}: {why}")
ERASED_WITH_KEY: Final[Pair] = ("gelöscht: {why}", "erased: {why}")
WHY: Final[Words] = {
    "retention": (
        "Frist abgelaufen (Art. 5 Abs. 1 Buchst. e DSGVO)",
        "its time was over (Art. 5 (1) (e) GDPR)",
    ),
    "subject": (
        "Löschung eines Kontos (Art. 17 DSGVO)",
        "an account was erased (Art. 17 GDPR)",
    ),
    "key": (
        "der Schlüssel des Monats ist vernichtet",
        "the key of its month is destroyed",
    ),
    "unknown": ("den Grund nennt kein Eintrag", "no entry says why"),
}
NAMELESS: Final[Count] = (
    (
        (
            "Ein Eintrag ({event}, Eintrag {first}) wurde {erased}. Welches Konto er "
            "nannte, weiß niemand mehr; es kann dieses gewesen sein."
        ),
        (
            "One entry ({event}, entry {first}) was {erased}. Nobody can tell any "
            "more which account it named; it may have been this one."
        ),
    ),
    (
        (
            "{n} Einträge ({event}, zwischen Eintrag {first} und {last}) wurden "
            "{erased}. Welche Konten sie nannten, weiß niemand mehr; es kann dieses "
            "dabei sein."
        ),
        (
            "{n} entries ({event}, between entries {first} and {last}) were {erased}. "
            "Nobody can tell any more which accounts they named; this one may be "
            "among them."
        ),
    ),
)
NOTHING_ERASED: Final[Pair] = (
    "In diesem Zeitraum ist kein Eintrag gelöscht, der ein Konto nannte.",
    "No entry of this span that named an account is erased.",
)
EVENTS: Final[Words] = {
    "lookup": ("Abfrage", "lookup"),
    "audit.read": ("Lesen des Protokolls", "reading of the log"),
    "task.read": ("Lesen einer Prüfung", "reading of a review"),
}

# --- how complete -----------------------------------------------------------------

VERIFIED: Final[Pair] = (
    (
        "Vor diesem Bericht wurde das Protokoll geprüft: die Einträge {first} bis "
        "{last} "
        "sind vollständig und unverändert."
    ),
    (
        "Before this report the log was verified: entries {first} to {last} are "
        "complete "
        "and unchanged."
    ),
)
DAMAGED: Final[Pair] = (
    (
        "Das Protokoll stimmt nicht: {why} bei Eintrag {first}. Dieser Bericht beweist "
        "nichts, bis das geklärt ist."
    ),
    (
        "The log does not verify: {why} at entry {first}. This report proves "
        "nothing until "
        "that is cleared up."
    ),
)
PRUNED: Final[Pair] = (
    "Von den Einträgen vor {minimum} sind nur Prüfsummen übrig.",
    "Of the entries before {minimum} only hashes are left.",
)
MISSING: Final[Count] = (
    ("1 Eintrag fehlt.", "1 entry is missing."),
    ("{n} Einträge fehlen.", "{n} entries are missing."),
)
GAPS: Final[Pair] = ("Lücken im Zeitraum: {gaps}.", "Gaps in the span: {gaps}.")
GAP: Final[Pair] = (
    "{kind}, {reason}, {since} bis {until}",
    "{kind}, {reason}, {since} to {until}",
)
NO_GAPS: Final[Pair] = (
    "Im Zeitraum gibt es keine Lücke.",
    "There is no gap in the span.",
)
ALL_ERASED: Final[Pair] = (
    "Im ganzen Protokoll sind Angaben gelöscht, nach Grund: {counts}.",
    "In the whole log particulars are erased, by reason: {counts}.",
)
NONE_ERASED: Final[Pair] = (
    "Im ganzen Protokoll ist nichts gelöscht.",
    "In the whole log nothing is erased.",
)
VOUCHED: Final[Pair] = (
    (
        "Andere Mitglieder bürgen mit ihrer Unterschrift dafür, dass die Einträge 0 "
        "bis "
        "{last} nicht mehr geändert wurden, ohne sie zu kennen: {names}."
    ),
    (
        "Other members vouch by their signatures that entries 0 to {last} have not "
        "been "
        "changed since, without knowing them: {names}."
    ),
)
NEWER: Final[Count] = (
    ("1 Eintrag dieses Berichts ist neuer.", "1 entry of this report is newer."),
    (
        "{n} Einträge dieses Berichts sind neuer.",
        "{n} entries of this report are newer.",
    ),
)
NOBODY_VOUCHES: Final[Pair] = (
    "Kein anderes Mitglied bürgt dafür: noch hat keines mitgezeichnet.",
    "No other member vouches for it: none has cosigned yet.",
)
AT: Final[Pair] = ("{name} am {at}", "{name} on {at}")
