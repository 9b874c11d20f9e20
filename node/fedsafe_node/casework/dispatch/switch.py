# SPDX-License-Identifier: Apache-2.0
"""The switch of all sending: off, nothing leaves the node."""

from dataclasses import dataclass

from fedsafe_node.acts.dispatches import SendingAnswer, SwitchSending
from fedsafe_node.casework.dispatch.view import sends
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.dispatches_rows import SendingRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class SendingSwitch:
    """Stops all sending, and lets it go on; what is queued stays so meanwhile."""

    office: Office

    async def show(self) -> SendingAnswer:
        """Tell whether anything leaves, and who has said so."""
        return await self.office.store.read(_shown)

    async def switch(self, request: SwitchSending, who: Principal) -> SendingAnswer:
        """Stop sending, or let it go on; what is so already is no act."""

        async def act(tx: Transaction) -> SendingAnswer:
            if await sends(tx) != request.sends:
                row = SendingRow(request.sends, self.office.now(), who.name)
                await tx.add_sending(row)
                detail: Detail = {"sends": request.sends, "role": who.role.value}
                event = Event.SENDING_SWITCHED
                await self.office.note(tx, event, who.name, detail)
            else:
                nothing_happened()
            return await _shown(tx)

        return await self.office.store.write(act)


async def _shown(reader: Reader) -> SendingAnswer:
    last = await reader.sending()
    return SendingAnswer(
        sends=last is None or last.sends,
        at=None if last is None else last.at,
        by=None if last is None else last.by,
        by_hand=await reader.dispatches_by_hand(),
    )
