# SPDX-License-Identifier: Apache-2.0
"""For whom a signal is meant (P14), as the store keeps it: members, or one group.

A group is written ``group:NAME``, which no member can be called. Who belongs to it is
the policy's to say (`[scopes.groups]`), anew whenever it is asked; an unknown or
empty group is nobody.
"""

from hashlib import sha256
from typing import Final

from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.rules.disclosure import Audience
from fedsafe_policies.vocabulary import Circle

_PREFIX: Final = "group:"


def of_group(name: str) -> frozenset[str]:
    """Mean a group."""
    return frozenset({_PREFIX + name})


def group_in(names: frozenset[str] | None) -> str | None:
    """Return the group that is meant, if it is one."""
    for name in names or ():
        if name.startswith(_PREFIX):
            return name.removeprefix(_PREFIX)
    return None


def audience_of(names: frozenset[str] | None) -> Audience:
    """Say it as policies do; None means everybody."""
    group = group_in(names)
    if group is not None:
        return Audience(Circle.GROUP, frozenset({group}))
    if names is None:
        return Audience(Circle.FEDERATION)
    return Audience(Circle.NODES, names)


def audience_digest(names: frozenset[str] | None) -> str:
    """Tell audiences apart, as short as an index needs it; empty for everybody."""
    if names is None:
        return ""
    return sha256("\n".join(sorted(names)).encode()).hexdigest()


def members_in(names: frozenset[str] | None, policy: Policy) -> frozenset[str] | None:
    """Name the members who are meant now; None means everybody."""
    group = group_in(names)
    if group is None:
        return names
    return policy.document.scopes.groups.get(group, frozenset())


def groups_of(member: str, policy: Policy) -> frozenset[str]:
    """Return the groups that a member is in now, as the store writes them."""
    scopes = policy.document.scopes
    if Circle.GROUP not in scopes.circles:
        return frozenset()
    return frozenset(
        _PREFIX + name for name, members in scopes.groups.items() if member in members
    )
