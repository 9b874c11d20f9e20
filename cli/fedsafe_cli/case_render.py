# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case render` and `pack`: a case, or many as numbers, into a new file.

The file holds what the case holds, so it is readable for its owner only and never
written over another. `-` is standard output, for a program that takes it from there.
"""

import base64
import binascii
import os
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import click

from fedsafe_cli.case_assessment import case_id_of, word
from fedsafe_cli.errors import BadInputError, BrokenAnswerError
from fedsafe_cli.exit_codes import OK, ExitStatus
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, note
from fedsafe_cli.reading import reading_purpose
from fedsafe_cli.sessions import personal
from fedsafe_cli.settings import Settings, printable
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.rendering.document import Language
from fedsafe_policies.escalation.rendering.forms import Form, Written
from fedsafe_policies.escalation.rendering.pack import Quarter
from fedsafe_policies.escalation.rendering.xarf import Classification
from fedsafe_policies.escalation.vocabulary import PartnerClass

_MARKS: Final = {
    "draft": (
        "ein Entwurf: nicht freigegeben, nicht versenden",
        "a draft: not released, do not send it",
    ),
    "test": ("eine Übung", "an exercise"),
}

_UNENDED: Final = (
    "Vorsicht: {quarter} ist noch nicht zu Ende; die Zahlen werden sich ändern",
    "careful: {quarter} has not ended yet; its numbers will change",
)


@click.command("render")
@click.argument("case_id", metavar="CASE")
@word("as", Form, "As what it is written", required=True)
@word("for", PartnerClass, "For whom; dsa-row is for nobody")
@word("written", Written, "How a form for people is written; default: html")
@word("language", Language, "In which language; default: that of the answers")
@word("classification", Classification, "Of which class material is, for X-ARF")
@click.option(
    "--automated-detection",
    type=click.Choice(["yes", "no"]),
    metavar="WORD",
    help="Was the content found by automated means (dsa-row)? One of: yes, no.",
)
@click.option("--test", is_flag=True, help="An exercise: the paper says TEST.")
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    help="A new file, readable for its owner only; - is standard output.",
)
@reading_purpose
@shared_options
@click.pass_context
def render(context: click.Context, /, case_id: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Write a case as a paper or report for one class of partner.

    It holds what the minimisation matrix gives that class. Before the case is
    approved for it every page says DRAFT; the node keeps the event and no copy.

    \b
    Examples:
      fedsafe case render CASE --for law_enforcement --as portal-sheet \\
        --written pdf --language de --output meldebogen.pdf
      fedsafe case render CASE --for hotline --as xarf --output report.json
      fedsafe case render CASE --as dsa-row --automated-detection no \\
        --output row.json
    """  # noqa: D301
    settings, file = settings_of(context), str(given["output"])
    check_new(file)
    query = {
        "form": given["as"],
        "partner": given["for"],
        "written": given["written"],
        "language": given["language"] or ("de" if settings.german else "en"),
        "classification": given["classification"],
        "automated_detection": given["automated_detection"],
        "test": "yes" if given["test"] else None,
        "purpose": given["purpose"],
    }
    answer = personal(settings).get(
        f"/v1/cases/{case_id_of(case_id)}/rendering?{_query(query)}"
    )
    return write_content(settings, answer, file)


@click.command("pack")
@click.argument("quarter", metavar="QUARTER")
@word("written", Written, "How it is written; default: html")
@word("language", Language, "In which language; default: that of the answers")
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    help="A new file, readable for its owner only; - is standard output.",
)
@reading_purpose
@shared_options
@click.pass_context
def pack(context: click.Context, /, quarter: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Write the quarterly pack for the BzKJ: numbers of many cases, and no case.

    Misused features, phenomena, measures and what was done about each feature, over
    the cases that became known in the quarter; nothing of fewer than ten cases.

    \b
    Example:
      fedsafe case pack 2026-Q4 --written pdf --language de --output bzkj.pdf
    """  # noqa: D301
    settings, file = settings_of(context), str(given["output"])
    try:
        asked = Quarter.parse(quarter)
    except RenderingError as error:
        raise click.UsageError(str(error)) from None
    check_new(file)
    query = {
        "written": given["written"],
        "language": given["language"] or ("de" if settings.german else "en"),
        "purpose": given["purpose"],
    }
    target = f"/v1/packs/{asked}?{_query(query)}"
    if asked.ends.timestamp() > time.time():  # noqa: TID251 - now
        note(_UNENDED[not settings.german].format(quarter=asked))
    return write_content(settings, personal(settings).get(target), file)


def check_new(file: str) -> None:
    """Refuse to write over a file, before the node is asked."""
    if file != "-" and os.path.lexists(file):
        raise BadInputError(f"{printable(file)} exists already", "name a new file")


def _query(values: Mapping[str, str | None]) -> str:
    return urlencode({name: value for name, value in values.items() if value})


def write_content(
    settings: Settings, answer: Mapping[str, Any], file: str
) -> ExitStatus:
    """Write what an answer holds into a new file, and tell its digest.

    Raises:
        BadInputError: the file cannot be made.
        BrokenAnswerError: the bytes are not what the node says of them.
    """
    content = _content(answer)
    if file == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return OK
    new_file(file, content)
    if settings.json:
        kept = {name: answer[name] for name in ("name", "media_type", "sha256")}
        document(kept | {"file": file})
        return OK
    words = _MARKS.get(str(answer.get("mark")))
    what = "" if words is None else f" ({words[0 if settings.german else 1]})"
    made = "geschrieben" if settings.german else "written"
    note(f"fedsafe: {made}: {printable(file)}{what}")
    note(f"fedsafe: SHA-256 {answer['sha256']}")
    return OK


def _content(answer: Mapping[str, Any]) -> bytes:
    """Take the bytes out of an answer, if they are what it says."""
    try:
        content = base64.b64decode(str(answer["content"]), validate=True)
    except (KeyError, binascii.Error):
        raise _broken() from None
    if sha256(content).hexdigest() != answer["sha256"]:
        raise _broken()
    return content


def _broken() -> BrokenAnswerError:
    return BrokenAnswerError("the paper is not what the node says of it")


def new_file(file: str, content: bytes) -> None:
    """Write a new file that only its owner can read.

    Raises:
        BadInputError: it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(file, flags, 0o600), "wb") as stream:
            stream.write(content)
    except OSError as error:
        why = error.strerror or "cannot be written"
        raise BadInputError(f"{printable(file)}: {why}") from None
