# SPDX-License-Identifier: Apache-2.0
"""A message has one encoding, and belongs to one run."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.crypto.dkg.rounds import run_of

from fedsafe_crypto.dkg.messages import (
    Announcement,
    Deal,
    Reason,
    Verdict,
    of_run,
    read,
    write,
)

RUN = run_of(2, (1, 2, 3))
HEAD = RUN.digest()


@given(st.binary(max_size=200))
def test_junk_is_a_reason_to_complain(data: bytes) -> None:
    for junk in (data, HEAD + data):
        assert read(Announcement, junk, RUN, 1) is Reason.MALFORMED
        assert read(Deal, junk, RUN, 1) is Reason.MALFORMED
        assert read(Verdict, junk, RUN, 1) is Reason.MALFORMED


def test_deep_and_unknown_nests_are_malformed() -> None:
    for junk in (b"\x91" * 100_000, b"\x81\xa1x" + b"\x91" * 100_000):
        assert read(Deal, HEAD + junk, RUN, 1) is Reason.MALFORMED


def test_a_message_has_one_encoding() -> None:
    verdict = Verdict(sender=1, transcript=bytes(32), complaints=())
    data = write(RUN, verdict)
    longer = data.replace(b"sender\x01", b"sender\xcc\x01")
    more = HEAD + bytes((data[32] + 1,)) + data[33:] + b"\xa1x\x01"

    assert read(Verdict, data, RUN, 1) == verdict
    assert len(longer) > len(data)
    for other in (longer, more, data + b"\0"):
        assert read(Verdict, other, RUN, 1) is Reason.MALFORMED


def test_messages_of_other_runs_are_sorted_out() -> None:
    verdict = Verdict(sender=1, transcript=bytes(32), complaints=())
    ours = write(RUN, verdict)
    theirs = write(replace(RUN, attempt=b"2"), verdict)

    assert of_run(RUN, {1: ours, 2: theirs, 3: b""}) == {1: ours}
    assert read(Verdict, theirs, RUN, 1) is Reason.MALFORMED
