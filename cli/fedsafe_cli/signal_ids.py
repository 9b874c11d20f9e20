# SPDX-License-Identifier: Apache-2.0
"""Ids of signals and tasks, and names of members, as people type them."""

import re
from typing import Final

from fedsafe_cli.errors import BadInputError

_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_TASK: Final = re.compile(r"[0-9a-f]{32}")
_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_MEMBER: Final = re.compile(rf"(?=.{{3,253}}\Z)(?![0-9.]+\Z){_LABEL}(\.{_LABEL})+")


def checked_id(text: str, place: str = "") -> str:
    """Return a signal's id; *place* says where it was read.

    Raises:
        BadInputError: it is none.
    """
    if _ID.fullmatch(text) is None:
        raise BadInputError(
            f"{place}that is no signal's id",
            "an id looks like 01a20e5e-7e0b-7dca-b773-0d06d4879060; it stands in "
            "matches, and what waits is listed by `fedsafe signal list`",
        )
    return text


def checked_task(text: str) -> str:
    """Return a task's id, which becomes a part of a path.

    Raises:
        BadInputError: it is none.
    """
    if _TASK.fullmatch(text) is None:
        raise BadInputError("a task is named by 32 hexadecimal digits")
    return text


def checked_member(text: str) -> str:
    """Return a member's name, which may be said back.

    Raises:
        BadInputError: it is none; it may be somebody's address, so it is not said.
    """
    if _MEMBER.fullmatch(text) is None:
        raise BadInputError(
            "that is no member's name",
            "a member is named like a host; see `fedsafe federation status`",
        )
    return text
