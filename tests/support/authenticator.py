# SPDX-License-Identifier: Apache-2.0
"""A device that holds passkeys, in software: CBOR, COSE and ES256 as a real one."""

import hashlib
import json
from dataclasses import dataclass, field
from secrets import token_bytes
from struct import pack
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

from fedsafe_node.people.passkey_bytes import from_text, to_text

PRESENT, VERIFIED, MAY_SYNC, SYNCED, HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class Device:
    """One passkey; what a test wants to be wrong is set before it answers."""

    origin: str = "https://desk.a.demo"
    rp: str = "desk.a.demo"
    flags: int = PRESENT | VERIFIED
    count: int = 1
    cross_origin: bool = False
    kind: str = ""
    credential: bytes = field(default_factory=lambda: token_bytes(32))
    key: EllipticCurvePrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )
    handle: str = ""

    def _said(self, kind: str, challenge: str) -> bytes:
        said = {
            "type": self.kind or kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        return json.dumps(said).encode()

    def _data(self, more: int = 0) -> bytes:
        rp = hashlib.sha256(self.rp.encode()).digest()
        return rp + bytes([self.flags | more]) + pack(">I", self.count)

    def enrol(self, options: dict[str, Any]) -> dict[str, str]:
        """Make the passkey that the options ask for."""
        self.handle = options["user"]["id"]
        point = self.key.public_key().public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (point.x, point.y))
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        data = self._data(HAS_KEY) + bytes(16) + pack(">H", len(self.credential))
        data += self.credential + key
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "credential": to_text(self.credential),
            "client_data": to_text(self._said("webauthn.create", options["challenge"])),
            "attestation": to_text(made),
        }

    def sign(self, options: dict[str, Any]) -> dict[str, str]:
        """Sign what the options ask for; the counter goes on."""
        self.count += 1
        said, data = self._said("webauthn.get", options["challenge"]), self._data()
        signed = self.key.sign(data + hashlib.sha256(said).digest(), ECDSA(SHA256()))
        return {
            "credential": to_text(self.credential),
            "client_data": to_text(said),
            "authenticator": to_text(data),
            "signature": to_text(signed),
            "user_handle": self.handle,
        }


def flipped(text: str) -> str:
    """Change the last byte of what is written in base64url."""
    data = bytearray(from_text(text))
    data[-1] ^= 1
    return to_text(bytes(data))
