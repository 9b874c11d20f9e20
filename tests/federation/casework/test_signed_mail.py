# SPDX-License-Identifier: Apache-2.0
"""A signature of a partner covers what it covers, and nothing that stands beside it."""

from base64 import b64encode
from contextlib import suppress
from functools import cache
from time import thread_time
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.gnupg import gnupg

from fedsafe_federation.casework.errors import SignedMailError
from fedsafe_federation.casework.openpgp import parse_openpgp
from fedsafe_federation.casework.signed_mail import LONGEST_MAIL, signed_text

sequoia: Final = pytest.importorskip("pysequoia")
HEAD: Final = b"From: Stelle <stelle@example.org>\r\nSubject: Re: FedSafe"
TEXT: Final = b"Eingegangen: FedSafe Reply-token_0123456789ab\r\n"
PART: Final = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + TEXT


@cache
def key(name: str = "Erfundene Stelle") -> Any:  # noqa: ANN401
    return sequoia.Tsk.generate(f"{name} <stelle@example.org>")


def certificate(name: str = "Erfundene Stelle") -> Any:  # noqa: ANN401
    return parse_openpgp(str(key(name).extract_certificate()))


def signed(content: bytes, how: str, name: str = "Erfundene Stelle") -> bytes:
    mode = getattr(sequoia.SignatureMode, how)
    return bytes(sequoia.sign(key(name).signer(), content, mode=mode))


def in_parts(part: bytes, signature: bytes, boundary: bytes = b"=_x") -> bytes:
    return (
        HEAD + b"\r\nContent-Type: multipart/signed; micalg=pgp-sha512;\r\n"
        b' protocol="application/pgp-signature"; boundary="' + boundary + b'"\r\n\r\n'
        b"Seen by nobody.\r\n--"
        + boundary
        + b"\r\n"
        + part
        + b"\r\n--"
        + boundary
        + b"\r\nContent-Type: application/pgp-signature\r\n\r\n"
        + signature
        + b"\r\n--"
        + boundary
        + b"--\r\n"
    )


def clear(text: bytes) -> bytes:
    return HEAD + b"\r\nContent-Type: text/plain\r\n\r\n" + text


def test_signed_parts_give_what_is_signed() -> None:
    found = signed_text(in_parts(PART, signed(PART, "DETACHED")), certificate())

    assert found is not None
    assert found.startswith(PART)


def test_a_mail_that_lost_its_line_ends_on_the_way_verifies() -> None:
    mail = in_parts(PART, signed(PART, "DETACHED")).replace(b"\r\n", b"\n")

    assert TEXT in (signed_text(mail, certificate()) or b"")


def test_an_encoded_text_is_given_as_a_reader_sees_it() -> None:
    part = b"Content-Transfer-Encoding: base64\r\n\r\n" + b64encode(TEXT) + b"\r\n"
    found = signed_text(in_parts(part, signed(part, "DETACHED")), certificate())

    assert TEXT in (found or b"")


def test_what_stands_around_a_signed_text_is_not_given_back() -> None:
    text = b"before\r\n" + signed(b"inside\n", "CLEAR") + b"\r\nafter\r\n"
    found = signed_text(clear(text), certificate())

    assert found is not None
    assert found.strip() == b"inside"


@pytest.mark.parametrize(
    "mail",
    [
        clear(b"FedSafe Reply-token_0123456789ab\r\n"),
        b"",
        b"Content-Type: multipart/signed; protocol=application/pkcs7-signature\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n\r\n--x--\r\n",
    ],
)
def test_a_mail_without_a_signature_of_openpgp_has_none(mail: bytes) -> None:
    assert signed_text(mail, certificate()) is None


def test_another_key_than_the_partner_s_has_not_signed() -> None:
    for mail in (
        in_parts(PART, signed(PART, "DETACHED", "Andere")),
        clear(signed(TEXT, "CLEAR", "Andere")),
    ):
        with pytest.raises(SignedMailError, match="of the partner's key"):
            signed_text(mail, certificate())


@given(at=st.integers(0, len(PART) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_of_what_is_signed_is_noticed(at: int, bit: int) -> None:
    flipped = bytearray(PART)
    flipped[at] ^= 1 << bit
    mail = in_parts(bytes(flipped), signature_of_part())

    if b"\r" in bytes([flipped[at], PART[at]]) or b"\n" in bytes(
        [flipped[at], PART[at]]
    ):
        return  # line ends are written anew
    with pytest.raises(SignedMailError):
        signed_text(mail, certificate())


@cache
def signature_of_part() -> bytes:
    return signed(PART, "DETACHED")


@pytest.mark.parametrize(
    "mail",
    [
        in_parts(PART, b"no signature"),
        in_parts(
            PART,
            b"-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n-----END PGP SIGNATURE-----",
        ),
        in_parts(PART, signed(PART, "DETACHED")) + b"--=_x\r\n\r\n--=_x--\r\n",
        b"Content-Type: multipart/signed; protocol=application/pgp-signature\r\n\r\n",
        clear(signed(TEXT, "CLEAR").replace(b"Eingegangen", b"Abgelehnt")),
        b"A: b\r\n\r\n" + b"x" * LONGEST_MAIL,
    ],
    ids=["no armor", "no packet", "three parts", "no boundary", "changed", "long"],
)
def test_a_mail_that_is_not_signed_as_it_says_is_refused(mail: bytes) -> None:
    with pytest.raises(SignedMailError) as caught:
        signed_text(mail, certificate())

    assert "backtrace" not in str(caught.value)
    assert "Reply-token" not in str(caught.value)


def test_parts_deep_within_parts_are_refused() -> None:
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (each, each)
        for each in range(4_000)
    )

    with pytest.raises(SignedMailError, match="within each other"):
        signed_text(nested[:LONGEST_MAIL], certificate())


def test_mails_deep_within_mails_are_refused() -> None:
    nested = HEAD + b"\r\n" + b"Content-Type: Message/RFC822\r\n\r\n" * 4_000

    for mail in (nested, in_parts(nested, signed(nested, "DETACHED"))):
        with pytest.raises(SignedMailError, match="within each other"):
            signed_text(mail, certificate())


def test_a_mail_that_is_passed_on_within_another_is_read() -> None:
    inner = clear(signed(b"inside\n", "CLEAR"))
    passed_on = HEAD + b"\r\nContent-Type: message/rfc822\r\n\r\n" + inner

    assert (signed_text(passed_on, certificate()) or b"").strip() == b"inside"


@pytest.mark.parametrize("kind", ["CLEAR", "DETACHED"])
def test_many_beginnings_without_an_end_take_no_time(kind: str) -> None:
    if kind == "CLEAR":
        lines = b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" * 3_500
        mail = clear(lines + b"\r\n" * 60_000)
    else:
        lines = b"-----BEGIN PGP SIGNATURE-----\r\n" * 4_000
        mail = in_parts(PART, lines + b"-" * 120_000)
    begun = thread_time()
    with suppress(SignedMailError):
        assert signed_text(mail, certificate()) is None

    assert len(mail) <= LONGEST_MAIL
    assert thread_time() - begun < 1


def test_the_first_beginning_goes_with_the_first_end_after_it() -> None:
    end = b"-----END PGP SIGNATURE-----\r\n"
    once = signed(b"inside\n", "CLEAR")
    found = signed_text(clear(end + once + b"\r\n" + once), certificate())

    assert found is not None
    assert found.strip() == b"inside"


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_mail_or_refused(data: bytes) -> None:
    for mail in (data, in_parts(data, signature_of_part()), HEAD + b"\r\n" + data):
        with suppress(SignedMailError):
            assert signed_text(mail, certificate()) in (None, b"")


def test_what_gnupg_signs_verifies() -> None:
    with gnupg() as gpg:
        gpg("--quick-gen-key", "Stelle <stelle@example.org>", "ed25519", "sign")
        theirs = parse_openpgp(gpg("--armor", "--export").stdout.decode())
        beside = gpg("--armor", "--detach-sign", data=PART).stdout
        around = gpg("--armor", "--clearsign", data=PART).stdout

    assert TEXT in (signed_text(in_parts(PART, beside), theirs) or b"")
    assert b"Reply-token" in (signed_text(clear(around), theirs) or b"")
    with pytest.raises(SignedMailError):
        signed_text(in_parts(PART, beside), certificate())
