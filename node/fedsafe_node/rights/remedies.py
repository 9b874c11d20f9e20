# SPDX-License-Identifier: Apache-2.0
"""What a person is told of appeals: who decides over the origin, by when, and how.

An origin that lets a contested signal stand is not the last to decide where the charter
names a member that hears appeals. Who contests again, with proof, appeals by that
(`appeals`); nobody could know, unless answers and outcomes say so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fedsafe_federation.feed.appeals import AppealOutcome, hearer
from fedsafe_federation.feed.rulings import Outcome
from fedsafe_node.acts.requests import Finding, Language
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.rights.terms import day
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.appeals import hearer_of
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import AppealRow, DisputeRow, Weight
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Control


@unique
class Step(StrEnum):
    """How far it has come with a signal that its origin has let stand."""

    STOOD = "stood"
    AGAIN = "again"
    OFFERED = "offered"
    SENT = "sent"
    OPEN = "open"
    UNHEARD = "unheard"
    ENDED = "ended"
    STANDS = "stands"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A step, who decides or has decided, and by when or when that was."""

    signal: str
    step: Step
    hearer: str = ""
    at: int = 0


_STEPS: Final[Mapping[Step, Text]] = {
    Step.STOOD: Phrase("The reporting provider has upheld the signal.").both(),
    Step.AGAIN: Phrase(
        "The reporting provider has upheld the signal. You have contested "
        "the signal again. Somebody there who has not decided on the "
        "signal before now reviews it."
    ).both(),
    Step.OFFERED: Phrase(
        "The reporting provider has upheld the signal. If you do not "
        "agree, you can appeal: contest the signal again, with proof that "
        "the identifier is yours. Then {hearer} decides instead of the "
        "reporting provider."
    ).both(),
    Step.SENT: Phrase(
        "The reporting provider has upheld the signal. You have contested "
        "the signal again. That counts as an appeal, and {hearer} decides "
        "instead of the reporting provider."
    ).both(),
    Step.OPEN: Phrase(
        "There is an appeal because the reporting provider has upheld the "
        "signal. {hearer} decides instead of the reporting provider and "
        "has until {day}."
    ).both(),
    Step.UNHEARD: Phrase(
        "There is an appeal because the reporting provider has upheld the "
        "signal. It is not settled yet who decides on the appeal."
    ).both(),
    Step.ENDED: Phrase(
        "Appeal: {hearer} decided on {day} that the signal ends."
    ).both(),
    Step.STANDS: Phrase(
        "Appeal: {hearer} decided on {day} that the signal is upheld."
    ).both(),
    Step.ASIDE: Phrase(
        "Appeal: on {day} {hearer} decided about the signal. The providers "
        "of the federation have jointly set that decision aside."
    ).both(),
}
_PLAIN_STEPS: Final[Mapping[Step, Text]] = {
    Step.STOOD: Phrase.within(
        "under 18", "The provider that made the signal says: the signal stays."
    ).both(),
    Step.AGAIN: Phrase.within(
        "under 18",
        "The provider that made the signal says: the signal stays. You "
        "have said again that the signal is wrong. Now another person at "
        "that provider looks at it.",
    ).both(),
    Step.OFFERED: Phrase.within(
        "under 18",
        "The provider that made the signal says: the signal stays. Do you "
        "think that is wrong? Then tell us again. That is called an "
        "appeal. Then another provider decides: {hearer}.",
    ).both(),
    Step.SENT: Phrase.within(
        "under 18",
        "The provider that made the signal says: the signal stays. You "
        "have said again that the signal is wrong. Now another provider "
        "decides: {hearer}.",
    ).both(),
    Step.OPEN: Phrase.within(
        "under 18",
        "The provider that made the signal says: the signal stays. So "
        "another provider decides now: {hearer}. It has until {day}.",
    ).both(),
    Step.UNHEARD: Phrase.within(
        "under 18",
        "The provider that made the signal says: the signal stays. Another "
        "provider is to decide now. It is not settled yet which one.",
    ).both(),
    Step.ENDED: Phrase.within(
        "under 18",
        "Another provider ({hearer}) has looked at the signal again and "
        "decided: the signal does not count any more.",
    ).both(),
    Step.STANDS: Phrase.within(
        "under 18",
        "Another provider ({hearer}) has looked at the signal again and "
        "decided: the signal stays.",
    ).both(),
    Step.ASIDE: Phrase.within(
        "under 18",
        "What {hearer} decided about the signal does not count any more. "
        "The providers have decided this together.",
    ).both(),
}
_OF_SIGNAL: Final = Phrase("Signal {signal}: {said}").both()
_ALIVE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})
_PENDING: Final = frozenset({Step.SENT, Step.OPEN, Step.UNHEARD})


def in_words(remedy: Remedy, language: Language, *, plain: bool = False) -> str:
    """Say in a sentence how far it has come; *plain* to children and young people."""
    text = (_PLAIN_STEPS if plain else _STEPS)[remedy.step]
    return text.said(language).format(
        hearer=remedy.hearer, day=day(remedy.at, language)
    )


def of_signals(remedies: Sequence[Remedy], language: Language) -> list[str]:
    """Say for each signal how far it has come, where nothing else names the signal."""
    text = _OF_SIGNAL.said(language)
    return [
        text.format(signal=each.signal, said=in_words(each, language))
        for each in remedies
    ]


async def read_remedies(
    reader: Reader, situation: Situation, finding: Finding
) -> list[Remedy]:
    """Read how far it has come with a signal; nothing before its origin has ruled."""
    signal, name = read_signal_id(finding.signal), finding.signal
    origin = situation.own.name if finding.own else finding.origin
    row = await reader.signal(origin, signal)
    disputes = await reader.disputes_on(origin, signal)
    found = [
        remedy
        for appeal in await reader.appeals_on(origin, signal)
        if (remedy := await _heard(reader, situation, appeal, name)) is not None
    ]
    if row is None or row.status not in _ALIVE:
        return [each for each in found if each.step is Step.ENDED]
    if row.status is SignalStatus.DISPUTED or any(
        each.step in _PENDING for each in found
    ):
        return found
    stood = await stood_disputes(reader, disputes)
    if not stood:
        return found
    node = situation.node
    hears = None
    if not finding.own and not await _appealed(reader, node, origin, signal):
        hears = await _hearer(reader, situation, origin, signal)
    again = await _again(reader, disputes, origin if finding.own else node)
    if hears is not None:
        return [*found, Remedy(name, Step.SENT if again else Step.OFFERED, hears)]
    return found or [Remedy(name, Step.AGAIN if again else Step.STOOD)]


async def stood_disputes(
    reader: Reader, disputes: Sequence[DisputeRow]
) -> list[DisputeRow]:
    """Choose the disputes on which the origin ruled that the signal stands."""
    return [
        each
        for each in disputes
        if (ruling := await reader.ruling(each)) is not None
        and ruling.outcome == Outcome.RESTORED
    ]


async def hearers_of(
    reader: Reader, situation: Situation, findings: Collection[Finding] | None
) -> list[str]:
    """Name who would hear the person's appeals, where they could appeal yet.

    Of *findings*, or in general if what was found is erased. Nobody else knows an own
    ban, and of a signal that this node has appealed about it files nothing again.
    """
    shared, node = situation.shared, situation.node
    if shared is None:
        return []
    charter = shared.membership.charter
    if findings is None:
        named = {hearer(charter, {node})}
    else:
        named = set[str | None]()
        for each in findings:
            signal = read_signal_id(each.signal)
            row = await reader.signal(each.origin, signal)
            if each.own or row is None or row.status not in _ALIVE:
                continue
            if not await _appealed(reader, node, each.origin, signal):
                named.add(await _hearer(reader, situation, each.origin, signal))
    return sorted(name for name in named if name is not None)


async def _heard(
    reader: Reader, situation: Situation, appeal: AppealRow, name: str
) -> Remedy | None:
    charter = None if situation.shared is None else situation.shared.membership.charter
    ruling = await reader.appeal_ruling(appeal.digest)
    if ruling is not None:
        step = Step.STANDS
        if charter is not None and ruling.digest in charter.without_effect:
            step = Step.ASIDE
        elif ruling.outcome == AppealOutcome.ENDED:
            step = Step.ENDED
        return Remedy(name, step, ruling.author, ruling.at)
    if charter is None:
        return None
    parties = {appeal.author, appeal.disputed_by, appeal.origin}
    by = await hearer_of(reader, charter, parties, appeal.origin, appeal.signal_id)
    if by is None:
        return Remedy(name, Step.UNHEARD)
    return Remedy(name, Step.OPEN, by, appeal.due_at)


async def _hearer(
    reader: Reader, situation: Situation, origin: str, signal: bytes
) -> str | None:
    """Name who would hear it: whoever has disputed the signal has a part in it."""
    if situation.shared is None:
        return None
    charter, parties = situation.shared.membership.charter, {situation.node, origin}
    return await hearer_of(reader, charter, parties, origin, signal)


async def _appealed(reader: Reader, node: str, origin: str, signal: bytes) -> bool:
    known = await reader.appeals_on(origin, signal)
    return any(each.author == node for each in known)


async def _again(reader: Reader, disputes: Sequence[DisputeRow], author: str) -> bool:
    """Whether somebody with proof has contested here again, and waits."""
    for each in disputes:
        proved = each.author == author and each.control != Control.OFFICER
        waits = proved and each.weight is Weight.REPEAT
        if waits and await reader.ruling(each) is None:
            return True
    return False
