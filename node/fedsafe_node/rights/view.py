# SPDX-License-Identifier: Apache-2.0
"""Show disputes and requests as people and programs see them."""

from typing import Literal, cast

from fedsafe_federation.feed.rulings import Outcome
from fedsafe_node.acts.disputes import DisputeAnswer
from fedsafe_node.acts.requests import (
    CheckTold,
    Language,
    PackTold,
    Remaining,
    RequestKind,
    RightsRequestAnswer,
    Way,
)
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.rights.sealing import Content
from fedsafe_node.rights.terms import moment
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.appeals import hearer_of
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow, RequestRow, RulingRow
from fedsafe_policies.vocabulary import Contention, Control

State = Literal["open", "restored", "revoked", "lapsed"]


async def describe_dispute(
    reader: Reader, row: DisputeRow, situation: Situation
) -> DisputeAnswer:
    """Describe a dispute with its ruling, as this node sees it."""
    ruling = await reader.ruling(row)
    own, node = row.origin == situation.own.name, situation.node
    return DisputeAnswer(
        dispute=row.digest.hex(),
        signal=signal_name(row.signal_id),
        origin=node if own else row.origin,
        author=node if own else row.author,
        contention=Contention(row.contention),
        control=Control(row.control),
        weight=row.weight.value,
        state=_state(ruling),
        ours=own or row.origin == node,
        own=own,
        received_at=moment(row.received_at),
        due_at=moment(row.due_at),
        opened_by=row.opened_by,
        ruled_by=ruling.ruled_by if ruling is not None else None,
        ruled_at=moment(ruling.at) if ruling is not None else None,
        reason=ruling.reason if ruling is not None else None,
        nobody_hears=await _nobody_hears(reader, row, ruling, situation),
    )


async def _nobody_hears(
    reader: Reader, row: DisputeRow, ruling: RulingRow | None, situation: Situation
) -> bool:
    """Whether a signal stands after a dispute, and nobody could hear an appeal."""
    shared = situation.shared
    if shared is None or row.origin == situation.own.name:
        return False
    if ruling is None or ruling.outcome != Outcome.RESTORED:
        return False
    charter = shared.membership.charter
    parties = {situation.node, row.author, row.origin}
    return await hearer_of(reader, charter, parties, row.origin, row.signal_id) is None


def describe_request(  # noqa: PLR0913 - what is told of one
    row: RequestRow,
    content: Content | None = None,
    packs: list[PackTold] | None = None,
    remains: list[Remaining] | None = None,
    until: int | None = None,
    again_at: int | None = None,
) -> RightsRequestAnswer:
    """Describe a request, with what was found where that is shown.

    That is nowhere before an officer's identity check is decided on, which somebody can
    do *until* a moment. What could not be looked up is again from *again_at*.
    """
    attested = content.attested if content is not None else None
    checked = _check_told(content, until)
    if content is not None and content.is_undecided:
        content = packs = None
    return RightsRequestAnswer(
        request=row.id,
        kind=RequestKind(row.kind),
        way=Way(row.way),
        control=row.control,
        language=Language(row.language),
        state=row.state.value,
        opened_at=moment(row.opened_at),
        opened_by=row.opened_by,
        due_at=moment(row.due_at),
        extended_for=row.extended_for,
        outcome=row.outcome,
        reason=row.reason,
        ended_at=moment(row.ended_at) if row.ended_at is not None else None,
        ended_by=row.ended_by,
        signals=content.findings if content is not None else None,
        disputes=content.disputes if content is not None else None,
        unevaluated=[*content.unevaluated, *content.uncovered]
        if content is not None
        else None,
        shredded=content.shredded if content is not None else None,
        answer=content.answer if content is not None else None,
        packs=packs,
        erased=content.erased if content is not None else None,
        remains=remains,
        attested=attested,
        checked=checked,
        again_at=None if again_at is None else moment(again_at),
    )


def _check_told(content: Content | None, until: int | None) -> CheckTold | None:
    checked = content.checked if content is not None else None
    if checked is None:
        return None
    return CheckTold(
        seen_on=checked.seen_on,
        reference=checked.reference,
        by=checked.by,
        act=checked.act,
        second=checked.second,
        until=None if until is None else moment(until),
    )


def _state(ruling: RulingRow | None) -> State:
    return "open" if ruling is None else cast("State", ruling.outcome)
