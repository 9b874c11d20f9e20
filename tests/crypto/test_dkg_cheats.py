# SPDX-License-Identifier: Apache-2.0
"""Whatever one participant of the key generation sends, nobody ends with a bad key."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.dkg import (
    Announced,
    Dealt,
    Judged,
    State,
    announce,
    check_verdicts,
)
from fedsafe_crypto.dkg_messages import (
    Announcement,
    Deal,
    Reason,
    Run,
    Verdict,
    encode,
)
from fedsafe_crypto.errors import DkgAbortError
from fedsafe_crypto.feldman import commit_deal, seal_context
from fedsafe_crypto.group import multiply_base, random_scalar
from fedsafe_crypto.keys import Generation
from fedsafe_crypto.seal import PUBLIC_KEY_BYTES, seal
from fedsafe_crypto.shares import draw_polynomial, value_at

Messages = dict[int, bytes]

RUN = Run(
    federation_id="example.org/federation",
    generation=Generation(1, 1),
    threshold=2,
    roster=((1, b"key of 1"), (2, b"key of 2"), (3, b"key of 3")),
)


def sent(states: Mapping[int, State]) -> Messages:
    return {index: state.message for index, state in states.items()}


def dealt(states: Mapping[int, Announced]) -> dict[int, Dealt]:
    outcome = {index: state.deal(sent(states)) for index, state in states.items()}
    return {i: state for i, state in outcome.items() if isinstance(state, Dealt)}


FIRST = {index: announce(RUN, index) for index in RUN.indices}
SECOND = dealt(FIRST)
THIRD = {index: state.judge(sent(SECOND)) for index, state in SECOND.items()}


def deal_of_three() -> Deal:
    return msgspec.msgpack.decode(SECOND[3].message, type=Deal)


def with_deal(deal: Deal) -> Messages:
    return {**sent(SECOND), 3: encode(deal)}


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


def other_commitments() -> tuple[bytes, ...]:
    return tuple(multiply_base(random_scalar()) for _ in range(2))


BAD_DEALS: dict[str, tuple[Callable[[Deal], Deal], Reason]] = {
    "other commitments": (
        lambda d: replace(d, commitments=other_commitments()),
        Reason.NO_POSSESSION,
    ),
    "another second commitment": (
        lambda d: replace(d, commitments=(d.commitments[0], other_commitments()[0])),
        Reason.NO_POSSESSION,
    ),
    "the identity": (
        lambda d: replace(d, commitments=(bytes(32), d.commitments[1])),
        Reason.NO_POSSESSION,
    ),
    "a broken proof": (
        lambda d: replace(d, possession=flipped(d.possession)),
        Reason.NO_POSSESSION,
    ),
    "a higher degree": (
        lambda d: replace(d, commitments=(*d.commitments, d.commitments[0])),
        Reason.MALFORMED,
    ),
    "a lower degree": (
        lambda d: replace(d, commitments=d.commitments[:1]),
        Reason.MALFORMED,
    ),
    "a broken sub-share": (
        lambda d: replace(d, sealed=tuple(flipped(each) for each in d.sealed)),
        Reason.UNREADABLE,
    ),
    "swapped sub-shares": (
        lambda d: replace(d, sealed=d.sealed[::-1]),
        Reason.UNREADABLE,
    ),
    "a missing sub-share": (
        lambda d: replace(d, sealed=d.sealed[:1]),
        Reason.MALFORMED,
    ),
    "another contribution": (
        lambda d: replace(d, contribution=bytes(32)),
        Reason.NO_POSSESSION,
    ),
    "other announcements": (
        lambda d: replace(d, announcements=bytes(32)),
        Reason.OTHER_ANNOUNCEMENTS,
    ),
    "another run": (lambda d: replace(d, run=bytes(32)), Reason.OTHER_RUN),
    "another sender": (lambda d: replace(d, sender=2), Reason.OTHER_RUN),
}


@pytest.mark.parametrize("name", BAD_DEALS)
def test_a_bad_deal_ends_the_run_for_all(name: str) -> None:
    cheat, reason = BAD_DEALS[name]
    deals = with_deal(cheat(deal_of_three()))
    states = {index: SECOND[index].judge(deals) for index in (1, 2)}
    verdicts = {**sent(states), 3: THIRD[3].message}

    for index, state in states.items():
        with pytest.raises(DkgAbortError) as caught:
            state.finish(verdicts)
        accused = {(c.by, c.about, c.reason) for c in caught.value.complaints}
        assert accused == {(1, 3, reason), (2, 3, reason)}
        assert caught.value.complaints[0].by == index
    with pytest.raises(DkgAbortError):
        THIRD[3].finish(verdicts)


def forged(
    contents: Callable[[int, bytes, bytes], bytes], contribution: bytes = b"\7" * 32
) -> Messages:
    """Deal as participant 3, sealing whatever contents gives for an index."""
    polynomial = draw_polynomial(2)
    deal = commit_deal(
        sender=3,
        run=RUN.digest(),
        announcements=SECOND[3].announcements,
        polynomial=polynomial,
        contribution=contribution,
    )
    sealed: list[bytes] = []
    for index in (1, 2):
        announcement = msgspec.msgpack.decode(FIRST[index].message, type=Announcement)
        text = contents(index, value_at(polynomial, index), contribution)
        sealed.append(
            seal(
                announcement.keys[1],
                text,
                info=b"fedsafe/v1/dkg sub-share",
                aad=seal_context(deal, index),
            )
        )
    return with_deal(replace(deal, sealed=tuple(sealed)))


def test_an_honest_forger_is_believed() -> None:
    deals = forged(lambda _, share, contribution: share + contribution)

    assert SECOND[1].judge(deals).complaints == ()


@pytest.mark.parametrize(
    "share",
    [random_scalar(), bytes(32), b"\xff" * 32],
    ids=["any", "zero", "too large"],
)
def test_a_sub_share_off_the_polynomial_is_found(share: bytes) -> None:
    deals = forged(lambda _, __, contribution: share + contribution)

    assert SECOND[1].judge(deals).complaints == ((3, Reason.WRONG_SHARE),)


def test_a_sub_share_of_somebody_else_is_found() -> None:
    first: dict[int, bytes] = {}

    def shares_of_one(_: int, share: bytes, contribution: bytes) -> bytes:
        return first.setdefault(1, share) + contribution

    deals = forged(shares_of_one)

    assert SECOND[1].judge(deals).complaints == ()
    assert SECOND[2].judge(deals).complaints == ((3, Reason.WRONG_SHARE),)


def test_two_contributions_of_one_dealer_are_found() -> None:
    def two(index: int, share: bytes, contribution: bytes) -> bytes:
        return share + (contribution if index == 1 else b"\1" * 32)

    deals = forged(two)

    assert SECOND[1].judge(deals).complaints == ()
    assert SECOND[2].judge(deals).complaints == ((3, Reason.WRONG_CONTRIBUTION),)


def test_different_deals_to_different_people_end_the_run() -> None:
    twice = FIRST[3].deal(sent(FIRST))
    one = SECOND[1].judge(sent(SECOND))
    two = SECOND[2].judge({**sent(SECOND), 3: twice.message})
    verdicts = {1: one.message, 2: two.message, 3: THIRD[3].message}

    assert one.complaints == two.complaints == ()
    for state in (one, two):
        with pytest.raises(DkgAbortError, match="another transcript"):
            state.finish(verdicts)


def test_different_announcements_to_different_people_end_the_run() -> None:
    other = announce(RUN, 3)
    deals: Messages = {}
    for index in (1, 3):
        deals[index] = FIRST[index].deal(sent(FIRST)).message
    two = FIRST[2].deal({**sent(FIRST), 3: other.message})
    deals[2] = two.message
    assert isinstance(two, Dealt)

    state = two.judge(deals)
    accused = dict(state.complaints)
    assert accused == dict.fromkeys((1, 3), Reason.OTHER_ANNOUNCEMENTS)
    with pytest.raises(DkgAbortError):
        state.finish({2: state.message})


def announcement_of_three(**changes: object) -> bytes:
    message = msgspec.msgpack.decode(FIRST[3].message, type=Announcement)
    return encode(replace(message, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.MALFORMED),
        (b"\xc1", Reason.MALFORMED),
        (b"\x00" * 300_000, Reason.MALFORMED),
        (FIRST[3].message + b"\0", Reason.MALFORMED),
        (announcement_of_three(keys=()), Reason.MALFORMED),
        (announcement_of_three(sender=1), Reason.OTHER_RUN),
        (announcement_of_three(run=b""), Reason.OTHER_RUN),
        (
            announcement_of_three(keys=(b"\xff" * PUBLIC_KEY_BYTES,) * 2),
            Reason.UNUSABLE_KEY,
        ),
    ],
)
def test_a_bad_announcement_ends_the_run(data: bytes, reason: Reason) -> None:
    state = FIRST[1].deal({**sent(FIRST), 3: data})

    assert isinstance(state, Judged)
    assert state.complaints == ((3, reason),)
    for stage in (FIRST[2], SECOND[2], THIRD[2]):
        with pytest.raises(DkgAbortError, match="1 complains of 3"):
            check_verdicts(stage, {1: state.message})
    with pytest.raises(DkgAbortError):
        state.finish({1: state.message})


def verdict_of_three(**changes: object) -> bytes:
    message = msgspec.msgpack.decode(THIRD[3].message, type=Verdict)
    return encode(replace(message, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        THIRD[2].message,
        verdict_of_three(transcript=b""),
        verdict_of_three(transcript=bytes(32)),
        verdict_of_three(run=bytes(32)),
        verdict_of_three(complaints=((2, Reason.UNREADABLE),)),
        verdict_of_three(transcript=b"", complaints=((3, Reason.UNREADABLE),)),
        verdict_of_three(transcript=b"", complaints=((9, Reason.UNREADABLE),)),
        verdict_of_three(transcript=b"", complaints=((2, Reason.UNREADABLE),)),
    ],
)
def test_a_bad_verdict_ends_the_run(data: bytes) -> None:
    with pytest.raises(DkgAbortError) as caught:
        THIRD[1].finish({**sent(THIRD), 3: data})

    assert len(caught.value.complaints) == 1
    assert 3 in {caught.value.complaints[0].by, caught.value.complaints[0].about}


@settings(max_examples=60)
@given(st.data())
def test_any_changed_byte_of_a_deal_ends_the_run(data: st.DataObject) -> None:
    message = bytearray(SECOND[3].message)
    place = data.draw(st.integers(min_value=0, max_value=len(message) - 1))
    message[place] ^= data.draw(st.integers(min_value=1, max_value=255))
    verdicts = sent(THIRD)
    for index in (1, 2):
        state = SECOND[index].judge({**sent(SECOND), 3: bytes(message)})
        verdicts[index] = state.message

    for index in (1, 2, 3):
        with pytest.raises(DkgAbortError):
            THIRD[index].finish({**verdicts, index: THIRD[index].message})
