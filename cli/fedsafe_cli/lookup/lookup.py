# SPDX-License-Identifier: Apache-2.0
"""`fedsafe lookup`: is there a signal for this?

The path that a sign-up waits for: everything it imports is chosen for that.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO

import click

from fedsafe_cli.lookup.lookup_client import Outcome, Terms, ask_all, unanswered
from fedsafe_cli.lookup.verdicts import Form, numbered, show_all
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import BadInputError, CliError
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.findings import one_of, surface_option
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.inputs import (
    KINDS,
    LONGEST_RECORD,
    STDIN,
    Account,
    Fault,
    Hints,
    from_arguments,
    from_lines,
    from_records,
    opened,
    read_lines,
    together,
)
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.progress import reading
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose


@click.command(cls=SpokenCommand)
@click.argument("values", nargs=-1, metavar="[-|VALUE…]")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    metavar="KIND",
    help=one_of("Kind of all values", KINDS),
)
@click.option(
    "--file", "file", metavar="FILE", help="Read values from FILE, one per line."
)
@click.option(
    "--ndjson",
    is_flag=True,
    help="Read JSON objects, one per line, and print answers as such.",
)
@click.option(
    "--region", metavar="DE", help="Country of phone numbers in national form."
)
@click.option("--namespace", metavar="NAME", help="Platform or vendor of the values.")
@click.option(
    "--subject-ref",
    metavar="[SERVICE/]REF",
    help="Your reference to the account; all values then belong to this account.",
)
@click.option(
    "--purpose",
    type=click.Choice([purpose.value for purpose in Purpose]),
    default=Purpose.SIGNUP_CHECK.value,
    show_default=True,
    metavar="PURPOSE",
    help=one_of("Why you ask", Purpose),
)
@surface_option(required=False)
@click.option(
    "--deadline-ms",
    type=click.IntRange(10, 60_000),
    help="Give up after this many milliseconds.",
)
@shared_options
@click.pass_context
def lookup(  # noqa: PLR0913, PLR0917 (one parameter an option)
    context: click.Context,
    values: tuple[str, ...],
    kind: str | None,
    file: str | None,
    ndjson: bool,  # noqa: FBT001 (click's)
    region: str | None,
    namespace: str | None,
    subject_ref: str | None,
    purpose: str,
    surface: str | None,
    deadline_ms: int | None,
) -> ExitStatus:
    """Look up whether there are signals for identifiers or digests.

    Pass values on standard input ("-") or in a file, one per line, or as arguments
    KIND:VALUE. Arguments are visible in the process list and stay in the shell history:
    use standard input for real people.

    \b
    Examples:
      printf '%s\\n' "$ADDRESS" | fedsafe lookup --kind email -
      fedsafe lookup --kind phone --region DE --file numbers.txt
      fedsafe lookup --ndjson --file accounts.ndjson > answers.ndjson
      fedsafe lookup email:anna@example.de
      fedsafe lookup --purpose moderation_review --surface public_content \\
          --subject-ref u-4711 --kind username --namespace chat.example -

    \b
    In a sign-up script: create the account restricted, review, decide.
      create_account --restricted "$ID"
      printf '%s\\n' "$ADDRESS" | fedsafe lookup --kind email --subject-ref "$ID" -
      case $? in
        0) lift_restriction "$ID" ;;
        10) queue_for_review "$ID" ;;
        14) lift_restriction "$ID"; queue_for_review "$ID" ;;
        5) have_it_corrected "$ID" ;;
        4 | 11 | 12) ask_again_later "$ID" ;;
        *) call_operator "$ID" ;;
      esac

    Answers come in the order of the input. Of several exit statuses the most serious
    wins: 1, 4, 3, 10, 14, 5, 11, 12, 0. If one value of an account cannot be read, the
    answer names it, and the other values are looked up all the same.
    """  # noqa: D301
    settings = settings_of(context)
    hints = Hints(kind=kind, region=region, namespace=namespace)
    terms = Terms(purpose=purpose, surface=surface, deadline_ms=deadline_ms)
    _need_surface(terms)
    form = Form(
        json=settings.json and not ndjson,
        ndjson=ndjson,
        language=settings.language,
        silent=len(values) == 1 and values[0] != STDIN and file is None,
    )
    if file is None and values not in {(), (STDIN,)}:
        _refuse_mixture(values, ndjson=ndjson)
        items = from_arguments(values, hints, subject_ref)
        return _run(context, items, terms, form, None)
    if file is not None and values:
        raise misused(Phrase("give values or --file, not both"))
    with opened(file) as stream:
        items = _items(stream, hints, subject_ref, ndjson=ndjson)
        return _run(context, items, terms, form, stream)


def _need_surface(terms: Terms) -> None:
    if terms.surface is not None or terms.purpose == Purpose.SIGNUP_CHECK:
        return
    from fedsafe_policies.rules.lookups import NEED_SURFACE  # noqa: PLC0415 (only then)

    if terms.purpose in NEED_SURFACE:
        raise misused(
            Phrase(
                "--purpose {purpose} needs --surface: where the account or file is met"
            ).filled(purpose=terms.purpose)
        )


def _run(
    context: click.Context,
    items: Iterator[Account | Fault],
    terms: Terms,
    form: Form,
    stream: BinaryIO | None,
) -> ExitStatus:
    client = settings_of(context).client()
    if stream is None:
        return show_all(numbered(_all(client, items, terms)), form)
    with reading(stream) as advance:
        outcomes = _all(client, items, terms, advance)
        return show_all(numbered(outcomes), form)


def _all(
    client: Client,
    items: Iterator[Account | Fault],
    terms: Terms,
    advance: Callable[[int], None] | None = None,
) -> Iterator[Outcome]:
    try:
        yield from ask_all(client, items, terms, advance=advance)
    except CliError as error:
        # A program that pairs inputs with answers finds one for each.
        yield from (unanswered(item, error) for item in items)
        raise


def _refuse_mixture(values: tuple[str, ...], *, ndjson: bool) -> None:
    if STDIN in values:
        raise misused(Phrase('"-" stands alone: values come from one place'))
    if ndjson:
        raise misused(Phrase("--ndjson reads standard input or --file"))


def _items(
    stream: BinaryIO, hints: Hints, subject_ref: str | None, *, ndjson: bool
) -> Iterator[Account | Fault]:
    if ndjson:
        if subject_ref is not None:
            raise misused(Phrase("with --ndjson the subject_ref stands in the lines"))
        items = from_records(read_lines(stream, LONGEST_RECORD), hints)
    elif subject_ref is not None:
        texts = list(from_lines(read_lines(stream), hints))
        items = iter([together(texts, hints, subject_ref)] if texts else [])
    else:
        items = from_lines(read_lines(stream), hints)
    return _not_nothing(items)


def _not_nothing(items: Iterator[Account | Fault]) -> Iterator[Account | Fault]:
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        raise BadInputError(
            Phrase("the input is empty"), Phrase("give one value a line")
        )
