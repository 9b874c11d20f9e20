# SPDX-License-Identifier: Apache-2.0
"""What other parts of a node hold about an account goes with it."""

import pytest
from tests.node.audit.conftest import DORA
from tests.node.signals.conftest import ANNA, request_for
from tests.support.account_records import keep_elsewhere
from tests.support.fleet import Fleet
from tests.support.keeping import ACCOUNT, OTHER, erase

from fedsafe_node.acts.audit_upkeep import EraseRequest
from fedsafe_node.acts.bodies import ImportRequest
from fedsafe_node.acts.notices import NoticeKind
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_policies.vocabulary import Scope


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


async def test_requests_and_notices_are_erased_as_well(kept_alone: Fleet) -> None:
    await keep_elsewhere(kept_alone, ACCOUNT, closed=True)
    before = await sealed_elsewhere(kept_alone)
    await erase(kept_alone, ACCOUNT)
    (event,) = await kept_alone.audit("a.demo", "audit.erased")

    assert (before, await sealed_elsewhere(kept_alone)) == ([True] * 2, [False] * 2)
    assert '"notices":1' in event.text
    assert '"requests":1' in event.text


async def test_what_names_others_stays(kept_alone: Fleet) -> None:
    await keep_elsewhere(kept_alone, OTHER, closed=True)
    await erase(kept_alone, ACCOUNT)

    assert await sealed_elsewhere(kept_alone) == [True] * 2


async def test_an_open_request_is_answered_before_the_account_goes(
    kept_alone: Fleet,
) -> None:
    await keep_elsewhere(kept_alone, ACCOUNT, closed=False)

    with pytest.raises(WrongStateError, match="close the person's request"):
        await erase(kept_alone, ACCOUNT)
    assert await sealed_elsewhere(kept_alone) == [True]


async def test_every_part_that_names_accounts_erases(kept_alone: Fleet) -> None:
    parts = kept_alone["a.demo"].keeper.erasers.parts()

    assert parts == sorted(
        ("drafts", "signals", "openings", "events", "notices", "requests", "reviews")
    )


async def matches(fleet: Fleet, value: str) -> bool:
    return bool((await fleet.look_up("a.demo", value)).matches)


async def test_an_erased_account_matches_no_more(kept_alone: Fleet) -> None:
    signals = kept_alone["a.demo"].services.signals
    lone, listed, other = (f"{name}@mail.example" for name in ("one", "two", "three"))
    await signals.add(request_for(lone, scope=Scope.SELF, subject_ref=ACCOUNT), ANNA)
    bans = [
        request_for(value, scope=Scope.SELF, subject_ref=subject)
        for value, subject in ((listed, ACCOUNT), (other, OTHER))
    ]
    await signals.add_many(ImportRequest(signals=bans), ANNA)
    keeping = kept_alone["a.demo"].services.keeping
    asking = EraseRequest(subject_ref=ACCOUNT, reason="ticket:17")
    await keeping.erasure.ask(asking, DORA)
    asked = [await matches(kept_alone, value) for value in (lone, listed, other)]
    await erase(kept_alone, ACCOUNT)
    (event,) = await kept_alone.audit("a.demo", "audit.erased")

    assert asked == [True, True, True]  # asking alone clears nobody
    left = [await matches(kept_alone, value) for value in (lone, listed, other)]
    assert left == [False, False, True]
    assert '"signals":2' in event.text
    assert (await kept_alone["a.demo"].services.audits.verify(DORA)).ok
