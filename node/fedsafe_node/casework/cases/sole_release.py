# SPDX-License-Identifier: Apache-2.0
"""What one person does in a case's release alone: let it go, or look at it after.

Both are ruled on in the act that keeps them: a training that lapses, or a change of
the case, comes before it or after it, never in between.
"""

from typing import Final

import msgspec

from fedsafe_node.acts.cases import ApproveCase, CaseReceipt
from fedsafe_node.casework.cases.changes import CHANGEABLE
from fedsafe_node.casework.cases.content import Release
from fedsafe_node.casework.cases.keeper import CaseParts
from fedsafe_node.casework.cases.release import (
    approved,
    check_release,
    looked_at,
    refuse,
    refuse_untrained,
    takes_two,
)
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Role

_LOOKERS: Final = frozenset(
    {Role.ESCALATION_OFFICER, Role.REVIEWER, Role.LEGAL_ADVISER}
)


async def release_alone(
    tx: Transaction,
    parts: CaseParts,
    case_id: str,
    request: ApproveCase,
    who: Principal,
) -> CaseReceipt | Decision:
    """Let a case go that one person releases; without a training for it, refuse.

    Raises:
        NotFoundError: there is no such case.
        WrongStateError: it has changed meanwhile, or lacks something.
    """
    keeper, person = parts.keeper, Person(who.name, who.role)
    row, file = await keeper.read(tx, case_id)
    denied = refuse(keeper, row, file, person)
    if denied is not None or takes_two(Urgency(row.urgency)):
        raise WrongStateError("case_changed", Phrase("the case has changed meanwhile"))
    untrained = await refuse_untrained(tx, keeper, row, person)
    if untrained is not None:
        return untrained
    matrix = parts.matrix()
    check_release(row, file, request.partners, matrix)
    release = Release(
        partners=tuple(sorted(set(request.partners))),
        first=who.name,
        at=keeper.office.now(),
        matrix=matrix.reference,
    )
    change = approved(row, file, release)
    return receipt_of(await keeper.keep(tx, row, case_id, change, person))


async def look(
    tx: Transaction, parts: CaseParts, case_id: str, who: Principal
) -> CaseReceipt | Decision:
    """Look at what one person let go, as the second pair of eyes.

    Raises:
        NotFoundError: there is no such case.
        WrongStateError: nobody let it go alone, or somebody has looked.
    """
    keeper, person = parts.keeper, Person(who.name, who.role)
    row, file = await keeper.read(tx, case_id)
    release = file.release
    if row.state == CaseState.CLOSED.value:
        raise WrongStateError("case_closed", Phrase("this case is closed"))
    if release is None or release.second is not None:
        raise _why_no_look(row, release)
    first = Person(release.first, Role.ESCALATION_OFFICER)
    refusal = refuse_second(first, person, _LOOKERS)
    if refusal is not None:
        return deny(refusal, keeper.office.judge.policy.reference, "dispatch")
    seen = msgspec.structs.replace(
        release, second=who.name, second_at=keeper.office.now()
    )
    change = looked_at(row, file, seen)
    return receipt_of(await keeper.keep(tx, row, case_id, change, person))


def _why_no_look(row: CaseRow, release: Release | None) -> WrongStateError:
    if row.state == CaseState.RECALLED.value:
        return WrongStateError(
            "case_state",
            Phrase(
                "this case was recalled: change it first (`fedsafe case assess`), then "
                "let it be approved anew"
            ),
        )
    classes = ", ".join(sorted(release.partners)) if release is not None else "nobody"
    told = Phrase(
        "this case is approved already, for {partner_classes}; for others open a case "
        "of its own (`fedsafe case open`); or recall this one (`fedsafe case recall`), "
        "change it, and let it be approved anew for all of them at once"
    )
    if CaseState(row.state) in CHANGEABLE:
        told = Phrase(
            "this case is approved already, for {partner_classes}; for others change "
            "it (`fedsafe case assess`), and let it be approved anew for all of them "
            "at once"
        )
    return WrongStateError("already_approved", told.filled(partner_classes=classes))


def receipt_of(row: CaseRow) -> CaseReceipt:
    """Say where a case stands after an act."""
    return CaseReceipt(case=row.id, state=CaseState(row.state), revision=row.revision)
