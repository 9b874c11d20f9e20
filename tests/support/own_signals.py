# SPDX-License-Identifier: Apache-2.0
"""Signals that a node has published or imported itself."""

from datetime import timedelta
from typing import Any, Final

from tests.node.signals.conftest import ANNA, RITA, Clocked, Node, request_for

from fedsafe_node.acts.bodies import ImportAnswer, ImportRequest, NewSignalRequest
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import DETAIL, SUBJECT, Event, decode_audit_record
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.vocabulary import Role, Scope

SECOND: Final = timedelta(seconds=1)
OLAF: Final = Principal("olaf", Role.OPERATOR)
DORA: Final = Principal("dora", Role.DPO)


async def ban(
    node: Node,
    clock: Clocked,
    value: str,
    **more: Any,  # noqa: ANN401 - whatever a test wants otherwise
) -> str:
    clock.advance(SECOND)
    return (await node.signals.add(request_for(value, **more), ANNA)).signal


async def publish(
    node: Node,
    clock: Clocked,
    value: str,
    **more: Any,  # noqa: ANN401 - whatever a test wants otherwise
) -> str:
    signal = await ban(node, clock, value, scope=Scope.FEDERATION, **more)
    assert (await node.signals.approve([signal], RITA)).problems == []
    return signal


async def contest(node: Node, clock: Clocked, signal: str, origin: str) -> None:
    clock.advance(SECOND)
    now = int(clock.now().timestamp())
    row = DisputeRow(
        digest=read_signal_id(signal) * 2,
        origin=origin,
        signal_id=read_signal_id(signal),
        author="b.demo",
        sequence=now,
        contention="mistake",
        control="officer",
        weight=Weight.SUSPENDS,
        received_at=now,
        charged_at=now,
        due_at=now + 9,
    )
    await node.store.write(lambda tx: tx.add_dispute(row))
    rests = SignalStatus.DISPUTED
    await node.store.write(
        lambda tx: tx.set_signal_status(origin, row.signal_id, rests)
    )


async def said(node: Node) -> list[tuple[Event, str | None, str | None]]:
    """Give the events with subject and detail, as they lie in the log."""
    log = node.desk.trail.log
    size = await node.store.read(lambda r: r.log_size(log))
    found = []
    for index in range(size):
        record = await node.store.read(lambda r, i=index: r.record(log, i))  # type: ignore[misc]
        texts = []
        for group in (SUBJECT, DETAIL):
            kept = await node.store.read(
                lambda r, i=index, g=group: r.opening(log, i, g)  # type: ignore[misc]
            )
            texts.append(None if kept is None else kept.payload.decode())
        assert record is not None
        found.append((decode_audit_record(record).event, texts[0], texts[1]))
    return found


async def take(  # noqa: PLR0913 - what an import says
    node: Node,
    signals: list[NewSignalRequest],
    *,
    run: str | None = None,
    who: Principal = ANNA,
    dry_run: bool = False,
    anew: bool = False,
) -> ImportAnswer:
    request = ImportRequest(signals=signals, run=run, dry_run=dry_run, anew=anew)
    return await node.signals.add_many(request, who)


async def matches(node: Node, value: str) -> bool:
    answer = await node.look_up(value)
    return bool(answer.matches)
