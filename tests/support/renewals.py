# SPDX-License-Identifier: Apache-2.0
"""A resharing in memory, with all its participants, on a founded federation."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET
from tests.support.ceremonies import MemoryStates, table
from tests.support.members import FEDERATION, NAMES, key_of, member

from fedsafe_crypto.dkg.messages import Reason, Verdict, complaint_of, write
from fedsafe_crypto.dkg.resharing import Held
from fedsafe_crypto.oprf.keys import Pins
from fedsafe_crypto.oprf.threshold import (
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.voprf import Mode, blind_all
from fedsafe_federation.charter.amendment import (
    Version,
    open_first,
    sign_charter,
    verify_next,
)
from fedsafe_federation.charter.charter import Charter, SignedCharter, majority
from fedsafe_federation.charter.renewal import Attendant, Kept, Renewed, Resharing, Step
from fedsafe_federation.charter.resharing import (
    ResharingProposal,
    open_resharing,
    sign_resharing,
)
from fedsafe_federation.errors import ResharingError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode

CREATED = 1_710_000_000
DEADLINE = CREATED + 3600
BEFORE, AFTER = CREATED + 60, DEADLINE + 1


@dataclass(frozen=True, slots=True)
class Federation:
    """A version that counts, and what each holder holds under it."""

    version: Version
    held: Mapping[str, Held]
    documents: tuple[SignedCharter, ...]
    group: bytes = b""

    @property
    def pins(self) -> Pins:
        return self.version.charter.pins()[1]

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.version.charter.members]

    def output(
        self,
        holders: Sequence[str],
        value: bytes = b"somebody",
        pins: Pins | None = None,
    ) -> bytes:
        """Evaluate a value with the shares of some holders."""
        pins = pins or self.pins
        blinds = blind_all([value], Mode.VOPRF)
        elements = [blinded.element for blinded in blinds]
        shares = [self.held[name].share for name in holders]
        answers = [
            verify_evaluation(pins, elements, evaluate_share(each, pins, elements))
            for each in shares
        ]
        [found] = finalize_threshold(pins, [value], blinds, answers)
        return found

    def voted(
        self,
        charter: Charter,
        held: Mapping[str, Held] | None = None,
        group: bytes = b"",
    ) -> "Federation":
        """Let all sign a next version."""
        document = signed_by_all(self.version, charter)
        version = verify_next(self.version, document)
        documents = (*self.documents, document)
        return Federation(version, held or self.held, documents, group or self.group)

    def changed(self, **changes: Any) -> "Federation":  # noqa: ANN401 - any field
        before = self.version.charter
        roster = changes.get("members", before.members)
        standard = {
            "version": before.version + 1,
            "previous": self.version.digest,
            "quorum": majority(len(roster)),
        }
        charter = msgspec.structs.replace(before, **(standard | changes))
        return self.voted(charter)

    def joined(self, *names: str) -> "Federation":
        before = self.version.charter
        newcomers = [
            member(before.next_index + at, name) for at, name in enumerate(names)
        ]
        return self.changed(
            members=[*before.members, *newcomers],
            next_index=before.next_index + len(names),
        )

    def left(self, *names: str) -> "Federation":
        members = self.version.charter.members
        return self.changed(members=[m for m in members if m.name not in names])


def signed_by_all(version: Version, charter: Charter) -> SignedCharter:
    payload = encode(charter)
    names = {m.name for m in [*version.charter.active(), *charter.active()]}
    return SignedCharter(
        [
            sign_charter(
                payload,
                signer=name,
                key=key_of(name, "statement"),
                federation=FEDERATION,
            )
            for name in sorted(names)
        ]
    )


@lru_cache
def founded(count: int = 3, threshold: int = 2) -> Federation:
    done = table(count, threshold).finish()
    held = {
        name: Held(share=each.keys.share, token_key=each.keys.token_key)
        for name, each in done.founded.items()
    }
    document = done.founded[NAMES[0]].charter
    group = done.founded[NAMES[0]].keys.group_key
    return Federation(open_first(document), held, (document,), group)


def terms_of(federation: Federation, threshold: int) -> ResharingProposal:
    entry = federation.version.charter.epochs[0]
    assert entry.tokens is not None
    return ResharingProposal(
        federation=FEDERATION,
        charter=federation.version.digest,
        epoch=entry.epoch,
        generation=entry.generation,
        threshold=threshold,
        tokens=entry.tokens,
        commits=entry.commits or UNSET,
        created=CREATED,
        deadline=DEADLINE,
    )


def proposed(terms: ResharingProposal, convenor: str = NAMES[0]) -> Signed:
    return sign_resharing(terms, convenor=convenor, key=key_of(convenor, "statement"))


Tamper = Callable[[Signed, str], Signed | None]


@dataclass(slots=True)
class Renewing:
    """All participants of one attempt; what one says, `tamper` may change or keep."""

    federation: Federation
    proposal: Signed
    gone: Collection[str] = ()
    now: int = BEFORE
    states: dict[str, MemoryStates] = field(default_factory=dict)
    said: list[Signed] = field(default_factory=list)
    renewed: dict[str, Renewed] = field(default_factory=dict)
    failed: dict[str, ResharingError] = field(default_factory=dict)
    tamper: Tamper = lambda message, _: message

    def __post_init__(self) -> None:
        terms = open_resharing(self.federation.version, self.proposal)
        for name in sorted(terms.setting.names):
            self.states.setdefault(name, MemoryStates())

    def heard(self, name: str) -> list[Signed]:
        came = [self.tamper(each, name) for each in self.said]
        return [each for each in came if each is not None]

    def side(self, name: str) -> Resharing:
        """Load the states, as after a crash."""
        attendant = Attendant(
            name, key_of(name, "statement"), self.federation.held.get(name), self.gone
        )
        return Resharing(
            attendant, self.federation.version, self.proposal, self.states[name]
        )

    def step(self, name: str, messages: Sequence[Signed] | None = None) -> Step:
        heard = self.heard(name) if messages is None else messages
        return self.side(name).step(heard, now=self.now)

    def take(self, name: str) -> None:
        """Step, and keep what came of it."""
        if name in self.failed:
            return
        try:
            step = self.step(name)
        except ResharingError as error:
            self.failed[name] = error
            return
        self.said += [each for each in step.owed if each not in self.said]
        if step.renewed is not None:
            self.renewed[name] = step.renewed

    def finish(self) -> "Renewing":
        for _ in range(7):
            for name in self.states:
                self.take(name)
        return self

    def agreed(self) -> Federation:
        """Vote on what all ended with; check that it is one version for all."""
        assert self.failed == {}
        assert set(self.renewed) == set(self.states)
        [payload] = {each.payload for each in self.renewed.values()}
        charter = self.renewed[min(self.renewed)].charter
        assert encode(charter) == payload
        keys = {name: each.keys for name, each in self.renewed.items()}
        held = {name: held_of(kept) for name, kept in keys.items() if kept}
        [group] = {kept.group_key for kept in keys.values() if kept}
        return self.federation.voted(charter, held, group)


def held_of(kept: Kept) -> Held:
    return Held(share=kept.share, token_key=kept.token_key)


def renewing(federation: Federation, threshold: int, **changes: Any) -> Renewing:  # noqa: ANN401 - any field
    terms = msgspec.structs.replace(terms_of(federation, threshold), **changes)
    return Renewing(federation, proposed(terms))


def false_complaint(here: Renewing, by: str, about: str, message: bytes = b"") -> bytes:
    """Complain of a deal that is good."""
    terms = open_resharing(here.federation.version, here.proposal)
    index = terms.setting.index
    [deal] = [
        each
        for each in here.said
        if (each.type, each.signer) == ("resharing.deal", about)
    ]
    complaint = complaint_of(2, index(about), Reason.UNREADABLE, deal.payload)
    complaint = replace(complaint, message=message or complaint.message)
    verdict = Verdict(sender=index(by), transcript=b"", complaints=(complaint,))
    return write(terms.run, verdict)
