# SPDX-License-Identifier: Apache-2.0
"""Sentences that must not stand in a reply to an affected minor.

Two kinds. A *request* does harm where it asks for something (send us the picture, meet
him, delete the chat), and is right where it warns of it, so a sentence that says *not*
passes. *Blame*, pressure and promises do harm however they are put. This finds the
sentences that were seen to do harm; it does not make a text good, and takes nobody's
place who approves it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.help.offers import Tongue
from fedsafe_policies.help.replies import FACTS, Block, Reply, facts_named


@unique
class Harm(StrEnum):
    """What is wrong with a sentence or a block."""

    SENDS_PICTURES = "sends_pictures"
    COPIES_PICTURES = "copies_pictures"
    DELETES_EVIDENCE = "deletes_evidence"
    CONFRONTS = "confronts"
    PAYS = "pays"
    BLAMES = "blames"
    PRESSES = "presses"
    PROMISES = "promises"
    SILENCES = "silences"
    EMPTY = "empty"
    UNKNOWN_FACT = "unknown_fact"
    LINKS = "links"


WAYS_OUT: Final[Mapping[Harm, Text]] = {
    Harm.SENDS_PICTURES: Phrase(
        "Nobody may be asked to send or forward intimate pictures."
    ).both(),
    Harm.COPIES_PICTURES: Phrase(
        "Nobody may be asked to copy or capture intimate pictures."
    ).both(),
    Harm.DELETES_EVIDENCE: Phrase(
        "Who deletes loses evidence: do not ask for it."
    ).both(),
    Harm.CONFRONTS: Phrase("Nobody should meet or confront the person.").both(),
    Harm.PAYS: Phrase("Nobody should give in to demands.").both(),
    Harm.BLAMES: Phrase("The sentence blames the affected person.").both(),
    Harm.PRESSES: Phrase(
        "Nobody must do anything: no pressure to report or to tell."
    ).both(),
    Harm.PROMISES: Phrase("Do not promise what nobody can keep.").both(),
    Harm.SILENCES: Phrase(
        "Nobody should keep silent: to confide in somebody helps."
    ).both(),
    Harm.EMPTY: Phrase("The block is empty.").both(),
    Harm.UNKNOWN_FACT: Phrase("Only {provider} and {contact} stand in braces.").both(),
    Harm.LINKS: Phrase(
        "Addresses and numbers come from the help directory alone, or they grow old."
    ).both(),
}

_Patterns = Mapping[Harm, tuple[str, ...]]
_DE: Final = r"\b(bild(er)?|fotos?|videos?|aufnahmen?|nacktbild\w*|datei\w*)\b"
_EN: Final = r"\b(pictures?|photos?|images?|videos?|nudes?|files?)\b"
_REQUESTS: Final[Mapping[Tongue, _Patterns]] = {
    Tongue.DE: {
        Harm.SENDS_PICTURES: (
            rf"\b(schick|send|leit|mail|lad)\w*\b.*{_DE}",
            rf"{_DE}.*\b(schick|send|weiterleit|hochlad|zuschick|zusend|weiterschick)",
        ),
        Harm.COPIES_PICTURES: (
            rf"\b(kopier|speicher|fotografier|screenshot|sicher)\w*\b.*{_DE}",
            rf"{_DE}.*\b(kopier|speicher|screenshot|abfotografier)",
        ),
        Harm.DELETES_EVIDENCE: (r"\b(lösch|entfern)\w*",),
        Harm.CONFRONTS: (
            r"\b(triff|treffen|verabrede|konfrontier)\w*",
            r"\bstell\w*\b.*zur rede",
        ),
        Harm.PAYS: (r"\b(zahl|bezahl|überweis)\w*", r"\bgeh\w*\b.*\bforderung"),
    },
    Tongue.EN: {
        Harm.SENDS_PICTURES: (
            rf"\b(send|forward|mail|upload|share)\b.*{_EN}",
            rf"{_EN}.*\b(send|forward|upload|share)\b",
        ),
        Harm.COPIES_PICTURES: (rf"\b(copy|save|screenshot|capture|record)\b.*{_EN}",),
        Harm.DELETES_EVIDENCE: (r"\b(delete|erase|remove)\b",),
        Harm.CONFRONTS: (r"\b(meet|confront|threaten)\b",),
        Harm.PAYS: (r"\bpay\b", r"\bgive in\b"),
    },
}
_ALWAYS: Final[Mapping[Tongue, _Patterns]] = {
    Tongue.DE: {
        Harm.BLAMES: (
            r"\bwarum hast du\b",
            r"\b(hättest du|du hättest)\b",
            r"\b(selbst schuld|mitschuld|dein fehler)\b",
            r"\b(leichtsinnig|naiv)\w*",
        ),
        Harm.PRESSES: (r"\bdu (musst|bist verpflichtet)\b", r"\bunbedingt\b"),
        Harm.PROMISES: (
            r"\balles wird (wieder )?gut\b",
            r"\b(garantier\w*|wir versprechen|wird bestraft)\b",
        ),
        Harm.SILENCES: (
            r"\b(sag|erzähl)\w*\b.*\bniemand(em)?\b",
            r"\bbehalt\w*\b.*\bfür dich\b",
        ),
    },
    Tongue.EN: {
        Harm.BLAMES: (
            r"\bwhy did(n.t| not)? you\b",
            r"\byou should(n.t| not)? have\b",
            r"\byour (own fault|mistake)\b",
            r"\b(careless|naive)\b",
        ),
        Harm.PRESSES: (r"\byou (must|have to|are obliged)\b",),
        Harm.PROMISES: (
            r"\beverything will be (fine|all right|alright|ok|okay)\b",
            r"\b(guarantee\w*|we promise|will be punished)\b",
        ),
        Harm.SILENCES: (
            r"\b(do not|don.t|never) tell (anyone|anybody)\b",
            r"\btell nobody\b",
            r"\bkeep (it|this) to yourself\b",
        ),
    },
}
_NOT: Final[Mapping[Tongue, re.Pattern[str]]] = {
    Tongue.DE: re.compile(r"\b(nicht|nichts|nie|niemals|niemand\w*|kein\w*|ohne)\b"),
    Tongue.EN: re.compile(r"\b(not|don.t|never|no|nobody|without)\b"),
}
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_LINK: Final = re.compile(r"https?:|www\.|\d[\d ]{4,}|\b116 ?\d{3}\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in which block and language; `sentence` is the text's own."""

    block: Block
    tongue: Tongue
    harm: Harm
    sentence: str = ""


def find_harm(reply: Reply) -> tuple[Finding, ...]:
    """Look for harmful advice in all blocks of a reply, in both languages."""
    return tuple(
        finding
        for block in Block
        for tongue, text in (
            (Tongue.DE, reply.block(block).de),
            (Tongue.EN, reply.block(block).en),
        )
        for finding in _in_block(block, tongue, text)
    )


def _in_block(block: Block, tongue: Tongue, text: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding(block, tongue, Harm.EMPTY)
    try:
        unknown = facts_named(text) - FACTS
    except ValueError:
        unknown = frozenset({"{"})
    if unknown:
        yield Finding(block, tongue, Harm.UNKNOWN_FACT)
    for sentence in _SENTENCE.split(text):
        for harm in _in_sentence(tongue, sentence):
            yield Finding(block, tongue, harm, sentence.strip())


def _in_sentence(tongue: Tongue, sentence: str) -> Iterator[Harm]:
    said = sentence.casefold()
    if _LINK.search(said):
        yield Harm.LINKS
    warns = _NOT[tongue].search(said) is not None
    for harm, patterns in _REQUESTS[tongue].items():
        if not warns and any(re.search(each, said) for each in patterns):
            yield harm
    for harm, patterns in _ALWAYS[tongue].items():
        if any(re.search(each, said) for each in patterns):
            yield harm
