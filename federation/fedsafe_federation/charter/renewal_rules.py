# SPDX-License-Identifier: Apache-2.0
"""When a key is to be shared anew or followed by another, by whom, for how many.

It is due once whoever holds a share is not who should, and each month, so that what a
thief took in one month is worth nothing with what he takes in the next. A member that
has left keeps its share of the generation in which it left. Such shares make the key
once there are as many as that generation's threshold, whatever comes after it: then
only a new key helps, and `Departed` counts how far away that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.charter.charter import Charter, Epoch, Member, majority

MONTH: Final = 30 * 24 * 3600
FORTNIGHT: Final = 14 * 24 * 3600
REST: Final = 24 * 3600
"""A generation is shared anew without a need after so many seconds at the soonest."""


@unique
class Need(StrEnum):
    """Why a key is to be shared anew."""

    DEPARTED = "departed"
    LACKING = "lacking"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Departed:
    """How many shares of one generation lie with members that have left."""

    epoch: int
    generation: int
    threshold: int
    count: int

    @property
    def is_close(self) -> bool:
        """Whether one more would do to make the key."""
        return 0 < self.count >= self.threshold - 1


def need_of(charter: Charter, entry: Epoch, made: int, now: int) -> Need | None:
    """Say why an epoch's key is to be shared anew, if it is; *made* is its age."""
    if now >= charter.epoch_over(entry.epoch):
        return None
    pinned = {pin.index for pin in entry.pins}
    willing = {each.index for each in charter.willing()}
    if pinned - willing:
        return Need.DEPARTED
    if willing - pinned:
        return Need.LACKING
    ended = now >= charter.epoch_ends(entry.epoch)
    return Need.MONTHLY if now >= made + MONTH and not ended else None


def is_ending(charter: Charter, now: int) -> bool:
    """Whether any member may begin the next epoch without asking the others' people."""
    return now >= charter.newest.ends - MONTH


def is_due(charter: Charter, now: int) -> bool:
    """Whether the next epoch is to begin, though nobody has asked for it."""
    return now >= charter.newest.ends - FORTNIGHT


def is_exposed(chain: Sequence[Charter]) -> bool:
    """Whether members that left nearly have the newest key: another one has to follow.

    Sharing it anew takes nothing from what they keep.
    """
    newest = chain[-1].newest.epoch
    return any(each.is_close for each in departed(chain) if each.epoch == newest)


def convenors(charter: Charter, entry: Epoch, need: Need) -> list[Member]:
    """Give who is to propose it, the first one first.

    Whoever lacks a share asks for it; until it does, it would only be waited for.
    """
    pinned = {pin.index for pin in entry.pins}
    willing = charter.willing()
    if need is Need.LACKING:
        return [each for each in willing if each.index not in pinned]
    return [each for each in willing if each.index in pinned]


def fitting(charter: Charter, entry: Epoch) -> int:
    """Give the threshold that the members come to if nobody says another.

    It stays where it can, and is more than half of those who are to hold shares.
    """
    count = len(charter.willing())
    if count == len(entry.pins):
        return entry.threshold
    return max(majority(count), min(entry.threshold, count - 1))


def is_lower(charter: Charter, entry: Epoch) -> bool:
    """Whether that is less than before: then people at each member have to agree."""
    return fitting(charter, entry) < entry.threshold


def made_at(chain: Sequence[Charter], entry: Epoch) -> int:
    """Give the moment of the version that first showed a generation."""
    number = entry.epoch, entry.generation
    for charter in chain:
        if number in {(each.epoch, each.generation) for each in charter.epochs}:
            return charter.created
    return 0


def renewal_in(before: Charter, after: Charter) -> Epoch | None:
    """Give the generation or epoch that a version brings, if it brings nothing else."""
    old = {each.epoch: each for each in before.epochs}
    changed = [each for each in after.epochs if old.get(each.epoch) != each]
    kept = [each.epoch for each in after.epochs if each.epoch in old]
    same = replace(
        after,
        version=before.version,
        previous=before.previous,
        created=before.created,
        epochs=before.epochs,
    )
    if same != before or len(changed) != 1:
        return None
    [entry] = changed
    stays = [each.epoch for each in before.epochs]
    if entry.epoch not in old:
        stays = [each.epoch for each in before.live(after.created)]
    return entry if kept == stays else None


def departed(chain: Sequence[Charter]) -> list[Departed]:
    """Count, for each generation of a live epoch, the shares that left with members.

    Whoever is suspended may come back, and is not counted.
    """
    newest = chain[-1]
    live = {each.epoch for each in newest.epochs}
    members = {each.index for each in newest.members}
    found: dict[tuple[int, int], Departed] = {}
    for charter in chain:
        for entry in charter.epochs:
            if entry.epoch in live:
                gone = {pin.index for pin in entry.pins} - members
                number = entry.epoch, entry.generation
                found[number] = Departed(*number, entry.threshold, len(gone))
    return [found[number] for number in sorted(found)]
