# SPDX-License-Identifier: Apache-2.0
"""Secrets are asked for on a terminal, or read line by line from standard input.

They are never arguments: those are in the process list and the shell's history.
"""

import sys

from fedsafe_cli.terminal.errors import BadInputError


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
        raise BadInputError(f"standard input ends before the line with the {what}")
    return line.rstrip("\r\n")


def ask_new_password() -> str:
    """Ask for a new password, twice on a terminal.

    Raises:
        BadInputError: the two differ.
    """
    password = ask_secret("new password (12 characters or more)")
    if sys.stdin.isatty() and ask_secret("the same again") != password:
        raise BadInputError("the two passwords differ")
    return password
