# SPDX-License-Identifier: Apache-2.0
"""A child in acute danger (U0): 110 and what to say stand there before any field.

The page needs no script, and asks nothing before somebody has said that they called, or
that nobody answered. That moment goes with the form, and into the case as its call: one
that nobody answered is owed still.
"""

from dataclasses import replace
from typing import Any, Final

import msgspec
from aiohttp import web

from fedsafe_node.acts.bodies import Reference
from fedsafe_node.acts.cases import CaseReceipt, Sources
from fedsafe_node.api.codes import Code
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.desk.act import Act, FormPage
from fedsafe_node.desk.forms import MisfitError, body_of
from fedsafe_node.desk.view import ROOT, Page, Place, View
from fedsafe_policies.escalation.package import Passage
from fedsafe_policies.escalation.urgency import Unit, urgencies
from fedsafe_policies.escalation.vocabulary import AgeBand, Danger, Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Phenomenon

PATH: Final = "/cases/danger"
_DAY: Final = 24 * 60 * 60
_CALLED: Final = "called"
_ANSWERS: Final = frozenset({_CALLED, "no_answer"})
_NUMBER: Final = "110"


_SPANS: Final = {
    Unit.MINUTES: Phrase("within {amount} minutes"),
    Unit.HOURS: Phrase("within {amount} hours"),
    Unit.DAYS: Phrase("within {amount} days"),
    Unit.WORKING_DAYS: Phrase("within {amount} working days"),
    Unit.MONTHS: Phrase("within {amount} months"),
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the form asks, after the call."""

    danger_reason: Passage
    sources: Sources
    phenomenon: Phenomenon | None = None
    ages: tuple[AgeBand, ...] = ()
    incident: Reference | None = None


_ACT: Final = Act(
    route="openCase",
    verb="open",
    button=Phrase.within("desk", "Open the case"),
    lead=Phrase("What you know now is enough; the rest follows in the case."),
)


async def show_danger(view: View) -> web.StreamResponse:
    """Show 110, what to say and by when; no field."""
    return view.show("danger.html", **_script(view), target=ROOT + PATH)


async def take_call(view: View) -> web.StreamResponse:
    """Show the form, once somebody has called, or nobody has answered."""
    answered = view.text("call")
    if answered not in _ANSWERS:
        return await show_danger(view)
    return _form(view, answered, view.desk.now()).show()


async def open_case(view: View) -> web.StreamResponse:
    """Open the case, and note the call in it."""
    answered, at = view.text("call"), view.text("called_at")
    now = view.desk.now()
    is_second = at.isdecimal() and len(at) <= len(str(now))
    if answered not in _ANSWERS or not is_second or not 0 <= now - int(at) < _DAY:
        return view.show("danger.html", **_script(view), target=ROOT + PATH)
    page = _form(view, answered, int(at))
    try:
        report = body_of(page.fields, view.posted, view.desk.zone)
    except MisfitError as error:
        return page.show(status=422, wrong={error.name: error.why})
    incident = report.pop("incident", None)
    threat = {"danger": Danger.YES.value, "reason": report.pop("danger_reason", "")}
    case: dict[str, Any] = {
        **report,
        "urgency": Urgency.U0.value,
        "known_at": int(at),
        "threat": threat,
    }
    try:
        opened: CaseReceipt = await view.ask("openCase", body=case, acts=True)
    except TurnedDownError as refused:
        if refused.problem.code == Code.SENT_ALREADY:
            return view.go("/cases/open?done=yes")
        return page.turned_down(refused)
    call: dict[str, Any] = {"number": _NUMBER, "at": int(at)}
    call |= {} if answered == _CALLED else {"answered": False}
    call |= {} if incident is None else {"reference": incident}
    # A key is good for one request: the call has one of its own, beside the case's.
    other = {**view.posted, "once": [f"{view.text('once')}-call"]}
    calling = replace(view, posted=other)
    await calling.ask("noteCall", path={"case": opened.case}, body=call, acts=True)
    return view.show(
        "danger_opened.html",
        **_script(view),
        case=opened.case,
        called=answered == _CALLED,
        back=f"{ROOT}/cases/open",
    )


def _form(view: View, answered: str, at: int) -> FormPage:
    return FormPage(
        view,
        _ACT,
        target=f"{ROOT}{PATH}/open",
        message=Report,
        template="danger_form.html",
        around={
            **_script(view),
            "call": answered,
            "called_at": at,
            "back": ROOT + PATH,
            "rows": (),
        },
    )


def _script(view: View) -> dict[str, Any]:
    row = urgencies()[Urgency.U0]
    german = view.language == "de"
    times = [
        (words, _SPANS[each.unit].filled(amount=each.amount))
        for words, each in (
            (Phrase("somebody has telephoned"), row.call),
            (Phrase("the package has left"), row.first_dispatch),
            (Phrase("somebody has acknowledged it"), row.acknowledgement),
            (Phrase("a second person has looked at it"), row.second_look),
        )
        if each is not None
    ]
    return {
        "trigger": row.trigger.de if german else row.trigger.en,
        "script": [each.de if german else each.en for each in row.before_form],
        "times": times,
    }


DANGER_PAGES: Final = (
    Page(
        name="danger",
        path=PATH,
        handler=show_danger,
        place=Place.CASES,
        routes=("openCase", "noteCall"),
        title=Phrase.within("desk", "Acute danger"),
        listed=True,
    ),
    Page(
        name="danger.called",
        path=PATH,
        method="POST",
        handler=take_call,
        place=Place.CASES,
        routes=("openCase", "noteCall"),
        title=Phrase.within("desk", "Acute danger"),
    ),
    Page(
        name="danger.open",
        path=f"{PATH}/open",
        method="POST",
        handler=open_case,
        place=Place.CASES,
        routes=("openCase", "noteCall"),
        title=Phrase.within("desk", "Acute danger"),
    ),
)
