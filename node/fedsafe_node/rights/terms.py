# SPDX-License-Identifier: Apache-2.0
"""Moments, days in words, and terms (GDPR Art. 12 (3)): calendar months."""

import calendar
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from fedsafe_node.acts.requests import Language

MONTHS: Final = 1
EXTENDED_MONTHS: Final = 3


def months_after(start: int, count: int) -> int:
    """Give the same moment *count* months later (UTC seconds).

    A day that the month lacks becomes its last one.
    """
    began = datetime.fromtimestamp(start, tz=UTC)
    months = began.month - 1 + count
    year, month = began.year + months // 12, months % 12 + 1
    day = min(began.day, calendar.monthrange(year, month)[1])
    return int(began.replace(year=year, month=month, day=day).timestamp())


_GERMAN_ZONES: Final = {"CET": "MEZ", "CEST": "MESZ"}


def moment(seconds: int) -> str:
    """Write a moment, of UTC seconds, as the API does."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")


def day(seconds: int, language: Language) -> str:
    """Write the day (UTC) of a moment as the language does."""
    return written_day(moment(seconds), language)


def hour(text: str, language: Language, zone: str) -> str:
    """Write day and time of a moment of the API's, in UTC and in the reader's zone."""
    at = datetime.fromisoformat(text).astimezone(UTC)
    there = at.astimezone(ZoneInfo(zone))
    told = f"{written_day(text, language)}, {at:%H:%M} UTC"
    if not there.utcoffset():
        return told
    name = there.strftime("%Z")
    if language is Language.DE:
        name = _GERMAN_ZONES.get(name, name)
    local = f"{there:%H:%M} {name}"
    if there.date() != at.date():
        local = f"{written_day(there.date().isoformat(), language)}, {local}"
    return f"{told} ({local})"


def written_day(text: str, language: Language) -> str:
    """Write the day that an ISO day or moment begins with as the language does."""
    year, month, number = text[:10].split("-")
    if language is Language.DE:
        return f"{number}.{month}.{year}"
    return f"{year}-{month}-{number}"
