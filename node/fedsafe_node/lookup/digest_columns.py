# SPDX-License-Identifier: Apache-2.0
"""Digests in columns: read, searched all together, and answered by the few that hit.

Of a digest that no index knows nothing is made: no object, no token of its own, no
answer. What is found becomes a case of one question, which goes the way of every
lookup: a row is a hint, and the store's status decides.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import msgspec

from fedsafe_federation.feed.signals import DIGEST_BYTES
from fedsafe_federation.media.pdq import ORIENTATIONS, Orientation
from fedsafe_node.acts.lookup import LookupAnswer, Result
from fedsafe_node.acts.match import (
    ALL_ORIENTATIONS,
    MAX_DIGESTS,
    ColumnAnswer,
    DigestColumn,
    MatchAnswer,
    MatchRequest,
)
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.subject_refs import join, split
from fedsafe_node.keys.lookup_items import File, weight_of
from fedsafe_node.lookup.index.lists import Lists, Similar
from fedsafe_node.lookup.matching import NOTHING, Candidate, Pointers
from fedsafe_node.lookup.question_sets import Case
from fedsafe_node.people.services import Naming
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import MediaKind, Plane

MOST_NAMED: Final = 1_000
"""So many accounts a person names in one body: each is an event of its own."""
_PLANES: Final = frozenset({Plane.MEDIA})
_PROBED: Final = 48
_HEXADECIMAL: Final = re.compile(rb"[0-9A-Fa-f]+")
_WRITTEN: Final = re.compile(rb"[0-9A-Fa-f\s,;:\"']+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that fits; `service` is that of the accounts in `refs`."""

    kind: MediaKind
    digests: bytes
    orientations: int
    refs: Sequence[str | None] | None
    service: str | None

    @property
    def width(self) -> int:
        """The bytes of one digest."""
        return DIGEST_BYTES[self.kind]

    @property
    def questions(self) -> int:
        """How many questions there are: orientations of a picture are one."""
        return len(self.digests) // (self.width * self.orientations)

    @property
    def cost(self) -> int:
        """What the questions cost a budget: those about several pictures count each."""
        if self.orientations == 1:
            return self.questions
        return sum(weight_of(self.turned(place)) for place in range(self.questions))

    def turned(self, place: int) -> list[bytes]:
        """Give a question's digests in all orientations."""
        starts = range(self.orientations)
        return [self.file(place, orientation).digest for orientation in starts]

    def file(self, place: int, orientation: int = 0) -> File:
        """Give a question's digest."""
        start = self.width * (place * self.orientations + orientation)
        return File(self.kind, self.digests[start : start + self.width])

    def subject(self, place: int) -> str | None:
        """Give the account of a question."""
        reference = None if self.refs is None else self.refs[place]
        if reference is None:
            return None
        return reference if self.service is None else join(self.service, reference)


@dataclass(frozen=True, slots=True)
class Hit:
    """A question that an index knows something of, and the rows that it points to."""

    column: int
    place: int
    case: Case
    pointers: Pointers = NOTHING


class ToldPart(msgspec.Struct, frozen=True):
    """What one act of several has told, kept for a repetition of the body.

    It has looked at all hits up to *until*, a column and a place in it; `at` has the
    columns and places of those that the answer says something of.
    """

    until: tuple[int, int]
    at: list[tuple[int, int]]
    answers: list[LookupAnswer]


def told_part(told: Sequence[tuple[Hit, LookupAnswer]]) -> ToldPart:
    """Keep what an act has told; there is at least one."""
    said = [(hit, answer) for hit, answer in told if _is_said(answer)]
    last, _ = told[-1]
    return ToldPart(
        until=(last.column, last.place),
        at=[(hit.column, hit.place) for hit, _ in said],
        answers=[answer for _, answer in said],
    )


def told_before(parts: Sequence[ToldPart]) -> list[tuple[Hit, LookupAnswer]]:
    """Give what kept parts have told, as of hits that are looked at no more."""
    return [
        (Hit(column, place, Case(place, None, {}, _PLANES)), answer)
        for part in parts
        for (column, place), answer in zip(part.at, part.answers, strict=True)
    ]


def hits_behind(parts: Sequence[ToldPart], hits: Sequence[Hit]) -> Sequence[Hit]:
    """Give the hits that no kept part has looked at.

    What has been listed since at a place before is found by the next question.
    """
    if not parts:
        return hits
    until = parts[-1].until
    return [hit for hit in hits if (hit.column, hit.place) > until]


def _is_said(answer: LookupAnswer) -> bool:
    return bool(answer.matches or answer.on_trial or answer.further)


def read_columns(
    request: MatchRequest, naming: Naming, *, named: bool
) -> tuple[list[Column], str]:
    """Read columns; give them, and the service whose accounts nobody names.

    With *named*, each account leaves an event of its own.

    Raises:
        BadRequestError: a column does not fit, there are too many digests or none, or
            the accounts are another service's.
    """
    service = _service(request, naming)
    columns = [_column(at, each, service) for at, each in enumerate(request.columns)]
    digests = sum(len(column.digests) // column.width for column in columns)
    if not 0 < digests <= MAX_DIGESTS:
        raise BadRequestError(
            "too_many_digests" if digests else "no_digests",
            Phrase(
                "all columns together have 1 to {most} digests, these "
                "{digests}: send the others in further bodies"
            ).filled(most=MAX_DIGESTS, digests=digests),
            pointer="/columns",
        )
    if named and sum(map(len, map(_named, columns))) > MOST_NAMED:
        raise BadRequestError(
            "too_many_accounts",
            Phrase(
                "a person names at most {most} accounts a body, since each "
                "leaves an event: send the others in further bodies"
            ).filled(most=MOST_NAMED),
            pointer="/columns",
        )
    return columns, service or naming.usual


def _service(request: MatchRequest, naming: Naming) -> str | None:
    refs = (ref for each in request.columns for ref in each.subject_refs or ())
    first = next(filter(None, refs), None)
    if first is None and request.service is None:
        return None
    written = first or "any"
    if request.service is not None:
        written = f"{request.service}/{written}"
    return split(naming.named(written, pointer="/service"))[0]


def _column(at: int, given: DigestColumn, service: str | None) -> Column:
    kind, turned = MediaKind[given.kind.name], given.orientations
    if turned != 1 and (turned != ALL_ORIENTATIONS or kind is not MediaKind.PDQ):
        raise _unfit(
            at,
            given,
            "orientations",
            Phrase("has 1 orientation; a column of pdq may have {most}").filled(
                most=ALL_ORIENTATIONS
            ),
        )
    column = Column(kind, given.digests, turned, given.subject_refs, service)
    whole = column.width * turned
    if len(given.digests) % whole:
        raise _unfit(
            at,
            given,
            "digests",
            Phrase(
                "has {bytes} bytes, and {whole} a question: send whole digests behind "
                "each other, as bytes and not as hexadecimal digits"
            ).filled(bytes=len(given.digests), whole=whole),
        )
    if _is_hexadecimal(given.digests, column.width):
        raise _unfit(
            at,
            given,
            "digests",
            Phrase(
                "reads as hexadecimal digits: send the digests' bytes, in JSON as "
                "base64 of those bytes"
            ),
        )
    if column.refs is not None and len(column.refs) != column.questions:
        raise _unfit(
            at,
            given,
            "subject_refs",
            Phrase(
                "has {questions} questions and names {accounts} accounts: name one for "
                "each, or null, or leave them all out"
            ).filled(questions=column.questions, accounts=len(column.refs)),
        )
    return column


def _is_hexadecimal(digests: bytes, width: int) -> bool:
    """Tell hexadecimal text, which would be answered as digests that nobody lists.

    The text of an even number of digests is good base64 of half as many again: of two
    of 16 bytes, 64 letters. That a base64 text of as many letters has none but the 22
    that are hexadecimal happens by chance to (22/64)^64 < 2^-98 of them, to fewer of
    longer ones. One digest, and every column whose base64 has padding, never looks so.
    Bytes that are such text themselves, two letters a byte of a digest, are as rare:
    (33/256)^32 < 2^-94. Pictures without any contrast are all zero, which reads as
    letters too, but as no digest that is anybody's.
    """
    if not any(digests):
        return False
    if _HEXADECIMAL.fullmatch(b64encode(digests[:_PROBED])):
        return _HEXADECIMAL.fullmatch(b64encode(digests)) is not None
    is_long = len(digests) >= 2 * width
    return is_long and _WRITTEN.fullmatch(digests) is not None


def _unfit(at: int, given: DigestColumn, field: str, why: Phrase) -> BadRequestError:
    return BadRequestError(
        "bad_column",
        Phrase("column {at} ({kind}) {why}").filled(
            at=at, kind=given.kind.value, why=why
        ),
        pointer=f"/columns/{at}/{field}",
    )


def _named(column: Column) -> list[int]:
    if column.refs is None:
        return []
    return [place for place, ref in enumerate(column.refs) if ref is not None]


class ColumnSearch:
    """Finds what may match. Its calls take long, and run beside the event loop."""

    def __init__(self, situation: Situation, lists: Lists) -> None:
        self._situation = situation
        self._lists = lists

    def hits(self, columns: Sequence[Column], *, own_only: bool) -> list[Hit]:
        """Give the questions that an index knows something of, in order."""
        return [
            hit
            for at, column in enumerate(columns)
            for hit in self._of(at, column, own_only=own_only)
        ]

    def _of(self, at: int, column: Column, *, own_only: bool) -> list[Hit]:
        if column.kind is MediaKind.PDQ:
            found = self._pictures(column)
        else:
            found = self._exact(column, own_only=own_only)
        hits: list[Hit] = []
        for place, pointers in sorted(found.items()):
            nearest = min(pointers.candidates, key=lambda each: each.distance or 0)
            asked = nearest.file or column.file(place)
            case = Case(place, column.subject(place), {0: asked}, _PLANES)
            hits.append(Hit(at, place, case, pointers))
        return hits

    def _exact(self, column: Column, *, own_only: bool) -> dict[int, Pointers]:
        from fedsafe_crypto.oprf.token_columns import media_tokens  # noqa: PLC0415 - loads numpy

        own, shared = self._situation.own, self._situation.shared
        keys = own.file_keys
        if shared is not None and not own_only:
            keys = [*keys, *shared.file_keys]
        found: dict[int, list[Candidate]] = {}
        for key in keys:
            tokens = media_tokens(key, column.kind, column.digests, width=column.width)
            for place, row in self._lists.tokens.probe_many(tokens):
                file = column.file(place)
                candidate = Candidate(0, row, column.kind, None, file=file)
                found.setdefault(place, []).append(candidate)
        return {place: Pointers(each) for place, each in found.items()}

    def _pictures(self, column: Column) -> dict[int, Pointers]:
        if not self._lists.count_pictures():
            return {}
        radius = self._situation.policy.document.pictures.radius
        starts = range(0, len(column.digests), column.width)
        digests = [column.digests[at : at + column.width] for at in starts]
        turned = column.orientations
        similar = self._lists.similar(digests, radius, together=turned)
        return {
            place: _pointers(column, place, found)
            for place, found in enumerate(similar)
            if found.rows
        }


def _pointers(column: Column, place: int, found: Similar) -> Pointers:
    turned = column.orientations
    files = [column.file(place, orientation) for orientation in range(turned)]
    candidates = [
        Candidate(
            0,
            row,
            column.kind,
            None,
            file=files[orientation],
            distance=distance,
            orientation=ORIENTATIONS[orientation] if turned > 1 else None,
        )
        for row, distance, orientation in found.rows
    ]
    return Pointers(candidates, found.more)


def with_named(columns: Sequence[Column], hits: Sequence[Hit]) -> list[Hit]:
    """Add the questions that name an account and hit nothing: those of a person."""
    known = {(hit.column, hit.place) for hit in hits}
    others = [
        Hit(at, place, Case(place, column.subject(place), {0: file}, _PLANES))
        for at, column in enumerate(columns)
        for place in _named(column)
        if (at, place) not in known
        for file in [column.file(place)]
    ]
    return sorted([*hits, *others], key=attrgetter("column", "place"))


def count_kinds(columns: Sequence[Column]) -> Mapping[str, int]:
    """Count the questions of each kind."""
    counts: Counter[str] = Counter()
    for column in columns:
        counts[column.kind.name.lower()] += column.questions
    return counts


def answer_columns(
    columns: Sequence[Column],
    told: Sequence[tuple[Hit, LookupAnswer]],
    stale: Sequence[str],
    rest: Result,
    *,
    gate_closed: bool,
) -> MatchAnswer:
    """Answer for columns; *told* has what is said of those that hit, in order.

    The others get the *rest*.
    """
    said: list[list[tuple[Hit, LookupAnswer]]] = [[] for _ in columns]
    for hit, answer in told:
        if _is_said(answer):
            said[hit.column].append((hit, answer))
    return MatchAnswer(
        rest=rest,
        columns=[
            ColumnAnswer(
                questions=column.questions,
                review=sum(bool(answer.matches) for _, answer in found),
                at=[hit.place for hit, _ in found],
                answers=[answer for _, answer in found],
                orientations=[_lies(answer) for _, answer in found]
                if column.orientations > 1
                else None,
            )
            for column, found in zip(columns, said, strict=True)
        ],
        not_covered=list(stale),
        gate_closed=gate_closed and bool(stale),
    )


def _lies(answer: LookupAnswer) -> Orientation | None:
    nearest = min(answer.matches, key=lambda each: each.distance or 0, default=None)
    return None if nearest is None else nearest.orientation
