# SPDX-License-Identifier: Apache-2.0
"""A repeated request gets the answer of the act that happened; none happens twice."""

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.node.api.conftest import STAFF_TOKEN, Api
from tests.node.conftest import FixedClock

from fedsafe_node.acts.bodies import ApproveAnswer
from fedsafe_node.ground.errors import (
    ConflictError,
    StoreFailedError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.rules.idempotency import (
    KEPT_SECONDS,
    InFlight,
    Once,
    SentAlreadyError,
    StoredAnswers,
    UnclearError,
    recognise,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import IdempotencyRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Role

KEY = "0f9b7c1e-6a3d-4c55-9f00-1f2e3d4c5b6a"
HEADERS = {"Idempotency-Key": KEY}
SIGNAL = {
    "about": {"kind": "email", "value": "anna@example.de"},
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "r-1",
}
WHO = Principal("shop-backend", Role.SERVICE)


async def test_a_repetition_gets_the_same_answer(api: Api) -> None:
    first = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)
    second = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)

    assert (first.status, second.status) == (201, 201)
    assert await first.read() == await second.read()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(api.memory.signals) == 1


async def test_who_loses_to_another_process_gets_its_answer(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)
    find, looks = api.memory.find, iter([True])

    async def find_late(key: str) -> IdempotencyRow | None:
        return None if next(looks, False) else await find(key)

    monkeypatch.setattr(api.memory, "find", find_late)
    api.memory.failure = ConflictError("the key is taken")
    second = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)

    assert (second.status, await second.read()) == (201, await first.read())
    assert second.headers["Idempotency-Replayed"] == "true"


async def test_a_gate_record_that_is_repeated_is_entered_once(api: Api) -> None:
    headers = HEADERS | {"Authorization": f"Bearer {STAFF_TOKEN}"}
    record = {"dpia": "file-12"}
    first = await api.http.post("/v1/gate", json=record, headers=headers)
    second = await api.http.post("/v1/gate", json=record, headers=headers)

    assert (first.status, await first.read()) == (200, await second.read())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert sum(isinstance(call, tuple) for call in api.memory.calls) == 1


async def test_quotes_around_the_key_mean_nothing(api: Api) -> None:
    for key in (KEY, f'"{KEY}"'):
        headers = {"Idempotency-Key": key}
        await api.http.post("/v1/signals", json=SIGNAL, headers=headers)

    assert len(api.memory.signals) == 1


async def test_another_request_under_the_key_is_refused(api: Api) -> None:
    await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)
    other = await api.http.post(
        "/v1/signals", json=SIGNAL | {"rule": "r-2"}, headers=HEADERS
    )
    elsewhere = await api.http.post(
        "/v1/signals/import", json={"signals": [SIGNAL]}, headers=HEADERS
    )

    for response in (other, elsewhere):
        assert response.status == 422
        assert (await response.json())["code"] == "idempotency_mismatch"
    assert len(api.memory.signals) == 1


async def test_a_key_belongs_to_its_asker(api: Api) -> None:
    staff = {"Authorization": f"Bearer {STAFF_TOKEN}"}
    await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)
    response = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS | staff)

    assert response.status == 201
    assert len(api.memory.signals) == 2


async def test_a_repetition_does_not_overtake_the_act(api: Api) -> None:
    api.memory.hold = asyncio.Event()
    first = asyncio.create_task(
        api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)
    )
    await api.memory.arrived.wait()
    second = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)
    api.memory.hold.set()

    assert (second.status, (await second.json())["code"]) == (409, "in_flight")
    assert (await first).status == 201


async def test_a_refused_act_may_be_tried_again(api: Api) -> None:
    api.memory.failure = WrongStateError("wrong_state", "not now")
    first = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)
    api.memory.failure = None
    second = await api.http.post("/v1/signals", json=SIGNAL, headers=HEADERS)

    assert (first.status, second.status) == (409, 201)


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "anna@example.de-1234567", "ü"])
async def test_a_key_must_look_random(api: Api, key: str) -> None:
    response = await api.http.post(
        "/v1/signals", json=SIGNAL, headers={"Idempotency-Key": key}
    )

    assert response.status == 400
    assert (await response.json())["code"] == "invalid_idempotency_key"
    assert api.memory.signals == {}


def test_nothing_of_key_or_body_is_kept() -> None:
    body = b'{"value":"anna@example.de"}'
    once = recognise(KEY, WHO, route="POST /v1/signals", body=body, status=201)
    row = once.row(ApproveAnswer(approved=[], problems=[]), now=7)

    kept = row.key.encode() + row.request_digest + row.body
    assert KEY.encode() not in kept
    assert b"anna" not in kept
    assert row.expires_at == 7 + KEPT_SECONDS


@pytest.fixture
def periods(tmp_path: Path) -> PeriodKeys:
    return PeriodKeys(tmp_path / "periods")


@pytest.fixture
def others(tmp_path: Path) -> PeriodKeys:
    return PeriodKeys(tmp_path / "others")


class Said(msgspec.Struct):
    """An answer that names somebody."""

    subject_ref: str


async def keep(
    store: Store, clock: FixedClock, periods: PeriodKeys | None, *, packed: bool
) -> Once:
    once = recognise(
        KEY,
        WHO,
        route="POST /v1/x",
        body=b"{}",
        status=200,
        packed=packed,
        periods=periods,
    )
    now = int(clock.now().timestamp())
    row = await asyncio.to_thread(lambda: once.row(Said("acc-4711"), now=now))
    await store.write(lambda tx: tx.add_idempotent_answer(row))
    return once


@pytest.mark.parametrize("packed", [True, False])
async def test_an_answer_is_kept_under_the_key_of_its_month(
    store: Store,
    clock: FixedClock,
    periods: PeriodKeys,
    others: PeriodKeys,
    *,
    packed: bool,
) -> None:
    once = await keep(store, clock, periods, packed=packed)

    row = await store.read(lambda reader: reader.idempotent_answer(once.key))
    assert row is not None
    assert b"4711" not in row.body
    kept = await StoredAnswers(store, clock, periods).find(once.key)
    assert kept is not None
    assert b"acc-4711" in kept.body
    with pytest.raises(StoreFailedError):
        await StoredAnswers(store, clock, others).find(once.key)
    await asyncio.to_thread(others.seal, period_of(clock.now()), b"", b"")
    with pytest.raises(StoreFailedError):
        await StoredAnswers(store, clock, others).find(once.key)


@pytest.mark.parametrize("packed", [True, False])
async def test_an_answer_of_before_is_given_as_it_is(
    store: Store, clock: FixedClock, periods: PeriodKeys, *, packed: bool
) -> None:
    once = await keep(store, clock, None, packed=packed)

    answers = StoredAnswers(store, clock, periods)
    kept = await answers.find(once.key)
    assert kept is not None
    assert b"acc-4711" in kept.body


async def test_the_store_keeps_act_and_answer_together(
    store: Store, clock: FixedClock, periods: PeriodKeys
) -> None:
    answers = StoredAnswers(store, clock, periods)
    once = recognise(KEY, WHO, route="POST /v1/x", body=b"{}", status=200)
    now = int(clock.now().timestamp())
    row = once.row(ApproveAnswer(approved=[], problems=[]), now=now)

    async def act(tx: Transaction) -> None:
        await tx.set_meta("acts", b"1")
        await tx.add_idempotent_answer(row)

    assert await answers.find(once.key) is None
    await store.write(act)
    assert await answers.find(once.key) == row
    with pytest.raises(ConflictError):
        await store.write(act)
    clock.advance(timedelta(seconds=KEPT_SECONDS))
    assert await answers.find(once.key) is None


def sent(periods: PeriodKeys, body: bytes = b"{}") -> Once:
    """Recognise a form whose answer is not kept."""
    return recognise(
        KEY, WHO, route="POST /v1/x", body=body, status=200, periods=periods
    )


async def test_what_was_done_is_not_begun_again(
    store: Store, clock: FixedClock, periods: PeriodKeys
) -> None:
    answers, once = StoredAnswers(store, clock, periods), sent(periods)

    await answers.end(once, await answers.begin(once), done=True)

    with pytest.raises(SentAlreadyError):
        await answers.begin(once)
    assert await answers.begin(sent(periods, b'{"other": 1}')) == 0


async def test_what_was_refused_may_be_begun_again(
    store: Store, clock: FixedClock, periods: PeriodKeys
) -> None:
    answers, once = StoredAnswers(store, clock, periods), sent(periods)

    for _ in range(3):
        await answers.end(once, await answers.begin(once), done=False)
    await answers.end(once, await answers.begin(once), done=True)

    with pytest.raises(SentAlreadyError):
        await answers.begin(once)


async def test_nobody_knows_what_came_of_an_act_that_did_not_end(
    store: Store, clock: FixedClock, periods: PeriodKeys
) -> None:
    answers, once = StoredAnswers(store, clock, periods), sent(periods)
    await answers.begin(once)  # and the node dies

    with pytest.raises(UnclearError):
        await StoredAnswers(store, clock, periods).begin(once)


async def test_of_two_processes_one_begins(
    store: Store, clock: FixedClock, periods: PeriodKeys
) -> None:
    once = sent(periods)
    one, two = (StoredAnswers(store, clock, periods) for _ in range(2))

    came = await asyncio.gather(
        one.begin(once), two.begin(once), return_exceptions=True
    )

    assert [each for each in came if each == 0] == [0]
    (refused,) = [each for each in came if each != 0]
    assert isinstance(refused, ConflictError | UnclearError)


async def test_who_waits_for_an_act_goes_on_when_it_has_ended(
    periods: PeriodKeys,
) -> None:
    keys, once, told = InFlight(), sent(periods), []

    async def wait() -> None:
        await keys.wait(once)
        told.append("ended")

    with keys.claim(once):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        assert told == []
    await waiting
    assert told == ["ended"]
