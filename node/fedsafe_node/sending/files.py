# SPDX-License-Identifier: Apache-2.0
"""What a package is called where it arrives, its kind of file, and its signature."""

from base64 import encodebytes
from collections.abc import Mapping
from typing import Final

from fedsafe_crypto.errors import SignatureError
from fedsafe_crypto.identity import SigningKey
from fedsafe_federation.casework.errors import SealedPackageError
from fedsafe_federation.casework.file_signature import sign_file
from fedsafe_node.sending.errors import Fault, SendingError
from fedsafe_node.sending.parcels import Parcel, Sealing

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


def signature_of(parcel: Parcel, signer: SigningKey) -> bytes | None:
    """Sign a package as it leaves; None if its format needs no signature beside it.

    Raises:
        SendingError: what was kept to be sent is no sealed package any more.
    """
    try:
        return sign_file(signer, parcel.data)
    except (SealedPackageError, SignatureError):
        raise SendingError(
            Fault.MISCONFIGURED, "what is kept here is no sealed package"
        ) from None


def armored(data: bytes) -> str:
    """Return an OpenPGP message as text, as mail programs want it (RFC 3156)."""
    if data.startswith(_ARMOR):
        return data.decode("ascii", "strict")
    text = encodebytes(data).decode()
    return f"{_ARMOR.decode()}\n\n{text}-----END PGP MESSAGE-----\n"
