# SPDX-License-Identifier: Apache-2.0
"""`fedsafe store`: where a node keeps what it knows.

`fedsafe_node` is imported inside the command: it is what a lookup must not pay for.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.audit.audit import log_row, table_row
from fedsafe_cli.node.store_prepare import prepare
from fedsafe_cli.terminal.errors import (
    CliError,
    ProgrammeError,
    SettingsError,
    WrongStateError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus, damage_status
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import grouped, headings
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.progress import CopyingBar
from fedsafe_cli.terminal.settings import Settings, printable, printed
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.ground.config import Config, Place
    from fedsafe_node.operations.move.addresses import Route, Wanted
    from fedsafe_node.operations.move.errors import UnverifiedError
    from fedsafe_node.operations.move.journey import Outcome

_TEXTS: Final = {
    "verify": Phrase("verifying the old place"),
    "anew": Phrase("the old place has gone on since: starting anew"),
    "copy": Phrase("copying"),
    "compare": Phrase("comparing"),
    "seal": Phrase("sealing and verifying"),
    "moved": Phrase("moved, every row the same: seal {seal}, {rows} rows"),
    "was_there": Phrase("it had been moved already: seal {seal}"),
    "switched": Phrase("{config} names the new place"),
    "lines": Phrase("{config} has to say now (or once more with --switch):"),
    "no_lines": Phrase("take [store] out of {config} now (or once more with --switch)"),
    "old": Phrase(
        "the old place does not start any more, and still holds old data: delete "
        "it once the new one runs and is backed up"
    ),
}


@click.group(cls=SpokenGroup)
def store() -> None:
    """Move the store of a node to a PostgreSQL server or back, and maintain it there.

    \b
    Examples:
      fedsafe store prepare --config /srv/fedsafe --owner-file owner.url
      fedsafe store migrate --config /srv/fedsafe --owner-file owner.url \\
        --to 'postgresql://node@/fedsafe?host=/run/postgresql' --switch
    """  # noqa: D301


store.add_command(prepare)


@store.command("migrate")
@click.option(
    "--from",
    "source",
    metavar="URL",
    help="Where the store is; default: where node.toml says.",
)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL",
    help="Where it goes: postgresql://ROLE@HOST/DATABASE, or sqlite:///DIR/store.db.",
)
@click.option(
    "--owner",
    metavar="URL",
    help="URL of the role that creates and owns the tables on the server, without a "
    "password.",
)
@click.option(
    "--owner-file",
    metavar="FILE",
    help="File of mode 0600 with that URL, which may contain a password.",
)
@click.option(
    "--password-file",
    metavar="FILE",
    help="File of mode 0600 with the password of ROLE; node.toml then names it.",
)
@click.option("--switch", is_flag=True, help="Change node.toml to the new place.")
@click.option("--anew", is_flag=True, help="First delete an unfinished copy.")
@shared_options
@click.pass_context
def migrate(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Move the store of a stopped node, and verify all of it at the new place.

    The old place is only read, and marked at the end: then no node starts on it. If the
    command breaks off, run it again: it continues. Exit status 20, 21 or 22 if the
    store does not verify, as with `fedsafe audit verify`.

    \b
    Examples:
      fedsafe store migrate --from sqlite:///srv/fedsafe/store.db \\
        --to 'postgresql://node@/fedsafe?host=/run/postgresql' \\
        --owner 'postgresql://owner@/fedsafe?host=/run/postgresql' --switch
      fedsafe store migrate --config /srv/fedsafe \\
        --to sqlite:///srv/fedsafe/store.db --switch
    """  # noqa: D301
    from fedsafe_node.operations.move.addresses import Wanted  # noqa: PLC0415 (slow to load)

    owner_file, password_file = given["owner_file"], given["password_file"]
    wanted = Wanted(
        source=given["source"],
        target=given["target"],
        owner=given["owner"],
        owner_file=Path(owner_file) if owner_file else None,
        password_file=str(Path(password_file).absolute()) if password_file else None,
    )
    settings = settings_of(context)
    return _translated(
        settings, lambda: _migrate(settings, wanted, given["switch"], given["anew"])
    )


def _migrate(
    settings: Settings,
    wanted: "Wanted",
    is_to_switch: bool,  # noqa: FBT001 (an option)
    anew: bool,  # noqa: FBT001 (an option)
) -> ExitStatus:
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.operations.move.addresses import (  # noqa: PLC0415
        directory_in,
        route_of,
        switch,
    )
    from fedsafe_node.operations.move.journey import move_store  # noqa: PLC0415

    named = None if settings.config else directory_in(wanted)
    place = Place(named or Path(settings.directory()))
    _check_user(place)
    config = load_config(place)
    route = route_of(wanted, place, config)
    watcher = _watcher(settings)
    began = time.monotonic()
    try:
        outcome = move_store(place, config, route, anew=anew, watcher=watcher)
    finally:
        watcher.bar.stop()
    seconds = round(time.monotonic() - began, 1)
    if is_to_switch:
        switch(place, config, route.storage)
    if settings.json:
        document(_answer(config, route, outcome, seconds, switched=is_to_switch))
    else:
        _tell(settings, place, route, outcome, switched=is_to_switch)
    return OK


def _check_user(place: "Place") -> None:
    for path in (place.config, place.database, place.keys, place.guard):
        if path.exists() and not os.access(path, os.R_OK):
            name = printable(str(path))
            hint = Phrase("run this command as the node's user")
            raise SettingsError(
                Phrase("{name} belongs to another user").filled(name=name), hint
            )


def _answer(
    config: "Config",
    route: "Route",
    outcome: "Outcome",
    seconds: float,
    *,
    switched: bool,
) -> dict[str, object]:
    import msgspec  # noqa: PLC0415 (slow to load)

    return {
        "node": config.name,
        "from": route.source,
        "to": route.target,
        "seal": outcome.seal,
        "was_there": outcome.was_there,
        "seconds": seconds,
        "rows": sum(outcome.rows.values()),
        "logs": msgspec.to_builtins(outcome.logs),
        "tables": outcome.rows,
        "switched": switched,
        "store": msgspec.to_builtins(route.storage),
    }


def _tell(
    settings: Settings,
    place: "Place",
    route: "Route",
    outcome: "Outcome",
    *,
    switched: bool,
) -> None:
    import msgspec  # noqa: PLC0415 (slow to load)

    from fedsafe_node.operations.move.addresses import section_of  # noqa: PLC0415

    if outcome.was_there:
        line(_say("was_there", settings, seal=outcome.seal))
    else:
        names = ("log", "entries", "openings", "erased", "verdict", "root")
        logs = [log_row(log, settings) for log in msgspec.to_builtins(outcome.logs)]
        table(headings(settings, *names), logs)
        line()
        rows = [(name, count) for name, count in outcome.rows.items() if count]
        table(headings(settings, "table", "rows"), rows)
        line()
        total = grouped(sum(outcome.rows.values()), settings)
        line(_say("moved", settings, seal=outcome.seal, rows=total))
    config = printable(str(place.config))
    if switched:
        line(_say("switched", settings, config=config))
    elif route.storage is None:
        line(_say("no_lines", settings, config=config))
    else:
        line(_say("lines", settings, config=config))
        for text in section_of(route.storage).splitlines():
            line(f"  {text}")
    note(_say("old", settings))


def _say(key: str, settings: Settings, **values: object) -> str:
    return _TEXTS[key].said(settings.language).format(**values)


def _watcher(settings: Settings) -> Any:  # noqa: ANN401 (its class is slow to load)
    from fedsafe_node.operations.move.journey import Watcher  # noqa: PLC0415

    class Shown(Watcher):
        """Shows what is going on."""

        def __init__(self) -> None:
            self.bar = CopyingBar(time.monotonic)

        def begin(self, total: int) -> None:
            self._show("copy", total)

        def rows(self, table: str, count: int) -> None:
            self.bar.advance(table, count)

        def step(self, name: str) -> None:
            if name == "anew":
                note(_say(name, settings))
            else:
                self._show(name, None)

        def _show(self, name: str, total: int | None) -> None:
            if not settings.json:
                self.bar.begin(_say(name, settings), total)

    return Shown()


class _DoesNotVerifyError(CliError):
    """What was verified is not what the node left."""

    code = "log_tampered"

    def __init__(self, error: "UnverifiedError", status: ExitStatus) -> None:
        super().__init__(
            Phrase("{why}; nothing was switched").filled(why=error),
            Phrase(
                "copy the node's directory as evidence, and see `fedsafe audit verify`"
            ),
        )
        self.status = status
        self.told = True


def _translated(settings: Settings, run: Callable[[], ExitStatus]) -> ExitStatus:
    from fedsafe_node.ground.errors import (  # noqa: PLC0415 (slow to load)
        ConfigError,
        NodeError,
        StoreBusyError,
        StoreFailedError,
    )
    from fedsafe_node.operations.move.errors import (  # noqa: PLC0415
        MoveRefusedError,
        UnverifiedError,
    )

    try:
        return run()
    except ConfigError as error:
        raise SettingsError(printed(error)) from None
    except MoveRefusedError as error:
        raise WrongStateError(printed(error), error.way_out) from None
    except StoreBusyError as error:
        hint = Phrase("stop the node first, and end another `fedsafe store migrate`")
        raise WrongStateError(printed(error), hint) from None
    except UnverifiedError as error:
        raise _told(settings, error) from None
    except StoreFailedError as error:
        hint = Phrase("once that is mended run the same command again: it goes on")
        raise ProgrammeError(printed(error.reason), hint) from None
    except NodeError as error:
        raise ProgrammeError(printed(error), Phrase("see `fedsafe doctor`")) from None


def _told(settings: Settings, error: "UnverifiedError") -> CliError:
    import msgspec  # noqa: PLC0415 (slow to load)

    answer: dict[str, Any] = msgspec.to_builtins(error.answer)
    if settings.json:
        document(answer)
    else:
        bad = [*(log_row(each, settings) for each in answer["logs"] if not each["ok"])]
        bad += [
            table_row(each, settings) for each in answer["tables"] if not each["ok"]
        ]
        for row in bad:
            line("  ".join(str(cell) for cell in row if cell is not None))
    return _DoesNotVerifyError(error, damage_status(answer))
