# SPDX-License-Identifier: Apache-2.0
"""The public form: proof by mail, equal answers, pages that everybody can use."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from tests.node.rights.conftest import MailBox
from tests.support.disputes import DORA, matching
from tests.support.fleet import NAMES, Fleet
from tests.support.rights_form import (
    EN,
    PLACE,
    Page,
    hidden,
    post_all,
    posted,
    proofs_of,
)
from tests.support.rights_requests import Spoken

from fedsafe_federation.exchange.handshake import RIGHTS_FORM_PHONE
from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.acts.notices import SignOffRequest, TextName
from fedsafe_node.acts.requests import (
    CloseRequest,
    CodeRequest,
    CollectRequest,
    Language,
    ProofRequest,
    RefusalGround,
    RequestKind,
)
from fedsafe_node.ground.config import Provider
from fedsafe_node.ground.errors import (
    BadRequestError,
    ForbiddenError,
    TooManyTriesError,
    UnavailableError,
    WrongStateError,
)
from fedsafe_node.ground.mail_settings import Mail, Tls
from fedsafe_node.rights.code_mail import Mailer
from fedsafe_node.rights.letters import code_letter
from fedsafe_node.rights.outcomes import BELOW
from fedsafe_node.rights.request_start import read_person
from fedsafe_node.rights.signed_texts import rights_texts

WHO = "Person@Mail.example"


async def proved(
    fleet: Fleet,
    nonce: str,
    code: str,
    *,
    email: str = WHO,
    kind: RequestKind = RequestKind.ACCESS,
) -> str:
    request = ProofRequest(
        kind=kind, email=email, nonce=nonce, code=code, language=Language.EN
    )
    return (await proofs_of(fleet).prove(request, PLACE)).request


async def sent(fleet: Fleet, email: str = WHO) -> str:
    request = CodeRequest(email=email, language=Language.EN)
    return (await proofs_of(fleet).send_code(request, PLACE)).nonce


# --- proof ----------------------------------------------------------------------------


async def test_who_reads_the_mail_makes_a_request(mailing: Fleet, box: MailBox) -> None:
    signal = await mailing.publish(WHO)
    nonce = await sent(mailing)
    code = box.code()
    name = await proved(mailing, nonce, f"{code[:5]} {code[5:]}")
    shown = await mailing["b.demo"].services.requests.show(name, DORA)

    assert box.envelopes[-1].rcpt_tos == [WHO.lower()]
    assert box.last()["From"] == "safety@b.demo"
    assert (shown.way.value, shown.control) == ("form", "mailed_code")
    assert shown.signals is not None
    assert [found.signal for found in shown.signals] == [signal]


async def test_a_code_opens_one_request_within_its_time(
    mailing: Fleet, box: MailBox
) -> None:
    nonce = await sent(mailing)
    await proved(mailing, nonce, box.code())
    with pytest.raises(WrongStateError) as refused:
        await proved(mailing, nonce, box.code())
    assert refused.value.code == "proof_used"

    nonce = await sent(mailing)
    mailing.clock.advance(timedelta(minutes=30))
    with pytest.raises(ForbiddenError):
        await proved(mailing, nonce, box.code())


async def test_a_code_is_for_one_address_and_one_nonce(
    mailing: Fleet, box: MailBox
) -> None:
    first = await sent(mailing)
    code = box.code()
    second = await sent(mailing, "other@mail.example")

    for nonce, given, email in (
        (second, code, WHO),
        (first, code, "other@mail.example"),
        (first, "0000000000", WHO),
        (first, "1", WHO),
    ):
        with pytest.raises(ForbiddenError):
            await proved(mailing, nonce, given, email=email)


@pytest.mark.promise("TM-13")
async def test_the_answer_before_the_proof_is_the_same_for_everybody(
    mailing: Fleet, box: MailBox
) -> None:
    await mailing.publish(WHO)
    pages: list[str] = []
    url = mailing["b.demo"].base.config.url
    async with ClientSession(url, headers=EN) as session:
        for email in (WHO, "nobody@mail.example"):
            text = await posted(session, "/rights/code", email=email, kind="access")
            pages.append(re.sub(r'name="nonce" value="[^"]*"', "", text))

    assert pages[0] == pages[1]
    assert len(box.envelopes) == 2
    assert await mailing.audit("b.demo", "rights.opened") == []
    for event in await mailing.audit("b.demo", "rights.code_sent"):
        assert "mail.example" not in event.text


@pytest.mark.parametrize(
    ("language", "told"), [("en", "sends no codes"), ("de", "verschickt keine Codes")]
)
async def test_a_form_that_cannot_mail_says_so_before_anything_is_typed(
    trio: Fleet, language: str, told: str
) -> None:
    config = trio["b.demo"].base.config
    async with ClientSession(config.url) as session:
        where = f"/rights?lang={language}"
        async with session.get(where) as response:
            first = await response.text()
        fields = {"email": WHO, "kind": "access", "lang": language}
        async with session.post("/rights/code", data=fields) as response:
            second, status = await response.text(), response.status
        body = {"email": WHO}
        async with session.post("/v1/rights/code", json=body) as response:
            problem = await response.json()

    assert status == 503
    for page in (first, second):
        assert told in page
        assert config.contact in page
        assert "<form" not in page
        assert "/rights/answer" in page  # what was made before is still collected
    assert (problem["code"], config.contact in problem["detail"]) == ("no_mail", True)


@pytest.mark.parametrize("age", ["adult", "minor"])
async def test_a_closed_form_names_every_way_that_works(trio: Fleet, age: str) -> None:
    situation = trio["b.demo"].base.situation
    house = Provider(legal_name="Chat GmbH", address="Weg 1 <Hof>, 10115 Berlin")
    situation.config = replace(
        situation.config, provider=house, dpo_contact="dpo@b.demo", mail=None
    )
    forms = {"a.demo": RIGHTS_FORM_PHONE, "c.demo": "another feature"}
    situation.features = Spoken({name: frozenset({forms[name]}) for name in forms})
    url = {name: trio[name].base.config.url for name in NAMES}
    async with ClientSession(url["b.demo"]) as session:
        async with session.get(f"/rights?lang=en&age={age}") as response:
            closed = await response.text()
        situation.config = replace(
            situation.config, mail=Mail("mail.demo", sender="safety@b.demo")
        )
        async with session.get(f"/rights?lang=de&age={age}") as response:
            mails = await response.text()

    minor = "&amp;age=minor" if age == "minor" else ""
    for page in (closed, mails):
        Page(page).check()
        assert situation.config.contact in page
        assert f"{url['a.demo']}/rights?lang=" in page
        assert url["c.demo"] not in page
    assert "By post: Chat GmbH, Weg 1 &lt;Hof&gt;, 10115 Berlin." in closed
    assert "dpo@b.demo" in closed
    assert f'{url["a.demo"]}/rights?lang=en{minor}"' in closed
    assert "about a phone number" in closed.lower() or minor
    assert "elefonnummer" in mails
    assert "<form" in mails
    assert "<form" not in closed


@pytest.mark.promise("LR-34")
async def test_who_says_to_be_under_18_reads_and_contests_as_one(
    mailing: Fleet, box: MailBox
) -> None:
    await mailing.publish(WHO)
    url, young = mailing["b.demo"].base.config.url, {"lang": "de", "age": "minor"}
    fields = {"email": WHO, "kind": "dispute", **young}
    async with ClientSession(url) as session:
        async with session.get("/rights?lang=de") as response:
            first = await response.text()
        async with session.get("/rights?lang=de&age=minor") as response:
            plain = await response.text()
        async with session.post("/rights/code", data=fields) as response:
            asked = await response.text()
        (nonce,) = re.findall(r'name="nonce" value="([^"]*)"', asked)
        letter, proof = box.text(), {"nonce": nonce, "code": box.code()}
        async with session.post("/rights/proof", data=fields | proof) as response:
            opened = await response.text()
    name, code = re.findall(r"<code>([^<]+)</code>", opened)
    requests = mailing["b.demo"].services.requests
    disputes = (await requests.show(name, DORA)).disputes
    assert disputes is not None
    (dispute,) = disputes
    kept = await mailing["b.demo"].base.store.read(
        lambda reader: reader.dispute(bytes.fromhex(dispute))
    )
    await requests.answer(name, DORA)
    told = await requests.collect(CollectRequest(request=name, code=code), "")

    assert "age=minor" in first
    assert "Was möchtest du?" in plain
    assert "Gib die Adresse und den Code hier ein" in asked
    assert 'name="age" value="minor"' in asked
    assert "Wir haben deine Bitte bekommen" in opened
    assert "Warst du das?" in letter
    assert "110" in letter
    assert kept is not None
    assert kept.contention == "minor"
    assert told.text is not None
    plain, _, whole = told.text.partition(BELOW.said(Language.DE))
    assert "Es ist kein Urteil über dich." in plain
    assert "Art. 15" in whole


async def test_guesses_and_mails_are_slowed(mailing: Fleet, box: MailBox) -> None:
    nonce = await sent(mailing)
    refusals: list[type[Exception]] = []
    for _ in range(7):
        with pytest.raises((ForbiddenError, TooManyTriesError)) as refused:
            await proved(mailing, nonce, "0123456789")
        refusals.append(refused.type)
    assert refusals[:5] == [ForbiddenError] * 5
    assert refusals[-1] is TooManyTriesError
    with pytest.raises(TooManyTriesError):  # the right one as well, for a moment
        await proved(mailing, nonce, box.code())

    await sent(mailing, "b@mail.example")
    for _ in range(2):
        await sent(mailing)
    with pytest.raises(TooManyTriesError):
        await sent(mailing)
    assert len(box.envelopes) == 4


@pytest.mark.parametrize("zero", ["\u0660", "\uff10", "\U0001d7ce"])
async def test_a_codes_digits_are_ascii(
    mailing: Fleet, box: MailBox, zero: str
) -> None:
    nonce = await sent(mailing)
    code = box.code()
    others = "".join(chr(ord(zero) + int(digit)) for digit in code)
    spellings = [others, others[0] + code[1:], code + others[0]]
    for spelled in spellings:
        with pytest.raises(ForbiddenError):
            await proved(mailing, nonce, spelled)

    await proved(mailing, nonce, f" {code[:4]}-{code[4:]} ")


async def test_strangers_keep_nobody_out_who_has_the_code(
    mailing: Fleet, box: MailBox
) -> None:
    proofs = proofs_of(mailing)
    for number in range(10):  # mails from as many places as they like
        request = CodeRequest(email=WHO)
        await proofs.send_code(request, f"198.51.100.{number}")
    nonce = await sent(mailing)
    code = box.code()
    for number in range(250):  # guesses, from anywhere and from the person's own place
        guess = ProofRequest(
            kind=RequestKind.ACCESS, email=WHO, nonce=f"{number:022d}", code="1"
        )
        with pytest.raises((ForbiddenError, TooManyTriesError)):
            await proofs.prove(guess, f"203.0.113.{number}" if number % 2 else PLACE)

    await proved(mailing, nonce, code)


async def test_a_nonce_is_the_nodes_own_and_ends_with_its_code(
    mailing: Fleet,
) -> None:
    proofs = proofs_of(mailing)
    nonce = await sent(mailing)
    person = read_person(Question(kind=Kind.EMAIL, value=WHO), pointer="")
    foreign = "A" * 22
    code = proofs._code(person, foreign, proofs._step())  # noqa: SLF001
    with pytest.raises(ForbiddenError):
        await proved(mailing, foreign, code)
    mailing.clock.advance(timedelta(minutes=30))
    later = proofs._code(person, nonce, proofs._step())  # noqa: SLF001
    with pytest.raises(ForbiddenError):
        await proved(mailing, nonce, later)


async def test_all_mails_have_a_bound_an_hour_and_it_alarms(
    fleet: Fleet, box: MailBox
) -> None:
    path = fleet.place("b.demo").config
    path.write_text(path.read_text() + box.settings + "most_an_hour = 2\n")
    await fleet.start(*NAMES)
    for number in range(2):
        await sent(fleet, f"x{number}@mail.example")
    for number in range(3):
        with pytest.raises(UnavailableError):
            await sent(fleet, f"y{number}@mail.example")

    assert len(box.envelopes) == 2
    outcomes = [
        event.record.outcome
        for event in await fleet.audit("b.demo", "rights.code_sent")
    ]
    assert outcomes == ["ok", "ok", "alarm"]
    fleet.clock.advance(timedelta(minutes=70))
    await sent(fleet, "z@mail.example")


async def test_no_address_is_kept_or_logged(mailing: Fleet, box: MailBox) -> None:
    nonce = await sent(mailing)
    await proved(mailing, nonce, box.code())
    for name in NAMES:
        for path in mailing.place(name).directory.rglob("*"):
            if path.is_file():
                data = path.read_bytes().lower()
                assert WHO.lower().encode() not in data
                assert box.code().encode() not in data


async def test_a_mail_server_that_refuses_tells_nobody_the_address(
    mailing: Fleet, box: MailBox
) -> None:
    box.refuses = True
    with pytest.raises(UnavailableError) as refused:
        await sent(mailing)

    assert refused.value.code == "mail_unavailable"
    assert refused.value.__cause__ is None
    assert "mail.example" not in str(refused.value)


async def test_no_letter_goes_unprotected_where_protection_is_asked_for(
    mailing: Fleet, box: MailBox
) -> None:
    node = mailing["b.demo"]
    for tls in (Tls.STARTTLS, Tls.TLS):
        mail = Mail(host="127.0.0.1", port=box.port, sender="a@b.demo", tls=tls)
        mailer = Mailer(mail, node.base.place.directory, node.base.clock)
        letter = code_letter(WHO, "0123456789", Language.DE, "b.demo")
        assert WHO not in repr(letter)
        with pytest.raises(UnavailableError):
            await mailer.send(letter)

    assert box.envelopes == []


@pytest.mark.parametrize(
    "email",
    [
        "nobody",
        "a@b.example, c@d.example",
        "x@mail.example\r\nBcc: e@f.example",
        "=?utf-8?q?person?=@mail.example",
        "=?utf-8?q?a=40evil.example=2C?=@mail.example",
        "=?utf-8?q??=@mail.example",
        "\uff1d?x?q?person?=@mail.example",
        '"a,b@c.example"@mail.example',
    ],
)
async def test_what_is_no_address_is_sent_nothing(
    mailing: Fleet, box: MailBox, email: str
) -> None:
    with pytest.raises(BadRequestError) as refused:
        await sent(mailing, email)

    assert refused.value.pointer == "/email"
    assert box.envelopes == []


async def test_a_node_without_mail_says_where_to_write(trio: Fleet) -> None:
    url = trio["a.demo"].base.config.url
    async with ClientSession(url, headers=EN) as session:
        async with session.get("/rights") as response:
            page = await response.text()
        asked = {"email": WHO}
        async with session.post("/v1/rights/code", json=asked) as response:
            assert response.status == 503

    assert "safety@a.demo" in page
    assert "<form" not in page


# --- pages ----------------------------------------------------------------------------


async def sign(fleet: Fleet, *names: TextName) -> None:
    until = fleet.clock.now().date() + timedelta(days=30)
    for name in names:
        digest = fleet["b.demo"].notices.texts[name].digest
        request = SignOffRequest(digest=digest, valid_until=until)
        await fleet["b.demo"].services.notices.sign_off(name, request, DORA)


async def test_until_it_is_signed_off_a_text_is_a_draft_and_the_right_is_not(
    mailing: Fleet, box: MailBox
) -> None:
    await mailing.publish(WHO)
    url = mailing["b.demo"].base.config.url
    mark = "Draft: nobody here has reviewed and signed off this text yet."
    async with ClientSession(url, headers=EN) as session:

        async def walk() -> list[str]:
            async with session.get("/rights") as response:
                form = await response.text()
            asked = await posted(
                session, "/rights/code", lang="en", kind="access", email=WHO
            )
            letter = box.text()
            fields: dict[str, Any] = {
                each: hidden(asked, each) for each in ("lang", "kind", "nonce")
            }
            fields |= {"email": WHO, "code": box.code()}
            opened = await posted(session, "/rights/proof", **fields)
            name, code = re.findall(r"<code>([^<]+)</code>", opened)
            requests = mailing["b.demo"].services.requests
            await requests.answer(name, DORA)
            closing = CloseRequest(outcome="answered", reason="letter-3")
            await requests.close(name, closing, DORA)
            answer = await posted(
                session, "/rights/answer", lang="en", request=name, collect=code
            )
            return [form, letter, opened, answer]

        drafts = await walk()
        await sign(mailing, *rights_texts())
        mailing.clock.advance(timedelta(minutes=20))
        signed = await walk()

    assert [mark in " ".join(page.split()) for page in drafts] == [True] * 4
    assert drafts[-1].count("Draft:") == 3  # the page, the answer, and how it ended
    assert [mark in " ".join(page.split()) for page in signed] == [False] * 4
    assert "Answer to your request" in signed[-1]


async def test_a_person_walks_through_all_pages(mailing: Fleet, box: MailBox) -> None:
    await mailing.publish(WHO)
    url = mailing["b.demo"].base.config.url
    async with ClientSession(url, headers=EN) as session:
        async with session.get("/rights") as response:
            first = await response.text()
        Page(first).check()
        assert "Your rights at b.demo" in first
        asked = await posted(
            session, "/rights/code", lang="en", kind="dispute", email=WHO
        )
        assert WHO not in asked
        opened = await posted(
            session,
            "/rights/proof",
            lang=hidden(asked, "lang"),
            kind=hidden(asked, "kind"),
            nonce=hidden(asked, "nonce"),
            email=WHO,
            code=box.code(),
        )
        name, code = re.findall(r"<code>([^<]+)</code>", opened)
        waits = await posted(
            session, "/rights/answer", lang="en", request=name, collect=code
        )
        assert "You will have it by 2026-12-24" in waits
        assert "has 10 working days to decide" in opened
        assert "make a new request" in opened
        assert "contested and rests: until the decision, nobody gets a match" in waits
        assert "has until 2026-12-08" in waits
        await mailing.level("b.demo", ("a.demo", "c.demo"))
        assert await matching(mailing, WHO) == []
        await mailing["b.demo"].services.requests.answer(name, DORA)
        answer = await posted(
            session, "/rights/answer", lang="en", request=name, collect=code
        )
        assert "Answer to your request" in answer
        again = await posted(
            *(session, "/rights/answer"), lang="en", request=name, collect=code
        )
        assert "has already been collected" in again
        assert "contested and rests: until the decision, nobody gets a match" in again
        assert "Make a new request here" in again
        assert "Answer to your request" not in again
        closing = CloseRequest(
            outcome="refused", reason="letter-3", ground=RefusalGround.NOT_OURS
        )
        await mailing["b.demo"].services.requests.close(name, closing, DORA)
        closed = await posted(
            *(session, "/rights/answer"), lang="en", request=name, collect=code
        )
        assert "was refused on 2026-11-24" in closed
        assert "We ourselves cannot" in closed
        assert "You will have it by" not in closed
        shouted = await posted(
            *(session, "/rights/answer"),
            lang="en",
            request=name.upper(),
            collect=code,
        )
        assert "was refused on 2026-11-24" in shouted
        for path in ("/rights/code", "/rights/proof"):  # as after a reload
            async with session.get(path) as response:
                assert response.status == 200
                page = await response.text()
            Page(page).check()
            assert 'action="/rights/code"' in page
        lost = {"lang": "en", "request": "0" * 32, "collect": "A" * 22}
        async with session.post("/rights/answer", data=lost) as response:
            assert response.status == 404
            page = await response.text()
        Page(page).check()
        assert "If you no longer have them, make a new request" in page
        assert 'href="/rights?lang=en"' in page


async def test_the_language_is_the_readers_or_the_chosen_one(mailing: Fleet) -> None:
    url = mailing["b.demo"].base.config.url
    for accepts, query, wanted in (
        ("en", "", "en"),
        ("de-AT,en;q=0.5", "", "de"),
        ("fr", "", "de"),
        ("en", "?lang=de", "de"),
    ):
        headers = {"Accept-Language": accepts}
        async with ClientSession(url, headers=headers) as session:
            for path in ("/rights", "/rights/answer"):
                async with session.get(path + query) as response:
                    page = Page(await response.text())
                page.check()
                assert page.all("html")[0]["lang"] == wanted


@pytest.mark.parametrize(
    ("path", "fields", "status", "says"),
    [
        ("/rights/code", {"email": "nobody"}, 422, "not an e-mail address"),
        ("/rights/code", {}, 422, "not filled in completely"),
        ("/rights/proof", {"email": WHO}, 422, "not filled in completely"),
        (
            "/rights/proof",
            {"email": WHO, "nonce": "A" * 22, "code": "0123456789"},
            403,
            "no longer valid",
        ),
        ("/rights/answer", {"request": "x", "collect": "y"}, 404, "no answer"),
    ],
)
async def test_what_is_wrong_stands_first_and_leads_to_its_field(
    mailing: Fleet, path: str, fields: dict[str, str], status: int, says: str
) -> None:
    url = mailing["b.demo"].base.config.url
    async with ClientSession(url, headers=EN) as session:
        text = await post_all(session, path, fields | {"lang": "en"}, status=status)

    assert says in text
    page = Page(text)
    assert any(found.get("role") == "alert" for found in page.all("div"))
    for field in page.all("input"):
        if "aria-invalid" in field:
            assert f"{field['id']}-error" in str(field["aria-describedby"]).split()
    assert WHO not in text


async def test_what_was_entered_cannot_become_part_of_a_page(mailing: Fleet) -> None:
    url = mailing["b.demo"].base.config.url
    evil = '"><script>alert(1)</script>'
    async with ClientSession(url, headers=EN) as session:
        text = await posted(
            *(session, "/rights/proof"),
            status=422,
            email=evil,
            nonce=evil,
            code=evil,
            kind=evil,
        )

    assert "<script" not in text


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("application/x-www-form-urlencoded; charset=UTF-8", 200),
        ("Application/X-WWW-Form-Urlencoded", 200),
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
async def test_a_form_is_taken_as_browsers_send_it(
    mailing: Fleet, media: str, status: int
) -> None:
    url = mailing["b.demo"].base.config.url
    body = urlencode({"email": WHO, "kind": "access"})
    async with (
        ClientSession(url, headers={"Content-Type": media}) as session,
        session.post("/rights/code", data=body) as response,
    ):
        assert response.status == status


async def test_what_the_border_refuses_is_a_page_as_well(
    mailing: Fleet, box: MailBox
) -> None:
    url = mailing["b.demo"].base.config.url
    async with ClientSession(url, headers=EN) as session:
        async with session.post("/rights/code", json={"email": WHO}) as response:
            assert (response.status, response.content_type) == (415, "text/html")
            text = await response.text()
        Page(text).check()
        assert "not filled in completely" in text
        box.refuses = True
        for status in (503, 503, 503, 429):
            await posted(session, "/rights/code", status=status, email=WHO)
