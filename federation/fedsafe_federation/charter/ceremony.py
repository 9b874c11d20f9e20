# SPDX-License-Identifier: Apache-2.0
"""The rounds of a key generation as signed messages, for a new key and for an old one.

A participant announces, deals and gives a verdict (`fedsafe_crypto.dkg.ceremony`); here
every message has the federation's signature, and every state is kept before its message
is owed. `play` takes all messages seen so far; it may be called again and again, after
a crash as well, and always gives the same messages. Whoever deviates ends the ceremony
for all, and is named. A message of another run counts as not sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from fedsafe_crypto.dkg.blame import Seen, check_verdicts
from fedsafe_crypto.dkg.ceremony import (
    Announced,
    Dealt,
    Judged,
    announce,
    load_state,
    save_state,
)
from fedsafe_crypto.dkg.messages import of_run
from fedsafe_crypto.dkg.resharing import Held
from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.errors import CryptoError, DkgAbortError, Finding
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.errors import CeremonyError, UntrustedError
from fedsafe_federation.wire.signed import Signed, open_payload, sign_payload

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One ceremony, as all see it.

    Attributes:
        what: What it is called in an error, and the beginning of its message types.
        names: Share index of each participant.
        unheard: Members whose messages count as not sent.
        failure: What is raised when it cannot go on.
    """

    what: str
    federation: str
    run: Run
    names: Mapping[str, int]
    failure: type[CeremonyError]
    unheard: AbstractSet[str] = field(default_factory=frozenset)

    @property
    def announce(self) -> str:
        """The type of round 1."""
        return f"{self.what}.announce"

    @property
    def deal(self) -> str:
        """The type of round 2."""
        return f"{self.what}.deal"

    @property
    def verdict(self) -> str:
        """The type of round 3."""
        return f"{self.what}.verdict"

    def index(self, name: str) -> int:
        """Give a participant's share index.

        Raises:
            UntrustedError: nobody of that name takes part.
        """
        try:
            return self.names[name]
        except KeyError:
            raise UntrustedError(name, f"takes no part in this {self.what}") from None

    def named(self, indices: Iterable[int]) -> frozenset[str]:
        """Give the names of some indices."""
        wanted = set(indices)
        return frozenset(name for name, index in self.names.items() if index in wanted)

    def open(self, message: Signed, type_: str) -> bytes:
        """Check a participant's signature; give what it stands under.

        Raises:
            UntrustedError: not from a participant, or badly signed.
        """
        source = self.run.source
        keys = dict([*self.run.roster, *(source.dealers if source else ())])
        return open_payload(
            message,
            type_=type_,
            public=keys[self.index(message.signer)],
            federation=self.federation,
        )

    def collect(self, type_: str, messages: Iterable[Signed]) -> dict[int, bytes]:
        """Take one message of each; those of another run do not count as sent.

        Raises:
            UntrustedError: a message is not from a participant, or badly signed.
            CeremonyError: somebody said two things.
        """
        found: dict[int, bytes] = {}
        for message in messages:
            if message.type != type_ or message.signer in self.unheard:
                continue
            index = self.index(message.signer)
            signed = {index: self.open(message, type_)}
            for payload in of_run(self.run, signed).values():
                if found.setdefault(index, payload) != payload:
                    raise self.said_twice(message.signer)
        return found

    def seen(self, messages: Sequence[Signed]) -> Seen:
        """Take all rounds of the run.

        Raises:
            UntrustedError: a message is not from a participant, or badly signed.
            CeremonyError: somebody said two things.
        """
        return Seen(
            announcements=self.collect(self.announce, messages),
            deals=self.collect(self.deal, messages),
            verdicts=self.collect(self.verdict, messages),
        )

    def said_twice(self, name: str) -> CeremonyError:
        """Name who said two things."""
        return self.failure(f"{name} said two things in one round", guilty={name})

    def ended(self, error: CryptoError) -> CeremonyError:
        """Say why the run ended, and who is at fault."""
        if not isinstance(error, DkgAbortError):
            return self.failure(f"the key generation failed: {error}")
        said = "; ".join(map(self._sentence, error.findings))
        settled = {each.guilty for each in error.findings if not each.cites}
        return self.failure(
            f"the key generation was ended: {said}", guilty=self.named(settled)
        )

    def _sentence(self, finding: Finding) -> str:
        """Say who complains of whom, and who is at fault where that is settled."""
        names = {index: name for name, index in self.names.items()}
        about, guilty = names[finding.about], names[finding.guilty]
        if finding.by is None:
            return f"{about}: {finding.reason}"
        said = f"{names[finding.by]} complains of {about}: {finding.reason}"
        return said if finding.cites else f"{said} ({guilty} is at fault)"


@dataclass(frozen=True, slots=True)
class Progress:
    """What this participant owes.

    Attributes:
        seen: All messages, once everybody has agreed.
        judged: This participant's own state then; none of whoever receives nothing.
    """

    owed: list[Signed]
    seen: Seen | None = None
    judged: Judged | None = None


class Rounds:
    """One participant's side of the three rounds."""

    def __init__(
        self, setting: Setting, name: str, key: SigningKey, states: States
    ) -> None:
        """Take a seat.

        Raises:
            UntrustedError: nobody of that name takes part.
        """
        self._setting = setting
        self._name = name
        self._key = key
        self._states = states
        self._index = setting.index(name)

    def play(self, messages: Sequence[Signed], *, held: Held | None = None) -> Progress:
        """Go as far as the *messages* allow.

        Raises:
            DkgAbortError: somebody deviated, and the run is over.
            CryptoError: a state is damaged, or what is held is not what is dealt anew.
            CeremonyError: somebody said two things, or the states are of another run.
            UntrustedError: a message is not from a participant.
        """
        run = self._setting.run
        first = self._load(1, Announced)
        if first is None:
            first = announce(run, self._index)
            self._states.put(1, save_state(first))
        owed = self._said(self._setting.announce, first.message)
        announced = self._setting.collect(self._setting.announce, [*messages, *owed])
        if not announced.keys() >= set(run.indices):
            return Progress(owed)
        second = self._load(2, Dealt) or self._load(2, Judged)
        if second is None:
            second = first.deal(announced, held=held)
            self._states.put(2, save_state(second))
        if isinstance(second, Judged):  # a complaint instead of a deal
            return self._end(second, messages, owed)
        owed += self._said(self._setting.deal, second.message)
        dealt = self._setting.collect(self._setting.deal, [*messages, *owed])
        if not dealt.keys() >= set(run.dealers):
            check_verdicts(run, self._setting.seen([*messages, *owed]))
            return Progress(owed)
        if self._index not in run.indices:
            return self._end(None, messages, owed)
        third = self._load(3, Judged)
        if third is None:
            third = second.judge(dealt)
            self._states.put(3, save_state(third))
        return self._end(third, messages, owed)

    def sign(self, type_: str, payload: bytes) -> Signed:
        """Sign a message of the ceremony."""
        return sign_payload(
            payload,
            type_=type_,
            signer=self._name,
            key=self._key,
            federation=self._setting.federation,
        )

    def _end(
        self, judged: Judged | None, messages: Sequence[Signed], owed: list[Signed]
    ) -> Progress:
        verdict = self._said(self._setting.verdict, judged.message if judged else b"")
        owed += verdict
        seen = self._setting.seen([*messages, *owed])
        try:
            check_verdicts(self._setting.run, seen)
        except DkgAbortError:
            # What this side saw must leave before it gives up: it has, once
            # whoever carries the messages brings it back.
            if all(each in messages for each in verdict):
                raise
            return Progress(owed)
        if not seen.verdicts.keys() >= set(self._setting.run.indices):
            return Progress(owed)
        return Progress(owed, seen, judged)

    def _load(self, round_: int, kind: type[S]) -> S | None:
        stored = self._states.get(round_)
        if stored is None:
            return None
        state = load_state(stored)
        if state.run != self._setting.run:
            raise self._setting.failure(
                f"another {self._setting.what} is under way at this node"
            )
        return state if isinstance(state, kind) else None

    def _said(self, type_: str, payload: bytes) -> list[Signed]:
        """Sign a message, if there is one to send."""
        return [self.sign(type_, payload)] if payload else []
