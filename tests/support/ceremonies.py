# SPDX-License-Identifier: Apache-2.0
"""A founding in memory, with all its participants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from tests.support.members import (
    FEDERATION,
    NAMES,
    POLICY,
    key_of,
    signed_card,
)

from fedsafe_federation.charter.consent import Consent
from fedsafe_federation.charter.founding_ceremony import (
    Ceremony,
    Founded,
    Participant,
    Step,
)
from fedsafe_federation.charter.proposal import Proposal, sign_proposal
from fedsafe_federation.errors import FoundingError
from fedsafe_federation.wire.signed import Signed, sign_payload


@dataclass(slots=True)
class MemoryStates:
    """States that survive a crash, and are never replaced."""

    kept: dict[int, bytes] = field(default_factory=dict)

    def get(self, round_: int) -> bytes | None:
        return self.kept.get(round_)

    def put(self, round_: int, state: bytes) -> None:
        assert round_ not in self.kept
        self.kept[round_] = state


def proposed(count: int, threshold: int | None = None, **changes: object) -> Signed:
    proposal = Proposal(
        v=1,
        federation=FEDERATION,
        threshold=threshold or count // 2 + 1,
        cards=[signed_card(name) for name in NAMES[:count]],
        policy=POLICY,
        arrangement=POLICY,
        created=1_700_000_000,
        ends=1_731_000_000,
    )
    changed = msgspec.structs.replace(proposal, **changes)
    return sign_proposal(changed, convenor=NAMES[0], key=key_of(NAMES[0], "statement"))


def signed(name: str, type_: str, payload: bytes) -> Signed:
    return sign_payload(
        payload,
        type_=type_,
        signer=name,
        key=key_of(name, "statement"),
        federation=FEDERATION,
    )


@dataclass(slots=True)
class Table:
    """All participants; what one says, `tamper` may change on its way."""

    proposal: Signed
    states: dict[str, MemoryStates]
    said: list[Signed] = field(default_factory=list)
    founded: dict[str, Founded] = field(default_factory=dict)
    failed: dict[str, FoundingError] = field(default_factory=dict)
    tamper: Callable[[Signed, str], Signed] = lambda message, _: message

    def step(self, name: str, messages: Sequence[Signed] | None = None) -> Step:
        """Load the states, as after a crash, and take one step."""
        participant = Participant(signed_card(name), key_of(name, "statement"))
        ceremony = Ceremony(
            participant,
            self.proposal,
            self.states[name],
            consent=Consent(self.proposal),
        )
        heard = [self.tamper(each, name) for each in messages or self.said]
        return ceremony.step(heard)

    def take(self, name: str) -> None:
        """Step, and keep what came of it."""
        if name in self.failed:
            return
        try:
            step = self.step(name)
        except FoundingError as error:
            self.failed[name] = error
            return
        self.said += [each for each in step.owed if each not in self.said]
        if step.founded is not None:
            self.founded[name] = step.founded

    def finish(self) -> "Table":
        for _ in range(7):
            for name in self.states:
                self.take(name)
        return self


def table(count: int = 3, threshold: int | None = None) -> Table:
    states = {name: MemoryStates() for name in NAMES[:count]}
    return Table(proposed(count, threshold), states)
