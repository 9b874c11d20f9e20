# SPDX-License-Identifier: Apache-2.0
"""A new epoch is a key that nobody had before, made by those who hold shares now."""

from functools import lru_cache
from typing import Any

import pytest
from tests.support.members import NAMES
from tests.support.renewals import (
    AFTER,
    CREATED,
    Federation,
    Renewing,
    founded,
    proposed,
    renewing,
)

from fedsafe_federation.charter.charter import LONGEST_EPOCH, OVERLAP
from fedsafe_federation.charter.resharing import open_resharing, repeated
from fedsafe_federation.errors import ResharingError

A, B, C, D = NAMES[:4]
YEAR = 365 * 24 * 3600
FOUNDED = 1_700_000_000


def opening(federation: Federation, **changes: Any) -> Renewing:  # noqa: ANN401 - any field
    wanted = {"tokens": None, "ends": CREATED + YEAR} | changes
    return renewing(federation, wanted.pop("threshold", 2), **wanted)


@lru_cache
def opened() -> Federation:
    """Open epoch 2 after D has joined, which had no share of the first key."""
    return opening(founded().joined(D)).finish().agreed()


def test_all_holders_get_shares_of_a_key_that_nobody_had() -> None:
    first, second = opened().version.charter.epochs
    before = founded()

    assert (second.epoch, second.generation) == (2, 1)
    assert [pin.index for pin in second.pins] == [1, 2, 3, 4]
    assert first == before.version.charter.epochs[0]
    assert second.public != first.public
    assert second.tokens not in {None, first.tokens}
    assert (second.starts, second.ends) == (CREATED, CREATED + YEAR)
    assert opened().held.keys() == {A, B, C, D}


def test_any_holders_make_one_output_and_another_one_than_before() -> None:
    pins = opened().version.charter.pins()[2]
    outputs = {opened().output(pair, pins=pins) for pair in ([A, B], [B, D], [C, D])}

    assert len(outputs) == 1
    assert founded().output([A, B]) not in outputs


@pytest.mark.parametrize("stage", range(9))
def test_it_goes_on_after_a_crash_at_every_message(stage: int) -> None:
    here = opening(founded())
    for turn in range(stage):
        here.take(NAMES[turn % 3])
    here.side(B)  # loads what B has kept, as after a crash

    assert here.finish().agreed().version.charter.newest.epoch == 2


@pytest.mark.parametrize("lost", ["announce", "deal", "verdict", "holding"])
def test_who_vanishes_is_left_out_of_the_next_attempt(lost: str) -> None:
    here = opening(founded().joined(D))
    here.tamper = lambda message, _: (
        None if (message.type, message.signer) == (f"resharing.{lost}", C) else message
    )
    for _ in range(7):
        for name in (A, B, D):
            here.take(name)
    here.now = AFTER
    for name in (A, B, D):
        assert here.side(name).gone(here.heard(name), now=AFTER) == {C}
    terms = repeated(
        open_resharing(here.federation.version, here.proposal),
        {C},
        created=CREATED + 1,
        deadline=CREATED + 3600,
    )

    assert terms.ends == CREATED + YEAR
    again = Renewing(here.federation, proposed(terms), gone={C})
    [_, entry] = again.finish().agreed().version.charter.epochs
    assert [pin.index for pin in entry.pins] == [1, 2, 4]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ends": None}, "one of both"),
        ({"tokens": bytes(32)}, "one of both"),
        ({"ends": CREATED}, "end after its begin"),
        ({"ends": CREATED + LONGEST_EPOCH + 1}, "within 366 days"),
        ({"threshold": 1}, "from 2 to 2 of 3"),
        ({"threshold": 3}, "from 2 to 2 of 3"),
        ({"created": FOUNDED - 1, "ends": FOUNDED}, "after the newest one"),
    ],
)
def test_an_epoch_that_cannot_be_opened(changes: dict[str, Any], why: str) -> None:
    deadline = changes.get("created", CREATED) + 3600
    here = {"deadline": deadline} | changes

    with pytest.raises(ResharingError, match=why):
        opening(founded(), **here)


def test_two_that_are_left_share_their_key_anew_and_begin_no_other() -> None:
    two = founded().left(C)
    after = renewing(two, 2).finish().agreed()
    [entry] = after.version.charter.epochs
    assert (len(entry.pins), entry.threshold, entry.generation) == (2, 2, 2)
    assert after.output([A, B]) == founded().output([A, B])

    for threshold in (1, 2):
        with pytest.raises(ResharingError, match="3 share holders at least, not 2"):
            opening(two, threshold=threshold)
    with pytest.raises(ResharingError, match="3 share holders at least, not 2"):
        renewing(two, 1)


def test_no_third_epoch_begins_while_two_live() -> None:
    begun = opened()
    entry = begun.version.charter.newest
    over = CREATED + OVERLAP
    terms = {"epoch": 2, "generation": 1, "charter": begun.version.digest}
    early = {"created": over - 1, "deadline": over, "ends": over + YEAR}

    with pytest.raises(ResharingError, match="epoch 1 is over on 20"):
        opening(begun, **terms, **early)
    late = {"created": over, "deadline": over + 3600, "ends": over + YEAR}
    third = opening(begun, **terms, **late)
    third.now = over + 1
    charter = third.finish().agreed().version.charter
    assert [each.epoch for each in charter.epochs] == [2, 3]
    assert charter.epochs[0] == entry


def test_a_key_of_the_epoch_that_ends_can_still_be_shared_anew() -> None:
    first = opened().version.charter.epochs[0]
    terms = {"epoch": 1, "generation": 1, "tokens": first.tokens}
    again = renewing(
        Federation(opened().version, founded().held, opened().documents), 2, **terms
    )
    charter = again.finish().agreed().version.charter
    assert [(e.epoch, e.generation) for e in charter.epochs] == [(1, 2), (2, 1)]
