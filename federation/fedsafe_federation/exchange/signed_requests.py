# SPDX-License-Identifier: Apache-2.0
"""RFC 9421 signatures on requests between members.

Algorithm and components are pinned: Ed25519 over method, path, query, destination
and, with a body, its Content-Digest; and over the authority, once a member has said
that it takes that (`exchange.handshake.SIGNED_AUTHORITY`). Path and query instead of
the whole target, so that a node works behind a proxy; the destination is a header of
its own, so that a request to one member is no request to another.

Who verifies takes path and query from the target that was routed, and the authority
from its own configuration. Nothing comes from the Host header, which nobody signs. A
target has one spelling (`is_plain`): what another reader would decode, cut off or
normalise is refused.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.algorithms import ED25519
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from http_sf.compat import InnerList

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.wire.freshness import SKEW, WINDOW, SeenNonces

DESTINATION: Final = "fedsafe-destination"
AUTHORITY: Final = "@authority"
"""Covered as well where the other side takes it from its configuration."""
TAG: Final = "fedsafe-v1"
_PLAIN: Final = re.compile(
    r"(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)+(?:\?[A-Za-z0-9._~=&-]+)?", re.ASCII
)
_COMPONENTS: Final = ("@method", "@path", "@query", DESTINATION)
_REQUIRED: Final = {f'"{component}"' for component in _COMPONENTS}
_LABEL: Final = "fedsafe"
_SIGNER: Final = HTTPMessageSigner(signature_algorithm=ED25519)


@dataclass(frozen=True, slots=True)
class Request:
    """What is signed: an absolute URL, an upper-case method, the headers."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def is_plain(target: str) -> bool:
    """Whether a request target is one that members send to each other.

    A path of words, and perhaps a query: no other form of RFC 9112, no fragment,
    nothing encoded, no empty or dotted segment, no empty query.
    """
    return _PLAIN.fullmatch(target) is not None


class _MemberKeys(HTTPSignatureKeyResolver):
    def __init__(self, charter: Charter) -> None:
        self._charter = charter

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        member = self._charter.taking_part(key_id)
        return Ed25519PublicKey.from_public_bytes(member.keys.transport)


class _Verifier(HTTPMessageVerifier):
    """The library's verifier, told the time by the caller."""

    now: datetime = datetime.min.replace(tzinfo=UTC)

    def validate_created_and_expires(
        self, sig_input: InnerList, max_age: timedelta | None = None
    ) -> None:
        del max_age
        created: datetime = self._parse_integer_timestamp(  # type: ignore[no-untyped-call]
            sig_input.params.get("created"), field_name="created"
        )
        if not self.now - WINDOW <= created <= self.now + SKEW:
            raise InvalidSignature("created lies outside the window")
        if "expires" in sig_input.params:
            raise InvalidSignature("the window is fixed: nobody sets an end")


def sign_request(  # noqa: PLR0913 - a signature has so many parts
    request: Request,
    *,
    body: bytes | None,
    signer: str,
    destination: str,
    key: SigningKey,
    now: datetime,
    nonce: str,
    tag: str = TAG,
    also: tuple[str, ...] = (),
) -> Mapping[str, str]:
    """Give the headers that sign *request*; *also* are more headers to be covered.

    What is no request between members has another *tag*, so that neither can be taken
    for the other.
    """
    headers = request.headers
    headers[DESTINATION] = destination
    prepared = _SIGNER.prepare(
        request,
        key_id=signer,
        created=now,
        nonce=nonce,
        tag=tag,
        label=_LABEL,
        covered_component_ids=(*_COMPONENTS, *also),
        body=body,
    )
    # The library's `apply` would build all of it once more, to see that nobody has
    # changed the request meanwhile: half of what a signature costs.
    signature = b64encode(key.sign_exactly(prepared.signature_base)).decode()
    headers["Signature-Input"] = f"{_LABEL}={prepared.signature_params}"
    headers["Signature"] = f"{_LABEL}=:{signature}:"
    return headers


def verify_request(  # noqa: PLR0913 - everything it needs is an argument
    request: Request,
    *,
    body: bytes,
    me: str,
    charter: Charter,
    seen: SeenNonces,
    now: datetime,
) -> str:
    """Check a member's signature, destination and freshness; name the member.

    The URL of *request* is this node's own, with the target that was routed. A member
    of an older release does not sign the authority: its destination names the node.

    Raises:
        UntrustedError: unsigned, badly signed, or meant for another node.
        StaleStatementError: too old, or seen before.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    if len(headers) != len(request.headers):
        raise UntrustedError("request", "a header twice")
    verifier = _Verifier(signature_algorithm=ED25519, key_resolver=_MemberKeys(charter))
    verifier.now = now
    try:
        (result,) = verifier.verify(
            Request(request.method, request.url, headers),
            max_age=None,
            expect_tag=TAG,
            body=body,
        )
        if _REQUIRED - result.covered_components.keys():
            raise InvalidSignature("not all of the request is signed")
        sender = cast("str", result.parameters["keyid"])
        made = datetime.fromtimestamp(int(result.parameters["created"]), tz=UTC)
    except (HTTPMessageSignaturesException, ValueError, KeyError, TypeError):
        raise UntrustedError("request", "no valid member signature") from None
    if headers[DESTINATION] != me:
        raise UntrustedError(sender, "the request is meant for another node")
    if not result.nonce:
        raise UntrustedError(sender, "the signature has no nonce")
    # `created` counts whole seconds: admit it as if it were made at their end.
    made = min(now, made + timedelta(seconds=1))
    seen.admit(sender, result.nonce.encode(), made=made, now=now)
    return sender
