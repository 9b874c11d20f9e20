# SPDX-License-Identifier: Apache-2.0
"""The proposal of a founding: who shall found which federation, on what terms.

The convenor signs it; everybody else joins only a proposal that repeats their own
card byte by byte. It fixes all that the charter will say but the key. Nobody founds
a federation whose members write the same identifiers differently.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.oprf.keys import Generation
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.card import Card, open_card
from fedsafe_federation.charter.charter import MAX_MEMBERS, PolicyReference, flaw_of
from fedsafe_federation.errors import FoundingError, UntrustedError
from fedsafe_federation.wire.signed import (
    Seconds,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_federation.wire.wireformat import decode
from fedsafe_policies.ground.catalogue import Phrase

PROPOSAL: Final = "founding.proposal"
FIRST_EPOCH: Final = Generation(epoch=1, number=1)
FederationId = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.#-]{2,99}$(?!\n)")
]


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The terms of a founding; `cards` in the order of the share indices."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    federation: FederationId
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    cards: Annotated[list[Signed], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    policy: PolicyReference
    arrangement: PolicyReference
    created: Seconds
    ends: Seconds


@dataclass(frozen=True, slots=True)
class Terms:
    """A checked proposal: its cards opened, its run of the key generation."""

    proposal: Proposal
    cards: Sequence[Card]
    run: Run

    def index(self, name: str) -> int:
        """Give a participant's share index.

        Raises:
            UntrustedError: nobody of that name takes part.
        """
        for index, card in enumerate(self.cards, start=1):
            if card.name == name:
                return index
        raise UntrustedError(name, "takes no part in this founding")

    def statement_key(self, name: str) -> bytes:
        """Give a participant's public statement key."""
        return self.cards[self.index(name) - 1].keys.statement


def sign_proposal(proposal: Proposal, *, convenor: str, key: SigningKey) -> Signed:
    """Sign a proposal as its convenor."""
    return sign_statement(
        proposal,
        type_=PROPOSAL,
        signer=convenor,
        key=key,
        federation=proposal.federation,
    )


def open_proposal(statement: Signed) -> Terms:
    """Check a proposal: its cards, its convenor, its terms.

    Raises:
        UntrustedError: a card or the convenor's signature is bad.
        MalformedError: the payload is no proposal.
        FoundingError: the terms contradict themselves, or a member's canonicaliser
            is not like the others'.
    """
    proposal = decode(statement.payload, Proposal)
    cards = [open_card(card) for card in proposal.cards]
    names = [card.name for card in cards]
    if len(set(names)) != len(names):
        raise FoundingError(Phrase("two cards have one name"))
    keys = [key for card in cards for key in card.keys.signing()]
    if len(set(keys)) != len(keys):
        raise FoundingError(Phrase("a signing key is used twice"))
    _check_canonicalisers(cards)
    for text in (proposal.policy.name, proposal.arrangement.name):
        if not text.isprintable():  # it is shown beside what people consent to
            raise FoundingError(Phrase("the name of a text holds a control character"))
    length = proposal.ends - proposal.created
    flaw = flaw_of(len(cards), proposal.threshold, length)
    if flaw is not None:
        raise FoundingError(flaw)
    roster = tuple(
        (index, card.keys.statement) for index, card in enumerate(cards, start=1)
    )
    run = Run(
        federation_id=proposal.federation,
        generation=FIRST_EPOCH,
        threshold=proposal.threshold,
        roster=roster,
        attempt=hashlib.sha256(statement.payload).digest(),
    )
    terms = Terms(proposal, cards, run)
    open_statement(
        statement,
        Proposal,
        type_=PROPOSAL,
        public=terms.statement_key(statement.signer),
        federation=proposal.federation,
    )
    return terms


def _check_canonicalisers(cards: Sequence[Card]) -> None:
    for rules in sorted({rules for card in cards for rules in card.canonicalisers}):
        answers = [card.canonicalisers.get(rules) for card in cards]
        usual = Counter(answers).most_common(1)[0][0]
        for card, answer in zip(cards, answers, strict=True):
            if answer != usual:
                raise FoundingError(
                    Phrase(
                        "{card} does not bring {rules} into the same form as the "
                        "others: use one release of FedSafe with its locked "
                        "libraries"
                    ).filled(card=card.name, rules=rules)
                )
