# SPDX-License-Identifier: Apache-2.0
"""What a correction says: which package no longer counts, why, and whom to call back.

Of the case it names no more than which one it is. Of the sender it names who answers at
any hour, as the corrected package did: who has to stop working with it has questions.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from fedsafe_federation.casework.statement import Document
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.dispatch.package import package_id_of
from fedsafe_node.store.casework_rows import CaseRow, DispatchRow
from fedsafe_policies.escalation.dispatches import RECALL_REASONS, RecallReason
from fedsafe_policies.escalation.matrix import Handling, Matrix
from fedsafe_policies.escalation.package import FORMAT, CasePackage, Elements
from fedsafe_policies.escalation.partners import Partner
from fedsafe_policies.escalation.vocabulary import Element
from fedsafe_policies.ground.catalogue import Phrase

_NAMED: Final = (Element.CASE, Element.SENDER, Element.CONTACT, Element.REPLY)
_WORDS: Final = Phrase(
    "CORRECTION. Package {package} no longer counts: {reason}. "
    "Please do not work with it any more. For questions: {whom}"
)


def correction_for(
    key: str,
    case: tuple[CaseRow, CaseFile],
    entry: Partner,
    matrix: Matrix,
    now: datetime,
) -> CasePackage:
    """Make the package of a correction: which case, who sends, and nothing else of it.

    Each of these only if the matrix gives it to the class whatever else is known.
    """
    known, class_ = case[1].elements, entry.partner_class
    given = {
        each.value: getattr(known, each)
        for each in _NAMED
        if matrix.cell(class_, each).handling is Handling.REQUIRED
    }
    return CasePackage(
        format=FORMAT,
        package_id=package_id_of(key),
        made_at=now,
        test=entry.test,
        partner_class=class_,
        matrix=matrix.reference,
        elements=Elements(**given),
    )


def correction_documents(
    sent: DispatchRow, reason: RecallReason, package: CasePackage, address: str
) -> tuple[Document, ...]:
    """Write which package no longer counts, why, and whom to call, for all readers.

    *package* is that of the correction; *address* is where the provider is written to.
    """
    call_back = _call_back(package.elements, address)
    about = {
        "format": "fedsafe-correction-v1",
        "recalls_package": sent.package_id,
        "recalls_dispatch": sent.key,
        "reason": reason.value,
        "call_back": call_back,
    }
    said = _WORDS.filled(
        package=sent.package_id,
        reason=RECALL_REASONS[reason],
        whom=", ".join(call_back.values()),
    ).both()
    words = f"{said.de}\n\n{said.en}\n"
    return (
        Document(
            "correction.json",
            "application/json",
            msgspec.json.encode(about, order="deterministic"),
        ),
        Document("correction.txt", "text/plain", words.encode()),
    )


def _call_back(known: Elements, address: str) -> dict[str, str]:
    """Say who of the sender answers, as far as the case says so."""
    found: dict[str, Any] = {}
    if known.sender is not UNSET:
        found["provider"] = known.sender.provider
    if known.contact is not UNSET:
        found["function"] = known.contact.function
        found["phone"] = known.contact.phone
    found["address"] = address if known.reply is UNSET else known.reply.address
    return found
