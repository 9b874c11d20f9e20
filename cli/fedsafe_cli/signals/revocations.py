# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal revoke`: say what ends, and for whom; ask; end it.

What is told comes from the node, one signal after the other: which one, what it is
about, who has received it, what its person hears. Whatever is stopped already is said
to be, and is no error, so that a call that broke off may be repeated. All that is
listed about one account the node finds and ends, in one act.
"""

import sys
from typing import Any, Final

import click

from fedsafe_cli.signals.inventory import about, below
from fedsafe_cli.terminal.client import Client, Json
from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.errors import (
    BadInputError,
    BrokenAnswerError,
    CliError,
    RefusedError,
    complaint,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus, worst
from fedsafe_cli.terminal.findings import named_account, one_of
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.ids import checked_id
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import account_in, words
from fedsafe_node.words.codes import KINDS, PHENOMENA, SIGNAL_WORDS, label
from fedsafe_policies.ground.catalogue import Phrase, joined

REASONS: Final = (
    "mistake",
    "appeal_granted",
    "finding_withdrawn",
    "request_of_the_person",
    "retention",
    "superseded",
)
_STOPPED: Final = frozenset({"already_revoked", "already_erased", "not_pending"})
_ENDED: Final = frozenset({"revoked", "erased", "withdrawn"})
_ASKED: Final = Phrase("End this, for good?")
_SEVERAL: Final = Phrase("End these {count}, for good?")
_WITHOUT: Final = Phrase("without a terminal: --yes")
_ALREADY: Final = Phrase("{signal}: has ended already")
_DONE: Final = Phrase("{signal}: {state}")
_NONE: Final = Phrase("nothing is left to end")
_WHAT: Final[dict[str, Phrase]] = {
    "draft": Phrase("The draft is withdrawn. It was never published."),
    "own": Phrase(
        "The own ban is erased and matches here no more. It was never published."
    ),
    "published": Phrase(
        "The signal is revoked and matches at no member any more; what it says is "
        "erased everywhere."
    ),
}
_AT: Final = Phrase("Published in the federation; received by: {names}.")
_AT_NOBODY: Final = Phrase("Published in the federation; nobody has received it yet.")
_TOLD: Final = {
    True: Phrase(
        "The person knows of the signal, and is told that it has ended, since "
        "when, and who had received it."
    ),
    False: Phrase("The person is told nothing: they were given no notice of it."),
}
_FINAL: Final = Phrase(
    "It cannot be taken back. Reviews that hang on it come before a person again."
)
_ACCOUNT: Final = "/v1/signals/revoke"
_TIMEOUT: Final = 300.0
_ENDS: Final = Phrase("ends on {ends}")
_AT_SO_MANY: Final = Phrase(
    "Published in the federation; members that received it: {count}."
)
_INQUIRED: Final = Phrase("A member has asked for a review, and nobody has decided.")
_PERSON: Final = {
    True: Phrase(
        "The person was given notice, and is told what has ended, since when, "
        "and who had received it."
    ),
    False: _TOLD[False],
}
_ENDED_SUM: Final = Phrase(
    "ended: {count} (drafts withdrawn: {withdrawn}, own bans erased: {erased}, "
    "revoked: {revoked})"
)
_NOTHING: Final = Phrase("Nothing is listed about this account.")
_UNKNOWN: Final = Phrase(
    "{count} own signals passed over: nobody here can read any more whose they "
    "are; see `fedsafe signal list --accounts`"
)


@click.command("revoke", cls=SpokenCommand)
@click.argument("signals", nargs=-1, metavar="[-|SIGNAL…]")
@click.option(
    "--account",
    metavar="REF",
    help="All signals about this account, by your reference.",
)
@click.option(
    "--service",
    metavar="NAME",
    help="Service that the account belongs to, if several services ask.",
)
@click.option(
    "--reason",
    type=click.Choice(REASONS),
    required=True,
    metavar="WORD",
    help=one_of("Reason", REASONS),
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@click.pass_context
def revoke(  # noqa: PLR0913 - the options of the command
    context: click.Context,
    /,
    signals: tuple[str, ...],
    *,
    account: str | None,
    service: str | None,
    reason: str,
    yes: bool,
) -> ExitStatus:
    """Revoke signals for good, at every member; shows the effect and asks first.

    A draft is withdrawn, an own ban is erased. Signals that have already ended are
    reported as such, so you can repeat the command. With --account, either all signals
    about one account end, or none does.

    \b
    Examples:
      fedsafe signal revoke SIGNAL --reason mistake
      fedsafe signal revoke --account acc-4711 --reason mistake
      fedsafe signal list --recipient c.example.de --ids |
        fedsafe signal revoke - --reason superseded --yes
    """  # noqa: D301
    settings = settings_of(context)
    if (account is None) == (not signals):
        raise misused(Phrase("name signals, or --account REF"))
    if account is None:
        if service is not None:
            raise misused(Phrase("--service goes with --account"))
    else:
        named = {"subject_ref": named_account(account, service), "reason": reason}
        return _revoke_account(personal(settings), named, settings, asks=not yes)
    wanted = _wanted(signals, asks=not yes)
    client = personal(settings)
    if not yes:
        wanted = _explain(client, wanted, settings)
        if wanted:
            _confirm(len(wanted), settings)
    return _stop(client, wanted, reason, settings, alone=len(signals) == 1)


def _confirm(count: int, settings: Settings) -> None:
    asked = _ASKED if count == 1 else _SEVERAL.filled(count=count)
    confirm(asked, settings, without=_WITHOUT)


def _revoke_account(
    client: Client, named: dict[str, str], settings: Settings, *, asks: bool
) -> ExitStatus:
    answer: dict[str, Any] | None = None
    if asks:
        body = named | {"dry_run": True}
        answer = _account(client.post(_ACCOUNT, body, timeout=_TIMEOUT))
        _explain_account(answer, settings)
        if answer["signals"]:
            _confirm(len(answer["signals"]), settings)
    if answer is None or answer["signals"]:
        answer = _account(client.change(_ACCOUNT, named, timeout=_TIMEOUT))
    if settings.json:
        document(answer)
    else:
        _say_ended(answer, settings)
    return OK


def _say_ended(answer: dict[str, Any], settings: Settings) -> None:
    language = settings.language
    for each in answer["signals"]:
        state = label(SIGNAL_WORDS["state"], each["state"], language=settings.language)
        line(_DONE.said(language).format(signal=each["signal"], state=state))
    if answer["signals"]:
        line(_ENDED_SUM.said(language).format(count=len(answer["signals"]), **answer))
    elif not answer["unknown"]:
        line(_NOTHING.said(language))
    if answer["unknown"]:
        note(_UNKNOWN.said(language).format(count=answer["unknown"]))


def _account(answer: Json) -> dict[str, Any]:
    if not isinstance(answer, dict) or not isinstance(answer.get("signals"), list):
        raise BrokenAnswerError(Phrase("the node's answer has no signals"))
    return answer


def _explain_account(found: dict[str, Any], settings: Settings) -> None:
    """Say of each signal of an account how it stands, and what its end does."""
    language = settings.language
    for each in found["signals"]:
        state = label(SIGNAL_WORDS["state"], each["state"], language=language)
        note(f"{each['signal']}: {state}, {about(each, language=language)}")
        end = (
            [_ENDS.said(language).format(ends=each["ends"])] if each.get("ends") else []
        )
        note(f"  {'; '.join([*end, below(each, language=language)])}")
        texts = [_WHAT[_sort(each)].said(language)]
        if _sort(each) == "published":
            count = each.get("recipients")
            at = (
                _AT_SO_MANY.said(language).format(count=count)
                if count
                else _AT_NOBODY.said(language)
            )
            texts.append(at)
        if each["signal"] in found["inquired"]:
            texts.append(_INQUIRED.said(language))
        for text in texts:
            note(f"  {text}")
    if any(_sort(each) == "published" for each in found["signals"]):
        note(_PERSON[bool(found["end_is_told"])].said(language))
    if found["signals"]:
        note(_FINAL.said(language))


def _sort(found: dict[str, Any]) -> str:
    """Say which sort of signal it is, and so what its end does."""
    if found["state"] == "draft":
        return "draft"
    return "own" if found["scope"] == "self" else "published"


def _wanted(signals: tuple[str, ...], *, asks: bool) -> list[str]:
    if signals == ("-",):
        if asks:
            raise BadInputError(Phrase("who reads the ids cannot be asked"), _WITHOUT)
        parts = (part.decode("ascii", "replace").strip() for part in sys.stdin.buffer)
        found = [
            checked_id(text, f"line {n}: ")
            for n, text in enumerate(parts, start=1)
            if text
        ]
    else:
        found = [
            checked_id(text, f"signal {n}: ") for n, text in enumerate(signals, start=1)
        ]
    return list(dict.fromkeys(found))


def _explain(client: Client, wanted: list[str], settings: Settings) -> list[str]:
    """Say of each what its end does; return those that have not ended."""
    left: list[str] = []
    for signal in wanted:
        found = client.get(f"/v1/signals/{signal}")
        if found.get("state") in _ENDED:
            note(_ALREADY.said(settings.language).format(signal=signal))
            continue
        left.append(signal)
        for text in _explained(found, settings):
            note(text)
    if not left:
        note(_NONE.said(settings.language))
    return left


def _explained(found: dict[str, Any], settings: Settings) -> list[str]:
    language = settings.language
    state = found["state"]
    kind, phenomenon = found.get("kind"), found.get("phenomenon")
    rule = found.get("rule")
    told = [
        label(SIGNAL_WORDS["state"], state, language=language),
        label(KINDS, kind, language=language) if kind else None,
        label(PHENOMENA, phenomenon, language=language) if phenomenon else None,
        f"{words('rule', language=language)} {rule}" if rule else None,
        account_in(found),
    ]
    texts = [f"{found['signal']}: {', '.join(filter(None, told))}"]
    texts.append(_WHAT[_sort(found)].said(language))
    if _sort(found) == "published":
        names = found.get("recipients") or ()
        at = _AT if names else _AT_NOBODY
        texts.append(at.said(language).format(names=", ".join(names)))
        if found["plane"] == "actor":
            texts.append(_TOLD[bool(found.get("end_is_told"))].said(language))
    return [texts[0], *(f"  {text}" for text in [*texts[1:], _FINAL.said(language)])]


def _stop(
    client: Client, wanted: list[str], reason: str, settings: Settings, *, alone: bool
) -> ExitStatus:
    done: list[Any] = []
    already: list[str] = []
    problems: list[dict[str, object]] = []
    statuses: list[ExitStatus] = []
    for signal in wanted:
        try:
            answer = client.change(f"/v1/signals/{signal}/revoke", {"reason": reason})
        except RefusedError as error:
            if error.code in _STOPPED:
                already.append(signal)
                _say(_ALREADY, settings, signal=signal)
                continue
            if alone:
                raise
            problems.append({"signal": signal, **_problem(error)})
            statuses.append(error.status)
            said = joined("", [f"{signal}: ", error.message])
            note(complaint(said, language=settings.language))
            continue
        done.append(answer)
        state = label(
            SIGNAL_WORDS["state"], answer["state"], language=settings.language
        )
        _say(_DONE, settings, signal=signal, state=state)
    if settings.json:
        document({"signals": done, "already": already, "problems": problems})
    return worst(statuses)


def _say(text: Phrase, settings: Settings, **values: str) -> None:
    if not settings.json:
        line(text.said(settings.language).format(**values))


def _problem(error: CliError) -> dict[str, object]:
    return {"code": error.code, "detail": str(error)}
