# SPDX-License-Identifier: Apache-2.0
"""What somebody enters of a case: the options, and the request that they make."""

import json
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final, TypeVar

import click
import msgspec

from fedsafe_cli.cases.skeleton import first_empty, without_comments
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import ReadFile, listed, misused
from fedsafe_cli.terminal.moments import moment_of
from fedsafe_policies.escalation.closure import EvidenceDecision, Help
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.vocabulary import (
    MAY_BE_UNAVAILABLE,
    Absence,
    AgeBand,
    Condition,
    Element,
    Urgency,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Level, Phenomenon

Function = TypeVar("Function", bound=Callable[..., Any])
MOST_READ: Final = 600_000
_FIELD: Final = re.compile(r"[a-z][a-z_]{0,31}")
_PLACE: Final = re.compile(r"[a-z_0-9.\[\]]+")
_UNKNOWN: Final = re.compile(
    r"Object contains unknown field `(?P<name>[a-z][a-z_]{0,31})`"
    r" - at `\$\.(?P<place>[^`]*)`"
)
_ELEMENTS: Final = {"phenomenon": "phenomenon", "age": "victim_ages"}
"""Options that say an element without a file."""


def word(
    name: str,
    words: type[StrEnum],
    what: str,
    *,
    required: bool = False,
    multiple: bool = False,
) -> Callable[[Function], Function]:
    """Make an option that takes words of a vocabulary."""
    names = tuple(each.value for each in words)
    option: Callable[[Function], Function] = click.option(
        f"--{name}",
        type=click.Choice(names),
        metavar="WORD",
        required=required,
        multiple=multiple,
        help=one_of(what, names, many=multiple),
    )
    return option


def case_id_of(text: str) -> str:
    """Return the id of a case, if it looks like one."""
    if len(text) != 32 or set(text) - set("0123456789abcdef"):  # noqa: PLR2004
        raise misused(Phrase("a case is named by 32 hexadecimal digits"))
    return text


def _options() -> Iterable[Callable[[Any], Any]]:
    return (*_known(), *_answers(), *_recorded(), *_mentioned(), *_advised())


def assessment_options(function: Function) -> Function:
    """Add what an assessment takes."""
    for option in reversed(tuple(_options())):
        function = option(function)
    return function


def _known() -> Iterable[Callable[[Any], Any]]:
    return (
        click.option(
            "--elements",
            type=ReadFile(),
            metavar="FILE",
            help="JSON with elements of the case package, as `fedsafe case template` "
            "writes it; - is standard input.",
        ),
        word("phenomenon", Phenomenon, "What happened"),
        word(
            "age",
            AgeBand,
            "Age of the affected person; replaces earlier ones",
            multiple=True,
        ),
        word("remove", Element, "Element to remove", multiple=True),
        click.option(
            "--unavailable",
            multiple=True,
            metavar="ELEMENT=WHY",
            help=listed(
                "Missing element: {words}. Reason: "
                f"{', '.join(Absence)}. May be repeated.",
                sorted(MAY_BE_UNAVAILABLE),
            ),
        ),
    )


def _answers() -> Iterable[Callable[[Any], Any]]:
    return (
        word("urgency", Urgency, "Urgency"),
        click.option("--feature", metavar="NAME", help="Feature that was misused."),
        word("help-offered", Help, "Help that was offered"),
        word("level", Level, "Level of the ladder that was applied"),
        word("evidence-decision", EvidenceDecision, "What happens to the evidence"),
    )


def _recorded() -> Iterable[Callable[[Any], Any]]:
    return (
        word("condition", Condition, "Condition to record", multiple=True),
        word("lapsed", Condition, "Condition that no longer holds", multiple=True),
        click.option(
            "--done",
            multiple=True,
            metavar="STEP",
            help="Step that is done. May be repeated.",
        ),
        click.option(
            "--undone",
            multiple=True,
            metavar="STEP",
            help="Step that is not done after all. May be repeated.",
        ),
    )


def _mentioned() -> Iterable[Callable[[Any], Any]]:
    return (
        click.option(
            "--mention",
            multiple=True,
            metavar="NODE/SIGNAL",
            help="Signal that the case mentions. May be repeated.",
        ),
    )


def _advised() -> Iterable[Callable[[Any], Any]]:
    return (
        click.option(
            "--opinion",
            metavar="REFERENCE",
            help="Reference to the legal adviser's opinion.",
        ),
        click.option(
            "--hold-authority",
            metavar="REFERENCE",
            help="Authority that asks not to tell the user.",
        ),
        click.option(
            "--hold-basis", metavar="REFERENCE", help="Provision that it relies on."
        ),
        click.option(
            "--hold-until",
            callback=moment_of,
            metavar="MOMENT",
            help="Do not tell the user until this day; at most 30 days.",
        ),
    )


def assessment_of(given: dict[str, Any]) -> dict[str, Any]:
    """Make a request of what was typed.

    Raises:
        click.UsageError: nothing was said, or something that does not fit.
    """
    body: dict[str, Any] = {
        name: given[option]
        for name, option in (
            ("urgency", "urgency"),
            ("help", "help_offered"),
            ("level", "level"),
            ("evidence_decision", "evidence_decision"),
            ("feature", "feature"),
            ("opinion", "opinion"),
        )
        if given[option]
    }
    lists = ("remove", "lapsed", "done", "undone")
    body |= {name: sorted(set(given[name])) for name in lists if given[name]}
    if given["condition"]:
        body["conditions"] = sorted(set(given["condition"]))
    if given["mention"]:
        body["mentions"] = sorted(set(given["mention"]))
    if elements := _elements(given):
        body["elements"] = elements
    if given["unavailable"]:
        body["unavailable"] = dict(_absence(text) for text in given["unavailable"])
    body |= _hold(given)
    if not body:
        raise misused(Phrase("say what is known; --help lists the options"))
    return body


def _elements(given: dict[str, Any]) -> dict[str, Any]:
    """Put together what is known from the file and from options."""
    file = given["elements"]
    elements = {} if file is None else _read(file.read(MOST_READ + 1))
    for option, name in _ELEMENTS.items():
        if not given[option]:
            continue
        if name in elements:
            raise misused(
                Phrase(
                    "--{option} and {name} of --elements are the same: give one of them"
                ).filled(option=option, name=name)
            )
        elements[name] = given[option]
    return elements


def _read(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_READ:
        raise misused(
            Phrase("--elements: that has more than {bytes} bytes").filled(
                bytes=MOST_READ
            )
        )
    data = without_comments(data)
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        raise misused(Phrase("--elements: that is no JSON")) from None
    if not isinstance(tree, dict) or not tree:
        raise misused(
            Phrase(
                '--elements: want a JSON object, such as {"feature": "direct_messages"}'
            )
        )
    for place, name in enumerate(tree, 1):
        if name not in set(Element):
            # A name that is no word may be somebody's address.
            field = Phrase("field {place}").filled(place=place)
            told = name if _FIELD.fullmatch(name) else field
            raise misused(
                Phrase(
                    "--elements: {told} is no element; want some of {elements}"
                ).filled(told=told, elements=", ".join(Element))
            )
    if (empty := first_empty(tree)) is not None:
        told = empty if _PLACE.fullmatch(empty) else Phrase("a field")
        raise misused(
            Phrase("--elements: {told} is empty; fill it in, or take it out").filled(
                told=told
            )
        )
    _check_fields(data)
    return tree


def _check_fields(data: bytes) -> None:
    """Name a field that no element has; all else of its form is the node's to say."""
    try:
        msgspec.json.decode(data, type=Elements)
    except msgspec.ValidationError as error:
        found = _UNKNOWN.match(str(error))
        if found is not None:
            raise misused(
                Phrase("--elements: {place} has no field {name}").filled(
                    place=found["place"], name=found["name"]
                )
            ) from None
    except msgspec.DecodeError:
        raise misused(Phrase("--elements: that is no JSON")) from None


def _absence(text: str) -> tuple[str, str]:
    element, equals, why = text.partition("=")
    told = (
        element
        if _FIELD.fullmatch(element)
        else Phrase.within("a word that was typed", "that")
    )
    if not equals:
        raise misused(
            Phrase("--unavailable: want ELEMENT=WHY, such as network=not_recorded")
        )
    if element not in MAY_BE_UNAVAILABLE:
        fault = (
            Phrase("--unavailable: {told} may not be called unavailable")
            if element in set(Element)
            else Phrase("--unavailable: {told} is no element")
        )
        raise misused(
            Phrase("{fault}; want some of {words}").filled(
                fault=fault.filled(told=told),
                words=", ".join(sorted(MAY_BE_UNAVAILABLE)),
            )
        )
    if why not in set(Absence):
        raise misused(
            Phrase(
                "--unavailable: why {element} is lacking is one of {reasons}"
            ).filled(element=element, reasons=", ".join(Absence))
        )
    return element, why


def _hold(given: dict[str, Any]) -> dict[str, Any]:
    parts = {name: given[f"hold_{name}"] for name in ("authority", "basis", "until")}
    if not any(parts.values()):
        return {}
    if not all(parts.values()):
        raise misused(
            Phrase("a hold takes --hold-authority, --hold-basis and --hold-until")
        )
    return {"hold": parts}
