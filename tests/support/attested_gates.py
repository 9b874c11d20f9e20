# SPDX-License-Identifier: Apache-2.0
"""Three nodes whose gates open and close."""

from datetime import date
from importlib.resources import files

import pytest
from msgspec.structs import replace
from tests.support.fleet import BEGAN, Fleet, eventually
from tests.support.gates import COMPLETE
from tests.support.origin import WHO

from fedsafe_node.acts.lookup import Result
from fedsafe_policies.documents.policy import Policy, load_policy
from fedsafe_policies.rules.gate import LegalGate

FILE = "ab" * 32
DAY = 86_400
LONG = int(BEGAN.timestamp()) + 300 * DAY


def recorded() -> Policy:
    """All that `synthetic` shares, files too, behind a recorded gate."""
    folder = files("fedsafe_policies").joinpath("data")
    text = folder.joinpath("synthetic.toml").read_bytes()
    text = text.replace(b'mode = "synthetic"', b'mode = "record"')
    return load_policy(text.replace(b'["actor"]', b'["actor", "media"]', 1))


def open_gate(
    fleet: Fleet, name: str, *, until: date = date(2027, 9, 1), register: int = LONG
) -> None:
    situation = fleet[name].base.situation
    situation.policy = recorded()
    situation.record_gate(replace(COMPLETE, valid_until=until))
    situation.record_register(register)


def close_gate(fleet: Fleet, name: str) -> None:
    fleet[name].base.situation.record_gate(LegalGate())


@pytest.fixture
async def gated(trio: Fleet) -> Fleet:
    """Three nodes with recorded gates and met registers."""
    for name in trio.running:
        open_gate(trio, name)
    await eventually(lambda: _all_recorded(trio))
    return trio


async def _all_recorded(fleet: Fleet) -> bool:
    return all(
        (said := node.base.situation.attestations.newest(other)) is not None
        and not said.synthetic
        for name, node in fleet.running.items()
        for other in set(fleet.running) - {name}
    )


async def result(fleet: Fleet, name: str, value: str = WHO) -> Result:
    return (await fleet.look_up(name, value)).result


async def found(fleet: Fleet, name: str, value: str = WHO) -> None:
    async def is_found() -> bool:
        return await result(fleet, name, value) is Result.REVIEW

    await eventually(is_found)
