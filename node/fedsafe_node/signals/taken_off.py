# SPDX-License-Identifier: Apache-2.0
"""Who was taken off the list by a person, so that no import lists them again.

A table that is imported once more would else undo what somebody has decided: that it
was a mistake, that an appeal is granted, that a person is to be erased. What is kept is
a keyed digest of the token, with the reason and until when the signal would have
matched; it names nobody to whoever has the database alone. Of tokens under keys of the
members it is one more digest, so that even with the own key it takes the members to
tell who it is. An import counts such rows. Told to, it lists anew whom only a mistake
had taken off; who was let go by a ruling, on appeal or on request comes back by
`signal add` alone, one at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.store.imports_rows import ListedToken, TakenOff
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction

_FOR_GOOD: Final = frozenset(
    {
        Reason.APPEAL_GRANTED.value,
        Reason.FINDING_WITHDRAWN.value,  # a ruling on a dispute or an inquiry
        Reason.REQUEST_OF_THE_PERSON.value,  # an erasure
    }
)
_FREE: Final = frozenset({Reason.RETENTION, Reason.SUPERSEDED})
"""A term that is over and a row that takes another's place decide about nobody."""


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

    Where nobody has decided so (no reason, its time is over, another takes its place),
    nothing is kept.
    """
    if reason is None or reason in _FREE:
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
    return [_strictest(found, row.marks) for row in listed]


def may_come_back(taken: TakenOff) -> bool:
    """Tell whether an import that is told to may list somebody again."""
    return taken.reason not in _FOR_GOOD


def _strictest(
    found: Mapping[bytes, TakenOff], marks: Iterable[bytes]
) -> TakenOff | None:
    """Of what took somebody off under several marks, return what binds most."""
    rows = [found[mark] for mark in marks if mark in found]
    # What a node of the version before kept of a row that was superseded binds nobody.
    rows = [row for row in rows if row.reason not in _FREE]
    return min(rows, key=may_come_back, default=None)
