# SPDX-License-Identifier: Apache-2.0
import io
import runpy
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fedsafe_federation.errors import MediaError, MediaFault
from fedsafe_federation.media.pdq import THRESHOLD, hamming_distance, pdq_hash
from fedsafe_federation.media.pictures import (
    FORMATS,
    MOST_BYTES,
    MOST_PIXELS,
    MOST_SIDE,
    decode_picture,
    picture_pdq,
    picture_turned,
)

ROWS, COLUMNS = 90, 120
VECTORS = Path(__file__).parent.parent / "vectors"
DISCS = runpy.run_path(str(VECTORS / "make_pdq_vectors.py"))

MEASURED = """
import resource, sys
from fedsafe_federation.media.pictures import picture_turned
import numpy, PIL.PngImagePlugin
from fedsafe_federation.media.pdq import pdq_turned
def peak():
    with open("/proc/self/status") as file:
        (line,) = [each for each in file if each.startswith("VmHWM")]
    return int(line.split()[1]) << 10
pdq_turned(numpy.zeros((70, 80), numpy.uint8))
before = peak()
with open(sys.argv[1], "rb") as file:
    picture_turned(file)
print(peak() - before)
"""


def drawn(shift: int = 0) -> Image.Image:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    red = (x + shift) // 24 % 2 * 200
    green = y // 17 % 2 * 180
    blue = (x + y) * 255 // (ROWS + COLUMNS)
    return Image.fromarray(np.stack([red, green, blue], 2).astype(np.uint8))


def written(picture: Image.Image, form: str, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file


def png_claiming(width: int, height: int) -> io.BytesIO:
    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99)))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b""))


def fault_of(act: Callable[[], object]) -> MediaFault:
    with pytest.raises(MediaError) as told:
        act()
    return told.value.code


class Huge(io.BytesIO):
    """A file that says it is too long; reading it would fail the test."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return MOST_BYTES + 1 if whence else super().seek(offset)

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError(f"asked for {size} bytes of a file that is too long")


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_give_the_same_samples(form: str) -> None:
    actual = decode_picture(written(drawn(), form))

    assert np.array_equal(actual, np.asarray(drawn()))


@pytest.mark.parametrize("form", FORMATS)
def test_every_named_format_is_read_and_looks_alike(form: str) -> None:
    pixels = DISCS["draw_pictures"]()["discs, landscape"]
    actual = picture_pdq(written(Image.fromarray(pixels), form))

    assert actual.usable
    assert hamming_distance(actual.digest, pdq_hash(pixels).digest) <= THRESHOLD // 2


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "YCbCr"])
def test_colour_models_become_the_reference_rgb(mode: str) -> None:
    picture = drawn().convert(mode)
    actual = decode_picture(written(picture, "TIFF"))

    assert np.array_equal(actual, np.asarray(picture.convert("RGB")))


def test_palette_with_transparency_is_read_without_a_warning() -> None:
    picture = drawn().quantize(16)
    file = written(picture, "PNG", transparency=bytes(range(16)))

    assert np.array_equal(decode_picture(file), np.asarray(picture.convert("RGB")))


def test_hidden_transparency_changes_nothing() -> None:
    picture = drawn()
    picture.putalpha(0)

    assert picture_pdq(written(picture, "PNG")) == picture_pdq(written(drawn(), "PNG"))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_upper_half(form: str) -> None:
    deep = np.asarray(drawn().convert("L")).astype(np.uint16) * 257
    file = written(Image.fromarray(deep), form)

    assert np.array_equal(decode_picture(file), deep >> 8)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_samples_without_a_known_range_are_refused(kind: type) -> None:
    file = written(Image.fromarray(np.full((9, 9), -1, kind)), "TIFF")

    assert fault_of(lambda: decode_picture(file)) is MediaFault.DEPTH


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation_counts(form: str) -> None:
    options = {"save_all": True, "lossless": True} if form != "GIF" else {}
    still = written(drawn(), form, **options)
    options["save_all"] = True
    moving = written(drawn(), form, append_images=[drawn(9), drawn(18)], **options)

    assert picture_pdq(moving) == picture_pdq(still)


def test_orientation_tag_is_ignored() -> None:
    tag = Image.Exif()
    tag[0x0112] = 6  # "turn by a quarter"
    turned = written(drawn(), "JPEG", exif=tag)

    assert picture_pdq(turned) == picture_pdq(written(drawn(), "JPEG"))


def test_file_is_read_from_its_start() -> None:
    file = written(drawn(), "PNG")
    first = picture_pdq(file)

    assert picture_pdq(file) == first


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_truncated_picture_is_refused(form: str) -> None:
    whole = written(drawn(), form).getvalue()
    file = io.BytesIO(whole[: len(whole) * 2 // 3])

    assert fault_of(lambda: picture_pdq(file)) in {
        MediaFault.DAMAGED,
        MediaFault.UNKNOWN_FORMAT,
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"<svg/>"],
    ids=["nothing", "zeros", "postscript", "svg"],
)
def test_what_is_no_picture_is_said_to_be_none(content: bytes) -> None:
    file = io.BytesIO(content)

    assert fault_of(lambda: picture_pdq(file)) is MediaFault.UNKNOWN_FORMAT


@pytest.mark.parametrize("side", [8192 + 1, 12_000, 60_000])
def test_claimed_size_is_refused_before_decoding(side: int) -> None:
    file = png_claiming(side, side)

    assert side * side > MOST_PIXELS
    assert fault_of(lambda: picture_pdq(file)) is MediaFault.TOO_LARGE


@pytest.mark.parametrize("sides", [(MOST_SIDE + 1, 5), (5, MOST_SIDE + 1)])
def test_a_longer_strip_is_refused_before_decoding(sides: tuple[int, int]) -> None:
    file = png_claiming(*sides)
    assert fault_of(lambda: picture_turned(file)) is MediaFault.TOO_LONG


@pytest.mark.parametrize("sides", [(MOST_SIDE, 5), (5, MOST_SIDE), (512, MOST_SIDE)])
def test_the_longest_strips_take_their_pixels_memory_and_little_more(
    sides: tuple[int, int], tmp_path: Path
) -> None:
    width, height = sides
    Image.new("L", sides, 7).save(tmp_path / "strip.png", compress_level=1)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path / "strip.png"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) < width * height * 16 + (128 << 20)


@pytest.mark.parametrize("hashed", [picture_pdq, picture_turned])
def test_a_machine_with_too_little_memory_says_that_it_is_too_large(
    hashed: Callable[[io.BytesIO], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(_: object) -> None:
        raise MemoryError

    for name in ("pdq_hash", "pdq_turned"):
        monkeypatch.setattr(f"fedsafe_federation.media.pictures.{name}", exhausted)
    file = written(drawn(), "PNG")
    assert fault_of(lambda: hashed(file)) is MediaFault.TOO_LARGE


def test_limit_on_pixels_is_exact() -> None:
    file = written(drawn(), "PNG")
    area = ROWS * COLUMNS

    assert decode_picture(file, most_pixels=area).shape == (ROWS, COLUMNS, 3)
    assert (
        fault_of(lambda: decode_picture(file, most_pixels=area - 1))
        is MediaFault.TOO_LARGE
    )


def test_too_long_file_is_refused_unread() -> None:
    assert fault_of(lambda: picture_pdq(Huge())) is MediaFault.TOO_LARGE


@settings(deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]),
    st.integers(0, 10**6),
    st.binary(min_size=1, max_size=8),
)
def test_damage_never_raises_another_error(form: str, at: int, junk: bytes) -> None:
    content = bytearray(written(drawn(), form).getvalue())
    at %= len(content)
    content[at : at + len(junk)] = junk
    try:
        picture_pdq(io.BytesIO(bytes(content)))
    except MediaError as error:
        assert error.code in MediaFault  # noqa: PT017


@given(st.binary(max_size=300))
def test_junk_never_raises_another_error(content: bytes) -> None:
    with pytest.raises(MediaError):
        picture_pdq(io.BytesIO(content))
