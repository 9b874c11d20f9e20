# SPDX-License-Identifier: Apache-2.0
"""Organisations that make nodes of their own and found federations with them.

They lie in a directory of a `Federation`, whose command line they use: so what they
print is kept, and what they write is searched.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.support.federation import Federation, until
from tests.support.ready_programme import start

from fedsafe_cli.demo.fleet import answers, free_ports, stop
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_cli.terminal.exit_codes import ExitStatus

FOLDER: Final = "organisations"
_ROUNDS: Final = 6


def found_federations(fed: Federation) -> None:
    """Found one federation by files and one over the network, three nodes each."""
    home = fed.root / FOLDER
    home.mkdir()
    ports = free_ports(6)
    nodes = [
        _make(fed, home / f"{letter}.demo", port)
        for letter, port in zip("efghij", ports, strict=True)
    ]
    _add_person(fed, nodes[0])
    with _running(nodes):
        _by_files(fed, nodes[:3], home / "shared")
        _over_network(fed, nodes[3:])


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give what the messages in a folder say, by their files' names."""
    for file in sorted(folder.rglob("shared/*.json")):
        yield (
            f"{file}, opened",
            base64.b64decode(json.loads(file.read_text())["payload"]),
        )


def _make(fed: Federation, directory: Path, port: int) -> DemoNode:
    name = directory.name
    made = fed.fedsafe(
        *("node", "init", "--dir", str(directory), "--name", name, "--json"),
        *("--listen", f"127.0.0.1:{port}", "--contact", f"trust@{name}"),
        *("--policy", "synthetic", "--staff", "rita:reviewer"),
    )
    assert made.returncode == 0, made.stderr
    config = directory / "node.toml"
    config.write_text(config.read_text().replace("open = false", "open = true"))
    url = f"http://127.0.0.1:{port}"
    return DemoNode(name=name, url=url, dir=str(directory), config=str(config))


def _add_person(fed: Federation, node: DemoNode) -> None:
    key = node.directory.with_name(f"{node.name}.credentials") / "cem.key"
    added = fed.fedsafe(
        *("node", "credential", "add", "cem", "--role", "auditor", "--out", str(key)),
        node=node,
    )
    assert added.returncode == 0, added.stderr


@contextmanager
def _running(nodes: list[DemoNode]) -> Iterator[None]:
    with ExitStack() as stack:
        for node in nodes:
            stack.callback(stop, node.directory)
            start(node.directory)
        until(lambda: all(answers(node.directory) for node in nodes), "starting")
        yield


def _by_files(fed: Federation, nodes: list[DemoNode], shared: Path) -> None:
    shared.mkdir()
    for node in nodes:
        fed.fedsafe("federation", "card", "--out", str(shared), node=node)
    found = ("federation", "found")
    name = ("--federation", "by-files.demo")
    proposed = fed.fedsafe(*found, "propose", *name, str(shared), node=nodes[0])
    assert proposed.returncode == 0, proposed.stderr
    _confirm(fed, nodes, str(shared))
    founded: set[str] = set()
    for _ in range(_ROUNDS):
        for node in nodes:
            step = fed.fedsafe(*found, "step", "--json", str(shared), node=node)
            assert step.returncode == 0, step.stderr
            if json.loads(step.stdout)["founded"]:
                founded.add(node.name)
        if len(founded) == len(nodes):
            return
    raise AssertionError(f"only {founded} have founded")


def _over_network(fed: Federation, nodes: list[DemoNode]) -> None:
    convenor, *members = nodes
    run = ["federation", "found", "run", "--federation", "by-network.demo"]
    for member in members:
        run += ["--member", member.url]
    waiting = fed.fedsafe(*run, node=convenor)
    assert waiting.returncode == ExitStatus.WAITING, waiting.stderr
    refused = fed.fedsafe("federation", "found", "withdraw", node=convenor)
    assert refused.returncode == 0, refused.stderr
    _confirm(fed, nodes)
    founded = fed.fedsafe(*run, node=convenor)
    assert founded.returncode == 0, founded.stderr


def _confirm(fed: Federation, nodes: list[DemoNode], *shared: str) -> None:
    """Let each operator type what the others read out from their own nodes."""
    own: dict[str, list[str]] = {}
    for node in nodes:
        card = fed.fedsafe("federation", "card", node=node).stdout.decode()
        own[node.name] = card.splitlines()[-1].split()[1:]
    for node in nodes:
        found = ("federation", "found")
        seen = fed.fedsafe(*found, "review", "--json", *shared, node=node)
        [founding] = json.loads(seen.stdout)["foundings"]
        lines = [
            " ".join(own[each["name"]][at - 1] for at in each["asked"])
            for each in founding["members"]
            if each["asked"]
        ]
        typed = "".join(f"{line}\n" for line in lines).encode()
        done = fed.fedsafe(*found, "confirm", *shared, node=node, typed=typed)
        assert done.returncode == 0, done.stderr
