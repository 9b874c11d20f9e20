# SPDX-License-Identifier: Apache-2.0
"""An outbox whose mail and web hooks arrive, or not."""

from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from tests.support.package_desk import ADDRESS, Post

from fedsafe_node.acts.dispatches import DispatchShown, RecallCase
from fedsafe_node.casework.dispatch.outbox import Outbox, SendingSwitch
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.parcels import Handed, Parcel
from fedsafe_node.ground.faults import Faults
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.channels import Channel, MailChannel, WebhookChannel
from fedsafe_policies.escalation.dispatches import RecallReason
from fedsafe_policies.escalation.matrix import shipped_matrix

MAIL: Final = MailChannel(address="intake@lka.example")
HOOK: Final = WebhookChannel(url="https://lka.example/cases")
ERROR: Final = RecallCase(reason=RecallReason.WRONG_FACTS)


@dataclass
class Other:
    """The other side: takes what comes, or fails as it is told."""

    failing: dict[str, SendingError] = field(default_factory=dict)
    took: list[tuple[Parcel, Channel]] = field(default_factory=list)

    async def carry(self, parcel: Parcel, channel: Channel) -> Handed:
        error = self.failing.get(type(channel).__name__)
        if error is not None and error.why is not Fault.IN_DOUBT:
            raise error
        self.took.append((parcel, channel))
        if error is not None:
            raise error
        return Handed("250 taken", "m-1")


class Mail:
    """A case that is queued for a partner, and the outbox that brings it there."""

    def __init__(self, desk: Any) -> None:  # noqa: ANN401
        self.post = Post(desk)
        self.other = Other()
        self.outbox = self.started()
        self.switch = SendingSwitch(desk.team.office)
        signer = self.post.signer
        self.recalls = Recalls(desk.keeper, shipped_matrix, lambda: signer, ADDRESS)

    def started(self, faults: Faults | None = None) -> Outbox:
        keeper = self.post.desk.keeper
        signer = self.post.signer
        return Outbox(
            keeper, self.other, lambda: 0.0, lambda: signer, faults or Faults()
        )

    async def queued(self, ada: Principal, ben: Principal, *channels: Channel) -> str:
        await self.post.enter(ada, ben, channels=channels or (MAIL, HOOK))
        case = await self.post.approved(ada, ben)
        await self.post.send(case, ada)
        return case

    async def pass_and_run(self, seconds: int) -> None:
        self.post.desk.team.pass_time(seconds)
        await self.outbox.run()


@pytest.fixture
def mail(desk: Any) -> Mail:  # noqa: ANN401
    return Mail(desk)


def outcomes(found: DispatchShown) -> list[tuple[str, str | None]]:
    return [(each.way, each.outcome) for each in found.attempts]
