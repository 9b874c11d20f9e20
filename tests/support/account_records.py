# SPDX-License-Identifier: Apache-2.0
"""What other parts of a node hold about an account."""

from secrets import token_hex

import msgspec
from tests.support.fleet import Fleet

from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.log.openings import period_of
from fedsafe_node.notices.facts import Facts, seal_facts
from fedsafe_node.rights.sealing import Content, seal_content
from fedsafe_node.store.notices_rows import NoticeRow
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_node.store.transaction import Transaction


async def keep_elsewhere(fleet: Fleet, subject: str, *, closed: bool) -> None:
    """Let a person have asked, and be owed a notice."""
    base, now = fleet["a.demo"].base, fleet.clock.now()
    seconds, period = int(now.timestamp()), period_of(now)
    found = Content(subject_ref=subject, findings=[], unevaluated=[], disputes=[])
    facts = Facts(subject_ref=subject, published_on=now.date(), recipients=[])
    kind, signal = NoticeKind.PUBLICATION, b"s" * 16
    name = token_hex(16)
    request = RequestRow(
        id=name,
        kind="access",
        way="officer",
        control="proved",
        language="de",
        opened_at=seconds,
        opened_by="dora",
        due_at=seconds + 86_400,
        period=period,
        sealed=seal_content(base.periods, name, period, found),
    )
    notice = NoticeRow(
        about=signal,
        kind=kind,
        state=NoticeState.WAITING,
        queued_at=seconds,
        period=period,
        sealed=seal_facts(facts, base.periods, period, (signal, kind, 1)),
    )

    async def act(tx: Transaction) -> None:
        await tx.add_request(request)
        await tx.add_notice(notice)
        if closed:
            ended = msgspec.structs.replace(
                request,
                state=RequestState.CLOSED,
                outcome="done",
                ended_at=seconds,
                ended_by="dora",
            )
            await tx.put_request(ended)

    await base.store.write(act)
