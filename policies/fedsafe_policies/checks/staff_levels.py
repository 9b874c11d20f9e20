# SPDX-License-Identifier: Apache-2.0
"""Whether the people that a provider has suffice for what it has switched on.

Every seat of the policy is filled and nobody holds roles that stay apart. What takes
two people finds two, act for act, by the word of the engine (`rehearsal`). And
whoever has published a signal leaves somebody who may rule on a dispute of it: else it
would be revoked for want of a ruling (P10).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from fedsafe_policies.checks.rehearsal import Roles, able_pairs, rulers
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.rules.publication import APPROVERS, AUTHORS
from fedsafe_policies.vocabulary import Act, Role

People = Mapping[str, frozenset[Role]]

_SEATS_FIRST: Final = (Role.DPO, Role.REVIEWER, Role.ANALYST, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the policy wants of its people, asked of the engine once."""

    policy: Policy
    pairs: Mapping[Act, Roles]
    rulers: frozenset[Role]


def gaps(people: People, policy: Policy) -> tuple[str, ...]:
    """Name what is missing or clashes; empty if the people suffice.

    `people` maps names to roles, external seats included.
    """
    return tuple(_gaps(people, _wanted(policy)))


def _wanted(policy: Policy) -> _Wanted:
    return _Wanted(policy, able_pairs(policy), rulers(policy))


def _gaps(people: People, wanted: _Wanted) -> Iterator[str]:
    for seat in sorted(wanted.policy.document.staffing.seats):
        if not any(seat in roles for roles in people.values()):
            yield f"seat:{seat}"
    for name, roles in sorted(people.items()):
        for one in sorted(roles):
            for other in sorted(roles):
                if one < other and (one, other) in wanted.policy.apart:
                    yield f"apart:{name}:{one}+{other}"
    if not any(_publishing(people)):
        yield "four_eyes"
    for act, pairs in wanted.pairs.items():
        if not _finds_two(people, pairs):
            yield f"act:{act}"
    yield from _without_ruler(people, wanted)


def _finds_two(people: People, pairs: Roles) -> bool:
    return any(
        (one, other) in pairs
        for first, second in permutations(people, 2)
        for one in people[first]
        for other in people[second]
    )


def _publishing(people: People) -> Iterator[tuple[str, str]]:
    """Give whoever may be the author and the approver of one signal."""
    for author, approver in permutations(sorted(people), 2):
        if people[author] & AUTHORS and people[approver] & APPROVERS:
            yield author, approver


def _without_ruler(people: People, wanted: _Wanted) -> Iterator[str]:
    """Name those after whose publication nobody is left to rule on a dispute."""
    may = {name for name, roles in people.items() if roles & wanted.rulers}
    parties = [{name} for name, roles in people.items() if roles & AUTHORS]
    parties += [set(pair) for pair in _publishing(people)]
    lacking = {"+".join(sorted(party)) for party in parties if not may - party}
    for party in sorted(lacking):
        yield f"ruling:{party}"


def suggest(
    names: Sequence[str], policy: Policy
) -> Mapping[str, frozenset[Role]] | None:
    """Share the seats out among people so that nothing is missing, if one can."""
    seats = sorted(policy.document.staffing.seats, key=_rank)
    held: dict[str, set[Role]] = {name: set() for name in names}
    if not _seat(seats, held, _wanted(policy)):
        return None
    return {name: frozenset(roles) for name, roles in held.items()}


def _seat(seats: Sequence[Role], held: dict[str, set[Role]], wanted: _Wanted) -> bool:
    if not seats:
        people = {name: frozenset(has) for name, has in held.items()}
        return next(_gaps(people, wanted), None) is None
    seat, *others = seats
    tried = set[frozenset[Role]]()
    for name in sorted(held, key=lambda name: len(held[name])):
        if frozenset(held[name]) in tried:
            continue  # who has the same roles makes no difference
        tried.add(frozenset(held[name]))
        if any((seat, other) in wanted.policy.apart for other in held[name]):
            continue
        held[name].add(seat)
        if _seat(others, held, wanted):
            return True
        held[name].discard(seat)
    return False


def _rank(seat: Role) -> tuple[int, str]:
    first = seat in _SEATS_FIRST
    return (_SEATS_FIRST.index(seat) if first else len(_SEATS_FIRST), seat)
