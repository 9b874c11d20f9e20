# SPDX-License-Identifier: Apache-2.0
"""What a node answers to members, and to those who are none."""

from datetime import timedelta
from secrets import token_bytes

import pytest
from tests.support.fleet import FEDERATION, Fleet
from tests.support.members import fetched
from tests.support.origin import WHO, Origin

from fedsafe_crypto.oprf.threshold import Generation
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.primitives.ristretto import multiply_base, random_scalar
from fedsafe_crypto.tlog.checkpoint import open_checkpoint
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_federation.errors import StaleStatementError, UntrustedError
from fedsafe_federation.evaluation.statements import open_answer, sign_request
from fedsafe_federation.exchange import signed_requests as requests
from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_federation.wire.bulk import MAGIC
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import (
    Kind,
    Poke,
)
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NodeError,
    StoreFailedError,
    WrongStateError,
)
from fedsafe_node.store.peering_rows import Side
from fedsafe_node.store.rows import StoreTrouble, Trouble
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.vocabulary import EvaluationPurpose

NEWEST = Generation(1, 1)


def ask(  # noqa: PLR0913 - what a test wants otherwise
    fleet: Fleet,
    origin: Origin,
    *,
    count: int = 1,
    sender: str = "a.demo",
    key: SigningKey | None = None,
    generation: Generation = NEWEST,
    purpose: EvaluationPurpose = EvaluationPurpose.LOOKUP,
) -> Signed:
    now = fleet.clock.now()
    return sign_request(
        [multiply_base(random_scalar()) for _ in range(count)],
        sender=sender,
        receiver="b.demo",
        generation=generation,
        nonce=token_bytes(16),
        now=now,
        deadline=now + timedelta(seconds=30),
        key=key or origin.keys.statement,
        federation=FEDERATION,
        purpose=purpose,
    )


def signed(fleet: Fleet, origin: Origin) -> requests.Request:
    """Sign a feed request of a.demo to b.demo."""
    sent = requests.Request("GET", "https://b.demo/v1/feed/b.demo/records?since=0")
    requests.sign_request(
        sent,
        body=None,
        signer="a.demo",
        destination="b.demo",
        key=origin.keys.transport,
        now=fleet.clock.now(),
        nonce=token_bytes(16).hex(),
    )
    return sent


def authenticated(fleet: Fleet, sent: requests.Request) -> str:
    _, _, target = sent.url.partition("://")
    return fleet["b.demo"].services.peering.authenticate(
        method=sent.method,
        target=f"/{target.partition('/')[2]}",
        headers=dict(sent.headers),
        body=b"",
    )


@pytest.fixture
async def origin(fleet: Fleet) -> Origin:
    """Take the keys of a.demo, and run b.demo."""
    await fleet.start("b.demo")
    return await Origin(fleet).load()


def request(
    *, since: int = 0, known: int = 0, restrictions: int = 0, limit: int = 100
) -> FeedRequest:
    return FeedRequest("a.demo", since, known, restrictions, limit)


# --- evaluations


@pytest.mark.parametrize("count", [1, 20])
async def test_a_member_is_answered_in_its_generation(
    fleet: Fleet, origin: Origin, count: int
) -> None:
    asked = ask(fleet, origin, count=count)
    answer = await fleet["b.demo"].services.peering.evaluate(asked)
    opened = open_answer(
        answer,
        request=asked,
        sender="b.demo",
        me="a.demo",
        charter=origin.membership.charter,
    )

    assert opened.generation == Generation(1, 1)
    assert len(opened.elements) == count


async def test_evaluations_are_audited_as_sums(fleet: Fleet, origin: Origin) -> None:
    peering = fleet["b.demo"].services.peering
    for count in (1, 3):
        await peering.evaluate(ask(fleet, origin, count=count))
    await fleet.stop("b.demo")
    await fleet.start("b.demo")
    (event,) = await fleet.audit("b.demo", "evaluation.served")

    assert event.openings["detail"] == (
        b'{"peer":"a.demo","kind":"lookup","elements":4}'
    )


async def test_nothing_is_evaluated_while_nothing_can_be_written(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = fleet["b.demo"]
    full = StoreTrouble(kind=Trouble.FULL, since=0)

    monkeypatch.setattr(node.base.store, "trouble", lambda: full)
    with pytest.raises(StoreFailedError):
        await node.services.peering.evaluate(ask(fleet, origin))
    monkeypatch.undo()
    await node.peering.audit_evaluations()

    assert not await fleet.audit("b.demo", "evaluation.served")


async def test_sums_that_could_not_be_kept_are_counted_on(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = fleet["b.demo"]
    await node.services.peering.evaluate(ask(fleet, origin))

    async def fail(_act: object) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(node.base.store, "write", fail)
    with pytest.raises(StoreFailedError):
        await node.peering.audit_evaluations()
    monkeypatch.undo()
    await node.services.peering.evaluate(ask(fleet, origin))
    await node.peering.audit_evaluations()
    await node.peering.audit_evaluations()
    (event,) = await fleet.audit("b.demo", "evaluation.served")

    assert b'"elements":2' in event.openings["detail"]


async def test_who_is_no_member_is_not_answered(fleet: Fleet, origin: Origin) -> None:
    peering = fleet["b.demo"].services.peering
    stranger = ask(fleet, origin, sender="x.demo")
    forged = ask(fleet, origin, key=SigningKey.generate())

    for asked in (stranger, forged):
        with pytest.raises(UntrustedError):
            await peering.evaluate(asked)


async def test_a_replayed_or_late_request_is_refused(
    fleet: Fleet, origin: Origin
) -> None:
    peering = fleet["b.demo"].services.peering
    asked = ask(fleet, origin)
    await peering.evaluate(asked)
    late = ask(fleet, origin)
    with pytest.raises(StaleStatementError):
        await peering.evaluate(asked)
    fleet.clock.advance(timedelta(seconds=31))

    with pytest.raises(StaleStatementError):
        await peering.evaluate(late)


async def test_a_restart_makes_no_request_count_twice(
    fleet: Fleet, origin: Origin
) -> None:
    asked, sent = ask(fleet, origin), signed(fleet, origin)
    await fleet["b.demo"].services.peering.evaluate(asked)
    assert authenticated(fleet, sent) == "a.demo"
    await fleet.stop("b.demo")
    fleet.clock.advance(timedelta(seconds=2))
    await fleet.start("b.demo")

    with pytest.raises(StaleStatementError):
        await fleet["b.demo"].services.peering.evaluate(asked)
    with pytest.raises(StaleStatementError):
        authenticated(fleet, sent)

    await fleet["b.demo"].services.peering.evaluate(ask(fleet, origin))
    assert authenticated(fleet, signed(fleet, origin)) == "a.demo"


async def test_a_request_of_another_generation_is_refused(
    fleet: Fleet, origin: Origin
) -> None:
    peering = fleet["b.demo"].services.peering

    with pytest.raises(StaleStatementError):
        await peering.evaluate(ask(fleet, origin, generation=Generation(1, 2)))
    with pytest.raises(WrongStateError):
        await peering.evaluate(ask(fleet, origin, generation=Generation(2, 1)))


async def test_what_is_not_evaluated_for_its_generation_is_not_charged(
    fleet: Fleet, origin: Origin
) -> None:
    node = fleet["b.demo"]
    with pytest.raises(StaleStatementError):
        await node.services.peering.evaluate(
            ask(fleet, origin, generation=Generation(1, 2))
        )

    rows = await node.base.store.scan(lambda r: r.all_leased(0, 1 << 40))
    assert [row for row in rows if row.side is Side.ANSWERED] == []


async def test_behind_a_closed_gate_a_persons_request_is_evaluated(
    fleet: Fleet, origin: Origin
) -> None:
    node = fleet["b.demo"]
    node.base.situation.policy = shipped("strict")
    for purpose in (EvaluationPurpose.LOOKUP, EvaluationPurpose.PUBLISHING):
        with pytest.raises(DeniedError):
            await node.services.peering.evaluate(ask(fleet, origin, purpose=purpose))
    answer = await node.services.peering.evaluate(
        ask(fleet, origin, purpose=EvaluationPurpose.RIGHTS)
    )

    assert answer.signer == "b.demo"


async def test_behind_a_closed_gate_nothing_is_evaluated(
    fleet: Fleet, origin: Origin
) -> None:
    node = fleet["b.demo"]
    node.base.situation.policy = shipped("strict")

    with pytest.raises(DeniedError):
        await node.services.peering.evaluate(ask(fleet, origin))


async def test_a_node_alone_evaluates_nothing(
    alone: Fleet, fleet: Fleet, origin: Origin
) -> None:
    with pytest.raises(WrongStateError):
        await alone["a.demo"].services.peering.evaluate(ask(fleet, origin))


async def test_a_peer_that_answers_wrongly_is_named_and_another_is_asked(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    shares = trio["b.demo"].base.situation.shared
    assert shares is not None
    honest = shares.membership.shares[1]
    object.__setattr__(honest, "secret", random_scalar())  # after it was checked
    results: list[Result] = []
    while not (reports := await trio.audit("c.demo", "evaluation.wrong_answer")):
        who = f"p{len(results)}@mail.example"  # chance says whom it asks
        results.append((await trio.look_up("c.demo", who)).result)

    assert set(results) == {Result.NONE}
    assert len(reports) == 1
    assert all(b'"peer":"b.demo"' in each.openings["detail"] for each in reports)
    assert (await trio.look_up("c.demo", WHO)).result is Result.REVIEW


# --- pokes


@pytest.mark.usefixtures("origin")
async def test_a_member_pokes_for_itself_only(fleet: Fleet) -> None:
    peering = fleet["b.demo"].services.peering
    await peering.poked(Poke(origin="a.demo", size=1), "a.demo")
    await peering.poked(Poke(origin="x.demo", size=1), "x.demo")

    with pytest.raises(BadRequestError):
        await peering.poked(Poke(origin="c.demo", size=1), "a.demo")


@pytest.mark.promise("LR-28")
@pytest.mark.usefixtures("origin")
async def test_a_request_without_a_members_signature_is_refused(fleet: Fleet) -> None:
    peering = fleet["b.demo"].services.peering

    with pytest.raises(UntrustedError):
        peering.authenticate(method="GET", target="/v1/feed", headers={}, body=b"")


# --- the feed


async def test_the_feed_is_served_with_an_event_that_names_its_receiver(
    trio: Fleet,
) -> None:
    await trio.stop("c.demo")
    await trio.publish(WHO, by=("b.demo",))
    await trio.publish("ab" * 32, Kind.SHA256, by=("b.demo",))
    data = await trio["a.demo"].services.peering.feed(request(), "c.demo")
    batch = decode_batch("a.demo", data)
    event = (await trio.audit("a.demo", "feed.served"))[-1]

    assert [line.index for line in batch.records] == [0, 1]
    assert all(line.opening for line in batch.records)
    assert event.openings["detail"] == (
        b'{"peer":"c.demo","since":0,"records":2,"openings":2}'
    )


async def test_a_batch_without_openings_needs_no_event(trio: Fleet) -> None:
    before = len(await trio.audit("a.demo", "feed.served"))
    await trio["a.demo"].services.peering.feed(request(), "c.demo")

    assert len(await trio.audit("a.demo", "feed.served")) == before


async def test_pages_and_erased_marks_lead_to_the_same_tree(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.publish("ab" * 32, Kind.SHA256)
    await trio.revoke(signal, by=["b.demo"])
    peering = trio["a.demo"].services.peering
    first = decode_batch("a.demo", await peering.feed(request(limit=1), "c.demo"))
    rest = decode_batch(
        "a.demo", await peering.feed(request(since=1, known=3, limit=9), "c.demo")
    )

    assert [line.erased for line in first.records] == [True]
    assert first.records[0].opening is None
    assert first.trailer.next == 1
    assert first.trailer.extends
    assert [line.index for line in rest.records] == [1, 2]
    assert len(first.restrictions) == 1


async def test_a_long_feed_is_read_away_from_the_loop(trio: Fleet) -> None:
    for number in range(70):
        await trio.publish(f"{number:064x}", Kind.SHA256, by=())
    await trio.level("a.demo", ["b.demo"])
    data = await trio["a.demo"].services.peering.feed(request(), "c.demo")

    assert len(decode_batch("a.demo", data).records) == 70


async def test_a_long_feed_is_fetched_in_bulk_from_its_origin_and_from_a_copy(
    trio: Fleet,
) -> None:
    for number in range(70):
        await trio.publish(f"{number:064x}", Kind.SHA256, by=())
    await trio.level("a.demo", ["b.demo"])
    shared = trio["c.demo"].base.situation.shared
    assert shared is not None
    a, b = (shared.membership.charter.member(name) for name in ("a.demo", "b.demo"))
    origin = await fetched(trio["c.demo"].client, a, request())
    copy = await fetched(trio["c.demo"].client, b, request())

    assert origin.startswith(MAGIC)
    assert copy.startswith(MAGIC)
    assert len(decode_batch("a.demo", origin).records) == 70
    assert len(decode_batch("a.demo", copy).records) == 70


async def test_no_batch_leaves_without_its_durable_event(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trio.publish(WHO)
    node = trio["a.demo"]

    async def fail(_act: object) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(node.base.store, "write", fail)
    with pytest.raises(StoreFailedError):
        await node.services.peering.feed(request(), "c.demo")
    monkeypatch.undo()


async def test_the_guard_is_written_before_a_checkpoint_leaves(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = trio["a.demo"]
    await trio.publish(WHO)
    kept = node.base.guard.kept("a.demo/feed")
    data = await node.services.peering.feed(request(), "c.demo")
    verifier = VerifierKey.of("a.demo/feed", node.base.keys.feed.public)
    note = decode_batch("a.demo", data).trailer.checkpoint
    left = open_checkpoint(note.encode(), verifier)

    assert kept is not None
    assert (kept.size, kept.root) == (left.size, left.root.hex())

    def fail(_log: str, _size: int, _root: bytes, **_more: int) -> None:
        raise NodeError("the disk is full")

    await trio.stop("b.demo", "c.demo")
    monkeypatch.setattr(node.base.guard, "keep", fail)
    await trio.publish("ab" * 32, Kind.SHA256, by=())
    with pytest.raises(NodeError, match="full"):
        await node.feed.sign_feed()
    trailer = decode_batch(
        "a.demo", await node.services.peering.feed(request(), "c.demo")
    ).trailer

    assert open_checkpoint(trailer.checkpoint.encode(), verifier) == left
    assert trailer.waiting == 1


@pytest.mark.parametrize(
    "wrong",
    [
        request(since=9),
        request(since=-1),
        request(known=9),
        request(limit=0),
        request(limit=5_001),
    ],
)
async def test_a_position_or_limit_out_of_bounds_is_refused(
    trio: Fleet, wrong: FeedRequest
) -> None:
    with pytest.raises(BadRequestError):
        await trio["a.demo"].services.peering.feed(wrong, "c.demo")
