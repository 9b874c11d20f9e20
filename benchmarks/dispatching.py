# SPDX-License-Identifier: Apache-2.0
"""Measure the time from the wish to send an approved case to its sealed package.

Each round sends another case that says everything there is, on a durable store of its
own: it is projected, signed, sealed and queued in one act. The aim is 200 ms. Beside
it, in turn, a dry run, which does the same and keeps nothing of it.

    python benchmarks/dispatching.py [--rounds 20]
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from measuring import Row, interleave, once, parser, report

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.node.people.conftest import Team
from tests.support.case_team import Desk
from tests.support.package_desk import Post

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_policies.vocabulary import Role

SEND = "send: project, sign, seal, queue"
DRY = "dry run"
AIM_MS = 200
ADA = Principal("ada", Role.ESCALATION_OFFICER)
BEN = Principal("ben", Role.REVIEWER)


async def prepared(directory: Path, count: int) -> tuple[Post, list[str]]:
    """Approve as many cases as are sent, and one more for the dry runs."""
    keys = PeriodKeys(directory / "keys")
    store = await open_store(
        f"sqlite://{directory}/node.db", keys=keys, clock=SystemClock()
    )
    team = Team(store)
    post = Post(Desk(team, keys))
    await team.hire(ADA.name, ADA.role)
    await team.hire(BEN.name, BEN.role)
    ada, ben = await team.principal(ADA.name), await team.principal(BEN.name)
    await post.enter(ada, ben)
    return post, [await post.approved(ada, ben) for _ in range(count)]


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    with asyncio.Runner() as runner:
        post, cases = runner.run(prepared(directory, options.rounds + 2))
        dry = cases.pop()
        waiting = iter(cases)
        works = {
            SEND: once(lambda: runner.run(post.send(next(waiting), ADA))),
            DRY: once(lambda: runner.run(post.send(dry, ADA, dry_run=True))),
        }
        figures = interleave(works, options.rounds)
        runner.run(post.desk.store.close())
    return [
        {
            "what": name,
            "ms": round(took.wall * 1e3, 1),
            "CPU ms": round(took.cpu * 1e3, 1),
            "share of the aim": round(took.wall * 1e3 / AIM_MS, 3),
        }
        for name, took in figures.items()
    ]


def main() -> None:
    options = parser(__doc__, rounds=20).parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        table = measure(Path(directory), options)
    report(table, options)


if __name__ == "__main__":
    main()
