# SPDX-License-Identifier: Apache-2.0

import pickle
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import NOW

from fedsafe_federation.errors import StaleStatementError
from fedsafe_federation.wire import freshness
from fedsafe_federation.wire.freshness import SKEW, WINDOW, SeenNonces

BEGAN = NOW - timedelta(hours=1)
MOMENT = timedelta(milliseconds=1)
nonces = st.binary(min_size=1, max_size=2)


def test_a_statement_counts_once() -> None:
    seen = SeenNonces(began=BEGAN)
    seen.admit("a", b"1", made=NOW, now=NOW)

    seen.admit("a", b"2", made=NOW, now=NOW)
    seen.admit("b", b"1", made=NOW, now=NOW)
    with pytest.raises(StaleStatementError, match="seen before"):
        seen.admit("a", b"1", made=NOW, now=NOW)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (NOW - WINDOW - MOMENT, "too old"),
        (NOW + SKEW + MOMENT, "in the future"),
    ],
)
def test_a_statement_counts_only_while_it_is_new(made: object, why: str) -> None:
    seen = SeenNonces(began=BEGAN)

    with pytest.raises(StaleStatementError, match=why):
        seen.admit("a", b"1", made=made, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("made", [NOW - WINDOW, NOW + SKEW])
def test_the_window_includes_its_edges(made: object) -> None:
    SeenNonces(began=BEGAN).admit("a", b"1", made=made, now=NOW)  # type: ignore[arg-type]


def test_a_restart_opens_no_gap() -> None:
    SeenNonces(began=NOW).admit("a", b"1", made=NOW, now=NOW)

    with pytest.raises(StaleStatementError, match="too old"):
        SeenNonces(began=NOW).admit("a", b"1", made=NOW - MOMENT, now=NOW)


def test_a_sender_that_counts_milliseconds_is_not_older_than_the_restart() -> None:
    began = NOW.replace(microsecond=123_456)

    SeenNonces(began=began).admit(
        "a", b"1", made=NOW.replace(microsecond=123_000), now=began
    )


@given(
    st.lists(st.tuples(nonces, st.integers(0, 400), st.integers(-6, 400)), max_size=60)
)
def test_nothing_is_admitted_twice(
    arrivals: list[tuple[bytes, int, int]],
) -> None:
    seen = SeenNonces(began=BEGAN)
    admitted: set[tuple[bytes, object]] = set()
    now = NOW
    for nonce, passes, age in arrivals:
        now += timedelta(seconds=passes)
        made = now - timedelta(seconds=age)
        try:
            seen.admit("a", nonce, made=made, now=now)
        except StaleStatementError:
            continue
        assert (nonce, made) not in admitted
        admitted.add((nonce, made))


@pytest.mark.parametrize("ahead", [-SKEW, timedelta(), SKEW])
def test_what_is_still_new_is_still_remembered(ahead: timedelta) -> None:
    seen = SeenNonces(began=BEGAN)
    made = NOW + ahead
    seen.admit("a", b"1", made=made, now=NOW)

    with pytest.raises(StaleStatementError, match="seen before"):
        seen.admit("a", b"1", made=made, now=made + WINDOW)


def test_no_nonce_and_no_name_is_in_the_memory() -> None:
    seen, other = SeenNonces(began=BEGAN), SeenNonces(began=BEGAN)
    for each in (seen, other):
        each.admit("chat.example.de", b"a nonce of sixteen", made=NOW, now=NOW)

    kept = [pickle.dumps(each._seen) for each in (seen, other)]  # noqa: SLF001
    assert not any(b"nonce" in each or b"chat" in each for each in kept)
    assert kept[0] != kept[1]  # nor can it be looked for without the key


def test_memory_is_bounded_and_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "MAX_REMEMBERED", 2)
    seen = SeenNonces(began=BEGAN)
    seen.admit("a", b"1", made=NOW, now=NOW)
    seen.admit("a", b"2", made=NOW, now=NOW)
    with pytest.raises(StaleStatementError, match="too many"):
        seen.admit("a", b"3", made=NOW, now=NOW)

    later = NOW + WINDOW + SKEW + SKEW
    seen.admit("a", b"1", made=later, now=later)
