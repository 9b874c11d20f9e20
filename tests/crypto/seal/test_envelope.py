# SPDX-License-Identifier: Apache-2.0

import json
from hashlib import sha512
from pathlib import Path
from typing import TypedDict, Unpack

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import MalformedInputError, OpenError, WrongLengthError
from fedsafe_crypto.seal.envelope import (
    ENVELOPE_BYTES,
    MAX_BODY_BYTES,
    PADDED_BODY_BYTES,
    open_envelope,
    open_media,
    seal_envelope,
    seal_media,
)
from fedsafe_crypto.seal.secretbox import encrypt

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "envelope.json").read_text()
)
Y = sha512(b"an OPRF output").digest()
KEY = bytes(range(32))
SIGNAL = bytes(range(16))
HEADER = b'{"v":1,"plane":"actor"}'
BODY = b'{"kind":2,"phenomenon":"grooming"}'
BODIES = st.binary(max_size=MAX_BODY_BYTES)


class Actor(TypedDict, total=False):
    y: bytes
    epoch: int
    origin: str
    signal_id: bytes
    header: bytes


class Media(TypedDict, total=False):
    group_key: bytes
    federation_id: str
    origin: str
    signal_id: bytes
    epoch: int
    generation: int


def sealed_actor(body: bytes = BODY, **change: Unpack[Actor]) -> bytes:
    return seal_envelope(
        change.get("y", Y),
        epoch=change.get("epoch", 1),
        origin=change.get("origin", "a.example"),
        signal_id=change.get("signal_id", SIGNAL),
        header=change.get("header", HEADER),
        body=body,
    )


def opened_actor(envelope: bytes, **change: Unpack[Actor]) -> bytes:
    return open_envelope(
        change.get("y", Y),
        epoch=change.get("epoch", 1),
        origin=change.get("origin", "a.example"),
        signal_id=change.get("signal_id", SIGNAL),
        header=change.get("header", HEADER),
        envelope=envelope,
    )


def sealed_media(body: bytes = BODY, **change: Unpack[Media]) -> bytes:
    return seal_media(
        change.get("group_key", KEY),
        federation_id=change.get("federation_id", "example"),
        origin=change.get("origin", "a.example"),
        signal_id=change.get("signal_id", SIGNAL),
        epoch=change.get("epoch", 1),
        generation=change.get("generation", 1),
        body=body,
    )


def opened_media(sealed: bytes, **change: Unpack[Media]) -> bytes:
    return open_media(
        change.get("group_key", KEY),
        federation_id=change.get("federation_id", "example"),
        origin=change.get("origin", "a.example"),
        signal_id=change.get("signal_id", SIGNAL),
        epoch=change.get("epoch", 1),
        generation=change.get("generation", 1),
        sealed=sealed,
    )


ENVELOPE = sealed_actor()
OPENING = sealed_media()


def test_our_actor_envelope_is_pinned() -> None:
    case = VECTORS["actor"]
    y, signal, header, body, nonce = (
        bytes.fromhex(case[name])
        for name in ("y", "signal_id", "header", "body", "nonce")
    )
    epoch, origin = case["epoch"], case["origin"]

    envelope = seal_envelope(
        y,
        epoch=epoch,
        origin=origin,
        signal_id=signal,
        header=header,
        body=body,
        nonce=nonce,
    )

    assert envelope.hex() == case["envelope"]
    opened = open_envelope(
        y,
        epoch=epoch,
        origin=origin,
        signal_id=signal,
        header=header,
        envelope=envelope,
    )
    assert opened == body


def test_our_media_opening_is_pinned() -> None:
    case = VECTORS["media"]

    sealed = seal_media(
        bytes.fromhex(case["group_key"]),
        federation_id=case["federation_id"],
        origin=case["origin"],
        signal_id=bytes.fromhex(case["signal_id"]),
        epoch=case["epoch"],
        generation=case["generation"],
        body=bytes.fromhex(case["body"]),
        nonce=bytes.fromhex(case["nonce"]),
    )

    assert sealed.hex() == case["sealed"]


@given(BODIES, st.binary(max_size=99))
def test_whoever_has_the_output_reads_the_body(body: bytes, header: bytes) -> None:
    envelope = sealed_actor(body, header=header)

    assert opened_actor(envelope, header=header) == body


@given(BODIES)
def test_whoever_has_the_group_key_reads_the_body(body: bytes) -> None:
    assert opened_media(sealed_media(body)) == body


@given(BODIES)
def test_all_envelopes_have_one_size(body: bytes) -> None:
    assert len(sealed_actor(body)) == len(sealed_media(body)) == ENVELOPE_BYTES


@pytest.mark.parametrize(
    "change",
    [
        Actor(y=sha512(b"another").digest()),
        Actor(epoch=2),
        Actor(origin="b.example"),
        Actor(signal_id=bytes(16)),
        Actor(header=HEADER + b" "),
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_envelope_is_bound_to_its_context(change: Actor) -> None:
    with pytest.raises(OpenError):
        opened_actor(ENVELOPE, **change)


@pytest.mark.parametrize(
    "change",
    [
        Media(group_key=bytes(32)),
        Media(federation_id="other"),
        Media(origin="b.example"),
        Media(signal_id=bytes(16)),
        Media(epoch=2),
        Media(generation=2),
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_media_opening_is_bound_to_its_context(change: Media) -> None:
    with pytest.raises(OpenError):
        opened_media(OPENING, **change)


@settings(max_examples=200)
@given(st.integers(0, ENVELOPE_BYTES - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    envelope, opening = bytearray(ENVELOPE), bytearray(OPENING)
    envelope[place] ^= change
    opening[place] ^= change

    with pytest.raises(OpenError):
        opened_actor(bytes(envelope))
    with pytest.raises(OpenError):
        opened_media(bytes(opening))


@pytest.mark.parametrize("place", range(len(HEADER)))
def test_any_changed_byte_of_the_header_is_refused(place: int) -> None:
    header = bytearray(HEADER)
    header[place] ^= 1

    with pytest.raises(OpenError):
        opened_actor(ENVELOPE, header=bytes(header))


@given(st.binary(max_size=600))
def test_junk_does_not_open(junk: bytes) -> None:
    with pytest.raises(OpenError):
        opened_actor(junk)
    with pytest.raises(OpenError):
        opened_media(junk)


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        b"\0\3abc",
        b"\0\3abc".ljust(PADDED_BODY_BYTES + 1, b"\0"),
        b"\0\3abc".ljust(PADDED_BODY_BYTES, b"\1"),
        b"\0\3abc".ljust(PADDED_BODY_BYTES - 1, b"\0") + b"x",
        b"\xff\xff".ljust(PADDED_BODY_BYTES, b"\0"),
        b"\1\xff".ljust(PADDED_BODY_BYTES, b"\0"),
    ],
    ids=["empty", "short", "long", "ones", "a hidden byte", "past the end", "by one"],
)
def test_an_author_cannot_pad_in_another_way(padded: bytes) -> None:
    context = b"\0\7example\0\11a.example\0\20" + SIGNAL + b"\0\0\0\1" * 2
    assert opened_media(encrypt(KEY, b"\0\0".ljust(512, b"\0"), context)) == b""

    with pytest.raises(OpenError):
        opened_media(encrypt(KEY, padded, context))


def test_a_body_that_is_too_long_is_refused() -> None:
    sealed_actor(bytes(MAX_BODY_BYTES))

    with pytest.raises(WrongLengthError):
        sealed_actor(bytes(MAX_BODY_BYTES + 1))
    with pytest.raises(WrongLengthError):
        sealed_media(bytes(MAX_BODY_BYTES + 1))


@pytest.mark.parametrize("length", [0, 15, 17, 33, 63, 65])
def test_values_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(WrongLengthError):
        sealed_actor(y=bytes(length))
    with pytest.raises(WrongLengthError):
        opened_actor(ENVELOPE, signal_id=bytes(length))
    with pytest.raises(WrongLengthError):
        sealed_media(group_key=bytes(length))
    with pytest.raises(WrongLengthError):
        opened_media(OPENING, signal_id=bytes(length))


def test_what_no_frame_can_hold_is_refused() -> None:
    with pytest.raises(MalformedInputError):
        sealed_actor(epoch=2**32)
    with pytest.raises(MalformedInputError):
        opened_media(OPENING, generation=-1)
    with pytest.raises(MalformedInputError):
        opened_actor(ENVELOPE, origin="\ud800")


def test_a_key_is_derived_as_the_protocol_says() -> None:
    material = Y + b"\0\0\0\1" + b"\0\11a.example" + b"\0\20" + SIGNAL
    key = blake3(material, derive_key_context="fedsafe v1 envelope").digest()
    padded = (len(BODY).to_bytes(2) + BODY).ljust(512, b"\0")

    assert opened_actor(encrypt(key, padded, HEADER)) == BODY
