# SPDX-License-Identifier: Apache-2.0
"""Both sources of libsodium are found, named and refused by name."""

import ctypes
from collections.abc import Iterator

import pytest
from tests.programs import do_without

from fedsafe_crypto.errors import LibraryMissingError
from fedsafe_crypto.primitives import sodium
from fedsafe_crypto.primitives.sodium import CHOICE_VARIABLE, Source, describe, load


@pytest.fixture(autouse=True)
def forgotten_library() -> Iterator[None]:
    load.cache_clear()
    yield
    load.cache_clear()


def test_the_wheel_carries_ristretto255(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "wheel")

    library = describe()

    assert library.source is Source.WHEEL
    assert "pyzmq" in library.path
    assert library.version.startswith("1.0.")


def test_the_system_library_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "system")
    try:
        forced = describe()
    except LibraryMissingError:
        do_without("libsodium23")
    load.cache_clear()
    monkeypatch.delenv(CHOICE_VARIABLE)

    assert forced.source is Source.SYSTEM
    assert describe() == forced
    assert forced.path.startswith("/")


def test_an_unknown_choice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "elsewhere")

    with pytest.raises(LibraryMissingError, match=CHOICE_VARIABLE):
        load()


def test_a_library_without_the_symbols_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(CHOICE_VARIABLE, raising=False)
    monkeypatch.setattr(sodium, "_SONAMES", ("libc.so.6", "libnothing.so.1"))

    assert describe().source is Source.WHEEL


def test_no_library_at_all_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "system")
    monkeypatch.setattr(sodium, "_SONAMES", ("libc.so.6", "libnothing.so.1"))

    with pytest.raises(LibraryMissingError, match=r"libc\.so\.6.*pip install"):
        load()


def test_the_library_is_loaded_once() -> None:
    assert load() is load()


def test_a_call_reaches_the_library() -> None:
    out = ctypes.create_string_buffer(32)

    assert load().multiply_base(out, (1).to_bytes(32, "little")) == 0
    assert load().is_valid_point(out) == 1
