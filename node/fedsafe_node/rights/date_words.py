# SPDX-License-Identifier: Apache-2.0
"""Days as a person reads them: 24.11.2026 in German, 2026-11-24 in English."""

from fedsafe_node.acts.requests import Language
from fedsafe_node.rights.terms import moment


def day(seconds: int, language: Language) -> str:
    """Write the day (UTC) of a moment as the language does."""
    return written_day(moment(seconds), language)


def written_day(text: str, language: Language) -> str:
    """Write the day that an ISO day or moment begins with as the language does."""
    year, month, number = text[:10].split("-")
    if language is Language.DE:
        return f"{number}.{month}.{year}"
    return f"{year}-{month}-{number}"
