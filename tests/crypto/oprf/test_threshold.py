# SPDX-License-Identifier: Apache-2.0
"""Any t nodes give the undivided key's output; liars are named, nobody else."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    GenerationMismatchError,
    LiarError,
    LibraryMissingError,
    MalformedElementError,
    ProofError,
    SharesError,
)
from fedsafe_crypto.oprf import threshold
from fedsafe_crypto.oprf.shares import split
from fedsafe_crypto.oprf.threshold import (
    Evaluation,
    Generation,
    KeyShare,
    Pins,
    VerifiedEvaluation,
    evaluate_own,
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.voprf import Blinded, Mode, blind_all, output_direct
from fedsafe_crypto.primitives.ristretto import multiply_base, random_scalar
from fedsafe_crypto.primitives.sodium import CHOICE_VARIABLE, load

INPUTS = [b"anna", b"", b"x" * 300]


class Federation:
    """A key, its shares and pins, and the client's side of a lookup."""

    def __init__(
        self, threshold: int, count: int, generation: Generation, secret: bytes
    ) -> None:
        self.secret = secret
        self.shares = {
            index: KeyShare(
                generation=generation, index=index, threshold=threshold, secret=share
            )
            for index, share in split(secret, threshold, count).items()
        }
        self.pins = Pins(
            generation=generation,
            threshold=threshold,
            public=multiply_base(secret),
            members={i: multiply_base(s.secret) for i, s in self.shares.items()},
        )

    def answer(self, index: int, blinds: Sequence[Blinded]) -> Evaluation:
        elements = [blinded.element for blinded in blinds]
        return evaluate_share(self.shares[index], self.pins, elements)

    def verified(self, index: int, blinds: Sequence[Blinded]) -> VerifiedEvaluation:
        elements = [blinded.element for blinded in blinds]
        answer = self.answer(index, blinds)
        return verify_evaluation(self.pins, elements, answer, asked=index)

    def expected(self, inputs: Sequence[bytes]) -> list[bytes]:
        return [output_direct(self.secret, data, Mode.VOPRF) for data in inputs]


FIRST = Generation(1, 1)
THREE = Federation(2, 3, FIRST, random_scalar())
BLINDS = blind_all(INPUTS, Mode.VOPRF)
ELEMENTS = [blinded.element for blinded in BLINDS]
ANSWERS = {index: THREE.answer(index, BLINDS) for index in THREE.shares}
VERIFIED = {index: THREE.verified(index, BLINDS) for index in THREE.shares}


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    count = draw(st.integers(min_value=1, max_value=5))
    return draw(st.integers(min_value=1, max_value=count)), count


@settings(max_examples=20, deadline=None)
@given(sizes(), st.lists(st.binary(max_size=60), min_size=1, max_size=3))
def test_any_t_nodes_give_the_output_of_the_undivided_key(
    size: tuple[int, int], inputs: list[bytes]
) -> None:
    federation = Federation(*size, FIRST, random_scalar())
    blinds = blind_all(inputs, Mode.VOPRF)
    answers = {index: federation.verified(index, blinds) for index in federation.shares}
    expected = federation.expected(inputs)

    for subset in combinations(answers, size[0]):
        chosen = [answers[index] for index in reversed(subset)]
        outputs = finalize_threshold(federation.pins, inputs, blinds, chosen)
        assert outputs == expected
    everybody = list(answers.values())
    assert finalize_threshold(federation.pins, inputs, blinds, everybody) == expected


@settings(max_examples=20, deadline=None)
@given(sizes())
def test_fewer_than_t_nodes_never_do(size: tuple[int, int]) -> None:
    threshold, count = size
    federation = Federation(threshold, count, FIRST, random_scalar())
    blinds = blind_all([b"x"], Mode.VOPRF)
    answers = {index: federation.verified(index, blinds) for index in federation.shares}

    for subset in combinations(answers, threshold - 1):
        chosen = [answers[index] for index in subset]
        with pytest.raises(SharesError, match="answers of"):
            finalize_threshold(federation.pins, [b"x"], blinds, chosen)
        if chosen:  # not even a client that lowers the threshold of its pins
            lowered = replace(federation.pins, threshold=threshold - 1)
            with pytest.raises(SharesError):
                finalize_threshold(lowered, [b"x"], blinds, chosen)


def changed(values: tuple[bytes, ...], place: int, value: bytes) -> tuple[bytes, ...]:
    return (*values[:place], value, *values[place + 1 :])


Lie = Callable[[Evaluation], Evaluation]
OTHER = multiply_base(random_scalar())
LIES: dict[str, Lie] = {
    "another element": lambda e: replace(e, elements=changed(e.elements, 1, OTHER)),
    "the identity": lambda e: replace(e, elements=changed(e.elements, 0, bytes(32))),
    "no element": lambda e: replace(e, elements=changed(e.elements, 2, b"\xff" * 32)),
    "a short element": lambda e: replace(e, elements=changed(e.elements, 2, b"x")),
    "one answer too few": lambda e: replace(e, elements=e.elements[:-1]),
    "one answer too many": lambda e: replace(e, elements=(*e.elements, OTHER)),
    "no answers": lambda e: replace(e, elements=()),
    "swapped answers": lambda e: replace(e, elements=e.elements[::-1]),
    "the question itself": lambda e: replace(e, elements=tuple(ELEMENTS)),
    "a zero proof": lambda e: replace(e, proof=bytes(64)),
    "no proof": lambda e: replace(e, proof=b""),
    "a long proof": lambda e: replace(e, proof=e.proof + b"\0"),
    "another proof": lambda e: replace(e, proof=ANSWERS[2].proof),
    "another node's answer": lambda e: replace(
        e, elements=ANSWERS[2].elements, proof=ANSWERS[2].proof
    ),
    "another node's name": lambda e: replace(e, index=2),
    "nobody's name": lambda e: replace(e, index=9),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_node_that_answers_junk_is_named(lie: Lie) -> None:
    with pytest.raises(LiarError) as caught:
        verify_evaluation(THREE.pins, ELEMENTS, lie(ANSWERS[1]), asked=1)

    assert caught.value.index == 1


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=4), st.binary(max_size=70))
def test_any_junk_is_a_lie(elements: list[bytes], proof: bytes) -> None:
    junk = replace(ANSWERS[3], elements=tuple(elements), proof=proof)

    with pytest.raises(LiarError) as caught:
        verify_evaluation(THREE.pins, ELEMENTS, junk, asked=3)

    assert caught.value.index == 3


def test_an_answer_to_another_question_is_a_lie() -> None:
    others = [blinded.element for blinded in blind_all(INPUTS, Mode.VOPRF)]

    with pytest.raises(LiarError):
        verify_evaluation(THREE.pins, others, ANSWERS[1])


def test_a_client_with_broken_elements_accuses_nobody() -> None:
    for bad in (bytes(32), b"\xff" * 32):
        with pytest.raises(MalformedElementError):
            verify_evaluation(THREE.pins, [*ELEMENTS[:2], bad], ANSWERS[1])


def test_a_client_with_wrong_pins_accuses_nobody() -> None:
    for members in (
        {**THREE.pins.members, 1: OTHER},
        {**THREE.pins.members, 1: THREE.pins.members[2]},
    ):
        wrong = replace(THREE.pins, members=members)
        with pytest.raises(SharesError):
            verify_evaluation(wrong, ELEMENTS, ANSWERS[1], asked=1)


def test_a_client_without_its_library_accuses_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CHOICE_VARIABLE, "none")
    load.cache_clear()
    try:
        with pytest.raises(LibraryMissingError):
            verify_evaluation(THREE.pins, ELEMENTS, ANSWERS[1], asked=1)
    finally:
        load.cache_clear()


def test_an_unpinned_share_accuses_nobody() -> None:
    with pytest.raises(SharesError):
        verify_evaluation(THREE.pins, ELEMENTS, replace(ANSWERS[1], index=9))


@pytest.mark.parametrize("generation", [Generation(1, 2), Generation(2, 1)])
def test_mixed_generations_accuse_nobody(generation: Generation) -> None:
    reshared = Federation(2, 3, generation, THREE.secret)
    theirs = reshared.answer(1, BLINDS)
    verified = reshared.verified(1, BLINDS)

    with pytest.raises(GenerationMismatchError):
        verify_evaluation(THREE.pins, ELEMENTS, theirs, asked=1)
    for evaluate in (evaluate_share, evaluate_own):
        with pytest.raises(GenerationMismatchError):
            evaluate(reshared.shares[1], THREE.pins, ELEMENTS)
    for mixed in ([VERIFIED[2], verified], [verified, VERIFIED[2]]):
        for pins in (THREE.pins, reshared.pins):
            with pytest.raises(GenerationMismatchError):
                finalize_threshold(pins, INPUTS, BLINDS, mixed)


def test_generations_under_one_name_never_give_a_wrong_output() -> None:
    twin = Federation(2, 3, FIRST, THREE.secret)
    mixed = [VERIFIED[1], twin.verified(2, BLINDS)]
    members = {**twin.pins.members, 1: THREE.pins.members[1]}

    for pins in (THREE.pins, twin.pins, replace(THREE.pins, members=members)):
        with pytest.raises(SharesError):
            finalize_threshold(pins, INPUTS, BLINDS, mixed)


def test_one_node_cannot_stand_for_two() -> None:
    with pytest.raises(SharesError, match="two answers of one share"):
        finalize_threshold(THREE.pins, INPUTS, BLINDS, [VERIFIED[1], VERIFIED[1]])


def test_answers_join_only_with_the_blinds_that_they_answer() -> None:
    others = blind_all(INPUTS, Mode.VOPRF)
    mixed = [VERIFIED[1], THREE.verified(2, others)]

    for blinds in (others, BLINDS, BLINDS[:2], []):
        with pytest.raises(SharesError):
            finalize_threshold(THREE.pins, INPUTS, blinds, mixed)
    with pytest.raises(SharesError):
        finalize_threshold(THREE.pins, INPUTS[:2], BLINDS, list(VERIFIED.values()))


def test_empty_batches_are_refused() -> None:
    with pytest.raises(ProofError):
        evaluate_share(THREE.shares[1], THREE.pins, [])
    with pytest.raises(SharesError):
        verify_evaluation(THREE.pins, [], replace(ANSWERS[1], elements=()), asked=1)


def test_a_share_that_is_not_pinned_answers_nothing() -> None:
    for evaluate in (evaluate_share, evaluate_own):
        with pytest.raises(SharesError, match="share 7 is not pinned"):
            evaluate(replace(THREE.shares[1], index=7), THREE.pins, ELEMENTS)


def test_what_a_node_answers_itself_joins_with_the_answers_of_others() -> None:
    own = evaluate_own(THREE.shares[1], THREE.pins, ELEMENTS)

    assert own == VERIFIED[1]
    assert finalize_threshold(
        THREE.pins, INPUTS, BLINDS, [own, VERIFIED[2]]
    ) == THREE.expected(INPUTS)


def test_a_batch_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threshold, "MAX_BATCH", 3)

    assert verify_evaluation(THREE.pins, ELEMENTS, ANSWERS[1], asked=1) == VERIFIED[1]
    with pytest.raises(SharesError, match="a batch of 4 elements"):
        verify_evaluation(THREE.pins, [*ELEMENTS, OTHER], ANSWERS[1], asked=1)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=3))
def test_junk_questions_raise_only_our_errors(elements: list[bytes]) -> None:
    with pytest.raises(CryptoError):
        evaluate_share(THREE.shares[1], THREE.pins, [*elements, bytes(32)])


@pytest.mark.usefixtures("each_sodium")
def test_a_node_alone_is_the_same_code() -> None:
    alone = Federation(1, 1, FIRST, random_scalar())
    outputs = finalize_threshold(
        alone.pins, INPUTS, BLINDS, [alone.verified(1, BLINDS)]
    )

    assert outputs == alone.expected(INPUTS)
