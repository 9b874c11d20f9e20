# SPDX-License-Identifier: Apache-2.0
"""Read the private key that a partner opens packages with, of whichever format."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from fedsafe_cli.terminal.errors import BadInputError, words_of
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.settings import printable, printed
from fedsafe_policies.ground.catalogue import Phrase, joined

if TYPE_CHECKING:
    from fedsafe_federation.casework.sealing import PartnerKey

_OWN: Final = b"fedsafe-partner-"
_PEM: Final = b"-----BEGIN "
_PGP: Final = b"-----BEGIN PGP "
_PUBLIC: Final = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN PGP PUBLIC KEY BLOCK")
_PUBLIC_KEYS: Final = (b"fedsafe-partner-public-", b"-----BEGIN PUBLIC KEY")
_GLANCE: Final = 256
_LONGEST: Final = 64 * 1024
_LOCKED: Final = Phrase("does what is in `--password-file` unlock it?")
_DETOUR: Final = Phrase(
    "; gpg may read a key that is locked in its own way: `gpg --decrypt --output "
    "case.eml case.pgp`, then `fedsafe open case.eml --key own.asc` with your public "
    "certificate (`gpg --armor --export`)"
)


def read_partner_key(
    file: str, certificate: str | None, password_file: str | None
) -> "PartnerKey":
    """Read a private key; only its owner may be able to.

    A certificate alone is no secret, and anybody may read it.

    Raises:
        BadInputError: it is none, or a public one, others can read it, or another
            password unlocks it.
    """
    from fedsafe_federation.casework.errors import (  # noqa: PLC0415
        OpenPgpMissingError,
        PartnerKeyError,
    )

    begins = _beginning(file)
    if begins.startswith(_PUBLIC_KEYS):
        raise BadInputError(
            Phrase("{file} is a public key, which opens nothing").filled(
                file=printable(file)
            ),
            Phrase("name the private key; `fedsafe partner key FILE` wrote it to FILE"),
        )
    is_public = begins.startswith(_PUBLIC) and certificate is None
    data = read_small(file, _LONGEST) if is_public else _secret(file)
    given = password_file and _secret(password_file).decode("utf-8", "replace")
    password = given.rstrip("\r\n") if given else None
    try:
        return _read(data, certificate, password)
    except OpenPgpMissingError as error:
        raise BadInputError(words_of(error)) from None
    except (PartnerKeyError, ValueError):
        hint = Phrase(
            "`fedsafe partner key FILE` makes one; an RSA key takes "
            "`--certificate`, a locked one `--password-file`"
        )
        if password is not None:
            hint = joined("", [_LOCKED, _DETOUR] if _is_openpgp(data) else [_LOCKED])
        raise BadInputError(
            Phrase("{file} is no private key of a partner that can be used so").filled(
                file=printable(file)
            ),
            hint,
        ) from None


def _read(data: bytes, certificate: str | None, password: str | None) -> "PartnerKey":
    from fedsafe_federation.casework.certificates import (  # noqa: PLC0415
        read_certified_key,
    )
    from fedsafe_federation.casework.keys import read_private  # noqa: PLC0415
    from fedsafe_federation.casework.openpgp import read_openpgp_key  # noqa: PLC0415
    from fedsafe_federation.casework.sealing import read_identity  # noqa: PLC0415

    if data.startswith(_OWN):
        return read_private(data)
    if certificate is None and data.lstrip().startswith(_PUBLIC):
        return read_identity(data.decode("ascii", "replace"))
    if _is_openpgp(data):
        return read_openpgp_key(data, password)
    own = data if certificate is None else read_small(certificate, _LONGEST)
    return read_certified_key(data, own, password)


def _is_openpgp(data: bytes) -> bool:
    return data.startswith(_PGP) or not data.lstrip().startswith(_PEM)


def _beginning(file: str) -> bytes:
    """Return how a file begins; of one that cannot be read, nothing."""
    try:
        with Path(file).open("rb") as opened:
            return opened.read(_GLANCE).lstrip()
    except (OSError, ValueError):
        return b""  # what is wrong with it is said where it is read


def _secret(file: str) -> bytes:
    from fedsafe_node.ground.errors import (  # noqa: PLC0415
        KeyFileError,
        KeyFileMissingError,
        LooseKeyFileError,
    )
    from fedsafe_node.ground.key_files import read_secret  # noqa: PLC0415

    try:
        return read_secret(Path(file))
    except KeyFileMissingError:
        raise BadInputError(
            Phrase("there is no file {file}").filled(file=printable(file)),
            Phrase("name one that is there"),
        ) from None
    except LooseKeyFileError as error:
        hint = Phrase("chmod 600, and name your own file")
        raise BadInputError(printed(error), hint) from None
    except KeyFileError as error:
        raise BadInputError(printed(error), Phrase("name another file")) from None
    except ValueError:
        raise BadInputError(
            Phrase("{file} cannot be read").filled(file=printable(file))
        ) from None
