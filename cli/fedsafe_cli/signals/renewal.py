# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal ending` and `renew`: what a key epoch ends, published anew.

The identifier comes out of the node's custody sealed, and is opened here, with the
private custody key: on the machine of whoever has it. Loads the node's code.
"""

import base64
from pathlib import Path
from typing import Any, Final

import click

from fedsafe_cli.signals.signal_texts import show_signal
from fedsafe_cli.terminal.errors import BadInputError, BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import (
    finding,
    finding_options,
    in_group,
    read_for,
    reading_purpose,
)
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.ids import checked_id
from fedsafe_cli.terminal.inputs import Question
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable, printed
from fedsafe_policies.ground.catalogue import Phrase, all_said
from fedsafe_policies.vocabulary import Scope

ENDING: Final = "/v1/signals/ending"
_HEADINGS: Final = (
    Phrase("signal"),
    Phrase("epoch"),
    Phrase("ends on"),
    Phrase("anew from"),
)
_CUSTODY: Final = Phrase("custody")
_FILE: Final = Phrase("the file")
_NOTHING: Final = Phrase("no signal is cut short by the end of an epoch")
_MORE: Final = Phrase("there are others: publish these anew first")


@click.command("ending", cls=SpokenCommand)
@reading_purpose
@shared_options
@click.pass_context
def ending(context: click.Context, /, *, purpose: str | None) -> ExitStatus:
    """List own signals that expire with their key epoch before their term ends.

    Review again what you still need, and publish it anew: a signal about a person with
    `renew`, about a file with `add`. All others expire on that day, at every member.

    \b
    Example:
      fedsafe signal ending
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(read_for(ENDING, purpose))
    language = settings.language
    if settings.json:
        document(answer)
    elif answer["signals"]:
        rows = [
            [
                str(each["signal"]),
                str(each["epoch"]),
                str(answer["until"]),
                (_CUSTODY if each["sealed"] else _FILE).said(language),
            ]
            for each in answer["signals"]
        ]
        table(all_said(_HEADINGS, language), rows)
        if answer["more"]:
            note(_MORE.said(language))
    else:
        line(_NOTHING.said(language))
    return OK


@click.command("renew", cls=SpokenCommand)
@click.argument("signal_id", metavar="SIGNAL")
@click.option(
    "--custody-key", required=True, metavar="FILE", help="The private custody key."
)
@finding_options(required=True)
@click.option(
    "--to", "nodes", multiple=True, metavar="NODE", help="Share with this member only."
)
@click.option(
    "--subject-ref",
    metavar="[SERVICE/]REF",
    help="Your own name for the account, such as its number, to notify its owner.",
)
@reading_purpose
@shared_options
@click.pass_context
def renew(
    context: click.Context,
    /,
    signal_id: str,
    *,
    custody_key: str,
    nodes: tuple[str, ...],
    purpose: str | None,
    **given: Any,  # noqa: ANN401 (texts, or many of them)
) -> ExitStatus:
    """Draft SIGNAL again in the current key epoch, after you have reviewed it.

    The custody key opens the identifier on this machine; it goes to your own node and
    is never shown. State what you find today, as with `add`; another person approves
    the draft. Both signals match until the old epoch ends.

    \b
    Example:
      fedsafe signal renew SIGNAL --custody-key /media/safe/custody.key \\
        --phenomenon grooming --surface public_content \\
        --grade confirmed_conduct --rule tos-4.2 --removed-on 2026-11-24 \\
        --finding adult
    """  # noqa: D301
    settings, signal = settings_of(context), checked_id(signal_id)
    if any(given[name] is not None for name in ("kind", "region", "namespace")):
        raise BadInputError(
            Phrase("--kind, --region and --namespace come out of custody")
        )
    given["scope"] = given["scope"] or Scope.FEDERATION.value
    if given["scope"] == Scope.SELF.value:
        raise BadInputError(Phrase("an own ban has no epoch: it goes on by itself"))
    client = personal(settings)
    answer = client.get(read_for(ENDING, purpose))
    about = _about(answer, signal, custody_key)
    body = in_group(finding(given)) | {"about": about, "renews": signal}
    if nodes:
        body["nodes"] = list(nodes)
    if given["subject_ref"] is not None:
        body["subject_ref"] = given["subject_ref"]
    return _shown(client.change("/v1/signals", body), settings)


def _shown(answer: dict[str, Any], settings: Settings) -> ExitStatus:
    show_signal(answer, as_json=settings.json, language=settings.language)
    return OK


def _about(answer: dict[str, Any], signal: str, key: str) -> Question:
    """Open the identifier of a signal; nothing of it is in an error."""
    from fedsafe_crypto.errors import CryptoError  # noqa: PLC0415 (slow to load)
    from fedsafe_crypto.seal.hpke import RecipientKey  # noqa: PLC0415
    from fedsafe_federation.errors import MalformedError  # noqa: PLC0415
    from fedsafe_node.ground.errors import KeyFileError  # noqa: PLC0415
    from fedsafe_node.ground.key_files import read_secret  # noqa: PLC0415
    from fedsafe_node.ground.signal_ids import read_signal_id  # noqa: PLC0415
    from fedsafe_node.signals.custody import open_custody  # noqa: PLC0415

    sealed = _sealed(answer, signal)
    try:
        private = RecipientKey.from_bytes(read_secret(Path(key)))
    except KeyFileError as error:
        raise BadInputError(printed(error)) from None
    except CryptoError:
        raise BadInputError(
            Phrase("{key} is no custody key").filled(key=printable(key))
        ) from None
    try:
        found = open_custody(
            private,
            node=str(answer["origin"]),
            signal_id=read_signal_id(signal),
            sealed=sealed,
        )
    except (CryptoError, MalformedError):
        raise BadInputError(
            Phrase("{key} is not the custody key of this node").filled(
                key=printable(key)
            ),
            Phrase("it is the one that `fedsafe node init` made beside this node"),
        ) from None
    return {"kind": found.kind.name.lower(), "value": found.value}


def _sealed(answer: dict[str, Any], signal: str) -> bytes:
    for each in answer["signals"]:
        if each["signal"] == signal and each["sealed"]:
            try:
                return base64.b64decode(each["sealed"], validate=True)
            except (ValueError, TypeError):
                raise BrokenAnswerError(Phrase("custody is no base64")) from None
    raise BadInputError(
        Phrase(
            "this signal does not end with an epoch, or nothing is in custody for it"
        ),
        Phrase("`fedsafe signal ending` lists those that do"),
    )
