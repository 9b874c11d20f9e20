# SPDX-License-Identifier: Apache-2.0
"""Answers to persons who ask."""

from tests.support.disputes import DORA
from tests.support.fleet import Fleet
from tests.support.rights_requests import requests_of

from fedsafe_node.acts.requests import RightsRequestAnswer


async def answer_to(fleet: Fleet, name: str, opened: RightsRequestAnswer) -> str:
    answered = await requests_of(fleet, name).answer(opened.request, DORA)
    assert answered.answer is not None
    return answered.answer
