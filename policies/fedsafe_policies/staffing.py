# SPDX-License-Identifier: Apache-2.0
"""Whether the people that a provider has suffice for what it has switched on.

Every seat of the policy is filled, nobody holds roles that stay apart, and what
takes two people finds two.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from fedsafe_policies.policy import Policy
from fedsafe_policies.vocabulary import Role

_SEATS_FIRST: Final = (Role.DPO, Role.REVIEWER, Role.ANALYST, Role.OPERATOR)


def gaps(people: Mapping[str, frozenset[Role]], policy: Policy) -> tuple[str, ...]:
    """Name what is missing or clashes; empty if the people suffice.

    `people` maps names to roles, external seats included.
    """
    found = [
        f"seat:{seat}"
        for seat in sorted(policy.document.staffing.seats)
        if not any(seat in roles for roles in people.values())
    ]
    for name, roles in sorted(people.items()):
        found += [
            f"apart:{name}:{one}+{other}"
            for one in sorted(roles)
            for other in sorted(roles)
            if one < other and (one, other) in policy.apart
        ]
    if not _two_reviewers_of_each_other(people):
        found.append("four_eyes")
    return tuple(found)


def suggest(
    names: Sequence[str], policy: Policy
) -> Mapping[str, frozenset[Role]] | None:
    """Share the seats out among people so that nothing is missing, if one can."""
    seats = sorted(policy.document.staffing.seats, key=_rank)
    held: dict[str, set[Role]] = {name: set() for name in names}
    if not _seat(seats, held, policy):
        return None
    return {name: frozenset(roles) for name, roles in held.items()}


def _seat(seats: Sequence[Role], held: dict[str, set[Role]], policy: Policy) -> bool:
    if not seats:
        return not gaps({name: frozenset(has) for name, has in held.items()}, policy)
    seat, *others = seats
    for name in sorted(held, key=lambda name: len(held[name])):
        if any((seat, other) in policy.apart for other in held[name]):
            continue
        held[name].add(seat)
        if _seat(others, held, policy):
            return True
        held[name].discard(seat)
    return False


def _rank(seat: Role) -> tuple[int, str]:
    first = seat in _SEATS_FIRST
    return (_SEATS_FIRST.index(seat) if first else len(_SEATS_FIRST), seat)


def _two_reviewers_of_each_other(people: Mapping[str, frozenset[Role]]) -> bool:
    """Whether an author finds a reviewer who is somebody else."""
    writers = {name for name, roles in people.items() if Role.ANALYST in roles}
    reviewers = {name for name, roles in people.items() if Role.REVIEWER in roles}
    return any(writers - {reviewer} for reviewer in reviewers)
