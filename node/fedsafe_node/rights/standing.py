# SPDX-License-Identifier: Apache-2.0
"""Read a request, and refuse what can no longer be done with it."""

from typing import Final

from fedsafe_node.errors import NotFoundError, WrongStateError
from fedsafe_node.store.protocol import Reader
from fedsafe_node.store.rights_rows import RequestRow, RequestState

_STANDS: Final = {
    RequestState.OPEN: "it is open",
    RequestState.ANSWERED: "it is answered: the person collects that with their code",
    RequestState.CLOSED: "it is closed",
}


async def known(reader: Reader, request: str) -> RequestRow:
    """Read a request.

    Raises:
        NotFoundError: there is none.
    """
    row = await reader.request(request)
    if row is None:
        raise NotFoundError("request")
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
