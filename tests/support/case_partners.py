# SPDX-License-Identifier: Apache-2.0
"""A node with people who send cases, and partners that they have verified."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from tests.support.case_receivers import Receivers
from tests.support.federation import Caller, until

from fedsafe_cli.demo.fleet import answers, free_ports
from fedsafe_cli.demo.nodes import DemoNode, make_shown
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.casework.keys import key_fingerprint, write_public
from fedsafe_node.ground.config import Place, load_config, render_config
from fedsafe_policies.escalation.channels import (
    Channel,
    MailChannel,
    SftpChannel,
    WebhookChannel,
    host_keys_of,
)
from fedsafe_policies.vocabulary import Role

STAFF: Final = (
    ("ada", Role.ESCALATION_OFFICER),
    ("ben", Role.REVIEWER),
    ("lea", Role.LEGAL_ADVISER),
    ("audit", Role.AUDITOR),
)


@dataclass(frozen=True, slots=True)
class Known:
    """Where parcels for a partner may arrive, and the key that opens them."""

    key: RecipientKey
    places: frozenset[tuple[str, str]]


def place_of(channel: Channel) -> tuple[str, str]:
    """Name the place behind a channel as `Taken` does."""
    match channel:
        case MailChannel():
            return "mail", channel.address
        case SftpChannel():
            return "sftp", channel.directory
        case WebhookChannel():
            return "webhook", urlsplit(channel.url).path


class Partners:
    """The partners of a node, and its people."""

    def __init__(self, root: Path, receivers: Receivers) -> None:
        (port,) = free_ports(1)
        self._root = root
        self._receivers = receivers
        self.node: DemoNode = make_shown(root / "a.demo", port, staff=STAFF)
        place = Place(self.node.directory)
        config = load_config(place)
        sending = receivers.settings(place.directory)
        text = render_config(msgspec.structs.replace(config, sending=sending))
        place.config.write_text(text, encoding="utf-8")
        self.known: dict[str, Known] = {}

    def credential(self, person: str) -> Path:
        """Return the file with a person's credential."""
        return self._root / "credentials" / self.node.name / f"{person}.key"

    def caller(self, person: str) -> Caller:
        """Return what calls the node as a person."""
        return Caller(self.node, self.credential(person).read_text().strip())

    def dispatches(self, case: str) -> list[dict[str, Any]]:
        """Return what the node says of a case's dispatches."""
        answer = self.caller("ada").get(f"/v1/cases/{case}/dispatches")
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.body["dispatches"]
        return found

    def enter(self) -> None:
        """Have all partners entered and verified, once the node answers."""
        until(lambda: answers(self.node.directory), "the start")
        to = self._receivers
        mail, hook = to.mail, to.hook
        self._enter("lka", "law_enforcement", mail("lka"))
        self._enter("jugendamt", "youth_welfare", to.directory("jugendamt"))
        self._enter("police", "police_emergency", hook("police"))
        self._enter("chain", "law_enforcement", hook("closed"), mail("chain"))
        self._enter("hand", "law_enforcement")
        self._enter("help", "counselling", mail("help"))

    def _enter(self, name: str, kind: str, *channels: Channel) -> None:
        key = RecipientKey.generate()
        entry: dict[str, Any] = {
            "name": "Erfundene Stelle",
            "partner_class": kind,
            "country": "DE",
            "test": False,
            "function": "Dauerdienst",
            "phone": "+49 30 0000001",
            "key": write_public(key.public),
            "ways": ["portal", "phone"],
            "channels": msgspec.to_builtins(channels),
        }
        body = {"partner": name, "revision": 0, "entry": entry}
        entered = self.caller("ada").post("/v1/partners", body)
        assert entered.status in {200, 201}, entered.body
        call = {
            "revision": 1,
            "reference": "call-1",
            "fingerprint": key_fingerprint(key.public),
            "host_keys": sorted(host_keys_of(channels)),
        }
        verified = self.caller("ben").post(f"/v1/partners/{name}/verify", call)
        assert verified.status == 200, verified.body
        self.known[name] = Known(key, frozenset(map(place_of, channels)))
