# SPDX-License-Identifier: Apache-2.0
"""A `subject_ref` is the word of the service that uses it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import ClientSession
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.lookup_questions import email

from fedsafe_node.acts.audit_upkeep import HoldRequest, SubjectRequest
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.acts.people import (
    CredentialScope,
    NewCredentialRequest,
    RotateRequest,
)
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_node.ground.subject_refs import is_about, join, split
from fedsafe_node.people.service_credentials import Machines
from fedsafe_node.people.services import naming_of
from fedsafe_node.store.review_rows import TaskRow
from fedsafe_policies.vocabulary import Purpose, Role, Surface

OLGA = Principal("olga", Role.OPERATOR)
DORA = Principal("dora", Role.DPO)
LISTED = "listed@mail.example"
YEAR = 300 * 86_400


class Provider:
    """A provider with one listed address, whose applications ask over HTTP."""

    def __init__(self, fleet: Fleet) -> None:
        self.node = fleet["a.demo"]
        self.fleet = fleet
        self.machines = Machines(self.node.base.office)
        self.until = int(fleet.clock.now().timestamp()) + YEAR

    async def credential(
        self,
        name: str,
        service: str | None = None,
        scope: CredentialScope = CredentialScope.LOOKUP,
    ) -> str:
        purposes = [Purpose.SIGNUP_CHECK] if scope is CredentialScope.LOOKUP else []
        request = NewCredentialRequest(
            name=name,
            service=service,
            scope=scope,
            purposes=purposes,
            until=self.until,
        )
        return (await self.machines.add(request, OLGA)).token

    async def ask(self, token: str, **fields: object) -> Mapping[str, Any]:
        question = {"kind": "email", "value": LISTED}
        body = {"questions": [question], "subject_ref": "4711"} | fields
        headers = {"Authorization": f"Bearer {token}"}
        async with ClientSession(self.node.base.config.url, headers=headers) as session:
            response = await session.post("/v1/lookup", json=body)
            return {"status": response.status, **await response.json()}

    async def tasks(self, subject: str) -> list[TaskRow]:
        store = self.node.base.store
        return await store.read(lambda reader: reader.tasks_about(subject))


@pytest.fixture
async def provider(alone: Fleet) -> Provider:
    await alone["a.demo"].services.signals.add(request_for(LISTED), ANNA)
    return Provider(alone)


async def test_two_services_with_one_subject_ref_have_two_tasks(
    provider: Provider,
) -> None:
    shop, forum = await provider.credential("shop"), await provider.credential("forum")
    first, second = await provider.ask(shop), await provider.ask(forum)

    assert first["result"] == second["result"] == "review"
    assert first["task"] != second["task"]
    assert (first["service"], second["service"]) == ("shop", "forum")
    assert first["subject_ref"] == second["subject_ref"] == "4711"
    for subject, answer in (("shop/4711", first), ("forum/4711", second)):
        assert [task.id for task in await provider.tasks(subject)] == [answer["task"]]
    nobody = [await provider.ask(each, subject_ref=None) for each in (shop, forum)]
    assert nobody[0]["task"] != nobody[1]["task"]
    assert nobody[0]["subject_ref"] == nobody[1]["subject_ref"]


async def test_a_service_outlives_its_credentials(provider: Provider) -> None:
    first = await provider.ask(await provider.credential("shop"))
    rotate = RotateRequest(until=provider.until, overlap=0)
    rotated = await provider.machines.rotate("shop", rotate, OLGA)
    second = await provider.ask(rotated.token)
    replaced = await provider.ask(await provider.credential("shop-2", "shop"))
    for name in ("shop", "shop~2", "shop-2"):
        await provider.machines.revoke(name, OLGA)
    anew = await provider.ask(await provider.credential("third", "shop"))

    tasks = {each["task"] for each in (first, second, replaced, anew)}
    assert len(tasks) == 1


async def test_no_application_names_accounts_of_another(provider: Provider) -> None:
    shop, _ = await provider.credential("shop"), await provider.credential("forum")
    own = await provider.ask(shop, subject_ref="shop/4711")
    refused = await provider.ask(shop, subject_ref="forum/4711")

    assert (own["result"], own["subject_ref"]) == ("review", "4711")
    assert (refused["status"], refused["code"]) == (422, "other_service")
    assert refused["pointer"] == "/subject_ref"
    assert "4711" not in json.dumps(refused)


async def test_people_name_the_account_of_the_only_service_or_say_of_which(
    provider: Provider,
) -> None:
    store = provider.node.base.store
    desk = Principal("desk", Role.SERVICE, scope="rights")

    async def of(who: Principal, written: str) -> str | None:
        naming = await store.read(lambda reader: naming_of(reader, who))
        return naming.subject(written, pointer="")

    before = await of(RITA, "u-1")
    await provider.credential("shop")
    await provider.credential("desk", scope=CredentialScope.RIGHTS)
    only = [await of(who, "u-1") for who in (RITA, desk)]
    await provider.credential("forum")
    with pytest.raises(BadRequestError, match="forum, shop") as several:
        await of(RITA, "u-1")

    assert before == "local/u-1"
    assert only == ["shop/u-1", "shop/u-1"]
    assert several.value.code == "service_missing"
    assert await of(RITA, "forum/u-1") == "forum/u-1"
    assert await of(LOCAL, "u-1") == "local/u-1"
    assert await of(LOCAL, "shop/u-1") == "shop/u-1"


async def test_what_a_person_looks_up_joins_the_service_s_review(
    provider: Provider,
) -> None:
    asked = await provider.ask(await provider.credential("shop"))
    request = LookupRequest(
        questions=[email(LISTED)],
        purpose=Purpose.MODERATION_REVIEW,
        surface=Surface.PUBLIC_CONTENT,
        subject_ref="4711",
    )
    answer = await provider.node.services.lookups.lookup(request, RITA)

    assert answer.task == asked["task"]


async def test_back_end_and_log_hear_of_which_service_an_account_is(
    provider: Provider,
) -> None:
    await provider.ask(await provider.credential("shop"))
    node = provider.node
    (task,) = await provider.tasks("shop/4711")
    (event,) = await provider.fleet.audit("a.demo", "task.opened")
    await node.base.store.write(
        lambda tx: node.reviews.announce(
            tx, EventKind.TASK_DUE, task, {"why": "reminder"}
        )
    )
    (told,) = await node.base.store.read(lambda reader: reader.provider_events(0, 9))
    shown = node.base.announcer.read(told)

    assert json.loads(event.openings["subject"]) == {"ref": "4711", "service": "shop"}
    assert shown is not None
    assert shown.subject_ref == "shop/4711"


async def test_what_one_service_s_account_is_granted_leaves_the_other_s(
    provider: Provider,
) -> None:
    for name in ("shop", "forum"):
        await provider.ask(await provider.credential(name))
    keeper = provider.node.services.keeping
    request = SubjectRequest(subject_ref="shop/4711")
    told = await keeper.telling.subject(request, DORA)
    hold = HoldRequest(reason="order:1", until=provider.until, subject_ref="forum/4711")
    placed = await keeper.holding.add(hold, DORA)

    assert {event.service for event in told.events} == {"shop"}
    assert {event.subject_ref for event in told.events} == {"4711"}
    assert (placed.service, placed.subject_ref) == ("forum", "4711")


async def test_a_service_has_a_name_of_its_own(provider: Provider) -> None:
    await provider.credential("shop")

    for name, service in (("shop-2", "local"), ("x", "unnamed-x"), ("local", None)):
        with pytest.raises(BadRequestError):
            await provider.credential(name, service)


@pytest.mark.parametrize(
    ("service", "reference"),
    [("shop", "u-1"), ("local", "unnamed-" + "0" * 32), ("a.b-c_d", "A:b.c_d-e")],
)
def test_an_account_is_service_and_reference(service: str, reference: str) -> None:
    subject = join(service, reference)

    assert split(subject) == (service, reference)
    assert is_about(subject, subject)
    assert is_about(reference, subject)  # from before services were told
    assert not is_about(join("other", reference), subject)
    assert not is_about(None, subject)
