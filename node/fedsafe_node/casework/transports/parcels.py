# SPDX-License-Identifier: Apache-2.0
"""What carriers are given, under which name, and what they give back."""

import re
from base64 import encodebytes
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final, Protocol

from fedsafe_policies.escalation.channels import Channel

MOST_PROOF: Final = 300

_DISPATCH: Final = re.compile(r"[0-9a-f]{32}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,43}")
_ADDRESS: Final = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_NUMBERS: Final = re.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|\[[0-9a-f:.]+\]")


@unique
class Sealing(StrEnum):
    """In which format a package is sealed: carriers only name it."""

    HPKE = "hpke"
    SMIME = "smime"
    OPENPGP = "openpgp"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A sealed package for one partner.

    `dispatch` is one value for all attempts of one revision of a case to one partner:
    whoever gets a package twice knows by it that it is one. `reply_token` stands in a
    mail, so that a reply can be matched; neither says anything of the case. `signature`
    is of all bytes of `data` and goes beside it, unless HPKE seals it.
    """

    dispatch: str
    sealing: Sealing
    data: bytes = field(repr=False)
    test: bool
    reply_token: str = field(repr=False)
    signature: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what could not stand in a name, a subject or a header as it is."""
        if _DISPATCH.fullmatch(self.dispatch) is None:
            raise ValueError("a dispatch is named by 32 hexadecimal digits")
        if _TOKEN.fullmatch(self.reply_token) is None:
            raise ValueError("a reply token has 22 to 43 letters, digits, - and _")
        if not self.data:
            raise ValueError("a parcel holds something")
        if (self.signature is None) != (self.sealing is Sealing.HPKE):
            raise ValueError("a signature goes beside all that HPKE does not seal")


@dataclass(frozen=True, slots=True)
class Handed:
    """A package was taken: what the other side said, and under which name it has it."""

    proof: str
    message: str | None = None


class Carrier(Protocol):
    """Hands parcels over by channels of one or more kinds."""

    async def carry(self, parcel: Parcel, channel: Channel) -> Handed:
        """Hand a parcel over; the same one may be carried again, to the same effect.

        Raises:
            SendingError: it was not handed over, or nobody knows.
        """
        ...


def proof_of(words: str, *, hidden: str | None = None) -> str:
    """Bound what another side said, so that it can be kept and shown.

    Addresses, and the token that is to be *hidden*, are left out, since a server may
    repeat whom or what it was asked.
    """
    if hidden is not None:
        words = words.replace(hidden, "[token]")
    plain = "".join(each if " " <= each <= "~" else " " for each in words)
    plain = _NUMBERS.sub("[address]", _ADDRESS.sub("[address]", plain))
    return " ".join(plain.split())[:MOST_PROOF]


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
