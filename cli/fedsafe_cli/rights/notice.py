# SPDX-License-Identifier: Apache-2.0
"""`fedsafe notice`: what listed persons are told, in which words, and what waits."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.ids import checked_id, checked_task
from fedsafe_cli.terminal.moments import ENDS, readable
from fedsafe_cli.terminal.options import Command, settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import of_both
from fedsafe_policies.ground.catalogue import Phrase, all_said

NAMES: Final = (
    *("statement_of_reasons", "data_protection_notice", "end_of_signal"),
    *("review_reasons", "rights_form", "code_letter", "rights_answer"),
    "rights_outcome",
)
REASONS: Final = ("bdsg_29_1", "bdsg_32_1_5", "bdsg_33_1_2a", "bdsg_33_1_2b")
_STANDINGS: Final[Mapping[str, Phrase]] = {
    "draft": Phrase("draft"),
    "signed": Phrase("signed off"),
    "expired": Phrase("sign-off has ended"),
}
_STATES: Final[Mapping[str, Phrase]] = {
    "waiting": Phrase("waits"),
    "announced": Phrase("is being delivered"),
    "delivered": Phrase("delivered"),
}
_KINDS: Final[Mapping[str, Phrase]] = {
    "publication": Phrase("publication"),
    "end": Phrase("end"),
    "review": Phrase("measure"),
}
_TEXTS: Final = (
    Phrase("text"),
    Phrase("standing"),
    Phrase("by"),
    Phrase("until"),
    Phrase("title"),
)
_NOTICES: Final = (
    Phrase("id"),
    Phrase("about"),
    Phrase("state"),
    Phrase("since"),
    Phrase("held back until"),
    Phrase("event"),
    Phrase("unsigned"),
)
_WAITING: Final = Phrase("{count} notices wait.")
_MINOR: Final = Phrase("For children and young people")
_LACKING: Final = Phrase(
    "The texts say only in general words what node.toml lacks: {names}."
)
_HELD: Final = Phrase("The notice about {about} is held back until {until}.")
Json = dict[str, Any]


@click.group(cls=SpokenGroup)
def notice() -> None:
    """Show notices to listed persons and their texts, and sign texts off.

    \b
    Examples:
      fedsafe notice texts
      fedsafe notice show statement_of_reasons --lang de
      fedsafe notice sign-off statement_of_reasons --until 2027-11-01
      fedsafe notice withhold SIGNAL --reason bdsg_29_1 --note file-9 --until 2026-12-20
    """  # noqa: D301


@notice.command("list")
@reading_purpose
@shared_options
@click.pass_context
def list_notices(context: click.Context, /, *, purpose: str | None) -> ExitStatus:
    """List notices that are waiting or being sent.

    \b
    Example:
      fedsafe notice list
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(read_for("/v1/notices", purpose))
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    table(
        all_said(_NOTICES, language),
        [_notice_row(each, language) for each in answer["notices"]],
    )
    return OK


@notice.command("texts")
@shared_options
@click.pass_context
def list_texts(context: click.Context) -> ExitStatus:
    """List the texts, and who has signed them off.

    \b
    Example:
      fedsafe notice texts --json
    """  # noqa: D301
    settings = settings_of(context)
    _tell_texts(settings, personal(settings).get("/v1/notices/texts"))
    return OK


@notice.command("show")
@click.argument("name", type=click.Choice(NAMES), metavar="TEXT")
@shared_options
@click.pass_context
def show(context: click.Context, name: str) -> ExitStatus:
    """Print a text as it is sent, with the names of its facts in braces.

    \b
    Example:
      fedsafe notice show data_protection_notice --lang de
    """  # noqa: D301
    settings = settings_of(context)
    text = _text(personal(settings).get("/v1/notices/texts"), name)
    if settings.json:
        document(text)
        return OK
    language = settings.language
    line(of_both(text["title"], language))
    line()
    for heading, body in _bodies(text, language):
        if heading:
            line()
            line(heading)
            line()
        for each in body:
            line(each)
    line()
    line(f"SHA-256 {text['digest']}")
    return OK


@notice.command("print")
@shared_options
@click.pass_context
def print_texts(context: click.Context) -> ExitStatus:
    """Print all texts in both languages as one document, to read before you sign off.

    The last line is the digest of all texts, for `sign-off --all --digest`.

    \b
    Example:
      fedsafe notice print > texts.md
    """  # noqa: D301
    settings = settings_of(context)
    texts = personal(settings).get("/v1/notices/texts")["texts"]
    if settings.json:
        document({"texts": texts, "digest": _digest_of(texts)})
        return OK
    for text in texts:
        for language in ("de", "en"):
            line(f"# {of_both(text['title'], language)} ({text['name']}, {language})")
            line()
            for heading, body in _bodies(text, language):
                if heading:
                    line(f"## {heading}")
                    line()
                for each in body:
                    line(each)
                line()
    line(f"SHA-256 {_digest_of(texts)}")
    return OK


@notice.command("sign-off")
@click.argument("name", type=click.Choice(NAMES), metavar="TEXT", required=False)
@click.option("--all", "every", is_flag=True, help="All texts, as printed.")
@click.option("--until", metavar="DAY", required=True, help=ENDS)
@click.option("--digest", metavar="HEX", help="Sign off exactly these words.")
@shared_options
@click.pass_context
def sign_off(
    context: click.Context,
    /,
    *,
    name: str | None,
    every: bool,
    until: str,
    digest: str | None,
) -> ExitStatus:
    """Sign off a text in both languages, as data protection officer or legal adviser.

    --all signs off all texts that `fedsafe notice print` printed; --digest is the last
    line of that document.

    \b
    Examples:
      fedsafe notice sign-off end_of_signal --until 2027-11-01
      fedsafe notice sign-off --all --until 2027-11-01 --digest 9f86d081…
    """  # noqa: D301
    if every is (name is not None):
        raise misused(Phrase("name one TEXT, or take --all"))
    if every and digest is None:
        raise misused(Phrase("--all takes the --digest that `notice print` printed"))
    settings = settings_of(context)
    client = personal(settings)
    answer = client.get("/v1/notices/texts")
    texts = answer["texts"] if name is None else [_text(answer, name)]
    if every and digest != _digest_of(texts):
        raise BadInputError(
            Phrase("the texts have other words than the document with that digest"),
            Phrase("print them anew with `fedsafe notice print`, and read them"),
        )
    for text in texts:
        exact = text["digest"] if digest is None or every else digest
        body = {"digest": exact, "valid_until": until}
        answer = client.post(f"/v1/notices/texts/{text['name']}/sign-off", body)
    _tell_texts(settings, answer)
    return OK


def _bodies(text: Json, language: str) -> list[tuple[str, list[str]]]:
    """Give what a text says, and under its heading what minors read."""
    found = [("", text["body"]), (_MINOR.said(language), text.get("minor"))]
    return [
        (heading, of_both(body, language).strip().split("\n"))
        for heading, body in found
        if body is not None
    ]


def _digest_of(texts: list[Json]) -> str:
    listed = "".join(f"{text['name']} {text['digest']}\n" for text in texts)
    return hashlib.sha256(listed.encode()).hexdigest()


def withhold_options(command: Command) -> Command:
    """Add why something is withheld from a person, and until when."""
    for option in (
        click.option(
            "--until",
            metavar="DAY",
            required=True,
            help="Withhold until this day, at most 30 days from now.",
        ),
        click.option(
            "--note",
            metavar="REFERENCE",
            required=True,
            help="Reference to the reason in your files.",
        ),
        click.option(
            "--reason",
            type=click.Choice(REASONS),
            required=True,
            help="Reason, one of the listed words.",
        ),
    ):
        command = option(command)
    return command


@notice.command("withhold")
@click.argument("about", metavar="SIGNAL|TASK")
@withhold_options
@shared_options
@click.pass_context
def withhold(
    context: click.Context, about: str, reason: str, note: str, until: str
) -> ExitStatus:
    """Delay the notice about a signal or a review; it is sent on the given day.

    \b
    Example:
      fedsafe notice withhold SIGNAL --reason bdsg_29_1 --note file-9 \\
          --until 2026-12-20
    """  # noqa: D301
    settings = settings_of(context)
    body = {"reason": reason, "note": note, "until": until}
    target = f"/v1/notices/{_checked(about)}/withhold"
    answer = personal(settings).post(target, body)
    if settings.json:
        document(answer)
    else:
        until = readable("until", answer["until"])
        said = {"about": _about(answer), "until": until}
        line(_HELD.said(settings.language).format(**said))
    return OK


def _checked(about: str) -> str:
    # It becomes a part of a path.
    return checked_id(about) if "-" in about else checked_task(about)


def _about(found: Json) -> str:
    return str(found.get("signal") or found.get("task"))


def _text(answer: Json, name: str) -> Json:
    for text in answer["texts"]:
        if text["name"] == name:
            return dict(text)
    raise BadInputError(Phrase("the node has no text {name}").filled(name=name))


def _tell_texts(settings: Settings, answer: Json) -> None:
    if settings.json:
        document(answer)
        return
    language = settings.language
    rows = [
        (
            text["name"],
            _STANDINGS[text["standing"]].said(language),
            text.get("signed_by"),
            text.get("valid_until"),
            of_both(text["title"], language),
        )
        for text in answer["texts"]
    ]
    table(all_said(_TEXTS, language), rows)
    if answer["waiting"]:
        line(_WAITING.said(language).format(count=answer["waiting"]))
    if lacking := answer.get("lacking"):
        line(_LACKING.said(language).format(names=", ".join(map(str, lacking))))


def _notice_row(found: Json, language: str) -> tuple[object, ...]:
    return (
        _about(found),
        _KINDS[found["notice"]].said(language),
        _STATES[found["state"]].said(language),
        readable("queued_at", found["queued_at"]),
        readable("withheld_until", found.get("withheld_until")),
        found.get("event"),
        ", ".join(found.get("unsigned") or ()),
    )
