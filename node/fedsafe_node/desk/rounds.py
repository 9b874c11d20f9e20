# SPDX-License-Identifier: Apache-2.0
"""Review rounds: open one, go through its entries, mark each, sign, print the record.

The pages of a round name neither who acted nor about whom; the page of one entry does,
and is a look at its account.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from fedsafe_node.acts.rounds import (
    RoundAnswer,
    RoundEntries,
    RoundEntry,
    RoundEntryShown,
    RoundMarks,
    RoundsAnswer,
)
from fedsafe_node.api.codes import CODES, Code
from fedsafe_node.desk.act import Act, FormPage
from fedsafe_node.desk.described import Cell, Shown, Table, cell_of, number, rows_of
from fedsafe_node.desk.log import event_word
from fedsafe_node.desk.shelf import Shelf
from fedsafe_node.desk.view import ROOT, Handler, Page, Place, View, form_pages
from fedsafe_node.words import rounds as words
from fedsafe_policies.ground.catalogue import Phrase

_A_PAGE: Final = 50
_MOST: Final = 200
_FINAL: Final = frozenset({"plausible", "incident"})
_PATH: Final = "/log/rounds"
_ROUND: Final = Phrase.within("desk field", "review round")
_TITLE: Final = Phrase.within("desk", "Review round")
_OF_ENTRY: Final = frozenset({"index", "event", "outcome"})


def _given(view: View, item: Any) -> dict[str, Any]:  # noqa: ANN401 - of a form
    """Say which entries are meant: the one of the page, or those that were chosen."""
    if isinstance(item, RoundEntryShown):
        return {"entries": [item.entry.index]}
    chosen = view.posted.get("entries", ())
    return {"entries": [int(each) for each in chosen if each.isdecimal()]}


_NAMES: Final = {
    "verdict": Phrase.within("desk field", "What you find"),
    "note": Phrase.within("desk field", "Why"),
    "breach": Phrase.within("desk field", "Number of the breach, for an incident"),
    "sample": Phrase.within("desk field", "Reads, decisions and exports, so many each"),
}
_OPEN: Final = Act(
    route="openRound",
    verb="open",
    button=Phrase.within("desk", "Open a review round"),
    lead=Phrase(
        "It takes all that nobody has reviewed yet. Which entries the sample has is "
        "fixed with the opening, and nobody can choose it; one round is open at a time."
    ),
    names=_NAMES,
)
_MARK: Final = Act(
    route="markRound",
    verb="mark",
    button=Phrase.within("desk", "Mark it"),
    without=("entries",),
    given=_given,
    names=_NAMES,
)
_SIGN: Final = Act(
    route="signRound",
    verb="sign",
    button=Phrase.within("desk", "Sign the round"),
    lead=Phrase(
        "You sign that the log is reviewed to where the round ends. Each entry that is "
        "not your own act has a final mark then. A signed round stays as it is."
    ),
    grave=True,
)


async def show_rounds(view: View) -> web.StreamResponse:
    """List the rounds, and how far the log is reviewed."""
    answer: RoundsAnswer = await view.ask("listRounds")
    is_open = any(each.state == "open" for each in answer.rounds)
    heads = (_ROUND, _STATE, _SPAN, _OPENED, _SIGNED)
    rows = tuple(_row(view, each) for each in reversed(answer.rounds))
    return view.show(
        "rounds.html",
        table=Table(tuple(view.say(head) for head in heads), rows),
        count=len(rows),
        reviewed_to=answer.reviewed_to,
        due=view.when(answer.due_at) if answer.due_at else "",
        late=answer.due_at is not None and answer.due_at <= view.desk.now(),
        target="" if is_open else f"{ROOT}{_PATH}/new/open",
        act=_OPEN,
    )


_STATE: Final = Phrase.within("desk field", "state of the round")
_SPAN: Final = Phrase.within("desk field", "what it reviews")
_OPENED: Final = Phrase.within("desk field", "opened on")
_SIGNED: Final = Phrase.within("desk field", "signed on")
_BY: Final = Phrase.within("desk field", "by")
_END: Final = Phrase.within("round", "end")
_ROOT: Final = Phrase.within("desk field", "root of the log at its end")


def _row(view: View, one: RoundAnswer) -> tuple[Cell, ...]:
    return (
        Cell(one.round, href=f"{ROOT}{_PATH}/{one.round}"),
        Cell(view.say(words.word_of(words.STATES, one.state))),
        Cell(view.say(words.span_of(one.since, one.size))),
        cell_of(view, "opened_at", one.opened_at) or Cell(),
        cell_of(view, "signed_at", one.signed_at) or Cell(),
    )


def _facts(view: View, one: RoundAnswer) -> tuple[tuple[str, Cell], ...]:
    """Name what a round is and counts; a count of nothing is left out."""
    told: list[tuple[Phrase, Cell | None]] = [
        (_STATE, Cell(view.say(words.word_of(words.STATES, one.state)))),
        (_SPAN, Cell(view.say(words.span_of(one.since, one.size)))),
        (_OPENED, cell_of(view, "opened_at", one.opened_at)),
        (_BY, Cell(one.opened_by)),
    ]
    if one.signed_at is not None:
        told += [
            (_SIGNED, cell_of(view, "signed_at", one.signed_at)),
            (_BY, Cell(one.signed_by or "")),
        ]
    counts = (
        (said, Cell(number(count, view.language)))
        for name, said in words.NUMBERS.items()
        if (count := getattr(one, name))
    )
    drawn = words.drawn_from(
        [(each.kind, each.entries, each.tried) for each in one.drawn_from],
        view.language,
    )
    limits: list[tuple[Phrase, Cell]] = [(words.DRAWN, Cell(drawn))] if drawn else []
    if one.cut:
        limits.append((_END, Cell(view.say(words.CUT))))
    rows = [*told, *counts, *limits, (_ROOT, Cell(one.root, opaque=True))]
    return tuple((view.say(name), cell) for name, cell in rows if cell is not None)


async def open_round(view: View) -> web.StreamResponse:
    """Open a round."""
    around: dict[str, object] = {"rows": (), "back": ROOT + _PATH}
    page = FormPage(view, _OPEN, target=view.request.path, around=around)
    if view.page.method == "GET":
        return page.show()
    tried = await page.send()
    if tried.page is not None:
        return tried.page
    one: RoundAnswer | None = tried.answer
    return view.go(_PATH if one is None else f"{_PATH}/{one.round}?done=yes")


async def show_round(view: View) -> web.StreamResponse:
    """Show how a round stands, and its entries; take marks of several at once."""
    name = view.path["id"]
    one: RoundAnswer = await view.ask("showRound", path={"round": name})
    since = view.query.get("since", "")
    query = {"limit": str(_A_PAGE)}
    if since.isdecimal():
        query["since"] = since
    page: RoundEntries = await view.ask(
        "listRoundEntries", path={"round": name}, query=query
    )
    here = f"{ROOT}{_PATH}/{name}"
    behind = f"{here}?{urlencode({'since': page.next})}" if page.more else ""
    around: dict[str, object] = {
        "title": _TITLE,
        "lead": None,
        "one": one,
        "facts": _facts(view, one),
        "entries": [_listed(view, name, each) for each in page.entries],
        "chosen": view.posted.get("entries", ()),
        "behind": behind,
        "here": here,
        "sign": _SIGN,
        "done": view.query.get("done", ""),
    }
    form = FormPage(
        view,
        _MARK,
        target=here,
        path={"round": name},
        around=around,
        template="round.html",
    )
    if view.page.method == "GET":
        return form.show()
    if not view.posted.get("entries"):
        return form.show(status=422, why=_NONE_CHOSEN)
    tried = await form.send()
    return tried.page or view.go(f"{_PATH}/{name}?done=yes")


_NONE_CHOSEN: Final = Phrase("Choose at least one entry of the list.")


def _listed(view: View, name: str, each: RoundEntry) -> dict[str, object]:
    return {
        "index": each.index,
        "href": f"{ROOT}{_PATH}/{name}/entries/{each.index}",
        "at": cell_of(view, "at", each.at) or Cell(),
        "kind": view.say(words.word_of(words.KINDS, each.kind)),
        "event": event_word(view, each.event),
        "outcome": _outcome(view, each.outcome),
        "own": each.own,
        "found": view.say(words.VERDICTS[each.verdict.value]) if each.verdict else "",
    }


def _outcome(view: View, outcome: str) -> Cell:
    """Say what came of it; of a refusal, what the API says of its code."""
    try:
        _, title = CODES[Code(outcome)]
    except ValueError:
        return cell_of(view, "outcome", outcome) or Cell()
    return Cell(view.say(title))


async def show_entry(view: View) -> web.StreamResponse:
    """Show one entry of a round, and take its mark; then the next one comes."""
    name, index = view.path["id"], view.path["entry"]
    path = {"round": name, "entry": index}
    shown: RoundEntryShown = await view.ask("showRoundEntry", path=path)
    here = f"{ROOT}{_PATH}/{name}"
    around: dict[str, object] = {
        "title": _ENTRY.filled(index=index),
        "lead": None,
        "what": event_word(view, shown.entry.event),
        "code": shown.entry.event,
        "kind": view.say(words.word_of(words.KINDS, shown.kind)),
        "outcome": _outcome(view, shown.entry.outcome),
        "rows": rows_of(view, shown.entry, Shown(without=_OF_ENTRY)),
        "own": shown.own,
        "found": view.say(words.VERDICTS[shown.verdict.value]) if shown.verdict else "",
        "breach": shown.breach,
        "notes": shown.notes,
        "back": here,
        "next": f"{here}/next?{urlencode({'after': index})}",
        "may_breach": view.may("openBreach"),
    }
    form = FormPage(
        view,
        _MARK,
        target=view.request.path,
        item=shown,
        path={"round": name},
        around=around,
        template="round_entry.html",
    )
    if view.page.method == "GET":
        return form.show()
    tried = await form.send()
    return tried.page or view.go(f"{_PATH}/{name}/next?{urlencode({'after': index})}")


_ENTRY: Final = Phrase("Entry {index}")
_ENTRIES: Final = Phrase("Entries {entries}")


async def go_on(view: View) -> web.StreamResponse:
    """Lead to the next entry that still wants a mark; behind the last, to the round."""
    name, after = view.path["id"], view.query.get("after", "")
    since = int(after) + 1 if after.isdecimal() else 0
    async for each in _entries(view, name, since):
        if not each.own and (each.verdict is None or each.verdict not in _FINAL):
            return view.go(f"{_PATH}/{name}/entries/{each.index}")
    return view.go(f"{_PATH}/{name}")


async def _entries(view: View, name: str, since: int = 0) -> AsyncIterator[RoundEntry]:
    """Go through the entries of a round, page by page.

    It ends also where a page does not lead on: else nobody would get an answer.
    """
    more = True
    while more:
        page: RoundEntries = await view.ask(
            "listRoundEntries",
            path={"round": name},
            query={"since": str(since), "limit": str(_MOST)},
        )
        for each in page.entries:
            yield each
        more, since = page.more and page.next > since, page.next


async def sign_round(view: View) -> web.StreamResponse:
    """Sign a round."""
    name = view.path["id"]
    one: RoundAnswer = await view.ask("showRound", path={"round": name})
    around: dict[str, object] = {
        "rows": _facts(view, one),
        "back": f"{ROOT}{_PATH}/{name}",
    }
    form = FormPage(
        view,
        _SIGN,
        target=view.request.path,
        item=one,
        path={"round": name},
        around=around,
    )
    if view.page.method == "GET":
        return form.show()
    tried = await form.send()
    return tried.page or view.go(f"{_PATH}/{name}?done=yes")


async def show_record(view: View) -> web.StreamResponse:
    """Show the record of a round, to be printed and kept; it names no account."""
    name = view.path["id"]
    one: RoundAnswer = await view.ask("showRound", path={"round": name})
    found: RoundMarks = await view.ask("listRoundMarks", path={"round": name})
    entries = [_listed(view, name, each) async for each in _entries(view, name)]
    return view.show(
        "round_record.html",
        name=name,
        facts=_facts(view, one),
        marks=[
            {
                "at": view.when(each.at),
                "by": each.by,
                "verdict": view.say(words.VERDICTS[each.verdict.value]),
                "entries": _numbers(view, each.entries),
                "note": each.note,
                "breach": each.breach,
                "answers": each.answers is not None,
            }
            for each in found.marks
        ],
        entries=entries,
        back=f"{ROOT}{_PATH}/{name}",
    )


def _numbers(view: View, entries: Sequence[int]) -> str:
    """Name entries by their numbers."""
    numbers = ", ".join(map(str, entries))
    if len(entries) == 1:
        return view.say(_ENTRY.filled(index=numbers))
    return view.say(_ENTRIES.filled(entries=numbers))


QUESTIONS: Final = Shelf(
    name="questions",
    place=Place.TODAY,
    slug="questions",
    title=Phrase.within("desk", "Questions to you"),
    lead=Phrase(
        "What a review round of the log asks you about acts of your own. Your answer "
        "is kept in the round, under your pseudonym."
    ),
    empty=Phrase("Nobody asks you anything."),
    list_route="listQuestions",
    items="questions",
    key="question",
    param="question",
    columns=("question", "at", "asks"),
    acts=(
        Act(
            route="answerQuestion",
            verb="answer",
            button=Phrase.within("desk", "Answer the question"),
            lead=Phrase("Without names and identifiers. You answer once."),
            ends=True,
            names={"answer": Phrase.within("desk field", "Your answer")},
        ),
    ),
)


def _page(
    name: str,
    path: str,
    routes: tuple[str, ...],
    handler: Handler,
    title: Phrase = _TITLE,
) -> Page:
    return Page(
        name=name,
        path=_PATH + path,
        handler=handler,
        place=Place.LOG,
        routes=routes,
        title=title,
    )


ROUND_PAGES: Final = (
    *QUESTIONS.pages(),
    Page(
        name="rounds",
        path=_PATH,
        handler=show_rounds,
        place=Place.LOG,
        routes=("listRounds",),
        title=_TITLE,
        lead=Phrase(
            "Look through what people did: a sample of what they read, decided and "
            "exported, all alarms and all refusals. Nobody reviews an own act."
        ),
        listed=True,
    ),
    *form_pages(_page("rounds.new", "/new/open", ("openRound",), open_round)),
    *form_pages(
        _page(
            "rounds.one",
            "/{id}",
            ("showRound", "listRoundEntries", "markRound"),
            show_round,
        )
    ),
    *form_pages(
        _page(
            "rounds.entry",
            "/{id}/entries/{entry}",
            ("showRoundEntry", "markRound"),
            show_entry,
        )
    ),
    _page("rounds.next", "/{id}/next", ("listRoundEntries",), go_on),
    *form_pages(
        _page("rounds.sign", "/{id}/sign", ("showRound", "signRound"), sign_round)
    ),
    _page(
        "rounds.record",
        "/{id}/record",
        ("showRound", "listRoundMarks", "listRoundEntries"),
        show_record,
    ),
)
