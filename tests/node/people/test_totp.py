# SPDX-License-Identifier: Apache-2.0
"""Vectors: RFC 6238, appendix B (SHA-1), shortened from eight digits to six."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.people.totp import (
    accepted_step,
    code_at,
    enrolment_uri,
    new_secret,
    step_of,
)

SECRET = b"12345678901234567890"
VECTORS = [
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
]
STEPS = st.integers(min_value=2, max_value=2**40)


@pytest.mark.parametrize(("seconds", "eight"), VECTORS)
def test_codes_are_those_of_the_rfc(seconds: int, eight: str) -> None:
    step = step_of(datetime.fromtimestamp(seconds, UTC))

    assert code_at(SECRET, step) == eight[-6:]


@given(STEPS, st.integers(-1, 1))
def test_a_code_beside_now_is_taken_once(now: int, beside: int) -> None:
    secret = new_secret()
    code = code_at(secret, now + beside)

    step = accepted_step(secret, code, now, last=0)

    assert step is not None
    assert accepted_step(secret, code, now, last=step) is None


@given(STEPS)
def test_a_code_far_from_now_is_refused(now: int) -> None:
    far = {code_at(SECRET, step) for step in range(now - 1, now + 2)}
    for step in (now + 2, now + 5, max(0, now - 2)):
        code = code_at(SECRET, step)
        if code not in far:
            assert accepted_step(SECRET, code, now, last=0) is None


@given(st.text())
def test_junk_is_no_code(code: str) -> None:
    now = 1
    genuine = {code_at(SECRET, step) for step in range(3)}

    taken = accepted_step(SECRET, code, now, last=-2)

    assert (taken is not None) == (code in genuine)


def test_an_authenticator_can_read_the_enrolment() -> None:
    uri = enrolment_uri(SECRET, name="anna", node="chat.example.de")

    assert uri.startswith("otpauth://totp/chat.example.de:anna?")
    assert "digits=6" in uri
    assert "period=30" in uri
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" in uri
