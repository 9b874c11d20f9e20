# SPDX-License-Identifier: Apache-2.0
"""A member as a witness: what it cosigns, what it keeps, what it says no to."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import msgspec
import pytest
from tests.support.fleet import Fleet
from tests.support.peering import LEAVES, LOG, root_of

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import verify_cosignatures
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey, signature_line
from fedsafe_crypto.tlog.tiles import TileSource
from fedsafe_crypto.tlog.tree import consistency_proof
from fedsafe_federation.exchange.peer import WITNESS_PATH
from fedsafe_federation.feed.witnessing import SIZE_TYPE, AddCheckpoint
from fedsafe_node.ground.errors import NotFoundError, StoreFailedError
from fedsafe_node.members.peering.witnessing import (
    MOST_FORKS,
    WitnessAnswer,
    WitnessServer,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

SOURCE = TileSource(20, lambda tile: b"".join(LEAVES[: tile.width]))


class Log:
    """A log of b.demo, whose key lies open here, and its witness a.demo."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.key: SigningKey = fleet["b.demo"].base.keys.feed
        self.witness: WitnessServer = fleet["a.demo"].witnesses.server

    def request(self, old: int, size: int, root: bytes | None = None) -> AddCheckpoint:
        proof = consistency_proof(SOURCE, old, size) if 0 < old < size else []
        checkpoint = Checkpoint(LOG, size, root or root_of(size))
        return AddCheckpoint(old, tuple(proof), sign_checkpoint(checkpoint, self.key))

    async def ask(self, request: AddCheckpoint) -> WitnessAnswer:
        return await self.witness.add_checkpoint(request.encode())


@pytest.fixture
def log(trio: Fleet) -> Log:
    return Log(trio)


async def test_what_is_cosigned_is_kept_with_both_signatures(log: Log) -> None:
    answer = await log.ask(log.request(0, 3))
    key = log.fleet["a.demo"].base.keys.witness.public
    witness = VerifierKey.of("a.demo/witness", key, COSIGNER)
    note = await log.witness.checkpoint(sha256(LOG.encode()).hexdigest())

    assert answer.status == 200
    assert note.endswith(answer.body)
    now = int(log.fleet.clock.now().timestamp())
    assert verify_cosignatures(note, [witness]) == {witness: now}
    opened = open_checkpoint(note, VerifierKey.of(LOG, log.key.public))
    assert opened == Checkpoint(LOG, 3, root_of(3))


async def test_the_answers_of_the_specification(log: Log) -> None:
    assert (await log.ask(log.request(0, 7))).status == 200
    conflict = await log.ask(log.request(3, 9))
    assert (conflict.status, conflict.body, conflict.media) == (409, b"7\n", SIZE_TYPE)
    assert (await log.ask(log.request(7, 9, bytes(32)))).status == 422
    assert (await log.ask(replace(log.request(7, 9), old=10))).status == 400
    assert (await log.witness.add_checkpoint(b"junk")).status == 400
    forged = sign_checkpoint(Checkpoint(LOG, 9, root_of(9)), SigningKey.generate())
    assert (await log.ask(replace(log.request(7, 9), note=forged))).status == 403
    for origin in ("a.demo/feed", "a.demo/anchor", "x.demo/feed", "b.demo/audit"):
        note = sign_checkpoint(Checkpoint(origin, 9, root_of(9)), log.key)
        assert (await log.ask(replace(log.request(7, 9), note=note))).status == 404
    assert (await log.ask(log.request(7, 9))).status == 200
    assert (await log.ask(log.request(9, 9))).status == 200


async def test_two_trees_of_one_size_are_written_down_once(log: Log) -> None:
    await log.ask(log.request(0, 7))
    fork = log.request(7, 7, bytes(32))
    assert [(await log.ask(fork)).status for _ in range(3)] == [422, 422, 422]
    (event,) = await log.fleet.audit("a.demo", "witness.fork")
    shown = fork.note.decode().splitlines()[-1]
    kept = log.request(0, 7).note.decode().splitlines()[-1]

    assert event.record.outcome == "fork"
    assert shown in event.text
    assert kept in event.text  # both are signed by the log


def signal_write_of_fork(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> asyncio.Event:
    """Tell when the task named so has handed in its act."""
    write, handed_in = store.write, asyncio.Event()

    async def signalling(act: Any, *, vital: bool = False) -> Any:  # noqa: ANN401 - any act
        task = asyncio.current_task()
        writing = asyncio.ensure_future(write(act, vital=vital))
        await asyncio.sleep(0)
        if task is not None and task.get_name() == "fork":
            handed_in.set()
        return await writing

    monkeypatch.setattr(store, "write", signalling)
    return handed_in


async def test_the_evidence_is_what_was_seen_when_it_was_refused(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.ask(log.request(0, 7))
    fork, later = log.request(7, 7, bytes(32)), log.request(7, 9)
    handed_in = signal_write_of_fork(log.fleet["a.demo"].base.store, monkeypatch)
    refused = asyncio.create_task(log.ask(fork), name="fork")
    await handed_in.wait()
    answers = [await log.ask(later), await refused][::-1]
    (event,) = await log.fleet.audit("a.demo", "witness.fork")
    detail = json.loads(event.openings["detail"])

    assert [answer.status for answer in answers] == [422, 200]
    assert detail["seen"].startswith(f"{LOG}\n7\n")
    assert detail["shown"] == fork.note.decode()
    checks = await log.fleet["a.demo"].services.node.checks()
    assert checks[f"log {LOG}"] == "has shown two trees"


async def test_one_liar_hides_nobody_elses_fork(log: Log) -> None:
    await log.ask(log.request(0, 7))
    stranger = VerifierKey.of("x.demo/x", SigningKey.generate().public)
    for number in range(2 * MOST_FORKS):
        fork = log.request(7, 7, bytes([number]) * 32)
        junk = signature_line(stranger, bytes([number]) * 64).encode()
        assert (await log.ask(replace(fork, note=fork.note + junk))).status == 422
        assert (await log.ask(fork)).status == 422
    assert len(await log.fleet.audit("a.demo", "witness.fork")) == MOST_FORKS
    key = log.fleet["c.demo"].base.keys.feed
    for root in (root_of(7), bytes(32)):
        note = sign_checkpoint(Checkpoint("c.demo/feed", 7, root), key)
        old = 0 if root == root_of(7) else 7
        await log.ask(AddCheckpoint(old, (), note))

    last = (await log.fleet.audit("a.demo", "witness.fork"))[-1]
    assert json.loads(last.openings["detail"])["log"] == "c.demo/feed"


async def test_a_fork_that_was_not_kept_is_kept_when_it_is_shown_again(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.ask(log.request(0, 7))
    fork, store = log.request(7, 7, bytes(32)), log.fleet["a.demo"].base.store
    write = store.write

    async def lose(act: Callable[[Transaction], Awaitable[object]]) -> object:
        async def failing(tx: Transaction) -> object:
            await act(tx)
            raise StoreFailedError("disk full")

        return await write(failing)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", lose)
        with pytest.raises(StoreFailedError):
            await log.ask(fork)
    assert await log.fleet.audit("a.demo", "witness.fork") == []
    await log.ask(fork)

    assert len(await log.fleet.audit("a.demo", "witness.fork")) == 1


async def test_the_same_once_more_is_answered_without_a_write(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.ask(log.request(0, 7))
    first = await log.ask(log.request(7, 7))

    async def full(_: object) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(log.fleet["a.demo"].base.store, "write", full)
    again = await log.ask(log.request(7, 7))
    assert (again.status, again.body) == (200, first.body)
    forged = sign_checkpoint(Checkpoint(LOG, 7, root_of(7)), SigningKey.generate())
    assert (await log.ask(replace(log.request(7, 7), note=forged))).status == 403


async def test_of_two_at_once_one_is_told_the_other(log: Log) -> None:
    await log.ask(log.request(0, 3))
    sizes = (5, 9, 9, 7)
    answers = await asyncio.gather(*(log.ask(log.request(3, size)) for size in sizes))
    taken = [at for at, answer in enumerate(answers) if answer.status == HTTPStatus.OK]
    others = [answer for at, answer in enumerate(answers) if at not in taken]

    assert len(taken) == 1
    assert {answer.status for answer in others} == {HTTPStatus.CONFLICT}
    assert {answer.body for answer in others} == {b"%d\n" % sizes[taken[0]]}


async def test_without_a_durable_row_nothing_is_cosigned(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise StoreFailedError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(log.fleet["a.demo"].base.store, "write", full)
        with pytest.raises(StoreFailedError):
            await log.ask(log.request(0, 3))

    with pytest.raises(NotFoundError):
        await log.witness.checkpoint(sha256(LOG.encode()).hexdigest())


async def test_a_restart_forgets_nothing(log: Log) -> None:
    await log.ask(log.request(0, 7))
    await log.fleet.stop("a.demo")
    await log.fleet.start("a.demo")
    again = Log(log.fleet)

    assert (await again.ask(again.request(0, 3))).body == b"7\n"


async def test_a_log_under_a_new_key_begins_anew(log: Log) -> None:
    await log.ask(log.request(0, 7))
    situation = log.fleet["a.demo"].base.situation
    assert situation.shared is not None
    log.key = SigningKey.generate()
    members = [
        msgspec.structs.replace(
            member,
            keys=msgspec.structs.replace(member.keys, feed=log.key.public),
        )
        if member.name == "b.demo"
        else member
        for member in situation.shared.membership.charter.members
    ]
    membership = situation.shared.membership
    charter = msgspec.structs.replace(membership.charter, members=members)
    version = replace(membership.version, charter=charter)
    situation.shared.membership = replace(membership, version=version)

    assert (await log.ask(log.request(0, 3))).status == 200


async def test_members_ask_over_http_and_are_told_what_is_kept(log: Log) -> None:
    fleet, body = log.fleet, log.request(0, 3).encode()
    url = fleet["a.demo"].base.config.url
    asking = fleet["b.demo"].client
    prefix = url + WITNESS_PATH
    status, lines = await asking.add_checkpoint("a.demo", prefix, body)
    note = await asking.witnessed("a.demo", prefix, LOG)

    assert status == 200
    assert lines.startswith("— a.demo/witness ".encode())
    assert note is not None
    assert note.endswith(lines)
    assert await asking.witnessed("a.demo", prefix, "c.demo/feed") is None
    conflict = await asking.add_checkpoint("a.demo", prefix, body)
    assert conflict == (409, b"3\n")
