# SPDX-License-Identifier: Apache-2.0
"""Distributed key generation and resharing: verifiable secret sharing, by all at once.

Each dealer deals shares of a random polynomial of its own. For a new key that is
Pedersen's generation (1991) over Feldman's sharing (1987): the key is the sum, which
nobody ever holds. A dealer who speaks last can bias the key's distribution, not
learn it (Gennaro et al., 2007); the OPRF needs no uniform key. In a run that shares a
key anew each constant is an old share (resharing.py). Three rounds:

1. announce, the recipients: a fresh sealing key for every other dealer;
2. deal, the dealers: commitments, proof of possession, a sealed sub-share for
   everyone; with it travels a contribution to the media keys, committed to by hash;
3. verdict, the recipients: "all fits, and this is the transcript", or complaints.

Whatever does not fit ends the run for all: DkgAbortError says who is at fault
(blame.py), nothing of the run may be used, and the federation repeats it without the
guilty and the silent (Run.without). The federation signs and carries messages and
stores states; here there is no I/O. A state must be stored before its message is
sent, and a participant that restarts goes on from the stored state: dealing twice in
one run is what a cheat does. An empty message means: nothing to send.

    state = announce(run, me)                       # send state.message
    state = state.deal(announcements, held=held)    # send state.message
    state = state.judge(deals)                      # send state.message
    result = state.finish(seen)

Whoever only deals, and anybody who watches, takes the pins from outcome(run, seen).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_bytes
from typing import Final

import msgspec

from fedsafe_crypto.dkg.blame import Seen
from fedsafe_crypto.dkg.feldman import (
    commit_deal,
    key_place,
    open_share,
    open_token_key,
    read_deal,
    seal_deal,
)
from fedsafe_crypto.dkg.joint import joint_share, outcome
from fedsafe_crypto.dkg.messages import (
    CONTRIBUTION_BYTES,
    Announcement,
    Complaint,
    Deal,
    Reason,
    Verdict,
    complaint_of,
    complete,
    digest_of,
    encode,
    transcript_of,
    write,
)
from fedsafe_crypto.dkg.resharing import (
    Held,
    check_held,
    commit_group_key,
    commit_token_key,
    group_key_of,
    token_key_of,
)
from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.errors import CryptoError, DkgError
from fedsafe_crypto.oprf.keys import KeyShare, Pins
from fedsafe_crypto.oprf.shares import draw_polynomial, value_at
from fedsafe_crypto.primitives.ristretto import SCALAR_BYTES, Randomness
from fedsafe_crypto.seal.hpke import PRIVATE_KEY_BYTES, RecipientKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DkgResult:
    """What a run that nobody complained of gives one recipient.

    Attributes:
        group_key: The media group key of this generation, the same for all.
        token_key: The key of media tokens of this epoch, the same for all.
        token_commitment: To that key; resharing in this epoch needs it.
        group_commitment: To the group key, for whoever is handed it later.
        transcript: Digest of the messages that it came from.
    """

    share: KeyShare
    pins: Pins
    group_key: bytes = field(repr=False)
    token_key: bytes = field(repr=False)
    token_commitment: bytes
    group_commitment: bytes
    transcript: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """Waiting for all announcements."""

    run: Run
    index: int
    message: bytes = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    token_keys: tuple[bytes, ...] = field(repr=False)

    def deal(
        self,
        announcements: Mapping[int, bytes],
        *,
        held: Held | None = None,
        randomness: Randomness = token_bytes,
    ) -> "Dealt | Judged":
        """Deal to everybody who announced, or complain of who did so badly.

        Args:
            announcements: Those of all recipients.
            held: What a dealer holds of the old generation; none for a new key.
            randomness: Where the polynomial and the contribution come from.

        Raises:
            DkgError: An announcement is missing, one's own is not the one sent, or
                what is held is not what the run shares anew.
            SharesError: The share is not the pinned one.
            GenerationMismatchError: The share is of another generation.
        """
        received = complete(self.run, announcements, self.run.indices)
        _check_own(self, received)
        cited = tuple(digest_of(data) for data in received.values())
        dealt = Dealt(
            run=self.run,
            index=self.index,
            message=b"",
            keys=self.keys,
            token_keys=self.token_keys,
            announcements=cited,
            contents=b"",
            token_key=b"",
        )
        if self.index not in self.run.dealers:
            return dealt
        check_held(self.run, self.index, held)
        polynomial = draw_polynomial(
            self.run.threshold,
            secret=held.share.secret if held else None,
            randomness=randomness,
        )
        contribution = randomness(CONTRIBUTION_BYTES)
        return self._deal(dealt, received, polynomial, contribution, held)

    def _deal(
        self,
        dealt: "Dealt",
        received: Mapping[int, bytes],
        polynomial: Sequence[bytes],
        contribution: bytes,
        held: Held | None,
    ) -> "Dealt | Judged":
        deal = commit_deal(
            self.run,
            self.index,
            announcements=dealt.announcements,
            polynomial=polynomial,
            contribution=contribution,
        )
        token_key = held.token_key if held else b""
        contents = {
            recipient: value_at(polynomial, recipient) + contribution
            for recipient in self.run.indices
        }
        whole = seal_deal(self.run, deal, received, contents, token_key)
        if not isinstance(whole, Deal):
            return _complain(self, whole)
        return replace(
            dealt,
            message=write(self.run, whole),
            contents=contents.get(self.index, b""),
            token_key=token_key,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """Waiting for all deals."""

    run: Run
    index: int
    message: bytes = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    token_keys: tuple[bytes, ...] = field(repr=False)
    announcements: tuple[bytes, ...]
    contents: bytes = field(repr=False)
    token_key: bytes = field(repr=False)

    def judge(self, deals: Mapping[int, bytes]) -> "Judged":
        """Check every deal, and what it holds for oneself.

        Raises:
            DkgError: A deal is missing, one's own is not the one sent, or this
                participant receives nothing.
        """
        if self.index not in self.run.indices:
            raise DkgError(f"index {self.index} receives no share")
        received = complete(self.run, deals, self.run.dealers)
        _check_own(self, received)
        contents: dict[int, bytes] = {}
        complaints: list[Complaint] = []
        token_key = self.token_key
        for dealer, data in received.items():
            if dealer == self.index:
                contents[dealer] = self.contents
                continue
            judged = self._judge_one(dealer, data)
            if isinstance(judged, Complaint):
                complaints.append(judged)
            else:
                contents[dealer], handed = judged
                token_key = token_key or handed
        if complaints:
            return _complain(self, complaints)
        return self._agree(received, contents, token_key)

    def _judge_one(self, dealer: int, data: bytes) -> tuple[bytes, bytes] | Complaint:
        """Give what a dealer dealt to this participant: contents and token key."""
        deal = read_deal(self.run, dealer, data)
        if isinstance(deal, Reason):
            return complaint_of(2, dealer, deal, data)
        for cited, seen in zip(deal.announcements, self.announcements, strict=True):
            if cited != seen:
                other = Reason.OTHER_ANNOUNCEMENTS
                return replace(complaint_of(2, dealer, other, data), instead=seen)
        place = key_place(self.run, deal, self.index)
        key = RecipientKey.from_bytes(self.keys[place])
        contents = open_share(self.run, deal, self.index, key)
        if isinstance(contents, Reason):
            return complaint_of(2, dealer, contents, data, key.to_bytes())
        if self.index not in self.run.newcomers:
            return contents, b""
        key = RecipientKey.from_bytes(self.token_keys[place])
        token_key = open_token_key(self.run, deal, self.index, key)
        if isinstance(token_key, Reason):
            return complaint_of(2, dealer, token_key, data, key.to_bytes())
        return contents, token_key

    def _agree(
        self,
        deals: Mapping[int, bytes],
        contents: Mapping[int, bytes],
        token_key: bytes,
    ) -> "Judged":
        sub_shares = {dealer: each[:SCALAR_BYTES] for dealer, each in contents.items()}
        share = joint_share(self.run, self.index, sub_shares)
        transcript = transcript_of(self.run, self.announcements, deals)
        verdict = Verdict(sender=self.index, transcript=transcript, complaints=())
        return Judged(
            run=self.run,
            index=self.index,
            message=write(self.run, verdict),
            transcript=transcript,
            share=share.to_bytes(),
            media=b"".join(each[SCALAR_BYTES:] for each in contents.values()),
            token_key=token_key,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Waiting for all verdicts; holds the result if this participant agrees.

    Attributes:
        transcript: Empty if it complains.
    """

    run: Run
    index: int
    message: bytes = field(repr=False)
    transcript: bytes
    share: bytes = field(repr=False)
    media: bytes = field(repr=False)
    token_key: bytes = field(repr=False)

    def finish(self, seen: Seen) -> DkgResult:
        """Take the result, if everybody saw the same and nobody complains.

        A complaint ends the run before the other verdicts are there.

        Raises:
            DkgAbortError: Somebody complains, this participant included, or a
                verdict is malformed or of another transcript.
            DkgError: A message is missing, or one's own is not the one sent.
        """
        _check_own(self, seen.verdicts)
        found = outcome(self.run, seen)
        if found.transcript != self.transcript:
            raise DkgError("the messages are not the ones that this state saw")
        share = KeyShare.from_bytes(self.share)
        share.check(found.pins)
        old = self.token_key if self.run.source else None
        token_key = token_key_of(self.media) if old is None else old
        group_key = group_key_of(self.media)
        return DkgResult(
            share=share,
            pins=found.pins,
            group_key=group_key,
            token_key=token_key,
            token_commitment=commit_token_key(self.run, token_key),
            group_commitment=commit_group_key(self.run, group_key),
            transcript=found.transcript,
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

    Whoever receives nothing announces nothing.

    Raises:
        DkgError: The index takes no part.
    """
    run.check_participant(index)
    dealers = len(run.dealers_to(index))
    handed = dealers if index in run.newcomers else 0
    keys = [
        RecipientKey.from_bytes(randomness(PRIVATE_KEY_BYTES))
        for _ in range(dealers + handed)
    ]
    public = tuple(key.public for key in keys)
    private = tuple(key.to_bytes() for key in keys)
    message = Announcement(
        sender=index, keys=public[:dealers], token_keys=public[dealers:]
    )
    return Announced(
        run=run,
        index=index,
        message=write(run, message) if index in run.indices else b"",
        keys=private[:dealers],
        token_keys=private[dealers:],
    )


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
        state.run.check_participant(state.index)
    except (msgspec.MsgspecError, CryptoError, ValueError, RecursionError):
        raise DkgError("no state of a key generation") from None
    return state


def _check_own(state: State, messages: Mapping[int, bytes]) -> None:
    sent = messages.get(state.index, state.message)
    if state.message and sent != state.message:
        raise DkgError("own message is not the one that this state sent")


def _complain(state: Announced | Dealt, complaints: Sequence[Complaint]) -> Judged:
    verdict = Verdict(sender=state.index, transcript=b"", complaints=tuple(complaints))
    return Judged(
        run=state.run,
        index=state.index,
        message=write(state.run, verdict),
        transcript=b"",
        share=b"",
        media=b"",
        token_key=b"",
    )
