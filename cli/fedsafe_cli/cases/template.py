# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case template`: what a case must hold for a partner, to fill in.

It needs no running node. `fedsafe_node` is imported inside the functions: it is slow
to load.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.cases.assessment import word
from fedsafe_cli.cases.render import check_new, new_files
from fedsafe_cli.cases.skeleton import skeleton
from fedsafe_cli.terminal.errors import (
    BadInputError,
    NodeUnreachableError,
    SettingsError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.errors import NothingForPartnerError, PolicyFileError
from fedsafe_policies.escalation.matrix import Matrix, shipped_matrix
from fedsafe_policies.escalation.own_matrix import load_own_matrix
from fedsafe_policies.escalation.vocabulary import Element, PartnerClass
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.ground.config import Config

_MOST: Final = 1 << 20
_MADE: Final = Phrase(
    "fedsafe: written: {file}; fill it in, then fedsafe case assess CASE "
    "--elements {file}"
)
_BARE: Final = Phrase(
    "fedsafe: no node.toml can be read here; sender and reply are empty"
)
_LANGUAGES: Final = ("de", "en")


@click.command("template", cls=SpokenCommand)
@word("for", PartnerClass, "Class of partner", required=True)
@click.option(
    "--output",
    required=True,
    metavar="FILE",
    help="New file that only its owner can read; - is standard output.",
)
@shared_options
@click.pass_context
def template(context: click.Context, /, output: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Write a file to fill in, with what a case must hold for a class of partner.

    It has all fields of the minimisation matrix for that class, and says what belongs
    in each; sender and reply address come from node.toml. Pass the completed file to
    `fedsafe case assess CASE --elements FILE`; empty fields are refused.

    \b
    Example:
      fedsafe case template --for law_enforcement --output known.json
    """  # noqa: D301
    settings = settings_of(context)
    check_new(output)
    partner, config = PartnerClass(given["for"]), _config(settings)
    language = settings.language
    matrix = _matrix(settings, config)
    known = {} if config is None else _known(config)
    try:
        text = skeleton(partner, matrix, known, language)
    except NothingForPartnerError:
        raise BadInputError(
            Phrase("{partner} receives no single case").filled(partner=partner),
            Phrase("numbers of many cases go to the BzKJ: `fedsafe case pack`"),
        ) from None
    if config is None:
        note(_BARE.said(language))
    if output == "-":
        line(text.removesuffix("\n"))
        return OK
    new_files((output, text.encode()))
    if settings.json:
        document({"file": output, "for": partner, "matrix": matrix.reference})
    else:
        note(_MADE.said(language).format(file=printable(output)))
    return OK


def _config(settings: Settings) -> "Config | None":
    """Read what the node is called; nothing where there is no node, or it is another's.

    Raises:
        SettingsError: a directory was named that holds no node.
    """
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        return load_config(Place(Path(settings.directory())))
    except (ConfigError, NodeUnreachableError):
        return None


def _known(config: "Config") -> Mapping[Element, Mapping[str, object]]:
    mail = config.sending.mail
    address = config.contact if mail is None else mail.sender
    languages = {"languages": list(_LANGUAGES)}
    return {
        Element.SENDER: {
            "provider": config.name,
            "node": config.name,
            "country": config.jurisdiction,
        },
        Element.REPLY: languages | ({"address": address} if "@" in address else {}),
    }


def _matrix(settings: Settings, config: "Config | None") -> Matrix:
    """Take the provider's own matrix if node.toml names one.

    Raises:
        SettingsError: it does not fit.
    """
    if config is None or config.minimisation is None:
        return shipped_matrix()
    path = str(Path(settings.directory()) / config.minimisation)
    try:
        return load_own_matrix(read_small(path, _MOST), shipped_matrix())
    except PolicyFileError as error:
        raise SettingsError(
            Phrase("{file}: {why}").filled(file=printable(path), why=error)
        ) from None
