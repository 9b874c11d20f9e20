# SPDX-License-Identifier: Apache-2.0
"""Each sentence of c2sp.org/tlog-witness that binds a witness, asked over HTTP."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Final

import aiohttp
import pytest
from tests.support.fleet import Fleet
from tests.support.witnessed_log import OpenLog

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import verify_cosignatures
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey, signature_line
from fedsafe_crypto.tlog.tree import EMPTY_ROOT
from fedsafe_federation.exchange.peer import WITNESS_PATH
from fedsafe_federation.feed.witnessing import MAX_REQUEST, SIZE_TYPE

LOG: Final = "b.demo/feed"
STRANGER: Final = SigningKey.generate()
EM_DASH_LINE: Final = "\N{EM DASH} a.demo/witness ".encode()
Answer = tuple[int, str, bytes]


class Asker:
    """Asks a.demo as any program does: it signs no request and names no type."""

    def __init__(self, fleet: Fleet, http: aiohttp.ClientSession) -> None:
        self.fleet = fleet
        self.http = http
        self.log = OpenLog(LOG, fleet["b.demo"].base.keys.feed)
        self.url = fleet["a.demo"].base.config.url + WITNESS_PATH

    async def ask(self, body: bytes, **headers: str) -> Answer:
        asked = self.http.post(
            f"{self.url}/add-checkpoint",
            data=body,
            headers=headers,
            skip_auto_headers=["Content-Type"],
        )
        async with asked as answer:
            media = answer.headers["Content-Type"]
            return answer.status, media, await answer.read()

    async def add(self, old: int, size: int, root: bytes | None = None) -> Answer:
        return await self.ask(self.log.request(old, size, root).encode())

    async def kept(self) -> bytes | None:
        """Give what the witness keeps; members only are told that."""
        client = self.fleet["b.demo"].client
        return await client.witnessed("a.demo", self.url, LOG)

    async def kept_size(self) -> int:
        note = await self.kept()
        key = VerifierKey.of(LOG, self.log.key.public)
        return open_checkpoint(note, key).size if note is not None else 0


@pytest.fixture
async def asker(trio: Fleet) -> AsyncIterator[Asker]:
    async with aiohttp.ClientSession() as http:
        yield Asker(trio, http)


def is_text(answer: Answer) -> bool:
    return answer[1].startswith("text/plain") and answer[2].endswith(b"\n")


async def test_a_cosignature_is_one_line_of_a_note_with_a_time(asker: Asker) -> None:
    status, media, body = await asker.add(0, 7)
    key = asker.fleet["a.demo"].base.keys.witness.public
    witness = VerifierKey.of("a.demo/witness", key, COSIGNER)
    cosigned = verify_cosignatures(asker.log.note(7) + body, [witness])

    assert (status, media.partition(";")[0]) == (200, "text/plain")
    assert body.startswith(EM_DASH_LINE)
    assert body.count(b"\n") == 1
    assert body.endswith(b"\n")
    assert cosigned == {witness: int(asker.fleet.clock.now().timestamp())}


@pytest.mark.parametrize(
    "media", ["text/plain", "text/plain; charset=utf-8", "application/octet-stream"]
)
async def test_the_type_of_the_request_is_nobodys_business(
    asker: Asker, media: str
) -> None:
    body = asker.log.request(0, 7).encode()

    assert (await asker.ask(body, **{"Content-Type": media}))[0] == 200


async def test_an_unknown_origin_is_not_found(asker: Asker) -> None:
    for origin in ("a.demo/feed", "a.demo/anchor", "x.demo/feed", "b.demo/audit", "x"):
        note = sign_checkpoint(Checkpoint(origin, 7, asker.log.root(7)), asker.log.key)
        answer = await asker.ask(replace(asker.log.request(0, 7), note=note).encode())

        assert answer[0] == 404
        assert is_text(answer)


async def test_a_log_that_has_not_signed_is_forbidden(asker: Asker) -> None:
    text, _, own = asker.log.note(7).decode().partition("\n\n")
    key = VerifierKey.of(LOG, asker.log.key.public)
    bad = signature_line(key, STRANGER.sign_exactly(b"x")).encode()
    forged = OpenLog(LOG, STRANGER).note(7)
    head = f"{text}\n\n".encode()

    for note in (
        forged,
        head + bad,
        head + own.encode() + bad,
        head + bad + own.encode(),
    ):
        answer = await asker.ask(b"old 0\n\n" + note)

        assert answer[0] == 403
        assert is_text(answer)
    assert await asker.kept() is None


async def test_signatures_of_unknown_keys_are_ignored(asker: Asker) -> None:
    note = asker.log.note(7)
    same_name = signature_line(VerifierKey.of(LOG, STRANGER.public), bytes(64))
    same_id = signature_line(
        replace(VerifierKey.of(LOG, asker.log.key.public), name="x.demo/feed"),
        bytes(64),
    )
    later = signature_line(VerifierKey.of("x.demo", STRANGER.public), bytes(2428))
    head, _, own = note.partition(b"\n\n")
    others = (same_name + same_id + later).encode()

    assert (await asker.ask(b"old 0\n\n" + note + others))[0] == 200
    assert (await asker.ask(b"old 7\n\n" + head + b"\n\n" + others + own))[0] == 200
    kept = await asker.kept()
    assert kept is not None
    assert b"x.demo" not in kept


async def test_sixteen_signatures_of_five_kilobytes_have_room(asker: Asker) -> None:
    stranger = VerifierKey.of("x.demo", STRANGER.public)
    others = signature_line(stranger, bytes(5_000)).encode() * 15
    request = asker.log.request(0, 7)
    body = replace(request, note=request.note + others).encode()

    assert len(body) < MAX_REQUEST
    assert (await asker.ask(body))[0] == 200
    assert (await asker.ask(body + bytes(MAX_REQUEST)))[0] == 413


def proof_lines(count: int, node: bytes = bytes(32)) -> bytes:
    return (b64encode(node) + b"\n") * count


async def test_a_body_that_is_none_is_a_bad_request(asker: Asker) -> None:
    note, good = asker.log.note(7), asker.log.request(0, 7).encode()
    bodies = [
        b"",
        b"old 0\n" + note,
        b"old 0\n\n",
        b"old 0\n\n" + note[:-1],
        b"old 0\n\n" + note.partition(b"\n\n")[0] + b"\n",
        b"new 0\n\n" + note,
        b"old 00\n\n" + note,
        b"old 07\n\n" + note,
        b"old +7\n\n" + note,
        b"old  0\n\n" + note,
        b"old 0 \n\n" + note,
        b"old 0\r\n\r\n" + note,
        b" " + good,
        b"old 0\n" + proof_lines(64) + b"\n" + note,
        b"old 0\n" + proof_lines(1, bytes(31)) + b"\n" + note,
        b"old 0\n" + proof_lines(1).replace(b"=", b"") + b"\n" + note,
        b"old 0\n\n" + asker.log.note(7).replace(b"\n7\n", b"\n07\n"),
        b"old 8\n\n" + note,
    ]
    for body in bodies:
        answer = await asker.ask(body)

        assert (answer[0], body) == (400, body)
        assert is_text(answer)
    assert await asker.kept() is None


async def test_another_old_size_is_answered_with_the_size(asker: Asker) -> None:
    told = (409, SIZE_TYPE, b"0\n")
    assert await asker.add(3, 7) == told
    await asker.add(0, 7)

    for old, size in ((0, 7), (0, 9), (3, 9), (8, 9), (0, 0), (3, 3), (9, 9)):
        assert await asker.add(old, size) == (409, SIZE_TYPE, b"7\n")
    assert await asker.kept_size() == 7


async def test_a_first_checkpoint_and_an_empty_tree_need_no_proof(
    asker: Asker,
) -> None:
    note = asker.log.note
    with_proof = b"old 0\n" + proof_lines(1) + b"\n"
    assert (await asker.add(0, 0, bytes(32)))[0] == 422
    assert (await asker.ask(with_proof + note(0, EMPTY_ROOT)))[0] == 422
    assert (await asker.ask(with_proof + note(7)))[0] == 422
    assert await asker.kept() is None

    assert (await asker.add(0, 0, EMPTY_ROOT))[0] == 200
    assert (await asker.add(0, 7))[0] == 200


async def test_what_does_not_extend_it_is_unprocessable(asker: Asker) -> None:
    await asker.add(0, 7)
    good = asker.log.request(7, 12)
    fork = OpenLog(LOG, asker.log.key, b"other")
    bodies = [
        asker.log.request(7, 7, bytes(32)).encode(),
        fork.request(7, 7).encode(),
        fork.request(7, 12).encode(),
        replace(good, proof=()).encode(),
        replace(good, proof=good.proof[:-1]).encode(),
        replace(good, proof=good.proof[::-1]).encode(),
        replace(good, proof=(*good.proof, bytes(32))).encode(),
        b"old 7\n" + proof_lines(1) + b"\n" + asker.log.note(7),
        b"old 7\n" + proof_lines(63) + b"\n" + asker.log.note(12),
    ]
    for body in bodies:
        answer = await asker.ask(body)

        assert answer[0] == 422
        assert is_text(answer)
    assert await asker.kept_size() == 7
    assert (await asker.ask(good.encode()))[0] == 200


async def test_the_same_once_more_is_cosigned_once_more(asker: Asker) -> None:
    await asker.add(0, 7)
    again = await asker.add(7, 7)

    assert again[0] == 200
    assert again[2].startswith(EM_DASH_LINE)


async def test_extension_lines_are_cosigned_as_well(asker: Asker) -> None:
    shown = Checkpoint(LOG, 7, asker.log.root(7), ("an extension", "and another"))
    note = sign_checkpoint(shown, asker.log.key)
    status, _, line = await asker.ask(b"old 0\n\n" + note)
    key = asker.fleet["a.demo"].base.keys.witness.public
    witness = VerifierKey.of("a.demo/witness", key, COSIGNER)

    assert status == 200
    assert list(verify_cosignatures(note + line, [witness])) == [witness]


async def test_what_was_cosigned_is_shown_to_members_as_it_was_given(
    asker: Asker,
) -> None:
    path = f"{asker.url}/{sha256(LOG.encode()).hexdigest()}/checkpoint"
    assert await asker.kept() is None
    _, _, line = await asker.add(0, 7)

    assert await asker.kept() == asker.log.note(7) + line
    async with asker.http.get(path) as answer:
        assert answer.status == 403


SIZES: Final = range(1, 33)


async def race(askers: list[Asker]) -> list[tuple[int, bytes, Answer]]:
    """Ask 64 times at once: 32 sizes, each with two trees."""
    log = askers[0].log
    fork = OpenLog(LOG, log.key, b"other")
    asked = [
        (size, each.root(size), each.request(0, size))
        for size in SIZES
        for each in (log, fork)
    ]
    answers = await asyncio.gather(
        *(
            askers[number % len(askers)].ask(request.encode())
            for number, (_, _, request) in enumerate(asked)
        )
    )
    return [
        (size, root, answer)
        for (size, root, _), answer in zip(asked, answers, strict=True)
    ]


async def test_of_64_requests_at_once_one_wins(asker: Asker) -> None:
    answers = await race([asker])
    won = [each for each in answers if each[2][0] == 200]
    note = await asker.kept()

    assert len(answers) == 64
    ((size, root, (_, _, line)),) = won
    assert note == asker.log.note(size, root) + line
    lost = {answer for _, _, answer in answers} - {won[0][2]}
    assert lost == {(409, SIZE_TYPE, f"{size}\n".encode())}


async def test_each_size_has_one_tree_however_many_ask(asker: Asker) -> None:
    log, fork = asker.log, OpenLog(LOG, asker.log.key, b"other")
    given: dict[int, set[bytes]] = {}
    old = 0

    async def ask(by: OpenLog, size: int) -> None:
        status, _, _ = await asker.ask(by.request(old, size).encode())
        if status == 200:
            given.setdefault(size, set()).add(by.root(size))
            assert (await asker.kept_size()) >= size
        else:
            assert status in {409, 422, 503}  # 503: too many wait already

    while old < 64:
        sizes = range(old + 1, old + 33)
        await asyncio.gather(*(ask(by, n) for n in sizes for by in (log, fork)))
        old = await asker.kept_size()
    kept = await asker.kept()

    assert kept is not None
    assert all(len(roots) == 1 for roots in given.values())
    (winner,) = {by for by in (log, fork) if by.root(old) in given[old]}
    assert all(roots == {winner.root(size)} for size, roots in given.items())
    assert kept.startswith(winner.note(old))
