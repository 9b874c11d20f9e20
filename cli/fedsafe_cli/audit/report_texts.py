# SPDX-License-Identifier: Apache-2.0
"""The sentences of `fedsafe audit report`, in German and in English."""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase

Words = Mapping[str, Phrase]
Count = tuple[Phrase, Phrase]
"""What is said of one, and of more."""

TITLE: Final = Phrase("Report: who looked at the account {account}")
RUNNING: Final = Phrase(
    "{node} · account {account} · {since} to {until} · by {by}, {at}"
)
HEAD: Final[Words] = {
    "node": Phrase("node"),
    "account": Phrase("account"),
    "span": Phrase("span"),
    "by": Phrase("made by"),
    "at": Phrase("made at"),
    "purpose": Phrase("read for"),
    "entry": Phrase("entry of this reading"),
}
SPAN: Final = Phrase("{since} to {until}, the end excluded")
HEADINGS: Final[Words] = {
    "short": Phrase("In short"),
    "looks": Phrase("Who looked at it"),
    "acts": Phrase("What else was done about it"),
    "erased": Phrase("What is erased"),
    "whole": Phrase("How complete this is"),
}
ENTRY: Final = Phrase("entry {index}, {at}")

# --- in short --------------------------------------------------------------------

LOOKS: Final = Phrase("Looked at {looks}, by {people} and {services}, for {purposes}.")
NO_LOOKS: Final = Phrase("No entry of this span names anybody who looked at it.")
TIMES: Final = (Phrase("once"), Phrase("{n} times"))
PEOPLE: Final = (Phrase("1 person"), Phrase("{n} people"))
SERVICES: Final = (Phrase("1 service"), Phrase("{n} services"))
PURPOSE_COUNT: Final = (
    Phrase("1 purpose"),
    Phrase("{n} purposes"),
)
UNNAMED: Final = (
    Phrase("Of 1 of them the name of who looked is erased."),
    Phrase("Of {n} of them the names of who looked are erased."),
)
QUARTERS: Final = Phrase(
    "Pseudonyms change each quarter: one person may be there under several."
)
NOT_NAMED: Final = Phrase(
    "Lookups by services that found nothing name no account and are not here."
)
MORE: Final = Phrase(
    "These are the first {count} entries, there are more: take a shorter span."
)

# --- a sentence for each entry ----------------------------------------------------

WHO: Final[Words] = {
    "person": Phrase("{name} (a person)"),
    "service": Phrase("The service {name}"),
    "local": Phrase("The service at the node's socket (local)"),
    "node": Phrase("The node itself"),
    "erased": Phrase("Somebody (name {erased})"),
}
DID: Final[Words] = {
    "lookup": Phrase("looked it up"),
    "audit.read": Phrase("read the log about it"),
    "report": Phrase("made such a report"),
    "search": Phrase("searched the log for it"),
    "task.read": Phrase("read its review"),
    "own_ban.recorded": Phrase("recorded its ban"),
    "signal.drafted": Phrase("drafted a signal about it"),
    "signal.account_revoked": Phrase("ended what was listed about it"),
    "audit.held": Phrase("placed a hold on it"),
    "task.opened": Phrase("opened a review"),
    "task.grown": Phrase("added another match to the review"),
    "task.decided": Phrase("decided the review"),
    "task.hearing": Phrase("recorded the hearing"),
    "task.answered": Phrase("recorded an answer for the review"),
    "task.reopened": Phrase("opened the review again"),
    "task.due": Phrase("reminded of the review"),
    "task.lapsed": Phrase("let the review lapse"),
    "task.found_wrong": Phrase("found the review wrong"),
    "task.alarm": Phrase("raised an alarm on the review"),
    "decision.hurried": Phrase("was asked whether to decide so fast"),
    "notice.queued": Phrase("queued a notice to the person"),
    "notice.withheld": Phrase("withheld a notice to the person"),
    "notice.released": Phrase("released a notice to the person"),
    "notice.announced": Phrase("announced a notice to the person"),
    "notice.delivered": Phrase("delivered a notice to the person"),
    "notice.erased": Phrase("erased a notice to the person"),
    "notice.read": Phrase("read a notice to the person"),
    "signal.read": Phrase("read a signal with the name of the account"),
    "audit.erased": Phrase("erased particulars of it in the log"),
    "records.written": Phrase("wrote a sheet with its data"),
    "rights.answered": Phrase("answered a request of the person"),
}
OTHER: Final = Phrase("recorded something else about it (class {event})")
GROUNDS: Final[Words] = {
    "purpose": Phrase("purpose: {purpose}"),
    "basis": Phrase("legal basis: {basis}"),
    "rule": Phrase("rule {rule} of {policy}"),
    "rule_alone": Phrase("rule {rule}"),
    "no_rule": Phrase("no rule had to decide"),
    "outcome": Phrase("what came of it: {outcome}"),
    "signals": Phrase("signals: {signals}"),
    "detail": Phrase("details {erased}"),
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
    "ok": Phrase("done as asked"),
    "none": Phrase("no match"),
    "review": Phrase("a match, for people to review"),
    "incomplete": Phrase("not all lists were asked"),
    "deferred": Phrase("deferred"),
    "placed": Phrase("it is kept"),
    "reminder": Phrase("reminded"),
    "asked": Phrase("asked"),
    "said_again": Phrase("said once more"),
    "overtaken": Phrase("overtaken"),
    "alarm": Phrase("an alarm"),
}

# --- what is erased ---------------------------------------------------------------

ERASED: Final = Phrase("erased on {at}: {why}")
ERASED_WITH_KEY: Final = Phrase("erased: {why}")
WHY: Final[Words] = {
    "retention": Phrase("its time was over (Art. 5 (1) (e) GDPR)"),
    "subject": Phrase("an account was erased (Art. 17 GDPR)"),
    "key": Phrase("the key of its month is destroyed"),
    "unknown": Phrase("no entry says why"),
}
NAMELESS: Final = (
    Phrase(
        "One entry ({event}, entry {first}) was {erased}. Nobody can tell any "
        "more which account it named; it may have been this one."
    ),
    Phrase(
        "{n} entries ({event}, between entries {first} and {last}) were {erased}. "
        "Nobody can tell any more which accounts they named; this one may be "
        "among them."
    ),
)
NOTHING_ERASED: Final = Phrase("No entry of this span that named an account is erased.")
EVENTS: Final[Words] = {
    "lookup": Phrase("lookup"),
    "audit.read": Phrase("reading of the log"),
    "task.read": Phrase("reading of a review"),
}

# --- how complete -----------------------------------------------------------------

VERIFIED: Final = Phrase(
    "Before this report the log was verified: entries {first} to {last} are "
    "complete "
    "and unchanged."
)
DAMAGED: Final = Phrase(
    "The log does not verify: {why} at entry {first}. This report proves "
    "nothing until "
    "that is cleared up."
)
PRUNED: Final = Phrase("Of the entries before {minimum} only hashes are left.")
MISSING: Final = (
    Phrase("1 entry is missing."),
    Phrase("{n} entries are missing."),
)
GAPS: Final = Phrase("Gaps in the span: {gaps}.")
GAP: Final = Phrase("{kind}, {reason}, {since} to {until}")
NO_GAPS: Final = Phrase("There is no gap in the span.")
ALL_ERASED: Final = Phrase(
    "In the whole log particulars are erased, by reason: {counts}."
)
NONE_ERASED: Final = Phrase("In the whole log nothing is erased.")
VOUCHED: Final = Phrase(
    "Other members vouch by their signatures that entries 0 to {last} have not "
    "been "
    "changed since, without knowing them: {names}."
)
NEWER: Final = (
    Phrase("1 entry of this report is newer."),
    Phrase("{n} entries of this report are newer."),
)
NOBODY_VOUCHES: Final = Phrase("No other member vouches for it: none has cosigned yet.")
AT: Final = Phrase("{name} on {at}")
