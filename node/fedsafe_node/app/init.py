# SPDX-License-Identifier: Apache-2.0
"""Make a new node: directory, configuration, keys, store, first credentials.

Everything is made under a directory that does not exist yet, or is empty, and the
configuration is written last: a node with a configuration is whole.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fedsafe_node.acts.people import SetUpCodeAnswer
from fedsafe_node.app.init_journal import Attempt, Plan
from fedsafe_node.casework.dispatch.signing import name_certificate
from fedsafe_node.ground.clock import Clock, SystemClock
from fedsafe_node.ground.config import Config, Place, parse_config, render_config
from fedsafe_node.ground.errors import BadRequestError, ConfigError
from fedsafe_node.ground.key_files import write_secret
from fedsafe_node.ground.principal import Actor
from fedsafe_node.keys.own_keys import create_keys
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.log.reserve_use import reserve_of
from fedsafe_node.operations.stopped_node import open_node_store, open_trail
from fedsafe_node.people.credentials import GOOD_FOR, People
from fedsafe_node.people.demonstration import mark_demonstration
from fedsafe_node.people.first_administrator import add_first
from fedsafe_node.people.names import check_name, look_of
from fedsafe_node.rules.policy_bundle import check_named
from fedsafe_node.signals.custody import create_custody_key
from fedsafe_node.store.address import Server, driver_needed
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reserve import free_bytes, room_for
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Created:
    """A new node; the credentials are shown once and stored as hashes.

    Those of people end at the moment `until`.
    """

    config: Config
    credentials: Mapping[str, str] = field(repr=False)
    administrator: SetUpCodeAnswer | None = None
    until: int = 0


async def create_node(  # noqa: PLR0913 - what a node begins with
    place: Place,
    config: Config,
    *,
    custody_private: Path,
    staff: Sequence[tuple[str, Role]],
    administrator: str | None = None,
    owner_url: str | None = None,
    credentials: Path | None = None,
    clock: Clock | None = None,
    demonstration: bool = False,
) -> Created:
    """Make a node in `place.directory`, and its custody key outside.

    *administrator* is the name of the first account, which is set up with a code.
    *owner_url* is that of `open_node_store`. *custody_private* is a new file; whoever
    holds it can read the node's own published identifiers, so it belongs on another
    medium. *credentials* is the directory outside in which each credential gets a file.
    A *demonstration* is marked as one for good, and no other node ever is.

    Whatever it raises, what it made is gone again. If it is killed, the next call takes
    it away (`init_journal`).

    Raises:
        ConfigError: the configuration does not fit, the directory is not empty, it
            would hold the custody key, its disk is full, or the database on a server
            is a node's already.
        BadRequestError: a name of the staff does not fit.
        KeyFileError: a key file cannot be written.
        StoreError: the store cannot be made.
    """
    clock = clock or SystemClock()
    _check_staff(staff)
    if administrator is not None:
        _check_administrator(administrator, staff)
    files = () if credentials is None else _files_in(credentials, staff)
    plan = Plan(place, config, custody_private, files, owner_url)
    await asyncio.to_thread(_check_plan, plan)
    attempt = await asyncio.to_thread(Attempt, plan)
    try:
        await asyncio.to_thread(_make_files, attempt, plan)
        return await _begin(
            attempt, plan, staff, administrator, clock, demonstration=demonstration
        )
    except Exception:
        await asyncio.to_thread(attempt.take_back)
        raise
    finally:
        await asyncio.to_thread(attempt.close)


def _files_in(directory: Path, staff: Sequence[tuple[str, Role]]) -> tuple[Path, ...]:
    return tuple(directory / f"{name}.key" for name, _ in staff)


async def _begin(  # noqa: PLR0913 - what a node begins with
    attempt: Attempt,
    plan: Plan,
    staff: Sequence[tuple[str, Role]],
    administrator: str | None,
    clock: Clock,
    *,
    demonstration: bool,
) -> Created:
    place, config = plan.place, plan.config
    store = await open_node_store(
        place, config, clock, reserve_of(place, config), owner_url=plan.owner_url
    )
    try:
        await _first_entry(store, place, config, clock, demonstration=demonstration)
        credentials = await _first_people(store, place, config, staff, clock)
        trail = await open_trail(place, config.name, store)
        first = (
            await add_first(store, trail, clock, administrator)
            if administrator is not None
            else None
        )
    finally:
        await store.close()
    await asyncio.to_thread(_hand_out, credentials, plan.credentials)
    text = render_config(config).encode()
    await asyncio.to_thread(attempt.finish, text)
    until = int(clock.now().timestamp()) + GOOD_FOR
    return Created(config, credentials, first, until)


def _hand_out(credentials: Mapping[str, str], files: Sequence[Path]) -> None:
    for path in files:
        write_secret(path, credentials[path.stem].encode() + b"\n")


def _check_staff(staff: Sequence[tuple[str, Role]]) -> None:
    names = [name for name, _ in staff]
    for name in names:
        check_name(name)
    if len({look_of(name) for name in names}) != len(names):
        raise BadRequestError(
            "bad_name", Phrase("two credentials have one name, or look so")
        )


def _check_administrator(name: str, staff: Sequence[tuple[str, Role]]) -> None:
    check_name(name)
    for known, role in staff:
        is_same = known == name and role is not Role.SERVICE
        if look_of(known) == look_of(name) and not is_same:
            raise BadRequestError(
                "bad_name",
                Phrase("{name} looks like a name of the staff").filled(name=name),
            )


def _check_plan(plan: Plan) -> None:
    place, custody = plan.place, plan.custody_private
    check_named(place, parse_config(place, render_config(plan.config)))
    if custody.resolve().is_relative_to(place.directory.resolve()):
        raise ConfigError(custody, Phrase("the custody key must lie outside the node"))


def _is_taken(server: Server) -> bool:
    with driver_needed():
        from fedsafe_node.store.postgresql.facts import is_taken  # noqa: PLC0415
    return is_taken(server)


def _make_files(attempt: Attempt, plan: Plan) -> None:
    place, directory = plan.place, plan.place.directory
    server = plan.server()
    if server is not None and _is_taken(server):
        why = Phrase("the database is a node's already: make an empty one")
        raise ConfigError(place.config, why)
    attempt.begin()
    wanted = room_for(plan.config.disk.reserve)
    if free_bytes(directory) < wanted:
        why = Phrase(
            "the reserve of a node needs {wanted} MiB free here: make room"
        ).filled(wanted=wanted >> 20)
        raise ConfigError(directory, why)
    public = directory / plan.config.custody_key
    create_custody_key(place, private=plan.custody_private, public=public)
    create_keys(place)


async def _first_entry(
    store: Store, place: Place, config: Config, clock: Clock, *, demonstration: bool
) -> None:
    trail = await open_trail(place, config.name, store)
    detail: Detail | None = {"demonstration": True} if demonstration else None
    entry = trail.entry(
        Event.NODE_CREATED, at=clock.now(), actor=Actor.SETUP.value, detail=detail
    )

    async def act(tx: Transaction) -> None:
        if demonstration:
            await mark_demonstration(tx, trail.log)
        await tx.append(trail.log, entry.record, entry.openings)
        await name_certificate(tx, config.name)

    await store.write(act)


async def _first_people(
    store: Store,
    place: Place,
    config: Config,
    staff: Sequence[tuple[str, Role]],
    clock: Clock,
) -> Mapping[str, str]:
    trail = await open_trail(place, config.name, store)
    people = People(store, trail, clock)
    return {
        name: await people.add(name, role, by=Actor.SETUP.value) for name, role in staff
    }
