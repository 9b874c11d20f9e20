# SPDX-License-Identifier: Apache-2.0
"""A decision sooner than the policy's seconds is asked once more, never refused (P13).

The seconds run from the moment in which this node first showed the matter as it is to
that person until the decision reached it, by its own clock. They say nothing of whether
somebody has read it. What is said too soon is answered with 409 `look_again`, and kept
by its digest; the same person may then say the same once more, in a second request.
Who has never been shown the matter is asked as well, and who waits until the seconds
are over says it without being asked. Both requests are events.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Rule
from fedsafe_policies.ground.span import SECONDS_A_DAY

T = TypeVar("T")
KEPT: Final = 7 * SECONDS_A_DAY
"""So long a look counts; who decides later is shown the matter anew."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What somebody says of a matter: a kind of thing and its name.

    `words` are the request; `context` is what it was said of, a revision for instance.
    """

    matter: str
    who: Principal
    words: Struct
    context: str = ""

    @property
    def digest(self) -> bytes:
        """The digest of what is said, whether for the first time or again."""
        plain = replace(self.words, again=False)
        return sha256(self.context.encode() + b"\0" + encode(plain)).digest()


@dataclass(frozen=True, slots=True)
class Haste:
    """A decision came sooner than the policy wants; `seconds` is None if unseen."""

    seconds: int | None
    least: int

    def error(self) -> WrongStateError:
        """Say what is asked of the person."""
        came = (
            "you have not been shown this as it is"
            if self.seconds is None
            else f"you decided in {self.seconds} seconds"
        )
        detail = Phrase(
            "{came}; the policy asks for {least}: look again and say it once "
            "more, with again"
        ).filled(came=came, least=self.least)
        return WrongStateError("look_again", detail)


def in_time(done: T | Haste) -> T:
    """Return what was done.

    Raises:
        WrongStateError: it was said too soon, and nothing is done.
    """
    if isinstance(done, Haste):
        raise done.error()
    return done


async def weigh_haste(
    desk: ReviewDesk, tx: Transaction, ruling: Ruling, seen_at: int | None
) -> Haste | None:
    """Tell whether a person has to say it once more; the caller raises after the act.

    Nothing of the ruling may be done where it has: only the question is kept.
    """
    least = desk.situation.policy.document.review.ask_again_seconds
    now = desk.now()
    seconds = None if seen_at is None else max(now - seen_at, 0)
    if seconds is not None and seconds >= least:
        return None
    who, matter = ruling.who.name, ruling.matter
    asked = await tx.look(matter, who)
    again = getattr(ruling.words, "again", False)
    is_said = again and asked is not None and asked.words == ruling.digest
    entry = desk.trail.entry(
        Event.DECISION_HURRIED,
        at=desk.clock.now(),
        outcome="said_again" if is_said else "asked",
        actor=who,
        detail={
            "matter": matter,
            "seconds": seconds,
            "least": least,
            "rule": Rule.HUMAN_DECISION.value,
            "policy": desk.situation.policy.reference,
        },
    )
    await desk.note(tx, entry)
    if is_said:
        return None
    await tx.ask_again(matter, who, ruling.digest, now)
    return Haste(seconds, least)


async def weigh_shown(
    desk: ReviewDesk, tx: Transaction, ruling: Ruling
) -> Haste | None:
    """Do so for what keeps its looks here; those are spent by the ruling.

    Of tasks the looks are kept with their revision (`decision`).
    """
    look = await tx.look(ruling.matter, ruling.who.name)
    haste = await weigh_haste(desk, tx, ruling, None if look is None else look.seen_at)
    if haste is None:
        await tx.drop_look(ruling.matter, ruling.who.name)
    return haste
