# SPDX-License-Identifier: Apache-2.0
"""The clock runs past the legal gates of running processes (rule P1).

The nodes are processes of their own under libfaketime, so their system clock is
moved and nothing in them knows. Debian has it as `faketime`; without it these tests
are skipped.
"""

import asyncio
import time
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, RITA
from tests.programs import do_without
from tests.support import fleet as fleets
from tests.support.federation import Caller, until
from tests.support.gate_nodes import WITHIN, running
from tests.support.gates import COMPLETE
from tests.support.origin import WHO

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.acts.register import EntryRequest
from fedsafe_node.app.init import create_node
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.operations.stopped_node import open_node_store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_policies.documents.register import Status, catalogue

pytestmark = pytest.mark.timeout(300)

LIBRARIES: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
PACE: Final = 0.5  # seconds between questions: all that is due is work enough
_DAYS: Final = 2


class MovedClock:
    """The system clock of the processes that are started under it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.move(0)

    def move(self, seconds: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n", encoding="ascii")
        new.rename(self._file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def _recorded() -> bytes:
    """All that `synthetic` shares, behind a gate that people have to record."""
    text = files("fedsafe_policies").joinpath("data/synthetic.toml").read_bytes()
    return text.replace(b'mode = "synthetic"', b'mode = "record"').replace(
        b'name = "synthetic"', b'name = "recorded"'
    )


async def _prepare(root: Path) -> None:
    """Make a federation whose gates end tonight, and a signal."""
    clock = fleets.StandingClock(SystemClock().now())
    fleet = fleets.Fleet(root, clock)
    names = fleets.NAMES
    for name, port in zip(names, free_ports(len(names)), strict=True):
        place = Place(root / name)
        await create_node(
            place,
            fleets.config_of(name, port),
            custody_private=root / "custody" / f"{name}.key",
            staff=fleets.STAFF,
            clock=clock,
        )
        (place.directory / "recorded.toml").write_bytes(_recorded())
        text = place.config.read_text()
        place.config.write_text(text.replace('"synthetic"', '"recorded.toml"'))
    try:
        await fleet.start(*names)
        await fleets.found(fleet, *names)
        for name in names:
            await _open_gate(fleet, name)
        await fleet.attested()
        await fleet.publish(WHO)
    finally:
        await fleet.close()


async def _open_gate(fleet: fleets.Fleet, name: str) -> None:
    services, today = fleet[name].services, fleet.clock.now().date()
    met = EntryRequest(
        status=Status.MET, evidence="doc-7", expires_on=today + timedelta(days=300)
    )
    needed = [item.id for item in catalogue().values() if item.mandatory]
    for item in needed:
        await services.registers.enter(item, met, ANNA)
    waiting = {
        each.item: each.waits for each in (await services.registers.show()).items
    }
    for item in needed:
        waits = waiting[item]
        assert waits is not None
        await services.registers.review(item, waits.entry, RITA)
    gate = replace(COMPLETE, valid_until=today + timedelta(days=1))
    await fleet.open_gate(name, gate)


def _about(value: str) -> dict[str, str]:
    return {"kind": "email", "value": value}


def _opens(caller: Caller) -> bool:
    return bool(caller.get("/v1/gate").body["open"])


def _result(caller: Caller) -> object:
    body = caller.post("/v1/lookup", {"questions": [_about(WHO)]}).body
    # While all that the moved clock made due holds the store, it may be `timed_out`.
    return body["result"] if "result" in body else body["code"]


def _relocked(caller: Caller) -> bool:
    target = "/v1/audit/events?limit=1000&purpose=audit_review"
    events = caller.get(target).body["events"]
    return any(each["event"] == "gate.relocked" for each in events)


def _signals(directory: Path) -> list[tuple[SignalRow, bool]]:
    """Read the signals of a node that has stopped, and whether their openings are."""

    async def query(reader: Reader) -> list[tuple[SignalRow, bool]]:
        rows = await reader.signals_after(0, 100)
        return [
            (row, await reader.opening(row.log, row.index, row.group) is not None)
            for row in rows
        ]

    async def run() -> list[tuple[SignalRow, bool]]:
        place = Place(directory)
        config = await asyncio.to_thread(load_config, place)
        clock = fleets.StandingClock(SystemClock().now())
        store = await open_node_store(place, config, clock)
        try:
            return await store.scan(query)
        finally:
            await store.close()

    return asyncio.run(run())


@pytest.mark.promise("LR-01")
def test_within_a_minute_past_its_end_a_gate_refuses_and_erases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not LIBRARIES:
        do_without("faketime")
    asyncio.run(_prepare(tmp_path / "n"))
    clock = MovedClock(tmp_path / "moved")
    for name, value in clock.environment.items():
        monkeypatch.setenv(name, value)
    with running(tmp_path / "n") as nodes:
        b = Caller(nodes["b.demo"])
        until(lambda: _result(b) == "review", "a match", patience=WITHIN)
        opened = _opens(b)
        clock.move(_DAYS * 86_400)
        began = time.monotonic()
        until(
            lambda: _result(b) == "incomplete",
            "the refusal",
            patience=WITHIN,
            pace=PACE,
        )
        shut = not _opens(b)
        until(lambda: _relocked(b), "the erasure", patience=WITHIN, pace=PACE)
        took = time.monotonic() - began
    rows = _signals(tmp_path / "n" / "b.demo")

    assert (opened, shut) == (True, True)
    assert took < WITHIN
    foreign = [(row.status, row.token, kept) for row, kept in rows if not row.own]
    assert foreign == [(SignalStatus.ERASED, None, False)]
