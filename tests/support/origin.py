# SPDX-License-Identifier: Apache-2.0
"""A member whose feed a test writes: real keys, signatures and envelopes, no node.

It may say what an honest node never says: use an id twice, copy a token, tamper
with a batch after it was made, or show two trees.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_bytes
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from tests.support.fleet import FEDERATION, Fleet, StandingClock, eventually
from tests.support.members import Leaves

from fedsafe_crypto.oprf.tokens import origin_token
from fedsafe_crypto.seal.envelope import seal_envelope, seal_media
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import cosign
from fedsafe_crypto.tlog.tree import consistency_proof, leaf_hash, root_at
from fedsafe_federation.charter.attestation import Attestation, sign_attestation
from fedsafe_federation.evaluation.metering import PUBLISHING
from fedsafe_federation.feed.batch import (
    FeedOpening,
    FeedRequest,
    RecordLine,
    encode_batch,
)
from fedsafe_federation.feed.records import (
    RestrictionRecord,
    encode_record,
    signal_record,
)
from fedsafe_federation.feed.restrictions import (
    Reason,
    Restriction,
    Terms,
    sign_restriction,
)
from fedsafe_federation.feed.signals import (
    ActorBody,
    MediaBody,
    SignalHeader,
    encode_opening,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.keys.charter_chain import CHARTER_DOCUMENT
from fedsafe_node.keys.evaluators import Output
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.keys.membership import load_membership
from fedsafe_node.keys.own_keys import load_keys
from fedsafe_node.rules.canonical_question import read_question
from fedsafe_policies.vocabulary import (
    Contention,
    Control,
    Effect,
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Provenance,
    Scope,
    Surface,
)

WHO = "somebody@mail.example"
_PATIENCE = 45.0  # seconds, in which a machine that stands still may go on


async def output_of(fleet: Fleet, name: str, value: str = WHO) -> Output:
    """Evaluate an e-mail address with the members that run."""
    person = read_question(Question(kind=Kind.EMAIL, value=value), pointer="")
    shared = fleet[name].base.situation.shared
    assert isinstance(person, Person)
    assert shared is not None
    (output,) = await shared.newest([person], PUBLISHING, within=_PATIENCE)
    return output


@dataclass
class Origin:
    """The feed of one member, as its keeper wants it."""

    fleet: Fleet
    name: str = "a.demo"
    records: list[bytes] = field(default_factory=list)
    openings: dict[int, FeedOpening] = field(default_factory=dict)
    statements: list[Signed] = field(default_factory=list)
    tamper: Callable[[bytes], bytes] = lambda data: data
    asked: int = 0
    attests: Signed | None = None

    async def load(self, witness: str = "b.demo") -> "Origin":
        """Take the member's keys off its disk, and the charter from another."""
        place = self.fleet.place(self.name)
        document = await self.fleet[witness].base.store.read(
            lambda reader: reader.document(CHARTER_DOCUMENT)
        )
        assert document is not None
        self.keys = await asyncio.to_thread(load_keys, place)
        other = self.fleet.place("c.demo")
        self.accomplice = await asyncio.to_thread(load_keys, other)
        now = int(self.fleet.clock.now().timestamp())
        self.membership = await asyncio.to_thread(
            load_membership, place, self.name, document, now=now
        )
        return self

    @property
    def clock(self) -> StandingClock:
        return self.fleet.clock

    def header(self, **changes: Any) -> SignalHeader:  # noqa: ANN401
        now = self.clock.now()
        values: dict[str, Any] = {
            "v": 1,
            "plane": Plane.ACTOR,
            "epoch": 1,
            "generation": 1,
            "scope": Scope.FEDERATION,
            "match_until": int((now + timedelta(days=100)).timestamp()),
            "erase_after": int((now + timedelta(days=107)).timestamp()),
            **changes,
        }
        return SignalHeader(**values)

    def ban(
        self,
        output: Output,
        *,
        signal: bytes | None = None,
        token: bytes | None = None,
        body: dict[str, Any] | None = None,
        **header: Any,  # noqa: ANN401
    ) -> bytes:
        """Publish a ban; returns the signal's id."""
        signal = signal or token_bytes(16)
        head = self.header(**header)
        said: dict[str, Any] = {
            "kind": IdentifierKind.EMAIL,
            "phenomenon": Phenomenon.GROOMING,
            "surface": Surface.PUBLIC_CONTENT,
            "grade": Grade.CONFIRMED_CONDUCT,
            "provenance": Provenance.OWN_FINDING,
            "rule": "rule-7",
            "removed_on": "2026-11-20",
            "published_on": "2026-11-24",
            "contact": "safety@a.demo",
            **(body or {}),
        }
        sealed = seal_envelope(
            output.y,
            epoch=output.epoch,
            origin=self.name,
            signal_id=signal,
            header=encode(head),
            body=encode(ActorBody(**said)),
        )
        token = token or origin_token(output.y, output.epoch, self.name)
        return self.add(signal, encode_opening(head, sealed=sealed, token=token))

    def file(
        self,
        digest: bytes,
        *,
        kind: MediaKind = MediaKind.SHA256,
        group: bytes = b"",
        generation: int = 1,
    ) -> bytes:
        """Publish a file; returns the signal's id."""
        signal = token_bytes(16)
        head = self.header(plane=Plane.MEDIA, generation=generation)
        body = MediaBody(
            kind=kind,
            digest=digest,
            phenomenon=Phenomenon.ABUSE_DEPICTION,
            surface=Surface.PUBLIC_CONTENT,
            grade=Grade.CONFIRMED_MEDIA,
            provenance=Provenance.OWN_FINDING,
            rule="rule-7",
            published_on="2026-11-24",
            contact="safety@a.demo",
        )
        sealed = seal_media(
            group or self.membership.media[1, 1].group,
            federation_id=FEDERATION,
            origin=self.name,
            signal_id=signal,
            epoch=1,
            generation=generation,
            body=encode(body),
        )
        return self.add(signal, encode_opening(head, sealed=sealed, token=None))

    def add(self, signal: bytes, payload: bytes) -> bytes:
        """Append a record with any opening."""
        salt = token_bytes(32)
        feed = f"{self.name}/feed"
        record = signal_record(feed, signal, salt=salt, payload=payload)
        self.openings[len(self.records)] = FeedOpening(salt, payload)
        self.records.append(encode_record(record))
        return signal

    def restrict(
        self,
        *signals: bytes,
        effect: Effect = Effect.REVOKED,
        origin: str | None = None,
        recorded: bool = True,
        sequence: int | None = None,
    ) -> None:
        """Sign a restriction, and repeat it in the feed unless told otherwise."""
        at = int(self.clock.now().timestamp())
        terms = Terms(Contention.WRONG_PERSON, Control.MAILED_CODE, at + 14 * 86_400)
        statement = sign_restriction(
            Restriction(
                v=1,
                origin=origin or self.name,
                author=self.name,
                sequence=sequence or len(self.statements) + 1,
                effect=effect,
                reason=Reason.MISTAKE,
                at=at,
                signals=list(signals),
                terms=terms if effect is Effect.DISPUTED else None,
            ),
            key=self.keys.statement,
            federation=FEDERATION,
        )
        self.statements.append(statement)
        if recorded:
            self.records.append(encode_record(RestrictionRecord(statement)))

    def batch(self, request: FeedRequest) -> bytes:
        """Make the batch that was asked for."""
        leaves = Leaves([leaf_hash(record) for record in self.records])
        size = len(self.records)
        root = root_at(leaves, size)
        checkpoint = Checkpoint(f"{self.name}/feed", size, root)
        until = min(size, request.since + request.limit)
        old, until = request.known, max(until, request.since)
        return encode_batch(
            self.statements[request.restrictions :],
            [
                RecordLine(index, self.records[index], self.openings.get(index))
                for index in range(min(request.since, size), min(until, size))
            ],
            next_index=until,
            checkpoint=self._cosigned(checkpoint),
            consistency=consistency_proof(leaves, old, size) if 0 < old < size else [],
            extends=(
                consistency_proof(leaves, until, size) if 0 < until < size else []
            ),
        )

    def _cosigned(self, checkpoint: Checkpoint) -> str:
        """Sign a checkpoint, and let a witness cosign it that asks no questions."""
        at = int(self.clock.now().timestamp())
        name, key = "c.demo/witness", self.accomplice.witness
        line = cosign(checkpoint.encode(), name, key, at=at)
        return sign_checkpoint(checkpoint, self.keys.feed).decode() + line

    def attestation(self, **changes: Any) -> Signed:  # noqa: ANN401
        """Attest an open gate, or whatever a test wants."""
        at = int(self.clock.now().timestamp())
        said: dict[str, Any] = {
            "v": 1,
            "node": self.name,
            "sequence": at,
            "at": at,
            "valid_until": at + 86_400,
            "gate_until": at + 86_400,
            "register_until": at + 86_400,
            "policy": "synthetic@00000000",
            "synthetic": True,
            **changes,
        }
        return sign_attestation(
            Attestation(**said), key=self.keys.statement, federation=FEDERATION
        )

    async def _attest(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=encode(self.attests or self.attestation()))

    async def _serve(self, request: web.Request) -> web.Response:
        query = request.query
        self.asked += 1
        data = self.batch(
            FeedRequest(
                self.name,
                int(query["since"]),
                int(query["known"]),
                int(query["restrictions"]),
                int(query["limit"]),
            )
        )
        return web.Response(body=self.tamper(data))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve the feed at the address that the charter names."""
        app = web.Application()
        app.router.add_get(f"/v1/feed/{self.name}/records", self._serve)
        app.router.add_get("/v1/attestation", self._attest)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        address = urlsplit(self.membership.me.url)
        await web.TCPSite(runner, address.hostname, address.port).start()
        if self.attests is None:
            await self.fleet.attested(self.name)
        try:
            yield
        finally:
            await runner.cleanup()

    async def taken(self, *by: str) -> None:
        """Wake others and wait until they hold the whole feed."""
        for name in by:
            self.fleet[name].replicating.wake(self.name)
        await self.fleet.reached(self.name, len(self.records), by)

    async def refused(self, name: str) -> None:
        """Wake another until it has asked twice, and so has judged once."""
        before = self.asked

        async def asked_twice() -> bool:
            self.fleet[name].replicating.wake(self.name)
            return self.asked >= before + 2

        await eventually(asked_twice)
