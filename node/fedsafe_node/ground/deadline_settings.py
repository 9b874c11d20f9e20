# SPDX-License-Identifier: Apache-2.0
"""Where the provider sits, as far as its deadlines go: `[deadlines]` in `node.toml`."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from fedsafe_policies.escalation.laender import GERMANY, Calendar, Land

_GERMAN: Final = "DE"
_LAENDER: Final = ", ".join(Land)


class Deadlines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which working days and in which time zone the deadlines of cases are counted.

    Without a Land the holidays of all Laender count, and no others.
    """

    land: Annotated[str, msgspec.Meta(max_length=10)] | None = None
    time_zone: Annotated[str, msgspec.Meta(max_length=100)] = GERMANY

    @property
    def calendar(self) -> Calendar:
        """The calendar of these settings, which `unfit_deadlines` has checked."""
        land = None if self.land is None else Land(self.land)
        return Calendar(land, ZoneInfo(self.time_zone))


def unfit_deadlines(deadlines: Deadlines, jurisdiction: str) -> str | None:
    """Say what is wrong with the settings."""
    if deadlines.land is not None:
        if deadlines.land not in set(Land):
            return f"no Land has that code: one of {_LAENDER} - at `$.deadlines.land`"
        if jurisdiction != _GERMAN:
            return "only a provider in Germany has a Land - at `$.deadlines.land`"
    try:
        ZoneInfo(deadlines.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "no time zone like Europe/Berlin - at `$.deadlines.time_zone`"
    return None
