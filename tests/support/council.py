# SPDX-License-Identifier: Apache-2.0
"""Members of a fleet that vote, with two people each and without their accounts."""

from tests.support.fleet import Fleet, eventually

from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import charter_digest
from fedsafe_federation.charter.diff import differences
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.charter import GovernanceAnswer
from fedsafe_node.members.charter.ballot import Ballot, Present
from fedsafe_node.members.charter.votes import CharterVote, Vote
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

TWO = Person("rita", Role.REVIEWER), Person("dora", Role.DPO)


def ballot_of(fleet: Fleet, name: str) -> Ballot:
    return fleet[name]._made.ballot  # noqa: SLF001


async def present(fleet: Fleet, name: str) -> Present:
    found = await ballot_of(fleet, name).present()
    assert found is not None
    return found


async def vote(
    fleet: Fleet, name: str, payload: bytes, *, refuse: bool = False
) -> bytes:
    """Let a node sign a version, or refuse it; return the proposal's digest."""
    before = (await present(fleet, name)).version
    content = Vote(
        refuse=refuse,
        charter=charter_digest(payload).hex(),
        version=before.charter.version + 1,
        payload=payload,
        changes=differences(before.charter, before.charter),
    )
    effect = CharterVote(ballot_of(fleet, name))
    learn = await fleet[name].base.store.write(
        lambda tx: effect.carry_out(tx, encode(content), *TWO)
    )
    await learn()
    return charter_digest(payload)


async def propose(
    fleet: Fleet, by: str, kind: ChangeKind, member: str | None = None, **terms: object
) -> bytes:
    """Let a node propose a change; return the proposal's digest."""
    version = (await present(fleet, by)).version
    change = Change(kind=kind, member=member, **terms)  # type: ignore[arg-type]
    now = int(fleet.clock.now().timestamp())
    return await vote(fleet, by, encode(amended(version, change, now=now)))


async def hear(fleet: Fleet, name: str, proposal: bytes) -> bytes:
    """Wait until a node has heard of a proposal; return its bytes."""

    async def heard() -> bytes | None:
        found = (await present(fleet, name)).pending.find(proposal)
        return found.payload if found is not None else None

    payload = await eventually(heard)
    assert payload is not None
    return payload


async def agree(fleet: Fleet, proposal: bytes, *names: str) -> None:
    """Let nodes sign what they have heard of."""
    for name in names:
        await vote(fleet, name, await hear(fleet, name, proposal))


async def at_version(fleet: Fleet, number: int, *names: str) -> None:
    """Wait until nodes hold a version, in memory as well."""

    async def all_there() -> bool:
        for name in names:
            shared = fleet[name].base.situation.shared
            if shared is None or shared.membership.charter.version != number:
                return False
        return True

    await eventually(all_there)


async def show(fleet: Fleet, name: str) -> GovernanceAnswer:
    return await fleet[name].services.governance.show()
