# SPDX-License-Identifier: Apache-2.0
"""`fedsafe rights`: what persons ask for, and its answer within a month.

The identifier comes by standard input or from the terminal, never as an argument. It
is evaluated and forgotten; what was found is sealed.
"""

from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.terminal.confirmation import ask_secret
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.labels import coded
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.act_values import ASKS
from fedsafe_policies.ground.catalogue import Phrase, all_said, joined

KINDS: Final = ASKS
CONTROLS: Final = ("mailed_code", "identity_document", "known_correspondence")
ABOUT: Final = ("email", "phone", "username", "device", "payment", "ip", "url")
OUTCOMES: Final = ("granted", "refused", "withdrawn", "answered")
GROUNDS: Final = ("founded", "not_shown", "not_ours", "excessive")
_STATES: Final[Mapping[str, Phrase]] = {
    "open": Phrase("open"),
    "answered": Phrase("answered"),
    "closed": Phrase("closed"),
}
_HEADINGS: Final = (
    Phrase("request"),
    Phrase("kind"),
    Phrase("way"),
    Phrase("state"),
    Phrase("until"),
    Phrase("extended"),
    Phrase("outcome"),
)
_COLLECT: Final = Phrase("Collect code for the person, shown only now: {code}")
VERIFIED: Final[Mapping[str, Phrase]] = {
    "mailed_code": Phrase("mailed code"),
    "sent_code": Phrase("code sent to the number"),
    "transfer": Phrase("transfer from or to the account"),
    "own_namespace": Phrase("own namespace"),
}
_ATTESTED: Final = Phrase(
    "Attested by the back-end: {how}, {on}; the person had logged in again."
)
_CHECKED: Final = Phrase(
    "Identity checked on {seen_on} by {by} ({reference}); decided: {second}"
)
_NOBODY: Final = Phrase(
    "nobody yet, nothing rests; until {until}: fedsafe act approve {act}"
)
_NOBODY_CAN: Final = Phrase(
    "nobody, and nobody can any more; nothing rests. {by} asks again: "
    "fedsafe rights check {request}"
)
_WAITS: Final = Phrase("A second person must approve: fedsafe act approve {act}")
_FOUND: Final = Phrase(
    "Found: {signals}. Disputed: {disputes}. Not to be checked: {unevaluated}."
)
_AGAIN: Final = Phrase("Not looked everywhere yet; that is tried again from {at} on.")
_PACKS: Final = Phrase("Evidence packs about the person:")
_PACK_HEADINGS: Final = (
    Phrase("entry"),
    Phrase("made for"),
    Phrase.within("rights", "at"),
    Phrase("withheld until"),
    Phrase("reason"),
    Phrase("reference"),
    Phrase.within("rights", "by"),
)
_ERASED: Final = Phrase("Erased:")
_ERASED_HEADINGS: Final = (Phrase("what"), Phrase("count"))
PARTS: Final[Mapping[str, Phrase]] = {
    "own_bans": Phrase("own bans"),
    "shared": Phrase("signals of this provider, at every member"),
    "drafts": Phrase("drafts"),
    "openings": Phrase("openings in the audit log"),
    "events": Phrase("events for your own service"),
    "notices": Phrase("notices"),
    "requests": Phrase("earlier requests"),
    "reviews": Phrase("reviews"),
}
_REMAINS: Final = Phrase("Not erased:")
_REMAINS_HEADINGS: Final = (
    Phrase("what"),
    Phrase("who"),
    Phrase("until"),
    Phrase("why"),
)
LEFT: Final[Mapping[str, tuple[Phrase, Phrase]]] = {
    "recipient": (
        Phrase("recipient of a signal"),
        Phrase("told to erase it; without a day its receipt is still missing"),
    ),
    "pack": (
        Phrase("evidence pack"),
        Phrase("no feed reaches it: write to them (Art. 19 GDPR)"),
    ),
    "listing": (
        Phrase("another provider's signal"),
        Phrase("only that one can erase it"),
    ),
    "held": (
        Phrase("the account"),
        Phrase("held: fedsafe audit hold list"),
    ),
    "account": (
        Phrase("the rest of the account"),
        Phrase("the request names none, or does not ask for erasure"),
    ),
    "request": (
        Phrase("an open request"),
        Phrase("answer and close it first"),
    ),
    "measure": (
        Phrase("a measure against the account"),
        Phrase("it lasts, and its end has to be told"),
    ),
    "reviews": (
        Phrase("reviews of these signals"),
        Phrase("a person looks at them again: fedsafe task list"),
    ),
    "backups": (
        Phrase("backups"),
        Phrase("they hold what they held; who restores one erases again"),
    ),
    "residues": (
        Phrase("residues on the disk"),
        Phrase("sealed: fedsafe audit gaps names the months"),
    ),
    "answers": (
        Phrase("answers to repeated requests"),
        Phrase("ids of signals only, so that nothing happens twice"),
    ),
    "this_request": (
        Phrase("this request"),
        Phrase("the person reads how it ended"),
    ),
    "ledger": (
        Phrase("the recipient ledger"),
        Phrase("who received something must be shown (Art. 5 (2), 19 GDPR)"),
    ),
    "records": (
        Phrase("records of the logs"),
        Phrase("they name nobody, and the proofs rest on them"),
    ),
    "cases": (
        Phrase("cases"),
        Phrase("never part of this; they end by their own time limits"),
    ),
}
_ID_DIGITS: Final = 32
Json = dict[str, Any]


@click.group(cls=SpokenGroup)
def rights() -> None:
    """Handle requests of persons: access, rectification, erasure, objection, dispute.

    \b
    Examples:
      printf '%s\\n' "$ADDRESS" | fedsafe rights open --kind access \\
          --about email --control identity_document --seen-on 2026-11-20 \\
          --reference minute-7
      fedsafe rights list
      fedsafe rights answer 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301


@rights.command("open")
@click.option("--kind", type=click.Choice(list(KINDS)), required=True)
@click.option("--about", type=click.Choice(ABOUT), metavar="KIND", required=True)
@click.option("--control", type=click.Choice(CONTROLS), metavar="HOW", required=True)
@click.option(
    "--reference", metavar="REFERENCE", required=True, help="Reference of your note."
)
@click.option(
    "--seen-on",
    metavar="YYYY-MM-DD",
    required=True,
    help="Day on which the person came or wrote.",
)
@click.option("--answer-in", type=click.Choice(("de", "en")), default="de")
@click.option(
    "--age",
    type=click.Choice(("minor", "adult")),
    default="adult",
    help="minor: write all letters in plain words.",
)
@click.option("--region", metavar="CC", help="Country of a national phone number.")
@click.option(
    "--namespace", metavar="NAME", help="Platform or vendor of a username or device id."
)
@click.option(
    "--subject-ref",
    metavar="[SERVICE/]REF",
    help="Your reference to the account.",
)
@shared_options
@click.pass_context
def open_(context: click.Context, /, **given: str | None) -> ExitStatus:
    """Open a request of a person; reads the identifier from standard input.

    --control says how the person showed that the identifier is theirs:
    identity_document, mailed_code or known_correspondence. --reference names your note
    about it. Keep no copy of an identity document. Exits with status 13: another
    officer decides with `fedsafe act approve` within three days. Until then all signals
    keep matching, and nobody learns what was found. To take it back, run `fedsafe act
    withdraw`, then close the request (not_shown). With --age minor all letters are in
    plain words, and a dispute is one of a minor.

    \b
    Example:
      printf '%s\\n' "$ADDRESS" | fedsafe rights open --kind erasure \\
          --about email --control identity_document --seen-on 2026-11-20 \\
          --reference minute-7 --answer-in en
    """  # noqa: D301
    settings = settings_of(context)
    about = {"kind": given["about"], "value": ask_secret("identifier").strip()}
    if not about["value"]:
        raise BadInputError(Phrase("the identifier is empty"))
    for name in ("region", "namespace"):
        if given[name] is not None:
            about[name] = given[name]
    said: Json = {
        "kind": given["kind"],
        "about": about,
        "control": given["control"],
        "language": given["answer_in"],
        "checked": {
            "seen_on": given["seen_on"],
            "reference": given["reference"],
        },
    }
    if given["age"] == "minor":
        said["age"] = "minor"
    if given["subject_ref"] is not None:
        said["subject_ref"] = given["subject_ref"]
    found = personal(settings).post("/v1/rights", said)
    _tell(settings, found)
    return OK if _decided(found) else ExitStatus.WAITING


@rights.command("list")
@click.option("--state", type=click.Choice(list(_STATES)), default="open")
@shared_options
@click.pass_context
def list_(context: click.Context, state: str) -> ExitStatus:
    """List requests, the earliest due first.

    Without --state: open requests, then those whose identity check waits for another
    officer, with the deadline.

    \b
    Examples:
      fedsafe rights list
      fedsafe rights list --state answered --json
    """  # noqa: D301
    settings = settings_of(context)
    node, path = personal(settings), f"/v1/rights?state={state}"
    answer = node.get(path)
    found: list[Json] = answer["requests"]
    while answer.get("next") is not None:
        answer = node.get(f"{path}&after={answer['next']}")
        found += answer["requests"]
    if settings.json:
        document({"requests": found})
    elif found:
        _table(settings, found)
        for each in found:
            if not _decided(each):
                line(f"\n{each['request']}")
                line(_second(settings, each))
    else:
        line(Phrase("There are none.").said(settings.language))
    return OK


@rights.command("show")
@click.argument("request")
@shared_options
@click.pass_context
def show(context: click.Context, request: str) -> ExitStatus:
    """Show REQUEST: what was found, and the answer if there is one.

    After it was granted: what was erased and where; what was not, why, and until when.

    \b
    Example:
      fedsafe rights show 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --json
    """  # noqa: D301
    settings = settings_of(context)
    _tell(settings, personal(settings).get(f"/v1/rights/{_checked(request)}"))
    return OK


@rights.command("check")
@click.argument("request")
@shared_options
@click.pass_context
def check_(context: click.Context, request: str) -> ExitStatus:
    """Ask again for another officer's decision on your identity check of REQUEST.

    Use this if nobody has decided within three days. Until somebody does, all signals
    keep matching. Exits with status 13: another officer decides with `fedsafe act
    approve`.

    \b
    Example:
      fedsafe rights check 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    _change(context, request, "check", {})
    return ExitStatus.WAITING


@rights.command("answer")
@click.argument("request")
@shared_options
@click.pass_context
def answer_(context: click.Context, request: str) -> ExitStatus:
    """Write the answer to REQUEST; the person collects it with their code.

    \b
    Example:
      fedsafe rights answer 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    return _change(context, request, "answer", {})


@rights.command("grant")
@click.argument("request")
@click.option(
    "--reason", metavar="REFERENCE", required=True, help="Reference of the decision."
)
@shared_options
@click.pass_context
def grant(context: click.Context, request: str, reason: str) -> ExitStatus:
    """Propose to erase what this provider lists about REQUEST.

    An erasure or objection that names an account also erases everything else that is
    stored about it. Exits with status 13: a second person approves with `fedsafe act
    approve`. Then `fedsafe rights show` shows what was erased and what could not be.

    \b
    Example:
      fedsafe rights grant 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --reason decision-3
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/rights/{_checked(request)}/grant"
    answer = personal(settings).post(target, {"reason": reason})
    if settings.json:
        document(answer)
    else:
        line(_WAITS.said(settings.language).format(act=answer["act"]))
    return ExitStatus.WAITING


@rights.command("extend")
@click.argument("request")
@click.option(
    "--reason", metavar="REFERENCE", required=True, help="Why it takes longer."
)
@shared_options
@click.pass_context
def extend(context: click.Context, request: str, reason: str) -> ExitStatus:
    """Extend the deadline of REQUEST by two months, once; the person reads why.

    \b
    Example:
      fedsafe rights extend 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --reason note-4
    """  # noqa: D301
    return _change(context, request, "extend", {"reason": reason})


@rights.command("close")
@click.argument("request")
@click.option("--outcome", type=click.Choice(OUTCOMES), required=True)
@click.option(
    "--reason", metavar="REFERENCE", required=True, help="Reference of the letter."
)
@click.option(
    "--ground",
    type=click.Choice(GROUNDS),
    metavar="WHY",
    help=one_of("With --outcome refused, the ground that the person reads", GROUNDS),
)
@shared_options
@click.pass_context
def close(context: click.Context, /, request: str, **given: str | None) -> ExitStatus:
    """Close REQUEST with an outcome; the person reads it with their code.

    A refusal needs a ground: founded (the data are right and stay), not_shown (nobody
    showed that the identifier is theirs), not_ours (another provider has listed it, so
    this one can neither change nor erase it), unfounded or excessive. The person also
    reads what they can do next, such as appeal. What was found is deleted 90 days
    later.

    \b
    Examples:
      fedsafe rights close 0a1b2c3d4e5f60718293a4b5c6d7e8f9 \\
          --outcome refused --ground founded --reason letter-3
      fedsafe rights close 0a1b2c3d4e5f60718293a4b5c6d7e8f9 \\
          --outcome answered --reason letter-12
    """  # noqa: D301
    if (given["outcome"] == "refused") != (given["ground"] is not None):
        raise misused(Phrase("--ground goes with --outcome refused, and only so"))
    said = {name: value for name, value in given.items() if value is not None}
    return _change(context, request, "close", said)


def _change(
    context: click.Context, request: str, what: str, said: dict[str, str]
) -> ExitStatus:
    settings = settings_of(context)
    target = f"/v1/rights/{_checked(request)}/{what}"
    _tell(settings, personal(settings).post(target, said or None))
    return OK


def _checked(request: str) -> str:
    # It becomes a part of a path.
    if len(request) != _ID_DIGITS or set(request) - set("0123456789abcdef"):
        raise BadInputError(Phrase("a request is named by 32 hexadecimal digits"))
    return request


def _decided(found: Json) -> bool:
    check = found.get("checked")
    return check is None or check["second"] is not None


def _tell_proof(settings: Settings, found: Json) -> None:
    """Say how it was shown that the identifier is the person's."""
    language = settings.language
    said, check = found.get("attested"), found.get("checked")
    if said is not None:
        line()
        how = VERIFIED[said["verified"]].said(language)
        line(_ATTESTED.said(language).format(how=how, on=said["verified_on"]))
    if check is not None:
        line()
        line(
            _CHECKED.said(language).format(
                **check | {"second": _second(settings, found)}
            )
        )


def _second(settings: Settings, found: Json) -> str:
    """Say who has decided on a check, or what it takes that somebody does."""
    check, language = found["checked"], settings.language
    if check["second"] is not None:
        return str(check["second"])
    if check.get("until") is None:
        return _NOBODY_CAN.said(language).format(
            by=check["by"], request=found["request"]
        )
    until = readable("until", check["until"])
    return _NOBODY.said(language).format(act=check["act"], until=until)


def _tell(settings: Settings, found: Json) -> None:
    if settings.json:
        document(found)
        return
    language = settings.language
    _table(settings, [found])
    _tell_proof(settings, found)
    if found.get("signals") is not None:
        line()
        line(
            _FOUND.said(language).format(
                signals=", ".join(each["signal"] for each in found["signals"]) or "-",
                disputes=len(found["disputes"]),
                unevaluated=", ".join(found["unevaluated"]) or "-",
            )
        )
    if found.get("again_at") is not None:
        line()
        line(_AGAIN.said(language).format(at=readable("again_at", found["again_at"])))
    if found.get("packs"):
        line()
        line(_PACKS.said(language))
        table(
            all_said(_PACK_HEADINGS, language), [_pack(each) for each in found["packs"]]
        )
    if found.get("erased") is not None:
        _tell_erased(settings, found)
    if found.get("answer"):
        line()
        line(found["answer"])
    if found.get("collect"):
        line()
        line(_COLLECT.said(language).format(code=found["collect"]))


def _tell_erased(settings: Settings, found: Json) -> None:
    language = settings.language
    line()
    line(_ERASED.said(language))
    rows: list[tuple[object, ...]] = []
    for each in found["erased"]:
        part = each["part"]
        rows.append(
            (PARTS[part].said(language) if part in PARTS else part, each["count"])
        )
    table(all_said(_ERASED_HEADINGS, language), rows)
    line()
    line(_REMAINS.said(language))
    table(
        all_said(_REMAINS_HEADINGS, language),
        [_remaining(each, language=language) for each in found["remains"] or []],
    )


def _remaining(each: Json, *, language: str) -> tuple[object, ...]:
    what, why = LEFT.get(each["what"], (Phrase(each["what"]), joined("", [])))
    until = None if each["until"] is None else readable("until", each["until"])
    return (what.said(language), each["who"], until, why.said(language))


def _table(settings: Settings, requests: list[Json]) -> None:
    language = settings.language
    table(all_said(_HEADINGS, language), [_row(found, settings) for found in requests])


def _pack(pack: Json) -> tuple[object, ...]:
    head = (pack["entry"], pack["recipient"], readable("at", pack["at"]))
    held = pack.get("withheld")
    if held is None:
        return (*head, None, None, None, None)
    people = f"{held['by']}, {held['second']}"
    until = readable("until", held["until"])
    return (*head, until, held["reason"], held["note"], people)


def _row(found: Json, settings: Settings) -> tuple[object, ...]:
    language = settings.language
    return (
        found["request"],
        KINDS[found["kind"]].said(language),
        coded(found["way"], settings),
        _STATES[found["state"]].said(language),
        readable("due_at", found["due_at"]),
        found["extended_for"],
        None if found["outcome"] is None else coded(found["outcome"], settings),
    )
