# SPDX-License-Identifier: Apache-2.0
"""The way in: logging in and out, the second factor once more, the language."""

from dataclasses import replace
from typing import Final

from aiohttp import web

from fedsafe_node.acts.people import EnrolmentAnswer, SessionAnswer
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.desk.act import PASSKEY, prove_anew, signed_in
from fedsafe_node.desk.frame import spoken
from fedsafe_node.desk.kept import show_sealed
from fedsafe_node.desk.passkeys import browser_of
from fedsafe_node.desk.view import ROOT, Page, View, form_pages
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

MOST_CARRIED: Final = 1_500
"""Letters of a kept form that may go to a provider and back, in a cookie."""
_CHOOSE: Final = "choose_role"
_CHOICE: Final = Phrase(
    "Choose the role in which you work now, and enter password and code once more."
)
_CHOICE_ALONE: Final = Phrase("Choose the role in which you work now.")
PROVIDER: Final = "provider"
"""The way in through a provider of identities; the others are the desk's own."""
_PASSWORD: Final = "password"  # noqa: S105 - a way, and none itself
_PASSKEY: Final = "passkey"
_TRIES: Final = frozenset({400, 401, 403, 422, 429})
_ENDED: Final = frozenset({401, 403})
_FIRST: Final = "/today"
_DAY: Final = Phrase("name the day until which the training counts")


async def show_login(view: View) -> web.StreamResponse:
    """Show the log-in."""
    if view.who is not None:
        return view.go(_FIRST)
    return show_entrance(view, wrong=None)


async def log_in(view: View) -> web.StreamResponse:
    """Log somebody in, and lead them to where they wanted to go."""
    body: dict[str, object] = {
        name: view.text(name) for name in ("name", "password", "code")
    }
    body["password"] = view.posted.get("password", [""])[0]
    return await enter(view, "logIn", body, choice=_CHOICE)


async def log_in_by_passkey(view: View) -> web.StreamResponse:
    """Log somebody in by what their device has signed."""
    body: dict[str, object] = {
        **signed_in(view.text(PASSKEY)),
        "browser": browser_of(view),
    }
    return await enter(
        view, "endPasskeyLogIn", body, choice=_CHOICE_ALONE, way=_PASSKEY
    )


async def enter(
    view: View,
    route: str,
    body: dict[str, object],
    *,
    choice: Phrase,
    way: str = _PASSWORD,
) -> web.StreamResponse:
    """Log somebody in by a route, or show the log-in again with why it refuses.

    Who has several roles chooses one in the form of the same *way*.

    Raises:
        TurnedDownError: it is refused for another reason than who asks.
    """
    if role := view.text("role"):
        body["role"] = role
    try:
        answer: SessionAnswer = await view.ask(route, body=body)
    except TurnedDownError as refused:
        if refused.problem.status not in _TRIES:
            raise
        if refused.problem.code != _CHOOSE:
            return show_entrance(view, wrong=refused.why)
        # What was proved was right, so it may say which roles they are.
        held = str(refused.why.named.get("names", "")).split(", ")
        roles = [role for role in Role if role.value in held]
        return show_entrance(view, wrong=choice, roles=roles, way=way)
    await begin_session(view, answer)
    response = _onward(view)
    view.desk.cookies.keep_token(response, answer.token)
    return response


async def begin_session(view: View, answer: SessionAnswer) -> None:
    """Read the page on as who has just logged in; the browser's session before ends.

    Whoever sat there before may not have logged out, and the cookie has room for one.

    Raises:
        TurnedDownError: the session before cannot be ended.
    """
    before = view.token if view.who is not None else None
    view.token = view.secret = answer.token
    view.who = await view.ask("showSession")
    if before is None:
        return
    try:
        await replace(view, token=before).ask("logOut")
    except TurnedDownError as refused:
        if refused.problem.status not in _ENDED:
            raise


def _onward(view: View) -> web.StreamResponse:
    if kept := view.text("kept"):
        return show_sealed(view, kept, status=200)
    return _to_wanted(view)


def _to_wanted(view: View) -> web.StreamResponse:
    wanted = view.text("wanted")
    known = {page.target for page in view.desk.pages if page.method == "GET"}
    return view.go(wanted.removeprefix(ROOT) if wanted in known else _FIRST)


def show_entrance(
    view: View,
    *,
    wrong: Phrase | None,
    status: int | None = None,
    roles: list[Role] | None = None,
    way: str = _PASSWORD,
) -> web.Response:
    """Show all ways to log in, and what went wrong, if something did."""
    return view.show(
        "login.html",
        status=status or (200 if wrong is None else 422),
        wrong=wrong,
        name=view.text("name"),
        way=way,
        roles=roles or [],
        wanted=view.text("wanted"),
        kept=view.text("kept"),
        signed=view.text(PASSKEY) if roles else "",
        provider=view.desk.provider,
        carried=MOST_CARRIED,
    )


async def log_out(view: View) -> web.StreamResponse:
    """End the session, here and at the node."""
    await view.ask("logOut")
    response = view.go("/login")
    view.desk.cookies.drop_token(response)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def choose_language(view: View) -> web.StreamResponse:
    """Keep the language that somebody has chosen."""
    language = view.text("language")
    wanted = view.text("back")
    known = {page.target for page in view.desk.pages if page.method == "GET"}
    response = view.go(
        wanted.removeprefix(ROOT)
        if wanted.startswith(ROOT + "/")
        and (wanted in known or (view.who is None and wanted.isprintable()))
        else _FIRST
    )
    if language in spoken():
        view.desk.cookies.keep_language(response, language)
    return response


async def show_step_up(view: View) -> web.StreamResponse:
    """Ask for the second factor once more."""
    return _step_up(view, wanted=view.query.get("wanted", ""))


def show_step_up_first(view: View) -> web.StreamResponse:
    """Ask for it in the place of a page that takes it; lead back to a form's page."""
    wanted = view.request.path
    return _step_up(view, wanted=wanted, status=403, again=True)


def _step_up(
    view: View,
    *,
    wanted: str,
    status: int = 200,
    wrong: Phrase | None = None,
    again: bool = False,
) -> web.StreamResponse:
    return view.show(
        "step_up.html", status=status, wrong=wrong, again=again, wanted=wanted
    )


async def step_up(view: View) -> web.StreamResponse:
    """Prove the second factor once more."""
    try:
        await prove_anew(view, "code")
    except TurnedDownError as refused:
        if refused.problem.status not in _TRIES:
            raise
        return _step_up(view, wanted=view.text("wanted"), status=422, wrong=refused.why)
    return _to_wanted(view)


async def go_on(view: View) -> web.StreamResponse:
    """Let a session live on: the request alone does."""
    del view
    return web.Response(status=204)


async def take_break(view: View) -> web.StreamResponse:
    """Show nothing that weighs on anybody, until they go on."""
    return view.show("break.html")


async def show_accessibility(view: View) -> web.StreamResponse:
    """Say what holds for people with disabilities, and where to write of a barrier."""
    return view.show("accessibility.html", address=view.desk.barriers)


async def show_set_up(view: View) -> web.StreamResponse:
    """Show the form with which a person sets their account up."""
    return _set_up(view, wrong=None)


def _set_up(view: View, *, wrong: Phrase | None) -> web.StreamResponse:
    return view.show(
        "set_up.html",
        status=200 if wrong is None else 422,
        wrong=wrong,
        name=view.text("name"),
        organisation=view.text("training.organisation"),
        until=view.text("training.until"),
    )


async def set_up(view: View) -> web.StreamResponse:
    """Set an account up, and show its authenticator once."""
    body: dict[str, object] = {name: view.text(name) for name in ("name", "code")}
    body["password"] = view.posted.get("password", [""])[0]
    if organisation := view.text("training.organisation"):
        try:
            until = view.desk.zone.begins(view.text("training.until"))
        except ValueError:
            return _set_up(view, wrong=_DAY)
        body["training"] = {"organisation": organisation, "until": until}
    try:
        answer: EnrolmentAnswer = await view.ask("setUpAccount", body=body)
    except TurnedDownError as refused:
        if refused.problem.status not in _TRIES:
            raise
        return _set_up(view, wrong=refused.why)
    return view.show("enrolled.html", answer=answer, code=qr_code(answer.uri))


def qr_code(text: str) -> str:
    """Draw a text as a QR code, as a picture that stands in the page itself."""
    import segno  # noqa: PLC0415 - the desk only

    drawn: str = segno.make(text, micro=False).svg_data_uri(
        scale=5, border=4, dark="#000", light="#fff"
    )
    return drawn


ENTRANCE_PAGES: Final = (
    *form_pages(
        Page(
            name="login",
            path="/login",
            handler=show_login,
            title=Phrase.within("desk", "Log in"),
            open=True,
        ),
        log_in,
    ),
    Page(
        name="login.passkey",
        path="/login/passkey",
        method="POST",
        handler=log_in_by_passkey,
        title=Phrase.within("desk", "Log in"),
        open=True,
    ),
    *form_pages(
        Page(
            name="setUp",
            path="/setup",
            handler=show_set_up,
            title=Phrase.within("desk", "Set up your account"),
            lead=Phrase(
                "You have a code from whoever added your account. With it you choose a "
                "password and get an authenticator; nobody else ever sees either."
            ),
            open=True,
        ),
        set_up,
    ),
    Page(
        name="accessibility",
        path="/accessibility",
        handler=show_accessibility,
        title=Phrase.within("desk", "Accessibility"),
        open=True,
    ),
    Page(
        name="language",
        path="/language",
        method="POST",
        handler=choose_language,
        title=Phrase.within("desk", "Language"),
        open=True,
    ),
    Page(
        name="logout",
        path="/logout",
        method="POST",
        handler=log_out,
        title=Phrase.within("desk", "Log out"),
        routes=("logOut",),
    ),
    *form_pages(
        Page(
            name="stepUp",
            path="/step-up",
            handler=show_step_up,
            title=Phrase.within("desk", "Confirm that it is you"),
            routes=("stepUp",),
        ),
        step_up,
    ),
    Page(
        name="goOn",
        path="/session",
        method="POST",
        handler=go_on,
        title=Phrase.within("desk", "Session"),
        routes=("showSession",),
    ),
    Page(
        name="break",
        path="/break",
        handler=take_break,
        title=Phrase.within("desk", "Break"),
        routes=("showSession",),
    ),
)
