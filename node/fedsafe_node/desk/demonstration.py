# SPDX-License-Identifier: Apache-2.0
"""The way into a demonstration: a link that a button uses up, never a look at it.

What fetches the page behind a link (a preview, a scanner, a browser's memory) changes
nothing. Whoever has a session is asked before it ends.
"""

from typing import Final

from aiohttp import web

from fedsafe_node.acts.people import SessionAnswer
from fedsafe_node.api.endpoint import TurnedDownError
from fedsafe_node.desk.entrance import begin_session
from fedsafe_node.desk.view import Page, View, form_pages
from fedsafe_node.people.demonstration import PLACE
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

_TRIES: Final = frozenset({400, 401, 403, 404})
_NO_LINK: Final = Phrase("That is no link to a role of a demonstration.")


async def show_link(view: View) -> web.StreamResponse:
    """Show the button of a link; nothing is asked of the link itself."""
    return _page(view, wrong=None)


async def take_link(view: View) -> web.StreamResponse:
    """Log in by a link; a session that is there ends, once its end was agreed to."""
    if view.who is not None and view.text("ends") != view.who.name:
        return _page(view, wrong=None)
    body = {"role": view.path["role"], "link": view.path["link"]}
    try:
        answer: SessionAnswer = await view.ask("enterByLink", body=body)
    except TurnedDownError as refused:
        if refused.problem.status not in _TRIES:
            raise
        is_malformed = refused.problem.status not in {401, 403}
        return _page(view, wrong=_NO_LINK if is_malformed else refused.why)
    await begin_session(view, answer)
    response = view.go("/today")
    view.desk.cookies.keep_token(response, answer.token)
    return response


def _page(view: View, *, wrong: Phrase | None) -> web.StreamResponse:
    known = {role.value: role for role in Role}
    return view.show(
        "link.html",
        status=200 if wrong is None else 403,
        wrong=wrong,
        target=view.request.path,
        to=known.get(view.path["role"]),
    )


DEMONSTRATION_PAGES: Final = form_pages(
    Page(
        name="demonstration",
        path=f"{PLACE.removeprefix('/desk')}/{{role}}/{{link}}",
        handler=show_link,
        title=Phrase.within("desk", "Look at a demonstration"),
        open=True,
    ),
    take_link,
)
