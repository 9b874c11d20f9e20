# SPDX-License-Identifier: Apache-2.0
"""A member that leads each batch that it gives with statements that count for nothing.

They revoke signals of others in its own name, and in the name of others under its own
key; one of these signals it has made up, so there is always one to refuse. And all that
anybody has ever stated comes once more.
"""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Final

from tests.support.ordered_node import OrderedNode

from fedsafe_federation.feed.batch import RecordLine, encode_batch
from fedsafe_federation.feed.restrictions import RESTRICTION, Reason, Restriction
from fedsafe_federation.wire.signed import Signed, sign_statement
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.app.container import Base
from fedsafe_node.keys.membership import Membership
from fedsafe_node.members.peering import feed_copies as forwarding
from fedsafe_node.members.peering import feed_server as serving
from fedsafe_policies.vocabulary import Effect

_MOST: Final = 200
_SHOWN: Final = 3
_LATE: Final = 1_000_000
_LISTED: Final = "SELECT signal_id FROM signals WHERE origin = ? LIMIT ?"
_STATED: Final = "SELECT statement FROM restrictions ORDER BY seq LIMIT ?"


def forge() -> None:
    """Let this process lead with them from now on."""
    for each in (serving, forwarding):
        each.__dict__["encode_batch"] = _led


def _led(
    restrictions: Sequence[Signed],
    records: Sequence[RecordLine],
    **terms: Any,  # noqa: ANN401 - as the true one
) -> bytes:
    [node] = OrderedNode.running
    shared = node.base.situation.shared
    worthless = () if shared is None else _worthless(node.base, shared.membership)
    return encode_batch([*worthless, *restrictions], records, **terms)


def _worthless(base: Base, membership: Membership) -> Iterator[Signed]:
    database = f"file:{base.place.database}?mode=ro"
    with closing(sqlite3.connect(database, uri=True)) as db:
        for other in membership.others:
            listed = db.execute(_LISTED, (other.name, _SHOWN)).fetchall()
            for signal in (*(row[0] for row in listed), secrets.token_bytes(16)):
                for author in (base.config.name, other.name):
                    yield _forged(base, membership, other.name, author, signal)
        stated = db.execute(_STATED, (_MOST,)).fetchall()
    yield from (decode(row[0], Signed) for row in stated)


def _forged(
    base: Base, membership: Membership, origin: str, author: str, signal: bytes
) -> Signed:
    said = Restriction(
        v=1,
        origin=origin,
        author=author,
        sequence=_LATE,
        effect=Effect.REVOKED,
        reason=Reason.MISTAKE,
        at=int(base.clock.now().timestamp()),
        signals=[signal],
    )
    return sign_statement(
        said,
        type_=RESTRICTION,
        signer=author,
        key=base.keys.statement,
        federation=membership.charter.federation,
    )
