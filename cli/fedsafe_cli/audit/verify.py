# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit verify` where no node answers: read its directory, change nothing.

So a node that was stopped, has died or refuses to start can be verified as well.
`fedsafe_node` is imported here only: a lookup must not pay for it.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from fedsafe_cli.doctor.server import unasked
from fedsafe_cli.terminal.errors import (
    CliError,
    NotRunningError,
    SettingsError,
    WrongStateError,
)
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.settings import printable, printed
from fedsafe_policies.ground.catalogue import Phrase


class _UnaskedError(CliError):
    """The server with the logs does not answer, which says nothing of the logs."""

    status = ExitStatus.LOG_UNREADABLE
    code = "log_unreadable"

    def __init__(self, why: str | Phrase) -> None:
        hint = Phrase("nothing was verified: once the server answers, run it again")
        super().__init__(
            Phrase("no node is running, nor its server: {why}").filled(why=why), hint
        )


def verify_directory(directory: str, stopped: NotRunningError) -> dict[str, Any]:
    """Verify what a node has left in its directory; the answer is as the node's.

    Raises:
        NotRunningError: *stopped*; what lies there is no node's directory.
        SettingsError: the configuration does not fit, or belongs to another user.
        CliError: the server of its store does not answer.
        WrongStateError: key files are wrapped, and the outside key is not at hand.
    """
    import msgspec  # noqa: PLC0415 (slow to load)

    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError, OutsideKeyError  # noqa: PLC0415
    from fedsafe_node.operations.offline_inspect import verify_node  # noqa: PLC0415

    place = Place(Path(directory))
    if not place.config.exists():
        raise stopped
    for path in (place.database, place.keys, place.guard):
        if path.exists() and not os.access(path, os.R_OK):
            name = printable(str(path))
            hint = Phrase("run this command as the node's user")
            raise SettingsError(
                Phrase("{name} belongs to another user").filled(name=name), hint
            )
    try:
        config = load_config(place)
    except ConfigError as error:
        raise SettingsError(printed(error)) from None
    if (why := unasked(place.directory)) is not None:
        raise _UnaskedError(why)
    try:
        answer = asyncio.run(verify_node(place, config))
    except OutsideKeyError as error:
        raise WrongStateError(printed(error.reason), error.way_out) from None
    told: dict[str, Any] = msgspec.to_builtins(answer)
    return told
