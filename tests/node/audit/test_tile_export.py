# SPDX-License-Identifier: Apache-2.0

import pytest
from tests.node.audit.conftest import write_events
from tests.node.signals.conftest import ANNA
from tests.support.fleet import Fleet
from tests.support.packs import taken

from fedsafe_crypto.errors import SignatureError
from fedsafe_crypto.tlog.checkpoint import open_checkpoint
from fedsafe_crypto.tlog.cosignature import verify_cosignatures
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_crypto.tlog.tile_files import (
    CHECKPOINT,
    file_names,
    split_bundle,
    verify_files,
)
from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_node.audit.packs.contents import audit_verifier
from fedsafe_node.audit.tile_export import OwnLog
from fedsafe_node.ground.errors import CorruptLogError, DeniedError
from fedsafe_node.log.audit import decode_audit_record
from fedsafe_node.log.proofs import MAX_ENTRY
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction


async def test_a_log_leaves_as_the_files_of_its_checkpoint(kept_alone: Fleet) -> None:
    await write_events(kept_alone, TILE_WIDTH)
    files = await taken(kept_alone)
    key = audit_verifier("a.demo", kept_alone["a.demo"].base.keys)
    checkpoint = open_checkpoint(files[CHECKPOINT], key)

    verify_files(checkpoint, files.__getitem__)
    assert list(files) == list(file_names(checkpoint.size))
    assert checkpoint.size > TILE_WIDTH
    kept = kept_alone["a.demo"].base.guard.kept(key.name)
    assert kept is not None
    assert kept.size >= checkpoint.size  # kept before it left


async def test_the_export_is_an_event_and_in_its_own_tree(kept_alone: Fleet) -> None:
    files = await taken(kept_alone)
    (last,) = [name for name in files if name.startswith("tile/entries/")]
    *_, entry = split_bundle(files[last])

    assert decode_audit_record(entry).event == "audit.exported"
    (event,) = await kept_alone.audit("a.demo", "audit.exported")
    assert '"log":"audit"' in event.text


async def test_no_opening_leaves(kept_alone: Fleet) -> None:
    await write_events(kept_alone, 3)

    assert b"audra" not in b"".join((await taken(kept_alone)).values())


async def test_the_feed_is_signed_with_its_own_key(trio: Fleet) -> None:
    await trio.publish("anna@example.de")
    files = await taken(trio, OwnLog.FEED)
    keys = trio["a.demo"].base.keys
    key = VerifierKey.of("a.demo/feed", keys.feed.public)
    checkpoint = open_checkpoint(files[CHECKPOINT], key)

    verify_files(checkpoint, files.__getitem__)
    assert checkpoint.size == 1
    other = VerifierKey.of("a.demo/feed", keys.audit.public)
    with pytest.raises(SignatureError):
        open_checkpoint(files[CHECKPOINT], other)


async def test_the_anchor_leaves_as_others_have_cosigned_it(trio: Fleet) -> None:
    cosigning = trio["a.demo"].witnesses.cosigning
    await cosigning.settle()
    await cosigning.run()
    await cosigning.settle()
    await write_events(trio, 1)
    files = await taken(trio, OwnLog.ANCHOR)
    key = trio["a.demo"].witnesses.anchor.key
    checkpoint = open_checkpoint(files[CHECKPOINT], key)
    witnesses = [
        VerifierKey.of(f"{name}/witness", trio[name].base.keys.witness.public, COSIGNER)
        for name in ("b.demo", "c.demo")
    ]

    verify_files(checkpoint, files.__getitem__)
    assert set(verify_cosignatures(files[CHECKPOINT], witnesses)) == set(witnesses)


async def test_an_anchor_that_nobody_has_cosigned_leaves_as_it_is(
    kept_alone: Fleet,
) -> None:
    files = await taken(kept_alone, OwnLog.ANCHOR)
    key = kept_alone["a.demo"].witnesses.anchor.key

    assert open_checkpoint(files[CHECKPOINT], key).size == 1


async def test_who_may_take_out_nothing_gets_nothing(kept_alone: Fleet) -> None:
    with pytest.raises(DeniedError):
        await taken(kept_alone, who=ANNA)

    assert await kept_alone.audit("a.demo", "audit.exported") == []


async def test_an_entry_that_no_bundle_can_hold_is_named(kept_alone: Fleet) -> None:
    base = kept_alone["a.demo"].base
    entry = LogEntry(record=bytes(MAX_ENTRY + 1), openings=())

    async def act(tx: Transaction) -> int:
        return await tx.append(base.trail.log, entry.record, entry.openings)

    index = await base.store.write(act)
    with pytest.raises(CorruptLogError) as caught:
        await taken(kept_alone)

    assert f"{index}" in str(caught.value)
