# SPDX-License-Identifier: Apache-2.0
"""`fedsafe do-not-share` on files: what is listed, and how a provider adds to it."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_policies.documents.do_not_share import load_lists, shipped_lists
from fedsafe_policies.vocabulary import MediaKind

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SHA: Final = hashlib.sha256(b"our icon").hexdigest()
PDQ: Final = "a5" * 32
HASHED: Final = (
    f"sha256:{SHA}  icon.png\npdq:{PDQ}  icon.png\npdq_turned:{PDQ * 8}  icon.png\n"
).encode()
ADD: Final = ("do-not-share", "add", "our_icons", "--source", "our pages")


def test_the_shipped_lists_are_told_with_their_provenance(run: "Run") -> None:
    listed = json.loads(run("do-not-share", "list", "--json").out)["lists"]
    shown = run("do-not-share", "show", "trivial_files")
    (trivial,) = [each for each in listed if each["name"] == "trivial_files"]
    empty = f"sha256:{hashlib.sha256(b'').hexdigest()}"

    assert {each["name"] for each in listed} == set(shipped_lists().lists)
    assert trivial["licence"] == "CC0-1.0"
    assert trivial["digest"] in shown.out
    assert empty in shown.out.splitlines()
    assert not any(each["own"] for each in listed)


def test_what_hash_prints_is_added_and_loads(run: "Run", tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    tried = run(*ADD, "--file", str(path), "--dry-run", stdin=HASHED)
    nothing = path.exists()
    added = run(*ADD, "--file", str(path), stdin=HASHED)
    again = run(*ADD, "--file", str(path), stdin=HASHED)
    lists = load_lists(path.read_bytes(), shipped_lists())
    show = ("do-not-share", "show", "our_icons_pdq", "--lang", "de")
    told = run(*show, "--file", str(path))

    assert [each.status for each in (tried, added, again, told)] == [0] * 4
    assert not nothing
    assert "2 entries added" in added.out
    assert "fedsafe policy propose" in added.err
    assert "0 entries added" in again.out
    assert lists.find_file(MediaKind.SHA256, bytes.fromhex(SHA)) == "our_icons"
    assert lists.find_file(MediaKind.PDQ, bytes.fromhex(PDQ)) == "our_icons_pdq"
    assert "eigene Liste" in told.out
    assert PDQ in told.out


def test_more_entries_keep_what_people_wrote(run: "Run", tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    run(*ADD, "--file", str(path), stdin=HASHED)
    path.write_text(path.read_text().replace("entries = [", "# why\nentries = [", 1))
    more = hashlib.sha256(b"another").hexdigest()
    done = run(*ADD, "--file", str(path), stdin=f"sha256:{more}\n".encode())
    listed = load_lists(path.read_bytes(), shipped_lists()).lists

    assert done.status == 0
    assert "# why" in path.read_text()
    assert listed["our_icons"].entries == {f"sha256:{SHA}", f"sha256:{more}"}
    assert (listed["our_icons"].version, listed["our_icons_pdq"].version) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (ADD, b"sha256:ab\n", "line 1: no digest"),
        (ADD, b"info@example.org\n", "line 1: no digest"),
        (ADD, f"sha1:{SHA}\n".encode(), "40 lower-case"),
        (ADD, b"\n", "empty"),
        ((*ADD[:2], "trivial_files", *ADD[3:]), HASHED, "loosens"),
        ((*ADD[:2], "No Name", *ADD[3:]), HASHED, "our_icons"),
        ((*ADD[:4], "two\nlines"), HASHED, "on one line"),
    ],
)
def test_what_does_not_fit_writes_nothing(
    run: "Run", tmp_path: Path, arguments: tuple[str, ...], stdin: bytes, told: str
) -> None:
    path = tmp_path / "ours.toml"
    done = run(*arguments, "--file", str(path), stdin=stdin)

    assert done.status is ExitStatus.BAD_INPUT
    assert told in done.err
    assert list(tmp_path.iterdir()) == []


def test_another_source_takes_another_list(run: "Run", tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    run(*ADD, "--file", str(path), stdin=HASHED)
    before = path.read_bytes()
    more = f"sha256:{hashlib.sha256(b'another').hexdigest()}\n".encode()
    other = (*ADD[:4], "somebody", "--file", str(path))
    done = run(*other, stdin=more)
    missing = run("do-not-share", "show", "nothing", "--file", str(path))

    assert (done.status, missing.status) == (ExitStatus.BAD_INPUT,) * 2
    assert "another source" in done.err
    assert "our_icons" in missing.err
    assert path.read_bytes() == before


def test_what_was_added_is_taken_out_again(run: "Run", tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    run(*ADD, "--file", str(path), stdin=HASHED)
    text = path.read_text().replace("entries = [", "# why\nentries = [", 1)
    path.write_text(text.replace(f'"{PDQ}",\n', f'"{PDQ}", "{"b6" * 32}"'))
    remove = ("do-not-share", "remove", "our_icons", "--file", str(path))
    before = path.read_bytes()
    tried = run(*remove, "--dry-run", "--json", stdin=HASHED)
    unchanged = path.read_bytes() == before
    done = run(*remove, "--lang", "de", stdin=HASHED)
    again = run(*remove, stdin=HASHED)
    lists = load_lists(path.read_bytes(), shipped_lists())

    assert [each.status for each in (tried, done, again)] == [0] * 3
    assert json.loads(tried.out)["removed"] == 2
    assert unchanged
    assert "2 Einträge aus" in done.out
    assert "fedsafe policy propose" in done.err
    assert "0 entries taken out" in again.out
    assert "# why" in path.read_text()
    assert lists.lists["our_icons"].entries == frozenset()
    assert lists.lists["our_icons_pdq"].entries == {"b6" * 32}
    assert lists.lists["our_icons_pdq"].version == 2
    assert lists.find_file(MediaKind.SHA256, bytes.fromhex(SHA)) is None


def test_shipped_entries_are_not_taken_out(run: "Run", tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    run(*ADD, "--file", str(path), stdin=HASHED)
    before = path.read_bytes()
    remove = ("do-not-share", "remove", "trivial_files", "--file", str(path))
    done = run(*remove, stdin=HASHED)

    assert done.status is ExitStatus.BAD_INPUT
    assert "of your own" in done.err
    assert path.read_bytes() == before
