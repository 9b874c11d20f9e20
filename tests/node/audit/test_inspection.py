# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
from datetime import timedelta

import pytest
from tests.node.audit.conftest import AUDRA, key_of, write_events
from tests.node.signals.conftest import ANNA
from tests.support.fleet import Fleet
from tests.support.fleet_stores import FLEET_STORES

from fedsafe_crypto.tlog.checkpoint import open_checkpoint
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_crypto.tlog.tree import leaf_hash, verify_inclusion
from fedsafe_node.ground.errors import DeniedError, NotFoundError
from fedsafe_node.log.audit import Event
from fedsafe_node.store.rows import Opening


async def test_an_entry_is_shown_with_a_proof_that_verifies(kept_alone: Fleet) -> None:
    await write_events(kept_alone, 5)
    inspections = kept_alone["a.demo"].services.inspections
    key = VerifierKey.parse((await inspections.standing()).key)
    for index in (0, 3):
        shown = await inspections.entry(index, AUDRA, None, proof=True)
        checkpoint = open_checkpoint((shown.checkpoint or "").encode(), key)
        path = [bytes.fromhex(node) for node in shown.proof or []]

        assert leaf_hash(shown.record.encode()).hex() == shown.leaf
        leaf, root = bytes.fromhex(shown.leaf), checkpoint.root
        verify_inclusion(leaf, index, checkpoint.size, path, root)
    assert len(await kept_alone.audit("a.demo", "audit.read")) == 5 + 2


async def test_what_is_erased_says_when_and_a_signal_is_withheld(
    kept_alone: Fleet,
) -> None:
    base = kept_alone["a.demo"].base
    log = base.trail.log
    entry = base.trail.entry(
        Event.LOOKUP,
        at=kept_alone.clock.now(),
        actor="anna",
        subject="account-7",
        extra=[Opening(group="signal", salt=bytes(32), payload=b"\xff")],
    )
    index = await base.store.write(
        lambda tx: tx.append(log, entry.record, entry.openings)
    )
    await base.store.write(lambda tx: tx.erase_opening(log, index, "actor", at=77))
    inspections = kept_alone["a.demo"].services.inspections
    shown = await inspections.entry(index, AUDRA, None, proof=False)

    assert (shown.erased, shown.withheld) == ({"actor": 77}, ["signal"])
    assert json.loads(shown.openings["subject"]) == {"ref": "account-7"}
    assert set(shown.openings) == {"subject"}
    assert (shown.proof, shown.checkpoint) == (None, None)


async def test_an_actor_and_details_are_shown(kept_alone: Fleet) -> None:
    shown = await kept_alone["a.demo"].services.inspections.entry(
        0, AUDRA, None, proof=False
    )

    assert json.loads(shown.openings["actor"]) == {"name": "setup"}


async def test_no_entry_and_no_right_are_refused(kept_alone: Fleet) -> None:
    inspections = kept_alone["a.demo"].services.inspections
    with pytest.raises(NotFoundError):
        await inspections.entry(9_999, AUDRA, None, proof=True)
    with pytest.raises(DeniedError):
        await inspections.entry(0, ANNA, None, proof=True)


DROP_ENTRY = "DELETE FROM entries WHERE log = 1 AND idx = 1"


async def test_the_log_tells_its_end_its_key_and_its_gaps(kept_alone: Fleet) -> None:
    inspections = kept_alone["a.demo"].services.inspections
    before = await inspections.standing()
    behind = FLEET_STORES.behind(kept_alone.place("a.demo"))
    assert await asyncio.to_thread(behind.change, DROP_ENTRY) == 1
    at_once = await inspections.standing()
    kept_alone.clock.advance(timedelta(minutes=10))
    after = await inspections.standing()

    assert [each.missing for each in (before, at_once, after)] == [0, 0, 1]
    assert before.fingerprint == key_of(kept_alone)
    assert 0 < before.kept_size <= before.size == after.size
    assert after.kept_at is not None
