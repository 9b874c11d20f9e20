# SPDX-License-Identifier: Apache-2.0
"""A run of the key generation is bound to all that its participants agree on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.dkg_messages import (
    Announcement,
    Deal,
    Reason,
    Run,
    Verdict,
    encode,
    read,
)
from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.keys import Generation

RUN = Run(
    federation_id="example.org/federation",
    generation=Generation(1, 1),
    threshold=2,
    roster=((1, b"key of 1"), (2, b"key of 2"), (3, b"key of 3")),
)


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


@given(st.binary(max_size=200))
def test_junk_is_a_reason_to_complain(data: bytes) -> None:
    assert read(Announcement, data, RUN, 1) is Reason.MALFORMED
    assert read(Deal, data, RUN, 1) is Reason.MALFORMED
    assert read(Verdict, data, RUN, 1) is Reason.MALFORMED


def test_deep_and_unknown_nests_are_malformed() -> None:
    for junk in (b"\x91" * 100_000, b"\x81\xa1x" + b"\x91" * 100_000):
        assert read(Deal, junk, RUN, 1) is Reason.MALFORMED


def test_a_message_has_one_encoding() -> None:
    verdict = Verdict(sender=1, run=RUN.digest(), transcript=bytes(32), complaints=())
    data = encode(verdict)
    longer = data.replace(b"sender\x01", b"sender\xcc\x01")
    more = bytes((data[0] + 1,)) + data[1:] + b"\xa1x\x01"

    assert read(Verdict, data, RUN, 1) == verdict
    assert len(longer) > len(data)
    for other in (longer, more, data + b"\0"):
        assert read(Verdict, other, RUN, 1) is Reason.MALFORMED
