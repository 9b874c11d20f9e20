# SPDX-License-Identifier: Apache-2.0
"""A node's own policy beside its federation's, on running nodes."""

import asyncio
import hashlib
import json
import logging
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.fleet import FEDERATION, NAMES, Fleet, confirm, make

from fedsafe_federation.errors import FoundingError
from fedsafe_node.acts.bodies import ProposalRequest
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import ConfigError, WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, SafeFormatter
from fedsafe_node.operations.stopped_node import open_node_store
from fedsafe_node.rules.policy_bundle import keep_approved, read_provisions
from fedsafe_policies.documents.policy import shipped, shipped_text

OURS = shipped_text("synthetic").replace(b'name = "synthetic"', b'name = "ours"')
LOOSER = OURS.replace(b"shortest = 4", b"shortest = 3")
STRICTER = OURS.replace(b"shortest = 4", b"shortest = 9")


def decide_by(place: Place, text: bytes) -> None:
    (place.directory / "ours.toml").write_bytes(text)
    written = place.config.read_text()
    place.config.write_text(written.replace('"synthetic"', '"ours.toml"'))


async def test_a_node_starts_with_a_stricter_policy_and_keeps_both(trio: Fleet) -> None:
    await trio.stop("a.demo")
    decide_by(trio.place("a.demo"), STRICTER)
    await trio.start("a.demo")
    before = trio["a.demo"].base.situation.policy
    await trio.decide_by_named("a.demo")
    policy = trio["a.demo"].base.situation.policy
    kept = {path.stem for path in trio.place("a.demo").policies.iterdir()}

    assert (before.name, policy.name) == ("synthetic", "ours")
    assert kept == {policy.digest, shipped("synthetic").digest}
    assert (await trio["a.demo"].services.node.status()).policy == policy.reference


async def test_a_node_says_which_policy_it_decides_by(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = await make(tmp_path / "s", "a.demo")
    with caplog.at_level(logging.INFO, logger=LOGGER):
        await fleet.start("a.demo")
    await fleet.close()
    lines = [json.loads(SafeFormatter().format(record)) for record in caplog.records]
    (ready,) = [line for line in lines if line["event"] == "ready"]

    assert ready["policy"] == "synthetic"
    assert ready["digest"] == shipped("synthetic").digest


async def test_a_node_decides_by_no_looser_policy(trio: Fleet) -> None:
    await trio.stop("a.demo")
    decide_by(trio.place("a.demo"), LOOSER)
    await trio.start("a.demo")
    with pytest.raises(WrongStateError, match=r"line \d+: do_not_share.short"):
        await trio.decide_by_named("a.demo")

    assert trio["a.demo"].base.situation.policy == shipped("synthetic")


async def test_a_node_with_a_looser_policy_starts_and_exchanges_nothing(
    trio: Fleet,
) -> None:
    await trio.stop("a.demo")
    place = trio.place("a.demo")
    decide_by(place, LOOSER)
    config = await asyncio.to_thread(load_config, place)
    digests = (await asyncio.to_thread(read_provisions, place, config)).digests
    assert digests is not None
    store = await open_node_store(place, config, trio.clock)
    await store.write(lambda tx: keep_approved(tx, digests))
    await store.close()

    await trio.start("a.demo")
    rests = (await trio["a.demo"].services.node.status()).rests

    assert rests is not None
    assert re.search(r"ours\.toml: line \d+: do_not_share.short", rests)


async def test_a_node_joins_no_federation_that_is_stricter(tmp_path: Path) -> None:
    strangers = await make(tmp_path / "s", *NAMES)
    decide_by(strangers.place("b.demo"), LOOSER)
    await strangers.start(*NAMES)
    foundings = [strangers[name].services.foundings for name in NAMES]
    cards = [await each.card() for each in foundings]
    request = ProposalRequest(federation=FEDERATION, cards=cards)
    proposal = await foundings[0].propose(request)

    with pytest.raises(FoundingError, match=r"policy of b\.demo does not go .* looser"):
        await confirm(strangers, "b.demo", proposal)

    assert not list(strangers.place("b.demo").keys.glob("founding-*"))
    await strangers.close()


async def test_a_founding_says_where_a_policy_belongs_that_is_not_here(
    tmp_path: Path,
) -> None:
    strangers = await make(tmp_path / "s", *NAMES)
    decide_by(strangers.place("a.demo"), STRICTER)
    await strangers.start(*NAMES)
    foundings = [strangers[name].services.foundings for name in NAMES]
    cards = [await each.card() for each in foundings]
    request = ProposalRequest(federation=FEDERATION, cards=cards)
    proposal = await foundings[0].propose(request)
    name = f"policies/{hashlib.sha256(STRICTER).hexdigest()}.toml"
    place = strangers.place("b.demo")
    with pytest.raises(FoundingError) as refused:
        await confirm(strangers, "b.demo", proposal)
    place.policies.mkdir(exist_ok=True)
    (place.directory / name).write_bytes(STRICTER)
    with pytest.raises(FoundingError, match="looser than"):
        await confirm(strangers, "b.demo", proposal)
    await strangers.close()

    assert f"put it into {name} in this node's directory" in str(refused.value)
    assert str(place.directory) not in str(refused.value)


@pytest.mark.parametrize("text", [b"no policy", None])
async def test_a_broken_file_that_nobody_approved_stops_no_node(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: bytes | None
) -> None:
    fleet = await make(tmp_path / "s", "a.demo")
    await fleet.start("a.demo")
    await fleet.stop("a.demo")
    place = fleet.place("a.demo")
    decide_by(place, text or b"")
    if text is None:
        (place.directory / "ours.toml").unlink()
    with caplog.at_level(logging.WARNING, logger=LOGGER):
        await fleet.start("a.demo")
    lines = [json.loads(SafeFormatter().format(record)) for record in caplog.records]
    status = await fleet["a.demo"].services.node.status()
    await fleet.close()

    assert status.policy == shipped("synthetic").reference
    assert status.not_approved
    assert ("not approved", "unfit") in [(x["event"], x.get("reason")) for x in lines]


async def test_a_new_node_does_not_start_with_a_broken_policy(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "s", "a.demo")
    decide_by(fleet.place("a.demo"), b"no policy")

    with pytest.raises(ConfigError, match=r"ours\.toml: not TOML"):
        await fleet.start("a.demo")


async def test_times_that_an_older_version_left_are_those_of_node_toml_once(
    tmp_path: Path,
) -> None:
    fleet = await make(tmp_path / "s", "a.demo")
    await fleet.start("a.demo")
    base = fleet["a.demo"].base
    assert base.situation.provisions.digests is not None
    older = replace(base.situation.provisions.digests, audit=None)
    await base.store.write(lambda tx: keep_approved(tx, older))
    seen = []
    for days in (40, 31):
        await fleet.stop("a.demo")
        path = fleet.place("a.demo").config
        lines = path.read_text().splitlines()
        at = lines.index("[audit]") + 1
        path.write_text("\n".join([*lines[:at], f"actor = {days}", *lines[at + 1 :]]))
        await fleet.start("a.demo")
        seen.append(fleet["a.demo"].base.situation.provisions.audit.actor)
    await fleet.close()

    assert seen == [40, 40]
