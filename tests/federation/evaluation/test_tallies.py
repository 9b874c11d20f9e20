# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import FEDERATION, NAMES, key_of, world

from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.evaluation.tallies import (
    TALLY,
    Counted,
    Tally,
    difference,
    open_tally,
    sign_tally,
)
from fedsafe_federation.wire.signed import Signed, sign_payload

A, B = NAMES[:2]
COUNTED = {"lookup": Counted(asked=9, received=7, answered=3)}
NONE: dict[str, int] = {}


def signed(
    sender: str = A, receiver: str = B, day: int = 5, signer: str | None = None
) -> Signed:
    tally = Tally(v=1, sender=sender, receiver=receiver, day=day, counted=COUNTED)
    key = key_of(signer or sender, "statement")
    return sign_tally(tally, key=key, federation=FEDERATION)


def opened(statement: Signed) -> Tally:
    return open_tally(statement, sender=A, me=B, day=5, charter=world().charter)


def test_what_a_member_signed_is_read() -> None:
    assert opened(signed()).counted == COUNTED


@pytest.mark.parametrize(
    "statement",
    [
        signed(signer=NAMES[2]),
        signed(sender=NAMES[2]),
        signed(receiver=NAMES[2]),
        signed(day=6),
    ],
)
def test_what_is_of_others_or_of_another_day_is_refused(statement: Signed) -> None:
    with pytest.raises(UntrustedError):
        opened(statement)


@given(st.binary(max_size=200))
def test_junk_is_malformed(payload: bytes) -> None:
    statement = sign_payload(
        payload,
        type_=TALLY,
        signer=A,
        key=key_of(A, "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(MalformedError):
        opened(statement)


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.integers(0, 1_000))
def test_honest_counts_fit_together(received: int, late: int, lost: int) -> None:
    # What was asked was answered, or it was not; some answers did not arrive.
    own = {"lookup": Counted(asked=received + late + lost, received=received)}
    theirs = {"lookup": Counted(answered=received + late)}

    assert difference(own, theirs, NONE) == 0
    assert difference(theirs, own, NONE) == 0


@pytest.mark.parametrize(
    ("own", "theirs", "differs"),
    [
        (Counted(asked=5, received=5), Counted(answered=9), 4),
        (Counted(), Counted(answered=9), 9),
        (Counted(asked=9, received=9), Counted(answered=2), 7),
        (Counted(answered=9), Counted(asked=5), 4),
    ],
)
def test_what_only_one_of_both_has_counted_shows_at_both(
    own: Counted, theirs: Counted, differs: int
) -> None:
    mine, yours = {"rights": own}, {"rights": theirs}

    assert difference(mine, yours, NONE) == differs
    assert difference(yours, mine, NONE) == differs
    assert difference(mine, yours, {"rights": 3}) == max(0, differs - 3)
    assert difference(mine, yours, {"rights": differs}) == 0


def test_each_budget_is_compared_by_itself() -> None:
    own = {"lookup": Counted(asked=9), "backfill:00112233aabbccdd": Counted(asked=1)}
    theirs = {
        "rights": Counted(answered=4),
        "backfill:00112233aabbccdd": Counted(answered=3),
    }

    assert difference(own, theirs, {"lookup": 99}) == 6
    assert difference(own, theirs, {"rights": 4, "backfill": 2}) == 0
