# SPDX-License-Identifier: Apache-2.0
"""What a node has listed, it can see: page by page, and never what it is found by."""

from datetime import timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    RITA,
    Clocked,
    Node,
)
from tests.support.databases import Behind
from tests.support.own_signals import DORA, OLAF, ban, contest, publish, said

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import Kind, RevokeRequest, SignalState
from fedsafe_node.acts.signal_reviews import (
    ListedSignal,
    ListedState,
    SignalsAnswer,
    SignalsQuery,
)
from fedsafe_node.ground.errors import BadRequestError, DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import Event
from fedsafe_node.signals import inventory
from fedsafe_node.signals.inventory import Ledger
from fedsafe_node.store.peering_rows import HandedRow, ReceiptRow
from fedsafe_node.store.people_rows import PersonRow, PersonState
from fedsafe_policies.vocabulary import Phenomenon, Scope, Surface

FILE: Final = "ab" * 32


async def listed(
    node: Node,
    who: Principal = RITA,
    **asked: Any,  # noqa: ANN401 - whatever a query takes
) -> SignalsAnswer:
    return await node.signals.listed(SignalsQuery(**asked), who)


async def names(
    node: Node,
    **asked: Any,  # noqa: ANN401 - whatever a query takes
) -> list[str]:
    return [each.signal for each in (await listed(node, **asked)).signals]


async def revoke(node: Node, signal: str) -> None:
    await node.signals.revoke(signal, RevokeRequest(reason=Reason.MISTAKE), RITA)


async def hand(node: Node, first: int, last: int, recipient: str) -> None:
    run = HandedRow(
        recipient=recipient,
        first=first,
        last=last,
        at=1,
        purpose="lookup",
        basis="charter:epoch-1",
    )
    await node.store.write(lambda tx: tx.add_handed([run]))


async def test_own_bans_drafts_and_published_signals_are_listed_newest_first(
    node: Node, clock: Clocked
) -> None:
    own = await ban(node, clock, "a@mail.example", subject_ref="shop/7")
    draft = await ban(node, clock, "b@mail.example", scope=Scope.FEDERATION)
    published = await publish(node, clock, "c@mail.example")
    answer = await listed(node)

    assert [(each.signal, each.state) for each in answer.signals] == [
        (published, SignalState.PUBLISHED),
        (draft, SignalState.DRAFT),
        (own, SignalState.OWN),
    ]
    assert (answer.after, answer.unknown) == (None, 0)
    for each in answer.signals:
        assert (each.kind, each.rule) == (Kind.EMAIL, "rule-7")
        assert each.phenomenon is Phenomenon.GROOMING
        assert each.surface is Surface.PUBLIC_CONTENT
        assert each.subject_ref is None
    assert [each.match_until is None for each in answer.signals] == [False, True, False]
    assert [each.recipients for each in answer.signals] == [0, None, None]
    assert [each.author for each in answer.signals] == ["anna", "anna", None]


async def test_no_list_shows_or_keeps_an_identifier(node: Node, clock: Clocked) -> None:
    await ban(node, clock, "somebody.known@mail.example", subject_ref="shop/7")
    await ban(node, clock, "another.one@mail.example", scope=Scope.FEDERATION)
    answer = await listed(node, accounts=True)
    rows = await node.store.read(
        lambda r: r.inventory_named(
            [read_signal_id(each.signal) for each in answer.signals]
        )
    )
    for text in (repr(answer), repr([row.sealed for row in rows])):
        assert "somebody" not in text
        assert "another" not in text
    assert all(b"grooming" not in (row.sealed or b"") for row in rows)


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("own", ["own"]),
        ("draft", ["draft"]),
        ("published", ["published"]),
        ("disputed", ["disputed"]),
        ("revoked", ["revoked"]),
        ("withdrawn", ["withdrawn"]),
        ("erased", ["erased"]),
        ("expired", []),
        ("living", ["disputed", "published", "draft", "own"]),
        ("ended", ["erased", "withdrawn", "revoked"]),
        (
            "all",
            "erased withdrawn revoked disputed published draft own".split(),  # noqa: SIM905
        ),
    ],
)
async def test_a_list_is_of_the_state_that_is_asked_for(
    node: Node, clock: Clocked, state: str, wanted: list[str]
) -> None:
    signals = {"own": await ban(node, clock, "a@mail.example")}
    shared = Scope.FEDERATION
    signals["draft"] = await ban(node, clock, "b@mail.example", scope=shared)
    signals["published"] = await publish(node, clock, "c@mail.example")
    signals["disputed"] = await publish(node, clock, "d@mail.example")
    await contest(node, clock, signals["disputed"], "a.demo")
    signals["revoked"] = await publish(node, clock, "e@mail.example")
    signals["withdrawn"] = await ban(node, clock, "f@mail.example", scope=shared)
    signals["erased"] = await ban(node, clock, "g@mail.example")
    for each in ("revoked", "withdrawn", "erased"):
        await revoke(node, signals[each])

    found = await names(node, state=ListedState(state))
    assert found == [signals[each] for each in wanted]


async def test_a_list_is_filtered_by_what_its_signals_are_about(
    node: Node, clock: Clocked
) -> None:
    mail = await ban(node, clock, "a@mail.example")
    name = await ban(
        node,
        clock,
        "https://social.example/somebody",
        kind=Kind.URL,
        phenomenon=Phenomenon.SEXTORTION,
    )
    file = await publish(node, clock, FILE, kind=Kind.SHA256)

    assert await names(node, kind=Kind.EMAIL) == [mail]
    assert await names(node, kind=Kind.SHA256) == [file]
    assert await names(node, phenomenon=Phenomenon.SEXTORTION) == [name]
    assert await names(node, phenomenon=Phenomenon.GROOMING, kind=Kind.SHA256) == []


async def test_what_an_older_version_recorded_is_listed_and_counted_as_unknown(
    node: Node, clock: Clocked, behind: Behind
) -> None:
    own = await ban(node, clock, "a@mail.example")
    draft = await ban(node, clock, "b@mail.example", scope=Scope.FEDERATION)
    file = await publish(node, clock, FILE, kind=Kind.SHA256)
    behind.change("UPDATE inventory SET sealed = NULL, period = NULL")
    answer = await listed(node)
    by_kind = await listed(node, kind=Kind.EMAIL)

    shown = {each.signal: each for each in answer.signals}
    assert (shown[own].kind, shown[own].phenomenon) == (None, None)
    assert (shown[draft].kind, shown[draft].rule) == (Kind.EMAIL, "rule-7")
    assert (shown[file].kind, shown[file].rule) == (Kind.SHA256, None)
    assert [each.signal for each in by_kind.signals] == [draft]
    assert by_kind.unknown == 1


async def test_a_list_is_of_the_days_that_are_asked_for(
    node: Node, clock: Clocked
) -> None:
    first = await ban(node, clock, "a@mail.example")
    clock.advance(timedelta(days=2))
    second = await ban(node, clock, "b@mail.example")
    day = clock.now().date().isoformat()

    assert await names(node, since=day) == [second]
    assert await names(node, before=day) == [first]
    with pytest.raises(BadRequestError):
        await listed(node, since="2026-02-30")


async def test_pages_join_into_the_list_and_a_new_signal_shifts_none(
    node: Node, clock: Clocked
) -> None:
    made = [await ban(node, clock, f"n{number}@mail.example") for number in range(5)]
    page = await listed(node, limit=2)
    await ban(node, clock, "later@mail.example")
    await revoke(node, made[3])
    found = [each.signal for each in page.signals]
    while page.after is not None:
        page = await listed(node, limit=2, after=page.after)
        found += [each.signal for each in page.signals]

    assert found == made[::-1]
    assert await names(node, sort="oldest", limit=2) == made[:2]


async def test_a_page_that_looks_at_much_may_be_short_and_leads_on(
    node: Node, clock: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await publish(node, clock, FILE, kind=Kind.SHA256)
    for number in range(4):
        await ban(node, clock, f"n{number}@mail.example")
    monkeypatch.setattr(inventory, "_MOST", 2)
    page = await listed(node, kind=Kind.SHA256)
    pages = [page.signals]
    while page.after is not None:
        page = await listed(node, kind=Kind.SHA256, after=page.after)
        pages.append(page.signals)

    assert [len(each) for each in pages] == [0, 0, 1]
    assert pages[-1][0].signal == file


async def test_what_ends_first_is_first_and_a_review_that_is_due_is_an_end(
    node: Node, clock: Clocked
) -> None:
    file = await publish(node, clock, FILE, kind=Kind.SHA256)
    clock.advance(timedelta(days=30))
    person = await publish(node, clock, "c@mail.example")
    own = await ban(node, clock, "d@mail.example")
    answer = await listed(node, sort="ends")
    ends = {each.signal: each.ends or "" for each in answer.signals}
    found = [each.signal for each in answer.signals]

    assert sorted(found) == sorted([file, person, own])
    assert found == sorted(found, key=lambda each: (ends[each], each))
    shown = {each.signal: each for each in answer.signals}
    assert shown[person].ends == shown[person].match_until
    assert shown[person].review_by is None
    for each in found:
        day = ends[each]
        assert each not in await names(node, ends_before=day)
    last = max(ends.values())
    before = await names(node, ends_before=last)
    assert before == [each for each in found if ends[each] < last]
    pages, page = [], await listed(node, sort="ends", limit=1)
    while page.after is not None:
        pages += page.signals
        page = await listed(node, sort="ends", limit=1, after=page.after)
    assert [each.signal for each in [*pages, *page.signals]] == found


async def test_a_review_ends_a_files_signal_before_its_term(
    node: Node, clock: Clocked, behind: Behind
) -> None:
    file = await publish(node, clock, FILE, kind=Kind.SHA256)
    behind.change("UPDATE inventory SET match_until = match_until + 900000000")
    behind.change("UPDATE signals SET match_until = match_until + 900000000")
    (shown,) = (await listed(node)).signals
    due = clock.now().date()

    assert shown.ends == shown.review_by == due.replace(year=due.year + 1).isoformat()
    assert shown.match_until is not None
    assert shown.match_until > shown.ends
    assert await names(node, ends_before=shown.ends) == []
    assert await names(node, ends_before=shown.match_until) == [file]


async def test_what_is_disputed_is_found_whoever_lists_it(
    node: Node, clock: Clocked
) -> None:
    own = await ban(node, clock, "a@mail.example")
    published = await publish(node, clock, "b@mail.example")
    await ban(node, clock, "c@mail.example")
    await contest(node, clock, own, node.desk.situation.own.name)
    await contest(node, clock, published, "a.demo")
    answer = await listed(node, disputed=True)

    assert [(each.signal, each.state) for each in answer.signals] == [
        (published, SignalState.DISPUTED),
        (own, SignalState.DISPUTED),
    ]
    assert {each.disputed for each in answer.signals} == {True}
    first = await listed(node, disputed=True, limit=1)
    assert await names(node, disputed=True, limit=1, after=first.after) == [own]


async def test_who_has_what_and_who_owes_a_receipt(node: Node, clock: Clocked) -> None:
    living = await publish(node, clock, "a@mail.example")
    gone = await publish(node, clock, "b@mail.example")
    await hand(node, 0, 1, "b.demo")
    await hand(node, 1, 1, "c.demo")
    await revoke(node, gone)

    assert await names(node, recipient="b.demo") == [living]
    assert await names(node, recipient="c.demo") == []
    assert await names(node, recipient="c.demo", state=ListedState.ALL) == [gone]
    (owed,) = (await listed(node, owed=True)).signals
    assert (owed.signal, owed.owed) == (gone, ["b.demo", "c.demo"])
    holders = await node.signals.holders(RITA)
    assert holders.published == 2
    assert [(h.recipient, h.living, h.ended, h.owed) for h in holders.holders] == [
        ("b.demo", 1, 1, 1),
        ("c.demo", 0, 1, 1),
    ]
    receipt = ReceiptRow(
        member="b.demo",
        seq=1,
        parted=0,
        method="deleted",
        erased_at=1,
        residual_until=2,
        received_at=3,
        statement=b"signed",
    )
    await node.store.write(lambda tx: tx.add_receipt(receipt))
    (owed,) = (await listed(node, owed=True)).signals
    assert owed.owed == ["c.demo"]
    await node.store.write(lambda tx: tx.add_receipt(replace(receipt, member="c.demo")))
    assert await names(node, owed=True) == []


async def test_a_list_is_an_event_with_counts_and_each_account_one_of_its_own(
    node: Node, clock: Clocked
) -> None:
    signal = await ban(node, clock, "a@mail.example", subject_ref="shop/7")
    await ban(node, clock, "b@mail.example")
    before = len(await said(node))
    await listed(node)
    counted = (await said(node))[before:]
    (shown,) = [
        each
        for each in (await listed(node, accounts=True)).signals
        if each.subject_ref is not None
    ]
    told = (await said(node))[before + 1 :]

    assert [(event, subject) for event, subject, _ in counted] == [
        (Event.SIGNAL_READ, None)
    ]
    assert '"signals":2' in (counted[0][2] or "")
    assert (shown.signal, shown.service, shown.subject_ref) == (signal, "shop", "7")
    assert [event for event, _, _ in told] == [Event.SIGNAL_READ] * 2
    assert told[1][1] is not None
    assert signal in (told[1][2] or "")


async def test_one_signal_says_what_it_is_about_and_whom_its_end_concerns(
    node: Node, clock: Clocked
) -> None:
    signal = await publish(node, clock, "a@mail.example", subject_ref="shop/7")
    file = await publish(node, clock, FILE, kind=Kind.SHA256)
    await hand(node, 0, 0, "c.demo")
    await hand(node, 0, 0, "b.demo")
    shown = await node.signals.show(signal, RITA)
    by_machine = await node.signals.show(signal, BOT)
    told = await said(node)

    assert (await node.signals.show(file, RITA)).end_is_told is False
    assert (shown.kind, shown.rule) == (Kind.EMAIL, "rule-7")
    assert (shown.service, shown.subject_ref) == ("shop", "7")
    assert shown.recipients == ["b.demo", "c.demo"]
    assert shown.end_is_told is True
    assert (by_machine.kind, by_machine.subject_ref) == (Kind.EMAIL, None)
    assert [subject is not None for _, subject, _ in told[-2:]] == [True, False]


async def test_an_entry_says_no_more_once_its_signal_has_ended(
    node: Node, clock: Clocked
) -> None:
    own = await ban(node, clock, "a@mail.example", subject_ref="shop/7")
    await revoke(node, own)
    (shown,) = (await listed(node, state=ListedState.ALL, accounts=True)).signals
    assert (shown.kind, shown.rule, shown.subject_ref) == (None, None, None)


async def test_machines_list_only_while_there_is_nobody(
    node: Node, clock: Clocked
) -> None:
    await publish(node, clock, "b@mail.example")
    await ban(node, clock, "c@mail.example", scope=Scope.FEDERATION)
    own = await ban(node, clock, "a@mail.example")
    for state in (ListedState.LIVING, ListedState.ALL, ListedState.OWN):
        found = await listed(node, BOT, state=state)
        assert own in [each.signal for each in found.signals]
        assert {each.state for each in found.signals} <= {"own", "erased"}
    anna = PersonRow(
        id="ab" * 16,
        name="anna",
        display="Anna",
        external=False,
        state=PersonState.ACTIVE,
        created_at=0,
    )
    await node.store.write(lambda tx: tx.add_person(anna))
    with pytest.raises(DeniedError):
        await listed(node, BOT)


async def test_who_may_not_read_the_ledger_asks_for_no_recipients(node: Node) -> None:
    for asked in ({"owed": True}, {"recipient": "b.demo"}):
        with pytest.raises(DeniedError):
            await listed(node, ANNA, **asked)
        await listed(node, DORA, **asked)
    with pytest.raises(DeniedError):
        await listed(node, OLAF)


def test_runs_that_meet_or_overlap_are_one() -> None:
    ledger = Ledger(
        [("b", 5, 9), ("b", 0, 6), ("b", 10, 11), ("c", 3, 3), ("b", 20, 20)]
    )
    assert [index for index in range(25) if ledger.has("b", index)] == [
        *range(12),
        20,
    ]
    assert ledger.holders(3) == ["b", "c"]
    assert ledger.holders(12) == []
    assert ledger.recipients == ["b", "c"]


def test_what_is_listed_has_no_field_for_an_identifier() -> None:
    fields = set(ListedSignal.__struct_fields__)
    assert not fields & {"value", "about", "identifier", "token", "digest"}
