# SPDX-License-Identifier: Apache-2.0

import json
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import header

from fedsafe_crypto.seal.envelope import MAX_BODY_BYTES
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import (
    DIGEST_BYTES,
    ActorBody,
    MediaBody,
    SignalHeader,
    decode_media_body,
    decode_opening,
    encode_opening,
)
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Provenance,
    Scope,
    Surface,
)

seconds = st.integers(0, 253402300799)
days = st.dates().map(lambda day: f"{day:%Y}".zfill(4) + f"{day:-%m-%d}")
ACTOR = ActorBody(
    IdentifierKind.EMAIL,
    Phenomenon.GROOMING,
    Surface.SHOP,
    Grade.CONFIRMED_CONDUCT,
    Provenance.OWN_FINDING,
    "rule-1",
    "2026-01-01",
    "2026-01-02",
    "https://a.example/contact",
)


@given(
    plane=st.sampled_from(Plane),
    scope=st.sampled_from(Scope),
    epoch=st.integers(1, 2**31 - 1),
    until=seconds,
    life=seconds,
    sealed=st.binary(max_size=4096),
    token=st.binary(min_size=16, max_size=16),
)
def test_an_opening_survives_the_round_trip(  # noqa: PLR0913
    plane: Plane,
    scope: Scope,
    epoch: int,
    until: int,
    life: int,
    sealed: bytes,
    token: bytes,
) -> None:
    head = header(
        plane=plane,
        scope=scope,
        epoch=epoch,
        match_until=until,
        erase_after=min(until + life, 253402300799),
    )
    given_token = token if plane is Plane.ACTOR else None
    payload = encode_opening(head, sealed=sealed, token=given_token)

    read, opening = decode_opening(payload)

    assert (read, opening.sealed, opening.token) == (head, sealed, given_token)
    assert bytes(opening.header) == encode(head)


def test_a_header_keeps_the_exact_bytes_that_were_committed() -> None:
    spaced = encode(header()).replace(b",", b", ")
    payload = (
        b'{"header":' + spaced + b',"sealed":"","token":"AAAAAAAAAAAAAAAAAAAAAA=="}'
    )

    assert bytes(decode_opening(payload)[1].header) == spaced


def longest(words: type[StrEnum]) -> Any:  # noqa: ANN401 - any word
    return max(words, key=len)


@pytest.mark.parametrize("kind", [ActorBody, MediaBody])
def test_the_longest_body_fits_the_padding(kind: type[ActorBody | MediaBody]) -> None:
    said: dict[str, Any] = {
        "kind": 1,
        "phenomenon": longest(Phenomenon),
        "surface": longest(Surface),
        "grade": longest(Grade),
        "provenance": longest(Provenance),
        "rule": "r" * 48,
        "published_on": "2026-01-02",
        "contact": "https://a.example/".ljust(120, "c"),
    }
    extra = {"digest": bytes(32)} if kind is MediaBody else {"removed_on": "2026-01-01"}
    body = encode(kind(**said, **extra))

    assert decode(body, kind) is not None
    assert len(body) <= MAX_BODY_BYTES


@pytest.mark.parametrize("provenance", [None, "hearsay"])
def test_a_body_says_where_its_finding_comes_from(provenance: str | None) -> None:
    document = json.loads(encode(ACTOR)) | {"provenance": provenance}
    if provenance is None:
        del document["provenance"]

    with pytest.raises(MalformedError):
        decode(json.dumps(document).encode(), ActorBody)


@given(data=st.binary(max_size=300))
def test_junk_is_no_opening(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_opening(data)
    with pytest.raises(MalformedError):
        decode_media_body(data)


@pytest.mark.parametrize(
    ("plane", "token"), [(Plane.ACTOR, None), (Plane.MEDIA, bytes(16))]
)
def test_plane_and_token_must_agree(plane: Plane, token: bytes | None) -> None:
    payload = encode_opening(header(plane=plane), sealed=b"", token=token)

    with pytest.raises(MalformedError, match="a token belongs to the actor plane"):
        decode_opening(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"match_until": 2_000_000_000},
        {"v": 2},
        {"epoch": 0},
        {"generation": 2**31},
        {"match_until": -1},
        {"erase_after": 253402300800},
    ],
)
def test_a_header_that_no_origin_may_write_is_refused(change: dict[str, Any]) -> None:
    payload = encode_opening(header(**change), sealed=b"", token=bytes(16))

    with pytest.raises(MalformedError):
        decode_opening(payload)


@given(kind=st.sampled_from(MediaKind), length=st.integers(0, 40))
def test_a_digest_has_the_length_of_its_kind(kind: MediaKind, length: int) -> None:
    body = MediaBody(
        kind,
        bytes(length),
        Phenomenon.ABUSE_DEPICTION,
        Surface.PUBLIC_CONTENT,
        Grade.CONFIRMED_MEDIA,
        Provenance.IMPORTED_LIST,
        "rule",
        "2026-01-01",
        "trust@a.example",
    )
    if length == DIGEST_BYTES[kind]:
        assert decode_media_body(encode(body)) == body
    else:
        with pytest.raises(MalformedError):
            decode_media_body(encode(body))


@given(
    kind=st.sampled_from(IdentifierKind),
    phenomenon=st.sampled_from(Phenomenon),
    surface=st.sampled_from(Surface),
    grade=st.sampled_from(Grade),
    rule=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,47}", fullmatch=True),
    day=days,
)
def test_a_body_survives_the_round_trip(  # noqa: PLR0913
    kind: IdentifierKind,
    phenomenon: Phenomenon,
    surface: Surface,
    grade: Grade,
    rule: str,
    day: str,
) -> None:
    body = msgspec.structs.replace(
        ACTOR,
        kind=kind,
        phenomenon=phenomenon,
        surface=surface,
        grade=grade,
        rule=rule,
        removed_on=day,
    )

    assert decode(encode(body), ActorBody) == body


@pytest.mark.promise("LR-02")
@pytest.mark.parametrize(
    "change",
    [
        {"rule": "§ 176"},
        {"rule": "rule\n"},
        {"rule": "He did this and that"},
        {"removed_on": "2026-13-01"},
        {"removed_on": "2026-01-01\n"},
        {"removed_on": "٢٠٢٦-01-01"},
        {"contact": "javascript:alert(1)"},
        {"contact": "a@example.de\n"},
        {"contact": "https://a.example/" + "x" * 120},
        {"kind": 8},
        {"phenomenon": "other"},
    ],
)
def test_there_is_no_room_for_free_text(change: dict[str, Any]) -> None:
    body = msgspec.structs.replace(ACTOR, **change)

    with pytest.raises(MalformedError):
        decode(encode(body), ActorBody)


@pytest.mark.promise("LR-02")
def test_no_type_has_a_field_for_a_person_or_a_story() -> None:
    fields = {
        field.name
        for kind in (SignalHeader, ActorBody, MediaBody)
        for field in msgspec.structs.fields(kind)
    }

    assert fields == {
        *("v", "plane", "epoch", "generation", "scope", "match_until", "erase_after"),
        *("kind", "phenomenon", "surface", "grade", "rule", "removed_on"),
        *("published_on", "contact", "digest", "provenance"),
    }
