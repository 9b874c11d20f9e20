# SPDX-License-Identifier: Apache-2.0
"""What an answer says of an account's reviews and of drafts (GDPR Art. 15).

A review is kept with the account that it is about, and a decision with it, so who
asks without naming an account is told where to ask. Staff are not named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.acts.requests import Language
from fedsafe_node.notices.texts import words
from fedsafe_node.rights.terms import day
from fedsafe_node.signals.drafts import DraftFacts
from fedsafe_node.store.review_rows import TaskDecisionRow, TaskState
from fedsafe_policies.documents.phenomena import ladder, phenomena
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import IdentifierKind, Level, Outcome


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review of the account: what it hangs on, by origin, and what was decided."""

    opened_at: int
    state: TaskState
    signals: Sequence[tuple[str, str]]
    decisions: Sequence[TaskDecisionRow]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft about the person, with its rule in words."""

    created_at: int
    facts: DraftFacts
    rule: Text


KINDS: Final[Mapping[str, Text]] = {
    "email": Phrase("e-mail address").both(),
    "phone": Phrase("phone number").both(),
    "username": Phrase("user name").both(),
    "device": Phrase("identifier of a device").both(),
    "payment": Phrase("means of payment").both(),
    "ip": Phrase("IP address").both(),
    "url": Phrase("web address").both(),
}
_DRAFT: Final = Phrase(
    "\nDraft of a signal, written on {created_at}\n"
    "  kind of identifier: {kind}; phenomenon: {phenomenon}; found in: "
    "{surface}\n  ground: {rule}; {grade}\n"
    "  the data come from {provenance}\n"
    "  This draft waits for a second person to approve it. Nobody has "
    "received it.\n"
).both()
_REVIEW: Final = Phrase(
    "\nReview of your account, begun on {opened_at}: {state}\n"
).both()
_STATES: Final[Mapping[TaskState, Text]] = {
    TaskState.OPEN: Phrase("waits for a person").both(),
    TaskState.WATCHED: Phrase("the account is watched").both(),
    TaskState.DECIDED: Phrase("decided").both(),
    TaskState.LAPSED: Phrase("has ended without a decision").both(),
}
_CAUSE: Final = Phrase(
    "  the review was opened because of signal {signal} of {origin}\n"
).both()
_DECISION: Final = Phrase(
    "  on {decided_at}: {outcome}{level}{until}{reason}; number of people "
    "who decided: {people}\n"
).both()
_OUTCOMES: Final[Mapping[Outcome, Text]] = {
    Outcome.DISMISS: Phrase("no reason for a measure").both(),
    Outcome.WATCH: Phrase("the account is watched").both(),
    Outcome.FEATURE_LIMIT: Phrase("some features of the account are limited").both(),
    Outcome.INQUIRE: Phrase("the reporting provider has been asked").both(),
    Outcome.CONFIRM: Phrase("confirmed by our own finding").both(),
}
_LEVEL: Final = Phrase(", measure: {name}").both()
_UNTIL: Final = Phrase(" until {until}").both()
_REASON: Final = Phrase(" (file number {reason})").both()
_NONE: Final = Phrase("\nWe keep no review of your account.\n").both()
_NO_ACCOUNT: Final = Phrase(
    "\nWe keep reviews and decisions with the account that they are about, "
    "but this request does not name an account. To ask about your account, "
    "please log in, or write to {contact}.\n"
).both()


def write_drafts(drafts: Sequence[Waiting], language: Language) -> list[str]:
    """Write what waits for a second person."""
    in_words = words()
    return [
        _DRAFT.said(language).format(
            created_at=day(draft.created_at, language),
            kind=_kind(draft.facts).said(language),
            phenomenon=phenomena()[draft.facts.phenomenon].name.said(language),
            surface=in_words.surface[draft.facts.surface].said(language),
            grade=in_words.grade[draft.facts.grade].said(language),
            provenance=in_words.provenance[draft.facts.provenance].said(language),
            rule=draft.rule.said(language),
        )
        for draft in drafts
    ]


def _kind(facts: DraftFacts) -> Text:
    return KINDS[IdentifierKind(facts.kind).name.lower()]


def write_reviews(
    reviews: Sequence[Reviewed] | None, language: Language, contact: str
) -> list[str]:
    """Write how the account was reviewed; None stands for no account named."""
    if reviews is None:
        return [_NO_ACCOUNT.said(language).format(contact=contact)]
    if not reviews:
        return [_NONE.said(language)]
    return [_review(each, language) for each in reviews]


def _review(review: Reviewed, language: Language) -> str:
    head = _REVIEW.said(language).format(
        opened_at=day(review.opened_at, language),
        state=_STATES[review.state].said(language),
    )
    causes = [
        _CAUSE.said(language).format(signal=signal, origin=origin)
        for signal, origin in review.signals
    ]
    return "".join(
        [head, *causes, *(_decision(each, language) for each in review.decisions)]
    )


def _decision(row: TaskDecisionRow, language: Language) -> str:
    level = until = reason = ""
    if row.level is not None:
        name = ladder()[Level(row.level)].said(language)
        level = _LEVEL.said(language).format(name=name)
    if row.until is not None:
        until = _UNTIL.said(language).format(until=day(row.until - 1, language))
    if row.reason is not None:
        reason = _REASON.said(language).format(reason=row.reason)
    return _DECISION.said(language).format(
        decided_at=day(row.decided_at, language),
        outcome=_OUTCOMES[Outcome(row.outcome)].said(language),
        level=level,
        until=until,
        reason=reason,
        people=1 if row.second is None else 2,
    )
