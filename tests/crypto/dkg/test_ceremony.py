# SPDX-License-Identifier: Apache-2.0
"""A run ends in one key for all, or for nobody with the culprit's name."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.crypto.dkg.rounds import Table, finished, restarted, run_of

from fedsafe_crypto.dkg.blame import Seen, check_verdicts
from fedsafe_crypto.dkg.ceremony import (
    Announced,
    Dealt,
    Judged,
    announce,
    load_state,
    save_state,
)
from fedsafe_crypto.dkg.feldman import group_key_commitment, token_key_commitment
from fedsafe_crypto.dkg.joint import outcome
from fedsafe_crypto.errors import DkgAbortError, DkgError, WrongLengthError
from fedsafe_crypto.oprf.shares import recover
from fedsafe_crypto.oprf.threshold import (
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.voprf import Mode, blind_all, output_direct
from fedsafe_crypto.primitives.ristretto import multiply_base

RUN = run_of(2, (1, 2, 3))
PLAYED = Table(RUN).play()
FIRST, SECOND, THIRD = PLAYED.first, PLAYED.second, PLAYED.third
RESULTS, SEEN = PLAYED.results, PLAYED.views[1]


@pytest.mark.parametrize(
    ("threshold", "indices"),
    [(1, (1,)), (1, (1, 2)), (2, (1, 2)), (2, (1, 2, 3)), (3, (2, 5, 9, 255))],
)
def test_a_run_makes_one_key_for_all(threshold: int, indices: tuple[int, ...]) -> None:
    run = run_of(threshold, indices)
    results = finished(run)
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


def test_whoever_watches_learns_the_same_pins() -> None:
    seen = outcome(RUN, PLAYED.views[2])

    assert seen.pins == RESULTS[1].pins
    assert seen.transcript == RESULTS[1].transcript


def test_the_media_token_key_is_committed_to() -> None:
    result = RESULTS[1]
    want = token_key_commitment(RUN.federation_id, 1, result.token_key)
    others = [
        token_key_commitment(RUN.federation_id, 2, result.token_key),
        token_key_commitment("example.net", 1, result.token_key),
        token_key_commitment(RUN.federation_id, 1, result.group_key),
    ]

    assert result.token_commitment == want
    assert want not in others


def test_the_media_group_key_is_committed_to() -> None:
    key = RESULTS[1].group_key
    want = group_key_commitment(RUN.federation_id, 1, 1, key)
    others = [
        group_key_commitment(RUN.federation_id, 1, 2, key),
        group_key_commitment(RUN.federation_id, 2, 1, key),
        group_key_commitment("example.net", 1, 1, key),
        group_key_commitment(RUN.federation_id, 1, 1, RESULTS[1].token_key),
        token_key_commitment(RUN.federation_id, 1, key),
    ]

    assert {each.group_commitment for each in RESULTS.values()} == {want}
    assert want not in others
    with pytest.raises(WrongLengthError, match="media group key"):
        group_key_commitment(RUN.federation_id, 1, 1, key[:31])


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
    other = finished(RUN)[1]

    assert other.pins.public != RESULTS[1].pins.public
    assert other.group_key != RESULTS[1].group_key


def test_large_rosters_are_served() -> None:
    run = run_of(3, tuple(range(1, 10)))
    results = finished(run)

    assert len({result.group_key for result in results.values()}) == 1


def test_every_state_survives_a_restart() -> None:
    table = Table(RUN)
    table.announce()
    for index, state in table.first.items():
        again = restarted(state)
        assert isinstance(again, Announced)
        table.first[index] = again
    table.deal()
    for index, dealt in table.second.items():
        again = restarted(dealt)
        assert isinstance(again, Dealt)
        table.second[index] = again
    table.judge()
    for index, judged in table.third.items():
        again = restarted(judged)
        assert isinstance(again, Judged)
        table.third[index] = again
    table.finish()

    assert len({result.group_key for result in table.results.values()}) == 1


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


def without_three(seen: Seen) -> Seen:
    def two(messages: Mapping[int, bytes]) -> dict[int, bytes]:
        return {index: messages[index] for index in (1, 2)}

    return Seen(
        announcements=seen.announcements,
        deals=two(seen.deals),
        verdicts=two(seen.verdicts),
    )


def test_a_missing_message_is_waited_for() -> None:
    some = {index: SEEN.announcements[index] for index in (1, 2)}
    attempts: list[Callable[[], object]] = [
        lambda: FIRST[1].deal(some),
        lambda: SECOND[1].judge(without_three(SEEN).deals),
        lambda: THIRD[1].finish(without_three(SEEN)),
        lambda: outcome(RUN, without_three(SEEN)),
        lambda: THIRD[1].finish(replace(SEEN, verdicts={})),
    ]
    for attempt in attempts:
        with pytest.raises(DkgError, match="missing") as caught:
            attempt()
        assert not isinstance(caught.value, DkgAbortError)
    check_verdicts(RUN, without_three(SEEN))


def test_ones_own_message_cannot_be_exchanged() -> None:
    again = announce(RUN, 1).message
    attempts: list[Callable[[], object]] = [
        lambda: FIRST[1].deal({**SEEN.announcements, 1: again}),
        lambda: SECOND[1].judge({**SEEN.deals, 1: RUN.digest() + b"x"}),
        lambda: THIRD[1].finish(replace(SEEN, verdicts={1: RUN.digest() + b"x"})),
    ]
    for attempt in attempts:
        with pytest.raises(DkgError, match="own message"):
            attempt()


def test_a_result_is_taken_only_from_the_messages_that_were_judged() -> None:
    other = Table(RUN).play().views[1]

    with pytest.raises(DkgError):
        THIRD[1].finish(replace(other, verdicts={1: THIRD[1].message}))


def test_messages_of_another_attempt_count_as_not_sent() -> None:
    # A courier can bring them again: that says nothing about who signed them.
    again = replace(RUN, attempt=b"2")
    others = {index: announce(again, index) for index in again.indices}
    messages = {index: state.message for index, state in others.items()}

    with pytest.raises(DkgError, match=r"\[3\] are missing"):
        others[1].deal({**messages, 3: FIRST[3].message})
    check_verdicts(again, replace(SEEN, announcements={}))


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
