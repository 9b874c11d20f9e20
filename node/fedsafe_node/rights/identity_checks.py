# SPDX-License-Identifier: Apache-2.0
"""An officer's check of who a person is, decided by a second one (protocol 3.9).

For who has no account, or an identifier that no account shows. The first officer says
how and on which day the person was seen, and refers to the minute of it: no copy of a
paper is kept. The identifier is evaluated then and forgotten. Until another has
decided, nothing is contested, shown or answered; then what was found rests.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import Reference
from fedsafe_node.acts.requests import (
    IdentityCheck,
    NewRightsRequest,
    Proved,
    RequestId,
    RequestKind,
)
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights.request_start import contest_findings
from fedsafe_node.rights.sealing import Content, open_content, seal_content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Control

KIND: Final = Act.IDENTITY_CHECK


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the second person decides on: how somebody has shown who they are.

    Of which identifier it is stays with the request, which names none either.
    """

    request: RequestId
    asks: RequestKind
    control: Proved
    seen_on: str
    reason: Reference


def read_check(request: NewRightsRequest, today: str) -> IdentityCheck:
    """Read what an officer says of a check.

    Raises:
        BadRequestError: there is none, its day lies ahead, or it is a back-end's word.
    """
    if request.attested is not None or request.control == "account_login":
        raise BadRequestError(
            "not_checked",
            Phrase(
                "only the back-end can attest a log-in, with a credential for rights"
            ),
            pointer="/control" if request.attested is None else "/attested",
        )
    if request.checked is None:
        raise BadRequestError(
            "not_checked",
            Phrase(
                "say on which day somebody saw the person, and give the "
                "reference of the note about it; another officer then "
                "decides on the identity check"
            ),
            pointer="/checked",
        )
    if request.checked.seen_on.isoformat() > today:
        raise BadRequestError(
            "bad_date",
            Phrase("the day must not be in the future (UTC)"),
            pointer="/checked/seen_on",
        )
    return request.checked


class IdentityChecks:
    """The effect of a check that another officer stands by (`approvals.Effect`)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the check to the policy, with both persons."""
        del reader
        return ActRequest(KIND, first, second, decode(content, Check).reason)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], None] | None:
        """Let what was found rest, and the request be answered."""
        desk, check = self._desk, decode(content, Check)
        row = await tx.request(check.request)
        found = None if row is None else open_content(desk.periods, row)
        if row is None or found is None or row.state is not RequestState.OPEN:
            raise WrongStateError("not_pending", Phrase("the request is closed"))
        if found.checked is None or found.checked.second is not None:
            raise WrongStateError("not_pending", Phrase("this check is decided"))
        disputes, feed = await contest_findings(
            desk,
            tx,
            found,
            kind=check.asks,
            control=Control(check.control),
            who=Principal(first.name, first.role),
            contention=found.checked.contention,
        )
        checked = replace(found.checked, second=second.name)
        content_ = replace(found, disputes=disputes, checked=checked)
        sealed = seal_content(desk.periods, row.id, row.period, content_)
        await tx.put_request(replace(row, sealed=sealed))
        return None if feed is None else partial(desk.announce, feed)


def check_decided(content: Content) -> None:
    """Refuse what takes a check that nobody has decided on yet.

    Raises:
        WrongStateError: a second officer has not stood by it.
    """
    if content.is_undecided:
        raise WrongStateError(
            "not_decided",
            Phrase(
                "another officer must first decide on the identity check: "
                "`fedsafe act list`. If nobody has decided in time, ask "
                "again with `fedsafe rights check`. If nobody can decide, "
                "close the request as refused (not_shown)"
            ),
        )
