# SPDX-License-Identifier: Apache-2.0
"""One node gives the same answers wherever its store lies and whatever it went through.

The same 200 questions about pictures and files are asked of it in a file and on a
server, as one process and as two, with an outside key and without, after a restart and
after a restore.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.backups import back_up
from tests.support.databases import Prepared
from tests.support.fleet import Fleet, make
from tests.support.move_ends import Stopped
from tests.support.workers import several

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import Kind, Question, RevokeRequest
from fedsafe_node.acts.lookup import LookupRequest, Result
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.errors import OutsideKeyError
from fedsafe_node.lookup.index.pdq import PdqIndex
from fedsafe_node.operations.outside_key_change import make_key
from fedsafe_node.operations.restore.journey import restore_node
from fedsafe_node.operations.restore.placement import Request
from fedsafe_policies.vocabulary import Purpose, Scope, Surface

NODE = "a.demo"
EACH = 40
FLIPS = (0, 16, 30, 31, 32, 40)
Answers = list[tuple[Result, list[tuple[object, ...]]]]


def _drawn() -> tuple[list[bytes], list[bytes]]:
    dice = Random(23)  # noqa: S311 - no secret hangs on it
    return (
        [dice.randbytes(32) for _ in range(EACH)],
        [dice.randbytes(32) for _ in range(EACH)],
    )


PICTURES, FILES = _drawn()


def _flipped(digest: bytes, bits: int, dice: Random) -> bytes:
    number = int.from_bytes(digest)
    for bit in dice.sample(range(256), bits):
        number ^= 1 << bit
    return number.to_bytes(32)


def _questions() -> list[Question]:
    dice = Random(24)  # noqa: S311 - no secret hangs on it
    made = list[Question]()
    for at in range(200):
        picture, file = dice.choice(PICTURES), dice.choice(FILES)
        near = _flipped(picture, dice.choice(FLIPS), dice)
        match at % 5:
            case 0:
                question = Question(Kind.SHA256, file.hex())
            case 1:
                other = dice.randbytes(32).hex()
                question = Question(dice.choice((Kind.SHA256, Kind.PDQ)), other)
            case 2:  # in all orientations
                eight = [dice.randbytes(32) for _ in range(8)]
                eight[dice.randrange(8)] = near
                question = Question(Kind.PDQ, b"".join(eight).hex())
            case _:
                question = Question(Kind.PDQ, near.hex())
        made.append(question)
    return made


QUESTIONS = _questions()


@pytest.fixture
async def fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fleet]:
    """Give a node at rest, with pictures in tables, newer ones and removed ones."""
    defaults = PdqIndex.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "few", 8)
    fleet = await make(tmp_path / "nodes", NODE)
    await fleet.start(NODE)
    ids = await _record(fleet, PICTURES[:30], FILES)
    await fleet[NODE].pictures.merge()
    await _record(fleet, PICTURES[30:], [])
    for signal in (*ids[:3], *ids[-3:]):
        await fleet[NODE].services.signals.revoke(
            signal, RevokeRequest(reason=Reason.MISTAKE), RITA
        )
    await fleet.stop(NODE)
    try:
        yield fleet
    finally:
        await fleet.close()


async def _record(fleet: Fleet, pictures: list[bytes], files: list[bytes]) -> list[str]:
    found: list[str] = []
    for kind, values in ((Kind.PDQ, pictures), (Kind.SHA256, files)):
        for value in values:
            request = request_for(value.hex(), kind=kind, scope=Scope.SELF)
            answer = await fleet[NODE].services.signals.add(request, ANNA)
            found.append(answer.signal)
    return found


async def _ask(node: RunningNode) -> Answers:
    answers = Answers()
    await node.base.following.fresh()
    for question in QUESTIONS:
        request = LookupRequest(
            questions=[question],
            purpose=Purpose.MEDIA_MATCHING,
            surface=Surface.PUBLIC_CONTENT,
            subject_ref="account-1",
        )
        answer = await node.services.lookups.lookup(request, BOT)
        matches = [
            (each.signal, each.kind, each.distance, each.orientation, each.grade)
            for each in answer.matches
        ]
        answers.append((answer.result, sorted(matches, key=repr)))
    return answers


async def _as_one(fleet: Fleet) -> Answers:
    await fleet.start(NODE)
    answers = await _ask(fleet[NODE])
    await fleet.stop(NODE)
    return answers


async def _as_two(fleet: Fleet) -> list[Answers]:
    async with several(fleet, NODE) as processes:
        return [await _ask(each) for each in processes]


async def _restored(fleet: Fleet, backup: Path, keys: Path) -> None:
    place = fleet.place(NODE)
    custody = place.directory.parent / "custody" / f"{NODE}.key"
    await asyncio.to_thread(shutil.rmtree, place.directory)
    request = Request(backup, "rita", "ticket-7", keys=keys, custody=custody)
    await restore_node(place, request, fleet.clock)


@pytest.mark.timeout(180)
async def test_the_same_questions_have_the_same_answers_everywhere(
    fleet: Fleet, tmp_path: Path, one_database: Prepared
) -> None:
    place, safe = fleet.place(NODE), tmp_path / "safe"
    key, medium = safe / "outside.key", tmp_path / "medium"
    for each in (safe, medium):
        each.mkdir()
    want = await _as_one(fleet)
    found: dict[str, Answers] = {}

    async def keep(name: str) -> None:
        await fleet.start(NODE)
        await back_up(fleet, medium / name, medium / f"{name}-keys")
        await fleet.stop(NODE)

    async def ask_two(where: str) -> None:
        for number, answers in enumerate(await _as_two(fleet)):
            found[f"process {number}, {where}"] = answers

    found["restarted"] = await _as_one(fleet)
    await ask_two("in a file")
    await keep("plain")
    config = await asyncio.to_thread(load_config, place)
    await make_key(place, config, fleet.clock, key)
    found["with an outside key"] = await _as_one(fleet)
    assert list(place.index.glob("pictures-*.sealed"))
    found["out of its file"] = await _as_one(fleet)
    await ask_two("with an outside key")
    await keep("keyed")
    await _restored(fleet, medium / "plain", medium / "plain-keys")
    found["restored without an outside key"] = await _as_one(fleet)
    key.rename(safe / "away")
    with pytest.raises(OutsideKeyError):
        await _restored(fleet, medium / "keyed", medium / "keyed-keys")
    (safe / "away").rename(key)
    await _restored(fleet, medium / "keyed", medium / "keyed-keys")
    found["restored with it"] = await _as_one(fleet)
    stopped = Stopped(place.directory, one_database)
    await asyncio.to_thread(stopped.move, stopped.there)
    await asyncio.to_thread(stopped.switch, stopped.there)
    found["on a server"] = await _as_one(fleet)
    await ask_two("on a server")

    differing = [
        (where, number)
        for where, answers in found.items()
        for number, (got, wanted) in enumerate(zip(answers, want, strict=True))
        if got != wanted
    ]
    assert differing == []
    results = [result for result, _ in want]
    assert min(map(results.count, (Result.REVIEW, Result.NONE))) > 50
    assert {each[3] for _, matches in want for each in matches} > {None}
