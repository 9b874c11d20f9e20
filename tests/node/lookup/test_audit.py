# SPDX-License-Identifier: Apache-2.0
"""What a lookup leaves behind."""

import asyncio
import json
from pathlib import Path
from threading import Event

import pytest
from tests.node.signals.conftest import BOT, RITA
from tests.support.fleet import Fleet
from tests.support.lookup_questions import HASH, email
from tests.support.origin import WHO

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import BatchRequest, LookupRequest, Subject
from fedsafe_node.ground.errors import BadRequestError, DeniedError, StoreFailedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose, Surface


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


async def test_a_denied_purpose_is_written_down(alone: Fleet) -> None:
    request = LookupRequest(questions=[email()], purpose=Purpose.AUDIT_REVIEW)

    with pytest.raises(DeniedError):
        await alone["a.demo"].services.lookups.lookup(request, BOT)

    (event,) = await alone.audit("a.demo", "refused")
    assert event.record.outcome == "purpose"
    record, policy = event.record, alone["a.demo"].base.situation.policy
    assert (record.rule, record.code, record.policy) == (
        "P8",
        "purpose",
        policy.reference,
    )
    assert json.loads(event.openings["detail"]) == {
        "act": "lookup",
        "about": "audit_review",
    }
    assert await alone.audit("a.demo", "lookup") == []


async def test_a_negative_leaves_a_count_and_no_subject(trio: Fleet) -> None:
    await trio.look_up("b.demo", WHO)
    (event,) = await trio.audit("b.demo", "lookup")

    assert event.record.outcome == "none"
    assert set(event.openings) == {"actor", "detail"}
    assert b'"lookups":1' in event.openings["detail"]
    assert "account-1" not in event.text


async def test_no_value_is_in_any_audit_event(trio: Fleet) -> None:
    await trio.publish("Planted.Value@gmail.com")
    await trio.look_up("b.demo", "planted.value@gmail.com")
    await trio.look_up("b.demo", "otherplanted@mail.example")

    written = [event for name in trio.running for event in await trio.audit(name)]

    assert len(written) > 10
    assert "planted" not in "".join(event.text for event in written).lower()


@pytest.mark.promise("RM-05")
async def test_without_a_durable_event_there_is_no_answer(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = alone["a.demo"].base.store

    async def refuse(_act: object) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(store, "write", refuse)

    with pytest.raises(StoreFailedError):
        await alone.look_up("a.demo", WHO)

    monkeypatch.undo()


async def test_lookups_at_once_share_events_and_each_is_counted(trio: Fleet) -> None:
    await asyncio.gather(
        *(trio.look_up("b.demo", f"p{number}@mail.example") for number in range(20))
    )

    events = await trio.audit("b.demo", "lookup")
    details = [json.loads(event.openings["detail"]) for event in events]
    assert sum(detail["lookups"] for detail in details) == 20
    assert all("subject" not in event.openings for event in events)
    (meter,) = trio["b.demo"].services.lookups.budgets._meters.values()  # noqa: SLF001 - what counts
    now = trio.clock.now()
    assert meter.within(int(now.timestamp())).spent == 20
    kept = await trio["b.demo"].base.store.read(
        lambda reader: reader.spent(0, "local", "signup_check")
    )
    assert [row.spent for row in kept] == [20]


async def test_a_lookup_leaves_no_new_file(trio: Fleet, tmp_path: Path) -> None:
    before = files_in(tmp_path)
    await trio.look_up("b.demo", WHO)

    assert files_in(tmp_path) <= before


async def look_up_as(fleet: Fleet, who: Principal, subject: str | None) -> None:
    request = LookupRequest(
        questions=[email()],
        purpose=Purpose.MODERATION_REVIEW,
        surface=Surface.PUBLIC_CONTENT,
        subject_ref=subject,
    )
    await fleet["a.demo"].services.lookups.lookup(request, who)


async def test_whom_a_person_looked_up_stays_known_without_a_match(
    alone: Fleet,
) -> None:
    await look_up_as(alone, RITA, "account-7")
    (event,) = await alone.audit("a.demo", "lookup")

    assert event.record.outcome == "none"
    assert json.loads(event.openings["subject"]) == {
        "ref": "account-7",
        "service": "local",
    }
    assert json.loads(event.openings["detail"]) == {
        "surface": "public_content",
        "about": "moderation_review",
        "questions": 1,
    }


async def test_each_account_of_a_persons_batch_has_its_event(alone: Fleet) -> None:
    lookups = [
        Subject(questions=[email(f"p{number}@mail.example")], subject_ref=f"u-{number}")
        for number in range(3)
    ]
    batch = BatchRequest(
        lookups=lookups,
        purpose=Purpose.MODERATION_REVIEW,
        surface=Surface.PUBLIC_CONTENT,
    )
    await alone["a.demo"].services.lookups.batch(batch, RITA)
    await alone["a.demo"].services.lookups.batch(
        BatchRequest(lookups=lookups, purpose=Purpose.RECHECK), BOT
    )
    *named, counted = await alone.audit("a.demo", "lookup")

    assert [json.loads(event.openings["subject"])["ref"] for event in named] == [
        "u-0",
        "u-1",
        "u-2",
    ]
    assert "subject" not in counted.openings
    assert b'"lookups":3' in counted.openings["detail"]


async def test_a_person_looks_nobody_up_without_saying_whom(alone: Fleet) -> None:
    with pytest.raises(BadRequestError) as caught:
        await look_up_as(alone, RITA, None)

    assert caught.value.code == "subject_ref_missing"
    assert caught.value.pointer == "/subject_ref"


async def test_a_person_may_ask_about_a_file_that_is_nobodys(alone: Fleet) -> None:
    request = LookupRequest(
        questions=[Question(kind=Kind.SHA256, value=HASH)],
        purpose=Purpose.MEDIA_MATCHING,
        surface=Surface.PUBLIC_CONTENT,
    )
    await alone["a.demo"].services.lookups.lookup(request, RITA)
    (event,) = await alone.audit("a.demo", "lookup")

    assert "subject" not in event.openings


async def test_no_answer_is_given_while_the_store_stands_still(alone: Fleet) -> None:
    store, stands, let_go = alone["a.demo"].base.store, Event(), Event()

    async def stand(tx: Transaction) -> None:
        del tx
        stands.set()
        let_go.wait()

    standing = asyncio.create_task(store.write(stand))
    await asyncio.to_thread(stands.wait)
    request = LookupRequest(
        questions=[email()], purpose=Purpose.SIGNUP_CHECK, deadline_ms=10
    )
    try:
        with pytest.raises(TimeoutError):
            await alone["a.demo"].services.lookups.lookup(request, BOT)
    finally:
        let_go.set()
        await standing
