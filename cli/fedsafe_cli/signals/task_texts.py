# SPDX-License-Identifier: Apache-2.0
"""The words of reviews, in German and in English."""

from typing import Final

from fedsafe_cli.terminal.settings import Settings

Words = dict[str, tuple[str, str]]

STATES: Final[Words] = {
    "open": ("offen", "open"),
    "watched": ("beobachtet", "watched"),
    "decided": ("entschieden", "decided"),
    "lapsed": ("verfallen", "lapsed"),
}
OUTCOMES: Final[Words] = {
    "dismiss": ("verworfen", "dismissed"),
    "watch": ("beobachten", "watched"),
    "feature_limit": ("Funktionen eingeschränkt", "features limited"),
    "inquire": ("nachgefragt", "inquired"),
    "confirm": ("bestätigt", "confirmed"),
}
QUESTIONS: Final[Words] = {
    "still_stands": ("Gilt das Signal noch?", "Does the signal still stand?"),
    "found_by_a_person": ("Hat ein Mensch entschieden?", "Did a person decide?"),
    "identifier_confirmed": (
        "War die Kennung bestätigt?",
        "Was the identifier confirmed?",
    ),
    "age_confirmed": ("Ist die Person volljährig?", "Is the person of age?"),
    "person_was_heard": ("Wurde die Person angehört?", "Was the person heard?"),
    "complaint_pending": (
        "Ist eine Beschwerde anhängig?",
        "Is a complaint pending?",
    ),
}
REPLIES: Final[Words] = {
    "yes": ("ja", "yes"),
    "no": ("nein", "no"),
    "unanswered": ("nicht beantwortet", "unanswered"),
}
STEPS: Final[Words] = {
    "invited": ("eingeladen", "invited"),
    "heard": ("angehört", "heard"),
    "no_answer": ("keine Antwort", "no answer"),
    "exception": ("Ausnahme", "exception"),
}
EXCEPTIONS: Final[Words] = {
    "danger_to_a_child": ("Gefahr für ein Kind", "danger to a child"),
    "investigation_at_risk": ("Ermittlung gefährdet", "investigation at risk"),
    "order_of_an_authority": ("Anordnung einer Behörde", "order of an authority"),
    "no_way_to_reach": ("nicht erreichbar", "no way to reach the person"),
}
BECAUSE: Final[Words] = {
    "listing_wrong": ("der Eintrag ist falsch", "the listing is wrong"),
}
EFFECTS: Final[Words] = {
    "disputed": ("bestritten", "disputed"),
    "expired": ("abgelaufen", "expired"),
    "revoked": ("widerrufen", "revoked"),
    "erased": ("gelöscht", "erased"),
    "rested": ("ruht hier nach einer Entscheidung", "rests here by a ruling"),
}
_SAID: Final[Words] = {
    "task": ("Prüfung", "task"),
    "account": ("Konto", "account"),
    "state": ("Stand", "state"),
    "opened": ("eröffnet", "opened"),
    "ends": ("endet", "ends"),
    "alike": ("gleiche", "alike"),
    "next": ("weiter mit --after {next}", "go on with --after {next}"),
    "floods": (
        "{count} Trefferfluten warten auf eine Entscheidung: fedsafe flood list",
        "{count} match floods wait for a ruling: fedsafe flood list",
    ),
    "note": ("Hinweis", "note"),
    "flagged": (
        "neu ansehen: Signal beendet oder Antwort da",
        "look anew: a signal was stopped, or an answer came",
    ),
    "revision": ("Fassung", "revision"),
    "heard": ("Anhörung", "hearing"),
    "hearing": ("Anhörung", "hearing"),
    "signal": ("Signal", "signal"),
    "origin": ("Ursprung", "origin"),
    "phenomenon": ("Erscheinungsform", "phenomenon"),
    "grade": ("Beleglage", "grade"),
    "provenance": ("Herkunft", "provenance"),
    "removed": ("entfernt", "removed"),
    "stopped": ("beendet", "stopped"),
    "outcome": ("Ausgang", "outcome"),
    "level": ("Stufe", "level"),
    "by": ("von", "by"),
    "second": ("zweite Person", "second"),
    "at": ("wann", "at"),
    "evidence": ("Beleg", "evidence"),
    "reason": ("Grund", "reason"),
    "rule": ("Regel", "rule"),
    "seconds": ("Sekunden", "seconds"),
    "renewals": ("Verlängerungen", "renewals"),
    "reference": ("Verweis", "reference"),
    "until": ("bis", "until"),
    "inquiry": ("Anfrage", "inquiry"),
    "contact": ("Kontakt", "contact"),
    "questions": ("Fragen", "questions"),
    "decided": ("entschieden: {outcome}", "decided: {outcome}"),
    "found_wrong": (
        "festgehalten; eine zweite Person beendet die Prüfung: ohne --with-second",
        "recorded; a second person ends the review: without --with-second",
    ),
    "waits": (
        (
            "wartet auf eine zweite Person mit der Rolle reviewer: "
            "fedsafe act approve {act} --digest {digest}"
        ),
        (
            "waits for a second person with the role reviewer: "
            "fedsafe act approve {act} --digest {digest}"
        ),
    ),
}


def say(word: str, settings: Settings) -> str:
    """Give a word about tasks in the reader's language."""
    german, english = _SAID[word]
    return german if settings.german else english
