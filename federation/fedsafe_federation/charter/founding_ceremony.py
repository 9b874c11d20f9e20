# SPDX-License-Identifier: Apache-2.0
"""The founding ceremony: from member cards to a charter that all have signed.

A state machine over signed messages that all participants see. The same messages
travel over the network, or as files between organisations:

| round | message of each participant | says |
|---|---|---|
| 0 | `founding.proposal` (the convenor's only) | cards, threshold, policy, dates |
| 1 | `founding.announce` | a fresh HPKE key for every dealer |
| 2 | `founding.deal` | commitments, proof of possession, sealed sub-shares |
| 3 | `founding.verdict` | "what I got fits, and this is the transcript" |
| 4 | `charter` | the signature on the charter that follows from it |

Nobody says anything but for a proposal that the own people have consented to
(`consent`). `step` takes all messages seen so far and gives those that this
participant owes; it may be called again and again, after a crash as well, and always
gives the same messages. Whoever deviates ends the ceremony for all: nothing is half
founded, and who is at fault is named. A message of another ceremony counts as not sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.dkg.ceremony import DkgResult
from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.ceremony import Rounds, Setting, States
from fedsafe_federation.charter.charter import (
    CHARTER,
    Charter,
    Epoch,
    Member,
    Pin,
    SignedCharter,
    majority,
    open_charter,
)
from fedsafe_federation.charter.consent import Consent
from fedsafe_federation.charter.proposal import open_proposal
from fedsafe_federation.errors import FoundingError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_policies.ground.catalogue import Phrase

ANNOUNCE: Final = "founding.announce"
DEAL: Final = "founding.deal"
VERDICT: Final = "founding.verdict"


@dataclass(frozen=True, slots=True)
class Founded:
    """The end of a ceremony: the charter and this member's secrets under it."""

    charter: SignedCharter
    keys: DkgResult


@dataclass(frozen=True, slots=True)
class Step:
    """What this participant owes, and the end once it is reached."""

    owed: Sequence[Signed]
    founded: Founded | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """Who takes part: the own signed card, and the statement key on it."""

    card: Signed
    key: SigningKey


class Ceremony:
    """One participant's side of one founding."""

    def __init__(
        self,
        participant: Participant,
        proposal: Signed,
        states: States,
        *,
        consent: Consent,
    ) -> None:
        """Join a proposal that the own people consent to.

        Raises:
            FoundingError: the proposal does not hold the own card unchanged, or is not
                what was consented to.
            UntrustedError: a card or the convenor's signature is bad.
            MalformedError: it is no proposal.
        """
        self._terms = open_proposal(proposal)
        name = participant.card.signer
        if participant.card not in self._terms.proposal.cards:
            raise FoundingError(
                Phrase("the proposal does not hold this node's own card")
            )
        if not consent.covers(proposal):
            raise FoundingError(
                Phrase("this node's operator has not confirmed these terms")
            )
        cards = enumerate(self._terms.cards, start=1)
        self._setting = Setting(
            what="founding",
            federation=self._terms.proposal.federation,
            run=self._terms.run,
            names={card.name: index for index, card in cards},
            failure=FoundingError,
        )
        self._rounds = Rounds(self._setting, name, participant.key, states)

    def step(self, messages: Sequence[Signed]) -> Step:
        """Go as far as the *messages* allow.

        Raises:
            FoundingError: somebody deviated, and the ceremony is over.
            UntrustedError: a message is not from a participant.
        """
        try:
            return self._step(messages)
        except CryptoError as error:
            raise self._setting.ended(error) from None

    def _step(self, messages: Sequence[Signed]) -> Step:
        progress = self._rounds.play(messages)
        owed = progress.owed
        if progress.seen is None or progress.judged is None:
            return Step(owed)
        keys = progress.judged.finish(progress.seen)
        payload = encode(self._charter(keys))
        owed.append(self._rounds.sign(CHARTER, payload))
        signatures = self._signatures(payload, [*messages, *owed])
        if len(signatures) < len(self._terms.cards):
            return Step(owed)
        document = SignedCharter(signatures=signatures)
        open_charter(document)
        return Step(owed, Founded(document, keys))

    def _signatures(self, payload: bytes, messages: Sequence[Signed]) -> list[Signed]:
        signed: dict[int, Signed] = {}
        for message in messages:
            if message.type != CHARTER:
                continue
            if self._setting.open(message, CHARTER) != payload:
                raise FoundingError(
                    Phrase("{signer} signed another charter").filled(
                        signer=message.signer
                    ),
                    guilty={message.signer},
                )
            signed[self._terms.index(message.signer)] = message
        return [signed[index] for index in sorted(signed)]

    def _charter(self, keys: DkgResult) -> Charter:
        proposal = self._terms.proposal
        members = [
            Member(
                index=index,
                name=card.name,
                url=card.url,
                jurisdiction=card.jurisdiction,
                keys=card.keys,
            )
            for index, card in enumerate(self._terms.cards, start=1)
        ]
        epoch = Epoch(
            epoch=keys.pins.generation.epoch,
            generation=keys.pins.generation.number,
            threshold=keys.pins.threshold,
            public=keys.pins.public,
            pins=[Pin(index, share) for index, share in keys.pins.members.items()],
            transcript=keys.transcript,
            tokens=keys.token_commitment,
            group=keys.group_commitment,
            starts=proposal.created,
            ends=proposal.ends,
        )
        return Charter(
            v=1,
            version=1,
            federation=proposal.federation,
            created=proposal.created,
            members=members,
            next_index=len(members) + 1,
            quorum=majority(len(members)),
            policy=proposal.policy,
            arrangement=proposal.arrangement,
            witness_quorum="majority",
            epochs=[epoch],
        )
