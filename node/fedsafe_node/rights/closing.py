# SPDX-License-Identifier: Apache-2.0
"""What has to be done before a request may be closed: an outcome says what is so.

Nobody is told that a request is granted while what was found is still in force, or
that it is refused while the dispute that it opened waits for its ruling: that one
would revoke the signal when its clock runs out.
"""

from typing import Final

from fedsafe_node.errors import WrongStateError
from fedsafe_node.rights.contesting import CONTESTABLE
from fedsafe_node.rights.request_messages import RequestKind
from fedsafe_node.rights.sealing import Content
from fedsafe_node.rights.telling import status_of
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Reader
from fedsafe_node.store.rights_rows import RequestRow

_STAYS: Final = frozenset({RequestKind.ACCESS.value})


async def check_end(
    reader: Reader,
    situation: Situation,
    row: RequestRow,
    content: Content,
    outcome: str,
) -> None:
    """Check that a request may end so.

    Raises:
        WrongStateError: it would be granted and something is still listed, or refused
            and a dispute of an own signal has no ruling.
    """
    if outcome == "granted" and row.kind not in _STAYS:
        await _check_gone(reader, situation, content)
    if outcome == "refused":
        await _check_ruled(reader, situation, content)


async def _check_gone(reader: Reader, situation: Situation, content: Content) -> None:
    for finding in content.findings:
        if await status_of(reader, situation, finding) in CONTESTABLE:
            raise WrongStateError(
                "still_listed",
                f"{finding.signal} of {finding.origin} is still listed; own ones are "
                "erased with `fedsafe rights grant`, which closes the request",
            )


async def _check_ruled(reader: Reader, situation: Situation, content: Content) -> None:
    for digest in content.disputes:
        dispute = await reader.dispute(bytes.fromhex(digest))
        if dispute is None or dispute.origin != situation.node:
            continue
        signal = await reader.signal(dispute.origin, dispute.signal_id)
        is_listed = signal is not None and signal.status in CONTESTABLE
        if is_listed and await reader.ruling(dispute) is None:
            raise WrongStateError(
                "not_ruled",
                "the dispute of this request has no ruling: first "
                f"`fedsafe dispute rule {digest}`",
            )
