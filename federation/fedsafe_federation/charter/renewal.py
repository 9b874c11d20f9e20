# SPDX-License-Identifier: Apache-2.0
"""One participant's side of a resharing (`resharing`): what it owes, and what it gets.

The new keys are kept as the state of round 4 before the holding is owed, so a node that
has signed for its share has it, whenever it comes back. They are in use only once a
version of the charter that counts shows their epoch (`Kept.fits`). After the deadline
no participant begins a round any more; whoever has signed for its share waits on. Whom
a participant first finds silent then stays so, whatever comes later: a message that is
late enough would else shift the blame to those who were waiting for it. A complaint of
what was not shown here ends nothing before the deadline: until then it may be shown.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import msgspec
from msgspec import UNSET, UnsetType

from fedsafe_crypto.dkg.blame import Seen, findings
from fedsafe_crypto.dkg.ceremony import DkgResult
from fedsafe_crypto.dkg.joint import Outcome, outcome
from fedsafe_crypto.dkg.resharing import Held, commit_group_key, commit_token_key
from fedsafe_crypto.errors import CryptoError, DkgAbortError
from fedsafe_crypto.oprf.keys import KeyShare, Pins
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.activation import (
    HOLDING,
    holding_payload,
    with_holdings,
)
from fedsafe_federation.charter.amendment import Version, open_successor
from fedsafe_federation.charter.ceremony import Progress, Rounds, States
from fedsafe_federation.charter.charter import Charter, Epoch, pins_of
from fedsafe_federation.charter.resharing import open_resharing
from fedsafe_federation.errors import CeremonyError, MalformedError, ResharingError
from fedsafe_federation.wire.signed import Bytes32, Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_policies.ground.catalogue import Phrase

_KEPT_ROUND: Final = 4
_GONE_ROUND: Final = 5


@dataclass(frozen=True, slots=True)
class Attendant:
    """Who takes part: its name, its statement key, and what it holds of the old key.

    Attributes:
        gone: Whom it has found guilty, or silent, in earlier attempts.
    """

    name: str
    key: SigningKey
    held: Held | None = field(default=None, repr=False)
    gone: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A member's secrets of a new generation, as they wait for the charter."""

    share: KeyShare
    pins: Pins
    group_key: bytes = field(repr=False)
    token_key: bytes = field(repr=False)
    transcript: bytes

    def fits(self, entry: Epoch) -> bool:
        """Whether the charter shows the epoch that these keys are of."""
        return entry.transcript == self.transcript and pins_of(entry) == self.pins

    def to_bytes(self) -> bytes:
        """Write it, secrets and all: store it as carefully as a key."""
        return msgspec.msgpack.encode(
            _KeptState(
                self.share.to_bytes(),
                self.pins.to_bytes(),
                self.group_key,
                self.token_key,
                self.transcript,
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ResharingError: it is nothing of the kind.
        """
        try:
            state = msgspec.msgpack.decode(data, type=_KeptState)
            share, pins = KeyShare.from_bytes(state.share), Pins.from_bytes(state.pins)
            share.check(pins)
        except (msgspec.MsgspecError, CryptoError, UnicodeDecodeError):
            raise ResharingError(
                Phrase("the keys that a resharing kept are damaged")
            ) from None
        return cls(
            share=share,
            pins=pins,
            group_key=state.group,
            token_key=state.token,
            transcript=state.transcript,
        )


class _KeptState(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    share: bytes
    pins: bytes
    group: Bytes32
    token: Bytes32
    transcript: Bytes32


@dataclass(frozen=True, slots=True)
class Renewed:
    """The end of a resharing: the version to vote on, and the own secrets under it.

    Attributes:
        keys: None for whoever only dealt.
    """

    charter: Charter
    payload: bytes
    keys: Kept | None


@dataclass(frozen=True, slots=True)
class Step:
    """What this participant owes, and the end once it is reached."""

    owed: Sequence[Signed]
    renewed: Renewed | None = None


class Resharing:
    """One participant's side of one attempt."""

    def __init__(
        self, attendant: Attendant, version: Version, proposal: Signed, states: States
    ) -> None:
        """Join a proposal.

        Raises:
            ResharingError: it leaves out somebody whom this participant did not find
                gone, or its terms cannot be.
            UntrustedError: this participant is not in it, or the convenor's signature
                is bad.
            MalformedError: it is no proposal.
        """
        self.terms = open_resharing(version, proposal)
        spared = set(self.terms.proposal.left_out) - set(attendant.gone)
        if spared:
            raise ResharingError(
                Phrase(
                    "it leaves out {spared}, which has failed in no attempt seen here"
                ).filled(spared=min(spared))
            )
        self._states = states
        self._setting = self.terms.setting
        self._rounds = Rounds(self._setting, attendant.name, attendant.key, states)
        self._index = self._setting.index(attendant.name)
        deals_anew = self._index in self.terms.run.dealers and not self.terms.opens
        self._held = attendant.held if deals_anew else None

    def step(self, messages: Sequence[Signed], *, now: int) -> Step:
        """Go as far as the *messages* allow.

        Raises:
            ResharingError: somebody deviated or was silent, and the attempt is over.
            UntrustedError: a message is not from a participant.
        """
        try:
            return self._step(messages, now)
        except DkgAbortError as error:
            if self._late(now) or not all(each.cites for each in error.findings):
                raise self._setting.ended(error) from None
            return Step(())  # who is at fault shows once what is cited comes
        except CryptoError as error:
            raise self._setting.ended(error) from None

    def gone(self, messages: Sequence[Signed], *, now: int) -> frozenset[str]:
        """Name whom the next attempt may leave out, by what was seen of this one.

        Before the deadline that is who is at fault, and afterwards whoever is silent.
        What is found after the deadline is kept, and found again.

        Raises:
            UntrustedError: a message is not from a participant.
        """
        stored = self._states.get(_GONE_ROUND)
        if stored is not None:
            return frozenset(stored.decode().split())
        late = self._late(now)
        found = self._found(messages, late=late)
        if late:
            self._states.put(_GONE_ROUND, " ".join(sorted(found)).encode())
        return found

    def _found(self, messages: Sequence[Signed], *, late: bool) -> frozenset[str]:
        try:
            seen = self._setting.seen(messages)
            found = findings(self.terms.run, seen)
            if found:  # what nobody shows by the deadline stands against who cites it
                return self._setting.named(
                    each.guilty for each in found if late or not each.cites
                )
            lacking = self._lacking(seen, messages)
        except CryptoError as error:
            return self._setting.ended(error).guilty
        except CeremonyError as error:
            return error.guilty
        return self._setting.named(lacking) if late else frozenset()

    def kept(self) -> Kept | None:
        """Give the new keys, once this participant has signed for them.

        Raises:
            ResharingError: they are damaged.
        """
        stored = self._states.get(_KEPT_ROUND)
        return None if stored is None else Kept.from_bytes(stored)

    def _step(self, messages: Sequence[Signed], now: int) -> Step:
        kept = self.kept()
        is_over = kept is None and self._late(now)
        if is_over and not self._has_only_dealt():
            self._give_up(messages, now)
        progress = self._rounds.play(messages, held=self._held)
        if kept is None and progress.seen is not None:
            kept = self._keep(progress)
        entry = None
        if progress.seen is not None:
            entry = self._entry(progress.seen, kept, messages)
        if entry is None:
            if is_over:
                self._give_up(messages, now)
            return Step(progress.owed)
        if kept is not None:
            progress.owed.append(self._rounds.sign(HOLDING, holding_payload(entry)))
        signatures = self._signatures(entry, [*messages, *progress.owed])
        if signatures.keys() != set(self.terms.run.indices):
            if self._late(now):
                self._give_up(messages, now)
            return Step(progress.owed)
        whole = with_holdings(entry, [signatures[each] for each in sorted(signatures)])
        charter = self.terms.charter(whole)
        payload = encode(charter)
        open_successor(self.terms.version, payload)
        return Step(progress.owed, Renewed(charter, payload, kept))

    def _keep(self, progress: Progress) -> Kept | None:
        if progress.judged is None or progress.seen is None:
            return None
        keys: DkgResult = progress.judged.finish(progress.seen)
        kept = Kept(
            share=keys.share,
            pins=keys.pins,
            group_key=keys.group_key,
            token_key=keys.token_key,
            transcript=keys.transcript,
        )
        self._states.put(_KEPT_ROUND, kept.to_bytes())
        return kept

    def _entry(
        self, seen: Seen, kept: Kept | None, messages: Sequence[Signed]
    ) -> Epoch | None:
        """Make the epoch; None while what it commits to is not known here."""
        terms, run = self.terms, self.terms.run
        made, tokens = outcome(run, seen), terms.proposal.tokens
        group: bytes | UnsetType = UNSET
        if tokens is None and kept is not None:
            tokens = commit_token_key(run, kept.token_key)
        if tokens is None:
            return None
        if terms.commits and kept is not None:
            group = commit_group_key(run, kept.group_key)
        elif terms.commits:
            group = self._said(made, tokens, messages)
            if group is UNSET:
                return None
        return terms.entry(made, tokens, group)

    def _said(
        self, made: Outcome, tokens: bytes, messages: Sequence[Signed]
    ) -> bytes | UnsetType:
        """Find what most holders commit to: who only deals never has the key."""
        said: set[tuple[str, bytes]] = set()
        for message in messages:
            if message.type != HOLDING or message.signer in self._setting.unheard:
                continue
            payload = self._setting.open(message, HOLDING)
            try:
                group = decode(payload, Epoch).group
            except MalformedError:
                continue
            entry = self.terms.entry(made, tokens, group)
            if group is not UNSET and holding_payload(entry) == payload:
                said.add((message.signer, group))
        counted = Counter(group for _, group in sorted(said))
        return max(counted, key=lambda group: counted[group], default=UNSET)

    def _signatures(self, entry: Epoch, messages: Sequence[Signed]) -> dict[int, bytes]:
        """Take one holding of each; those of another attempt do not count as sent."""
        payload = holding_payload(entry)
        found: dict[int, bytes] = {}
        for message in messages:
            if message.type != HOLDING or message.signer in self._setting.unheard:
                continue
            index = self._setting.index(message.signer)
            if self._setting.open(message, HOLDING) == payload:
                found.setdefault(index, message.signature)
        return {each: found[each] for each in self.terms.run.indices if each in found}

    def _lacking(self, seen: Seen, messages: Sequence[Signed]) -> set[int]:
        """Give who has not said what the first round that is incomplete wants."""
        run = self.terms.run
        for wanted, said in (
            (run.indices, seen.announcements),
            (run.dealers, seen.deals),
            (run.indices, seen.verdicts),
        ):
            if not said.keys() >= set(wanted):
                return set(wanted) - said.keys()
        entry = self._entry(seen, self.kept(), messages)
        if entry is None:
            signed = {each.signer for each in messages if each.type == HOLDING}
            return set(run.indices) - {self._setting.index(each) for each in signed}
        return set(run.indices) - self._signatures(entry, messages).keys()

    def _has_only_dealt(self) -> bool:
        """Whether nothing is left to do here but to hear what the holders say."""
        return self._index not in self.terms.run.indices and bool(self._states.get(2))

    def _late(self, now: int) -> bool:
        return now > self.terms.proposal.deadline

    def _give_up(self, messages: Sequence[Signed], now: int) -> None:
        gone = self.gone(messages, now=now)
        said = ", ".join(sorted(gone)) or "somebody"
        raise ResharingError(
            Phrase("the deadline has passed, and {said} did not do its part").filled(
                said=said
            ),
            guilty=gone,
        )
