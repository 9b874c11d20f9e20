# SPDX-License-Identifier: Apache-2.0
"""Evaluate identifiers with t of n members, within a deadline.

The client's half of protocol 3.2: blind, ask t - 1 peers while the own share is
evaluated (t of them without a share of one's own), verify every proof, combine,
finalise. Only members that take part now are asked. The blinded elements say in which
order, so that over many lookups each peer is asked as often as the others. One that
does not answer, answers junk, or has no budget left for this node is replaced by the
next; beside one that is silent the next is asked after about 150 ms, and for a while
others are asked first (`member_choice`). It is named only when its own signature
convicts it: the statement answers this request and its proof fails, or it is no
answer at all. What anybody could have sent in its name, a repeated answer, another
generation and silence convict nobody. With fewer than t members in time the answer
is *deferred*: never a weaker token.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, Protocol, TypeVar

from fedsafe_crypto.errors import GenerationMismatchError, LiarError
from fedsafe_crypto.oprf.threshold import (
    KeyShare,
    Pins,
    VerifiedEvaluation,
    evaluate_own,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.voprf import Blinded, Mode, blind_all
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.errors import (
    MalformedError,
    PeerError,
    PeerRefusedError,
    PeerUnreachableError,
    QuorumError,
    UntrustedError,
)
from fedsafe_federation.evaluation.blinding import Tried
from fedsafe_federation.evaluation.joint_requests import MOST_OF_ONE, JointRequests
from fedsafe_federation.evaluation.member_choice import Round, Silences, patience_of
from fedsafe_federation.evaluation.metering import Budget, Ledger
from fedsafe_federation.evaluation.statements import (
    MAX_ELEMENTS,
    open_answer,
    sign_request,
)
from fedsafe_federation.wire.pace import Offload
from fedsafe_federation.wire.signed import Signed

T = TypeVar("T")
_Asking = asyncio.Task[VerifiedEvaluation | None]
_OFFLOAD_ELEMENTS: Final = 4
_DISTRUST: Final = timedelta(minutes=5)
_RESERVE: Final = timedelta(seconds=5)

_log = logging.getLogger("fedsafe.quorum")


class Ask(Protocol):
    """Carries a signed evaluation request to a member and brings the answer."""

    async def __call__(self, member: Member, request: Signed) -> Signed:
        """Ask *member*.

        Raises:
            PeerError: no usable answer.
        """
        ...


class Report(Protocol):
    """Hears of a peer that answered wrongly, with the evidence."""

    async def __call__(
        self, peer: str, why: str, request: Signed, answer: Signed
    ) -> None:
        """Keep the evidence."""
        ...


@dataclass(frozen=True, slots=True)
class Holder:
    """This node's part in the evaluation: name, share if it has one, signing key."""

    name: str
    share: KeyShare | None
    key: SigningKey


class Quorum:
    """Evaluates under one epoch's key.

    State, owned by the event loop: `_avoid` maps a peer that refused or answered
    wrongly to the moment until which others are asked first; `_tried` keeps blinds for
    another try; `_joint` joins what is asked for at once; `_reports` are the reports
    that are still being kept, which no deadline cuts off. The *silences* are those of
    all quorums of a node.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        charter: Charter,
        pins: Pins,
        holder: Holder,
        *,
        ask: Ask,
        report: Report,
        ledger: Ledger,
        silences: Silences,
        offload: Offload,
        now: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
    ) -> None:
        """Check the own share and the pins: wrong pins would accuse the honest.

        Raises:
            SharesError: share or pins do not fit together.
            GenerationMismatchError: they are of two generations.
        """
        if holder.share is not None:
            holder.share.check(pins)
        pins.check()
        self.generation = pins.generation
        self._charter = charter
        self._pins = pins
        self._holder = holder
        self._ask = ask
        self._report = report
        self._ledger = ledger
        self._silences = silences
        self._offload = offload
        self._now = now
        self._token_bytes = token_bytes
        self._tried = Tried()
        self._joint = JointRequests(self._evaluate)
        self._avoid: dict[str, datetime] = {}
        self._reports: set[asyncio.Task[None]] = set()

    async def blind(self, inputs: Sequence[bytes]) -> Sequence[Blinded]:
        """Blind inputs: once for all epochs and tries, so that each is charged once."""
        known = self._tried.find(inputs, self._now())
        fresh = [each for each in inputs if each not in known]
        made = await self._run(lambda: blind_all(fresh, Mode.VOPRF), len(fresh))
        new = iter(made)
        return [known[each] if each in known else next(new) for each in inputs]

    def tried(
        self, inputs: Sequence[bytes], blinds: Sequence[Blinded], *, done: bool
    ) -> None:
        """Keep the blinds of a try for the next one, unless it is *done*."""
        if done:
            self._tried.drop(inputs)
        else:
            self._tried.keep(inputs, blinds, self._now())

    async def evaluate(
        self,
        inputs: Sequence[bytes],
        budget: Budget,
        *,
        within: float,
        blinds: Sequence[Blinded],
        last: bool = True,
    ) -> Sequence[bytes]:
        """Give the OPRF output of every input, in order, within *within* seconds.

        Unless it is the *last* generation to be tried, the silent are not waited for
        once others lag behind it.

        Raises:
            QuorumError: fewer than t members answered rightly in time.
        """
        outputs: list[bytes] = []
        end = asyncio.get_running_loop().time() + within
        if 0 < len(inputs) <= MOST_OF_ONE:
            return await self._joint.evaluate(inputs, blinds, budget, end, last=last)
        for start in range(0, len(inputs), MAX_ELEMENTS):
            batch = slice(start, start + MAX_ELEMENTS)
            outputs += await self._evaluate(
                inputs[batch], blinds[batch], budget, end, last=last
            )
        return outputs

    async def settle(self) -> None:
        """Wait until all reports so far are kept."""
        while self._reports:
            await asyncio.wait(self._reports)

    async def _evaluate(  # noqa: PLR0913 - what is asked, and how
        self,
        inputs: Sequence[bytes],
        blinds: Sequence[Blinded],
        budget: Budget,
        end: float,
        *,
        last: bool,
        joint: bool = False,
        without: Collection[str] = (),
    ) -> Sequence[bytes]:
        count = len(inputs)
        elements = [blinded.element for blinded in blinds]
        collect = partial(
            self._collect,
            elements,
            budget,
            end,
            last=last,
            joint=joint,
            without=without,
        )
        if count > _OFFLOAD_ELEMENTS:
            own, others = await self._beside(elements, collect)
        else:
            own, others = self._own(elements), await collect()
        return await self._run(lambda: self._finish(inputs, blinds, own, others), count)

    async def _beside(
        self,
        elements: Sequence[bytes],
        collect: Callable[[], Coroutine[Any, Any, Sequence[VerifiedEvaluation]]],
    ) -> tuple[Sequence[VerifiedEvaluation], Sequence[VerifiedEvaluation]]:
        """Evaluate on a thread while members are asked."""
        collecting = asyncio.create_task(collect())
        try:
            own = await self._offload(lambda: self._own(elements))
            return own, await collecting
        finally:
            await _cancel([collecting])

    def _own(self, elements: Sequence[bytes]) -> list[VerifiedEvaluation]:
        share = self._holder.share
        return [] if share is None else [evaluate_own(share, self._pins, elements)]

    def _finish(
        self,
        inputs: Sequence[bytes],
        blinds: Sequence[Blinded],
        own: Sequence[VerifiedEvaluation],
        others: Sequence[VerifiedEvaluation],
    ) -> Sequence[bytes]:
        return finalize_threshold(self._pins, inputs, blinds, [*own, *others])

    async def _collect(  # noqa: PLR0913 - what is asked, and how
        self,
        elements: Sequence[bytes],
        budget: Budget,
        end: float,
        *,
        last: bool,
        joint: bool,
        without: Collection[str],
    ) -> Sequence[VerifiedEvaluation]:
        here, loop = 0 if self._holder.share is None else 1, asyncio.get_running_loop()
        ranked = self._candidates(elements[0])
        candidates = [each for each in ranked if each.name not in without]
        open_ = [m for m in candidates if not self._ledger.wait(m.name, budget)]
        asking = self._begin(self._pins.threshold - here, open_, len(elements), end)
        asking.joint = joint
        answers: list[VerifiedEvaluation] = []
        running: set[_Asking] = set()

        def one(name: str) -> _Asking:
            return asyncio.create_task(
                self._one(asking, name, elements, budget, end), name=name
            )

        try:
            while asking.round.goes_on:
                asked, wake = self._step(asking.round)
                running |= {one(name) for name in asked}
                if asking.behind and asking.round.is_stuck and not last:
                    break
                left = max(0.0, end - loop.time())
                done, running = await asyncio.wait(
                    running,
                    timeout=left if wake is None else min(wake, left),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    found = task.result()
                    asking.round.ended(task.get_name(), answered=found is not None)
                    answers += [] if found is None else [found]
                if not done and loop.time() >= end:
                    self._hold_silent(asking.round)
                    break
        finally:
            await _cancel(running)
        if asking.round.needed > 0:
            waits = [self._ledger.wait(m.name, budget) for m in candidates]
            after = min((wait for wait in waits if wait), default=None)
            got = len(answers) + here
            known = len(self._pins.members) - len(asking.behind)
            unused = known < self._pins.threshold
            raise QuorumError(
                got,
                self._pins.threshold,
                retry_after=after,
                unused=unused,
                wrong=frozenset(asking.wrong),
            )
        return answers

    def _begin(
        self, needed: int, waiting: Sequence[Member], elements: int, end: float
    ) -> "_Collecting":
        now = asyncio.get_running_loop().time()
        left = end - now
        return _Collecting(
            {each.name: each for each in waiting},
            Round(
                needed,
                [each.name for each in waiting],
                elements,
                patience_of(elements, left),
                now + left / 2,
            ),
        )

    def _step(self, round_: Round) -> tuple[Sequence[str], float | None]:
        """Say whom to ask now, and in how many seconds to look again."""
        now = asyncio.get_running_loop().time()
        self._hold_silent(round_)
        step = round_.step(now, self._silences.allowance)
        for name in step.ask:
            self._silences.asked(name, now, round_.patience)
        return step.ask, None if step.wake is None else max(0.0, step.wake - now)

    def _hold_silent(self, round_: Round) -> None:
        for name in round_.overdue(asyncio.get_running_loop().time()):
            self._silence(name, round_.since(name))

    def _silence(self, peer: str, since: float) -> None:
        now = asyncio.get_running_loop().time()
        if self._silences.fell_silent(peer, asked=since, now=now):
            _log.warning("member silent", extra={"fedsafe": {"peer": peer}})

    def _candidates(self, element: bytes) -> list[Member]:
        now, moment = self._now(), asyncio.get_running_loop().time()
        others = [
            each
            for each in self._charter.active()
            if each.index in self._pins.members and each.name != self._holder.name
        ]

        def rank(member: Member) -> tuple[datetime, tuple[int, float], bytes]:
            turn = sha256(element + member.name.encode()).digest()
            distrusted = max(now, self._avoid.get(member.name, now))
            return distrusted, self._silences.rank(member.name, moment), turn

        return sorted(others, key=rank)

    def _leave(self, peer: str, length: timedelta) -> None:
        self._avoid[peer] = self._now() + length

    async def _one(
        self,
        asking: "_Collecting",
        name: str,
        elements: Sequence[bytes],
        budget: Budget,
        end: float,
    ) -> VerifiedEvaluation | None:
        member = asking.members[name]
        await self._ledger.asks(name, budget, elements)
        since = asyncio.get_running_loop().time()
        asking.round.sent(name, since)
        request = self._sign(member, elements, budget, end)
        try:
            answer = await self._ask(member, request)
        except (PeerUnreachableError, TimeoutError):
            self._silence(name, since)
            return None
        except PeerError as error:
            self._refused(asking, name, budget, error)
            return None
        in_time = asking.round.heard(name)
        try:
            checked = await self._check(member, elements, request, answer)
        except (LiarError, MalformedError) as error:
            self._distrust(asking, name)
            self._accuse(name, str(error), request, answer)
        except UntrustedError:
            self._distrust(asking, name)
        except GenerationMismatchError:
            self._leave(name, _RESERVE)
        else:
            self._ledger.answered(name, budget, elements)
            now = asyncio.get_running_loop().time()
            if in_time and self._silences.answered(name, now):
                _log.info("member answers again", extra={"fedsafe": {"peer": name}})
            return checked
        return None

    def _distrust(self, asking: "_Collecting", peer: str) -> None:
        asking.wrong.add(peer)
        self._leave(peer, _DISTRUST)

    def _refused(
        self, asking: "_Collecting", peer: str, budget: Budget, error: PeerError
    ) -> None:
        if not isinstance(error, PeerRefusedError):
            self._leave(peer, _RESERVE)
        elif error.lacks_budget:
            if not asking.joint:  # it may have enough for one of them
                self._ledger.refused(peer, budget, error.retry_after)
        elif error.lacks_epoch:
            asking.behind.add(peer)
        else:
            self._leave(peer, _RESERVE)

    def _sign(
        self, member: Member, elements: Sequence[bytes], budget: Budget, end: float
    ) -> Signed:
        now = self._now()
        left = max(0.0, end - asyncio.get_running_loop().time())
        return sign_request(
            elements,
            sender=self._holder.name,
            receiver=member.name,
            generation=self.generation,
            nonce=self._token_bytes(16),
            now=now,
            deadline=now + timedelta(seconds=left) + _RESERVE,
            key=self._holder.key,
            federation=self._charter.federation,
            purpose=budget.purpose,
            grant=budget.grant,
        )

    async def _check(
        self,
        member: Member,
        elements: Sequence[bytes],
        request: Signed,
        answer: Signed,
    ) -> VerifiedEvaluation:
        evaluation = open_answer(
            answer,
            request=request,
            sender=member.name,
            me=self._holder.name,
            charter=self._charter,
        )

        def verify() -> VerifiedEvaluation:
            return verify_evaluation(
                self._pins, elements, evaluation, asked=member.index
            )

        return await self._run(verify, len(elements))

    def _accuse(self, peer: str, why: str, request: Signed, answer: Signed) -> None:
        keeping = asyncio.ensure_future(self._keep(peer, why, request, answer))
        self._reports.add(keeping)
        keeping.add_done_callback(self._reports.discard)

    async def _keep(self, peer: str, why: str, request: Signed, answer: Signed) -> None:
        try:
            await self._report(peer, why, request, answer)
        except Exception:  # noqa: BLE001
            # The boundary of this task: the lookup goes on, the evidence is lost.
            _log.exception("evidence not kept", extra={"fedsafe": {"peer": peer}})

    async def _run(self, work: Callable[[], T], elements: int) -> T:
        if elements > _OFFLOAD_ELEMENTS:
            return await self._offload(work)
        return work()


@dataclass(slots=True)
class _Collecting:
    """One evaluation's members by name, and who of them is asked.

    It is `joint` where many callers ask for its elements. Some lag `behind`, and the
    answers of some were `wrong`.
    """

    members: dict[str, Member]
    round: Round
    joint: bool = False
    behind: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)


async def _cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    if running:  # to wait for none costs a turn of the loop
        await asyncio.gather(*running, return_exceptions=True)
