# SPDX-License-Identifier: Apache-2.0
"""What members change of their charter: a next version, and what it changes, in words.

A change is one thing that somebody wants. `amended` makes the next version of it, by
the rules that `amendment` checks; `differences` says what any next version changes,
whoever made it, so that nobody signs what they were not shown.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_federation.amendment import Version
from fedsafe_federation.card import Card, fingerprint_of
from fedsafe_federation.charter import (
    ALL_ROLES,
    MAX_MEMBERS,
    MOST_BACKFILL,
    Backfill,
    Charter,
    Member,
    MemberRole,
    MemberState,
    PolicyReference,
    majority,
)
from fedsafe_federation.errors import AmendmentError
from fedsafe_federation.key_change import (
    is_robbed,
    with_former_called,
    with_new_keys,
)
from fedsafe_federation.wireformat import encode

_DAY: Final = 24 * 60 * 60
_GERMAN_ROLES: Final = {
    MemberRole.HOLDER: "Anteil",
    MemberRole.LISTER: "Liste",
    MemberRole.MEDIA: "Medien",
}


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
    New keys may follow some that were `stolen` at that time. So may keys be that a
    member gave up before: `former` 1 names the last ones. `sound` takes that back.
    """

    kind: ChangeKind
    member: str | None = None
    policy: PolicyReference | None = None
    arrangement: PolicyReference | None = None
    quorum: int | None = None
    appeal: str | None = None
    elements: int | None = None
    seconds: int | None = None
    stolen: int | None = None
    former: int | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a version changes, in both languages."""

    key: str
    de: str
    en: str


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
        raise AmendmentError("that is how the charter is already")
    quorum = change.quorum if change.quorum is not None else _quorum(before, after)
    active = len(after.active())
    if not majority(active) <= quorum <= active:
        raise AmendmentError(
            f"the quorum has to be {majority(active)} to {active} of "
            f"{active} active members"
        )
    return replace(
        after,
        version=before.version + 1,
        previous=version.digest,
        created=max(now, before.created),
        quorum=quorum,
        backfills=_backfills(after, now),
    )


def differences(before: Charter, after: Charter) -> list[Difference]:
    """Say everything that a version changes."""
    return [
        *_of_members(before, after),
        *_of_terms(before, after),
        *_of_backfills(before, after),
    ]


def _terms(before: Charter, change: Change) -> Charter:
    appeal = before.appeal
    if change.appeal is not None:
        appeal = _member(before, change.appeal).name if change.appeal else None
    return replace(
        before,
        policy=change.policy or before.policy,
        arrangement=change.arrangement or before.arrangement,
        quorum=change.quorum or before.quorum,
        appeal=appeal,
    )


def _joined(before: Charter, card: Card | None, roles: Sequence[MemberRole]) -> Charter:
    if card is None:
        raise AmendmentError("the card of who joins is missing")
    if card.name in {each.name for each in before.members}:
        raise AmendmentError(f"{card.name} is a member already")
    if len(before.members) >= MAX_MEMBERS:
        raise AmendmentError(f"a federation has at most {MAX_MEMBERS} members")
    taken = {key for each in before.members for key in each.signing_keys()}
    if taken & set(card.keys.signing()):
        raise AmendmentError(f"{card.name} has a key of another member")
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
        raise AmendmentError("the card with the new keys is missing")
    _check_past(before, change, now)
    new = with_new_keys(member, card.keys, change.stolen)
    members = [new if each is member else each for each in before.members]
    return replace(before, members=members)


def _with_former(before: Charter, change: Change, now: int) -> Charter:
    member = _member(before, change.member)
    if (change.kind is ChangeKind.STOLEN) != (change.stolen is not None):
        raise AmendmentError("keys are stolen since a time, and sound without one")
    _check_past(before, change, now)
    new = with_former_called(member, change.former or 1, change.stolen)
    members = [new if each is member else each for each in before.members]
    return replace(before, members=members)


def _check_past(before: Charter, change: Change, now: int) -> None:
    if change.stolen is not None and change.stolen > max(now, before.created):
        raise AmendmentError("keys that were stolen were so before now")


def _with_backfill(before: Charter, change: Change, now: int) -> Charter:
    member = _member(before, change.member)
    if before.backfill(member.name, now) is not None:
        raise AmendmentError(f"{member.name} has a backfill already")
    seconds = change.seconds or 0
    if not 0 < seconds <= MOST_BACKFILL or not change.elements:
        days = MOST_BACKFILL // _DAY
        raise AmendmentError(f"a backfill is for some elements and 1 to {days} days")
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
        raise AmendmentError(f"{member.name} is {wanted.value} already")
    if wanted is MemberState.SUSPENDED and len(before.active()) == 1:
        raise AmendmentError("nobody would take part any more")
    members = [
        replace(each, state=wanted) if each is member else each
        for each in before.members
    ]
    return replace(before, members=members)


def _without(before: Charter, name: str | None) -> Charter:
    member = _member(before, name)
    members = [each for each in before.members if each is not member]
    if not any(each.active for each in members):
        raise AmendmentError("nobody would take part any more")
    appeal = None if before.appeal == member.name else before.appeal
    return replace(before, members=members, appeal=appeal)


def _member(charter: Charter, name: str | None) -> Member:
    for member in charter.members:
        if member.name == name:
            return member
    known = ", ".join(each.name for each in charter.members)
    raise AmendmentError(f"that is no member; the members are {known}")


def _quorum(before: Charter, after: Charter) -> int:
    """Keep a quorum that was set, as far as the members are enough for it."""
    if after.quorum != before.quorum:
        return after.quorum
    was, active = len(before.active()), len(after.active())
    if before.quorum == majority(was):
        return majority(active)
    return max(majority(active), min(before.quorum, active))


def _of_members(before: Charter, after: Charter) -> Iterator[Difference]:
    old = {each.name: each for each in before.members}
    new = {each.name: each for each in after.members}
    for name in sorted(new.keys() - old.keys()):
        de, en = _roles(new[name])
        yield _said(
            "joined",
            f"{name} wird Mitglied ({new[name].url}; {de})",
            f"{name} becomes a member ({new[name].url}; {en})",
        )
    for name in sorted(old.keys() - new.keys()):
        yield _said(
            "left",
            f"{name} ist nicht mehr Mitglied; seine Signale enden, ihre Inhalte "
            "werden überall gelöscht",
            f"{name} is no member any more; its signals end, their openings are "
            "erased everywhere",
        )
    for name in sorted(old.keys() & new.keys()):
        yield from _of_member(old[name], new[name])


def _of_member(was: Member, now: Member) -> Iterator[Difference]:
    name = was.name
    if now.state is not was.state and now.active:
        yield _said(
            "reinstated",
            f"{name} nimmt wieder teil; seine Signale treffen wieder zu",
            f"{name} takes part again; its signals match again",
        )
    elif now.state is not was.state:
        yield _said(
            "suspended",
            f"{name} ruht: kein Austausch, keine Treffer auf seine Signale",
            f"{name} is suspended: no exchange, and no match of its signals",
        )
    if now.roles != was.roles:
        de, en = _roles(now)
        yield _said("roles", f"{name} hat die Rollen {de}", f"{name} has {en}")
    if now.keys != was.keys:
        yield _of_keys(was, now)
    else:
        yield from _of_former(was, now)
    if now.url != was.url:
        yield _said("url", f"{name} ist unter {now.url}", f"{name} is at {now.url}")
    if now.jurisdiction != was.jurisdiction:
        place = now.jurisdiction
        yield _said("place", f"{name} sitzt in {place}", f"{name} sits in {place}")


def _of_keys(was: Member, now: Member) -> Difference:
    name, shown = now.name, fingerprint_of(encode(now.keys))
    de = f"{name} hat neue Schlüssel: {shown}"
    en = f"{name} has new keys: {shown}"
    if is_robbed(was, now):
        since = _day(now.former_keys[0].stolen or 0)
        de += f"; seit {since} gilt nichts mehr, was die alten unterschreiben"
        en += f"; since {since} nothing counts that the old ones sign"
    return _said("keys", de, en)


def _of_former(was: Member, now: Member) -> Iterator[Difference]:
    pairs = zip(was.former_keys, now.former_keys, strict=False)
    for number, (before, after) in enumerate(pairs, start=1):
        if before == after:
            continue
        de = f"{now.name}: aufgegebene Schlüssel Nr. {number} (1: die letzten)"
        en = f"{now.name}: keys that it gave up, no. {number} (1: the last)"
        if after.stolen is None:
            de += " gelten wieder als nicht gestohlen"
            en += " are held to be stolen no more"
        else:
            since = _day(after.stolen)
            de += f" waren gestohlen; was sie seit {since} unterschreiben, gilt nicht"
            en += f" were stolen; since {since} nothing counts that they sign"
        yield _said("former", de, en)


def _roles(member: Member) -> tuple[str, str]:
    """Name a member's roles in German and in English."""
    german = (_GERMAN_ROLES[each] for each in member.roles)
    return ", ".join(german), ", ".join(member.roles)


def _of_terms(before: Charter, after: Charter) -> Iterator[Difference]:
    for key, de, en in (
        ("policy", "Richtlinie der Föderation", "the federation's policy"),
        ("arrangement", "Vereinbarung (Art. 26 DSGVO)", "arrangement (Art. 26 GDPR)"),
    ):
        was, now = getattr(before, key), getattr(after, key)
        if was != now:
            step = f"{_short(was)} → {_short(now)}"
            yield _said(key, f"{de}: {step}", f"{en}: {step}")
    if after.quorum != before.quorum:
        step = f"{before.quorum} → {after.quorum}"
        yield _said("quorum", f"nötige Unterschriften: {step}", f"quorum: {step}")
    if after.appeal != before.appeal:
        step = f"{before.appeal or '-'} → {after.appeal or '-'}"
        yield _said("appeal", f"Beschwerdestelle: {step}", f"appeals go to: {step}")
    if after.witness_quorum != before.witness_quorum:
        step = f"{before.witness_quorum} → {after.witness_quorum}"
        yield _said("witnesses", f"nötige Zeugen: {step}", f"witnesses: {step}")
    yield from _of_epochs(before, after)


def _of_epochs(before: Charter, after: Charter) -> Iterator[Difference]:
    """Say what keys there are then: not their number alone decides who can use them."""
    if after.epochs == before.epochs:
        return
    de, en = list[str](), list[str]()
    for each in after.epochs:
        name, of = f"{each.epoch}.{each.generation}", len(each.pins)
        since, until = _day(each.starts), _day(each.ends)
        de.append(f"{name} ({each.threshold} von {of}, {since} bis {until})")
        en.append(f"{name} ({each.threshold} of {of}, {since} until {until})")
    yield _said("epochs", f"Schlüssel: {', '.join(de)}", f"keys: {', '.join(en)}")


def _of_backfills(before: Charter, after: Charter) -> Iterator[Difference]:
    for each in after.backfills:
        if each in before.backfills:
            continue
        since, until = (_day(moment) for moment in (each.since, each.until))
        name, count = each.member, each.elements
        yield _said(
            "backfill",
            f"{name} darf von {since} bis {until} bei jedem Mitglied {count} "
            "Kennungen mehr auswerten lassen",
            f"{name} may have {count} identifiers more evaluated by each member, "
            f"from {since} until {until}",
        )
    for each in before.backfills:
        if each not in after.backfills and each.until > after.created:
            name = each.member
            yield _said(
                "backfill",
                f"die Nacherfassung von {name} endet",
                f"the backfill of {name} ends",
            )


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).isoformat(timespec="minutes")


def _short(reference: PolicyReference) -> str:
    return f"{reference.name}@{reference.sha256.hex()[:8]}"


def _said(key: str, de: str, en: str) -> Difference:
    return Difference(key=key, de=de, en=en)
