# SPDX-License-Identifier: Apache-2.0
"""Loading what is large."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage while modules load: there is hardly any.

    A quarter of the time that a node takes to load went into that search.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
