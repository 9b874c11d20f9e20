# SPDX-License-Identifier: Apache-2.0
from collections.abc import Awaitable

import msgspec
import pytest
from tests.node.people.conftest import SETUP, YEAR, Team

from fedsafe_node.acts.people import (
    LAST_SECOND,
    NewAccountRequest,
    RoleRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    ForbiddenError,
    NodeError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.credentials import People
from fedsafe_node.people.person_rules import day_of
from fedsafe_node.people.service_credentials import Machines
from fedsafe_policies.vocabulary import Module, Role


async def refused(work: Awaitable[object]) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


def role(name: str, role: Role = Role.ANALYST, **more: int) -> RoleRequest:
    return RoleRequest(name=name, role=role, **more)


async def test_a_lone_administrator_grants_and_then_no_more(team: Team) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("anna")
    await team.hire("ben")
    olaf = await team.principal("olaf")

    first = await team.granting.grant(role("anna", Role.REVIEWER), olaf)
    second = await team.granting.grant(role("ben"), olaf)

    assert first.granted
    assert not second.granted
    assert second.act is not None
    assert isinstance(await refused(team.log_in("ben")), ForbiddenError)
    anna = await team.principal("anna")
    digest = bytes.fromhex(second.act.digest)
    await team.approvals.approve(second.act.act, digest, anna)
    assert (await team.principal("ben")).role is Role.ANALYST


async def test_three_people_get_their_roles_in_the_order_of_the_handbook(
    team: Team,
) -> None:
    await team.hire("dora", Role.OPERATOR)
    await team.hire("anna")
    await team.hire("ben")
    dora = await team.principal("dora")
    for given in (Role.LEGAL_ADVISER, Role.YOUTH_PROTECTION_OFFICER, Role.DPO):
        assert (await team.granting.grant(role("anna", given), dora)).granted

    async def grant(name: str, given: Role, first: Principal, second: str) -> None:
        asked = await team.granting.grant(role(name, given), first)
        assert asked.act is not None
        by = await team.principal(second, Role.DPO if second == "anna" else None)
        digest = bytes.fromhex(asked.act.digest)
        await team.approvals.approve(asked.act.act, digest, by)

    await grant("ben", Role.REVIEWER, dora, "anna")
    await grant("ben", Role.OPERATOR, dora, "anna")
    ben = await team.principal("ben", Role.OPERATOR)
    await grant("dora", Role.ANALYST, ben, "anna")
    await team.granting.end(role("dora", Role.OPERATOR), ben)

    assert (await team.principal("dora")).role is Role.ANALYST
    assert (await team.principal("ben", Role.REVIEWER)).role is Role.REVIEWER


@pytest.mark.parametrize("way", ["lock", "reset", "end", "expire"])
async def test_an_operator_who_shuts_all_others_out_grants_nothing_alone(
    team: Team, way: str
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("rita")
    await team.hire("puppet")
    olaf = await team.principal("olaf")
    until = team.now + 3_600
    await team.granting.grant(role("rita", Role.REVIEWER, until=until), olaf)
    team.pass_time(60)
    if way == "end":
        await team.granting.end(role("rita", Role.REVIEWER), olaf)
    elif way == "expire":
        team.pass_time(3_600)
    else:
        await getattr(team.accounts, way)("rita", olaf)

    for name in ("puppet", "rita"):
        answer = await team.granting.grant(role(name, Role.REVIEWER), olaf)
        assert not answer.granted


@pytest.mark.parametrize("revoked", [False, True])
async def test_who_has_but_a_credential_counts_among_the_others(
    team: Team, *, revoked: bool
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("puppet")
    olaf = await team.principal("olaf")
    people = People(team.store, team.office.trail, team.clock)
    await people.add("bot", Role.SERVICE, by="setup")
    await people.add("ari", Role.ANALYST, by="setup")
    await people.add("prometheus", Role.AUDITOR, by="setup")
    await people.add("laptop", Role.OPERATOR, by="setup", person="olaf")
    alone = await team.granting.grant(role("puppet"), olaf)
    await people.add("rita", Role.REVIEWER, by="setup")
    if revoked:
        await Machines(team.office).revoke("rita", olaf)
    answer = await team.granting.grant(role("puppet", Role.REVIEWER), olaf)

    assert alone.granted
    assert not answer.granted


async def test_a_grant_that_is_asked_for_again_waits_once(team: Team) -> None:
    for name in ("olaf", "rita"):
        await team.hire(name, Role.OPERATOR if name == "olaf" else Role.REVIEWER)
    await team.hire("ben")
    olaf, rita = await team.principal("olaf"), await team.principal("rita")
    first = (await team.granting.grant(role("ben"), olaf)).act
    team.pass_time(60)
    again = await refused(team.granting.grant(role("ben"), rita))
    other = (await team.granting.grant(role("ben", Role.DPO), olaf)).act
    until = team.now + 3_600
    changed = (await team.granting.grant(role("ben", until=until), olaf)).act
    assert first is not None
    assert other is not None
    assert changed is not None
    waiting = [act.act for act in (await team.approvals.pending()).acts]

    assert isinstance(again, WrongStateError)
    assert again.code == "already_asked"
    assert "olaf has asked for it" in again.detail
    assert set(waiting) == {other.act, changed.act}
    late = team.approvals.approve(first.act, bytes.fromhex(first.digest), rita)
    assert isinstance(await refused(late), WrongStateError)


async def test_who_had_which_role_when_can_be_told(team: Team) -> None:
    await team.hire("anna", Role.ANALYST)
    began = team.now
    team.pass_time(60)
    await team.granting.end(role("anna"), SETUP)
    ended = team.now
    team.pass_time(60)
    await team.seat("anna", Role.ANALYST)
    again = team.now
    team.pass_time(60)
    await team.accounts.reset("anna", SETUP)
    await team.seat("anna", Role.REVIEWER)
    (shown,) = (await team.accounts.show()).accounts

    assert [each.role for each in shown.roles] == [Role.REVIEWER]
    assert [(each.role, each.since, each.until) for each in shown.ended] == [
        (Role.ANALYST, began, ended),
        (Role.ANALYST, again, again + 60),
    ]


async def test_nobody_grants_or_approves_a_role_of_their_own(team: Team) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("anna", Role.REVIEWER)
    await team.hire("dora", Role.DPO)
    olaf, anna = await team.principal("olaf"), await team.principal("anna")
    own = await refused(team.granting.grant(role("olaf", Role.AUDITOR), olaf))
    answer = await team.granting.grant(role("anna", Role.LEGAL_ADVISER), olaf)
    assert answer.act is not None
    digest = bytes.fromhex(answer.act.digest)
    mine = await refused(team.approvals.approve(answer.act.act, digest, anna))

    assert isinstance(own, BadRequestError)
    assert isinstance(mine, BadRequestError)
    assert len((await team.approvals.pending()).acts) == 1  # nothing was decided


async def test_the_policy_is_asked_again_when_the_grant_takes_effect(
    team: Team,
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("dora", Role.DPO)
    await team.hire("anna")
    answer = await team.granting.grant(
        role("anna", Role.REVIEWER), await team.principal("olaf")
    )
    assert answer.act is not None
    await team.seat("anna", Role.DPO)  # meanwhile
    error = await refused(
        team.approvals.approve(
            answer.act.act,
            bytes.fromhex(answer.act.digest),
            await team.principal("dora"),
        )
    )

    assert isinstance(error, DeniedError)
    assert error.decision.code == "roles_apart"
    assert len((await team.approvals.pending()).acts) == 1
    assert [event for event, _, _ in await team.events()][-1] == "refused"


async def test_an_external_seat_has_an_end(team: Team) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.accounts.add(
        NewAccountRequest(name="dora", display="Dora", external=True), SETUP
    )
    for module in Module:
        await team.train("dora", module)
    olaf = await team.principal("olaf")
    for wrong in (role("dora", Role.DPO), role("dora", until=team.now + YEAR // 2)):
        error = await refused(team.granting.grant(wrong, olaf))
        assert isinstance(error, DeniedError)
        assert error.decision.code == "external_seat"
    answer = await team.granting.grant(
        role("dora", Role.DPO, until=team.now + YEAR // 2), olaf
    )
    assert answer.granted


async def test_an_untrained_person_gets_no_role(team: Team) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.accounts.add(NewAccountRequest(name="ben", display="Ben"), SETUP)
    await team.train("ben", Module.BASIC)
    error = await refused(
        team.granting.grant(role("ben"), await team.principal("olaf"))
    )

    assert isinstance(error, DeniedError)
    assert error.decision.rule.value == "P19"
    assert error.decision.about == "trauma_informed"


async def test_a_refused_grant_leaves_nothing(team: Team) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.accounts.add(NewAccountRequest(name="ben", display="Ben"), SETUP)
    olaf = await team.principal("olaf")

    assert isinstance(
        await refused(team.granting.grant(role("ben"), olaf)), DeniedError
    )
    assert isinstance(
        await refused(team.granting.grant(role("nobody"), olaf)), NotFoundError
    )
    for wrong in (role("ben", Role.SERVICE), role("ben", until=team.now)):
        assert isinstance(
            await refused(team.granting.grant(wrong, olaf)), BadRequestError
        )
    accounts = (await team.accounts.show()).accounts
    assert [account.roles for account in accounts if account.name == "ben"] == [[]]


async def test_a_role_is_taken_away_at_once(team: Team) -> None:
    await team.hire("anna", Role.ANALYST)
    answer = await team.log_in("anna")
    ended = await team.granting.end(role("anna"), SETUP)

    assert not ended.granted
    await refused(team.sessions.recognise(answer.token))
    assert isinstance(
        await refused(team.granting.end(role("anna"), SETUP)), NotFoundError
    )


async def test_a_role_begins_and_ends_when_it_says(team: Team) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("anna")
    start = team.now + 3_600
    await team.granting.grant(
        role("anna", since=start, until=start + 3_600), await team.principal("olaf")
    )
    await refused(team.log_in("anna"))
    team.pass_time(start - team.now)
    answer = await team.log_in("anna")
    team.pass_time(start + 3_600 - team.now - 1)
    while await _lives(team, answer.token):
        team.pass_time(1)

    assert team.now <= start + 3_600


async def _lives(team: Team, token: str) -> bool:
    try:
        await team.sessions.recognise(token)
    except ForbiddenError:
        return False
    return True


async def test_a_role_is_backdated_by_a_day_at_most_and_the_log_says_so(
    team: Team,
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("anna")
    olaf = await team.principal("olaf")
    day = 24 * 60 * 60
    for since in (0, team.now - day - 1):
        error = await refused(team.granting.grant(role("anna", since=since), olaf))
        assert isinstance(error, BadRequestError)
        assert (error.code, error.pointer) == ("bad_span", "/since")

    since = team.now - day
    assert (await team.granting.grant(role("anna", since=since), olaf)).granted
    told = [text for event, _, text in await team.events() if event == "role.granted"]
    assert f'"since":{since}' in told[-1]


async def test_a_renewal_does_not_put_off_the_role_of_now(team: Team) -> None:
    await team.hire("olaf", Role.OPERATOR)
    await team.hire("rita", Role.REVIEWER)
    await team.hire("anna")
    olaf, rita = await team.principal("olaf"), await team.principal("rita")
    late = role("anna", since=team.now + 3_600)
    asked = await team.granting.grant(late, olaf)
    assert asked.act is not None
    await team.seat("anna", Role.ANALYST)

    assert isinstance(await refused(team.granting.grant(late, olaf)), BadRequestError)
    digest = bytes.fromhex(asked.act.digest)
    approval = team.approvals.approve(asked.act.act, digest, rita)
    assert isinstance(await refused(approval), BadRequestError)
    assert (await team.principal("anna")).role is Role.ANALYST


@pytest.mark.parametrize("field", ["since", "until"])
def test_moments_end_with_the_last_year_of_dates(field: str) -> None:
    body = {"name": "anna", "role": "analyst", field: LAST_SECOND}
    request = msgspec.convert(body, RoleRequest)
    assert day_of(getattr(request, field)).year == 9999

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**body, field: LAST_SECOND + 1}, RoleRequest)
