# SPDX-License-Identifier: Apache-2.0
"""Holds, erasures and retention of the audit log."""

from collections.abc import Awaitable
from datetime import timedelta

from tests.node.audit.conftest import DORA, RUTH
from tests.support.fleet import Fleet

from fedsafe_node.acts.audit_upkeep import EraseRequest, HoldRequest
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.audit.keeper import Keeping
from fedsafe_node.log.audit import Event
from fedsafe_node.store.transaction import Transaction

ACCOUNT = "account-5f2a-one"
OTHER = "account-77b1-two"


def keeping(fleet: Fleet) -> Keeping:
    return fleet["a.demo"].services.keeping


async def meet(fleet: Fleet, *subjects: str) -> None:
    """Let accounts match, as far as the audit log is concerned."""
    base = fleet["a.demo"].base
    for subject in subjects:
        entry = base.trail.entry(
            Event.LOOKUP,
            at=base.clock.now(),
            outcome="review",
            actor="bot",
            subject=subject,
            detail={"signals": f"of-{subject}"},
        )

        async def act(tx: Transaction, entry: object = entry) -> None:
            await tx.append(base.trail.log, entry.record, entry.openings)  # type: ignore[attr-defined]

        await base.store.write(act)


async def approve(fleet: Fleet, asked: Awaitable[ActAnswer]) -> str:
    act = await asked
    staff = fleet["a.demo"].services.staff
    await staff.approvals.approve(act.act, bytes.fromhex(act.digest), RUTH)
    return act.act


async def erase(fleet: Fleet, subject: str) -> None:
    request = EraseRequest(subject_ref=subject, reason="ticket:17")
    await approve(fleet, keeping(fleet).erasure.ask(request, DORA))


async def run_retention(fleet: Fleet) -> None:
    await fleet["a.demo"].keeper.jobs()["audit-retention"].work()


def hold_of(fleet: Fleet, days: int = 90, **what: str | int) -> HoldRequest:
    until = int((fleet.clock.now() + timedelta(days=days)).timestamp())
    return HoldRequest(reason="order:17-2026", until=until, **what)  # type: ignore[arg-type]
