# SPDX-License-Identifier: Apache-2.0
"""Who may open which page: what the routes say, in every cell."""

import re

from tests.node.desk.conftest import Readers
from tests.support.desk import COOKIE, STAFF

from fedsafe_node.api.auth import Auth
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.desk.session import form_token
from fedsafe_node.desk.site import PAGES
from fedsafe_node.desk.view import Page
from fedsafe_policies.vocabulary import Role

REFUSED = "This page is not for the role in which you are logged in."
BY_NAME = {route.name: route for route in ROUTES}
CLOSED = [page for page in PAGES if not page.open and page.name != "logout"]


def allowed(page: Page, role: Role) -> bool:
    """Whether the routes of a page take a role, by their own table."""
    routes = [BY_NAME[name] for name in page.routes]
    return all(each.auth is Auth.OPEN or role in each.roles for each in routes)


async def test_each_page_takes_the_roles_of_its_routes_and_no_other(
    reader: Readers,
) -> None:
    people = {role: name for name, role in STAFF.items()}
    wrong, refusals = [], set()
    for role, name in people.items():
        browser = await reader(name)
        for page in CLOSED:
            path = re.sub(r"\{\w+\}", "0", page.target)
            if page.method == "GET":
                shown = await browser.open(path)
            else:
                token = form_token(browser.cookies[COOKIE], path)
                shown = await browser.post(path, f"token={token}")
            is_refused = shown.status == 403 and REFUSED in shown.text
            if is_refused == allowed(page, role):
                wrong.append((role.value, page.method, page.target, shown.status))
            if is_refused:
                refusals.add((role, _bare(shown.html)))

    assert wrong == []
    assert len(refusals) == len({role for role, _ in refusals})  # all alike


def _bare(html: str) -> str:
    """Leave out of a page what is new each time."""
    html = re.sub(r'(nonce|value|data-token)="[^"]*"', "", html)
    return re.sub(r"<time.*?</time>", "", html)


async def test_the_menu_offers_what_opens_and_nothing_else(reader: Readers) -> None:
    people = {role: name for name, role in STAFF.items()}
    for role, name in people.items():
        browser = await reader(name)
        places = {
            page.place
            for page in PAGES
            if page.listed and page.place is not None and allowed(page, role)
        }
        for place in places:
            first = next(
                page
                for page in PAGES
                if page.place is place and page.listed and allowed(page, role)
            )
            shown = await browser.open(first.target)
            if shown.status == 403:  # the policy has a say as well: offered by nothing
                assert REFUSED not in shown.text
                assert first.matter is not None
                continue
            assert shown.status == 200, (name, first.target)
            offered = {link for link in shown.links if link.startswith("/desk/")}
            listed = {
                page.target
                for page in PAGES
                if page.place is place and page.listed and allowed(page, role)
            }
            others = {
                page.target for page in PAGES if page.listed and not allowed(page, role)
            }
            left_out = {
                page.target
                for page in PAGES
                if page.target in listed - offered and page.matter is None
            }
            assert len(listed) == 1 or not left_out
            assert not others & offered
            for each in offered - {"/desk/logout"}:
                assert (await browser.open(each)).status == 200, (name, each)


def test_each_route_for_people_that_a_page_names_exists_once() -> None:
    names = [page.name for page in PAGES]
    assert len(names) == len(set(names))
    cells = [(page.method, page.target) for page in PAGES]
    assert len(cells) == len(set(cells))
    assert {name for page in PAGES for name in page.routes} <= BY_NAME.keys()
    assert [page.name for page in PAGES if not page.open and not page.routes] == []
