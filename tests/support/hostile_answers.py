# SPDX-License-Identifier: Apache-2.0
"""A member whose feed answers are made to cost much, and that pokes without end.

Which lie it tells stands in a file of its directory, so that it can be told to lie, and
to be honest again, while it runs. All else it does as an honest node.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from fedsafe_federation.feed.batch import (
    MAX_BATCH,
    FeedRequest,
    RecordLine,
    encode_batch,
)
from fedsafe_federation.feed.restrictions import Reason, Restriction, sign_restriction
from fedsafe_federation.wire.bulk import frame
from fedsafe_federation.wire.compression import squeeze
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.keys.membership import Membership
from fedsafe_node.members.peering.service import PeeringService
from fedsafe_node.signals.replicator import Replicating
from fedsafe_policies.vocabulary import Effect

LIE: Final = "lie"
"""The file that names the lie, in the node's directory."""
TOLD: Final = "lie.told"
"""The file that says to whom what was told: a line each."""
TRUTH: Final = "truth"
POKES_A_SECOND: Final = 5
_DRIP: Final = 1.0
_ROWS: Final = 18 * 1024 * 1024


class _Stream:
    """A body that is sent as it comes."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> "_Stream":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    def startswith(self, start: bytes) -> bool:
        """Be no batch in bulk."""
        del start
        return False


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b"{"
        await asyncio.sleep(_DRIP)  # this is what the member does


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b'{"of":' * 10_000


async def _chunks() -> AsyncIterator[bytes]:
    for number in range(20_000):
        yield b"["
        if number % 16 == 0:
            await asyncio.sleep(0)  # it still evaluates


@cache
def _void(*, bulk: bool) -> bytes:
    """Make as large a batch as may be, whose records lead nowhere."""
    lines = [RecordLine(at, bytes(4_500)) for at in range(5_000)]
    return encode_batch(
        [], lines, next_index=0, checkpoint="", consistency=[], extends=[], bulk=bulk
    )


@cache
def _restrictions(service: PeeringService) -> bytes:
    """Lead with as many statements as may lead, in front of a bad trailer."""
    federation = service._shared().membership.charter.federation  # noqa: SLF001
    me, key = service._situation.node, service._key  # noqa: SLF001
    statements = [
        sign_restriction(
            Restriction(
                v=1,
                origin=me,
                author=me,
                sequence=1,
                effect=Effect.REVOKED,
                reason=Reason.MISTAKE,
                at=1_700_000_000,
                signals=[bytes(16)],
            ),
            key=key,
            federation=federation,
        )
    ] * 1_000
    return encode_batch(
        statements, [], next_index=0, checkpoint="", consistency=[], extends=[]
    )


_BODIES: Final[Mapping[str, Callable[[], bytes]]] = {
    "newlines": lambda: b"\n" * MAX_BATCH,
    "one line": lambda: b"[" * MAX_BATCH,
    "bomb": lambda: squeeze(b"", bytes(MAX_BATCH)),
    "bomb of one frame": lambda: squeeze(b"", b"e" + _ROWS.to_bytes(4) + bytes(_ROWS)),
    "bomb of frames": lambda: squeeze(b"", frame(b"e", b"\x91\x90") * 4_000_000),
    "nested": lambda: squeeze(b"", frame(b"e", b"\x91" * _ROWS)),
    "counts": lambda: squeeze(b"", frame(b"e", b"\x91\xdd\xff\xff\xff\xff")),
    "void lines": lambda: _void(bulk=False),
    "void bulk": lambda: _void(bulk=True),
}
_STREAMS: Final[Mapping[str, Callable[[], AsyncIterator[bytes]]]] = {
    "drip": _drip,
    "endless": _endless,
    "chunks": _chunks,
}
_RESTRICTIONS: Final = "restrictions"
LIES: Final = (*_BODIES, *_STREAMS, _RESTRICTIONS)


@cache
def _body(lie: str) -> bytes:
    return _BODIES[lie]()


def answer(directory: Path) -> None:
    """Let this process tell the lie that its directory names, as long as it does."""
    honest, join = PeeringService.feed, Replicating.join
    pokes: set[asyncio.Task[None]] = set()

    async def feed(self: PeeringService, request: FeedRequest, peer: str) -> object:
        if request.origin != self._situation.node:
            return await honest(self, request, peer)
        lie = _lie(directory)
        with directory.joinpath(TOLD).open("a") as told:
            told.write(f"{peer} {lie or TRUTH}\n")
        if lie is None:
            return await honest(self, request, peer)
        nothing_happened()
        if lie in _STREAMS:
            return _Stream(_STREAMS[lie]())
        return _restrictions(self) if lie == _RESTRICTIONS else _body(lie)

    def join_and_poke(self: Replicating, membership: Membership) -> None:
        join(self, membership)
        if not pokes:
            pokes.add(asyncio.create_task(_poke(self, directory)))

    PeeringService.feed = feed  # type: ignore[method-assign, assignment]
    Replicating.join = join_and_poke  # type: ignore[method-assign]


async def _poke(replicating: Replicating, directory: Path) -> None:
    while True:
        if _lie(directory) is not None:
            replicating.announce(1)
        await asyncio.sleep(1 / POKES_A_SECOND)  # this is what the member does


def _lie(directory: Path) -> str | None:
    """Read which lie is to be told."""
    try:
        return directory.joinpath(LIE).read_text("ascii").strip() or None
    except FileNotFoundError:
        return None
