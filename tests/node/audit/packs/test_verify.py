# SPDX-License-Identifier: Apache-2.0
"""The verifier of a pack, and packs that somebody changed."""

import ast
import io
import json
import os
import re
import subprocess
import zipfile
from binascii import crc32
from collections.abc import Callable, Sequence
from errno import EACCES, EISDIR, ENOENT
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.audit.conftest import Made
from tests.support.pack_changes import packed
from tests.support.packs import refused

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_node.evidence import verify
from fedsafe_node.evidence.verify import (
    _GERMAN,
    PackError,
    TrustError,
    local_header,
    main,
    read_files,
    verify_pack,
)


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@given(st.data())
def test_one_changed_byte_anywhere_fails(made: Made, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(made.pack) - 1))
    change = data.draw(st.integers(1, 255))
    changed = bytearray(made.pack)
    changed[place] ^= change

    refused(bytes(changed), made.fingerprint)


def test_one_changed_byte_of_every_file_fails(made: Made) -> None:
    for name, content in made.files.items():
        for place in {0, len(content) // 2, len(content) - 1}:
            changed = bytearray(content)
            changed[place] ^= 1
            files = made.files | {name: bytes(changed)}

            refused(packed(list(files.items())), made.fingerprint)


def test_every_byte_around_the_files_counts(made: Made) -> None:
    start = made.pack.index(b"PK\1\2")
    places = [*range(30), *range(start, len(made.pack))]
    for place in places:
        changed = bytearray(made.pack)
        changed[place] ^= 0x20

        refused(bytes(changed), made.fingerprint)


@given(st.data())
def test_a_truncated_pack_fails(made: Made, data: st.DataObject) -> None:
    refused(made.pack[: data.draw(st.integers(0, len(made.pack) - 1))])


def test_an_added_tail_fails(made: Made) -> None:
    refused(made.pack + b"\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files[:-1],
        lambda files: files[1:],
        lambda files: [*files, (f"policies/{sha256(b'').hexdigest()}.toml", b"")],
        lambda files: [*files[1:], files[0]],
        lambda files: [*files, files[0]],
        lambda files: [("README.en.md", files[0][1]), *files[1:]],
    ],
    ids=["without manifest", "lacking", "added", "moved", "doubled", "renamed"],
)
def test_other_files_than_the_manifest_names_fail(
    made: Made, change: Callable[[Any], Sequence[tuple[str, bytes]]]
) -> None:
    refused(packed(change(list(made.files.items()))))


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "entries/..", "x"]
)
def test_a_path_that_leads_elsewhere_is_refused(name: str) -> None:
    piece = local_header(name.encode(), crc32(b""), 0)

    assert "no pack holds" in refused(piece)


def test_a_compressed_bomb_is_refused_unread() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("checkpoint", bytes(10_000_000))

    assert "malformed at byte 0" in refused(bomb.getvalue())
    assert "larger" in refused(local_header(b"checkpoint", 0, 2**32 - 1))


def test_more_files_than_a_pack_has_are_refused() -> None:
    name = b"entries/000000000000.ndjson"
    piece = local_header(name, crc32(b""), 0)

    with pytest.raises(PackError, match="larger"):
        list(read_files(io.BytesIO(piece * 5_000)))


def test_another_fingerprint_fails(made: Made) -> None:
    pairs = [made.fingerprint[at : at + 2] for at in range(0, 64, 2)]
    verify_pack(io.BytesIO(made.pack), made.fingerprint.upper())
    verify_pack(io.BytesIO(made.pack), " ".join(pairs), ":".join(pairs))

    assert "another key" in refused(made.pack, "0" * 64)


NO_FINGERPRINTS = {
    "": "here are 0",
    "00": "here are 2",
    "0" * 63: "here are 63",
    "0" * 65: "here are 65",
    "o" + "0" * 63: "o is none of them",
    "0" * 63 + "\N{ARABIC-INDIC DIGIT ONE}": "\N{ARABIC-INDIC DIGIT ONE} is none",
    f"sha256:{'0' * 64}": "s is none of them",
    "a.demo/audit+1f9c07b2+AR": ". is none of them",
}


@pytest.mark.parametrize(("given", "why"), NO_FINGERPRINTS.items())
def test_what_is_no_fingerprint_says_nothing_of_the_pack(
    made: Made,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: str,
    why: str,
) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(made.pack)
    known = ["--trust", made.fingerprint, "--trust", given]

    with pytest.raises(TrustError):
        verify_pack(io.BytesIO(made.pack), given)
    assert main([str(pack), *known]) == 2
    english, german = capsys.readouterr().out.splitlines()
    assert english.startswith("no fingerprint: --trust takes 64 digits of 0 to 9 and a")
    assert why in english
    assert "`fedsafe audit status`" in english
    assert german.startswith("kein Fingerabdruck: --trust nimmt 64 Ziffern aus 0 bis")
    assert "`fedsafe federation history`" in german
    assert main([str(pack), *known, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["status"] == 2


def test_who_signs_anew_has_another_fingerprint(made: Made) -> None:
    other = SigningKey.generate()
    forged = packed(list(made.files.items()), other)

    assert "does not verify" in refused(forged)


def line_changed(made: Made, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Let the node itself sign a pack whose first entry is another."""
    (name,) = (name for name in made.files if name.startswith("entries/"))
    first, *rest = made.files[name].splitlines(keepends=True)
    line = json.loads(first)
    change(line)
    files = made.files | {name: json.dumps(line).encode() + b"\n" + b"".join(rest)}
    return packed(list(files.items()), made.key)


def as_leaf(line: dict[str, Any]) -> None:
    line.clear()
    line.update(index=1, leaf="0" * 64)


def with_other_salt(line: dict[str, Any]) -> None:
    for opening in line["openings"].values():
        opening["salt"] = "A" * 43 + "="


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "record": lambda line: line.update(record=line["record"] + " "),
    "index": lambda line: line.update(index=2),
    "no openings": lambda line: line.update(openings={}),
    "withheld": lambda line: line.update(openings={}, withheld=["actor", "detail"]),
    "no object": lambda line: line.update(openings=3),
    "no text": lambda line: line.update(record=3),
    "leaf": as_leaf,
    "salt": with_other_salt,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_even_the_node_cannot_sign_another_entry_into_its_log(
    made: Made, change: Callable[[dict[str, Any]], None]
) -> None:
    verify_pack(io.BytesIO(line_changed(made, lambda _: None)), made.fingerprint)

    refused(line_changed(made, change), made.fingerprint)


def test_the_command_tells_what_it_found(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(made.pack)

    assert main([str(pack), "--trust", made.fingerprint, "--witnesses", "0"]) == 0
    told = capsys.readouterr().out
    assert "NOT PROVED" not in told
    assert told.endswith("VERIFIES / UNVERSEHRT\n")
    assert main([str(pack), "--witnesses", "0"]) == 21
    told = capsys.readouterr().out
    assert "  - Whose keys these are. Ask the node's operator" in told
    assert "VERIFIES" not in told
    assert main([str(pack), "--trust", "0" * 64]) == 20
    english, german = capsys.readouterr().out.splitlines()
    assert english.startswith("DOES NOT VERIFY: the pack is signed by another key")
    assert german.startswith("NICHT UNVERSEHRT: das Paket ist mit einem anderen")
    assert main([str(tmp_path / "none.zip"), "--lang", "de"]) == 22
    assert capsys.readouterr().out == "nicht lesbar: die Datei gibt es nicht\n"


def test_each_reason_of_a_refusal_is_said_in_german_too() -> None:
    tree = ast.parse(Path(verify.__file__).read_text())
    reasons, whats = set[str](), set[str]()
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    places = {"PackError": (reasons, 0), "_count": (reasons, 1), "_only": (whats, 1)}
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id in places:
            found, at = places[call.func.id]
            text = call.args[at]
            assert not isinstance(text, ast.JoinedStr), ast.unparse(call)
            if isinstance(text, ast.Constant):
                found.add(str(text.value))
    whats = {each for each in whats if not each.endswith(".json")}
    strerror = {os.strerror(each) for each in (ENOENT, EACCES, EISDIR)}

    assert len(reasons) > 60
    assert reasons | whats | strerror == set(_GERMAN)
    fields = re.compile(r"{\w+}")
    for english, german in _GERMAN.items():
        assert set(fields.findall(english)) == set(fields.findall(german))


@given(st.binary(max_size=300))
def test_junk_is_refused_as_junk(junk: bytes) -> None:
    refused(junk)


def test_a_checksum_of_another_content_is_refused() -> None:
    assert "has changed" in refused(local_header(b"checkpoint", 1, 0))
