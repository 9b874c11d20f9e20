# SPDX-License-Identifier: Apache-2.0
"""Disputes and rulings between real nodes: who may, what rests, what comes back."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import product

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA
from tests.support.disputes import (
    DORA,
    FALLS,
    LEA,
    RUTH,
    STANDS,
    WHO,
    contest,
    dispute,
    limit_disputes,
    matching,
    rule,
    suppressed,
)
from tests.support.fleet import NAMES, Fleet, eventually
from tests.support.vouched_requests import Vouched

from fedsafe_node.acts.bodies import (
    Kind,
    Question,
    SignalState,
)
from fedsafe_node.acts.disputes import (
    DisputeAnswer,
)
from fedsafe_node.acts.requests import (
    Language,
    NewRightsRequest,
    RequestKind,
    Way,
)
from fedsafe_node.ground.errors import (
    ConflictError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights.request_start import Opened, read_person
from fedsafe_node.rights.requests import FORM, Requests
from fedsafe_node.rights.rulings import Ended, end_disputes
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.dispute_budget import weigh_again
from fedsafe_policies.help.offers import Age
from fedsafe_policies.vocabulary import Control, Purpose, Role

MAX = Principal("max", Role.REVIEWER)
NILS = Principal("nils", Role.REVIEWER)
OTHERS = ("b.demo", "c.demo")


@pytest.mark.promise("LR-20", "LR-47")
async def test_a_dispute_rests_a_signal_everywhere_until_the_origin_rules(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal)

    assert (opened.state, opened.weight, opened.ours) == ("open", "suspends", False)
    assert await matching(trio) == []
    assert [await suppressed(trio, name) for name in NAMES] == [1, 1, 1]
    shown = await trio["a.demo"].services.disputes.show(opened.dispute, RITA)
    assert (shown.ours, shown.author, shown.opened_by) == (True, "b.demo", None)
    assert shown.due_at == "2026-12-08T23:00:00+00:00"  # ten working days, in Germany
    state = await trio["a.demo"].services.signals.show(signal, RITA)
    assert state.state is SignalState.DISPUTED

    ruled = await rule(trio, opened)

    assert (ruled.state, ruled.ruled_by, ruled.reason) == (
        "restored",
        "ruth",
        "ruling-7",
    )
    assert await matching(trio) == list(NAMES)
    told = await trio["b.demo"].services.disputes.show(opened.dispute, LEA)
    assert (told.state, told.ruled_by) == ("restored", None)
    for name in NAMES:
        answer = await trio[name].services.audits.verify(BOT)
        assert answer.ok, answer


async def test_a_ruling_against_the_signal_erases_it_everywhere(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal)
    ruled = await rule(trio, opened, FALLS)

    assert ruled.state == "revoked"
    assert await matching(trio) == []
    for name in NAMES:
        store = trio[name].base.store
        assert await store.read(lambda r: r.opening("a.demo/feed", 0, "signal")) is None
        assert (await trio[name].services.audits.verify(BOT)).ok


async def test_an_own_signal_is_disputed_and_ruled_on_in_the_same_way(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal, at="a.demo", who=DORA)

    assert await matching(trio) == []
    await rule(trio, opened)
    assert await matching(trio) == list(NAMES)


@pytest.mark.parametrize(
    "who", [ANNA, BOT, Principal("otto", Role.OPERATOR), Principal("x", Role.AUDITOR)]
)
async def test_only_officers_dispute(trio: Fleet, who: Principal) -> None:
    signal = await trio.publish(WHO)

    with pytest.raises(DeniedError) as denied:
        await trio["b.demo"].services.disputes.open(contest(signal), who)

    assert denied.value.decision.code == "role"
    assert await matching(trio) == list(NAMES)
    (event,) = await trio.audit("b.demo", "refused")
    assert '"act":"dispute.open"' in event.text


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (RITA, "not_independent"),  # has approved it
        (Principal("anna", Role.REVIEWER), "not_independent"),  # has drafted it
        (LEA, "not_independent"),  # has disputed it
        (Principal("Lea ", Role.REVIEWER), "not_independent"),
        (DORA, "role"),
        (ANNA, "role"),
        (BOT, "role"),
    ],
)
async def test_who_had_a_part_in_it_does_not_rule(
    trio: Fleet, who: Principal, code: str
) -> None:
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal, at="a.demo")

    for request in (STANDS, FALLS):
        with pytest.raises(DeniedError) as denied:
            await trio["a.demo"].services.disputes.rule(opened.dispute, request, who)
        assert denied.value.decision.code == code

    assert await matching(trio) == []


async def test_who_ruled_before_does_not_rule_again(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await rule(trio, await dispute(trio, signal))
    again = await dispute(trio, signal, at="c.demo", control=Control.ACCOUNT_LOGIN)

    for request in (STANDS, FALLS):
        with pytest.raises(DeniedError) as denied:
            await rule(trio, again, request)
        assert denied.value.decision.code == "not_independent"
    assert (await rule(trio, again, by=MAX)).state == "restored"


async def test_who_answered_the_person_does_not_rule(trio: Fleet) -> None:
    await trio.publish(WHO)
    services, requests = trio["a.demo"].services, Vouched(trio, "a.demo")
    asked = NewRightsRequest(
        kind=RequestKind.DISPUTE,
        about=Question(kind=Kind.EMAIL, value=WHO),
        control="identity_document",
    )
    opened = await requests.open(asked, MAX)
    await requests.answer(opened.request, RUTH)
    shown = await requests.show(opened.request, RUTH)
    assert shown.disputes is not None
    (name,) = shown.disputes
    with pytest.raises(DeniedError) as denied:
        await services.disputes.rule(name, STANDS, RUTH)

    assert denied.value.decision.code == "not_independent"
    assert (await services.disputes.rule(name, STANDS, MAX)).state == "restored"


async def test_only_the_origin_rules_and_once(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal)

    with pytest.raises(WrongStateError) as refused:
        await trio["b.demo"].services.disputes.rule(opened.dispute, STANDS, RUTH)
    assert refused.value.code == "not_the_origin"
    await rule(trio, opened)
    with pytest.raises(WrongStateError) as refused:
        await trio["a.demo"].services.disputes.rule(opened.dispute, FALLS, RUTH)
    assert refused.value.code == "already_ruled"
    with pytest.raises(NotFoundError):
        await trio["a.demo"].services.disputes.rule("0" * 64, STANDS, RUTH)


async def test_what_cannot_be_disputed(trio: Fleet) -> None:
    disputes = trio["b.demo"].services.disputes
    signal = await trio.publish(WHO)
    await trio.revoke(signal, by=OTHERS)

    with pytest.raises(WrongStateError) as refused:
        await disputes.open(contest(signal), LEA)
    assert refused.value.code == "already_revoked"
    with pytest.raises(NotFoundError):
        await disputes.open(contest("01900000-0000-7000-8000-000000000000"), LEA)


async def test_a_repeated_request_disputes_once(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    once = Once("key", b"digest", 201)
    disputes = trio["b.demo"].services.disputes
    await disputes.open(contest(signal), LEA, once=once)

    with pytest.raises(ConflictError):
        await disputes.open(contest(signal), LEA, once=once)

    assert len((await disputes.list(LEA)).disputes) == 1


async def test_a_repeat_is_reviewed_and_rests_nothing_again(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await rule(trio, await dispute(trio, signal))
    again = await dispute(trio, signal, at="c.demo")

    assert (again.weight, again.state) == ("repeat", "open")
    assert await matching(trio) == list(NAMES)
    listed = await trio["a.demo"].services.disputes.list(RUTH)
    assert [found.dispute for found in listed.disputes] == [again.dispute]
    await rule(trio, again, FALLS, by=MAX)
    assert await matching(trio) == []


async def test_one_ruling_answers_all_disputes_of_a_signal(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    first = await dispute(trio, signal)
    second = await dispute(trio, signal, at="c.demo")
    await rule(trio, second)

    assert await matching(trio) == list(NAMES)
    ruled = await trio["a.demo"].services.disputes.list(RUTH, ruled=True)
    assert {found.dispute for found in ruled.disputes} == {
        first.dispute,
        second.dispute,
    }


async def test_reading_takes_a_role_and_a_purpose(trio: Fleet) -> None:
    disputes = trio["a.demo"].services.disputes
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal)

    await disputes.show(opened.dispute, DORA, Purpose.RIGHTS_OF_THE_PERSON)
    for who, purpose in (
        (Principal("otto", Role.OPERATOR), None),
        (DORA, Purpose.ESCALATION),
    ):
        with pytest.raises(DeniedError):
            await disputes.list(who, purpose)
    (event,) = await trio.audit("a.demo", "rights.disputes_read")
    assert '"disputes":1' in event.text


# --- the clock ------------------------------------------------------------------------


async def tick(fleet: Fleet, name: str = "a.demo") -> Ended:
    node = fleet[name]
    ended = await end_disputes(node.desk, node.base.announcer)
    await fleet.level(name, [other for other in fleet.running if other != name])
    return ended


async def announced(fleet: Fleet, name: str = "a.demo") -> Sequence[str]:
    base = fleet[name].base
    rows = await base.store.read(lambda r: r.provider_events(0, 100))
    return [row.kind for row in rows]


@pytest.mark.promise("LR-22")
async def test_nobody_rules_in_time_so_it_is_revoked_everywhere(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal)

    assert await tick(trio) == Ended()
    trio.clock.advance(timedelta(days=12))
    assert (await tick(trio)).reminded <= 1  # the node's own clockwork may be faster
    await eventually(lambda: reminded(trio))
    assert await matching_alone(trio) == []
    trio.clock.advance(timedelta(days=3))
    await tick(trio)
    found = await eventually(lambda: ended(trio, opened.dispute))

    assert found is not None
    assert (found.state, found.ruled_by) == ("lapsed", "disputes")
    with pytest.raises(WrongStateError):
        await trio["a.demo"].services.disputes.rule(opened.dispute, STANDS, RUTH)
    state = await trio["a.demo"].services.signals.show(signal, RITA)
    assert state.state is SignalState.REVOKED
    assert [*await announced(trio)].count("rights.due") == 1
    assert "dispute.ruled" in await announced(trio)
    for name in NAMES:
        row = await trio[name].base.store.read(lambda r: r.signals_after(0, 10))
        assert [each.status.value for each in row if each.origin == "a.demo"] == [
            "revoked"
        ]


async def reminded(fleet: Fleet) -> bool:
    return "rights.due" in await announced(fleet)


async def ended(fleet: Fleet, name: str) -> DisputeAnswer | None:
    found = await fleet["a.demo"].services.disputes.show(name, RITA)
    return found if found.state != "open" else None


async def matching_alone(fleet: Fleet) -> list[str]:
    rows = await fleet["a.demo"].base.store.read(lambda r: r.signals_after(0, 10))
    return [row.origin for row in rows if row.status.value == "active" and not row.own]


async def test_it_is_too_late_to_let_it_stand(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    opened = await dispute(trio, signal)
    trio.clock.advance(timedelta(days=15))
    disputes = trio["a.demo"].services.disputes

    with pytest.raises((DeniedError, WrongStateError)) as refused:
        await disputes.rule(opened.dispute, STANDS, RUTH)
    if isinstance(refused.value, DeniedError):
        assert refused.value.decision.code == "ruling_late"


async def test_a_repeat_that_nobody_reviews_revokes_nothing(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await rule(trio, await dispute(trio, signal))
    again = await dispute(trio, signal, at="c.demo")
    trio.clock.advance(timedelta(days=16))
    await tick(trio)
    found = await eventually(lambda: ended(trio, again.dispute))

    assert found is not None
    assert found.state == "restored"
    state = await trio["a.demo"].services.signals.show(signal, RITA)
    assert state.state is SignalState.PUBLISHED


async def test_no_clock_answers_a_person_with_proof(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    proved = Control.ACCOUNT_LOGIN
    await rule(trio, await dispute(trio, signal))
    await rule(trio, await dispute(trio, signal, control=proved), by=MAX)
    again = await dispute(trio, signal, at="c.demo", control=proved)
    trio.clock.advance(timedelta(days=12))
    await tick(trio)
    trio.clock.advance(timedelta(days=4))
    for _ in range(3):
        await tick(trio)
    shown = await trio["a.demo"].services.disputes.show(again.dispute, RUTH)

    assert (again.weight, shown.state) == ("repeat", "open")
    # Before it was due, and once after.
    assert len(await trio.audit("a.demo", "rights.ruling_due")) == 2
    await trio["a.demo"].services.disputes.rule(again.dispute, FALLS, NILS)


async def test_what_a_member_attests_rests_until_a_person_rules_and_alarms(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    attested = await dispute(trio, signal, control=Control.ACCOUNT_LOGIN)
    for days in (12, 4, 30, 1):
        trio.clock.advance(timedelta(days=days))
        await tick(trio)
        await tick(trio)
    await trio.attested()  # so many days on, each asks for the others' gates anew
    shown = await trio["a.demo"].services.disputes.show(attested.dispute, RUTH)

    assert (shown.weight, shown.state) == ("suspends", "open")
    assert await matching(trio) == []
    told = await trio.audit("a.demo", "rights.ruling_due")
    assert [event.record.outcome for event in told] == ["reminded", "alarm"]
    ruled = await rule(trio, attested)  # never too late for what had no end
    assert ruled.state == "restored"
    assert await matching(trio) == list(NAMES)


# --- a flood --------------------------------------------------------------------------


@pytest.mark.promise("TM-11")
async def test_a_flood_disables_nothing_beyond_its_budget(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"person{number}@mail.example" for number in range(4)]
    signals = [await trio.publish(person) for person in people]
    for name in NAMES:
        limit_disputes(trio, name, 2, monkeypatch)
    opened = [await dispute(trio, signal) for signal in signals[:3]]
    honest = await dispute(trio, signals[3], at="c.demo")

    assert [answer.weight for answer in opened] == ["suspends", "suspends", "flood"]
    assert honest.weight == "suspends"
    matched = [await matching(trio, person) for person in people]
    assert matched == [[], [], list(NAMES), []]
    for name in ("a.demo", "c.demo"):
        (alarm,) = await trio.audit(name, "rights.disputes_flooded")
        assert '"author":"b.demo"' in alarm.text
        status = await trio[name].services.node.status()
        assert status.disputes_beyond_budget == {"b.demo": 1}
        assert status.disputes_open == 4
    state = await trio["a.demo"].services.signals.show(signals[2], RITA)
    assert state.state is SignalState.PUBLISHED
    ruled = await rule(trio, opened[2])
    assert ruled.state == "restored"
    trio.clock.advance(timedelta(days=1))
    assert await weigh_again(trio["a.demo"].desk) == 0  # it has its ruling


async def test_one_proof_ends_all_matches_of_who_is_listed_often(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):  # as an origin lists that has its own idea of one person
        await trio.publish(WHO)
        await trio.forget_listed("a.demo")
    other = "other@mail.example"
    await trio.publish(other, at="c.demo", by=("a.demo", "b.demo"))
    for name in NAMES:
        limit_disputes(trio, name, 2, monkeypatch)

    for person in (WHO, other):
        await prove(trio, person)
        assert await matching(trio, person) == []
        for name in NAMES:
            status = await trio[name].services.node.status()
            assert status.disputes_beyond_budget == {}


@pytest.mark.parametrize("waits", [False, True])
async def test_that_a_person_is_a_minor_is_heard_once(
    trio: Fleet, *, waits: bool
) -> None:
    await trio.publish(WHO)
    origin = trio["a.demo"]

    async def waiting() -> dict[str, DisputeAnswer]:
        listed = (await origin.services.disputes.list(RUTH)).disputes
        return {each.contention: each for each in listed if each.state == "open"}

    await prove(trio, WHO)
    if not waits:
        await rule(trio, (await waiting())["conduct_denied"])
    await prove(trio, WHO, age=Age.MINOR)
    assert await matching(trio) == []
    found = await waiting()
    assert set(found) == ({"conduct_denied", "minor"} if waits else {"minor"})
    assert {each.weight for each in found.values()} == {"suspends"}
    await rule(trio, found["minor"], by=MAX)  # a ruling is on all that waits
    assert await matching(trio) == list(NAMES)
    for number, (at, age) in enumerate(product(OTHERS, Age), 1):
        await prove(trio, WHO, at, age=age, number=number)
        assert await matching(trio) == list(NAMES)
    for name in NAMES:
        charged = await trio[name].base.store.read(
            lambda r: r.suspensions_since("b.demo", 0, attested=False)
        )
        assert charged == 2


async def prove(
    trio: Fleet,
    person: str,
    at: str = "b.demo",
    *,
    age: Age = Age.ADULT,
    number: int = 0,
) -> None:
    """Dispute with a code that was sent to the person."""
    opened = Opened(
        kind=RequestKind.DISPUTE,
        person=read_person(Question(kind=Kind.EMAIL, value=person), pointer=""),
        control=Control.MAILED_CODE,
        way=Way.FORM,
        language=Language.EN,
        proof=sha256(f"{person} {age} {number}".encode()).digest(),
        age=age,
    )
    requests = trio[at].services.requests
    assert isinstance(requests, Requests)
    await requests.open_proved(opened, FORM)
    await trio.level(at, [name for name in NAMES if name != at])


async def test_what_came_in_a_flood_is_ruled_on_in_the_end(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals = [await trio.publish(f"person{n}@mail.example") for n in range(2)]
    limit_disputes(trio, "a.demo", 1, monkeypatch)
    opened = [await dispute(trio, signal) for signal in signals]
    origin = trio["a.demo"]
    before = await origin.services.disputes.show(opened[1].dispute, RITA)
    assert await weigh_again(origin.desk) == 0
    trio.clock.advance(timedelta(days=1))
    await weigh_again(origin.desk)  # the node's own clockwork may be faster
    after = await origin.services.disputes.show(opened[1].dispute, RITA)
    state = await origin.services.signals.show(signals[1], RITA)

    assert (before.weight, after.weight) == ("flood", "suspends")
    assert before.due_at < after.due_at
    assert state.state is SignalState.DISPUTED
    assert await trio.audit("a.demo", "rights.disputes_weighed")
    trio.clock.advance(timedelta(days=16))
    await tick(trio)
    found = await eventually(lambda: ended(trio, opened[1].dispute))
    assert found is not None
    assert found.state == "lapsed"


async def test_disputes_survive_a_restart(fleet: Fleet) -> None:
    await fleet.start(*NAMES)
    await fleet.covered()
    signal = await fleet.publish(WHO)
    opened = await dispute(fleet, signal)
    await fleet.stop("c.demo")
    disputes = fleet["a.demo"].services.disputes
    await disputes.rule(opened.dispute, STANDS, RUTH)
    await fleet.start("c.demo")
    await fleet.covered()
    await fleet.level("a.demo", OTHERS)

    assert await matching(fleet) == list(NAMES)
