# SPDX-License-Identifier: Apache-2.0
"""Rows as stores keep them."""

from typing import Any

import msgspec
from msgspec.structs import replace

from fedsafe_node.store.casework_rows import (
    CaseRow,
    CaseStepRow,
    DispatchRow,
    PartnerRow,
)
from fedsafe_node.store.peering_rows import HandedRow
from fedsafe_node.store.people_rows import PersonRow, PersonState
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_node.store.rows import NewSignal, SignalStatus

BKA = PartnerRow(
    id="bka",
    revision=1,
    test=False,
    entered_at=100,
    entered_by="ada",
    verified_at=None,
    verified_until=None,
    verified_by=None,
    record=b"{}",
)
CASE = CaseRow(
    id="0a" * 16,
    state="draft",
    urgency="u1",
    minors=True,
    known_at=100,
    opened_at=110,
    opened_by="ada",
    revision=1,
    period="2026-11",
    key=b"key",
    sealed=b"sealed",
)
STEP = CaseStepRow(
    case_id=CASE.id,
    step="opened",
    state="draft",
    revision=1,
    at=110,
    by="ada",
    role="escalation_officer",
)
SENT = DispatchRow(
    id="0d" * 16,
    key="0d" * 32,
    case_id=CASE.id,
    revision=3,
    partner=BKA.id,
    partner_class="law_enforcement",
    mark=bytes(32),
    test=False,
    urgency="u1",
    recalls=None,
    package_id="package-1",
    sealing="smime",
    reply_token="t" * 24,
    made_at=100,
    made_by="ada",
    called=None,
    state="queued",
    channel=0,
    tries=0,
    due_at=100,
    delivered_at=None,
    acknowledged_at=None,
    sealed=b"sealed",
    signature=b"signature",
)
ANNA = PersonRow(
    id="p1",
    name="anna",
    display="Anna Weber",
    external=False,
    state=PersonState.INVITED,
    created_at=1,
    code_hash=bytes(32),
    code_until=9,
)


def run(first: int, last: int, recipient: str = "b.demo") -> HandedRow:
    return HandedRow(
        recipient=recipient,
        first=first,
        last=last,
        at=100,
        purpose="media_matching",
        basis="charter:epoch-1",
    )


def listed(number: int) -> NewSignal:
    return NewSignal(
        signal_id=bytes([number]) * 16,
        origin="b.demo",
        plane="actor",
        scope="federation",
        epoch=1,
        generation=1,
        media_kind=None,
        token=bytes(16),
        match_until=1_000,
        erase_after=1_000,
        status=SignalStatus.ACTIVE,
        own=False,
        log="b.demo/feed",
        index=number,
        group="signal",
    )


def new_signal(number: int, **fields: object) -> NewSignal:
    signal = NewSignal(
        signal_id=number.to_bytes(16),
        origin="a.demo",
        plane="actor",
        scope="all",
        epoch=1,
        generation=2,
        token=(1000 + number).to_bytes(16),
        match_until=100 * number,
        erase_after=100 * number + 50,
        log="a.demo/feed",
        index=number,
        group="signal",
    )
    return msgspec.structs.replace(signal, **fields)


A, B = "a.demo", "b.demo"
SIGNAL, OTHER = b"s" * 16, b"o" * 16


def a_dispute(number: int, **more: object) -> DisputeRow:
    row = DisputeRow(
        digest=bytes([number]) * 32,
        origin=A,
        signal_id=SIGNAL,
        author=B,
        sequence=number,
        contention="minor",
        control="officer",
        weight=Weight.SUSPENDS,
        received_at=number,
        charged_at=number,
        due_at=1_000 + number,
    )
    return replace(row, **more)


LOG = "b.demo/feed"


def signal(number: int, **changes: Any) -> NewSignal:  # noqa: ANN401
    row = NewSignal(
        signal_id=bytes([number]) * 16,
        origin="b.demo",
        plane="actor",
        scope="federation",
        epoch=1,
        generation=1,
        token=bytes([number]) * 16,
        match_until=50,
        erase_after=60,
        log=LOG,
        index=number,
        group="signal",
    )
    return replace(row, **changes)
