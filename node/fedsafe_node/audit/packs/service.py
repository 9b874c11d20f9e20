# SPDX-License-Identifier: Apache-2.0
"""Take a part of the audit log out of the node, so that others can verify it.

One person may take out the records: they name nobody. With openings it takes two
(P6): one asks for exactly this part, another approves it, and then who asked may
fetch it for a day. Each time, the audit event is durable, with openings together with
the pack's line in the recipient ledger (P12), and the checkpoint kept by the rollback
guard before the first byte leaves. The pack is made page by page while
it is sent, so its size costs no memory, and nothing in clear touches the disk.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_federation.charter.charter import SignedCharter
from fedsafe_federation.wire.pace import Offload
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.audit.packs.anchor_leaves import Anchored, find_first, read_leaves
from fedsafe_node.audit.packs.archive import Archive
from fedsafe_node.audit.packs.contents import (
    Decided,
    Facts,
    Witnessed,
    audit_verifier,
    first_files,
    policy_files,
)
from fedsafe_node.audit.packs.pages import PAGE, read_page
from fedsafe_node.audit.packs.signal_refs import signals_told
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.charter_chain import CHARTER_DOCUMENT, read_older
from fedsafe_node.keys.own_keys import NodeKeys
from fedsafe_node.log.anchor import AnchorProof
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.log.proofs import prove_consistency, prove_range
from fedsafe_node.log.retention_grounds import Basis
from fedsafe_node.log.span import ExportRequest, Part, find_part
from fedsafe_node.people.approvals import Approvals, digest_of
from fedsafe_node.people.office import Office
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.people_rows import ActState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Tail
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.access import ExportRequest as ExportQuestion
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Matter, Purpose, Role

APPROVED_FOR: Final = 24 * 60 * 60
_AT_ONCE: Final = 2
_KIND: Final = Act.EXPORT_WITH_OPENINGS
_BASES: Final = {Purpose.RIGHTS_OF_THE_PERSON: Basis.RIGHTS}


class ExportEffect:
    """What an approval of an export does: it is decided, and nothing leaves yet."""

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ExportQuestion:
        """Put the export to the policy, with both persons."""
        del reader
        decode(content, Part)
        return question_of(first, openings=True, second=second)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Do nothing more: who asked fetches the pack."""


class EvidenceService:
    """Makes packs, a few at a time."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        office: Office,
        approvals: Approvals,
        keys: NodeKeys,
        keep: Callable[[], Awaitable[Tail]],
        *,
        cosigned: Callable[[], Awaitable[AnchorProof | None]],
        policies: Path,
        offload: Offload,
    ) -> None:
        self._office = office
        self._approvals = approvals
        self._keys = keys
        self._keep = keep
        self._cosigned = cosigned
        self._policies = policies
        self._offload = offload
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, request: ExportRequest, who: Principal) -> ActAnswer:
        """Ask for an export with openings, which another person must approve.

        Raises:
            BadRequestError: the log has no such part.
            DeniedError: the policy lets this person take nothing out.
        """
        await self._check(who)
        part = await self._find(request)
        return await self._approvals.ask(_KIND, encode(part), who)

    async def export(
        self,
        request: ExportRequest,
        who: Principal,
        *,
        act: str | None = None,
        anchors: int | None = None,
    ) -> AsyncIterator[bytes]:
        """Give a pack in pieces; with openings if *act* was approved for this part.

        *anchors* is the leaf of the anchor from which on all are opened; unless given
        all are, or the newest `MOST`.

        Raises:
            BadRequestError: the log has no such part.
            PrunedError: of its first entries only hashes are left.
            DeniedError: the policy lets this person take nothing out.
            WrongStateError: the act is not approved, or for another part or person.
        """
        await self._check(who)
        part = await self._find(request)
        await self._note(part, who, act)
        anchor = await self._cosigned()
        tail = await self._keep()  # later than what was cosigned, so it extends that
        office, log = self._office, self._office.trail.log

        async def query(reader: Reader) -> tuple[int, list[bytes]]:
            proof = await prove_range(reader, log, part.start, part.end, tail.size)
            return await reader.minimum(log), proof

        minimum, proof = await office.store.scan(query)
        facts = Facts(
            node=office.node,
            part=part,
            minimum=minimum,
            openings=act is not None,
            made_at=office.clock.now().isoformat(timespec="seconds"),
            checkpoint=Checkpoint(log, tail.size, tail.root),
            proof=tuple(proof),
            witnessed=await self._witnessed(anchor, tail.size, anchors),
        )
        return self._pieces(facts)

    async def _witnessed(
        self, anchor: AnchorProof | None, size: int, since: int | None
    ) -> Witnessed | None:
        if anchor is None:
            return None
        log, name = self._office.trail.log, self._office.trail.anchor

        async def query(reader: Reader) -> Witnessed | None:
            charter = await _read_charter(reader)
            path: list[bytes] = []
            if anchor.size < size:
                path = await prove_consistency(reader, log, anchor.size, size)
            end = anchor.index + 1
            first = await find_first(reader, name, since, end)
            if charter is None or first == end:
                return None
            proof = await prove_range(reader, name, first, end, end)
            return Witnessed(anchor, first, tuple(proof), tuple(path), charter)

        return await self._office.store.scan(query)

    async def _leaves(self, witnessed: Witnessed) -> AsyncIterator[tuple[str, bytes]]:
        office = self._office
        audit = audit_verifier(office.node, self._keys)
        end = witnessed.anchor.index + 1
        anchored = Anchored(office.trail.anchor, audit, witnessed.first, end)
        for start in anchored.starts():
            yield await self._office.store.scan(
                partial(read_leaves, anchored=anchored, start=start)
            )

    async def _pieces(self, facts: Facts) -> AsyncIterator[bytes]:
        office, part, archive = self._office, facts.part, Archive()
        log, policies = office.trail.log, set[Decided]()
        async with self._places:
            for name, content in await self._offload(
                lambda: list(first_files(facts, self._keys))
            ):
                yield archive.add(name, content)
            if facts.witnessed is not None:
                async for name, content in self._leaves(facts.witnessed):
                    yield archive.add(name, content)
            for start in range(part.start, part.end, PAGE):
                page = await office.store.scan(
                    partial(
                        read_page,
                        log=log,
                        part=part,
                        start=start,
                        openings=facts.openings,
                    )
                )
                policies |= page.policies
                yield archive.add(page.name, page.content)
            for name, content in await self._offload(
                lambda: list(policy_files(policies, self._policies))
            ):
                yield archive.add(name, content)
            yield archive.close(log, self._keys.audit)

    async def _find(self, request: ExportRequest) -> Part:
        log = self._office.trail.log
        return await self._office.store.scan(
            lambda reader: find_part(reader, log, request)
        )

    async def _check(self, who: Principal) -> None:
        office = self._office
        question = question_of(Person(who.name, who.role))
        decision = office.judge.decide(question, office.clock.now())
        if not decision.allowed:
            await office.refused(decision, who.name, "audit.export")
            raise DeniedError(decision)

    async def _note(self, part: Part, who: Principal, act: str | None) -> None:
        office, at = self._office, self._office.clock.now()
        now, log = int(at.timestamp()), office.trail.log
        purpose = question_of(Person(who.name, who.role)).purpose
        basis = _BASES.get(purpose, Basis.ACCOUNTABILITY)
        signals = await self._told(part, who, act, now)

        async def write(tx: Transaction) -> None:
            second = None
            if act is not None:
                second = await _approver(tx, act, part, who, now)
            entry = office.trail.entry(
                Event.AUDIT_EXPORTED,
                at=at,
                actor=who.name,
                detail={**_described(part, act), "second": second},
                purpose=purpose,
                basis=basis,
            )
            index = await tx.append(log, entry.record, entry.openings)
            if second is None:
                return
            row = PackRow(
                entry=index,
                first=part.start,
                last=part.end - 1,
                events=_classes(part),
                recipient=part.recipient or office.node,
                asked_by=office.trail.shown(who.name, at),
                approved_by=office.trail.shown(second, at),
                at=now,
                purpose=purpose.value,
                basis=basis.value,
            )
            await tx.add_pack(row, signals)

        await office.store.write(write)

    async def _told(
        self, part: Part, who: Principal, act: str | None, now: int
    ) -> set[bytes]:
        """Return the signals that will be told; a walk that only an approval begins."""
        if act is None:
            return set()
        office = self._office
        await office.store.read(lambda reader: _approver(reader, act, part, who, now))
        async with self._places:
            return await signals_told(office.store, office.trail.log, part)


def _classes(part: Part) -> str | None:
    return ",".join(part.events or ()) or None


def _described(part: Part, act: str | None) -> Detail:
    return {
        "first": part.start,
        "last": part.end - 1,
        "events": _classes(part),
        "openings": act is not None,
        "recipient": part.recipient or None,
        "act": act,
    }


async def _approver(
    reader: Reader, act: str, part: Part, who: Principal, now: int
) -> str:
    row = await reader.act(act)
    is_ours = row is not None and row.kind == _KIND and row.asked_by == who.name
    if row is None or not is_ours or row.state is not ActState.DONE:
        raise WrongStateError(
            "not_approved", Phrase("no approved export of yours has this id")
        )
    if row.digest != digest_of(_KIND, encode(part)):
        detail = Phrase("another part of the log was approved, or another recipient")
        raise WrongStateError("act_changed", detail)
    if row.decided_by is None or now >= (row.decided_at or 0) + APPROVED_FOR:
        raise WrongStateError(
            "act_expired", Phrase("the approval has expired; ask anew")
        )
    return row.decided_by


def question_of(
    first: Person, *, openings: bool = False, second: Person | None = None
) -> ExportQuestion:
    """Ask the policy whether somebody may take out of the audit log."""
    # A reviewer has no purpose of audit; what brings them here are a person's rights.
    purpose = Purpose.AUDIT_REVIEW
    if first.role is Role.REVIEWER:
        purpose = Purpose.RIGHTS_OF_THE_PERSON
    return ExportQuestion(first, purpose, Matter.AUDIT, openings, second)


async def _read_charter(reader: Reader) -> bytes | None:
    """Give the newest charter, and beside it the versions that lead to it."""
    newest = await reader.document(CHARTER_DOCUMENT)
    older = await read_older(reader)
    if newest is None or not older:
        return newest
    return encode(
        _Charter(
            signatures=decode(newest, SignedCharter).signatures,
            before=older,
        )
    )


class _Charter(msgspec.Struct, frozen=True):
    signatures: list[Signed]
    before: list[SignedCharter]
