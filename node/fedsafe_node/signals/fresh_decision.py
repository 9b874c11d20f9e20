# SPDX-License-Identifier: Apache-2.0
"""Decide anew where the node's present has changed between decision and act.

What is costly (evaluation, sealing) lies between the two, and meanwhile a gate can
close or two people can approve another policy. So an act looks once more, within its
transaction; where it would decide otherwise nothing is kept, and all begins again.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from fedsafe_node.ground.errors import NodeError, UnavailableError

T = TypeVar("T")
_TRIES: Final = 3
_RETRY_AFTER_MS: Final = 2_000


class OutdatedError(NodeError):
    """What was decided is no longer what would be decided now."""


async def until_it_holds(attempt: Callable[[], Awaitable[T]]) -> T:
    """Decide and act, anew as long as the present changes in between.

    Raises:
        UnavailableError: it changes at every try.
    """
    for _ in range(_TRIES):
        try:
            return await attempt()
        except OutdatedError:
            continue
    raise UnavailableError(
        "deferred",
        "what this rests on (gate, policy, keys) is changing just now: try again",
        retry_after_ms=_RETRY_AFTER_MS,
    )
