# SPDX-License-Identifier: Apache-2.0

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    MalformedCheckpointError,
    MalformedKeyError,
    SignatureError,
)
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.note import VerifierKey, sign_note
from fedsafe_crypto.tlog.tree import EMPTY_ROOT, MAX_SIZE, leaf_hash

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "note.json").read_text()
)
KEY = SigningKey.from_bytes(bytes(range(32)))
VERIFIER = VerifierKey.of("a.example/feed", KEY.public)
CHECKPOINT = Checkpoint("a.example/feed", 3, leaf_hash(b"x"))
NOTE = sign_checkpoint(CHECKPOINT, KEY)
ROOT = CHECKPOINT.encode().split("\n")[2]
LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20
)


def test_the_example_of_the_specification() -> None:
    text = VECTORS["c2sp_checkpoint"].split("\n\n")[0] + "\n"

    checkpoint = Checkpoint.parse(text)

    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert checkpoint.root.hex() == (
        "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    )
    assert checkpoint.encode() == text


def test_our_signed_checkpoint_is_pinned() -> None:
    assert NOTE.decode() == VECTORS["ours"]["note"]
    assert open_checkpoint(NOTE, VERIFIER) == CHECKPOINT


@given(
    LINES,
    st.integers(0, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(LINES, max_size=3),
)
def test_a_checkpoint_round_trips(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))

    assert Checkpoint.parse(checkpoint.encode()) == checkpoint


def test_an_empty_tree_has_a_checkpoint() -> None:
    checkpoint = Checkpoint("a.example/feed", 0, EMPTY_ROOT)

    assert open_checkpoint(sign_checkpoint(checkpoint, KEY), VERIFIER) == checkpoint


@settings(max_examples=300)
@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(NOTE)
    changed[place] ^= change

    with pytest.raises(CryptoError):
        open_checkpoint(bytes(changed), VERIFIER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a\n3\n",
        f"a\n3\n{ROOT}",
        f"\n3\n{ROOT}\n",
        f"a\n03\n{ROOT}\n",
        f"a\n-3\n{ROOT}\n",
        f"a\n+3\n{ROOT}\n",
        f"a\n 3\n{ROOT}\n",
        f"a\n\u0663\n{ROOT}\n",
        f"a\n\n{ROOT}\n",
        f"a\n9223372036854775808\n{ROOT}\n",
        f"a\n{'9' * 5000}\n{ROOT}\n",
        "a\n3\nAAAA\n",
        f"a\n3\n{ROOT[:-2]}t=\n",
        f"a\n3\n{ROOT[:-1]}\n",
        f"a\n3\n {ROOT}\n",
        f"a\n3\n{ROOT}\n\n",
        f"a\n3\n{ROOT}\n\next\n",
        f"a\n3\n{ROOT}\ne\rt\n",
    ],
)
def test_other_texts_are_no_checkpoints(text: str) -> None:
    with pytest.raises(MalformedCheckpointError):
        Checkpoint.parse(text)


@given(st.text(max_size=80) | st.lists(st.text(max_size=9)).map("\n".join))
def test_junk_is_no_checkpoint(text: str) -> None:
    with pytest.raises(MalformedCheckpointError):
        Checkpoint.parse(text)


def test_a_log_cannot_speak_for_another() -> None:
    foreign = Checkpoint("b.example/feed", 3, CHECKPOINT.root).encode()

    with pytest.raises(SignatureError):
        open_checkpoint(sign_note(foreign, VERIFIER.name, KEY), VERIFIER)


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(MalformedCheckpointError):
        open_checkpoint(sign_note("hello\n", VERIFIER.name, KEY), VERIFIER)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, bytes(32), ()),
        ("a\nb", 1, bytes(32), ()),
        ("a\ud800", 1, bytes(32), ()),
        ("a", -1, bytes(32), ()),
        ("a", MAX_SIZE + 1, bytes(32), ()),
        ("a", 1, bytes(31), ()),
        ("a", 1, bytes(32), ("",)),
        ("a", 1, bytes(32), ("x\ny",)),
    ],
)
def test_what_cannot_be_written_is_refused(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    with pytest.raises(MalformedCheckpointError):
        Checkpoint(origin, size, root, extensions)


def test_an_origin_that_is_no_key_name_is_not_signed() -> None:
    with pytest.raises(MalformedKeyError):
        sign_checkpoint(Checkpoint("a log", 1, bytes(32)), KEY)
