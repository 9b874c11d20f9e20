# SPDX-License-Identifier: Apache-2.0
"""From a picture file to its samples and its PDQ hash, safely.

The file comes from an unknown hand. So: an explicit list of formats (Pillow
also knows some that start other programs), limits on bytes and pixels before
anything is decoded, the first frame only, no repair of truncated files, and one
error whatever the decoder raises. Pillow and numpy are loaded on the first call.

As in the reference tools, orientation tags are ignored and transparency is
dropped, so that everybody's hash of a file is the same.
"""

import os
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

from fedsafe_federation.errors import MediaError, MediaFault
from fedsafe_federation.media.pdq import PdqHash, TurnedPdq, pdq_hash, pdq_turned

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as Picture

    from fedsafe_federation.media.pdq_transform import Pixels

T = TypeVar("T")

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
MOST_BYTES: Final = 128 * 1024 * 1024
MOST_PIXELS: Final = 64 * 1024 * 1024
"""Decoding and hashing take about sixteen bytes a pixel at its peak."""
MOST_SIDE: Final = 128 * 1024
"""Pixels of a row or column; JPEG has half as many.

Hashing keeps 64 samples of every row and column, however few pixels it has. Without
a bound a file of 114 KB, 5 pixels by 13 million, takes 10 GB.
"""

DEEP_MODES: Final = ("I;16", "I;16L", "I;16B", "I;16N", "I")
MOST_DEEP_SAMPLE: Final = 0xFFFF


def picture_pdq(file: BinaryIO) -> PdqHash:
    """Hash what the picture in a file looks like.

    Raises:
        MediaError: The file is no whole picture of a known format within the
            limits.
        OSError: The file cannot be measured; the caller can name it.
    """
    return _hashed(file, pdq_hash)


def picture_turned(file: BinaryIO) -> TurnedPdq:
    """Hash what the picture in a file looks like, turned and mirrored as well.

    Errors as for `picture_pdq`.
    """
    return _hashed(file, pdq_turned)


def _hashed(file: BinaryIO, hash_: "Callable[[Pixels], T]") -> T:
    try:
        return hash_(decode_picture(file))
    except MemoryError:  # this machine has less than the limits allow for
        raise MediaError(MediaFault.TOO_LARGE) from None


def decode_picture(file: BinaryIO, *, most_pixels: int = MOST_PIXELS) -> "Pixels":
    """Give the samples of a picture's first frame, as RGB or grey.

    Args:
        file: A seekable binary file; it is read from its start.
        most_pixels: The largest picture that is decoded.

    Raises:
        MediaError: The file is no whole picture of a known format within the
            limits.
        OSError: The file cannot be measured; the caller can name it.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 (slow to load)

    if file.seek(0, os.SEEK_END) > MOST_BYTES:
        raise MediaError(MediaFault.TOO_LARGE)
    file.seek(0)
    try:
        return _decode(file, most_pixels)
    except MediaError:
        raise
    except UnidentifiedImageError:
        raise MediaError(MediaFault.UNKNOWN_FORMAT) from None
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        MemoryError,
    ):
        raise MediaError(MediaFault.TOO_LARGE) from None
    except Exception:  # noqa: BLE001
        # Decoders raise whatever their format made them stumble over, from
        # struct.error to ZeroDivisionError; all of it says the same of the file.
        raise MediaError(MediaFault.DAMAGED) from None


def _decode(file: BinaryIO, most_pixels: int) -> "Pixels":
    from PIL import Image  # noqa: PLC0415 (slow to load)

    with Image.open(file, formats=FORMATS) as picture:
        if picture.width * picture.height > most_pixels:
            raise MediaError(MediaFault.TOO_LARGE)
        if max(picture.size) > MOST_SIDE:
            raise MediaError(MediaFault.TOO_LONG)
        picture.load()
        return _samples(picture)


def _samples(picture: "Picture") -> "Pixels":
    import numpy as np  # noqa: PLC0415 (slow to load)

    if picture.mode in DEEP_MODES:
        deep = np.asarray(picture)
        if deep.size and not 0 <= deep.min() <= deep.max() <= MOST_DEEP_SAMPLE:
            raise MediaError(MediaFault.DEPTH)
        return (deep >> 8).astype(np.uint8)
    if picture.mode == "F":
        raise MediaError(MediaFault.DEPTH)
    if picture.mode in ("P", "PA") and "transparency" in picture.info:
        picture = picture.convert("RGBA")  # Pillow warns about the direct way
    return np.asarray(picture.convert("RGB"))
