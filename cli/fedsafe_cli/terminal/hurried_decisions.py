# SPDX-License-Identifier: Apache-2.0
"""Decisions that the node asks to hear once more, for they came too fast (P13).

Whoever sits at a terminal is asked, and says it again with a second request. A script
gets the status of what did not fit, and --again says it once more; the node takes that
only after it has asked.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.errors import RefusedError
from fedsafe_cli.terminal.output import note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])
_CODE: Final = "look_again"
_ONCE_MORE: Final = (
    "Das ging schneller, als die Richtlinie will. Noch einmal angesehen, und so?",
    "You were faster than the policy wants. Looked again, and still so?",
)
_WITHOUT: Final = "once you have looked again: --again"


def say_again(command: Command) -> Command:
    """Add the option that says once more what the node has asked about."""
    return click.option(
        "--again",
        is_flag=True,
        help="Say once more what the node asked you to look at again.",
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
        if not settings.german:
            note(error.detail)
        confirm(_ONCE_MORE, settings, without=_WITHOUT)
    return client.post(path, repeated)
