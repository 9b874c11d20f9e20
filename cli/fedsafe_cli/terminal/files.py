# SPDX-License-Identifier: Apache-2.0
"""Read a small file that somebody names, and nothing else that has a name."""

import os
import stat

from fedsafe_cli.terminal.errors import (
    BadInputError,
)
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of


def read_small(file: str, most: int, hint: str | Phrase | None = None) -> bytes:
    """Return all of a regular file; a pipe or device is refused and never waited for.

    Raises:
        BadInputError: it cannot be read, is no file, or is longer than *most* bytes.
    """
    shown = printable(file)
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise BadInputError(
                    Phrase("{file} is no regular file").filled(file=shown), hint
                )
            data = stream.read(most + 1)
    except OSError as error:
        why = reason_of(error)
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=shown, why=why), hint
        ) from None
    if len(data) > most:
        raise BadInputError(
            Phrase("{file}: longer than {most} bytes").filled(file=shown, most=most)
        )
    return data
