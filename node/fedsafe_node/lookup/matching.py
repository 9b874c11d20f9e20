# SPDX-License-Identifier: Apache-2.0
"""From a candidate row to a match: status, opening, envelope, policy.

Runs inside the transaction that writes the audit event, so a restriction that was
applied before the answer always counts. What does not open, contradicts its
header or is refused by policy is suppressed: no match, and nothing is said of it
but a count in the audit event (protocol 3.2).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.envelope import open_envelope
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import (
    ActorBody,
    MediaBody,
    SignalHeader,
    SignalOpening,
    decode_opening,
)
from fedsafe_federation.media.pdq import Orientation, hamming_distance
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import (
    Corroboration,
    Match,
)
from fedsafe_node.keys.evaluators import Output
from fedsafe_node.keys.lookup_items import File
from fedsafe_node.rules.appeal_ways import appeal_path
from fedsafe_node.rules.media_bodies import open_media_body
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.corroboration import (
    CorroborationRequest,
    Statement,
    second_hand,
)
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.matching import BodyFacts, HeaderFacts, MatchRequest
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane

TOGETHER: Final = 16
"""So many signals of one list are opened together for a question."""
_ALIVE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that an index pointed to, and what opens it.

    `origin` is the list under whose token an identifier was found.
    """

    question: int
    row: int
    kind: IdentifierKind | MediaKind
    origin: str | None
    output: Output | None = field(default=None, repr=False)
    file: File | None = field(default=None, repr=False)
    distance: int | None = None
    orientation: Orientation | None = None


@dataclass(frozen=True, slots=True)
class Pointers:
    """The rows that indexes point to for one account, pictures nearest first.

    So many *more* are near to a picture and are not looked at.
    """

    candidates: Sequence[Candidate] = ()
    more: int = 0


NOTHING: Final = Pointers()


@dataclass(frozen=True, slots=True)
class Found:
    """The matches of one account, and how many active signals were suppressed.

    So many of those, *harmless*, because their file is on a do-not-share list.
    `pictures` has the values of the PDQ signals among them, by list and id.
    """

    matches: Sequence[Match] = ()
    suppressed: int = 0
    harmless: int = 0
    pictures: Mapping[tuple[str, bytes], bytes] = field(
        default_factory=dict, repr=False
    )


async def in_turns(
    reader: Reader,
    candidates: Sequence[Candidate],
    situation: Situation,
    now: datetime,
) -> list[list[Candidate]]:
    """Cut candidates into those that are opened together, one turn after the other.

    Of each list the first `TOGETHER` for each question come first, so nobody makes an
    act long, or keeps another list's signal out of an answer, by many of his own.
    Where they are few, they are one turn as they stand.
    """
    if len(candidates) <= TOGETHER:
        return [[*candidates]]
    rows = await reader.signals_at(sorted({each.row for each in candidates}))
    origins = {signal.row: signal for signal in rows}
    counts: Counter[tuple[int, str, bool]] = Counter()
    turns: list[list[Candidate]] = []
    for candidate in candidates:
        row = origins.get(candidate.row)
        if row is None or not _may_match(row, candidate, situation, now):
            continue
        key = candidate.question, row.origin, row.own
        turn = counts[key] // TOGETHER
        counts[key] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(candidate)
    return turns


async def match_candidates(
    reader: Reader,
    candidates: Sequence[Candidate],
    situation: Situation,
    now: datetime,
) -> Found:
    """Keep the candidates that are active, open and allowed."""
    if not candidates:
        return Found()
    by_row = {
        signal.row: signal
        for signal in await reader.signals_at(sorted({c.row for c in candidates}))
    }
    matches: list[Match] = []
    pictures: dict[tuple[str, bytes], bytes] = {}
    suppressed = harmless = 0
    for candidate in candidates:
        row = by_row.get(candidate.row)
        if row is None or not _may_match(row, candidate, situation, now):
            continue
        kept = await reader.opening(row.log, row.index, row.group)
        if kept is None:
            continue
        opened = _open(row, kept.payload, candidate, situation, now)
        if isinstance(opened, tuple):
            match, body = opened
            matches.append(match)
            if isinstance(body, MediaBody) and body.kind is MediaKind.PDQ:
                pictures[row.origin, row.signal_id] = body.digest
        else:
            suppressed += 1
            harmless += opened is not None and opened.code == Refusal.HARMLESS_MEDIA
    return Found(matches, suppressed, harmless, pictures)


def _may_match(
    row: SignalRow, candidate: Candidate, situation: Situation, now: datetime
) -> bool:
    # One that is disputed opens like others; policy then suppresses it (P10).
    if row.status not in _ALIVE or row.match_until <= now.timestamp():
        return False
    if row.origin in situation.coverage.suspended or _is_outdated(row, situation, now):
        return False
    if row.own:
        return candidate.origin in (None, situation.own.name)
    if not _counts(row, situation) or _unattested(row, situation, now):
        return False
    return candidate.origin in (None, row.origin) and not _over(row, situation, now)


def _is_outdated(row: SignalRow, situation: Situation, now: datetime) -> bool:
    # A node that was away does not know yet what was revoked meanwhile.
    if row.own or row.origin == situation.node:
        return False
    return not situation.coverage.is_current(row.origin, now)


def _counts(row: SignalRow, situation: Situation) -> bool:
    """Whether its origin takes part, keeps such a list, and is not in quarantine."""
    return (
        situation.takes_part(row.origin)
        and situation.keeps(row.origin, Plane(row.plane))
        and not situation.coverage.holds_back(row.origin, row.index)
    )


def _unattested(row: SignalRow, situation: Situation, now: datetime) -> bool:
    foreign = row.plane == Plane.ACTOR and row.origin != situation.node
    return foreign and not situation.attested(row.origin, now)


def _over(row: SignalRow, situation: Situation, now: datetime) -> bool:
    """Whether there are no keys any more to the epoch of a shared signal."""
    shared = situation.shared
    live = shared.membership.live(int(now.timestamp())) if shared is not None else ()
    return row.epoch not in live


def _open(
    row: SignalRow,
    payload: bytes,
    candidate: Candidate,
    situation: Situation,
    now: datetime,
) -> tuple[Match, ActorBody | MediaBody] | Decision | None:
    try:
        header, opening = decode_opening(payload)
        if candidate.output is not None:
            body: ActorBody | MediaBody = _open_actor(
                row, header, opening, candidate.output, situation
            )
        else:
            body = open_media_body(
                row.signal_id,
                situation.own.name if row.own else row.origin,
                header,
                opening,
                situation,
            )
    except (CryptoError, MalformedError):
        return None
    disputed = row.status is SignalStatus.DISPUTED
    origin = situation.node if row.own else row.origin
    if not _fits(body, candidate, situation.policy.picture_radius(origin)):
        return None
    decision = _decide(header, body, situation, now, disputed=disputed)
    if decision is None or not decision.allowed:
        return decision
    return _match(row, body, candidate, situation, decision), body


def _open_actor(
    row: SignalRow,
    header: SignalHeader,
    opening: SignalOpening,
    output: Output,
    situation: Situation,
) -> ActorBody:
    body = open_envelope(
        output.y,
        epoch=output.epoch,
        origin=situation.own.name if row.own else row.origin,
        signal_id=row.signal_id,
        header=bytes(opening.header),
        envelope=opening.sealed,
    )
    if header.plane is not Plane.ACTOR or header.epoch != output.epoch:
        raise MalformedError("SignalHeader", Phrase("contradicts the envelope"))
    return decode(body, ActorBody)


def _fits(body: ActorBody | MediaBody, candidate: Candidate, radius: int) -> bool:
    if body.kind is not candidate.kind:
        return False
    if isinstance(body, ActorBody) or candidate.file is None:
        return True
    if candidate.kind is MediaKind.PDQ:
        return hamming_distance(body.digest, candidate.file.digest) <= radius
    return body.digest == candidate.file.digest


def _decide(
    header: SignalHeader,
    body: ActorBody | MediaBody,
    situation: Situation,
    now: datetime,
    *,
    disputed: bool,
) -> Decision | None:
    since = body.removed_on if isinstance(body, ActorBody) else body.published_on
    try:
        facts = BodyFacts(
            kind=body.kind,
            phenomenon=body.phenomenon,
            surface=body.surface,
            grade=body.grade,
            rule=body.rule,
            since=date.fromisoformat(since),
            contact=body.contact,
        )
    except ValueError:
        return None
    clear = HeaderFacts(
        plane=header.plane,
        scope=header.scope,
        match_until=header.match_until,
        erase_after=header.erase_after,
    )
    listed = None
    if isinstance(body, MediaBody):
        listed = situation.listed(File(body.kind, body.digest))
    return situation.decide(MatchRequest(clear, facts, disputed, listed), now)


def _match(
    row: SignalRow,
    body: ActorBody | MediaBody,
    candidate: Candidate,
    situation: Situation,
    decision: Decision,
) -> Match:
    until = datetime.fromtimestamp(row.match_until, tz=UTC).date()
    origin = situation.node if row.own else row.origin
    kind = Kind(body.kind.name.lower())
    return Match(
        question=candidate.question,
        signal=str(UUID(bytes=row.signal_id)),
        origin=origin,
        own=row.own,
        plane=Plane(row.plane),
        kind=kind,
        phenomenon=body.phenomenon,
        surface=body.surface,
        grade=body.grade,
        provenance=body.provenance,
        rule=body.rule,
        removed_on=body.removed_on if isinstance(body, ActorBody) else None,
        published_on=body.published_on,
        match_until=until.isoformat(),
        contact=body.contact,
        distance=candidate.distance,
        orientation=candidate.orientation,
        policy_rule=decision.rule.value,
        policy=decision.policy,
        appeal=appeal_path(situation, origin, kind),
    )


# P20: how many independent providers found it themselves, question by question.
#
# Each provider counts once, however many signals it has. What it relays, has from a
# list or lists on a single report is no finding of its own; those who have none stand
# in a number of their own. Both stand beside the matches and change no verdict.


def corroborate(
    matches: Sequence[Match], situation: Situation, now: datetime
) -> list[Corroboration]:
    """Count for each question that has matches, in order."""
    by_question: dict[int, list[Statement]] = {}
    for match in matches:
        by_question.setdefault(match.question, []).append(_statement(match))
    found: list[Corroboration] = []
    for question, signals in sorted(by_question.items()):
        decision = situation.decide(CorroborationRequest(tuple(signals)), now)
        found.append(
            Corroboration(
                question=question,
                origins=int(decision.about),
                others=second_hand(signals),
                enough=decision.allowed,
            )
        )
    return found


def _statement(match: Match) -> Statement:
    # A member is one organisation.
    return Statement(
        origin=match.origin,
        organisation=match.origin,
        provenance=match.provenance,
        grade=match.grade,
    )
