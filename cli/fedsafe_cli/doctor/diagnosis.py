# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` says of each thing that it checks."""

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and the way out if it is not well."""

    check: str
    level: Level
    found: str
    way_out: str | None = None
