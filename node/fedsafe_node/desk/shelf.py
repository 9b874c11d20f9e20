# SPDX-License-Identifier: Apache-2.0
"""Things of one kind in a place: their list, each by itself, and what is done with it.

A shelf names routes; the pages, their forms and who sees them follow. A list shows no
account: who looks at one opens the thing it belongs to, and the log says so.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from fedsafe_node.desk.act import Act, FormPage, offered, shown_answer, waiting
from fedsafe_node.desk.described import Shown, rows_of, table_of
from fedsafe_node.desk.view import (
    ROOT,
    Handler,
    Page,
    Place,
    View,
    form_pages,
    opens,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Matter

ACCOUNTS: Final = frozenset({"subject_ref", "service", "account", "account_id"})
"""Fields that name an account: in no list, in no address."""
_TURNS: Final = ("next", "more", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Things of one kind.

    `list_route` answers with them in its field `items`; `key` is the field that names
    one, `param` the parameter of its routes that takes that. Without a `show_route`
    one is taken out of the list. `columns` are those of the list, all that says
    something if empty; `matter` is what the policy has to let the reader read.
    `empty` says what would fill it. `links` lead from fields to pages, those of `own`
    only from what is this node's own.
    """

    name: str
    place: Place
    slug: str
    title: Phrase
    lead: Phrase
    empty: Phrase
    list_route: str
    items: str
    key: str = ""
    param: str = ""
    show_route: str | None = None
    columns: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    new: tuple[Act, ...] = ()
    without: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    matter: Matter | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path of its list."""
        return f"/{self.place.value}/{self.slug}"

    def pages(self) -> Iterator[Page]:
        """Make its pages."""
        yield self._page("", self._list, (self.list_route,), self.title, listed=True)
        for act in self.new:
            yield from self._act_pages(act, f"/new/{act.verb}", self._new)
        if not self.key:
            return
        show = self.show_route or self.list_route
        if self.show_route is not None or self.acts:
            yield self._page("/{id}", self._show, (show,), self.title)
        for act in self.acts:
            yield from self._act_pages(act, f"/{{id}}/{act.verb}", self._act)

    def _page(
        self,
        path: str,
        handler: Handler,
        routes: tuple[str, ...],
        title: Phrase,
        *,
        listed: bool = False,
    ) -> Page:
        return Page(
            name=f"{self.name}{path.replace('/', '.').replace('{id}', 'one')}",
            path=self.path + path,
            handler=handler,
            place=self.place,
            routes=routes,
            title=title,
            lead=self.lead if listed else None,
            matter=self.matter,
            listed=listed,
        )

    def _act_pages(
        self,
        act: Act,
        path: str,
        handler: Callable[[Act, View], Awaitable[web.StreamResponse]],
    ) -> tuple[Page, Page]:
        doing = partial(handler, act)
        return form_pages(self._page(path, doing, (act.route,), act.button))

    async def _list(self, view: View) -> web.StreamResponse:
        route = view.desk.routes[self.list_route]
        query = dict(self.query)
        if route.query is not None:
            names = {each.encode_name for each in msgspec.structs.fields(route.query)}
            turn = "after" if "after" in names else "since"
            if turn in names and "after" in view.query:
                query[turn] = view.query["after"]
        answer = await view.ask(self.list_route, query=query)
        items = list(getattr(answer, self.items))
        links = dict(self._links(view))
        if self.key and (self.show_route is not None or self.acts):
            links[self.key] = f"{ROOT}{self.path}/{{}}"
        shown = Shown(without=self.without | ACCOUNTS, links=links, own=self.own)
        rest = Shown(without=self.without | ACCOUNTS | {self.items, *_TURNS})
        told = {
            each.encode_name: value
            for each in msgspec.structs.fields(answer)
            if (value := getattr(answer, each.name)) != 0  # of none there is no line
        }
        behind = getattr(answer, "next", None)
        return view.show(
            "list.html",
            table=table_of(
                view, items, self.columns, shown, caption=view.say(self.title)
            ),
            count=len(items),
            empty=self.empty,
            facts=rows_of(view, told, rest),
            acts=[
                (act, f"{ROOT}{self.path}/new/{act.verb}")
                for act in offered(view, self.new, None)
            ],
            behind=f"{ROOT}{self.path}?after={quote(str(behind))}" if behind else "",
            done=view.query.get("done", ""),
        )

    async def _item(self, view: View) -> Any:  # noqa: ANN401 - the route's answer
        one = view.path["id"]
        if self.show_route is not None:
            return await view.ask(self.show_route, path={self.param: one})
        answer = await view.ask(self.list_route, query=dict(self.query))
        for each in getattr(answer, self.items):
            if str(getattr(each, self.key)) == one:
                return each
        raise web.HTTPNotFound

    def _links(self, view: View) -> Mapping[str, str]:
        """Where values lead to, of what the reader may open."""
        pages = [each for each in view.desk.pages if opens(view, each)]
        return {
            name: path
            for name, path in self.links.items()
            if any(_takes(each, path) for each in pages)
        }

    def _shown(self, view: View) -> Shown:
        """How one is shown; out of a list, which is no look, without its account."""
        hidden = ACCOUNTS if self.show_route is None else frozenset()
        return Shown(
            without=self.without | hidden, links=self._links(view), own=self.own
        )

    async def _show(self, view: View) -> web.StreamResponse:
        item = await self._item(view)
        target = f"{ROOT}{self.path}/{quote(view.path['id'], safe='')}"
        return view.show(
            "one.html",
            name=view.path["id"],
            rows=rows_of(view, item, self._shown(view)),
            acts=[
                (act, f"{target}/{act.verb}") for act in offered(view, self.acts, item)
            ],
            back=ROOT + self.path,
            done=view.query.get("done", ""),
        )

    async def _act(self, act: Act, view: View) -> web.StreamResponse:
        item, one = await self._item(view), view.path["id"]
        shown = self._shown(view)
        page = FormPage(
            view,
            act,
            target=view.request.path,
            item=item,
            path={self.param: one},
            around={
                "rows": rows_of(view, item, shown),
                "name": one,
                "back": f"{ROOT}{self.path}/{quote(one, safe='')}",
            },
        )
        behind = self.path if act.ends else f"{self.path}/{quote(one, safe='')}"
        return await _sent(page, act, behind)

    async def _new(self, act: Act, view: View) -> web.StreamResponse:
        page = FormPage(
            view,
            act,
            target=view.request.path,
            around={"rows": (), "name": "", "back": ROOT + self.path},
        )
        return await _sent(page, act, self.path)


def _takes(page: Page, path: str) -> bool:
    """Whether a page is what a path with a place for one thing leads to."""
    return page.method == "GET" and page.target == path.replace("{}", "{id}")


async def _sent(page: FormPage, act: Act, behind: str) -> web.StreamResponse:
    """Show a form, or take it and lead on."""
    view = page.view
    if view.page.method == "GET":
        return page.show()
    tried = await page.send()
    if tried.page is not None:
        return tried.page
    if act.shows:
        return shown_answer(view, act, tried)
    done = "waits" if waiting(tried.answer) is not None else "yes"
    return view.go(f"{behind}?done={done}")
