# SPDX-License-Identifier: Apache-2.0
"""New keys of a member: it gives up all that it has, and the charter keeps their names.

The member signs the version with its old statement key and with the new one, so nobody
gives it keys that it did not want, or that nobody holds. Where the old ones were stolen
the thief could sign as well: then the others decide without them.
"""

from collections.abc import Set as AbstractSet

import msgspec

from fedsafe_federation.card import MemberKeys
from fedsafe_federation.charter import Charter, Member
from fedsafe_federation.errors import AmendmentError, MalformedError
from fedsafe_federation.former import MOST_FORMER, former_of


def with_new_keys(member: Member, keys: MemberKeys, stolen: int | None) -> Member:
    """Give a member other keys; *stolen*: since when others have the old ones.

    Raises:
        AmendmentError: it has had too many.
    """
    if len(member.former_keys) >= MOST_FORMER:
        raise AmendmentError(f"a member has new keys at most {MOST_FORMER} times")
    former = (former_of(member.keys, stolen), *member.former_keys)
    return msgspec.structs.replace(member, keys=keys, former=former)


def is_robbed(was: Member, now: Member) -> bool:
    """Whether a member has new keys because the old ones were stolen."""
    return was.keys != now.keys and any(
        each.stolen is not None for each in now.former_keys[:1]
    )


def robbed(before: Charter, after: Charter) -> AbstractSet[str]:
    """Name the members whose old keys say nothing about a version."""
    now = {each.name: each for each in after.members}
    return {
        each.name
        for each in before.members
        if each.name in now and is_robbed(each, now[each.name])
    }


def check_key_changes(before: Charter, after: Charter) -> None:
    """Check that former keys are kept as they were, and new ones are new.

    Raises:
        MalformedError: with the rule that is broken.
    """
    old = {each.name: each for each in before.members}
    for member in after.members:
        was = old.get(member.name)
        kept = () if was is None else was.former_keys
        if was is None or was.keys == member.keys:
            if tuple(member.former_keys) != tuple(kept):
                raise MalformedError("Charter", "former keys are not what they were")
            continue
        first, *rest = member.former_keys or (None,)
        if first is None or tuple(rest) != tuple(kept):
            raise MalformedError("Charter", "former keys are left out")
        if first != former_of(was.keys, first.stolen):
            raise MalformedError("Charter", "a former key is another one")
        if first.stolen is not None and first.stolen > after.created:
            raise MalformedError("Charter", "keys that will be stolen")
        if member.keys.sealing == was.keys.sealing:
            raise MalformedError("Charter", "a member keeps some of its keys")
