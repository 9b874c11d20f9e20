# SPDX-License-Identifier: Apache-2.0
"""`fedsafe policy`: read, check, compare and question policies.

Works on files and on shipped names, without a node; only `propose` asks one.
"""

import json
import time
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.policy.explanation import explain_event
from fedsafe_cli.policy.policy_files import (
    MAX_BYTES,
    open_calendar,
    open_cases,
    open_matrix,
    open_policy,
    open_text,
)
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.findings import reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.labels import field, say
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_cli.terminal.texts import in_either, words
from fedsafe_node.words.acts import act_rows, act_word
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_policies.ground.reasons import Text
    from fedsafe_policies.rules.decision import Decision


@click.group(cls=SpokenGroup)
def policy() -> None:
    """Read, check, compare and explain policies.

    POLICY is the name of a shipped policy (strict, germany, synthetic) or a file.

    \b
    Examples:
      fedsafe policy show germany
      fedsafe policy check ours.toml --federation germany
      fedsafe policy diff strict germany
      fedsafe policy propose
    """  # noqa: D301


@policy.command("show")
@click.argument("name", metavar="POLICY")
@shared_options
@click.pass_context
def show(context: click.Context, name: str) -> ExitStatus:
    """Print a policy.

    \b
    Example:
      fedsafe policy show germany
    """  # noqa: D301
    loaded, text = open_policy(name), open_text(name)
    if settings_of(context).json:
        document(
            {
                "policy": loaded.reference,
                "digest": loaded.digest,
                "title": _both(loaded.document.title),
                "text": text.decode(),
            }
        )
        return OK
    click.echo(text.decode(), nl=False)
    return OK


@policy.command("check")
@click.argument("name", metavar="POLICY")
@click.option(
    "--federation", metavar="POLICY", help="Policy that it may not be looser than."
)
@click.option(
    "--matrix",
    is_flag=True,
    help="It is a minimisation matrix for cases, not a policy.",
)
@shared_options
@click.pass_context
def check(
    context: click.Context, name: str, federation: str | None, *, matrix: bool
) -> ExitStatus:
    """Check a policy; errors are reported with key and line.

    With --federation, each key that is looser is reported, with exit status 5; with
    --matrix, each that gives a partner more than the shipped matrix.

    \b
    Example:
      fedsafe policy check ours.toml --federation germany
    """  # noqa: D301
    from fedsafe_policies.documents.strictness import loosened  # noqa: PLC0415
    from fedsafe_policies.documents.toml_file import line_of  # noqa: PLC0415 (slow to load)

    if matrix:
        reference, looser = open_matrix(name, federation)
    else:
        loaded = open_policy(name)
        reference = loaded.reference
        looser = loosened(loaded, open_policy(federation)) if federation else []
    text = open_text(name).decode()
    rows = [(item, line_of(item.key, text)) for item in looser]
    if settings_of(context).json:
        found = [{"key": i.key, "line": at, "why": i.why.en} for i, at in rows]
        document({"policy": reference, "looser": found})
    else:
        language = settings_of(context).language
        verdict = words("looser" if rows else "fits", language=language)
        line(f"{reference}: {verdict}")
        for item, at in rows:
            place = words("line", language=language, number=at)
            line(f"   {place}: {item.key}: {_said(item.why, language=language)}")
    return ExitStatus.BAD_INPUT if rows else OK


@policy.command("diff")
@click.argument("old", metavar="POLICY")
@click.argument("new", metavar="POLICY")
@shared_options
@click.pass_context
def diff(context: click.Context, old: str, new: str) -> ExitStatus:
    """Show what changes for people when the second policy replaces the first.

    \b
    Example:
      fedsafe policy diff strict germany --lang de
    """  # noqa: D301
    from fedsafe_policies.documents.effects import effects  # noqa: PLC0415 (slow to load)

    settings = settings_of(context)
    found = effects(open_policy(old), open_policy(new))
    if settings.json:
        document(
            [
                {
                    "key": item.key,
                    "direction": item.direction,
                    "effect": _both(item.text),
                }
                for item in found
            ]
        )
        return OK
    if not found:
        line(words("no_difference", language=settings.language))
    for item in found:
        way = words(item.direction, language=settings.language)
        line(f"{way:<9} {_said(item.text, language=settings.language)}")
    return OK


@policy.command("propose")
@shared_options
@click.pass_context
def propose(context: click.Context) -> ExitStatus:
    """Propose the policy, calendar and lists that node.toml names.

    The node uses the approved ones until another person has approved the new ones
    (`fedsafe act approve`); the exit status is 13. Both people are shown what changes.

    \b
    Example:
      fedsafe policy propose
    """  # noqa: D301
    settings = settings_of(context)
    asked = personal(settings).post("/v1/policy/propose", None)
    if settings.json:
        document(asked)
    else:
        rows = [(act_word("act", language=settings.language), asked["act"])]
        pairs(
            [*rows, *act_rows(asked, language=settings.language, readable=readable)],
            indent="",
        )
    command = f"fedsafe act approve {printable(str(asked['act']))}"
    note(
        say(
            "nothing is done yet: let another person run `{command}`",
            settings,
            command=command,
        )
    )
    return ExitStatus.WAITING


@policy.command("test")
@click.argument("name", metavar="POLICY")
@click.argument("cases", metavar="[CASES]", required=False)
@click.option("--calendar", metavar="FILE", help="Your own legal calendar.")
@shared_options
@click.pass_context
def test(
    context: click.Context, name: str, cases: str | None, calendar: str | None
) -> ExitStatus:
    """Test a policy with the cases beside it (NAME.cases.toml).

    The exit status is 1 if a case does not give the expected result.

    \b
    Examples:
      fedsafe policy test germany
      fedsafe policy test ours.toml germany.cases.toml
    """  # noqa: D301
    from fedsafe_policies.checks.policy_cases import try_case  # noqa: PLC0415 (slow to load)

    loaded, dates = open_policy(name), open_calendar(calendar)
    tried = [try_case(case, loaded, dates) for case in open_cases(name, cases)]
    failed = [item for item in tried if not item.holds]
    settings = settings_of(context)
    if settings.json:
        document(
            [
                {"case": item.case.name, "holds": item.holds, **_told(item.decision)}
                for item in tried
            ]
        )
    else:
        for item in failed:
            out, wanted = item.decision, item.case
            told = {"case": wanted.name, "effect": out.effect.value}
            told |= {"rule": out.rule.value, "code": out.code}
            line(say("fails: {case}: {effect} {rule} {code}", settings, **told))
        counts = {"count": len(tried) - len(failed), "whole": len(tried)}
        line(say("{count} of {whole} cases hold", settings, **counts))
    return ExitStatus.INTERNAL if failed else OK


@policy.command("explain")
@click.argument("request", metavar="[REQUEST]", required=False)
@click.option(
    "--event",
    type=click.IntRange(min=0),
    metavar="INDEX",
    help="An entry of the node's audit log.",
)
@click.option("--policy", "name", metavar="POLICY", default="strict", show_default=True)
@click.option(
    "--fact",
    "facts",
    multiple=True,
    metavar="NAME=VALUE",
    help="A fact; may be repeated.",
)
@click.option("--facts", "file", metavar="FILE", help="All facts, as JSON or TOML.")
@click.option("--at", metavar="DAY", help="Day; default: today.")
@click.option(
    "--no-gate", is_flag=True, help="As if there were no record of the legal gate."
)
@click.option("--demo", is_flag=True, help="As if on a node of a demonstration.")
@click.option("--calendar", metavar="FILE", help="Your own legal calendar.")
@reading_purpose
@shared_options
@click.pass_context
def explain(
    context: click.Context,
    /,
    request: str | None,
    event: int | None,
    **given: Any,  # noqa: ANN401
) -> ExitStatus:
    """Explain why a request would be allowed or refused, or why it was.

    REQUEST is publish, lookup, match, read, review, role, dispute, opening, …; without
    facts the command lists those that the request needs. The exit status is 3 if it
    would be refused. The legal gate counts as complete.

    With --event, explain why the node allowed or refused something: the entry of its
    audit log, and what the policy of that day says about the rule.

    \b
    Examples:
      fedsafe policy explain lookup --policy germany --fact role=service \\
          --fact purpose=signup_check --fact plane=actor
      fedsafe policy explain publish --policy germany --facts ban.toml --lang de
      fedsafe policy explain --event 4711
    """  # noqa: D301
    if (request is None) is (event is None):
        raise misused(Phrase("name a REQUEST, or an entry with --event"))
    if event is not None:
        explain_event(settings_of(context), event, given["purpose"])
        return OK
    return _explain(settings_of(context), str(request), given)


def _explain(settings: Settings, request: str, given: Mapping[str, Any]) -> ExitStatus:
    from fedsafe_policies.checks.policy_cases import Case, try_case  # noqa: PLC0415 (slow to load)
    from fedsafe_policies.errors import PolicyFileError  # noqa: PLC0415
    from fedsafe_policies.rules.decision import Verdict  # noqa: PLC0415

    case = Case(
        name="explained",
        request=request,
        facts=_facts(given["facts"], given["file"], request),
        at=_day(given["at"]),
        gate=not given["no_gate"],
        demo=given["demo"],
        expect=Verdict.ALLOW,
    )
    try:
        loaded, dates = open_policy(given["name"]), open_calendar(given["calendar"])
        decision = try_case(case, loaded, dates).decision
    except PolicyFileError as error:
        raise BadInputError(error.phrase or str(error), _known(request)) from None
    if settings.json:
        document(_told(decision))
    else:
        rows: list[tuple[str, object]] = [
            ("effect", decision.effect.value),
            ("rule", decision.rule.value),
            ("code", decision.code),
            ("about", decision.about or None),
            ("reason", _said(decision.reason, language=settings.language)),
            ("duties", ", ".join(sorted(decision.obligations))),
            ("policy", decision.policy),
        ]
        pairs([(field(name, settings), value) for name, value in rows], indent="")
    return OK if decision.allowed else ExitStatus.DENIED


_LACKS: Final = Phrase("{request} takes facts: --fact NAME=VALUE, or --facts FILE")


def _facts(facts: tuple[str, ...], file: str | None, request: str) -> dict[str, Any]:
    if not facts and file is None:
        raise BadInputError(_LACKS.filled(request=request), _known(request))
    found: dict[str, Any] = dict(_read_facts(file)) if file else {}
    for fact in facts:
        name, equals, value = fact.partition("=")
        if not equals:
            raise BadInputError(Phrase("a fact is written NAME=VALUE"))
        found[name] = _value(value)
    return found


def _known(request: str) -> Phrase:
    from fedsafe_policies.checks.written_requests import REQUESTS, facts_of  # noqa: PLC0415 (slow)

    if request not in REQUESTS:
        return Phrase("requests are {names}").filled(names=", ".join(REQUESTS))
    names = ", ".join(facts_of(request))
    return Phrase("facts of {request}: {names}").filled(request=request, names=names)


def _read_facts(file: str) -> Mapping[str, Any]:
    data = read_small(file, MAX_BYTES)
    try:
        if file.endswith(".toml"):
            return tomllib.loads(data.decode())
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInputError(
            Phrase("{file} is neither JSON nor TOML").filled(file=file)
        ) from None
    if not isinstance(found, dict):
        raise BadInputError(Phrase("{file} holds no object of facts").filled(file=file))
    return found


def _value(text: str) -> object:
    """Read a number, a day, a list or a truth value; anything else is a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _day(text: str | None) -> date:
    if text is None:
        return datetime.fromtimestamp(time.time(), UTC).date()  # noqa: TID251 - today
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInputError(Phrase("want a day like 2026-11-24 after --at")) from None


def _told(decision: "Decision") -> dict[str, object]:
    return {
        "effect": decision.effect,
        "rule": decision.rule,
        "code": decision.code,
        "about": decision.about,
        "reason": _both(decision.reason),
        "obligations": sorted(decision.obligations),
        "policy": decision.policy,
    }


def _both(text: "Text") -> dict[str, str]:
    return {"de": text.de, "en": text.en}


def _said(text: "Text", *, language: str) -> str:
    return in_either(text, language)
