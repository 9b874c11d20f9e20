# SPDX-License-Identifier: Apache-2.0
"""What renderings say, in both languages: `data/renderings.toml` and its neighbours.

`say` gives a sentence by its key, `name_of` the words for a value of a vocabulary.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from fedsafe_policies.documents.phenomena import ladder, phenomena
from fedsafe_policies.documents.toml_file import read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    AgeBand,
    Clock,
    ConsentGiver,
    Danger,
    Language,
    NetworkEvent,
    Step,
    Urgency,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Level, Phenomenon

Named = (
    Absence
    | AgeBand
    | Clock
    | ConsentGiver
    | Danger
    | NetworkEvent
    | Phenomenon
    | Step
    | Urgency
)
"""The values that have words."""

_BRACES: Final = re.compile(r"\{([a-z]+)\}")


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All texts of renderings, and the words for values."""

    format: Literal[1]
    say: dict[str, Text]
    absence: dict[Absence, Text]
    age: dict[AgeBand, Text]
    clock: dict[Clock, Text]
    giver: dict[ConsentGiver, Text]
    danger: dict[Danger, Text]
    event: dict[NetworkEvent, Text]
    step: dict[Step, Text]


def load_wording(text: bytes) -> Wording:
    """Read the texts.

    Raises:
        PolicyFileError: they are malformed, or a value has no words.
    """
    wording, _ = read_document(text, Wording)
    ladders = frozenset(Step(level.value) for level in Level)
    for table, wanted in (
        ("absence", frozenset(Absence)),
        ("age", frozenset(AgeBand)),
        ("clock", frozenset(Clock)),
        ("giver", frozenset(ConsentGiver)),
        ("danger", frozenset(Danger)),
        ("event", frozenset(NetworkEvent)),
        ("step", frozenset(Step) - ladders),
    ):
        lacking = wanted - getattr(wording, table).keys()
        if lacking:
            raise PolicyFileError(Phrase("is lacking"), key=f"{table}.{min(lacking)}")
    return wording


@cache
def wording() -> Wording:
    """Return the texts that come with FedSafe."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_wording(folder.joinpath("renderings.toml").read_bytes())


def say(key: str, language: Language, **values: str) -> str:
    """Return a text by its key, with values put in for names in braces."""
    text = in_language(wording().say[key], language)
    return _BRACES.sub(lambda found: values[found[1]], text)


def name_of(value: Named, language: Language) -> str:
    """Return the words for a value."""
    return in_language(text_of(value), language)


def in_language(text: Text, language: Language) -> str:
    """Return a text in one of its languages."""
    return text.said(language)


def text_of(value: Named) -> Text:  # noqa: PLR0911 - one for each vocabulary
    """Return the words for a value in both languages."""
    words = wording()
    match value:
        case Absence():
            return words.absence[value]
        case AgeBand():
            return words.age[value]
        case Clock():
            return words.clock[value]
        case ConsentGiver():
            return words.giver[value]
        case Danger():
            return words.danger[value]
        case NetworkEvent():
            return words.event[value]
        case Phenomenon():
            return phenomena()[value].name
        case Step():
            return words.step.get(value) or ladder()[Level(value.value)]
        case Urgency():
            return urgencies()[value].name
