# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit subject|access|gaps|erase|reveal|withhold`: who is in it, who read."""

from typing import Any, Final
from urllib.parse import urlencode

import click

from fedsafe_cli.audit.gap_texts import erased_rows, failing_row, gap_rows
from fedsafe_cli.audit.losses import count_lost, tell_lost
from fedsafe_cli.audit.search import tell_events
from fedsafe_cli.rights.notice import withhold_options
from fedsafe_cli.terminal.errors import BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.labels import headings, say
from fedsafe_cli.terminal.moments import start_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase

_TIMEOUT: Final = 600.0
_ASKED: Final = "nothing is done yet: let another person run `{command}`"
_NOBODY: Final = Phrase(
    "No entry names this account. Signals and bans do only with --subject-ref."
)


def _events(answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401 (JSON)
    events = answer.get("events") if isinstance(answer, dict) else None
    if not isinstance(events, list) or not isinstance(answer.get("more"), bool):
        raise BrokenAnswerError(Phrase("the node's answer lists no events"))
    return events


def _act(settings: Settings, asked: Any, then: str) -> ExitStatus:  # noqa: ANN401 (JSON)
    if not isinstance(asked, dict) or not isinstance(asked.get("act"), str):
        raise BrokenAnswerError(Phrase("the node's answer names no act"))
    if settings.json:
        document(asked)
    act = asked["act"]
    note(say(f"{_ASKED}{then}", settings, command=f"fedsafe act approve {act}"))
    return ExitStatus.WAITING


@click.command("subject", cls=SpokenCommand)
@click.argument("ref", metavar="REF")
@click.option("--since", metavar="YYYY-MM-DD", callback=start_of, help="First day.")
@click.option(
    "--until", metavar="YYYY-MM-DD", callback=start_of, help="Day after the last one."
)
@shared_options
@click.pass_context
def subject(
    context: click.Context, ref: str, since: int | None, until: int | None
) -> ExitStatus:
    """List the events that name an account, by your own reference.

    Use this for a person who asks what is held about them (GDPR Art. 15): it reads with
    purpose rights_of_the_person, and the reading is itself recorded as an event about
    the account. Lists all events, or those of a range of days in UTC.

    \b
    Examples:
      fedsafe audit subject account-17
      fedsafe audit subject account-17 --since 2026-11-01
    """  # noqa: D301
    settings = settings_of(context)
    span = {"after": since, "before": until}
    asked = {name: value for name, value in span.items() if value is not None}
    body = {"subject_ref": ref} | asked
    answer = personal(settings).post("/v1/audit/subject", body, timeout=_TIMEOUT)
    events = _events(answer)
    if settings.json:
        document(answer)
        return OK
    if not events:
        line(_NOBODY.said(settings.language))
        return OK
    tell_events(events, settings)
    if answer["more"]:
        text = "there are more; a pack (`fedsafe audit export`) holds all"
        note(say(text, settings))
    return OK


@click.command("access", cls=SpokenCommand)
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=0),
    default=0,
    help="Entry to start from.",
)
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@reading_purpose
@shared_options
@click.pass_context
def access(
    context: click.Context, first: int, limit: int, purpose: str | None
) -> ExitStatus:
    """Show who read, exported or revealed what; people appear under pseudonyms.

    \b
    Example:
      fedsafe audit access --json
    """  # noqa: D301
    settings = settings_of(context)
    wanted = {"purpose": purpose} if purpose is not None else {}
    query = urlencode(wanted | {"since": first, "limit": limit})
    answer = personal(settings).get(f"/v1/audit/access?{query}")
    events = _events(answer)
    if settings.json:
        document(answer)
        return OK
    tell_events(events, settings)
    if answer["more"]:
        note(say("there may be more: --from {next}", settings, **answer))
    return OK


@click.command("gaps", cls=SpokenCommand)
@shared_options
@click.pass_context
def gaps(context: click.Context) -> ExitStatus:
    """Show what the audit log cannot tell, and why.

    Lists times in which the node could write nothing, keys that were destroyed or will
    be, and erased openings with the reason. Exit status 21 if entries are missing
    before its end, or were declared lost. On a database server, erased openings remain
    for a while, sealed: at the latest until the key of their month is destroyed.

    \b
    Example:
      fedsafe audit gaps
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/audit/gaps", timeout=_TIMEOUT)
    if not isinstance(answer, dict) or not isinstance(answer.get("missing"), int):
        raise BrokenAnswerError(Phrase("the node's answer tells of no gaps"))
    if settings.json:
        document(answer)
    else:
        _print_gaps(answer, settings)
    is_whole = not answer["missing"] and not answer.get("lost")
    return OK if is_whole else ExitStatus.LOG_INCOMPLETE


def _print_gaps(answer: dict[str, Any], settings: Settings) -> None:
    if rows := gap_rows(answer, settings):
        table(headings(settings, "gap", "what", "since", "until"), rows)
        line()
    missing, lost, pruned, holds, residues = headings(
        settings,
        *("missing entries", "declared lost", "pruned below", "holds"),
        "sealed residues of",
    )
    counts = [
        (missing, answer["missing"]),
        (lost, count_lost(answer)),
        (pruned, answer.get("minimum") or None),
        (holds, answer["holds"]),
    ]
    months = ", ".join(answer.get("residues", [])) or None
    rest = [(residues, months), failing_row(answer, settings)]
    pairs([*counts, *erased_rows(answer, settings), *rest], indent="")
    tell_lost(answer, settings)


@click.command("erase", cls=SpokenCommand)
@click.argument("ref", metavar="REF")
@click.option(
    "--reason", required=True, metavar="REFERENCE", help="Reference, such as ticket:17."
)
@shared_options
@click.pass_context
def erase(context: click.Context, ref: str, reason: str) -> ExitStatus:
    """Propose to erase all that the node holds about an account (GDPR Article 17).

    You need the role dpo. The command exits with status 13; a second person erases with
    `fedsafe act approve`. Records and proofs of the log stay.

    \b
    Example:
      fedsafe audit erase account-17 --reason ticket:17
    """  # noqa: D301
    settings = settings_of(context)
    body = {"subject_ref": ref, "reason": reason}
    asked = personal(settings).post("/v1/audit/erase", body)
    return _act(settings, asked, ", which erases")


@click.command("reveal", cls=SpokenCommand)
@click.argument("pseudonym", metavar="PSEUDONYM")
@click.option(
    "--reason", required=True, metavar="REFERENCE", help="Reference, such as ticket:17."
)
@click.option("--act", "act_id", metavar="ACT", help="Approval of exactly this.")
@shared_options
@click.pass_context
def reveal(
    context: click.Context, pseudonym: str, reason: str, act_id: str | None
) -> ExitStatus:
    """Reveal whose pseudonym it is, once another person has approved it.

    The first call exits with status 13; after another person's `fedsafe act approve`,
    run it again with --act.

    \b
    Examples:
      fedsafe audit reveal staff-2026q4-mfzwizltmvxgk4tfon2gc --reason ticket:17
      fedsafe audit reveal staff-2026q4-mfzwizltmvxgk4tfon2gc --reason ticket:17 \\
        --act 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    client, body = personal(settings), {"pseudonym": pseudonym, "reason": reason}
    if act_id is None:
        asked = client.post("/v1/audit/reveal", body)
        return _act(settings, asked, ", then repeat this with --act")
    answer = client.post("/v1/audit/revealed", body | {"act": act_id})
    if not isinstance(answer, dict) or not isinstance(answer.get("name"), str):
        raise BrokenAnswerError(Phrase("the node's answer names nobody"))
    if settings.json:
        document(answer)
    else:
        line(answer["name"])
    return OK


@click.command("withhold", cls=SpokenCommand)
@click.argument("entry", type=click.IntRange(min=1), metavar="ENTRY")
@withhold_options
@shared_options
@click.pass_context
def withhold(
    context: click.Context, entry: int, reason: str, note: str, until: str
) -> ExitStatus:
    """Propose to leave a pack's recipient out of answers to persons until a day.

    ENTRY is the pack's entry of the audit log; `fedsafe rights show` names it. Use this
    where the answer (GDPR Art. 15) would, for example, warn the person of an
    investigation. It takes two people, one of them the dpo; the command exits with
    status 13. From that day on answers name the recipient again; propose it anew to
    extend it.

    \b
    Example:
      fedsafe audit withhold 4711 --reason bdsg_33_1_2b --note order-7 \\
          --until 2026-12-20
    """  # noqa: D301
    settings = settings_of(context)
    body = {"reason": reason, "note": note, "until": until}
    target = f"/v1/audit/packs/{entry}/withhold"
    asked = personal(settings).post(target, body)
    return _act(settings, asked, ", which holds it back")
