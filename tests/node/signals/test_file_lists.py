# SPDX-License-Identifier: Apache-2.0
"""A list of files is one act: what its second person sees, and its approval."""

import json
from datetime import timedelta
from hashlib import sha256
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    RITA,
    Clocked,
    Node,
    request_for,
)
from tests.support.limits import limited

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
    ListSource,
    Question,
    RevokeRequest,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import DETAIL, Event, decode_audit_record
from fedsafe_node.signals import file_lists
from fedsafe_node.signals.file_lists import DRAWN, SEEN_FOR
from fedsafe_policies.vocabulary import Provenance, Role, Scope, Surface

SUPERSEDED = RevokeRequest(reason=Reason.SUPERSEDED)
SAID: Final = ListSource(
    name="hotline-2026-11", source="hotline.example/2026-11", signature="pgp:8a1f"
)
RUTH: Final = Principal("ruth", Role.REVIEWER)
LOOK: Final = "a5" * 32


def digests(count: int, seed: int = 1) -> list[str]:
    dice = Random(seed)  # noqa: S311
    return [sha256(dice.randbytes(9)).hexdigest() for _ in range(count)]


async def imported(
    node: Node, values: list[str], *, said: ListSource = SAID, who: Principal = ANNA
) -> list[str]:
    signals = [
        request_for(value, kind=Kind.SHA256, scope=Scope.FEDERATION) for value in values
    ]
    answer = await node.signals.add_many(ImportRequest(signals=signals, list=said), who)
    assert answer.problems == []
    return [str(signal) for signal in answer.signals]


async def told(node: Node, event: Event) -> list[dict[str, Any]]:
    log = node.desk.trail.log
    records = await node.store.scan(lambda r: r.records(log, 0, 10_000))
    kept = await node.store.scan(lambda r: r.openings(log, 0, 10_000))
    wanted = {
        index
        for index, record in enumerate(records)
        if decode_audit_record(record).event is event
    }
    return [
        json.loads(each.opening.payload)
        for each in kept
        if each.index in wanted and each.group == DETAIL and each.opening is not None
    ]


async def test_the_second_person_sees_the_whole_and_approves_it_at_once(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lists, "_PAGE", 16)  # several pieces
    values = digests(50)
    listed = await node.signals.add(
        request_for(
            values[7], kind=Kind.SHA256, scope=Scope.FEDERATION, nodes=["b.demo"]
        ),
        ANNA,
    )
    await node.signals.approve([listed.signal], RITA)
    await imported(node, values[:30])
    await imported(node, values[30:])
    lists = node.signals.lists
    (waiting,) = (await lists.waiting(RITA, None)).lists
    rehearsal = [
        Question(kind=Kind.SHA256, value=value) for value in (LOOK, values[3], LOOK)
    ]
    seen = await lists.examine(SAID.name, rehearsal, RITA)
    again = await lists.examine(SAID.name, [], RUTH)
    before = len(await node.feed())
    done = await lists.approve(SAID.name, seen.digest, RITA)

    assert waiting == seen.waiting
    assert (waiting.count, waiting.authors) == (50, ["anna"])
    assert waiting.sources == ["hotline.example/2026-11"]
    assert waiting.signatures == ["pgp:8a1f"]
    assert seen.kinds == {Kind.SHA256: 50}
    assert [(each.origin, each.count) for each in seen.overlap] == [("a.demo", 1)]
    assert (seen.rehearsed, seen.hits) == (3, [1])
    assert len({each.digest for each in seen.drawn} & set(values)) == DRAWN
    assert (again.digest, again.seed, again.drawn) == (
        seen.digest,
        seen.seed,
        seen.drawn,
    )
    assert (before, done.approved, done.refused) == (1, 50, 0)
    assert len(await node.feed()) == 51
    found = await node.look_up(values[49], Kind.SHA256)
    assert (found.matches, len(found.on_trial or ())) == ([], 1)
    examined = await told(node, Event.LIST_EXAMINED)
    assert [each["seed"] for each in examined] == [seen.seed] * 2
    assert examined[0]["hits"] == 1
    (approved,) = await told(node, Event.LIST_APPROVED)
    assert (approved["digest"], approved["count"]) == (seen.digest, 50)
    with pytest.raises(NotFoundError):
        await lists.approve(SAID.name, seen.digest, RITA)


async def test_a_list_that_has_changed_is_examined_and_drawn_anew(node: Node) -> None:
    values = digests(30)
    await imported(node, values[:29])
    lists = node.signals.lists
    seen = await lists.examine(SAID.name, [], RITA)
    await imported(node, values[29:])
    with pytest.raises(WrongStateError) as changed:
        await lists.approve(SAID.name, seen.digest, RITA)
    anew = await lists.examine(SAID.name, [], RITA)
    with pytest.raises(WrongStateError) as unseen:
        await lists.approve(SAID.name, anew.digest, RUTH)

    assert changed.value.code == "act_changed"
    assert unseen.value.code == "not_examined"
    assert (anew.digest != seen.digest, anew.seed != seen.seed) == (True, True)
    assert await node.feed() == []


async def test_what_is_approved_is_what_was_examined_and_not_the_files_alone(
    node: Node,
) -> None:
    values = digests(30)
    lists = node.signals.lists
    for signal in await imported(node, values):
        await node.signals.revoke(signal, SUPERSEDED, ANNA)
    own = [
        request_for(
            value,
            kind=Kind.SHA256,
            scope=Scope.FEDERATION,
            provenance=Provenance.OWN_FINDING,
        )
        for value in values
    ]
    refused = await node.signals.add_many(ImportRequest(signals=own, list=SAID), ANNA)
    assert {(e.code, e.pointer) for e in refused.problems} == {
        ("not_on_a_list", f"/signals/{n}/provenance") for n in range(30)
    }
    for other in (
        replace(SAID, source="somebody-else.example"),
        replace(SAID, signature=None),
    ):
        drafts = await imported(node, values)
        seen = await lists.examine(SAID.name, [], RITA)
        for draft in drafts:
            await node.signals.revoke(draft, SUPERSEDED, ANNA)
        drafts = await imported(node, values, said=other)
        with pytest.raises(WrongStateError) as changed:
            await lists.approve(SAID.name, seen.digest, RITA)
        anew = await lists.examine(SAID.name, [], RITA)
        for draft in drafts:
            await node.signals.revoke(draft, SUPERSEDED, ANNA)

        assert changed.value.code == "act_changed"
        assert [each.digest for each in anew.drawn] == [e.digest for e in seen.drawn]
        assert anew.seed == seen.seed
    assert await node.feed() == []


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "rule-8"},
        {"surface": Surface.SHOP},
        {"nodes": ["b.demo"]},
        {"legal_review": "note-1"},
    ],
)
async def test_a_list_says_of_its_rarest_entries_first_what_it_says(
    node: Node, other: dict[str, Any]
) -> None:
    values = digests(12)
    await imported(node, values[:11])
    lists = node.signals.lists
    before = await lists.examine(SAID.name, [], RITA)
    signal = request_for(values[11], kind=Kind.SHA256, scope=Scope.FEDERATION, **other)
    added = await node.signals.add_many(
        ImportRequest(signals=[signal], list=SAID), ANNA
    )
    assert added.problems == []
    seen = await lists.examine(SAID.name, [], RITA)
    ((name, value),) = other.items()

    assert [each.count for each in before.facts] == [11]
    assert [each.count for each in seen.facts] == [1, 11]
    assert getattr(seen.facts[0], name) == value
    told = seen.facts[1]
    assert (told.source, told.signature) == (SAID.source, SAID.signature)
    assert (told.provenance, told.scope) == (
        Provenance.IMPORTED_LIST,
        Scope.FEDERATION,
    )


async def test_a_list_that_nobody_could_read_is_not_examined(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lists, "MOST_FACTS", 2)
    for rule, value in enumerate(digests(3)):
        signal = request_for(
            value, kind=Kind.SHA256, scope=Scope.FEDERATION, rule=f"rule-{rule}"
        )
        await node.signals.add_many(ImportRequest(signals=[signal], list=SAID), ANNA)
    with pytest.raises(WrongStateError) as refused:
        await node.signals.lists.examine(SAID.name, [], RITA)

    assert refused.value.code == "mixed_list"


async def test_what_was_examined_is_of_that_name_and_ends(
    node: Node, clock: Clocked
) -> None:
    values = digests(3)
    lists = node.signals.lists
    other = replace(SAID, name="another")
    first = await imported(node, values)
    seen = await lists.examine(SAID.name, [], RITA)
    for draft in first:
        await node.signals.revoke(draft, SUPERSEDED, ANNA)
    await imported(node, values, said=other)
    unseen = (await lists.examine(other.name, [], RUTH)).digest
    with pytest.raises(WrongStateError) as elsewhere:
        await lists.approve(other.name, unseen, RITA)
    mine = await lists.examine(other.name, [], RITA)
    clock.advance(timedelta(seconds=SEEN_FOR))
    with pytest.raises(WrongStateError) as ended:
        await lists.approve(other.name, mine.digest, RITA)
    anew = await lists.examine(other.name, [], RITA)
    await imported(node, digests(2, seed=4))
    await lists.examine(SAID.name, [], RITA)  # one beside the other
    done = await lists.approve(other.name, anew.digest, RITA)

    assert elsewhere.value.code == "not_examined"
    assert ended.value.code == "seen_long_ago"
    assert seen.digest != unseen
    assert mine.approve_until + SEEN_FOR == anew.approve_until
    assert done.approved == 3


@pytest.mark.parametrize("who", [Principal("Anna", Role.REVIEWER), ANNA, BOT])
async def test_nobody_approves_a_list_of_their_own(
    node: Node, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await imported(node, digests(3))
    lists = node.signals.lists
    monkeypatch.setattr(file_lists, "_seen_key", lambda name, _: f"list-seen/{name}")
    seen = await lists.examine(SAID.name, [], RITA)
    with pytest.raises(DeniedError) as denied:
        await lists.approve(SAID.name, seen.digest, who)

    assert denied.value.decision.code in {"four_eyes", "role"}
    assert await node.feed() == []
    assert await told(node, Event.LIST_APPROVED) == []


async def test_an_entry_of_a_list_is_not_approved_by_itself(node: Node) -> None:
    signals = await imported(node, digests(2))
    with pytest.raises(WrongStateError, match="hotline-2026-11") as refused:
        await node.signals.approve(signals, RITA)

    assert refused.value.code == "part_of_list"
    assert await node.feed() == []


async def test_a_picture_of_the_rehearsal_is_hit_within_the_match_radius(
    node: Node,
) -> None:
    signal = request_for(LOOK, kind=Kind.PDQ, scope=Scope.FEDERATION)
    request = ImportRequest(signals=[signal], list=SAID)
    await node.signals.add_many(request, ANNA)
    rehearsal = [
        Question(
            kind=Kind.PDQ, value=(int(LOOK, 16) ^ (1 << bits) - 1).to_bytes(32).hex()
        )
        for bits in (31, 32)
    ]
    seen = await node.signals.lists.examine(SAID.name, rehearsal, RITA)

    assert seen.hits == [0]


async def test_a_list_beyond_the_budget_is_refused_whole(node: Node) -> None:
    await imported(node, digests(5))
    situation = node.desk.situation
    situation.policy = limited(situation.policy, hour=4, day=4)
    lists = node.signals.lists
    seen = await lists.examine(SAID.name, [], RITA)
    with pytest.raises(DeniedError) as denied:
        await lists.approve(SAID.name, seen.digest, RITA)
    situation.policy = limited(situation.policy, hour=5, day=5)
    done = await lists.approve(SAID.name, seen.digest, RITA)

    assert denied.value.decision.rule == "P18"
    assert done.approved == 5
    assert len(await told(node, Event.LIST_APPROVED)) == 1


async def test_a_list_has_files_for_the_federation_alone(node: Node) -> None:
    requests = [
        request_for("x@mail.example", scope=Scope.FEDERATION),
        request_for(LOOK, kind=Kind.SHA256),
        request_for(LOOK, kind=Kind.SHA256, scope=Scope.FEDERATION),
    ]
    answer = await node.signals.add_many(
        ImportRequest(signals=requests, list=SAID), ANNA
    )
    person = [Question(kind=Kind.EMAIL, value="x@mail.example")]
    with pytest.raises(BadRequestError) as refused:
        await node.signals.lists.examine(SAID.name, person, RITA)
    with pytest.raises(NotFoundError):
        await node.signals.lists.examine("nothing", [], RITA)

    assert [each.code for each in answer.problems] == ["not_on_a_list"] * 2
    assert refused.value.pointer == "/rehearsal/0/kind"
