# SPDX-License-Identifier: Apache-2.0
"""Invitations as the command line meets them: read, shown, written into a file."""

import os
from dataclasses import dataclass

from fedsafe_cli.terminal.errors import (
    BadInputError,
)
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of


@dataclass(frozen=True, slots=True)
class Invited:
    """What an invitation names; its secret is left out."""

    federation: str
    urls: tuple[str, ...]
    fingerprint: str
    expires: int


def read_invitation(text: str) -> Invited:
    """Read an invitation.

    Raises:
        BadInputError: it is none.
    """
    from fedsafe_federation.charter.invitation import Invitation  # noqa: PLC0415
    from fedsafe_federation.errors import MalformedError  # noqa: PLC0415 (slow to load)

    try:
        found = Invitation.parse(text)
    except MalformedError as error:
        raise BadInputError(
            Phrase("that is no invitation: {why}").filled(why=error.told),
            Phrase("copy it whole: it is one line that begins with FSI1"),
        ) from None
    digest = found.charter.hex()[:32]
    groups = " ".join(digest[start : start + 4] for start in range(0, 32, 4))
    return Invited(found.federation, found.urls, groups, found.expires)


def write_private(file: str, text: str) -> None:
    """Write a new file that only its owner reads.

    Raises:
        BadInputError: it is there already, or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(file, flags, 0o600), "w", encoding="ascii") as stream:
            stream.write(f"{text}\n")
    except OSError as error:
        why = reason_of(error, Phrase("cannot be written"))
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(file), why=why)
        ) from None
