# SPDX-License-Identifier: Apache-2.0
"""The in-memory hints of a node: which rows may carry a token or a picture.

Both indexes are fed after a commit and rebuilt at start from the store. They are
hints: whoever finds a row here reads its status in the store before it counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from fedsafe_node.lookup.index.tokens import TokenIndex

if TYPE_CHECKING:
    from fedsafe_node.lookup.index.pdq import Match, PdqIndex


@dataclass(frozen=True, slots=True)
class Hint:
    """A new row: its token, and the picture's PDQ digest if it is one."""

    row: int
    token: bytes
    pdq: bytes | None = None


class TurnedMatch(NamedTuple):
    """A row, how many bits it is away, and the place of the digest that is nearest."""

    row: int
    distance: int
    place: int


class Similar(NamedTuple):
    """The rows that are near to a picture, nearest first, and about how many more."""

    rows: Sequence[TurnedMatch] = ()
    more: int = 0


_NOTHING: Final = Similar()
MOST_NEAR: Final = 512
"""So many rows are looked at for one picture. Whoever lists more that are near to it
makes no question dearer, and hides nothing without its being said."""
LEAST_NEAR: Final = 32
MOST_NEAR_IN_ALL: Final = 100_000


class Lists:
    """Token index and picture index, kept in step.

    Where other processes add rows as well, a picture may come twice: from the act that
    committed it here, and out of the *shared* store; so it may while the pictures of a
    start are loaded. Owned by the event loop for that: up to which row all pictures are
    known, and which of those behind it are. While it *lacks pictures* whoever asks for
    one cannot be told that there is none.

    Where other processes are to attach to the tables of pictures, *attached* says so.
    """

    def __init__(
        self, tokens: TokenIndex, *, shared: bool = False, attached: bool = False
    ) -> None:
        self.tokens = tokens
        self._pictures: PdqIndex | None = None
        self._shared = shared
        self._attached = attached
        self.lacks_pictures = False
        self.pictures_until = 0
        self._ahead: set[int] = set()

    @property
    def pictures(self) -> "PdqIndex":
        """The index of pictures; a node that knows none yet does without numpy."""
        if self._pictures is None:
            from fedsafe_node.lookup.index.pdq import PdqIndex  # noqa: PLC0415 - loads numpy
            from fedsafe_node.lookup.index.pdq_memory import Memory  # noqa: PLC0415

            make = Memory.shared if self._attached else Memory.private
            self._pictures = PdqIndex(make=make)
        return self._pictures

    def count_pictures(self) -> int:
        """Count the pictures that a query can find."""
        return 0 if self._pictures is None else len(self._pictures)

    @property
    def has_removed_pictures(self) -> bool:
        """Whether digests of pictures that match no more are still in memory."""
        return self._pictures is not None and self._pictures.removed > 0

    @property
    def has_picture_tables(self) -> bool:
        """Whether there are tables of pictures."""
        return self._pictures is not None and bool(self._pictures.tables)

    @property
    def wants_picture_merge(self) -> bool:
        """Whether a merge of the pictures is due."""
        return self._pictures is not None and self._pictures.wants_merge

    def add_pictures(self, found: Sequence[tuple[int, bytes]], *, until: int) -> None:
        """Add the pictures that the store has up to a row, if they are not here."""
        self._add_pictures(found)
        self.pictures_until = max(self.pictures_until, until)
        self._ahead = {row for row in self._ahead if row > until}

    def forget_pictures(self) -> None:
        """Load all pictures anew; those that came meanwhile are known on."""
        self.pictures_until = 0

    def add(self, hints: Sequence[Hint]) -> None:
        """Add rows that have just been committed."""
        if not hints:
            return
        self.tokens.add_many(
            b"".join(hint.token for hint in hints), [hint.row for hint in hints]
        )
        self._add_pictures(
            [(hint.row, hint.pdq) for hint in hints if hint.pdq is not None]
        )

    def _add_pictures(self, found: Sequence[tuple[int, bytes]]) -> None:
        new = [
            (row, digest)
            for row, digest in found
            if row > self.pictures_until and row not in self._ahead
        ]
        if new:
            self.pictures.add([row for row, _ in new], [digest for _, digest in new])
            if self._shared or self.lacks_pictures:
                self._ahead.update(row for row, _ in new)

    def remove(self, rows: Iterable[int]) -> None:
        """Forget rows that match no more."""
        gone = list(rows)
        for row in gone:
            self.tokens.remove(row)
        self.remove_pictures(gone)

    def remove_pictures(self, rows: Iterable[int]) -> None:
        """Forget the pictures of rows."""
        if self._pictures is not None:
            self._pictures.remove(*rows)

    def rows(self, token: bytes) -> tuple[int, ...]:
        """Give the rows that may carry *token*."""
        return self.tokens.rows(token)

    def similar(
        self, digests: Sequence[bytes], radius: int, *, together: int = 1
    ) -> list[Similar]:
        """Give the rows whose picture may be the same, for each *together* so many.

        Those are one question: of several that are near to a row the nearest counts,
        and of those that are equally near the first. A question has the nearest
        `MOST_NEAR` rows; where many questions have many, at least `LEAST_NEAR` each.
        """
        count = len(digests) // together
        if self._pictures is None or not len(self._pictures):
            return [_NOTHING] * count
        found = self._pictures.search_nearest(digests, radius, MOST_NEAR)
        near = sum(map(len, found.matches))
        hits = sum(map(bool, found.matches))
        most = MOST_NEAR
        if near > MOST_NEAR_IN_ALL:
            most = max(LEAST_NEAR, MOST_NEAR_IN_ALL // hits)
        return [
            _joined(
                found.matches[at : at + together], found.more[at : at + together], most
            )
            for at in range(0, count * together, together)
        ]


def _joined(
    matches: Sequence[Sequence["Match"]], more: Sequence[int], most: int
) -> Similar:
    """Join what is near to the digests of one question."""
    if not any(matches):
        return _NOTHING
    nearest: dict[int, TurnedMatch] = {}
    for place, each in enumerate(matches):
        for row, distance in each[:most]:
            known = nearest.get(row)
            if known is None or distance < known.distance:
                nearest[row] = TurnedMatch(row, distance, place)
    ordered = sorted(nearest.values(), key=attrgetter("distance", "row"))
    left = sum(more) + sum(max(0, len(each) - most) for each in matches)
    return Similar(ordered[:most], left + max(0, len(ordered) - most))
