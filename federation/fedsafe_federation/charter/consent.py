# SPDX-License-Identifier: Apache-2.0
"""A node's consent to a founding: its operator's, to one proposal, after comparing.

Who consents has seen the terms and every card's fingerprint but two groups of each
other member's. Those two that member reads out, from its own node and over another
channel: so a card that the convenor swapped is found, whatever else it shows. Which
two is drawn from a secret of the node and the card, so nobody can have them drawn
again until they are the ones that a false card happens to share.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.charter.card import fingerprint
from fedsafe_federation.charter.proposal import Proposal
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode

CONSENT_LIFE: Final = 7 * 24 * 3600
"""So many seconds a consent holds, if no share was made by then."""
HIDDEN: Final = "····"
"""What stands for a group that the member itself has to read out."""
_PAIRS: Final = tuple(combinations(range(1, 9), 2))


@dataclass(frozen=True, slots=True)
class Consent:
    """Consent to a proposal, and unless `alone` to the same with fewer members."""

    proposal: Signed
    alone: bool = False

    def covers(self, asked: Signed) -> bool:
        """Whether it is consent to that proposal too.

        The same convenor's, with the same federation, threshold, dates, policy and
        arrangement, and no card that was not compared. That so few can found at all
        is for `open_proposal` to check.
        """
        if asked.signer != self.proposal.signer:
            return False
        if asked.payload == self.proposal.payload:
            return True
        if self.alone:
            return False
        seen, said = _meaning(self.proposal), _meaning(asked)
        return said[:2] == seen[:2] and said[2] <= seen[2]


def says_same(one: Signed, other: Signed) -> bool:
    """Whether two proposals have one convenor, the same terms and the same cards.

    In whatever order the cards are, and however the JSON is written.
    """
    return one.signer == other.signer and _meaning(one) == _meaning(other)


def _meaning(signed: Signed) -> tuple[str, Proposal, frozenset[tuple[str, bytes]]]:
    """Give what a proposal says: its convenor, the terms, and whose cards it holds."""
    said = decode(signed.payload, Proposal)
    cards = frozenset((card.signer, card.payload) for card in said.cards)
    return signed.signer, replace(said, cards=[]), cards


def asked_groups(secret: bytes, card: Signed) -> tuple[int, int]:
    """Draw which two groups of a card's fingerprint are asked for, counted from 1.

    Of one card they are always the same at one node, whoever proposes it.
    """
    drawn = hmac.digest(secret, card.payload, "sha256")
    return _PAIRS[int.from_bytes(drawn) % len(_PAIRS)]


def concealed(card: Signed, asked: Sequence[int]) -> str:
    """Give a card's fingerprint without the groups that are asked for."""
    groups = enumerate(fingerprint(card).split(), start=1)
    return " ".join(HIDDEN if at in asked else group for at, group in groups)


def are_groups(card: Signed, asked: Sequence[int], typed: Sequence[str]) -> bool:
    """Whether what was typed are these groups of a card's fingerprint."""
    groups = fingerprint(card).split()
    said = [each.strip().lower() for each in typed]
    return said == [groups[at - 1] for at in asked]
