# SPDX-License-Identifier: Apache-2.0
"""Published vectors, and each libsodium that this machine offers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.programs import do_without

from fedsafe_crypto.errors import LibraryMissingError
from fedsafe_crypto.primitives.sodium import CHOICE_VARIABLE, load

Vectors = Callable[[str], Any]


@pytest.fixture
def vectors() -> Vectors:
    def read(name: str) -> Any:  # noqa: ANN401 - JSON is what it is
        path = Path(__file__).parent / "vectors" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8"))

    return read


@pytest.fixture(params=["system", "wheel"])
def each_sodium(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Run a test under the system's libsodium and under the wheel's."""
    monkeypatch.setenv(CHOICE_VARIABLE, request.param)
    load.cache_clear()
    try:
        load()
    except LibraryMissingError:
        do_without("libsodium23")
    else:
        yield request.param
    finally:
        load.cache_clear()
