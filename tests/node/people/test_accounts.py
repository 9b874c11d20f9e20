# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable

import pytest
from msgspec.structs import replace
from tests.node.people.conftest import PASSWORD, SETUP, YEAR, Team

from fedsafe_node.acts.people import (
    FirstTraining,
    NewAccountRequest,
    SetUpCodeAnswer,
    SetUpRequest,
    TrainingRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ForbiddenError,
    NodeError,
    NotFoundError,
    TooManyTriesError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.accounts import CODE_SECONDS
from fedsafe_node.people.first_administrator import add_first
from fedsafe_policies.vocabulary import Module, Role

ANNA = NewAccountRequest(name="anna", display="Anna Weber")
ORGANISATION = "Fachberatungsstelle"


async def refused(work: Awaitable[object]) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


async def first(team: Team, name: str) -> SetUpCodeAnswer:
    office = team.office
    return await add_first(office.store, office.trail, office.clock, name)


async def set_up(team: Team, code: str, name: str = "anna") -> object:
    request = SetUpRequest(name=name, code=code, password=PASSWORD)
    return await team.accounts.set_up(request, "")


async def set_up_first(team: Team, code: str, name: str) -> None:
    training = FirstTraining(organisation=ORGANISATION, until=team.now + YEAR // 2)
    request = SetUpRequest(name=name, code=code, password=PASSWORD, training=training)
    team.secrets[name] = await team.accounts.set_up(request, "")


async def test_an_account_is_set_up_by_its_own_person_once(team: Team) -> None:
    added = await team.accounts.add(ANNA, SETUP)
    await set_up(team, added.code)
    (shown,) = (await team.accounts.show()).accounts

    assert (shown.name, shown.display, shown.state) == ("anna", "Anna Weber", "active")
    assert shown.roles == []
    error = await refused(set_up(team, added.code))
    assert isinstance(error, ForbiddenError)
    assert added.code not in repr(added) + str(error)


async def test_of_two_who_set_up_at_once_one_wins(team: Team) -> None:
    added = await team.accounts.add(ANNA, SETUP)
    both = [set_up(team, added.code) for _ in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)

    assert sum(isinstance(result, ForbiddenError) for result in results) == 1


async def test_a_code_expires_and_cannot_be_guessed(team: Team) -> None:
    added = await team.accounts.add(ANNA, SETUP)
    guess = SetUpRequest(name="anna", code="AAAA-AAAA-AAAA-AAAA", password=PASSWORD)
    tries = [team.accounts.set_up(guess, "192.0.2.1") for _ in range(21)]
    *wrong, slowed = [await refused(each) for each in tries]
    nobody = await refused(set_up(team, added.code, "ben"))

    assert {str(error) for error in [*wrong, nobody]} == {str(nobody)}
    assert isinstance(slowed, TooManyTriesError)
    team.pass_time(CODE_SECONDS)
    assert isinstance(await refused(set_up(team, added.code)), ForbiddenError)


async def test_whoever_guesses_codes_keeps_the_person_not_out(team: Team) -> None:
    added = await team.accounts.add(ANNA, SETUP)
    guess = SetUpRequest(name="anna", code="AAAA-AAAA-AAAA-AAAA", password=PASSWORD)
    for _ in range(20):
        await refused(team.accounts.set_up(guess, "192.0.2.1"))

    right = SetUpRequest(name="anna", code=added.code, password=PASSWORD)
    assert (await team.accounts.set_up(right, "192.0.2.2")).name == "anna"


async def test_a_weak_password_leaves_the_code_good(team: Team) -> None:
    added = await team.accounts.add(ANNA, SETUP)
    weak = SetUpRequest(name="anna", code=added.code, password="anna weber 1")

    assert isinstance(await refused(team.accounts.set_up(weak, "")), BadRequestError)
    assert await set_up(team, added.code)


async def test_a_name_is_never_given_again(team: Team) -> None:
    await team.hire("anna")
    await team.accounts.lock("anna", SETUP)

    assert isinstance(await refused(team.accounts.add(ANNA, SETUP)), WrongStateError)
    for name in ("local", "setup"):
        taken = replace(ANNA, name=name)
        assert isinstance(
            await refused(team.accounts.add(taken, SETUP)), BadRequestError
        )
    for act in (team.accounts.lock, team.accounts.reset):
        assert isinstance(await refused(act("nobody", SETUP)), NotFoundError)


async def test_a_reset_gives_an_account_that_may_do_nothing(team: Team) -> None:
    await team.hire("anna", Role.REVIEWER)
    answer = await team.accounts.reset("anna", SETUP)
    request = SetUpRequest(name="anna", code=answer.code, password=PASSWORD)
    team.secrets["anna"] = await team.accounts.set_up(request, "")

    error = await refused(team.log_in("anna"))
    assert isinstance(error, ForbiddenError)
    assert error.authenticated
    (shown,) = (await team.accounts.show()).accounts
    assert shown.roles == []


async def test_a_locked_account_is_opened_only_by_a_reset(team: Team) -> None:
    await team.hire("anna", Role.REVIEWER)
    await team.accounts.lock("anna", SETUP)

    assert isinstance(await refused(team.log_in("anna")), ForbiddenError)
    assert (await team.accounts.show()).accounts[0].state == "locked"


async def test_a_new_authenticator_ends_the_old_one(team: Team) -> None:
    await team.hire("anna", Role.ANALYST)
    other = await team.log_in("anna")
    answer = await team.log_in("anna")
    who = await team.sessions.recognise(answer.token)
    old = team.secrets["anna"]

    team.secrets["anna"] = await team.accounts.renew_authenticator(who)

    assert not (await team.sessions.recognise(answer.token)).fresh
    await refused(team.sessions.recognise(other.token))
    new, team.secrets["anna"] = team.secrets["anna"], old
    await refused(team.log_in("anna"))
    team.secrets["anna"] = new
    assert (await team.log_in("anna")).token
    stale = Principal("anna", Role.ANALYST, who.session, fresh=False)
    assert isinstance(
        await refused(team.accounts.renew_authenticator(stale)), ForbiddenError
    )


async def test_the_first_administrator_states_their_own_training(team: Team) -> None:
    answer = await first(team, "olaf")
    training = FirstTraining(organisation=ORGANISATION, until=team.now + YEAR)
    request = SetUpRequest(
        name="olaf", code=answer.code, password=PASSWORD, training=training
    )
    for until in (team.now, team.now + 2 * YEAR):
        wrong = replace(request, training=replace(training, until=until))
        assert isinstance(
            await refused(team.accounts.set_up(wrong, "")), BadRequestError
        )
    team.pass_time(60)
    team.secrets["olaf"] = await team.accounts.set_up(request, "")

    assert (await team.principal("olaf")).role is Role.OPERATOR
    added = await team.accounts.add(ANNA, SETUP)  # now somebody may record it
    second = replace(request, name="anna", code=added.code)
    assert isinstance(await refused(team.accounts.set_up(second, "")), ForbiddenError)


async def test_a_first_administrator_is_not_let_in_without_training(
    team: Team,
) -> None:
    answer = await first(team, "olaf")
    request = SetUpRequest(name="olaf", code=answer.code, password=PASSWORD)
    error = await refused(team.accounts.set_up(request, ""))

    assert isinstance(error, BadRequestError)
    assert error.pointer == "/training"
    await set_up_first(team, answer.code, "olaf")  # the code is still good
    assert (await team.principal("olaf")).role is Role.OPERATOR


async def test_who_can_record_training_spares_a_second_one_the_statement(
    team: Team,
) -> None:
    await team.hire("anna", Role.ANALYST)  # may act, but records nobody's training
    answer = await first(team, "olaf")
    request = SetUpRequest(name="olaf", code=answer.code, password=PASSWORD)
    assert isinstance(await refused(team.accounts.set_up(request, "")), BadRequestError)
    await set_up_first(team, answer.code, "olaf")
    second = await first(team, "rita")
    await set_up(team, second.code, "rita")


async def test_a_first_administrator_who_waits_may_get_another_code(
    team: Team,
) -> None:
    lost = await first(team, "olaf")
    answer = await first(team, "olaf")
    assert isinstance(await refused(set_up(team, lost.code, "olaf")), ForbiddenError)
    await set_up_first(team, answer.code, "olaf")

    assert isinstance(await refused(first(team, "olaf")), WrongStateError)


async def test_starting_over_ends_the_code_of_whoever_waits(team: Team) -> None:
    lost = await first(team, "admin")
    team.pass_time(60)
    await first(team, "olaf")
    assert isinstance(
        await refused(set_up_first(team, lost.code, "admin")), ForbiddenError
    )
    answer = await first(team, "admin")  # and over again
    await set_up_first(team, answer.code, "admin")
    assert (await team.principal("admin")).role is Role.OPERATOR


async def test_a_first_administrator_who_never_came_stands_in_nobodys_way(
    team: Team,
) -> None:
    await first(team, "admin")
    team.pass_time(60)
    await first(team, "olaf")
    await team.accounts.reset("olaf", SETUP)
    accounts = (await team.accounts.show()).accounts

    assert [one.roles for one in accounts if one.name == "admin"] == [[]]


async def test_the_machines_owner_may_add_a_second_operator_but_no_third(
    team: Team,
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    answer = await first(team, "rita")
    await set_up(team, answer.code, "rita")
    await team.train("rita")

    assert isinstance(await refused(first(team, "zoe")), WrongStateError)


async def test_where_everybodys_training_has_lapsed_somebody_begins_anew(
    team: Team,
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("rita", Role.REVIEWER)
    assert isinstance(await refused(first(team, "zoe")), WrongStateError)
    team.pass_time(YEAR)

    answer = await first(team, "zoe")
    training = FirstTraining(organisation=ORGANISATION, until=team.now + YEAR // 2)
    request = SetUpRequest(
        name="zoe", code=answer.code, password=PASSWORD, training=training
    )
    team.secrets["zoe"] = await team.accounts.set_up(request, "")
    assert (await team.principal("zoe")).role is Role.OPERATOR


async def test_training_is_recorded_by_another_person(team: Team) -> None:
    await team.hire("anna", Role.OPERATOR)
    anna = await team.principal("anna")
    request = TrainingRequest(
        name="anna",
        module=Module.BASIC,
        organisation=ORGANISATION,
        since=team.now,
        until=team.now + YEAR,
    )

    assert isinstance(await refused(team.training.add(request, anna)), ForbiddenError)
    for wrong in (
        replace(request, since=team.now + 1),
        replace(request, until=team.now),
        replace(request, until=team.now + 2 * YEAR),
    ):
        assert isinstance(
            await refused(team.training.add(wrong, SETUP)), BadRequestError
        )
    nobody = replace(request, name="nobody")
    assert isinstance(await refused(team.training.add(nobody, SETUP)), NotFoundError)
    shown = await team.training.add(request, SETUP)
    assert (shown.valid, shown.recorded_by) == (True, "setup")
    assert shown in (await team.training.show()).trainings


async def test_every_act_is_an_event(team: Team) -> None:
    await team.hire("anna", Role.ANALYST)
    who = await team.principal("anna")
    await team.accounts.renew_authenticator(who)
    await team.sessions.end(who)
    await team.accounts.lock("anna", SETUP)
    await team.accounts.reset("anna", SETUP)
    events = [event for event, _, _ in await team.events()]

    assert events == [
        "account.added",
        "account.set_up",
        *["training.recorded"] * len(Module),
        "role.granted",
        "session.began",
        "account.authenticator",
        "session.ended",
        "account.locked",
        "account.reset",
    ]
