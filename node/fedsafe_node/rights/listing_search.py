# SPDX-License-Identifier: Apache-2.0
"""Find what is listed under an identifier whose control was proved.

Like a lookup, for the person: no gate closes it, and no policy suppresses what is
found, for they have a right to what rests or may not match as well. What nobody
could evaluate is named. The identifier ends here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.envelope import open_envelope
from fedsafe_federation.errors import MalformedError, QuorumError
from fedsafe_federation.evaluation.metering import RIGHTS
from fedsafe_federation.feed.signals import ActorBody, decode_opening
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.requests import Finding
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.keys.evaluators import Output
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.lookup.matching import Candidate
from fedsafe_node.lookup.probe import Prober
from fedsafe_node.rights.terms import moment
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalRow

WITHIN: Final = 10.0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An identifier's outputs, and what could not be evaluated.

    `shredded` are the epochs that are over: nobody can look under them any more.
    """

    outputs: tuple[Output, ...]
    unevaluated: Sequence[str]
    shredded: Sequence[int] = ()


async def evaluate(situation: Situation, person: Person) -> Evaluated:
    """Evaluate an identifier under every live epoch of the federation."""
    shared = situation.shared
    if shared is None:
        return Evaluated((), ())
    nothing = unevaluated(situation)
    try:
        (outputs,) = await shared.outputs([person], RIGHTS, within=WITHIN)
    except QuorumError:
        return nothing
    return Evaluated(outputs, (), nothing.shredded)


def unevaluated(situation: Situation) -> Evaluated:
    """Say what nobody has evaluated, where nobody was asked or has answered."""
    shared = situation.shared
    if shared is None:
        return Evaluated((), ())
    live = shared.live()
    over = [e for e in range(1, shared.membership.epoch.epoch + 1) if e not in live]
    return Evaluated((), [f"epoch {epoch}" for epoch in sorted(live)], over)


def name_missed(evaluated: Evaluated, listed: set[int]) -> Evaluated:
    """Name the epochs under which signals are kept and nothing was evaluated."""
    known = {output.epoch for output in evaluated.outputs} | {*evaluated.shredded}
    missed = [f"epoch {epoch}" for epoch in sorted(listed - known)]
    named = evaluated.unevaluated
    return replace(
        evaluated,
        unevaluated=[*named, *(each for each in missed if each not in named)],
    )


async def find(
    reader: Reader,
    situation: Situation,
    lists: Lists,
    person: Person,
    evaluated: Evaluated,
) -> list[Finding]:
    """Find the signals about an identifier and open them."""
    prober = Prober(situation, lists)
    found = prober.candidates({0: person}, [evaluated.outputs], own_only=False)
    candidates = found.candidates
    rows = await reader.signals_at(sorted({each.row for each in candidates}))
    by_row = {row.row: row for row in rows}
    findings: list[Finding] = []
    for candidate in candidates:
        row = by_row.get(candidate.row)
        if row is None:
            continue
        body = await _open(reader, row, candidate, situation)
        if body is not None:
            findings.append(_finding(row, body, situation))
    return findings


async def _open(
    reader: Reader, row: SignalRow, candidate: Candidate, situation: Situation
) -> ActorBody | None:
    kept = await reader.opening(row.log, row.index, row.group)
    if kept is None or candidate.output is None:
        return None
    try:
        header, opening = decode_opening(kept.payload)
        sealed = open_envelope(
            candidate.output.y,
            epoch=candidate.output.epoch,
            origin=situation.own.name if row.own else row.origin,
            signal_id=row.signal_id,
            header=bytes(opening.header),
            envelope=opening.sealed,
        )
        body = decode(sealed, ActorBody)
    except (CryptoError, MalformedError):
        return None
    fits = header.epoch == candidate.output.epoch and body.kind is candidate.kind
    return body if fits else None


def _finding(row: SignalRow, body: ActorBody, situation: Situation) -> Finding:
    return Finding(
        signal=signal_name(row.signal_id),
        origin=situation.node if row.own else row.origin,
        own=row.own,
        kind=body.kind.name.lower(),
        phenomenon=body.phenomenon.value,
        surface=body.surface.value,
        grade=body.grade.value,
        provenance=body.provenance.value,
        rule=body.rule,
        removed_on=body.removed_on,
        published_on=body.published_on,
        match_until=moment(row.match_until)[:10],
        contact=body.contact,
    )
