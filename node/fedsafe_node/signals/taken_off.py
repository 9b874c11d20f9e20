# SPDX-License-Identifier: Apache-2.0
"""Who was taken off the list by a person, so that no import lists them again.

A table that is imported once more would else undo what somebody has decided: that it
was a mistake, that an appeal is granted, that a person is to be erased. What is kept is
a keyed digest of the token, with the reason and until when the signal would have
matched; it names nobody to whoever has the database alone. Of tokens under keys of the
members it is one more digest, so that even with the own key it takes the members to
tell who it is. An import counts such rows, and lists them only if it is told to.
"""

from collections.abc import Sequence

from fedsafe_federation.restrictions import Reason
from fedsafe_node.evaluators import OwnList
from fedsafe_node.store.imports_rows import ListedToken, TakenOff
from fedsafe_node.store.protocol import Reader, Transaction


def mark_of(own: OwnList, token: bytes) -> bytes:
    """Mark what a token stands for."""
    return own.mark(f"taken off\n{token.hex()}")


async def take_off(  # noqa: PLR0913 - what is taken off, and why
    tx: Transaction,
    own: OwnList,
    node: str,
    signal_id: bytes,
    reason: Reason | None,
    *,
    at: int,
) -> None:
    """Keep that no import lists again whom a signal is about, while its token is here.

    Where nobody has decided so (no reason, or that its time is over), nothing is kept.
    """
    if reason is None or reason is Reason.RETENTION:
        return
    tokens = await tx.tokens_of(signal_id, (own.name, node))
    rows = [
        TakenOff(mark=mark_of(own, token), reason=reason.value, at=at, until=until)
        for token, until in tokens.items()
    ]
    await tx.add_taken_off(rows)


async def find_taken(
    reader: Reader, listed: Sequence[ListedToken], now: int
) -> list[TakenOff | None]:
    """Return for each whether a person has taken it off, and why."""
    marks = {mark for row in listed for mark in row.marks}
    found = await reader.taken_off(marks, now)
    if not found:
        return [None] * len(listed)
    return [
        next((found[mark] for mark in row.marks if mark in found), None)
        for row in listed
    ]
