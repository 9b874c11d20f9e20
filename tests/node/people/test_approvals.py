# SPDX-License-Identifier: Apache-2.0
"""Nobody acts alone: two sessions, a service, a race, an old proof, another content."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.people.conftest import SETUP, Team
from tests.support.databases import Behind

from fedsafe_node.acts.people import (
    ActAnswer,
    ActRefusalReason,
    RefuseActRequest,
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
from fedsafe_node.ground.trace import begin
from fedsafe_node.log.pseudonyms import Pseudonyms
from fedsafe_node.people.approvals import LIFETIME, Approvals, Learn, digest_of
from fedsafe_node.people.credentials import People
from fedsafe_node.people.pending_acts import LISTED, REFUSED_FOR, sweep_acts
from fedsafe_node.people.service_credentials import Machines
from fedsafe_node.people.sessions import FRESH
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Role

CONTENT = b'{"key":"feed"}'
ANNA = Principal("anna", Role.OPERATOR, "s1", fresh=True)
BEN = Principal("ben", Role.REVIEWER, "s2", fresh=True)
CEM = Principal("cem", Role.DPO, "s3", fresh=True)
BOT = Principal("bot", Role.SERVICE, "s4", fresh=True)


@dataclass
class Rotation:
    """An effect that can be counted, can fail, and can tell memory of it."""

    done: list[tuple[bytes, str, str]] = field(default_factory=list)
    failure: Exception | None = None
    learn: Learn | None = None

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        del reader
        assert content == CONTENT
        return ActRequest(Act.KEY_ROTATION, first, second, "ticket-17")

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Learn | None:
        await tx.set_meta("rotated", content)
        if self.failure is not None:
            raise self.failure
        self.done.append((content, first.name, second.name))
        return self.learn


@pytest.fixture
def rotation() -> Rotation:
    return Rotation()


@pytest.fixture
def approvals(team: Team, rotation: Rotation) -> Approvals:
    return Approvals(team.office, {Act.KEY_ROTATION: rotation})


@pytest.fixture
async def asked(approvals: Approvals, team: Team) -> ActAnswer:
    await team.hire("anna", Role.OPERATOR)
    return await approvals.ask(Act.KEY_ROTATION, CONTENT, ANNA)


@pytest.fixture
async def asked_barely(approvals: Approvals, team: Team) -> ActAnswer:
    """Let anna ask whose credential is all that she has."""
    people = People(team.store, team.office.trail, team.clock)
    await people.add("anna", Role.OPERATOR, by="setup")
    return await approvals.ask(Act.KEY_ROTATION, CONTENT, ANNA)


async def approve(approvals: Approvals, act: ActAnswer, who: Principal) -> ActAnswer:
    return await approvals.approve(act.act, bytes.fromhex(act.digest), who)


async def test_two_persons_do_it_once(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation, team: Team
) -> None:
    assert asked.content == {"key": "feed"}
    assert (await approvals.pending()).acts == [asked]

    answer = await approve(approvals, asked, BEN)

    assert answer.state == "done"
    assert rotation.done == [(CONTENT, "anna", "ben")]
    assert (await approvals.pending()).acts == []
    with pytest.raises(WrongStateError):
        await approve(approvals, asked, CEM)
    events = [(event, "anna" in text) for event, _, text in await team.events()]
    assert events[-2:] == [("act.asked", True), ("act.approved", True)]


@pytest.mark.parametrize(
    "who",
    [
        ANNA,
        replace(ANNA, session="another session"),
        replace(ANNA, role=Role.REVIEWER),
        replace(ANNA, name="Anna"),
        replace(BEN, fresh=False),
        replace(BEN, role=Role.ANALYST),
        replace(BEN, role=Role.SERVICE),
        Principal("local", Role.SERVICE),
    ],
    ids=[
        "the same session",
        "another session",
        "another role",
        "another spelling",
        "an old proof",
        "a role that may not",
        "a service",
        "the machine",
    ],
)
async def test_nobody_approves_alone(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation, who: Principal
) -> None:
    with pytest.raises((ForbiddenError, DeniedError)):
        await approve(approvals, asked, who)

    assert rotation.done == []
    assert (await approvals.pending()).acts == [asked]


async def test_a_refused_role_is_told_which_may(
    approvals: Approvals, asked: ActAnswer, team: Team
) -> None:
    with pytest.raises(DeniedError) as denied:
        await approve(approvals, asked, replace(BEN, role=Role.ANALYST))

    assert denied.value.decision.code == "role"
    assert denied.value.decision.about == "dpo, operator, reviewer"
    event, outcome, told = (await team.events())[-1]
    assert (event, outcome, "act.approve" in told) == ("refused", "role", True)


async def test_a_service_is_told_that_it_takes_a_person(
    approvals: Approvals, asked: ActAnswer, team: Team
) -> None:
    before = await team.events()
    for act in (
        approvals.ask(Act.KEY_ROTATION, CONTENT, BOT),
        approve(approvals, asked, BOT),
        approvals.withdraw(asked.act, BOT),
    ):
        with pytest.raises(ForbiddenError, match="takes a person") as refused:
            await act
        assert refused.value.authenticated  # it is known: another login is no way out
    assert await team.events() == before


async def test_an_act_waits_for_three_days_and_nobody_guesses_its_number(
    asked: ActAnswer,
) -> None:
    assert asked.expires_at - asked.asked_at == timedelta(days=3).total_seconds()
    assert len(bytes.fromhex(asked.act)) == 16


async def test_nothing_is_asked_for_that_nothing_here_would_carry_out(
    approvals: Approvals,
) -> None:
    with pytest.raises(WrongStateError, match="can't do role_grant yet"):
        await approvals.ask(Act.ROLE_GRANT, CONTENT, ANNA)
    assert (await approvals.pending()).acts == []


async def test_nothing_is_asked_for_that_nobody_here_could_approve(
    approvals: Approvals, team: Team
) -> None:
    async def check() -> None:
        kind = Act.KEY_ROTATION
        await team.store.scan(lambda reader: approvals.check_second(reader, kind, ANNA))

    await team.hire("anna", Role.OPERATOR)  # herself
    await team.hire("ali", Role.ANALYST)  # a role that may not
    with pytest.raises(WrongStateError, match="role of: dpo, operator, reviewer") as no:
        await check()
    assert no.value.code == "no_second_person"
    await team.hire("rita", Role.REVIEWER)
    await check()


async def test_whoever_asks_again_for_what_waits_is_given_that(
    approvals: Approvals, team: Team
) -> None:
    kept: list[ActAnswer] = []

    async def keep(tx: Transaction, act: ActAnswer) -> None:
        del tx
        kept.append(act)

    async def ask(who: Principal) -> ActAnswer:
        kind = Act.KEY_ROTATION
        return await approvals.ask(kind, CONTENT, who, keep=keep, single=True)

    first = await ask(ANNA)
    assert kept == [first]
    before = await team.events()
    request = begin()

    assert await ask(ANNA) == first
    assert kept == [first]
    assert request.is_idle  # so that nobody misses an event of it
    assert await team.events() == before
    assert (await ask(BEN)).act != first.act
    twice = await approvals.ask(Act.KEY_ROTATION, CONTENT, ANNA)  # nobody said single
    assert twice.act != first.act


async def test_of_many_approvals_at_once_one_wins(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation
) -> None:
    people = [BEN, CEM, BEN, CEM, replace(BEN, name="dora"), ANNA]
    results = await asyncio.gather(
        *(approve(approvals, asked, who) for who in people), return_exceptions=True
    )

    assert sum(isinstance(result, ActAnswer) for result in results) == 1
    assert len(rotation.done) == 1


async def test_an_approval_and_a_withdrawal_at_once_leave_one_of_them(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation
) -> None:
    results = await asyncio.gather(
        approvals.withdraw(asked.act, ANNA),
        approve(approvals, asked, BEN),
        return_exceptions=True,
    )

    assert sum(isinstance(result, WrongStateError) for result in results) == 1
    assert len(rotation.done) == (0 if isinstance(results[0], ActAnswer) else 1)


async def test_what_was_shown_is_what_is_approved(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation
) -> None:
    for digest in (bytes(32), digest_of("key_rotation", b'{"key":"audit"}'), b""):
        with pytest.raises(WrongStateError):
            await approvals.approve(asked.act, digest, BEN)

    assert rotation.done == []


async def test_an_effect_that_fails_leaves_the_act_pending(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation, team: Team
) -> None:
    rotation.failure = NodeError("not now")
    with pytest.raises(NodeError):
        await approve(approvals, asked, BEN)

    assert (await approvals.pending()).acts == [asked]
    assert await team.store.read(lambda r: r.meta("rotated")) is None
    rotation.failure = None
    assert (await approve(approvals, asked, BEN)).state == "done"


async def test_whoever_changes_what_was_asked_for_in_the_database_gets_nothing(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation, behind: Behind
) -> None:
    statement = "UPDATE acts SET content = x'7b7d'"
    assert await asyncio.to_thread(behind.change, statement) == 1

    with pytest.raises(WrongStateError, match="not what was asked for"):
        await approve(approvals, asked, BEN)
    assert rotation.done == []


@pytest.mark.parametrize("code", ["already_closed", "wrong_state"])
async def test_what_something_has_overtaken_waits_no_more(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation, team: Team, code: str
) -> None:
    rotation.failure = WrongStateError(code, "not now")
    with pytest.raises(WrongStateError, match="not now"):
        await approve(approvals, asked, BEN)

    is_over = code == "already_closed"
    assert (await approvals.pending()).acts == ([] if is_over else [asked])
    event, outcome, _ = (await team.events())[-1]
    last = ("act.withdrawn", "overtaken") if is_over else ("act.asked", "ok")
    assert (event, outcome) == last


@pytest.mark.parametrize("is_slow", [False, True])
async def test_memory_has_learnt_of_it_before_the_answer(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation, *, is_slow: bool
) -> None:
    learnt: list[str] = []

    async def learn_slowly() -> None:
        await asyncio.sleep(0)
        learnt.append("slowly")

    rotation.learn = learn_slowly if is_slow else lambda: learnt.append("at once")
    await approve(approvals, asked, BEN)

    assert learnt == ["slowly" if is_slow else "at once"]


async def test_an_act_expires(
    approvals: Approvals, asked: ActAnswer, team: Team
) -> None:
    team.pass_time(LIFETIME - 1)
    assert (await approvals.pending()).acts[0].state == "pending"
    team.pass_time(1)

    assert (await approvals.pending()).acts[0].state == "expired"
    with pytest.raises(WrongStateError):
        await approve(approvals, asked, BEN)
    await approvals.ask(Act.KEY_ROTATION, CONTENT, ANNA)
    gone = await team.store.read(lambda r: r.act(asked.act))
    assert gone is not None
    assert (gone.content, gone.decided_by) == (None, "expiry")
    assert len((await approvals.pending()).acts) == 1


async def test_a_sweep_takes_the_content_of_what_has_expired(
    asked: ActAnswer, team: Team
) -> None:
    async def sweep() -> int:
        return await team.store.write(lambda tx: sweep_acts(team.office, tx))

    team.pass_time(LIFETIME - 1)
    early = await sweep()
    team.pass_time(1)

    assert (early, await sweep(), await sweep()) == (0, 1, 0)
    gone = await team.store.read(lambda r: r.act(asked.act))
    assert gone is not None
    assert (gone.content, gone.decided_by) == (None, "expiry")


@pytest.mark.parametrize("way", ["lock", "reset", "end"])
async def test_whoever_may_not_act_any_more_is_no_first_person(
    approvals: Approvals, rotation: Rotation, team: Team, way: str
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    olaf = await team.principal("olaf")
    act = await approvals.ask(Act.KEY_ROTATION, CONTENT, olaf)
    if way == "end":
        request = RoleRequest(name="olaf", role=Role.OPERATOR)
        await team.granting.end(request, SETUP)
    else:
        await getattr(team.accounts, way)("olaf", SETUP)

    assert (await approvals.pending()).acts == []
    with pytest.raises(WrongStateError):
        await approve(approvals, act, BEN)
    late = await approvals.ask(Act.KEY_ROTATION, CONTENT, olaf)  # under way then
    with pytest.raises(WrongStateError):
        await approve(approvals, late, BEN)
    assert rotation.done == []


@pytest.mark.parametrize("way", ["lock", "log out", "end"])
async def test_whoever_may_not_act_any_more_is_no_second_person(
    approvals: Approvals, rotation: Rotation, asked: ActAnswer, team: Team, way: str
) -> None:
    await team.hire("rita", Role.REVIEWER)
    rita = await team.principal("rita")
    if way == "lock":
        await team.accounts.lock("rita", SETUP)
    elif way == "log out":
        await team.sessions.end(rita)
    else:
        request = RoleRequest(name="rita", role=Role.REVIEWER)
        await team.granting.end(request, SETUP)

    with pytest.raises(ForbiddenError):
        await approve(approvals, asked, rita)
    assert rotation.done == []
    assert (await approvals.pending()).acts == [asked]


async def test_a_second_person_has_proved_it_within_minutes_in_that_very_session(
    approvals: Approvals, rotation: Rotation, asked: ActAnswer, team: Team
) -> None:
    await team.hire("rita", Role.REVIEWER)
    early = await team.principal("rita")
    team.pass_time(FRESH)
    late = await team.principal("rita")
    assert early.fresh  # as it was then

    with pytest.raises(ForbiddenError, match="session has ended") as refused:
        await approve(approvals, asked, early)
    assert refused.value.authenticated
    assert rotation.done == []
    assert (await approve(approvals, asked, late)).state == "done"


async def test_what_a_bare_credential_asked_for_is_done_in_demonstrations_only(
    approvals: Approvals, asked_barely: ActAnswer, rotation: Rotation, team: Team
) -> None:
    with pytest.raises(WrongStateError, match="may not act in that role now"):
        await approve(approvals, asked_barely, BEN)
    before = list(rotation.done)
    team.situation.policy = shipped("synthetic")

    assert before == []
    assert (await approve(approvals, asked_barely, BEN)).state == "done"


async def test_what_a_bare_credential_asked_for_goes_with_it(
    approvals: Approvals, asked_barely: ActAnswer, rotation: Rotation, team: Team
) -> None:
    asked = asked_barely
    team.situation.policy = shipped("synthetic")
    people = People(team.store, team.office.trail, team.clock)
    await people.add("anna-key", Role.OPERATOR, by="setup", person="anna")
    machines = Machines(team.office)
    await machines.revoke("anna", CEM)
    assert (await approvals.pending()).acts == [asked]  # she holds another
    await machines.revoke("anna-key", CEM)

    assert (await approvals.pending()).acts == []
    with pytest.raises(WrongStateError):
        await approve(approvals, asked, BEN)
    late = await approvals.ask(Act.KEY_ROTATION, CONTENT, ANNA)  # under way then
    with pytest.raises(WrongStateError):
        await approve(approvals, late, BEN)
    assert rotation.done == []


async def test_more_than_a_page_is_listed_and_withdrawn(
    approvals: Approvals, team: Team
) -> None:
    await team.hire("olaf", Role.OPERATOR)
    olaf = await team.principal("olaf")
    for _ in range(LISTED + 3):
        await approvals.ask(Act.KEY_ROTATION, CONTENT, olaf)
    first = await approvals.pending()
    assert first.next is not None
    second = await approvals.pending(first.next)
    await team.accounts.lock("olaf", SETUP)

    assert (len(first.acts), len(second.acts), second.next) == (LISTED, 3, None)
    assert len({each.act for each in [*first.acts, *second.acts]}) == LISTED + 3
    assert (await approvals.pending()).acts == []
    with pytest.raises(NotFoundError):
        await approvals.pending("0" * 32)


WHY = RefuseActRequest(ActRefusalReason.INCOMPLETE, "ticket-4")


@pytest.fixture
def pseudonyms(team: Team, tmp_path: Path) -> Pseudonyms:
    """Make those of the quarter, since a key file is written at first use."""
    made = Pseudonyms(tmp_path / "pseudonyms")
    made.learn("somebody")
    made.shown("somebody", team.clock.now())
    return made


async def test_a_refused_act_is_closed_and_whoever_asked_sees_why(
    approvals: Approvals,
    asked: ActAnswer,
    rotation: Rotation,
    team: Team,
    pseudonyms: Pseudonyms,
) -> None:
    await team.hire("rita", Role.REVIEWER)
    rita = await team.principal("rita")
    team.office.trail.pseudonyms = pseudonyms
    team.office.trail.know_people("rita")
    answer = await approvals.refuse(asked.act, WHY, rita)
    events = await team.events()
    listed = await approvals.refused(ANNA)

    assert (answer.state, answer.content) == ("refused", None)
    assert answer.refusal is not None
    pseudonym = answer.refusal.by
    assert pseudonym != "rita"
    assert team.office.trail.shown("rita", team.clock.now()) == pseudonym
    why = answer.refusal.reason, answer.refusal.reference
    assert why == ("incomplete", "ticket-4")
    assert listed.acts == [answer]
    assert (await approvals.refused(rita)).acts == [answer]
    assert (await approvals.refused(CEM)).acts == []
    assert (await approvals.pending()).acts == []
    event, outcome, told = events[-1]
    assert (event, outcome) == ("act.refused", "ok")
    assert all(each in told for each in ("incomplete", "ticket-4", asked.act))
    for who in (BEN, CEM):
        with pytest.raises(WrongStateError, match="was refused"):
            await approve(approvals, asked, who)
    with pytest.raises(WrongStateError):
        await approvals.withdraw(asked.act, ANNA)
    assert rotation.done == []
    gone = await team.store.read(lambda reader: reader.act(asked.act))
    assert gone is not None
    assert gone.content is None


async def test_a_refusal_that_is_repeated_is_told_again_and_changes_nothing(
    approvals: Approvals, asked: ActAnswer, team: Team
) -> None:
    first = await approvals.refuse(asked.act, WHY, BEN)
    before = await team.events()
    request = begin()
    team.pass_time(60)

    assert await approvals.refuse(asked.act, WHY, BEN) == first
    assert request.is_idle
    other = RefuseActRequest(ActRefusalReason.IN_DOUBT)
    for why, who in ((other, BEN), (WHY, CEM)):
        with pytest.raises(WrongStateError):
            await approvals.refuse(asked.act, why, who)
    assert await team.events() == before


@pytest.mark.parametrize(
    "who",
    [
        ANNA,
        replace(ANNA, session="another session"),
        replace(ANNA, role=Role.REVIEWER),
        replace(ANNA, name="Anna"),
        replace(BEN, fresh=False),
        replace(BEN, role=Role.ANALYST),
        BOT,
    ],
    ids=[
        "the same session",
        "another session",
        "another role",
        "another spelling",
        "an old proof",
        "a role that may not",
        "a service",
    ],
)
async def test_nobody_refuses_who_could_not_approve(
    approvals: Approvals, asked: ActAnswer, who: Principal
) -> None:
    with pytest.raises((ForbiddenError, DeniedError)):
        await approvals.refuse(asked.act, WHY, who)

    assert (await approvals.pending()).acts == [asked]


@pytest.mark.parametrize("role", sorted(Role))
async def test_whose_role_approves_may_refuse_and_no_other(
    approvals: Approvals, team: Team, role: Role
) -> None:
    await team.hire("anna", Role.OPERATOR)

    async def tries(what: str) -> bool:
        act = await approvals.ask(Act.KEY_ROTATION, CONTENT, ANNA)
        who = replace(BEN, role=role)
        try:
            if what == "approve":
                await approve(approvals, act, who)
            else:
                await approvals.refuse(act.act, WHY, who)
        except (DeniedError, ForbiddenError):
            return False
        return True

    assert await tries("refuse") == await tries("approve")


@pytest.mark.parametrize("way", ["lock", "log out", "end", "old"])
async def test_whom_something_has_overtaken_refuses_nothing(
    approvals: Approvals, asked: ActAnswer, team: Team, way: str
) -> None:
    await team.hire("rita", Role.REVIEWER)
    rita = await team.principal("rita")
    if way == "lock":
        await team.accounts.lock("rita", SETUP)
    elif way == "log out":
        await team.sessions.end(rita)
    elif way == "old":
        team.pass_time(FRESH)
    else:
        request = RoleRequest(name="rita", role=Role.REVIEWER)
        await team.granting.end(request, SETUP)

    with pytest.raises(ForbiddenError):
        await approvals.refuse(asked.act, WHY, rita)
    assert (await approvals.pending()).acts == [asked]


async def test_an_approval_and_a_refusal_at_once_leave_one_of_them(
    approvals: Approvals, asked: ActAnswer, rotation: Rotation, team: Team
) -> None:
    other = Approvals(team.office, {Act.KEY_ROTATION: rotation})  # another worker's
    results = await asyncio.gather(
        approvals.refuse(asked.act, WHY, CEM),
        approve(other, asked, BEN),
        return_exceptions=True,
    )

    assert sum(isinstance(result, WrongStateError) for result in results) == 1
    is_refused = isinstance(results[0], ActAnswer)
    assert len(rotation.done) == (0 if is_refused else 1)
    names = [event for event, _, _ in await team.events()]
    assert ("act.refused" in names, "act.approved" in names) == (
        is_refused,
        not is_refused,
    )


async def test_what_is_done_or_over_is_refused_no_more(
    approvals: Approvals, asked: ActAnswer, team: Team
) -> None:
    await approve(approvals, asked, BEN)
    with pytest.raises(WrongStateError, match="decided"):
        await approvals.refuse(asked.act, WHY, CEM)
    late = await approvals.ask(Act.KEY_ROTATION, CONTENT, ANNA)
    team.pass_time(LIFETIME)
    with pytest.raises(WrongStateError, match="expired"):
        await approvals.refuse(late.act, WHY, CEM)
    with pytest.raises(NotFoundError):
        await approvals.refuse("0" * 32, WHY, CEM)


async def test_a_reference_of_a_refusal_is_a_label(
    approvals: Approvals, asked: ActAnswer
) -> None:
    named = RefuseActRequest(ActRefusalReason.IN_DOUBT, "4915112345678")
    with pytest.raises(BadRequestError, match="refers"):
        await approvals.refuse(asked.act, named, BEN)
    assert (await approvals.pending()).acts == [asked]


async def test_why_an_act_was_refused_is_forgotten_after_two_weeks(
    approvals: Approvals, asked: ActAnswer, team: Team
) -> None:
    await approvals.refuse(asked.act, WHY, BEN)

    async def kept() -> bool:
        await team.store.write(lambda tx: sweep_acts(team.office, tx))
        return await team.store.read(lambda r: r.act_refusal(asked.act)) is not None

    team.pass_time(REFUSED_FOR)
    before = await kept()
    team.pass_time(1)

    assert (before, await kept()) == (True, False)
    assert (await approvals.refused(ANNA)).acts == []


async def test_only_who_has_asked_for_an_act_takes_it_back(
    approvals: Approvals, asked: ActAnswer, team: Team
) -> None:
    before = await team.events()
    for other in (BEN, CEM, replace(ANNA, name="anne")):
        with pytest.raises(ForbiddenError, match=r"^anna .* with a reason$") as refused:
            await approvals.withdraw(asked.act, other)
        assert refused.value.authenticated
    with pytest.raises(ForbiddenError):
        await approvals.withdraw(asked.act, Principal("anna", Role.SERVICE))
    assert await team.events() == before
    assert [each.act for each in (await approvals.pending()).acts] == [asked.act]

    elsewhere = replace(ANNA, role=Role.DPO)  # it is the person that counts
    assert (await approvals.withdraw(asked.act, elsewhere)).state == "withdrawn"

    for who in (ANNA, CEM):
        with pytest.raises(WrongStateError, match="is decided"):
            await approvals.withdraw(asked.act, who)
    with pytest.raises(WrongStateError):
        await approve(approvals, asked, BEN)


async def test_unknown_acts_and_services_are_refused(approvals: Approvals) -> None:
    with pytest.raises(NotFoundError):
        await approvals.approve("0" * 32, bytes(32), BEN)
    with pytest.raises(NotFoundError):
        await approvals.withdraw("0" * 32, BEN)
    with pytest.raises(NotFoundError):
        await approvals.pending("0" * 32)
    with pytest.raises(ForbiddenError):
        await approvals.ask(Act.KEY_ROTATION, CONTENT, Principal("bot", Role.SERVICE))


@given(st.binary(), st.binary(), st.text(max_size=9), st.text(max_size=9))
def test_other_acts_have_other_digests(
    one: bytes, two: bytes, kind: str, other: str
) -> None:
    if (kind, one) != (other, two) and "\n" not in kind + other:
        assert digest_of(kind, one) != digest_of(other, two)
