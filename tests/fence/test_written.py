# SPDX-License-Identifier: Apache-2.0
"""This code opens, serves, verifies and restores what an earlier commit has written."""

import asyncio
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.fence.make import (
    ADA,
    DRAFTED,
    DUMP,
    LISTED,
    ON_SERVER,
    WRITTEN,
    A,
    B,
    C,
    Facts,
)
from tests.node.audit.conftest import AUDRA, DORA, export, key_of, write_events
from tests.node.signals.conftest import ANNA, RITA
from tests.postgresql.fixtures import MAJORS, installation_of, named
from tests.support.backups import lose
from tests.support.council import show
from tests.support.databases import Preparing
from tests.support.fleet import NAMES, Fleet, StandingClock, copy_of
from tests.support.resharing_fleet import at_generation, membership_of

from fedsafe_node.acts.reviews import TasksQuery
from fedsafe_node.evidence.verify import INCOMPLETE, OK, read_files, verify_pack
from fedsafe_node.ground.config import Place, load_config, render_config
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.operations.backup.check import check_backup
from fedsafe_node.operations.restore.journey import restore_node
from fedsafe_node.operations.restore.placement import Request
from fedsafe_node.store.postgresql import schema
from fedsafe_node.store.schema import MIGRATIONS

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack what was written, once; a test works on a copy."""
    return _unpacked(WRITTEN, tmp_path_factory.mktemp("fence"))


@pytest.fixture(scope="session")
def written_on_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack what was written with the stores on a server."""
    return _unpacked(ON_SERVER, tmp_path_factory.mktemp("fence"))


def _unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="tar")
    return folder / "written"


def _facts(written: Path) -> Facts:
    return Facts(**json.loads((written / "facts.json").read_text(encoding="utf-8")))


@pytest.fixture
def facts(written: Path) -> Facts:
    """Give what is to be found in it."""
    return _facts(written)


@pytest.fixture
async def old(written: Path, facts: Facts, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give the members that were written, of which none runs yet."""
    fleet = await asyncio.to_thread(copy_of, written / "n", tmp_path / "n")
    fleet.clock = StandingClock(facts.began)
    yield fleet
    await fleet.close()


@pytest.fixture(params=MAJORS[-1:], ids=named)
def restored(
    request: pytest.FixtureRequest,
    prepare: Callable[[int], Preparing],
    written_on_server: Path,
    tmp_path: Path,
) -> Iterator[Path]:
    """Give their directories, and put their stores on a server as an operator does."""
    databases = prepare(request.param)
    shutil.copytree(written_on_server / "n", tmp_path / "n")
    made = {name: databases.make_empty() for name in NAMES}
    for name, prepared in made.items():
        place = Place(tmp_path / "n" / name)
        psql = str(installation_of(request.param).programs / "psql")
        loading = ["--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", prepared.owner]
        dump = str(place.directory / DUMP)
        subprocess.run([psql, "--no-psqlrc", *loading, "--file", dump], check=True)
        _grant_as_then(prepared.owner, str(conninfo_to_dict(prepared.node)["user"]))
        config = load_config(place)
        there = msgspec.structs.replace(config, store=Storage(url=prepared.node))
        place.config.write_text(render_config(there), encoding="utf-8")
        owner = tmp_path / "owner.url"
        owner.write_text(prepared.owner)
        owner.chmod(0o600)
        prepared_by = ("store", "prepare", "--config", place.directory)
        fedsafe = (sys.executable, "-m", "fedsafe_cli", *prepared_by)
        subprocess.run([*fedsafe, "--owner-file", owner], check=True)
    yield tmp_path / "n"
    for prepared in made.values():
        databases.drop(prepared)


def _grant_as_then(owner: str, role: str) -> None:
    """Let the node's role use the tables as they were written, which are not newer."""
    with psycopg.connect(owner) as connection:
        row = connection.execute(
            "SELECT max(number) FROM fedsafe.migrations"
        ).fetchone()
    assert row is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", MIGRATIONS[: row[0]])
        patch.setattr(schema, "VERSION", row[0])
        schema.migrate(owner, role)


async def _found(fleet: Fleet, name: str, value: str) -> bool:
    return bool((await fleet.look_up(name, value)).matches)


async def test_members_serve_and_verify_what_they_have(
    old: Fleet, facts: Facts
) -> None:
    await _serves(old, facts)


async def test_members_with_stores_on_a_server_do(
    restored: Path, written_on_server: Path
) -> None:
    facts = _facts(written_on_server)
    fleet = Fleet(restored, StandingClock(facts.began))
    try:
        await _serves(fleet, facts)
    finally:
        await fleet.close()


async def _serves(old: Fleet, facts: Facts) -> None:
    await old.start(*NAMES)
    await old.attested()
    await old.covered()
    services = old[A].services
    verified = {n: await old[n].services.audits.verify(LOCAL) for n in NAMES}
    before = {name: await _found(old, name, LISTED) for name in NAMES}
    tasks = (await old[B].services.tasks.list(TasksQuery(), ANNA)).tasks
    sent = await services.dispatches.list(facts.case, ADA)
    approved = await services.signals.approve([facts.draft], RITA)
    await old.level(A, (B, C))
    digest = bytes.fromhex(facts.digest)
    act = await services.staff.approvals.approve(facts.act, digest, DORA)
    after = {name: await _found(old, name, DRAFTED) for name in NAMES}

    assert all(each.ok for each in verified.values())
    assert before == after == dict.fromkeys(NAMES, True)
    assert [each.task for each in tasks] == [facts.task]
    assert [each.dispatch for each in sent.dispatches] == [facts.dispatch]
    assert approved.approved == [facts.draft]
    assert act.act == facts.act


async def test_a_ceremony_that_was_begun_comes_to_its_end(
    old: Fleet, facts: Facts
) -> None:
    await old.start(A)
    states = [each.state for each in (await show(old, A)).attempts]
    await old.start(B, C)
    await at_generation(old, 2, *NAMES)

    assert states == facts.attempts
    assert await _found(old, C, LISTED)


async def test_a_backup_that_was_written_is_whole_and_restores(
    old: Fleet, written: Path, facts: Facts
) -> None:
    await asyncio.to_thread(lose, old)
    backup = written / facts.backup
    await asyncio.to_thread(check_backup, backup, old.place(A))
    await old.start(B, C)
    request = Request(backup, "rita", "ticket-7")
    await restore_node(old.place(A), request, old.clock)
    await old.start(A)
    await old.attested()
    await old.covered()

    assert await _found(old, A, LISTED)
    assert (await old[A].services.audits.verify(LOCAL)).ok


def test_a_pack_that_was_written_verifies(written: Path, facts: Facts) -> None:
    pack = (written / facts.pack).read_bytes()
    report = verify_pack(io.BytesIO(pack), *facts.trust)

    assert report.end
    assert [each.code for each in report.unproved] == facts.unproved


async def test_the_verifier_that_was_written_takes_a_pack_of_today(
    old: Fleet, written: Path, facts: Facts, tmp_path: Path
) -> None:
    await old.start(*NAMES)
    await old.covered()
    await write_events(old, 2)
    await old.witnessed(A)
    pack, verifier = tmp_path / "pack.zip", tmp_path / "verify.py"
    pack.write_bytes(await export(old, AUDRA))
    then = io.BytesIO((written / facts.pack).read_bytes())
    verifier.write_bytes(dict(read_files(then))["verify.py"])
    trust = key_of(old), membership_of(old, A).version.digest.hex()
    told = [word for each in trust for word in ("--trust", each)]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-I", str(verifier), str(pack), "--json", *told],
        capture_output=True,
        check=False,
    )

    assert done.returncode in {OK, INCOMPLETE}, done.stdout + done.stderr
    unproved = [each["code"] for each in json.loads(done.stdout)["unproved"]]
    assert unproved == facts.unproved
