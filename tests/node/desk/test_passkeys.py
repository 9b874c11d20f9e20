# SPDX-License-Identifier: Apache-2.0
"""Passkeys on the desk, as a browser's script sends them: added, used, removed."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from tests.node.desk.conftest import Readers
from tests.support.authenticator import PRESENT, Device, flipped
from tests.support.desk import COOKIE, PASSWORD, Reader, Shown
from tests.support.desk_house import House

from fedsafe_node.acts.people import RoleRequest
from fedsafe_node.desk.session import form_token
from fedsafe_node.log.audit import Event
from fedsafe_node.people.sessions import FRESH
from fedsafe_node.people.throttle import FORGOTTEN
from fedsafe_policies.vocabulary import Role

OWN = "/desk/account/passkeys"
LOGIN = "/desk/login/passkey"


def device_of(office: House) -> Device:
    """Give a device that signs for the desk of the house."""
    return Device(origin=office.origin, rp="localhost")


async def asked(reader: Reader, page: Shown, begin: str) -> Shown:
    """Ask what the device is to answer, as the script of a page does."""
    block = page.html.partition(f'data-begin="{begin}"')[2]
    token = block.partition('data-token="')[2].partition('"')[0]
    assert token, f"no script asks {begin} here: {page.text}"
    return await reader.post(begin, urlencode({"token": token}))


async def options(reader: Reader, page: Shown, begin: str) -> dict[str, object]:
    shown = await asked(reader, page, begin)
    assert (shown.status, shown.headers["Content-Type"]) == (200, "application/json")
    found: dict[str, object] = json.loads(shown.body)
    return found


async def added(office: House, reader: Reader, name: str = "key") -> Device:
    """Add a passkey to whoever has just logged in."""
    device, page = device_of(office), await reader.open(OWN)
    made = device.enrol(await options(reader, page, f"{OWN}/begin"))
    given = {"name": name, "passkey": json.dumps(made)}
    shown = await reader.send(OWN, given, page=page)
    assert (shown.status, shown.path) == (200, f"{OWN}?done=yes"), shown.text
    assert name in shown.text
    return device


async def logged_in(reader: Reader, device: Device, page: Shown | None = None) -> Shown:
    page = page or await reader.open("/desk/login")
    signed = device.sign(await options(reader, page, f"{LOGIN}/begin"))
    return await reader.send(LOGIN, {"passkey": json.dumps(signed)}, page=page)


@pytest.fixture(autouse=True)
def _day(office: House) -> None:
    """Begin each test on a day of its own: what was tried in vain is forgotten."""
    office.later(timedelta(seconds=FORGOTTEN + 1))


@pytest.fixture
async def rita(reader: Readers) -> AsyncIterator[Reader]:
    """Give a reviewer who has just logged in, and takes what she adds away again."""
    browser = await reader("rita")
    yield browser
    last = await reader("rita")
    page = await last.open(OWN)
    for link in page.links:
        if link.endswith("/remove"):
            await last.open(link)
            await last.send(link)
    assert "/remove" not in (await last.open(OWN)).html


async def test_a_passkey_logs_in_and_leads_where_somebody_wanted(
    office: House, reader: Readers, rita: Reader
) -> None:
    device = await added(office, rita)
    browser = await reader()
    asked_for = await browser.open("/desk/approvals")

    shown = await logged_in(browser, device, asked_for)

    assert asked_for.status == 401
    assert (shown.status, shown.path) == (200, "/desk/approvals"), shown.text
    assert "rita · reviewer" in shown.text
    began = await office.written(Event.SESSION_BEGAN)
    assert '"way":"passkey"' in began[-1].text


async def test_a_form_comes_back_filled_after_a_log_in_by_passkey(
    office: House, reader: Readers, rita: Reader
) -> None:
    device, browser = await added(office, rita), await reader("rita")
    page = await browser.open(OWN)
    name = next(f.action for f in page.forms if f.action.endswith("/name"))
    office.later(timedelta(hours=1))
    ended = await browser.send(name, {"name": "the one in the safe"}, page=page)

    shown = await logged_in(browser, device, ended)

    assert ended.status == 401
    assert (shown.status, "the one in the safe" in shown.text) == (200, True)


@pytest.mark.parametrize("wrong", ["unverified", "unknown", "forged", "elsewhere"])
async def test_what_a_device_may_not_is_a_sentence_and_no_session(
    office: House, reader: Readers, rita: Reader, wrong: str
) -> None:
    device = await added(office, rita)
    if wrong == "unverified":
        device.flags = PRESENT
    elif wrong == "unknown":
        device.credential = bytes(32)
    elif wrong == "elsewhere":
        device.origin = "http://localhost:1"
    browser = await reader()
    page = await browser.open("/desk/login")
    signed = device.sign(await options(browser, page, f"{LOGIN}/begin"))
    if wrong == "forged":
        signed["signature"] = flipped(signed["signature"])

    shown = await browser.send(LOGIN, {"passkey": json.dumps(signed)}, page=page)

    assert shown.status == 422
    assert COOKIE not in browser.cookies
    assert 'role="alert"' in shown.html
    words = "did not make sure" if wrong == "unverified" else "is not accepted"
    assert words in shown.text
    assert json.dumps(signed) not in shown.html
    assert signed["signature"] not in shown.html


async def test_what_is_no_answer_of_a_device_is_refused(
    reader: Readers, rita: Reader
) -> None:
    browser = await reader()
    page = await browser.open("/desk/login")
    for text in ("", "{", "[]", '{"credential": 1}', '{"role": "operator"}'):
        shown = await browser.send(LOGIN, {"passkey": text}, page=page)
        assert shown.status == 422, text
    assert COOKIE not in browser.cookies
    assert (await rita.open("/desk/today")).status == 200


async def test_an_answer_does_once_and_in_its_own_browser(
    office: House, reader: Readers, rita: Reader
) -> None:
    device, first, second = await added(office, rita), await reader(), await reader()
    page, other = await first.open("/desk/login"), await second.open("/desk/login")
    signed = device.sign(await options(first, page, f"{LOGIN}/begin"))
    given = {"passkey": json.dumps(signed)}

    foreign = await second.send(LOGIN, given, page=other)
    again = await first.send(LOGIN, given, page=page)

    assert (foreign.status, again.status) == (422, 422)  # and spent with the first
    assert COOKIE not in {*first.cookies, *second.cookies}


async def test_the_script_asks_with_the_token_of_its_page_from_here(
    office: House, reader: Readers, rita: Reader
) -> None:
    browser = await reader()
    page = await browser.open("/desk/login")
    begin = f"{LOGIN}/begin"
    token = page.html.partition(f'data-begin="{begin}"')[2].partition('data-token="')
    body = urlencode({"token": token[2].partition('"')[0]})

    assert (await browser.post(begin, "token=x")).status == 403
    assert (await browser.post(begin, body, Origin="https://x.example")).status == 403
    assert (await browser.post(f"{OWN}/begin", body)).status == 401
    assert (await browser.post(begin, body)).status == 200
    await added(office, rita)
    page = await rita.open(OWN)
    stepping = "/desk/step-up/passkey"
    assert (await rita.post(stepping, body)).status == 403


async def test_who_has_several_roles_chooses_with_the_same_answer(
    office: House, reader: Readers
) -> None:
    ruth = await reader("ruth")
    device = await added(office, ruth)
    await office.beside(
        office.staff._give(RoleRequest(name="ruth", role=Role.ANALYST))  # noqa: SLF001
    )
    browser = await reader()

    asked_for = await logged_in(browser, device)
    roles = {"role": "analyst"}
    shown = await browser.send(LOGIN, roles, page=asked_for)

    assert asked_for.status == 422
    assert "Choose the role" in asked_for.text
    assert PASSWORD not in asked_for.html
    assert "ruth · analyst" in shown.text


async def test_a_passkey_stands_for_the_code_in_a_form(
    office: House, reader: Readers, rita: Reader
) -> None:
    device, arno = await added(office, rita), await reader("arno")
    began = await office.written(Event.SESSION_BEGAN)
    found = re.search(r"staff-[0-9a-zA-Z-]+", began[-1].text)
    assert found is not None
    dora = await reader("dora")
    waited = set((await dora.open("/desk/approvals")).links)
    await arno.open("/desk/log/reveal")
    given = {"pseudonym": found.group(), "reason": "vermerk-12"}
    asked_for = await arno.send("/desk/log/reveal", given)
    assert asked_for.status == 200, asked_for.text
    key = await added(office, dora, "of dora")
    listed = await dora.open("/desk/approvals")
    office.later(timedelta(seconds=FRESH + 1))
    new = (each for each in listed.links if each not in waited)
    path = next(each for each in new if "/approvals/" in each)
    page, approve = await dora.open(path), f"{path}/approve"
    begin = "/desk/step-up/passkey"
    assert "step_up" in page.form(approve).names
    foreign = device.sign(await options(dora, page, begin))

    refused = await dora.send(approve, {"passkey": json.dumps(foreign)}, page=page)
    signed = key.sign(await options(dora, refused, begin))
    done = await dora.send(approve, {"passkey": json.dumps(signed)}, page=refused)

    assert refused.status == 422
    assert "is not accepted" in refused.text
    assert (done.status, done.path) == (200, "/desk/approvals?done=yes"), done.text
    proved = await office.written(Event.STEPPED_UP)
    assert '"way":"passkey"' in proved[-1].text


async def test_who_has_no_passkey_is_told_so_where_one_could_do(
    office: House, reader: Readers
) -> None:
    anna = await reader("anna")
    office.later(timedelta(seconds=FRESH + 1))
    page = await anna.open("/desk/step-up")

    shown = await asked(anna, page, "/desk/step-up/passkey")

    assert shown.status == 404
    assert json.loads(shown.body) == {"why": "you have no such passkey"}


async def test_adding_and_removing_take_a_proof_and_lead_back(
    office: House, reader: Readers, rita: Reader
) -> None:
    await added(office, rita)
    early = await rita.open(OWN)
    remove = next(link for link in early.links if link.endswith("/remove"))
    asks = await rita.open(remove)
    office.later(timedelta(seconds=FRESH + 1))
    late = await rita.open(OWN)

    assert remove not in [f.action for f in early.forms]  # no click alone removes it
    assert "It logs nobody in any more" in asks.text
    assert not [f for f in late.forms if f.action.endswith("passkeys")]
    begun = await asked(rita, early, f"{OWN}/begin")
    assert begun.status == 403
    assert "older than five minutes" in json.loads(begun.body)["why"]
    kept = await rita.send(remove, page=asks)
    assert kept.status == 403
    assert "f-step_up" in kept.html
    await rita.open(next(link for link in late.links if "wanted" in link))
    back = await rita.send("/desk/step-up", {"code": office.code("rita")})
    assert (back.status, back.path) == (200, OWN)
    other = await reader("rita")
    await rita.open(remove)
    gone = await rita.send(remove)
    assert (gone.status, "You have no passkey yet" in gone.text) == (200, True)
    assert (await other.open("/desk/today")).status == 401


async def test_a_passkey_is_renamed_and_foreign_ones_are_not_there(
    office: House, reader: Readers, rita: Reader
) -> None:
    await added(office, rita, "<b>key</b>")
    page = await rita.open(OWN)
    name = next(f.action for f in page.forms if f.action.endswith("/name"))
    assert "<b>key" not in page.html

    empty = await rita.send(name, {"name": ""}, page=page)
    shown = await rita.send(name, {"name": "key in the safe"}, page=page)
    arno = await reader("arno")
    theirs = await arno.open(OWN)

    assert empty.status == 422
    assert "key in the safe" in shown.text
    assert "safe" not in theirs.text
    # The token is right, since whoever reads makes it of their own cookie.
    token = form_token(arno.cookies[COOKIE], name)
    sent = {"token": token, "once": "a" * 32, "name": "mine"}
    foreign = await arno.post(name, urlencode(sent))
    assert foreign.status == 422
    assert "you have no such passkey" in foreign.text


async def test_without_scripts_a_page_says_why_there_is_no_button(
    reader: Readers, rita: Reader
) -> None:
    browser = await reader(language="de")
    pages = [await browser.open("/desk/login"), await rita.open("/desk/step-up")]
    pages.append(await rita.open(OWN))

    for page in pages:
        block = page.html.partition('class="passkey"')[2].partition("</div>")[0]
        assert "JavaScript" in block.partition('<p class="help">')[2]
        assert "hidden>" in block.partition("<button")[2]
        assert page.headers["Permissions-Policy"].count("(self)") == 2
    assert "Es gibt keinen Knopf für Passkeys" in pages[0].html
