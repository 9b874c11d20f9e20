# SPDX-License-Identifier: Apache-2.0
import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import NAMES, Fleet, eventually, found, make
from tests.support.workers import Several, several, up_to_date

from fedsafe_federation.charter.attestation import LIFE
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import Kind, Question, RevokeRequest
from fedsafe_node.acts.lookup import LookupRequest, Result
from fedsafe_node.acts.match import DigestColumn, DigestKind, MatchRequest
from fedsafe_node.acts.people import CredentialScope, NewCredentialRequest
from fedsafe_node.acts.provider_events import EventKind, FollowQuery
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.errors import ForbiddenError, UnavailableError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.lookup.index import picture_keeper
from fedsafe_node.lookup.index.picture_keeper import Page, known
from fedsafe_node.notices.provider_events.announcer import Announcement
from fedsafe_node.store.people_rows import PersonRow, PersonState
from fedsafe_node.store.rows import PeerState
from fedsafe_policies.documents.policy import shipped_text
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import Purpose, Role, Scope, Surface

WHO = "offender@example.org"
OWN = shipped_text("synthetic").replace(b'name = "synthetic"', b'name = "own"')
SOMETHING = Announcement(EventKind.TASK_DUE, "account-1", {"task": "1"})
PICTURE = "f0" * 32
OLGA = Principal("olga", Role.OPERATOR)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Several]:
    """Give two processes of one node that belongs to no federation."""
    fleet = await make(tmp_path / "one", "a.demo")
    async with several(fleet, "a.demo") as processes:
        yield processes


@pytest.fixture
async def founded_pair(fleet: Fleet) -> AsyncIterator[Several]:
    """Give two processes of a.demo, beside b.demo and c.demo, which are one each."""
    async with several(fleet, "a.demo") as processes:
        await fleet.start("b.demo", "c.demo")
        yield processes


async def record(node: RunningNode, value: str, kind: Kind = Kind.EMAIL) -> str:
    request = request_for(value, kind=kind, scope=Scope.SELF)
    return (await node.services.signals.add(request, ANNA)).signal


async def look_up(node: RunningNode, value: str, kind: Kind = Kind.EMAIL) -> Result:
    await up_to_date(node)
    is_file = kind is not Kind.EMAIL
    request = LookupRequest(
        questions=[Question(kind=kind, value=value)],
        purpose=Purpose.MEDIA_MATCHING if is_file else Purpose.SIGNUP_CHECK,
        surface=Surface.PUBLIC_CONTENT if is_file else None,
        subject_ref="account-1",
        deadline_ms=10_000,
    )
    return (await node.services.lookups.lookup(request, BOT)).result


async def decide_by_another_policy(pair: Several) -> None:
    one, fleet = pair[0], pair.fleet
    place = one.base.place
    text = await asyncio.to_thread(place.config.read_text)
    named = text.replace('"synthetic"', '"own.toml"')
    await asyncio.to_thread(place.config.write_text, named)
    await asyncio.to_thread((place.directory / "own.toml").write_bytes, OWN)
    fleet.running["a.demo"] = one
    await fleet.decide_by_named("a.demo")
    del fleet.running["a.demo"]


async def test_what_one_process_records_another_matches(pair: Several) -> None:
    one, other = pair
    assert await look_up(other, WHO) is Result.NONE

    await record(one, WHO)

    assert await look_up(other, WHO) is Result.REVIEW


async def test_a_picture_that_one_process_records_another_finds_once(
    pair: Several,
) -> None:
    one, other = pair
    await record(one, PICTURE, Kind.PDQ)
    await record(other, "0f" * 32, Kind.PDQ)

    assert await look_up(other, PICTURE, Kind.PDQ) is Result.REVIEW
    assert await look_up(one, "0f" * 32, Kind.PDQ) is Result.REVIEW
    assert len(one.base.lists.pictures) == len(other.base.lists.pictures) == 2


async def test_columns_find_in_one_process_what_another_records(pair: Several) -> None:
    one, other = pair
    column = DigestColumn(kind=DigestKind.SHA256, digests=bytes.fromhex(PICTURE))
    request = MatchRequest(columns=[column], surface=Surface.PUBLIC_CONTENT)
    before = await other.services.lookups.match(request, BOT)
    await record(one, PICTURE, Kind.SHA256)

    await up_to_date(other)
    both = [await node.services.lookups.match(request, BOT) for node in pair]

    assert before.columns[0].at == []
    assert [each.columns[0].at for each in both] == [[0], [0]]
    assert len({each.columns[0].answers[0].task for each in both}) == 1


async def test_processes_share_the_tables_that_one_has_made(
    pair: Several, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    pictures = [token_bytes(32).hex() for _ in range(9)]
    for node in pair:
        monkeypatch.setattr(node.base.lists.pictures, "_few", 4)
    for each in pictures[:8]:
        await record(one, each, Kind.PDQ)
    await look_up(other, pictures[0], Kind.PDQ)
    await other.pictures.merge()  # it is not the one that does
    assert not other.base.lists.has_picture_tables
    pair.turns[0].win()

    async def leads() -> bool:
        return one.pictures.leads()

    await eventually(leads)
    await one.pictures.merge()

    async def attached() -> bool:
        return other.base.lists.has_picture_tables

    await eventually(attached)
    await record(other, pictures[8], Kind.PDQ)  # behind the tables
    read: list[int] = []

    def tell_read(page: Page) -> list[tuple[int, bytes]]:
        read.extend(row for row, _ in page)
        return known(page)

    monkeypatch.setattr(picture_keeper, "known", tell_read)
    later = await pair.start()

    assert len(read) == 1
    (mine,), (shared,) = (each.base.lists.pictures.tables for each in (one, later))
    assert os.fstat(mine.memory.descriptor or -1) == os.fstat(
        shared.memory.descriptor or -1
    )
    for node in pair:
        for each in pictures:
            assert await look_up(node, each, Kind.PDQ) is Result.REVIEW
        assert len(node.base.lists.pictures) == 9


async def test_what_one_process_stops_another_matches_no_more(pair: Several) -> None:
    one, other = pair
    signal = await record(one, WHO)
    assert await look_up(other, WHO) is Result.REVIEW

    await one.services.signals.revoke(
        signal, RevokeRequest(reason=Reason.MISTAKE), RITA
    )

    assert await look_up(other, WHO) is Result.NONE


async def test_a_credential_that_one_process_ends_is_nobodys_in_another(
    pair: Several,
) -> None:
    one, other = pair
    request = NewCredentialRequest(
        name="shop",
        scope=CredentialScope.LOOKUP,
        purposes=[Purpose.MEDIA_MATCHING],
        until=one.base.office.now() + 3_600,
    )
    token = (await one.services.staff.machines.add(request, OLGA)).token
    await up_to_date(other)
    assert (await other.services.people.authenticate(token)).name == "shop"

    await one.services.staff.machines.revoke("shop", OLGA)

    await up_to_date(other)
    with pytest.raises(ForbiddenError):
        await other.services.people.authenticate(token)


async def test_a_process_that_starts_later_maps_what_is_merged(pair: Several) -> None:
    one, other = pair
    await record(one, WHO)
    await asyncio.to_thread(one.base.lists.tokens.merge)
    assert other is pair.all.pop()
    await other.stop()

    later = await pair.start()

    assert later.base.lists.tokens.in_memory == 0
    assert await look_up(later, WHO) is Result.REVIEW


async def test_a_gate_that_one_process_opens_is_open_in_another(
    pair: Several,
) -> None:
    one, other = pair
    gate = LegalGate(valid_until=pair.fleet.clock.now().date() + timedelta(days=300))
    pair.fleet.running["a.demo"] = one
    await pair.fleet.open_gate("a.demo", gate)
    del pair.fleet.running["a.demo"]

    await up_to_date(other)

    assert other.base.situation.gate == gate


async def test_other_texts_count_in_every_process(pair: Several) -> None:
    one, other = pair
    await decide_by_another_policy(pair)

    await up_to_date(other)

    policy = other.base.situation.policy
    assert policy == one.base.situation.policy
    assert policy.name == "own"


async def test_without_the_text_that_counts_nothing_is_decided(pair: Several) -> None:
    one, other = pair
    await decide_by_another_policy(pair)
    (one.base.place.policies / f"{one.base.situation.policy.digest}.toml").unlink()

    with pytest.raises(UnavailableError):
        await look_up(other, WHO)


async def test_a_person_whom_one_process_knows_has_a_pseudonym_in_another(
    pair: Several,
) -> None:
    one, other = pair
    now = pair.fleet.clock.now()
    assert other.base.trail.shown("frieda", now) == "frieda"
    person = PersonRow("7", "frieda", "Frieda", False, PersonState.ACTIVE, 0)  # noqa: FBT003
    await one.base.store.write(lambda tx: tx.add_person(person))

    await up_to_date(other)

    assert other.base.trail.shown("frieda", now).startswith("staff-")


async def test_a_suspended_origin_is_suspended_in_every_process(
    founded_pair: Several,
) -> None:
    one, other = founded_pair
    founded_pair.turns[0].win()
    await _covered(one, "b.demo")
    await one.base.store.write(
        lambda tx: tx.set_peer_state("b.demo", PeerState.SUSPENDED)
    )

    await up_to_date(other)

    assert "b.demo" in other.base.situation.coverage.suspended


async def test_processes_attest_one_thing_under_one_number(
    founded_pair: Several,
) -> None:
    one, other = founded_pair
    founded_pair.fleet.clock.advance(LIFE)

    said = await asyncio.gather(*(node.attesting.own() for node in (one, other)))
    again = await asyncio.gather(*(node.attesting.own() for node in (other, one)))

    assert said[0] == said[1] == again[0] == again[1]


async def test_processes_found_a_federation_together(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "three", *NAMES)
    async with several(fleet, "a.demo") as pair:
        await fleet.start("b.demo", "c.demo")
        fleet.running["a.demo"] = pair[0]
        try:
            await found(fleet, *NAMES)
        finally:
            del fleet.running["a.demo"]
        one, other = pair
        await up_to_date(other)

        shared = [node.base.situation.shared for node in (one, other)]
        assert all(shared)
        assert [each.membership.charter for each in shared if each] == [
            fleet["b.demo"].base.situation.shared.membership.charter  # type: ignore[union-attr]
        ] * 2
        await fleet.close()


async def test_only_the_process_that_leads_replicates_and_all_are_covered(
    founded_pair: Several,
) -> None:
    one, other = founded_pair
    fleet = founded_pair.fleet
    founded_pair.turns[0].win()
    await fleet.covered()
    await _covered(one, "b.demo", "c.demo")

    await fleet.publish(WHO, at="b.demo", by=["c.demo"])

    async def matches() -> bool:
        return await look_up(other, WHO) is Result.REVIEW

    await eventually(matches)
    await _covered(other, "b.demo", "c.demo")
    assert not other.replicating.replicates
    assert one.replicating.replicates


async def test_another_process_goes_on_when_the_leader_ends(
    founded_pair: Several,
) -> None:
    one, other = founded_pair
    fleet = founded_pair.fleet
    founded_pair.turns[0].win()
    await fleet.covered()
    await _covered(one, "b.demo", "c.demo")
    founded_pair.turns[0].lose()

    async def rests() -> bool:
        return not one.replicating.replicates

    await eventually(rests)
    founded_pair.turns[1].win()
    await fleet.publish(WHO, at="b.demo", by=["c.demo"])

    async def both_match() -> bool:
        results = [await look_up(node, WHO) for node in (one, other)]
        return results == [Result.REVIEW] * 2

    await eventually(both_match)


async def test_a_poke_to_any_process_wakes_the_one_that_leads(
    founded_pair: Several, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = founded_pair
    founded_pair.turns[0].win()
    await _covered(one, "b.demo")
    woken = asyncio.Event()
    monkeypatch.setattr(one.replicating, "wake_all", woken.set)

    assert other.base.follower is not None
    other.base.follower.poke()

    async with asyncio.timeout(10):
        await woken.wait()


async def test_who_waits_for_events_at_one_process_hears_of_anothers(
    pair: Several,
) -> None:
    one, other = pair
    waiting = asyncio.create_task(other.services.events.read(FollowQuery(wait=10), BOT))

    async def waits() -> bool:
        return other.base.announcer.bell.waited_for

    await eventually(waits)
    await one.base.store.write(lambda tx: one.base.announcer.announce(tx, SOMETHING))

    assert len((await waiting).events) == 1


async def test_a_node_starts_and_stops_once_however_many_processes_it_has(
    pair: Several,
) -> None:
    fleet = pair.fleet
    await pair.close()

    await fleet.start("a.demo")

    written = [each.record.event for each in await fleet.audit("a.demo")]
    starts = [each for each in written if each in {Event.NODE_STARTED, Event.AUDIT_GAP}]
    assert starts == [Event.NODE_STARTED, Event.NODE_STARTED]
    assert written.count(Event.NODE_STOPPED) == 1
    await fleet.close()


async def test_a_node_whose_last_process_did_not_end_has_a_gap(
    pair: Several,
) -> None:
    await pair.all.pop().stop()

    later = await pair.start(run="another run")

    log = later.base.trail.log
    assert await later.base.store.read(lambda reader: reader.log_size(log)) > 0
    gaps = await later.base.store.read(lambda reader: reader.gaps())
    assert [gap.reason for gap in gaps] == ["no_end"]


async def _covered(node: RunningNode, *origins: str) -> None:
    async def all_covered() -> bool:
        await up_to_date(node)
        now = node.base.clock.now()
        stale = node.base.situation.not_covered(now)
        return not set(origins) & set(stale)

    await eventually(all_covered)
