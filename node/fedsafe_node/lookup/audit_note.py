# SPDX-License-Identifier: Apache-2.0
"""What a lookup leaves in the audit log.

A match, and whatever a person asks, is one event that names the account by the
provider's own `subject_ref`. A machine's negatives are one event together, with counts
only: those of a batch, those of a body of columns by kind, and those of all requests
for one account that wait for one commit. How many signals were suppressed, how many of
those because their file is evidence of nothing (P17), how many were on trial, how many
were not looked at, and how many questions could not be read, is counted in either,
never which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fedsafe_node.acts.lookup import LookupAnswer, Result
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.lookup.matching import Found
from fedsafe_node.lookup.question_sets import Case
from fedsafe_node.store.rows import LogEntry
from fedsafe_policies.vocabulary import Purpose, Surface


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, why and where; `grounds` are what events say of the decision."""

    who: Principal
    purpose: Purpose
    surface: Surface | None
    grounds: Detail


@dataclass(frozen=True, slots=True)
class Told:
    """What one case was answered, and what was found in it."""

    case: Case
    answer: LookupAnswer
    found: Found


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """What a body asked, by kind, how many matched, and the result of the rest."""

    asked: Mapping[str, int]
    matched: int
    rest: Result


@dataclass(frozen=True, slots=True)
class Writing:
    """The events of one act."""

    trail: AuditTrail
    asking: Asking
    at: datetime

    def events(self, told: Sequence[Told]) -> list[LogEntry]:
        """Write what was asked and answered."""
        negatives: list[Told] = []
        entries: list[LogEntry] = []
        for each in told:
            if self.is_told(each):
                entries.append(self.of_one(each))
            else:
                negatives.append(each)
        if negatives:
            entries.append(self._of_many(negatives))
        return entries

    def match_events(
        self, told: Sequence[Told], counts: MatchCounts | None = None
    ) -> list[LogEntry]:
        """Write what a body of columns asked, and what was answered.

        Each that matched is an event, and each account that a person names. With
        *counts*, one more is there of the whole body; without, that is still to come,
        and those of which nothing is told are an event of their own.
        """
        negatives: list[Told] = []
        entries: list[LogEntry] = []
        for each in told:
            if each.answer.matches or self._is_named(each):
                entries.append(self.of_one(each))
            else:
                negatives.append(each)
        if counts is not None:
            entries.insert(0, self._of_body(negatives, counts))
        elif negatives:
            entries.append(self._of_many(negatives))
        return entries

    def _of_body(self, negatives: Sequence[Told], counts: MatchCounts) -> LogEntry:
        detail: Detail = {
            "lookups": sum(counts.asked.values()),
            "matched": counts.matched,
            **counts.asked,
            **_on_trial(negatives),
        }
        return self._event(counts.rest.value, detail, negatives, None)

    def _is_named(self, told: Told) -> bool:
        return self.asking.who.is_person and told.case.subject is not None

    def is_told(self, told: Told) -> bool:
        """Whether a lookup is an event of its own."""
        return bool(told.answer.matches) or self.asking.who.is_person

    def of_one(self, told: Told) -> LogEntry:
        """Write what one account or file was asked, and what was answered."""
        answer = told.answer
        detail: Detail = {"questions": told.case.questions}
        if answer.matches:
            signals = " ".join(match.signal for match in answer.matches)
            detail = {**detail, "signals": signals, "task": answer.task}
        if answer.flood is not None:
            detail = {**detail, "flood": answer.flood}
        detail = {**detail, **_on_trial([told])}
        return self._event(answer.result.value, detail, [told], answer.subject_ref)

    def of_negatives(self, count: int, result: Result) -> LogEntry:
        """Write that so many lookups of a machine found nothing."""
        return self._event(result.value, {"lookups": count}, (), None)

    def _of_many(self, told: Sequence[Told]) -> LogEntry:
        outcomes = {each.answer.result.value for each in told}
        outcome = outcomes.pop() if len(outcomes) == 1 else "mixed"
        detail: Detail = {"lookups": len(told), **_on_trial(told)}
        return self._event(outcome, detail, told, None)

    def _event(
        self, outcome: str, detail: Detail, told: Sequence[Told], subject: str | None
    ) -> LogEntry:
        asking = self.asking
        if suppressed := sum(each.found.suppressed for each in told):
            detail = {**detail, "suppressed": suppressed}
        if harmless := sum(each.found.harmless for each in told):
            detail = {**detail, "harmless": harmless}
        if further := sum(each.answer.further or 0 for each in told):
            detail = {**detail, "further": further}
        if unreadable := sum(len(each.case.unreadable) for each in told):
            detail = {**detail, "unreadable": unreadable}
        return self.trail.entry(
            Event.LOOKUP,
            at=self.at,
            outcome=outcome,
            actor=asking.who.name,
            subject=subject,
            detail={
                "purpose": asking.purpose.value,
                "surface": asking.surface,
                **asking.grounds,
                **detail,
            },
        )


def _on_trial(told: Sequence[Told]) -> Detail:
    count = sum(len(each.answer.on_trial or ()) for each in told)
    return {"on_trial": count} if count else {}
