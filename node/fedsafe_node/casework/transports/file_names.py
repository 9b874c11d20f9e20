# SPDX-License-Identifier: Apache-2.0
"""What a package is called where it arrives, and its kind of file."""

from base64 import encodebytes
from collections.abc import Mapping
from typing import Final

from fedsafe_node.casework.transports.parcels import Parcel, Sealing

_ENDINGS: Final[Mapping[Sealing, str]] = {
    Sealing.HPKE: "fedsafe",
    Sealing.SMIME: "p7m",
    Sealing.OPENPGP: "pgp",
}
MEDIA_TYPES: Final[Mapping[Sealing, str]] = {
    Sealing.HPKE: "application/octet-stream",
    Sealing.SMIME: "application/pkcs7-mime",
    Sealing.OPENPGP: "application/octet-stream",
}
_ARMOR: Final = b"-----BEGIN PGP MESSAGE-----"


def name_of(parcel: Parcel) -> str:
    """Return the same name for the same dispatch; it says nothing of the case."""
    return f"fedsafe-{parcel.dispatch}.{_ENDINGS[parcel.sealing]}"


def armored(data: bytes) -> str:
    """Return an OpenPGP message as text, as mail programs want it (RFC 3156)."""
    if data.startswith(_ARMOR):
        return data.decode("ascii", "strict")
    text = encodebytes(data).decode()
    return f"{_ARMOR.decode()}\n\n{text}-----END PGP MESSAGE-----\n"
