# SPDX-License-Identifier: Apache-2.0
"""Appeals between real nodes: who hears them, what they end, and what they cannot."""

from datetime import timedelta

import msgspec
import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.appeals import (
    ENDS,
    HEARS,
    RUDI,
    SAID,
    STAYS,
    TWO,
    decide,
    file,
    name_hearer,
)
from tests.support.council import agree, at_version, propose
from tests.support.disputes import DORA, FALLS, LEA, RUTH, WHO, dispute, matching, rule
from tests.support.fleet import FEDERATION, NAMES, Fleet, eventually
from tests.support.insistence import insisting
from tests.support.resharing_fleet import joined
from tests.support.rights_requests import SHOP, asked, requests_of

from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.appeals import (
    RULINGS_A_DAY,
    Appeal,
    AppealOutcome,
    AppealRuling,
    Heard,
    sign_appeal,
    sign_appeal_ruling,
)
from fedsafe_federation.feed.records import (
    RestrictionRecord,
    RulingRecord,
    decode_record,
    encode_record,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.appeals import (
    AppealAnswer,
    AppealRulingRequest,
)
from fedsafe_node.acts.bodies import ImportRequest, SignalState
from fedsafe_node.acts.disputes import DisputeAnswer
from fedsafe_node.acts.requests import Language
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.rights.appeals import AppealEffect, file_for_persons
from fedsafe_node.signals.appeals import APPEALS_A_DAY, take_appeal
from fedsafe_node.signals.late_appeals import take_overlooked
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import AppealRow, AppealRulingRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Control, Role, Scope

DEPUTY = "d.demo"


async def standing(fleet: Fleet, *, at: str = "b.demo") -> DisputeAnswer:
    """Have a signal disputed that its origin lets stand."""
    signal = await fleet.publish(WHO)
    opened = await dispute(fleet, signal, at=at)
    return await rule(fleet, opened)


async def told_to_the_person(fleet: Fleet) -> str:
    """Answer a person's request for access at b.demo."""
    opened = await requests_of(fleet).open(asked(language=Language.EN), SHOP)
    answered = await requests_of(fleet).answer(opened.request, DORA)
    assert answered.answer is not None
    return answered.answer


@pytest.mark.promise("LR-47")
async def test_a_ruling_on_an_appeal_ends_a_signal_against_its_origin(
    trio: Fleet,
) -> None:
    await name_hearer(trio)
    disputed = await standing(trio)
    filed = await file(trio, disputed)

    assert await matching(trio) == list(NAMES)  # an appeal rests nothing
    assert (filed.state, filed.heard_by, filed.ours) == ("open", HEARS, False)
    (waiting,) = (await trio[HEARS].services.appeals.list(RUTH)).appeals
    assert (waiting.appeal, waiting.ours) == (filed.appeal, True)
    assert waiting.due_at == "2026-12-08T23:00:00+00:00"
    await decide(trio, filed.appeal, ENDS)
    await trio.level(HEARS, ["a.demo", "b.demo"])

    assert await matching(trio) == []
    for name in NAMES:
        store = trio[name].base.store
        assert await store.read(lambda r: r.opening("a.demo/feed", 0, "signal")) is None
        shown = await trio[name].services.appeals.show(filed.appeal, RUTH)
        assert (shown.state, shown.ruled_by) == ("ended", HEARS)
        answer = await trio[name].services.audits.verify(BOT)
        assert answer.ok, answer
    here = await trio[HEARS].services.appeals.show(filed.appeal, RUTH)
    assert (here.first, here.second, here.ruling_reason) == ("lena", "rudi", "appeal-3")
    state = await trio["a.demo"].services.signals.show(disputed.signal, RITA)
    assert state.state is SignalState.REVOKED
    ruled = await trio["b.demo"].services.appeals.list(RUTH, ruled=True)
    assert [each.appeal for each in ruled.appeals] == [filed.appeal]
    for name, event in (("b.demo", "rights.appealed"), (HEARS, "rights.appeal_ruled")):
        assert len(await trio.audit(name, event)) == 1
    with pytest.raises(WrongStateError) as refused:
        await decide(trio, filed.appeal, STAYS)
    assert refused.value.code == "already_ruled"
    table = ImportRequest(signals=[request_for(WHO, scope=Scope.FEDERATION)])
    again = await trio["a.demo"].services.signals.add_many(table, ANNA)
    assert [each.reason for each in again.taken_off] == ["appeal_granted"]


async def test_a_signal_that_stands_on_appeal_stands(trio: Fleet) -> None:
    await name_hearer(trio)
    disputed = await standing(trio)
    filed = await file(trio, disputed)
    await decide(trio, filed.appeal, STAYS)
    await trio.level(HEARS, ["a.demo", "b.demo"])

    assert await matching(trio) == list(NAMES)
    told = await trio["b.demo"].services.appeals.show(filed.appeal, LEA)
    assert (told.state, told.first, told.ruling_reason) == ("stands", None, None)
    with pytest.raises(WrongStateError) as refused:
        await file(trio, disputed)
    assert refused.value.code == "already_appealed"
    for name in NAMES:
        assert (await trio[name].services.audits.verify(BOT)).ok


@pytest.mark.parametrize("request_", [ENDS, STAYS])
async def test_no_ruling_undoes_a_revocation(
    trio: Fleet, request_: AppealRulingRequest
) -> None:
    await name_hearer(trio)
    disputed = await standing(trio)
    filed = await file(trio, disputed)
    appeal = await statement_of(trio, filed)
    await trio.revoke(disputed.signal, by=("b.demo", HEARS))

    with pytest.raises(WrongStateError) as refused:
        await decide(trio, filed.appeal, request_)
    assert refused.value.code == "already_revoked"
    await forge(trio, HEARS, appeal, AppealOutcome.STANDS)
    assert await matching(trio) == []
    for name in NAMES:
        state = await status(trio, name, disputed.signal)
        assert state == "revoked"
        assert (await trio[name].services.audits.verify(BOT)).ok


async def test_nobody_rules_on_an_own_signal(trio: Fleet) -> None:
    await name_hearer(trio, appeal="a.demo")
    disputed = await standing(trio)

    with pytest.raises(WrongStateError) as nobody:
        await file(trio, disputed)
    assert nobody.value.code == "nobody_hears"
    assert "--deputy" in str(nobody.value)
    await name_hearer(trio, appeal="a.demo", deputy=HEARS)
    filed = await file(trio, disputed)
    assert filed.heard_by == HEARS
    with pytest.raises(WrongStateError) as refused:
        await decide(trio, filed.appeal, ENDS, at="a.demo")
    assert refused.value.code == "not_hearing"
    await forge(trio, "a.demo", await statement_of(trio, filed), AppealOutcome.ENDED)
    assert await matching(trio) == list(NAMES)
    await decide(trio, filed.appeal, ENDS)
    await trio.level(HEARS, ["a.demo", "b.demo"])
    assert await matching(trio) == []


async def test_who_has_disputed_a_signal_does_not_hear_the_appeal(trio: Fleet) -> None:
    await name_hearer(trio, deputy="b.demo")
    disputed = await standing(trio, at=HEARS)
    filed = await file(trio, disputed, at=HEARS)

    assert filed.heard_by == "b.demo"
    with pytest.raises(WrongStateError) as refused:
        await decide(trio, filed.appeal, ENDS)
    assert refused.value.code == "not_hearing"
    await decide(trio, filed.appeal, ENDS, at="b.demo")
    await trio.level("b.demo", ["a.demo", HEARS])
    assert await matching(trio) == []


@pytest.mark.timeout(120)
async def test_an_appeal_passes_to_the_deputy_of_who_has_disputed_the_signal(
    trio: Fleet,
) -> None:
    await joined(trio, DEPUTY)
    number = 1 + (await trio["a.demo"].services.governance.show()).version
    proposal = await propose(
        trio, "a.demo", ChangeKind.TERMS, appeal=HEARS, deputy=DEPUTY
    )
    await agree(trio, proposal, "b.demo", HEARS)
    await at_version(trio, number, *NAMES, DEPUTY)
    signal = await trio.publish(WHO)
    first = await dispute(trio, signal, at=HEARS)
    second = await dispute(trio, signal)
    await rule(trio, first)
    await trio.level("a.demo", ["b.demo", HEARS, DEPUTY])
    await trio.level(HEARS, ["a.demo", "b.demo", DEPUTY])
    offered = await told_to_the_person(trio)
    filed = await file(trio, second)
    await trio.level("b.demo", ["a.demo", HEARS, DEPUTY])
    waiting = await told_to_the_person(trio)
    told = {
        name: (await trio[name].services.appeals.show(filed.appeal, RUTH)).heard_by
        for name in (*NAMES, DEPUTY)
    }
    with pytest.raises(WrongStateError) as refused:
        await decide(trio, filed.appeal, ENDS)
    await forge(trio, HEARS, await statement_of(trio, filed), AppealOutcome.ENDED)
    before = await matching(trio)
    await decide(trio, filed.appeal, ENDS, at=DEPUTY)
    await trio.level(DEPUTY, NAMES)

    assert f"Then {DEPUTY} decides instead of the reporting provider" in offered
    assert (
        f"{DEPUTY} decides instead of the reporting provider and has until" in waiting
    )
    assert set(told.values()) == {DEPUTY}
    assert refused.value.code == "not_hearing"
    assert f"{DEPUTY} decides the appeal" in str(refused.value)
    assert before == [*NAMES, DEPUTY]
    assert await matching(trio) == []
    for name in NAMES:
        assert (await trio[name].services.audits.verify(BOT)).ok


async def test_an_appeal_that_nobody_hears_is_not_filed(trio: Fleet) -> None:
    await name_hearer(trio)
    signal = await trio.publish(WHO)
    first = await dispute(trio, signal, at=HEARS)
    second = await dispute(trio, signal, control=Control.MAILED_CODE)
    await rule(trio, first)
    again = await dispute(trio, signal, control=Control.MAILED_CODE)
    assert await file_for_persons(trio["b.demo"].desk) == 0
    with pytest.raises(WrongStateError) as refused:
        await file(trio, second)
    told = await trio["b.demo"].services.disputes.show(second.dispute, LEA)
    letter = await told_to_the_person(trio)

    assert again.weight == "repeat"
    assert (
        "Somebody there who has not decided on the signal before now reviews it"
        in letter
    )
    assert HEARS not in letter
    assert refused.value.code == "nobody_hears"
    assert "--deputy" in str(refused.value)
    assert told.nobody_hears
    assert (await trio[HEARS].services.appeals.list(RUTH)).appeals == []


async def test_repeats_of_one_signal_are_one_appeal(trio: Fleet) -> None:
    await name_hearer(trio)
    signal = await trio.publish(WHO)
    opened = [await dispute(trio, signal) for _ in range(3)]
    await rule(trio, opened[0])
    filed = await file(trio, opened[0])
    with pytest.raises(WrongStateError) as refused:
        await file(trio, opened[1])
    appeal = await statement_of(trio, filed)
    said = decode(appeal.payload, Appeal)
    kept = await trio[HEARS].base.store.read(
        lambda r: r.restriction(bytes.fromhex(opened[1].dispute))
    )
    assert kept is not None
    other = msgspec.structs.replace(said, dispute=decode(kept.statement, Signed))
    node = trio["b.demo"]
    signed = sign_appeal(other, key=node.desk.statement_key, federation=FEDERATION)
    record = encode_record(RestrictionRecord(signed))
    size = 1 + await node.base.store.write(lambda tx: tx.append("b.demo/feed", record))
    node.desk.announce(size)
    await trio.reached("b.demo", size, ["a.demo", HEARS])
    waiting = (await trio[HEARS].services.appeals.list(RUTH)).appeals

    assert refused.value.code == "already_appealed"
    assert [each.appeal for each in waiting] == [filed.appeal]


async def test_who_appeals_much_waits_behind_others(trio: Fleet) -> None:
    await name_hearer(trio)
    disputed = await standing(trio)
    store = trio[HEARS].base.store
    at = int(trio.clock.now().timestamp())

    async def take(number: int, author: str) -> int:
        name = number.to_bytes(32)
        heard = Heard(
            digest=name,
            author=author,
            origin="a.demo",
            signal=name[16:],
            dispute=name,
            disputed_by=author,
            heard_by=HEARS,
            at=at,
        )
        statement = Signed(type="appeal", signer=author, payload=b"{}", signature=b"")

        async def act(tx: Transaction) -> int:
            await take_appeal(tx, statement, heard, at=at, due=at)
            row = await tx.appeal(name)
            assert row is not None
            return row.due_at

        return await store.write(act)

    dues = [await take(number, "b.demo") for number in range(2 * APPEALS_A_DAY + 1)]
    other = await take(5_000, "a.demo")

    assert disputed.state == "restored"
    assert [due - at for due in dues[::APPEALS_A_DAY]] == [0, 86_400, 172_800]
    assert other == at


async def test_another_dispute_of_its_own_takes_the_appeal_away_as_well(
    trio: Fleet,
) -> None:
    await name_hearer(trio)
    disputed = await standing(trio)
    filed = await file(trio, disputed)
    appeal = await statement_of(trio, filed)
    await dispute(trio, disputed.signal, at=HEARS)

    with pytest.raises(WrongStateError) as refused:
        await decide(trio, filed.appeal, ENDS)
    assert refused.value.code == "not_hearing"
    await forge(trio, HEARS, appeal, AppealOutcome.ENDED)
    assert await status(trio, "b.demo", disputed.signal) == "active"


async def test_only_officers_appeal_and_two_rulers_rule(trio: Fleet) -> None:
    await name_hearer(trio)
    disputed = await standing(trio)
    for who in (ANNA, BOT):
        with pytest.raises(DeniedError):
            await trio["b.demo"].services.appeals.file(disputed.dispute, SAID, who)
    filed = await file(trio, disputed)
    asked = await insisting(trio[HEARS].services.appeals).rule(filed.appeal, ENDS, RUDI)
    again = await insisting(trio[HEARS].services.appeals).rule(filed.appeal, ENDS, RUDI)
    judge = trio[HEARS].base.situation
    content, now = msgspec.json.encode(asked.content), trio.clock.now()
    effect = AppealEffect(trio[HEARS].desk)
    one, other = TWO

    async def ruled(first: Person, second: Person) -> str:
        request = await trio[HEARS].base.store.read(
            lambda r: effect.request(r, content, first, second)
        )
        return judge.decide(request, now).code

    assert again.act == asked.act
    assert await ruled(one, other) == "two_people"
    assert await ruled(one, one) == "four_eyes"
    assert await ruled(one, Person("dora", Role.DPO)) == "role"
    assert await ruled(Person("anna", Role.ANALYST), other) == "role"


async def test_there_is_no_appeal_before_a_ruling_nor_against_an_end(
    trio: Fleet,
) -> None:
    await name_hearer(trio)
    opened = await dispute(trio, await trio.publish(WHO))
    with pytest.raises(WrongStateError) as early:
        await file(trio, opened)
    await rule(trio, opened, FALLS)
    with pytest.raises(WrongStateError) as late:
        await file(trio, opened)

    assert (early.value.code, late.value.code) == ("not_ruled", "already_revoked")


async def test_who_contests_again_with_proof_appeals(trio: Fleet) -> None:
    await name_hearer(trio)
    proved = Control.MAILED_CODE
    signal = await trio.publish(WHO)
    await rule(trio, await dispute(trio, signal, control=proved))

    assert await file_for_persons(trio["b.demo"].desk) == 0
    again = await dispute(trio, signal, control=proved)
    assert again.weight == "repeat"
    assert await file_for_persons(trio["b.demo"].desk) == 1
    assert await file_for_persons(trio["b.demo"].desk) == 0
    await trio.level("b.demo", [HEARS])
    (filed,) = (await trio[HEARS].services.appeals.list(DORA)).appeals
    assert (filed.ours, filed.signal) == (True, signal)


async def test_beyond_its_budget_nobody_rules_and_nothing_counts(trio: Fleet) -> None:
    await name_hearer(trio)
    filed = await file(trio, await standing(trio))
    appeal = await statement_of(trio, filed)
    await spend_budget(trio, "b.demo", appeal)
    await spend_budget(trio, HEARS, appeal)

    with pytest.raises(WrongStateError) as refused:
        await decide(trio, filed.appeal, ENDS)
    assert refused.value.code == "rulings_spent"
    await forge(trio, HEARS, appeal, AppealOutcome.ENDED, reaches=("a.demo",))
    assert await status(trio, "a.demo", filed.signal) == "revoked"
    assert await status(trio, "b.demo", filed.signal) == "active"
    await trio.stop("b.demo")
    trio.clock.advance(timedelta(days=1))
    await trio.start("b.demo")

    async def is_ended() -> bool:
        return await status(trio, "b.demo", filed.signal) == "revoked"

    await eventually(is_ended)  # it was not forgotten


async def test_what_a_quorum_has_set_aside_has_no_effect(trio: Fleet) -> None:
    await name_hearer(trio)
    filed = await file(trio, await standing(trio))
    await trio.stop("b.demo")
    await decide(trio, filed.appeal, ENDS)
    await trio.level(HEARS, ["a.demo"])
    ruled = await trio[HEARS].services.appeals.show(filed.appeal, RUTH)
    assert ruled.ruling is not None
    proposal = await propose(
        trio, "a.demo", ChangeKind.TERMS, set_aside=bytes.fromhex(ruled.ruling)
    )
    await agree(trio, proposal, HEARS)
    await at_version(trio, 3, "a.demo", HEARS)
    shown = await trio[HEARS].services.governance.show()

    assert shown.set_aside == [ruled.ruling]
    assert (await trio[HEARS].services.appeals.show(filed.appeal, RUTH)).set_aside
    # What it has ended stays ended: the origin may publish it anew.
    assert await status(trio, "a.demo", filed.signal) == "revoked"
    for name in ("a.demo", HEARS):
        assert (await trio[name].services.audits.verify(BOT)).ok


async def test_what_came_before_anybody_was_named_counts_once_somebody_is(
    trio: Fleet,
) -> None:
    # As at a node that runs a release which knows no appeals, and is upgraded.
    disputed = await standing(trio)
    appeal = await sign(trio, disputed)
    await forge(trio, HEARS, appeal, AppealOutcome.ENDED)
    assert await status(trio, "b.demo", disputed.signal) == "active"
    await name_hearer(trio)
    await take_overlooked(trio["b.demo"].desk)

    assert await status(trio, "b.demo", disputed.signal) == "revoked"
    assert await take_overlooked(trio["b.demo"].desk) == 0
    for name in NAMES:
        assert (await trio[name].services.audits.verify(BOT)).ok


async def sign(fleet: Fleet, disputed: DisputeAnswer) -> Signed:
    """Sign an appeal of b.demo, past its desk."""
    base, at = fleet["b.demo"].base, int(fleet.clock.now().timestamp())

    async def carried(reader: Reader) -> tuple[Signed, Signed]:
        kept = await reader.restriction(bytes.fromhex(disputed.dispute))
        assert kept is not None
        records = [
            decode_record(each) for each in await reader.records("a.demo/feed", 0, 9)
        ]
        (ruling,) = [each for each in records if isinstance(each, RulingRecord)]
        return decode(kept.statement, Signed), ruling.statement

    dispute_, ruling = await base.store.read(carried)
    said = Appeal(v=1, author="b.demo", dispute=dispute_, ruling=ruling, at=at)
    key = fleet["b.demo"].desk.statement_key
    return sign_appeal(said, key=key, federation=FEDERATION)


async def status(fleet: Fleet, name: str, signal: str) -> str:
    row = await fleet[name].base.store.read(
        lambda r: r.signal("a.demo", read_signal_id(signal))
    )
    assert row is not None
    return row.status.value


async def statement_of(fleet: Fleet, filed: AppealAnswer) -> Signed:
    row = await fleet[HEARS].base.store.read(
        lambda r: r.appeal(bytes.fromhex(filed.appeal))
    )
    assert row is not None
    return decode(row.statement, Signed)


async def forge(
    fleet: Fleet,
    by: str,
    appeal: Signed,
    outcome: AppealOutcome,
    reaches: tuple[str, ...] = NAMES,
) -> bytes:
    """Let a member say a ruling that its own node would refuse to make."""
    node = fleet[by]
    ruling = AppealRuling(
        v=1,
        author=by,
        appeal=appeal,
        outcome=outcome,
        at=int(fleet.clock.now().timestamp()),
    )
    shared = node.base.situation.shared
    assert shared is not None
    signed = sign_appeal_ruling(
        ruling,
        key=node.desk.statement_key,
        federation=shared.membership.charter.federation,
    )
    record = encode_record(RestrictionRecord(signed))
    size = 1 + await node.base.store.write(lambda tx: tx.append(f"{by}/feed", record))
    node.desk.announce(size)
    await fleet.reached(by, size, [name for name in reaches if name != by])
    return digest(signed)


async def spend_budget(fleet: Fleet, name: str, appeal: Signed) -> None:
    """Note at a node as many rulings of today as count."""
    at = int(fleet.clock.now().timestamp())
    said = decode(appeal.payload, Appeal)
    for number in range(RULINGS_A_DAY):
        key = bytes([number]) * 32
        row = AppealRow(
            digest=key,
            origin="a.demo",
            signal_id=bytes([number]) * 16,
            dispute=key,
            disputed_by="b.demo",
            author=said.author,
            at=at,
            received_at=at,
            due_at=at,
            statement=b"",
        )
        ruling = AppealRulingRow(
            appeal=key,
            digest=key,
            author=HEARS,
            outcome="stands",
            at=at,
            charged_at=at,
            statement=b"",
        )
        await fleet[name].base.store.write(lambda tx, row=row: tx.add_appeal(row))  # type: ignore[misc]
        await fleet[name].base.store.write(
            lambda tx, ruling=ruling: tx.add_appeal_ruling(ruling)  # type: ignore[misc]
        )
