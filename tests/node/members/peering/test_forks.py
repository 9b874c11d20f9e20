# SPDX-License-Identifier: Apache-2.0
"""A member shows two histories: who has proof suspends it and tells the others."""

import msgspec
import pytest
from tests.support.fleet import Fleet, eventually
from tests.support.peering import evidence_of, publish
from tests.support.witnessed_log import OpenLog

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_federation.feed.forks import fork_of, open_fork
from fedsafe_node.acts.forks import LiftRequest
from fedsafe_node.ground.errors import BadRequestError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import Role

ANNAS = "anna@example.de"
OLAF = Principal("olaf", Role.OPERATOR)


async def suspended(fleet: Fleet, *names: str) -> None:
    async def are_suspended() -> bool:
        return all(
            "a.demo" in fleet[name].base.situation.coverage.suspended for name in names
        )

    await eventually(are_suspended)


async def test_evidence_suspends_the_member_everywhere(trio: Fleet) -> None:
    await trio.publish(ANNAS)
    assert (await trio.look_up("c.demo", ANNAS)).matches != []
    forks = trio["b.demo"].services.forks
    taken = await forks.take(evidence_of(trio), by="rita")
    await suspended(trio, "b.demo", "c.demo")
    found = await trio.look_up("c.demo", ANNAS)

    assert (taken.new, taken.suspended, taken.origin) == (True, True, "a.demo")
    assert found.matches == []
    assert "a.demo" in found.not_covered
    for name in ("b.demo", "c.demo"):
        checks = await trio[name].services.node.checks()
        assert checks["log a.demo/feed"] == "has shown two trees"
        (event,) = await trio.audit(name, "origin.suspended")
        assert event.text.count("— a.demo/feed") == 2
    assert not (await forks.take(evidence_of(trio), by="rita")).new
    assert not (await forks.take(evidence_of(trio, size=9), by="rita")).new


async def test_a_restart_keeps_evidence_and_suspension(trio: Fleet) -> None:
    await trio["b.demo"].services.forks.take(evidence_of(trio), by="rita")
    await trio.stop("b.demo")
    await trio.start("b.demo")
    node = trio["b.demo"]
    (kept,) = (await node.services.forks.kept()).forks

    assert "a.demo" in node.base.situation.coverage.suspended
    assert open_fork(kept.evidence).digest == kept.digest
    checks = await node.services.node.checks()
    assert checks["log a.demo/feed"] == "has shown two trees"


async def test_evidence_about_an_anchor_alarms_and_suspends_nobody(trio: Fleet) -> None:
    forks = trio["b.demo"].services.forks
    taken = await forks.take(evidence_of(trio, "a.demo/anchor"), by="rita")

    assert (taken.new, taken.suspended) == (True, False)
    assert len(await trio.audit("b.demo", "origin.fork_proven")) == 1
    checks = await trio["b.demo"].services.node.checks()
    assert checks["log a.demo/anchor"] == "has shown two trees"


async def test_what_proves_nothing_suspends_nobody(trio: Fleet) -> None:
    good = evidence_of(trio)
    stranger = SigningKey.generate()
    one, other = (
        OpenLog("a.demo/feed", stranger),
        OpenLog("a.demo/feed", stranger, b"x"),
    )
    theirs = fork_of(
        VerifierKey.of("a.demo/feed", stranger.public),
        one.note(7).decode(),
        other.note(7).decode(),
    )
    for lie in (msgspec.structs.replace(good, second=good.first), theirs):
        with pytest.raises(BadRequestError):
            await trio["b.demo"].services.forks.take(lie, by="rita")
    with pytest.raises(BadRequestError):  # a node does not convict itself
        await trio["a.demo"].services.forks.take(good, by="rita")

    assert trio["b.demo"].base.situation.coverage.suspended == set()
    assert (await trio["b.demo"].services.forks.kept()).forks == []


async def test_a_person_lifts_one_contradiction_and_no_other(trio: Fleet) -> None:
    await trio.publish(ANNAS)
    forks, evidence = trio["b.demo"].services.forks, evidence_of(trio)
    taken = await forks.take(evidence, by="rita")
    request = LiftRequest("a.demo/feed", taken.digest, "minutes-1")
    other = msgspec.structs.replace(request, digest="0" * 64)
    with pytest.raises(NotFoundError):
        await forks.lift(other, OLAF)
    for told in ("Anna did it", "anna@example.de", "call-491701234567"):
        with pytest.raises(BadRequestError):
            await forks.lift(msgspec.structs.replace(request, reference=told), OLAF)
    answer = await forks.lift(request, OLAF)
    again = await forks.take(evidence, by="c.demo")

    assert answer.forks == []
    assert not again.new
    assert (await trio.look_up("b.demo", ANNAS)).matches != []
    (event,) = await trio.audit("b.demo", "origin.resumed")
    assert "minutes-1" in event.text
    assert (await trio["b.demo"].services.audits.verify(OLAF)).ok
    assert (await forks.take(evidence_of(trio, size=9), by="c.demo")).suspended


async def test_what_was_lifted_stays_lifted_however_much_is_lifted_behind_it(
    trio: Fleet,
) -> None:
    forks = trio["b.demo"].services.forks
    for size in range(7, 75):
        taken = await forks.take(evidence_of(trio, size=size), by="rita")
        await forks.lift(LiftRequest("a.demo/feed", taken.digest, "minutes-1"), OLAF)
    again = await forks.take(evidence_of(trio, size=7), by="c.demo")

    assert not again.new
    assert "a.demo" not in trio["b.demo"].base.situation.coverage.suspended


async def test_a_witness_that_sees_a_fork_suspends_and_tells(trio: Fleet) -> None:
    log = OpenLog("a.demo/feed", trio["a.demo"].base.keys.feed)
    fork = OpenLog("a.demo/feed", log.key, b"other")
    server = trio["b.demo"].witnesses.server
    await server.add_checkpoint(log.request(0, 7).encode())
    assert (await server.add_checkpoint(fork.request(7, 7).encode())).status == 422

    await suspended(trio, "b.demo", "c.demo")


async def test_a_view_of_another_size_is_found_by_comparing(trio: Fleet) -> None:
    for number in range(3):
        await publish(trio, f"person-{number}@example.de")
    await trio.level("a.demo", ["b.demo", "c.demo"])
    key = trio["a.demo"].base.keys.feed
    shown = OpenLog("a.demo/feed", key, b"other").note(2)
    node = trio["b.demo"]
    shared = node.base.situation.shared
    assert shared is not None
    member = shared.membership.charter.member("a.demo")
    honest = await node.base.store.read(lambda reader: reader.peer("a.demo"))
    assert honest is not None

    await node.forks.compare_copy(member, honest.checkpoint.encode(), by="c.demo")
    assert node.base.situation.coverage.suspended == set()
    await node.forks.compare_copy(member, shown, by="c.demo")
    await suspended(trio, "b.demo", "c.demo")
    (kept,) = (await node.services.forks.kept()).forks
    assert [tree.size for tree in open_fork(kept.evidence).trees] == [2, 3]


async def test_what_did_not_arrive_is_handed_on_within_the_hour(trio: Fleet) -> None:
    await trio.stop("c.demo")
    await trio["b.demo"].services.forks.take(evidence_of(trio), by="rita")
    await trio["b.demo"].forks.settle()
    await trio.start("c.demo")
    await trio["b.demo"].witnesses.comparing.run()

    await suspended(trio, "c.demo")
