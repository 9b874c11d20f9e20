# SPDX-License-Identifier: Apache-2.0
"""Implementations that are not ours read what a node of ours has written.

`reader.go` asks golang.org/x/mod (sumdb/note, sumdb/tlog) and transparency-dev
(formats, merkle), as Debian packages them; `.ci/run` installs those.
"""

import asyncio
import io
import json
import shutil
import subprocess
import tarfile
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.foreign.building import GOPATH, build
from tests.node.audit.conftest import AUDRA, STAFF, write_events
from tests.programs import files, program
from tests.support.fleet import NAMES, Fleet, copy_of, make, make_founded
from tests.support.old_records import grow_old, let_records_go, write

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint
from fedsafe_crypto.tlog.cosignature import verify_cosignatures
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_node.audit.packs.contents import audit_verifier
from fedsafe_node.audit.tile_export import OwnLog
from fedsafe_node.log.engine import LogEngine

LIBRARIES: Final = {
    "golang-golang-x-mod-dev": "golang.org/x/mod/sumdb/tlog",
    "golang-github-transparency-dev-formats-dev": (
        "github.com/transparency-dev/formats/log"
    ),
    "golang-github-transparency-dev-merkle-dev": (
        "github.com/transparency-dev/merkle/proof"
    ),
}
pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("go")]
SIZE: Final = 300  # a full tile, a partial one, and a tile above them
Question = Mapping[str, object]


@dataclass(frozen=True)
class Written:
    """What a node wrote: files, proofs and its key; and what others cosigned.

    `pruned` has the files of a log whose first tile went, with its own key.
    """

    root: Path
    pruned: Path
    pruned_key: str
    key: str
    cosigned: Question
    inclusions: Sequence[Question]
    consistencies: Sequence[Question]


async def _write(root: Path) -> Written:
    await make_founded(root / "founded")
    fleet = copy_of(root / "founded", root / "n")
    await fleet.start(*NAMES)
    await write_events(fleet, SIZE)
    cosigned = await _cosigned(fleet)
    node = fleet["a.demo"]
    await _take_tiles(fleet, root / "tiles")
    engine, log = LogEngine(node.base.store), node.base.trail.log
    size = (await engine.head(log)).size
    end = await engine.root_at(log, size)
    inclusions = [
        {
            "kind": "inclusion",
            "entry": await engine.record(log, index),
            "index": index,
            "size": size,
            "root": end,
            "proof": await engine.inclusion(log, index, size),
        }
        for index in (0, 1, 255, 256, size - 1)
    ]
    consistencies = [
        {
            "kind": "consistency",
            "old": old,
            "size": size,
            "oldRoot": await engine.root_at(log, old),
            "root": end,
            "proof": await engine.consistency(log, old, size),
        }
        for old in (1, 7, 256, 257, size)
    ]
    key = audit_verifier("a.demo", node.base.keys).encode()
    await fleet.close()
    pruned, pruned_key = await _write_pruned(root)
    return Written(
        root / "tiles", pruned, pruned_key, key, cosigned, inclusions, consistencies
    )


async def _write_pruned(root: Path) -> tuple[Path, str]:
    """Let a node prune its log, and take the rest out."""
    fleet = await make(root / "alone", "a.demo", staff=STAFF)
    let_records_go(fleet)
    await fleet.start("a.demo")
    await write(fleet, SIZE)
    await grow_old(fleet)
    await _take_tiles(fleet, root / "pruned")
    key = audit_verifier("a.demo", fleet["a.demo"].base.keys).encode()
    await fleet.close()
    return root / "pruned", key


async def _take_tiles(fleet: Fleet, target: Path) -> None:
    pieces = await fleet["a.demo"].services.tiling.export(OwnLog.AUDIT, AUDRA)
    archive = io.BytesIO(b"".join([piece async for piece in pieces]))
    with tarfile.open(fileobj=archive, mode="r:") as files:
        files.extractall(target, filter="data")


async def _cosigned(fleet: Fleet) -> Question:
    witnesses = fleet["a.demo"].witnesses
    await witnesses.cosigning.settle()
    await witnesses.cosigning.run()
    await witnesses.cosigning.settle()
    proof = await witnesses.cosigning.proof()
    assert proof is not None
    # The kind of the key is not in what that verifier reads: it knows one kind only.
    keys = [
        VerifierKey.of(f"{name}/witness", fleet[name].base.keys.witness.public)
        for name in ("b.demo", "c.demo")
    ]
    return {
        "kind": "checkpoint",
        "note": proof.note,
        "key": witnesses.anchor.key.encode(),
        "witnesses": [key.encode() for key in keys],
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return asyncio.run(_write(tmp_path_factory.mktemp("written")))


@pytest.fixture(scope="module")
def go() -> str:
    found = program("go", "golang-go")
    for package, name in LIBRARIES.items():
        files(package, GOPATH / "src" / name)
    return found


@pytest.fixture(scope="module")
def reader(go: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(go, "reader", tmp_path_factory.mktemp("built"))


def judged(reader: Path, questions: Sequence[Question]) -> list[str]:
    lines = "\n".join(json.dumps(each, default=_text) for each in questions)
    done = subprocess.run(
        [reader], input=lines, capture_output=True, text=True, check=True
    )
    verdicts = done.stdout.splitlines()
    assert len(verdicts) == len(questions)
    return verdicts


def _text(value: object) -> str:
    assert isinstance(value, bytes)
    return b64encode(value).decode()


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def places(size: int) -> Sequence[int]:
    return sorted({0, size // 3, size // 2, size - 1})


def broken(question: Question) -> list[Question]:
    """Change one byte of each part, move it, and make the proof another length."""
    found: list[Question] = []
    for name, value in question.items():
        if isinstance(value, bytes):
            parts = [flipped(value, at) for at in places(len(value))]
            found += [{**question, name: part} for part in parts]
        elif name in {"index", "old"}:  # a size is bound by its signed checkpoint
            assert isinstance(value, int)
            found.append({**question, name: value + 1})
    proof = question["proof"]
    assert isinstance(proof, list)
    for place, node in enumerate(proof):
        others = [flipped(node, at) for at in places(len(node))]
        found += [
            {**question, "proof": [*proof[:place], other, *proof[place + 1 :]]}
            for other in others
        ]
    return [*found, {**question, "proof": [*proof, bytes(32)]}]


def test_others_accept_every_proof(reader: Path, written: Written) -> None:
    questions = [*written.inclusions, *written.consistencies]

    assert set(judged(reader, questions)) == {"ok"}


def test_others_refuse_every_proof_that_was_changed(
    reader: Path, written: Written
) -> None:
    whole = [*written.inclusions, *written.consistencies]
    questions = [changed for each in whole for changed in broken(each)]
    verdicts = judged(reader, questions)

    assert len(questions) > 100
    assert [
        question
        for question, verdict in zip(questions, verdicts, strict=True)
        if not verdict.startswith("refused")
    ] == []


def test_others_read_the_whole_log_and_refuse_any_changed_file(
    reader: Path, written: Written, tmp_path: Path
) -> None:
    asked = {"kind": "tiles", "key": written.key}
    questions = copies_of(written.root, tmp_path, asked)
    good, *bad = judged(reader, questions)

    assert good == "ok"
    # The checkpoint, two tiles of level 0 and their entries, and one above.
    assert len(files_of(written.root)) == 6
    assert {verdict.split(":")[0] for verdict in bad} == {"refused"}


def test_others_read_a_pruned_log_and_refuse_any_changed_file(
    reader: Path, written: Written, tmp_path: Path
) -> None:
    asked = {"kind": "tiles", "key": written.pruned_key, "minimum": 256}
    good, *bad = judged(reader, copies_of(written.pruned, tmp_path, asked))
    whole = {**asked, "minimum": 0, "directory": str(written.pruned)}
    (missing,) = judged(reader, [whole])

    assert good == "ok"
    assert not (written.pruned / "tile" / "entries" / "000").exists()
    assert {verdict.split(":")[0] for verdict in bad} == {"refused"}
    assert missing.startswith("refused")


def files_of(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def copies_of(root: Path, work: Path, asked: Question) -> list[Question]:
    """Ask about the files, and then about copies that each have a byte changed."""
    questions: list[Question] = [{**asked, "directory": str(root)}]
    for number, path in enumerate(files_of(root)):
        data = path.read_bytes()
        for at in places(len(data) - 3):  # the very end of a signature is padding
            target = work / f"{number}-{at}"
            shutil.copytree(root, target)
            (target / path.relative_to(root)).write_bytes(flipped(data, at))
            questions.append({**asked, "directory": str(target)})
    return questions


def test_others_accept_cosignatures_and_refuse_any_changed_byte(
    reader: Path, written: Written
) -> None:
    note = written.cosigned["note"]
    assert isinstance(note, bytes)
    padded = {at - 1 for at, byte in enumerate(note) if byte == ord("=")}
    changed = [
        {**written.cosigned, "note": flipped(note, at)}
        for at in range(len(note))
        if at not in padded  # its last bits are padding, which that reader ignores
    ]
    good, *bad = judged(reader, [written.cosigned, *changed])

    assert good == "ok"
    assert len(bad) > 400
    assert {verdict.split(":")[0] for verdict in bad} == {"refused"}


def private(name: str, key: SigningKey) -> str:
    """Write a private key as golang.org/x/mod reads it."""
    key_id = VerifierKey.of(name, key.public).key_id.hex()
    seed = b64encode(b"\1" + key.to_bytes()).decode()
    return f"PRIVATE+KEY+{name}+{key_id}+{seed}"


def test_we_accept_what_others_sign_and_cosign(reader: Path) -> None:
    log, witness = SigningKey.generate(), SigningKey.generate()
    asked: Question = {
        "kind": "sign",
        "key": private("x.example/log", log),
        "witnesses": [private("w.example/witness", witness)],
        "size": 9,
        "root": bytes(range(32)),
    }
    (answer,) = judged(reader, [asked])
    note = b64decode(answer.removeprefix("ok"))
    checkpoint = open_checkpoint(note, VerifierKey.of("x.example/log", log.public))
    key = VerifierKey.of("w.example/witness", witness.public, COSIGNER)

    assert checkpoint == Checkpoint("x.example/log", 9, bytes(range(32)))
    assert list(verify_cosignatures(note, [key])) == [key]


def test_others_miss_a_cosignature(reader: Path, written: Written) -> None:
    note = written.cosigned["note"]
    assert isinstance(note, bytes)
    less = note.rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n"
    (verdict,) = judged(reader, [{**written.cosigned, "note": less}])

    assert verdict == 'refused: "a cosignature is missing"'


def test_others_refuse_a_checkpoint_under_another_key(
    reader: Path, written: Written
) -> None:
    note = (written.root / "checkpoint").read_bytes()
    asked = {"kind": "checkpoint", "note": note, "key": written.key}
    other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    good, bad = judged(reader, [asked, {**asked, "key": other}])

    assert good == "ok"
    assert bad.startswith("refused")
