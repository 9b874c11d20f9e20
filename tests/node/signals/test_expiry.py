# SPDX-License-Identifier: Apache-2.0
import asyncio
from datetime import timedelta

import msgspec
import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, Clocked, Node, request_for
from tests.support.fleet import Fleet

from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
    Question,
    SignalState,
)
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import DETAIL, Event
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.signals import expiry
from fedsafe_node.signals.expiry import Expired, expire_signals
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_policies.vocabulary import Purpose, Scope

PERSON = "person@mail.example"
ADDRESS = "9.9.9.9"


def until(row: SignalRow, clock: Clocked, *, erase: bool = False) -> timedelta:
    end = row.erase_after if erase else row.match_until
    return timedelta(seconds=end - clock.now().timestamp())


@pytest.mark.promise("LR-12")
async def test_a_signal_ends_at_its_date_and_is_erased_later(
    node: Node, clock: Clocked
) -> None:
    request = request_for(ADDRESS, kind=Kind.IP)
    answer = await node.signals.add(request, ANNA)
    (row,) = await node.rows()
    token = row.token
    assert token is not None

    clock.advance(until(row, clock) - timedelta(seconds=1))
    assert await expire_signals(node.desk) == Expired()
    assert len((await node.look_up(ADDRESS, Kind.IP)).matches) == 1
    clock.advance(timedelta(seconds=1))
    assert (await node.look_up(ADDRESS, Kind.IP)).matches == []
    assert await expire_signals(node.desk) == Expired(expired=1)
    assert node.desk.lists.rows(token) == (row.row,)  # for the person's access
    assert (await node.signals.show(answer.signal, ANNA)).state is SignalState.EXPIRED

    assert row.erase_after > row.match_until
    clock.advance(until(row, clock, erase=True))
    assert await expire_signals(node.desk) == Expired(erased=1)
    (row,) = await node.rows()
    assert (row.status, row.token) == (SignalStatus.ERASED, None)
    assert node.desk.lists.rows(token) == ()
    opening = await node.store.read(lambda r: r.opening(row.log, row.index, row.group))
    assert opening is None
    assert await expire_signals(node.desk) == Expired()


async def test_custody_goes_with_the_opening(node: Node, clock: Clocked) -> None:
    answer = await node.signals.add(request_for(PERSON, scope=Scope.FEDERATION), ANNA)
    await node.signals.approve([answer.signal], RITA)
    row = (await node.rows())[-1]

    clock.advance(until(row, clock, erase=True))
    done = await expire_signals(node.desk)

    assert done == Expired(expired=1, erased=1)
    signal_id = read_signal_id(answer.signal)
    assert await node.store.read(lambda reader: reader.custody(signal_id)) is None


async def test_a_revoked_signal_loses_its_token_at_its_date(
    node: Node, clock: Clocked
) -> None:
    signal_id = read_signal_id(await node.publish("ab" * 32))
    await node.store.write(
        lambda tx: tx.set_signal_status("a.demo", signal_id, SignalStatus.REVOKED)
    )
    (row,) = await node.rows()

    clock.advance(until(row, clock, erase=True))

    assert await expire_signals(node.desk) == Expired(erased=1)
    (row,) = await node.rows()
    assert row.token is None


async def test_a_draft_that_nobody_decides_ends_too(node: Node, clock: Clocked) -> None:
    request = request_for(ADDRESS, kind=Kind.IP, scope=Scope.FEDERATION)
    answer = await node.signals.add(request, ANNA)
    (row,) = await node.rows()

    clock.advance(until(row, clock))
    done = await expire_signals(node.desk)

    assert done == Expired(withdrawn=1)
    shown = await node.signals.show(answer.signal, ANNA)
    assert shown.state is SignalState.WITHDRAWN
    (row,) = await node.rows()
    assert row.status is SignalStatus.ERASED
    signal_id = read_signal_id(answer.signal)
    assert await node.store.read(lambda reader: reader.custody(signal_id)) is None


async def test_a_draft_that_cannot_be_read_is_withdrawn(
    node: Node, keys: PeriodKeys
) -> None:
    await node.signals.add(request_for(PERSON, scope=Scope.FEDERATION), ANNA)
    await asyncio.to_thread(keys.destroy, "2026-11", present="2026-12")

    assert await expire_signals(node.desk) == Expired(withdrawn=1)


async def test_more_than_a_batch_ends_in_one_run_and_is_counted(
    node: Node, clock: Clocked
) -> None:
    count = expiry.BATCH + 1
    requests = [
        request_for(number.to_bytes(32).hex(), kind=Kind.SHA256)
        for number in range(count)
    ]
    await node.signals.add_many(ImportRequest(signals=requests), ANNA)
    row = (await node.rows())[0]

    clock.advance(until(row, clock, erase=True))
    done = await expire_signals(node.desk)

    assert done == Expired(expired=count, erased=count)
    assert {row.status for row in await node.rows()} == {SignalStatus.ERASED}
    events = [event for event, _ in await node.events()]
    assert events.count(Event.EXPIRED) == 2
    log = node.desk.trail.log
    kept = await node.store.scan(lambda reader: reader.openings(log, count, 10))
    told = [
        msgspec.json.decode(item.opening.payload)["erased"]
        for item in kept
        if item.opening is not None and item.group == DETAIL and item.index > count
    ]
    assert told == [expiry.BATCH, 1]


async def test_a_signal_that_is_erased_before_its_turn_is_counted_as_expired(
    node: Node, clock: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.signals.add(request_for(PERSON), ANNA)
    (row,) = await node.rows()
    clock.advance(until(row, clock, erase=True) - timedelta(days=10))
    today = clock.now().date().isoformat()
    await node.signals.add(request_for(ADDRESS, kind=Kind.IP, removed_on=today), ANNA)
    _, address = await node.rows()
    monkeypatch.setattr("fedsafe_node.signals.expiry.BATCH", 1)
    clock.advance(until(address, clock, erase=True))

    assert address.match_until < row.match_until <= row.erase_after
    assert row.erase_after < address.erase_after
    assert await expire_signals(node.desk) == Expired(expired=2, erased=2)


AGEING = [
    (Question(kind=Kind.PHONE, value="+491701234567"), 184),
    (Question(kind=Kind.IP, value=ADDRESS), 7),
    (
        Question(
            kind=Kind.DEVICE,
            value="0f8fad5b-d9cb-469f-a165-70867728950e",
            namespace="play.example",
        ),
        366,
    ),
]


@pytest.mark.parametrize(("about", "days"), AGEING)
@pytest.mark.parametrize("scope", [Scope.SELF, Scope.FEDERATION])
async def test_an_identifier_ages_and_matches_no_more(
    node: Node, clock: Clocked, about: Question, days: int, scope: Scope
) -> None:
    today = clock.now().date().isoformat()
    wanted = request_for(PERSON, scope=scope, removed_on=today)
    wanted = msgspec.structs.replace(wanted, about=about)
    answer = await node.signals.add(wanted, ANNA)
    if scope is Scope.FEDERATION:
        await node.signals.approve([answer.signal], RITA)
    ends = (await node.rows())[-1].match_until
    latest = int((clock.now() + timedelta(days=days)).timestamp())
    clock.advance(timedelta(seconds=ends - clock.now().timestamp() - 1))
    before = await matching(node, about)
    clock.advance(timedelta(seconds=1))
    after = await matching(node, about)  # whatever the job has done

    assert ends <= latest
    assert (before, after) == ([answer.signal], [])


async def matching(node: Node, about: Question) -> list[str]:
    request = LookupRequest(questions=[about], purpose=Purpose.SIGNUP_CHECK)
    answer = await node.lookups.lookup(request, BOT)
    return [match.signal for match in answer.matches]


@pytest.mark.promise("LR-12")
async def test_a_member_lets_an_identifier_age_without_its_origin(trio: Fleet) -> None:
    today = trio.clock.now().date().isoformat()
    signals = trio["a.demo"].services.signals
    wanted = request_for(
        ADDRESS, kind=Kind.IP, scope=Scope.FEDERATION, removed_on=today
    )
    draft = await signals.add(wanted, ANNA)
    await signals.approve([draft.signal], RITA)
    await trio.level("a.demo", ["b.demo"])
    before = (await trio.look_up("b.demo", ADDRESS, Kind.IP)).matches
    await trio.stop("a.demo")
    trio.clock.advance(timedelta(days=7))
    after = (await trio.look_up("b.demo", ADDRESS, Kind.IP)).matches
    done = await expire_signals(trio["b.demo"].desk)

    assert [match.signal for match in before] == [draft.signal]
    assert after == []
    assert done.expired == 1
