# SPDX-License-Identifier: Apache-2.0
"""ID tokens that a provider would not, or must not, have issued."""

import base64
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from fedsafe_node.ground.errors import IdentityError
from fedsafe_node.people.id_tokens import (
    LEEWAY,
    LONGEST,
    knows_key,
    read_keys,
    read_provider,
    subject_of,
)

ISSUER: Final = "https://id.example.de"
CLIENT: Final = "fedsafe-node"
NOW: Final = 1_795_000_000
KEY: Final = ECKey.generate_key("P-256", auto_kid=True)
OTHER: Final = ECKey.generate_key("P-256", auto_kid=True)
KEYS: Final = KeySet([KEY])
CLAIMS: Final[dict[str, Any]] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "248289761001",
    "nonce": "n-0S6",
    "iat": NOW - 5,
    "exp": NOW + 300,
}
DOCUMENT: Final[dict[str, Any]] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "code_challenge_methods_supported": ["S256"],
}


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "ES256") -> str:  # noqa: ANN401
    header = {"alg": alg, "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=[alg])


def check(token: str, *, now: int = NOW, keys: KeySet = KEYS) -> str:
    return subject_of(token, keys, issuer=ISSUER, client=CLIENT, nonce="n-0S6", now=now)


def unsigned(claims: dict[str, Any], alg: str) -> str:
    parts = [{"alg": alg, "typ": "JWT"}, claims]
    texts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in parts
    ]
    return ".".join([*texts, ""])


def test_a_good_token_names_its_subject() -> None:
    assert check(signed(CLAIMS)) == "248289761001"
    several = CLAIMS | {"aud": [CLIENT, "other"], "azp": CLIENT}
    assert check(signed(several)) == "248289761001"
    assert check(signed(CLAIMS), now=NOW + 300 + LEEWAY - 1) == "248289761001"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://id.example.de/"},
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": [CLIENT, "other"]},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": "replayed"},
        {"nonce": ""},
        {"exp": NOW - LEEWAY - 1},
        {"exp": "tomorrow"},
        {"iat": NOW + LEEWAY + 1},
        {"iat": NOW - LONGEST - 1},
        {"nbf": NOW + LEEWAY + 1},
        {"sub": ""},
        {"sub": "s" * 256},
        {"sub": "ä" * 255},
        {"sub": "a\0b"},
        {"sub": 7},
        *({name: None} for name in CLAIMS),
    ],
    ids=str,
)
def test_a_token_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    claims = {k: v for k, v in (CLAIMS | change).items() if v is not None}

    with pytest.raises(IdentityError) as caught:
        check(signed(claims))
    assert "248289761001" not in str(caught.value)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
def test_a_token_without_a_signature_is_refused(alg: str) -> None:
    with pytest.raises(IdentityError):
        check(unsigned(CLAIMS, alg))


def test_the_public_key_is_no_shared_secret() -> None:
    public = json.dumps(KEY.as_dict(private=False), sort_keys=True)
    secret = OctKey.import_key(public)
    token = jwt.encode({"alg": "HS256"}, CLAIMS, secret, algorithms=["HS256"])

    with pytest.raises(IdentityError):
        check(token)
    with pytest.raises(IdentityError):
        check(token, keys=KeySet([secret]))


def test_another_key_and_a_changed_token_are_refused() -> None:
    token = signed(CLAIMS)
    head, body, signature = token.split(".")
    evil = base64.urlsafe_b64encode(
        json.dumps(CLAIMS | {"sub": "admin"}).encode()
    ).decode()

    for wrong in (
        signed(CLAIMS, OTHER),
        f"{head}.{evil.rstrip('=')}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
    ):
        with pytest.raises(IdentityError):
            check(wrong)


def test_a_key_that_is_not_known_yet_is_seen() -> None:
    assert knows_key(KEYS, signed(CLAIMS))
    assert not knows_key(KEYS, signed(CLAIMS, OTHER))
    rsa = RSAKey.generate_key(2048, auto_kid=True)
    assert check(signed(CLAIMS, rsa, "RS256"), keys=KeySet([KEY, rsa])) != ""


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*"))
def test_junk_is_refused_by_our_own_error(token: str) -> None:
    assert knows_key(KEYS, token) in {True, False}
    with pytest.raises(IdentityError):
        check(token)


def test_a_discovery_document_is_its_issuers() -> None:
    assert read_provider(json.dumps(DOCUMENT).encode(), ISSUER).token_endpoint


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{ISSUER}/"},
        {"code_challenge_methods_supported": ["plain"]},
        {"jwks_uri": None},
        {"token_endpoint": 7},
    ],
    ids=str,
)
def test_another_discovery_document_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(IdentityError):
        read_provider(json.dumps(DOCUMENT | change).encode(), ISSUER)


@given(st.binary())
def test_junk_is_no_document(junk: bytes) -> None:
    with pytest.raises(IdentityError):
        read_provider(junk, ISSUER)
    for document in (junk, b"{}", b'{"keys":[{"kty":"x"}]}', b'{"keys":7}', b"[]"):
        with pytest.raises(IdentityError):
            read_keys(document)
