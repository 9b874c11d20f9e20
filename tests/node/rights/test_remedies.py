# SPDX-License-Identifier: Apache-2.0
"""What a person is told of appeals: who decides over the origin, by when, and how."""

from datetime import timedelta

from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, request_for
from tests.support.appeals import ENDS, HEARS, STAYS, decide, name_hearer
from tests.support.disputes import DORA, LEA, RUTH, STANDS, rule
from tests.support.fleet import Fleet
from tests.support.rights_requests import PLACE, SHOP, WHO, asked, requests_of

from fedsafe_node.acts.requests import (
    CloseRequest,
    CollectedAnswer,
    CollectRequest,
    IdentityCheck,
    Language,
    RefusalGround,
    RequestKind,
    RightsRequestAnswer,
)
from fedsafe_node.notices.phrases import house_in_words
from fedsafe_node.rights.appeals import file_for_persons
from fedsafe_node.rights.outcomes import BELOW
from fedsafe_node.rights.rulings import end_disputes
from fedsafe_policies.help.offers import Age
from fedsafe_policies.vocabulary import Scope

DISPUTE = RequestKind.DISPUTE


async def contest(
    fleet: Fleet, language: Language, age: Age = Age.ADULT
) -> RightsRequestAnswer:
    """Contest with proof, as a person does at b.demo."""
    request = replace(asked(DISPUTE, language=language), age=age)
    opened = await requests_of(fleet).open(request, SHOP)
    await fleet.level("b.demo", ["a.demo", HEARS])
    return opened


async def access(fleet: Fleet) -> RightsRequestAnswer:
    return await requests_of(fleet).open(asked(language=Language.DE), SHOP)


async def told(fleet: Fleet, opened: RightsRequestAnswer) -> str:
    answered = await requests_of(fleet).answer(opened.request, DORA)
    assert answered.answer is not None
    return answered.answer


async def refused(
    fleet: Fleet, opened: RightsRequestAnswer, name: str = "b.demo"
) -> str:
    """Refuse what another provider has listed; return what the person reads."""
    closing = CloseRequest(
        outcome="refused", reason="letter-3", ground=RefusalGround.NOT_OURS
    )
    await requests_of(fleet, name).close(opened.request, closing, LEA)
    assert opened.collect is not None
    asked_for = CollectRequest(request=opened.request, code=opened.collect)
    note = (await requests_of(fleet, name).collect(asked_for, PLACE)).note
    assert note is not None
    return note


async def let_stand(fleet: Fleet) -> None:
    (waiting,) = (await fleet["a.demo"].services.disputes.list(RUTH)).disputes
    await rule(fleet, waiting)


async def appeal_of(fleet: Fleet) -> str:
    """Let the node appeal for whoever has contested again; return its name."""
    assert await file_for_persons(fleet["b.demo"].desk) == 1
    await fleet.level("b.demo", ["a.demo", HEARS])
    (appeal,) = (await fleet[HEARS].services.appeals.list(RUTH)).appeals
    return appeal.appeal


async def test_a_person_learns_how_to_appeal_who_decides_and_that_it_stands(
    trio: Fleet,
) -> None:
    node = trio["b.demo"].services.node
    assert (await node.status()).appeals_unheard
    await name_hearer(trio)
    assert not (await node.status()).appeals_unheard
    assert (await trio[HEARS].services.node.status()).appeals_unheard
    signal = await trio.publish(WHO)
    first = await contest(trio, Language.DE)
    before = await told(trio, first)
    await let_stand(trio)
    note = await refused(trio, first)
    second = await contest(trio, Language.DE)
    sent = await told(trio, second)
    appeal = await appeal_of(trio)
    opened = await told(trio, await access(trio))
    await decide(trio, appeal, STAYS)
    await trio.level(HEARS, ["a.demo", "b.demo"])
    third = await told(trio, await contest(trio, Language.DE))

    way = "Bestreiten Sie das Signal noch einmal, dann entscheidet c.demo anstelle"
    letter = house_in_words(trio["a.demo"].base.situation)
    assert "dann entscheidet c.demo an unserer Stelle" in letter["contest"].de
    assert "Then another provider decides: c.demo" in letter["contest_minor"].en
    assert way in before
    assert way in note
    assert f"Signal {signal}: Der meldende Anbieter lässt das Signal bestehen" in note
    assert "Dann entscheidet c.demo anstelle des meldenden Anbieters" in note
    assert "Wir selbst können sie nicht ändern oder löschen" in note
    assert "nur er kann" not in note
    assert "gilt als Beschwerde, und c.demo entscheidet" in sent
    for text in (sent, third):
        assert "Der meldende Anbieter entscheidet darüber" not in text
        assert "noch einmal für Sie bestritten" in text
    assert not any(way in text for text in (opened, third))  # it is filed once
    assert (
        "c.demo entscheidet anstelle des meldenden Anbieters und hat bis 08.12.2026"
    ) in opened
    assert (
        "c.demo hat am 24.11.2026 entschieden, dass das Signal bestehen bleibt"
    ) in third


async def test_a_minor_learns_it_in_plain_words_and_that_it_has_ended(
    trio: Fleet,
) -> None:
    await name_hearer(trio)
    await trio.publish(WHO)
    first = await contest(trio, Language.EN, Age.MINOR)
    await let_stand(trio)
    note, _, _ = (await refused(trio, first)).partition(BELOW.said(Language.EN))
    second = await contest(trio, Language.EN, Age.MINOR)
    appeal = await appeal_of(trio)
    opened, _, _ = (await told(trio, second)).partition(BELOW.said(Language.EN))
    heard = (await stands(trio, second)).status or ""
    await decide(trio, appeal, ENDS)
    await trio.level(HEARS, ["a.demo", "b.demo"])
    ended = await refused(trio, second)
    over = (await stands(trio, second)).status or ""

    assert "another provider decides now: c.demo. It has until 2026-12-08" in heard
    assert "Come back here with your number" in heard
    assert "The signal does not count any more." in over

    assert (
        "Another provider made the signal. We cannot erase the signal ourselves."
        in note
    )
    assert "That is called an appeal. Then another provider decides: c.demo" in note
    assert "another provider decides now: c.demo. It has until 2026-12-08" in opened
    plain, _, whole = ended.partition(BELOW.said(Language.EN))
    assert (
        "Another provider (c.demo) has looked at the signal again and decided: the"
    ) in plain
    assert "Appeal: c.demo decided on 2026-11-24 that the signal ends" in whole


async def stands(fleet: Fleet, opened: RightsRequestAnswer) -> CollectedAnswer:
    """Come back with number and code, as often as one likes."""
    assert opened.collect is not None
    asked_for = CollectRequest(request=opened.request, code=opened.collect)
    return await requests_of(fleet).collect(asked_for, PLACE)


def staged(found: CollectedAnswer) -> tuple[str, str | None, str | None, str | None]:
    (only,) = found.contested
    return only.stage, only.until, only.appeal, only.heard_by


async def test_who_comes_back_reads_each_time_how_it_stands(trio: Fleet) -> None:
    await name_hearer(trio)
    signal = await trio.publish(WHO)
    first = await contest(trio, Language.DE)
    fresh = await stands(trio, first)
    await told(trio, first)
    collected, again = await stands(trio, first), await stands(trio, first)
    await let_stand(trio)
    offered = await stands(trio, first)
    second = await contest(trio, Language.DE)
    appeal = await appeal_of(trio)
    heard = await stands(trio, second)
    await decide(trio, appeal, ENDS)
    await trio.level(HEARS, ["a.demo", "b.demo"])
    ended = await stands(trio, first)

    due = "2026-12-08T23:00:00+00:00"
    for each in (fresh, collected, again):
        assert staged(each) == ("rests", due, None, None)
        assert "ruht: Bis zur Entscheidung bekommt niemand dadurch einen Treffer" in (
            each.status or ""
        )
        assert "hat bis 08.12.2026 Zeit" in (each.status or "")
        assert (
            "Bitte sehen Sie hier mit Ihrer Nummer und Ihrem Abholcode wieder nach"
        ) in (each.status or "")
    assert signal in (collected.text or "")
    assert (again.collected, again.text) == (True, None)
    assert staged(offered) == ("stands", None, "offered", HEARS)
    assert ("Dann entscheidet c.demo anstelle des meldenden Anbieters") in (
        offered.status or ""
    )
    assert staged(heard) == ("stands", None, "open", HEARS)
    assert (
        "c.demo entscheidet anstelle des meldenden Anbieters und hat bis 08.12"
    ) in (heard.status or "")
    assert "Ihrem Abholcode wieder nach" in (heard.status or "")
    assert staged(ended) == ("ended", None, "ended", HEARS)
    assert "Das Signal ist beendet" in (ended.status or "")
    assert "Ihrem Abholcode wieder nach" not in (ended.status or "")
    for each in (fresh, again, offered, heard, ended):
        assert signal not in (each.status or "")  # no second copy of what was found
    assert (await stands(trio, await access(trio))).status is None


async def test_who_comes_back_learns_that_nobody_has_decided_in_time(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    request = asked(DISPUTE, language=Language.EN)
    opened = await requests_of(trio).open(request, LEA)
    await trio.level("b.demo", ["a.demo", "c.demo"])
    trio.clock.advance(timedelta(days=16))
    over = await stands(trio, opened)
    await end_disputes(trio["a.demo"].desk, trio["a.demo"].base.announcer)
    await trio.level("a.demo", ["b.demo", "c.demo"])
    lapsed = await stands(trio, opened)

    assert (
        "had until 2026-12-08 to decide about the signal, and has not decided yet"
        in (over.status or "")
    )
    assert staged(lapsed) == ("lapsed", None, None, None)
    assert "did not decide in time: nobody gets a match" in (lapsed.status or "")


async def test_who_waits_for_a_second_officer_reads_that_nothing_rests(
    alone: Fleet,
) -> None:
    requests = alone["a.demo"].services.requests
    seen = IdentityCheck(seen_on=alone.clock.now().date(), reference="minute-7")
    request = asked(DISPUTE, language=Language.DE)
    request = replace(request, checked=seen, control="identity_document")
    opened = await requests.open(request, LEA)
    assert opened.collect is not None
    asked_for = CollectRequest(request=opened.request, code=opened.collect)
    found = await requests.collect(asked_for, PLACE)

    assert list(found.contested) == []
    assert "Bis dahin ruht wegen Ihres Antrags kein Signal" in (found.status or "")
    assert alone["a.demo"].base.config.contact in (found.status or "")


async def test_nobody_is_sent_to_who_hears_nothing(trio: Fleet) -> None:
    await trio.publish(WHO)
    first = await contest(trio, Language.EN)
    await let_stand(trio)
    again = await told(trio, await contest(trio, Language.EN))
    note = await refused(trio, first)

    assert "appeal" not in again + note
    assert (
        "Somebody there who has not decided on the signal before now reviews it"
        in again
    )
    assert "The reporting provider has upheld the signal." in note
    assert "only that provider can" not in note


async def test_nobody_hears_of_an_own_ban(trio: Fleet) -> None:
    await name_hearer(trio)
    ban = request_for(WHO, scope=Scope.SELF)
    await trio["b.demo"].services.signals.add(ban, ANNA)
    opened = await requests_of(trio).open(asked(DISPUTE), SHOP)
    (contested,) = (await requests_of(trio).show(opened.request, DORA)).disputes or []
    await trio["b.demo"].services.disputes.rule(contested, STANDS, RUTH)

    assert "appeal" not in await told(trio, opened)
