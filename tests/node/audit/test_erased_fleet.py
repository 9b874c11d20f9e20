# SPDX-License-Identifier: Apache-2.0
"""What is erased in a federation is in no file, and what was cosigned still holds."""

import asyncio
import hashlib
import io
import json
from datetime import timedelta
from secrets import token_urlsafe

import pytest
from tests.node.audit.conftest import DORA, RUTH, STAFF, export, key_of, write_events
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.account_records import keep_elsewhere
from tests.support.disk import files_with, pieces, reader_open, sealed_in
from tests.support.erased_account import ACCOUNT, erase, merged
from tests.support.fleet import NAMES, Fleet
from tests.support.search import encodings
from tests.support.vouched_requests import Vouched

from fedsafe_federation.charter.charter import SignedCharter
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
    Question,
)
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.acts.requests import NewRightsRequest, RequestKind
from fedsafe_node.evidence.verify import Report, verify_pack
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.people.credentials import People
from fedsafe_node.rights.erasure import purge_erased
from fedsafe_node.rules.idempotency import recognise
from fedsafe_node.signals.expiry import expire_signals
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Purpose, Role, Scope

WHO = "Zora.Geheim+promo@planted-post.example"
FOLDED = "zora.geheim@planted-post.example"
REFUSED = "info@planted-shop.example"
YEARS = timedelta(days=800)


@pytest.fixture
async def staffed(trio: Fleet) -> Fleet:
    """Give three nodes, of which a.demo has people for its audit log."""
    base = trio["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    for name, role in STAFF:
        await people.add(name, role, by="setup")
    return trio


async def cosign(fleet: Fleet) -> None:
    cosigning = fleet["a.demo"].witnesses.cosigning
    for _ in range(2):
        await write_events(fleet, 2)
        await cosigning.settle()
        await cosigning.run()
        await cosigning.settle()


async def verified(fleet: Fleet, pack: bytes) -> Report:
    """Verify a pack under the charter that another member tells."""
    told = await fleet["b.demo"].services.foundings.charter()
    payload = decode(told or b"", SignedCharter).signatures[0].payload
    digest = hashlib.sha256(payload).hexdigest()
    return verify_pack(io.BytesIO(pack), key_of(fleet), digest)


async def meet(fleet: Fleet) -> None:
    """Let the account match, be drafted, told of, asked about and held."""
    services = fleet["a.demo"].services
    await fleet.publish(WHO, at="b.demo", by=("a.demo", "c.demo"))
    question = Question(kind=Kind.EMAIL, value=WHO)
    for purpose in (Purpose.SIGNUP_CHECK, Purpose.RECHECK):
        request = LookupRequest(
            questions=[question], purpose=purpose, subject_ref=ACCOUNT
        )
        assert (await services.lookups.lookup(request, BOT)).matches
    draft = request_for(WHO, scope=Scope.FEDERATION, subject_ref=ACCOUNT)
    once = recognise(token_urlsafe(24), ANNA, route="signals", body=b"{}", status=201)
    await services.signals.add(draft, ANNA, once=once)
    await keep_elsewhere(fleet, ACCOUNT, closed=True)


@pytest.mark.promise("TM-05")
@pytest.mark.embedded
async def test_an_account_is_in_no_file_and_the_cosigned_log_verifies(
    staffed: Fleet,
) -> None:
    base = staffed["a.demo"].base
    await meet(staffed)
    await cosign(staffed)
    earlier = await export(staffed)
    engine, log = LogEngine(base.store), base.trail.log
    head = await engine.head(log)
    before = await asyncio.to_thread(sealed_in, base.place.database)
    names = list(encodings(ACCOUNT.encode()))
    directory = base.place.directory
    async with reader_open(base):
        await erase(staffed)
        assert not await base.store.scrub()
    assert await base.store.scrub()
    gone = before - await asyncio.to_thread(sealed_in, base.place.database)
    found = await asyncio.to_thread(files_with, directory, [*names, *pieces(gone)])
    packs = [earlier, await export(staffed)]
    await cosign(staffed)
    packs.append(await export(staffed))
    reports = [await verified(staffed, pack) for pack in packs]

    assert len(gone) >= 8
    assert found == set()
    for report in reports:
        assert sorted(name for name, _ in report.witnesses) == ["b.demo", "c.demo"]
        assert report.members == 2
    # The node asks for cosignatures by itself too, so the second pack may have more.
    before_it, since, later = (report.cosigned for report in reports)
    assert 0 < before_it <= since < later
    assert reports[1].counts["erased"] > reports[0].counts["erased"]
    assert await engine.root_at(log, head.size) == head.root
    for name in NAMES:
        answer = await staffed[name].services.audits.verify(DORA)
        assert answer.ok, answer


@pytest.mark.embedded
async def test_what_was_erased_would_have_been_found_before(staffed: Fleet) -> None:
    base = staffed["a.demo"].base
    await meet(staffed)
    names = list(encodings(ACCOUNT.encode()))
    sealed = await asyncio.to_thread(sealed_in, base.place.database)
    directory = base.place.directory
    found = await asyncio.to_thread(files_with, directory, list(pieces(sealed)))

    assert found & {"store.db", "store.db-wal"}
    assert await asyncio.to_thread(files_with, directory, names)


@pytest.mark.embedded
async def test_a_revoked_identifier_is_in_no_file_of_any_member(
    staffed: Fleet,
) -> None:
    signal = await staffed.publish(WHO)
    signals = staffed["a.demo"].services.signals
    rejected = request_for(REFUSED, scope=Scope.FEDERATION)
    answer = await signals.add_many(ImportRequest(signals=[rejected]), ANNA)
    assert answer.problems
    tokens = {name: await merged(staffed, name, signal) for name in NAMES}
    sealed = {
        name: await asyncio.to_thread(sealed_in, staffed[name].base.place.database)
        for name in NAMES
    }
    await staffed.revoke(signal, by=("b.demo", "c.demo"))
    for name in NAMES:
        base, directory = staffed[name].base, staffed[name].base.place.directory
        assert await base.store.scrub()
        gone = sealed[name] - await asyncio.to_thread(sealed_in, base.place.database)
        wanted = list(pieces(gone))
        for text in (WHO, FOLDED, REFUSED):
            wanted += encodings(text.encode())

        assert gone, name
        assert await asyncio.to_thread(files_with, directory, wanted) == set(), name
    staffed.clock.advance(YEARS)  # the token stays until then (threat model)
    for name in NAMES:
        base, directory = staffed[name].base, staffed[name].base.place.directory
        await expire_signals(staffed[name].desk)
        await asyncio.to_thread(base.lists.tokens.merge, full=True)
        assert await base.store.scrub()

        assert await asyncio.to_thread(files_with, directory, tokens[name]) == set()


@pytest.mark.promise("LR-19")
@pytest.mark.embedded
async def test_what_was_granted_is_in_no_file_of_any_member(staffed: Fleet) -> None:
    base, services = staffed["a.demo"].base, staffed["a.demo"].services
    shared = request_for(WHO, scope=Scope.FEDERATION, subject_ref=ACCOUNT)
    draft = await services.signals.add(shared, ANNA)
    assert (await services.signals.approve([draft.signal], RITA)).approved
    await staffed.level("a.demo", ("b.demo", "c.demo"))
    await services.signals.add(request_for(WHO, subject_ref=ACCOUNT), ANNA)
    question = Question(kind=Kind.EMAIL, value=WHO)
    asking = LookupRequest(
        questions=[question], purpose=Purpose.SIGNUP_CHECK, subject_ref=ACCOUNT
    )
    assert len((await services.lookups.lookup(asking, BOT)).matches) == 2
    tokens = {name: await merged(staffed, name, draft.signal) for name in NAMES}
    sealed = {
        name: await asyncio.to_thread(sealed_in, staffed[name].base.place.database)
        for name in NAMES
    }
    engine, log = LogEngine(base.store), base.trail.log
    head = await engine.head(log)
    opening = NewRightsRequest(
        kind=RequestKind.ERASURE,
        about=question,
        control="identity_document",
        subject_ref=ACCOUNT,
    )
    opened = await Vouched(staffed, "a.demo").open(opening, DORA)
    sealed["a.demo"] |= await asyncio.to_thread(sealed_in, base.place.database)
    act = await services.requests.grant(opened.request, "decision-3", DORA)
    approvals = services.staff.approvals
    await approvals.approve(act.act, bytes.fromhex(act.digest), RUTH)
    await staffed.level("a.demo", ("b.demo", "c.demo"))
    for name in NAMES:
        here = staffed[name].base
        if name != "a.demo":  # whose grant has left no file behind; a daily duty there
            await asyncio.to_thread(here.lists.tokens.merge, full=True)
            assert await here.store.scrub()
        kept = await asyncio.to_thread(sealed_in, here.place.database)
        gone = sealed[name] - kept
        wanted = [*tokens[name], *pieces(gone)]
        for text in (WHO, FOLDED, ACCOUNT):
            wanted += encodings(text.encode())
        directory = here.place.directory

        assert gone, name
        assert await asyncio.to_thread(files_with, directory, wanted) == set(), name
        answer = await staffed[name].services.audits.verify(DORA)
        assert answer.ok, answer
    assert await engine.root_at(log, head.size) == head.root
    await verified(staffed, await export(staffed))


@pytest.mark.embedded
async def test_a_node_that_dies_after_a_grant_still_clears_its_index(
    staffed: Fleet,
) -> None:
    signal = await staffed.publish(WHO)
    token = await merged(staffed, "a.demo", signal)
    node = staffed["a.demo"]
    opening = NewRightsRequest(
        kind=RequestKind.ERASURE,
        about=Question(kind=Kind.EMAIL, value=WHO),
        control="identity_document",
    )
    opened = await Vouched(staffed, "a.demo").open(opening, DORA)
    act = await node.services.requests.grant(opened.request, "decision-3", DORA)
    effect = node.services.staff.approvals.effects[Act.REQUEST_GRANT]
    content = json.dumps(act.content).encode()
    people = Person("dora", Role.DPO), Person("ruth", Role.REVIEWER)
    # What memory would learn then is lost, as with a kill.
    await node.base.store.write(lambda tx: effect.carry_out(tx, content, *people))
    await staffed.stop("a.demo")
    await staffed.start("a.demo")
    base = staffed["a.demo"].base
    before = await asyncio.to_thread(files_with, base.place.directory, token)
    await purge_erased(staffed["a.demo"].desk)
    assert await base.store.scrub()

    assert any(name.endswith(".segment") for name in before)
    assert await asyncio.to_thread(files_with, base.place.directory, token) == set()
