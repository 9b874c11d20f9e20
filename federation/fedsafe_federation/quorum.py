# SPDX-License-Identifier: Apache-2.0
"""Evaluate identifiers with t of n members, within a deadline.

The client's half of protocol 3.2: blind, ask t - 1 peers while the own share is
evaluated, verify every proof, combine, finalise. A peer that does not answer, or
answers junk, is replaced by the next; one that answers junk is named. With fewer
than t members in time the answer is *deferred*: never a weaker token.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from fedsafe_crypto.errors import (
    GenerationMismatchError,
    LiarError,
    MalformedElementError,
)
from fedsafe_crypto.identity import SigningKey
from fedsafe_crypto.oprf import Blinded, Mode, blind
from fedsafe_crypto.threshold import (
    KeyShare,
    Pins,
    VerifiedEvaluation,
    evaluate_own,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_federation.charter import Charter, Member
from fedsafe_federation.errors import (
    FederationError,
    PeerError,
    QuorumError,
)
from fedsafe_federation.evaluation import MAX_ELEMENTS, open_answer, sign_request
from fedsafe_federation.replication import Offload
from fedsafe_federation.signed import Signed

T = TypeVar("T")
_Asking = asyncio.Task[VerifiedEvaluation | None]
_OFFLOAD_ELEMENTS: Final = 4
_DISTRUST: Final = timedelta(minutes=5)
_RESERVE: Final = timedelta(seconds=5)


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
    """This node's own part in the evaluation: name, share, signing key."""

    name: str
    share: KeyShare
    key: SigningKey


class Quorum:
    """Evaluates under one epoch's key.

    State, owned by the event loop: `_avoid` maps a peer to the moment until which
    others are asked first.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        charter: Charter,
        pins: Pins,
        holder: Holder,
        *,
        ask: Ask,
        report: Report,
        offload: Offload,
        now: Callable[[], datetime],
        token_bytes: Callable[[int], bytes],
    ) -> None:
        holder.share.check(pins)
        self.generation = pins.generation
        self._charter = charter
        self._pins = pins
        self._holder = holder
        self._ask = ask
        self._report = report
        self._offload = offload
        self._now = now
        self._token_bytes = token_bytes
        self._avoid: dict[str, datetime] = {}

    async def evaluate(
        self, inputs: Sequence[bytes], *, within: float
    ) -> Sequence[bytes]:
        """Give the OPRF output of every input, in order, within *within* seconds.

        Raises:
            QuorumError: fewer than t members answered rightly in time.
        """
        outputs: list[bytes] = []
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        for start in range(0, len(inputs), MAX_ELEMENTS):
            chunk = inputs[start : start + MAX_ELEMENTS]
            outputs += await self._evaluate(chunk, within=max(0.0, end - loop.time()))
        return outputs

    async def _evaluate(
        self, inputs: Sequence[bytes], *, within: float
    ) -> Sequence[bytes]:
        count = len(inputs)
        blinds = await self._run(lambda: [blind(x, Mode.VOPRF) for x in inputs], count)
        elements = [blinded.element for blinded in blinds]
        collect = asyncio.create_task(self._collect(elements, within=within))
        try:
            own = await self._run(lambda: self._own(elements), count)
            others = await collect
        finally:
            collect.cancel()
        return await self._run(lambda: self._finish(inputs, blinds, own, others), count)

    def _own(self, elements: Sequence[bytes]) -> VerifiedEvaluation:
        return evaluate_own(self._holder.share, self._pins, elements)

    def _finish(
        self,
        inputs: Sequence[bytes],
        blinds: Sequence[Blinded],
        own: VerifiedEvaluation,
        others: Sequence[VerifiedEvaluation],
    ) -> Sequence[bytes]:
        return finalize_threshold(self._pins, inputs, blinds, [own, *others])

    async def _collect(
        self, elements: Sequence[bytes], *, within: float
    ) -> Sequence[VerifiedEvaluation]:
        needed = self._pins.threshold - 1
        waiting = self._candidates()
        answers: list[VerifiedEvaluation] = []
        running: set[_Asking] = set()
        try:
            async with asyncio.timeout(within):
                while len(answers) < needed:
                    while waiting and len(running) < needed - len(answers):
                        member = waiting.pop(0)
                        running.add(
                            asyncio.create_task(
                                self._one(member, elements, within=within)
                            )
                        )
                    if not running:
                        break
                    done, running = await asyncio.wait(
                        running, return_when=asyncio.FIRST_COMPLETED
                    )
                    answers += [found for task in done if (found := task.result())]
        except TimeoutError:
            self._avoid_unanswered(running)
        finally:
            for task in running:
                task.cancel()
        if len(answers) < needed:
            raise QuorumError(len(answers) + 1, self._pins.threshold)
        return answers[:needed]

    def _candidates(self) -> list[Member]:
        now = self._now()
        others = [m for m in self._charter.members if m.name != self._holder.name]
        start = self._holder.share.index % max(1, len(others))
        turned = others[start:] + others[:start]
        return sorted(turned, key=lambda m: self._avoid.get(m.name, now) > now)

    def _avoid_unanswered(self, running: set[_Asking]) -> None:
        for task in running:
            self._avoid[task.get_name()] = self._now() + _RESERVE

    async def _one(
        self, member: Member, elements: Sequence[bytes], *, within: float
    ) -> VerifiedEvaluation | None:
        task = asyncio.current_task()
        if task is not None:
            task.set_name(member.name)
        now = self._now()
        request = sign_request(
            elements,
            sender=self._holder.name,
            receiver=member.name,
            generation=self.generation,
            nonce=self._token_bytes(16),
            now=now,
            deadline=now + timedelta(seconds=within) + _RESERVE,
            key=self._holder.key,
            federation=self._charter.federation,
        )
        try:
            answer = await self._ask(member, request)
        except PeerError:
            self._avoid[member.name] = now + _RESERVE
            return None
        try:
            return await self._check(member, elements, request, answer)
        except (LiarError, MalformedElementError, FederationError) as error:
            self._avoid[member.name] = now + _DISTRUST
            await self._report(member.name, str(error), request, answer)
            return None
        except GenerationMismatchError:
            self._avoid[member.name] = now + _RESERVE
            return None

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

    async def _run(self, work: Callable[[], T], elements: int) -> T:
        if elements > _OFFLOAD_ELEMENTS:
            return await self._offload(work)
        return work()
