# SPDX-License-Identifier: Apache-2.0
"""A run ends in one key for all, or for nobody with the culprit's name."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.dkg import (
    Announced,
    Dealt,
    DkgResult,
    Judged,
    State,
    announce,
    check_verdicts,
    load_state,
    save_state,
)
from fedsafe_crypto.dkg_messages import Reason, Run
from fedsafe_crypto.errors import DkgAbortError, DkgError
from fedsafe_crypto.group import multiply_base
from fedsafe_crypto.keys import Generation
from fedsafe_crypto.oprf import Mode, blind_all, output_direct
from fedsafe_crypto.shares import recover
from fedsafe_crypto.threshold import (
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)

Messages = dict[int, bytes]


def run_of(threshold: int, indices: tuple[int, ...]) -> Run:
    return Run(
        federation_id="example.org/federation",
        generation=Generation(1, 1),
        threshold=threshold,
        roster=tuple((index, b"key of %d" % index) for index in indices),
    )


RUN = run_of(2, (1, 2, 3))


def restarted(state: State) -> State:
    again = load_state(save_state(state))
    assert again == state
    return again


def sent(states: Mapping[int, State]) -> Messages:
    return {index: state.message for index, state in states.items()}


def announced(run: Run = RUN) -> dict[int, Announced]:
    return {index: announce(run, index) for index in run.indices}


def dealt(states: Mapping[int, Announced]) -> dict[int, Dealt]:
    messages = sent(states)
    outcome = {index: state.deal(messages) for index, state in states.items()}
    return {i: state for i, state in outcome.items() if isinstance(state, Dealt)}


def judged(states: Mapping[int, Dealt]) -> dict[int, Judged]:
    messages = sent(states)
    return {index: state.judge(messages) for index, state in states.items()}


def finished(states: Mapping[int, Judged]) -> dict[int, DkgResult]:
    messages = sent(states)
    return {index: state.finish(messages) for index, state in states.items()}


FIRST = announced()
SECOND = dealt(FIRST)
THIRD = judged(SECOND)
RESULTS = finished(THIRD)


@pytest.mark.parametrize(
    ("threshold", "indices"),
    [(1, (1,)), (1, (1, 2)), (2, (1, 2)), (2, (1, 2, 3)), (3, (2, 5, 9, 255))],
)
def test_a_run_makes_one_key_for_all(threshold: int, indices: tuple[int, ...]) -> None:
    run = run_of(threshold, indices)
    results = finished(judged(dealt(announced(run))))
    [pins] = {result.pins.to_bytes() for result in results.values()}
    [_] = {result.transcript for result in results.values()}
    [(group_key, token_key)] = {(r.group_key, r.token_key) for r in results.values()}

    assert group_key != token_key
    assert len(group_key) == len(token_key) == 32
    secrets = {index: result.share.secret for index, result in results.items()}
    for subset in combinations(secrets, threshold):
        key = recover({index: secrets[index] for index in subset})
        assert multiply_base(key) == results[indices[0]].pins.public
    for result in results.values():
        result.pins.check()
        result.share.check(result.pins)
        assert result.pins.to_bytes() == pins
        assert tuple(result.pins.members) == indices


def test_the_shares_evaluate_as_one_key() -> None:
    pins = RESULTS[1].pins
    key = recover({index: RESULTS[index].share.secret for index in (1, 3)})
    blinds = blind_all([b"anna"], Mode.VOPRF)
    elements = [blinded.element for blinded in blinds]
    answers = [
        verify_evaluation(
            pins, elements, evaluate_share(RESULTS[i].share, pins, elements), asked=i
        )
        for i in (2, 3)
    ]

    outputs = finalize_threshold(pins, [b"anna"], blinds, answers)
    assert outputs == [output_direct(key, b"anna", Mode.VOPRF)]


def test_runs_are_independent() -> None:
    other = finished(judged(dealt(announced())))[1]

    assert other.pins.public != RESULTS[1].pins.public
    assert other.group_key != RESULTS[1].group_key


def test_large_rosters_are_served() -> None:
    run = run_of(3, tuple(range(1, 10)))
    results = finished(judged(dealt(announced(run))))

    assert len({result.group_key for result in results.values()}) == 1


def test_every_state_survives_a_restart() -> None:
    results: dict[int, DkgResult] = {}
    first = {index: restarted(state) for index, state in announced().items()}
    second: dict[int, State] = {}
    for index, state in first.items():
        assert isinstance(state, Announced)
        second[index] = restarted(state.deal(sent(first)))
    third: dict[int, State] = {}
    for index, state in second.items():
        assert isinstance(state, Dealt)
        third[index] = restarted(state.judge(sent(second)))
    for index, state in third.items():
        assert isinstance(state, Judged)
        results[index] = state.finish(sent(third))

    assert len({result.group_key for result in results.values()}) == 1


def test_states_and_results_print_no_secret() -> None:
    result = RESULTS[1]
    secrets = [
        *FIRST[1].keys,
        SECOND[1].contents,
        SECOND[1].contents[:32],
        THIRD[1].share,
        THIRD[1].media,
        result.share.secret,
        result.group_key,
        result.token_key,
    ]
    printed = repr((FIRST[1], SECOND[1], THIRD[1], result))

    for secret in secrets:
        assert repr(secret)[2:-1] not in printed
        assert secret.hex() not in printed


def test_a_missing_message_is_waited_for() -> None:
    def without(messages: Messages) -> Messages:
        return {index: messages[index] for index in (1, 2)}

    for attempt in (
        lambda: FIRST[1].deal(without(sent(FIRST))),
        lambda: SECOND[1].judge(without(sent(SECOND))),
        lambda: THIRD[1].finish(without(sent(THIRD))),
        lambda: THIRD[1].finish({**sent(THIRD), 4: b""}),
    ):
        with pytest.raises(DkgError) as caught:
            attempt()
        assert not isinstance(caught.value, DkgAbortError)
    check_verdicts(THIRD[1], without(sent(THIRD)))


def test_ones_own_message_cannot_be_exchanged() -> None:
    for attempt in (
        lambda: FIRST[1].deal({**sent(FIRST), 1: announce(RUN, 1).message}),
        lambda: SECOND[1].judge({**sent(SECOND), 1: b"x"}),
        lambda: THIRD[1].finish({**sent(THIRD), 1: b"x"}),
    ):
        with pytest.raises(DkgError, match="own message"):
            attempt()


def test_messages_of_another_attempt_are_refused() -> None:
    again = replace(RUN, attempt=b"2")
    others = {index: announce(again, index) for index in again.indices}
    state = others[1].deal({**sent(others), 3: FIRST[3].message})

    assert isinstance(state, Judged)
    assert state.complaints == ((3, Reason.OTHER_RUN),)


def test_a_stranger_takes_no_part() -> None:
    with pytest.raises(DkgError):
        announce(RUN, 4)


@given(st.binary(max_size=200))
def test_junk_states_raise_only_our_errors(data: bytes) -> None:
    for tag in (b"", b"1", b"2", b"3"):
        with suppress(DkgError):
            load_state(tag + data)


def test_a_state_of_a_stranger_is_refused() -> None:
    with pytest.raises(DkgError):
        load_state(save_state(replace(FIRST[1], index=4)))
