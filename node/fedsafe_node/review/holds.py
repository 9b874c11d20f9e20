# SPDX-License-Identifier: Apache-2.0
"""Whether somebody holds what a review knows of an account."""

from fedsafe_node.ground.subject_refs import is_about
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import TaskRow


async def is_held(reader: Reader, task: TaskRow, now: int) -> bool:
    """Tell whether a hold keeps the account of a task."""
    return any(
        is_about(hold.subject, task.subject) and hold.until > now
        for hold in await reader.holds()
        if task.subject is not None
    )
