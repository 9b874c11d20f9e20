# SPDX-License-Identifier: Apache-2.0
"""What a case begins with, and what a change makes of it; pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final, TypeVar
from unicodedata import category

import msgspec

from fedsafe_node.acts.cases import NoteCall, OpenCase
from fedsafe_node.casework.cases.content import CaseFile, KeptCall
from fedsafe_node.casework.cases.keeper import Change
from fedsafe_node.casework.cases.timeline import CALLED, NOT_REACHED
from fedsafe_node.ground.errors import BadRequestError, WrongStateError, words_of
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.package import CaseIdentity, Elements, refuse_media
from fedsafe_policies.escalation.states import EDITABLE, CaseState, may_follow
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import SECONDS_A_DAY

_MOST_CALLS: Final = 100
_CALLED_FIRST: Final = SECONDS_A_DAY
"""How long before it was known a call may lie: who calls first enters that later."""
_ASTRAY: Final = 300
"""Seconds that the clocks from which people read moments may be wrong by."""
T = TypeVar("T")
_RECALLED: Final = CaseState.RECALLED
CHANGEABLE: Final = EDITABLE | {CaseState.APPROVED, _RECALLED}
"""A recalled case is put right as a draft, and approved anew."""

_REORDERS: Final = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))


def check_content(request: msgspec.Struct) -> None:
    """Refuse media bytes, control characters and addresses that there cannot be.

    Line breaks and tabs may be in a text. What lets it look like another one on a
    screen or in print may not. Addresses are checked as they come, and not where a
    case is read: what was kept stays readable.

    Raises:
        BadRequestError: some were found; the field is named, never its content.
    """
    for place, text in _of_type(msgspec.to_builtins(request), str):
        if any(_is_control(each) for each in text):
            raise BadRequestError(
                "bad_text", Phrase("a text holds control characters"), pointer=place
            )
        if place.endswith("/ip") and not _is_address(text):
            raise BadRequestError(
                "invalid_body", Phrase("that is no IP address"), pointer=place
            )
    try:
        refuse_media(request)
    except CasePackageError as error:
        raise media_refused(error) from None


def media_refused(error: CasePackageError) -> BadRequestError:
    """Say in which field of a request media bytes were found."""
    path = error.path.replace("[", ".").replace("]", "")
    pointer = "/" + path.replace(".", "/") if path else None
    return BadRequestError("media_refused", words_of(error), pointer=pointer)


def check_past(moment: int, now: int, pointer: str) -> None:
    """Refuse a moment that lies in the future.

    Raises:
        BadRequestError: it does.
    """
    if moment > now:
        raise BadRequestError(
            "bad_span", Phrase("that lies in the future"), pointer=pointer
        )


def check_since(moment: int, since: int, what: Phrase) -> int:
    """Refuse what is said to have been before it can have been.

    Returns:
        The moment, no earlier than that: clocks differ a little.

    Raises:
        BadRequestError: it lies before; before what, is said.
    """
    if moment < since - _ASTRAY:
        raise BadRequestError(
            "bad_span",
            Phrase("that lies before {what}").filled(what=what),
            pointer="/at",
        )
    return max(moment, since)


def check_been(request: msgspec.Struct, now: int) -> None:
    """Refuse a moment in what is known of a case that lies in the future.

    Raises:
        BadRequestError: one does; the field is named.
    """
    known = msgspec.to_builtins(request, builtin_types=(datetime,))
    for place, moment in _of_type(known, datetime):
        check_past(int(moment.timestamp()), now + _ASTRAY, place)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_control(char: str) -> bool:
    return char in _REORDERS or (category(char) == "Cc" and char not in "\n\t")


def _of_type(value: object, kind: type[T], place: str = "") -> Iterator[tuple[str, T]]:
    """Find all values of one type, and where they stand."""
    if isinstance(value, kind):
        yield place, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _of_type(each, kind, f"{place}/{name}")
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _of_type(each, kind, f"{place}/{number}")


def first_file(case_id: str, request: OpenCase) -> CaseFile:
    """Write down what is known when a case is opened."""
    known_at = datetime.fromtimestamp(request.known_at, UTC)
    return CaseFile(
        sources=frozenset(request.sources),
        evidence=request.evidence,
        elements=Elements(
            case=CaseIdentity(
                case_ref=f"case-{case_id[:12]}",
                urgency=request.urgency,
                known_at=known_at,
            ),
            threat=request.threat,
            phenomenon=request.phenomenon or msgspec.UNSET,
            victim_ages=request.ages or msgspec.UNSET,
        ),
        test=request.test,
    )


def changed(
    row: CaseRow, file: CaseFile, step: str, urgency: Urgency | None = None
) -> Change:
    """Make a draft of a case again, whatever it was before it left."""
    if (state := CaseState(row.state)) not in CHANGEABLE:
        told = (
            Phrase("a case that is {case_state} is not changed before it is recalled")
            if may_follow(state, _RECALLED)
            else Phrase("a case that is {case_state} is not changed any more")
        )
        raise WrongStateError("case_state", told.filled(case_state=row.state))
    urgency = urgency or Urgency(row.urgency)
    file = msgspec.structs.replace(
        file, release=None, elements=file.known, late_feature=None
    )
    identity = file.elements.case
    if identity is not msgspec.UNSET and identity.urgency is not urgency:
        known = msgspec.structs.replace(
            file.elements, case=msgspec.structs.replace(identity, urgency=urgency)
        )
        file = msgspec.structs.replace(file, elements=known)
    state = editable_state(file)
    if CaseState(row.state) not in EDITABLE:
        state = (
            CaseState.DRAFT
        )  # from where it waits for the adviser with its next step
    return Change(
        step=step, state=state, urgency=urgency, known_at=row.known_at, file=file
    )


def called(row: CaseRow, file: CaseFile, request: NoteCall, by: str) -> Change:
    """Note a call; the case stays where it is, and what was approved stays so.

    Raises:
        BadRequestError: it says what somebody told who has not answered, or when it was
            cannot be.
        WrongStateError: the case is closed, or has too many.
    """
    if not request.answered and (request.officer or request.said or request.ordered):
        raise BadRequestError(
            "invalid_body",
            Phrase("nobody answered: then nobody is named, and nothing was said"),
            pointer="/answered",
        )
    if CaseState(row.state) is CaseState.CLOSED:
        raise WrongStateError(
            "case_closed", Phrase("a closed case is not changed any more")
        )
    if len(file.calls) >= _MOST_CALLS:
        raise WrongStateError(
            "case_full", Phrase("a case keeps no more than 100 calls")
        )
    check_since(
        request.at, row.known_at - _CALLED_FIRST, Phrase("the day before anybody knew")
    )
    call = KeptCall(
        number=request.number,
        at=request.at,
        officer=request.officer,
        reference=request.reference,
        said=tuple(sorted(set(request.said))),
        ordered=tuple(sorted(set(request.ordered))),
        by=by,
        answered=request.answered,
    )
    return Change(
        step=CALLED if request.answered else NOT_REACHED,
        state=CaseState(row.state),
        urgency=Urgency(row.urgency),
        known_at=row.known_at,
        file=msgspec.structs.replace(file, calls=(*file.calls, call)),
    )


def editable_state(file: CaseFile) -> CaseState:
    """Return where a case waits that is worked on."""
    return CaseState.LEGAL_REVIEW if file.waits_for_opinion else CaseState.DRAFT
