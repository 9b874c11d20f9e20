# SPDX-License-Identifier: Apache-2.0
"""A case whose signal no longer stands says that it should be recalled."""

from typing import Any, Final
from uuid import UUID

import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, tables

from fedsafe_node.acts.cases import AssessCase
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.rows import RestrictionRow

__all__ = ["ada", "ben", "desk", "tables", "team"]

SIGNAL: Final = UUID("0190b5a2-7c1e-7d3a-8f00-0123456789ab")
MENTION: Final = f"b.demo/{SIGNAL}"


async def restrict(desk: Any, effect: str) -> None:  # noqa: ANN401
    row = RestrictionRow(
        digest=bytes(32),
        origin="b.demo",
        author="b.demo",
        sequence=1,
        effect=effect,
        statement=b"{}",
    )
    await desk.store.write(lambda tx: tx.add_restriction(row, [SIGNAL.bytes]))


@pytest.mark.parametrize(
    ("effect", "due"),
    [("revoked", True), ("erased", True), ("disputed", False), ("expired", False)],
)
async def test_a_case_is_flagged_when_a_signal_it_mentions_is_revoked(
    desk: Any,  # noqa: ANN401
    ada: Principal,
    effect: str,
    due: bool,  # noqa: FBT001
) -> None:
    case = await desk.open(ada)
    await desk.cases.assess(case, AssessCase(mentions=(MENTION,)), ada)
    before = await desk.cases.show(case, ada)
    await restrict(desk, effect)
    after = await desk.cases.show(case, ada)
    (listed,) = (await desk.cases.list(ada)).cases

    assert (before.mentions, before.fallen) == ([MENTION], [])
    assert after.fallen == ([MENTION] if due else [])
    assert listed.recall_due is due
