# SPDX-License-Identifier: Apache-2.0
"""Ids of signals and tasks, and names of members, as people type them."""

import itertools
import re
from typing import Final

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_policies.ground.catalogue import Phrase

_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_SHORT: Final = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TASK: Final = re.compile(r"[0-9a-f]{32}")
_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_MEMBER: Final = re.compile(rf"(?=.{{3,253}}\Z)(?![0-9.]+\Z){_LABEL}(\.{_LABEL})+")


def shortened(signal: str) -> str:
    """Write a signal's id in 26 letters and digits instead of 36 characters.

    All of it is in them (base 32 of Crockford: no i, l, o, u), so that whatever takes
    an id takes them as well.
    """
    number = int(signal.replace("-", ""), 16)
    return "".join(_LETTERS[number >> 5 * place & 31] for place in reversed(range(26)))


def _whole(short: str) -> str:
    number = 0
    for letter in short:
        number = number << 5 | _LETTERS.index(letter)
    digits = f"{number:032x}"
    ends = (0, 8, 12, 16, 20, 32)
    return "-".join(digits[a:b] for a, b in itertools.pairwise(ends))


def checked_id(text: str, place: str = "") -> str:
    """Return a signal's id, whole if it was shortened; *place* says where it was read.

    Raises:
        BadInputError: it is none.
    """
    if _SHORT.fullmatch(text) is not None:
        text = _whole(text)
    if _ID.fullmatch(text) is None:
        raise BadInputError(
            Phrase("{place}that is no signal's id").filled(place=place),
            Phrase(
                "an id looks like 01a20e5e-7e0b-7dca-b773-0d06d4879060; it "
                "stands in matches, and `fedsafe signal list` has those of "
                "this node"
            ),
        )
    return text


def checked_task(text: str) -> str:
    """Return a task's id, which becomes a part of a path.

    Raises:
        BadInputError: it is none.
    """
    if _TASK.fullmatch(text) is None:
        raise BadInputError(Phrase("a task is named by 32 hexadecimal digits"))
    return text


def checked_member(text: str) -> str:
    """Return a member's name, which may be said back.

    Raises:
        BadInputError: it is none; it may be somebody's address, so it is not said.
    """
    if _MEMBER.fullmatch(text) is None:
        raise BadInputError(
            Phrase("that is no member's name"),
            Phrase("a member is named like a host; see `fedsafe federation status`"),
        )
    return text
