# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import os
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_federation.errors import MediaError
from fedsafe_federation.media.pdq import (
    ORIENTATIONS,
    THRESHOLD,
    Orientation,
    PdqHash,
    TurnedPdq,
    are_orientations,
    hamming_distance,
    orientations_of,
    pdq_hash,
    pdq_turned,
)
from fedsafe_federation.media.pictures import picture_pdq

VECTORS = Path(__file__).parent.parent / "vectors"
CASES = json.loads((VECTORS / "pdq.json").read_text())
BRIDGE_MODS = Path(os.environ.get("FEDSAFE_DATA", "/nonexistent"), "bridge-mods")

digests = st.binary(min_size=32, max_size=32)


@cache
def pictures() -> dict[str, Any]:
    # Drawn by the first test that needs them: every worker collects this file.
    made = runpy.run_path(str(VECTORS / "make_pdq_vectors.py"))["draw_pictures"]()
    return cast("dict[str, Any]", made)


def names(cases: list[dict[str, str]]) -> list[str]:
    return [case["comment"] for case in cases]


@pytest.mark.parametrize("case", CASES["drawn"], ids=names(CASES["drawn"]))
def test_drawn_pictures_hash_as_the_reference_does(case: dict[str, str]) -> None:
    pixels = pictures()[case["comment"]]

    assert hashlib.sha256(pixels.tobytes()).hexdigest() == case["pixels_sha256"]
    assert pdq_hash(pixels) == PdqHash.from_hex(case["hash"], int(case["quality"]))


@pytest.mark.parametrize("case", CASES["drawn"], ids=names(CASES["drawn"]))
def test_turned_pictures_hash_as_the_reference_does(case: dict[str, Any]) -> None:
    found = pdq_turned(pictures()[case["comment"]])

    expected = [case["hash"], *case["turned"]]
    assert [digest.hex() for digest in found.digests] == expected
    assert found.quality == case["quality"]
    assert found.original.hex == case["hash"]
    assert found.hex == "".join(expected)


# What was done to the listed picture, one line of numpy each.
LIES = {
    Orientation.ORIGINAL: lambda listed: listed,
    Orientation.ROTATED_90: lambda listed: np.rot90(listed, -1),
    Orientation.ROTATED_180: lambda listed: np.rot90(listed, 2),
    Orientation.ROTATED_270: lambda listed: np.rot90(listed, 1),
    Orientation.MIRRORED_TOP_BOTTOM: lambda listed: listed[::-1],
    Orientation.MIRRORED_LEFT_RIGHT: lambda listed: listed[:, ::-1],
    Orientation.MIRRORED_ROTATED_270: lambda listed: np.rot90(listed[:, ::-1], 1),
    Orientation.MIRRORED_ROTATED_90: lambda listed: np.rot90(listed[:, ::-1], -1),
}


@pytest.mark.parametrize("orientation", Orientation)
def test_an_orientation_is_named_for_what_was_done_to_the_listed_picture(
    orientation: Orientation,
) -> None:
    listed = pictures()["discs, landscape"]
    asked = pdq_turned(LIES[orientation](listed))
    goal = pdq_hash(listed).digest
    distances = [hamming_distance(goal, digest) for digest in asked.digests]

    place = ORIENTATIONS.index(orientation)
    assert distances.pop(place) <= THRESHOLD < min(distances)


@pytest.mark.parametrize("name", [n for n in names(CASES["drawn"]) if "discs" in n])
def test_the_eight_digests_of_a_picture_are_told_from_those_of_several(
    name: str,
) -> None:
    pixels = pictures()[name]
    whole = pdq_turned(pixels).digests
    files = [pdq_hash(LIES[each](pixels)).digest for each in Orientation]
    files[1], files[3] = files[3], files[1]  # put back from lying so

    assert are_orientations(whole)
    assert are_orientations(files)
    for place in range(8):
        strange = [*whole]
        strange[place] = hashlib.sha256(strange[place]).digest()
        assert not are_orientations(strange)
    assert not are_orientations(whole[:7])
    assert not are_orientations([whole[0]] * 8)


@given(digests)
def test_the_orientations_of_a_digest_turn_into_each_other(digest: bytes) -> None:
    lying = orientations_of(digest)

    assert lying[0] == digest
    assert orientations_of(lying[1])[3] == orientations_of(lying[3])[1] == digest
    for place in (2, 4, 5, 6, 7):
        assert orientations_of(lying[place])[place] == digest
    assert are_orientations(lying)


@pytest.mark.parametrize(
    "digests", [(bytes(32),) * 7, (bytes(32),) * 9, (bytes(32),) * 7 + (bytes(31),)]
)
def test_eight_whole_digests_or_none(digests: tuple[bytes, ...]) -> None:
    with pytest.raises(MediaError):
        TurnedPdq(digests, 100)


def test_every_drawn_picture_has_its_vector() -> None:
    assert names(CASES["drawn"]) == list(pictures())


def test_reference_puts_every_altered_copy_within_the_threshold() -> None:
    original, *copies = (bytes.fromhex(case["hash"]) for case in CASES["bridge_mods"])
    distances = [hamming_distance(original, copy) for copy in copies]

    assert distances == [2, 4, 6, 2, 4, 12, 2, 16, 10, 12, 8]
    assert max(distances) <= THRESHOLD


if BRIDGE_MODS.is_dir():

    @pytest.mark.parametrize(
        "case", CASES["bridge_mods"], ids=names(CASES["bridge_mods"])
    )
    def test_photographs_hash_as_the_reference_does(case: dict[str, str]) -> None:
        with (BRIDGE_MODS / case["comment"]).open("rb") as file:
            actual = picture_pdq(file)

        assert actual == PdqHash.from_hex(case["hash"], int(case["quality"]))


def test_layout_of_the_array_does_not_matter() -> None:
    pixels = pictures()["discs, landscape"]
    upside = np.asfortranarray(pixels[::-1])[::-1]

    assert pdq_hash(upside) == pdq_hash(pixels)


def test_grey_array_hashes_as_luma() -> None:
    grey = pictures()["discs, landscape"][:, :, 0]
    as_rgb = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    distance = hamming_distance(pdq_hash(grey).digest, pdq_hash(as_rgb).digest)

    assert distance <= 2


def test_plain_pictures_are_not_usable() -> None:
    usable = {name for name, pixels in pictures().items() if pdq_hash(pixels).usable}

    assert {"flat", "black", "one corner lit", "too small"}.isdisjoint(usable)
    assert {"discs, landscape", "coarse blocks", "fine noise"} <= usable


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((9, 9, 4), np.uint8),
        np.zeros(9, np.uint8),
        np.zeros((9, 9, 3), np.float32),
    ],
    ids=["four channels", "one axis", "floats"],
)
def test_other_arrays_are_a_programming_mistake(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="wanted"):
        pdq_hash(pixels)


@given(digests, st.integers(0, 100))
def test_hex_form_round_trips(digest: bytes, quality: int) -> None:
    value = PdqHash(digest, quality)

    assert PdqHash.from_hex(value.hex, quality) == value
    assert PdqHash.from_hex(value.hex.upper(), quality) == value


@given(st.text(max_size=70) | st.text("0123456789abcdef \n", min_size=63, max_size=66))
def test_junk_is_no_hash(text: str) -> None:
    if len(text) == 64 and text.isalnum():
        return
    with pytest.raises(MediaError):
        PdqHash.from_hex(text, 100)


@pytest.mark.parametrize("quality", [-1, 101])
def test_quality_out_of_range_is_refused(quality: int) -> None:
    with pytest.raises(MediaError):
        PdqHash(bytes(32), quality)


@given(digests, digests)
def test_distance_counts_differing_bits(one: bytes, other: bytes) -> None:
    expected = sum(
        (a >> bit & 1) != (b >> bit & 1)
        for a, b in zip(one, other, strict=True)
        for bit in range(8)
    )

    assert hamming_distance(one, other) == expected == hamming_distance(other, one)


def test_distance_of_other_lengths_is_refused() -> None:
    with pytest.raises(MediaError):
        hamming_distance(bytes(32), bytes(31))


def test_numpy_is_loaded_only_for_a_picture() -> None:
    loaded = (
        "import sys, fedsafe_federation.media.pictures\n"
        "print([name for name in ('numpy', 'PIL') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, check=True, text=True
    )

    assert run.stdout.strip() == "[]"
