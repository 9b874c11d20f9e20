# SPDX-License-Identifier: Apache-2.0
"""Words of review rounds: their numbers, what entries are to them, and findings."""

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


def span_of(since: int, size: int) -> Phrase:
    """Say which entries a round reviews: those from `since` to below `size`."""
    if size <= since:
        return NO_ENTRIES
    return SPAN.filled(first=since, last=size - 1)
