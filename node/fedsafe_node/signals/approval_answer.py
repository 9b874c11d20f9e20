# SPDX-License-Identifier: Apache-2.0
"""What the second person is told: what was approved, and why the rest was not."""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_node.acts.bodies import ApproveAnswer, ItemProblem
from fedsafe_node.ground.errors import DeniedError, NodeError, WrongStateError
from fedsafe_node.ground.signal_ids import signal_name


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the draft at a position of the request was not approved."""

    position: int
    error: NodeError


def answer_of(approved: Sequence[bytes], failed: Sequence[Failure]) -> ApproveAnswer:
    """Answer with the ids of what was approved, and the rest in order."""
    return ApproveAnswer(
        approved=[signal_name(signal_id) for signal_id in approved],
        problems=[
            ItemProblem(
                position=failure.position,
                code=code_of(failure.error),
                detail=str(failure.error),
            )
            for failure in sorted(failed, key=lambda item: item.position)
        ],
    )


def code_of(error: NodeError) -> str:
    """Give the code of a problem."""
    match error:
        case DeniedError():
            return error.decision.code
        case WrongStateError():
            return error.code
        case _:
            return "not_found"
