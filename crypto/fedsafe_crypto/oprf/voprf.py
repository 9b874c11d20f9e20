# SPDX-License-Identifier: Apache-2.0
"""RFC 9497 over ristretto255-SHA512: modes OPRF (0) and VOPRF (1).

A client blinds its input, a server multiplies what it gets by its key and proves
that it did (one proof a batch), the client unblinds. Names follow the RFC.

    blinded = blind(b"input", Mode.VOPRF)
    [evaluated] = evaluate_elements(secret, [blinded.element])
    proof = prove(secret, public, [blinded.element], [evaluated], Mode.VOPRF)
    verify(public, [blinded.element], [evaluated], proof, Mode.VOPRF)
    output = finalize(b"input", blinded.scalar, evaluated)
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import (
    MalformedKeyError,
    ProofError,
    WrongLengthError,
)
from fedsafe_crypto.primitives.framing import lp
from fedsafe_crypto.primitives.ristretto import (
    REFUSED_BYTES,
    SCALAR_BYTES,
    Randomness,
    add,
    check_element,
    check_scalar,
    hash_to_group,
    hash_to_scalar,
    invert_all,
    multiply,
    multiply_base,
    random_scalar,
    scalar_multiply,
    scalar_subtract,
    sum_products,
)

PROOF_BYTES: Final = 2 * SCALAR_BYTES
OUTPUT_BYTES: Final = 64
SEED_BYTES: Final = 32
MAX_INPUT_BYTES: Final = 0xFFFF
MAX_BATCH: Final = 0xFFFF

_NONCE_LABEL: Final = b"fedsafe v1 dleq nonce"
_KEY_ATTEMPTS: Final = 256


class Mode(IntEnum):
    """The protocol variants of RFC 9497 that are served here."""

    OPRF = 0
    VOPRF = 1

    @property
    def context(self) -> bytes:
        """The context string of the suite (RFC 9497, section 3.1)."""
        return _CONTEXTS[self]


_CONTEXTS: Final = {
    mode: b"OPRFV1-" + bytes((mode,)) + b"-ristretto255-SHA512" for mode in Mode
}
_TO_GROUP: Final = {mode: b"HashToGroup-" + _CONTEXTS[mode] for mode in Mode}
_TO_SCALAR: Final = {mode: b"HashToScalar-" + _CONTEXTS[mode] for mode in Mode}


@dataclass(frozen=True, slots=True)
class Blinded:
    """A blinded input: the scalar stays with the client."""

    scalar: bytes = field(repr=False)
    element: bytes


@dataclass(frozen=True, slots=True)
class _Composite:
    """A batch folded into one pair of elements."""

    seed: bytes
    scalars: list[bytes]


def derive_key_pair(seed: bytes, info: bytes, mode: Mode) -> tuple[bytes, bytes]:
    """Derive a secret and a public key (RFC 9497, section 3.2.1).

    Raises:
        WrongLengthError: The seed is not of 32 bytes or the info is too long.
    """
    if len(seed) != SEED_BYTES:
        raise WrongLengthError("seed", len(seed), SEED_BYTES)
    material = seed + _framed("info", info)
    dst = b"DeriveKeyPair" + mode.context
    for counter in range(_KEY_ATTEMPTS):
        secret = hash_to_scalar(material + bytes((counter,)), dst)
        if any(secret):
            return secret, multiply_base(secret)
    raise MalformedKeyError("no key comes of this seed")


def blind(data: bytes, mode: Mode, *, scalar: bytes | None = None) -> Blinded:
    """Blind an input, by a fresh random scalar unless one is given.

    Raises:
        WrongLengthError: The input is longer than 65,535 bytes.
        MalformedElementError: The input hashes to the identity.
    """
    element = _hash_input(data, mode)
    if scalar is None:
        scalar = random_scalar()
    return Blinded(scalar, multiply(scalar, element))


def blind_all(inputs: Sequence[bytes], mode: Mode) -> list[Blinded]:
    """Blind a batch, each input by its own fresh scalar.

    Raises:
        WrongLengthError: An input is longer than 65,535 bytes.
        MalformedElementError: An input hashes to the identity.
    """
    return [blind(data, mode) for data in inputs]


def evaluate_elements(secret: bytes, elements: Sequence[bytes]) -> list[bytes]:
    """Multiply blinded elements by the key (BlindEvaluate without its proof).

    Raises:
        MalformedElementError: An element is not canonical, or the identity.
    """
    return [multiply(secret, element) for element in elements]


def prove(  # noqa: PLR0913 - the RFC's own parameters
    secret: bytes,
    public: bytes,
    blinded: Sequence[bytes],
    evaluated: Sequence[bytes],
    mode: Mode,
    *,
    nonce: bytes | None = None,
) -> bytes:
    """Prove that one key made the whole batch (GenerateProof).

    The nonce, unless given for a published vector, is drawn from the key, fresh
    randomness and the batch: neither a broken generator nor a repeated batch
    alone gives the key away.

    Raises:
        ProofError: The batch is empty, too large or of two lengths.
    """
    batch = _compose(public, blinded, evaluated, mode)
    m = sum_products(batch.scalars, blinded)
    z = multiply(secret, m)
    if nonce is None:
        nonce = hedged_nonce(secret, public + batch.seed + m + z)
    t2, t3 = multiply_base(nonce), multiply(nonce, m)
    challenge = _challenge((public, m, z, t2, t3), mode)
    answer = scalar_subtract(nonce, scalar_multiply(challenge, secret))
    return challenge + answer


def verify(
    public: bytes,
    blinded: Sequence[bytes],
    evaluated: Sequence[bytes],
    proof: bytes,
    mode: Mode,
) -> None:
    """Check that one key made the whole batch (VerifyProof).

    Raises:
        ProofError: It did not, or something of the batch is malformed.
    """
    try:
        _verify(public, blinded, evaluated, proof, mode)
    except REFUSED_BYTES as error:
        raise ProofError("the batch or its proof is malformed") from error


def finalize(data: bytes, scalar: bytes, evaluated: bytes) -> bytes:
    """Unblind an evaluated element into the output of the function.

    Raises:
        MalformedElementError: The element is not canonical, or the identity.
    """
    return finalize_all([data], [scalar], [evaluated])[0]


def finalize_all(
    inputs: Sequence[bytes], scalars: Sequence[bytes], evaluated: Sequence[bytes]
) -> list[bytes]:
    """Unblind a batch, with one scalar inversion for all.

    Raises:
        WrongLengthError: The lists differ in length.
        MalformedElementError: An element is not canonical, or the identity.
    """
    for values in (scalars, evaluated):
        if len(values) != len(inputs):
            raise WrongLengthError("batch", len(values), len(inputs))
    return [
        output_of(data, multiply(inverse, element))
        for data, inverse, element in zip(
            inputs, invert_all(scalars), evaluated, strict=True
        )
    ]


def output_of(data: bytes, unblinded: bytes) -> bytes:
    """Hash an input with its unblinded element into the output."""
    framed = _framed("input", data) + lp(unblinded) + b"Finalize"
    return hashlib.sha512(framed).digest()


def output_direct(secret: bytes, data: bytes, mode: Mode) -> bytes:
    """Compute the output with the whole key at hand (Evaluate).

    Raises:
        WrongLengthError: The input is longer than 65,535 bytes.
    """
    return output_of(data, multiply(secret, _hash_input(data, mode)))


def hedged_nonce(
    secret: bytes, transcript: bytes, *, randomness: Randomness = token_bytes
) -> bytes:
    """Draw a proof nonce from the key, fresh randomness and the transcript."""

    def mixed(size: int) -> bytes:
        material = lp(_NONCE_LABEL) + lp(secret) + lp(randomness(size)) + transcript
        return hashlib.sha512(material).digest()

    return random_scalar(mixed)


def _hash_input(data: bytes, mode: Mode) -> bytes:
    if len(data) > MAX_INPUT_BYTES:
        raise WrongLengthError("input", len(data), MAX_INPUT_BYTES)
    return hash_to_group(data, _TO_GROUP[mode])


def _framed(what: str, data: bytes) -> bytes:
    if len(data) > MAX_INPUT_BYTES:
        raise WrongLengthError(what, len(data), MAX_INPUT_BYTES)
    return lp(data)


def _compose(
    public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], mode: Mode
) -> _Composite:
    """Derive one scalar a pair (ComputeComposites, section 2.2.1)."""
    if len(blinded) != len(evaluated) or not 0 < len(blinded) <= MAX_BATCH:
        raise ProofError(
            f"a batch of {len(blinded)} elements with {len(evaluated)} answers"
        )
    seed = hashlib.sha512(lp(public) + lp(b"Seed-" + mode.context)).digest()
    head, dst = lp(seed), _TO_SCALAR[mode]
    scalars = [
        hash_to_scalar(
            head + number.to_bytes(2) + lp(left) + lp(right) + b"Composite", dst
        )
        for number, (left, right) in enumerate(zip(blinded, evaluated, strict=True))
    ]
    return _Composite(seed, scalars)


def _challenge(elements: Sequence[bytes], mode: Mode) -> bytes:
    transcript = b"".join(lp(element) for element in elements)
    return hash_to_scalar(transcript + b"Challenge", _TO_SCALAR[mode])


def _verify(
    public: bytes,
    blinded: Sequence[bytes],
    evaluated: Sequence[bytes],
    proof: bytes,
    mode: Mode,
) -> None:
    if len(proof) != PROOF_BYTES:
        raise WrongLengthError("proof", len(proof), PROOF_BYTES)
    challenge = check_scalar(proof[:SCALAR_BYTES])
    answer = check_scalar(proof[SCALAR_BYTES:])
    check_element(public)
    batch = _compose(public, blinded, evaluated, mode)
    m = sum_products(batch.scalars, blinded)
    z = sum_products(batch.scalars, evaluated)
    t2 = add(multiply_base(answer), multiply(challenge, public))
    t3 = sum_products((answer, challenge), (m, z))
    if _challenge((public, m, z, t2, t3), mode) != challenge:
        raise ProofError("the proof does not verify")
