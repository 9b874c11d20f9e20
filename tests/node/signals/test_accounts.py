# SPDX-License-Identifier: Apache-2.0
"""All that is listed about one account ends in one act, or nothing of it does."""

from typing import Final

import pytest
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    RITA,
    Clocked,
    Node,
    request_for,
)
from tests.support.databases import Behind
from tests.support.own_signals import (
    DORA,
    OLAF,
    SECOND,
    ban,
    contest,
    matches,
    publish,
    said,
    take,
)

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import Kind, SignalState
from fedsafe_node.acts.signal_reviews import RevokeAccountRequest, RevokedAccount
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    StoreFailedError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import Event
from fedsafe_node.signals import accounts, inventory
from fedsafe_node.signals import stop as stopping
from fedsafe_node.store.people_rows import PersonRow, PersonState
from fedsafe_node.store.review_rows import InquiryRow
from fedsafe_node.store.rows import DraftState
from fedsafe_policies.vocabulary import Role, Scope

ACCOUNT: Final = "shop/4711"
MAIL, NAME, LATER = "a@mail.example", "b@mail.example", "c@mail.example"
OTHER: Final = "other@mail.example"
LEA: Final = Principal("lea", Role.LEGAL_ADVISER)
SHOP: Final = Principal("shop", Role.SERVICE, scope="publish")


async def revoke(
    node: Node,
    who: Principal = ANNA,
    account: str = ACCOUNT,
    *,
    reason: Reason = Reason.MISTAKE,
    dry_run: bool = False,
) -> RevokedAccount:
    request = RevokeAccountRequest(subject_ref=account, reason=reason, dry_run=dry_run)
    return await node.signals.revoke_account(request, who)


async def list_account(node: Node, clock: Clocked) -> list[str]:
    """List an account as an own ban, as published and as a draft; and another one."""
    own = await ban(node, clock, MAIL, subject_ref=ACCOUNT)
    published = await publish(node, clock, NAME, subject_ref=ACCOUNT)
    draft = await ban(node, clock, LATER, subject_ref=ACCOUNT, scope=Scope.FEDERATION)
    await ban(node, clock, OTHER, subject_ref="shop/4712")
    return [own, published, draft]


async def found(node: Node) -> list[bool]:
    return [await matches(node, each) for each in (MAIL, NAME, LATER, OTHER)]


async def pending(node: Node) -> int:
    rows = await node.store.read(lambda r: r.drafts(DraftState.PENDING, 100))
    return len(rows)


async def test_all_of_one_account_ends_in_one_act(node: Node, clock: Clocked) -> None:
    own, published, draft = await list_account(node, clock)
    before = await found(node)
    size = len(await said(node))
    answer = await revoke(node)
    events = (await said(node))[size:]

    assert before == [True, True, True, True]  # a draft's own ban matches as well
    assert await found(node) == [False, False, False, True]
    assert await pending(node) == 0
    states = {each.signal: each.state for each in answer.signals}
    assert (states[own], states[published], states[draft]) == (
        SignalState.ERASED,
        SignalState.REVOKED,
        SignalState.WITHDRAWN,
    )
    assert len(states) == 3
    assert (answer.withdrawn, answer.erased, answer.revoked) == (1, 1, 1)
    assert (answer.unknown, answer.dry_run) == (0, False)
    [whole] = [each for each in events if each[0] is Event.ACCOUNT_REVOKED]
    assert whole[1] is not None
    assert "4711" in whole[1]
    for part in ('"signals":3', '"drafts":1', '"published":1', '"reason":"mistake"'):
        assert part in (whole[2] or "").replace(" ", "")
    told = [each for each in events if each[0] in {Event.WITHDRAWN, Event.REVOKED}]
    assert len(told) == 3
    for signal in states:
        assert sum(signal in (each[2] or "") for each in told) == 1


async def test_what_was_ended_as_a_mistake_is_taken_off(
    node: Node, clock: Clocked
) -> None:
    await list_account(node, clock)
    await revoke(node)
    again = await take(
        node,
        [
            request_for(MAIL),
            request_for(NAME, scope=Scope.FEDERATION),
            request_for(OTHER),
        ],
    )

    assert [(each.reason, each.positions) for each in again.taken_off] == [
        ("mistake", [0, 1])
    ]


async def test_a_dry_run_says_what_would_end_and_ends_nothing(
    node: Node, clock: Clocked
) -> None:
    own, published, _ = await list_account(node, clock)
    await contest(node, clock, own, node.desk.situation.own.name)
    asked = InquiryRow(
        signal_id=read_signal_id(published),
        origin="a.demo",
        state=InquiryState.OPEN,
        opened_at=1,
    )
    await node.store.write(lambda tx: tx.put_inquiry(asked))
    before = await found(node)
    answer = await revoke(node, dry_run=True)
    event, subject, detail = (await said(node))[-1]

    assert answer.dry_run
    assert await found(node) == before
    shown = {each.signal: each for each in answer.signals}
    assert len(shown) == 3
    assert (shown[own].state, shown[own].disputed) == (SignalState.DISPUTED, True)
    assert shown[published].state is SignalState.PUBLISHED
    assert answer.inquired == [published]
    assert answer.end_is_told
    for each in answer.signals:
        assert (each.kind, each.rule) == (Kind.EMAIL, "rule-7")
        assert each.subject_ref is None
    assert event is Event.SIGNAL_READ
    assert subject is not None
    assert "4711" in subject
    assert detail is not None
    assert "mistake" not in detail


async def test_a_second_call_ends_nothing(node: Node, clock: Clocked) -> None:
    await list_account(node, clock)
    await revoke(node)
    feed = await node.feed()
    again = await revoke(node)

    assert (again.signals, again.withdrawn, again.erased, again.revoked) == (
        [],
        0,
        0,
        0,
    )
    assert await node.feed() == feed
    assert (await said(node))[-1][0] is Event.ACCOUNT_REVOKED


async def test_what_is_published_ends_by_one_statement(
    node: Node, clock: Clocked
) -> None:
    for value in (MAIL, NAME, LATER):
        await publish(node, clock, value, subject_ref=ACCOUNT)
    size = len(await node.feed())
    answer = await revoke(node, RITA)

    assert answer.revoked == 3
    assert len(await node.feed()) == size + 1
    assert node.announced[-1] == size + 1


@pytest.mark.parametrize(("who", "code"), [(OLAF, "purpose"), (LEA, "role")])
@pytest.mark.parametrize("account", [ACCOUNT, "shop/nobody"])
async def test_who_may_end_nothing_learns_nothing(
    node: Node, clock: Clocked, who: Principal, code: str, account: str
) -> None:
    await list_account(node, clock)
    with pytest.raises(DeniedError) as denied:
        await revoke(node, who, account)

    assert denied.value.decision.code == code
    assert (await node.newest()).event is Event.REFUSED
    assert await found(node) == [True, True, True, True]


async def test_the_data_protection_officer_may(node: Node, clock: Clocked) -> None:
    await list_account(node, clock)
    answer = await revoke(node, DORA, reason=Reason.REQUEST_OF_THE_PERSON)
    assert len(answer.signals) == 3


async def test_one_that_may_not_be_ended_keeps_all(node: Node, clock: Clocked) -> None:
    await list_account(node, clock)
    with pytest.raises(DeniedError):  # what is published takes a person
        await revoke(node, SHOP)
    assert await found(node) == [True, True, True, True]
    assert await pending(node) == 1


@pytest.mark.parametrize("account", [ACCOUNT, "shop/nobody"])
async def test_a_machine_learns_nothing_once_there_are_accounts(
    node: Node, clock: Clocked, account: str
) -> None:
    await list_account(node, clock)
    person = PersonRow(
        id="ab" * 16,
        name="anna",
        display="Anna",
        external=False,
        state=PersonState.ACTIVE,
        created_at=0,
    )
    await node.store.write(lambda tx: tx.add_person(person))
    for who in (BOT, SHOP):
        with pytest.raises(DeniedError) as denied:
            await revoke(node, who, account)
        assert denied.value.decision.code == "named_person"


async def test_a_machine_ends_own_bans_on_a_first_evening(
    node: Node, clock: Clocked
) -> None:
    clock.advance(SECOND)
    request = request_for(MAIL, subject_ref=ACCOUNT)
    await node.signals.add(request, BOT)
    answer = await revoke(node, BOT)
    assert (answer.erased, await matches(node, MAIL)) == (1, False)


async def test_an_application_names_its_own_accounts_only(
    node: Node, clock: Clocked
) -> None:
    await list_account(node, clock)
    lookup = Principal("games", Role.SERVICE, scope="lookup")
    with pytest.raises(BadRequestError) as refused:
        await revoke(node, lookup)
    assert refused.value.code == "other_service"


async def test_what_nobody_can_read_is_counted_and_stays(
    node: Node, clock: Clocked, behind: Behind
) -> None:
    await list_account(node, clock)
    behind.change("UPDATE inventory SET sealed = NULL, period = NULL")
    answer = await revoke(node)

    assert answer.unknown == 3
    assert answer.withdrawn == 1  # a draft says itself whose it is
    assert await matches(node, NAME)


async def test_more_than_one_account_has_is_refused_as_a_whole(
    node: Node, clock: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_account(node, clock)
    monkeypatch.setattr(accounts, "MOST", 2)
    with pytest.raises(WrongStateError) as refused:
        await revoke(node)
    assert "import undo" in str(refused.value)
    assert await found(node) == [True, True, True, True]


async def test_all_pages_of_the_list_are_walked(
    node: Node, clock: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_account(node, clock)
    monkeypatch.setattr(inventory, "_MOST", 2)
    assert len((await revoke(node)).signals) == 3


async def test_what_breaks_off_has_ended_nothing(
    node: Node, clock: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_account(node, clock)
    size, feed = len(await said(node)), await node.feed()

    async def fail(*_: object, **__: object) -> None:
        raise StoreFailedError("the disk refused")

    monkeypatch.setattr(stopping, "_end_row", fail)  # behind own bans and drafts
    with pytest.raises(StoreFailedError):
        await revoke(node)

    assert len(await said(node)) == size
    assert await node.feed() == feed
    assert await pending(node) == 1
    assert await found(node) == [True, True, True, True]
