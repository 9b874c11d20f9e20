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
from fedsafe_policies.ground.reasons import Text

_EXTENDED: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Wir brauchen länger und antworten bis spätestens {day}, weil die Prüfung "
        "aufwendig ist oder viele Anträge vorliegen (Art. 12 Abs. 3 DSGVO). "
        "Unser Aktenzeichen: {reason}."
    ),
    Language.EN: (
        "We need longer and will answer by {day}, because the review is complex or "
        "there are many requests (Art. 12 (3) GDPR). Our reference: {reason}."
    ),
}
_LATE: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Unsere Antwort war bis zum {day} fällig und ist verspätet (Art. 12 Abs. 3 "
        "DSGVO). Wir schulden sie Ihnen weiterhin; ein neuer Antrag ist nicht nötig. "
        "Fragen Sie nach, mit der Nummer {request}: {reach}. Sie müssen darauf nicht "
        "warten, sondern können sich schon jetzt bei der Aufsichtsbehörde beschweren."
    ),
    Language.EN: (
        "Our answer was due by {day} and is late (Art. 12 (3) GDPR). We still owe it "
        "to you; you need no new request. Ask us about it, with the number {request}: "
        "{reach}. You need not wait for that: you may complain to the supervisory "
        "authority now."
    ),
}
_ENDS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.DE: {
        "granted": "Ihrem Antrag ist am {day} entsprochen worden.",
        "refused": "Ihr Antrag ist am {day} abgelehnt worden.",
        "withdrawn": "Ihr Antrag gilt seit dem {day} als zurückgenommen.",
        "answered": "Ihr Antrag ist am {day} beantwortet und abgeschlossen worden.",
    },
    Language.EN: {
        "granted": "Your request was granted on {day}.",
        "refused": "Your request was refused on {day}.",
        "withdrawn": "Your request has counted as withdrawn since {day}.",
        "answered": "Your request was answered and closed on {day}.",
    },
}
_GROUNDS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.DE: {
        RefusalGround.FOUNDED: (
            "Grund: Wir haben neu geprüft. Die Angaben sind richtig, und zwingende "
            "schutzwürdige Gründe, der Schutz von Kindern, gehen vor (Art. 17 Abs. 3 "
            "und Art. 21 Abs. 1 DSGVO)."
        ),
        RefusalGround.NOT_SHOWN: (
            "Grund: Es war nicht festzustellen, dass die Kennung Ihre ist "
            "(Art. 12 Abs. 2 DSGVO)."
        ),
        RefusalGround.NOT_OURS: (
            "Grund: Was es zu dieser Kennung gibt, hat ein anderer Anbieter gemeldet; "
            "wir selbst können es nicht ändern oder löschen."
        ),
        RefusalGround.EXCESSIVE: (
            "Grund: Der Antrag ist offenkundig unbegründet oder exzessiv "
            "(Art. 12 Abs. 5 DSGVO)."
        ),
    },
    Language.EN: {
        RefusalGround.FOUNDED: (
            "Reason: we have reviewed it anew. The data are right, and compelling "
            "legitimate grounds, the protection of children, prevail (Art. 17 (3) and "
            "Art. 21 (1) GDPR)."
        ),
        RefusalGround.NOT_SHOWN: (
            "Reason: it could not be established that the identifier is yours "
            "(Art. 12 (2) GDPR)."
        ),
        RefusalGround.NOT_OURS: (
            "Reason: what there is about this identifier was reported by another "
            "provider; we ourselves cannot change or erase it."
        ),
        RefusalGround.EXCESSIVE: (
            "Reason: the request is manifestly unfounded or excessive "
            "(Art. 12 (5) GDPR)."
        ),
    },
}
_MEMBERS: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Empfangen hatten Ihre Daten: {members}. Jeder dieser Anbieter ist von der "
        "Löschung unterrichtet (Art. 19 DSGVO) und nennt Ihnen auf Anfrage, wem er "
        "Auszüge gegeben hat."
    ),
    Language.EN: (
        "Your data had been received by: {members}. Each of these providers has been "
        "told of the erasure (Art. 19 GDPR) and, if you ask it, names to whom it has "
        "given extracts."
    ),
}
_MEMBERS_ENDED: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Empfangen hatten Ihre Daten: {members}. Jedem dieser Anbieter haben wir "
        "mitgeteilt, dass das Signal beendet ist (Art. 19 DSGVO). Er nennt Ihnen auf "
        "Anfrage, wem er Auszüge gegeben hat."
    ),
    Language.EN: (
        "Your data had been received by: {members}. We have told each of these "
        "providers that the signal has ended (Art. 19 GDPR). If you ask it, it names "
        "to whom it has given extracts."
    ),
}
_PACKS: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Auszüge aus unserem Protokoll über Sie hat außerdem: {packs}. Dort können "
        "wir nicht löschen: Wer sie hat, entscheidet selbst; fragen Sie dort."
    ),
    Language.EN: (
        "Extracts of our log about you are also with: {packs}. There we cannot erase; "
        "who has them decides on them, and you can ask there."
    ),
}
_REMEDIES: Final[Mapping[Language, str]] = {
    Language.DE: "Aktenzeichen unserer Entscheidung: {reason}. Fragen dazu: {reach}.",
    Language.EN: "Reference of our decision: {reason}. Questions about it: {reach}.",
}
WAYS: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Wenn Sie nicht einverstanden sind:\n{appeal}"
        "- Sie können sich bei uns beschweren, kostenlos und formlos (bei einer "
        "Entscheidung über Ihr Konto nach Art. 20 DSA): {complaints}.\n"
        "- Sie können eine zugelassene Stelle für außergerichtliche Streitbeilegung "
        "anrufen (Art. 21 DSA): {bodies}.\n"
        "- Sie können sich bei einer Datenschutz-Aufsichtsbehörde beschweren "
        "(Art. 77 DSGVO): {authority}.\n"
        "- Sie können vor Gericht gehen (Art. 79 DSGVO)."
    ),
    Language.EN: (
        "If you do not agree:\n{appeal}"
        "- You may complain to us, free of charge and in any form (about a decision on "
        "your account by Art. 20 DSA): {complaints}.\n"
        "- You may turn to a certified body for out-of-court dispute settlement "
        "(Art. 21 DSA): {bodies}.\n"
        "- You may complain to a supervisory authority for data protection (Art. 77 "
        "GDPR): {authority}.\n"
        "- You may go to court (Art. 79 GDPR)."
    ),
}
"""The ways that are open to who does not agree, in outcomes and answers."""
_APPEAL: Final[Mapping[Language, str]] = {
    Language.DE: (
        "- Sie können ein Signal bestreiten, mit dem Nachweis, dass die Kennung Ihre "
        "ist: {reach}. Lässt der meldende Anbieter es bestehen, können Sie Beschwerde "
        "einlegen: Bestreiten Sie es noch einmal, dann entscheidet {hearer} statt "
        "seiner.\n"
    ),
    Language.EN: (
        "- You may contest a signal, with proof that the identifier is yours: {reach}. "
        "If the reporting provider lets it stand, you may appeal: contest it again, "
        "then {hearer} decides in its place.\n"
    ),
}
"""The way to who decides over the origin, where the charter names somebody."""


_PLAIN_EXTENDED: Final[Mapping[Language, str]] = {
    Language.DE: "Hallo,\n\nwir brauchen länger. Du bekommst die Antwort bis {day}.",
    Language.EN: "Hello,\n\nwe need longer. You will have the answer by {day}.",
}
_PLAIN_LATE: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Hallo,\n\nwir sind zu spät. Du solltest die Antwort bis {day} bekommen. Du "
        "bekommst sie noch und musst nichts neu ausfüllen. Frag bei uns nach, oder "
        "beschwere dich. Wie das geht, steht hier."
    ),
    Language.EN: (
        "Hello,\n\nwe are late. You were to have the answer by {day}. You will still "
        "get it, and you need not fill in anything again. Ask us about it, or "
        "complain. You can read here how to do that."
    ),
}
_PLAIN_ENDS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.DE: {
        "granted": "Hallo,\n\nwir haben getan, worum du uns gebeten hast.",
        "refused": (
            "Hallo,\n\nwir haben geprüft, worum du uns gebeten hast. Wir tun es nicht. "
            "Warum, steht unten."
        ),
        "withdrawn": "Hallo,\n\ndeine Bitte gilt als zurückgenommen.",
        "answered": "Hallo,\n\nwir haben dir geantwortet.",
    },
    Language.EN: {
        "granted": "Hello,\n\nwe have done what you asked us to do.",
        "refused": (
            "Hello,\n\nwe have looked at what you asked us to do. We do not do it. You "
            "can read why below."
        ),
        "withdrawn": "Hello,\n\nwhat you asked for counts as taken back.",
        "answered": "Hello,\n\nwe have answered you.",
    },
}
_PLAIN_NOT_OURS: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Ein anderer Anbieter hat das gemeldet. Wir selbst können es nicht löschen."
    ),
    Language.EN: "Another provider reported it. We cannot erase it ourselves.",
}
PLAIN_WAYS: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Stimmt etwas nicht? Oder bist du unter 18? Sag es uns: {reach}. Das kostet "
        "nichts. Über Kinder und Jugendliche darf es kein Signal geben.{appeal}\n\n"
        "Du darfst dir dabei helfen lassen, zum Beispiel von deinen Eltern oder in der "
        "Schule. Ihr könnt euch auch bei einer Stelle für Datenschutz beschweren "
        "({authority_minor}) oder vor Gericht gehen.\n\n"
        "Wenn du mit jemandem reden möchtest:\n{help}"
    ),
    Language.EN: (
        "Is something wrong? Or are you under 18? Tell us: {reach}. It costs nothing. "
        "There may be no signal about children and young people.{appeal}\n\n"
        "You may ask others to help you, such as your parents or somebody at school. "
        "You can also complain to an authority for data protection "
        "({authority_minor}) or go to court.\n\n"
        "If you would like to talk to somebody:\n{help}"
    ),
}
"""The ways in plain words, for children and young people."""
_PLAIN_APPEAL: Final[Mapping[Language, str]] = {
    Language.DE: (
        " Bleibt der Anbieter dabei, der es gemeldet hat? Dann sag es uns noch einmal. "
        "Das ist eine Beschwerde. Dann entscheidet ein anderer: {hearer}."
    ),
    Language.EN: (
        " Does the provider that reported it keep to it? Then tell us again. That is "
        "an appeal. Then another one decides: {hearer}."
    ),
}
BELOW: Final[Mapping[Language, str]] = {
    Language.DE: "\n\nDer lange Text, mit allem, was das Gesetz verlangt:\n\n",
    Language.EN: "\n\nThe long text, with all that the law wants to be said:\n\n",
}


def above(plain: str, text: str, language: Language) -> str:
    """Put plain words above the long text, for children and young people."""
    return plain + BELOW[language] + text


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
    ways: Mapping[Language, str],
    appeal: Mapping[Language, str],
    house: Mapping[str, Text],
    language: Language,
) -> str:
    said = in_language(house, language)
    to_appeal = appeal[language].format_map(said) if "hearer" in house else ""
    return ways[language].format_map({**said, "appeal": to_appeal})


def in_language(facts: Mapping[str, Text], language: Language) -> dict[str, str]:
    """Say facts in one language."""
    german = language is Language.DE
    return {name: said.de if german else said.en for name, said in facts.items()}


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
    note = f"{_LATE[language].format_map(facts)}\n{ways_in(house, language)}"
    if "help" not in house:
        return note
    said = _PLAIN_LATE[language].format(day=until)
    return above(f"{said}\n\n{plain_ways_in(house, language)}", note, language)


def _plain_note_on(
    row: RequestRow,
    ground: RefusalGround | None,
    house: Mapping[str, Text],
    remedies: Sequence[Remedy],
) -> str:
    language = Language(row.language)
    if row.state is RequestState.CLOSED and row.outcome is not None:
        parts = [_PLAIN_ENDS[language][row.outcome]]
        if ground is RefusalGround.NOT_OURS:
            parts.append(_PLAIN_NOT_OURS[language])
        parts += [in_words(each, language, plain=True) for each in remedies]
        said = " ".join(dict.fromkeys(parts))
    else:
        said = _PLAIN_EXTENDED[language].format(day=day(row.due_at, language))
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
        parts = [_ENDS[language][row.outcome].format(day=ended)]
        if ground is not None:
            parts.append(_GROUNDS[language][ground])
        parts += of_signals(remedies, language)
        if had.members:
            members = ", ".join(had.members)
            said = _MEMBERS if had.erased else _MEMBERS_ENDED
            parts.append(said[language].format(members=members))
        if had.packs:
            parts.append(_PACKS[language].format(packs=", ".join(had.packs)))
        facts = {**in_language(house, language), "reason": row.reason}
        parts.append(_REMEDIES[language].format_map(facts))
        return "\n".join([*parts, ways_in(house, language)])
    if row.state is RequestState.OPEN and row.extended_for is not None:
        until = day(row.due_at, language)
        return _EXTENDED[language].format(day=until, reason=row.extended_for)
    return None
