# SPDX-License-Identifier: Apache-2.0
"""A help desk whose reply is approved, for the API's tests."""

from dataclasses import replace as with_
from datetime import UTC, date, datetime

from msgspec.structs import replace
from tests.node.conftest import FixedClock

from fedsafe_node.ground.clock import Clock
from fedsafe_node.rights.help_directory import HelpDesk
from fedsafe_policies.help.offers import Directory, load_directory, shipped_directory
from fedsafe_policies.help.replies import Approval, shipped_reply

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
VERIFIED = b"""
format = 1
dated = 2026-11-27
[verified.hilfe_telefon]
phone = 2026-11-20
[verified.krisenchat]
messenger = 2026-11-20
"""


def approved_directory() -> Directory:
    reply = shipped_reply()
    approved = Approval(
        person="Rosa Beispiel",
        organisation="Beratungsstelle Musterstadt",
        on=date(2026, 11, 1),
        digest=reply.digest,
    )
    directory = load_directory(VERIFIED, shipped_directory())
    return with_(directory, reply=replace(reply, approved=approved))


def help_desk(
    directory: Directory | None = None, clock: Clock | None = None
) -> HelpDesk:
    return HelpDesk(
        directory or approved_directory(),
        provider="chat.example.de",
        contact="trust@chat.example.de",
        clock=clock or FixedClock(NOON),
    )
