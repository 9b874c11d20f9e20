# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal keep` and `due`: yearly reviews of signals about files (P9)."""

from typing import Final

import click

from fedsafe_cli.exit_codes import OK, ExitStatus
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, line, table
from fedsafe_cli.reading import read_for, reading_purpose
from fedsafe_cli.sessions import personal
from fedsafe_cli.signal_ids import checked_id

_HEADINGS: Final = (
    ("Signal", "angelegt von", "zu prüfen bis"),
    ("signal", "author", "review by"),
)
_NOTHING: Final = (
    "in den nächsten zwei Monaten ist nichts zu prüfen",
    "nothing is due for a review within two months",
)
_KEPT: Final = (
    "{signal} gilt weiter; das nächste Mal zu prüfen bis {review_by}",
    "{signal} lives on; the next review is due by {review_by}",
)


@click.command("due")
@reading_purpose
@shared_options
@click.pass_context
def due(context: click.Context, /, *, purpose: str | None) -> ExitStatus:
    """List the signals about files whose yearly review is due within two months.

    What nobody has reviewed by then is revoked by itself.

    \b
    Example:
      fedsafe signal due
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(read_for("/v1/signals/due", purpose))
    language = 0 if settings.german else 1
    if settings.json:
        document(answer)
    elif answer["signals"]:
        names = ("signal", "author", "review_by")
        rows = [[str(each[name]) for name in names] for each in answer["signals"]]
        table(_HEADINGS[language], rows)
    else:
        line(_NOTHING[language])
    return OK


@click.command("keep")
@click.argument("signal_id", metavar="SIGNAL")
@shared_options
@click.pass_context
def keep(context: click.Context, signal_id: str) -> ExitStatus:
    """Let a signal about a file live on for another year, after you reviewed it.

    Takes a reviewer who is not its author. A signal about a person ends with its
    term; it has no second one.

    \b
    Example:
      fedsafe signal keep SIGNAL
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/signals/{checked_id(signal_id)}/keep"
    answer = personal(settings).change(target, None)
    if settings.json:
        document(answer)
    else:
        line(_KEPT[0 if settings.german else 1].format(**answer))
    return OK
