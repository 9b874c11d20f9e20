# SPDX-License-Identifier: Apache-2.0
"""Recall a case: whoever got its package, or may have got it, gets a correction.

A correction is a package of its own, under one key for each dispatch that it corrects,
and says which package no longer counts and why. What never left is stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from secrets import token_urlsafe
from typing import Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_node.acts.dispatches import RecallAnswer, RecallCase
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.cases.packages import held, may_be_there
from fedsafe_node.casework.cases.partners import read_partner
from fedsafe_node.casework.dispatch.case_moves import change_to
from fedsafe_node.casework.dispatch.correction import (
    correction_documents,
    correction_for,
)
from fedsafe_node.casework.dispatch.fallback import (
    by_mended_channel,
    is_strange,
    queue_again,
)
from fedsafe_node.casework.dispatch.package import (
    NONE,
    TOKEN_BYTES,
    Made,
    Sealer,
    channels_of,
    mark_of,
    seal_for_partner,
    told_of,
)
from fedsafe_node.casework.dispatch.signing import certificate_name
from fedsafe_node.casework.dispatch.view import sends, show_dispatch
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.store.casework_rows import CaseRow, DispatchRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.dispatches import (
    UNDER_WAY,
    DispatchState,
    RecallReason,
    correction_key,
)
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.states import CaseState, may_follow
from fedsafe_policies.escalation.vocabulary import PartnerClass
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.people import Person

_APPROVED: Final = frozenset({CaseState.APPROVED, CaseState.PACKAGED})


@dataclass(frozen=True, slots=True)
class Recalls:
    """Takes packages back that should not have gone, as far as that can be.

    `address` is where the provider is written to, whatever is known of a case.
    """

    keeper: CaseKeeper
    matrix: Callable[[], Matrix]
    signer: Callable[[], SigningKey] = field(repr=False)
    address: str

    async def recall(
        self,
        case_id: str,
        request: RecallCase,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RecallAnswer:
        """Stop what has not left, and queue a correction of everything else.

        What somebody took out to hand it over may have arrived, and is corrected.
        Asked again, it makes corrections only of what has left since, and queues those
        once more whose channel lacked a setting of the node. A consent that
        is revoked is gone from the case, so that nothing goes out on it again.

        Raises:
            NotFoundError: there is no such case.
            WrongStateError: nothing of it has been sent.
        """
        office, keeper = self.keeper.office, self.keeper

        async def act(tx: Transaction) -> RecallAnswer:
            row, known = await keeper.read(tx, case_id)
            file = _without_consent(known, request.reason)
            sent = [each for each in await tx.dispatches(case_id) if not each.recalls]
            if not sent:
                raise WrongStateError(
                    "nothing_sent", Phrase("nothing of this case was sent")
                )
            fresh = 0
            for each in sent:
                fresh += await self._take_back(tx, (row, file), each, request, who)
            if fresh or file != known:
                row = await self._keep(tx, row, (known, file), request, who)
            else:
                told: Detail = {"case": case_id, "plans": 0}
                await office.note(tx, Event.DISPATCH_READ, who.name, told)
            found = [
                await show_dispatch(tx, each, file, office.now())
                for each in await tx.dispatches(case_id)
                if await _is_told(tx, each)
            ]
            answer = RecallAnswer(
                case=case_id,
                state=CaseState(row.state),
                sending=await sends(tx),
                dispatches=found,
            )
            if once is not None:
                now = office.now()
                await tx.add_idempotent_answer(once.row(answer, now=now))
            return answer

        return await office.store.write(act)

    async def _keep(
        self,
        tx: Transaction,
        row: CaseRow,
        files: tuple[CaseFile, CaseFile],
        request: RecallCase,
        who: Principal,
    ) -> CaseRow:
        """Keep that the case is recalled; one that is closed stays so.

        One that was approved anew, and is another now (*files*: before, and now), has
        to be approved once more.
        """
        state, (before, file) = CaseState(row.state), files
        if may_follow(state, CaseState.RECALLED):
            state = CaseState.RECALLED
        elif file != before and state in _APPROVED:
            state, file = CaseState.DRAFT, msgspec.structs.replace(file, release=None)
        change = change_to(row, file, state, CaseState.RECALLED.value)
        detail: Detail = {"reason": request.reason.value}
        person = Person(who.name, who.role)
        return await self.keeper.keep(tx, row, row.id, change, person, detail=detail)

    async def _take_back(
        self,
        tx: Transaction,
        case: tuple[CaseRow, CaseFile],
        sent: DispatchRow,
        request: RecallCase,
        who: Principal,
    ) -> bool:
        """Stop a dispatch, correct it, or both; tell whether that was new."""
        state = DispatchState(sent.state)
        # Nobody brings it again.
        back = msgspec.structs.replace(sent, sealed=None, signature=None)
        if state in UNDER_WAY:
            stopped = DispatchState.STOPPED.value
            back = msgspec.structs.replace(back, state=stopped, due_at=None)
        if back != sent:
            await tx.move_dispatch(back)
        key = correction_key(sent.id)
        if not await may_be_there(tx, sent):
            return state in UNDER_WAY
        known = await tx.dispatch(key[: len(sent.id)])
        if known is not None:
            return await self._go_on(tx, known, who)
        row = await self._correction(tx, case, sent, key, request, who)
        await tx.add_dispatch(row)
        office = self.keeper.office
        await office.note(tx, Event.DISPATCH_MADE, who.name, told_of(row))
        return True

    async def _go_on(self, tx: Transaction, known: DispatchRow, who: Principal) -> bool:
        """Queue a correction again whose channel may be mended; tell whether so."""
        office = self.keeper.office
        queued = await by_mended_channel(tx, known, office.now())
        if queued is None:
            return False
        _, entry = await read_partner(tx, queued.partner)
        if await is_strange(tx, queued, entry.channels[queued.channel]):
            return False
        await queue_again(office, tx, queued, who.name, None)
        return True

    async def _correction(  # noqa: PLR0913 - what a correction is made of
        self,
        tx: Transaction,
        case: tuple[CaseRow, CaseFile],
        sent: DispatchRow,
        key: str,
        request: RecallCase,
        who: Principal,
    ) -> DispatchRow:
        office, now = self.keeper.office, self.keeper.office.now()
        partner, now_entered = await read_partner(tx, sent.partner)
        entry = msgspec.structs.replace(  # what it corrects was for the entry of then
            now_entered,
            test=sent.test,
            partner_class=PartnerClass(sent.partner_class),
        )
        moment = office.clock.now().astimezone(UTC).replace(microsecond=0)
        package = correction_for(key, case, entry, self.matrix(), moment)
        documents = correction_documents(sent, request.reason, package, self.address)
        sealer = Sealer(self.signer(), await certificate_name(tx))
        try:
            made = seal_for_partner(package, entry, sealer, key, documents)
        except WrongStateError:  # its key has expired: people tell it, and nobody waits
            made = Made(package=package, sealing=NONE, sealed=None)
        # Another entry than the one that got the package is no place to send it to.
        is_same = mark_of(partner) == sent.mark and made.sealing != NONE
        is_sent = is_same and bool(channels_of(entry))
        state = DispatchState.QUEUED if is_sent else DispatchState.BY_HAND
        return msgspec.structs.replace(
            sent,
            id=key[: len(sent.id)],
            key=key,
            mark=mark_of(partner),
            recalls=sent.id,
            package_id=str(package.package_id),
            sealing=made.sealing,
            reply_token=token_urlsafe(TOKEN_BYTES),
            made_at=now,
            made_by=who.name,
            called=None,
            state=state.value,
            channel=0,
            tries=0,
            due_at=now if is_sent else None,
            delivered_at=None,
            acknowledged_at=None,
            sealed=made.sealed,
            signature=made.signature,
        )


async def _is_told(reader: Reader, row: DispatchRow) -> bool:
    """Tell whether whoever recalls is shown a dispatch: what is to be seen through."""
    if row.recalls or DispatchState(row.state) is DispatchState.STOPPED:
        return True
    return bool(held(await reader.takings(row.id)))


def _without_consent(file: CaseFile, reason: RecallReason) -> CaseFile:
    if reason is not RecallReason.CONSENT_REVOKED:
        return file
    known = msgspec.structs.replace(file.elements, consent=msgspec.UNSET)
    return msgspec.structs.replace(file, elements=known)
