# SPDX-License-Identifier: Apache-2.0
"""Evaluate together what many ask for at once.

A request to a member costs two signatures, two checks of them, one proof and one
exchange over HTTP, however many elements are in it. So the questions that come up in
one turn of the event loop go out as one request. Nobody waits for others to come: who
is alone goes alone. Each element is charged as it would have been by itself.

Only few elements are joined, and only callers whose time ends within `_SPAN` seconds of
each other. Where too few members answered the joint request, whoever has time left goes
on alone, with the same blinds, which charges nothing anew: so the last elements of a
budget are given to as many as they are enough for. Whose answer was none is not asked
for each of them again: it would be named once a caller for what is one lie.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fedsafe_crypto.oprf.voprf import Blinded
from fedsafe_federation.errors import QuorumError
from fedsafe_federation.evaluation.metering import Budget

MOST_OF_ONE: Final = 4
"""Whoever has more elements is evaluated alone."""
MOST: Final = 64
"""So many callers are joined."""
_SPAN: Final = 0.5
_NO_TIME: Final = 0.01

_Kind = tuple[Budget, bool, int]


class Evaluate(Protocol):
    """Evaluates a batch until a moment of the loop's clock."""

    async def __call__(  # noqa: PLR0913 - what is asked, and how
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
        """Give the output of every input, in order; *joint* if many ask for them.

        Those *without* whom it is to be are not asked.

        Raises:
            QuorumError: fewer than t members answered rightly in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Alone:
    """What a caller is told who goes on alone, and without some members."""

    without: Collection[str] = ()


@dataclass(slots=True)
class _Part:
    """What one caller asks for; whoever does not lead waits for `told`.

    It is told its outputs, or to go on alone.
    """

    inputs: Sequence[bytes]
    blinds: Sequence[Blinded]
    end: float
    told: asyncio.Future[Sequence[bytes] | _Alone] | None = None


class JointRequests:
    """Joins what is asked for under one key.

    Owned by the event loop: `_open`, the groups of this turn, by what they have in
    common. The first caller of a group asks for all of it.
    """

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate
        self._open: dict[_Kind, list[_Part]] = {}

    async def evaluate(
        self,
        inputs: Sequence[bytes],
        blinds: Sequence[Blinded],
        budget: Budget,
        end: float,
        *,
        last: bool,
    ) -> Sequence[bytes]:
        """Give the output of every input, in order, until *end*.

        Raises:
            QuorumError: fewer than t members answered rightly in time.
        """
        loop = asyncio.get_running_loop()
        left = end - loop.time()
        found: Sequence[bytes] | _Alone = _Alone()
        if len(inputs) <= MOST_OF_ONE and left >= _SPAN:
            kind = (budget, last, int(left / _SPAN))
            part, group = _Part(inputs, blinds, end), self._open.get(kind)
            if group is not None:
                part.told = loop.create_future()
                group.append(part)
                if len(group) == MOST:
                    del self._open[kind]
                found = await part.told
            else:
                group = self._open[kind] = [part]
                found = await self._lead(kind, group)
        if not isinstance(found, _Alone):
            return found
        return await self._evaluate(
            inputs, blinds, budget, end, last=last, without=found.without
        )

    async def _lead(self, kind: _Kind, group: list[_Part]) -> Sequence[bytes] | _Alone:
        """Ask for all that the others of this turn add; give the leader's outputs."""
        budget, last, _ = kind
        outputs: Sequence[bytes] | None = None
        failed: QuorumError | None = None
        try:
            await asyncio.sleep(0)
            self._shut(kind, group)
            if len(group) == 1:
                return _Alone()
            outputs = await self._evaluate(
                [each for part in group for each in part.inputs],
                [each for part in group for each in part.blinds],
                budget,
                min(part.end for part in group),
                last=last,
                joint=True,
            )
        except QuorumError as error:
            failed = error
        finally:
            self._shut(kind, group)
            _tell(group, outputs, failed)
        if failed is not None:
            if not _has_time(group[0]):
                raise failed
            return _Alone(failed.wrong)
        return _Alone() if outputs is None else outputs[: len(group[0].inputs)]

    def _shut(self, kind: _Kind, group: list[_Part]) -> None:
        if self._open.get(kind) is group:
            del self._open[kind]


def _tell(
    group: Sequence[_Part],
    outputs: Sequence[bytes] | None,
    failed: QuorumError | None,
) -> None:
    """Tell each that waits: its outputs, that its time is over, or to go alone."""
    start = 0
    for part in group:
        end = start + len(part.inputs)
        if part.told is not None and not part.told.done():
            if outputs is not None:
                part.told.set_result(outputs[start:end])
            elif failed is not None and not _has_time(part):
                part.told.set_exception(failed.anew())
            else:
                part.told.set_result(_Alone(failed.wrong if failed else ()))
        start = end


def _has_time(part: _Part) -> bool:
    return part.end - asyncio.get_running_loop().time() > _NO_TIME
