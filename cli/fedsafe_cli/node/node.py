# SPDX-License-Identifier: Apache-2.0
"""`fedsafe node`: make a node, run it, look at it, add people to it.

`fedsafe_node` is imported inside the commands: it is what a lookup must not pay
for.
"""

import gc
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.doctor.texts import said, sentences
from fedsafe_cli.node.account import SET_UP
from fedsafe_cli.node.credential import credential
from fedsafe_cli.node.outside_key import outside_key
from fedsafe_cli.node.store_prepare import read_owner
from fedsafe_cli.terminal.errors import (
    ProgrammeError,
    SettingsError,
    WrongStateError,
    words_of,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup, listed, misused
from fedsafe_cli.terminal.labels import coded, field, say, value_of
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_cli.terminal.texts import words
from fedsafe_node.words.act_values import provision_word
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

if TYPE_CHECKING:
    from fedsafe_cli.node.node_factory import MadeNode, NewNode

_WARNINGS: Final = {"short": "disk_short", "full": "disk_full"}
_BARE: Final = (
    "fedsafe: until {until} a person's credential records own bans, looks up, reads; "
    "all else takes an account (`fedsafe account setup`)"
)
_CODED: Final = frozenset({"disk", "memory"})
_SENTENCES: Final = frozenset({"store", "rests", "keys_departed", "resharings_overdue"})
ROLES: Final = tuple(role.value for role in Role)


@click.group(cls=SpokenGroup)
def node() -> None:
    """Create a node, run it, and show its state.

    \b
    Examples:
      fedsafe node init --help
      fedsafe node run --config /srv/fedsafe
      fedsafe node status
    """  # noqa: D301


@node.command("init")
@click.option("--dir", "directory", required=True, metavar="DIR", help="New directory.")
@click.option(
    "--name", required=True, help="Name of the node, such as chat.example.de."
)
@click.option("--url", help="URL at which peers reach it; default: from --listen.")
@click.option("--listen", default="127.0.0.1:8470", show_default=True)
@click.option(
    "--jurisdiction", default="DE", show_default=True, help="Country code, two letters."
)
@click.option("--contact", required=True, help="Address for questions about signals.")
@click.option("--dpo-contact", help="Address of the data protection officer.")
@click.option(
    "--policy", default="strict", show_default=True, help="Shipped policy to use."
)
@click.option(
    "--staff",
    multiple=True,
    metavar="NAME:ROLE",
    help=listed(
        "Person to create a credential for, with one of the roles {words}.", ROLES
    ),
)
@click.option(
    "--custody-key",
    metavar="FILE",
    help="New file for the private custody key; default: DIR.custody.key.",
)
@click.option(
    "--store",
    metavar="URL",
    help="Use a PostgreSQL server instead of a file: postgresql://ROLE@HOST/DATABASE.",
)
@click.option(
    "--store-password-file",
    metavar="FILE",
    help="File of mode 0600 with the password of this role.",
)
@click.option(
    "--store-owner-file",
    metavar="FILE",
    help="File of mode 0600 with the URL of the role that creates and owns the tables.",
)
@click.option(
    "--administrator",
    default="admin",
    show_default=True,
    metavar="NAME",
    help="Account of the first administrator.",
)
@shared_options
@click.pass_context
def init(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Create a new node in an empty directory.

    Credentials are written to files of mode 0600 in DIR.credentials. The code of the
    first administrator is shown once. The private custody key opens your own
    identifiers when they must be published anew: move that file off this machine.

    If the command fails, it leaves nothing behind. If it is killed, run the same
    command again: it cleans up and starts over.

    \b
    Examples:
      fedsafe node init --dir /srv/fedsafe --name chat.example.de \\
        --url https://fedsafe.chat.example.de --listen 127.0.0.1:8470 \\
        --contact trust@chat.example.de --staff anna:analyst --staff ben:reviewer
      fedsafe node init --dir /srv/fedsafe --name chat.example.de \\
        --contact trust@chat.example.de --store-owner-file owner.url \\
        --store 'postgresql://fedsafe_node@/fedsafe?host=/run/postgresql'
    """  # noqa: D301
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_cli.node.node_factory import make_node  # noqa: PLC0415 (slow to load)

    wanted = _wanted(given)
    return _tell_made(settings_of(context), wanted, asyncio.run(make_node(wanted)))


def _wanted(given: Mapping[str, Any]) -> "NewNode":
    from fedsafe_cli.node.node_factory import NewNode  # noqa: PLC0415 (slow to load)

    host, port = _address(given["listen"])
    owner = given["store_owner_file"]
    directory = Path(given["directory"])
    _check_safe(given["custody_key"])
    return NewNode(
        directory=directory,
        name=given["name"],
        url=given["url"] or f"http://{host}:{port}",
        host=host.strip("[]"),
        port=port,
        jurisdiction=given["jurisdiction"],
        contact=given["contact"],
        dpo_contact=given["dpo_contact"],
        policy=given["policy"],
        staff=tuple(_person(text) for text in given["staff"]),
        credentials=directory.with_name(f"{directory.name}.credentials"),
        custody=Path(given["custody_key"])
        if given["custody_key"]
        else directory.with_name(f"{directory.name}.custody.key"),
        administrator=given["administrator"],
        store=given["store"],
        store_password_file=_absolute(given["store_password_file"]),
        store_owner=owner and read_owner("--store-owner-file", owner),
    )


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).absolute())


def _tell_made(settings: Settings, wanted: "NewNode", made: "MadeNode") -> ExitStatus:
    answer: dict[str, object] = {
        "name": wanted.name,
        "url": wanted.url,
        "dir": str(wanted.directory),
        "config": str(wanted.directory / "node.toml"),
        "credentials": {name: str(path) for name, path in made.credentials.items()},
        "custody": str(made.custody),
    }
    if any(role is not Role.SERVICE for _, role in wanted.staff):
        answer["credentials_until"] = made.until
    first = made.administrator
    if first is not None:
        answer["administrator"] = {
            "name": first.name,
            "code": first.code,
            "until": first.until,
        }
    if settings.json:
        document(answer)
        return OK
    rows = [
        (field(name, settings), value)
        for name, value in answer.items()
        if isinstance(value, str)
    ]
    people: list[tuple[str, object]] = [
        (say("credential of {name}", settings, name=who), str(path))
        for who, path in made.credentials.items()
    ]
    if first is not None:
        label = say("set-up code of {name}", settings, name=first.name)
        people.append((label, first.code))
    pairs([*rows, *people], indent="")
    if "credentials_until" in answer and wanted.policy != "synthetic":
        note(say(_BARE, settings, until=shown(made.until)))
    config = shlex.quote(printable(str(wanted.directory)))
    command = f"fedsafe node run --config {config}"
    line(say("next: {command}", settings, command=command))
    if first is not None:
        text = "then, within three days, with whoever trained you and until when:"
        line(say(text, settings))
        line(f"  fedsafe account setup --config {config} {SET_UP.format(first.name)}")
    return OK


def _check_safe(custody: str | None) -> None:
    """Check that the medium for the custody key is there.

    A directory that is made where a medium was to be mounted lies on this machine.
    """
    if custody is not None and not Path(custody).absolute().parent.is_dir():
        raise SettingsError(
            Phrase("--custody-key: {parent} is no directory").filled(
                parent=printable(str(Path(custody).parent))
            ),
            Phrase("is the medium mounted? make the directory on it yourself"),
        )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()):
        raise misused(Phrase("--listen wants HOST:PORT"))
    return host, int(port)


def _person(text: str) -> tuple[str, Role]:
    name, colon, role = text.partition(":")
    if not colon or role not in ROLES:
        raise misused(
            Phrase("--staff wants NAME:ROLE, a role of {roles}").filled(
                roles=", ".join(ROLES)
            )
        )
    return name, Role(role)


@node.command("run")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of processes; more than one needs PostgreSQL.",
)
@shared_options
@click.pass_context
def run(context: click.Context, /, workers: int) -> ExitStatus:
    """Run the node in the foreground until it is told to stop.

    \b
    Examples:
      fedsafe node run --config /srv/fedsafe
      fedsafe node run --config /srv/fedsafe --workers 4
    """  # noqa: D301
    with uncollected():
        from fedsafe_node.app.run import run as run_node  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.config import Place  # noqa: PLC0415
    from fedsafe_node.ground.errors import (  # noqa: PLC0415
        ConfigError,
        NodeError,
        StoreBusyError,
        StoreElsewhereError,
        TooFewConnectionsError,
    )

    directory = Path(settings_of(context).directory())
    try:
        run_node(Place(directory), workers)
    except TooFewConnectionsError as error:
        fewer = Phrase(", or start with --workers {most}").filled(most=error.most)
        raise SettingsError(
            words_of(error),
            Phrase(
                "raise max_connections there (or the limit of the role or the "
                "database: `fedsafe doctor` tells for how many workers it "
                "does){fewer}"
            ).filled(fewer=fewer if error.most else ""),
        ) from None
    except ConfigError as error:
        raise SettingsError(words_of(error)) from None
    except StoreElsewhereError as error:
        raise WrongStateError(words_of(error)) from None
    except StoreBusyError as error:
        raise WrongStateError(
            words_of(error),
            Phrase("a node runs in this directory already? see `fedsafe node status`"),
        ) from None
    except NodeError as error:
        raise ProgrammeError(words_of(error), Phrase("see `fedsafe doctor`")) from None
    return OK


@node.command("status")
@shared_options
@click.pass_context
def status(context: click.Context) -> ExitStatus:
    """Show the state of the node.

    \b
    Example:
      fedsafe node status --config /srv/fedsafe
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/status")
    if settings.json:
        document(answer)
        return OK
    rows = [
        (field(name, settings), _told(name, answer, settings))
        for name in answer
        if name != "peers" and not name.endswith("_made")
    ]
    pairs(rows, indent="")
    if (warning := _WARNINGS.get(str(answer.get("disk")))) is not None:
        note(words(warning, language=settings.language))
    peers = answer.get("peers") or []
    if peers:
        names = ["name", "url", "cursor", "synced_at", "covered", "suspended"]
        if any(peer.get("owes_since") for peer in peers):
            names.append("owes_since")
        line()
        rows_of_peers = [
            [value_of(name, peer.get(name), settings) for name in names]
            for peer in peers
        ]
        table([field(name, settings) for name in names], rows_of_peers)
    return OK


def _told(name: str, state: Mapping[str, Any], settings: Settings) -> object:
    """Show what a field says: of what the node says in words, its own words."""
    language, value = settings.language, state[name]
    if name in _CODED:
        return coded(value, settings)
    if name in _SENTENCES and value:
        texts = sentences(state, name)
        return "; ".join(said(each, language=language) for each in texts)
    if name == "not_approved" and isinstance(value, list):
        return ", ".join(provision_word(str(each), language) for each in value) or None
    return value_of(name, value, settings)


node.add_command(credential)
node.add_command(outside_key)


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage while modules load: there is hardly any.

    A quarter of the time that a node takes to load went into that search.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
