# SPDX-License-Identifier: Apache-2.0
import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from argon2.profiles import CHEAPEST
from msgspec.structs import replace
from tests.node.people.conftest import PASSWORD, SETUP, Team

from fedsafe_node.acts.people import LoginRequest, RoleChangeRequest, StepUpRequest
from fedsafe_node.ground.errors import (
    BadRequestError,
    ForbiddenError,
    NodeError,
    NotFoundError,
    TooManyTriesError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.passwords import Passwords
from fedsafe_node.people.sessions import FRESH, IDLE, LONGEST, Sessions
from fedsafe_node.people.throttle import login_counters
from fedsafe_node.people.vault import Vault
from fedsafe_node.store.people_rows import ThrottleRow
from fedsafe_policies.vocabulary import Module, Role


@pytest.fixture
async def anna(team: Team) -> Team:
    await team.hire("anna", Role.ANALYST)
    return team


async def refused(work: Awaitable[object]) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


async def test_a_login_makes_a_session_of_one_person_in_one_role(anna: Team) -> None:
    answer = await anna.log_in("anna")
    who = await anna.sessions.recognise(answer.token)

    assert (who.name, who.role, who.fresh) == ("anna", Role.ANALYST, True)
    assert answer.ends_at == anna.now + LONGEST
    assert answer.recovery_codes_left == 10
    assert answer.token not in repr(answer) + repr(who)


async def test_what_is_wrong_is_not_said(anna: Team) -> None:
    right = anna.login_request("anna")
    wrong = [
        replace(right, password="another long password"),
        replace(right, code="000000"),
        replace(right, name="nobody"),
        replace(right, password=""),
        replace(right, code="ä€"),
        replace(right, password="\x00"),
    ]
    answers = []
    for request in wrong:
        answers.append(await refused(anna.sessions.begin(request, "")))
        await anna.store.write(lambda tx: tx.forget_throttles(2**40))

    assert {type(error) for error in answers} == {ForbiddenError}
    assert len({str(error) for error in answers}) == 1
    assert not any(getattr(error, "authenticated", True) for error in answers)


@pytest.mark.parametrize("name", ["anna", "nobody", "invited", "locked"])
async def test_every_wrong_login_costs_the_same_work(
    anna: Team, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await anna.hire("locked", Role.ANALYST)
    await anna.accounts.lock("locked", SETUP)
    await anna.hire("invited", Role.ANALYST)
    await anna.accounts.reset("invited", SETUP)
    request = replace(anna.login_request("anna"), name=name, password="wrong password!")
    await refused(anna.sessions.begin(request, ""))  # nobody's hash is made now
    done: list[str] = []
    work, write = anna.passwords._work, anna.store.write  # noqa: SLF001

    def hashing(password: str, encoded: str | None) -> str:
        done.append("hash" if encoded is None else "verify")
        return work(password, encoded)

    async def writing(
        act: Callable[[Any], Awaitable[Any]], *, vital: bool = False
    ) -> Any:  # noqa: ANN401
        done.append("commit")
        return await write(act, vital=vital)

    monkeypatch.setattr(anna.passwords, "_work", hashing)
    monkeypatch.setattr(anna.store, "write", writing)
    await refused(anna.sessions.begin(request, ""))

    assert done == ["commit", "verify", "commit", "commit"]


async def test_a_secret_that_does_not_open_is_a_wrong_login(anna: Team) -> None:
    who, request = await anna.principal("anna"), anna.login_request("anna")
    office = dataclasses.replace(anna.office, vault=Vault(bytes(32)))
    sessions = Sessions(office)
    step_up = StepUpRequest(code=anna.code("anna"))

    error = await refused(sessions.begin(request, ""))

    assert isinstance(error, ForbiddenError)
    assert not error.authenticated
    outcomes = [outcome for _, outcome, _ in await anna.events()]
    assert outcomes[-2:] == ["unreadable_authenticator", "wrong_login"]
    assert isinstance(await refused(sessions.step_up(step_up, who)), ForbiddenError)
    recovery = anna.secrets["anna"].recovery_codes[0]
    assert (await sessions.begin(replace(request, code=recovery), "")).token


async def test_a_code_is_taken_once(anna: Team) -> None:
    request = anna.login_request("anna")
    await anna.sessions.begin(request, "")

    await refused(anna.sessions.begin(request, ""))


async def test_of_two_logins_with_one_code_one_wins(anna: Team) -> None:
    request = anna.login_request("anna")
    both = [anna.sessions.begin(request, "") for _ in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)

    assert sorted(isinstance(result, ForbiddenError) for result in results) == [
        False,
        True,
    ]


async def test_a_recovery_code_logs_in_once_and_proves_nothing_fresh(
    anna: Team,
) -> None:
    code = anna.secrets["anna"].recovery_codes[0]
    request = LoginRequest(name="anna", password=PASSWORD, code=code.lower())
    answer = await anna.sessions.begin(request, "")
    who = await anna.sessions.recognise(answer.token)

    assert answer.recovery_codes_left == 9
    assert not who.fresh
    await refused(anna.sessions.begin(request, ""))


async def test_guessing_is_slowed_down_even_for_the_right_password(
    anna: Team,
) -> None:
    right = anna.login_request("anna")
    wrong = replace(right, password="not the password")
    for _ in range(3):
        assert isinstance(await refused(anna.sessions.begin(wrong, "")), ForbiddenError)

    waiting = await refused(anna.sessions.begin(right, ""))

    assert isinstance(waiting, TooManyTriesError)
    anna.pass_time(waiting.retry_after_ms / 1_000)
    await anna.sessions.begin(right, "")  # a right one clears the account
    assert isinstance(await refused(anna.sessions.begin(wrong, "")), ForbiddenError)


async def test_whoever_guesses_from_elsewhere_keeps_nobody_out(anna: Team) -> None:
    wrong = replace(anna.login_request("anna"), password="not the password")
    for _ in range(3):
        await refused(anna.sessions.begin(wrong, "192.0.2.1"))
    error = await refused(anna.sessions.begin(wrong, "192.0.2.1"))

    assert isinstance(error, TooManyTriesError)
    for source in ("", "192.0.2.2"):
        assert (await anna.sessions.begin(anna.login_request("anna"), source)).token


async def test_many_places_that_guess_together_are_slowed_a_little(anna: Team) -> None:
    source = "192.0.2.1"
    counters = login_counters(anna.office.vault, "anna", source)
    account = ThrottleRow(counters[1].key, 999, until=0, seen_at=anna.now)
    wrong = replace(anna.login_request("anna"), password="not the password")
    await anna.store.write(lambda tx: tx.put_throttle(account))
    assert isinstance(await refused(anna.sessions.begin(wrong, source)), ForbiddenError)

    error = await refused(anna.sessions.begin(wrong, "192.0.2.2"))
    assert isinstance(error, TooManyTriesError)
    assert error.retry_after_ms <= 5_000
    assert (await anna.sessions.begin(anna.login_request("anna"), "")).token
    anna.pass_time(5)
    assert (await anna.sessions.begin(anna.login_request("anna"), "192.0.2.3")).token
    await refused(anna.sessions.begin(wrong, "192.0.2.2"))  # it was cleared


async def test_names_that_nobody_has_are_slowed_down_alike(anna: Team) -> None:
    request = replace(anna.login_request("anna"), name="nobody")
    for _ in range(3):
        assert isinstance(
            await refused(anna.sessions.begin(request, "")), ForbiddenError
        )

    assert isinstance(
        await refused(anna.sessions.begin(request, "")), TooManyTriesError
    )


async def test_many_that_are_let_in_at_one_place_slow_nobody_down(anna: Team) -> None:
    for _ in range(40):
        request = anna.login_request("anna")
        assert (await anna.sessions.begin(request, "192.0.2.1")).token


async def test_one_place_that_tries_many_names_is_slowed_down(anna: Team) -> None:
    request = anna.login_request("anna")
    for number in range(20):
        guess = replace(request, name=f"n{number}")
        assert isinstance(
            await refused(anna.sessions.begin(guess, "192.0.2.1")), ForbiddenError
        )

    error = await refused(anna.sessions.begin(request, "192.0.2.1"))
    assert isinstance(error, TooManyTriesError)
    assert error.retry_after_ms <= 60_000
    assert (await anna.sessions.begin(request, "192.0.2.2")).token


async def test_only_names_that_somebody_has_become_events(anna: Team) -> None:
    request = replace(anna.login_request("anna"), password="not the password")
    await refused(anna.sessions.begin(request, ""))
    await refused(anna.sessions.begin(replace(request, name="typed-password"), ""))
    events = await anna.events()
    rows = [event for event in events if event[0] == "session.refused"]

    assert len(rows) == 1
    assert "anna" in rows[0][2]
    assert "typed-password" not in "".join(text for _, _, text in events)


async def test_no_secret_reaches_the_audit_log(anna: Team) -> None:
    answer = await anna.log_in("anna")
    secrets = anna.secrets["anna"]
    text = "".join(text for _, _, text in await anna.events())

    for secret in (answer.token, secrets.secret, PASSWORD, *secrets.recovery_codes):
        assert secret not in text


async def test_a_session_ends_when_nobody_uses_it(anna: Team) -> None:
    answer = await anna.log_in("anna")
    for _ in range(3):
        anna.pass_time(IDLE - 1)
        await anna.sessions.recognise(answer.token)
    anna.pass_time(IDLE)

    error = await refused(anna.sessions.recognise(answer.token))
    assert isinstance(error, ForbiddenError)
    assert not error.authenticated


async def test_a_session_ends_however_busy_it_is(anna: Team) -> None:
    answer = await anna.log_in("anna")
    for _ in range(LONGEST // 1_200):
        await anna.sessions.recognise(answer.token)
        anna.pass_time(1_200)

    await refused(anna.sessions.recognise(answer.token))


async def test_a_clock_that_is_set_back_revives_no_session(anna: Team) -> None:
    early = await anna.log_in("anna")
    anna.pass_time(IDLE)
    await refused(anna.sessions.recognise(early.token))
    anna.pass_time(-IDLE)
    await refused(anna.sessions.recognise(early.token))

    late = await anna.log_in("anna")
    anna.pass_time(-60)
    assert not (await anna.sessions.recognise(late.token)).fresh
    anna.pass_time(-1)
    await refused(anna.sessions.recognise(late.token))
    anna.pass_time(61)
    await refused(anna.sessions.recognise(late.token))


async def test_ending_locking_and_resetting_end_sessions_at_once(anna: Team) -> None:
    for act in ("end", "lock", "reset"):
        await anna.hire(act, Role.ANALYST)
        answer = await anna.log_in(act)
        who = await anna.sessions.recognise(answer.token)
        if act == "end":
            await anna.sessions.end(who)
        else:
            await getattr(anna.accounts, act)(act, SETUP)
        await refused(anna.sessions.recognise(answer.token))


async def test_a_role_lapses_in_the_second_in_which_its_training_expires(
    team: Team,
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    ends = (await team.training.show()).trainings[0].until
    team.pass_time(ends - team.now - 100)
    answer = await team.log_in("olaf")
    team.pass_time(ends - team.now - 1)
    assert (await team.sessions.recognise(answer.token)).role is Role.OPERATOR
    team.pass_time(1)

    error = await refused(team.sessions.recognise(answer.token))
    assert isinstance(error, ForbiddenError)
    assert error.authenticated
    assert isinstance(await refused(team.log_in("olaf")), ForbiddenError)
    await team.train("olaf", Module.BASIC)
    assert (await team.sessions.recognise(answer.token)).role is Role.OPERATOR


async def test_who_has_several_roles_chooses_one(team: Team) -> None:
    await team.hire("anna", Role.ANALYST, Role.REVIEWER)
    error = await refused(team.log_in("anna"))

    assert isinstance(error, BadRequestError)
    assert (error.code, error.pointer) == ("choose_role", "/role")
    assert (await team.principal("anna", Role.REVIEWER)).role is Role.REVIEWER
    assert isinstance(await refused(team.log_in("anna", Role.OPERATOR)), ForbiddenError)


async def test_proof_grows_old_and_is_renewed(anna: Team) -> None:
    answer = await anna.log_in("anna")
    anna.pass_time(FRESH)
    who = await anna.sessions.recognise(answer.token)
    assert not who.fresh
    code = anna.code("anna")

    await anna.sessions.step_up(StepUpRequest(code=code), who)

    assert (await anna.sessions.recognise(answer.token)).fresh
    used = await refused(anna.sessions.step_up(StepUpRequest(code=code), who))
    recovery = anna.secrets["anna"].recovery_codes[0]
    error = await refused(anna.sessions.step_up(StepUpRequest(code=recovery), who))
    assert "recovery code only logs in" in str(error)
    assert "recovery" not in str(used)


async def test_steps_up_cannot_be_guessed(anna: Team) -> None:
    who = await anna.principal("anna")
    for _ in range(3):
        await refused(anna.sessions.step_up(StepUpRequest(code="000000"), who))

    error = await refused(anna.sessions.step_up(StepUpRequest(code="000000"), who))
    assert isinstance(error, TooManyTriesError)


async def test_a_credential_is_no_session(anna: Team) -> None:
    bot = Principal("bot", Role.SERVICE)

    stepping = anna.sessions.step_up(StepUpRequest(code="1"), bot)
    assert isinstance(await refused(stepping), ForbiddenError)
    assert isinstance(await refused(anna.sessions.end(bot)), ForbiddenError)


async def test_a_password_is_hashed_anew_when_parameters_rise(anna: Team) -> None:
    dearer = Passwords(dataclasses.replace(CHEAPEST, time_cost=2))
    stronger = Sessions(dataclasses.replace(anna.office, passwords=dearer))
    await stronger.begin(anna.login_request("anna"), "")
    row = await anna.store.read(lambda r: r.person_named("anna"))

    assert row is not None
    assert "t=2" in (row.password or "")
    assert (await stronger.begin(anna.login_request("anna"), "")).token
    await asyncio.to_thread(dearer.close)


async def test_a_person_sees_their_own_sessions_and_ends_them(anna: Team) -> None:
    await anna.hire("ben", Role.ANALYST)
    of_ben = await anna.principal("ben")
    first = await anna.log_in("anna")
    await anna.log_in("anna")
    who = await anna.principal("anna")
    shown = (await anna.sessions.show(who)).sessions

    assert [each.current for each in shown] == [True, False, False]
    assert shown[0].way == "password"
    assert shown[0].idle_until == shown[0].seen_at + IDLE
    assert shown[0].ends_at == shown[0].began_at + LONGEST
    assert first.token not in repr(shown)

    ended = await anna.sessions.end_named(shown[2].session, who)
    assert (ended.name, ended.ended) == ("anna", 1)
    await refused(anna.sessions.recognise(first.token))
    foreign = (await anna.sessions.show(of_ben)).sessions[0].session
    assert isinstance(
        await refused(anna.sessions.end_named(foreign, who)), NotFoundError
    )
    assert (await anna.sessions.end_others(who)).ended == 1
    assert (await anna.sessions.end_others(who)).ended == 0
    assert len((await anna.sessions.show(who)).sessions) == 1
    assert len((await anna.sessions.show(of_ben)).sessions) == 1
    events = [event for event, _, _ in await anna.events()]
    assert events.count("session.ended") == 2


async def test_a_session_that_is_over_is_not_shown(anna: Team) -> None:
    await anna.log_in("anna")
    anna.pass_time(IDLE)
    who = await anna.principal("anna")

    assert [each.current for each in (await anna.sessions.show(who)).sessions] == [True]


async def test_who_may_lock_an_account_may_end_its_sessions_alone(anna: Team) -> None:
    answers = [await anna.log_in("anna") for _ in range(2)]
    ended = await anna.sessions.end_all_of("anna", SETUP)

    assert (ended.name, ended.ended) == ("anna", 2)
    for answer in answers:
        await refused(anna.sessions.recognise(answer.token))
    assert (await anna.sessions.end_all_of("anna", SETUP)).ended == 0
    told = [each for each in await anna.events() if each[0] == "account.logged_out"]
    assert len(told) == 1
    assert isinstance(
        await refused(anna.sessions.end_all_of("nobody", SETUP)), NotFoundError
    )
    assert (await anna.log_in("anna")).token


async def test_a_session_goes_on_in_another_role_under_another_token(
    team: Team,
) -> None:
    await team.hire("anna", Role.ANALYST, Role.REVIEWER)
    before = await team.log_in("anna", Role.ANALYST)
    who = await team.sessions.recognise(before.token)
    team.pass_time(60)
    after = await team.sessions.change_role(RoleChangeRequest(Role.REVIEWER), who)
    now = await team.sessions.recognise(after.token)

    assert (now.role, now.fresh) == (Role.REVIEWER, True)
    assert after.ends_at == before.ends_at
    await refused(team.sessions.recognise(before.token))
    error = await refused(
        team.sessions.change_role(RoleChangeRequest(Role.OPERATOR), now)
    )
    assert isinstance(error, ForbiddenError)
    assert (await team.sessions.recognise(after.token)).role is Role.REVIEWER
    assert (await team.events())[-1][0] == "session.role"
    ended = await refused(
        team.sessions.change_role(RoleChangeRequest(Role.ANALYST), who)
    )
    assert isinstance(ended, ForbiddenError)


async def test_a_session_goes_on_under_a_new_token(anna: Team) -> None:
    before = await anna.log_in("anna")
    who = await anna.sessions.recognise(before.token)
    after = await anna.sessions.renew(who)

    assert after.token != before.token
    assert (await anna.sessions.recognise(after.token)).fresh
    await refused(anna.sessions.recognise(before.token))
    await refused(anna.sessions.renew(who))
    await refused(anna.sessions.renew(SETUP))


async def test_what_nobody_asked_for_puts_no_end_off(anna: Team) -> None:
    answer = await anna.log_in("anna")
    for _ in range(2):
        anna.pass_time(IDLE // 2 - 1)
        await anna.sessions.recognise(answer.token, idle=True)
    anna.pass_time(2)

    await refused(anna.sessions.recognise(answer.token, idle=True))
