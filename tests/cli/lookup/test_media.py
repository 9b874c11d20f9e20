# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import as_nobody

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

PICTURE = Path(__file__).parents[3] / "cli/fedsafe_cli/data/demo/valley.png"
WHERE = ("--surface", "public_content")


def test_a_picture_has_five_digests(run: "Run") -> None:
    outcome = run("hash", "--json", str(PICTURE))

    (entry,) = outcome.document["files"]
    assert outcome.status == 0
    assert entry["sha256"] == hashlib.sha256(PICTURE.read_bytes()).hexdigest()
    assert {"sha256", "sha1", "md5", "blake3", "pdq"} < set(entry)
    assert entry["size"] == PICTURE.stat().st_size


def test_a_text_has_four_digests_a_line_each(run: "Run", tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_bytes(b"abc")
    outcome = run("hash", str(file))

    assert f"md5:900150983cd24fb0d6963f7d28e17f72  {file}" in outcome.out.splitlines()
    assert len(outcome.out.splitlines()) == 4


def test_a_damaged_picture_still_has_its_exact_digests(
    run: "Run", tmp_path: Path
) -> None:
    file = tmp_path / "cut.png"
    file.write_bytes(PICTURE.read_bytes()[:500])
    outcome = run("hash", "--json", str(file))

    (entry,) = outcome.document["files"]
    assert outcome.status == 5
    assert entry["picture_unread"]["code"] == "picture_damaged"
    assert entry["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert "pdq" not in entry


def test_a_file_is_one_lookup_with_all_its_digests(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows()
    outcome = ask("match", *WHERE, str(PICTURE))

    assert outcome.status == 0
    ((target, body),) = node.asked
    assert target == "POST /v1/lookup"
    assert (body["purpose"], body["surface"]) == ("media_matching", "public_content")
    kinds = [question["kind"] for question in body["questions"]]
    assert kinds == ["sha256", "sha1", "md5", "blake3", "pdq"]
    assert len(body["questions"][-1]["value"]) == 8 * 64


def test_any_digest_that_is_listed_is_a_match(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "listed"
    file.write_bytes(b"abc")
    node.knows("a9993e364706816aba3e25717850c26c9cd0d89d")
    outcome = ask("match", *WHERE, "--json", str(PICTURE), str(file))

    assert outcome.status == 10
    answers = outcome.document["answers"]
    assert [entry["result"] for entry in answers] == ["none", "review"]
    assert [entry["file"] for entry in answers] == [str(PICTURE), str(file)]


@pytest.mark.parametrize("command", ["hash", "match"])
def test_odd_files_have_their_own_fault_and_cost_no_other(
    ask: "Run", node: "FakeNode", tmp_path: Path, command: str
) -> None:
    node.knows()
    os.mkfifo(tmp_path / "pipe")
    odd = tmp_path / "new\nline"
    odd.write_bytes(b"x")
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    Path(strange).write_bytes(b"y")
    files = ["/dev/null", str(tmp_path / "pipe"), str(tmp_path / "none"), "a\0b"]
    where = WHERE if command == "match" else ()
    outcome = ask(command, *where, "--json", *files, str(odd), strange)

    assert outcome.status == 5
    entries = outcome.document["files" if command == "hash" else "answers"]
    codes = [entry.get("problem", {}).get("code") for entry in entries]
    assert codes == ["no_file", "no_file", "unreadable", "unreadable", None, None]
    assert entries[4]["file"].endswith("new\\nline")
    assert entries[5]["file"].endswith("\\xff\\xfe")


def test_an_empty_file_is_asked_about_by_nobody(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "empty"
    file.touch()
    outcome = ask("match", *WHERE, str(file))

    assert outcome.status == 5
    assert "the file is empty" in outcome.err
    assert node.asked == []


def test_a_file_of_somebody_else_is_unreadable(run: "Run", tmp_path: Path) -> None:
    file = tmp_path / "locked"
    file.touch(mode=0)
    run("hash", str(PICTURE))  # root's modules are loaded with root's rights
    with as_nobody():
        outcome = run("hash", str(file))

    assert outcome.status == 5
    assert "Permission denied" in outcome.err


def test_every_file_is_told_about_when_the_node_is_gone(
    run: "Run", short_path: Path
) -> None:
    (short_path / "node.toml").touch()
    options = ("--config", str(short_path), *WHERE, "--json")
    outcome = run("match", *options, str(PICTURE), str(PICTURE))

    assert outcome.status == outcome.document["exit_status"] == 4
    results = [entry["result"] for entry in outcome.document["answers"]]
    assert results == ["unreachable"] * 2


def test_nobody_matches_files_without_saying_where(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows()
    outcome = ask("match", str(PICTURE))

    assert outcome.status == 2
    assert "--surface" in outcome.err
    assert node.asked == []


def test_a_file_that_is_asked_about_again_is_the_same_for_the_node(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    file, copy = tmp_path / "a.bin", tmp_path / "b.bin"
    file.write_bytes(b"alike")
    copy.write_bytes(b"alike")
    for path in (file, file, copy):
        ask("match", *WHERE, str(path))
    file.write_bytes(b"alike")
    os.utime(file, ns=(1, 1))
    ask("match", *WHERE, str(file))

    first, again, other, later = (body["subject_ref"] for _, body in node.asked)
    assert first == again
    assert first.startswith("file-")
    assert len({first, other, later}) == 3
    assert "a.bin" not in json.dumps(node.asked)


def test_whose_the_files_are_is_said_of_files_and_lists(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    listing = tmp_path / "list"
    digest = "ab" * 32
    listing.write_text(
        f"sha256:{digest}\n" + json.dumps({"sha256": digest, "subject_ref": "u-2"})
    )
    whose = ("--subject-ref", "u-1")
    ask("match", *WHERE, *whose, str(PICTURE))
    ask("match", *WHERE, *whose, "--list", str(listing))
    wrong = ask("match", *WHERE, "--subject-ref", "no account", str(PICTURE))

    (single,) = node.asked_of("POST /v1/lookup")
    (columns,) = node.asked_of("POST /v1/match")
    assert single["subject_ref"] == "u-1"
    assert [each["subject_refs"] for each in columns["columns"]] == [["u-1", "u-2"]]
    assert (wrong.status, "out of form" in wrong.err) == (5, True)


def test_people_name_no_account_that_they_do_not_say(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    node.knows()
    key = tmp_path / "anna.key"
    key.write_text("fs1_" + "a" * 43)
    key.chmod(0o600)
    outcome = ask("match", *WHERE, "--credential", str(key), str(PICTURE))

    assert outcome.status == 0, outcome.err
    assert "subject_ref" not in node.asked[0][1]
