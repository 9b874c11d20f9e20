# SPDX-License-Identifier: Apache-2.0
"""Reads and keeps cases within an act: content, step and audit event together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fedsafe_node.casework.cases.content import CaseFile, CaseVault
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.casework_rows import CaseRow, CaseStepRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.states import CaseState, may_follow
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.people import Person

EVENTS: Final = {
    "opened": Event.CASE_OPENED,
    "assessed": Event.CASE_ASSESSED,
    "advised": Event.CASE_ASSESSED,
    "answered": Event.CASE_ASSESSED,
    "consent_revoked": Event.CASE_ASSESSED,
    "attached": Event.CASE_ATTACHED,
    "called": Event.CASE_CALLED,
    "not_reached": Event.CASE_CALLED,
    "approved": Event.CASE_APPROVED,
    "looked_at": Event.CASE_APPROVED,
    "packaged": Event.CASE_MOVED,
    "dispatching": Event.CASE_MOVED,
    "failed": Event.CASE_MOVED,
    "fallback": Event.CASE_MOVED,
    "delivered": Event.CASE_MOVED,
    "acknowledged": Event.CASE_MOVED,
    "needs_info": Event.CASE_MOVED,
    "supplemented": Event.CASE_MOVED,
    "recalled": Event.CASE_RECALLED,
    "receipt": Event.DISPATCH_NOTED,
    "closed": Event.CASE_CLOSED,
    "erased": Event.CASE_ERASED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a step makes of a case; `answered` names what it answers."""

    step: str
    state: CaseState
    urgency: Urgency
    known_at: int
    file: CaseFile
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseKeeper:
    """Reads cases, and keeps what steps make of them."""

    office: Office
    vault: CaseVault

    async def read(self, reader: Reader, case_id: str) -> tuple[CaseRow, CaseFile]:
        """Return a case with what is known of it.

        Raises:
            NotFoundError: there is no such case.
            WrongStateError: its content is erased.
        """
        row = await reader.case(case_id)
        if row is None:
            raise NotFoundError(Phrase("no such case"))
        return row, self.vault.open(row)

    async def keep(  # noqa: PLR0913 - what a step leaves behind
        self,
        tx: Transaction,
        row: CaseRow | None,
        case_id: str,
        change: Change,
        who: Person,
        *,
        detail: Detail | None = None,
    ) -> CaseRow:
        """Keep a case as a step has left it, the step, and the event that tells of it.

        Raises:
            WrongStateError: the step leads nowhere from where the case is.
        """
        office, now = self.office, self.office.now()
        if row is not None and row.state != change.state.value:
            _check_step(CaseState(row.state), change.state)
        period, key, sealed = self.vault.seal(
            row, case_id, change.file, office.clock.now()
        )
        kept = CaseRow(
            id=case_id,
            state=change.state.value,
            urgency=change.urgency.value,
            minors=change.file.minors,
            known_at=change.known_at,
            opened_at=now if row is None else row.opened_at,
            opened_by=who.name if row is None else row.opened_by,
            revision=1 if row is None else row.revision + 1,
            period=period,
            key=key,
            sealed=sealed,
        )
        await tx.put_case(kept)
        await tx.add_case_step(
            CaseStepRow(
                case_id=case_id,
                step=change.step,
                state=kept.state,
                revision=kept.revision,
                at=now,
                by=who.name,
                role=who.role.value,
            )
        )
        told: Detail = {
            "case": case_id,
            "step": change.step,
            "state": kept.state,
            "urgency": kept.urgency,
            "revision": kept.revision,
            **({"answered": ", ".join(change.answered)} if change.answered else {}),
            **(detail or {}),
        }
        await office.note(tx, EVENTS[change.step], who.name, told)
        return kept


def _check_step(state: CaseState, following: CaseState) -> None:
    if not may_follow(state, following):
        code, told = (
            "case_state",
            Phrase(
                "a case that is {case_state} does not become {following_case_state}"
            ),
        )
        if (state, following) == (CaseState.DELIVERED, CaseState.CLOSED):
            code, told = (
                "not_acknowledged",
                Phrase(
                    "a case that is {case_state} does not become "
                    "{following_case_state}: note first that its packages were "
                    "acknowledged (`fedsafe case acknowledged`), or recall it"
                ),
            )
        said = told.filled(case_state=state, following_case_state=following)
        raise WrongStateError(code, said)


@dataclass(frozen=True, slots=True)
class CaseParts:
    """What the service of cases works with."""

    situation: Situation
    keeper: CaseKeeper
    approvals: Approvals
    matrix: Callable[[], Matrix]
