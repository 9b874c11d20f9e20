# SPDX-License-Identifier: Apache-2.0
"""The key stays through every generation; shares of two generations never mix."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.crypto.dkg.rounds import (
    Results,
    Table,
    finished,
    held_of,
    reshared,
    resharing_of,
    restarted,
    run_of,
    saying,
)

from fedsafe_crypto.dkg.ceremony import Announced, Dealt, Judged, State
from fedsafe_crypto.dkg.joint import outcome
from fedsafe_crypto.dkg.messages import of_run
from fedsafe_crypto.dkg.resharing import Held
from fedsafe_crypto.errors import (
    DkgError,
    GenerationMismatchError,
    LiarError,
    SharesError,
)
from fedsafe_crypto.oprf.keys import Generation, KeyShare
from fedsafe_crypto.oprf.shares import recover
from fedsafe_crypto.oprf.threshold import (
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.tokens import origin_token
from fedsafe_crypto.oprf.voprf import Mode, blind_all, output_direct
from fedsafe_crypto.primitives.ristretto import multiply_base

THREE = finished(run_of(2, (1, 2, 3)))
FIVE = reshared(THREE, 3, (1, 2, 3, 4, 5))
FOUR = reshared(FIVE, 3, (2, 3, 5, 6), dealers=(1, 2, 3, 4))
SIX_GONE = reshared(FOUR, 2, (2, 3, 5))
LIFE = (THREE, FIVE, FOUR, SIX_GONE)
KEY = recover({index: THREE[index].share.secret for index in (1, 2)})


def evaluated(results: Results, holders: Sequence[int]) -> bytes:
    pins = results[holders[0]].pins
    blinds = blind_all([b"anna"], Mode.VOPRF)
    elements = [blinded.element for blinded in blinds]
    answers = [
        verify_evaluation(
            pins, elements, evaluate_share(results[i].share, pins, elements), asked=i
        )
        for i in holders
    ]
    [output] = finalize_threshold(pins, [b"anna"], blinds, answers)
    return output


def test_key_outputs_and_tokens_stay_from_three_to_five_to_four() -> None:
    want = output_direct(KEY, b"anna", Mode.VOPRF)
    token = origin_token(want, epoch=1, origin="a.example")
    for results in LIFE:
        threshold = next(iter(results.values())).pins.threshold
        for holders in combinations(results, threshold):
            output = evaluated(results, holders)
            assert output == want
            assert origin_token(output, epoch=1, origin="a.example") == token


def test_everybody_holds_the_same_pins_and_they_fit() -> None:
    for number, results in enumerate(LIFE, start=1):
        [pins] = {result.pins.to_bytes() for result in results.values()}
        for result in results.values():
            result.pins.check()
            result.share.check(result.pins)
            assert result.pins.public == multiply_base(KEY)
            assert result.pins.generation == Generation(1, number)
            assert result.pins.to_bytes() == pins


def test_the_media_token_key_stays_and_the_group_key_changes() -> None:
    everybody = list(chain.from_iterable(results.values() for results in LIFE))
    groups = [{each.group_key for each in results.values()} for results in LIFE]

    assert len({each.token_key for each in everybody}) == 1
    assert len({each.token_commitment for each in everybody}) == 1
    assert [len(group) for group in groups] == [1, 1, 1, 1]
    assert len(set().union(*groups)) == 4


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_any_holders_reshare_to_any_roster(data: st.DataObject) -> None:
    old = data.draw(st.sampled_from(LIFE))
    before = next(iter(old.values())).pins
    size = st.integers(min_value=before.threshold, max_value=len(old))
    dealers = sorted(data.draw(st.permutations(list(old)))[: data.draw(size)])
    stays = data.draw(st.sets(st.sampled_from(dealers), min_size=1))
    joined = data.draw(st.sets(st.integers(min_value=7, max_value=255), max_size=3))
    indices = sorted(stays | joined)
    threshold = data.draw(st.integers(min_value=1, max_value=len(indices)))

    new = reshared(old, threshold, indices, dealers=dealers)
    for result in new.values():
        result.pins.check()
        result.share.check(result.pins)
        assert result.pins.public == before.public
        assert result.token_key == THREE[1].token_key
    for holders in combinations(indices, threshold):
        shares = {index: new[index].share.secret for index in holders}
        assert multiply_base(recover(shares)) == before.public


def test_a_refresh_changes_every_share() -> None:
    fresh = reshared(THREE, 2, (1, 2, 3))

    for index, result in fresh.items():
        assert result.share.secret != THREE[index].share.secret


def mixtures(old: Results, new: Results) -> list[dict[int, bytes]]:
    """Give every mixture of old and new shares, one a index, not all of one kind."""
    found: list[dict[int, bytes]] = []
    indices = sorted({*old, *new})
    for size in range(1, len(indices) + 1):
        for chosen in combinations(indices, size):
            for mask in range(1, 2**size - 1):
                picks = [
                    (index, old if mask >> at & 1 else new)
                    for at, index in enumerate(chosen)
                ]
                if all(index in results for index, results in picks):
                    found.append({i: r[i].share.secret for i, r in picks})
    return found


@pytest.mark.parametrize(("old", "new"), [(THREE, FIVE), (FIVE, FOUR)])
def test_shares_of_two_generations_make_no_key(old: Results, new: Results) -> None:
    t_old = next(iter(old.values())).pins.threshold
    t_new = next(iter(new.values())).pins.threshold
    some = mixtures(old, new)

    assert len(some) > 20
    assert (t_old, t_new) in {(2, 3), (3, 3)}
    for shares in some:
        assert recover(shares) != KEY


def test_leavers_shares_add_nothing_to_fewer_than_t_new_ones() -> None:
    # 1 and 4 left; together with two new holders there are four shares, t is three.
    left = {index: FIVE[index].share.secret for index in (1, 4)}
    for new in combinations(FOUR, 2):
        shares = {index: FOUR[index].share.secret for index in new}
        for some in (left, {1: left[1]}, {4: left[4]}):
            assert recover({**shares, **some}) != KEY


def test_an_answer_of_another_generation_is_told_from_a_lie() -> None:
    blinds = blind_all([b"anna"], Mode.VOPRF)
    elements = [blinded.element for blinded in blinds]
    old = evaluate_share(THREE[2].share, THREE[2].pins, elements)
    pins = FIVE[1].pins

    with pytest.raises(GenerationMismatchError):
        verify_evaluation(pins, elements, old, asked=2)
    with pytest.raises(GenerationMismatchError):
        evaluate_share(THREE[2].share, pins, elements)


def test_an_old_share_that_calls_itself_new_is_found_out() -> None:
    pins = FIVE[2].pins
    old = THREE[2].share
    posing = replace(old, generation=pins.generation, threshold=pins.threshold)
    blinds = blind_all([b"anna"], Mode.VOPRF)
    elements = [blinded.element for blinded in blinds]

    with pytest.raises(SharesError, match="not the pinned one"):
        posing.check(pins)
    with pytest.raises(LiarError):
        verify_evaluation(pins, elements, evaluate_share(posing, pins, elements))


GROWN = resharing_of(THREE, 3, (2, 3, 5, 7))


def test_whoever_leaves_and_whoever_watches_learn_the_pins() -> None:
    table = Table(GROWN, held_of(THREE)).play()
    [pins] = {result.pins.to_bytes() for result in table.results.values()}

    for view in table.views.values():
        assert outcome(GROWN, view).pins.to_bytes() == pins
    assert 1 not in table.results
    assert table.failed == {}


def test_a_leaver_announces_nothing_and_judges_nothing() -> None:
    table = Table(GROWN, held_of(THREE)).play()

    assert table.first[1].message == b""
    with pytest.raises(DkgError, match="receives no share"):
        table.second[1].judge(table.views[1].deals)


def test_a_newcomer_deals_nothing() -> None:
    table = Table(GROWN, held_of(THREE)).play()

    assert table.second[5].message == b""
    assert sorted(table.views[2].deals) == [1, 2, 3]


def held_by_two(**changes: object) -> Held:
    held = held_of(THREE)[2]
    return replace(held, **changes)  # type: ignore[arg-type]


def share_of_two(**changes: object) -> KeyShare:
    return replace(THREE[2].share, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "error"),
    [
        (None, DkgError),
        (held_of(THREE)[3], DkgError),
        (held_of(FIVE)[2], GenerationMismatchError),
        (held_by_two(share=share_of_two(secret=THREE[1].share.secret)), SharesError),
        (held_by_two(token_key=bytes(32)), DkgError),
    ],
    ids=["nothing", "another's", "newer", "not pinned", "another token key"],
)
def test_only_what_is_pinned_can_be_dealt(
    held: Held | None, error: type[Exception]
) -> None:
    table = Table(GROWN, held_of(THREE))
    table.announce()

    with pytest.raises(error):
        table.first[2].deal(table.views[2].announcements, held=held)


def test_a_new_key_is_made_of_no_old_share() -> None:
    table = Table(run_of(2, (1, 2, 3)))
    table.announce()

    with pytest.raises(DkgError, match="dealt anew"):
        table.first[2].deal(table.views[2].announcements, held=held_by_two())


def silent(round_: int, who: int) -> Table:
    tamper = saying(round_, who, lambda _, __: None)
    return Table(resharing_of(THREE, 2, (1, 2, 3, 5)), held_of(THREE), tamper).play()


@pytest.mark.parametrize("round_", [1, 2, 3])
def test_whoever_vanishes_is_waited_for_and_then_left_out(round_: int) -> None:
    table = silent(round_, 3)
    gone = table.run.without({3}, attempt=b"2")
    results = finished(gone, held_of(THREE))

    assert not {1, 2, 5} & set(table.results)
    for index in (1, 2, 5):
        if index in table.failed:
            assert "[3] are missing" in str(table.failed[index])
    assert {2, 5} <= set(table.failed)
    assert table.found((1, 2, 5)) == ()
    assert sorted(results) == [1, 2, 5]
    assert results[5].pins.public == THREE[1].pins.public
    assert evaluated(results, (2, 5)) == output_direct(KEY, b"anna", Mode.VOPRF)


def test_a_dealer_who_vanished_can_be_given_a_share_all_the_same() -> None:
    run = resharing_of(THREE, 2, (1, 2, 3, 5), dealers=(1, 2))
    results = finished(run, held_of(THREE))

    assert run.newcomers == (3, 5)
    assert results[3].token_key == THREE[3].token_key
    assert evaluated(results, (3, 5)) == output_direct(KEY, b"anna", Mode.VOPRF)


def test_too_few_holders_cannot_reshare() -> None:
    with pytest.raises(SharesError):
        resharing_of(FIVE, 3, (1, 2, 6), dealers=(1, 2))


def test_deals_of_another_source_are_not_heard() -> None:
    older = Table(GROWN, held_of(THREE)).play()
    other = resharing_of(THREE, 3, (2, 3, 5, 7), dealers=(2, 3))

    for seen in older.views.values():
        for messages in (seen.announcements, seen.deals, seen.verdicts):
            assert of_run(other, messages) == {}


def said(states: Mapping[int, State]) -> dict[int, bytes]:
    return {index: state.message for index, state in states.items()}


def test_whoever_crashes_at_any_step_says_the_same_again() -> None:
    table = Table(GROWN, held_of(THREE))
    table.announce()
    sent = said(table.first)
    for index, state in table.first.items():
        again = restarted(state)
        assert isinstance(again, Announced)
        table.first[index] = again
    assert said(table.first) == sent
    table.deal()
    sent = said(table.second)
    for index, dealt in table.second.items():
        again = restarted(dealt)
        assert isinstance(again, Dealt)
        table.second[index] = again
    assert said(table.second) == sent
    table.judge()
    sent = said(table.third)
    for index, judged in table.third.items():
        again = restarted(judged)
        assert isinstance(again, Judged)
        table.third[index] = again
        assert table.second[index].judge(table.views[index].deals) == again
    assert said(table.third) == sent
    table.finish()
    again_finished = {i: s.finish(table.views[i]) for i, s in table.third.items()}

    assert again_finished == table.results
    assert sorted(table.results) == [2, 3, 5, 7]


def test_states_and_results_print_no_secret() -> None:
    table = Table(GROWN, held_of(THREE)).play()
    first, second, third = table.first[5], table.second[2], table.third[5]
    held, result = held_of(THREE)[2], table.results[5]
    secrets = [
        *first.keys,
        *first.token_keys,
        second.contents,
        second.token_key,
        third.share,
        third.media,
        third.token_key,
        held.share.secret,
        held.token_key,
        result.group_key,
    ]
    printed = repr((first, second, third, held, result))

    for secret in secrets:
        assert secret
        assert repr(secret)[2:-1] not in printed
        assert secret.hex() not in printed
