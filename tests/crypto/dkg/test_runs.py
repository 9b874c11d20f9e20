# SPDX-License-Identifier: Apache-2.0
"""A run is bound to all that its participants agree on, and repeated as agreed."""

from dataclasses import replace

import pytest
from tests.crypto.dkg.rounds import finished, resharing_of, roster_of, run_of

from fedsafe_crypto.dkg.runs import Run, Source
from fedsafe_crypto.errors import CryptoError, DkgError, SharesError
from fedsafe_crypto.oprf.keys import Generation

RUN = run_of(2, (1, 2, 3))
OLD = finished(RUN)
OTHER = finished(RUN)
ANEW = resharing_of(OLD, 3, (2, 3, 5, 7))


def source_of(run: Run) -> Source:
    assert run.source is not None
    return run.source


def with_source(**changes: object) -> Run:
    source = replace(source_of(ANEW), **changes)  # type: ignore[arg-type]
    return replace(ANEW, source=source)


@pytest.mark.parametrize(
    "changes",
    [
        {"federation_id": "example.net"},
        {"generation": Generation(1, 2)},
        {"generation": Generation(2, 1)},
        {"threshold": 3},
        {"roster": ((1, b"key of 1"), (2, b"key of 2"), (3, b"another"))},
        {"roster": ((1, b"key of 1"), (2, b"key of 2"), (4, b"key of 3"))},
        {"attempt": b"2"},
    ],
)
def test_a_run_is_bound_to_all_its_parts(changes: dict[str, object]) -> None:
    assert replace(RUN, **changes).digest() != RUN.digest()  # type: ignore[arg-type]


def test_resharing_is_bound_to_what_it_starts_from() -> None:
    runs = [
        ANEW,
        replace(ANEW, source=None),
        with_source(pins=OTHER[1].pins.to_bytes()),
        with_source(dealers=roster_of((2, 3))),
        with_source(token_commitment=bytes(32)),
    ]

    assert len({run.digest() for run in runs}) == len(runs)


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 0},
        {"threshold": 4},
        {"roster": ()},
        {"roster": ((2, b"a"), (1, b"b"))},
        {"roster": ((1, b"a"), (1, b"b"))},
        {"roster": ((1, b"a"), (2, b"a"))},
        {"roster": ((0, b"a"), (1, b"b"))},
        {"attempt": b"x" * 65},
        {"federation_id": "x" * 65_536},
    ],
)
def test_a_run_out_of_bounds_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(CryptoError):
        replace(RUN, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"generation": Generation(1, 1)}, "does not follow"),
        ({"generation": Generation(2, 2)}, "does not follow"),
        ({"roster": roster_of((5, 7, 9))}, "none of the dealers stays"),
        (
            {"roster": ((2, b"another"), (3, b"key of 3"), (5, b"x"), (7, b"y"))},
            "one share index for two identities",
        ),
        (
            {"roster": ((2, b"key of 2"), (3, b"key of 3"), (5, b"key of 1"))},
            "one identity with two share indices",
        ),
    ],
)
def test_resharing_that_contradicts_its_source_is_refused(
    changes: dict[str, object], why: str
) -> None:
    with pytest.raises(DkgError, match=why):
        replace(ANEW, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"dealers": roster_of((2,))},
        {"dealers": roster_of((2, 4))},
        {"dealers": roster_of((3, 2))},
        {"dealers": ((2, b"key of 2"), (3, b"key of 2"))},
        {"pins": b""},
        {"token_commitment": bytes(31)},
    ],
)
def test_a_source_out_of_bounds_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(CryptoError):
        with_source(**changes)


def test_pins_that_do_not_make_their_key_are_no_source() -> None:
    pins = OLD[1].pins
    wrong = replace(pins, public=OTHER[1].pins.public)

    with pytest.raises(SharesError, match="do not make the public key"):
        with_source(pins=wrong.to_bytes())


def test_everybody_has_a_part_in_a_run() -> None:
    assert (ANEW.indices, ANEW.dealers) == ((2, 3, 5, 7), (1, 2, 3))
    assert ANEW.participants == (1, 2, 3, 5, 7)
    assert ANEW.newcomers == (5, 7)
    assert ANEW.dealers_to(2) == (1, 3)
    assert ANEW.dealers_to(1) == ()
    assert ANEW.recipients_of(2) == (3, 5, 7)
    assert ANEW.recipients_of(5) == ()
    assert RUN.newcomers == ()


def test_a_run_is_repeated_without_whoever_is_gone() -> None:
    again = ANEW.without({2}, attempt=b"2")

    assert (again.indices, again.dealers) == ((3, 5, 7), (1, 3))
    assert replace(again, roster=ANEW.roster, source=ANEW.source) == replace(
        ANEW, attempt=b"2"
    )
    assert RUN.without([1], attempt=b"2").indices == (2, 3)


@pytest.mark.parametrize("gone", [{1, 2}, {5, 7}])
def test_too_few_are_not_repeated_with(gone: set[int]) -> None:
    with pytest.raises(SharesError):
        ANEW.without(gone, attempt=b"2")


def test_a_repeated_run_is_another_one() -> None:
    with pytest.raises(DkgError, match="another attempt"):
        ANEW.without({2}, attempt=b"")
