# SPDX-License-Identifier: Apache-2.0
import pytest

from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.parcels import (
    MOST_PROOF,
    Parcel,
    Sealing,
    proof_of,
)

TOKEN = "r" * 22


def test_a_parcel_shows_neither_its_content_nor_its_reply_token() -> None:
    parcel = Parcel(
        "0" * 32, Sealing.HPKE, b"ciphertext", test=False, reply_token=TOKEN
    )

    assert "cipher" not in repr(parcel)
    assert TOKEN not in repr(parcel)


@pytest.mark.parametrize(
    ("dispatch", "data", "token"),
    [
        ("0" * 31, b"x", TOKEN),
        ("../" + "0" * 29, b"x", TOKEN),
        ("0" * 32, b"", TOKEN),
        ("0" * 32, b"x", "short"),
        ("0" * 32, b"x", "r" * 22 + "\r\nBcc:"),
    ],
)
def test_a_parcel_that_would_not_fit_a_header_is_refused(
    dispatch: str, data: bytes, token: str
) -> None:
    with pytest.raises(ValueError, match=r"."):
        Parcel(dispatch, Sealing.HPKE, data, test=False, reply_token=token)


@pytest.mark.parametrize("sealing", Sealing)
def test_a_parcel_that_needs_a_signature_is_none_without_it(sealing: Sealing) -> None:
    beside = b"signature" if sealing is Sealing.HPKE else None
    with pytest.raises(ValueError, match="signature"):
        Parcel("0" * 32, sealing, b"x", test=False, reply_token=TOKEN, signature=beside)


def test_a_proof_is_bounded_and_repeats_no_address() -> None:
    said = (
        "250 2.0.0 <intake@office.example> from 192.0.2.7 [2001:db8::1]\r\nqueued\x00"
    )

    assert proof_of(said) == "250 2.0.0 [address] from [address] [address] queued"
    assert len(proof_of("x" * 9_999)) == MOST_PROOF


def test_only_what_may_go_better_is_tried_again_by_itself() -> None:
    retried = {fault for fault in Fault if SendingError(fault, "words").retry}

    assert retried == {Fault.UNREACHABLE, Fault.IN_DOUBT}
    assert SendingError(Fault.REFUSED, "busy", retry=True).retry
