# SPDX-License-Identifier: Apache-2.0
"""The options that say what was found, and what somebody reads for."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click

from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.help_texts import listed, misused, unfit
from fedsafe_cli.terminal.inputs import KINDS, read_day
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import (
    Detection,
    Finding,
    Grade,
    Phenomenon,
    Provenance,
    Purpose,
    Scope,
    Source,
    Surface,
)

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GROUP: Final = re.compile(r"group:(?P<name>[a-z][a-z0-9._-]{0,31})")
Command = TypeVar("Command", bound=Callable[..., Any])
_Option = Callable[[Any], Any]


def one_of(what: str, words: Iterable[str], *, many: bool = False) -> str:
    """Return an option's help that lists its words, which a metavar would not wrap."""
    more = " May be repeated." if many else ""
    return listed(f"{what}: {{words}}.{more}", words)


def surface_option(*, required: bool) -> Callable[[Command], Command]:
    """Add the option that says where an account or file is met that is asked about."""
    return click.option(
        "--surface",
        type=click.Choice([entry.value for entry in Surface]),
        required=required,
        metavar="CODE",
        help=one_of("Where the account or file is met; most purposes need it", Surface)
        if not required
        else one_of("Where the files are met", Surface),
    )


def finding_options(*, required: bool) -> Callable[[Command], Command]:
    """Add the options that say what was found about an account or file."""
    options = (
        *_about(),
        *_found(required=required),
        *_told(),
        *_shared(required=required),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _about() -> Sequence[_Option]:
    return (
        click.option(
            "--kind",
            type=click.Choice(KINDS),
            metavar="KIND",
            help=one_of("Kind of the value", KINDS),
        ),
        click.option(
            "--region", metavar="DE", help="Country of a phone number in national form."
        ),
        click.option("--namespace", metavar="NAME", help="Platform or vendor."),
    )


def _found(*, required: bool) -> Sequence[_Option]:
    return (
        click.option(
            "--phenomenon",
            type=click.Choice([entry.value for entry in Phenomenon]),
            required=required,
            metavar="CODE",
            help=one_of("Form of sexual violence", Phenomenon),
        ),
        click.option(
            "--surface",
            type=click.Choice([entry.value for entry in Surface]),
            required=required,
            metavar="CODE",
            help=one_of("Where it happened", Surface),
        ),
        click.option(
            "--grade",
            type=click.Choice([entry.value for entry in Grade]),
            required=required,
            metavar="CODE",
            help=one_of("How well the finding is supported", Grade),
        ),
        click.option(
            "--rule",
            metavar="ID",
            required=required,
            help="Your own rule that was broken, such as tos-4.2.",
        ),
    )


def _told() -> Sequence[_Option]:
    return (
        click.option(
            "--source",
            type=click.Choice([entry.value for entry in Source]),
            metavar="CODE",
            help=one_of(
                "What led to the finding (told to the person, if it is a draft)", Source
            ),
        ),
        click.option(
            "--detection",
            type=click.Choice([entry.value for entry in Detection]),
            metavar="CODE",
            help=one_of(
                "Who or what found it (told to the person, if it is a draft)", Detection
            ),
        ),
        click.option(
            "--removed-on",
            metavar="YYYY-MM-DD",
            callback=_day,
            help="Day on which the account was removed for good.",
        ),
        click.option(
            "--scope",
            metavar="WORD",
            callback=_scope,
            help="self: own ban (default); federation: share it; group:NAME: share it "
            "with a group of the policy.",
        ),
    )


def _shared(*, required: bool) -> Sequence[_Option]:
    unsaid = Provenance.OWN_FINDING if required else Provenance.IMPORTED_LIST
    whence = f"Where the finding comes from; default: {unsaid}"
    return (
        click.option(
            "--provenance",
            type=click.Choice([entry.value for entry in Provenance]),
            metavar="WORD",
            help=one_of(whence, Provenance),
        ),
        click.option(
            "--finding",
            "findings",
            type=click.Choice([entry.value for entry in Finding]),
            multiple=True,
            metavar="WORD",
            help=one_of(
                "What is established about the conduct; needed to share it", Finding
            ),
        ),
        click.option(
            "--legal-review",
            metavar="REF",
            help="Legal review of the phenomenon; needed to share it.",
        ),
    )


def _day(_context: click.Context, _option: object, text: str | None) -> str | None:
    day = None if text is None else read_day(text)
    if text is not None and (day is None or not _DAY.fullmatch(day)):
        raise unfit(Phrase("want a day such as 2026-11-24 or 24.11.2026"))
    return day


def _scope(_context: click.Context, _option: object, text: str | None) -> str | None:
    if text is not None and text not in set(Scope) and not _GROUP.fullmatch(text):
        raise unfit(Phrase("want self, federation or group:NAME"))
    return text


def in_group(signal: dict[str, Any]) -> dict[str, Any]:
    """Say the scope ``group:NAME`` as the node wants it."""
    scope = signal.get("scope")
    found = _GROUP.fullmatch(scope) if isinstance(scope, str) else None
    if found is None:
        return signal
    return signal | {"scope": Scope.FEDERATION.value, "group": found["name"]}


def finding(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the finding's fields that were given."""
    names = (
        *("phenomenon", "surface", "grade", "provenance", "rule", "removed_on"),
        *("scope", "source", "detection", "findings", "legal_review"),
    )
    found = {name: given.get(name) for name in names}
    return {name: value for name, value in found.items() if value}


def problem_status(code: str) -> ExitStatus:
    """Return the status of one item's problem: a policy's refusal, or bad input."""
    from fedsafe_policies.ground.reasons import Refusal  # noqa: PLC0415 (only then)

    denied = code in {*Refusal, "forbidden"}
    return ExitStatus.DENIED if denied else ExitStatus.BAD_INPUT


def reading_purpose(command: Command) -> Command:
    """Add --purpose; left out, the node takes what the role usually reads it for."""
    option = click.option(
        "--purpose",
        type=click.Choice([purpose.value for purpose in Purpose]),
        metavar="PURPOSE",
        help=one_of("Why you read it", Purpose),
    )
    return option(command)


def read_for(target: str, purpose: str | None) -> str:
    """Add the purpose to a request's target."""
    if purpose is None:
        return target
    return f"{target}{'&' if '?' in target else '?'}purpose={purpose}"


def named_account(account: str, service: str | None) -> str:
    """Name an account of --account as one of --service, if that is given."""
    if service is None:
        return account
    if "/" in account:
        raise misused(Phrase("name the service in --account or in --service"))
    return f"{service}/{account}"
