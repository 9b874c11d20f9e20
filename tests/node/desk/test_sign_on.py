# SPDX-License-Identifier: Apache-2.0
"""Logging in at a real provider of identities, and back to the desk without scripts."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk import COOKIE, Reader, Shown
from tests.support.desk_house import NODE, House, house, link
from tests.support.provider import Provider, log_in_there, serve_provider

from fedsafe_node.acts.people import RoleRequest
from fedsafe_node.log.audit import Event
from fedsafe_node.people.identity_provider import BACK, LIFETIME
from fedsafe_node.people.sessions import IDLE
from fedsafe_policies.vocabulary import Role

pytestmark = pytest.mark.timeout(240)
START = "/desk/login/provider"
OWN = "/desk/account/passkeys"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a node of whose people some may log in at a provider."""
    with ExitStack() as stack:
        served: list[Provider] = []

        def identities(origin: str) -> str:
            place = tmp_path_factory.mktemp("provider")
            running = serve_provider(place, f"{origin}{BACK}")
            served.append(stack.enter_context(running))
            return served[0].settings()

        with house(full=False, identities=identities) as made:
            for name in ("anna", "ruth", "yara"):
                made.wait(link(made, name, served[0].url))
            yield made


async def set_out(browser: Reader, name: str, page: Shown | None = None) -> str:
    """Go to the provider and log in there; give where it leads back to."""
    if page is None:
        page = await browser.open("/desk/login")
    shown = await browser.send(START, page=page)
    assert (shown.status, shown.path) == (200, START), shown.text
    (url,) = [each for each in shown.links if "://" in each]
    assert shown.headers["Refresh"] == f"0; url={url}"
    back = await log_in_there(url, name, browser.origin)
    return back.removeprefix(browser.origin)


async def come_back(browser: Reader, path: str, **headers: str) -> Shown:
    """Follow the provider's link: what is of this site alone does not come along."""
    others = {
        name: value
        for name, value in browser.cookies.items()
        if "-before-" not in name and "-away-" not in name
    }
    for name in others:
        del browser.cookies[name]
    shown = await browser.open(path, **headers)
    browser.cookies.update(others)
    return shown


async def refusals(office: House) -> list[str]:
    """Read what was refused; the next refusal of a kind is an event of its own."""
    await office.beside(office.fleet[NODE].services.refusals.sum_up(ends=True))
    written = await office.written(Event.DOOR_REFUSED)
    return [f"{each.record.outcome} {each.text}" for each in written]


async def test_a_person_logs_in_at_the_provider_and_steps_up_by_code(
    office: House, reader: Readers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = await reader()
    asked_for = await browser.open(OWN)
    assert "Log in with Haus-Anmeldung" in asked_for.text

    path = await set_out(browser, "anna", asked_for)
    cookies = browser.page.headers.getall("Set-Cookie")
    between = await come_back(browser, path)
    shown = await browser.send(BACK)

    assert len(cookies) == 2
    for cookie in cookies:
        assert cookie.startswith("__Host-fedsafe-")
        for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            assert word in cookie
    query = parse_qs(urlsplit(path).query)
    secrets = [query["code"][0], query["state"][0]]
    assert between.headers["Referrer-Policy"] == "strict-origin"
    assert between.headers["Cache-Control"] == "no-store"
    title = between.html.partition("<title>")[2].partition("<")[0]
    assert (shown.status, shown.path) == (200, OWN), shown.text
    assert "anna · analyst" in shown.text
    for secret in secrets:
        assert secret not in title + caplog.text + str(between.headers) + shown.html
    assert not [name for name in browser.cookies if "-away-" in name]
    began = (await office.written(Event.SESSION_BEGAN))[-1].text
    assert '"way":"oidc"' in began
    assert '"second_factor":false' in began
    assert "first confirm that it is you" in shown.text
    await browser.open("/desk/step-up")
    await browser.send("/desk/step-up", {"code": office.code("anna")})
    assert "first confirm" not in (await browser.open(OWN)).text


async def test_what_comes_back_is_good_once(office: House, reader: Readers) -> None:
    before, browser = len(await refusals(office)), await reader()
    path = await set_out(browser, "anna")
    page = await come_back(browser, path)
    await browser.send(BACK, page=page)
    first = browser.cookies.pop(COOKIE)

    again = await browser.send(BACK, page=page)
    reloaded = await come_back(browser, path)
    once_more = await browser.send(BACK, page=reloaded)

    assert first
    assert (again.status, once_more.status) == (422, 422)
    assert COOKIE not in browser.cookies
    assert "is not accepted; begin anew" in again.text
    assert "endSignOn" in (await refusals(office))[before]


async def test_a_code_ends_in_the_browser_alone_that_has_set_out_for_it(
    office: House, reader: Readers
) -> None:
    attacker, victim, bare = await reader(), await reader(), await reader()
    before = len(await refusals(office))
    await victim.open("/desk/login")
    path = await set_out(attacker, "ruth")

    nobody = await come_back(bare, path)
    lured = await come_back(victim, path)
    foreign = await victim.send(BACK)
    own = await come_back(attacker, path)
    stolen = await victim.post(BACK, urlencode(own.form(BACK).values))
    done = await attacker.send(BACK, page=own)

    assert nobody.status == 403
    assert not [form for form in nobody.forms if form.action == BACK]
    assert "did not begin in this browser" in nobody.text
    assert (lured.status, foreign.status, stolen.status) == (200, 422, 403)
    assert COOKIE not in {*victim.cookies, *bare.cookies}
    assert "ruth · reviewer" in done.text  # nobody else has used it up
    told = (await refusals(office))[before:]
    assert [each for each in told if "foreign_sign_on" in each]
    assert [each for each in told if "endSignOn" in each]


@pytest.mark.parametrize("wrong", ["state", "late", "iss", "code", "twice", "nothing"])
async def test_what_did_not_come_of_this_log_in_is_refused(
    office: House, reader: Readers, wrong: str
) -> None:
    browser = await reader()
    path = await set_out(browser, "anna")
    query = {name: one for name, (one,) in parse_qs(urlsplit(path).query).items()}
    more = ""
    if wrong == "state":
        query["state"] = query["state"][:-5] + "AAAAA"
    elif wrong == "late":
        office.later(timedelta(seconds=LIFETIME))
    elif wrong == "iss":
        query["iss"] = "https://evil.example"
    elif wrong == "code":
        query["code"] = "x" * 40
    elif wrong == "twice":
        more = "&code=other"
    else:
        query.clear()

    shown = await come_back(browser, f"{BACK}?{urlencode(query)}{more}")
    if any(form.action == BACK for form in shown.forms):
        shown = await browser.send(BACK)

    assert (shown.status, COOKIE in browser.cookies) == (422, False)
    assert "begin" in shown.text
    assert [form for form in shown.forms if form.action == START]


async def test_what_a_browser_fetches_ahead_ends_no_log_in(reader: Readers) -> None:
    browser = await reader()
    path = await set_out(browser, "anna")

    ahead = await come_back(browser, path, Sec_Purpose="prefetch;prerender")
    looked = await come_back(browser, path)
    assert COOKIE not in browser.cookies
    shown = await browser.send(BACK, page=looked)

    assert ahead.status == 403
    assert "anna · analyst" in shown.text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "has not let you in"),
        ("temporarily_unavailable", "in some minutes"),
        ("<b>x</b>", "has refused the log-in"),
    ],
)
async def test_what_a_provider_says_of_its_error_is_not_repeated(
    reader: Readers, error: str, words: str
) -> None:
    browser = await reader()
    await browser.open("/desk/login")
    said = {"error": error, "error_description": "<b>Ring 0900</b>", "error_uri": "u:x"}

    shown = await come_back(browser, f"{BACK}?{urlencode(said)}")

    assert (shown.status, words in shown.text) == (422, True)
    assert "0900" not in shown.html
    assert "u:x" not in shown.html
    assert "<b>" not in shown.html
    assert shown.form(START).names >= {"token", "kept"}


async def test_a_form_goes_there_and_back_with_its_writer_alone(
    office: House, reader: Readers
) -> None:
    for name in ("anna", "ruth"):
        browser = await reader("anna")
        await browser.open(OWN)
        office.later(timedelta(seconds=IDLE + 1))
        ended = await browser.send(OWN, {"name": "Schlüssel im Safe"})
        path = await set_out(browser, name, ended)
        await come_back(browser, path)

        shown = await browser.send(BACK)

        assert ended.status == 401
        is_hers = name == "anna"
        assert shown.status == (200 if is_hers else 403), shown.text
        assert ("Schlüssel im Safe" in shown.html) is is_hers


async def test_a_form_that_is_too_long_stays_behind_and_says_so(
    office: House, reader: Readers
) -> None:
    browser = await reader("anna")
    await browser.open(OWN)
    office.later(timedelta(seconds=IDLE + 1))
    words = "".join(f"{number * 7919 % 10007:x}-" for number in range(900))

    ended = await browser.send(OWN, {"name": words})

    assert "too long to come along" in ended.text
    assert dict(ended.form(START).values)["kept"] == ""
    assert dict(ended.form("/desk/login").values)["kept"]


async def test_a_log_in_there_ends_the_session_that_was_here(
    office: House, reader: Readers
) -> None:
    browser = await reader()
    page = await browser.open("/desk/login")
    await browser.log_in(office.staff, "rita")
    before = browser.cookies[COOKIE]
    path = await set_out(browser, "anna", page)

    await come_back(browser, path)
    assert browser.cookies[COOKIE] == before
    shown = await browser.send(BACK)

    assert "anna · analyst" in shown.text
    copy = await reader()
    copy.cookies[COOKIE] = before
    assert (await copy.open("/desk/today")).status == 401


async def test_who_has_several_roles_chooses_and_goes_there_once_more(
    office: House, reader: Readers
) -> None:
    give = office.staff._give  # noqa: SLF001 - without a second person
    await office.beside(give(RoleRequest(name="yara", role=Role.ANALYST)))
    browser = await reader()
    path = await set_out(browser, "yara")
    await come_back(browser, path)

    asked = await browser.send(BACK)
    shown = await browser.send(START, {"role": "analyst"}, page=asked)
    (url,) = [each for each in shown.links if "://" in each]
    back = await log_in_there(url, "yara", browser.origin)
    await come_back(browser, back.removeprefix(browser.origin))
    done = await browser.send(BACK)

    assert (asked.status, COOKIE in browser.cookies) == (422, True)
    assert "Choose the role" in asked.text
    assert "role" not in asked.form("/desk/login").names
    assert "yara · analyst" in done.text
