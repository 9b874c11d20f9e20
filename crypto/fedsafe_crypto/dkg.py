# SPDX-License-Identifier: Apache-2.0
"""Distributed key generation: Feldman's verifiable secret sharing, by all at once.

Each participant deals shares of a random polynomial of its own; the key is the sum,
which nobody ever holds. Three rounds, one message of everybody in each:

1. announce: a fresh sealing key for every other dealer;
2. deal: commitments, proof of possession, a sealed sub-share for everyone. With
   it travels a contribution to the media keys, committed to by hash;
3. verdict: "all fits, and this is the transcript", or complaints.

Any complaint, unreadable message or differing transcript ends the run for all
(DkgAbortError names whom it is about); nothing of it may be used. The federation
signs and carries messages, stores states and decides whether to run again; here
there is no I/O. A state must be stored before its message is sent, and a
participant that restarts goes on from the stored state: dealing twice in one run
is what a cheat does. A dealer who speaks last can bias the key's distribution, not
learn it (Gennaro et al.); the OPRF needs no uniform key.

    state = announce(run, me)                       # send state.message
    state = state.deal(announcements)               # send state.message
    state = state.judge(deals)                      # send state.message
    result = state.finish(verdicts)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_bytes
from typing import Final

import msgspec
from blake3 import blake3

from fedsafe_crypto.dkg_messages import (
    CONTRIBUTION_BYTES,
    Announcement,
    Deal,
    Reason,
    Run,
    Verdict,
    encode,
    read,
    transcript_of,
)
from fedsafe_crypto.errors import (
    Complaint,
    CryptoError,
    DkgAbortError,
    DkgError,
    MalformedKeyError,
    OpenError,
)
from fedsafe_crypto.feldman import commit_deal, fault_of, possesses, seal_context
from fedsafe_crypto.group import SCALAR_BYTES, Randomness, scalar_add, sum_elements
from fedsafe_crypto.keys import KeyShare, Pins
from fedsafe_crypto.seal import PRIVATE_KEY_BYTES, RecipientKey, open_sealed, seal
from fedsafe_crypto.shares import commitment_at, draw_polynomial, value_at

_ANNOUNCEMENTS: Final = b"fedsafe/v1/dkg announcements\n"
_TRANSCRIPT: Final = b"fedsafe/v1/dkg transcript\n"
_SUB_SHARE: Final = b"fedsafe/v1/dkg sub-share"
_MEDIA_GROUP: Final = "fedsafe v1 media group key"
_MEDIA_MARKS: Final = "fedsafe v1 media token key"


@dataclass(frozen=True, slots=True, kw_only=True)
class DkgResult:
    """What a run that nobody complained of gives one participant.

    Attributes:
        group_key: The media group key, the same for all.
        token_key: The key of media tokens, the same for all.
        transcript: Digest of the messages that it came from.
    """

    share: KeyShare
    pins: Pins
    group_key: bytes = field(repr=False)
    token_key: bytes = field(repr=False)
    transcript: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """Waiting for all announcements."""

    run: Run
    index: int
    message: bytes = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)

    def deal(
        self,
        announcements: Mapping[int, bytes],
        *,
        randomness: Randomness = token_bytes,
    ) -> "Dealt | Judged":
        """Deal to everybody who announced, or complain of who did so badly.

        Raises:
            DkgError: An announcement is missing, or one's own is not the one sent.
        """
        received = _complete(self, announcements)
        polynomial = draw_polynomial(self.run.threshold, randomness=randomness)
        contribution = randomness(CONTRIBUTION_BYTES)
        unsealed = commit_deal(
            sender=self.index,
            run=self.run.digest(),
            announcements=transcript_of(_ANNOUNCEMENTS, self.run, received),
            polynomial=polynomial,
            contribution=contribution,
        )
        sealed: list[bytes] = []
        faults: dict[int, Reason] = {}
        for recipient in self.run.others(self.index):
            contents = value_at(polynomial, recipient) + contribution
            outcome = self._seal(recipient, received[recipient], unsealed, contents)
            if isinstance(outcome, Reason):
                faults[recipient] = outcome
            else:
                sealed.append(outcome)
        if faults:
            return _complain(self, faults)
        return Dealt(
            run=self.run,
            index=self.index,
            message=encode(replace(unsealed, sealed=tuple(sealed))),
            keys=self.keys,
            announcements=unsealed.announcements,
            contents=value_at(polynomial, self.index) + contribution,
        )

    def _seal(
        self, recipient: int, data: bytes, unsealed: Deal, contents: bytes
    ) -> bytes | Reason:
        announcement = read(Announcement, data, self.run, recipient)
        if isinstance(announcement, Reason):
            return announcement
        key = announcement.keys[self.run.others(recipient).index(self.index)]
        context = seal_context(unsealed, recipient)
        try:
            return seal(key, contents, info=_SUB_SHARE, aad=context)
        except MalformedKeyError:
            return Reason.UNUSABLE_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """Waiting for all deals."""

    run: Run
    index: int
    message: bytes = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    announcements: bytes
    contents: bytes = field(repr=False)

    def judge(self, deals: Mapping[int, bytes]) -> "Judged":
        """Check every deal, and one's own sub-share of it.

        Raises:
            DkgError: A deal is missing, or one's own is not the one sent.
        """
        received = _complete(self, deals)
        commitments: list[tuple[bytes, ...]] = []
        contents: list[bytes] = []
        faults: dict[int, Reason] = {}
        for dealer, data in received.items():
            outcome = self._judge_one(dealer, data)
            if isinstance(outcome, Reason):
                faults[dealer] = outcome
            else:
                commitments.append(outcome[0])
                contents.append(outcome[1])
        if faults:
            return _complain(self, faults)
        return _combine(self, received, commitments, contents)

    def _judge_one(
        self, dealer: int, data: bytes
    ) -> tuple[tuple[bytes, ...], bytes] | Reason:
        """Give a dealer's commitments and what it dealt to this participant."""
        deal = read(Deal, data, self.run, dealer)
        if isinstance(deal, Reason):
            return deal
        if dealer == self.index:
            return deal.commitments, self.contents
        if deal.announcements != self.announcements:
            return Reason.OTHER_ANNOUNCEMENTS
        if not possesses(deal):
            return Reason.NO_POSSESSION
        place = self.run.others(self.index).index(dealer)
        key = RecipientKey.from_bytes(self.keys[place])
        sealed = deal.sealed[self.run.others(dealer).index(self.index)]
        context = seal_context(deal, self.index)
        try:
            contents = open_sealed(key, sealed, info=_SUB_SHARE, aad=context)
        except OpenError:
            return Reason.UNREADABLE
        return fault_of(deal, self.index, contents) or (deal.commitments, contents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Waiting for all verdicts; holds the result if this participant agrees."""

    run: Run
    index: int
    message: bytes = field(repr=False)
    transcript: bytes
    complaints: tuple[tuple[int, Reason], ...]
    share: bytes = field(repr=False)
    pins: bytes
    media: bytes = field(repr=False)

    def finish(self, verdicts: Mapping[int, bytes]) -> DkgResult:
        """Take the result, if everybody saw the same and nobody complains.

        A complaint ends the run before the other verdicts are there.

        Raises:
            DkgAbortError: Somebody complains, this participant included, or a
                verdict is malformed or of another transcript.
            DkgError: A verdict is missing, or one's own is not the one sent.
        """
        check_verdicts(self, verdicts)
        _complete(self, verdicts)
        share, pins = KeyShare.from_bytes(self.share), Pins.from_bytes(self.pins)
        share.check(pins)
        return DkgResult(
            share=share,
            pins=pins,
            group_key=blake3(self.media, derive_key_context=_MEDIA_GROUP).digest(),
            token_key=blake3(self.media, derive_key_context=_MEDIA_MARKS).digest(),
            transcript=self.transcript,
        )


State = Announced | Dealt | Judged
_STATES: Final[Mapping[bytes, type[State]]] = {
    b"1": Announced,
    b"2": Dealt,
    b"3": Judged,
}


def announce(
    run: Run, index: int, *, randomness: Randomness = token_bytes
) -> Announced:
    """Begin a run: make a fresh sealing key for every other dealer.

    Raises:
        DkgError: The index is not in the roster.
    """
    keys = [
        RecipientKey.from_bytes(randomness(PRIVATE_KEY_BYTES))
        for _ in run.others(index)
    ]
    message = Announcement(
        sender=index, run=run.digest(), keys=tuple(key.public for key in keys)
    )
    return Announced(
        run=run,
        index=index,
        message=encode(message),
        keys=tuple(key.to_bytes() for key in keys),
    )


def check_verdicts(state: State, verdicts: Mapping[int, bytes]) -> None:
    """Look, at any stage, whether the verdicts seen so far end the run.

    Raises:
        DkgAbortError: They do: somebody complains, this participant included, or
            a verdict is malformed or of another transcript.
    """
    complaints: list[Complaint] = []
    if isinstance(state, Judged):
        complaints += _named(state.index, state.complaints)
    for sender in state.run.others(state.index):
        if sender in verdicts:
            complaints += _complaints_in(state, sender, verdicts[sender])
    if complaints:
        raise DkgAbortError(complaints)


def save_state(state: State) -> bytes:
    """Write a state, secrets and all: store it as carefully as a key."""
    [tag] = [tag for tag, kind in _STATES.items() if isinstance(state, kind)]
    return tag + encode(state)


def load_state(data: bytes) -> State:
    """Read a state that save_state wrote.

    Raises:
        DkgError: It is no such state.
    """
    kind = _STATES.get(data[:1])
    if kind is None:
        raise DkgError("no state of a key generation")
    try:
        state: State = msgspec.msgpack.decode(data[1:], type=kind)
        state.run.others(state.index)
    except (msgspec.MsgspecError, CryptoError, ValueError, RecursionError):
        raise DkgError("no state of a key generation") from None
    return state


def _complaints_in(state: State, sender: int, data: bytes) -> list[Complaint]:
    verdict = read(Verdict, data, state.run, sender)
    if isinstance(verdict, Reason):
        return [Complaint(state.index, sender, verdict)]
    mine = state.transcript if isinstance(state, Judged) else b""
    if mine and verdict.transcript not in {mine, b""}:
        return [Complaint(state.index, sender, Reason.OTHER_TRANSCRIPT)]
    return _named(sender, verdict.complaints)


def _named(by: int, complaints: Sequence[tuple[int, Reason]]) -> list[Complaint]:
    return [Complaint(by, about, reason) for about, reason in complaints]


def _complete(state: State, messages: Mapping[int, bytes]) -> dict[int, bytes]:
    """Take one message of each participant, in index order."""
    roster = state.run.indices
    missing = [index for index in roster if index not in messages]
    if missing or len(messages) != len(roster):
        raise DkgError(f"messages of {sorted(messages)}, missing those of {missing}")
    if messages[state.index] != state.message:
        raise DkgError("own message is not the one that this state sent")
    return {index: messages[index] for index in roster}


def _combine(
    state: Dealt,
    deals: Mapping[int, bytes],
    commitments: Sequence[Sequence[bytes]],
    contents: Sequence[bytes],
) -> Judged:
    """Add up what all dealt: the share, the pins, the media contributions.

    One's own commitments come first: whatever the others chose once they had seen
    them, no partial sum can be the identity.
    """
    run = state.run
    mine = run.indices.index(state.index)
    ordered = [commitments[mine], *commitments[:mine], *commitments[mine + 1 :]]
    joint = [sum_elements(column) for column in zip(*ordered, strict=True)]
    secret = bytes(SCALAR_BYTES)
    for each in contents:
        secret = scalar_add(secret, each[:SCALAR_BYTES])
    share = KeyShare(
        generation=run.generation,
        index=state.index,
        threshold=run.threshold,
        secret=secret,
    )
    pins = Pins(
        generation=run.generation,
        threshold=run.threshold,
        public=joint[0],
        members={index: commitment_at(joint, index) for index in run.indices},
    )
    share.check(pins)
    transcript = transcript_of(_TRANSCRIPT + state.announcements, run, deals)
    verdict = Verdict(
        sender=state.index, run=run.digest(), transcript=transcript, complaints=()
    )
    return Judged(
        run=run,
        index=state.index,
        message=encode(verdict),
        transcript=transcript,
        complaints=(),
        share=share.to_bytes(),
        pins=pins.to_bytes(),
        media=b"".join(each[SCALAR_BYTES:] for each in contents),
    )


def _complain(state: Announced | Dealt, faults: Mapping[int, Reason]) -> Judged:
    complaints = tuple(faults.items())
    verdict = Verdict(
        sender=state.index,
        run=state.run.digest(),
        transcript=b"",
        complaints=complaints,
    )
    return Judged(
        run=state.run,
        index=state.index,
        message=encode(verdict),
        transcript=b"",
        complaints=complaints,
        share=b"",
        pins=b"",
        media=b"",
    )
