# SPDX-License-Identifier: Apache-2.0
"""Three database hosts on loopback, from the templates that operators use.

Every host is an address in 127.0.0.0/8 and a directory; etcd, Patroni, PostgreSQL,
PgBouncer and HAProxy run in it as an unprivileged user. Only the watchdog is off: a
machine that runs tests is not to be reset by them.
"""

import grp
import http.client
import json
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from signal import Signals
from typing import Any, Final, TypeVar

from deploy.patroni.credentials import keep
from deploy.patroni.render import Cluster, Host, Ports, Timing, render
from tests.campaigns.descendants import adopt_orphans, below, kill, kill_all

PROGRAMS: Final = {
    "etcd": "/usr/bin/etcd",
    "patroni": "/usr/bin/patroni",
    "pgbouncer": "/usr/sbin/pgbouncer",
    "haproxy": "/usr/sbin/haproxy",
}
_POSTGRES: Final = "/usr/lib/postgresql/17/bin"
_SOURCE: Final = "127.0.0.1"  # what the kernel calls from within 127.0.0.0/8
_PACE: Final = 0.05
_PATIENCE: Final = 120.0
_OK: Final = 200
Found = TypeVar("Found")


class NotInstalledError(Exception):
    """A program of Debian's packages is missing."""


@dataclass(slots=True)
class Member:
    """What runs for one host."""

    host: Host
    root: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def socket_directory(self) -> Path:
        """Where PostgreSQL and PgBouncer of this host have their sockets."""
        return self.root / "run/postgresql"

    def rewinds(self) -> int:
        """Count how often pg_rewind mended this host's data."""
        log = (self.root / "patroni.log").read_text()
        return len(re.findall(r"running pg_rewind from \S+$", log, re.MULTILINE))


class DatabaseHosts:
    """A cluster that can be killed in parts."""

    def __init__(self, directory: Path, *, random: Random, timing: Timing) -> None:
        self._user = (
            pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        )
        self._directory = directory
        self._ours: set[int] = set()
        network = f"127.{random.randrange(1, 255)}.{random.randrange(256)}"
        hosts = tuple(Host(f"db{n}", f"{network}.{n}", _SOURCE) for n in (1, 2, 3))
        self.cluster = Cluster(
            cluster="fedsafe",
            hosts=hosts,
            node_networks=("127.0.0.0/8",),
            shared_buffers="64MB",
            watchdog="off",
            system_user=self._user.pw_name,
            haproxy_user=self._user.pw_name,
            haproxy_group=grp.getgrgid(self._user.pw_gid).gr_name,
            postgres_bin=_POSTGRES,
            ports=_free_ports(hosts),
            timing=timing,
        )
        self.members = [Member(host, directory / host.name) for host in hosts]
        render(
            self.cluster,
            directory,
            at=datetime.now(UTC),  # noqa: TID251 - the edge
            under=directory,
        )
        for member in self.members:
            for place in (
                "run/postgresql",
                "var/log/postgresql",
                "var/lib/etcd",
                "var/lib/postgresql/17",
            ):
                (member.root / place).mkdir(parents=True)
        keep(directory / "pgpass", self._passwords().encode(), mode=0o600)
        self._give_away()

    def _passwords(self) -> str:
        roles = ("fedsafe_node", "fedsafe_owner")
        files = {role: self._directory / f"node/{role}.password" for role in roles}
        return "".join(f"*:*:*:{role}:{files[role].read_text()}" for role in roles)

    def _give_away(self) -> None:
        for path in [self._directory, *self._directory.rglob("*")]:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def start(self) -> None:
        """Start everything, wait until all follow, and make roles and database."""
        adopt_orphans(self._ours)
        for program in PROGRAMS:
            for member in self.members:
                self._start(member, program)
        self.settled()
        roles = (self._directory / "roles.sql").read_bytes()
        leader = self.leader()
        self._run(
            leader,
            f"{_POSTGRES}/psql",
            *("-X", "-q", "-h", str(leader.socket_directory)),
            *("-p", str(self.cluster.ports.postgres), "-d", "postgres", "-f", "-"),
            given=roles,
        )

    def url(self, role: str) -> str:
        """Name the doors to the leader, and what to check and to prove there."""
        url = self.cluster.url(role, tls=self._directory / "node/ca.crt")
        return f"{url}&passfile={self._directory / 'pgpass'}"

    def leader(self) -> Member:
        """Return who leads."""
        return until(lambda: self._with_role("leader"), "a leader")

    def standby(self) -> Member:
        """Return whom commits wait for."""
        return until(lambda: self._with_role("sync_standby"), "a synchronous standby")

    def _with_role(self, role: str) -> Member | None:
        for view in self._views():
            for state in view:
                if state["role"] == role and state["state"] in ("running", "streaming"):
                    return next(
                        each for each in self.members if each.host.name == state["name"]
                    )
        return None

    def switch_over(self) -> None:
        """Have the leader hand over to the synchronous standby, and wait for it."""
        leader = self.leader()
        body = {"leader": leader.host.name, "candidate": self.standby().host.name}
        self._ask(leader, "/switchover", body)

    def settled(self) -> None:
        """Wait until one leads, two follow, and one of these is synchronous."""
        until(self._settled, "all members to follow")

    def _settled(self) -> bool:
        views = list(self._views())
        return len(views) == len(self.members) and all(map(_follow, views))

    def _views(self) -> Iterator[list[dict[str, Any]]]:
        """Ask each Patroni that answers how it sees all hosts."""
        for member in self.members:
            if "patroni" in member.running:
                try:
                    yield self._ask(member, "/cluster")["members"]
                except (OSError, http.client.HTTPException, ValueError):
                    continue

    def _ask(
        self, member: Member, target: str, body: dict[str, str] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        tls = member.root / "etc/fedsafe-db"
        context = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        context.load_cert_chain(tls / "postgres.crt", tls / "postgres.key")
        timeout = 3 if body is None else 60
        connection = http.client.HTTPSConnection(
            member.host.address,
            self.cluster.ports.rest,
            timeout=timeout,
            context=context,
        )
        try:
            method = "GET" if body is None else "POST"
            connection.request(method, target, json.dumps(body) if body else None)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status != _OK:
            raise OSError(f"{target}: {answer.status}")
        return json.loads(said) if body is None else None

    def kill(self, member: Member, programs: tuple[str, ...]) -> None:
        """Kill programs of a host with all their processes, in one go."""
        kill(_processes(member, programs))
        for program in programs:
            member.running.pop(program).wait()

    def signal(self, member: Member, number: Signals) -> None:
        """Send a signal to Patroni and PostgreSQL of a host, all their processes."""
        for pid in _processes(member, ("patroni",)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def revive(self, member: Member) -> None:
        """Start what does not run on a host, as its systemd would."""
        for program in PROGRAMS:
            if program not in member.running:
                self._start(member, program)

    def _start(self, member: Member, program: str) -> None:
        etc = member.root / "etc"
        arguments = {
            "etcd": [],
            "patroni": [str(etc / "patroni/config.yml")],
            "pgbouncer": [str(etc / "pgbouncer/pgbouncer.ini")],
            "haproxy": ["-db", "-f", str(etc / "haproxy/haproxy.cfg")],
        }
        surroundings = {
            "etcd": _variables(etc / "default/etcd"),
            "patroni": _variables(etc / "patroni_env.conf"),
            "pgbouncer": {},
            "haproxy": {},
        }
        with (member.root / f"{program}.log").open("ab") as log:
            member.running[program] = self._process(
                member,
                [PROGRAMS[program], *arguments[program]],
                surroundings[program],
                log=log.fileno(),
            )

    def _process(
        self,
        member: Member,
        command: list[str],
        surroundings: dict[str, str],
        log: int,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        as_root = os.geteuid() == 0
        process = subprocess.Popen(
            command,
            cwd=member.root,
            env={
                "PATH": f"{_POSTGRES}:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": str(member.root),
                "LANG": "C.UTF-8",
                **surroundings,
            },
            stdin=stdin,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=self._user.pw_uid if as_root else None,
            group=self._user.pw_gid if as_root else None,
            extra_groups=[] if as_root else None,
        )
        self._ours.add(process.pid)
        return process

    def _run(self, member: Member, *command: str, given: bytes) -> None:
        with (member.root / "psql.log").open("ab") as log:
            process = self._process(
                member, list(command), {}, log=log.fileno(), stdin=subprocess.PIPE
            )
            process.communicate(given)
        if process.returncode:
            raise OSError(f"psql: {(member.root / 'psql.log').read_text()}")


@contextmanager
def database_hosts(
    directory: Path, *, random: Random, timing: Timing
) -> Iterator[DatabaseHosts]:
    """Run three hosts; whatever happens, nothing of them runs afterwards.

    Raises:
        NotInstalledError: a Debian package is missing.
    """
    for program in (*PROGRAMS.values(), f"{_POSTGRES}/postgres"):
        if not shutil.which(program):
            raise NotInstalledError(
                f"{program} is missing: apt install patroni python3-etcd etcd-server"
                " pgbouncer haproxy postgresql-17"
            )
    try:
        hosts = DatabaseHosts(directory, random=random, timing=timing)
        hosts.start()
        yield hosts
    finally:
        kill_all()


def until(found: Callable[[], Found | None], what: str) -> Found:
    """Ask again and again until there is an answer."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(_PACE)
    raise TimeoutError(f"waited {_PATIENCE:.0f} s for {what}")


def _follow(view: list[dict[str, Any]]) -> bool:
    """Tell whether one leads, and the others stream from it on its timeline."""
    states = {state["role"]: state["state"] for state in view}
    wanted = {"leader": "running", "sync_standby": "streaming", "replica": "streaming"}
    return states == wanted and len({state["timeline"] for state in view}) == 1


def _processes(member: Member, programs: tuple[str, ...]) -> list[int]:
    pids = [member.running[program].pid for program in programs]
    if "patroni" in programs:
        pids += _postmaster(member)
    return [*pids, *below(pids)]


def _postmaster(member: Member) -> list[int]:
    path = member.root / "var/lib/postgresql/17/fedsafe/postmaster.pid"
    return [int(path.read_text().split()[0])] if path.exists() else []


def _variables(path: Path) -> dict[str, str]:
    """Read a file of variables as systemd does."""
    lines = path.read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return dict(pairs)


def _free_ports(hosts: tuple[Host, ...]) -> Ports:
    names = ("etcd_client", "etcd_peer", "rest", "postgres", "pgbouncer", "entrance")
    found: list[int] = []
    for port in range(20_000, 32_000):
        if len(found) < len(names) and all(_free(host.address, port) for host in hosts):
            found.append(port)
    return Ports(**dict(zip(names, found, strict=True)))


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
