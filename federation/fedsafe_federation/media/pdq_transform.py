# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of PDQ, from pixels to 256 bits, in numpy.

Luma, two passes of a box filter each way (together a tent), 64 by 64 samples,
the 16 by 16 lowest frequencies of their cosine transform but the constant one,
and a bit for each that lies above the median. Every sum is taken in the order
and precision (binary32) of the reference implementation, for a frequency near
the median changes its bit with the last digit of a sum: hence `accumulate` loops
where a matrix product would be shorter.
"""

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
Plane: TypeAlias = NDArray[np.float32]
Places: TypeAlias = NDArray[np.intp]

LEAST_SIDE = 5
SAMPLES = 64
FREQUENCIES = 16
FILTER_PASSES = 2
RGB_AXES = 3
GREY_AXES = 2
LUMA_OF_RGB = (0.299, 0.587, 0.114)  # ITU-R BT.601
STEPS_OF_FULL_RANGE = 100
STEPS_PER_QUALITY = 90
BEST_QUALITY = 100
LUMA_BAND_ROWS = 64
BAND = 1024


def transform(pixels: Pixels) -> tuple[bytes, int]:
    """Give a picture's digest and quality.

    Raises:
        ValueError: The array is neither RGB nor grey in unsigned 8-bit samples.
    """
    frequencies, quality = _spectrum(pixels)
    return _digest(frequencies), quality


def transform_turned(pixels: Pixels) -> tuple[tuple[bytes, ...], int]:
    """Give the digests of a picture turned and mirrored, and its quality.

    In the order of the reference: as it is, turned by 90, 180 and 270 degrees against
    the clock, top and bottom changed, left and right changed, and mirrored at each
    diagonal. A mirrored picture has the same frequencies, every other one negated, so
    the pixels are gone through once. Errors as for `transform`.
    """
    as_it_is, quality = _spectrum(pixels)
    signs = np.tile(np.array([-1, 1], np.float32), FREQUENCIES // 2)
    sideways = as_it_is * signs
    upended = as_it_is * signs[:, np.newaxis]
    both = upended * signs
    turned = (
        as_it_is,
        sideways.T,
        both,
        upended.T,
        upended,
        sideways,
        as_it_is.T,
        both.T,
    )
    return tuple(map(_digest, turned)), quality


def _spectrum(pixels: Pixels) -> tuple[Plane, int]:
    luma = _luma(pixels)
    if min(luma.shape) < LEAST_SIDE:
        return np.zeros((FREQUENCIES, FREQUENCIES), np.float32), 0
    small = _downsample(luma)
    return _lowest_frequencies(small), _quality(small)


def _digest(frequencies: Plane) -> bytes:
    values = frequencies.ravel()
    middle = values.size // 2 - 1  # the lower of the two medians
    median = np.partition(values, middle)[middle]
    bits = (values > median)[::-1]  # the highest frequency is written first
    return np.packbits(bits).tobytes()


def _luma(pixels: Pixels) -> Plane:
    if pixels.dtype != np.uint8:
        raise ValueError(f"samples are {pixels.dtype}, uint8 wanted")
    if pixels.ndim == GREY_AXES:
        return pixels.astype(np.float32)
    if pixels.ndim != RGB_AXES or pixels.shape[2] != len(LUMA_OF_RGB):
        raise ValueError(f"shape is {pixels.shape}, (rows, columns, 3) wanted")
    luma = np.empty(pixels.shape[:2], np.float32)
    red, green, blue = LUMA_OF_RGB
    for top in range(0, len(luma), LUMA_BAND_ROWS):  # bands keep the float64 part small
        band = pixels[top : top + LUMA_BAND_ROWS]
        luma[top : top + LUMA_BAND_ROWS] = (
            band[:, :, 0] * red + band[:, :, 1] * green + band[:, :, 2] * blue
        )
    return luma


def _downsample(luma: Plane) -> Plane:
    """Blur and thin out; overwrites `luma`, which may be large."""
    rows, columns = luma.shape
    if rows == columns == SAMPLES:
        return luma
    _blur_across(luma, luma)
    _blur_down(luma, luma)
    # Of the second pass only the samples that are kept are worked out.
    thinned = np.empty((rows, SAMPLES), np.float32)
    _blur_across(luma, thinned, _centres(columns))
    small = np.empty((SAMPLES, SAMPLES), np.float32)
    _blur_down(thinned, small, _centres(rows))
    return small


def _centres(side: int) -> Places:
    return ((np.arange(SAMPLES) + 0.5) * side / SAMPLES).astype(np.intp)


def _blur_across(plane: Plane, into: Plane, kept: Places | None = None) -> None:
    for top in range(0, len(plane), BAND):
        turned = np.ascontiguousarray(plane[top : top + BAND].T)
        into[top : top + BAND] = _box_down(turned, kept).T


def _blur_down(plane: Plane, into: Plane, kept: Places | None = None) -> None:
    for left in range(0, plane.shape[1], BAND):
        band = np.ascontiguousarray(plane[:, left : left + BAND])
        into[:, left : left + BAND] = _box_down(band, kept)


def _box_down(plane: Plane, kept: Places | None) -> Plane:
    """Give the mean of the rows around each row, or around the *kept* ones.

    A window slides down: the row that enters is added to its sum, then the one that
    leaves is taken away.
    """
    count = len(plane)
    window = -(-count // (FILTER_PASSES * SAMPLES))
    below = window // 2 + 1
    nothing, rows = np.zeros(plane.shape[1], np.float32), list(plane)
    entering = [*rows[below - 1 :], *[nothing] * (below - 1)]
    leaving = [*[nothing] * (window - below + 1), *rows]
    total, half = nothing.copy(), nothing.copy()
    for row in rows[: below - 1]:
        total += row
    sums = np.empty_like(plane)
    for enters, leaves, after in zip(entering, leaving, list(sums), strict=False):
        np.add(total, enters, half)
        np.subtract(half, leaves, after)
        total = after
    places = np.arange(count)
    within = np.minimum(places + below, count) - np.maximum(places + below - window, 0)
    if kept is not None:
        sums, within = sums[kept], within[kept]
    sums /= within.astype(np.float32)[:, np.newaxis]
    return sums


def _quality(small: Plane) -> int:
    """Add up the steps between neighbours, each rounded towards none."""
    steps = 0
    for difference in (small[:-1] - small[1:], small[:, :-1] - small[:, 1:]):
        scaled = difference * np.float32(STEPS_OF_FULL_RANGE) / np.float32(255)
        steps += int(np.abs(scaled.astype(np.int32)).sum())
    return min(BEST_QUALITY, steps // STEPS_PER_QUALITY)


def _lowest_frequencies(small: Plane) -> Plane:
    # Over its first axis numpy sums row by row, as the reference does.
    cosines = _cosines()
    across = (cosines[:, :, np.newaxis] * small[:, np.newaxis]).sum(axis=0)
    turned = np.ascontiguousarray(across.T)
    both: Plane = (turned[:, :, np.newaxis] * cosines[:, np.newaxis]).sum(axis=0)
    return both


@cache
def _cosines() -> Plane:
    """Give a row for each sample, in the order of memory that sums rely on."""
    place = (2 * np.arange(SAMPLES) + 1)[:, np.newaxis]
    frequency = np.arange(1, FREQUENCIES + 1)
    scale = float(np.float32(np.sqrt(2 / SAMPLES)))
    cosines: Plane = np.asarray(
        scale * np.cos(np.pi / (2 * SAMPLES) * frequency * place), np.float32
    )
    return cosines
