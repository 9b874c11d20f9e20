# SPDX-License-Identifier: Apache-2.0
"""Check disputes against their statements, and which signals they rest.

A dispute of an own ban is stated to nobody, for the ban is shared with nobody. What it
says is bound by its digest alone, in place of a statement's.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.feed.restrictions import Restriction
from fedsafe_node.ground.errors import CorruptRowError
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_policies.ground.catalogue import Phrase

DISPUTES: Final = "disputes"
_MOST: Final = 1 << 40
_OWN_DOMAIN: Final = "fedsafe/v1/own-dispute"

Name = tuple[str, bytes]  # an origin and the id of its signal


@dataclass(frozen=True, slots=True)
class Contested:
    """Which signals disputes name, and which of them rest now."""

    named: set[Name] = field(default_factory=set)
    resting: set[Name] = field(default_factory=set)


async def read_contested(reader: Reader) -> Contested:
    """Read which signals are disputed, and which rest because of that."""
    found = Contested()
    for row in await reader.disputes(_MOST, ruled=False):
        found.named.add((row.origin, row.signal_id))
        if row.weight is Weight.SUSPENDS and row.let_go_at is None:
            found.resting.add((row.origin, row.signal_id))
    for row in await reader.disputes(_MOST, ruled=True):
        found.named.add((row.origin, row.signal_id))
    return found


async def read_disputes(reader: Reader) -> dict[bytes, DisputeRow]:
    """Read all disputes by the digests of their statements."""
    rows = [
        *await reader.disputes(_MOST, ruled=False),
        *await reader.disputes(_MOST, ruled=True),
    ]
    return {row.digest: row for row in rows}


def check_dispute(row: DisputeRow | None, said: Restriction, name: str) -> None:
    """Check that a dispute is kept as its statement says.

    Raises:
        CorruptRowError: it is not.
    """
    if row is None:
        raise CorruptRowError(DISPUTES, None, name, Phrase("its statement has no row"))
    terms = said.terms
    wanted = (said.origin, said.author, said.sequence, said.signals)
    if (row.origin, row.author, row.sequence, [row.signal_id]) != wanted or (
        terms is None
        or (row.contention, row.control) != (terms.contention, terms.control)
    ):
        raise CorruptRowError(
            DISPUTES, None, name, Phrase("it is not what its statement says")
        )


async def check_taken(reader: Reader, said: Restriction, log: str) -> None:
    """Check that a dispute which its author's feed repeats was taken.

    Raises:
        CorruptRowError: there is none with its number.
    """
    if not await reader.disputes_numbered(said.author, said.sequence):
        name = signal_name(said.signals[0])
        raise CorruptRowError(
            DISPUTES,
            None,
            name,
            Phrase("{log} disputes it, but no row does").filled(log=log),
        )


def own_digest(row: DisputeRow) -> bytes:
    """Name a dispute of an own ban by all that it says and that never changes."""
    said = (
        *(row.origin, row.author, str(row.sequence), row.contention, row.control),
        *(str(row.received_at), row.opened_by or ""),
    )
    framed = b"".join(map(lp_text, (_OWN_DOMAIN, *said)))
    return sha256(framed + row.signal_id).digest()


def check_unstated(row: DisputeRow, own_list: str) -> None:
    """Check a dispute that no statement tells of: one of an own ban.

    Raises:
        CorruptRowError: it is of another signal, or not what its digest names.
    """
    if (row.origin, row.author) != (own_list, own_list):
        raise CorruptRowError(
            DISPUTES, None, row.digest.hex(), Phrase("no statement says so")
        )
    if row.digest != own_digest(row):
        why = Phrase("it is not what its digest says")
        raise CorruptRowError(DISPUTES, None, row.digest.hex(), why)
