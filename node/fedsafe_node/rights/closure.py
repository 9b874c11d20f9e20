# SPDX-License-Identifier: Apache-2.0
"""What has to be done before a request may be closed: an outcome says what is so.

Nobody is told that a request is granted while what was found is still in force, or
that it is refused while the dispute that it opened waits for its ruling: that one
would revoke the signal when its clock runs out. Nor is it answered without an answer.
Who has listed a person does not refuse what they ask: somebody else does.
"""

from typing import Final

from fedsafe_node.acts.requests import CloseRequest, RequestKind
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.rights.contest import CONTESTABLE
from fedsafe_node.rights.identity_checks import check_decided
from fedsafe_node.rights.known_facts import status_of
from fedsafe_node.rights.own_listings import ERASES, listed_here
from fedsafe_node.rights.participants import has_recorded
from fedsafe_node.rights.sealing import Content, open_content
from fedsafe_node.rights.terms import moment
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import deny

_STAYS: Final = frozenset({RequestKind.ACCESS.value})


def check_ground(closing: CloseRequest) -> None:
    """Check that a refusal says its ground, and nothing else does.

    Raises:
        BadRequestError: it lacks one, or something else has one.
    """
    if (closing.outcome == "refused") != (closing.ground is not None):
        raise BadRequestError(
            "not_for_outcome",
            Phrase(
                "a ground is required for a refusal, and not allowed for any "
                "other outcome"
            ),
            pointer="/ground",
        )


async def check_apart(desk: Desk, request: str, who: Principal) -> None:
    """Check that somebody may refuse a request.

    Raises:
        DeniedError: they have published or kept an own signal that it is about.
    """

    async def names(reader: Reader) -> frozenset[str]:
        row = await reader.request(request)
        content = open_content(desk.periods, row) if row is not None else None
        if row is None or content is None or row.kind in _STAYS:
            return frozenset()
        return await _listed_by(reader, desk, content, who.name)

    if who.name in await desk.store.read(names):
        denied = deny(Refusal.NOT_INDEPENDENT, desk.situation.policy.reference)
        await desk.refuse(denied, who, "rights.close")


async def _listed_by(
    reader: Reader, desk: Desk, content: Content, asked: str
) -> frozenset[str]:
    names: set[str | None] = set()
    for finding in content.findings:
        if finding.origin != desk.situation.node:
            continue
        signal_id = read_signal_id(finding.signal)
        if await has_recorded(reader, desk, signal_id, asked):
            names.add(asked)
        draft = await reader.draft(signal_id)
        if draft is not None:
            names |= {draft.author, draft.decided_by}
        kept = await reader.validation(signal_id)
        if kept is not None:
            names.add(kept.reviewer)
    return frozenset(name for name in names if name is not None)


async def check_end(
    reader: Reader,
    desk: Desk,
    row: RequestRow,
    content: Content,
    outcome: str,
) -> None:
    """Check that a request may end so.

    Raises:
        WrongStateError: it would be granted and something is still listed, or refused
            and a dispute of an own signal has no ruling, or answered without answer or
            while it waits to be looked up.
    """
    situation = desk.situation
    if outcome == "granted":
        check_decided(content)
    if outcome in {"granted", "answered"}:
        await check_looked_up(reader, desk, row)
    if outcome == "answered" and row.state is RequestState.OPEN:
        raise WrongStateError(
            "not_answered",
            Phrase("the request has no answer yet: first run `fedsafe rights answer`"),
        )
    if outcome == "granted" and row.kind in ERASES:
        await _check_nothing_listed(reader, desk, content)
    if outcome == "granted" and row.kind not in _STAYS:
        await _check_gone(reader, situation, content)
    if outcome == "refused":
        await _check_ruled(reader, situation, content)


async def check_looked_up(reader: Reader, desk: Desk, row: RequestRow) -> None:
    """Refuse to end what was not looked up yet, as long as its term allows.

    Raises:
        WrongStateError: it waits.
    """
    waiting, now = await reader.waiting(row.id), int(desk.clock.now().timestamp())
    if waiting is not None and now < row.due_at:
        raise WrongStateError(
            "still_waiting",
            Phrase(
                "the request's identifier has not been looked up yet; this "
                "node tries again from {moment} on: `fedsafe rights show "
                "{request}`"
            ).filled(moment=moment(max(now, waiting.again_at)), request=row.id),
        )


async def _check_gone(reader: Reader, situation: Situation, content: Content) -> None:
    for finding in content.findings:
        if await status_of(reader, situation, finding) in CONTESTABLE:
            raise WrongStateError(
                "still_listed",
                Phrase(
                    "signal {signal} of {origin} is still listed; `fedsafe "
                    "rights grant` erases this provider's own signals and "
                    "closes the request"
                ).filled(signal=finding.signal, origin=finding.origin),
            )


async def _check_nothing_listed(reader: Reader, desk: Desk, content: Content) -> None:
    if len(await listed_here(reader, desk, content)):
        raise WrongStateError(
            "still_listed",
            Phrase(
                "the request cannot be closed as granted, because this "
                "provider still lists the person or is about to; `fedsafe "
                "rights grant` ends the listing and closes the request"
            ),
        )


async def _check_ruled(reader: Reader, situation: Situation, content: Content) -> None:
    for digest in content.disputes:
        dispute = await reader.dispute(bytes.fromhex(digest))
        ours = (situation.node, situation.own.name)
        if dispute is None or dispute.origin not in ours:
            continue
        signal = await reader.signal(dispute.origin, dispute.signal_id)
        is_listed = signal is not None and signal.status in CONTESTABLE
        if is_listed and await reader.ruling(dispute) is None:
            raise WrongStateError(
                "not_ruled",
                Phrase(
                    "the dispute of this request has no ruling yet: first "
                    "run `fedsafe dispute rule {digest}`"
                ).filled(digest=digest),
            )
