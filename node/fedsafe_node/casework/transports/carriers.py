# SPDX-License-Identifier: Apache-2.0
"""Pick the carrier of a channel; what `node.toml` does not set is not sent by."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.mail import MailCarrier
from fedsafe_node.casework.transports.parcels import Handed, Parcel
from fedsafe_node.casework.transports.webhook import WebhookCarrier
from fedsafe_node.ground.carrier_settings import Sending
from fedsafe_node.ground.clock import Clock
from fedsafe_policies.escalation.channels import (
    Channel,
    MailChannel,
    SftpChannel,
    WebhookChannel,
)

if TYPE_CHECKING:
    from fedsafe_node.casework.transports.sftp import SftpCarrier


class Carriers:
    """All carriers of a node. Owned by the event loop.

    `signer` gives the key that signs packages: requests of webhooks are signed with it.
    """

    def __init__(
        self,
        sending: Sending,
        directory: Path,
        clock: Clock,
        signer: Callable[[], SigningKey],
    ) -> None:
        mail, inside = sending.mail, sending.inside
        self._mail = None if mail is None else MailCarrier(mail, directory, clock)
        self._sftp, self._inside, self._directory = sending.sftp, inside, directory
        self._webhook = WebhookCarrier(
            sending.webhook, directory, inside, clock, signer
        )

    async def carry(self, parcel: Parcel, channel: Channel) -> Handed:
        """Hand a parcel over; the same one may be carried again, to the same effect.

        Raises:
            SendingError: it was not handed over, or nobody knows.
        """
        match channel:
            case MailChannel():
                if self._mail is None:
                    raise _unset("mail")
                return await self._mail.carry(parcel, channel)
            case SftpChannel():
                if self._sftp is None:
                    raise _unset("sftp")
                kind = await asyncio.to_thread(_sftp_carrier)
                carrier = kind(self._sftp, self._directory, self._inside)
                return await carrier.carry(parcel, channel)
            case WebhookChannel():
                return await self._webhook.carry(parcel, channel)
            case _:
                assert_never(channel)


def _sftp_carrier() -> "type[SftpCarrier]":
    """Load what not everybody installs, and nobody needs before it is used."""
    try:
        from fedsafe_node.casework.transports.sftp import SftpCarrier  # noqa: PLC0415
    except ModuleNotFoundError:
        raise SendingError(
            Fault.MISCONFIGURED, "SFTP needs its library: pip install 'fedsafe[sftp]'"
        ) from None
    return SftpCarrier


def _unset(section: str) -> SendingError:
    return SendingError(
        Fault.MISCONFIGURED, f"node.toml has no section sending.{section}"
    )
