# SPDX-License-Identifier: Apache-2.0
"""Somebody new, in one form: the account, the trainings that they had, and the roles.

Each step is the act of its own route. The account comes first, and its code is shown
whatever comes of the rest; what was refused is said, to be done on their page.
"""

from datetime import date
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from fedsafe_node.acts.people import (
    DisplayName,
    Organisation,
    PersonName,
    RoleAnswer,
    SetUpCodeAnswer,
)
from fedsafe_node.api.codes import Code
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.desk.act import Act, FormPage
from fedsafe_node.desk.described import rows_of
from fedsafe_node.desk.fields import choice_word
from fedsafe_node.desk.forms import MisfitError, body_of
from fedsafe_node.desk.view import ROOT, Page, Place, View, form_pages
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Module, Role

_BACK: Final = f"{ROOT}/house/people"


class Newcomer(msgspec.Struct, frozen=True, kw_only=True):
    """What the form asks: who it is, what they were trained in, what they are to do.

    Trainings count until before `trained_until`; the roles of somebody `external` end
    before `roles_until`.
    """

    name: PersonName
    display: DisplayName
    modules: list[Module]
    organisation: Organisation | None = None
    trained_until: date | None = None
    roles: list[Role]
    external: bool = False
    roles_until: date | UnsetType = UNSET


_ACT: Final = Act(
    route="addAccount",
    verb="newcomer",
    button=Phrase.within("desk", "Add somebody with their roles"),
    lead=Phrase(
        "You get a code to hand over; with it they set their account up themselves. "
        "Where a role takes two people, it waits for the second."
    ),
    shows=True,
)
_HALF: Final = Phrase("name who trained them, and until when it counts")


async def add_newcomer(view: View) -> web.StreamResponse:
    """Show the form, or add somebody."""
    page = FormPage(
        view,
        _ACT,
        target=view.request.path,
        message=Newcomer,
        around={"rows": (), "name": "", "back": _BACK},
    )
    if view.page.method == "GET":
        return page.show()
    if (proof := await page.prove()) is not None:
        return proof
    try:
        body = body_of(page.fields, view.posted, view.desk.zone)
    except MisfitError as error:
        return page.show(status=422, wrong={error.name: error.why})
    if body.get("modules") and not {"organisation", "trained_until"} <= body.keys():
        lacking = "trained_until" if "organisation" in body else "organisation"
        return page.show(status=422, wrong={lacking: _HALF})
    return await _added(page, body)


async def _added(page: FormPage, body: dict[str, Any]) -> web.StreamResponse:
    view = page.view
    account = {name: body[name] for name in ("name", "display") if name in body}
    code: SetUpCodeAnswer | None = None
    try:
        code = await view.ask(
            "addAccount",
            body=account | {"external": bool(body.get("external"))},
            acts=True,
        )
    except TurnedDownError as refused:
        if refused.problem.code != Code.SENT_ALREADY:
            return page.turned_down(refused)
    told, waits = await _equipped(view, body)
    return view.show(
        "newcomer.html",
        title=_ACT.button,
        name=account["name"],
        rows=rows_of(view, code) if code is not None else (),
        again=code is None,
        refused=told,
        waits=waits,
        back=f"{_BACK}/{account['name']}",
    )


async def _equipped(
    view: View, body: dict[str, Any]
) -> tuple[list[tuple[Phrase, Phrase]], int]:
    """Record the trainings and grant the roles; tell what was refused, and waits."""
    told: list[tuple[Phrase, Phrase]] = []
    waits = 0
    for module in body.get("modules", ()):
        training = {
            "name": body["name"],
            "module": module,
            "organisation": body["organisation"],
            "since": view.desk.now(),
            "until": view.desk.zone.begins(body["trained_until"]),
        }
        refused = await _done(view, "recordTraining", training)
        if isinstance(refused, Phrase):
            told.append((choice_word("module", module), refused))
    for role in body.get("roles", ()):
        wanted = {"name": body["name"], "role": role}
        if "roles_until" in body:
            wanted["until"] = view.desk.zone.begins(body["roles_until"])
        answer = await _done(view, "grantRole", wanted)
        if isinstance(answer, Phrase):
            told.append((choice_word("role", role), answer))
        elif isinstance(answer, RoleAnswer) and answer.act is not None:
            waits += 1
    return told, waits


async def _done(view: View, route: str, body: dict[str, Any]) -> object:
    """Do one step; give its answer, or why it was refused."""
    try:
        return await view.ask(route, body=body, acts=True)
    except TurnedDownError as refused:
        done = refused.problem.code == Code.SENT_ALREADY
        return None if done else refused.why


NEWCOMER_PAGES: Final = form_pages(
    Page(
        name="newcomer",
        path="/house/newcomer",
        handler=add_newcomer,
        place=Place.HOUSE,
        routes=("addAccount", "recordTraining", "grantRole"),
        title=_ACT.button,
        listed=True,
    )
)
