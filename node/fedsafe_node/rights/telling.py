# SPDX-License-Identifier: Apache-2.0
"""Tell a person what is known: what was found, and who has received it."""

from fedsafe_node.notices.facts import basis_in_words, rule_in_words
from fedsafe_node.peering.recipients import read_recipients
from fedsafe_node.rights.answering import Contested, Shown, Told, write_answer
from fedsafe_node.rights.finding import Finding
from fedsafe_node.rights.request_messages import Language
from fedsafe_node.rights.sealing import Content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.naming import read_signal_id
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Reader
from fedsafe_node.store.rights_rows import RequestRow, Weight
from fedsafe_node.store.rows import SignalStatus


async def tell(reader: Reader, desk: Desk, row: RequestRow, content: Content) -> str:
    """Write the answer to a request out of its content and the recipient ledger."""
    situation = desk.situation
    return write_answer(
        Language(row.language),
        request=row.id,
        node=situation.node,
        contact=situation.config.contact,
        today=desk.clock.now().date().isoformat(),
        basis=basis_in_words(situation),
        signals=[await _shown(reader, situation, each) for each in content.findings],
        contested=await _contested(reader, content),
        unevaluated=content.unevaluated,
    )


async def _contested(reader: Reader, content: Content) -> Contested:
    resting = waiting = ruled = 0
    for digest in content.disputes:
        dispute = await reader.dispute(bytes.fromhex(digest))
        if dispute is None:
            continue
        if await reader.ruling(dispute) is not None:
            ruled += 1
        elif dispute.weight is Weight.SUSPENDS:
            resting += 1
        else:
            waiting += 1
    return Contested(resting, waiting, ruled)


async def status_of(
    reader: Reader, situation: Situation, finding: Finding
) -> SignalStatus | None:
    """Read how a signal that was found stands now; None if it is unknown."""
    origin = situation.own.name if finding.own else finding.origin
    row = await reader.signal(origin, read_signal_id(finding.signal))
    return row.status if row is not None else None


async def _shown(reader: Reader, situation: Situation, finding: Finding) -> Shown:
    status = await status_of(reader, situation, finding)
    if finding.origin != situation.node:
        return Shown(finding, status)
    rule = rule_in_words(finding.rule, situation)
    if finding.own:
        return Shown(finding, status, rule)
    ledger = await read_recipients(reader, situation, finding.signal)
    recipients = [
        Told(each.recipient, each.purpose, each.first_at, each.last_at)
        for each in ledger.recipients
    ]
    return Shown(finding, status, rule, recipients)
