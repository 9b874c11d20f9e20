# SPDX-License-Identifier: Apache-2.0
"""Why there is no backup, or none that can be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.ground.errors import NodeError
from fedsafe_policies.ground.catalogue import Phrase

_GUARD: Final = Phrase("the rollback guard")


class BackupRefusedError(NodeError):
    """A backup is not made like this, or a file of it cannot be used."""

    def __init__(self, reason: Phrase, way_out: Phrase | None = None) -> None:
        super().__init__(reason)
        self.way_out = way_out


@dataclass(frozen=True, slots=True)
class BadPart:
    """A part of a backup that is not as it was made; `is_missing` if it is gone."""

    name: str
    why: str | Phrase
    is_missing: bool = False


class BackupBrokenError(NodeError):
    """A backup is not as it was made."""

    def __init__(self, parts: Sequence[BadPart]) -> None:
        first = parts[0]
        told = Phrase("the backup is damaged at {name}: {why}")
        super().__init__(told.filled(name=first.name, why=first.why))
        self.parts = tuple(parts)


class MembersAwayError(NodeError):
    """Members do not answer that may have seen more of the own feed than all others."""

    def __init__(self, names: Sequence[str]) -> None:
        told = Phrase(
            "{names}: no usable answer, and nobody else knows what they have seen of "
            "this node's feed"
        )
        super().__init__(told.filled(names=", ".join(names)))
        self.names = tuple(names)


class PastLostError(NodeError):
    """More of the own feed has left the node than anybody holds.

    `witness` has seen it; None if only the rollback guard knows of it.
    """

    def __init__(self, witness: str | None, seen: int, reach: int) -> None:
        told = Phrase(
            "{who} knows of {seen} entries of this node's feed, and nobody who answers "
            "holds more than {reach}: to go on there would show two histories"
        )
        super().__init__(told.filled(who=witness or _GUARD, seen=seen, reach=reach))
        self.witness = witness
        self.seen = seen
        self.reach = reach
