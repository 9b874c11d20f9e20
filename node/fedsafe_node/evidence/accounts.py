# SPDX-License-Identifier: Apache-2.0
"""The hands of those parts that hold something about an account (`erasers.py`)."""

from functools import partial
from typing import Final

from fedsafe_node.erasers import Erasers
from fedsafe_node.provider_events.announcing import Announcer
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.store.review_rows import TaskState

_PAGE: Final = 500


def register_hands(erasers: Erasers, announcer: Announcer) -> None:
    """Let reviews and events for the provider be erased."""
    erasers.register("events", partial(_erase_events, announcer))
    erasers.register("reviews", _erase_reviews)


async def _erase_reviews(tx: Transaction, subject: str, at: int) -> int:
    """Erase whom tasks are about; what was decided stays, and one that waits ends."""
    del at
    tasks = await tx.tasks_about(subject)
    for task, state in tasks:
        ends = state is TaskState.DECIDED
        await tx.erase_task(task, state if ends else TaskState.LAPSED)
    return len(tasks)


async def _erase_events(
    announcer: Announcer, tx: Transaction, subject: str, at: int
) -> int:
    """Erase what the provider has been told, or has yet to read, of an account."""
    del at
    after = count = 0
    while page := await tx.provider_events(after, _PAGE):
        for event in page:
            after = event.number
            told = announcer.read(event)
            if told is not None and told.subject_ref == subject:
                count += await tx.erase_provider_event(event.number)
    return count
