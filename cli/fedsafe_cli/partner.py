# SPDX-License-Identifier: Apache-2.0
"""`fedsafe partner`: who receives cases, and with which keys."""

from pathlib import Path
from typing import Final

import click

from fedsafe_cli.errors import BadInputError
from fedsafe_cli.exit_codes import OK, ExitStatus
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, line, note
from fedsafe_cli.settings import printable

_TELL: Final = (
    "Das ist der öffentliche Schlüssel, für den Anbieter. Am Telefon vergleichen: {}",
    "This is the public key, for the provider. Compare on the telephone: {}",
)


@click.group()
def partner() -> None:
    """Partners that receive cases: authorities, hotlines, counselling.

    \b
    Example:
      fedsafe partner key partner.key > partner.public
    """  # noqa: D301


@partner.command("key")
@click.argument("file", metavar="FILE")
@shared_options
@click.pass_context
def key(context: click.Context, file: str) -> ExitStatus:
    """Make a key pair to receive sealed packages with.

    It needs no node and no network. The private key goes to a new file that only you
    can read; the public one is printed. Whoever loses the private key cannot open what
    was sealed for it.

    \b
    Example:
      fedsafe partner key partner.key > partner.public
    """  # noqa: D301
    from fedsafe_crypto.seal import RecipientKey  # noqa: PLC0415
    from fedsafe_federation.casework.keys import (  # noqa: PLC0415
        key_fingerprint,
        write_private,
        write_public,
    )
    from fedsafe_node.errors import KeyFileError  # noqa: PLC0415
    from fedsafe_node.keyfiles import write_secret  # noqa: PLC0415

    settings = settings_of(context)
    made = RecipientKey.generate()
    try:
        write_secret(Path(file), write_private(made))
    except (KeyFileError, OSError, ValueError):
        raise BadInputError(
            f"{printable(file)} is there already, or cannot be written",
            "name a new file",
        ) from None
    public, fingerprint = write_public(made.public), key_fingerprint(made.public)
    if settings.json:
        document({"public_key": public, "fingerprint": fingerprint})
        return OK
    line(public.rstrip("\n"))
    note(_TELL[0 if settings.german else 1].format(fingerprint))
    return OK
