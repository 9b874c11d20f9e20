# SPDX-License-Identifier: Apache-2.0
"""The in-memory hints of a node: which rows may carry a token or a picture.

Both indexes are fed after a commit and rebuilt at start from the store. They are
hints: whoever finds a row here reads its status in the store before it counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fedsafe_node.index.pdq import Match, PdqIndex
from fedsafe_node.index.tokens import TokenIndex


@dataclass(frozen=True, slots=True)
class Hint:
    """A new row: its token, and the picture's PDQ digest if it is one."""

    row: int
    token: bytes
    pdq: bytes | None = None


class Lists:
    """Token index and picture index, kept in step."""

    def __init__(self, tokens: TokenIndex, pictures: PdqIndex) -> None:
        self.tokens = tokens
        self.pictures = pictures

    def add(self, hints: Sequence[Hint]) -> None:
        """Add rows that have just been committed."""
        if not hints:
            return
        self.tokens.add_many(
            b"".join(hint.token for hint in hints), [hint.row for hint in hints]
        )
        pictures = [(hint.row, hint.pdq) for hint in hints if hint.pdq is not None]
        if pictures:
            self.pictures.add(
                [row for row, _ in pictures], [digest for _, digest in pictures]
            )

    def remove(self, rows: Iterable[int]) -> None:
        """Forget rows that match no more."""
        gone = list(rows)
        for row in gone:
            self.tokens.remove(row)
        self.pictures.remove(*gone)

    def rows(self, token: bytes) -> tuple[int, ...]:
        """Give the rows that may carry *token*."""
        return self.tokens.rows(token)

    def similar(self, digest: bytes) -> list[Match]:
        """Give the rows whose picture may be the same, with distances."""
        return self.pictures.query(digest)
