# SPDX-License-Identifier: Apache-2.0
"""RFC 9421: every covered part counts, once, at one node."""

from base64 import b64encode, urlsafe_b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import NOW, key_of, world

from fedsafe_federation.errors import (
    FederationError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.exchange.signed_requests import (
    AUTHORITY,
    DESTINATION,
    TAG,
    Request,
    _Verifier,
    is_plain,
    sign_request,
    verify_request,
)
from fedsafe_federation.wire.freshness import SKEW, WINDOW, SeenNonces

CHARTER = world().charter
A, B = "a.example", "b.example"
URL = "https://b.example/v1/feed/b.example/records?since=1&known=2"
BODY = b'{"origin":"a.example","size":7}'
SECOND = timedelta(seconds=1)


def signed(  # noqa: PLR0913
    body: bytes | None = BODY,
    *,
    url: str = URL,
    signer: str = A,
    use: str = "transport",
    destination: str = B,
    now: datetime = NOW,
    nonce: str = "nonce-1",
) -> Request:
    method = "GET" if body is None else "POST"
    request = Request(method, url, {"content-type": "application/json"})
    sign_request(
        request,
        body=body,
        signer=signer,
        destination=destination,
        key=key_of(signer, use),
        now=now,
        nonce=nonce,
    )
    return request


def verified(
    request: Request,
    body: bytes = BODY,
    *,
    seen: SeenNonces | None = None,
    now: datetime = NOW,
    me: str = B,
) -> str:
    return verify_request(
        request,
        body=body,
        me=me,
        charter=CHARTER,
        seen=seen or SeenNonces(began=NOW - timedelta(hours=1)),
        now=now,
    )


def with_headers(request: Request, **changes: str | None) -> Request:
    headers = dict(request.headers)
    for name, value in changes.items():
        key = next((k for k in headers if k.lower() == name.replace("_", "-")), name)
        headers.pop(key, None)
        if value is not None:
            headers[name.replace("_", "-")] = value
    return replace(request, headers=headers)


def test_a_member_is_named() -> None:
    assert verified(signed()) == A
    assert verified(signed(None), b"") == A


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"url": URL.replace("/records", "/record")},
        {"url": URL.replace("since=1", "since=0")},
        {"url": URL.split("?", maxsplit=1)[0]},
        {"url": URL + "&limit=1"},
    ],
)
def test_a_changed_request_line_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UntrustedError):
        verified(replace(signed(), **change))


@given(place=st.integers(0, 100), flip=st.integers(1, 255))
def test_a_changed_body_is_refused(place: int, flip: int) -> None:
    body = bytearray(BODY)
    body[place % len(body)] ^= flip

    with pytest.raises(UntrustedError):
        verified(signed(), bytes(body))


@given(
    name=st.sampled_from(["signature", "signature-input", "content-digest"]),
    place=st.integers(0, 1_000),
    flip=st.integers(1, 127),
)
def test_a_changed_header_is_refused_or_means_the_same(
    name: str, place: int, flip: int
) -> None:
    request = signed()
    key = next(key for key in request.headers if key.lower() == name)
    value = bytearray(request.headers[key].encode())
    value[place % len(value)] ^= flip
    if len(value) > 0 and value.isascii():
        request.headers[key] = value.decode()
    try:
        sender = verified(request)
    except FederationError:
        return
    # The label is not covered, and base64 has spare bits: nothing else passes.
    assert sender == A
    assert name in {"signature", "signature-input"}


@pytest.mark.parametrize(
    "header", ["signature", "signature_input", "content_digest", "fedsafe_destination"]
)
def test_no_header_can_be_left_out(header: str) -> None:
    with pytest.raises(UntrustedError):
        verified(with_headers(signed(), **{header: None}))


def test_a_body_beside_a_request_that_was_signed_without_is_refused() -> None:
    with pytest.raises(UntrustedError):
        verified(signed(None), BODY)
    digested = with_headers(signed(None), content_digest="sha-256=:AAAA:")
    with pytest.raises(UntrustedError):
        verified(digested, b"")


def test_a_request_to_another_member_is_refused() -> None:
    with pytest.raises(UntrustedError, match="another node"):
        verified(signed(destination="c.example"))
    with pytest.raises(UntrustedError):
        verified(
            with_headers(signed(), fedsafe_destination="c.example"), me="c.example"
        )


def test_a_header_given_twice_is_refused() -> None:
    request = signed()
    request.headers[DESTINATION.title()] = "c.example"

    with pytest.raises(UntrustedError, match="a header twice"):
        verified(request)


def test_a_proxy_may_change_host_and_scheme_and_the_case_of_names() -> None:
    request = signed()
    titled = {name.title(): value for name, value in request.headers.items()}
    behind = Request(
        request.method,
        URL.replace("https://b.example", "http://10.0.0.7:8080"),
        titled | {"X-Forwarded-For": "192.0.2.1"},
    )
    assert verified(behind) == A


def test_the_authority_counts_if_it_is_signed() -> None:
    request = Request("GET", URL)
    sign_request(
        request,
        body=None,
        signer=A,
        destination=B,
        key=key_of(A, "transport"),
        now=NOW,
        nonce="n",
        also=(AUTHORITY,),
    )

    for other in (
        "c.example",
        "b.example:1",
        "b.example.",
        "x.b.example",
        "b.example:80",
    ):
        with pytest.raises(UntrustedError):
            verified(replace(request, url=URL.replace(B, other, 1)), b"")
    same = URL.replace(B, "B.Example:443", 1)
    assert verified(replace(request, url=same), b"") == A


@pytest.mark.parametrize(
    ("target", "plain"),
    [
        ("/v1/feed/b.example/records?since=1&known=2", True),
        ("/v1/feed/poke", True),
        ("", False),
        ("/", False),
        ("*", False),
        ("v1/feed", False),
        ("//b.example/v1", False),
        ("/v1/", False),
        ("/v1//feed", False),
        ("/v1/./feed", False),
        ("/v1/../feed", False),
        ("/v1/..", False),
        ("/v1/%66eed", False),
        ("/v1/feed;x=1", False),
        ("/v1/feed?", False),
        ("/v1/feed?a?b", False),
        ("/v1/feed?a=%31", False),
        ("/v1/feed?a=1#", False),
        ("/v1/feed#x", False),
        ("/v1/f\u0435ed", False),
        ("/v1/feed\n", False),
        ("http://b.example/v1/feed", False),
    ],
)
def test_a_target_has_one_spelling(target: str, *, plain: bool) -> None:
    assert is_plain(target) is plain


@pytest.mark.parametrize(
    "request_",
    [
        signed(signer="e.example"),
        signed(use="statement"),
        signed(use="feed"),
        Request("GET", URL),
        Request("GET", URL, {"signature": "x", "signature-input": "x"}),
    ],
    ids=["no member", "statement key", "feed key", "unsigned", "junk"],
)
def test_only_the_transport_key_of_a_member_counts(request_: Request) -> None:
    with pytest.raises(UntrustedError) as caught:
        verified(request_)
    assert "e.example" not in str(caught.value)


def test_a_replay_is_stale() -> None:
    seen = SeenNonces(began=NOW - timedelta(hours=1))
    verified(signed(), seen=seen)

    assert verified(signed(nonce="nonce-2"), seen=seen) == A
    with pytest.raises(StaleStatementError, match="seen before"):
        verified(signed(), seen=seen)


@pytest.mark.parametrize("age", [WINDOW + SECOND, -SKEW - SECOND])
def test_a_request_out_of_the_window_is_refused(age: timedelta) -> None:
    with pytest.raises(UntrustedError):
        verified(signed(), now=NOW + age)


@pytest.mark.parametrize("age", [timedelta(), WINDOW, -SKEW])
def test_the_window_includes_its_edges(age: timedelta) -> None:
    assert verified(signed(), now=NOW + age) == A


def test_whole_seconds_are_not_older_than_a_restart_within_them() -> None:
    now = NOW + timedelta(milliseconds=900)
    seen = SeenNonces(began=NOW + timedelta(milliseconds=300))

    assert verified(signed(now=now), seen=seen, now=now) == A


def by_hand(request: Request, label: str = "fedsafe", **changes: Any) -> Request:  # noqa: ANN401
    """Sign with the member's key, but not as this federation signs."""
    options: dict[str, Any] = {
        "key_id": A,
        "created": NOW,
        "nonce": "n",
        "tag": TAG,
        "label": label,
        "covered_component_ids": ("@method", "@path", "@query", DESTINATION),
        "body": BODY,
    }
    private = Ed25519PrivateKey.from_private_bytes(key_of(A, "transport").to_bytes())
    HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={A: private}),
    ).sign(request, **(options | changes))
    return request


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"nonce": ""},
        {"tag": "other"},
        {"tag": None},
        {"expires": NOW - timedelta(hours=1)},
        {"created": NOW - timedelta(hours=1)},
        {"body": None},
        {"covered_component_ids": ("@method", "@path", "@query")},
        {"covered_component_ids": ("@path", "@query", DESTINATION)},
        {"covered_component_ids": ("@method", "@query", DESTINATION)},
        {"covered_component_ids": ("@method", "@path", DESTINATION)},
    ],
)
def test_a_members_signature_of_another_form_is_refused(
    changes: dict[str, Any],
) -> None:
    assert verified(by_hand(Request("POST", URL, {DESTINATION: B}))) == A
    with pytest.raises(UntrustedError):
        verified(by_hand(Request("POST", URL, {DESTINATION: B}), **changes))


def test_two_signatures_are_refused() -> None:
    again = {"append_if_signature_exists": True, "use_existing_digest": True}
    with pytest.raises(UntrustedError):
        verified(by_hand(signed(), "second", **again))

    assert verified(by_hand(signed(), "proxy", tag="proxy", **again)) == A


@given(st.text(max_size=80), st.text(max_size=80))
def test_junk_headers_raise_their_own_error(first: str, second: str) -> None:
    for headers in (
        {"signature": first, "signature-input": second, DESTINATION: B},
        signed().headers | {"signature-input": first},
        signed().headers | {"content-digest": second},
    ):
        request = Request("POST", URL, {k.lower(): v for k, v in headers.items()})
        with pytest.raises(UntrustedError):
            verified(request)


SEED = urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU=")
B_2_6 = (
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQ"
    "CK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
)


def test_the_published_ed25519_signature() -> None:
    # RFC 9421, appendices B.1.4 (key), B.2 (request) and B.2.6 (signature).
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    keys = MappingKeyResolver(
        public_keys={"test-key-ed25519": private.public_key()},
        private_keys={"test-key-ed25519": private},
    )
    made = datetime.fromtimestamp(1_618_884_473, tz=UTC)
    request = Request(
        "POST",
        "https://example.com/foo?param=Value&Pet=dog",
        {
            "date": "Tue, 20 Apr 2021 02:07:55 GMT",
            "content-type": "application/json",
            "content-length": "18",
        },
    )
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
        request,
        key_id="test-key-ed25519",
        created=made,
        label="sig-b26",
        include_alg=False,
        covered_component_ids=(
            "date",
            "@method",
            "@path",
            "@authority",
            "content-type",
            "content-length",
        ),
    )
    headers = {name.lower(): value for name, value in request.headers.items()}

    assert headers["signature"] == f"sig-b26=:{B_2_6}:"
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=keys)
    verifier.now = made
    (result,) = verifier.verify(request, max_age=None)
    assert result.parameters["keyid"] == "test-key-ed25519"
    assert b64encode(private.public_key().public_bytes_raw()).startswith(b"JrQLj5P")
