# SPDX-License-Identifier: Apache-2.0
"""The words of reviews, in German and in English."""

from typing import Final

from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase

Words = dict[str, Phrase]

STATES: Final[Words] = {
    "open": Phrase("open"),
    "watched": Phrase("watched"),
    "decided": Phrase("decided"),
    "lapsed": Phrase("lapsed"),
}
OUTCOMES: Final[Words] = {
    "dismiss": Phrase("dismissed"),
    "watch": Phrase.within("task", "watched"),
    "feature_limit": Phrase.within("task", "features limited"),
    "inquire": Phrase("inquired"),
    "confirm": Phrase("confirmed"),
}
QUESTIONS: Final[Words] = {
    "still_stands": Phrase("Does the signal still stand?"),
    "found_by_a_person": Phrase("Did a person decide?"),
    "identifier_confirmed": Phrase("Was the identifier confirmed?"),
    "age_confirmed": Phrase("Is the person of age?"),
    "person_was_heard": Phrase("Was the person heard?"),
    "complaint_pending": Phrase("Is a complaint pending?"),
}
REPLIES: Final[Words] = {
    "yes": Phrase("yes"),
    "no": Phrase("no"),
    "unanswered": Phrase("unanswered"),
}
STEPS: Final[Words] = {
    "invited": Phrase("invited"),
    "heard": Phrase("heard"),
    "no_answer": Phrase("no answer"),
    "exception": Phrase("exception"),
}
EXCEPTIONS: Final[Words] = {
    "danger_to_a_child": Phrase("danger to a child"),
    "investigation_at_risk": Phrase("investigation at risk"),
    "order_of_an_authority": Phrase("order of an authority"),
    "no_way_to_reach": Phrase("no way to reach the person"),
}
BECAUSE: Final[Words] = {
    "listing_wrong": Phrase("the listing is wrong"),
}
EFFECTS: Final[Words] = {
    "disputed": Phrase("disputed"),
    "expired": Phrase("expired"),
    "revoked": Phrase("revoked"),
    "erased": Phrase("erased"),
    "rested": Phrase("rests here by a ruling"),
}
_SAID: Final[Words] = {
    "task": Phrase("task"),
    "account": Phrase("account"),
    "state": Phrase("state"),
    "opened": Phrase("opened"),
    "ends": Phrase("ends"),
    "alike": Phrase("alike"),
    "next": Phrase("go on with --after {next}"),
    "floods": Phrase("{count} match floods wait for a ruling: fedsafe flood list"),
    "note": Phrase("note"),
    "flagged": Phrase("look anew: a signal was stopped, or an answer came"),
    "revision": Phrase("revision"),
    "heard": Phrase("hearing"),
    "hearing": Phrase("hearing"),
    "signal": Phrase("signal"),
    "origin": Phrase("origin"),
    "phenomenon": Phrase("phenomenon"),
    "grade": Phrase("grade"),
    "provenance": Phrase("provenance"),
    "removed": Phrase("removed"),
    "stopped": Phrase("stopped"),
    "outcome": Phrase.within("task", "outcome"),
    "level": Phrase("level"),
    "by": Phrase("by"),
    "second": Phrase("second"),
    "at": Phrase("at"),
    "evidence": Phrase("evidence"),
    "reason": Phrase("reason"),
    "rule": Phrase("rule"),
    "seconds": Phrase("seconds"),
    "renewals": Phrase("renewals"),
    "reference": Phrase("reference"),
    "until": Phrase("until"),
    "inquiry": Phrase("inquiry"),
    "contact": Phrase("contact"),
    "questions": Phrase("questions"),
    "decided": Phrase("decided: {outcome}"),
    "found_wrong": Phrase(
        "recorded; a second person ends the review: without --with-second"
    ),
    "waits": Phrase(
        "waits for a second person with the role reviewer: "
        "fedsafe act approve {act} --digest {digest}"
    ),
}


def say(word: str, settings: Settings) -> str:
    """Give a word about tasks in the reader's language."""
    return _SAID[word].said(settings.language)
