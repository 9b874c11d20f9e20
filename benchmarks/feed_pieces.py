# SPDX-License-Identifier: Apache-2.0
"""A batch of a feed, and the same signals signed one by one.

The records are such as a node makes, with random bytes for what is sealed; all that a
receiver checks of them fits.
"""

import os
from typing import cast

from bare_inserts import PIECE
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.tree import Frontier, leaf_hash
from fedsafe_federation.charter.card import MemberKeys
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.feed.batch import (
    FeedOpening,
    RecordLine,
    decode_batch,
    encode_batch,
)
from fedsafe_federation.feed.records import encode_record, signal_record
from fedsafe_federation.feed.signals import SignalHeader, encode_opening
from fedsafe_federation.feed.verification import Known, feed_name, verify_batch
from fedsafe_federation.wire.signed import Signed, open_payload, sign_payload
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_policies.vocabulary import Plane, Scope

NAME = "a.example"
SEALED_BYTES = 552
LATER = 4_000_000_000


class FeedPieces:
    """5,000 signals as a batch in both forms, and as 5,000 signed lines."""

    def __init__(self) -> None:
        self._key = SigningKey.generate()
        header = SignalHeader(
            v=1,
            plane=Plane.MEDIA,
            epoch=1,
            generation=1,
            scope=Scope.FEDERATION,
            match_until=LATER,
            erase_after=LATER,
        )
        payloads = [
            encode_opening(header, sealed=os.urandom(SEALED_BYTES), token=None)
            for _ in range(PIECE)
        ]
        self._records = [_record(at, payload) for at, payload in enumerate(payloads)]
        frontier = Frontier()
        frontier.extend(leaf_hash(line.record) for line in self._records)
        checkpoint = Checkpoint(feed_name(NAME), PIECE, frontier.root())
        self._note = sign_checkpoint(checkpoint, self._key).decode()
        self.lines, self.bulk = self.encode(bulk=False), self.encode(bulk=True)
        self._batch = decode_batch(NAME, self.bulk)
        self._signed = [encode(self._sign(payload)) for payload in payloads]

    def encode(self, *, bulk: bool) -> bytes:
        """Encode the batch as its origin does."""
        return encode_batch(
            [],
            self._records,
            next_index=PIECE,
            checkpoint=self._note,
            consistency=[],
            extends=[],
            bulk=bulk,
        )

    def decode(self, data: bytes) -> None:
        """Decode the batch in one of its forms, and check its trailer."""
        decode_batch(NAME, data)

    def verify(self) -> None:
        """Verify the decoded batch as a fresh peer does."""
        used, other = self._key.public, bytes(32)
        keys = MemberKeys(used, other, other, other, other, sealing=other)
        member = Member(1, NAME, f"https://{NAME}", "DE", keys)
        nobody = cast("Charter", None)  # nothing in this feed restricts
        verify_batch(self._batch, member, Known(Frontier()), nobody)

    def verify_signed(self) -> None:
        """Decode and verify one signed line after the other."""
        public = self._key.public
        for line in self._signed:
            statement = decode(line, Signed)
            open_payload(statement, type_="signal", public=public, federation=NAME)

    def _sign(self, payload: bytes) -> Signed:
        return sign_payload(
            payload, type_="signal", signer=NAME, key=self._key, federation=NAME
        )


def _record(index: int, payload: bytes) -> RecordLine:
    salt = os.urandom(32)
    said = signal_record(feed_name(NAME), os.urandom(16), salt=salt, payload=payload)
    return RecordLine(index, encode_record(said), FeedOpening(salt, payload))
