# SPDX-License-Identifier: Apache-2.0
"""Nobody uses up what peers evaluate for persons; what waits is looked up in turn."""

from datetime import timedelta

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace
from tests.node.rights.conftest import MailBox
from tests.support.disputes import DORA, LEA, matching
from tests.support.fleet import NAMES, Fleet
from tests.support.rights_form import EN, post_all, posted
from tests.support.rights_requests import SHOP, asked, requests_of

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.requests import (
    CloseRequest,
    CollectedAnswer,
    CollectRequest,
    Language,
    RefusalGround,
    RequestKind,
    RightsRequestAnswer,
    Way,
)
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.rights import retries
from fedsafe_node.rights.request_start import Opened, read_person
from fedsafe_node.rights.requests import FORM
from fedsafe_node.rights.retries import alarm_waiting, look_up_again
from fedsafe_node.rights.shares import Share, Shares
from fedsafe_node.store.rights_rows import WaitingRow
from fedsafe_policies.documents.policy import Policy, shipped
from fedsafe_policies.vocabulary import Control, EvaluationPurpose

VICTIM = "victim@mail.example"
HOME, FAR = "192.0.2.7", "198.51.100.7"
CLOSED = CloseRequest(
    outcome="refused", reason="letter-3", ground=RefusalGround.EXCESSIVE
)


@pytest.fixture
def strict(trio: Fleet) -> Fleet:
    """Give three nodes with the budgets of evaluations that `strict` has."""
    return bounded(trio)


def bounded(fleet: Fleet, most: int | None = None) -> Fleet:
    """Let members evaluate as much as `strict` allows, or *most* an hour."""
    rights = EvaluationPurpose.RIGHTS
    budgets = shipped("strict").document.budgets
    hour = most or budgets.evaluations_an_hour[rights]
    day = 2 * most if most else budgets.evaluations_a_day[rights]
    for node in fleet.running.values():
        situation = node.base.situation
        document = situation.policy.document
        bounds = replace(
            document.budgets,
            evaluations_an_hour={
                **document.budgets.evaluations_an_hour,
                rights: hour,
            },
            evaluations_a_day={**document.budgets.evaluations_a_day, rights: day},
        )
        situation.policy = Policy(
            replace(document, budgets=bounds), situation.policy.digest
        )
    return fleet


def shares_of(fleet: Fleet) -> Shares:
    base = fleet["b.demo"].base
    return Shares(base.situation, base.store, base.office.vault, base.clock)


async def proved(
    fleet: Fleet,
    value: str,
    place: str = HOME,
    *,
    by: Kind = Kind.EMAIL,
    kind: RequestKind = RequestKind.DISPUTE,
) -> RightsRequestAnswer:
    """Open a request as the form does once it has seen the code."""
    person = read_person(Question(kind=by, value=value, region="DE"), pointer="")
    opened = Opened(
        kind=kind,
        person=person,
        control=Control.MAILED_CODE,
        way=Way.FORM,
        language=Language.EN,
        share=shares_of(fleet).share_of(person, place),
    )
    return await requests_of(fleet).open_proved(opened, FORM)


async def again(fleet: Fleet, step: timedelta = timedelta(0)) -> int:
    fleet.clock.advance(step)
    return await look_up_again(fleet["b.demo"].desk, shares_of(fleet))


async def matching_now(fleet: Fleet) -> list[str]:
    """Tell where the victim matches, once all know what b.demo has disputed."""
    await fleet.level("b.demo", ["a.demo", "c.demo"])
    return await matching(fleet, VICTIM)


async def waiting(fleet: Fleet, request: RightsRequestAnswer) -> WaitingRow | None:
    store = fleet["b.demo"].base.store
    return await store.read(lambda reader: reader.waiting(request.request))


async def collected(fleet: Fleet, opened: RightsRequestAnswer) -> CollectedAnswer:
    assert opened.collect is not None
    code = CollectRequest(request=opened.request, code=opened.collect)
    return await requests_of(fleet).collect(code, HOME)


async def test_one_domain_leaves_room_for_others(strict: Fleet) -> None:
    await strict.publish(VICTIM)
    stranger = [
        await proved(strict, f"a{n}@x{n}.stranger.example", f"198.51.{n}.7")
        for n in range(30)
    ]
    mine = await proved(strict, VICTIM)
    shown = await requests_of(strict).show(mine.request, DORA)

    assert (shown.unevaluated, mine.again_at) == ([], None)
    assert len(shown.disputes or ()) == 1
    assert await matching_now(strict) == []
    looked_up = [each for each in stranger if each.again_at is None]
    assert len(looked_up) == 25 // 3


async def test_one_network_leaves_room_for_others(strict: Fleet) -> None:
    await strict.publish(VICTIM)
    hour, proofs = 6, 7  # two networks prove more than two peers evaluate
    bounded(strict, hour)
    near = [
        await proved(strict, f"a@stranger{n}.example", f"2001:db8:1:{n:x}::/64")
        for n in range(proofs)
    ]
    far = [
        await proved(strict, f"+49151{n:04}0000", f"{FAR[:-1]}{n}", by=Kind.PHONE)
        for n in range(proofs)
    ]
    mine = await proved(strict, VICTIM)

    assert mine.again_at is None
    assert await matching_now(strict) == []
    for network in (near, far):
        looked_up = [each for each in network if each.again_at is None]
        assert len(looked_up) == hour // 3


async def test_an_hour_has_room_for_what_somebody_vouches_for(strict: Fleet) -> None:
    await strict.publish(VICTIM)
    for n in range(30):
        await proved(strict, f"a@stranger{n}.example", f"198.51.{n}.7")
    waits = await proved(strict, "person@other.example")
    vouched = await requests_of(strict).open(asked(RequestKind.DISPUTE, VICTIM), SHOP)

    assert waits.again_at is not None
    assert vouched.again_at is None
    assert await matching_now(strict) == []


async def test_turns_go_round_and_the_dispute_is_opened_then(strict: Fleet) -> None:
    signal = await strict.publish(VICTIM)
    others = [
        await proved(strict, f"a{n}@stranger{n % 3}.example", f"198.51.{n % 3}.7")
        for n in range(75)
    ]
    mine = await proved(strict, VICTIM)
    assert mine.again_at is not None
    assert sorted(await matching(strict, VICTIM)) == list(NAMES)
    before = await collected(strict, mine)
    assert before.again_at == mine.again_at
    assert before.status is not None
    assert "We have not looked everywhere yet" in before.status

    strict.clock.advance(timedelta(hours=1))
    await strict.covered()
    await again(strict)
    shown = await requests_of(strict).show(mine.request, DORA)
    assert await waiting(strict, mine) is None  # neither row nor identifier
    assert (shown.unevaluated, shown.again_at) == ([], None)
    assert [found.signal for found in shown.signals or ()] == [signal]
    assert len(shown.disputes or ()) == 1
    assert await matching_now(strict) == []
    after = await collected(strict, mine)
    assert after.status is not None
    assert "contested and rests" in after.status
    left = [each for each in others if await waiting(strict, each) is not None]
    assert 75 - 40 <= len(left) < 75 - 20  # no more than the hour has


async def test_what_waited_is_looked_up_after_a_restart(strict: Fleet) -> None:
    await strict.publish(VICTIM)
    bounded(strict, 3)
    await strict.stop("a.demo", "c.demo")
    mine = await proved(strict, VICTIM)
    officer = await requests_of(strict).open(asked(value=VICTIM), LEA)
    await requests_of(strict).answer(officer.request, LEA)
    said = (await collected(strict, officer)).text
    assert said is not None
    assert "We have not looked everywhere yet. This is still missing: epoch 1" in said
    for _ in range(10):  # nobody has answered: no try costs a share
        await again(strict, timedelta(minutes=15))
    await strict.stop("b.demo")
    await strict.start(*NAMES)
    await strict.covered()
    bounded(strict, 3)
    await again(strict, timedelta(minutes=15))

    assert await matching_now(strict) == []
    assert await waiting(strict, mine) is None
    (event,) = [
        each
        for each in await strict.audit("b.demo", "rights.looked_up")
        if mine.request in each.text
    ]
    assert VICTIM not in event.text
    anew = (await collected(strict, officer)).text  # written anew, and handed out
    assert anew is not None
    assert "We have not looked everywhere yet" not in anew
    assert "a.demo" in anew


def _person(value: str) -> Person:
    return read_person(Question(kind=Kind.EMAIL, value=value), pointer="")


async def test_what_waits_is_not_granted_and_is_forgotten_at_its_end(
    strict: Fleet,
) -> None:
    await strict.stop("a.demo", "c.demo")
    mine = await proved(strict, VICTIM)
    requests = requests_of(strict)
    row = await waiting(strict, mine)
    assert row is not None
    assert VICTIM.encode() not in row.sealed
    for outcome in ("granted", "answered"):
        closing = CloseRequest(outcome=outcome, reason="letter-3")
        with pytest.raises(WrongStateError) as refused:
            await requests.close(mine.request, closing, DORA)
        assert refused.value.code == "still_waiting"
    await requests.close(mine.request, CLOSED, DORA)

    assert await waiting(strict, mine) is None
    assert await again(strict, timedelta(hours=1)) == 0


async def test_what_waits_is_counted_with_the_oldest_s_wait(strict: Fleet) -> None:
    overview = strict["b.demo"].services.node

    async def told() -> tuple[int, int]:
        status = await overview.status()
        return status.requests_waiting, status.longest_wait_s

    assert await told() == (0, 0)
    await strict.stop("a.demo", "c.demo")
    mine = await proved(strict, VICTIM)
    strict.clock.advance(timedelta(minutes=6))
    await proved(strict, "other@mail.example")
    assert await told() == (2, 360)
    await requests_of(strict).close(mine.request, CLOSED, DORA)
    assert await told() == (1, 0)
    strict.clock.advance(-timedelta(minutes=1))
    assert await told() == (1, 0)  # a clock that went back


async def test_people_hear_of_what_waits_long_once_a_day(strict: Fleet) -> None:
    node = strict["b.demo"]
    vault = node.base.office.vault
    await strict.stop("a.demo", "c.demo")
    mine, alarms = await proved(strict, VICTIM), list[int]()
    texts = list[str]()
    for days in (6, 1, 0, 1):
        strict.clock.advance(timedelta(days=days))
        await alarm_waiting(node.desk, vault, node.base.announcer)
        told = await strict.audit("b.demo", "rights.due")
        alarms.append(sum(each.record.outcome == "alarm" for each in told))
        texts += [each.text for each in told]

    assert alarms == [0, 1, 1, 2]
    assert mine.request in texts[-1]


async def test_the_form_says_that_it_waits(mailing: Fleet, box: MailBox) -> None:
    await mailing.publish(VICTIM)
    bounded(mailing, 3)
    url = mailing["b.demo"].base.config.url
    pages: list[str] = []
    async with ClientSession(url, headers=EN) as session:
        for email in ("first@mail.example", VICTIM):
            sent = await posted(session, "/rights/code", email=email, kind="dispute")
            nonce = sent.partition('name="nonce" value="')[2].partition('"')[0]
            fields = {"email": email, "kind": "dispute", "nonce": nonce}
            fields["code"] = box.code()
            page = await post_all(session, "/rights/proof", fields, status=200)
            pages.append(page)

    said = "have not looked everywhere yet"
    assert [said in page for page in pages] == [False, True]
    assert await matching(mailing, VICTIM) == list(NAMES)
    await again(mailing, timedelta(hours=1))
    assert await matching_now(mailing) == []


async def test_a_proxy_of_the_house_is_no_network(trio: Fleet) -> None:
    shares, person = shares_of(trio), _person(VICTIM)

    def share(place: str) -> Share:
        return shares.share_of(person, place)

    assert share("192.0.2.7") == share("192.0.2.99") != share(FAR)
    assert share("2001:db8:1:2::/64") == share("2001:db8:1:3::/64")
    assert not any(share(each).place for each in ("10.1.2.3", "127.0.0.1", "fd00::1"))
    below = shares.share_of(_person("a@b.mail.example"), "")
    assert below.domain == share("").domain


async def test_a_crash_before_the_act_loses_nothing(
    strict: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await strict.publish(VICTIM)
    await strict.stop("a.demo", "c.demo")
    mine = await proved(strict, VICTIM)
    await strict.start("a.demo", "c.demo")
    await strict.covered()
    bounded(strict)

    async def dies(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(retries, "_take_up", dies)
        with pytest.raises(RuntimeError):
            await again(strict, timedelta(minutes=15))
    assert await waiting(strict, mine) is not None
    assert sorted(await matching(strict, VICTIM)) == list(NAMES)
    await again(strict)
    assert await matching_now(strict) == []
