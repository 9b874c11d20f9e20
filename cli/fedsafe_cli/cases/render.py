# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case render` and `pack`: a case, or many as numbers, into a new file.

The file holds what the case holds, so it is readable for its owner only and never
written over another. `-` is standard output, for a program that takes it from there.
A sealed package has its signature beside it, as a file of the same name and `.sig`.
"""

import base64
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import click

from fedsafe_cli.cases.assessment import case_id_of, word
from fedsafe_cli.terminal.errors import (
    BadInputError,
    BrokenAnswerError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_node.casework.rendering.pack import Quarter
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.vocabulary import (
    Classification,
    Form,
    Language,
    PartnerClass,
    Written,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_WRITTEN: Final = Phrase("written")
_MARKS: Final = {
    "draft": Phrase("a draft: not released, do not send it"),
    "test": Phrase("an exercise"),
}

STANDARD_OUTPUT: Final = "-"
_ENDING: Final = ".sig"
_BESIDE: Final = Phrase(
    "fedsafe: give {} along: the partner first checks every byte by it (OpenSSL)"
)
_NOT_BESIDE: Final = Phrase(
    "fedsafe: without its signature: name a file, and it lies beside that"
)

_UNENDED: Final = Phrase(
    "careful: {quarter} has not ended yet; its numbers will change"
)


@click.command("render", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@word("as", Form, "Kind of document", required=True)
@word("for", PartnerClass, "Class of partner; not for dsa-row")
@word("written", Written, "Format of a document for people; default: html")
@word("language", Language, "Language; default: that of the answers")
@word("classification", Classification, "Class of the material, for X-ARF")
@click.option(
    "--automated-detection",
    type=click.Choice(["yes", "no"]),
    metavar="WORD",
    help="For dsa-row, whether the content was found by automated means: yes or no.",
)
@click.option("--test", is_flag=True, help="Exercise: the document says TEST.")
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    help="New file that only its owner can read; - is standard output.",
)
@reading_purpose
@shared_options
@click.pass_context
def render(context: click.Context, /, case_id: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Write a case as a document or report for one class of partner.

    The document holds what the minimisation matrix allows for that class. Before the
    case is approved for the class, every page says DRAFT. The node records the event
    and keeps no copy.

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
        "language": given["language"] or _paper(settings),
        "classification": given["classification"],
        "automated_detection": given["automated_detection"],
        "test": "yes" if given["test"] else None,
        "purpose": given["purpose"],
    }
    answer = personal(settings).get(
        f"/v1/cases/{case_id_of(case_id)}/rendering?{_query(query)}"
    )
    return write_content(settings, answer, file)


@click.command("pack", cls=SpokenCommand)
@click.argument("quarter", metavar="QUARTER")
@word("written", Written, "Format; default: html")
@word("language", Language, "Language; default: that of the answers")
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    help="New file that only its owner can read; - is standard output.",
)
@reading_purpose
@shared_options
@click.pass_context
def pack(context: click.Context, /, quarter: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Write the quarterly report for the BzKJ: numbers of many cases, no single case.

    It counts misused features, phenomena, measures, and what was done about each
    feature, over the cases that became known in the quarter. Numbers below ten cases
    are left out.

    \b
    Example:
      fedsafe case pack 2026-Q4 --written pdf --language de --output bzkj.pdf
    """  # noqa: D301
    settings, file = settings_of(context), str(given["output"])
    try:
        asked = Quarter.parse(quarter)
    except RenderingError:
        raise misused(Phrase("want a quarter such as 2026-Q4")) from None
    check_new(file)
    query = {
        "written": given["written"],
        "language": given["language"] or _paper(settings),
        "purpose": given["purpose"],
    }
    target = f"/v1/packs/{asked}?{_query(query)}"
    if asked.ends.timestamp() > time.time():  # noqa: TID251 - now
        note(_UNENDED.said(settings.language).format(quarter=asked))
    return write_content(settings, personal(settings).get(target), file)


def check_new(file: str, *, signed: bool = False) -> None:
    """Refuse to write over a file, or what is to lie beside it, before a node is asked.

    Raises:
        BadInputError: it is there.
    """
    if file == STANDARD_OUTPUT:
        return
    for each in (file, f"{file}{_ENDING}") if signed else (file,):
        if os.path.lexists(each):
            raise BadInputError(
                Phrase("{file} exists already").filled(file=printable(each)),
                Phrase("name a new file"),
            )


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
    content, language = _content(answer), settings.language
    if file == STANDARD_OUTPUT:
        write_out(settings, content, answer)
        return OK
    beside = write_signed(file, content, answer)
    if settings.json:
        kept = {name: answer[name] for name in ("name", "media_type", "sha256")}
        document(kept | {"file": file} | beside)
        return OK
    words = _MARKS.get(str(answer.get("mark")))
    what = "" if words is None else f" ({words.said(language)})"
    note(f"fedsafe: {_WRITTEN.said(language)}: {printable(file)}{what}")
    note(f"fedsafe: SHA-256 {answer['sha256']}")
    tell_signature(settings, beside)
    return OK


def write_out(settings: Settings, content: bytes, answer: Mapping[str, Any]) -> None:
    """Write what an answer holds to standard output, which has room for that alone."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    if answer.get("signature") is not None:
        note(_NOT_BESIDE.said(settings.language))


def write_signed(
    file: str, content: bytes, answer: Mapping[str, Any]
) -> dict[str, str]:
    """Write a new file, and the signature that an answer has for it; both or none.

    What lies beside it is returned by name, for a program. The signature is there
    first, so that whoever sees the file finds it.

    Raises:
        BadInputError: one of them cannot be made.
        BrokenAnswerError: the signature is no base64.
    """
    if answer.get("signature") is None:
        new_files((file, content))
        return {}
    signed = bytes_in(answer, "signature")
    beside = f"{file}{_ENDING}"
    new_files((beside, signed), (file, content))
    return {"signature_file": beside}


def tell_signature(settings: Settings, beside: Mapping[str, str]) -> None:
    """Tell what the file is for that lies beside a sealed one."""
    for file in beside.values():
        note(_BESIDE.said(settings.language).format(printable(file)))


def _content(answer: Mapping[str, Any]) -> bytes:
    """Take the bytes out of an answer, if they are what it says."""
    content = bytes_in(answer, "content")
    if sha256(content).hexdigest() != answer.get("sha256"):
        raise _broken()
    return content


def bytes_in(answer: Mapping[str, Any], name: str) -> bytes:
    """Take bytes out of an answer.

    Raises:
        BrokenAnswerError: there are none, or not in base64.
    """
    try:
        return base64.b64decode(str(answer[name]), validate=True)
    except (KeyError, ValueError):  # ValueError: another letter than ASCII's
        raise _broken() from None


def _broken() -> BrokenAnswerError:
    return BrokenAnswerError(Phrase("the paper is not what the node says of it"))


def new_files(*files: tuple[str, bytes]) -> None:
    """Write new files that only their owner can read: all of them, or none.

    Raises:
        BadInputError: one cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    made: list[str] = []
    name = ""
    try:
        for name, content in files:
            descriptor = os.open(name, flags, 0o600)
            made.append(name)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
    except BaseException as error:
        for each in made:
            with suppress(OSError):
                os.unlink(each)  # noqa: PTH108 - may be any name
        if not isinstance(error, OSError | ValueError):
            raise
        why = reason_of(error, Phrase("cannot be written"))
        raise BadInputError(
            Phrase("{name}: {why}").filled(name=printable(name), why=why)
        ) from None


def _paper(settings: Settings) -> str:
    from fedsafe_node.words.casework import paper_language  # noqa: PLC0415 (slow)

    return paper_language(settings.language).value
