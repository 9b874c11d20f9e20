# SPDX-License-Identifier: Apache-2.0
"""A log that shows one member this tree and another member that one."""

import json

import pytest
from tests.support.fleet import Fleet
from tests.support.peering import LOG, root_of

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_federation.feed.witnessing import AddCheckpoint


async def show(
    fleet: Fleet, name: str, size: int, root: bytes, key: SigningKey | None = None
) -> None:
    key = key or fleet["b.demo"].base.keys.feed
    note = sign_checkpoint(Checkpoint(LOG, size, root), key)
    request = AddCheckpoint(0, (), note).encode()
    answer = await fleet[name].witnesses.server.add_checkpoint(request)
    assert answer.status == 200


async def test_two_members_that_saw_two_trees_find_out(trio: Fleet) -> None:
    await show(trio, "a.demo", 7, root_of(7))
    await show(trio, "c.demo", 7, bytes(32))
    node = trio["a.demo"]
    assert f"log {LOG}" not in await node.services.node.checks()
    for _ in range(2):
        await node.witnesses.comparing.run()
    (event,) = await trio.audit("a.demo", "witness.fork")
    detail = json.loads(event.openings["detail"])

    assert detail["log"] == LOG
    assert detail["seen"] != detail["shown"]
    for name in ("seen", "shown"):
        assert "\n\n\u2014 b.demo/feed " in detail[name]
    checks = await node.services.node.checks()
    assert checks[f"log {LOG}"] == "has shown two trees"


async def test_the_same_tree_and_other_sizes_are_no_fork(trio: Fleet) -> None:
    await show(trio, "a.demo", 7, root_of(7))
    await show(trio, "c.demo", 8, bytes(32))
    await trio["a.demo"].witnesses.comparing.run()
    await trio["c.demo"].witnesses.comparing.run()

    assert await trio.audit("a.demo", "witness.fork") == []


async def test_a_member_cannot_invent_a_fork(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await show(trio, "a.demo", 7, root_of(7))
    node, stranger = trio["a.demo"], SigningKey.generate()
    note = sign_checkpoint(Checkpoint(LOG, 7, bytes(32)), stranger)
    for lie in (note, b"junk", b"\xff", b""):

        async def answer(*_: object, lie: bytes = lie) -> bytes:
            return lie

        monkeypatch.setattr(node.client, "witnessed", answer)
        await node.witnesses.comparing.run()

    assert await trio.audit("a.demo", "witness.fork") == []


async def test_who_is_away_is_left_out(trio: Fleet) -> None:
    await trio.stop("c.demo")
    await trio["a.demo"].witnesses.comparing.run()

    assert await trio.audit("a.demo", "witness.fork") == []
