# SPDX-License-Identifier: Apache-2.0
"""A pack whose recipient is left out of answers to persons, by two people (P16)."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.node.audit.conftest import AUDRA, DORA, RUTH
from tests.support.fleet import Fleet
from tests.support.packs import ACCOUNT, COURT, entered, handed, looked_up, matched
from tests.support.rights_requests import SHOP, asked, requests_of

from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.requests import PackTold, WithholdPackRequest
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights.person_packs import Packs, packs_asked_for
from fedsafe_policies.vocabulary import Role, Withholding

POLICE = "Polizei Köln"
UNTIL = date(2026, 12, 10)
REQUEST = WithholdPackRequest(
    reason=Withholding.BDSG_33_1_2B, note="order-7", until=UNTIL
)


async def ask(
    fleet: Fleet,
    entry: int,
    request: WithholdPackRequest = REQUEST,
    who: Principal = DORA,
) -> ActAnswer:
    keeping = fleet["a.demo"].services.keeping
    return await keeping.withholding.ask_for(entry, request, who)


async def approve(fleet: Fleet, act: ActAnswer, who: Principal) -> ActAnswer:
    approvals = fleet["a.demo"].services.staff.approvals
    return await approvals.approve(act.act, bytes.fromhex(act.digest), who)


async def withhold(fleet: Fleet, entry: int, **fields: Any) -> None:  # noqa: ANN401
    """Let two people hold a pack back."""
    act = await ask(fleet, entry, replace(REQUEST, **fields))
    assert (await approve(fleet, act, RUTH)).state == "done"


async def taken_out(fleet: Fleet, *recipients: str) -> list[int]:
    """Let packs about an account and an own ban of it go out; return their entries."""
    await matched(fleet)
    for recipient in recipients:
        await handed(fleet, recipient=recipient)
    return [row.entry for row in await entered(fleet)]


async def opened(fleet: Fleet) -> str:
    request = replace(asked(), subject_ref=ACCOUNT)
    return (await requests_of(fleet, "a.demo").open(request, SHOP)).request


async def answered(fleet: Fleet) -> tuple[str, list[PackTold]]:
    answer = await requests_of(fleet, "a.demo").answer(await opened(fleet), DORA)
    assert answer.answer is not None
    assert answer.packs is not None
    return answer.answer, answer.packs


async def test_a_pack_that_two_people_hold_back_is_told_to_who_answers_alone(
    kept_alone: Fleet,
) -> None:
    _, police = await taken_out(kept_alone, COURT, POLICE)
    await withhold(kept_alone, police)
    request = await opened(kept_alone)
    shown = await requests_of(kept_alone, "a.demo").show(request, DORA)
    text, packs = await answered(kept_alone)

    assert POLICE not in text
    assert text.count(f"made for {COURT}") == 2
    assert shown.packs == packs
    assert [(each.recipient, each.withheld is None) for each in packs] == [
        (COURT, True),
        (POLICE, False),
    ]
    held = packs[1].withheld
    assert held is not None
    assert (held.by, held.second, held.note) == ("dora", "ruth", "order-7")
    assert (held.reason, held.until[:10]) == (Withholding.BDSG_33_1_2B, "2026-12-10")


async def test_an_answer_never_says_that_nobody_has_what_is_held_back(
    kept_alone: Fleet,
) -> None:
    (police,) = await taken_out(kept_alone, POLICE)
    await withhold(kept_alone, police)
    text, _ = await answered(kept_alone)

    assert POLICE not in text
    assert "recipients: none" not in text
    assert "in an extract of our log" not in text


async def test_a_pack_is_named_again_once_the_day_has_come(kept_alone: Fleet) -> None:
    (police,) = await taken_out(kept_alone, POLICE)
    await withhold(kept_alone, police)
    kept_alone.clock.advance(timedelta(days=17))
    text, packs = await answered(kept_alone)

    assert f"made for {POLICE}" in text
    assert [each.withheld for each in packs] == [None]


async def test_two_people_can_hold_a_pack_back_for_longer(kept_alone: Fleet) -> None:
    (police,) = await taken_out(kept_alone, POLICE)
    await withhold(kept_alone, police)
    await withhold(kept_alone, police, until=UNTIL + timedelta(days=7), note="order-8")
    kept_alone.clock.advance(timedelta(days=17))
    text, packs = await answered(kept_alone)
    events = await kept_alone.audit("a.demo", "audit.recipient_withheld")

    assert POLICE not in text
    assert packs[0].withheld is not None
    assert packs[0].withheld.note == "order-8"
    details = [json.loads(event.openings["detail"]) for event in events]
    assert [(each["pack"], each["note"]) for each in details] == [
        (police, "order-7"),
        (police, "order-8"),
    ]
    assert all(each["second"].startswith("staff-") for each in details)
    assert not any(POLICE in event.text for event in events)


async def test_nothing_is_held_back_before_a_second_person(kept_alone: Fleet) -> None:
    (police,) = await taken_out(kept_alone, POLICE)
    act = await ask(kept_alone, police)
    with pytest.raises(DeniedError):
        await approve(kept_alone, act, DORA)
    text, _ = await answered(kept_alone)

    assert f"made for {POLICE}" in text


async def test_one_of_the_two_protects_data(kept_alone: Fleet) -> None:
    (police,) = await taken_out(kept_alone, POLICE)
    act = await ask(kept_alone, police, who=RUTH)
    with pytest.raises(DeniedError) as denied:
        await approve(kept_alone, act, Principal("lea", Role.LEGAL_ADVISER, fresh=True))
    assert (await approve(kept_alone, act, DORA)).state == "done"

    assert denied.value.decision.code == "role"


@pytest.mark.parametrize(
    ("fields", "who", "code"),
    [
        ({}, AUDRA, "role"),
        ({"until": date(2026, 11, 24)}, DORA, "withholding"),
        ({"until": date(2027, 3, 1)}, DORA, "withholding"),
        ({"note": "Herr Meier"}, DORA, "withholding"),
    ],
)
async def test_what_the_policy_does_not_take_is_not_even_asked_for(
    kept_alone: Fleet, fields: dict[str, Any], who: Principal, code: str
) -> None:
    (police,) = await taken_out(kept_alone, POLICE)
    with pytest.raises(DeniedError) as denied:
        await ask(kept_alone, police, replace(REQUEST, **fields), who)

    assert denied.value.decision.code == code


async def test_a_day_that_passes_before_the_approval_holds_nothing_back(
    kept_alone: Fleet,
) -> None:
    (police,) = await taken_out(kept_alone, POLICE)
    act = await ask(kept_alone, police, replace(REQUEST, until=date(2026, 11, 25)))
    kept_alone.clock.advance(timedelta(days=1))
    with pytest.raises(WrongStateError) as refused:
        await approve(kept_alone, act, RUTH)

    assert refused.value.code == "act_changed"


async def test_only_a_pack_with_openings_can_be_held_back(kept_alone: Fleet) -> None:
    with pytest.raises(NotFoundError):
        await ask(kept_alone, 1)


async def test_a_pack_that_goes_out_while_the_answer_is_written_is_in_it(
    kept_alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await looked_up(kept_alone, subject=ACCOUNT)
    await handed(kept_alone, events="lookup", recipient=COURT)
    request, late = await opened(kept_alone), [POLICE]

    async def slowly(desk: Any, name: str) -> Packs:  # noqa: ANN401
        packs = await packs_asked_for(desk, name)
        if late:
            await handed(kept_alone, events="lookup", recipient=late.pop())
        return packs

    monkeypatch.setattr("fedsafe_node.rights.requests.packs_asked_for", slowly)
    answer = await requests_of(kept_alone, "a.demo").answer(request, DORA)

    assert answer.answer is not None
    assert f"made for {POLICE}" in answer.answer
