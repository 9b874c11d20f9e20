# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` says of each thing that it checks."""

from dataclasses import dataclass
from enum import StrEnum, unique

from fedsafe_policies.ground.catalogue import Phrase


@unique
class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and the way out if it is not well."""

    name: str | Phrase
    level: Level
    found: str | Phrase
    way_out: str | Phrase | None = None

    @property
    def check(self) -> str:
        """What was checked, as programs read it."""
        return str(self.name)

    def document(self) -> dict[str, str | None]:
        """Say it as programs read it."""
        return {
            "check": self.check,
            "level": self.level,
            "found": str(self.found),
            "way_out": None if self.way_out is None else str(self.way_out),
        }
