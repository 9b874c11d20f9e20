# SPDX-License-Identifier: Apache-2.0
"""The nodes of a demo: made, started, founded as a federation, and found again.

| where in DIR | what |
|---|---|
| `a.demo/`, `b.demo/`, … | the nodes' directories, with `node.log` |
| `custody/` | the private custody keys, outside every node |
| `credentials/<node>/` | `anna.key` (analyst), `ben.key` (reviewer), `audit.key` |
| `demo.json` | what `up --json` prints |
| `story` | is there while the demo is that of `demo story` alone |
"""

import json
import shlex
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from fedsafe_cli.demo.fleet import (
    Process,
    answers,
    ended_by_sigterm,
    find,
    free_ports,
    start,
    stop,
    wait_until,
)
from fedsafe_cli.federation.ceremony import (
    Terms,
    carry,
    confirm_at,
    has_charter,
    propose,
)
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import CliError, ProgrammeError, SettingsError
from fedsafe_cli.terminal.remote import remote
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

if TYPE_CHECKING:
    from fedsafe_node.ground.clock import Clock

STATE: Final = "demo.json"
MARK: Final = "story"
"""A file that says a story made this demo, and nobody has taken it up since."""
FEDERATION: Final = "three-providers.demo"
Staff = tuple[tuple[str, Role], ...]
STAFF: Final[Staff] = (
    ("anna", Role.ANALYST),
    ("ben", Role.REVIEWER),
    ("audit", Role.AUDITOR),
)
_PAIR: Final = 2
_LONGEST_DIR: Final = 80
_FOUNDING_TIMEOUT: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoNode:
    """A node of the demo, as `up --json` names it."""

    name: str
    url: str
    dir: str
    config: str

    @property
    def directory(self) -> Path:
        """The node's directory."""
        return Path(self.dir)

    def client(self, person: str | None = None) -> Client:
        """Return a client with a person's credential, or as the local service."""
        token = None
        if person is not None:
            path = self.directory.parent / "credentials" / self.name / f"{person}.key"
            token = path.read_text(encoding="ascii").strip()
        return Client(str(self.directory / "node.sock"), token, self.dir)


class Past(Protocol):
    """What new nodes go through before they run for themselves.

    They are made by `clock`; `staff` works at the first, which has a desk.
    """

    @property
    def clock(self) -> "Clock":
        """The clock by which they are made."""
        ...

    @property
    def staff(self) -> Staff:
        """Who works at the first of them."""
        ...

    def live(self, nodes: Sequence[DemoNode]) -> None:
        """Go through it; the nodes belong to one federation then."""
        ...


def raise_demo(
    directory: Path,
    count: int | None = None,
    *,
    staff: Staff = STAFF,
    past: Past | None = None,
) -> list[DemoNode]:
    """Bring the demo up, whatever part of it there is; *staff* works at new nodes.

    New nodes go through the *past* first, if there is one.

    Raises:
        CliError: it cannot be; everything that this call started is stopped.
    """
    if count == _PAIR:
        raise SettingsError(
            Phrase("two nodes found no federation: it needs three at least"),
            Phrase("--nodes 3, or --nodes 1 for one alone"),
        )
    root = directory.absolute()
    found = load_demo(root)
    if found and count is not None and len(found) != count:
        raise SettingsError(
            Phrase("a demo of {found} nodes lies in {directory}").filled(
                found=len(found), directory=directory
            ),
            Phrase(
                "delete it first: fedsafe demo down --delete --dir {directory}"
            ).filled(directory=shlex.quote(str(directory))),
        )
    if not found:
        found = _make(root, count or 3, staff, past)
        if past is not None:
            past.live(found)
    started: list[DemoNode] = []
    with ended_by_sigterm(), _undone(started):
        processes = [(each.directory, _running(each, started)) for each in found]
        wait_until(
            lambda: all(answers(each.directory) for each in found),
            processes,
            "starting the nodes",
        )
        if len(found) > 1:
            found_among(found)
            wait_until(
                lambda: all(_covered(each) for each in found),
                processes,
                "the first exchange of feeds",
            )
    return found


@contextmanager
def _undone(started: list[DemoNode]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for each in started:
            stop(each.directory)
        raise


def _running(node: DemoNode, started: list[DemoNode]) -> Process:
    process = find(node.directory)
    if process is None:
        process = start(node.directory)
        started.append(node)
    return process


def load_demo(directory: Path) -> list[DemoNode]:
    """Return the nodes of a demo; of none, an empty list.

    Raises:
        ProgrammeError: its list of nodes is damaged.
    """
    try:
        text = (directory / STATE).read_text(encoding="utf-8")
    except OSError:
        return []
    try:
        return [DemoNode(**entry) for entry in json.loads(text)["nodes"]]
    except (ValueError, TypeError, KeyError):
        raise ProgrammeError(
            Phrase("{directory} is damaged").filled(directory=directory / STATE)
        ) from None


def _make(root: Path, count: int, staff: Staff, past: Past | None) -> list[DemoNode]:
    if len(str(root)) > _LONGEST_DIR:
        raise SettingsError(
            Phrase("{root} is too long a path for a Unix socket in it").filled(
                root=root
            )
        )
    if root.exists() and any(path.name != MARK for path in root.iterdir()):
        raise SettingsError(
            Phrase("{root} is not empty and holds no demo").filled(root=root)
        )
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    *ports, desk = free_ports(count + 1)
    found: list[DemoNode] = []
    for letter, port in zip(string.ascii_lowercase, ports, strict=False):
        directory = root / f"{letter}.demo"
        if past is None:
            found.append(make_shown(directory, port, staff=staff))
        else:
            works = staff if found else past.staff
            at = None if found else desk
            found.append(
                make_shown(directory, port, staff=works, clock=past.clock, desk_port=at)
            )
    text = json.dumps({"nodes": [asdict(each) for each in found]}, indent=1)
    (root / STATE).write_text(text + "\n", encoding="utf-8")
    return found


def make_shown(  # noqa: PLR0913 - what a node for show may differ in
    directory: Path,
    port: int,
    *,
    url: str | None = None,
    staff: Staff = STAFF,
    store: str | None = None,
    clock: "Clock | None" = None,
    desk_port: int | None = None,
) -> DemoNode:
    """Make a node for show: invented people, their keys beside it, `synthetic` policy.

    It is reached at its port, unless *url* leads there; people find its desk at
    *desk_port*, if it has one. It is marked as a demonstration for good.
    """
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_cli.node.node_factory import NewNode, make_node  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415 (slow to load)

    root, name = directory.parent, directory.name
    wanted = NewNode(
        directory=directory,
        name=name,
        url=url or f"http://127.0.0.1:{port}",
        host="127.0.0.1",
        port=port,
        jurisdiction="DE",
        contact=f"trust@{name}",
        policy="synthetic",
        staff=staff,
        credentials=root / "credentials" / name,
        custody=root / "custody" / f"{name}.key",
        founding_open=True,
        store=store,
        desk_port=desk_port,
        demonstration=True,
        clock=clock or SystemClock(),
    )
    asyncio.run(make_node(wanted))
    config = str(directory / "node.toml")
    return DemoNode(name=name, url=wanted.url, dir=str(directory), config=config)


def found_among(nodes: Sequence[DemoNode]) -> None:
    """Found a federation of running nodes, unless they are one."""
    clients = {each.name: remote(each.url) for each in nodes}
    if all(has_charter(client) for client in clients.values()):
        return
    cards = [client.get("/v1/card") for client in clients.values()]
    proposal = propose(nodes[0].client(), cards, Terms(federation=FEDERATION))
    confirm_at([each.client() for each in nodes], proposal)
    carry(clients, proposal)


def links_of(node: DemoNode) -> list[dict[str, str]]:
    """Have a node of a demonstration make its links: of each role, name and address.

    Those that it made before are good no more.
    """
    made = node.client().post("/v1/demonstration/links", None)
    return list(made["links"])


def _covered(node: DemoNode) -> bool:
    try:
        peers = node.client().get("/v1/status").get("peers") or []
    except CliError:
        return False
    return bool(peers) and all(peer.get("covered") for peer in peers)
