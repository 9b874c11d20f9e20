# SPDX-License-Identifier: Apache-2.0
"""Signals for a group (P14): who is in it is asked at each hand-over."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.fleet import Fleet, eventually

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    Kind,
    RevokeRequest,
)
from fedsafe_node.acts.lookup import Result
from fedsafe_node.acts.recipients import RecipientsAnswer
from fedsafe_node.ground.errors import BadRequestError, DeniedError
from fedsafe_node.members.peering.feed_server import FeedServer
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.vocabulary import Circle, Purpose, Scope

WHO = "person@mail.example"
FILE = "ab" * 32


def agree(fleet: Fleet, *members: str, name: str = "north") -> None:
    """Let a.demo's policy put these members into a group."""
    situation = fleet["a.demo"].base.situation
    policy = situation.policy
    groups = {**policy.document.scopes.groups, name: frozenset(members)}
    scopes = replace(policy.document.scopes, groups=groups)
    situation.policy = Policy(replace(policy.document, scopes=scopes), policy.digest)


async def share(fleet: Fleet, value: str, kind: Kind = Kind.EMAIL) -> str:
    """Publish a signal for the group and wait until its record is everywhere."""
    signals = fleet["a.demo"].services.signals
    request = request_for(value, kind=kind, scope=Scope.FEDERATION, group="north")
    added = await signals.add(request, ANNA)
    answer = await signals.approve([added.signal], RITA)
    assert answer.approved == [added.signal]
    await fleet.level("a.demo", ["b.demo", "c.demo"])
    return added.signal


async def finds(fleet: Fleet, name: str, value: str, kind: Kind = Kind.EMAIL) -> bool:
    answer = await fleet.look_up(name, value, kind)
    assert answer.result in {Result.NONE, Result.REVIEW, Result.INCOMPLETE}
    return bool(answer.matches)


async def told(fleet: Fleet, signal: str) -> RecipientsAnswer:
    recipients = fleet["a.demo"].services.recipients
    return await recipients.show(signal, RITA, Purpose.RIGHTS_OF_THE_PERSON)


def names(answer: RecipientsAnswer) -> list[str]:
    return [each.recipient for each in answer.recipients]


async def test_a_group_gets_its_signal_and_nobody_else(trio: Fleet) -> None:
    agree(trio, "b.demo")
    signal = await share(trio, WHO)
    ledger = await told(trio, signal)
    elsewhere = await trio.look_up("c.demo", WHO)

    assert await finds(trio, "b.demo", WHO)
    assert (elsewhere.result, elsewhere.not_covered) == (Result.NONE, [])
    assert (names(ledger), ledger.group, ledger.nodes) == (
        ["b.demo"],
        "north",
        ["b.demo"],
    )
    shown = await trio["a.demo"].services.signals.show(signal, RITA)
    assert (shown.group, shown.nodes) == ("north", ["b.demo"])


@pytest.mark.parametrize(("value", "kind"), [(WHO, Kind.EMAIL), (FILE, Kind.SHA256)])
async def test_who_joins_gets_what_the_group_was_given_before(
    trio: Fleet, value: str, kind: Kind
) -> None:
    agree(trio, "b.demo")
    await share(trio, "first@mail.example")
    signal = await share(trio, value, kind)
    await trio.publish("later@mail.example")
    assert not await finds(trio, "c.demo", value, kind)
    agree(trio, "b.demo", "c.demo")

    await eventually(lambda: finds(trio, "c.demo", value, kind))
    assert await finds(trio, "c.demo", "first@mail.example")
    ledger = await told(trio, signal)
    assert names(ledger) == ["b.demo", "c.demo"]
    again = await trio.look_up("c.demo", "nobody@mail.example")
    assert (again.result, again.not_covered) == (Result.NONE, [])


async def test_a_joiner_that_stops_in_between_still_gets_it(trio: Fleet) -> None:
    agree(trio, "b.demo")
    await share(trio, WHO)
    await trio.stop("c.demo")
    agree(trio, "b.demo", "c.demo")
    await trio.start("c.demo")

    await eventually(lambda: finds(trio, "c.demo", WHO))


async def test_who_leaves_gets_nothing_new_and_a_revocation_takes_the_rest(
    trio: Fleet,
) -> None:
    agree(trio, "b.demo", "c.demo")
    old = await share(trio, WHO)
    assert await finds(trio, "c.demo", WHO)
    agree(trio, "b.demo")
    new = await share(trio, "new@mail.example")

    assert await finds(trio, "b.demo", "new@mail.example")
    assert not await finds(trio, "c.demo", "new@mail.example")
    assert names(await told(trio, new)) == ["b.demo"]
    assert names(await told(trio, old)) == ["b.demo", "c.demo"]
    revoke = RevokeRequest(reason=Reason.MISTAKE)
    await trio["a.demo"].services.signals.revoke(old, revoke, RITA)
    await trio.level("a.demo", ["b.demo", "c.demo"])
    assert not await finds(trio, "c.demo", WHO)


async def test_who_leaves_while_a_page_is_made_gets_nothing_of_it(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(trio, "b.demo", "c.demo")
    encode = FeedServer._encode  # noqa: SLF001 - it comes between page and ledger

    async def leave(server: FeedServer, page: Any, request: Any) -> bytes:  # noqa: ANN401
        if any(run.recipient == "c.demo" for run in page.runs):
            agree(trio, "b.demo")
        return await encode(server, page, request)

    monkeypatch.setattr(FeedServer, "_encode", leave)
    signal = await share(trio, WHO)

    assert await finds(trio, "b.demo", WHO)
    assert "c.demo" not in names(await told(trio, signal))
    assert not await finds(trio, "c.demo", WHO)


async def test_an_empty_group_is_nobody(trio: Fleet) -> None:
    agree(trio)
    signal = await share(trio, WHO)
    ledger = await told(trio, signal)

    assert (names(ledger), ledger.nodes) == ([], [])
    for name in ("b.demo", "c.demo"):
        assert not await finds(trio, name, WHO)


async def test_what_was_revoked_is_given_to_no_joiner(trio: Fleet) -> None:
    agree(trio, "b.demo")
    signal = await share(trio, WHO)
    revoke = RevokeRequest(reason=Reason.MISTAKE)
    await trio["a.demo"].services.signals.revoke(signal, revoke, RITA)
    kept = await share(trio, "kept@mail.example")
    agree(trio, "b.demo", "c.demo")

    await eventually(lambda: finds(trio, "c.demo", "kept@mail.example"))
    assert names(await told(trio, kept)) == ["b.demo", "c.demo"]
    assert names(await told(trio, signal)) == ["b.demo"]


async def test_what_is_no_group_is_refused_by_its_field(trio: Fleet) -> None:
    agree(trio, "b.demo")
    signals = trio["a.demo"].services.signals
    for request in (
        request_for(WHO, scope=Scope.FEDERATION, group="south"),
        request_for(WHO, scope=Scope.FEDERATION, group="north", nodes=["b.demo"]),
        request_for(WHO, scope=Scope.SELF, group="north"),
    ):
        with pytest.raises(BadRequestError) as refused:
            await signals.add(request, ANNA)
        assert refused.value.code == "bad_group"
        assert (refused.value.pointer or "").endswith("/group")


async def test_a_policy_without_the_circle_admits_no_group(trio: Fleet) -> None:
    agree(trio, "b.demo")
    situation = trio["a.demo"].base.situation
    policy = situation.policy
    scopes = replace(
        policy.document.scopes, circles=frozenset({Circle.FEDERATION, Circle.NODES})
    )
    situation.policy = Policy(replace(policy.document, scopes=scopes), policy.digest)
    request = request_for(WHO, scope=Scope.FEDERATION, group="north")

    with pytest.raises(DeniedError) as refused:
        await trio["a.demo"].services.signals.add(request, ANNA)
    assert refused.value.decision.code == "scope"
