# SPDX-License-Identifier: Apache-2.0
"""A bit rots in the database or the index: never a crash, never a silent wrong answer.

Each flip is harmless, refused at start, or named by verification. Eight seeded
flips run here, more in `tests.campaigns.properties`.
"""

import asyncio
import os
from hashlib import sha256
from pathlib import Path

import pytest
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.support.fleet import Fleet, copy_of

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    Kind,
    RevokeRequest,
)
from fedsafe_node.ground.errors import NodeError

FLIPS = int(os.environ.get("FEDSAFE_FLIPS", "8"))
HASHES = [f"{number:02x}" * 32 for number in range(6)]
PEOPLE = [f"p{number}@mail.example" for number in range(20)]
QUESTIONS = [
    *((value, Kind.EMAIL) for value in (*PEOPLE[::2], "nobody@mail.example")),
    *((value, Kind.SHA256) for value in HASHES),
]


@pytest.fixture
async def filled(alone: Fleet) -> Fleet:
    """Give a stopped node with own bans, one of them withdrawn, in a segment."""
    signals = alone["a.demo"].services.signals
    added = [await signals.add(request_for(value), ANNA) for value in PEOPLE]
    for value in HASHES:
        await signals.add(request_for(value, kind=Kind.SHA256), BOT)
    await asyncio.to_thread(alone["a.demo"].base.lists.tokens.merge)
    await signals.revoke(added[-1].signal, RevokeRequest(reason=Reason.MISTAKE), ANNA)
    await alone.stop("a.demo")
    return alone


async def answers(fleet: Fleet) -> list[str]:
    given = [await fleet.look_up("a.demo", *question) for question in QUESTIONS]
    return [answer.result.value for answer in given]


def flip(directory: Path, seed: int) -> str:
    """Flip one bit of the database, or of a file of the index; say where."""
    drawn = int.from_bytes(sha256(b"%d" % seed).digest())
    files = [directory / "store.db", directory / "store.db"]
    files += sorted(path for path in (directory / "index").iterdir())
    drawn, which = divmod(drawn, len(files))
    path = files[which]
    # Much of a young database is empty; where nothing is, nothing rots.
    written = [at for at, byte in enumerate(path.read_bytes()) if byte]
    drawn, which = divmod(drawn, len(written))
    at, bit = written[which], drawn % 8
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))
    return f"seed {seed}: byte {at} of {path.name}"


async def outcome(fleet: Fleet, expected: list[str]) -> str:
    try:
        await fleet.start("a.demo")
    except NodeError:
        return "refused"
    try:
        found: list[str] | None = await answers(fleet)
    except NodeError:
        found = None
    verified = await fleet["a.demo"].services.audits.verify(BOT)
    await fleet.close()
    if not verified.ok:
        return "named"
    return "harmless" if found == expected else "a wrong answer that nobody noticed"


@pytest.mark.embedded
async def test_a_bit_that_rots_is_harmless_refused_or_named(
    filled: Fleet, tmp_path: Path
) -> None:
    whole = await asyncio.to_thread(copy_of, filled.root, tmp_path / "whole")
    await whole.start("a.demo")
    expected = await answers(whole)
    await whole.close()
    bad: list[str] = []
    seen: set[str] = set()
    for seed in range(FLIPS):
        root = tmp_path / f"flip{seed}"
        fleet = await asyncio.to_thread(copy_of, filled.root, root)
        where = await asyncio.to_thread(flip, root / "a.demo", seed)
        found = await outcome(fleet, expected)
        seen.add(found)
        if found not in {"harmless", "refused", "named"}:
            bad.append(f"{where}: {found}")

    assert bad == []
    assert {"none", "review"} == set(expected)
    assert len(seen) > 1
