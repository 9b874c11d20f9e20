# SPDX-License-Identifier: Apache-2.0
"""Texts that another part says in English, and their German: the English is a pattern.

What stands in braces is a place in it, and goes into the German as it came.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

_NAME: Final = re.compile(r"\\\{([a-z]+)\\\}")
Pattern = tuple[str, str]
"""A regular expression, which is compiled when it is first used, and the German."""


def patterns(texts: Mapping[str, str]) -> list[Pattern]:
    """Read texts with places in them, the closer one first."""
    return sorted(
        ((_written(english), told) for english, told in texts.items()),
        key=lambda pair: -len(pair[0]),
    )


def matched(text: str, known: Sequence[Pattern], say: Callable[[str, str], str]) -> str:
    """Say a text by the first pattern that it fits; *say* says a place by its name."""
    for pattern, template in known:
        if (found := _compiled(pattern).fullmatch(text)) is not None:
            named = found.groupdict().items()
            return template.format(**{name: say(name, each) for name, each in named})
    return text


def _written(english: str) -> str:
    return _NAME.sub(r"(?P<\1>.+?)", re.escape(english))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)
