# SPDX-License-Identifier: Apache-2.0
"""What one node says that it asked, and what another says that it answered."""

from datetime import timedelta
from secrets import token_bytes

import pytest
from tests.support.fleet import Fleet

from fedsafe_crypto.oprf.threshold import Generation
from fedsafe_crypto.oprf.voprf import Mode, blind
from fedsafe_federation.evaluation.statements import sign_request
from fedsafe_federation.evaluation.tallies import day_of
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.log.audit import AuditRecord

A, B = "a.demo", "b.demo"


async def compared(fleet: Fleet, name: str) -> dict[str, str]:
    """Say by member how the last comparisons of a node ended."""
    found: dict[str, str] = {}
    for written in await fleet.audit(name, "evaluation.compared"):
        record: AuditRecord = written.record
        peer = next(n for n in (A, B, "c.demo") if f'"{n}"' in written.text)
        found[peer] = record.outcome
    return found


async def end_the_day(fleet: Fleet) -> None:
    for node in fleet.running.values():
        await node.peering.audit_evaluations(ends=True)
    now = fleet.clock.now()
    midnight = now.replace(hour=0, minute=0) + timedelta(days=1)
    fleet.clock.advance(midnight - now + timedelta(minutes=11))


async def test_what_was_asked_and_answered_agrees(trio: Fleet) -> None:
    for number in range(8):
        await trio.look_up(A, f"person{number}@mail.example")
    await end_the_day(trio)
    for name in trio.running:
        await trio[name].peering.tallying.run()
        await trio[name].peering.tallying.run()  # once is enough
        status = await trio[name].services.node.status()
        assert status.evaluations_differing == {}

    assert await compared(trio, A) == {B: "agrees", "c.demo": "agrees"}
    assert await compared(trio, B) == {A: "agrees", "c.demo": "agrees"}
    assert len(await trio.audit(A, "evaluation.compared")) == 2


async def test_whoever_asks_in_a_members_name_shows_at_both(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsafe_node.members.peering.tallies._LEASES", 0)
    thief = trio[A].base  # who has its keys, and counts nothing
    shared = thief.situation.shared
    assert shared is not None
    now = trio.clock.now()
    for _ in range(3):
        request = sign_request(
            [blind(b"guess", Mode.VOPRF).element for _ in range(50)],
            sender=A,
            receiver=B,
            generation=Generation(1, 1),
            nonce=token_bytes(16),
            now=now + timedelta(milliseconds=1),
            deadline=now + timedelta(seconds=5),
            key=thief.keys.statement,
            federation=shared.membership.charter.federation,
        )
        await trio[B].peering.evaluate(request)
    await end_the_day(trio)
    for name in (A, B):
        await trio[name].peering.tallying.run()
    seen = {
        name: (await trio[name].services.node.status()).evaluations_differing
        for name in (A, B)
    }

    assert seen == {A: {B: 150}, B: {A: 150}}
    assert (await compared(trio, A))[B] == "differs"
    assert (await compared(trio, B))[A] == "differs"


async def test_a_member_that_is_away_is_compared_with_later(trio: Fleet) -> None:
    await trio.look_up(A, "person@mail.example")
    await end_the_day(trio)
    await trio.stop(B)
    await trio[A].peering.tallying.run()
    before = await compared(trio, A)
    await trio.start(B)
    await trio[A].peering.tallying.run()

    assert before == {"c.demo": "agrees"}
    assert await compared(trio, A) == {B: "agrees", "c.demo": "agrees"}


async def test_only_days_that_are_over_and_not_long_ago_are_told(trio: Fleet) -> None:
    today, tallying = day_of(trio.clock.now()), trio[A].peering.tallying
    with pytest.raises(WrongStateError):
        await tallying.own(today, B)
    with pytest.raises(NotFoundError):
        await tallying.own(today - 8, B)

    assert (await tallying.own(today - 7, B)).signer == A
