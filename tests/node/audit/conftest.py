# SPDX-License-Identifier: Apache-2.0
"""Packs of a node that runs, with something in its audit log."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from msgspec import convert
from tests.support.fleet import NAMES, Fleet, copy_of, make
from tests.support.old_records import COUNT, let_records_go, write

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_node.audit.packs.contents import audit_verifier, fingerprint
from fedsafe_node.evidence.verify import read_files, verify_pack
from fedsafe_node.ground.errors import RolledBackError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.span import ExportRequest
from fedsafe_policies.vocabulary import Role

AUDRA: Final = Principal("audra", Role.AUDITOR, fresh=True)
DORA: Final = Principal("dora", Role.DPO, fresh=True)
RUTH: Final = Principal("ruth", Role.REVIEWER, fresh=True)


STAFF: Final = (
    ("audra", Role.AUDITOR),
    ("dora", Role.DPO),
    ("ruth", Role.REVIEWER),
)


@pytest.fixture
async def kept_alone(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give one node that runs, with the people who look after its audit log."""
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    await fleet.start("a.demo")
    yield fleet
    await fleet.close()


@pytest.fixture
async def aging(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give one whose records go after a month, with some that will."""
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    let_records_go(fleet)
    await fleet.start("a.demo")
    await write(fleet, COUNT)
    yield fleet
    await fleet.close()


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


@dataclass(frozen=True)
class Made:
    """A pack, its files, its node's fingerprint and audit key.

    `charter` is the digest of its charter, `more` are the records behind its end;
    `late` is a pack that was made when no member cosigned any more.
    """

    pack: bytes
    files: dict[str, bytes]
    fingerprint: str
    key: SigningKey
    charter: str = ""
    more: tuple[bytes, ...] = ()
    late: bytes = b""

    @property
    def trust(self) -> tuple[str, ...]:
        """What others tell of it."""
        return (self.fingerprint, self.charter) if self.charter else (self.fingerprint,)


async def make_alone(root: Path) -> Made:
    """Let a node alone make a pack with openings."""
    fleet: Fleet = await make(root, "a.demo", staff=STAFF)
    try:
        await fleet.start("a.demo")
        await write_events(fleet, 4)
        act = await approved(fleet, first=1, last=5)
        pack = await export(fleet, act=act, first=1, last=5)
        files = dict(read_files(io.BytesIO(pack)))
        return Made(pack, files, key_of(fleet), fleet["a.demo"].base.keys.audit)
    finally:  # else its node keeps its port from the next one
        await fleet.close()


async def make_cosigned(root: Path, founded: Path) -> Made:
    """Let a node make a pack that two others have cosigned."""
    fleet = await asyncio.to_thread(copy_of, founded, root / "n")
    try:
        await fleet.start(*NAMES)
        await fleet.covered()
        for _ in range(3):
            await write_events(fleet, 2)
            await fleet.witnessed("a.demo")
        await write_events(fleet, 4)
        pack = await export(fleet)
        files = dict(read_files(io.BytesIO(pack)))
        base, report = fleet["a.demo"].base, verify_pack(io.BytesIO(pack))
        more = await base.store.read(
            lambda reader: reader.records(base.trail.log, report.end, 10)
        )
        cosigning = fleet["a.demo"].witnesses.cosigning
        cosigning.alarm = RolledBackError("a.demo/anchor", 0, 0, "none is asked now")
        await write_events(fleet, 2)
        late = await export(fleet)
        return Made(
            pack,
            files,
            report.fingerprint,
            base.keys.audit,
            report.charter,
            tuple(more),
            late,
        )
    finally:  # else its nodes keep their ports from the next ones
        await fleet.close()


@pytest.fixture(scope="session")
def cosigned(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> Made:
    """Give a pack of which other members have cosigned a part."""
    return asyncio.run(make_cosigned(tmp_path_factory.mktemp("cosigned"), founded))


@pytest.fixture(scope="session")
def late(cosigned: Made) -> Made:
    """Give a pack with entries that nobody has cosigned yet."""
    files = dict(read_files(io.BytesIO(cosigned.late)))
    return replace(cosigned, pack=cosigned.late, files=files)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return asyncio.run(make_alone(tmp_path_factory.mktemp("pack")))
