# SPDX-License-Identifier: Apache-2.0
"""Proof of control of a phone number: the hook, its faults, and what it may cost."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from tests.node.casework.transports.conftest import Papers, issue_papers
from tests.node.rights.conftest import MailBox
from tests.support.disputes import DORA, matching
from tests.support.fleet import NAMES, Fleet
from tests.support.phone_hooks import (
    SECRET,
    FakeHook,
    documented_hook,
    fake_hook,
    outcome,
    write_secret,
)
from tests.support.rights_form import EN, PLACE, Page, hidden, posted, proofs_of

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Appeal
from fedsafe_node.acts.requests import (
    CodeRequest,
    ProofRequest,
    RequestKind,
)
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import parse_config
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConfigError,
    ForbiddenError,
    TooManyTriesError,
    UnavailableError,
)
from fedsafe_node.ground.mail_settings import Phone
from fedsafe_node.rights import phone_hook
from fedsafe_node.rights.phone_budgets import MOST_A_NUMBER, gets_codes
from fedsafe_node.rights.phone_hook import Hook, Outcome
from fedsafe_policies.help.offers import Age

WHO = "+4915112345678"
DIALLED = "0151 / 1234 5678"
OTHER = "+4915112349999"
SPREAD = [
    f"+49{prefix}1234567" for prefix in (160, 162, 163, 170, 171, 172, 173, 174, 175)
]
"""Numbers of different blocks."""


@pytest.fixture
async def hook(fleet: Fleet) -> AsyncIterator[FakeHook]:
    async with fake_hook(fleet.clock) as hook:
        yield hook


async def phoning_fleet(
    fleet: Fleet, hook: FakeHook, more: str = "", *names: str
) -> Fleet:
    place = fleet.place("b.demo")
    place.config.write_text(place.config.read_text() + hook.settings + more)
    write_secret(place.directory)
    await fleet.start(*(names or NAMES))
    return fleet


@pytest.fixture
async def phoning(fleet: Fleet, hook: FakeHook) -> Fleet:
    """Give three nodes of which b.demo sends codes to numbers."""
    await phoning_fleet(fleet, hook)
    await fleet.covered()
    return fleet


@pytest.fixture
async def solo(fleet: Fleet, hook: FakeHook) -> Fleet:
    """Give one node that sends codes to numbers, while the others are down."""
    return await phoning_fleet(fleet, hook, "", "b.demo")


async def sent(fleet: Fleet, phone: str = WHO, source: str = PLACE) -> str:
    return (await proofs_of(fleet).send_code(CodeRequest(phone=phone), source)).nonce


def proof(nonce: str, code: str, **more: Any) -> ProofRequest:  # noqa: ANN401
    named = {"kind": RequestKind.DISPUTE, "phone": DIALLED} | more
    return ProofRequest(nonce=nonce, code=code, **named)


# --- proof ----------------------------------------------------------------------------


async def test_who_has_only_a_phone_walks_through_all_pages(
    phoning: Fleet, hook: FakeHook
) -> None:
    await phoning.publish(WHO, Kind.PHONE)
    assert await matching(phoning, WHO, kind=Kind.PHONE) != []
    url = phoning["b.demo"].base.config.url
    async with ClientSession(url, headers=EN) as session:
        async with session.get("/rights") as response:
            first = await response.text()
        Page(first).check()
        asked = await posted(
            *(session, "/rights/code"), lang="en", kind="dispute", phone=DIALLED
        )
        fields: dict[str, Any] = {
            name: hidden(asked, name) for name in ("lang", "kind", "nonce", "by")
        }
        fields |= {"phone": WHO, "code": hook.code()}
        opened = await posted(session, "/rights/proof", **fields)
        name, code = re.findall(r"<code>([^<]+)</code>", opened)
        await phoning.level("b.demo", ("a.demo", "c.demo"))
        resting = await matching(phoning, WHO, kind=Kind.PHONE)
        requests = phoning["b.demo"].services.requests
        shown = await requests.show(name, DORA)
        await requests.answer(name, DORA)
        answer = await posted(
            *(session, "/rights/answer"), lang="en", request=name, collect=code
        )

    assert 'type="tel"' in first
    assert 'name="email"' not in first
    assert "My request is about an e-mail address" not in first  # nobody mails here
    assert "request about an e-mail address, an account or a device here" in first
    assert (WHO not in asked, DIALLED not in asked) == (True, True)
    assert "The ten digits from our message" in asked
    assert resting == []
    assert (shown.control, shown.way.value) == ("phone_code", "form")
    assert "Answer to your request" in answer
    assert hook.asked[0]["to"] == WHO
    assert hook.asked[0]["act"] == "send"
    assert "your code for the request is" in hook.asked[0]["text"]


async def test_members_of_older_releases_know_the_word_that_they_are_told(
    phoning: Fleet, hook: FakeHook
) -> None:
    await phoning.publish(WHO, Kind.PHONE)
    nonce = await sent(phoning)
    opened = await proofs_of(phoning).prove(proof(nonce, hook.code()), PLACE)
    requests = phoning["b.demo"].services.requests
    disputes = (await requests.show(opened.request, DORA)).disputes
    assert disputes is not None
    for name in NAMES:
        await phoning.level("b.demo", ("a.demo", "c.demo"))
        row = await phoning[name].base.store.read(
            lambda reader: reader.dispute(bytes.fromhex(disputes[0]))
        )
        assert row is not None
        assert row.control == "mailed_code"


async def test_a_child_gets_plain_words_and_a_message_of_few_parts(
    solo: Fleet, hook: FakeHook
) -> None:
    url = solo["b.demo"].base.config.url
    async with ClientSession(url) as session:
        async with session.get("/rights?lang=de&age=minor") as response:
            first = await response.text()
        asked = await posted(
            *(session, "/rights/code"), lang="de", age="minor", phone=DIALLED
        )

    assert "Der Code kostet dich nichts." in first
    assert "bekommst du eine Nachricht mit einem Code" in asked
    assert "Wenn du mit jemandem reden möchtest:" in asked
    assert "110" in asked
    mark, plain = hook.asked[0]["text"].split(". ", 1)
    assert mark == "Vorführung: Alle Angaben hier sind erfunden"
    assert plain.startswith("b.demo: Dein Code ist")
    assert len(plain) <= 160


async def test_a_code_is_for_one_number_and_one_request(
    solo: Fleet, hook: FakeHook
) -> None:
    proofs = proofs_of(solo)
    first = await sent(solo)
    code = hook.code()
    await sent(solo, OTHER)
    for wrong in (
        proof(first, code, phone=OTHER),
        proof(first, hook.code()),
        proof(first, "0000000000"),
    ):
        with pytest.raises(ForbiddenError):
            await proofs.prove(wrong, PLACE)
    with pytest.raises(BadRequestError) as refused:
        await proofs.prove(proof(first, code, email="a@mail.example"), PLACE)
    assert refused.value.code == "one_identifier"

    await proofs.prove(proof(first, code), PLACE)
    solo.clock.advance(timedelta(minutes=30))
    with pytest.raises(ForbiddenError):
        await proofs.prove(proof(first, code), PLACE)


async def test_guesses_are_slowed_and_hold_up_nobody_else(
    solo: Fleet, hook: FakeHook
) -> None:
    proofs, found = proofs_of(solo), list[type[Exception]]()
    theirs = await sent(solo)
    for _ in range(7):
        with pytest.raises((ForbiddenError, TooManyTriesError)) as refused:
            await proofs.prove(proof(theirs, "0123456789"), "203.0.113.9")
        found.append(refused.type)
    mine = await sent(solo)

    assert found[:5] == [ForbiddenError] * 5
    assert found[-1] is TooManyTriesError
    await proofs.prove(proof(mine, hook.code()), PLACE)


# --- what a page and a match offer ----------------------------------------------------


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            (
                "You cannot make a request about a phone number, an account or a "
                "device here"
            ),
        ),
        (
            "de",
            (
                "Einen Antrag zu einer Telefonnummer, einem Konto oder einem Gerät "
                "können Sie hier nicht stellen"
            ),
        ),
    ],
)
async def test_a_form_without_a_hook_says_so_before_anything_is_typed(
    mailing: Fleet, language: str, told: str
) -> None:
    config = mailing["b.demo"].base.config
    async with ClientSession(config.url) as session:
        async with session.get(f"/rights?lang={language}&by=phone") as response:
            page = await response.text()
        async with session.post("/v1/rights/code", json={"phone": WHO}) as response:
            problem, status = await response.json(), response.status

    assert told in page
    assert f"{config.contact}" in page
    assert 'type="tel"' not in page
    assert "by=phone" not in page
    assert (problem["code"], status) == ("no_hook", 503)
    assert config.contact in problem["detail"]


async def test_a_form_with_both_ways_leads_from_one_to_the_other(
    fleet: Fleet, hook: FakeHook, box: MailBox
) -> None:
    await phoning_fleet(fleet, hook, box.settings, "b.demo")
    async with ClientSession(fleet["b.demo"].base.config.url, headers=EN) as session:
        pages = [
            await (await session.get(f"/rights{query}")).text()
            for query in ("", "?by=phone", "?by=email&age=minor", "?by=phone&age=minor")
        ]
        asked = await posted(session, "/rights/code", by="phone", phone=WHO)

    for page, own, other in zip(
        pages, ("email", "tel") * 2, ("phone", "email") * 2, strict=True
    ):
        Page(page).check()
        assert f'type="{own}"' in page
        assert f"by={other}" in page
    assert hidden(asked, "by") == "phone"
    assert "lang=de&amp;by=phone" in asked  # who changes the language stays with it
    assert (len(hook.asked), len(box.envelopes)) == (1, 0)


async def test_a_match_names_the_form_only_for_what_it_can_prove(
    fleet: Fleet, hook: FakeHook, box: MailBox
) -> None:
    path = fleet.place("a.demo").config
    path.write_text(path.read_text() + box.settings.replace("b.demo", "a.demo"))
    await phoning_fleet(fleet, hook)
    await fleet.covered()
    for kind, value in ((Kind.PHONE, WHO), (Kind.EMAIL, "anna@mail.example")):
        await fleet.publish(value, kind)
    a, b = (f"{fleet[name].base.config.url}/rights" for name in ("a.demo", "b.demo"))
    found = {
        (name, kind): (await fleet.look_up(name, value, kind)).matches[0].appeal
        for name in ("a.demo", "b.demo", "c.demo")
        for kind, value in ((Kind.PHONE, WHO), (Kind.EMAIL, "anna@mail.example"))
    }

    def said(name: str, form: str | None = None, origin: str | None = None) -> Appeal:
        return Appeal(contact=f"safety@{name}", form=form, origin_form=origin)

    assert found == {
        ("a.demo", Kind.PHONE): said("a.demo"),
        ("a.demo", Kind.EMAIL): said("a.demo", a),
        ("b.demo", Kind.PHONE): said("b.demo", b),
        ("b.demo", Kind.EMAIL): said("b.demo", None, a),
        ("c.demo", Kind.PHONE): said("c.demo"),
        ("c.demo", Kind.EMAIL): said("c.demo", None, a),
    }


# --- floods ---------------------------------------------------------------------------


async def test_one_number_gets_few_codes_a_day_from_wherever_they_are_asked(
    solo: Fleet, hook: FakeHook
) -> None:
    for number in range(MOST_A_NUMBER + 5):
        place = f"198.51.100.{number}"
        if number < MOST_A_NUMBER:
            await sent(solo, source=place)
        else:
            with pytest.raises(TooManyTriesError):
                await sent(solo, source=place)
    solo.clock.advance(timedelta(minutes=30))  # no wait, but the day
    with pytest.raises(TooManyTriesError):
        await sent(solo, source="203.0.113.7")
    assert len(hook.asked) == MOST_A_NUMBER

    await sent(solo, OTHER)  # nobody else's way is shut
    solo.clock.advance(timedelta(hours=12, minutes=1))
    await sent(solo)


async def test_one_place_gets_three_codes_for_a_number_and_waits(
    solo: Fleet, hook: FakeHook
) -> None:
    for _ in range(3):
        await sent(solo)
    with pytest.raises(TooManyTriesError):
        await sent(solo)
    assert len(hook.asked) == 3


async def test_a_day_has_budgets_that_outlive_a_restart(
    fleet: Fleet, hook: FakeHook
) -> None:
    bounds = "most_a_day = 6\nmost_a_day_block = 3\nmost_a_day_place = 4\n"
    await phoning_fleet(fleet, hook, bounds, "b.demo")

    async def flood(head: str, places: list[str]) -> list[str]:
        found: list[str] = []
        for number, place in enumerate(places):
            try:
                await sent(fleet, f"{head}{number:04d}", place)
                found.append("ok")
            except TooManyTriesError:
                found.append("place")
            except UnavailableError as error:
                found.append(error.code)
        return found

    many = [f"198.51.100.{number}" for number in range(5)]
    shut = "phone_unavailable"
    assert await flood("+491511111", many) == ["ok"] * 3 + [shut] * 2
    await fleet.stop("b.demo")
    await fleet.start("b.demo")
    fleet.clock.advance(timedelta(minutes=30))
    assert await flood("+491511111", many[:1]) == [shut]
    assert await flood("+491512222", ["203.0.113.1"] * 2) == ["ok"] * 2
    assert await flood("+491513333", many[:2]) == ["ok", shut]
    fleet.clock.advance(timedelta(minutes=30))
    for number, phone in enumerate(
        SPREAD[:3]
    ):  # other blocks, and places: the day as a whole is used up
        with pytest.raises(UnavailableError) as refused:
            await sent(fleet, phone, f"192.0.2.{number}")
        assert refused.value.code == shut
    assert len(hook.asked) == 6
    outcomes = [
        event.record.outcome
        for event in await fleet.audit("b.demo", "rights.code_sent")
    ]
    assert outcomes.count("alarm") == 1
    fleet.clock.advance(timedelta(hours=12, minutes=1))
    assert await flood("+491511111", many[:1]) == ["ok"]


async def test_one_network_cannot_use_up_the_day_of_all(
    fleet: Fleet, hook: FakeHook
) -> None:
    await phoning_fleet(fleet, hook, "most_a_day_place = 4\n", "b.demo")
    for phone in SPREAD[:4]:
        await sent(fleet, phone)
    fleet.clock.advance(timedelta(minutes=30))
    with pytest.raises(TooManyTriesError):
        await sent(fleet, WHO)
    await sent(fleet, WHO, "2001:db8::/64")
    assert len(hook.asked) == 5


@pytest.mark.parametrize(
    ("number", "gets"),
    [
        (WHO, True),
        ("+4930123456", True),
        ("+436641234567", True),
        ("+41791234567", True),
        ("+499001234567", False),  # at a premium
        ("+491801234567", False),  # shared cost
        ("+498001234567", False),  # free for the caller
        ("+447012345678", False),  # personal numbers
        ("+447911123456", False),  # a country that nobody has named
        ("+2250123456789", False),
        ("+8835100012345", False),  # networks of no country
        ("+491901234567", False),  # assigned to nobody
    ],
)
def test_only_peoples_numbers_of_named_countries_get_codes(
    number: str,
    gets: bool,  # noqa: FBT001 - a table
) -> None:
    assert gets_codes(number, ("EEA", "CH")) is gets


async def test_a_number_that_gets_no_code_is_told_where_to_write(
    solo: Fleet, hook: FakeHook
) -> None:
    url, premium = solo["b.demo"].base.config.url, "+49 900 1234567"
    async with ClientSession(url, headers=EN) as session:
        page = await posted(session, "/rights/code", status=422, phone=premium)
        none = await posted(session, "/rights/code", status=422, phone="12")
        async with session.post("/v1/rights/code", json={"phone": premium}) as got:
            problem = await got.json()

    assert hook.asked == []
    assert "cannot send a code to this phone number" in page
    assert "not a complete phone number" in none
    assert "safety@b.demo" in page
    assert (problem["code"], problem["pointer"]) == (
        "not_phoned",
        "/phone",
    )


# --- a hook that misbehaves -----------------------------------------------------------


async def _hang(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    del request, asked
    await asyncio.sleep(30)
    return web.Response()


async def _drip(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    del asked
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(300):
        await response.write(b" ")
        await asyncio.sleep(0.1)
    return response


async def _huge(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(64):
        await response.write(b" " * 65_536)
    await response.write(outcome(asked, "accepted").body or b"")  # type: ignore[arg-type]
    return response


async def _elsewhere(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    del asked
    return web.Response(
        status=307, headers={"Location": str(request.url.with_path("/elsewhere"))}
    )


async def _fails(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    del request
    return web.Response(status=500, text=f"cannot reach {asked['to']}")


async def _lies(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    del request
    return outcome(asked | {"request": "A" * 22}, "accepted")


async def _raves(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    del request
    return web.json_response({"request": asked["request"], "outcome": asked["to"]})


async def _gets_rid(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    del asked
    assert request.transport is not None
    request.transport.close()
    return web.Response()


FAULTS = (
    (_hang, Outcome.UNREACHABLE, 3),
    (_drip, Outcome.UNREACHABLE, 3),
    (_gets_rid, Outcome.UNREACHABLE, 3),
    (_fails, Outcome.BUSY, 3),
    (_huge, Outcome.UNCLEAR, 1),
    (_elsewhere, Outcome.UNCLEAR, 1),
    (_lies, Outcome.UNCLEAR, 1),
    (_raves, Outcome.UNCLEAR, 1),
)


async def test_a_hook_that_misbehaves_sends_no_code_and_learns_nothing_more(
    solo: Fleet,
    hook: FakeHook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(phone_hook, "_PAUSE", 0)
    monkeypatch.setattr(proofs_of(solo).hook, "_attempt", 0.3)
    for number, (fault, found, times) in enumerate(FAULTS):
        caplog.clear()
        hook.asked.clear()
        hook.answer = fault
        with pytest.raises(UnavailableError) as refused:
            await sent(solo, source=f"198.51.100.{number}")

        assert refused.value.code == "phone_unavailable", fault
        assert refused.value.__cause__ is None
        assert len(hook.asked) == times, fault
        assert len({each["request"] for each in hook.asked}) == 1
        assert hook.elsewhere == 0
        ours = [
            each.getMessage()
            for each in caplog.records
            if each.name.startswith("fedsafe")
        ]
        assert f"the hook for codes: {found.value}" in ours
        assert not any(WHO.removeprefix("+49") in each for each in ours)
    assert await solo.audit("b.demo", "rights.code_sent") == []
    hook.answer = None  # once it is well again, so is the form
    await sent(solo)


async def test_a_hook_that_is_busy_is_asked_again_under_the_same_nonce(
    solo: Fleet, hook: FakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phone_hook, "_PAUSE", 0)

    async def later(request: web.Request, asked: dict[str, Any]) -> web.Response:
        del request
        return outcome(asked, "busy" if len(hook.asked) < 3 else "accepted")

    hook.answer = later
    nonce = await sent(solo)
    assert len({each["request"] for each in hook.asked}) == 1
    await proofs_of(solo).prove(proof(nonce, hook.code()), PLACE)


async def test_what_the_gateway_refuses_is_told_as_a_range_that_gets_no_code(
    solo: Fleet, hook: FakeHook
) -> None:
    async def refuses(request: web.Request, asked: dict[str, Any]) -> web.Response:
        del request
        return outcome(asked, "refused")

    hook.answer = refuses
    with pytest.raises(BadRequestError) as refused:
        await sent(solo)
    assert refused.value.code == "not_phoned"
    assert len(hook.asked) == 1


async def test_a_hook_that_hangs_holds_up_eight_and_nothing_else(
    solo: Fleet, hook: FakeHook
) -> None:
    proofs = proofs_of(solo)
    assert proofs.hook is not None
    entered, free = asyncio.Semaphore(0), asyncio.Event()

    async def waits(request: web.Request, asked: dict[str, Any]) -> web.Response:
        del request
        entered.release()
        await free.wait()
        return outcome(asked, "accepted")

    hook.answer = waits
    waiting = [
        asyncio.create_task(sent(solo, phone))
        for phone in SPREAD[: phone_hook.UNDER_WAY]
    ]
    for _ in waiting:
        await entered.acquire()
    with pytest.raises(UnavailableError):
        await sent(solo, WHO)
    async with (
        ClientSession(solo["b.demo"].base.config.url) as session,
        session.get("/rights") as response,
    ):
        assert response.status == 200
    free.set()
    await asyncio.gather(*waiting)
    await sent(solo, WHO, "203.0.113.5")


# --- traces ---------------------------------------------------------------------------


async def test_no_number_and_no_code_is_kept_logged_or_counted(
    phoning: Fleet, hook: FakeHook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await phoning.publish(WHO, Kind.PHONE)
    nonce = await sent(phoning)
    await proofs_of(phoning).prove(proof(nonce, hook.code()), PLACE)
    with pytest.raises(ForbiddenError):
        await proofs_of(phoning).prove(proof(nonce, "1", phone=OTHER), PLACE)
    url = phoning["b.demo"].base.config.url
    texts = [each.getMessage() for each in caplog.records]
    async with ClientSession(url) as session, session.get("/v1/metrics") as response:
        texts.append(await response.text())
    texts += [
        f"{event.text}{event.record}"
        for name in NAMES
        for event in await phoning.audit(name, "rights.code_sent")
    ]
    words = [WHO.removeprefix("+"), WHO.removeprefix("+49"), hook.code(), SECRET]
    words.append(f"{hook.code()[:5]} {hook.code()[5:]}")

    assert repr(CodeRequest(phone=WHO)) == "CodeRequest(…)"
    for word in words:
        assert not any(word in text for text in texts)
        for name in NAMES:
            for path in phoning.place(name).directory.rglob("*"):
                if path.is_file() and path.name != "phone-hook":
                    assert word.encode() not in path.read_bytes()


async def test_before_the_proof_the_answer_is_the_same_for_listed_and_others(
    phoning: Fleet, hook: FakeHook
) -> None:
    await phoning.publish(WHO, Kind.PHONE)
    pages: list[str] = []
    url = phoning["b.demo"].base.config.url
    async with ClientSession(url, headers=EN) as session:
        for phone in (WHO, OTHER):
            text = await posted(session, "/rights/code", phone=phone, kind="access")
            pages.append(re.sub(r'name="nonce" value="[^"]*"', "", text))

    assert pages[0] == pages[1]
    assert [each["to"] for each in hook.asked] == [WHO, OTHER]
    assert await phoning.audit("b.demo", "rights.opened") == []


# --- settings, and the documented hook ------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('url = "http://sms.internal/code"\nsecret_file = "k"', "phone.url wants"),
        ('url = "http://127.0.0.1.evil.example/c"\nsecret_file = "k"', "phone.url"),
        ('url = "https://u:p@sms.internal/code"\nsecret_file = "k"', "phone.url"),
        ('url = "https://sms.internal:0/code"\nsecret_file = "k"', "phone.url"),
        ('url = "https://sms.internal/code"', "secret_file"),
        ('url = "https://s.internal/c"\nsecret_file = "k"\nsecret = "x"', "secret"),
        (
            'url = "https://s.internal/c"\nsecret_file = "k"\nmost_a_day = 10',
            "most_a_day",
        ),
        (
            'url = "https://s.internal/c"\nsecret_file = "k"\ncountries = []',
            "countries",
        ),
    ],
)
def test_settings_that_lead_astray_are_refused_by_name(
    fleet: Fleet, settings: str, told: str
) -> None:
    place = fleet.place("b.demo")
    text = f"{place.config.read_text()}\n[phone]\n{settings}\n"
    with pytest.raises(ConfigError) as refused:
        parse_config(place, text)
    assert told in str(refused.value)


async def test_a_secret_that_is_missing_or_short_closes_the_way_and_is_not_told(
    solo: Fleet, hook: FakeHook
) -> None:
    write_secret(solo.place("b.demo").directory, "short")
    with pytest.raises(UnavailableError) as refused:
        await sent(solo)
    assert (refused.value.code, hook.asked) == ("phone_unavailable", [])
    write_secret(solo.place("b.demo").directory)  # counts without a restart
    await sent(solo)


async def test_the_documented_hook_checks_signatures_and_delivers_each_once(
    tmp_path: Path,
) -> None:
    messages: list[dict[str, str]] = []
    answers = iter([503, 200, 422, 200])

    async def gateway(request: web.Request) -> web.Response:
        messages.append(await request.json())
        return web.Response(status=next(answers))

    app = web.Application()
    app.router.add_post("/sms", gateway)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (address,) = runner.addresses
    (tmp_path / "keys").mkdir()
    write_secret(tmp_path)
    try:
        with documented_hook(tmp_path, f"http://127.0.0.1:{address[1]}/sms") as found:
            url, said = found
            settings = Phone(url, "keys/phone-hook")
            own = Hook(settings, tmp_path, "b.demo", SystemClock())
            async with asyncio.timeout(20):
                while await own.ping() is Outcome.UNREACHABLE:
                    pass
            to = phone_hook.ShortMessage(WHO, "b.demo: 12345 67890")
            outcomes = [
                await own.ping(),
                await own.ping(b"another secret of thirty-two signs"),
                await own.send(to),  # busy first, then taken
                await own.send(to),
            ]
            asked = own._asked("send")  # noqa: SLF001 - sent once more by who recorded it
            asked.to, asked.text = WHO, to.text
            body = msgspec.json.encode(asked)
            headers = own._headers(asked.request, body, SECRET.encode())  # noqa: SLF001
            async with ClientSession() as session:
                for _ in range(2):
                    async with session.post(url, data=body, headers=headers) as again:
                        assert (await again.json())["outcome"] == "accepted"
    finally:
        await runner.cleanup()

    assert outcomes == [
        Outcome.ACCEPTED,
        Outcome.UNSIGNED,
        Outcome.ACCEPTED,
        Outcome.REFUSED,
    ]
    assert messages == [{"to": WHO, "text": "b.demo: 12345 67890"}] * 4
    assert WHO.encode() not in said.read_bytes()


async def test_age_and_language_choose_the_words(solo: Fleet, hook: FakeHook) -> None:
    await proofs_of(solo).send_code(CodeRequest(phone=WHO, age=Age.MINOR), PLACE)
    await sent(solo, OTHER)
    assert "Warst du das nicht?" in hook.asked[0]["text"]
    assert "Nichts beantragt?" in hook.asked[1]["text"]


async def test_over_tls_only_the_named_authority_is_trusted(
    tmp_path: Path, hook: FakeHook
) -> None:
    issue_papers(tmp_path)
    papers = Papers(tmp_path)
    (tmp_path / "keys").mkdir()
    write_secret(tmp_path)
    app = web.Application()
    app.router.add_post("/code", hook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=papers.server()).start()
    ((host, port),) = runner.addresses
    found: dict[str | None, Outcome | None] = {}
    for ca in (papers.ca.name, papers.other_ca.name, None, "keys/phone-hook"):
        settings = Phone(f"https://{host}:{port}/code", "keys/phone-hook", ca)
        asks = Hook(settings, tmp_path, "b.demo", hook.clock)
        try:
            found[ca] = await asks.ping()
        except ConfigError:
            found[ca] = None
    await runner.cleanup()

    assert found == {
        papers.ca.name: Outcome.ACCEPTED,
        papers.other_ca.name: Outcome.UNTRUSTED,
        None: Outcome.UNTRUSTED,
        "keys/phone-hook": None,
    }
    assert [each["act"] for each in hook.asked] == ["ping"]
