# SPDX-License-Identifier: Apache-2.0
"""Measure imports over HTTP: media signals, and identifiers with their approval.

Identifiers: e-mail addresses as drafts of one person, approved by a second, in a
federation of three nodes, two of which are needed, while the others replicate. The
limit are the libsodium calls, replayed raw on one core.

Media: SHA-256 digests in requests of 5,000, drafted and approved at one node while the
others are down. The limit are bare sqlite3 inserts of the same bytes into the same
tables, 5,000 to a commit. CPU is that of all processes, the caller's included.

    python benchmarks/imports.py [--media 100000] [--identifiers 20000] [--rounds 5]
"""

import argparse
import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

from bare_inserts import BareInserts, pieces
from federation import Federation, pid_of, post, running
from fedsafe_cli.demo.fleet import stop
from fedsafe_cli.terminal.client import Client
from measuring import Row, Work, cpu_of, interleave, once, parser, report
from sodium_calls import SodiumCalls

REPLAYED = 1_000
MEDIA = "media import"
BARE = "bare sqlite3 inserts"
ACTORS = "identifiers, drafted and approved"
SODIUM = "libsodium calls"
LIST = {"name": "hotline", "source": "hotline.example/1"}
STATED = {
    "surface": "public_content",
    "rule": "r1",
    "scope": "federation",
}


def media_signal(number: int) -> dict[str, object]:
    digest = hashlib.sha256(number.to_bytes(8)).hexdigest()
    return STATED | {
        "about": {"kind": "sha256", "value": digest},
        "phenomenon": "abuse_depiction",
        "grade": "confirmed_media",
    }


def actor_signal(number: int) -> dict[str, object]:
    return STATED | {
        "about": {"kind": "email", "value": f"user{number}@mail.example"},
        "phenomenon": "grooming",
        "grade": "confirmed_conduct",
        "findings": ["adult"],
        "removed_on": "2026-11-20",
    }


class Desk:
    """The two people of a node, who import and approve."""

    def __init__(self, federation: Federation) -> None:
        node = federation.nodes[0]
        self.anna, self.ben = node.client("anna"), node.client("ben")
        self._numbers = count()

    def add(self, make: Callable[[int], dict[str, object]], signals: int) -> list[str]:
        """Import so many; give their ids."""
        made = [make(next(self._numbers)) for _ in range(signals)]
        said = {"list": LIST} if make is media_signal else {}
        answer = post(self.anna, "/v1/signals/import", {"signals": made} | said)
        ids = answer["signals"]
        if answer["problems"] or not isinstance(ids, list):
            raise SystemExit(f"refused: {str(answer['problems'])[:200]}")
        return ids

    def publish_files(self, signals: int) -> None:
        """Import a list of media signals, examine it and approve it."""
        for size in pieces(signals):
            self.add(media_signal, size)
        approve_list(self.ben)

    def publish_people(self, signals: int) -> None:
        """Import identifiers and approve them."""
        for size in pieces(signals):
            approve(self.ben, self.add(actor_signal, size))


def approve(client: Client, ids: list[str]) -> None:
    """Publish drafts as their second person; none may be refused."""
    answer = post(client, "/v1/signals/approve", {"signals": ids})
    if answer["problems"]:
        raise SystemExit(f"refused: {str(answer['problems'])[:200]}")


def approve_list(client: Client) -> None:
    """Examine the list of files that waits, and publish all of it."""
    target = f"/v1/lists/{LIST['name']}"
    seen = post(client, f"{target}/examine", {"rehearsal": []})
    if post(client, f"{target}/approve", {"digest": seen["digest"]})["refused"]:
        raise SystemExit("files of the list are refused")


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    media, people, rounds = options.media, options.identifiers, options.rounds
    with running(directory) as federation:
        desk = Desk(federation)
        pids = [*federation.pids, os.getpid()]
        table = _compare(
            {
                ACTORS: once(lambda: desk.publish_people(people), people),
                SODIUM: once(SodiumCalls(REPLAYED).replay, REPLAYED),
            },
            pids,
            rounds,
        )
        for node in federation.nodes[1:]:
            stop(node.directory)
        desk.publish_files(1)
        model = federation.nodes[0].directory / "store.db"
        with closing(BareInserts(directory / "bare.db", model)) as bare:
            works = {
                MEDIA: once(lambda: desk.publish_files(media), media),
                BARE: once(lambda: bare.insert(media), media),
            }
            pids = [pid_of(federation.nodes[0]), os.getpid()]
            return [*_compare(works, pids, rounds), *table]


def _compare(works: dict[str, Work], pids: list[int], rounds: int) -> list[Row]:
    figures = interleave(works, rounds, cpu=lambda: cpu_of(pids), warm=0)
    limit = list(figures.values())[-1]
    return [
        {
            "what": name,
            "a second": round(took.rate),
            "µs each": round(took.wall * 1e6, 1),
            "CPU µs each": round(took.cpu * 1e6, 1),
            "ratio to the limit": round(took.times(limit), 2),
        }
        for name, took in figures.items()
    ]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--media", type=int, default=100_000)
    options.add_argument("--identifiers", type=int, default=20_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, media=chosen.media, identifiers=chosen.identifiers)


if __name__ == "__main__":
    main()
