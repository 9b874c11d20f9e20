# SPDX-License-Identifier: Apache-2.0
"""By which fingerprint people compare whom a version of the charter brings in.

A member's entry holds all that its card says but what its canonicalisers answer; and
those answer alike at all members, or it could not have come. So whoever is asked to
sign can compute the card, and compare its fingerprint by telephone as the inviter did.
"""

from typing import Final

from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.charter.diff import (
    Difference,
    differences,
    fingerprint_of_member,
)

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
