# SPDX-License-Identifier: Apache-2.0
"""Requests of persons on real nodes: who opens them, what is told, by when."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.disputes import DORA, FALLS, LEA, RUTH, STANDS, matching, rule
from tests.support.fleet import NAMES, Fleet
from tests.support.rights_requests import (
    PLACE,
    SHOP,
    WHO,
    Spoken,
    asked,
    collected,
    requests_of,
)
from tests.support.vouched_requests import decide

from fedsafe_federation.exchange.handshake import RIGHTS_FORM, RIGHTS_FORM_PHONE
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import Kind, Question, RevokeRequest
from fedsafe_node.acts.provider_events import FollowQuery
from fedsafe_node.acts.requests import (
    CloseRequest,
    CollectRequest,
    IdentityCheck,
    Language,
    NewRightsRequest,
    RefusalGround,
    RequestKind,
    RequestOutcome,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    ForbiddenError,
    NotFoundError,
    OverBudgetError,
    TooManyTriesError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights import requests as requests_module
from fedsafe_node.rights import retries
from fedsafe_node.rights import upkeep as tending
from fedsafe_node.rights.listing_search import Evaluated
from fedsafe_node.rights.outcomes import BELOW
from fedsafe_node.rights.pages import Site, answer_page
from fedsafe_node.rights.review_report import KINDS
from fedsafe_node.rights.upkeep import Tended, tend_requests
from fedsafe_node.rules.appeal_ways import Ways
from fedsafe_node.signals.expiry import expire_signals
from fedsafe_node.store.peering_rows import RepeatRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.help.offers import Age
from fedsafe_policies.vocabulary import IdentifierKind, Provenance, Purpose, Role, Scope

FOLDED = "person@mail.example"


@pytest.mark.promise("LR-17")
async def test_a_person_is_told_who_lists_them_and_who_has_received_it(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    await trio["b.demo"].services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    for name, others in (("a.demo", {"b.demo", "c.demo"}), ("b.demo", set())):
        requests = requests_of(trio, name)
        opened = await requests.open(asked(), SHOP)
        assert (opened.state, opened.signals, opened.way.value) == (
            "open",
            None,
            "provider",
        )
        answered = await requests.answer(opened.request, DORA)
        assert answered.signals is not None
        assert {found.origin for found in answered.signals} >= {"a.demo"}
        assert opened.collect is not None
        asked_for = CollectRequest(request=opened.request, code=opened.collect)
        text = (await requests.collect(asked_for, PLACE)).text
        assert text is not None
        assert signal in text
        assert all(f"recipient: {other}" in text for other in others)
        forms = [trio[other].base.config.url for other in sorted(others)]
        assert not any(f"{url}/rights" in text for url in forms)  # they take nothing
        assert ("if you ask it for access" in text) is bool(others)
        assert not any(name in text for name in ("anna", "rita", "dora"))
        assert ("a.demo will tell you" in text) is (name == "b.demo")
        assert ("only this provider uses the signal" in text) is (name == "b.demo")


async def test_only_forms_that_take_such_an_identifier_are_named(trio: Fleet) -> None:
    await trio.publish(WHO)
    requests, situation = requests_of(trio, "a.demo"), trio["a.demo"].base.situation
    forms = {"b.demo": RIGHTS_FORM, "c.demo": RIGHTS_FORM_PHONE}
    situation.features = Spoken({name: frozenset({forms[name]}) for name in forms})
    opened = await requests.open(asked(), SHOP)
    text = (await requests.answer(opened.request, DORA)).answer

    form = f"{trio['b.demo'].base.config.url}/rights"
    assert text is not None
    assert f"if you ask it for access: b.demo ({form}), c.demo\n" in text


async def test_a_person_is_told_how_often_a_recipient_has_got_it(trio: Fleet) -> None:
    await trio.publish(WHO)
    noon = int(trio.clock.now().timestamp())
    later = [noon + day * 86_400 for day in (1, 2)]
    again = [RepeatRow(0, 0, 2, *later)]
    store = trio["a.demo"].base.store
    had = await store.read(lambda r: r.handed_to("b.demo", 0, 0, 1, after=0))
    line = had[0].number
    await store.write(lambda tx: tx.add_repeats(line, again, at=later[1]))
    requests, told = requests_of(trio, "a.demo"), dict[Language, str]()
    for language in Language:
        opened = await requests.open(asked(language=language), SHOP)
        told[language] = (await requests.answer(opened.request, DORA)).answer or ""

    assert (
        "Empfänger: b.demo, zuerst am 24.11.2026, zuletzt am 26.11.2026, "
        "insgesamt 3-mal (jedes Mal dieselben Angaben)"
    ) in told[Language.DE]
    assert "Empfänger: c.demo, einmal am 24.11.2026" in told[Language.DE]
    assert "recipient: b.demo, first on " in told[Language.EN]
    assert "3 times in all (each time the same data)" in told[Language.EN]
    assert "recipient: c.demo, once on " in told[Language.EN]


async def test_an_answer_says_in_words_what_the_law_wants_to_be_said(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    requests = requests_of(trio, "a.demo")
    opened = await requests.open(asked(language=Language.DE), SHOP)
    answer = (await requests.answer(opened.request, DORA)).answer

    assert answer is not None
    for told in (
        *(
            "Wozu wir das speichern: ",
            "Art. 6 Abs. 1 Buchst. f DSGVO",
            "Stand: 24.11.2026",
            "E-Mail-Adresse",
        ),
        *("Cybergrooming", "öffentliche Inhalte", "bestätigt", "unsere Regel"),
        *("einmal am 24.11.2026", "Zweck: Prüfung", "Herkunft: eigene Feststellung"),
    ):
        assert told in answer, answer
    for code in ("public_content", "confirmed_", "email", "2026-"):
        assert code not in answer, answer
    assert "ruht" not in answer


@pytest.mark.parametrize(
    ("language", "told"),
    [(Language.DE, "ruht: Bis zur Entscheidung"), (Language.EN, "and rests: nobody")],
)
async def test_an_answer_says_that_a_signal_rests(
    trio: Fleet, language: Language, told: str
) -> None:
    await trio.publish(WHO)
    requests = requests_of(trio)
    await requests.open(asked(RequestKind.OBJECTION), SHOP)
    opened = await requests.open(asked(language=language), SHOP)
    answer = (await requests.answer(opened.request, DORA)).answer

    assert answer is not None
    assert told in answer
    assert "has ended" not in answer


@pytest.mark.parametrize(
    ("provenance", "told"),
    [
        (Provenance.RELAYED, "information that others gave"),
        (Provenance.IMPORTED_LIST, "from a list by"),
    ],
)
async def test_an_answer_says_where_a_finding_comes_from(
    alone: Fleet, provenance: Provenance, told: str
) -> None:
    ban = request_for(WHO, provenance=provenance)
    await alone["a.demo"].services.signals.add(ban, ANNA)
    requests = requests_of(alone, "a.demo")
    opened = await requests.open(asked(), SHOP)
    answer = (await requests.answer(opened.request, DORA)).answer

    assert answer is not None
    assert told in answer


def test_every_kind_of_identifier_has_a_word() -> None:
    assert set(KINDS) == {kind.name.lower() for kind in IdentifierKind}


async def test_nothing_found_is_answered_at_once_in_their_language(
    trio: Fleet,
) -> None:
    requests = requests_of(trio)
    opened = await requests.open(asked(language=Language.DE), SHOP)

    assert opened.state == "open"  # who opens it learns nothing from this
    assert (await requests.show(opened.request, DORA)).state == "answered"
    with pytest.raises(WrongStateError, match="the person collects the answer"):
        await requests.answer(opened.request, DORA)
    text = await collected(trio, opened)
    assert text is not None
    assert "kein Signal gespeichert" in text
    assert opened.collect is not None
    again = CollectRequest(request=opened.request, code=opened.collect)
    found = await requests.collect(again, PLACE)
    assert (found.text, found.collected) == (None, True)  # it is handed out once
    assert len(await trio.audit("b.demo", "rights.collected")) == 1


@pytest.mark.parametrize("ground", RefusalGround)
@pytest.mark.parametrize(
    ("language", "told"),
    [
        (Language.DE, ("am 24.11.2026 abgelehnt", "Grund: ", "Aufsichtsbehörde")),
        (Language.EN, ("refused on 2026-11-24", "Reason: ", "supervisory authority")),
    ],
)
async def test_a_refusal_is_told_with_its_ground_and_the_remedies(
    alone: Fleet, language: Language, told: tuple[str, ...], ground: RefusalGround
) -> None:
    requests = requests_of(alone, "a.demo")
    await alone["a.demo"].services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    opened = await requests.open(asked(RequestKind.ERASURE, language=language), SHOP)
    assert opened.collect is not None
    code = CollectRequest(request=opened.request, code=opened.collect)
    assert (await requests.collect(code, PLACE)).note is None
    (contested,) = (await requests.show(opened.request, DORA)).disputes or []
    await alone["a.demo"].services.disputes.rule(contested, STANDS, RUTH)
    closing = CloseRequest(outcome="refused", reason="letter-3", ground=ground)
    await requests.close(opened.request, closing, LEA)

    for _ in range(2):  # it is no secret, so it can be read again
        found = await requests.collect(code, PLACE)
        assert (found.state, found.text, found.collected) == ("closed", None, False)
        assert found.note is not None
        assert all(word in found.note for word in (*told, "letter-3"))


@pytest.mark.parametrize("outcome", ["granted", "withdrawn", "answered"])
async def test_every_end_is_told_beside_an_answer_that_waits(
    alone: Fleet, outcome: RequestOutcome
) -> None:
    requests = requests_of(alone, "a.demo")
    opened = await requests.open(asked(), SHOP)
    closing = CloseRequest(outcome=outcome, reason="letter-3")
    await requests.close(opened.request, closing, LEA)

    assert opened.collect is not None
    code = CollectRequest(request=opened.request, code=opened.collect)
    found = await requests.collect(code, PLACE)
    assert found.text is not None
    assert found.note is not None
    assert "letter-3" in found.note


@pytest.mark.parametrize(
    "closing",
    [
        CloseRequest(outcome="refused", reason="letter-3"),
        CloseRequest(
            outcome="granted", reason="letter-3", ground=RefusalGround.FOUNDED
        ),
    ],
)
async def test_a_refusal_has_a_ground_and_nothing_else_has(
    alone: Fleet, closing: CloseRequest
) -> None:
    requests = requests_of(alone, "a.demo")
    opened = await requests.open(asked(), SHOP)

    with pytest.raises(BadRequestError) as refused:
        await requests.close(opened.request, closing, LEA)
    assert (refused.value.code, refused.value.pointer) == (
        "not_for_outcome",
        "/ground",
    )


async def test_an_answer_is_for_who_has_its_code(trio: Fleet) -> None:
    opened = await requests_of(trio).open(asked(), SHOP)
    other = await requests_of(trio).open(asked(), SHOP)
    assert opened.collect is not None

    for name, code in ((other.request, opened.collect), ("0" * 32, opened.collect)):
        wrong = CollectRequest(request=name, code=code)
        with pytest.raises(NotFoundError):
            await requests_of(trio).collect(wrong, PLACE)


async def test_wrong_codes_keep_nobody_from_their_answer(alone: Fleet) -> None:
    requests = requests_of(alone, "a.demo")
    opened = await requests.open(asked(), SHOP)
    assert opened.collect is not None
    seen: list[type[Exception]] = []
    wrong = CollectRequest(request="0" * 32, code="A" * 22)
    for _ in range(23):  # from the person's own place, as behind a proxy
        with pytest.raises((NotFoundError, TooManyTriesError)) as refused:
            await requests.collect(wrong, PLACE)
        seen.append(refused.type)

    assert seen[-1] is TooManyTriesError
    right = CollectRequest(request=opened.request, code=opened.collect)
    assert (await requests.collect(right, PLACE)).text is not None


async def test_the_identifier_is_kept_nowhere(trio: Fleet) -> None:
    await trio.publish(FOLDED)
    opened = await requests_of(trio).open(asked(), LEA)
    await requests_of(trio).answer(opened.request, LEA)

    for name in NAMES:
        directory = trio.place(name).directory
        for path in directory.rglob("*"):
            if path.is_file():
                assert FOLDED.encode() not in path.read_bytes().lower()
    for event in await trio.audit("b.demo"):
        assert FOLDED not in event.text.lower()


@pytest.mark.promise("LR-22")
@pytest.mark.parametrize(
    "kind",
    [RequestKind.DISPUTE, RequestKind.OBJECTION, RequestKind.ERASURE],
)
async def test_what_a_person_contests_rests_everywhere(
    trio: Fleet, kind: RequestKind
) -> None:
    await trio.publish(WHO)
    opened = await requests_of(trio).open(asked(kind), SHOP)
    await trio.level("b.demo", ("a.demo", "c.demo"))

    assert await matching(trio, WHO) == []
    (found,) = (await trio["a.demo"].services.disputes.list(RUTH)).disputes
    assert (found.author, found.control.value) == ("b.demo", "account_login")
    shown = await requests_of(trio).show(opened.request, DORA)
    assert shown.disputes == [found.dispute]


async def test_who_enters_a_persons_request_may_rule_and_refuses_after_it(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    node, requests = trio["a.demo"], requests_of(trio, "a.demo")
    opened = await requests.open(asked(RequestKind.OBJECTION), LEA)
    assert opened.disputes is not None
    (dispute,) = opened.disputes
    closing = CloseRequest(
        outcome="refused", reason="letter-3", ground=RefusalGround.FOUNDED
    )
    with pytest.raises(WrongStateError) as refused:
        await requests.close(opened.request, closing, LEA)
    assert refused.value.code == "not_ruled"  # or the clock would revoke the signal
    assert (await requests.show(opened.request, LEA)).state == "open"

    ruled = await node.services.disputes.rule(dispute, STANDS, LEA)
    closed = await requests.close(opened.request, closing, LEA)

    assert (ruled.state, closed.outcome) == ("restored", "refused")


@pytest.mark.parametrize("kind", [RequestKind.ERASURE, RequestKind.RECTIFICATION])
@pytest.mark.parametrize("scope", [Scope.SELF, Scope.FEDERATION])
async def test_nothing_is_granted_by_a_word_alone(
    trio: Fleet, kind: RequestKind, scope: Scope
) -> None:
    node, requests = trio["a.demo"], requests_of(trio, "a.demo")
    if scope is Scope.SELF:
        own = await node.services.signals.add(request_for(WHO, scope=scope), ANNA)
        signal = own.signal
    else:
        signal = await trio.publish(WHO)
    opened = await requests.open(asked(kind), LEA)
    closing = CloseRequest(outcome="granted", reason="letter-3")
    with pytest.raises(WrongStateError) as refused:
        await requests.close(opened.request, closing, LEA)
    assert refused.value.code == "still_listed"

    revoking = RevokeRequest(reason=Reason.MISTAKE)
    await node.services.signals.revoke(signal, revoking, RITA)

    assert (await requests.close(opened.request, closing, LEA)).outcome == "granted"


@pytest.mark.parametrize("outcome", ["granted", "answered"])
async def test_who_had_a_signal_is_named_when_a_ruling_has_ended_it(
    trio: Fleet, outcome: RequestOutcome
) -> None:
    await trio.publish(WHO, at="b.demo", by=("a.demo", "c.demo"))
    requests = requests_of(trio)
    opened = {
        language: await requests.open(asked(RequestKind.DISPUTE, WHO, language), SHOP)
        for language in Language
    }
    access = await requests.open(asked(), SHOP)
    (found,) = (await trio["b.demo"].services.disputes.list(RUTH)).disputes
    await rule(trio, found, FALLS)
    notes = dict[Language | None, str]()
    closing = CloseRequest(outcome=outcome, reason="letter-3")
    for language, each in (*opened.items(), (None, access)):
        if outcome == "answered":
            await requests.answer(each.request, DORA)
        await requests.close(each.request, closing, DORA)
        assert each.collect is not None
        asked_for = CollectRequest(request=each.request, code=each.collect)
        notes[language] = (await requests.collect(asked_for, PLACE)).note or ""

    for name in ("a.demo", "c.demo"):
        assert name in notes[Language.DE]
        assert name in notes[Language.EN]
        # Neither has mail or a hook, so its form takes nothing.
        assert f"{trio[name].base.config.url}/rights" not in notes[Language.DE]
    assert "Art. 19" not in (notes[None] or "")  # its answer names them
    assert "dass das Signal beendet ist (Art. 19 DSGVO)" in notes[Language.DE]
    assert "that the signal has ended (Art. 19 GDPR)" in notes[Language.EN]


@pytest.mark.promise("LR-18")
async def test_a_corrected_signal_takes_the_place_of_the_old_one(trio: Fleet) -> None:
    old = await trio.publish(WHO)
    node, requests = trio["a.demo"], requests_of(trio, "a.demo")
    opened = await requests.open(asked(RequestKind.RECTIFICATION), LEA)
    await trio.level("a.demo", ("b.demo", "c.demo"))
    assert await matching(trio, WHO) == []

    superseded = RevokeRequest(reason=Reason.SUPERSEDED)
    await node.services.signals.revoke(old, superseded, RITA)
    await trio.publish(WHO)
    closing = CloseRequest(outcome="granted", reason="letter-3")
    await requests.close(opened.request, closing, LEA)

    await trio.level("a.demo", ("b.demo", "c.demo"))
    assert await matching(trio, WHO) == list(NAMES)
    for name in NAMES:
        assert len((await trio.look_up(name, WHO)).matches) == 1


async def test_an_erasure_is_not_granted_while_a_draft_waits(trio: Fleet) -> None:
    node, requests = trio["a.demo"], requests_of(trio, "a.demo")
    opened = await requests.open(asked(RequestKind.ERASURE), LEA)
    draft = request_for(WHO, scope=Scope.FEDERATION)
    waiting = await node.services.signals.add(draft, ANNA)
    closing = CloseRequest(outcome="granted", reason="letter-3")

    with pytest.raises(WrongStateError) as refused:
        await requests.close(opened.request, closing, LEA)
    assert refused.value.code == "still_listed"

    revoking = RevokeRequest(reason=Reason.MISTAKE)
    await node.services.signals.revoke(waiting.signal, revoking, RITA)
    assert (await requests.close(opened.request, closing, LEA)).outcome == "granted"


async def test_nothing_is_called_answered_that_has_no_answer(trio: Fleet) -> None:
    await trio.publish(WHO)
    requests = requests_of(trio)
    opened = await requests.open(asked(), SHOP)
    closing = CloseRequest(outcome="answered", reason="letter-3")
    with pytest.raises(WrongStateError) as refused:
        await requests.close(opened.request, closing, LEA)
    assert refused.value.code == "not_answered"

    await requests.answer(opened.request, LEA)
    assert (await requests.close(opened.request, closing, LEA)).outcome == "answered"


async def test_who_has_listed_a_person_does_not_refuse_them(trio: Fleet) -> None:
    await trio.publish(WHO)
    requests = requests_of(trio, "a.demo")
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    closing = CloseRequest(
        outcome="refused", reason="letter-3", ground=RefusalGround.FOUNDED
    )
    with pytest.raises(DeniedError) as denied:
        await requests.close(opened.request, closing, RITA)
    assert denied.value.decision.code == "not_independent"
    assert len(await trio.audit("a.demo", "refused")) == 1

    with pytest.raises(WrongStateError) as first:  # who is apart meets the next rule
        await requests.close(opened.request, closing, LEA)
    assert first.value.code == "not_ruled"


async def test_nothing_is_granted_by_a_word_that_was_listed_since(alone: Fleet) -> None:
    node, requests = alone["a.demo"], requests_of(alone, "a.demo")
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    closing = CloseRequest(outcome="granted", reason="letter-3")
    with pytest.raises(WrongStateError) as refused:
        await requests.close(opened.request, closing, LEA)
    assert refused.value.code == "still_listed"


async def test_access_alone_contests_nothing(trio: Fleet) -> None:
    await trio.publish(WHO)
    await requests_of(trio).open(asked(), SHOP)

    assert await matching(trio, WHO) == list(NAMES)


async def test_what_could_not_be_asked_is_named(trio: Fleet) -> None:
    await trio.stop("a.demo", "c.demo")
    opened = await requests_of(trio).open(asked(), LEA)

    assert opened.unevaluated == ["epoch 1"]
    assert opened.state == "open"  # nobody may say that there is nothing
    answered = await requests_of(trio).answer(opened.request, LEA)
    assert answered.answer is not None
    assert (
        "We have not looked everywhere yet. This is still missing: epoch 1"
        in answered.answer
    )


async def test_opening_tells_nobody_whether_something_is_found(alone: Fleet) -> None:
    node, requests = alone["a.demo"], requests_of(alone, "a.demo")
    await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    listed = await requests.open(asked(), SHOP)
    other = await requests.open(asked(value="nobody@mail.example"), SHOP)
    for name in listed.__struct_fields__:
        if name not in {"request", "collect"}:
            assert getattr(listed, name) == getattr(other, name)


async def test_openings_count_as_lookups_of_the_credential(alone: Fleet) -> None:
    requests = requests_of(alone, "a.demo")
    situation = alone["a.demo"].base.situation
    document = situation.policy.document
    quota = {**document.budgets.lookups_an_hour, Purpose.RIGHTS_OF_THE_PERSON: 3}
    budgets = replace(document.budgets, lookups_an_hour=quota)
    situation.policy = Policy(
        replace(document, budgets=budgets), situation.policy.digest
    )
    for number in range(3):
        await requests.open(asked(value=f"x{number}@mail.example"), SHOP)

    with pytest.raises(OverBudgetError) as refused:
        await requests.open(asked(), SHOP)
    assert refused.value.decision.code == "budget"
    await requests.open(asked(), LEA)  # whose credential has its own
    alone.clock.advance(timedelta(minutes=70))
    await requests.open(asked(), SHOP)


async def test_a_credential_disputes_a_signal_once_until_it_is_ruled_on(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    requests = requests_of(trio)
    names: list[list[str] | None] = []
    for _ in range(3):
        opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
        names.append((await requests.show(opened.request, DORA)).disputes)
    officer = await requests.open(asked(RequestKind.ERASURE), LEA)

    assert names[0] == names[1] == names[2] != officer.disputes
    disputes = trio["b.demo"].services.disputes
    assert len((await disputes.list(RUTH)).disputes) == 2


async def test_a_dispute_that_rests_nothing_is_not_said_to(trio: Fleet) -> None:
    situation = trio["b.demo"].base.situation
    policy = situation.policy
    least = replace(policy.document.disputes, attested_a_day=1)
    situation.policy = Policy(replace(policy.document, disputes=least), policy.digest)
    told: list[str] = []
    for value in (WHO, "other@mail.example"):
        await trio.publish(value)
        opened = await requests_of(trio).open(asked(RequestKind.DISPUTE, value), SHOP)
        answered = await requests_of(trio).answer(opened.request, DORA)
        assert answered.answer is not None
        told.append(answered.answer)

    assert "contested for you and that now rest: 1." in told[0]
    assert "now rest" not in told[1]
    assert "contested for you but that do not rest because of that: 1" in told[1]


async def test_an_epoch_that_is_not_asked_is_named(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(*_: object) -> Evaluated:
        return Evaluated((), ())

    await trio.publish(WHO)
    monkeypatch.setattr(retries, "evaluate", ended)
    opened = await requests_of(trio).open(asked(), LEA)

    assert (opened.state, opened.unevaluated) == ("open", ["epoch 1"])
    answer = (await requests_of(trio).answer(opened.request, LEA)).answer
    assert answer is not None
    assert "As far as we could check, there is no signal" in answer
    assert "No signal is kept" not in answer


async def test_an_ended_signal_is_told_as_long_as_it_is_kept(alone: Fleet) -> None:
    node, requests = alone["a.demo"], requests_of(alone, "a.demo")
    ban = request_for("9.9.9.9", kind=Kind.IP, scope=Scope.SELF)
    listed = await node.services.signals.add(ban, ANNA)
    (row,) = await node.base.store.read(lambda reader: reader.signals_after(0, 9))
    question = Question(kind=Kind.IP, value="9.9.9.9")
    for moment, found in ((row.match_until, [listed.signal]), (row.erase_after, [])):
        until = datetime.fromtimestamp(moment, UTC)
        alone.clock.advance(until - alone.clock.now())
        await expire_signals(node.desk)
        opened = await requests.open(replace(asked(), about=question), LEA)
        assert opened.signals is not None
        assert [each.signal for each in opened.signals] == found


@pytest.mark.parametrize(
    "who", [ANNA, Principal("otto", Role.OPERATOR), Principal("x", Role.AUDITOR)]
)
async def test_only_officers_see_and_open_requests(trio: Fleet, who: Principal) -> None:
    requests = requests_of(trio)
    opened = await requests.open(asked(), LEA)

    for act in (
        requests.open(asked(), who),
        requests.list(who),
        requests.show(opened.request, who),
        requests.answer(opened.request, who),
        requests.extend(opened.request, "note-1", who),
        requests.close(
            opened.request, CloseRequest(outcome="withdrawn", reason="note-1"), who
        ),
    ):
        with pytest.raises(DeniedError) as denied:
            await act
        assert denied.value.decision.code == "purpose"
    assert len(await trio.audit("b.demo", "refused")) == 6


async def test_what_is_no_identifier_is_refused_by_its_place(trio: Fleet) -> None:
    digest = NewRightsRequest(
        kind=RequestKind.ACCESS,
        about=Question(kind=Kind.SHA256, value="00" * 32),
        control="account_login",
    )
    for request, pointer in ((asked(value="nobody"), "/about/value"), (digest, "")):
        with pytest.raises(BadRequestError) as refused:
            await requests_of(trio).open(request, LEA)
        assert str(refused.value.pointer).startswith(pointer or "/about")


async def test_a_check_that_nobody_decides_on_is_told_and_asked_again(
    alone: Fleet,
) -> None:
    node, day = alone["a.demo"], timedelta(days=1)
    requests, overview = node.services.requests, node.services.node
    await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    seen = IdentityCheck(seen_on=alone.clock.now().date(), reference="minute-7")
    entered = replace(
        asked(RequestKind.DISPUTE), checked=seen, control="identity_document"
    )
    opened = await requests.open(entered, DORA)

    async def told() -> tuple[int, str | None, int]:
        tended = await tend(alone)
        (listed,) = (await requests.list(LEA)).requests
        assert listed.signals is None
        assert listed.checked is not None
        shown = await requests.show(opened.request, LEA)
        assert shown.checked == listed.checked
        forgotten = (await overview.status()).checks_forgotten
        return tended.reminded, listed.checked.until, forgotten

    in_time = "2026-11-27T12:00:00+00:00"
    assert opened.checked is not None
    assert opened.checked.until == in_time
    assert await told() == (0, in_time, 0)
    with pytest.raises(WrongStateError) as refused:
        await requests.check(opened.request, DORA)
    assert refused.value.code == "already_asked"
    alone.clock.advance(2 * day)
    assert await told() == (1, in_time, 0)  # while there is time
    assert await told() == (0, in_time, 0)
    alone.clock.advance(2 * day)
    assert await told() == (1, None, 1)
    assert await told() == (0, None, 1)
    with pytest.raises(ForbiddenError):
        await requests.check(opened.request, LEA)
    again = await requests.check(opened.request, DORA)
    assert again.checked is not None
    assert again.checked.act != opened.checked.act
    assert again.checked.until == "2026-12-01T12:00:00+00:00"
    assert await told() == (0, again.checked.until, 0)
    said = [
        (event.content["milestone"], event.content["overdue"])
        for event in (await node.services.events.read(FollowQuery(), BOT)).events
        if event.content.get("reminder")
    ]
    assert said == [("identity_check", False), ("identity_check", True)]
    await decide(alone, "a.demo", again, DORA)
    assert (await requests.list(LEA)).requests[0].checked is None
    shown = await requests.show(opened.request, LEA)
    assert len(shown.disputes or []) == 1
    assert (await node.services.audits.verify(BOT)).ok
    with pytest.raises(WrongStateError) as refused:
        await requests.check(opened.request, DORA)
    assert refused.value.code == "not_pending"


async def test_overdue_answers_stand_in_the_status(alone: Fleet) -> None:
    await alone["a.demo"].services.signals.add(request_for(WHO), ANNA)
    await requests_of(alone, "a.demo").open(asked(), SHOP)
    overview = alone["a.demo"].services.node
    assert (await overview.status()).requests_overdue == 0
    alone.clock.advance(timedelta(days=30))
    assert (await overview.status()).requests_overdue == 1


# --- the clock ------------------------------------------------------------------------


@pytest.mark.promise("LR-17", "LR-34")
async def test_a_request_has_a_month_and_two_more_for_a_reason(trio: Fleet) -> None:
    await trio.publish(WHO)
    requests = requests_of(trio)
    opened = await requests.open(asked(), LEA)

    assert opened.due_at == "2026-12-24T12:00:00+00:00"
    extended = await requests.extend(opened.request, "note-4", LEA)
    assert extended.due_at == "2027-02-24T12:00:00+00:00"
    for _ in range(2):
        with pytest.raises(WrongStateError) as refused:
            await requests.extend(opened.request, "note-5", LEA)
        assert refused.value.code == "too_late"
    assert opened.collect is not None
    code = CollectRequest(request=opened.request, code=opened.collect)
    note = (await requests.collect(code, PLACE)).note
    assert note is not None
    assert "2027-02-24" in note
    assert "note-4" in note


async def test_nobody_extends_what_is_overdue(trio: Fleet) -> None:
    await trio.publish(WHO)
    opened = await requests_of(trio).open(asked(), LEA)
    trio.clock.advance(timedelta(days=31))

    with pytest.raises(WrongStateError):
        await requests_of(trio).extend(opened.request, "note-5", LEA)


@pytest.mark.parametrize("age", list(Age))
@pytest.mark.parametrize(
    ("language", "late", "promised"),
    [
        (Language.DE, "bis zum 24.12.2026 fällig und ist verspätet", "Sie kommt bis"),
        (Language.EN, "was due by 2026-12-24 and is late", "You will have it by"),
    ],
)
async def test_a_late_answer_is_called_late_and_promised_by_no_past_day(
    alone: Fleet, language: Language, late: str, promised: str, age: Age
) -> None:
    requests = requests_of(alone, "a.demo")
    await alone["a.demo"].services.signals.add(request_for(WHO), ANNA)
    opened = await requests.open(replace(asked(language=language), age=age), SHOP)
    site = Site("a.demo", Ways("safety@a.demo"))
    assert opened.collect is not None
    code = CollectRequest(request=opened.request, code=opened.collect)
    before = await requests.collect(code, PLACE)
    alone.clock.advance(timedelta(days=30))
    after = await requests.collect(code, PLACE)
    page = answer_page(site, language, after).decode()

    assert (before.late, before.note) == (False, None)
    assert promised in answer_page(site, language, before).decode()
    assert (after.late, after.state) == (True, "open")
    assert after.note is not None
    assert late in after.note
    assert opened.request in after.note
    assert "Art. 77" in after.note
    assert alone["a.demo"].base.config.contact in after.note
    assert (BELOW.said(language) in after.note) is (age is Age.MINOR)
    assert promised not in page
    assert late in page
    await requests.answer(opened.request, DORA)
    answered = await requests.collect(code, PLACE)
    assert (answered.late, answered.note) == (False, None)


async def test_people_are_reminded_and_what_is_closed_is_wiped(
    alone: Fleet,
) -> None:
    node = alone["a.demo"]
    requests = requests_of(alone, "a.demo")
    await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    opened = await requests.open(asked(), LEA)

    async def sealed(reader: Reader) -> bytes | None:
        row = await reader.request(opened.request)
        return row.sealed if row is not None else None

    assert await tend(alone) == Tended()
    alone.clock.advance(timedelta(days=24))
    await tend(alone)
    await tend(alone)
    assert len(await alone.audit("a.demo", "rights.due")) == 1
    closing = CloseRequest(outcome="answered", reason="letter-3")
    await requests.answer(opened.request, LEA)
    await requests.close(opened.request, closing, LEA)
    with pytest.raises(WrongStateError):
        await requests.close(opened.request, closing, LEA)
    assert await node.base.store.read(sealed) is not None
    alone.clock.advance(timedelta(days=91))
    await tend(alone)
    assert await node.base.store.read(sealed) is None
    shown = await requests.show(opened.request, LEA)
    assert (shown.signals, shown.answer, shown.outcome) == (None, None, "answered")


async def test_answered_requests_hide_no_open_one_and_are_wiped(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "LISTED", 3)
    monkeypatch.setattr(tending, "_BATCH", 3)
    node, requests = alone["a.demo"], requests_of(alone, "a.demo")
    for number in range(4):  # nothing is found: answered at once
        await requests.open(asked(value=f"x{number}@mail.example"), SHOP)
    alone.clock.advance(timedelta(hours=1))
    await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    opened = await requests.open(asked(RequestKind.ERASURE), LEA)

    (found,) = (await requests.list(DORA)).requests
    assert found.request == opened.request
    answered = RequestState.ANSWERED
    first = await requests.list(DORA, answered)
    rest = await requests.list(DORA, answered, first.next)
    assert (len(first.requests), len(rest.requests), rest.next) == (3, 1, None)
    alone.clock.advance(timedelta(days=24))
    assert await tend(alone) == Tended(reminded=1)
    alone.clock.advance(timedelta(days=91))
    assert [(await tend(alone)).wiped for _ in range(3)] == [3, 1, 0]
    ended = await requests.list(DORA, RequestState.CLOSED)
    assert {(each.outcome, each.ended_by) for each in ended.requests} == {
        ("answered", "requests")
    }
    assert (await requests.list(DORA)).requests != []


async def test_a_list_begins_behind_a_request_that_there_is(trio: Fleet) -> None:
    with pytest.raises(NotFoundError):
        await requests_of(trio).list(DORA, after="0" * 32)


async def tend(fleet: Fleet) -> Tended:
    node = fleet["a.demo"]
    return await tend_requests(node.desk, node.base.announcer)


async def test_closed_requests_are_listed_apart(trio: Fleet) -> None:
    requests = requests_of(trio)
    opened = await requests.open(asked(), SHOP)  # nothing is found
    closing = CloseRequest(outcome="answered", reason="letter-3")
    await requests.close(opened.request, closing, LEA)

    assert (await requests.list(DORA)).requests == []
    (found,) = (await requests.list(DORA, RequestState.CLOSED)).requests
    assert (found.request, found.collect, found.signals) == (
        opened.request,
        None,
        None,
    )
    assert RITA.role is Role.REVIEWER
    assert BOT.role is Role.SERVICE
