# SPDX-License-Identifier: Apache-2.0
"""The witness over HTTP, as c2sp.org/tlog-witness has it below `/v1/witness`.

A checkpoint is signed by its log, so who brings it need not say who it is, and says of
what type it is or not: programs that are not ours ask as well. What was cosigned is
told to members only.
"""

from typing import Annotated, Final

import msgspec

from fedsafe_federation.exchange.peer import WITNESS_PATH
from fedsafe_federation.feed.witnessing import MAX_REQUEST, TEXT_TYPE
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.body import ANY
from fedsafe_node.api.call import Call
from fedsafe_node.api.responses import Verbatim
from fedsafe_node.api.route import Lane, Route

OriginHash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


async def add_checkpoint(call: Call) -> object:
    """Cosign a checkpoint of a member's log."""
    answer = await call.services.witness.add_checkpoint(call.body(bytes))
    return Verbatim(answer.status, answer.body, answer.media)


async def checkpoint(call: Call) -> object:
    """Give what was cosigned of a log."""
    return await call.services.witness.checkpoint(call.path["log"])


WITNESS_ROUTES: Final = (
    Route(
        name="addCheckpoint",
        method="POST",
        path=f"{WITNESS_PATH}/add-checkpoint",
        handler=add_checkpoint,
        auth=Auth.OPEN,
        lane=Lane.WITNESS,
        summary="Cosign a checkpoint of a member's log (c2sp.org/tlog-witness)",
        body=bytes,
        takes=ANY,
        limit=MAX_REQUEST,
        media=TEXT_TYPE,
        refusals=frozenset({404}),
    ),
    Route(
        name="witnessed",
        method="GET",
        path=f"{WITNESS_PATH}/{{log}}/checkpoint",
        handler=checkpoint,
        auth=Auth.PEER,
        lane=Lane.PEERS,
        summary="Give the largest checkpoint of a log that was cosigned here",
        path_types={"log": OriginHash},
        media=TEXT_TYPE,
    ),
)
