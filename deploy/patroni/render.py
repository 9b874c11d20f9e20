# SPDX-License-Identifier: Apache-2.0
"""Write the configuration of three database hosts from the templates beside this.

    .venv/bin/python -m deploy.patroni.render cluster.toml --out /root/fedsafe-db

makes a certificate authority and passwords if the directory has none yet, and for each
host a directory with an `install.sh`. Run again, it keeps authority and passwords and
makes new certificates for the hosts: that is how they are renewed. `ca.key` and
`passwords.json` stay where they are; only root of a safe machine should read them.
"""

import argparse
import ipaddress
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any, Final

from deploy.patroni.credentials import Password, authority, keep, passwords

TEMPLATES: Final = Path(__file__).parent / "templates"
MEMBERS: Final = 3
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_SIZE: Final = re.compile(r"[1-9][0-9]*(kB|MB|GB)")
_WATCHDOGS: Final = ("off", "automatic", "required")
_KNOWN: Final = {"cluster", "node_networks", "shared_buffers", "watchdog", "hosts"}


class UnfitClusterError(Exception):
    """A cluster file says something that no cluster can be made of."""


@dataclass(frozen=True, slots=True)
class Host:
    """One of the three; `source` is what the others see it come from."""

    name: str
    address: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where things listen; the defaults are everybody's."""

    etcd_client: int = 2379
    etcd_peer: int = 2380
    rest: int = 8008
    postgres: int = 5432
    pgbouncer: int = 6433
    entrance: int = 6432


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a silent leader stays the leader, in seconds."""

    ttl: int = 20
    loop_wait: int = 5
    retry_timeout: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Three hosts and what they have in common."""

    cluster: str
    hosts: tuple[Host, ...]
    node_networks: tuple[str, ...]
    shared_buffers: str = "2GB"
    watchdog: str = "automatic"
    system_user: str = "postgres"
    haproxy_user: str = "haproxy"
    haproxy_group: str = "haproxy"
    postgres_bin: str = "/usr/lib/postgresql/17/bin"
    ports: Ports = Ports()
    timing: Timing = Timing()

    def url(self, role: str, *, tls: Path) -> str:
        """Name the doors to the leader; the password is in a file of its own."""
        hosts = ",".join(f"{host.address}:{self.ports.entrance}" for host in self.hosts)
        return (
            f"postgresql://{role}@{hosts}/fedsafe"
            f"?connect_timeout=3&tcp_user_timeout=10000"
            f"&sslmode=verify-full&sslrootcert={tls}"
        )


def read(path: Path) -> Cluster:
    """Read a cluster file.

    Raises:
        UnfitClusterError: it is not one, and the error says what is wrong with it.
    """
    try:
        given = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnfitClusterError(f"{path}: {error}") from None
    _demand(not set(given) - _KNOWN, f"unknown: {sorted(set(given) - _KNOWN)}")
    listed = given.get("hosts")
    _demand(
        isinstance(listed, list) and len(listed) == MEMBERS,
        "hosts: exactly three, so that any two are a majority",
    )
    hosts = tuple(_host(each) for each in given["hosts"])
    names = {host.name for host in hosts} - {"node"}  # a directory of that name is made
    _demand(len(names) == MEMBERS, "hosts: name: three different ones, none is node")
    addresses = {host.address for host in hosts}
    _demand(len(addresses) == MEMBERS, "hosts: address: three different ones")
    networks = given.get("node_networks")
    _demand(
        isinstance(networks, list) and bool(networks) and all(map(_network, networks)),
        'node_networks: a list such as ["10.20.1.0/24"]',
    )
    return Cluster(
        cluster=_matching(given, "cluster", _NAME, "fedsafe"),
        hosts=hosts,
        node_networks=tuple(given["node_networks"]),
        shared_buffers=_matching(given, "shared_buffers", _SIZE, "2GB"),
        watchdog=_matching(
            given, "watchdog", re.compile("|".join(_WATCHDOGS)), "automatic"
        ),
    )


def render(
    cluster: Cluster, out: Path, *, at: datetime, under: Path | None = None
) -> None:
    """Write a directory for each host, one for the nodes, and `roles.sql`.

    The files are meant for `/`, or for a directory of the host's name in `under`.
    """
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = out.stat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise UnfitClusterError(
            f"{out}: others get into it, and secrets lie there: chmod 700"
        )
    signing = authority(out, cluster.cluster, at=at)
    known = passwords(out)
    common = _common(cluster)
    for host in cluster.hosts:
        root = Path("/") if under is None else under / host.name
        values = common | _of_host(host, root)
        _write_host(out / host.name, values, known)
        tls = out / host.name / "etc/fedsafe-db"
        keep(tls / "ca.crt", signing.pem())
        own = (host.name, host.address, host.source)
        every = [name for each in cluster.hosts for name in (each.name, each.address)]
        names = {"etcd": own, "postgres": own, "pgbouncer": every}
        for service, called in names.items():
            certificate, key = signing.issue(dict.fromkeys(called), at=at)
            keep(tls / f"{service}.crt", certificate)
            keep(tls / f"{service}.key", key, mode=0o600)
    verifiers = {
        "owner_verifier": known["fedsafe_owner"].verifier,
        "node_verifier": known["fedsafe_node"].verifier,
    }
    keep(out / "roles.sql", _filled("roles.sql", verifiers), mode=0o600)
    _write_node(out / "node", cluster, known, signing.pem())


def _write_host(
    root: Path, values: Mapping[str, str], known: dict[str, Password]
) -> None:
    keep(root / "install.sh", _filled("install.sh", values), mode=0o700)
    keep(root / "etc/default/etcd", _filled("etcd.env", values))
    keep(root / "etc/patroni/config.yml", _filled("patroni.yml", values), mode=0o600)
    secrets = "".join(
        f"PATRONI_{title}_PASSWORD={known[role].plain}\n"
        for title, role in (("REPLICATION", "replicator"), ("REWIND", "rewinder"))
    )
    keep(root / "etc/patroni_env.conf", secrets.encode(), mode=0o600)
    ini = _filled("pgbouncer.ini", values)
    keep(root / "etc/pgbouncer/pgbouncer.ini", ini, mode=0o600)
    hba = _filled("pgbouncer-hba.conf", values)
    keep(root / "etc/pgbouncer/hba.conf", hba, mode=0o600)
    users = "".join(
        f'"{role}" "{known[role].verifier}"\n'
        for role in ("fedsafe_node", "fedsafe_owner")
    )
    keep(root / "etc/pgbouncer/userlist.txt", users.encode(), mode=0o600)
    keep(root / "etc/haproxy/haproxy.cfg", _filled("haproxy.cfg", values))
    for unit in ("etcd", "haproxy", "patroni", "pgbouncer"):
        path = root / f"etc/systemd/system/{unit}.service.d/fedsafe.conf"
        keep(path, _filled(f"systemd/{unit}.conf", values))


def _write_node(
    directory: Path, cluster: Cluster, known: dict[str, Password], ca: bytes
) -> None:
    keep(directory / "ca.crt", ca)
    for role in ("fedsafe_node", "fedsafe_owner"):
        password = f"{known[role].plain}\n".encode()
        keep(directory / f"{role}.password", password, mode=0o600)
    tls = Path("/etc/fedsafe-db/ca.crt")
    node = cluster.url("fedsafe_node", tls=tls)
    keep(directory / "fedsafe_node.url", f"{node}\n".encode())
    # What `fedsafe node init --store-owner-file` reads; it is kept nowhere.
    account = f"fedsafe_owner:{known['fedsafe_owner'].plain}"
    owner = cluster.url(account, tls=tls)
    keep(directory / "fedsafe_owner.url", f"{owner}\n".encode(), mode=0o600)


def _common(cluster: Cluster) -> dict[str, str]:
    ports, timing = cluster.ports, cluster.timing
    return {
        "cluster": cluster.cluster,
        "shared_buffers": cluster.shared_buffers,
        "watchdog": cluster.watchdog,
        "system_user": cluster.system_user,
        "postgres_bin": cluster.postgres_bin,
        "etcd_client_port": str(ports.etcd_client),
        "etcd_peer_port": str(ports.etcd_peer),
        "rest_port": str(ports.rest),
        "postgres_port": str(ports.postgres),
        "pgbouncer_port": str(ports.pgbouncer),
        "entrance_port": str(ports.entrance),
        "node_networks": " ".join(cluster.node_networks),
        "haproxy_user": cluster.haproxy_user,
        "haproxy_group": cluster.haproxy_group,
        "ttl": str(timing.ttl),
        "loop_wait": str(timing.loop_wait),
        "retry_timeout": str(timing.retry_timeout),
        **{f"name_{n}": host.name for n, host in enumerate(cluster.hosts, 1)},
        **{f"address_{n}": host.address for n, host in enumerate(cluster.hosts, 1)},
        **{f"source_{n}": host.source for n, host in enumerate(cluster.hosts, 1)},
    }


def _of_host(host: Host, root: Path) -> dict[str, str]:
    return {
        "name": host.name,
        "address": host.address,
        "etc": str(root / "etc"),
        "tls": str(root / "etc/fedsafe-db"),
        "run": str(root / "run/postgresql"),
        "log": str(root / "var/log/postgresql"),
        "etcd_data": str(root / "var/lib/etcd/fedsafe"),
        "postgres_data": str(root / "var/lib/postgresql/17/fedsafe"),
    }


def _filled(name: str, values: Mapping[str, str]) -> bytes:
    return Template((TEMPLATES / name).read_text()).substitute(values).encode()


def _host(given: object) -> Host:
    if not isinstance(given, dict) or {*given} - {"source"} != {"name", "address"}:
        raise UnfitClusterError("hosts: each has a name, an address, maybe a source")
    address = _address(given, "address")
    source = _address(given, "source") if "source" in given else address
    return Host(_matching(given, "name", _NAME, ""), address, source)


def _address(given: Mapping[str, Any], key: str) -> str:
    try:
        return str(ipaddress.IPv4Address(given[key]))
    except ValueError as error:
        raise UnfitClusterError(f"hosts: {key}: {error}") from None


def _network(given: object) -> bool:
    try:
        ipaddress.ip_network(str(given))
    except ValueError:
        return False
    return isinstance(given, str)


def _matching(
    given: Mapping[str, Any], key: str, wanted: re.Pattern[str], default: str
) -> str:
    value = given.get(key, default)
    _demand(
        isinstance(value, str) and wanted.fullmatch(value) is not None,
        f"{key}: {value!r} is not of the form {wanted.pattern}",
    )
    return str(value)


def _demand(fits: bool, otherwise: str) -> None:  # noqa: FBT001 - a claim
    if not fits:
        raise UnfitClusterError(otherwise)


def main() -> None:
    """Render a cluster file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cluster", type=Path, help="a copy of cluster.toml, changed")
    parser.add_argument("--out", type=Path, required=True, help="a safe directory")
    given = parser.parse_args()
    os.umask(0o077)  # what is copied to a host is changed by nobody on the way
    try:
        cluster = read(given.cluster)
        render(cluster, given.out, at=datetime.now(UTC))  # noqa: TID251 - the edge
    except (UnfitClusterError, OSError, ValueError) as error:
        print(f"render: error: {error}", file=sys.stderr)
        sys.exit(2)
    for host in cluster.hosts:
        print(f"{given.out / host.name}: copy to {host.address}, run install.sh there")
    print(f"{given.out / 'roles.sql'}: run on the leader, once")
    print(f"{given.out / 'node'}: for the hosts of the nodes")


if __name__ == "__main__":
    main()
