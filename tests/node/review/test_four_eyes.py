# SPDX-License-Identifier: Apache-2.0
"""Whatever people try in whatever order, nobody loses an account to one of them."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.node.people.conftest import Team
from tests.node.review.conftest import Ward, match
from tests.support.fleet import StandingClock

from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.review_rows import TaskDecisionRow
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.rules.hearings import HearingException, HearingStep
from fedsafe_policies.vocabulary import Level, Outcome, Role

PEOPLE = ("anna", "rita", "rolf")
PEOPLES = st.sampled_from(PEOPLE)


@dataclass(frozen=True)
class Step:
    """Somebody tries something; `number` picks one of what there is."""

    what: str
    who: str
    level: Level
    number: int


TRIED = (
    *("confirm", "approve", "hear") * 3,
    *("rush", "bare", "grow", "machine", "dismiss", "watch"),
)
STEPS = st.builds(
    Step,
    what=st.sampled_from(TRIED),
    who=PEOPLES,
    level=st.sampled_from([Level.L4, Level.L5, Level.L6]),
    number=st.integers(0, 3),
)


class Play:
    """Plays steps; what is refused is refused."""

    def __init__(self, ward: Ward, task: str) -> None:
        self.ward = ward
        self.task = task
        self.acts: list[ActAnswer] = []
        self.grown = 10

    async def step(self, step: Step) -> None:
        ward, task = self.ward, self.task
        match step.what:
            case "confirm":
                answer = await ward.confirm(task, step.level, step.who)
                if answer.act is not None:
                    self.acts.append(answer.act)
            case "bare":
                await ward.decide(task, Outcome.CONFIRM, step.who, level=step.level)
            case "approve":
                await self.approve(step.number, ward.people[step.who])
            case "rush":
                both = [ward.people[name] for name in PEOPLE]
                await asyncio.gather(
                    *(self.approve(step.number, one) for one in both),
                    return_exceptions=True,
                )
            case "machine":
                await self.approve(
                    step.number, Principal("x", Role.SERVICE, fresh=True)
                )
            case "hear":
                why = HearingException.NO_WAY_TO_REACH
                await ward.hear(task, HearingStep.EXCEPTION, exception=why)
            case "grow":
                self.grown += 1
                await self.open()
            case "dismiss":
                await ward.decide(task, Outcome.DISMISS, step.who)
            case _:
                await ward.decide(task, Outcome.WATCH, step.who, days=9, reason="n-1")

    async def open(self) -> None:
        self.task = (await self.ward.open(match(self.grown))).task

    async def approve(self, number: int, who: Principal) -> None:
        if self.acts:
            await self.ward.approve(self.acts[number % len(self.acts)], who)


async def play(folder: Path, steps: Sequence[Step]) -> list[TaskDecisionRow]:
    periods = await asyncio.to_thread(PeriodKeys, folder / "periods")
    await asyncio.to_thread(shipped_calendar)
    store = await open_store(
        f"sqlite://{folder}/node.db", keys=periods, clock=StandingClock()
    )
    team = Team(store)
    await team.hire("anna", Role.ANALYST)
    await team.hire("rita", Role.REVIEWER)
    await team.hire("rolf", Role.REVIEWER)
    ward = Ward(team, periods)
    for name in PEOPLE:
        await ward.come(name)
    opened = await ward.open(match(1))
    playing = Play(ward, opened.task)
    for step in steps:
        with suppress(NodeError):
            await playing.step(step)
    decisions = await store.read(lambda r: r.newest_decisions(99))
    await store.close()
    await asyncio.to_thread(team.passwords.close)
    return decisions


@pytest.mark.promise("LR-23")
@settings(max_examples=25)
@given(st.lists(STEPS, max_size=12))
def test_no_account_is_lost_without_own_evidence_and_two_people(
    steps: list[Step],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        decisions = asyncio.run(play(Path(folder), steps))

    for made in decisions:
        if made.outcome == Outcome.CONFIRM:
            assert made.evidence
        if made.level is not None and Level(made.level) >= Level.L5:
            assert made.second is not None
            assert made.second != made.decided_by
        if made.level == Level.L6:
            assert made.hearing
