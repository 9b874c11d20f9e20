# SPDX-License-Identifier: Apache-2.0
"""The morning: how the log stands, what waits for whoever reads it, what stands still.

The page counts and names nothing: it is no look at anybody, so it leaves no event.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from fedsafe_node.acts.audit import AuditStanding
from fedsafe_node.acts.bodies import StatusAnswer
from fedsafe_node.acts.rounds import AskedQuestions
from fedsafe_node.desk.approvals import acts_of, may_approve
from fedsafe_node.desk.described import Cell, cell_of, said_in
from fedsafe_node.desk.frame import is_offered
from fedsafe_node.desk.log import state_of
from fedsafe_node.desk.view import ROOT, Page, Place, View
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(frozen=True, slots=True)
class Due:
    """Something of which the status counts how many wait, and how many are late.

    They are for whoever may ask `route`, and is offered the page at `path`. `ground`
    is why it is due.
    """

    name: str
    words: Phrase
    path: str
    route: str
    ground: Phrase
    late: bool = False


DUES: Final = (
    Due(
        "tasks_waiting",
        Phrase("Reviews of matches that wait"),
        "/reviews/matches",
        "listTasks",
        Phrase("A match restricts somebody: look soon."),
    ),
    Due(
        "floods_waiting",
        Phrase("Match floods without a ruling"),
        "/reviews/floods",
        "listFloods",
        Phrase("Until then the signal restricts nobody."),
    ),
    Due(
        "disputes_open",
        Phrase("Open disputes"),
        "/persons/disputes",
        "listDisputes",
        Phrase("A disputed signal rests; its origin rules in working days."),
    ),
    Due(
        "requests_overdue",
        Phrase("Late requests of persons"),
        "/persons/requests",
        "listRequests",
        Phrase("One month, Art. 12 (3) GDPR."),
        late=True,
    ),
    Due(
        "requests_waiting",
        Phrase("Requests not looked up yet"),
        "/persons/requests",
        "listRequests",
        Phrase("The node does it by itself; it takes a quorum of members."),
    ),
    Due(
        "breaches_overdue",
        Phrase("Late breaches"),
        "/persons/breaches",
        "listBreaches",
        Phrase("72 hours, Art. 33 GDPR."),
        late=True,
    ),
    Due(
        "breaches_open",
        Phrase("Open breaches"),
        "/persons/breaches",
        "listBreaches",
        Phrase("Art. 33 and 34 GDPR."),
    ),
    Due(
        "rounds_overdue",
        Phrase("Late review round of the log"),
        "/log/rounds",
        "listRounds",
        Phrase("A month after the last signature, or after the first entry."),
        late=True,
    ),
    Due(
        "rounds_open",
        Phrase("Open review round of the log"),
        "/log/rounds",
        "listRounds",
        Phrase("It is signed when each entry has a final mark."),
    ),
    Due(
        "notices_waiting",
        Phrase("Notices to persons without a text"),
        "/persons/notices",
        "listNotices",
        Phrase("Each text is signed off by people first (Art. 12 GDPR)."),
    ),
    Due(
        "cases_overdue",
        Phrase("Late cases"),
        "/cases/open",
        "listCases",
        Phrase("Art. 18 DSA: without undue delay."),
        late=True,
    ),
    Due(
        "cases_open",
        Phrase("Open cases"),
        "/cases/open",
        "listCases",
        Phrase("By deadline."),
    ),
    Due(
        "review_alarms",
        Phrase("People who confirm nearly everything, or in seconds"),
        "/reviews/matches",
        "decideTask",
        Phrase("Nobody is named. Take time, or hand over."),
        late=True,
    ),
)
_STANDS: Final = (
    *("sending_off", "too_few_holders", "appeals_unheard", "rests", "not_approved"),
    *("circuits_broken", "receipts_overdue", "keys_unfinished", "shares_missing"),
)


async def show_today(view: View) -> web.StreamResponse:
    """Show the morning page."""
    status: StatusAnswer = await view.ask("status")
    standing: AuditStanding = await view.ask("auditStatus")
    acts = [each async for each in acts_of(view)]
    asked: AskedQuestions = await view.ask("listQuestions")
    offered = {page.path for page in view.desk.pages if is_offered(view, page)}
    due = [
        (each, count, f"{ROOT}{each.path}")
        for each in DUES
        if (count := getattr(status, each.name))
        and each.path in offered
        and view.may(each.route)
    ]
    still = [
        (name, cell)
        for name in _STANDS
        if (value := said_in(status, name))
        and (cell := cell_of(view, name, value)) is not None
    ]
    if status.store != "ok":
        told = said_in(status, "store")
        still.append(("store", cell_of(view, "store", told) or Cell(status.store)))
    if status.disk != "ok":
        still.append(("disk", cell_of(view, "disk", status.disk) or Cell(status.disk)))
    return view.show(
        "today.html",
        state=state_of(view, standing),
        due=due,
        waiting=sum(may_approve(view, each) for each in acts),
        own=sum(each.asked_by == view.reader.name for each in acts),
        still=still,
        asked=len(asked.questions),
        log_path=f"{ROOT}/log/state",
    )


TODAY_PAGES: Final = (
    Page(
        name="today",
        path="/today",
        handler=show_today,
        place=Place.TODAY,
        routes=("status", "auditStatus", "listActs", "listQuestions"),
        title=Phrase.within("desk", "Today"),
        listed=True,
    ),
)
