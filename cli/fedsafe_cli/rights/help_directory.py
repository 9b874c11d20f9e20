# SPDX-License-Identifier: Apache-2.0
"""`fedsafe help-directory`: read and check offers of help, and the reply to minors.

Works on files and on what is shipped, without a node.
"""

import time
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.texts import in_either
from fedsafe_policies.ground.catalogue import Phrase, all_said

if TYPE_CHECKING:
    from fedsafe_policies.ground.reasons import Text
    from fedsafe_policies.help.choice import Gap, Shown
    from fedsafe_policies.help.harm import Finding
    from fedsafe_policies.help.offers import Directory

MAX_BYTES: Final = 1 << 20
AUDIENCES: Final = ("affected", "relatives", "friends", "professionals", "worried")
_WORDS: Final = {
    "affected": Phrase("affected"),
    "relatives": Phrase("relatives"),
    "friends": Phrase("friends"),
    "professionals": Phrase("professionals"),
    "worried": Phrase("worried about own behaviour"),
    "minor": Phrase("minor"),
    "adult": Phrase("adult"),
    "chat": Phrase("chat"),
    "messenger": Phrase("messenger"),
    "phone": Phrase("phone"),
    "mail": Phrase("e-mail"),
    "form": Phrase("form"),
    "web": Phrase("web"),
}
_OFFERS: Final = (Phrase("offer"), Phrase("ways"), Phrase("page"))
_GAPS: Final = (
    Phrase.within("help directory", "who"),
    Phrase("language"),
    Phrase("age"),
    Phrase("missing"),
)
_STALE: Final = (Phrase("to look up"), Phrase("way"), Phrase("source as of"))
_APPROVED: Final = Phrase("Approved by {person}, {organisation}, on {on}.")
_DRAFT: Final = Phrase(
    "Draft: no specialised counselling centre has approved these words."
)
_WHOLE: Final = Phrase("Every audience has a chat and a phone in both languages.")
Json = dict[str, Any]
_FILE: Final = click.argument("file", metavar="[FILE]", required=False)


@click.group("help-directory", cls=SpokenGroup)
def help_directory() -> None:
    """Read and check the help directory, and the reply to affected minors.

    FILE is the provider's own document; it is added to the shipped directory. Without
    FILE, only the shipped directory is used. A node uses the document that `help` in
    its node.toml names.

    \b
    Examples:
      fedsafe help-directory list --audience affected --age minor
      fedsafe help-directory check help.toml
      fedsafe help-directory reply help.toml --lang de
    """  # noqa: D301


@help_directory.command("list")
@_FILE
@click.option("--audience", type=click.Choice(AUDIENCES), default="affected")
@click.option("--age", type=click.Choice(("minor", "adult")), default="minor")
@click.option("--urgent", is_flag=True, help="Somebody is in danger now.")
@shared_options
@click.pass_context
def list_offers(
    context: click.Context,
    /,
    *,
    file: str | None,
    audience: str,
    age: str,
    urgent: bool,
) -> ExitStatus:
    """List offers as shown today, without numbers that nobody has verified.

    \b
    Example:
      fedsafe help-directory list help.toml --audience relatives --age adult
    """  # noqa: D301
    from fedsafe_policies.help.choice import Seeker, choose  # noqa: PLC0415 (slow)
    from fedsafe_policies.help.offers import Age, Audience, Tongue  # noqa: PLC0415

    settings = settings_of(context)
    tongue = Tongue.DE if settings.language == "de" else Tongue.EN
    seeker = Seeker(Audience(audience), tongue, Age(age), urgent)
    shown = choose(_directory(file), seeker, _today())
    if settings.json:
        document({"offers": [_offer(each) for each in shown]})
        return OK
    rows = [
        (
            _said(each.offer.name, language=settings.language),
            ", ".join(
                _way(channel, language=settings.language) for channel in each.channels
            ),
            each.offer.url or "",
        )
        for each in shown
    ]
    table(all_said(_OFFERS, settings.language), rows)
    return OK


@help_directory.command("check")
@_FILE
@shared_options
@click.pass_context
def check(context: click.Context, file: str | None) -> ExitStatus:
    """Check a directory and its reply; show what is missing and what to look up.

    Errors are reported with key and line, harmful advice with its block; the exit
    status is then 5. Missing parts are listed; the exit status is then 0.

    \b
    Example:
      fedsafe help-directory check help.toml
    """  # noqa: D301
    from fedsafe_policies.help.choice import gaps  # noqa: PLC0415 (slow to load)
    from fedsafe_policies.help.harm import find_harm  # noqa: PLC0415

    settings = settings_of(context)
    directory, day = _directory(file), _today()
    harm = find_harm(directory.reply)
    missing, stale = gaps(directory, day), _stale(directory, day)
    if settings.json:
        document(
            {
                "harm": [_finding(each, language="en") for each in harm],
                "missing": [_gap(each) for each in missing],
                "stale": [{"offer": o, "way": w, "as_of": a} for o, w, a in stale],
            }
        )
    else:
        _tell(harm, missing, stale, language=settings.language)
    return ExitStatus.BAD_INPUT if harm else OK


@help_directory.command("reply")
@_FILE
@shared_options
@click.pass_context
def reply(context: click.Context, file: str | None) -> ExitStatus:
    """Print the reply to an affected minor, who has approved it, and its digest.

    To approve it, write person, organisation, day and this digest under
    [reply.approved] of the provider's document; the approval is valid for a year.

    \b
    Example:
      fedsafe help-directory reply help.toml --lang de
    """  # noqa: D301
    from fedsafe_policies.help.replies import Block  # noqa: PLC0415 (slow to load)

    settings = settings_of(context)
    words = _directory(file).reply
    is_approved, approved = words.is_approved(_today()), words.approved
    if settings.json:
        blocks = {
            block.value: {"de": words.block(block).de, "en": words.block(block).en}
            for block in Block
        }
        document({"approved": is_approved, "digest": words.digest, "blocks": blocks})
        return OK
    if is_approved and approved is not None:
        said = {"person": approved.person, "organisation": approved.organisation}
        line(_APPROVED.said(settings.language).format(**said, on=approved.on))
    else:
        line(_DRAFT.said(settings.language))
    for block in Block:
        line()
        for each in _said(words.block(block), language=settings.language).split("\n"):
            line(each.strip())
    line()
    line(f"SHA-256 {words.digest}")
    return OK


def _directory(file: str | None) -> "Directory":
    from fedsafe_policies.errors import PolicyFileError  # noqa: PLC0415 (slow)
    from fedsafe_policies.help.offers import (  # noqa: PLC0415
        load_directory,
        shipped_directory,
    )

    if file is None:
        return shipped_directory()
    text = read_small(file, MAX_BYTES, "name a document of help, such as help.toml")
    try:
        return load_directory(text, shipped_directory())
    except PolicyFileError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=file, why=error)
        ) from None


def _stale(directory: "Directory", day: int) -> list[tuple[str, str, str]]:
    return [
        (name, channel.way.value, channel.as_of or "")
        for name, offer in directory.offers.items()
        for channel in offer.channels
        if channel.address is None or not directory.is_current(name, channel.way, day)
    ]


def _tell(
    harm: "tuple[Finding, ...]",
    missing: "tuple[Gap, ...]",
    stale: list[tuple[str, str, str]],
    *,
    language: str,
) -> None:
    for each in harm:
        found = _finding(each, language=language)
        line(f"{found['block']} ({found['language']}): {found['why']}")
        if found["sentence"]:
            line(f"   {found['sentence']}")
    if missing:
        rows = [
            (
                _word(gap.audience.value, language=language),
                gap.tongue.value,
                _word(gap.age.value, language=language),
                _word(gap.missing.value, language=language),
            )
            for gap in missing
        ]
        table(all_said(_GAPS, language), rows)
    else:
        line(_WHOLE.said(language))
    if stale:
        line()
        rows_ = [
            (name, _word(way, language=language), as_of) for name, way, as_of in stale
        ]
        table(all_said(_STALE, language), rows_)


def _finding(finding: "Finding", *, language: str) -> Json:
    from fedsafe_policies.help.harm import WAYS_OUT  # noqa: PLC0415 (slow to load)

    return {
        "block": finding.block.value,
        "language": finding.tongue.value,
        "harm": finding.harm.value,
        "why": _said(WAYS_OUT[finding.harm], language=language),
        "sentence": finding.sentence,
    }


def _gap(gap: "Gap") -> Json:
    return {
        "audience": gap.audience.value,
        "language": gap.tongue.value,
        "age": gap.age.value,
        "missing": gap.missing.value,
    }


def _offer(shown: "Shown") -> Json:
    offer = shown.offer
    return {
        "id": shown.id,
        "sort": offer.sort.value,
        "name": {"de": offer.name.de, "en": offer.name.en},
        "url": offer.url,
        "channels": [
            {"way": channel.way.value, "address": channel.address}
            for channel in shown.channels
        ],
    }


def _way(channel: Any, *, language: str) -> str:  # noqa: ANN401 - a lazily loaded type
    address = f" {channel.address}" if channel.address else ""
    return f"{_word(channel.way.value, language=language)}{address}"


def _word(name: str, *, language: str) -> str:
    return _WORDS[name].said(language)


def _said(text: "Text", *, language: str) -> str:
    return in_either(text, language)


def _today() -> int:
    from fedsafe_policies.ground.span import today  # noqa: PLC0415 (slow to load)

    return today(int(time.time()))  # noqa: TID251 - today
