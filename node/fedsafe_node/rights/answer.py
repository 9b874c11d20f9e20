# SPDX-License-Identifier: Apache-2.0
"""The answer to a person (GDPR Art. 15), in German or English.

It names purposes, legal basis, recipients and dates, not staff, uses the words of
notices, and says what could not be looked up. The texts are an engineering reading of
the law, not legal advice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.acts.requests import Finding, Language
from fedsafe_node.notices.texts import words
from fedsafe_node.rights.outcomes import (
    above,
    in_language,
    plain_ways_in,
    ways_in,
)
from fedsafe_node.rights.remedies import Remedy, in_words
from fedsafe_node.rights.review_report import (
    KINDS,
    Reviewed,
    Waiting,
    write_drafts,
    write_reviews,
)
from fedsafe_node.rights.terms import day, written_day
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import (
    Grade,
    Phenomenon,
    Provenance,
    Purpose,
    Surface,
)


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who has received a signal, what for, and when first and last."""

    recipient: str
    purpose: Purpose
    first_at: str
    last_at: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Handed:
    """A part of the audit log with openings: made for whom, what for, and when."""

    recipient: str
    purpose: Purpose
    at: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A signal that was found, as it stands now, and who has received it.

    `rule` is in words where the provider that answers has reported it. It is `silent`
    where a pack is withheld: then nothing is said of recipients rather than "none".
    `forms` are where its recipients are asked what they have passed on, `remedies` how
    far it has come with appeals.
    """

    finding: Finding
    status: SignalStatus | None
    rule: Text | None = None
    recipients: Sequence[Told] = ()
    packs: Sequence[Handed] = ()
    silent: bool = False
    forms: Sequence[str] = ()
    remedies: Sequence[Remedy] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """What the answer does not cover.

    Epochs that nobody evaluated, and members of whose signals not all were here:
    all of them while the own gate was `closed`. Epochs that were `shredded` hold
    nothing any more, so nothing of them is missing; the person is told all the same.
    """

    unevaluated: Sequence[str] = ()
    uncovered: Sequence[str] = ()
    closed: bool = False
    shredded: Sequence[int] = ()
    waits: bool = False

    def __bool__(self) -> bool:
        """Whether something is missing."""
        return bool(self.unevaluated or self.uncovered)


@dataclass(frozen=True, slots=True)
class Contested:
    """How many disputes rest a signal, wait without resting it, and are ruled on.

    `again` wait as well, after the origin has let the signal stand.
    """

    resting: int = 0
    waiting: int = 0
    ruled: int = 0
    again: int = 0


_HEAD: Final = Phrase(
    "Answer to your request {request}\n\n"
    "Controller: {controller} ({contact}). As of {today}.\n"
    "{kept}\n"
).both()
_KEPT: Final[Mapping[bool, Text]] = {
    False: Phrase(
        "We have checked your identifier for this answer and have not kept it."
    ).both(),
    True: Phrase(
        "We keep your identifier encrypted until we have looked everywhere."
    ).both(),
}
"""By whether it waits to be looked up."""
_NOTHING: Final = Phrase("\nNo signal is kept about this identifier.\n").both()
_WHY: Final = Phrase(
    "\nWhy we keep this: so that providers can protect children where the "
    "same person appears again. A signal is a reason for people to review "
    "an account. A signal is not a decision, and no decision is automated "
    "(Art. 22 GDPR).\n"
    "Legal basis: {basis}. Legitimate interest: to protect children from "
    "sexual violence.\n"
).both()
_SIGNAL: Final = Phrase(
    "\nSignal {signal}\n  reported by: {origin} (contact: {contact})\n"
    "  kind of identifier: {kind}; phenomenon: {phenomenon}; found in: "
    "{surface}\n  ground: {rule}; {grade}\n  source: {provenance}\n"
    "  account removed on {removed_on}, signal published on "
    "{published_on}, in force until {match_until}\n"
).both()
_SOURCES: Final[Mapping[Provenance, Text]] = {
    Provenance.OWN_FINDING: Phrase("the reporting provider's own finding").both(),
    Provenance.RELAYED: Phrase(
        "information that others gave to the reporting provider"
    ).both(),
    Provenance.IMPORTED_LIST: Phrase(
        "taken over from a list by the reporting provider"
    ).both(),
}
_THEIR_RULE: Final = Phrase("rule {rule} of the reporting provider").both()
_RESTS: Final = Phrase(
    "  This signal is contested and rests: nobody gets a match from it "
    "until the decision."
).both()
_ENDED: Final = Phrase(
    "  This signal has ended meanwhile: nobody gets a match from it any more."
).both()
_RECIPIENT: Final = Phrase(
    "  recipient: {recipient}, first on {first_at}, last on {last_at}, {times} "
    "times in all (each time the same data); purpose: {purpose}\n"
).both()
_RECIPIENT_ONCE: Final = Phrase(
    "  recipient: {recipient}, once on {first_at}; purpose: {purpose}\n"
).both()
_OWN: Final = Phrase("  recipients: none; only this provider uses the signal\n").both()
_PACK: Final = Phrase(
    "  contained in an extract of our log, made for {recipient} on {at}; "
    "purpose: {purpose}\n"
).both()
_ACCOUNT_PACKS: Final = Phrase(
    "\nExtracts of our log contain entries about your account:\n"
).both()
_FOREIGN: Final = Phrase(
    "  {origin} will tell you to whom it has given this signal.\n"
).both()
_BEYOND: Final = Phrase(
    "  We do not learn whether a recipient has passed this signal on, for "
    "example to an authority. The recipient will tell you if you ask it "
    "for access: {forms}\n"
).both()
_RESTING: Final = Phrase(
    "\nSignals that we have contested for you and that now rest: {count}. "
    "Until the decision, nobody anywhere gets a match from such a signal.\n"
).both()
_WAITING: Final = Phrase(
    "\nSignals that we have contested for you but that do not rest because "
    "of that: {count}. The reporting provider decides.\n"
).both()
_AGAIN: Final = Phrase(
    "\n"
    "Signals that we have contested for you once more after the reporting "
    "provider had upheld them: {count}. Contesting a signal again does not "
    "make it rest again. You can read above, with each signal, who decides "
    "now.\n"
).both()
_RULED: Final = Phrase(
    "\nSignals that we have contested for you and that have been decided "
    "meanwhile: {count}.\n"
).both()
_NOTHING_ELSE: Final = Phrase(
    "\nAs far as we could check, there is no signal about this identifier.\n"
).both()
_UNEVALUATED: Final = Phrase(
    "\nWe could not check this: {what}. Please ask again later.\n"
).both()
_UNLOOKED: Final = Phrase(
    "\n"
    "We have not looked everywhere yet. This is still missing: {what}. We "
    "will look again as soon as other providers can look for us again. If "
    "you wanted us to, we will then contest what we find. After that we "
    "will write this answer again. Please come back with your number and "
    "your collect code.\n"
).both()
_UNCOVERED: Final = Phrase(
    "\nWe could not check the signals of these providers, or not all of "
    "them: {what}. Please ask these providers whether they have listed "
    "you.\n"
).both()
_SHREDDED: Final = Phrase(
    "\n"
    "We can no longer answer whether you were listed in these earlier key "
    "epochs: {what}. Their keys are destroyed. Signals from these epochs "
    "no longer match anywhere, and their contents are erased.\n"
).both()
_CLOSED: Final = Phrase(
    "\n"
    "At present we may not keep signals of other providers about persons, "
    "so this answer covers only our own signals. These providers will tell "
    "you whether they have listed you: {what}.\n"
).both()
_CASES: Final = Phrase(
    "\nThis answer leaves out cases in which we deal with a report or a "
    "danger. This sentence is in every answer and does not say whether "
    "there is such a case. If you want to know whether we keep something "
    "about you in such cases, and what, please ask at {contact}. People "
    "decide on each question of this kind individually.\n"
).both()
"""In every answer alike, so that nobody learns whether something stands against one."""
_TAIL: Final = Phrase(
    "\nYou may ask for rectification, erasure or restriction of your data, "
    "and you may object (Art. 15 (1) (e) GDPR). This is how you reach us: "
    "{reach}.\n"
).both()


_PLAIN_HEAD: Final = Phrase.within(
    "under 18",
    "Hello,\n\n"
    "you asked what {provider} has about you. Here is the answer in plain "
    "words. Below it there is a long text. It is best to read the long "
    "text with an adult whom you trust.\n\n",
).both()
_PLAIN_FOUND: Final = Phrase.within(
    "under 18",
    "We found this many entries about you: {count}. Such an entry is "
    "called a signal. A signal only says: look closely here. It is not a "
    "verdict on you. ",
).both()
_PLAIN_NOTHING: Final = Phrase.within(
    "under 18", "We found no signal about you. "
).both()
_PLAIN_MISSING: Final = Phrase.within(
    "under 18", "We could not check everything. You can read below what is missing. "
).both()
_PLAIN_REVIEWED: Final = Phrase.within(
    "under 18",
    "People here have looked at your account. You can read below what they did. ",
).both()
_PLAIN_RESTS: Final = Phrase.within(
    "under 18",
    "A person is looking at the signal again right now. Until then the "
    "signal does not count. ",
).both()


def write_plainly(  # noqa: PLR0913 - what it tells
    language: Language,
    house: Mapping[str, Text],
    *,
    found: int,
    reviewed: bool,
    resting: bool,
    missing: bool,
    remedies: Sequence[Remedy] = (),
) -> str:
    """Write an answer in plain words, for children and young people.

    *house* has whom they can turn to as well (`help`).
    """
    said = in_language(house, language)
    parts = [_PLAIN_HEAD.said(language).format_map(said)]
    text = _PLAIN_FOUND if found else _PLAIN_NOTHING
    parts.append(text.said(language).format(count=found))
    for each, is_so in (
        (_PLAIN_RESTS, resting),
        (_PLAIN_REVIEWED, reviewed),
        (_PLAIN_MISSING, missing),
    ):
        if is_so:
            parts.append(each.said(language))
    parts += [f"{in_words(each, language, plain=True)} " for each in _once(remedies)]
    ways = plain_ways_in(house, language)
    return f"{''.join(parts).rstrip()}\n\n{ways}"


def write_answer(  # noqa: PLR0913 - what an answer tells
    language: Language,
    *,
    request: str,
    node: str,
    house: Mapping[str, Text],
    today: str,
    basis: Text,
    signals: Sequence[Shown],
    reviews: Sequence[Reviewed] | None,
    drafts: Sequence[Waiting],
    packs: Sequence[Handed],
    contested: Contested,
    missing: Missing,
) -> str:
    """Write the answer; `recipients` are those of own shared signals only.

    `packs` are those that name the account; `house` says who the provider is. With
    its `help` the answer is for a child or young person, and begins in plain words.
    """
    said = in_language(house, language)
    contact = said["contact"]
    head = _HEAD.said(language).format(
        **said,
        request=request,
        today=written_day(today, language),
        kept=_KEPT[missing.waits].said(language),
    )
    parts = [head]
    if signals or reviews or drafts or packs:
        parts.append(_WHY.said(language).format(basis=basis.said(language)))
    for shown in signals:
        parts += _signal(shown, language, node)
    if not signals:
        # Nobody may say that there is none while something was not asked.
        nothing = _NOTHING_ELSE.said(language) if missing else _NOTHING.said(language)
        parts.append(nothing)
    parts += write_drafts(drafts, language)
    parts += write_reviews(reviews, language, contact)
    if packs:
        parts += [_ACCOUNT_PACKS.said(language), *_packs(packs, language)]
    for text, count in (
        (_RESTING, contested.resting),
        (_WAITING, contested.waiting),
        (_AGAIN, contested.again),
        (_RULED, contested.ruled),
    ):
        if count:
            parts.append(text.said(language).format(count=count))
    parts += _missing(missing, language)
    cases = _CASES.said(language).format(contact=contact)
    tail = _TAIL.said(language).format_map(said)
    whole = "".join([*parts, cases, tail, f"\n{ways_in(house, language)}\n"])
    if "help" not in house:
        return whole
    plain = write_plainly(
        language,
        house,
        found=len(signals),
        reviewed=bool(reviews or drafts),
        resting=bool(contested.resting),
        missing=bool(missing),
        remedies=[each for shown in signals for each in shown.remedies],
    )
    return above(plain, whole, language)


def _once(remedies: Sequence[Remedy]) -> list[Remedy]:
    """Leave out what would be said of another signal in the same words."""
    return list({(e.step, e.hearer, e.at): e for e in remedies}.values())


def _missing(missing: Missing, language: Language) -> list[str]:
    uncovered = _CLOSED if missing.closed else _UNCOVERED
    return [
        text.said(language).format(what=", ".join(names))
        for text, names in (
            (_UNLOOKED if missing.waits else _UNEVALUATED, missing.unevaluated),
            (uncovered, missing.uncovered),
            (_SHREDDED, [str(epoch) for epoch in missing.shredded]),
        )
        if names
    ]


def _signal(shown: Shown, language: Language, node: str) -> list[str]:
    finding, status = shown.finding, shown.status
    parts = [_SIGNAL.said(language).format_map(_fields(shown, language))]
    if status is SignalStatus.DISPUTED:
        parts.append(_RESTS.said(language) + "\n")
    elif status is not SignalStatus.ACTIVE:
        parts.append(_ENDED.said(language) + "\n")
    parts += [f"  {in_words(each, language)}\n" for each in shown.remedies]
    if finding.own and not shown.packs and not shown.silent:
        parts.append(_OWN.said(language))
    elif not finding.own and finding.origin != node:
        parts.append(_FOREIGN.said(language).format(origin=finding.origin))
    parts += [
        (_RECIPIENT_ONCE if told.times == 1 else _RECIPIENT)
        .said(language)
        .format(
            recipient=told.recipient,
            times=told.times,
            first_at=written_day(told.first_at, language),
            last_at=written_day(told.last_at, language),
            purpose=_purpose(told.purpose, language),
        )
        for told in shown.recipients
    ]
    if shown.forms:
        parts.append(_BEYOND.said(language).format(forms=", ".join(shown.forms)))
    return parts + _packs(shown.packs, language)


def _packs(packs: Sequence[Handed], language: Language) -> list[str]:
    return [
        _PACK.said(language).format(
            recipient=pack.recipient,
            at=day(pack.at, language),
            purpose=_purpose(pack.purpose, language),
        )
        for pack in packs
    ]


def _purpose(purpose: Purpose, language: Language) -> str:
    return said(purpose.value).said(language).replace("_", " ")


def _fields(shown: Shown, language: Language) -> dict[str, str]:
    finding, in_words = shown.finding, words()
    rule = (shown.rule or _THEIR_RULE).said(language)
    texts = {
        "kind": KINDS[finding.kind],
        "phenomenon": phenomena()[Phenomenon(finding.phenomenon)].name,
        "surface": in_words.surface[Surface(finding.surface)],
        "grade": in_words.grade[Grade(finding.grade)],
        "provenance": _SOURCES[Provenance(finding.provenance)],
    }
    days = ("removed_on", "published_on", "match_until")
    return {
        "signal": finding.signal,
        "origin": finding.origin,
        "contact": finding.contact,
        "rule": rule if shown.rule is not None else rule.format(rule=finding.rule),
        **{name: text.said(language) for name, text in texts.items()},
        **{name: written_day(getattr(finding, name), language) for name in days},
    }
