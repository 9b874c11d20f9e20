# SPDX-License-Identifier: Apache-2.0
"""A federation that some revision's code runs, reached by command line and HTTP alone.

Nothing of the revision is imported: what it is called inside does not matter.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.federation import until

HERE: Final = Path(__file__).parents[2]
ROOMS: Final = ("cli", "node", "federation", "crypto", "policies")
STAFF: Final = {
    "dora": "dpo",
    "lea": "legal_adviser",
    "ada": "escalation_officer",
    "olaf": "operator",
    "yuna": "youth_protection_officer",
    "shop": "service",
}
"""Beside those of each demonstration: anna, ben and audit."""
PEOPLE: Final = ("anna", "ben", "audit", *STAFF)
NAMES: Final = ("a.demo", "b.demo", "c.demo")
_PINNED: Final = HERE / "requirements.txt"
_VENV: Final = ".venv"
_TIMEOUT: Final = 60.0
_START: Final = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: the status, the headers by small names, the body."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        """Return the body, decoded; null if it is no JSON."""
        try:
            return json.loads(self.raw)
        except ValueError:
            return None


class _Local(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """Check a revision out beside this one, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="fs-") as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(HERE), "worktree"]
        subprocess.run(
            [*git, "add", "--quiet", "--detach", str(tree), revision], check=True
        )
        try:
            _install(tree)
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def _install(tree: Path) -> None:
    """Give a tree the packages that it pins, if these here are others."""
    pinned = tree / "requirements-dev.txt"
    if (tree / "requirements.txt").read_bytes() == _PINNED.read_bytes():
        return
    subprocess.run([sys.executable, "-m", "venv", str(tree / _VENV)], check=True)
    pip = [_python(tree), "-m", "pip", "install", "--quiet"]
    pip.append("--disable-pip-version-check")
    own = ["--no-deps", "--no-build-isolation", "--editable", str(tree)]
    subprocess.run([*pip, "--require-hashes", "-r", str(pinned)], check=True)
    subprocess.run([*pip, *own], check=True)


def _python(tree: Path) -> str:
    own = tree / _VENV / "bin" / "python"
    return str(own) if tree != HERE and own.exists() else sys.executable


def command_of(tree: Path) -> list[str]:
    """Begin a command line of a tree."""
    return [_python(tree), "-P", "-m", "fedsafe_cli"]


def environment_of(tree: Path) -> dict[str, str]:
    """Give the environment in which a process runs a tree's code, in English."""
    path = os.pathsep.join(str(tree / room) for room in ROOMS)
    return os.environ | {
        "PYTHONPATH": path,
        "LC_ALL": "C.UTF-8",
        "XDG_STATE_HOME": str(tree / ".state"),
        "COLUMNS": "100",
    }


def fedsafe(
    tree: Path, *arguments: str, typed: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the command line of a tree."""
    return subprocess.run(
        [*command_of(tree), *arguments],
        input=typed,
        capture_output=True,
        check=False,
        env=environment_of(tree),
    )


class Stage:
    """Members in one directory, each run by some tree's code; or one node alone."""

    def __init__(
        self, root: Path, trees: Sequence[Path] = (HERE,), names: Sequence[str] = NAMES
    ) -> None:
        self.root = root
        self.names = names
        self.trees = {name: trees[n % len(trees)] for n, name in enumerate(names)}
        self._running: list[subprocess.Popen[bytes]] = []

    def raise_(self) -> None:
        """Make the members, found the federation, give all of a.demo a credential.

        All of that is done by the code of the first; then each is run by its own.
        """
        count = str(len(self.names))
        self._must("demo", "up", "--dir", str(self.root), "--nodes", count)
        self._must("demo", "down", "--dir", str(self.root))
        where = ["--config", str(self.place(NAMES[0]))]
        for person, role in STAFF.items():
            out = ["--out", str(self.credential(NAMES[0], person))]
            self._must(
                "node", "credential", "add", person, "--role", role, *out, *where
            )
        self.start()

    def start(self) -> None:
        """Start all members, and wait until each has heard of the others."""
        for name, tree in self.trees.items():
            with (self.place(name) / "node.log").open("ab") as log:
                run = ["node", "run", "--config", str(self.place(name))]
                self._running.append(
                    subprocess.Popen(
                        [*command_of(tree), *run],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        env=environment_of(tree),
                    )
                )
        until(self.is_level, "the start of all members", patience=_START)

    def stop(self) -> None:
        """Stop all that run."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait()
        self._running.clear()

    def is_level(self) -> bool:
        """Whether all members have each other's feeds."""
        try:
            asked = [self.ask("GET", "/v1/status", at=name) for name in self.names]
        except OSError:
            return False
        states = [each.document for each in asked]
        if any("feed_size" not in state for state in states):
            return False
        sizes = {state["node"]: state["feed_size"] for state in states}
        return all(
            peer["covered"] and peer["cursor"] == sizes[peer["name"]]
            for state in states
            for peer in state.get("peers") or ()
        )

    def _must(self, *arguments: str) -> None:
        done = fedsafe(self.trees[NAMES[0]], *arguments)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr.decode()}")

    def place(self, name: str) -> Path:
        """Return a member's directory."""
        return self.root / name

    def credential(self, name: str, person: str) -> Path:
        """Return the file with a person's credential at a member."""
        return self.root / "credentials" / name / f"{person}.key"

    @property
    def urls(self) -> dict[str, str]:
        """Where the members are reached."""
        told = json.loads((self.root / "demo.json").read_text(encoding="utf-8"))
        return {each["name"]: each["url"] for each in told["nodes"]}

    def run(
        self, name: str, person: str | None, *arguments: str, typed: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command as a person at a member; as the local service without one."""
        who = ["--credential", str(self.credential(name, person))] if person else []
        where = ["--config", str(self.place(name))]
        return fedsafe(self.trees[name], *arguments, *where, *who, typed=typed)

    def ask(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        at: str = NAMES[0],
        by: str | None = None,
        key: str | None = None,
        trace: str | None = None,
    ) -> Answer:
        """Send a request: JSON, or bytes as they are; by nobody over TCP as `-`."""
        headers = {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if trace is not None:
            headers["traceparent"] = f"00-{trace}-{trace[:16]}-01"
        if key is not None:
            headers["Idempotency-Key"] = key
        line: http.client.HTTPConnection = _Local(self.place(at) / "node.sock")
        if by is not None:
            address = urlsplit(self.urls[at])
            line = http.client.HTTPConnection(
                address.hostname or "", address.port, timeout=_TIMEOUT
            )
            if by != "-":
                token = self.credential(at, by).read_text(encoding="ascii").strip()
                headers["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            line.request(method, target, None if body is None else data, headers)
            response = line.getresponse()
            raw = response.read()
        finally:
            line.close()
        told = {key.lower(): value for key, value in response.getheaders()}
        return Answer(response.status, told, raw)


@contextmanager
def raised(
    root: Path, trees: Sequence[Path] = (HERE,), names: Sequence[str] = NAMES
) -> Iterator[Stage]:
    """Raise a federation, or a node alone, and stop it whatever happens."""
    stage = Stage(root, trees, names)
    try:
        stage.raise_()
        yield stage
    finally:
        stage.stop()
