# SPDX-License-Identifier: Apache-2.0
"""A file as evidence of a case: digested here, named by its place, never sent."""

import mimetypes
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from fedsafe_cli.lookup.file_digests import FileFaultError, digests_of
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import misused
from fedsafe_cli.terminal.moments import moment_of, written
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.escalation.vocabulary import Clock
from fedsafe_policies.ground.catalogue import Phrase

Function = TypeVar("Function", bound=Callable[..., Any])
_CLOCKS: Final = tuple(clock.value for clock in Clock)
_UNKNOWN: Final = "application/octet-stream"


def attachment_options(function: Function) -> Function:
    """Add what an attachment takes."""
    for option in reversed(
        (
            click.argument("file", metavar="FILE"),
            click.option(
                "--object",
                "object_id",
                required=True,
                metavar="ID",
                help="Name of the object in your vault.",
            ),
            click.option(
                "--held-at",
                required=True,
                metavar="PLACE",
                help="Where your organisation holds it.",
            ),
            click.option(
                "--hold", required=True, metavar="ID", help="Hold that preserves it."
            ),
            click.option(
                "--by",
                required=True,
                metavar="PSEUDONYM",
                help="Who captured it: a pseudonym.",
            ),
            click.option(
                "--captured",
                callback=moment_of,
                metavar="MOMENT",
                help="When it was captured, such as 2026-11-24T09:30Z; default: now.",
            ),
            click.option(
                "--clock",
                type=click.Choice(_CLOCKS),
                default="unknown",
                metavar="WORD",
                help=one_of("Clock that this time was read from", _CLOCKS),
            ),
            click.option(
                "--type",
                "media_type",
                metavar="TYPE",
                help="Media type, such as text/plain; default: by the file's name.",
            ),
        )
    ):
        function = option(function)
    return function


def attachment_of(given: dict[str, Any]) -> dict[str, object]:
    """Describe a file by digest and place.

    Raises:
        click.UsageError: it cannot be read.
    """
    path = given["file"]
    try:
        size, digests = digests_of(path)
    except FileFaultError as error:
        raise misused(
            Phrase("{name}: {why}").filled(name=printable(path), why=error.fault.detail)
        ) from None
    captured = given["captured"] or int(time.time())  # noqa: TID251 - now
    guessed, _ = mimetypes.guess_type(path)
    return {
        "object_id": given["object_id"],
        "sha256": digests["sha256"],
        "blake3": digests["blake3"],
        "size": size,
        "media_type": given["media_type"] or guessed or _UNKNOWN,
        "captured_at": written(captured),
        "clock": given["clock"],
        "captured_by": given["by"],
        "held_at": given["held_at"],
        "hold_id": given["hold"],
    }
