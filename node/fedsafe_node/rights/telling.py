# SPDX-License-Identifier: Apache-2.0
"""Tell a person what is known: what was found, and who has received it."""

from fedsafe_node.peering.recipients import read_recipients
from fedsafe_node.rights.answering import Told, write_answer
from fedsafe_node.rights.request_messages import Language
from fedsafe_node.rights.sealing import Content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.protocol import Reader
from fedsafe_node.store.rights_rows import RequestRow


async def tell(reader: Reader, desk: Desk, row: RequestRow, content: Content) -> str:
    """Write the answer to a request out of its content and the recipient ledger."""
    situation = desk.situation
    recipients: dict[str, list[Told]] = {}
    for finding in content.findings:
        if finding.origin == situation.node and not finding.own:
            ledger = await read_recipients(reader, situation, finding.signal)
            recipients[finding.signal] = [
                Told(each.recipient, each.first_at[:10], each.last_at[:10])
                for each in ledger.recipients
            ]
    return write_answer(
        Language(row.language),
        request=row.id,
        node=situation.node,
        contact=situation.config.contact,
        today=desk.clock.now().date().isoformat(),
        findings=content.findings,
        recipients=recipients,
        disputes=len(content.disputes),
        unevaluated=content.unevaluated,
    )
