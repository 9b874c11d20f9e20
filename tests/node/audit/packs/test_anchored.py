# SPDX-License-Identifier: Apache-2.0
"""One past only: a node that has shown two is found out by its own anchor."""

import asyncio
import io
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.node.audit.conftest import AUDRA, Made, export, key_of, write_events
from tests.support.fleet import Fleet, StandingClock
from tests.support.pack_changes import packed
from tests.support.packs import refused

from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import add_lines
from fedsafe_crypto.tlog.tiles import TileSource
from fedsafe_crypto.tlog.tree import Frontier, consistency_proof, leaf_hash
from fedsafe_federation.feed.witnessing import AddCheckpoint
from fedsafe_node.audit.packs import anchor_leaves as anchored
from fedsafe_node.evidence.verify import main, read_files, verify_pack
from fedsafe_node.ground.errors import RolledBackError
from fedsafe_node.log.anchor import anchor_entry
from fedsafe_node.log.span import ExportRequest

Line = dict[str, Any]
ENTRIES = "entries/000000000000.ndjson"


def read_lines(content: bytes) -> list[Line]:
    return [json.loads(line) for line in content.splitlines()]


def written(lines: Sequence[Line]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def root_of(leaves: Sequence[bytes]) -> bytes:
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


async def cosign_now(fleet: Fleet) -> None:
    cosigning = fleet["a.demo"].witnesses.cosigning
    await cosigning.settle()
    await cosigning.run()
    await cosigning.settle()


class Forger:
    """The node itself: its keys, its anchor and a pack that it can write anew."""

    def __init__(self, fleet: Fleet, pack: bytes) -> None:
        self.fleet = fleet
        self.key = fleet["a.demo"].base.keys.audit
        self.files = dict(read_files(io.BytesIO(pack)))

    async def other_past(self, without: int) -> bytes:
        """Write the pack without an event, and show that to all members as well."""
        note, lines, leaf = self.forge(without)
        base = self.fleet["a.demo"].base
        entry = anchor_entry("a.demo/anchor", note)
        await base.store.write(
            lambda tx: tx.append("a.demo/anchor", entry.record, entry.openings)
        )
        size = await base.store.read(lambda reader: reader.log_size("a.demo/anchor"))
        said = json.loads(self.files["cosigned.json"])
        leaves = await self.leaves(size)
        checkpoint = Checkpoint("a.demo/anchor", size, root_of(leaves))
        said["checkpoint"] = await self.cosigned(checkpoint, leaves, "b.demo", "c.demo")
        said["consistency"] = []
        shown = read_lines(self.files["anchors/000000000000.ndjson"])
        leaf["record"] = entry.record.decode()
        leaf["salt"] = b64encode(entry.openings[0].salt).decode()
        return self.pack(note, lines, said, [*shown, leaf])

    def forge(self, without: int) -> tuple[bytes, list[Line], Line]:
        lines = read_lines(self.files[ENTRIES])
        del lines[without]
        for index, line in enumerate(lines):
            line["index"] = index
        hashes = [leaf_hash(line["record"].encode()) for line in lines]
        checkpoint = Checkpoint("a.demo/audit", len(hashes), root_of(hashes))
        note = sign_checkpoint(checkpoint, self.key)
        return note, lines, {"audit": note.decode(), "consistency": []}

    async def leaves(self, size: int) -> list[bytes]:
        store = self.fleet["a.demo"].base.store
        records = await store.read(lambda r: r.records("a.demo/anchor", 0, size))
        return list(map(leaf_hash, records))

    async def cosigned(
        self, checkpoint: Checkpoint, leaves: Sequence[bytes], *by: str
    ) -> str:
        note, lines = sign_checkpoint(checkpoint, self.key), ""
        source = TileSource(len(leaves), lambda tile: b"".join(leaves[: tile.width]))
        key = self.fleet["a.demo"].witnesses.anchor.key.encode()
        for name in by:
            row = await self.fleet[name].base.store.read(lambda r: r.witnessed(key))
            assert row is not None
            proof = consistency_proof(source, row.size, len(leaves))
            ask = AddCheckpoint(row.size, tuple(proof), note).encode()
            answer = await self.fleet[name].witnesses.server.add_checkpoint(ask)
            assert answer.status == 200
            lines += answer.body.decode()
        return add_lines(note, lines).decode()

    def pack(
        self, note: bytes, lines: list[Line], said: Line, shown: list[Line]
    ) -> bytes:
        about = json.loads(self.files["pack.json"])
        about["end"] = len(lines)
        files = self.files | {
            "pack.json": json.dumps(about).encode(),
            "checkpoint": note,
            "proof.json": b'{"hashes": []}',
            "cosigned.json": json.dumps(said).encode(),
            f"anchors/{said['first']:012}.ndjson": written(shown),
            ENTRIES: written(lines),
        }
        if said["first"]:
            del files["anchors/000000000000.ndjson"]
            names = sorted(files, key=lambda name: name.startswith(("entries", "pol")))
            files = {name: files[name] for name in names}
        return packed(list(files.items()), self.key)


async def forger_of(trio: Fleet) -> Forger:
    await write_events(trio, 4)
    await cosign_now(trio)
    await write_events(trio, 2)
    await cosign_now(trio)
    # From now on the anchor grows by the forger's hand only.
    cosigning = trio["a.demo"].witnesses.cosigning
    cosigning.alarm = RolledBackError("a.demo/anchor", 0, 0, "a forger")
    return Forger(trio, await export(trio))


def verdict(pack: bytes, path: Path, *options: str) -> int:
    path.write_bytes(pack)
    return main([str(path), *options])


def unproved(pack: bytes, *trust: str, **options: int) -> list[str]:
    """Name what a pack that verifies does not prove."""
    report = verify_pack(io.BytesIO(pack), *trust, **options)
    return [each.code for each in report.unproved]


async def test_a_past_that_drops_a_cosigned_event_does_not_verify(trio: Fleet) -> None:
    forger = await forger_of(trio)
    forged = await forger.other_past(without=2)

    assert refused(forged, key_of(trio)) == "the log does not extend what was cosigned"


async def test_what_is_not_shown_makes_it_incomplete(
    trio: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The node leaves out the leaves that contradict it."""
    forger = await forger_of(trio)
    await forger.other_past(without=2)
    note, lines, leaf = forger.forge(2)
    store = trio["a.demo"].base.store
    size = await store.read(lambda reader: reader.log_size("a.demo/anchor"))
    last = await store.read(
        lambda r: r.opening("a.demo/anchor", size - 1, "checkpoint")
    )
    record = await store.read(lambda r: r.record("a.demo/anchor", size - 1))
    assert last is not None
    assert record is not None
    leaf |= {"record": record.decode(), "salt": b64encode(last.salt).decode()}
    leaves = await forger.leaves(size)
    said = json.loads(forger.files["cosigned.json"])
    checkpoint = Checkpoint("a.demo/anchor", size, root_of(leaves))
    said["checkpoint"] = await forger.cosigned(checkpoint, leaves, "b.demo", "c.demo")
    said |= {"first": size - 1, "consistency": [], "proof": _beside(leaves)}
    pack = forger.pack(note, lines, said, [leaf])
    path = tmp_path / "pack.zip"
    status = await asyncio.to_thread(verdict, pack, path)
    told = capsys.readouterr().out

    assert status == 21
    assert f"kept to its anchors 0 to {size - 2}: they are not shown" in told
    assert "VERIFIES" not in told


def _beside(leaves: Sequence[bytes]) -> list[str]:
    """Give the roots of the complete subtrees left of the last leaf."""
    path, start, rest = list[str](), 0, len(leaves) - 1
    while rest:
        width = 1 << rest.bit_length() - 1
        path.append(root_of(leaves[start : start + width]).hex())
        start, rest = start + width, rest - width
    return path


async def test_one_witness_of_two_is_not_enough_unless_one_says_so(
    trio: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forger = await forger_of(trio)
    said = json.loads(forger.files["cosigned.json"])
    text, _, tail = said["checkpoint"].rpartition("\n\n")
    own, first, _second = tail.splitlines(keepends=True)
    said["checkpoint"] = f"{text}\n\n{own}{first}"
    files = forger.files | {"cosigned.json": json.dumps(said).encode()}
    pack, path = packed(list(files.items()), forger.key), tmp_path / "pack.zip"
    lacking = [
        "witnesses" in unproved(pack, **options)
        for options in ({}, {"witnesses": 1}, {"witnesses": 2})
    ]
    await asyncio.to_thread(verdict, pack, path)

    assert lacking == [True, False, True]
    assert "cosigned by 1, wanted 2" in capsys.readouterr().out


async def test_an_auditor_names_from_which_leaf_on(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchored, "PAGE", 2)
    evidence = trio["a.demo"].services.evidence
    for _ in range(7):
        await write_events(trio, 1)
        await trio["a.demo"].witnesses.anchor.grow()
    await cosign_now(trio)
    whole = verify_pack(io.BytesIO(await export(trio)))
    pieces = await evidence.export(ExportRequest(), AUDRA, anchors=3)
    part = b"".join([piece async for piece in pieces])
    report = verify_pack(io.BytesIO(part))

    assert (whole.first_anchor, report.first_anchor) == (0, 3)
    assert report.anchors >= whole.anchors > 6
    assert "anchors" in unproved(part)
    assert "anchors" not in unproved(part, anchors_from=3)
    monkeypatch.setattr(anchored, "MOST", 2)
    newest = verify_pack(io.BytesIO(await export(trio)))
    assert newest.first_anchor == newest.anchors - 2


def change_leaf(made: Made, change: Callable[[list[Line]], object]) -> bytes:
    name = "anchors/000000000000.ndjson"
    lines = read_lines(made.files[name])
    change(lines)
    files = made.files | {name: written(lines)}
    return packed(list(files.items()), made.key)


def _other_note(lines: list[Line]) -> None:
    key = SigningKey.generate()
    note = sign_checkpoint(Checkpoint("a.demo/audit", 3, bytes(32)), key)
    lines[0]["audit"] = note.decode()


def _shifted(lines: list[Line]) -> None:
    """Let the payload begin in what was the salt."""
    salt = b64decode(lines[0]["salt"])
    lines[0]["audit"] = salt[20:].decode("latin-1") + lines[0]["audit"]
    lines[0]["salt"] = b64encode(salt[:20]).decode()


LEAVES: dict[str, Callable[[list[Line]], object]] = {
    "another checkpoint": _other_note,
    "another salt": lambda lines: lines[0].update(salt=b64encode(bytes(32)).decode()),
    "a shorter salt": _shifted,
    "another record": lambda lines: lines[0].update(
        record='{"v":1,"commitment":"AAAA"}'
    ),
    "no note": lambda lines: lines[0].update(audit=""),
    "no text": lambda lines: lines[0].update(audit="\ud800"),
    "more consistency": lambda lines: lines[-1]["consistency"].append(
        b64encode(bytes(32)).decode()
    ),
    "no consistency": lambda lines: lines[-1].pop("consistency"),
    "one less": lambda lines: lines.pop(),
    "a gap": lambda lines: lines.pop(1),
    "one twice": lambda lines: lines.append(lines[-1] | {"consistency": []}),
}


@pytest.mark.parametrize("change", LEAVES.values(), ids=LEAVES)
def test_every_leaf_counts(
    cosigned: Made, change: Callable[[list[Line]], object]
) -> None:
    verify_pack(io.BytesIO(change_leaf(cosigned, lambda _: None)))
    refused(change_leaf(cosigned, change), cosigned.fingerprint)


def test_no_leaves_are_no_cosigned_pack(cosigned: Made) -> None:
    files = [each for each in cosigned.files.items() if "anchors/" not in each[0]]

    assert refused(packed(files, cosigned.key)) == "a file is missing"


def test_members_have_names_and_keys_of_their_own(cosigned: Made) -> None:
    one, many = SigningKey.generate(), b64encode
    public = many(one.public).decode()
    names = ("a.demo", "b.demo", "x.demo")
    audit = many(cosigned.key.public).decode()
    members = [
        {
            "name": name,
            "keys": {
                "audit": audit if name == "a.demo" else public,
                "statement": public,
                "witness": public,
            },
        }
        for name in names
    ]
    payload = json.dumps({"federation": "demo#1", "members": members}).encode()
    frame = b"fedsafe/v1/charter\n" + lp_text("demo#1") + payload
    signed = {
        "type": "charter",
        "payload": many(payload).decode(),
        "signature": many(one.sign_exactly(frame)).decode(),
    }
    charter = {"signatures": [signed | {"signer": name} for name in names]}
    files = cosigned.files | {"charter.json": json.dumps(charter).encode()}

    why = refused(packed(list(files.items()), cosigned.key))
    assert why == "the charter has a name or a key twice"


def test_the_charter_is_compared_with_a_members_digest(
    cosigned: Made, made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pack.zip"
    digest = verify_pack(io.BytesIO(cosigned.pack)).charter
    key = ("--fingerprint", cosigned.fingerprint)

    assert cosigned.charter == digest
    assert unproved(cosigned.pack, digest) == []
    assert verdict(cosigned.pack, path, "--trust", digest) == 0
    assert verdict(cosigned.pack, path, *key, "--charter", digest) == 0
    assert "NOT PROVED" not in capsys.readouterr().out
    assert unproved(cosigned.pack, cosigned.fingerprint) == ["charter"]
    assert verdict(cosigned.pack, path, *key) == 21
    assert "  - That the federation demo#1 exists" in capsys.readouterr().out
    assert verdict(cosigned.pack, path, *key, "--charter", "0" * 64) == 20
    assert verdict(made.pack, path, "--charter", digest) == 20


def test_a_cosigning_behind_all_entries_is_no_matter(
    cosigned: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = verify_pack(io.BytesIO(cosigned.pack))
    assert 0 < report.newest <= min(at for _, at in report.witnesses)
    verdict(cosigned.pack, tmp_path / "pack.zip")

    assert "BEFORE" not in capsys.readouterr().out


async def test_a_cosigning_before_the_newest_entry_is_named(
    trio: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = StandingClock(trio.clock.now() - timedelta(minutes=1))
    trio["b.demo"].witnesses.server._clock = late  # noqa: SLF001 - it lies
    await write_events(trio, 2)
    await cosign_now(trio)
    pack = await export(trio)
    await asyncio.to_thread(verdict, pack, tmp_path / "pack.zip")
    told = capsys.readouterr().out

    assert "  b.demo: BEFORE the newest entry" in told
    assert "  c.demo: BEFORE" not in told


def test_a_key_of_another_node_does_not_verify(made: Made) -> None:
    about = json.loads(made.files["pack.json"]) | {"node": "innocent.example"}
    files = made.files | {"pack.json": json.dumps(about).encode()}

    why = refused(packed(list(files.items()), made.key))
    assert why == "the key is of another node"


def _record(value: object) -> Callable[[Line], None]:
    return lambda line: line.update(record=json.dumps(value))


def _long_group(line: Line) -> None:
    group = "g" * 70_000
    line["openings"] = {group: {"salt": b64encode(bytes(32)).decode(), "payload": ""}}
    line["record"] = json.dumps({"event": "x", "commitments": {group: "AAAA"}})


ODD: dict[str, Callable[[Line], None]] = {
    "commitments are text": _record({"event": "x", "commitments": "ab"}),
    "a group is too long": _long_group,
    "a time is none": _record({"event": "x", "at": "soon", "commitments": {}}),
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_odd_entries_give_no_stack_trace(
    cosigned: Made, change: Callable[[Line], None]
) -> None:
    lines = read_lines(cosigned.files[ENTRIES])
    change(lines[0])
    files = cosigned.files | {ENTRIES: written(lines)}

    refused(packed(list(files.items()), cosigned.key))


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("keys.json", "audit", "\ud800+00000000+AQAA"),
        ("pack.json", "log", "\ud800"),
        ("pack.json", "log", "x" * 70_000),
        ("pack.json", "events", [[]]),
        ("cosigned.json", "checkpoint", "\ud800"),
        ("charter.json", "signatures", [{"payload": "e30=", "signer": []}]),
    ],
)
def test_odd_values_give_no_stack_trace(
    cosigned: Made, name: str, field: str, value: object
) -> None:
    document = json.loads(cosigned.files[name]) | {field: value}
    files = cosigned.files | {name: json.dumps(document).encode()}

    refused(packed(list(files.items()), cosigned.key))


def test_an_opening_begins_where_its_salt_ends(made: Made) -> None:
    """The node shows less of a text by calling its beginning salt."""
    name = "entries/000000000001.ndjson"
    lines = read_lines(made.files[name])
    opening = lines[0]["openings"]["detail"]
    salt, payload = b64decode(opening["salt"]), opening["payload"]
    opening["salt"] = b64encode(salt + payload[:12].encode()).decode()
    opening["payload"] = payload[12:]
    files = made.files | {name: written(lines)}

    why = refused(packed(list(files.items()), made.key))
    assert why == "a salt of another length"
