# SPDX-License-Identifier: Apache-2.0
"""Reviews on real nodes: opened by a lookup, flagged by a revocation."""

import json

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.lookup_questions import email
from tests.support.origin import WHO

from fedsafe_node.acts.lookup import BatchRequest, LookupRequest, Result, Subject
from fedsafe_node.acts.reviews import ListedTask, TasksQuery
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Scope

OTHER = "somebody.else@mail.example"


async def waiting(fleet: Fleet, name: str) -> list[ListedTask]:
    return (await fleet[name].services.tasks.list(TasksQuery(), ANNA)).tasks


async def test_a_match_names_the_task_that_it_has_opened(alone: Fleet) -> None:
    await alone["a.demo"].services.signals.add(request_for(WHO), BOT)
    first = await alone.look_up("a.demo", WHO)
    again = await alone.look_up("a.demo", WHO)

    (task,) = await waiting(alone, "a.demo")
    assert first.result is Result.REVIEW
    assert (first.task, again.task) == (task.task, task.task)
    assert task.subject_ref == first.subject_ref == "account-1"
    lookups = await alone.audit("a.demo", "lookup")
    assert [json.loads(each.openings["detail"])["task"] for each in lookups] == [
        task.task,
        task.task,
    ]
    (opened,) = await alone.audit("a.demo", "task.opened")
    assert opened.record.rule == "P13"
    assert json.loads(opened.openings["subject"]) == {
        "ref": "account-1",
        "service": "local",
    }


async def test_the_status_counts_what_waits_for_a_person(alone: Fleet) -> None:
    node = alone["a.demo"].services.node
    await alone["a.demo"].services.signals.add(request_for(WHO), BOT)
    before = await node.status()
    await alone.look_up("a.demo", WHO)
    after = await node.status()

    assert (before.tasks_waiting, after.tasks_waiting) == (0, 1)
    assert after.review_alarms == 0


async def test_more_than_people_get_through_is_a_warning(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsafe_node.app.overview.MAX_WAITING", 1)
    node = alone["a.demo"].services
    await node.signals.add(request_for(WHO), BOT)
    await alone.look_up("a.demo", WHO)
    at_bound = await node.node.checks()
    await node.lookups.lookup(LookupRequest(questions=[email()]), BOT)

    assert "reviews" not in at_bound
    assert (await node.node.checks())["reviews"] == "2 wait for a person"


async def test_a_miss_opens_nothing(alone: Fleet) -> None:
    answer = await alone.look_up("a.demo", OTHER)

    assert answer.task is None
    assert await waiting(alone, "a.demo") == []


async def test_accounts_of_a_batch_have_a_task_each(alone: Fleet) -> None:
    lookups = alone["a.demo"].services.lookups
    await alone["a.demo"].services.signals.add(request_for(WHO), BOT)
    asked = [
        Subject(questions=[email()], subject_ref="x-1"),
        Subject(questions=[email(OTHER)], subject_ref="x-2"),
        Subject(questions=[email()]),
        Subject(questions=[email()], subject_ref="x-1"),
    ]
    answer = await lookups.batch(BatchRequest(lookups=asked), BOT)

    tasks = [found.task for found in answer.answers if found is not None]
    assert tasks[0] == tasks[3]
    assert tasks[1] is None
    named = {task.task: task.subject_ref for task in await waiting(alone, "a.demo")}
    assert set(named) == {tasks[0], tasks[2]}
    (unnamed,) = (found for found in answer.answers if found and found.task == tasks[2])
    assert unnamed.subject_ref == named[str(tasks[2])]


async def test_task_and_event_are_one_act(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await alone["a.demo"].services.signals.add(request_for(WHO), BOT)

    async def fail(*_: object) -> None:
        raise StoreFailedError("the log takes no more")

    monkeypatch.setattr(Transaction, "append_many", fail)
    with pytest.raises(StoreFailedError):
        await alone["a.demo"].services.lookups.lookup(
            LookupRequest(questions=[email()], subject_ref="account-1"), BOT
        )
    monkeypatch.undo()

    assert await waiting(alone, "a.demo") == []


async def test_no_looked_up_value_is_in_a_task(alone: Fleet) -> None:
    node = alone["a.demo"]
    await node.services.signals.add(request_for("Planted.Value@gmail.com"), BOT)
    found = await alone.look_up("a.demo", "planted.value@gmail.com")
    assert found.task is not None

    shown = await node.services.tasks.show(found.task, ANNA)

    assert "planted" not in repr(shown).lower()
    assert shown.signals[0].match is not None


async def test_a_published_signal_takes_the_place_of_its_own_ban(trio: Fleet) -> None:
    node = trio["a.demo"]
    draft = await node.services.signals.add(
        request_for(WHO, scope=Scope.FEDERATION), ANNA
    )
    found = await trio.look_up("a.demo", WHO)
    await node.services.signals.approve([draft.signal], RITA)

    (task,) = await waiting(trio, "a.demo")
    assert (task.task, task.flagged_at) == (found.task, None)
    (signal,) = (await node.services.tasks.show(task.task, RITA)).signals
    assert (signal.signal, signal.effect) == (draft.signal, None)
    assert signal.match is not None
    assert (signal.match.signal, signal.match.own) == (draft.signal, False)
    assert (await trio.look_up("a.demo", WHO)).task == task.task

    await trio.revoke(draft.signal)
    (task,) = await waiting(trio, "a.demo")
    assert task.flagged_at is not None


async def test_a_revocation_flags_the_tasks_of_all_members_in_its_act(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    for name in ("a.demo", "b.demo"):
        assert (await trio.look_up(name, WHO)).task
        assert (await waiting(trio, name))[0].flagged_at is None

    await trio.revoke(signal, by=("b.demo", "c.demo"))

    for name in ("a.demo", "b.demo"):
        (task,) = await waiting(trio, name)
        assert task.flagged_at is not None
        shown = await trio[name].services.tasks.show(task.task, RITA)
        assert [(each.effect, each.match) for each in shown.signals] == [
            ("revoked", None)
        ]
        assert len(await trio.audit(name, "task.reopened")) == 1
