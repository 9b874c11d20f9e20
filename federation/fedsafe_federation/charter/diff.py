# SPDX-License-Identifier: Apache-2.0
"""What a next version of the charter changes, in words.

Whoever made it: so nobody signs what they were not shown.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from fedsafe_federation.charter.card import Card, fingerprint_of
from fedsafe_federation.charter.charter import (
    Charter,
    Member,
    MemberRole,
    PolicyReference,
)
from fedsafe_federation.charter.key_change import is_robbed
from fedsafe_federation.identifiers.corpus import corpus_digests
from fedsafe_federation.wire.wireformat import encode
from fedsafe_policies.ground.catalogue import Phrase, joined

_ROLES: Final = {
    MemberRole.HOLDER: Phrase.within("role of a member", "holder"),
    MemberRole.LISTER: Phrase.within("role of a member", "lister"),
    MemberRole.MEDIA: Phrase.within("role of a member", "media"),
}
_STEP: Final = "{} → {}"
_TERMS: Final = {
    "policy": Phrase("the federation's policy"),
    "arrangement": Phrase("arrangement (Art. 26 GDPR)"),
}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a version changes, in both languages."""

    key: str
    de: str
    en: str


def differences(before: Charter, after: Charter) -> list[Difference]:
    """Say everything that a version changes."""
    return [
        *_of_members(before, after),
        *_of_terms(before, after),
        *_of_backfills(before, after),
    ]


def fingerprint_of_member(member: Member) -> str:
    """Give the fingerprint of the card that a member's entry was made of."""
    card = Card(
        v=1,
        name=member.name,
        url=member.url,
        jurisdiction=member.jurisdiction,
        keys=member.keys,
        canonicalisers=dict(corpus_digests()),
    )
    return fingerprint_of(encode(card))


def _of_members(before: Charter, after: Charter) -> Iterator[Difference]:
    old = {each.name: each for each in before.members}
    new = {each.name: each for each in after.members}
    for name in sorted(new.keys() - old.keys()):
        told = Phrase("{name} becomes a member ({url}; {roles})")
        url, roles = new[name].url, _roles(new[name])
        yield difference("joined", told.filled(name=name, url=url, roles=roles))
    for name in sorted(old.keys() - new.keys()):
        yield difference(
            "left",
            Phrase(
                "{name} is no member any more; its signals end, their openings are "
                "erased everywhere"
            ).filled(name=name),
        )
    for name in sorted(old.keys() & new.keys()):
        yield from _of_member(old[name], new[name])


def _of_member(was: Member, now: Member) -> Iterator[Difference]:
    name = was.name
    if now.state is not was.state and now.active:
        again = Phrase("{name} takes part again; its signals match again")
        yield difference("reinstated", again.filled(name=name))
    elif now.state is not was.state:
        yield difference(
            "suspended",
            Phrase(
                "{name} is suspended: no exchange, and no match of its signals"
            ).filled(name=name),
        )
    if now.roles != was.roles:
        has = Phrase.within("roles", "{name} has {roles}")
        yield difference("roles", has.filled(name=name, roles=_roles(now)))
    if now.keys != was.keys:
        yield _of_keys(was, now)
    else:
        yield from _of_former(was, now)
    if now.url != was.url:
        yield difference(
            "url", Phrase("{name} is at {url}").filled(name=name, url=now.url)
        )
    if now.jurisdiction != was.jurisdiction:
        sits = Phrase("{name} sits in {place}")
        yield difference("place", sits.filled(name=name, place=now.jurisdiction))


def _of_keys(was: Member, now: Member) -> Difference:
    name, shown = now.name, fingerprint_of_member(now)
    told = Phrase("{name} has new keys: fingerprint {shown}")
    parts = [told.filled(name=name, shown=shown)]
    if is_robbed(was, now):
        since = _day(now.former_keys[0].stolen or 0)
        robbed = Phrase("since {since} nothing counts that the old ones sign")
        parts.append(robbed.filled(since=since))
    return difference("keys", joined("; ", parts))


def _of_former(was: Member, now: Member) -> Iterator[Difference]:
    pairs = zip(was.former_keys, now.former_keys, strict=False)
    for number, (before, after) in enumerate(pairs, start=1):
        if before == after:
            continue
        if after.stolen is None:
            told = Phrase(
                "{name}: keys that it gave up, no. {number} (1: the last) are held to "
                "be stolen no more"
            ).filled(name=now.name, number=number)
        else:
            told = Phrase(
                "{name}: keys that it gave up, no. {number} (1: the last) were stolen; "
                "since {since} nothing counts that they sign"
            ).filled(name=now.name, number=number, since=_day(after.stolen))
        yield difference("former", told)


def _roles(member: Member) -> Phrase:
    return joined(", ", (_ROLES[each] for each in member.roles))


def _of_terms(before: Charter, after: Charter) -> Iterator[Difference]:
    for key, term in _TERMS.items():
        was, now = getattr(before, key), getattr(after, key)
        if was != now:
            step = _STEP.format(_short(was), _short(now))
            yield difference(key, joined(": ", [term, step]))
    if after.quorum != before.quorum:
        step = _STEP.format(before.quorum, after.quorum)
        yield difference("quorum", Phrase("quorum: {step}").filled(step=step))
    if after.appeal != before.appeal:
        step = _STEP.format(before.appeal or "-", after.appeal or "-")
        yield difference("appeal", Phrase("appeals go to: {step}").filled(step=step))
    if after.stand_in != before.stand_in:
        step = _STEP.format(before.stand_in or "-", after.stand_in or "-")
        yield difference(
            "deputy", Phrase("deputy for appeals: {step}").filled(step=step)
        )
    for ruling in after.without_effect:
        if ruling not in before.without_effect:
            aside = Phrase("without effect: ruling on an appeal {ruling}")
            yield difference("set_aside", aside.filled(ruling=ruling.hex()))
    if after.witness_quorum != before.witness_quorum:
        step = _STEP.format(before.witness_quorum, after.witness_quorum)
        yield difference("witnesses", Phrase("witnesses: {step}").filled(step=step))
    yield from _of_epochs(before, after)


def _of_epochs(before: Charter, after: Charter) -> Iterator[Difference]:
    """Say what keys there are then: not their number alone decides who can use them."""
    if after.epochs == before.epochs:
        return
    keys = [
        Phrase("{name} ({threshold} of {count}, {since} until {until})").filled(
            name=f"{each.epoch}.{each.generation}",
            threshold=each.threshold,
            count=len(each.pins),
            since=_day(each.starts),
            until=_day(each.ends),
        )
        for each in after.epochs
    ]
    yield difference("epochs", Phrase("keys: {keys}").filled(keys=joined(", ", keys)))


def _of_backfills(before: Charter, after: Charter) -> Iterator[Difference]:
    for each in after.backfills:
        if each in before.backfills:
            continue
        more = Phrase(
            "{name} may have {count} identifiers more evaluated by each member, from "
            "{since} until {until}"
        )
        since, until = (_day(moment) for moment in (each.since, each.until))
        values = {"name": each.member, "count": each.elements}
        yield difference("backfill", more.filled(**values, since=since, until=until))
    for each in before.backfills:
        if each not in after.backfills and each.until > after.created:
            ends = Phrase("the backfill of {name} ends")
            yield difference("backfill", ends.filled(name=each.member))


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _short(reference: PolicyReference) -> str:
    return f"{reference.name}@{reference.sha256.hex()[:8]}"


def difference(key: str, told: Phrase) -> Difference:
    """Say a difference in both languages."""
    return Difference(key=key, de=told.said("de"), en=told.said("en"))


# By which fingerprint people compare whom a version of the charter brings in.
#
# A member's entry holds all that its card says but what its canonicalisers answer; and
# those answer alike at all members, or it could not have come. So whoever is asked to
# sign can compute the card, and compare its fingerprint by telephone as the inviter
# did.

_KEY: Final = "fingerprint"


def introduced(before: Charter, after: Charter) -> list[Difference]:
    """Say everything that a version changes, and whom to compare by telephone."""
    known = {each.name: each.keys for each in before.members}
    return [
        *differences(before, after),
        *(_fingerprint(e) for e in after.members if known.get(e.name) != e.keys),
    ]


def _fingerprint(member: Member) -> Difference:
    compare = Phrase("compare by telephone: {name} has the fingerprint {groups}")
    groups = fingerprint_of_member(member)
    return difference(_KEY, compare.filled(name=member.name, groups=groups))
