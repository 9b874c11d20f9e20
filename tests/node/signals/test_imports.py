# SPDX-License-Identifier: Apache-2.0
"""One row is one signal, however often it comes, and an import can be undone."""

from datetime import timedelta
from typing import Final

import pytest
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    RITA,
    Clocked,
    Node,
    NodeMaker,
    request_for,
)
from tests.support.own_signals import matches, take

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    Kind,
    NewSignalRequest,
    RevokeRequest,
    SignalState,
)
from fedsafe_node.acts.signal_reviews import (
    FinishImportRequest,
    ImportsQuery,
    ImportState,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import Event
from fedsafe_node.signals import imports
from fedsafe_node.signals.inventory_facts import open_facts
from fedsafe_node.store.rows import CredentialRow, SignalStatus
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.vocabulary import Grade, Role, Scope

DIGEST: Final = "7f" * 32
BEN: Final = Principal("ben", Role.ANALYST)
AUDITOR: Final = Principal("ada", Role.AUDITOR)


def addresses(count: int, start: int = 0) -> list[str]:
    return [f"person{n}@mail.example" for n in range(start, start + count)]


def bans(values: list[str]) -> list[NewSignalRequest]:
    return [request_for(value) for value in values]


def shared(values: list[str]) -> list[NewSignalRequest]:
    return [request_for(value, scope=Scope.FEDERATION) for value in values]


async def alive(node: Node) -> int:
    return sum(row.status is SignalStatus.ACTIVE for row in await node.rows())


async def test_the_same_import_three_times_makes_one_signal_a_person(
    node: Node,
) -> None:
    first = await take(node, bans(addresses(5)))
    answers = [await take(node, bans(addresses(5))) for _ in range(2)]

    assert await alive(node) == 5
    assert first.already == []
    for answer in answers:
        assert answer.already == [0, 1, 2, 3, 4]
        assert answer.signals == first.signals
        assert answer.problems == []


async def test_a_person_who_stands_twice_in_a_list_is_one_signal(node: Node) -> None:
    answer = await take(node, bans(["Person@Mail.example", "person@mail.example"]))

    assert answer.already == [1]
    assert answer.signals[0] == answer.signals[1]
    assert await alive(node) == 1


async def test_an_own_ban_and_what_is_shared_are_two_signals(node: Node) -> None:
    own = await take(node, bans(addresses(1)))
    drafts = await take(node, shared(addresses(1)))
    to_one = await take(
        node, [request_for(addresses(1)[0], scope=Scope.FEDERATION, nodes=["b.demo"])]
    )

    assert own.already == drafts.already == to_one.already == []
    again = await take(node, [*bans(addresses(1)), *shared(addresses(1))])
    assert again.already == [0, 1]
    assert again.signals == [*own.signals, *drafts.signals]


async def test_a_draft_that_waits_and_a_signal_that_came_of_it_are_listed(
    node: Node,
) -> None:
    (signal,) = (await take(node, shared(addresses(1)))).signals
    waits = await node.signals.add(shared(addresses(1))[0], ANNA)
    await node.signals.approve([str(signal)], RITA)
    stands = await node.signals.add(shared(addresses(1))[0], BEN)

    assert (waits.signal, waits.already) == (signal, True)
    assert (stands.signal, stands.state) == (signal, SignalState.PUBLISHED)
    assert stands.already
    assert (stands.author, stands.approver) == (None, None)
    assert len(await node.feed()) == 1


async def test_a_file_is_listed_once_as_well(node: Node) -> None:
    files = [request_for("a5" * 32, kind=Kind.SHA256, scope=Scope.FEDERATION)] * 2
    answer = await take(node, files)

    assert answer.already == [1]


async def test_adding_twice_says_so_and_leaves_a_trace(node: Node) -> None:
    first = await node.signals.add(request_for(), ANNA)
    second = await node.signals.add(request_for(), BEN)

    assert (first.already, second.already) == (False, True)
    assert second.signal == first.signal
    assert second.state is SignalState.OWN
    assert (await node.newest()).event is Event.SIGNAL_READ


async def test_what_says_something_else_is_told_and_not_recorded(node: Node) -> None:
    report = request_for(grade=Grade.SINGLE_REPORT)
    await node.signals.add(report, ANNA)
    again = await node.signals.add(report, ANNA)
    confirmed = await node.signals.add(request_for(), ANNA)
    answer = await take(node, [report, request_for()])

    assert (again.already, again.differs) == (True, False)
    assert (confirmed.already, confirmed.differs) == (True, True)
    assert (answer.already, answer.differing) == ([0, 1], [1])


async def take_off(node: Node, signal: object) -> None:
    await node.signals.revoke(str(signal), RevokeRequest(reason=Reason.MISTAKE), ANNA)


async def test_who_was_taken_off_is_not_listed_again_by_the_same_table(
    node: Node,
) -> None:
    first = await take(node, bans(addresses(3)))
    await take_off(node, first.signals[1])
    again = await take(node, bans(addresses(3)))
    rehearsed = await take(node, bans(addresses(3)), dry_run=True)

    for answer in (again, rehearsed):
        assert answer.already == [0, 2]
        assert [(r.reason, r.positions) for r in answer.taken_off] == [("mistake", [1])]
    assert again.signals == [first.signals[0], None, first.signals[2]]
    assert not await matches(node, addresses(3)[1])
    run = await node.signals.imports.show(str(again.run), ANNA, None)
    assert (run.added, run.listed, run.taken_off) == (0, 2, 1)


async def test_who_was_taken_off_is_listed_if_the_import_is_told_to(
    node: Node,
) -> None:
    first = await take(node, bans(addresses(2)))
    await take_off(node, first.signals[0])
    rehearsed = await take(node, bans(addresses(2)), dry_run=True, anew=True)
    anew = await take(node, bans(addresses(2)), anew=True)
    again = await take(node, bans(addresses(2)))

    assert (rehearsed.already, rehearsed.taken_off) == ([1], [])
    assert (anew.already, anew.taken_off) == ([1], [])
    assert (again.already, again.taken_off) == ([0, 1], [])
    assert again.signals[0] == anew.signals[0] != first.signals[0]
    assert await matches(node, addresses(1)[0])


@pytest.mark.parametrize("published", [True, False])
async def test_what_was_revoked_or_withdrawn_makes_no_draft_by_the_same_table(
    node: Node, *, published: bool
) -> None:
    (signal,) = (await take(node, shared(addresses(1)))).signals
    if published:
        await node.signals.approve([str(signal)], RITA)
    await take_off(node, signal)
    again = await take(node, shared(addresses(1)))

    assert [each.positions for each in again.taken_off] == [[0]]
    assert again.signals == [None]
    assert not await matches(node, addresses(1)[0])


async def test_who_was_taken_off_as_an_own_ban_makes_no_draft_either(
    node: Node,
) -> None:
    (signal,) = (await take(node, bans(addresses(1)))).signals
    await take_off(node, signal)
    answer = await take(node, shared(addresses(1)))

    assert [each.positions for each in answer.taken_off] == [[0]]


async def test_that_somebody_was_taken_off_is_forgotten_with_the_term(
    node: Node, clock: Clocked
) -> None:
    (signal,) = (await take(node, bans(addresses(1)))).signals
    await take_off(node, signal)
    clock.advance(timedelta(days=400))
    now = int(clock.now().timestamp())
    await node.store.write(lambda tx: tx.forget_taken_off(now))
    late = request_for(addresses(1)[0], removed_on=clock.now().date().isoformat())
    answer = await take(node, [late])

    assert answer.taken_off == []
    assert await matches(node, addresses(1)[0])


async def test_who_adds_one_by_one_has_decided_anew(node: Node) -> None:
    first = await node.signals.add(request_for(), ANNA)
    await node.signals.revoke(first.signal, RevokeRequest(reason=Reason.MISTAKE), ANNA)
    second = await node.signals.add(request_for(), ANNA)

    assert not second.already
    assert second.signal != first.signal


async def test_a_dry_run_tells_which_own_bans_stand(node: Node) -> None:
    kept = await take(node, bans(addresses(2)))
    answer = await take(
        node,
        [*bans(addresses(3)), *shared(addresses(1)), *bans(addresses(1, start=2))],
        dry_run=True,
    )

    assert answer.already == [0, 1, 4]
    assert answer.signals == [*kept.signals, None, None, None]
    assert answer.run is None
    assert await alive(node) == 2


async def test_rows_whose_time_is_over_are_counted_by_kind_with_what_counts(
    node: Node,
) -> None:
    old = [
        request_for("a@mail.example", removed_on="2016-05-01"),
        request_for("b@mail.example"),
        request_for("+4915112345678", kind=Kind.PHONE, removed_on="2026-05-01"),
        request_for("c@mail.example", removed_on="2025-01-01"),
    ]
    answer = await take(node, old)

    assert answer.problems == []
    assert [name is None for name in answer.signals] == [True, False, True, True]
    email, phone = answer.over
    assert (email.kind, email.positions) == (Kind.EMAIL, [0, 3])
    assert (phone.kind, phone.positions, phone.term) == (Kind.PHONE, [2], "6 months")
    late = request_for("a@mail.example", removed_on=email.first)
    assert (await take(node, [late])).over == []


async def test_a_refusal_for_its_time_says_term_end_rule_and_way_out(
    node: Node,
) -> None:
    with pytest.raises(DeniedError) as told:
        await node.signals.add(request_for(removed_on="2020-02-03"), ANNA)
    reason = told.value.decision.reason

    for word in ("12 months", "P9", "2021-0", "2025-1", "state that day"):
        assert word in reason.en
    for word in ("12 Monate", "P9", "2021-0", "2025-1", "gilt dieser Tag"):
        assert word in reason.de


async def test_an_import_that_broke_off_goes_on_as_the_same(node: Node) -> None:
    service = node.signals.imports
    begun = await service.begin(DIGEST, ANNA)
    await take(node, bans(addresses(2)), run=begun.run)
    again = await service.begin(DIGEST, ANNA)
    other = await service.begin(DIGEST, BEN)
    rest = await take(node, bans(addresses(4)), run=again.run)
    shown = await service.finish(
        again.run, FinishImportRequest(lines=4, listed=0, refused=0, over=0), ANNA
    )

    assert (begun.resumed, again.resumed, other.resumed) == (False, True, False)
    assert (again.run, again.key) == (begun.run, begun.key)
    assert other.run != begun.run
    assert rest.already == [0, 1]
    assert (shown.state, shown.added, shown.lines) == (ImportState.DONE, 4, 4)
    third = await service.begin(DIGEST, ANNA)
    assert not third.resumed


async def test_nobody_adds_to_an_import_of_another_or_one_that_is_over(
    node: Node,
) -> None:
    service = node.signals.imports
    begun = await service.begin(DIGEST, ANNA)

    with pytest.raises(WrongStateError):
        await take(node, bans(addresses(1)), run=begun.run, who=BEN)
    await service.undo(begun.run, Reason.MISTAKE, ANNA)
    with pytest.raises(WrongStateError):
        await take(node, bans(addresses(1)), run=begun.run)
    assert await alive(node) == 0


async def test_undone_is_what_it_added_and_nothing_that_stood_before(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PIECE", 2)
    before = await node.signals.add(request_for(addresses(1)[0]), ANNA)
    drafted = shared(addresses(3, start=100))
    answer = await take(node, [*bans(addresses(4)), *drafted])
    run = str(answer.run)
    published, waiting, _ = answer.signals[4:]
    await node.signals.approve([str(published)], RITA)
    announced = len(await node.feed())

    undone = await node.signals.imports.undo(run, Reason.MISTAKE, ANNA)
    again = await node.signals.imports.undo(run, Reason.MISTAKE, ANNA)

    assert (undone.state, undone.left) == (ImportState.UNDONE, 0)
    assert (undone.withdrawn, undone.revoked) == (5, 1)
    assert (again.state, again.withdrawn, again.revoked) == (ImportState.UNDONE, 0, 0)
    assert await matches(node, addresses(1)[0])
    for value in [*addresses(3, start=1), *addresses(3, start=100)]:
        assert not await matches(node, value)
    states = {
        name: (await node.signals.show(str(name), ANNA)).state
        for name in (before.signal, published, waiting)
    }
    assert list(states.values()) == [
        SignalState.OWN,
        SignalState.REVOKED,
        SignalState.WITHDRAWN,
    ]
    assert len(await node.feed()) == announced + 1  # one statement for all of them
    events = [event for event, _ in await node.events()]
    assert events.count(Event.REVOKED) == 1
    assert Event.IMPORT_UNDONE in events


async def test_an_undoing_that_was_stopped_goes_on(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PIECE", 2)
    monkeypatch.setattr(imports, "PIECES", 1)
    run = str((await take(node, bans(addresses(5)))).run)
    left = []
    for _ in range(4):
        undone = await node.signals.imports.undo(run, Reason.MISTAKE, ANNA)
        left.append((undone.state.value, undone.left))

    assert left == [("undoing", 3), ("undoing", 1), ("undoing", 0), ("undone", 0)]
    assert await alive(node) == 0


async def test_what_is_undone_can_be_imported_again(node: Node) -> None:
    run = str((await take(node, bans(addresses(2)))).run)
    await node.signals.imports.undo(run, Reason.MISTAKE, ANNA)
    answer = await take(node, bans(addresses(2)))

    assert answer.already == []
    assert await matches(node, addresses(1)[0])


async def test_what_was_stopped_before_counts_as_stopped(node: Node) -> None:
    answer = await take(node, bans(addresses(2)))
    first = str(answer.signals[0])
    await node.signals.revoke(first, RevokeRequest(reason=Reason.MISTAKE), ANNA)
    undone = await node.signals.imports.undo(str(answer.run), Reason.MISTAKE, ANNA)

    assert (undone.withdrawn, undone.left) == (1, 0)


async def test_undoing_says_what_came_with_another_import_as_well(node: Node) -> None:
    first = await take(node, bans(addresses(3)))
    await take(node, bans(addresses(2)))
    undone = await node.signals.imports.undo(str(first.run), Reason.MISTAKE, ANNA)

    assert undone.met_again == 2


async def test_who_may_not_stop_all_of_it_stops_nothing(node: Node) -> None:
    answer = await take(node, [*bans(addresses(2)), *shared(addresses(1, start=9))])
    run = str(answer.run)
    for who in (AUDITOR, BOT):
        with pytest.raises(DeniedError):
            await node.signals.imports.undo(run, Reason.MISTAKE, who)

    shown = await node.signals.imports.show(run, ANNA, None)
    assert (shown.state, shown.stopped) == (ImportState.DONE, 0)
    assert await matches(node, addresses(1)[0])
    assert await matches(node, addresses(1, start=9)[0])


async def test_imports_are_listed_newest_first(node: Node, clock: Clocked) -> None:
    runs = []
    for count in (1, 2, 3):
        runs.append((await take(node, bans(addresses(count)))).run)
        clock.advance(timedelta(minutes=1))
    page = await node.signals.imports.listed(ImportsQuery(limit=2), ANNA)
    rest = await node.signals.imports.listed(
        ImportsQuery(limit=2, before=page.imports[-1].run), ANNA
    )

    assert [each.run for each in (*page.imports, *rest.imports)] == runs[::-1]
    assert (page.more, rest.more) == (True, False)
    newest = page.imports[0]
    assert (newest.lines, newest.added, newest.listed) == (3, 1, 2)
    with pytest.raises(NotFoundError):
        await node.signals.imports.show("0" * 32, ANNA, None)


async def test_what_is_undone_is_undone_for_whoever_asks_again(node: Node) -> None:
    answer = await take(node, bans(addresses(2)))
    run = str(answer.run)
    await node.signals.imports.undo(run, Reason.MISTAKE, ANNA)
    again = await node.signals.imports.undo(run, Reason.MISTAKE, BOT)

    assert (again.state, again.withdrawn, again.left) == (ImportState.UNDONE, 0, 0)
    with pytest.raises(DeniedError):
        await node.signals.imports.undo(run, Reason.MISTAKE, AUDITOR)


async def test_the_socket_revokes_nothing_published_once_staff_has_a_credential(
    node: Node,
) -> None:
    signal = await node.publish("a5" * 32)
    staff = CredentialRow("1", "anna", Role.ANALYST.value, bytes(32), 0)
    await node.store.write(lambda tx: tx.add_credential(staff))
    mistake = RevokeRequest(reason=Reason.MISTAKE)
    with pytest.raises(DeniedError) as denied:
        await node.signals.revoke(signal, mistake, BOT)
    assert denied.value.decision.code == Refusal.NAMED_PERSON

    scanner = Principal("scanner", Role.SERVICE)  # what has a credential has a name
    revoked = await node.signals.revoke(signal, mistake, scanner)
    assert revoked.state is SignalState.REVOKED


async def test_an_import_of_its_own_node_alone_is_undone_without_accounts(
    make_node: NodeMaker,
) -> None:
    node = make_node(joined=False)
    answer = await take(node, bans(addresses(2)), who=BOT)
    undone = await node.signals.imports.undo(str(answer.run), Reason.MISTAKE, BOT)

    assert (undone.state, undone.withdrawn) == (ImportState.UNDONE, 2)


@pytest.mark.parametrize("reason", Reason)
async def test_only_what_somebody_has_decided_keeps_an_import_from_listing(
    node: Node, reason: Reason
) -> None:
    first = await take(node, bans(addresses(1)))
    await node.signals.revoke(str(first.signals[0]), RevokeRequest(reason=reason), ANNA)
    again = await take(node, bans(addresses(1)))
    told_to = await take(node, bans(addresses(1)), anew=True)
    is_free = reason in {Reason.RETENTION, Reason.SUPERSEDED}

    assert [each.reason for each in again.taken_off] == (
        [] if is_free else [reason.value]
    )
    # Told to, an import lists anew after a mistake; what was ruled, granted or asked
    # for comes back by hand alone.
    comes_back = is_free or reason is Reason.MISTAKE
    assert (told_to.taken_off == []) is comes_back
    assert await matches(node, addresses(1)[0]) is comes_back
    await node.signals.add(bans(addresses(1))[0], ANNA)
    assert await matches(node, addresses(1)[0])


def removed(day: str, scope: Scope = Scope.SELF) -> NewSignalRequest:
    return request_for(addresses(1)[0], removed_on=day, scope=scope)


async def since(node: Node, signal: object) -> str:
    name = read_signal_id(str(signal))
    (row,) = await node.store.read(lambda reader: reader.inventory_named([name]))
    facts = open_facts(row, node.desk.periods)
    assert facts is not None
    return facts.since.isoformat()


@pytest.mark.parametrize("scope", [Scope.SELF, Scope.FEDERATION])
async def test_of_rows_that_are_one_person_the_latest_removal_counts(
    node: Node, scope: Scope
) -> None:
    days = ["2026-10-03", "2026-11-20", "2026-11-02"]
    rows = [removed(day, scope) for day in days]
    rehearsed = await take(node, rows, dry_run=True)
    answer = await take(node, rows)

    assert answer.already == [0, 2]
    assert answer.signals == [answer.signals[1]] * 3
    assert await since(node, answer.signals[0]) == "2026-11-20"
    assert answer.later == rehearsed.later == []
    if scope is Scope.SELF:
        assert rehearsed.already == [0, 2]


async def test_of_rows_of_one_import_a_later_removal_takes_the_place_of_what_stands(
    node: Node,
) -> None:
    begun = await node.signals.imports.begin(DIGEST, ANNA)
    one = await take(node, [removed("2026-10-03")], run=begun.run)
    two = await take(node, [removed("2026-11-20")], run=begun.run)
    same = await take(node, [removed("2026-11-01")], run=begun.run)

    assert (two.already, same.already) == ([], [0])
    assert two.signals == same.signals != one.signals
    assert await alive(node) == 1
    assert await matches(node, addresses(1)[0])
    assert await since(node, two.signals[0]) == "2026-11-20"
    assert (await node.events()).count((Event.WITHDRAWN, "ok")) == 1
    shown = await node.signals.imports.show(begun.run, ANNA, None)
    assert (shown.added, shown.stopped) == (2, 1)
    await node.signals.imports.undo(begun.run, Reason.MISTAKE, ANNA)
    assert not await matches(node, addresses(1)[0])


async def test_of_a_later_import_the_later_removal_is_told_with_both_days(
    node: Node,
) -> None:
    one = await take(node, [removed("2026-10-03")])
    later = [removed("2026-11-20")]
    two = await take(node, later)
    rehearsed = await take(node, later, dry_run=True)
    earlier = await take(node, [removed("2026-09-20")])

    for answer in (two, rehearsed):
        (row,) = answer.later
        assert (row.position, row.listed, row.removed_on) == (
            0,
            "2026-10-03",
            "2026-11-20",
        )
    assert (earlier.differing, earlier.later) == ([0], [])
    assert two.signals == rehearsed.signals == one.signals
    # The way out that is told: what stands makes room, and the row takes its place.
    superseded = RevokeRequest(reason=Reason.SUPERSEDED)
    await node.signals.revoke(str(one.signals[0]), superseded, ANNA)
    three = await take(node, later)
    assert (three.already, three.taken_off, three.later) == ([], [], [])
    assert await matches(node, addresses(1)[0])
