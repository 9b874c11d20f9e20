# SPDX-License-Identifier: Apache-2.0
r"""Write the lists of harmless media that come with FedSafe, always the same.

Trivial files are spelled out here. Plain pictures, blank or in two colours, are drawn
and hashed in the sizes that pictures have on their way; those with a number of set bits
that no real picture has are left out, for the span of set bits refuses them. Icons come
out of a folder of theirs, of which digests alone are kept.

    python benchmarks/list_harmless_media.py --icons DIR \
        >policies/fedsafe_policies/data/harmless_media.toml

The icons are those of 32 pixels of Debian's `tango-icon-theme` 0.9.0-1 (CC0-1.0; one
file of another licence is left out). `python -m tests.campaigns.pictures` measures what
the lists do to real pictures.
"""

import argparse
import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fedsafe_federation.media.digests import digest_stream
from fedsafe_federation.media.pdq import pdq_hash
from fedsafe_federation.media.pictures import picture_pdq

LICENCE: Final = "SPDX-License-Identifier" + ": Apache-2.0"  # no head of this file
DATED: Final = "2026-11-30"
VERSION: Final = 1
REAL: Final = 128
"""Set bits of nearly every real picture: half of all frequencies."""
MARGIN: Final = 16
"""Twice as far from that as any real picture that was measured."""
SIDES: Final = (64, 100, 128, 200, 256, 300, 400, 500, 512, 600, 800, 1024)
OTHER_LICENCE: Final = frozenset({"application-pdf.png"})  # LGPL-2.1

Plane: TypeAlias = NDArray[np.float64]

_PIXELS: Final = (
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
    "R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==",
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAEALAAAAAABAAEAAAICTAEAOw==",
    "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==",
    "R0lGODlhAQABAAD/ACwAAAAAAQABAAACADs=",
    "R0lGODlhAQABAIAAAP///////yH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==",
    "R0lGODlhAQABAPAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==",
    "R0lGODlhAQABAIABAP///wAAACwAAAAAAQABAAACAkQBADs=",
    "R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs=",
    (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA"
        "60e6kgAAAABJRU5ErkJggg=="
    ),
    (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB"
        "0C8AAAAASUVORK5CYII="
    ),
    (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGA"
        "hKmMIQAAAABJRU5ErkJggg=="
    ),
    (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/"
        "PchI7wAAAABJRU5ErkJggg=="
    ),
    (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen6"
        "3NgAAAAASUVORK5CYII="
    ),
)
"""Pictures of one pixel as pages carry them, in base64."""


def trivial_files() -> Iterator[bytes]:
    """Spell out files that say nothing and lie everywhere."""
    yield b""
    yield from (bytes([byte]) for byte in b"\0\t\n\r 0123456789\xff")
    yield from (b"\r\n", b"\n\n", b"\r\n\r\n", b"  ", b"\0\0", b"00", b"ok", b"OK")
    yield from (b"{}", b"[]", b'""', b"{}\n", b"[]\n", b"null", b"true", b"false")
    yield from (
        b"null\n",
        b"true\n",
        b"false\n",
        b"0\n",
        b"1\n",
        b"-1",
        b"NULL",
        b"None",
    )
    yield from (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"test", b"test\n", b"a\n")
    for size in (512, 1000, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 1 << 20):
        yield bytes(size)
        yield b"\xff" * size
    yield b"PK\x05\x06" + bytes(18)  # a ZIP file without members
    yield bytes(10_240)  # a tar file without members
    yield bytes.fromhex("1f8b080000000000000303000000000000000000")  # gzip of nothing
    for pixel in _PIXELS:
        yield base64.b64decode(pixel)


def plain_pictures(side: int) -> Iterator[Plane]:
    """Draw what is blank or has two colours, from black (0) to white (1)."""
    rows, columns = np.mgrid[:side, :side] / side
    yield np.zeros((side, side))
    for parts in (2, 3, 4):
        for part in range(1, parts):
            yield from (columns < part / parts, rows < part / parts)
    for number in (2, 3, 4, 5, 6, 8, 10, 12, 16, 32):
        across, down = np.floor(columns * number) % 2, np.floor(rows * number) % 2
        yield from (across, down, (across + down) % 2)
    yield from (columns < rows, columns + rows < 1)
    for width in (0.02, 0.05, 0.1, 0.2):
        inner = (np.abs(columns - 0.5) < 0.5 - width) & (
            np.abs(rows - 0.5) < 0.5 - width
        )
        yield inner
    for radius in (0.1, 0.2, 0.25, 0.3, 0.4, 0.5):
        yield np.hypot(columns - 0.5, rows - 0.5) < radius
        yield np.maximum(np.abs(columns - 0.5), np.abs(rows - 0.5)) < radius
    yield (np.abs(columns - 0.5) < 0.1) | (np.abs(rows - 0.5) < 0.1)
    yield from (columns, rows, (columns + rows) / 2)


def plain_hashes() -> set[str]:
    """Hash the plain pictures, light on dark and dark on light."""
    found: set[str] = set()
    for side in SIDES:
        for plane in plain_pictures(side):
            for shown in (plane, 1 - np.asarray(plane, float)):
                samples = (np.asarray(shown, float) * 255).astype(np.uint8)
                digest = pdq_hash(samples).digest
                if is_possible(digest):
                    found.add(digest.hex())
    return found


def is_possible(digest: bytes) -> bool:
    """Whether a real picture may have so many set bits."""
    return abs(int.from_bytes(digest).bit_count() - REAL) <= MARGIN


def digests_of(content: bytes) -> Iterator[str]:
    """Write the digests of a file's bytes as entries."""
    for kind, digest in digest_stream(io.BytesIO(content)).by_kind().items():
        yield f"{kind.name.lower()}:{digest.hex()}"


def icons(folder: Path) -> list[bytes]:
    """Read the icons of a folder."""
    paths = (path for path in folder.rglob("*.png") if path.is_file())
    return [path.read_bytes() for path in paths if path.name not in OTHER_LICENCE]


def write(name: str, kind: str, match: str, source: str, entries: set[str]) -> None:
    """Print one list."""
    print(f"\n[lists.{name}]")
    print(f'kind = "{kind}"\nmatch = "{match}"\nversion = {VERSION}')
    print(f'source = "{source}"\nlicence = "CC0-1.0"\nentries = [')
    for entry in sorted(entries):
        print(f'  "{entry}",')
    print("]")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--icons", type=Path, required=True)
    found = icons(options.parse_args().icons)
    looks = [picture_pdq(io.BytesIO(icon)) for icon in found]
    print(
        f"# {LICENCE}\n"
        "# Files that are evidence of nothing (rule P17): digests, and no picture.\n"
        "# Written by benchmarks/list_harmless_media.py; a provider's own file of the\n"
        "# form of do_not_share.toml adds lists. They apply under every policy.\n"
        "#\n"
        "# kind and match: file, digest    KIND:DIGEST of a file's bytes\n"
        "#                 pdq, near       a picture's PDQ; up to 31 bits away\n"
        "#                 pdq, set_bits   numbers of set bits that no picture has\n"
        f"\nformat = 1\ndated = {DATED}"
    )
    trivial = {entry for file in trivial_files() for entry in digests_of(file)}
    source = "Spelled out in benchmarks/list_harmless_media.py"
    write("trivial_files", "file", "digest", source, trivial)
    source = "Drawn by benchmarks/list_harmless_media.py: blank, and in two colours"
    write("plain_pictures", "pdq", "near", source, plain_hashes())
    source = (
        "Measured by tests/campaigns/pictures.py; docs/reference/media.md derives it"
    )
    spans = {f"0-{REAL - MARGIN - 1}", f"{REAL + MARGIN + 1}-256"}
    write("impossible_pdq", "pdq", "set_bits", source, spans)
    source = "Debian package tango-icon-theme 0.9.0-1, icons of 32 pixels"
    digests = {entry for icon in found for entry in digests_of(icon)}
    write("system_icons", "file", "digest", source, digests)
    usable = {look.hex for look in looks if look.usable and is_possible(look.digest)}
    write("system_icons_pdq", "pdq", "near", source, usable)


if __name__ == "__main__":
    main()
