# SPDX-License-Identifier: Apache-2.0
"""A node whose records go after a month, and what makes them old."""

import re
from datetime import timedelta

from tests.support.fleet import Fleet

from fedsafe_node.acts.audit import VerifyAnswer
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.log.audit import Event

COUNT = 700
DAYS = 30
AUDIT = "a.demo/audit"
ANCHOR = "a.demo/anchor"
LATER = timedelta(days=120)
_SETTINGS = f"[audit]\nactor = {DAYS}\nsubject = {DAYS}\ndetail = {DAYS}\n"


def let_records_go(fleet: Fleet, *, after: int = DAYS) -> None:
    path = fleet.place("a.demo").config
    settings = f"{_SETTINGS}records = {after}\n"
    text = re.sub(r"\[audit\]\n(\w+ = \d+\n)+", settings, path.read_text())
    assert settings in text
    path.write_text(text)


async def write(fleet: Fleet, count: int) -> None:
    """Write events about an account, all at once."""
    base = fleet["a.demo"].base
    entries = [
        base.trail.entry(
            Event.LOOKUP,
            at=base.clock.now(),
            outcome="review",
            subject="account-5f2a-one",
            detail={"signals": number},
        )
        for number in range(count)
    ]
    await base.store.write(lambda tx: tx.append_many(base.trail.log, entries))


async def minimum(fleet: Fleet, log: str = AUDIT) -> int:
    store = fleet["a.demo"].base.store
    return await store.read(lambda reader: reader.minimum(log))


async def grow_old(fleet: Fleet, by: timedelta = LATER) -> None:
    fleet.clock.advance(by)
    await fleet["a.demo"].keeper.jobs()["audit-retention"].work()


async def verify(fleet: Fleet) -> VerifyAnswer:
    return await fleet["a.demo"].services.audits.verify(LOCAL)


async def cosign(fleet: Fleet, *names: str) -> None:
    for name in names:
        cosigning = fleet[name].witnesses.cosigning
        await cosigning.settle()
        await cosigning.run()
        await cosigning.settle()
