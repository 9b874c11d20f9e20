# SPDX-License-Identifier: Apache-2.0
import ctypes
from typing import Any

import pytest

from fedsafe_crypto.primitives.sodium import draw, load


@pytest.mark.parametrize("size", [0, 1, 24, 32, 1_000])
def test_as_many_bytes_are_drawn_as_were_asked_for(size: int) -> None:
    drawn = draw(size)

    assert type(drawn) is bytes
    assert len(drawn) == size


def test_no_draw_is_like_another_and_each_bit_is_drawn() -> None:
    drawn = [draw(24) for _ in range(500)]
    numbers = [int.from_bytes(each) for each in drawn]
    ever = never = 0
    for number in numbers:
        ever, never = ever | number, never | ~number

    assert len(set(drawn)) == len(drawn)
    assert ever == 2 ** (8 * 24) - 1
    assert never & ever == ever


def test_the_lock_of_the_interpreter_is_kept_while_drawing() -> None:
    def flags(function: Any) -> int:  # noqa: ANN401 - ctypes has no name for it
        flags: int = function._flags_
        return flags

    keeps = flags(ctypes.PyDLL(None).getpid) & ~flags(ctypes.CDLL(None).getpid)

    assert keeps
    assert flags(load().draw) & keeps
