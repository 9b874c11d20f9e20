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
FILTER_BAND_ROWS = 2048


def transform(pixels: Pixels) -> tuple[bytes, int]:
    """Give a picture's digest and quality.

    Raises:
        ValueError: The array is neither RGB nor grey in unsigned 8-bit samples.
    """
    luma = _luma(pixels)
    if min(luma.shape) < LEAST_SIDE:
        return bytes(FREQUENCIES * FREQUENCIES // 8), 0
    small = _downsample(luma)
    frequencies = _lowest_frequencies(small).ravel()
    middle = frequencies.size // 2 - 1  # the lower of the two medians
    median = np.partition(frequencies, middle)[middle]
    bits = (frequencies > median)[::-1]  # the highest frequency is written first
    return np.packbits(bits).tobytes(), _quality(small)


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
    for _ in range(FILTER_PASSES):
        for top in range(0, rows, FILTER_BAND_ROWS):
            band = luma[top : top + FILTER_BAND_ROWS]
            band[:] = _box_down(np.ascontiguousarray(band.T), _window(columns)).T
        luma = _box_down(luma, _window(rows))
    return luma[np.ix_(_centres(rows), _centres(columns))]


def _window(side: int) -> int:
    return -(-side // (FILTER_PASSES * SAMPLES))


def _centres(side: int) -> NDArray[np.intp]:
    return ((np.arange(SAMPLES) + 0.5) * side / SAMPLES).astype(np.intp)


def _box_down(plane: Plane, window: int) -> Plane:
    """Replace each row by the mean of the `window` rows around it."""
    count, below = len(plane), window // 2 + 1
    means = np.empty_like(plane)
    total = np.zeros(plane.shape[1], np.float32)
    for row in plane[: below - 1]:
        total += row
    for at in range(count):
        if at + below <= count:
            total += plane[at + below - 1]
        first = max(0, at + below - window)
        if first:
            total -= plane[first - 1]
        np.divide(total, np.float32(min(at + below, count) - first), out=means[at])
    return means


def _quality(small: Plane) -> int:
    """Add up the steps between neighbours, each rounded towards none."""
    steps = 0
    for difference in (small[:-1] - small[1:], small[:, :-1] - small[:, 1:]):
        scaled = difference * np.float32(STEPS_OF_FULL_RANGE) / np.float32(255)
        steps += int(np.abs(scaled.astype(np.int32)).sum())
    return min(BEST_QUALITY, steps // STEPS_PER_QUALITY)


def _lowest_frequencies(small: Plane) -> Plane:
    cosines = _cosines()
    across = np.zeros((FREQUENCIES, SAMPLES), np.float32)
    for k in range(SAMPLES):
        across += cosines[:, k, np.newaxis] * small[k]
    both = np.zeros((FREQUENCIES, FREQUENCIES), np.float32)
    for k in range(SAMPLES):
        both += across[:, k, np.newaxis] * cosines[:, k]
    return both


@cache
def _cosines() -> Plane:
    frequency = np.arange(1, FREQUENCIES + 1)[:, np.newaxis]
    place = 2 * np.arange(SAMPLES) + 1
    scale = float(np.float32(np.sqrt(2 / SAMPLES)))
    cosines: Plane = np.asarray(
        scale * np.cos(np.pi / (2 * SAMPLES) * frequency * place), np.float32
    )
    return cosines
