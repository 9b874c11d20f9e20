# SPDX-License-Identifier: Apache-2.0
"""Where an account or file is met is asked for; private messages are shut."""

import json
from datetime import timedelta

import pytest
from tests.node.signals.conftest import BOT
from tests.support.fleet import Fleet
from tests.support.lookup_questions import HASH, email

from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.acts.lookup import (
    BatchRequest,
    LookupAnswer,
    LookupRequest,
    Result,
    Subject,
)
from fedsafe_node.ground.errors import BadRequestError, DeniedError
from fedsafe_policies.vocabulary import Purpose, Surface

PRIVATE = Surface.NI_ICS_PRIVATE
FILE = Question(kind=Kind.SHA256, value=HASH)
OWN_BASIS = """
format = 1
dated = 2026-11-01

[recorded]
own-basis = "file-2026-031"

[[entries]]
id = "own-basis"
basis = { de = "Eigener Eintrag", en = "Own entry" }
from = 2026-11-01
to = 2026-11-30
surfaces = ["ni_ics_private"]
source = "Official Journal"
confirmed = false
"""


async def match_file(fleet: Fleet, surface: Surface | None) -> LookupAnswer:
    request = LookupRequest(
        questions=[FILE], purpose=Purpose.MEDIA_MATCHING, surface=surface
    )
    return await fleet["a.demo"].services.lookups.lookup(request, BOT)


async def take_calendar(fleet: Fleet, text: str) -> None:
    """Give the node a calendar of the provider's own, which two people approve."""
    place = fleet.place("a.demo")
    (place.directory / "calendar.toml").write_text(text)
    config = place.config.read_text()
    place.config.write_text(f'calendar = "calendar.toml"\n{config}')
    await fleet.decide_by_named("a.demo")


@pytest.mark.promise("LR-03")
async def test_private_messages_are_not_matched_without_a_basis(alone: Fleet) -> None:
    with pytest.raises(DeniedError) as caught:
        await match_file(alone, PRIVATE)

    decision = caught.value.decision
    assert (decision.rule, decision.code) == ("P3", "surface")
    assert decision.about == "eu-interim-2026"
    (event,) = await alone.audit("a.demo", "refused")
    assert (event.record.rule, event.record.outcome) == ("P3", "surface")
    assert json.loads(event.openings["detail"]) == {
        "act": "lookup",
        "surface": "ni_ics_private",
        "about": "eu-interim-2026",
    }
    assert await alone.audit("a.demo", "lookup") == []


@pytest.mark.parametrize("purpose", [Purpose.SIGNUP_CHECK, Purpose.RECHECK])
async def test_a_batch_about_private_messages_is_refused_whole(
    alone: Fleet, purpose: Purpose
) -> None:
    batch = BatchRequest(
        lookups=[Subject(questions=[email()])], purpose=purpose, surface=PRIVATE
    )

    with pytest.raises(DeniedError) as caught:
        await alone["a.demo"].services.lookups.batch(batch, BOT)

    assert caught.value.decision.about == "eu-interim-2026"


@pytest.mark.promise("LR-03")
async def test_a_basis_in_force_opens_private_messages_until_its_last_day(
    alone: Fleet,
) -> None:
    await take_calendar(alone, OWN_BASIS)
    answer = await match_file(alone, PRIVATE)
    (event,) = await alone.audit("a.demo", "lookup")
    alone.clock.moment += timedelta(days=7)
    with pytest.raises(DeniedError) as caught:
        await match_file(alone, PRIVATE)

    assert answer.result is Result.NONE
    assert b'"surface":"ni_ics_private"' in event.openings["detail"]
    assert caught.value.decision.about == "own-basis"


async def test_recording_what_was_read_puts_a_shipped_basis_into_force(
    alone: Fleet,
) -> None:
    recorded = '[recorded]\neu-interim-2026 = "oj:l-2026-1"\n'
    await take_calendar(alone, f"format = 1\ndated = 2026-11-24\n{recorded}")
    answer = await match_file(alone, PRIVATE)

    assert answer.result is Result.NONE


async def test_other_surfaces_need_no_basis(alone: Fleet) -> None:
    answer = await match_file(alone, Surface.HOSTED_PRIVATE)

    assert answer.result is Result.NONE


async def test_media_are_not_matched_nobody_knows_where(alone: Fleet) -> None:
    with pytest.raises(BadRequestError) as caught:
        await match_file(alone, None)

    assert (caught.value.code, caught.value.pointer) == ("surface_missing", "/surface")
    assert await alone.audit("a.demo", "lookup") == []


async def test_a_sign_up_is_met_at_registration(alone: Fleet) -> None:
    request = LookupRequest(questions=[email()])
    await alone["a.demo"].services.lookups.lookup(request, BOT)
    (event,) = await alone.audit("a.demo", "lookup")

    assert b'"surface":"registration"' in event.openings["detail"]
