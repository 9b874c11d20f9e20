# SPDX-License-Identifier: Apache-2.0
"""What a person is told of a delay and of an end (GDPR Art. 12 (3) and (4)).

Standard words in German and English, beside the reference that staff gave: the reasons
of a refusal, and that one may complain or go to court. They are an engineering reading
of the law, not legal advice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.acts.requests import Language, RefusalGround
from fedsafe_node.rights.remedies import Remedy, in_words, of_signals
from fedsafe_node.rights.terms import day
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text

_EXTENDED: Final = Phrase(
    "We need longer and will answer by {day}, because the review is complex or "
    "there are many requests (Art. 12 (3) GDPR). Our reference: {reason}."
).both()
_LATE: Final = Phrase(
    "Our answer was due by {day} and is late (Art. 12 (3) GDPR). We still "
    "owe you the answer; you need not make a new request. You can ask us "
    "about it with the number {request}: {reach}. You need not wait for "
    "our reply: you may complain to the supervisory authority now."
).both()
_ENDS: Final[Mapping[str, Text]] = {
    "granted": Phrase("Your request was granted on {day}.").both(),
    "refused": Phrase("Your request was refused on {day}.").both(),
    "withdrawn": Phrase(
        "Your request has been treated as withdrawn since {day}."
    ).both(),
    "answered": Phrase("Your request was answered and closed on {day}.").both(),
}
_GROUNDS: Final[Mapping[str, Text]] = {
    RefusalGround.FOUNDED: Phrase(
        "Reason: we have reviewed your data again. The data are correct, "
        "and there are compelling legitimate grounds that prevail: the "
        "protection of children (Art. 17 (3) and Art. 21 (1) GDPR)."
    ).both(),
    RefusalGround.NOT_SHOWN: Phrase(
        "Reason: we could not establish that the identifier is yours (Art. "
        "12 (2) GDPR)."
    ).both(),
    RefusalGround.NOT_OURS: Phrase(
        "Reason: the entries about this identifier come from another "
        "provider. We ourselves cannot change or erase them."
    ).both(),
    RefusalGround.EXCESSIVE: Phrase(
        "Reason: the request is manifestly unfounded or excessive (Art. 12 (5) GDPR)."
    ).both(),
}
_MEMBERS: Final = Phrase(
    "These providers had received your data: {members}. Each of these "
    "providers has been told of the erasure (Art. 19 GDPR). If you ask a "
    "provider, it tells you to whom it has given extracts."
).both()
_MEMBERS_ENDED: Final = Phrase(
    "These providers had received your data: {members}. We have told each "
    "of these providers that the signal has ended (Art. 19 GDPR). If you "
    "ask a provider, it tells you to whom it has given extracts."
).both()
_PACKS: Final = Phrase(
    "These recipients also have extracts of our log with data about you: "
    "{packs}. We cannot erase the data there. Each recipient decides for "
    "itself, and you can ask it directly."
).both()
_REMEDIES: Final = Phrase(
    "Reference of our decision: {reason}. Questions about it: {reach}."
).both()
WAYS: Final = Phrase(
    "If you do not agree:\n"
    "{appeal}- You may complain to us, free of charge and in any form "
    "(about a decision on your account under Art. 20 DSA): {complaints}.\n"
    "- You may turn to a certified body for out-of-court dispute "
    "settlement (Art. 21 DSA): {bodies}.\n"
    "- You may complain to a supervisory authority for data protection "
    "(Art. 77 GDPR): {authority}.\n- You may go to court (Art. 79 GDPR)."
).both()
"""The ways that are open to who does not agree, in outcomes and answers."""
_APPEAL: Final = Phrase(
    "- You may contest a signal. You need proof that the identifier is "
    "yours. This is how you reach us: {reach}. If the reporting provider "
    "upholds the signal, you may appeal: contest the signal again, and "
    "{hearer} decides instead of the reporting provider.\n"
).both()
"""The way to who decides over the origin, where the charter names somebody."""


_PLAIN_EXTENDED: Final = Phrase.within(
    "under 18", "Hello,\n\nwe need longer. You will have the answer by {day}."
).both()
_PLAIN_LATE: Final = Phrase.within(
    "under 18",
    "Hello,\n\n"
    "we are late. You should have had our answer by {day}. You will still "
    "get it. You need not fill in anything again. You can ask us about the "
    "answer, or complain. You can read here how to do that.",
).both()
_PLAIN_ENDS: Final[Mapping[str, Text]] = {
    "granted": Phrase.within(
        "under 18", "Hello,\n\nwe have done what you asked us to do."
    ).both(),
    "refused": Phrase.within(
        "under 18",
        "Hello,\n\n"
        "we have looked at what you asked us to do. We will not do it. You "
        "can read below why not.",
    ).both(),
    "withdrawn": Phrase.within(
        "under 18", "Hello,\n\nyour request counts as taken back. So it is closed now."
    ).both(),
    "answered": Phrase.within("under 18", "Hello,\n\nwe have answered you.").both(),
}
_PLAIN_NOT_OURS: Final = Phrase.within(
    "under 18",
    "Another provider made the signal. We cannot erase the signal ourselves.",
).both()
PLAIN_WAYS: Final = Phrase.within(
    "under 18",
    "Is something wrong? Or are you under 18? Tell us: {reach}. It costs "
    "nothing. Signals about children and young people are not "
    "allowed.{appeal}\n\n"
    "Others may help you, for example your parents or somebody at school. "
    "You can also complain to an authority for data protection "
    "({authority_minor}) or go to court.\n\n"
    "If you would like to talk to somebody:\n{help}",
).both()
"""The ways in plain words, for children and young people."""
_PLAIN_APPEAL: Final = Phrase.within(
    "under 18",
    " Does the provider that made the signal say again that the signal is "
    "right? Then tell us again that you do not agree. That is called an "
    "appeal. Then another provider decides: {hearer}.",
).both()
BELOW: Final = Phrase(
    "\n\nHere is the long text, with everything that the law requires:\n\n"
).both()


def above(plain: str, text: str, language: Language) -> str:
    """Put plain words above the long text, for children and young people."""
    return plain + BELOW.said(language) + text


@dataclass(frozen=True, slots=True)
class Had:
    """Who had received what has ended: members, and those with packs.

    It was `erased` by a grant, or has ended otherwise.
    """

    members: Sequence[str] = ()
    packs: Sequence[str] = ()
    erased: bool = True


def ways_in(house: Mapping[str, Text], language: Language) -> str:
    """Name the ways that are open to who does not agree (`house_in_words`).

    With the `hearer` in *house* that of an appeal as well.
    """
    return _ways(WAYS, _APPEAL, house, language)


def plain_ways_in(house: Mapping[str, Text], language: Language) -> str:
    """Name the ways to children and young people."""
    return _ways(PLAIN_WAYS, _PLAIN_APPEAL, house, language)


def _ways(
    ways: Text,
    appeal: Text,
    house: Mapping[str, Text],
    language: Language,
) -> str:
    said = in_language(house, language)
    to_appeal = appeal.said(language).format_map(said) if "hearer" in house else ""
    return ways.said(language).format_map({**said, "appeal": to_appeal})


def in_language(facts: Mapping[str, Text], language: Language) -> dict[str, str]:
    """Say facts in one language."""
    return {name: said.said(language) for name, said in facts.items()}


def note_on(
    row: RequestRow,
    ground: RefusalGround | None,
    house: Mapping[str, Text],
    had: Had = Had(),
    remedies: Sequence[Remedy] = (),
) -> str | None:
    """Say how a request ended, or why it takes longer; None if neither is so.

    *remedies* are how far it has come with appeals.

    *house* says who the provider is (`house_in_words`); with its `help` the letter is
    for a child or young person, and begins in plain words.
    """
    note = _note_on(row, ground, house, had, remedies)
    if note is None or "help" not in house:
        return note
    plain = _plain_note_on(row, ground, house, remedies)
    return above(plain, note, Language(row.language))


def late_note_on(row: RequestRow, house: Mapping[str, Text]) -> str:
    """Say that an answer is late, whom to ask, and where to complain."""
    language, until = Language(row.language), day(row.due_at, Language(row.language))
    facts = {**in_language(house, language), "day": until, "request": row.id}
    note = f"{_LATE.said(language).format_map(facts)}\n{ways_in(house, language)}"
    if "help" not in house:
        return note
    said = _PLAIN_LATE.said(language).format(day=until)
    return above(f"{said}\n\n{plain_ways_in(house, language)}", note, language)


def _plain_note_on(
    row: RequestRow,
    ground: RefusalGround | None,
    house: Mapping[str, Text],
    remedies: Sequence[Remedy],
) -> str:
    language = Language(row.language)
    if row.state is RequestState.CLOSED and row.outcome is not None:
        parts = [_PLAIN_ENDS[row.outcome].said(language)]
        if ground is RefusalGround.NOT_OURS:
            parts.append(_PLAIN_NOT_OURS.said(language))
        parts += [in_words(each, language, plain=True) for each in remedies]
        said = " ".join(dict.fromkeys(parts))
    else:
        said = _PLAIN_EXTENDED.said(language).format(day=day(row.due_at, language))
    ways = plain_ways_in(house, language)
    return f"{said}\n\n{ways}"


def _note_on(
    row: RequestRow,
    ground: RefusalGround | None,
    house: Mapping[str, Text],
    had: Had,
    remedies: Sequence[Remedy],
) -> str | None:
    language = Language(row.language)
    if row.state is RequestState.CLOSED and row.outcome is not None:
        ended = day(row.ended_at or row.opened_at, language)
        parts = [_ENDS[row.outcome].said(language).format(day=ended)]
        if ground is not None:
            parts.append(_GROUNDS[ground].said(language))
        parts += of_signals(remedies, language)
        if had.members:
            members = ", ".join(had.members)
            said = _MEMBERS if had.erased else _MEMBERS_ENDED
            parts.append(said.said(language).format(members=members))
        if had.packs:
            parts.append(_PACKS.said(language).format(packs=", ".join(had.packs)))
        facts = {**in_language(house, language), "reason": row.reason}
        parts.append(_REMEDIES.said(language).format_map(facts))
        return "\n".join([*parts, ways_in(house, language)])
    if row.state is RequestState.OPEN and row.extended_for is not None:
        until = day(row.due_at, language)
        return _EXTENDED.said(language).format(day=until, reason=row.extended_for)
    return None
