# SPDX-License-Identifier: Apache-2.0
"""The log: its events, one entry with its proof, who looked at an account, its state.

An account is entered into a form, never into an address. The pages of events have no
column of who acted: that is asked about one account, one signal or one case.
"""

import io
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from fedsafe_node.acts.account_reports import AccountReport
from fedsafe_node.acts.audit import AuditEntry, AuditEvent, AuditStanding, FoundEvents
from fedsafe_node.acts.audit_upkeep import GapsAnswer
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.audit.compliance.events import chapters, in_short
from fedsafe_node.desk.act import Act, FormPage, shown_answer
from fedsafe_node.desk.described import (
    Cell,
    Shown,
    Table,
    cell_of,
    number,
    rows_of,
    table_of,
)
from fedsafe_node.desk.fields import choice_word, field_word
from fedsafe_node.desk.forms import field_at, fields_of
from fedsafe_node.desk.shelf import Shelf
from fedsafe_node.desk.view import ROOT, Handler, Page, Place, View, form_pages
from fedsafe_policies.ground.catalogue import Phrase

_A_PAGE: Final = 50
_DAYS: Final = ("1", "7", "30", "90", "365")
_DAY: Final = 24 * 60 * 60
_FILTERS: Final = ("about", "events", "outcome", "before")
_LEFT_OUT: Final = frozenset({"actor", "subject_ref", "service", "peer", "source"})
_ENTRY: Final = f"{ROOT}/log/entries/{{}}"


def event_word(view: View, event: str) -> str:
    """Say when an event is written; the code of one that is newer."""
    return in_short(event, view.language)


async def show_events(view: View) -> web.StreamResponse:
    """Show events, the newest first, by class, outcome and time.

    There are some hundred classes: a page names those of the one chapter that it is
    about, or none.
    """
    given = {name: view.query[name] for name in _FILTERS if view.query.get(name)}
    query = {"newest": "true", "limit": str(_A_PAGE)}
    chapter = chapters().get(given.get("about", ""))
    classes = list(chapter.events) if chapter else []
    if given.get("events") not in classes:  # chosen under another chapter
        given.pop("events", None)
    if chapter:
        query["events"] = given.get("events") or ",".join(classes)
    if given.get("outcome"):
        query["outcome"] = given["outcome"]
    days = view.query.get("days", "")
    if days in _DAYS:
        query["after"] = str(view.desk.now() - int(days) * _DAY)
        given["days"] = days
    if given.get("before", "").isdecimal():
        query["until"] = given["before"]
    found: FoundEvents = await view.ask("searchAudit", query=query)
    behind = ""
    if found.more:
        behind = f"{ROOT}/log/events?{urlencode(given | {'before': found.next})}"
    return view.show(
        "log_events.html",
        table=_events_table(view, found.events),
        count=len(found.events),
        found=found,
        behind=behind,
        given=given,
        days=_DAYS,
        chapters=[
            (name, each.title.de if view.language == "de" else each.title.en)
            for name, each in chapters().items()
        ],
        classes=[(event.value, event_word(view, event.value)) for event in classes],
    )


def _events_table(
    view: View, events: list[AuditEvent] | list[Any], *, by: bool = False
) -> Table:
    """Put events under each other; with *by* who acted, and on what basis."""
    names = ["index", "at", "event", "outcome", "purpose", "rule", "detail"]
    if by:
        names.insert(3, "actor")
        names.insert(names.index("rule"), "basis")
    rows = []
    for each in events:
        cells = {
            "index": Cell(str(each.index), href=_ENTRY.format(each.index)),
            "event": Cell(event_word(view, each.event)),
            "detail": _detail(view, each),
        }
        rows.append(
            tuple(
                cells.get(name) or cell_of(view, name, getattr(each, name)) or Cell()
                for name in names
            )
        )
    kept = [
        at
        for at in range(len(names))
        if any(row[at] != Cell() and row[at].text for row in rows)
    ]
    heads = table_of(view, [dict.fromkeys(names, "x")], names).head
    return Table(
        head=tuple(heads[at] for at in kept),
        rows=tuple(tuple(row[at] for at in kept) for row in rows),
    )


def _detail(view: View, event: AuditEvent) -> Cell:
    detail = event.detail or {}
    told = rows_of(view, detail, Shown(without=_LEFT_OUT))
    return Cell("; ".join(f"{name}: {cell.text}" for name, cell in told))


async def show_entry(view: View) -> web.StreamResponse:
    """Show one entry with what it says and the proof that it is in the log."""
    index = view.path["index"]
    entry: AuditEntry = await view.ask(
        "showEntry", path={"index": index}, query={"proof": "true"}
    )
    number = int(index)
    found: FoundEvents = await view.ask(
        "searchAudit",
        query={"since": index, "until": str(number + 1), "limit": "1"},
    )
    event = found.events[0] if found.events else None
    kept = Shown(without=_LEFT_OUT | {"index", "event"})
    return view.show(
        "log_entry.html",
        index=number,
        what=event_word(view, event.event) if event else "",
        code=event.event if event else "",
        rows=rows_of(view, event, kept) if event else (),
        erased=[
            (group, view.when(second) if second else "")
            for group, second in entry.erased.items()
        ],
        withheld=entry.withheld,
        leaf=entry.leaf,
        record=entry.record,
        proof=entry.proof or [],
        checkpoint=entry.checkpoint or "",
    )


async def ask_account(view: View) -> web.StreamResponse:
    """Show the form for the question about an account."""
    return _account_form(view, {})


async def show_account(view: View) -> web.StreamResponse:
    """Answer who looked at an account, on what basis, and what came of it."""
    days = view.text("days")
    after = view.desk.now() - int(days if days in _DAYS else "7") * _DAY
    body: dict[str, object] = {
        "subject_ref": view.text("subject_ref"),
        "after": after,
        "verify": False,  # each night; here it would take as long as the log is
    }
    if service := view.text("of_service"):
        body["subject_ref"] = f"{service}/{view.text('subject_ref')}"
    if purpose := view.text("purpose"):
        body["purpose"] = purpose
    try:
        report: AccountReport = await view.ask("auditReport", body=body)
    except TurnedDownError as refused:
        if refused.problem.status not in {400, 403, 422}:
            raise
        return _account_form(
            view,
            {field_at(refused.problem.pointer): refused.why},
            status=refused.problem.status,
        )
    looks = [each for each in report.entries if each.access]
    others = [each for each in report.entries if not each.access]
    people = {each.actor for each in looks if each.person and each.actor}
    services = {each.actor for each in looks if each.person is False and each.actor}
    return view.show(
        "log_account.html",
        report=report,
        looks=_events_table(view, looks, by=True),
        others=_events_table(view, others, by=True),
        look_count=len(looks),
        other_count=len(others),
        people=len(people),
        services=len(services),
        nameless=table_of(view, report.nameless),
        nameless_count=len(report.nameless),
        gaps=_gaps(view, report.gaps),
        cosigned=_cosigned(view, report.cosigned),
        days=days or "7",
        nightly=report.nightly,
        verified_at=view.when(report.nightly.at) if report.nightly else "",
    )


def _account_form(
    view: View, wrong: Mapping[str, Phrase], *, status: int = 200
) -> web.StreamResponse:
    route = view.desk.routes["auditReport"]
    purpose = next(
        each
        for each in fields_of(route.body, ("after", "before"))
        if each.name == "purpose"
    )
    return view.show(
        "log_account_form.html",
        status=status,
        faults=[
            ("f-subject_ref" if name else "", view.say(why))
            for name, why in wrong.items()
        ],
        days=_DAYS,
        purpose=purpose,
        reference=view.text("subject_ref"),
        service=view.text("of_service"),
    )


def _gaps(view: View, gaps: GapsAnswer) -> tuple[tuple[str, Cell], ...]:
    """Say what the log cannot tell; of what is erased how much, and for what reason."""
    erased = tuple(
        (view.say(choice_word("erased", why)), Cell(number(count, view.language)))
        for why, count in gaps.erased.items()
    )
    rest = rows_of(view, gaps, Shown(without=frozenset({"erased"})))
    if not erased:
        return rest
    return (*rest, (view.say(field_word("erased")), Cell(rows=erased)))


def _cosigned(view: View, cosigned: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    if cosigned is None:
        return []
    return [
        (each.name, (cell_of(view, "at", each.at) or Cell()).text)
        for each in cosigned.by
    ]


async def show_state(view: View) -> web.StreamResponse:
    """Show how the log stands: verified, cosigned, its gaps."""
    standing: AuditStanding = await view.ask("auditStatus")
    gaps = await view.ask("auditGaps")
    return view.show(
        "log_state.html",
        standing=standing,
        state=state_of(view, standing),
        cosigned=_cosigned(view, standing.cosigned),
        gaps=_gaps(view, gaps),
        nightly=rows_of(view, standing.nightly) if standing.nightly else (),
        may_verify=view.may("auditVerify"),
    )


def state_of(view: View, standing: AuditStanding) -> dict[str, object]:
    """Say in words whether the log is intact, since when, and who vouches for it."""
    nightly, cosigned = standing.nightly, standing.cosigned
    broken = nightly is not None and not nightly.ok
    return {
        "size": standing.size,
        "broken": broken,
        "verified_to": nightly.size if nightly and nightly.ok else None,
        "verified_at": view.when(nightly.at) if nightly else "",
        "first_bad": nightly.first_bad_index if nightly and broken else None,
        "cosigned_to": cosigned.size if cosigned else None,
        "cosigners": len(cosigned.by) if cosigned else 0,
        "missing": standing.missing,
        "lost": len(standing.lost),
    }


async def verify(view: View) -> web.StreamResponse:
    """Verify the whole log now."""
    answer = await view.ask("auditVerify")
    return view.show(
        "log_verified.html",
        ok=answer.ok,
        logs=table_of(view, answer.logs),
        tables=table_of(view, answer.tables),
        lost=table_of(view, answer.lost),
        lost_count=len(answer.lost),
    )


async def ask_pack(view: View) -> web.StreamResponse:
    """Show the form for an evidence pack."""
    return _pack_form(view, {})


def _pack_form(
    view: View, wrong: Mapping[str, Phrase], *, status: int = 200
) -> web.StreamResponse:
    return view.show(
        "log_pack.html",
        status=status,
        faults=[
            (f"f-{name}" if name else "", view.say(w)) for name, w in wrong.items()
        ],
        first=view.text("first"),
        last=view.text("last"),
        recipient=view.text("recipient"),
        act=view.text("act"),
    )


async def take_pack(view: View) -> web.StreamResponse:
    """Make an evidence pack, verify it, and hand it out."""
    names = ("first", "last", "recipient", "act")
    query = {name: view.text(name) for name in names if view.text(name)}
    try:
        pack = await view.taken("exportAudit", query=query)
    except TurnedDownError as refused:
        if refused.problem.status not in {400, 403, 404, 409, 422}:
            raise
        place = field_at(refused.problem.pointer)
        return _pack_form(view, {place: refused.why}, status=refused.problem.status)
    standing: AuditStanding = await view.ask("auditStatus")
    await verify_pack_of(standing.fingerprint, pack)
    first, last = query.get("first", "0"), query.get("last", str(standing.size - 1))
    name = f"fedsafe-{view.desk.node}-{first}-{last}.zip"
    return web.Response(
        body=pack,
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


async def verify_pack_of(fingerprint: str, pack: bytes) -> None:
    """Verify a pack as whoever receives it will; what is wrong with it raises."""
    import asyncio  # noqa: PLC0415

    from fedsafe_node.evidence.verify import verify_pack  # noqa: PLC0415 - slow

    await asyncio.to_thread(verify_pack, io.BytesIO(pack), fingerprint)


HOLDS: Final = Shelf(
    name="holds",
    place=Place.LOG,
    slug="holds",
    title=Phrase.within("desk", "Holds"),
    lead=Phrase(
        "What is held is not erased, whoever asks: for a court, an authority or an "
        "open request. Each hold has an end."
    ),
    empty=Phrase("Nothing is held."),
    list_route="listHolds",
    items="holds",
    key="hold",
    param="hold",
    acts=(
        Act(
            route="liftHold",
            verb="lift",
            button=Phrase("Lift the hold"),
            lead=Phrase("What is due to be erased goes from then on."),
        ),
    ),
    new=(
        Act(
            route="addHold",
            verb="add",
            button=Phrase("Hold something"),
            lead=Phrase("Name an account, or the first and the last entry."),
        ),
    ),
)
_REVEAL: Final = Act(
    route="askReveal",
    verb="ask",
    button=Phrase("Ask to reveal a pseudonym"),
    lead=Phrase(
        "A second person approves it. Then you see the name here, once; the log says "
        "that you did."
    ),
)
_EXPORT: Final = Act(
    route="askExport",
    verb="ask",
    button=Phrase("Ask for a pack that names people"),
    lead=Phrase(
        "A pack with openings tells who acted on which account. A second person "
        "approves it; then you take it out under Evidence pack, with the number of "
        "the act."
    ),
)
_REVEALED: Final = Act(
    route="reveal",
    verb="name",
    button=Phrase("See the name"),
    lead=Phrase("Enter what was approved, and the number of the approved act."),
    shows=True,
)


async def ask_reveal(view: View) -> web.StreamResponse:
    """Ask a second person to let a pseudonym be revealed."""
    return await _asked(view, _REVEAL)


async def reveal(view: View) -> web.StreamResponse:
    """Show the name behind a pseudonym."""
    return await _asked(view, _REVEALED)


async def ask_export(view: View) -> web.StreamResponse:
    """Ask a second person for a pack with openings."""
    return await _asked(view, _EXPORT)


async def _asked(view: View, act: Act) -> web.StreamResponse:
    around: dict[str, object] = {"rows": (), "back": f"{ROOT}/log/account"}
    page = FormPage(view, act, target=view.request.path, around=around)
    if view.page.method == "GET":
        return page.show()
    tried = await page.send()
    if tried.page is not None:
        return tried.page
    return shown_answer(view, act, tried)


def _asking(name: str, act: Act, handler: Handler) -> tuple[Page, Page]:
    return form_pages(
        Page(
            name=f"log.{name}",
            path=f"/log/{name}",
            handler=handler,
            place=Place.LOG,
            routes=(act.route,),
            title=act.button,
            listed=True,
        )
    )


_ACCOUNT: Final = Phrase.within("desk", "Who looked at an account")
_PACK: Final = Phrase.within("desk", "Evidence pack")
LOG_PAGES: Final = (
    *form_pages(
        Page(
            name="log.account",
            path="/log/account",
            handler=ask_account,
            place=Place.LOG,
            routes=("auditReport",),
            title=_ACCOUNT,
            lead=Phrase(
                "Who looked at an account, for what purpose and by which rule, and "
                "what came of it. The question is an event itself."
            ),
            listed=True,
        ),
        show_account,
    ),
    Page(
        name="log.events",
        path="/log/events",
        handler=show_events,
        place=Place.LOG,
        routes=("searchAudit",),
        title=Phrase.within("desk", "Events"),
        lead=Phrase(
            "What happened, the newest first. Who did it stands in no list: ask "
            "about one account, one signal or one case."
        ),
        listed=True,
    ),
    Page(
        name="log.entry",
        path="/log/entries/{index}",
        handler=show_entry,
        place=Place.LOG,
        routes=("showEntry", "searchAudit"),
        title=Phrase.within("desk", "Entry"),
    ),
    Page(
        name="log.state",
        path="/log/state",
        handler=show_state,
        place=Place.LOG,
        routes=("auditStatus", "auditGaps"),
        title=Phrase.within("desk", "State of the log"),
        lead=Phrase(
            "Whether the log is whole and unchanged, who vouches for it, and what it "
            "cannot tell."
        ),
        listed=True,
    ),
    Page(
        name="log.verify",
        path="/log/verify",
        method="POST",
        handler=verify,
        place=Place.LOG,
        routes=("auditVerify",),
        title=Phrase.within("desk", "Verification"),
    ),
    *form_pages(
        Page(
            name="log.pack",
            path="/log/pack",
            handler=ask_pack,
            place=Place.LOG,
            routes=("exportAudit",),
            title=_PACK,
            lead=Phrase(
                "A part of the log as a file that anybody can verify, with a program "
                "that lies in it. Without an approved act it shows that nothing was "
                "changed, and names nobody."
            ),
            listed=True,
        ),
        take_pack,
    ),
    *_asking("export", _EXPORT, ask_export),
    *_asking("reveal", _REVEAL, ask_reveal),
    *_asking("revealed", _REVEALED, reveal),
    *HOLDS.pages(),
)
