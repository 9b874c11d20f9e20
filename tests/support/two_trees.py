# SPDX-License-Identifier: Apache-2.0
"""A member that shows the others two trees of its feed, with the key of its node."""

from collections.abc import Sequence
from http.client import HTTPConnection
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final
from urllib.parse import urlsplit

from tests.support.federation import Federation, until
from tests.support.node_orders import order

from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_federation.exchange.peer import WITNESS_PATH
from fedsafe_federation.feed.witnessing import AddCheckpoint
from fedsafe_node.ground.config import Place
from fedsafe_node.keys.identity import read_identities

OPERATOR: Final = "olaf"
_PATIENCE: Final = 120.0
_NO_SIZE: Final = 2**40
_OTHER_SIZE: Final = 409


class TwoTrees:
    """Lets a member sign another tree of the size that all have seen.

    All that are honest have to name it, and nobody else, and to let its signals rest;
    a person at each of them excuses it in the end.
    """

    def __init__(self, federation: Federation, liar: DemoNode, random: Random) -> None:
        self._federation = federation
        self._liar = liar
        self._honest = [each for each in federation.nodes if each.name != liar.name]
        self._log = f"{liar.name}/feed"
        self._random = random

    def show(self) -> bool:
        """Show one honest member another tree, until all have named who did.

        Returns:
            Whether there was a tree to contradict.
        """
        witness = self._random.choice(self._honest)
        size = _size_at(witness, self._request(_NO_SIZE, _NO_SIZE))
        if not size:
            return False
        _told(witness, self._request(size, size))
        self.is_named()
        return True

    def is_named(self) -> None:
        """See that all others name it, and nobody else."""
        until(
            lambda: all(
                self._named(each) == {self._liar.name} for each in self._honest
            ),
            f"naming {self._liar.name}, which showed two trees,",
            patience=_PATIENCE,
        )

    def rests(self, about: Sequence[dict[str, str]]) -> None:
        """See that what the liar has listed matches at no honest member."""
        for node in self._honest:
            for each in about:
                found = self._federation.lookup(node, each).body
                assert found["matches"] == [], "a suspended member's signal matches"
                assert self._liar.name in found["not_covered"]

    def excuse(self) -> None:
        """Have it excused at all others."""
        for node in self._honest:
            caller = self._federation.caller(node, OPERATOR)
            for fork in caller.get("/v1/forks").body["forks"]:
                assert fork["origin"] == self._liar.name, fork["origin"]
                excuse = {key: fork[key] for key in ("log", "digest")}
                lifted = caller.post(
                    "/v1/forks/lift", {**excuse, "reference": "minutes-1"}
                )
                assert lifted.status == 200, lifted.body
        until(
            lambda: not any(self._named(each) for each in self._honest),
            "the end of a suspension",
            patience=_PATIENCE,
        )

    def _named(self, node: DemoNode) -> set[str]:
        peers = self._federation.caller(node).get("/v1/status").body["peers"]
        return {peer["name"] for peer in peers if peer["suspended"]}

    def _request(self, old: int, size: int) -> bytes:
        known = order(self._liar, "state")["signs_with"]
        [key] = [
            each.keys.feed
            for each in read_identities(Place(self._liar.directory))
            if each.keys.public().statement.hex() == known
        ]
        shown = Checkpoint(self._log, size, self._random.randbytes(32))
        return AddCheckpoint(old, (), sign_checkpoint(shown, key)).encode()


def _size_at(node: DemoNode, request: bytes) -> int:
    """Ask how large a tree a witness knows: it tells whoever names another size."""
    status, body = _told(node, request)
    return int(body) if status == _OTHER_SIZE and body.strip().isdigit() else 0


def _told(node: DemoNode, request: bytes) -> tuple[int, bytes]:
    address = urlsplit(node.url)
    line = HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        line.request("POST", f"{WITNESS_PATH}/add-checkpoint", request)
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()
