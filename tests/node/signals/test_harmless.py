# SPDX-License-Identifier: Apache-2.0
"""Files that are evidence of nothing: refused here, and from whoever sends them."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Final

import pytest
from tests.node.signals.conftest import ANNA, DRAFTS, RITA, Node, request_for
from tests.support.fleet import Fleet, eventually
from tests.support.origin import Origin

from fedsafe_node.acts.bodies import ImportRequest, Kind
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.log.audit import Event
from fedsafe_node.signals.feed_gaps import read_gaps
from fedsafe_policies.documents.do_not_share import (
    DoNotShareLists,
    load_lists,
    shipped_lists,
)
from fedsafe_policies.vocabulary import MediaKind, Scope


def moved(digest: str, bits: int) -> str:
    """Clear so many bits of a hash, and set as many others."""
    value = int(digest, 16)
    ones = [place for place in range(256) if value >> place & 1]
    others = [place for place in range(256) if not value >> place & 1]
    for place in (*ones[:bits], *others[:bits]):
        value ^= 1 << place
    return value.to_bytes(32).hex()


SHARED: Final = Scope.FEDERATION
EMPTY: Final = hashlib.sha256(b"").hexdigest()
BLANK: Final = "00" * 32
STRIPES: Final = min(shipped_lists().lists["plain_pictures"].entries)
NEAR: Final = moved(STRIPES, 15)
GOOD: Final = "a5" * 32
LATER: Final = "b7" * 32
POISON: Final = [
    (Kind.SHA256, EMPTY, "trivial_files"),
    (Kind.SHA1, hashlib.sha1(b"").hexdigest(), "trivial_files"),  # noqa: S324
    (Kind.MD5, hashlib.md5(b"").hexdigest(), "trivial_files"),  # noqa: S324
    (Kind.PDQ, BLANK, "impossible_pdq"),
    (Kind.PDQ, "ff" * 32, "impossible_pdq"),
    (Kind.PDQ, STRIPES, "plain_pictures"),
    (Kind.PDQ, NEAR, "plain_pictures"),
]


def with_our_icon(digest: str = GOOD) -> DoNotShareLists:
    return load_lists(
        b"format = 1\ndated = 2026-12-01\n[lists.our_icons]\n"
        b'kind = "file"\nmatch = "digest"\nversion = 1\nsource = "our own"\n'
        b'entries = ["sha256:' + digest.encode() + b'"]\n',
        shipped_lists(),
    )


@pytest.fixture
async def origin(fleet: Fleet) -> AsyncIterator[Origin]:
    """A member that signs whatever it likes."""
    await fleet.start("b.demo", "c.demo")
    await fleet.attested()
    hostile = await Origin(fleet).load()
    async with hostile.serving():
        yield hostile


async def told(fleet: Fleet, event: Event) -> list[dict[str, object]]:
    return [
        json.loads(each.openings["detail"])
        for each in await fleet.audit("b.demo", event.value)
    ]


@pytest.mark.parametrize(("kind", "value", "listed"), POISON)
async def test_the_origin_refuses_with_rule_and_list(
    node: Node, kind: Kind, value: str, listed: str
) -> None:
    with pytest.raises(DeniedError) as denied:
        await node.signals.add(request_for(value, kind=kind, scope=SHARED), ANNA)
    decision = denied.value.decision

    assert (decision.rule, decision.code) == ("P17", "harmless_media")
    assert decision.about == listed
    assert await node.events() == [(Event.REFUSED, "harmless_media")]
    assert (await node.signals.listed(DRAFTS, RITA)).signals == []


async def test_one_poison_in_an_import_is_named_and_the_rest_kept(node: Node) -> None:
    signals = [
        request_for(value, kind=kind, scope=SHARED)
        for kind, value in ((Kind.SHA256, GOOD), (Kind.SHA256, EMPTY), (Kind.PDQ, GOOD))
    ]
    answer = await node.signals.add_many(ImportRequest(signals=signals), ANNA)

    assert [signal is not None for signal in answer.signals] == [True, False, True]
    (problem,) = answer.problems
    assert (problem.position, problem.code) == (1, "harmless_media")
    assert "trivial_files" in problem.detail


async def test_a_draft_is_compared_again_when_it_is_approved(node: Node) -> None:
    request = request_for(GOOD, kind=Kind.SHA256, scope=SHARED)
    draft = await node.signals.add(request, ANNA)
    node.desk.situation.do_not_share = with_our_icon("b6" * 32)
    other = await node.signals.add(request, ANNA)
    node.desk.situation.do_not_share = with_our_icon()
    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([draft.signal], RITA)
    node.desk.situation.do_not_share = shipped_lists()
    answer = await node.signals.approve([other.signal], RITA)

    assert denied.value.decision.code == "harmless_media"
    assert denied.value.decision.about == "our_icons"
    assert answer.approved == [other.signal]
    assert len(await node.feed()) == 1


async def test_an_own_ban_of_such_a_file_is_the_providers_own_matter(
    node: Node,
) -> None:
    added = await node.signals.add(request_for(EMPTY, kind=Kind.SHA256), ANNA)
    found = await node.look_up(EMPTY, Kind.SHA256)

    assert [match.signal for match in found.matches] == [added.signal]


async def test_a_receiver_keeps_no_poison_and_says_so(
    fleet: Fleet, origin: Origin
) -> None:
    for kind, value, _ in POISON:
        origin.file(bytes.fromhex(value), kind=MediaKind[kind.name])
    origin.file(bytes.fromhex(GOOD))
    await origin.taken("b.demo")
    rows = await fleet["b.demo"].base.store.scan(lambda r: r.signals_after(0, 100))
    openings = [
        await fleet["b.demo"].base.store.read(
            lambda reader, n=number: reader.opening("a.demo/feed", n, "signal")  # type: ignore[misc]
        )
        for number in range(len(POISON) + 1)
    ]
    found = [await fleet.look_up("b.demo", value, kind) for kind, value, _ in POISON]
    good = await fleet.look_up("b.demo", GOOD, Kind.SHA256)
    applied = await told(fleet, Event.FEED_APPLIED)
    refused = await told(fleet, Event.REFUSED)
    rules = {each.record.rule for each in await fleet.audit("b.demo", "refused")}

    assert [row.index for row in rows] == [len(POISON)]
    assert [opening is not None for opening in openings] == [
        *[False] * len(POISON),
        True,
    ]
    assert [each.matches for each in found] == [[]] * len(POISON)
    assert [match.origin for match in good.matches] == ["a.demo"]
    assert sum(int(str(each.get("harmless", 0))) for each in applied) == len(POISON)
    counts = {each["about"]: each["signals"] for each in refused}
    assert counts == {"trivial_files": 3, "impossible_pdq": 2, "plain_pictures": 2}
    assert {each["act"] for each in refused} == {"signal.receive"}
    assert rules == {"P17"}
    assert (await fleet["b.demo"].services.audits.verify(RITA)).ok


async def test_what_came_before_it_was_listed_matches_no_more(
    fleet: Fleet, origin: Origin
) -> None:
    origin.file(bytes.fromhex(GOOD))
    await origin.taken("b.demo")
    before = await fleet.look_up("b.demo", GOOD, Kind.SHA256)
    situation = fleet["b.demo"].base.situation
    situation.do_not_share = with_our_icon()
    after = await fleet.look_up("b.demo", GOOD, Kind.SHA256)
    event = (await told(fleet, Event.LOOKUP))[-1]
    situation.do_not_share = shipped_lists()
    again = await fleet.look_up("b.demo", GOOD, Kind.SHA256)

    assert [len(each.matches) for each in (before, after, again)] == [1, 0, 1]
    assert (event["suppressed"], event["harmless"]) == (1, 1)


async def test_what_was_left_out_comes_once_its_entry_is_taken_off_again(
    fleet: Fleet, origin: Origin
) -> None:
    situation = fleet["b.demo"].base.situation
    situation.do_not_share = with_our_icon()
    origin.file(bytes.fromhex(LATER))
    origin.file(bytes.fromhex(GOOD))
    origin.file(bytes.fromhex(EMPTY))
    await origin.taken("b.demo")
    hidden = await fleet.look_up("b.demo", GOOD, Kind.SHA256)
    origin.file(bytes.fromhex("c8" * 32))
    await origin.taken("b.demo")
    still = await fleet.look_up("b.demo", GOOD, Kind.SHA256)
    situation.do_not_share = shipped_lists()

    async def is_back() -> bool:
        return bool((await fleet.look_up("b.demo", GOOD, Kind.SHA256)).matches)

    await eventually(is_back)
    others = [
        len((await fleet.look_up("b.demo", value, Kind.SHA256)).matches)
        for value in (LATER, GOOD, EMPTY, "c8" * 32)
    ]
    rows = await fleet["b.demo"].base.store.scan(lambda r: r.signals_after(0, 100))
    gaps = await fleet["b.demo"].base.store.read(lambda r: read_gaps(r, "a.demo"))

    assert [each.matches for each in (hidden, still)] == [[], []]
    assert others == [1, 1, 0, 1]
    assert sorted(row.index for row in rows) == [0, 1, 3]
    assert gaps.left_out is not None
    assert (gaps.left_out.index, gaps.again) == (2, None)
    assert list(gaps.left_out.lists) == ["trivial_files"]
    assert (await fleet["b.demo"].services.audits.verify(RITA)).ok
