# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit search`: which events were there of a class, an actor, a day?"""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlencode

import click
from click.shell_completion import CompletionItem

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand, spoken
from fedsafe_cli.terminal.labels import detail_of, headings, meant, say
from fedsafe_cli.terminal.moments import start_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_cli.terminal.texts import account_in
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import PersonReason

_TARGET: Final = "/v1/audit/search"
_WHO: Final = ("keyless", "member", "service", "person", "local")
_OTHERS: Final = "others"
_NONE: Final = Phrase("no event fits that")
_LATER: Final = "there may be more: --from {next}"
_OLDER: Final = Phrase("there may be older ones: --before {next}")
_NAMES: Final = (
    "entry",
    "at",
    "event",
    "outcome",
    "purpose",
    "actor",
    "account",
    "detail",
)


class _RouteName(click.ParamType[str]):
    """A route of the API; the names are loaded only where one is given."""

    name = "route"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Take a name, or say which ones are like it."""
        names = self._names()
        if value not in names:
            known = {name.lower(): name for name in names}
            near = get_close_matches(value.lower(), known, n=3)
            told = (
                Phrase("{value} is no route of the API; did you mean {names}?")
                if near
                else Phrase(
                    "{value} is no route of the API; docs/reference/api.md has all"
                )
            )
            typed = f"{printable(value)!r}"
            likely = ", ".join(known[name] for name in near)
            self.fail(spoken(told.filled(value=typed, names=likely)), param, ctx)
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Give the names that begin so."""
        del ctx, param
        names = sorted(self._names())
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]

    @staticmethod
    def _names() -> frozenset[str]:
        from fedsafe_node.api.routes import ROUTES  # noqa: PLC0415 (slow to load)

        return frozenset({_OTHERS, *(route.name for route in ROUTES)})


@click.command("search", cls=SpokenCommand)
@click.option(
    "--event",
    multiple=True,
    metavar="CLASS",
    help="Only events of this class; may be repeated.",
)
@click.option(
    "--outcome", metavar="WORD", help="Outcome, such as ok, or the code of a refusal."
)
@click.option("--actor", metavar="NAME", help="Who did it: a pseudonym or a service.")
@click.option(
    "--person-reason",
    type=click.Choice([each.value for each in PersonReason]),
    metavar="REASON",
    help=one_of("With a person's pseudonym: why you look for their acts", PersonReason),
)
@click.option(
    "--who",
    type=click.Choice(_WHO),
    metavar="CLASS",
    help=one_of("For refusals, the kind of caller", _WHO),
)
@click.option(
    "--route",
    type=_RouteName(),
    metavar="NAME",
    help="Route, such as knock or searchAudit.",
)
@click.option("--peer", metavar="NAME", help="Member.")
@click.option("--subject", metavar="REF", help="Account, by your own reference.")
@click.option("--since", metavar="YYYY-MM-DD", callback=start_of, help="First day.")
@click.option(
    "--until", metavar="YYYY-MM-DD", callback=start_of, help="Day after the last one."
)
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=0),
    default=0,
    help="Entry to start from.",
)
@click.option("--before", type=click.IntRange(min=0), help="Entry after the last one.")
@click.option("--newest", is_flag=True, help="Show the newest events first.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True)
@reading_purpose
@shared_options
@click.pass_context
def search(
    context: click.Context,
    /,
    first: int,
    before: int | None,
    limit: int,
    *,
    newest: bool,
    **given: Any,  # noqa: ANN401 (options)
) -> ExitStatus:
    """Search the audit log for events, in order or newest first; days are in UTC.

    \b
    Examples:
      fedsafe audit search --newest --limit 20
      fedsafe audit search --event lookup --since 2026-11-01 --until 2026-11-02
      fedsafe audit search --event refused --event door.refused --since 2026-11-01
      fedsafe audit search --event door.refused --who keyless --route knock
      fedsafe audit search --person-reason incident --actor staff-2026q4-mfzwizltmv…
      fedsafe audit search --subject account-17 --event lookup
    """  # noqa: D301
    settings = settings_of(context)
    names = {"outcome": "outcome", "actor": "actor", "person_reason": "person_reason"}
    names |= {"since": "after", "until": "before", "purpose": "purpose"}
    names |= {"who": "who", "route": "route", "peer": "peer"}
    wanted = {to: given[of] for of, to in names.items() if given[of] is not None}
    if given["event"]:
        wanted["events"] = ",".join(given["event"])
    if given["subject"] is not None:
        wanted["subject_ref"] = given["subject"]
    stretch = _Stretch(first, before, newest=newest, limit=limit)
    answer = _search(personal(settings), wanted, stretch)
    if settings.json:
        document(answer)
        return OK
    tell_events(answer["events"], settings)
    if answer["more"]:
        words = _OLDER.filled(next=answer["next"]).said(settings.language)
        note(words if newest else say(_LATER, settings, **answer))
    return OK


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Which entries are looked at: `first` to below `before`, in which order."""

    first: int
    before: int | None
    newest: bool
    limit: int

    def asked(self, count: int) -> dict[str, object]:
        """Say it to the node, of which so many events are there already."""
        asked: dict[str, object] = {"since": self.first, "limit": self.limit - count}
        if self.before is not None:
            asked["until"] = self.before
        return asked | {"newest": True} if self.newest else asked

    def behind(self, place: int) -> "_Stretch":
        """Go on where the node has stopped."""
        return (
            replace(self, before=place) if self.newest else replace(self, first=place)
        )


def _search(
    client: Client, wanted: dict[str, object], stretch: _Stretch
) -> dict[str, Any]:
    """Ask until there are enough: the node opens a bounded number at a time."""
    found: list[Any] = []
    answer: Any = {"more": True}
    while answer["more"] and len(found) < stretch.limit:
        asked = wanted | stretch.asked(len(found))
        if "subject_ref" in asked:  # which stands in no URL
            answer = client.post(_TARGET, asked)
        else:
            said = {
                name: "true" if value is True else value
                for name, value in asked.items()
            }
            answer = client.get(f"{_TARGET}?{urlencode(said)}")
        if not _goes_on(answer, stretch):
            raise BrokenAnswerError(Phrase("the node's answer lists no events"))
        found += answer["events"]
        stretch = stretch.behind(answer["next"])
    names = ("next", "more", "complete_to")
    said = {name: answer[name] for name in names if name in answer}
    return {"events": found} | said


def _goes_on(answer: Any, stretch: _Stretch) -> bool:  # noqa: ANN401 (JSON)
    if not isinstance(answer, dict) or not isinstance(answer.get("events"), list):
        return False
    place, more = answer.get("next"), answer.get("more")
    if not isinstance(place, int) or not isinstance(more, bool):
        return False
    if not stretch.newest:
        return place >= stretch.first + more
    return not more or stretch.before is None or place < stretch.before


def tell_events(events: list[dict[str, Any]], settings: Settings) -> None:
    """Print events as a table, or that there are none."""
    if events:
        table(headings(settings, *_NAMES), [_row(event, settings) for event in events])
    else:
        line(_NONE.said(settings.language))


def _row(entry: dict[str, Any], settings: Settings) -> list[object]:
    detail = entry.get("detail") or {}
    grounds = ("rule", "code", "policy", "trace", "source")
    detail = {name: entry.get(name) for name in grounds} | detail
    names = ("index", "at", "event", "outcome", "purpose", "actor")
    told = [meant(name, entry.get(name), settings) for name in names]
    return [*told, account_in(entry), detail_of(detail, settings)]
