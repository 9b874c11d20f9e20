# SPDX-License-Identifier: Apache-2.0
"""Send approved cases to partners, and note what comes of it.

A case that was approved is projected, sealed and queued in one act with the step that
says so. There is one dispatch of a revision to a partner: whoever asks again gets the
same. What a transport says proves transport only; that a partner has acknowledged is
noted by a person.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_node.acts.dispatches import (
    DispatchesAnswer,
    PlanShown,
    SendCase,
    SentAnswer,
    WarningShown,
)
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.cases.partners import read_partner
from fedsafe_node.casework.cases.release import refuse, waiting_approval
from fedsafe_node.casework.dispatch.case_moves import (
    approved_revision,
    go_through,
    settle,
)
from fedsafe_node.casework.dispatch.fallback import by_mended_channel, queue_again
from fedsafe_node.casework.dispatch.package import (
    TOKEN_BYTES,
    Made,
    Sealer,
    channels_of,
    has_key,
    mark_of,
    paths_of,
    project_for,
    seal_for_partner,
    told_of,
)
from fedsafe_node.casework.dispatch.signing import certificate_name
from fedsafe_node.casework.dispatch.view import sends, show_dispatch, show_dispatches
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.casework_rows import CaseRow, DispatchRow, PartnerRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.case_start import CaseRequest
from fedsafe_policies.escalation.dispatches import (
    FAULTS,
    DispatchState,
    PartnerFault,
    Receiver,
    dispatch_key,
    fault_of,
)
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.partners import Partner, Standing, standing_of
from fedsafe_policies.escalation.states import ANSWERED, CaseState
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Matter, Purpose

_S = CaseState
_SENDABLE: Final = frozenset(
    {*ANSWERED, _S.APPROVED, _S.DISPATCHING, _S.DELIVERED, _S.FALLBACK}
)
_ID: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One partner that a case is to go to, and under which key."""

    key: str
    revision: int
    called: str | None
    row: PartnerRow
    entry: Partner

    @property
    def id(self) -> str:
        return self.key[:_ID]


@dataclass(frozen=True, slots=True)
class Dispatches:
    """Sends cases; `signer` is the key that packages are signed with."""

    situation: Situation
    keeper: CaseKeeper
    matrix: Callable[[], Matrix]
    signer: Callable[[], SigningKey] = field(repr=False)

    async def send(self, case_id: str, request: SendCase, who: Principal) -> SentAnswer:
        """Queue a case for partners, or say what they would receive.

        What waits for a person since a channel was to be mended is queued once more.

        Raises:
            NotFoundError: there is no such case or partner.
            DeniedError: this role may not, or the case is not the provider's own.
            WrongStateError: it is not approved, lacks something, or a partner does
                not count; the code says which.
        """
        office, keeper = self.keeper.office, self.keeper
        row, file = await office.store.read(lambda r: keeper.read(r, case_id))
        await self._decide(row, file, who)

        async def act(tx: Transaction) -> SentAnswer:
            row, file = await keeper.read(tx, case_id)
            asked = await self._asked(tx, row, file, request)
            sealer = Sealer(self.signer(), await certificate_name(tx))
            plans: list[PlanShown] = []
            again = 0
            for each in asked:
                found = None if request.dry_run else await tx.dispatch(each.id)
                if found is not None:
                    again += await self._go_on(tx, file, each, found, request, who)
                    continue
                plan, made = self._make(row, file, each, sealer)
                plans.append(plan)
                if not request.dry_run:
                    await self._queue(tx, row, each, made, who)
            if request.dry_run or not (plans or again):  # asked again, nothing leaves
                detail: Detail = {"case": case_id, "plans": len(plans)}
                await office.note(tx, Event.DISPATCH_READ, who.name, detail)
            else:
                row = await self._set_out(tx, row, file, Person(who.name, who.role))
            rows, now = [await tx.dispatch(each.id) for each in asked], office.now()
            return SentAnswer(
                case=case_id,
                state=_S(row.state),
                sending=await sends(tx),
                dispatches=[
                    await show_dispatch(tx, each, file, now) for each in rows if each
                ],
                dry_run=request.dry_run,
                plans=plans,
            )

        return await office.store.write(act)

    async def list(
        self, case_id: str, who: Principal, purpose: Purpose | None = None
    ) -> DispatchesAnswer:
        """List the dispatches of a case, each with all of its attempts.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such case.
        """
        office, keeper = self.keeper.office, self.keeper
        decision = rule_on_reading(
            self.situation, who, Matter.CASES, purpose, office.clock.now()
        )
        if not decision.allowed:
            await office.refused(decision, who.name, "dispatch.read")
            raise DeniedError(decision)

        async def act(tx: Transaction) -> DispatchesAnswer:
            row, file = await keeper.read(tx, case_id)
            detail: Detail = {"case": case_id, "purpose": decision.about}
            await office.note(tx, Event.DISPATCH_READ, who.name, detail)
            return await show_dispatches(tx, row, file, office.now())

        return await office.store.write(act)

    async def _decide(self, row: CaseRow, file: CaseFile, who: Principal) -> None:
        """Put it to the policy once more: whose case this is, and who lets it go."""
        office, person = self.keeper.office, Person(who.name, who.role)
        asked = CaseRequest(person, file.sources, file.evidence)
        decision = self.situation.decide(asked, office.clock.now())
        denied = None if decision.allowed else DeniedError(decision)
        denied = denied or refuse(self.keeper, row, file, person)
        if denied is not None:
            await office.refused(denied.decision, who.name, "case.send")
            raise denied

    async def _asked(
        self, reader: Reader, row: CaseRow, file: CaseFile, request: SendCase
    ) -> tuple[_Asked, ...]:
        revision = approved_revision(await reader.case_steps(row.id))
        if file.release is None or revision is None or _S(row.state) not in _SENDABLE:
            waits = await waiting_approval(reader, row, self.keeper.office.now())
            told = _not_out(_S(row.state), None if waits is None else waits.act)
            raise WrongStateError("not_approved", told)
        if file.release.matrix not in {None, self.matrix().reference}:
            raise WrongStateError(
                "not_approved",
                Phrase(
                    "another matrix is in force than the case was approved under: "
                    "change the case, and let it be approved anew"
                ),
            )
        found: list[_Asked] = []
        for name in sorted(set(request.partners)):
            partner, entry = await read_partner(reader, name)
            key = dispatch_key(row.id, revision, name)
            asked = _Asked(
                key=key,
                revision=revision,
                called=request.called,
                row=partner,
                entry=entry,
            )
            if await reader.dispatch(asked.id) is None:
                self._check(file, asked, request)
            found.append(asked)
        return tuple(found)

    def _check(self, file: CaseFile, asked: _Asked, request: SendCase) -> None:
        release, entry = file.release, asked.entry
        approved = () if release is None else release.partners
        now = self.keeper.office.now()
        receiver = Receiver(
            standing=standing_of(asked.row.verified_until, now),
            is_test=asked.row.test,
            is_approved=entry.partner_class in approved,
        )
        called = request.called is not None or request.dry_run
        fault = fault_of(receiver, test_case=file.test, called=called)
        if fault is not None:
            text = Phrase("{partner}: {why}").filled(
                partner=asked.row.id, why=FAULTS[fault]
            )
            raise WrongStateError(fault.value, text)
        if not has_key(entry) and channels_of(entry):
            raise WrongStateError(
                "no_partner_key",
                Phrase("{partner}: nothing is sealed without a key").filled(
                    partner=asked.row.id
                ),
            )

    def _make(
        self, row: CaseRow, file: CaseFile, asked: _Asked, sealer: Sealer
    ) -> tuple[PlanShown, Made]:
        entry, office = asked.entry, self.keeper.office
        now = office.clock.now()
        package = project_for(asked.key, (row, file), entry, self.matrix(), now)
        made = seal_for_partner(package, entry, sealer, asked.key)
        plan = PlanShown(
            partner=asked.row.id,
            partner_class=entry.partner_class,
            test=entry.test,
            sealing=made.sealing,
            ways=[*channels_of(entry), *(way.value for way in entry.ways)],
            paths=paths_of(package),
            unavailable=sorted(package.unavailable),
            warnings=_warnings(asked.row, office.now()),
        )
        return plan, made

    async def _go_on(  # noqa: PLR0913 - a dispatch, and who sends it again
        self,
        tx: Transaction,
        file: CaseFile,
        asked: _Asked,
        found: DispatchRow,
        request: SendCase,
        who: Principal,
    ) -> bool:
        """Queue a dispatch again whose channel may be mended; tell whether so."""
        office = self.keeper.office
        queued = await by_mended_channel(tx, found, office.now())
        if queued is None:
            return False
        self._check(file, asked, request)
        await queue_again(office, tx, queued, who.name, request.called)
        return True

    async def _set_out(
        self, tx: Transaction, row: CaseRow, file: CaseFile, person: Person
    ) -> CaseRow:
        """Bring a case to where it is now that something more of it has to leave."""
        if _S(row.state) is not _S.APPROVED:
            return await settle(self.keeper, tx, row, file, person)
        leave = (_S.PACKAGED, _S.DISPATCHING)
        return await go_through(self.keeper, tx, row, file, leave, person)

    async def _queue(
        self, tx: Transaction, case: CaseRow, asked: _Asked, made: Made, who: Principal
    ) -> None:
        office = self.keeper.office
        row = _queued(case, asked, made, who.name, office.now())
        await tx.add_dispatch(row)
        await office.note(tx, Event.DISPATCH_MADE, who.name, told_of(row))


def _queued(case: CaseRow, asked: _Asked, made: Made, by: str, now: int) -> DispatchRow:
    is_sent = bool(channels_of(asked.entry))
    return DispatchRow(
        id=asked.id,
        key=asked.key,
        case_id=case.id,
        revision=asked.revision,
        partner=asked.row.id,
        partner_class=asked.entry.partner_class.value,
        mark=mark_of(asked.row),
        test=asked.row.test,
        urgency=case.urgency,
        recalls=None,
        package_id=str(made.package.package_id),
        sealing=made.sealing,
        reply_token=token_urlsafe(TOKEN_BYTES),
        made_at=now,
        made_by=by,
        called=asked.called,
        state=(DispatchState.QUEUED if is_sent else DispatchState.BY_HAND).value,
        channel=0,
        tries=0,
        due_at=now if is_sent else None,
        delivered_at=None,
        acknowledged_at=None,
        sealed=made.sealed,
        signature=made.signature,
    )


def _not_out(state: CaseState, waits: str | None) -> Phrase:
    """Say what lets a case go out that does not; of a closed one nothing does.

    *waits* is the act that waits for a second person's approval of it.
    """
    if state is _S.CLOSED:
        return Phrase("a case that is {case_state} does not go out any more").filled(
            case_state=state
        )
    if state is _S.RECALLED:
        return Phrase(
            "a case that is {case_state} does not go out: change it (`fedsafe case "
            "assess`), then let it be approved anew"
        ).filled(case_state=state)
    if waits is not None:
        return Phrase(
            "a case that is {case_state} does not go out: an approval of it waits for "
            "a second person: `fedsafe act approve {act}`"
        ).filled(case_state=state, act=waits)
    return Phrase(
        "a case that is {case_state} does not go out: `fedsafe case approve`"
    ).filled(case_state=state)


def _warnings(row: PartnerRow, now: int) -> list[WarningShown]:
    if standing_of(row.verified_until, now) is not Standing.EXPIRED:
        return []
    text = FAULTS[PartnerFault.EXPIRED]
    return [WarningShown(code=PartnerFault.EXPIRED.value, de=text.de, en=text.en)]
