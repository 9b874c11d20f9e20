# SPDX-License-Identifier: Apache-2.0
"""`fedsafe partner`: who receives cases, and with which keys."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.cases.partner_channels import collect, collected, keep_host_key
from fedsafe_cli.cases.partner_texts import (
    tell_certificate,
    tell_entered,
    tell_partners,
    tell_test,
    tell_verified,
)
from fedsafe_cli.cases.render import (
    STANDARD_OUTPUT,
    bytes_in,
    check_new,
    write_out,
    write_signed,
)
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.escalation.partners import VALID_DAYS
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_crypto.seal.hpke import RecipientKey

_MOST: Final = 16 * 1024
_LONGEST_KEY: Final = 32 * 1024
_TELL: Final = Phrase(
    "This is the public key, for the provider. Compare on the telephone: {}"
)


@click.group(cls=SpokenGroup)
def partner() -> None:
    """Manage partners that receive cases: authorities, hotlines, counselling.

    \b
    Examples:
      fedsafe partner list
      fedsafe partner add bka --entry bka.json --key partner.public
      fedsafe partner key partner.key > partner.public
    """  # noqa: D301


@partner.command("list")
@click.option(
    "--certificate",
    metavar="FILE",
    help="Write our X.509 certificate, for S/MIME and OpenPGP, to a new file, and "
    "list nothing; - is standard output.",
)
@shared_options
@click.pass_context
def list_(context: click.Context, certificate: str | None) -> ExitStatus:
    """List your partners, until when they are valid, and the offices in Germany.

    Offices come from public sources, which are named. None of them is a partner yet:
    add your own contacts.

    \b
    Examples:
      fedsafe partner list --json
      fedsafe partner list --certificate provider.pem
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/partners")
    if certificate is None:
        return tell_partners(settings, answer)
    if certificate == STANDARD_OUTPUT:
        write_out(settings, answer["certificate"].encode(), {})
    else:
        _write_new(certificate, answer["certificate"].encode())
    return tell_certificate(settings, certificate, answer)


@partner.command("add")
@click.argument("name", metavar="PARTNER")
@click.option(
    "--entry", required=True, metavar="FILE", help="JSON file with the partner's entry."
)
@click.option("--key", metavar="FILE", help="The partner's public key.")
@click.option(
    "--mail",
    metavar="ADDRESS",
    callback=collect,
    expose_value=False,
    help="Mail sealed packages to this address.",
)
@click.option(
    "--sftp",
    metavar="USER@HOST:PORT/DIR",
    callback=collect,
    expose_value=False,
    help="Upload sealed packages to this directory of an SFTP server.",
)
@click.option(
    "--host-key",
    metavar="FILE",
    callback=keep_host_key,
    expose_value=False,
    help="Public host key of that server; no other is trusted.",
)
@click.option(
    "--webhook",
    metavar="URL",
    callback=collect,
    expose_value=False,
    help="Post sealed packages to this https URL.",
)
@click.option(
    "--certificate",
    metavar="FILE",
    help="The partner's X.509 certificate, for S/MIME (PEM).",
)
@click.option(
    "--openpgp",
    metavar="FILE",
    help="The partner's OpenPGP certificate, in ASCII armor.",
)
@click.option(
    "--replaces",
    type=click.IntRange(min=0),
    default=0,
    metavar="REVISION",
    help="Revision that this replaces; default: a new partner.",
)
@shared_options
@click.pass_context
def add(
    context: click.Context,
    /,
    name: str,
    entry: str,
    replaces: int,
    **keys: str | None,
) -> ExitStatus:
    """Add or change a partner; it counts once another person has verified it.

    The entry needs name, partner_class, country, test, function and ways (portal,
    phone, letter); phone, hours and chain (whom to call next) are optional.

    \b
    FILE:
      {"name": "LKA", "partner_class": "law_enforcement", "country": "DE",
       "test": false, "function": "Dauerdienst", "phone": "+49 30 0000001",
       "ways": ["portal", "phone"]}

    With --mail, --sftp and --webhook the node delivers sealed packages itself. It tries
    them in the order given here, after the channels of the entry; delivery by hand
    comes last.

    \b
    Examples:
      fedsafe partner add lka --entry lka.json --key lka.public
      fedsafe partner add lka --entry lka.json --key lka.public --replaces 2 \\
        --sftp fedsafe@sftp.lka.example:22/in --host-key lka-host.pub \\
        --mail intake@lka.example
      fedsafe partner add zac --entry zac.json --certificate zac.pem
    """  # noqa: D301
    try:
        given: Any = json.loads(read_small(entry, _MOST))
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadInputError(
            Phrase("{entry} holds no JSON object").filled(entry=printable(entry))
        )
    for each in ("key", "certificate", "openpgp"):
        file = keys[each]
        if file is not None:
            given[each] = _public(file)
    if channels := collected(context):
        before = given.get("channels", [])
        given["channels"] = [*(before if isinstance(before, list) else []), *channels]
    settings = settings_of(context)
    body = {"partner": _id(name), "revision": replaces, "entry": given}
    answer = personal(settings).post("/v1/partners", body)
    return tell_entered(settings, answer, given)


@partner.command("verify")
@click.argument("name", metavar="PARTNER")
@click.option(
    "--revision",
    required=True,
    type=click.IntRange(min=1),
    help="Revision that you checked.",
)
@click.option(
    "--reference", required=True, metavar="TEXT", help="Where the call is recorded."
)
@click.option(
    "--fingerprint", metavar="TEXT", help="Fingerprint of the key, as read out to you."
)
@click.option(
    "--certificate-fingerprint",
    metavar="TEXT",
    help="Fingerprint of the X.509 certificate (SHA-256), as read out to you.",
)
@click.option(
    "--openpgp-fingerprint",
    metavar="TEXT",
    help="Fingerprint of the OpenPGP certificate, as read out to you.",
)
@click.option(
    "--host-key-fingerprint",
    "host_keys",
    multiple=True,
    metavar="TEXT",
    help="Fingerprint of the SFTP server's key (SHA256:...), as read out. May be "
    "repeated.",
)
@click.option(
    "--days",
    type=click.IntRange(1, VALID_DAYS),
    default=VALID_DAYS,
    show_default=True,
    help="Number of days that the verification is valid.",
)
@shared_options
@click.pass_context
def verify(context: click.Context, /, name: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Verify a partner that another person has added, after you have called it.

    Call a number that you have found yourself, and have the fingerprint of each key
    read out to you, including an SFTP server's host key (`ssh-keygen -l` shows it
    there). Whoever added the partner cannot verify it. Verification makes a new
    revision of the entry, such as 2 of 1; use the new number with --replaces.

    \b
    Examples:
      fedsafe partner verify lka --revision 1 --reference call-7 \\
        --fingerprint "3f9a 01bc 77de 4410 9c2e 5a6b f00d 1234"
      fedsafe partner verify zac --revision 1 --reference call-8 \\
        --certificate-fingerprint "88ef 5521 0c4d 9a7e 61b3 f208 4d95 aa17"
    """  # noqa: D301
    names = (
        *("revision", "reference", "days"),
        *("fingerprint", "certificate_fingerprint", "openpgp_fingerprint"),
    )
    body = {each: given[each] for each in names if given[each] is not None}
    if given["host_keys"]:
        body["host_keys"] = list(given["host_keys"])
    settings = settings_of(context)
    path = f"/v1/partners/{_id(name)}/verify"
    return tell_verified(
        settings, personal(settings).post(path, body), given["revision"]
    )


@partner.command("test")
@click.argument("name", metavar="PARTNER")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="New file to write; - is standard output.",
)
@shared_options
@click.pass_context
def test(context: click.Context, name: str, out: str) -> ExitStatus:
    """Seal a package about nobody for a partner marked `test`, to try its key.

    With S/MIME or OpenPGP a file FILE.sig is written too: pass it along, so that the
    partner can first check all bytes with OpenSSL. The command warns if nobody has
    verified the key.

    \b
    Example:
      fedsafe partner test lka-test --out test.sealed
    """  # noqa: D301
    settings = settings_of(context)
    check_new(out, signed=True)
    answer = personal(settings).post(f"/v1/partners/{_id(name)}/test", None)
    sealed = bytes_in(answer, "sealed")
    if out == STANDARD_OUTPUT:
        write_out(settings, sealed, answer)
        return tell_test(settings, answer, None, {})
    return tell_test(settings, answer, out, write_signed(out, sealed, answer))


@partner.command("key")
@click.argument("file", metavar="FILE")
@click.option(
    "--public", is_flag=True, help="Print the public key of the private one in FILE."
)
@shared_options
@click.pass_context
def key(
    context: click.Context,
    file: str,
    public: bool,  # noqa: FBT001 (click)
) -> ExitStatus:
    """Create a key pair to receive sealed packages.

    Needs no node and no network. The private key goes to a new file that only you can
    read; the public key is printed. If you lose the private key, you cannot open what
    was sealed for it. --public creates nothing and prints the public key of an existing
    private one.

    \b
    Examples:
      fedsafe partner key partner.key > partner.public
      fedsafe partner key --public partner.key
    """  # noqa: D301
    from fedsafe_crypto.seal.hpke import RecipientKey  # noqa: PLC0415
    from fedsafe_federation.casework.keys import (  # noqa: PLC0415
        key_fingerprint,
        write_private,
        write_public,
    )
    from fedsafe_node.ground.errors import KeyFileError  # noqa: PLC0415
    from fedsafe_node.ground.key_files import write_secret  # noqa: PLC0415

    settings = settings_of(context)
    if file == STANDARD_OUTPUT:
        raise BadInputError(
            Phrase(
                "a private key is kept in a file, and standard output has the "
                "public one"
            ),
            Phrase("name a file: fedsafe partner key partner.key > partner.public"),
        )
    if public:
        made = _kept(file)
    else:
        made = RecipientKey.generate()
        try:
            write_secret(Path(file), write_private(made))
        except (KeyFileError, OSError, ValueError):
            raise BadInputError(
                Phrase("{file} is there already, or cannot be written").filled(
                    file=printable(file)
                ),
                Phrase(
                    "name a new file, or ask for the public key of this one: --public"
                ),
            ) from None
    text, fingerprint = write_public(made.public), key_fingerprint(made.public)
    if settings.json:
        document({"public_key": text, "fingerprint": fingerprint})
        return OK
    line(text.rstrip("\n"))
    note(_TELL.said(settings.language).format(fingerprint))
    return OK


def _kept(file: str) -> "RecipientKey":
    """Read a private key that `partner key` wrote before."""
    from fedsafe_federation.casework.keys import read_private  # noqa: PLC0415
    from fedsafe_federation.errors import FederationError  # noqa: PLC0415
    from fedsafe_node.ground.errors import KeyFileError  # noqa: PLC0415
    from fedsafe_node.ground.key_files import read_secret  # noqa: PLC0415

    try:
        return read_private(read_secret(Path(file)))
    except (KeyFileError, FederationError, OSError, ValueError):
        raise BadInputError(
            Phrase("{file} holds no private key that only you can read").filled(
                file=printable(file)
            ),
            Phrase("name the file that `fedsafe partner key` made"),
        ) from None


def _public(file: str) -> str:
    """Read a public key to send; a private one never leaves this machine."""
    from fedsafe_federation.casework.errors import PartnerKeyError  # noqa: PLC0415
    from fedsafe_federation.casework.keys import refuse_private  # noqa: PLC0415

    data = read_small(file, _LONGEST_KEY)
    if not data.isascii():
        raise BadInputError(
            Phrase("{file} is no text").filled(file=printable(file)),
            Phrase("want PEM, or ASCII armor (gpg --armor)"),
        )
    text = data.decode()
    try:
        refuse_private(text)
    except PartnerKeyError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(file), why=error)
        ) from None
    return text


def _write_new(file: str, content: bytes) -> None:
    try:
        with Path(file).open("xb") as stream:
            stream.write(content)
    except (OSError, ValueError):
        raise BadInputError(
            Phrase("{file} is there already, or cannot be written").filled(
                file=printable(file)
            ),
            Phrase("name a new file"),
        ) from None


def _id(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name):
        raise misused(
            Phrase("a partner is named by up to 32 small letters, digits, - and _")
        )
    return name
