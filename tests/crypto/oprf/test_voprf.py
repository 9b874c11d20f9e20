# SPDX-License-Identifier: Apache-2.0
"""RFC 9497 against its vectors, and what a cheating server cannot do."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    MalformedElementError,
    ProofError,
    WrongLengthError,
)
from fedsafe_crypto.oprf.voprf import (
    Mode,
    blind,
    derive_key_pair,
    evaluate_elements,
    finalize,
    finalize_all,
    hedged_nonce,
    output_direct,
    prove,
    verify,
)
from fedsafe_crypto.primitives.ristretto import (
    add,
    multiply_base,
    random_scalar,
    scalar_from_int,
)

SECRET, PUBLIC = derive_key_pair(b"\7" * 32, b"a test", Mode.VOPRF)


def unhex(values: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


@pytest.mark.usefixtures("each_sodium")
@pytest.mark.parametrize("mode", Mode)
def test_published_vectors(vectors: Callable[[str], Any], mode: Mode) -> None:
    [published] = [s for s in vectors("rfc9497")["sets"] if s["mode"] == mode]
    secret, public = derive_key_pair(
        bytes.fromhex(published["seed"]), bytes.fromhex(published["key_info"]), mode
    )
    assert secret.hex() == published["secret"]
    assert published["public"] in {public.hex(), None}
    assert len(published["cases"]) >= 2

    for case in published["cases"]:
        inputs = unhex(case["inputs"])
        blinds = [
            blind(data, mode, scalar=scalar)
            for data, scalar in zip(inputs, unhex(case["blinds"]), strict=True)
        ]
        elements = [each.element for each in blinds]
        evaluated = evaluate_elements(secret, elements)
        outputs = finalize_all(inputs, [each.scalar for each in blinds], evaluated)

        assert elements == unhex(case["blinded"]), case["comment"]
        assert evaluated == unhex(case["evaluated"]), case["comment"]
        assert outputs == unhex(case["outputs"]), case["comment"]
        assert outputs == [output_direct(secret, data, mode) for data in inputs]
        if mode is Mode.VOPRF:
            nonce = bytes.fromhex(case["proof_nonce"])
            proof = prove(secret, public, elements, evaluated, mode, nonce=nonce)
            assert proof.hex() == case["proof"], case["comment"]
            verify(public, elements, evaluated, proof, mode)


@settings(max_examples=25)
@given(st.lists(st.binary(max_size=100), min_size=1, max_size=4), st.sampled_from(Mode))
def test_blinding_changes_nothing(inputs: list[bytes], mode: Mode) -> None:
    blinds = [blind(data, mode) for data in inputs]
    elements = [each.element for each in blinds]
    evaluated = evaluate_elements(SECRET, elements)
    verify(PUBLIC, elements, evaluated, prove_batch(elements, evaluated, mode), mode)

    for data, blinded, answer in zip(inputs, blinds, evaluated, strict=True):
        output = finalize(data, blinded.scalar, answer)
        assert output == output_direct(SECRET, data, mode)


def prove_batch(
    elements: list[bytes], evaluated: list[bytes], mode: Mode = Mode.VOPRF
) -> bytes:
    return prove(SECRET, PUBLIC, elements, evaluated, mode)


def batch_of(size: int) -> tuple[list[bytes], list[bytes], bytes]:
    elements = [blind(bytes((i,)), Mode.VOPRF).element for i in range(size)]
    evaluated = evaluate_elements(SECRET, elements)
    return elements, evaluated, prove_batch(elements, evaluated)


def refuses(
    elements: list[bytes], evaluated: list[bytes], proof: bytes, public: bytes = PUBLIC
) -> None:
    with pytest.raises(ProofError):
        verify(public, elements, evaluated, proof, Mode.VOPRF)


def test_one_wrong_answer_in_a_batch_is_found() -> None:
    elements, evaluated, proof = batch_of(3)
    wrong = [*evaluated[:2], add(evaluated[2], evaluated[0])]

    refuses(elements, wrong, proof)
    refuses(elements, wrong, prove_batch(elements, wrong))


def test_answers_cannot_be_swapped_or_cancel_out() -> None:
    elements, evaluated, proof = batch_of(2)
    shift = multiply_base(scalar_from_int(5))
    back = multiply_base(scalar_from_int(-5))
    cancelling = [add(evaluated[0], shift), add(evaluated[1], back)]

    refuses(elements, evaluated[::-1], proof)
    refuses(elements, cancelling, prove_batch(elements, cancelling))


def test_another_key_or_mode_is_found() -> None:
    elements, evaluated, proof = batch_of(2)
    other, other_public = derive_key_pair(b"\7" * 32, b"another", Mode.VOPRF)

    refuses(elements, evaluated, proof, public=other_public)
    refuses(elements, evaluate_elements(other, elements), proof)
    with pytest.raises(ProofError):
        verify(PUBLIC, elements, evaluated, proof, Mode.OPRF)


@given(st.integers(min_value=0, max_value=63), st.integers(min_value=1, max_value=255))
def test_every_changed_proof_byte_is_found(place: int, change: int) -> None:
    elements, evaluated, proof = ONE_BATCH
    broken = bytearray(proof)
    broken[place] ^= change

    refuses(elements, evaluated, bytes(broken))


ONE_BATCH = batch_of(1)


@given(st.binary(max_size=70), st.binary(max_size=40), st.binary(max_size=40))
def test_junk_is_a_failed_proof(proof: bytes, element: bytes, public: bytes) -> None:
    elements, evaluated, good = ONE_BATCH

    refuses(elements, evaluated, proof)
    refuses([element], evaluated, good)
    refuses(elements, [element], good)
    refuses(elements, evaluated, good, public=public)


def test_batches_have_bounds() -> None:
    elements, evaluated, proof = ONE_BATCH

    refuses([], [], proof)
    refuses(elements, evaluated * 2, proof)
    refuses(elements * 65_536, evaluated * 65_536, proof)
    with pytest.raises(ProofError):
        prove_batch([], [])
    with pytest.raises(WrongLengthError):
        finalize_all([b"a"], [], evaluated)


def test_the_identity_is_never_evaluated() -> None:
    with pytest.raises(MalformedElementError):
        evaluate_elements(SECRET, [bytes(32)])
    with pytest.raises(MalformedElementError):
        finalize(b"", random_scalar(), bytes(32))


def test_inputs_have_a_longest_length() -> None:
    longest = b"x" * 65_535

    assert len(output_direct(SECRET, longest, Mode.VOPRF)) == 64
    for attempt in (
        lambda: blind(longest + b"x", Mode.VOPRF),
        lambda: output_direct(SECRET, longest + b"x", Mode.VOPRF),
        lambda: derive_key_pair(b"\7" * 31, b"", Mode.VOPRF),
        lambda: derive_key_pair(b"\7" * 32, longest + b"x", Mode.VOPRF),
    ):
        with pytest.raises(CryptoError):
            attempt()


def test_nonces_differ_by_key_transcript_and_randomness() -> None:
    def fixed(byte: bytes) -> Callable[[int], bytes]:
        return lambda size: byte * size

    drawn = [
        hedged_nonce(b"key", b"batch", randomness=fixed(b"\0")),
        hedged_nonce(b"key", b"other", randomness=fixed(b"\0")),
        hedged_nonce(b"yek", b"batch", randomness=fixed(b"\0")),
        hedged_nonce(b"key", b"batch", randomness=fixed(b"\1")),
    ]

    assert len(set(drawn)) == 4
    assert drawn[0] == hedged_nonce(b"key", b"batch", randomness=fixed(b"\0"))


def test_proofs_of_one_batch_never_share_a_nonce() -> None:
    elements, evaluated, proof = ONE_BATCH

    assert prove_batch(elements, evaluated) != proof


def test_the_blind_is_not_printed() -> None:
    blinded = blind(b"input", Mode.VOPRF)

    assert blinded.scalar.hex() not in repr(blinded)
    assert repr(blinded.scalar) not in repr(blinded)
