# SPDX-License-Identifier: Apache-2.0
"""A program that is not ours asks our witness; a witness that is not ours cosigns.

Both are made of sigsum-go as Debian packages it, which `.ci/run` installs: `asker.go`
of its client, `witness.go` of its server.
"""

import asyncio
import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.foreign.building import GOPATH, build
from tests.programs import files, program
from tests.support.fleet import Fleet, copy_of, make_founded
from tests.support.witnessed_log import OpenLog

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint
from fedsafe_crypto.tlog.cosignature import verify_cosignatures
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey, split_note
from fedsafe_federation.exchange.peer import WITNESS_PATH
from fedsafe_node.ground.clock import SystemClock

SIGSUM: Final = GOPATH / "src/sigsum.org/sigsum-go/pkg/client"
LOG: Final = "b.demo/feed"
ROUTER: Final = {"GODEBUG": "httpmuxgo121=0"}
"""Without a module Go's router would know no methods."""
NAME: Final = "w.example/witness"

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("founded")
    asyncio.run(make_founded(root))
    return root


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = program("go", "golang-go")
    files("golang-sigsum-sigsum-go-dev", SIGSUM)
    built = tmp_path_factory.mktemp("built")
    for name in ("asker", "witness"):
        build(go, name, built)
    return built


@dataclass(frozen=True)
class Asking:
    """Asks a.demo's witness about a log of b.demo with the foreign client."""

    program: Path
    fleet: Fleet
    log: OpenLog

    def question(self, old: int, size: int) -> dict[str, object]:
        key = self.fleet["a.demo"].base.keys.witness.public
        request = self.log.request(old, size)
        signature = split_note(request.note)[1][0].signature
        return {
            "url": self.fleet["a.demo"].base.config.url + WITNESS_PATH,
            "witness": VerifierKey.of("a.demo/witness", key, COSIGNER).encode(),
            "origin": LOG,
            "key": VerifierKey.of(LOG, self.log.key.public).encode(),
            "old": old,
            "size": size,
            "root": text(self.log.root(size)),
            "signed": text(signature),
            "proof": [text(node) for node in request.proof],
        }

    async def answer(self, **question: object) -> str:
        asking = await asyncio.create_subprocess_exec(
            self.program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        answer, _ = await asking.communicate(json.dumps(question).encode())
        return answer.decode().strip()


def text(data: bytes) -> str:
    return b64encode(data).decode()


async def test_a_client_that_is_not_ours_gets_what_it_expects(
    programs: Path, founded: Path, tmp_path: Path
) -> None:
    fleet = copy_of(founded, tmp_path / "n")
    await fleet.start("a.demo", "b.demo")
    log = OpenLog(LOG, fleet["b.demo"].base.keys.feed)
    asking = Asking(programs / "asker", fleet, log)
    fork = Asking(programs / "asker", fleet, OpenLog(LOG, log.key, b"other"))
    forged = Asking(programs / "asker", fleet, OpenLog(LOG, SigningKey.generate()))
    unknown = {"origin": "x.demo/feed"}

    assert await asking.answer(**asking.question(3, 7)) == "conflict 0"
    assert await asking.answer(**asking.question(0, 7)) == "ok"
    assert await asking.answer(**asking.question(7, 7)) == "ok"
    assert await asking.answer(**asking.question(0, 9)) == "conflict 7"
    assert await asking.answer(**fork.question(7, 7)) == "refused 422"
    assert await asking.answer(**fork.question(7, 9)) == "refused 422"
    assert await asking.answer(**forged.question(7, 9)) == "refused 403"
    assert await asking.answer(**asking.question(9, 7)) == "refused 400"
    refused = await asking.answer(**(asking.question(7, 9) | unknown))
    assert refused == "refused 404"
    assert await asking.answer(**asking.question(7, 9)) == "ok"
    await fleet.close()


@dataclass(frozen=True)
class Foreign:
    """A witness that runs, where it takes checkpoints and under which key."""

    url: str
    key: VerifierKey


@contextmanager
def witnessing(program: Path, log: VerifierKey) -> Iterator[Foreign]:
    (port,) = free_ports(1)
    listen = f"127.0.0.1:{port}"
    with subprocess.Popen(
        [program, listen, NAME, log.name, log.encode()],
        stdout=subprocess.PIPE,
        env=os.environ | ROUTER,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            yield Foreign(f"http://{listen}", VerifierKey.parse(said, COSIGNER))
        finally:
            process.terminate()


async def _by_a_policy(fleet: Fleet, foreign: Foreign) -> tuple[bytes, bytes]:
    """Let a.demo have its anchor cosigned twice by that witness alone."""
    policy = f"witness w {foreign.key.encode()} {foreign.url}\nquorum w\n"
    fleet.place("a.demo").witness_policy.write_text(policy)
    fleet.clock.moment = SystemClock().now()  # that witness has no other
    await fleet.start("a.demo")
    cosigning = fleet["a.demo"].witnesses.cosigning
    notes: list[bytes] = []
    for _ in range(2):
        await cosigning.run()
        await cosigning.settle()
        proof = await cosigning.proof()
        assert proof is not None
        notes.append(proof.note)
        await fleet.look_up("a.demo", "anna@example.de", deadline_ms=100)
    await fleet.close()
    return notes[0], notes[1]


def test_a_witness_that_is_not_ours_cosigns_what_we_ask(
    programs: Path, founded: Path, tmp_path: Path
) -> None:
    fleet = copy_of(founded, tmp_path / "n")
    key = asyncio.run(_anchor_key(fleet))
    with witnessing(programs / "witness", key) as foreign:
        first, second = asyncio.run(_by_a_policy(fleet, foreign))

    for note in (first, second):
        assert list(verify_cosignatures(note, [foreign.key])) == [foreign.key]
    grew: list[Checkpoint] = [open_checkpoint(note, key) for note in (first, second)]
    assert grew[0].size < grew[1].size


async def _anchor_key(fleet: Fleet) -> VerifierKey:
    await fleet.start("a.demo")
    key = fleet["a.demo"].witnesses.anchor.key
    await fleet.close()
    return key
