# SPDX-License-Identifier: Apache-2.0
"""Asking a person before something happens, in either language.

Whoever says no, or nobody whom one could ask, is told what comes of it: nothing.
"""

import sys
from typing import Final

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.output import note
from fedsafe_cli.terminal.settings import Settings

_YES: Final = frozenset({"y", "yes", "j", "ja"})
_NO: Final = frozenset({"", "n", "no", "nein"})
_CHOICES: Final = ("[j/N]", "[y/N]")
_AGAIN: Final = ("bitte j oder n", "please say y or n")
_DECLINED: Final = (
    "nicht bestätigt, nichts ist geschehen",
    "not confirmed: nothing was done",
)
_NOBODY: Final = (
    "niemand ist da, der gefragt werden könnte; nichts ist geschehen",
    "nobody is there to be asked: nothing was done",
)


def confirm(question: tuple[str, str], settings: Settings, *, without: str) -> None:
    """Ask whether to go on; the question is given in German and in English.

    Args:
        question: without the mark of the choices.
        settings: say which language.
        without: what does the same without a terminal, as a hint.

    Raises:
        BadInputError: the answer is no, or standard input has ended.
    """
    other = not settings.german
    while True:
        note(f"{question[other]} {_CHOICES[other]}")
        typed = sys.stdin.readline()
        answer = typed.strip().lower()
        if typed and answer in _YES:
            return
        if not typed or answer in _NO:
            told = _DECLINED if typed else _NOBODY
            refusal = BadInputError(told[1], None if typed else without)
            refusal.german = told[0]
            raise refusal
        note(_AGAIN[other])
