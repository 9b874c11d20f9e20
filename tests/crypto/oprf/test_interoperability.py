# SPDX-License-Identifier: Apache-2.0
"""Our RFC 9497 and the independent one of the package voprf, both ways."""

from hypothesis import given, settings
from hypothesis import strategies as st
from voprf import ristretto

from fedsafe_crypto.oprf.voprf import (
    PROOF_BYTES,
    Mode,
    blind,
    derive_key_pair,
    evaluate_elements,
    finalize_all,
    output_direct,
    prove,
    verify,
)

inputs_of_a_batch = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5)
seeds = st.binary(min_size=32, max_size=32)
infos = st.binary(max_size=20)


@settings(max_examples=25)
@given(seeds, infos, inputs_of_a_batch)
def test_our_client_finalises_what_their_server_evaluated(
    seed: bytes, info: bytes, inputs: list[bytes]
) -> None:
    server = ristretto.Evaluator.from_seed(seed, info)
    public = server.public_key.serialize()
    blinds = [blind(data, Mode.VOPRF) for data in inputs]
    elements = [each.element for each in blinds]
    theirs = [ristretto.BlindedInput.deserialize(element) for element in elements]

    answer = server.evaluate_batch(theirs).serialize()
    evaluated, proof = split(answer)
    verify(public, elements, evaluated, proof, Mode.VOPRF)
    outputs = finalize_all(inputs, [each.scalar for each in blinds], evaluated)

    assert outputs == [server.evaluate_known_input(data) for data in inputs]


@settings(max_examples=25)
@given(seeds, infos, inputs_of_a_batch)
def test_their_client_finalises_what_our_server_evaluated(
    seed: bytes, info: bytes, inputs: list[bytes]
) -> None:
    secret, public = derive_key_pair(seed, info, Mode.VOPRF)
    pairs = [ristretto.Client.blind(data) for data in inputs]
    elements = [blinded.serialize() for _, blinded in pairs]

    evaluated = evaluate_elements(secret, elements)
    proof = prove(secret, public, elements, evaluated, Mode.VOPRF)
    answer = ristretto.VerifiableBatchOutput.deserialize(join(evaluated, proof))
    key = ristretto.PublicKey.deserialize(public)
    clients = [client for client, _ in pairs]
    outputs = ristretto.Client.finalize_batch(clients, answer, key)

    assert outputs == [output_direct(secret, data, Mode.VOPRF) for data in inputs]


def split(answer: bytes) -> tuple[list[bytes], bytes]:
    proof, rest = answer[:PROOF_BYTES], answer[PROOF_BYTES:]
    return [rest[i : i + 32] for i in range(0, len(rest), 32)], proof


def join(evaluated: list[bytes], proof: bytes) -> bytes:
    return proof + b"".join(evaluated)
