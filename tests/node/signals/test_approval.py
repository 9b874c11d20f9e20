# SPDX-License-Identifier: Apache-2.0
import asyncio

import msgspec
import pytest
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    DRAFTS,
    ENDS,
    RITA,
    Clocked,
    Node,
    request_for,
)

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.feed.records import SignalRecord, decode_record
from fedsafe_node.acts.bodies import (
    ApproveAnswer,
    ImportRequest,
    Kind,
    SignalState,
)
from fedsafe_node.ground.errors import (
    ConflictError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import Event
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.store.rows import DraftState, SignalStatus
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.rules.publication import FILES_WITHOUT_LIST
from fedsafe_policies.vocabulary import Provenance, Role, Scope

PERSON = "person@mail.example"
ONCE = Once("key", b"digest", 200)
NOBODY = signal_name(bytes(6) + b"\x70\x00\x80" + bytes(7))


async def draft(node: Node, *persons: str) -> list[str]:
    batch = ImportRequest(
        signals=[
            request_for(
                person, scope=Scope.FEDERATION, provenance=Provenance.OWN_FINDING
            )
            for person in persons
        ]
    )
    answer = await node.signals.add_many(batch, ANNA)
    assert answer.problems == []
    return [signal for signal in answer.signals if signal is not None]


async def test_the_second_person_publishes(node: Node) -> None:
    (signal,) = await draft(node, PERSON)

    answer = await node.signals.approve([signal], RITA)

    assert answer == ApproveAnswer(approved=[signal], problems=[])
    (record,) = map(decode_record, await node.feed())
    assert isinstance(record, SignalRecord)
    assert record.signal == read_signal_id(signal)
    found = (await node.look_up(PERSON)).matches
    assert [(match.signal, match.own) for match in found] == [(signal, False)]
    assert found[0].published_on == "2026-11-24"
    assert node.announced == [1]
    shown = await node.signals.show(signal, RITA)
    assert (shown.state, shown.feed_index) == (SignalState.PUBLISHED, 0)
    assert (shown.author, shown.approver) == ("anna", "rita")


async def test_a_published_ban_keeps_no_token_and_no_opening_of_its_own(
    node: Node,
) -> None:
    (signal,) = await draft(node, PERSON)
    (before,) = await node.rows()

    await node.signals.approve([signal], RITA)

    own, shared = await node.rows()
    assert (own.own, own.status, own.token) == (True, SignalStatus.ERASED, None)
    assert (shared.own, shared.status) == (False, SignalStatus.ACTIVE)
    opening = await node.store.read(
        lambda reader: reader.opening(own.log, own.index, own.group)
    )
    assert opening is None
    assert before.token is not None
    assert node.desk.lists.rows(before.token) == ()
    row = await node.store.read(lambda r: r.draft(read_signal_id(signal)))
    assert row is not None
    assert (row.state, row.sealed, row.decided_by) == (
        DraftState.PUBLISHED,
        None,
        "rita",
    )


async def test_a_published_identifier_stays_in_custody(node: Node) -> None:
    (signal,) = await draft(node, PERSON)

    await node.signals.approve([signal], RITA)

    signal_id = read_signal_id(signal)
    assert await node.store.read(lambda reader: reader.custody(signal_id)) is not None


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (Principal("anna", Role.REVIEWER), "four_eyes"),
        (Principal(" Anna", Role.REVIEWER), "four_eyes"),
        (Principal("ari", Role.ANALYST), "role"),
        (BOT, "role"),
    ],
)
async def test_the_author_and_other_roles_do_not_approve(
    node: Node, who: Principal, code: str
) -> None:
    (signal,) = await draft(node, PERSON)

    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([signal], who, once=ONCE)

    assert denied.value.decision.code == code
    assert (await node.events())[-1] == (Event.REFUSED, code)
    assert await node.feed() == []
    assert (await node.signals.show(signal, RITA)).state is SignalState.DRAFT
    assert await node.store.read(lambda r: r.idempotent_answer("key")) is None


async def test_approval_decides_anew(node: Node) -> None:
    (signal,) = await draft(node, PERSON)
    situation = node.desk.situation
    situation.config = msgspec.structs.replace(
        situation.config, url="https://node.example.org"
    )
    situation.record_gate(LegalGate())

    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([signal], RITA)

    assert denied.value.decision.code == "synthetic_only"


async def test_a_draft_is_approved_once(node: Node) -> None:
    (signal,) = await draft(node, PERSON)
    await node.signals.approve([signal], RITA)

    with pytest.raises(WrongStateError) as refused:
        await node.signals.approve([signal], RITA)

    assert refused.value.code == "not_pending"
    assert len(await node.feed()) == 1


async def test_two_at_a_time_publish_once(node: Node) -> None:
    (signal,) = await draft(node, PERSON)

    answer = await node.signals.approve([signal, signal], RITA)

    assert answer.approved == [signal]
    assert [(item.position, item.code) for item in answer.problems] == [
        (1, "not_pending")
    ]
    assert len(await node.feed()) == 1


@pytest.mark.parametrize("name", [NOBODY, "no-uuid"])
async def test_an_unknown_draft_is_not_found(node: Node, name: str) -> None:
    with pytest.raises(NotFoundError):
        await node.signals.approve([name], RITA)


async def test_many_are_approved_in_one_act_and_the_others_named(node: Node) -> None:
    persons = [f"p{number}@mail.example" for number in range(5)]
    signals = await draft(node, *persons)
    await node.signals.approve([signals[2]], RITA)

    answer = await node.signals.approve(
        [signals[0], NOBODY, signals[2], signals[1]], RITA, once=ONCE
    )

    assert answer.approved == [signals[0], signals[1]]
    assert [(item.position, item.code) for item in answer.problems] == [
        (1, "not_found"),
        (2, "not_pending"),
    ]
    assert node.announced == [1, 3]
    waiting = await node.signals.listed(DRAFTS, RITA)
    assert [item.signal for item in waiting.signals] == sorted(signals[3:])
    kept = await node.store.read(lambda reader: reader.idempotent_answer("key"))
    assert kept is not None
    assert msgspec.json.decode(kept.body, type=ApproveAnswer) == answer


async def test_different_reasons_become_problems(node: Node) -> None:
    (signal,) = await draft(node, PERSON)
    await node.signals.approve([signal], RITA)

    answer = await node.signals.approve([signal, NOBODY], RITA)

    assert answer.approved == []
    assert [item.code for item in answer.problems] == ["not_pending", "not_found"]


async def test_a_repeated_key_publishes_nothing(node: Node) -> None:
    first, second = await draft(node, PERSON, "q@mail.example")
    await node.signals.approve([first], RITA, once=ONCE)

    with pytest.raises(ConflictError):
        await node.signals.approve([second], RITA, once=ONCE)

    assert len(await node.feed()) == 1
    assert (await node.signals.show(second, RITA)).state is SignalState.DRAFT


async def test_a_draft_of_other_keys_is_not_published(node: Node) -> None:
    (signal,) = await draft(node, PERSON)
    membership = node.federation.lists_of("a.demo")
    epoch = msgspec.structs.replace(node.federation.charter.epochs[0], epoch=2)
    charter = msgspec.structs.replace(node.federation.charter, epochs=[epoch])
    version = Version(charter, bytes(32))
    object.__setattr__(membership.membership, "version", version)
    object.__setattr__(membership.membership, "media", {(2, 1): node.federation.media})
    node.desk.situation.join(membership)

    with pytest.raises(WrongStateError) as refused:
        await node.signals.approve([signal], RITA)

    assert refused.value.code == "stale_draft"


async def test_a_draft_is_not_published_after_its_key_epoch(
    node: Node, clock: Clocked
) -> None:
    (signal,) = await draft(node, PERSON)
    clock.advance(ENDS - clock.now())

    with pytest.raises(WrongStateError) as refused:
        await node.signals.approve([signal], RITA)

    assert refused.value.code == "epoch_ended"
    assert await node.feed() == []


async def test_a_draft_ends_with_its_period_key(node: Node, keys: PeriodKeys) -> None:
    (signal,) = await draft(node, PERSON)
    await asyncio.to_thread(keys.destroy, "2026-11", present="2026-12")

    with pytest.raises(WrongStateError) as refused:
        await node.signals.approve([signal], RITA)

    assert refused.value.code == "draft_unreadable"


async def test_an_own_ban_that_was_erased_meanwhile_does_not_matter(
    node: Node,
) -> None:
    (signal,) = await draft(node, PERSON)
    (own,) = await node.rows()
    await node.store.write(
        lambda tx: tx.set_signal_status(own.origin, own.signal_id, SignalStatus.ERASED)
    )

    answer = await node.signals.approve([signal], RITA)

    assert answer.approved == [signal]


async def test_drafts_are_listed_without_what_they_say(node: Node) -> None:
    (signal,) = await draft(node, PERSON)

    (listed,) = (await node.signals.listed(DRAFTS, RITA)).signals

    assert (listed.signal, listed.state) == (signal, SignalState.DRAFT)
    assert (listed.author, listed.approver) == ("anna", None)
    assert (await node.events())[-1] == (Event.SIGNAL_READ, "ok")
    with pytest.raises(DeniedError):
        await node.signals.listed(DRAFTS, BOT)
    assert (await node.events())[-1] == (Event.REFUSED, "purpose")


async def test_many_files_without_a_list_are_neither_imported_nor_approved(
    node: Node,
) -> None:
    values = [f"{number:064x}" for number in range(1, FILES_WITHOUT_LIST + 2)]
    signals = [
        request_for(value, kind=Kind.SHA256, scope=Scope.FEDERATION) for value in values
    ]
    for dry_run in (False, True):
        with pytest.raises(WrongStateError) as refused:
            await node.signals.add_many(
                ImportRequest(signals=signals, dry_run=dry_run), ANNA
            )
        assert refused.value.code == "list_missing"
    assert (await node.signals.listed(DRAFTS, RITA)).signals == []
    kept = [
        str(signal)
        for part in (signals[:1], signals[1:])
        for signal in (
            await node.signals.add_many(ImportRequest(signals=part), ANNA)
        ).signals
    ]
    with pytest.raises(WrongStateError) as many:
        await node.signals.approve(kept, RITA)
    before = await node.feed()
    few = await node.signals.approve(kept[1:], RITA)

    assert many.value.code == "list_missing"
    assert str(FILES_WITHOUT_LIST) in str(many.value)
    assert "--list" in str(many.value)
    assert before == []
    assert len(few.approved) == FILES_WITHOUT_LIST
