# SPDX-License-Identifier: Apache-2.0
"""`fedsafe breach`: the register of breaches, with its 72-hour clock."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused, unfit
from fedsafe_cli.terminal.labels import coded, field, value_of
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase, all_said

Function = TypeVar("Function", bound=Callable[..., Any])
KINDS: Final = ("confidentiality", "integrity", "availability")
CAUSES: Final = (
    *("attack", "insider", "loss", "misdelivery", "software"),
    *("human_error", "unknown"),
)
CATEGORIES: Final = (
    *("tokens", "signals", "offences", "media_hashes", "account_references"),
    *("case_files", "credentials", "keys", "audit_log", "staff"),
)
GROUPS: Final = ("banned_persons", "users", "minors", "staff")
CONSEQUENCES: Final = (
    *("wrong_suspicion", "exposure", "discrimination", "lost_account"),
    *("identity_misuse", "loss_of_control", "missed_matches"),
)
MEASURES: Final = (
    *("credentials_revoked", "accounts_locked", "keys_replaced", "signals_revoked"),
    *("node_stopped", "restored", "hole_closed", "members_told", "police_report"),
)
RISKS: Final = ("unlikely", "risk", "high")
TOLD: Final = ("authority", "persons", "members")
SILENCES: Final = ("unlikely_risk", "protected", "averted", "public_communication")
_HEADINGS: Final = (
    Phrase("breach"),
    Phrase("state"),
    Phrase("aware at"),
    Phrase.within("breach", "due at"),
    Phrase("risk"),
)
_EMPTY: Final = Phrase("no breach is on record")
_WAITS: Final = Phrase(
    "closing without notification counts once another person approves; as them:"
)
_OVERDUE: Final = Phrase(
    "fedsafe: the 72 hours are over: tell the authority, and why late (--late)"
)


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> int:
    """Read a moment such as 2026-11-24T09:30Z, as click's callback; default: now."""
    if text is None:
        return int(time.time())  # noqa: TID251 - now
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise unfit(Phrase("want a moment such as 2026-11-24T09:30Z")) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return int(found.timestamp())


def _many(
    name: str, words: tuple[str, ...], what: str
) -> Callable[[Function], Function]:
    option: Callable[[Function], Function] = click.option(
        f"--{name}",
        type=click.Choice(words),
        multiple=True,
        metavar="WORD",
        help=one_of(what, words, many=True),
    )
    return option


_noted = click.option(
    "--note",
    "with_note",
    is_flag=True,
    help="Read a note from standard input: up to 2,000 characters, no identifiers.",
)


@click.group(cls=SpokenGroup)
def breach() -> None:
    """Record breaches of personal data, with the 72 hours of GDPR Articles 33 and 34.

    \b
    Examples:
      fedsafe breach open --kind confidentiality --cause attack
      fedsafe breach list
    """  # noqa: D301


@breach.command("open")
@_many("kind", KINDS, "What was violated")
@click.option(
    "--cause",
    type=click.Choice(CAUSES),
    default="unknown",
    metavar="WORD",
    help=one_of("Cause", CAUSES),
)
@click.option(
    "--aware",
    callback=_moment,
    metavar="MOMENT",
    help="When somebody became aware of it, such as 2026-11-24T09:30Z; default: now.",
)
@_noted
@shared_options
@click.pass_context
def open_(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Open a breach; the 72 hours run from when somebody became aware of it.

    \b
    Example:
      fedsafe breach open --kind confidentiality --cause attack
    """  # noqa: D301
    if not given["kind"]:
        raise misused(Phrase("say with --kind what was broken"))
    body = {"aware_at": given["aware"], "kinds": given["kind"], "cause": given["cause"]}
    return _change(context, "/v1/breaches", body | _note(with_note=given["with_note"]))


@breach.command("list")
@shared_options
@click.pass_context
def list_(context: click.Context) -> ExitStatus:
    """List all breaches.

    \b
    Example:
      fedsafe breach list --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/breaches")
    if settings.json:
        document(answer)
        return OK
    names = ("breach", "state", "aware_at", "due_at", "risk")
    rows = [
        [_cell(name, each.get(name), settings) for name in names]
        for each in answer["breaches"]
    ]
    language = settings.language
    if rows:
        table(all_said(_HEADINGS, language), rows)
    else:
        line(_EMPTY.said(language))
    return OK


@breach.command("show")
@click.argument("breach_id", metavar="BREACH")
@shared_options
@click.pass_context
def show(context: click.Context, breach_id: str) -> ExitStatus:
    """Show a breach with its notes.

    \b
    Example:
      fedsafe breach show 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    return _tell(settings, personal(settings).get(f"/v1/breaches/{_id(breach_id)}"))


@breach.command("assess")
@click.argument("breach_id", metavar="BREACH")
@_many("category", CATEGORIES, "Affected data")
@_many("group", GROUPS, "Affected people")
@_many("consequence", CONSEQUENCES, "Possible consequence")
@_many("measure", MEASURES, "Measure taken")
@click.option(
    "--persons", type=click.IntRange(min=0), required=True, help="Number of people."
)
@click.option(
    "--records", type=click.IntRange(min=0), required=True, help="Number of people."
)
@click.option(
    "--risk",
    type=click.Choice(RISKS),
    required=True,
    metavar="WORD",
    help=one_of("Risk of harm to them", RISKS),
)
@_noted
@shared_options
@click.pass_context
def assess(context: click.Context, /, breach_id: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Record what is known now; it replaces what was recorded before.

    \b
    Example:
      fedsafe breach assess BREACH --category tokens --group banned_persons \\
        --persons 40 --records 40 --risk risk --measure hole_closed
    """  # noqa: D301
    if not given["category"] or not given["group"]:
        raise misused(Phrase("say with --category and --group what is concerned"))
    body = {
        "categories": given["category"],
        "groups": given["group"],
        "consequences": given["consequence"],
        "measures": given["measure"],
        **{name: given[name] for name in ("persons", "records", "risk")},
        **_note(with_note=given["with_note"]),
    }
    return _change(context, f"/v1/breaches/{_id(breach_id)}/assess", body)


@breach.command("notify")
@click.argument("breach_id", metavar="BREACH")
@click.option(
    "--to",
    type=click.Choice(TOLD),
    required=True,
    metavar="WORD",
    help=one_of("Who was notified", TOLD),
)
@click.option("--at", callback=_moment, metavar="MOMENT", help="When; default: now.")
@click.option("--reference", required=True, help="File number.")
@click.option(
    "--late",
    help="Reference to the reason why the authority was notified after 72 hours.",
)
@shared_options
@click.pass_context
def notify(context: click.Context, /, breach_id: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Record that somebody was notified; the command itself notifies nobody.

    \b
    Example:
      fedsafe breach notify BREACH --to authority --reference file-2026-31
    """  # noqa: D301
    body = {name: given[name] for name in ("to", "at", "reference")}
    if given["late"]:
        body["late"] = given["late"]
    return _change(context, f"/v1/breaches/{_id(breach_id)}/notify", body)


@breach.command("close")
@click.argument("breach_id", metavar="BREACH")
@click.option(
    "--silence",
    type=click.Choice(SILENCES),
    metavar="WORD",
    help=one_of("Why somebody was not notified", SILENCES),
)
@shared_options
@click.pass_context
def close(context: click.Context, breach_id: str, silence: str | None) -> ExitStatus:
    """Close a breach; without notification a second person must approve (status 13).

    \b
    Example:
      fedsafe breach close BREACH --silence unlikely_risk
    """  # noqa: D301
    body = {} if silence is None else {"silence": silence}
    return _change(context, f"/v1/breaches/{_id(breach_id)}/close", body)


def _id(text: str) -> str:
    if len(text) != 32 or set(text) - set("0123456789abcdef"):  # noqa: PLR2004
        raise misused(Phrase("a breach is named by 32 hexadecimal digits"))
    return text


def _note(*, with_note: bool) -> dict[str, str]:
    if not with_note:
        return {}
    return {"note": sys.stdin.buffer.read(8_192).decode("utf-8", "replace").strip()}


def _change(context: click.Context, target: str, body: dict[str, Any]) -> ExitStatus:
    settings = settings_of(context)
    return _tell(settings, personal(settings).change(target, body))


def _cell(name: str, value: object, settings: Settings) -> object:
    if name in {"state", "risk", "cause", "silence"} and value is not None:
        return coded(value, settings)
    return value_of(name, value, settings)


def _tell(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    done = ExitStatus.WAITING if answer.get("act") else OK
    if settings.json:
        document(answer)
        return done
    told = [
        f"{coded(each['to'], settings)} {readable('at', each['at'])} "
        f"({each['reference']})"
        for each in answer["notifications"]
    ]
    rows = [
        (field(name, settings), _cell(name, value, settings))
        for name, value in (answer | {"notifications": told}).items()
        if value not in (None, [], "") and name not in {"act", "overdue"}
    ]
    pairs(rows, indent="")
    language = settings.language
    if answer["overdue"]:
        note(_OVERDUE.said(language))
    if answer.get("act"):
        note(_WAITS.said(language))
        note(f"fedsafe act approve {answer['act']}")
    return done
