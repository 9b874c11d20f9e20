# SPDX-License-Identifier: Apache-2.0
"""`fedsafe gate`: show and enter the legal-gate record.

The record is a TOML file that a data-protection officer can read; the node checks
it field by field and keeps it with an audit event.
"""

import tomllib
from datetime import date, time
from pathlib import Path

import click

from fedsafe_cli.errors import BadInputError
from fedsafe_cli.exit_codes import OK, ExitStatus
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, pairs
from fedsafe_cli.sessions import personal
from fedsafe_cli.settings import Settings, printable

MAX_BYTES = 65_536


@click.group()
def gate() -> None:
    """The legal gate of signals about persons.

    \b
    Examples:
      fedsafe gate show
      fedsafe gate record --credential reviewer.key gate.toml
    """  # noqa: D301


@gate.command("show")
@shared_options
@click.pass_context
def show(context: click.Context) -> ExitStatus:
    """Tell whether the gate is open, and what it lacks.

    \b
    Example:
      fedsafe gate show --json
    """  # noqa: D301
    settings = settings_of(context)
    _tell(settings, personal(settings).get("/v1/gate"))
    return OK


@gate.command("record")
@click.argument("file")
@shared_options
@click.pass_context
def record(context: click.Context, file: str) -> ExitStatus:
    """Enter the record in FILE (TOML); the newest one counts.

    \b
    Example:
      fedsafe gate record --credential reviewer.key gate.toml
    FILE:
      legal_basis = "gdpr-6-1-f:file-2026-17"
      balancing_test = "https://intranet.example/fedsafe/balancing"
      dpia = "https://intranet.example/fedsafe/dpia"
      consultation = "not_required"
      consultation_reference = "note-2026-18"
      arrangement = "joint-controllers/3"
      dpo_approval = { person = "C. Weber", on = 2026-11-02 }
      management_approval = { person = "D. Kaya", on = 2026-11-03 }
      valid_until = 2027-11-03
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).change("/v1/gate", _read(file))
    _tell(settings, answer)
    return OK


def _read(file: str) -> object:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        why = error.strerror or "cannot be read"
        raise BadInputError(f"{printable(file)}: {why}") from None
    if len(data) > MAX_BYTES:
        raise BadInputError(f"{printable(file)}: longer than {MAX_BYTES} bytes")
    try:
        return _dates_as_text(tomllib.loads(data.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        raise BadInputError(f"{printable(file)}: not TOML") from None


def _dates_as_text(value: object) -> object:
    if isinstance(value, dict):
        return {key: _dates_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _tell(settings: Settings, answer: dict[str, object]) -> None:
    if settings.json:
        document(answer)
        return
    missing = answer.get("missing")
    listed = ", ".join(map(str, missing)) if isinstance(missing, list) else ""
    shown = answer | {
        "open": "yes" if answer.get("open") else "no",
        "missing": None if answer.get("open") else listed,
    }
    pairs(list(shown.items()), indent="")
