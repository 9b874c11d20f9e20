# SPDX-License-Identifier: Apache-2.0
"""Two valid versions of one number are found, kept, and cause an alarm."""

import asyncio

from tests.support.council import (
    agree,
    at_version,
    ballot_of,
    hear,
    present,
    propose,
    show,
    vote,
)
from tests.support.fleet import NAMES, Fleet, eventually

from fedsafe_federation.charter.amendment import sign_charter, sign_refusal
from fedsafe_federation.charter.bundles import opened
from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import SignedCharter
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.charter import ExchangeRequest


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


async def test_who_signs_what_it_refused_is_named_and_not_who_was_free_to_sign(
    trio: Fleet,
) -> None:
    dead = await propose(trio, "a.demo", ChangeKind.TERMS, appeal="a.demo")
    payload = await hear(trio, "c.demo", dead)
    for name in ("b.demo", "c.demo"):
        await vote(trio, name, await hear(trio, name, dead), refuse=True)

    async def free() -> bool:
        return (await show(trio, "a.demo")).proposals[0].dead

    await eventually(free)
    second = await propose(trio, "b.demo", ChangeKind.TERMS, appeal="b.demo")
    await agree(trio, second, "a.demo")
    await at_version(trio, 2, *NAMES)
    federation = (await present(trio, "a.demo")).version.charter.federation
    fork = SignedCharter(
        [
            sign_charter(
                payload,
                signer=name,
                key=trio[name].base.keys.statement,
                federation=federation,
            )
            for name in ("a.demo", "c.demo")
        ]
    )
    await ballot_of(trio, "b.demo").take([fork], [])
    shown = (await show(trio, "b.demo")).forked

    assert shown is not None
    assert (shown.version, shown.signed_both, shown.broke_promise) == (
        2,
        [],
        ["c.demo"],
    )
    check = await check_of(trio, "b.demo")
    assert "c.demo" in check
    assert "a.demo" not in check


async def test_a_promise_that_comes_later_clears_who_was_free(trio: Fleet) -> None:
    one = await version(trio, "a.demo", "a.demo", "c.demo")
    other = await version(trio, "b.demo", "a.demo", "b.demo")
    await ballot_of(trio, "b.demo").take([other], [])
    await ballot_of(trio, "b.demo").take([one], [])
    before = (await show(trio, "b.demo")).forked
    federation = (await present(trio, "b.demo")).version.charter.federation
    promises = [
        sign_refusal(
            one.payload,
            2,
            signer=name,
            key=trio[name].base.keys.statement,
            federation=federation,
        )
        for name in ("b.demo", "c.demo")
    ]
    await ballot_of(trio, "b.demo").take([], promises)
    await ballot_of(trio, "b.demo").take([], promises)
    after = (await show(trio, "b.demo")).forked
    answer = await trio["b.demo"].services.charters.exchange(
        ExchangeRequest(version=2, statements=[])
    )

    assert before is not None
    assert before.signed_both == ["a.demo"]
    assert after is not None
    assert (after.signed_both, after.broke_promise) == ([], ["c.demo"])
    promised = [each.signer for each in opened(answer.statements)]
    assert promised == ["b.demo", "c.demo"]
    assert len(await trio.audit("b.demo", "federation.forked")) == 2
