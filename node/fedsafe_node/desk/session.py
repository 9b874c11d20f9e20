# SPDX-License-Identifier: Apache-2.0
"""Who reads a page: the cookie of a session, and the proof that a form came from here.

The cookie holds the session's token, as a client of the API holds it, and is out of
reach for scripts and other sites. Cookies ignore ports, so its name has the node's. A
form carries a token that is made of the session's and of where it goes: another site
knows neither, and one form's does not do for another. `Origin` and `Sec-Fetch-Site`
must say the desk's own origin as well. What a browser fetches before anybody asks for
it is refused: a page that is shown is an event of somebody.

Two cookies come along when another site leads here by a link (`SameSite=Lax`), as a
provider of identities does after a log-in there: the one that stands for a browser in
which nobody has logged in yet, and what was wanted before that log-in. Neither opens
anything; forms of other sites bring none of them.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from typing import Final, Literal

from aiohttp import web

from fedsafe_node.api.auth import TOKEN
from fedsafe_node.people.credentials import SESSION_PREFIX

PRE_SECONDS: Final = 60 * 60
_YEAR: Final = 365 * 24 * 60 * 60
_DOMAIN: Final = b"fedsafe/desk/form\n"
_BEFORE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Cookies:
    """The cookies of one node's desk."""

    def __init__(self, node: str) -> None:
        plain = "".join(c if c.isalnum() else "-" for c in node)
        self._session = f"__Host-fedsafe-{plain}"
        self._before = f"__Host-fedsafe-before-{plain}"
        self._away = f"__Host-fedsafe-away-{plain}"
        self._language = f"__Host-fedsafe-language-{plain}"

    def token(self, request: web.Request) -> str | None:
        """Return the session's token that a request brings, if it brings one."""
        token = request.cookies.get(self._session, "")
        is_one = token.startswith(SESSION_PREFIX) and TOKEN.fullmatch(token)
        return token if is_one else None

    def keep_token(self, response: web.StreamResponse, token: str) -> None:
        """Give the browser a session's token; it ends with the browser."""
        _keep(response, self._session, token)

    def drop_token(self, response: web.StreamResponse) -> None:
        """Have the browser forget it."""
        _keep(response, self._session, "", seconds=0)

    def before(self, request: web.Request) -> str:
        """Return what stands for a browser in which nobody has logged in yet.

        What has not the form of what was given to one is nothing.
        """
        value = request.cookies.get(self._before, "")
        return value if _BEFORE.fullmatch(value) else ""

    def keep_before(self, response: web.StreamResponse, value: str) -> None:
        """Give such a browser something to stand for it."""
        _keep(response, self._before, value, seconds=PRE_SECONDS, site="Lax")

    def away(self, request: web.Request) -> str:
        """Return what was noted for a browser that has gone to a provider."""
        return request.cookies.get(self._away, "")

    def keep_away(self, response: web.StreamResponse, value: str, seconds: int) -> None:
        """Note something for a browser that goes to a provider now."""
        _keep(response, self._away, value, seconds=seconds, site="Lax")

    def drop_away(self, response: web.StreamResponse) -> None:
        """Have the browser forget it."""
        _keep(response, self._away, "", seconds=0, site="Lax")

    def language(self, request: web.Request) -> str:
        """Return the language that somebody has chosen; empty if nobody has."""
        return request.cookies.get(self._language, "")

    def keep_language(self, response: web.StreamResponse, language: str) -> None:
        """Keep a language."""
        _keep(response, self._language, language, seconds=_YEAR)


def _keep(
    response: web.StreamResponse,
    name: str,
    value: str,
    *,
    seconds: int | None = None,
    site: Literal["Strict", "Lax"] = "Strict",
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=True,
        httponly=True,
        samesite=site,
    )


def form_token(secret: str, target: str) -> str:
    """Make the token of a form that goes to *target*, for whoever has the secret."""
    key = hashlib.sha256(_DOMAIN + secret.encode()).digest()
    made = hmac.digest(key, target.encode(), "sha256")
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def is_from_here(request: web.Request, origin: str) -> bool:
    """Whether a form was sent by a page of the desk's own origin."""
    headers = request.headers
    if headers.getall("Origin", []) != [origin]:
        return False
    return headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


def is_ahead(request: web.Request) -> bool:
    """Whether a browser fetches what nobody has asked for yet."""
    said = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose"))
    return any("prefetch" in each or "prerender" in each for each in said)
