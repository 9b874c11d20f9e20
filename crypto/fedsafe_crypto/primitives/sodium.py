# SPDX-License-Identifier: Apache-2.0
"""libsodium's ristretto255 and XChaCha20-Poly1305, found and loaded once.

Looked for in this order: the system's library, then the one that the wheel of
pyzmq bundles (PyNaCl's own build leaves ristretto255 out). The environment
variable FEDSAFE_SODIUM=system|wheel forces one of them. Calls of the group release
the interpreter lock; sealing a short text or drawing some random bytes takes less time
than that, so seal, unseal and draw keep it, and seal_long and unseal_long do not. No
length is checked here: that is the
business of fedsafe_crypto.primitives.ristretto, fedsafe_crypto.seal.secretbox and
fedsafe_crypto.primitives.sodium, the only modules that should call these functions.
"""

import ctypes
import os
import re
import sys
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, files
from typing import Any

from fedsafe_crypto.errors import LibraryMissingError

CHOICE_VARIABLE = "FEDSAFE_SODIUM"

_SONAMES = ("libsodium.so.26", "libsodium.so.23")
_BUNDLED = re.compile(r"libsodium[-.\d\w]*\.(so|dylib|dll)[.\d]*")
_WAY_OUT = (
    "install the system's libsodium (Debian: libsodium23, Fedora: libsodium) "
    "or the wheel of pyzmq (pip install --only-binary pyzmq pyzmq)"
)

_TEXT, _ADDRESS, _LENGTH = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_ulonglong

ForeignCall = Callable[..., int]
ForeignAct = Callable[..., None]


class Source(StrEnum):
    """Where a libsodium came from."""

    SYSTEM = "system"
    WHEEL = "wheel of pyzmq"


@dataclass(frozen=True, slots=True)
class Library:
    """Which libsodium is in use."""

    path: str
    version: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Sodium:
    """The functions of one loaded libsodium, outputs first as in C.

    Those that return a number return 0 for success, is_valid_point 1.
    """

    library: Library
    multiply: ForeignCall
    multiply_base: ForeignCall
    add: ForeignCall
    subtract: ForeignCall
    is_valid_point: ForeignCall
    from_hash: ForeignCall
    scalar_add: ForeignAct
    scalar_subtract: ForeignAct
    scalar_multiply: ForeignAct
    scalar_invert: ForeignCall
    scalar_negate: ForeignAct
    scalar_reduce: ForeignAct
    seal: ForeignCall
    unseal: ForeignCall
    seal_long: ForeignCall
    unseal_long: ForeignCall
    draw: ForeignAct


class _DlInfo(ctypes.Structure):
    """What dladdr(3) tells of an address."""

    _fields_ = (
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
    )


@cache
def load() -> Sodium:
    """Load libsodium, the same one for the whole process.

    Raises:
        LibraryMissingError: None was found that carries ristretto255.
    """
    choice = os.environ.get(CHOICE_VARIABLE, "")
    refused: list[str] = []
    for source, name in _candidates(choice):
        try:
            return _bind(ctypes.CDLL(name), name, source)
        except (OSError, AttributeError, LibraryMissingError) as error:
            refused.append(f"{name}: {error}")
    tried = "; ".join(refused) or "no candidate"
    raise LibraryMissingError(
        f"no libsodium with ristretto255 ({tried}); way out: {_WAY_OUT}"
    )


def describe() -> Library:
    """Tell which libsodium is in use.

    Raises:
        LibraryMissingError: There is none.
    """
    return load().library


def _candidates(choice: str) -> Iterator[tuple[Source, str]]:
    if choice not in {"", "system", "wheel"}:
        raise LibraryMissingError(
            f"{CHOICE_VARIABLE} is neither system nor wheel; unset it"
        )
    if choice != "wheel":
        yield from ((Source.SYSTEM, name) for name in _system_names())
    if choice != "system":
        yield from ((Source.WHEEL, path) for path in _bundled_paths())


def _system_names() -> Iterator[str]:
    # On Linux find_library would start a compiler to learn no more than this.
    if sys.platform == "linux":
        yield from _SONAMES
    elif found := find_library("sodium"):
        yield found


def _bundled_paths() -> Iterator[str]:
    try:
        listed = files("pyzmq") or ()
    except PackageNotFoundError:
        return
    for file in listed:
        if _BUNDLED.fullmatch(file.name):
            yield str(file.locate())


def _bind(library: ctypes.CDLL, name: str, source: Source) -> Sodium:
    def call(symbol: str, arguments: int) -> ForeignCall:
        function: ForeignCall = _typed(library, symbol, arguments, ctypes.c_int)
        return function

    def core(symbol: str, arguments: int) -> ForeignCall:
        return call(f"crypto_core_ristretto255_{symbol}", arguments)

    def act(symbol: str, arguments: int) -> ForeignAct:
        name = f"crypto_core_ristretto255_{symbol}"
        function: ForeignAct = _typed(library, name, arguments, None)
        return function

    if library.sodium_init() < 0:
        raise LibraryMissingError(f"{name}: sodium_init failed")
    library.sodium_version_string.restype = ctypes.c_char_p
    version = library.sodium_version_string().decode()
    return Sodium(
        library=Library(_path_of(library, name), version, source),
        multiply=call("crypto_scalarmult_ristretto255", 3),
        multiply_base=call("crypto_scalarmult_ristretto255_base", 2),
        add=core("add", 3),
        subtract=core("sub", 3),
        is_valid_point=core("is_valid_point", 1),
        from_hash=core("from_hash", 2),
        scalar_add=act("scalar_add", 3),
        scalar_subtract=act("scalar_sub", 3),
        scalar_multiply=act("scalar_mul", 3),
        scalar_invert=core("scalar_invert", 2),
        scalar_negate=act("scalar_negate", 2),
        scalar_reduce=act("scalar_reduce", 2),
        seal=_quick(name, "crypto_aead_xchacha20poly1305_ietf_encrypt", ctypes.c_int),
        unseal=_quick(name, "crypto_aead_xchacha20poly1305_ietf_decrypt", ctypes.c_int),
        seal_long=_long(library, "crypto_aead_xchacha20poly1305_ietf_encrypt"),
        unseal_long=_long(library, "crypto_aead_xchacha20poly1305_ietf_decrypt"),
        draw=_quick(name, "randombytes_buf", None),
    )


def _typed(
    library: ctypes.CDLL, symbol: str, arguments: int, result: type[ctypes.c_int] | None
) -> Any:  # noqa: ANN401 - ctypes functions carry no signature
    function = getattr(library, symbol)
    function.argtypes = [ctypes.c_char_p] * arguments
    function.restype = result
    return function


def _quick(name: str, symbol: str, result: type[ctypes.c_int] | None) -> Any:  # noqa: ANN401 - ctypes functions carry no signature
    function = getattr(ctypes.PyDLL(name), symbol)
    function.restype = result
    # Sealing takes (out, length out, text, length, aad, length, unused, nonce, key);
    # unsealing has the unused one before the box; drawing takes (out, length). To have
    # types checked costs as much as to unseal a short box, so the caller gives `bytes`,
    # `c_ulonglong` and `c_size_t`.
    return function


def _long(library: ctypes.CDLL, symbol: str) -> Any:  # noqa: ANN401 - ctypes functions carry no signature
    # The same as the quick ones, for texts of many pages: others go on meanwhile, and
    # texts are told by their addresses.
    function = getattr(library, symbol)
    if symbol.endswith("encrypt"):
        texts: tuple[type, ...] = (_ADDRESS, _ADDRESS, _ADDRESS, _LENGTH)
        rest: tuple[type, ...] = (_TEXT, _LENGTH, _ADDRESS, _TEXT, _TEXT)
    else:
        texts = (_ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS, _LENGTH)
        rest = (_TEXT, _LENGTH, _TEXT, _TEXT)
    function.argtypes = [*texts, *rest]
    function.restype = ctypes.c_int
    return function


def _path_of(library: ctypes.CDLL, name: str) -> str:
    """Ask the dynamic linker where a library really lies."""
    info = _DlInfo()
    try:
        dladdr = ctypes.CDLL(None).dladdr
    except (OSError, TypeError, AttributeError):  # no dladdr, as on Windows
        return name
    dladdr.argtypes = [ctypes.c_void_p, ctypes.POINTER(_DlInfo)]
    address = ctypes.cast(library.sodium_init, ctypes.c_void_p)
    if not dladdr(address, ctypes.byref(info)) or info.dli_fname is None:
        return name
    return os.fsdecode(info.dli_fname)


# Random bytes of the system, drawn without letting go of the interpreter's lock.
#
# `os.urandom` lets go of it for each draw. Whoever draws often beside a busy thread
# then waits for that thread each time, and both are put to sleep and woken: of a log
# event, which draws a salt and a nonce for each opening, that took more time than all
# else. So it is libsodium that asks the system here; it keeps no state of its own.


def draw(size: int) -> bytes:
    """Draw random bytes, fit for keys, salts and nonces."""
    kind, length = _room(size)
    out = kind()
    load().draw(out, length)
    return out.raw


@lru_cache(maxsize=64)
def _room(size: int) -> tuple[type[ctypes.Array[ctypes.c_char]], ctypes.c_size_t]:
    return ctypes.c_char * size, ctypes.c_size_t(size)
