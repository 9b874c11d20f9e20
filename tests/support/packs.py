# SPDX-License-Identifier: Apache-2.0
"""Evidence packs with openings, and what their verifier refuses."""

import io
import tarfile
from typing import Any

import pytest
from tests.node.audit.conftest import AUDRA, approved, export
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet
from tests.support.rights_requests import WHO

from fedsafe_node.audit.tile_export import OwnLog
from fedsafe_node.evidence.verify import PackError, verify_pack
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_policies.vocabulary import Scope

ACCOUNT = "account-1"  # whom `Fleet.look_up` asks for
COURT = "Amtsgericht Köln"


async def end_of(fleet: Fleet) -> int:
    base = fleet["a.demo"].base
    return await base.store.read(lambda reader: reader.log_size(base.trail.log))


async def matched(fleet: Fleet) -> str:
    """Let an account match an own ban; return the ban."""
    ban = await fleet["a.demo"].services.signals.add(
        request_for(WHO, scope=Scope.SELF), ANNA
    )
    await fleet.look_up("a.demo", WHO)
    return ban.signal


async def looked_up(fleet: Fleet, **fields: Any) -> None:  # noqa: ANN401 (of an event)
    """Let somebody look up, as far as the audit log is concerned."""
    base = fleet["a.demo"].base
    entry = base.trail.entry(Event.LOOKUP, at=base.clock.now(), **fields)
    await base.store.write(
        lambda tx: tx.append(base.trail.log, entry.record, entry.openings)
    )


async def handed(
    fleet: Fleet,
    *,
    first: int = 0,
    last: int | None = None,
    who: Principal = AUDRA,
    **span: Any,  # noqa: ANN401 (fields of a request)
) -> bytes:
    """Let two people take a pack with openings out."""
    last = await end_of(fleet) - 1 if last is None else last
    act = await approved(fleet, who=who, first=first, last=last, **span)
    return await export(fleet, who, act=act, first=first, last=last, **span)


async def entered(fleet: Fleet) -> list[PackRow]:
    return await fleet["a.demo"].base.store.read(lambda reader: reader.packs())


def refused(pack: bytes, *trust: str) -> str:
    with pytest.raises(PackError) as caught:
        verify_pack(io.BytesIO(pack), *trust)
    return str(caught.value)


async def taken(
    fleet: Fleet, log: OwnLog = OwnLog.AUDIT, who: Principal = AUDRA
) -> dict[str, bytes]:
    pieces = await fleet["a.demo"].services.tiling.export(log, who)
    archive = io.BytesIO(b"".join([piece async for piece in pieces]))
    with tarfile.open(fileobj=archive, mode="r:") as files:
        found = {each.name: files.extractfile(each) for each in files}
    return {name: content.read() for name, content in found.items() if content}
