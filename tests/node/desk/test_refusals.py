# SPDX-License-Identifier: Apache-2.0
"""What the desk refuses before any page of it acts or tells anything."""

import asyncio
from urllib.parse import urlencode

import aiohttp
import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk import COOKIE, Reader, sealed
from tests.support.desk_house import NODE, House
from tests.support.desk_repeats import hold
from yarl import URL

from fedsafe_node.api.strangers import Turns
from fedsafe_node.log.audit import Event

ASK = "/desk/log/account"
HOLD = "/desk/log/holds/new/add"
QUESTION = {"subject_ref": "konto-1041", "days": "7"}


async def test_what_a_browser_fetches_ahead_is_refused_and_reads_nothing(
    office: House, reader: Readers
) -> None:
    dora = await reader("dora")
    reads = len(await office.written(Event.AUDIT_READ))
    refused = len(await office.written(Event.DOOR_REFUSED))

    shown = [
        await dora.open("/desk/log/events", **{name: value})
        for name, value in (
            ("Sec_Purpose", "prefetch"),
            ("Sec_Purpose", "prefetch;prerender"),
            ("Purpose", "prefetch"),
        )
    ]

    assert [each.status for each in shown] == [403, 403, 403]
    assert len(await office.written(Event.AUDIT_READ)) == reads
    assert len(await office.written(Event.DOOR_REFUSED)) == refused


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
async def test_a_form_of_another_site_is_refused(
    office: House, reader: Readers, headers: dict[str, str]
) -> None:
    dora = await reader("dora")
    page = await dora.open(ASK)
    reads = len(await office.written(Event.AUDIT_READ))

    shown = await dora.post(ASK, sealed(page, ASK, **QUESTION), **headers)

    assert shown.status == 403
    assert "konto-1041" not in shown.text
    assert len(await office.written(Event.AUDIT_READ)) == reads


async def test_a_form_takes_its_own_token_of_its_own_session(
    office: House, reader: Readers
) -> None:
    dora, other = await reader("dora"), await reader("dora")
    page = await dora.open(ASK)
    foreign = await other.open(ASK)
    elsewhere = await dora.open("/desk/log/pack")
    token = dict(elsewhere.form("/desk/log/pack").values)["token"]
    reads = len(await office.written(Event.AUDIT_READ))
    refused = len(await office.written(Event.DOOR_REFUSED))

    none = await dora.post(ASK, sealed(page, ASK, **QUESTION, token=""))
    of_another_form = await dora.post(ASK, sealed(page, ASK, **QUESTION, token=token))
    of_another_session = await dora.post(ASK, sealed(foreign, ASK, **QUESTION))
    again = await dora.send(ASK)  # as the page offers it, with what was entered

    assert [each.status for each in (none, of_another_form, of_another_session)] == [
        403,
        403,
        403,
    ]
    assert len(await office.written(Event.DOOR_REFUSED)) == refused + 1
    assert (again.status, "konto-1041" in again.text) == (200, True)
    assert len(await office.written(Event.AUDIT_READ)) == reads + 1


async def test_a_form_of_before_the_log_in_does_not_do_after_it(
    office: House, reader: Readers
) -> None:
    browser = await reader()
    before = await browser.open("/desk/login")
    kept = dict(browser.cookies)
    await browser.log_in(office.staff, "rita")
    assert COOKIE not in kept

    shown = await browser.post("/desk/logout", sealed(before, "/desk/login"))

    assert shown.status == 403
    assert (await browser.open("/desk/today")).status == 200


async def test_a_log_in_gives_a_session_that_nobody_could_have_set(
    office: House, reader: Readers
) -> None:
    rita = await reader("rita")
    first = rita.cookies[COOKIE]
    browser = await reader()
    browser.cookies[COOKIE] = first  # somebody has planted a session of theirs
    await rita.send("/desk/logout")

    await browser.log_in(office.staff, "dora")

    assert browser.page.status == 200
    assert browser.cookies[COOKIE] != first
    assert "dora" in browser.page.text


async def test_another_name_of_the_host_is_misdirected(
    office: House, reader: Readers
) -> None:
    dora = await reader("dora")
    refused = len(await office.written(Event.DOOR_REFUSED))

    shown = await dora.open("/desk/today", Host="evil.example")

    assert shown.status == 421
    assert "dora" not in shown.text
    assert len(await office.written(Event.DOOR_REFUSED)) == refused + 1


async def _status(url: str, **headers: str) -> int:
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status


async def test_a_cookie_opens_no_api_and_a_bearer_no_page(
    office: House, reader: Readers
) -> None:
    dora = await reader("dora")
    token = dora.cookies[COOKIE]
    api = office.fleet[NODE].base.config.url + "/v1/session"
    desk = office.origin.replace("localhost", "127.0.0.1") + "/desk/today"
    host = office.origin.removeprefix("http://")

    assert await _status(api, Cookie=f"{COOKIE}={token}") == 401
    assert await _status(api, Authorization=f"Bearer {token}") == 200
    assert await _status(desk, Authorization=f"Bearer {token}", Host=host) == 401
    credential = office.fleet[NODE].base.config.url + "/v1/status"
    assert await _status(credential, Cookie=f"{COOKIE}={token}") == 401


async def test_a_page_is_kept_framed_and_scripted_by_nobody_else(
    reader: Readers,
) -> None:
    dora = await reader("dora")
    pages = [
        await dora.open(path)
        for path in ("/desk/today", "/desk/log/events", "/desk/nothing", "/desk/login")
    ]

    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "same-origin"
    nonces = {each.headers["Content-Security-Policy"] for each in pages}
    assert len(nonces) == len(pages)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("a=%ff&token=x", 422),
        ("&".join(f"a{number}=1" for number in range(201)), 422),
        ("a" * (256 * 1024 + 1), 413),
        ("\u00e4=1", 422),
    ],
    ids=["no UTF-8", "too many fields", "too long", "not encoded"],
)
async def test_a_form_that_cannot_be_read_is_named(
    reader: Readers, body: str, status: int
) -> None:
    dora = await reader("dora")

    shown = await dora.post(ASK, body)

    assert shown.status in {status, 400}
    assert "Traceback" not in shown.html
    assert len(shown.text) > 20


@pytest.mark.parametrize("mark", [None, "", "short", "a" * 65, "ä" * 32, "a b" * 10])
async def test_a_form_whose_mark_is_lost_or_changed_does_nothing(
    office: House, reader: Readers, mark: str | None
) -> None:
    dora = await reader("dora")
    page = await dora.open(HOLD)
    values = dict(page.form(HOLD).values) | hold(office, 77)
    del values["once"]
    before = len(await office.written(Event.AUDIT_HELD))

    given = values if mark is None else values | {"once": mark}
    shown = await dora.post(HOLD, urlencode(given))

    assert shown.status == 400
    assert "lacks the mark by which it acts once" in shown.text
    assert len(await office.written(Event.AUDIT_HELD)) == before


async def test_no_account_stands_in_an_address_a_title_or_a_header(
    reader: Readers,
) -> None:
    dora: Reader = await reader("dora")
    await dora.open(ASK)
    answer = await dora.send(ASK, QUESTION)

    assert "konto-1041" in answer.text
    assert answer.path == ASK
    assert "konto-1041" not in answer.html.partition("<title>")[2].partition("<")[0]
    assert "konto-1041" not in str(answer.headers)
    assert not [link for link in answer.links if "konto" in link]


async def bare(
    office: House, path: str, *, cookie: bytes, headers: dict[str, str] | None = None
) -> bytes:
    """Ask for a page from an address of one's own, with a cookie of any bytes."""
    address = URL(office.origin)
    reading, writing = await asyncio.open_connection(
        "127.0.0.1", address.port, local_addr=("127.5.5.5", 0)
    )
    said = {"Host": address.authority, "Connection": "close", **(headers or {})}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {said[name]}" for name in said)]
    head = "\r\n".join(lines).encode()
    writing.write(head + b"\r\nCookie: " + cookie + b"\r\n\r\n")
    answer = await reading.read()
    writing.close()
    return answer


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/desk/nowhere", {}, 404),
        ("/desk/login", {"Sec-Purpose": "prefetch"}, 403),
        ("/desk/login", {"Host": "elsewhere.example"}, 421),
        ("/desk/login", {"Host": "else/where"}, 400),
    ],
    ids=str,
)
@pytest.mark.parametrize("token", ["", "fs2_" + "A" * 43])
async def test_what_is_refused_at_once_takes_a_turn_of_strangers(  # noqa: PLR0913 - its cases
    office: House,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    headers: dict[str, str],
    status: int,
    token: str,
) -> None:
    taken: list[str] = []
    take = Turns.take

    async def counted(turns: Turns, prefix: str) -> None:
        taken.append(prefix)
        await take(turns, prefix)

    monkeypatch.setattr(Turns, "take", counted)

    cookie = f"{COOKIE}={token}".encode()  # it looks like a session's, and is none
    answer = await bare(office, path, cookie=cookie, headers=headers)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert taken.count("127.5.5.0/24") == 1


@pytest.mark.parametrize(
    "cookie",
    [
        COOKIE.encode() + b"=fs2_\xff",
        COOKIE.replace("fedsafe-", "fedsafe-before-").encode() + b"=\xff",
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("path", "status"), [("/desk/login", 200), ("/desk/today", 401)]
)
async def test_a_cookie_that_no_desk_gave_is_as_none(
    office: House, cookie: bytes, path: str, status: int
) -> None:
    answer = await bare(office, path, cookie=cookie)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
