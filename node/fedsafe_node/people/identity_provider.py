# SPDX-License-Identifier: Apache-2.0
"""Logging in through a provider of identities (OpenID Connect, code flow with PKCE).

A login begins with an address for the browser and ends with the code that the browser
brings back. In between the node keeps nothing: `state` says when the login ends and for
which role it is, under a MAC, and `nonce` and the PKCE secret are made of it, under a
key that the browser does not know. It counts for ten minutes and one use, in whatever
process of the node: what is replayed, or was begun before a restart, is refused. The
MAC covers the browser in which somebody began at the desk: with the code of another
one, such as an attacker's own, nobody is logged in here (RFC 9700, §4.7). No code goes
to the provider before it is certain that the provider has made it (RFC 9207).

The provider says who somebody is; the node says which person that is, once that person
has linked the two in a session of their own, and what they may do. A login through a
provider proves no second factor of the node's: approvals still want one.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_bytes
from struct import Struct
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from fedsafe_federation.errors import StaleStatementError
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_node.acts.people import (
    LinkedAnswer,
    SessionAnswer,
    SignOnAnswer,
    SignOnRequest,
    SignOnStart,
)
from fedsafe_node.ground.config import Oidc
from fedsafe_node.ground.errors import (
    ConflictError,
    ForbiddenError,
    IdentityError,
    NotFoundError,
    UnavailableError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.people.id_tokens import (
    Provider,
    check_named,
    knows_key,
    read_keys,
    subject_of,
)
from fedsafe_node.people.identity_web import ProviderWeb, discover
from fedsafe_node.people.office import Office
from fedsafe_node.people.sessions import Sessions
from fedsafe_node.store.people_rows import IdentityRow, PersonState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

LIFETIME: Final = 10 * 60
BACK: Final = "/desk/login/provider/back"
"""Where the provider leads browsers back to at the desk, below its origin."""
_STATE: Final = Struct(">IB11s")  # when it ends, the role, what makes it one of a kind
_MAC_BYTES: Final = 16
_ROLES: Final = (None, *Role)
_KEPT: Final = 60 * 60  # seconds that discovery and keys are kept
_PAUSE: Final = 60  # seconds between two looks at a provider's keys
_REST: Final = 5  # seconds in which a provider that failed is not asked again
_REFUSED: Final = Phrase("the provider's answer is not accepted; begin anew")


@dataclass(frozen=True, slots=True)
class _Begun:
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    role: Role | None


class _TokenAnswer(msgspec.Struct, frozen=True):
    id_token: str


class Identities:
    """Begins and ends logins through one provider.

    Owned by the event loop: what is known of the provider. Shared: `_seen`, which
    states were used. `desk` is the desk's origin, if there is one.
    """

    def __init__(  # noqa: PLR0913 - what a login needs
        self,
        office: Office,
        sessions: Sessions,
        oidc: Oidc | None,
        web: ProviderWeb,
        seen: SeenNonces,
        *,
        desk: str | None = None,
    ) -> None:
        self._seen = seen
        self._desk = desk
        self._office = office
        self._sessions = sessions
        self._oidc = oidc
        self._web = web
        self._provider: tuple[Provider, int] | None = None
        self._failure: tuple[str, int] | None = None
        self._keys: tuple[KeySet, int] | None = None

    async def start(self, request: SignOnStart) -> SignOnAnswer:
        """Begin a login: where the browser goes.

        Raises:
            WrongStateError: this node has no provider; or a browser is named, and it
                has no desk.
            UnavailableError: the provider does not answer.
        """
        oidc, now = self._settings(), self._office.now()
        redirect = self._redirect(oidc, request.browser)
        provider = await self._known_provider(oidc, now)
        said = _STATE.pack(now + LIFETIME, _ROLES.index(request.role), token_bytes(11))
        state = said + self._mac(said, request.browser)
        begun = self._begun(state, request.role)
        digest = hashlib.sha256(begun.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": oidc.client_id,
            "redirect_uri": redirect,
            "scope": "openid",
            "state": _text(state),
            "nonce": begun.nonce,
            "code_challenge": _text(digest),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in provider.authorization_endpoint else "?"
        url = f"{provider.authorization_endpoint}{joint}{urlencode(query)}"
        return SignOnAnswer(url=url, state=_text(state))

    def _begun(self, state: bytes, role: Role | None) -> _Begun:
        nonce, verifier = self._made_of(state, "nonce"), self._made_of(state, "pkce")
        return _Begun(_text(nonce), _text(verifier), role)

    def _redirect(self, oidc: Oidc, browser: str) -> str:
        """Where the provider leads a browser back to: the desk, or the setting."""
        if not browser:
            return oidc.redirect
        if self._desk is None:
            raise WrongStateError(
                "no_desk",
                Phrase("a browser is led back to a desk: node.toml names none"),
            )
        return f"{self._desk}{BACK}"

    def _mac(self, said: bytes, browser: str) -> bytes:
        """What shows that this node began a login, in that browser if one is named."""
        made = self._office.vault.blind("sign-on state", said.hex() + browser)
        return bytes.fromhex(made)[:_MAC_BYTES]

    def _made_of(self, state: bytes, word: str) -> bytes:
        return bytes.fromhex(self._office.vault.blind(f"sign-on {word}", state.hex()))

    async def finish(self, request: SignOnRequest) -> SessionAnswer:
        """End a login: a session of the person who has linked this identity.

        Raises:
            ForbiddenError: it never began, is over, or the answer is not accepted;
                or nobody has linked the identity, or the role has lapsed.
            BadRequestError: several roles, and none was chosen.
        """
        begun = self._taken(request)
        issuer, subject = await self._identify(request, begun)
        office = self._office

        async def act(tx: Transaction) -> SessionAnswer:
            link = await tx.identity(issuer, subject)
            person = await tx.person(link.person) if link is not None else None
            if person is None or person.state is not PersonState.ACTIVE:
                raise ForbiddenError(_REFUSED, authenticated=False)
            return await self._sessions.open(
                tx, person, begun.role, fresh=False, way="oidc"
            )

        return await office.store.write(act)

    async def link(self, request: SignOnRequest, who: Principal) -> LinkedAnswer:
        """Link an identity to whoever asks, in a fresh session of their own.

        Raises:
            ForbiddenError: no fresh session, or the answer is not accepted.
            WrongStateError: the identity, or the person's place there, is taken.
        """
        if who.session is None or not who.fresh:
            raise ForbiddenError(
                Phrase("link in a session whose second factor is fresh"),
                authenticated=True,
            )
        issuer, subject = await self._identify(request, self._taken(request))
        office = self._office

        async def act(tx: Transaction) -> None:
            person = await tx.person_named(who.name)
            if person is None:
                raise NotFoundError(Phrase("no such account"))
            row = IdentityRow(issuer=issuer, subject=subject, person=person.id)
            await tx.add_identity(row)
            detail = {"name": who.name, "issuer": issuer}
            await office.note(tx, Event.IDENTITY_LINKED, who.name, detail)

        try:
            await office.store.write(act)
        except ConflictError:
            raise WrongStateError(
                "conflict", Phrase("identity or account are linked already")
            ) from None
        return LinkedAnswer(name=who.name, issuer=issuer)

    def _settings(self) -> Oidc:
        if self._oidc is None:
            raise WrongStateError(
                "no_provider", Phrase("this node has no provider of identities")
            )
        return self._oidc

    def _taken(self, request: SignOnRequest) -> _Begun:
        """Take a begun login: it is used once, whatever comes of it.

        Another browser cannot use it up.
        """
        self._settings()
        state = base64.urlsafe_b64decode(request.state + "=")
        said, mac = state[: _STATE.size], state[_STATE.size :]
        if not hmac.compare_digest(self._mac(said, request.browser), mac):
            raise ForbiddenError(_REFUSED, authenticated=False)
        ends_at, role, _ = _STATE.unpack(said)
        now, ends = self._office.clock.now(), datetime.fromtimestamp(ends_at, UTC)
        began = ends_at - LIFETIME
        if ends <= now or began < int(self._seen.began.timestamp()):
            raise ForbiddenError(_REFUSED, authenticated=False)
        try:
            self._seen.remember("sign-on", said, until=ends, now=now)
        except StaleStatementError:
            raise ForbiddenError(_REFUSED, authenticated=False) from None
        return self._begun(state, _ROLES[role])

    async def _identify(self, request: SignOnRequest, begun: _Begun) -> tuple[str, str]:
        oidc, now = self._settings(), self._office.now()
        provider = await self._known_provider(oidc, now)
        form = {
            "grant_type": "authorization_code",
            "code": request.code,
            "redirect_uri": self._redirect(oidc, request.browser),
            "client_id": oidc.client_id,
            "code_verifier": begun.verifier,
        }
        try:
            check_named(provider, request.iss)
            answer = await self._web.post(provider.token_endpoint, form)
            token = msgspec.json.decode(answer, type=_TokenAnswer).id_token
            keys = await self._known_keys(provider, now, token)
            subject = subject_of(
                token,
                keys,
                issuer=oidc.issuer,
                client=oidc.client_id,
                nonce=begun.nonce,
                now=now,
            )
        except (IdentityError, msgspec.MsgspecError):
            raise ForbiddenError(_REFUSED, authenticated=False) from None
        return oidc.issuer, subject

    async def _known_provider(self, oidc: Oidc, now: int) -> Provider:
        if self._provider is not None and now - self._provider[1] < _KEPT:
            return self._provider[0]
        if self._failure is not None and 0 <= now - self._failure[1] < _REST:
            raise _unusable(self._failure[0])
        try:
            provider = await discover(self._web, oidc.issuer)
        except IdentityError as error:
            self._failure = error.why, now
            raise _unusable(error.why) from None
        self._provider, self._failure = (provider, now), None
        return provider

    async def _known_keys(self, provider: Provider, now: int, token: str) -> "KeySet":
        """Return the provider's keys; an unknown one is looked for, not too often."""
        if self._keys is not None:
            keys, at = self._keys
            age = now - at
            if age < _KEPT and (knows_key(keys, token) or age < _PAUSE):
                return keys
        keys = read_keys(await self._web.get(provider.jwks_uri))
        self._keys = keys, now
        return keys


def _unusable(why: str) -> UnavailableError:
    return UnavailableError(
        "unavailable",
        Phrase("the provider of identities cannot be used: {why}").filled(why=why),
        retry_after_ms=_REST * 1_000,
    )


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
