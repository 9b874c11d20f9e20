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

`step` takes all messages seen so far and gives those that this participant owes;
it may be called again and again, after a crash as well, and always gives the same
messages. Whoever deviates ends the ceremony for all: nothing is half founded, and
who is at fault is named. A message of another ceremony counts as not sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from fedsafe_crypto.blame import Seen, check_verdicts
from fedsafe_crypto.dkg import (
    Announced,
    Dealt,
    DkgResult,
    Judged,
    announce,
    load_state,
    save_state,
)
from fedsafe_crypto.dkg_messages import of_run
from fedsafe_crypto.errors import CryptoError, DkgAbortError, Finding
from fedsafe_crypto.identity import SigningKey
from fedsafe_federation.charter import (
    CHARTER,
    Charter,
    Epoch,
    Member,
    Pin,
    SignedCharter,
    majority,
    open_charter,
)
from fedsafe_federation.errors import FoundingError
from fedsafe_federation.proposal import open_proposal
from fedsafe_federation.signed import Signed, open_payload, sign_payload
from fedsafe_federation.wireformat import encode

ANNOUNCE: Final = "founding.announce"
DEAL: Final = "founding.deal"
VERDICT: Final = "founding.verdict"

S = TypeVar("S", Announced, Dealt, Judged)


class States(Protocol):
    """Keeps this participant's secret states, one a round, until the end.

    A state is durable when `put` returns: a participant that forgot what it
    dealt would have to deal twice, which is what a cheat does.
    """

    def get(self, round_: int) -> bytes | None:
        """Read the state of a round."""
        ...

    def put(self, round_: int, state: bytes) -> None:
        """Keep the state of a round; it is never replaced."""
        ...


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
        self, participant: Participant, proposal: Signed, states: States
    ) -> None:
        """Join a proposal.

        Raises:
            FoundingError: the proposal does not hold the own card unchanged.
            UntrustedError: a card or the convenor's signature is bad.
            MalformedError: it is no proposal.
        """
        self._terms = open_proposal(proposal)
        self._key = participant.key
        self._states = states
        self._name = participant.card.signer
        if participant.card not in self._terms.proposal.cards:
            raise FoundingError("the proposal does not hold this node's own card")
        self._index = self._terms.index(self._name)

    def step(self, messages: Sequence[Signed]) -> Step:
        """Go as far as the *messages* allow.

        Raises:
            FoundingError: somebody deviated, and the ceremony is over.
            UntrustedError: a message is not from a participant.
        """
        try:
            return self._step(messages)
        except DkgAbortError as error:
            said = "; ".join(map(self._sentence, error.findings))
            raise FoundingError(f"the key generation was ended: {said}") from None
        except CryptoError as error:
            raise FoundingError(f"the key generation failed: {error}") from None

    def _step(self, messages: Sequence[Signed]) -> Step:
        first = self._load(1, Announced)
        if first is None:
            first = announce(self._terms.run, self._index)
            self._states.put(1, save_state(first))
        owed = [self._sign(ANNOUNCE, first.message)]
        announced = self._collect(ANNOUNCE, [*messages, *owed])
        if len(announced) < len(self._terms.cards):
            return Step(owed)
        second = self._load(2, Dealt) or self._load(2, Judged)
        if second is None:
            second = first.deal(announced)
            self._states.put(2, save_state(second))
        if isinstance(second, Judged):  # a complaint instead of a deal
            return self._end(second, messages, owed)
        owed.append(self._sign(DEAL, second.message))
        dealt = self._collect(DEAL, [*messages, *owed])
        if len(dealt) < len(self._terms.cards):
            check_verdicts(self._terms.run, self._seen([*messages, *owed]))
            return Step(owed)
        third = self._load(3, Judged)
        if third is None:
            third = second.judge(dealt)
            self._states.put(3, save_state(third))
        return self._end(third, messages, owed)

    def _end(
        self, judged: Judged, messages: Sequence[Signed], owed: list[Signed]
    ) -> Step:
        owed.append(self._sign(VERDICT, judged.message))
        seen = self._seen([*messages, *owed])
        try:
            check_verdicts(self._terms.run, seen)
        except DkgAbortError:
            # What this side saw must leave before it gives up: it has, once
            # whoever carries the messages brings it back.
            if owed[-1] in messages:
                raise
            return Step(owed)
        if len(seen.verdicts) < len(self._terms.cards):
            return Step(owed)
        keys = judged.finish(seen)
        payload = encode(self._charter(keys))
        owed.append(self._sign(CHARTER, payload))
        signatures = self._signatures(payload, [*messages, *owed])
        if len(signatures) < len(self._terms.cards):
            return Step(owed)
        document = SignedCharter(signatures=signatures)
        open_charter(document)
        return Step(owed, Founded(document, keys))

    def _load(self, round_: int, kind: type[S]) -> S | None:
        stored = self._states.get(round_)
        if stored is None:
            return None
        state = load_state(stored)
        if state.run != self._terms.run:
            raise FoundingError("another founding is under way at this node")
        return state if isinstance(state, kind) else None

    def _sign(self, type_: str, payload: bytes) -> Signed:
        return sign_payload(
            payload,
            type_=type_,
            signer=self._name,
            key=self._key,
            federation=self._terms.proposal.federation,
        )

    def _open(self, message: Signed, type_: str) -> bytes:
        return open_payload(
            message,
            type_=type_,
            public=self._terms.statement_key(message.signer),
            federation=self._terms.proposal.federation,
        )

    def _collect(self, type_: str, messages: Sequence[Signed]) -> Mapping[int, bytes]:
        """Take one message of each; those of another run do not count as sent."""
        found: dict[int, bytes] = {}
        for message in messages:
            if message.type != type_:
                continue
            index = self._terms.index(message.signer)
            signed = {index: self._open(message, type_)}
            for payload in of_run(self._terms.run, signed).values():
                if found.setdefault(index, payload) != payload:
                    raise FoundingError(
                        f"{message.signer} said two things in one round"
                    )
        return found

    def _seen(self, messages: Sequence[Signed]) -> Seen:
        return Seen(
            announcements=self._collect(ANNOUNCE, messages),
            deals=self._collect(DEAL, messages),
            verdicts=self._collect(VERDICT, messages),
        )

    def _sentence(self, finding: Finding) -> str:
        """Say who complains of whom, and who is at fault where that is settled."""
        names = {index: card.name for index, card in enumerate(self._terms.cards, 1)}
        about, guilty = names[finding.about], names[finding.guilty]
        if finding.by is None:
            return f"{about}: {finding.reason}"
        said = f"{names[finding.by]} complains of {about}: {finding.reason}"
        return said if finding.cites else f"{said} ({guilty} is at fault)"

    def _signatures(self, payload: bytes, messages: Sequence[Signed]) -> list[Signed]:
        signed: dict[int, Signed] = {}
        for message in messages:
            if message.type != CHARTER:
                continue
            if self._open(message, CHARTER) != payload:
                raise FoundingError(f"{message.signer} signed another charter")
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
