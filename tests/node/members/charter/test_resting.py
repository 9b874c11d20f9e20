# SPDX-License-Identifier: Apache-2.0
"""A member that was outvoted on a policy which it lacks rests, and comes back."""

import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.council import agree, at_version, propose
from tests.support.fleet import NAMES, Fleet, eventually
from tests.support.members import fetched

from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_federation.charter.charter import PolicyReference
from fedsafe_federation.errors import PeerRefusedError
from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_node.acts.bodies import SignalState
from fedsafe_node.acts.lookup import Result
from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.vocabulary import Scope

PERSON = "somebody@mail.example"
THEIRS = shipped_text("synthetic").replace(b'name = "synthetic"', b'name = "theirs"')


def put(fleet: Fleet, *names: str) -> str:
    """Put the text of the new policy where a node looks for it; return the digest."""
    digest = load_policy(THEIRS).digest
    for name in names:
        folder = fleet.place(name).policies
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{digest}.toml").write_bytes(THEIRS)
    return digest


async def outvote(fleet: Fleet) -> str:
    """Let a and b adopt a policy whose text c has not."""
    digest = put(fleet, "a.demo", "b.demo")
    policy = PolicyReference("theirs", bytes.fromhex(digest))
    proposal = await propose(fleet, "a.demo", ChangeKind.TERMS, policy=policy)
    await agree(fleet, proposal, "b.demo")
    await at_version(fleet, 2, *NAMES)

    async def rests() -> bool:
        return bool(await fleet.audit("c.demo", "federation.rests"))

    await eventually(rests)
    return digest


async def check_rest(fleet: Fleet, digest: str) -> None:
    services = fleet["c.demo"].services
    status, checks = await services.node.status(), await services.node.checks()
    found = await fleet.look_up("c.demo", PERSON, deadline_ms=500)
    shared = fleet["a.demo"].base.situation.shared
    assert shared is not None
    member = shared.membership.charter.member("c.demo")
    refusals = []
    for asking in (
        fetched(fleet["a.demo"].client, member, FeedRequest("c.demo", 0, 0, 0, 10)),
        fleet["a.demo"].client.poke(member, 1),
    ):
        with pytest.raises(PeerRefusedError) as refused:
            await asking
        refusals.append((refused.value.status, refused.value.code))

    assert f"policies/{digest}.toml" in str(status.rests)
    assert "exchanges nothing" in checks["policy"]
    assert found.result is Result.DEFERRED
    assert found.matches == []
    assert set(found.not_covered) == {"a.demo", "b.demo"}
    assert refusals == [(426, "other_policy")] * 2


async def test_who_lacks_the_policy_exchanges_nothing_until_it_is_there(
    trio: Fleet,
) -> None:
    await trio.publish(PERSON, at="a.demo")
    digest = await outvote(trio)
    await check_rest(trio, digest)
    await trio.stop("c.demo")
    await trio.start("c.demo")
    await check_rest(trio, digest)
    ban = request_for("own@mail.example", scope=Scope.SELF)
    kept = await trio["c.demo"].services.signals.add(ban, ANNA)
    put(trio, "c.demo")
    await trio.stop("c.demo")
    await trio.start("c.demo")
    await trio.attested()
    await trio.covered()

    assert kept.state is not SignalState.DRAFT
    assert (await trio["c.demo"].services.node.status()).rests is None
    assert "policy" not in await trio["c.demo"].services.node.checks()
    assert len((await trio.look_up("c.demo", PERSON)).matches) == 1


async def test_a_policy_that_comes_back_by_vote_ends_the_rest(trio: Fleet) -> None:
    before = trio["c.demo"].base.situation.policy
    await outvote(trio)
    old = PolicyReference(before.name, bytes.fromhex(before.digest))
    proposal = await propose(trio, "b.demo", ChangeKind.TERMS, policy=old)
    await agree(trio, proposal, "a.demo")
    await at_version(trio, 3, *NAMES)

    assert (await trio["c.demo"].services.node.status()).rests is None
