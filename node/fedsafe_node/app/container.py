# SPDX-License-Identifier: Apache-2.0
"""What every part of a node stands on: files, store, indexes, and how they open."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from fedsafe_federation.feed.witnessing import anchor_name
from fedsafe_federation.identifiers.unicode import unassigned_ranges
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_node.app.worker import Worker
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import ConfigError, RestoreUnfinishedError
from fedsafe_node.ground.outside_key import OutsideKey, end_turn, find_outside_key
from fedsafe_node.ground.shared_nonces import SharedNonces, make_shared
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.keys.identity import load_identity
from fedsafe_node.keys.own_keys import HeldKeys
from fedsafe_node.log.anchor import read_life
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.pseudonyms import Pseudonyms
from fedsafe_node.log.reserve_use import reserve_of
from fedsafe_node.lookup.index.bootstrap import load_gate, load_tokens, share_tokens
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.members.quarantine import boundaries
from fedsafe_node.notices.provider_events.announcer import Announcer
from fedsafe_node.notices.texts import texts
from fedsafe_node.people.names import names_of_people
from fedsafe_node.people.office import Office
from fedsafe_node.people.passwords import Passwords
from fedsafe_node.people.register_entries import read_register_end
from fedsafe_node.people.vault import open_vault
from fedsafe_node.rights.help_directory import read_directory
from fedsafe_node.rules.policy_bundle import (
    Digests,
    Provisions,
    approved_digests,
    keep_approved,
    kept_provisions,
    read_provisions,
)
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.custody import Custody, load_custody
from fedsafe_node.store.address import Server, store_at
from fedsafe_node.store.change_counter import ALONE, Follower, Following
from fedsafe_node.store.followed_store import FollowedStore
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import PeerState
from fedsafe_node.store.sealed_files import SealedFiles
from fedsafe_node.store.sqlite.store import check_free
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.documents.register import catalogue
from fedsafe_policies.escalation.laender import laender
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.orders import orders
from fedsafe_policies.escalation.playbooks import playbooks
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.help.offers import Directory

_LOG = logging.getLogger(f"{LOGGER}.node")


@dataclass(frozen=True, slots=True)
class Base:
    """What every part of a node stands on."""

    place: Place
    config: Config
    clock: Clock
    keys: HeldKeys
    periods: PeriodKeys
    guard: Guard
    custody: Custody
    store: Store
    lists: Lists
    trail: AuditTrail
    pseudonyms: Pseudonyms
    situation: Situation
    workers: Workers
    office: Office
    announcer: Announcer
    help: Directory
    seen: SeenNonces
    outside: OutsideKey | None = None
    worker: Worker | None = None
    follower: Follower | None = None

    @property
    def following(self) -> Following:
        """What keeps this process up to date with a store that it shares."""
        return ALONE if self.follower is None else self.follower


@dataclass(frozen=True, slots=True)
class _Files:
    keys: HeldKeys
    periods: PeriodKeys
    guard: Guard
    sealed: SealedFiles
    pseudonyms: Pseudonyms
    custody: Custody
    named: Provisions | ConfigError
    help: Directory
    outside: OutsideKey | None


def _read_files(place: Place, config: Config, worker: Worker | None) -> _Files:
    if place.restoring.exists():
        raise RestoreUnfinishedError(str(place.directory))
    shared, tidy = worker is not None, worker is None or worker.is_first
    # Read here, off the loop, and kept: who asks later finds it.
    tables = (catalogue, laender, orders, phenomena, playbooks, shipped_matrix)
    for table in (*tables, urgencies):
        table()
    texts()
    unassigned_ranges()
    guard = Guard(place.guard, tidy=tidy, shared=shared)
    outside = find_outside_key(place)
    if tidy and outside is not None:
        end_turn(place, outside)
    return _Files(
        keys=load_identity(place).held(),
        periods=PeriodKeys(place.periods, tidy=tidy, shared=shared),
        guard=guard,
        sealed=SealedFiles(
            place, guard.sizes, guard.follow if shared else lambda: None
        ),
        pseudonyms=Pseudonyms(place.pseudonyms, tidy=tidy),
        custody=load_custody(place, config),
        named=_read_named(place, config),
        help=read_directory(place, config),
        outside=outside,
    )


def _read_named(place: Place, config: Config) -> Provisions | ConfigError:
    # Nobody has approved it: what is broken in it must not stop what was approved.
    try:
        return read_provisions(place, config)
    except ConfigError as error:
        return error


async def _settle(
    place: Place, config: Config, files: _Files, store: Store, workers: Workers
) -> Provisions:
    """Say what the node decides by: what two people approved, not what is named.

    What is named at the very first start counts: whoever makes a node chooses.

    Raises:
        ConfigError: what was approved is not here; or nothing was, and what is named
            does not fit.
    """
    named, approved = files.named, await store.read(approved_digests)
    if approved is None:
        if isinstance(named, ConfigError):
            raise named
        if named.digests is not None:
            await _keep_approved(store, named.digests)
        return named
    if approved.audit is None:  # a version left it that kept no such thing
        approved = approved.with_times(config.audit)
        await _keep_approved(store, approved)
    if isinstance(named, ConfigError):
        _LOG.warning("not approved", extra=fields(reason="unfit"))
    elif named.digests is None or named.digests == approved:
        return named
    else:
        for name in named.digests.differing(approved):
            # `policy propose` asks for it; until two have approved it the old counts.
            _LOG.warning("not approved", extra=fields(reason=name))
    return await workers(lambda: kept_provisions(place, approved))


async def _keep_approved(store: Store, digests: Digests) -> None:
    await store.write(lambda tx: keep_approved(tx, digests), vital=True)


async def _load_situation(
    config: Config, files: "_Files", store: Store, provisions: Provisions
) -> Situation:
    own = OwnList(config.name, files.keys.own)
    situation = Situation(config, provisions, own)
    gate = await load_gate(store)
    if gate is not None:
        situation.record_gate(gate)
    situation.record_register(await read_register_end(store))
    for peer in await store.read(lambda reader: reader.peers()):
        if peer.state is PeerState.SUSPENDED:
            situation.coverage.suspended.add(peer.origin)
    situation.coverage.set_aside = await store.read(boundaries)
    return situation


async def _load_trail(
    situation: Situation, files: "_Files", store: Store
) -> AuditTrail:
    node = situation.node
    trail = AuditTrail(node, files.pseudonyms)
    trail.anchor = anchor_name(node, await store.read(lambda r: read_life(r, node)))
    trail.know_people(*await store.read(names_of_people))
    trail.know_policy(situation.policy.reference, situation.policy.digest)
    return trail


def _open_seen(place: Place, clock: Clock, worker: Worker | None) -> SeenNonces:
    if worker is None:
        return SeenNonces(began=clock.now())
    if worker.is_first:
        make_shared(place.nonces, began=clock.now())
    return SharedNonces(place.nonces)


def _where(found: str | Server, worker: Worker | None) -> str | Server:
    if worker is None or not isinstance(found, Server):
        return found
    return replace(found, worker=str(worker.number))


async def _share(store: Store) -> tuple[Store, Follower]:
    """Follow a store from now on: before anything that is followed is read."""
    followed = FollowedStore(store)
    await followed.follower.begin()
    return followed, followed.follower


async def open_base(
    place: Place,
    config: Config,
    clock: Clock,
    parts: AsyncExitStack,
    worker: Worker | None = None,
) -> Base:
    """Open keys, store, lists and what else all parts share; *parts* closes it.

    Without a *worker* this process is the node's only one.

    Raises:
        NodeError: a file or the database does not fit; the message names it.
    """
    workers = Workers()
    parts.push_async_callback(asyncio.to_thread, workers.close)
    if worker is None:
        # Reading the files clears away drafts, which may be another process's.
        await workers(lambda: check_free(place.database))
    files = await workers(lambda: _read_files(place, config, worker))
    follower: Follower | None = None
    store = await open_store(
        _where(await workers(lambda: store_at(place.database, config.store)), worker),
        keys=files.periods,
        clock=clock,
        guard=files.guard,
        node=config.name,
        around=files.sealed,
        reserve=reserve_of(place, config),
    )
    parts.push_async_callback(store.close)
    if worker is not None or config.store is not None:
        # A server may keep what it did not acknowledge, as if another had done it.
        store, follower = await _share(store)
    provisions = await _settle(place, config, files, store, workers)
    situation = await _load_situation(config, files, store, provisions)
    situation.coverage.since = clock.now()
    if worker is None:
        tokens = await load_tokens(place.index, store)
    else:
        tokens = await share_tokens(place.index, store, is_first=worker.is_first)
    parts.push_async_callback(asyncio.to_thread, tokens.close)
    is_sealed = any(person.totp for person in await store.read(lambda r: r.persons()))
    key = place.keys / "people.key"
    vault = await workers(lambda: open_vault(key, is_needed=is_sealed))
    trail = await _load_trail(situation, files, store)
    seen = await workers(lambda: _open_seen(place, clock, worker))
    if isinstance(seen, SharedNonces):
        parts.callback(seen.close)
    passwords = Passwords()
    parts.push_async_callback(asyncio.to_thread, passwords.close)
    return Base(
        place=place,
        config=config,
        clock=clock,
        keys=files.keys,
        periods=files.periods,
        guard=files.guard,
        custody=files.custody,
        store=store,
        lists=Lists(
            tokens,
            shared=follower is not None,
            attached=worker is not None and worker.link is not None,
        ),
        trail=trail,
        pseudonyms=files.pseudonyms,
        situation=situation,
        workers=workers,
        office=Office(
            node=config.name,
            store=store,
            trail=trail,
            clock=clock,
            vault=vault,
            passwords=passwords,
            judge=situation,
        ),
        announcer=Announcer(files.periods, clock),
        help=files.help,
        seen=seen,
        outside=files.outside,
        worker=worker,
        follower=follower,
    )
