# SPDX-License-Identifier: Apache-2.0
"""Read a request, and refuse what can no longer be done with it."""

from collections.abc import AsyncIterator
from typing import Final

from fedsafe_node.acts.requests import Way
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.rights.sealing import Checked, Content, open_content
from fedsafe_node.store.people_rows import ActState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_policies.ground.catalogue import Phrase

_PAGE: Final = 500
_STANDS: Final = {
    RequestState.OPEN: Phrase("it is open"),
    RequestState.ANSWERED: Phrase(
        "the request is already answered: the person collects the answer "
        "with their collect code"
    ),
    RequestState.CLOSED: Phrase("it is closed"),
}


async def known(reader: Reader, request: str) -> RequestRow:
    """Read a request.

    Raises:
        NotFoundError: there is none.
    """
    row = await reader.request(request)
    if row is None:
        raise NotFoundError(Phrase("no such request"))
    return row


async def in_state(reader: Reader, request: str, state: RequestState) -> RequestRow:
    """Read a request that stands so.

    Raises:
        NotFoundError: there is none.
        WrongStateError: it stands otherwise.
    """
    row = await known(reader, request)
    if row.state is not state:
        raise WrongStateError(f"request_{row.state.value}", _STANDS[row.state])
    return row


async def undecided(
    reader: Reader, keys: PeriodKeys
) -> AsyncIterator[tuple[RequestRow, Content, Checked]]:
    """Go through the open requests whose identity check nobody has decided on."""
    last: RequestRow | None = None
    while rows := await reader.requests(RequestState.OPEN, _PAGE, last):
        for row in rows:
            content = open_content(keys, row) if row.way == Way.OFFICER else None
            if content is None or content.checked is None or not content.is_undecided:
                continue
            yield row, content, content.checked
        last = rows[-1]


async def decidable_until(reader: Reader, checked: Checked, now: int) -> int | None:
    """Say until when a second officer may decide on a check; None if nobody can."""
    act = await reader.act(checked.act)
    if act is None or act.state is not ActState.PENDING or act.expires_at <= now:
        return None
    return act.expires_at


async def count_late(reader: Reader, keys: PeriodKeys, now: int) -> tuple[int, int]:
    """Count the requests whose answer is overdue, and checks that nobody can decide."""
    late, last = 0, None
    while rows := await reader.requests(RequestState.OPEN, _PAGE, last):
        late, last = late + sum(row.due_at <= now for row in rows), rows[-1]
    forgotten = 0
    async for _, _, checked in undecided(reader, keys):
        forgotten += await decidable_until(reader, checked, now) is None
    return late, forgotten


async def count_waiting(reader: Reader, now: int) -> tuple[int, int]:
    """Count what waits to be looked up, and the seconds that the oldest has waited."""
    oldest = await reader.waiting_oldest()
    if oldest is None:
        return 0, 0
    return await reader.count_waiting(), max(0, now - oldest.since)
