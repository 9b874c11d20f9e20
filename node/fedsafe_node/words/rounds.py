# SPDX-License-Identifier: Apache-2.0
"""Words of review rounds: their numbers, what entries are to them, and findings."""

from collections.abc import Mapping, Sequence
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase

NUMBERS: Final[dict[str, Phrase]] = {
    "reads": Phrase("reads in the sample"),
    "decisions": Phrase("decisions in the sample"),
    "exports": Phrase("exports in the sample"),
    "alarms": Phrase("alarms, all"),
    "refusals": Phrase("refusals, all"),
    "own": Phrase("passed over: own acts of who opened it"),
    "unattributable": Phrase("passed over: nobody can say any more who acted"),
    "marked": Phrase("entries with a mark"),
    "asked": Phrase("of them to be asked about"),
    "incidents": Phrase("of them incidents"),
    "left": Phrase("left to others: own acts of who signed"),
}
"""What a round counts, in the order in which it is told."""
KINDS: Final[dict[str, Phrase]] = {
    "read": Phrase.within("round", "read"),
    "decision": Phrase.within("round", "decision"),
    "export": Phrase.within("round", "export"),
    "alarm": Phrase.within("round", "alarm"),
    "refusal": Phrase.within("round", "refusal"),
}
DRAWN: Final = Phrase.within("round", "drawn from")
DRAWN_FROM: Final = Phrase("{kind}: {tried} of {entries} entries")
CUT: Final = Phrase(
    "it ends before the log did, since it takes no more alarms and refusals; open "
    "another one after it"
)
VERDICTS: Final[dict[str, Phrase]] = {
    "plausible": Phrase.within("round", "plausible"),
    "ask": Phrase.within("round", "to be asked about"),
    "incident": Phrase.within("round", "incident"),
}
STATES: Final[dict[str, Phrase]] = {
    "open": Phrase.within("round", "open"),
    "signed": Phrase.within("round", "signed"),
}
SPAN: Final = Phrase("entries {first} to {last}")
NO_ENTRIES: Final = Phrase("no entries")
OWN: Final = Phrase.within("round", "own act")


def word_of(words: Mapping[str, Phrase], code: str) -> Phrase:
    """Say what a code means; one that is newer stands for itself."""
    return words.get(code) or Phrase(code)


def span_of(since: int, size: int) -> Phrase:
    """Say which entries a round reviews: those from `since` to below `size`."""
    if size <= since:
        return NO_ENTRIES
    return SPAN.filled(first=since, last=size - 1)


def drawn_from(found: Sequence[tuple[str, int, int]], language: str) -> str:
    """Say of each kind of how many entries the sample was drawn.

    Each has its code, how many entries there are, and how many were tried.
    """
    return "; ".join(
        DRAWN_FROM.said(language).format(
            kind=word_of(KINDS, kind).said(language), tried=tried, entries=entries
        )
        for kind, entries, tried in found
        if entries
    )
