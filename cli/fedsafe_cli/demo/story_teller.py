# SPDX-License-Identifier: Apache-2.0
"""Who tells the story: lines in one of two languages, and which claims failed."""

import sys
from dataclasses import dataclass, field

from fedsafe_cli.demo.story_texts import LINES
from fedsafe_cli.terminal.output import line


class _Comma(float):
    """A number as German writes it."""

    def __format__(self, form: str) -> str:
        return super().__format__(form).replace(".", ",")


@dataclass(slots=True)
class Teller:
    """Prints lines and keeps which claims failed."""

    german: bool
    failed: list[str] = field(default_factory=list)

    def say(self, key: str, **values: object) -> None:
        """Print a line of the story."""
        line(self.text(key, **values))
        sys.stdout.flush()

    def text(self, key: str, **values: object) -> str:
        """Return a text in the teller's language."""
        if not self.german:
            return LINES[key][1].format(**values)
        german = {
            name: _Comma(value) if isinstance(value, float) else value
            for name, value in values.items()
        }
        return LINES[key][0].format(**german)

    def check(self, claim: str, *, holds: bool) -> None:
        """Note a claim that does not hold."""
        if not holds:
            self.failed.append(claim)
