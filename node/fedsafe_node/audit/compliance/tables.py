# SPDX-License-Identifier: Apache-2.0
"""The tables that a definition names: worked out from what a node runs with."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from fedsafe_node.audit.compliance.events import Meaning, chapters
from fedsafe_node.audit.compliance.facts import Facts
from fedsafe_node.audit.compliance.model import Language, Table, plain
from fedsafe_node.audit.compliance.policy_in_words import say, value_of
from fedsafe_node.audit.compliance.values import not_recorded
from fedsafe_node.log.audit import Event
from fedsafe_policies.documents.document import Training
from fedsafe_policies.documents.legal_calendar import Entry
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import SECONDS_A_DAY

Row = tuple[str, ...]

_YES: Final = Phrase("yes").both()
_NO: Final = Phrase("no").both()
_ABOUT_STAFF: Final = "staff"


def _table(
    headings: tuple[Text, ...], rows: Callable[[Facts, Language], Iterator[Row]]
) -> Callable[[Facts, Language], Table]:
    def worked_out(facts: Facts, language: Language) -> Table:
        return Table(
            headings=tuple(say(text, language) for text in headings),
            rows=tuple(rows(facts, language)),
        )

    return worked_out


def _members(facts: Facts, language: Language) -> Iterator[Row]:
    others = facts.federation.others if facts.federation else ()
    if not others:
        yield not_recorded("fedsafe federation found run", language), "", "", ""
    for one in others:
        yield (
            plain(one.name),
            one.jurisdiction,
            _whether(one.attested, language),
            _whether(one.suspended, language),
        )


def _seats(facts: Facts, language: Language) -> Iterator[Row]:
    document = facts.policy.document
    for seat in facts.seats:
        training = document.training.get(seat.role)
        yield (
            value_of(seat.role, language),
            _whether(seat.role in document.staffing.seats, language),
            str(seat.people),
            str(seat.external),
            value_of(document.purposes.get(seat.role, frozenset()), language),
            _training(training, language),
        )


def _calendar(facts: Facts, language: Language) -> Iterator[Row]:
    day = int(facts.at.timestamp()) // SECONDS_A_DAY
    for entry in facts.calendar.entries:
        yield (
            plain(say(entry.basis, language)),
            entry.first.isoformat(),
            entry.last.isoformat() if entry.last else "",
            _standing(entry, facts, day, language),
        )


def _standing(entry: Entry, facts: Facts, day: int, language: Language) -> str:
    if facts.calendar.holds(entry, day):
        reference = facts.calendar.recorded.get(entry.id)
        words = say(Phrase("in force").both(), language)
        return f"{words} ({plain(reference)})" if reference else words
    if not entry.confirmed and entry.id not in facts.calendar.recorded:
        return say(Phrase("not confirmed").both(), language)
    return say(Phrase("not in force").both(), language)


def _about_staff(_facts: Facts, language: Language) -> Iterator[Row]:
    for event, meaning in chapters()[_ABOUT_STAFF].events.items():
        yield _event(event, meaning, language)


def _by_staff(_facts: Facts, language: Language) -> Iterator[Row]:
    for name, chapter in chapters().items():
        if name != _ABOUT_STAFF:
            for event, meaning in chapter.events.items():
                if meaning.staff:
                    yield _event(event, meaning, language)


def _event(event: Event, meaning: Meaning, language: Language) -> Row:
    return f"`{event.value}`", say(Text(meaning.de, meaning.en), language)


def _training(training: Training | None, language: Language) -> str:
    return value_of(training, language) if training is not None else ""


def _whether(claim: bool, language: Language) -> str:  # noqa: FBT001
    return say(_YES if claim else _NO, language)


_EVENTS: Final = (Phrase("event").both(), Phrase("written when").both())

TABLES: Final[Mapping[str, Callable[[Facts, Language], Table]]] = {
    "members": _table(
        (
            Phrase("recipient and key holder").both(),
            Phrase("jurisdiction").both(),
            Phrase("gate attested").both(),
            Phrase("suspended").both(),
        ),
        _members,
    ),
    "seats": _table(
        (
            Phrase("role").both(),
            Phrase("seat to fill").both(),
            Phrase("people").both(),
            Phrase("of them external").both(),
            Phrase("purposes").both(),
            Phrase("training").both(),
        ),
        _seats,
    ),
    "calendar": _table(
        (
            Phrase("legal basis").both(),
            Phrase("from").both(),
            Phrase.within("tables", "to").both(),
            Phrase("state").both(),
        ),
        _calendar,
    ),
    "events_about_staff": _table(_EVENTS, _about_staff),
    "events_by_staff": _table(_EVENTS, _by_staff),
}
"""Every table that a definition may name."""
