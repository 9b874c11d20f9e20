# SPDX-License-Identifier: Apache-2.0
"""What members change of their charter, as a next version.

A change is one thing that somebody wants. `amended` makes the next version of it, by
the rules that `amendment` checks; `diff` says what any version changes.
"""

from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.card import Card
from fedsafe_federation.charter.charter import (
    ALL_ROLES,
    MAX_MEMBERS,
    MAX_SET_ASIDE,
    MOST_BACKFILL,
    Backfill,
    Charter,
    Member,
    MemberRole,
    MemberState,
    PolicyReference,
    majority,
)
from fedsafe_federation.charter.key_change import (
    with_former_called,
    with_new_keys,
)
from fedsafe_federation.errors import AmendmentError
from fedsafe_policies.ground.catalogue import Phrase

_DAY: Final = 24 * 60 * 60


@unique
class ChangeKind(StrEnum):
    """What is changed."""

    JOIN = "join"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    EXPEL = "expel"
    LEAVE = "leave"
    ROLES = "roles"
    TERMS = "terms"
    BACKFILL = "backfill"
    KEYS = "keys"
    STOLEN = "stolen"
    SOUND = "sound"


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change; `member` is whom it is about, the rest are new terms.

    A backfill is for so many `elements`, and for `seconds` from when it is proposed.
    `deputy` hears appeals in which who hears them has a part; `set_aside` names a
    ruling on an appeal that has no effect any more. New keys may follow some that were
    `stolen` at that time. So may keys be that a member gave up before: `former` 1 names
    the last ones. `sound` takes that back.
    """

    kind: ChangeKind
    member: str | None = None
    policy: PolicyReference | None = None
    arrangement: PolicyReference | None = None
    quorum: int | None = None
    appeal: str | None = None
    deputy: str | None = None
    set_aside: bytes | None = None
    elements: int | None = None
    seconds: int | None = None
    stolen: int | None = None
    former: int | None = None


def amended(
    version: Version,
    change: Change,
    *,
    now: int,
    card: Card | None = None,
    roles: Sequence[MemberRole] = ALL_ROLES,
) -> Charter:
    """Make the next version with one *change*.

    A *card* is that of who joins, or has the new keys of who changes its own.

    *roles* are those of who joins, or whom the change gives others.

    Raises:
        AmendmentError: the change cannot be made.
    """
    before = version.charter
    if change.kind is ChangeKind.TERMS:
        after = _terms(before, change)
    elif change.kind is ChangeKind.BACKFILL:
        after = _with_backfill(before, change, now)
    elif change.kind is ChangeKind.ROLES:
        after = _with_roles(before, change.member, roles)
    elif change.kind is ChangeKind.KEYS:
        after = _with_keys(before, change, card, now)
    elif change.kind in {ChangeKind.STOLEN, ChangeKind.SOUND}:
        after = _with_former(before, change, now)
    elif change.kind is ChangeKind.JOIN:
        after = _joined(before, card, roles)
    elif change.kind in {ChangeKind.SUSPEND, ChangeKind.REINSTATE}:
        after = _in_state(before, change)
    else:
        after = _without(before, change.member)
    if after == before:
        raise AmendmentError(Phrase("that is how the charter is already"))
    quorum = change.quorum if change.quorum is not None else _quorum(before, after)
    active = len(after.active())
    if not majority(active) <= quorum <= active:
        raise AmendmentError(
            Phrase(
                "the quorum has to be {least} to {active} of {active} active members"
            ).filled(least=majority(active), active=active)
        )
    return replace(
        after,
        version=before.version + 1,
        previous=version.digest,
        created=max(now, before.created),
        quorum=quorum,
        backfills=_backfills(after, now),
    )


def _terms(before: Charter, change: Change) -> Charter:
    appeal = before.appeal
    if change.appeal is not None:
        appeal = _member(before, change.appeal).name if change.appeal else None
    deputy = before.stand_in
    if change.deputy is not None:
        deputy = _member(before, change.deputy).name if change.deputy else None
    if deputy is not None and appeal in {None, deputy}:
        if change.deputy:
            raise AmendmentError(Phrase("a deputy stands in for another member"))
        deputy = None
    after = replace(
        before,
        policy=change.policy or before.policy,
        arrangement=change.arrangement or before.arrangement,
        quorum=change.quorum or before.quorum,
        appeal=appeal,
        deputy=msgspec.UNSET if deputy is None else deputy,
    )
    return after if change.set_aside is None else _without_effect(after, change)


def _without_effect(before: Charter, change: Change) -> Charter:
    named = {*before.without_effect, change.set_aside or b""}
    if len(named) > MAX_SET_ASIDE:
        raise AmendmentError(
            Phrase("a charter sets {most} rulings aside at most").filled(
                most=MAX_SET_ASIDE
            )
        )
    return replace(before, set_aside=sorted(named))


def _joined(before: Charter, card: Card | None, roles: Sequence[MemberRole]) -> Charter:
    if card is None:
        raise AmendmentError(Phrase("the card of who joins is missing"))
    if card.name in {each.name for each in before.members}:
        raise AmendmentError(
            Phrase("{card} is a member already").filled(card=card.name)
        )
    if len(before.members) >= MAX_MEMBERS:
        raise AmendmentError(
            Phrase("a federation has at most {most} members").filled(most=MAX_MEMBERS)
        )
    taken = {key for each in before.members for key in each.signing_keys()}
    if taken & set(card.keys.signing()):
        raise AmendmentError(
            Phrase("{card} has a key of another member").filled(card=card.name)
        )
    member = Member(
        index=before.next_index,
        name=card.name,
        url=card.url,
        jurisdiction=card.jurisdiction,
        keys=card.keys,
        roles=tuple(sorted(set(roles))),
    )
    return replace(
        before,
        members=[*before.members, member],
        next_index=before.next_index + 1,
    )


def _with_roles(
    before: Charter, name: str | None, roles: Sequence[MemberRole]
) -> Charter:
    member = _member(before, name)
    wanted = tuple(sorted(set(roles)))
    members = [
        replace(each, roles=wanted) if each is member else each
        for each in before.members
    ]
    return replace(before, members=members)


def _with_keys(before: Charter, change: Change, card: Card | None, now: int) -> Charter:
    member = _member(before, change.member)
    if card is None:
        raise AmendmentError(Phrase("the card with the new keys is missing"))
    _check_past(before, change, now)
    new = with_new_keys(member, card.keys, change.stolen)
    members = [new if each is member else each for each in before.members]
    return replace(before, members=members)


def _with_former(before: Charter, change: Change, now: int) -> Charter:
    member = _member(before, change.member)
    if (change.kind is ChangeKind.STOLEN) != (change.stolen is not None):
        raise AmendmentError(
            Phrase("keys are stolen since a time, and sound without one")
        )
    _check_past(before, change, now)
    new = with_former_called(member, change.former or 1, change.stolen)
    members = [new if each is member else each for each in before.members]
    return replace(before, members=members)


def _check_past(before: Charter, change: Change, now: int) -> None:
    if change.stolen is not None and change.stolen > max(now, before.created):
        raise AmendmentError(Phrase("keys that were stolen were so before now"))


def _with_backfill(before: Charter, change: Change, now: int) -> Charter:
    member = _member(before, change.member)
    if before.backfill(member.name, now) is not None:
        raise AmendmentError(
            Phrase("{member} has a backfill already").filled(member=member.name)
        )
    seconds = change.seconds or 0
    if not 0 < seconds <= MOST_BACKFILL or not change.elements:
        days = MOST_BACKFILL // _DAY
        raise AmendmentError(
            Phrase("a backfill is for some elements and 1 to {days} days").filled(
                days=days
            )
        )
    new = Backfill(member.name, change.elements, now, now + seconds)
    others = [each for each in before.backfills if each.member != member.name]
    return replace(before, backfills=[*others, new])


def _backfills(after: Charter, now: int) -> list[Backfill]:
    """Keep what has not ended, of those who are members."""
    members = {each.name for each in after.members}
    kept = [e for e in after.backfills if e.member in members and e.until > now]
    return sorted(kept, key=lambda each: each.member)


def _in_state(before: Charter, change: Change) -> Charter:
    member = _member(before, change.member)
    wanted = MemberState.ACTIVE
    if change.kind is ChangeKind.SUSPEND:
        wanted = MemberState.SUSPENDED
    if member.state is wanted:
        raise AmendmentError(
            Phrase("{member} is {wanted} already").filled(
                member=member.name, wanted=wanted.value
            )
        )
    if wanted is MemberState.SUSPENDED and len(before.active()) == 1:
        raise AmendmentError(Phrase("nobody would take part any more"))
    members = [
        replace(each, state=wanted) if each is member else each
        for each in before.members
    ]
    return replace(before, members=members)


def _without(before: Charter, name: str | None) -> Charter:
    member = _member(before, name)
    members = [each for each in before.members if each is not member]
    if not any(each.active for each in members):
        raise AmendmentError(Phrase("nobody would take part any more"))
    appeal = None if before.appeal == member.name else before.appeal
    deputy = before.deputy
    if appeal is None or deputy == member.name:
        deputy = msgspec.UNSET
    return replace(before, members=members, appeal=appeal, deputy=deputy)


def _member(charter: Charter, name: str | None) -> Member:
    for member in charter.members:
        if member.name == name:
            return member
    known = ", ".join(each.name for each in charter.members)
    raise AmendmentError(
        Phrase("that is no member; the members are {known}").filled(known=known)
    )


def _quorum(before: Charter, after: Charter) -> int:
    """Keep a quorum that was set, as far as the members are enough for it."""
    if after.quorum != before.quorum:
        return after.quorum
    was, active = len(before.active()), len(after.active())
    if before.quorum == majority(was):
        return majority(active)
    return max(majority(active), min(before.quorum, active))
