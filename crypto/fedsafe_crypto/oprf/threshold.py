# SPDX-License-Identifier: Apache-2.0
"""The VOPRF under a key that lies in shares (protocol 3.2).

Each node multiplies by its share and proves it against its public share, which
the pins hold. A client checks every proof, then joins any t answers into the
output of the undivided key. Three things are kept apart:

* LiarError: the node's answer does not fit its pinned share. The client's own
  elements and the pins are checked before a node is accused.
* GenerationMismatchError: share, pins or answers are of different generations.
  Nobody is at fault: ask again with that generation's pins.
* SharesError: too few answers, or pins that do not fit together.

A client's steps, for a batch:

    blinds = blind_all(inputs, Mode.VOPRF)
    elements = [blinded.element for blinded in blinds]
    answers = [verify_evaluation(pins, elements, e, asked=i) for i, e in received]
    outputs = finalize_threshold(pins, inputs, blinds, answers)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedsafe_crypto.errors import LiarError, ProofError, SharesError
from fedsafe_crypto.oprf.keys import Generation, KeyShare, Pins, check_generation
from fedsafe_crypto.oprf.shares import lagrange_at_zero
from fedsafe_crypto.oprf.voprf import (
    MAX_BATCH,
    Blinded,
    Mode,
    evaluate_elements,
    output_of,
    prove,
    verify,
)
from fedsafe_crypto.primitives.ristretto import (
    check_element,
    invert_all,
    scalar_multiply,
    sum_products,
)

__all__ = [
    "Evaluation",
    "Generation",
    "KeyShare",
    "Pins",
    "VerifiedEvaluation",
    "evaluate_own",
    "evaluate_share",
    "finalize_threshold",
    "verify_evaluation",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One node's answer to a batch, as received: nothing of it is believed."""

    index: int
    generation: Generation
    elements: tuple[bytes, ...]
    proof: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEvaluation:
    """An answer whose proof holds; made by verify_evaluation, or evaluate_own.

    Attributes:
        public: The public share that it was verified against.
        blinded: The elements that it answers.
    """

    index: int
    generation: Generation
    elements: tuple[bytes, ...]
    public: bytes
    blinded: tuple[bytes, ...]


def evaluate_share(
    share: KeyShare, pins: Pins, elements: Sequence[bytes]
) -> Evaluation:
    """Answer a batch with a share that was checked when it was loaded.

    Raises:
        GenerationMismatchError: The pins are of another generation.
        SharesError: The share is not pinned.
        MalformedElementError: An element is not canonical, or the identity.
        ProofError: The batch is empty or too large.
    """
    check_generation(share.generation, pins)
    public = pins.members.get(share.index)
    if public is None:
        raise SharesError(f"share {share.index} is not pinned")
    evaluated = evaluate_elements(share.secret, elements)
    return Evaluation(
        index=share.index,
        generation=share.generation,
        elements=tuple(evaluated),
        proof=prove(share.secret, public, elements, evaluated, Mode.VOPRF),
    )


def evaluate_own(
    share: KeyShare, pins: Pins, elements: Sequence[bytes]
) -> VerifiedEvaluation:
    """Answer a batch of one's own: a node proves nothing to itself.

    Raises:
        GenerationMismatchError: The pins are of another generation.
        SharesError: The share is not pinned.
        MalformedElementError: An element is not canonical, or the identity.
    """
    check_generation(share.generation, pins)
    public = pins.members.get(share.index)
    if public is None:
        raise SharesError(f"share {share.index} is not pinned")
    return VerifiedEvaluation(
        index=share.index,
        generation=share.generation,
        elements=tuple(evaluate_elements(share.secret, elements)),
        public=public,
        blinded=tuple(elements),
    )


def verify_evaluation(
    pins: Pins,
    blinded: Sequence[bytes],
    evaluation: Evaluation,
    *,
    asked: int | None = None,
) -> VerifiedEvaluation:
    """Check one node's answer to a batch.

    Args:
        pins: The pins of the generation that was asked for.
        blinded: The client's own elements.
        evaluation: What the node answered.
        asked: The index of the node that was asked. An answer under another index
            convicts that node, not the one that it points at.

    Raises:
        GenerationMismatchError: The answer is of another generation.
        LiarError: The node answered junk.
        SharesError: The batch is empty or too large, or the pins are wrong.
        MalformedElementError: One of the client's own elements is.
    """
    check_generation(evaluation.generation, pins)
    if not 0 < len(blinded) <= MAX_BATCH:
        raise SharesError(f"a batch of {len(blinded)} elements")
    if asked is not None and evaluation.index != asked:
        raise LiarError(asked)
    public = pins.members.get(evaluation.index)
    if public is None:
        raise SharesError(f"share {evaluation.index} is not pinned")
    try:
        verify(public, blinded, evaluation.elements, evaluation.proof, Mode.VOPRF)
    except ProofError as error:
        for element in blinded:
            check_element(element)
        pins.check_subset(pins.quorum_with(evaluation.index))
        raise LiarError(evaluation.index) from error
    return VerifiedEvaluation(
        index=evaluation.index,
        generation=evaluation.generation,
        elements=tuple(evaluation.elements),
        public=public,
        blinded=tuple(blinded),
    )


def finalize_threshold(
    pins: Pins,
    inputs: Sequence[bytes],
    blinds: Sequence[Blinded],
    evaluations: Sequence[VerifiedEvaluation],
) -> list[bytes]:
    """Join the first t answers into one 64-byte output for each input.

    Raises:
        GenerationMismatchError: An answer is of another generation.
        SharesError: Fewer than t answers, two of one node, an answer to other
            elements or verified under other pins, or pins that do not fit together.
    """
    chosen = _chosen(pins, evaluations)
    elements = tuple(blinded.element for blinded in blinds)
    if len(inputs) != len(elements):
        raise SharesError(f"{len(inputs)} inputs for {len(elements)} blinded elements")
    if any(answer.blinded != elements for answer in chosen):
        raise SharesError("an answer to other elements")
    coefficients = lagrange_at_zero([answer.index for answer in chosen])
    inverses = invert_all([blinded.scalar for blinded in blinds])
    answers = zip(*(answer.elements for answer in chosen), strict=True)
    return [
        output_of(data, sum_products(_scaled(coefficients, inverse), row))
        for data, inverse, row in zip(inputs, inverses, answers, strict=True)
    ]


def _scaled(coefficients: Mapping[int, bytes], inverse: bytes) -> list[bytes]:
    return [scalar_multiply(each, inverse) for each in coefficients.values()]


def _chosen(
    pins: Pins, evaluations: Sequence[VerifiedEvaluation]
) -> Sequence[VerifiedEvaluation]:
    """Take the first t answers, all of them checked against the pins."""
    for answer in evaluations:
        check_generation(answer.generation, pins)
        if pins.members.get(answer.index) != answer.public:
            raise SharesError(f"answer of share {answer.index} under other pins")
    indices = [answer.index for answer in evaluations]
    if len(set(indices)) != len(indices):
        raise SharesError(f"two answers of one share among {sorted(indices)}")
    if len(indices) < pins.threshold:
        raise SharesError(f"{len(indices)} answers of {pins.threshold} needed")
    chosen = evaluations[: pins.threshold]
    pins.check_subset([answer.index for answer in chosen])
    return chosen
