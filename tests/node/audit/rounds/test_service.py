# SPDX-License-Identifier: Apache-2.0
"""Review rounds: what is drawn, who marks what, and what a signature takes."""

import asyncio
import dataclasses
from collections.abc import Awaitable
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.node.people.conftest import Team, team

from fedsafe_node.acts.rounds import (
    AnswerQuestion,
    MarkRound,
    OpenRound,
    RoundAnswer,
    Verdict,
)
from fedsafe_node.audit.rounds import sample
from fedsafe_node.audit.rounds.clock import EVERY, count_rounds
from fedsafe_node.audit.rounds.sample import rank
from fedsafe_node.audit.rounds.service import Rounds
from fedsafe_node.ground.errors import (
    CorruptLogError,
    NodeError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.proofs import log_root
from fedsafe_node.log.pseudonyms import Pseudonyms
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose, Role

__all__ = ["team"]

DORA = Principal("dora", Role.DPO)
AUDRA = Principal("audra", Role.AUDITOR)
NOTE = "as the ticket says"


class Desk:
    """Rounds over a log in which people have pseudonyms."""

    def __init__(self, team: Team, keys: PeriodKeys, directory: Path) -> None:
        self.pseudonyms = Pseudonyms(directory)
        trail = AuditTrail("a.demo", self.pseudonyms)
        trail.know_people("dora", "audra", "rita")
        self.team = team
        self.office = dataclasses.replace(team.office, trail=trail)
        self.rounds = Rounds(self.office, keys, self.admit)

    async def admit(self, who: Principal, purpose: Purpose | None) -> Detail:
        del who, purpose
        return {}

    async def act(
        self, event: Event, actor: str, count: int = 1, *, subject: str | None = None
    ) -> None:
        for _ in range(count):
            entry = self.office.trail.entry(
                event, at=self.office.clock.now(), actor=actor, subject=subject
            )
            await self.office.store.write(
                lambda tx, entry=entry: tx.append(  # type: ignore[misc]
                    self.office.trail.log, entry.record, entry.openings
                )
            )

    async def indices(self, round_id: str, who: Principal = DORA) -> list[int]:
        answer = await self.rounds.entries(round_id, 0, 200, who)
        return [entry.index for entry in answer.entries]

    async def mark(
        self,
        round_id: str,
        entries: list[int],
        who: Principal = DORA,
        verdict: Verdict = Verdict.PLAUSIBLE,
    ) -> RoundAnswer:
        request = MarkRound(entries=entries, verdict=verdict, note=NOTE)
        return await self.rounds.mark(round_id, request, who)


@pytest.fixture
def desk(team: Team, keys: PeriodKeys, tmp_path: Path) -> Desk:
    return Desk(team, keys, tmp_path / "pseudonyms")


async def refused(work: Awaitable[object]) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


async def code_of(work: Awaitable[object]) -> str:
    found = await refused(work)
    assert isinstance(found, WrongStateError)
    return found.code


async def test_a_round_is_opened_marked_and_signed_and_the_next_begins_there(
    desk: Desk,
) -> None:
    await desk.act(Event.CASE_READ, "rita", 3)
    await desk.act(Event.REFUSED, "rita", 2)
    opened = await desk.rounds.open(OpenRound(), DORA)
    assert (opened.since, opened.size) == (0, 5)
    assert (opened.reads, opened.refusals, opened.alarms) == (3, 2, 0)

    assert await desk.indices(opened.round) == [0, 1, 2, 3, 4]
    assert await code_of(desk.rounds.sign(opened.round, DORA)) == "round_unmarked"
    await desk.mark(opened.round, [0, 1, 2, 3])
    await desk.mark(opened.round, [4], verdict=Verdict.ASK)
    assert await code_of(desk.rounds.sign(opened.round, DORA)) == "round_unmarked"
    await desk.mark(opened.round, [4], verdict=Verdict.INCIDENT)
    signed = await desk.rounds.sign(opened.round, DORA)
    assert (signed.state, signed.incidents, signed.left) == ("signed", 1, 0)
    assert await code_of(desk.mark(opened.round, [4])) == "round_signed"

    listed = await desk.rounds.listed(AUDRA)
    assert (listed.reviewed_to, len(listed.rounds)) == (5, 1)
    assert (await desk.rounds.open(OpenRound(), DORA)).since == 5


async def test_one_round_is_open_at_a_time(desk: Desk) -> None:
    await desk.rounds.open(OpenRound(), DORA)
    assert await code_of(desk.rounds.open(OpenRound(), AUDRA)) == "round_open"


async def test_the_sample_is_as_the_opening_fixed_it(desk: Desk) -> None:
    await desk.act(Event.CASE_READ, "rita", 30)
    opened = await desk.rounds.open(OpenRound(sample=7), DORA)
    events = await desk.team.events()
    (told,) = [text for event, _, text in events if event == Event.ROUND_OPENED]
    seed = bytes.fromhex(told.partition('"seed":"')[2][:64])
    expected = sorted(range(30), key=lambda index: rank(seed, index))[:7]
    assert await desk.indices(opened.round) == sorted(expected)
    assert f'"root":"{opened.root}"' in told


async def test_nobody_samples_or_marks_an_own_act(desk: Desk) -> None:
    await desk.act(Event.CASE_READ, "dora", 4)
    await desk.act(Event.REFUSED, "dora")
    await desk.act(Event.CASE_READ, "audra")
    round_id = (opened := await desk.rounds.open(OpenRound(), DORA)).round
    assert (opened.reads, opened.own) == (1, 4)
    shown = (await desk.rounds.entries(round_id, 0, 200, DORA)).entries
    assert [(entry.index, entry.own) for entry in shown] == [(4, True), (5, False)]
    assert await code_of(desk.mark(round_id, [4, 5])) == "own_entry"
    assert await code_of(desk.mark(round_id, [5], AUDRA)) == "own_entry"
    await desk.mark(round_id, [5])
    assert (await desk.rounds.sign(round_id, DORA)).left == 1


async def test_services_are_no_people_and_a_gone_key_is_counted_and_not_made_anew(
    desk: Desk,
) -> None:
    await desk.act(Event.CASE_READ, "matcher")
    await desk.act(Event.CASE_READ, "rita")
    (quarter,) = desk.pseudonyms.quarters()
    desk.team.pass_time(100 * 24 * 60 * 60)
    await asyncio.to_thread(desk.pseudonyms.destroy, quarter, present="2999q1")
    await desk.act(Event.CASE_READ, "rita")
    opened = await desk.rounds.open(OpenRound(), DORA)
    assert (opened.reads, opened.unattributable) == (1, 1)
    assert await desk.indices(opened.round) == [2]
    assert quarter not in desk.pseudonyms.quarters()


async def test_one_entry_is_shown_whole_and_its_reading_is_about_its_account(
    desk: Desk,
) -> None:
    await desk.act(Event.CASE_READ, "rita", subject="matcher/u-1")
    round_id = (await desk.rounds.open(OpenRound(), DORA)).round
    await desk.mark(round_id, [0])
    shown = await desk.rounds.entry(round_id, 0, AUDRA)
    assert (shown.verdict, shown.notes) == (Verdict.PLAUSIBLE, [NOTE])
    assert shown.entry.subject_ref == "u-1"
    assert shown.entry.actor is not None
    assert shown.entry.actor.startswith("staff-")
    event, _, told = (await desk.team.events())[-1]
    assert event == Event.ROUND_READ
    assert '"ref":"u-1"' in told


async def test_what_a_round_does_not_review_is_neither_shown_nor_marked(
    desk: Desk,
) -> None:
    await desk.act(Event.FEED_SERVED, "rita")
    round_id = (await desk.rounds.open(OpenRound(), DORA)).round
    for index in (0, 1):
        found = await refused(desk.rounds.entry(round_id, index, DORA))
        assert isinstance(found, NotFoundError)
        assert isinstance(await refused(desk.mark(round_id, [index])), NotFoundError)


async def test_entries_come_in_pages(desk: Desk) -> None:
    await desk.act(Event.REFUSED, "rita", 5)
    round_id = (await desk.rounds.open(OpenRound(), DORA)).round
    first = await desk.rounds.entries(round_id, 0, 3, DORA)
    rest = await desk.rounds.entries(round_id, first.next, 3, DORA)
    assert [[each.index for each in page.entries] for page in (first, rest)] == [
        [0, 1, 2],
        [3, 4],
    ]
    assert (first.more, rest.more) == (True, False)


async def test_marks_are_listed_in_their_order_with_their_reasons(desk: Desk) -> None:
    await desk.act(Event.REFUSED, "rita", 2)
    round_id = (await desk.rounds.open(OpenRound(), DORA)).round
    await desk.mark(round_id, [0, 1], verdict=Verdict.ASK)
    await desk.mark(round_id, [1], AUDRA)
    first, last = (await desk.rounds.marks(round_id, AUDRA)).marks
    assert (first.entries, first.verdict, first.by) == ([0, 1], Verdict.ASK, "dora")
    assert (last.entries, last.verdict, last.by) == ([1], Verdict.PLAUSIBLE, "audra")
    assert first.note == last.note == NOTE
    assert last.mark > first.mark


async def test_a_log_that_is_damaged_where_it_begins_keeps_nobody_from_the_status(
    desk: Desk,
) -> None:
    await desk.act(Event.AUDIT_READ, "rita")
    store, log = desk.office.store, desk.office.trail.log
    reads = "fedsafe_node.audit.rounds.clock.read_log_events"
    damage = CorruptLogError(log, 0, Phrase("it is no audit event"))

    with patch(reads, side_effect=damage):
        assert await store.read(lambda r: count_rounds(r, log, 0)) == (0, 1)


async def test_a_round_is_due_a_month_after_the_log_began_or_was_signed(
    desk: Desk,
) -> None:
    log, store = desk.office.trail.log, desk.office.store
    began = desk.office.now()
    assert await store.read(lambda r: count_rounds(r, log, began)) == (0, 0)
    await desk.act(Event.CASE_READ, "dora")
    due = began + EVERY
    assert (await desk.rounds.listed(DORA)).due_at == due
    assert await store.read(lambda r: count_rounds(r, log, due - 1)) == (0, 0)
    assert await store.read(lambda r: count_rounds(r, log, due)) == (0, 1)

    desk.team.pass_time(EVERY)
    opened = await desk.rounds.open(OpenRound(), DORA)
    assert await store.read(lambda r: count_rounds(r, log, due)) == (1, 1)
    signed = await desk.rounds.sign(opened.round, DORA)
    assert signed.signed_at is not None
    later = signed.signed_at + EVERY
    assert (await desk.rounds.listed(DORA)).due_at == later
    assert await store.read(lambda r: count_rounds(r, log, later - 1)) == (0, 0)
    assert await store.read(lambda r: count_rounds(r, log, later)) == (0, 1)


async def test_it_is_told_of_how_many_entries_the_sample_was_drawn(desk: Desk) -> None:
    await desk.act(Event.CASE_READ, "rita", 5)
    await desk.act(Event.CASE_READ, "matcher", 2)
    opened = await desk.rounds.open(OpenRound(sample=2), DORA)
    found = [(each.kind, each.entries, each.tried) for each in opened.drawn_from]
    assert found == [("read", 7, 7), ("decision", 0, 0), ("export", 0, 0)]


async def test_a_round_takes_so_many_alarms_and_refusals_and_the_next_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_TAKEN", 3)
    for _ in range(4):
        await desk.act(Event.REFUSED, "rita")
        await desk.act(Event.NODE_STARTED, "local")
    first = await desk.rounds.open(OpenRound(), DORA)
    assert (first.size, first.refusals, first.cut) == (6, 3, True)
    log = desk.office.trail.log
    root = await desk.office.store.read(lambda r: log_root(r, log, 6))
    assert first.root == root.hex()
    await desk.mark(first.round, await desk.indices(first.round))
    await desk.rounds.sign(first.round, DORA)

    second = await desk.rounds.open(OpenRound(), DORA)
    assert (second.since, second.refusals, second.cut) == (6, 1, False)


async def test_who_acted_is_asked_and_answers_under_a_pseudonym(desk: Desk) -> None:
    rita = Principal("rita", Role.REVIEWER)
    await desk.act(Event.CASE_READ, "rita", 2)
    await desk.act(Event.CASE_READ, "audra")
    round_id = (await desk.rounds.open(OpenRound(), DORA)).round
    await desk.mark(round_id, [0, 1, 2], verdict=Verdict.ASK)
    await desk.mark(round_id, [1])
    (asked,) = (await desk.rounds.questions(rita)).questions
    assert [each.index for each in asked.entries] == [0]
    assert asked.asks == NOTE
    assert (await desk.rounds.questions(DORA)).questions == []

    said = AnswerQuestion(answer="for ticket 7")
    stranger = await refused(desk.rounds.reply(asked.question, said, DORA))
    assert isinstance(stranger, NotFoundError)
    await desk.rounds.reply(asked.question, said, rita)
    assert (await desk.rounds.questions(rita)).questions == []
    again = await refused(desk.rounds.reply(asked.question, said, rita))
    assert isinstance(again, NotFoundError)
    *_, answer = (await desk.rounds.marks(round_id, DORA)).marks
    assert (answer.note, answer.answers) == ("for ticket 7", asked.question)
    assert answer.by == desk.office.trail.shown("rita", desk.office.clock.now())
    assert await code_of(desk.rounds.sign(round_id, DORA)) == "round_unmarked"
    shown = await desk.rounds.entry(round_id, 0, DORA)
    assert shown.notes == [NOTE, "for ticket 7"]
