# SPDX-License-Identifier: Apache-2.0
import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    ENDS,
    RITA,
    Clocked,
    Federation,
    Node,
    NodeMaker,
    request_for,
)

from fedsafe_federation.charter.charter import OVERLAP
from fedsafe_federation.feed.records import SignalRecord, decode_record
from fedsafe_federation.feed.signals import SIGNAL_GROUP, decode_opening
from fedsafe_node.acts.bodies import (
    ImportAnswer,
    ImportRequest,
    Kind,
    ListSource,
    NewSignalRequest,
    SignalAnswer,
    SignalState,
)
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    DeniedError,
    UnavailableError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import DETAIL, Event
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.lookup.index import tokens
from fedsafe_node.lookup.index.lists import Hint
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.custody import open_custody
from fedsafe_node.signals.desk import Changed
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Grade, Phenomenon, Plane, Role, Scope

PERSON = "person@mail.example"
DIGEST = "a5" * 32
SHARED = Scope.FEDERATION
ONCE = Once("key", b"digest", 201)


async def kept_answer(node: Node) -> bytes | None:
    row = await node.store.read(lambda reader: reader.idempotent_answer("key"))
    return None if row is None else row.body


# --- own bans ------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ANNA, RITA, BOT])
async def test_an_own_ban_matches_at_once_and_only_here(
    node: Node, who: Principal
) -> None:
    answer = await node.signals.add(request_for(PERSON), who)

    assert (answer.state, answer.scope) == (SignalState.OWN, Scope.SELF)
    assert (answer.origin, answer.author) == ("a.demo", who.name)
    found = await node.look_up("Person@Mail.example")
    assert [(match.signal, match.own) for match in found.matches] == [
        (answer.signal, True)
    ]
    assert found.matches[0].removed_on == "2026-11-20"
    assert found.matches[0].match_until == answer.match_until
    assert (await node.look_up("other@mail.example")).result is Result.NONE
    assert await node.feed() == []
    assert node.announced == []
    assert await node.events() == [(Event.OWN_BAN, "ok")]


@pytest.mark.parametrize(
    ("kind", "digest", "asked"),
    [
        (Kind.MD5, "ab" * 16, "AB" * 16),
        (Kind.PDQ, "ab" * 32, "ab" * 31 + "aa"),
        (Kind.SHA256, DIGEST, DIGEST),
    ],
)
async def test_an_own_ban_of_a_file_matches_at_once(
    node: Node, kind: Kind, digest: str, asked: str
) -> None:
    answer = await node.signals.add(request_for(digest, kind=kind), ANNA)

    found = await node.look_up(asked, kind)

    assert [match.signal for match in found.matches] == [answer.signal]
    assert found.matches[0].published_on == "2026-11-24"
    assert (await node.look_up("00" * (len(digest) // 2), kind)).matches == []


async def test_a_node_without_a_federation_has_own_bans(make_node: NodeMaker) -> None:
    node = make_node(joined=False)

    await node.signals.add(request_for(PERSON), ANNA)

    assert (await node.look_up(PERSON)).result is Result.REVIEW
    with pytest.raises(WrongStateError) as refused:
        await node.signals.add(request_for(PERSON, scope=SHARED), ANNA)
    assert refused.value.code == "no_federation"
    batch = ImportRequest(signals=[request_for(DIGEST, kind=Kind.SHA256, scope=SHARED)])
    with pytest.raises(WrongStateError):
        await node.signals.add_many(batch, ANNA)


# --- drafts --------------------------------------------------------------------------


async def test_a_draft_waits_sealed_and_matches_here_as_an_own_ban(
    node: Node, keys: PeriodKeys
) -> None:
    answer = await node.signals.add(request_for(PERSON, scope=SHARED), ANNA)

    assert (answer.state, answer.scope) == (SignalState.DRAFT, Scope.FEDERATION)
    assert await node.feed() == []
    found = (await node.look_up(PERSON)).matches
    assert [match.own for match in found] == [True]
    assert found[0].signal != answer.signal

    signal_id = read_signal_id(answer.signal)
    row = await node.store.read(lambda reader: reader.draft(signal_id))
    assert row is not None
    draft = open_draft(row, keys)
    assert draft.own == read_signal_id(found[0].signal)
    assert "payload=<" in repr(draft)
    assert await node.events() == [(Event.DRAFT, "ok")]
    with pytest.raises(WrongStateError):
        open_draft(msgspec.structs.replace(row, signal_id=bytes(16)), keys)


@pytest.mark.embedded
async def test_the_identifier_of_a_draft_is_in_custody_and_nowhere_else(
    node: Node, tmp_path: Path
) -> None:
    answer = await node.signals.add(request_for(PERSON, scope=SHARED), ANNA)

    signal_id = read_signal_id(answer.signal)
    sealed = await node.store.read(lambda reader: reader.custody(signal_id))
    assert sealed is not None
    kept = open_custody(
        node.custody_key, node="a.demo", signal_id=signal_id, sealed=sealed
    )
    assert kept.value == PERSON
    with sqlite3.connect(tmp_path / "node.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "mail.example" not in dump
    assert b"mail.example".hex() not in dump.lower()


async def test_a_signal_ends_an_overlap_behind_its_key_epoch(node: Node) -> None:
    answer = await node.signals.add(request_for(PERSON, scope=SHARED), ANNA)

    await node.signals.approve([answer.signal], RITA)

    (published,) = [row for row in await node.rows() if not row.own]
    over = int(ENDS.timestamp()) + OVERLAP
    assert published.match_until == published.erase_after == over


async def test_without_a_quorum_nothing_is_drafted(node: Node) -> None:
    node.federation.down = {"b.demo", "c.demo"}

    with pytest.raises(UnavailableError) as deferred:
        await node.signals.add(request_for(PERSON, scope=SHARED), ANNA)

    assert deferred.value.code == "deferred"
    assert deferred.value.retry_after_ms > 0
    assert await node.rows() == []


async def test_one_member_may_be_down(node: Node) -> None:
    node.federation.down = {"b.demo"}

    answer = await node.signals.add(request_for(PERSON, scope=SHARED), ANNA)

    assert answer.state is SignalState.DRAFT


# --- files ---------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["synthetic", "strict", "germany"])
@pytest.mark.parametrize("kind", [Kind.SHA256, Kind.PDQ])
async def test_a_file_waits_for_its_second_person(
    make_node: NodeMaker, kind: Kind, policy: str
) -> None:
    node = make_node(policy=policy)
    request = request_for(DIGEST, kind=kind, scope=SHARED, rule="house-2")
    with pytest.raises(DeniedError) as machine:
        await node.signals.add(request, BOT)
    answer = await node.signals.add(request, ANNA)
    with pytest.raises(DeniedError) as alone:
        await node.signals.approve([answer.signal], Principal("anna", Role.REVIEWER))

    assert machine.value.decision.code == "role"
    assert alone.value.decision.code == "four_eyes"
    assert (answer.state, answer.feed_index) == (SignalState.DRAFT, None)
    assert (await node.look_up(DIGEST, kind)).matches == []
    assert (await node.feed(), node.announced) == ([], [])

    await node.signals.approve([answer.signal], RITA)

    found = (await node.look_up(DIGEST, kind)).matches
    assert [(match.signal, match.own) for match in found] == [(answer.signal, False)]
    (record,) = map(decode_record, await node.feed())
    assert isinstance(record, SignalRecord)
    assert record.signal == read_signal_id(answer.signal)
    assert node.announced == [1]
    assert (Event.PUBLISHED, "ok") in await node.events()


async def test_a_file_drafted_under_an_older_group_key_is_drafted_anew(
    node: Node, federation: Federation
) -> None:
    request = request_for(DIGEST, kind=Kind.SHA256, scope=SHARED)
    answer = await node.signals.add(request, ANNA)
    federation.next_generation()
    node.desk.situation.join(federation.lists_of("a.demo"))
    with pytest.raises(WrongStateError) as stale:
        await node.signals.approve([answer.signal], RITA)
    await node.publish(DIGEST)

    assert stale.value.code == "stale_draft"
    assert len(await node.feed()) == 1


async def test_the_feed_verifies_with_its_opening(node: Node) -> None:
    await node.publish(DIGEST)
    log = node.desk.feed

    def commitments_of(data: bytes) -> dict[str, bytes]:
        record = decode_record(data)
        assert isinstance(record, SignalRecord)
        return {SIGNAL_GROUP: record.commitment}

    verified = await LogEngine(node.store).verify(log, commitments_of)

    assert verified.size == 1
    kept = await node.store.read(lambda reader: reader.opening(log, 0, SIGNAL_GROUP))
    assert kept is not None
    header, opening = decode_opening(kept.payload)
    assert header.scope is Scope.FEDERATION
    assert opening.token is None


# --- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"removed_on": None}, "removed_on_missing"),
        ({"removed_on": "2026-02-30"}, "bad_date"),
        ({"removed_on": "2026-11-26"}, "removed_on_future"),
        ({"value": "nobody"}, "identifier_malformed"),
        ({"value": DIGEST[2:], "kind": Kind.SHA256}, "bad_digest"),
        (
            {"value": DIGEST, "kind": Kind.SHA256, "removed_on": "2026-11-20"},
            "not_for_media",
        ),
    ],
)
async def test_a_request_that_does_not_fit_is_refused_and_writes_nothing(
    node: Node, fields: dict[str, Any], code: str
) -> None:
    value = fields.get("value", PERSON)

    with pytest.raises(BadRequestError) as refused:
        await node.signals.add(request_for(**{"value": PERSON, **fields}), ANNA)

    assert refused.value.code == code
    assert value not in str(refused.value)
    assert refused.value.pointer is not None
    assert refused.value.pointer.startswith(("/about", "/removed_on"))
    assert await node.rows() == []


async def test_a_day_that_has_begun_somewhere_is_not_the_future(node: Node) -> None:
    # At noon in UTC it is the 25th on Kiritimati.
    answer = await node.signals.add(request_for(PERSON, removed_on="2026-11-25"), ANNA)

    assert answer.state is SignalState.OWN


@pytest.mark.parametrize(
    ("fields", "who", "rule"),
    [
        ({"minor": True}, ANNA, "P4"),
        ({"minor": True, "scope": SHARED}, ANNA, "P4"),
        ({"scope": SHARED}, BOT, "P6"),
        ({}, Principal("olga", Role.OPERATOR), "P6"),
        ({"scope": SHARED, "phenomenon": Phenomenon.SEXTING_EXPOSURE}, ANNA, "P7"),
        ({"removed_on": "2024-01-01"}, ANNA, "P9"),
    ],
)
async def test_a_refusal_is_written_down_and_names_its_rule(
    node: Node, fields: dict[str, Any], who: Principal, rule: str
) -> None:
    with pytest.raises(DeniedError) as denied:
        await node.signals.add(request_for(PERSON, **fields), who, once=ONCE)

    assert denied.value.decision.rule.value == rule
    assert await node.events() == [(Event.REFUSED, denied.value.decision.code)]
    assert await node.rows() == []
    assert await kept_answer(node) is None
    assert node.federation.asked == 0


SHARED_BY_MANY = "info@mail.example"


async def test_an_address_of_many_is_no_signal_but_may_be_an_own_ban(
    node: Node,
) -> None:
    with pytest.raises(DeniedError) as denied:
        await node.signals.add(request_for(SHARED_BY_MANY, scope=SHARED), ANNA)
    banned = await node.signals.add(request_for(SHARED_BY_MANY), ANNA)

    assert denied.value.decision.code == "do_not_share"
    assert denied.value.decision.about == "role_addresses"
    assert banned.state is SignalState.OWN
    assert node.federation.asked == 0


async def test_equal_facts_about_others_do_not_pass_an_address_of_many(
    node: Node,
) -> None:
    values = (PERSON, SHARED_BY_MANY, "anna@mailinator.com")
    requests = [request_for(value, scope=SHARED) for value in values]
    answer = await node.signals.add_many(ImportRequest(signals=requests), ANNA)

    assert [signal is not None for signal in answer.signals] == [True, False, False]
    assert [problem.code for problem in answer.problems] == ["do_not_share"] * 2
    assert [problem.detail.rpartition(" ")[2] for problem in answer.problems] == [
        "(role_addresses)",
        "(disposable_domains)",
    ]
    assert (await node.events()).count((Event.REFUSED, "do_not_share")) == 2


async def test_the_synthetic_policy_holds_for_demonstrations_only(
    make_node: NodeMaker,
) -> None:
    node = make_node()
    config = msgspec.structs.replace(
        node.desk.situation.config, url="https://node.example.org"
    )
    node.desk.situation.config = config
    node.desk.situation.join(node.federation.lists_of("a.demo"))

    with pytest.raises(DeniedError) as denied:
        await node.signals.add(request_for(PERSON), ANNA)

    assert denied.value.decision.code == "synthetic_only"


async def test_nothing_is_published_after_the_key_epoch(
    node: Node, clock: Clocked
) -> None:
    clock.advance(ENDS - clock.now())

    with pytest.raises(WrongStateError) as refused:
        await node.signals.add(
            request_for(DIGEST, kind=Kind.SHA256, scope=SHARED), ANNA
        )

    assert refused.value.code == "epoch_ended"


# --- once ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        request_for(PERSON),
        request_for(PERSON, scope=SHARED),
        request_for(DIGEST, kind=Kind.SHA256, scope=SHARED),
    ],
)
async def test_the_answer_is_kept_in_the_act(
    node: Node, request_: NewSignalRequest
) -> None:
    answer = await node.signals.add(request_, ANNA, once=ONCE)

    body = await kept_answer(node)
    assert body is not None
    assert msgspec.json.decode(body, type=SignalAnswer) == answer
    before = len(await node.rows())
    with pytest.raises(ConflictError):
        await node.signals.add(request_, ANNA, once=ONCE)
    assert len(await node.rows()) == before


# --- imports -------------------------------------------------------------------------


def mixed() -> list[NewSignalRequest]:
    return [
        request_for("one@mail.example"),
        request_for("two@mail.example", scope=SHARED),
        request_for(DIGEST, kind=Kind.SHA256, scope=SHARED),
        request_for("nobody"),
        request_for("three@mail.example", minor=True),
        request_for(DIGEST, kind=Kind.SHA256, scope=SHARED),
        request_for("ab" * 16, kind=Kind.MD5),
    ]


async def test_an_import_keeps_the_good_and_names_the_bad(node: Node) -> None:
    answer = await node.signals.add_many(ImportRequest(signals=mixed()), ANNA)

    kept = [place for place, signal in enumerate(answer.signals) if signal]
    assert kept == [0, 1, 2, 5, 6]
    places = [(problem.position, problem.pointer) for problem in answer.problems]
    assert places == [(3, "/signals/3/about/value"), (4, None)]
    assert answer.problems[1].code == "help_instead"
    assert answer.state is SignalState.DRAFT
    assert answer.already == [5]
    assert answer.signals[5] == answer.signals[2]
    assert len(set(filter(None, answer.signals))) == 4
    assert (await node.feed(), node.announced) == ([], [])
    for place, state in ((0, "own"), (1, "draft"), (2, "draft"), (6, "own")):
        signal = answer.signals[place]
        assert signal is not None
        shown = await node.signals.show(signal, ANNA)
        assert shown.state.value == state
    for person in ("one", "two"):
        assert (await node.look_up(f"{person}@mail.example")).result is Result.REVIEW
    assert (await node.look_up(DIGEST, Kind.SHA256)).matches == []
    events = await node.events()
    assert (Event.IMPORTED, "ok") in events
    assert (Event.REFUSED, "help_instead") in events


async def test_kinds_of_one_number_are_ruled_on_apart(node: Node) -> None:
    # E-mail addresses and SHA-256 digests are both kind 1, each on its plane.
    wanted: dict[str, Any] = {"scope": SHARED, "phenomenon": Phenomenon.ABUSE_DEPICTION}
    wanted["grade"] = Grade.CONFIRMED_MEDIA
    requests = [
        request_for(DIGEST, kind=Kind.SHA256, **wanted),
        request_for(PERSON, removed_on="2026-11-24", **wanted),
    ]

    answer = await node.signals.add_many(ImportRequest(signals=requests), ANNA)

    shown = [await node.signals.show(str(signal), ANNA) for signal in answer.signals]
    assert [item.plane for item in shown] == [Plane.MEDIA, Plane.ACTOR]
    assert [item.state for item in shown] == [SignalState.DRAFT] * 2
    assert (await node.look_up(PERSON)).result is Result.REVIEW


async def test_an_import_says_what_it_did(node: Node) -> None:
    await node.signals.add_many(ImportRequest(signals=mixed()), ANNA)

    log = node.desk.trail.log
    kept = await node.store.scan(lambda reader: reader.openings(log, 0, 100))
    told = [
        msgspec.json.decode(item.opening.payload)
        for item in kept
        if item.opening is not None and item.group == DETAIL
    ]
    (imported,) = [detail for detail in told if "unreadable" in detail]
    assert imported == {
        "own": 2,
        "drafts": 2,
        "already": 1,
        "taken_off": 0,
        "refused": 1,
        "unreadable": 1,
        "import": imported["import"],
    }


async def test_a_dry_run_decides_and_keeps_nothing(node: Node) -> None:
    answer = await node.signals.add_many(
        ImportRequest(signals=mixed(), dry_run=True), ANNA
    )

    assert answer.signals == [None] * 7
    assert [problem.position for problem in answer.problems] == [3, 4]
    assert await node.rows() == []
    assert await node.feed() == []
    assert node.federation.asked == 0
    assert node.announced == []
    assert await node.events() == [(Event.IMPORTED, "dry_run")]


async def test_an_import_is_kept_once(node: Node) -> None:
    batch = ImportRequest(signals=mixed())

    answer = await node.signals.add_many(batch, ANNA, once=ONCE)

    body = await kept_answer(node)
    assert body is not None
    assert msgspec.json.decode(body, type=ImportAnswer) == answer
    before = len(await node.rows())
    with pytest.raises(ConflictError):
        await node.signals.add_many(batch, ANNA, once=ONCE)
    assert len(await node.rows()) == before


@pytest.mark.parametrize(
    ("requests", "state"),
    [
        ([request_for("nobody")], SignalState.OWN),
        ([request_for("nobody", scope=SHARED)], SignalState.DRAFT),
        ([request_for("x@mail.example")], SignalState.OWN),
        ([request_for(DIGEST, kind=Kind.SHA256, scope=SHARED)], SignalState.DRAFT),
    ],
)
async def test_an_import_tells_its_state(
    node: Node, requests: list[NewSignalRequest], state: SignalState
) -> None:
    answer = await node.signals.add_many(ImportRequest(signals=requests), ANNA)

    assert answer.state is state


async def test_an_import_does_not_fill_the_memory(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MERGE_AT", 2)
    before = len(node.desk.lists.tokens)
    await node.signals.add_many(ImportRequest(signals=mixed()), ANNA)

    assert len(node.desk.lists.tokens) > before + 2
    assert node.desk.lists.tokens.in_memory <= 2


async def test_a_large_import_goes_in_chunks_and_in_order(node: Node) -> None:
    digests = [number.to_bytes(32).hex() for number in range(600)]
    said = ListSource(name="hotline", source="hotline.example/1")
    batch = ImportRequest(
        signals=[
            request_for(digest, kind=Kind.BLAKE3, scope=SHARED) for digest in digests
        ],
        list=said,
    )

    answer = await node.signals.add_many(batch, ANNA)
    seen = await node.signals.lists.examine(said.name, [], RITA)
    done = await node.signals.lists.approve(said.name, seen.digest, RITA)
    assert (len(answer.signals), done.approved) == (600, 600)

    for place in (0, 255, 256, 599):
        found = (await node.look_up(digests[place], Kind.BLAKE3)).on_trial
        assert [match.signal for match in found or ()] == [answer.signals[place]]
    assert node.announced == [600]


async def test_indexes_follow_even_if_the_caller_goes_away(node: Node) -> None:
    token = bytes(16)

    async def act(tx: Transaction) -> Changed[None]:
        await tx.set_meta("done", b"yes")
        return Changed(None, [Hint(1, token)], feed=7)

    task = asyncio.create_task(node.desk.commit(act))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with asyncio.timeout(5):
        while not node.announced:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0)
    assert node.announced == [7]
    assert node.desk.lists.rows(token) == (1,)
    assert await node.store.read(lambda reader: reader.meta("done")) == b"yes"
