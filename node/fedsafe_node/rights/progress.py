# SPDX-License-Identifier: Apache-2.0
"""How far it has come with what a person contests, for who has number and code.

It is read anew each time, and names no signal: the answer with the findings is handed
out once, while the person may come back for this as often as they like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fedsafe_federation.feed.rulings import Outcome
from fedsafe_node.acts.requests import Contested, Finding, Language
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.rights.contest import CONTESTABLE
from fedsafe_node.rights.remedies import Remedy, Step, in_words, read_remedies
from fedsafe_node.rights.sealing import Content
from fedsafe_node.rights.terms import day, hour, moment
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.escalation.laender import GERMANY
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.help.offers import Age


@unique
class Stage(StrEnum):
    """What has become of a signal that was contested."""

    RESTS = "rests"
    WAITS = "waits"
    STANDS = "stands"
    ENDED = "ended"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Progress:
    """A contested signal: its stage, until when somebody decides, and its appeals."""

    stage: Stage
    until: int | None = None
    remedies: Sequence[Remedy] = ()


_STAGES: Final[Mapping[Stage, Text]] = {
    Stage.RESTS: Phrase(
        "The signal is contested and rests: until the decision, nobody gets a "
        "match from it."
    ).both(),
    Stage.WAITS: Phrase(
        "The signal is contested, but that alone does not make it rest: it "
        "stays in force until the decision."
    ).both(),
    Stage.STANDS: Phrase("Decided: the signal stands.").both(),
    Stage.ENDED: Phrase(
        "The signal has ended: nobody gets a match from it any more."
    ).both(),
    Stage.LAPSED: Phrase(
        "The signal has ended because the reporting provider did not "
        "decide in time: nobody gets a match from it any more."
    ).both(),
}
_PLAIN_STAGES: Final[Mapping[Stage, Text]] = {
    Stage.RESTS: Phrase.within(
        "under 18",
        "A person is looking at the signal again. Until then the signal "
        "does not count.",
    ).both(),
    Stage.WAITS: Phrase.within(
        "under 18",
        "A person is looking at the signal again. Until then the signal still counts.",
    ).both(),
    Stage.STANDS: Phrase.within("under 18", "It is decided: the signal stays.").both(),
    Stage.ENDED: Phrase.within(
        "under 18", "The signal does not count any more."
    ).both(),
    Stage.LAPSED: Phrase.within(
        "under 18",
        "The signal does not count any more, because nobody looked at it in time.",
    ).both(),
}
_UNTIL: Final = Phrase(
    "The reporting provider has until {day} to decide about the signal."
).both()
_OVER: Final = Phrase(
    "The reporting provider had until {day} to decide about the signal, "
    "and has not decided yet."
).both()
_PLAIN_UNTIL: Final = Phrase.within("under 18", "That takes until {day}.").both()
_PLAIN_OVER: Final = Phrase.within(
    "under 18", "The signal should have been looked at again by {day}. It takes longer."
).both()
_HEAD: Final = Phrase("State of the request on {today}:").both()
_OF: Final = Phrase("{number} of {count}: {said}").both()
_BACK: Final = Phrase(
    "We will not write to you when something changes. Please check here "
    "again with your number and your collect code."
).both()
_PLAIN_BACK: Final = Phrase.within(
    "under 18",
    "We cannot write to you. Come back here with your number and your collect code.",
).both()
_UNDECIDED: Final = Phrase(
    "A second person at our office still has to confirm who you are. Until "
    "then no signal rests because of your request. If it takes longer than "
    "three days, please ask: {contact}."
).both()
_PLAIN_UNDECIDED: Final = Phrase.within(
    "under 18",
    "A second person still has to confirm who you are. Until then nothing "
    "changes. Does it take longer than three days? Then ask: {contact}.",
).both()
_SOUGHT: Final = Phrase(
    "We have not looked everywhere yet, because too many people are asking "
    "at the moment, or other providers do not answer. We will continue "
    "from {again} on, in the order of the requests. If you wanted us to, "
    "we will then contest what we find. The deadline for our answer stays "
    "the same: {due}. Until we have looked everywhere, we keep your "
    "identifier encrypted, and no longer."
).both()
_PLAIN_SOUGHT: Final = Phrase.within(
    "under 18",
    "We have not looked everywhere yet, because too many people are asking "
    "right now. We will go on from {again} on. You will have the answer by "
    "{due}.",
).both()
_WAITING: Final = frozenset({Stage.RESTS, Stage.WAITS})
_PENDING: Final = frozenset({Step.AGAIN, Step.SENT, Step.OPEN, Step.UNHEARD})


async def read_progress(
    reader: Reader, situation: Situation, content: Content
) -> list[Progress]:
    """Read how far it has come with each signal that a request contests."""
    disputes: dict[tuple[str, bytes], DisputeRow] = {}
    for digest in content.disputes:
        row = await reader.dispute(bytes.fromhex(digest))
        if row is not None:
            disputes[row.origin, row.signal_id] = row
    found: list[Progress] = []
    for finding in content.findings:
        origin = situation.own.name if finding.own else finding.origin
        dispute = disputes.get((origin, read_signal_id(finding.signal)))
        if dispute is not None:
            found.append(await _progress(reader, situation, finding, dispute))
    return found


async def _progress(
    reader: Reader, situation: Situation, finding: Finding, dispute: DisputeRow
) -> Progress:
    signal = await reader.signal(dispute.origin, dispute.signal_id)
    remedies = await read_remedies(reader, situation, finding)
    ruling = await reader.ruling(dispute)
    if signal is None or signal.status not in CONTESTABLE:
        lapsed = ruling is not None and ruling.outcome == Outcome.LAPSED
        return Progress(Stage.LAPSED if lapsed else Stage.ENDED, None, remedies)
    if signal.status is SignalStatus.DISPUTED:
        on_it = await reader.disputes_on(dispute.origin, dispute.signal_id)
        due = [
            each.due_at
            for each in on_it
            if each.weight is Weight.SUSPENDS and await reader.ruling(each) is None
        ]
        until = max(due, default=dispute.due_at)
        return Progress(Stage.RESTS, until, remedies)
    if ruling is None and not remedies:
        return Progress(Stage.WAITS, dispute.due_at)
    return Progress(Stage.STANDS, None, remedies)


def shown(progress: Sequence[Progress]) -> Sequence[Contested]:
    """Show how far it has come as the API does."""
    return [
        Contested(
            stage=each.stage.value,
            until=None if each.until is None else moment(each.until),
            appeal=each.remedies[-1].step.value if each.remedies else None,
            heard_by=(each.remedies[-1].hearer or None) if each.remedies else None,
        )
        for each in progress
    ]


def progress_in_words(  # noqa: PLR0913 - what is told
    progress: Sequence[Progress],
    content: Content,
    language: Language,
    *,
    contact: str,
    now: int,
    again_at: int | None = None,
    due_at: int = 0,
    zone: str = GERMANY,
) -> str | None:
    """Say how far it has come, plainly to children; None if nothing is contested.

    What waits is looked up from *again_at* on, told in UTC and in *zone*; the answer is
    due by *due_at*.
    """
    said = _progress_in_words(progress, content, language, contact=contact, now=now)
    if again_at is None:
        return said
    plain = content.age is Age.MINOR
    again = hour(moment(again_at), language, zone)
    due = day(due_at, language)
    text = (_PLAIN_SOUGHT if plain else _SOUGHT).said(language)
    back = (_PLAIN_BACK if plain else _BACK).said(language)
    waits = text.format(again=again, due=due)
    return f"{waits}\n{back}" if said is None else f"{waits}\n{said}"


def _progress_in_words(
    progress: Sequence[Progress],
    content: Content,
    language: Language,
    *,
    contact: str,
    now: int,
) -> str | None:
    plain = content.age is Age.MINOR
    if content.is_undecided:
        text = _PLAIN_UNDECIDED if plain else _UNDECIDED
        return text.said(language).format(contact=contact)
    if not progress:
        return None
    said = [_said(each, language, now, plain=plain) for each in progress]
    if len(said) > 1:
        of = _OF.said(language)
        said = [
            of.format(number=number, count=len(said), said=each)
            for number, each in enumerate(said, 1)
        ]
    if any(
        each.stage in _WAITING or any(r.step in _PENDING for r in each.remedies)
        for each in progress
    ):
        said.append((_PLAIN_BACK if plain else _BACK).said(language))
    head = _HEAD.said(language).format(today=day(now, language))
    return "\n".join([head, *said])


def _said(each: Progress, language: Language, now: int, *, plain: bool) -> str:
    parts: list[str] = []
    if each.stage is not Stage.STANDS or not each.remedies:  # else they say it
        parts.append((_PLAIN_STAGES if plain else _STAGES)[each.stage].said(language))
    if each.until is not None:
        over = each.until <= now
        if plain:
            text = _PLAIN_OVER if over else _PLAIN_UNTIL
        else:
            text = _OVER if over else _UNTIL
        parts.append(text.said(language).format(day=day(each.until, language)))
    parts += [in_words(remedy, language, plain=plain) for remedy in each.remedies]
    return " ".join(parts)
