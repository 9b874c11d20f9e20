# SPDX-License-Identifier: Apache-2.0
"""What other parts of a node hold about an account goes with it."""

from secrets import token_hex

import msgspec
import pytest
from tests.node.evidence.conftest import DORA
from tests.node.evidence.test_keeping import ACCOUNT, OTHER, erase
from tests.node.fleet import Fleet
from tests.node.signals.conftest import ANNA, request_for

from fedsafe_node.acts.audit_upkeep import EraseRequest
from fedsafe_node.acts.bodies import ImportRequest
from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.log.openings import period_of
from fedsafe_node.notices.facts import Facts, seal_facts
from fedsafe_node.rights.sealing import Content, seal_content
from fedsafe_node.store.notices_rows import NoticeRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Scope


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


async def sealed_elsewhere(fleet: Fleet) -> list[bool]:
    async def query(reader: Reader) -> list[bool]:
        requests = await reader.requests(RequestState.CLOSED, 9)
        notice = await reader.notice(b"s" * 16, NoticeKind.PUBLICATION)
        assert notice is not None
        return [
            notice.sealed is not None,
            *(row.sealed is not None for row in requests),
        ]

    return await fleet["a.demo"].base.store.read(query)


async def test_requests_and_notices_are_erased_as_well(alone: Fleet) -> None:
    await keep_elsewhere(alone, ACCOUNT, closed=True)
    before = await sealed_elsewhere(alone)
    await erase(alone, ACCOUNT)
    (event,) = await alone.audit("a.demo", "audit.erased")

    assert (before, await sealed_elsewhere(alone)) == ([True] * 2, [False] * 2)
    assert '"notices":1' in event.text
    assert '"requests":1' in event.text


async def test_what_names_others_stays(alone: Fleet) -> None:
    await keep_elsewhere(alone, OTHER, closed=True)
    await erase(alone, ACCOUNT)

    assert await sealed_elsewhere(alone) == [True] * 2


async def test_an_open_request_is_answered_before_the_account_goes(
    alone: Fleet,
) -> None:
    await keep_elsewhere(alone, ACCOUNT, closed=False)

    with pytest.raises(WrongStateError, match="close the person's request"):
        await erase(alone, ACCOUNT)
    assert await sealed_elsewhere(alone) == [True]


async def test_every_part_that_names_accounts_erases(alone: Fleet) -> None:
    parts = alone["a.demo"].keeper.erasers.parts()

    assert parts == sorted(
        ("drafts", "signals", "openings", "events", "notices", "requests", "reviews")
    )


async def matches(fleet: Fleet, value: str) -> bool:
    return bool((await fleet.look_up("a.demo", value)).matches)


async def test_an_erased_account_matches_no_more(alone: Fleet) -> None:
    signals = alone["a.demo"].services.signals
    lone, listed, other = (f"{name}@mail.example" for name in ("one", "two", "three"))
    await signals.add(request_for(lone, scope=Scope.SELF, subject_ref=ACCOUNT), ANNA)
    bans = [
        request_for(value, scope=Scope.SELF, subject_ref=subject)
        for value, subject in ((listed, ACCOUNT), (other, OTHER))
    ]
    await signals.add_many(ImportRequest(signals=bans), ANNA)
    keeping = alone["a.demo"].services.keeping
    asking = EraseRequest(subject_ref=ACCOUNT, reason="ticket:17")
    await keeping.erasure.ask(asking, DORA)
    asked = [await matches(alone, value) for value in (lone, listed, other)]
    await erase(alone, ACCOUNT)
    (event,) = await alone.audit("a.demo", "audit.erased")

    assert asked == [True, True, True]  # asking alone clears nobody
    left = [await matches(alone, value) for value in (lone, listed, other)]
    assert left == [False, False, True]
    assert '"signals":2' in event.text
    assert (await alone["a.demo"].services.audits.verify(DORA)).ok
