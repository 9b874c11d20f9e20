# SPDX-License-Identifier: Apache-2.0
"""The bodies of a match: many digests in columns, and the few that hit.

The same types as JSON and as MessagePack: `digests` is base64 in the one and bytes in
the other. Nothing is said of a digest that hits nothing but how many there are.
"""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_federation.media.pdq import Orientation
from fedsafe_node.acts.bodies import Message, ServiceName, SubjectRef
from fedsafe_node.acts.lookup import Deadline, LookupAnswer, Result
from fedsafe_policies.vocabulary import Purpose, Surface

MAX_DIGESTS = 10_000
MAX_COLUMNS = 16
ALL_ORIENTATIONS = 8


@unique
class DigestKind(StrEnum):
    """What the digests of a column are."""

    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"
    BLAKE3 = "blake3"
    PDQ = "pdq"


class DigestColumn(Message, frozen=True):
    """Digests of one kind, behind each other, with nothing between them.

    Each is a question. Of pictures (`pdq`) with `orientations` 8, eight digests are
    one: of the picture as it is, turned and mirrored, in the order of `Orientation`.
    `subject_refs` names the account of each question, or null; it has as many entries
    as there are questions, or is left out.
    """

    kind: DigestKind
    digests: bytes
    orientations: int = 1
    subject_refs: (
        Annotated[list[SubjectRef | None], msgspec.Meta(max_length=MAX_DIGESTS)] | None
    ) = None

    def __repr__(self) -> str:
        """Show the kind, never a digest."""
        return f"DigestColumn(kind={self.kind.value!r})"


class MatchRequest(Message, frozen=True):
    """Ask about many files, for one purpose, met on one surface.

    All columns have 10,000 digests at most, those of orientations counted each.
    `service` says whose the accounts are, where that is not plain.
    """

    columns: Annotated[
        list[DigestColumn], msgspec.Meta(min_length=1, max_length=MAX_COLUMNS)
    ]
    purpose: Purpose = Purpose.MEDIA_MATCHING
    surface: Surface | None = None
    service: ServiceName | None = None
    deadline_ms: Deadline = 60_000


class ColumnAnswer(Message, frozen=True):
    """What came of a column: how many questions it has, and more of a few of them.

    `at` has the places of these, `answers` what is said of each, in the same order;
    `orientations`, of a column that has them, how the nearest match lies. So many had
    a match: `review`.
    """

    questions: int
    review: int
    at: list[int]
    answers: list[LookupAnswer]
    orientations: list[Orientation | None] | None = None


class MatchAnswer(Message, frozen=True):
    """The answer to a match; `columns` in the order of the request.

    `rest` is the result of every question that is named in none of them: `none` only
    if every origin was covered, else `incomplete`, and `not_covered` names the others;
    `deferred` while a start has not loaded all pictures: ask again.
    `gate_closed`: this node's own legal gate is, so none of the others counts.
    """

    rest: Result
    columns: list[ColumnAnswer]
    not_covered: list[str]
    gate_closed: bool = False
