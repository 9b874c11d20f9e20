# SPDX-License-Identifier: Apache-2.0
"""One name, one person: in accounts and credentials together."""

import pytest
from msgspec.structs import replace
from tests.node.people.conftest import SETUP, YEAR, Team

from fedsafe_node.acts.people import (
    CredentialScope,
    NewAccountRequest,
    NewCredentialRequest,
    RotateRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.people.credentials import People
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.service_credentials import Machines
from fedsafe_policies.vocabulary import Purpose, Role


@pytest.fixture
def people(team: Team) -> People:
    return People(team.store, team.office.trail, team.clock)


@pytest.fixture
def machines(team: Team) -> Machines:
    return Machines(team.office)


def wanted(team: Team, name: str = "shop") -> NewCredentialRequest:
    return NewCredentialRequest(
        name=name,
        scope=CredentialScope.LOOKUP,
        purposes=[Purpose.RECHECK],
        until=team.now + YEAR,
    )


async def test_a_persons_credential_is_the_person_with_the_account(
    team: Team, people: People, entrance: Entrance
) -> None:
    token = await people.add("anna", Role.REVIEWER, by="setup")
    assert (await entrance.authenticate(token)).name == "anna"

    await team.hire("anna")  # the same name is the same person
    with pytest.raises(ForbiddenError) as caught:
        await entrance.authenticate(token)
    assert caught.value.authenticated
    await team.seat("anna", Role.REVIEWER)
    assert (await entrance.authenticate(token)).role is Role.REVIEWER
    await team.accounts.lock("anna", SETUP)
    with pytest.raises(ForbiddenError):
        await entrance.authenticate(token)


async def test_another_credential_of_a_person_is_still_that_person(
    team: Team, people: People, entrance: Entrance
) -> None:
    await team.hire("anna", Role.REVIEWER)
    token = await people.add("laptop", Role.REVIEWER, by="setup", person="anna")

    who = await entrance.authenticate(token)
    assert (who.name, who.session, who.fresh) == ("anna", None, False)


async def test_a_session_comes_in_by_the_same_door(
    team: Team, entrance: Entrance
) -> None:
    await team.hire("anna", Role.ANALYST)
    answer = await team.log_in("anna")

    who = await entrance.authenticate(answer.token)
    assert who.name == "anna"
    assert who.session is not None
    for token in ("fs2_" + "a" * 43, "fs1_" + "a" * 43):
        with pytest.raises(ForbiddenError) as caught:
            await entrance.authenticate(token)
        assert not caught.value.authenticated


@pytest.mark.parametrize("name", ["anna", "an.na", "shop", "sh0p"])
async def test_a_service_gets_no_name_that_somebody_has(
    team: Team, machines: Machines, name: str
) -> None:
    await team.hire("anna")
    await machines.add(wanted(team), SETUP)

    with pytest.raises(WrongStateError):
        await machines.add(wanted(team, name), SETUP)


@pytest.mark.parametrize("name", ["shop", "sh0p", "an-na", "ben"])
async def test_a_person_gets_no_name_that_somebody_has(
    team: Team, machines: Machines, people: People, name: str
) -> None:
    await team.hire("anna")
    await machines.add(wanted(team), SETUP)
    await people.add("b.en", Role.ANALYST, by="setup")

    with pytest.raises(WrongStateError):
        await team.accounts.add(NewAccountRequest(name=name, display="X"), SETUP)


async def test_terms_bind_a_services_credential(
    team: Team, machines: Machines, entrance: Entrance
) -> None:
    answer = await machines.add(wanted(team), SETUP)
    who = await entrance.authenticate(answer.token)

    assert (who.name, who.role, who.scope) == ("shop", Role.SERVICE, "lookup")
    assert who.purposes == frozenset({Purpose.RECHECK})
    assert answer.token not in repr(answer)
    team.pass_time(YEAR)
    with pytest.raises(ForbiddenError):
        await entrance.authenticate(answer.token)


@pytest.mark.parametrize("scope", CredentialScope)
async def test_a_credential_of_every_scope_can_be_made(
    team: Team, machines: Machines, entrance: Entrance, scope: CredentialScope
) -> None:
    purposes = [Purpose.RECHECK] if scope is CredentialScope.LOOKUP else []
    asked = replace(wanted(team), scope=scope, purposes=purposes)
    answer = await machines.add(asked, SETUP)

    assert (await entrance.authenticate(answer.token)).scope == scope
    with pytest.raises(WrongStateError) as caught:
        await machines.add(asked, SETUP)
    assert caught.value.code == "name_taken"


async def test_only_a_clash_of_names_is_called_one(
    team: Team, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ("fs1_same", bytes(32))
    monkeypatch.setattr(
        "fedsafe_node.people.service_credentials.new_credential", lambda: token
    )
    await machines.add(wanted(team), SETUP)

    with pytest.raises(ConflictError):
        await machines.add(wanted(team, "other"), SETUP)


async def test_a_rotation_overlaps_and_goes_on_in_the_same_name(
    team: Team, machines: Machines, entrance: Entrance
) -> None:
    first = await machines.add(wanted(team), SETUP)
    rotate = RotateRequest(until=team.now + YEAR, overlap=60)
    second = await machines.rotate("shop", rotate, SETUP)
    third = await machines.rotate(second.name, rotate, SETUP)

    assert [second.name, third.name] == ["shop~2", "shop~3"]
    for answer in (first, second, third):
        assert (await entrance.authenticate(answer.token)).name == "shop"
    team.pass_time(60)
    for answer in (first, second):
        with pytest.raises(ForbiddenError):
            await entrance.authenticate(answer.token)
    with pytest.raises(WrongStateError):  # expired
        await machines.rotate("shop", rotate, SETUP)
    await machines.revoke(third.name, SETUP)
    with pytest.raises(ForbiddenError):
        await entrance.authenticate(third.token)
    with pytest.raises(NotFoundError):
        await machines.revoke(third.name, SETUP)
    events = [event for event, _, _ in await team.events()]
    assert events == [
        "credential.added",
        *["credential.rotated"] * 2,
        "credential.revoked",
    ]


async def test_credentials_of_one_service_are_the_service(
    team: Team, machines: Machines, entrance: Entrance, people: People
) -> None:
    await team.hire("rita")
    first = await machines.add(wanted(team), SETUP)
    other = replace(wanted(team), name="shop-recheck", service="shop")
    second = await machines.add(other, SETUP)
    plain = await people.add("shop-old", Role.SERVICE, by="setup", person="shop")
    lone = await machines.add(replace(wanted(team), name="mail"), SETUP)
    rotate = RotateRequest(until=team.now + YEAR, service="shop")
    moved = await machines.rotate("mail", rotate, SETUP)

    assert (await entrance.authenticate(lone.token)).name == "mail"
    for token in (first.token, second.token, plain, moved.token):
        assert (await entrance.authenticate(token)).name == "shop"
    for name, service in (("x", "rita"), ("x", "r1ta"), ("x", "shop-recheck")):
        taken = replace(wanted(team), name=name, service=service)
        with pytest.raises(WrongStateError):
            await machines.add(taken, SETUP)
        with pytest.raises(ConflictError):
            await people.add(name, Role.SERVICE, by="setup", person=service)
        if service != "shop-recheck":
            to = RotateRequest(until=team.now + YEAR, service=service)
            with pytest.raises(WrongStateError):
                await machines.rotate("shop", to, SETUP)
    await machines.revoke("shop", SETUP)
    again = await machines.add(wanted(team), SETUP)
    assert (await entrance.authenticate(again.token)).name == "shop"


@pytest.mark.parametrize(
    "more",
    [
        {"purposes": []},
        {"scope": CredentialScope.PUBLISH},
        {"until": 0},
        {"until": 2**40},
        {"name": "local"},
        {"service": "local"},
        {"service": "unnamed-0"},
    ],
    ids=str,
)
async def test_terms_that_do_not_fit_are_refused(
    team: Team, machines: Machines, more: dict[str, object]
) -> None:
    with pytest.raises(BadRequestError):
        await machines.add(replace(wanted(team), **more), SETUP)


async def test_a_persons_credential_does_not_rotate(
    team: Team, machines: Machines, people: People
) -> None:
    await people.add("anna", Role.REVIEWER, by="setup")

    with pytest.raises(WrongStateError):
        await machines.rotate("anna", RotateRequest(until=team.now + 9), SETUP)
    shown = (await machines.show()).credentials
    assert [(c.name, c.holder, c.role, c.scope) for c in shown] == [
        ("anna", "anna", Role.REVIEWER, None)
    ]


@pytest.mark.parametrize(
    ("taken", "alike"),
    [("rita", "r1ta"), ("rita", "rlta"), ("bernd", "bemd"), ("leo", "l3o")],
)
async def test_a_name_that_looks_like_another_is_refused(
    team: Team, people: People, taken: str, alike: str
) -> None:
    await team.hire(taken)
    with pytest.raises(WrongStateError):
        await team.accounts.add(NewAccountRequest(name=alike, display="X"), SETUP)
    with pytest.raises(ConflictError):
        await people.add(alike, Role.REVIEWER, by="setup")
