# SPDX-License-Identifier: Apache-2.0
"""A node's process that takes orders, goes by a clock that can be moved, and dies.

What two people of a node decide takes sessions and second factors; here an order has
the same effect (`approvals.Effect`) at the same place. An order to die falls due after
so many fault points of the node (`faults`), wherever it is by then, and is a SIGKILL.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any, ClassVar, Final, Self

from tests.support.council import TWO, ballot_of, present, vote
from tests.support.fleet import Fleet
from typing_extensions import override

from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.renewal_rules import fitting
from fedsafe_federation.errors import FederationError
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.app import run as app
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.app.worker import Worker
from fedsafe_node.ground.clock import Clock, SystemClock
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.keys.own_keys import load_shares
from fedsafe_node.members.ceremonies.record import read_scene
from fedsafe_node.members.ceremonies.resharing_requests import Rotation, RotationEffect
from fedsafe_node.people.credentials import People
from fedsafe_policies.vocabulary import Role

SOCKET: Final = "orders.sock"
DIED: Final = "died"
"""A file that names the fault points at which the processes of a node have died."""
_WIDTH: Final = 20


class MovedClock:
    """Tells a time that is so many seconds later than a file says, and wrong by more.

    All processes that read the same file go by the same clock.
    """

    def __init__(self, file: Path, skew: float = 0.0) -> None:
        self._descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        self._skew = timedelta(seconds=skew)

    def now(self) -> datetime:
        moved = int(os.pread(self._descriptor, _WIDTH, 0))
        return SystemClock().now() + self._skew + timedelta(seconds=moved)


def move_clock(file: Path, seconds: int) -> None:
    """Let the clock of a file be so many seconds ahead."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, str(seconds).rjust(_WIDTH).encode(), 0)
    finally:
        os.close(descriptor)


class _Death:
    """Ends this process at a fault point; `left` counts down to it.

    Where `at` names a point, the others do not count.
    """

    def __init__(self) -> None:
        self.left = 0
        self.at = ""
        self.file = Path(os.devnull)

    def reach(self, point: FaultPoint) -> None:
        if self.left and self.at in {"", point.value}:
            self.left -= 1
            if not self.left:
                with self.file.open("a", encoding="ascii") as file:
                    file.write(f"{point.value}\n")
                os.kill(os.getpid(), SIGKILL)


DEATH: Final = _Death()


def _reach(self: Faults, point: FaultPoint) -> None:
    del self
    DEATH.reach(point)


class Orders:
    """Carries out what is ordered."""

    def __init__(self, node: RunningNode) -> None:
        self._node = node
        self._name = node.base.config.name
        root = node.base.place.directory.parent
        self._fleet = Fleet(root, running={self._name: node})
        self._known: Mapping[str, Callable[..., Awaitable[Any]]] = {
            "die": self._die,
            "keys": self._keys,
            "agree": self._agree,
            "reshare": self._reshare,
            "tend": self._tend,
            "state": self._state,
            "credentials": self._credentials,
        }

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take one order, and answer it."""
        with suppress(ConnectionError):
            order = json.loads(await reader.readline())
            try:
                answer = await self._known[order.pop("do")](**order)
            except (FederationError, NodeError) as error:
                answer = {"refused": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()

    async def _die(self, after: int, at: str = "") -> bool:
        """Die after so many fault points, or of those named; not at all, if none."""
        DEATH.left, DEATH.at = after, at
        return True

    async def _keys(self, version: int) -> str | None:
        """Make new keys to follow a version, propose them and sign.

        Asked again it is the same proposal.
        """
        node, now = self._node, int(self._node.base.clock.now().timestamp())
        found = await present(self._fleet, self._name)
        if found.version.charter.version != version:
            return None
        for each in found.pending.proposals:
            if self._name in each.signers():
                return each.digest.hex()
        change = Change(kind=ChangeKind.KEYS, member=self._name)
        card = await node.services.charters._card(found, change)  # noqa: SLF001
        payload = encode(amended(found.version, change, now=now, card=card))
        return (await vote(self._fleet, self._name, payload)).hex()

    async def _agree(self, proposal: str) -> bool:
        """Sign a proposal, if it has come here; whether it is signed."""
        found = await present(self._fleet, self._name)
        if found.version.digest.hex() == proposal:
            return True
        known = found.pending.find(bytes.fromhex(proposal))
        if known is None:
            return False
        if self._name not in known.signers():
            await vote(self._fleet, self._name, known.payload)
        return True

    async def _reshare(self, version: int, *, opens: bool) -> None:
        """Let two people agree to have the newest key shared anew, or another made."""
        made = self._node._made  # noqa: SLF001
        charter = (await present(self._fleet, self._name)).version.charter
        if charter.version != version:
            return
        entry = charter.newest
        content = Rotation(
            epoch=entry.epoch,
            generation=entry.generation,
            threshold=fitting(charter, entry),
            version=charter.version,
            opens=opens,
            changes=[],
        )
        effect = RotationEffect(made.ceremonies, made.tending.run)
        learn = await self._node.base.store.write(
            lambda tx: effect.carry_out(tx, encode(content), *TWO)
        )
        await learn()

    async def _tend(self) -> None:
        ballot_of(self._fleet, self._name).spread()
        await self._node._made.tending.run()  # noqa: SLF001

    async def _credentials(self) -> bool:
        """Write credentials anew that end after 90 days, for the same people."""
        base = self._node.base
        now = int(base.clock.now().timestamp())
        people = People(base.store, base.trail, base.clock)
        rows = await base.store.read(lambda reader: reader.credentials())
        roles = {row.name: row.role for row in rows}
        folder = base.place.directory.parent / "credentials" / self._name
        for file in folder.glob("*.key"):
            name = f"{file.stem}-{now}"
            role = Role(roles[file.stem])
            token = await people.add(name, role, by="local", person=file.stem)
            file.write_text(token, encoding="ascii")
        return True

    async def _state(self) -> dict[str, Any] | None:
        base = self._node.base
        scene, shared = await base.store.read(read_scene), base.situation.shared
        if scene is None or shared is None:
            return None
        charter, wish = scene.version.charter, scene.kept.wish
        newest = charter.newest
        held = await asyncio.to_thread(lambda: sorted(load_shares(base.place)))
        return {
            "version": charter.version,
            "digest": scene.version.digest.hex(),
            "epochs": [[each.epoch, each.generation] for each in charter.epochs],
            "live": [
                [each.epoch, each.generation]
                for each in charter.live(int(base.clock.now().timestamp()))
            ],
            "holders": [pin.index for pin in newest.pins],
            "serves": [
                [epoch, share.generation.number]
                for epoch, share in sorted(shared.membership.shares.items())
            ],
            "held": held,
            "keys": {each.name: each.keys.statement.hex() for each in charter.members},
            "signs_with": base.keys.public().statement.hex(),
            "rests": base.situation.rests,
            "wishes": wish is not None
            and (wish.epoch, wish.generation) == (newest.epoch, newest.generation),
            "attempts": [
                {"gone": each.gone, "over": each.over, "agreed": bool(each.agreed)}
                for each in scene.kept.attempts
            ],
        }


class OrderedNode(RunningNode):
    """A node that takes orders once it runs."""

    running: ClassVar[list[RunningNode]] = []

    @classmethod
    @override
    async def start(
        cls, place: Place, config: Config, clock: Clock, worker: Worker | None = None
    ) -> Self:
        node = await super().start(place, config, clock, worker)
        cls.running[:] = [node]
        path = place.directory / SOCKET
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(Orders(node).serve, path)
        node._parts.push_async_callback(_closed, server)  # noqa: SLF001
        return node


async def _closed(server: asyncio.Server) -> None:
    server.close()


def take_orders(directory: Path, dies: int) -> None:
    """Let the node of this process take orders, and die after so many points."""
    DEATH.left, DEATH.file = dies, directory / DIED
    Faults.reach = _reach  # type: ignore[method-assign]
    app.__dict__["RunningNode"] = OrderedNode
