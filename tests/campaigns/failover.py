# SPDX-License-Identifier: Apache-2.0
"""Kill the leader of three database hosts in a loop, while callers write.

    .venv/bin/python -m tests.campaigns.failover --rounds 20 [--seed N] [--dir DIR]
        [--through sql|store|node] [--kill database]...

Needs Debian's patroni, python3-etcd, etcd-server, pgbouncer, haproxy and postgresql-17.
The hosts are rendered from `deploy/patroni/templates` and run on loopback, with the
times of production. In turn,

* `database`: Patroni and PostgreSQL of the leader are killed with SIGKILL, and stay
  dead until another host leads and writes are acknowledged again,
* `host`: its etcd, PgBouncer and HAProxy die with them,
* `restart`: Patroni and PostgreSQL are killed, and Patroni is started again at once,
  as systemd would do.

Asked for by name (`--kill`), in the place of these: `freeze`, Patroni and PostgreSQL of
the leader stand still (SIGSTOP), as before a disk that hangs, and go on once another
leads; `standby`, those of the host that commits wait for are killed; `etcd`, two of
three etcd, for twice the lease; and `switchover`, nobody: the leader hands over as
before maintenance.

The callers write SQL (an append-only log in plain PostgreSQL), through FedSafe's store,
or are clients of a node, who ban and ask. After each round the killed host rejoins, and
every write that was ever acknowledged must be there, once, as it was said to be; no
client of a node was told `none` without a durable audit event. Prints its seed first
and a line a round. Nothing of it runs afterwards; a run that failed leaves its
directory behind, with the logs.
"""

import argparse
import os
import secrets
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from signal import SIGCONT, SIGSTOP
from typing import Final

from deploy.patroni.render import Timing
from tests.campaigns.database_hosts import (
    DatabaseHosts,
    Member,
    NotInstalledError,
    database_hosts,
    until,
)
from tests.campaigns.node_writers import NodeWorkload
from tests.campaigns.sql_writers import SqlWorkload
from tests.campaigns.store_writers import StoreWorkload
from tests.support.acknowledged import Callers, Workload, judged

KINDS: Final = {
    "database": ("patroni",),
    "host": ("patroni", "etcd", "pgbouncer", "haproxy"),
    "restart": ("patroni",),
    "freeze": (),
    "standby": ("patroni",),
    "etcd": ("etcd",),
    "switchover": (),
}
IN_TURN: Final = ("database", "host", "restart")
_HEAD: Final = (
    "round  killed               gap s  leader  back s  rewound"
    "  acknowledged  lost  twice"
)


@dataclass(frozen=True, slots=True)
class Round:
    """What one kill cost."""

    kind: str
    gap: float


class BrokenPromiseError(Exception):
    """An acknowledged write is not what it was said to be."""


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--through", choices=("sql", "store", "node"), default="sql")
    parser.add_argument(
        "--kill", choices=KINDS, action="append", help="only this, may repeat"
    )
    parser.add_argument("--dir", type=Path, help="where to put the hosts")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    root = Path(tempfile.mkdtemp(prefix="fedsafe-failover-", dir=given.dir))
    timing = Timing()
    print(
        f"seed {given.seed}, {given.rounds} rounds, {given.writers} writers, in {root}"
    )
    print(
        f"{timing}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True
    )
    random = Random(given.seed)  # noqa: S311 - no secret hangs on it
    try:
        with database_hosts(root, random=random, timing=timing) as hosts:
            workload: Workload = SqlWorkload(hosts)
            if given.through == "store":
                workload = StoreWorkload(hosts, root / "workers")
            elif given.through == "node":
                workload = NodeWorkload(hosts, root)
            campaign = Campaign(hosts, workload, random, timing)
            rounds = campaign.run(given.rounds, given.writers, given.kill or IN_TURN)
    except NotInstalledError as error:
        shutil.rmtree(root)
        sys.exit(f"failover: error: {error}")
    except (BrokenPromiseError, OSError) as error:
        sys.exit(f"failover: error: {error}; logs in {root}")
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(root)
        raise
    shutil.rmtree(root)
    _summarise(rounds)


class Campaign:
    """Kill, wait, compare."""

    def __init__(
        self, hosts: DatabaseHosts, workload: Workload, random: Random, timing: Timing
    ) -> None:
        self._hosts = hosts
        self._workload = workload
        self._random = random
        self._timing = timing

    def run(self, rounds: int, writers: int, kinds: Sequence[str]) -> list[Round]:
        """Run so many rounds, in turn of each kind."""
        self._workload.prepare()
        print(_HEAD, flush=True)
        with Callers(self._workload, number=writers, pause=0.02) as callers:
            began = time.monotonic()
            until(lambda: callers.resumed(began), "a first write")
            done = [
                self._round(number, kinds[(number - 1) % len(kinds)], callers)
                for number in range(1, rounds + 1)
            ]
            print(f"not acknowledged, and sent again: {dict(callers.refusals)}")
        return done

    def _round(self, number: int, kind: str, callers: Callers) -> Round:
        # The kill falls anywhere between two renewals of the lease.
        threading.Event().wait(self._random.uniform(0, self._timing.loop_wait))
        victims = self._victims(kind)
        rewinds = sum(victim.rewinds() for victim in victims)
        began = time.monotonic()
        self._strike(kind, victims)
        since = time.monotonic()
        until(lambda: callers.resumed(since), "a write to be acknowledged again")
        gap = callers.gap(began, time.monotonic())
        leader = self._hosts.leader()
        revived = time.monotonic()
        for victim in victims:
            self._hosts.revive(victim)
            self._hosts.signal(victim, SIGCONT)
        self._hosts.settled()
        back = time.monotonic() - revived
        verdict = judged(self._workload, callers.acknowledged)
        names = ",".join(victim.host.name for victim in victims) or "nobody"
        rewound = _word(sum(victim.rewinds() for victim in victims) > rewinds)
        print(
            f"{number:5}  {names:<7} {kind:<10} {gap:7.2f}  "
            f"{leader.host.name:<6} {back:7.1f}  {rewound:>7} "
            f"{verdict.acknowledged:13} {verdict.lost:5} {verdict.twice:6}",
            flush=True,
        )
        if not verdict.holds:
            raise BrokenPromiseError(f"round {number}: {verdict}")
        return Round(kind, gap)

    def _victims(self, kind: str) -> list[Member]:
        if kind == "switchover":
            return []
        if kind == "etcd":
            return self._random.sample(self._hosts.members, 2)
        return [self._hosts.standby() if kind == "standby" else self._hosts.leader()]

    def _strike(self, kind: str, victims: list[Member]) -> None:
        for victim in victims:
            self._hosts.kill(victim, KINDS[kind])
        if kind == "restart":
            self._hosts.revive(victims[0])
        elif kind == "freeze":
            self._hosts.signal(victims[0], SIGSTOP)
        elif kind == "etcd":  # nobody steps down, though no lease can be renewed
            threading.Event().wait(2 * self._timing.ttl)
        elif kind == "switchover":
            self._hosts.switch_over()


def _word(holds: bool) -> str:  # noqa: FBT001 - a claim
    return "yes" if holds else "no"


def _summarise(rounds: list[Round]) -> None:
    for kind in KINDS:
        gaps = [each.gap for each in rounds if each.kind == kind]
        if gaps:
            print(
                f"{kind}: {len(gaps)} rounds, gap without an acknowledged write: "
                f"median {statistics.median(gaps):.1f} s, longest {max(gaps):.1f} s"
            )
    print("every acknowledged write is there, once, as it was said to be")


if __name__ == "__main__":
    main()
