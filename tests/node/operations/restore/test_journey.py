# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.backups import back_up, lose, medium
from tests.support.charter_changes import rotate
from tests.support.fleet import Fleet
from tests.support.store_rows import BKA, CASE, SENT

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_node.acts.bodies import ImportRequest
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import RestoreUnfinishedError, RolledBackError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.ground.key_files import read_secret
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.log.guard import Kept, put_back, read_kept
from fedsafe_node.members.peering.repeats import Repeats
from fedsafe_node.operations.backup.errors import (
    BackupRefusedError,
    MembersAwayError,
    PastLostError,
)
from fedsafe_node.operations.backup.secrets import open_keys, seal_keys
from fedsafe_node.operations.offline_inspect import verify_node
from fedsafe_node.operations.restore.journey import Outcome, restore_node
from fedsafe_node.operations.restore.placement import Request
from fedsafe_policies.escalation.dispatches import DispatchState
from fedsafe_policies.vocabulary import Scope

__all__ = ["medium"]

# Nodes that stop may wait for an answer of one that has stopped.
pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]
BEFORE, SINCE, STOPPED = "anna@example.de", "ben@example.de", "cleo@example.de"
OTHERS: Final = ("b.demo", "c.demo")


async def restore(fleet: Fleet, backup: Path, **more: Any) -> Outcome:  # noqa: ANN401 (options)
    request = Request(backup, "rita", "ticket-7", **more)
    return await restore_node(fleet.place("a.demo"), request, fleet.clock)


@pytest.fixture
async def yesterday(trio: Fleet, medium: Path) -> Path:
    """Back up a node of which more has left since, and lose its store."""
    await trio.publish(BEFORE)
    await back_up(trio, medium / "monday")
    trio.clock.advance(timedelta(minutes=5))
    await trio.attested()
    await trio.publish(SINCE)
    stopped = await trio.publish(STOPPED)
    await trio.revoke(stopped, by=OTHERS)
    await trio.stop("a.demo")
    await asyncio.to_thread(lose, trio)
    return medium / "monday"


async def found(fleet: Fleet, name: str) -> dict[str, bool]:
    answers = {
        value: await fleet.look_up(name, value) for value in (BEFORE, SINCE, STOPPED)
    }
    return {value: bool(answer.matches) for value, answer in answers.items()}


async def test_yesterday_comes_back_into_the_living_federation(
    trio: Fleet, yesterday: Path
) -> None:
    outcome = await restore(trio, yesterday)
    await trio.start("a.demo")
    await trio.covered()
    after = await trio.publish("dora@example.de")
    verified = await trio["a.demo"].services.audits.verify(LOCAL)
    seen = {name: await found(trio, name) for name in (*OTHERS, "a.demo")}
    forks = {name: (await trio[name].forks.kept()).forks for name in OTHERS}

    table = [request_for(each, scope=Scope.FEDERATION) for each in (BEFORE, SINCE)]
    signals = trio["a.demo"].services.signals
    again = await signals.add_many(ImportRequest(signals=table), ANNA)

    assert (outcome.adopted.records, outcome.adopted.openings) == (3, 1)
    assert after
    assert again.already == [0, 1]
    assert verified.ok, [each for each in verified.tables if not each.ok]
    assert seen["a.demo"] == {BEFORE: True, SINCE: True, STOPPED: False}
    assert seen["b.demo"] == seen["c.demo"] == seen["a.demo"]
    assert forks == {"b.demo": [], "c.demo": []}


async def test_what_a_member_holds_is_in_the_ledger_again(
    trio: Fleet, yesterday: Path
) -> None:
    outcome = await restore(trio, yesterday)
    await trio.start("a.demo")
    rows = await trio["a.demo"].base.store.read(lambda r: r.handed(1, 5_000))

    assert outcome.adopted.handed == 2
    assert {row.recipient for row in rows} == set(OTHERS)


async def test_what_the_audit_log_lost_is_a_signed_gap(
    trio: Fleet, yesterday: Path
) -> None:
    place = trio.place("a.demo")
    kept = await asyncio.to_thread(read_kept, place.guard)
    outcome = await restore(trio, yesterday)
    await trio.start("a.demo")
    (event,) = await trio.audit("a.demo", "backup.restored")
    gaps = await trio["a.demo"].base.store.read(lambda reader: reader.gaps())
    said = json.loads(event.openings["detail"])

    assert outcome.lost == kept["a.demo/audit"].size - outcome.first > 0
    assert (said["first"], said["lost"]) == (outcome.first, outcome.lost)
    assert (said["root"], said["reason"]) == (kept["a.demo/audit"].root, "ticket-7")
    assert [gap.reason for gap in gaps] == ["restored"]
    verified = await trio["a.demo"].services.audits.verify(LOCAL)
    services = trio["a.demo"].services
    standing = await services.inspections.standing()
    told = await services.keeping.telling.gaps()
    await trio.stop("a.demo")
    stopped = await verify_node(place, await asyncio.to_thread(load_config, place))
    last = outcome.first + outcome.lost - 1
    assert verified.ok
    assert [(e.first, e.last, e.at) for e in verified.lost] == [
        (outcome.first, last, int(trio.clock.now().timestamp()))
    ]
    assert stopped.ok
    assert stopped.lost == verified.lost == standing.lost == told.lost
    assert standing.missing == told.missing == 0


@pytest.mark.parametrize("waits", [True, False])
async def test_no_package_leaves_after_a_restore_before_a_person_lets_it(
    trio: Fleet, medium: Path, *, waits: bool
) -> None:
    state = DispatchState.BY_HAND if waits else DispatchState.STOPPED
    sent = msgspec.structs.replace(SENT, state=state.value, due_at=None)
    store = trio["a.demo"].base.store
    await store.write(lambda tx: tx.put_case(CASE))
    await store.write(lambda tx: tx.put_partner(BKA))
    await store.write(lambda tx: tx.add_dispatch(sent))
    made_at = int(trio.clock.now().timestamp())
    await back_up(trio, medium / "monday")
    trio.clock.advance(timedelta(minutes=5))
    await trio.stop("a.demo")
    await asyncio.to_thread(lose, trio)
    await restore(trio, medium / "monday")
    await trio.start("a.demo")
    last = await trio["a.demo"].base.store.read(lambda reader: reader.sending())
    switched = await trio.audit("a.demo", "sending.switched")
    takings = await trio["a.demo"].base.store.read(lambda r: r.takings(sent.id))

    assert (last is None) is not waits
    assert last is None or (last.sends, last.by) == (False, "rita")
    assert len(switched) == waits
    assert [(each.by, each.at) for each in takings] == [("unknown", made_at)] * waits


async def test_the_anchor_begins_anew_and_the_one_before_is_over(
    trio: Fleet, yesterday: Path
) -> None:
    outcome = await restore(trio, yesterday)
    await trio.start("a.demo")
    node = trio["a.demo"]
    await node.witnesses.cosigning.run()
    await node.witnesses.cosigning.settle()
    proof = await node.witnesses.cosigning.proof()
    begun = [await trio.audit(name, "witness.anchor_begun") for name in OTHERS]

    assert outcome.anchor == node.base.trail.anchor == "a.demo/anchor/1"
    assert proof is not None
    assert proof.note.startswith(b"a.demo/anchor/1\n")
    assert [len(each) for each in begun] == [1, 1]


async def test_nobody_but_a_restore_brings_an_older_store_back(
    trio: Fleet, yesterday: Path
) -> None:
    place = trio.place("a.demo")
    await asyncio.to_thread(shutil.copy, yesterday / "store.db", place.database)

    with pytest.raises(RolledBackError):
        await trio.start("a.demo")
    with pytest.raises(BackupRefusedError, match="is there"):
        await restore(trio, yesterday)


async def test_the_directory_of_before_is_put_back_by_nobody(
    trio: Fleet, yesterday: Path
) -> None:
    place = trio.place("a.demo")
    await restore(trio, yesterday)
    await trio.start("a.demo")
    await trio["a.demo"].witnesses.cosigning.run()
    await trio["a.demo"].witnesses.cosigning.settle()
    await trio.stop("a.demo")

    def put_old_back() -> None:
        shutil.copy(yesterday / "store.db", place.database)
        shutil.rmtree(place.guard)
        shutil.copytree(yesterday / "guard", place.guard)

    await asyncio.to_thread(put_old_back)
    with pytest.raises(RolledBackError):
        await trio.start("a.demo")


async def test_a_member_that_is_away_is_left_out_by_name_only(
    trio: Fleet, yesterday: Path
) -> None:
    await trio.stop("c.demo")

    with pytest.raises(MembersAwayError, match=r"c\.demo"):
        await restore(trio, yesterday)
    with pytest.raises(BackupRefusedError, match="no other member"):
        await restore(trio, yesterday, absent=["x.demo"])
    with pytest.raises(RestoreUnfinishedError):
        await trio.start("a.demo")
    outcome = await restore(trio, yesterday, absent=["c.demo"])
    await trio.start("a.demo")

    assert outcome.absent == ["c.demo"]
    assert outcome.adopted.limited == 1  # nobody knows whether the other one has it


async def test_a_past_that_nobody_holds_stops_a_restore(
    trio: Fleet, yesterday: Path
) -> None:
    place = trio.place("a.demo")
    kept = await asyncio.to_thread(read_kept, place.guard)
    more = Kept("a.demo/feed", kept["a.demo/feed"].size + 1, "0" * 64)
    await asyncio.to_thread(put_back, place.guard, [*kept.values(), more])

    with pytest.raises(PastLostError, match="guard"):
        await restore(trio, yesterday)
    outcome = await restore(trio, yesterday, give_up=True)

    assert outcome.feed == kept["a.demo/feed"].size


async def test_a_lost_machine_comes_back_out_of_backup_and_keys(
    trio: Fleet, medium: Path
) -> None:
    await trio.publish(BEFORE)
    await back_up(trio, medium / "monday", medium / "keys")
    await trio.publish(SINCE)
    await trio.stop("a.demo")
    directory = trio.place("a.demo").directory
    await asyncio.to_thread(shutil.rmtree, directory)
    custody = trio.root / "custody" / "a.demo.key"

    with pytest.raises(BackupRefusedError, match="has no keys"):
        await restore(trio, medium / "monday")
    outcome = await restore(
        trio, medium / "monday", keys=medium / "keys", custody=custody
    )
    await trio.start("a.demo")
    await trio.covered()
    answer = await trio.look_up("a.demo", SINCE)

    assert outcome.adopted.openings == 1
    assert len(answer.matches) == 1


async def test_a_lost_machine_comes_back_with_the_keys_that_followed(
    trio: Fleet, medium: Path
) -> None:
    await rotate(trio, "a.demo", "b.demo")
    await trio.publish(BEFORE)
    await back_up(trio, medium / "monday", medium / "keys")
    await trio.stop("a.demo")
    await asyncio.to_thread(shutil.rmtree, trio.place("a.demo").directory)
    custody = trio.root / "custody" / "a.demo.key"

    await restore(trio, medium / "monday", keys=medium / "keys", custody=custody)
    await trio.start("a.demo")
    await trio.covered()
    signal = await trio.publish(SINCE)
    verified = await trio["a.demo"].services.audits.verify(LOCAL)

    assert signal
    assert verified.ok, verified


async def test_a_store_of_before_comes_back_to_the_keys_that_followed(
    trio: Fleet, medium: Path
) -> None:
    await trio.publish(BEFORE)
    await back_up(trio, medium / "monday")
    await rotate(trio, "a.demo", "b.demo")
    await trio.stop("a.demo")
    await asyncio.to_thread(lose, trio)

    await restore(trio, medium / "monday")
    await trio.start("a.demo")
    await trio.covered()
    signal = await trio.publish(SINCE)
    verified = await trio["a.demo"].services.audits.verify(LOCAL)

    assert signal
    assert verified.ok, verified


async def test_keys_of_before_are_refused_as_what_they_are(
    trio: Fleet, medium: Path
) -> None:
    await back_up(trio, medium / "monday", medium / "keys")
    await rotate(trio, "a.demo", "b.demo")
    await trio.stop("a.demo")
    await asyncio.to_thread(shutil.rmtree, trio.place("a.demo").directory)
    custody = trio.root / "custody" / "a.demo.key"

    with pytest.raises(BackupRefusedError, match="by other keys"):
        await restore(trio, medium / "monday", keys=medium / "keys", custody=custody)


async def test_a_file_of_keys_that_another_has_made_is_refused(
    trio: Fleet, medium: Path
) -> None:
    await back_up(trio, medium / "monday", medium / "keys")
    await trio.stop("a.demo")
    directory = trio.place("a.demo").directory
    custody = trio.root / "custody" / "a.demo.key"
    forging = Place(medium / "forged")
    real = RecipientKey.from_bytes(await asyncio.to_thread(read_secret, custody))

    def forge() -> bytes:
        """Take the file's own form, and a statement key of one's own."""
        shutil.copytree(directory / "keys", forging.keys)
        key = SigningKey.generate()
        (forging.keys / "statement.key").write_bytes(key.to_bytes())
        forged = seal_keys(forging, "a.demo", real.public, key)
        (medium / "keys").write_bytes(forged)
        shutil.rmtree(directory)
        return key.public

    signer = await asyncio.to_thread(forge)
    more = {"keys": medium / "keys", "custody": custody}

    with pytest.raises(BackupRefusedError, match=r"not signed by a\.demo"):
        await restore(trio, medium / "monday", **more)
    assert not (directory / "keys").exists()
    with pytest.raises(BackupRefusedError, match=r"not signed by a\.demo"):
        await restore(trio, medium / "monday", **more, statement_key=bytes([3] * 32))
    opened = await asyncio.to_thread(
        open_keys, medium / "keys", real, "a.demo", {signer}
    )
    assert "statement.key" in opened


async def test_a_node_without_its_share_asks_the_others(
    trio: Fleet, yesterday: Path
) -> None:
    place = trio.place("a.demo")
    for path in await asyncio.to_thread(lambda: list(place.keys.glob("share-*"))):
        await asyncio.to_thread(path.unlink)

    outcome = await restore(trio, yesterday)
    await trio.start("a.demo")
    await trio.covered()
    answer = await trio.look_up("a.demo", BEFORE)

    assert [name for name in outcome.gone if name.startswith("share-")]
    assert len(answer.matches) == 1


class Died(BaseException):
    """As if the process had ended there."""


@dataclass
class DieAt(Faults):
    """Ends a restore at a point."""

    point: FaultPoint

    def reach(self, point: FaultPoint) -> None:
        if point is self.point:
            raise Died


async def test_a_restore_that_ends_anywhere_is_ended_by_the_same_call(
    trio: Fleet, yesterday: Path
) -> None:
    place, request = trio.place("a.demo"), Request(yesterday, "rita", "ticket-7")
    points = [each for each in FaultPoint if each.value.startswith("restore.")]
    for point in points:
        with pytest.raises(Died):
            await restore_node(place, request, trio.clock, faults=DieAt(point))
        with pytest.raises(RestoreUnfinishedError):
            await trio.start("a.demo")

    outcome = await restore(trio, yesterday)
    await trio.start("a.demo")
    await trio.covered()
    restored = await trio.audit("a.demo", "backup.restored")
    verified = await trio["a.demo"].services.audits.verify(LOCAL)

    assert outcome.was_there
    assert len(restored) == 1
    assert verified.ok, verified
    assert await found(trio, "a.demo") == {BEFORE: True, SINCE: True, STOPPED: False}


async def test_only_its_origin_is_given_openings_back_and_that_is_an_event(
    trio: Fleet,
) -> None:
    await trio.publish(BEFORE)
    request = FeedRequest(origin="a.demo", since=0, known=0, restrictions=0)

    batches = {
        asker: decode_batch("a.demo", await trio["b.demo"].peering.feed(request, asker))
        for asker in ("a.demo", "c.demo")
    }
    events = [each.text for each in await trio.audit("b.demo", "feed.served")]

    assert [line.opening is None for line in batches["c.demo"].records] == [True]
    assert [line.opening is None for line in batches["a.demo"].records] == [False]
    assert [text for text in events if '"origin":"a.demo"' in text] != []


async def test_what_an_origin_asks_back_again_is_one_event_an_hour(
    trio: Fleet,
) -> None:
    await trio.publish(BEFORE)
    await trio.publish(SINCE)
    base, peering = trio["b.demo"].base, trio["b.demo"].peering

    async def told() -> list[str]:
        found = await trio.audit("b.demo", "feed.served")
        return [
            each.record.outcome for each in found if '"origin":"a.demo"' in each.text
        ]

    for since, limit in ((0, 1), (0, 1), (0, 5), (1, 5), (0, 5)):
        request = FeedRequest("a.demo", since, 0, 0, limit)
        await peering.feed(request, "a.demo")
    before = await told()
    trio.clock.advance(timedelta(hours=1))
    await Repeats(base.store, base.trail, base.clock).run()

    assert before == ["ok", "ok"]
    assert await told() == ["ok", "ok", "repeated"]
