# SPDX-License-Identifier: Apache-2.0
"""Where the token of a login lies: a file of mode 0600 in XDG's state directory.

One file for each node, named after the node's directory, or its address, and a hash of
that. A session is sent nowhere but to the node that it was begun at. Only
the commands of people take it up: a back-end that asks with `fedsafe lookup` under the
same user stays what it is, whoever has logged in.
"""

import os
from contextlib import suppress
from hashlib import sha256
from typing import Final

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import (
    SettingsError,
)
from fedsafe_cli.terminal.settings import Settings, printable, read_credential
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_LONGEST_NAME: Final = 200
_MARK: Final = 16


def session_file(place: str) -> str:
    """Return the file that holds the session at a node: its path or its address."""
    home = os.path.expanduser("~/.local/state")  # noqa: PTH111
    state = os.environ.get("XDG_STATE_HOME") or home
    name = place.strip("/").replace("/", "%")[-_LONGEST_NAME:]
    # The readable part may be that of two nodes; all of the place is one's own.
    mark = sha256(os.fsencode(place)).hexdigest()[:_MARK]
    return os.path.join(state, "fedsafe", f"{name}.{mark}.session")  # noqa: PTH118


def personal(settings: Settings) -> Client:
    """Return a client for a person's command: with credential, session or neither.

    Raises:
        SettingsError: the file of credential or session does not fit.
    """
    client = settings.client()
    if client.token is not None:
        return client
    path = session_file(client.place)
    if not os.path.exists(path):  # noqa: PTH110
        return client
    return client.holding(read_credential(path))


def keep(place: str, token: str) -> str:
    """Keep a session's token; an older one is replaced. Returns the file.

    Raises:
        SettingsError: the file cannot be written.
    """
    path = session_file(place)
    draft = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="ascii") as file:
            file.write(f"{token}\n")
        os.replace(draft, path)  # noqa: PTH105
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)  # noqa: PTH108
        raise SettingsError(
            Phrase("session file {file}: {why}").filled(
                file=printable(path), why=reason_of(error)
            ),
            Phrase(
                "this user needs a home directory, or XDG_STATE_HOME names "
                "another place"
            ),
        ) from None
    return path


def forget(place: str) -> None:
    """Remove the token of a session that has ended."""
    with suppress(FileNotFoundError):
        os.unlink(session_file(place))  # noqa: PTH108
