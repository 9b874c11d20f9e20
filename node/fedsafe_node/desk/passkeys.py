# SPDX-License-Identifier: Apache-2.0
"""Passkeys on pages: one's own, and what the script asks before a device signs.

A device is asked by the browser's script, which gets the question as JSON from a page
here and puts the answer into a form. From there it is sent as any form is: with its
token, and with a page for whatever comes of it.
"""

from typing import Any, Final

import msgspec
from aiohttp import web

from fedsafe_node.acts.people import PasskeyOptions, PasskeysAnswer
from fedsafe_node.api.body import JSON
from fedsafe_node.api.codes import Code
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.desk.act import PASSKEY, Act, FormPage, signed_in
from fedsafe_node.desk.described import Shown, rows_of
from fedsafe_node.desk.session import form_token
from fedsafe_node.desk.view import ROOT, Page, View, form_pages
from fedsafe_policies.ground.catalogue import Phrase

OWN: Final = "/account/passkeys"
_BACK: Final = frozenset({400, 403, 404, 409, 422, 429})
_TITLE: Final = Phrase.within("desk", "Your passkeys")
_SHOWN: Final = Shown(without=frozenset({"passkey"}))
_STALE: Final = Phrase(
    "The proof that it is you is older than five minutes: confirm it once more."
)


def browser_of(view: View) -> str:
    """Name the browser that logs in by a passkey: no other ends what it began."""
    return form_token(view.secret, "passkey")


async def begin_log_in(view: View) -> web.StreamResponse:
    """Ask for any passkey of this desk that the device holds."""
    return await _options(view, "beginPasskeyLogIn", body={"browser": browser_of(view)})


async def begin_step_up(view: View) -> web.StreamResponse:
    """Ask for a passkey of the reader."""
    return await _options(view, "beginPasskeyStepUp")


async def begin_passkey(view: View) -> web.StreamResponse:
    """Ask for a new passkey."""
    return await _options(view, "beginPasskey")


async def _options(
    view: View, route: str, body: dict[str, str] | None = None
) -> web.StreamResponse:
    """Tell the script what the device is asked, or in a sentence why it is not."""
    try:
        options: PasskeyOptions = await view.ask(route, body=body)
    except TurnedDownError as refused:
        if refused.problem.status not in _BACK:
            raise
        why = _STALE if refused.problem.code == Code.STEP_UP else refused.why
        return _json({"why": view.say(why)}, refused.problem.status)
    return _json(options.options, 200)


def _json(told: dict[str, Any], status: int) -> web.Response:
    body = msgspec.json.encode(told)
    return web.Response(body=body, status=status, headers={"Content-Type": JSON})


async def show_passkeys(view: View) -> web.StreamResponse:
    """Show the reader's own passkeys."""
    return await _show(view)


async def _show(view: View, wrong: Phrase | None = None) -> web.StreamResponse:
    answer: PasskeysAnswer = await view.ask("listPasskeys")
    return view.show(
        "passkeys.html",
        status=200 if wrong is None else 422,
        passkeys=answer.passkeys,
        faults=[("", view.say(wrong))] if wrong is not None else [],
        done=view.query.get("done", ""),
        name=view.text("name") if wrong is not None else "",
        own=ROOT + OWN,
    )


async def add_passkey(view: View) -> web.StreamResponse:
    """Enrol the passkey that the device has made."""
    body = {**signed_in(view.text(PASSKEY)), "name": view.text("name")}
    return await _done(view, "addPasskey", body)


async def name_passkey(view: View) -> web.StreamResponse:
    """Call one of them something else."""
    return await _done(view, "namePasskey", {"name": view.text("name")})


_REMOVE: Final = Act(
    route="removePasskey",
    verb="remove",
    button=Phrase.within("desk", "Remove the passkey"),
    lead=Phrase(
        "It logs nobody in any more, and your other sessions end at once. The device "
        "itself may still offer it: delete it there too."
    ),
    grave=True,
)


async def remove_passkey(view: View) -> web.StreamResponse:
    """Ask whether one of them goes, or remove it."""
    one = view.path["passkey"]
    answer: PasskeysAnswer = await view.ask("listPasskeys")
    found = next((each for each in answer.passkeys if each.passkey == one), None)
    if found is None and view.page.method == "GET":
        raise web.HTTPNotFound
    page = FormPage(
        view,
        _REMOVE,
        target=view.request.path,
        item=found,
        path=view.path,
        around={
            "rows": () if found is None else rows_of(view, found, _SHOWN),
            "back": ROOT + OWN,
        },
    )
    if view.page.method == "GET":
        return page.show()
    return (await page.send()).page or view.go(f"{OWN}?done=yes")


async def _done(
    view: View, route: str, body: dict[str, str] | None
) -> web.StreamResponse:
    try:
        await view.ask(route, path=view.path, body=body, acts=True)
    except TurnedDownError as refused:
        code = refused.problem.code
        if refused.problem.status not in _BACK:
            raise
        if code != Code.SENT_ALREADY:
            why = _STALE if code == Code.STEP_UP else refused.why
            return await _show(view, why)
    return view.go(f"{OWN}?done=yes")


def _taking(name: str, path: str, handler: Any, route: str) -> Page:  # noqa: ANN401
    return Page(
        name=f"passkeys.{name}",
        path=path,
        method="POST",
        handler=handler,
        title=_TITLE,
        routes=(route, "listPasskeys"),
    )


PASSKEY_PAGES: Final = (
    Page(
        name="passkeys",
        path=OWN,
        handler=show_passkeys,
        title=_TITLE,
        lead=Phrase(
            "A passkey lies on your telephone, computer or security key. With it you "
            "log in without password and code, and prove that it is you."
        ),
        routes=("listPasskeys",),
    ),
    _taking("add", OWN, add_passkey, "addPasskey"),
    _taking("begin", f"{OWN}/begin", begin_passkey, "beginPasskey"),
    _taking("name", f"{OWN}/{{passkey}}/name", name_passkey, "namePasskey"),
    *form_pages(
        Page(
            name="passkeys.remove",
            path=f"{OWN}/{{passkey}}/remove",
            handler=remove_passkey,
            title=_REMOVE.button,
            routes=("removePasskey", "listPasskeys"),
        )
    ),
    Page(
        name="login.passkey.begin",
        path="/login/passkey/begin",
        method="POST",
        handler=begin_log_in,
        title=Phrase.within("desk", "Log in"),
        open=True,
    ),
    Page(
        name="stepUp.passkey",
        path="/step-up/passkey",
        method="POST",
        handler=begin_step_up,
        title=Phrase.within("desk", "Confirm that it is you"),
        routes=("beginPasskeyStepUp",),
    ),
)
