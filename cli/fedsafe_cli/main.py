# SPDX-License-Identifier: Apache-2.0
"""The `fedsafe` command: a group whose subcommands are loaded when called.

The border of the process: every error becomes lines on standard error and an exit
status out of `terminal.exit_codes`; nothing that was typed or read is repeated.
"""

import errno
import os
import sys
from importlib import import_module
from typing import Final

import click
from click.exceptions import Exit, NoSuchCommand, NoSuchOption

from fedsafe_cli.terminal.errors import (
    CliError,
    ProgrammeError,
    SettingsError,
)
from fedsafe_cli.terminal.exit_codes import BROKEN_PIPE, INTERRUPTED, OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup, speaking
from fedsafe_cli.terminal.options import shared_options, typed_language
from fedsafe_cli.terminal.output import document
from fedsafe_cli.terminal.settings import Settings, language_of, printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

COMMANDS: Final = {
    "lookup": "fedsafe_cli.lookup.lookup:lookup",
    "signal": "fedsafe_cli.signals.signal:signal",
    "import": "fedsafe_cli.signals.imports:imports",
    "appeal": "fedsafe_cli.rights.appeal:appeal",
    "dispute": "fedsafe_cli.rights.dispute:dispute",
    "rights": "fedsafe_cli.rights.rights:rights",
    "events": "fedsafe_cli.node.events:events",
    "notice": "fedsafe_cli.rights.notice:notice",
    "hash": "fedsafe_cli.lookup.media:hash_files",
    "match": "fedsafe_cli.lookup.media:match_files",
    "login": "fedsafe_cli.node.login:login",
    "logout": "fedsafe_cli.node.login:logout",
    "session": "fedsafe_cli.node.session:session",
    "act": "fedsafe_cli.acts.act:act",
    "task": "fedsafe_cli.signals.task:task",
    "flood": "fedsafe_cli.signals.flood:flood",
    "trial": "fedsafe_cli.signals.trial:trial",
    "inquiry": "fedsafe_cli.signals.inquiry:inquiry",
    "node": "fedsafe_cli.node.node:node",
    "account": "fedsafe_cli.node.account:account",
    "training": "fedsafe_cli.node.training:training",
    "staffing": "fedsafe_cli.node.staff_levels:staffing",
    "gate": "fedsafe_cli.node.gate:gate",
    "register": "fedsafe_cli.node.register:register",
    "breach": "fedsafe_cli.audit.breach:breach",
    "round": "fedsafe_cli.audit.round:round_",
    "case": "fedsafe_cli.cases.case:case",
    "order": "fedsafe_cli.cases.order:order",
    "partner": "fedsafe_cli.cases.partner:partner",
    "open": "fedsafe_cli.cases.package_open:open_",
    "budget": "fedsafe_cli.node.budget:budget",
    "policy": "fedsafe_cli.policy.policy:policy",
    "do-not-share": "fedsafe_cli.signals.do_not_share:do_not_share",
    "help-directory": "fedsafe_cli.rights.help_directory:help_directory",
    "records": "fedsafe_cli.node.records:records",
    "federation": "fedsafe_cli.federation.federation:federation",
    "evidence": "fedsafe_cli.federation.evidence:evidence",
    "audit": "fedsafe_cli.audit.audit:audit",
    "store": "fedsafe_cli.storage.store:store",
    "backup": "fedsafe_cli.storage.backup:backup",
    "restore": "fedsafe_cli.storage.restore:restore",
    "doctor": "fedsafe_cli.doctor.doctor:doctor",
    "demo": "fedsafe_cli.demo.demo:demo",
}


class LazyGroup(SpokenGroup):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """List the commands, most used first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        target = COMMANDS.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = target.partition(":")
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the near ones, though none is loaded."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise NoSuchCommand(name, possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)


def _version(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 (click's)
    if value and not context.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 (slow to load)

        click.echo(f"fedsafe {version('fedsafe')}")
        context.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Print the version and exit.",
)
@shared_options
def fedsafe() -> None:
    """Query a FedSafe node, publish signals with it, and operate it.

    A match is a reason to review, never a verdict: create the account restricted,
    review, decide.

    \b
    Examples:
      printf '%s\\n' "$ADDRESS" | fedsafe lookup --kind email -
      fedsafe hash upload.jpg
      fedsafe demo up

    \b
    Exit status:
      0   no signal; done
      1   internal error
      2   wrong usage
      3   denied by policy
      4   node unreachable
      5   bad input
      10  match: review
      11  deferred: ask again later
      12  answered, but some origins are not covered
      13  waits for a second person
      14  match in a flood: review, restrict nobody
      20  log was changed; for `open`: package or evidence is not what was signed
      21  log entries are missing
      22  log cannot be read
    """  # noqa: D301


def main() -> int:
    """Run the command line and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        status = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered goes nowhere, instead of a traceback at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except OSError as error:
        # Standard output takes nothing, not even the document of an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        failed = _of_system(error)
        language = language_of(os.environ)
        sys.stderr.write(f"{failed.diagnostics(language=language)}\n")
        return failed.status
    return status


def _run() -> int:
    # Help and usage errors end a command before its options are read.
    settings = Settings(lang=typed_language(sys.argv[1:]))
    with speaking(settings.language):
        return _run_for(settings)


def _run_for(settings: Settings) -> int:
    try:
        # Not click's own main(): it would end a broken pipe with status 1.
        with fedsafe.make_context("fedsafe", sys.argv[1:], obj=settings) as context:
            result = fedsafe.invoke(context)
    except Exit as finished:
        return finished.exit_code
    except CliError as error:
        if settings.json and not error.told:
            document(error.document())
        _complain(error.diagnostics(language=settings.language))
        return error.status
    except click.ClickException as error:
        _clearer(error).show()
        return ExitStatus.USAGE
    except (click.Abort, KeyboardInterrupt):
        _complain("")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001
        # The last border: an unknown error's text may hold what was typed, so
        # only its type and place are shown.
        failed = _of_file(error) or ProgrammeError(_unexpected(error))
        if settings.json:
            document(failed.document())
        _complain(failed.diagnostics(language=settings.language))
        return failed.status
    return result if isinstance(result, int) else OK


def _complain(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")


def _clearer(error: click.ClickException) -> click.ClickException:
    """Name a group's commands where an option or another word came in their place."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None or not isinstance(context.command, click.Group):
        return error
    if context.parent is None or not isinstance(error, NoSuchOption | NoSuchCommand):
        return error
    if isinstance(error, NoSuchCommand) and error.possibilities:
        return error  # it names the near ones
    names = ", ".join(context.command.list_commands(context))
    told = Phrase("a command comes first, one of: {names}").filled(names=names)
    return click.UsageError(told.said(_language(context)), context)


def _language(context: click.Context) -> str:
    return context.ensure_object(Settings).language


def _of_system(error: OSError) -> CliError:
    """Say why the system did not take what was to be written, whatever file it was."""
    told = Phrase("something could not be read or written: {why}")
    way_out = Phrase("make room where it is written, then run the command again")
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return ProgrammeError(told.filled(why=reason_of(error)), way_out if full else None)


def _of_file(error: Exception) -> CliError | None:
    """Say which file the system did not give or take, and why; None if it says none."""
    if not isinstance(error, OSError) or error.strerror is None:
        return None
    if not isinstance(error.filename, str | bytes):
        is_known = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}
        return _of_system(error) if is_known else None
    name = printable(os.fsdecode(error.filename))
    if isinstance(error, PermissionError):
        told = Phrase("{name} may not be read or written by this user")
        way_out = Phrase("run the command as the user whose it is: `ls -ld {name}`")
        return SettingsError(told.filled(name=name), way_out.filled(name=name))
    return ProgrammeError(
        Phrase("{name}: {why}").filled(name=name, why=reason_of(error))
    )


def _unexpected(error: Exception) -> Phrase:
    import traceback  # noqa: PLC0415 (only here)

    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
    said = Phrase("unexpected {error} at {place}")
    return said.filled(error=type(error).__name__, place=place)
