# SPDX-License-Identifier: Apache-2.0
"""What commands show of an invented partner, and of an act that waits."""

from base64 import b64encode
from typing import Any, Final

ENTRY: Final = {
    "name": "LKA",
    "partner_class": "law_enforcement",
    "country": "DE",
    "test": False,
    "function": "Dauerdienst",
    "ways": ["portal"],
}
RECEIPT: Final[dict[str, Any]] = {
    "partner": "lka",
    "revision": 1,
    "standing": "unverified",
    "verified_until": None,
    "fingerprint": None,
    "certificate_fingerprint": None,
    "openpgp_fingerprint": None,
}
SHOWN: Final = {
    **RECEIPT,
    "entry": ENTRY,
    "fingerprint": "3f9a 01bc",
    "certificate_fingerprint": None,
    "openpgp_fingerprint": None,
    "unusable": {},
    "entered_by": "ada",
    "entered_at": 1,
    "verified_by": None,
    "verified_at": None,
}
OFFICE: Final = {
    "office": "bka",
    "de": "Bundeskriminalamt",
    "en": "BKA",
    "partner_class": "law_enforcement",
    "country": "DE",
    "template": False,
    "facts": [
        {
            "about": "limit",
            "de": "kein Notruf",
            "en": "no emergency line",
            "source": "BKA",
            "as_of": None,
        }
    ],
    "open": ["phone"],
}
HOST_KEY: Final = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
    + b64encode(b"invented" * 3).decode()
    + "AAAAAAAAAAA"
)
CHANNELS: Final = [
    {"by": "webhook", "url": "https://lka.example/cases"},
    {
        "by": "sftp",
        "host": "sftp.lka.example",
        "port": 2022,
        "user": "fedsafe",
        "directory": "/in",
        "host_key": HOST_KEY,
    },
    {"by": "mail", "address": "intake@lka.example"},
]
LIST: Final = {
    "signer": "77de 4410",
    "certificate": "-----BEGIN CERTIFICATE-----",
    "certificate_fingerprint": "88ef 5521",
    "dated": "2026-11-27",
    "partners": [SHOWN],
    "landscape": [OFFICE],
}
ACT = {
    "act": "0" * 32,
    "kind": "role_grant",
    "digest": "ab" * 32,
    "content": {"name": "ben", "role": "analyst"},
    "asked_by": "olaf",
    "asked_at": 1_794_900_000,
    "expires_at": 1_795_000_000,
    "state": "pending",
}
