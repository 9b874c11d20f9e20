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

_GERMAN_ROLES: Final = {
    MemberRole.HOLDER: "Anteil",
    MemberRole.LISTER: "Liste",
    MemberRole.MEDIA: "Medien",
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
    name, shown = now.name, fingerprint_of_member(now)
    de = f"{name} hat neue Schlüssel: Fingerabdruck {shown}"
    en = f"{name} has new keys: fingerprint {shown}"
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
    if after.stand_in != before.stand_in:
        step = f"{before.stand_in or '-'} → {after.stand_in or '-'}"
        yield _said(
            "deputy",
            f"Stellvertretung der Beschwerdestelle: {step}",
            f"deputy for appeals: {step}",
        )
    for ruling in after.without_effect:
        if ruling not in before.without_effect:
            yield _said(
                "set_aside",
                f"ohne Wirkung: Entscheidung über eine Beschwerde {ruling.hex()}",
                f"without effect: ruling on an appeal {ruling.hex()}",
            )
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
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _short(reference: PolicyReference) -> str:
    return f"{reference.name}@{reference.sha256.hex()[:8]}"


def _said(key: str, de: str, en: str) -> Difference:
    return Difference(key=key, de=de, en=en)


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
    groups = fingerprint_of_member(member)
    return Difference(
        key=_KEY,
        de=f"am Telefon vergleichen: {member.name} hat den Fingerabdruck {groups}",
        en=f"compare by telephone: {member.name} has the fingerprint {groups}",
    )
