# SPDX-License-Identifier: Apache-2.0
"""Tokens and envelopes of others that must not match."""

import pytest
from tests.support.fleet import Fleet
from tests.support.origin import WHO, Origin, output_of

from fedsafe_policies.vocabulary import (
    Grade,
    Surface,
)


async def test_a_copied_token_never_matches(fleet: Fleet) -> None:
    await fleet.start("b.demo", "c.demo")
    await fleet.attested()
    origin = await Origin(fleet).load()
    output = await output_of(fleet, "b.demo")
    shared = fleet["b.demo"].base.situation.shared
    assert shared is not None
    origin.ban(output, token=shared.tokens(output)["c.demo"])
    async with origin.serving():
        await origin.taken("b.demo")
        answer = await fleet.look_up("b.demo", WHO)

    assert answer.matches == []


@pytest.mark.parametrize(
    "body",
    [
        {"grade": Grade.SINGLE_REPORT},
        {"surface": Surface.NI_ICS_PRIVATE},
        {"removed_on": "2026-02-31"},
        {"removed_on": "2020-01-01"},
        {"removed_on": "2027-01-01"},
    ],
)
async def test_what_contradicts_policy_is_suppressed_and_counted(
    fleet: Fleet, body: dict[str, object]
) -> None:
    await fleet.start("b.demo", "c.demo")
    await fleet.attested()
    origin = await Origin(fleet).load()
    origin.ban(await output_of(fleet, "b.demo"), body=body)
    async with origin.serving():
        await origin.taken("b.demo")
        answer = await fleet.look_up("b.demo", WHO)
    event = (await fleet.audit("b.demo", "lookup"))[-1]

    assert answer.matches == []
    assert b'"suppressed":1' in event.openings["detail"]


async def test_an_envelope_that_does_not_open_is_suppressed(fleet: Fleet) -> None:
    await fleet.start("b.demo", "c.demo")
    await fleet.attested()
    origin = await Origin(fleet).load()
    output = await output_of(fleet, "b.demo")
    other = await output_of(fleet, "b.demo", "other@mail.example")
    shared = fleet["b.demo"].base.situation.shared
    assert shared is not None
    origin.ban(other, token=shared.tokens(output)["a.demo"])
    async with origin.serving():
        await origin.taken("b.demo")
        answer = await fleet.look_up("b.demo", WHO)
    event = (await fleet.audit("b.demo", "lookup"))[-1]

    assert answer.matches == []
    assert b'"suppressed":1' in event.openings["detail"]
