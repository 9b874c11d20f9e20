# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import MalformedInputError
from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.tile_files import (
    CHECKPOINT,
    file_names,
    split_bundle,
    verify_files,
)
from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_crypto.tlog.tree import Frontier, leaf_hash


def files_of(entries: list[bytes]) -> tuple[Checkpoint, dict[str, bytes]]:
    """Write a log by the letter of the specification, another way than the code."""
    files: dict[str, bytes] = {}
    row, level = [leaf_hash(entry) for entry in entries], 0
    root = Frontier()
    root.extend(row)
    while row:
        parents: list[bytes] = []
        for at in range(0, len(row), TILE_WIDTH):
            part, suffix = row[at : at + TILE_WIDTH], ""
            if len(part) < TILE_WIDTH:
                suffix = f".p/{len(part)}"
            else:
                parent = Frontier()
                parent.extend(part)
                parents.append(parent.root())
            number = f"{at // TILE_WIDTH:03}{suffix}"
            files[f"tile/{level}/{number}"] = b"".join(part)
            if level == 0:
                files[f"tile/entries/{number}"] = b"".join(
                    len(entry).to_bytes(2) + entry
                    for entry in entries[at : at + TILE_WIDTH]
                )
        row, level = parents, level + 1
    checkpoint = Checkpoint("a.demo/log", len(entries), root.root())
    files[CHECKPOINT] = checkpoint.encode().encode()
    return checkpoint, files


@settings(max_examples=25)
@given(st.integers(0, 700))
def test_the_files_of_any_log_verify_and_are_all_named(size: int) -> None:
    checkpoint, files = files_of([b"%d" % place for place in range(size)])

    verify_files(checkpoint, files.__getitem__)
    assert set(file_names(size)) == set(files)


@given(st.data())
def test_a_changed_byte_is_found(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([1, 3, 256, 257, 520]))
    checkpoint, files = files_of([b"entry %d" % place for place in range(size)])
    name = data.draw(st.sampled_from(sorted(set(files) - {CHECKPOINT})))
    at = data.draw(st.integers(0, len(files[name]) - 1))
    bad = bytearray(files[name])
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    changed = files | {name: bytes(bad)}

    with pytest.raises(MalformedInputError):
        verify_files(checkpoint, changed.__getitem__)


def test_a_shorter_or_longer_tile_is_found() -> None:
    checkpoint, files = files_of([b"x"] * 300)
    for name in set(files) - {CHECKPOINT}:
        for content in (files[name][:-1], files[name] + bytes(32)):
            changed = files | {name: content}

            with pytest.raises(MalformedInputError):
                verify_files(checkpoint, changed.__getitem__)


@given(st.lists(st.binary(max_size=9), max_size=9), st.binary(max_size=9))
def test_a_bundle_splits_into_its_entries_or_is_refused(
    entries: list[bytes], junk: bytes
) -> None:
    bundle = b"".join(len(entry).to_bytes(2) + entry for entry in entries)
    assert list(split_bundle(bundle)) == entries
    try:
        found = list(split_bundle(junk))
    except MalformedInputError:
        return

    assert b"".join(len(entry).to_bytes(2) + entry for entry in found) == junk


@given(st.integers(257, 700), st.data())
def test_a_pruned_log_verifies_and_a_changed_byte_is_found(
    size: int, data: st.DataObject
) -> None:
    checkpoint, files = files_of([b"%d" % place for place in range(size)])
    minimum = (size - 1) // TILE_WIDTH * TILE_WIDTH
    names = list(file_names(size, minimum=minimum))
    left = {name: files[name] for name in names}
    verify_files(checkpoint, left.__getitem__, minimum=minimum)
    name = data.draw(st.sampled_from(sorted(set(left) - {CHECKPOINT})))
    bad = bytearray(left[name])
    bad[data.draw(st.integers(0, len(bad) - 1))] ^= 1
    changed = left | {name: bytes(bad)}

    assert len(files) - len(left) == minimum // TILE_WIDTH
    with pytest.raises(MalformedInputError):
        verify_files(checkpoint, changed.__getitem__, minimum=minimum)


def test_a_root_that_is_no_longer_the_tree_is_refused() -> None:
    checkpoint, files = files_of([b"a", b"b"])
    other = Checkpoint(checkpoint.origin, 2, leaf_hash(b"a"))

    with pytest.raises(MalformedInputError, match="the entries"):
        verify_files(other, files.__getitem__)
