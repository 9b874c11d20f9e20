# SPDX-License-Identifier: Apache-2.0
"""What can go wrong while a package is handed over.

* NodeError
  + SendingError            it was not handed over, or nobody knows; says why
"""

from enum import StrEnum, unique
from typing import Final

from fedsafe_node.ground.errors import NodeError


@unique
class Fault(StrEnum):
    """Why a package was not handed over."""

    UNREACHABLE = "unreachable"
    """Nothing answers there, or too slowly; nothing was taken."""
    REFUSED = "refused"
    """The other side is the right one, and takes the package not, or not now."""
    UNTRUSTED = "untrusted"
    """The other side is not who it should be, or its line is not protected."""
    MISCONFIGURED = "misconfigured"
    """This node lacks a setting, or a file that one names, for this channel."""
    IN_DOUBT = "in_doubt"
    """The connection was lost after the data went: it may have been taken."""


_RETRIED: Final = frozenset({Fault.UNREACHABLE, Fault.IN_DOUBT})


class SendingError(NodeError):
    """A package was not handed over, or nobody knows.

    `retry` says whether the same channel is worth another attempt. The words are for
    the record of attempts: they hold no address, no key and nothing of the package.
    """

    def __init__(self, why: Fault, words: str, *, retry: bool | None = None) -> None:
        super().__init__(f"{why.value}: {words}")
        self.why = why
        self.words = words
        self.retry = why in _RETRIED if retry is None else retry
