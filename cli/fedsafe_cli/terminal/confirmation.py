# SPDX-License-Identifier: Apache-2.0
"""Asking a person: before something happens, once more, and for a secret.

Whoever says no, or nobody whom one could ask, is told what comes of it: nothing.
"""

import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from fedsafe_cli.terminal.errors import BadInputError, RefusedError
from fedsafe_cli.terminal.output import note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase

_YES: Final = frozenset({"y", "yes", "j", "ja"})
_NO: Final = frozenset({"", "n", "no", "nein"})
_CHOICES: Final = Phrase("[y/N]")
_AGAIN: Final = Phrase("please say y or n")
_DECLINED: Final = Phrase("not confirmed: nothing was done")
_NOBODY: Final = Phrase("nobody is there to be asked: nothing was done")


def confirm(question: Phrase, settings: Settings, *, without: str | Phrase) -> None:
    """Ask whether to go on; *question* ends without the mark of the choices.

    Args:
        question: what is asked.
        settings: say which language.
        without: what does the same without a terminal, as a hint.

    Raises:
        BadInputError: the answer is no, or standard input has ended.
    """
    language = settings.language
    while True:
        note(f"{question.said(language)} {_CHOICES.said(language)}")
        typed = sys.stdin.readline()
        answer = typed.strip().lower()
        if typed and answer in _YES:
            return
        if not typed or answer in _NO:
            told = _DECLINED if typed else _NOBODY
            raise BadInputError(told, None if typed else without)
        note(_AGAIN.said(language))


# Decisions that the node asks to hear once more, for they came too fast (P13).
#
# Whoever sits at a terminal is asked, and says it again with a second request. A script
# gets the status of what did not fit, and --again says it once more; the node takes
# that only after it has asked.

Command = TypeVar("Command", bound=Callable[..., Any])
_CODE: Final = "look_again"
_ONCE_MORE: Final = Phrase(
    "You were faster than the policy wants. Looked again, and still so?"
)
_WITHOUT: Final = Phrase("once you have looked again: --again")


def say_again(command: Command) -> Command:
    """Add the option that says once more what the node has asked about."""
    return click.option(
        "--again",
        is_flag=True,
        help="Confirm, after the node has asked you to look again.",
    )(command)


def decided(path: str, body: dict[str, Any], settings: Settings, *, again: bool) -> Any:  # noqa: ANN401 (JSON)
    """Send a decision; ask the person where the node wants it once more.

    Raises:
        RefusedError: the node refuses, or asks and nobody is at a terminal.
        BadInputError: the person does not stand by it.
    """
    client = personal(settings)
    repeated = body | {"again": True}
    try:
        return client.post(path, repeated if again else body)
    except RefusedError as error:
        if error.code != _CODE or again or settings.json:
            raise
        note(error.words.said(settings.language))
        confirm(_ONCE_MORE, settings, without=_WITHOUT)
    return client.post(path, repeated)


# Secrets are asked for on a terminal, or read line by line from standard input.
#
# They are never arguments: those are in the process list and the shell's history.


def ask_secret(what: str) -> str:
    """Ask for a secret, unseen; without a terminal, take the next line.

    Raises:
        BadInputError: standard input has ended.
    """
    if sys.stdin.isatty():
        import getpass  # noqa: PLC0415 (only here)

        return getpass.getpass(f"{what}: ")
    line = sys.stdin.readline()
    if not line:
        raise BadInputError(
            Phrase("standard input ends before the line with the {what}").filled(
                what=what
            )
        )
    return line.rstrip("\r\n")


def ask_new_password() -> str:
    """Ask for a new password, twice on a terminal.

    Raises:
        BadInputError: the two differ.
    """
    password = ask_secret("new password (12 characters or more)")
    if sys.stdin.isatty() and ask_secret("the same again") != password:
        raise BadInputError(Phrase("the two passwords differ"))
    return password
