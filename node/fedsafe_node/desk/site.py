# SPDX-License-Identifier: Apache-2.0
"""Serves the desk: its own listener, beside the API's, and what holds for each page.

A page is answered after these checks, in this order: the browser does not fetch ahead;
Host is the desk's own; a form came from a page of the desk, with its token; somebody
has logged in; their role may ask the routes that the page asks. Each refusal is an
event but the first, which a browser earns by itself. The routes then check all of it
once more, as for any client. No answer is kept by the browser, framed by another site,
or runs a script that is not the desk's.
"""

import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from fedsafe_node.acts.people import WhoAnswer
from fedsafe_node.api.auth import named_host, source_of
from fedsafe_node.api.body import FORM, read_body
from fedsafe_node.api.codes import CODES, Code
from fedsafe_node.api.endpoint import (
    Border,
    Endpoint,
    TurnedDownError,
    line_of,
    make_visits,
)
from fedsafe_node.api.forwarded import Proxies
from fedsafe_node.api.problems import RefusedError, explained, problem_of
from fedsafe_node.api.refusal_events import KEYLESS, Refused
from fedsafe_node.api.route import KIB
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.api.server import BORDER, STRAIGHT
from fedsafe_node.desk.approvals import APPROVAL_PAGES
from fedsafe_node.desk.danger import DANGER_PAGES
from fedsafe_node.desk.demonstration import DEMONSTRATION_PAGES
from fedsafe_node.desk.entrance import (
    ENTRANCE_PAGES,
    show_entrance,
    show_step_up_first,
)
from fedsafe_node.desk.forms import MOST_FIELDS, Zone
from fedsafe_node.desk.frame import (
    NO_PAGE,
    NOT_FOR_ROLE,
    read_all,
    render,
    show_wrong,
    spoken,
    static_files,
)
from fedsafe_node.desk.kept import NOT_YOURS, is_writer, seal_form, show_sealed
from fedsafe_node.desk.log import LOG_PAGES
from fedsafe_node.desk.newcomers import NEWCOMER_PAGES
from fedsafe_node.desk.passkeys import PASSKEY_PAGES
from fedsafe_node.desk.rounds import ROUND_PAGES
from fedsafe_node.desk.session import Cookies, form_token, is_ahead, is_from_here
from fedsafe_node.desk.shelves import SHELF_PAGES
from fedsafe_node.desk.sign_on import SIGN_ON_PAGES
from fedsafe_node.desk.today import TODAY_PAGES
from fedsafe_node.desk.view import ROOT, WRITER, Desk, Page, View, opens
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import begin
from fedsafe_node.people.sessions import IDLE
from fedsafe_node.people.vault import Vault
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Matter, Role

FORM_BYTES: Final = 256 * KIB
_LOG = logging.getLogger(f"{LOGGER}.desk")
_ENDED: Final = 401
_FAILED: Final = 500
_STALE_FORM: Final = Phrase(
    "This form does not come from a page of the desk, or it is older than your "
    "log-in. Go back, load the page anew and send it again."
)
_NOT_BEGUN: Final = Phrase(
    "This log-in did not begin in this browser, or more than an hour ago: nobody is "
    "logged in. Begin it anew at the log-in of the desk. If you have begun it with "
    "`fedsafe login --sso`, give the address of this page there."
)
_AHEAD: Final = Phrase("The desk shows nothing before somebody asks for it.")
_MISDIRECTED: Final = Phrase("The desk is called by its own address: {origin}")
_NO_SUCH: Final = Phrase("There is no such page.")


PAGES: Final[tuple[Page, ...]] = (
    *ENTRANCE_PAGES,
    *PASSKEY_PAGES,
    *SIGN_ON_PAGES,
    *DEMONSTRATION_PAGES,
    *TODAY_PAGES,
    *APPROVAL_PAGES,
    *NEWCOMER_PAGES,
    *SHELF_PAGES,
    *DANGER_PAGES,
    *LOG_PAGES,
    *ROUND_PAGES,
)


class Site:
    """The desk of one node as it is served; made off the loop, since it reads files.

    `policy` names the policy by which the node decides now, `reads` whether it lets a
    role read a matter. `provider` is what people call the provider of identities.
    """

    def __init__(  # noqa: PLR0913 - what every page shows
        self,
        border: Border,
        clock: Clock,
        *,
        origin: str,
        zone: str,
        policy: Callable[[], str],
        reads: Callable[[Role, Matter], bool],
        barriers: str,
        pages: Sequence[Page] = PAGES,
        vault: Vault,
        provider: str | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        read_all()
        self._proxies = proxies or Proxies()
        self._border = border
        self._services = border.services
        self._host = urlsplit(origin).netloc
        self.desk = Desk(
            node=border.services.name,
            origin=origin,
            pages=pages,
            routes={route.name: route for route in ROUTES},
            visits=make_visits(ROUTES, border),
            zone=Zone(zone),
            cookies=Cookies(border.services.name),
            clock=clock,
            policy=policy,
            reads=reads,
            render=render,
            people=border.services.people,
            idle=IDLE,
            barriers=barriers,
            vault=vault,
            provider=provider,
        )

    def make_app(self) -> web.Application:
        """Build the application: every page, its files, and a page for the rest."""
        app = web.Application()
        app[BORDER], app[STRAIGHT] = self._border, {}
        for page in self.desk.pages:
            app.router.add_route(page.method, page.target, self._endpoint(page))
        app.router.add_get(f"{ROOT}/static/{{digest}}/{{name}}", self._static)
        for path in ("/", ROOT, f"{ROOT}/"):
            app.router.add_get(path, self._front)
        app.router.add_route("*", "/{path:.*}", self._endpoint(NO_PAGE))
        return app

    async def _front(self, request: web.Request) -> web.StreamResponse:
        del request
        headers = {"Location": f"{ROOT}/today"}
        return self._safe(web.Response(status=303, headers=headers), "")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        found = static_files().get(request.match_info["name"])
        if found is None:
            return self._safe(web.Response(status=404), "")
        body, media = found
        response = web.Response(body=body, headers={"Content-Type": media})
        self._safe(response, "")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    def _endpoint(self, page: Page) -> Endpoint:
        async def endpoint(request: web.Request) -> web.StreamResponse:
            view = View(
                desk=self.desk,
                request=request,
                page=page,
                line=line_of(request, self._proxies),
                source=source_of(request, self._proxies),
                language=self._language(request),
                path=request.match_info,
                token=self.desk.cookies.token(request),
                nonce=secrets.token_urlsafe(16),
            )
            try:
                response = await self._serve(view)
            except TurnedDownError as refused:
                response = await self._turned_down(view, refused)
            except Exception as error:  # noqa: BLE001 - the border of the desk
                await self._detain(view)
                response = self._failed(view, error)
            view.line.answered()
            return self._safe(response, view.nonce)

        return endpoint

    async def _serve(self, view: View) -> web.StreamResponse:
        request, page = view.request, view.page
        if is_ahead(request):
            await self._detain(view)  # a browser did it, nobody: no event tells of it
            return show_wrong(view, 403, _AHEAD)
        if named_host(request) != self._host:
            words = _MISDIRECTED.filled(origin=self.desk.origin)
            return await self._refuse(view, 421, words, "misdirected")
        if page is NO_PAGE:
            await self._detain(view)
            return show_wrong(view, 404, _NO_SUCH)
        if view.line.prefix and view.token is None:
            await self._border.turns.take(view.line.prefix)
        if page.method == "POST":
            view.posted = await _posted(request, view.line.prefix)
            if not is_from_here(request, self.desk.origin):
                return await self._refuse(view, 403, _STALE_FORM, "foreign_form")
        return await (self._open(view) if page.open else self._closed(view))

    async def _open(self, view: View) -> web.StreamResponse:
        """Answer a page for people who have not logged in."""
        before = self.desk.cookies.before(view.request)
        if view.token is not None:
            view.who = await self._who(view)
        if view.page.method == "POST":
            for secret in (view.token, before):
                view.secret = secret or ""
                if view.secret and _is_sealed(view):
                    return await view.page.handler(view)
            return await self._refuse(view, 403, _STALE_FORM, "foreign_form")
        if view.page.abroad and not before:
            return await self._refuse(view, 403, _NOT_BEGUN, "foreign_sign_on")
        fresh = "" if before or view.who else secrets.token_urlsafe(32)
        view.secret = (view.token if view.who else before) or fresh
        response = await view.page.handler(view)
        if fresh:
            self.desk.cookies.keep_before(response, fresh)
        return response

    async def _closed(self, view: View) -> web.StreamResponse:
        """Answer a page for people who have logged in."""
        view.who = await self._who(view) if view.token is not None else None
        if view.who is None or view.token is None:
            return await self._log_in_first(view)
        view.secret = view.token
        if not opens(view, view.page):
            return await self._refuse(view, 403, NOT_FOR_ROLE, "forbidden")
        if view.page.method == "POST" and not _is_sealed(view):
            await self._note(view, "foreign_form")
            writer = view.text(WRITER)
            if not is_writer(view, writer):
                return show_wrong(view, 403, NOT_YOURS if writer else _STALE_FORM)
            return show_sealed(view, seal_form(view), status=403)
        return await view.page.handler(view)

    async def _who(self, view: View) -> WhoAnswer | None:
        try:
            who: WhoAnswer = await view.ask("showSession")
        except TurnedDownError as refused:
            if refused.problem.status in {_ENDED, 403}:
                view.token = None
                return None
            raise
        return who

    async def _log_in_first(self, view: View) -> web.StreamResponse:
        """Show the log-in; what was entered into a form comes back afterwards."""
        login = next(page for page in self.desk.pages if page.name == "login")
        is_form = view.page.method == "POST"
        before = self.desk.cookies.before(view.request) or secrets.token_urlsafe(32)
        kept = seal_form(view) if is_form else ""
        wanted = "" if is_form else view.request.path
        posted = {"kept": [kept], "wanted": [wanted]}
        shown = replace(view, page=login, secret=before, posted=posted)
        response = show_entrance(shown, wrong=None, status=_ENDED)
        self.desk.cookies.keep_before(response, before)
        self.desk.cookies.drop_token(response)
        return response

    async def _turned_down(
        self, view: View, refused: TurnedDownError
    ) -> web.StreamResponse:
        problem = refused.problem
        if problem.status == _ENDED and not view.page.open:
            return await self._log_in_first(view)
        code = _code(problem.code)
        if code is Code.STEP_UP:
            return show_step_up_first(view)
        return view.show(
            "problem.html", status=problem.status, problem=problem, why=refused.why
        )

    async def _refuse(
        self, view: View, status: int, words: Phrase, reason: str
    ) -> web.StreamResponse:
        """Refuse a page, and write that down before the answer leaves."""
        await self._detain(view)
        await self._note(view, reason)
        return show_wrong(view, status, words)

    async def _detain(self, view: View) -> None:
        """Let a refusal wait for a turn, unless it is known who asks.

        A cookie that looks like a session's is nobody's until a route has taken it.
        """
        if view.who is None:
            await self._border.detain(view.line)

    async def _note(self, view: View, reason: str) -> None:
        name, route = view.who.name if view.who else "", f"desk.{view.page.name}"
        who, prefix = ("person", "") if name else (KEYLESS, view.line.prefix)
        begin()
        await self._services.refusals.note(Refused(who, name, prefix, route, reason))

    def _failed(self, view: View, error: Exception) -> web.StreamResponse:
        if isinstance(error, web.HTTPNotFound):
            return show_wrong(view, 404, _NO_SUCH)
        if isinstance(error, RefusedError):
            status, _ = CODES[error.code]
            return show_wrong(view, status, explained(error))
        request_id = self._border.request_id()
        problem = problem_of(error, request_id=request_id)
        if problem.status >= _FAILED:
            facts = fields(request=request_id, code=problem.code)
            _LOG.error("a page failed", exc_info=error, extra=facts)
        bare = replace(view, page=NO_PAGE)
        return bare.show(
            "problem.html",
            status=problem.status,
            problem=problem,
            why=explained(error),
        )

    def _language(self, request: web.Request) -> str:
        chosen = self.desk.cookies.language(request)
        if chosen in spoken():
            return chosen
        for part in request.headers.get("Accept-Language", "").split(","):
            code = part.partition(";")[0].strip().lower().partition("-")[0]
            if code in spoken():
                return code
        return "en"

    def _safe(self, response: web.StreamResponse, nonce: str) -> web.StreamResponse:
        script = f"script-src 'nonce-{nonce}'; " if nonce else ""
        headers = response.headers
        headers["Content-Security-Policy"] = (
            f"default-src 'none'; {script}style-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'; require-trusted-types-for 'script'; "
            "trusted-types 'none'"
        )
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        # Not `no-referrer`: with that, browsers say no origin for forms.
        headers.setdefault("Referrer-Policy", "same-origin")
        headers["Permissions-Policy"] = (
            "camera=(), geolocation=(), microphone=(), "
            "publickey-credentials-create=(self), publickey-credentials-get=(self)"
        )
        headers["Server"] = "fedsafe"
        return response


def _is_sealed(view: View) -> bool:
    wanted = form_token(view.secret, view.request.path)
    return hmac.compare_digest(wanted.encode(), view.text("token").encode())


def _code(word: str) -> Code | None:
    try:
        return Code(word)
    except ValueError:
        return None


async def _posted(request: web.Request, prefix: str) -> dict[str, list[str]]:
    body = await read_body(request, FORM_BYTES, prefix=prefix, media=FORM)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise RefusedError(
            Code.MALFORMED_REQUEST, Phrase("the form's fields cannot be read")
        ) from None
    posted: dict[str, list[str]] = {}
    for name, value in pairs:
        posted.setdefault(name, []).append(value)
    return posted
