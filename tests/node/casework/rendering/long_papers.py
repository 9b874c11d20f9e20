# SPDX-License-Identifier: Apache-2.0
"""Papers with more in them than a page holds."""

from typing import Final

from msgspec import UNSET, structs
from tests.node.casework.rendering.papers import WHOLE
from tests.support.maximal import AT

from fedsafe_node.casework.rendering.pack import Quarter
from fedsafe_policies.escalation.package import Elements, MeasureTaken
from fedsafe_policies.escalation.vocabulary import Step

Q4: Final = Quarter(2026, 4)


def case_of(feature: str, *steps: Step) -> Elements:
    taken = tuple(MeasureTaken(step=step, taken_at=AT) for step in steps)
    return structs.replace(WHOLE, feature=feature, measures=taken or UNSET)


MANY: Final = [
    *[case_of("direct_messages", Step.L6)] * 12,
    *[case_of("direct_messages", Step.L1)] * 10,
    *[case_of("live_chat", Step.L2)] * 9,
]
