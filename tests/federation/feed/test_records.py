# SPDX-License-Identifier: Apache-2.0

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import payload_of, restriction, salt_of, signal_id

from fedsafe_crypto.errors import CommitmentError
from fedsafe_crypto.primitives.commitment import verify_commitment
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.records import (
    RestrictionRecord,
    SignalRecord,
    decode_record,
    encode_record,
    signal_record,
)
from fedsafe_federation.feed.signals import SIGNAL_GROUP

bytes16 = st.binary(min_size=16, max_size=16)
bytes32 = st.binary(min_size=32, max_size=32)


@given(signal=bytes16, commitment=bytes32)
def test_a_signal_record_survives_the_round_trip(
    signal: bytes, commitment: bytes
) -> None:
    record = SignalRecord(signal=signal, commitment=commitment)

    assert decode_record(encode_record(record)) == record


def test_a_restriction_record_survives_the_round_trip() -> None:
    record = RestrictionRecord(restriction("a.example", 1, [signal_id(1)]))

    assert decode_record(memoryview(encode_record(record))) == record


@given(data=st.binary(max_size=200))
def test_junk_is_no_record(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_record(data)


@pytest.mark.parametrize("version", [b"0", b"2", b"1.5", b"null"])
def test_another_version_is_no_record_of_this_one(version: bytes) -> None:
    data = encode_record(SignalRecord(signal=bytes(16), commitment=bytes(32)))

    with pytest.raises(MalformedError):
        decode_record(data.replace(b'"v":1', b'"v":' + version))


@pytest.mark.parametrize("lengths", [(15, 32), (17, 32), (16, 31), (16, 33)])
def test_ids_and_commitments_have_one_length(lengths: tuple[int, int]) -> None:
    record = SignalRecord(signal=bytes(lengths[0]), commitment=bytes(lengths[1]))

    with pytest.raises(MalformedError):
        decode_record(encode_record(record))


def test_a_record_commits_to_its_opening_in_one_feed_only() -> None:
    record = signal_record(
        "a.example/feed", signal_id(1), salt=salt_of(1), payload=payload_of(1)
    )
    parts = (SIGNAL_GROUP, salt_of(1), payload_of(1))

    verify_commitment(record.commitment, "a.example/feed", *parts)
    with pytest.raises(CommitmentError):
        verify_commitment(record.commitment, "b.example/feed", *parts)
