# SPDX-License-Identifier: Apache-2.0
"""What an assessment makes of a case's file; pure."""

from typing import Final, TypeVar

import msgspec
from msgspec import UNSET

from fedsafe_node.acts.cases import AssessCase, AttachEvidence, NewHold
from fedsafe_node.casework.cases.content import CaseFile, KeptHold
from fedsafe_node.ground.errors import BadRequestError, ForbiddenError, WrongStateError
from fedsafe_policies.escalation.closure import Hold, HoldFault, fault_of_hold
from fedsafe_policies.escalation.manifest import Attachment
from fedsafe_policies.escalation.package import Elements, present
from fedsafe_policies.escalation.playbooks import playbooks
from fedsafe_policies.escalation.vocabulary import (
    MAY_BE_UNAVAILABLE,
    Absence,
    Element,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

T = TypeVar("T")
MOST_ATTACHED: Final = 500
_OWN: Final = frozenset({Element.CASE, Element.THREAT})
"""What a case always has, and nobody takes back."""
_FAULTS: Final = {
    HoldFault.AUTHORITY: Phrase("the authority is no reference"),
    HoldFault.BASIS: Phrase("the basis is no reference"),
    HoldFault.UNTIL: Phrase("a hold ends later than now, within 30 days"),
}


def assessed(
    file: CaseFile, request: AssessCase, role: Role, now: int
) -> tuple[str, CaseFile]:
    """Take over what is known now; return the name of the step with it.

    Raises:
        BadRequestError: a field does not fit, or nothing is said.
        ForbiddenError: an opinion of somebody who is no legal adviser, or more than
            an opinion of one.
    """
    check_role(request, role)
    known = _elements(file.known, request)
    changed = msgspec.structs.replace(
        file,
        elements=known,
        late_feature=None,
        unavailable=_unavailable(file, known, request),
        conditions=_ticked(
            file.conditions, request.conditions, request.lapsed, "/lapsed"
        ),
        done=_ticked(file.done, request.done, request.undone, "/undone"),
        help=request.help or file.help,
        level=request.level or file.level,
        evidence_decision=request.evidence_decision or file.evidence_decision,
        opinion=request.opinion or _still(file, known),
        holds=(*file.holds, *_holds(request.hold, now)),
        mentions=tuple(sorted({*file.mentions, *request.mentions})),
    )
    _check_steps(changed, request)
    return _name(file, request), changed


def attached(file: CaseFile, request: AttachEvidence) -> CaseFile:
    """Add evidence; the same object twice is the same evidence.

    Raises:
        WrongStateError: an object is known with other facts, or there are too many.
    """
    before = file.elements.attachments
    found = {each.object_id: each for each in (() if before is UNSET else before)}
    for attachment in request.attachments:
        if found.setdefault(attachment.object_id, attachment) != attachment:
            raise WrongStateError(
                "evidence_differs",
                Phrase("an object of that id is attached with other facts"),
            )
    if len(found) > MOST_ATTACHED:
        raise WrongStateError(
            "evidence_differs",
            Phrase("more than {most} objects").filled(most=MOST_ATTACHED),
        )
    known = msgspec.structs.replace(file.elements, attachments=tuple(found.values()))
    unavailable = {
        element: why
        for element, why in file.unavailable.items()
        if element is not Element.ATTACHMENTS
    }
    return msgspec.structs.replace(file, elements=known, unavailable=unavailable)


def check_role(request: AssessCase, role: Role) -> None:
    """Refuse what somebody's role does not say, and who says nothing.

    Raises:
        BadRequestError: nothing is said.
        ForbiddenError: an opinion of somebody who is no legal adviser, or more than
            an opinion of one.
    """
    is_adviser = role is Role.LEGAL_ADVISER
    if request.opinion is not None and not is_adviser:
        raise ForbiddenError(
            Phrase("an opinion is the legal adviser's to give"), authenticated=True
        )
    if is_adviser and request != AssessCase(opinion=request.opinion):
        raise ForbiddenError(
            Phrase("a legal adviser gives an opinion and changes nothing else"),
            authenticated=True,
        )
    if request == AssessCase():
        raise BadRequestError("invalid_body", Phrase("say what is known"))


def _elements(known: Elements, request: AssessCase) -> Elements:
    remove = frozenset(request.remove)
    taken = remove & _OWN
    given = present(request.elements) if request.elements is not None else frozenset()
    if taken or Element.CASE in given or remove & given:
        raise BadRequestError(
            "invalid_body",
            Phrase(
                "case is the node's own, threat stays, and nothing is given and removed"
            ),
            pointer="/remove" if taken or remove & given else "/elements/case",
        )
    if request.elements is not None and known.attachments is not UNSET:
        _check_evidence(known.attachments, request.elements.attachments or ())
    fresh = {name.value: getattr(request.elements, name) for name in given}
    if request.feature is not None:
        fresh["feature"] = request.feature
    gone = {name.value: UNSET for name in remove}
    return msgspec.structs.replace(known, **gone, **fresh)


def _check_evidence(
    before: tuple[Attachment, ...], given: tuple[Attachment, ...]
) -> None:
    found = {each.object_id: each for each in before}
    if any(found.get(each.object_id, each) != each for each in given):
        raise WrongStateError(
            "evidence_differs",
            Phrase("an object of that id is attached with other facts"),
        )


def _holds(hold: NewHold | None, now: int) -> tuple[KeptHold, ...]:
    if hold is None:
        return ()
    fault = fault_of_hold(
        Hold(authority=hold.authority, basis=hold.basis, since=now, until=hold.until)
    )
    if fault is not None:
        raise BadRequestError("bad_hold", _FAULTS[fault], pointer=f"/hold/{fault}")
    kept = KeptHold(
        authority=hold.authority, basis=hold.basis, since=now, until=hold.until
    )
    return (kept,)


def _unavailable(
    file: CaseFile, known: Elements, request: AssessCase
) -> dict[Element, Absence]:
    """Add what is lacking now; what is there, or taken back, lacks no more."""
    there, said = present(known), frozenset(request.unavailable)
    faults = (
        (
            said - MAY_BE_UNAVAILABLE,
            Phrase("may not be called unavailable: {elements}"),
        ),
        (said & there, Phrase("there, and said to be unavailable: {elements}")),
    )
    for found, why in faults:
        if found:
            raise BadRequestError(
                "invalid_body",
                why.filled(elements=", ".join(sorted(found))),
                pointer="/unavailable",
            )
    gone = there | frozenset(request.remove)
    kept = {name: why for name, why in file.unavailable.items() if name not in gone}
    return kept | request.unavailable


def _ticked(
    before: frozenset[T], given: tuple[T, ...], back: tuple[T, ...], pointer: str
) -> frozenset[T]:
    if set(given) & set(back):
        raise BadRequestError(
            "invalid_body", Phrase("nothing is entered and taken back"), pointer=pointer
        )
    return (before | set(given)) - set(back)


def _check_steps(file: CaseFile, request: AssessCase) -> None:
    """Take steps of this phenomenon only; those of another, ticked before, stay."""
    phenomenon = file.answers.phenomenon
    known = set() if phenomenon is None else set(playbooks()[phenomenon].steps)
    why = (
        Phrase("steps are those of a phenomenon, and this case has none yet")
        if phenomenon is None
        else Phrase("the playbook of this phenomenon has the steps {steps}").filled(
            steps=", ".join(sorted(known))
        )
    )
    if set(request.done) - known:
        raise BadRequestError("invalid_body", why, pointer="/done")
    if set(request.undone) - known - file.done:
        raise BadRequestError("invalid_body", why, pointer="/undone")


def _still(file: CaseFile, known: Elements) -> str | None:
    """Keep an opinion while what the adviser was asked about stays as it was."""
    asked = (file.elements.phenomenon, file.elements.threat)
    return file.opinion if asked == (known.phenomenon, known.threat) else None


def _name(file: CaseFile, request: AssessCase) -> str:
    if request.opinion is not None:
        return "advised"
    had = file.elements.consent is not UNSET
    return (
        "consent_revoked" if had and Element.CONSENT in request.remove else "assessed"
    )
