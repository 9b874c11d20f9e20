# SPDX-License-Identifier: Apache-2.0
"""What a provider of identities says of itself, and whether an ID token is good.

Pure: documents and tokens go in, a subject comes out. OpenID Connect Core 1.0,
§3.1.3.7, and Discovery 1.0, §4.3; the signatures are joserfc's work. Algorithms are
those with a public key: `none` and shared secrets are no choice of the token's.
"""

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from fedsafe_node.ground.errors import IdentityError

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
LEEWAY: Final = 60
LONGEST: Final = 24 * 60 * 60  # seconds since it was issued
_SUBJECT: Final = re.compile(r"[\x20-\x7e]{1,255}")  # Core 1.0, §2
_Address = Annotated[
    str, msgspec.Meta(pattern=r"^[\x21-\x7e]+(?!\n)$", max_length=2_048)
]


class Provider(msgspec.Struct, frozen=True):
    """What a discovery document says that matters here."""

    issuer: _Address
    authorization_endpoint: _Address
    token_endpoint: _Address
    jwks_uri: _Address
    code_challenge_methods_supported: list[str] = []
    authorization_response_iss_parameter_supported: bool = False


def read_provider(document: bytes, issuer: str) -> Provider:
    """Read a discovery document.

    Raises:
        IdentityError: it is none, of another issuer, or without PKCE (S256).
    """
    try:
        provider = msgspec.json.decode(document, type=Provider)
    except msgspec.MsgspecError:
        raise IdentityError("discovery") from None
    if provider.issuer != issuer:
        raise IdentityError("issuer")
    if "S256" not in provider.code_challenge_methods_supported:
        raise IdentityError("pkce")
    return provider


def check_named(provider: Provider, named: str | None) -> None:
    """Check by what name a provider has led a browser back (RFC 9207, §2.4).

    Raises:
        IdentityError: it is another one's, or none where it always names itself.
    """
    if named is None and not provider.authorization_response_iss_parameter_supported:
        return
    if named != provider.issuer:
        raise IdentityError("issuer")


def read_keys(document: bytes) -> "KeySet":
    """Read a provider's public keys.

    Raises:
        IdentityError: they are none.
    """
    from joserfc.errors import JoseError  # noqa: PLC0415 (slow to load)
    from joserfc.jwk import KeySet  # noqa: PLC0415 (slow to load)

    try:
        return KeySet.import_key_set(msgspec.json.decode(document))
    except (msgspec.MsgspecError, JoseError, ValueError, TypeError, KeyError):
        raise IdentityError("keys") from None


def knows_key(keys: "KeySet", token: str) -> bool:
    """Whether a token's key is among a provider's keys; true for what names none."""
    try:
        head = msgspec.json.decode(
            _padded(token.split(".", 1)[0]), type=dict[str, object]
        )
    except (msgspec.MsgspecError, ValueError):
        return True
    kid = head.get("kid")
    return not isinstance(kid, str) or any(key.kid == kid for key in keys.keys)


def subject_of(  # noqa: PLR0913 - what a token is checked against
    token: str, keys: "KeySet", *, issuer: str, client: str, nonce: str, now: int
) -> str:
    """Check an ID token and return whom it speaks of.

    Raises:
        IdentityError: signature, issuer, audience, nonce or time do not fit.
    """
    from joserfc import jwt  # noqa: PLC0415 (slow to load)
    from joserfc.errors import JoseError  # noqa: PLC0415 (slow to load)

    try:
        claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        jwt.JWTClaimsRegistry(
            now=now,
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError):
        raise IdentityError("token") from None
    return _subject(claims, client, now)


def _subject(claims: Mapping[str, object], client: str, now: int) -> str:
    subject, issued, audience = claims["sub"], claims["iat"], claims["aud"]
    party = claims.get("azp", client)
    others = isinstance(audience, list) and len(audience) > 1
    if party != client or (others and "azp" not in claims):
        raise IdentityError("audience")
    if not isinstance(issued, int | float) or issued < now - LONGEST:
        raise IdentityError("time")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise IdentityError("subject")
    return subject


def _padded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
