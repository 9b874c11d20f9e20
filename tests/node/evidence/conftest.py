# SPDX-License-Identifier: Apache-2.0
"""Packs of a node that runs, with something in its audit log."""

from collections.abc import Sequence
from typing import Final

from msgspec import convert
from tests.node.fleet import Fleet

from fedsafe_node.evidence.contents import audit_verifier, fingerprint
from fedsafe_node.evidence.span import ExportRequest
from fedsafe_node.principal import Principal
from fedsafe_policies.vocabulary import Role

AUDRA: Final = Principal("audra", Role.AUDITOR, fresh=True)
DORA: Final = Principal("dora", Role.DPO, fresh=True)
RUTH: Final = Principal("ruth", Role.REVIEWER, fresh=True)


async def write_events(fleet: Fleet, count: int) -> None:
    """Let the audit log grow; each reading is an event."""
    audits = fleet["a.demo"].services.audits
    for _ in range(count):
        await audits.events(0, 1, AUDRA)


async def export(
    fleet: Fleet, who: Principal = AUDRA, *, act: str | None = None, **span: int | str
) -> bytes:
    evidence = fleet["a.demo"].services.evidence
    pieces = await evidence.export(convert(span, ExportRequest), who, act=act)
    return b"".join([piece async for piece in pieces])


async def approved(
    fleet: Fleet, *, who: Principal = AUDRA, second: Principal = DORA, **span: int | str
) -> str:
    """Let a second person approve an export with openings."""
    services = fleet["a.demo"].services
    asked = await services.evidence.ask(convert(span, ExportRequest), who)
    digest = bytes.fromhex(asked.digest)
    await services.staff.approvals.approve(asked.act, digest, second)
    return asked.act


def key_of(fleet: Fleet) -> str:
    return fingerprint(audit_verifier("a.demo", fleet["a.demo"].base.keys))


def offsets(seed: int, size: int, count: int) -> Sequence[int]:
    """Choose places in a file, the same ones each time."""
    step = 2_654_435_761
    return [(seed + step * number) % size for number in range(count)]
