# SPDX-License-Identifier: Apache-2.0
"""Say whose pseudonym it is: for one who asked and whom another person approved.

As with an export: one asks with a reason, another approves, and then who asked gets
the name, for a day. Each answer is an event, which names the pseudonym and not the
person; policy owes that person a notice (P6).
"""

from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.audit_upkeep import RevealedAnswer, RevealRequest
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.audit.packs.service import APPROVED_FOR
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.log.pseudonyms import PSEUDONYM, Pseudonyms
from fedsafe_node.people.approvals import Approvals, digest_of
from fedsafe_node.people.office import Office
from fedsafe_node.store.people_rows import ActState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

KIND: Final = Act.PSEUDONYM_REVEAL


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pseudonym: str
    reason: str


class RevealEffect:
    """What an approval does: who asked may now ask for the name."""

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put it to the policy, with both persons."""
        del reader
        return ActRequest(KIND, first, second, decode(content, _Content).reason)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Do nothing more: who asked fetches the name."""


class RevealService:
    """Asks for names behind pseudonyms, and gives them."""

    def __init__(
        self, office: Office, approvals: Approvals, pseudonyms: Pseudonyms
    ) -> None:
        self._office = office
        self._approvals = approvals
        self._pseudonyms = pseudonyms

    async def ask(self, request: RevealRequest, who: Principal) -> ActAnswer:
        """Ask a second person to let a pseudonym be revealed.

        Raises:
            BadRequestError: it is no pseudonym, or the reason refers to nothing.
            NotFoundError: it is nobody's here.
            WrongStateError: its quarter's key is destroyed.
        """
        content = _read(request)
        self._pseudonyms.name_behind(request.pseudonym)
        return await self._approvals.ask(KIND, content, who)

    async def reveal(
        self, request: RevealRequest, act: str, who: Principal
    ) -> RevealedAnswer:
        """Give the name, to whom an approval allows it.

        Raises:
            BadRequestError: it is no pseudonym, or the reason refers to nothing.
            NotFoundError: it is nobody's here.
            WrongStateError: the act is not approved, or for something else; or the
                quarter's key is destroyed.
        """
        office, content = self._office, _read(request)
        name = self._pseudonyms.name_behind(request.pseudonym)

        async def note(tx: Transaction) -> None:
            second = await _approver(tx, act, content, who, office.now())
            detail = {
                "pseudonym": request.pseudonym,
                "reference": request.reason,
                "act": act,
                "second": second,
            }
            await office.note(tx, Event.REVEALED, who.name, detail)

        await office.store.write(note)
        return RevealedAnswer(pseudonym=request.pseudonym, name=name)


def _read(request: RevealRequest) -> bytes:
    if not PSEUDONYM.fullmatch(request.pseudonym):
        detail = Phrase(
            "a pseudonym is like staff-2026q4-… and stands in the audit log"
        )
        raise BadRequestError("bad_pseudonym", detail, pointer="/pseudonym")
    if not is_reference(request.reason):
        detail = Phrase("a reason refers, such as ticket:17; it tells nothing")
        raise BadRequestError("bad_reason", detail, pointer="/reason")
    return encode(_Content(request.pseudonym, request.reason))


async def _approver(
    reader: Reader, act: str, content: bytes, who: Principal, now: int
) -> str | None:
    row = await reader.act(act)
    is_ours = row is not None and row.kind == KIND and row.asked_by == who.name
    if row is None or not is_ours or row.state is not ActState.DONE:
        raise WrongStateError(
            "not_approved", Phrase("no approved act of yours has this id")
        )
    if row.digest != digest_of(KIND, content):
        raise WrongStateError(
            "act_changed", Phrase("another pseudonym or reason was approved")
        )
    if now >= (row.decided_at or 0) + APPROVED_FOR:
        raise WrongStateError(
            "act_expired", Phrase("the approval has expired; ask anew")
        )
    return row.decided_by
