# SPDX-License-Identifier: Apache-2.0
import pytest
from tests.node.people.conftest import Team

from fedsafe_node.acts.people import (
    CredentialScope,
    NewCredentialRequest,
    RotateRequest,
)
from fedsafe_node.ground.errors import ForbiddenError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.credentials import People
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.known_credentials import LONGEST, MOST, KnownCredentials
from fedsafe_node.people.service_credentials import Machines
from fedsafe_policies.vocabulary import Purpose, Role

OLGA = Principal("olga", Role.OPERATOR)
BOT = Principal("bot", Role.SERVICE)
OVERLAP = 7


@pytest.fixture
def machines(team: Team) -> Machines:
    return Machines(team.office)


@pytest.fixture
def entrance(team: Team) -> Entrance:
    return Entrance(team.office, team.sessions)


async def shop(team: Team, machines: Machines, seconds: int = 3_600) -> str:
    request = NewCredentialRequest(
        name="shop",
        scope=CredentialScope.LOOKUP,
        purposes=[Purpose.MEDIA_MATCHING],
        until=team.now + seconds,
    )
    return (await machines.add(request, OLGA)).token


async def end_behind(team: Team) -> None:
    """End the credential where nobody is told."""
    row = await team.store.read(lambda reader: reader.credential_named("shop"))
    assert row is not None
    await team.store.write(lambda tx: tx.remove_credential(row.id))


async def test_what_is_known_is_not_read_again_for_a_minute(
    team: Team, machines: Machines, entrance: Entrance
) -> None:
    token = await shop(team, machines)
    first = await entrance.authenticate(token)
    await end_behind(team)

    assert await entrance.authenticate(token) == first
    assert first.purposes == frozenset({Purpose.MEDIA_MATCHING})
    team.pass_time(LONGEST)
    with pytest.raises(ForbiddenError):
        await entrance.authenticate(token)


async def test_a_credential_that_is_revoked_is_nobodys_at_once(
    team: Team, machines: Machines, entrance: Entrance
) -> None:
    token = await shop(team, machines)
    await entrance.authenticate(token)

    await machines.revoke("shop", OLGA)

    with pytest.raises(ForbiddenError):
        await entrance.authenticate(token)


async def test_a_credential_that_is_rotated_ends_with_the_overlap(
    team: Team, machines: Machines, entrance: Entrance
) -> None:
    token = await shop(team, machines)
    await entrance.authenticate(token)

    request = RotateRequest(until=team.now + 3_600, overlap=OVERLAP)
    await machines.rotate("shop", request, OLGA)

    team.pass_time(OVERLAP - 1)
    assert (await entrance.authenticate(token)).name == "shop"
    team.pass_time(1)
    with pytest.raises(ForbiddenError):
        await entrance.authenticate(token)


async def test_a_credential_that_is_known_ends_in_its_second(
    team: Team, machines: Machines, entrance: Entrance
) -> None:
    token = await shop(team, machines, seconds=5)
    await entrance.authenticate(token)

    team.pass_time(5)

    with pytest.raises(ForbiddenError):
        await entrance.authenticate(token)


async def test_whether_a_person_may_act_is_read_each_time(
    team: Team, entrance: Entrance
) -> None:
    people = People(team.store, team.office.trail, team.clock)
    token = await people.add("anna", Role.ANALYST, by="setup")
    assert (await entrance.authenticate(token)).bare

    await team.hire("anna", Role.ANALYST)

    assert not (await entrance.authenticate(token)).bare


def test_what_was_read_before_something_ended_is_not_kept() -> None:
    known = KnownCredentials()
    turn = known.turn
    known.forget()

    known.keep("c1", BOT, None, turn=turn, now=0)

    assert known.find("c1", now=0) is None
    known.keep("c1", BOT, None, turn=known.turn, now=0)
    assert known.find("c1", now=0) == BOT


def test_a_clock_that_is_set_back_makes_nothing_good_for_longer() -> None:
    known = KnownCredentials()
    known.keep("c1", BOT, None, turn=0, now=1_000)

    assert known.find("c1", now=999) is None


def test_so_many_are_kept_and_no_more() -> None:
    known = KnownCredentials()
    for number in range(MOST + 1):
        known.keep(f"c{number}", BOT, None, turn=0, now=0)

    assert known.find("c0", now=0) is None
    assert known.find(f"c{MOST}", now=0) == BOT
