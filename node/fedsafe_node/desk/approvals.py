# SPDX-License-Identifier: Apache-2.0
"""What takes a second person: what it is, what it changes, and the decision itself.

Approved is exactly what the page has shown: the form carries its digest. Who may
approve may refuse instead, and whoever asked finds why in the list. Only they take an
act back.
"""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from aiohttp import web

from fedsafe_node.acts.people import ActAnswer, ActsAnswer
from fedsafe_node.desk.act import Act, FormPage
from fedsafe_node.desk.described import Cell, cell_of
from fedsafe_node.desk.view import ROOT, Page, Place, View
from fedsafe_node.words.acts import act_kind, act_rows, refusal_rows
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import seconds_of

_LIST: Final = f"{ROOT}/approvals"
_APPROVE: Final = Act(
    route="approveAct",
    verb="approve",
    button=Phrase.within("desk", "Approve"),
    lead=Phrase("You stand by this as its second person. It is carried out at once."),
    without=("digest",),
    given=lambda view, _: {"digest": view.text("digest")},
)
_REFUSE: Final = Act(
    route="refuseAct",
    verb="refuse",
    button=Phrase.within("desk", "Refuse"),
    lead=Phrase("It is closed for good. Whoever asked for it sees why."),
)
_STOP: Final = Act(
    route="withdrawAct",
    verb="stop",
    button=Phrase.within("desk", "Stop it"),
    lead=Phrase("You take back what you have asked for. It is not carried out."),
)


async def show_approvals(view: View) -> web.StreamResponse:
    """List what waits, and what of it the reader may approve."""
    query = {"after": view.query["after"]} if "after" in view.query else {}
    answer: ActsAnswer = await view.ask("listActs", query=query)
    refused: ActsAnswer = await view.ask("listActs", query={"state": "refused"})
    mine = {each.act for each in answer.acts if may_approve(view, each)}
    return view.show(
        "approvals.html",
        mine=[_line(view, each) for each in answer.acts if each.act in mine],
        others=[_line(view, each) for each in answer.acts if each.act not in mine],
        refused=[_refused(view, each) for each in refused.acts],
        behind=f"{_LIST}?after={answer.next}" if answer.next else "",
        done=view.query.get("done", ""),
    )


def may_approve(view: View, act: ActAnswer) -> bool:
    """Whether the reader can be the second person, by name and role."""
    who = view.reader
    seconds = seconds_of(act.kind, act.asked_role)
    return act.asked_by != who.name and who.role in seconds


def _line(view: View, act: ActAnswer) -> dict[str, object]:
    return {
        "what": act_kind(msgspec.to_builtins(act), language=view.language),
        "asked_by": act.asked_by,
        "asked_at": cell_of(view, "asked_at", act.asked_at),
        "expires_at": cell_of(view, "expires_at", act.expires_at),
        "path": f"{_LIST}/{act.act}",
    }


def _refused(view: View, act: ActAnswer) -> dict[str, object]:
    told = msgspec.to_builtins(act)
    rows = refusal_rows(told, language=view.language)
    why = [(name, Cell(value)) for name, value in rows]
    return {**_line(view, act), "why": why}


async def acts_of(view: View) -> AsyncIterator[ActAnswer]:
    """Give every act that waits, page by page."""
    query: dict[str, str] = {}
    while True:
        answer: ActsAnswer = await view.ask("listActs", query=query)
        for each in answer.acts:
            yield each
        if answer.next is None:
            return
        query = {"after": answer.next}


async def _find(view: View) -> ActAnswer:
    async for each in acts_of(view):
        if each.act == view.path["act"]:
            return each
    raise web.HTTPNotFound


def _rows(view: View, act: ActAnswer) -> list[tuple[str, Cell]]:
    def readable(name: str, value: object) -> object:
        cell = cell_of(view, name, value)
        return cell.text if cell is not None else ""

    told = msgspec.to_builtins(act)
    rows = act_rows(told, language=view.language, readable=readable)
    return [(name, Cell(value)) for name, value in rows]


async def show_act(view: View) -> web.StreamResponse:
    """Show an act: what it is, and the forms to approve, refuse or stop it."""
    act = await _find(view)
    return _shown(view, act, _APPROVE)


def _shown(view: View, act: ActAnswer, wanted: Act) -> web.StreamResponse:
    page = _form(view, act, wanted)
    return page.show()


def _form(view: View, act: ActAnswer, wanted: Act) -> FormPage:
    target = f"{_LIST}/{act.act}/{wanted.verb}"
    beside = {
        each.verb: FormPage(view, each, target=target, apart=f"{each.verb}-")
        for each in (_APPROVE, _REFUSE)
    }
    around: dict[str, object] = {
        **_line(view, act),
        "rows": _rows(view, act),
        "digest": act.digest,
        "may_approve": may_approve(view, act),
        "is_own": act.asked_by == view.reader.name,
        "stop": _STOP,
        "stop_target": f"{_LIST}/{act.act}/{_STOP.verb}",
        "approve_target": f"{_LIST}/{act.act}/{_APPROVE.verb}",
        "refuse": _REFUSE,
        "refuse_target": f"{_LIST}/{act.act}/{_REFUSE.verb}",
        "entries": {verb: page.shown_fields({}, {}) for verb, page in beside.items()},
        "back": _LIST,
    }
    return FormPage(
        view,
        wanted,
        target=target,
        item=act,
        path={"act": act.act},
        around=around,
        template="approval.html",
        apart=f"{wanted.verb}-",
    )


async def approve(view: View) -> web.StreamResponse:
    """Approve an act."""
    return await _send(view, _APPROVE)


async def refuse(view: View) -> web.StreamResponse:
    """Refuse an act."""
    return await _send(view, _REFUSE)


async def stop(view: View) -> web.StreamResponse:
    """Stop an act."""
    return await _send(view, _STOP)


async def _send(view: View, wanted: Act) -> web.StreamResponse:
    act = await _find(view)
    tried = await _form(view, act, wanted).send()
    return tried.page or view.go("/approvals?done=yes")


_TITLE: Final = Phrase.within("desk", "Approvals")
APPROVAL_PAGES: Final = (
    Page(
        name="approvals",
        path="/approvals",
        handler=show_approvals,
        place=Place.TODAY,
        routes=("listActs", "approveAct"),
        title=_TITLE,
        lead=Phrase("What takes two people, and waits for the second."),
        listed=True,
    ),
    Page(
        name="approval",
        path="/approvals/{act}",
        handler=show_act,
        place=Place.TODAY,
        routes=("listActs", "approveAct"),
        title=_TITLE,
    ),
    Page(
        name="approval.approve",
        path="/approvals/{act}/approve",
        method="POST",
        handler=approve,
        place=Place.TODAY,
        routes=("approveAct",),
        title=_TITLE,
    ),
    Page(
        name="approval.refuse",
        path="/approvals/{act}/refuse",
        method="POST",
        handler=refuse,
        place=Place.TODAY,
        routes=("refuseAct",),
        title=_TITLE,
    ),
    Page(
        name="approval.stop",
        path="/approvals/{act}/stop",
        method="POST",
        handler=stop,
        place=Place.TODAY,
        routes=("withdrawAct",),
        title=_TITLE,
    ),
)
