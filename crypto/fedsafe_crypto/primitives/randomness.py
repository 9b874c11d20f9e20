# SPDX-License-Identifier: Apache-2.0
"""Random bytes of the system, drawn without letting go of the interpreter's lock.

`os.urandom` lets go of it for each draw. Whoever draws often beside a busy thread then
waits for that thread each time, and both are put to sleep and woken: of a log event,
which draws a salt and a nonce for each opening, that took more time than all else. So
it is libsodium that asks the system here; it keeps no state of its own.
"""

import ctypes
from functools import lru_cache

from fedsafe_crypto.primitives.sodium import load


def draw(size: int) -> bytes:
    """Draw random bytes, fit for keys, salts and nonces."""
    kind, length = _room(size)
    out = kind()
    load().draw(out, length)
    return out.raw


@lru_cache(maxsize=64)
def _room(size: int) -> tuple[type[ctypes.Array[ctypes.c_char]], ctypes.c_size_t]:
    return ctypes.c_char * size, ctypes.c_size_t(size)
