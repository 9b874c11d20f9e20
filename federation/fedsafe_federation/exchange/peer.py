# SPDX-License-Identifier: Apache-2.0
"""Ask a member over HTTP: the only place of this room that knows the network.

Feed requests and pokes carry an RFC 9421 signature; an evaluation request is a
signed statement itself. How bytes are sent, read and bounded is said in `transfer`.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlencode

import aiohttp

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.bundles import Bundle, documents
from fedsafe_federation.charter.charter import Member, SignedCharter
from fedsafe_federation.errors import (
    MalformedError,
    PeerError,
    PeerRefusedError,
)
from fedsafe_federation.exchange.handshake import SIGNED_AUTHORITY, SPEAKS
from fedsafe_federation.exchange.signed_requests import AUTHORITY, Request, sign_request
from fedsafe_federation.exchange.transfer import (
    Destination,
    Heard,
    Take,
    converse,
    deaf,
    exchange,
    post,
    receive,
)
from fedsafe_federation.feed.batch import MAX_BATCH, FeedRequest
from fedsafe_federation.feed.batch import MEDIA_TYPE as NDJSON
from fedsafe_federation.feed.forks import ForkEvidence
from fedsafe_federation.feed.restrictions import Forwarded
from fedsafe_federation.wire.bulk import MEDIA_TYPE as BULK
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode

FEED_PATH: Final = "/v1/feed/{origin}/records"
POKE_PATH: Final = "/v1/feed/poke"
EVALUATE_PATH: Final = "/v1/evaluate"
TALLY_PATH: Final = "/v1/evaluate/tally"
ATTESTATION_PATH: Final = "/v1/attestation"
CARD_PATH: Final = "/v1/card"
WITNESS_PATH: Final = "/v1/witness"
RECEIPT_PATH: Final = "/v1/feed/receipt"
INQUIRY_PATH: Final = "/v1/feed/inquiry"
DISPUTES_PATH: Final = "/v1/feed/disputes"
SIGHTINGS_PATH: Final = "/v1/feed/sightings"
FORK_PATH: Final = "/v1/forks/told"
FOUNDING_PATH: Final = "/v1/founding"
VERSIONS_PATH: Final = "/v1/charter/versions"
LEAVING_PATH: Final = "/v1/charter/leaving"
KNOCK_PATH: Final = "/v1/charter/joining"
EXCHANGE_PATH: Final = "/v1/charter/exchange"
CEREMONIES_PATH: Final = "/v1/charter/ceremonies"
MAX_VERSIONS: Final = 16 * 1024 * 1024
_FEED_SECONDS: Final = 60.0
_POKE_SECONDS: Final = 5.0
_EVALUATE_SECONDS: Final = 60.0
_WITNESS_SECONDS: Final = 5.0
_MAX_SAID: Final = 16 * 1024
_MAX_EVALUATED: Final = 256 * 1024
_MAX_COSIGNED: Final = 128 * 1024
_MAX_ANSWER: Final = 4 * 1024 * 1024
_FEED_FORMS: Final = f"{BULK}, {NDJSON};q=0.5"
_JSON: Final = {"content-type": "application/json"}
_MOST_DESTINATIONS: Final = 1_024
_OK: Final = 200
_NOT_FOUND: Final = 404


class PeerClient:
    """Asks other members on behalf of one node.

    The session is the caller's to close; one session serves all members. `speaks`
    says what the node says of itself (`handshake`), `heard` is told what members do,
    and `features` says which features a member has named.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        name: str,
        key: SigningKey,
        now: Callable[[], datetime],
    ) -> None:
        self._session = session
        self._name = name
        self._key = key
        self._now = now
        self._destinations: dict[str, Destination] = {}
        self.speaks: Callable[[], str | None] = lambda: None
        self.heard: Heard = deaf
        self.features: Callable[[str], Collection[str]] = lambda _: ()

    async def fetch(self, member: Member, request: FeedRequest, take: Take) -> None:
        """Fetch a feed batch; *take* gets its pieces (`exchange.replication.Fetch`).

        Raises:
            PeerError: no usable answer.
        """
        query = urlencode(
            {
                "since": request.since,
                "known": request.known,
                "restrictions": request.restrictions,
                "limit": request.limit,
            }
        )
        path = f"{FEED_PATH.format(origin=request.origin)}?{query}"
        signed = Request("GET", member.url + path, self._said())
        signed.headers["accept"] = _FEED_FORMS
        await receive(
            self._session,
            member.name,
            signed.method,
            signed.url,
            headers=self._signed(member.name, signed, None),
            body=None,
            seconds=_FEED_SECONDS,
            most=MAX_BATCH,
            take=take,
            heard=self.heard,
        )

    async def poke(self, member: Member, size: int) -> None:
        """Tell a member that the own feed has grown to *size*.

        Raises:
            PeerError: no usable answer; the member polls anyway.
        """
        body = encode({"origin": self._name, "size": size})
        await self._send(
            member, "POST", POKE_PATH, body, seconds=_POKE_SECONDS, most=_MAX_SAID
        )

    async def give_receipt(self, member: Member, receipt: Signed) -> None:
        """Tell an origin what of its signals was erased here.

        Raises:
            PeerError: no usable answer; it is given again.
        """
        body = encode(receipt)
        await self._send(
            member,
            "POST",
            RECEIPT_PATH,
            body,
            seconds=_POKE_SECONDS,
            most=_MAX_SAID,
        )

    async def inquire(self, member: Member, inquiry: Signed) -> Signed:
        """Ask an origin to review a listing; get where its review stands.

        Raises:
            PeerError: no usable answer; it is asked again.
        """
        return await self._statement(member, "POST", INQUIRY_PATH, encode(inquiry))

    async def sightings(self, member: Member) -> Signed:
        """Get in sums how a member's reviews of this node's signals ended.

        Raises:
            PeerError: no usable answer.
        """
        return await self._statement(member, "GET", SIGHTINGS_PATH, None)

    async def forward_disputes(self, member: Member, forwarded: Forwarded) -> None:
        """Hand disputes of third members on.

        Raises:
            PeerError: no usable answer.
        """
        body = encode(forwarded)
        await self._send(
            member, "POST", DISPUTES_PATH, body, seconds=_POKE_SECONDS, most=_MAX_SAID
        )

    async def tell_fork(self, member: Member, evidence: ForkEvidence) -> None:
        """Hand evidence of a fork on.

        Raises:
            PeerError: no usable answer.
        """
        body = encode(evidence)
        await self._send(
            member, "POST", FORK_PATH, body, seconds=_POKE_SECONDS, most=_MAX_SAID
        )

    async def evaluate(self, member: Member, request: Signed) -> Signed:
        """Carry a signed evaluation request (`evaluation.quorum.Ask`).

        Raises:
            PeerError: no usable answer.
        """
        url = member.url + EVALUATE_PATH
        to = self._destinations.get(url)
        if to is None:
            if len(self._destinations) >= _MOST_DESTINATIONS:  # members have moved
                self._destinations.clear()
            to = self._destinations[url] = Destination(url, _JSON)
        data = await post(
            self._session,
            member.name,
            to,
            encode(request),
            said=self.speaks(),
            seconds=_EVALUATE_SECONDS,
            most=_MAX_EVALUATED,
            heard=self.heard,
        )
        try:
            return decode(data, Signed)
        except MalformedError as error:
            raise PeerError(member.name, str(error)) from None

    async def tally(self, member: Member, day: int) -> Signed:
        """Get what a member has counted with this node on a day.

        Raises:
            PeerError: no usable answer.
        """
        path = f"{TALLY_PATH}?{urlencode({'day': day})}"
        return await self._statement(member, "GET", path, None)

    async def attestation(self, member: Member) -> Signed:
        """Get the attestation of a member's own gate.

        Raises:
            PeerError: no usable answer.
        """
        data = await exchange(
            self._session,
            member.name,
            "GET",
            member.url + ATTESTATION_PATH,
            headers={},
            body=None,
            seconds=_POKE_SECONDS,
            most=_MAX_SAID,
        )
        try:
            return decode(data, Signed)
        except MalformedError as error:
            raise PeerError(member.name, str(error)) from None

    async def versions(self, peer: str, url: str, after: int) -> list[SignedCharter]:
        """Get the versions of the charter behind number *after*, as many as fit.

        Raises:
            PeerError: no usable answer.
        """
        data = await exchange(
            self._session,
            peer,
            "GET",
            f"{url}{VERSIONS_PATH}?after={after}",
            headers={},
            body=None,
            seconds=_POKE_SECONDS,
            most=MAX_VERSIONS,
        )
        try:
            return documents(decode(data, list[Bundle]))
        except MalformedError as error:
            raise PeerError(peer, str(error)) from None

    async def knock(self, url: str, body: bytes) -> bytes:
        """Ask an inviter how a wish to join stands.

        Raises:
            PeerError: no usable answer.
        """
        return await exchange(
            self._session,
            url,
            "POST",
            url + KNOCK_PATH,
            headers={"content-type": "application/json"},
            body=body,
            seconds=_EVALUATE_SECONDS,
            most=MAX_VERSIONS,
        )

    async def tell_leaving(self, member: Member, wish: Signed) -> None:
        """Tell a member that this node, which is suspended, wants to leave.

        Raises:
            PeerError: no usable answer.
        """
        await exchange(
            self._session,
            member.name,
            "POST",
            member.url + LEAVING_PATH,
            headers={"content-type": "application/json"},
            body=encode(wish),
            seconds=_POKE_SECONDS,
            most=_MAX_SAID,
        )

    async def exchange_charter(self, member: Member, body: bytes) -> bytes:
        """Tell a member what is proposed here, and get what it holds.

        Raises:
            PeerError: no usable answer.
        """
        return await self._send(
            member,
            "POST",
            EXCHANGE_PATH,
            body,
            seconds=_POKE_SECONDS,
            most=MAX_VERSIONS,
        )

    async def exchange_ceremonies(self, member: Member, body: bytes) -> bytes:
        """Tell a member what was said here in ceremonies, and get what it has heard.

        Raises:
            PeerError: no usable answer.
        """
        return await self._send(
            member,
            "POST",
            CEREMONIES_PATH,
            body,
            seconds=_EVALUATE_SECONDS,
            most=MAX_VERSIONS,
        )

    async def add_checkpoint(
        self, witness: str, prefix: str, body: bytes
    ) -> tuple[int, bytes]:
        """Ask a witness at its submission prefix to cosign; give what it answers.

        Raises:
            PeerError: no usable answer.
        """
        request = Request("POST", f"{prefix}/add-checkpoint")
        request.headers["content-type"] = "text/plain; charset=utf-8"
        return await self._ask_witness(witness, request, body)

    async def witnessed(self, witness: str, prefix: str, log: str) -> bytes | None:
        """Get the largest checkpoint of a log that a witness has cosigned, if any.

        Raises:
            PeerError: no usable answer.
        """
        digest = sha256(log.encode()).hexdigest()
        request = Request("GET", f"{prefix}/{digest}/checkpoint")
        status, data = await self._ask_witness(witness, request, None)
        if status == _NOT_FOUND:
            return None
        if status != _OK:
            raise PeerRefusedError(witness, status, "unknown")
        return data

    async def _ask_witness(
        self, witness: str, request: Request, body: bytes | None
    ) -> tuple[int, bytes]:
        return await converse(
            self._session,
            witness,
            request.method,
            request.url,
            headers=self._signed(witness, request, body),
            body=body,
            seconds=_WITNESS_SECONDS,
            most=_MAX_COSIGNED,
        )

    def _signed(
        self, destination: str, request: Request, body: bytes | None
    ) -> dict[str, str]:
        takes = SIGNED_AUTHORITY in self.features(destination)
        return dict(
            sign_request(
                request,
                body=body,
                signer=self._name,
                destination=destination,
                key=self._key,
                now=self._now(),
                nonce=token_urlsafe(16),
                also=(AUTHORITY,) if takes else (),
            )
        )

    async def _send(  # noqa: PLR0913 - one request has so many parts
        self,
        member: Member,
        method: str,
        path: str,
        body: bytes | None,
        *,
        seconds: float,
        most: int,
    ) -> bytes:
        request = Request(method, member.url + path, self._said())
        if body is not None:
            request.headers["content-type"] = "application/json"
        return await exchange(
            self._session,
            member.name,
            method,
            request.url,
            headers=self._signed(member.name, request, body),
            body=body,
            seconds=seconds,
            most=most,
            heard=self.heard,
        )

    async def _statement(
        self, member: Member, method: str, path: str, body: bytes | None
    ) -> Signed:
        data = await self._send(
            member, method, path, body, seconds=_POKE_SECONDS, most=_MAX_SAID
        )
        try:
            return decode(data, Signed)
        except MalformedError as error:
            raise PeerError(member.name, str(error)) from None

    def _said(self) -> dict[str, str]:
        said = self.speaks()
        return {} if said is None else {SPEAKS: said}


async def send_founding(
    session: aiohttp.ClientSession, url: str, messages: Sequence[Signed]
) -> list[Signed]:
    """Give a node the ceremony's messages; get those that it owes.

    Raises:
        PeerError: no usable answer.
    """
    data = await exchange(
        session,
        url,
        "POST",
        url + FOUNDING_PATH,
        headers={"content-type": "application/json"},
        body=encode(list(messages)),
        seconds=_FEED_SECONDS,
        most=_MAX_ANSWER,
    )
    try:
        return decode(data, list[Signed])
    except MalformedError:
        raise PeerError(url, "the answer is no list of messages") from None
