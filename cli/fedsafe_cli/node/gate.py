# SPDX-License-Identifier: Apache-2.0
"""`fedsafe gate`: show and enter the legal-gate record.

The record is a TOML file that a data-protection officer can read; the node checks
it field by field and keeps it with an audit event.
"""

import re
import time
import tomllib
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import click
import msgspec

from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import field, say, yes_or_no
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, note, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_node.words.acts import GATE_FIELDS
from fedsafe_node.words.codes import label
from fedsafe_policies.ground.catalogue import SOURCE, Phrase
from fedsafe_policies.rules.gate import LegalGate, missing

MAX_BYTES = 65_536
_WANTED: Final = {
    "consultation": '"done" or "not_required"',
    "valid_until": "a day such as 2027-11-03, without quotation marks",
    "dpo_approval": '{ person = "anna", on = 2026-11-02 }',
    "management_approval": '{ person = "D. Kaya", on = 2026-11-03 }',
}

_CLOSES: Final = Phrase(
    "fedsafe: this record lacks something, and replaces one that holds until "
    "{until}: the gate closes"
)
_COUNTS: Final = (
    "fedsafe: the record counts once another person has approved it; as them:"
)
_CITES: Final = (
    "fedsafe: arrangement must end in what the charter names, as in jca-3:{agreed}"
)
_ENTER: Final = Phrase("Enter it all the same?")


@click.group(cls=SpokenGroup)
def gate() -> None:
    """Show and record the legal gate for signals about persons.

    \b
    Examples:
      fedsafe gate show
      fedsafe gate record gate.toml
      fedsafe act approve 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301


@gate.command("show")
@shared_options
@click.pass_context
def show(context: click.Context) -> ExitStatus:
    """Show whether the gate is open, and what is missing.

    \b
    Example:
      fedsafe gate show --json
    """  # noqa: D301
    settings = settings_of(context)
    _tell(settings, personal(settings).get("/v1/gate"))
    return OK


@gate.command("record")
@click.argument("file")
@click.option(
    "--yes",
    is_flag=True,
    help="Do not ask before an incomplete record closes the gate.",
)
@shared_options
@click.pass_context
def record(context: click.Context, file: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click's)
    """Record the legal gate from FILE (TOML); the newest record counts.

    A complete record opens the gate once another person has approved it; until then the
    exit status is 13. One of the two must be the data protection officer; dpo_approval
    names their account. In a federation, arrangement must end with what the charter
    says (`fedsafe gate show`). An incomplete record counts at once and closes an open
    gate; you are asked first.

    \b
    Example:
      fedsafe gate record gate.toml
    FILE:
      legal_basis = "gdpr-6-1-f:file-2026-17"
      balancing_test = "https://intranet.example/fedsafe/balancing"
      dpia = "https://intranet.example/fedsafe/dpia"
      consultation = "not_required"
      consultation_reference = "note-2026-18"
      arrangement = "joint-controllers/3"
      dpo_approval = { person = "anna", on = 2026-11-02 }
      management_approval = { person = "D. Kaya", on = 2026-11-03 }
      valid_until = 2027-11-03
    """  # noqa: D301
    settings, given = settings_of(context), _read(file)
    entered, client = _check(file, given), personal(settings)
    if not yes and missing(entered, int(time.time())):  # noqa: TID251 - now
        _ask_before_closing(settings, client.get("/v1/gate"))
    answer = client.change("/v1/gate", _dates_as_text(given))
    # What the gate lacks while it waits is what the record gives.
    _tell(settings, answer, waits=bool(answer.get("act")))
    if answer.get("act"):
        note(say(_COUNTS, settings))
        note(f"fedsafe act approve {printable(str(answer['act']))}")
    agreed = answer.get("arrangement")
    if agreed and "arrangement" in (answer.get("missing") or ()) and given:
        note(say(_CITES, settings, agreed=printable(str(agreed))))
    dpo, management = entered.dpo_approval, entered.management_approval
    if dpo is not None and management is not None and dpo.person == management.person:
        text = "fedsafe: management_approval must be another person than dpo_approval"
        note(say(text, settings))
    return ExitStatus.WAITING if answer.get("act") else OK


def _ask_before_closing(settings: Settings, now: object) -> None:
    """Ask whether an incomplete record may replace one that is complete."""
    if not isinstance(now, dict) or not now.get("valid_until"):
        return
    if set(now.get("missing") or ()) <= {"register"}:
        note(_CLOSES.said(settings.language).format(until=now["valid_until"]))
        confirm(_ENTER, settings, without="without a terminal: --yes")


def _read(file: str) -> dict[str, object]:
    data = read_small(file, MAX_BYTES)
    try:
        return tomllib.loads(data.decode())
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(
            Phrase("{file}: not TOML: {why}").filled(
                file=printable(file), why=_place(error)
            )
        ) from None
    except (UnicodeDecodeError, RecursionError):
        raise BadInputError(
            Phrase("{file}: not TOML").filled(file=printable(file))
        ) from None


def _place(error: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"line \d+", str(error))
    return found[0] if found else "it ends too soon"


def _check(file: str, given: dict[str, object]) -> LegalGate:
    """Check the fields one by one, so that the first that does not fit is named."""
    for key, value in given.items():
        try:
            msgspec.convert({key: value}, LegalGate)
        except msgspec.ValidationError:
            place = f"{printable(file)}, line {_line_of(file, key)}"
            raise BadInputError(
                Phrase("{place}: {key}").filled(place=place, key=_misfit(key))
            ) from None
    return msgspec.convert(given, LegalGate)


def _misfit(key: str) -> str:
    fields = LegalGate.__struct_fields__
    if key in fields:
        return f"{key} wants {_WANTED.get(key, 'a text in quotation marks')}"
    # What was written there may be anything, so it is not repeated.
    near = get_close_matches(key, fields, 1)
    meant = f", {near[0]} perhaps" if near else ""
    return f"no such field{meant}; see `fedsafe gate record --help`"


def _line_of(file: str, key: str) -> int:
    """Find where a key of the outermost table is set."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    sets = re.compile(rf"""\s*\[?\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((at for at, text in enumerate(lines, 1) if sets.match(text)), 1)


def _dates_as_text(value: object) -> object:
    if isinstance(value, dict):
        return {key: _dates_as_text(item) for key, item in value.items()}
    return value.isoformat() if isinstance(value, date) else value


def _tell(
    settings: Settings, answer: dict[str, object], *, waits: bool = False
) -> None:
    if settings.json:
        document(answer)
        return
    missing = answer.get("missing")
    listed = [str(name) for name in missing] if isinstance(missing, list) else []
    if settings.language != SOURCE:  # in English by the names that options take
        listed = [
            label(GATE_FIELDS, name, language=settings.language) for name in listed
        ]
    shown = answer | {
        "open": yes_or_no(answer.get("open"), settings),
        "missing": None if waits or answer.get("open") else ", ".join(listed),
    }
    pairs([(field(name, settings), each) for name, each in shown.items()], indent="")
