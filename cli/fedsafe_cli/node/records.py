# SPDX-License-Identifier: Apache-2.0
"""`fedsafe records`: documents for compliance officers, written by the node.

They are written from what the node runs with at that moment; that it was done is an
audit event, with the digest of the text.
"""

import click

from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings

TEMPLATES = ("balancing-test", "arrangement")


@click.group(cls=SpokenGroup)
def records() -> None:
    """Write documents for compliance officers, from the node's configuration.

    \b
    Examples:
      fedsafe records art30 --lang de > verzeichnis.md
      fedsafe records dpia --json
      fedsafe records template balancing-test --lang de > abwaegung.md
    """  # noqa: D301


@records.command("art30")
@reading_purpose
@shared_options
@click.pass_context
def art30(context: click.Context, purpose: str | None) -> ExitStatus:
    """Write the records of processing activities (GDPR Article 30).

    \b
    Example:
      fedsafe records art30 --lang de > verzeichnis.md
    """  # noqa: D301
    return _write(settings_of(context), "art30", purpose)


@records.command("dpia")
@reading_purpose
@shared_options
@click.pass_context
def dpia(context: click.Context, purpose: str | None) -> ExitStatus:
    """Write the data sheet of an impact assessment (GDPR Article 35).

    \b
    Example:
      fedsafe records dpia --lang en > dpia.md
    """  # noqa: D301
    return _write(settings_of(context), "dpia", purpose)


@records.command("works-council")
@reading_purpose
@shared_options
@click.pass_context
def works_council(context: click.Context, purpose: str | None) -> ExitStatus:
    """Write what is logged about staff (BetrVG, section 87 (1)).

    \b
    Example:
      fedsafe records works-council --lang de > betriebsrat.md
    """  # noqa: D301
    return _write(settings_of(context), "works-council", purpose)


@records.command("template")
@click.argument("name", type=click.Choice(TEMPLATES))
@reading_purpose
@shared_options
@click.pass_context
def template(context: click.Context, name: str, purpose: str | None) -> ExitStatus:
    """Write a template with this node's values, to be completed by hand.

    NAME is balancing-test (GDPR Art. 6 (1) f) or arrangement (between joint
    controllers, GDPR Art. 26). It is an aid, not legal advice.

    \b
    Examples:
      fedsafe records template balancing-test --lang de > abwaegung.md
      fedsafe records template arrangement > arrangement.md
    """  # noqa: D301
    return _write(settings_of(context), name, purpose)


def _write(settings: Settings, sheet: str, purpose: str | None) -> ExitStatus:
    language = "de" if settings.language == "de" else "en"  # the forms have two
    target = read_for(f"/v1/records/{sheet}?language={language}", purpose)
    answer = personal(settings).get(target)
    if settings.json:
        document(answer["document"])
    else:
        line(str(answer["markdown"]).rstrip("\n"))
    return OK
