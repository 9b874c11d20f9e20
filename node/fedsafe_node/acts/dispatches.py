# SPDX-License-Identifier: Apache-2.0
"""What the API takes and says of dispatches."""

from enum import StrEnum, unique
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_node.acts.bodies import Message, Reference
from fedsafe_node.acts.cases import CaseId, Moment, Reach
from fedsafe_policies.escalation.dispatches import (
    DispatchState,
    Outcome,
    RecallReason,
)
from fedsafe_policies.escalation.partners import PartnerId, Way
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Element, PartnerClass

MOST_HEADERS: Final = 65_536
"""Bytes of a mail's header that are taken."""
MOST_BODY: Final = 180_000
"""Bytes of what follows it, where OpenPGP has signed that."""
KEPT_BACK: Final = "kept_back"
"""What a person notes of a package that they took, and that never left their hands."""
DispatchId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]


class SendCase(Message, frozen=True):
    """To which partners an approved case goes now.

    `called` says where the call is noted that takes the place of a verification which
    has expired. With `dry_run` nothing is kept and nothing leaves.
    """

    partners: Annotated[
        tuple[PartnerId, ...], msgspec.Meta(min_length=1, max_length=10)
    ]
    called: Reference | None = None
    dry_run: bool = False


class WarningShown(Message, frozen=True):
    """What whoever sends should know, in both languages."""

    code: str
    de: str
    en: str


class PlanShown(Message, frozen=True):
    """What a partner would receive, and by which ways in turn."""

    partner: PartnerId
    partner_class: PartnerClass
    test: bool
    sealing: str
    ways: list[str]
    paths: list[str]
    unavailable: list[Element]
    warnings: list[WarningShown]


class AttemptShown(Message, frozen=True):
    """An attempt; without an outcome it is under way."""

    number: int
    way: str
    began_at: int
    ended_at: int | None
    outcome: Outcome | None
    proof: str | None
    message: str | None


@unique
class ReceiptKind(StrEnum):
    """What a person notes of a dispatch."""

    HANDED = "handed"
    ACKNOWLEDGED = "acknowledged"


@unique
class ReceiptWay(StrEnum):
    """By which way it came or went, where that is known.

    An acknowledgement by `mail` is that of whoever had the reply token: nobody has
    proved who wrote, unless it is signed. Its reference is a digest of the message's
    Message-ID.
    """

    PORTAL = Way.PORTAL.value
    PHONE = Way.PHONE.value
    LETTER = Way.LETTER.value
    MAIL = "mail"


class ReceiptShown(Message, frozen=True):
    """What was noted of a dispatch, and who handed it in.

    `signed_by` is the fingerprint of the partner's OpenPGP key that has signed it.
    """

    __schema_name__ = "DispatchReceiptShown"

    kind: ReceiptKind
    way: ReceiptWay | None
    reference: str
    at: int
    by: str
    signed_by: str | None


class TakingShown(Message, frozen=True):
    """Who took a sealed package out; without `kept_back_at` they may have it still."""

    by: str
    at: int
    kept_back_at: int | None
    kept_back_by: str | None


class DispatchShown(Message, frozen=True):
    """One revision of a case on its way to one partner.

    `ways` are those by hand that are left while it waits for a person; `recalls` names
    the dispatch that this one corrects, and `recalled` says that this one was taken
    back; with `delivered_at` it is there all the same. `unclear` says that it was
    recalled while somebody had it, and that nobody knows whether they handed it over.
    `reach` is whom to call about what a person has to see through.
    """

    dispatch: DispatchId
    key: str
    partner: PartnerId
    partner_class: PartnerClass
    test: bool
    revision: int
    recalls: DispatchId | None
    package: str
    sealing: str
    state: DispatchState
    made_at: int
    made_by: str
    due_at: int | None
    delivered_at: int | None
    acknowledged_at: int | None
    recalled: bool
    ways: list[Way]
    attempts: list[AttemptShown]
    receipts: list[ReceiptShown]
    takings: list[TakingShown]
    unclear: bool
    reach: Reach | None


class DispatchesAnswer(Message, frozen=True):
    """A case's dispatches; `sending` says whether anything leaves at all."""

    case: CaseId
    state: CaseState
    sending: bool
    dispatches: list[DispatchShown]


class SentAnswer(DispatchesAnswer, frozen=True):
    """What was sent, or with a dry run would be."""

    dry_run: bool
    plans: list[PlanShown]


class RecallCase(Message, frozen=True):
    """Why a case is recalled; the words go to everybody who got its package."""

    reason: RecallReason


class RecallAnswer(DispatchesAnswer, frozen=True):
    """The corrections that are on their way, and the dispatches that were stopped."""


class SwitchSending(Message, frozen=True):
    """Whether case packages leave the node from now on."""

    sends: bool


class SendingAnswer(Message, frozen=True):
    """Whether packages leave, who has said so, and how many wait for a person."""

    sends: bool
    at: int | None
    by: str | None
    by_hand: int


class NoteHanded(Message, frozen=True):
    """What came of a way by hand, at that moment (UTC seconds).

    A package that was handed over has a reference, such as the portal's. `kept_back`
    is that a package which somebody took out was never handed over and will not be,
    and asks for no way; `taken_by` says who took it, if it was somebody else.
    """

    at: Moment
    way: Way | None = None
    outcome: Literal["delivered", "unreachable", "refused", "kept_back"] = "delivered"
    reference: Reference | None = None
    taken_by: Reference | None = None


class NoteAcknowledged(Message, frozen=True):
    """That the partner has acknowledged the package, with its own reference."""

    at: Moment
    reference: Reference


class ReceiveReply(Message, frozen=True):
    """The header of a mail that answers a package, as it came: RFC 5322, in base64.

    Of a mail that is signed with OpenPGP, what follows the header is taken as `body`,
    to verify the signature with the partner's key; nothing of it is kept. Otherwise
    the text and what is attached are not wanted.
    """

    headers: Annotated[bytes, msgspec.Meta(min_length=1, max_length=MOST_HEADERS)]
    body: Annotated[bytes, msgspec.Meta(max_length=MOST_BODY)] | None = None


class DispatchReceipt(Message, frozen=True):
    """Where a dispatch and its case are now.

    `recall_again`: it was recalled before anybody knew that it has arrived, and nothing
    corrects it yet. `held_by` names who still has a sealed package of it in hand.
    `correction` is where the correction of it is now, if there is one. What was
    `recalled` may be there, with `delivered_at` and `acknowledged_at`.
    """

    case: CaseId
    state: CaseState
    dispatch: DispatchId
    dispatch_state: DispatchState
    recall_again: bool
    held_by: list[str]
    correction: DispatchState | None
    recalled: bool
    delivered_at: int | None
    acknowledged_at: int | None


class PackageAnswer(Message, frozen=True):
    """A sealed package by name, its digest, and its bytes (in base64).

    `signature` is for the file beside it, over all of its bytes; null where
    `fedsafe open` alone reads the format.
    """

    name: str
    media_type: str
    sha256: str
    content: bytes
    signature: bytes | None


class ReplyReceipt(DispatchReceipt, frozen=True):
    """What a reply has acknowledged; not `noted` if it was acknowledged before.

    `bounced`: it was a mail that came back, and acknowledges nothing. `signed_by` is
    the fingerprint of the partner's key that has signed the token.
    """

    noted: bool
    signed_by: str | None
    bounced: bool = False
