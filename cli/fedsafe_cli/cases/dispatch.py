# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case send|dispatches|take|handed|acknowledged|receive`: on its way."""

import re
import time
from base64 import b64encode
from typing import Any, BinaryIO, Final, Literal

import click

from fedsafe_cli.cases.assessment import case_id_of, word
from fedsafe_cli.cases.dispatch_texts import (
    tell_dispatch_receipt,
    tell_dispatches,
    tell_plans,
    tell_reply,
    tell_taken,
)
from fedsafe_cli.cases.render import check_new, write_content
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.help_texts import ReadFile, SpokenCommand, misused
from fedsafe_cli.terminal.moments import moment_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.escalation.partners import Way
from fedsafe_policies.ground.catalogue import Phrase

_MOST_HEADER: Final = 65_536
_MOST_BODY: Final = 180_000
_DIGITS: Final = 32
_IN_PARTS: Final = re.compile(rb"application/pgp-signature", re.IGNORECASE)
_CLEAR: Final = b"-----BEGIN PGP SIGNED MESSAGE-----"
_KEPT_BACK: Final = "kept_back"
_OUTCOMES: Final = ("delivered", "unreachable", "refused", _KEPT_BACK)
_AT: Final = click.option(
    "--at",
    callback=moment_of,
    metavar="MOMENT",
    help="When, such as 2026-11-24T09:30Z; default: now.",
)


@click.command("send", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@click.option(
    "--to",
    "partners",
    multiple=True,
    required=True,
    metavar="PARTNER",
    help="A partner of `fedsafe partner list`. May be repeated.",
)
@click.option(
    "--called",
    metavar="REFERENCE",
    help="Where the call is recorded, if the partner's verification has expired.",
)
@click.option(
    "--dry-run", is_flag=True, help="Show what would be sent; store and send nothing."
)
@shared_options
@click.pass_context
def send(
    context: click.Context,
    /,
    case_id: str,
    partners: tuple[str, ...],
    called: str | None,
    *,
    dry_run: bool,
) -> ExitStatus:
    """Send an approved case, sealed, to partners: each gets what its class may receive.

    Each revision goes to a partner once; if you run this again, the same dispatch is
    shown. If the node cannot deliver a package itself, it waits for you: `fedsafe case
    handed`.

    \b
    Examples:
      fedsafe case send CASE --to bka --dry-run
      fedsafe case send CASE --to bka --to zac
    """  # noqa: D301
    settings = settings_of(context)
    body: dict[str, Any] = {"partners": sorted(set(partners)), "dry_run": dry_run}
    if called is not None:
        body["called"] = called
    path = f"/v1/cases/{case_id_of(case_id)}/dispatches"
    return tell_plans(settings, personal(settings).post(path, body))


@click.command("dispatches", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@shared_options
@click.pass_context
def dispatches(context: click.Context, case_id: str) -> ExitStatus:
    """List a case's dispatches with every attempt, and what waits for a person.

    \b
    Example:
      fedsafe case dispatches CASE --json
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/cases/{case_id_of(case_id)}/dispatches"
    return tell_dispatches(settings, personal(settings).get(path))


@click.command("take", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@click.argument("dispatch", metavar="DISPATCH")
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    help="New file that only its owner can read; - is standard output.",
)
@shared_options
@click.pass_context
def take(
    context: click.Context, /, case_id: str, dispatch: str, output: str
) -> ExitStatus:
    """Write a sealed package to a file, to hand it over in a portal or on a disk.

    Only the partner's key opens it. With S/MIME or OpenPGP a file FILE.sig is written
    too: pass it along, so that the partner can first check all bytes with OpenSSL.
    Afterwards record the result with `fedsafe case handed`. A package is refused if it
    was recalled or acknowledged, if the partner's entry has changed since, or while
    sending is off.

    \b
    Example:
      fedsafe case take CASE DISPATCH --output bka.fedsafe
    """  # noqa: D301
    settings = settings_of(context)
    check_new(output, signed=True)
    dispatch = _dispatch(settings, case_id, dispatch)
    path = f"/v1/cases/{case_id_of(case_id)}/dispatches/{dispatch}/package"
    status = write_content(settings, personal(settings).get(path), output)
    tell_taken(settings, case_id, dispatch)
    return status


@click.command("handed", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@click.argument("dispatch", metavar="DISPATCH")
@word("way", Way, "Way by which it was handed over; not with kept_back")
@click.option(
    "--reference",
    metavar="REFERENCE",
    help="Their reference, such as the portal's number.",
)
@click.option(
    "--outcome",
    type=click.Choice(_OUTCOMES),
    default="delivered",
    show_default=True,
    help="Result; kept_back: you took it, and it never left you.",
)
@click.option(
    "--taken-by",
    metavar="NAME",
    help="With kept_back: who took the package, if not you.",
)
@_AT
@shared_options
@click.pass_context
def handed(  # noqa: PLR0913 - an option each
    context: click.Context,
    /,
    case_id: str,
    dispatch: str,
    way: str | None,
    reference: str | None,
    outcome: Literal["delivered", "unreachable", "refused", "kept_back"],
    taken_by: str | None,
    at: int | None,
) -> ExitStatus:
    """Record that you handed a package over by portal, phone or letter, or tried to.

    If somebody took a package (`fedsafe case take`) and never handed it over, destroy
    the file, then record --outcome kept_back. After a recall this withdraws the
    correction, once nobody has the package in hand any more.

    \b
    Examples:
      fedsafe case handed CASE DISPATCH --way portal --reference BKA-2026/4711
      fedsafe case handed CASE DISPATCH --way phone --outcome unreachable
      fedsafe case handed CASE DISPATCH --outcome kept_back
    """  # noqa: D301
    if (way is None) is not (outcome == _KEPT_BACK):
        raise misused(Phrase("give --way, or --outcome kept_back without one"))
    if taken_by is not None and outcome != _KEPT_BACK:
        raise misused(Phrase("--taken-by goes with --outcome kept_back"))
    given = {"way": way, "reference": reference, "taken_by": taken_by}
    body: dict[str, Any] = {
        "at": at or int(time.time()),  # noqa: TID251 - now
        "outcome": outcome,
        **{name: value for name, value in given.items() if value is not None},
    }
    return _note(context, case_id, dispatch, "handed", body, outcome)


@click.command("acknowledged", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@click.argument("dispatch", metavar="DISPATCH")
@click.option(
    "--reference", required=True, metavar="REFERENCE", help="The partner's file number."
)
@_AT
@shared_options
@click.pass_context
def acknowledged(
    context: click.Context,
    /,
    case_id: str,
    dispatch: str,
    reference: str,
    at: int | None,
) -> ExitStatus:
    """Record that a partner has acknowledged a package.

    A delivered package is not yet acknowledged. DISPATCH may be the 64 digits that
    `fedsafe open` shows the partner; the first 32 are yours. All digits that you type
    are compared.

    \b
    Example:
      fedsafe case acknowledged CASE DISPATCH --reference 2026/4711
    """  # noqa: D301
    moment = at or int(time.time())  # noqa: TID251 - now
    body = {"at": moment, "reference": reference}
    return _note(context, case_id, dispatch, "acknowledged", body)


@click.command("receive", cls=SpokenCommand)
@click.argument("file", type=ReadFile(), metavar="FILE|-")
@shared_options
@click.pass_context
def receive(context: click.Context, file: BinaryIO) -> ExitStatus:
    """Record a mail that answers a package as its acknowledgement.

    The mail acknowledges the package whose token it contains; an automatic reply
    acknowledges nothing. If the mail bounced, the package goes by the partner's next
    channel, or waits for you. Only the header is read; the token shows who could have
    written, not who did. A mail signed with OpenPGP is read as a whole, to verify that
    the partner's key has signed the token. Only a digest of the Message-ID and the name
    of the signing key are stored.

    \b
    Examples:
      fedsafe case receive reply.eml
      fedsafe case receive - < reply.eml
    """  # noqa: D301
    settings = settings_of(context)
    header = _header(file)
    body = {"headers": b64encode(header).decode("ascii")}
    if (signed := _signed(header, file)) is not None:
        body["body"] = b64encode(signed).decode("ascii")
    return tell_reply(settings, personal(settings).post("/v1/replies", body))


def _header(file: BinaryIO) -> bytes:
    """Read a message up to its first empty line.

    Raises:
        BadInputError: it has no header, or one that is too long.
    """
    kept = bytearray()
    while (line := file.readline(_MOST_HEADER + 1)).strip(b"\r\n"):
        kept += line
        if len(kept) > _MOST_HEADER:
            raise BadInputError(
                Phrase("the header is longer than {most_header} bytes").filled(
                    most_header=_MOST_HEADER
                )
            )
    if not kept:
        raise BadInputError(
            Phrase("that is no message: it does not begin with a header")
        )
    return bytes(kept)


def _signed(header: bytes, file: BinaryIO) -> bytes | None:
    """Read what follows the header if it is signed with OpenPGP, else let go of it.

    Raises:
        BadInputError: it is signed, and too long to be verified.
    """
    rest = file.read(_MOST_BODY + 1)
    while file.read(_MOST_HEADER):  # a pipe that is shut early fails its writer
        pass
    if _IN_PARTS.search(header) is None and _CLEAR not in rest:
        return None
    if len(rest) > _MOST_BODY:
        raise BadInputError(
            Phrase("what is signed is longer than {most_body} bytes").filled(
                most_body=_MOST_BODY
            ),
            Phrase("note it by hand: `fedsafe case acknowledged`"),
        )
    return rest


def _note(  # noqa: PLR0913 - what is noted
    context: click.Context,
    case_id: str,
    dispatch: str,
    what: str,
    body: dict[str, Any],
    outcome: str | None = None,
) -> ExitStatus:
    settings = settings_of(context)
    dispatch = _dispatch(settings, case_id, dispatch)
    path = f"/v1/cases/{case_id_of(case_id)}/dispatches/{dispatch}/{what}"
    answer = personal(settings).change(path, body)
    return tell_dispatch_receipt(settings, answer, outcome)


def _dispatch(settings: Settings, case_id: str, text: str) -> str:
    """Read a dispatch; a partner is shown 64 digits, of which it is the first half.

    All that was typed is compared: digits read out wrong name something else.

    Raises:
        BadInputError: no dispatch of this case has these 64 digits.
    """
    if len(text) not in {_DIGITS, 2 * _DIGITS} or set(text) - set("0123456789abcdef"):
        raise misused(
            Phrase(
                "a dispatch is named by 32 hexadecimal digits, "
                "or the 64 that a partner has"
            )
        )
    path = f"/v1/cases/{case_id_of(case_id)}/dispatches"
    if len(text) == 2 * _DIGITS:
        known = personal(settings).get(path)["dispatches"]
        if text not in {each["key"] for each in known}:
            raise BadInputError(
                Phrase("no dispatch of this case has these 64 digits"),
                Phrase(
                    "compare them with those of the partner: `fedsafe case dispatches`"
                ),
            )
    return text[:_DIGITS]
