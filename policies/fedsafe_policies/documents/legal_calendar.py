# SPDX-License-Identifier: Apache-2.0
"""Which legal bases are in force on which day, as dated entries with a source.

Shipped as `data/legal_calendar.toml`. An entry whose entry into force nobody has
confirmed is not in force, until a provider records it with a reference to what it
has read. An engineering reading, not legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from fedsafe_policies.documents.document import Label, Reference
from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.vocabulary import Surface

NEEDS_BASIS: Final = frozenset({Surface.NI_ICS_PRIVATE})
"""P3: the surfaces that are closed unless an entry opens them."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One basis: in force from the first to the last day, if it is confirmed."""

    id: Label
    basis: Text
    first: date = msgspec.field(name="from")
    last: date | None = msgspec.field(name="to", default=None)
    surfaces: frozenset[Surface]
    source: str
    confirmed: bool


class CalendarFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The TOML of a calendar; `recorded` confirms entries by reference."""

    format: Literal[1]
    dated: date
    entries: tuple[Entry, ...] = ()
    recorded: dict[Label, Reference] = {}


@dataclass(frozen=True, slots=True)
class Calendar:
    """Entries, and the references by which this provider confirmed some."""

    dated: date
    entries: tuple[Entry, ...]
    recorded: Mapping[str, str] = field(default_factory=dict)

    def in_force(self, surface: Surface, now: int) -> Entry | None:
        """Find an entry for `surface` that is in force at `now` (UTC seconds)."""
        day = today(now)
        for entry in self.entries:
            if surface in entry.surfaces and self.holds(entry, day):
                return entry
        return None

    def nearest(self, surface: Surface) -> str:
        """Name the latest entry for `surface`, in force or not; empty if none."""
        about = [entry for entry in self.entries if surface in entry.surfaces]
        return max(about, key=lambda entry: entry.first).id if about else ""

    def opens(self, surface: Surface, now: int) -> bool:
        """Tell whether P3 lets `surface` be used at `now` (UTC seconds)."""
        return surface not in NEEDS_BASIS or self.in_force(surface, now) is not None

    def holds(self, entry: Entry, day: int) -> bool:
        """Tell whether an entry is in force on a day, counted since 1970."""
        if not entry.confirmed and entry.id not in self.recorded:
            return False
        ended = entry.last is not None and day > day_number(entry.last)
        return day >= day_number(entry.first) and not ended


def load_calendar(text: bytes, base: Calendar | None = None) -> Calendar:
    """Read a calendar; a provider's own adds to `base` and confirms its entries.

    An own entry that opens a closed surface is no exception: what somebody has read
    is recorded by its reference, never claimed.

    Raises:
        PolicyFileError: it is malformed, confirms an entry that is not there, or
            calls an own one confirmed that opens a closed surface without a record.
    """
    own, written = read_document(text, CalendarFile)
    entries = (*(base.entries if base else ()), *own.entries)
    names = [entry.id for entry in entries]
    if twice := [name for name in names if names.count(name) > 1]:
        raise PolicyFileError(
            Phrase("{name} is there twice").filled(name=twice[0]), key="entries"
        )
    for name in own.recorded:
        if name not in names:
            error = PolicyFileError(Phrase("no such entry"), key=f"recorded.{name}")
            raise locate(error, written)
    if base is not None:
        _check_claims(own, written)
    recorded = {**(base.recorded if base else {}), **own.recorded}
    return Calendar(own.dated, entries, recorded)


def _check_claims(own: CalendarFile, written: str) -> None:
    for number, entry in enumerate(own.entries):
        closed = entry.surfaces & NEEDS_BASIS
        if entry.confirmed and closed and entry.id not in own.recorded:
            error = PolicyFileError(
                Phrase(
                    "{id} opens {what}: record what was read, as in "
                    '{id} = "REFERENCE" under [recorded]'
                ).filled(id=entry.id, what=min(closed)),
                key=f"entries[{number}].confirmed",
            )
            raise locate(error, written)


@cache
def shipped_calendar() -> Calendar:
    """Return the calendar that comes with FedSafe."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_calendar(folder.joinpath("legal_calendar.toml").read_bytes())
