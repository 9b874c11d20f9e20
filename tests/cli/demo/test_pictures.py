# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import fedsafe_cli
from fedsafe_federation.media.pdq import THRESHOLD, PdqHash, hamming_distance
from fedsafe_federation.media.pictures import picture_pdq

FOLDER = Path(fedsafe_cli.__file__).parent / "data" / "demo"
PICTURES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".md")


def hashed(path: Path) -> PdqHash:
    with path.open("rb") as file:
        return picture_pdq(file)


def test_altered_copies_match_and_other_pictures_do_not() -> None:
    original = hashed(FOLDER / "valley.png").digest
    near = {
        path.name
        for path in PICTURES
        if hamming_distance(hashed(path).digest, original) <= THRESHOLD
    }

    assert near == {path.name for path in PICTURES if path.name.startswith("valley")}
    assert {path.name for path in PICTURES} - near == {"coast.png", "shapes.png"}


def test_every_picture_is_usable() -> None:
    assert all(hashed(path).usable for path in PICTURES)


def test_pictures_stay_small_and_documented() -> None:
    readme = (FOLDER / "README.md").read_text()

    assert sum(path.stat().st_size for path in PICTURES) < 300_000
    assert all(f"`{path.name}`" in readme for path in PICTURES)
