# SPDX-License-Identifier: Apache-2.0
"""`fedsafe demo`: a federation on one machine, with invented data."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from fedsafe_cli.demo.fleet import answers, stop
from fedsafe_cli.demo.nodes import MARK, DemoNode, links_of, load_demo, raise_demo
from fedsafe_cli.terminal.errors import SettingsError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import coded, headings, say
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase

DEFAULT_DIR: Final = ".demo"
_STATES: Final = ("down", "up")
_MOST_NODES: Final = 26


@click.group(cls=SpokenGroup)
def demo() -> None:
    """Run a whole federation on this machine, with invented data.

    \b
    Examples:
      fedsafe demo up --json
      printf 'anna@example.de\\n' | fedsafe lookup --config .demo/b.demo --kind email -
      fedsafe demo down
    """  # noqa: D301


@demo.command("up")
@click.option("--dir", "directory", default=DEFAULT_DIR, show_default=True)
@click.option(
    "--nodes",
    type=click.IntRange(1, _MOST_NODES),
    help="Number of nodes, not 2; default: 3.",
)
@shared_options
@click.pass_context
def up(context: click.Context, directory: str, nodes: int | None) -> ExitStatus:
    """Create and start the nodes, and found their federation.

    Returns when all nodes are ready. Nodes that already run are left alone.

    \b
    Example:
      fedsafe demo up --nodes 3 --json
    """  # noqa: D301
    found = raise_demo(Path(directory), nodes)
    (Path(directory) / MARK).unlink(missing_ok=True)
    settings = settings_of(context)
    if settings.json:
        document({"nodes": [asdict(each) for each in found]})
        return OK
    _list(found, settings)
    where = "" if directory == DEFAULT_DIR else f" --dir {shlex.quote(directory)}"
    commands = f"fedsafe demo status{where}, fedsafe demo down{where}"
    line(say("next: {command}", settings, command=commands))
    return OK


@demo.command("status")
@click.option("--dir", "directory", default=DEFAULT_DIR, show_default=True)
@shared_options
@click.pass_context
def status(context: click.Context, directory: str) -> ExitStatus:
    """Show which nodes run; exit status 4 unless all do.

    \b
    Example:
      fedsafe demo status
    """  # noqa: D301
    found, settings = load_demo(Path(directory)), settings_of(context)
    up_now = [answers(each.directory) for each in found]
    if settings.json:
        entries = [
            asdict(each) | {"running": running}
            for each, running in zip(found, up_now, strict=True)
        ]
        document({"nodes": entries})
    elif not found:
        text = "no demo lies in {directory}; make one: fedsafe demo up"
        line(say(text, settings, directory=printable(directory)))
    else:
        _list(found, settings)
    return OK if found and all(up_now) else ExitStatus.UNREACHABLE


@demo.command("links")
@click.option("--dir", "directory", default=DEFAULT_DIR, show_default=True)
@shared_options
@click.pass_context
def links(context: click.Context, directory: str) -> ExitStatus:
    """Make a link to the desk for each role; those made before are good no more.

    A link is good once, and as long as the demo runs.

    \b
    Example:
      fedsafe demo links
    """  # noqa: D301
    found, settings = load_demo(Path(directory)), settings_of(context)
    if not found:
        raise SettingsError(
            Phrase("no demo lies in {directory}; make one: fedsafe demo story").filled(
                directory=printable(directory)
            )
        )
    made = links_of(found[0])
    if settings.json:
        document({"links": made})
        return OK
    rows = [(each["role"], each["name"], each["url"]) for each in made]
    table(headings(settings, "role", "name", "url"), rows)
    return OK


@demo.command("down")
@click.option("--dir", "directory", default=DEFAULT_DIR, show_default=True)
@click.option("--delete", is_flag=True, help="Also delete the demo's directory.")
@shared_options
@click.pass_context
def down(context: click.Context, /, directory: str, *, delete: bool) -> ExitStatus:
    """Stop all nodes of the demo.

    \b
    Example:
      fedsafe demo down --delete
    """  # noqa: D301
    path, settings = Path(directory), settings_of(context)
    found, place = load_demo(path), printable(directory)
    stopped = [each.name for each in found if stop(each.directory)]
    deleted = delete and bool(found)
    if deleted:
        shutil.rmtree(path)
    if settings.json:
        document({"stopped": stopped, "deleted": deleted})
    elif not found:
        text = "no demo lies in {directory}; nothing to stop or delete"
        line(say(text, settings, directory=place))
    else:
        names = ", ".join(stopped) or say("nothing ran", settings)
        line(say("stopped: {names}", settings, names=names))
        if deleted:
            line(say("deleted: {directory}", settings, directory=place))
    return OK


@demo.command("story")
@click.option("--dir", "directory", default=DEFAULT_DIR, show_default=True)
@click.option(
    "--data",
    metavar="DIR",
    help="Folder with your own input; default: the bundled one.",
)
@click.option("--once", is_flag=True, help="End after the story.")
@shared_options
@click.pass_context
def story(
    context: click.Context, /, directory: str, *, data: str | None, once: bool
) -> ExitStatus:
    """Play the main job and tell it; this is what `./run` shows.

    Starts a new demo in DIR, which must be empty or an earlier demo that does not run.
    Runs until Ctrl-C; with --once it ends after the story and deletes DIR.

    \b
    Example:
      fedsafe demo story --once
    """  # noqa: D301
    from fedsafe_cli.demo.story import tell  # noqa: PLC0415 (slow to load)

    return tell(
        Path(directory),
        data=Path(data) if data else None,
        once=once,
        settings=settings_of(context),
    )


def _list(nodes: Sequence[DemoNode], settings: Settings) -> None:
    states = [coded(_STATES[answers(each.directory)], settings) for each in nodes]
    rows = [
        (each.name, each.url, each.dir, state)
        for each, state in zip(nodes, states, strict=True)
    ]
    table(headings(settings, "name", "url", "directory", "state"), rows)
