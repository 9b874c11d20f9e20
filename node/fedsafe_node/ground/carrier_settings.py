# SPDX-License-Identifier: Apache-2.0
"""What `node.toml` says of sending: servers, key files, and which inner networks."""

from typing import Final, Literal

import msgspec

from fedsafe_node.ground.networks import WANT_NETWORKS, Networks, are_networks
from fedsafe_node.ground.setting_types import (
    USER_AND_PASSWORD,
    Host,
    Mailbox,
    Port,
    Printable,
    at_key,
)
from fedsafe_policies.ground.catalogue import Phrase

_MOST_LOCAL: Final = 20  # so that a reply token has room behind it, 64 signs in all


class MailSending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mail server for packages; the way there is always protected.

    `ca` is a file with the only authorities that are trusted there.
    """

    host: Host
    sender: Mailbox
    port: Port = 587
    security: Literal["starttls", "tls"] = "starttls"
    ca: Printable | None = None
    user: Printable | None = None
    password_file: Printable | None = None


class SftpSending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The private key, as OpenSSH writes it, with which this node logs in."""

    key: Printable


class WebhookSending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How webhooks are met: with a client certificate and its key, and whom to trust.

    `ca` is a file with the only authorities that are trusted; else the system's are.
    """

    certificate: Printable | None = None
    key: Printable | None = None
    ca: Printable | None = None


class Sending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How packages leave the node; what is not set is not sent by.

    `inside` are the only networks of this house to which SFTP and webhooks may lead:
    their addresses come from whoever enters partners.
    """

    mail: MailSending | None = None
    sftp: SftpSending | None = None
    webhook: WebhookSending = WebhookSending()
    inside: Networks = ()


def unfit_sending(sending: Sending) -> Phrase | None:
    """Say what no type can: that settings do not agree."""
    if not are_networks(sending.inside):
        return at_key(WANT_NETWORKS, "sending.inside")
    webhook = sending.webhook
    if (webhook.certificate is None) != (webhook.key is None):
        return at_key(Phrase("certificate and key belong together"), "sending.webhook")
    mail = sending.mail
    if mail is None:
        return None
    if (mail.user is None) != (mail.password_file is None):
        return at_key(USER_AND_PASSWORD, "sending.mail")
    if len(mail.sender.partition("@")[0]) > _MOST_LOCAL:
        told = Phrase(
            "want at most {most} signs before the @, for a reply token follows them"
        )
        return at_key(told.filled(most=_MOST_LOCAL), "sending.mail.sender")
    return None
