# SPDX-License-Identifier: Apache-2.0
"""A new epoch begins under load, the old one is shredded, and nothing of it is left."""

import asyncio
import shutil
import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace as replace_
from tests.node.signals.conftest import ANNA, BOT, DRAFTS, RITA, request_for
from tests.node.signals.rotation import rotate
from tests.support.council import ballot_of
from tests.support.fleet import NAMES, Fleet

from fedsafe_crypto.oprf.keys import KeyShare
from fedsafe_crypto.oprf.shares import recover
from fedsafe_crypto.oprf.tokens import origin_token
from fedsafe_crypto.oprf.voprf import Mode, output_direct
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.charter.charter import OVERLAP
from fedsafe_federation.errors import QuorumError
from fedsafe_federation.evaluation.metering import RIGHTS
from fedsafe_federation.identifiers import Canonical, canonicalise
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import LookupAnswer, Result
from fedsafe_node.acts.signal_reviews import EndingSignal
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import StoreFailedError, WrongStateError
from fedsafe_node.ground.key_files import read_secret
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.keys.own_keys import load_media_keys, load_shares
from fedsafe_node.log.key_destruction import Destroying
from fedsafe_node.members.peering.service import OVER_FOR_ALL
from fedsafe_node.signals.custody import open_custody
from fedsafe_node.signals.epoch_destroy import Shredding, read_shredded
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_policies.vocabulary import IdentifierKind, Scope

WHO, OTHER = "mallory@mail.example", "trent@mail.example"
OVER = timedelta(seconds=OVERLAP)
SHREDS = timedelta(seconds=OVERLAP + OVER_FOR_ALL)


async def rows(fleet: Fleet, name: str) -> list[SignalRow]:
    return await fleet[name].base.store.read(lambda r: r.signals_after(0, 1_000))


async def later(fleet: Fleet, step: timedelta) -> None:
    """Let time pass, and the nodes hear of each other again."""
    fleet.clock.advance(step)
    await fleet.attested()
    await fleet.covered()


async def matched(fleet: Fleet, name: str, value: str) -> list[str]:
    answer = await fleet.look_up(name, value)
    assert answer.result is not Result.DEFERRED
    return [each.signal for each in answer.matches]


@asynccontextmanager
async def looked_up(fleet: Fleet, name: str) -> AsyncIterator[list[LookupAnswer]]:
    """Look the same identifier up again and again, as long as the body runs."""
    answers: list[LookupAnswer] = []

    async def go_on() -> None:
        while True:
            answers.append(await fleet.look_up(name, WHO))

    task = asyncio.create_task(go_on())
    try:
        yield answers
        seen = len(answers)
        while len(answers) < seen + 2:
            await asyncio.sleep(0)
            assert not task.done(), task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_no_lookup_is_lost_while_an_epoch_begins(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    async with looked_up(trio, "b.demo") as answers:
        await rotate(trio)
        since = len(answers)

    assert len(answers) > since
    assert {each.result for each in answers} == {Result.REVIEW}
    assert {m.signal for each in answers for m in each.matches} == {signal}


async def test_signals_of_both_epochs_match_until_the_old_one_is_over(
    trio: Fleet,
) -> None:
    old = await trio.publish(WHO)
    picture = await trio.publish("ab" * 32, Kind.SHA256)
    await rotate(trio)
    new = await trio.publish(OTHER, at="b.demo", by=("a.demo", "c.demo"))

    assert {row.epoch for row in await rows(trio, "c.demo")} == {1, 2}
    assert await matched(trio, "c.demo", WHO) == [old]
    assert await matched(trio, "c.demo", OTHER) == [new]
    found = await trio.look_up("c.demo", "ab" * 32, Kind.SHA256)
    assert [each.signal for each in found.matches] == [picture]
    await later(trio, OVER)
    for _ in range(2):  # also before any job has run
        assert await matched(trio, "c.demo", WHO) == []
        found = await trio.look_up("c.demo", "ab" * 32, Kind.SHA256)
        assert found.matches == []


async def shred(fleet: Fleet, *names: str) -> None:
    for name in names:
        await fleet[name].shredding.run()


async def test_after_the_overlap_nothing_of_an_epoch_is_left(trio: Fleet) -> None:
    old = await trio.publish(WHO)
    draft = await trio["a.demo"].services.signals.add(
        request_for("carol@mail.example", scope=Scope.FEDERATION), ANNA
    )
    tokens = {row.token for row in await rows(trio, "c.demo") if row.token}
    custody = await custody_of(trio, old)
    secrets = await asyncio.to_thread(secrets_of, trio)
    await rotate(trio)
    new = await trio.publish(OTHER, at="b.demo", by=("a.demo", "c.demo"))
    await later(trio, SHREDS)
    await shred(trio, *NAMES)

    assert custody is not None
    assert await custody_of(trio, old) is None
    for name in NAMES:
        states = {
            row.epoch: row.status for row in await rows(trio, name) if not row.own
        }
        assert states == {1: SignalStatus.ERASED, 2: SignalStatus.ACTIVE}
        assert epochs_of(await held(trio, name)) == [2]
        assert await matched(trio, name, WHO) == []
        assert await matched(trio, name, OTHER) == [new]
        [said] = await trio.audit(name, "federation.epoch_shredded")
        assert '"epoch":1,"keys":2' in said.text
        verified = await trio[name].services.audits.verify(BOT)
        assert verified.ok, [each for each in verified.tables if not each.ok]
    drafts = await trio["a.demo"].services.signals.listed(DRAFTS, RITA)
    assert draft.signal not in {each.signal for each in drafts.signals}
    assert len(secrets) == 5
    await trio.close()
    left = await asyncio.to_thread(found_in, trio.root, [*secrets, *tokens])
    assert left == []


async def test_a_ban_that_lives_longer_is_published_anew_out_of_custody(
    trio: Fleet,
) -> None:
    old = await trio.publish(WHO)
    services = trio["a.demo"].services
    assert (await services.validations.ending(RITA, None)).signals == []
    await rotate(trio)
    told = await services.validations.ending(RITA, None)
    [each] = told.signals
    about = await asyncio.to_thread(opened, trio, each)
    wanted = replace_(request_for(about.value, scope=Scope.FEDERATION), renews=old)
    draft = await services.signals.add(wanted, ANNA)
    assert (await services.validations.ending(RITA, None)).signals == told.signals
    done = await services.signals.approve([draft.signal], RITA)
    await trio.level("a.demo", ("b.demo", "c.demo"))

    assert (each.signal, each.epoch) == (old, 1)
    assert done.approved == [draft.signal]
    assert (await services.validations.ending(RITA, None)).signals == []
    assert sorted(await matched(trio, "c.demo", WHO)) == sorted([old, draft.signal])
    await later(trio, SHREDS)
    await shred(trio, *NAMES)
    assert await matched(trio, "c.demo", WHO) == [draft.signal]


async def test_what_was_revoked_meanwhile_is_not_published_anew(trio: Fleet) -> None:
    old = await trio.publish(WHO)
    services = trio["a.demo"].services
    await rotate(trio)
    wanted = replace_(request_for(WHO, scope=Scope.FEDERATION), renews=old)
    draft = await services.signals.add(wanted, ANNA)
    await trio.revoke(old)

    with pytest.raises(WrongStateError) as refused:
        await services.signals.approve([draft.signal], RITA)
    assert refused.value.code == "stale_draft"


def opened(fleet: Fleet, each: EndingSignal) -> Canonical:
    """Open what custody gave, as whoever has the key does elsewhere."""
    private = read_secret(fleet.root / "custody" / "a.demo.key")
    assert each.sealed is not None
    return open_custody(
        RecipientKey.from_bytes(private),
        node="a.demo",
        signal_id=read_signal_id(each.signal),
        sealed=each.sealed,
    )


@pytest.mark.promise("TM-02")
@pytest.mark.embedded
async def test_all_that_is_left_evaluates_no_token_of_a_backup(trio: Fleet) -> None:
    await trio.publish(WHO)
    backup = trio.root.parent / "backup"
    for name in NAMES:  # without keys, which are backed up apart
        await asyncio.to_thread(backed_up, trio.place(name), backup / name)
    await rotate(trio)
    await later(trio, SHREDS)
    await shred(trio, *NAMES)
    federation = trio["a.demo"].base.situation.shared
    assert federation is not None
    shares = await held(trio, *NAMES)
    media = await asyncio.to_thread(load_media_keys, trio.place("c.demo"))
    [kept] = await asyncio.to_thread(tokens_in, backup / "c.demo")
    person = Person(canonicalise(IdentifierKind.EMAIL, WHO))
    value = person.input(federation.membership.charter.federation)

    tried = set()
    for subset in combinations(shares, 2):
        points = {share.index: share.secret for share in subset}
        y = output_direct(recover(points), value, Mode.VOPRF)
        tried |= {origin_token(y, epoch, "a.demo") for epoch in (1, 2)}
    assert len(shares) == 3
    assert set(media) == {(2, 1)}
    assert len(tried) == 2
    assert kept not in tried
    for name in NAMES:
        membership = trio[name].base.situation.shared.membership  # type: ignore[union-attr]
        assert membership.served(1, 1) is None


async def test_a_member_that_still_has_its_share_refuses_to_evaluate(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    shared = trio["b.demo"].base.situation.shared
    assert shared is not None
    await rotate(trio)
    trio.clock.advance(SHREDS)
    quorum = shared._quorums[1]  # noqa: SLF001 - who asks all the same
    blinds = await quorum.blind([b"x"])
    with pytest.raises(QuorumError):
        await quorum.evaluate([b"x"], RIGHTS, within=5.0, blinds=blinds)

    assert epochs_of(await held(trio, "a.demo")) == [1, 2]
    assert await trio.audit("a.demo", "evaluation.wrong_answer") == []


@pytest.mark.embedded
async def test_a_database_of_before_is_shredded_anew(trio: Fleet) -> None:
    await trio.publish(WHO)
    await rotate(trio)
    await trio.stop("c.demo")
    place, copy = trio.place("c.demo"), trio.root.parent / "copy"
    await asyncio.to_thread(shutil.copytree, place.directory, copy)
    trio.clock.advance(SHREDS)
    await trio.start("c.demo")
    await shred(trio, "c.demo")
    await trio.stop("c.demo")
    await asyncio.to_thread(put_back, copy, place)
    await trio.start("c.demo")
    await shred(trio, "c.demo")

    assert {row.status for row in await rows(trio, "c.demo")} == {SignalStatus.ERASED}
    assert epochs_of(await held(trio, "c.demo")) == [2]


@pytest.mark.parametrize("commits", [False, True])
async def test_shredding_goes_on_wherever_it_was_killed(
    trio: Fleet,
    commits: bool,  # noqa: FBT001 - a parameter
) -> None:
    await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)
    await rotate(trio)
    await trio.stop("a.demo", "b.demo")
    trio.clock.advance(SHREDS)
    name, deaths = "c.demo", 0
    while True:
        node = trio[name]
        dying = cast("Store", Dying(node.base.store, deaths, commits=commits))
        desk = replace(node.desk, store=dying)
        destroying = Destroying(
            dying,
            node.base.trail,
            trio.clock,
            keys=node.base.place.keys,
            periods=node.base.periods,
            pseudonyms=node.base.pseudonyms,
            offload=node.base.workers,
        )
        shredding = Shredding(
            desk, node.base.place, destroying, forget=ballot_of(trio, name).forget_over
        )
        try:
            await shredding.run()
        except StoreFailedError:
            deaths += 1
        else:
            break
        await trio.stop(name)
        await trio.start(name)
        assert await read(trio, name) in ([], [1])

    assert deaths > 0
    assert await read(trio, name) == [1]
    assert epochs_of(await held(trio, name)) == [2]
    assert {row.status for row in await rows(trio, name)} == {SignalStatus.ERASED}
    effects = await trio[name].base.store.read(lambda reader: reader.effects())
    assert {effect.target for effect in effects} == {"share-1-1", "media-1-1"}
    assert all(effect.ended_at for effect in effects)


class Dying:
    """A store whose process dies at the n-th write, before or after its commit."""

    def __init__(self, store: Store, lives: int, *, commits: bool) -> None:
        self._store = store
        self._lives = lives
        self._commits = commits

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the store has it
        return getattr(self._store, name)

    async def write(self, act: Any, **options: Any) -> Any:  # noqa: ANN401
        self._lives -= 1
        if self._lives < 0 and not self._commits:
            raise StoreFailedError("killed")
        done = await self._store.write(act, **options)
        if self._lives < 0:
            raise StoreFailedError("killed")
        return done


async def held(fleet: Fleet, *names: str) -> list[KeyShare]:
    """Read the shares that some members have left."""
    places = [fleet.place(name) for name in names]
    found = await asyncio.to_thread(lambda: [load_shares(place) for place in places])
    return [share for shares in found for share in shares.values()]


def epochs_of(shares: Sequence[KeyShare]) -> list[int]:
    return [share.generation.epoch for share in shares]


async def read(fleet: Fleet, name: str) -> list[int]:
    kept = await fleet[name].base.store.read(read_shredded)
    return [each.epoch for each in kept]


async def custody_of(fleet: Fleet, signal: str) -> bytes | None:
    store = fleet["a.demo"].base.store
    return await store.read(lambda reader: reader.custody(read_signal_id(signal)))


def secrets_of(fleet: Fleet) -> list[bytes]:
    """Give every secret of epoch 1 that some member holds."""
    places = [fleet.place(name) for name in NAMES]
    shares = [load_shares(place)[1, 1].secret for place in places]
    media = load_media_keys(places[0])[1, 1]
    return [*shares, media.token, media.group]


def found_in(root: Path, needles: Sequence[bytes]) -> list[str]:
    """Name the files in which one of the byte strings lies, also as base64 or hex."""
    forms = [f for n in needles for f in (n, b64encode(n), n.hex().encode())]
    return [
        str(path)
        for path in root.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]


def backed_up(place: Place, copy: Path) -> None:
    copy.mkdir(parents=True)
    with (
        closing(sqlite3.connect(place.database)) as here,
        closing(sqlite3.connect(copy / "store.db")) as there,
    ):
        here.backup(there)


def tokens_in(copy: Path) -> list[bytes]:
    with closing(sqlite3.connect(copy / "store.db")) as database:
        found = database.execute("SELECT token FROM signals WHERE own = 0")
        return [token for (token,) in found]


def put_back(copy: Path, place: Place) -> None:
    shutil.rmtree(place.directory)
    shutil.copytree(copy, place.directory)
