# SPDX-License-Identifier: Apache-2.0
"""Erase an account, by a data-protection officer and a second person.

All goes that the node holds about it, and what it is listed by: own bans, drafts, and
signals at every member. The audit log loses the openings `subject` and `detail` of the
entries that name the account; records, proofs and cosignatures stay. Every part of the
node erases with its own hand (`rights/erasers.py`), all in the act of the second
person. The content of the act goes when it is decided, and its digest covers a nonce,
so that nobody finds the account by guessing. Held accounts are refused.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from secrets import token_hex
from typing import Annotated, Final

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.audit_upkeep import EraseRequest
from fedsafe_node.acts.bodies import AccountRef
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.audit.legal_holds import check_not_held
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import is_about
from fedsafe_node.log.audit import Event
from fedsafe_node.log.mentions import entries_naming
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.people.services import naming_of, settled
from fedsafe_node.rights.erasers import Erasers, Erasure
from fedsafe_node.store.keeping_rows import Erasing
from fedsafe_node.store.people_rows import ActRow, ActState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

KIND: Final = Act.SUBJECT_ERASURE
_NONCE_BYTES: Final = 16
_PENDING: Final = 10_000


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject_ref: AccountRef
    reason: str
    nonce: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]


class SubjectErasure:
    """What the second person's approval does."""

    def __init__(self, office: Office, erasers: Erasers) -> None:
        self._office = office
        self._erasers = erasers

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the erasure to the policy, with both persons.

        Raises:
            WrongStateError: somebody holds the account.
        """
        named = decode(content, _Content)
        subject = await settled(reader, named.subject_ref)
        await check_not_held(reader, subject, self._office.now())
        return ActRequest(KIND, first, second, named.reason)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], Awaitable[None]]:
        """Erase the account, everywhere or nowhere."""
        named = decode(content, _Content)
        office, now = self._office, self._office.now()
        subject = await settled(tx, named.subject_ref)
        log = office.trail.log
        end = await tx.log_size(log)
        for row in await tx.acts(ActState.PENDING, _PENDING):
            if row.kind == KIND and is_about(_named(row), subject):  # asked for twice
                await tx.decide_act(row.id, ActState.DONE, by=second.name, at=now)
        erasure = Erasure(
            subject=subject,
            at=now,
            first=first,
            second=second,
            entries=await entries_naming(tx, log, {subject}, end=end),
            end=end,
        )
        counts = await self._erasers.erase(tx, erasure)
        entry = office.trail.entry(
            Event.AUDIT_ERASED,
            at=office.clock.now(),
            outcome=Erasing.SUBJECT.value,
            actor=first.name,
            detail={
                "second": second.name,
                "reference": named.reason,
                **counts,
            },
        )
        await tx.append(log, entry.record, entry.openings)
        return partial(self._erasers.settle, erasure)


def _named(row: ActRow) -> str | None:
    return None if row.content is None else decode(row.content, _Content).subject_ref


class ErasureService:
    """Asks for erasures."""

    def __init__(self, office: Office, approvals: Approvals) -> None:
        self._office = office
        self._approvals = approvals

    async def ask(self, request: EraseRequest, who: Principal) -> ActAnswer:
        """Ask a second person to erase an account.

        Raises:
            BadRequestError: the reason refers to nothing.
            WrongStateError: somebody holds the account.
        """
        if not is_reference(request.reason):
            detail = Phrase("a reason refers, such as ticket:17; it tells nothing")
            raise BadRequestError("bad_reason", detail, pointer="/reason")
        now = self._office.now()

        async def query(reader: Reader) -> str:
            subject = (await naming_of(reader, who)).named(request.subject_ref)
            await check_not_held(reader, subject, now)
            return subject

        subject = await self._office.store.read(query)
        content = _Content(subject, request.reason, token_hex(_NONCE_BYTES))
        return await self._approvals.ask(KIND, encode(content), who)
