# SPDX-License-Identifier: Apache-2.0
"""The group ristretto255 (RFC 9496) with hashing into it (RFC 9380).

Elements and scalars are bytes in their one canonical encoding. No function here
takes or returns the identity element (libsodium's own point check lets it pass),
and no function takes a scalar that is not reduced. Zero is a scalar for adding
only. Scalars are handled in constant time except for that comparison with the
group order, whose outcome no secret ever changes.
"""

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from secrets import token_bytes

from fedsafe_crypto.errors import (
    MalformedElementError,
    MalformedScalarError,
    SharesError,
    WrongLengthError,
)
from fedsafe_crypto.primitives.sodium import load

ELEMENT_BYTES = 32
SCALAR_BYTES = 32
UNIFORM_BYTES = 64
ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 9496, section 4

_SHA512_BLOCK = 128
_SHA512_DIGEST = 64
_LONGEST_DST = 255
_LONGEST_EXPANSION = 255 * _SHA512_DIGEST

_IDENTITY = bytes(ELEMENT_BYTES)
_Out = ctypes.c_char * 32

# What bytes from others may raise. Narrower than CryptoError on purpose: that our
# own library is missing is no fault of theirs.
REFUSED_BYTES = (WrongLengthError, MalformedElementError, MalformedScalarError)

Randomness = Callable[[int], bytes]


def random_scalar(randomness: Randomness = token_bytes) -> bytes:
    """Draw a uniform scalar, never zero."""
    while True:
        scalar = reduce_uniform(randomness(UNIFORM_BYTES))
        if any(scalar):
            return scalar


def check_scalar(scalar: bytes) -> bytes:
    """Return a scalar that is canonical and not zero.

    Raises:
        WrongLengthError: It is not of 32 bytes.
        MalformedScalarError: It is zero or not below the group order.
    """
    if len(scalar) != SCALAR_BYTES:
        raise WrongLengthError("scalar", len(scalar), SCALAR_BYTES)
    if not 0 < int.from_bytes(scalar, "little") < ORDER:
        raise MalformedScalarError("scalar is zero or not reduced")
    return scalar


def check_element(element: bytes) -> bytes:
    """Return an element that is canonical and not the identity.

    Raises:
        WrongLengthError: It is not of 32 bytes.
        MalformedElementError: It is no such element.
    """
    _refuse_identity(element)
    if load().is_valid_point(element) != 1:
        raise MalformedElementError("no canonical encoding of a group element")
    return element


def scalar_from_int(number: int) -> bytes:
    """Encode a public number, reduced."""
    return (number % ORDER).to_bytes(SCALAR_BYTES, "little")


def reduce_uniform(uniform: bytes) -> bytes:
    """Reduce 64 uniform bytes to a scalar.

    Raises:
        WrongLengthError: They are not 64 bytes.
    """
    if len(uniform) != UNIFORM_BYTES:
        raise WrongLengthError("uniform bytes", len(uniform), UNIFORM_BYTES)
    out = _Out()
    load().scalar_reduce(out, uniform)
    return out.raw


def scalar_add(left: bytes, right: bytes) -> bytes:
    """Add two scalars."""
    out = _Out()
    load().scalar_add(out, _reduced(left), _reduced(right))
    return out.raw


def scalar_subtract(left: bytes, right: bytes) -> bytes:
    """Subtract the right scalar from the left."""
    out = _Out()
    load().scalar_subtract(out, _reduced(left), _reduced(right))
    return out.raw


def scalar_multiply(left: bytes, right: bytes) -> bytes:
    """Multiply two scalars."""
    out = _Out()
    load().scalar_multiply(out, _reduced(left), _reduced(right))
    return out.raw


def scalar_invert(scalar: bytes) -> bytes:
    """Invert a scalar.

    Raises:
        MalformedScalarError: It is zero or not reduced.
    """
    out = _Out()
    load().scalar_invert(out, check_scalar(scalar))
    return out.raw


def scalar_negate(scalar: bytes) -> bytes:
    """Negate a scalar."""
    out = _Out()
    load().scalar_negate(out, _reduced(scalar))
    return out.raw


def invert_all(scalars: Sequence[bytes]) -> list[bytes]:
    """Invert many scalars with one inversion and three products each.

    Raises:
        MalformedScalarError: One is zero or not reduced.
    """
    if len(scalars) < 2:  # noqa: PLR2004 - products are for many
        return [scalar_invert(scalar) for scalar in scalars]
    before = [scalar_from_int(1)]
    for scalar in scalars:
        before.append(scalar_multiply(before[-1], check_scalar(scalar)))
    rest = scalar_invert(before.pop())
    inverses: list[bytes] = []
    for scalar, product in zip(reversed(scalars), reversed(before), strict=True):
        inverses.append(scalar_multiply(rest, product))
        rest = scalar_multiply(rest, scalar)
    inverses.reverse()
    return inverses


def multiply(scalar: bytes, element: bytes) -> bytes:
    """Multiply an element by a scalar.

    Raises:
        MalformedScalarError: The scalar is zero or not reduced.
        MalformedElementError: The element is not canonical, or the identity.
    """
    check_scalar(scalar)
    if len(element) != ELEMENT_BYTES:
        raise WrongLengthError("element", len(element), ELEMENT_BYTES)
    out = _Out()
    # The order is prime: an identity result means that the element was it.
    if load().multiply(out, scalar, element):
        raise MalformedElementError("no canonical encoding of a group element")
    return out.raw


def multiply_base(scalar: bytes) -> bytes:
    """Multiply the generator by a scalar.

    Raises:
        MalformedScalarError: The scalar is zero or not reduced.
    """
    out = _Out()
    if load().multiply_base(out, check_scalar(scalar)):
        raise MalformedScalarError("scalar is zero")
    return out.raw


def add(left: bytes, right: bytes) -> bytes:
    """Add two elements.

    Raises:
        MalformedElementError: One of them, or the sum, is no element but the
            identity or junk.
    """
    return _combined(load().add, left, right)


def subtract(left: bytes, right: bytes) -> bytes:
    """Subtract the right element from the left.

    Raises:
        MalformedElementError: One of them, or the difference, is no element but
            the identity or junk.
    """
    return _combined(load().subtract, left, right)


def sum_elements(elements: Sequence[bytes]) -> bytes:
    """Add up one or more elements.

    Raises:
        SharesError: There is none.
        MalformedElementError: One of them, or a partial sum, is the identity or junk.
    """
    if not elements:
        raise SharesError("a sum of no elements")
    total = check_element(elements[0])
    for element in elements[1:]:
        total = add(total, element)
    return total


def sum_products(scalars: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    """Multiply elements by one scalar each and add up the products.

    Raises:
        SharesError: The lists differ in length or are empty.
        MalformedScalarError: A scalar is zero or not reduced.
        MalformedElementError: An element or a partial sum is the identity or junk.
    """
    if len(scalars) != len(elements) or not scalars:
        raise SharesError(f"{len(scalars)} scalars for {len(elements)} elements")
    total = multiply(scalars[0], elements[0])
    for scalar, element in zip(scalars[1:], elements[1:], strict=True):
        total = add(total, multiply(scalar, element))
    return total


def hash_to_group(message: bytes, dst: bytes) -> bytes:
    """Hash a message to an element (RFC 9380, appendix B).

    Raises:
        MalformedElementError: The message hashes to the identity.
    """
    return element_from_uniform(expand_message(message, dst, UNIFORM_BYTES))


def hash_to_scalar(message: bytes, dst: bytes) -> bytes:
    """Hash a message to a scalar (RFC 9497, section 4.1)."""
    return reduce_uniform(expand_message(message, dst, UNIFORM_BYTES))


def element_from_uniform(uniform: bytes) -> bytes:
    """Map 64 uniform bytes to an element (RFC 9496, section 4.3.4).

    Raises:
        WrongLengthError: They are not 64 bytes.
        MalformedElementError: They map to the identity.
    """
    if len(uniform) != UNIFORM_BYTES:
        raise WrongLengthError("uniform bytes", len(uniform), UNIFORM_BYTES)
    out = _Out()
    load().from_hash(out, uniform)
    return _refuse_identity(out.raw)


def expand_message(message: bytes, dst: bytes, length: int) -> bytes:
    """Expand a message with SHA-512 (expand_message_xmd, RFC 9380, 5.3.1).

    Raises:
        WrongLengthError: The separation tag is empty or longer than 255 bytes, or
            more than 255 digests are asked for.
    """
    if not 0 < len(dst) <= _LONGEST_DST:
        raise WrongLengthError("domain separation tag", len(dst), _LONGEST_DST)
    if not 0 < length <= _LONGEST_EXPANSION:
        raise WrongLengthError("expansion", length, _LONGEST_EXPANSION)
    tag = dst + bytes((len(dst),))
    seed = hashlib.sha512(
        bytes(_SHA512_BLOCK) + message + length.to_bytes(2, "big") + b"\0" + tag
    ).digest()
    block = hashlib.sha512(seed + b"\1" + tag).digest()
    if length == _SHA512_DIGEST:  # all that the group asks for
        return block
    blocks = [block]
    for number in range(2, -(-length // _SHA512_DIGEST) + 1):
        mixed = bytes(a ^ b for a, b in zip(seed, block, strict=True))
        block = hashlib.sha512(mixed + bytes((number,)) + tag).digest()
        blocks.append(block)
    return b"".join(blocks)[:length]


def _reduced(scalar: bytes) -> bytes:
    if len(scalar) != SCALAR_BYTES:
        raise WrongLengthError("scalar", len(scalar), SCALAR_BYTES)
    if int.from_bytes(scalar, "little") >= ORDER:
        raise MalformedScalarError("scalar is not reduced")
    return scalar


def _refuse_identity(element: bytes) -> bytes:
    if len(element) != ELEMENT_BYTES:
        raise WrongLengthError("element", len(element), ELEMENT_BYTES)
    if element == _IDENTITY:
        raise MalformedElementError("the identity element")
    return element


def _combined(operation: Callable[..., int], left: bytes, right: bytes) -> bytes:
    for element in (left, right):
        if len(element) != ELEMENT_BYTES or element == _IDENTITY:
            _refuse_identity(element)
    out = _Out()
    if operation(out, left, right):
        raise MalformedElementError("no canonical encoding of a group element")
    combined = out.raw
    if combined == _IDENTITY:
        raise MalformedElementError("the identity element")
    return combined
