# SPDX-License-Identifier: Apache-2.0
"""What somebody asks to change of the charter, as a change of it."""

import hashlib
from typing import Final

from fedsafe_federation.charter.changes import Change, ChangeKind
from fedsafe_federation.charter.charter import PolicyReference
from fedsafe_federation.exchange.handshake import APPEALS
from fedsafe_node.acts.charter import DAY, ChangeRequest
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.ground.catalogue import Phrase

_ABOUT_MEMBER: Final = frozenset(
    {
        *(ChangeKind.JOIN, ChangeKind.ROLES),
        *(ChangeKind.SUSPEND, ChangeKind.REINSTATE, ChangeKind.EXPEL),
        *(ChangeKind.STOLEN, ChangeKind.SOUND),
    }
)

_ABOUT_FORMER: Final = frozenset({ChangeKind.STOLEN, ChangeKind.SOUND})


def change_of(request: ChangeRequest, situation: Situation) -> Change:
    """Make a change of what was asked for.

    Raises:
        BadRequestError: it does not say enough.
    """
    kind, member = request.change, request.member
    if kind in {ChangeKind.LEAVE, ChangeKind.KEYS}:
        if kind is ChangeKind.KEYS and member not in {None, situation.node}:
            raise BadRequestError(
                "bad_request",
                Phrase("a node asks for its own new keys only"),
                pointer="/member",
            )
        member = situation.node
    elif kind in _ABOUT_MEMBER and member is None:
        raise BadRequestError(
            "bad_request", Phrase("this change names a member"), pointer="/member"
        )
    _check_keys(request)
    if kind is ChangeKind.ROLES and request.roles is None:
        raise BadRequestError(
            "bad_request", Phrase("this change names roles"), pointer="/roles"
        )
    if kind is ChangeKind.BACKFILL:
        return _backfill(request, member or situation.node)
    if kind is not ChangeKind.TERMS:
        return Change(
            kind=kind,
            member=member,
            stolen=request.stolen_since,
            former=request.former,
        )
    terms = (
        *(request.arrangement, request.quorum),
        *(request.appeal, request.deputy, request.set_aside),
    )
    if not request.policy and all(each is None for each in terms):
        raise BadRequestError(
            "bad_request",
            Phrase(
                "new terms are at least one of policy, arrangement, quorum, "
                "appeal, deputy and set_aside"
            ),
            pointer="/change",
        )
    _check_known(request, situation)
    policy = situation.policy
    digest = bytes.fromhex(policy.digest)
    text = request.arrangement
    return Change(
        kind=kind,
        policy=PolicyReference(policy.name, digest) if request.policy else None,
        arrangement=None if text is None else _arrangement(text),
        quorum=request.quorum,
        appeal=request.appeal,
        deputy=request.deputy,
        set_aside=None
        if request.set_aside is None
        else bytes.fromhex(request.set_aside),
    )


def _check_known(request: ChangeRequest, situation: Situation) -> None:
    """Refuse a charter that another member could not read."""
    if not request.deputy and request.set_aside is None:
        return
    if not situation.all_speak(APPEALS):
        raise WrongStateError(
            "appeals_unknown",
            Phrase(
                "a member has not said that it knows deputies and rulings set "
                "aside: it has to run such a version, and to have been heard "
                "since this node began"
            ),
        )


def _check_keys(request: ChangeRequest) -> None:
    kind, since = request.change, request.stolen_since
    if since is not None and kind not in {ChangeKind.KEYS, ChangeKind.STOLEN}:
        why, pointer = Phrase("only keys are stolen"), "/stolen_since"
    elif since is None and kind is ChangeKind.STOLEN:
        why = Phrase("say since when the keys count as stolen")
        pointer = "/stolen_since"
    elif request.former is not None and kind not in _ABOUT_FORMER:
        why, pointer = Phrase("this change is about no former keys"), "/former"
    else:
        return
    raise BadRequestError("bad_request", why, pointer=pointer)


def _backfill(request: ChangeRequest, member: str) -> Change:
    if request.elements is None or request.days is None:
        raise BadRequestError(
            "bad_request",
            Phrase("a backfill is for so many elements and days"),
            pointer="/elements" if request.elements is None else "/days",
        )
    return Change(
        kind=ChangeKind.BACKFILL,
        member=member,
        elements=request.elements,
        seconds=request.days * DAY,
    )


def _arrangement(text: str) -> PolicyReference:
    return PolicyReference("arrangement", hashlib.sha256(text.encode()).digest())
