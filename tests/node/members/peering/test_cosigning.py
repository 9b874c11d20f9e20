# SPDX-License-Identifier: Apache-2.0
"""Three nodes cosign each other's anchors over HTTP."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.fleet import Fleet, StandingClock
from tests.support.fleet_stores import FLEET_STORES
from tests.support.peering import STRANGER

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint
from fedsafe_crypto.tlog.cosignature import add_lines, cosign, verify_cosignatures
from fedsafe_federation.errors import PeerUnreachableError
from fedsafe_federation.feed.witnessing import witness_of
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConfigError, RolledBackError
from fedsafe_node.log.anchor import Cosigned
from fedsafe_node.members.peering.cosigning import STALE
from fedsafe_node.members.peering.witness_requests import MOST_SIZES


async def cosigned(fleet: Fleet, name: str = "a.demo") -> Cosigned | None:
    cosigning = fleet[name].witnesses.cosigning
    await cosigning.settle()  # what the job has begun
    await cosigning.run()
    await cosigning.settle()
    return await cosigning.cosigned()


async def quorum(fleet: Fleet) -> Cosigned:
    """Have the others cosign, even if one was too slow to answer at first."""
    for _ in range(5):
        if (found := await cosigned(fleet)) is not None:
            return found
        fleet.clock.advance(timedelta(hours=1))
    raise AssertionError("no quorum")


async def test_the_others_cosign_what_the_audit_log_was(trio: Fleet) -> None:
    node = trio["a.demo"]
    found = await quorum(trio)
    tree = await node.witnesses.anchor.grow()
    assert found.size == tree.checkpoint.size
    note = add_lines(tree.note, "".join(found.lines))
    assert node.base.situation.shared is not None
    membership = node.base.situation.shared.membership
    seen = verify_cosignatures(note, map(witness_of, membership.others))

    assert {key.name for key in seen} == {"b.demo/witness", "c.demo/witness"}
    assert set(seen.values()) == {int(trio.clock.now().timestamp())}
    assert open_checkpoint(note, node.witnesses.anchor.key) == tree.checkpoint


@pytest.mark.embedded
async def test_a_witness_learns_no_size_and_no_root(trio: Fleet) -> None:
    await quorum(trio)
    audit = trio["a.demo"].base.guard.kept("a.demo/audit")
    key = trio["a.demo"].witnesses.anchor.key.encode()
    row = await trio["b.demo"].base.store.read(lambda reader: reader.witnessed(key))

    assert audit is not None
    assert row is not None
    assert audit.size > row.size
    assert audit.root not in row.note.decode()
    path = trio.place("b.demo").database
    data = path.read_bytes() + path.with_name("store.db-wal").read_bytes()
    assert audit.root.encode() not in data
    assert bytes.fromhex(audit.root) not in data


async def test_it_goes_on_as_the_audit_log_grows(trio: Fleet) -> None:
    first = await quorum(trio)
    await trio.look_up("a.demo", "anna@example.de")
    second = await cosigned(trio)
    third = await cosigned(trio)

    assert second is not None
    assert second.size == first.size + 1
    assert third == second  # nothing happened: nothing new to cosign
    kept = await trio["a.demo"].base.store.read(
        lambda reader: reader.cosignatures("a.demo/anchor")
    )
    assert {row.size for row in kept} == {second.size}


async def test_one_of_two_others_is_no_majority(trio: Fleet) -> None:
    before = await quorum(trio)
    await trio.stop("c.demo")
    await trio.look_up("a.demo", "anna@example.de")
    during = await cosigned(trio)
    await trio.start("c.demo")
    trio.clock.advance(timedelta(hours=1))
    after = await cosigned(trio)

    assert before == during
    assert after is not None
    assert after.size > before.size


async def test_who_is_away_is_asked_less_and_less(trio: Fleet) -> None:
    await quorum(trio)
    await trio.stop("c.demo")
    cosigning = trio["a.demo"].witnesses.cosigning
    tries: list[int] = []
    for _ in range(20):
        trio.clock.advance(timedelta(minutes=1))
        await cosigned(trio)
        tries.append(cosigning.failures("c.demo"))

    assert tries[-1] == len({each for each in tries if each})
    assert 4 <= tries[-1] <= 6  # after 1, 2, 4, 8 minutes


async def test_nothing_waits_for_witnesses_and_the_delay_is_told(
    trio: Fleet,
) -> None:
    await quorum(trio)
    await trio.stop("b.demo", "c.demo")
    node = trio["a.demo"].services.node
    assert "witnesses" not in await node.checks()
    trio.clock.advance(STALE + timedelta(seconds=1))
    await cosigned(trio)

    assert (await node.checks())["witnesses"].startswith("away since 2026-11-24T12:0")
    await trio.look_up("a.demo", "anna@example.de", deadline_ms=100)
    await trio.start("b.demo", "c.demo")
    trio.clock.advance(timedelta(hours=1))
    await cosigned(trio)
    assert "witnesses" not in await node.checks()


class Copy:
    """A node's whole directory, guard and keys and all, and its database."""

    def __init__(self, place: Place, target: Path) -> None:
        self.directory = target
        self._place = place
        ignore = shutil.ignore_patterns("*.sock")
        shutil.copytree(place.directory, target, ignore=ignore)
        self._put_store_back = FLEET_STORES.keep(place)

    def put_back(self) -> None:
        shutil.rmtree(self._place.directory)
        shutil.copytree(self.directory, self._place.directory)
        self._put_store_back()


async def copied(fleet: Fleet, name: str, target: Path) -> Copy:
    await fleet.stop(name)
    copy = await asyncio.to_thread(Copy, fleet.place(name), target)
    await fleet.start(name)
    return copy


async def put_back_whole(trio: Fleet, tmp_path: Path) -> None:
    """Stop a.demo and put it back to before its members cosigned a lookup."""
    await quorum(trio)
    copy = await copied(trio, "a.demo", tmp_path / "old")
    await trio.look_up("a.demo", "anna@example.de")
    await cosigned(trio)
    await trio.stop("a.demo")
    await asyncio.to_thread(copy.put_back)


def entries(fleet: Fleet) -> int:
    behind = FLEET_STORES.behind(fleet.place("a.demo"))
    return int(behind.find("SELECT count(*) FROM entries")[0][0])


@pytest.mark.promise("TM-07")
async def test_a_directory_that_was_put_back_whole_does_not_start(
    trio: Fleet, tmp_path: Path
) -> None:
    await put_back_whole(trio, tmp_path)
    before = entries(trio)
    with pytest.raises(RolledBackError, match=r"witnessed by [bc]\.demo"):
        await trio.start("a.demo")

    assert entries(trio) == before


async def test_a_policy_in_the_old_copy_does_not_hide_it(
    trio: Fleet, tmp_path: Path
) -> None:
    await put_back_whole(trio, tmp_path)
    trio.place("a.demo").witness_policy.write_text("quorum none\n")
    with pytest.raises(RolledBackError, match="witnessed by"):
        await trio.start("a.demo")


async def test_one_that_grew_anew_meanwhile_is_found_out(
    trio: Fleet, tmp_path: Path
) -> None:
    await quorum(trio)
    copy = await copied(trio, "a.demo", tmp_path / "old")
    await trio.look_up("a.demo", "anna@example.de")
    found = await cosigned(trio)
    await trio.stop("a.demo", "b.demo", "c.demo")
    await asyncio.to_thread(copy.put_back)
    await trio.start("a.demo")  # nobody is there to say it
    for _ in range(3):
        await trio.look_up("a.demo", "bert@example.de", deadline_ms=100)
        await cosigned(trio)
    await trio.start("b.demo", "c.demo")
    trio.clock.advance(timedelta(hours=1))
    await cosigned(trio)
    cosigning = trio["a.demo"].witnesses.cosigning
    key = trio["a.demo"].witnesses.anchor.key.encode()

    assert found is not None
    assert isinstance(cosigning.alarm, RolledBackError)
    checks = await trio["a.demo"].services.node.checks()
    assert checks["witnesses"] == "they have seen more than this node has"
    await trio.stop("a.demo")
    with pytest.raises(RolledBackError):
        await trio.start("a.demo")
    for name in ("b.demo", "c.demo"):
        row = await trio[name].base.store.read(lambda reader: reader.witnessed(key))
        assert row is not None
        assert row.size == found.size  # the other tree was not cosigned


async def test_a_lost_answer_is_had_by_asking_again(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await quorum(trio)
    node = trio["a.demo"]
    send, lost = node.client.add_checkpoint, list[int]()

    async def lose_the_answer(
        witness: str, prefix: str, body: bytes
    ) -> tuple[int, bytes]:
        status, data = await send(witness, prefix, body)
        if len(lost) < 2:
            lost.append(status)
            raise PeerUnreachableError(witness, "it died between store and answer")
        return status, data

    monkeypatch.setattr(node.client, "add_checkpoint", lose_the_answer)
    await trio.look_up("a.demo", "anna@example.de")
    before = await cosigned(trio)
    await trio.look_up("a.demo", "bert@example.de")
    trio.clock.advance(timedelta(minutes=2))
    after = await cosigned(trio)

    assert lost == [200, 200]
    assert before is not None
    assert after is not None
    assert after.size == before.size + 2


@pytest.mark.parametrize("lie", ["bit", "key", "size", "empty"])
async def test_a_witness_that_lies_counts_for_nothing(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    await quorum(trio)
    before = await cosigned(trio)
    node = trio["a.demo"]
    send = node.client.add_checkpoint
    stranger = SigningKey.generate()

    async def answer(witness: str, prefix: str, body: bytes) -> tuple[int, bytes]:
        status, data = await send(witness, prefix, body)
        name = f"{witness}/witness"
        text = Checkpoint("a.demo/anchor", 1_000, bytes(32)).encode()
        lies = {
            "bit": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
            "key": cosign(text, name, stranger, at=1).encode(),
            "size": b"999\n",
            "empty": b"",
        }
        return (409 if lie == "size" else status), lies[lie]

    monkeypatch.setattr(node.client, "add_checkpoint", answer)
    await trio.look_up("a.demo", "anna@example.de")
    after = await cosigned(trio)

    assert after == before
    assert node.witnesses.cosigning.alarm is None  # a number alone convicts nobody


async def test_a_witness_of_another_time_counts_for_nothing(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await quorum(trio)

    class Far:
        def now(self) -> datetime:
            return datetime(9999, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(trio["b.demo"].witnesses.server, "_clock", Far())
    await trio.look_up("a.demo", "anna@example.de")

    assert await cosigned(trio) == before


async def test_a_dispute_is_written_down_whatever_the_witness_shows(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await quorum(trio)
    node = trio["a.demo"]

    async def refuse(*_: object) -> tuple[int, bytes]:
        return 422, b"no\n"

    async def junk(*_: object) -> bytes:
        return b"junk"

    monkeypatch.setattr(node.client, "add_checkpoint", refuse)
    monkeypatch.setattr(node.client, "witnessed", junk)
    await trio.look_up("a.demo", "anna@example.de")
    await cosigned(trio)

    for _ in range(3):
        trio.clock.moment += timedelta(hours=2)
        await cosigned(trio)

    events = await trio.audit("a.demo", "witness.disputed")
    named = [json.loads(each.openings["detail"])["witness"] for each in events]
    assert sorted(named) == ["b.demo", "c.demo"]
    assert node.witnesses.cosigning.alarm is None


async def test_an_old_copy_with_a_wrong_clock_alarms_at_once(
    trio: Fleet, tmp_path: Path
) -> None:
    await put_back_whole(trio, tmp_path)
    right, trio.clock = trio.clock, StandingClock(trio.clock.now())
    trio.clock.advance(timedelta(minutes=10))
    await trio.start("a.demo")
    checks = await trio["a.demo"].services.node.checks()

    assert checks["witnesses"] == "they refuse this node: is its clock right?"
    trio.clock.advance(timedelta(hours=1))
    right.moment = trio.clock.moment
    await cosigned(trio)
    assert isinstance(trio["a.demo"].witnesses.cosigning.alarm, RolledBackError)


async def test_the_alarm_of_a_wrong_clock_ends_with_it(trio: Fleet) -> None:
    await trio.stop("a.demo")
    trio.place("a.demo").witness_policy.write_text("quorum none\n")
    right, trio.clock = trio.clock, StandingClock(trio.clock.now())
    trio.clock.advance(timedelta(minutes=10))
    await trio.start("a.demo")
    assert "witnesses" in await trio["a.demo"].services.node.checks()
    right.moment = trio.clock.moment
    await cosigned(trio)

    assert "witnesses" not in await trio["a.demo"].services.node.checks()


async def test_silence_is_no_refusal(trio: Fleet) -> None:
    await trio.stop("a.demo", "b.demo", "c.demo")
    await trio.start("a.demo")

    assert "witnesses" not in await trio["a.demo"].services.node.checks()


async def test_what_waits_for_a_quorum_is_bounded(trio: Fleet) -> None:
    await quorum(trio)
    await trio.stop("c.demo")
    before = await cosigned(trio)
    store = trio["a.demo"].base.store
    for _ in range(MOST_SIZES + 4):
        await trio.look_up("a.demo", "anna@example.de", deadline_ms=100)
        await cosigned(trio)
    rows = await store.read(lambda reader: reader.cosignatures("a.demo/anchor"))

    assert before is not None
    sizes = sorted({row.size for row in rows})
    assert sizes[0] == before.size
    assert len(sizes) <= MOST_SIZES + 1
    await trio.start("c.demo")
    trio.clock.advance(timedelta(hours=1))
    after = await cosigned(trio)
    assert after is not None
    assert after.size >= sizes[-1]


async def test_a_policy_file_says_whose_word_is_enough(trio: Fleet) -> None:
    node = trio["a.demo"]
    assert node.base.situation.shared is not None
    others = node.base.situation.shared.membership.others
    keys = {member.name: witness_of(member).encode() for member in others}
    path = trio.place("a.demo").witness_policy
    await trio.stop("a.demo", "c.demo")
    path.write_text(f"witness b {keys['b.demo']}\nquorum b\n")
    await trio.start("a.demo")
    found = await cosigned(trio)

    assert found is not None
    assert [name for name, _ in found.by] == ["b.demo/witness"]
    await trio.stop("a.demo")
    for text, why in (
        ("quorum b\n", "line 1: a name that no line above defines"),
        (f"witness x {STRANGER}\nquorum x\n", "x.demo/witness is no other member"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=why):
            await trio.start("a.demo")


async def test_no_quorum_is_no_alarm(trio: Fleet) -> None:
    await trio.stop("a.demo")
    trio.place("a.demo").witness_policy.write_text("quorum none\n")
    await trio.start("a.demo")
    trio.clock.advance(STALE * 2)
    await cosigned(trio)

    assert "witnesses" not in await trio["a.demo"].services.node.checks()
