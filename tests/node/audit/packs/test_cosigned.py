# SPDX-License-Identifier: Apache-2.0
"""What a pack shows of the other members' word, and who cannot forge it.

The node itself makes the packs here: it signs every manifest anew, as a node would
that wants to show another past than the one that was cosigned.
"""

import io
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.audit.conftest import Made, export, write_events
from tests.support.council import agree, at_version, propose
from tests.support.fleet import NAMES, Fleet, copy_of
from tests.support.pack_changes import packed
from tests.support.packs import refused

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import cosign
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_crypto.tlog.tiles import TileSource
from fedsafe_crypto.tlog.tree import Frontier, consistency_proof, leaf_hash
from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_node.evidence.verify import (
    PackError,
    Report,
    _open_charter,
    check_extends,
    main,
    read_files,
    verify_pack,
)

Said = dict[str, Any]


def verified(made: Made) -> Report:
    return verify_pack(io.BytesIO(made.pack), made.fingerprint)


def test_it_shows_who_has_cosigned_how_much(cosigned: Made) -> None:
    report = verified(cosigned)

    assert sorted(name for name, _ in report.witnesses) == ["b.demo", "c.demo"]
    assert report.members == 2
    assert report.end <= report.cosigned == report.size
    assert len(report.charter) == 64


def test_a_pack_without_says_so(made: Made) -> None:
    assert (verified(made).witnesses, verified(made).cosigned) == ([], 0)


def test_the_command_names_the_witnesses(
    cosigned: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(cosigned.pack)
    status = main([str(pack), "--fingerprint", cosigned.fingerprint, "--lang", "en"])
    told = capsys.readouterr().out

    assert status == 21
    assert "by 2 of 2 other members, by their clocks:" in told
    assert "  b.demo, 2026-11-24T12:00:00+00:00\n" in told


def changed(made: Made, change: Callable[[Said], None], name: str) -> bytes:
    said = json.loads(made.files[name])
    change(said)
    files = made.files | {name: json.dumps(said).encode()}
    return packed(list(files.items()), made.key)


def _nobody(said: Said) -> None:
    text, _, tail = said["checkpoint"].rpartition("\n\n")
    own = tail.splitlines(keepends=True)[0]
    said["checkpoint"] = f"{text}\n\n{own}"


def _strangers(said: Said) -> None:
    _nobody(said)
    text = said["checkpoint"].rpartition("\n\n")[0] + "\n"
    key = SigningKey.generate()
    said["checkpoint"] += cosign(text, "b.demo/witness", key, at=1)


def _lines(said: Said) -> tuple[str, list[str]]:
    text, _, tail = said["checkpoint"].rpartition("\n\n")
    return text, tail.splitlines(keepends=True)


def _unsigned(said: Said) -> None:
    """Keep what the witnesses signed, and leave the log's own signature out."""
    text, lines = _lines(said)
    said["checkpoint"] = f"{text}\n\n{''.join(lines[1:])}"


def _false(said: Said) -> None:
    """Put a witness's name and key id before a signature that is not its own."""
    text, lines = _lines(said)
    dash, name, encoded = lines[1].split()
    signature = bytearray(b64decode(encoded))
    signature[20] ^= 1
    lines[1] = f"{dash} {name} {b64encode(signature).decode()}\n"
    said["checkpoint"] = f"{text}\n\n{''.join(lines)}"


def _put(name: str, value: object) -> Callable[[Said], None]:
    return lambda said: said.__setitem__(name, value)


FORGERIES: dict[str, Callable[[Said], None]] = {
    "nobody": _nobody,
    "a stranger": _strangers,
    "no log": _unsigned,
    "a false signature": _false,
    "another first": lambda said: said.__setitem__("first", said["first"] + 1),
    "no first": _put("first", "0"),
    "no consistency": _put("consistency", []),
    "more consistency": lambda said: said["consistency"].append("0" * 64),
    "another consistency": lambda said: said["consistency"].__setitem__(0, "0" * 64),
    "more proof": lambda said: said["proof"].append("0" * 64),
    "no proof": _put("proof", None),
    "no checkpoint": _put("checkpoint", "a\n\nb\n"),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_the_node_cannot_forge_what_was_cosigned(
    late: Made, change: Callable[[Said], None]
) -> None:
    verify_pack(io.BytesIO(changed(late, lambda _: None, "cosigned.json")))
    refused(changed(late, change, "cosigned.json"), late.fingerprint)


def _new_witness(said: Said) -> None:
    """Let a member that the node invents stand in the charter."""
    first = said["signatures"][0]
    charter = json.loads(b64decode(first["payload"]))
    charter["members"][1]["keys"]["witness"] = b64encode(
        SigningKey.generate().public
    ).decode()
    first["payload"] = b64encode(json.dumps(charter).encode()).decode()


CHARTERS: dict[str, Callable[[Said], None]] = {
    "one signature less": lambda said: said["signatures"].pop(),
    "one twice": lambda said: said["signatures"].append(said["signatures"][0]),
    "another witness": _new_witness,
    "none": lambda said: said.clear(),
    "no list": _put("signatures", {}),
    "another signature": lambda said: said["signatures"][1].__setitem__(
        "signature", b64encode(bytes(64)).decode()
    ),
}


@pytest.mark.parametrize("change", CHARTERS.values(), ids=CHARTERS)
def test_whose_keys_count_nobody_changes_alone(
    cosigned: Made, change: Callable[[Said], None]
) -> None:
    refused(changed(cosigned, change, "charter.json"), cosigned.fingerprint)


def test_another_node_cannot_borrow_the_members_word(cosigned: Made) -> None:
    key = SigningKey.generate()
    text = cosigned.files["checkpoint"].decode().rpartition("\n\n")[0] + "\n"
    keys = json.loads(cosigned.files["keys.json"])
    keys["audit"] = VerifierKey.of("a.demo/audit", key.public).encode()
    files = cosigned.files | {
        "keys.json": json.dumps(keys).encode(),
        "checkpoint": sign_checkpoint(Checkpoint.parse(text), key),
    }

    why = refused(packed(list(files.items()), key))
    assert why == "a signature does not verify"  # of the leaves, by the node's key


@pytest.mark.parametrize("name", ["charter.json", "cosigned.json"])
def test_half_of_it_is_nothing(cosigned: Made, name: str) -> None:
    files = [each for each in cosigned.files.items() if each[0] != name]

    assert refused(packed(files, cosigned.key)) == "a file is missing"


def test_another_past_than_the_cosigned_one_does_not_verify(cosigned: Made) -> None:
    """The node rewrites its whole log, signs everything and keeps the cosignatures."""
    lines = cosigned.files["entries/000000000000.ndjson"].splitlines(keepends=True)
    first = json.loads(lines[0])
    record = json.loads(first["record"]) | {"outcome": "other"}
    first["record"] = json.dumps(record)
    lines[0] = json.dumps(first).encode() + b"\n"
    tree = Frontier()
    tree.extend(leaf_hash(json.loads(line)["record"].encode()) for line in lines)
    size = tree.size
    checkpoint = Checkpoint("a.demo/audit", size, tree.root())
    files = cosigned.files | {
        "entries/000000000000.ndjson": b"".join(lines),
        "checkpoint": sign_checkpoint(checkpoint, cosigned.key),
        "proof.json": b'{"hashes": []}',
    }
    why = refused(packed(list(files.items()), cosigned.key), cosigned.fingerprint)

    assert why == "the log does not extend what was cosigned"
    for name in ("charter.json", "cosigned.json", "anchors/000000000000.ndjson"):
        del files[name]
    kept_alone = packed(list(files.items()), cosigned.key)
    assert verify_pack(io.BytesIO(kept_alone), cosigned.fingerprint).witnesses == []


async def test_the_standing_tells_it(trio: Fleet) -> None:
    cosigning = trio["a.demo"].witnesses.cosigning
    await cosigning.settle()
    await cosigning.run()
    await cosigning.settle()
    await write_events(trio, 1)
    standing = await trio["a.demo"].services.inspections.standing()

    assert standing.cosigned is not None
    assert 0 < standing.cosigned.size < standing.size
    assert {each.name for each in standing.cosigned.by} == {
        "b.demo/witness",
        "c.demo/witness",
    }


LEAVES = [leaf_hash(bytes([number])) for number in range(70)]
SOURCE = TileSource(70, lambda tile: b"".join(LEAVES[: tile.width]))


def root_of(size: int) -> bytes:
    tree = Frontier()
    tree.extend(LEAVES[:size])
    return tree.root()


@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_every_proof_of_growth_verifies_and_no_other(
    one: int, two: int, data: st.DataObject
) -> None:
    old, new = sorted((one, two))
    proof = consistency_proof(SOURCE, old, new)
    check_extends(old, root_of(old), new, root_of(new), proof)
    parts = [root_of(old), root_of(new), *proof]
    place = data.draw(st.integers(0, len(parts) - 1))
    parts[place] = bytes(32)
    for first, last, path in (
        (parts[0], parts[1], parts[2:]),
        (root_of(old), root_of(new), [*proof, bytes(32)]),
    ):
        with pytest.raises(PackError):
            check_extends(old, first, new, last, path)


async def _later(founded: Path, root: Path) -> dict[str, bytes]:
    """Make a pack after the charter has changed."""
    fleet = copy_of(founded, root / "later")
    await fleet.start(*NAMES)
    await fleet.covered()
    proposal = await propose(fleet, "a.demo", ChangeKind.TERMS, appeal="b.demo")
    await agree(fleet, proposal, "b.demo")
    await at_version(fleet, 2, *NAMES)
    cosigning = fleet["a.demo"].witnesses.cosigning
    for _ in range(2):
        await write_events(fleet, 2)
        await cosigning.settle()
        await cosigning.run()
        await cosigning.settle()
    pack = await export(fleet)
    await fleet.close()
    return dict(read_files(io.BytesIO(pack)))


def _without_a_signature(said: Said) -> None:
    said["signatures"].pop()


def _with_another_past(said: Said) -> None:
    said["before"].pop()


async def test_a_later_charter_is_followed_from_the_first(
    founded: Path, tmp_path: Path
) -> None:
    files = await _later(founded, tmp_path)
    said = json.loads(files["charter.json"])

    assert len(said["before"]) == 1
    report = verify_pack(io.BytesIO(packed(list(files.items()))))
    assert report.members == 2
    assert report.witnesses
    for change in (_without_a_signature, _with_another_past):
        forged = json.loads(files["charter.json"])
        change(forged)
        with pytest.raises(PackError):
            _open_charter(json.dumps(forged).encode(), Report())
