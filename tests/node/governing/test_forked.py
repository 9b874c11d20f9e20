# SPDX-License-Identifier: Apache-2.0
"""Two valid versions of one number are found, kept, and cause an alarm."""

import asyncio

from tests.node.fleet import Fleet, eventually
from tests.node.governing.council import ballot_of, present

from fedsafe_federation.amendment import sign_charter
from fedsafe_federation.changing import Change, ChangeKind, amended
from fedsafe_federation.charter import SignedCharter
from fedsafe_federation.wireformat import encode


async def version(fleet: Fleet, appeal: str, *signers: str) -> SignedCharter:
    """Make the next version as dishonest members can, past their votes."""
    before = (await present(fleet, signers[0])).version
    now = int(fleet.clock.now().timestamp())
    change = Change(kind=ChangeKind.TERMS, appeal=appeal)
    payload = encode(amended(before, change, now=now))
    return SignedCharter(
        [
            sign_charter(
                payload,
                signer=name,
                key=fleet[name].base.keys.statement,
                federation=before.charter.federation,
            )
            for name in signers
        ]
    )


async def check_of(fleet: Fleet, name: str) -> str:
    return (await fleet[name].services.node.checks()).get("charter", "")


async def test_who_signs_two_versions_of_one_number_is_named_at_all(
    trio: Fleet,
) -> None:
    one = await version(trio, "a.demo", "a.demo", "c.demo")
    other = await version(trio, "b.demo", "b.demo", "c.demo")
    before = await check_of(trio, "a.demo")
    await asyncio.gather(
        ballot_of(trio, "a.demo").take([one], []),
        ballot_of(trio, "b.demo").take([other], []),
    )
    for name in ("a.demo", "b.demo"):
        check = await eventually(lambda name=name: check_of(trio, name))  # type: ignore[misc]
        assert "c.demo" in check
        assert "a.demo" not in check
        (event,) = await trio.audit(name, "federation.forked")
        assert '"signed_both":"c.demo"' in event.text
    own = (await present(trio, "a.demo")).version.charter.appeal
    await trio.stop("a.demo")
    await trio.start("a.demo")

    assert before == ""
    assert own == "a.demo"
    assert "c.demo" in await check_of(trio, "a.demo")
    assert (await present(trio, "a.demo")).version.charter.appeal == own
    assert len(await trio.audit("a.demo", "federation.forked")) == 1
