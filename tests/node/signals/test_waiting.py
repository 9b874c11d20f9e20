# SPDX-License-Identifier: Apache-2.0
"""Own bans wait as signals of the federation do where a policy asks two people."""

from datetime import timedelta

import pytest
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    DRAFTS,
    RITA,
    Clocked,
    Node,
    request_for,
)

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
    RevokeRequest,
    SignalState,
)
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.signals.expiry import expire_signals
from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.vocabulary import Plane, Provenance, Role, Scope

PERSON = "person@mail.example"
DIGEST = "a5" * 32
SHARED = Scope.FEDERATION
CASES = [
    (Kind.EMAIL, PERSON, Scope.SELF),
    (Kind.SHA256, DIGEST, Scope.SELF),
    (Kind.PDQ, DIGEST, Scope.SELF),
    (Kind.EMAIL, PERSON, SHARED),
    (Kind.SHA256, DIGEST, SHARED),
    (Kind.PDQ, DIGEST, SHARED),
]


@pytest.fixture
def node(node: Node) -> Node:
    """A node whose policy asks two people for every signal."""
    text = shipped_text("synthetic").replace(
        b'"dispatch", ', b'"dispatch", "own_ban", '
    )
    node.desk.situation.policy = load_policy(text)
    return node


@pytest.mark.parametrize(("kind", "value", "scope"), CASES)
async def test_nothing_matches_before_the_second_person(
    node: Node, kind: Kind, value: str, scope: Scope
) -> None:
    answer = await node.signals.add(request_for(value, kind=kind, scope=scope), ANNA)

    assert (answer.state, answer.scope) == (SignalState.DRAFT, scope)
    assert (await node.look_up(value, kind)).matches == []
    assert await node.rows() == []
    assert await node.feed() == []
    assert await node.events() == [(Event.DRAFT, "ok")]


@pytest.mark.parametrize(("kind", "value", "scope"), CASES)
async def test_the_second_person_lets_it_match(
    node: Node, kind: Kind, value: str, scope: Scope
) -> None:
    added = await node.signals.add(request_for(value, kind=kind, scope=scope), ANNA)
    (listed,) = (await node.signals.listed(DRAFTS, RITA)).signals
    answer = await node.signals.approve([added.signal], RITA)
    (match,) = (await node.look_up(value, kind)).matches
    shown = await node.signals.show(added.signal, RITA)

    assert answer.approved == [added.signal]
    assert (match.signal, match.own) == (added.signal, scope is Scope.SELF)
    assert (shown.author, shown.approver) == ("anna", "rita")
    assert (listed.scope, listed.plane) == (shown.scope, shown.plane)
    assert shown.plane is (Plane.ACTOR if kind is Kind.EMAIL else Plane.MEDIA)
    done = Event.OWN_BAN if scope is Scope.SELF else Event.PUBLISHED
    events = [event for event, _ in await node.events()]
    acts = {Event.DRAFT, Event.OWN_BAN, Event.PUBLISHED}
    assert [event for event in events if event in acts] == [Event.DRAFT, done]
    assert len(await node.feed()) == (scope is SHARED)
    with pytest.raises(WrongStateError):
        await node.signals.approve([added.signal], RITA)


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (Principal("anna", Role.REVIEWER, session="another"), "four_eyes"),
        (Principal("ANNA", Role.REVIEWER), "four_eyes"),
        (Principal("ari", Role.ANALYST), "role"),
        (BOT, "role"),
    ],
)
@pytest.mark.parametrize(("kind", "value", "scope"), CASES)
async def test_nobody_is_their_own_second_person(  # noqa: PLR0913
    node: Node, who: Principal, code: str, kind: Kind, value: str, scope: Scope
) -> None:
    added = await node.signals.add(request_for(value, kind=kind, scope=scope), ANNA)
    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([added.signal], who)

    assert denied.value.decision.code == code
    assert (await node.look_up(value, kind)).matches == []


@pytest.mark.parametrize(("kind", "value", "scope"), CASES)
async def test_a_machine_is_no_first_person(
    node: Node, kind: Kind, value: str, scope: Scope
) -> None:
    with pytest.raises(DeniedError) as denied:
        await node.signals.add(request_for(value, kind=kind, scope=scope), BOT)

    assert denied.value.decision.code == "role"


async def test_an_import_waits_as_one_does(node: Node) -> None:
    batch = ImportRequest(
        signals=[
            request_for(
                value, kind=kind, scope=scope, provenance=Provenance.OWN_FINDING
            )
            for kind, value, scope in CASES
        ]
    )
    added = await node.signals.add_many(batch, ANNA)
    waiting = [signal for signal in added.signals if signal is not None]
    before = [await node.look_up(value, kind) for kind, value, _ in CASES]
    answer = await node.signals.approve(waiting, RITA)
    after = [await node.look_up(value, kind) for kind, value, _ in CASES]

    assert added.state is SignalState.DRAFT
    assert [each.matches for each in before] == [[]] * len(CASES)
    assert answer.approved == waiting
    assert [len(each.matches) for each in after] == [2] * len(CASES)
    assert len(await node.feed()) == 3


@pytest.mark.parametrize(("kind", "value", "scope"), CASES)
async def test_what_waits_is_withdrawn_without_a_trace(
    node: Node, kind: Kind, value: str, scope: Scope
) -> None:
    added = await node.signals.add(request_for(value, kind=kind, scope=scope), ANNA)
    await node.signals.revoke(added.signal, RevokeRequest(reason=Reason.MISTAKE), ANNA)
    with pytest.raises(WrongStateError):
        await node.signals.approve([added.signal], RITA)

    assert (await node.look_up(value, kind)).matches == []
    assert (await node.signals.listed(DRAFTS, RITA)).signals == []


async def test_an_own_ban_that_nobody_approves_ends(node: Node, clock: Clocked) -> None:
    await node.signals.add(request_for(PERSON), ANNA)
    clock.advance(timedelta(days=800))

    assert (await expire_signals(node.desk)).withdrawn == 1
