# SPDX-License-Identifier: Apache-2.0
"""Logging in at a provider of identities, and coming back to the desk.

A button sets out; the provider leads the browser back with a code by a link from
another site. What keeps an attacker's code out of somebody's browser is that the node
takes a code in the browser alone that has set out for it: the cookie that stands for it
is under the MAC of the `state` (`people.identity_provider`).

The provider's link logs nobody in. It leads to a page with a form, which the script
sends at once, and a button does without it. So what merely fetches the link (a scanner,
a preview, a browser's memory) uses nothing up; cookies that no other site brings along
(`SameSite=Strict`), such as that of a session to end, come with the form; and the code
leaves the address bar. That page names its address to nobody as the one before, for the
code stands in it.

Setting out shows a page that leads on by itself, and no redirect: browsers follow none
out of a form to an address that `form-action` does not name (CSP), and a provider may
lead on to others that nobody here knows.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

from aiohttp import web

from fedsafe_node.acts.people import SignOnAnswer
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.desk.entrance import MOST_CARRIED, PROVIDER, enter, show_entrance
from fedsafe_node.desk.session import form_token
from fedsafe_node.desk.view import ROOT, Page, View
from fedsafe_node.people.identity_provider import BACK, LIFETIME
from fedsafe_policies.ground.catalogue import Phrase

_START: Final = "/login/provider"
_BACK: Final = BACK.removeprefix(ROOT)
_STATE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE: Final = re.compile(r"[\x20-\x7e]{1,2048}")
_TURNED_DOWN: Final = frozenset({400, 401, 403, 409, 422, 429, 503})
_TOLD: Final = ("state", "code", "iss", "error")
_TWICE: Final = 2
_CHOICE: Final = Phrase(
    "Choose the role in which you work now, and go to the provider once more."
)
_WHY: Final = {
    "access_denied": Phrase("The provider has not let you in, or you have cancelled."),
    "temporarily_unavailable": Phrase(
        "The provider cannot log anybody in just now. Try it again in some minutes."
    ),
    "server_error": Phrase(
        "Something went wrong at the provider. Try it again in some minutes."
    ),
}
_OTHER: Final = Phrase(
    "The provider has refused the log-in. If it does so again, have an operator look "
    "at what is registered there: `fedsafe doctor` says what it should be."
)
_NOTHING: Final = Phrase("Here ends no log-in that has begun: begin it anew.")


async def set_out(view: View) -> web.StreamResponse:
    """Send the browser to the provider."""
    cookies = view.desk.cookies
    before = cookies.before(view.request)
    body = {"browser": _browser_of(before)}
    if role := view.text("role"):
        body["role"] = role
    try:
        if not before:
            return show_entrance(view, wrong=_NOTHING)
        answer: SignOnAnswer = await view.ask("beginSignOn", body=body)
    except TurnedDownError as refused:
        if refused.problem.status not in _TURNED_DOWN:
            raise
        return show_entrance(view, wrong=refused.why)
    response = view.show("sign_on.html", url=answer.url, provider=view.desk.provider)
    response.headers["Refresh"] = f"0; url={answer.url}"
    cookies.keep_before(response, before)
    carried = _carried(answer.state, view.text("wanted"), view.text("kept"))
    cookies.keep_away(response, carried, LIFETIME)
    return response


async def come_back(view: View) -> web.StreamResponse:
    """Show the form that ends the log-in; nothing is asked of the code itself."""
    query = view.request.query
    is_clear = all(len(query.getall(name, ())) < _TWICE for name in _TOLD)
    state, code, error = (query.get(name, "") for name in ("state", "code", "error"))
    wanted, kept = _noted(view.desk.cookies.away(view.request), state)
    view.posted = {"wanted": [wanted], "kept": [kept]}
    if not is_clear:
        return show_entrance(view, wrong=_NOTHING)
    if error:
        return show_entrance(view, wrong=_WHY.get(error, _OTHER))
    if not _STATE.fullmatch(state) or not _CODE.fullmatch(code):
        return show_entrance(view, wrong=_NOTHING)
    hidden = {"state": state, "code": code, "wanted": wanted, "kept": kept}
    if "iss" in query:
        hidden["iss"] = query["iss"]
    response = view.show(
        "signed_on.html", target=BACK, hidden=hidden, provider=view.desk.provider
    )
    # The desk's style sheet and script are asked for with the origin alone.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


async def finish(view: View) -> web.StreamResponse:
    """Log somebody in by the code that the browser came back with."""
    body: dict[str, object] = {
        "state": view.text("state"),
        "code": view.posted.get("code", [""])[0],
        "browser": _browser_of(view.desk.cookies.before(view.request)),
    }
    if named := view.posted.get("iss"):
        body["iss"] = named[0]
    response = await enter(view, "endSignOn", body, choice=_CHOICE, way=PROVIDER)
    view.desk.cookies.drop_away(response)
    return response


def _browser_of(before: str) -> str:
    """Name the browser that logs in: no other ends what it began."""
    return form_token(before, "sign-on")


def _carried(state: str, wanted: str, kept: str) -> str:
    """Write down for what a log-in was begun; a form that is too long stays behind."""
    form = kept if len(kept) <= MOST_CARRIED else ""
    page = urlsafe_b64encode(wanted.encode()[:_LONGEST_PAGE]).decode().rstrip("=")
    return f"{_digest(state)}.{page}.{form}"


def _noted(carried: str, state: str) -> tuple[str, str]:
    """Read for what the log-in with a state was begun: a page, and a form."""
    digest, _, rest = carried.partition(".")
    page, _, form = rest.partition(".")
    if digest != _digest(state):
        return "", ""
    try:
        wanted = urlsafe_b64decode(page + "=" * (-len(page) % 4)).decode()
    except ValueError:
        wanted = ""
    return wanted, form


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()[:16]


_LONGEST_PAGE: Final = 300
_TITLE: Final = Phrase.within("desk", "Log in")

SIGN_ON_PAGES: Final = (
    Page(
        name="signOn",
        path=_START,
        method="POST",
        handler=set_out,
        title=_TITLE,
        open=True,
    ),
    Page(
        name="signOn.back",
        path=_BACK,
        handler=come_back,
        title=_TITLE,
        open=True,
        abroad=True,
    ),
    Page(
        name="signOn.taken",
        path=_BACK,
        method="POST",
        handler=finish,
        title=_TITLE,
        open=True,
    ),
)
