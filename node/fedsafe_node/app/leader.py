# SPDX-License-Identifier: Apache-2.0
"""One process of a node leads: it replicates, runs the jobs and asks for cosignatures.

`lead` begins a term whenever this process wins the leadership, and ends it when that is
lost or given up. A term that cannot begin is given up, so that another process may try.

```python
task = asyncio.create_task(lead(leadership, begin=node.begin, end=node.end))
```
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from fedsafe_node.ground.telemetry import LOGGER, fields

if TYPE_CHECKING:  # the driver, which a node with the embedded store has not
    from fedsafe_node.store.postgresql.leader_lock import AdvisoryLeadership

PAUSE: Final = 1.0
"""Seconds until a process tries again after a term that could not begin."""
_LOG = logging.getLogger(f"{LOGGER}.leading")

Step = Callable[[], Awaitable[None]]


async def lead(
    leadership: "AdvisoryLeadership",
    *,
    begin: Step,
    end: Step,
    number: int = 0,
    pause: float = PAUSE,
) -> None:
    """Lead whenever this process, of that number, is the one; until it is cancelled."""
    while True:
        await leadership.won()
        _LOG.info("leads", extra=fields(index=number, reason="won"))
        why = "stopped"
        try:
            await _serve(leadership, begin, end)
            why = "lost"
        except Exception:  # noqa: BLE001
            # The boundary of a term: another process, or the next try, goes on.
            _LOG.exception("term ended", extra=fields(index=number, reason="failed"))
            why = "failed"
        finally:
            _LOG.info("leads no more", extra=fields(index=number, reason=why))
            await leadership.give_up()
        await asyncio.sleep(pause)


async def _serve(leadership: "AdvisoryLeadership", begin: Step, end: Step) -> None:
    try:
        await begin()
        await leadership.lost()
    finally:
        await end()
