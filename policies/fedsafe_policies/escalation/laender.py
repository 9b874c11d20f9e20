# SPDX-License-Identifier: Apache-2.0
"""Working days where the provider sits: a German Land and its time zone.

`data/laender.toml` names the holidays of each Land. Without a Land those of all
Laender count, so that a deadline ends too early rather than too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from fedsafe_policies.documents.document import WorkingDaysOff
from fedsafe_policies.documents.toml_file import read_document
from fedsafe_policies.documents.workdays import is_working_day
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import day_number

GERMANY: Final = "Europe/Berlin"
_ZONE: Final = ZoneInfo(GERMANY)
_NOVEMBER: Final = 11
_REPENTANCE: Final = range(16, 23)  # the Wednesday before the 23rd
_WEDNESDAY: Final = 2


@unique
class Land(StrEnum):
    """The German Laender, by their codes of ISO 3166-2 without `DE-`."""

    BB = "BB"
    BE = "BE"
    BW = "BW"
    BY = "BY"
    HB = "HB"
    HE = "HE"
    HH = "HH"
    MV = "MV"
    NI = "NI"
    NW = "NW"
    RP = "RP"
    SH = "SH"
    SL = "SL"
    SN = "SN"
    ST = "ST"
    TH = "TH"


class _Days(WorkingDaysOff, frozen=True, forbid_unknown_fields=True):
    holidays: frozenset[str] = frozenset()
    easter: frozenset[int] = frozenset()
    repentance: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    everywhere: WorkingDaysOff
    land: dict[Land, _Days]


@dataclass(frozen=True, slots=True)
class Off:
    """The days off of a Land; `repentance` is the Day of Repentance and Prayer."""

    days: WorkingDaysOff
    repentance: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """By which working days and in which time zone deadlines are counted."""

    land: Land | None = None
    zone: ZoneInfo = _ZONE

    def is_working_day(self, day: date) -> bool:
        """Tell whether people are at work on a day."""
        off = laender()[self.land]
        if off.repentance and _is_repentance(day):
            return False
        return is_working_day(day_number(day), off.days)


def load_laender(text: bytes) -> Mapping[Land | None, Off]:
    """Read the holidays; those of all Laender stand under None.

    Raises:
        PolicyFileError: the table is malformed, or lacks a Land.
    """
    file, _ = read_document(text, _File)
    lacking = set(Land) - set(file.land)
    if lacking:
        raise PolicyFileError(
            Phrase("lacks {name}").filled(name=min(lacking)), key="land"
        )
    table: dict[Land | None, Off] = {None: Off(file.everywhere)}
    for land, own in file.land.items():
        days = WorkingDaysOff(
            holidays=file.everywhere.holidays | own.holidays,
            easter=file.everywhere.easter | own.easter,
        )
        table[land] = Off(days, own.repentance)
    return MappingProxyType(table)


@cache
def laender() -> Mapping[Land | None, Off]:
    """Return the shipped table of holidays."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_laender(folder.joinpath("laender.toml").read_bytes())


def _is_repentance(day: date) -> bool:
    return (
        day.month == _NOVEMBER
        and day.day in _REPENTANCE
        and day.weekday() == _WEDNESDAY
    )
