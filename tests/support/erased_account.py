# SPDX-License-Identifier: Apache-2.0
"""An account that is erased, and what parts of a node hold about it."""

import asyncio

from tests.node.audit.conftest import DORA, RUTH
from tests.support.disk import files_with
from tests.support.fleet import Fleet

from fedsafe_node.acts.audit_upkeep import EraseRequest
from fedsafe_node.ground.signal_ids import read_signal_id

ACCOUNT = "konto:7f3a.erase-me_now"


async def erase(fleet: Fleet) -> None:
    services = fleet["a.demo"].services
    request = EraseRequest(subject_ref=ACCOUNT, reason="ticket:17")
    await services.keeping.erasure.ask(request, DORA)
    asked = await services.keeping.erasure.ask(request, DORA)
    await services.staff.approvals.approve(asked.act, bytes.fromhex(asked.digest), RUTH)


async def merged(fleet: Fleet, name: str, signal: str) -> list[bytes]:
    """Put a node's tokens into a segment; give that of a signal as it lies there."""
    base = fleet[name].base
    await asyncio.to_thread(base.lists.tokens.merge)
    signal_id = read_signal_id(signal)
    row = await base.store.read(lambda r: r.signal("a.demo", signal_id))
    assert row is not None
    assert row.token is not None
    # An index file has the halves of a token in columns of their own.
    halves = (int.from_bytes(half) for half in (row.token[:8], row.token[8:]))
    token = [row.token, *(half.to_bytes(8, "little") for half in halves)]
    files = await asyncio.to_thread(files_with, base.place.directory, token)
    assert any(name.endswith(".segment") for name in files)
    return token
