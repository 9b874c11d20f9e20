# SPDX-License-Identifier: Apache-2.0
"""What the charter says a member does is all that it can do."""

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, request_for
from tests.support.charter_changes import NEW, four, invitation
from tests.support.council import agree, at_version, present, show, vote
from tests.support.fleet import NAMES, Fleet, eventually

from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import MemberRole
from fedsafe_federation.errors import PeerRefusedError
from fedsafe_federation.evaluation.metering import LOOKUPS, PUBLISHING, RIGHTS, Budget
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import Kind, Question, SignalState
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.rights.listing_search import evaluate, find
from fedsafe_node.rights.request_start import read_person
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.vocabulary import EvaluationPurpose, Plane, Scope

__all__ = ["four"]

PERSON, FILE = "somebody@mail.example", "2" * 64
LATER = "later@mail.example"
CUSTODIAN = (MemberRole.HOLDER,)


async def give_roles(
    fleet: Fleet, member: str, roles: tuple[MemberRole, ...], number: int = 2
) -> None:
    version = (await present(fleet, "a.demo")).version
    change = Change(kind=ChangeKind.ROLES, member=member)
    now = int(fleet.clock.now().timestamp())
    charter = amended(version, change, now=now, roles=roles)
    proposal = await vote(fleet, "a.demo", encode(charter))
    await agree(fleet, proposal, "b.demo")
    await at_version(fleet, number, *NAMES)


async def matches(fleet: Fleet, name: str, value: str, kind: Kind = Kind.EMAIL) -> int:
    return len((await fleet.look_up(name, value, kind)).matches)


async def test_a_custodian_evaluates_and_keeps_no_list(trio: Fleet) -> None:
    await trio.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    await trio.publish(FILE, Kind.SHA256, at="c.demo", by=("a.demo", "b.demo"))
    before = await matches(trio, "a.demo", PERSON)
    await give_roles(trio, "c.demo", CUSTODIAN)

    assert before == 1
    assert await matches(trio, "a.demo", PERSON) == 0
    assert await matches(trio, "a.demo", FILE, Kind.SHA256) == 0
    answer = await trio.look_up("a.demo", "other@mail.example")
    assert (answer.result, answer.not_covered) == (Result.NONE, [])
    await trio.stop("b.demo")
    answer = await trio.look_up("a.demo", "another@mail.example")
    assert answer.result is not Result.DEFERRED  # the custodian has helped
    assert (await show(trio, "a.demo")).members[2].roles == ["holder"]
    await give_back(trio)


async def give_back(fleet: Fleet) -> None:
    """Let its signals match again with its roles: nothing of them was changed."""
    await fleet.start("b.demo")
    await fleet.attested()
    await give_roles(fleet, "c.demo", tuple(MemberRole), 3)

    async def again() -> bool:
        found = await matches(fleet, "a.demo", PERSON)
        return found + await matches(fleet, "a.demo", FILE, Kind.SHA256) == 2

    await eventually(again)


async def test_a_custodian_gets_no_openings_and_no_evaluations(trio: Fleet) -> None:
    await give_roles(trio, "c.demo", CUSTODIAN)
    await trio.publish(PERSON, by=("b.demo", "c.demo"))
    await trio.publish(FILE, Kind.SHA256, by=("b.demo", "c.demo"))
    held = await trio["c.demo"].base.store.read(
        lambda reader: reader.held_signals("a.demo", 10)
    )
    lists = trio["c.demo"].base.situation.shared
    assert lists is not None
    quorum = next(iter(lists._quorums.values()))  # noqa: SLF001
    member = lists.membership.charter.member("a.demo")
    blinded = await quorum.blind([b"guess"])
    request = quorum._sign(  # noqa: SLF001
        member, [each.element for each in blinded], LOOKUPS, 10.0
    )
    with pytest.raises(PeerRefusedError) as refused:
        await trio["c.demo"].client.evaluate(member, request)

    assert held == []
    assert refused.value.code == "role"
    answer = await trio.look_up("c.demo", PERSON, deadline_ms=800)
    assert answer.matches == []


async def found_for_rights(fleet: Fleet, name: str, value: str) -> int:
    """Count what a node finds for a person who has proved an address."""
    base = fleet[name].base
    person = read_person(Question(kind=Kind.EMAIL, value=value), pointer="")
    evaluated = await evaluate(base.situation, person)
    assert not evaluated.unevaluated
    found = await base.store.read(
        lambda reader: find(reader, base.situation, base.lists, person, evaluated)
    )
    return len(found)


async def test_a_custodian_has_evaluations_for_rights_in_their_budget_alone(
    trio: Fleet,
) -> None:
    await trio.publish(PERSON, by=("b.demo", "c.demo"))
    await give_roles(trio, "c.demo", CUSTODIAN)
    await trio.publish(LATER, by=("b.demo",))
    situation = trio["a.demo"].base.situation
    budgets = replace(
        situation.policy.document.budgets,
        evaluations_a_day=dict.fromkeys(EvaluationPurpose, 3),
        evaluations_an_hour=dict.fromkeys(EvaluationPurpose, 3),
    )
    document = replace(situation.policy.document, budgets=budgets)
    situation.policy = Policy(document, situation.policy.digest)
    lists = trio["c.demo"].base.situation.shared
    assert lists is not None
    quorum = next(iter(lists._quorums.values()))  # noqa: SLF001
    member = lists.membership.charter.member("a.demo")

    async def asked(budget: Budget) -> str:
        blinded = await quorum.blind([b"guess"])
        request = quorum._sign(  # noqa: SLF001
            member, [each.element for each in blinded], budget, 10.0
        )
        try:
            await trio["c.demo"].client.evaluate(member, request)
        except PeerRefusedError as error:
            return error.code
        return "evaluated"

    said = [await asked(budget) for budget in (LOOKUPS, PUBLISHING, *[RIGHTS] * 4)]

    assert said == ["role", "role", *["evaluated"] * 3, "enumeration"]
    # It finds what it holds since it kept a list, for the person, and nothing newer.
    assert await found_for_rights(trio, "b.demo", LATER) == 1
    assert await found_for_rights(trio, "c.demo", LATER) == 0
    assert await found_for_rights(trio, "c.demo", PERSON) == 1


@pytest.mark.parametrize(
    ("value", "kind", "roles"),
    [
        (PERSON, Kind.EMAIL, (MemberRole.HOLDER, MemberRole.MEDIA)),
        (FILE, Kind.SHA256, (MemberRole.HOLDER, MemberRole.LISTER)),
    ],
)
async def test_nobody_publishes_what_it_has_no_role_for(
    trio: Fleet, value: str, kind: Kind, roles: tuple[MemberRole, ...]
) -> None:
    await give_roles(trio, "c.demo", roles)
    signals = trio["c.demo"].services.signals
    with pytest.raises(DeniedError) as denied:
        await signals.add(request_for(value, kind=kind, scope=Scope.FEDERATION), ANNA)
    other = (FILE, Kind.SHA256) if kind is Kind.EMAIL else (PERSON, Kind.EMAIL)
    request = request_for(other[0], kind=other[1], scope=Scope.FEDERATION)
    made = await signals.add(request, ANNA)

    assert denied.value.decision.code == "role"
    assert made.state is SignalState.DRAFT


async def test_who_joins_without_the_media_role_gets_no_media_keys(
    four: Fleet,
) -> None:
    joining = four[NEW].services.joining
    await joining.join(await invitation(four))
    version = (await present(four, "a.demo")).version
    card = await four["a.demo"].services.admitting.card_of(NEW)
    change = Change(kind=ChangeKind.JOIN, member=NEW)
    roles = (MemberRole.HOLDER, MemberRole.LISTER)
    now = int(four.clock.now().timestamp())
    charter = amended(version, change, now=now, card=card, roles=roles)
    proposal = await vote(four, "a.demo", encode(charter))
    await joining.run()
    await agree(four, proposal, "b.demo", "c.demo")
    await at_version(four, 2, *NAMES)
    await joining.run()
    await at_version(four, 2, NEW)
    await four.publish(PERSON, by=("b.demo", "c.demo"))

    async def reached() -> bool:
        return await matches(four, NEW, PERSON) == 1

    await four.attested()
    await eventually(reached)
    situation = four[NEW].base.situation
    assert situation.shared is not None
    assert situation.shared.membership.media == {}
    assert not situation.keeps(NEW, Plane.MEDIA)
    assert list(four.place(NEW).keys.glob("media-*.key")) == []
    await four.stop(NEW)
    await four.start(NEW)
    await at_version(four, 2, NEW)
