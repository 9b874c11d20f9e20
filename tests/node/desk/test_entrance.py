# SPDX-License-Identifier: Apache-2.0
"""The way into the desk, and out of it."""

from datetime import timedelta

from tests.node.desk.conftest import Readers
from tests.support.desk import COOKIE, PASSWORD
from tests.support.desk_house import House

from fedsafe_node.desk.view import WRITER
from fedsafe_node.log.audit import Event
from fedsafe_node.people.sessions import IDLE


async def test_a_person_logs_in_and_out(reader: Readers) -> None:
    rita = await reader("rita")
    first = rita.page
    kept = rita.cookies[COOKIE]

    await rita.send("/desk/logout")
    after = await rita.open("/desk/today")
    rita.cookies[COOKIE] = kept  # whoever kept a copy
    copied = await rita.open("/desk/today")

    assert (first.status, first.path) == (200, "/desk/today")
    assert "rita · reviewer" in first.text
    assert (after.status, copied.status) == (401, 401)
    assert "rita" not in copied.text


async def test_a_wrong_code_lets_nobody_in_and_keeps_the_name(reader: Readers) -> None:
    browser = await reader()
    await browser.open("/desk/login")

    shown = await browser.send(
        "/desk/login", {"name": "rita", "password": PASSWORD, "code": "000000"}
    )

    assert shown.status == 422
    assert COOKIE not in browser.cookies
    assert dict(shown.form("/desk/login").values)["name"] == "rita"
    assert PASSWORD not in shown.html
    assert (await browser.open("/desk/today")).status == 401


async def test_whoever_wanted_a_page_comes_to_it_after_the_log_in(
    office: House, reader: Readers
) -> None:
    browser = await reader()
    asked = await browser.open("/desk/persons/requests")

    shown = await browser.send(
        "/desk/login",
        {"name": "dora", "password": PASSWORD, "code": office.code("dora")},
    )

    assert asked.status == 401
    assert (shown.status, shown.path) == (200, "/desk/persons/requests")


async def test_a_form_comes_back_filled_after_the_session_has_ended(
    office: House, reader: Readers
) -> None:
    olaf = await reader("olaf")
    await olaf.open("/desk/house/people/new/add")
    office.later(timedelta(seconds=IDLE + 1))

    ended = await olaf.send(
        "/desk/house/people/new/add", {"name": "nora", "display": "Nora Später"}
    )
    kept = await olaf.send(
        "/desk/login",
        {"name": "olaf", "password": PASSWORD, "code": office.code("olaf")},
    )
    sent = await olaf.send("/desk/house/people/new/add")

    assert ended.status == 401
    assert (kept.status, "Nora Später" in kept.text) == (200, True)
    assert sent.status == 200
    assert "nora" in (await olaf.open("/desk/house/people")).text


async def test_a_form_that_is_kept_is_shown_to_nobody_whose_role_has_none(
    office: House, reader: Readers
) -> None:
    olaf = await reader("olaf")
    await olaf.open("/desk/house/people/new/add")
    office.later(timedelta(seconds=IDLE + 1))
    await olaf.send(
        "/desk/house/people/new/add", {"name": "nelli", "display": "Nelli Nie"}
    )

    kept = await olaf.send(
        "/desk/login",
        {"name": "rita", "password": PASSWORD, "code": office.code("rita")},
    )

    assert kept.status == 403
    assert "Nelli" not in kept.text


ADD = "/desk/house/people/new/add"


async def test_a_form_that_is_kept_comes_back_to_its_writer_alone(
    office: House, reader: Readers
) -> None:
    olaf = await reader("olaf")
    await olaf.open(ADD)
    office.later(timedelta(seconds=IDLE + 1))
    ended = await olaf.send(ADD, {"name": "nils", "display": "Nils Nirgends"})

    shown = await olaf.send(  # who sits there next, and may do the same
        "/desk/login",
        {"name": "otto", "password": PASSWORD, "code": office.code("otto")},
    )

    assert ended.status == 401
    assert "Nils" not in ended.html
    assert (shown.status, "another person" in shown.text) == (403, True)
    assert "Nils" not in shown.html
    assert "otto · operator" in (await olaf.open("/desk/today")).text


async def test_a_form_of_before_somebody_elses_log_in_is_not_shown_to_them(
    office: House, reader: Readers
) -> None:
    olaf = await reader("olaf")
    page = await olaf.open(ADD)
    olaf.cookies.clear()
    await olaf.log_in(office.staff, "otto")

    given = {"name": "nils", "display": "Nils Nirgends"}
    shown = await olaf.send(ADD, given, page=page)
    bare = await olaf.send(ADD, {**given, WRITER: ""}, page=page)

    assert (shown.status, "another person" in shown.text) == (403, True)
    assert bare.status == 403
    assert "Nils" not in shown.html + bare.html


async def test_what_was_kept_and_changed_on_its_way_is_gone(
    office: House, reader: Readers
) -> None:
    olaf = await reader("olaf")
    await olaf.open(ADD)
    office.later(timedelta(seconds=IDLE + 1))
    ended = await olaf.send(ADD, {"name": "nils", "display": "Nils Nirgends"})
    kept = dict(ended.form("/desk/login").values)["kept"]
    other = "A" if kept[50] != "A" else "B"

    for changed in (kept[:50] + other + kept[51:], "ä", "x", kept[:-1]):
        proofs = {"name": "olaf", "password": PASSWORD, "code": office.code("olaf")}
        browser = await reader()
        page = await browser.open("/desk/login")
        shown = await browser.send(
            "/desk/login", {**proofs, "kept": changed}, page=page
        )
        assert (shown.status, "Nils" in shown.text) == (403, False)


async def test_a_log_in_ends_the_session_that_the_browser_had(
    office: House, reader: Readers
) -> None:
    browser = await reader()
    page = await browser.open("/desk/login")
    await browser.log_in(office.staff, "rita")
    before = browser.cookies[COOKIE]
    elsewhere = await reader("rita")
    ended = len(await office.written(Event.SESSION_ENDED))
    proofs = {"name": "dora", "password": PASSWORD, "code": office.code("dora")}

    shown = await browser.send("/desk/login", proofs, page=page)

    assert "dora" in shown.text
    written = await office.written(Event.SESSION_ENDED)
    assert len(written) == ended + 1
    assert '"role":"reviewer"' in written[-1].text
    copy = await reader()
    copy.cookies[COOKIE] = before
    assert (await copy.open("/desk/today")).status == 401
    assert (await elsewhere.open("/desk/today")).status == 200


async def test_a_log_in_that_fails_ends_no_session(
    office: House, reader: Readers
) -> None:
    browser = await reader()
    page = await browser.open("/desk/login")
    await browser.log_in(office.staff, "rita")
    proofs = {"name": "dora", "password": PASSWORD, "code": "000000"}

    shown = await browser.send("/desk/login", proofs, page=page)

    assert shown.status == 422
    assert "rita" in (await browser.open("/desk/today")).text


async def test_a_session_lives_on_while_somebody_goes_on(
    office: House, reader: Readers
) -> None:
    rita = await reader("rita")
    seen = []
    for _ in range(3):
        office.later(timedelta(seconds=IDLE - 60))
        token = _ending_token(rita.page.html)
        seen.append((await rita.post("/desk/session", f"token={token}")).status)
        await rita.open("/desk/break")
    office.later(timedelta(seconds=IDLE + 1))

    assert seen == [204, 204, 204]
    assert (await rita.open("/desk/break")).status == 401


def _ending_token(html: str) -> str:
    return html.partition('data-token="')[2].partition('"')[0]


async def test_a_new_person_sets_their_account_up(reader: Readers) -> None:
    olaf = await reader("olaf")
    await olaf.open("/desk/house/people/new/add")
    added = await olaf.send(
        "/desk/house/people/new/add", {"name": "neele", "display": "Neele Neu"}
    )
    code = _shown_code(added.html)
    browser = await reader()
    await browser.open("/desk/setup")
    short = await browser.send(
        "/desk/setup", {"name": "neele", "code": code, "password": "kurz"}
    )
    done = await browser.send(
        "/desk/setup", {"name": "neele", "code": code, "password": PASSWORD}
    )

    assert (short.status, dict(short.form("/desk/setup").values)["name"]) == (
        422,
        "neele",
    )
    assert done.status == 200
    assert "data:image/svg+xml" in done.html
    assert PASSWORD not in done.html
    assert done.headers["Cache-Control"] == "no-store"


def _shown_code(html: str) -> str:
    return html.partition("<dt>code</dt><dd>")[2].partition("<")[0]


async def test_a_language_is_kept(reader: Readers) -> None:
    rita = await reader("rita")
    german = await rita.send("/desk/language", button=("language", "de"))
    later = await rita.open("/desk/approvals")

    assert 'lang="de"' in german.html
    assert 'lang="de"' in later.html
    assert "Heute" in later.text


async def test_a_way_back_that_breaks_a_header_leads_to_the_first_page(
    reader: Readers,
) -> None:
    browser = await reader()
    await browser.open("/desk/login")

    shown = await browser.send(
        "/desk/language", {"back": "/desk/login\r\nSet-Cookie: a=b"}
    )

    assert (shown.status, shown.path) == (401, "/desk/today")
    assert "a" not in browser.cookies
