# SPDX-License-Identifier: Apache-2.0
"""A team that sends a case from a store on disk, and dies at a named point.

Reads lines `DIRECTORY POINT HITS WHAT` and forks for each: the child prepares an
approved case if there is none, then does what it is told until the point is reached for
the HITS-th time: `send` it, or `recall` what somebody takes out, and keeps back then.
What arrives on the other side stands in `DIRECTORY/arrived`, a line each: the key of
the dispatch, who got it, and the digest of what it was; what a person got into their
hands is `DIRECTORY/taken`. The child answers with the signal it died of, or 0.
"""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from signal import SIGKILL
from typing import Final

from tests.node.people.conftest import Team
from tests.support.case_team import Desk
from tests.support.fleet import BEGAN, StandingClock
from tests.support.package_desk import ADDRESS, Post

from fedsafe_node.acts.dispatches import NoteHanded, RecallCase, SendCase
from fedsafe_node.casework.dispatch.handover import SealedPackages
from fedsafe_node.casework.dispatch.outbox import Outbox
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.casework.transports.parcels import Handed, Parcel
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.escalation.channels import Channel, MailChannel
from fedsafe_policies.escalation.dispatches import RecallReason
from fedsafe_policies.escalation.laender import laender
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.playbooks import playbooks
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.vocabulary import Role

ADA: Final = Principal("ada", Role.ESCALATION_OFFICER)
BEN: Final = Principal("ben", Role.REVIEWER)
MAIL: Final = MailChannel(address="intake@lka.example")
TABLES: Final = (
    *(laender, phenomena, playbooks, shipped_calendar, shipped_matrix, urgencies),
)
"""Read once, before the first fork."""
RUNS: Final = 3
LATER: Final = 100


class KillAt(Faults):
    """Kills the process when a point is reached for the n-th time, once armed."""

    def __init__(self, point: str, hits: int) -> None:
        self.point = point
        self.hits = hits
        self.armed = False

    def reach(self, point: FaultPoint) -> None:
        if self.armed and point == self.point:
            self.hits -= 1
            if self.hits == 0:
                os.kill(os.getpid(), SIGKILL)


@dataclass
class OnDisk:
    """The other side: writes what it takes into a file."""

    file: Path

    async def carry(self, parcel: Parcel, channel: Channel) -> Handed:
        assert isinstance(channel, MailChannel)
        digest = sha256(parcel.data).hexdigest()
        with self.file.open("a") as file:
            file.write(f"{parcel.dispatch} {channel.address} {digest}\n")
        return Handed("250 taken")


def started(directory: Path) -> StandingClock:
    """Return a clock that stands later with every start."""
    file = directory / "starts"
    starts = int(file.read_text()) if file.exists() else 0
    file.write_text(str(starts + 1))
    return StandingClock(BEGAN + timedelta(hours=starts))


async def send(post: Post, case: str, directory: Path, faults: KillAt) -> None:
    await post.dispatches.send(case, SendCase(partners=("bka",)), ADA)
    other = OnDisk(directory / "arrived")
    for _ in range(RUNS):
        await Outbox(
            post.desk.keeper, other, lambda: 0.0, lambda: post.signer, faults
        ).run()
        post.desk.team.pass_time(LATER)


async def recall(post: Post, case: str, directory: Path, _: KillAt) -> None:
    """Send, take, recall, keep back; what was done before is refused, and no matter."""
    with suppress(WrongStateError):
        await post.send(case, ADA)
    found = (await post.dispatches.list(case, ADA)).dispatches
    (sent,) = [each.dispatch for each in found if each.recalls is None]
    recalls = Recalls(post.desk.keeper, shipped_matrix, lambda: post.signer, ADDRESS)
    kept = NoteHanded(at=post.desk.team.now, outcome="kept_back")
    with suppress(WrongStateError):
        packages = SealedPackages(post.desk.keeper, lambda: post.signer)
        taken = await packages.take(case, sent, ADA)
        (directory / "taken").write_bytes(taken.content)
    await recalls.recall(case, RecallCase(reason=RecallReason.WRONG_FACTS), ADA)
    (directory / "recalled").touch()
    with suppress(WrongStateError):
        await post.notes.hand(case, sent, kept, ADA)


WORK: Final = {"send": send, "recall": recall}


async def work(directory: Path, faults: KillAt, what: str) -> None:
    keys, clock = PeriodKeys(directory / "keys"), started(directory)
    store = await open_store(
        f"sqlite://{directory}/node.db", keys=keys, clock=clock, faults=faults
    )
    team = Team(store)
    team.clock.moment = clock.moment
    post = Post(Desk(team, keys))
    case = directory / "case"
    if not case.exists():
        await team.hire(ADA.name, ADA.role)
        await team.hire(BEN.name, BEN.role)
        ada, ben = await team.principal(ADA.name), await team.principal(BEN.name)
        await post.enter(ada, ben, channels=(MAIL,))
        case.write_text(await post.approved(ada, ben))
    faults.armed = True
    await WORK[what](post, case.read_text(), directory, faults)
    await store.close()


def main() -> None:
    for table in TABLES:
        table()
    for line in sys.stdin:
        directory, point, hits, what = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(work(Path(directory), KillAt(point, int(hits)), what))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        os.write(1, f"{died}\n".encode())


main()
