# SPDX-License-Identifier: Apache-2.0
"""The database hosts that `deploy/` renders are what the documents promise."""

import base64
import configparser
import hmac
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from cryptography import x509
from deploy.patroni.credentials import verifier
from deploy.patroni.render import (
    TEMPLATES,
    Timing,
    UnfitClusterError,
    read,
    render,
)

from fedsafe_node.ground.store_settings import Storage, unfit_storage
from tests.support.acknowledged import Acknowledgement, Writer, judged

ROOT: Final = Path(__file__).parent.parent
CLUSTER: Final = ROOT / "deploy/patroni/cluster.toml"
PAGE: Final = ROOT / "docs/howto/high-availability.md"
NOON: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOSTS: Final = ("db1.example.de", "db2.example.de", "db3.example.de")
SECRET: Final = {
    "passwords.json",
    "patroni_env.conf",
    "fedsafe_node.password",
    "fedsafe_owner.password",
    "fedsafe_owner.url",
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rendered") / "out"
    render(read(CLUSTER), out, at=NOON)
    return out


def _patroni(rendered: Path, host: str = HOSTS[0]) -> dict[str, Any]:
    text = (rendered / host / "etc/patroni/config.yml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def _lines(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line for line in lines if line and line[0] not in "#;"]


def test_a_commit_waits_for_the_disk_of_a_second_host(rendered: Path) -> None:
    dcs = _patroni(rendered)["bootstrap"]["dcs"]
    parameters = dcs["postgresql"]["parameters"]

    assert dcs["synchronous_mode"] is True
    assert dcs["synchronous_mode_strict"] is True
    assert dcs["synchronous_node_count"] == 1
    assert parameters["synchronous_commit"] == "on"
    assert parameters["fsync"] == parameters["full_page_writes"] == "on"


def test_no_limit_keeps_the_complete_standby_from_taking_over(rendered: Path) -> None:
    dcs = _patroni(rendered)["bootstrap"]["dcs"]

    assert dcs["maximum_lag_on_failover"] >= 2**40


def test_a_lease_outlasts_two_failed_renewals(rendered: Path) -> None:
    dcs = _patroni(rendered)["bootstrap"]["dcs"]

    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]
    assert dcs["ttl"] >= 20, "Patroni would raise it"


def test_a_killed_leader_can_follow_again(rendered: Path) -> None:
    config = _patroni(rendered)

    assert config["bootstrap"]["dcs"]["postgresql"]["use_pg_rewind"] is True
    assert "data-checksums" in config["bootstrap"]["initdb"]


@pytest.mark.parametrize("host", HOSTS)
def test_nobody_gets_into_postgresql_without_tls_and_proof(
    rendered: Path, host: str
) -> None:
    rules = [line.split() for line in _patroni(rendered, host)["postgresql"]["pg_hba"]]
    remote = [rule for rule in rules if rule[0] != "local"]

    assert {rule[0] for rule in remote} == {"hostssl"}
    assert {rule[-1] for rule in remote} == {"scram-sha-256"}
    assert {rule[3] for rule in remote} == {f"10.20.0.{n}/32" for n in (11, 12, 13)}
    assert {rule[-1] for rule in rules if rule[0] == "local"} <= {
        "peer",
        "scram-sha-256",
    }


def test_values_and_statements_stay_out_of_the_log(rendered: Path) -> None:
    parameters = _patroni(rendered)["bootstrap"]["dcs"]["postgresql"]["parameters"]

    assert parameters["log_error_verbosity"] == "terse"
    assert parameters["log_min_error_statement"] == "panic"
    assert parameters["log_statement"] == "none"
    assert parameters["log_parameter_max_length_on_error"] == 0


def test_patroni_is_changed_with_a_certificate_only(rendered: Path) -> None:
    config = _patroni(rendered)

    assert config["restapi"]["verify_client"] in ("optional", "required")
    assert config["restapi"]["cafile"] == "/etc/fedsafe-db/ca.crt"
    assert config["etcd3"]["protocol"] == "https"


@pytest.mark.parametrize("host", HOSTS)
def test_etcd_speaks_to_certificates_of_the_cluster_only(
    rendered: Path, host: str
) -> None:
    lines = _lines(rendered / host / "etc/default/etcd")
    settings = dict(line.split("=", 1) for line in lines)

    assert settings["ETCD_CLIENT_CERT_AUTH"] == "true"
    assert settings["ETCD_PEER_CLIENT_CERT_AUTH"] == "true"
    assert settings["ETCD_INITIAL_CLUSTER"].count("https://10.20.0.1") == 3
    assert not [value for value in settings.values() if "http://" in value]


def test_pgbouncer_pools_by_session_and_speaks_tls(rendered: Path) -> None:
    config = configparser.ConfigParser()
    config.read(rendered / HOSTS[0] / "etc/pgbouncer/pgbouncer.ini")
    rules = _lines(rendered / HOSTS[0] / "etc/pgbouncer/hba.conf")

    assert config["pgbouncer"]["pool_mode"] == "session"
    assert config["pgbouncer"]["client_tls_sslmode"] == "require"
    assert config["databases"]["fedsafe"].startswith("host=/run/postgresql ")
    assert {line.split()[0] for line in rules} == {"hostssl"}
    assert {line.split()[-1] for line in rules} == {"scram-sha-256"}


def test_the_door_leads_to_the_leader_alone_and_lets_in_nodes_alone(
    rendered: Path,
) -> None:
    lines = _lines(rendered / HOSTS[0] / "etc/haproxy/haproxy.cfg")
    text = "\n".join(lines)

    assert "http-check send meth GET uri /primary" in text
    assert "on-marked-down shutdown-sessions" in text
    assert "tcp-request connection reject unless { src 10.20.1.0/24 }" in text
    assert text.count("    server db") == 3


def test_the_address_for_nodes_is_one_that_they_take(rendered: Path) -> None:
    url = (rendered / "node/fedsafe_node.url").read_text().strip()

    assert unfit_storage(Storage(url)) is None
    assert "target_session_attrs" not in url, "PgBouncer answers it from memory"
    assert [f"10.20.0.{n}:6432" in url for n in (11, 12, 13)] == [True] * 3


def test_passwords_are_where_they_are_needed_and_nowhere_else(rendered: Path) -> None:
    passwords = re.findall(r'\["([^"]+)"', (rendered / "passwords.json").read_text())
    files = [path for path in rendered.rglob("*") if path.is_file()]
    having = {
        path.name
        for path in files
        if any(secret in path.read_text() for secret in passwords)
    }
    keys = {path for path in files if path.suffix == ".key"}
    private = keys | {path for path in files if path.name in SECRET}

    assert len(passwords) == 4
    assert having == SECRET
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    assert not list(TEMPLATES.rglob("*.key"))


def test_nobody_else_reads_or_changes_what_was_rendered(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["-m", "deploy.patroni.render", str(CLUSTER), "--out", str(out)]
    subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        check=True,
        umask=0,
        capture_output=True,
        timeout=60,
    )
    known = json.loads((out / "passwords.json").read_text()).values()
    secret = ["PRIVATE KEY", *(part for password in known for part in password)]
    modes = {path: path.stat().st_mode & 0o777 for path in (out, *out.rglob("*"))}
    having = {
        path.name: modes[path]
        for path in modes
        if path.is_file() and any(each in path.read_text() for each in secret)
    }

    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode & 0o022 for mode in modes.values()} == {0}
    assert set(having.values()) == {0o600}
    assert {*having} == {
        *SECRET,
        *("ca.key", "etcd.key", "postgres.key", "pgbouncer.key"),
        *("roles.sql", "userlist.txt"),
    }


def test_secrets_are_not_put_where_others_get_in(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    with pytest.raises(UnfitClusterError, match="chmod 700"):
        render(read(CLUSTER), tmp_path, at=NOON)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", ["ca.key", "passwords.json"])
def test_a_rendering_that_was_killed_is_gone_on_with(
    tmp_path: Path, missing: str
) -> None:
    render(read(CLUSTER), tmp_path, at=NOON)
    (tmp_path / missing).unlink()
    (tmp_path / f".{missing}.draft").write_bytes(b"half of i")
    render(read(CLUSTER), tmp_path, at=NOON)
    path = tmp_path / HOSTS[0] / "etc/fedsafe-db/postgres.crt"
    made = x509.load_pem_x509_certificate(path.read_bytes())

    made.verify_directly_issued_by(
        x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    )
    assert not list(tmp_path.rglob("*.draft"))


def test_postgresql_and_pgbouncer_hold_the_same_verifiers(rendered: Path) -> None:
    roles = (rendered / "roles.sql").read_text()
    lists = {
        (rendered / host / "etc/pgbouncer/userlist.txt").read_text() for host in HOSTS
    }
    pattern = r"SCRAM-SHA-256\$[^\"']+"

    assert len(lists) == 1
    assert sorted(re.findall(pattern, roles)) == sorted(
        re.findall(pattern, lists.pop())
    )


def test_verifiers_are_those_of_rfc_7677() -> None:
    # §3: the server's signature of the example, which its ServerKey makes.
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    salt = "W22ZaJ0SNY7soEsUEjb6gQ=="
    said = (
        f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s={salt},i=4096,c=biws,r={nonce}"
    ).encode()
    made = verifier("pencil", base64.b64decode(salt))
    server_key = base64.b64decode(made.rpartition(":")[2])
    signature = hmac.digest(server_key, said, "sha256")

    assert made.startswith(f"SCRAM-SHA-256$4096:{salt}$")
    assert (
        base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


def test_each_certificate_names_its_host_and_the_doors_name_all(rendered: Path) -> None:
    named = {}
    for service in ("etcd", "postgres", "pgbouncer"):
        path = rendered / HOSTS[0] / f"etc/fedsafe-db/{service}.crt"
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        names = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
        named[service] = names.get_values_for_type(x509.DNSName)

    assert named["etcd"] == named["postgres"] == [HOSTS[0]]
    assert named["pgbouncer"] == [*HOSTS]


def test_rendering_again_renews_certificates_and_keeps_the_rest(tmp_path: Path) -> None:
    render(read(CLUSTER), tmp_path, at=NOON)
    kept = ("ca.key", "ca.crt", "passwords.json", "roles.sql")
    before = {name: (tmp_path / name).read_bytes() for name in kept}
    path = tmp_path / HOSTS[0] / "etc/fedsafe-db/postgres.crt"
    first = x509.load_pem_x509_certificate(path.read_bytes())
    render(read(CLUSTER), tmp_path, at=NOON + timedelta(days=365))
    second = x509.load_pem_x509_certificate(path.read_bytes())

    assert {name: (tmp_path / name).read_bytes() for name in kept} == before
    assert second.not_valid_after_utc - first.not_valid_after_utc == timedelta(365)
    second.verify_directly_issued_by(
        x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    )


@pytest.mark.parametrize("host", HOSTS)
def test_everything_that_is_rendered_is_installed(rendered: Path, host: str) -> None:
    script = (rendered / host / "install.sh").read_text()
    subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)
    put = re.findall(r'^ *put \w+ \d+ "?(\S+?)"?$', script, re.MULTILINE)
    units = ("etcd", "haproxy", "patroni", "pgbouncer")
    installed = {path.replace("$unit", unit) for path in put for unit in units}
    there = {
        str(path.relative_to(rendered / host))
        for path in (rendered / host).rglob("*")
        if path.is_file()
    }

    assert installed == there - {"install.sh"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('address = "10.20.0.12"', 'address = "10.20.0.11"'), "address"),
        (('address = "10.20.0.12"', 'address = "db2"'), "address"),
        (('name = "db2.example.de"', 'name = "../db2"'), "name"),
        (('name = "db2.example.de"', 'name = "db1.example.de"'), "name"),
        (('name = "db2.example.de"', 'name = "node"'), "name"),
        (('["10.20.1.0/24"]', "[]"), "node_networks"),
        (('["10.20.1.0/24"]', '["0.0.0.0/33"]'), "node_networks"),
        (('"2GB"', '"lots"'), "shared_buffers"),
        (('"automatic"', '"maybe"'), "watchdog"),
        (("cluster =", "clusters ="), "clusters"),
        (('[[hosts]]\nname = "db3.example.de"\naddress = "10.20.0.13"', ""), "hosts"),
        (("cluster =", "="), "cluster.toml"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    text = CLUSTER.read_text()
    assert change[0] in text
    path = tmp_path / "cluster.toml"
    path.write_text(text.replace(*change))

    with pytest.raises(UnfitClusterError, match=named):
        read(path)


def test_the_page_for_operators_names_the_times_of_the_templates() -> None:
    timing, page = Timing(), PAGE.read_text()

    times = f"{timing.ttl} s, {timing.loop_wait} s, {timing.retry_timeout} s"
    assert f"| `ttl`, `loop_wait`, `retry_timeout` | {times} |" in page


class Kept:
    def __init__(self, faults: Sequence[str] = (), **found: Sequence[str]) -> None:
        self._found = found
        self._faults = [*faults]

    def prepare(self) -> None:
        raise NotImplementedError

    def writer(self) -> Writer:
        raise NotImplementedError

    def kept(self, keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
        assert [*keys] == ["a", "b"]
        return self._found

    def faults(self) -> list[str]:
        return self._faults


@pytest.mark.parametrize(
    ("kept", "wrong"),
    [
        (Kept(a=["0"]), ["lost"]),
        (Kept(a=["0"], b=[]), ["lost"]),
        (Kept(a=["0"], b=["1", "2"]), ["twice"]),
        (Kept(a=["1"], b=["0"]), ["changed"]),
        (Kept(["the log does not verify"], a=["0"], b=["1"]), ["faults"]),
        (Kept(a=["0"], b=["1"], nobody_was_told=["2"]), []),
    ],
    ids=["lost", "emptied", "twice", "changed", "faults", "kept"],
)
def test_a_campaign_sees_what_became_of_a_write(kept: Kept, wrong: list[str]) -> None:
    told = [Acknowledgement("a", "0", 0.0, 0.1), Acknowledgement("b", "1", 0.0, 0.1)]
    verdict = judged(kept, told)
    names = ("lost", "twice", "changed", "faults")

    assert [name for name in names if getattr(verdict, name)] == wrong
    assert verdict.holds is (not wrong)
