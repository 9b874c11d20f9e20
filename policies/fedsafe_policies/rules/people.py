# SPDX-License-Identifier: Apache-2.0
"""People as decisions see them, and when two of them are two (P6)."""

from collections.abc import Collection
from dataclasses import dataclass

from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a credential: the name that two sessions share, and a role."""

    name: str
    role: Role

    @property
    def identity(self) -> str:
        """The name as it is compared: how it is written makes nobody another."""
        return self.name.casefold().strip()


def refuse_second(
    first: Person, second: Person | None, roles: Collection[Role]
) -> Refusal | None:
    """Say what is wrong with `second`, who must not be `first` and have a role."""
    if second is None:
        return Refusal.FOUR_EYES
    if second.role not in roles:
        return Refusal.ROLE
    return Refusal.FOUR_EYES if second.identity == first.identity else None
