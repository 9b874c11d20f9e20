# SPDX-License-Identifier: Apache-2.0
"""New keys of a member: it gives up all that it has, and the charter keeps their names.

The member signs the version with its old statement key and with the new one, so nobody
gives it keys that it did not want, or that nobody holds. Where the old ones were stolen
the thief could sign as well: then the others decide without them.

That keys were stolen which it gave up long ago, a quorum says like any other change,
and takes back: its present keys are in nobody else's hands, so it votes as ever.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

from fedsafe_federation.charter.card import MemberKeys
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.charter.former_keys import MOST_FORMER, FormerKeys, former_of
from fedsafe_federation.errors import AmendmentError, MalformedError
from fedsafe_policies.ground.catalogue import Phrase


def with_new_keys(member: Member, keys: MemberKeys, stolen: int | None) -> Member:
    """Give a member other keys; *stolen*: since when others have the old ones.

    Raises:
        AmendmentError: it has had too many.
    """
    if len(member.former_keys) >= MOST_FORMER:
        raise AmendmentError(
            Phrase("a member has new keys at most {most} times").filled(
                most=MOST_FORMER
            )
        )
    former = (former_of(member.keys, stolen), *member.former_keys)
    return msgspec.structs.replace(member, keys=keys, former=former)


def with_former_called(member: Member, number: int, stolen: int | None) -> Member:
    """Call former keys stolen since a time, or sound; *number* 1 names the last ones.

    Raises:
        AmendmentError: it has not had so many.
    """
    former = list(member.former_keys)
    if not 0 < number <= len(former):
        raise AmendmentError(
            Phrase("{member} has given up keys {former} times").filled(
                member=member.name, former=len(former)
            )
        )
    former[number - 1] = msgspec.structs.replace(former[number - 1], stolen=stolen)
    return msgspec.structs.replace(member, former=tuple(former))


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
    """Check that former keys are kept, whatever they are called, and new ones are new.

    Raises:
        MalformedError: with the rule that is broken.
    """
    old = {each.name: each for each in before.members}
    for member in after.members:
        was = old.get(member.name)
        kept = () if was is None else was.former_keys
        if was is None or was.keys == member.keys:
            _check_called(kept, member.former_keys, after.created)
            continue
        first, *rest = member.former_keys or (None,)
        if first is None or tuple(rest) != tuple(kept):
            raise MalformedError("Charter", Phrase("former keys are left out"))
        if first != former_of(was.keys, first.stolen):
            raise MalformedError("Charter", Phrase("a former key is another one"))
        if first.stolen is not None and first.stolen > after.created:
            raise MalformedError("Charter", Phrase("keys that will be stolen"))
        if member.keys.sealing == was.keys.sealing:
            raise MalformedError("Charter", Phrase("a member keeps some of its keys"))


def _check_called(
    were: Sequence[FormerKeys], are: Sequence[FormerKeys], now: int
) -> None:
    if [each.signing() for each in were] != [each.signing() for each in are]:
        raise MalformedError("Charter", Phrase("former keys are not what they were"))
    called = [e.stolen for was, e in zip(were, are, strict=True) if was != e]
    if any(stolen is not None and stolen > now for stolen in called):
        raise MalformedError("Charter", Phrase("keys that will be stolen"))
