# SPDX-License-Identifier: Apache-2.0
"""The links of a demonstration: good once, by a button, and at no other node."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.node.conftest import OpenStore
from tests.node.desk.conftest import Readers
from tests.support.desk import COOKIE, Reader
from tests.support.desk_house import NODE, House, house
from tests.support.fleet import OPERATOR, Fleet, make

from fedsafe_node.acts.people import LinkRequest
from fedsafe_node.ground.errors import ForbiddenError, NodeError
from fedsafe_node.log.audit import Event
from fedsafe_node.people.demonstration import is_marked, mark_demonstration
from fedsafe_policies.vocabulary import Role

NO_LINK = "A" * 43


@pytest.fixture(scope="module")
def shown() -> Iterator[House]:
    """Give a demonstration with people."""
    with house(full=False, demonstration=True) as made:
        yield made


Browsers = Callable[[], Awaitable[Reader]]


@pytest.fixture
async def browser(shown: House) -> AsyncIterator[Browsers]:
    """Give browsers before it."""
    async with AsyncExitStack() as stack:

        async def made() -> Reader:
            return await stack.enter_async_context(Reader(shown.origin))

        yield made


async def links(house: House) -> dict[Role, str]:
    """Make links; give the path of each role's."""
    demonstration = house.fleet[NODE].services.staff.demonstration
    made = await house.beside(demonstration.make_links(OPERATOR))
    return {each.role: each.url.removeprefix(house.origin) for each in made.links}


async def test_a_link_is_used_up_by_its_button_and_not_by_a_look(
    shown: House, browser: Browsers
) -> None:
    path = (await links(shown))[Role.DPO]
    first, second = await browser(), await browser()

    for _ in range(2):
        page = await first.open(path)
        assert page.status == 200
        assert COOKIE not in first.cookies
    page = await first.send(path)
    await second.open(path)
    again = await second.send(path)

    assert (page.status, page.path) == (200, "/desk/today")
    assert "dora" in page.text
    assert again.status == 403
    assert "used" in again.text
    assert COOKIE not in second.cookies


async def test_there_is_a_link_for_each_role_and_it_leads_to_that_role(
    shown: House, browser: Browsers
) -> None:
    made = await links(shown)

    assert set(made) == set(Role) - {Role.SERVICE}
    reader = await browser()
    await reader.open(made[Role.AUDITOR].replace("/auditor/", "/dpo/"))
    other = await reader.send(made[Role.AUDITOR].replace("/auditor/", "/dpo/"))
    assert other.status == 403  # the link of one role is none of another
    await reader.open(made[Role.AUDITOR])
    page = await reader.send(made[Role.AUDITOR])
    assert "arno" in page.text


async def test_links_of_before_are_good_no_more(
    shown: House, browser: Browsers
) -> None:
    old = await links(shown)
    await links(shown)
    reader = await browser()

    await reader.open(old[Role.DPO])

    assert (await reader.send(old[Role.DPO])).status == 403


async def test_a_session_ends_by_another_link_only_after_a_question(
    shown: House, browser: Browsers
) -> None:
    made = await links(shown)
    reader = await browser()
    page = await reader.open(made[Role.DPO])
    await reader.send(made[Role.DPO])
    token = reader.cookies[COOKIE]
    # A form from before the log-in says nothing of the session that it would end.
    unasked = await reader.send(made[Role.DPO], page=page)
    assert "You are logged in as dora" in unasked.text
    assert reader.cookies[COOKIE] == token
    page = await reader.open(made[Role.REVIEWER])
    assert "You are logged in as dora" in page.text
    assert reader.cookies[COOKIE] == token
    ends = await reader.send(made[Role.REVIEWER], {"ends": ""})
    assert "You are logged in as dora" in ends.text
    assert reader.cookies[COOKIE] == token

    done = await reader.send(made[Role.REVIEWER])

    assert done.path == "/desk/today"
    assert reader.cookies[COOKIE] != token
    node = shown.fleet[NODE]
    with pytest.raises(ForbiddenError):
        await shown.beside(node.services.people.authenticate(token))


async def test_who_came_by_a_link_may_approve_as_long_as_the_session_lives(
    shown: House, browser: Browsers
) -> None:
    path = (await links(shown))[Role.LEGAL_ADVISER]
    reader = await browser()
    await reader.open(path)
    await reader.send(path)
    shown.later(timedelta(minutes=20))

    who = await shown.beside(
        shown.fleet[NODE].services.people.authenticate(reader.cookies[COOKIE])
    )

    assert (who.name, who.fresh) == ("lena", True)


async def test_a_link_takes_a_form_of_the_desk_and_no_other(
    shown: House, browser: Browsers
) -> None:
    path = (await links(shown))[Role.DPO]
    reader = await browser()
    await reader.open(path)

    foreign = await reader.send(path, Origin="https://elsewhere.example")
    without = await (await browser()).post(path, "")

    assert (foreign.status, without.status) == (403, 403)
    assert (await reader.open(path)).status == 200
    assert (await reader.send(path)).path == "/desk/today"


async def test_no_link_stands_in_the_log(shown: House, browser: Browsers) -> None:
    path = (await links(shown))[Role.ANALYST]
    reader = await browser()
    await reader.open(path)
    await reader.send(path)
    await reader.open(path)
    await reader.send(path)

    written = await shown.beside(shown.fleet.audit(NODE))

    assert any(each.record.event is Event.DEMONSTRATION_LINKED for each in written)
    secret = path.rpartition("/")[2]
    assert not any(secret in each.text for each in written)


async def test_a_node_that_is_none_takes_no_link_and_makes_none(
    office: House, reader: Readers
) -> None:
    demonstration = office.fleet[NODE].services.staff.demonstration
    path = f"/desk/demonstration/dpo/{NO_LINK}"
    visitor = await reader()
    await visitor.open(path)

    shown = await visitor.send(path)

    assert shown.status == 403
    assert "no demonstration" in shown.text
    assert COOKIE not in visitor.cookies
    refused = await office.written(Event.DOOR_REFUSED)
    assert sum("enterByLink" in each.text for each in refused) == 1
    assert not any(NO_LINK in each.text for each in refused)
    with pytest.raises(ForbiddenError):
        await office.beside(demonstration.make_links(OPERATOR))
    with pytest.raises(ForbiddenError):
        await office.beside(demonstration.enter(LinkRequest(Role.DPO, NO_LINK)))


async def test_a_node_whose_log_has_begun_is_never_marked(
    open_node_store: OpenStore,
) -> None:
    store = await open_node_store()
    log = "a.demo/audit"
    await store.write(lambda tx: mark_demonstration(tx, log))
    assert await store.read(is_marked)

    await store.write(lambda tx: tx.append(log, b"the first entry"))

    with pytest.raises(ForbiddenError):
        await store.write(lambda tx: mark_demonstration(tx, log))


@pytest.mark.embedded
async def test_a_mark_that_is_written_on_disk_ends_the_node(tmp_path: Path) -> None:
    fleet: Fleet = await make(tmp_path, "a.demo")
    with closing(sqlite3.connect(fleet.place("a.demo").database)) as connection:
        connection.execute("INSERT INTO meta VALUES ('demonstration', x'796573')")
        connection.commit()

    with pytest.raises(NodeError):
        await fleet.start("a.demo")

    assert not fleet.running


async def test_the_log_says_that_it_is_a_demonstrations(shown: House) -> None:
    (created,) = await shown.written(Event.NODE_CREATED)

    assert "demonstration" in created.text


async def test_who_came_by_a_link_approves_as_long_as_the_session_lives(
    shown: House, browser: Browsers
) -> None:
    paths, first, second = await links(shown), await browser(), await browser()
    for each, role in ((first, Role.OPERATOR), (second, Role.DPO)):
        await each.open(paths[role])
        await each.send(paths[role])
    form = "/desk/house/newcomer"
    await first.open(form)
    await first.send(form, {"name": "nora", "display": "Nora", "roles": ["operator"]})
    waiting = await second.open("/desk/approvals")
    act = next(each for each in waiting.links if each.startswith("/desk/approvals/"))
    shown.later(timedelta(minutes=10))
    await second.open(act)

    done = await second.send(f"{act}/approve")

    assert done.status == 200, done.text
