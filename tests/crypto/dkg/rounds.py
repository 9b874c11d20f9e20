# SPDX-License-Identifier: Apache-2.0
"""Runs of the key generation in memory, with whatever a cheat changes on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from fedsafe_crypto.dkg.blame import Seen, findings
from fedsafe_crypto.dkg.ceremony import (
    Announced,
    Dealt,
    DkgResult,
    Judged,
    State,
    announce,
    load_state,
    save_state,
)
from fedsafe_crypto.dkg.feldman import commit_deal, seal_deal
from fedsafe_crypto.dkg.messages import (
    Complaint,
    Deal,
    Message,
    Verdict,
    digest_of,
    write,
)
from fedsafe_crypto.dkg.resharing import Held
from fedsafe_crypto.dkg.runs import DIGEST_BYTES, Run, Source
from fedsafe_crypto.errors import DkgError, Finding
from fedsafe_crypto.oprf.keys import Generation
from fedsafe_crypto.oprf.shares import value_at
from fedsafe_crypto.primitives.ristretto import (
    hash_to_scalar,
    multiply_base,
    random_scalar,
    scalar_add,
    scalar_multiply,
)

FEDERATION = "example.org/federation"
Results = Mapping[int, DkgResult]
Tamper = Callable[[int, int, int, bytes], bytes | None]


def roster_of(indices: Sequence[int]) -> tuple[tuple[int, bytes], ...]:
    return tuple((index, b"key of %d" % index) for index in indices)


def run_of(threshold: int, indices: Sequence[int]) -> Run:
    return Run(
        federation_id=FEDERATION,
        generation=Generation(1, 1),
        threshold=threshold,
        roster=roster_of(indices),
    )


def resharing_of(
    old: Results,
    threshold: int,
    indices: Sequence[int],
    *,
    dealers: Sequence[int] | None = None,
) -> Run:
    """Share the key of some results anew, all their holders dealing by default."""
    some = next(iter(old.values()))
    generation = some.pins.generation
    return Run(
        federation_id=FEDERATION,
        generation=replace(generation, number=generation.number + 1),
        threshold=threshold,
        roster=roster_of(indices),
        source=Source(
            pins=some.pins.to_bytes(),
            dealers=roster_of(sorted(old) if dealers is None else dealers),
            token_commitment=some.token_commitment,
        ),
    )


def held_of(results: Results) -> dict[int, Held]:
    return {
        index: Held(share=result.share, token_key=result.token_key)
        for index, result in results.items()
    }


def faithful(round_: int, sender: int, to: int, message: bytes) -> bytes | None:
    del round_, sender, to
    return message


def restarted(state: State) -> State:
    again = load_state(save_state(state))
    assert again == state
    return again


@dataclass
class Table:
    """All participants of a run; `tamper` changes or withholds what one sends."""

    run: Run
    held: Mapping[int, Held] = field(default_factory=dict)
    tamper: Tamper = faithful
    views: dict[int, Seen] = field(default_factory=dict)
    first: dict[int, Announced] = field(default_factory=dict)
    second: dict[int, Dealt] = field(default_factory=dict)
    third: dict[int, Judged] = field(default_factory=dict)
    results: dict[int, DkgResult] = field(default_factory=dict)
    failed: dict[int, DkgError] = field(default_factory=dict)

    def play(self) -> "Table":
        self.announce()
        self.deal()
        self.judge()
        self.finish()
        return self

    def announce(self) -> None:
        for index in self.run.participants:
            self.first[index] = announce(self.run, index)
        for to in self.run.participants:
            self.views[to] = Seen(announcements=self._heard(1, to, self.first))

    def deal(self) -> None:
        for index, state in self.first.items():
            seen, held = self.views[index], self.held.get(index)
            held = held if index in self.run.dealers else None
            try:
                dealt = state.deal(seen.announcements, held=held)
            except DkgError as error:
                self.failed[index] = error
                continue
            if isinstance(dealt, Dealt):
                self.second[index] = dealt
            else:
                self.third[index] = dealt
        for to, seen in self.views.items():
            heard = self._heard(2, to, self.second)
            self.views[to] = replace(seen, deals=heard)

    def judge(self) -> None:
        for index in self.run.indices:
            if index in self.second:
                try:
                    judged = self.second[index].judge(self.views[index].deals)
                except DkgError as error:
                    self.failed[index] = error
                else:
                    self.third[index] = judged
        for to, seen in self.views.items():
            heard = self._heard(3, to, self.third)
            self.views[to] = replace(seen, verdicts=heard)

    def finish(self) -> None:
        for index, state in self.third.items():
            try:
                self.results[index] = state.finish(self.views[index])
            except DkgError as error:
                self.failed[index] = error

    def found(self, honest: Sequence[int]) -> tuple[Finding, ...]:
        """Let the honest show each other everything: all must find the same."""
        views = [self.views[index] for index in honest]
        rotated = [views[at:] + views[:at] for at in range(len(views))]
        [found] = {findings(self.run, *each) for each in rotated}
        assert not set(honest) & set(self.results)
        return found

    def _heard(
        self, round_: int, to: int, states: Mapping[int, State]
    ) -> dict[int, bytes]:
        heard: dict[int, bytes] = {}
        for sender, state in states.items():
            message: bytes | None = state.message or None
            if message is not None and sender != to:
                message = self.tamper(round_, sender, to, message)
            if message is not None:
                heard[sender] = message
        return heard


def finished(run: Run, held: Mapping[int, Held] | None = None) -> dict[int, DkgResult]:
    table = Table(run, held or {}).play()
    assert table.failed == {}
    return table.results


def reshared(
    old: Results,
    threshold: int,
    indices: Sequence[int],
    *,
    dealers: Sequence[int] | None = None,
) -> dict[int, DkgResult]:
    run = resharing_of(old, threshold, indices, dealers=dealers)
    return finished(run, held_of(old))


def decoded(kind: type[Message], message: bytes) -> Message:
    return msgspec.msgpack.decode(message[DIGEST_BYTES:], type=kind)


def complaints_of(state: Judged) -> tuple[Complaint, ...]:
    return decoded(Verdict, state.message).complaints


def changed(run: Run, kind: type[Message], message: bytes, **changes: object) -> bytes:
    before = decoded(kind, message)
    return write(run, replace(before, **changes))  # type: ignore[arg-type]


def saying(
    round_: int, sender: int, say: Callable[[int, bytes], bytes | None]
) -> Tamper:
    """Change what one participant sends in one round."""

    def tamper(here: int, who: int, to: int, message: bytes) -> bytes | None:
        return say(to, message) if (here, who) == (round_, sender) else message

    return tamper


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """How one dealer deals a polynomial of its choice; the rest is as it should be."""

    polynomial: Sequence[bytes]
    shares: Mapping[int, bytes] = field(default_factory=dict)
    contributions: Mapping[int, bytes] = field(default_factory=dict)
    commitments: Sequence[bytes] = ()
    announcements: Sequence[bytes] = ()
    token_key: bytes = b""

    def deal(self, table: Table, dealer: int) -> Deal:
        run = table.run
        shown = table.views[dealer].announcements
        cited = [digest_of(shown[index]) for index in run.indices]
        honest = commit_deal(
            run,
            dealer,
            announcements=self.announcements or cited,
            polynomial=self.polynomial,
            contribution=b"\7" * 32,
        )
        given = self.commitments or honest.commitments
        deal = proved(run, replace(honest, commitments=tuple(given)), self.polynomial)
        contents = {
            index: self.shares.get(index, value_at(self.polynomial, index))
            + self.contributions.get(index, b"\7" * 32)
            for index in run.indices
        }
        held = table.held.get(dealer)
        handed = self.token_key or (held.token_key if held else b"")
        sealed = seal_deal(run, deal, shown, contents, handed)
        assert isinstance(sealed, Deal)
        return sealed


def proved(run: Run, deal: Deal, polynomial: Sequence[bytes]) -> Deal:
    """Prove possession of the constant, by the protocol and not by its code."""
    bare = replace(deal, possession=b"", sealed=(), tokens=())
    bound = run.digest() + msgspec.msgpack.encode(bare)
    nonce = random_scalar()
    tag = b"fedsafe/v1/dkg possession"
    challenge = hash_to_scalar(bound + multiply_base(nonce), tag)
    answer = scalar_add(nonce, scalar_multiply(challenge, polynomial[0]))
    return replace(deal, possession=challenge + answer)
