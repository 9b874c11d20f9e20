# SPDX-License-Identifier: Apache-2.0
"""Write with this code what later code must open: nodes, a backup, an evidence pack.

    .venv/bin/python -m tests.fence.make

writes `tests/fence/frozen/written.tar.xz` anew: the directories of three members of a
federation that were stopped in the middle of a day, whose first has

* a signal that all hold, and a task that a match has opened at the second,
* a draft that waits for its second person, and an export that waits for one,
* a case whose package is queued for a partner,
* a new sharing of the key that it has begun while the others were away,

with a backup of it, a pack, and in `facts.json` what is to be found. With --postgresql
VERSION it writes `written-postgresql.tar.xz`: the same with the stores on a server,
each as a dump (`store.sql`), and without a backup, which is for files. The commit that
is made with is what later commits are held to, so it is written once, by the commit
that pins the names, and again only where what is stored changes on purpose.
"""

import argparse
import asyncio
import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from tests.node.audit.conftest import AUDRA, export, key_of, write_events
from tests.node.signals.conftest import ANNA, request_for
from tests.postgresql.fixtures import installation_of
from tests.postgresql.making import serving
from tests.support.backups import back_up
from tests.support.ceremony_rounds import agree_on
from tests.support.council import show
from tests.support.databases import preparing
from tests.support.fleet import NAMES, Fleet, eventually, found, make
from tests.support.fleet_stores import FLEET_STORES
from tests.support.maximal import MAXIMAL
from tests.support.resharing_fleet import membership_of

from fedsafe_node.acts.cases import ApproveCase, AssessCase, OpenCase
from fedsafe_node.acts.dispatches import SendCase
from fedsafe_node.acts.partners import EnterPartner, VerifyPartner
from fedsafe_node.acts.reviews import TasksQuery
from fedsafe_node.app import scheduler as jobs
from fedsafe_node.evidence.verify import verify_pack
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.span import ExportRequest
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.package import Threat
from fedsafe_policies.escalation.partners import Partner, Way
from fedsafe_policies.escalation.vocabulary import (
    Danger,
    PartnerClass,
    Urgency,
)
from fedsafe_policies.vocabulary import Phenomenon, Role, Scope

FROZEN: Final = Path(__file__).parent / "frozen"
WRITTEN: Final = FROZEN / "written.tar.xz"
ON_SERVER: Final = FROZEN / "written-postgresql.tar.xz"
DUMP: Final = "store.sql"
LISTED: Final = "mia@example.de"
DRAFTED: Final = "noa@example.de"
ADA: Final = Principal("ada", Role.ESCALATION_OFFICER, fresh=True)
RUTH: Final = Principal("ruth", Role.REVIEWER, fresh=True)
STAFF: Final = (
    ("anna", Role.ANALYST),
    ("rita", Role.REVIEWER),
    ("audra", Role.AUDITOR),
    ("dora", Role.DPO),
    ("ruth", Role.REVIEWER),
    ("ada", Role.ESCALATION_OFFICER),
)
A, B, C = NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What later code must find in what was written."""

    moment: str
    signal: str
    task: str
    draft: str
    act: str
    digest: str
    case: str
    dispatch: str
    trust: list[str]
    attempts: list[str]
    unproved: list[str]
    backup: str = "backup"
    pack: str = "pack.zip"

    @property
    def began(self) -> datetime:
        """The moment at which the clock stood."""
        return datetime.fromisoformat(self.moment)


async def write(folder: Path) -> Facts:
    """Write it all into a new folder."""
    fleet = await make(folder / "n", *NAMES, staff=STAFF)
    try:
        await fleet.start(*NAMES)
        await found(fleet, *NAMES)
        await fleet.attested()
        fleet.clock.advance(timedelta(days=2))  # members take part in what others begin
        await fleet.attested()
        await fleet.covered()
        facts = await _day(fleet, folder)
    finally:
        await fleet.close()
    text = json.dumps(asdict(facts), indent=1)
    (folder / "facts.json").write_text(text, encoding="utf-8")
    return facts


async def _day(fleet: Fleet, folder: Path) -> Facts:
    services = fleet[A].services
    signal = await fleet.publish(LISTED)
    await fleet.look_up(B, LISTED)
    (task,) = (await fleet[B].services.tasks.list(TasksQuery(), ANNA)).tasks
    if not FLEET_STORES.on_server:
        await back_up(fleet, folder / "backup")
    wanted = request_for(DRAFTED, scope=Scope.FEDERATION)
    draft = await services.signals.add(wanted, ANNA)
    case, dispatch = await _dispatched(fleet)
    await write_events(fleet, 2)
    await fleet.witnessed(A)
    pack = await export(fleet)
    (folder / "pack.zip").write_bytes(pack)
    trust = [key_of(fleet), membership_of(fleet, A).version.digest.hex()]
    report = verify_pack(io.BytesIO(pack), *trust)
    act = await services.evidence.ask(ExportRequest(first=1, last=5), AUDRA)
    await fleet.stop(B, C)
    await agree_on(fleet, A, 2)

    async def begun() -> list[str] | None:
        states = [each.state for each in (await show(fleet, A)).attempts]
        return states if states == ["under_way"] else None

    return Facts(
        moment=fleet.clock.now().isoformat(),
        signal=signal,
        task=task.task,
        draft=draft.signal,
        act=act.act,
        digest=act.digest,
        case=case,
        dispatch=dispatch,
        trust=trust,
        unproved=[each.code for each in report.unproved],
        attempts=await eventually(begun),
    )


async def _dispatched(fleet: Fleet) -> tuple[str, str]:
    services, now = fleet[A].services, int(fleet.clock.now().timestamp())
    entry = Partner(
        name="Erfundene Stelle",
        partner_class=PartnerClass.LAW_ENFORCEMENT,
        country="DE",
        test=False,
        function="Dauerdienst",
        phone="+49 30 0000001",
        ways=(Way.PORTAL, Way.PHONE),
    )
    entered = EnterPartner(partner="bka", revision=0, entry=entry)
    await services.partners.enter(entered, ADA)
    call = VerifyPartner(revision=1, reference="call-1")
    await services.partners.verify("bka", call, RUTH)
    opening = OpenCase(
        urgency=Urgency.U0,
        known_at=now - 60,
        threat=Threat(danger=Danger.YES, reason="Ein Treffen ist verabredet."),
        sources=(CaseSource.USER_REPORT,),
        phenomenon=Phenomenon.GROOMING,
    )
    case = (await services.cases.open(opening, ADA)).case
    elements = msgspec.structs.replace(MAXIMAL, case=msgspec.UNSET)
    await services.cases.assess(case, AssessCase(elements=elements), ADA)
    approve = ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,))
    await services.cases.approve(case, approve, ADA)
    sent = await services.dispatches.send(case, SendCase(partners=("bka",)), ADA)
    (dispatch,) = sent.dispatches
    return case, dispatch.dispatch


def _write_on_server(folder: Path, major: int) -> None:
    """Write it with the stores on a server, and dump these."""
    installation = installation_of(major)
    with serving(installation) as server, preparing(server) as databases:
        FLEET_STORES.use(databases)
        asyncio.run(write(folder))
        for name in NAMES:
            place = Place(folder / "n" / name)
            url = FLEET_STORES.prepared(place).superuser
            dump = [str(installation.programs / "pg_dump"), "--no-owner"]
            with (place.directory / DUMP).open("wb") as file:
                command = [*dump, "--no-privileges", "--dbname", url]
                subprocess.run(command, stdout=file, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, metavar="FILE")
    parser.add_argument("--postgresql", type=int, metavar="VERSION")
    given = parser.parse_args()
    vars(jobs)["TICK_SECONDS"] = 3_600  # none runs by the clock on the wall
    target = given.to or (ON_SERVER if given.postgresql else WRITTEN)
    with tempfile.TemporaryDirectory(prefix="fs-") as folder:
        root = Path(folder) / "written"
        root.mkdir()
        if given.postgresql:
            _write_on_server(root, given.postgresql)
        else:
            asyncio.run(write(root))
        with tarfile.open(target, "w:xz") as archive:
            archive.add(root, "written", filter=_plain)
    print(f"{target}: {target.stat().st_size} bytes")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out sockets and whose the files are."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member if member.isfile() or member.isdir() else None


if __name__ == "__main__":
    main()
