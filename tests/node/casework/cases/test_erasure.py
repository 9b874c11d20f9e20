# SPDX-License-Identifier: Apache-2.0
"""Closed cases are erased when the policy says so, and what is counted stays."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.case_team import (
    ANSWERS,
    KNOWN,
    Desk,
    ada,
    desk,
    holding,
    refused,
    tables,
)
from tests.support.case_time import DAY, YEAR, nothing_waits

from fedsafe_node.acts.cases import AssessCase, NewHold, NoteCall, RenderCase
from fedsafe_node.casework.cases.erasure import CaseEraser, erase_cases
from fedsafe_node.casework.cases.rendering import CaseRenderings
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.escalation.closure import countable, erased_from
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import Elements, Preservation, present
from fedsafe_policies.escalation.vocabulary import Element, Form, PartnerClass, Urgency
from fedsafe_policies.ground.span import Span

__all__ = ["ada", "desk", "tables", "team"]

COUNTED: Final = {
    Element.PHENOMENON,
    Element.VICTIM_AGES,
    Element.MEASURES,
    Element.FEATURE,
}


async def something_waits(_reader: Reader, _case_id: str) -> bool:
    return True


async def closed(desk: Desk, who: Principal, **facts: object) -> str:
    """Close a case of which all is known."""
    case = await desk.full(who, urgency=Urgency.U2)
    if facts:
        await desk.cases.assess(case, AssessCase(**facts), who)  # type: ignore[arg-type]
    call = NoteCall(number="110", at=desk.team.now, officer="Leitstelle Nord")
    await desk.cases.call(case, call, who)
    await desk.cases.assess(case, ANSWERS, who)
    await desk.cases.close(case, who)
    return case


async def row_of(desk: Desk, case: str) -> CaseRow:
    row = await desk.store.read(lambda reader: reader.case(case))
    assert row is not None
    return row


@pytest.mark.promise("LR-12")
async def test_a_closed_case_is_erased_after_its_time_and_its_numbers_stay(
    desk: Desk, ada: Principal
) -> None:
    case = await closed(desk, ada)
    eraser = CaseEraser(desk.keeper, YEAR, nothing_waits)
    desk.team.pass_time(365 * DAY - 60)
    early = await erase_cases(eraser)
    desk.team.pass_time(2 * DAY)
    erased = await erase_cases(eraser)
    again = await erase_cases(eraser)
    file = desk.vault.open(await row_of(desk, case))
    steps = await desk.store.read(lambda reader: reader.case_steps(case))

    assert (early, erased, again) == (0, 1, 0)
    assert present(file.elements) == COUNTED
    assert file.elements == countable(KNOWN)
    assert (file.calls, file.evidence, file.sources) == ((), (), frozenset())
    assert [step.step for step in steps][-2:] == ["closed", "erased"]
    assert (steps[-1].by, steps[-1].role) == ("erasure", "service")
    events = [
        told for name, _, told in await desk.team.events() if name[5:] == "erased"
    ]
    assert len(events) == 1
    assert case in events[0]


@pytest.mark.embedded
async def test_nothing_of_an_erased_case_lies_in_any_file(
    desk: Desk, ada: Principal, tmp_path: Path
) -> None:
    case = await closed(desk, ada)
    before = await row_of(desk, case)
    assert before.key is not None
    assert before.sealed is not None
    assert await asyncio.to_thread(holding, tmp_path, before.sealed[-64:])
    assert await asyncio.to_thread(holding, tmp_path, before.key[-32:])
    desk.team.pass_time(400 * DAY)
    await erase_cases(CaseEraser(desk.keeper, YEAR, nothing_waits))
    after = await row_of(desk, case)

    for piece in (before.key[-32:], before.sealed[:64], before.sealed[-64:]):
        assert await asyncio.to_thread(holding, tmp_path, piece) == []
    assert after.key != before.key


@pytest.mark.parametrize("facts", ["preserved", "held", "ordered", "open"])
async def test_what_is_still_asked_for_stays_whole(
    desk: Desk, ada: Principal, facts: str
) -> None:
    now = desk.team.now
    later = datetime.fromtimestamp(now + 500 * DAY, UTC).date()
    preserved = Elements(preservation=Preservation(until=later, hold_id="hold-9"))
    hold = NewHold(authority="sta-7", basis="stpo-95a", until=now + 29 * DAY)
    given: dict[str, dict[str, object]] = {
        "preserved": {"elements": preserved},
        "held": {"hold": hold},
    }
    kept = Span.parse("7 days") if facts == "held" else YEAR
    waits = something_waits if facts == "ordered" else nothing_waits
    if facts == "open":
        case = await desk.full(ada)
    else:
        case = await closed(desk, ada, **given.get(facts, {}))
    desk.team.pass_time((20 if facts == "held" else 400) * DAY)
    count = await erase_cases(CaseEraser(desk.keeper, kept, waits))

    assert count == 0
    assert desk.vault.open(await row_of(desk, case)).elements.suspects != msgspec.UNSET
    if facts in {"preserved", "held"}:
        desk.team.pass_time(200 * DAY)
        assert await erase_cases(CaseEraser(desk.keeper, kept, waits)) == 1


async def test_a_damaged_case_stays_and_holds_up_no_other(
    desk: Desk, ada: Principal
) -> None:
    damaged, sound = [await closed(desk, ada) for _ in range(2)]
    row = await row_of(desk, damaged)
    spoilt = msgspec.structs.replace(row, revision=row.revision + 1, sealed=b"nothing")
    await desk.store.write(lambda tx: tx.put_case(spoilt))
    desk.team.pass_time(400 * DAY)
    count = await erase_cases(CaseEraser(desk.keeper, YEAR, nothing_waits))
    _, file = await desk.store.read(lambda reader: desk.keeper.read(reader, sound))

    assert count == 1
    assert file.erased_at is not None
    assert await row_of(desk, damaged) == spoilt


async def test_an_erased_case_is_not_written_as_a_paper(
    desk: Desk, ada: Principal
) -> None:
    case = await closed(desk, ada)
    desk.team.pass_time(400 * DAY)
    await erase_cases(CaseEraser(desk.keeper, YEAR, nothing_waits))
    renderings = CaseRenderings(
        desk.team.situation, desk.keeper, shipped_matrix, offload=asyncio.to_thread
    )
    request = RenderCase(form=Form.LETTER, partner=PartnerClass.LAW_ENFORCEMENT)
    error = await refused(renderings.render(case, request, ada))

    assert error.code == "wiped"


def test_the_end_is_the_last_of_all_that_keeps_a_case() -> None:
    at = int(datetime(2026, 2, 10, 15, tzinfo=UTC).timestamp())
    month, preserved = Span.parse("1 month"), datetime(2026, 5, 1, tzinfo=UTC)
    hold = at + 90 * DAY

    assert erased_from(at, month, (), None) == int(
        datetime(2026, 3, 11, tzinfo=UTC).timestamp()
    )
    assert erased_from(at, month, (hold,), None) == hold
    assert erased_from(at, month, (), preserved.date()) == int(
        datetime(2026, 5, 2, tzinfo=UTC).timestamp()
    )
